"""From a set or a file to the rows of a training run, and the leak guard.

Train, dev and test are three things. A set is split by group: the sample by its frozen
split, any other by a seeded one; the test groups never become rows. A file of the user is
compared with every set that can be scored: rows that share text with one are refused
unless they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lawui.data import questions as data
from lawui.data import rows
from lawui.errors import UsageError
from lawui.types import Question, QuestionSet


@dataclass(frozen=True)
class TrainingData:
    """Questions and the part (train, dev or test) of each of their groups.

    `also_seen` names groups of the scored sets that the questions share text with: they
    are known only because the user insisted, and every score marks them.
    """

    name: str
    dataset_sha: str
    questions: tuple[Question, ...]
    split: dict[str, str]
    also_seen: tuple[str, ...] = ()
    skipped: int = 0


def from_set(question_set: QuestionSet, seed: int, allow_seen: bool) -> TrainingData:
    """The train and dev part of a set. With `allow_seen` its test groups join train.

    Raises UsageError for the test part of the sample alone, without `allow_seen`.
    """
    name = question_set.name
    if name.startswith("sample"):
        frozen = data.frozen_split()
        split = {q.group: frozen[q.group] for q in question_set.questions}
        if name == "sample_train":
            # A run needs dev questions to show what it learns.
            whole = data.load_set("sample", None)
            split = {group: part for group, part in frozen.items() if part != "test"}
            question_set = replace(whole, name=name)
    else:
        split = data.split(question_set.questions, seed=seed)
    if allow_seen:
        split = {group: "train" if part == "test" else part for group, part in split.items()}
    if "train" not in split.values():
        raise UsageError("usage.seen", count=len(split), example=question_set.questions[0].source)
    return TrainingData(name, question_set.dataset_sha, question_set.questions, split)


def from_file(path: Path, scored: list[QuestionSet], seed: int, allow_seen: bool) -> TrainingData:
    """The rows of a user's JSON or JSONL file, a tenth of its groups kept for dev.

    Raises UsageError where rows share text with a question of `scored` and `allow_seen`
    is off, DataError where the file cannot be read.
    """
    read, skipped = read_rows(path)
    return from_questions(replace(read, name=path.name), scored, seed, allow_seen, skipped)


def from_questions(
    read: QuestionSet,
    scored: list[QuestionSet],
    seed: int,
    allow_seen: bool,
    skipped: int = 0,
) -> TrainingData:
    """Questions that a user brought or wrote, a tenth of their groups kept for dev.

    Raises UsageError where they share text with a question of `scored` and `allow_seen`
    is off.
    """
    leaked: dict[str, str] = {}
    for question_set in scored:
        examples = {q.group: q.source for q in question_set.questions}
        for group in data.overlapping(question_set.questions, read.questions):
            leaked[group] = examples[group]
    if leaked and not allow_seen:
        raise UsageError("usage.seen", count=len(leaked), example=next(iter(leaked.values())))
    split = _with_dev(data.split(read.questions, seed=seed, fractions=(0.9, 0.1, 0.0)))
    return TrainingData(
        read.name, read.dataset_sha, read.questions, split, tuple(sorted(leaked)), skipped
    )


def _with_dev(split: dict[str, str]) -> dict[str, str]:
    """In a small file no group may fit a tenth: then one of at least two groups is dev."""
    if "dev" in split.values() or len(split) < 2:
        return split
    return {**split, min(split): "dev"}


def read_rows(path: Path) -> tuple[QuestionSet, int]:
    """(question set, rows skipped) of a file in lawqa_jp's format or one row a line.

    A line is a question (`問題文`, `選択肢`, `output` …) or an `input`/`output`/`meta`
    row, whose input holds the question as text and whose output names a letter. An
    `input` row without four choices or one clear letter is skipped and counted. Raises
    DataError where a line is no JSON object, naming it.
    """
    samples, raw = data.read_samples(path)
    kept = [rows.as_sample(s, i) if rows.is_text_row(s) else s for i, s in enumerate(samples)]
    sound = [sample for sample in kept if sample is not None]
    if not sound:
        raise UsageError("usage.no_rows", source=path.name)
    return data.from_samples(sound, path, path.stem, raw), len(kept) - len(sound)
