"""Rows as tokens, and tokens as batches.

The prompt is that of serving (model/prompts.py). What is learned is the answer letter
and the end token: the letter is predicted at the prompt's last token and the end token
at the letter, so the end token itself is never fed.
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


@dataclass(frozen=True)
class Encoded:
    """`shortened` counts rows that lost evidence to the length, `dropped` names the rows
    whose bare question is too long."""

    examples: tuple[Example, ...]
    shortened: int
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Batch:
    """Right-padded tensors. ids, mask: (rows, longest); last: (rows,) is the position of
    the answer letter in each row; targets: (rows, 2)."""

    ids: torch.Tensor
    mask: torch.Tensor
    last: torch.Tensor
    targets: torch.Tensor
    tokens: int

    def to(self, device: str) -> Batch:
        return Batch(
            self.ids.to(device, non_blocking=True),
            self.mask.to(device, non_blocking=True),
            self.last.to(device, non_blocking=True),
            self.targets.to(device, non_blocking=True),
            self.tokens,
        )


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
            )
        )
    return Encoded(tuple(examples), shortened, tuple(dropped))


def _cut(row: Row, text: str) -> bool:
    return any(p.text.replace("<|", "＜|") not in text for p in row.passages)


def step_batches(lengths: Sequence[int], step_size: int, seed: int, epoch: int) -> list[list[int]]:
    """The steps of one epoch as indices into `lengths`; a pure function of its arguments,
    so that a resumed run finds its place by counting.

    Shuffled, then sorted by length inside pools of a few steps, then the steps are
    shuffled: little padding, and no order by length over the epoch.
    """
    draw = random.Random(f"{seed}/{epoch}")
    order = list(range(len(lengths)))
    draw.shuffle(order)
    pool = step_size * POOL
    steps = []
    for start in range(0, len(order), pool):
        near = sorted(order[start : start + pool], key=lambda i: lengths[i])
        steps += [near[i : i + step_size] for i in range(0, len(near), step_size)]
    draw.shuffle(steps)
    return steps


def micro_batches(step: Sequence[int], size: int) -> list[list[int]]:
    """A step's sequences in parts of at most `size` that are computed at once."""
    return [list(step[i : i + size]) for i in range(0, len(step), size)]


def collate(examples: Sequence[Example], pad: int) -> Batch:
    """Right-pad `examples` to the longest of them."""
    import torch

    longest = max(len(example.ids) for example in examples)
    ids = torch.full((len(examples), longest), pad, dtype=torch.long)
    mask = torch.zeros(len(examples), longest, dtype=torch.long)
    for row, example in enumerate(examples):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        mask[row, : len(example.ids)] = 1
    return Batch(
        ids=ids,
        mask=mask,
        last=mask.sum(dim=1) - 1,
        targets=torch.tensor([example.targets for example in examples]),
        tokens=int(mask.sum()),
    )


def majority_share(golds: Sequence[int]) -> float:
    """The accuracy of always answering the most frequent letter."""
    return max(Counter(golds).values()) / len(golds) if golds else 0.0


def pad_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """A token to pad with; the mask hides it, so any will do."""
    pad = tokenizer.pad_token_id
    return int(pad if pad is not None else tokenizer.eos_token_id or 0)  # type: ignore[arg-type]
