"""Formulas against published worked examples and against each other's limits."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from lawui.scoring import statistics as s


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3 (score)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_as_newcombe_prints_it(successes, trials, low, high):
    assert s.wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("b", "c", "p"),
    [
        (2, 9, 0.06543),  # Fay, "Exact McNemar's test", vignette of R's exact2x2: p = 0.06543
        (86, 150, 3.716e-05),  # Agresti 1990, p. 350, approval ratings; exact p by exact2x2
        (12, 3, 0.03515625),  # by hand: 2 * (1 + 15 + 105 + 455) / 2**15
        (0, 0, 1.0),
        (5, 5, 1.0),
    ],
)
def test_mcnemar_exact_as_published(b, c, p):
    assert s.mcnemar_exact(b, c) == pytest.approx(p, rel=2e-4)
    assert s.mcnemar_exact(b, c) == s.mcnemar_exact(c, b)


@pytest.mark.parametrize(
    ("share_a", "share_b", "power", "pairs"),
    [  # Connor's formula as powerandsamplesize.com and clinicaltrials-tools print it
        (0.05, 0.45, 0.80, 23),
        (0.30, 0.15, 0.80, 155),
    ],
)
def test_pairs_needed_as_published(share_a, share_b, power, pairs):
    assert s.pairs_needed(share_a, share_b, power=power) == pairs


def test_pairs_needed_says_nothing_where_nobody_leads():
    assert s.pairs_needed(0.1, 0.1) is None
    assert s.pairs_needed(0.0, 0.0) is None


def test_pairs_needed_reaches_its_power():
    """Simulated: with that many pairs about 80 % of the experiments are significant."""
    n = s.pairs_needed(0.05, 0.15)
    assert n is not None
    draws = np.random.default_rng(0).multinomial(n, [0.05, 0.15, 0.8], size=400)
    found = sum(s.mcnemar_exact(int(a), int(b)) < 0.05 for a, b, _ in draws)
    assert 0.70 < found / 400 < 0.90


def test_holm_as_wikipedia_works_it_out():
    # "Holm-Bonferroni method", Example: p = 0.01, 0.04, 0.03, 0.005 at family level 0.05
    assert s.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert s.holm([0.9, 0.8]) == [1.0, 1.0]
    assert s.holm([]) == []


def test_ece_as_pavlovic_works_it_out():
    # M. Pavlovic, "Expected Calibration Error (ECE): a step by step visual explanation"
    # (July 2023), Numpy section: nine samples in three bins give 0.23778
    confidences = [0.22, 0.64, 0.92, 0.42, 0.51, 0.15, 0.70, 0.37, 0.83]
    labels = [0, 1, 0, 0, 0, 1, 1, 0, 1]
    right = [(c > 0.5) == bool(x) for c, x in zip(confidences, labels, strict=True)]
    bins = s.reliability(confidences, right, bins=3)
    assert s.expected_calibration_error(bins) == pytest.approx(0.23778, abs=5e-6)


def test_brier_score_as_brier_defines_it():
    # By hand: (0.3^2 + 0.1^2 * 3 ...) and a certain miss, which costs the full 2.
    assert s.brier_score([(0.7, 0.1, 0.1, 0.1)], [0]) == pytest.approx(0.12)
    assert s.brier_score([(1.0, 0, 0, 0)], [1]) == 2.0
    assert s.brier_score([], []) is None


def test_reliability_puts_edges_in_the_lower_bin_and_loses_nobody():
    bins = s.reliability([0.25, 0.3, 0.30000001, 1.0, 0.0], [True, False, True, True, False])
    assert [b.count for b in bins] == [1, 0, 2, 1, 0, 0, 0, 0, 0, 1]
    assert bins[2].accuracy == 0.5 and bins[9].confidence == 1.0 and bins[1].accuracy is None
    assert s.expected_calibration_error(s.reliability([], [])) is None


def test_bootstrap_of_single_questions_is_near_the_normal_interval():
    values = [1.0] * 60 + [0.0] * 40
    found = s.bootstrap_interval(values, [str(i) for i in range(100)])
    half = 1.96 * math.sqrt(0.6 * 0.4 / 100)
    assert (found.low, found.high) == pytest.approx((0.6 - half, 0.6 + half), abs=0.015)
    assert found.error == pytest.approx(half / 1.96, rel=0.03)
    assert found.method == "bootstrap_by_group"


def test_groups_that_agree_within_widen_the_interval_as_the_theory_says():
    """20 groups of 5 equal answers hold the information of 20, not of 100: sqrt(5) wider."""
    values = [float(g % 2) for g in range(20) for _ in range(5)]
    groups = [str(g) for g in range(20) for _ in range(5)]
    grouped = s.bootstrap_interval(values, groups)
    single = s.bootstrap_interval(values, [str(i) for i in range(100)])
    assert grouped.error / single.error == pytest.approx(math.sqrt(5), rel=0.06)


@pytest.mark.parametrize("count", [6, 12, 40])
def test_bootstrap_covers_the_truth(count):
    """In 300 simulated sets the 95 % interval holds the true mean about 95 %, however few
    the groups."""
    generator = np.random.default_rng(3)
    groups = [str(g) for g in range(count) for _ in range(3)]
    hits = 0
    for _ in range(300):
        rates = np.repeat(generator.beta(3, 2, size=count), 3)
        values = (generator.random(3 * count) < rates).astype(float).tolist()
        found = s.bootstrap_interval(values, groups, resamples=1000)
        hits += found.low <= 0.6 <= found.high
    assert 0.92 <= hits / 300 <= 0.985


def test_bootstrap_is_the_same_every_time_and_fast():
    generator = np.random.default_rng(1)
    values = generator.integers(0, 2, 560).astype(float).tolist()
    groups = [str(i // 6) for i in range(560)]
    s.bootstrap_interval(values, groups)  # numpy is loaded
    began = time.perf_counter()
    first = s.bootstrap_interval(values, groups)
    assert time.perf_counter() - began < 1.0
    assert first == s.bootstrap_interval(values, groups)
    assert first != s.bootstrap_interval(values, groups, seed=1)


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_all_right_or_all_wrong_is_not_certainty(mean):
    found = s.bootstrap_interval([mean] * 10, [str(i) for i in range(10)])
    assert found.method == "wilson_groups"
    assert (found.low, found.high) == s.wilson_interval(10 * mean, 10)
    assert found.high - found.low > 0.25


def test_one_group_says_almost_nothing():
    found = s.bootstrap_interval([1.0, 0.0, 1.0, 1.0], ["g"] * 4)
    assert found.method == "wilson_groups" and found.high - found.low > 0.6


def test_bootstrap_of_nothing_and_of_unequal_lengths():
    assert s.bootstrap_interval([], []) is None
    with pytest.raises(ValueError, match="length"):
        s.bootstrap_interval([1.0], [])


def test_abstain_curve_answers_the_surest_first():
    curve = s.abstain_curve([0.9, 0.8, 0.8, 0.3], [True, True, False, False])
    assert curve == [
        {"threshold": 0.9, "coverage": 0.25, "accuracy": 1.0},
        {"threshold": 0.8, "coverage": 0.75, "accuracy": 2 / 3},
        {"threshold": 0.3, "coverage": 1.0, "accuracy": 0.5},
    ]
    assert s.abstain_curve([], []) == []
    long = s.abstain_curve([i / 1000 for i in range(1000)], [True] * 1000)
    assert len(long) == 20 and long[-1]["coverage"] == 1.0


def test_median_and_spread():
    assert s.median([3, 1, 2]) == 2 and s.median([1, 2]) == 1.5 and s.median([]) is None
    assert s.seed_spread([0.5]) is None
    spread = s.seed_spread([0.4, 0.5, 0.6])
    assert spread == pytest.approx({"n": 3, "mean": 0.5, "deviation": 0.1, "low": 0.4, "high": 0.6})


@pytest.mark.parametrize(("b", "c"), [(0, 1), (3, 12), (6, 16), (41, 40), (150, 86)])
def test_mcnemar_is_that_of_statsmodels(b, c):
    from statsmodels.stats.contingency_tables import mcnemar

    reference = mcnemar([[10, b], [c, 10]], exact=True).pvalue
    assert s.mcnemar_exact(b, c) == pytest.approx(reference, rel=1e-9)


def test_holm_and_wilson_are_those_of_statsmodels():
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.proportion import proportion_confint

    p_values = [0.02, 0.0004, 0.3, 0.02, 0.049, 1.0]
    reference = multipletests(p_values, method="holm")[1]
    assert s.holm(p_values) == pytest.approx(list(reference))
    for successes, trials in ((0, 10), (48, 140), (81, 263), (29, 29)):
        reference = proportion_confint(successes, trials, alpha=0.05, method="wilson")
        assert s.wilson_interval(successes, trials) == pytest.approx(reference, abs=1e-9)


def test_abstain_threshold_answers_as_many_as_the_target_allows():
    # Sorted by confidence: right, right, wrong, right, wrong, wrong.
    confidences = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    right = [True, True, False, True, False, False]
    found = s.abstain_threshold(confidences, right, 0.7, fewest=1)
    assert found == {
        "threshold": 0.6, "coverage": 4 / 6, "accuracy": 0.75, "answered": 4, "target": 0.7,
    }  # fmt: skip
    assert s.abstain_threshold(confidences, right, 0.9, fewest=3) is None
    everything = s.abstain_threshold(confidences, right, 0.5, fewest=1)
    assert everything["coverage"] == 1.0
    # Equal confidences are answered together or not at all.
    assert s.abstain_threshold([0.5, 0.5], [True, False], 0.9, fewest=1) is None
    assert s.abstain_threshold([], [], 0.5) is None
