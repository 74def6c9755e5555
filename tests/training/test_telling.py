"""What a run says of its speed."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lawui.training.counters import Counters
from lawui.training.engine import Reading
from lawui.training.events import EventReader, EventWriter
from lawui.training.telling import Teller


def test_steps_that_are_heard_of_at_once_took_alike(tmp_path: Path) -> None:
    """On a card several are: none of them was computed in no time."""
    material: Any = SimpleNamespace(max_steps=40)
    tell = Teller(EventWriter(tmp_path / "log"), Counters(), material, 1)
    began = time.perf_counter()
    for heard in (1, 2, 3):
        at = began + 0.4 * heard
        tell.hear([Reading(1.0, 1.0, 100, 1e-4, at - 1e-6 * late) for late in (3, 2, 1, 0)], "cpu")
    tell.hear([], "cpu")
    events = EventReader(tmp_path / "log").read()
    assert [event.step for event in events] == list(range(1, 13))
    assert [event.tokens_per_second for event in events] == pytest.approx([1000.0] * 12, rel=0.02)
    assert [e.data["seconds_left"] for e in events] == pytest.approx(
        [0.1 * (40 - e.step) for e in events], rel=0.03
    )
