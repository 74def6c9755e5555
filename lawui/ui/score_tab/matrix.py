"""The matrix of a job as HTML: its cells, how far they are, and every pair compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from lawui.types import BASE, EVIDENCES, ScoreJob, ScoreRun
from lawui.ui import components
from lawui.ui.text import remaining, said, say

ACTIVE = ("queued", "running")

Figures = Callable[[str], Mapping[str, Any] | None]
"""From a run's id to its summary; None where that can no longer be worked out."""


def run_label(run: ScoreRun, lang: str) -> str:
    """A score in words: set, version, law shown, time."""
    parts = [
        said(f"set.{run.set}", lang, run.set),
        cell_label(run, lang),
        components.when(run.created),
    ]
    return components.joined(parts, lang)


def cell_label(run: ScoreRun, lang: str) -> str:
    """A cell of a matrix in words: version and law shown."""
    evidence = said(f"evidence.{run.evidence}.short", lang, run.evidence)
    return components.joined([components.model_name(run.adapter, lang), evidence], lang)


def job_label(job: ScoreJob, lang: str) -> str:
    """A matrix in words: set, number of cells, time."""
    name = said(f"set.{job.set}", lang, job.set)
    date = components.when(job.created)
    return say("score.job.label", lang, set=name, n=len(job.cells), date=date)


def opener(words: str, opened: str, label: str, inner: str = "", css: str = "lw-open") -> str:
    """A button that a `pressable` reports; `inner` is HTML in the place of the words."""
    return (
        f'<button type="button" class="{css}" data-open="{escape(opened)}" '
        f'aria-label="{escape(label)}">{inner or escape(words)}</button>'
    )


# -- how far


def progress_html(job: ScoreJob | None, waiting: int, lang: str) -> str:
    """How far a job is, cell by cell, and how long it will take; nothing once it has ended.
    `waiting` is the number of other jobs in line."""
    if job is None or not job.active:
        return ""
    done = say("score.job.total", lang, done=job.done, total=job.total)
    parts = (done, remaining(job.remaining, lang))
    out = components.progress(job.done, job.total, components.joined(parts, lang))
    if waiting:
        out += components.tag("p", say("score.job.waiting", lang, n=waiting), "lw-note")
    return out


def stopped_html(job: ScoreJob | None, lang: str) -> str:
    """What to do where a job ended before its cells did."""
    if job is None or job.state not in ("interrupted", "cancelled", "failed"):
        return ""
    return components.notice([say("score.job.interrupted", lang)], lang, "info")


# -- the table


def matrix_html(
    job: ScoreJob | None,
    figures: Figures,
    changed: bool,
    message: Callable[[str], str],
    lang: str,
) -> str:
    """Versions by law shown. `changed` marks a job whose set is another now; `message` tells
    why a cell failed."""
    if job is None:
        return components.empty(say("score.none", lang))
    adapters = sorted(dict.fromkeys(cell.adapter for cell in job.cells), key=lambda a: a != BASE)
    shown = [e for e in EVIDENCES if any(cell.evidence == e for cell in job.cells)]
    cells = {(cell.adapter, cell.evidence): cell for cell in job.cells}
    rows = [
        [
            components.tag("b", components.model_name(adapter, lang)),
            *(cell_html(cells.get((adapter, e)), figures, message, lang) for e in shown),
        ]
        for adapter in adapters
    ]
    headers = [say("score.col.model", lang), *(say(f"evidence.{e}.short", lang) for e in shown)]
    caption = job_label(job, lang)
    note = say("score.cell.changed" if changed else "score.job.hint", lang)
    css = "lw-badge" if changed else "lw-note"
    return (
        components.tag("p", caption, "lw-note")
        + components.table(headers, rows, caption)
        + components.tag("p", note, css)
    )


def cell_html(
    run: ScoreRun | None, figures: Figures, message: Callable[[str], str], lang: str
) -> str:
    """One cell: how far, how it ended, or its figure as a button."""
    if run is None:
        return '<span class="lw-note">–</span>'
    if run.state in ACTIVE:
        words = say("score.progress", lang, done=run.done, total=run.total)
        return components.progress(run.done, run.total, words) + state(run, lang)
    told = components.tag("span", message(run.id), "lw-note") if run.state == "failed" else ""
    if not run.done:
        return state(run, lang) + told
    found = figures(run.id)
    label = say("score.job.open", lang, name=cell_label(run, lang))
    ended = state(run, lang) if run.state != "done" else ""
    return opener("", run.id, label, accuracy_html(found, lang)) + ended + told


def accuracy_html(found: Mapping[str, Any] | None, lang: str) -> str:
    """The figure to quote with its interval, and on which questions it rests."""
    if found is None:
        return components.tag("span", say("score.cell.changed", lang), "lw-badge")
    head = found["headline"]
    if head["accuracy"] is None:
        return "–"
    figure = components.tag("b", components.percent(head["accuracy"], 1) + " %", "lw-accuracy")
    figure += components.tag("span", interval(head), "lw-note")
    if head["basis"] == "unseen":
        figure += components.tag("span", say("score.cell.unseen", lang, n=head["n"]), "lw-badge")
    elif head["basis"] == "all_seen":
        figure += components.tag("span", say("score.cell.all_seen", lang), "lw-badge")
    return figure


def interval(found: Mapping[str, Any]) -> str:
    """`31.0–54.5 %`; nothing where there is none."""
    if found["low"] is None:
        return ""
    return f"{components.percent(found['low'], 1)}–{components.percent(found['high'], 1)} %"


def state(run: ScoreRun, lang: str) -> str:
    """Where a score stands, as a badge."""
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
            _listed(r, figures, lang),
            state(r, lang),
            escape(components.when(r.created)),
        ]
        for r in runs
    ]
    names = ("set", "model", "evidence", "done", "accuracy", "state", "date")
    headers = [say(f"score.col.{n}", lang) for n in names]
    return components.table(headers, rows, say("score.all", lang), numeric=(3,))


def _listed(run: ScoreRun, figures: Figures, lang: str) -> str:
    if run.state in ACTIVE or not run.done:
        return ""
    label = say("score.job.open", lang, name=run_label(run, lang))
    return opener("", run.id, label, accuracy_html(figures(run.id), lang))


# -- every pair


def pairs_html(job: ScoreJob | None, pairs: Sequence[Mapping[str, Any]], lang: str) -> str:
    """Each pair of a job's cells with its difference and verdict; a press opens it."""
    if job is None or not pairs:
        return ""
    names = {cell.id: cell_label(cell, lang) for cell in job.cells}
    rows = [
        [
            escape(names[p["run_a"]]),
            escape(names[p["run_b"]]),
            _gap(p["unseen"] or p),
            _short_verdict(p, lang),
            opener(
                say("score.pairs.open", lang),
                f"{p['run_a']} {p['run_b']}",
                f"{say('score.pairs.open', lang)}: {names[p['run_a']]} / {names[p['run_b']]}",
            ),
        ]
        for p in pairs
    ]
    headers = ["A", "B", say("score.pairs.gap", lang), say("score.pairs.verdict", lang), ""]
    return components.tag("p", say("score.pairs.help", lang), "lw-note") + components.table(
        headers, rows, say("score.pairs", lang), numeric=(2,)
    )


def _gap(counts: Mapping[str, Any]) -> str:
    figures = [f"{100 * counts[k]:+.1f}" for k in ("difference", "low", "high")]
    return escape(f"{figures[0]} ({figures[1]}–{figures[2]})".replace("-", "−"))


def _short_verdict(pair: Mapping[str, Any], lang: str) -> str:
    key = {"a_better": "a", "b_better": "b"}.get(pair["verdict"], "none")
    words = components.tag("b", say(f"score.pairs.{key}", lang))
    if key == "none" and pair["more_needed"]:
        more = say("score.pairs.more", lang, n=f"{pair['more_needed']:,}")
        words += components.tag("span", more, "lw-note lw-block")
    return words
