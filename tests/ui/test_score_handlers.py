"""The Score tab's words and tables, without a browser."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from lawui.lab import Lab
from lawui.types import BASE, Mark, ScoreJob, ScoreRun
from lawui.ui import score_tab
from lawui.ui.score_tab import detail, items, matrix, reading, watching

LIMIT = 8


def run_like(id: str, **values: Any) -> ScoreRun:
    fields = {"adapter": BASE, "evidence": "none", "set": "sample", "dataset_sha": "d"}
    fields |= {"model_sha": "m", "state": "done", "created": "2026-01-02T03:04:05+00:00"}
    return ScoreRun(**{**fields, "id": id, "done": 8, "total": 8, **values})  # type: ignore[arg-type]


def figures(**head: Any) -> dict[str, Any]:
    return {"headline": {"accuracy": 0.5, "low": 0.3, "high": 0.7, "basis": "all", "n": 8, **head}}


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"sample-{i:03}-0",
            "source": f"問題{i}",
            "law": "甲<b>条例",
            "stem": f"第{i}問<script>",
            "choice": "a",
            "gold": "ab"[i % 2],
            "right": i % 2 == 0,
            "confidence": 0.5,
            "consistent": i % 3 > 0,
            "cited": 1,
            "found": i % 4,
            "seen": i == 0,
        }
        for i in range(count)
    ]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_cell_says_where_it_stands(lang: str) -> None:
    def told(run_id: str) -> str:
        return "アダプターがありません<b>"

    def html(run: ScoreRun | None, **head: Any) -> str:
        return matrix.cell_html(run, lambda _: figures(**head), told, lang)

    assert html(None) == '<span class="lw-note">–</span>'
    assert 'role="progressbar"' in html(run_like("r", state="running", done=3))
    failed = html(run_like("r", state="failed", done=0))
    assert "lw-state-failed" in failed and "アダプターがありません&lt;b&gt;" in failed
    done = html(run_like("r"))
    assert "50.0 %" in done and "30.0–70.0 %" in done and 'data-open="r"' in done
    assert "lw-badge" not in done
    assert "5" in html(run_like("r"), basis="unseen", n=5) and "lw-badge" in html(
        run_like("r"), basis="all_seen"
    )
    gone = matrix.cell_html(run_like("r"), lambda _: None, told, lang)
    assert "lw-badge" in gone


def test_the_matrix_puts_the_base_first_and_marks_a_changed_set() -> None:
    cells = (run_like("x", adapter="new"), run_like("y"), run_like("z", evidence="given"))
    job = ScoreJob("j", "sample", "2026-01-02T03:04:05+00:00", cells)
    html = matrix.matrix_html(job, lambda _: figures(), False, str, "ja")
    assert html.index("元のモデル") < html.index("<b>new</b>")
    assert "その後変わりました" not in html
    assert "その後変わりました" in matrix.matrix_html(job, lambda _: figures(), True, str, "ja")


def test_progress_tells_the_time_left_and_who_waits() -> None:
    cells = (
        run_like("x", state="running", done=4, seconds=8.0),
        run_like("y", state="queued", done=0),
    )
    job = ScoreJob("j", "sample", "", cells)
    html = matrix.progress_html(job, 2, "ja")
    assert "4 / 16 問" in html and "残り約 24 秒" in html and "2 件" in html
    ended = ScoreJob("j", "sample", "", (run_like("x"),))
    assert matrix.progress_html(ended, 0, "ja") == matrix.stopped_html(ended, "ja") == ""
    cut = ScoreJob("j", "sample", "", (run_like("x", state="interrupted"),))
    assert "くり返さず" in matrix.stopped_html(cut, "ja")


def test_filters_let_through_what_they_say() -> None:
    table = rows(12)
    assert len(items.kept(table, "all", ())) == 12
    assert all(not r["right"] for r in items.kept(table, "wrong", ()))
    assert all(r["right"] for r in items.kept(table, "right", ()))
    assert all(not r["consistent"] for r in items.kept(table, "torn", ()))
    assert [r["found"] for r in items.kept(table, "missed", ())] == [0, 0, 0]
    assert [r["source"] for r in items.kept(table, "seen", ())] == ["問題0"]
    assert [r["source"] for r in items.kept(table, "marked", {"問題7"})] == ["問題7"]


def test_a_thousand_rows_are_drawn_a_page_at_a_time() -> None:
    table = rows(1_000)
    html = items.items_html(table, 950, (), "ja")
    assert html.count("<tr") == items.PAGE + 1 and "1000 問中 951〜1000 問目" in html
    assert "<script>" not in html and "甲&lt;b&gt;条例" in html
    assert items.page_of(table, 10_000) == 950 and items.page_of(table, -50) == 0
    assert items.page_of([], 50) == 0
    assert "当てはまる問題" in items.items_html([], 0, (), "ja")


def test_stepping_goes_around_the_end_and_starts_at_the_first() -> None:
    assert reading.beside(["a", "b", "c"], "c", 1) == "a"
    assert reading.beside(["a", "b", "c"], "a", -1) == "c"
    assert reading.beside(["a", "b"], "gone", 1) == "a" and reading.beside([], "a", 1) is None


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_marks_are_shown_with_who_made_them(lang: str) -> None:
    mark = Mark("花子", "問題1", "q", "s", BASE, "none", "a", "b", "statute_changed", "<i>改正", "")
    html = items.marks_html([mark], lang)
    assert "花子" in html and "&lt;i&gt;改正" in html
    assert items.marks_html([], lang) == ""
    assert "2" in items.counts_html({"agree": 2, "disagree": 0}, lang)


@pytest.fixture(scope="module")
def job(lab: Lab) -> ScoreJob:
    runs = lab.score_start("sample_test", ["none", "retrieved"], [BASE], LIMIT)
    for run in runs:
        lab.score_wait(run)
    return lab.score_job(lab.score_status(runs[0]).job)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_score_is_drawn_once_and_again_only_when_something_changes(
    lab: Lab, job: ScoreJob, lang: str
) -> None:
    view = score_tab.View(job=job.id, run=job.cells[1].id)
    drawn = dict(
        zip([f for f in vars(watching.Shown)["__dataclass_fields__"] if f != "only"],
            score_tab.watch(lab, lang, view) or [], strict=True)
    )  # fmt: skip
    assert score_tab.watch(lab, lang, view, drawn["seen"]) is None
    words = detail.say("score.found", lang)
    assert words in drawn["summary"] and drawn["plots"].count("<svg") == 3
    assert drawn["plot"].count("<svg") == 1 and drawn["pairs"].count("data-open") == 1
    run = job.cells[1]
    assert all(sha in drawn["by"] for sha in (run.model_sha, run.prompt_sha, run.dataset_sha[:16]))
    assert drawn["items"].count("data-open") == LIMIT // 4
    other = score_tab.watch(lab, "en" if lang == "ja" else "ja", view, drawn["seen"])
    assert other is not None


def test_a_pulse_that_set_out_before_a_press_draws_nothing_of_what_stood_there(
    lab: Lab, job: ScoreJob
) -> None:
    before = score_tab.View(job="former", run=job.cells[0].id)
    pressed = score_tab.View(job=job.id, run=job.cells[1].id)
    names = [f.name for f in fields(watching.Shown) if f.name != "only"]

    def look(lang: str, view: score_tab.View, seen: Any = None) -> dict[str, Any]:
        return dict(zip(names, score_tab.watch(lab, lang, view, seen) or [], strict=False))

    seen = look("ja", pressed)["seen"]
    assert look("ja", before, seen) == look("ja", pressed, seen) == {}
    late = look("en", before, seen)
    assert matrix.run_label(job.cells[1], "en") in late["summary"]
    assert late["seen"].told == seen.told
    heard = look("en", pressed, seen)["seen"]
    assert heard.told is None
    other = look("en", before, heard)
    assert matrix.run_label(job.cells[0], "en") in other["summary"]


def test_one_question_shows_orders_prompt_law_and_the_other_answers(
    lab: Lab, job: ScoreJob
) -> None:
    run = job.cells[1]
    row = lab.score_table(run.id)[0]
    opened = reading.opened_item(lab, (run.id, row["id"]), "", "ja")
    assert opened[0] == (run.id, row["source"]) and opened[2:] == [None, ""]
    html = opened[1]
    for words in ("順番 4", "ほかの採点の答え", "見せた条文", "【選択肢】", "元のモデル・条文なし"):
        assert words in html
    lab.mark(lab.mark_of(*opened[0], "agree", "そのとおり", "太郎"))
    assert "そのとおり" in reading.opened_item(lab, opened[0], "", "ja")[1]
    assert reading.opened_item(lab, opened[0], "太郎", "ja")[2:] == ["agree", "そのとおり"]
    lab.mark_remove("太郎", row["source"], run.adapter, run.evidence)


def test_the_threshold_is_said_in_words() -> None:
    cut = {"threshold": 0.62, "coverage": 0.5, "accuracy": 0.8, "answered": 40, "target": 0.8}
    html = detail.abstain_html({"averaged": None, "one_order": cut}, 80, "ja")
    assert "62 %" in html and "80 問中 40 問" in html and "80.0 %" in html
    none = {"averaged": None, "one_order": None}
    assert "届きません" in detail.abstain_html(none, 80, "ja")
    assert detail.used_html(None, "ja") == "" and "62 %" in detail.used_html(
        {"one_order": cut}, "ja"
    )
