"""The endpoints of what is one's own: marks, and all that a lab keeps of its reader."""

from __future__ import annotations

from dataclasses import asdict

from lawui.lab import Lab
from lawui.readers.marks import to_text
from lawui.types import to_json
from lawui.ui import access
from lawui.ui.json_values import JSON


class MineApi:
    """A part of `Api`: see there."""

    _lab: Lab

    def mark(self, run: str, item: str, mark: str, comment: str = "") -> JSON:
        """Mark an answer of a score: agree, disagree, gold_doubtful or statute_changed."""
        return to_json(self._lab.mark(self._lab.mark_of(run, item, mark, comment, access.reader())))

    def mark_remove(self, source: str, adapter: str = "base", evidence: str = "none") -> int:
        """Forget one's own mark of an answer to an item (its source); gives how many of one's
        marks are left."""
        self._lab.mark_remove(access.reader(), source, adapter, evidence)
        return len(self._lab.marks(user=access.reader()))

    def marks(self, source: str = "") -> list[JSON]:
        """One's own marks: all, or of one item (its source). Where nobody logs in they are
        everybody's."""
        return [to_json(mark) for mark in self._lab.marks(source)]

    def marks_export(self, kind: str = "csv", lang: str = "ja") -> str:
        """The same marks as the text of a file: `csv`, safe in Excel, or `json`."""
        return to_text(self._lab.marks(), kind, lang)

    def marks_counts(self) -> JSON:
        """How often each mark was given, by all readers together."""
        return dict(self._lab.marks_counts())

    def my_data(self) -> JSON:
        """How much the lab keeps of whoever asks, by kind and in `total`, and for how many
        days what a visit saw is kept (0: for good)."""
        kept = self._lab.kept(access.reader())
        return {**asdict(kept), "total": kept.total, "keep_days": self._lab.keep_days}

    def my_data_delete(self, total: int) -> JSON:
        """Delete all of it for good. `total` confirms it: what /my_data gave. Gives what was
        deleted."""
        gone = self._lab.forget(access.reader(), total)
        return {**asdict(gone), "total": gone.total}
