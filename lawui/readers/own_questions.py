"""Questions that readers wrote themselves: a list for each user, a set on every tab.

They are kept as lawqa_jp samples, so that export and import lose nothing. A question's id
never changes and is never given again; one without an official answer has output "".
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lawui.data import questions as data
from lawui.errors import DataError, UsageError
from lawui.readers.people import People
from lawui.readers.store import Store, now
from lawui.types import LETTERS, Question, QuestionSet

NAME = "own"
"""The set of who does not log in; every other user's is `own_` and a random number."""

_NAMES = re.compile(rf"{NAME}(_[0-9a-f]{{16}})?")

LAW = "自作"
"""The law family under which they are listed."""

LONGEST, MOST = 20_000, 5_000
"""Characters of one part of a question; questions of one user."""

Sample = dict[str, Any]


def is_own(name: str) -> bool:
    """Whether this is the name of a set of own questions, as far as its form tells."""
    return _NAMES.fullmatch(name) is not None


class OwnQuestions:
    """The own questions of one home. Thread-safe."""

    def __init__(self, store: Store, people: People | None = None) -> None:
        self._store = store
        self._people = people or People()

    def set_name(self, user: str = "") -> str:
        """The name of a user's set: `own`, or one that nobody can guess."""
        if not user:
            return NAME
        with self._store.open() as connection:
            fresh = f"{NAME}_{secrets.token_hex(8)}"
            connection.execute("INSERT OR IGNORE INTO own_sets VALUES (?, ?)", (user, fresh))
            query = "SELECT name FROM own_sets WHERE user = ?"
            return str(connection.execute(query, (user,)).fetchone()[0])

    def known_set(self, user: str) -> str:
        """The name of a user's set where there has been one, else ""."""
        if not user:
            return NAME
        rows = self._store.read("SELECT name FROM own_sets WHERE user = ?", user)
        return str(rows[0][0]) if rows else ""

    def forget(self, user: str) -> None:
        """Delete everything of a user's in the file, the visits in it too."""
        self._store.forget(user)

    def add(
        self, user: str, stem: str, choices: Sequence[str], gold: str = "", context: str = ""
    ) -> Question:
        """Keep a question and give it back with its id; one that is there already, word for
        word, is that one. Raises UsageError for a part that is missing or too long, or an
        official answer that is none of a-d."""
        self._people.need("own")
        sample = _dumps(_sample(stem, choices, gold, context))
        there = (int(row) for row, text in self._rows(user) if text == sample)
        row = next(there, None)
        if row is not None:
            return self.question(f"{self.set_name(user)}-{row:03d}", user)
        return self.question(self._insert(user, [json.loads(sample)])[0], user)

    def change(
        self, user: str, qid: str, stem: str, choices: Sequence[str], gold: str = ""
    ) -> Question:
        """A question with its parts as they are now. Raises UsageError as `add` does, or
        for one that is not this user's."""
        self._people.allow("own")
        old = self.question(qid, user)
        sample = _sample(stem, choices, gold, old.given_context)
        with self._store.open() as connection:
            connection.execute(
                "UPDATE own_questions SET sample = ? WHERE id = ? AND user = ?",
                (_dumps(sample), _row(qid), user),
            )
        return self.question(qid, user)

    def remove(self, user: str, qid: str) -> None:
        """Delete a question. Raises UsageError for one that is not this user's."""
        self._people.allow("own")
        self.question(qid, user)
        with self._store.open() as connection:
            connection.execute(
                "DELETE FROM own_questions WHERE id = ? AND user = ?", (_row(qid), user)
            )

    def all(self, user: str = "") -> tuple[Question, ...]:
        """All questions of a user, oldest first, those without an official answer too."""
        name = self.set_name(user)
        rows = self._rows(user)
        samples = [json.loads(text) for _, text in rows]
        # Grouped as any file is; a missing official answer is put back afterwards.
        filled = [{**s, "output": s["output"] or LETTERS[0]} for s in samples]
        if not filled:
            return ()
        whole = data.from_samples(filled, Path(name), name, b"").questions
        return tuple(
            replace(q, id=f"{name}-{row:03d}", order=0, gold=sample["output"])
            for q, (row, _), sample in zip(whole, rows, samples, strict=True)
        )

    def question(self, qid: str, user: str = "") -> Question:
        """One question. Raises UsageError for one that is not this user's."""
        for question in self.all(user):
            if question.id == qid:
                return question
        raise UsageError("data.unknown_question", id=qid, set=NAME)

    def named(self, name: str) -> QuestionSet:
        """A set by its name: the questions that have an official answer, so that they can
        be scored and trained on. Raises UsageError for a name that nobody has."""
        user = self.user_of(name)
        questions = tuple(q for q in self.all(user) if q.gold)
        text = _dumps([_sample(q.stem, q.choices, q.gold, q.given_context) for q in questions])
        return QuestionSet(name, questions, hashlib.sha256(text.encode()).hexdigest(), name)

    def user_of(self, name: str) -> str:
        """Whose set this is. Raises UsageError for a name that nobody has."""
        if name == NAME:
            return ""
        rows = self._store.read("SELECT user FROM own_sets WHERE name = ?", name)
        if not rows:
            raise UsageError("data.unknown_set", set=name, sets=NAME)
        return str(rows[0][0])

    def export(self, user: str = "") -> str:
        """All questions of a user as a JSON file in lawqa_jp's format."""
        samples = [json.loads(text) for _, text in self._rows(user)]
        return json.dumps({"samples": samples}, ensure_ascii=False, indent=1)

    def bring(self, user: str, path: Path) -> int:
        """Add the questions of a file in lawqa_jp's format; returns how many are new. What
        is there already, word for word, is left. Raises DataError, naming the item."""
        self._people.need("own")
        try:
            samples, raw = data.read_samples(path)
            filled = [
                {**s, "output": s.get("output") or LETTERS[0]} if isinstance(s, dict) else s
                for s in samples
            ]
            read = data.from_samples(filled, path, NAME, raw).questions
        except DataError as error:  # the name that the user gave it, not where it was put
            raise DataError(error.key, **{**error.params, "path": path.name}) from error
        kept = {_dumps(json.loads(text)) for _, text in self._rows(user)}
        fresh = []
        for question, sample in zip(read, samples, strict=True):
            gold = question.gold if sample.get("output") else ""
            made = _sample(question.stem, question.choices, gold, question.given_context)
            if _dumps(made) not in kept:
                kept.add(_dumps(made))
                fresh.append(made)
        self._insert(user, fresh)
        return len(fresh)

    def bring_text(self, user: str, text: str) -> int:
        """The same for the text of such a file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "questions.json"
            path.write_text(text, "utf-8")
            return self.bring(user, path)

    def _insert(self, user: str, samples: Sequence[Sample]) -> list[str]:
        self._people.allow("own")
        name = self.set_name(user)
        if len(self._rows(user)) + len(samples) > MOST:
            raise UsageError("own.too_many", limit=MOST)
        ids = []
        with self._store.open() as connection:
            for sample in samples:
                row = connection.execute(
                    "INSERT INTO own_questions (user, sample, created) VALUES (?, ?, ?)",
                    (user, _dumps(sample), now()),
                )
                ids.append(f"{name}-{row.lastrowid:03d}")
        return ids

    def _rows(self, user: str) -> list[tuple[Any, ...]]:
        query = "SELECT id, sample FROM own_questions WHERE user = ? ORDER BY id"
        return list(self._store.read(query, user))


def _sample(stem: str, choices: Sequence[str], gold: str, context: str) -> Sample:
    parts = [stem.strip(), *(choice.strip() for choice in choices)]
    if len(parts) != 1 + len(LETTERS) or not all(parts):
        raise UsageError("usage.four_choices")
    if max(map(len, (*parts, context))) > LONGEST:
        raise UsageError("own.too_long", limit=LONGEST)
    if gold and gold not in LETTERS:
        raise UsageError("own.gold", gold=gold[:20])
    # A choice's own line breaks would be read as the next choice's.
    lines = [f"{x} {' '.join(c.split())}" for x, c in zip(LETTERS, parts[1:], strict=True)]
    sha = hashlib.sha256("\n".join([*parts, context]).encode()).hexdigest()[:10]
    return {
        "ファイル名": f"{LAW}_{sha}",
        "コンテキスト": context,
        "指示": "",
        "問題文": parts[0],
        "選択肢": "\n".join(lines),
        "output": gold,
        "references": [],
    }


def _row(qid: str) -> int:
    return int(qid.rpartition("-")[2])


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
