"""A question pasted as one text, split into its stem, its four choices and its answer."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from lawui.types import LETTERS

# How four choices are marked: each row is one way of counting.
_MARKS = ("abcd", "アイウエ", "1234", "①②③④", "一二三四", "㋐㋑㋒㋓", "イロハニ", "甲乙丙丁")
_OPEN, _CLOSE = "[(（【〔]?[ \t]*", "[ \t]*[)）】〕.．、。:：,，]*"
_ANSWER = re.compile(
    r"^\s*[\[(（【〔]?\s*(?:正解|正答|答え|解答|答)\s*[\])）】〕]?\s*(?:は|[:：=])?\s*"
    r"[(（「]?\s*(?P<mark>\S)\s*[)）」]?\s*(?:です|である|番)?\s*[。.]?\s*$"
)
_HEADING = re.compile(
    r"^\s*(?:[\[(（【〔]\s*(?:問題文?|設問|問)\s*[0-9]*\s*[\])）】〕]|(?:問題|設問|問)\s*[0-9]+)"
    r"[ \t　.．、:：]*"
)


@dataclass(frozen=True)
class Draft:
    """What was made out of a text: a part that was not found is "", for the reader to fill
    in. `gold` is a letter or ""."""

    stem: str
    choices: tuple[str, str, str, str]
    gold: str = ""

    @property
    def whole(self) -> bool:
        """Whether the stem and all four choices were found."""
        return bool(self.stem) and all(self.choices)


def split(text: str) -> Draft:
    """The parts of a pasted question. Choices may be marked a-d, ア-エ, 1-4, ①-④, 一-四 …,
    each on a line of its own or all in one; a line such as 正解：b tells the answer. Where no
    four marks follow each other the whole text is the stem."""
    lines, said = [], ""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        answer = _ANSWER.match(line)
        if answer:
            said = answer["mark"]
        elif not re.fullmatch(r"\s*[\[(（【〔]\s*選択肢\s*[\])）】〕]\s*", line):
            lines.append(line)
    body = "\n".join(lines).strip()
    found = [(len(parts[0]), parts, marks) for marks in _MARKS if (parts := _parts(body, marks))]
    if found:
        # A stem may list points of its own: the choices are what comes last.
        _, (stem, *four), marks = max(found)
        choices = (four[0].strip(), four[1].strip(), four[2].strip(), four[3].strip())
        return Draft(_HEADING.sub("", stem).strip(), choices, _letter(said, marks))
    return Draft(_HEADING.sub("", body).strip(), ("", "", "", ""), _letter(said, "abcd"))


def _parts(body: str, marks: str) -> list[str]:
    """Stem and four choices where the four marks follow each other, best each on a line of
    its own; else []. The last run of marks counts."""
    starts = [r"(?:^|\n)[ \t　]*", r"(?:^|[\s。])"]
    if unicodedata.normalize("NFKC", marks) != marks:  # ① stands for itself anywhere
        starts.append("")
    return next((parts for start in starts if (parts := _run(body, marks, start))), [])


def _run(body: str, marks: str, start: str) -> list[str]:
    found: list[str] = []
    end = len(body)
    for mark in reversed(marks):
        places = list(re.finditer(start + _mark(mark), body[:end]))
        if not places:
            return []
        last = places[-1]
        found.insert(0, body[last.end() : end])
        # A full stop belongs to what stands before.
        end = last.start() + (body[last.start() : last.start() + 1] == "。")
    return [body[:end], *found] if all(part.strip() for part in found) else []


def _mark(mark: str) -> str:
    wide = "".join(chr(ord(c) + 0xFEE0) for c in mark + mark.upper() if "!" <= c <= "~")
    signs = "".join(dict.fromkeys(mark + mark.upper() + wide))
    # A mark stands off from its text, or the text would begin with a word of that letter.
    closing = _CLOSE[:-1] + "+" if mark in "一二三四" or mark.isascii() else _CLOSE
    apart = rf"(?:{closing}|[ \t　]+|\n)"
    return rf"{_OPEN}[{signs}](?:{apart})[ \t　]*"


def _letter(said: str, marks: str) -> str:
    plain = unicodedata.normalize("NFKC", said).lower() if said not in marks else said
    if plain in marks and plain:
        return LETTERS[marks.index(plain)]
    return plain if plain in LETTERS else ""
