"""What a reader is told while an event works: the place in line, and how long it will take.

The work runs in a thread of its own, so that the event can speak meanwhile. How long it
will take is what the same work took last.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

from lawui.ui import components
from lawui.ui.text import duration, say

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds after which the words tell more than that it works."""

_LOOKS = 0.25
_heard: ContextVar[Callable[[int], None] | None] = ContextVar("heard", default=None)


def in_line(place: int) -> None:
    """What `Lab.ask` tells of its place in line goes to whoever shows it, if anybody."""
    hear = _heard.get()
    if hear is not None:
        hear(place)


@dataclass(frozen=True)
class Wait:
    """How things stand: the place in line (0: being answered), whole seconds since the
    beginning, and seconds that are left by what it took last, if it was ever done."""

    place: int = 0
    seconds: int = 0
    left: int | None = None


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
            _heard.set(stand.hear)
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

    def hear(self, place: int) -> None:
        if self._place and not place:
            self._served = time.monotonic()
        self._place = place

    def served(self) -> float:
        return time.monotonic() - self._served

    def now(self, last: float | None) -> Wait:
        seconds = time.monotonic() - self._began
        if seconds < PATIENCE:
            return Wait(self._place)
        left = None if self._place or last is None else last - self.served()
        return Wait(self._place, int(seconds), None if left is None or left < 1 else round(left))


def words(busy: str, wait: Wait, lang: str) -> str:
    """The notice of an event at work. Its clock is for the eye: read aloud each second it
    would drown everything else."""
    said = say(busy, lang)
    if wait.place:
        said = say("wait.line", lang, n=wait.place)
    clock = ""
    if wait.left is not None:
        clock = say("train.left", lang, time=duration(wait.left, lang))
    elif wait.seconds:
        clock = say("train.elapsed", lang, time=duration(wait.seconds, lang))
    return components.busy(said, clock)
