"""When an answer is none: the share below which the page says that the model cannot tell."""

from __future__ import annotations

from collections.abc import Sequence

from lawui.types import LETTERS, Answer

THRESHOLD = 0.35
"""The share of the first choice below which it is no answer, where no scores say better:
chance is 0.25, and a small model that sees nothing in a question stays within 0.1 of it."""

AGREEMENT = 0.5
"""The part of the orders of the choices that must give the answer, where several were asked."""


def consistency(answer: Answer, orders: Sequence[Answer]) -> float:
    """The part of `orders`, in [0, 1], that gives the answer; 1.0 where none were asked."""
    if not orders:
        return 1.0
    return sum(order.choice == answer.choice for order in orders) / len(orders)


def cannot_tell(
    answer: Answer, orders: Sequence[Answer] = (), threshold: float = THRESHOLD
) -> bool:
    """Whether the model does not tell the four choices apart: its first choice is below
    `threshold`, or most orders of the choices give another one."""
    first = answer.probs[LETTERS.index(answer.choice)]
    return first < threshold or consistency(answer, orders) < AGREEMENT
