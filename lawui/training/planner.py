"""What fits: whether 4-bit weights are unpacked once, how many sequences are computed at
once, and whether layers are recomputed.

Kept of one token in one decoder layer, in bytes, with h the hidden and i the intermediate
size, in bfloat16 and with all linear layers trained (lora.py): the two norms 4h each in
float32 (torch's own, kernels.py, keep half of it); the inputs of the LoRA layers 2h for
queries, keys and values, 2h for the output, 2h for gate and up and 2i for down, with one
byte a value of each for dropout; queries, keys, values and what attention gives 2h each;
gate, its activation and up 2i each. That is
28h + 9i. In float32, on a CPU, it is twice that at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lawui.training import weights

if TYPE_CHECKING:
    import torch

    from lawui.training.config import TrainConfig

RETRY_LENGTHS = (384, 256)
"""Lengths tried with one sequence at once where memory runs out all the same."""

CONTEXT = 600 * 10**6
"""What a CUDA context and its libraries hold beside the tensors."""

SLACK = 0.9
"""Share of the room that is planned for: fragments and short-lived tensors need the rest."""


@dataclass(frozen=True)
class Plan:
    """`micro_batch` sequences of at most `length` tokens at once, or of shorter ones more;
    `dequantize` unpacks 4-bit weights once; `checkpointing` recomputes layers instead of
    keeping them. `needed_bytes` is the estimate for it all, base and process included, and
    `budget_bytes` what may be used."""

    micro_batch: int
    length: int
    checkpointing: bool
    dequantize: bool
    needed_bytes: int
    budget_bytes: int


@dataclass(frozen=True)
class Costs:
    """Bytes: `resident` before the run, `unpacking` more where weights are dequantized,
    `trained` for LoRA weights and the optimizer; `token` and `recomputed_token` for a
    token's activations, `answer` for the logits of one sequence, `layer` while one layer
    is recomputed, for each token of the batch."""

    resident: int
    unpacking: int
    trained: int
    token: int
    recomputed_token: int
    layer: int
    answer: int

    @staticmethod
    def of(model: torch.nn.Module, config: TrainConfig, resident: int, unpacking: int) -> Costs:
        """What training `model` costs; reads shapes only."""
        shape: Any = model.config
        hidden, wide = int(shape.hidden_size), int(getattr(shape, "intermediate_size", 0))
        wide = wide or 4 * hidden
        layers = int(shape.num_hidden_layers)
        wider = 2 if model.dtype.itemsize == 4 else 1  # type: ignore[union-attr,operator]
        layer = wider * (28 * hidden + 9 * wide)
        return Costs(
            resident=resident,
            unpacking=unpacking,
            trained=weights.BYTES * _trained(model, config),
            token=layers * layer,
            recomputed_token=layers * 2 * wider * hidden,
            layer=layer,
            # the logits at two places in the model's type and in float32, and their gradients
            answer=2 * int(shape.vocab_size) * 12,
        )

    def needed(self, plan: Plan, longest: int, sequences: int = 0) -> int:
        """Estimated bytes at the peak of a step of `plan`, of `sequences` in all."""
        tokens = plan.micro_batch * min(longest, plan.length)
        fixed = self.resident + self.trained + plan.dequantize * self.unpacking
        kept = (
            self.recomputed_token * tokens + self.layer * tokens
            if plan.checkpointing
            else self.token * tokens
        )
        # Of short sequences more are computed at once.
        return fixed + kept + max(plan.micro_batch, sequences) * self.answer


def make_plan(
    costs: Costs, lengths: Sequence[int], step_size: int, length: int, budget: int
) -> Plan:
    """The fastest plan that `budget` bytes hold; 0 means no limit.

    Unpacking at every use costs more than recomputing layers, so the order is: unpacked
    once and kept, unpacked once and recomputed, 4-bit and kept, 4-bit and recomputed; in
    each as many sequences at once as fit. Where nothing fits, the smallest is tried.
    """
    longest = min(max(lengths), length)
    last = Plan(1, length, True, False, 0, budget)
    for dequantize, checkpointing in ((True, False), (True, True), (False, False), (False, True)):
        for micro in range(step_size, 0, -1):
            plan = Plan(micro, length, checkpointing, dequantize, 0, budget)
            needed = costs.needed(plan, longest, step_size)
            last = Plan(micro, length, checkpointing, dequantize, needed, budget)
            if not budget or needed <= budget:
                return last
    return last


def recordable(plan: Plan, costs: Costs, pays: int, largest: int) -> int:
    """The most tokens of a batch to record, where up to `pays` it pays and the `largest` has
    more or fewer. What is recorded keeps memory of its own, for which a plan leaves room only
    where all batches are recorded, so that none is launched beside them."""
    if not plan.budget_bytes or largest <= pays:
        return pays
    return min(pays, max(0, plan.budget_bytes - plan.needed_bytes) // costs.token)


def budget(device: str, asked: int, held: int) -> int:
    """Bytes that the run may hold: `asked`, or what it holds and most of what is free on
    the device."""
    if asked:
        context = CONTEXT if device.startswith("cuda") else 0
        return max(1, int((asked - context) * SLACK))
    if device.startswith("cuda"):
        import torch

        return held + int(torch.cuda.mem_get_info(device)[0] * SLACK)
    import psutil

    return held + int(psutil.virtual_memory().available * 0.5)


def keep(device: str, asked: int) -> None:
    """Let CUDA refuse what exceeds `asked` bytes, as a smaller card would; 0 for no limit."""
    if device.startswith("cuda"):
        import torch

        whole = torch.cuda.get_device_properties(device).total_memory
        share = max(1, asked - CONTEXT) / whole if asked else 1.0
        torch.cuda.set_per_process_memory_fraction(min(1.0, share))


def own_part(step_size: int, processes: int) -> int:
    """Sequences of a step that one of several processes computes at most."""
    return -(-step_size // processes)


def retries(plan: Plan, shorter: bool = True) -> list[Plan]:
    """What to try, in order, where memory runs out in spite of the plan: half as many at
    once down to one, then layers recomputed, then shorter rows. Without `shorter` every row
    keeps its length: several processes must hold the same rows."""

    def smaller(micro: int, length: int, checkpointing: bool) -> Plan:
        return Plan(micro, length, checkpointing, plan.dequantize, 0, plan.budget_bytes)

    halves, micro = [], plan.micro_batch // 2
    while micro:
        halves.append(smaller(micro, plan.length, plan.checkpointing))
        micro //= 2
    less = [length for length in RETRY_LENGTHS if length < plan.length] if shorter else []
    lengths = less if plan.checkpointing else [plan.length, *less]
    return [*halves, *(smaller(1, length, True) for length in lengths)]


def _trained(model: torch.nn.Module, config: TrainConfig) -> int:
    """The number of values in the LoRA weights; the output layer is never "all-linear"."""
    import torch

    everything = config.target_modules == ("all-linear",)
    return sum(
        config.lora_r * (module.in_features + module.out_features)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and (
            name.rpartition(".")[2] in config.target_modules
            or (everything and not name.endswith("lm_head"))
        )
    )
