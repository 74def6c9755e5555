"""Score: put a whole set to one or more versions, watch the cells fill, read and compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from lawui.lab import Lab
from lawui.types import BASE, EVIDENCES, ScoreRun
from lawui.ui import components
from lawui.ui.page import Page, relist
from lawui.ui.picker import default_set, follow_sets, set_choices
from lawui.ui.text import duration, said, say
from lawui.ui.versions import adapter_choices, evidence_choices, follow_adapters

ACTIVE = ("queued", "running")
WATCHING, RESTING = 1.0, 4.0
LISTED = 40
"""Scores in the list, newest first; older ones stay on disk and in the API."""

CHANCE = 0.25
KINDS = ("csv", "json", "html")
_STEM = 60


@dataclass(frozen=True)
class Seen:
    """What one browser has been shown: a digest of the list, one of the chosen score."""

    listed: str = ""
    chosen: str = ""


@dataclass(frozen=True)
class View:
    """What a reader has chosen to see: a set for the matrix, a score in full with all,
    only wrong or only right items, and two scores to compare."""

    set: str
    run: str | None
    only: str
    a: str | None = None
    b: str | None = None


@dataclass(frozen=True)
class Watch:
    """What shows the scores; redrawn as one by `watch`."""

    run: Any
    set: Any
    only: Any
    seen: Any
    progress: Any
    matrix: Any
    listing: Any
    summary: Any
    items: Any
    files: tuple[Any, ...]
    a: Any
    b: Any
    timer: Any

    @property
    def asked(self) -> list[Any]:
        """The inputs that make a View."""
        return [self.set, self.run, self.only, self.a, self.b]

    @property
    def drawn(self) -> list[Any]:
        head = [self.seen, self.run, self.a, self.b, self.progress, self.matrix, self.listing]
        return [*head, self.timer, self.summary, self.items, *self.files]


# -- what the events do, without Gradio's wiring


class Figures:
    """Summaries of scores that have ended: they no longer change, so they are kept."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept: dict[tuple[str, int], dict[str, Any]] = {}

    def of(self, run: ScoreRun) -> dict[str, Any]:
        """The summary of `run` over what has been answered."""
        key = (run.id, run.done)
        if key not in self._kept:
            self._kept[key] = self._lab.score_summary(run.id)
        return self._kept[key]


def run_label(run: ScoreRun, lang: str) -> str:
    """A score in words: set, version, law shown, time."""
    parts = [
        said(f"set.{run.set}", lang, run.set),
        components.model_name(run.adapter, lang),
        said(f"evidence.{run.evidence}.short", lang, run.evidence),
        components.when(run.created),
    ]
    return components.joined(parts, lang)


def remaining(run: ScoreRun) -> float | None:
    """Seconds left at the pace so far; None before the first answer."""
    if run.state not in ACTIVE or not run.done:
        return None
    return run.seconds / run.done * (run.total - run.done)


def progress_html(runs: Sequence[ScoreRun], lang: str) -> str:
    """A bar for each score that waits or runs."""
    active = [run for run in reversed(runs) if run.state in ACTIVE]
    out = ""
    for run in active:
        left = remaining(run)
        parts = [
            say("score.progress", lang, done=run.done, total=run.total),
            "" if left is None else say("score.left", lang, time=duration(left, lang)),
            say("score.state.queued", lang) if run.state == "queued" else "",
        ]
        words = components.joined(parts, lang)
        label = components.tag("b", run_label(run, lang))
        out += (
            f'<div class="lw-cell">{label}{components.progress(run.done, run.total, words)}</div>'
        )
    return out


def matrix_html(runs: Sequence[ScoreRun], name: str, figures: Figures, lang: str) -> str:
    """Versions by law shown: the newest score of each cell on the set `name`."""
    newest: dict[tuple[str, str], ScoreRun] = {}
    for run in runs:
        if run.set == name:
            newest.setdefault((run.adapter, run.evidence), run)
    if not newest:
        return components.empty(say("score.none", lang))
    adapters = sorted({adapter for adapter, _ in newest}, key=lambda a: (a != BASE, a))
    shown = [e for e in EVIDENCES if any(e == evidence for _, evidence in newest)]
    rows = [
        [
            components.tag("b", components.model_name(adapter, lang)),
            *(_cell(newest.get((adapter, e)), figures, lang) for e in shown),
        ]
        for adapter in adapters
    ]
    headers = [say("score.col.model", lang), *(say(f"evidence.{e}.short", lang) for e in shown)]
    caption = said(f"set.{name}", lang, name)
    return components.table(headers, rows, caption)


def _cell(run: ScoreRun | None, figures: Figures, lang: str) -> str:
    if run is None:
        return '<span class="lw-note">–</span>'
    if run.state in ACTIVE:
        words = say("score.progress", lang, done=run.done, total=run.total)
        return components.progress(run.done, run.total, words)
    found = figures.of(run) if run.done else {}
    if found.get("accuracy") is None:
        return _state(run, lang)
    figure = components.tag("b", components.percent(found["accuracy"], 1) + " %", "lw-accuracy")
    return figure + components.tag("span", _interval(found), "lw-note")


def _interval(found: dict[str, Any]) -> str:
    if found["low"] is None:
        return ""
    return f"{components.percent(found['low'], 1)}–{components.percent(found['high'], 1)} %"


def _state(run: ScoreRun, lang: str) -> str:
    words = said(f"score.state.{run.state}", lang, run.state)
    return components.tag("span", words, f"lw-state lw-state-{run.state}")


def listing_html(runs: Sequence[ScoreRun], figures: Figures, lang: str) -> str:
    """Every score, newest first."""
    if not runs:
        return ""
    rows = [
        [
            escape(said(f"set.{r.set}", lang, r.set)),
            escape(components.model_name(r.adapter, lang)),
            escape(said(f"evidence.{r.evidence}.short", lang, r.evidence)),
            f"{r.done} / {r.total}",
            _cell(r, figures, lang) if r.state not in ACTIVE else "",
            _state(r, lang),
            escape(components.when(r.created)),
        ]
        for r in runs
    ]
    names = ("set", "model", "evidence", "done", "accuracy", "state", "date")
    headers = [say(f"score.col.{n}", lang) for n in names]
    return components.table(headers, rows, say("score.matrix", lang), numeric=(3,))


def summary_html(found: dict[str, Any], run: ScoreRun, lang: str) -> str:
    """The figures in words, with their interval and what they must be held against."""
    title = components.tag("p", run_label(run, lang), "lw-note")
    verdict = components.tag("p", found[f"verdict_{lang}"], "lw-verdict")
    if found["accuracy"] is None:
        return title + verdict
    counted = say("score.of", lang, total=found["total"], correct=found["correct"])
    figure = (
        f'<p class="lw-big"><b>{components.percent(found["accuracy"], 1)}<small> %</small></b>'
        f"{components.tag('span', counted)}</p>"
    )
    low, high = found["low"], found["high"]
    if low is None:
        low = high = found["accuracy"]
    marks = [(say("score.baseline.chance", lang), CHANCE)]
    marks += [
        (say(f"score.baseline.{name}", lang), found[f"{name}_baseline"])
        for name in ("majority", "overlap")
        if found[f"{name}_baseline"] is not None
    ]
    words = say(
        "score.interval", lang, low=components.percent(low, 1), high=components.percent(high, 1)
    )
    return (
        f"{title}{figure}{components.yardstick(found['accuracy'], low, high, marks, lang)}"
        f"{components.tag('p', words)}{verdict}{_more_figures(found, lang)}"
        f"{_by_law(found['by_law'], lang)}"
    )


def _more_figures(found: dict[str, Any], lang: str) -> str:
    seen = found["seen_in_training"]
    note = say("score.seen" if seen else "score.seen.none", lang, n=seen)
    pairs = [
        (say(key, lang), components.percent(found[name], 1) + " %")
        for key, name in (
            ("score.orders.averaged", "accuracy_averaged"),
            ("score.orders.all", "all_orders_right"),
            ("score.unseen", "accuracy_unseen" if seen else ""),
        )
        if found.get(name) is not None
    ]
    pairs.append((say("ask.took", lang), duration(found["seconds"], lang)))
    return components.tag("p", note, "lw-note") + components.facts(pairs)


def _by_law(laws: dict[str, dict[str, Any]], lang: str) -> str:
    if len(laws) < 2:
        return ""
    rows = [
        [escape(law), f"{f['correct']} / {f['total']}", f"{components.percent(f['accuracy'], 1)} %"]
        for law, f in laws.items()
    ]
    headers = [say("pick.law", lang), say("score.col.done", lang), say("score.accuracy", lang)]
    return components.table(headers, rows, say("score.bylaw", lang), numeric=(1, 2))


def items_html(rows: Sequence[dict[str, Any]], only: str, lang: str) -> str:
    """The table of items; `only` is `all`, `wrong` or `right`."""
    kept = [r for r in rows if only == "all" or r["right"] == (only == "right")]
    cells = [
        [
            escape(r["id"].partition("-")[2]),
            escape(r["law"]),
            f'<span lang="ja">{escape(_shorten(r["stem"]))}</span>',
            components.tag("b", r["choice"]),
            escape(r["gold"]),
            components.percent(r["confidence"]) + " %",
            _result(r, lang),
        ]
        for r in kept
    ]
    headers = [
        say("score.item", lang),
        say("pick.law", lang),
        *(say(f"score.item.{k}", lang) for k in ("stem", "answer", "gold", "sure", "result")),
    ]
    classes = ["lw-right" if r["right"] else "lw-wrong" for r in kept]
    caption = say("score.items", lang)
    return components.table(headers, cells, caption, numeric=(5,), classes=classes)


def _result(row: dict[str, Any], lang: str) -> str:
    words = say("score.item.right" if row["right"] else "score.item.wrong", lang)
    badge = components.tag("span", say("score.item.seen", lang), "lw-badge") if row["seen"] else ""
    return escape(words) + badge


def _shorten(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _STEM else flat[:_STEM] + "…"


def comparison_html(found: dict[str, Any] | None, lang: str) -> str:
    """The verdict in words, the four counts and the questions that flipped."""
    if found is None:
        return components.empty(say("score.compare.before", lang))
    counts = [
        (say(f"score.{name}", lang), str(found[name]))
        for name in ("both", "only_a", "only_b", "neither")
    ]
    gap = {k: components.percent(found[k], 1) for k in ("difference", "low", "high")}
    return (
        f"{components.tag('p', found[f'verdict_{lang}'], 'lw-verdict')}"
        f"{components.facts(counts)}{components.tag('p', say('score.difference', lang, **gap))}"
        f"{components.tag('p', say('score.verdict.p', lang), 'lw-note')}"
        f"{_flips(found['flips'], lang)}"
    )


def _flips(flips: Sequence[dict[str, Any]], lang: str) -> str:
    if not flips:
        return ""
    rows = [
        [
            escape(f["id"].partition("-")[2]),
            f'<span lang="ja">{escape(_shorten(f["stem"]))}</span>',
            escape(f["gold"]),
            _letter(f["a"], f["gold"]),
            _letter(f["b"], f["gold"]),
        ]
        for f in flips
    ]
    headers = [say("score.item", lang), say("score.item.stem", lang), say("score.item.gold", lang)]
    return components.table([*headers, "A", "B"], rows, say("score.flips", lang))


def _letter(letter: str, gold: str) -> str:
    return f"{'○' if letter == gold else '×'} {escape(letter)}"


def watch(
    lab: Lab, figures: Figures, lang: str, view: View, seen: Seen | None = None
) -> list[Any] | None:
    """Everything that shows the scores, or None where nothing has changed since `seen`.

    The same function serves the timer, the page's opening and every button."""
    runs = lab.score_runs()[:LISTED]
    chosen = next((r for r in runs if r.id == view.run), runs[0] if runs else None)
    listed = repr((lang, view.set, [(r.id, r.done, r.state) for r in runs]))
    detail = repr((lang, view.only, chosen and (chosen.id, chosen.state in ACTIVE)))
    if seen and (seen.listed, seen.chosen) == (listed, detail):
        return None
    active = any(r.state in ACTIVE for r in runs)
    same = seen is not None and seen.chosen == detail
    return [
        Seen(listed, detail),
        *_choices(runs, chosen, view, lang),
        progress_html(runs, lang),
        matrix_html(runs, view.set, figures, lang),
        listing_html(runs, figures, lang),
        gr.update(value=WATCHING if active else RESTING),
        *(_skips(2 + len(KINDS)) if same else _detail(lab, figures, chosen, view.only, lang)),
    ]


def _skips(n: int) -> list[Any]:
    return [gr.skip() for _ in range(n)]


def _choices(runs: Sequence[ScoreRun], chosen: ScoreRun | None, view: View, lang: str) -> list[Any]:
    """The lists of scores; a chosen one that is no longer listed is chosen no more."""
    labels = [(run_label(r, lang), r.id) for r in runs]
    ids = {r.id for r in runs}
    return [
        relist(labels, view.run, chosen.id if chosen else None),
        relist(labels, view.a, view.a if view.a in ids else None),
        relist(labels, view.b, view.b if view.b in ids else None),
    ]


def _detail(lab: Lab, figures: Figures, run: ScoreRun | None, only: str, lang: str) -> list[Any]:
    """Summary, items and files of the chosen score."""
    if run is None or run.state in ACTIVE or not run.done:
        words = (run.message if run else "") or say("score.none", lang)
        if run and run.state in ACTIVE:
            words = say("score.starting", lang)
        return [components.empty(words), "", *(gr.update(interactive=False) for _ in KINDS)]
    return [
        summary_html(figures.of(run), run, lang),
        items_html(lab.score_table(run.id), only, lang),
        *(
            gr.update(value=str(lab.score_export(run.id, kind, lang)), interactive=True)
            for kind in KINDS
        ),
    ]


# -- the tab


def build(page: Page, tab: gr.Tab, others: Sequence[gr.Tab]) -> None:
    """Put the tab's components here and wire them. `others` are the tabs on which the
    timer rests."""
    figures = Figures(page.lab)
    with gr.Row(elem_classes="lw-columns"):
        with gr.Column(scale=5, min_width=320, elem_classes="lw-card"):
            form, start, cancel, resume, notice, progress = _form(page)
        with gr.Column(scale=6, min_width=320, elem_classes="lw-card"):
            page.heading("score.matrix")
            matrix = gr.HTML(elem_id="score-matrix")
            run = page.say(gr.Dropdown(choices=[], elem_id="score-run"), label="score.run")
            summary = gr.HTML(elem_id="score-summary")
            page.heading("score.export", "h3")
            with gr.Row():
                files = tuple(_file(page, kind) for kind in KINDS)
    a, b, compare, verdict, compare_notice = _comparison(page)
    only, items, listing = _tables(page)
    timer = gr.Timer(RESTING, active=False)
    shown = Watch(
        run,
        form[0],
        only,
        gr.State(Seen()),
        progress,
        matrix,
        listing,
        summary,
        items,
        files,
        a,
        b,
        timer,
    )
    _wire_runs(page, figures, form, shown, start, cancel, resume, notice)
    _wire_compare(page, a, b, compare, verdict, compare_notice)
    _wire_timer(page, figures, form, shown, tab, others)


def _form(page: Page) -> tuple[Any, ...]:
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
    progress = gr.HTML(elem_id="score-progress")
    with gr.Row():
        cancel = page.say(gr.Button(size="sm", elem_id="score-cancel"), value="score.cancel")
        resume = page.say(gr.Button(size="sm", elem_id="score-resume"), value="score.resume")
    notice = page.notice(elem_id="score-notice")
    return (sets, evidences, adapters, limit), start, cancel, resume, notice, progress


def _file(page: Page, kind: str) -> Any:
    button = gr.DownloadButton(
        size="sm", interactive=False, min_width=110, elem_id=f"score-export-{kind}"
    )
    return page.say(button, label=f"score.export.{kind}")


def _comparison(page: Page) -> tuple[Any, ...]:
    with gr.Column(elem_classes="lw-card"):
        page.heading("score.compare")
        with gr.Row():
            a = page.say(gr.Dropdown(choices=[], elem_id="score-a"), label="score.compare.a")
            b = page.say(gr.Dropdown(choices=[], elem_id="score-b"), label="score.compare.b")
        compare = page.say(
            gr.Button(variant="primary", elem_id="score-compare"), value="score.compare.go"
        )
        notice = page.notice(elem_id="score-compare-notice")
        verdict = gr.HTML(elem_id="score-verdict")
    return a, b, compare, verdict, notice


def _tables(page: Page) -> tuple[Any, ...]:
    with gr.Column(elem_classes="lw-card"):
        page.heading("score.items")
        only = page.say(
            gr.Radio(value="all", elem_id="score-only", elem_classes="lw-segments"),
            label="score.items.show",
            choices=lambda lang: [
                (say(f"score.items.{k}", lang), k) for k in ("all", "wrong", "right")
            ],
        )
        items = gr.HTML(elem_id="score-items")
    with gr.Column(elem_classes="lw-card lw-maybe"):
        listing = gr.HTML(elem_id="score-list")
    return only, items, listing


def _wire_runs(
    page: Page,
    figures: Figures,
    form: Sequence[Any],
    shown: Watch,
    start: Any,
    cancel: Any,
    resume: Any,
    notice: Any,
) -> None:
    lab = page.lab

    def begin(lang: str, evidences: list[str], adapters: list[str], limit: str, *view: Any) -> Any:
        now = View(*view)
        trouble = _unready(evidences, adapters, limit)
        if trouble:
            return (*_skips(len(shown.drawn)), _told(lang, trouble, "trouble"))
        first = int(limit) if limit.strip() else None
        started = lab.score_start(now.set, evidences, adapters, first)
        drawn = watch(lab, figures, lang, replace(now, run=started[0])) or []
        chosen = [(shown.run, started[0])]
        if len(started) > 1:
            chosen += [(shown.a, started[0]), (shown.b, started[1])]
        for box, run in chosen:
            drawn[shown.drawn.index(box)]["value"] = run
        return (*drawn, _told(lang, "score.started", n=len(started)))

    def stop(lang: str, *view: Any) -> Any:
        active = [r.id for r in lab.score_runs() if r.state in ACTIVE]
        for run_id in active:
            lab.score_cancel(run_id)
        key = "score.cancelled" if active else "score.nothing_runs"
        return (*(watch(lab, figures, lang, View(*view)) or []), _told(lang, key))

    def go_on(lang: str, *view: Any) -> Any:
        now = View(*view)
        if not now.run:
            return (*_skips(len(shown.drawn)), _told(lang, "score.pick_run", "trouble"))
        lab.score_resume(now.run)
        drawn = watch(lab, figures, lang, now) or []
        return (*drawn, _told(lang, "score.started", n=1))

    inputs = [*form[1:], *shown.asked]
    page.on([start.click], begin, inputs, shown.drawn, notice, "score.starting")
    page.on([cancel.click], stop, shown.asked, shown.drawn, notice)
    page.on([resume.click], go_on, shown.asked, shown.drawn, notice)


def _unready(evidences: Sequence[str], adapters: Sequence[str], limit: str) -> str:
    """The key of what stands in the way of a score, or ""."""
    if not evidences or not adapters:
        return "score.choose"
    sound = not limit.strip() or (limit.strip().isdecimal() and int(limit) > 0)
    return "" if sound else "score.bad_limit"


def _told(lang: str, key: str, kind: str = "info", **params: object) -> str:
    return components.notice([say(key, lang, **params)], lang, kind)


def _wire_compare(page: Page, a: Any, b: Any, compare: Any, verdict: Any, notice: Any) -> None:
    kept = gr.State(None)

    def put(lang: str, run_a: str | None, run_b: str | None) -> Any:
        if not run_a or not run_b or run_a == run_b:
            words = components.notice([say("score.compare.same", lang)], lang)
            return gr.skip(), gr.skip(), words
        found = page.lab.compare(run_a, run_b)
        return found, comparison_html(found, lang)

    page.on([compare.click], put, [a, b], [kept, verdict], notice)
    page.view(lambda lang, found: comparison_html(found, lang), [kept], [verdict])


def _wire_timer(
    page: Page,
    figures: Figures,
    form: Sequence[Any],
    shown: Watch,
    tab: gr.Tab,
    others: Sequence[gr.Tab],
) -> None:
    lab = page.lab

    def look(lang: str, seen: Seen, *view: Any) -> Any:
        return watch(lab, figures, lang, View(*view), seen)

    def draw(lang: str, *view: Any) -> Any:
        return watch(lab, figures, lang, View(*view))

    def wake(lang: str, *view: Any) -> Any:
        drawn = draw(lang, *view) or []
        at = shown.drawn.index(shown.timer)
        drawn[at] = {**drawn[at], "active": True}
        return tuple(drawn)

    page.on([shown.timer.tick], look, [shown.seen, *shown.asked], shown.drawn)
    page.on([shown.run.input, shown.only.input, shown.set.input], draw, shown.asked, shown.drawn)
    page.on([tab.select], wake, shown.asked, shown.drawn)
    follow_adapters(page, tab, form[2])
    follow_sets(page, [tab], form[0])
    page.on([t.select for t in others], lambda _: gr.update(active=False), [], [shown.timer])
    page.view(draw, shown.asked, shown.drawn)
