"""Search: dense and lexical rankings fused into one list of passages."""

from __future__ import annotations

import json
import mmap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lawui.errors import RetrievalError
from lawui.retrieval import index, lexical
from lawui.retrieval.embedders import Embedder
from lawui.retrieval.library import Library
from lawui.types import IndexInfo, Passage

LONGEST_QUERY = 4_000
"""Characters of a query that are searched with: ten times the longest question."""


class Searcher:
    """Searches one index. Thread-safe: everything is read-only after `open`."""

    def __init__(self, store: Path, embedder: Embedder, collection: Any) -> None:
        self.info: IndexInfo = index._info(store)
        self._embedder, self._collection = embedder, collection
        self._library = Library.open(store)
        self._passages = lexical.Lexical.open(store / "bm25-passages")
        self._articles = lexical.Lexical.open(store / "bm25-articles")
        self._offsets = np.load(store / "passages.offsets.npy", mmap_mode="r")
        with (store / "passages.jsonl").open("rb") as file:
            self._lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    @classmethod
    def open(cls, folder: Path, embedder: Embedder, chroma_url: str = "") -> Searcher:
        """Opens the current index below `folder`.

        Raises RetrievalError: `retrieval.missing`, `retrieval.foreign` (made by another
        embedder), `retrieval.other_store` (local against server), `retrieval.old_format`,
        `retrieval.damaged`, `retrieval.server`. Each sentence offers the rebuild.
        """
        store = index.current(folder)
        if store is None:
            raise RetrievalError("retrieval.missing", path=str(folder))
        manifest = index.verify(store)
        if (manifest.embedder, manifest.revision) != (embedder.name, embedder.revision):
            raise RetrievalError(
                "retrieval.foreign", path=str(store), made=manifest.embedder, asked=embedder.name
            )
        if store.name.endswith("-server") != bool(chroma_url):
            raise RetrievalError("retrieval.other_store", path=str(store))
        collection = index.open_collection(store, manifest, chroma_url)
        try:
            return cls(store, embedder, collection)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise RetrievalError("retrieval.damaged", path=str(store), reason=str(error)) from error

    def search(self, text: str, k: int = 5) -> list[Passage]:
        """The `k` best passages, best first; an empty query finds nothing."""
        text = text[:LONGEST_QUERY]
        if k < 1 or not lexical.fold(text):
            return []
        codes = lexical.bigrams(text)
        fused = np.zeros(len(self._library.owners), np.float32)
        ways: dict[int, list[str]] = {}
        for way, rows in (
            ("bm25", _best(self._passages.scores(codes), 200)),
            ("bm25-article", self._of_articles(_best(self._articles.scores(codes), 100))),
            ("dense", self._dense(text)),
        ):
            for rank, row in enumerate(rows):
                fused[row] += 1 / (60 + rank)
                ways.setdefault(int(row), []).append(way)
        order = _best(fused, k)
        return [self._passage(int(r), float(fused[r]), tuple(ways.get(int(r), ()))) for r in order]

    def _of_articles(self, articles: np.ndarray) -> np.ndarray:
        starts = self._library.starts
        return np.array([starts[a] for a in articles if starts[a] < starts[a + 1]], np.int64)

    def _dense(self, text: str) -> np.ndarray:
        vector = self._embedder.encode_queries([text])
        try:
            answer = self._collection.query(
                query_embeddings=vector, n_results=min(100, self.info.passages), include=[]
            )
        except Exception as error:
            raise RetrievalError(
                "retrieval.damaged", path=self.info.path, reason=str(error)
            ) from error
        return np.array([int(row) for row in answer["ids"][0]], np.int64)

    def _passage(self, row: int, score: float, ways: tuple[str, ...]) -> Passage:
        line = self._lines[self._offsets[row] : self._offsets[row + 1]]
        values = json.loads(line)
        return replace(Passage(**values), score=score, found_by=ways)


def _best(scores: np.ndarray, k: int) -> np.ndarray:
    """Places of the `k` highest positive scores, best first, ties by place."""
    places = np.arange(len(scores))
    if k < len(scores):
        places = np.sort(np.argpartition(-scores, k)[:k])
    places = places[np.argsort(-scores[places], kind="stable")]
    return places[scores[places] > 0]
