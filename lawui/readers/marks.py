"""What readers think of an answer: their marks with a comment, one file a home.

One SQLite file, one row a reader, item and answerer; a later mark takes the place of the
earlier one. Several processes may share the file. The Score and the Ask tab write here.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, astuple, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from lawui.errors import UsageError, message
from lawui.readers.store import Store
from lawui.types import MARKS, Mark

LONGEST_COMMENT = 4_000
"""Characters of a comment; more is refused, not cut."""

KINDS = ("csv", "json")
_COLUMNS = tuple(f.name for f in fields(Mark))
_KEY = ("user", "source", "adapter", "evidence")
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)  # `set` is a word of SQL
_TABLE = f"""
CREATE TABLE IF NOT EXISTS marks (
  {", ".join(f'"{name}" TEXT NOT NULL' for name in _COLUMNS)}, PRIMARY KEY ({", ".join(_KEY)})
)
"""
_FORMULA = (*"=+-@＝＋－＠", "\t", "\r")


class Marks:
    """The marks of one home. Thread-safe; the file is made by the first mark."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store = Store(path, _TABLE, "marks.file")

    def put(self, mark: Mark) -> Mark:
        """Keep a mark in the place of the same reader's earlier one of this answer, and give
        it back with its time. Raises UsageError for an unknown mark or too long a comment."""
        if mark.mark not in MARKS:
            raise UsageError("marks.unknown", mark=mark.mark)
        if len(mark.comment) > LONGEST_COMMENT:
            raise UsageError("marks.too_long", n=len(mark.comment), limit=LONGEST_COMMENT)
        kept = replace(
            mark,
            comment=mark.comment.strip(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        places = ", ".join("?" * len(_COLUMNS))
        with self._store.open() as connection:
            connection.execute(f"INSERT OR REPLACE INTO marks VALUES ({places})", astuple(kept))
        return kept

    def remove(self, user: str, source: str, adapter: str, evidence: str) -> None:
        """Forget a reader's mark of one answer; nothing happens where there is none."""
        where = " AND ".join(f"{name} = ?" for name in _KEY)
        with self._store.open() as connection:
            connection.execute(
                f"DELETE FROM marks WHERE {where}", (user, source, adapter, evidence)
            )

    def list(self, source: str = "", user: str | None = None) -> tuple[Mark, ...]:
        """Marks, newest first: all, or those of one item (ファイル名), of one reader."""
        if not self._path.exists():
            return ()
        wanted = [(n, v) for n, v in (("source", source or None), ("user", user)) if v is not None]
        where = " AND ".join(f"{name} = ?" for name, _ in wanted) or "1"
        with self._store.open() as connection:
            rows = connection.execute(
                f"SELECT {_NAMES} FROM marks WHERE {where} ORDER BY created DESC, rowid DESC",
                [value for _, value in wanted],
            ).fetchall()
        return tuple(Mark(*row) for row in rows)

    def counts(self, sources: Sequence[str] | None = None) -> dict[str, int]:
        """How often each mark was given: every key of MARKS, over all items or `sources`."""
        among = None if sources is None else set(sources)
        found = Counter(m.mark for m in self.list() if among is None or m.source in among)
        return {name: found[name] for name in MARKS}

    def count(self, user: str) -> int:
        """How many marks a reader has given."""
        return len(self.list(user=user))

    def forget(self, user: str) -> int:
        """Delete every mark of a reader; returns how many there were."""
        if not self._path.exists():
            return 0
        with self._store.open() as connection:
            return connection.execute("DELETE FROM marks WHERE user = ?", (user,)).rowcount


def to_text(marks: Sequence[Mark], kind: str, lang: str) -> str:
    """Marks as `csv` (headings in `lang`, safe in Excel) or `json`."""
    if kind not in KINDS:
        raise UsageError("usage.export_kind", kind=kind)
    if kind == "json":
        return json.dumps([asdict(m) for m in marks], ensure_ascii=False, indent=1)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([message(f"marks.column.{name}", lang) for name in _COLUMNS])
    for mark in marks:
        shown = replace(mark, mark=message(f"marks.{mark.mark}", lang))
        writer.writerow([_harmless(value) for value in astuple(shown)])
    return "\ufeff" + out.getvalue()


def _harmless(value: str) -> str:
    """A cell that a spreadsheet would run as a formula (OWASP: CSV injection), made text."""
    return "'" + value if value.strip().startswith(_FORMULA) else value
