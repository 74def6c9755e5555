"""Many who ask for the same at once have it made once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lawui.model.remembered import Remembered


def test_a_value_is_made_once_for_many() -> None:
    kept: Remembered[int] = Remembered(2)
    made, gate = [], threading.Event()

    def make() -> int:
        gate.wait(30)
        made.append(1)
        return 7

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(kept.get, "maker", "key", make) for _ in range(8)]
        gate.set()
        assert [one.result() for one in asked] == [7] * 8
    assert made == [1]


def test_the_oldest_goes_first_and_another_maker_forgets_all() -> None:
    kept: Remembered[str] = Remembered(2)
    for key in ("a", "b", "c"):
        assert kept.get(1, key, lambda key=key: key) == key  # type: ignore[misc]
    assert kept.get(1, "c", lambda: "new") == "c" and kept.get(1, "a", lambda: "new") == "new"
    assert kept.get(2, "c", lambda: "new") == "new"
    kept.forget()
    assert kept.get(2, "c", lambda: "newer") == "newer"


def test_what_could_not_be_made_is_tried_again() -> None:
    kept: Remembered[str] = Remembered(2)

    def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept.get(1, "a", fail)
    assert kept.get(1, "a", lambda: "yes") == "yes"
