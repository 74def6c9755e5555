"""Leafing through a set: what scores and marks tell of its items."""

from __future__ import annotations

from dataclasses import replace

from lawui.asking.browse import UNMARKED, Narrow, Tried, groups, narrowed, tried
from lawui.types import Answer, Question, ScoreRun

FOUR = ("一", "二", "三", "四")
QUESTIONS = [
    Question(f"s-{n}-{order}", f"甲_{n}", f"甲_{n // 2 * 2}", order, "甲", f"問{n}", FOUR, "b")
    for n in range(3)
    for order in range(2)
]
RUN = ScoreRun("r", "base", "none", "s", "d", "m", 6, 6)


def answers(*right: str) -> dict[str, Answer]:
    return {
        q.id: Answer(q.id, (0, 0, 0, 0), "b" if q.id in right else "a", 1, "base", "none", "", 0)
        for q in QUESTIONS
    }


def test_difficulty_counts_versions_and_orders() -> None:
    runs = [
        (RUN, QUESTIONS, answers("s-0-0", "s-0-1", "s-1-0")),
        (replace(RUN, adapter="x", adapter_sha="x"), QUESTIONS, answers("s-0-0", "s-1-0")),
        (replace(RUN, id="older"), QUESTIONS, answers()),  # the same asked before
    ]
    found = tried(runs)
    assert found == {"甲_0": Tried(3, 4), "甲_1": Tried(2, 4), "甲_2": Tried(0, 4)}
    assert [found[f"甲_{n}"].level for n in range(3)] == ["easy", "middle", "hard"]
    assert Tried().level == "unscored"


def test_items_are_narrowed_by_all_that_is_asked() -> None:
    levels = {"甲_0": Tried(4, 4), "甲_1": Tried(0, 4)}
    marks = {"甲_0": ["agree"], "甲_1": ["gold_doubtful", "agree"]}

    def of(**asked: str) -> list[str]:
        fit = narrowed(QUESTIONS[::2], Narrow(**asked), levels, marks)
        return [q.source for q in fit]

    assert of() == ["甲_0", "甲_1", "甲_2"]
    assert of(level="hard") == ["甲_1"] and of(level="unscored") == ["甲_2"]
    assert of(review="agree") == ["甲_0", "甲_1"] and of(review=UNMARKED) == ["甲_2"]
    assert of(group="甲_0") == ["甲_0", "甲_1"]
    assert of(review="agree", level="easy", group="甲_0") == ["甲_0"]


def test_groups_are_those_of_more_than_one_item() -> None:
    found = groups(QUESTIONS)
    assert list(found) == ["甲_0"] and [q.source for q in found["甲_0"]] == ["甲_0", "甲_1"]
