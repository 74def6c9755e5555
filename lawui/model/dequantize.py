"""4-bit weights unpacked once: the same numbers, no unpacking at every use.

bitsandbytes unpacks a layer's weight in every forward and again in every backward pass.
Where the plain weights fit, unpacking them once saves more than half of a step's time.
The values are those of `bitsandbytes.functional.dequantize_4bit`, rounded as its own
matrix product rounds them.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def dequantize(model: torch.nn.Module) -> int:
    """Replace, in place, every 4-bit layer by a frozen torch.nn.Linear of its values.

    Weights are in the layers' compute type, and so is then all the rest: a plain layer
    does not convert what it is given. Layers are taken one by one, so that the peak is
    one layer above what stays. Returns how many were replaced.
    """
    found = _layers(model)
    for parent, name, layer in found:
        setattr(parent, name, plain(layer))
    if found:
        dtype = getattr(*found[0][:2]).weight.dtype
        for parameter in model.parameters():
            if parameter.is_floating_point() and parameter.dtype != dtype:
                parameter.data = parameter.data.to(dtype)
    return len(found)


def plain(layer: Any) -> torch.nn.Linear:
    """A frozen torch.nn.Linear with the values of one bitsandbytes Linear4bit."""
    import torch
    from bitsandbytes.functional import dequantize_4bit

    state = copy.copy(layer.weight.quant_state)
    # In its own products bitsandbytes unpacks to the type it computes in, not to the one
    # that the weights once had.
    state.dtype = dtype = layer.compute_dtype or state.dtype
    values = dequantize_4bit(layer.weight.data, state)
    with torch.device("meta"):  # the weight is replaced at once: draw none at random
        linear = torch.nn.Linear(layer.in_features, layer.out_features, layer.bias is not None)
    linear.weight = torch.nn.Parameter(values, requires_grad=False)
    if layer.bias is not None:
        linear.bias = torch.nn.Parameter(layer.bias.data.to(dtype), requires_grad=False)
    return linear.train(layer.training)


def growth(model: torch.nn.Module) -> int:
    """Bytes by which `dequantize` would enlarge `model`; 0 where nothing is 4-bit."""
    total = 0
    for _, _, layer in _layers(model):
        width = layer.compute_dtype.itemsize if layer.compute_dtype else 2
        packed = layer.weight.numel() * layer.weight.element_size()
        total += layer.in_features * layer.out_features * width - packed
    return total


def _layers(model: torch.nn.Module) -> list[tuple[torch.nn.Module, str, Any]]:
    """(parent, name, layer) of every 4-bit layer."""
    import bitsandbytes as bnb

    return [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, bnb.nn.Linear4bit)
    ]
