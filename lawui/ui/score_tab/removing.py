"""Deleting the chosen matrix with its scores, after asking once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lawui.ui import components
from lawui.ui.page import Page
from lawui.ui.score_tab.watching import Shown, View
from lawui.ui.text import say


@dataclass(frozen=True)
class Removing:
    """The components."""

    ask: Any
    sure: Any
    yes: Any
    no: Any


def build(page: Page) -> Removing:
    """Put the buttons here. A demo deletes nothing."""
    usable = not page.lab.settings.demo
    ask = gr.Button(size="sm", elem_id="score-remove", visible=usable)
    page.say(ask, value="score.remove")
    with gr.Row(visible=False, elem_id="score-remove-sure") as sure:
        yes = gr.Button(size="sm", variant="stop", elem_id="score-remove-yes")
        no = gr.Button(size="sm", elem_id="score-remove-no")
        page.say(yes, value="score.remove.yes")
        page.say(no, value="score.remove.no")
    return Removing(ask, sure, yes, no)


def wire(
    page: Page, r: Removing, shown: Shown, draw: Callable[[str, View], list[Any]], notice: Any
) -> None:
    """`draw` gives the values of `shown.drawn` for a view."""
    lab, hidden = page.lab, gr.update(visible=False)

    def told(lang: str, key: str, kind: str, **params: object) -> str:
        return components.notice([say(key, lang, **params)], lang, kind)

    def ask(lang: str, job: str | None) -> Any:
        if not job:
            return hidden, told(lang, "score.none", "trouble")
        n = len(lab.score_job(job).cells)
        return gr.update(visible=True), told(lang, "score.remove.sure", "trouble", n=n)

    def remove(lang: str, *view: Any) -> Any:
        lab.score_job_remove(View(*view).job or "")
        return (*draw(lang, View()), hidden, told(lang, "score.removed", "info"))

    page.on([r.ask.click], ask, [shown.job], [r.sure], notice)
    page.on([r.yes.click], remove, shown.asked, [*shown.drawn, r.sure], notice)
    page.on([r.no.click, shown.job.input], lambda *_: (hidden, ""), [], [r.sure], notice)
