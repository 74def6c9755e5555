"""The curves of a training run as inline SVG: no script, no plotting library, both themes.

Colours come from the page's CSS. A figure that is not finite leaves a gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]

MOST_DOTS = 400
"""Dots drawn of one series; of more, every second or third is shown."""

WIDTH, HEIGHT = 560, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 28


@dataclass(frozen=True)
class Series:
    """A named line; `dots` draws its points alone, `marks` draws them on the line too.
    `css` is its class. Every dot says its value when pointed at."""

    name: str
    css: str
    points: Sequence[Point]
    dots: bool = False
    marks: bool = False


def smoothed(points: Sequence[Point], weight: float = 0.85) -> list[Point]:
    """The exponential moving average of the heights, freed of the bias towards its start
    as in Adam (Kingma and Ba 2015): the first point is the first height."""
    out: list[Point] = []
    average, seen = 0.0, 0
    for x, y in points:
        if math.isfinite(y):
            seen += 1
            average = weight * average + (1 - weight) * y
            out.append((x, average / (1 - weight**seen)))
    return out


def curve(
    title: str,
    series: Sequence[Series],
    x_max: float,
    x_title: str,
    *,
    y_range: tuple[float, float] | None = None,
    percent: bool = False,
    level: tuple[str, float] | None = None,
    band: Sequence[tuple[float, float, float]] = (),
    log: bool = False,
) -> str:
    """One figure. `level` draws a grey line at one height; `band` holds (x, low, high);
    `log` makes equal ratios equal heights. The last value stands beside each name."""
    drawn = [
        Series(s.name, s.css, [p for p in s.points if _drawable(p[1], log)], s.dots, s.marks)
        for s in series
    ]
    values = [y for s in drawn for _, y in s.points]
    low, high = y_range or _range(values, log)
    place = _Place(max(x_max, 1.0), low, high, log)
    body = _grid(place, percent) + _band(place, band)
    if level:
        y = place.y(level[1])
        body += f'<line class="lw-level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
    body += "".join(_line(place, s, percent) for s in drawn)
    axis = f"{place.x_max:.0f} {x_title}"
    body += f'<text class="lw-axis" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}">{escape(axis)}</text>'
    return (
        f'<figure class="lw-curve"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{body}</svg>'
        f'<ul class="lw-key-list">{_legend(drawn, level, percent)}</ul></figure>'
    )


def _drawable(value: float, log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not log)


class _Place:
    """From values to places in the drawing."""

    def __init__(self, x_max: float, low: float, high: float, log: bool) -> None:
        self.x_max, self.low, self.high, self._log = x_max, low, high, log

    def x(self, value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * value / self.x_max, 1)

    def y(self, value: float) -> float:
        if self._log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(share, 0.0), 1.0), 1)

    def at(self, share: float) -> float:
        """The value at a share of the height."""
        if self._log:
            return self.low * (self.high / self.low) ** share
        return self.low + share * (self.high - self.low)


def _range(values: Sequence[float], log: bool) -> tuple[float, float]:
    top = max(values, default=1.0)
    if log:
        bottom = min(values, default=0.1)
        return bottom / 1.1, max(top, bottom * 1.01) * 1.1
    return 0.0, top * 1.08 if top > 0 else 1.0


def _figure(value: float, percent: bool) -> str:
    return f"{100 * value:.1f} %" if percent else f"{value:.3g}"


def _grid(place: _Place, percent: bool) -> str:
    out = ""
    for share in (0.0, 0.5, 1.0):
        value = place.at(share)
        y = place.y(value)
        label = f"{100 * value:.0f} %" if percent else f"{value:.2g}"
        out += (
            f'<line class="lw-grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
            f'<text class="lw-tick-y" x="{LEFT - 6}" y="{y + 4}">{label}</text>'
        )
    for share in (0.0, 0.5):
        value = share * place.x_max
        out += f'<text class="lw-tick-x" x="{place.x(value)}" y="{HEIGHT - 6}">{value:.0f}</text>'
    return out


def _line(place: _Place, series: Series, percent: bool) -> str:
    points, css = series.points, series.css
    if not points:
        return ""
    shown = points[:: -(-len(points) // MOST_DOTS)] if series.dots or series.marks else points[-1:]
    radius = 2 if series.dots else 3
    dots = "".join(
        f'<circle class="{css}" cx="{place.x(x)}" cy="{place.y(y)}" r="{radius}">'
        f"<title>{escape(series.name)} {x:.0f}: {_figure(y, percent)}</title></circle>"
        for x, y in shown
    )
    if series.dots:
        return dots
    path = " ".join(f"{place.x(x)},{place.y(y)}" for x, y in points)
    return f'<polyline class="{css}" points="{path}"/>{dots}'


def _band(place: _Place, band: Sequence[tuple[float, float, float]]) -> str:
    if len(band) < 2:
        return ""
    upper = [f"{place.x(x)},{place.y(high)}" for x, _, high in band]
    lower = [f"{place.x(x)},{place.y(low)}" for x, low, _ in reversed(band)]
    return f'<polygon class="lw-band" points="{" ".join(upper + lower)}"/>'


def _legend(drawn: Sequence[Series], level: tuple[str, float] | None, percent: bool) -> str:
    rows = [(s.name, s.css, s.points[-1][1]) for s in drawn if s.points]
    if level:
        rows.append((level[0], "lw-level", level[1]))
    return "".join(
        f'<li><i class="{css}"></i>{escape(name)} <b>{_figure(value, percent)}</b></li>'
        for name, css, value in rows
    )
