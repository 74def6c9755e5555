"""A real lab on the embedded model and the sample, in a home of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lawui.lab import Lab, Settings


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab that app.py would make, without data of the user."""
    home = tmp_path_factory.mktemp("home")
    made = _lab(home, demo=False)
    yield made
    made.close()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Lab]:
    """The same, read-only."""
    made = _lab(tmp_path, demo=True)
    yield made
    made.close()


def _lab(home: Path, demo: bool) -> Lab:
    # Neither LAWUI_DATA nor a ./data of the checkout may change what these tests see.
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(home):
        patch.delenv("LAWUI_DATA", raising=False)
        return Lab(Settings(home=home, model="embedded", offline=True, demo=demo))
