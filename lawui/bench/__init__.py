"""Measurements: `python -m lawui bench NAME`.

One module a bench. Each offers `add_arguments(parser)` for flags of its own,
`run(lab, arguments) -> dict` and, where it can be measured beside several things, AGAINST.
It stands above the rooms as the command line does: it may use any of them, and nothing but
the command line uses it. Speed and memory are told as
ratios within one run on one machine; a figure names its card, versions and date.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lawui.lab import Lab

BENCHES = {
    "score": "how fast a set is answered, beside plain transformers or lm-eval",
    "serve": "asks, many adapters and many browsers at once, beside plain peft",
    "retrieval": "how fast and how well search finds the cited articles",
    "remote": "many items through a server, killed and resumed: speed, memory, repeats",
    "class": "sixty browsers in a class at once: how long a press takes",
    "whatif": "how long a changed question takes to be answered anew",
    "train": "a short QLoRA run, beside stock transformers.Trainer",
    "journey": "the four tabs' work in one go, through the page or the lab behind it",
    "large": "a base of 7 or 8 billion trained and asked within a memory budget",
    "parallel": "one run by one process and by several: speed, scaling, the same loss",
    "quality": "adapters on questions that they never saw: folds, seeds and ablations",
}
"""Name and one line of help; the module of the same name has the rest."""

_NAMED = {"class": "classroom"}
"""Where the name could not be a module's."""


def add_parsers(verbs: Any, command: Any) -> None:
    """One sub-command a bench: `verbs` is argparse's subparsers, `command` makes one."""
    for name, help in BENCHES.items():
        parser: argparse.ArgumentParser = command(verbs, name, _run, help)
        against = getattr(_module(name), "AGAINST", ("reference",))
        parser.add_argument("--against", choices=against, help="measure this beside it")
        parser.set_defaults(bench=name)
        _module(name).add_arguments(parser)


def machine() -> dict[str, Any]:
    """What a figure must name: date, processor, card and versions. Imports torch."""
    import torch
    import transformers

    cuda = torch.cuda.is_available()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "card": torch.cuda.get_device_name() if cuda else None,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def _run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    return {"bench": arguments.bench, **_module(arguments.bench).run(lab, arguments)}


def _module(name: str) -> Any:
    return importlib.import_module(f"lawui.bench.{_NAMED.get(name, name)}")
