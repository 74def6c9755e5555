"""Runs on disk: resumed, cancelled, killed, torn, edited, on a full disk."""

from __future__ import annotations

import errno
import json
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from scoring_samples import answer_by_hash, make_answer, make_prompts, make_question

from lawui.errors import ModelError, ScoringError
from lawui.scoring.run import ScoreStore, score
from lawui.types import Answer, Prompt, ScoreRun

CHILD = Path(__file__).with_name("score_child.py")


def questions(n: int):
    return [make_question(i) for i in range(n)]


class Answerer:
    """Answers by hash and remembers whom it was asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, prompts: list[Prompt]) -> list[Answer]:
        self.asked += [p.question_id for p in prompts]
        return answer_by_hash(prompts)


def key_of(call) -> str:
    with pytest.raises(ScoringError) as caught:
        call()
    return caught.value.key


def test_a_run_from_start_to_end(store, new_run):
    asked, run, seen = questions(10), new_run(10), []
    assert (run.state, run.done, run.total) == ("queued", 0, 10)
    ended = score(store, run.id, asked, make_prompts, Answerer(), batch=4, progress=seen.append)
    assert (ended.state, ended.done) == ("done", 10)
    assert [r.done for r in seen] == [0, 4, 8, 10, 10]
    assert [r.state for r in seen] == ["running"] * 4 + ["done"]
    assert ended.tokens == sum(len(q.stem) for q in asked) and ended.seconds > 0
    answers = store.answers(run.id)
    assert list(answers) == [q.id for q in asked]
    assert answers == {a.question_id: a for a in answer_by_hash(make_prompts(asked))}
    assert store.asked_with(run.id)[asked[0].id]["passage_ids"] == ["given:0"]
    assert ended.message == ""


def test_a_second_store_reads_the_same(store, new_run):
    """A server that was restarted finds its finished scores."""
    run = new_run(6, seen_groups=["g1", "g0"], provenance={"model": "模型", "versions": {"x": "1"}})
    ended = score(store, run.id, questions(6), make_prompts, Answerer(), batch=6)
    other = ScoreStore(store.folder)
    assert other.load(run.id) == ended and other.list() == [ended]
    assert other.answers(run.id) == store.answers(run.id)
    assert other.seen_groups(run.id) == {"g0", "g1"}
    assert other.provenance(run.id) == {"model": "模型", "versions": {"x": "1"}}


def test_newest_first(store, new_run):
    runs = [new_run(1).id for _ in range(5)]
    assert len(set(runs)) == 5
    assert [r.id for r in store.list()] == runs[::-1]


def test_names_are_safe_folders(store, new_run):
    run = new_run(1, adapter="../../悪い 名前", set="a/b")
    assert (store.folder / run.id).is_dir() and run.adapter == "../../悪い 名前"
    assert store.load(run.id).adapter == "../../悪い 名前"
    for name in ("../x", "", "a/b", ".hidden", "x" * 300, "nicht-da"):
        assert key_of(lambda name=name: store.load(name)) == "scoring.unknown_run"


def test_cancel_stops_after_the_batch_and_resume_goes_on(store, new_run):
    asked, run = questions(10), new_run(10)
    first = Answerer()
    flags = iter([False, False, True])
    ended = score(store, run.id, asked, make_prompts, first, batch=3, cancelled=lambda: next(flags))
    assert (ended.state, ended.done) == ("cancelled", 6)
    second = Answerer()
    ended = score(store, run.id, asked, make_prompts, second, batch=3)
    assert (ended.state, ended.done) == ("done", 10)
    assert first.asked + second.asked == [q.id for q in asked]


def test_cancel_from_another_page(store, new_run):
    """Another store, as another process has it, asks for the stop while batches run."""
    asked, run = questions(30), new_run(30)
    other = ScoreStore(store.folder)
    begun = threading.Event()

    def slow(prompts):
        begun.set()
        time.sleep(0.05)
        return answer_by_hash(prompts)

    thread = threading.Thread(
        target=score, args=(store, run.id, asked, make_prompts, slow), kwargs={"batch": 1}
    )
    thread.start()
    assert begun.wait(5)
    assert other.load(run.id).state == "running"
    stopping = other.cancel(run.id)
    assert stopping.state in ("running", "cancelled")
    thread.join(5)
    ended = other.load(run.id)
    assert ended.state == "cancelled" and 0 < ended.done < 30
    assert not other.cancel_requested(run.id)


def test_a_queued_run_is_cancelled_at_once_and_never_asks(store, new_run):
    run, answerer = new_run(3), Answerer()
    assert store.cancel(run.id).state == "cancelled"
    assert score(store, run.id, questions(3), make_prompts, answerer, batch=1).done == 0
    assert store.load(run.id).state == "cancelled" and answerer.asked == []
    assert store.resume(run.id).state == "queued"
    assert score(store, run.id, questions(3), make_prompts, answerer, batch=1).state == "done"


def test_an_interrupted_run_can_be_cancelled(store, new_run):
    run = new_run(3)
    store.release(run.id)
    other = ScoreStore(store.folder)
    assert other.load(run.id).state == "interrupted"
    assert other.cancel(run.id).state == "cancelled"


@pytest.mark.parametrize(
    "error", [ModelError("model.no_end_token"), RuntimeError("boom"), MemoryError()]
)
def test_an_error_fails_the_run_and_keeps_its_answers(store, new_run, error):
    asked, run = questions(6), new_run(6)
    calls = []

    def answer(prompts):
        calls.append(1)
        if len(calls) == 2:
            raise error
        return answer_by_hash(prompts)

    with pytest.raises(type(error)):
        score(store, run.id, asked, make_prompts, answer, batch=2)
    failed = store.load(run.id)
    assert (failed.state, failed.done) == ("failed", 2)
    assert failed.message and store.message(run.id, "ja") not in ("", failed.message)
    if isinstance(error, RuntimeError):
        assert "boom" in failed.message
    assert score(store, run.id, asked, make_prompts, answer, batch=2).state == "done"
    assert store.load(run.id).message == ""


def test_ctrl_c_leaves_an_interrupted_run(store, new_run):
    run = new_run(2)

    def answer(prompts):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(store, run.id, questions(2), make_prompts, answer, batch=1)
    assert store.load(run.id).state == "interrupted"
    assert "0" in store.message(run.id, "ja")


@pytest.mark.parametrize(
    "change",
    [
        {"probs": (math.nan, 0.3, 0.3, 0.4)},
        {"probs": (math.inf, 0.0, 0.0, 0.0)},
        {"probs": (0.1, 0.1, 0.1, 0.1)},
        {"letter_mass": math.nan},
    ],
)
def test_not_a_number_is_a_clear_failure(store, new_run, change):
    run = new_run(1)

    def answer(prompts):
        return [replace(a, **change) for a in answer_by_hash(prompts)]

    call = lambda: score(store, run.id, questions(1), make_prompts, answer, batch=1)  # noqa: E731
    assert key_of(call) == "scoring.not_finite"
    assert store.load(run.id).state == "failed" and store.answers(run.id) == {}
    assert "set-000-0" in store.message(run.id, "en")


@pytest.mark.parametrize("change", [lambda a: a[:1], lambda a: a[::-1], lambda a: [*a, a[0]]])
def test_answers_that_do_not_match_are_refused(store, new_run, change):
    run = new_run(2)

    def answer(prompts):
        return change(answer_by_hash(prompts))

    call = lambda: score(store, run.id, questions(2), make_prompts, answer, batch=2)  # noqa: E731
    assert key_of(call) == "scoring.wrong_answers"


def test_a_set_edited_between_runs_is_refused(store, new_run):
    asked, run = questions(4), new_run(4)
    flags = iter([False, True])
    score(store, run.id, asked, make_prompts, Answerer(), batch=2, cancelled=lambda: next(flags))
    edited = [*asked[:3], replace(asked[3], stem="書き換えた問題")]
    answerer = Answerer()
    call = lambda: score(store, run.id, edited, make_prompts, answerer, batch=2)  # noqa: E731
    assert key_of(call) == "scoring.changed_dataset_sha"
    assert answerer.asked == [] and store.load(run.id).state == "cancelled"
    assert score(store, run.id, asked, make_prompts, answerer, batch=2).state == "done"


@pytest.mark.parametrize(
    "name", ["dataset_sha", "model_sha", "prompt_sha", "adapter_sha", "index_id"]
)
def test_resume_names_what_changed(store, new_run, name):
    run = new_run(2, prompt_sha="p", adapter_sha="a", index_id="i")
    store.cancel(run.id)
    with pytest.raises(ScoringError) as caught:
        store.resume(run.id, **{name: "other"})
    assert caught.value.key == f"scoring.changed_{name}"
    assert run.id in caught.value.text("en") and caught.value.text("ja")
    assert store.resume(run.id, **{name: getattr(run, name)}).state == "queued"


def test_two_processes_do_not_share_a_run(store, new_run):
    run = new_run(2)
    other = ScoreStore(store.folder)
    assert other.load(run.id).state == "queued"
    assert key_of(lambda: other.resume(run.id)) == "scoring.busy"
    assert key_of(lambda: other.remove(run.id)) == "scoring.busy"
    assert key_of(lambda: other.append(run.id, [make_answer(make_question(0), "a")], 1, 1.0)) == (
        "scoring.not_held"
    )


def test_remove(store, new_run):
    run = new_run(1)
    assert key_of(lambda: store.remove(run.id)) == "scoring.busy"
    score(store, run.id, questions(1), make_prompts, Answerer(), batch=1)
    store.remove(run.id)
    assert store.list() == [] and key_of(lambda: store.load(run.id)) == "scoring.unknown_run"


def test_every_cut_of_the_answers_file_reads_and_resumes(store, new_run):
    """The file cut at any byte: whole lines count, the rest is asked again, nothing twice."""
    asked, run = questions(4), new_run(4)
    score(store, run.id, asked, make_prompts, Answerer(), batch=2)
    path = store.folder / run.id / "answers.jsonl"
    whole = path.read_bytes()
    wanted = store.answers(run.id)
    for cut in range(0, len(whole), 37):
        path.write_bytes(whole[:cut])
        fresh = ScoreStore(store.folder)
        lines = whole[:cut].count(b"\n")
        state = fresh.load(run.id)
        assert (state.done, state.state) == (lines, "interrupted")
        answerer = Answerer()
        score(fresh, run.id, asked, make_prompts, answerer, batch=2)
        assert answerer.asked == [q.id for q in asked[lines:]]
        assert ScoreStore(store.folder).answers(run.id) == wanted
        assert path.read_bytes().count(b"\n") == 4


def test_damaged_lines_in_the_middle_are_asked_again(store, new_run):
    asked, run = questions(4), new_run(4)
    score(store, run.id, asked, make_prompts, Answerer(), batch=2)
    path = store.folder / run.id / "answers.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1][:50]
    lines[2] = '{"question_id": "set-002-0", "probs": "abc"}'
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    fresh = ScoreStore(store.folder)
    assert fresh.load(run.id).state == "interrupted" and fresh.load(run.id).done == 2
    answerer = Answerer()
    assert score(fresh, run.id, asked, make_prompts, answerer, batch=2).state == "done"
    assert answerer.asked == [asked[1].id, asked[2].id]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"run": {}}', '{"run": 3}', "\0\0"])
def test_a_damaged_meta_file_spoils_no_list(store, new_run, text):
    kept, broken = new_run(1), new_run(1)
    (store.folder / broken.id / "meta.json").write_text(text)
    assert [r.id for r in store.list()] == [kept.id]
    assert key_of(lambda: store.load(broken.id)) == "scoring.damaged_run"


def test_status_is_cheap(store, new_run):
    """A timer reads hundreds of states a minute: reading again costs no parsing."""
    asked, run = questions(560), new_run(560)
    score(store, run.id, asked, make_prompts, answer_by_hash, batch=56)
    store.load(run.id)
    began = time.perf_counter()
    for _ in range(100):
        store.load(run.id)
    assert (time.perf_counter() - began) / 100 < 0.01


def test_a_full_disk_in_one_write(store, new_run, monkeypatch):
    """The kernel takes half of a line and then none: the file stays as it was."""
    run, q = new_run(2), questions(2)
    store.append(run.id, [make_answer(q[0], "a")], 1, 0.1)
    path = store.folder / run.id / "answers.jsonl"
    before = path.read_bytes()

    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    call = lambda: store.append(run.id, [make_answer(q[1], "a")], 1, 0.1)  # noqa: E731
    assert key_of(call) == "scoring.disk_full"
    assert path.read_bytes() == before


# -- real processes


def child(folder: Path, total: int, run: str, pause: float, limit: str = ""):
    words = [sys.executable, str(CHILD), str(folder), str(total), run, str(pause)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [*words, limit] if limit else words,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def lines_of(folder: Path, run: str) -> list[bytes]:
    path = folder / run / "answers.jsonl"
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


def test_kill_9_at_random_moments_loses_and_repeats_nothing(tmp_path):
    """Eight processes are killed somewhere inside; the last one finishes the run."""
    total, run, kills = 600, "", 0
    chance = random.Random(5)
    for _ in range(8):
        process = child(tmp_path, total, run, 0.01)
        assert process.stdout is not None
        run = process.stdout.readline().strip()
        time.sleep(chance.uniform(0.0, 0.12))
        process.send_signal(signal.SIGKILL)
        killed = process.wait(10) == -signal.SIGKILL
        process.stdout.close()
        kills += killed
        state = ScoreStore(tmp_path).load(run)
        whole = sum(line.endswith(b"\n") for line in lines_of(tmp_path, run))
        assert state.done == whole
        assert state.state == ("interrupted" if killed else "done")
    assert kills >= 6
    assert ScoreStore(tmp_path).load(run).done < total
    last = child(tmp_path, total, run, 0.0)
    last.communicate(timeout=60)
    assert last.returncode == 0
    store = ScoreStore(tmp_path)
    assert store.load(run).state == "done"
    ids = [json.loads(line)["question_id"] for line in lines_of(tmp_path, run)]
    assert ids == [q.id for q in questions(total)], "each question once, none lost"
    wanted = {a.question_id: a for a in answer_by_hash(make_prompts(questions(total)))}
    assert store.answers(run) == wanted
    assert [r.id for r in store.list()] == [run]


def test_a_living_process_is_running_and_keeps_others_out(tmp_path):
    process = child(tmp_path, 600, "", 0.05)
    try:
        assert process.stdout is not None
        run = process.stdout.readline().strip()
        store = ScoreStore(tmp_path)
        deadline = time.monotonic() + 10
        while store.load(run).done < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert store.load(run).state == "running"
        assert key_of(lambda: store.resume(run)) == "scoring.busy"
        store.cancel(run)
        assert process.wait(10) == 0
        assert store.load(run).state == "cancelled" and 0 < store.load(run).done < 600
    finally:
        process.kill()
        process.communicate()


def test_of_two_processes_that_resume_at_once_one_works(tmp_path):
    first = child(tmp_path, 60, "", 0.0)
    run = first.communicate(timeout=60)[0].split()[0]
    path = tmp_path / run / "answers.jsonl"
    path.write_bytes(b"".join(lines_of(tmp_path, run)[:10]) + b'{"half')
    both = [child(tmp_path, 60, run, 0.2) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].split() for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    assert sorted(said, key=len) == [[run], [run, "scoring.busy"]]
    ids = [json.loads(line)["question_id"] for line in lines_of(tmp_path, run)]
    assert ids == [q.id for q in questions(60)]


@pytest.mark.parametrize("limit", [2_000, 5_000, 7_777])
def test_disk_full_says_so_and_goes_on_after_room_is_made(tmp_path, limit):
    process = child(tmp_path, 40, "", 0.0, str(limit))
    out, _ = process.communicate(timeout=60)
    run, key = out.split()
    assert (process.returncode, key) == (1, "scoring.disk_full")
    store = ScoreStore(tmp_path)
    state = store.load(run)
    assert state.state == "failed" and 0 < state.done < 40
    assert "full" in state.message and "空き" in store.message(run, "ja")
    assert all(line.endswith(b"\n") for line in lines_of(tmp_path, run))
    again = child(tmp_path, 40, run, 0.0)
    again.communicate(timeout=60)
    assert again.returncode == 0
    assert ScoreStore(tmp_path).load(run).state == "done"
    ids = [json.loads(line)["question_id"] for line in lines_of(tmp_path, run)]
    assert ids == [q.id for q in questions(40)]


def test_score_run_is_what_the_rest_of_the_house_knows(store, new_run):
    assert isinstance(store.load(new_run(1).id), ScoreRun)
