from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lawui.model.load import EMBEDDED_FOLDER, LoadedModel, load
from lawui.training import locks
from lawui.training.runs import LOCK, RunStore


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children of tests share two cores with everything else."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    """A store whose runs are stopped at the end, whatever the test did."""
    store = RunStore(tmp_path / "adapters")
    yield store
    for status in store.runs():
        if locks.is_held(tmp_path / "adapters" / status.run / LOCK):
            store.stop(status.run)
            store.wait(status.run, 60)


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    """The embedded model, to encode rows with; whoever trains loads a base of its own."""
    import torch

    torch.set_num_threads(1)
    return load("embedded", compute_dtype="float32")


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal language model of no size with the embedded model's tokenizer."""
    return make_tiny_base(tmp_path_factory.mktemp("base") / "tiny")


def make_tiny_base(folder: Path) -> Path:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    shape = Qwen2Config(
        vocab_size=6144,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        initializer_range=0.1,  # wide enough to be sure of a letter
    )
    Qwen2ForCausalLM(shape).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(EMBEDDED_FOLDER / name, folder / name)
    return folder
