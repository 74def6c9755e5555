"""Questions of one's own: written or pasted, kept in a list, taken along as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from lawui.asking import pasted
from lawui.lab import Lab
from lawui.types import LETTERS, Question
from lawui.ui import components, files
from lawui.ui.page import Page
from lawui.ui.picker import Picker, set_choices
from lawui.ui.text import say

NEW = ""
"""The key of a question that is not kept yet."""

_LABEL = 40


@dataclass(frozen=True)
class Own:
    """The components of the panel."""

    kept: Any
    paste: Any
    split: Any
    stem: Any
    choices: tuple[Any, ...]
    gold: Any
    save: Any
    remove: Any
    export: Any
    bring: Any
    notice: Any

    @property
    def parts(self) -> list[Any]:
        """What a question is written in."""
        return [self.stem, *self.choices, self.gold]


def build(page: Page) -> Own:
    """Put the panel's components here."""
    usable = not page.lab.settings.demo
    page.heading("ask.own.help", "p", "lw-note")
    kept = page.dropdown(
        "own.kept", lambda lang: kept_choices((), lang), NEW, elem_id="own-kept", visible=usable
    )
    with page.say(gr.Accordion(open=False, elem_id="own-pasting"), label="own.paste.title"):
        paste = page.say(
            gr.Textbox(lines=6, max_lines=14, max_length=20_000, elem_id="own-paste"),
            label="own.paste",
            placeholder="own.paste.hint",
        )
        split = page.say(gr.Button(size="sm", elem_id="own-split"), value="own.split")
    stem = page.say(
        gr.Textbox(lines=3, max_length=4000, elem_id="ask-stem", elem_classes="lw-serif"),
        label="ask.own.stem",
        placeholder="ask.own.stem.hint",
    )
    choices = tuple(_choice_box(page, letter) for letter in LETTERS)
    gold = page.dropdown("own.gold", gold_choices, NEW, elem_id="own-gold")
    notice = page.notice(elem_id="own-notice")
    with gr.Row(visible=usable):
        save, remove, export = (
            page.say(
                gr.Button(size="sm", min_width=120, elem_id=f"own-{name}"), value=f"own.{name}"
            )
            for name in ("save", "remove", "export")
        )
        bring = page.say(
            gr.UploadButton(
                size="sm", min_width=120, file_types=[".json", ".jsonl"], elem_id="own-bring"
            ),
            label="own.bring",
        )
    return Own(kept, paste, split, stem, choices, gold, save, remove, export, bring, notice)


def _choice_box(page: Page, letter: str) -> Any:
    return page.say(
        gr.Textbox(
            lines=1, max_length=2000, elem_id=f"ask-choice-{letter}", elem_classes="lw-serif"
        ),
        label=lambda lang: say("ask.own.choice", lang, letter=letter),
    )


def gold_choices(lang: str) -> list[tuple[str, str]]:
    """The official answers that a reader may give, or none."""
    letters = [(say("ask.own.choice", lang, letter=x), str(x)) for x in LETTERS]
    return [(say("own.gold.none", lang), NEW), *letters]


def kept_choices(questions: Sequence[Question], lang: str) -> list[tuple[str, str]]:
    """A new question, then each that is kept."""
    listed = [(_label(q), q.id) for q in questions]
    return [(say("own.new", lang), NEW), *listed]


def _label(question: Question) -> str:
    stem = " ".join(question.stem.split())
    short = stem if len(stem) <= _LABEL else stem[:_LABEL] + "…"
    return f"{int(question.id.rpartition('-')[2])}　{short}"


def kept_update(lab: Lab, user: str, chosen: str, lang: str) -> Any:
    """The list as it is now, with `chosen` chosen where it is in it."""
    questions = lab.own.all(user)
    value = chosen if chosen in {q.id for q in questions} else NEW
    return gr.update(choices=kept_choices(questions, lang), value=value)


def wire(page: Page, o: Own, picker: Picker) -> None:
    """Keep, change, delete, bring and take along; every list follows."""
    lab = page.lab

    def told(lang: str, key: str, kind: str = "info", **params: object) -> str:
        return components.notice([say(key, lang, **params)], lang, kind)

    def lists(lang: str, user: str, chosen: str) -> tuple[Any, Any]:
        sets = gr.update(choices=set_choices(lab, lang, user))
        return kept_update(lab, user, chosen, lang), sets

    def cut(lang: str, text: str) -> Any:
        draft = pasted.split(text or "")
        key = "own.split.done" if draft.whole else "own.split.part"
        if not draft.stem:
            return (*(gr.skip() for _ in o.parts), told(lang, "own.split.empty"))
        return (draft.stem, *draft.choices, draft.gold, told(lang, key))

    def load(lang: str, user: str, qid: str) -> Any:
        if not qid:
            return ("", "", "", "", "", NEW)
        question = lab.own.question(qid, user)
        return (question.stem, *question.choices, question.gold)

    def save(lang: str, user: str, qid: str, *parts: str) -> Any:
        stem, *four, gold = (part or "" for part in parts)
        if qid:
            question = lab.own.change(user, qid, stem, four, gold)
        else:
            question = lab.own.add(user, stem, four, gold)
        return (*lists(lang, user, question.id), told(lang, "own.saved"))

    def remove(lang: str, user: str, qid: str) -> Any:
        if not qid:
            return (gr.skip(), gr.skip(), told(lang, "own.none_chosen"))
        lab.own.remove(user, qid)
        return (*lists(lang, user, NEW), told(lang, "own.removed"))

    def bring(lang: str, user: str, path: str) -> Any:
        n = lab.own.bring(user, Path(path))
        return (*lists(lang, user, NEW), told(lang, "own.brought", n=n))

    def export(lang: str, user: str) -> Any:
        if not lab.own.all(user):
            return gr.skip(), told(lang, "own.nothing")
        return files.offer(lab, "own_questions.json", lab.own.export(user))

    both = [o.kept, picker.set]
    page.on([o.split.click], cut, [o.paste], o.parts, o.notice)
    page.on_choice(o.kept, load, [page.user, o.kept], o.parts, notice=o.notice)
    page.on([o.save.click], save, [page.user, o.kept, *o.parts], both, o.notice)
    page.on([o.remove.click], remove, [page.user, o.kept], both, o.notice)
    page.on([o.bring.upload], bring, [page.user, o.bring], both, o.notice)
    files.download(page, o.export, export, [page.user], o.notice, "own-file")

    def redraw(lang: str, user: str, chosen: str) -> Any:
        return kept_update(lab, user, chosen, lang)

    page.view(redraw, [page.user, o.kept], [o.kept])
