"""What is asked and shown, resolved once and kept beside the bench's results.

Search, index and statutes are needed to prepare it and never again, so that a machine with
a card needs neither: the file travels. It holds what a set's owner wrote: it is data, and
never belongs into a repository.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from lawui import dataset
from lawui.data import statutes
from lawui.training.rows import among
from lawui.types import EVIDENCES, LETTERS, Passage, Question

if TYPE_CHECKING:
    from lawui.lab import Lab

NAME = "evidence.jsonl.gz"

Article = tuple[str, str]
"""(law, article `27_2`)."""


@dataclass(frozen=True)
class Made:
    """A question made from statutes by rule, what it shows, and the articles that it tells."""

    question: Question
    passages: tuple[Passage, ...]
    articles: frozenset[Article]


@dataclass(frozen=True)
class Evidence:
    """A set with its passages. `sha` names it all, `index` is the fingerprint of the index
    that was searched; `passages` is by (question id, kind)."""

    set: str
    dataset_sha: str
    index: str
    sha: str
    questions: tuple[Question, ...]
    passages: dict[tuple[str, str], tuple[Passage, ...]]
    made: tuple[Made, ...]

    def shown(self, question: Question, kind: str) -> tuple[Passage, ...]:
        """The passages of a kind, as `train` shows them (config.TRAIN_EVIDENCES)."""
        if kind != "distractors":
            return self.passages.get((question.id, kind), ())
        others = dataset.unrelated(question, self.passages[question.id, "retrieved"])
        return among(question, self.passages[question.id, "given"], others)


def prepare(lab: Lab, name: str, folder: Path, made: int, source: Path | None) -> Path:
    """Write the evidence of a set of `lab`, and `made` questions made by rule from the
    articles of `source` (JSON lines, plain or .gz; by default the lab's own statutes)."""
    found = lab.questions(name)
    path = folder / NAME
    folder.mkdir(parents=True, exist_ok=True)
    head = {
        "set": found.name,
        "dataset_sha": found.dataset_sha,
        "index": lab.index_id(found.questions[0]),
    }
    asked: Iterator[dict[str, Any]] = (_line(lab, question) for question in found.questions)
    rules: Iterator[dict[str, Any]] = (
        {
            "question": asdict(one.question),
            "made": [asdict(passage) for passage in one.passages],
            "articles": sorted(one.articles),
        }
        for one in make(_articles(lab, name, source), made)
    )
    temporary = path.with_suffix(".part")
    with gzip.open(temporary, "wt", encoding="utf-8") as file:
        for line in chain([head], asked, rules):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    temporary.replace(path)
    return path


def read(folder: Path) -> Evidence:
    """What `prepare` wrote."""
    with gzip.open(folder / NAME, "rt", encoding="utf-8") as file:
        text = file.read()
    head, *lines = (json.loads(line) for line in text.splitlines())
    questions, passages, made = [], {}, []
    for line in lines:
        question = _question(line["question"])
        if "made" in line:
            shown = tuple(map(_passage, line["made"]))
            made.append(Made(question, shown, frozenset((a, b) for a, b in line["articles"])))
            continue
        questions.append(question)
        for kind in ("retrieved", "given"):
            passages[question.id, kind] = tuple(map(_passage, line[kind]))
    sha = hashlib.sha256(text.encode()).hexdigest()[:12]
    values = (head["set"], head["dataset_sha"], head["index"], sha)
    return Evidence(*values, tuple(questions), passages, tuple(made))


def make(articles: Sequence[dict[str, Any]], count: int, seed: int = 0) -> Iterator[Made]:
    """`count` questions made by the embedded model's rules (lawui/model/embedded/rules.py)
    of articles, one law's after another; fewer where the articles state too little."""
    from lawui.model.embedded.rules import Nouns, Rules

    if not count or not articles:
        return
    rules = Rules(articles, Nouns(["".join(article["paragraphs"]) for article in articles]))
    draw, found, tries = Random(seed), 0, 0
    while found < count and tries < 40 * count:
        tries += 1
        scene = rules.scene(draw)
        made = rules.question(scene, draw) if scene else None
        if scene is None or made is None:
            continue
        told = frozenset((p.law, p.article) for p in scene.passages)
        name = f"made-{found}"
        # Passages are told apart by their ids, which the rules give within a law only.
        shown = tuple(
            Passage(**{**asdict(p), "id": f"{name}:{i}"}) for i, p in enumerate(scene.passages)
        )
        question = Question(
            id=name,
            source=name,
            group="made:" + "+".join(sorted(f"{law}/{article}" for law, article in told)),
            order=0,
            law=shown[0].law,
            stem=made.stem,
            choices=made.choices,
            gold=LETTERS[made.gold],
        )
        found += 1
        yield Made(question, shown, told)


def _line(lab: Lab, question: Question) -> dict[str, Any]:
    found: dict[str, Any] = {"question": asdict(question)}
    for kind in EVIDENCES:
        if kind != "none":
            found[kind] = [asdict(passage) for passage in lab.passages(question, kind)]
    return found


def _articles(lab: Lab, name: str, source: Path | None) -> list[dict[str, Any]]:
    if source is not None:
        found: Sequence[Any] = _read_articles(source)
        return list(found)
    if name.startswith("sample"):
        return [asdict(article) for article in statutes.sample_articles()]
    library = statutes.read_library(statutes.source_folder(lab.data_dir))
    return [asdict(article) for article in library.articles]


def _read_articles(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _question(values: dict[str, Any]) -> Question:
    choices, references = tuple(values["choices"]), tuple(values.get("references", ()))
    return Question(**{**values, "choices": choices, "references": references})


def _passage(values: dict[str, Any]) -> Passage:
    return Passage(**{**values, "found_by": tuple(values.get("found_by", ()))})
