"""Tokens as batches: how the examples of a step lie beside each other.

The orders of an item share evidence and stem, which come first in the prompt. In a batch
they lie together: the common beginning once, then each order's own end, with positions
and a mask as if each stood alone. Short items share a line with others. The numbers are
the same, at half the tokens and hardly any padding. For the flash kernel all items lie in one
line, and where each prompt's queries and keys are takes the place of the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lawui.training.attention import Places
from lawui.training.batches import Example, families

if TYPE_CHECKING:
    import torch


LINE = 2048
"""Tokens of a line on CUDA, where few long lines are quicker than many short ones."""


@dataclass(frozen=True)
class Shape:
    """The size of a batch: `lines` of `length` tokens with room for `answers`; for the flash
    kernel `keys`, 0 where they need not be gathered, and the `longest` prompt."""

    lines: int
    length: int
    answers: int
    keys: int = 0
    longest: int = 0

    @property
    def tokens(self) -> int:
        """What is computed, padding included."""
        return self.lines * self.length


Fit = Callable[[Shape], Shape]
"""From the size that a batch needs to the size that it is given."""


@dataclass(frozen=True)
class Batch:
    """Lines of items, padded at the end; attention never crosses from item to item.

    grid: (4, lines, length), the token ids, their positions, the number of their item (-1
    for padding) and their part of it (0 for the common beginning). answers: (4, n), where
    in the flattened grid the letter and the end token of each example are predicted, and
    the two tokens themselves. weights: (n,), each example's in the loss, 0 for what only
    fills the shape. `tokens` counts what is computed, padding not included. `flash` is what
    the flash kernel needs in place of a mask.
    """

    grid: torch.Tensor
    answers: torch.Tensor
    weights: torch.Tensor
    tokens: int
    flash: Places | None = None

    @property
    def shape(self) -> Shape:
        """Batches of one shape differ in their values alone."""
        _, lines, length = self.grid.shape
        if self.flash is None:
            return Shape(lines, length, len(self.weights))
        keys = 0 if self.flash.keys is None else len(self.flash.keys)
        return Shape(lines, length, len(self.weights), keys, self.flash.longest)

    @property
    def tensors(self) -> list[torch.Tensor]:
        """All values."""
        found = [self.grid, self.answers, self.weights]
        if self.flash is not None:
            found += [self.flash.query_bounds, self.flash.key_bounds]
            if self.flash.keys is not None:
                found.append(self.flash.keys)
        return found

    def each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Batch:
        """The batch with every tensor changed."""
        flash = self.flash
        if flash is not None:
            flash = replace(
                flash,
                keys=None if flash.keys is None else change(flash.keys),
                query_bounds=change(flash.query_bounds),
                key_bounds=change(flash.key_bounds),
            )
        return replace(
            self,
            grid=change(self.grid),
            answers=change(self.answers),
            weights=change(self.weights),
            flash=flash,
        )

    def to(self, device: str) -> Batch:
        """The batch on `device`; a copy to CUDA does not wait."""

        def move(values: torch.Tensor) -> torch.Tensor:
            values = values.pin_memory() if device.startswith("cuda") else values
            return values.to(device, non_blocking=True)

        return self.each(move)


def collate(
    examples: Sequence[Example],
    pad: int,
    width: int = 0,
    fit: Fit | None = None,
    weight: float = 1.0,
    flash: bool = False,
) -> Batch:
    """Lay `examples` out in lines, items one after another, padded at the end: as few lines
    as there are `width` tokens, at 0 none longer than the longest item, with `flash` one.

    `fit` may ask for longer lines and more answers than needed, so that many batches
    share a few shapes; what is added has no weight. `weight` is each example's.
    """
    import torch

    items = [_Item.of(examples, members) for members in families(examples)]
    lines = _lines(items, width, flash)
    shape = _shape(items, lines, len(examples), flash)
    if fit is not None:
        shape = fit(shape)
    length = shape.length
    grid = torch.zeros(4, len(lines), length, dtype=torch.long)
    grid[0] = pad
    grid[2] = -1
    answers = torch.zeros(4, shape.answers, dtype=torch.long)
    weights = torch.zeros(shape.answers)
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
    tokens = sum(len(item.ids) for item in items)
    places = _places([items[index] for index in lines[0]], shape) if flash else None
    return Batch(grid, answers, weights, tokens, places)


def portions(examples: Sequence[Example], tokens: int, count: int = 0) -> list[list[Example]]:
    """`examples` in parts of whole items, each of at most `tokens` tokens or one item; with
    `count` an item of more tokens is divided into parts of so many examples."""
    found: list[list[Example]] = []
    room = 0
    for members in families(examples):
        length = len(_Item.of(examples, members).ids)
        if count and length > tokens:
            found += [
                [examples[member] for member in members[start : start + count]]
                for start in range(0, len(members), count)
            ]
            room = 0
            continue
        if length > room:
            found.append([])
            room = tokens
        found[-1] += [examples[member] for member in members]
        room -= length
    return found


def shape(examples: Sequence[Example], width: int = 0, flash: bool = False) -> Shape:
    """That of the batch that `collate` would make."""
    items = [_Item.of(examples, members) for members in families(examples)]
    return _shape(items, _lines(items, width, flash), len(examples), flash)


def _shape(
    items: Sequence[_Item], lines: Sequence[Sequence[int]], answers: int, flash: bool
) -> Shape:
    length = max(sum(len(items[index].ids) for index in line) for line in lines)
    if not flash:
        return Shape(len(lines), length, answers)
    prompts = [item.shared + end for item in items for end in item.ends]
    keys = sum(prompts) if any(item.shared for item in items) else 0
    return Shape(1, length, answers, keys, max(prompts))


def _lines(items: Sequence[_Item], width: int, flash: bool) -> list[list[int]]:
    """Indices of `items` by line, the longest placed first: each into the emptiest of as
    many lines as `width` asks for, or at 0 into the first that stays no longer than the
    longest of all; with `flash` into one."""
    lengths = [len(item.ids) for item in items]
    count = -(-sum(lengths) // width) if width else 0
    if flash:
        count = 1
    lines: list[list[int]] = [[] for _ in range(count)]
    filled = [0] * count
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if count:
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


def _places(items: Sequence[_Item], shape: Shape) -> Places:
    """Of `items` in one line of this shape. Padding is a prompt of its own, so that all of it
    is computed, and prompts that are not there are empty."""
    import torch

    queries, lengths = [0], [0]
    gathered: list[int] = []
    at = 0
    for item in items:
        end = at + item.shared
        for number, own in enumerate(item.ends):
            # The first prompt of an item computes the beginning too.
            queries.append(own + (0 if number else item.shared))
            lengths.append(item.shared + own)
            gathered += [*range(at, at + item.shared), *range(end, end + own)]
            end += own
        at = end
    padding = shape.length - at
    absent = [0] * (shape.answers + 1 - len(queries))
    gathered += range(at, shape.length)

    def bounds(counts: list[int]) -> torch.Tensor:
        return torch.tensor([*counts, padding, *absent]).cumsum(0).int()

    keys = None
    if shape.keys:
        keys = torch.zeros(max(shape.keys, len(gathered)), dtype=torch.long)
        keys[: len(gathered)] = torch.tensor(gathered)
    return Places(keys, bounds(queries), bounds(lengths), max(shape.longest, padding))


@dataclass(frozen=True)
class _Item:
    """The orders of an item laid end to end after their common beginning of `shared` tokens.
    `parts` is 0 in the beginning and k in the k-th end; `ends` are the lengths of those,
    `lasts` the places of the answer letters."""

    members: list[int]
    ids: list[int]
    positions: list[int]
    parts: list[int]
    shared: int
    ends: list[int]
    lasts: list[int]

    @staticmethod
    def of(examples: Sequence[Example], members: list[int]) -> _Item:
        shared = _shared([examples[member].ids for member in members])
        ids = list(examples[members[0]].ids[:shared])
        positions, parts = list(range(shared)), [0] * shared
        ends, lasts = [], []
        for number, member in enumerate(members, 1):
            end = examples[member].ids[shared:]
            ids += end
            positions += range(shared, shared + len(end))
            parts += [number] * len(end)
            ends.append(len(end))
            lasts.append(len(ids) - 1)
        return _Item(members, ids, positions, parts, shared, ends, lasts)


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
