"""The articles of an index: who owns which passage, and how to find one by its place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lawui.types import Article, Passage


class Library:
    """Articles by number. `owners` [passages] int32 gives each passage's article; the
    passages of an article are consecutive, `starts` [articles + 1] bounds them."""

    def __init__(self, records: list[list], owners: np.ndarray) -> None:
        self.records, self.owners = records, owners
        self.starts = np.searchsorted(owners, np.arange(len(records) + 1))
        self._places = {
            (law_id, article): number
            for number, (law_id, _, article, supplementary) in reversed(list(enumerate(records)))
            if not supplementary
        }

    @classmethod
    def build(
        cls, articles: Sequence[Article], owners: np.ndarray, passages: Sequence[Passage]
    ) -> Library:
        return cls([[a.law_id, a.law, a.article, a.supplementary] for a in articles], owners)

    def number(self, law_id: str, article: str) -> int | None:
        """The number of an article of the main provision."""
        return self._places.get((law_id, article))

    def save(self, folder: Path) -> None:
        text = json.dumps(self.records, ensure_ascii=False)
        (folder / "library.json").write_text(text, encoding="utf-8")
        np.save(folder / "owners.npy", self.owners)

    @classmethod
    def open(cls, folder: Path) -> Library:
        records = json.loads((folder / "library.json").read_text(encoding="utf-8"))
        return cls(records, np.load(folder / "owners.npy", mmap_mode="r"))
