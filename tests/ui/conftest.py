"""A real lab on the embedded model and the sample, in a home of its own, and its page."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lawui.lab import Lab, Settings
from lawui.readers.people import ROLES, Account, People
from lawui.ui import access
from tests.serving import House, opened


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


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A page with log-in: a-reader, a-reviewer, a-trainer, and two more trainers."""
    users = [Account(f"a-{role}", role, "pw") for role in ROLES]
    users += [Account(name, "trainer", "pw") for name in ("owner", "b-trainer")]
    people = People(users, who=access.who, a_minute={})
    with opened(tmp_path_factory.mktemp("house"), people) as served:
        yield served
