"""What the Train tab says besides what it draws."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from lawui.lab import Lab
from lawui.types import RunStatus
from lawui.ui import train_tab


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, ""),
        ({"train_set": "selection"}, "「lawqa_jp（140問）」はここにない"),
        ({"train_set": "", "train_file": "/tmp/rows.jsonl"}, "ファイルは写せません"),
        ({"start_from": "gone"}, "出発点だった「gone」は今は使えない"),
    ],
)
def test_copied_settings_say_what_could_not_be_copied(
    lab: Lab, more: dict[str, Any], told: str
) -> None:
    values = {**asdict(lab.train_config("sample")), **more}
    if not values["train_set"] and not values["train_file"]:
        values["train_set"] = "sample"
    first, *others = train_tab.copied(lab, "run-1", values, "ja", "")
    assert "「run-1」の設定を左に写しました" in first
    assert len(others) == bool(told) and told in "".join(others)


class Runs:
    """A lab of which only the runs are looked at."""

    def __init__(self) -> None:
        self.all = [RunStatus("former", "done", 2, 2)]

    def train_runs(self) -> list[RunStatus]:
        return self.all

    def train_events(self, run: str) -> list[Any]:
        return []


def test_a_pulse_that_set_out_before_a_start_draws_nothing_of_the_former_run() -> None:
    runs: Any = Runs()
    seen, *_ = train_tab.watch(runs, "ja", "former")
    runs.all = [RunStatus("new", "starting"), *runs.all]
    seen, run, *_ = train_tab.watch(runs, "ja", "new", seen=None)
    assert run["value"] == "new"
    assert train_tab.watch(runs, "ja", "former", seen=seen) is None
    runs.all = [RunStatus("new", "running", 1, 2), *runs.all[1:]]
    seen, _, _, status, *_ = train_tab.watch(runs, "ja", "former", seen=seen)
    assert "new" in status and "former" not in status
    runs.all = [RunStatus("new", "running", 2, 2), *runs.all[1:]]
    seen, _, _, status, *_ = train_tab.watch(runs, "ja", "new", seen=seen)
    assert "new" in status  # the page has heard: from now on it is its own choice
    _, _, _, status, *_ = train_tab.watch(runs, "ja", "former", seen=seen)
    assert "former" in status


def test_a_run_that_another_started_is_shown_and_a_late_pulse_does_not_undo_it() -> None:
    runs: Any = Runs()
    seen, *_ = train_tab.watch(runs, "ja", "former")
    seen = train_tab.Seen(seen.digest, seen.runs)  # the page has heard
    runs.all = [RunStatus("theirs", "running", 1, 2), *runs.all]
    seen, run, *_ = train_tab.watch(runs, "ja", "former", seen=seen)
    assert run["value"] == "theirs"
    runs.all = [RunStatus("theirs", "running", 2, 2), *runs.all[1:]]
    _, _, _, status, *_ = train_tab.watch(runs, "ja", "former", seen=seen)
    assert "theirs" in status and "former" not in status
