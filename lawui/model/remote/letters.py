"""Letter probabilities from what a server tells of one token: its likeliest candidates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from lawui.types import LETTERS, Letter

Four = tuple[float, float, float, float]


def from_top(top: Iterable[Mapping[str, Any]]) -> tuple[Four, Letter, float]:
    """(probs, choice, letter_mass) from `top_logprobs` of the first answer token.

    As in letters.py a letter is the one token that reads `a` (`b`, `c`, `d`), and no other:
    not ` a`, not `A`. Where two tokens read alike, the likelier is it.

    A letter that is not among the candidates is less likely than all of them. It is given the
    most that it can have: the probability of the least likely candidate, or an equal share
    of what the candidates leave, whichever is less. That bound enters `probs` and
    `letter_mass` alike, so that `probs * letter_mass` is each letter's own probability or its
    bound, and `letter_mass` is too high by at most the bounds: with 20 candidates and a model
    that speaks the format, less than a thousandth. A letter that was seen is chosen before
    one that was not.

    Raises ValueError where there is no candidate or a figure that is none.
    """
    seen: dict[str, float] = {}
    shares = []
    for candidate in top:
        share = math.exp(float(candidate["logprob"]))
        if not 0 <= share <= 1 + 1e-6:
            raise ValueError(candidate["logprob"])
        shares.append(share)
        text = str(candidate["token"])
        seen[text] = max(seen.get(text, 0.0), share)
    if not shares:
        raise ValueError("no candidates")
    missing = [letter for letter in LETTERS if letter not in seen]
    left = max(0.0, 1.0 - sum(shares))
    bound = min(*shares, left / len(missing)) if missing else 0.0
    four = [seen.get(letter, bound) for letter in LETTERS]
    mass = sum(four)
    # A mass of nothing says nothing of any letter.
    a, b, c, d = (share / mass for share in four) if mass > 0 else (0.25,) * 4
    choice = max(LETTERS, key=lambda letter: (seen.get(letter, bound), letter in seen))
    return (a, b, c, d), choice, min(1.0, mass)
