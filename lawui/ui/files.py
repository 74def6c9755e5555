"""Files to be taken home, by one press."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lawui.lab import Lab
from lawui.ui.page import Page


def offer(lab: Lab, name: str, content: str | bytes) -> str:
    """Write `content` as the file `name`, to be downloaded; returns its path."""
    return str(lab.offered.write(lab.people.user, name, content))


def download(page: Page, button: Any, make: Any, inputs: list[Any], notice: Any, name: str) -> Any:
    """One press of `button`: `make(lang, *inputs)` gives a path, and the browser saves it.
    Returns the hidden button that holds it."""
    held = page.say(gr.DownloadButton(elem_id=name, elem_classes="lw-gone"), label="home.download")
    made = page.on([button.click], make, inputs, [held], notice)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    made.success(None, None, None, js=f"() => lawuiSave('{name}')", **quiet)
    return held
