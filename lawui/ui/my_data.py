"""At the foot of the page: how long what is kept, and one way to have all of it deleted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gradio as gr

from lawui.keeping import Kept
from lawui.lab import Lab
from lawui.ui import access, components, confirming
from lawui.ui.page import Page
from lawui.ui.text import say


def build(page: Page) -> None:
    """Put the panel here and wire it. A demo deletes nothing on demand: its visitors are
    one, and another's visit would go too."""
    lab = page.lab
    with page.say(gr.Accordion(open=False, elem_id="mine"), label="mine.title"):
        page.say(gr.HTML(), value=lambda lang: how_long_html(lab, lang))
        if lab.settings.demo:
            return
        ask = page.say(gr.Button(size="sm", elem_id="mine-ask"), value="mine.ask")
        notice = page.notice(elem_id="mine-notice")
        sure = confirming.build(page, "mine", "mine.yes", "mine.no")
    confirmed = gr.State(0)

    def count(lang: str) -> Any:
        kept = lab.kept(access.reader())
        if not kept.total:
            return 0, confirming.HIDDEN, _told(say("mine.nothing", lang), lang, "info")
        words = say("mine.sure", lang, what=what(kept, lang))
        return kept.total, confirming.SHOWN, _told(words, lang, "trouble")

    def delete(lang: str, total: int) -> Any:
        gone = lab.forget(access.reader(), total)
        words = say("mine.done", lang, what=what(gone, lang))
        return confirming.HIDDEN, _told(words, lang, "info")

    page.on([ask.click], count, [], [confirmed, sure.row], notice)
    page.on([sure.yes.click], delete, [confirmed], [sure.row], notice)
    confirming.wire_back(page, sure, notice)


def how_long_html(lab: Lab, lang: str) -> str:
    """How long what is kept, and, where nobody logs in, that it is everybody's."""
    if lab.settings.demo:
        return components.tag("p", say("mine.demo", lang), "lw-note")
    days = lab.keep_days
    kept = say("mine.how_long", lang, days=days) if days else say("mine.for_good", lang)
    lines = [kept] if lab.people.log_in else [kept, say("mine.shared", lang)]
    return "".join(components.tag("p", line, "lw-note") for line in lines)


def what(kept: Kept, lang: str) -> str:
    """How much there is of each thing, in words; nothing of what there is none of."""
    named = [say(f"mine.{name}", lang, n=n) for name, n in asdict(kept).items() if n]
    return ("、" if lang == "ja" else ", ").join(named)


def _told(words: str, lang: str, kind: str) -> str:
    return components.notice([words], lang, kind)
