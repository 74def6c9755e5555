"""Statutes as articles: from JSON lines (one article a line) and from e-Gov XML."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lawui.errors import DataError
from lawui.types import Article

SAMPLE = Path(__file__).parent / "sample"
_TEXT_FIELDS = ("law_id", "law", "article", "label", "caption", "anchor", "url", "asof")


def read_jsonl(path: Path) -> Iterator[Article]:
    """The articles of a `.jsonl` or `.jsonl.gz` file, one a line.

    Raises DataError for a missing or damaged file, naming the line.
    """
    number = 0
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):  # noqa: B007
                if line.strip():
                    yield _from_record(json.loads(line))
    except FileNotFoundError as error:
        raise DataError("data.missing_file", path=path) from error
    except (ValueError, TypeError, KeyError, EOFError, OSError, zlib.error) as error:
        raise DataError("data.bad_statute_line", path=path, line=number) from error


def read_folder(folder: Path) -> list[Article]:
    """Every statute of a folder: its JSON lines, laws in the order of their ids.

    Where the folder has a subfolder `statutes`, that is read and nothing else.
    Raises DataError where there is no statute.
    """
    inner = folder / "statutes"
    place = inner if inner.is_dir() else folder
    files = _statute_files(place)
    if not files:
        raise DataError("data.no_statutes", path=place)
    laws: dict[str, list[Article]] = {}
    for path in files:
        found: dict[str, list[Article]] = {}
        for article in read_jsonl(path):
            found.setdefault(article.law_id, []).append(article)
        for law_id, articles in found.items():
            laws.setdefault(law_id, articles)
    return [article for law_id in sorted(laws) for article in laws[law_id]]


def source_folder(data_dir: Path | None) -> Path:
    """The folder that an index is built from: the data folder's statutes, or the
    sample's where there is no data folder."""
    if data_dir is None:
        return SAMPLE
    inner = data_dir / "statutes"
    return inner if inner.is_dir() else data_dir


def sample_articles() -> list[Article]:
    """The articles of the fictional ordinance that ships with the project."""
    return list(read_jsonl(SAMPLE / "statutes.jsonl"))


def _from_record(record: dict[str, Any]) -> Article:
    if not record["law_id"] or not record["law"]:
        raise ValueError("a statute without a law")
    return Article(
        **{name: str(record.get(name) or "") for name in _TEXT_FIELDS},
        headings=tuple(record.get("headings") or ()),
        paragraphs=tuple(record["paragraphs"]),
        supplementary=bool(record.get("supplementary", False)),
    )


def _statute_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.name.endswith((".jsonl", ".jsonl.gz")))
