"""The bench's figures as one page of Markdown: nothing of a question or a statute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_EVIDENCES = ("given", "retrieved", "none")

_FOLDS = {
    "": "—",
    "group": "by group",
    "source": "by ファイル名 (leaks)",
    "article": "article-disjoint",
}


def page(found: Mapping[str, Any]) -> str:
    """Markdown from what `bench quality --json` prints."""
    rows = [*found["base"], *found["rows"]]
    parts = [
        "# Quality: adapters trained on four fifths, scored on the fifth",
        _head(found),
        "## What was to be reached",
        _targets(found),
        "## Accuracy",
        "Averaged over orders: the four orders' probabilities of an item are averaged first. "
        "Intervals are 95 %, resampled by group; several seeds are averaged item by item. "
        "Won and lost count items against the base, exact McNemar, one figure a seed.",
        _accuracy(rows),
        *_changes(found),
        "## Doubt and letters",
        "ECE in ten bins, of single orders; with a temperature, and with each letter's own weight "
        "taken out, both fitted on the dev part of each fold alone.",
        _doubt(rows),
        "## What was chosen, and what it cost",
        "Choosing is done once a fold, on its training questions alone. Memory holds the base "
        "twice: one copy learns, one answers.",
        _cost(found["rows"]),
        "## Recipe",
        _recipe(found),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(found: Mapping[str, Any]) -> str:
    machine, modes = found["machine"], found["modes"]
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items())
    state = "" if found["complete"] else "\n\n**Not complete:** " + found["missing"]
    return (
        f"`{found['command']}`\n\n"
        f"Base {found['model']} (weights {found['model_sha']}, {modes['quantization']}, "
        f"{modes['dtype']}), set {found['set']} (sha256 {found['dataset_sha'][:16]}): "
        f"{found['questions']} questions, {found['items']} items, {found['groups']} groups; index "
        f"{found['index'][:12]}. {machine['card'] or 'CPU'}, {machine['date']}; {versions}. "
        f"{found['seconds']} s in this call, of which loading {found['loading_seconds']} s, "
        f"{found['trainings']} trainings." + state
    )


def _targets(found: Mapping[str, Any]) -> str:
    told = [
        (
            t["evidence"],
            t["variant"],
            _with_interval(t),
            f"{_share(t['reach'])} {'✓' if t['reached'] else '✗'}",
            f"{_share(t['aim'])} {'✓' if t['aimed'] else '✗'}",
        )
        for t in found["targets"]
    ]
    near = [
        f"{name}: given less retrieved {_with_interval(gap)}"
        f" ({'within' if gap['near'] else 'more than'} 5 points)"
        for name, gap in found["given_less_retrieved"].items()
        if gap
    ]
    head = ("evidence", "variant", "averaged over orders", "to reach", "aim")
    return "\n\n".join(part for part in (_table(head, told), "; ".join(near)) if part)


def _accuracy(rows: Sequence[Mapping[str, Any]]) -> str:
    told = []
    for row in rows:
        against = row.get("against_base") or {}
        p_values = ", ".join(f"{p:.2g}" for p in against.get("p_values", ()))
        won = ", ".join(
            f"{won}:{lost}"
            for won, lost in zip(against.get("won", ()), against.get("lost", ()), strict=True)
        )
        spread = row["spread"]
        told.append(
            (
                _FOLDS[row["folds"]],
                _name(row),
                row["evidence"],
                _with_interval(row["orders"]),
                _with_interval(row["averaged"]),
                _share(row["all_orders_right"]),
                f"±{100 * spread['deviation']:.1f} ({spread['n']})" if spread else "",
                _with_interval(against) if against else "",
                won,
                p_values,
                _share(row["majority_baseline"]),
                _share(row["overlap_baseline"]),
            )
        )
    head = (
        *("folds", "variant", "evidence", "single orders", "averaged over orders"),
        *("all orders right", "seeds: deviation (n)", "less the base", "won:lost", "p"),
        *("majority", "overlap"),
    )
    return _table(head, told)


def _changes(found: Mapping[str, Any]) -> list[str]:
    """What one change to the first variant brought, where any was measured."""
    told = [
        (
            name,
            found["variants"][name],
            *(_points(less[kind]) for kind in _EVIDENCES),
            less["seeds"],
        )
        for name, less in found["less_the_first"].items()
        if less
    ]
    if not told:
        return []
    first = next(iter(found["variants"]))
    head = ("variant", "what", *_EVIDENCES, "seeds")
    return [
        "## One thing changed",
        f"Points above `{first}`, averaged over orders, paired by item and seed on the same folds; "
        "95 % intervals, resampled by group.",
        _table(head, told),
    ]


def _doubt(rows: Sequence[Mapping[str, Any]]) -> str:
    told = []
    for row in rows:
        calibrated = row.get("calibrated") or {}
        cooled = calibrated.get("temperature", {})
        levelled = calibrated.get("letters_levelled", {})
        told.append(
            (
                _FOLDS[row["folds"]],
                _name(row),
                row["evidence"],
                _number(row["ece"]),
                _number(cooled.get("ece")),
                _number(row["ece_averaged"]),
                _number(cooled.get("ece_averaged")),
                _number(row["brier"]),
                _share(levelled.get("accuracy")),
                " ".join(f"{k}{100 * v:.0f}" for k, v in row["letters"].items()),
                " ".join(f"{k}{100 * v:.0f}" for k, v in row["gold_letters"].items()),
                _number(row["letter_mass_median"]),
            )
        )
    head = (
        *("folds", "variant", "evidence", "ECE", "with temperature", "ECE averaged"),
        *("with temperature", "Brier", "accuracy, letters levelled", "letters chosen, %"),
        *("letters right, %", "letter mass"),
    )
    return _table(head, told)


def _cost(rows: Sequence[Mapping[str, Any]]) -> str:
    told = [
        (
            _FOLDS[row["folds"]],
            _name(row),
            ", ".join(map(str, row["steps"])),
            "; ".join(_point(point) for point in row["choices"]) if any(row["choices"]) else "",
            row["leaks"],
            row["skipped"],
            row["choosing_seconds"],
            row["training_seconds"],
            f"{row['memory_bytes'] / 1e9:.1f} GB",
        )
        for row in rows
        if row["evidence"] == "none"
    ]
    head = (
        *("folds", "variant", "steps by fold", "chosen by fold", "questions of a seen group"),
        *("steps not finite", "choosing, s", "training, s", "memory"),
    )
    return _table(head, told)


def _recipe(found: Mapping[str, Any]) -> str:
    variants = [(name, what) for name, what in found["variants"].items()]
    grid = "; ".join(_point(point) for point in found["grid"])
    reader = found["reader"] or {}
    settings = ", ".join(f"{k} {v}" for k, v in found["basic"].items())
    return "\n\n".join(
        part
        for part in (
            settings,
            f"Grid of each fold: {grid}" if grid else "",
            f"First stage: {', '.join(f'{k} {v}' for k, v in reader.items())}" if reader else "",
            _table(("variant", "what"), variants),
        )
        if part
    )


def _name(row: Mapping[str, Any]) -> str:
    own = row["wording"] == "default" or row["variant"] != "base"
    return str(row["variant"]) if own else f"{row['variant']}, {row['wording']}"


def _point(point: Mapping[str, Any]) -> str:
    return " ".join(
        f"{key} {'+'.join(value) if isinstance(value, list) else value}"
        for key, value in point.items()
    )


def _with_interval(value: Mapping[str, Any]) -> str:
    return f"{_share(value['mean'])} ({_share(value['low'])} to {_share(value['high'])})"


def _points(value: Mapping[str, Any]) -> str:
    mean, low, high = (100 * value[key] for key in ("mean", "low", "high"))
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
