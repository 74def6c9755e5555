"""One run by two processes on the CPU, started as a user starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lawui.__main__ import main
from lawui.errors import TrainingError
from lawui.model.adapters import find, list_adapters
from lawui.training import checkpoint, launch, planner
from lawui.training.config import ConfigError, TrainConfig
from lawui.training.parallel import Peers
from lawui.training.runs import LOG, RunStore

from . import helpers
from .test_loop import Bench, curve
from .test_runs import ended, until

SETTINGS: dict[str, Any] = {"lora_dropout": 0, "batch_size": 8, "max_steps_override": 6}


def ranks(folder: Path) -> dict[int, int]:
    """Process ids of the run in `folder` by rank."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                variables = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            rank = next((v for v in variables if v.startswith(b"RANK=")), b"")
            if rank and b"lawui.training.rank" in words and str(folder).encode() in words:
                found[int(rank[5:])] = int(entry.name)
    return found


def test_two_processes_give_the_curve_of_one_stopped_and_resumed(
    store: RunStore, tmp_path: Path, tiny_base: Path
) -> None:
    """The whole way: accelerate launch, gloo, one log, a stop, a resume, one adapter."""
    alone = Bench(tmp_path / "alone", tiny_base, **SETTINGS).train()
    run = helpers.make_run(store, str(tiny_base), nproc=2, logging_steps=1, **SETTINGS)
    folder = tmp_path / "adapters" / run
    store.start(run)
    until(lambda: len(helpers.losses(store, run)) >= 2, "two steps")
    store.stop(run)
    status = ended(store, run)
    log = (folder / LOG).read_text()
    assert status.state in ("stopped", "done"), log
    if status.state == "stopped":
        assert checkpoint.latest(folder) is not None
        store.resume(run)
        assert ended(store, run).state == "done", log
    assert [info.fault for info in list_adapters(tmp_path / "adapters")] == [""]
    events = store.events(run)
    start = next(event for event in events if event.kind == "start")
    assert start.data["processes"] == 2 and start.data["plan"]["micro_batch"] == 4
    assert sum(event.kind == "done" for event in events) == 1
    assert curve(events) == pytest.approx(curve(alone), rel=1e-4)
    looks = {e.step: e.eval_loss for e in alone if e.kind == "eval"}
    mine = {e.step: e.eval_loss for e in events if e.kind == "eval"}
    assert mine == pytest.approx(looks, rel=1e-4) and set(mine) == {0, 4, 6}


def test_a_process_that_is_killed_ends_the_run_in_words(
    store: RunStore, tmp_path: Path, tiny_base: Path
) -> None:
    endless = {**SETTINGS, "max_steps_override": 100_000, "eval_steps": 0, "save_steps": 5}
    run = helpers.make_run(store, str(tiny_base), nproc=2, **endless)
    folder = tmp_path / "adapters" / run
    store.start(run)
    until(lambda: store.status(run).step > 6, "a checkpoint")
    found = ranks(folder)
    assert set(found) == {0, 1}
    os.kill(found[1], signal.SIGKILL)
    status = ended(store, run)
    assert status.state == "failed", (folder / LOG).read_text()
    last = store.events(run)[-1]
    assert last.data["key"] == "train.rank_lost", last
    assert (last.data["process"], last.data["how"]) == (2, "SIGKILL")
    assert "Process 2 of 2" in status.message and checkpoint.latest(folder) is not None
    until(lambda: not ranks(folder), "nobody left")


def test_the_bench_sets_both_beside_each_other(
    tmp_path: Path, tiny_base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--nproc", "1", "--set", "sample", "--steps", "2", "--sequences", "8", "--json"]
    common = ["--home", str(tmp_path), "--model", str(tiny_base), "--offline"]
    assert main([*common, "bench", "parallel", *words]) == 0
    found = json.loads(capsys.readouterr()[0])["runs"]
    assert [(r["processes"], r["speedup"]) for r in found] == [(1, 1.0)]
    assert found[0]["tokens_per_second"] > 0 and found[0]["most_loss_difference"] == 0


def test_nobody_outlives_the_child_that_started_them() -> None:
    """launch.py starts the launcher so, and rank.py puts itself under it in the same way."""
    code = (
        "import subprocess, sys, time; from lawui.training.launch import die_with_parent; "
        "p = subprocess.Popen(['sleep', '600'], preexec_fn=die_with_parent); "
        "print(p.pid, flush=True); time.sleep(600)"
    )
    keeper = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert keeper.stdout is not None
    sleeper = Path("/proc") / keeper.stdout.readline().strip()
    assert (sleeper / "stat").exists()
    keeper.kill()
    keeper.wait()
    keeper.stdout.close()
    until(lambda: _gone(sleeper), "the end of what was started")


def _gone(process: Path) -> bool:
    try:
        return (process / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_shares_are_even_and_leave_nothing_out() -> None:
    shares = []
    for rank in range(3):
        peers = Peers()
        peers.rank, peers.count = rank, 3
        shares.append(peers.share(range(8)))
    assert [i for share in shares for i in share] == list(range(8)) and {
        len(s) for s in shares
    } == {2, 3}
    assert [planner.own_part(8, n) for n in (1, 2, 3)] == [8, 4, 3]


def test_more_processes_than_sequences_is_a_fault_and_the_launcher_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(batch_size=2, gradient_accumulation_steps=1, nproc=4).check()
    assert [fault.key for fault in caught.value.faults] == ["train.more_processes"]
    words = launch.command(Path("RUN"), 2)
    assert words[1:4] == ["-m", "accelerate.commands.launch", "--multi_gpu"]
    assert words[-3:] == ["--module", "lawui.training.rank", "RUN"]


def test_how_a_process_ended_is_read_from_the_launchers_report(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text(
        "  rank      : 0 (local_rank: 0)\n  exitcode  : 3 (pid: 9)\n"
        "  rank      : 1 (local_rank: 1)\n  exitcode  : -9 (pid: 10)\n"
    )
    error = launch._failure(tmp_path, 2)
    assert (error.key, error.params["process"]) == ("train.rank_lost", 2)
    launch.leave_word(tmp_path, TrainingError("train.too_few_cards", asked=2, there=1))
    assert launch._failure(tmp_path, 2).key == "train.too_few_cards"


def test_two_processes_go_on_from_an_adapter_that_is_gone(
    store: RunStore, tmp_path: Path, tiny_base: Path
) -> None:
    folder = tmp_path / "adapters"
    Bench(folder, tiny_base, output_dir="first", **SETTINGS).train()
    going_on = {"start_from": "first", **SETTINGS}
    alone = curve(Bench(folder, tiny_base, **going_on).train())
    values = helpers.config(nproc=2, **going_on)
    meta = helpers.meta(str(tiny_base))
    run = store.create(values, helpers.rows(), meta, find(folder, "first"))
    store.remove("first")
    store.start(run)
    assert ended(store, run).state == "done", (folder / run / LOG).read_text()
    assert curve(store.events(run)) == pytest.approx(alone, rel=1e-4)
    assert find(folder, run).begun_from == "first"  # type: ignore[union-attr]
