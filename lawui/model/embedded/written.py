"""Questions written by hand on invented regulations: the last stage of training.

Rules reword by rule; these teach how people do. The texts lie in written/*.txt:

    ## the regulation's name
    ### 第4条第2項                      one to three places make a context
    its text
    ? a stem                            ?! where the stem asks for the wrong statement
    + the answer
    - another choice                    three of them

Nothing of lawqa_jp or of the sample law is among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from lawui.model.embedded import packing
from lawui.model.embedded.rules import Made
from lawui.types import Passage

FOLDER = Path(__file__).parent / "written"
HELD_OUT = Path(__file__).parent / "held_out.txt"
DISTRACTORS = 0.35
"""Share of prompts that also show a passage of another context of the regulation."""
REMADE = 0.35
"""Share of questions put together anew from the statements of a context."""

_OF_STATEMENTS = re.compile(
    "(?:正し|誤|適切|合って|合致|反する|反しな).{0,12}(?:もの|説明|記述|どれ|選)"
)

_PLACE = re.compile(r"(附則)?第(\d+)条((?:の\d+)*)(?:第(\d+)項)?(?:第(\d+)号)?")


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


@dataclass
class _Open:
    """What has been read of the present context and question."""

    places: list[tuple[str, list[str]]] = field(default_factory=list)
    # stem, asks for the wrong one, choices by their sign
    asked: list[tuple[str, bool, dict[str, list[str]]]] = field(default_factory=list)


def read(folder: Path = FOLDER) -> list[Context]:
    """All contexts, files in the order of their names. Raises ValueError naming file and
    line for what is not in the format."""
    return [c for path in sorted(folder.glob("*.txt")) for c in _read_file(path)]


def split(contexts: Sequence[Context]) -> tuple[list[Context], list[Context]]:
    """(to learn from, to look at): whole regulations, about every ninth of them held out
    since it was written, by the names in held_out.txt."""
    held = set(HELD_OUT.read_text("utf-8").splitlines())
    return [c for c in contexts if c.law not in held], [c for c in contexts if c.law in held]


def trees(
    contexts: Sequence[Context], encoder: packing.Encoder, rng: Random, vary: bool = True
) -> Iterator[tuple[list[int], list[packing.Branch], bool]]:
    """Each context once in random order as a tree for packing: choices in a new order and,
    with `vary`, sometimes among passages that do not matter."""
    near: dict[str, list[Passage]] = {}
    for context in contexts:
        near.setdefault(context.law, []).extend(context.passages)
    for context in rng.sample(list(contexts), len(contexts)):
        shown = list(context.passages)
        foreign = [p for p in near[context.law] if p not in shown]
        if vary and foreign and rng.random() < DISTRACTORS:
            shown.append(rng.choice(foreign))
            shown.sort(key=_order)
        branches = []
        for asked in context.asked:
            new = remade(context, asked, rng) if vary and rng.random() < REMADE else None
            made = shuffled(new or asked, rng)
            answer = made.gold
            if new is None and asked.probs:
                # A letter drawn from the teacher's doubt teaches that doubt (distillation).
                (drawn,) = rng.choices((asked.answer, *asked.others), asked.probs)
                answer = made.choices.index(drawn)
            branches.append(encoder.branch(made, answer, asked.sure))
        yield encoder.prefix(shown), branches, True


def remade(context: Context, asked: Asked, rng: Random) -> Asked | None:
    """`asked` with other choices: true and false statements that other questions on the same
    text brought. None where its choices are no statements that stand alone, or too few."""
    if not _of_statements(asked) or not asked.sure:
        return None
    true: list[str] = []
    false: list[str] = []
    for one in context.asked:
        if _of_statements(one) and one.sure and min(map(len, (one.answer, *one.others))) >= 12:
            (false if one.wrong else true).append(one.answer)
            (true if one.wrong else false).extend(one.others)
    single, several = (false, true) if asked.wrong else (true, false)
    if not single or len(several) < 4:
        return None
    a, b, c = rng.sample(several, 3)
    return replace(asked, answer=rng.choice(single), others=(a, b, c), probs=None)


def _of_statements(asked: Asked) -> bool:
    """Whether the choices stand alone: the stem tells no case that they speak of."""
    told = "。" in asked.stem[:-1] or any(word in asked.stem for word in ("場合", "さん", "とき"))
    return not told and bool(_OF_STATEMENTS.search(asked.stem))


def shuffled(asked: Asked, rng: Random) -> Made:
    """The question with its choices in a random order."""
    order = rng.sample(range(4), 4)
    texts = (asked.answer, *asked.others)
    truth = (not asked.wrong, *[asked.wrong] * 3)
    a, b, c, d = order
    return Made(
        "written",
        asked.stem,
        (texts[a], texts[b], texts[c], texts[d]),
        order.index(0),
        (truth[a], truth[b], truth[c], truth[d]),
    )


def _read_file(path: Path) -> Iterator[Context]:
    law, now, number = "", _Open(), 0

    def closed() -> Iterator[Context]:
        if now.asked:
            yield _context(law, now, f"{path.name}:{number}")

    for number, raw in enumerate(path.read_text("utf-8").splitlines(), 1):
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
            raise ValueError(f"{path.name}:{number}: {line[:40]}")
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
    match = _PLACE.fullmatch(place)
    if match is None:  # 第3 of a specification that counts without 条
        name = f"{law}{place}"
        return Passage(name, law, "", "", "", "", "", "\n".join(lines), label=place)
    article = match[2] + match[3].replace("の", "_")
    empty = Passage(f"{law}{place}", law, article, "", "", "", "", "\n".join(lines))
    return replace(
        empty, paragraph=match[4] or "", item=match[5] or "", supplementary=bool(match[1])
    )


def _order(passage: Passage) -> tuple[int, ...]:
    numbers = re.findall(r"\d+", f"{passage.article} {passage.paragraph} {passage.label}")
    return tuple(int(n) for n in numbers)
