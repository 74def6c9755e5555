"""What if: reword a part, exchange choices, take passages out, put others in, step back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import gradio as gr

from lawui.asking.whatif import Kind, Trial
from lawui.lab import Lab
from lawui.types import LETTERS, Passage
from lawui.ui import components, waiting
from lawui.ui.ask_tab.answering import LATEST, MANY, Changing, Request, answered
from lawui.ui.ask_tab.controls import Controls, Trying
from lawui.ui.ask_tab.draw import part_choices, part_update
from lawui.ui.ask_tab.state import Asked
from lawui.ui.glossary import explain
from lawui.ui.page import Page
from lawui.ui.text import say

OFFERED = 10
"""Passages that a search for one to add offers."""

_SNIPPET = 26


def build_passages(page: Page) -> tuple[Any, Any]:
    """Put the passages here: the ticks that keep them, and their text."""
    page.heading("passages.title")
    explain(page, "found", "asof")
    keep = page.say(gr.CheckboxGroup(visible=False, elem_id="ask-keep"), label="passages.keep")
    return keep, gr.HTML(elem_id="ask-passages")


def build(page: Page, keep: Any, passages: Any) -> Trying:
    """Put here what can be changed; `keep` and `passages` stand beside it."""
    page.heading("try.title")
    page.heading("try.help", "p", "lw-note")
    part, text, apply = _wording(page)
    swap = page.dropdown("try.swap", swaps, None, elem_id="ask-swap")
    words, search, pin = _pin(page)
    notice = page.notice(elem_id="ask-try-notice")
    page.heading("try.changes", "h3")
    changes = gr.HTML(elem_id="ask-changes")
    with gr.Row():
        back, reset = (
            page.say(
                gr.Button(size="sm", interactive=False, elem_id=f"ask-{name}"),
                value=f"try.{name}",
            )
            for name in ("back", "reset")
        )
    return Trying(
        *(keep, passages, part, text, apply, swap, words, search, pin),
        *(changes, back, reset, notice),
    )


def _wording(page: Page) -> tuple[Any, Any, Any]:
    part = page.say(
        gr.Dropdown(
            choices=part_choices(None, page.default),
            value="stem",
            filterable=False,
            elem_id="ask-part",
        ),
        label="try.part",
    )
    text = page.say(
        gr.Textbox(lines=4, max_lines=12, elem_id="ask-try", elem_classes="lw-serif"),
        label="try.text",
    )
    apply = page.say(gr.Button(variant="primary", elem_id="ask-apply"), value="try.apply")
    return part, text, apply


def _pin(page: Page) -> tuple[Any, Any, Any]:
    with gr.Row(elem_classes="lw-line"):
        box = gr.Textbox(max_lines=1, scale=5, min_width=180, elem_id="ask-pin-words")
        words = page.say(box, label="try.pin", placeholder="statutes.text.hint")
        button = gr.Button(scale=1, min_width=80, elem_id="ask-pin-search")
        search = page.say(button, value="statutes.search")
    pin = page.say(
        gr.Dropdown(choices=[], visible=False, filterable=False, elem_id="ask-pin"),
        label="try.pin.choose",
    )
    return words, search, pin


def swaps(lang: str) -> list[tuple[str, str]]:
    """Every two choices that can be exchanged."""
    return [
        (say("try.swap.two", lang, one=one, other=other), one + other)
        for one, other in combinations(LETTERS, 2)
    ]


def offered(passages: Sequence[Passage]) -> list[tuple[str, str]]:
    """Passages to choose one from: its place, how it begins; its id."""
    return [(f"{p.place()}　{_snippet(p.text)}", p.id) for p in passages]


def _snippet(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SNIPPET else line[:_SNIPPET] + "…"


def wording(lab: Lab, request: Request) -> str:
    """How the chosen part reads now; "" where there is no question."""
    question = request.question(lab)
    if question is None:
        return ""
    last = request.last(question)
    trial = last.trial if last else Trial(question)
    kind, _, where = (request.part or "stem").partition(":")
    if kind == "passage" and where not in {p.id for p in trial.listed}:
        return ""
    return trial.text(_kind(kind), where)


def reworded(part: str | None, text: str) -> Changing:
    """The change that gives a part its new wording."""
    kind, _, where = (part or "stem").partition(":")
    return lambda trial: trial.with_text(_kind(kind), where, text or "")


def _kind(name: str) -> Kind:
    return "passage" if name == "passage" else "choice" if name == "choice" else "stem"


def wire(page: Page, c: Controls) -> None:
    """Each change asks again; the old bars stay beside the new."""
    lab, t, asked_with = page.lab, c.trying, c.request

    def apply(lang: str, text: str, *values: Any) -> Any:
        return answered(lab, lang, values, reworded(Request(*values).part, text))

    def swap(lang: str, two: str | None, *values: Any) -> Any:
        if not two:
            return None
        change: Changing = lambda trial: trial.with_swap(two[0], two[1])  # noqa: E731
        return answered(lab, lang, values, change)

    def keep(lang: str, ids: list[str], *values: Any) -> Any:
        change: Changing = lambda trial: trial.with_kept(ids)  # noqa: E731
        return answered(lab, lang, values, change, ticks=False)

    def back(lang: str, *values: Any) -> Any:
        return answered(lab, lang, values, Trial.back)

    def reset(lang: str, *values: Any) -> Any:
        return answered(lab, lang, values, lambda trial: Trial(trial.question, trial.found))

    def look(lang: str, words: str) -> Any:
        if not (words or "").strip():
            told = components.notice([say("statutes.no_text", lang)], lang, "info")
            return gr.skip(), gr.skip(), told
        waiting.until_ready(lab, search=True)
        found = tuple(lab.search(words, OFFERED))
        return found, gr.update(choices=offered(found), value=None, visible=bool(found))

    def pin(lang: str, id: str | None, found: tuple[Passage, ...], *values: Any) -> Any:
        chosen = next((p for p in found if p.id == id), None)
        if chosen is None:
            return None
        return answered(lab, lang, values, lambda trial: trial.with_pin(chosen))

    def fill(lang: str, *values: Any) -> Any:
        return wording(lab, Request(*values))

    found = gr.State(())
    notice = t.notice
    page.on([t.apply.click], apply, [t.text, *asked_with], c.drawn, notice, "ask.busy", **MANY)
    told: dict[str, Any] = {"notice": notice, "busy": "ask.busy", **MANY}
    page.on_choice(t.swap, swap, [t.swap, *asked_with], c.drawn, **told)
    page.on([t.keep.input], keep, [t.keep, *asked_with], c.drawn, notice, "ask.busy", **LATEST)
    page.on([t.back.click], back, asked_with, c.drawn, notice, "ask.busy", **MANY)
    page.on([t.reset.click], reset, asked_with, c.drawn, notice, "ask.busy", **MANY)
    finding = [t.words.submit, t.search.click]
    page.on(finding, look, [t.words], [found, t.pin], notice, "statutes.searching", **MANY)
    page.on_choice(t.pin, pin, [t.pin, found, *asked_with], c.drawn, **told)
    # The wording at hand follows the part, the question and every change.
    page.on(
        [t.part.change, c.asked.change, c.asking.picker.item.change], fill, asked_with, [t.text]
    )

    def parts(lang: str, asked: Asked | None, part: str | None) -> Any:
        return part_update(asked.trial if asked else None, part, lang)

    page.view(parts, [c.asked, t.part], [t.part])
