"""Leafing through a set: by law, group, difficulty, what the reader marked, and words.

Difficulty is what stored scores tell: of all answers that versions gave to an item, in
whatever order of the choices and with whatever evidence, how many are the official one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lawui.types import Answer, Question, ScoreRun

LEVELS = ("hard", "middle", "easy", "unscored")
"""Hard where fewer than a third of the answers were right, easy where more than two thirds."""

UNMARKED = "unmarked"
"""The review state of an item that the reader has not marked; the others are MARKS."""


@dataclass(frozen=True)
class Tried:
    """How many of the answers that an item was given, over all scores, were right."""

    right: int = 0
    total: int = 0

    @property
    def level(self) -> str:
        """One of LEVELS."""
        if not self.total:
            return "unscored"
        share = self.right / self.total
        return "hard" if share < 1 / 3 else "easy" if share > 2 / 3 else "middle"


@dataclass(frozen=True)
class Narrow:
    """What a reader asks of the items: "" asks nothing. `level` is one of LEVELS, `review`
    UNMARKED or one of MARKS, `group` the name of a group."""

    level: str = ""
    review: str = ""
    group: str = ""


def tried(
    scores: Iterable[tuple[ScoreRun, Sequence[Question], Mapping[str, Answer]]],
) -> dict[str, Tried]:
    """By item (ファイル名): how its answers went. Of scores that ask the same (set, model,
    version, evidence) the first given counts: give the newest first."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    seen = set()
    for run, questions, answers in scores:
        asks = (run.set, run.model_sha, run.adapter_sha or run.adapter, run.evidence)
        if asks in seen:
            continue
        seen.add(asks)
        for question in questions:
            answer = answers.get(question.id)
            if answer is not None and question.gold:
                total[question.source] += 1
                right[question.source] += answer.choice == question.gold
    return {source: Tried(right[source], n) for source, n in total.items()}


def narrowed(
    questions: Sequence[Question],
    narrow: Narrow,
    levels: Mapping[str, Tried],
    marks: Mapping[str, Sequence[str]],
) -> list[Question]:
    """The questions that fit. `levels` and `marks` (the reader's own) are by item."""

    def fits(q: Question) -> bool:
        mine = marks.get(q.source, ())
        return (
            (not narrow.level or levels.get(q.source, Tried()).level == narrow.level)
            and (not narrow.group or q.group == narrow.group)
            and (
                not narrow.review
                or (not mine if narrow.review == UNMARKED else narrow.review in mine)
            )
        )

    return [q for q in questions if fits(q)]


def groups(questions: Sequence[Question]) -> dict[str, list[Question]]:
    """The groups that hold more than one item, each in its first order."""
    found: dict[str, list[Question]] = {}
    for question in questions:
        if question.order == 0:
            found.setdefault(question.group, []).append(question)
    return {group: items for group, items in found.items() if len(items) > 1}
