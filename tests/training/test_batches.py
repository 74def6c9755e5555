from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lawui.model.load import LoadedModel, load
from lawui.training import batches, planner, rows
from lawui.training.objective import answer_logits, token_loss
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
    assert batch.ids.shape == (1, batch.tokens) and batch.tokens < 0.6 * alone


def attached(loaded: LoadedModel) -> Any:
    """The base with LoRA weights that are not zero, so that every gradient is alive."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    model = get_peft_model(
        loaded.model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    return model


def gradients(model: Any) -> dict[str, Any]:
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    return found


@pytest.mark.parametrize(
    ("base", "dtype", "tolerance"), [("tiny", "float32", 1e-4), ("embedded", "bfloat16", 6e-2)]
)
def test_gradients_equal_a_plain_forward_with_labels(
    base: str, dtype: str, tolerance: float, tiny_base: Path
) -> None:
    """Our loss, computed in parts and at the answer only, against transformers' own."""
    import torch

    spec = str(tiny_base) if base == "tiny" else base
    loaded = load(spec, compute_dtype=dtype)
    made = [
        helpers.row("train", helpers.question(i, order), [helpers.passage()] if i else [])
        for i, order in ((0, 0), (1, 0), (1, 1), (1, 2), (2, 3))
    ]
    examples = encoded(loaded, made).examples
    model = attached(loaded)
    pad = batches.pad_id(loaded.tokenizer)
    ours = 0.0
    for part in (examples[:1], examples[1:]):
        batch = batches.collate(part, pad)
        loss = token_loss(answer_logits(loaded.model, batch), batch.targets) / (2 * len(examples))
        loss.backward()
        ours += float(loss.detach())
    our_gradients = gradients(model)

    longest = max(len(e.ids) for e in examples) + 1
    ids = torch.full((len(examples), longest), pad)
    labels = torch.full_like(ids, -100)
    mask = torch.zeros_like(ids)
    for number, example in enumerate(examples):
        whole = [*example.ids, example.targets[1]]
        ids[number, : len(whole)] = torch.tensor(whole)
        mask[number, : len(whole)] = 1
        labels[number, len(whole) - 2 : len(whole)] = torch.tensor(whole[-2:])
    reference = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    reference.backward()
    assert ours == pytest.approx(float(reference.detach()), rel=tolerance)
    theirs = gradients(model)
    assert our_gradients.keys() == theirs.keys() and theirs
    for name, gradient in theirs.items():
        difference = (our_gradients[name] - gradient).norm() / gradient.norm()
        assert float(difference) < tolerance, name


def test_the_plan_keeps_the_budget(loaded: LoadedModel) -> None:
    token = planner.bytes_per_token(loaded.model.config)
    whole = planner.make_plan(loaded.model, [100, 50], 8, 512, budget=8 * 100 * token)
    assert (whole.micro_batch, whole.checkpointing) == (8, False)
    half = planner.make_plan(loaded.model, [100, 50], 8, 512, budget=5 * 100 * token)
    assert half.micro_batch == 5 and half.activation_bytes <= half.budget_bytes
    tight = planner.make_plan(loaded.model, [100, 50], 8, 512, budget=50 * token)
    assert (tight.micro_batch, tight.checkpointing) == (1, True)
    assert [(p.micro_batch, p.length) for p in planner.retries(whole)] == [
        (1, 512),
        (1, 384),
        (1, 256),
    ]


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
    shown = preview([*helpers.rows(), long, seen], loaded.tokenizer, helpers.config())
    assert (shown["train_rows"], shown["dev_rows"], shown["groups"]) == (26, 8, 8)
    assert (shown["dropped"], shown["shortened"]) == (["toy-009-0"], 1)
    assert sum(count for _, count in shown["histogram"]) == 25
    assert shown["evidence"] == {"none": 25, "given": 1} and shown["majority"] == 0.25
    assert shown["steps"] == 8
    first = shown["examples"][0]
    assert first["answer"] == "a" and helpers.question(0).stem in first["prompt"]
    assert first["prompt"].endswith("<|im_start|>assistant\n")
