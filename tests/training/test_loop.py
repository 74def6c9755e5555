"""The loop itself, in this process, on a base of no size."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lawui.errors import TrainingError
from lawui.model.adapters import CONFIG, find, list_adapters
from lawui.model.load import LoadedModel, load
from lawui.training import begin, checkpoint, rows
from lawui.training.events import EventReader, EventWriter, effective
from lawui.training.loop import NOT_FINITE_LIMIT, Trainer
from lawui.training.runs import EVENTS, RunStore, read_run
from lawui.types import TrainEvent

from . import helpers


class Bench:
    """One run whose steps a test can watch and disturb from `should_stop`."""

    def __init__(self, adapters: Path, base: Path, made: Any = None, **changes: Any) -> None:
        self.loaded: LoadedModel = load(str(base), compute_dtype="float32")
        store = RunStore(adapters)
        made = made if made is not None else helpers.rows()
        start = find(adapters, changes["start_from"]) if "start_from" in changes else None
        run = store.create(helpers.config(**changes), made, helpers.meta(str(base)), start)
        self.folder = adapters / run
        self.asked = 0

    def train(self, disturb: Callable[[LoadedModel, int], bool] | None = None) -> list[TrainEvent]:
        def should_stop() -> bool:
            self.asked += 1
            return bool(disturb and disturb(self.loaded, self.asked))

        parsed = rows.load((self.folder / rows.ROWS).read_text("utf-8"))
        log = EventWriter(self.folder / EVENTS)
        run = read_run(self.folder)
        self.trainer = Trainer(self.folder, run, parsed, self.loaded, log, should_stop)
        self.trainer.train()
        return EventReader(self.folder / EVENTS).read()


def curve(events: list[TrainEvent]) -> list[float]:
    return [event.loss for event in events if event.kind == "log" and event.loss is not None]


def test_same_seed_same_losses(tmp_path: Path, tiny_base: Path) -> None:
    settings = {"lora_dropout": 0.1, "max_steps_override": 12}
    one, same, other = (
        curve(Bench(tmp_path, tiny_base, seed=seed, **settings).train()) for seed in (1, 1, 2)
    )
    assert one == pytest.approx(same, rel=1e-5)
    assert one != pytest.approx(other, rel=1e-3)


def test_parts_of_a_step_change_no_number(tmp_path: Path, tiny_base: Path) -> None:
    """A budget that holds one sequence, recomputed, gives the curve of a whole batch."""
    whole = Bench(tmp_path, tiny_base, lora_dropout=0).train()
    parts = Bench(tmp_path, tiny_base, lora_dropout=0, memory_budget="1KB").train()
    plans = [events[0].data["plan"] for events in (whole, parts)]
    assert (plans[0]["micro_batch"], plans[0]["checkpointing"]) == (4, False)
    assert (plans[1]["micro_batch"], plans[1]["checkpointing"]) == (1, True)
    assert curve(whole) == pytest.approx(curve(parts), rel=1e-3)


def test_it_learns_what_can_be_learned(tmp_path: Path, tiny_base: Path) -> None:
    events = Bench(tmp_path, tiny_base, max_steps_override=60, learning_rate=1e-2).train()
    losses = curve(events)
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    rates = [e.learning_rate for e in events if e.learning_rate is not None]
    assert rates[0] == pytest.approx(0.005) and max(rates) == pytest.approx(0.01)
    assert rates[-1] < 0.001 and rates[2:] == sorted(rates[2:], reverse=True)


def poison(loaded: LoadedModel, value: float) -> None:
    import torch

    with torch.no_grad():
        loaded.model.get_decoder().norm.weight.fill_(value)  # type: ignore[union-attr,operator]


def test_one_bad_step_is_skipped_and_said(tmp_path: Path, tiny_base: Path) -> None:
    bench = Bench(tmp_path, tiny_base, eval_steps=0, max_steps_override=8)
    bench.train()

    def disturb(loaded: LoadedModel, asked: int) -> bool:
        poison(loaded, float("nan") if asked == 4 else 1.0)
        return False

    disturbed = Bench(tmp_path, tiny_base, eval_steps=0, max_steps_override=8)
    events = disturbed.train(disturb)
    said = [e for e in events if e.data.get("key") == "train.not_finite"]
    assert len(said) == 1 and said[0].data["in_row"] == 1
    assert events[-1].kind == "done" and len(curve(events)) == 7
    assert {info.fault for info in list_adapters(tmp_path)} == {""}


def test_many_bad_steps_stop_with_the_last_good_weights(tmp_path: Path, tiny_base: Path) -> None:
    from safetensors.torch import load_file

    made = [row for row in helpers.rows() if row["split"] == "train"]  # no dev: no best step
    bench = Bench(tmp_path, tiny_base, made, max_steps_override=50)

    def disturb(loaded: LoadedModel, asked: int) -> bool:
        if asked > 6:
            poison(loaded, float("nan"))
        return False

    events = bench.train(disturb)
    assert (events[-1].kind, events[-1].data["key"]) == ("stopped", "train.stopped_not_finite")
    assert sum(e.data.get("key") == "train.not_finite" for e in events) == NOT_FINITE_LIMIT
    weights = load_file(bench.folder / "adapter_model.safetensors")
    assert all(bool(tensor.isfinite().all()) for tensor in weights.values())
    assert list_adapters(tmp_path)[0].fault == ""


def test_a_base_that_never_works_is_a_failure_in_words(tmp_path: Path, tiny_base: Path) -> None:
    bench = Bench(tmp_path, tiny_base)
    poison(bench.loaded, float("nan"))
    with pytest.raises(TrainingError) as caught:
        bench.train()
    assert caught.value.key == "train.never_finite"
    assert list_adapters(tmp_path) == []


def test_a_stop_is_honoured_within_one_step(tmp_path: Path, tiny_base: Path) -> None:
    bench = Bench(tmp_path, tiny_base, eval_steps=0)
    before = 2  # asked once a dev batch at step 0, then before each step
    events = bench.train(lambda _, asked: asked >= before + 3)
    assert events[-1].kind == "stopped"
    assert events[-1].step == bench.asked - before <= 3


def test_a_stop_before_the_first_step_leaves_no_adapter(tmp_path: Path, tiny_base: Path) -> None:
    events = Bench(tmp_path, tiny_base).train(lambda *_: True)
    assert (events[-1].kind, events[-1].data["key"]) == ("stopped", "train.stopped_before_first")
    assert list_adapters(tmp_path) == []


def test_early_stopping_and_overfitting_are_said(tmp_path: Path, tiny_base: Path) -> None:
    """Dev asks the opposite of what training teaches, so it can only get worse."""
    made = [helpers.row("train", helpers.question(0, 0, id=f"t{i}")) for i in range(8)]
    for i in range(8):
        made.append(helpers.row("dev", helpers.question(100, 0, id=f"d{i}", gold="bc"[i % 2])))
    settings = {"learning_rate": 3e-2, "eval_steps": 1, "max_steps_override": 60}
    events = Bench(tmp_path, tiny_base, made, early_stopping_patience=5, **settings).train()
    assert events[-1].data["key"] == "train.early_stopped"
    assert events[-1].step == events[-1].data["kept_step"] + 5
    events = Bench(tmp_path, tiny_base, made, **settings).train()
    said = [event.data.get("key") for event in events]
    for alarm in ("overfitting", "one_letter", "majority"):
        assert said.count(f"train.alarm_{alarm}") == 1, alarm


def test_the_last_step_is_kept_where_that_is_asked_for(tmp_path: Path, tiny_base: Path) -> None:
    """Dev asks the opposite of what is learnt, so the best look is never the last."""
    made = [helpers.row("train", helpers.question(0, 0, id=f"t{i}")) for i in range(8)]
    made += [
        helpers.row("dev", helpers.question(100, 0, id=f"d{i}", gold="bc"[i % 2])) for i in range(8)
    ]
    settings = {"learning_rate": 3e-2, "eval_steps": 1, "max_steps_override": 20}
    kept: dict[bool, TrainEvent] = {}
    weights: dict[bool, str] = {}
    for best in (True, False):
        bench = Bench(tmp_path, tiny_base, made, load_best_model_at_end=best, **settings)
        events = bench.train()
        looks = {e.step: e for e in events if e.kind == "eval"}
        kept[best] = events[-1]
        look = looks[events[-1].data["kept_step"]]
        for name in ("eval_loss", "eval_accuracy", "eval_low", "eval_high"):
            assert getattr(events[-1], name) == pytest.approx(getattr(look, name), abs=1e-4), name
        # by name: two made within one second have no newer one
        made_here = find(tmp_path, bench.folder.name)
        assert made_here is not None
        weights[best] = made_here.weights_sha
    assert kept[False].data["kept_step"] == 20 > kept[True].data["kept_step"]
    assert weights[True] != weights[False]


def test_what_is_left_out_is_said_at_the_start(tmp_path: Path, tiny_base: Path) -> None:
    long = helpers.row("train", helpers.question(9, stem="とても長い問いである。" * 60))
    events = Bench(tmp_path, tiny_base, [*helpers.rows(), long]).train()
    assert events[0].kind == "start" and events[0].data["key"] == "train.dropped"
    assert events[0].data["dropped_questions"] == ["toy-009-0"]
    assert "1 questions" in events[0].message


def test_training_evaluating_and_training_again_stay_the_same(
    tmp_path: Path, tiny_base: Path
) -> None:
    """4-bit layers on some CPUs break for training once they have inferred."""
    often = Bench(tmp_path, tiny_base, eval_steps=1).train()
    never = Bench(tmp_path, tiny_base, eval_steps=0).train()
    assert curve(often) == pytest.approx(curve(never), rel=1e-5)


def test_running_out_of_memory_is_retried_smaller(tmp_path: Path, tiny_base: Path) -> None:
    """From the first step on the process may hold only a little more than it does: four
    orders of a long item do not fit, shorter ones do."""
    made = [
        helpers.row("train", helpers.question(i, o), [helpers.passage("硬貨は箱に入れる。" * 400)])
        for i in range(4)
        for o in range(4)
    ]
    store = RunStore(tmp_path)
    changes = {"batch_size": 4, "max_seq_length": 2048, "max_steps_override": 4}
    run = store.create(helpers.config(**changes), made, helpers.meta(str(tiny_base)))
    code = """
import ctypes, resource, sys
from pathlib import Path
from lawui.model.load import load
from lawui.training import rows
from lawui.training.events import EventWriter
from lawui.training.loop import Trainer
from lawui.training.runs import read_run
folder = Path(sys.argv[1])
asked = 0
def should_stop():
    global asked
    asked += 1
    if asked == 1:
        ctypes.CDLL(None).malloc_trim(0)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + (32 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return False
loaded = load(sys.argv[2], compute_dtype="float32")
parsed = rows.load((folder / rows.ROWS).read_text("utf-8"))
log = EventWriter(folder / "events.jsonl")
Trainer(folder, read_run(folder), parsed, loaded, log, should_stop).train()
"""
    command = [sys.executable, "-c", code, str(tmp_path / run), str(tiny_base)]
    # What a thread's own arena or the heap has set aside counts as held, and would be room to
    # spare: one arena, and whatever is large comes from the system and goes back to it.
    one = {
        **os.environ,
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_TRIM_THRESHOLD_": "65536",
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=one)
    assert done.returncode == 0, done.stderr[-2000:]
    events = store.events(run)
    retries = [event for event in events if event.kind == "retry"]
    tried = [(event.data["batch"], event.data["length"]) for event in retries]
    ladder = [(4, 2048), (2, 2048), (1, 2048), (1, 2048), (1, 384), (1, 256)]
    assert tried and tried[-1] != ladder[0]
    assert tried in (ladder[: len(tried)], ladder[1 : len(tried) + 1])
    assert "Out of memory" in retries[0].message
    assert events[-1].kind == "done" and len(curve(events)) == 4


def test_cores_side_by_side_change_no_number(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    curves, looks = [], []
    for threads in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        bench = Bench(tmp_path, tiny_base, lora_dropout=0, batch_size=12)
        monkeypatch.setattr("lawui.training.material.PORTION", 64)
        events = bench.train()
        curves.append(curve(events))
        looks.append([e.eval_loss for e in events if e.kind == "eval"])
    assert curves[0] == pytest.approx(curves[1], rel=1e-4)
    assert looks[0] == pytest.approx(looks[1], rel=1e-4)


# -- going on from an adapter

BRIEF: dict[str, Any] = {"lora_dropout": 0.0, "max_steps_override": 8, "eval_steps": 0}


def first(folder: Path, base: Path, **changes: Any) -> list[float]:
    """The losses of a run named `first`, whose adapter others go on from."""
    return curve(Bench(folder, base, output_dir="first", **{**BRIEF, **changes}).train())


def test_a_run_goes_on_from_another_adapter(tmp_path: Path, tiny_base: Path) -> None:
    before = first(tmp_path, tiny_base)
    second = Bench(tmp_path, tiny_base, output_dir="second", start_from="first", **BRIEF)
    events = second.train()
    assert curve(events)[0] < before[0]
    ready = {info.name: info for info in list_adapters(tmp_path)}
    one, two = ready["first"], ready["second"]
    assert set(one.trained_groups) <= set(two.trained_groups)
    assert (two.begun_from, two.begun_sha, two.sets) == ("first", one.weights_sha, ("toy", "toy"))
    assert two.settings["start_sha"] == one.weights_sha
    assert f"| begun from | first (weights {one.weights_sha})" in (
        second.folder / "README.md"
    ).read_text("utf-8")
    assert [e.data["sha"] for e in events if e.data.get("key") == "train.begun"] == [
        one.weights_sha
    ]


def test_the_adapter_to_go_on_from_is_needed_no_more_once_a_run_is_laid_down(
    tmp_path: Path, tiny_base: Path
) -> None:
    """Queued, killed before its first checkpoint, and resumed after one."""
    first(tmp_path, tiny_base)
    whole = Bench(tmp_path, tiny_base, start_from="first", **BRIEF)
    killed = Bench(tmp_path, tiny_base, start_from="first", **BRIEF)
    later = Bench(tmp_path, tiny_base, start_from="first", **BRIEF)
    shutil.rmtree(tmp_path / "first")
    expected = curve(whole.train())
    assert not (whole.folder / begin.COPY).exists(), "a run that is done needs it no more"

    for bench, steps in ((killed, 1), (later, 5)):  # a checkpoint is at step 3
        bench.asked = 0
        with pytest.raises(KeyboardInterrupt):
            bench.train(lambda _, asked, steps=steps: die() if asked > steps else False)
        assert (checkpoint.latest(bench.folder) is None) == (bench is killed)
        bench.loaded = load(str(tiny_base), compute_dtype="float32")
        resumed = bench.train()
        assert curve(effective(resumed)) == pytest.approx(expected, rel=1e-5)
        assert find(tmp_path, bench.folder.name).begun_from == "first"  # type: ignore[union-attr]


def die() -> bool:
    raise KeyboardInterrupt


def test_an_adapter_to_go_on_from_must_fit(tmp_path: Path, tiny_base: Path) -> None:
    first(tmp_path, tiny_base)
    for changes in ({"lora_r": 3}, {"lora_alpha": 7.5}, {"target_modules": ("q_proj",)}):
        with pytest.raises(TrainingError) as wrong:
            Bench(tmp_path, tiny_base, start_from="first", **BRIEF, **changes)
        assert wrong.value.key == "train.start_differs"
    with pytest.raises(TrainingError) as missing:
        RunStore(tmp_path).create(
            helpers.config(start_from="nobody"), helpers.rows(), helpers.meta(str(tiny_base))
        )
    assert missing.value.key == "train.no_start"
    assert [p.name for p in tmp_path.iterdir()] == ["first"], "no folder is left"


def test_another_adapter_s_layers_are_known_with_the_base(tmp_path: Path, tiny_base: Path) -> None:
    """One that says nothing of how it was made: all-linear may be what it has, or not."""
    first(tmp_path, tiny_base, target_modules=("q_proj",))
    for name in ("lawui.json", "run.json"):
        (tmp_path / "first" / name).unlink()
    narrow = Bench(tmp_path, tiny_base, start_from="first", **BRIEF)
    with pytest.raises(TrainingError) as refused:
        narrow.train()
    assert refused.value.key == "train.start_layers"
    narrow.trainer.detach()
    assert not any("lora" in name for name, _ in narrow.loaded.model.named_parameters())
    wanted = {"start_from": "first", "target_modules": ("q_proj",)}
    assert curve(Bench(tmp_path, tiny_base, **wanted, **BRIEF).train())


@pytest.mark.parametrize("odd", [{"use_rslora": True}, {"alpha_pattern": {"q_proj": 3}}])
def test_an_adapter_that_acts_otherwise_is_no_beginning(
    tmp_path: Path, tiny_base: Path, odd: dict[str, Any]
) -> None:
    first(tmp_path, tiny_base)
    config = tmp_path / "first" / CONFIG
    config.write_text(json.dumps({**json.loads(config.read_text("utf-8")), **odd}), "utf-8")
    with pytest.raises(TrainingError) as found:
        Bench(tmp_path, tiny_base, start_from="first", **BRIEF)
    assert found.value.key == "train.start_scaled"


def test_a_damaged_copy_or_another_base_is_said(tmp_path: Path, tiny_base: Path) -> None:
    first(tmp_path, tiny_base)
    other = Bench(tmp_path, tiny_base, start_from="first", **BRIEF)
    other.loaded.sha = "f" * 16
    with pytest.raises(TrainingError) as foreign:
        other.train()
    assert foreign.value.key == "train.start_other_base"
    broken = Bench(tmp_path, tiny_base, start_from="first", **BRIEF)
    copy = broken.folder / begin.COPY
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    with pytest.raises(TrainingError) as damaged:
        broken.train()
    assert damaged.value.key == "train.bad_start"


def as_dev(group: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Rows and split in which one training group is a dev group."""
    made = helpers.rows()
    for row in made:
        if row["question"]["group"] == group:
            row["split"] = "dev"
    return made, {**helpers.meta()["split"], group: "dev"}


def test_what_an_adapter_learnt_is_no_dev_question_of_any_that_goes_on_from_it(
    tmp_path: Path, tiny_base: Path
) -> None:
    first(tmp_path, tiny_base)
    seen = helpers.rows()[0]["question"]["group"]
    made, split = as_dev(seen)
    meta = {**helpers.meta(str(tiny_base)), "split": split}

    def asked_of(start: str, **changes: Any) -> str:
        config = helpers.config(start_from=start, **{**BRIEF, **changes})
        return RunStore(tmp_path).create(config, made, meta, find(tmp_path, start))

    with pytest.raises(TrainingError) as leak:
        asked_of("first")
    assert leak.value.key == "train.start_saw"
    # Who insists has the groups marked as learnt, and so has whoever goes on from that.
    insisted = asked_of("first", allow_seen=True)
    assert read_run(tmp_path / insisted).split[seen] == "train"
    second = Bench(tmp_path, tiny_base, output_dir="second", start_from="first", **BRIEF)
    second.train()
    with pytest.raises(TrainingError) as chain:
        asked_of("second")
    assert chain.value.key == "train.start_saw"


def test_what_is_kept_out_for_the_test_questions_is_not_learnt_before(
    tmp_path: Path, tiny_base: Path
) -> None:
    first(tmp_path, tiny_base)
    out = helpers.rows()[0]["question"]["group"]
    made = [row for row in helpers.rows() if row["question"]["group"] != out]
    meta = helpers.meta(str(tiny_base))
    meta["split"] = {**meta["split"], out: "unused"}
    config = helpers.config(start_from="first", **BRIEF)
    with pytest.raises(TrainingError) as leak:
        RunStore(tmp_path).create(config, made, meta, find(tmp_path, "first"))
    assert leak.value.key == "train.start_saw"
