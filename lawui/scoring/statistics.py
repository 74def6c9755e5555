"""Figures with their doubt: intervals, paired tests, calibration.

Everything here is a pure function of plain sequences. Questions that share text are not
independent, so every interval resamples groups (clusters), never single questions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 10_000
SEED = 20241231
LEVEL = 0.95
ALPHA = 0.05
POWER = 0.80
BINS = 10
FEWEST = 20
"""Answers without which a share of right ones is noise: 20 leave it within 22 points."""

_CELLS_AT_ONCE = 2_000_000  # resamples x groups held in memory at a time (16 MB an array)


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of a mean. `error` is its standard error.

    `method` is `bootstrap_by_group`, or `wilson_groups` where resampling groups cannot
    show doubt (one group, or every group with the same mean).
    """

    low: float
    high: float
    error: float
    method: str


def bootstrap_interval(
    values: Sequence[float],
    groups: Sequence[str],
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval | None:
    """Percentile interval of the mean of `values` (length n), resampling whole groups.

    The mean of a resample is sum over sums: large groups weigh as they do in the data
    (cluster bootstrap: Davison & Hinkley 1997, Bootstrap Methods, 3.8). The percentiles are
    widened for few groups as Student's t is wider than the normal ("expanded percentile
    interval": Hesterberg 2015, The American Statistician 69:371-386). Where all groups have
    one mean the bootstrap would claim certainty, so Wilson's interval for as many trials as
    there are groups stands in, scaled to `bounds`. None for no values. Raises ValueError
    where the lengths differ.
    """
    import numpy as np

    if len(values) != len(groups):
        raise ValueError("values and groups differ in length")
    if not values:
        return None
    sums, counts = _by_group(values, groups)
    rates = sums / counts
    if len(sums) < 2 or np.ptp(rates) < 1e-12:
        return _degenerate(float(sums.sum() / counts.sum()), len(sums), bounds)
    means = _resampled_means(sums, counts, resamples, seed)
    tail = 100 * _expanded_tail(len(sums))
    low, high = np.percentile(means, [tail, 100 - tail])
    return Interval(float(low), float(high), float(means.std(ddof=1)), "bootstrap_by_group")


def _by_group(values: Sequence[float], groups: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Sum and count of the values of each group: two float arrays (number of groups,)."""
    import numpy as np

    _, index = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    sums = np.bincount(index, weights=np.asarray(values, dtype=float))
    return sums, np.bincount(index).astype(float)


def _resampled_means(sums: np.ndarray, counts: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Means of `resamples` draws of groups with replacement: (resamples,)."""
    import numpy as np

    generator = np.random.default_rng(seed)
    step = max(1, _CELLS_AT_ONCE // len(sums))
    parts = []
    for start in range(0, resamples, step):
        size = (min(step, resamples - start), len(sums))
        drawn = generator.integers(0, len(sums), size=size, dtype=np.int32)
        parts.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    return np.concatenate(parts)


def _expanded_tail(groups: int) -> float:
    """The share to cut off at each end: Phi(-sqrt(g / (g - 1)) t(1 - tail, g - 1)), which
    tends to the nominal tail as the number of groups g grows (Hesterberg 2015)."""
    from scipy.special import stdtrit

    quantile = float(stdtrit(groups - 1, (1 + LEVEL) / 2))
    return NormalDist().cdf(-math.sqrt(groups / (groups - 1)) * quantile)


def _degenerate(mean: float, groups: int, bounds: tuple[float, float]) -> Interval:
    floor, ceiling = bounds
    width = ceiling - floor
    low, high = wilson_interval(groups * (mean - floor) / width, groups)
    low, high = floor + width * low, floor + width * high
    error = (high - low) / (2 * NormalDist().inv_cdf((1 + LEVEL) / 2))
    return Interval(low, high, error, "wilson_groups")


def wilson_interval(successes: float, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22:209)."""
    if trials < 1:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    scale = 1 + z * z / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value of McNemar's test from the discordant counts.

    Under no difference each discordant pair is a fair coin (McNemar 1947; exact form as
    in Fay 2010, Biostatistics 11:373). 1.0 where no pair is discordant.
    """
    from scipy.stats import binomtest

    if only_a + only_b == 0:
        return 1.0
    return float(min(1.0, binomtest(min(only_a, only_b), only_a + only_b, 0.5).pvalue))


def pairs_needed(
    share_a: float, share_b: float, *, alpha: float = ALPHA, power: float = POWER
) -> int | None:
    """Pairs that a two-sided McNemar test needs to tell A from B.

    `share_a` and `share_b` are the shares of pairs that only A or only B got right:
    n = (z(1-alpha/2) sqrt(d) + z(power) sqrt(d - e^2))^2 / e^2, d their sum, e their
    difference (Connor 1987, Biometrics 43:207-211). None where they are equal.
    """
    discordant, effect = share_a + share_b, abs(share_a - share_b)
    if effect == 0:
        return None
    normal = NormalDist()
    root = normal.inv_cdf(1 - alpha / 2) * math.sqrt(discordant)
    root += normal.inv_cdf(power) * math.sqrt(max(0.0, discordant - effect**2))
    return math.ceil(root**2 / effect**2)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for several comparisons (Holm 1979, Scand. J. Stat. 6:65-70),
    in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, running)
    return adjusted


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability plot: answers whose confidence lies in (low, high].
    `confidence` and `accuracy` are the bin's means, None where it is empty."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """Equal-width bins of confidence in (0, 1] with their accuracy (Guo et al. 2017)."""
    members: list[list[int]] = [[] for _ in range(bins)]
    for i, confidence in enumerate(confidences):
        members[min(bins - 1, max(0, math.ceil(confidence * bins - 1e-9) - 1))].append(i)
    return [
        Bin(
            low=b / bins,
            high=(b + 1) / bins,
            count=len(inside),
            confidence=sum(confidences[i] for i in inside) / len(inside) if inside else None,
            accuracy=sum(bool(right[i]) for i in inside) / len(inside) if inside else None,
        )
        for b, inside in enumerate(members)
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float | None:
    """ECE = sum over bins of count/n * |accuracy - confidence| (Guo et al. 2017, On
    Calibration of Modern Neural Networks, eq. 3). None for no answers."""
    total = sum(b.count for b in bins)
    if not total:
        return None
    gaps = (
        b.count * abs(b.accuracy - b.confidence)
        for b in bins
        if b.accuracy is not None and b.confidence is not None
    )
    return sum(gaps) / total


def brier_score(probabilities: Sequence[Sequence[float]], gold: Sequence[int]) -> float | None:
    """Mean squared distance of the probabilities (n x 4) from the truth, 0 to 2 (Brier
    1950, Monthly Weather Review 78:1). None for no answers."""
    if not gold:
        return None
    distances = [
        sum((p - (i == g)) ** 2 for i, p in enumerate(row))
        for row, g in zip(probabilities, gold, strict=True)
    ]
    return sum(distances) / len(gold)


def abstain_curve(
    confidences: Sequence[float], right: Sequence[bool], points: int = 20
) -> list[dict[str, float]]:
    """What answering only the surest questions would bring, from most to least strict.

    Each point `{threshold, coverage, accuracy}`: of all questions the share `coverage`
    has a confidence of at least `threshold`, and `accuracy` of those are right. It starts
    where 1/`points` of the questions are answered: the accuracy of fewer is noise.
    """
    ranked = sorted(zip(confidences, right, strict=True), key=lambda pair: -pair[0])
    total = len(ranked)
    # Questions of equal confidence are answered together or not at all.
    ends = [k for k in range(1, total + 1) if k == total or ranked[k][0] < ranked[k - 1][0]]
    ends = [k for k in ends if k >= total / points]
    if len(ends) > points:
        ends = [ends[round(i * (len(ends) - 1) / (points - 1))] for i in range(points)]
    return [
        {
            "threshold": ranked[k - 1][0],
            "coverage": k / total,
            "accuracy": sum(bool(r) for _, r in ranked[:k]) / k,
        }
        for k in ends
    ]


def abstain_threshold(
    confidences: Sequence[float], right: Sequence[bool], target: float, fewest: int = FEWEST
) -> dict[str, float | int] | None:
    """From which confidence on answers are right often enough: `{threshold, coverage,
    accuracy, answered, target}`.

    The lowest threshold at which a share of at least `target` of what is answered is right
    and at least `fewest` questions are answered (selective classification: El-Yaniv & Wiener
    2010, J. Mach. Learn. Res. 11:1605-1641). It is chosen on these very questions, so on
    new ones the share may be lower. None where no threshold reaches it.
    """
    ranked = sorted(zip(confidences, right, strict=True), key=lambda pair: -pair[0])
    best, correct = None, 0
    for k, (confidence, is_right) in enumerate(ranked, start=1):
        correct += bool(is_right)
        ends = k == len(ranked) or ranked[k][0] < confidence
        if ends and k >= fewest and correct / k >= target:
            best = {
                "threshold": confidence,
                "coverage": k / len(ranked),
                "accuracy": correct / k,
                "answered": k,
                "target": target,
            }
    return best


def median(values: Sequence[float]) -> float | None:
    """The middle value; None for none."""
    ranked = sorted(values)
    if not ranked:
        return None
    middle = len(ranked) // 2
    return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) / 2


def seed_spread(accuracies: Sequence[float]) -> dict[str, float | int] | None:
    """Spread of one figure over runs that differ by their seed only: `{n, mean, deviation,
    low, high}` with the sample standard deviation and the range. None for fewer than two:
    one seed is one seed."""
    n = len(accuracies)
    if n < 2:
        return None
    mean = sum(accuracies) / n
    deviation = math.sqrt(sum((a - mean) ** 2 for a in accuracies) / (n - 1))
    return {
        "n": n,
        "mean": mean,
        "deviation": deviation,
        "low": min(accuracies),
        "high": max(accuracies),
    }
