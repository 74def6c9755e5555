"""What a resumed run must know besides weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Counters:
    """`window` holds the losses since the last log event, `recent` the last ten; `best_*`
    describe the best dev step, `worse` the dev looks since then; `rising` counts looks in
    a row whose loss is above the lowest; `alarmed` names what was said already."""

    step: int = 0
    length: int = 0
    window: list[float] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)
    curve: list[list[float]] = field(default_factory=list)
    not_finite: int = 0
    skipped: int = 0
    best_step: int = 0
    best_accuracy: float | None = None
    best_loss: float | None = None
    evals: list[dict[str, Any]] = field(default_factory=list)
    worse: int = 0
    lowest_loss: float | None = None
    rising: int = 0
    alarmed: list[str] = field(default_factory=list)
