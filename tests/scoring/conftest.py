"""Stores and runs for the tests of the scoring room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lawui.scoring.run import ScoreStore
from lawui.types import ScoreRun


@pytest.fixture
def store(tmp_path: Path) -> ScoreStore:
    return ScoreStore(tmp_path / "scores")


@pytest.fixture
def new_run(store: ScoreStore) -> Callable[..., ScoreRun]:
    """Creates a run for as many questions as told."""

    def create(total: int, **values: object) -> ScoreRun:
        fields = {"adapter": "base", "evidence": "none", "set": "set", "dataset_sha": "d"}
        return store.create(**{**fields, "model_sha": "m", "total": total, **values})  # type: ignore[arg-type]

    return create
