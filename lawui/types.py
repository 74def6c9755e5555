"""The words of the house: what rooms hand to each other.

Plain frozen dataclasses without any heavy import. Fields may grow, names stay.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Letter = Literal["a", "b", "c", "d"]
LETTERS: tuple[Letter, ...] = ("a", "b", "c", "d")

Evidence = Literal["none", "retrieved", "given"]
EVIDENCES: tuple[Evidence, ...] = ("none", "retrieved", "given")

GUIDELINE = "guideline-"
"""How the law id of a guideline begins: a text without articles, read by pages."""

_NUMBERED = re.compile(r"本則|附則(?:（.*）)?")  # without articles, yet with 項 and 号

BASE = "base"
"""The adapter name under which the bare base model answers."""

UNTOLD = "?"
"""Stands among the groups that an adapter saw where nobody knows what else it saw."""


def all_told(groups: Collection[str]) -> bool:
    """Whether an adapter saw these groups and no others; one made here names some."""
    return bool(groups) and UNTOLD not in groups


@dataclass(frozen=True)
class Question:
    """One four-choice question in one order of its choices.

    `id` is unique over all sets and safe in an address: `selection-007` where a set
    holds one order an item, `sample-007-2` (item 7, order 2) where it holds several.
    `source` (ファイル名) is shared by the orders of an item; `group` by all items that
    share text, and is never split. `gold` is "" for a question typed by a user.
    """

    id: str
    source: str
    group: str
    order: int
    law: str
    stem: str
    choices: tuple[str, str, str, str]
    gold: str
    given_context: str = ""
    references: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """The text that search sees: stem and choices and nothing else.

        The same for every order of an item, so that its orders see the same passages.
        """
        return "\n".join((self.stem, *sorted(self.choices)))


@dataclass(frozen=True)
class QuestionSet:
    """A named set of questions with the hash of the file it was read from."""

    name: str
    questions: tuple[Question, ...]
    dataset_sha: str
    path: str

    @property
    def items(self) -> int:
        """The number of items, however many orders each is asked in."""
        return len({q.source for q in self.questions})


@dataclass(frozen=True)
class Article:
    """One article of a law; `paragraphs` holds one string a paragraph (項), its items
    (号) on lines of their own. `article` is `27_2` for 第二十七条の二. `supplementary`
    marks 附則."""

    law_id: str
    law: str
    article: str
    label: str
    caption: str
    headings: tuple[str, ...]
    anchor: str
    url: str
    asof: str
    paragraphs: tuple[str, ...]
    supplementary: bool = False

    @property
    def division(self) -> str:
        """What a citation names between the law and the article's number: 附則, with the
        number of the act that brought it; for a text without a number its own name too
        (別表第一, 前文, 附則別表, 12頁). "" for an article of the main provision."""
        added = next((h for h in self.headings if h.startswith("附則")), "附則")
        if self.article:
            return added if self.supplementary else ""
        if not self.supplementary or self.label == added:
            return self.label
        return added + self.label.removeprefix("附則")


@dataclass(frozen=True)
class Passage:
    """A stretch of an article as search returns it or a prompt shows it.

    `paragraph`, `item` and `sub_item` are "" where the passage is the whole of the
    level above. `single_paragraph` is true where the article has only one paragraph:
    its citation then names no 項. `label` is its article's `division`. `altered` marks a
    text that a user changed. `outdated` marks one whose article was seen to read otherwise
    in the law in force on the day `checked` ("" where not outdated). `lead` is what the text
    goes on from where it says little alone: the 柱書 before an item, the 本文 before a ただし書.
    """

    id: str
    law: str
    article: str
    paragraph: str
    item: str
    sub_item: str
    part: str
    text: str
    score: float = 0.0
    url: str = ""
    found_by: tuple[str, ...] = ()
    law_id: str = ""
    caption: str = ""
    start: int = 0
    end: int = 0
    asof: str = ""
    single_paragraph: bool = False
    supplementary: bool = False
    altered: bool = False
    label: str = ""
    outdated: bool = False
    checked: str = ""
    lead: str = ""

    @property
    def whole(self) -> str:
        """The text after what it goes on from."""
        return f"{self.lead}\n{self.text}" if self.lead else self.text

    def citation(self) -> str:
        """The place in Japanese legal form, or 【改変した条文】 where a user changed the text."""
        return "【改変した条文】" if self.altered else self.place()

    def place(self) -> str:
        """金融商品取引法第27条の2第1項第3号; 第30条 alone where there is one paragraph; a text
        without an article by its name: 金融商品取引法別表第一, 広告ガイドライン 12頁."""
        number, *branches = self.article.split("_")
        if self.law_id.startswith(GUIDELINE):
            return f"{self.law} {self.label}".rstrip()
        place = self.law + (self.label or ("附則" if self.supplementary else ""))
        if not number and self.label and not _NUMBERED.fullmatch(self.label):
            return place  # a table or a preamble has no 項 and no 号
        if number:
            place += f"第{number}条" + "".join(f"の{b}" for b in branches)
        if self.paragraph and not self.single_paragraph:
            place += f"第{self.paragraph}項"
        if self.item:
            item, *branches = self.item.split("_")
            place += f"第{item}号" + "".join(f"の{b}" for b in branches)
        return place + self.sub_item


@dataclass(frozen=True)
class Prompt:
    """What the model is sent.

    `sha` is the hash of the wording and the chat template, the same for every
    question: it is what an adapter is compared by. `text_sha` is the hash of this
    very text: it is what an answer is cached by. `user` is the user's message alone, for a
    server that puts it through a chat template of its own; `n_tokens` is then an estimate.
    """

    text: str
    question_id: str
    passage_ids: tuple[str, ...]
    n_tokens: int
    dropped_passages: tuple[str, ...]
    sha: str
    text_sha: str = ""
    token_ids: tuple[int, ...] = ()
    user: str = ""


@dataclass(frozen=True)
class Answer:
    """Four probabilities. `probs` (a, b, c, d) sums to 1; `letter_mass` in [0, 1] is
    the share of the whole vocabulary's probability that fell on the four letters."""

    question_id: str
    probs: tuple[float, float, float, float]
    choice: Letter
    letter_mass: float
    adapter: str
    evidence: str
    prompt_sha: str
    seconds: float


@dataclass(frozen=True)
class AdapterInfo:
    """A LoRA in PEFT format and what is known of its making.

    `fault` is "" for a sound adapter, otherwise an error key of errors.py.
    `trained_groups` holds every group it saw, dev included. `begun_from` names the adapter
    that it went on from ("" for none), `begun_sha` that one's weights, and `earlier_sets`
    what that one had learnt.
    """

    name: str
    path: str
    base_model: str
    base_sha: str
    rank: int
    alpha: float
    targets: tuple[str, ...]
    trained_groups: tuple[str, ...] = ()
    prompt_sha: str = ""
    final_loss: float | None = None
    fault: str = ""
    trained_on: str = ""
    created: str = ""
    weights_sha: str = ""
    licence: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    begun_from: str = ""
    begun_sha: str = ""
    earlier_sets: tuple[str, ...] = ()

    @property
    def sets(self) -> tuple[str, ...]:
        """All that it was made of, in the order in which it was learnt."""
        return (*self.earlier_sets, self.trained_on)


TrainKind = Literal["start", "log", "eval", "checkpoint", "retry", "stopped", "done", "failed"]


@dataclass(frozen=True)
class TrainEvent:
    """One line of a run's event log. `t` is seconds since the epoch. Figures that the
    kind does not carry are None."""

    t: float
    kind: TrainKind
    step: int = 0
    max_steps: int = 0
    loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    tokens_per_second: float | None = None
    memory_bytes: int | None = None
    eval_loss: float | None = None
    eval_accuracy: float | None = None
    eval_low: float | None = None
    eval_high: float | None = None
    message: str = ""
    data: dict[str, Any] = field(default_factory=dict)


RunState = Literal["queued", "starting", "running", "stopped", "done", "failed", "crashed"]


@dataclass(frozen=True)
class RunStatus:
    """A training run as its log tells it: the keys of `train status --json`."""

    run: str
    state: RunState
    step: int = 0
    max_steps: int = 0
    loss: float | None = None
    eval_loss: float | None = None
    eval_accuracy: float | None = None
    seconds: float = 0.0
    adapter: str = ""
    message: str = ""


@dataclass(frozen=True)
class ScoreRun:
    """One cell of a scoring: a set answered with one kind of evidence by one adapter.
    `job` is shared by the cells that were started together."""

    id: str
    adapter: str
    evidence: str
    set: str
    dataset_sha: str
    model_sha: str
    done: int
    total: int
    state: str = "running"
    prompt_sha: str = ""
    adapter_sha: str = ""
    index_id: str = ""
    created: str = ""
    seconds: float = 0.0
    tokens: int = 0
    message: str = ""
    job: str = ""


@dataclass(frozen=True)
class ScoreJob:
    """A matrix: the cells that were started together on one version of one set, in their
    order."""

    id: str
    set: str
    created: str
    cells: tuple[ScoreRun, ...]

    @property
    def state(self) -> str:
        """`running`, `queued`, `failed`, `interrupted` or `cancelled` where any cell is, the
        first of these; else `done`."""
        states = {cell.state for cell in self.cells}
        order = ("running", "queued", "failed", "interrupted", "cancelled")
        return next((state for state in order if state in states), "done")

    @property
    def active(self) -> bool:
        """Whether a cell waits or is at work."""
        return self.state in ("running", "queued")

    @property
    def done(self) -> int:
        """Questions answered, over all cells."""
        return sum(cell.done for cell in self.cells)

    @property
    def total(self) -> int:
        """Questions to be answered, over all cells."""
        return sum(cell.total for cell in self.cells)

    @property
    def remaining(self) -> float | None:
        """Seconds that the cells which wait or work will take at the pace so far: their own,
        else that of cells with the same evidence, else of any; None before the first answer."""
        waiting = [c for c in self.cells if c.state in ("running", "queued")]
        if not waiting or not any(c.done for c in self.cells):
            return None
        return sum((c.total - c.done) * self._pace(c) for c in waiting)

    def _pace(self, cell: ScoreRun) -> float:
        begun = [c for c in self.cells if c.done]
        like = [c for c in begun if c.id == cell.id] or [
            c for c in begun if c.evidence == cell.evidence
        ]
        paces = [c.seconds / c.done for c in like or begun]
        return sum(paces) / len(paces)


MARKS = ("agree", "disagree", "gold_doubtful", "statute_changed")
"""What a reader may say of an answer: it is right, it is wrong, the official answer is
doubtful, the statute has changed."""


@dataclass(frozen=True)
class Mark:
    """What one reader said of one answer to an item. `user` is the log-in name, "" where
    nobody logs in; `source` is the item (ファイル名) and `question` the id that was shown;
    `choice` is the model's letter and `gold` the official one, both of that question.
    `created` is UTC."""

    user: str
    source: str
    question: str
    set: str
    adapter: str
    evidence: str
    choice: str
    gold: str
    mark: str
    comment: str = ""
    created: str = ""


@dataclass(frozen=True)
class IndexInfo:
    """What a passage index holds: the keys of `index status --json` and its identity."""

    path: str
    laws: int
    articles: int
    passages: int
    embedder: str
    asof: str
    seconds: float
    bytes: int
    fingerprint: str = ""
    near_oracle: bool = False


def to_json(value: Any) -> dict[str, Any]:
    """A dataclass of this module as plain JSON-ready values."""
    return asdict(value)
