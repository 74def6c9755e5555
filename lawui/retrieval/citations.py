"""Reads citations of statutes: 第五条の二第三項第一号, 5条の2, 同条第2項, 前項, 金商法166条.

Law names are the titles in the library, the short names in use, and what each law's own
text defines (以下「法」という。). A law that is cited but not in the library keeps its name and
an empty `law_id`: it is shown as such, never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from lawui.retrieval.passages import kanji_number

SHORT_NAMES: dict[str, tuple[str, ...]] = {
    "金融商品取引法": ("金商法", "金取法"),
    "金融商品取引法施行令": ("金商法施行令", "金商令"),
    "医薬品、医療機器等の品質、有効性及び安全性の確保等に関する法律": (
        "薬機法", "医薬品医療機器等法", "医薬品医療機器法", "医薬品、医療機器等法",
    ),
    "医薬品、医療機器等の品質、有効性及び安全性の確保等に関する法律施行令": ("薬機法施行令",),
    "医薬品、医療機器等の品質、有効性及び安全性の確保等に関する法律施行規則": (
        "薬機法施行規則", "薬機則",
    ),
    "企業内容等の開示に関する内閣府令": ("開示府令", "企業内容等開示府令", "企業開示府令"),
    "発行者以外の者による株券等の公開買付けの開示に関する内閣府令": (
        "他社株府令", "他社株買付府令", "公開買付府令",
    ),
    "金融商品取引法第二条に規定する定義に関する内閣府令": ("定義府令",),
    "金融商品取引法第六章の二の規定による課徴金に関する内閣府令": ("課徴金府令",),
    "金融商品取引業等に関する内閣府令": (
        "業府令", "金商業等府令", "金商業府令", "金融商品取引業等府令",
    ),
    "有価証券の取引等の規制に関する内閣府令": ("取引規制府令", "有価証券規制府令"),
    "証券情報等の提供又は公表に関する内閣府令": ("証券情報府令", "証券情報等府令"),
    "金融商品取引法第二章の六の規定による重要情報の公表に関する内閣府令": (
        "重要情報公表府令", "重要情報府令",
    ),
}  # fmt: skip
"""Title -> short names in daily use. They hold only where the title is in the library or
nothing else bears the name."""

GENERIC = frozenset(("法", "令", "府令", "規則", "省令", "条例", "政令", "旧法", "新法", "旧令"))
"""Names that mean something only within the law that defines them."""

_N = r"[0-9０-９〇一二三四五六七八九十百千]+"
_ARTICLE = (
    rf"(?:第\s*(?P<article>{_N})|(?<![0-9０-９.．])(?P<bare>[0-9０-９]+))\s*条"
    rf"(?P<branch>(?:\s?の\s?{_N}(?![年月日箇人分条項号%％パ]|か[月年所国]))*)"
)
_PLACE = (
    rf"(?:\s*第?\s*(?P<paragraph>{_N})\s*項|(?P<same_paragraph>同項))?"
    rf"(?:\s*第?\s*(?P<item>{_N})\s*号(?P<item_branch>(?:の{_N})*)"
    rf"(?P<sub>[イロハニホヘトチリヌルヲワカヨタレソ](?![ァ-ヴー]))?)?"
)
_CITATION = re.compile(rf"(?:{_ARTICLE}|(?P<relative>[同前次本]条|この条)){_PLACE}")
_INNER = re.compile(
    rf"(?:(?P<relative>[同前次]項)|(?<![条項号数])第\s*(?P<paragraph>{_N})\s*項)"
    rf"(?:\s*第?\s*(?P<item>{_N})\s*号(?P<item_branch>(?:の{_N})*)"
    rf"(?P<sub>[イロハニホヘトチリヌルヲワカヨタレソ](?![ァ-ヴー]))?)?"
)
_JOINED = re.compile(
    r"(?:、|及び|又は|若しくは|並びに|から|まで|・|,|，|第?[0-9０-９〇一二三四五六七八九十百千]+[項号]|"
    r"の規定|前段|後段|本文|ただし書|各号|[イロハニホヘト]|\s)*"
)
_DEFINED = re.compile(r"以下(?:この[^「」（）]{1,12}において|単に)?「([^「」]{1,40})」という。?")
_NAME_END = re.compile(r"(?<!方)(?:法律|法|施行令|(?<!命)令|規則|条例|規程)$")
_NAME_RUN = re.compile(
    r"[一-鿿々ァ-ヴー、及びのにるす等]*[一-鿿々ァ-ヴー](?:法律|法|令|規則|条例|規程)$"
)
LONGEST_NAME = 90


@dataclass(frozen=True)
class Citation:
    """A cited place and where it is written: text[start:end]. Numbers are ASCII, `27_2`
    for 第二十七条の二; parts that aren't named are "". `law_id` is "" where the law isn't
    in the library (`law` then holds the name as written) or isn't named at all."""

    law_id: str
    law: str
    article: str
    paragraph: str = ""
    item: str = ""
    sub_item: str = ""
    supplementary: bool = False
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Place:
    """Where a text stands, to resolve 前条, 前項 and the law that 第三条 alone means."""

    law_id: str
    article: str = ""
    paragraph: str = ""
    before: str = ""  # the article before this one
    after: str = ""


@dataclass
class LawNames:
    """What law a name means. `titles` maps id -> title; `defined` maps the id of a law to
    the names that its own text defines and the title or id that each means."""

    titles: Mapping[str, str]
    defined: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ids = {_squeeze(title): law_id for law_id, title in self.titles.items()}
        for title, shorts in SHORT_NAMES.items():
            for short in shorts:
                if title in self._ids:
                    self._ids.setdefault(short, self._ids[title])
        for names in self.defined.values():  # a short name means the same in every law
            for short, meant in names.items():
                if short not in GENERIC and len(short) > 2 and meant in self.titles:
                    self._ids.setdefault(_squeeze(short), meant)
        self._known_shorts = {s for shorts in SHORT_NAMES.values() for s in shorts}
        inside = [re.escape(name) for name in self._ids if re.search("[条章]", name)]
        self._inside = re.compile("|".join(sorted(inside, key=len, reverse=True)) or "(?!)")
        self._by_length = sorted((n for n in self._ids if len(n) > 2), key=len, reverse=True)

    def find(self, name: str, within: str = "") -> tuple[str, str] | None:
        """(law_id, title) of a name, law_id "" for a law outside the library, None for no
        law's name. `within` is the law whose definitions hold."""
        name = _squeeze(name)
        meant = self.defined.get(within, {}).get(name)
        if meant is not None:
            return (meant, self.titles[meant]) if meant in self.titles else ("", meant)
        if law_id := self._ids.get(name):
            return law_id, self.titles[law_id]
        if name in self._known_shorts:
            return "", next(t for t, shorts in SHORT_NAMES.items() if name in shorts)
        return None

    def ending(self, text: str, within: str = "") -> tuple[str, str] | None:
        """The law whose name `text` ends with, the longest name first; a name outside the
        library counts where it looks like one (会社法)."""
        tail = text[-LONGEST_NAME:]
        for start in range(len(tail)):
            if (tail[-1] in "法令則律例程" or tail[start:] in GENERIC) and (
                found := self.find(tail[start:], within)
            ):
                return found
        run = _NAME_RUN.search(tail)
        if run and len(run.group()) > 1 and not run.group().endswith(("方法", "命令", "この法律")):
            return "", re.sub(r"^.*[、のにるす]", "", run.group())
        return None

    def mentioned(self, text: str) -> set[str]:
        """The ids of the laws that a text names in full or for short."""
        squeezed, found = _squeeze(text), set()
        for name in self._by_length:
            if name in squeezed:
                found.add(self._ids[name])
                squeezed = squeezed.replace(name, "　")
        return found

    def masked(self, text: str) -> list[tuple[int, int]]:
        """Where a law's own name holds an article: 金融商品取引法第二条に規定する定義に…."""
        return [m.span() for m in self._inside.finditer(text)]


def definitions(text: str, titles: Mapping[str, str]) -> dict[str, str]:
    """The short names that a law's text defines for laws: name -> law id, or the title as
    written where the library lacks it. 金融商品取引法（昭和…号。以下「法」という。）"""
    ids = {title: law_id for law_id, title in titles.items()}
    found: dict[str, str] = {}
    for match in _DEFINED.finditer(text):
        name = match.group(1)
        opening = _opening(text, match.start())
        if opening < 0 or not _names_law(name):
            continue
        before = text[max(0, opening - LONGEST_NAME) : opening]
        tails = (before[start:] for start in range(len(before)))
        title = next((tail for tail in tails if tail in ids), "")
        run = _NAME_RUN.search(before)
        meant = ids.get(title) or (run.group().split("、")[-1] if run else "")
        if meant:
            found.setdefault(name, meant)
    return found


def _names_law(name: str) -> bool:
    return name in GENERIC or bool(_NAME_END.search(name))


def _opening(text: str, place: int) -> int:
    """The bracket that is open at `place`, or -1 where none opens within 200 characters."""
    depth = 0
    for at in range(place - 1, max(-1, place - 200), -1):
        if text[at] == "）":
            depth += 1
        elif text[at] == "（":
            if not depth:
                return at
            depth -= 1
    return -1


def parse(text: str, names: LawNames, here: Place | None = None) -> list[Citation]:
    """The citations of a text in order.

    Without `here` (a question) an article without a law's name takes the law named last;
    with it (a statute's text) the law it stands in, and 前条, 前項 are resolved.
    """
    return list(_Reader(text, names, here).read())


class _Reader:
    """Walks one text, remembering the law and article named last."""

    def __init__(self, text: str, names: LawNames, here: Place | None) -> None:
        self.text, self.names, self.here = text, names, here
        self.within = here.law_id if here else ""
        own = names.titles.get(self.within, "")
        self.last = Citation(self.within, own, here.article if here else "")
        self.masked = names.masked(text)

    def read(self) -> Iterable[Citation]:
        for match in _CITATION.finditer(self.text):
            if any(start <= match.start() < end for start, end in self.masked):
                continue
            found = self._relative(match) if match["relative"] else self._article(match)
            if found is not None:
                self.last = found
                yield found
        if self.here:
            yield from self._inner()

    def _article(self, match: re.Match[str]) -> Citation:
        number = match["article"] or match["bare"]
        before = _without_bracket(self.text[: match.start()]).rstrip(" 　の")
        supplementary = before.endswith("附則")
        law_id, law = self._law(before.removesuffix("附則"), match.start())
        article = _numbers(number + match["branch"])
        return _placed(Citation(law_id, law, article, supplementary=supplementary), match)

    def _law(self, before: str, start: int) -> tuple[str, str]:
        """The law of the article cited at `start`, after the text `before`."""
        if before.endswith(("この法律", "本法", "この府令", "この政令", "この省令", "この規則")):
            return self.within, self.names.titles.get(self.within, "")
        if re.search(r"同(?:法|令|府令|規則|省令|条例)$", before):
            return self.last.law_id, self.last.law
        if before and (named := self.names.ending(before, self.within)):
            return named
        if self.here and (generic := re.search(r"(?<![一-鿿])[法令]$", before)):
            return "", generic.group()  # not defined here
        joined = _JOINED.fullmatch(self.text, self.last.end, start) and self.last.end
        if self.here is None or joined:
            return self._named_before(start)
        return self.within, self.names.titles.get(self.within, "")

    def _named_before(self, start: int) -> tuple[str, str]:
        """The law of the last citation, or in a question the law named last without one."""
        if self.last.law or self.here:
            return self.last.law_id, self.last.law
        named = self.names.mentioned(self.text[:start]) or self.names.mentioned(self.text)
        if not named and len(self.names.titles) == 1:
            named = set(self.names.titles)
        if len(named) == 1:
            law_id = next(iter(named))
            return law_id, self.names.titles[law_id]
        return "", ""

    def _relative(self, match: re.Match[str]) -> Citation | None:
        written = match["relative"]
        if written == "同条":
            base = self.last if self.last.article else None
        elif self.here is None:
            return None
        else:
            article = {"前条": self.here.before, "次条": self.here.after}.get(
                written, self.here.article
            )
            law = self.names.titles.get(self.within, "")
            base = Citation(self.within, law, article) if article else None
        if base is None:
            return None
        paragraph = base.paragraph if match["same_paragraph"] else ""
        return _placed(replace(base, paragraph=paragraph, item="", sub_item=""), match)

    def _inner(self) -> Iterable[Citation]:
        """前項, 次項 and 第二項 alone: places in the article that the text stands in."""
        here = self.here
        if here is None or not here.article:
            return
        law = self.names.titles.get(here.law_id, "")
        for match in _INNER.finditer(self.text):
            paragraph = match["paragraph"] and _numbers(match["paragraph"])
            step = {"前項": -1, "次項": 1}.get(match["relative"] or "", 0)
            if step and here.paragraph.isdigit():
                paragraph = str(int(here.paragraph) + step)
            if paragraph and paragraph != "0":
                base = Citation(here.law_id, law, here.article, paragraph)
                yield replace(_placed(base, match), paragraph=paragraph)


def _placed(citation: Citation, match: re.Match[str]) -> Citation:
    """The citation with the 項, 号 and イロハ of the match."""
    parts = match.groupdict()
    item = _numbers(parts["item"] + (parts["item_branch"] or "")) if parts["item"] else ""
    paragraph = _numbers(parts["paragraph"]) if parts["paragraph"] else citation.paragraph
    return replace(
        citation,
        paragraph=paragraph,
        item=item,
        sub_item=parts["sub"] or "",
        start=match.start(),
        end=match.end(),
    )


def _numbers(text: str) -> str:
    """二十七の二, ２７の２ -> 27_2."""
    parts = re.split(r"\s*の\s*", re.sub(r"\s", "", text))
    return "_".join(_number(part) for part in parts if part)


def _number(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return str(int(plain)) if plain.isdecimal() else str(kanji_number(plain))


def _without_bracket(text: str) -> str:
    """A text without the bracketed note it ends with: 法（昭和…号） -> 法."""
    text = text.rstrip()
    if not text.endswith(("）", ")")):
        return text
    depth = 0
    for at in range(len(text) - 1, max(-1, len(text) - 400), -1):
        depth += (text[at] in "）)") - (text[at] in "（(")
        if not depth:
            return text[:at]
    return text


def _squeeze(name: str) -> str:
    return re.sub(r"\s", "", name)
