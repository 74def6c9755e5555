"""An answer as plain values, and the visits of one home."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Sequence
from typing import Any

from lawui.asking.whatif import Hanging, Trial
from lawui.errors import UsageError
from lawui.readers.store import Store, now
from lawui.types import Answer, Passage, Question

Entry = dict[str, Any]

KINDS = ("html", "docx")

MOST = 500
"""Answers that a visit keeps; the oldest go first."""


def entry(
    trial: Trial,
    answer: Answer,
    *,
    model: str,
    shown: Sequence[Passage],
    shortened: Collection[str] = (),
    orders: Sequence[Answer] = (),
    before: Answer | None = None,
    hangs: Sequence[Hanging] = (),
    unsure: bool = False,
) -> Entry:
    """What a reader was shown of one answer; `unsure` where it counts as none, `shortened`
    the ids of passages of which the model saw the beginning alone. The official answer is
    not in it: `revealed` puts it there once it was asked for."""
    seen = {p.id for p in shown}
    return {
        "time": now(),
        "question": _question(trial.asked, trial.reworded),
        "answer": {
            "choice": answer.choice,
            "probs": list(answer.probs),
            "cannot_tell": unsure,
            "orders": [order.choice for order in orders],
            "model": model,
            "adapter": answer.adapter,
            "evidence": answer.evidence,
            "prompt_sha": answer.prompt_sha,
        },
        "before": {"choice": before.choice, "probs": list(before.probs)} if before else None,
        "passages": [
            {**_passage(p), "shown": p.id in seen, "shortened": p.id in shortened}
            for p in trial.listed
        ],
        "changes": [
            {"ja": change.words("ja"), "en": change.words("en")} for change in trial.changes
        ],
        "hangs": [trial.passage(h.passage).citation() for h in hangs if h.turns],
        "own": "",
        "reason": None,
        "mark": None,
    }


def revealed(entry: Entry, gold: str) -> Entry:
    """The entry with the official answer, `gold`, in it."""
    return {**entry, "question": {**entry["question"], "gold": gold}}


def _question(question: Question, reworded: bool) -> dict[str, Any]:
    return {
        "id": question.id,
        "law": question.law,
        "stem": question.stem,
        "choices": list(question.choices),
        "gold": "",
        "altered": reworded,
    }


def _passage(passage: Passage) -> dict[str, Any]:
    """A passage as it may be cited: one that was changed has no place, date or link."""
    cited = passage.altered or bool(passage.law)
    return {
        "citation": passage.citation() if cited else "",
        "caption": "" if passage.altered else passage.caption,
        "text": passage.whole,
        "url": "" if passage.altered else passage.url,
        "asof": "" if passage.altered else passage.asof,
        "altered": passage.altered,
    }


class Visits:
    """The visits of one home. A visit's name cannot be guessed; who has no log-in owns it
    by knowing it. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @staticmethod
    def new() -> str:
        """A name for a visit that begins."""
        return secrets.token_urlsafe(24)

    def add(self, visit: str, user: str, entry: Entry) -> int:
        """Keep an answer; returns its number, by which it can be amended."""
        text = json.dumps(entry, ensure_ascii=False)
        with self._store.open() as connection:
            row = connection.execute(
                "INSERT INTO visits (user, visit, entry, created) VALUES (?, ?, ?, ?)",
                (user, visit, text, now()),
            )
            connection.execute(
                "DELETE FROM visits WHERE user = ? AND visit = ? AND id NOT IN "
                "(SELECT id FROM visits WHERE user = ? AND visit = ? ORDER BY id DESC LIMIT ?)",
                (user, visit, user, visit, MOST),
            )
        return int(row.lastrowid or 0)

    def amend(self, visit: str, user: str, number: int, entry: Entry) -> None:
        """Put `entry` in the place of an answer of this visit; nothing where it is not."""
        with self._store.open() as connection:
            connection.execute(
                "UPDATE visits SET entry = ? WHERE id = ? AND user = ? AND visit = ?",
                (json.dumps(entry, ensure_ascii=False), number, user, visit),
            )

    def entries(self, visit: str, user: str) -> list[Entry]:
        """What was seen in a visit, oldest first."""
        query = "SELECT entry FROM visits WHERE user = ? AND visit = ? ORDER BY id"
        return [json.loads(text) for (text,) in self._store.read(query, user, visit)]

    def last(self, visit: str, user: str) -> tuple[int, Entry] | None:
        """The number and the entry of the answer seen last."""
        query = "SELECT id, entry FROM visits WHERE user = ? AND visit = ? ORDER BY id DESC LIMIT 1"
        rows = self._store.read(query, user, visit)
        return (int(rows[0][0]), json.loads(rows[0][1])) if rows else None

    def keep_view(self, visit: str, user: str, view: Entry) -> None:
        """Remember what the reader has before him, so that a reload brings it back."""
        with self._store.open() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?)",
                (user, visit, json.dumps(view, ensure_ascii=False), now()),
            )

    def view(self, visit: str, user: str) -> Entry:
        """What the reader had before him last; {} where nothing is known."""
        query = "SELECT view FROM views WHERE user = ? AND visit = ?"
        rows = self._store.read(query, user, visit)
        return json.loads(rows[0][0]) if rows else {}

    def export(self, visit: str, user: str, kind: str, lang: str) -> bytes:
        """What was seen in a visit as one file: `html` or `docx`. Raises UsageError for
        another kind or a visit in which nothing was seen."""
        from lawui.readers.visits.html import to_html
        from lawui.readers.visits.word import to_word

        found = self.entries(visit, user)
        if kind not in KINDS:
            raise UsageError("usage.export_kind", kind=kind)
        if not found:
            raise UsageError("visit.empty")
        return to_word(found, lang) if kind == "docx" else to_html(found, lang).encode()

    def count(self, user: str) -> int:
        """How many answers all visits of a reader hold."""
        return len(self._store.read("SELECT id FROM visits WHERE user = ?", user))

    def forget_before(self, moment: str) -> None:
        """Delete what was seen, of anybody, before a moment in UTC (ISO 8601)."""
        with self._store.open() as connection:
            for table in ("visits", "views"):
                connection.execute(f"DELETE FROM {table} WHERE created < ?", (moment,))

    def clear(self, visit: str, user: str) -> None:
        """Forget a visit."""
        with self._store.open() as connection:
            for table in ("visits", "views"):
                where = "WHERE user = ? AND visit = ?"
                connection.execute(f"DELETE FROM {table} {where}", (user, visit))
