"""The curves of a training run as inline SVG: no script, no plotting library, both themes.

Colours come from the page's CSS. A figure that is not finite leaves a gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

Point = tuple[float, float]

WIDTH, HEIGHT = 560, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 28


def curve(
    title: str,
    series: Sequence[tuple[str, str, Sequence[Point]]],
    x_max: float,
    x_title: str,
    *,
    y_range: tuple[float, float] | None = None,
    percent: bool = False,
    level: tuple[str, float] | None = None,
    band: Sequence[tuple[float, float, float]] = (),
) -> str:
    """One figure. `series` holds (name, CSS class, points); `level` draws a grey line at
    one height; `band` holds (x, low, high). The last value stands beside each name."""
    drawn = [(n, c, [p for p in pts if math.isfinite(p[1])]) for n, c, pts in series]
    values = [y for _, _, pts in drawn for _, y in pts]
    low, high = y_range or _range(values)
    place = _Place(max(x_max, 1.0), low, high)
    body = _grid(place, percent) + _band(place, band)
    if level:
        y = place.y(level[1])
        body += f'<line class="lw-level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
    body += "".join(_line(place, css, pts, percent) for _, css, pts in drawn)
    axis = f"{place.x_max:.0f} {x_title}"
    body += f'<text class="lw-axis" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}">{escape(axis)}</text>'
    return (
        f'<figure class="lw-curve"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{body}</svg>'
        f'<ul class="lw-key-list">{_legend(drawn, level, percent)}</ul></figure>'
    )


class _Place:
    """From values to places in the drawing."""

    def __init__(self, x_max: float, low: float, high: float) -> None:
        self.x_max, self.low, self.high = x_max, low, high

    def x(self, value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * value / self.x_max, 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(share, 0.0), 1.0), 1)


def _range(values: Sequence[float]) -> tuple[float, float]:
    top = max(values, default=1.0)
    return 0.0, top * 1.08 if top > 0 else 1.0


def _figure(value: float, percent: bool) -> str:
    return f"{100 * value:.1f} %" if percent else f"{value:.3g}"


def _grid(place: _Place, percent: bool) -> str:
    out = ""
    for share in (0.0, 0.5, 1.0):
        value = place.low + share * (place.high - place.low)
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


def _line(place: _Place, css: str, points: Sequence[Point], percent: bool) -> str:
    if not points:
        return ""
    path = " ".join(f"{place.x(x)},{place.y(y)}" for x, y in points)
    dots = "".join(
        f'<circle class="{css}" cx="{place.x(x)}" cy="{place.y(y)}" r="3">'
        f"<title>{x:.0f}: {_figure(y, percent)}</title></circle>"
        for x, y in (points if len(points) <= 60 else points[-1:])
    )
    return f'<polyline class="{css}" points="{path}"/>{dots}'


def _band(place: _Place, band: Sequence[tuple[float, float, float]]) -> str:
    if len(band) < 2:
        return ""
    upper = [f"{place.x(x)},{place.y(high)}" for x, _, high in band]
    lower = [f"{place.x(x)},{place.y(low)}" for x, low, _ in reversed(band)]
    return f'<polygon class="lw-band" points="{" ".join(upper + lower)}"/>'


def _legend(
    drawn: Sequence[tuple[str, str, Sequence[Point]]],
    level: tuple[str, float] | None,
    percent: bool,
) -> str:
    rows = [(name, css, pts[-1][1]) for name, css, pts in drawn if pts]
    if level:
        rows.append((level[0], "lw-level", level[1]))
    return "".join(
        f'<li><i class="{css}"></i>{escape(name)} <b>{_figure(value, percent)}</b></li>'
        for name, css, value in rows
    )
