"""What a reader is told while an event works: the place in line, and how long it will take.

The work runs in a thread of its own, so that the event can speak meanwhile. How long it
will take the work itself tells where it can, as the model does; else it is what the same
work took last. Where neither is known, words say so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

from lawui.lab import Lab
from lawui.ui import components
from lawui.ui.text import duration, remaining, say

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds after which the words tell more than that it works."""

_LOOKS = 0.25
_shown: ContextVar[_Standing | None] = ContextVar("shown", default=None)


def in_line(place: int, left: float | None) -> None:
    """What `Lab.ask` tells of its place in line and of the seconds that are left goes to
    whoever shows it, if anybody."""
    stand = _shown.get()
    if stand is not None:
        stand.hear(place, left)


def until(how: Callable[[], tuple[str, float | None]]) -> None:
    """Let `how` tell of what begins now, before the model is asked: the key of words for it,
    "" for those of the whole, and the seconds that are left."""
    stand = _shown.get()
    if stand is not None:
        stand.look(how)


def until_ready(lab: Lab, search: bool) -> None:
    """What begins now waits for the model while that is being loaded, and where it searches
    for the first index while that is being made."""

    def how() -> tuple[str, float | None]:
        job = lab.index_job()
        if search and job.missing:
            return "wait.index", job.left
        return "" if lab.loaded else "wait.model", None

    until(how)


class Share:
    """Hears how many of how many parts are done of what begins now, and reckons from them what
    is left; not from the first, which may wait for what all need."""

    def __init__(self) -> None:
        self._done = self._total = 0
        self._began = self._told = 0.0
        until(lambda: ("", self._left()))

    def __call__(self, done: int, total: int) -> None:
        self._told = time.monotonic()
        if done == 1:
            self._began = self._told
        self._done, self._total = done, total

    def _left(self) -> float | None:
        if self._done < 2:
            return None
        each = (self._told - self._began) / (self._done - 1)
        return each * (self._total - self._done) - (time.monotonic() - self._told)


class Row:
    """As `in_line`, for the first of `n` answers that follow each other and take alike."""

    def __init__(self, n: int) -> None:
        self._after = n - 1
        self._each: float | None = None

    def __call__(self, place: int, left: float | None) -> None:
        if self._each is None:
            self._each = left
        if left is not None and self._each is not None:
            left += self._after * self._each
        in_line(place, left)


@dataclass(frozen=True)
class Wait:
    """How things stand: the place in line (0: being answered), whole seconds since the
    beginning, seconds that are left (None where nobody can tell, 0 where they are over), and
    the key of words for what is being done, if there are such."""

    place: int = 0
    seconds: int = 0
    left: int | None = None
    what: str = ""


@dataclass(frozen=True)
class Done(Generic[T]):
    """The work's result."""

    value: T


class Pace:
    """How long each kind of work took last, without its time in line. Thread-safe."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def run(self, kind: str, work: Callable[[], T]) -> Iterator[Wait | Done[T]]:
        """Do `work`; yield how it stands whenever there is news, and its result last."""
        stand = _Standing()
        results: list[T] = []
        errors: list[BaseException] = []

        def go() -> None:
            _shown.set(stand)
            try:
                results.append(work())
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=copy_context().run, args=(go,), name="event", daemon=True)
        thread.start()
        told = Wait()
        while thread.is_alive():
            thread.join(_LOOKS)
            now = stand.now(self._last.get(kind))
            if thread.is_alive() and now != told:
                told = now
                yield now
        if errors:
            raise errors[0]
        self._last[kind] = stand.served()
        yield Done(results[0])


class _Standing:
    """Where one piece of work stands."""

    def __init__(self) -> None:
        self._place = 0
        self._began = self._served = time.monotonic()
        self._how: Callable[[], tuple[str, float | None]] = lambda: ("", None)

    def hear(self, place: int, left: float | None) -> None:
        if self._place and not place:
            self._served = time.monotonic()
        self._place = place
        due = None if left is None else time.monotonic() + left
        self._how = lambda: ("", None if due is None else due - time.monotonic())

    def look(self, how: Callable[[], tuple[str, float | None]]) -> None:
        self._how = how

    def served(self) -> float:
        return time.monotonic() - self._served

    def now(self, last: float | None) -> Wait:
        """How it stands, where the same work took `last` seconds the time before."""
        seconds = time.monotonic() - self._began
        if seconds < PATIENCE:
            return Wait(self._place)
        what, left = self._how()
        if left is None and last is not None and not (what or self._place):
            left = last - self.served()
        whole = None if left is None else max(0, round(left))
        return Wait(self._place, int(seconds), whole, what)


def words(busy: str, wait: Wait, lang: str) -> str:
    """The notice of an event at work. Its clock is for the eye: read aloud each second it
    would drown everything else."""
    said = say(wait.what or busy, lang)
    if wait.place:
        said = say("wait.line", lang, n=wait.place)
    clock = ""
    if wait.left:
        clock = remaining(wait.left, lang)
    elif wait.seconds:
        so_far = say("train.elapsed", lang, time=duration(wait.seconds, lang))
        clock = components.joined((so_far, remaining(wait.left, lang)), lang)
    return components.busy(said, clock)
