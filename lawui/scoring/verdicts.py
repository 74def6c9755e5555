"""What the figures say, in plain sentences of Japanese and English."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from lawui.scoring.report_text import text

LANGUAGES = ("ja", "en")


def of_run(figures: Mapping[str, Any], speaks_format: float) -> dict[str, str]:
    """`verdict`, `verdict_ja` and `verdict_en` of one run's summary. The key is
    `nothing_answered`, `format_not_spoken`, `above_baseline`, `below_baseline` or
    `like_baseline` (the difference from the stronger baseline has an interval around 0)."""
    against = figures["against_baseline"]
    if not against:
        key = "nothing_answered"
    elif figures["letter_mass_median"] < speaks_format:
        key = "format_not_spoken"
    elif against["low"] > 0:
        key = "above_baseline"
    else:
        key = "below_baseline" if against["high"] < 0 else "like_baseline"
    return {"verdict": key, **{f"verdict_{x}": _run_words(key, figures, x) for x in LANGUAGES}}


def _run_words(key: str, figures: Mapping[str, Any], lang: str) -> str:
    headline, against = figures["headline"], figures["against_baseline"]
    if not against:
        return text(f"run.{key}", lang)
    sentence = text(
        f"run.{key}",
        lang,
        accuracy=percent(headline["accuracy"]),
        low=percent(headline["low"]),
        high=percent(headline["high"]),
        baseline=text(f"baseline.{against['baseline']}", lang),
        base=percent(against["baseline_accuracy"]),
        mass=percent(figures["letter_mass_median"]),
    )
    notes = []
    if headline["basis"] != "all":
        notes.append(text(f"run.basis_{headline['basis']}", lang, n=headline["n"]))
    if not figures["training_known"]:
        notes.append(text("run.untold", lang))
    if figures["total"] < figures["planned"]:
        notes.append(text("run.partial", lang, n=figures["total"], total=figures["planned"]))
    return _join([sentence, *notes], lang)


def of_comparison(
    verdict: str,
    counts: Mapping[str, Any],
    p_value: float,
    more: int | None,
    *,
    basis: str,
    untold: Collection[str],
    comparisons: int,
    only_by_groups: bool,
    one_seed: Collection[str],
    seeds: Mapping[str, Mapping[str, Any] | None],
) -> dict[str, str]:
    """`verdict_ja` and `verdict_en`: the verdict with its counts and what limits it: `seeds`
    holds the spread of each side over training seeds, where there are several."""
    key = verdict
    if verdict == "not_distinguishable":
        if counts["only_a"] + counts["only_b"] == 0:
            key = "no_discordant"
        elif only_by_groups:
            key = "grouped"
        elif more is None:
            key = "even"
    words = {}
    for lang in LANGUAGES:
        won, lost = counts["only_b"], counts["only_a"]
        if verdict == "a_better":
            won, lost = lost, won
        sentence = text(
            f"compare.{key}",
            lang,
            won=won,
            lost=lost,
            n=counts["n"],
            p=p_words(p_value),
            more=f"{round_up(more):,}" if more else "",
        )
        notes = [sentence]
        if basis != "all":
            notes.append(text(f"compare.basis_{basis}", lang, n=counts["n"]))
        for letter in untold:
            notes.append(text("compare.untold", lang, side=letter.upper()))
        if comparisons > 1:
            notes.append(text("compare.corrected", lang, n=comparisons))
        if one_seed and verdict != "not_distinguishable":
            notes.append(text("compare.one_seed", lang))
        notes += _seed_notes(seeds, counts["difference"], lang)
        words[f"verdict_{lang}"] = _join(notes, lang)
    return words


def _seed_notes(
    seeds: Mapping[str, Mapping[str, Any] | None], difference: float, lang: str
) -> list[str]:
    """How far each side moves with its seed alone, and whether the difference is less."""
    spreads = {side: spread for side, spread in seeds.items() if spread}
    notes = [
        text(
            "compare.seeds",
            lang,
            side=side.upper(),
            n=spread["n"],
            low=percent(spread["low"]),
            high=percent(spread["high"]),
        )
        for side, spread in spreads.items()
    ]
    if any(abs(difference) <= s["high"] - s["low"] for s in spreads.values()):
        notes.append(text("compare.within_seeds", lang))
    return notes


def percent(share: float | None) -> str:
    """`43.2`; a dash for None."""
    return "–" if share is None else f"{100 * share:.1f}".replace("-", "−")


def p_words(p_value: float) -> str:
    """`= 0.035`, `= 0.0012`, `< 0.0001`: two significant digits, as people write them."""
    if p_value < 0.0001:
        return "< 0.0001"
    digits = max(2, 1 - math.floor(math.log10(p_value))) if p_value < 1 else 2
    return f"= {p_value:.{digits}f}"


def round_up(n: int) -> int:
    """Upwards to two significant digits: an estimate should look like one."""
    step = 10 ** max(0, len(str(n)) - 2)
    return math.ceil(n / step) * step


def _join(sentences: list[str], lang: str) -> str:
    return ("" if lang == "ja" else " ").join(sentences)
