"""Scoring as `score` does it, beside plain means, in one run on one machine.

The reference is what is written first: batches sorted by length and padded, the 4-bit model
through plain transformers, the last position's logits; with an adapter, peft and its
set_adapter. `--against lm-eval` answers the questions of a set by lm-evaluation-harness's
HF backend and by `score`'s own means, with the same model and type.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.bench import harness, shapes

if TYPE_CHECKING:
    from lawui.lab import Lab
    from lawui.model.engine import Engine
    from lawui.model.load import LoadedModel
    from lawui.types import Prompt

AGAINST = ("reference", "lm-eval")

PADDED_BUDGET = 32_768
"""Tokens of a padded batch of the reference, padding included."""

Probs = list[tuple[float, ...]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--shape", choices=tuple(shapes.SHAPES), default="embedded")
    parser.add_argument("--items", type=int, default=140, help="questions, each in four orders")
    parser.add_argument("--repeats", type=int, default=3, help="the median counts")
    parser.add_argument("--set", default="selection", help="what lm-eval is asked")
    parser.add_argument("--evidence", default="given", help="with which evidence")
    parser.add_argument("--dtype", default="float32", help="of both sides against lm-eval")


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """{machine, shape, rows: [{row, ours, reference, ratio, tokens, differs}]}.

    `ours` and `reference` are seconds, `differs` is the largest difference of a
    probability. A row goes to standard error once it is known.
    """
    from lawui.bench import machine

    if arguments.against == "lm-eval":
        return {"machine": machine(), **harness.run(lab, arguments)}
    rows = _rows(arguments)
    return {"machine": machine(), "shape": arguments.shape, "items": arguments.items, "rows": rows}


def tell(row: dict[str, Any]) -> dict[str, Any]:
    """Put a finished row on standard error, so that a run that is cut short leaves it."""
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def _rows(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    four = shapes.questions(arguments.items)
    one = four[:: shapes.ORDERS]
    tasks = {
        f"{len(four)} orders with context": (four, False),
        f"{len(one)} with context": (one, False),
        f"{len(one)} with context, one adapter": (one, True),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = shapes.adapter(arguments.shape, Path(folder) / "one", seed=1)
        ours = _ours(arguments, tasks, path)
        free()
        plain = _plain(arguments, tasks, path) if arguments.against else {}
    rows = []
    for name, (seconds, probs, tokens) in ours.items():
        row: dict[str, Any] = {"row": name, "ours": round(seconds, 4), "tokens": tokens}
        if name in plain:
            row["reference"] = round(plain[name][0], 4)
            row["ratio"] = round(plain[name][0] / seconds, 2)
            row["differs"] = round(difference(probs, plain[name][1]), 4)
        rows.append(tell(row))
    return rows


def difference(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]]) -> float:
    """The largest difference of a probability."""
    pairs = zip(a, b, strict=True)
    return max(abs(x - y) for p, q in pairs for x, y in zip(p, q, strict=True))


def timed(repeats: int, what: Callable[[], Any]) -> tuple[float, Any]:
    """The median of `repeats` after one that warms up, and what it gave."""
    seconds = []
    found = what()
    for _ in range(repeats):
        synchronize()
        began = time.perf_counter()
        found = what()
        synchronize()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), found


def synchronize() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def free() -> None:
    """Give back what the last base held."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def modes(engine: Engine) -> dict[str, Any]:
    """How the engine computes."""
    names = ("weights", "attention", "fused", "graphs")
    return {name: getattr(engine, name) for name in names}


def _ours(
    arguments: argparse.Namespace, tasks: dict[str, tuple[list[Prompt], bool]], adapter: Path
) -> dict[str, tuple[float, Probs, int]]:
    from lawui.model.adapters import read_adapter
    from lawui.model.engine import Engine
    from lawui.model.letters import letter_probabilities

    engine = Engine(shapes.base(arguments.shape))
    budget = 32_768 if engine.loaded.device == "cuda" else 2_048
    lora = engine.read_adapter(read_adapter(adapter))
    found: dict[str, tuple[float, Probs, int]] = {}
    for name, (prompts, adapted) in tasks.items():
        ids = [p.token_ids for p in prompts]
        owners = [lora if adapted else None] * len(ids)
        seconds, letters = timed(
            arguments.repeats, partial(letter_probabilities, engine, ids, owners, budget)
        )
        tell({"row": name, "ours": seconds, "modes": modes(engine)})
        found[name] = (seconds, letters.probs, letters.tokens)
    engine.free()
    return found


def _plain(
    arguments: argparse.Namespace, tasks: dict[str, tuple[list[Prompt], bool]], adapter: Path
) -> dict[str, tuple[float, Probs]]:
    from peft import PeftModel

    loaded = shapes.base(arguments.shape)
    found: dict[str, tuple[float, Probs]] = {}
    model: Any = loaded.model
    for name, (prompts, adapted) in sorted(tasks.items(), key=lambda task: task[1][1]):
        if adapted:
            model = PeftModel.from_pretrained(loaded.model, adapter, adapter_name="one").eval()
            model.set_adapter("one")
        ids = [p.token_ids for p in prompts]
        found[name] = timed(arguments.repeats, partial(padded_letters, model, loaded, ids))
        tell({"row": name, "reference": found[name][0]})
    return found


def padded_letters(
    model: Any, loaded: LoadedModel, prompts: Sequence[Sequence[int]], **others: Any
) -> Probs:
    """The plain way: sorted by length, padded on the left, logits of the last position."""
    import torch

    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
    found: Probs = [()] * len(prompts)
    batch: list[int] = []
    for place, row in enumerate(order):
        batch.append(row)
        following = order[place + 1] if place + 1 < len(order) else None
        longer = following is not None and len(prompts[following]) * (len(batch) + 1)
        if following is not None and longer <= PADDED_BUDGET:
            continue
        longest = len(prompts[row])
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for at, one in enumerate(batch):
            ids[at, longest - len(prompts[one]) :] = torch.tensor(prompts[one])
            mask[at, longest - len(prompts[one]) :] = 1
        with torch.inference_mode():
            logits = model(
                input_ids=ids.to(loaded.device),
                attention_mask=mask.to(loaded.device),
                logits_to_keep=1,
                use_cache=False,
                **others,
            ).logits[:, -1]
        four = logits[:, list(loaded.letter_ids)].float().softmax(1)
        for one, probs in zip(batch, four.tolist(), strict=True):
            found[one] = tuple(probs)
        batch = []
    return found
