"""Shared parts: the embedded embedder, the sample ordinance and one index of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lawui.data.statutes import sample_articles
from lawui.retrieval import index
from lawui.retrieval.embedders import Embedder, load_embedder
from lawui.retrieval.hybrid import Searcher
from lawui.types import Article


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return load_embedder()


@pytest.fixture(scope="session")
def articles() -> list[Article]:
    return sample_articles()


@pytest.fixture(scope="session")
def sample_index(
    tmp_path_factory: pytest.TempPathFactory, articles: list[Article], embedder: Embedder
) -> Path:
    """A folder with the sample ordinance's index; read only."""
    folder = tmp_path_factory.mktemp("index")
    index.build(articles, folder, embedder)
    return folder


@pytest.fixture(scope="session")
def searcher(sample_index: Path, embedder: Embedder) -> Searcher:
    return Searcher.open(sample_index, embedder)
