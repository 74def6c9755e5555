"""The address of a view: tab, question, law shown, version. It carries ids only, never a
word that somebody typed, so that it can be sent on; a reload opens the same view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from lawui.errors import LabError
from lawui.lab import Lab
from lawui.types import EVIDENCES
from lawui.ui.ask_tab import Controls
from lawui.ui.page import Page
from lawui.ui.picker import find, item_choices
from lawui.ui.versions import adapter_choices

TABS = ("ask", "adapters", "train", "score")


def wire(page: Page, opened: Any, tabs: gr.Tabs, each: Sequence[gr.Tab], ask: Controls) -> None:
    """Keep the address as the view changes, and open what it names after `opened`."""
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    for name, tab in zip(TABS, each, strict=True):
        tab.select(None, None, None, js=f"() => lawuiAddress({{tab: '{name}'}})", **quiet)
    for name, component in (
        ("q", ask.picker.item),
        ("evidence", ask.evidence),
        ("adapter", ask.adapter),
    ):
        js = f"(id) => lawuiAddress({{{name}: id}})"
        component.change(None, component, None, js=js, **quiet)

    def restore(request: gr.Request) -> list[Any]:
        return view(page.lab, dict(request.query_params))

    outputs = [tabs, ask.picker.set, ask.picker.item, ask.evidence, ask.adapter]
    restored = opened.then(restore, None, outputs, **quiet)
    restored.then(None, None, None, js="() => { window.lawuiOpened = true; }", **quiet)


def view(lab: Lab, asked: Mapping[str, str]) -> list[Any]:
    """Updates for tabs, set, question, evidence and adapter; what is not known is left."""
    tab, evidence, adapter = (asked.get(k, "") for k in ("tab", "evidence", "adapter"))
    known = {key for _, key in adapter_choices(lab, "en")}
    return [
        gr.update(selected=tab) if tab in TABS else gr.skip(),
        *_question(lab, asked.get("q", "")),
        evidence if evidence in EVIDENCES else gr.skip(),
        adapter if adapter in known else gr.skip(),
    ]


def _question(lab: Lab, qid: str) -> list[Any]:
    name = qid.partition("-")[0]
    if not _holds(lab, name, qid):
        return [gr.skip(), gr.skip()]
    choices = item_choices(find(lab, name, "", ""))
    if qid not in {key for _, key in choices}:
        return [gr.skip(), gr.skip()]
    return [name, gr.update(choices=choices, value=qid)]


def _holds(lab: Lab, name: str, qid: str) -> bool:
    if not name or name not in {s["name"] for s in lab.sets()}:
        return False
    try:
        lab.question(qid, name)
    except LabError:
        return False
    return True
