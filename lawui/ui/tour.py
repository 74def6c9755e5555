"""The first minute: a tour on one sample question that ends with an answer which the law
brought. Nothing in it is canned: the model at hand answers, and the words follow what it says.

It starts by itself at a browser's first visit (script.js remembers that) and whenever it
is called.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from lawui.lab import Lab
from lawui.types import BASE, Question
from lawui.ui import components
from lawui.ui.ask_tab.answering import drawn
from lawui.ui.ask_tab.controls import Controls
from lawui.ui.ask_tab.draw import question_html
from lawui.ui.ask_tab.state import Asked, ask
from lawui.ui.page import Page, skips
from lawui.ui.picker import (
    counted,
    find,
    group_choices,
    item_choices,
    law_choices,
    set_choices,
)
from lawui.ui.text import say

SET, ITEM = "sample", "sample-094-0"
"""A question whose choices the embedded model cannot tell apart without the law, and which it
gets right with it, in all four orders of the choices: a test takes the tour."""

_FOCUS = """() => setTimeout(() => {
  const go = document.querySelector("#tour .lw-go");
  if (!go) return void document.getElementById("tour-call").focus({ preventScroll: true });
  go.focus({ preventScroll: true });
  const block = window.innerWidth < 901 ? "start" : "nearest";
  document.getElementById("%s")?.scrollIntoView({ block });
}, 100)"""


@dataclass(frozen=True)
class Told:
    """How far a reader is: 1 before the first answer, 2 after it, 3 at the end."""

    step: int = 1
    none: Asked | None = None
    given: Asked | None = None


@dataclass(frozen=True)
class Tour:
    """The components. `told` is the session's; None while there is no tour."""

    call: Any
    card: Any
    notice: Any
    told: Any


def build(page: Page) -> Tour:
    """Put the button that calls the tour here; its card stands at the foot of the window."""
    button = gr.Button(size="sm", scale=0, min_width=120, elem_id="tour-call")
    call = page.say(button, value="tour.call")
    with gr.Column(elem_id="tour"):
        card = page.pressable(elem_id="tour-card")
        notice = page.notice(elem_id="tour-notice")
    return Tour(call, card, notice, gr.State(None))


def card_html(told: Told | None, lang: str) -> str:
    """What the tour says now, and what can be pressed."""
    if told is None:
        return ""
    opened, key = {1: ("none", "tour.do.none"), 2: ("given", "tour.do.given")}.get(
        told.step, ("close", "tour.end")
    )
    main = (
        f'<button type="button" class="lw-go" data-open="{opened}">'
        f"{escape(say(key, lang))}</button>"
    )
    close = (
        f'<button type="button" class="lw-close" data-open="close" '
        f'aria-label="{escape(say("tour.close", lang))}">×</button>'
    )
    title = components.tag("h2", say("tour.title", lang, n=told.step))
    words = "".join(components.tag("p", line) for line in words_of(told, lang))
    return (
        f'<section class="lw-tour" aria-label="{escape(say("tour.region", lang))}">'
        f'<div role="status">{title}{words}</div>{main}{close}</section>'
    )


def words_of(told: Told, lang: str) -> list[str]:
    """What happened, by the answers of this very model."""
    if told.none is None:
        return [say("tour.begin", lang)]
    gold, old = told.none.now.question.gold, told.none.now.answer.choice
    if told.given is None:
        if told.none.unsure:
            return [say("tour.none.unsure", lang)]
        key = "tour.none.right" if old == gold else "tour.none.wrong"
        return [say(key, lang, letter=old)]
    new = told.given.now.answer.choice
    if told.given.unsure or new != gold:
        ended = say("tour.missed", lang, gold=gold)
    elif told.none.unsure:
        ended = say("tour.found", lang, new=new)
    else:
        ended = say("tour.stayed" if old == new else "tour.turned", lang, old=old, new=new)
    return [ended, say("tour.honest", lang)]


def opened(lab: Lab, lang: str, user: str) -> list[Any]:
    """The updates of `_place`: the Ask tab with the tour's question, and nothing else."""
    everything = find(lab, SET, "", "")
    return [
        gr.update(selected="ask"),
        *("set", gr.update(visible=True), gr.update(visible=False)),
        gr.update(choices=set_choices(lab, lang, user), value=SET),
        gr.update(choices=law_choices(lab, SET, lang), value=""),
        *("", "", ""),
        gr.update(choices=group_choices(lab, SET, lang), value=""),
        gr.update(choices=item_choices(everything, chosen=ITEM), value=ITEM),
        counted(lang, len(everything)),
        *("none", BASE, True, False),
    ]


def _place(tabs: gr.Tabs, c: Controls) -> list[Any]:
    q, p, a = c.asking, c.picker, c.answering
    narrowing = [p.words, p.level, p.review, p.group]
    how = [a.evidence, a.adapter, a.orders, a.deep]
    return [tabs, q.source, q.from_set, q.from_own, p.set, p.law, *narrowing, p.item, p.found, *how]


def _shown(question: Question, asked: Asked | None, revealed: bool, lang: str) -> tuple[Any, ...]:
    """The values of `_asked`."""
    veil = gr.update(value=say("ask.hide" if revealed else "ask.reveal", lang))
    html = question_html(question, revealed, lang)
    return (revealed, html, veil, None, *drawn(asked, revealed, None, lang))


def _asked(c: Controls) -> list[Any]:
    q = c.asking
    return [c.revealed, q.question, q.reveal, q.commit, *c.drawn]


def wire(page: Page, tour: Tour, tabs: gr.Tabs, c: Controls) -> None:
    """Start when called; answer when pressed; go when closed."""
    lab = page.lab
    place, shown = _place(tabs, c), _asked(c)

    def start(lang: str, user: str) -> Any:
        told = Told()
        question = lab.question(ITEM, SET)
        begun = (told, card_html(told, lang), *opened(lab, lang, user))
        return (*begun, *_shown(question, None, False, lang))

    def press(lang: str, what: str, told: Told | None) -> Any:
        if told is None or what == "close":
            return (None, "", *skips(1 + len(shown)))
        question = lab.question(ITEM, SET)
        if what == "none":
            asked = ask(lab, question, "none", BASE, True, None)
            told = Told(2, asked)
        else:
            asked = ask(lab, question, "given", BASE, True, told.none)
            told = replace(told, step=3, given=asked)
        outputs = _shown(question, asked, told.step == 3, lang)
        return (told, card_html(told, lang), what, *outputs)

    held = [tour.told, tour.card]
    begun = page.on([tour.call.click], start, [page.user], [*held, *place, *shown], tour.notice)
    begun.then(None, None, None, js=_FOCUS % "")
    pressed = page.on_open(
        *(tour.card, press, [tour.told], [*held, c.evidence, *shown], tour.notice),
        busy="ask.busy",
    )
    pressed.then(None, None, None, js=_FOCUS % "ask-result")
    page.view(lambda lang, told: card_html(told, lang), [tour.told], [tour.card])
