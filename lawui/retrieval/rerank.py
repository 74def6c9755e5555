"""Optional second stage: a cross-encoder reads the query with each of the first passages.

Off unless a model is named; any sentence-transformers CrossEncoder that gives one score a
pair serves, from a folder or a hub.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lawui.errors import RetrievalError
from lawui.retrieval.embedders import LONGEST_TEXT, folder_revision, refuse_pickle
from lawui.retrieval.passages import well_formed

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

DEPTH = 30
"""Passages that are put in a new order: each costs a run of the model."""


class Reranker:
    """A cross-encoder, loaded when first asked. Thread-safe: one text is scored at a time."""

    def __init__(self, name: str, *, offline: bool = True, device: str | None = None) -> None:
        self.name, self._offline, self._device = name, offline, device
        self._lock = threading.Lock()
        self._model: CrossEncoder | None = None
        self._revision = ""

    @property
    def revision(self) -> str:
        """Tells one state of the weights from another. Loads the model; raises as `scores`."""
        with self._lock:
            self._loaded()
            return self._revision

    def scores(self, text: str, passages: list[str]) -> np.ndarray:
        """[n] float32 logits, higher for what fits the text better.

        Raises RetrievalError `retrieval.reranker_missing` where the model isn't at hand and
        `retrieval.reranker_broken` where it can't be read or can't score.
        """
        if not passages:
            return np.zeros(0, np.float32)
        from torch.nn import Identity

        query = well_formed(text[:LONGEST_TEXT])
        pairs = [(query, well_formed(passage[:LONGEST_TEXT])) for passage in passages]
        with self._lock:  # a fast tokenizer can't be set up by two threads at once
            model = self._loaded()
            try:
                # Raw: a sigmoid makes ties of high scores.
                found = model.predict(pairs, activation_fn=Identity(), show_progress_bar=False)
                if not np.isfinite(found).all():
                    raise ValueError("a score is not a finite number")
            except Exception as error:
                raise self._fault("broken", error) from error
        return np.asarray(found, np.float32)

    def _loaded(self) -> CrossEncoder:
        if self._model is None:
            folder = Path(self.name)
            try:
                if folder.is_dir():
                    refuse_pickle(folder)
                model = _load(self.name, self._offline, self._device)
                self._revision = _revision(self.name, model)
            except Exception as error:
                raise self._fault("broken" if folder.is_dir() else "missing", error) from error
            self._model = model
        return self._model

    def _fault(self, what: str, error: Exception) -> RetrievalError:
        reason = str(error)[:300]
        return RetrievalError(f"retrieval.reranker_{what}", reranker=self.name, reason=reason)


def _load(name: str, offline: bool, device: str | None) -> CrossEncoder:
    """Raises ValueError for a model that isn't made to score pairs: sentence-transformers
    would give it a head of random weights."""
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(
        name,
        local_files_only=offline,
        device=device,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    ).float()
    bare = len(model) == 1  # no further module that makes a score of what the encoder gives
    kind = (model.config.architectures or [""])[0]
    if model.num_labels != 1 or (bare and not kind.endswith("ForSequenceClassification")):
        raise ValueError(f"{kind}, {model.num_labels} labels: not a cross-encoder with one score")
    return model


def _revision(name: str, model: CrossEncoder) -> str:
    folder = Path(name)
    if folder.is_dir():
        return folder_revision(folder)
    return str(getattr(model.config, "_commit_hash", None) or name)
