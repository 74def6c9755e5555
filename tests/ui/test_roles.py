"""Every named endpoint with every role: what each may do, and that nothing is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lawui.readers.people import ROLES, People
from lawui.ui import access
from tests.serving import House, opened

READ = ("reader", True)
KEEP = ("reader", False)
"""Keeps or deletes what is one's own; a demo keeps nothing."""
REVIEW = ("reviewer", False)
SCORE = ("reviewer", True)
TRAIN = ("trainer", False)

NEEDS: dict[str, tuple[str, bool]] = {
    **dict.fromkeys(("describe", "sets", "questions", "search", "index_status"), READ),
    **dict.fromkeys(("ask", "compare_answers", "what_if", "explain", "browse"), READ),
    **dict.fromkeys(("split_question", "adapters", "marks", "marks_counts"), READ),
    **dict.fromkeys(("train_preview", "train_presets", "train_status", "train_events"), READ),
    **dict.fromkeys(("train_runs", "score_jobs", "score_job", "score_status"), READ),
    **dict.fromkeys(("score_runs", "score_summary", "score_table", "compare"), READ),
    **dict.fromkeys(("compare_job", "score_differences", "score_item", "score_abstain"), READ),
    **dict.fromkeys(("visit_new", "visit_text", "visit_export", "visit_clear"), READ),
    **dict.fromkeys(("own_list", "own_export", "class_join", "class_vote", "class_state"), READ),
    **dict.fromkeys(("class_show", "class_go", "class_close"), READ),  # the key is asked for
    **dict.fromkeys(("own_add", "own_change", "own_remove", "own_import"), KEEP),
    **dict.fromkeys(("my_data", "marks_export"), READ),
    **dict.fromkeys(("my_data_delete",), KEEP),
    **dict.fromkeys(("mark", "mark_remove"), REVIEW),
    **dict.fromkeys(("score_start", "score_columns", "score_job_cancel"), SCORE),
    **dict.fromkeys(("score_job_resume", "score_cancel", "score_resume", "class_open"), SCORE),
    **dict.fromkeys(("train_start", "train_seeds", "train_preset_save"), TRAIN),
    **dict.fromkeys(("train_preset_remove", "train_remove", "train_stop"), TRAIN),
    **dict.fromkeys(("train_resume", "score_job_remove", "index_build", "law_add"), TRAIN),
    **dict.fromkeys(("threshold_set", "threshold_clear"), TRAIN),
}
"""For each endpoint the least role, and whether a read-only demo allows it."""

REFUSED = re.compile(r"! .*(people\.role|people\.demo|usage\.demo|own\.demo|marks\.demo)")
GIVEN: dict[str, Any] = {
    **dict.fromkeys(("run", "run_a", "run_b", "job", "code", "key", "token", "law_id"), "nothing"),
    **dict.fromkeys(("item", "adapter"), "nothing"),
    "preset": "sample",
    "set": "nothing",
    "runs": ["nothing"],
    "adapters": ["base"],
    "evidences": ["none"],
    "settings": {"train_set": "nothing"},
    "choices": ["一", "二", "三", "四"],
    "stem": "問い",
    "text": "[]",
    "name": "名前",
    "mark": "agree",
    "letter": "a",
    "target": 0.5,
    "step": 1,
    "visit": "nothing",
    "id": "nothing",
    "source": "nothing",
    "total": -1,
}
"""What every endpoint is called with: things that are not there, so that nothing is done."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    people = People(demo=True, who=access.who)
    with opened(tmp_path_factory.mktemp("demo"), people) as served:
        yield served


@pytest.fixture(autouse=True)
def no_rebuild(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that is allowed to be rebuilt is not."""
    monkeypatch.setattr("lawui.library.Library.start_build", lambda *a, **b: None)


def values(house: House, endpoint: str) -> dict[str, Any]:
    names = [p["parameter_name"] for p in house.endpoints[endpoint]]
    return {name: GIVEN[name] for name in names if name in GIVEN}


def test_the_table_names_every_endpoint(house: House) -> None:
    assert set(NEEDS) == set(house.endpoints), "say what a new endpoint needs"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_table_says_and_no_more(house: House, role: str) -> None:
    guest = house.guest(f"a-{role}")
    for endpoint, (needed, _) in NEEDS.items():
        said = guest.said(endpoint, **values(house, endpoint))
        refused = REFUSED.match(said) is not None
        assert refused == (ROLES.index(role) < ROLES.index(needed)), (endpoint, said[:300])


def test_nobody_may_do_anything(house: House) -> None:
    guest = house.guest()
    for endpoint in NEEDS:
        assert guest.said(endpoint, **values(house, endpoint)) == "! 401", endpoint


def test_a_demo_trains_keeps_and_deletes_nothing(demo: House) -> None:
    guest = demo.guest()
    assert set(demo.endpoints) == set(NEEDS)
    for endpoint, (_, allowed) in NEEDS.items():
        said = guest.said(endpoint, **values(demo, endpoint))
        assert (REFUSED.match(said) is None) == allowed, (endpoint, said[:300])


def test_the_home_is_as_it_was(demo: House) -> None:
    kept = {str(Path(p).relative_to(demo.lab.home)) for p in demo.lab.home.rglob("*")}
    assert not [path for path in kept if path.startswith("adapters/")]
