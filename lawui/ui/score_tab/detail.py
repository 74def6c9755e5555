"""One score as HTML: its figures in words, drawings and tables; two scores compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from lawui.types import LETTERS, ScoreRun
from lawui.ui import components
from lawui.ui.score_tab.matrix import opener, run_label
from lawui.ui.text import duration, say

CHANCE = 0.25
PLOTS = ("calibration", "abstain", "letters")
_STEM = 60


def summary_html(found: Mapping[str, Any], run: ScoreRun, lang: str) -> str:
    """The figures in words, with their interval and what they must be held against."""
    title = components.tag("p", run_label(run, lang), "lw-note")
    verdict = components.tag("p", found[f"verdict_{lang}"], "lw-verdict")
    if found["accuracy"] is None:
        return title + verdict
    head = found["headline"]
    return (
        f"{title}{_headline(found, head, lang)}{verdict}{_seeds(found.get('seeds'), lang)}"
        f"{_more_figures(found, lang)}{_found_and_used(found['found_and_used'], lang)}"
        f"{_by_law(found['by_law'], lang)}{_confusion(found['confusion'], lang)}"
    )


def _headline(found: Mapping[str, Any], head: Mapping[str, Any], lang: str) -> str:
    counted = say("score.of", lang, total=found["total"], correct=found["correct"])
    if head["basis"] == "unseen":
        counted = say("score.cell.unseen", lang, n=head["n"])
    figure = (
        f'<p class="lw-big"><b>{components.percent(head["accuracy"], 1)}<small> %</small></b>'
        f"{components.tag('span', counted)}</p>"
    )
    low, high = head["low"], head["high"]
    if low is None:
        low = high = head["accuracy"]
    marks = [(say("score.baseline.chance", lang), CHANCE)]
    marks += [
        (say(f"score.baseline.{name}", lang), found[f"{name}_baseline"])
        for name in ("majority", "overlap")
        if found[f"{name}_baseline"] is not None
    ]
    words = say(
        "score.interval", lang, low=components.percent(low, 1), high=components.percent(high, 1)
    )
    scale = components.yardstick(head["accuracy"], low, high, marks, lang)
    return figure + scale + components.tag("p", words)


def _seeds(spread: Mapping[str, Any] | None, lang: str) -> str:
    if not spread:
        return ""
    low, high = (components.percent(spread[k], 1) for k in ("low", "high"))
    return components.tag("p", say("score.seeds", lang, n=spread["n"], low=low, high=high))


def _more_figures(found: Mapping[str, Any], lang: str) -> str:
    seen = found["seen_in_training"]
    note = ""
    if seen or found["training_known"]:  # otherwise the verdict says that nothing is known
        key = "score.seen" if seen else "score.seen.none"
        note = components.tag("p", say(key, lang, n=seen), "lw-note")
    if found["answers_reused"]:
        reused = say("score.cell.reused", lang, n=found["answers_reused"])
        note += components.tag("p", reused, "lw-note")
    shares = [
        ("score.orders.averaged", "accuracy_averaged"),
        ("score.orders.all", "all_orders_right"),
        ("score.orders.consistent", "orders_consistent"),
        ("score.unseen", "accuracy_unseen" if seen else ""),
    ]
    pairs = [
        (say(key, lang), components.percent(found[name], 1) + " %")
        for key, name in shares
        if found.get(name) is not None
    ]
    pairs += [
        (say(f"score.{name}", lang), say("score.points", lang, n=f"{100 * found[name]:.1f}"))
        for name in ("ece", "ece_averaged")
        if found.get(name) is not None
    ]
    pairs.append((say("ask.took", lang), duration(found["seconds"], lang)))
    return note + components.facts(pairs)


def _found_and_used(table: Mapping[str, Any] | None, lang: str) -> str:
    if not table:
        return ""
    rows = [
        [
            components.tag("b", say(f"score.found.{key}", lang)),
            str(table[f"{name}_right"]),
            str(table[f"{name}_wrong"]),
            _share(table[f"accuracy_{name}"]),
        ]
        for key, name in (("yes", "found"), ("no", "missed"))
    ]
    headers = ["", *(say(f"score.found.{k}", lang) for k in ("right", "wrong", "rate"))]
    title = components.tag("h3", say("score.found", lang))
    note = components.tag("p", say("score.found.help", lang), "lw-note")
    if table["not_known"]:
        words = say("score.found.unknown", lang, n=table["not_known"])
        note += components.tag("p", words, "lw-note")
    shown = components.table(headers, rows, say("score.found", lang), numeric=(1, 2, 3))
    return title + shown + note


def _by_law(laws: Mapping[str, Mapping[str, Any]], lang: str) -> str:
    if len(laws) < 2:
        return ""
    rows = [
        [
            escape(law),
            f"{f['correct']} / {f['total']}",
            _share(f["accuracy"]),
            f"{_share(f['low'])}–{_share(f['high'])}" if f["low"] is not None else "",
            _share(f["majority_baseline"]),
            _share(f["overlap_baseline"]),
        ]
        for law, f in laws.items()
    ]
    names = ("pick.law", "score.col.done", "score.accuracy", "score.interval.short")
    headers = [say(name, lang) for name in names]
    headers += [say(f"score.baseline.{name}.short", lang) for name in ("majority", "overlap")]
    title = components.tag("h3", say("score.bylaw", lang))
    return title + components.table(headers, rows, say("score.bylaw", lang), numeric=range(1, 6))


def _confusion(counts: Mapping[str, Mapping[str, int]], lang: str) -> str:
    rows = [
        [
            components.tag("b", say("score.confusion.row", lang, letter=gold)),
            *(f"<b>{counts[gold][x]}</b>" if x == gold else str(counts[gold][x]) for x in LETTERS),
        ]
        for gold in LETTERS
    ]
    headers = ["", *(say("score.confusion.column", lang, letter=x) for x in LETTERS)]
    title = components.tag("h3", say("score.confusion", lang))
    caption = say("score.confusion", lang)
    return title + components.table(headers, rows, caption, numeric=range(1, 5))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{components.percent(value, 1)} %"


def plots_html(drawings: Mapping[str, str], lang: str) -> str:
    """Drawings (SVG made by the lab, texts escaped) with their titles, on white paper."""
    figures = "".join(
        f"<figure><figcaption>{escape(say(f'score.plot.{name}', lang))}</figcaption>{svg}</figure>"
        for name, svg in drawings.items()
        if svg
    )
    return f'<div class="lw-plots">{figures}</div>' if figures else ""


def provenance_html(run: ScoreRun, model: str, lang: str) -> str:
    """Which base, adapter, prompt and set stand behind a score."""
    pairs = [
        ("base", model),
        ("base_sha", run.model_sha),
        ("adapter_sha", run.adapter_sha),
        ("prompt_sha", run.prompt_sha),
        ("set_sha", run.dataset_sha[:16]),
    ]
    return components.facts((say(f"score.by.{name}", lang), value) for name, value in pairs)


def abstain_html(found: Mapping[str, Any], total: int, lang: str) -> str:
    """From which leaning on answers count, in words. `found` are the keys of
    lab.score_abstain, `total` the number of items."""
    cut = found["averaged"] or found["one_order"]
    if not cut:
        return components.tag("p", say("score.abstain.none", lang))
    words = say(
        "score.abstain.found",
        lang,
        threshold=components.percent(cut["threshold"]),
        total=round(cut["answered"] / cut["coverage"]) if cut["coverage"] else total,
        answered=cut["answered"],
        accuracy=components.percent(cut["accuracy"], 1),
    )
    return components.tag("p", words)


def used_html(kept: Mapping[str, Any] | None, lang: str) -> str:
    """That a threshold is in use on Ask; nothing where none is."""
    cut = (kept or {}).get("one_order") or (kept or {}).get("averaged")
    if not cut:
        return ""
    words = say("score.abstain.used", lang, threshold=components.percent(cut["threshold"]))
    return components.notice([words], lang, "info")


# -- two scores


def comparison_html(found: Mapping[str, Any] | None, lang: str) -> str:
    """The verdict in words, the four counts and the questions that flipped."""
    if found is None:
        return components.empty(say("score.compare.before", lang))
    counts = [
        (say(f"score.{name}", lang), str(found[name]))
        for name in ("both", "only_a", "only_b", "neither")
    ]
    gap = {k: components.percent(found[k], 1) for k in ("difference", "low", "high")}
    return (
        f"{components.tag('p', found[f'verdict_{lang}'], 'lw-verdict')}"
        f"{components.facts(counts)}{components.tag('p', say('score.difference', lang, **gap))}"
        f"{components.tag('p', say('score.verdict.p', lang), 'lw-note')}"
        f"{_flips(found['flips'], found['run_b'], lang)}"
    )


def _flips(flips: Sequence[Mapping[str, Any]], run: str, lang: str) -> str:
    if not flips:
        return ""
    rows = [
        [
            item_button(f["id"], lang, run),
            f'<span lang="ja">{escape(shorten(f["stem"]))}</span>',
            escape(f["gold"]),
            _letter(f["a"], f["gold"], f["a_confidence"]),
            _letter(f["b"], f["gold"], f["b_confidence"]),
            components.tag("span", say("score.item.seen", lang), "lw-badge") if f["seen"] else "",
        ]
        for f in flips
    ]
    names = ("score.item", "score.item.stem", "score.item.gold")
    headers = [*(say(name, lang) for name in names), "A", "B", ""]
    title = components.tag("h3", say("score.flips", lang))
    hint = components.tag("p", say("score.flips.hint", lang), "lw-note")
    return title + components.table(headers, rows, say("score.flips", lang)) + hint


def _letter(letter: str, gold: str, confidence: float) -> str:
    sign = "○" if letter == gold else "×"
    return f"{sign} {escape(letter)} <small>{components.percent(confidence)} %</small>"


def item_button(qid: str, lang: str, run: str = "") -> str:
    """A question's number as a button; `run` names the score to open it in, where that is
    not the chosen one."""
    number = qid.partition("-")[2]
    opened = f"{run} {qid}" if run else qid
    return opener(number, opened, say("score.item.open", lang, id=number))


def shorten(text: str, length: int = _STEM) -> str:
    """A stem on one line, cut."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[:length] + "…"
