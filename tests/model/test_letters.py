from __future__ import annotations

import random

import pytest

from lawui.errors import ModelError
from lawui.model import prompts
from lawui.model.engine import Engine
from lawui.model.letters import TOLERANCE, batches, group_by_prefix, letter_probabilities
from lawui.model.load import LoadedModel, load
from lawui.model.packed import Group
from lawui.types import Passage, Question


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load())


def tolerance(engine: Engine) -> float:
    return TOLERANCE[str(engine.loaded.dtype).removeprefix("torch.")]


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


def test_an_instruction_that_all_prompts_begin_with_makes_no_group_of_all() -> None:
    """The ends of a group are attended to together: 140 of them would take gigabytes."""
    rng = random.Random(2)
    rows = []
    for _ in range(60):
        item = [*range(30), *(rng.randint(100, 900) for _ in range(120))]
        rows += [[*item, *(rng.randint(100, 900) for _ in range(40))] for _ in range(4)]
    groups = group_by_prefix(rows, 2048)
    assert [len(g.rows) for g in groups] == [4] * 60
    assert all(g.shared >= 150 for g in groups)
    singles = group_by_prefix(rows[::4], 2048)
    assert [len(g.rows) for g in singles] == [1] * 60
    alike = [[*range(200), 300 + n] for n in range(50)]  # worth sharing, but not without end
    assert max(len(g.rows) for g in group_by_prefix(alike, 2048)) == 8
    assert all(len(g.rows) == 1 for g in group_by_prefix(alike, 150))


def test_batches_hold_every_row_once_and_keep_the_budget() -> None:
    rows = [list(range(n)) for n in (10, 500, 40, 40, 700, 20)]
    made = list(batches([Group((i,), 0) for i in range(len(rows))], rows, 600))
    assert [row for batch in made for g in batch for row in g.rows] == list(range(6))
    for batch in made:
        assert len(batch) == 1 or sum(len(rows[row]) for g in batch for row in g.rows) <= 600


def test_shared_prefix_and_batches_give_the_plain_answer(engine: Engine) -> None:
    rows = rendered(engine.loaded)
    found = letter_probabilities(engine, rows)
    assert found.tokens < 0.8 * sum(map(len, rows)) and all(found.finite)
    for tokens, four, share in zip(rows, found.probs, found.mass, strict=True):
        plain, plain_share = alone(engine.loaded, tokens)
        assert four == pytest.approx(plain, abs=tolerance(engine))
        assert share == pytest.approx(plain_share, abs=tolerance(engine))
        assert sum(four) == pytest.approx(1, abs=1e-5)


def test_order_and_batch_size_do_not_matter(engine: Engine) -> None:
    rows = rendered(engine.loaded)
    probs = letter_probabilities(engine, rows).probs
    shuffled = list(range(len(rows)))
    random.Random(3).shuffle(shuffled)
    other = letter_probabilities(engine, [rows[i] for i in shuffled], token_budget=600).probs
    for place, i in enumerate(shuffled):
        assert other[place] == pytest.approx(probs[i], abs=tolerance(engine))


def test_every_mode_gives_the_same_letters(engine: Engine) -> None:
    """4-bit weights unpacked at each use, and prompts one by one, against the fast way."""
    rows = rendered(engine.loaded, 3)
    fast = letter_probabilities(engine, rows).probs
    assert (engine.weights, engine.attention) == ("plain", "slices")
    slow = Engine(load(), spare=True)
    assert (slow.weights, slow.attention) == ("packed4", "slices")
    for attention in ("slices", "single"):
        slow.attention = attention
        for four, other in zip(fast, letter_probabilities(slow, rows).probs, strict=True):
            assert other == pytest.approx(four, abs=tolerance(engine))


def test_the_layout_of_the_flash_kernel_names_each_prompts_keys() -> None:
    """What runs on CUDA alone is checked by attention in numpy over the same layout."""
    import torch

    from lawui.model import packed

    rows = [[*range(20), 30, 31], [*range(20), 40], [50, 51, 52]]
    layout = packed.lay_out([Group((0, 1), 20), Group((2,), 0)], rows, "cpu", varlen=True)
    plan = layout.varlen
    assert plan is not None and layout.ids[0, layout.last].tolist() == [31, 40, 52]
    queries, keys = plan.query_bounds.tolist(), plan.key_bounds.tolist()
    assert queries[-1] == layout.tokens
    for number, tokens in enumerate(rows):
        seen = layout.ids[0, plan.keys[keys[number] : keys[number + 1]]]
        assert seen.tolist() == tokens  # each prompt's keys are the prompt itself
        own = layout.ids[0, queries[number] : queries[number + 1]]
        assert torch.equal(own, seen[len(seen) - len(own) :])  # queries end where keys end
    assert (plan.longest_query, plan.longest_key) == (22, 22)


def test_figures_that_are_not_finite_are_told_by_row(engine: Engine) -> None:
    rows = rendered(engine.loaded, 2)
    broken = Engine(load())
    weight = broken.loaded.model.get_input_embeddings().weight
    weight[rows[0][-1]] = 0  # no effect on anything but its own token
    weight[4999] = float("nan")
    found = letter_probabilities(broken, [rows[0], [*rows[1][:-1], 4999]])
    assert found.finite == [True, False]


def test_a_prompt_longer_than_the_model_reads_is_refused(engine: Engine) -> None:
    with pytest.raises(ModelError) as caught:
        letter_probabilities(engine, [[5] * (engine.loaded.max_length + 1)])
    assert caught.value.key == "model.prompt_too_long"
