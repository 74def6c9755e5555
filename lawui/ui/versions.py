"""The lists of what may answer and of what law it is shown: the same on every tab."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lawui.lab import Lab
from lawui.types import BASE, EVIDENCES
from lawui.ui.page import Page, follow, relist
from lawui.ui.text import say


def adapter_choices(lab: Lab, lang: str) -> list[tuple[str, str]]:
    """The base and every sound adapter, in words."""
    sound = [(a.name, a.name) for a in lab.adapters() if not a.fault]
    return [(say("word.base", lang), BASE), *sound]


def adapter_update(lab: Lab, lang: str, value: Any) -> Any:
    """The list as it is now, without a chosen version that is gone or was found unsound:
    Gradio refuses, in its own words, a value that is not in its list."""
    choices = adapter_choices(lab, lang)
    keys = [key for _, key in choices]
    if isinstance(value, list):
        return relist(choices, value, [v for v in value if v in keys])
    return relist(choices, value, value if value in keys else BASE)


def evidence_choices(lang: str) -> list[tuple[str, str]]:
    return [(say(f"evidence.{e}", lang), e) for e in EVIDENCES]


def follow_adapters(page: Page, tab: gr.Tab, box: Any) -> None:
    """Keep the versions in `box` as they are, whenever `tab` is opened."""
    lab = page.lab

    def draw(lang: str, _: str, value: Any) -> Any:
        return adapter_update(lab, lang, value)

    def keys_now(lang: str, _: str) -> list[str]:
        return [key for _, key in adapter_choices(lab, lang)]

    follow(page, tab, box, draw, keys_now)
