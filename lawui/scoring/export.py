"""Reports to take home: CSV for Excel, JSON for programs, one HTML page for people."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lawui.errors import message
from lawui.scoring import plots
from lawui.scoring.comparison import basis
from lawui.scoring.report_text import text
from lawui.scoring.summary import Cell
from lawui.scoring.verdicts import p_words, percent
from lawui.types import EVIDENCES, LETTERS, MARKS

_TEMPLATES = Path(__file__).parent / "templates"
_FORMULA = (*"=+-@＝＋－＠", "\t", "\r")
_PROVENANCE = (
    "run",
    "created",
    "state",
    "set",
    "dataset_sha",
    "model",
    "model_sha",
    "licence",
    "adapter",
    "adapter_sha",
    "prompt_sha",
    "index_id",
    "device",
    "quantization",
    "lawui",
    "versions",
)


def to_csv(cells: Sequence[Cell], lang: str = "ja") -> bytes:
    """One line an item and run, headings in `lang`; UTF-8 with the mark by which Excel knows
    it. A cell that a spreadsheet would take for a formula is preceded by an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    lines = [_csv_line(cell, row, lang) for cell in cells for row in cell.rows]
    names = list(lines[0]) if lines else ["set", "adapter", "evidence", "id"]
    writer.writerow([text(f"col.{name}", lang) for name in names])
    writer.writerows([_harmless(value) for value in line.values()] for line in lines)
    return out.getvalue().encode("utf-8-sig")


def _csv_line(cell: Cell, row: Mapping[str, Any], lang: str) -> dict[str, Any]:
    return {
        "set": cell.run.set,
        "adapter": cell.run.adapter,
        "evidence": text(f"evidence.{cell.run.evidence}", lang),
        "id": row["id"],
        "source": row["source"],
        "group": row["group"],
        "law": row["law"],
        "stem": row["stem"],
        "gold": row["gold"],
        "gold_text": row["choices"][row["gold"]],
        "choice": row["choice"],
        "choice_text": row["choices"][row["choice"]],
        "right": text("word.right" if row["right"] else "word.wrong", lang),
        "confidence": round(row["confidence"], 4),
        **{f"prob_{x}": round(row["probs"][x], 4) for x in LETTERS},
        "orders": row["orders"],
        "orders_right": row["orders_right"],
        "consistent": _yes(row["consistent"], lang),
        "mass": round(row["letter_mass"], 4),
        "seen": _seen(row["seen"], cell.figures["training_known"], lang),
        "overlap": row["overlap"] or "",
        "seconds": round(row["seconds"], 4),
        "found": "" if row["found"] is None else f"{row['found']}/{row['cited']}",
        "marks": "; ".join(_mark_words(mark, lang) for mark in row.get("marks", ())),
    }


def _mark_words(mark: Mapping[str, Any], lang: str) -> str:
    """`公式の正解が疑わしい：第2項では（花子）`."""
    words = message(f"marks.{mark['mark']}", lang)
    if mark["comment"]:
        words += text("word.colon", lang) + mark["comment"]
    return f"{words} ({mark['user']})" if mark["user"] else words


def _harmless(value: Any) -> Any:
    """CSV injection (OWASP): Excel runs what starts with =, +, -, @, in Japanese their
    full-width forms too, also after white space."""
    if isinstance(value, str) and any(v.startswith(_FORMULA) for v in (value, value.strip())):
        return "'" + value
    return value


def to_json(cells: Sequence[Cell], comparisons: Sequence[Mapping[str, Any]] = ()) -> str:
    """`{cells: [{run, summary, rows, provenance}], comparisons}` as indented JSON text."""
    values = {
        "cells": [
            {
                "run": asdict(c.run),
                "summary": c.figures,
                "rows": list(c.rows),
                "provenance": dict(c.provenance),
            }
            for c in cells
        ],
        "comparisons": list(comparisons),
    }
    return json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False)


def to_html(
    cells: Sequence[Cell],
    lang: str = "ja",
    comparisons: Sequence[Mapping[str, Any]] = (),
) -> str:
    """One self-contained page: style and drawings inside, nothing fetched, all text escaped.

    `comparisons` are results of `compare` or `compare_all` among the cells.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["p_words"] = p_words
    names = plots.labels(cells, lang)
    return environment.get_template("report.html.j2").render(
        lang=lang,
        t=lambda key, **params: text(key, lang, **params),
        cells=[_shown(c, n, lang) for c, n in zip(cells, names, strict=True)],
        comparisons=[_compared(c, cells, names) for c in comparisons],
        matrices=_matrices(cells),
        accuracy_plot=_svg(plots.accuracy_svg(cells, lang)),
        items=_items(cells),
        marked=_marked(cells, lang),
        mark_counts=_mark_counts(cells, lang),
        letters=LETTERS,
    )


def _shown(cell: Cell, name: str, lang: str) -> dict[str, Any]:
    """One cell as the template reads it."""
    answered = bool(cell.figures["total"])
    drawings = {
        "calibration": plots.calibration_svg,
        "abstain": plots.abstain_svg,
        "letters": plots.letters_svg,
    }
    return {
        "name": name,
        "run": cell.run,
        "figures": cell.figures,
        "verdict": cell.figures[f"verdict_{lang}"],
        "plots": {k: _svg(draw(cell, lang)) for k, draw in drawings.items()} if answered else {},
        "provenance": _provenance(cell, lang),
    }


def _provenance(cell: Cell, lang: str) -> list[tuple[str, str]]:
    known = {**asdict(cell.run), **cell.provenance, "run": cell.run.id}
    known["created"] = cell.run.created[:19].replace("T", " ")
    known["state"] = text(f"state.{cell.run.state}", lang)
    lines = []
    for name in _PROVENANCE:
        value = known.get(name)
        if isinstance(value, Mapping):
            value = ", ".join(f"{k} {v}" for k, v in value.items())
        if value:
            lines.append((text(f"prov.{name}", lang), str(value)))
    return lines


def _matrices(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Headline figures as adapters by evidence, one matrix a set that has several cells; of
    two runs of one cell the later counts."""
    found = []
    for name in dict.fromkeys(c.run.set for c in cells):
        heads = {
            (c.run.adapter, c.run.evidence): c.figures["headline"]
            for c in sorted(cells, key=lambda c: c.run.created)
            if c.run.set == name and c.figures["total"]
        }
        adapters = dict.fromkeys(c.run.adapter for c in cells if c.run.set == name)
        evidences = [e for e in EVIDENCES if any(key[1] == e for key in heads)]
        if len(heads) > 1:
            rows = {a: [heads.get((a, e)) for e in evidences] for a in adapters}
            found.append({"set": name, "evidences": evidences, "rows": rows})
    return found


def _compared(
    comparison: Mapping[str, Any], cells: Sequence[Cell], names: Sequence[str]
) -> dict[str, Any]:
    by_run = {c.run.id: name for c, name in zip(cells, names, strict=True)}
    a, b = comparison["run_a"], comparison["run_b"]
    named = {"a_name": by_run.get(a, a), "b_name": by_run.get(b, b)}
    return {**comparison, **named, "figures": basis(comparison)}


def _items(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Each item once, with what every cell answered (None where it did not)."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for place, cell in enumerate(cells):
        for row in cell.rows:
            key = (row["source"], row["id"])
            item = found.setdefault(key, {"row": row, "answers": [None] * len(cells)})
            item["answers"][place] = row
    return list(found.values())


def _marked(cells: Sequence[Cell], lang: str) -> list[dict[str, Any]]:
    """Each mark once: the item, which cell's answer it was made on, and what was said."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for cell in cells:
        for row in cell.rows:
            for mark in row.get("marks", ()):
                key = (row["source"], mark["user"], mark["created"], mark["mark"])
                found.setdefault(key, {"id": row["id"], "words": _mark_words(mark, lang)})
    return list(found.values())


def _mark_counts(cells: Sequence[Cell], lang: str) -> list[tuple[str, int]]:
    seen = {
        (row["source"], mark["user"], mark["created"], mark["mark"])
        for cell in cells
        for row in cell.rows
        for mark in row.get("marks", ())
    }
    counts = Counter(mark for *_, mark in seen)
    return [(message(f"marks.{name}", lang), counts[name]) for name in MARKS if counts[name]]


def _svg(drawing: str) -> Any:
    from markupsafe import Markup

    return Markup(drawing)  # made by an XML writer, which escaped its texts


def _seen(flag: bool, known: bool, lang: str) -> str:
    return _yes(flag, lang) if flag or known else text("word.untold", lang)


def _yes(flag: bool, lang: str) -> str:
    return text("word.yes" if flag else "word.no", lang)
