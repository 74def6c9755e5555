from __future__ import annotations

import random

import pytest

from lawui.errors import ModelError
from lawui.model import prompts
from lawui.model.letters import Group, batches, group_by_prefix, letter_probabilities
from lawui.model.load import LoadedModel
from lawui.types import Passage, Question

TOLERANCE = 0.03  # bfloat16, other batch shapes: seen on probabilities near one half


def rendered(embedded: LoadedModel, items: int = 6) -> list[tuple[int, ...]]:
    rng = random.Random(7)
    found = []
    for i in range(items):
        text = f"第{i}条の市長は、申請を受けた日から{rng.randint(3, 90)}日以内に決定する。" * (
            i + 1
        )
        choices = [f"{rng.randint(3, 90)}日以内に決定する" for _ in range(4)]
        for turn in range(4):
            turned = choices[turn:] + choices[:turn]
            question = Question(
                "q", "q", "g", turn, "", f"{i}番の期限はいつか。", tuple(turned), "a"
            )  # type: ignore[arg-type]
            evidence = [Passage("p", "条例", str(i + 1), "", "", "", "", text)]
            found.append(prompts.render(embedded.tokenizer, question, evidence).token_ids)
    return found


def alone(embedded: LoadedModel, tokens: tuple[int, ...]) -> tuple[list[float], float]:
    """The plain way: one whole forward pass of the causal model."""
    import torch

    with torch.inference_mode():
        logits = embedded.model(input_ids=torch.tensor([tokens])).logits[0, -1].float()
    probs = logits.softmax(0)[list(embedded.letter_ids)]
    return (probs / probs.sum()).tolist(), float(probs.sum())


def test_grouping_puts_the_orders_of_an_item_together() -> None:
    prefix = list(range(100))
    rows = [[*prefix, 200 + i, 300] for i in range(4)] + [[9, 8, 7] * 40]
    groups = group_by_prefix(rows)
    assert sorted(sorted(g.rows) for g in groups) == [[0, 1, 2, 3], [4]]
    shared = next(g for g in groups if len(g.rows) == 4)
    assert shared.shared == 100


def test_grouping_leaves_each_prompt_a_token_of_its_own() -> None:
    rows = [[1] * 50, [1] * 50, [1] * 60]
    for group in group_by_prefix(rows):
        assert all(group.shared < len(rows[row]) for row in group.rows)


def test_grouping_never_computes_more_than_no_grouping() -> None:
    rng = random.Random(1)
    rows = [[rng.randint(0, 2) for _ in range(rng.randint(20, 60))] for _ in range(200)]
    computed = sum(
        g.shared + sum(len(rows[row]) - g.shared for row in g.rows) for g in group_by_prefix(rows)
    )
    assert computed <= sum(map(len, rows))


def test_batches_hold_every_row_once_and_keep_the_budget() -> None:
    rows = [list(range(n)) for n in (10, 500, 40, 40, 300, 20)]
    made = list(batches([Group((i,), 0) for i in range(len(rows))], rows, 600))
    assert sorted(row for batch in made for g in batch for row in g.rows) == list(range(6))
    for batch in made:
        lengths = [len(rows[row]) for g in batch for row in g.rows]
        assert len(batch) == 1 or len(lengths) * max(lengths) <= 600


def test_shared_prefix_and_batches_give_the_plain_answer(embedded: LoadedModel) -> None:
    rows = rendered(embedded)
    probs, mass, computed = letter_probabilities(embedded, rows)
    assert computed < 0.8 * sum(map(len, rows))
    for tokens, four, share in zip(rows, probs, mass, strict=True):
        plain, plain_share = alone(embedded, tokens)
        assert four == pytest.approx(plain, abs=TOLERANCE)
        assert share == pytest.approx(plain_share, abs=TOLERANCE)
        assert sum(four) == pytest.approx(1, abs=1e-5)


def test_order_and_batch_size_do_not_matter(embedded: LoadedModel) -> None:
    rows = rendered(embedded)
    probs, _, _ = letter_probabilities(embedded, rows)
    shuffled = list(range(len(rows)))
    random.Random(3).shuffle(shuffled)
    other, _, _ = letter_probabilities(embedded, [rows[i] for i in shuffled], token_budget=600)
    for place, i in enumerate(shuffled):
        assert other[place] == pytest.approx(probs[i], abs=TOLERANCE)


def test_a_prompt_longer_than_the_model_reads_is_refused(embedded: LoadedModel) -> None:
    with pytest.raises(ModelError) as caught:
        letter_probabilities(embedded, [[5] * (embedded.max_length + 1)])
    assert caught.value.key == "model.prompt_too_long"
