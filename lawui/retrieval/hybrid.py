"""Search: five ways to find an article, fused by weights; then its best passages.

A text of several lines (a stem and its choices) is searched as one part a choice, each
with the stem: a question's choices often rest on different articles. Every way gives each
article a value in [0, 1], 1 for the best of this query; their weighted sum ranks articles.

    lexical   BM25 over character bigrams, the best passage of the article, summed over parts
    article   BM25 over the whole article, summed over parts
    dense     cosine of the embedder's vectors (Chroma), best passage, summed over parts
    citation  the text names the article
    link      an article found by the ways above cites it or is cited by it: within the law,
              from a decree up to its act, or from an act down to its decree

With a reranker (rerank.py) the first passages are then put in the order of its scores. What a
choice names is among the passages shown where there is room: no other choice can be weighed
against it.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lawui.errors import RetrievalError
from lawui.retrieval import citations, index, lexical
from lawui.retrieval.citations import Citation
from lawui.retrieval.embedders import Embedder
from lawui.retrieval.library import Library
from lawui.retrieval.rerank import DEPTH, Reranker
from lawui.types import IndexInfo, Passage

LONGEST_QUERY = 4_000
"""Characters of a query that are searched with: ten times the longest question."""

MOST_PARTS = 8  # further lines of a text are searched together with the last
ENOUGH = 25.0
"""BM25 of the best passage a part from which a text's words count in full. A question of
lawqa_jp has more; 家賃の値上げを求められた hardly shares a word with the statutes, so that
`dense` must speak, and 第七条の二の規定について has none of its own beside the place."""

SURE = 1.5
"""Weighted sum of the other ways from which an article's links count in full."""

NEIGHBOURS = 100  # passages asked of Chroma a part
LINKING = 100  # articles whose links are followed

WEIGHTS: Mapping[str, float] = {
    "lexical": 1.6,
    "article": 0.2,
    "dense": 0.4,
    "citation": 0.7,
    "cited": 0.3,
    "upward": 0.7,
    "downward": 0.55,
}
"""Chosen by cross-validation over question groups: docs/retrieval.md has the table and
tests/retrieval/choose_weights.py makes it. `cited`, `upward` and `downward` are the kinds
of `link`."""

FIRST_STAGE = ("lexical", "article", "dense", "citation")
FLOOR = 0.9
"""How much of the last neighbour's cosine is taken off: what an embedder finds alike in all
texts says nothing."""

SHARE, DECAY = 0.7, 0.95
"""How much of its article's score a passage gets for the article alone, and what each
further passage of an article keeps: a definition of ninety items mustn't fill the list."""


HOLDS = 0.8
"""How far a passage that holds a place agrees with a citation of it: the very place is 1."""


@dataclass(frozen=True)
class Evidence:
    """What one query says about every article and passage.

    `ways` maps each name of `WEIGHTS` to [articles] float32 in [0, 1]; `passages`
    [passages] float32 tells passages of one article apart; `neighbours` are the passages
    that Chroma returned. `places` are those that choices name: for each its passages, those
    that say it best first.
    """

    ways: dict[str, np.ndarray]
    passages: np.ndarray
    neighbours: frozenset[int]
    places: tuple[tuple[int, ...], ...] = ()

    def fused(self, weights: Mapping[str, float] = WEIGHTS) -> np.ndarray:
        """[articles] float32 in [0, 1]: the weighted mean of the ways."""
        return _weighted(self.ways, weights) / max(sum(weights.values()), 1e-9)


class Searcher:
    """Searches one index. Thread-safe: everything is read-only after `open`."""

    def __init__(
        self,
        store: Path,
        embedder: Embedder,
        client: Any,
        collection: Any,
        chroma_url: str,
        reranker: Reranker | None,
    ) -> None:
        self.info: IndexInfo = index.info(store)
        self.reranker = reranker
        self._embedder, self._client, self._collection = embedder, client, collection
        self._chroma_url = chroma_url
        self._library = Library.open(store)
        self._links = _Links(self._library)
        self._passages = lexical.Lexical.open(store / "bm25-passages")
        self._articles = lexical.Lexical.open(store / "bm25-articles")
        self._offsets = np.load(store / "passages.offsets.npy", mmap_mode="r")
        with (store / "passages.jsonl").open("rb") as file:
            self._lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    @classmethod
    def open(
        cls,
        folder: Path,
        embedder: Embedder,
        chroma_url: str = "",
        reranker: Reranker | None = None,
    ) -> Searcher:
        """Opens the current index below `folder`.

        Raises RetrievalError: `retrieval.missing`, `retrieval.foreign` (made by another
        embedder), `retrieval.other_store` (local against server), `retrieval.old_format`,
        `retrieval.other_chroma`, `retrieval.damaged`, `retrieval.server`.
        Each sentence offers the rebuild.
        """
        store = index.current(folder)
        if store is None:
            raise RetrievalError("retrieval.missing", path=str(folder))
        manifest = index.verify(store)
        if (manifest.embedder, manifest.revision) != (embedder.name, embedder.revision):
            raise RetrievalError(
                "retrieval.foreign", path=str(store), made=manifest.embedder, asked=embedder.name
            )
        if manifest.server != bool(chroma_url):
            raise RetrievalError("retrieval.other_store", path=str(store))
        client, collection = index.open_collection(store, manifest, chroma_url)
        try:
            return cls(store, embedder, client, collection, chroma_url, reranker)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise RetrievalError("retrieval.damaged", path=str(store), reason=str(error)) from error

    def close(self) -> None:
        """Lets go of the Chroma store; the searcher can't search afterwards."""
        self._client.close()

    def search(self, text: str, k: int = 5) -> list[Passage]:
        """The `k` best passages, best first; an empty query finds nothing. A place that a
        choice (a line after the first) names stands in for the last of them where it is not
        among them.

        `score` is in [0, 1] and comparable within one answer; `found_by` names the ways
        that speak for the passage, of `lexical`, `dense`, `citation` and `link`. A reranker
        changes the order of the first `DEPTH` and nothing else; raises what it raises.
        """
        if k < 1 or not lexical.fold(text[:LONGEST_QUERY]):
            return []
        evidence = self.evidence(text)
        fused = evidence.fused()
        found = self._best(evidence, fused, k if self.reranker is None else max(k, DEPTH))
        if self.reranker is not None:
            found = _reranked(self.reranker, text, found)[:k]
        return self._with_places(found, evidence, fused, k) if found else []

    def _best(self, evidence: Evidence, fused: np.ndarray, k: int) -> list[tuple[int, Passage]]:
        """The `k` best rows and their passages, best first."""
        rows, scores = self._rows(best(fused, k), fused, evidence.passages)
        return [
            (int(rows[n]), self._passage(int(rows[n]), float(scores[n]), evidence))
            for n in np.argsort(-scores, kind="stable")[:k]
        ]

    def _with_places(
        self, found: list[tuple[int, Passage]], evidence: Evidence, fused: np.ndarray, k: int
    ) -> list[Passage]:
        """The passages found, the last that no choice names giving way to places that one
        names; the first stays."""
        kept = [row for row, _ in found]
        absent: list[int] = []
        needed = {kept[0]}
        for rows in evidence.places:
            own = next((row for row in (*kept, *absent) if row in rows), None)
            if own is None:
                absent.append(rows[0])
            else:
                needed.add(own)
        spare = [at for at, row in enumerate(kept) if row not in needed]
        room = k - len(found)
        absent = absent[: room + len(spare)]
        leaving = {*spare[min(len(spare), len(spare) + room - len(absent)) :]}
        added = []
        for row in absent:
            own_rows, scores = self._rows(self._library.owners[[row]], fused, evidence.passages)
            added.append(self._passage(row, float(scores[own_rows == row][0]), evidence))
        staying = [passage for at, (_, passage) in enumerate(found) if at not in leaving]
        return staying + sorted(added, key=lambda passage: -passage.score)

    def citations(self, text: str) -> list[Citation]:
        """What a text cites, in order; `law_id` is "" for a law that isn't in the library."""
        return citations.parse(text[:LONGEST_QUERY], self._library.names)

    def neighbours(self, passage: Passage) -> tuple[Passage | None, Passage | None]:
        """The passages right before and after one in its article, None at either end."""
        place = Citation(
            passage.law_id, passage.law, passage.article, supplementary=passage.supplementary
        )
        number = self._library.number(place)
        if number is None:
            return None, None
        own = [self._read(row) for row in self._rows_of(number)]
        at = next((n for n, other in enumerate(own) if other.id == passage.id), None)
        if at is None:
            return None, None
        return own[at - 1] if at else None, own[at + 1] if at + 1 < len(own) else None

    def evidence(self, text: str) -> Evidence:
        """Every way's word on every article, for a text that isn't empty."""
        text = text[:LONGEST_QUERY]
        parts = parts_of(text)
        lexical_rows, words, article = self._lexical(parts)
        dense_rows, dense, neighbours = self._dense(parts)
        cited_rows, cited, named = self._cited(text)
        enough = min(1.0, words.max(initial=0) / len(parts) / ENOUGH) ** 2
        ways = {
            "lexical": _relative(words) * enough,
            "article": _relative(article) * enough,
            "dense": _relative(dense) * (enough if cited.any() else 1),
            "citation": cited,
        }
        first = _weighted(ways, {name: WEIGHTS[name] for name in FIRST_STAGE})
        ways |= self._links.follow(first / max(first.max(initial=0), SURE))
        rows = _relative(lexical_rows) + 0.5 * _relative(dense_rows) + cited_rows
        places = (tuple(sorted(place, key=lambda row: (-rows[row], row))) for place in named)
        return Evidence(ways, rows, neighbours, tuple(dict.fromkeys(places)))

    def _lexical(self, parts: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """BM25 summed over parts: of passages, of articles by their best passage, and of
        whole articles."""
        codes = [lexical.bigrams(part) for part in parts]
        passages = self._passages.scores_of_parts(codes)
        by_passage = sum((self._best_passage(scores) for scores in passages), np.float32(0))
        whole = self._articles.scores_of_parts(codes)
        return np.sum(passages, 0), np.asarray(by_passage), np.sum(whole, 0)

    def _dense(self, parts: list[str]) -> tuple[np.ndarray, np.ndarray, frozenset[int]]:
        """Cosines above the floor summed over parts, 0 for who isn't among a part's
        neighbours: of passages, and of articles by their best; and the neighbours."""
        rows = np.zeros(self.info.passages, np.float32)
        articles = np.zeros(len(self._library.articles), np.float32)
        found: set[int] = set()
        for places, cosines in self._neighbours(parts):
            found.update(places.tolist())
            above = np.maximum(cosines - FLOOR * cosines.min(initial=1), 0)
            rows[places] += above
            own, group = np.unique(self._library.owners[places], return_inverse=True)
            best_of = np.zeros(len(own), np.float32)
            np.maximum.at(best_of, group, above)
            articles[own] += best_of
        return rows, articles, frozenset(found)

    def _neighbours(self, parts: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Chroma's nearest passages of each part and their cosines."""
        try:
            answer = self._collection.query(
                query_embeddings=self._embedder.encode_queries(parts),
                n_results=min(NEIGHBOURS, self.info.passages),
                include=["distances"],
            )
            return [
                (np.array([int(row) for row in ids]), 1 - np.array(distances, np.float32))
                for ids, distances in zip(answer["ids"], answer["distances"], strict=True)
            ]
        except Exception as error:
            key = "retrieval.server" if self._chroma_url else "retrieval.damaged"
            raise RetrievalError(
                key, path=self.info.path, url=self._chroma_url, reason=str(error)
            ) from error

    def _cited(self, text: str) -> tuple[np.ndarray, np.ndarray, list[list[int]]]:
        """[passages] and [articles]: 1 where the text names the place or the article; and the
        passages of the most exact place that each choice names."""
        library = self._library
        rows = np.zeros(self.info.passages, np.float32)
        articles = np.zeros(len(library.articles), np.float32)
        named: dict[int, tuple[int, list[int]]] = {}
        for citation in self.citations(text):
            number = library.number(citation)
            if number is None:
                continue
            articles[number] = 1
            own = [*self._rows_of(number)]
            exact = bool(citation.paragraph) + bool(citation.item)
            if exact:
                agreement = np.array([_agreement(citation, self._read(row)) for row in own])
                rows[own] = np.maximum(rows[own], agreement)
                most = max(agreement, default=0.0)
                own = [row for row, value in zip(own, agreement, strict=True) if value == most]
                if most < HOLDS:
                    continue
            line = text.count("\n", 0, citation.start)
            if line and own and exact > named.get(line, (-1, own))[0]:
                named[line] = exact, own
        return rows, articles, [own for _, own in named.values()]

    def _best_passage(self, scores: np.ndarray) -> np.ndarray:
        """[passages] -> [articles]: the score of each article's best passage."""
        starts = self._library.starts
        full = np.flatnonzero(starts[1:] > starts[:-1])
        found = np.zeros(len(self._library.articles), np.float32)
        found[full] = np.maximum.reduceat(scores, starts[full])
        return found

    def _rows(
        self, articles: np.ndarray, fused: np.ndarray, passages: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The passages of articles and their scores: an article's best passage gets its
        score, the others between `SHARE` of it and all of it, less by `DECAY` each."""
        starts, rows, scores = self._library.starts, [], []
        for article in articles:
            own = np.arange(starts[article], starts[article + 1])
            values = passages[own]
            top = values.max(initial=0)
            relative = values / top if top > 0 else (own == own.min(initial=0)).astype(np.float32)
            order = np.argsort(-relative, kind="stable")
            decay = DECAY ** np.arange(len(own))
            rows.append(own[order])
            scores.append(fused[article] * decay * (SHARE + (1 - SHARE) * relative[order]))
        if not rows:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        return np.concatenate(rows), np.concatenate(scores)

    def _rows_of(self, article: int) -> range:
        return range(self._library.starts[article], self._library.starts[article + 1])

    def _read(self, row: int) -> Passage:
        values = json.loads(self._lines[self._offsets[row] : self._offsets[row + 1]])
        return Passage(**values | {"found_by": ()})

    def _passage(self, row: int, score: float, evidence: Evidence) -> Passage:
        ways, article = evidence.ways, int(self._library.owners[row])
        words = ways["lexical"]
        speaks = {
            "citation": ways["citation"][article] > 0,
            "lexical": words[article] >= max(0.5 * float(words.max()), 1e-9),
            "dense": row in evidence.neighbours,
            "link": max(ways[name][article] for name in ("cited", "upward", "downward")) >= 0.5,
        }
        found_by = tuple(name for name, holds in speaks.items() if holds) or ("lexical",)
        return replace(self._read(row), score=score, found_by=found_by)


class _Links:
    """Follows cross references from the best articles."""

    def __init__(self, library: Library) -> None:
        self._laws = library.laws
        self._size = len(library.articles)
        self._down = np.asarray(library.links)  # sorted by the citing article
        self._up = self._down[np.argsort(self._down[:, 1], kind="stable")]
        numbers = np.arange(self._size + 1)
        self._down_starts = np.searchsorted(self._down[:, 0], numbers)
        self._up_starts = np.searchsorted(self._up[:, 1], numbers)

    def follow(self, first: np.ndarray) -> dict[str, np.ndarray]:
        """[articles] a kind: the squared value of the best article that cites it within
        the law (`cited`), cites it from another law (`upward`: decree to act), or that it
        cites in another law (`downward`: act to decree). Squared, so that only the best
        articles speak for others."""
        ways = {k: np.zeros(self._size, np.float32) for k in ("cited", "upward", "downward")}
        for number in best(first, LINKING):
            value = first[number] ** 2
            cited = self._down[self._down_starts[number] : self._down_starts[number + 1], 1]
            same = self._laws[cited] == self._laws[number]
            for name, targets in (("cited", cited[same]), ("upward", cited[~same])):
                ways[name][targets] = np.maximum(ways[name][targets], value)
            citing = self._up[self._up_starts[number] : self._up_starts[number + 1], 0]
            targets = citing[self._laws[citing] != self._laws[number]]
            ways["downward"][targets] = np.maximum(ways["downward"][targets], value)
        return ways


def parts_of(text: str) -> list[str]:
    """The parts that a text is searched as: each line after the first together with the
    first; a text of one line is its own only part."""
    lines = [line for line in text.splitlines() if lexical.fold(line)]
    if len(lines) < 2:
        return [text]
    stem, *choices = lines
    if len(choices) > MOST_PARTS:
        choices = [*choices[: MOST_PARTS - 1], " ".join(choices[MOST_PARTS - 1 :])]
    return [f"{stem}\n{choice}" for choice in choices]


def best(scores: np.ndarray, k: int) -> np.ndarray:
    """Places of the `k` highest positive scores, best first, ties by place."""
    places = np.arange(len(scores))
    if k < len(scores):
        places = np.sort(np.argpartition(-scores, k)[:k])
    places = places[np.argsort(-scores[places], kind="stable")]
    return places[scores[places] > 0]


def _reranked(
    reranker: Reranker, text: str, found: list[tuple[int, Passage]]
) -> list[tuple[int, Passage]]:
    """The first `DEPTH` passages by the reranker's scores, ties as they were; then the rest."""
    first = found[:DEPTH]
    # A paragraph seldom names its own law and subject.
    texts = [f"{p.citation()} {p.caption}\n{p.text}" for _, p in first]
    order = np.argsort(-reranker.scores(text[:LONGEST_QUERY], texts), kind="stable")
    return [first[n] for n in order] + found[DEPTH:]


def _weighted(ways: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """The weighted sum [articles] of the ways that `weights` names."""
    values = np.stack([ways[name] for name in weights])
    return np.array(list(weights.values()), np.float32) @ values


def _relative(scores: np.ndarray) -> np.ndarray:
    """Scores over the highest of them; all zero where none is positive."""
    top = scores.max(initial=0)
    return scores / top if top > 0 else np.zeros_like(scores)


def _agreement(citation: Citation, passage: Passage) -> float:
    """1 for the very place that is cited, less for one that holds it or is within it."""
    # An article of one paragraph is cited without it: 第二条の十三第一号.
    if (citation.paragraph or "1") != passage.paragraph:
        return 0.0
    if not citation.item or citation.item == passage.item:
        return 1.0
    return HOLDS if not passage.item else 0.3
