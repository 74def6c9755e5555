from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def lawui_data() -> Path:
    """The folder of real questions and statutes, which the repository doesn't hold."""
    folder = os.environ.get("LAWUI_DATA", "")
    if not folder:
        pytest.skip("LAWUI_DATA is not set: no real questions and statutes here")
    return Path(folder)
