"""Two runs against each other."""

from __future__ import annotations

import pytest
from scoring_samples import make_answer, make_question, make_run, wrong

from lawui.errors import ScoringError
from lawui.scoring import report
from lawui.scoring.verdicts import p_words, round_up

DESIGN_KEYS = [
    "n",
    "both",
    "only_a",
    "only_b",
    "neither",
    "p_value",
    "difference",
    "low",
    "high",
    "verdict",
    "flips",
]


def two_runs(both: int, only_a: int, only_b: int, neither: int, *, group_size: int = 1):
    """Questions and the answers of A and B, as many of each kind as told."""
    kinds = [(1, 1)] * both + [(1, 0)] * only_a + [(0, 1)] * only_b + [(0, 0)] * neither
    questions = [make_question(i, group=f"g{i // group_size}") for i in range(len(kinds))]
    sides = []
    for side in (0, 1):
        sides.append(
            {
                q.id: make_answer(q, q.gold if kind[side] else wrong(q.gold))
                for q, kind in zip(questions, kinds, strict=True)
            }
        )
    return questions, sides[0], sides[1]


def compared(questions, a, b, **values):
    run_a = make_run(questions, "run-a")
    run_b = make_run(questions, "run-b", evidence="given")
    return report.compare(run_a, run_b, questions, a, b, **values)


def test_the_journeys_verdict():
    found = compared(*two_runs(40, 3, 12, 45))
    assert all(key in found for key in DESIGN_KEYS)
    assert [found[k] for k in ("n", "both", "only_a", "only_b", "neither")] == [100, 40, 3, 12, 45]
    assert found["p_value"] == pytest.approx(0.03515625)
    assert found["difference"] == pytest.approx(0.09)
    assert 0 < found["low"] < 0.09 < found["high"]
    assert found["verdict"] == "b_better" and found["more_needed"] is None
    assert found["verdict_en"] == "B is better than A: 12 questions won, 3 lost, p = 0.035."
    assert "BはAより優れています" in found["verdict_ja"] and "0.035" in found["verdict_ja"]
    assert found["differs"] == ["evidence"]


def test_comparing_the_other_way_round_mirrors_it():
    questions, a, b = two_runs(40, 3, 12, 45)
    there, back = compared(questions, a, b), compared(questions, b, a)
    assert back["verdict"] == "a_better" and back["p_value"] == there["p_value"]
    assert back["difference"] == -there["difference"]
    assert back["low"] == pytest.approx(-there["high"], abs=0.01)
    assert back["verdict_en"].startswith("A is better than B: 12 questions won, 3 lost")


def test_not_distinguishable_says_how_many_more():
    found = compared(*two_runs(60, 9, 12, 59))
    assert found["verdict"] == "not_distinguishable"
    # Connor 1987 by hand: d = 21/140, e = 3/140
    assert found["pairs_needed"] == pytest.approx(2556, abs=30)
    assert found["more_needed"] == found["pairs_needed"] - 140
    assert "these 140 questions" in found["verdict_en"] and "2,500 more" in found["verdict_en"]
    assert "140 問" in found["verdict_ja"] and "約 2,500 問" in found["verdict_ja"]


def test_an_even_split_gives_no_estimate():
    found = compared(*two_runs(10, 5, 5, 10))
    assert found["verdict"] == "not_distinguishable"
    assert found["pairs_needed"] is found["more_needed"] is None
    assert "cannot be estimated" in found["verdict_en"]


def test_a_run_against_itself():
    questions, a, _ = two_runs(10, 5, 0, 5)
    found = compared(questions, a, a)
    assert found["p_value"] == 1.0 and found["difference"] == 0.0 and found["flips"] == []
    assert found["low"] < 0 < found["high"], "no discordant item is not certainty"
    assert found["high"] < 0.25
    assert "same ones right" in found["verdict_en"]


def test_wins_within_few_groups_do_not_make_a_verdict():
    """Twelve wins that all come from two shared texts are two observations."""
    found = compared(*two_runs(0, 0, 12, 48, group_size=6))
    assert found["p_value"] < 0.001
    assert found["low"] <= 0.0 and found["verdict"] == "not_distinguishable"
    assert found["design_effect"] > 3
    assert "few shared texts" in found["verdict_en"] and "同じ条文の仲間" in found["verdict_ja"]


def test_items_are_paired_with_their_orders_averaged():
    """Four orders are one item: 4 orders won are one question won."""
    questions = [make_question(i, order=k) for i in range(3) for k in range(4)]
    a = {q.id: make_answer(q, wrong(q.gold)) for q in questions}
    b = {q.id: make_answer(q, q.gold if q.source == "問題0" else wrong(q.gold)) for q in questions}
    found = compared(questions, a, b)
    assert (found["n"], found["only_b"], found["neither"]) == (3, 1, 2)
    (flip,) = found["flips"]
    assert flip["id"] == "set-000-0" and flip["won_by"] == "b" and flip["b"] == flip["gold"]
    assert flip["a_text"] == questions[0].choices["abcd".index(flip["a"])]


def test_only_what_both_answered_counts():
    questions, a, b = two_runs(5, 0, 5, 0)
    del a[questions[0].id], b[questions[9].id]
    found = compared(questions, a, b)
    assert found["n"] == 8 and found["both"] == 4 and found["only_b"] == 4
    with pytest.raises(ScoringError) as caught:
        compared(questions, {}, b)
    assert caught.value.key == "scoring.nothing_shared"


def test_two_versions_of_a_set_are_not_compared():
    questions, a, b = two_runs(5, 0, 5, 0)
    with pytest.raises(ScoringError) as caught:
        report.compare(
            make_run(questions, "run-a"),
            make_run(questions, "run-b", dataset_sha="other"),
            questions,
            a,
            b,
        )
    assert caught.value.key == "scoring.sets_differ"
    assert "run-a" in caught.value.text("ja") and "run-b" in caught.value.text("en")


def test_seen_items_do_not_carry_the_verdict():
    """B wins only on items it was trained on: the verdict rests on the others."""
    questions, a, b = two_runs(20, 0, 20, 40)
    seen = {q.group for q in questions[20:40]}
    found = compared(questions, a, b, seen_b=seen)
    assert found["p_value"] < 0.001 and found["n"] == 80
    assert (found["n_seen"], found["n_unseen"], found["basis"]) == (20, 60, "unseen")
    assert found["unseen"]["only_b"] == 0 and found["unseen"]["n"] == 60
    assert found["verdict"] == "not_distinguishable"
    assert "60 questions that neither adapter saw" in found["verdict_en"]
    assert all(flip["seen"] for flip in found["flips"])


def test_when_all_was_seen_the_verdict_says_so():
    questions, a, b = two_runs(20, 0, 20, 40)
    found = compared(questions, a, b, seen_a={q.group for q in questions})
    assert found["basis"] == "all_seen" and found["unseen"] is None
    assert "unknown" in found["verdict_en"] and "分かりません" in found["verdict_ja"]


def test_a_comparison_says_of_which_side_nothing_is_known():
    questions, a, b = two_runs(20, 0, 20, 40)
    found = compared(questions, a, b)
    assert found["untold"] == [] and "trained on" not in found["verdict_en"]
    runs = make_run(questions, "run-a"), make_run(questions, "run-b", adapter="tuned")
    found = report.compare(*runs, questions, a, b)
    assert found["untold"] == ["b"] and "what B was trained on" in found["verdict_en"]
    assert "B が何を学習したか" in found["verdict_ja"]
    assert report.compare(*runs, questions, a, b, seen_b={"elsewhere"})["untold"] == []


def test_one_seed_is_one_seed():
    questions, a, b = two_runs(40, 3, 16, 45)
    run_a, run_b = make_run(questions), make_run(questions, "run-b", adapter="tuned")
    found = report.compare(run_a, run_b, questions, a, b)
    assert found["one_seed"] == ["b"] and "One training seed" in found["verdict_en"]
    more = report.compare(run_a, run_b, questions, a, b, siblings_b=[0.5, 0.6, 0.55])
    assert more["one_seed"] == [] and more["seeds"]["b"]["n"] == 3
    assert "One training seed" not in more["verdict_en"]


def test_several_comparisons_are_corrected():
    """p = .035 alone is a verdict, and none among three comparisons."""
    questions, a, b = two_runs(40, 3, 12, 45)
    entries = [
        report.Entry(make_run(questions, "run-a"), a),
        report.Entry(make_run(questions, "run-b"), b),
        report.Entry(make_run(questions, "run-c"), a),
    ]
    found = report.compare_all(entries, questions)
    assert [(f["run_a"], f["run_b"]) for f in found] == [
        ("run-a", "run-b"),
        ("run-a", "run-c"),
        ("run-b", "run-c"),
    ]
    assert found[0]["p_value"] == pytest.approx(0.0352, abs=1e-4)
    assert found[0]["p_adjusted"] == pytest.approx(3 * 0.03515625)
    assert found[0]["verdict"] == "not_distinguishable" and found[0]["more_needed"] > 0
    assert "3 comparisons" in found[0]["verdict_en"]


def test_an_unfinished_run_is_marked():
    questions, a, b = two_runs(4, 0, 4, 4)
    run_b = make_run(questions, "run-b", done=3)
    assert report.compare(make_run(questions), run_b, questions, a, b)["partial"]


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (1.0, "= 1.00"),
        (0.66, "= 0.66"),
        (0.0352, "= 0.035"),
        (0.0012, "= 0.0012"),
        (1e-9, "< 0.0001"),
    ],
)
def test_p_values_read_as_people_write_them(p, words):
    assert p_words(p) == words


@pytest.mark.parametrize(("n", "rounded"), [(7, 7), (84, 84), (141, 150), (2416, 2500)])
def test_estimates_look_like_estimates(n, rounded):
    assert round_up(n) == rounded
