"""A reload brings the same view back. What a reader typed is kept in the lab under the
name of the visit, which the browser holds; nothing of it enters an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from lawui.asking.whatif import Trial
from lawui.errors import LabError
from lawui.lab import Lab
from lawui.types import EVIDENCES
from lawui.ui import access
from lawui.ui.ask_tab.answering import Request, drawn
from lawui.ui.ask_tab.controls import Controls
from lawui.ui.ask_tab.draw import question_html
from lawui.ui.ask_tab.home import Home
from lawui.ui.ask_tab.own import kept_update
from lawui.ui.ask_tab.state import Asked, ask, same_question
from lawui.ui.page import Page, skips
from lawui.ui.text import say
from lawui.ui.versions import adapter_choices

_TYPED = ("stem", "a", "b", "c", "d")
_CHOSEN = ("source", "set", "item", "evidence", "adapter", "orders", "deep")


def outputs(c: Controls) -> list[Any]:
    """What `bring` gives values for."""
    q, a = c.asking, c.answering
    how = [a.evidence, a.adapter, a.orders, a.deep]
    sides = [q.source, q.from_set, q.from_own]
    shown = [q.commit, c.revealed, q.question, q.reveal]
    return [*sides, q.own.kept, *q.own.parts, *how, *shown, *c.drawn]


def kept(values: Sequence[Any], gold: str, letter: str | None, own: str = "") -> dict[str, Any]:
    """The view as plain values: `values` are those of `Controls.request`; `own` is the id of
    the kept question that is being written."""
    request = Request(*values)
    view = {name: getattr(request, name) for name in (*_CHOSEN, *_TYPED, "revealed")}
    trial = request.asked.trial.to_json() if request.asked else None
    return {**view, "gold": gold, "letter": letter, "trial": trial, "own": own}


def bring(lab: Lab, lang: str, view: Mapping[str, Any], asked_for: Mapping[str, str]) -> list[Any]:
    """The values of `outputs` for a view that was kept. The address (`asked_for`) goes
    before it: another question there leaves only what was typed. At a first visit nothing
    else is set: the reader may have begun already."""
    evidence, adapter = chosen(lab, view, asked_for)
    how = [evidence or gr.skip(), adapter or gr.skip()]
    unanswered = skips(4 + len(drawn(None, False, None, lang)))
    if not view:
        return [*skips(10), *how, *skips(2), *unanswered]
    other = asked_for.get("q", view.get("item")) != view.get("item")
    own = view.get("source") == "own" and not (other and asked_for.get("q"))
    typed = [view.get(name) or "" for name in _TYPED]
    sides = ["own" if own else "set", gr.update(visible=not own), gr.update(visible=own)]
    switches = [view.get(n, d) for n, d in (("orders", True), ("deep", False))]
    # Else saving what came back would keep it a second time.
    mine = kept_update(lab, access.reader(), view.get("own") or "", lang)
    start: list[Any] = [*sides, mine, *typed, view.get("gold") or "", *how, *switches]
    asked = None if other else _again(lab, view, evidence, adapter)
    question = None if own else _question(lab, view, asked)
    if asked is None or (question is None and not own):
        return [*start, *unanswered]
    shown, letter = bool(view.get("revealed")), view.get("letter")
    return [
        *(*start, letter, shown, question_html(question, shown, lang, letter)),
        gr.update(value=say("ask.hide" if shown else "ask.reveal", lang)),
        *drawn(asked, shown, None, lang),
    ]


def _question(lab: Lab, view: Mapping[str, Any], asked: Asked | None) -> Any:
    try:
        question = lab.question(view["item"], view["set"])
    except (LabError, KeyError, AttributeError):
        return None
    same = asked is not None and same_question(question, asked.trial.question)
    return question if same else None


def chosen(lab: Lab, view: Mapping[str, Any], asked_for: Mapping[str, str]) -> tuple[str, str]:
    """Evidence and version: those of the address, else of the view; "" for what is not
    known (any more)."""
    known = {"evidence": EVIDENCES, "adapter": [key for _, key in adapter_choices(lab, "en")]}
    evidence, adapter = (
        next((v for v in (asked_for.get(n), view.get(n)) if v in known[n]), "") for n in known
    )
    return str(evidence), str(adapter)


def _again(lab: Lab, view: Mapping[str, Any], evidence: str, adapter: str) -> Asked | None:
    """The answer that stood there, asked once more; None where it cannot be."""
    if not (view.get("trial") and evidence and adapter):
        return None
    try:
        trial = Trial.from_json(view["trial"])
        if evidence != view["evidence"]:
            trial = trial.with_found(lab.passages(trial.question, evidence))
        how = (evidence, adapter, bool(view["orders"]), None)
        return ask(lab, trial.question, *how, trial, bool(view["deep"]))
    except LabError:  # the version or the index is gone: the question alone comes back
        return None
    except (KeyError, TypeError, ValueError):  # kept by another version of lawui
        return None


def wire(page: Page, c: Controls, h: Home) -> None:
    """Keep the view whenever it changes."""
    lab, q, a = page.lab, c.asking, c.answering

    def keep(
        lang: str, visit: str, user: str, own: str, gold: str, letter: str | None, *now: Any
    ) -> None:
        if visit:
            lab.visits.keep_view(visit, user, kept(now, gold, letter, own))

    boxes = [*q.own.parts]
    triggers = [
        *(c.asked.change, c.revealed.change, q.source.input, q.picker.item.change),
        *(a.orders.input, a.deep.input, q.commit.input),
        *(box.blur for box in boxes[:-1]),
        boxes[-1].input,
        q.own.kept.change,
    ]
    inputs = [h.visit, page.user, q.own.kept, q.own.gold, q.commit, *c.request]
    page.on(triggers, keep, inputs, [], trigger_mode="always_last")
