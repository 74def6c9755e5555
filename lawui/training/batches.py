"""Rows as tokens, and tokens as batches.

The prompt is that of serving (model/prompts.py). What is learned is the answer letter
and the end token: the letter is predicted at the prompt's last token and the end token
at the letter, so the end token itself is never fed.

The orders of an item share evidence and stem, which come first in the prompt. In a batch
they lie together: the common beginning once, then each order's own end, with positions
and a mask as if each stood alone. Short items share a line with others. The numbers are
the same, at half the tokens and hardly any padding.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lawui.model import prompts
from lawui.training.rows import Row
from lawui.types import LETTERS, Prompt

if TYPE_CHECKING:
    import torch
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


Fit = Callable[[int, int, int], tuple[int, int]]
"""From (lines, length, answers) to the length and the number of answers to make room for."""


@dataclass(frozen=True)
class Batch:
    """Lines of items, padded at the end; attention never crosses from item to item.

    grid: (4, lines, length), the token ids, their positions, the number of their item (-1
    for padding) and their part of it (0 for the common beginning). answers: (4, n), where
    in the flattened grid the letter and the end token of each example are predicted, and
    the two tokens themselves. weights: (n,), each example's in the loss, 0 for what only
    fills the shape. `tokens` counts what is computed, padding not included.
    """

    grid: torch.Tensor
    answers: torch.Tensor
    weights: torch.Tensor
    tokens: int

    def to(self, device: str) -> Batch:
        """The batch on `device`; a copy to CUDA does not wait."""
        parts = [self.grid, self.answers, self.weights]
        if device.startswith("cuda"):
            parts = [part.pin_memory() for part in parts]
        grid, answers, weights = (part.to(device, non_blocking=True) for part in parts)
        return Batch(grid, answers, weights, self.tokens)


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


def collate(
    examples: Sequence[Example],
    pad: int,
    width: int = 0,
    fit: Fit | None = None,
    weight: float = 1.0,
) -> Batch:
    """Lay `examples` out in lines, items one after another, padded at the end: as few lines
    as there are `width` tokens, or at 0 none longer than the longest item.

    `fit` may ask for longer lines and more answers than needed, so that many batches
    share a few shapes; what is added has no weight. `weight` is each example's.
    """
    import torch

    items = [_Item.of(examples, members) for members in families(examples)]
    lines = _lines([len(item.ids) for item in items], width)
    length = max(sum(len(items[i].ids) for i in line) for line in lines)
    count = len(examples)
    if fit is not None:
        length, count = fit(len(lines), length, count)
    grid = torch.zeros(4, len(lines), length, dtype=torch.long)
    grid[0] = pad
    grid[2] = -1
    answers = torch.zeros(4, count, dtype=torch.long)
    weights = torch.zeros(count)
    weights[: len(examples)] = weight
    for number, line in enumerate(lines):
        start = 0
        for index in line:
            item = items[index]
            end = start + len(item.ids)
            own = (item.ids, item.positions, [index] * len(item.ids), item.parts)
            grid[:, number, start:end] = torch.tensor(own)
            for member, last in zip(item.members, item.lasts, strict=True):
                place = number * length + start + last - 1
                answers[:, member] = torch.tensor((place, place + 1, *examples[member].targets))
            start = end
    return Batch(grid, answers, weights, sum(len(item.ids) for item in items))


def portions(examples: Sequence[Example], tokens: int) -> list[list[Example]]:
    """`examples` in parts of whole items, each of at most `tokens` tokens or one item."""
    found: list[list[Example]] = []
    room = 0
    for members in families(examples):
        length = len(_Item.of(examples, members).ids)
        if length > room:
            found.append([])
            room = tokens
        found[-1] += [examples[member] for member in members]
        room -= length
    return found


def shape(examples: Sequence[Example], width: int = 0) -> tuple[int, int]:
    """(lines, length) of the batch that `collate` would make."""
    lengths = [len(_Item.of(examples, members).ids) for members in families(examples)]
    lines = _lines(lengths, width)
    return len(lines), max(sum(lengths[i] for i in line) for line in lines)


def _lines(lengths: Sequence[int], width: int) -> list[list[int]]:
    """Indices of `lengths` by line, the longest placed first: each into the emptiest of
    as many lines as `width` asks for, or at 0 into the first that stays no longer than the
    longest of all."""
    count = -(-sum(lengths) // width) if width else 0
    lines: list[list[int]] = [[] for _ in range(count)]
    filled = [0] * count
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if width:
            number = filled.index(min(filled))
        else:
            fits = (n for n, used in enumerate(filled) if used + lengths[index] <= max(lengths))
            number = next(fits, len(lines))
            if number == len(lines):
                lines.append([])
                filled.append(0)
        lines[number].append(index)
        filled[number] += lengths[index]
    return [line for line in lines if line]


@dataclass(frozen=True)
class _Item:
    """The orders of an item laid end to end after their common beginning. `parts` is 0 in
    the beginning and k in the k-th end; `lasts` are the places of the answer letters."""

    members: list[int]
    ids: list[int]
    positions: list[int]
    parts: list[int]
    lasts: list[int]

    @staticmethod
    def of(examples: Sequence[Example], members: list[int]) -> _Item:
        shared = _shared([examples[member].ids for member in members])
        ids = list(examples[members[0]].ids[:shared])
        positions, parts = list(range(shared)), [0] * shared
        lasts = []
        for number, member in enumerate(members, 1):
            end = examples[member].ids[shared:]
            ids += end
            positions += range(shared, shared + len(end))
            parts += [number] * len(end)
            lasts.append(len(ids) - 1)
        return _Item(members, ids, positions, parts, lasts)


def _shared(sequences: Sequence[Sequence[int]]) -> int:
    """The length of the common beginning, without the last two tokens of any, where the
    answer is predicted; 0 for a sequence on its own."""
    if len(sequences) == 1:
        return 0
    limit = min(map(len, sequences)) - 2
    first = sequences[0]
    for place in range(limit):
        if any(sequence[place] != first[place] for sequence in sequences):
            return place
    return limit


def majority_share(golds: Sequence[int]) -> float:
    """The accuracy of always answering the most frequent letter."""
    return max(Counter(golds).values()) / len(golds) if golds else 0.0


def pad_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """A token to pad with; the mask hides it, so any will do."""
    pad = tokenizer.pad_token_id
    return int(pad if pad is not None else tokenizer.eos_token_id or 0)  # type: ignore[arg-type]
