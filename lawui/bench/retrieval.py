"""Search as `index search` does it, beside plain BM25 over the same passages.

The reference is what a newcomer would build with bm25s alone: character bigrams over whole
articles, stem and choices as one query.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from lawui.data import headings, statutes

if TYPE_CHECKING:
    from lawui.lab import Lab


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--set", default="selection", help="the questions that search is asked")


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """The keys of `index eval`, and with a reference {"reference": the same, "ratio_ms_p50"}."""
    ours = lab.index_evaluate(arguments.set)
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


def _bigrams(text: str) -> list[str]:
    return [text[at : at + 2] for at in range(len(text) - 1)]
