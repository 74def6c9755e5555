"""Items: a question in all its orders, and the one answer its orders give together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lawui.types import LETTERS, Answer, Letter, Question

Probabilities = tuple[float, float, float, float]


@dataclass(frozen=True)
class Item:
    """One item: its orders, lowest first. The letters of an item are those of its first
    order; `places[k][i]` is where the item's i-th choice stands in the k-th order."""

    orders: tuple[Question, ...]
    places: tuple[tuple[int, ...], ...]

    @property
    def first(self) -> Question:
        return self.orders[0]

    @property
    def key(self) -> tuple[str, str]:
        """What two runs pair an item by, whatever orders each of them answered."""
        return self.first.source, "\n".join(sorted(self.first.choices))


@dataclass(frozen=True)
class ItemAnswer:
    """An item's answer averaged over the orders that were answered.

    `probs` are over the item's own letters and sum to 1. `consistent`: every order chose
    the same choice. `complete`: every order of the item was answered.
    """

    item: Item
    probs: Probabilities
    choice: Letter
    right: bool
    answered: int
    orders_right: int
    consistent: bool
    complete: bool


def items_of(questions: Sequence[Question]) -> list[Item]:
    """The questions gathered into items, in the order of their first appearance.

    Orders belong together when they share `source` and hold the same four choices. Where
    an edited file breaks that, the odd order is an item of its own rather than averaged
    with choices it does not have.
    """
    gathered: dict[tuple[str, tuple[str, ...]], list[Question]] = defaultdict(list)
    for question in questions:
        gathered[question.source, tuple(sorted(question.choices))].append(question)
    return [_item(orders) for orders in gathered.values()]


def _item(orders: list[Question]) -> Item:
    ordered = tuple(sorted(orders, key=lambda q: (q.order, q.id)))
    canonical = ordered[0].choices
    return Item(ordered, tuple(_places(canonical, q.choices) for q in ordered))


def _places(canonical: Sequence[str], shown: Sequence[str]) -> tuple[int, ...]:
    """Where each canonical choice stands among the shown ones; equal texts in turn."""
    left: dict[str, list[int]] = defaultdict(list)
    for place, choice in enumerate(shown):
        left[choice].append(place)
    return tuple(left[choice].pop(0) for choice in canonical)


def average(item: Item, answers: Mapping[str, Answer]) -> ItemAnswer | None:
    """The item's orders mapped to its own choices, probabilities averaged; None where no
    order was answered. A tie falls to the earlier letter."""
    rows: list[Probabilities] = []
    right = 0
    for question, places in zip(item.orders, item.places, strict=True):
        answer = answers.get(question.id)
        if answer is None:
            continue
        rows.append(tuple(answer.probs[p] for p in places))  # type: ignore[arg-type]
        right += answer.choice == question.gold
    if not rows:
        return None
    a, b, c, d = (sum(row[i] for row in rows) / len(rows) for i in range(4))
    probs = (a, b, c, d)
    choice = LETTERS[probs.index(max(probs))]
    return ItemAnswer(
        item=item,
        probs=probs,
        choice=choice,
        right=choice == item.first.gold,
        answered=len(rows),
        orders_right=right,
        consistent=len({row.index(max(row)) for row in rows}) == 1,
        complete=len(rows) == len(item.orders),
    )


def averages(questions: Sequence[Question], answers: Mapping[str, Answer]) -> list[ItemAnswer]:
    """The averaged answers of all items with a gold letter of which an order was answered."""
    asked = items_of([q for q in questions if q.gold in LETTERS])
    return [found for item in asked if (found := average(item, answers)) is not None]


def several_orders(questions: Sequence[Question]) -> bool:
    """True where the set asks at least one item in more than one order."""
    return any(len(item.orders) > 1 for item in items_of(questions))
