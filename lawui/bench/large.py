"""A larger base within a memory budget: built, trained and asked, with random weights.

Speed and memory don't depend on the weights, so a shape of 7 or 8 billion needs no
download: its layers are drawn and packed to nf4 one by one (shapes.py). The budget is kept
as a smaller card would keep it: CUDA refuses what exceeds it, in training and in scoring.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.bench import shapes
from lawui.bench import train as training_bench
from lawui.training.config import TrainConfig, budget_bytes

if TYPE_CHECKING:
    from lawui.lab import Lab
    from lawui.model.load import LoadedModel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--shape", choices=tuple(shapes.SHAPES), default="qwen3-8b")
    parser.add_argument("--memory-budget", default="20GB", help="of all of it")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--sequences", type=int, default=4, help="of one optimizer step")
    parser.add_argument("--tokens", type=int, default=480, help="of a sequence, on average")
    parser.add_argument("--items", type=int, default=140, help="questions to score")
    parser.add_argument("--seed", type=int, default=0)


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """{machine, shape, parameters, budget_bytes, building, training, scoring, within}: each
    phase with `seconds` and `peak_bytes`, on a CPU what the process holds. `within` says
    whether the most that was taken, the context of the card included, stayed in the budget.
    """
    from lawui.bench import machine
    from lawui.training import planner

    budget = budget_bytes(arguments.memory_budget)
    _fresh()
    began = time.perf_counter()
    loaded = shapes.base(arguments.shape, arguments.seed)
    planner.keep(loaded.device, budget)
    parts = {"building": {"seconds": _since(began), **_peak(loaded.device)}}
    _tell("building", parts["building"])
    with tempfile.TemporaryDirectory(prefix="lawui-bench-") as place:
        folder = Path(place) / "adapter"
        parts["training"] = _train(loaded, arguments, folder)
        _tell("training", parts["training"])
        parts["scoring"] = _score(loaded, arguments, folder)
        _tell("scoring", parts["scoring"])
    most = max(part["peak_reserved_bytes"] for part in parts.values())
    context = planner.CONTEXT if loaded.device.startswith("cuda") else 0
    return {
        "machine": machine(),
        "shape": arguments.shape,
        "parameters": shapes.parameters(arguments.shape),
        "device": loaded.device,
        "budget_bytes": budget,
        **parts,
        "most_bytes": most + context,
        "within": most + context <= budget,
    }


def _train(loaded: LoadedModel, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from lawui.training.batches import Encoded
    from lawui.training.events import EventReader, EventWriter
    from lawui.training.loop import Trainer
    from lawui.training.runs import EVENTS, RunFile

    sizes = (arguments.shape, arguments.steps, arguments.sequences, arguments.tokens)
    task = training_bench.Task(*sizes, True, 0.05, arguments.seed, arguments.memory_budget)
    given = training_bench.items(task, loaded.model.config.vocab_size)
    config = TrainConfig(
        batch_size=arguments.sequences,
        gradient_accumulation_steps=1,
        max_seq_length=training_bench.PADDED,
        max_steps_override=arguments.steps,
        eval_steps=0,
        save_steps=0,
        seed=arguments.seed,
        memory_budget=arguments.memory_budget,
    )

    def encode(length: int) -> tuple[Encoded, Encoded]:
        cut = [replace(e, ids=e.ids[-length:]) for e in given]
        return Encoded(tuple(cut), 0, ()), Encoded((), 0, ())

    _fresh()
    folder.mkdir()
    run_file = RunFile(config, {}, "random", "", {}, (), "", "")
    log = EventWriter(folder / EVENTS)
    began = time.perf_counter()
    trainer = Trainer(folder, run_file, (), loaded, log, lambda: False, encode=encode)
    trainer.train()
    whole = _since(began)
    trainer.detach()
    events = EventReader(folder / EVENTS).read()
    logs = [event for event in events if event.kind == "log" and event.loss is not None]
    return {
        "seconds": round(logs[-1].t - events[0].t, 3),
        "whole_seconds": whole,
        "steps": logs[-1].step,
        "first_loss": logs[0].loss,
        "loss": logs[-1].loss,
        "skipped": sum(event.data.get("key") == "train.not_finite" for event in events),
        "retries": sum(event.kind == "retry" for event in events),
        "tokens": sum(len(example.ids) for example in given),
        "plan": events[0].data["plan"],
        **_peak(loaded.device),
    }


def _score(loaded: LoadedModel, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The questions by the trained adapter, as the page would answer them."""
    from lawui.model.adapters import read_adapter
    from lawui.model.engine import Engine
    from lawui.model.letters import letter_probabilities

    _fresh()
    began = time.perf_counter()
    engine = Engine(loaded, fused=False)
    lora = engine.read_adapter(read_adapter(folder))
    ready = _since(began)
    ids = [p.token_ids for p in shapes.questions(arguments.items, 1, arguments.seed)]
    tokens = 16_384 if loaded.device.startswith("cuda") else 2_048
    began = time.perf_counter()
    found = letter_probabilities(engine, ids, [lora] * len(ids), tokens)
    seconds = _since(began)
    return {
        "seconds": seconds,
        "ready_seconds": ready,
        "questions": len(ids),
        "tokens": found.tokens,
        "finite": all(found.finite),
        "weights": engine.weights,
        "attention": engine.attention,
        **_peak(loaded.device),
    }


def _fresh() -> None:
    """Give back what is unused and count the peak anew."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak(device: str) -> dict[str, int]:
    import torch

    from lawui.training import memory

    if not device.startswith("cuda"):
        return {"peak_bytes": memory.held(device), "peak_reserved_bytes": memory.held(device)}
    torch.cuda.synchronize()
    return {
        "peak_bytes": torch.cuda.max_memory_allocated(),
        "peak_reserved_bytes": torch.cuda.max_memory_reserved(),
    }


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)


def _tell(phase: str, told: dict[str, Any]) -> None:
    print(json.dumps({"phase": phase, **told}), file=sys.stderr, flush=True)
