"""The articles of an index: who owns which passage, what a law's name means, and which
article cites which."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from lawui.retrieval import citations
from lawui.retrieval.citations import Citation, LawNames, Place
from lawui.types import Article


class Library:
    """Articles by number, in the order they were given.

    `owners` [passages] int32 is the article of each passage; an article's passages are
    consecutive and `starts` [articles + 1] bounds them. `links` [n, 2] int32 holds, each
    once, (citing article, cited article); `laws` [articles] int32 numbers their laws.
    """

    def __init__(
        self,
        articles: list[tuple[str, str, bool]],  # law id, article, supplementary
        names: LawNames,
        owners: np.ndarray,
        links: np.ndarray,
    ) -> None:
        self.articles, self.names, self.owners, self.links = articles, names, owners, links
        self.starts = np.searchsorted(owners, np.arange(len(articles) + 1))
        law_ids = {law_id: number for number, law_id in enumerate(names.titles)}
        self.laws = np.array([law_ids[law_id] for law_id, _, _ in articles], np.int32)
        self._numbers: dict[tuple[str, str, bool], int] = {}
        for number, place in enumerate(articles):
            self._numbers.setdefault(place, number)

    @classmethod
    def build(cls, articles: Sequence[Article], owners: np.ndarray) -> Library:
        """Reads definitions and cross references out of the articles' texts."""
        titles = {a.law_id: a.law for a in articles}
        texts: dict[str, list[str]] = {law_id: [] for law_id in titles}
        for article in articles:
            texts[article.law_id] += article.paragraphs
        defined = {i: citations.definitions("\n".join(t), titles) for i, t in texts.items()}
        places = [(a.law_id, a.article, a.supplementary) for a in articles]
        library = cls(places, LawNames(titles, defined), owners, np.zeros((0, 2), np.int32))
        found = {
            (number, cited)
            for number, citation in library._references(articles)
            if (cited := library.number(citation)) is not None and cited != number
        }
        library.links = np.array(sorted(found), np.int32).reshape(-1, 2)
        return library

    def _references(self, articles: Sequence[Article]) -> Iterator[tuple[int, Citation]]:
        """Every citation in the main provisions; in 附則 第三条 alone is too ambiguous."""
        main = [(n, a) for n, a in enumerate(articles) if not a.supplementary]
        for _, law in groupby(main, key=lambda pair: pair[1].law_id):
            members = list(law)
            numbers = ["", *(a.article for _, a in members), ""]
            for order, (number, article) in enumerate(members):
                here = Place(
                    article.law_id,
                    article.article,
                    before=numbers[order],
                    after=numbers[order + 2],
                )
                for paragraph, text in enumerate(article.paragraphs, start=1):
                    place = replace(here, paragraph=str(paragraph))
                    for citation in citations.parse(text, self.names, place):
                        yield number, citation

    def number(self, citation: Citation) -> int | None:
        """The number of the cited article, or None where the library lacks it."""
        return self._numbers.get((citation.law_id, citation.article, citation.supplementary))

    def save(self, folder: Path) -> None:
        values = {
            "articles": self.articles,
            "titles": self.names.titles,
            "defined": self.names.defined,
        }
        text = json.dumps(values, ensure_ascii=False)
        (folder / "library.json").write_text(text, encoding="utf-8")
        np.save(folder / "owners.npy", self.owners)
        np.save(folder / "links.npy", self.links)

    @classmethod
    def open(cls, folder: Path) -> Library:
        values = json.loads((folder / "library.json").read_text(encoding="utf-8"))
        return cls(
            [(law_id, article, added) for law_id, article, added in values["articles"]],
            LawNames(values["titles"], values["defined"]),
            np.load(folder / "owners.npy", mmap_mode="r"),
            np.load(folder / "links.npy", mmap_mode="r"),
        )
