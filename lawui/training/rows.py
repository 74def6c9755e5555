"""The rows of a run: what is asked, with which evidence, for training or for dev.

lab resolves evidence into rows before the child starts, so that the child needs no
search, no index and no data folder, and a data file changed in mid-run changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from lawui.errors import TrainingError
from lawui.training.config import TRAIN_EVIDENCES, kinds, mix
from lawui.types import LETTERS, Passage, Question

ROWS = "rows.jsonl"

OTHERS = (1, 2, 4)
"""How many passages stand beside a question's own text as distractors; one is drawn."""

_QUESTION_FIELDS = {field.name for field in fields(Question)}
_PASSAGE_FIELDS = {field.name for field in fields(Passage)}


@dataclass(frozen=True)
class Row:
    """One line of rows.jsonl. `split` is train or dev."""

    split: str
    evidence: str
    question: Question
    passages: tuple[Passage, ...]


def make_rows(
    questions: Iterable[Question],
    split: Mapping[str, str],
    evidence_mix: str,
    passages: Callable[[Question, str], Sequence[Passage]],
    seed: int = 0,
) -> Iterator[Row]:
    """Rows for the questions whose group `split` marks train or dev; test is left out.

    Each training item is asked with what it draws by the weights of `evidence_mix`, one kind
    of evidence or several, the same in all its orders; each dev question with every kind of
    it, so that dev moves by learning alone. `passages(question, evidence)` is asked for all
    but `none`.
    """
    shares, every = mix(evidence_mix), kinds(evidence_mix)
    for question in questions:
        part = split.get(question.group, "")
        if part not in ("train", "dev"):
            continue
        for kind in drawn(question, shares, seed) if part == "train" else every:
            found = () if kind == "none" else tuple(passages(question, kind))
            yield Row(part, kind, question, found)


def drawn(
    question: Question, shares: Mapping[tuple[str, ...], float], seed: int
) -> tuple[str, ...]:
    """The kinds of evidence that an item is learnt with, in all its orders, by the shares of
    a mix."""
    draw = random.Random(f"{seed}/{question.source}")
    return draw.choices(list(shares), list(shares.values()))[0]


def among(
    question: Question, own: Sequence[Passage], others: Sequence[Passage]
) -> tuple[Passage, ...]:
    """A question's own text among the first of `others`, in an order drawn by the item, so
    that all its orders are shown the same. Where not all fit into a row, those that come last
    are left out, its own among them."""
    draw = random.Random(f"among/{question.source}")
    mixed = [*own, *others[: draw.choice(OTHERS)]]
    # Passages of several origins: their ids may be the same.
    numbered = [replace(passage, id=f"{number}") for number, passage in enumerate(mixed)]
    return tuple(draw.sample(numbered, len(numbered)))


def dump(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows, as plain values, as the text of rows.jsonl."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def sha(text: str) -> str:
    """Identity of rows.jsonl: 16 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(text: str, path: str = ROWS) -> list[Row]:
    """Rows from the text of rows.jsonl. Raises TrainingError naming the first bad line."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                rows.append(_row(json.loads(line)))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise TrainingError("train.bad_row", path=path, line=number) from error
    return rows


def _row(values: Mapping[str, Any]) -> Row:
    question = {k: v for k, v in values["question"].items() if k in _QUESTION_FIELDS}
    question["choices"] = tuple(question["choices"])
    question["references"] = tuple(question.get("references", ()))
    passages = []
    for value in values.get("passages", ()):
        passage = {k: v for k, v in value.items() if k in _PASSAGE_FIELDS}
        passage["found_by"] = tuple(passage.get("found_by", ()))
        passages.append(Passage(**passage))
    row = Row(values["split"], values["evidence"], Question(**question), tuple(passages))
    texts = (row.question.stem, *row.question.choices)
    if len(texts) != 5 or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError("a question needs a stem and four choices")
    if row.split not in ("train", "dev") or row.evidence not in TRAIN_EVIDENCES:
        raise ValueError("unknown split or evidence")
    if row.question.gold not in LETTERS:
        raise ValueError("unknown gold")
    return row


def check(rows: Sequence[Row], split: Mapping[str, str], allow_seen: bool) -> None:
    """The leak guard. Raises TrainingError where nothing is to be learned, where a
    question has no group, where a group is in train and in dev, or where a group that
    `split` keeps for testing is among the rows without `allow_seen`."""
    groups: dict[str, set[str]] = {"train": set(), "dev": set()}
    for row in rows:
        if not row.question.group:
            raise TrainingError("train.no_group", question=row.question.id)
        groups[row.split].add(row.question.group)
    if not groups["train"]:
        raise TrainingError("train.no_rows")
    if allow_seen:
        return
    if both := groups["train"] & groups["dev"]:
        raise TrainingError("train.group_in_both", count=len(both), example=min(both))
    seen = groups["train"] | groups["dev"]
    if leaked := {group for group in seen if split.get(group) == "test"}:
        raise TrainingError("train.leak", count=len(leaked), example=min(leaked))
