"""Reading questions, written for this project on invented regulations.

They teach how people ask and retell; the model is shown the text that each rests on. The
texts lie in texts/, a writer's in `NAME.txt.xz` (`xzcat` shows them) or, plain, in `NAME.txt`:

    ## the regulation's name
    ### 第4条第2項                      one to six places make a context
    its text
    ### 施行令第7条                      an order under it, a document of its own
    its text
    ? a stem                            ?! where the stem asks for the wrong statement
    + the answer
    - another choice                    three of them

Nothing of lawqa_jp or of the sample law is among them; `writerY`, `writerZ`, `writerAA`
and `writerBB` are in the manner of the laws that lawqa_jp cites, with everything in them
invented.
"""

from __future__ import annotations

import functools
import hashlib
import lzma
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from lawui.data.sample.make import number as kanji_number
from lawui.types import LETTERS, Passage, Question, QuestionSet

NAME = "reading"
"""The set's name: one to train on and never to score by, as the embedded base has learnt
many of its questions."""

FOLDER = Path(__file__).parent / "texts"
HELD_OUT = Path(__file__).parent / "held_out.txt"

_PLACE = re.compile(
    r"([^\s第]{0,20}(?:令|規則))?(附則)?"
    r"第(\d+)条((?:の\d+)*)(?:第(\d+)項)?(?:第(\d+)号)?"
)
_OF_STATEMENTS = re.compile(
    "(?:正し|誤|適切|合って|合致|反する|反しな).{0,12}(?:もの|説明|記述|どれ|選)"
)

_JUDGED = re.compile("正し|誤|適切")
_SUBJECT = re.compile("(?<!とき)(?<!場合)(?<!に)(?<!で)(?:は|が|も)、?.")
"""Of whom or what a statement speaks: it can be told apart from its question."""

_ITEM = re.compile("[一二三四五六七八九]|[二三四五六七八九]?十[一二三四五六七八九]?")
_CITATION = re.compile(r"第[\d０-９]+(?:条(?:の[\d０-９]+)*|項|号)?$")

PARTED = 0.5
"""Share of the contexts that are shown as lawqa_jp's come to be shown, paragraph by paragraph."""

REMADE = 0.5
"""Share of the questions on statements that are put together anew from those of their
context: what a writer does with all four of a question, such as to retell the true one
alone, then tells nothing."""


JOINED = 0.6
"""Share of them whose choices are two statements each, where the context has enough: half of
lawqa_jp's questions have a choice of sixty characters and more."""

HALF = 75
"""The most characters of a statement that is joined with another."""


NAMED = 0.6
"""Share of the questions for a place whose choices name its law, as most of lawqa_jp's do."""


@dataclass(frozen=True)
class Asked:
    """One question. `others` are the three choices that are not the answer; where `wrong`,
    the passages support them and not the answer. `probs`: what the teacher that wrote it
    gives to the answer and to each of the others; None where a person wrote it."""

    stem: str
    wrong: bool
    answer: str
    others: tuple[str, str, str]
    probs: tuple[float, ...] | None = None

    @property
    def sure(self) -> bool:
        """Whether its answer is held to be right."""
        return self.probs is None or self.probs[0] > 0.5


@dataclass(frozen=True)
class Context:
    """Passages that stand together and the questions on them."""

    law: str
    passages: tuple[Passage, ...]
    asked: tuple[Asked, ...]


Statements = tuple[list[str], list[str]]
"""Those of a context that are true and those that are false."""


@dataclass
class _Open:
    """What has been read of the present context and question."""

    places: list[tuple[str, list[str]]] = field(default_factory=list)
    # stem, asks for the wrong one, choices by their sign
    asked: list[tuple[str, bool, dict[str, list[str]]]] = field(default_factory=list)


def read(folder: Path = FOLDER) -> list[Context]:
    """All contexts, files in the order of their names. Raises ValueError naming file and
    line for what is not in the format."""
    return [c for name, text in _files(folder) for c in _contexts(name, text)]


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of each file, in the order of their names."""
    for path in sorted(p for p in folder.iterdir() if p.name.endswith((".txt", ".txt.xz"))):
        with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as file:
            yield path.name, file.read().decode()


def split(contexts: Sequence[Context]) -> tuple[list[Context], list[Context]]:
    """(to learn from, to look at): whole regulations, about every ninth of them held out
    since it was written, by the names in held_out.txt."""
    held = set(HELD_OUT.read_text("utf-8").splitlines())
    return [c for c in contexts if c.law not in held], [c for c in contexts if c.law in held]


@functools.lru_cache(maxsize=1)
def question_set() -> QuestionSet:
    """All questions as a set, read when first asked for; its hash is that of every text, of the
    names that are held out and of how questions are made anew."""
    digest = hashlib.sha256(f"{PARTED} {REMADE} {JOINED} {HALF} {NAMED}".encode())
    contexts: list[Context] = []
    for name, text in _files(FOLDER):
        digest.update(text.encode())
        contexts += _contexts(name, text)
    digest.update(HELD_OUT.read_bytes())
    return QuestionSet(NAME, tuple(questions(contexts)), digest.hexdigest(), str(FOLDER))


@functools.lru_cache(maxsize=1)
def held_out() -> frozenset[str]:
    """The groups of the regulations that are held out."""
    return frozenset(f"{NAME}:{law}" for law in HELD_OUT.read_text("utf-8").splitlines())


def remade(asked: Asked, told: Statements, rng: Random) -> Asked | None:
    """`asked` with other choices: statements that other questions on the same text brought.
    None where its choices are no statements that stand alone, or too few."""
    if not (_of_statements(asked) and asked.sure):
        return None
    true, false = told
    single, several = (false, true) if asked.wrong else (true, false)
    several = [text for text in several if text not in single]
    if not single or len(several) < 4:
        return None
    a, b, c = rng.sample(several, 3)
    return replace(asked, answer=rng.choice(single), others=(a, b, c), probs=None)


def joined(asked: Asked, told: Statements, rng: Random) -> Asked | None:
    """`asked` with choices of two statements each, every one used once: long ones, of which a
    part decides. None where its choices are no statements that stand alone, or too few."""
    if not (_of_statements(asked) and asked.sure and _JUDGED.search(asked.stem)):
        return None
    true, false = (
        [text for text in texts if len(text) <= HALF and _SUBJECT.search(text)] for texts in told
    )
    true = [text for text in true if text not in false]
    wrong = 1 if asked.wrong else 3  # choices of which one statement is false
    if len(true) < 8 - wrong or len(false) < wrong:
        return None
    right = rng.sample(true, 8 - wrong)
    pairs = [[text, right.pop()] for text in rng.sample(false, wrong)]
    while right:
        pairs.append([right.pop(), right.pop()])
    texts = [
        "また、".join(f"{half.removesuffix('。')}。" for half in rng.sample(pair, 2))
        for pair in pairs
    ]
    answer = texts.pop(0 if asked.wrong else -1)
    return replace(asked, answer=answer, others=(texts[0], texts[1], texts[2]), probs=None)


def named(asked: Asked, law: str) -> Asked:
    """`asked` with the law's name before every place that is a choice and has none."""
    answer, *others = (
        text if text.startswith(law) else f"{law}{text}" for text in (asked.answer, *asked.others)
    )
    return replace(asked, answer=answer, others=(others[0], others[1], others[2]))


def statements(context: Context) -> Statements:
    """(true, false): the choices of a context that stand alone, each once."""
    true: dict[str, None] = {}
    false: dict[str, None] = {}
    for one in context.asked:
        if _of_statements(one) and one.sure and min(map(len, (one.answer, *one.others))) >= 12:
            (false if one.wrong else true)[one.answer] = None
            (true if one.wrong else false).update(dict.fromkeys(one.others))
    return list(true), list(false)


def cites(asked: Asked) -> bool:
    """Whether it asks where something stands: every choice is a place."""
    return all(_CITATION.search(text) for text in (asked.answer, *asked.others))


def _of_statements(asked: Asked) -> bool:
    """Whether the choices stand alone: the stem tells no case that they speak of."""
    if not _OF_STATEMENTS.search(asked.stem):
        return False
    told = "。" in asked.stem[:-1] or any(word in asked.stem for word in ("場合", "さん", "とき"))
    return not told and not cites(asked)


def parted(passage: Passage) -> list[Passage]:
    """An article as lawqa_jp's contexts come to be shown: each paragraph a passage with its
    own place, items numbered 第2号 instead of 二."""
    if not passage.article or passage.item:
        return [passage]
    lines = passage.text.split("\n")
    numbered = not passage.paragraph and any(line[:2] in ("2　", "２　") for line in lines)
    parts: list[tuple[str, list[str]]] = [("1" if numbered else passage.paragraph, [])]
    for line in lines:
        number, space, rest = line.partition("　")
        if numbered and re.fullmatch("[2-9２-９]", number):
            parts.append((str(int(number)), [rest]))
        elif space and _ITEM.fullmatch(number):
            parts[-1][1].append(f"第{kanji_number(number)}号　{rest}")
        else:
            parts[-1][1].append(line)
    found = [replace(passage, paragraph=name, text="\n".join(text)) for name, text in parts if text]
    return [replace(part, id=part.place()) for part in found]


def questions(contexts: Sequence[Context], seed: int = 0) -> list[Question]:
    """The contexts' questions, the choices of each in an order drawn by `seed`.

    A context counts as one item, whose `order` numbers its questions: they share the text
    that is shown first, which training computes once. A regulation is a group.
    """
    found = []
    for number, context in enumerate(contexts):
        source = f"{NAME}:{number}"
        shown = context.passages
        if Random(f"{seed}/{source}").random() < PARTED:
            shown = tuple(part for passage in shown for part in parted(passage))
        text = "\n".join(_headed(shown))
        told = statements(context)
        for order, one in enumerate(context.asked):
            draw = Random(f"{seed}/{source}/{order}")
            made = remade(one, told, draw) if draw.random() < REMADE else None
            if draw.random() < JOINED:
                made = joined(one, told, draw) or made
            if cites(one) and draw.random() < NAMED:
                made = named(one, context.law)
            texts = [(made or one).answer, *(made or one).others]
            draw.shuffle(texts)
            a, b, c, d = texts
            found.append(
                Question(
                    id=f"{source}-{order}",
                    source=source,
                    group=f"{NAME}:{context.law}",
                    order=order,
                    law=context.law,
                    stem=one.stem,
                    choices=(a, b, c, d),
                    gold=LETTERS[texts.index((made or one).answer)],
                    given_context=text,
                )
            )
    return found


def _headed(passages: Sequence[Passage]) -> Iterator[str]:
    """A context as lawqa_jp writes it: a heading for each document and each step of a place,
    then the text."""
    law, former = "", list[str]()
    for passage in passages:
        if passage.law != law:
            yield f"## {passage.law}"
            law, former = passage.law, []
        place = passage.place().removeprefix(law)
        steps = re.findall(r"(?:附則)?第[^第]+", place)
        if "".join(steps) != place:  # 別表第1
            steps = [place]
        for level, step in enumerate(steps, 3):
            if former[: level - 2] != steps[: level - 2]:
                yield f"{'#' * level} {step}"
        former = steps
        yield passage.text


def _contexts(name: str, text: str) -> Iterator[Context]:
    law, now, number = "", _Open(), 0

    def closed() -> Iterator[Context]:
        if now.asked:
            yield _context(law, now, f"{name}:{number}")

    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.rstrip()
        if line.startswith("## "):
            yield from closed()
            law, now = line[3:].strip(), _Open()
        elif line.startswith("### "):
            if now.asked:
                yield from closed()
                now = _Open()
            now.places.append((line[4:].strip(), []))
        elif line.startswith(("? ", "?! ")):
            stem = line.split(" ", 1)[1].strip()
            now.asked.append((stem, line.startswith("?!"), {"+": [], "-": []}))
        elif line.startswith(("+ ", "- ")) and now.asked:
            now.asked[-1][2][line[0]].append(line[2:].strip())
        elif line.strip() and now.places and not now.asked:
            now.places[-1][1].append(line.strip())
        elif line.strip():
            raise ValueError(f"{name}:{number}: {line[:40]}")
    yield from closed()


def _context(law: str, found: _Open, where: str) -> Context:
    asked = []
    for stem, wrong, choices in found.asked:
        right, others = choices["+"], choices["-"]
        if len(right) != 1 or len(others) != 3 or len({*right, *others}) != 4:
            raise ValueError(f"{where}: not one answer and three others: {stem[:40]}")
        asked.append(Asked(stem, wrong, right[0], (others[0], others[1], others[2])))
    passages = tuple(_passage(law, place, lines, where) for place, lines in found.places)
    if not law or not passages:
        raise ValueError(f"{where}: questions without a text")
    return Context(law, passages, tuple(asked))


def _passage(law: str, place: str, lines: list[str], where: str) -> Passage:
    if not lines:
        raise ValueError(f"{where}: a place without a text: {place}")
    name, text = f"{law}{place}", "\n".join(lines)
    match = _PLACE.fullmatch(place)
    if match is None:  # 第3 of a specification that counts without 条
        return Passage(name, law, "", "", "", "", "", text, label=place)
    order, supplementary, number, branches, paragraph, item = match.groups()
    article = number + branches.replace("の", "_")
    passage = Passage(name, f"{law}{order or ''}", article, "", "", "", "", text)
    return replace(
        passage, paragraph=paragraph or "", item=item or "", supplementary=bool(supplementary)
    )
