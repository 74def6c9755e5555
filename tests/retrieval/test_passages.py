from __future__ import annotations

import pytest

from lawui.retrieval.passages import (
    LONGEST,
    article_text,
    kanji_number,
    passages,
    place_number,
    split_paragraph,
)
from lawui.types import Article

from .makers import article

ITEMS = (
    "次の各号のいずれかに該当する者は、届け出なければならない。\n"
    "一　" + "あ" * 400 + "\n"
    "二　次に掲げる者\n"
    "  イ　" + "い" * 500 + "\n"
    "  ロ　" + "う" * 500 + "\n"
    "二の二　" + "え" * 100
)


@pytest.mark.parametrize(
    ("written", "number"),
    [("一", 1), ("十", 10), ("二十三", 23), ("百二", 102), ("二〇", 20), ("千九百八十七", 1987)],
)
def test_kanji_numbers(written: str, number: int) -> None:
    assert kanji_number(written) == number


def test_branch_numbers() -> None:
    assert place_number("二十七の二の十一") == "27_2_11"


def test_a_short_paragraph_is_one_passage_with_its_items() -> None:
    short = article("次の者をいう。\n一　甲\n二　乙", "第二項。")
    first, second = passages(short)
    assert first.text == "次の者をいう。\n一　甲\n二　乙"
    assert (first.paragraph, first.item, first.part) == ("1", "", "")
    assert second.citation() == "試験法第1条第2項"


def test_an_article_of_one_paragraph_is_cited_without_it() -> None:
    (only,) = passages(article("この条のみ。", number="27_2"))
    assert only.single_paragraph
    assert only.citation() == "試験法第27条の2"


def test_a_long_paragraph_is_split_at_its_items_and_sub_items() -> None:
    found = passages(article(ITEMS, "続く項。"))
    places = [(p.paragraph, p.item, p.sub_item, p.part) for p in found]
    assert places == [
        ("1", "", "", "柱書"),
        ("1", "1", "", ""),
        ("1", "2", "", "柱書"),
        ("1", "2", "イ", ""),
        ("1", "2", "ロ", ""),
        ("1", "2_2", "", ""),
        ("2", "", "", ""),
    ]
    assert found[3].citation() == "試験法第1条第1項第2号イ"
    assert found[5].citation() == "試験法第1条第1項第2号の2"


def test_a_long_paragraph_without_items_is_split_at_its_proviso() -> None:
    text = "あ" * 600 + "。ただし、" + "い" * 600 + "。"
    main, proviso = passages(article(text))
    assert (main.part, proviso.part) == ("本文", "ただし書")
    assert proviso.text.startswith("ただし、")


def test_a_second_sentence_of_its_own_is_split_off() -> None:
    text = "あ" * 600 + "。この場合において、" + "い" * 600 + "。"
    assert [p.part for p in passages(article(text))] == ["前段", "後段"]


def test_text_without_any_break_is_still_cut() -> None:
    pieces = split_paragraph("字" * 100_000)
    assert max(p.end - p.start for p in pieces) <= 2 * LONGEST


def test_an_empty_article_has_no_passages() -> None:
    assert passages(article()) == []
    assert passages(article("", "　\n")) == []


@pytest.mark.parametrize("long", [ITEMS, "字" * 5_000, "行\n" * 3_000, "文。" * 2_000])
def test_pieces_cover_the_paragraph_without_overlap(long: str) -> None:
    pieces = split_paragraph(long)
    assert "".join(long[p.start : p.end] for p in pieces) == long


def test_every_passage_is_the_text_at_its_offsets(articles: list[Article]) -> None:
    seen = set()
    for one in [*articles, article(ITEMS, "続く項。", "字" * 9_000)]:
        whole = article_text(one)
        covered = 0
        for passage in passages(one):
            assert whole[passage.start : passage.end] == passage.text
            assert passage.start >= covered
            assert not whole[covered : passage.start].strip()
            covered = passage.end
            seen.add(passage.id)
        assert not whole[covered:].strip()
    assert len(seen) == sum(len(passages(a)) for a in articles) + len(
        passages(article(ITEMS, "続く項。", "字" * 9_000))
    )
