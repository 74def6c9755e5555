"""What a run says of itself through its event log, and the figures that it counts."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lawui.errors import LabError, TrainingError
from lawui.training import batches, dev, memory
from lawui.training.counters import Counters
from lawui.training.events import EventWriter

if TYPE_CHECKING:
    from lawui.model.load import LoadedModel
    from lawui.training.engine import Reading
    from lawui.training.material import Material
    from lawui.training.planner import Plan


class Teller:
    """Writes events, and counts steps in `counters` as they are heard of."""

    def __init__(
        self, log: EventWriter, counters: Counters, material: Material, logging_steps: int
    ) -> None:
        self._log = log
        self._counters = counters
        self._material = material
        self._logging_steps = logging_steps
        self.mark()

    def write(self, kind: Any, **values: Any) -> None:
        """One event with the run's present step."""
        last = self._material.max_steps
        self._log.write(kind, step=self._counters.step, max_steps=last, **values)

    def say(self, kind: Any, error: LabError, **values: Any) -> None:
        """One event with a sentence."""
        last = self._material.max_steps
        self._log.say(kind, error, step=self._counters.step, max_steps=last, **values)

    def start(
        self, loaded: LoadedModel, plan: Plan, parameters: int, processes: int, resumed: bool
    ) -> None:
        """What the run learns from, on what, and how it is computed."""
        material, length = self._material, self._counters.length
        golds = [example.gold for example in material.dev.examples]
        dropped = [*material.train.dropped, *material.dev.dropped]
        data = {
            "train_rows": len(material.train.examples),
            "dev_rows": len(golds),
            "dropped": len(dropped),
            "dropped_questions": dropped[:20],
            "shortened": material.train.shortened + material.dev.shortened,
            "length_median": sorted(material.lengths)[len(material.lengths) // 2],
            "length_max": max(material.lengths),
            "letters": dev.letter_counts([e.gold for e in material.train.examples]),
            "majority": batches.majority_share(golds),
            "parameters": parameters,
            "device": loaded.device,
            "processes": processes,
            "dtype": str(loaded.dtype).removeprefix("torch."),
            "quantization": loaded.quantization,
            "plan": asdict(plan),
            "resumed_from": self._counters.step if resumed else 0,
        }
        if dropped:
            error = TrainingError("train.dropped", count=len(dropped), limit=length)
            self.say("start", error, data=data)
        else:
            self.write("start", data=data)

    def mark(self) -> None:
        """Begin a stretch whose speed the next log event tells."""
        self._tokens, self._seconds = 0, 0.0
        self._heard = time.perf_counter()

    def hear(self, readings: Sequence[Reading], device: str) -> None:
        """Count steps that are done, and log each where its turn has come. Those that are heard
        of at once were not computed at once: they took alike."""
        if readings:
            each = (readings[-1].at - self._heard) / len(readings)
            self._heard = readings[-1].at
            for reading in readings:
                self._count(reading, each, device)

    def _count(self, reading: Reading, seconds: float, device: str) -> None:
        counters = self._counters
        counters.step += 1
        self._tokens += reading.tokens
        self._seconds += seconds
        if math.isfinite(reading.loss) and math.isfinite(reading.norm):
            counters.not_finite = 0
            counters.window.append(reading.loss)
            counters.recent = [*counters.recent, reading.loss][-10:]
        else:
            counters.not_finite += 1
            counters.skipped += 1
            what = "gradient" if math.isfinite(reading.loss) else "loss"
            values = {"step": counters.step, "what": what, "in_row": counters.not_finite}
            self.say("log", TrainingError("train.not_finite", **values))
        step = counters.step
        if step % self._logging_steps == 0 or step == self._material.max_steps:
            self._progress(reading, device)

    def _progress(self, reading: Reading, device: str) -> None:
        counters = self._counters
        if not counters.window:
            return
        steps = len(counters.window)
        loss = sum(counters.window) / steps
        left = (self._material.max_steps - counters.step) * self._seconds / steps
        self.write(
            "log",
            loss=loss,
            learning_rate=reading.rate,
            grad_norm=reading.norm,
            tokens_per_second=self._tokens / self._seconds if self._seconds else None,
            memory_bytes=memory.most(device),
            data={"seconds_left": round(left, 1)},
        )
        counters.curve.append([counters.step, round(loss, 4)])
        counters.window = []
        self._tokens, self._seconds = 0, 0.0
