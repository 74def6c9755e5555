"""What a memory budget decides, before the first step and when it was not enough."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lawui.bench.shapes import config, parameters
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
def costs(
    shape: str = "qwen1.5-1.8b", packed: int = PACKED, unpacking: int = UNPACKING, **settings: Any
) -> Costs:
    """Of a shape, without a single weight."""
    return Costs.of(bare(shape), TrainConfig(**settings), packed, unpacking)


def bare(shape: str) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config(shape)).to(torch.bfloat16)


def sizes(shape: str) -> tuple[int, int]:
    """(bytes in nf4, bytes more when unpacked) of a shape, counted: 4 bits a weight of the
    linear layers, a byte for 64 of them and four for 16,384, all else in bfloat16."""
    import torch

    model = bare(shape)
    head = model.get_output_embeddings()
    linear = sum(
        m.in_features * m.out_features
        for m in model.modules()
        if isinstance(m, torch.nn.Linear) and m is not head
    )
    packed = int(linear * (1 / 2 + 1 / 64 + 4 / 16384))
    return packed + 2 * (model.num_parameters() - linear), 2 * linear - linear // 2


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


@pytest.mark.parametrize(
    ("shape", "billions", "micro_batch", "dequantize", "checkpointing"),
    [("qwen3-8b", 8.2, 2, False, False), ("qwen1.5-7b", 7.7, 4, True, True)],
)
def test_a_base_of_eight_billion_trains_within_20_gigabytes(
    shape: str, billions: float, micro_batch: int, dequantize: bool, checkpointing: bool
) -> None:
    """The larger one stays packed, the smaller just fits unpacked and is recomputed."""
    assert parameters(shape) / 1e9 == pytest.approx(billions, abs=0.05)
    packed, unpacking = sizes(shape)
    assert 5.5 * GB < packed < 6.5 * GB
    room = planner.budget("cuda", budget_bytes("20GB"), packed)
    assert room < 18 * GB
    chosen = make_plan(costs(shape, packed, unpacking), [512], 4, 512, room)
    assert (chosen.micro_batch, chosen.dequantize) == (micro_batch, dequantize)
    assert chosen.checkpointing == checkpointing
    assert packed < chosen.needed_bytes <= chosen.budget_bytes
    # Half of it is too little for anything but the smallest steps, and a third for any.
    less = make_plan(
        costs(shape, packed, unpacking), [512], 4, 512, planner.budget("cuda", 10 * GB, packed)
    )
    assert (less.dequantize, less.checkpointing) == (False, True)
    assert less.needed_bytes <= less.budget_bytes
    none = make_plan(
        costs(shape, packed, unpacking), [512], 4, 512, planner.budget("cuda", 6 * GB, packed)
    )
    assert none.micro_batch == 1 and none.needed_bytes > none.budget_bytes


def test_counted_sizes_are_those_that_were_measured() -> None:
    packed, unpacking = sizes("qwen1.5-1.8b")
    assert packed == pytest.approx(PACKED, rel=0.06) and unpacking == pytest.approx(
        UNPACKING, rel=0.06
    )


def test_beside_launched_batches_only_what_the_plan_leaves_is_recorded() -> None:
    chosen = plan("10GB", 480)
    room = (chosen.budget_bytes - chosen.needed_bytes) // costs().token
    assert 0 < room < 500
    assert planner.recordable(chosen, costs(), 8000, largest=1440) == 8000
    assert planner.recordable(chosen, costs(), 1000, largest=1440) == room
    assert planner.recordable(chosen, costs(), 100, largest=1440) == 100
    full = replace(chosen, needed_bytes=chosen.budget_bytes + 1)
    assert planner.recordable(full, costs(), 1000, largest=1440) == 0
    assert planner.recordable(make_plan(costs(), [512], 64, 512, 0), costs(), 1000, 9000) == 1000


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
    failing(monkeypatch, 5)
    events = Bench(tmp_path, tiny_base, max_seq_length=512).train()
    retries = [event for event in events if event.kind == "retry"]
    tried = [(2, 512), (1, 512), (1, 512), (1, 384), (1, 256)]
    assert [(e.data["batch"], e.data["length"]) for e in retries] == tried
    assert all("Out of memory" in event.message for event in retries)
    assert events[-1].kind == "done" and len(curve(events)) == 8


def test_side_by_side_is_given_up_before_the_batch_is_cut(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    failing(monkeypatch, 2)
    events = Bench(tmp_path, tiny_base, lora_dropout=0.0).train()
    retries = [event.data["batch"] for event in events if event.kind == "retry"]
    assert retries == [4, 2] and events[-1].kind == "done"


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
