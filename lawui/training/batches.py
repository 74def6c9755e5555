"""Rows as tokens, and which of them each step learns from.

The prompt is that of serving (model/prompts.py). What is learned is the answer letter
and the end token: the letter is predicted at the prompt's last token and the end token
at the letter, so the end token itself is never fed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lawui.model import prompts
from lawui.training.rows import Row
from lawui.types import LETTERS, Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

AT_ONCE = 512
"""Rows whose prompts are encoded together."""

POOL = 8
"""Steps drawn together: sequences of a pool are put into steps by length."""


@dataclass(frozen=True)
class Example:
    """One row as tokens. `ids` is the prompt and the answer letter; `targets` are the
    letter and the end token, predicted at the last two positions of `ids`."""

    ids: tuple[int, ...]
    targets: tuple[int, int]
    gold: int
    group: str
    evidence: str
    source: str


@dataclass(frozen=True)
class Encoded:
    """`shortened` counts rows that lost evidence to the length, `dropped` names the rows
    whose bare question is too long."""

    examples: tuple[Example, ...]
    shortened: int
    dropped: tuple[str, ...]


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_seq_length: int) -> Encoded:
    """Tokenize rows so that prompt and answer fit `max_seq_length` tokens.

    Evidence is shortened, the question and its answer never: a row whose bare question is
    too long is dropped.
    """
    examples, dropped, shortened = [], [], 0
    answers: dict[str, tuple[int, int]] = {
        letter: prompts.answer_ids(tokenizer, letter) for letter in LETTERS
    }
    room = max_seq_length - len(answers["a"])
    for row, prompt in _prompts(rows, tokenizer, room):
        if prompt is None:
            dropped.append(row.question.id)
            continue
        whole = "".join(passage.text for passage in row.passages)
        shortened += bool(prompt.dropped_passages) or (bool(whole) and _cut(row, prompt.text))
        letter, end = answers[row.question.gold]
        examples.append(
            Example(
                ids=(*prompt.token_ids, letter),
                targets=(letter, end),
                gold=LETTERS.index(row.question.gold),  # type: ignore[arg-type]
                group=row.question.group,
                evidence=row.evidence,
                source=row.question.source,
            )
        )
    return Encoded(tuple(examples), shortened, tuple(dropped))


def _prompts(
    rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, room: int
) -> Iterator[tuple[Row, Prompt | None]]:
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        asked = [(row.question, row.passages) for row in some]
        yield from zip(some, prompts.render_all(tokenizer, asked, room), strict=True)


def joined(parts: Sequence[Encoded]) -> Encoded:
    """Rows that were encoded in parts, one part after another."""
    return Encoded(
        tuple(example for part in parts for example in part.examples),
        sum(part.shortened for part in parts),
        tuple(name for part in parts for name in part.dropped),
    )


def _cut(row: Row, text: str) -> bool:
    return any(p.text.replace("<|", "＜|") not in text for p in row.passages)


def families(examples: Sequence[Example]) -> list[list[int]]:
    """Indices of `examples` by item and evidence: what has its beginning in common."""
    found: dict[tuple[str, str], list[int]] = {}
    for index, example in enumerate(examples):
        found.setdefault((example.source, example.evidence), []).append(index)
    return list(found.values())


def step_batches(
    examples: Sequence[Example], step_size: int, seed: int, epoch: int
) -> list[list[int]]:
    """The steps of one epoch as indices into `examples`; a pure function of its arguments,
    so that a resumed run finds its place by counting.

    Items are shuffled, then sorted by length inside pools of a few steps, then the steps
    are shuffled: little padding, and no order by length over the epoch. The orders of an
    item stay together, where they share what is computed.
    """
    draw = random.Random(f"{seed}/{epoch}")
    items = families(examples)
    draw.shuffle(items)
    pools: list[list[list[int]]] = [[]]
    for item in items:
        if sum(map(len, pools[-1])) >= step_size * POOL:
            pools.append([])
        pools[-1].append(item)
    order = [
        index
        for pool in pools
        for item in sorted(pool, key=lambda item: len(examples[item[0]].ids))
        for index in item
    ]
    steps = [order[i : i + step_size] for i in range(0, len(order), step_size)]
    draw.shuffle(steps)
    return steps


def majority_share(golds: Sequence[int]) -> float:
    """The accuracy of always answering the most frequent letter."""
    return max(Counter(golds).values()) / len(golds) if golds else 0.0


def pad_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """A token to pad with; the mask hides it, so any will do."""
    pad = tokenizer.pad_token_id
    return int(pad if pad is not None else tokenizer.eos_token_id or 0)  # type: ignore[arg-type]
