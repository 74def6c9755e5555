"""What cannot be undone is asked about once more: a row that shows the deed and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lawui.ui.page import Page

HIDDEN: Any = gr.update(visible=False)
SHOWN: Any = gr.update(visible=True)


@dataclass(frozen=True)
class Sure:
    """The row, and its two buttons."""

    row: Any
    yes: Any
    no: Any


def build(page: Page, prefix: str, yes: str, no: str) -> Sure:
    """Put the row here, hidden; `yes` and `no` are keys of its buttons' words."""
    with gr.Row(visible=False, elem_id=f"{prefix}-sure") as row:
        deed = gr.Button(size="sm", variant="stop", elem_id=f"{prefix}-yes")
        back = gr.Button(size="sm", elem_id=f"{prefix}-no")
    return Sure(row, page.say(deed, value=yes), page.say(back, value=no))


def wire_back(page: Page, sure: Sure, notice: Any, also: Sequence[Any] = ()) -> None:
    """Hide the row where it is thought better of, or where one of `also` happens."""
    page.on([sure.no.click, *also], lambda _: (HIDDEN, ""), [], [sure.row], notice)
