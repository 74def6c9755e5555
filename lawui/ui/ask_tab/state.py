"""What stands on the Ask tab and how an answer comes about, without Gradio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lawui.asking.doubt import THRESHOLD, cannot_tell
from lawui.asking.whatif import Hanging, Trial, moved
from lawui.asks import AskResult
from lawui.lab import Lab
from lawui.types import Answer, Passage, Question
from lawui.ui import waiting


@dataclass(frozen=True)
class Asked:
    """The answer, the one before it on the same question (in the letters as they stand
    now), the trial that it answers, and what it hangs on where that was looked for."""

    now: AskResult
    before: Answer | None
    trial: Trial
    hangs: tuple[Hanging, ...] = ()
    threshold: float = THRESHOLD

    @property
    def unsure(self) -> bool:
        """Whether the model cannot tell: it is then no answer."""
        return cannot_tell(self.now.answer, self.now.orders, self.threshold)

    @property
    def found(self) -> tuple[Passage, ...]:
        """All passages of the trial, those that the reader took out included."""
        return self.trial.listed


def chosen_question(
    lab: Lab, source: str, name: str, qid: str | None, stem: str, choices: Sequence[str]
) -> Question | None:
    """The question on the tab; None where none is chosen or one's own is unfinished."""
    if source == "own":
        if not all(text and text.strip() for text in (stem, *choices)):
            return None
        return lab.own_question(stem.strip(), tuple(choice.strip() for choice in choices))
    return lab.question(qid, name) if qid else None


def ask(
    lab: Lab,
    question: Question,
    evidence: str,
    adapter: str,
    orders: bool,
    last: Asked | None,
    trial: Trial | None = None,
    deep: bool = False,
    row: int = 1,
) -> Asked:
    """Answer `question` as it stands in `trial`; without one, with the changes of `last` on
    the passages of this evidence. The answer before it stays beside it if it is of the same
    question. `deep` also finds out which passages the answer hangs on. It is the first of
    `row` answers that a reader waits for.
    """
    waiting.until_ready(lab, search=evidence == "retrieved")
    same = last is not None and same_question(last.trial.question, question)
    if trial is None:
        fresh = lab.trial(question, evidence)
        trial = replace(fresh, changes=last.trial.changes) if last is not None and same else fresh
    before = None
    if last is not None and same:
        before = moved(last.now.answer, last.trial.places, trial.places)
    now = lab.ask(
        trial.asked,
        evidence,
        adapter,
        passages=trial.passages,
        all_orders=orders,
        in_line=waiting.Row(row + (len(trial.passages) if deep else 0)),
    )
    hangs = lab.hangs_on(now, waiting.in_line) if deep and now.passages else ()
    chosen = lab.threshold(adapter, evidence, orders)
    return Asked(now, before, trial, hangs, THRESHOLD if chosen is None else chosen)


def same_question(a: Question, b: Question) -> bool:
    """Whether two questions are one, word for word."""
    return (a.id, a.stem, a.choices) == (b.id, b.stem, b.choices)
