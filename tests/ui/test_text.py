"""Every word of the page, in both languages."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from lawui.messages import MESSAGES
from lawui.ui import text
from lawui.ui.text import TEXT, duration, preferred, said, say

FOLDER = Path(text.__file__).parent
SOURCES = [
    path.read_text("utf-8").partition("\ndef ")[2]
    if path.name.endswith("text.py")
    else path.read_text("utf-8")
    for path in FOLDER.rglob("*.py")
]
# A script's template strings read like ours: `class.step.${n}` as f"class.step.{n}".
SOURCES += [
    re.sub(r"`([^`]*)`", r'f"\1"', path.read_text("utf-8").replace("${", "{"))
    for path in FOLDER.rglob("*.js")
]
KEY = re.compile(r"""["']([a-z_]+(?:\.[A-Za-z0-9_-]+)+)["']""")
PATTERN = re.compile(r"""f["']([a-z_]+\.[^"'\s]*\{[^"'\s]*)["']""")
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def fields(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


@pytest.mark.parametrize("key", TEXT)
def test_each_key_has_both_languages_with_the_same_params(key: str) -> None:
    ja, en = TEXT[key]
    assert ja.strip() and en.strip()
    assert fields(ja) == fields(en)


def test_english_holds_no_japanese_but_in_examples() -> None:
    """Examples of what to type (hints) are Japanese in both languages."""
    odd = [k for k, (_, en) in TEXT.items() if JAPANESE.search(en) and not k.endswith(".hint")]
    assert not odd


def test_japanese_is_japanese() -> None:
    """A forgotten translation shows as a string without any Japanese sign."""
    assert not [key for key, (ja, _) in TEXT.items() if not JAPANESE.search(ja)]


def test_japanese_uses_full_width_brackets() -> None:
    assert not [key for key, (ja, _) in TEXT.items() if re.search(r"[()]", ja)]


def test_every_key_that_the_page_uses_is_there_and_no_other() -> None:
    literal = {key for source in SOURCES for key in KEY.findall(source)}
    rooms = {key.split(".")[0] for key in TEXT}
    used = {key for key in literal if key.split(".")[0] in rooms}
    assert not used - set(TEXT) - set(MESSAGES)
    patterns = [
        re.compile(re.sub(r"\\\{[^}]*\\\}", "[^.]+", re.escape(found)))
        for source in SOURCES
        for found in PATTERN.findall(source)
    ]
    unused = {k for k in TEXT if k not in literal and not any(p.fullmatch(k) for p in patterns)}
    assert not unused


def test_say_fills_in_and_refuses_what_it_does_not_know() -> None:
    assert say("ask.chose", "ja", letter="b") == "モデルの答えは b です。"
    assert say("ask.chose", "en", letter="b") == "The model answers b."
    with pytest.raises(KeyError):
        say("no.such.key", "ja")
    assert said("set.mine", "ja", "mine") == "mine"


@pytest.mark.parametrize(
    ("seconds", "ja", "en"),
    [
        (0.04, "0.0 秒", "0.0 s"),
        (9.94, "9.9 秒", "9.9 s"),
        (61, "61 秒", "61 s"),
        (125.4, "2 分 5 秒", "2 min 5 s"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, ja: str, en: str) -> None:
    assert (duration(seconds, "ja"), duration(seconds, "en")) == (ja, en)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("ja,en-US;q=0.9,en;q=0.8", "ja"),
        ("en-GB,en;q=0.9,ja;q=0.8", "en"),
        ("fr-FR,fr;q=0.9,en;q=0.5", "en"),
        ("en;q=0.3, ja;q=0.7", "ja"),
        ("de", "ja"),
        ("", "ja"),
        ("en;q=nonsense", "ja"),
        ("en;q=0", "ja"),
    ],
)
def test_the_browser_s_language_decides_at_first(header: str, expected: str) -> None:
    assert preferred(header, "ja") == expected
