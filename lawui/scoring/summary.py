"""One run in figures, and its table of items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lawui.errors import ScoringError
from lawui.scoring import baselines, statistics, verdicts
from lawui.scoring.items import ItemAnswer, averages, several_orders
from lawui.types import BASE, LETTERS, Answer, Question, ScoreRun, all_told

SPEAKS_FORMAT = 0.5
"""Below this median letter mass the model mostly wants to say something else than a letter."""


@dataclass(frozen=True)
class _Asked:
    """A question with gold, its answer, and whether the adapter saw its group."""

    question: Question
    answer: Answer
    seen: bool

    @property
    def right(self) -> bool:
        return self.answer.choice == self.question.gold

    @property
    def confidence(self) -> float:
        return max(self.answer.probs)


@dataclass(frozen=True)
class Cell:
    """A run with its figures (`summary`), its rows (`table`) and where they come from
    (ScoreStore.provenance): what reports and plots are made of."""

    run: ScoreRun
    figures: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    provenance: Mapping[str, Any]


def cell(
    run: ScoreRun,
    questions: Sequence[Question],
    answers: Mapping[str, Answer],
    seen_groups: Collection[str] = (),
    provenance: Mapping[str, Any] | None = None,
    asked_with: Mapping[str, Mapping[str, Any]] | None = None,
) -> Cell:
    """Everything a report needs of one run. Raises as `summary` does."""
    return Cell(
        run,
        summary(run, questions, answers, seen_groups, asked_with),
        table(run, questions, answers, seen_groups, asked_with),
        provenance or {},
    )


def summary(
    run: ScoreRun,
    questions: Sequence[Question],
    answers: Mapping[str, Answer],
    seen_groups: Collection[str] = (),
    asked_with: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The figures of one run, JSON-ready: the keys of `score --json` and more.

    `questions` is the set the run was made on; figures are over those that were answered
    and have a gold letter. `total`, `correct`, `accuracy`, `low`, `high`, `confusion`,
    `seen_in_training` and the baselines count questions as asked (each order is one);
    `accuracy_averaged`, `all_orders_right` (share of the items answered in all orders) and
    the keys that end in `_averaged` count items, and are None for a set with one order.
    Intervals are 95 %, resampled by group. `accuracy_unseen` leaves out every question of
    a group in `seen_groups`: equal to `accuracy` where none was seen, None where all were.
    `training_known` is false for an adapter of which nobody knows what it saw.
    `found_and_used` sets whether search found a cited article (`asked_with` knows) beside
    whether the answer was right; None where nothing was searched for.
    Raises ScoringError where an answer's question is not in `questions`.
    """
    check_known(run, questions, answers)
    asked = [
        _Asked(q, answers[q.id], q.group in seen_groups)
        for q in questions
        if q.id in answers and q.gold in LETTERS
    ]
    by_item = averages(questions, answers)
    unseen = [a for a in asked if not a.seen]
    figures: dict[str, Any] = {
        "run": run.id,
        "set": run.set,
        "evidence": run.evidence,
        "adapter": run.adapter,
        **_accuracy(asked),
        **_order_figures(by_item, several_orders(questions)),
        **_baselines([a.question for a in asked]),
        "letter_mass_median": statistics.median([a.answer.letter_mass for a in asked]),
        "by_law": _by_law(asked),
        "seen_in_training": len(asked) - len(unseen),
        "training_known": not untold(run, seen_groups),
        "items_seen": sum(i.item.first.group in seen_groups for i in by_item),
        **_unseen(unseen),
        "tokens": run.tokens,
        "seconds": run.seconds,
        "n_items": len(by_item),
        "n_groups": len({a.question.group for a in asked}),
        "found_and_used": _found_and_used(asked, asked_with or {}),
        "answers_reused": sum(
            bool((asked_with or {}).get(a.question.id, {}).get("reused")) for a in asked
        ),
        "planned": run.total,
        "state": run.state,
        **_letters(asked),
        **_calibration([a.confidence for a in asked], [a.right for a in asked]),
        "brier": statistics.brier_score(
            [a.answer.probs for a in asked], [LETTERS.index(a.question.gold) for a in asked]
        ),
    }
    figures["headline"] = _headline(figures, len(unseen))
    figures["against_baseline"] = _against_baseline(unseen or asked)
    return {**figures, **verdicts.of_run(figures, SPEAKS_FORMAT)}


def table(
    run: ScoreRun,
    questions: Sequence[Question],
    answers: Mapping[str, Answer],
    seen_groups: Collection[str] = (),
    asked_with: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """One row an item that was answered, in the set's order. Letters and `probs` are those
    of the item's first order; `by_order` holds what each order gave, in its own letters.
    `asked_with` (ScoreStore.asked_with) adds the passages each order was shown."""
    check_known(run, questions, answers)
    return [
        _row(item, answers, seen_groups, asked_with or {}) for item in averages(questions, answers)
    ]


def untold(run: ScoreRun, seen_groups: Collection[str]) -> bool:
    """Whether nobody knows what the run's adapter, or one that it goes on from, learnt."""
    return run.adapter != BASE and not all_told(seen_groups)


def check_known(
    run: ScoreRun, questions: Sequence[Question], answers: Mapping[str, Answer]
) -> None:
    """Raises ScoringError where the run answered a question that the set does not hold."""
    strange = answers.keys() - {q.id for q in questions}
    if strange:
        raise ScoringError("scoring.other_questions", run=run.id, question=min(strange))


def _accuracy(asked: Sequence[_Asked]) -> dict[str, Any]:
    correct = sum(a.right for a in asked)
    interval = _interval(asked)
    return {
        "total": len(asked),
        "correct": correct,
        "accuracy": correct / len(asked) if asked else None,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "interval_method": interval.method if interval else None,
    }


def _interval(asked: Sequence[_Asked]) -> statistics.Interval | None:
    return statistics.bootstrap_interval(
        [float(a.right) for a in asked], [a.question.group for a in asked]
    )


def _unseen(unseen: Sequence[_Asked]) -> dict[str, Any]:
    figures = _accuracy(unseen)
    names = ("accuracy", "low", "high")
    return {f"{name}_unseen": figures[name] for name in names}


def _order_figures(by_item: Sequence[ItemAnswer], several: bool) -> dict[str, Any]:
    names = ("accuracy", "low", "high", "ece", "mean_confidence", "reliability", "abstain")
    averaged: dict[str, Any] = dict.fromkeys(names)
    if not several or not by_item:
        return {
            **{f"{name}_averaged": None for name in names},
            "brier_averaged": None,
            "all_orders_right": None,
            "orders_consistent": None,
        }
    right = [i.right for i in by_item]
    interval = statistics.bootstrap_interval(
        [float(r) for r in right], [i.item.first.group for i in by_item]
    )
    averaged |= _calibration([max(i.probs) for i in by_item], right)
    averaged["accuracy"] = sum(right) / len(right)
    averaged["low"], averaged["high"] = (interval.low, interval.high) if interval else (None,) * 2
    complete = [i for i in by_item if i.complete]
    return {
        **{f"{name}_averaged": value for name, value in averaged.items()},
        "brier_averaged": statistics.brier_score(
            [i.probs for i in by_item], [LETTERS.index(i.item.first.gold) for i in by_item]
        ),
        "all_orders_right": _share([i.orders_right == i.answered for i in complete]),
        "orders_consistent": _share([i.consistent for i in complete]),
    }


def _calibration(confidences: Sequence[float], right: Sequence[bool]) -> dict[str, Any]:
    bins = statistics.reliability(confidences, right)
    return {
        "ece": statistics.expected_calibration_error(bins),
        "mean_confidence": sum(confidences) / len(confidences) if confidences else None,
        "reliability": [asdict(b) for b in bins],
        "abstain": statistics.abstain_curve(confidences, right),
    }


def _found_and_used(
    asked: Sequence[_Asked], asked_with: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any] | None:
    """How many questions were right or wrong where at least one article that the question
    rests on was among the passages shown ("found"), and where none was. `not_known` counts
    questions that name no article."""
    pairs = Counter[tuple[bool, bool]]()
    not_known = 0
    for a in asked:
        known = asked_with.get(a.question.id, {})
        if "found" not in known:
            continue
        if not known.get("cited"):
            not_known += 1
        else:
            pairs[bool(known["found"]), a.right] += 1
    if not pairs:
        return None
    found, missed = (pairs[f, True] + pairs[f, False] for f in (True, False))
    return {
        "found_right": pairs[True, True],
        "found_wrong": pairs[True, False],
        "missed_right": pairs[False, True],
        "missed_wrong": pairs[False, False],
        "found": found / (found + missed),
        "accuracy_found": pairs[True, True] / found if found else None,
        "accuracy_missed": pairs[False, True] / missed if missed else None,
        "not_known": not_known,
    }


def _baselines(questions: Sequence[Question]) -> dict[str, Any]:
    most = baselines.majority(questions)
    return {
        "majority_baseline": most[1] if most else None,
        "majority_letter": most[0] if most else None,
        "overlap_baseline": baselines.overlap_accuracy(questions),
        "overlap_baseline_unturned": baselines.overlap_accuracy(questions, turn=False),
    }


def _by_law(asked: Sequence[_Asked]) -> dict[str, dict[str, Any]]:
    laws = list(dict.fromkeys(a.question.law for a in asked))
    found = {}
    for law in laws:
        inside = [a for a in asked if a.question.law == law]
        base = _baselines([a.question for a in inside])
        found[law] = {
            **_accuracy(inside),
            "majority_baseline": base["majority_baseline"],
            "overlap_baseline": base["overlap_baseline"],
        }
    return found


def _letters(asked: Sequence[_Asked]) -> dict[str, Any]:
    pairs = Counter((a.question.gold, a.answer.choice) for a in asked)
    return {
        "confusion": {g: {c: pairs[g, c] for c in LETTERS} for g in LETTERS},
        "letter_counts": {c: sum(pairs[g, c] for g in LETTERS) for c in LETTERS},
        "gold_counts": {g: sum(pairs[g, c] for c in LETTERS) for g in LETTERS},
    }


def _headline(figures: Mapping[str, Any], unseen: int) -> dict[str, Any]:
    """The accuracy to quote: over unseen questions when any was seen. `basis` is `all`,
    `unseen`, or `all_seen` where nothing unseen is left and the figure proves nothing."""
    seen = figures["seen_in_training"]
    suffix = "_unseen" if seen and unseen else ""
    basis = "unseen" if suffix else "all_seen" if seen else "all"
    names = ("accuracy", "low", "high")
    count = unseen if suffix else figures["total"]
    return {"basis": basis, "n": count, **{name: figures[name + suffix] for name in names}}


def _against_baseline(asked: Sequence[_Asked]) -> dict[str, Any] | None:
    """The run less the stronger of the two baselines, question by question, with the
    interval of that difference by group."""
    if not asked:
        return None
    golds = [a.question.gold for a in asked]
    most = baselines.majority([a.question for a in asked])
    points = {"majority": [float(most is not None and gold == most[0]) for gold in golds]}
    guesses = [baselines.overlap(a.question) for a in asked]
    if any(guesses):
        points["overlap"] = [
            0.25 if guess is None else float(guess == gold)
            for guess, gold in zip(guesses, golds, strict=True)
        ]
    name = max(points, key=lambda n: sum(points[n]))
    gains = [a.right - p for a, p in zip(asked, points[name], strict=True)]
    interval = statistics.bootstrap_interval(
        gains, [a.question.group for a in asked], bounds=(-1.0, 1.0)
    )
    return {
        "baseline": name,
        "baseline_accuracy": sum(points[name]) / len(asked),
        "difference": sum(gains) / len(asked),
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
    }


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _hit(known: Mapping[str, Any]) -> dict[str, Any]:
    """`cited` and `found` articles of an item that was searched for, else None."""
    searched = "found" in known
    return {name: known.get(name) if searched else None for name in ("cited", "found")}


def abstain(
    rows: Sequence[Mapping[str, Any]], target: float
) -> dict[str, dict[str, float | int] | None]:
    """From which confidence on to trust a run whose table is `rows`: statistics.
    abstain_threshold for an answer in one order (`one_order`) and for the average over
    orders (`averaged`, None for a set with one). Items seen in training are left out where
    others are there."""
    unseen = [r for r in rows if not r["seen"]] or list(rows)
    orders = [o for r in unseen for o in r["by_order"]]
    several = any(r["orders"] > 1 for r in unseen)
    fewest = min(statistics.FEWEST, max(1, len(unseen)))
    return {
        "one_order": statistics.abstain_threshold(
            [max(o["probs"].values()) for o in orders], [o["right"] for o in orders], target, fewest
        ),
        "averaged": statistics.abstain_threshold(
            [r["confidence"] for r in unseen], [r["right"] for r in unseen], target, fewest
        )
        if several
        else None,
    }


def _row(
    found: ItemAnswer,
    answers: Mapping[str, Answer],
    seen_groups: Collection[str],
    asked_with: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    first = found.item.first
    guess = baselines.overlap(first)
    answered = [(q, answers[q.id]) for q in found.item.orders if q.id in answers]
    places = {q.id: p for q, p in zip(found.item.orders, found.item.places, strict=True)}
    return {
        "id": first.id,
        "source": first.source,
        "group": first.group,
        "law": first.law,
        "stem": first.stem,
        "choices": dict(zip(LETTERS, first.choices, strict=True)),
        "gold": first.gold,
        "choice": found.choice,
        "right": found.right,
        "probs": dict(zip(LETTERS, found.probs, strict=True)),
        "confidence": max(found.probs),
        "orders": found.answered,
        "orders_right": found.orders_right,
        "consistent": found.consistent,
        "complete": found.complete,
        "letter_mass": statistics.median([a.letter_mass for _, a in answered]),
        "seen": first.group in seen_groups,
        "overlap": guess,
        "overlap_right": None if guess is None else guess == first.gold,
        "seconds": sum(a.seconds for _, a in answered),
        **_hit(asked_with.get(first.id) or asked_with.get(answered[0][0].id, {})),
        "by_order": [
            {
                "id": q.id,
                "order": q.order,
                "gold": q.gold,
                "choice": a.choice,
                "right": a.choice == q.gold,
                "probs": dict(zip(LETTERS, a.probs, strict=True)),
                "letter_mass": a.letter_mass,
                "passages": list(asked_with.get(q.id, {}).get("passage_ids", ())),
                "text_sha": asked_with.get(q.id, {}).get("text_sha", ""),
                "tokens": asked_with.get(q.id, {}).get("n_tokens"),
                "dropped": list(asked_with.get(q.id, {}).get("dropped_passages", ())),
                "places": list(places[q.id]),
            }
            for q, a in answered
        ],
    }
