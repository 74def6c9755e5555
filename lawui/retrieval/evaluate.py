"""`index eval`: how often search finds the articles that a question's context cites."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lawui.errors import RetrievalError
from lawui.retrieval.hybrid import Searcher
from lawui.types import Passage, Question

ANY_AT, ALL_AT = (1, 3, 5, 10), (5, 10)
PASSAGES = 100
"""Passages asked for, so that at least ten distinct articles are among them."""

Cited = Callable[[Question], set[tuple[str, str]]]


def ranked_articles(passages: Sequence[Passage]) -> list[tuple[str, str]]:
    """The distinct (law, article) of passages in their order; 附則 count as their own."""
    places = [(p.law + ("附則" if p.supplementary else ""), p.article) for p in passages]
    return list(dict.fromkeys(places))


def evaluate(searcher: Searcher, questions: Sequence[Question], cited: Cited) -> dict[str, Any]:
    """The keys of `index eval --json`: shares in [0, 1] over the questions that cite an
    article, and milliseconds of the very `search` calls that were ranked.

    `any_at[k]`: one cited article is among the first k distinct articles; `all_at[k]`:
    every one is. `reranker` is there where one is set. Raises RetrievalError
    `retrieval.nothing_to_evaluate` without questions.
    """
    wanted = [(q, c) for q in questions if (c := cited(q))]
    if not wanted:
        raise RetrievalError("retrieval.nothing_to_evaluate")
    searcher.search(wanted[0][0].query)  # the first call opens files: not part of a search
    ranks, milliseconds = [], []
    for question, places in wanted:
        began = time.perf_counter()
        passages = searcher.search(question.query, k=PASSAGES)
        milliseconds.append((time.perf_counter() - began) * 1000)
        order = {place: rank for rank, place in enumerate(ranked_articles(passages), start=1)}
        ranks.append([order.get(place, PASSAGES + 1) for place in places])
    best, worst = np.array([min(r) for r in ranks]), np.array([max(r) for r in ranks])
    return {
        "questions": len(wanted),
        "any_at": {str(k): float(np.mean(best <= k)) for k in ANY_AT},
        "all_at": {str(k): float(np.mean(worst <= k)) for k in ALL_AT},
        "ms_p50": float(np.percentile(milliseconds, 50)),
        "ms_p95": float(np.percentile(milliseconds, 95)),
        "embedder": searcher.info.embedder,
        **({"reranker": searcher.reranker.name} if searcher.reranker else {}),
    }
