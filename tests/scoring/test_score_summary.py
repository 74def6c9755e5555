"""Figures of one run, checked by hand-made answers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from scoring_samples import make_answer, make_question, make_run, wrong

from lawui.errors import ScoringError
from lawui.scoring import report
from lawui.scoring.items import average, items_of
from lawui.types import LETTERS, Answer

DESIGN_KEYS = [
    "run",
    "set",
    "evidence",
    "adapter",
    "total",
    "correct",
    "accuracy",
    "low",
    "high",
    "accuracy_averaged",
    "all_orders_right",
    "majority_baseline",
    "overlap_baseline",
    "letter_mass_median",
    "by_law",
    "seen_in_training",
    "accuracy_unseen",
    "tokens",
    "seconds",
]


def answered(questions, right_ids) -> dict[str, Answer]:
    return {q.id: make_answer(q, q.gold if q.id in right_ids else wrong(q.gold)) for q in questions}


def one_order(n: int, right: int):
    questions = [make_question(i) for i in range(n)]
    return questions, answered(questions, {q.id for q in questions[:right]})


def test_the_keys_and_figures_of_a_set_with_one_order():
    questions, answers = one_order(20, 15)
    found = report.summary(make_run(questions), questions, answers)
    assert all(key in found for key in DESIGN_KEYS)
    assert (found["total"], found["correct"], found["accuracy"]) == (20, 15, 0.75)
    assert found["low"] < 0.75 < found["high"]
    assert found["accuracy_averaged"] is found["all_orders_right"] is None
    assert found["ece_averaged"] is found["orders_consistent"] is None
    assert found["majority_baseline"] == 0.25 and found["overlap_baseline"] is None
    assert found["letter_mass_median"] == 0.95
    assert found["tokens"] == 1234 and found["seconds"] == 5.5
    assert found["n_items"] == found["n_groups"] == 20
    assert sum(v["total"] for v in found["by_law"].values()) == 20
    assert sum(sum(row.values()) for row in found["confusion"].values()) == 20
    assert sum(found["letter_counts"].values()) == sum(found["gold_counts"].values()) == 20
    assert found["ece"] == pytest.approx(0.05)  # confidence .7, 75 % right
    json.dumps(found, allow_nan=False)


def test_orders_are_averaged_by_the_text_of_the_choices():
    """Each order answers with another letter, and all mean the same choice."""
    orders = [make_question(1, order=k) for k in range(4)]
    meant = orders[0].choices[2]
    answers = {q.id: make_answer(q, LETTERS[q.choices.index(meant)]) for q in orders}
    (item,) = items_of(orders)
    found = average(item, answers)
    assert {a.choice for a in answers.values()} == set(LETTERS)
    assert found.choice == "c" and found.consistent and found.complete
    assert found.probs == pytest.approx((0.1, 0.1, 0.7, 0.1))
    assert not found.right and found.orders_right == 0


def test_position_bias_averages_to_even_odds():
    orders = [make_question(1, order=k) for k in range(4)]
    answers = {q.id: make_answer(q, "a") for q in orders}
    found = average(items_of(orders)[0], answers)
    assert found.probs == pytest.approx((0.25,) * 4)
    assert found.orders_right == 1 and not found.consistent


def test_averaging_helps_and_all_orders_right_is_strict():
    """Item 0: three of four orders right, so the average is; item 1: all; item 2: none."""
    questions = [make_question(i, order=k) for i in range(3) for k in range(4)]
    right = {q.id for q in questions[:3]} | {q.id for q in questions[4:8]}
    found = report.summary(make_run(questions), questions, answered(questions, right))
    assert found["accuracy"] == pytest.approx(7 / 12)
    assert found["accuracy_averaged"] == pytest.approx(2 / 3)
    assert found["all_orders_right"] == pytest.approx(1 / 3)
    assert found["n_items"] == 3 and found["total"] == 12
    assert found["low_averaged"] <= 2 / 3 <= found["high_averaged"]
    assert found["ece_averaged"] is not None and found["brier_averaged"] is not None


def test_equal_texts_among_the_choices_are_matched_in_turn():
    first = replace(make_question(0), choices=("同じ", "同じ", "別", "他"), gold="c")
    second = replace(make_question(0, order=1), choices=("別", "同じ", "他", "同じ"), gold="a")
    (item,) = items_of([first, second])
    assert item.places == ((0, 1, 2, 3), (1, 3, 0, 2))


def test_an_order_with_foreign_choices_is_an_item_of_its_own():
    first = make_question(0)
    odd = replace(make_question(0, order=1), choices=("い", "ろ", "は", "に"))
    assert [len(item.orders) for item in items_of([first, odd])] == [1, 1]


def test_an_unfinished_item_does_not_count_for_all_orders():
    questions = [make_question(i, order=k) for i in range(2) for k in range(4)]
    some = questions[:6]
    found = report.summary(
        make_run(questions, done=6, state="cancelled"),
        questions,
        answered(some, {q.id for q in some}),
    )
    assert found["total"] == 6 and found["planned"] == 8
    assert found["all_orders_right"] == 1.0 and found["n_items"] == 2
    assert "6" in found["verdict_en"] and "So far" in found["verdict_en"]


@pytest.mark.parametrize(
    ("seen", "count", "unseen", "basis"),
    [((), 0, 0.75, "all"), (("g0", "g1"), 2, 13 / 18, "unseen"), (None, 20, None, "all_seen")],
)
def test_seen_in_training(seen, count, unseen, basis):
    questions, answers = one_order(20, 15)
    groups = {q.group for q in questions} if seen is None else seen
    found = report.summary(make_run(questions), questions, answers, groups)
    assert found["seen_in_training"] == found["items_seen"] == count
    assert found["accuracy_unseen"] == (None if unseen is None else pytest.approx(unseen))
    assert found["headline"]["basis"] == basis
    assert found["headline"]["n"] == (20 - count or 20)
    assert (found["low_unseen"] is None) == (unseen is None)
    if basis != "all":
        assert "学習で見た" in found["verdict_ja"] or "学習で見て" in found["verdict_ja"]


def test_an_adapter_that_tells_nothing_is_not_taken_for_one_that_saw_nothing():
    questions, answers = one_order(20, 15)
    base = report.summary(make_run(questions), questions, answers)
    assert base["training_known"] and "学習済み" not in base["verdict_ja"]
    tuned = make_run(questions, adapter="tuned")
    for seen in ((), ("?", "elsewhere")):
        found = report.summary(tuned, questions, answers, seen)
        assert not found["training_known"]
        assert "学習済みかもしれません" in found["verdict_ja"]
        assert "may have seen" in found["verdict_en"]
    assert report.summary(tuned, questions, answers, ("elsewhere",))["training_known"]
    for seen, word in (((), "不明"), (("elsewhere",), "いいえ")):
        cell = report.cell(tuned, questions, answers, seen)
        table = report.to_csv([cell], "ja").decode("utf-8-sig")
        assert word in table and ("不明" in table) is (not seen)


def test_interval_goes_by_group():
    questions = [make_question(i, group=f"g{i // 5}") for i in range(40)]
    single = [make_question(i) for i in range(40)]
    right = {q.id for q in questions[:20]}
    grouped = report.summary(make_run(questions), questions, answered(questions, right))
    alone = report.summary(make_run(single), single, answered(single, right))
    assert grouped["n_groups"] == 8
    assert grouped["high"] - grouped["low"] > 1.5 * (alone["high"] - alone["low"])


@pytest.mark.parametrize(("right", "key"), [(60, "above_baseline"), (14, "like_baseline")])
def test_verdict_against_the_baseline(right, key):
    questions, answers = one_order(60, right)
    found = report.summary(make_run(questions), questions, answers)
    assert found["verdict"] == key
    assert found["against_baseline"]["baseline"] == "majority"
    assert "%" in found["verdict_ja"] and "%" in found["verdict_en"]


def test_verdict_below_the_baseline():
    questions = [make_question(i, gold=0) for i in range(40)]  # "always a" is right on all
    found = report.summary(make_run(questions), questions, answered(questions, ()))
    assert found["verdict"] == "below_baseline" and found["majority_baseline"] == 1.0


def test_a_model_that_does_not_speak_the_format_is_told():
    questions, answers = one_order(20, 15)
    silent = {k: replace(a, letter_mass=0.1) for k, a in answers.items()}
    found = report.summary(make_run(questions), questions, silent)
    assert found["verdict"] == "format_not_spoken" and "10.0 %" in found["verdict_en"]


def test_a_run_without_answers_has_no_figures_and_says_so():
    questions, _ = one_order(4, 0)
    found = report.summary(make_run(questions, done=0), questions, {})
    assert found["total"] == 0 and found["accuracy"] is found["low"] is None
    assert found["verdict"] == "nothing_answered"
    json.dumps(found, allow_nan=False)


def test_questions_without_gold_are_no_part_of_the_figures():
    questions, answers = one_order(4, 4)
    questions[0] = replace(questions[0], gold="")
    assert report.summary(make_run(questions), questions, answers)["total"] == 3


def test_answers_of_another_set_are_refused():
    questions, answers = one_order(4, 4)
    with pytest.raises(ScoringError) as caught:
        report.summary(make_run(questions), questions[:3], answers)
    assert caught.value.key == "scoring.other_questions"
    assert questions[3].id in caught.value.text("ja")


def test_table_holds_one_row_an_item_with_every_order():
    questions = [make_question(i, order=k, context="文") for i in range(2) for k in range(4)]
    answers = answered(questions, {q.id for q in questions[:4]})
    asked_with = {questions[0].id: {"passage_ids": ["p1"]}}
    rows = report.table(make_run(questions), questions, answers, {"g1"}, asked_with)
    assert [row["id"] for row in rows] == ["set-000-0", "set-001-0"]
    first, second = rows
    assert first["right"] and not second["right"]
    assert (first["seen"], second["seen"]) == (False, True)
    assert first["orders"] == first["orders_right"] == 4 and first["consistent"]
    assert sum(first["probs"].values()) == pytest.approx(1)
    assert [o["passages"] for o in first["by_order"]] == [["p1"], [], [], []]
    assert {o["gold"] for o in first["by_order"]} == set(LETTERS)
