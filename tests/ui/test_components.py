"""What the page draws: escaped, accessible, in plain words."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lawui.types import Answer, Passage, Question
from lawui.ui import components, statutes_panel
from lawui.ui.curve import Series, curve, smoothed

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> ${1+1} {{value}} &amp;"
QUESTION = Question(
    "own-1", "own", "own", 0, EVIL, EVIL, (EVIL, "借地権", "三十年", "二十年"), "a", EVIL
)
PASSAGE = Passage(
    "p1",
    "借地借家法",
    "3",
    "",
    "",
    "",
    "本文",
    "借地権の存続期間は、三十年とする。",
    url="https://laws.e-gov.go.jp/law/403AC0000000090#Mp-Ch_2-Se_1-At_3",
    caption=EVIL,
    asof="2024-12-31",
    single_paragraph=True,
)


def answer(*probs: float, adapter: str = "base") -> Answer:
    a, b, c, d = probs
    choice = "abcd"[probs.index(max(probs))]
    return Answer("q", (a, b, c, d), choice, 0.99, adapter, "none", "sha", 0.5)  # type: ignore[arg-type]


class Elements(HTMLParser):
    """The elements and attributes that a browser would make of a text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "html",
    [
        components.question(QUESTION, "ja", revealed=True),
        components.bars(answer(0.7, 0.1, 0.1, 0.1, adapter=EVIL), "ja", answer(0.1, 0.7, 0.1, 0.1)),
        components.passages([replace(PASSAGE, text=EVIL, law=EVIL, url=EVIL)], EVIL, "ja"),
        components.passages([PASSAGE], EVIL, "en", ["p1"]),
        components.table([EVIL], [["x"]], EVIL),
        components.notice([EVIL, EVIL], "ja"),
        components.empty(EVIL),
        components.facts([(EVIL, EVIL)]),
        components.progress(1, 2, EVIL),
        components.yardstick(0.5, 0.4, 0.6, [(EVIL, 0.25)], "ja"),
        components.marked(EVIL, EVIL),
        curve(EVIL, [Series(EVIL, "lw-line-1", [(0, 1), (1, 2)])], 1, EVIL, level=(EVIL, 1)),
    ],
)
def test_nothing_that_comes_from_outside_becomes_an_element(html: str) -> None:
    found = Elements(html)
    assert not {"script", "img"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]


def test_a_bar_speaks_its_letter_share_and_the_share_before() -> None:
    html = components.bars(answer(0.7, 0.1, 0.15, 0.05), "en", answer(0.2, 0.6, 0.1, 0.1))
    text = Elements(html).text
    assert "Choice a: 70 %(before: 20 %)" in text
    assert html.count("lw-chosen") == 1


def test_the_official_answer_shows_only_when_it_is_given() -> None:
    hidden = components.bars(answer(0.7, 0.1, 0.1, 0.1), "ja")
    shown = components.bars(answer(0.7, 0.1, 0.1, 0.1), "ja", gold="b")
    assert "公式の正解" not in hidden and "公式の正解" in shown
    assert "lw-gold" not in components.question(QUESTION, "ja")
    assert "lw-gold" in components.question(QUESTION, "ja", revealed=True)


@pytest.mark.parametrize(
    ("probs", "words"),
    [
        ((0.9, 0.05, 0.03, 0.02), "hardly hesitates"),
        ((0.05, 0.6, 0.3, 0.05), "leans clearly to b, with some weight on c"),
        ((0.05, 0.1, 0.45, 0.4), "wavers between c and d"),
        ((0.26, 0.25, 0.25, 0.24), "draw of lots"),
    ],
)
def test_sureness_is_said_in_words(probs: tuple[float, ...], words: str) -> None:
    assert words in components.sureness(answer(*probs), "en")


def test_orders_say_whether_the_place_of_a_choice_mattered() -> None:
    a, b = answer(0.7, 0.1, 0.1, 0.1), answer(0.1, 0.7, 0.1, 0.1)
    assert "毎回 a" in components.order_words([a, a, a, a], "ja")
    assert "a が 3 回、b が 1 回" in components.order_words([a, a, b, a], "ja")
    assert "していません" in components.order_words([], "ja")


def test_words_of_the_question_are_marked_and_particles_are_not() -> None:
    html = components.marked("借地権の存続期間は、三十年とする。", "存続期間は三十年か。とする。の")
    assert "<mark>存続期間</mark>" in html and "<mark>三十年</mark>" in html
    assert "<mark>とする" not in html and "<mark>の" not in html


def test_an_item_stands_after_what_it_completes() -> None:
    item = replace(PASSAGE, item="1", text="一　<飲酒>", lead="次の行為を<禁止>する。")
    html = components.statute(item, "")
    lead, text = html.split("</p>")[:2]
    assert "lw-lead" in lead and "次の行為を&lt;禁止&gt;する。" in lead
    assert "lw-lead" not in text and "一　&lt;飲酒&gt;" in text
    assert "lw-lead" not in components.statute(PASSAGE, "")


def test_a_passage_links_to_its_article_at_e_gov_and_nowhere_else() -> None:
    html = components.passages([PASSAGE], "存続期間", "ja")
    links = [v for k, v in Elements(html).attributes if k == "href"]
    assert links == [PASSAGE.url]
    assert ("rel", "noopener noreferrer") in Elements(html).attributes
    assert ("target", "_blank") in Elements(html).attributes
    assert "借地借家法第3条" in html and "2024-12-31" in html
    for url in (
        "javascript:alert(1)",
        "http://laws.e-gov.go.jp/",
        "https://e-gov.go.jp.evil.test/",
        "https://evil.test/#e-gov.go.jp",
        "",
    ):
        assert "<a" not in components.passages([replace(PASSAGE, url=url)], "", "ja")


def test_a_changed_passage_loses_citation_and_link() -> None:
    html = components.passages([replace(PASSAGE, altered=True)], "", "ja")
    assert "【改変した条文】" in html and "<a" not in html and "第3条" not in html


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("ja", "現在の条文はこれと異なります（2026年11月3日に確認）"),
        ("en", "The law in force reads differently (checked on 3 November 2026)"),
    ],
)
def test_a_passage_that_reads_otherwise_today_says_so(lang: str, words: str) -> None:
    known = replace(PASSAGE, outdated=True, checked="2026-11-03")
    for draw in (
        lambda p: components.passages([p], "", lang),
        lambda p: statutes_panel.card(p, "", lang),
    ):
        assert words in Elements(draw(known)).text
        assert "lw-badge" not in draw(PASSAGE)
        assert "lw-badge" not in draw(replace(known, altered=True))
    evil = components.passages([replace(known, checked=EVIL)], "", lang)
    assert "<script" not in evil and "<img" not in evil


def test_a_passage_that_did_not_fit_says_so() -> None:
    assert "見せていません" in components.passages([PASSAGE], "", "ja", ["p1"])
    assert "見せていません" not in components.passages([PASSAGE], "", "ja")


def test_empty_states_say_what_to_do() -> None:
    assert "検索した条文つき" in components.passages([], "", "ja")


def test_a_curve_leaves_out_what_is_not_finite_and_keeps_its_level() -> None:
    points = [(0.0, 1.0), (1.0, float("nan")), (2.0, 0.5)]
    html = curve(
        "t", [Series("loss", "lw-line-1", points, marks=True)], 2, "step", level=("majority", 0.25)
    )
    assert "nan" not in html.lower() and html.count("<circle") == 2
    assert "lw-level" in html and "majority" in html
    assert curve("t", [Series("loss", "lw-line-1", [])], 0, "step")


def test_a_log_scale_gives_equal_ratios_equal_heights() -> None:
    points = [(0.0, 1.0), (1.0, 0.1), (2.0, 0.01), (3.0, 0.0)]
    html = curve("t", [Series("loss", "lw-line-1", points, dots=True)], 3, "step", log=True)
    heights = [float(y) for y in re.findall(r'<circle[^>]* cy="([\d.]+)"', html)]
    assert len(heights) == 3 and "polyline" not in html
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.2)


def test_a_smooth_line_starts_where_the_dots_do() -> None:
    points = [(float(i), 2.0 + (-1) ** i) for i in range(40)]
    line = smoothed([*points, (40.0, float("nan"))])
    assert line[0] == (0.0, 3.0) and len(line) == 40
    assert max(y for _, y in line[20:]) - min(y for _, y in line[20:]) < 0.5


def test_progress_speaks_its_figures() -> None:
    found = Elements(components.progress(3, 12, "3 / 12"))
    assert ("aria-valuenow", "3") in found.attributes and (
        "role",
        "progressbar",
    ) in found.attributes
    assert "width:0.0%" in components.progress(0, 0, "")
