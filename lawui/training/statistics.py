"""The doubt in a dev accuracy. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt


def accuracy_interval(
    correct: Sequence[bool], groups: Sequence[str], z: float = 1.96
) -> tuple[float, float]:
    """The 95 % interval of an accuracy over questions that come in groups.

    Wilson's score interval (Wilson 1927) at the effective sample size n / deff, where
    deff, the design effect (Kish 1965), is the variance of the mean by groups over that
    of independent answers. deff lies between 1 and the mean group size, and is the
    latter where nothing varies.
    """
    n = len(correct)
    if n == 0:
        return 0.0, 1.0
    share = sum(correct) / n
    effective = n / _design_effect(correct, groups, share)
    centre = (share + z * z / (2 * effective)) / (1 + z * z / effective)
    half = (
        z
        * sqrt(share * (1 - share) / effective + z * z / (4 * effective * effective))
        / (1 + z * z / effective)
    )
    return max(0.0, centre - half), min(1.0, centre + half)


def _design_effect(correct: Sequence[bool], groups: Sequence[str], share: float) -> float:
    residuals: dict[str, float] = {}
    for right, group in zip(correct, groups, strict=True):
        residuals[group] = residuals.get(group, 0.0) + right - share
    n, m = len(correct), len(residuals)
    largest = n / m
    if share in (0.0, 1.0) or m < 2:
        return largest
    clustered = sum(r * r for r in residuals.values()) / n**2 * m / (m - 1)
    independent = share * (1 - share) / n
    return min(max(1.0, clustered / independent), largest)
