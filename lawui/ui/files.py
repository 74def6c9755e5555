"""Files to be taken home: written where the page may serve them, under names that nobody
can guess."""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path
from typing import Any

import gradio as gr

from lawui.lab import Lab
from lawui.ui.page import Page

KEPT_SECONDS = 24 * 3600
"""How long a file may be fetched."""


def offer(lab: Lab, name: str, content: str | bytes) -> str:
    """Write `content` as the file `name`, to be downloaded; returns its path."""
    folder = lab.home / ".lawui" / "gradio" / "offered"
    _forget_old(folder)
    path = folder / secrets.token_hex(16) / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def _forget_old(folder: Path) -> None:
    for old in folder.glob("*"):
        if old.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)


def download(page: Page, button: Any, make: Any, inputs: list[Any], notice: Any, name: str) -> Any:
    """One press of `button`: `make(lang, *inputs)` gives a path, and the browser saves it.
    Returns the hidden button that holds it."""
    held = page.say(gr.DownloadButton(elem_id=name, elem_classes="lw-gone"), label="home.download")
    made = page.on([button.click], make, inputs, [held], notice)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    made.success(None, None, None, js=f"() => lawuiSave('{name}')", **quiet)
    return held
