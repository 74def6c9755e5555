"""Real child processes on real folders. Each run is a few steps on a few short questions."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lawui.errors import LabError, TrainingError
from lawui.model.adapters import list_adapters
from lawui.training import checkpoint, child, locks
from lawui.training.runs import EVENTS, LOCK, LOG, RunStore
from lawui.types import RunStatus

from . import helpers

PATIENCE = 240.0
ENDLESS = {"max_steps_override": 100_000, "eval_steps": 0, "save_steps": 5}


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.02)


def ended(store: RunStore, run: str) -> RunStatus:
    status = store.wait(run, PATIENCE)
    assert status.state in ("done", "stopped", "failed", "crashed"), status
    return status


def trained(store: RunStore, run: str) -> RunStatus:
    store.start(run)
    return ended(store, run)


def find_child(folder: Path) -> int:
    """The process that trains in `folder`, by its command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"lawui.training.child" in words and str(folder).encode() in words:
                return int(entry.name)
    raise AssertionError("no child runs")


@pytest.fixture
def adapters(tmp_path: Path) -> Path:
    return tmp_path / "adapters"


def test_a_run_becomes_an_adapter_that_changes_answers(store: RunStore, adapters: Path) -> None:
    run = helpers.make_run(store, output_dir="adapters/first try")
    assert run == "first-try"
    assert store.status(run).state == "starting" and not list_adapters(adapters)
    status = trained(store, run)
    assert (status.state, status.step, status.max_steps) == ("done", 8, 8), status
    assert status.adapter == run and status.eval_accuracy is not None and status.seconds > 0
    losses = helpers.losses(store, run)
    assert sorted(losses) == list(range(1, 9))
    assert losses[8] < losses[1]

    info = list_adapters(adapters)[0]
    assert (info.name, info.fault, info.rank) == (run, "", 4)
    assert set(info.trained_groups) == {f"g{i:03d}" for i in [*range(6), 100, 101]}
    assert info.base_model == "lawui-embedded" and str(adapters) not in info.base_model
    assert info.final_loss == status.loss
    assert checkpoint.latest(adapters / run) is None

    import torch
    from peft import PeftModel

    from lawui.model.load import load

    loaded = load("embedded")
    ids = loaded.tokenizer("答え", return_tensors="pt").input_ids
    with torch.no_grad():
        before = loaded.model(ids).logits
        model = PeftModel.from_pretrained(loaded.model, adapters / run)
        assert float((model(ids).logits - before).abs().max()) > 1e-3


def test_events_tell_the_whole_story(store: RunStore, tiny_base: Path) -> None:
    run = helpers.make_run(store, str(tiny_base))
    trained(store, run)
    events = store.events(run)
    kinds = [event.kind for event in events if not event.message]
    assert " ".join(kinds) == (
        "start eval log log log checkpoint log eval log log checkpoint log log eval"
    )
    start = events[0].data
    assert (start["train_rows"], start["dev_rows"], start["dropped"]) == (24, 8, 0)
    evals = [event for event in events if event.kind == "eval"]
    assert [event.step for event in evals] == [0, 4, 8]
    for event in evals:
        assert event.eval_low <= event.eval_accuracy <= event.eval_high  # type: ignore[operator]
        assert event.data["majority"] == 0.25 and sum(event.data["letters"].values()) == 8
    log = next(event for event in events if event.kind == "log" and event.loss)
    assert log.learning_rate and log.grad_norm and log.tokens_per_second and log.memory_bytes
    assert events[-1].kind == "done" and events[-1].data["key"] == "train.done"
    best = max(evals[1:], key=lambda e: (e.eval_accuracy, -(e.eval_loss or 0)))
    assert events[-1].data["kept_step"] == best.step


def test_a_stop_keeps_the_adapter_and_a_resume_the_curve(
    store: RunStore, adapters: Path, tiny_base: Path
) -> None:
    settings = {"max_steps_override": 150, "eval_steps": 40, "save_steps": 30, "lora_dropout": 0.1}
    whole = helpers.make_run(store, str(tiny_base), **settings)
    assert trained(store, whole).state == "done"

    parted = helpers.make_run(store, str(tiny_base), **settings)
    store.start(parted)
    until(lambda: store.status(parted).step >= 50, "step 50")
    store.stop(parted)
    asked = store.status(parted).step
    status = ended(store, parted)
    assert status.state == "stopped" and status.step < 150
    stopped = [e for e in store.events(parted) if e.kind == "stopped"]
    assert stopped[-1].step <= asked + 20  # the reader lags behind a child of 5 ms a step
    assert [i.name for i in list_adapters(adapters) if not i.fault].count(parted) == 1
    with pytest.raises(TrainingError):
        store.stop(parted)

    store.resume(parted)
    status = ended(store, parted)
    assert (status.state, status.step) == ("done", 150)
    assert helpers.losses(store, parted) == pytest.approx(helpers.losses(store, whole), rel=1e-4)
    one, other = ((adapters / r / "lawui.json").read_text() for r in (whole, parted))
    assert json.loads(one)["tables"] == json.loads(other)["tables"]
    with pytest.raises(TrainingError) as caught:
        store.resume(parted)
    assert caught.value.key == "train.already_done"


def test_sigterm_is_a_stop(store: RunStore, adapters: Path, tiny_base: Path) -> None:
    run = helpers.make_run(store, str(tiny_base), **ENDLESS)
    store.start(run)
    until(lambda: store.status(run).step > 2, "two steps")
    os.kill(find_child(adapters / run), signal.SIGTERM)
    assert ended(store, run).state == "stopped"
    assert [info.fault for info in list_adapters(adapters)] == [""]


def test_kills_at_random_moments(store: RunStore, adapters: Path, tiny_base: Path) -> None:
    """SIGKILL while starting, training, saving: always crashed in words, never half an
    adapter, and in the end the curve of a run that nobody killed."""
    settings = {"max_steps_override": 120, "eval_steps": 20, "save_steps": 1}
    run = helpers.make_run(store, str(tiny_base), **settings)
    draw = random.Random(20261123)
    store.start(run)
    moments = [0.3, 1.5]
    for kill in range(4):
        if kill < len(moments):
            time.sleep(moments[kill])
        else:
            before = store.status(run).step
            until(lambda at=before: store.status(run).step > at + 3, "progress")  # type: ignore[misc]
            time.sleep(draw.random() * 0.05)
        try:
            os.kill(find_child(adapters / run), signal.SIGKILL)
        except AssertionError:
            break  # it had ended
        until(lambda: not locks.is_held(adapters / run / LOCK), "the lock of the dead")
        status = store.status(run)
        assert status.state in ("crashed", "done"), status
        if status.state == "done":
            break
        assert "Resume" in status.message
        assert list_adapters(adapters) == []
        store.resume(run)
    status = ended(store, run)
    assert (status.state, status.step) == ("done", 120), status
    assert [info.fault for info in list_adapters(adapters)] == [""]
    whole = helpers.make_run(store, str(tiny_base), **settings)
    assert trained(store, whole).state == "done"
    assert helpers.losses(store, run) == pytest.approx(helpers.losses(store, whole), rel=1e-4)


def test_a_run_outlives_the_process_that_started_it(adapters: Path, tiny_base: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tests_helpers import make_run;"
        "from lawui.training.runs import RunStore; store = RunStore(Path(sys.argv[1]));"
        "run = make_run(store, sys.argv[2], max_steps_override=150); store.start(run);"
        "print(run, flush=True); time.sleep(600)"
    )
    folder = Path(__file__).parent
    shutil.copy(folder / "helpers.py", adapters.parent / "tests_helpers.py")
    paths = [str(adapters.parent), str(folder.parents[1])]
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(adapters), str(tiny_base)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert server.stdout is not None
    run = server.stdout.readline().strip()
    server.kill()
    server.wait()
    server.stdout.close()
    store = RunStore(adapters)  # a server started anew
    assert store.status(run).state in ("starting", "running")
    status = ended(store, run)
    assert (status.state, status.adapter) == ("done", run)


def test_a_second_run_waits_its_turn(store: RunStore, adapters: Path, tiny_base: Path) -> None:
    first = helpers.make_run(store, str(tiny_base), **ENDLESS)
    second = helpers.make_run(store, str(tiny_base), max_steps_override=2)
    third = helpers.make_run(store, str(tiny_base), max_steps_override=2)
    store.start(first)
    until(lambda: store.status(first).state == "running", "the first to run")
    for run in (second, third):
        store.start(run)
        until(lambda r=run: store.status(r).state == "queued", "a queue")  # type: ignore[misc]
    assert "Waiting" in store.status(second).message
    assert [status.run for status in store.runs()] == [third, second, first]
    with pytest.raises(TrainingError) as caught:
        store.start(first)
    assert caught.value.key == "train.resume_instead"
    with pytest.raises(TrainingError):
        store.resume(second)
    with pytest.raises(TrainingError):
        store.remove(first)
    store.stop(third)
    assert ended(store, third).state == "stopped"
    assert store.status(third).adapter == ""
    store.stop(first)
    assert ended(store, first).state == "stopped"
    assert ended(store, second).state == "done"
    store.remove(second)
    with pytest.raises(TrainingError):
        store.status(second)
    assert second not in {path.name for path in adapters.iterdir()}


def test_a_disk_that_fills_up(store: RunStore, adapters: Path, tiny_base: Path) -> None:
    """The child's files may not grow past 64 KiB: no checkpoint and no adapter can be
    written; both are said, nothing half is listed, and with room again it resumes."""
    run = helpers.make_run(store, str(tiny_base), max_steps_override=4, save_steps=2, lora_r=32)
    code = (
        "import resource, sys; from lawui.training.child import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16));"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, str(adapters / run)]
    ended_with = subprocess.run(command, capture_output=True, check=False).returncode
    assert ended_with == 1
    said = {event.data.get("key") for event in store.events(run)}
    assert {"train.checkpoint_failed", "train.cannot_save"} <= said
    status = store.status(run)
    assert (status.state, status.adapter) == ("failed", "")
    assert "Free some disk space" in status.message
    assert list_adapters(adapters) == []
    assert checkpoint.latest(adapters / run) is None
    assert not list((adapters / run).glob("*.safetensors"))
    store.resume(run)
    assert ended(store, run).state == "done"
    assert [info.fault for info in list_adapters(adapters)] == [""]


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("name", "key"), [("run.json", "train.bad_run_file"), ("rows.jsonl", "train.bad_rows")]
)
def test_a_damaged_run_says_so(store: RunStore, adapters: Path, name: str, key: str) -> None:
    run = helpers.make_run(store)
    damage(adapters / run / name)
    assert child.main([str(adapters / run)]) == 1
    status = store.status(run)
    assert status.state == "failed" and name in status.message
    assert store.events(run)[-1].data["key"] == key
    assert [s.run for s in store.runs()] == [run]


def test_other_ways_to_fail_are_said_in_words(
    store: RunStore, adapters: Path, tiny_base: Path, tmp_path: Path
) -> None:
    """The child's own main, called here to spare four starts of Python."""
    missing = helpers.make_run(store, str(tmp_path / "nowhere"))
    short = helpers.make_run(store, str(tiny_base), max_seq_length=64)
    targets = helpers.make_run(store, str(tiny_base), target_modules="x_proj")
    other = store.create(helpers.config(), helpers.rows(), helpers.meta(str(tiny_base), "0" * 16))
    keys = []
    for run in (missing, short, targets, other):
        assert child.main([str(adapters / run)]) == 1
        status = store.status(run)
        assert status.state == "failed" and status.message, status
        keys.append(store.events(run)[-1].data["key"])
    assert keys[0].startswith("model.")
    assert keys[1:] == ["train.all_too_long", "train.bad_targets", "train.base_changed"]
    assert list_adapters(adapters) == []


def test_a_damaged_checkpoint_is_named(store: RunStore, adapters: Path, tiny_base: Path) -> None:
    run = helpers.make_run(store, str(tiny_base), **ENDLESS)
    store.start(run)
    until(lambda: "checkpoint" in helpers.kinds(store, run), "a checkpoint")
    store.stop(run)
    ended(store, run)
    found = checkpoint.latest(adapters / run)
    assert found is not None
    damage(found / "optimizer.safetensors")
    store.resume(run)
    status = ended(store, run)
    assert status.state == "failed" and found.name in status.message
    assert [info.fault for info in list_adapters(adapters)] == [""], "the stopped adapter stays"
    shutil.rmtree(found)
    store.resume(run)
    until(lambda: store.status(run).state == "running", "a run from the start")


def test_nothing_is_ever_pickled(store: RunStore, adapters: Path, tiny_base: Path) -> None:
    run = helpers.make_run(store, str(tiny_base), **ENDLESS)
    store.start(run)
    until(lambda: "checkpoint" in helpers.kinds(store, run), "a checkpoint")
    store.stop(run)
    ended(store, run)
    files = [path for path in (adapters / run).rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {
        ".safetensors",
        ".json",
        ".jsonl",
        ".md",
        ".log",
        ".lock",
        "",
    }
    assert any("checkpoints" in path.parts for path in files)
    for path in files:
        start = path.read_bytes()[:4]
        assert not start.startswith(
            (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
        )


def test_bad_requests_leave_no_folder(store: RunStore, adapters: Path) -> None:
    leaky = helpers.meta()
    leaky["split"]["g000"] = "test"
    for made, meta, key in (
        ([], helpers.meta(), "train.no_rows"),
        (helpers.rows(), leaky, "train.leak"),
        ([{"split": "train"}], helpers.meta(), "train.bad_row"),
    ):
        with pytest.raises(LabError) as caught:
            store.create(helpers.config(), made, meta)
        assert caught.value.key == key
    assert not adapters.exists() or not list(adapters.iterdir())
    for name in ("../x", "", ".", "nobody", "a/b"):
        with pytest.raises(TrainingError) as caught:
            store.status(name)
        assert caught.value.key == "train.unknown_run"


def test_names_are_safe_and_never_taken_twice(store: RunStore) -> None:
    names = [
        helpers.make_run(store, output_dir=d) for d in ("/etc/../x y", "out/x y/", "base", "…")
    ]
    assert names == ["x-y", "x-y-2", "run-base", "run-"] or len(set(names)) == 4
    assert all("/" not in name and name[0] not in ".-" for name in names)


def test_a_child_that_dies_at_once_leaves_its_words(store: RunStore, adapters: Path) -> None:
    """A second child on a held lock refuses; the first goes on unharmed."""
    run = helpers.make_run(store)
    lock = locks.take(adapters / run / LOCK)
    assert lock is not None
    command = [sys.executable, "-m", "lawui.training.child", str(adapters / run)]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    locks.release(lock)
    assert second.returncode == 2 and "another process" in second.stderr
    assert not (adapters / run / EVENTS).exists() and not (adapters / run / LOG).exists()
