"""What the answers of all folds say together.

A question is scored once a seed, by the adapter of the fold that holds it. An item's
figures are averaged over its orders and over the seeds; intervals resample groups.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lawui.bench.quality.bases import Answers, answer, load_answers
from lawui.bench.quality.folds import Fold
from lawui.bench.quality.study import Study
from lawui.bench.quality.variants import Variant
from lawui.scoring import comparison, statistics
from lawui.scoring.items import averages
from lawui.scoring.summary import summary
from lawui.types import BASE, EVIDENCES, LETTERS, Answer, Question, ScoreRun

TARGETS = {"given": (0.60, 0.75), "retrieved": (0.55, 0.70), "none": (0.45, 0.50)}
"""To reach and to aim at: accuracy averaged over orders, folds by group, lawqa_jp."""

NEAR = 0.05
"""How far retrieved may stay behind given."""

_TEMPERATURES = [math.exp(x / 10) for x in range(-14, 24)]  # .25 to 10

OneSeed = Mapping[str, Answer]
"""Answers by question id."""


def base_rows(study: Study, wordings: Sequence[str]) -> list[dict[str, Any]]:
    """A row an evidence and wording for the base, which no fold concerns."""
    rows = []
    for wording in wordings:
        answers = load_answers(study.base(wording)["answers"])
        for kind in EVIDENCES:
            figures = _measured(study, [answers[kind]], kind, BASE)
            rows.append({"folds": "", "variant": BASE, "wording": wording, **figures})
    return rows


def rows(
    study: Study, folds: Sequence[Fold], variant: Variant, seeds: Sequence[int]
) -> list[dict[str, Any]]:
    """A row an evidence for a variant on one kind of folds; none where no seed is whole."""
    whole: list[list[dict[str, Any]]] = []
    for seed in seeds:
        found = [study.done(fold, variant, seed) for fold in folds]
        if all(found):
            whole.append([one for one in found if one])
    if not whole:
        return []
    pooled = [_pooled(parts, variant.name) for parts in whole]
    wording = variant.wording
    base = load_answers(study.base(wording)["answers"])
    common = {
        "folds": folds[0].kind,
        "variant": variant.name,
        "wording": wording,
        "choices": [part["choice"]["point"] for part in whole[0]],
        "steps": [part["step"] if variant.alone else part["choice"]["step"] for part in whole[0]],
        "leaks": sum(part["leaks"] for part in whole[0]),
        "skipped": sum(part["skipped"] for parts in whole for part in parts),
        # What ends with the first stage was trained once, for all folds and seeds.
        "training_seconds": round(
            whole[0][0]["seconds"]
            if variant.alone
            else sum(p["seconds"] for parts in whole for p in parts),
            1,
        ),
        "choosing_seconds": round(
            sum(t["seconds"] for p in whole[0] for t in p["choice"]["tried"]), 1
        ),
        "memory_bytes": max(part["memory_bytes"] for parts in whole for part in parts),
    }
    found_rows = []
    for kind in EVIDENCES:
        one_kind = [answers[kind] for answers in pooled]
        calibrated = [_calibrated(parts, kind, study) for parts in whole]
        found_rows.append(
            {
                **common,
                **_measured(study, one_kind, kind, variant.name),
                "against_base": _against(study, base[kind], one_kind, kind, variant.name),
                "calibrated": _calibration(study, calibrated, kind),
            }
        )
    return found_rows


def given_less_retrieved(
    study: Study, folds: Sequence[Fold], variant: Variant, seeds: Sequence[int]
) -> dict[str, Any] | None:
    """How far answering with what search finds stays behind the item's own text."""
    whole = [one for seed in seeds if (one := _whole(study, folds, variant, seed))]
    if not whole:
        return None
    found = _paired(study, [(one["retrieved"], one["given"]) for one in whole])
    return {**found, "near": found["mean"] <= NEAR}


def less_the_first(
    study: Study, folds: Sequence[Fold], first: Variant, variant: Variant, seeds: Sequence[int]
) -> dict[str, Any] | None:
    """By evidence what `variant` answers more than `first` on the same folds, item by item over
    the seeds that both have; None where they have none."""
    both = [[_whole(study, folds, one, seed) for one in (first, variant)] for seed in seeds]
    pairs = [(old, new) for old, new in both if old and new]
    if not pairs:
        return None
    told: dict[str, Any] = {
        kind: _paired(study, [(old[kind], new[kind]) for old, new in pairs]) for kind in EVIDENCES
    }
    return {**told, "seeds": len(pairs)}


def targets(found: Sequence[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """For each evidence the variant `name` on folds by group beside what was to be reached.

    It is the one that was named first, not the best of them: that would be chosen by the
    very questions that it is scored on.
    """
    told = []
    for kind, (reach, aim) in TARGETS.items():
        wanted = {"folds": "group", "evidence": kind, "variant": name}
        for cell in (r for r in found if wanted.items() <= r.items()):
            mean = cell["averaged"]["mean"]
            told.append(
                {
                    **wanted,
                    **cell["averaged"],
                    "reach": reach,
                    "aim": aim,
                    "reached": mean >= reach,
                    "aimed": mean >= aim,
                }
            )
    return told


# -- one cell


def _measured(study: Study, seeds: Sequence[OneSeed], kind: str, name: str) -> dict[str, Any]:
    questions = _asked(study, seeds[0])
    figures = [
        summary(_run(study, s, kind, f"{name}-{n}"), questions, s) for n, s in enumerate(seeds)
    ]
    groups = [question.group for question in questions]
    right = [_mean([float(s[q.id].choice == q.gold) for s in seeds]) for q in questions]
    by_item = [averages(questions, s) for s in seeds]
    several = figures[0]["accuracy_averaged"] is not None
    items = [_mean([float(item.right) for item in same]) for same in zip(*by_item, strict=True)]
    first = figures[0]
    return {
        "evidence": kind,
        "seeds": len(seeds),
        "questions": len(questions),
        "items": len(items),
        "orders": _interval(right, groups),
        "averaged": _interval(items, [item.item.first.group for item in by_item[0]]),
        "one_order_only": not several,
        "spread": statistics.seed_spread(
            [f["accuracy_averaged" if several else "accuracy"] for f in figures]
        ),
        "all_orders_right": _mean_of(figures, "all_orders_right"),
        "orders_consistent": _mean_of(figures, "orders_consistent"),
        "ece": _mean_of(figures, "ece"),
        "ece_averaged": _mean_of(figures, "ece_averaged"),
        "brier": _mean_of(figures, "brier"),
        "letter_mass_median": _mean_of(figures, "letter_mass_median"),
        "letters": {
            letter: _mean([f["letter_counts"][letter] / f["total"] for f in figures])
            for letter in LETTERS
        },
        "gold_letters": {k: n / first["total"] for k, n in first["gold_counts"].items()},
        "majority_baseline": first["majority_baseline"],
        "overlap_baseline": first["overlap_baseline"],
        "by_law": {
            law: _mean([f["by_law"][law]["accuracy"] for f in figures]) for law in first["by_law"]
        },
    }


def _against(
    study: Study, base: OneSeed, seeds: Sequence[OneSeed], kind: str, name: str
) -> dict[str, Any]:
    """The variant less the base, item by item: the difference over all seeds with its
    interval, and for each seed the exact McNemar test and its verdict."""
    compared = []
    for number, answers in enumerate(seeds):
        questions = _asked(study, answers)
        mine = {q.id: base[q.id] for q in questions}
        runs = (_run(study, mine, kind, BASE), _run(study, answers, kind, f"{name}-{number}"))
        compared.append(comparison.compare(*runs, questions, mine, answers))
    return {
        **_paired(study, [(base, answers) for answers in seeds]),
        "p_values": [c["p_value"] for c in compared],
        "won": [c["only_b"] for c in compared],
        "lost": [c["only_a"] for c in compared],
        "verdicts": [c["verdict"] for c in compared],
    }


def _paired(study: Study, pairs: Sequence[tuple[OneSeed, OneSeed]]) -> dict[str, Any]:
    """How much more often the second of a pair is right than the first, item by item over all
    pairs, with its interval."""
    gains: dict[tuple[str, str], list[float]] = {}
    for old, new in pairs:
        mine = {qid: old[qid] for qid in new}
        for a, b in zip(_items(study, mine), _items(study, new), strict=True):
            key = (a.item.first.source, a.item.first.group)
            gains.setdefault(key, []).append(float(b.right) - float(a.right))
    return _interval([_mean(g) for g in gains.values()], [g for _, g in gains], (-1.0, 1.0))


# -- calibration, fitted on the dev part of each fold and nowhere else


def _calibrated(
    parts: Sequence[dict[str, Any]], kind: str, study: Study
) -> list[tuple[Answer, Answer, Answer]] | None:
    """(as answered, with a temperature, with the letters' own weight taken out) for every
    scored question; None where a fold had no dev answers."""
    gold = {q.id: LETTERS.index(q.gold) for q in study.bases.evidence.questions}  # type: ignore[arg-type]
    found = []
    for part in parts:
        if not part["choice"]["dev"]:
            return None
        dev = part["choice"]["dev"][kind]
        temperature = fit_temperature(
            [five[:4] for five in dev.values()], [gold[qid] for qid in dev]
        )
        weight = letter_weight([five[:4] for five in dev.values()])
        for qid, five in part["answers"][kind].items():
            four, mass = five[:4], five[4]
            cooled = _normal([p ** (1 / temperature) for p in four])
            levelled = _normal([p / w for p, w in zip(four, weight, strict=True)])
            found.append(
                tuple(answer(qid, kind, probs, mass) for probs in (four, cooled, levelled))
            )
    return found  # type: ignore[return-value]


def fit_temperature(probs: Sequence[Sequence[float]], gold: Sequence[int]) -> float:
    """The temperature with the least mean negative log-likelihood (Guo et al. 2017, On
    Calibration of Modern Neural Networks, 4.2), of a fixed list."""

    def loss(temperature: float) -> float:
        total = 0.0
        for four, right in zip(probs, gold, strict=True):
            scaled = _normal([p ** (1 / temperature) for p in four])
            total -= math.log(max(scaled[right], 1e-12))
        return total

    return min(_TEMPERATURES, key=loss)


def letter_weight(probs: Sequence[Sequence[float]]) -> list[float]:
    """Each letter's geometric mean: what it gets whatever the question (contextual
    calibration: Zhao et al. 2021, Calibrate Before Use, with questions for the null)."""
    return [
        math.exp(_mean([math.log(max(four[letter], 1e-12)) for four in probs]))
        for letter in range(4)
    ]


def _calibration(
    study: Study, seeds: Sequence[list[tuple[Answer, Answer, Answer]] | None], kind: str
) -> dict[str, Any] | None:
    whole = [one for one in seeds if one is not None]
    if not whole:
        return None
    found: dict[str, Any] = {}
    for place, name in ((1, "temperature"), (2, "letters_levelled")):
        figures = []
        for answers in whole:
            by_id = {one[place].question_id: one[place] for one in answers}
            questions = _asked(study, by_id)
            figures.append(summary(_run(study, by_id, kind, name), questions, by_id))
        found[name] = {
            key: _mean_of(figures, key)
            for key in ("accuracy", "accuracy_averaged", "ece", "ece_averaged", "brier")
        }
    return found


def _normal(values: Sequence[float]) -> list[float]:
    total = sum(values)
    return [value / total for value in values] if total > 0 else [0.25] * len(values)


# -- small helpers


def _whole(study: Study, folds: Sequence[Fold], variant: Variant, seed: int) -> Answers | None:
    """The answers of one seed to all questions; None where a fold is not done."""
    parts = [study.done(fold, variant, seed) for fold in folds]
    return _pooled([part for part in parts if part], variant.name) if all(parts) else None


def _pooled(parts: Sequence[dict[str, Any]], name: str) -> Answers:
    pooled: Answers = {kind: {} for kind in EVIDENCES}
    for part in parts:
        for kind, by_id in load_answers(part["answers"], name).items():
            pooled[kind].update(by_id)
    return pooled


def _asked(study: Study, answers: OneSeed) -> list[Question]:
    return [q for q in study.bases.evidence.questions if q.id in answers]


def _items(study: Study, answers: OneSeed) -> list[Any]:
    return averages(_asked(study, answers), answers)


def _run(study: Study, answers: OneSeed, kind: str, name: str) -> ScoreRun:
    evidence = study.bases.evidence
    sizes = (len(answers), len(answers))
    return ScoreRun(
        f"{name}/{kind}",
        name,
        kind,
        evidence.set,
        evidence.dataset_sha,
        study.bases.loaded.sha,
        *sizes,
        "done",
    )


def _interval(
    values: Sequence[float], groups: Sequence[str], bounds: tuple[float, float] = (0.0, 1.0)
) -> dict[str, Any]:
    found = statistics.bootstrap_interval(values, groups, bounds=bounds)
    assert found is not None  # no cell is empty
    told = asdict(found)
    return {"mean": _mean(values), "low": told["low"], "high": told["high"]}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _mean_of(figures: Sequence[Mapping[str, Any]], key: str) -> float | None:
    values = [f[key] for f in figures if f[key] is not None]
    return _mean(values) if values else None
