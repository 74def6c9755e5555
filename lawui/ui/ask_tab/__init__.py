"""Ask: one question, with or without the law, and what the model makes of it.

asking      which question, the reader's letter, the official answer
answering   evidence, version, the answer
trying      what if: every change and its way back
reason      the model's own words, on demand
own         questions of one's own
home        the reader's mark; one answer as text, a visit as a file
memory      a reload brings the same view back
state draw  what was asked, and how it looks; without Gradio's wiring
"""

from __future__ import annotations

import gradio as gr

from lawui.ui import statutes_panel
from lawui.ui.ask_tab import answering, asking, home, memory, reason, trying
from lawui.ui.ask_tab.controls import Controls
from lawui.ui.page import Page
from lawui.ui.picker import follow_sets
from lawui.ui.versions import follow_adapters

__all__ = ["Controls", "build"]


def build(page: Page, tab: gr.Tab) -> Controls:
    """Put the tab's components here and wire them."""
    with gr.Column(elem_classes="lw-flow"):
        with gr.Column(elem_classes="lw-card lw-left"):
            question = asking.build(page)
        with gr.Column(elem_classes="lw-card lw-right"):
            answer = answering.build(page)
        with gr.Column(elem_classes="lw-card lw-left"):
            keep, passages = trying.build_passages(page)
        with gr.Column(elem_classes="lw-card lw-right"):
            change = trying.build(page, keep, passages)
        with gr.Column(elem_classes="lw-card lw-right"):
            take = home.build(page)
        with gr.Column(elem_classes="lw-card lw-left"):
            words = reason.build(page)
        with gr.Column(elem_classes="lw-card lw-whole"):
            statutes_panel.build(page)
    controls = Controls(question, answer, change, gr.State(None), gr.State(False), take.visit)
    answering.wire(page, controls)
    trying.wire(page, controls)
    asking.wire(page, controls)
    reason.wire(page, controls, words)
    home.wire(page, controls, words, take)
    memory.wire(page, controls, take)
    follow_adapters(page, tab, answer.adapter)
    follow_sets(page, tab, question.picker.set)
    return controls
