"""How items lie in a batch, and that loss and gradients are those of the stock way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lawui.model.dequantize import dequantize
from lawui.model.load import LoadedModel, load
from lawui.training import attention, batches, kernels, layout
from lawui.training.engine import Shapes
from lawui.training.layout import Shape
from lawui.training.lora import lighten
from lawui.training.material import Material
from lawui.training.objective import answer_logits, token_losses
from lawui.training.parallel import Peers

from . import helpers


def test_the_orders_of_an_item_share_their_beginning(loaded: LoadedModel) -> None:
    made = [helpers.row("train", helpers.question(1, o), [helpers.passage()]) for o in range(4)]
    examples = helpers.encoded(loaded, made).examples
    batch = layout.collate(examples, 0)
    alone = sum(len(example.ids) for example in examples)
    assert batch.grid.shape == (4, 1, batch.tokens) and batch.tokens < 0.6 * alone


def test_short_items_share_a_line_and_shapes_are_few() -> None:
    examples = [
        batches.Example((1,) * length, (2, 3), 0, f"g{i}", "none", f"item {i}")
        for i, length in enumerate((600, 250, 340, 100))
    ]
    batch = layout.collate(examples, 0)  # 600, 340 + 250, 100
    assert batch.grid.shape == (4, 3, 600) and layout.shape(examples) == Shape(3, 600, 4)
    one_line = layout.collate(examples, 0, width=2000, weight=0.25)
    assert one_line.grid.shape == (4, 1, 1290) and one_line.tokens == 1290
    assert layout.shape(examples, 1200) == Shape(2, 690, 4)  # 600, 340 + 250 + 100
    coming = [Shape(1, length, 6) for length in (1290, 700, 800, 900)]
    fit = Shapes(coming * 15, most=4000)
    grown = layout.collate(examples, 0, width=2000, fit=fit, weight=0.25)
    assert grown.grid.shape == (4, 1, 1344) and len(grown.weights) == 6
    assert grown.weights.tolist() == [0.25] * 4 + [0.0] * 2 and grown.tokens == 1290
    assert (grown.grid[2, 0, 1290:] == -1).all()
    assert fit(Shape(1, 650, 4)) == Shape(1, 832, 6)
    assert fit(Shape(1, 3000, 8)) == Shape(1, 3000, 8)  # longer than any that was to come
    assert fit(Shape(4, 1100, 4)) == Shape(4, 1100, 4)  # too large to be recorded
    assert Shapes([], most=4000)(Shape(1, 650, 4)) == Shape(1, 650, 4)
    for number, example in enumerate(examples):
        for row in (0, 1):
            place = int(one_line.answers[row, number])
            item = one_line.grid[2].flatten()[place]
            position = one_line.grid[1].flatten()[place]
            assert (int(item), int(position)) == (number, len(example.ids) - 2 + row)


def test_a_card_gets_as_many_tokens_as_so_many_of_the_longest_have() -> None:
    """Short sequences fill it; an item in several orders that is too much is divided."""
    examples = [
        batches.Example((*[item] * length, order), (2, 3), 0, f"g{item}", "none", f"item {item}")
        for item, length in enumerate((99, 99, 99, 99, 399))
        for order in range(4 if length == 399 else 1)
    ]
    asked: Any = SimpleNamespace(device="cuda", tokenizer=SimpleNamespace(pad_token_id=0))
    settings = helpers.config(batch_size=8, gradient_accumulation_steps=1)
    given = (batches.Encoded(tuple(examples), 0, ()), batches.Encoded((), 0, ()))
    found = Material(lambda length: given, asked, settings, Peers())
    found.encode(512)

    def parts(micro: int) -> list[list[int]]:
        return [[len(one.ids) for one in part] for part in found._parts(0, micro)]

    assert sorted(map(sorted, parts(1))) == [[100] * 4, *[[400]] * 4]
    assert sorted(map(sorted, parts(2))) == [[100] * 4, [400] * 4]  # 806 tokens, 800 have room
    assert sorted(map(sorted, parts(3))) == [[100] * 4 + [400] * 4]
    sizes = found.coming(0, 3, flash=True)
    assert {(s.lines, s.length, s.answers, s.longest) for s in sizes} == {(1, 806, 8, 400)}


def attached(loaded: LoadedModel, dropout: float = 0.0) -> Any:
    """The base with LoRA weights that are not zero, so that every gradient is alive."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    model = get_peft_model(
        loaded.model,
        LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", lora_dropout=dropout),
    )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    return model


def gradients(model: Any) -> dict[str, Any]:
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    return found


def mixed(loaded: LoadedModel) -> tuple[batches.Example, ...]:
    """Items with and without evidence, in one order and in several."""
    made = [
        helpers.row("train", helpers.question(i, order), [helpers.passage()] if i else [])
        for i, order in ((0, 0), (1, 0), (1, 1), (1, 2), (2, 3))
    ]
    return helpers.encoded(loaded, made).examples


def stock(spec: str, dtype: str) -> tuple[float, dict[str, Any]]:
    """Loss and gradients as transformers and PEFT compute them: padded, with labels."""
    loaded = load(spec, compute_dtype=dtype)
    model, examples = attached(loaded), mixed(loaded)
    longest = max(len(e.ids) for e in examples) + 1
    ids = torch.full((len(examples), longest), batches.pad_id(loaded.tokenizer))
    labels = torch.full_like(ids, -100)
    mask = torch.zeros_like(ids)
    for number, example in enumerate(examples):
        whole = [*example.ids, example.targets[1]]
        ids[number, : len(whole)] = torch.tensor(whole)
        mask[number, : len(whole)] = 1
        labels[number, len(whole) - 2 : len(whole)] = torch.tensor(whole[-2:])
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    loss.backward()
    return float(loss.detach()), gradients(model)


def ours(spec: str, dtype: str, unpack: bool = True) -> tuple[float, dict[str, Any]]:
    """The same by this room: packed, in two parts, at the answer only, with LoRA layers
    computed its own way, on weights unpacked once or left in 4 bits."""
    loaded = load(spec, compute_dtype=dtype)
    if unpack:
        dequantize(loaded.model)
    model, examples = attached(loaded), mixed(loaded)
    assert lighten(model) == sum("lora_A" in name for name, _ in model.named_parameters())
    pad, total = batches.pad_id(loaded.tokenizer), 0.0
    for part, width in ((examples[:1], 0), (examples[1:], 4096)):
        batch = layout.collate(part, pad, width, weight=0.5 / len(examples))
        loss = (token_losses(answer_logits(loaded.model, batch), batch) * batch.weights).sum()
        loss.backward()
        total += float(loss.detach())
    return total, gradients(model)


def error(found: dict[str, Any], truth: dict[str, Any]) -> float:
    """How far a whole gradient is from another, as a share of its length."""
    difference = sum(float((found[n] - truth[n]).square().sum()) for n in truth)
    return (difference / sum(float(t.square().sum()) for t in truth.values())) ** 0.5


@pytest.mark.parametrize("unpack", [True, False])
def test_gradients_equal_the_stock_ones_layer_by_layer(unpack: bool, tiny_base: Path) -> None:
    loss, gradient = ours(str(tiny_base), "float32", unpack)
    their_loss, theirs = stock(str(tiny_base), "float32")
    assert loss == pytest.approx(their_loss, rel=1e-4)
    assert gradient.keys() == theirs.keys() and theirs
    for name, value in theirs.items():
        assert float((gradient[name] - value).norm() / value.norm()) < 1e-4, name


def attend_by_bounds(query: Any, key: Any, value: Any, plan: Any, scale: Any) -> torch.Tensor:
    """What the flash kernel computes, prompt by prompt; what none covers is not a number."""
    query, key, value = (t[0].transpose(0, 1) for t in (query, key, value))
    if plan.keys is not None:
        key, value = (attention._gathered(t, plan.keys, plan.key_bounds[-1]) for t in (key, value))
    no_prompt = torch.arange(len(key)) >= plan.key_bounds[-1]
    for one in (key, value):
        if one.requires_grad:  # the kernel leaves there what it finds
            one.register_hook(lambda g: g.masked_fill(no_prompt[:, None, None], torch.nan))
    repeats = query.shape[1] // key.shape[1]
    key, value = (t.repeat_interleave(repeats, dim=1) for t in (key, value))
    found = torch.full_like(query, torch.nan)
    queries, keys = plan.query_bounds.tolist(), plan.key_bounds.tolist()
    for start, stop, first, last in zip(queries, queries[1:], keys, keys[1:], strict=False):
        assert stop - start <= plan.longest and last - first <= plan.longest
        if start == stop:
            continue
        scores = torch.einsum("qhd,khd->hqk", query[start:stop], key[first:last]) * scale
        later = torch.ones_like(scores[0], dtype=torch.bool).triu(
            1 + (last - first) - (stop - start)
        )
        weights = scores.masked_fill(later, -torch.inf).softmax(-1)
        found[start:stop] = torch.einsum("hqk,khd->qhd", weights, value[first:last])
    return found[None]


@pytest.mark.parametrize("shared", [True, False])
def test_where_prompts_lie_takes_the_place_of_the_mask(
    shared: bool, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With items in several orders and in one, in a batch of the least size and in a larger one."""
    monkeypatch.setattr(attention, "_flash", attend_by_bounds)
    attention.register()
    loaded = load(str(tiny_base), compute_dtype="float32")
    model, examples = attached(loaded), mixed(loaded)
    if not shared:
        examples = tuple(replace(e, source=f"item {n}") for n, e in enumerate(examples))
    pad = batches.pad_id(loaded.tokenizer)
    small, whole = layout.shape(examples[:2], flash=True), layout.shape(examples, flash=True)
    assert (small.lines, whole.lines, whole.answers) == (1, 1, len(examples))
    assert (whole.keys > whole.length) == shared and (shared or whole.keys == 0)
    fit = Shapes([small, whole] * 20, most=10_000)
    grown = replace(whole, length=whole.length + 70)
    found = []
    for name, how in (("sdpa", None), (attention.NAME, None), (attention.NAME, fit)):
        loaded.model.config._attn_implementation = name  # type: ignore[union-attr]
        batch = layout.collate(examples, pad, 4096, how, 0.5 / len(examples), name != "sdpa")
        assert how is None or batch.shape == fit(whole) == fit(batch.shape)
        loss = (token_losses(answer_logits(loaded.model, batch), batch) * batch.weights).sum()
        loss.backward()
        found.append((float(loss.detach()), gradients(model)))
    (loss, truth), *others = found
    for other, gradient in others:
        assert other == pytest.approx(loss, rel=1e-4)
        assert error(gradient, truth) < 1e-4
    assert fit(grown).length == grown.length  # longer than any edge


def test_batches_of_one_shape_are_copied_into_place(loaded: LoadedModel) -> None:
    """As a recorded step takes them: every value moves, and the shape stays."""
    made = [
        helpers.row("train", helpers.question(i, o), [helpers.passage()])
        for i in range(4)
        for o in range(4)
    ]
    examples = helpers.encoded(loaded, made).examples
    parts = [examples[:8], examples[8:]]
    fit = Shapes([layout.shape(part, flash=True) for part in parts] * 20, most=10_000)
    one, other = (layout.collate(part, 0, 0, fit, 0.1, flash=True) for part in parts)
    assert one.shape == other.shape and not torch.equal(one.grid, other.grid)
    place = one.each(torch.Tensor.clone)
    for held, values in zip(place.tensors, other.tensors, strict=True):
        held.copy_(values)
    assert all(map(torch.equal, place.tensors, other.tensors))
    assert len(place.tensors) == 6 and not torch.equal(place.grid, one.grid)


@pytest.mark.parametrize("fault", ["none", "mask", "norms", "raises", "no trial"])
def test_kernels_that_do_not_agree_are_left_out(
    fault: str, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(str(tiny_base), compute_dtype="float32")
    former = loaded.model.config._attn_implementation  # type: ignore[union-attr]
    assert kernels.choose(loaded) == kernels.Kernels()  # nothing on a CPU

    def attend(*given: Any) -> torch.Tensor:
        if fault in ("raises", "no trial"):
            raise RuntimeError("no kernel image is available for execution on the device")
        return attend_by_bounds(*given) * (0.5 if fault == "mask" else 1.0)

    monkeypatch.setattr(kernels, "_on_card", lambda loaded: True)
    monkeypatch.setattr(attention, "_flash", attend)
    if fault == "no trial":
        monkeypatch.setattr(kernels, "answer_states", attend)
    if fault == "norms":
        monkeypatch.setattr(kernels, "_norm", lambda module, x: x * module.weight)
    chosen = kernels.choose(loaded)
    assert chosen.flash == (fault in ("none", "norms"))
    assert chosen.norms == (fault not in ("norms", "no trial"))
    norm = loaded.model.get_decoder().norm  # type: ignore[union-attr,operator]
    assert ("forward" in vars(norm)) == chosen.norms
    chosen.undo()
    assert "forward" not in vars(norm)
    assert loaded.model.config._attn_implementation == former  # type: ignore[union-attr]


def test_in_bfloat16_gradients_are_as_near_the_truth_as_the_stock_ones(tiny_base: Path) -> None:
    """bfloat16 alone moves a gradient by several hundredths, whoever computes it."""
    base = str(tiny_base)
    _, truth = ours(base, "float32")
    loss, gradient = ours(base, "bfloat16")
    their_loss, theirs = stock(base, "bfloat16")
    assert loss == pytest.approx(their_loss, rel=0.03)
    assert error(gradient, truth) < 1.6 * error(theirs, truth) < 0.3


def test_dropout_is_that_of_the_layer_and_its_gradient_right(tiny_base: Path) -> None:
    """Same random draw, same output as PEFT's own forward; the gradient by differences."""
    loaded = load(str(tiny_base), compute_dtype="float32")
    dequantize(loaded.model)
    model = attached(loaded, dropout=0.5).train()
    layer = model.get_submodule("base_model.model.model.layers.0.mlp.down_proj")
    x = torch.randn(3, 5, 128, requires_grad=True)
    torch.manual_seed(3)
    plain = layer(x)
    lighten(model)
    a = layer.lora_A["default"].weight

    def ours(scale: float = 1.0) -> Any:
        torch.manual_seed(3)
        with torch.no_grad():
            a.mul_(scale)
        return layer(x)

    same = ours()
    assert bool(torch.isclose(same, plain, atol=1e-5).all())
    same.double().square().sum().backward()
    along = float((a.grad * a.detach()).sum())
    with torch.no_grad():
        step = 1e-2
        more, less = (float(ours(s).square().sum()) for s in (1 + step, (1 - step) / (1 + step)))
    assert along == pytest.approx((more - less) / (2 * step), rel=1e-2)
    assert x.grad is not None and bool(x.grad.isfinite().all())
