from __future__ import annotations

import pytest

from lawui.model.load import LoadedModel
from lawui.training import batches, rows
from lawui.training import preview as preview_module
from lawui.training.preview import preview
from lawui.training.statistics import accuracy_interval
from lawui.types import LETTERS

from . import helpers


def test_the_answer_letter_and_the_end_token_are_learned(loaded: LoadedModel) -> None:
    example = helpers.encoded(loaded, [helpers.row("train", helpers.question(2, 1))]).examples[0]
    letter, end = example.targets
    assert loaded.tokenizer.decode([letter]) == "d" == LETTERS[example.gold]
    assert end == loaded.tokenizer.eos_token_id
    assert example.ids[-1] == letter
    assert loaded.tokenizer.decode(example.ids[:-1]).endswith("<|im_start|>assistant\n")


def test_evidence_is_shortened_and_an_answer_never_cut(loaded: LoadedModel) -> None:
    asked = helpers.question(1)
    bare = len(helpers.encoded(loaded, [helpers.row("train", asked)]).examples[0].ids)
    long = helpers.row("train", asked, [helpers.passage("赤い箱に入れる。" * 200)])
    result = helpers.encoded(loaded, [long], limit=bare + 60)
    example = result.examples[0]
    assert (result.shortened, result.dropped) == (1, ())
    assert bare < len(example.ids) <= bare + 60
    text = loaded.tokenizer.decode(example.ids)
    assert asked.stem in text and all(choice in text for choice in asked.choices)


def test_a_question_that_cannot_fit_is_dropped_and_named(loaded: LoadedModel) -> None:
    long = helpers.question(1, stem="これは長い問いである。" * 100)
    made = [helpers.row("train", long), helpers.row("train", helpers.question(2))]
    result = helpers.encoded(loaded, made, limit=128)
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
