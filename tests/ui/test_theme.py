"""The looks: contrast that everybody can read, and nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

from lawui.ui import theme

CSS = theme.CSS.read_text("utf-8")
PAIRS = (
    ("ink", "card"),
    ("ink", "soft"),
    ("ink", "mark"),
    ("ink", "warn-soft"),
    ("ink", "accent-soft"),
    ("quiet", "card"),
    ("quiet", "soft"),
    ("accent", "card"),
    ("accent", "accent-soft"),
    ("good", "card"),
    ("good", "good-soft"),
    ("bad", "card"),
    ("bad", "bad-soft"),
)


def variables(selector: str) -> dict[str, str]:
    body = re.search(rf"^{re.escape(selector)} {{(.*?)^}}", CSS, re.S | re.M)
    assert body
    return dict(re.findall(r"--lw-([\w-]+): (#[0-9a-f]{6});", body[1]))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("selector", [":root", ".dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(selector: str, text: str, ground: str) -> None:
    colours = variables(selector)
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_the_main_button_can_be_read() -> None:
    assert contrast("#ffffff", theme.ACCENT.c600) >= 4.5
    assert contrast("#ffffff", theme.ACCENT.c500) >= 4.5


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_nothing_is_fetched_from_elsewhere(lang: str) -> None:
    sheets = [font.stylesheet() for font in theme.theme()._font + theme.theme()._font_mono]
    assert all(sheet["url"] is None for sheet in sheets)
    assert not re.search(r"https?://|@import|url\(", CSS + theme.head(lang))
    assert f'documentElement.lang = "{lang}"' in theme.head(lang)
