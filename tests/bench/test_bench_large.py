"""`bench large` with a shape of no size, and how its base is built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lawui.__main__ import main
from lawui.bench import shapes


def test_a_shape_is_built_trained_and_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--shape", "tiny-qwen3", "--steps", "3", "--tokens", "40", "--items", "5"]
    common = ["--home", str(tmp_path), "--offline", "bench", "large", "--json"]
    assert main([*common, *words, "--memory-budget", "64GB"]) == 0
    out, _ = capsys.readouterr()
    found = json.loads(out)
    training, scoring = found["training"], found["scoring"]
    assert training["steps"] == 3 and not training["skipped"] and training["loss"] > 0
    assert scoring["questions"] == 5 and scoring["finite"] and scoring["attention"] == "slices"
    assert training["plan"]["needed_bytes"] <= training["plan"]["budget_bytes"]
    assert found["budget_bytes"] == 64 * 10**9 and found["within"]
    assert all(found[part]["peak_bytes"] > 0 for part in ("building", "training", "scoring"))


def test_a_base_is_packed_layer_by_layer_and_the_same_for_a_seed() -> None:
    import bitsandbytes as bnb
    import torch

    one, same, other = (shapes.base("tiny-qwen3", seed) for seed in (1, 1, 2))
    layers = [m for m in one.model.modules() if isinstance(m, bnb.nn.Linear4bit)]
    assert len(layers) == 3 * 7 and not any(p.is_meta for p in one.model.parameters())
    assert not any(b.is_meta for b in one.model.buffers())
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        a, b, c = (loaded.model(ids).logits for loaded in (one, same, other))
    assert torch.equal(a, b) and not torch.allclose(a, c) and bool(a.isfinite().all())
    tied = shapes.base("tiny").model
    assert tied.get_output_embeddings().weight is tied.get_input_embeddings().weight
    # embeddings and head, then by layer: attention, its two norms of 16, three wide, two norms
    layer = 64 * 64 * 2 + 64 * 16 * 2 + 2 * 16 + 3 * 64 * 192 + 2 * 64
    assert shapes.parameters("tiny-qwen3") == 2 * 6144 * 64 + 3 * layer + 64
