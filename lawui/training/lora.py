"""PEFT's own LoRA layers, computed with fewer steps and less memory.

The layers, their parameters and what is saved stay PEFT's; only how a layer is computed
while training changes: y + s·B·A·drop(x) with one backward written by hand. Kept for it
are the input, which neighbours share, one byte a value for dropout, and the narrow A·x;
PEFT under autocast keeps the input once more in float32 and its dropped copy.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch

from lawui.errors import TrainingError

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

    from lawui.training.config import TrainConfig


def attach(base: PreTrainedModel, config: TrainConfig) -> PeftModel:
    """Put fresh LoRA weights, drawn by the seed, on `base`, ready to be trained. Raises
    TrainingError where the base has no layer of the names in `target_modules`."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(config.seed)
    targets: str | list[str] = list(config.target_modules)
    if targets == ["all-linear"]:
        targets = "all-linear"
    try:
        model: Any = get_peft_model(
            base,
            LoraConfig(
                r=config.lora_r,
                lora_alpha=config.lora_alpha,  # type: ignore[arg-type]
                lora_dropout=config.lora_dropout,
                target_modules=targets,
                task_type="CAUSAL_LM",
            ),
        )
    except ValueError as error:
        names = ", ".join(config.target_modules)
        raise TrainingError("train.bad_targets", targets=names) from error
    lighten(model)
    model.train()
    return model  # type: ignore[no-any-return]


def lighten(model: PeftModel) -> int:
    """Let every plain LoRA layer of `model` be computed this way; returns how many."""
    from peft.tuners.lora.layer import LoraLayer

    count = 0
    for module in model.modules():
        if isinstance(module, LoraLayer) and isinstance(module.get_base_layer(), torch.nn.Linear):
            module.forward = functools.partial(_forward, module)  # type: ignore[assignment]
            count += 1
    return count


def _forward(layer: Any, x: torch.Tensor) -> torch.Tensor:
    """One layer with its default adapter. `x`: (…, in) -> (…, out)."""
    base = layer.base_layer(x)
    if type(layer.base_layer) is not torch.nn.Linear:
        base = base.clone()  # a 4-bit layer's output may not be written to
    dropout = layer.lora_dropout["default"]
    p = dropout.p if layer.training and isinstance(dropout, torch.nn.Dropout) else 0.0
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    result: torch.Tensor = _Delta.apply(base, x, a, b, layer.scaling["default"], p)
    return result


class _Delta(torch.autograd.Function):
    """base + scale · (drop(x) Aᵀ) Bᵀ in place. base (…, out), x (…, in), A (r, in),
    B (out, r); A and B are kept in float32 and multiplied in x's type."""

    @staticmethod
    def forward(
        ctx: Any,
        base: torch.Tensor,
        x: torch.Tensor,
        a: torch.Tensor,
        b: torch.Tensor,
        scale: float,
        p: float,
    ) -> torch.Tensor:
        ctx.mark_dirty(base)
        ctx.scale, ctx.keep, ctx.shape = scale, 1.0 - p, x.shape
        flat, mask = x.reshape(-1, x.shape[-1]), None
        dropped = flat
        if p:
            dropped, mask = torch.native_dropout(flat, p, True)
        a, b = a.to(x.dtype), b.to(x.dtype)
        low = dropped @ a.T
        base.view(-1, base.shape[-1]).addmm_(low, b.T, alpha=scale)
        ctx.save_for_backward(flat, mask, low, a, b)
        return base

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        flat, mask, low, a, b = ctx.saved_tensors
        grad = gradients[0].reshape(-1, gradients[0].shape[-1])
        grad_low = (grad @ b).mul_(ctx.scale)
        grad_b = (grad.T @ low).mul_(ctx.scale)
        grad_a = grad_low.T @ _drop(flat, mask, ctx.keep)
        grad_x = None
        if ctx.needs_input_grad[1]:
            grad_x = _drop(grad_low @ a, mask, ctx.keep).view(ctx.shape)
        return gradients[0], grad_x, grad_a, grad_b, None, None


def _drop(values: torch.Tensor, mask: torch.Tensor | None, keep: float) -> torch.Tensor:
    if mask is None:
        return values
    dropped: torch.Tensor = torch.ops.aten.native_dropout_backward(values, mask, 1.0 / keep)
    return dropped
