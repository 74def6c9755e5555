"""A visit as a Word document, to be marked up and filed."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lawui.readers.visits.words import heading, maker, sentences, shares, verdict, word
from lawui.types import LETTERS

if TYPE_CHECKING:
    from docx.document import Document

_FONT = "Yu Mincho"
# What XML 1.0 cannot hold (section 2.2); a text that was pasted may.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_word(entries: Sequence[dict[str, Any]], lang: str) -> bytes:
    """The answers of a visit, oldest first, as the bytes of a .docx file."""
    import docx
    from docx.oxml.ns import qn

    document = docx.Document()
    normal = document.styles["Normal"]
    normal.font.name = _FONT
    # Word takes the font of Japanese signs from an attribute of its own.
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), _FONT)
    document.core_properties.title = word("title", lang)
    document.core_properties.author = "lawui"
    document.add_heading(word("title", lang), 0)
    document.add_paragraph(word("count", lang, n=len(entries)))
    document.add_paragraph(word("advice", lang))
    for n, entry in enumerate(entries, 1):
        _entry(document, n, entry, lang)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _entry(document: Document, n: int, entry: dict[str, Any], lang: str) -> None:
    question = entry["question"]
    title = word("number", lang, n=n, id=question["id"])
    if question["altered"]:
        title += f"　〔{word('altered_question', lang)}〕"
    document.add_heading(_clean(title), 1)
    document.add_paragraph().add_run(_clean(question["stem"])).bold = True
    for letter, choice in zip(LETTERS, question["choices"], strict=True):
        document.add_paragraph(_clean(f"{letter}　{choice}"))
    for line in verdict(entry, lang):
        document.add_paragraph().add_run(_clean(line)).bold = True
    _shares(document, entry, lang)
    if entry["changes"]:
        document.add_heading(word("changes", lang), 2)
        for number, change in enumerate(entry["changes"], 1):
            document.add_paragraph(_clean(f"{number}. {change[lang]}"))
    _passages(document, entry, lang)
    if entry["reason"]:
        document.add_heading(word("reason", lang), 2)
        paragraph = document.add_paragraph()
        for text, fine in sentences(entry, lang):
            run = paragraph.add_run(_clean(text + ("" if fine else word("unsupported", lang))))
            run.italic = not fine
    document.add_paragraph(_clean(f"{maker(entry, lang)}　{entry['time']}"))


def _shares(document: Document, entry: dict[str, Any], lang: str) -> None:
    if entry["answer"]["cannot_tell"]:
        return
    names = [word("letter", lang), word("share", lang)]
    names += [word("before", lang)] if entry["before"] else []
    table = document.add_table(rows=1, cols=len(names))
    table.style = "Table Grid"
    rows = [tuple(names), *shares(entry)]
    for at, row in enumerate(rows):
        cells = table.rows[0].cells if at == 0 else table.add_row().cells
        for cell, value in zip(cells, row, strict=False):
            cell.text = value


def _passages(document: Document, entry: dict[str, Any], lang: str) -> None:
    document.add_heading(word("passages", lang), 2)
    if not entry["passages"]:
        document.add_paragraph(word("no_passages", lang))
    for passage in entry["passages"]:
        document.add_paragraph().add_run(_clean(heading(passage, lang))).bold = True
        document.add_paragraph(_clean(passage["text"]))
        date = word("asof", lang, date=passage["asof"]) if passage["asof"] else ""
        foot = "　".join(part for part in (date, passage["url"]) if part)
        if foot:
            document.add_paragraph(_clean(foot))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("", text)
