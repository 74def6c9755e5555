"""What people take home: CSV, JSON, the HTML page and the plots."""

from __future__ import annotations

import csv
import io
import json
import re
import string
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from scoring_samples import make_answer, make_question, make_run, wrong

from lawui.errors import message
from lawui.scoring import report
from lawui.scoring.plots import _cut
from lawui.scoring.report_text import TEXT, text
from lawui.types import EVIDENCES

NASTY = '<script>alert("x")</script>&amp;'
LANGUAGES = ("ja", "en")


def cells(count: int = 2, *, orders: int = 1, **values):
    """Cells of growing skill over twelve questions, whose stems and choices are nasty."""
    questions = [
        replace(
            make_question(i, order=k, context="第1条　文"), stem=f"{NASTY} 問{i}", law="<b>法</b>"
        )
        for i in range(12)
        for k in range(orders)
    ]
    made = []
    for c in range(count):
        answers = {
            q.id: make_answer(q, q.gold if i % (c + 2) else wrong(q.gold))
            for i, q in enumerate(questions)
        }
        fields = {"evidence": EVIDENCES[c % 3], "created": f"2026-01-0{c + 1}T00:00:00", **values}
        run = make_run(questions, f"run-{c}", **fields)
        provenance = {"model": NASTY, "licence": "Apache-2.0", "versions": {"torch": "2"}}
        made.append((report.cell(run, questions, answers, {"g0"}, provenance), answers))
    entries = [report.Entry(cell.run, answers) for cell, answers in made]
    return [cell for cell, _ in made], report.compare_all(entries, questions)


class Page(HTMLParser):
    """Reads a page and remembers its tags, attributes and whether it was well nested."""

    VOID = ("meta", "br", "img", "link", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(k, v or "") for k, v in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(k, v or "") for k, v in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("count", "orders"), [(1, 1), (2, 4), (3, 1), (5, 1)])
def test_the_page_is_whole_safe_and_fetches_nothing(lang, count, orders):
    made, comparisons = cells(count, orders=orders)
    page = Page(html := report.to_html(made, lang, comparisons))
    assert "script" not in page.tags and "b" in page.tags
    assert NASTY in page.words, "the text of a question is shown as text"
    assert html.count("<script") == 0
    addresses = [v for k, v in page.attributes if k in ("src", "href", "action", "xlink:href")]
    assert addresses == []
    assert re.findall(r"https?://[^\"' ]+", html) == ["http://www.w3.org/2000/svg"] * (
        1 + 3 * count
    )
    assert "url(" not in html and "@import" not in html
    assert page.tags.count("svg") == 1 + 3 * count
    assert f'lang="{lang}"' in html and "None" not in page.words and "nan" not in html


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_says_the_headline_the_doubt_and_the_origin(lang):
    made, comparisons = cells(2, orders=4)
    page = Page(report.to_html(made, lang, comparisons))
    for cell in made:
        assert cell.figures[f"verdict_{lang}"] in page.words
        assert f"{100 * cell.figures['accuracy']:.1f} %" in page.words
        assert cell.run.dataset_sha in page.words and cell.run.id in page.words
    assert comparisons[0][f"verdict_{lang}"] in page.words
    for flip in comparisons[0]["flips"]:
        assert flip["id"] in page.words
    for word in ("Apache-2.0", "torch 2", text("evidence.none", lang)):
        assert word in page.words
    other = "en" if lang == "ja" else "ja"
    assert text("report.title", other) not in page.words


@pytest.mark.parametrize("lang", LANGUAGES)
def test_of_many_comparisons_the_page_begins_with_those_that_tell(lang):
    made, comparisons = cells(5, orders=4)
    comparisons = [dict(c) for c in comparisons]
    assert len(comparisons) == 10
    for c in comparisons:
        c["verdict"] = "not_distinguishable"
    comparisons[3]["verdict"] = "b_better"
    comparisons[3][f"verdict_{lang}"] = "THE ONE THAT TELLS"
    words = Page(report.to_html(made, lang, comparisons)).words
    assert text("report.told_apart", lang, n=10, told=1) in words
    assert words.count("THE ONE THAT TELLS") == 1
    assert words.count(text("word.b_better", lang)) == 1
    assert words.count(text("word.not_distinguishable", lang)) >= 9
    assert comparisons[0][f"verdict_{lang}"] not in words


@pytest.mark.parametrize("count", [2, 5])
def test_figures_stand_beside_the_verdict_that_rests_on_them(count):
    made, comparisons = cells(count)
    unseen = {**comparisons[0], "both": 7, "only_a": 71, "only_b": 72, "neither": 73}
    first = {**comparisons[0], "unseen": unseen}
    words = Page(report.to_html(made, "en", [first, *comparisons[1:]])).words
    assert "7 / 71 / 72 / 73" in words


def test_a_long_name_keeps_its_end():
    cut = _cut("selection_randomized-20261127-164355・条文なし", 21)
    assert cut.startswith("sel") and cut.endswith("164355・条文なし") and "…" in cut
    assert _cut("短い名前", 21) == "短い名前"


def test_a_run_without_answers_makes_a_page_too():
    questions = [make_question(0)]
    empty = report.cell(make_run(questions, done=0, state="cancelled"), questions, {})
    for lang in LANGUAGES:
        assert empty.figures[f"verdict_{lang}"] in report.to_html([empty], lang)
    assert report.to_csv([empty]).startswith(b"\xef\xbb\xbf")


def read_csv(data: bytes):
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_csv_opens_in_excel_and_holds_every_item(lang):
    made, _ = cells(2, orders=4)
    rows = read_csv(report.to_csv(made, lang))
    assert len(rows) == 24
    assert rows[0][text("col.stem", lang)] == f"{NASTY} 問0"
    right = sum(r[text("col.right", lang)] == text("word.right", lang) for r in rows[:12])
    assert right == sum(row["right"] for row in made[0].rows)
    assert float(rows[0][text("col.prob_a", lang)]) <= 1
    assert b"\r\n" in report.to_csv(made, lang)


@pytest.mark.parametrize(
    "start",
    ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "＋1", "－1", "＠x", "\t=1", "\r=1", " =1", "\n=1"],
)
def test_no_cell_is_a_formula(start):
    questions = [replace(make_question(0), stem=f"{start}危険", source=f"{start}名")]
    questions[0] = replace(questions[0], choices=(f"{start}い", "ろ", "は", "に"), gold="a")
    answers = {questions[0].id: make_answer(questions[0], "a")}
    cell = report.cell(make_run(questions, adapter=f"{start}adapter"), questions, answers)
    (row,) = read_csv(report.to_csv([cell], "en"))
    assert row["Question"] == f"'{start}危険"
    for value in row.values():
        assert value.strip()[:1] not in tuple("=+-@＝＋－＠")


def test_json_holds_everything_and_is_strict():
    made, comparisons = cells(2, orders=4)
    found = json.loads(report.to_json(made, comparisons), parse_constant=pytest.fail)
    assert found["cells"][0]["summary"]["accuracy"] == made[0].figures["accuracy"]
    assert len(found["cells"][0]["rows"]) == 12
    assert found["cells"][0]["run"]["id"] == "run-0"
    assert found["comparisons"][0]["verdict"] == comparisons[0]["verdict"]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("orders", [1, 4])
def test_figures_are_plain_and_plotly_draws_them(lang, orders):
    import plotly.graph_objects as go

    made, _ = cells(3, orders=orders)
    found = report.figures(made, lang)
    assert set(found) == {"accuracy", "calibration", "abstain", "letters", "laws"}
    json.dumps(found, allow_nan=False)
    for figure in found.values():
        assert len(go.Figure(figure).data) == len(figure["data"]) > 0
    accuracy = found["accuracy"]["data"][0]
    assert accuracy["x"] == [round(100 * c.figures["headline"]["accuracy"], 2) for c in made]
    assert sum(found["letters"]["data"][1]["y"]) == made[0].figures["total"]
    assert len(found["calibration"]["data"]) == 1 + 3 * (2 if orders > 1 else 1)
    assert report.figures([], lang)["letters"]["data"] == []


def test_two_runs_of_one_cell_are_told_apart():
    made, _ = cells(2, evidence="none")
    names = report.figures(made, "ja")["accuracy"]["data"][0]["y"]
    assert len(set(names)) == 2


@pytest.mark.parametrize("key", sorted(TEXT))
def test_every_text_is_there_in_both_languages(key):
    ja, en = TEXT[key]
    fields = [{f for _, f, _, _ in string.Formatter().parse(t) if f} for t in (ja, en)]
    assert ja and en and fields[0] == fields[1]
    assert not re.search(r"[ぁ-んァ-ン一-龥]", en)


def test_importing_the_room_loads_nothing_heavy():
    code = (
        "import sys, lawui.scoring.run, lawui.scoring.report;"
        "print([m for m in ('numpy','scipy','jinja2','torch','plotly','filelock')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_marks_go_home_in_every_kind_of_report(lang):
    (one,), _ = cells(1)
    mark = {
        "user": "花子",
        "mark": "gold_doubtful",
        "comment": "=第2項<b>",
        "created": "2026-01-01T00:00:00+00:00",
    }
    rows = [{**row, "marks": [mark] if i == 0 else []} for i, row in enumerate(one.rows)]
    marked = report.Cell(one.run, one.figures, rows, one.provenance)
    page = report.to_html([marked], lang)
    assert "=第2項&lt;b&gt;" in page and "花子" in page
    assert message("marks.gold_doubtful", lang) + " 1" in page
    table = report.to_csv([marked], lang).decode("utf-8-sig")
    assert message("marks.gold_doubtful", lang) in table and "花子" in table
    assert json.loads(report.to_json([marked]))["cells"][0]["rows"][0]["marks"] == [mark]
