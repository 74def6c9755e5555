"""Training and answers on one card: while a run needs it, answers take as little as they can.

A run plans by what is free when it starts. So the base gives back its unpacked weights and
recordings first, answers go on from the 4-bit weights, and all of it comes back when the last
run has ended, whoever started it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from lawui.errors import LabError, ModelError
from lawui.model.serving import Serving
from lawui.training.runs import RunStore

_LOOK_SECONDS = 2.0
_PATIENCE_SECONDS = 120.0


class Sharing:
    """Keeps the resident base small while any run of `runs` is going on. Thread-safe.

    `resident` gives what answers now, or None; only a base on a card is asked to shrink.
    """

    def __init__(self, runs: RunStore, resident: Callable[[], Serving | None]) -> None:
        self._runs = runs
        self._resident = resident
        self._lock = threading.Lock()
        self._watching = False

    @property
    def needed(self) -> bool:
        """Whether a run is going on or waits for its turn."""
        return self._runs.any_alive()

    @property
    def notices(self) -> tuple[LabError, ...]:
        """What a page says while answers make do with less."""
        return (ModelError("model.sharing"),) if self._watching else ()

    def make_room(self) -> None:
        """Shrink what answers, before a run starts; it grows again by itself."""
        if _on_card(self._resident()):
            self._watch()
            self._resize(True)

    def loads(self, device: str) -> bool:
        """Whether a base that is about to be loaded on `device` must be spare: a run may
        have outlived the server that started it."""
        spare = device.startswith("cuda") and self.needed
        if spare:
            self._watch()
        return spare

    def _watch(self) -> None:
        with self._lock:
            if self._watching:
                return
            self._watching = True
        threading.Thread(target=self._wait_for_the_end, name="card", daemon=True).start()

    def _wait_for_the_end(self) -> None:
        # The run that room was made for has a moment to appear.
        time.sleep(_LOOK_SECONDS)
        while self.needed:
            time.sleep(_LOOK_SECONDS)
        with self._lock:
            self._watching = False
        self._resize(False)

    def _resize(self, spare: bool) -> None:
        from lawui.model.owner import Owner

        owner = self._resident()
        if isinstance(owner, Owner):
            # Where it cannot be held anew, whoever asks next is told, and it is tried again.
            with contextlib.suppress(LabError, TimeoutError):
                owner.resize(spare).result(timeout=_PATIENCE_SECONDS)


def _on_card(owner: Serving | None) -> bool:
    return owner is not None and owner.loaded.device.startswith("cuda")
