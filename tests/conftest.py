"""What every test stands on: no network, few threads, the embedded model loaded once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# Processes that tests start find the package wherever they stand.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH")])
)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling

from lawui.model.load import LoadedModel, load


class Files(LoadFileScheduling):
    """Side by side run whole files, and never two that drive a browser: two cores are enough for
    one of those."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "browser" if "/browser/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Files:
    return Files(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    items.sort(key=lambda item: "browser" not in item.path.parts)


@pytest.fixture(scope="session")
def embedded() -> LoadedModel:
    """The embedded base in nf4, for reading only: nobody attaches an adapter to it."""
    return load()
