"""Which sentences of a generated text the passages support, by their words alone.

A rule of thumb for the reader's eye, no proof: a sentence counts as supported by a passage
that holds at least half of its pairs of neighbouring signs and every number in it. What
follows from a passage in other words is marked too; what is marked may still be true.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from lawui.data.headings import number
from lawui.types import Passage

SHARE = 0.5
"""The part of a sentence's pairs of signs that one passage must hold."""

_SENTENCE = re.compile(r"[^。\n]*(?:。|\n+|$)")
_CONTENT = re.compile(r"[\u3400-\u9fff\u30a1-\u30fa々〇0-9a-zA-Zぁ-ん]+")
_NUMBER = re.compile(
    r"[0-9]+|[〇一二三四五六七八九十百千]+(?=[条項号年月日週時間人円個割分枚台隻メ])"
)


def sentences(text: str, passages: Sequence[Passage]) -> list[tuple[str, bool]]:
    """`text` cut into sentences, each with whether a passage supports it; joined they are
    the text again."""
    cut = [found for found in _SENTENCE.findall(text) if found]
    return [(sentence, _supported(sentence, passages)) for sentence in cut]


def _supported(sentence: str, passages: Sequence[Passage]) -> bool:
    pairs, numbers = _pairs(sentence), _numbers(sentence)
    if not pairs:
        return True  # nothing is said
    for passage in passages:
        text = f"{passage.citation()}\n{passage.whole}"
        held = sum(pair in _plain(text) for pair in pairs) / len(pairs)
        if held >= SHARE and numbers <= _numbers(text):
            return True
    return False


def _pairs(text: str) -> list[str]:
    runs = _CONTENT.findall(_plain(text))
    return [run[i : i + 2] for run in runs for i in range(len(run) - 1)]


def _numbers(text: str) -> set[str]:
    return {number(found) for found in _NUMBER.findall(_plain(text))}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
