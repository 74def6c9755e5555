"""Training rows as people bring them: `{"input": …, "output": …, "meta": …}`.

The input is a question written out as text, the output a letter or prose that names one.
Prose is mapped to a letter here, once, before training; an answer of the model is never
read this way.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from lawui.types import LETTERS

_CHOICE_LINE = re.compile(r"^[ \t　(（\[「]*([a-dａ-ｄ])[ \t　)）\]」.．、:：]+(\S.*)$")
_STEM_MARK = re.compile(r"^[#【\[\s]*(?:問題文?|質問|設問|Question|Q)[】\]\s]*[:：]?\s*(.*)$")
_CONTEXT_MARK = re.compile(r"^[【\[\s]*(?:条文|コンテキスト|文脈|Context)[】\]\s]*[:：]?\s*$")
_CHOICES_MARK = re.compile(r"^[#【\[\s]*選択肢[】\]\s]*[:：]?\s*$")
_NAMED = re.compile(
    r"(?:答え?|正解|正答|回答|解答|answer)(?:の記号)?(?:は|が|is|:|\s)*[「(\[]*([a-d])"
)


def is_text_row(row: Any) -> bool:
    """Whether `row` is an `input`/`output` row rather than a question."""
    return isinstance(row, dict) and "input" in row and "問題文" not in row


def as_sample(row: dict[str, Any]) -> dict[str, Any] | None:
    """The row as a question in lawqa_jp's format, or None where it is not one: no four
    choices in the input, or no single letter in the output."""
    text = row["input"] if isinstance(row["input"], str) else ""
    letter = letter_of(str(row.get("output", "")))
    parts = _split(text)
    if letter is None or parts is None:
        return None
    context, stem, choices = parts
    meta = row.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    named = meta.get("ファイル名") or meta.get("source") or meta.get("id")
    source = named or f"row_{digest(context, stem, choices)}"
    return {
        "ファイル名": str(source),
        "コンテキスト": str(meta.get("コンテキスト") or context),
        "問題文": stem,
        "選択肢": "\n".join(f"{a} {choice}" for a, choice in zip(LETTERS, choices, strict=True)),
        "output": letter,
        "references": meta.get("references", []),
    }


def digest(context: str, stem: str, choices: Sequence[str]) -> str:
    """Eight digits for an item that brings no name: the same in every file and every order of
    its choices, so that what was trained on is known again."""
    told = "\0".join((context.strip(), stem.strip(), *sorted(c.strip() for c in choices)))
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def letter_of(output: str) -> str | None:
    """The one letter that an output names: alone, at its head, or behind 正解は and the
    like. None where there is none or more than one."""
    text = unicodedata.normalize("NFKC", output).strip().lower()
    if text.startswith("{"):
        try:
            text = str(json.loads(text).get("answer", "")).strip().lower()
        except (ValueError, AttributeError):
            return None
    head = re.match(r"[「(\[]*([a-d])(?=$|[\s.、。:)」\]]|です|である|が正|は正)", text)
    if head:
        return head[1]
    named = set(_NAMED.findall(text))
    return named.pop() if len(named) == 1 else None


def _split(text: str) -> tuple[str, str, list[str]] | None:
    """(context, stem, four choices) of a question written out as text."""
    lines = text.replace("\r\n", "\n").split("\n")
    first, choices = _find_choices(lines)
    if len(choices) != len(LETTERS):
        return None
    above = [line for line in lines[:first] if not _CHOICES_MARK.match(line)]
    context, stem = _find_stem(above)
    return (context, stem, choices) if stem else None


def _find_choices(lines: list[str]) -> tuple[int, list[str]]:
    """Where the last run of a, b, c, d begins, and its texts."""
    best: tuple[int, list[str]] = (0, [])
    start, found = 0, []
    for number, line in enumerate(lines):
        match = _CHOICE_LINE.match(line)
        letter = unicodedata.normalize("NFKC", match[1]) if match else ""
        if match and letter == "a":
            start, found = number, [match[2].strip()]
        elif match and found and len(found) < 4 and letter == LETTERS[len(found)]:
            found.append(match[2].strip())
        if len(found) == len(LETTERS):
            best = (start, found)
    return best


def _find_stem(lines: list[str]) -> tuple[str, str]:
    """(context, stem) of what stands above the choices: by its marks, else the last
    paragraph is the stem."""
    for number in range(len(lines) - 1, -1, -1):
        match = _STEM_MARK.match(lines[number])
        if match and (match[1] or any(line.strip() for line in lines[number + 1 :])):
            stem = "\n".join([match[1], *lines[number + 1 :]]).strip()
            return _context(lines[:number]), stem
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    cut = max((i for i, line in enumerate(lines) if not line.strip()), default=-1) + 1
    return _context(lines[:cut]), "\n".join(lines[cut:]).strip()


def _context(lines: list[str]) -> str:
    return "\n".join(line for line in lines if not _CONTEXT_MARK.match(line)).strip()
