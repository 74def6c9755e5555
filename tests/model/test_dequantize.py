"""4-bit layers unpacked once: bitsandbytes' own numbers, in a plain layer."""

from __future__ import annotations

import copy

import pytest

from lawui.model.dequantize import dequantize, growth
from lawui.model.load import load


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_values_and_the_answers_are_those_of_bitsandbytes(dtype: str) -> None:
    import bitsandbytes as bnb
    import torch

    loaded = load("embedded", compute_dtype=dtype)
    packed = {n: m for n, m in loaded.model.named_modules() if isinstance(m, bnb.nn.Linear4bit)}
    more = growth(loaded.model)
    ids = loaded.tokenizer("届出をしなければならない。", return_tensors="pt").input_ids
    with torch.no_grad():
        before = loaded.model(ids).logits
    assert packed and dequantize(loaded.model) == len(packed)
    for name, layer in packed.items():
        plain = loaded.model.get_submodule(name)
        state = copy.copy(layer.weight.quant_state)
        state.dtype = loaded.dtype
        values = bnb.functional.dequantize_4bit(layer.weight.data, state)
        assert type(plain) is torch.nn.Linear and not plain.weight.requires_grad
        assert torch.equal(plain.weight, values), name
        assert (plain.bias is None) == (layer.bias is None)
        x = torch.randn(3, layer.in_features, dtype=loaded.dtype)
        with torch.no_grad():  # and so are its products
            product, expected = plain(x), layer(x)
        close = {"float32": 1e-4, "bfloat16": 0.05}[dtype]
        assert float((product - expected).abs().max()) < close * float(expected.abs().max())
    with torch.no_grad():
        after = loaded.model(ids).logits
    assert float((after - before).abs().max()) < 0.2  # bfloat16 between the layers
    assert growth(loaded.model) == 0 and dequantize(loaded.model) == 0
    kept = sum(layer.weight.nbytes for layer in packed.values())
    assert more + kept == sum(loaded.model.get_submodule(name).weight.nbytes for name in packed)
