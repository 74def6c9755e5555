"""Taking home: the reader's mark, one answer as text, the whole visit as a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from lawui.errors import message
from lawui.lab import Lab
from lawui.readers.visits import entry
from lawui.readers.visits.record import Entry, revealed
from lawui.readers.visits.text import to_text
from lawui.types import MARKS, Mark
from lawui.ui import components, files
from lawui.ui.ask_tab.controls import Controls
from lawui.ui.ask_tab.reason import Reason, Reasoning
from lawui.ui.ask_tab.state import Asked
from lawui.ui.page import Page
from lawui.ui.text import say

KINDS = {"html": "lawui_visit.html", "docx": "lawui_visit.docx"}


@dataclass(frozen=True)
class Noted:
    """The answer on the tab as the visit holds it: its number there."""

    number: int
    entry: Entry


@dataclass(frozen=True)
class Home:
    """The components. `visit` is the visit's name, kept in the browser; `noted` the answer
    at hand as it was kept."""

    mark: Any
    comment: Any
    put: Any
    copy: Any
    text: Any
    saves: dict[str, Any]
    clear: Any
    count: Any
    notice: Any
    visit: Any
    noted: Any


def build(page: Page) -> Home:
    """Put the card here."""
    demo = page.lab.settings.demo
    page.heading("home.title")
    with gr.Column(elem_classes="lw-plain", visible=not demo):
        mark = page.say(
            gr.Radio(value=None, elem_id="ask-mark", elem_classes="lw-segments"),
            label="home.mark",
            choices=lambda lang: [(message(f"marks.{m}", lang), m) for m in MARKS],
        )
        with gr.Row(elem_classes="lw-line"):
            box = gr.Textbox(lines=1, max_lines=4, scale=5, min_width=220, elem_id="ask-comment")
            comment = page.say(box, label="home.comment", placeholder="home.comment.hint")
            button = gr.Button(scale=1, min_width=120, elem_id="ask-put-mark")
            put = page.say(button, value="home.put")
    count = gr.HTML(elem_id="ask-visit")
    with gr.Row():
        copy, html, docx, clear = (
            page.say(
                gr.Button(size="sm", min_width=140, elem_id=f"ask-{name}"),
                value=f"home.{name}",
            )
            for name in ("copy", "html", "docx", "clear")
        )
    notice = page.notice(elem_id="ask-home-notice")
    text = page.say(gr.Textbox(elem_id="ask-copied", elem_classes="lw-gone"), label="home.copy")
    visit = gr.BrowserState("", storage_key="lawui.visit", secret="lawui.visit")
    saves = {"html": html, "docx": docx}
    return Home(
        *(mark, comment, put, copy, text, saves, clear, count, notice, visit, gr.State(None)),
    )


def made_entry(asked: Asked, shown: bool, letter: str | None) -> Entry:
    """An answer as a visit keeps it; with the official answer only where it was shown."""
    now = asked.now
    made = entry(
        *(asked.trial, now.answer),
        model=now.model,
        shown=now.passages,
        shortened=now.shortened,
        orders=now.orders,
        before=asked.before,
        hangs=asked.hangs,
        unsure=asked.unsure,
    )
    made = revealed(made, now.question.gold if shown else "")
    return {**made, "own": letter or ""}


def note(lab: Lab, visit: str, user: str, made: Entry) -> Noted:
    """Keep an answer in the visit. The very one that was kept last is not kept again: a
    reload asks it once more."""
    last = lab.visits.last(visit, user)
    if last is not None and _same(last[1], made):
        return Noted(*last)
    return Noted(lab.visits.add(visit, user, made), made)


def _same(one: Entry, other: Entry) -> bool:
    told = ("question", "answer", "passages", "changes")
    return all(one[k] == other[k] for k in told)


def count_html(lab: Lab, visit: str, user: str, lang: str) -> str:
    """How many answers the file would hold."""
    n = len(lab.visits.entries(visit, user)) if visit else 0
    words = say("home.count", lang, n=n) if n else say("home.none", lang)
    return components.tag("p", words, "lw-note")


def wire(page: Page, c: Controls, r: Reasoning, h: Home) -> None:
    """Note each answer, and what the reader does with it, in the visit."""
    lab, who = page.lab, [h.visit, page.user]

    def told(lang: str, key: str) -> str:
        return components.notice([say(key, lang)], lang, "info")

    def seen(
        lang: str, visit: str, user: str, asked: Asked | None, shown: bool, letter: str | None
    ) -> Any:
        if asked is None or not visit:
            return None, count_html(lab, visit, user, lang), None, ""
        noted = note(lab, visit, user, made_entry(asked, shown, letter))
        return noted, count_html(lab, visit, user, lang), *_marked(lab, user, asked)

    def amended(
        lang: str,
        visit: str,
        user: str,
        noted: Noted | None,
        asked: Asked | None,
        shown: bool,
        letter: str | None,
        reason: Reason,
    ) -> Any:
        if noted is None or asked is None:
            return None
        new = revealed(noted.entry, asked.now.question.gold if shown else "")
        new = {**new, "own": letter or "", "reason": [list(s) for s in reason] or None}
        if new == noted.entry:
            return None
        lab.visits.amend(visit, user, noted.number, new)
        return replace(noted, entry=new)

    def put(lang: str, visit: str, user: str, noted: Noted | None, *values: Any) -> Any:
        asked, mark, comment = values
        if asked is None or noted is None or not mark:
            return gr.skip(), told(lang, "home.mark.first")
        lab.mark(_mark(asked, user, mark, comment or ""))
        said = {x: message(f"marks.{mark}", x) for x in ("ja", "en")}
        new = {**noted.entry, "mark": {**said, "comment": (comment or "").strip()}}
        lab.visits.amend(visit, user, noted.number, new)
        return replace(noted, entry=new), told(lang, "home.marked")

    def copy(lang: str, noted: Noted | None) -> Any:
        if noted is None:
            return "", told(lang, "home.none")
        return to_text(noted.entry, lang), told(lang, "home.copied")

    def clear(lang: str, visit: str, user: str) -> Any:
        lab.visits.clear(visit, user)
        return None, count_html(lab, visit, user, lang), told(lang, "home.cleared")

    state = [*who, c.asked, c.revealed, c.asking.commit]
    page.on([c.asked.change], seen, state, [h.noted, h.count, h.mark, h.comment], h.notice)
    changes = [c.revealed.change, c.asking.commit.change, r.reason.change]
    inputs = [*who, h.noted, c.asked, c.revealed, c.asking.commit, r.reason]
    page.on(changes, amended, inputs, [h.noted], h.notice)
    marking = [*who, h.noted, c.asked, h.mark, h.comment]
    page.on([h.put.click], put, marking, [h.noted], h.notice)
    copied = page.on([h.copy.click], copy, [h.noted], [h.text], h.notice)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    copied.success(None, h.text, None, js="(text) => { if (text) lawuiCopy(text); }", **quiet)
    page.on([h.clear.click], clear, who, [h.noted, h.count], h.notice)
    for kind, button in h.saves.items():

        def save(lang: str, visit: str, user: str, kind: str = kind) -> Any:
            return files.offer(lab, KINDS[kind], lab.visits.export(visit, user, kind, lang))

        files.download(page, button, save, who, h.notice, f"visit-{kind}")
    page.view(lambda lang, visit, user: count_html(lab, visit, user, lang), who, [h.count])


def _mark(asked: Asked, user: str, mark: str, comment: str) -> Mark:
    question, answer = asked.trial.question, asked.now.answer
    return Mark(
        user=user,
        source=question.source,
        question=question.id,
        set=question.id.partition("-")[0],
        adapter=answer.adapter,
        evidence=answer.evidence,
        choice=answer.choice,
        gold=asked.now.question.gold,
        mark=mark,
        comment=comment,
    )


def _marked(lab: Lab, user: str, asked: Asked) -> tuple[str | None, str]:
    """The reader's own mark of this answer, and its comment."""
    answer = asked.now.answer
    for mark in lab.marks(asked.trial.question.source, user):
        if (mark.adapter, mark.evidence) == (answer.adapter, answer.evidence):
            return mark.mark, mark.comment
    return None, ""
