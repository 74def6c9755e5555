"""From a set or a file to the rows of a training run, and the leak guard.

Train, dev and test are three things. A set is split by group: the sample by its frozen
split, any other by a seeded one; the test groups never become rows. The reading exercises
are for training alone: some of what was held out of them is dev. A file of the user is
compared with every set that can be scored: rows that share text with one are refused
unless they are asked for.
"""

from __future__ import annotations

import functools
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lawui.data import questions as data
from lawui.data import reading, rows
from lawui.data.headings import cited_articles
from lawui.errors import UsageError
from lawui.training.rows import OTHERS, among
from lawui.types import Passage, Question, QuestionSet

_READING = threading.Lock()

Shown = Callable[[Question, str], Sequence[Passage]]
"""The passages of a question for one kind of evidence."""

READING_DEV = 160
"""About how many reading exercises are dev, so that a look at them is quick."""


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
    spared: int = 0


def from_set(
    question_set: QuestionSet, seed: int, allow_seen: bool, articles: bool = False
) -> TrainingData:
    """The train and dev part of a set. With `allow_seen` its test groups join train; with
    `articles` no article is cited in two parts.

    Raises UsageError for the sample's test part or exam alone, without `allow_seen`.
    """
    name, also_seen = question_set.name, set[str]()
    if name == data.EXAM:
        split = {q.group: "test" for q in question_set.questions}
    elif data.whole_of(name) == "sample":
        frozen = data.frozen_split()
        split = {q.group: frozen[q.group] for q in question_set.questions}
        if name == "sample_train":
            # A run needs dev questions to show what it learns.
            whole = data.load_set("sample", None)
            split = {group: part for group, part in frozen.items() if part != "test"}
            question_set = replace(whole, name=name)
        if articles:
            split = _without_shared(question_set.questions, split)
    else:
        split = _split(question_set.questions, seed, articles)
    if allow_seen:
        split = {group: "train" if part == "test" else part for group, part in split.items()}
        if data.on_sample(question_set.questions[0]):
            also_seen = _sample_overlap(question_set)
    if "train" not in split.values():
        raise UsageError("usage.seen", count=len(split), example=question_set.questions[0].source)
    return TrainingData(
        name, question_set.dataset_sha, question_set.questions, split, tuple(sorted(also_seen))
    )


def _sample_overlap(learnt: QuestionSet) -> set[str]:
    """The groups of the sample's other file that share text with what is learnt."""
    other = data.load_set("sample" if learnt.name == data.EXAM else data.EXAM, None)
    return data.overlapping(other.questions, learnt.questions)


def from_reading(scored: Sequence[QuestionSet], seed: int, most: int = 0) -> TrainingData:
    """The reading exercises: of the regulations that are held out a few, drawn by `seed`,
    are dev; the others of them are unused, all else is train and nothing is test. Where a run
    reads `most` exercises and no more, only regulations that hold as many are train, drawn by
    `seed`, and it looks at no more of what is held out than it reads.

    A regulation that shares text with a question of `scored` is unused, and so is one that
    is held out and shares text with one to learn from. No article stands in two of them.
    """
    with _READING:  # several ask at once: the first reads for all
        exercises = reading.question_set()
        unused = _entangled(tuple(scored))
    sizes = Counter(question.group for question in exercises.questions)
    held = reading.held_out() & sizes.keys()
    split = dict.fromkeys(sizes, "train") | dict.fromkeys(held | unused, "unused")
    free = sorted(held - unused)
    random.Random(f"{seed}/{reading.NAME}").shuffle(free)
    count, wanted = 0, min(READING_DEV, most or READING_DEV)
    for group in free:
        if count >= wanted:
            break
        split[group] = "dev"
        count += sizes[group]
    spared = _spare(split, sizes, seed, most) if most else 0
    return TrainingData(
        exercises.name, exercises.dataset_sha, exercises.questions, split, spared=spared
    )


def _spare(split: dict[str, str], sizes: Mapping[str, int], seed: int, most: int) -> int:
    """Take out of train what is not needed for `most` questions; how many those are."""
    groups = sorted(group for group, part in split.items() if part == "train")
    random.Random(f"{seed}/{reading.NAME}/train").shuffle(groups)
    read = spared = 0
    for group in groups:
        if read < most:
            read += sizes[group]
        else:
            split[group] = "unused"
            spared += sizes[group]
    return spared


@functools.lru_cache(maxsize=2)
def _entangled(scored: tuple[QuestionSet, ...]) -> frozenset[str]:
    """The groups of the reading exercises that share text with a question of `scored`, or
    that are held out and share text with one that is not."""
    exercises, held = reading.question_set().questions, reading.held_out()
    joined = data.components([*exercises, *(q for s in scored for q in s.questions)])
    asked = {joined[q.source] for s in scored for q in s.questions}
    learnt = {joined[q.source] for q in exercises if q.group not in held}
    return frozenset(
        q.group
        for q in exercises
        if joined[q.source] in (asked | learnt if q.group in held else asked)
    )


def shown(source: TrainingData, find: Shown) -> Shown:
    """What a row of `source` shows: what `find` gives for the question and the kind. For
    `distractors` that is the question's own text among what search finds and it does not rest
    on; the exercises, which no search finds, stand among texts of others to learn from."""
    if source.name == reading.NAME:
        return _shown_exercises(source, find)

    def passages(question: Question, kind: str) -> Sequence[Passage]:
        if kind != "distractors":
            return find(question, kind)
        others = unrelated(question, find(question, "retrieved"))
        return among(question, find(question, "given"), others)

    return passages


def _shown_exercises(source: TrainingData, find: Shown) -> Shown:
    asked = {question.source: question for question in source.questions}
    learnt = sorted({q.source for q in source.questions if source.split[q.group] == "train"})

    @functools.cache  # several exercises have one text
    def text(name: str) -> Sequence[Passage]:
        return find(asked[name], "given")

    def passages(question: Question, kind: str) -> Sequence[Passage]:
        own = text(question.source)
        if kind == "given":
            return own
        draw = random.Random(f"others/{question.source}")
        drawn = draw.sample(learnt, min(max(OTHERS) + 1, len(learnt)))
        others = [text(name)[0] for name in drawn if name != question.source]
        return among(question, own, others)

    return passages


def unrelated(question: Question, found: Sequence[Passage]) -> list[Passage]:
    """Those of the passages found whose article the question does not rest on."""
    own = cited_articles(question)
    return [passage for passage in found if (passage.law, passage.article) not in own]


def from_file(
    path: Path,
    scored: list[QuestionSet],
    seed: int,
    allow_seen: bool,
    articles: bool = False,
) -> TrainingData:
    """The rows of a user's JSON or JSONL file, a tenth of its groups kept for dev.

    Raises UsageError where rows share text with a question of `scored` and `allow_seen`
    is off, DataError where the file cannot be read.
    """
    read, skipped = read_rows(path)
    named = replace(read, name=path.name)
    return from_questions(named, scored, seed, allow_seen, articles, skipped)


def from_questions(
    read: QuestionSet,
    scored: list[QuestionSet],
    seed: int,
    allow_seen: bool,
    articles: bool = False,
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
    split = _with_dev(_split(read.questions, seed, articles, (0.9, 0.1, 0.0)))
    return TrainingData(
        read.name, read.dataset_sha, read.questions, split, tuple(sorted(leaked)), skipped
    )


def _split(
    questions: Sequence[Question],
    seed: int,
    articles: bool,
    fractions: tuple[float, float, float] = (0.7, 0.1, 0.2),
) -> dict[str, str]:
    """Part of each group. With `articles`, groups that cite an article in common stay
    together: what is learned of an article is then never asked."""
    if not articles:
        return data.split(questions, seed=seed, fractions=fractions)
    joined = by_article(questions)
    larger = [replace(question, group=joined[question.group]) for question in questions]
    parts = data.split(larger, seed=seed, fractions=fractions)
    return {group: parts[name] for group, name in joined.items()}


def by_article(questions: Sequence[Question]) -> dict[str, str]:
    """The name of the cluster of each group: groups linked by an article that both cite."""
    cluster = {question.group: question.group for question in questions}
    first: dict[tuple[str, str], str] = {}

    def root(group: str) -> str:
        while cluster[group] != group:
            group = cluster[group]
        return group

    for question in questions:
        for article in cited_articles(question):
            one, other = root(question.group), root(first.setdefault(article, question.group))
            cluster[max(one, other)] = min(one, other)
    return {group: root(group) for group in cluster}


def _without_shared(questions: Sequence[Question], split: dict[str, str]) -> dict[str, str]:
    """A frozen split without the train groups that cite an article of dev or test, and the
    dev groups that cite one of test; they are `unused`."""
    cited: dict[str, set[tuple[str, str]]] = {}
    for question in questions:
        cited.setdefault(question.group, set()).update(cited_articles(question))
    kept = dict(split)
    taken: set[tuple[str, str]] = set()
    for part in ("test", "dev", "train"):
        groups = [group for group in cited if split[group] == part]
        for group in groups:
            if cited[group] & taken:
                kept[group] = "unused"
        for group in groups:
            taken |= cited[group] if kept[group] == part else set()
    return kept


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
    kept = [rows.as_sample(s) if rows.is_text_row(s) else s for s in samples]
    sound = [sample for sample in kept if sample is not None]
    if not sound:
        raise UsageError("usage.no_rows", source=path.name)
    return data.from_samples(sound, path, path.stem, raw), len(kept) - len(sound)
