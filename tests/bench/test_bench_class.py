"""`bench class`: a small class on a page of its own goes through every press."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_small_class_presses_everything() -> None:
    words = ["--model", "embedded", "--offline", "bench", "class", "--clients", "4"]
    done = subprocess.run(
        [sys.executable, "-m", "lawui", *words, "--rounds", "1", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert {name: found[name]["n"] for name in ("vote", "reveal", "same", "own")} == {
        "vote": 4,
        "reveal": 2,
        "same": 4,
        "own": 4,
    }
    assert found["look"]["n"] >= 8 and found["same"]["processor"] > 0 and found["load"]
