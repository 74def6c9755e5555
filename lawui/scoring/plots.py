"""Plots of score runs: as figures that plotly draws (plain dicts) and as SVG text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from lawui.scoring.report_text import text
from lawui.scoring.summary import Cell
from lawui.types import BASE, LETTERS

# Okabe and Ito's colours: told apart by colour-blind readers and in grey print.
BLUE, ORANGE, GREEN, GREY, INK = "#0072b2", "#d55e00", "#009e73", "#8a8f98", "#1f2430"


def label(cell: Cell, lang: str, *, with_set: bool = False) -> str:
    """How a reader knows a run: adapter, evidence and, where they differ, the set."""
    adapter = text("word.base", lang) if cell.run.adapter == BASE else cell.run.adapter
    evidence = text(f"evidence.{cell.run.evidence}", lang)
    parts = [adapter, evidence, cell.run.set] if with_set else [adapter, evidence]
    return (" · " if lang == "en" else "・").join(parts)


def labels(cells: Sequence[Cell], lang: str) -> list[str]:
    """One label a cell, numbered where two would read the same."""
    several = len({c.run.set for c in cells}) > 1
    plain = [label(c, lang, with_set=several) for c in cells]
    return [
        f"{name} ({plain[:i].count(name) + 1})" if plain.count(name) > 1 else name
        for i, name in enumerate(plain)
    ]


# -- plotly


def figures(cells: Sequence[Cell], lang: str) -> dict[str, dict[str, Any]]:
    """`accuracy`, `calibration`, `abstain`, `letters` and `laws`, each `{data, layout}` as
    plotly takes them; percentages throughout. Cells without an answer are left out."""
    shown = [(c, n) for c, n in zip(cells, labels(cells, lang), strict=True) if _answered(c)]
    return {
        "accuracy": _accuracy_figure(shown, lang),
        "calibration": _calibration_figure(shown, lang),
        "abstain": _abstain_figure(shown, lang),
        "letters": _letters_figure(shown, lang),
        "laws": _laws_figure(shown, lang),
    }


_Shown = Sequence[tuple[Cell, str]]


def _answered(cell: Cell) -> bool:
    return bool(cell.figures["total"])


def _accuracy_figure(shown: _Shown, lang: str) -> dict[str, Any]:
    heads = [c.figures["headline"] for c, _ in shown]
    names = [n for _, n in shown]
    points = {
        "type": "scatter",
        "mode": "markers",
        "name": text("col.accuracy", lang),
        "x": [_percent(h["accuracy"]) for h in heads],
        "y": names,
        "marker": {"size": 12, "color": BLUE},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [_percent(h["high"] - h["accuracy"]) for h in heads],
            "arrayminus": [_percent(h["accuracy"] - h["low"]) for h in heads],
        },
    }
    marks = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": text(f"col.{name}", lang),
            "x": [_percent(c.figures[f"{name}_baseline"]) for c, _ in shown],
            "y": names,
            "marker": {"size": 12, "color": colour, "symbol": symbol},
        }
        for name, colour, symbol in (
            ("majority", GREY, "line-ns-open"),
            ("overlap", ORANGE, "diamond-open"),
        )
    ]
    return _figure([points, *marks], text("word.accuracy", lang), "")


def _calibration_figure(shown: _Shown, lang: str) -> dict[str, Any]:
    ideal = {
        "type": "scatter",
        "mode": "lines",
        "name": text("word.ideal", lang),
        "x": [0, 100],
        "y": [0, 100],
        "line": {"color": GREY, "dash": "dot"},
    }
    lines = []
    for cell, name in shown:
        for bins, words in _reliabilities(cell, lang):
            full = [b for b in bins if b["count"]]
            lines.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": f"{name} – {words}" if words else name,
                    "x": [_percent(b["confidence"]) for b in full],
                    "y": [_percent(b["accuracy"]) for b in full],
                    "text": [b["count"] for b in full],
                }
            )
    return _figure([ideal, *lines], text("word.confidence", lang), text("word.accuracy", lang))


def _reliabilities(cell: Cell, lang: str) -> list[tuple[Sequence[Mapping[str, Any]], str]]:
    one, averaged = cell.figures["reliability"], cell.figures["reliability_averaged"]
    if averaged is None:
        return [(one, "")]
    return [(one, text("word.one_order", lang)), (averaged, text("word.averaged", lang))]


def _abstain_figure(shown: _Shown, lang: str) -> dict[str, Any]:
    lines = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": [_percent(p["coverage"]) for p in _abstain(cell)],
            "y": [_percent(p["accuracy"]) for p in _abstain(cell)],
            "text": [f"≥ {_percent(p['threshold']):.0f} %" for p in _abstain(cell)],
        }
        for cell, name in shown
    ]
    return _figure(lines, text("word.coverage", lang), text("word.accuracy", lang))


def _abstain(cell: Cell) -> Sequence[Mapping[str, float]]:
    """The curve over items where orders were averaged, else over questions."""
    return cell.figures["abstain_averaged"] or cell.figures["abstain"]


def _letters_figure(shown: _Shown, lang: str) -> dict[str, Any]:
    bars: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": name,
            "x": list(LETTERS),
            "y": [cell.figures["letter_counts"][x] for x in LETTERS],
        }
        for cell, name in shown
    ]
    if shown:
        gold = shown[0][0].figures["gold_counts"]
        official = {
            "type": "bar",
            "name": text("word.official", lang),
            "x": list(LETTERS),
            "y": [gold[x] for x in LETTERS],
            "marker": {"color": GREY},
        }
        bars.insert(0, official)
    return _figure(bars, text("col.letter", lang), text("word.answers", lang))


def _laws_figure(shown: _Shown, lang: str) -> dict[str, Any]:
    bars = []
    for cell, name in shown:
        laws = cell.figures["by_law"]
        rates = [v["accuracy"] for v in laws.values()]
        error = {
            "type": "data",
            "symmetric": False,
            "array": [_percent(v["high"] - v["accuracy"]) for v in laws.values()],
            "arrayminus": [_percent(v["accuracy"] - v["low"]) for v in laws.values()],
        }
        bars.append(
            {
                "type": "bar",
                "name": name,
                "x": list(laws),
                "y": [_percent(r) for r in rates],
                "error_y": error,
            }
        )
    return _figure(bars, text("col.law", lang), text("word.accuracy", lang))


def _figure(data: list[dict[str, Any]], x: str, y: str) -> dict[str, Any]:
    layout = {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}}
    return {"data": data, "layout": layout}


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)


# -- SVG


class _Canvas:
    """An SVG drawing in pixels; every text is escaped by the XML writer."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.root = ElementTree.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {width:g} {height:g}",
                "width": f"{width:g}",
                "role": "img",
            },
        )
        ElementTree.SubElement(self.root, "title").text = title

    def add(self, tag: str, **values: Any) -> None:
        ElementTree.SubElement(self.root, tag, _attributes(values))

    def line(self, x1: float, y1: float, x2: float, y2: float, **style: Any) -> None:
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, **{"stroke": GREY, **style})

    def words(self, x: float, y: float, words: str, **style: Any) -> None:
        values = {"x": x, "y": y, "font_size": 13, "fill": INK, **style}
        ElementTree.SubElement(self.root, "text", _attributes(values)).text = words

    def text(self) -> str:
        return ElementTree.tostring(self.root, encoding="unicode")


def _attributes(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        k.replace("_", "-"): f"{v:.6g}" if isinstance(v, float) else str(v)
        for k, v in values.items()
    }


def accuracy_svg(cells: Sequence[Cell], lang: str) -> str:
    """Headline accuracies with their intervals, one row a cell, baselines marked."""
    shown = [(c, n) for c, n in zip(cells, labels(cells, lang), strict=True) if _answered(c)]
    left, width, row = 300, 860, 34
    bottom = 20 + row * len(shown)
    canvas = _Canvas(width, bottom + 62, text("report.plot_accuracy", lang))

    def at(share: float) -> float:
        return left + share * (width - left - 30)

    for tenth in range(0, 11, 2):
        x = at(tenth / 10)
        canvas.line(x, 10, x, bottom, stroke="#e3e6ea")
        canvas.words(x, bottom + 18, f"{10 * tenth} %", text_anchor="middle", font_size=12)
    for i, (cell, name) in enumerate(shown):
        _accuracy_row(canvas, cell, _cut(name, 21), 27.0 + row * i, at, left)
    _accuracy_legend(canvas, left, bottom + 46, lang)
    return canvas.text()


def _accuracy_row(canvas: _Canvas, cell: Cell, name: str, y: float, at: Any, left: float) -> None:
    head = cell.figures["headline"]
    canvas.words(left - 14, y + 5, name, text_anchor="end")
    canvas.line(at(head["low"]), y, at(head["high"]), y, stroke=BLUE, stroke_width=3)
    for end in ("low", "high"):
        canvas.line(at(head[end]), y - 6, at(head[end]), y + 6, stroke=BLUE, stroke_width=2)
    canvas.add("circle", cx=at(head["accuracy"]), cy=y, r=6, fill=BLUE)
    majority, overlap = cell.figures["majority_baseline"], cell.figures["overlap_baseline"]
    canvas.line(at(majority), y - 11, at(majority), y + 11, stroke=INK, stroke_width=2)
    if overlap is not None:
        x = at(overlap)
        points = f"{x:.1f},{y - 7:.1f} {x + 6:.1f},{y:.1f} {x:.1f},{y + 7:.1f} {x - 6:.1f},{y:.1f}"
        canvas.add("polygon", points=points, fill="none", stroke=ORANGE, stroke_width=2)


def _accuracy_legend(canvas: _Canvas, left: float, y: float, lang: str) -> None:
    canvas.add("circle", cx=left + 6, cy=y - 4, r=5, fill=BLUE)
    canvas.words(left + 16, y, text("col.accuracy", lang), font_size=12)
    canvas.line(left + 130, y - 11, left + 130, y + 3, stroke=INK, stroke_width=2)
    canvas.words(left + 140, y, text("col.majority", lang), font_size=12)
    x = left + 300
    points = f"{x},{y - 10} {x + 6},{y - 4} {x},{y + 2} {x - 6},{y - 4}"
    canvas.add("polygon", points=points, fill="none", stroke=ORANGE, stroke_width=2)
    canvas.words(x + 12, y, text("col.overlap", lang), font_size=12)


def calibration_svg(cell: Cell, lang: str) -> str:
    """Confidence against accuracy; a dot's area grows with the number of its answers."""
    canvas, at_x, at_y = _square(
        text("report.calibration", lang), text("word.confidence", lang), text("word.accuracy", lang)
    )
    canvas.line(at_x(0), at_y(0), at_x(1), at_y(1), stroke_dasharray="4 4")
    for (bins, words), colour, place in zip(
        _reliabilities(cell, lang), (ORANGE, BLUE), (0, 1), strict=False
    ):
        full = [b for b in bins if b["count"]]
        total = sum(b["count"] for b in full)
        # A bin of a few answers is a dot, no part of the curve.
        solid = [b for b in full if b["count"] >= max(5, total / 50)]
        _polyline(canvas, [(at_x(b["confidence"]), at_y(b["accuracy"])) for b in solid], colour)
        for b in full:
            radius = 3 + 11 * (b["count"] / total) ** 0.5
            canvas.add(
                "circle",
                cx=at_x(b["confidence"]),
                cy=at_y(b["accuracy"]),
                r=radius,
                fill=colour,
                fill_opacity=0.55,
            )
        if words:
            canvas.words(70, 26 + 18 * place, f"● {words}", fill=colour, font_size=12)
    return canvas.text()


def abstain_svg(cell: Cell, lang: str) -> str:
    """Accuracy over the share of questions answered, the surest first."""
    canvas, at_x, at_y = _square(
        text("report.abstain", lang), text("word.coverage", lang), text("word.accuracy", lang)
    )
    points = [(at_x(p["coverage"]), at_y(p["accuracy"])) for p in _abstain(cell)]
    _polyline(canvas, points, BLUE)
    for x, y in points:
        canvas.add("circle", cx=x, cy=y, r=3.5, fill=BLUE)
    return canvas.text()


def letters_svg(cell: Cell, lang: str) -> str:
    """How often each letter was answered beside how often it is the official answer."""
    answered, gold = cell.figures["letter_counts"], cell.figures["gold_counts"]
    top = max(1, *answered.values(), *gold.values())
    canvas = _Canvas(380, 300, text("report.letters", lang))
    canvas.line(50, 250, 360, 250)
    for i, letter in enumerate(LETTERS):
        for counts, colour, shift in ((gold, GREY, 0), (answered, BLUE, 30)):
            height, x = 190 * counts[letter] / top, 65 + 75 * i + shift
            canvas.add("rect", x=x, y=250 - height, width=26, height=height, fill=colour)
            canvas.words(
                x + 13, 245 - height, str(counts[letter]), text_anchor="middle", font_size=11
            )
        canvas.words(93 + 75 * i, 270, letter, text_anchor="middle")
    canvas.words(60, 292, f"■ {text('word.official', lang)}", fill=GREY, font_size=12)
    canvas.words(180, 292, f"■ {text('word.answered', lang)}", fill=BLUE, font_size=12)
    return canvas.text()


def _square(title: str, x_words: str, y_words: str) -> tuple[_Canvas, Any, Any]:
    """Axes from 0 to 100 % with the functions that place a share on them."""
    canvas = _Canvas(380, 340, title)

    def at_x(share: float) -> float:
        return 55 + 300 * share

    def at_y(share: float) -> float:
        return 290 - 275 * share

    for quarter in range(5):
        share = quarter / 4
        canvas.line(at_x(share), at_y(0), at_x(share), at_y(1), stroke="#e3e6ea")
        canvas.line(at_x(0), at_y(share), at_x(1), at_y(share), stroke="#e3e6ea")
        tick = f"{25 * quarter}"
        canvas.words(at_x(share), 307, tick, text_anchor="middle", font_size=11)
        canvas.words(48, at_y(share) + 4, tick, text_anchor="end", font_size=11)
    canvas.words(205, 330, x_words, text_anchor="middle", font_size=12)
    canvas.words(
        16, 152, y_words, text_anchor="middle", font_size=12, transform="rotate(-90 16 152)"
    )
    return canvas, at_x, at_y


def _polyline(canvas: _Canvas, points: Sequence[tuple[float, float]], colour: str) -> None:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    canvas.add("polyline", points=joined, fill="none", stroke=colour, stroke_width=1.5)


def _cut(words: str, width: float) -> str:
    """The words, their middle left out where they are wider than about `width` em: names of
    runs begin alike, and what they end with tells them apart. A Latin letter is half as wide
    as a Japanese one."""

    def wide(part: str) -> float:
        return sum(0.56 if letter.isascii() else 1.0 for letter in part)

    if wide(words) <= width:
        return words
    head, tail = "", ""
    while wide(head + tail) <= width - 1:
        if wide(head) < wide(tail) / 2:
            head = words[: len(head) + 1]
        else:
            tail = words[-len(tail) - 1 :]
    return f"{head}…{tail}"
