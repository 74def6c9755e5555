from __future__ import annotations

import pytest

from lawui.retrieval.citations import Citation, LawNames, Place, definitions, parse

ACT, DECREE, ORDINANCE = "323AC0000000025", "340CO0000000321", "405M50000040014"
LEASE, DRUGS = "403AC0000000090", "335AC0000000145"
TITLES = {
    ACT: "金融商品取引法",
    DECREE: "金融商品取引法施行令",
    ORDINANCE: "金融商品取引法第二条に規定する定義に関する内閣府令",
    LEASE: "借地借家法",
    DRUGS: "医薬品、医療機器等の品質、有効性及び安全性の確保等に関する法律",
}
NAMES = LawNames(TITLES, {DECREE: {"法": ACT}, ORDINANCE: {"法": ACT, "令": DECREE}})


def places(text: str, here: Place | None = None) -> list[tuple[str, str, str, str, str]]:
    return [
        (c.law_id or c.law, c.article, c.paragraph, c.item, c.sub_item)
        for c in parse(text, NAMES, here)
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("金融商品取引法第五条の二第三項第一号", (ACT, "5_2", "3", "1", "")),
        ("金融商品取引法第５条の２第３項第１号", (ACT, "5_2", "3", "1", "")),
        ("金商法5条の2", (ACT, "5_2", "", "", "")),
        ("金商法 第27条の22の2 第1項", (ACT, "27_22_2", "1", "", "")),
        ("薬機法第六十八条の十第二項", (DRUGS, "68_10", "2", "", "")),
        ("定義府令第十条第一項第二十三号の二イ", (ORDINANCE, "10", "1", "23_2", "イ")),
        ("金融商品取引法（昭和二十三年法律第二十五号）第四条", (ACT, "4", "", "", "")),
        ("借地借家法第38条1項", (LEASE, "38", "1", "", "")),
        ("会社法第二条第三号", ("会社法", "2", "", "3", "")),
        ("開示府令第8条", ("企業内容等の開示に関する内閣府令", "8", "", "", "")),
    ],
)
def test_one_citation(text: str, place: tuple[str, ...]) -> None:
    assert places(f"次のうち、{text}に規定するもの") == [place]


def test_a_law_outside_the_library_has_no_id_and_keeps_its_name() -> None:
    (found,) = parse("民法第六百一条", NAMES)
    assert (found.law_id, found.law) == ("", "民法")


def test_offsets_name_the_written_citation() -> None:
    text = "なお、金商法第5条の2第3項第1号による。"
    (found,) = parse(text, NAMES)
    assert text[found.start : found.end] == "第5条の2第3項第1号"


def test_a_law_whose_name_holds_an_article() -> None:
    text = "金融商品取引法第二条に規定する定義に関する内閣府令第16条第1項"
    assert places(text) == [(ORDINANCE, "16", "1", "", "")]


def test_joined_articles_share_the_law() -> None:
    found = places("金商法第5条第1項及び第6条、第7条の2から第9条まで")
    assert [p[:2] for p in found] == [(ACT, "5"), (ACT, "6"), (ACT, "7_2"), (ACT, "9")]


def test_same_article_takes_the_article_before_it() -> None:
    assert places("借地借家法第10条第1項は、同条第2項と") == [
        (LEASE, "10", "1", "", ""),
        (LEASE, "10", "2", "", ""),
    ]


def test_an_article_alone_takes_the_only_law_that_the_question_names() -> None:
    assert places("借地借家法について正しいもの\n第30条により無効")[0][:2] == (LEASE, "30")
    assert places("第30条により無効")[0][:2] == ("", "30")


def test_in_a_library_of_one_law_an_article_alone_is_that_laws() -> None:
    (found,) = parse("第三条の二", LawNames({"x": "灯浦市条例"}))
    assert (found.law_id, found.article) == ("x", "3_2")


def test_short_names_mean_what_the_law_defines() -> None:
    here = Place(ORDINANCE, "1", "1")
    assert places("法第四条第一項に規定する令第一条", here)[:2] == [
        (ACT, "4", "1", "", ""),
        (DECREE, "1", "", "", ""),
    ]


def test_a_generic_name_that_nobody_defined_is_not_guessed() -> None:
    assert places("令第一条", Place(DECREE, "3")) == [("令", "1", "", "", "")]
    assert places("府令第一条", Place(DECREE, "3")) == [("府令", "1", "", "", "")]


def test_within_a_law_an_article_alone_is_its_own() -> None:
    here = Place(LEASE, "5", "2", before="4", after="6")
    text = "第三条、前条第一項、次条及び前項の規定"
    assert places(text, here) == [
        (LEASE, "3", "", "", ""),
        (LEASE, "4", "1", "", ""),
        (LEASE, "6", "", "", ""),
        (LEASE, "5", "1", "", ""),
    ]


def test_a_supplementary_article_is_not_the_main_provision() -> None:
    (found,) = parse("借地借家法附則第4条", NAMES)
    assert (found.law_id, found.article, found.supplementary) == (LEASE, "4", True)


def test_definitions_are_read_from_the_text() -> None:
    text = (
        "金融商品取引法（昭和二十三年法律第二十五号。以下「法」という。）第二条、"
        "金融商品取引法施行令（以下「令」という。）、会社法（平成十七年法律第八十六号。"
        "以下この条において「会社法」という。）、電磁的方法（以下「方法」という。）"
    )
    assert definitions(text, TITLES) == {"法": ACT, "令": DECREE, "会社法": "会社法"}


@pytest.mark.parametrize(
    "text", ["", "条", "第条", "一条の光", "第" * 5_000, "（" * 5_000 + "第一条"]
)
def test_odd_text_is_harmless(text: str) -> None:
    assert all(isinstance(c, Citation) for c in parse(text, NAMES))


def test_laws_mentioned_without_an_article() -> None:
    assert NAMES.mentioned("金商法施行令と借地借家法") == {DECREE, LEASE}
