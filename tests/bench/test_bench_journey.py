"""`bench journey` on the CPU: through the page, and through the lab where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lawui.__main__ import main
from lawui.bench import journey
from tests.training.conftest import make_tiny_base


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("base") / "tiny")


@pytest.mark.parametrize("driver", ["page", "lab"])
def test_all_four_tabs_in_one_go(
    driver: str,
    tmp_path: Path,
    tiny: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LAWUI_DATA", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    count = 1 if driver == "page" else 2
    small = ["--steps", "3", "--other-steps", "1", "--limit", "8", "--set", "sample"]
    small += ["--adapters", str(count)]
    # One kind through the lab: the index is built once for the page.
    kinds = ["--evidence", "given"] if driver == "lab" else []
    place = ["--driver", driver, "--report", str(tmp_path / "report"), "--json"]
    common = ["--home", str(tmp_path), "--model", str(tiny), "--offline", "bench", "journey"]
    assert main([*common, *small, *kinds, *place]) == 0
    out, _ = capsys.readouterr()
    found: dict[str, Any] = json.loads(out)
    assert found["driver"] == driver and found["errors"] == []
    phases = {told["phase"].split()[0]: told for told in found["phases"]}
    assert list(phases) == ["train", "the", "switch:", "compare", "score", "export"]
    watched = found["phases"][0]
    assert (watched["state"], watched["steps"]) == ("done", 3) and watched["loss"]
    assert watched["events"] >= 5 and watched["median_lag_seconds"] >= 0
    assert phases["compare"]["columns"] == 1 + count and phases["switch:"]["median_ms"] > 0
    cells = count * (1 if kinds else 3)
    assert phases["score"]["answers"] == 8 * cells and len(found["cells"]) == cells
    assert all(told["seconds"] >= 0 and told["memory_bytes"] > 0 for told in found["phases"])
    assert Path(found["report"]).parent == tmp_path / "report" and found["report_bytes"] > 1000


def test_errors_are_found_in_a_log_and_nothing_else(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "Traceback (most recent call last):\n  File x\nlawui.errors.DataError: no\n"
        "INFO no error here\nterrors: fine\nRuntimeError: CUDA error: out of luck\nERROR: bad\n"
    )
    assert len(journey.errors_in(log)) == 4
    assert journey.errors_in(tmp_path / "none") == []
