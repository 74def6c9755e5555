"""The part of the lab that asks: one question, with its passages, of one adapter or several.

Lab inherits it; nothing else does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lawui.asking.whatif import Hanging, Trial, hanging
from lawui.errors import AdapterError, LabError, ModelError
from lawui.model.remembered import Remembered
from lawui.model.serving import InLine, followed, wait
from lawui.types import BASE, LETTERS, Answer, Passage, Prompt, Question

if TYPE_CHECKING:
    from lawui.lab import Lab

_ROTATIONS = 4
_PROMPTS = 512
"""Prompts that are remembered: four orders each of what is being looked at."""


@dataclass(frozen=True)
class AskResult:
    """An answer with what it rests on.

    With all orders, `orders` holds an Answer for each rotation of the choices, already in
    the question's own letters, and `answer` is their average. `dropped` names passages
    for which there was no room, `shortened` those of which the model saw the beginning.
    """

    question: Question
    answer: Answer
    passages: tuple[Passage, ...]
    dropped: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()
    orders: tuple[Answer, ...] = ()
    model: str = ""
    n_tokens: int = 0
    warnings: tuple[LabError, ...] = ()
    model_sha: str = ""
    adapter_sha: str = ""


@dataclass(frozen=True)
class _Put:
    """A question that was put to the model, with all that its answer will rest on."""

    question: Question
    passages: tuple[Passage, ...]
    prompts: tuple[Prompt, ...]
    adapter: str
    answers: Future[list[Answer]]


class Asks:
    """Questions put to the model, now."""

    def _open_asks(self, lab: Lab) -> None:
        """Nothing is asked yet; `lab` has the model, the statutes and who asks."""
        self._lab = lab
        self._prompts: Remembered[Prompt] = Remembered(_PROMPTS)

    def ask(
        self,
        question: Question,
        evidence: str = "none",
        adapter: str = BASE,
        passages: Sequence[Passage] | None = None,
        all_orders: bool = False,
        in_line: InLine | None = None,
    ) -> AskResult:
        """Four probabilities. `passages` (what a user made of them) replace those that
        `evidence` would bring; `all_orders` asks all four rotations and averages. `in_line`
        hears again and again how it stands."""
        put = self._put(question, evidence, adapter, passages, all_orders)
        return self._answered([put], in_line)[0]

    def compare_answers(
        self,
        question: Question,
        columns: Sequence[tuple[str, str]],
        all_orders: bool = False,
        in_line: InLine | None = None,
    ) -> list[AskResult]:
        """One AskResult for each (adapter, evidence), asked all at once: the owner answers
        several adapters in one batch. `in_line` as for `ask`."""
        asked = [
            self._put(question, evidence, adapter, None, all_orders)
            for adapter, evidence in columns
        ]
        return self._answered(asked, in_line)

    def _put(
        self,
        question: Question,
        evidence: str,
        adapter: str,
        passages: Sequence[Passage] | None,
        all_orders: bool,
    ) -> _Put:
        self._lab.people.count("ask")
        if passages is None:
            passages = self._lab.passages(question, evidence)
        turned = (_turn(question, by) for by in range(_ROTATIONS if all_orders else 1))
        prompts = tuple(self.prompt(q, passages) for q in turned)
        answers = self._lab.owner().submit(prompts, adapter, evidence)
        return _Put(question, tuple(passages), prompts, adapter, answers)

    def _answered(self, asked: Sequence[_Put], in_line: InLine | None) -> list[AskResult]:
        found = wait(self._lab.owner(), [put.answers for put in asked], in_line)
        return [self._result(put, answers) for put, answers in zip(asked, found, strict=True)]

    def _result(self, put: _Put, answers: Sequence[Answer]) -> AskResult:
        orders = tuple(_turn_back(a, put.question, by) for by, a in enumerate(answers))
        several = len(orders) > 1
        prompt = put.prompts[0]
        return AskResult(
            question=put.question,
            answer=_average(orders) if several else orders[0],
            passages=tuple(p for p in put.passages if p.id in prompt.passage_ids),
            dropped=prompt.dropped_passages,
            shortened=_shortened(put.passages, prompt),
            orders=orders if several else (),
            model=self._lab.choice.name,
            n_tokens=prompt.n_tokens,
            warnings=self._warnings(put.adapter, prompt),
            model_sha=self._lab.owner().loaded.sha,
            adapter_sha="" if put.adapter == BASE else self._lab.adapter(put.adapter).weights_sha,
        )

    def trial(self, question: Question, evidence: str) -> Trial:
        """The question with its passages, to be changed: see lawui/asking/whatif.py."""
        return Trial(question, self._lab.passages(question, evidence))

    def hangs_on(self, whole: AskResult, in_line: InLine | None = None) -> tuple[Hanging, ...]:
        """Which passages the answer `whole` hangs on, found by leaving them out one at a
        time: those that turn it first. It is asked in as many orders as `whole` was, and who
        asks meanwhile goes between. `in_line` as for `ask`, with the time of all."""
        answer, without = whole.answer, []
        for done, left_out in enumerate(whole.passages, 1):
            kept = [p for p in whole.passages if p.id != left_out.id]
            rest = (len(whole.passages) - done) * answer.seconds
            asked = (whole.question, answer.evidence, answer.adapter, kept, bool(whole.orders))
            found = self.ask(*asked, in_line=in_line and followed(in_line, rest))
            without.append((left_out.id, found.answer))
        return hanging(answer, without)

    def explain(self, result: AskResult) -> Iterator[str]:
        """The reason of an answer in the model's own words: the whole text so far, each time
        some was added. Raises ModelError for a model that cannot write."""
        if self._lab.choice.embedded:
            raise ModelError("explain.embedded")
        answer = result.answer
        return self._lab.owner().explain(
            result.question, result.passages, answer.choice, answer.adapter
        )

    def prompt(self, question: Question, passages: Sequence[Passage] = ()) -> Prompt:
        """What the model is sent for `question` with `passages` as evidence."""
        from lawui.model import prompts

        loaded, shown = self._lab.owner().loaded, tuple(passages)

        def render() -> Prompt:
            return prompts.render(loaded.tokenizer, question, shown, loaded.max_length)

        return self._prompts.get(loaded.tokenizer, (question, shown, loaded.max_length), render)

    def _warnings(self, adapter: str, prompt: Prompt) -> tuple[LabError, ...]:
        if adapter == BASE:
            return ()
        info = self._lab.adapter(adapter)
        if info.prompt_sha and info.prompt_sha != prompt.sha:
            return (AdapterError("adapter.other_prompt", name=adapter),)
        return ()


def _shortened(passages: Sequence[Passage], prompt: Prompt) -> tuple[str, ...]:
    """The passages whose text does not stand whole in the prompt that holds them."""
    shown = [p for p in passages if p.id in prompt.passage_ids]
    # prompts.py writes what looks like a control token in another way
    return tuple(p.id for p in shown if p.text.replace("<|", "＜|") not in prompt.user)


def _turn(question: Question, by: int) -> Question:
    """The question with its choices rotated by `by` places to the left."""
    c = question.choices
    turned = (c[by % 4], c[(by + 1) % 4], c[(by + 2) % 4], c[(by + 3) % 4])
    return replace(question, choices=turned)


def _turn_back(answer: Answer, question: Question, by: int) -> Answer:
    """The answer to a turned question in the letters of the question itself."""
    p = answer.probs
    probs = (p[-by % 4], p[(1 - by) % 4], p[(2 - by) % 4], p[(3 - by) % 4])
    choice = LETTERS[(LETTERS.index(answer.choice) + by) % 4]
    return replace(answer, question_id=question.id, probs=probs, choice=choice)


def _average(answers: Sequence[Answer]) -> Answer:
    n = len(answers)
    a, b, c, d = (sum(answer.probs[i] for answer in answers) / n for i in range(4))
    probs = (a, b, c, d)
    return replace(
        answers[0],
        probs=probs,
        choice=LETTERS[max(range(4), key=probs.__getitem__)],
        letter_mass=sum(answer.letter_mass for answer in answers) / n,
        seconds=sum(answer.seconds for answer in answers),
    )
