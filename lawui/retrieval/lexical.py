"""BM25 over character bigrams: no dictionary, no word splitter, right for any new law.

Bigrams of folded text (full-width to half-width, small kana to large: あつて = あって) are
numbered by a sorted array of codes, so that the whole index is a few arrays on disk that
are mapped, not read. Scoring and storage are bm25s's; only its index building, a Python
loop over every token, is done here on whole arrays.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lawui.retrieval.passages import kanji_number, well_formed

if TYPE_CHECKING:
    from bm25s import BM25

K1, B = 1.2, 0.75
CHUNK = 20_000  # documents counted at once: bounds memory, changes nothing else
_SMALL_KANA = str.maketrans("っゃゅょッャュョ", "つやゆよツヤユヨ")
_GAP = re.compile(r"[\W_]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_KANJI_NUMBER = re.compile("[一二三四五六七八九十百千〇]+")


def _empty() -> BM25:
    """bm25s without documents. Where JAX is installed bm25s starts it, which on a card would
    take three quarters of the memory for itself; nothing of it is used here."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    from bm25s import BM25

    return BM25(k1=K1, b=B, method="lucene", backend="numpy")


def fold(text: str) -> str:
    """Text as it is compared: NFKC, lower case, small kana large, numbers in ASCII digits
    (第二十七条 = 第２７条, 三分の一 = 3分の1), signs as one space."""
    folded = unicodedata.normalize("NFKC", well_formed(text)).lower().translate(_SMALL_KANA)
    folded = _KANJI_NUMBER.sub(lambda m: str(kanji_number(m.group())), folded)
    return _GAP.sub(" ", _THOUSANDS.sub("", folded)).strip()


def bigrams(text: str) -> np.ndarray:
    """The codes [bigrams] uint64 of every pair of neighbouring letters, signs between
    them excluded; in order, with repeats."""
    letters = np.frombuffer(fold(text).encode("utf-32-le"), np.uint32).astype(np.uint64)
    pairs = (letters[:-1] << np.uint64(21)) | letters[1:]
    space = letters == ord(" ")
    return pairs[~(space[:-1] | space[1:])]


class Lexical:
    """One BM25 index. `codes` [vocabulary] uint64 is sorted; a code's place is its id."""

    def __init__(self, bm25: BM25, codes: np.ndarray) -> None:
        self._bm25, self._codes = bm25, codes

    @classmethod
    def build(cls, texts: Iterable[str]) -> Lexical:
        """Indexes documents in order. Scores follow Lucene's BM25 (Kamphuis et al. 2020,
        "Which BM25 do you mean?", the variant bm25s calls `lucene`)."""
        bm25 = _empty()
        parts = list(_count(texts))
        documents = sum(len(p[0]) for p in parts)
        lengths = np.concatenate([p[0] for p in parts] or [np.zeros(0, np.float32)])
        codes = np.unique(np.concatenate([np.unique(p[2]) for p in parts] or [_no_codes()]))
        rows = np.concatenate([p[1] for p in parts] or [np.zeros(0, np.int32)])
        terms = np.concatenate(
            [np.searchsorted(codes, p[2]).astype(np.int32) for p in parts]
            or [np.zeros(0, np.int32)]
        )
        counts = np.concatenate([p[3] for p in parts] or [np.zeros(0, np.float32)])
        del parts
        order = np.argsort(terms, kind="stable")
        rows, counts = rows[order], counts[order]
        frequency = np.bincount(terms, minlength=len(codes))  # documents that hold a term
        del terms, order
        idf = np.log(1 + (documents - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
        norm = K1 * (1 - B + B * lengths / max(lengths.mean() if documents else 1.0, 1e-9))
        data = np.repeat(idf, frequency) * counts / (counts + norm[rows])
        bm25.scores = {
            "data": data.astype(np.float32),
            "indices": rows,
            "indptr": np.concatenate([[0], np.cumsum(frequency)]).astype(np.int64),
            "num_docs": documents,
        }
        bm25.vocab_dict, bm25.unique_token_ids_set = {}, set()
        bm25.nonoccurrence_array = None
        return cls(bm25, codes)

    def scores(self, codes: np.ndarray) -> np.ndarray:
        """[documents] float32: BM25 of each document for a set of bigram codes."""
        return self.scores_of_ids(self.ids(codes))

    def scores_of_parts(self, parts: list[np.ndarray]) -> list[np.ndarray]:
        """[documents] float32 a part. What all parts share is scored once."""
        sets = [self.ids(codes) for codes in parts]
        shared = reduce(np.intersect1d, sets)
        common = self.scores_of_ids(shared)
        return [common + self.scores_of_ids(np.setdiff1d(ids, shared)) for ids in sets]

    def scores_of_ids(self, ids: np.ndarray) -> np.ndarray:
        """[documents] float32 for terms by number, as `ids` gives them."""
        if not len(ids):
            return np.zeros(self.documents, np.float32)
        return self._bm25.get_scores_from_ids(ids)

    def ids(self, codes: np.ndarray) -> np.ndarray:
        """The numbers of the codes that the index knows, each once."""
        if not len(self._codes):
            return np.zeros(0, np.int64)
        codes = np.unique(codes)
        places = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        return places[self._codes[places] == codes]

    @property
    def documents(self) -> int:
        return int(self._bm25.scores["num_docs"])

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "codes.npy", self._codes)
        for name in ("data", "indices", "indptr"):
            np.save(folder / f"{name}.npy", self._bm25.scores[name])
        (folder / "params.json").write_text(json.dumps({"documents": self.documents}))

    @classmethod
    def open(cls, folder: Path) -> Lexical:
        """Maps a saved index into memory; pages are read as queries touch them."""
        bm25 = _empty()
        bm25.load_scores(
            folder,
            data_name="data.npy",
            indices_name="indices.npy",
            indptr_name="indptr.npy",
            num_docs=int(json.loads((folder / "params.json").read_text())["documents"]),
            mmap=True,
        )
        # plain views of the mapped arrays: a memmap's own slicing is slow
        for name in ("data", "indices", "indptr"):
            bm25.scores[name] = np.asarray(bm25.scores[name])
        bm25.nonoccurrence_array = None
        return cls(bm25, np.asarray(np.load(folder / "codes.npy", mmap_mode="r")))


def _no_codes() -> np.ndarray:
    return np.zeros(0, np.uint64)


def _count(
    texts: Iterable[str],
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yields (lengths [documents], document [n], code [n], count [n]) a chunk."""
    first, chunk = 0, []
    for text in texts:
        chunk.append(bigrams(text))
        if len(chunk) == CHUNK:
            yield _count_chunk(first, chunk)
            first, chunk = first + len(chunk), []
    if chunk:
        yield _count_chunk(first, chunk)


def _count_chunk(
    first: int, chunk: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    lengths = np.array([len(codes) for codes in chunk])
    codes, place = np.unique(np.concatenate(chunk), return_inverse=True)
    pairs = np.repeat(np.arange(len(chunk)), lengths) * len(codes) + place
    pairs, counts = np.unique(pairs, return_counts=True)
    size = max(len(codes), 1)
    return (
        lengths.astype(np.float32),
        (first + pairs // size).astype(np.int32),
        codes[pairs % size],
        counts.astype(np.float32),
    )
