"""The reading exercises (lawui/data/reading) as rows of the last stage of training.

Rules reword by rule; these teach how people retell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random

from lawui.data import reading
from lawui.data.reading import Asked, Context
from lawui.model.embedded import packing
from lawui.model.embedded.rules import Made
from lawui.types import Passage

DISTRACTORS = 0.35
"""Share of prompts that also show a passage of another context of the regulation."""
REMADE = 0.6
"""Share of questions put together anew from the statements of a context."""

BLANK = 0.1
"""Share of contexts whose questions are also asked without their text, any letter as the
answer: what sounds right is no answer."""


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
        if vary and rng.random() < reading.PARTED:
            shown = [part for passage in shown for part in reading.parted(passage)]
        branches, told = [], reading.statements(context)
        for asked in context.asked:
            new = reading.remade(asked, told, rng) if vary and rng.random() < REMADE else None
            made = shuffled(new or asked, rng)
            answer = made.gold
            if new is None and asked.probs:
                # A letter drawn from the teacher's doubt teaches that doubt (distillation).
                (drawn,) = rng.choices((asked.answer, *asked.others), asked.probs)
                answer = made.choices.index(drawn)
            branches.append(encoder.branch(made, answer, asked.sure))
        yield encoder.prefix(shown), branches, True
        if vary and rng.random() < BLANK:
            guesses = [
                encoder.branch(shuffled(asked, rng), rng.randrange(4), False)
                for asked in context.asked
            ]
            yield encoder.prefix([]), guesses, False


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


def _order(passage: Passage) -> tuple[int, ...]:
    numbers = re.findall(r"\d+", f"{passage.article} {passage.paragraph} {passage.label}")
    return tuple(int(n) for n in numbers)
