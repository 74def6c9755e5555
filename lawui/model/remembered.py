"""What was worked out a moment ago, for the many who ask for the same: a class of sixty
presses on one question."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """At most `most` values of one maker; another maker's make them all forgotten. Thread-safe:
    a value that many ask for at once is made once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._maker: object = None
        self._values: dict[Hashable, Future[V]] = {}
        self._lock = threading.Lock()

    def get(self, maker: object, key: Hashable, make: Callable[[], V]) -> V:
        """The value of `key`; raises what `make` raises, to everybody who waits for it."""
        with self._lock:
            if self._maker is not maker:
                self._maker, self._values = maker, {}
            values = self._values
            found = values.get(key)
            first = found is None
            if found is None:
                while len(values) >= self._most:
                    values.pop(next(iter(values)))
                found = values[key] = Future()
        if first:
            try:
                found.set_result(make())
            except BaseException as error:
                with self._lock:
                    values.pop(key, None)
                found.set_exception(error)
        return found.result()

    def forget(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._maker, self._values = None, {}
