"""Answer the question as it stands: the side with the bars, and every event that asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lawui.asking.whatif import Trial
from lawui.errors import RetrievalError
from lawui.lab import Lab
from lawui.types import BASE, Question
from lawui.ui import components
from lawui.ui.ask_tab.controls import Answering, Controls
from lawui.ui.ask_tab.draw import (
    changes_html,
    keep_update,
    part_update,
    passages_html,
    result_html,
)
from lawui.ui.ask_tab.state import Asked, ask, chosen_question, same_question
from lawui.ui.glossary import explain
from lawui.ui.page import Page
from lawui.ui.text import say
from lawui.ui.versions import adapter_choices, evidence_choices

Changing = Callable[[Trial], Trial]

MANY: dict[str, Any] = {"concurrency_limit": 32, "concurrency_id": "ask"}
LATEST: dict[str, Any] = {**MANY, "trigger_mode": "always_last"}


@dataclass(frozen=True)
class Request:
    """What the tab asks, as its components hold it: `Controls.request`."""

    source: str
    set: str
    item: str | None
    stem: str
    a: str
    b: str
    c: str
    d: str
    evidence: str
    adapter: str
    orders: bool
    deep: bool
    asked: Asked | None
    revealed: bool
    part: str | None

    def question(self, lab: Lab) -> Question | None:
        """The question on the tab."""
        choices = (self.a, self.b, self.c, self.d)
        return chosen_question(lab, self.source, self.set, self.item, self.stem, choices)

    def last(self, question: Question) -> Asked | None:
        """What was asked before, if it was this question."""
        asked = self.asked
        same = asked is not None and same_question(asked.trial.question, question)
        return asked if same else None


def build(page: Page) -> Answering:
    """Put the side's components here."""
    evidence = page.say(
        gr.Radio(value="none", elem_id="ask-evidence", elem_classes="lw-segments"),
        label="ask.evidence",
        choices=evidence_choices,
    )
    adapter = page.say(
        gr.Dropdown(
            choices=adapter_choices(page.lab, page.default),
            value=BASE,
            filterable=False,
            elem_id="ask-adapter",
        ),
        label="ask.adapter",
    )
    orders = page.say(gr.Checkbox(value=True, elem_id="ask-orders"), label="ask.orders")
    deep = page.say(gr.Checkbox(value=False, elem_id="ask-deep"), label="ask.deep")
    answer = page.say(gr.Button(variant="primary", elem_id="ask-answer"), value="ask.answer")
    words = ("none", "retrieved", "given", "adapter", "lean", "orders", "abstain", "mass")
    explain(page, *words, id="ask-words")
    notice = page.notice(elem_id="ask-notice")
    rebuild = page.say(
        gr.Button(visible=False, size="sm", elem_id="ask-rebuild"), value="ask.rebuild"
    )
    result = gr.HTML(elem_id="ask-result")
    return Answering(evidence, adapter, orders, deep, answer, notice, rebuild, result)


def drawn(
    asked: Asked | None, revealed: bool, part: str | None, lang: str, ticks: bool = True
) -> tuple[Any, ...]:
    """The values of `Controls.drawn`. Without `ticks` those of the passages stay as they
    are: somebody is at them."""
    trial = asked.trial if asked else None
    changed = gr.update(interactive=bool(trial and trial.changes))
    return (
        asked,
        result_html(asked, revealed, lang),
        passages_html(asked, lang),
        keep_update(asked) if ticks else gr.skip(),
        part_update(trial, part, lang),
        changes_html(trial, lang),
        changed,
        changed,
        gr.update(visible=False),
    )


def answered(
    lab: Lab, lang: str, values: Sequence[Any], change: Changing | None = None, ticks: bool = True
) -> tuple[Any, ...]:
    """Answer what the tab asks, after `change` where one is given: the values of
    `Controls.drawn`, and a notice where no answer could be given."""
    request = Request(*values)
    question = request.question(lab)
    trouble = unready(question, request.source, request.evidence)
    if trouble or question is None:
        return refused([say(trouble or "pick.nothing", lang)], lang)
    last = request.last(question)
    how = (request.evidence, request.adapter, request.orders)
    try:
        if change is None:
            asked = ask(lab, question, *how, last, deep=request.deep)
        else:
            # The bars must have something to move from.
            first = last or ask(lab, question, *how, None, row=2)
            trial = change(first.trial)
            asked = ask(lab, question, *how, first, trial, request.deep)
    except RetrievalError as error:
        return refused([error.text(lang)], lang, rebuild=True)
    return drawn(asked, request.revealed, request.part, lang, ticks)


def refused(words: list[str], lang: str, rebuild: bool = False) -> tuple[Any, ...]:
    """The outputs of an answer that could not be given: as they were, and the reason.
    With `rebuild` a button stands below it that puts the index right."""
    return (
        *(gr.skip() for _ in range(8)),
        gr.update(visible=rebuild),
        components.notice(words, lang),
    )


def unready(question: Question | None, source: str, evidence: str) -> str:
    """The key of what stands in the way of an answer, or ""."""
    if question is None:
        return "ask.own.incomplete" if source == "own" else "pick.nothing"
    own = source == "own" and not question.given_context
    return "ask.own.nogiven" if own and evidence == "given" else ""


def wire(page: Page, c: Controls) -> None:
    """Answer when asked to, and again when evidence, version or orders change."""
    lab, a = page.lab, c.answering

    def press(lang: str, *values: Any) -> Any:
        return answered(lab, lang, values)

    def again(lang: str, *values: Any) -> Any:
        request = Request(*values)
        question = request.question(lab)
        if question is None or request.last(question) is None:
            return None  # nothing was asked yet
        return answered(lab, lang, values)

    def rebuild(lang: str) -> Any:
        lab.index_start()  # the statutes panel shows how it goes
        return gr.update(visible=False), components.notice([say("ask.rebuilt", lang)], lang, "info")

    page.on([a.answer.click], press, c.request, c.drawn, a.notice, "ask.busy", **MANY)
    switches = [a.evidence.input, a.orders.input, a.deep.input]
    page.on(switches, again, c.request, c.drawn, a.notice, "ask.busy", **LATEST)
    told: dict[str, Any] = {"notice": a.notice, "busy": "ask.busy", **LATEST}
    page.on_choice(a.adapter, again, c.request, c.drawn, **told)
    once = {"concurrency_limit": 1}
    page.on([a.rebuild.click], rebuild, [], [a.rebuild], a.notice, "ask.rebuilding", **once)
