"""A short QLoRA run as `train` does it, beside stock transformers.Trainer.

Same base, items, order, optimizer steps and sequences, in one process on one machine; the
weights are drawn at random, because speed does not depend on them, and so are the tokens,
with the lengths of lawqa_jp's questions. Two references: the recipe that users come from
(query and value projections, batch 2 × accumulation 2, padded to 512, checkpointing), and
the same on all linear layers in bfloat16 without checkpointing.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.bench import shapes
from lawui.errors import UsageError
from lawui.training.config import TrainConfig

if TYPE_CHECKING:
    from lawui.lab import Lab
    from lawui.model.load import LoadedModel
    from lawui.training.batches import Example

PADDED = 512
"""To how many tokens the references pad."""

CELLS = {
    "all": ("all-linear",),
    "qv": ("q_proj", "v_proj"),
}
"""Which layers are trained; `qv` is the one whose reference recomputes layers."""


@dataclass(frozen=True)
class Task:
    """What is trained in every cell. Lengths are in tokens, answer included."""

    shape: str
    steps: int
    sequences: int
    tokens: int
    distinct: bool
    dropout: float
    seed: int
    memory_budget: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--shape", choices=tuple(shapes.SHAPES), default="embedded")
    parser.add_argument("--cell", choices=tuple(CELLS), action="append", help="all by default")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--sequences", type=int, default=4, help="of one optimizer step")
    parser.add_argument("--tokens", type=int, default=240, help="of a sequence, on average")
    parser.add_argument(
        "--distinct", action="store_true", help="every sequence an item of its own, no orders"
    )
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory-budget", default="", help="kept by ours, such as 10GB")


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """{machine, shape, …, cells: [{cell, ours, reference, ratio}]}; each side of a cell is
    {seconds, loss, first_loss, peak_bytes, …}. A cell goes to standard error once it is
    known."""
    from lawui.bench import machine

    task = Task(
        *(arguments.shape, arguments.steps, arguments.sequences, arguments.tokens),
        *(arguments.distinct, arguments.dropout, arguments.seed, arguments.memory_budget),
    )
    if min(task.steps, task.sequences) < 1 or not 16 <= task.tokens < PADDED:
        raise UsageError("usage.bench_train", longest=PADDED - 1)
    cells = []
    for name in arguments.cell or CELLS:
        cell = _cell(name, task, arguments.against is not None)
        print(json.dumps(cell), file=sys.stderr, flush=True)
        cells.append(cell)
    return {"machine": machine(), **vars(task), "cells": cells}


def _cell(name: str, task: Task, against: bool) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell": name}
    if against:
        cell["reference"] = _measured(lambda: _reference(name, task))
    cell["ours"] = _measured(lambda: _ours(name, task))
    if against:
        cell["ratio"] = round(cell["reference"]["seconds"] / cell["ours"]["seconds"], 2)
    return cell


def _measured(what: Any) -> dict[str, Any]:
    """What `what` finds, and the most memory that it held once the base was there."""
    import torch

    found: dict[str, Any] = what()
    if torch.cuda.is_available():
        found["peak_bytes"] = torch.cuda.max_memory_allocated()
        found["peak_reserved_bytes"] = torch.cuda.max_memory_reserved()
    return found


# -- what is trained on


def items(task: Task, vocabulary: int) -> list[Example]:
    """`steps` × `sequences` sequences: items in four orders that share their first third,
    or all distinct. Lengths spread as those of lawqa_jp's questions do."""
    from lawui.training.batches import Example

    draw = random.Random(task.seed)
    orders = 1 if task.distinct else 4
    letters, end = (11, 12, 13, 14), 2

    def words(count: int) -> tuple[int, ...]:
        return tuple(draw.randrange(16, vocabulary) for _ in range(count))

    made: list[Example] = []
    while len(made) < task.steps * task.sequences:
        length = max(16, min(PADDED - 1, round(task.tokens * draw.lognormvariate(-0.03, 0.25))))
        shared = words(length // 3)
        for order in range(orders):
            gold = (len(made) + order) % 4
            made.append(
                Example(
                    ids=(*shared, *words(length - len(shared) - 1), letters[gold]),
                    targets=(letters[gold], end),
                    gold=gold,
                    group=f"g{len(made) // orders}",
                    evidence="none",
                    source=f"item {len(made) // orders}",
                )
            )
    return made[: task.steps * task.sequences]


def base(task: Task) -> LoadedModel:
    """The base of `task` with the letters that `items` asks for, alone on the device."""
    import torch

    loaded = replace(shapes.base(task.shape, task.seed), letter_ids=(11, 12, 13, 14))
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    return loaded


def _config(name: str, task: Task) -> TrainConfig:
    return TrainConfig(
        batch_size=2 if task.sequences % 2 == 0 else 1,
        gradient_accumulation_steps=max(1, task.sequences // 2)
        if task.sequences % 2 == 0
        else task.sequences,
        max_seq_length=PADDED,
        max_steps_override=task.steps,
        warmup_ratio=0.0,
        lora_dropout=task.dropout,
        target_modules=CELLS[name],
        eval_steps=0,
        save_steps=0,
        seed=task.seed,
        memory_budget=task.memory_budget,
    )


# -- ours


def _ours(name: str, task: Task) -> dict[str, Any]:
    """The training loop itself, event log and adapter included; `seconds` runs from the
    event before the first step to that of the last."""
    from lawui.training.batches import Encoded
    from lawui.training.events import EventReader, EventWriter
    from lawui.training.loop import Trainer
    from lawui.training.runs import EVENTS, RunFile

    loaded = base(task)
    given = items(task, loaded.model.config.vocab_size)

    def encode(length: int) -> tuple[Encoded, Encoded]:
        cut = [replace(e, ids=e.ids[-length:]) for e in given]
        return Encoded(tuple(cut), 0, ()), Encoded((), 0, ())

    folder = Path(tempfile.mkdtemp(prefix="lawui-bench-"))
    began = time.perf_counter()
    try:
        settings = RunFile(_config(name, task), {}, "random", "", {}, (), "", "")
        log = EventWriter(folder / EVENTS)
        trainer = Trainer(folder, settings, (), loaded, log, lambda: False, encode=encode)
        trainer.train()
        events = EventReader(folder / EVENTS).read()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    whole = time.perf_counter() - began
    logs = [event for event in events if event.kind == "log" and event.loss is not None]
    start = events[0]
    return {
        "seconds": round(logs[-1].t - start.t, 3),
        "whole_seconds": round(whole, 3),
        "steady_ms_per_step": round(1000 * _steady([event.t for event in logs]), 2),
        **_losses([event.loss or 0.0 for event in logs]),
        "steps": logs[-1].step,
        "skipped": sum(event.data.get("key") == "train.not_finite" for event in events),
        "tokens": sum(len(e.ids) for e in given),
        "retries": sum(event.kind == "retry" for event in events),
        "plan": start.data["plan"],
        "recording": trainer.recording,
    }


def _steady(times: Sequence[float]) -> float:
    """The median seconds of a step in the second half, where all shapes are known."""
    half = times[len(times) // 2 :]
    gaps = sorted(later - earlier for earlier, later in pairwise(half)) or [0.0]
    return gaps[len(gaps) // 2]


def _losses(losses: Sequence[float]) -> dict[str, float]:
    last = losses[-10:]
    return {"first_loss": round(losses[0], 4), "loss": round(sum(last) / len(last), 4)}


# -- the reference


def _reference(name: str, task: Task) -> dict[str, Any]:
    """transformers.Trainer on PEFT as it comes; `seconds` runs from its first step to its
    last, without loading."""
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    loaded = base(task)
    config, model = _config(name, task), loaded.model
    recompute = name == "qv"
    if recompute:
        model = prepare_model_for_kbit_training(
            model, gradient_checkpointing_kwargs={"use_reentrant": False}
        )
    torch.manual_seed(task.seed)
    targets = list(config.target_modules)
    adapted = get_peft_model(
        model,
        LoraConfig(
            r=config.lora_r,
            lora_alpha=config.lora_alpha,  # type: ignore[arg-type]
            lora_dropout=config.lora_dropout,
            target_modules="all-linear" if targets == ["all-linear"] else targets,
            task_type="CAUSAL_LM",
        ),
    )
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.on_step_end()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            if torch.cuda.is_available() and len(times) in (0, task.steps):
                torch.cuda.synchronize()
            times.append(time.perf_counter())

    cuda = loaded.device == "cuda"
    folder = tempfile.mkdtemp(prefix="lawui-bench-")
    arguments = TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        max_steps=task.steps,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        warmup_steps=0,
        lr_scheduler_type="linear",
        bf16=cuda,
        use_cpu=not cuda,
        gradient_checkpointing=recompute,
        gradient_checkpointing_kwargs={"use_reentrant": False} if recompute else None,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=task.seed,
        remove_unused_columns=False,
        dataloader_pin_memory=cuda,
    )
    trainer = Trainer(
        model=adapted, args=arguments, train_dataset=_padded(task, loaded), callbacks=[Clock()]
    )
    trainer.remove_callback(PrinterCallback)  # standard output is for the result alone
    try:
        trainer.train()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if cuda:
        torch.cuda.synchronize()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {
        "seconds": round(times[task.steps] - times[0], 3),
        "steady_ms_per_step": round(1000 * _steady(times[1:]), 2),
        **_losses(losses),
        "steps": trainer.state.global_step,
        "tokens": task.steps * task.sequences * PADDED,
    }


def _padded(task: Task, loaded: LoadedModel) -> Any:
    """The same sequences in the same order, padded, with labels on the answer alone."""
    import torch

    from lawui.training.batches import step_batches

    made = items(task, loaded.model.config.vocab_size)
    order = [i for step in step_batches(made, task.sequences, task.seed, 0) for i in step]

    class Rows(torch.utils.data.IterableDataset):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[dict[str, Any]]:
            for index in order:
                whole = [*made[index].ids, made[index].targets[1]]
                room = PADDED - len(whole)
                yield {
                    "input_ids": torch.tensor(whole + [0] * room),
                    "attention_mask": torch.tensor([1] * len(whole) + [0] * room),
                    "labels": torch.tensor([-100] * (len(whole) - 2) + whole[-2:] + [-100] * room),
                }

    return Rows()
