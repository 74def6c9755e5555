"""What the lab asks for letter probabilities: one small interface, whoever computes them.

`lawui.model.owner.Owner` serves a base that is resident in this process,
`lawui.model.remote.Remote` one that a server somewhere holds. Both offer the same names.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future
from typing import Any, Protocol

from lawui.types import BASE, Answer, Letter, Passage, Prompt, Question

ASK = 0
"""Priority of a person who waits; served first."""
BATCH = 1
"""Priority of scoring in the background."""

InLine = Callable[[int, float | None], None]
"""Hears of a place in line (1 is next, 0 is being answered) and of the seconds that are left,
None while nobody can tell."""


class Base(Protocol):
    """What is known of the model that answers. `sha` names its weights, `prompt_sha` the
    wording through its chat template; `max_length` is in tokens."""

    @property
    def name(self) -> str: ...
    @property
    def sha(self) -> str: ...
    @property
    def licence(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def quantization(self) -> str: ...
    @property
    def prompt_sha(self) -> str: ...
    @property
    def max_length(self) -> int: ...
    @property
    def tokenizer(self) -> Any: ...


class Serving(Protocol):
    """Answers prompts, many callers at once. Thread-safe.

    A future ends with one Answer a prompt, in order, or with the LabError that kept it
    from being answered; one request's error is never another's.
    """

    loaded: Base
    """The model that answers."""

    def submit(
        self,
        prompts: Sequence[Prompt],
        adapter: str = BASE,
        evidence: str = "",
        priority: int = ASK,
    ) -> Future[list[Answer]]:
        """Queue `prompts` for `adapter`. Raises HostError where too many wait already."""
        ...

    def answer(
        self,
        prompts: Sequence[Prompt],
        adapter: str = BASE,
        evidence: str = "",
        priority: int = ASK,
    ) -> list[Answer]:
        """The answers to `prompts`, waited for. Raises what kept one from being answered."""
        return self.submit(prompts, adapter, evidence, priority).result()

    def position(self, future: Future[list[Answer]]) -> int:
        """The place in line of what `submit` returned: 1 is next, 0 is no longer waiting."""
        ...

    def left(self, future: Future[list[Answer]]) -> float | None:
        """Seconds until what `submit` returned is answered, with what waits before it, by the
        speed so far; None before anything was answered."""
        ...

    @property
    def waiting(self) -> int:
        """The number of requests in line."""
        ...

    def forget(self) -> None:
        """Keep no answers in memory: whatever is asked next is computed."""
        ...

    def explain(
        self, question: Question, passages: Sequence[Passage], choice: Letter, adapter: str = BASE
    ) -> Iterator[str]:
        """The reason of an answer in the model's own words: the whole text so far, each time
        some was added. Raises LabError where it cannot go on."""
        ...

    def close(self) -> None:
        """Refuse what waits, free what is held."""
        ...


_LOOK_SECONDS = 0.2


def wait(
    serving: Serving, asked: Sequence[Future[list[Answer]]], in_line: InLine | None = None
) -> list[list[Answer]]:
    """The answers of all `asked`; `in_line` hears again and again of the first one in line and
    of the time until the last is answered."""
    due: float | None = None
    while in_line is not None:
        open = futures.wait(asked, timeout=_LOOK_SECONDS).not_done
        if not open:
            break
        lefts = [serving.left(future) for future in open]
        known = [left for left in lefts if left is not None]
        if len(known) == len(lefts):
            # A reckoning may only come nearer: what it is made of does not tell its age.
            reckoned = time.monotonic() + max(known)
            due = reckoned if due is None else min(due, reckoned)
        left = None if due is None else max(0.0, due - time.monotonic())
        in_line(min(serving.position(future) for future in open), left)
    return [future.result() for future in asked]


def followed(in_line: InLine, seconds: float) -> InLine:
    """`in_line` of a piece of work after which more of it follows that takes `seconds`."""
    return lambda place, left: in_line(place, None if left is None else left + seconds)
