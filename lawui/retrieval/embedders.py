"""Embedders: text -> unit vectors. One line in `PREFIXES` registers a family's prefixes.

`embedded` is the model that the project makes by recipe (embedded/recipe.py). Any
sentence-transformers folder or hub name works beside it; nothing is downloaded here
unless `offline` is false.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lawui.errors import RetrievalError
from lawui.retrieval.passages import well_formed

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

EMBEDDED = "embedded"
EMBEDDED_PATH = Path(__file__).parent / "embedded" / "weights"
PREFIXES: dict[str, tuple[str, str]] = {
    # part of a model's name -> what its makers put before a query and before a passage
    "multilingual-e5": ("query: ", "passage: "),
    "ruri-v3": ("検索クエリ: ", "検索文書: "),
    "bge-m3": ("", ""),
}
LONGEST_TEXT = 4_000
"""Characters of a text that are embedded: more only blurs a mean of token vectors."""


class Embedder:
    """A sentence-transformers model with its prefixes. Thread-safe: encoding only reads."""

    def __init__(self, name: str, model: SentenceTransformer, revision: str) -> None:
        self.name, self.revision, self._model = name, revision, model
        self.query_prefix, self.passage_prefix = prefixes(name)
        self.dim = int(model.encode(["条"], show_progress_bar=False).shape[1])

    def encode_queries(self, texts: list[str]) -> np.ndarray:
        """[n, dim] float32, unit length; a text without any known token gives zeros."""
        return self._encode([self.query_prefix + t[:LONGEST_TEXT] for t in texts])

    def encode_passages(self, texts: list[str]) -> np.ndarray:
        """[n, dim] float32, unit length; a text without any known token gives zeros."""
        return self._encode([self.passage_prefix + t[:LONGEST_TEXT] for t in texts])

    def _encode(self, texts: list[str]) -> np.ndarray:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        vectors: Any = self._model.encode(
            [well_formed(text) for text in texts],
            batch_size=64,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        vectors = np.nan_to_num(vectors.astype(np.float32))
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(norms, 1e-12)


def prefixes(name: str) -> tuple[str, str]:
    """What goes before a query and before a passage for the model called `name`."""
    last = Path(name).name.lower()
    for family, pair in PREFIXES.items():
        if family in last:
            return pair
    return "", ""


def load_embedder(
    name: str = EMBEDDED, *, offline: bool = True, device: str | None = None
) -> Embedder:
    """Loads `embedded`, a local folder, or (with `offline=False`) a model of the hub.

    Raises RetrievalError `retrieval.embedder_missing` where it isn't at hand and
    `retrieval.embedder_broken` where its files can't be read.
    """
    path = EMBEDDED_PATH if name == EMBEDDED else Path(name)
    if name == EMBEDDED or path.is_dir():
        return Embedder(name, _load(name, str(path), True, device), folder_revision(path))
    model = _load(name, name, offline, device)
    return Embedder(name, model, _hub_revision(model))


def _load(name: str, source: str, offline: bool, device: str | None) -> SentenceTransformer:
    try:
        _refuse_pickle(Path(source))
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(
            source,
            local_files_only=offline,
            device=device or ("cpu" if name == EMBEDDED else None),
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        ).float()
    except Exception as error:
        key = "broken" if Path(source).is_dir() else "missing"
        raise RetrievalError(
            f"retrieval.embedder_{key}", embedder=name, reason=str(error)[:300]
        ) from error


def _refuse_pickle(folder: Path) -> None:
    """Raises ValueError for weights that only a pickle holds: reading one can run anything."""
    for path in folder.rglob("pytorch_model*.bin") if folder.is_dir() else ():
        if not list(path.parent.glob("*.safetensors")):
            raise ValueError(f"{path.name}: only safetensors are read, never a pickle")


def folder_revision(folder: Path) -> str:
    """A hash over every file of a model's folder: other weights are another embedder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".md"):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _hub_revision(model: SentenceTransformer) -> str:
    first: Any = model[0]
    config = getattr(getattr(first, "auto_model", None), "config", None)
    return str(getattr(config, "_commit_hash", None) or "unknown")
