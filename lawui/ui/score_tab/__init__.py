"""Score: put a set to one or more versions, watch the cells fill, read, compare, look closer.

matrix.py, detail.py and items.py make HTML; watching.py says what is shown of the scores;
reading.py wires one question, its marks and the threshold; this module wires the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from lawui.lab import Lab
from lawui.types import BASE
from lawui.ui import components
from lawui.ui.confirming import Sure
from lawui.ui.glossary import explain
from lawui.ui.page import Page, skips
from lawui.ui.picker import default_set, follow_sets, set_choices
from lawui.ui.score_tab import items, reading, removing
from lawui.ui.score_tab.detail import comparison_html
from lawui.ui.score_tab.watching import Seen, Shown, View, watch
from lawui.ui.text import say
from lawui.ui.versions import adapter_choices, evidence_choices, follow_adapters

KINDS = ("csv", "json", "html")


@dataclass(frozen=True)
class _Form:
    """What to score."""

    set: Any
    evidences: Any
    adapters: Any
    limit: Any
    start: Any
    cancel: Any
    resume: Any
    notice: Any
    files: dict[str, Any]
    removing: tuple[Any, Sure]


def build(page: Page, tab: gr.Tab) -> None:
    """Put the tab's components here and wire them."""
    with gr.Row(elem_classes="lw-columns"):
        with gr.Column(scale=4, min_width=320, elem_classes="lw-card"):
            fields = _fields(page)
        with gr.Column(scale=7, min_width=320, elem_classes="lw-card lw-watch"):
            table, form = _matrix(page, fields)
    compared = _comparison(page)
    with gr.Column(elem_classes="lw-card"):
        page.heading("score.detail")
        explain(page, "baselines", "orders", "calibration", "mass", "hash")
        run = page.say(
            gr.Dropdown(choices=[], filterable=False, elem_id="score-run"), label="score.run"
        )
        summary = gr.HTML(elem_id="score-summary")
        plots = gr.HTML(elem_id="score-plots")
        by = gr.HTML(elem_id="score-by")
        threshold = reading.build_threshold(page)
    only, start, shown_items, turn = _items(page)
    drill = reading.build_item(page)
    with gr.Column(elem_classes="lw-card lw-maybe"):
        page.heading("score.all")
        listing = page.pressable(elem_id="score-list")
    shown = Shown(
        run=run,
        only=only,
        start=start,
        a=compared.a,
        b=compared.b,
        seen=gr.State(Seen()),
        pairs=compared.pairs,
        listing=listing,
        pulse=page.pulse(),
        summary=summary,
        plots=plots,
        by=by,
        items=shown_items,
        **table,
    )
    _wire_runs(page, form, shown)
    _wire_views(page, shown, turn)
    _wire_compare(page, compared, shown, drill)
    _wire_files(page, form, shown)
    redraw = lambda lang, view: draw(page.lab, shown, lang, view)  # noqa: E731
    removing.wire(page, form.removing, shown, redraw, form.notice)
    _wire_lists(page, form, shown, tab)
    reading.wire_item(page, drill, shown, shown_items)
    reading.wire_threshold(page, threshold, run)


# -- the components


def _fields(page: Page) -> tuple[Any, ...]:
    lab = page.lab
    page.heading("score.what")
    name = default_set(lab)
    first = "sample_test" if name == "sample" else name
    sets = page.dropdown(
        "score.set", lambda lang: set_choices(lab, lang), first, elem_id="score-set"
    )
    evidences = page.say(
        gr.CheckboxGroup(value=["none", "given"], elem_id="score-evidence"),
        label="score.evidence",
        choices=evidence_choices,
    )
    adapters = page.say(
        gr.CheckboxGroup(
            choices=adapter_choices(lab, page.default), value=[BASE], elem_id="score-adapters"
        ),
        label="score.adapters",
    )
    limit = page.say(gr.Textbox(max_lines=1, elem_id="score-limit"), label="score.limit")
    start = page.say(gr.Button(variant="primary", elem_id="score-start"), value="score.start")
    return sets, evidences, adapters, limit, start, page.notice(elem_id="score-notice")


def _matrix(page: Page, fields: tuple[Any, ...]) -> tuple[dict[str, Any], _Form]:
    page.heading("score.matrix")
    explain(page, "accuracy", "interval", "seen")
    box = gr.Dropdown(choices=[], filterable=False, elem_id="score-job", elem_classes="lw-with-run")
    job = page.say(box, label="score.job")
    progress = gr.HTML(elem_id="score-progress")
    stopped = gr.HTML(elem_id="score-stopped")
    with gr.Row():
        cancel = page.say(gr.Button(size="sm", elem_id="score-cancel"), value="score.cancel")
        resume = page.say(gr.Button(size="sm", elem_id="score-resume"), value="score.resume")
    matrix = page.pressable(elem_id="score-matrix")
    plot = gr.HTML(elem_id="score-plot")
    with gr.Column(elem_classes="lw-plain lw-with-run"):
        page.heading("score.export", "h3")
        with gr.Row():
            files = {kind: _file(page, kind) for kind in KINDS}
        gone = removing.build(page)
    sets, evidences, adapters, limit, start, notice = fields
    table = {
        "job": job,
        "progress": progress,
        "stopped": stopped,
        "matrix": matrix,
        "plot": plot,
    }
    form = _Form(sets, evidences, adapters, limit, start, cancel, resume, notice, files, gone)
    return table, form


def _file(page: Page, kind: str) -> Any:
    button = gr.Button(size="sm", min_width=110, elem_id=f"score-export-{kind}")
    return page.say(button, value=f"score.export.{kind}")


@dataclass(frozen=True)
class _Compared:
    pairs: Any
    a: Any
    b: Any
    go: Any
    notice: Any
    verdict: Any
    kept: Any


def _comparison(page: Page) -> _Compared:
    with gr.Column(elem_classes="lw-card"):
        page.heading("score.compare")
        explain(page, "paired", "interval")
        pairs = page.pressable(elem_id="score-pairs")
        with gr.Row():
            a = page.say(
                gr.Dropdown(choices=[], filterable=False, elem_id="score-a"),
                label="score.compare.a",
            )
            b = page.say(
                gr.Dropdown(choices=[], filterable=False, elem_id="score-b"),
                label="score.compare.b",
            )
        go = page.say(
            gr.Button(variant="primary", elem_id="score-compare"), value="score.compare.go"
        )
        notice = page.notice(elem_id="score-compare-notice")
        verdict = page.pressable(elem_id="score-verdict")
    return _Compared(pairs, a, b, go, notice, verdict, gr.State(None))


def _items(page: Page) -> tuple[Any, ...]:
    with gr.Column(elem_classes="lw-card"):
        page.heading("score.items")
        only = page.say(
            gr.Radio(value="all", elem_id="score-only", elem_classes="lw-segments"),
            label="score.items.show",
            choices=lambda lang: [(say(f"score.items.{k}", lang), k) for k in items.FILTERS],
        )
        shown = page.pressable(elem_id="score-items")
        with gr.Row(elem_classes="lw-step"):
            back = gr.Button(size="sm", elem_id="score-items-back", min_width=100)
            forward = gr.Button(size="sm", elem_id="score-items-forward", min_width=100)
    turn = (
        page.say(back, value="score.items.back"),
        page.say(forward, value="score.items.forward"),
    )
    return only, gr.State(0), shown, turn


# -- what they do


def _told(lang: str, key: str, kind: str = "info", **params: object) -> str:
    return components.notice([say(key, lang, **params)], lang, kind)


def draw(lab: Lab, shown: Shown, lang: str, view: View) -> list[Any]:
    """Everything anew, with the choices of `view` made in the lists."""
    drawn = watch(lab, lang, view) or []
    for name in ("job", "run", "a", "b"):
        value = getattr(view, name)
        if value:
            drawn[shown.drawn.index(getattr(shown, name))]["value"] = value
    return drawn


def _wire_runs(page: Page, form: _Form, shown: Shown) -> None:
    lab = page.lab

    def begin(
        lang: str, name: str, evidences: list[str], adapters: list[str], limit: str, *view: Any
    ) -> Any:
        trouble = _unready(evidences, adapters, limit)
        if trouble:
            return (*skips(len(shown.drawn)), _told(lang, trouble, "trouble"))
        first = int(limit) if limit.strip() else None
        started = lab.score_start(name, evidences, adapters, first)
        pair = dict(zip(("a", "b"), started, strict=False)) if len(started) > 1 else {}
        job = lab.score_status(started[0]).job
        now = replace(View(*view), job=job, run=started[0], start=0, **pair)
        return (*draw(lab, shown, lang, now), _told(lang, "score.started", n=len(started)))

    def stop(lang: str, *view: Any) -> Any:
        now = View(*view)
        active = [job for job in lab.score_jobs() if job.active]
        chosen = [job for job in active if job.id == now.job] or active
        for job in chosen:
            lab.score_job_cancel(job.id)
        key = "score.cancelled" if chosen else "score.nothing_runs"
        return (*draw(lab, shown, lang, now), _told(lang, key))

    def go_on(lang: str, *view: Any) -> Any:
        now = View(*view)
        if not now.job:
            return (*skips(len(shown.drawn)), _told(lang, "score.none", "trouble"))
        resumed = lab.score_job_resume(now.job)
        key = "score.started" if resumed else "score.nothing_left"
        return (*draw(lab, shown, lang, now), _told(lang, key, n=len(resumed)))

    inputs = [form.set, form.evidences, form.adapters, form.limit, *shown.asked]
    page.on([form.start.click], begin, inputs, shown.drawn, form.notice, "score.starting")
    page.on([form.cancel.click], stop, shown.asked, shown.drawn, form.notice)
    page.on([form.resume.click], go_on, shown.asked, shown.drawn, form.notice)


def _unready(evidences: Sequence[str], adapters: Sequence[str], limit: str) -> str:
    """The key of what stands in the way of a score, or ""."""
    if not evidences or not adapters:
        return "score.choose"
    sound = not limit.strip() or (limit.strip().isdecimal() and int(limit) > 0)
    return "" if sound else "score.bad_limit"


def _wire_views(page: Page, shown: Shown, turn: tuple[Any, Any]) -> None:
    """Choosing another matrix, score, filter or page of the table."""
    lab = page.lab

    def of_job(lang: str, *view: Any) -> Any:
        now = View(*view)
        first = lab.score_job(now.job).cells[0].id if now.job else None
        return draw(lab, shown, lang, replace(now, run=first, start=0))

    def press(lang: str, run: str, *view: Any) -> Any:
        return draw(lab, shown, lang, replace(View(*view), run=run, start=0))

    def anew(lang: str, *view: Any) -> Any:
        return draw(lab, shown, lang, replace(View(*view), start=0))

    def turned(by: int) -> Any:
        def go(lang: str, *view: Any) -> Any:
            now = View(*view)
            return draw(lab, shown, lang, replace(now, start=now.start + by))

        return go

    unsaid = gr.State("")
    page.on_choice(shown.job, of_job, shown.asked, shown.drawn)
    page.on_choice(shown.run, anew, shown.asked, shown.drawn)
    page.on([shown.only.input], anew, shown.asked, shown.drawn)
    page.on([turn[0].click], turned(-items.PAGE), shown.asked, shown.drawn)
    page.on([turn[1].click], turned(items.PAGE), shown.asked, shown.drawn)
    for html in (shown.matrix, shown.listing):
        pressed = page.on_open(html, press, shown.asked, shown.drawn, unsaid)
        pressed.then(None, None, None, js=reading.scroll_to("score-summary"))


def _wire_compare(page: Page, c: _Compared, shown: Shown, drill: reading.Drill) -> None:
    def put(lang: str, run_a: str | None, run_b: str | None) -> Any:
        if not run_a or not run_b or run_a == run_b:
            words = components.notice([say("score.compare.same", lang)], lang)
            return gr.skip(), gr.skip(), words
        found = page.lab.compare(run_a, run_b)
        return found, comparison_html(found, lang)

    def press(lang: str, pair: str) -> Any:
        run_a, run_b = pair.split(" ")
        return (run_a, run_b, *put(lang, run_a, run_b))

    page.on([c.go.click], put, [c.a, c.b], [c.kept, c.verdict], c.notice)
    pressed = page.on_open(c.pairs, press, [], [c.a, c.b, c.kept, c.verdict], c.notice)
    pressed.then(None, None, None, js=reading.scroll_to("score-verdict"))
    page.view(lambda lang, found: comparison_html(found, lang), [c.kept], [c.verdict])
    reading.wire_item(page, drill, shown, c.verdict)


def _wire_files(page: Page, form: _Form, shown: Shown) -> None:
    """Reports are written when asked for: a matrix of many cells is no small page."""
    lab = page.lab
    held = gr.DownloadButton("", visible="hidden")

    def write(kind: str) -> Any:
        def go(lang: str, job: str | None) -> Any:
            cells = lab.score_job(job).cells if job else ()
            return str(lab.score_export([cell.id for cell in cells if cell.done], kind, lang)), ""

        return go

    for kind, button in form.files.items():
        wrote = page.on([button.click], write(kind), [shown.job], [held], form.notice)
        wrote.success(None, [held], None, js=reading.SAVE)


def _wire_lists(page: Page, form: _Form, shown: Shown, tab: gr.Tab) -> None:
    lab = page.lab

    def look(lang: str, seen: Seen, *view: Any) -> Any:
        return watch(lab, lang, View(*view), seen)

    page.on([shown.pulse.click], look, [shown.seen, *shown.asked], shown.drawn)
    follow_adapters(page, tab, form.adapters)
    follow_sets(page, tab, form.set)
    page.view(
        lambda lang, *view: watch(lab, lang, View(*view)),
        shown.asked,
        shown.drawn,
    )
