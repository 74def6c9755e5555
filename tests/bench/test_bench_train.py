"""`bench train` beside the stock trainer, on a base of no size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lawui.__main__ import main


def test_both_learn_the_same_from_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--shape", "tiny", "--steps", "3", "--tokens", "40", "--dropout", "0", "--json"]
    common = ["--home", str(tmp_path), "--offline", "bench", "train"]
    assert main([*common, "--against", "reference", *words]) == 0
    out, _ = capsys.readouterr()
    figures = json.loads(out)
    assert out.count("\n") == 1 and figures["shape"] == "tiny" and figures["machine"]["torch"]
    assert [cell["cell"] for cell in figures["cells"]] == ["all", "qv"]
    for cell in figures["cells"]:
        ours, reference = cell["ours"], cell["reference"]
        assert ours["steps"] == reference["steps"] == 3
        assert ours["first_loss"] == pytest.approx(reference["first_loss"], rel=1e-4)
        assert ours["loss"] == pytest.approx(reference["loss"], rel=1e-3)
        assert ours["tokens"] < reference["tokens"] == 3 * 4 * 512
        assert ours["seconds"] > 0 and cell["ratio"] > 0
        assert ours["plan"]["dequantize"] and not ours["skipped"]


def test_a_measurement_of_nothing_is_refused(tmp_path: Path) -> None:
    assert main(["--home", str(tmp_path), "bench", "train", "--steps", "0"]) == 2
