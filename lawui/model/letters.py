"""Letter probabilities from one forward pass, without generating text.

The probability of an answer is that of its letter at the first position after the
prompt. Prompts that begin alike (the orders of an item) have their common beginning
computed once. A batch is one row of tokens without padding, which may mix adapters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lawui.errors import ModelError
from lawui.model.packed import Group

if TYPE_CHECKING:
    from lawui.model.engine import Engine
    from lawui.model.lora import Lora

Tokens = Sequence[int]

TOLERANCE = {"float32": 1e-3, "bfloat16": 0.03}
"""How far a probability may move with the batch it is computed in, the order of the items
and the mode of the engine. bfloat16 keeps 8 bits: other shapes round otherwise."""

_WORTH_SHARING = 16
"""Tokens; a shorter common beginning is not worth a group."""

_SHARED_PART = 1 / 3
"""Of a prompt, what must be common at least."""

_MOST_TOGETHER = 8
"""Prompts of a group."""


@dataclass(frozen=True)
class Letters:
    """For each prompt the probabilities of a-d, their share of the whole vocabulary, and
    whether they are finite; `tokens` is the number of tokens computed."""

    probs: list[tuple[float, float, float, float]]
    mass: list[float]
    finite: list[bool]
    tokens: int


def letter_probabilities(
    engine: Engine,
    prompts: Sequence[Tokens],
    adapters: Sequence[Lora | None] | None = None,
    token_budget: int = 8192,
    between: Callable[[], None] | None = None,
) -> Letters:
    """Letters for `prompts` (token ids), each with its adapter or, at None, the base.

    `token_budget` bounds a batch; a group of prompts that is longer goes alone. `between`
    is called after each batch but the last. Raises ModelError where a prompt is longer
    than the model reads.
    """
    check_lengths(prompts, engine.loaded.max_length)
    owners = list(adapters) if adapters is not None else [None] * len(prompts)
    found = Letters([(0.0, 0.0, 0.0, 0.0)] * len(prompts), [0.0] * len(prompts), [], 0)
    tokens = 0
    begun: tuple[Any, Any, Any] | None = None
    for batch in batches(_groups(prompts, owners, token_budget), prompts, token_budget):
        running = engine.compute(batch, prompts, owners)  # on CUDA this returns at once
        if begun is not None:
            tokens += _collect(begun, found)
            if between is not None:
                between()
        begun = running
    if begun is not None:
        tokens += _collect(begun, found)
    finite = [math.isfinite(sum(four)) for four in found.probs]
    return Letters(found.probs, found.mass, finite, tokens)


def check_lengths(prompts: Sequence[Tokens], limit: int) -> None:
    """Raise ModelError where a prompt is longer than `limit` tokens."""
    for tokens in prompts:
        if len(tokens) > limit:
            raise ModelError("model.prompt_too_long", tokens=len(tokens), limit=limit)


def _collect(begun: tuple[Any, Any, Any], found: Letters) -> int:
    probs, mass, layout = begun
    for row, four, share in zip(layout.rows, probs.tolist(), mass.tolist(), strict=True):
        found.probs[row] = tuple(four)
        found.mass[row] = share
    return int(layout.tokens)


def _groups(
    prompts: Sequence[Tokens], owners: Sequence[Lora | None], token_budget: int
) -> list[Group]:
    """Groups of one adapter each, those of an adapter together."""
    by_owner: dict[int, list[int]] = {}
    for row, owner in enumerate(owners):
        by_owner.setdefault(id(owner), []).append(row)
    groups = []
    for rows in by_owner.values():
        for group in group_by_prefix([prompts[row] for row in rows], token_budget):
            groups.append(Group(tuple(rows[row] for row in group.rows), group.shared))
    return groups


def group_by_prefix(prompts: Sequence[Tokens], token_budget: int = 8192) -> list[Group]:
    """Put prompts together wherever sharing their beginning saves much.

    Sorted, prompts that begin alike stand next to each other; one joins the group
    before it when that computes fewer tokens than starting anew, and a good part of it is
    what they share. All prompts begin with the same instruction: that alone is not enough,
    because the ends of a group are attended to together, at a cost that grows with their
    square. For the same reason a group has few prompts and no more than `token_budget`.
    """
    order = sorted(range(len(prompts)), key=lambda row: tuple(prompts[row]))
    groups: list[Group] = []
    for row in order:
        joined = groups and _joined(groups[-1], row, prompts, token_budget)
        if joined:
            groups[-1] = joined
        else:
            groups.append(Group((row,), 0))
    return groups


def _joined(group: Group, row: int, prompts: Sequence[Tokens], token_budget: int) -> Group | None:
    """`group` with one prompt more, or None where that is not worth it."""
    rows, shared, prompt = group.rows, group.shared, prompts[row]
    first = prompts[rows[0]]
    # The last token of every prompt must be computed on its own.
    common = _common(first, prompt, min(shared or len(first) - 1, len(prompt) - 1))
    enough = common >= max(_WORTH_SHARING, _SHARED_PART * len(prompt))
    fewer = common * len(rows) > shared * (len(rows) - 1)
    if len(rows) == _MOST_TOGETHER or not (enough and fewer):
        return None
    whole = Group((*rows, row), common)
    return whole if _tokens(whole, prompts) <= token_budget else None


def _tokens(group: Group, prompts: Sequence[Tokens]) -> int:
    """What a group computes."""
    return group.shared + sum(len(prompts[row]) - group.shared for row in group.rows)


def batches(
    groups: Sequence[Group], prompts: Sequence[Tokens], token_budget: int
) -> Iterator[list[Group]]:
    """Gather groups, in order, until their tokens fill the budget."""
    batch: list[Group] = []
    count = 0
    for group in groups:
        tokens = _tokens(group, prompts)
        if batch and count + tokens > token_budget:
            yield batch
            batch, count = [], 0
        batch.append(group)
        count += tokens
    if batch:
        yield batch


def _common(a: Tokens, b: Tokens, limit: int) -> int:
    """The length of the common beginning, at most `limit`, by bisection over slices."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
