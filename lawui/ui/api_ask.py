"""The endpoints of the Ask tab's probing: what if, the reason, own questions, visits."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import gradio as gr

from lawui.asking import pasted
from lawui.asking.browse import LEVELS, UNMARKED, Narrow, Tried
from lawui.asking.support import sentences
from lawui.asking.whatif import KINDS, Trial
from lawui.errors import UsageError
from lawui.lab import Lab
from lawui.readers.visits import Visits
from lawui.readers.visits.text import to_text
from lawui.types import LETTERS, MARKS, Question
from lawui.ui import access
from lawui.ui.ask_tab.home import made_entry, note
from lawui.ui.ask_tab.state import Asked, ask
from lawui.ui.json_values import JSON, answer_json, question_json


class AskApi:
    """A part of `Api`: see there."""

    _lab: Lab

    def browse(
        self,
        request: gr.Request,
        set: str = "sample",
        words: str = "",
        law: str = "",
        level: str = "",
        review: str = "",
        group: str = "",
    ) -> list[JSON]:
        """The questions of a set, narrowed by difficulty (hard, middle, easy, unscored), by the
        reader's own marks (unmarked, or a mark) and by group, each with how many of its
        answers in stored scores were right."""
        if level not in ("", *LEVELS) or review not in ("", UNMARKED, *MARKS):
            raise UsageError("usage.browse", levels=", ".join(LEVELS), reviews=", ".join(MARKS))
        found = self._lab.browse(set, Narrow(level, review, group), words, law, _user(request))
        known = self._lab.tried()
        return [
            {
                **question_json(q),
                "group": q.group,
                "right": known.get(q.source, Tried()).right,
                "answers": known.get(q.source, Tried()).total,
            }
            for q in found
        ]

    def what_if(
        self,
        request: gr.Request,
        id: str = "",
        set: str = "",
        stem: str = "",
        choices: list[str] | None = None,
        evidence: str = "none",
        adapter: str = "base",
        all_orders: bool = False,
        changes: list[JSON] | None = None,
        hangs_on: bool = False,
        visit: str = "",
    ) -> JSON:
        """The answer before and after changes, each {"kind", "where", "text"}: kind stem; choice
        (where: its letter); passage, drop (where: a passage's id); swap (where: two letters,
        `ad`); pin (text: what to search the statutes for; the best passage is added). With
        `hangs_on` also which passages the answer hangs on; with `visit` it is kept there."""
        question = self._question(id, set, stem, choices)
        first = ask(self._lab, question, evidence, adapter, all_orders, None)
        trial = first.trial
        for change in changes or []:
            trial = self._changed(trial, change)
        now = ask(self._lab, question, evidence, adapter, all_orders, first, trial, hangs_on)
        if visit:
            note(self._lab, visit, _user(request), made_entry(now, False, None))
        return {
            "before": answer_json(first.now),
            "after": {**answer_json(now.now), "cannot_tell": now.unsure},
            "before_in_new_letters": list(now.before.probs) if now.before else None,
            "changes": [change.words(self._lab.settings.lang) for change in trial.changes],
            "hangs_on": [
                {"passage": h.passage, "choice": h.choice, "moved": h.moved, "turns": h.turns}
                for h in now.hangs
            ],
        }

    def explain(
        self,
        id: str = "",
        set: str = "",
        stem: str = "",
        choices: list[str] | None = None,
        evidence: str = "retrieved",
        adapter: str = "base",
    ) -> Iterator[JSON]:
        """The reason of an answer in the model's own words, as it is written, and whether the
        passages support each sentence. It is no law and no legal advice."""
        question = self._question(id, set, stem, choices)
        asked = self._asked(question, evidence, adapter)
        for text in self._lab.explain(asked.now):
            cut = sentences(text, asked.now.passages)
            told = [{"text": sentence, "supported": fine} for sentence, fine in cut]
            yield {"choice": asked.now.answer.choice, "text": text, "sentences": told}

    def split_question(self, text: str) -> JSON:
        """A question pasted as one text, split into stem, choices and, where told, the answer;
        a part that was not found is empty."""
        draft = pasted.split(text)
        return {
            "stem": draft.stem,
            "choices": dict(zip(LETTERS, draft.choices, strict=True)),
            "gold": draft.gold,
            "whole": draft.whole,
        }

    def own_list(self, request: gr.Request) -> list[JSON]:
        """The questions that the reader wrote, with the set's name for every other endpoint."""
        user = _user(request)
        name = self._lab.own.set_name(user)
        return [{**question_json(q), "gold": q.gold, "set": name} for q in self._lab.own.all(user)]

    def own_add(
        self, request: gr.Request, stem: str, choices: list[str], gold: str = "", context: str = ""
    ) -> JSON:
        """Keep a question of one's own; `gold` is its right answer, where known."""
        question = self._lab.own.add(_user(request), stem, choices, gold, context)
        return {**question_json(question), "gold": question.gold}

    def own_change(
        self, request: gr.Request, id: str, stem: str, choices: list[str], gold: str = ""
    ) -> JSON:
        """Give a question of one's own new words."""
        question = self._lab.own.change(_user(request), id, stem, choices, gold)
        return {**question_json(question), "gold": question.gold}

    def own_remove(self, request: gr.Request, id: str) -> int:
        """Delete a question of one's own; gives how many are left."""
        self._lab.own.remove(_user(request), id)
        return len(self._lab.own.all(_user(request)))

    def own_export(self, request: gr.Request) -> str:
        """One's own questions as the text of a JSON file in lawqa_jp's format."""
        return self._lab.own.export(_user(request))

    def own_import(self, request: gr.Request, text: str) -> int:
        """Add the questions of a JSON file's text; gives how many are new."""
        return self._lab.own.bring_text(_user(request), text)

    def visit_new(self) -> str:
        """A name for a visit, to keep answers in (/what_if) and take them home."""
        return Visits.new()

    def visit_text(self, request: gr.Request, visit: str, lang: str = "ja") -> str:
        """The answer that a visit saw last, as text with citations in legal form."""
        last = self._lab.visits.last(visit, _user(request))
        if last is None:
            raise UsageError("visit.empty")
        return to_text(last[1], lang)

    def visit_export(
        self, request: gr.Request, visit: str, kind: str = "html", lang: str = "ja"
    ) -> str:
        """What a visit saw as one file: `html` as its text, `docx` in base64."""
        content = self._lab.visits.export(visit, _user(request), kind, lang)
        return base64.b64encode(content).decode() if kind == "docx" else content.decode()

    def visit_clear(self, request: gr.Request, visit: str) -> bool:
        """Forget a visit."""
        self._lab.visits.clear(visit, _user(request))
        return True

    def _asked(self, question: Question, evidence: str, adapter: str) -> Asked:
        return ask(self._lab, question, evidence, adapter, False, None)

    def _changed(self, trial: Trial, change: JSON) -> Trial:
        kind = str(change.get("kind", ""))
        where, text = str(change.get("where", "")), str(change.get("text", ""))
        if kind not in KINDS:
            raise UsageError("whatif.no_part", where=kind)
        if kind == "drop":
            trial.passage(where)
            return trial.with_kept([p.id for p in trial.passages if p.id != where])
        if kind == "pin":
            return trial.with_pin(self._pinned(text))
        if kind == "swap":
            return trial.with_swap(where[:1], where[1:])
        return trial.with_text("stem" if kind == "stem" else kind, where, text)  # type: ignore[arg-type]

    def _pinned(self, text: str) -> Any:
        found = self._lab.search(text, 1)
        if not found:
            raise UsageError("whatif.no_part", where=text[:40])
        return found[0]

    def _question(self, id: str, set: str, stem: str, choices: list[str] | None) -> Question:
        if id:
            return self._lab.question(id, set)
        return self._lab.own_question(stem, choices or [])


def _user(request: gr.Request) -> str:
    # A log-in by a proxy's header is known to `access` alone.
    return access.reader() or getattr(request, "username", None) or ""
