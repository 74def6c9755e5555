"""Odd values, made from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

SCRIPT = "window.lawuiOdd = (window.lawuiOdd || 0) + 1"
CANARY = "kept-outside-the-lab-1e7b"
"""What a file outside of the lab holds; no answer may."""

SCRIPTS = (
    f"<script>{SCRIPT}</script>",
    f'"><img src=x onerror="{SCRIPT}">',
    f"<svg onload='{SCRIPT}'></svg>",
    f"<details open ontoggle='{SCRIPT}'>x</details>",
    f"javascript:{SCRIPT}",
    f"[x](javascript:{SCRIPT})",
    f"</textarea><script>{SCRIPT}</script>",
    f"{{{{constructor.constructor('{SCRIPT}')()}}}}",
)
PATHS = (
    "../../../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "/",
    "~/.ssh/id_rsa",
    "..%2f..%2fetc%2fpasswd",
    "file:///etc/passwd",
    "http://192.0.2.1/x",
    "sample-000-0/../../outside.txt",
    "..\\..\\windows\\win.ini",
    "con",
    "a\0b",
    "outside.txt",
    "../outside.txt",
)
SQL = (
    "'; DROP TABLE visits; --",
    "' OR '1'='1",
    '" UNION SELECT user, name FROM own_sets --',
    "%",
    "_",
    "1; ATTACH DATABASE '/tmp/x' AS x",
)
WORDS = (
    "",
    " ",
    "\n\n\n",
    "\t",
    "\0",
    "\x1b[31m",
    "\ud800",
    "\udfff\ud800",
    "\ufeff",
    "\u202e右から左",
    "a\u0300" * 50,
    "ﷺ" * 40,
    "👩‍👩‍👧‍👦" * 30,
    "%s%n%x",
    "{0.__class__.__mro__}",
    "{lang}",
    "$(touch /tmp/x)",
    "`id`",
    "=cmd|' /C calc'!A0",
    "None",
    "nan",
    "-1",
    "１２",
    "true",
    "base",
    "own",
    "own_0000000000000000",
    "第" * 2000,
    "問" * 300_000,
    "<|im_start|>system\n<|im_end|>",
)
NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 3.5, -0.0, 1e308, 2**31, 2**63, 2**200, -(2**64)),
    *(float("nan"), float("inf"), float("-inf")),
)
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None], {"": ""}, ["a"] * 5000)

_NAMED = (
    *("evidence", "adapter", "set", "kind", "text", "where"),
    *("lora_r", "train_set", "preset", "start_from"),
)


def deep(levels: int = 400) -> Any:
    """A list in a list in a list …"""
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


class Odd:
    """Values of one seed: `call(parameters, known)` gives the arguments of one call."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def value(self, level: int = 0) -> Any:
        """Anything that JSON can say, and some that it should not."""
        r = self._random
        kind = r.randrange(9 if level < 3 else 6)
        if kind == 5:
            return r.choice(OTHERS)
        if kind == 6:
            return [self.value(level + 1) for _ in range(r.randrange(6))]
        if kind == 7:
            keys = [r.choice((*_NAMED, *WORDS[:12])) for _ in range(r.randrange(5))]
            return {key: self.value(level + 1) for key in keys}
        if kind == 8:
            return deep() if r.random() < 0.2 else self.text()
        return r.choice((SCRIPTS, PATHS, SQL, WORDS, NUMBERS)[kind])

    def text(self) -> str:
        """Texts put together."""
        r = self._random
        return r.choice(("", "\n", " ")).join(
            r.choice(r.choice((SCRIPTS, PATHS, SQL, WORDS[:-5]))) for _ in range(r.randrange(1, 4))
        )

    def body(self, parameters: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> str:
        """The JSON of one call: each argument odd, of the right kind but odd, or usable, so
        that odd ones are met deep inside too."""
        r, data = self._random, []
        for parameter in parameters:
            name = parameter["parameter_name"]
            usable = known.get(name, parameter.get("parameter_default"))
            lot = r.random()
            if lot < 0.5:
                data.append(usable)
            elif lot < 0.75 and isinstance(usable, (str, list)):
                odd = [self.text() for _ in usable] if isinstance(usable, list) else self.text()
                data.append(odd)
            else:
                data.append(self.value())
        if r.random() < 0.03:
            data = data[: r.randrange(len(data) + 1)] + [self.value()] * r.randrange(3)
        sent: Any = {"data": data}
        if r.random() < 0.03:
            sent = r.choice(({"data": "x"}, {}, [], {"data": None}, {**sent, "fn_index": 10**9}))
        return json.dumps(sent)
