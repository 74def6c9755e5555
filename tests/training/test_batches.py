from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lawui.model.dequantize import dequantize
from lawui.model.load import LoadedModel, load
from lawui.training import batches, rows
from lawui.training import preview as preview_module
from lawui.training.engine import Shapes
from lawui.training.lora import lighten
from lawui.training.objective import answer_logits, token_losses
from lawui.training.preview import preview
from lawui.training.statistics import accuracy_interval
from lawui.types import LETTERS

from . import helpers


@pytest.fixture(scope="module")
def loaded() -> Iterator[LoadedModel]:
    import torch

    torch.set_num_threads(1)
    yield load("embedded", compute_dtype="float32")


def encoded(loaded: LoadedModel, made: list[dict[str, Any]], limit: int = 256) -> batches.Encoded:
    return batches.encode(rows.load(rows.dump(made)), loaded.tokenizer, limit)


def test_the_answer_letter_and_the_end_token_are_learned(loaded: LoadedModel) -> None:
    example = encoded(loaded, [helpers.row("train", helpers.question(2, 1))]).examples[0]
    letter, end = example.targets
    assert loaded.tokenizer.decode([letter]) == "d" == LETTERS[example.gold]
    assert end == loaded.tokenizer.eos_token_id
    assert example.ids[-1] == letter
    assert loaded.tokenizer.decode(example.ids[:-1]).endswith("<|im_start|>assistant\n")


def test_evidence_is_shortened_and_an_answer_never_cut(loaded: LoadedModel) -> None:
    asked = helpers.question(1)
    bare = len(encoded(loaded, [helpers.row("train", asked)]).examples[0].ids)
    long = helpers.row("train", asked, [helpers.passage("赤い箱に入れる。" * 200)])
    result = encoded(loaded, [long], limit=bare + 60)
    example = result.examples[0]
    assert (result.shortened, result.dropped) == (1, ())
    assert bare < len(example.ids) <= bare + 60
    text = loaded.tokenizer.decode(example.ids)
    assert asked.stem in text and all(choice in text for choice in asked.choices)


def test_a_question_that_cannot_fit_is_dropped_and_named(loaded: LoadedModel) -> None:
    long = helpers.question(1, stem="これは長い問いである。" * 100)
    made = [helpers.row("train", long), helpers.row("train", helpers.question(2))]
    result = encoded(loaded, made, limit=128)
    assert result.dropped == ("toy-001-0",) and len(result.examples) == 1


def test_steps_cover_every_row_once_and_waste_little() -> None:
    examples = [
        batches.Example((1,) * (100 + (i * 37) % 400), (1, 2), 0, "g", "none", f"item {i}")
        for i in range(26)
        for _ in range(4)
    ]
    steps = batches.step_batches(examples, 8, seed=1, epoch=0)
    assert sorted(i for step in steps for i in step) == list(range(104))
    assert len(steps) == 13
    assert steps == batches.step_batches(examples, 8, seed=1, epoch=0)
    assert steps != batches.step_batches(examples, 8, seed=1, epoch=1)
    lengths = [[len(examples[i].ids) for i in step] for step in steps]
    assert sum(max(step) * len(step) for step in lengths) < 1.2 * sum(map(sum, lengths))
    for step in steps:
        assert all(len(family) == 4 for family in batches.families([examples[i] for i in step]))


def test_the_orders_of_an_item_share_their_beginning(loaded: LoadedModel) -> None:
    made = [helpers.row("train", helpers.question(1, o), [helpers.passage()]) for o in range(4)]
    examples = encoded(loaded, made).examples
    batch = batches.collate(examples, 0)
    alone = sum(len(example.ids) for example in examples)
    assert batch.grid.shape == (4, 1, batch.tokens) and batch.tokens < 0.6 * alone


def test_short_items_share_a_line_and_shapes_are_few() -> None:
    examples = [
        batches.Example((1,) * length, (2, 3), 0, f"g{i}", "none", f"item {i}")
        for i, length in enumerate((600, 250, 340, 100))
    ]
    batch = batches.collate(examples, 0)  # 600, 340 + 250, 100
    assert batch.grid.shape == (4, 3, 600) and batches.shape(examples, 0) == (3, 600)
    one_line = batches.collate(examples, 0, width=2000, weight=0.25)
    assert one_line.grid.shape == (4, 1, 1290) and one_line.tokens == 1290
    assert batches.shape(examples, 1200) == (2, 690)  # 600, 340 + 250 + 100
    fit = Shapes([1290, 700, 800, 900] * 15, answers=6)
    grown = batches.collate(examples, 0, width=2000, fit=fit, weight=0.25)
    assert grown.grid.shape == (4, 1, 1344) and len(grown.weights) == 6
    assert grown.weights.tolist() == [0.25] * 4 + [0.0] * 2 and grown.tokens == 1290
    assert (grown.grid[2, 0, 1290:] == -1).all()
    assert fit(1, 650, 4) == (832, 6) and fit(1, 5000, 8) == (5000, 8)
    for number, example in enumerate(examples):
        for row in (0, 1):
            place = int(one_line.answers[row, number])
            item = one_line.grid[2].flatten()[place]
            position = one_line.grid[1].flatten()[place]
            assert (int(item), int(position)) == (number, len(example.ids) - 2 + row)


def attached(loaded: LoadedModel, dropout: float = 0.0) -> Any:
    """The base with LoRA weights that are not zero, so that every gradient is alive."""
    import torch
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
    return encoded(loaded, made).examples


def stock(spec: str, dtype: str) -> tuple[float, dict[str, Any]]:
    """Loss and gradients as transformers and PEFT compute them: padded, with labels."""
    import torch

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
        batch = batches.collate(part, pad, width, weight=0.5 / len(examples))
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
    import torch

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


def test_the_interval_knows_that_orders_of_an_item_agree() -> None:
    alone = accuracy_interval([True, False] * 20, [str(i) for i in range(40)])
    together = accuracy_interval([i % 8 < 4 for i in range(40)], [str(i // 4) for i in range(40)])
    # Wilson at 20 of 40, and at 5 of 10 where four orders are one answer
    assert alone == pytest.approx((0.352, 0.648), abs=1e-3)
    assert together == pytest.approx((0.237, 0.763), abs=1e-3)
    low, high = accuracy_interval([True] * 8, ["g"] * 4 + ["h"] * 4)
    assert high == 1.0 and low < 0.5


def test_the_preview_tells_what_the_run_would_do(loaded: LoadedModel) -> None:
    long = helpers.row("train", helpers.question(9, stem="とても長い問いである。" * 60))
    seen = helpers.row("train", helpers.question(8), [helpers.passage("赤い箱に入れる。" * 200)])
    made = rows.load(rows.dump([*helpers.rows(), long, seen]))
    shown = preview(made, loaded.tokenizer, helpers.config())
    assert (shown["train_rows"], shown["dev_rows"], shown["groups"]) == (26, 8, 8)
    assert (shown["dropped"], shown["dropped_rows"]) == (["toy-009-0"], 1)
    assert (shown["shortened"], shown["measured"]) == (1, 26)
    assert sum(count for _, count in shown["histogram"]) == 25
    assert shown["evidence"] == {"none": 25, "given": 1} and shown["majority"] == 0.25
    assert shown["steps"] == 8
    first = shown["examples"][0]
    assert first["answer"] == "a" and helpers.question(0).stem in first["prompt"]
    assert first["prompt"].endswith("<|im_start|>assistant\n")


def test_of_many_rows_some_are_measured_and_all_counted(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarter are too long; the steps and what would be left out are reckoned for all."""
    monkeypatch.setattr(preview_module, "MEASURED", 40)
    stems = ["どの箱か。", "とても長い問いである。" * 60]
    made = [helpers.row("train", helpers.question(i, stem=stems[i % 4 == 3])) for i in range(400)]
    shown = preview(rows.load(rows.dump(made)), loaded.tokenizer, helpers.config(), shown=3)
    assert (shown["train_rows"], shown["measured"], shown["groups"]) == (400, 40, 400)
    assert sum(shown["letters"].values()) == 400
    assert (
        len(shown["dropped"]) * 10 == shown["dropped_rows"] and 20 <= shown["dropped_rows"] <= 200
    )
    assert sum(count for _, count in shown["histogram"]) == 40 - len(shown["dropped"])
    assert [e["source"] for e in shown["examples"]] == ["toy_000", "toy_001", "toy_002"]
