"""Matrices on the embedded model: jobs, answers asked once, trouble in the middle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lawui import lab as lab_module
from lawui.data import headings
from lawui.errors import AdapterError, LabError, ScoringError, UsageError
from lawui.lab import Lab, Settings
from lawui.scorer import settings_key
from lawui.scoring import cache
from lawui.types import BASE, Answer, Prompt, ScoreJob, ScoreRun

SHIPPED = "sample-mixed"
LIMIT = 8


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LAWUI_DATA", raising=False)
        made = Lab(Settings(home=tmp_path_factory.mktemp("home"), model="embedded", offline=True))
        yield made
        made.close()


@pytest.fixture(scope="module")
def job(lab: Lab) -> ScoreJob:
    """Base and an adapter, without the law and with what search finds."""
    runs = lab.score_start("sample_test", ["none", "retrieved"], [BASE, SHIPPED], LIMIT)
    for run in runs:
        assert lab.score_wait(run).state == "done"
    return lab.score_job(lab.score_status(runs[0]).job)


def test_a_matrix_is_one_job_with_its_cells_in_order(lab: Lab, job: ScoreJob) -> None:
    cells = [(cell.adapter, cell.evidence) for cell in job.cells]
    assert cells == [(a, e) for a in (BASE, SHIPPED) for e in ("none", "retrieved")]
    assert (job.state, job.done, job.total) == ("done", 4 * LIMIT, 4 * LIMIT)
    assert job.remaining is None and lab.score_jobs()[0].id == job.id
    with pytest.raises(ScoringError):
        lab.score_job("nothing")


def test_any_columns_make_a_job_and_known_answers_are_not_computed_again(
    lab: Lab, job: ScoreJob
) -> None:
    again = lab.score_columns("sample", [(BASE, "none"), (SHIPPED, "retrieved")], LIMIT)
    fresh = lab.score_columns("sample_test", [(BASE, "none")], LIMIT)[0]
    for run in (*again, fresh):
        lab.score_wait(run)
    old, new = job.cells[0].id, fresh
    assert lab.score_summary(new)["answers_reused"] == LIMIT
    assert lab.score_status(new).tokens == 0 < lab.score_status(old).tokens
    store = lab._scorer.store
    assert {k: a.probs for k, a in store.answers(old).items()} == {
        k: a.probs for k, a in store.answers(new).items()
    }


def test_found_and_used_are_told_where_something_was_searched_for(lab: Lab, job: ScoreJob) -> None:
    assert lab.score_summary(job.cells[0].id)["found_and_used"] is None
    table = lab.score_summary(job.cells[1].id)["found_and_used"]
    counts = [table[f"{f}_{r}"] for f in ("found", "missed") for r in ("right", "wrong")]
    assert sum(counts) + table["not_known"] == LIMIT
    assert table["found"] == (counts[0] + counts[1]) / sum(counts)
    for row in lab.score_table(job.cells[1].id):
        question = lab.question(row["id"], "sample_test")
        shown = {(p.law, p.article) for p in lab.passages(question, "retrieved")}
        cited = headings.cited_articles(question)
        assert (row["cited"], row["found"]) == (len(cited), len(cited & shown))


def test_an_item_is_told_whole(lab: Lab, job: ScoreJob) -> None:
    run = job.cells[3]
    row = lab.score_table(run.id)[0]
    found = lab.score_item(run.id, row["by_order"][2]["id"])
    assert found["row"]["source"] == row["source"] and found["run"].id == run.id
    prompts = list(found["prompts"].values())
    assert len(set(prompts)) == 4 and all(row["stem"] in text for text in prompts)
    question = lab.question(row["id"], "sample_test")
    sent = lab.prompt(question, lab.passages(question, "retrieved"))
    assert found["prompts"][row["id"]] == sent.text
    assert {p.id for p in found["passages"]} == set(sent.passage_ids)
    others = {(o["run"].adapter, o["run"].evidence) for o in found["others"]}
    assert others == {(BASE, "none"), (BASE, "retrieved"), (SHIPPED, "none")}
    with pytest.raises(ScoringError):
        lab.score_item(run.id, "sample-nothing")


def test_all_pairs_are_compared_and_corrected(lab: Lab, job: ScoreJob) -> None:
    pairs = lab.compare_job(job.id)
    assert len(pairs) == 6 and all(p["comparisons"] == 6 for p in pairs)
    assert lab.compare_job(job.id) is pairs  # worked out once
    one = lab.compare(pairs[0]["run_a"], pairs[0]["run_b"])
    assert one["p_value"] == pairs[0]["p_value"] <= pairs[0]["p_adjusted"]


def test_the_most_torn_items_come_first(lab: Lab, job: ScoreJob) -> None:
    found = lab.score_differences([cell.id for cell in job.cells])
    assert len(found) == LIMIT // 4
    assert [i["distinct"] for i in found] == sorted((i["distinct"] for i in found), reverse=True)
    for item in found:
        for cell, letter in zip(job.cells, item["letters"], strict=True):
            rows = {r["source"]: r["choice"] for r in lab.score_table(cell.id)}
            assert rows[item["source"]] == letter


def test_a_threshold_is_chosen_on_a_score_and_used_for_its_weights_alone(
    lab: Lab, job: ScoreJob
) -> None:
    run = job.cells[0]
    assert lab.threshold(BASE, "none") is None
    found = lab.score_abstain(run.id, 0.01)
    assert found["averaged"]["coverage"] > 0 and found["averaged"]["accuracy"] >= 0.01
    kept = lab.threshold_set(run.id, 0.01)
    assert lab.threshold_of(run.id) == kept
    assert lab.threshold(BASE, "none") == kept["one_order"]["threshold"]
    assert lab.threshold(BASE, "none", all_orders=True) == kept["averaged"]["threshold"]
    assert lab.threshold(BASE, "given") is None and lab.threshold(SHIPPED, "none") is None
    lab.threshold_clear(run.id)
    assert lab.threshold(BASE, "none") is None
    with pytest.raises(UsageError):
        lab.score_abstain(run.id, 0)


def test_a_job_is_cancelled_and_resumed_without_asking_twice(lab: Lab) -> None:
    runs = lab.score_start("sample_dev", ["none", "given"], [BASE], 32)
    job = lab.score_job(lab.score_status(runs[0]).job)
    lab.score_job_cancel(job.id)
    lab.score_wait(runs[0])  # it may have been at its only batch
    assert lab.score_wait(runs[1]).state == "cancelled"
    done = lab.score_job(job.id).done
    assert done < job.total
    lab.score_job_resume(job.id)
    for run in runs:
        assert lab.score_wait(run).state == "done"
    for run in runs:
        path = lab.home / ".lawui" / "scores" / run / "answers.jsonl"
        asked = [json.loads(line)["question_id"] for line in path.read_text("utf-8").splitlines()]
        assert len(asked) == len(set(asked)) == lab.score_status(run).total
    assert lab.score_job_resume(job.id) == []  # nothing is left


def test_an_adapter_deleted_in_between_is_told_and_keeps_no_other_cell(lab: Lab) -> None:
    home = lab.home / "adapters"
    shutil.copytree(lab_module.CHECKOUT / "adapters" / SHIPPED, home / "going")
    # It goes while its matrix waits in line behind another.
    (ahead,) = lab.score_columns("sample_test", [(BASE, "given")])
    runs = lab.score_columns("sample_test", [("going", "none"), (BASE, "none")], 32)
    job = lab.score_status(runs[0]).job
    shutil.rmtree(home / "going")
    lab.score_cancel(ahead)
    with pytest.raises(AdapterError):
        lab.score_wait(runs[0])
    assert lab.score_wait(runs[1]).state == "done"
    state = lab.score_job(job)
    assert state.state == "failed" and state.cells[1].state == "done"
    assert "going" in lab.score_message(runs[0], "ja")
    assert lab.score_job(job).cells[0].done in (0, 32)
    with pytest.raises(AdapterError):
        lab.score_job_resume(job)
    lab.score_job_remove(job)
    with pytest.raises(ScoringError):
        lab.score_status(runs[0])


def test_a_score_of_an_adapter_brought_from_elsewhere_says_what_it_cannot_know(lab: Lab) -> None:
    """Trained by another program on nobody knows what, perhaps on these very questions."""
    target = lab.home / "adapters" / "brought"
    target.mkdir(parents=True)
    for name in ("adapter_config.json", "adapter_model.safetensors"):  # all that PEFT writes
        shutil.copy(lab_module.CHECKOUT / "adapters" / SHIPPED / name, target)
    runs = lab.score_columns("sample_test", [("brought", "none"), (BASE, "none")], 8)
    for run in runs:
        assert lab.score_wait(run).state == "done"
    brought, base = map(lab.score_summary, runs)
    assert (brought["training_known"], base["training_known"]) == (False, True)
    assert "学習済みかもしれません" in brought["verdict_ja"]
    assert lab.compare(*runs)["untold"] == ["a"]


def test_an_adapter_changed_under_its_name_is_not_mixed_in(lab: Lab) -> None:
    shipped = lab_module.CHECKOUT / "adapters"
    target = lab.home / "adapters" / "changing"
    shutil.copytree(shipped / SHIPPED, target)
    (run,) = lab.score_columns("sample_test", [("changing", "none")], 4)
    lab.score_wait(run)
    shutil.rmtree(target)
    shutil.copytree(shipped / "sample-given", target)
    (other,) = lab.score_columns("sample_test", [("changing", "none")], 4)
    lab.score_wait(other)
    assert lab.score_status(run).adapter_sha != lab.score_status(other).adapter_sha
    assert lab.score_summary(other)["answers_reused"] == 0
    shutil.rmtree(target)


def test_a_set_edited_between_runs_is_read_and_not_compared(tmp_path: Path) -> None:
    text = (lab_module.CHECKOUT / "lawui/data/sample/questions.json").read_text("utf-8")
    items = json.loads(text)
    folder = tmp_path / "data" / "lawqa_jp"
    folder.mkdir(parents=True)
    path = folder / "selection.json"

    def write(n: int) -> Lab:
        path.write_text(json.dumps({"samples": items["samples"][: 4 * n]}), "utf-8")
        return Lab(Settings(home=tmp_path, model="embedded", data=tmp_path / "data", offline=True))

    before = write(6)
    (old,) = before.score_start("selection", ["none"])
    before.score_wait(old)
    figures = before.score_summary(old)
    before.close()
    after = write(5)
    (new,) = after.score_start("selection", ["none"])
    after.score_wait(new)
    assert after.score_changed(after.score_status(old))
    assert not after.score_changed(after.score_status(new))
    assert after.score_summary(old)["accuracy"] == figures["accuracy"]
    assert len(after.score_table(old)) == 6
    assert after.score_export([old], "html").stat().st_size > 500
    with pytest.raises(ScoringError) as caught:
        after.compare(old, new)
    assert caught.value.key == "scoring.changed_dataset_sha"
    assert after.score_summary(new)["answers_reused"] == 20  # the same words, the same answers
    after.close()


def test_siblings_differ_by_seed_and_name_alone(lab: Lab) -> None:
    info = lab.adapter(SHIPPED)
    other = replace(info, settings={**info.settings, "seed": 7, "output_dir": "b"})
    assert settings_key(info) == settings_key(other) != ""
    wider = replace(info, settings={**info.settings, "lora_r": 64})
    assert settings_key(wider) != settings_key(info)
    assert settings_key(replace(info, settings={})) == ""


def run_like(id: str, **values: Any) -> ScoreRun:
    fields = {"adapter": BASE, "evidence": "none", "set": "s", "dataset_sha": "", "model_sha": ""}
    return ScoreRun(**{**fields, "id": id, "done": 0, "total": 10, **values})  # type: ignore[arg-type]


def test_the_time_left_follows_the_pace_of_like_cells() -> None:
    cells = (
        run_like("a", done=10, seconds=5.0, state="done"),
        run_like("b", evidence="given", done=5, seconds=10.0, state="running"),
        run_like("c", evidence="given", state="queued"),
        run_like("d", state="queued"),
    )
    job = ScoreJob("j", "s", "", cells)
    assert job.remaining == pytest.approx(5 * 2 + 10 * 2 + 10 * 0.5)
    assert (job.state, job.active, job.done, job.total) == ("running", True, 15, 40)
    assert ScoreJob("j", "s", "", (run_like("a", state="queued"),)).remaining is None


def test_a_broken_answer_is_not_remembered_and_a_damaged_store_is_named(tmp_path: Path) -> None:
    sound = Answer("q", (0.7, 0.1, 0.1, 0.1), "a", 0.9, BASE, "none", "p", 0.1)
    assert cache.fit(sound)
    assert not cache.fit(replace(sound, probs=(float("nan"),) * 4))
    path = tmp_path / "answers.sqlite3"
    path.write_bytes(b"no database" * 500)
    prompt = Prompt("問", "q", (), 1, (), "p", "sha")
    with pytest.raises(LabError, match=r"answers\.sqlite3"):
        cache.AnswerCache(path).known("w", [prompt])


def test_the_spread_over_seeds_is_shown_and_the_verdict_says_so(lab: Lab) -> None:
    home = lab.home / "adapters"
    for name, like in (("seed-a", SHIPPED), ("seed-b", "sample-given")):
        folder = shutil.copytree(lab_module.CHECKOUT / "adapters" / like, home / name)
        card = json.loads((folder / "lawui.json").read_text("utf-8"))
        card["settings"] = {"lora_r": 16, "seed": 1 if name == "seed-a" else 2, "output_dir": name}
        (folder / "lawui.json").write_text(json.dumps(card), "utf-8")
    runs = lab.score_columns("sample_test", [("seed-a", "none"), ("seed-b", "none")], 16)
    runs += lab.score_columns("sample_test", [(BASE, "none")], 16)
    for run in runs:
        lab.score_wait(run)
    figures = [lab.score_summary(run) for run in runs]
    accuracies = sorted(f["headline"]["accuracy"] for f in figures[:2])
    for one in figures[:2]:
        assert (one["seeds"]["n"], one["seeds"]["low"], one["seeds"]["high"]) == (2, *accuracies)
    assert figures[2]["seeds"] is None
    compared = lab.compare(runs[2], runs[0])
    assert compared["one_seed"] == [] and compared["seeds"]["b"]["n"] == 2
    assert "2 通り" in compared["verdict_ja"] and "2 training seeds" in compared["verdict_en"]
    for name in ("seed-a", "seed-b"):
        shutil.rmtree(home / name)
