"""Folds: who is trained on and who is scored, and the guard between them.

group     groups (items that share text) are never divided: the honest figure
source    only the orders of an item stay together, as a newcomer would divide it by
          ファイル名: the context of many an item is then in training under another
          name. Reported beside, to show how much that leaks
article   groups that cite an article in common stay together too: nothing that is
          asked rests on an article that was learned from
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lawui import dataset
from lawui.data import questions as data
from lawui.errors import UsageError
from lawui.types import AdapterInfo, Question, all_told

KINDS = ("group", "source", "article")
DEV_PARTS = 5
"""One part of so many of a fold's training questions is dev, where anything is chosen."""


@dataclass(frozen=True)
class Fold:
    """The fold `number` of `count`: questions to train on and questions to score. `choosing`
    and `dev` divide the training questions where something is chosen."""

    kind: str
    number: int
    count: int
    training: tuple[Question, ...]
    scored: tuple[Question, ...]
    choosing: tuple[Question, ...]
    dev: tuple[Question, ...]

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.number + 1}of{self.count}"


def folds(questions: Sequence[Question], kind: str, count: int, seed: int = 0) -> list[Fold]:
    """`count` folds that together score each question once."""
    units = _units(questions, kind)
    bound = [replace(question, group=units[question.source]) for question in questions]
    found = []
    for number, names in enumerate(data.folds(bound, count, seed)):
        training = [q for q in questions if units[q.source] not in names]
        outer = [q for q in bound if q.group not in names]
        parts = [part for part in data.folds(outer, DEV_PARTS, seed + 1) if part]
        held = parts[number % len(parts)]
        found.append(
            Fold(
                kind=kind,
                number=number,
                count=count,
                training=tuple(training),
                scored=tuple(q for q in questions if units[q.source] in names),
                choosing=tuple(q for q in training if units[q.source] not in held),
                dev=tuple(q for q in training if units[q.source] in held),
            )
        )
    return found


def leaks(fold: Fold) -> int:
    """How many questions of the fold share their group with a training question."""
    seen = {question.group for question in fold.training}
    return sum(question.group in seen for question in fold.scored)


def check(fold: Fold, adapter: AdapterInfo) -> None:
    """Refuse to score `adapter` on what it saw. Raises UsageError `usage.bench_seen`.

    The adapter's own card names the groups that it saw. Only folds by source, which are
    there to show the leak, may score a group that was seen, and never an item.
    """
    seen = set(adapter.trained_groups)
    if not all_told(seen):  # a card that tells nothing proves nothing
        raise UsageError("usage.bench_seen", adapter=adapter.name, count=len(fold.scored))
    if fold.kind == "source":
        items = {question.source for question in fold.training}
        again = [q for q in fold.scored if q.source in items]
    else:
        again = [q for q in fold.scored if q.group in seen]
    if again:
        raise UsageError("usage.bench_seen", adapter=adapter.name, count=len(again))


def _units(questions: Sequence[Question], kind: str) -> dict[str, str]:
    """Source -> the name of what is never divided."""
    if kind == "source":
        return {question.source: question.source for question in questions}
    if kind == "group":
        return {question.source: question.group for question in questions}
    clusters = dataset.by_article(questions)
    return {question.source: clusters[question.group] for question in questions}
