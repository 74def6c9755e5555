"""Answers that were computed once, and the prompts they were given to: one SQLite file.

An answer belongs to the model, the adapter's weights and the very text of the prompt, so
it holds for any set, run and question that asks the same. A prompt is kept as it was sent,
with its passages, so that it can be read when the index has long moved on.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from lawui.errors import ScoringError
from lawui.types import LETTERS, Answer, Passage, Prompt

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
  weights TEXT NOT NULL, text_sha TEXT NOT NULL,
  a REAL NOT NULL, b REAL NOT NULL, c REAL NOT NULL, d REAL NOT NULL,
  choice TEXT NOT NULL, letter_mass REAL NOT NULL, seconds REAL NOT NULL,
  PRIMARY KEY (weights, text_sha)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS prompts (
  text_sha TEXT PRIMARY KEY, text BLOB NOT NULL, passages BLOB NOT NULL
);
"""
_AT_ONCE = 500  # variables in one statement; SQLite's old limit is 999
_BUSY_SECONDS = 10.0


class AnswerCache:
    """Thread-safe; several processes may share the file. `weights` names model and adapter."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def known(self, weights: str, prompts: Sequence[Prompt]) -> dict[str, Answer]:
        """By text_sha the answers to those of `prompts` that were computed before; adapter
        and evidence are left for the caller to fill in."""
        found: dict[str, Answer] = {}
        by_sha = {p.text_sha: p for p in prompts}
        with self._open() as connection:
            for some in _parts(list(by_sha)):
                marks = ", ".join("?" * len(some))
                rows = connection.execute(
                    "SELECT text_sha, a, b, c, d, choice, letter_mass, seconds FROM answers "
                    f"WHERE weights = ? AND text_sha IN ({marks})",
                    [weights, *some],
                )
                for sha, a, b, c, d, choice, mass, seconds in rows:
                    prompt = by_sha[sha]
                    found[sha] = Answer(
                        prompt.question_id, (a, b, c, d), choice, mass, "", "", prompt.sha, seconds
                    )
        return found

    def keep(
        self,
        weights: str,
        prompts: Sequence[Prompt],
        answers: Sequence[Answer],
        passages: Mapping[str, Sequence[Passage]],
    ) -> None:
        """Keep what was computed; `passages` by passage ids' question id are what each prompt
        was made with. Raises ScoringError where the file cannot be written."""
        rows = [
            (weights, p.text_sha, *a.probs, a.choice, a.letter_mass, a.seconds)
            for p, a in zip(prompts, answers, strict=True)
        ]
        texts = [(p.text_sha, *_packed(p, passages.get(p.question_id, ()))) for p in prompts]
        with self._open() as connection:
            connection.executemany(
                f"INSERT OR REPLACE INTO answers VALUES ({', '.join('?' * 9)})", rows
            )
            connection.executemany("INSERT OR IGNORE INTO prompts VALUES (?, ?, ?)", texts)

    def sent(self, text_sha: str) -> tuple[str, tuple[Passage, ...]] | None:
        """The prompt as it was sent and the passages in it; None where it was not kept."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT text, passages FROM prompts WHERE text_sha = ?", [text_sha]
            ).fetchone()
        if row is None:
            return None
        values = json.loads(zlib.decompress(row[1]))
        known = Passage.__dataclass_fields__.keys()
        passages = [{k: v for k, v in value.items() if k in known} for value in values]
        return zlib.decompress(row[0]).decode(), tuple(_passage(p) for p in passages)

    def forget(self, text_shas: Sequence[str]) -> None:
        """Delete prompts with every answer to them."""
        with self._open() as connection:
            for some in _parts(list(text_shas)):
                marks = ", ".join("?" * len(some))
                for table in ("answers", "prompts"):
                    connection.execute(f"DELETE FROM {table} WHERE text_sha IN ({marks})", some)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        try:
            with self._lock:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                opened = sqlite3.connect(self._path, timeout=_BUSY_SECONDS)
                with closing(opened) as connection, connection:
                    # What is deleted is overwritten, not just let go.
                    connection.executescript("PRAGMA secure_delete = ON;" + _TABLES)
                    yield connection
        except (sqlite3.Error, OSError) as error:
            reason = str(error)
            raise ScoringError("scoring.cache", path=str(self._path), reason=reason) from error


def reused(answer: Answer, prompt: Prompt, adapter: str, evidence: str) -> Answer:
    """A kept answer as the answer to this very request."""
    return replace(
        answer,
        question_id=prompt.question_id,
        adapter=adapter,
        evidence=evidence,
        prompt_sha=prompt.sha,
    )


def fit(answer: Answer) -> bool:
    """Whether an answer is sound enough to be kept: a broken model must not be remembered."""
    return answer.choice in LETTERS and abs(sum(answer.probs) - 1) < 1e-2


def _packed(prompt: Prompt, passages: Sequence[Passage]) -> tuple[bytes, bytes]:
    shown = {p.id: p for p in passages}
    kept = [asdict(shown[i]) for i in prompt.passage_ids if i in shown]
    packed = json.dumps(kept, ensure_ascii=False).encode()
    return zlib.compress(prompt.text.encode()), zlib.compress(packed)


def _passage(values: dict[str, object]) -> Passage:
    ways = values.get("found_by")
    return Passage(**{**values, "found_by": tuple(ways) if isinstance(ways, list) else ()})  # type: ignore[arg-type]


def _parts(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
