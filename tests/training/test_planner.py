"""What a memory budget decides, before the first step and when it was not enough."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lawui.bench.shapes import SHAPES
from lawui.errors import TrainingError
from lawui.training import planner
from lawui.training.config import TrainConfig, budget_bytes
from lawui.training.engine import Engine
from lawui.training.planner import Costs, Plan, make_plan

from . import helpers
from .test_loop import Bench, curve

GB = 10**9
PACKED, UNPACKING = int(1.93 * GB), int(1.75 * GB)
"""Qwen1.5-1.8B in nf4 as measured, and what its linear layers take more in bfloat16."""


@cache
def costs(**settings: Any) -> Costs:
    """Of Qwen1.5-1.8B's shape, without a single weight."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    with torch.device("meta"):
        model = Qwen2ForCausalLM(Qwen2Config(**SHAPES["qwen1.5-1.8b"])).to(torch.bfloat16)  # type: ignore[arg-type]
    return Costs.of(model, TrainConfig(**settings), PACKED, UNPACKING)


def plan(budget: str, tokens: int = 512, sequences: int = 4) -> Plan:
    room = planner.budget("cuda", budget_bytes(budget), PACKED)
    return make_plan(costs(), [tokens], sequences, tokens, room)


def test_lora_weights_are_counted_as_they_are() -> None:
    # 24 layers, rank 16: four squares of 2048 and three of 2048 by 5504
    every = 24 * 16 * (4 * 2 * 2048 + 3 * (2048 + 5504))
    assert costs().trained == 20 * every
    assert costs(target_modules=("q_proj", "v_proj")).trained == 20 * 24 * 16 * 4 * 2048


def test_a_3080_unpacks_once_and_keeps_what_fits() -> None:
    """Measured on an H100 with this very budget: 480 tokens, three sequences at once, 8.1 GB
    of tensors, 8.8 GB taken from the card."""
    chosen = plan("10GB", 480)
    assert (chosen.micro_batch, chosen.dequantize, chosen.checkpointing) == (3, True, False)
    assert 7.5 * GB < chosen.needed_bytes <= chosen.budget_bytes < 10 * GB
    assert plan("10GB", 240).micro_batch == 4
    assert plan("40GB").micro_batch == 4


@pytest.mark.parametrize(
    ("budget", "dequantize", "checkpointing"),
    [("24GB", True, False), ("8GB", True, False), ("6GB", True, True), ("4GB", False, True)],
)
def test_less_memory_gives_up_speed_in_order(
    budget: str, dequantize: bool, checkpointing: bool
) -> None:
    chosen = plan(budget)
    assert (chosen.dequantize, chosen.checkpointing) == (dequantize, checkpointing)
    assert chosen.needed_bytes <= chosen.budget_bytes


def test_where_nothing_fits_the_smallest_is_tried() -> None:
    chosen = plan("1GB")
    assert (chosen.micro_batch, chosen.dequantize, chosen.checkpointing) == (1, False, True)
    assert chosen.needed_bytes > chosen.budget_bytes


def test_no_budget_is_no_limit() -> None:
    assert make_plan(costs(), [512], 64, 512, 0).micro_batch == 64


def failing(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """The first `times` steps run out of memory, as CUDA says it."""
    import torch

    step, left = Engine.step, [times]

    def short(self: Engine, *arguments: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        step(self, *arguments)

    monkeypatch.setattr(Engine, "step", short)


def test_out_of_memory_is_retried_step_by_step_and_each_step_seen(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, 3)
    events = Bench(tmp_path, tiny_base, max_seq_length=512).train()
    retries = [event for event in events if event.kind == "retry"]
    assert [(e.data["batch"], e.data["length"]) for e in retries] == [(1, 512), (1, 384), (1, 256)]
    assert all("Out of memory" in event.message for event in retries)
    assert events[-1].kind == "done" and len(curve(events)) == 8


def test_when_nothing_fits_it_says_what_would(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, 100)
    with pytest.raises(TrainingError) as caught:
        Bench(tmp_path, tiny_base, helpers.rows(), max_seq_length=512).train()
    assert caught.value.key == "train.out_of_memory"
    assert (caught.value.params["length"], float(caught.value.params["gigabytes"]) > 0) == (
        256,
        True,
    )
