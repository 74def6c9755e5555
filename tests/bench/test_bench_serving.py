"""`bench score` and `bench serve` beside plain means, on a base of no size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lawui.bench import shapes
from lawui.model.letters import TOLERANCE

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "lawui", "--model", "embedded", "--offline", "bench"]
    common = ("--shape", "tiny", "--against", "reference", "--json")
    run = subprocess.run(
        [*command, *arguments, *common], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_scoring_is_measured_beside_padded_batches_and_answers_the_same() -> None:
    found = bench("score", "--items", "3", "--repeats", "1")
    assert [row["row"].split()[0] for row in found["rows"]] == ["12", "3", "3"]
    for row in found["rows"]:
        assert row["ours"] > 0 and row["ratio"] > 0
        assert row["differs"] <= TOLERANCE["float32"]
    assert found["machine"]["torch"]


def test_serving_is_measured_beside_peft_and_no_adapter_is_taken_for_another() -> None:
    found = bench("serve", "--asks", "3", "--repeats", "1", "--requests", "60", "--browsers", "8")
    rows = {row["row"]: row for row in found["rows"]}
    assert "asks that alternate adapters over asks that do not" in rows
    assert all(row["ours"] > 0 for row in rows.values())
    assert found["differs"] <= TOLERANCE["float32"]
    assert found["load"]["wrong_adapters"] == 0 and found["load"]["checked"] == 60


def test_the_questions_have_the_lengths_of_the_real_ones() -> None:
    prompts = shapes.questions(140)
    assert len(prompts) == 560
    assert sum(p.n_tokens for p in prompts) == pytest.approx(370_160, rel=0.01)
