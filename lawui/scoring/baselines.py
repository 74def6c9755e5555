"""What a guesser without any model reaches. Any claim of reading must beat these."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from lawui.types import LETTERS, Letter, Question

# A stem that asks for the wrong statement: 誤っているもの, 適切でないもの, 該当しないもの ….
_ASKS_FOR_WRONG = re.compile(
    r"誤って|誤った|誤り|間違|適切でない|適切ではない|不適切|正しくない|妥当でない"
    r"|該当しない|当てはまらない|あてはまらない"
)
_SPACE = re.compile(r"\s")


def majority(questions: Sequence[Question]) -> tuple[Letter, float] | None:
    """The most frequent gold letter and its share: what always answering it would score.
    None where no question has a gold letter."""
    counts = Counter(q.gold for q in questions if q.gold in LETTERS)
    if not counts:
        return None
    letter = max(LETTERS, key=lambda x: counts[x])
    return letter, counts[letter] / sum(counts.values())


def asks_for_wrong(stem: str) -> bool:
    """True where the stem asks which choice is wrong."""
    return bool(_ASKS_FOR_WRONG.search(unicodedata.normalize("NFKC", stem)))


def overlap(question: Question, *, turn: bool = True) -> Letter | None:
    """The choice whose character trigrams occur most in the given context.

    Each choice scores the share of its trigrams that occur in the context (NFKC, white
    space taken out). With `turn` the least overlapping choice is taken where the stem asks
    for the wrong statement. Equal scores fall to the earlier letter. None where the
    question has no context.
    """
    shares = overlap_shares(question)
    if not shares:
        return None
    pick = min if turn and asks_for_wrong(question.stem) else max
    return LETTERS[shares.index(pick(shares))]


def overlap_shares(question: Question) -> tuple[float, ...]:
    """For each choice the share, in [0, 1], of its trigrams found in the given context;
    () where there is no context."""
    known = _context_trigrams(question.given_context)
    if not known:
        return ()
    shares = []
    for choice in question.choices:
        trigrams = _trigrams(choice)
        shares.append(sum(t in known for t in trigrams) / max(1, len(trigrams)))
    return tuple(shares)


def overlap_accuracy(questions: Sequence[Question], *, turn: bool = True) -> float | None:
    """Share of the questions with gold and context that overlap answers rightly; a
    question without context counts as a quarter, the value of a guess. None where no
    question has a context."""
    asked = [q for q in questions if q.gold in LETTERS]
    guesses = [overlap(q, turn=turn) for q in asked]
    if all(guess is None for guess in guesses):
        return None
    points = (
        0.25 if guess is None else float(guess == q.gold)
        for guess, q in zip(guesses, asked, strict=True)
    )
    return sum(points) / len(asked)


def _trigrams(text: str) -> list[str]:
    plain = _SPACE.sub("", unicodedata.normalize("NFKC", text))
    return [plain[i : i + 3] for i in range(len(plain) - 2)]


@lru_cache(maxsize=1024)
def _context_trigrams(context: str) -> frozenset[str]:
    return frozenset(_trigrams(context))
