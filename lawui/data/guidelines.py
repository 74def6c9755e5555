"""Guidelines that a user puts beside the statutes: text or PDF, read page by page.

    DATA/guidelines/name.pdf     a PDF that holds text
    DATA/guidelines/name.txt     or .md: plain text, pages parted by form feeds (as pdftotext
                                 writes them); beside a PDF of the same name it is read
                                 instead of the PDF, for one that was scanned
    DATA/guidelines/name.url     where the public finds it: the first http(s) address in
                                 the file, a browser's shortcut for instance

A page becomes an Article without a number: `law` is the guideline's title, `label` 12頁,
`url` the address (or the file's name) with #page=12, which browsers open at that page.
Pages count from the file's first, whatever is printed on them. A text without pages is cut
at its Markdown headings, which are its labels then.
"""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lawui.errors import DataError, LabError
from lawui.types import GUIDELINE, Article

FOLDER = "guidelines"
MAX_BYTES = 100 * 2**20
MAX_PAGES = 2_000
MAX_CHARACTERS = 5_000_000
PIECE = 500
"""Characters that a page is cut into, at line ends: about three paragraphs of print."""

_TEXT_KINDS = (".txt", ".md")
_LONGEST_TITLE = 80
_LONGEST_SECTION = 1_500
_HEADING = re.compile(r"#{1,6}[ 　]+(.{1,80}?)[ 　#]*$")
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")
_PAGE_NUMBER = re.compile(
    r"[\s\-‐－―–—(（\[]*\d{1,4}\s*(?:頁|ページ|[/／]\s*\d{1,4})?[\s\-‐－―–—)）\]]*"
)
_SENTENCE_END = ("。", "」", "）", ")", "：", ":")
_ITEM_START = re.compile(
    r"[ 　]*(?:[(（]?[0-9０-９一二三四五六七八九十ア-ンⅰ-ⅻⅠ-Ⅻa-zａ-ｚ]{1,3}[)）.．、　 ]"
    r"|第[0-9０-９一二三四五六七八九十]+|[①-⑳㋐-㋾・○●◆■□※〔【<＜#*-])"
)

_RADICALS = dict(
    zip(
        "⺒⺟⺠⺫⻁⻄⻆⻑⻘⻝⻤⻨⻩⻫⻭⻯⻲",
        "巳母民罒虎西角長青食鬼麦黄斉歯竜亀",
        strict=True,
    )
)  # of the block CJK Radicals Supplement, which Unicode gives no equivalents
_PRINTED = str.maketrans(
    _RADICALS
    | {
        c: unicodedata.normalize("NFKC", c)
        for c in map(chr, [*range(0x2F00, 0x2FD6), *range(0xFB00, 0xFB07)])
    }
    | {"\u2003": "　", "\u00a0": " ", "\u00ad": "", "\0": ""}
)
"""Letters as PDFs name them, to those that people type: 用 and 行 often come out as the
radicals ⽤ and ⾏ of the same shape, fi as one letter, and wide spaces as em spaces."""


@dataclass(frozen=True)
class Source:
    """Where a guideline was published: its title and address, "" where unknown."""

    title: str = ""
    address: str = ""


def guideline_files(folder: Path) -> list[Path]:
    """The files of a folder that are read as guidelines, by name; a PDF that has its text
    beside it is left out."""
    if not folder.is_dir():
        return []
    files = [p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")]
    texts = {p.stem: p for p in files if p.suffix.lower() in _TEXT_KINDS}
    pdfs = [p for p in files if p.suffix.lower() == ".pdf" and p.stem not in texts]
    return sorted([*texts.values(), *pdfs])


def read_guidelines(data_dir: Path) -> tuple[list[Article], list[LabError]]:
    """The pages of every guideline of a data folder, and what is wrong with those files
    that cannot be read. A title or address that lawqa_jp's law_list.json gives for a
    file's name is taken from there."""
    articles: list[Article] = []
    problems: list[LabError] = []
    listed = _listed(data_dir / "lawqa_jp" / "law_list.json")
    taken: set[str] = set()
    for path in guideline_files(data_dir / FOLDER):
        source = listed.get(path.stem, Source())
        try:
            source = replace(source, address=_noted_address(path) or source.address)
        except DataError as error:
            problems.append(error)
        try:
            pages = read_guideline(path, title=source.title, address=source.address)
        except DataError as error:
            problems.append(error)
            continue
        law_id = _free(pages[0].law_id, taken)
        taken.add(law_id)
        articles += [replace(page, law_id=law_id) for page in pages]
    return articles, problems


def read_guideline(path: Path, *, title: str = "", address: str = "") -> list[Article]:
    """The pages (or sections) of one guideline that hold text.

    `title`: by default the file's name, or the text's first line where the name is
    nothing but a number or code. Raises DataError for a file that is missing, larger
    than MAX_BYTES, MAX_PAGES or MAX_CHARACTERS, locked by a password, broken, or without
    text (a scan).
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise DataError("data.missing_file", path=path) from error
    except OSError as error:
        raise DataError("data.unreadable_file", path=path, reason=error.strerror) from error
    if size > MAX_BYTES:
        raise _too_large(path, f"{size / 2**20:.0f} MiB > {MAX_BYTES / 2**20:.0f} MiB")
    pages: list[str] = []
    characters = 0
    pdf = path.suffix.lower() == ".pdf"
    for raw in _pdf(path) if pdf else _text(path):
        pages.append(_tidy(raw))
        characters += len(pages[-1])
        if characters > MAX_CHARACTERS:
            raise _too_large(path, f"> {MAX_CHARACTERS:,} characters")
    if not any(pages) or not _legible("".join(pages)):
        raise DataError("data.guideline_no_text", path=path)
    law = title or _title(path, next(filter(None, pages)))
    page = address or _shown_name(path)
    if pdf or len(pages) > 1:
        parts = [(f"{n}頁", f"page={n}", f"{page}#page={n}", t) for n, t in enumerate(pages, 1)]
    else:
        sections = enumerate(_sections(pages[0]), 1)
        parts = [(label, f"part={n}", page, text) for n, (label, text) in sections]
    return [
        Article(
            law_id=GUIDELINE + _slug(path.stem),
            law=law,
            article="",
            label=label,
            caption="",
            headings=(),
            anchor=anchor,
            url=url,
            asof="",
            paragraphs=_pieces(text),
        )
        for label, anchor, url, text in parts
        if text
    ]


# -- where it comes from


def _noted_address(path: Path) -> str:
    """The address in a guideline's `.url` file, "" without one."""
    for beside in (path.with_suffix(".url"), path.with_name(path.name + ".url")):
        if not beside.is_file():
            continue
        try:
            match = _ADDRESS.search(_decode(beside.read_bytes()) or "")
        except OSError as error:
            raise DataError("data.unreadable_file", path=beside, reason=error.strerror) from error
        if match is None:
            raise DataError("data.no_address", path=beside)
        return match[0].split("#")[0]
    return ""


def _listed(law_list: Path) -> dict[str, Source]:
    """File name without its ending -> the guideline that lawqa_jp lists under it."""
    try:
        entries = json.loads(law_list.read_text(encoding="utf-8"))
        found = [Source(str(entry["title"]), str(entry["url"])) for entry in entries]
        paths = [(Path(unquote(urlsplit(source.address).path)), source) for source in found]
    except (OSError, ValueError, TypeError, KeyError):
        return {}  # a convenience: questions.py and fetch.py say what is wrong with the data
    return {path.stem: source for path, source in paths if path.suffix.lower() == ".pdf"}


def _shown_name(path: Path) -> str:
    """The PDF's name where a text stands in for it."""
    pdf = path.with_suffix(".pdf")
    return pdf.name if pdf.is_file() else path.name


def _title(path: Path, text: str) -> str:
    if not path.stem.isascii():
        return unicodedata.normalize("NFC", path.stem)
    first = text.partition("\n")[0].strip("#* 　")
    return first if 0 < len(first) <= _LONGEST_TITLE else path.stem


def _slug(name: str) -> str:
    """`広告 基準(案)` -> `広告-基準-案`: one word, however the system writes its letters."""
    return re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", name).lower()).strip("-") or "text"


def _free(law_id: str, taken: set[str]) -> str:
    """`law_id`, or with a number after it where another file has it."""
    count, free = 1, law_id
    while free in taken:
        count += 1
        free = f"{law_id}-{count}"
    return free


# -- reading


def _too_large(path: Path, found: str) -> DataError:
    limit = f"{MAX_BYTES // 2**20} MiB, {MAX_PAGES:,} pages, {MAX_CHARACTERS:,} characters"
    return DataError("data.guideline_too_large", path=path, found=found, limit=limit)


def _text(path: Path) -> Iterator[str]:
    try:
        text = _decode(path.read_bytes())
    except OSError as error:
        raise DataError("data.unreadable_file", path=path, reason=error.strerror) from error
    if text is None:
        raise DataError("data.not_utf8", path=path)
    pages = text.split("\f")
    if len(pages) > MAX_PAGES:
        raise _too_large(path, f"{len(pages):,} pages")
    yield from pages


def _decode(raw: bytes) -> str | None:
    """UTF-8 or UTF-16 by their marks, else UTF-8, else Shift_JIS as Windows writes it;
    None for what is no text."""
    encodings = ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp932")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None


def _pdf(path: Path) -> Iterator[str]:
    """The text of each page of a PDF, "" for a page without any."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells of every odd font
    try:
        raw = BytesIO(path.read_bytes())
    except OSError as error:
        raise DataError("data.unreadable_file", path=path, reason=error.strerror) from error
    try:
        reader = PdfReader(raw)
        # Many published files are locked against changes only: "" opens those.
        if reader.is_encrypted and not reader.decrypt(""):
            raise DataError("data.guideline_locked", path=path)
        count = len(reader.pages)
        if count > MAX_PAGES:
            raise _too_large(path, f"{count:,} pages")
        for page in reader.pages:
            yield page.extract_text()
    except DependencyError as error:  # a cipher that needs a further library
        raise DataError("data.guideline_locked", path=path) from error
    except LabError:
        raise
    except PyPdfError as error:
        raise DataError("data.guideline_broken", path=path, reason=error) from error
    except Exception as error:  # a broken PDF shows up as any error within pypdf
        reason = f"{type(error).__name__}: {error}"
        raise DataError("data.guideline_broken", path=path, reason=reason) from error


def _legible(text: str) -> bool:
    """Whether most characters are letters, digits or signs: fonts without a table of
    their characters come out as control and private ones."""
    sample = text[:20_000]
    odd = sum(unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs") or c == "�" for c in sample)
    return odd - sample.count("\n") < 0.2 * len(sample)


def _tidy(page: str) -> str:
    """A page's text: lines that print broke are joined, its page number left out."""
    clean = page.encode("utf-8", "replace").decode("utf-8").translate(_PRINTED)
    lines = [line.rstrip() for line in clean.splitlines()]
    lines = [line for line in lines if line.strip()]
    for edge in (-1, 0):
        if lines and _PAGE_NUMBER.fullmatch(lines[edge]):
            del lines[edge]
    return "\n".join(_joined(lines))


def _joined(lines: list[str]) -> Iterator[str]:
    """A line as wide as the page goes on in the next one, unless a sentence ends or an
    item begins there."""
    width = max(map(len, lines), default=0)
    text = ""
    broken = False
    for line in lines:
        if broken and not _ITEM_START.match(line):
            text += line.strip()
        else:
            if text:
                yield text
            text = line
        broken = (
            width >= 20
            and len(line) >= 0.9 * width
            and not line.endswith(_SENTENCE_END)
            and not line.isascii()
        )
    if text:
        yield text


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """(heading, text) of the parts of a text without pages: from one Markdown heading to
    the next, and never much longer than a page of print."""
    label = part = ""
    for line in text.split("\n"):
        heading = _HEADING.match(line)
        if part and (heading or len(part) > _LONGEST_SECTION):
            yield label, part
            part = ""
        label = heading[1] if heading else label
        part += "\n" + line if part else line
    if part:
        yield label, part


def _pieces(text: str) -> tuple[str, ...]:
    """A page in pieces of about PIECE characters, cut at line ends."""
    pieces: list[str] = []
    for line in text.split("\n"):
        if pieces and len(pieces[-1]) + len(line) < PIECE:
            pieces[-1] += "\n" + line
        else:
            pieces.append(line)
    return tuple(pieces)
