"""What every test stands on: no network, few threads, the embedded model loaded once."""

from __future__ import annotations

import os
from pathlib import Path

# Processes that tests start find the package wherever they stand.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH")])
)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")

import pytest

from lawui.model.load import LoadedModel, load


@pytest.fixture(scope="session")
def embedded() -> LoadedModel:
    """The embedded base in nf4, for reading only: nobody attaches an adapter to it."""
    return load()
