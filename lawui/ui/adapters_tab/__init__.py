"""Adapters: what was fine-tuned, one question to several versions side by side, and where
over a whole set they differ.

draw.py makes HTML, differing.py wires the search for differences, this module the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lawui.asks import AskResult
from lawui.lab import Lab
from lawui.types import BASE, AdapterInfo
from lawui.ui import components, waiting
from lawui.ui.adapters_tab import differing, draw
from lawui.ui.ask_tab.draw import question_html
from lawui.ui.glossary import explain
from lawui.ui.page import Page, relist
from lawui.ui.picker import Picker, build_picker, follow_sets
from lawui.ui.text import say


@dataclass(frozen=True)
class Side:
    """What is put side by side: the question and the columns."""

    picker: Picker
    columns: Any

    @property
    def addressed(self) -> list[Any]:
        """What an address names."""
        return [self.picker.set, self.picker.item, self.columns]


def build(page: Page, tab: gr.Tab) -> Side:
    """Put the tab's components here and wire them."""
    with gr.Column(elem_classes="lw-card"):
        page.heading("adapters.list")
        page.heading("adapters.help", "p", "lw-note")
        explain(page, "base", "adapter", "lora", "rank", "group", "loss")
        listing = gr.HTML(elem_id="adapters-list")
    with gr.Column(elem_classes="lw-card"):
        page.heading("adapters.side")
        with gr.Row(elem_classes="lw-columns"):
            with gr.Column(scale=6, min_width=320, elem_classes="lw-plain"):
                picker = build_picker(page, "adapters")
                question = gr.HTML(elem_id="adapters-question")
            with gr.Column(scale=5, min_width=320, elem_classes="lw-plain"):
                columns, orders, compare, notice = _choices(page)
    with gr.Column(elem_classes="lw-card"):
        side = gr.HTML(elem_id="adapters-side")
    found = differing.build(page)
    with gr.Column(elem_classes="lw-card"):
        page.heading("adapters.settings")
        page.heading("adapters.settings.help", "p", "lw-note")
        explain(page, "rank", "rate", "step", "hash")
        settings = gr.HTML(elem_id="adapters-settings")
    results = gr.State(None)
    _wire_question(page, picker, columns, orders, compare, notice, (question, results, side))
    _wire_lists(page, tab, columns, listing, settings)
    follow_sets(page, tab, picker.set)
    put = _put(page.lab)
    differing.wire(
        page,
        found,
        picker,
        columns,
        lambda opened: page.after(
            opened,
            put,
            [picker.set, picker.item, columns, orders],
            [results, side],
            notice,
            "ask.busy",
            concurrency_limit=8,
        ),
    )
    return Side(picker, columns)


def _choices(page: Page) -> tuple[Any, Any, Any, Any]:
    lab = page.lab
    infos = lab.adapters()
    first = next((a.name for a in infos if not a.fault), None)
    chosen = [(BASE, "none"), (BASE, "given"), *([(first, "given")] if first else [])]
    columns = page.say(
        gr.Dropdown(
            choices=draw.column_choices(infos, page.default),
            value=[draw.key_of(c) for c in chosen],
            multiselect=True,
            max_choices=draw.MOST,
            elem_id="adapters-columns",
        ),
        label="adapters.columns",
    )
    orders = page.say(gr.Checkbox(value=True, elem_id="adapters-orders"), label="adapters.orders")
    compare = page.say(
        gr.Button(variant="primary", elem_id="adapters-compare"), value="adapters.compare"
    )
    return columns, orders, compare, page.notice(elem_id="adapters-notice")


def _put(lab: Lab) -> Any:
    def put(lang: str, name: str, qid: str | None, keys: list[str], orders: bool) -> Any:
        columns = draw.ready(keys)
        if not qid or columns is None:
            words = say("adapters.too_few" if qid else "pick.nothing", lang)
            return gr.skip(), gr.skip(), components.notice([words], lang)
        waiting.until_ready(lab, search=any(law == "retrieved" for _, law in columns))
        question = lab.question(qid, name)
        found = lab.compare_answers(question, columns, orders, waiting.in_line)
        return found, draw.columns_html(found, lang)

    return put


def _wire_question(
    page: Page,
    picker: Picker,
    columns: Any,
    orders: Any,
    compare: Any,
    notice: Any,
    drawn: tuple[Any, Any, Any],
) -> None:
    lab = page.lab
    question, results, side = drawn

    def show(lang: str, name: str, qid: str | None, found: list[AskResult] | None) -> Any:
        asked = lab.question(qid, name) if qid else None
        html = question_html(asked, False, lang)
        if found and found[0].question.id == qid:  # answered before its words were drawn
            return html, gr.skip(), gr.skip()
        return html, None, draw.columns_html([], lang)

    def redraw(lang: str, name: str, qid: str | None, found: list[AskResult] | None) -> Any:
        asked = lab.question(qid, name) if qid else None
        return question_html(asked, False, lang), draw.columns_html(found or [], lang)

    chosen = [picker.set, picker.item]
    page.on(
        [compare.click],
        _put(lab),
        [*chosen, columns, orders],
        [results, side],
        notice,
        "ask.busy",
        concurrency_limit=8,
    )
    page.on([picker.item.change], show, [*chosen, results], [question, results, side], notice)
    page.view(redraw, [*chosen, results], [question, side])


def _wire_lists(page: Page, tab: gr.Tab, columns: Any, listing: Any, settings: Any) -> None:
    """The list of adapters, the columns to choose from, what differs between the chosen."""
    lab = page.lab

    def lists(lang: str, keys: list[str] | None) -> Any:
        infos = lab.adapters()
        choices = draw.column_choices(infos, lang)
        known = {key for _, key in choices}
        wanted = [key for key in keys or () if key in known]
        return (
            draw.adapters_html(infos, lang),
            relist(choices, keys, wanted),
            draw.settings_html(_named(infos, wanted), lang),
        )

    def differ(lang: str, keys: list[str] | None) -> Any:
        return draw.settings_html(_named(lab.adapters(), keys or ()), lang)

    page.when_opened(tab, lists, [columns], [listing, columns, settings])
    page.on([columns.change], differ, [columns], [settings])
    page.view(lists, [columns], [listing, columns, settings])


def _named(infos: Sequence[AdapterInfo], keys: Sequence[str]) -> list[AdapterInfo]:
    """The adapters that the columns name, each once, in their order."""
    by_name = {info.name: info for info in infos}
    names = dict.fromkeys(draw.column_of(key)[0] for key in keys)
    return [by_name[name] for name in names if name in by_name]
