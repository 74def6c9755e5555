"""Adapters: what was fine-tuned, and one question put to several versions side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from lawui.errors import message
from lawui.lab import AskResult
from lawui.messages import MESSAGES
from lawui.types import AdapterInfo
from lawui.ui import components
from lawui.ui.ask_tab.draw import question_html
from lawui.ui.page import Page
from lawui.ui.picker import Picker, build_picker, follow_sets
from lawui.ui.text import duration, said, say
from lawui.ui.versions import adapter_choices, evidence_choices, follow_adapters

FEWEST = 2

# -- what the events do, without Gradio's wiring


def adapters_html(adapters: Sequence[AdapterInfo], lang: str) -> str:
    """The table of adapters; a broken one says why."""
    if not adapters:
        return components.empty(say("adapters.empty", lang))
    headers = ("name", "base", "rank", "set", "split", "date", "loss", "state")
    rows = [
        [
            components.tag("b", a.name),
            escape(a.base_model),
            str(a.rank or ""),
            escape(said(f"set.{a.trained_on}", lang, a.trained_on)),
            say("adapters.groups", lang, n=len(a.trained_groups)) if a.trained_groups else "",
            escape(components.when(a.created)),
            "" if a.final_loss is None else f"{a.final_loss:.3f}",
            _state(a, lang),
        ]
        for a in adapters
    ]
    names = [say(f"adapters.{h}", lang) for h in headers]
    return components.table(names, rows, say("adapters.list", lang), numeric=(2, 4, 6))


def _state(adapter: AdapterInfo, lang: str) -> str:
    if not adapter.fault:
        return components.tag("span", say("adapters.sound", lang), "lw-state lw-state-done")
    badge = components.tag("span", say("adapters.faulty", lang), "lw-state lw-state-failed")
    return badge + components.tag("p", fault_words(adapter, lang), "lw-note")


def fault_words(adapter: AdapterInfo, lang: str) -> str:
    """An adapter's fault in a sentence. The key alone where its params are not known."""
    if adapter.fault not in MESSAGES:
        return adapter.fault
    values = {"name": adapter.name, "path": adapter.path, "base": adapter.base_model}
    try:
        return message(adapter.fault, lang, **values)
    except (KeyError, IndexError):
        return adapter.fault


def columns_html(results: Sequence[AskResult], lang: str) -> str:
    """The versions side by side, the disagreement first."""
    if not results:
        return components.empty(say("adapters.before", lang))
    cards = "".join(_column(r, lang) for r in results)
    return (
        f'<div aria-live="polite">{agreement_html(results, lang)}'
        f'<div class="lw-side">{cards}</div></div>'
    )


def agreement_html(results: Sequence[AskResult], lang: str) -> str:
    """Whether they agree, and if not who says what."""
    by_letter: dict[str, list[str]] = defaultdict(list)
    for r in results:
        by_letter[r.answer.choice].append(components.model_name(r.answer.adapter, lang))
    if len(by_letter) == 1:
        words, css = say("adapters.agree", lang, letter=next(iter(by_letter))), "lw-agree"
    else:
        comma, between = ("、", "・") if lang == "ja" else ("; ", ", ")
        counts = comma.join(
            say("adapters.differ.count", lang, letter=letter, names=between.join(names))
            for letter, names in sorted(by_letter.items())
        )
        words, css = say("adapters.differ", lang, counts=counts), "lw-differ"
    return components.tag("p", words, css)


def _column(result: AskResult, lang: str) -> str:
    answer = result.answer
    name = components.model_name(answer.adapter, lang)
    evidence = said(f"evidence.{answer.evidence}.short", lang, answer.evidence)
    pairs = [
        (say("ask.with", lang), evidence),
        (say("ask.took", lang), duration(answer.seconds, lang)),
    ]
    return (
        f'<section class="lw-column"><h3>{components.tag("span", answer.choice, "lw-big-letter")}'
        f"{escape(name)}</h3>{components.bars(answer, lang)}"
        f"{components.tag('p', components.sureness(answer, lang))}{components.facts(pairs)}"
        "</section>"
    )


# -- the tab


@dataclass(frozen=True)
class Side:
    """What is put side by side: the question, the law shown, the versions."""

    picker: Picker
    evidence: Any
    columns: Any

    @property
    def addressed(self) -> list[Any]:
        """What an address names."""
        return [self.picker.set, self.picker.item, self.evidence, self.columns]


def build(page: Page, tab: gr.Tab) -> Side:
    """Put the tab's components here and wire them."""
    lab = page.lab
    with gr.Column(elem_classes="lw-card"):
        page.heading("adapters.list")
        page.heading("adapters.help", "p", "lw-note")
        listing = gr.HTML(elem_id="adapters-list")
    with gr.Column(elem_classes="lw-card"):
        page.heading("adapters.side")
        with gr.Row(elem_classes="lw-columns"):
            with gr.Column(scale=6, min_width=320, elem_classes="lw-plain"):
                picker = build_picker(page, "adapters")
                question = gr.HTML(elem_id="adapters-question")
            with gr.Column(scale=5, min_width=320, elem_classes="lw-plain"):
                columns, evidence, compare, notice = _choices(page)
    with gr.Column(elem_classes="lw-card"):
        side = gr.HTML(elem_id="adapters-side")
    results = gr.State(None)

    def put(lang: str, name: str, qid: str | None, versions: list[str], evidence: str) -> Any:
        if not qid or len(versions) < FEWEST:
            words = say("adapters.too_few" if qid else "pick.nothing", lang)
            return gr.skip(), gr.skip(), components.notice([words], lang)
        found = lab.compare_answers(lab.question(qid, name), [(v, evidence) for v in versions])
        return found, columns_html(found, lang)

    def show(lang: str, name: str, qid: str | None) -> Any:
        question = lab.question(qid, name) if qid else None
        return question_html(question, False, lang), None, columns_html([], lang)

    def refresh(lang: str) -> Any:
        return adapters_html(lab.adapters(), lang)

    def redraw(lang: str, name: str, qid: str | None, found: list[AskResult] | None) -> Any:
        question = lab.question(qid, name) if qid else None
        drawn = columns_html(found or [], lang)
        return question_html(question, False, lang), drawn, adapters_html(lab.adapters(), lang)

    chosen = [picker.set, picker.item]
    page.on(
        [compare.click],
        put,
        [*chosen, columns, evidence],
        [results, side],
        notice,
        "ask.busy",
        concurrency_limit=8,
    )
    page.on([picker.item.change], show, chosen, [question, results, side], notice)
    page.on([tab.select], refresh, [], [listing])
    follow_adapters(page, tab, columns)
    follow_sets(page, [tab], picker.set)
    page.view(redraw, [*chosen, results], [question, side, listing])
    return Side(picker, evidence, columns)


def _choices(page: Page) -> tuple[Any, Any, Any, Any]:
    lab = page.lab
    choices = adapter_choices(lab, page.default)
    columns = page.say(
        gr.CheckboxGroup(
            choices=choices, value=[key for _, key in choices][:3], elem_id="adapters-columns"
        ),
        label="adapters.columns",
    )
    evidence = page.say(
        gr.Radio(value="given", elem_id="adapters-evidence", elem_classes="lw-segments"),
        label="ask.evidence",
        choices=evidence_choices,
    )
    compare = page.say(
        gr.Button(variant="primary", elem_id="adapters-compare"), value="adapters.compare"
    )
    return columns, evidence, compare, page.notice(elem_id="adapters-notice")
