"""What fits: how many sequences are computed at once, and whether layers are recomputed.

The activation memory of one token in one layer is about 34·h bytes for attention and
norms in bfloat16 (Korthikanti et al. 2022, "Reducing Activation Recomputation in Large
Transformer Models", eq. 2, without the score matrices, which fused attention never
stores) and, with LoRA on the linear layers, about 14·i bytes for the wide layers'
inputs kept in float32; h is the hidden and i the intermediate size. Against 8.2 GB
measured with 4 unpadded sequences on a 1.8 B model this is within a tenth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel

RETRY_LENGTHS = (384, 256)
"""Lengths tried after batch 1 where memory runs out all the same."""


@dataclass(frozen=True)
class Plan:
    """`micro_batch` sequences of at most `length` tokens at once; `checkpointing`
    recomputes layers instead of keeping them. Bytes are estimates."""

    micro_batch: int
    length: int
    checkpointing: bool
    activation_bytes: int
    budget_bytes: int


def make_plan(
    model: PreTrainedModel, lengths: Sequence[int], step_size: int, length: int, budget: int
) -> Plan:
    """Fold a whole optimizer step into one batch where `budget` bytes hold it, else the
    largest part that fits, else one sequence with layers recomputed."""
    longest = min(max(lengths), length)
    whole = bytes_per_token(model.config) * longest
    fits = budget // whole if budget else step_size
    if fits >= 1:
        micro = min(step_size, fits)
        return Plan(micro, length, False, micro * whole, budget)
    return Plan(1, length, True, recomputed_bytes_per_token(model.config) * longest, budget)


def bytes_per_token(config: Any) -> int:
    """Activations of one token over all layers, in bytes."""
    hidden, wide, layers = _shape(config)
    return layers * (34 * hidden + 14 * wide)


def recomputed_bytes_per_token(config: Any) -> int:
    """The same when only each layer's input is kept and one layer is alive at a time."""
    hidden, wide, layers = _shape(config)
    return layers * 4 * hidden + 34 * hidden + 14 * wide


def activation_budget(device: str, asked: int, resident: int) -> int:
    """Bytes left for activations: of `asked`, or of what is free on the device."""
    if asked:
        return max(1, int((asked - resident) * 0.9))
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0] * 0.8)
    import psutil

    return int(psutil.virtual_memory().available * 0.5)


def retries(plan: Plan) -> list[Plan]:
    """What to try, in order, where memory runs out in spite of the plan."""
    smaller = [Plan(1, plan.length, True, 0, plan.budget_bytes)]
    smaller += [
        Plan(1, length, True, 0, plan.budget_bytes)
        for length in RETRY_LENGTHS
        if length < plan.length
    ]
    return smaller


def _shape(config: Any) -> tuple[int, int, int]:
    hidden = int(config.hidden_size)
    return hidden, int(getattr(config, "intermediate_size", 4 * hidden)), config.num_hidden_layers
