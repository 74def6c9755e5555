"""The same run by one process and by several: tokens a second, scaling, the same loss.

Each is a real run of `train --nproc N`, with everything that a run does, on the lab's own
model and questions; the global batch is the same for all.
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from lawui.errors import TrainingError

if TYPE_CHECKING:
    from lawui.lab import Lab
    from lawui.types import TrainEvent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--nproc", type=int, action="append", help="repeatable; default 1 and 2")
    parser.add_argument("--set", default="", help="by default lawqa_jp in four orders, or sample")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--sequences", type=int, default=32, help="of a step, over all processes")
    parser.add_argument("--evidence-mix", default="given")
    parser.add_argument("--length", type=int, default=1024, help="tokens of a sequence at most")
    parser.add_argument("--dropout", type=float, default=0.0, help="above 0 the losses differ")


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """{machine, runs: [{processes, steps_seconds, tokens_per_second, speedup, efficiency,
    loss, most_loss_difference, …}]}: speed-up and difference are to the first run. Raises
    TrainingError where a run fails."""
    from lawui.bench import machine

    names = [one["name"] for one in lab.sets()]
    usual = "selection_randomized" if "selection_randomized" in names else "sample"
    runs: list[dict[str, Any]] = []
    curves: list[list[float]] = []
    for processes in arguments.nproc or [1, 2]:
        config = lab.train_config(
            "",
            train_set=arguments.set or usual,
            output_dir=f"parallel-{processes}",
            nproc=processes,
            batch_size=arguments.sequences,
            gradient_accumulation_steps=1,
            max_seq_length=arguments.length,
            max_steps_override=arguments.steps,
            lora_dropout=arguments.dropout,
            evidence_mix=arguments.evidence_mix,
            eval_steps=0,
            save_steps=0,
        )
        name = lab.train(config)
        status = lab.train_wait(name)
        if status.state != "done":
            raise TrainingError("train.unexpected", reason=f"{name}: {status.message}")
        events = lab.train_events(name)
        curves.append([event.loss for event in events if event.kind == "log" and event.loss])
        runs.append(_figures(processes, events, status.seconds))
        first = runs[0]
        runs[-1]["speedup"] = round(first["step_seconds"] / runs[-1]["step_seconds"], 2)
        scale = processes / first["processes"]
        runs[-1]["efficiency"] = round(runs[-1]["speedup"] / scale, 2)
        pairs = zip(curves[0], curves[-1], strict=False)
        runs[-1]["most_loss_difference"] = round(max(abs(a - b) for a, b in pairs), 5)
        lab.train_remove(name)
        print(runs[-1], file=sys.stderr, flush=True)
    return {"machine": machine(), "model": lab.choice.name, **_asked(arguments), "runs": runs}


def _figures(processes: int, events: list[TrainEvent], seconds: float) -> dict[str, Any]:
    """The median step of the second half, where all shapes are known."""
    logs = [event for event in events if event.kind == "log" and event.loss is not None]
    times = [event.t for event in logs]
    half = times[len(times) // 2 :]
    gaps = sorted(later - earlier for earlier, later in pairwise(half)) or [0.0]
    speeds = [event.tokens_per_second for event in logs[len(logs) // 2 :]]
    start = next(event for event in events if event.kind == "start")
    return {
        "processes": processes,
        "seconds": round(seconds, 2),
        "steps_seconds": round(logs[-1].t - start.t, 3),
        "step_seconds": round(median(gaps), 5) or 1e-5,
        "tokens_per_second": round(median(speed or 0.0 for speed in speeds)),
        "first_loss": logs[0].loss,
        "loss": logs[-1].loss,
        "memory_bytes": max(event.memory_bytes or 0 for event in logs),
        "device": start.data["device"],
        "plan": start.data["plan"],
    }


def _asked(arguments: argparse.Namespace) -> dict[str, Any]:
    names = ("steps", "sequences", "evidence_mix", "length", "dropout")
    return {name: getattr(arguments, name) for name in names}
