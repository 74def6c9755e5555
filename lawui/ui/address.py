"""The address of a view: tab, question, law shown, versions. It carries ids only, never a
word that somebody typed, so that it can be sent on; a reload opens the same view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from lawui.errors import LabError
from lawui.lab import Lab
from lawui.readers.visits import Visits
from lawui.ui import access
from lawui.ui.adapters_tab import Side
from lawui.ui.adapters_tab.draw import column_choices
from lawui.ui.ask_tab import Controls, memory
from lawui.ui.page import Page
from lawui.ui.picker import find, item_choices, set_choices

TABS = ("ask", "adapters", "train", "score")


def wire(page: Page, opened: Any, tabs: gr.Tabs, ask: Controls, side: Side) -> None:
    """Keep the address as the view changes (its tab: script.js), and open what it names
    after `opened`."""
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    for name, component in (
        ("q", ask.picker.item),
        ("evidence", ask.evidence),
        ("adapter", ask.adapter),
        ("item", side.picker.item),
        ("versions", side.columns),
    ):
        # Not before the view that the address asked for stands: it is read then.
        js = f"(id) => window.lawuiOpened && lawuiAddress({{{name}: [id].flat().join(',')}})"
        component.change(None, component, None, js=js, **quiet)

    def restore(request: gr.Request, lang: str, visit: str) -> list[Any]:
        asked_for, user = dict(request.query_params), access.reader()
        lab, name = page.lab, visit or Visits.new()
        seen = lab.visits.view(name, user)
        wanted = {"q": seen.get("item") or "", **asked_for}
        return [name, *view(lab, lang, wanted, user), *memory.bring(lab, lang, seen, asked_for)]

    outputs = [ask.visit, tabs, ask.picker.set, ask.picker.item, *side.addressed]
    outputs += memory.outputs(ask)
    restored = opened.then(restore, [page.language, ask.visit], outputs, **quiet)
    restored.then(None, None, None, js="() => { window.lawuiOpened = true; }", **quiet)


def view(lab: Lab, lang: str, asked: Mapping[str, str], user: str = "") -> list[Any]:
    """Updates for the tab, the question on Ask (set, item) and that on Adapters (set, item,
    columns); what is not known is left."""
    tab = asked.get("tab", "")
    known = {key for _, key in column_choices(lab.adapters(), "en")}
    versions = [v for v in asked.get("versions", "").split(",") if v in known]
    return [
        gr.update(selected=tab) if tab in TABS else gr.skip(),
        *_question(lab, lang, asked.get("q", ""), user),
        *_question(lab, lang, asked.get("item", ""), user),
        versions or gr.skip(),
    ]


def _question(lab: Lab, lang: str, qid: str, user: str) -> list[Any]:
    name = qid.partition("-")[0]
    if not _holds(lab, name, qid, user):
        return [gr.skip(), gr.skip()]
    choices = item_choices(find(lab, name, "", ""), None, qid)
    if qid not in {key for _, key in choices}:
        return [gr.skip(), gr.skip()]
    sets = gr.update(choices=set_choices(lab, lang, user), value=name)
    return [sets, gr.update(choices=choices, value=qid)]


def _holds(lab: Lab, name: str, qid: str, user: str) -> bool:
    if not name or name not in {s["name"] for s in lab.sets(user)}:
        return False
    try:
        lab.question(qid, name)
    except LabError:
        return False
    return True
