"""What a lab keeps for its readers: one SQLite file a home, one row a thing, by user.

`user` is the log-in name, "" where nobody logs in. Nobody reads another's: every method
that reads takes the user. Several processes may share the file.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lawui.errors import HostError

_TABLES = """
CREATE TABLE IF NOT EXISTS own_sets (user TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS own_questions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user TEXT NOT NULL, sample TEXT NOT NULL, created TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS own_questions_by_user ON own_questions (user);
CREATE TABLE IF NOT EXISTS visits (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user TEXT NOT NULL, visit TEXT NOT NULL, entry TEXT NOT NULL, created TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS visits_by_visit ON visits (user, visit);
CREATE TABLE IF NOT EXISTS views (
  user TEXT NOT NULL, visit TEXT NOT NULL, view TEXT NOT NULL, created TEXT NOT NULL,
  PRIMARY KEY (user, visit)
);
"""
TABLES = ("own_sets", "own_questions", "visits", "views")
_BUSY_SECONDS = 10.0


class Store:
    """One SQLite file with its `tables`. Thread-safe; it is made by the first thing kept. `fault`
    is the message where it cannot be read or written."""

    def __init__(self, path: Path, tables: str = _TABLES, fault: str = "store.file") -> None:
        self._path = path
        self._tables, self._fault = tables, fault
        self._lock = threading.Lock()

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """One transaction. Raises HostError for a file that cannot be read or written."""
        try:
            with self._lock:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                opened = sqlite3.connect(self._path, timeout=_BUSY_SECONDS)
                with closing(opened) as connection, connection:
                    # What is deleted is overwritten, not just let go.
                    connection.executescript("PRAGMA secure_delete = ON;" + self._tables)
                    yield connection
        except (sqlite3.Error, OSError) as error:
            raise HostError(self._fault, path=str(self._path), reason=str(error)) from error

    def read(self, query: str, *values: str | int) -> list[tuple[str, ...]]:
        """The rows of a query; none where nothing was ever kept."""
        if not self._path.exists():
            return []
        with self.open() as connection:
            return connection.execute(query, values).fetchall()

    def forget(self, user: str) -> None:
        """Delete everything of a user's."""
        if self._path.exists():
            with self.open() as connection:
                for table in TABLES:
                    connection.execute(f"DELETE FROM {table} WHERE user = ?", (user,))


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
