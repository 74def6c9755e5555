"""Which question: chosen from a set or one's own, the reader's letter, the official answer."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lawui.types import LETTERS
from lawui.ui.ask_tab import own
from lawui.ui.ask_tab.answering import drawn
from lawui.ui.ask_tab.controls import Asking, Controls
from lawui.ui.ask_tab.draw import changes_html, passages_html, question_html, result_html
from lawui.ui.ask_tab.state import Asked, same_question
from lawui.ui.page import Page
from lawui.ui.picker import build_picker
from lawui.ui.text import say

_SWITCHED = """(lang, source) => {
  const own = !!document.querySelector("#ask-stem")?.offsetParent;
  return [own === (source === "own") ? null : lang, source];
}"""
"""Gradio may tell of one choice twice, the second time after what was pressed next; without a
language nothing is done: that side stands there already."""


def build(page: Page) -> Asking:
    """Put the side's components here."""
    source = page.say(
        gr.Radio(value="set", elem_id="ask-source", elem_classes="lw-segments"),
        label="ask.source",
        choices=lambda lang: [
            (say("ask.source.set", lang), "set"),
            (say("ask.source.own", lang), "own"),
        ],
    )
    with gr.Column(elem_classes="lw-plain") as from_set:
        picker = build_picker(page, "ask")
        question = gr.HTML(elem_id="ask-question")
        commit = page.say(
            gr.Radio(value=None, elem_id="ask-commit", elem_classes="lw-segments"),
            label="ask.commit",
            choices=lambda lang: [(say("ask.own.choice", lang, letter=x), x) for x in LETTERS],
        )
        with gr.Row(elem_classes="lw-line"):
            button = gr.Button(size="sm", scale=0, min_width=180, elem_id="ask-reveal")
            reveal = page.say(button, value="ask.reveal")
            veil = page.say(
                gr.Checkbox(value=True, min_width=220, elem_id="ask-veil"), label="ask.veil"
            )
    with gr.Column(visible=False, elem_classes="lw-plain") as from_own:
        mine = own.build(page)
    return Asking(source, picker, from_set, from_own, mine, question, commit, reveal, veil)


def wire(page: Page, c: Controls) -> None:
    """Show what is chosen; hide the official answer until it is time."""
    lab, q = page.lab, c.asking
    chosen = [q.picker.set, q.picker.item]
    shown = [c.revealed, q.question, c.answering.result, q.reveal]

    def show(lang: str, name: str, qid: str | None, veil: bool, asked: Asked | None) -> Any:
        question = lab.question(qid, name) if qid else None
        if asked and question and same_question(asked.trial.question, question):
            return None
        revealed = not veil
        return (
            *drawn(None, revealed, None, lang),
            revealed,
            question_html(question, revealed, lang),
            gr.update(value=say("ask.hide" if revealed else "ask.reveal", lang)),
            None,
        )

    def told(lang: str, revealed: bool, *values: Any) -> tuple[Any, ...]:
        name, qid, asked, letter = values
        question = lab.question(qid, name) if qid else None
        return (
            revealed,
            question_html(question, revealed, lang, letter),
            result_html(asked, revealed, lang),
            gr.update(value=say("ask.hide" if revealed else "ask.reveal", lang)),
        )

    def toggle(lang: str, revealed: bool, *values: Any) -> Any:
        return told(lang, not revealed, *values)

    def commit(lang: str, *values: Any) -> Any:
        return told(lang, True, *values)

    def unveil(lang: str, veil: bool, *values: Any) -> Any:
        return told(lang, not veil or bool(values[3]), *values)

    def switch(lang: str, source: str) -> Any:
        from_set = source == "set"
        sides = (gr.update(visible=from_set), gr.update(visible=not from_set))
        return (*sides, *drawn(None, False, None, lang))

    def redraw(
        lang: str, name: str, qid: str | None, asked: Asked | None, letter: str | None, told: bool
    ) -> Any:
        question = lab.question(qid, name) if qid else None
        return (
            question_html(question, told, lang, letter),
            result_html(asked, told, lang),
            passages_html(asked, lang),
            changes_html(asked.trial if asked else None, lang),
            gr.update(value=say("ask.hide" if told else "ask.reveal", lang)),
        )

    own.wire(page, q.own, q.picker)
    notice = c.answering.notice
    fresh = [*c.drawn, c.revealed, q.question, q.reveal, q.commit]
    page.on([q.picker.item.change], show, [*chosen, q.veil, c.asked], fresh, notice)
    told_by = [*chosen, c.asked, q.commit]
    page.on([q.reveal.click], toggle, [c.revealed, *told_by], shown, notice)
    page.on([q.commit.input], commit, told_by, shown, notice)
    page.on([q.veil.input], unveil, [q.veil, *told_by], shown, notice)
    sides = [q.from_set, q.from_own, *c.drawn]
    page.on([q.source.input], switch, [q.source], sides, notice, js=_SWITCHED)
    t = c.trying
    page.view(
        redraw,
        [*chosen, c.asked, q.commit, c.revealed],
        [q.question, c.answering.result, t.passages, t.changes, q.reveal],
    )
