"""Search as `index search` does it, beside plain BM25 over the same passages.

The reference is what a newcomer would build with bm25s alone: character bigrams over whole
articles, stem and choices as one query. And what of a question's own text is among the passages
that a prompt shows: an article's rank does not tell whether the right item of it is there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lawui.data import headings, statutes

if TYPE_CHECKING:
    from lawui.lab import Lab

STRETCH = 8
"""Characters that are seldom alike by chance."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--set", default="selection", help="the questions that search is asked")


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """The keys of `index eval`, `own_text_shown`, and with a reference {"reference": the keys
    of `index eval`, "ratio_ms_p50"}."""
    ours = {**lab.index_evaluate(arguments.set), "own_text_shown": _shown(lab, arguments.set)}
    if arguments.against is None:
        return ours
    reference = _plain_bm25(lab, arguments.set)
    return {**ours, "reference": reference, "ratio_ms_p50": ours["ms_p50"] / reference["ms_p50"]}


def _plain_bm25(lab: Lab, set: str) -> dict[str, Any]:
    """bm25s as it comes, over whole articles cut into character bigrams."""
    import bm25s  # lawui/retrieval/lexical.py has imported it before: JAX stays off the card
    import numpy as np

    articles = statutes.read_library(statutes.source_folder(lab.data_dir)).articles
    places = [(a.law + ("附則" if a.supplementary else ""), a.article) for a in articles]
    index = bm25s.BM25()
    index.index([_bigrams("".join(a.paragraphs)) for a in articles], show_progress=False)
    found, milliseconds = [], []
    for question in lab.questions(set).questions:
        cited = headings.cited_articles(question)
        if not cited:
            continue
        began = time.perf_counter()
        rows, _ = index.retrieve([_bigrams(question.query)], k=100, show_progress=False)
        milliseconds.append((time.perf_counter() - began) * 1000)
        ranked = list(dict.fromkeys(places[row] for row in rows[0]))
        ranks = [ranked.index(place) + 1 if place in ranked else 101 for place in cited]
        found.append((min(ranks), max(ranks)))
    best, worst = np.array(found).T
    return {
        "questions": len(found),
        "any_at": {str(k): float(np.mean(best <= k)) for k in (1, 3, 5, 10)},
        "all_at": {str(k): float(np.mean(worst <= k)) for k in (5, 10)},
        "ms_p50": float(np.percentile(milliseconds, 50)),
        "ms_p95": float(np.percentile(milliseconds, 95)),
    }


def _shown(lab: Lab, name: str) -> float:
    """The share of an item's own text that stands in the passages shown with it, the mean of
    all items that have one: by stretches of STRETCH characters, numbers and signs folded."""
    from lawui.retrieval.lexical import fold

    def stretches(texts: Iterable[str]) -> set[str]:
        plain = [fold(text).replace(" ", "") for text in texts]
        return {t[at : at + STRETCH] for t in plain for at in range(len(t) - STRETCH + 1)}

    shares = []
    for question in {q.source: q for q in lab.questions(name).questions}.values():
        own = stretches(p.text for p in lab.passages(question, "given"))
        if own:
            shown = stretches(p.whole for p in lab.passages(question, "retrieved"))
            shares.append(len(own & shown) / len(own))
    return sum(shares) / len(shares) if shares else 0.0


def _bigrams(text: str) -> list[str]:
    return [text[at : at + 2] for at in range(len(text) - 1)]
