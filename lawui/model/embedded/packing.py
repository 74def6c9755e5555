"""Rows of tokens for training: several questions behind one shared text.

A tree is the text of a prompt up to its stem and then, side by side, one branch a
question. A token attends to its own branch and to the text before it, never to another
branch, and positions count as if each branch stood alone: every branch is exactly the
prompt that lawui.model.prompts renders, at a third of the tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from lawui.model import prompts
from lawui.model.embedded.rules import Made, Rules, Scene
from lawui.types import LETTERS, Passage, Question

if TYPE_CHECKING:
    import numpy as np
    from transformers import Qwen2Tokenizer

IGNORE, TEXT, LETTER = 0, 1, 2
"""What a token's successor counts as: nothing, language, the answer letter."""
FALSE, TRUE = 1, 2
"""The mark at a choice's end: the passages do not support it, or do; 0 elsewhere."""

ROW = 4096
QUESTIONS_A_TREE = 6
NO_EVIDENCE = 0.04
"""Share of trees that show no passage and teach that all four letters are as likely."""

_MARKS = ("\ue000", "\ue001", "\ue002", "\ue003", "\ue004", "\ue005")


@dataclass
class Branch:
    """One question's tokens with, for each, what its successor counts as and its mark."""

    ids: list[int]
    counts: list[int]
    marks: list[int]


class Encoder:
    """Turns scenes and questions into tokens with prompts' own wording around them."""

    def __init__(self, tokenizer: Qwen2Tokenizer) -> None:
        backend = tokenizer.backend_tokenizer
        self.encode: Callable[[str], list[int]] = lambda text: (
            backend.encode(text, add_special_tokens=False).ids
        )
        self.letters = prompts.letter_ids(tokenizer)
        self.end = int(tokenizer.eos_token_id)  # type: ignore[arg-type]
        self.newline = self.encode("\n")
        passage, stem, *choices = _MARKS
        question = Question("", "", "", 0, "", stem, tuple(choices), "")  # type: ignore[arg-type]
        shown = Passage("", "", "", "", "", "", "", passage)
        with_text = prompts.render(tokenizer, question, [shown]).text
        without = prompts.render(tokenizer, question).text
        head, rest = with_text.split(passage)
        between, after = rest.split(stem)
        self.head, self.between = self.encode(head), self.encode(between)
        self.bare = self.encode(without.split(stem)[0])
        opening, *labels = after.split("\n" + LETTERS[0] + " " + choices[0])
        self.before_choices = self.encode(opening)
        self.labels = [self.encode(f"\n{letter} ") for letter in LETTERS]
        self.tail = self.encode(labels[0].split(choices[3])[1].removeprefix("\n"))

    def prefix(self, passages: list[Passage]) -> list[int]:
        """The prompt up to its stem."""
        if not passages:
            return list(self.bare)
        text = "\n".join(f"{p.place()}\n{p.text}" if p.law else p.text for p in passages)
        return [*self.head, *self.encode(text), *self.between]

    def branch(self, made: Made, answer: int, known: bool) -> Branch:
        """The prompt from its stem to the end token. `known` is false without evidence:
        then nothing but the letter counts."""
        ids = self.encode(made.stem)
        counts = [TEXT if known else IGNORE] * len(ids)
        ids += self.before_choices
        counts += [IGNORE] * len(self.before_choices)
        marks = [0] * len(ids)
        for label, choice, true in zip(self.labels, made.choices, made.truth, strict=True):
            body = self.encode(choice)
            ids += [*label, *body]
            counts += [IGNORE] * (len(label) - 1) + [TEXT if known else IGNORE] * (len(body) + 1)
            marks += [0] * (len(label) + len(body))
            counts[-1] = IGNORE
            # The newline after the choice, which `label` or `tail` opens with, is marked.
            marks[-1] = (TRUE if true else FALSE) if known else 0
        ids += [*self.newline, *self.tail]
        counts += [IGNORE] * (1 + len(self.tail))
        marks += [0] * (1 + len(self.tail))
        counts[-1] = LETTER
        marks = [0, *marks[:-1]]
        ids += [self.letters[answer], self.end]
        counts += [TEXT, IGNORE]
        marks += [0, 0]
        return Branch(ids, counts, marks)


def new_row() -> dict[str, np.ndarray]:
    """An empty row: six arrays of ROW tokens."""
    import numpy as np

    names = ("ids", "labels", "positions", "tree", "branch", "counts", "marks")
    return {n: np.zeros(ROW, np.int16) for n in names}


class Packer:
    """Lays trees into rows of ROW tokens and hands out each row that is full."""

    def __init__(self) -> None:
        self.row, self.used, self.trees = new_row(), 0, 0

    def room(self) -> int:
        """Tokens left in the open row."""
        return ROW - self.used

    def close(self) -> dict[str, np.ndarray]:
        """The open row as it is; a new one is opened."""
        row = self.row
        self.row, self.used, self.trees = new_row(), 0, 0
        return row

    def add(self, prefix: list[int], branches: list[Branch], text: bool = True) -> None:
        """Puts one tree into the open row, which must have room."""
        self.trees += 1
        self._put(prefix, 0, 0, [TEXT if text else IGNORE] * (len(prefix) - 1) + [IGNORE], None)
        for number, branch in enumerate(branches, 1):
            self._put(branch.ids, len(prefix), number, branch.counts, branch.marks)

    def _put(
        self, ids: list[int], start: int, branch: int, counts: list[int], marks: list[int] | None
    ) -> None:
        import numpy as np

        span = slice(self.used, self.used + len(ids))
        self.row["ids"][span] = ids
        self.row["labels"][span] = [*ids[1:], 0]
        self.row["positions"][span] = np.arange(start, start + len(ids))
        self.row["tree"][span] = self.trees
        self.row["branch"][span] = branch
        self.row["counts"][span] = counts
        if marks is not None:
            self.row["marks"][span] = marks
        self.used += len(ids)


def rows(rules: Rules, encoder: Encoder, rng: Random) -> Iterator[dict[str, np.ndarray]]:
    """Endless rows of new questions."""
    packer = Packer()
    while True:
        tree = make_tree(rules, encoder, rng)
        if tree is None:
            continue
        prefix, branches, known = tree
        size = len(prefix)
        fitting = []
        for branch in branches:
            if size + len(branch.ids) <= packer.room():
                fitting.append(branch)
                size += len(branch.ids)
        if fitting:
            packer.add(prefix, fitting, known)
        if len(fitting) < len(branches) or packer.room() < 300:
            yield packer.close()


def make_tree(
    rules: Rules, encoder: Encoder, rng: Random
) -> tuple[list[int], list[Branch], bool] | None:
    """One scene with its questions as tokens; None where nothing could be asked."""
    scene = rules.scene(rng)
    if scene is None:
        return None
    found = questions(rules, scene, rng)
    if not found:
        return None
    if rng.random() < NO_EVIDENCE:
        branch = encoder.branch(found[0], rng.randrange(4), False)
        return encoder.prefix([]), [branch], False
    prefix = encoder.prefix(scene.passages)
    branches = [encoder.branch(made, made.gold, True) for made in found]
    longest = max(len(b.ids) for b in branches)
    return (prefix, branches, True) if len(prefix) + longest < 2048 else None


def questions(rules: Rules, scene: Scene, rng: Random) -> list[Made]:
    """Up to QUESTIONS_A_TREE different questions on one scene."""
    found: dict[tuple[Any, ...], Made] = {}
    for _ in range(QUESTIONS_A_TREE + 3):
        made = rules.question(scene, rng)
        if made is not None:
            found.setdefault(made.choices, made)
        if len(found) == QUESTIONS_A_TREE:
            break
    return list(found.values())
