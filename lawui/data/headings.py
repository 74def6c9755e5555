"""The statute passages and citations that a question's own context holds.

A context of lawqa_jp is text under headings: `## law`, `### article`, `#### paragraph`,
`##### item`, `###### イ`. The levels cannot be trusted (a law stands at ###, articles and
items at ####, digits are full-width here and there), so a heading is read by its words,
`第27条の２`, and by its level only where the words say nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from lawui.types import Passage, Question

_HEADING = re.compile(r"(#+)[ \t　]+(.*\S)")
_NUMBER = "[0-9〇一二三四五六七八九十百千]{1,9}"
_STEP = re.compile(rf"第({_NUMBER})(条|項|号)((?:の{_NUMBER})*)")
_PLACE = re.compile(rf"(?:第{_NUMBER}(?:条|項|号)(?:の{_NUMBER})*)+")
_LAW_NAME = re.compile(r"(?!第[^条]*[章節款編])\S*(?:法|法律|令|規則|条例)")
_SUB_ITEM = re.compile(r"[ア-ン]|[(（][0-9０-９a-zA-Zivx]+[)）]")
_ANSWER = re.compile(r"[(（]?(?:答|[AＡ][0-9０-９]*)[)）]?")
_DIGITS = {c: n % 10 for n, c in enumerate("0123456789〇一二三四五六七八九")}
_UNITS = {"十": 10, "百": 100, "千": 1000}


def given_passages(question: Question) -> list[Passage]:
    """The question's own context as one Passage a paragraph (項), in its order.

    A passage's text is the body word for word; an item's heading stands before its text
    (`第2号　…`), and headings that name no place in a law (of guidelines) are lines of
    the text. `law`, `article` (`27_2`), `paragraph` and `item` are set where the
    headings tell; `start` and `end` are character offsets into the context. A context
    without headings is one passage without a law; an empty one gives none.
    """
    reader = _Reader()
    offset = 0
    for line in question.given_context.splitlines(keepends=True):
        heading = _HEADING.fullmatch(line.strip())
        if heading:
            reader.heading(len(heading[1]), heading[2], offset)
        elif line.strip():
            reader.body(line.strip("\r\n"), offset)
        offset += len(line)
    reader.close(offset)
    return reader.passages


def cited_articles(question: Question) -> set[tuple[str, str]]:
    """(law title, article `27_2`) of every article that the context's headings name."""
    passages = given_passages(question)
    return {(p.law, p.article) for p in passages if p.law and p.article}


def number(text: str) -> str:
    """Digits of any kind as ASCII digits: `２７`, `二十七` and `27` are all `27`."""
    text = unicodedata.normalize("NFKC", text)
    if not any(c in _UNITS for c in text):
        return str(int("".join(str(_DIGITS[c]) for c in text)))
    total, current = 0, 0
    for character in text:
        if character in _UNITS:
            total += (current or 1) * _UNITS[character]
            current = 0
        else:
            current = _DIGITS[character]
    return str(total + current)


def place(text: str) -> dict[str, str]:
    """`第27条の２第1項` as {"条": "27_2", "項": "1"}; {} for text that is no such place."""
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
    if not _PLACE.fullmatch(plain):
        return {}
    steps = {}
    for first, kind, branches in _STEP.findall(plain):
        numbers = [first, *(b for b in branches.split("の") if b)]
        steps[kind] = "_".join(number(n) for n in numbers)
    return steps


@dataclass
class _Reader:
    """Reads a context line by line; knows the place reached so far."""

    law: str = ""
    article: str = ""
    paragraph: str = ""
    start: int | None = None
    prefix: str = ""
    named: str = ""
    items: list[str] = field(default_factory=list)
    loose: bool = False
    bodies: int = 0
    lines: list[str] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)

    def heading(self, level: int, text: str, offset: int) -> None:
        steps = place(text)
        if level <= 2 or (level == 3 and not steps and _LAW_NAME.fullmatch(text)):
            self.close(offset)
            self.law, self.article, self.paragraph, self.named = text, "", "", text
        elif steps:
            self._place(steps, text, offset)
        elif _SUB_ITEM.fullmatch(text):
            self._keep_prefix()
            self.prefix = text
        else:
            self._title(level, text, offset)
        self._mark(offset)

    def body(self, text: str, offset: int) -> None:
        self._mark(offset)
        self.loose = self.loose or not (self.prefix or self.items)
        self.lines.append(f"{self.prefix}　{text}" if self.prefix else text)
        self.prefix = ""
        self.named = ""
        self.bodies += 1

    def close(self, offset: int) -> None:
        """End the passage at hand; a heading that nothing follows is its text."""
        self._keep_prefix()
        lines = self.lines or ([self.named] if self.named else [])
        if lines:
            self.passages.append(self._passage("\n".join(lines), offset))
        self.lines, self.items, self.start = [], [], None
        self.loose, self.bodies, self.named = False, 0, ""

    def _passage(self, text: str, offset: int) -> Passage:
        item = self.items[0] if len(self.items) == 1 and not self.loose else ""
        return Passage(
            id=f"given:{len(self.passages)}",
            law=self.law,
            article=self.article,
            paragraph=self.paragraph,
            item=item,
            sub_item="",
            part="",
            text=text,
            start=self.start or 0,
            end=offset,
        )

    def _place(self, steps: dict[str, str], text: str, offset: int) -> None:
        if "条" in steps or "項" in steps:
            if "条" in steps and self.named == self.law:
                self.named = ""  # the law's name lives on in the article's passages
            if self.bodies or self.prefix or ("条" in steps and self.named):
                self.close(offset)
            if "条" in steps:
                self.article = steps["条"]
            self.paragraph = steps.get("項", "")
            self.named = text
        if "号" in steps:
            self._keep_prefix()
            self.items.append(steps["号"])
            self.prefix = text

    def _title(self, level: int, text: str, offset: int) -> None:
        """A heading that names no place: a line of the text, so that nothing is lost."""
        if level <= 4 and not _ANSWER.fullmatch(text):
            if self.bodies:
                self.close(offset)
            self.paragraph = ""
        if level <= 3:
            self.article = ""
        self._keep_prefix()
        self.lines.append(text)
        self.loose = True

    def _keep_prefix(self) -> None:
        if self.prefix:
            self.lines.append(self.prefix)
            self.prefix = ""

    def _mark(self, offset: int) -> None:
        if self.start is None:
            self.start = offset
