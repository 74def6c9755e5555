"""Statutes as articles: from e-Gov XML and from JSON lines (one article a line).

e-Gov XML follows the 法令標準XMLスキーマ version 3: LawBody holds MainProvision (本則),
SupplProvision (附則, the first one the law's own, the others by amending laws) and
appendices (別表, 別記, …). Provisions nest Part 編 > Chapter 章 > Section 節 >
Subsection 款 > Division 目 > Article 条 > Paragraph 項 > Item 号 > Subitem1..10.
"""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from lawui.data import guidelines
from lawui.data.headings import number
from lawui.errors import DataError, LabError
from lawui.types import Article

SAMPLE = Path(__file__).parent / "sample"
MANIFEST = "manifest.json"
"""Beside fetched XML: {law_id: {"asof", "revision", "sha256", ...}}."""

CHANGED = "changed.json"
"""Beside fetched XML: {law_id: {"law", "asof" of the text here, "today" (day of the
comparison), "revision" then in force, "articles" that differ}}."""

_PAGE = "https://laws.e-gov.go.jp/law/"
_TEXT_FIELDS = ("law_id", "law", "article", "label", "caption", "anchor", "url", "asof")
_LEVELS = {"Part": "Pa", "Chapter": "Ch", "Section": "Se", "Subsection": "Ss", "Division": "Di"}
_APPENDICES = ("AppdxTable", "AppdxNote", "AppdxStyle", "Appdx", "AppdxFig", "AppdxFormat")
_APPENDIX_ANCHORS = {"AppdxTable": "Mpat", "AppdxStyle": "Mpas"}
_ERAS = {"明治": "1", "大正": "2", "昭和": "3", "平成": "4", "令和": "5"}
_ERA_NAMES = {"Meiji": "1", "Taisho": "2", "Showa": "3", "Heisei": "4", "Reiwa": "5"}
_KINDS = {"法律": "AC", "政令": "CO"}
_KIND_NAMES = {"Act": "AC", "CabinetOrder": "CO"}
_LAW_ID = r"[0-9]{3}[A-Z0-9]{12}"
_REVISION = re.compile(rf"({_LAW_ID})(?:_([0-9]{{8}}_{_LAW_ID}))?")
_AMENDING = re.compile(r"(明治|大正|昭和|平成|令和)(元|[^年]+)年.*?(法律|政令)第([^号]+)号")


@dataclass(frozen=True)
class Collection:
    """What a data folder holds: articles of statutes, laws in the order of their ids, then
    pages of guidelines; and an error for each file that could not be read."""

    articles: tuple[Article, ...]
    problems: tuple[LabError, ...] = ()


@dataclass(frozen=True)
class Changes:
    """How a law here, as of `asof`, differs from the text in force on the day `checked`:
    `articles` holds the numbers (`27_2`), or the labels where there is none (別表第一), of
    what was changed, added or repealed."""

    law: str
    asof: str
    checked: str
    articles: frozenset[str]


def read_library(folder: Path) -> Collection:
    """Every statute of a folder, JSON lines and e-Gov XML, and the guidelines in its
    subfolder `guidelines` (see guidelines.py).

    Where the folder has a subfolder `statutes`, statutes are read from there and nowhere
    else. A law that is there twice is taken from the XML, which alone has its
    supplementary provisions. A file that is not sound is left out whole and named in
    `problems`. Raises DataError where nothing can be read at all.
    """
    place = source_folder(folder)
    laws, problems = _read_statutes(place)
    pages, odd = guidelines.read_guidelines(folder)
    found = Collection(
        (*(article for law_id in sorted(laws) for article in laws[law_id]), *pages),
        (*problems, *odd),
    )
    if not found.articles:
        raise found.problems[0] if found.problems else DataError("data.no_statutes", path=place)
    return found


def read_folder(folder: Path) -> list[Article]:
    """The articles of `read_library`, for who wants all or nothing: raises the first of
    its problems."""
    found = read_library(folder)
    for problem in found.problems:
        raise problem
    return list(found.articles)


def has_library(folder: Path) -> bool:
    """Whether `read_library` would find a file to read, sound or not."""
    texts = guidelines.guideline_files(folder / guidelines.FOLDER)
    return bool(_statute_files(source_folder(folder)) or texts)


def source_folder(data_dir: Path | None) -> Path:
    """The folder that an index is built from: the data folder's `statutes`, the data
    folder itself where it has none, and the sample's where there is no data folder."""
    if data_dir is None:
        return SAMPLE
    inner = data_dir / "statutes"
    return inner if inner.is_dir() else data_dir


def sample_articles() -> list[Article]:
    """The articles of the fictional ordinance that ships with the project."""
    return list(read_jsonl(SAMPLE / "statutes.jsonl"))


def read_jsonl(path: Path) -> Iterator[Article]:
    """The articles of a `.jsonl` or `.jsonl.gz` file, one a line.

    Raises DataError for a missing or damaged file, naming the line.
    """
    line_number = 0
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as file:
            for line in file:
                line_number += 1
                if line.strip():
                    yield _from_record(json.loads(line))
    except FileNotFoundError as error:
        raise DataError("data.missing_file", path=path) from error
    except (ValueError, TypeError, KeyError, EOFError, OSError, zlib.error) as error:
        raise DataError("data.bad_statute_line", path=path, line=max(1, line_number)) from error


def read_xml(source: Path | bytes, *, law_id: str = "", asof: str = "") -> list[Article]:
    """The articles of one law in e-Gov XML: a `Law`, alone or in an answer of the
    法令API, main provisions first, then supplementary ones, then appendices.

    - `paragraphs` holds one string a 項; items stand on lines of their own, each level
      of イロハ and (1)(i) indented by two more spaces; a term and its definition and the
      cells of a table row are parted by a full-width space; ruby readings are left out.
    - Supplementary provisions (`supplementary`) have the 附則 as first heading, with the
      amending law's number where it is not the law's own; 項 that an excerpt leaves out
      read （略）, so that the others keep their numbers.
    - What has no article number (附則 in 項 only, 別表, 前文) has `article` "" and its
      name as `label`. A range of deleted articles stands under its first number.
    - `url` is the page of this very revision where the source names it.

    `law_id` is needed only where neither the source, its file name nor the law's number
    tells it. Raises DataError for XML that is broken, declares entities or is no law.
    """
    path = source if isinstance(source, Path) else None
    name = str(path or "XML")
    law = _parse(source, name)
    body = law.find("LawBody")
    title = body.find("LawTitle") if body is not None else None
    if body is None or title is None or not _inline(title):
        raise DataError("data.not_a_law", path=name)
    found_id, revision = _identity(law, path)
    reader = _LawReader(
        law_id=law_id or found_id,
        law=_inline(title),
        page=f"{_PAGE}{law_id or found_id}" + (f"/{revision}" if revision else ""),
        asof=asof,
    )
    articles = [*reader.main(body), *reader.supplementary(body), *reader.appendices(body)]
    if not reader.law_id or not articles:
        raise DataError("data.empty_law" if reader.law_id else "data.no_law_id", path=name)
    return articles


# -- the text in force today


def changed(folder: Path) -> dict[str, Changes]:
    """What `fetch` noted of the laws of a data folder whose text in force differs, by law
    id. A note that is missing, broken or about another text than the one here counts as
    none."""
    place = source_folder(folder)
    try:
        noted = json.loads((place / CHANGED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    known = _manifest(place)
    found: dict[str, Changes] = {}
    for law_id, entry in noted.items() if isinstance(noted, dict) else ():
        changes = _changes(entry)
        if changes and changes.articles and known.get(law_id, changes.asof) == changes.asof:
            found[law_id] = changes
    return found


def _changes(entry: object) -> Changes | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("articles"), list):
        return None
    law, asof, today = (str(entry.get(name) or "") for name in ("law", "asof", "today"))
    return Changes(law, asof, today, frozenset(map(str, entry["articles"])))


def differing(stored: Iterable[Article], present: Iterable[Article]) -> list[str]:
    """The articles and tables that two texts of a law do not have alike, as `Changes` names
    them. White space and forms of characters (NFKC) do not count; 附則 are not compared,
    for every amendment adds some."""
    old, new = _plain_texts(stored), _plain_texts(present)
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def _plain_texts(articles: Iterable[Article]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for article in articles:
        if not article.supplementary:
            name = article.article or article.label
            text = unicodedata.normalize("NFKC", "\n".join((article.caption, *article.paragraphs)))
            texts[name] = texts.get(name, "") + "".join(text.split())
    return texts


# -- files


def _from_record(record: dict[str, Any]) -> Article:
    if not record["law_id"] or not record["law"]:
        raise ValueError("a statute without a law")
    if isinstance(record["paragraphs"], str):
        raise TypeError("paragraphs must be a list")
    return Article(
        **{name: str(record.get(name) or "") for name in _TEXT_FIELDS},
        headings=tuple(str(h) for h in record.get("headings") or ()),
        paragraphs=tuple(_plain_tables(str(p)) for p in record["paragraphs"]),
        supplementary=bool(record.get("supplementary", False)),
    )


def _plain_tables(paragraph: str) -> str:
    """A table in Markdown as rows of cells parted by a full-width space, as `read_xml`
    gives them, without the copy of all its cells run together that some files have
    before it."""
    if "\n| ---" not in paragraph:
        return paragraph
    lines: list[str] = []
    cells = ""
    for line in reversed(paragraph.split("\n")):
        if line.startswith("|"):
            row = [cell.strip() for cell in line.strip("| ").split("|")]
            if any(cell.strip("- ") for cell in row):
                lines.append("　".join(cell for cell in row if cell))
                cells = "".join(row) + cells
            continue
        lines.append(line.removesuffix(cells) if cells else line)
        cells = ""
    return "\n".join(line for line in reversed(lines) if line)


def _read_statutes(place: Path) -> tuple[dict[str, list[Article]], list[LabError]]:
    """The articles of each law by its id, and what is wrong with the other files."""
    known = _manifest(place)
    laws: dict[str, list[Article]] = {}
    problems: list[LabError] = []
    for path in _statute_files(place):
        try:
            if path.suffix == ".xml":
                articles = read_xml(path, asof=known.get(path.stem, ""))
            else:
                articles = list(read_jsonl(path))
        except DataError as error:
            problems.append(error)
            continue
        found: dict[str, list[Article]] = {}
        for article in articles:
            found.setdefault(article.law_id, []).append(article)
        for law_id, its_articles in found.items():
            laws.setdefault(law_id, its_articles)
    return laws, problems


def _statute_files(folder: Path) -> list[Path]:
    """XML first: it is the fuller source of a law."""
    if not folder.is_dir():
        return []
    lines = (p for p in folder.iterdir() if p.name.endswith((".jsonl", ".jsonl.gz")))
    return [*sorted(folder.glob("*.xml")), *sorted(lines)]


def _manifest(folder: Path) -> dict[str, str]:
    """Law id -> as-of date, as `fetch` noted it; {} where nothing was fetched."""
    try:
        noted = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {law_id: str(entry["asof"]) for law_id, entry in noted.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}  # a lost note costs the date, never the law


# -- XML


def _parse(source: Path | bytes, name: str) -> Element:
    """The Law element; entities and document types are refused unread."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        raw = source.read_bytes() if isinstance(source, Path) else source
        root: Element = fromstring(raw, forbid_dtd=True)
        law = root if root.tag == "Law" else next(root.iter("Law"), None)
    except FileNotFoundError as error:
        raise DataError("data.missing_file", path=name) from error
    except OSError as error:
        raise DataError("data.unreadable_file", path=name, reason=error.strerror) from error
    except DefusedXmlException as error:
        raise DataError("data.unsafe_xml", path=name) from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise DataError("data.broken_xml", path=name, reason=error) from error
    if law is None:
        raise DataError("data.not_a_law", path=name)
    law.set("revision", _revision_id(root))
    return law


def _revision_id(root: Element) -> str:
    return (root.findtext("revision_info/law_revision_id") or "").strip()


def _identity(law: Element, path: Path | None) -> tuple[str, str]:
    """(law id, revision as in the page's address), "" for what cannot be told.

    From the API's law_revision_id, else the file's name (e-Gov names its files so), else,
    for acts and cabinet orders, the law's number.
    """
    for text in (law.get("revision", ""), path.stem if path else ""):
        match = _REVISION.fullmatch(text)
        if match:
            return match[1], match[2] or ""
    era, kind = _ERA_NAMES.get(law.get("Era", "")), _KIND_NAMES.get(law.get("LawType", ""))
    year, num = law.get("Year", ""), law.get("Num", "")
    if era and kind and year.isdigit() and num.isdigit():
        return f"{era}{int(year):02d}{kind}{int(num):010d}", ""
    return "", ""


def _amending_id(law_num: str) -> str:
    """`平成八年六月二六日法律第一一〇号` as 408AC0000000110; "" for ministries' ordinances,
    whose ids a number does not tell. Acts brought in by members of parliament have
    another id (AC1…), so a link may open at the head of the page."""
    match = _AMENDING.fullmatch(law_num)
    if not match:
        return ""
    try:
        year = 1 if match[2] == "元" else int(number(match[2]))
        return f"{_ERAS[match[1]]}{year:02d}{_KINDS[match[3]]}{int(number(match[4])):010d}"
    except (KeyError, ValueError):
        return ""


@dataclass
class _LawReader:
    law_id: str
    law: str
    page: str
    asof: str

    def main(self, body: Element) -> Iterator[Article]:
        for preamble in body.iterfind("Preamble"):
            yield from self._loose(list(preamble), "前文", "Mp-Pre", (), False, linked=False)
        for provision in body.iterfind("MainProvision"):
            yield from self._walk(provision, "Mp", (), "本則", False, True)

    def supplementary(self, body: Element) -> Iterator[Article]:
        seen: set[str] = set()
        for order, provision in enumerate(body.iterfind("SupplProvision")):
            amending = provision.get("AmendLawNum", "")
            law_id = _amending_id(amending) if amending else self.law_id
            # Without an id of its own on the page, the anchor only tells the 附則 apart.
            linked = bool(law_id) and law_id not in seen
            seen.add(law_id)
            anchor = f"{law_id}-Sp" if linked else f"{self.law_id}-Sp_{order}"
            label = "附則" + (f"（{amending}）" if amending else "")
            yield from self._walk(provision, anchor, (label,), label, True, linked)
            yield from self._appendices(provision, "SupplProvision", anchor, (label,), True)

    def appendices(self, body: Element) -> Iterator[Article]:
        yield from self._appendices(body, "", "", (), False)

    def _walk(
        self,
        node: Element,
        anchor: str,
        headings: tuple[str, ...],
        label: str,
        supplementary: bool,
        linked: bool,
    ) -> Iterator[Article]:
        """The articles below a provision, chapter or section, in their order."""
        loose: list[Element] = []
        for child in node:
            if child.tag in _LEVELS:
                inner = f"{anchor}-{_LEVELS[child.tag]}_{child.get('Num', '')}"
                title = _inline(child.find(f"{child.tag}Title"))
                yield from self._walk(
                    child, inner, (*headings, title), title, supplementary, linked
                )
            elif child.tag == "Article":
                yield self._article(child, anchor, headings, supplementary, linked)
            elif child.tag == "Paragraph":
                loose.append(child)
        yield from self._loose(loose, label, anchor, headings, supplementary, linked)

    def _article(
        self,
        node: Element,
        anchor: str,
        headings: tuple[str, ...],
        supplementary: bool,
        linked: bool,
    ) -> Article:
        num = node.get("Num", "")
        return self._make(
            article=num.split(":")[0],
            label=_inline(node.find("ArticleTitle")),
            caption=_inline(node.find("ArticleCaption")),
            headings=headings,
            anchor=f"{anchor}-At_{num}",
            paragraphs=_paragraphs(node),
            supplementary=supplementary,
            linked=linked,
        )

    def _loose(
        self,
        paragraphs: list[Element],
        label: str,
        anchor: str,
        headings: tuple[str, ...],
        supplementary: bool,
        linked: bool,
    ) -> Iterator[Article]:
        """Paragraphs that stand in no article, as one article without a number."""
        if paragraphs:
            holder = Element("Article")
            holder.extend(paragraphs)
            yield self._make(
                article="",
                label=label,
                caption="",
                headings=headings,
                anchor=anchor,
                paragraphs=_paragraphs(holder),
                supplementary=supplementary,
                linked=linked,
            )

    def _appendices(
        self,
        body: Element,
        prefix: str,
        anchor: str,
        headings: tuple[str, ...],
        supplementary: bool,
    ) -> Iterator[Article]:
        """別表 and the like that hold text: one article a piece, its `label` the title."""
        for tag in _APPENDICES:
            for order, node in enumerate(body.iterfind(prefix + tag), 1):
                title = _inline(node.find(f"{prefix + tag}Title"))
                skip = {f"{prefix + tag}Title", "RelatedArticleNum", "ArithFormulaNum"}
                lines = [line for child in node if child.tag not in skip for line in _lines(child)]
                if not lines:
                    continue  # a form kept as a picture
                place = f"{_APPENDIX_ANCHORS.get(tag, tag)}_{node.get('Num', str(order))}"
                yield self._make(
                    article="",
                    label=title,
                    caption=_inline(node.find("RelatedArticleNum")),
                    headings=headings,
                    anchor=f"{anchor}-{place}" if anchor else place,
                    paragraphs=("\n".join(lines),),
                    supplementary=supplementary,
                    linked=not anchor and tag in _APPENDIX_ANCHORS,
                )

    def _make(
        self, *, caption: str, linked: bool, anchor: str, headings: tuple[str, ...], **fields: Any
    ) -> Article:
        return Article(
            law_id=self.law_id,
            law=self.law,
            caption=re.sub(r"^[（(](.*)[）)]$", r"\1", caption),
            headings=tuple(h for h in headings if h),
            anchor=anchor,
            url=self.page + (f"#{anchor}" if linked else ""),
            asof=self.asof,
            **fields,
        )


def _paragraphs(article: Element) -> tuple[str, ...]:
    """One string a 項; a number that an excerpt (抄) leaves out reads （略）."""
    texts: list[str] = []
    for node in article.iterfind("Paragraph"):
        num = node.get("Num", "").split(":")[0]
        if num.isdigit() and len(texts) + 1 < int(num) <= len(texts) + 100:
            texts += ["（略）"] * (int(num) - len(texts) - 1)
        caption = _inline(node.find("ParagraphCaption"))
        skip = ("ParagraphCaption", "ParagraphNum")
        lines = [line for child in node if child.tag not in skip for line in _lines(child)]
        texts.append(caption + "\n".join(lines))
    supplement = [_inline(n) for n in article.iterfind("SupplNote")]
    if supplement and texts:
        texts[-1] = "\n".join([texts[-1], *supplement])
    return tuple(texts)


def _lines(node: Element, depth: int = 0) -> list[str]:
    """The text of a part of a paragraph, a line an item, sub-item, list entry or row."""
    if node.tag.endswith("Sentence") and node.tag != "Sentence":
        text = _sentence(node)
        return [text] if text else []
    if node.tag == "TableStruct":
        return [line for child in node for line in _lines(child, depth)]
    if node.tag in ("TableRow", "TableHeaderRow"):
        cells = ("".join(_lines(cell)) for cell in node)
        row = "　".join(cell for cell in cells if cell)
        return [row] if row else []
    if re.fullmatch(r"Item|Subitem\d+|Class|List|Sublist\d+", node.tag):
        return _numbered(node, depth)
    if len(node) and not (node.tag in ("Sentence", "Column") or (node.text or "").strip()):
        return [line for child in node for line in _lines(child, depth)]
    text = _inline(node)
    return [text] if text else []


def _numbered(node: Element, depth: int) -> list[str]:
    """An item: its number and text on one line, what is below it indented further.
    Items of a paragraph are not indented, their sub-items by two spaces a level."""
    level = int(re.sub(r"\D", "", node.tag) or 0)
    title = _inline(node.find(f"{node.tag}Title"))
    text, below = "", []
    for child in node:
        if child.tag == f"{node.tag}Title":
            continue
        if child.tag == f"{node.tag}Sentence":
            text += _sentence(child)
        else:
            below += _lines(child, level + 1)
    first = "　".join(part for part in (title, text) if part)
    return [*(["  " * level + first] if first else []), *below]


def _sentence(node: Element) -> str:
    """Sentences follow each other; columns (a term, its definition) are parted."""
    columns = [_inline(c) for c in node.iterfind("Column")]
    return "　".join(c for c in columns if c) if columns else _inline(node)


def _inline(node: Element | None) -> str:
    """All text of a node in one line, without ruby readings and without the white space
    that only lays out the XML."""
    if node is None:
        return ""
    parts = [node.text or ""]
    for child in node:
        if child.tag != "Rt":
            parts.append(_inline(child))
        parts.append(child.tail or "")
    return re.sub(r"\s*\n\s*", "", "".join(parts)).strip(" \t\r\n")
