"""Rows as tokens, and tokens as batches.

The prompt is that of serving (model/prompts.py). What is learned is the answer letter
and the end token: the letter is predicted at the prompt's last token and the end token
at the letter, so the end token itself is never fed.

The orders of an item share evidence and stem, which come first in the prompt. In a batch
they lie in one row: the common beginning once, then each order's own end, with positions
and a mask as if each stood alone. The numbers are the same, at half the tokens.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lawui.errors import ModelError
from lawui.model import prompts
from lawui.training.rows import Row
from lawui.types import LETTERS

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

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


@dataclass(frozen=True)
class Batch:
    """Right-padded rows, each holding the orders of one item.

    ids, positions: (rows, longest). mask: (rows, 1, longest, longest), true where a token
    may look. row: (n,) and places: (n, 2) say where the letter and the end token of each
    of the n examples are predicted; targets: (n, 2). `tokens` counts what is computed,
    padding not included.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    row: torch.Tensor
    places: torch.Tensor
    targets: torch.Tensor
    tokens: int

    def to(self, device: str) -> Batch:
        moved = {
            name: value.to(device, non_blocking=True)
            for name, value in vars(self).items()
            if name != "tokens"
        }
        return Batch(**moved, tokens=self.tokens)


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_seq_length: int) -> Encoded:
    """Tokenize rows so that prompt and answer fit `max_seq_length` tokens.

    Evidence is shortened, the question and its answer never: a row whose bare question is
    too long is dropped.
    """
    examples, dropped, shortened = [], [], 0
    answers: dict[str, tuple[int, int]] = {
        letter: prompts.answer_ids(tokenizer, letter) for letter in LETTERS
    }
    for row in rows:
        room = max_seq_length - len(answers["a"])
        try:
            prompt = prompts.render(tokenizer, row.question, row.passages, room)
        except ModelError as error:
            if error.key != "model.question_too_long":
                raise
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


def collate(examples: Sequence[Example], pad: int) -> Batch:
    """Lay `examples` out in rows, one an item, right-padded to the longest."""
    import torch

    rows = [_Row.of(examples, members) for members in families(examples)]
    longest = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), longest), pad, dtype=torch.long)
    positions = torch.zeros(len(rows), longest, dtype=torch.long)
    part = torch.full((len(rows), longest), -1, dtype=torch.long)
    owner = torch.zeros(len(examples), dtype=torch.long)
    places = torch.zeros(len(examples), 2, dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        positions[number, : len(row.ids)] = torch.tensor(row.positions)
        part[number, : len(row.ids)] = torch.tensor(row.parts)
        for member, last in zip(row.members, row.lasts, strict=True):
            owner[member] = number
            places[member] = torch.tensor([last - 1, last])
    earlier = torch.ones(longest, longest, dtype=torch.bool).tril()
    related = (part[:, None, :] == 0) | (part[:, None, :] == part[:, :, None])
    return Batch(
        ids=ids,
        positions=positions,
        mask=(earlier & related)[:, None],
        row=owner,
        places=places,
        targets=torch.tensor([example.targets for example in examples]),
        tokens=sum(len(row.ids) for row in rows),
    )


@dataclass(frozen=True)
class _Row:
    """The orders of an item laid end to end after their common beginning. `parts` is 0 in
    the beginning and k in the k-th end; `lasts` are the places of the answer letters."""

    members: list[int]
    ids: list[int]
    positions: list[int]
    parts: list[int]
    lasts: list[int]

    @staticmethod
    def of(examples: Sequence[Example], members: list[int]) -> _Row:
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
        return _Row(members, ids, positions, parts, lasts)


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
