"""The reason on demand: the model's own words, beside the cited passages and never for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from lawui.asking.support import sentences
from lawui.errors import LabError
from lawui.lab import Lab
from lawui.ui import components
from lawui.ui.ask_tab.controls import Controls
from lawui.ui.ask_tab.state import Asked
from lawui.ui.page import Page
from lawui.ui.text import say

Reason = tuple[tuple[str, bool], ...]
"""Sentences, each with whether a passage supports it."""


@dataclass(frozen=True)
class Reasoning:
    """The components; `reason` holds the finished text of the answer on the tab."""

    write: Any
    text: Any
    reason: Any
    notice: Any


def cannot_write(lab: Lab) -> bool:
    """Whether the model at hand writes no text at all."""
    try:
        return lab.choice.embedded
    except LabError:  # the head of the page says what is wrong with it
        return True


def help_html(lab: Lab, lang: str) -> str:
    """What the button does, or why it does nothing with this model."""
    key = "reason.cannot" if cannot_write(lab) else "reason.help"
    return components.tag("p", say(key, lang), "lw-note")


def reason_html(reason: Sequence[tuple[str, bool]], lang: str, done: bool = True) -> str:
    """The text with its badge; sentences without support are marked once it is finished."""
    if not reason:
        return ""
    badge = components.tag("span", say("reason.badge", lang), "lw-badge")
    body = "".join(_sentence(text, fine or not done, lang) for text, fine in reason)
    loose = done and not all(fine for _, fine in reason)
    foot = components.tag("p", say("reason.marked", lang), "lw-note") if loose else ""
    busy = "" if done else ' aria-busy="true"'
    return (
        f'<section class="lw-reason" aria-live="polite"{busy}>{badge}'
        f'<p lang="ja">{body}</p>{foot}</section>'
    )


def _sentence(text: str, fine: bool, lang: str) -> str:
    shown = escape(text).replace("\n", "<br>")
    if fine:
        return shown
    hint = escape(say("reason.unsupported", lang))
    return f'<span class="lw-unsupported" title="{hint}">{shown}<small>〔{hint}〕</small></span>'


def build(page: Page) -> Reasoning:
    """Put the card here."""
    lab = page.lab
    page.heading("reason.title")
    page.say(gr.HTML(), value=lambda lang: help_html(lab, lang))
    button = gr.Button(size="sm", scale=0, interactive=not cannot_write(lab), elem_id="ask-explain")
    write = page.say(button, value="reason.write")
    notice = page.notice(elem_id="ask-reason-notice")
    text = gr.HTML(elem_id="ask-reason")
    return Reasoning(write, text, gr.State(()), notice)


def wire(page: Page, c: Controls, r: Reasoning) -> None:
    """Stream the text; another answer takes it away."""
    lab = page.lab

    def write(lang: str, asked: Asked | None) -> Iterator[Any]:
        if asked is None:
            yield "", (), components.notice([say("reason.first", lang)], lang, "info")
            return
        text = ""
        for text in lab.explain(asked.now):
            yield reason_html([(text, True)], lang, done=False), (), gr.skip()
        reason = tuple(sentences(text, asked.now.passages))
        yield reason_html(reason, lang), reason, ""

    page.stream([r.write.click], write, [c.asked], [r.text, r.reason], r.notice, "reason.busy")
    page.on([c.asked.change], lambda lang: ("", ()), [], [r.text, r.reason])
    page.view(lambda lang, reason: reason_html(reason, lang), [r.reason], [r.text])
