"""What the tab shows of the scores: one function for pulse, opening and every button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Any

import gradio as gr

from lawui.errors import LabError
from lawui.lab import Lab
from lawui.types import ScoreJob, ScoreRun
from lawui.ui import components
from lawui.ui.page import beat, relist
from lawui.ui.score_tab import detail, items, matrix
from lawui.ui.text import say

AGE = 0.5
"""Seconds that the list may be old which a pulse draws: many pages look at once."""

LISTED = 60
"""Scores in the lists, newest first; older ones stay on disk and in the API."""


@dataclass(frozen=True)
class Seen:
    """What one browser has been shown: a digest of the list, one of the chosen score. `told`
    is the matrix and the score that it was told to show: a pulse that set out before that
    names the former ones."""

    listed: str = ""
    chosen: str = ""
    told: tuple[str | None, str | None] | None = None


@dataclass(frozen=True)
class View:
    """What a reader has chosen to see: a matrix, a score in full with the items of a filter
    from a row on, and two scores to compare."""

    job: str | None = None
    run: str | None = None
    only: str = "all"
    start: int = 0
    a: str | None = None
    b: str | None = None


@dataclass(frozen=True)
class Shown:
    """The components that show the scores; redrawn as one by `watch`."""

    job: Any
    run: Any
    only: Any
    start: Any
    a: Any
    b: Any
    seen: Any
    progress: Any
    stopped: Any
    matrix: Any
    plot: Any
    pairs: Any
    listing: Any
    pulse: Any
    summary: Any
    plots: Any
    by: Any
    items: Any

    @property
    def asked(self) -> list[Any]:
        """The inputs that make a View."""
        return [self.job, self.run, self.only, self.start, self.a, self.b]

    @property
    def drawn(self) -> list[Any]:
        """Every component but the filter, in the order in which `watch` gives its values."""
        return [getattr(self, f.name) for f in fields(self) if f.name != "only"]

    @property
    def detailed(self) -> list[Any]:
        """Those of a single score."""
        return [self.start, self.summary, self.plots, self.by, self.items]


def figures_of(lab: Lab) -> matrix.Figures:
    """Summaries, without what other scores add to them; None where a score's set is gone."""

    def of(run_id: str) -> Mapping[str, Any] | None:
        try:
            return lab.score_summary(run_id, seeds=False)
        except LabError:
            return None

    return of


def watch(lab: Lab, lang: str, view: View, seen: Seen | None = None) -> list[Any] | None:
    """The values of `Shown.drawn`, or None where nothing has changed since `seen`."""
    told = seen.told if seen and seen.told != (view.job, view.run) else None
    if told:
        view = replace(view, job=told[0], run=told[1])
    jobs = lab.score_jobs(AGE if seen else 0.0)
    runs = sorted(
        (cell for job in jobs for cell in job.cells), key=lambda r: (r.created, r.id), reverse=True
    )[:LISTED]
    job = next((j for j in jobs if j.id == view.job), jobs[0] if jobs else None)
    chosen = _chosen(view, job, runs)
    digest = repr((lang, job and job.id, [(r.id, r.done, r.state) for r in runs]))
    of_one = repr(
        (lang, view.only, view.start, chosen and (chosen.id, chosen.state, _told(chosen)))
    )
    if seen and (seen.listed, seen.chosen) == (digest, of_one):
        return None
    if seen is None:
        told = job.id if job else None, chosen.id if chosen else None
    drawn: dict[str, Any] = {
        "seen": Seen(digest, of_one, told),
        **_choices(jobs, runs, job, chosen, view, lang),
        **_table(lab, jobs, job, runs, lang),
        "pulse": beat(any(j.active for j in jobs)),
    }
    same = seen is not None and seen.chosen == of_one
    drawn |= dict.fromkeys(_DETAIL, gr.skip()) if same else one(lab, chosen, view, lang)
    return [drawn[f.name] for f in fields(Shown) if f.name != "only"]


_DETAIL = ("start", "summary", "plots", "by", "items")


def _told(run: ScoreRun) -> int:
    """A score at work is drawn once it has ended, not at every batch."""
    return 0 if run.state in matrix.ACTIVE else run.done


def _chosen(view: View, job: ScoreJob | None, runs: Sequence[ScoreRun]) -> ScoreRun | None:
    """The score to look at: the chosen one, else the first of the matrix."""
    known = next((r for r in runs if r.id == view.run), None)
    return known or (job.cells[0] if job else None)


def _choices(
    jobs: Sequence[ScoreJob],
    runs: Sequence[ScoreRun],
    job: ScoreJob | None,
    chosen: ScoreRun | None,
    view: View,
    lang: str,
) -> dict[str, Any]:
    """The lists; a chosen one that is no longer listed is chosen no more."""
    listed = list({r.id: r for r in [*runs, *(job.cells if job else ())]}.values())
    labels = [(matrix.run_label(r, lang), r.id) for r in listed]
    ids = {r.id for r in listed}
    tables = [(matrix.job_label(j, lang), j.id) for j in jobs[:LISTED]]
    if job and job.id not in {key for _, key in tables}:
        tables.append((matrix.job_label(job, lang), job.id))
    return {
        "job": relist(tables, view.job, job.id if job else None),
        "run": relist(labels, view.run, chosen.id if chosen else None),
        "a": relist(labels, view.a, view.a if view.a in ids else None),
        "b": relist(labels, view.b, view.b if view.b in ids else None),
    }


def _table(
    lab: Lab,
    jobs: Sequence[ScoreJob],
    job: ScoreJob | None,
    runs: Sequence[ScoreRun],
    lang: str,
) -> dict[str, Any]:
    """The matrix, how far it is, and every pair once it has ended."""
    figures = figures_of(lab)
    others = sum(j.active for j in jobs if job and j.id != job.id)
    changed = bool(job) and lab.score_changed(job.cells[0])  # type: ignore[union-attr]
    ended = job is not None and not job.active
    pairs: list[dict[str, Any]] = []
    if ended and job is not None and not changed:
        with suppress(LabError):
            pairs = lab.compare_job(job.id)
    plot = lab.score_job_plot(job.id, lang) if ended and job is not None and job.done else ""

    def message(run_id: str) -> str:
        return lab.score_message(run_id, lang)

    return {
        "progress": matrix.progress_html(job, others, lang),
        "stopped": matrix.stopped_html(job, lang),
        "matrix": matrix.matrix_html(job, figures, changed, message, lang),
        "plot": detail.plots_html({"accuracy": plot}, lang),
        "pairs": matrix.pairs_html(job, pairs, lang),
        "listing": matrix.listing_html(runs, figures, lang),
    }


def one(lab: Lab, run: ScoreRun | None, view: View, lang: str) -> dict[str, Any]:
    """The chosen score in full: the values of `Shown.detailed` by name."""
    if run is None or run.state in matrix.ACTIVE or not run.done:
        words = (lab.score_message(run.id, lang) if run else "") or say("score.none", lang)
        if run and run.state in matrix.ACTIVE:
            words = say("score.starting", lang)
        return {"start": 0, "summary": components.empty(words), "plots": "", "by": "", "items": ""}
    marked = {mark.source for mark in lab.marks()}
    rows = items.kept(lab.score_table(run.id), view.only, marked)
    start = items.page_of(rows, view.start)
    return {
        "start": start,
        "summary": detail.summary_html(lab.score_summary(run.id), run, lang),
        "plots": detail.plots_html(lab.score_plots(run.id, lang), lang),
        "by": detail.provenance_html(run, lab.score_model(run.id), lang),
        "items": items.items_html(rows, start, marked, lang),
    }
