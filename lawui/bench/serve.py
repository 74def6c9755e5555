"""Serving as the page does it, beside plain peft, in one run on one machine.

The reference is peft on the 4-bit base: one adapter switched on by set_adapter, several in
one batch by adapter_names. Then many browsers at once: requests a second, how long they
wait, whether any got another adapter's answer, and whether memory grows.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.bench import shapes
from lawui.bench.score import difference, free, modes, synchronize, tell, timed
from lawui.types import BASE

if TYPE_CHECKING:
    from lawui.lab import Lab
    from lawui.model.owner import Owner
    from lawui.types import Prompt

ADAPTERS = ("one", "two", "three", "four")
BATCH = 32

Row = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--shape", choices=tuple(shapes.SHAPES), default="embedded")
    parser.add_argument("--asks", type=int, default=40, help="single asks that are timed")
    parser.add_argument("--repeats", type=int, default=3, help="of a batch; the median counts")
    parser.add_argument("--requests", type=int, default=5000, help="of the load test")
    parser.add_argument("--browsers", type=int, default=50, help="that ask at the same time")


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """{machine, shape, rows: [{row, ours, reference, ratio, …}], load: {…}, memory: {…}}.

    Seconds, but `…over…` rows, which are ratios. A row goes to standard error once known.
    """
    from lawui.bench import machine

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed, adapter in enumerate(ADAPTERS, 1):
            shapes.adapter(arguments.shape, folder / adapter, seed)
        found = _ours(arguments, folder)
        free()
        plain = _plain(arguments, folder) if arguments.against else {}
    rows = []
    for name, value in found["rows"].items():
        row = {"row": name, "ours": value}
        if name in plain:
            row |= {"reference": plain[name], "ratio": round(plain[name] / value, 2)}
        rows.append(tell(row))
    if plain:
        found["differs"] = round(difference(found.pop("probs"), plain["probs"]), 4)
    found.pop("probs", None)
    return {"machine": machine(), "shape": arguments.shape, **found, "rows": rows}


def _overs(values: dict[str, Any]) -> dict[str, Any]:
    """What is asked as a ratio of two of the measurements."""
    return values | {
        "asks that alternate adapters over asks that do not": round(
            values["one ask, alternating adapters"] / values["one ask, one adapter"], 3
        ),
        f"batch of {BATCH}, four adapters over one": round(
            values[f"batch of {BATCH}, four adapters"] / values[f"batch of {BATCH}, one adapter"], 3
        ),
    }


def _ours(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from lawui.model.adapters import read_adapter
    from lawui.model.owner import Owner

    owner = Owner(shapes.base(arguments.shape), lambda name: read_adapter(folder / name))
    memory = {"resident": _memory()}
    prompts = shapes.questions(arguments.asks * 2, orders=1, seed=5)
    for prompt in shapes.questions(arguments.asks, orders=1, seed=6):  # every length once
        owner.answer([prompt], "one")
        owner.answer([prompt], BASE)
    began = time.perf_counter()
    owner.answer(prompts[:1], "two")
    values: dict[str, Any] = {"first ask of an adapter": time.perf_counter() - began}
    values["one ask, one adapter"], probs = _asks(owner, prompts[: arguments.asks], ("one",))
    again = prompts[arguments.asks :]
    values["one ask, alternating adapters"], _ = _asks(owner, again, ("one", "two"))
    values["one ask, base"], _ = _asks(owner, prompts[: arguments.asks], (BASE,))
    four = shapes.questions(arguments.asks, seed=7)
    values["one ask in four orders, one adapter"] = _in_four_orders(owner, four)
    values |= _batches(owner, arguments.repeats)
    found: dict[str, Any] = {
        "modes": modes(owner.engine),
        "adapter_bytes": owner.resident.bytes // len(owner.resident.keys),
        "rows": _overs(values),
        "probs": probs,
    }
    tell({"rows": found["rows"], "modes": found["modes"]})
    found["load"] = tell(_load(owner, arguments.requests, arguments.browsers))
    memory["after the load test"] = _memory()
    owner.close()
    memory["closed"] = _memory()
    second = Owner(shapes.base(arguments.shape, seed=9), lambda name: read_adapter(folder / name))
    memory["another base"] = _memory()
    second.close()
    return {**found, "memory": tell(memory)}


def _asks(
    owner: Owner, prompts: Sequence[Prompt], adapters: Sequence[str]
) -> tuple[float, list[Any]]:
    """The median seconds of one ask after another, each new, and the answers."""
    seconds, probs = [], []
    for number, prompt in enumerate(prompts):
        began = time.perf_counter()
        answer = owner.answer([prompt], adapters[number % len(adapters)])
        seconds.append(time.perf_counter() - began)
        probs.append(answer[0].probs)
    return statistics.median(seconds), probs


def _in_four_orders(owner: Owner, prompts: Sequence[Prompt]) -> float:
    seconds = []
    for at in range(0, len(prompts), shapes.ORDERS):
        began = time.perf_counter()
        owner.answer(prompts[at : at + shapes.ORDERS], "one")
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[len(seconds) // 2 :])


def _batches(owner: Owner, repeats: int) -> dict[str, float]:
    from lawui.model.letters import letter_probabilities

    ids = [p.token_ids for p in shapes.questions(BATCH, orders=1, seed=8)]
    loras = [owner.resident.get(owner._find_adapter(name)) for name in ADAPTERS]
    owners: dict[str, list[Any]] = {
        "base": [None] * BATCH,
        "one adapter": [loras[0]] * BATCH,
        "four adapters": [loras[row % len(loras)] for row in range(BATCH)],
    }
    found = {}
    for name, of in owners.items():
        seconds, _ = timed(repeats, partial(letter_probabilities, owner.engine, ids, of, 65_536))
        found[f"batch of {BATCH}, {name}"] = seconds
    return found


# -- plain means


def _plain(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from peft import PeftModel

    loaded = shapes.base(arguments.shape)
    model: Any = PeftModel.from_pretrained(loaded.model, folder / "one", adapter_name="one")
    for name in ADAPTERS[1:]:
        model.load_adapter(folder / name, adapter_name=name)
    model.eval()
    prompts = shapes.questions(arguments.asks * 2, orders=1, seed=5)
    letters = list(loaded.letter_ids)

    def ask(prompt: Prompt) -> list[float]:
        import torch

        with torch.inference_mode():
            ids = torch.tensor([prompt.token_ids], device=loaded.device)
            logits = model(input_ids=ids, use_cache=False, logits_to_keep=1).logits[0, -1]
            return logits[letters].float().softmax(0).tolist()  # type: ignore[no-any-return]

    model.set_adapter("one")
    for prompt in prompts[: arguments.asks : 4]:
        ask(prompt)
    values: dict[str, Any] = {}
    values["one ask, one adapter"], probs = _timed_asks(ask, prompts[: arguments.asks])

    def alternate(prompt: Prompt) -> list[float]:
        model.set_adapter(ADAPTERS[prompts.index(prompt) % 2])
        return ask(prompt)

    values["one ask, alternating adapters"], _ = _timed_asks(alternate, prompts[arguments.asks :])
    with model.disable_adapter():
        values["one ask, base"], _ = _timed_asks(ask, prompts[: arguments.asks])
    values |= _plain_batches(model, loaded, arguments.repeats)
    return {**_overs(values), "probs": probs}


def _timed_asks(
    ask: Callable[[Prompt], list[float]], prompts: Sequence[Prompt]
) -> tuple[float, list[Any]]:
    seconds, probs = [], []
    for prompt in prompts:
        began = time.perf_counter()
        probs.append(ask(prompt))
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), probs


def _plain_batches(model: Any, loaded: Any, repeats: int) -> dict[str, float]:
    import torch

    prompts = shapes.questions(BATCH, orders=1, seed=8)
    longest = max(p.n_tokens for p in prompts)
    ids = torch.zeros(BATCH, longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, longest - prompt.n_tokens :] = torch.tensor(prompt.token_ids)
        mask[row, longest - prompt.n_tokens :] = 1
    batch = {"input_ids": ids.to(loaded.device), "attention_mask": mask.to(loaded.device)}

    def forward(**others: Any) -> None:
        with torch.inference_mode():
            model(**batch, use_cache=False, logits_to_keep=1, **others)
        synchronize()

    found = {}
    model.set_adapter("one")
    found[f"batch of {BATCH}, one adapter"], _ = timed(repeats, forward)
    names = [ADAPTERS[row % len(ADAPTERS)] for row in range(BATCH)]
    found[f"batch of {BATCH}, four adapters"], _ = timed(
        repeats, lambda: forward(adapter_names=names)
    )
    with model.disable_adapter():
        found[f"batch of {BATCH}, base"], _ = timed(repeats, forward)
    return found


# -- many browsers


def _load(owner: Owner, requests: int, browsers: int) -> Row:
    """`requests` single asks of two adapters and the base from `browsers` threads.

    A third repeats a question that was asked before, as people do. Afterwards some are asked
    again one by one, with nothing kept: an answer was of the wrong adapter where it differs.
    """
    names = (BASE, "one", "two")
    prompts = [p.token_ids[-120:] for p in shapes.questions(64, orders=1, seed=11)]
    draw = random.Random(2)
    work = []
    for number in range(requests):
        own = number - number % 3 if number % 3 == 2 else number  # every third is old
        ids = (17 + own % 5000, 16 + own // 5000, *prompts[own % len(prompts)])
        work.append((draw.choice(names), shapes.prompt(ids, f"load-{own}")))
    waits: list[float] = []
    got: dict[int, Any] = {}
    samples: list[int] = []
    deepest = [0]
    lock = threading.Lock()

    def ask(number: int) -> None:
        name, prompt = work[number]
        began = time.perf_counter()
        answer = owner.answer([prompt], name)[0]
        took = time.perf_counter() - began
        with lock:
            waits.append(took)
            got[number] = answer
            deepest[0] = max(deepest[0], owner.waiting)
            if number % max(1, requests // 10) == 0:
                samples.append(_memory()["process"])

    began = time.perf_counter()
    with ThreadPoolExecutor(browsers) as pool:
        list(pool.map(ask, range(requests)))
    seconds = time.perf_counter() - began
    ordered = sorted(waits)
    checked = draw.sample(range(requests), min(requests, 200))
    return {
        "requests": requests,
        "browsers": browsers,
        "seconds": round(seconds, 2),
        "requests_a_second": round(requests / seconds, 1),
        "ms_p50": round(1000 * ordered[len(ordered) // 2], 1),
        "ms_p95": round(1000 * ordered[int(0.95 * (len(ordered) - 1))], 1),
        "checked": len(checked),
        "wrong_adapters": _wrong(owner, [(*work[n], got[n]) for n in checked]),
        "longest_line": deepest[0],
        "process_bytes_by_tenth": samples,
    }


def _wrong(owner: Owner, asked: Sequence[tuple[str, Prompt, Any]]) -> int:
    """How many of the answers are not those of the same ask alone."""
    owner.forget()
    tolerance = _tolerance(owner)
    wrong = 0
    for name, prompt, answer in asked:
        alone = owner.answer([prompt], name)[0]
        same = difference([answer.probs], [alone.probs]) <= tolerance
        wrong += not (same and answer.adapter == name)
    return wrong


def _tolerance(owner: Owner) -> float:
    from lawui.model.letters import TOLERANCE

    return TOLERANCE[str(owner.loaded.dtype).removeprefix("torch.")]


def _memory() -> dict[str, int]:
    """Bytes of this process, and on the card."""
    import psutil
    import torch

    free()
    cuda = torch.cuda.memory_allocated() if torch.cuda.is_available() else 0
    return {"process": psutil.Process().memory_info().rss, "card": cuda}
