"""Two runs on the same questions: which is better, and is that more than luck?"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from lawui.errors import ScoringError
from lawui.scoring import statistics, verdicts
from lawui.scoring.items import ItemAnswer, averages
from lawui.scoring.summary import check_known, untold
from lawui.types import BASE, LETTERS, Answer, Question, ScoreRun

_DIFFERENCES = {
    "adapter": ("adapter", "adapter_sha"),
    "evidence": ("evidence",),
    "model": ("model_sha",),
    "prompt": ("prompt_sha",),
    "index": ("index_id",),
}


@dataclass(frozen=True)
class Entry:
    """A run with what comparing needs. `siblings` are the accuracies of this and other runs
    whose adapters differ from this one's by the training seed only."""

    run: ScoreRun
    answers: Mapping[str, Answer]
    seen_groups: Collection[str] = ()
    siblings: Sequence[float] = ()


@dataclass(frozen=True)
class _Pair:
    """One item answered by both runs."""

    a: ItemAnswer
    b: ItemAnswer
    seen: bool

    @property
    def gain(self) -> int:
        """1 where only B is right, -1 where only A is, else 0."""
        return int(self.b.right) - int(self.a.right)


def compare(
    run_a: ScoreRun,
    run_b: ScoreRun,
    questions: Sequence[Question],
    answers_a: Mapping[str, Answer],
    answers_b: Mapping[str, Answer],
    seen_a: Collection[str] = (),
    seen_b: Collection[str] = (),
    siblings_a: Sequence[float] = (),
    siblings_b: Sequence[float] = (),
) -> dict[str, Any]:
    """Run A against run B, paired per item (its orders averaged), over items both answered.

    `both`, `only_a`, `only_b`, `neither` count items by who was right; `p_value` is the
    exact McNemar test; `difference` is B's accuracy less A's, `low` and `high` its 95 %
    interval, groups resampled. `verdict` is `a_better`, `b_better` or `not_distinguishable`
    (`verdict_ja`, `verdict_en` say it in words), and asks for both a p-value under .05 and an
    interval without zero. Where either adapter saw some of the items in training, the
    verdict rests on the others: their figures are under `unseen`, and `basis` says so.
    Raises ScoringError for runs on different questions or without a common item.
    """
    a = Entry(run_a, answers_a, seen_a, siblings_a)
    b = Entry(run_b, answers_b, seen_b, siblings_b)
    return _compared(a, b, questions)


def compare_all(entries: Sequence[Entry], questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Every pair of runs compared, p-values corrected for their number (Holm): `p_adjusted`
    is what the verdicts rest on."""
    pairs = list(combinations(entries, 2))
    found = [_compared(a, b, questions) for a, b in pairs]
    adjusted = statistics.holm([basis(f)["p_value"] for f in found])
    corrected = [
        {**one, "p_adjusted": p, "comparisons": len(found)}
        for one, p in zip(found, adjusted, strict=True)
    ]
    return [{**one, **_verdict(one)} for one in corrected]


def _compared(a: Entry, b: Entry, questions: Sequence[Question]) -> dict[str, Any]:
    if a.run.dataset_sha != b.run.dataset_sha:
        raise ScoringError("scoring.sets_differ", run_a=a.run.id, run_b=b.run.id)
    pairs = _pairs(a, b, questions)
    if not pairs:
        raise ScoringError("scoring.nothing_shared", run_a=a.run.id, run_b=b.run.id)
    unseen = [pair for pair in pairs if not pair.seen]
    some_seen = 0 < len(unseen) < len(pairs)
    found: dict[str, Any] = {
        "run_a": a.run.id,
        "run_b": b.run.id,
        **_counts(pairs),
        "flips": [_flip(pair) for pair in pairs if pair.gain],
        "n_seen": len(pairs) - len(unseen),
        "n_unseen": len(unseen),
        "basis": "unseen" if some_seen else "all" if unseen else "all_seen",
        "unseen": _counts(unseen) if some_seen else None,
        "differs": [
            name
            for name, fields in _DIFFERENCES.items()
            if any(getattr(a.run, f) != getattr(b.run, f) for f in fields)
        ],
        "partial": any(e.run.done < e.run.total for e in (a, b)),
        "untold": [letter for letter, e in (("a", a), ("b", b)) if untold(e.run, e.seen_groups)],
        "one_seed": [
            letter
            for letter, e in (("a", a), ("b", b))
            if e.run.adapter != BASE and len(e.siblings) < 2
        ],
        "seeds": {
            "a": statistics.seed_spread(a.siblings),
            "b": statistics.seed_spread(b.siblings),
        },
    }
    found["p_adjusted"], found["comparisons"] = basis(found)["p_value"], 1
    return {**found, **_verdict(found)}


def _pairs(a: Entry, b: Entry, questions: Sequence[Question]) -> list[_Pair]:
    for entry in (a, b):
        check_known(entry.run, questions, entry.answers)
    # Only the orders that both answered: otherwise one side averages over more of them.
    shared = [q for q in questions if q.id in a.answers and q.id in b.answers]
    seen = {*a.seen_groups, *b.seen_groups}
    return [
        _Pair(x, y, x.item.first.group in seen)
        for x, y in zip(averages(shared, a.answers), averages(shared, b.answers), strict=True)
    ]


def _counts(pairs: Sequence[_Pair]) -> dict[str, Any]:
    n = len(pairs)
    only_a = sum(pair.gain < 0 for pair in pairs)
    only_b = sum(pair.gain > 0 for pair in pairs)
    both = sum(pair.a.right and pair.b.right for pair in pairs)
    interval = _difference_interval(pairs)
    counts = {
        "n": n,
        "both": both,
        "only_a": only_a,
        "only_b": only_b,
        "neither": n - both - only_a - only_b,
        "p_value": statistics.mcnemar_exact(only_a, only_b),
        "difference": (only_b - only_a) / n,
        "low": interval.low,
        "high": interval.high,
        "accuracy_a": (both + only_a) / n,
        "accuracy_b": (both + only_b) / n,
        "n_groups": len({pair.a.item.first.group for pair in pairs}),
        "design_effect": _design_effect(pairs, interval.error),
    }
    return {**counts, "pairs_needed": _items_needed(counts, statistics.ALPHA)}


def _items_needed(counts: Mapping[str, Any], alpha: float) -> int | None:
    """Items that would tell the two apart if they went on to split as they did, grouped as
    these are; None where neither is ahead."""
    n = counts["n"]
    pairs = statistics.pairs_needed(counts["only_a"] / n, counts["only_b"] / n, alpha=alpha)
    return math.ceil(pairs * counts["design_effect"]) if pairs else None


def _difference_interval(pairs: Sequence[_Pair]) -> statistics.Interval:
    gains = [float(pair.gain) for pair in pairs]
    groups = [pair.a.item.first.group for pair in pairs]
    if not any(gains):
        # No discordant item was seen; the difference cannot exceed the share of discordant
        # ones, and Wilson bounds that share by the number of independent groups.
        bound = statistics.wilson_interval(0, len(set(groups)))[1]
        return statistics.Interval(-bound, bound, bound / 2, "wilson_groups")
    found = statistics.bootstrap_interval(gains, groups, bounds=(-1.0, 1.0))
    assert found is not None  # there is at least one pair
    return found


def _design_effect(pairs: Sequence[_Pair], error: float) -> float:
    """How many times more items the grouping costs: the variance by group over that of
    independent items (Kish 1965, Survey Sampling), at least 1."""
    n = len(pairs)
    mean = sum(pair.gain for pair in pairs) / n
    independent = sum((pair.gain - mean) ** 2 for pair in pairs) / n**2
    return max(1.0, error**2 / independent) if independent else 1.0


def basis(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The figures that the verdict rests on: of unseen items where some were seen."""
    return found["unseen"] or found


def _verdict(found: Mapping[str, Any]) -> dict[str, Any]:
    """The stable key, the sentences, and how many more items it would take."""
    counts, p_value, comparisons = basis(found), found["p_adjusted"], found["comparisons"]
    certain = p_value < statistics.ALPHA
    apart = counts["low"] > 0 or counts["high"] < 0
    if certain and apart:
        verdict = "b_better" if counts["difference"] > 0 else "a_better"
        more = None
    else:
        verdict = "not_distinguishable"
        needed = _items_needed(counts, statistics.ALPHA / comparisons)
        more = None if needed is None else max(1, needed - counts["n"])
    return {
        "verdict": verdict,
        "more_needed": more,
        **verdicts.of_comparison(
            verdict,
            counts,
            p_value,
            more,
            basis=found["basis"],
            untold=found["untold"],
            comparisons=comparisons,
            only_by_groups=certain and not apart,
            one_seed=found["one_seed"],
            seeds=found["seeds"],
        ),
    }


def _flip(pair: _Pair) -> dict[str, Any]:
    first = pair.a.item.first
    texts = dict(zip(LETTERS, first.choices, strict=True))
    return {
        "id": first.id,
        "source": first.source,
        "group": first.group,
        "law": first.law,
        "stem": first.stem,
        "gold": first.gold,
        "gold_text": texts[first.gold],  # type: ignore[index]
        "a": pair.a.choice,
        "a_text": texts[pair.a.choice],
        "a_confidence": max(pair.a.probs),
        "b": pair.b.choice,
        "b_text": texts[pair.b.choice],
        "b_confidence": max(pair.b.probs),
        "won_by": "b" if pair.gain > 0 else "a",
        "seen": pair.seen,
    }
