"""Articles cut into passages: one a paragraph (項), long ones split at their items (号).

Offsets count characters of `article_text(article)`, so `passage.text` is always
`article_text(article)[passage.start:passage.end]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lawui.types import Article, Passage

LONGEST = 800
"""Characters above which a paragraph is split: about what a small model can still read
beside a question and three other passages."""

LONGEST_LEAD = 480
"""Characters: 19 of 20 of the 柱書 of long paragraphs have no more."""

GOES_ON = {"ただし書": "本文", "後段": "前段"}
"""Parts of a paragraph and the parts that they go on from; an item goes on from the 柱書."""

_DIGITS = "一二三四五六七八九"
_ITEM = re.compile(r"^([一二三四五六七八九十百〇]+(?:の[一二三四五六七八九十]+)*)[　 ]", re.M)
_IROHA = "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテ"
_SUB_ITEM = re.compile(rf"^ +([{_IROHA}](?:の[一二三四五六七八九十]+)*)[　 ]", re.M)
_PROVISO = re.compile(r"(?<=。)ただし、")
_SECOND = re.compile(r"(?<=。)この場合において")


@dataclass(frozen=True)
class Piece:
    """A stretch of a paragraph: offsets in the paragraph and its place within it."""

    start: int
    end: int
    item: str = ""
    sub_item: str = ""
    part: str = ""


def kanji_number(text: str) -> int:
    """二十三 -> 23, 百二 -> 102, 二〇 -> 20; a text without any numeral gives 0."""
    if "〇" in text or (len(text) > 1 and not set(text) & set("十百千")):
        return int("".join(str(_DIGITS.find(c) + 1) for c in text))
    total = digit = 0
    for c in text:
        if c in _DIGITS:
            digit = _DIGITS.index(c) + 1
        elif c in "十百千":
            total += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[c]
            digit = 0
    return total + digit


def place_number(text: str) -> str:
    """二十七の二 -> 27_2."""
    return "_".join(str(kanji_number(part)) for part in text.split("の"))


def article_text(article: Article) -> str:
    """The text that a passage's offsets count in: paragraphs joined by line breaks."""
    return "\n".join(article.paragraphs)


def article_key(article: Article) -> str:
    """Names an article within a library; 附則 differ from the main provision by anchor."""
    return f"{article.law_id}#{article.anchor or article.article}"


def well_formed(text: str) -> str:
    """The text with "?" for every lone surrogate, which JSON may bring and UTF-8 can't hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def heading(article: Article) -> str:
    """Law, chapter and caption: what a passage is indexed with beside its own text."""
    parts = dict.fromkeys((article.law, *article.headings, article.division, article.caption))
    return " ".join(part for part in parts if part)


def split_paragraph(text: str, longest: int = LONGEST) -> list[Piece]:
    """The pieces of one paragraph, in order, together covering it.

    Up to `longest` characters it stays whole. Longer, it becomes 柱書 and one piece an
    item, an item still too long 柱書 and one piece a sub-item; a paragraph without items
    is split into 本文 and ただし書 or 前段 and 後段; what is left too long is cut at
    line or sentence ends.
    """
    if len(text) <= longest:
        return [Piece(0, len(text))]
    marks = list(_ITEM.finditer(text))
    if not marks:
        return list(_cut_all(text, _split_sentences(text, longest), longest))
    pieces = [Piece(0, marks[0].start(), part="柱書")] if marks[0].start() else []
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        end = after.start() if after else len(text)
        item = place_number(mark.group(1))
        pieces += _split_item(text, mark.start(), end, item, longest)
    return list(_cut_all(text, pieces, longest))


def _split_item(text: str, start: int, end: int, item: str, longest: int) -> list[Piece]:
    if end - start <= longest:
        return [Piece(start, end, item)]
    marks = list(_SUB_ITEM.finditer(text, start, end))
    if not marks:
        return [Piece(start, end, item)]
    pieces = [Piece(start, marks[0].start(), item, part="柱書")]
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        pieces.append(Piece(mark.start(), after.start() if after else end, item, mark.group(1)))
    return pieces


def _split_sentences(text: str, longest: int) -> list[Piece]:
    for pattern, first, second in ((_PROVISO, "本文", "ただし書"), (_SECOND, "前段", "後段")):
        marks = list(pattern.finditer(text))
        if len(marks) == 1:
            middle = marks[0].start()
            return [Piece(0, middle, part=first), Piece(middle, len(text), part=second)]
    return [Piece(0, len(text))]


def _cut_all(text: str, pieces: Sequence[Piece], longest: int) -> Iterator[Piece]:
    """Nothing longer than twice `longest`: cut after a line or sentence end, or anywhere."""
    for piece in pieces:
        start = piece.start
        while piece.end - start > 2 * longest:
            window = text[start : start + 2 * longest]
            cut = max(window.rfind("\n"), window.rfind("。")) + 1
            cut = start + (cut if cut > longest // 2 else 2 * longest)
            yield Piece(start, cut, piece.item, piece.sub_item, piece.part)
            start = cut
        yield Piece(start, piece.end, piece.item, piece.sub_item, piece.part)


def passages(article: Article, longest: int = LONGEST) -> list[Passage]:
    """The passages of one article in its order; an article without text has none."""
    single, found, offset = len(article.paragraphs) == 1, [], 0
    for number, paragraph in enumerate(article.paragraphs, start=1):
        before: list[tuple[Piece, str]] = []
        for piece in split_paragraph(paragraph, longest):
            text = paragraph[piece.start : piece.end].rstrip("\n")
            if not text.strip():
                continue
            start = offset + piece.start
            found.append(
                Passage(
                    id=f"{article_key(article)}:{start}",
                    law=article.law,
                    article=article.article,
                    paragraph=str(number),
                    item=piece.item,
                    sub_item=piece.sub_item,
                    part=piece.part,
                    text=text,
                    url=article.url,
                    law_id=article.law_id,
                    caption=article.caption,
                    start=start,
                    end=start + len(text),
                    asof=article.asof,
                    single_paragraph=single,
                    supplementary=article.supplementary,
                    label=article.division,
                    lead=_lead(piece, before),
                )
            )
            before.append((piece, text))
        offset += len(paragraph) + 1
    return found


def _lead(piece: Piece, before: Sequence[tuple[Piece, str]]) -> str:
    """What a piece goes on from, of those before it in its paragraph; "" where that is too
    long to be shown with it."""
    if not piece.item and piece.part not in GOES_ON:
        return ""
    part = GOES_ON.get(piece.part, "柱書")
    own = ("", piece.item)
    lead = "\n".join(text for other, text in before if other.part == part and other.item in own)
    return lead if len(lead) <= LONGEST_LEAD else ""
