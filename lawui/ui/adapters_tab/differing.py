"""Where over a whole set the columns differ: a job in the background, then a list to step
through by press or key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lawui.lab import Lab
from lawui.ui import components
from lawui.ui.adapters_tab import draw
from lawui.ui.page import Page, beat, relist
from lawui.ui.picker import Picker, find, item_choices, law_choices, step
from lawui.ui.text import say


@dataclass(frozen=True)
class Found:
    """The components; `runs` holds the ids of the scores that were put to the set."""

    start: Any
    notice: Any
    progress: Any
    pair: Any
    previous: Any
    next: Any
    table: Any
    runs: Any
    pulse: Any


@dataclass(frozen=True)
class _Whole:
    """The scores of the columns once they have ended."""

    set: str
    columns: tuple[draw.Column, ...]
    items: Sequence[Any]


def build(page: Page) -> Found:
    """Put the components here."""
    with gr.Column(elem_classes="lw-card"):
        page.heading("adapters.where")
        page.heading("adapters.where.help", "p", "lw-note")
        start = page.say(gr.Button(elem_id="adapters-where"), value="adapters.where.start")
        notice = page.notice(elem_id="adapters-where-notice")
        progress = gr.HTML(elem_id="adapters-where-progress")
        pair = page.say(
            gr.Dropdown(
                choices=draw.pair_choices((), page.default),
                value=draw.ANY,
                filterable=False,
                elem_id="adapters-pair",
            ),
            label="adapters.where.show",
        )
        with gr.Row(elem_classes="lw-step"):
            back = gr.Button(size="sm", elem_id="adapters-differ-previous", min_width=100)
            forward = gr.Button(size="sm", elem_id="adapters-differ-next", min_width=100)
        table = page.pressable(elem_id="adapters-differences")
    return Found(
        start,
        notice,
        progress,
        pair,
        page.say(back, value="adapters.where.previous"),
        page.say(forward, value="adapters.where.next"),
        table,
        gr.State(()),
        page.pulse(None),
    )


def whole(lab: Lab, runs: Sequence[str]) -> _Whole | None:
    """What these scores said, the most torn first; None before all have ended."""
    states = [lab.score_status(run) for run in runs]
    if not states or any(s.state != "done" for s in states):
        return None
    columns = tuple((s.adapter, s.evidence) for s in states)
    return _Whole(states[0].set, columns, lab.score_differences(runs))


def drawn(lab: Lab, runs: Sequence[str], pair: str, opened: str | None, lang: str) -> list[Any]:
    """Progress, the choice of a pair, the table, and whether the pulse goes on."""
    if not runs:
        return ["", _pairs((), pair, lang), components.empty(say("adapters.where.before", lang)),
                beat(None)]  # fmt: skip
    job = lab.score_job(lab.score_status(runs[0]).job)
    if job.active:
        html = draw.progress_html(job, lang)
        return [html, gr.skip(), "", beat(True)]
    found = whole(lab, runs)
    if found is None:
        faults = [lab.score_message(run, lang) for run in runs]
        words = [w for w in faults if w] or [say("adapters.where.stopped", lang)]
        return ["", gr.skip(), components.notice(words, lang), beat(None)]
    known = {key for _, key in draw.pair_choices(found.columns, lang)}
    wanted = pair if pair in known else draw.ANY
    items = draw.where_differ(found.items, wanted)
    table = draw.differences_html(items, len(found.items), found.columns, opened, lang)
    return ["", _pairs(found.columns, pair, lang), table, beat(None)]


def _pairs(columns: Sequence[draw.Column], pair: str, lang: str) -> Any:
    choices = draw.pair_choices(columns, lang)
    known = {key for _, key in choices}
    return relist(choices, pair, pair if pair in known else draw.ANY)


def wire(
    page: Page,
    f: Found,
    picker: Picker,
    columns: Any,
    answer_then: Callable[[Any], Any],
) -> None:
    """Wire the search, the list and the steps. `answer_then` wires the columns' answer behind
    an event that opened a question."""
    lab = page.lab
    shown = [f.progress, f.pair, f.table, f.pulse]
    looked = [f.runs, f.pair, picker.item]

    def start(lang: str, name: str, keys: list[str] | None, pair: str, opened: str) -> Any:
        chosen = draw.ready(keys)
        if chosen is None or not name:
            words = components.notice([say("adapters.too_few", lang)], lang)
            return *(gr.skip() for _ in range(1 + len(shown))), words
        runs = tuple(lab.score_columns(name, chosen))
        return (runs, *drawn(lab, runs, pair, opened, lang), "")

    def look(lang: str, runs: tuple[str, ...], pair: str, opened: str | None) -> Any:
        return drawn(lab, runs, pair, opened, lang)

    page.on(
        [f.start.click],
        start,
        [picker.set, columns, f.pair, picker.item],
        [f.runs, *shown],
        f.notice,
        "score.starting",
    )
    page.on([f.pulse.click, f.pair.input, picker.item.change], look, looked, shown)
    page.view(look, looked, shown)
    _wire_steps(page, f, picker, answer_then)


def _wire_steps(page: Page, f: Found, picker: Picker, answer_then: Callable[[Any], Any]) -> None:
    lab = page.lab
    places = [picker.set, picker.law, picker.words, picker.item]

    def open_item(lang: str, found: _Whole, qid: str) -> Any:
        """The picker on this question, whatever it was narrowed to."""
        choices = item_choices(find(lab, found.set, "", ""), None, qid)
        laws = gr.update(choices=law_choices(lab, found.set, lang), value="")
        return found.set, laws, "", gr.update(choices=choices, value=qid)

    def press(lang: str, qid: str, runs: tuple[str, ...]) -> Any:
        found = whole(lab, runs)
        return open_item(lang, found, qid) if found else None

    def go(by: int) -> Any:
        def move(lang: str, runs: tuple[str, ...], pair: str, now: str | None) -> Any:
            found = whole(lab, runs) if runs else None
            if found is None:
                words = components.notice([say("adapters.where.before", lang)], lang, "info")
                return *(gr.skip() for _ in places), words
            ids = [item["id"] for item in draw.where_differ(found.items, pair)]
            qid = step(ids, now, by)
            return open_item(lang, found, qid) if qid else None

        return move

    inputs = [f.runs, f.pair, picker.item]
    opening = [
        page.on_open(f.table, press, [f.runs], places, f.notice),
        page.on([f.previous.click], go(-1), inputs, places, f.notice),
        page.on([f.next.click], go(1), inputs, places, f.notice),
    ]
    for opened in opening:
        answer_then(opened)
