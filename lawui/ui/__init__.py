"""The page: four tabs on one lab.

build(lab)            the page, ready to launch
launch_options(lab)   what launch() needs for its looks and its safety
"""

from __future__ import annotations

import os
from typing import Any

import gradio as gr

from lawui.lab import Lab
from lawui.ui import (
    access,
    adapters_tab,
    address,
    api,
    ask_tab,
    class_page,
    header,
    mcp_tools,
    my_data,
    score_tab,
    theme,
    tour,
    train_tab,
)
from lawui.ui.lists import Blocks
from lawui.ui.page import Page
from lawui.ui.streams import Messages
from lawui.ui.text import say

__all__ = ["access", "build", "class_page", "launch_options"]

UPLOAD_LIMIT = "20mb"
QUEUE_LIMIT = 256
"""Requests that may wait; a class of sixty fits several times over."""
PAGES_LIMIT = 2_000
"""Open pages that are told what becomes of their requests."""


def build(lab: Lab, mcp: bool = False) -> gr.Blocks:
    """The page for `lab`, with the tools of `mcp` where asked for. What Gradio itself writes
    goes below the lab's home."""
    os.environ["GRADIO_TEMP_DIR"] = str(lab.home / ".lawui" / "gradio")
    page = Page(lab)
    with Blocks(
        title=say("page.title", page.default), analytics_enabled=False, fill_width=True
    ) as blocks:
        guide = header.build(page)
        with gr.Tabs(elem_id="tabs") as tabs:
            ask = page.say(gr.Tab(id="ask", elem_id="tab-ask"), label="tab.ask")
            adapters = page.say(gr.Tab(id="adapters", elem_id="tab-adapters"), label="tab.adapters")
            train = page.say(gr.Tab(id="train", elem_id="tab-train"), label="tab.train")
            score = page.say(gr.Tab(id="score", elem_id="tab-score"), label="tab.score")
            with ask:
                controls = ask_tab.build(page, ask)
            with adapters:
                side = adapters_tab.build(page, adapters)
            with train:
                train_tab.build(page, train)
            with score:
                score_tab.build(page, score)
        my_data.build(page)
        header.footer(page)
        still = gr.Button("", visible="hidden", elem_id="wake")  # shows no progress, nor its words
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        # One whose answer lies unread must not hold the next one up.
        still.click(_nothing, trigger_mode="multiple", queue=True, **quiet)
        tour.wire(page, guide, tabs, controls)
        opened = page.finish(blocks)
        address.wire(page, opened, tabs, controls, side)
        api.add(lab)
        if mcp:
            mcp_tools.add(lab)
    # At every word from the server the browser draws anew whatever ever showed progress, which
    # is all outputs of all events, visible or not: hundreds of parts, a second of script.
    for event in blocks.fns.values():
        if event.show_progress == "hidden":
            event.show_progress_on = [still]
    blocks.queue(max_size=QUEUE_LIMIT, default_concurrency_limit=16, api_open=True)
    blocks._queue.pending_messages_per_session = Messages(PAGES_LIMIT)
    return blocks


def _nothing() -> None:
    """What script.js asks for when only the stream of answers matters."""


def launch_options(lab: Lab) -> dict[str, Any]:
    """Looks and safety for `build(lab).launch(**launch_options(lab))`.

    No folder of the lab is served: what is taken home is a copy under a name that nobody
    can guess. Foreign origins are refused; nothing that a visitor types is kept in the
    browser's run history.
    """
    return {
        "theme": theme.theme(),
        "css_paths": [theme.CSS],
        "head": theme.head(lab.settings.lang),
        "favicon_path": str(theme.FAVICON),
        "allowed_paths": [],
        "max_file_size": UPLOAD_LIMIT,
        "strict_cors": True,
        "show_error": False,
        "pwa": False,
        "ssr_mode": False,
        "run_history": False,
        "enable_monitoring": False,
        "footer_links": [],
    }
