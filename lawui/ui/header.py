"""What stands above and below the tabs: what this is, who answers, and no legal advice."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from lawui.errors import LabError
from lawui.lab import Lab
from lawui.ui import components, glossary, offer, tour
from lawui.ui.page import Page
from lawui.ui.text import say


def build(page: Page) -> tour.Tour:
    """Title, one sentence, the model, the language switch, and the tour's button."""
    with gr.Row(elem_classes="lw-top"):
        page.say(gr.HTML(elem_classes="lw-title"), value=title_html)
        page.add_language_switch()
        shown = tour.build(page)
    about = gr.HTML(elem_id="about")
    page.view(lambda lang: about_html(page.lab, lang), [], [about])
    offer.build(page, about, lambda lang: about_html(page.lab, lang))
    return shown


def footer(page: Page) -> None:
    """Every term in plain words; what leaves this computer, if anything; the API's address."""
    with gr.Column(elem_classes="lw-card lw-foot"):
        glossary.explain(page, id="glossary")
    page.say(
        gr.HTML(elem_classes="lw-footer"), value=lambda lang: footer_html(lang, page.lab.server)
    )


def title_html(lang: str) -> str:
    """The name and the one sentence."""
    return (
        f"<h1>{escape(say('page.title', lang))}</h1>{components.tag('p', say('page.what', lang))}"
    )


def footer_html(lang: str, server: str = "") -> str:
    """Where what is typed goes: to `server`, or nowhere."""
    stays = say("page.footer_server", lang, server=server) if server else say("page.footer", lang)
    return (
        f"{components.tag('p', stays)}"
        f'<p><a href="class/teach?lang={lang}" target="_blank">'
        f"{escape(say('class.link', lang))}</a></p>"
        f'<p><a href="?view=api" target="_blank">{escape(say("page.api", lang))}</a></p>'
    )


def about_html(lab: Lab, lang: str) -> str:
    """Which model answers now and why, its licence, that it gives no legal advice, and
    what needs attention."""
    try:
        model = model_html(lab.choice, lang)
    except LabError as error:
        model = components.notice([error.text(lang)], lang)
    notes = [say("page.read_only", lang)] if lab.settings.demo else []
    notes += [notice.text(lang) for notice in lab.notices]
    advice = [say("page.no_advice", lang)]
    if lab.data_dir is None:
        advice.append(say("page.sample_data", lang))
    between = "" if lang == "ja" else " "
    return (
        f"{model}{components.tag('p', between.join(advice), 'lw-advice')}"
        f"{components.notice(notes, lang, 'info')}{problems_html(lab.problems, lang)}"
    )


def model_html(choice: Any, lang: str) -> str:
    """Name, reason and licence of the model that answers."""
    name = components.tag("b", choice.name)
    if choice.embedded:
        words = say("page.demo_model", lang)
        name += components.tag("span", f"（{words}）" if lang == "ja" else f" ({words})")
    rows = [
        (say("page.answers_now", lang), name),
        (say("page.why", lang), escape(choice.why(lang))),
        (say("page.licence", lang), escape(choice.licence)),
    ]
    if choice.server:
        rows.insert(1, (say("page.sent_to", lang), components.tag("b", choice.server)))
    body = "".join(f"<div>{components.tag('dt', k)}<dd>{v}</dd></div>" for k, v in rows)
    return f'<dl class="lw-about">{body}</dl>'


def problems_html(errors: Sequence[LabError], lang: str) -> str:
    """What went wrong while the lab warmed up, in words."""
    if not errors:
        return ""
    rows = "".join(components.tag("li", error.text(lang)) for error in errors)
    title = components.tag("strong", say("page.problems", lang))
    return f'<div class="lw-notice lw-trouble" role="alert">{title}<ul>{rows}</ul></div>'
