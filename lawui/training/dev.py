"""The dev questions: asked by letter while training, and what their answers say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lawui.errors import LabError, TrainingError
from lawui.training import batches, layout
from lawui.training.batches import Example
from lawui.training.counters import Counters
from lawui.training.layout import Batch
from lawui.training.objective import answer_logits, token_losses
from lawui.training.parallel import Peers
from lawui.training.statistics import accuracy_interval
from lawui.types import LETTERS

if TYPE_CHECKING:
    from lawui.model.load import LoadedModel
    from lawui.training.cores import Cores

TOKENS = 8192
"""Tokens of one dev batch, padding included."""


class StopAsked(Exception):
    """Raised where a stop is honoured in the middle of something long."""


@dataclass(frozen=True)
class Look:
    """One look at the dev questions: the mean answer-token loss in nats, the letter index
    chosen for each, and the accuracy with its 95 % interval."""

    loss: float
    chosen: tuple[int, ...]
    right: tuple[bool, ...]
    accuracy: float
    low: float
    high: float

    def data(self, examples: Sequence[Example]) -> dict[str, Any]:
        """What an eval event carries besides its figures."""
        kinds = sorted({example.evidence for example in examples})
        return {
            "n": len(self.right),
            "correct": sum(self.right),
            "majority": batches.majority_share([example.gold for example in examples]),
            "letters": letter_counts(self.chosen),
            "by_evidence": {
                kind: mean(
                    [r for r, e in zip(self.right, examples, strict=True) if e.evidence == kind]
                )
                for kind in kinds
            },
        }


def ask(
    loaded: LoadedModel,
    examples: Sequence[Example],
    stop: Callable[[], bool],
    cores: Cores | None = None,
    peers: Peers | None = None,
    flash: bool = False,
) -> Look:
    """Ask `examples` in batches of like length, with `cores` several at a time and `peers`
    each their part; `flash` as for training. Raises StopAsked in between where nobody waits
    for this process."""
    import torch

    peers = peers or Peers()

    pad, letters = batches.pad_id(loaded.tokenizer), list(loaded.letter_ids)
    chosen, total = [0] * len(examples), 0.0

    def answers(batch: Batch) -> tuple[float, list[int]]:
        with torch.no_grad():
            logits = answer_logits(loaded.model, batch)
            loss = float(token_losses(logits, batch).sum())
        return loss, logits[:, 0, letters].argmax(dim=1).tolist()

    parts = _by_length(examples, TOKENS // (4 * cores.count) if cores else TOKENS)
    parts = parts[peers.rank :: peers.count]
    at_once = 2 * cores.count if cores else 1
    for start in range(0, len(parts), at_once):
        if peers.count == 1 and stop():
            raise StopAsked
        now = parts[start : start + at_once]
        made = [
            layout.collate([examples[i] for i in part], pad, flash=flash).to(loaded.device)
            for part in now
        ]
        found = cores.map(answers, made) if cores else [answers(batch) for batch in made]
        for part, (loss, picked) in zip(now, found, strict=True):
            total += loss
            for index, letter in zip(part, picked, strict=True):
                chosen[index] = letter
    if peers.count > 1:  # each question was asked by one process: the others say 0
        told = torch.tensor([total, *chosen], dtype=torch.float64)
        peers.add(told)
        total, chosen = float(told[0]), [int(letter) for letter in told[1:].tolist()]
    right = [c == example.gold for c, example in zip(chosen, examples, strict=True)]
    low, high = accuracy_interval(right, [example.group for example in examples])
    loss, accuracy = total / (2 * len(examples)), sum(right) / len(right)
    return Look(loss, tuple(chosen), tuple(right), accuracy, low, high)


def keep_if_best(counters: Counters, look: Look) -> bool:
    """Note a look; whether it is the best so far, by accuracy, then by loss. The untrained
    step 0 is shown, never kept."""
    finite = math.isfinite(look.loss)
    counters.evals.append(
        {
            "step": counters.step,
            "eval_loss": round(look.loss, 4) if finite else None,
            "eval_accuracy": round(look.accuracy, 4),
            "low": round(look.low, 4),
            "high": round(look.high, 4),
        }
    )
    if counters.step == 0 or not finite:
        return False
    lowest = counters.lowest_loss
    counters.lowest_loss = look.loss if lowest is None else min(look.loss, lowest)
    counters.rising = counters.rising + 1 if look.loss > 1.02 * counters.lowest_loss else 0
    former = (counters.best_accuracy, -(counters.best_loss or 0.0))
    if counters.best_accuracy is not None and (look.accuracy, -look.loss) <= former:
        counters.worse += 1
        return False
    counters.worse = 0
    counters.best_step, counters.best_accuracy = counters.step, look.accuracy
    counters.best_loss = look.loss
    return True


def look_at(counters: Counters, step: int) -> dict[str, float | None]:
    """The figures of the look at a step, as an event has them; none where there was none."""
    looks: dict[int, dict[str, Any]] = {one["step"]: one for one in counters.evals}
    look = looks.get(step, {})
    names = ("eval_loss", "eval_accuracy", "low", "high")
    return {f"eval_{name.removeprefix('eval_')}": look.get(name) for name in names}


def alarms(
    counters: Counters, look: Look, examples: Sequence[Example], last: bool
) -> list[LabError]:
    """What a curve shows to those who can read it, in words, each said once. `last` is
    whether the run ends here."""
    step = counters.step
    if step == 0:
        return []
    majority = batches.majority_share([example.gold for example in examples])
    found: list[LabError] = []
    if len(look.chosen) >= 8 and len(set(look.chosen)) == 1 and majority < 0.9:
        letter = LETTERS[look.chosen[0]]
        found.append(TrainingError("train.alarm_one_letter", step=step, letter=letter))
    if last and look.accuracy < majority:
        values = {"accuracy": _percent(look.accuracy), "majority": _percent(majority)}
        found.append(TrainingError("train.alarm_majority", **values))
    if counters.rising >= 3:
        best = counters.best_step
        found.append(TrainingError("train.alarm_overfitting", step=step, best_step=best))
    fresh = [alarm for alarm in found if alarm.key not in counters.alarmed]
    counters.alarmed += [alarm.key for alarm in fresh]
    return fresh


def letter_counts(letters: Sequence[int]) -> dict[str, int]:
    """How often each letter occurs among these indices."""
    return {letter: sum(i == index for i in letters) for index, letter in enumerate(LETTERS)}


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _by_length(examples: Sequence[Example], budget: int) -> list[list[int]]:
    """Indices in batches of like length, items whole, each of about `budget` tokens."""
    parts: list[list[int]] = [[]]
    items = batches.families(examples)
    for item in sorted(items, key=lambda item: len(examples[item[0]].ids)):
        longest = len(examples[item[0]].ids)
        if parts[-1] and (len(parts[-1]) + len(item)) * longest > budget:
            parts.append([])
        parts[-1] += item
    return parts


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
