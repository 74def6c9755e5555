"""Four-choice questions in lawqa_jp's format: sets, groups, search and splits.

A set is a JSON file `{"samples": [...]}` (or one sample a line, `.jsonl`) with the keys
ファイル名, コンテキスト, 問題文, 選択肢, output and, optionally, references and
回答オーダーマップ番号. Items that share text form a group, and a group is never divided:
see `_groups` for the rule.
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

from lawui.data import reading, rows
from lawui.data.headings import cited_articles, place
from lawui.errors import DataError, UsageError
from lawui.types import LETTERS, Question, QuestionSet

SAMPLE = Path(__file__).parent / "sample"
SPLITS = ("train", "dev", "test")
EXAM = "sample_exam"
"""More questions on the articles of the sample's test part: nothing learns from them."""

_SAMPLE_SETS = ("sample", *(f"sample_{s}" for s in SPLITS))
_DATA_SETS = ("selection", "selection_randomized")
_MIN_SHARED = 20  # characters of a line or sentence that makes two items share text
_SAME_STEM = 0.7  # Dice of character trigrams from which two stems ask the same
_TEMPLATE = 100  # items from which a sentence in common is a template, no sign of twins
_CHOICE = re.compile(r"\s*([a-zａ-ｚ])[ \t　.．、:：]+(.*)", re.DOTALL)


def available_sets(data_dir: Path | None) -> list[str]:
    """The names of the sets that can be loaded: the sample's always, others by file."""
    found = [name for name in _DATA_SETS if data_dir and _data_file(name, data_dir).is_file()]
    return [*_SAMPLE_SETS, EXAM, *found]


def load_set(name: str, data_dir: Path | None) -> QuestionSet:
    """A set by name; read again only when its file has changed.

    Raises UsageError for an unknown name and DataError for a file that is missing or
    not sound, naming the file and the item.
    """
    if name == EXAM:
        return _read_cached(SAMPLE / "exam.json", EXAM)
    if name in _SAMPLE_SETS:
        whole = _read_cached(SAMPLE / "questions.json", "sample")
        return whole if name == "sample" else _part(whole, name.removeprefix("sample_"))
    if name == reading.NAME:
        raise UsageError("data.only_to_train", set=name)
    if name not in _DATA_SETS:
        raise UsageError("data.unknown_set", set=name, sets=", ".join(available_sets(data_dir)))
    if data_dir is None:
        raise DataError("data.no_data_folder", set=name)
    return _read_cached(_data_file(name, data_dir), name)


def whole_of(name: str) -> str:
    """The set that one is a part of: `sample` for its parts, else the set itself."""
    return "sample" if name in _SAMPLE_SETS else name


def on_sample(question: Question) -> bool:
    """Whether a question is on the sample ordinance."""
    return question.id.split("-", 1)[0] in ("sample", EXAM)


def read_questions(path: Path, set_name: str) -> QuestionSet:
    """Any file in lawqa_jp's format. Ids are `{set_name}-007`, with `-2` behind for the
    third order where items are asked in several orders."""
    samples, raw = read_samples(path)
    return from_samples(samples, path, set_name, raw)


def read_samples(path: Path) -> tuple[list[Any], bytes]:
    """The samples of a `.json` or `.jsonl` file as they stand there, and its bytes."""
    raw = _read_bytes(path)
    return _samples(raw, path), raw


def from_samples(samples: Sequence[Any], path: Path, set_name: str, raw: bytes) -> QuestionSet:
    """A set of samples in lawqa_jp's format; `path` is for messages, `raw` for the hash."""
    read = [_sample(s, i, path) for i, s in enumerate(samples)]
    sources = list(dict.fromkeys(s.source for s in read))
    index = {source: i for i, source in enumerate(sources)}
    several = len(sources) < len(read)
    groups = _groups(read)
    prefix = re.sub(r"\W", "_", set_name)  # ids stand in addresses and are parted at "-"
    seen: Counter[str] = Counter()
    questions = []
    for sample in read:
        order = seen[sample.source]
        seen[sample.source] += 1
        qid = f"{prefix}-{index[sample.source]:03d}" + (f"-{order}" if several else "")
        questions.append(replace(sample, id=qid, order=order, group=groups[sample.source]))
    sha = hashlib.sha256(raw).hexdigest()
    return QuestionSet(set_name, tuple(questions), sha, str(path))


def find(question_set: QuestionSet, qid: str) -> Question:
    """The question with this id, bare number (`7`, `7-2`) or ファイル名.

    Where an item has several orders and none is named, it is the first.
    """
    wanted = unicodedata.normalize("NFKC", qid).strip()
    for question in question_set.questions:
        if wanted in (question.id, question.source) or qid.strip() == question.source:
            return question
    bare = re.fullmatch(
        r"([0-9]{1,9})(?:-([0-9]{1,9}))?", wanted.removeprefix(_prefix(question_set) + "-")
    )
    if bare:
        place = int(bare[1]), int(bare[2] or 0)
        for question in question_set.questions:
            if (item_number(question), question.order) == place:
                return question
    raise UsageError("data.unknown_question", id=qid, set=question_set.name)


def item_number(question: Question) -> int:
    """The 0-based place of the question's item in its file."""
    return int(question.id.split("-")[1])


def search(
    question_set: QuestionSet, words: str = "", law: str = "", number: str = ""
) -> list[Question]:
    """The items (each in its first order) that match all that is asked.

    `words` must all occur in stem, choices, context or name; `law` is a family as
    `laws` lists them; `number` is an item's number, its 問題番号, or an article
    (`27条の2`) that its context cites.
    """
    wanted = [_plain(w) for w in words.split()]
    first = (q for q in question_set.questions if q.order == 0)
    return [
        q
        for q in first
        if (not law or q.law == law)
        and (not number.strip() or _has_number(q, number))
        and all(w in _searchable(q) for w in wanted)
    ]


def laws(question_set: QuestionSet) -> list[str]:
    """The law families of a set in the order of its file."""
    return list(dict.fromkeys(q.law for q in question_set.questions))


def split(
    questions: Sequence[Question],
    seed: int = 0,
    fractions: tuple[float, float, float] = (0.7, 0.1, 0.2),
) -> dict[str, str]:
    """Group -> train, dev or test: no group is divided, the same seed gives the same.

    Parts are balanced by items, over all and within each law family; a group larger
    than a quarter of a part stays out of it while another part has room.
    """
    if len(fractions) != len(SPLITS) or min(fractions) < 0 or sum(fractions) <= 0:
        raise UsageError("data.bad_fractions", fractions=fractions)
    parts = _allot(questions, [f / sum(fractions) for f in fractions], seed)
    return {group: SPLITS[part] for group, part in parts.items()}


def folds(questions: Sequence[Question], n: int = 5, seed: int = 0) -> list[set[str]]:
    """`n` sets of groups of about equal size that together hold each group once."""
    if n < 2:
        raise UsageError("data.bad_folds", n=n)
    result: list[set[str]] = [set() for _ in range(n)]
    for group, part in _allot(questions, [1 / n] * n, seed).items():
        result[part].add(group)
    return result


def frozen_split() -> dict[str, str]:
    """Group -> train, dev or test of the sample, as its committed split file has it.

    Raises DataError where the file leaves an item out or divides a group.
    """
    path = SAMPLE / "split.json"
    parts = _json(_read_bytes(path), path)
    by_source = {source: part for part in SPLITS for source in parts.get(part, ())}
    result: dict[str, str] = {}
    for question in _read_cached(SAMPLE / "questions.json", "sample").questions:
        part = by_source.get(question.source)
        if part is None or result.setdefault(question.group, part) != part:
            raise DataError("data.bad_split", path=path, item=question.source)
    return result


def overlapping(questions: Iterable[Question], others: Iterable[Question]) -> set[str]:
    """The groups of `questions` that share an item or text with any of `others`: by the rule
    of `_groups`, or, whatever stands around it, a choice of 20 characters or more or all four
    under a like stem.

    For rows from another file, whose groups carry other names: tells which test
    questions a foreign training set gives away.
    """
    mine, foreign = list(questions), list(others)
    joined = components([*mine, *foreign])
    theirs = {joined[q.source] for q in foreign}
    told = {choice for q in foreign for choice in _long_choices(q)}
    stems: dict[Hashable, list[str]] = defaultdict(list)
    for q in foreign:
        stems[_four(q)].append(_squeeze(q.stem))

    def given_away(q: Question) -> bool:
        if joined[q.source] in theirs or not told.isdisjoint(_long_choices(q)):
            return True
        own = _squeeze(q.stem)  # the law's text may stand around it in the other's stem
        return any(
            own in stem or _dice(_trigrams(own), _trigrams(stem)) >= _SAME_STEM
            for stem in stems.get(_four(q), ())
        )

    return {q.group for q in mine if given_away(q)}


# -- reading


def _data_file(name: str, data_dir: Path) -> Path:
    inner = data_dir / "lawqa_jp" / f"{name}.json"
    flat = data_dir / f"{name}.json"
    return flat if flat.is_file() and not inner.is_file() else inner


def _read_cached(path: Path, set_name: str) -> QuestionSet:
    try:
        state = path.stat()
    except OSError as error:
        raise DataError("data.missing_file", path=path) from error
    return _read_once(path, set_name, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=16)
def _read_once(path: Path, set_name: str, changed: int, size: int) -> QuestionSet:
    return read_questions(path, set_name)


def _part(whole: QuestionSet, part: str) -> QuestionSet:
    frozen = frozen_split()
    questions = tuple(q for q in whole.questions if frozen[q.group] == part)
    return replace(whole, name=f"sample_{part}", questions=questions)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DataError("data.missing_file", path=path) from error
    except OSError as error:
        raise DataError("data.unreadable_file", path=path, reason=error.strerror) from error


def _json(raw: bytes, path: Path) -> Any:
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":  # cut inside a letter: half-written
            line = raw.count(b"\n") + 1
            raise DataError("data.not_json", path=path, line=line) from error
        raise DataError("data.not_utf8", path=path) from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError("data.not_json", path=path, line=getattr(error, "lineno", 1)) from error


def _samples(raw: bytes, path: Path) -> list[Any]:
    if path.suffix == ".jsonl":
        samples: Any = []
        for number, line in enumerate(raw.splitlines(), 1):
            if line.strip():
                try:
                    samples.append(_json(line, path))
                except DataError as error:
                    raise DataError(error.key, path=path, line=number) from error
    else:
        samples = _json(raw, path)
        if isinstance(samples, dict):
            samples = samples.get("samples")
    if not isinstance(samples, list) or not samples:
        raise DataError("data.no_samples", path=path)
    return samples


def _sample(sample: Any, index: int, path: Path) -> Question:
    """One sample as a Question that has no id, order or group yet."""
    where = {"path": path, "item": index}
    if not isinstance(sample, dict):
        raise DataError("data.not_an_item", **where)
    for key in ("問題文", "選択肢", "output"):
        if not isinstance(sample.get(key), str) or not sample[key].strip():
            raise DataError("data.missing_key", name=key, **where)
    gold = unicodedata.normalize("NFKC", sample["output"]).strip().lower()
    if gold not in LETTERS:
        raise DataError("data.unknown_gold", gold=sample["output"][:20], **where)
    choices = _choices(sample["選択肢"])
    if choices is None:
        raise DataError("data.not_four_choices", **where)
    stem, context = sample["問題文"].strip(), str(sample.get("コンテキスト") or "")
    source = str(sample.get("ファイル名") or f"{path.stem}_{rows.digest(context, stem, choices)}")
    references = sample.get("references") or ()
    return Question(
        id="",
        source=source,
        group="",
        order=0,
        law=source.split("_", maxsplit=1)[0],
        stem=stem,
        choices=choices,
        gold=gold,
        given_context=context,
        references=tuple(str(r) for r in references) if isinstance(references, list) else (),
    )


def _choices(text: str) -> tuple[str, str, str, str] | None:
    """The four choices of `a …` to `d …`; a line without a letter goes on with the last."""
    choices: list[str] = []
    for line in text.strip().splitlines():
        match = _CHOICE.fullmatch(line)
        letter = unicodedata.normalize("NFKC", match[1]) if match else ""
        if match and letter == "abcdefgh"[len(choices)]:
            choices.append(match[2].strip())
        elif choices:
            choices[-1] += "\n" + line.strip()
        else:
            return None
    if len(choices) != len(LETTERS) or not all(choices):
        return None
    return choices[0], choices[1], choices[2], choices[3]


# -- groups


def _groups(samples: Sequence[Question]) -> dict[str, str]:
    """Source -> group, named by the first source of the group in the order of code points.

    Two items belong together, directly or through others, where they share
    1. the ファイル名 (orders of one item);
    2. a line of their contexts of 20 characters or more: compared in NFKC without
       white space; headings (`## …`) are places, not text, and don't count;
    3. a sentence of 20 characters or more, however the lines are broken, or the very same
       four choices in any order (short ones only where an item has no context: numbers are
       asked of many texts), and stems whose character trigrams overlap by a Dice
       coefficient of 0.7 or more: they ask the same thing. A stem alone joins nothing,
       nor do sentence or choices of more than 100 items: a template in common is no twin.
    On lawqa_jp's selection the first two rules give 99 groups. The third joins nothing
    new there (its near-twins 101 and 122 meet both); it is for files whose twins break
    their lines differently. Items 42 and 131 share two sentences in other lines but ask
    different things (0.64) and stay apart.
    """
    joined = components(samples)
    first: dict[int, str] = {}
    for source, root in joined.items():
        first[root] = min(source, first.get(root, source))
    return {source: first[root] for source, root in joined.items()}


def components(questions: Sequence[Question]) -> dict[str, int]:
    """Source -> number of its connected component, by the rule of `_groups`."""
    sources = list(dict.fromkeys(q.source for q in questions))
    number = {source: i for i, source in enumerate(sources)}
    parent = list(range(len(sources)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def buckets(keys: Callable[[Question], Iterable[Hashable]]) -> Iterable[list[int]]:
        found: dict[Hashable, dict[int, None]] = defaultdict(dict)
        for question in questions:
            for key in keys(question):
                found[key][number[question.source]] = None
        return (list(members) for members in found.values() if len(members) > 1)

    for members in buckets(lambda q: _shared_lines(q.given_context)):
        for other in members[1:]:
            parent[root(other)] = root(members[0])
    stems = {number[q.source]: q.stem for q in questions}
    trigrams = functools.cache(lambda i: _trigrams(stems[i]))
    apart = {
        number[q.source] for q in questions if q.given_context.strip() and not _long_choices(q)
    }
    of_text = buckets(lambda q: _sentences(q.given_context))
    same_text = ((members, set[int]()) for members in of_text)
    same_choices = ((members, apart) for members in buckets(lambda q: (_four(q),)))
    for members, unlinked in (*same_text, *same_choices):
        if len(members) > _TEMPLATE or len({root(i) for i in members}) == 1:
            continue
        for one, other in combinations(members, 2):
            if root(one) == root(other) or {one, other} <= unlinked:
                continue
            if _dice(trigrams(one), trigrams(other)) >= _SAME_STEM:
                parent[root(other)] = root(one)
    return {source: root(i) for source, i in number.items()}


@functools.lru_cache(maxsize=64)  # the questions on one text follow one another
def _shared_lines(context: str) -> frozenset[str]:
    lines = map(_squeeze, _body_lines(context))
    return frozenset(line for line in lines if len(line) >= _MIN_SHARED)


@functools.lru_cache(maxsize=64)
def _sentences(context: str) -> frozenset[str]:
    body = _squeeze("".join(_body_lines(context)))
    return frozenset(s for s in body.split("。") if len(s) >= _MIN_SHARED)


def _four(question: Question) -> tuple[str, ...]:
    """The four choices, whatever their order."""
    return tuple(sorted(map(_bare, question.choices)))


def _long_choices(question: Question) -> set[str]:
    return {text for text in map(_bare, question.choices) if len(text) >= _MIN_SHARED}


def _bare(choice: str) -> str:
    return _squeeze(choice).rstrip("。.")


def _body_lines(context: str) -> list[str]:
    return [x for x in context.splitlines() if not x.lstrip().startswith("#")]


def _squeeze(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def _trigrams(text: str) -> Counter[str]:
    plain = _squeeze(text)
    return Counter(plain[i : i + 3] for i in range(max(1, len(plain) - 2)))


def _dice(one: Counter[str], other: Counter[str]) -> float:
    """Sørensen-Dice coefficient of two multisets, in [0, 1]."""
    return 2 * (one & other).total() / (one.total() + other.total())


# -- search


def _prefix(question_set: QuestionSet) -> str:
    return question_set.questions[0].id.split("-", 1)[0] if question_set.questions else ""


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


@functools.lru_cache(maxsize=4096)
def _searchable(question: Question) -> str:
    parts = (question.stem, *question.choices, question.given_context, question.source, question.id)
    return _plain("\n".join(parts))


def _has_number(question: Question, number: str) -> bool:
    wanted = _plain(number).strip()
    if re.fullmatch("[0-9]{1,9}", wanted):
        named = re.search(r"番号([0-9]{1,9})$", _plain(question.source))
        return int(wanted) == item_number(question) or bool(named and int(named[1]) == int(wanted))
    steps = place(wanted if wanted.startswith("第") else "第" + wanted)
    if "条" in steps:
        return any(article == steps["条"] for _, article in cited_articles(question))
    return wanted in (question.id, _plain(question.source))


# -- splits


def _allot(questions: Sequence[Question], fractions: Sequence[float], seed: int) -> dict[str, int]:
    """Group -> part. Each group, in a seeded order, goes where most is missing, measured
    as a share of the part's target over all and in the group's law family."""
    sizes, law = _group_sizes(questions)
    total = sum(sizes.values())
    by_law = Counter({name: 0 for name in law.values()})
    for group, size in sizes.items():
        by_law[law[group]] += size
    groups = sorted(sizes)
    chance = random.Random(seed)
    chance.shuffle(groups)
    groups.sort(key=lambda g: -sizes[g])
    filled: Counter[tuple[str, int]] = Counter()
    result = {}
    for group in groups:
        open_parts = [p for p, f in enumerate(fractions) if sizes[group] <= f * total / 4]
        open_parts = open_parts or [p for p, f in enumerate(fractions) if f == max(fractions)]

        def missing(part: int, name: str = law[group]) -> float:
            target = fractions[part]
            return (
                2
                - filled["", part] / (target * total)
                - (filled[name, part] / (target * by_law[name]))
            )

        order = chance.sample(open_parts, len(open_parts))
        part = max(order, key=missing)
        result[group] = part
        filled["", part] += sizes[group]
        filled[law[group], part] += sizes[group]
    return result


def _group_sizes(questions: Sequence[Question]) -> tuple[dict[str, int], dict[str, str]]:
    """Items a group, and the law family of its first item."""
    items: dict[str, set[str]] = defaultdict(set)
    law: dict[str, str] = {}
    for question in questions:
        items[question.group].add(question.source)
        law.setdefault(question.group, question.law)
    return {group: len(sources) for group, sources in items.items()}, law
