"""Deleting the chosen matrix with its scores, after asking once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from lawui.ui import components, confirming
from lawui.ui.confirming import Sure
from lawui.ui.page import Page
from lawui.ui.score_tab.watching import Shown, View
from lawui.ui.text import say


def build(page: Page) -> tuple[Any, Sure]:
    """Put the button and its question here. A demo deletes nothing."""
    usable = not page.lab.settings.demo
    ask = gr.Button(size="sm", elem_id="score-remove", visible=usable)
    page.say(ask, value="score.remove")
    return ask, confirming.build(page, "score-remove", "score.remove.yes", "score.remove.no")


def wire(
    page: Page,
    built: tuple[Any, Sure],
    shown: Shown,
    draw: Callable[[str, View], list[Any]],
    notice: Any,
) -> None:
    """Wire what `build` gave; `draw` gives the values of `shown.drawn` for a view."""
    lab, (button, sure) = page.lab, built

    def told(lang: str, key: str, kind: str, **params: object) -> str:
        return components.notice([say(key, lang, **params)], lang, kind)

    def ask(lang: str, job: str | None) -> Any:
        if not job:
            return confirming.HIDDEN, told(lang, "score.none", "trouble")
        n = len(lab.score_job(job).cells)
        return confirming.SHOWN, told(lang, "score.remove.sure", "trouble", n=n)

    def remove(lang: str, *view: Any) -> Any:
        lab.score_job_remove(View(*view).job or "")
        return (*draw(lang, View()), confirming.HIDDEN, told(lang, "score.removed", "info"))

    page.on([button.click], ask, [shown.job], [sure.row], notice)
    page.on([sure.yes.click], remove, shown.asked, [*shown.drawn, sure.row], notice)
    confirming.wire_back(page, sure, notice, [shown.job.input])
