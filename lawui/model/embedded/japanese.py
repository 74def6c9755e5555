"""Numbers, verbs and sentences of Japanese statutes, as far as the rules need them.

A proposition is one rule of a statute taken apart: its chunks (topic, conditions,
adverbs), a predicate in dictionary form and a modality. It can be written again in other
words or with another meaning without touching the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_DIGITS = {d: i for i, d in enumerate("〇一二三四五六七八九")}
_TENS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10_000, "億": 100_000_000}
NUMERAL = "〇一二三四五六七八九十百千万億"


def parse_number(text: str) -> int | None:
    """三百六十五 -> 365; None where `text` is no well-formed kanji numeral."""
    total = section = digit = 0
    for char in text:
        if char in _DIGITS:
            digit = digit * 10 + _DIGITS[char]
        elif char in _TENS:
            section += (digit or 1) * _TENS[char]
            digit = 0
        elif char in _MYRIADS:
            total += (section + digit or 1) * _MYRIADS[char]
            section = digit = 0
        else:
            return None
    return total + section + digit


def kanji_number(value: int) -> str:
    """365 -> 三百六十五; valid for 0 < value < 10 ** 12."""
    text = ""
    for unit, size in (("億", 100_000_000), ("万", 10_000), ("", 1)):
        part, value = divmod(value, size)
        if not part:
            continue
        for name, ten in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
            count, part = divmod(part, ten)
            if count:
                text += ("" if count == 1 and name else "〇一二三四五六七八九"[count]) + name
        text += unit
    return text


_I_OR_E = set("いきしちにひみりぎじびぴえけせてねへめれげぜでべぺ")
_GODAN = dict(zip("うくぐすつぬぶむる", "わかがさたなばまら", strict=True))
_TE = {"う": "って", "く": "いて", "ぐ": "いで", "す": "して", "つ": "って", "る": "って"}
_TE |= {"ぬ": "んで", "ぶ": "んで", "む": "んで"}
_ICHIDAN_KANJI = set("得経見着似出")
_GODAN_SU = set("付渡貸消示移施返出越流残写直映")
_GODAN_U = set("行従負扱払使買失担伴補償養救誓償")


def _ichidan(verb: str) -> bool:
    return verb.endswith("る") and (verb[-2:-1] in _I_OR_E or verb[-2:-1] in _ICHIDAN_KANJI)


def negative_stem(verb: str) -> str:
    """What stands before ない: 提出する -> 提出し, 行う -> 行わ, である -> で."""
    if verb.endswith(("する", "ずる")):
        return verb[:-2] + ("し" if verb.endswith("する") else "じ")
    if verb.endswith("ある"):
        return verb[:-2]
    if _ichidan(verb):
        return verb[:-1]
    return verb[:-1] + _GODAN.get(verb[-1], "ら")


_MASU = dict(zip("うくぐすつぬぶむる", "いきぎしちにびみり", strict=True))


def polite_stem(verb: str) -> str:
    """What stands before ます: 提出する -> 提出し, 行う -> 行い; である becomes であり."""
    if verb.endswith(("する", "ずる")) or _ichidan(verb):
        return negative_stem(verb)
    return verb[:-1] + _MASU.get(verb[-1], "り")


def te_form(verb: str) -> str:
    """提出する -> 提出して, 行う -> 行って."""
    if verb.endswith(("する", "ずる")):
        return verb[:-2] + ("して" if verb.endswith("する") else "じて")
    if _ichidan(verb):
        return verb[:-1] + "て"
    if verb.endswith("行く"):
        return verb[:-1] + "って"
    return verb[:-1] + _TE.get(verb[-1], "って")


def passive(verb: str) -> str:
    """提出する -> 提出される, 定める -> 定められる, 行う -> 行われる."""
    if verb.endswith("する"):
        return verb[:-2] + "される"
    stem = negative_stem(verb)
    return stem + ("られる" if _ichidan(verb) or verb.endswith("ずる") else "れる")


def from_negative_stem(stem: str) -> str | None:
    """行わ -> 行う, 提出し -> 提出する, 受け -> 受ける; None where the ending is unknown."""
    last = stem[-1:]
    if stem.endswith("では"):
        return stem[:-1] + "ある"
    if last in _FROM_STEM:
        return stem[:-1] + _FROM_STEM[last]
    return stem + "る" if last in _I_OR_E or last in _ICHIDAN_KANJI else None


_FROM_STEM = {a: u for u, a in _GODAN.items()} | {"し": "する", "じ": "ずる"}
_FROM_STEM |= {particle: particle + "ある" for particle in "でがはも"}


def from_te(text: str) -> str | None:
    """提出して -> 提出する, 譲って -> 譲る; None where the ending is unknown."""
    before, ending = text[-3:-2], text[-2:]
    endings = {
        "して": "す" if before in _GODAN_SU else "する",
        "じて": "ずる",
        "って": "う" if before in _GODAN_U else "る",
        "つて": "う" if before in _GODAN_U else "る",
        "いて": "く",
        "んで": "む",
    }
    if ending in endings:
        return text[:-2] + endings[ending]
    return text[:-1] + "る" if ending[-1:] == "て" and ending[0] in _I_OR_E else None


MUST, MAY, MUST_NOT, NEED_NOT, SHALL, IS, IS_NOT, NOUN = (
    "must",
    "may",
    "must_not",
    "need_not",
    "shall",
    "is",
    "is_not",
    "noun",
)


@dataclass(frozen=True)
class Proposition:
    """One rule: `chunks` are what stands before the predicate, without their commas.
    `origin` holds the words of the fuller rule that this one is the gist of."""

    chunks: tuple[str, ...]
    predicate: str
    modality: str
    place: int = 0
    origin: str = ""

    def plain(self) -> str:
        """All of its words, for comparing."""
        return "、".join((*self.chunks, self.predicate)) + self.modality

    def with_(self, **changes: object) -> Proposition:
        return replace(self, **changes)  # type: ignore[arg-type]


_ENDINGS = (
    (re.compile(r"^(.*?)なければならない$"), MUST, from_negative_stem),
    (re.compile(r"^(.*[てで])はならない$"), MUST_NOT, from_te),
    (re.compile(r"^(.*?)ことができない$"), MUST_NOT, str),
    (re.compile(r"^(.*?)ことができる$"), MAY, str),
    (re.compile(r"^(.*?)ことを要しない$"), NEED_NOT, str),
    (re.compile(r"^(.*?)ことを要する$"), MUST, str),
    (re.compile(r"^(.*?)ないものとする$"), IS_NOT, from_negative_stem),
    (re.compile(r"^(.*?)(?:ものとする|こととする)$"), SHALL, str),
    (re.compile(r"^(.*?)ない$"), IS_NOT, from_negative_stem),
    (re.compile(r"^(.*[うくぐすつぬぶむる])$"), IS, str),
)

TOPIC = re.compile(r"^(?!.*(?:場合|とき|際|に|で|と|て)は$).{2,40}は$")
CONDITION = re.compile(
    r"(?:場合には|場合は|場合において|場合においては|ときは|ときに|とき|場合|際は|際に)$"
)
_ENUMERATION = re.compile(
    r"(?:[一-龥々ァ-ヶー])$(?<!場合)(?<!際)(?<!結果)(?<!後)(?<!前)(?<!日)(?<!間)(?<!限り)"
)
_UNFIT = re.compile(
    r"「|」|\*|次のとおり|読み替|次の各号|次に掲げ|次の表|別表|左の|附則|この限り|同様と|例による|準用|前各号"
)
_MARKED = re.compile(r"\*\*[①-⑳]\*\*　?")
_NUMBERING = re.compile(r"^[〇一二三四五六七八九十百]+(?:の[〇一二三四五六七八九十]+)*　")


def drop_parentheses(text: str) -> str:
    """`text` without （…）, nested ones included."""
    if "（" not in text:
        return text
    kept, depth = [], 0
    for char in text:
        if char == "（":
            depth += 1
        elif char == "）":
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(char)
    return "".join(kept)


def plain(text: str) -> str:
    """`text` without the marks (**②**) that some sources put before a paragraph."""
    return _MARKED.sub("", text) if "*" in text else text


_OLD = (
    ("つては", "っては"),
    ("つて", "って"),
    ("つた", "った"),
    ("行なう", "行う"),
    ("但し", "ただし"),
)


def modern(text: str) -> str:
    """Old spelling (あつて, 行なう) as it is written today."""
    for old, new in _OLD:
        text = text.replace(old, new)
    return text


def split_chunks(text: str) -> list[str]:
    """`text` cut at its commas, enumerations (A、B及びC) kept whole."""
    chunks: list[str] = []
    pending = ""
    for part in text.split("、"):
        pending = f"{pending}、{part}" if pending else part
        if not _ENUMERATION.search(part):
            chunks.append(pending)
            pending = ""
    if pending:
        chunks.append(pending)
    return chunks


def parse(sentence: str, place: int = 0) -> Proposition | None:
    """The proposition of one sentence without its full stop; None where it can't be read."""
    if not 12 <= len(sentence) <= 170 or _UNFIT.search(sentence):
        return None
    for pattern, modality, to_verb in _ENDINGS:
        match = pattern.match(sentence)
        if match:
            whole = to_verb(match[1])
            if not whole or whole[-1] not in "うくぐすつぬぶむる" or whole.endswith("べる"):
                return None
            *chunks, predicate = split_chunks(whole)
            if len(predicate) < 2:
                return None
            return Proposition(tuple(chunks), predicate, modality, place)
    return None


_OPPOSITE = {
    NEED_NOT: MUST,
    MUST: NEED_NOT,
    MUST_NOT: MAY,
    MAY: MUST_NOT,
    SHALL: NEED_NOT,
    IS: IS_NOT,
    IS_NOT: IS,
}
_PROVISO = re.compile(
    r"^ただし、(.*?(?:場合|とき|者|もの))(?:に)?(?:は|について(?:は)?)、この限りでない$"
)
_LISTED = re.compile(
    r"次の各号のいずれかに該当する(とき|場合|者)|次に掲げる(とき|場合|者|事項|もの|書類|行為)"
)


def item_text(line: str) -> str | None:
    """The words of an item's line without numbering; None for sub-items."""
    if line.startswith((" ", "　")):
        return None
    text = drop_parentheses(_NUMBERING.sub("", line)).rstrip("。")
    return text if 4 <= len(text) <= 90 and "次に掲げ" not in text else None


def propositions(paragraph: str, place: int) -> list[Proposition]:
    """Every rule that one paragraph (its items on lines of their own) states.

    A proviso (ただし、…この限りでない) gives the opposite rule under its condition; an
    item takes the place of 次の各号のいずれかに該当するとき in the sentence above it.
    """
    head, *lines = paragraph.split("\n")
    found: list[Proposition] = []
    last: Proposition | None = None
    for raw in drop_parentheses(modern(plain(head))).split("。"):
        sentence = raw.strip("　 ")
        proviso = _PROVISO.match(sentence)
        if proviso and last is not None:
            condition = proviso[1]
            condition += "には" if condition.endswith(("場合", "とき")) else "については"
            topic = last.chunks[:1] if last.chunks and TOPIC.match(last.chunks[0]) else ()
            found.append(
                Proposition((*topic, condition), last.predicate, _OPPOSITE[last.modality], place)
            )
            rest = last.chunks[len(topic) :]
            excepted = (*topic, proviso[1] + "を除き", *rest)
            found.append(Proposition(excepted, last.predicate, last.modality, place))
            continue
        last = parse(sentence.removeprefix("ただし、").removeprefix("この場合において、"), place)
        if last is not None:
            found.append(last)
        listed = _LISTED.search(sentence)
        if listed:
            found.extend(_expand(sentence, listed, lines, place))
    return found


def _expand(
    sentence: str, listed: re.Match[str], lines: list[str], place: int
) -> list[Proposition]:
    kind = listed[1] or listed[2]
    found = []
    for line in lines[:12]:
        text = item_text(modern(line))
        if text is None or "。" in text:
            continue
        if kind in ("とき", "場合") and not text.endswith(("とき", "場合")):
            continue
        if kind == "者" and not text.endswith(("者", "人")):
            continue
        proposition = parse(sentence[: listed.start()] + text + sentence[listed.end() :], place)
        if proposition is not None:
            found.append(proposition)
    return found
