"""A real model on offer while the one that ships answers: size, licence, progress."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from lawui.bases import OFFERED, BaseJob
from lawui.errors import LabError, message
from lawui.lab import Lab
from lawui.ui import components
from lawui.ui.page import Page, sentences
from lawui.ui.text import remaining, say

LOOKS = 2.0
"""Seconds between two looks at a download."""


def shown(lab: Lab) -> bool:
    """Whether there is something to offer: the model that ships answers."""
    try:
        return lab.choice.embedded
    except LabError:  # the head of the page says what is wrong
        return True


def size(n: int) -> str:
    """Bytes as gigabytes with one digit."""
    return f"{n / 1e9:.1f}"


def choices(lang: str) -> list[tuple[str, str]]:
    """The models by name and size; their hub ids."""
    return [(say("offer.choice", lang, name=b.id, size=size(b.bytes)), b.id) for b in OFFERED]


def offer_html(lab: Lab, lang: str) -> str:
    """What can be fetched, under which licence; or why nothing can."""
    rows = []
    for base in OFFERED:
        key = base.id.rpartition("/")[2].replace(".", "_")
        licence = say(f"offer.licence.{key}", lang)
        cells = (base.id, say("offer.size", lang, size=size(base.bytes)), licence)
        rows.append([escape(cell) for cell in cells])
    heads = [say(f"offer.col.{name}", lang) for name in ("model", "size", "licence")]
    between = "" if lang == "ja" else " "
    words = between.join((say("offer.help", lang), say("offer.gpu", lang)))
    refusal = lab.bases.refusal
    told = components.notice([message(refusal, lang)], lang, "info") if refusal else ""
    table = components.table(heads, rows, say("offer.title", lang))
    return components.tag("p", words, "lw-note") + table + told


def job_html(job: BaseJob, lang: str) -> str:
    """How far a download is, or how it ended."""
    if job.state == "running":
        done, total = (f"{n / 1e6:,.0f}" for n in (job.done, job.total))
        words = say("offer.progress", lang, model=job.model, done=done, total=total)
        words = components.joined((words, remaining(job.left, lang)), lang)
        return components.progress(job.done, job.total, words)
    if job.state == "failed" and job.error is not None:
        return components.notice(sentences(job.error, lang), lang)
    if job.state == "done":
        return components.notice([say("offer.done", lang, model=job.model)], lang, "info")
    return ""


def build(page: Page, about: Any, about_html: Callable[[str], str]) -> None:
    """Put the offer here, closed. `about` says which model answers and is drawn anew once
    another does."""
    lab = page.lab
    panel = gr.Accordion(open=False, visible=shown(lab), elem_id="offer")
    with page.say(panel, label="offer.title"), gr.Column(elem_classes="lw-card"):
        page.say(gr.HTML(elem_id="offer-models"), value=lambda lang: offer_html(lab, lang))
        with gr.Column(elem_classes="lw-plain", visible=not lab.bases.refusal):
            model = page.say(
                gr.Radio(value=OFFERED[0].id, elem_id="offer-model"),
                label="offer.model",
                choices=choices,
            )
            button = gr.Button(variant="primary", elem_id="offer-start")
            start = page.say(button, value="offer.start")
        notice = page.notice(elem_id="offer-notice")
    progress = gr.HTML(elem_id="offer-progress", elem_classes="lw-notices")
    timer = gr.Timer(LOOKS, active=False)

    def draw(lang: str) -> tuple[Any, ...]:
        job = lab.bases.job
        running = gr.update(active=job.state == "running")
        return job_html(job, lang), running, about_html(lang), gr.update(visible=shown(lab))

    def begin(lang: str, wanted: str) -> Any:
        lab.bases.start(wanted)
        return draw(lang)

    def opened(lang: str) -> Any:
        # How a download ended is told to who saw it going on, and to nobody else.
        told, *rest = draw(lang)
        return told if lab.bases.job.state == "running" else "", *rest

    drawn = [progress, timer, about, panel]
    page.on([start.click], begin, [model], drawn, notice)
    page.on([timer.tick], draw, [], drawn)
    page.view(opened, [], drawn)
