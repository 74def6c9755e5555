"""Help beside the words: each term of the page in one plain sentence, both languages.

A card whose words are not everyday ones ends its head with `explain(page, …)`: closed,
it names the terms; opened, it says what they mean. The foot of the page holds them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from lawui.ui import components
from lawui.ui.glossary_text import TEXT as WORDS
from lawui.ui.page import Page
from lawui.ui.text import say

TERMS = tuple(key.split(".")[1] for key in WORDS if key.endswith(".is"))
"""Every term, in the order in which a newcomer meets them."""


def explain(page: Page, *terms: str, id: str = "") -> Any:
    """Put the explanation of `terms` (of all, where none is named) here."""
    named = terms or TERMS
    html = gr.HTML(elem_classes="lw-help", elem_id=id or None)
    return page.say(html, value=lambda lang: help_html(named, lang, whole=not terms))


def help_html(terms: Sequence[str], lang: str, whole: bool = False) -> str:
    """A closed list of `terms` with their meaning; `whole` is the glossary itself."""
    between = "、" if lang == "ja" else ", "
    names = between.join(say(f"term.{term}", lang) for term in terms)
    title = say("help.glossary", lang) if whole else say("help.words", lang, terms=names)
    rows = "".join(
        f"<div>{components.tag('dt', say(f'term.{term}', lang))}"
        f"{components.tag('dd', say(f'term.{term}.is', lang))}</div>"
        for term in terms
    )
    return (
        f'<details class="lw-more lw-terms"><summary>{escape(title)}</summary>'
        f"<dl>{rows}</dl></details>"
    )
