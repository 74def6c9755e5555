"""Chooses `hybrid.WEIGHTS` and prints the tables of docs/retrieval.md.

    LAWUI_DATA=... python -m tests.retrieval.choose_weights [--home DIR] [--embedder NAME]

Weights are fitted by maximum likelihood (softmax over all articles, mean over the cited
ones) on four fifths of the question groups and measured on the last, five times, twice.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from lawui.data.headings import cited_articles
from lawui.data.questions import folds, load_set
from lawui.data.statutes import read_folder, source_folder
from lawui.retrieval import index
from lawui.retrieval.embedders import load_embedder
from lawui.retrieval.hybrid import WEIGHTS, Searcher
from lawui.types import Question

SUBSETS: dict[str, tuple[str, ...]] = {
    "passages (BM25, choice by choice)": ("lexical",),
    "articles (BM25, choice by choice)": ("article",),
    "dense": ("dense",),
    "named places": ("citation",),
    "passages + articles": ("lexical", "article"),
    "passages + dense": ("lexical", "dense"),
    "passages + named places": ("lexical", "citation"),
    "passages + articles + dense + named places": ("lexical", "article", "dense", "citation"),
    "+ links within a law": ("lexical", "article", "dense", "citation", "cited"),
    "+ links between act and decree": (
        "lexical", "article", "dense", "citation", "upward", "downward",
    ),
    "everything": tuple(WEIGHTS),
}  # fmt: skip
SHARPNESS, PENALTY = 5.0, 0.01


def collect(searcher: Searcher, questions: Sequence[Question]) -> tuple[np.ndarray, list]:
    """[questions, ways, articles] and the numbers of the cited articles of each question."""
    library = searcher._library
    titles = {law: law_id for law_id, law in library.names.titles.items()}
    numbers = {place: n for n, place in reversed(list(enumerate(library.articles)))}
    values, gold = [], []
    for question in questions:
        ways = searcher.evidence(question.query).ways
        values.append(np.stack([ways[name] for name in WEIGHTS]))
        places = [(titles.get(law, ""), a, False) for law, a in cited_articles(question)]
        gold.append(np.array([numbers.get(place, -1) for place in places]))
    return np.stack(values), gold


def figures(scores: np.ndarray, gold: list[np.ndarray]) -> np.ndarray:
    """any@1, any@3, any@5, any@10, all@5, all@10 of scores [questions, articles]."""
    order = np.argsort(-scores, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(scores.shape[1])[None, :], 1)
    found = [ranks[n][g[g >= 0]] for n, g in enumerate(gold)]
    first = np.array([f.min(initial=10**6) for f in found])
    last = np.array(
        [f.max(initial=0) if (g >= 0).all() else 10**6 for f, g in zip(found, gold, strict=True)]
    )
    return np.array(
        [(first < k).mean() for k in (1, 3, 5, 10)] + [(last < k).mean() for k in (5, 10)]
    )


def fit(values: np.ndarray, gold: list[np.ndarray]) -> np.ndarray:
    """Non-negative weights [ways] of greatest likelihood."""
    data = torch.from_numpy(values)
    raw = torch.zeros(values.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([raw], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        weights = torch.nn.functional.softplus(raw)
        logs = torch.log_softmax(SHARPNESS * torch.einsum("w,qwa->qa", weights, data), 1)
        terms = [logs[n, g[g >= 0]].mean() for n, g in enumerate(gold) if (g >= 0).any()]
        total = -torch.stack(terms).mean() + PENALTY * (weights**2).sum()
        total.backward()
        return total

    optimizer.step(loss)  # type: ignore[arg-type]
    return torch.nn.functional.softplus(raw).detach().numpy()


def cross_validated(
    values: np.ndarray, gold: list[np.ndarray], questions: Sequence[Question]
) -> np.ndarray:
    """The figures of held-out groups, the mean of two ways to cut five folds."""
    results = []
    for seed in (0, 1):
        scores = np.zeros((len(questions), values.shape[2]), np.float32)
        for held in folds(questions, 5, seed):
            out = np.array([q.group in held for q in questions])
            weights = fit(values[~out], [g for g, o in zip(gold, out, strict=True) if not o])
            scores[out] = np.einsum("w,qwa->qa", weights, values[out])
        results.append(figures(scores, gold))
    return np.mean(results, 0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "lawui-index")
    parser.add_argument("--embedder", default="embedded")
    arguments = parser.parse_args()
    data = Path(os.environ["LAWUI_DATA"])
    embedder = load_embedder(arguments.embedder)
    index.build(read_folder(source_folder(data)), arguments.home, embedder)
    searcher = Searcher.open(arguments.home, embedder)
    questions = [q for q in load_set("selection", data).questions if cited_articles(q)]
    values, gold = collect(searcher, questions)
    names = list(WEIGHTS)
    print(
        "| ways | any@1 | any@3 | any@5 | any@10 | all@5 | all@10 |\n|---|---|---|---|---|---|---|"
    )
    for title, subset in SUBSETS.items():
        part = values[:, [names.index(name) for name in subset]]
        row = cross_validated(part, gold, questions)
        print(f"| {title} |", " | ".join(f"{x:.3f}" for x in row), "|", flush=True)
    shipped = np.einsum("w,qwa->qa", np.array(list(WEIGHTS.values()), np.float32), values)
    row = figures(shipped, gold)
    print("| everything, the weights shipped |", " | ".join(f"{x:.3f}" for x in row), "|")
    fitted = fit(values, gold)
    print("fitted on all:", {n: round(float(w), 2) for n, w in zip(names, fitted, strict=True)})
    bare = [n for n in range(len(questions)) if not values[n, names.index("citation")].any()]
    row = figures(shipped[bare], [gold[n] for n in bare])
    print(f"{len(bare)} questions that name no article:", " ".join(f"{x:.3f}" for x in row))


if __name__ == "__main__":
    main()
