"""Embedders: text -> unit vectors. One line in `PREFIXES` registers a family's prefixes.

`embedded` is the model that the project makes by recipe (embedded/recipe.py). Any
sentence-transformers folder or hub name works beside it; nothing is downloaded here
unless `offline` is false.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lawui.errors import RetrievalError
from lawui.retrieval.passages import well_formed

if TYPE_CHECKING:
    from tokenizers import Tokenizer

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

Encode = Callable[[list[str]], np.ndarray]
"""Texts -> [texts, dim], of any length."""


class Embedder:
    """A model with its prefixes. Thread-safe: encoding only reads."""

    def __init__(self, name: str, encode: Encode, revision: str) -> None:
        self.name, self.revision, self.encode = name, revision, encode
        self.query_prefix, self.passage_prefix = prefixes(name)
        self.dim = int(encode(["条"]).shape[1])

    def encode_queries(self, texts: list[str]) -> np.ndarray:
        """[n, dim] float32, unit length; a text without any known token gives zeros."""
        return self._unit([self.query_prefix + t[:LONGEST_TEXT] for t in texts])

    def encode_passages(self, texts: list[str]) -> np.ndarray:
        """[n, dim] float32, unit length; a text without any known token gives zeros."""
        return self._unit([self.passage_prefix + t[:LONGEST_TEXT] for t in texts])

    def _unit(self, texts: list[str]) -> np.ndarray:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        vectors = self.encode([well_formed(text) for text in texts])
        vectors = np.nan_to_num(vectors.astype(np.float32))
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(norms, 1e-12)


class StaticModel:
    """A sentence-transformers StaticEmbedding read without sentence-transformers or torch,
    whose import takes seconds: the mean of the tokens' vectors. A test holds it equal."""

    def __init__(self, tokenizer: Tokenizer, table: np.ndarray) -> None:
        self._tokenizer, self._table = tokenizer, table

    @classmethod
    def read(cls, folder: Path) -> StaticModel:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        weights = load_file(folder / "model.safetensors")["embedding.weight"]
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        if tokenizer.get_vocab_size() > len(weights):
            raise ValueError("tokenizer.json does not belong to model.safetensors")
        return cls(tokenizer, weights.astype(np.float32))

    def __call__(self, texts: list[str]) -> np.ndarray:
        encodings = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        vectors = np.zeros((len(texts), self._table.shape[1]), np.float32)
        for row, encoding in enumerate(encodings):
            if encoding.ids:
                vectors[row] = self._table[encoding.ids].mean(0)
        return vectors


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
    folder = EMBEDDED_PATH if name == EMBEDDED else Path(name)
    local = name == EMBEDDED or folder.is_dir()
    try:
        if not local:
            return _from_hub(name, offline, device)
        refuse_pickle(folder)
        encode = StaticModel.read(folder) if is_static(folder) else _load(str(folder), device)[0]
        return Embedder(name, encode, folder_revision(folder))
    except Exception as error:
        key = f"retrieval.embedder_{'broken' if local else 'missing'}"
        raise RetrievalError(key, embedder=name, reason=str(error)[:300]) from error


def is_static(folder: Path) -> bool:
    """Whether a sentence-transformers folder holds one StaticEmbedding and nothing else."""
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    return len(modules) == 1 and modules[0]["type"].endswith(".StaticEmbedding")


def _from_hub(name: str, offline: bool, device: str | None) -> Embedder:
    encode, model = _load(name, device, offline)
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    revision = getattr(config, "_commit_hash", None) or "unknown"
    return Embedder(name, encode, str(revision))


def _load(source: str, device: str | None, offline: bool = True) -> tuple[Encode, Any]:
    """A model of any kind through sentence-transformers, and how it encodes."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        source,
        local_files_only=offline,
        device=device,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    ).float()

    def encode(texts: list[str]) -> np.ndarray:
        return model.encode(texts, batch_size=64, show_progress_bar=False, convert_to_numpy=True)

    return encode, model


def refuse_pickle(folder: Path) -> None:
    """Raises ValueError for weights that only a pickle holds: reading one can run anything."""
    for path in folder.rglob("pytorch_model*.bin"):
        if not list(path.parent.glob("*.safetensors")):
            raise ValueError(f"{path.name}: only safetensors are read, never a pickle")


def folder_revision(folder: Path) -> str:
    """A hash over every file of a model's folder: other weights are another embedder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".md"):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
