"""What stands above and below the tabs: what this is, who answers, and no legal advice."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from lawui.errors import LabError
from lawui.ui import components
from lawui.ui.page import Page
from lawui.ui.text import say


def build(page: Page) -> None:
    """Title, one sentence, the model, and the language switch."""
    with gr.Row(elem_classes="lw-top"):
        page.say(gr.HTML(elem_classes="lw-title"), value=title_html)
        page.add_language_switch()
    about = gr.HTML(elem_id="about")
    page.view(lambda lang: about_html(page, lang), [], [about])


def footer(page: Page) -> None:
    """Nothing leaves this computer; the address of the API."""
    page.say(gr.HTML(elem_classes="lw-footer"), value=footer_html)


def title_html(lang: str) -> str:
    """The name and the one sentence."""
    return (
        f"<h1>{escape(say('page.title', lang))}</h1>{components.tag('p', say('page.what', lang))}"
    )


def footer_html(lang: str) -> str:
    return (
        f"{components.tag('p', say('page.footer', lang))}"
        f'<p><a href="?view=api" target="_blank">{escape(say("page.api", lang))}</a></p>'
    )


def about_html(page: Page, lang: str) -> str:
    """Which model answers now and why, its licence, that it gives no legal advice, and
    what needs attention."""
    lab = page.lab
    choice = lab.choice
    name = components.tag("b", choice.name)
    if choice.embedded:
        name += (
            f"<span>（{escape(say('page.demo_model', lang))}）</span>"
            if lang == "ja"
            else (f"<span> ({escape(say('page.demo_model', lang))})</span>")
        )
    rows = [
        (say("page.answers_now", lang), name),
        (say("page.why", lang), escape(choice.why(lang))),
        (say("page.licence", lang), escape(choice.licence)),
    ]
    body = "".join(f"<div>{components.tag('dt', k)}<dd>{v}</dd></div>" for k, v in rows)
    notes = [say("page.read_only", lang)] if lab.settings.demo else []
    return (
        f'<dl class="lw-about">{body}</dl>'
        f"{components.tag('p', say('page.no_advice', lang), 'lw-advice')}"
        f"{components.notice(notes, lang, 'info')}"
        f"{components.notice(problems(lab.problems, lang), lang)}"
    )


def problems(errors: Any, lang: str) -> list[str]:
    """What went wrong while the lab warmed up, in words."""
    return [error.text(lang) for error in errors if isinstance(error, LabError)]
