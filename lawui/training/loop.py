"""The training loop: LoRA on a frozen base, seen from outside through its events.

One optimizer step is `batch_size` × `gradient_accumulation_steps` sequences, computed in
as few parts as memory allows; the loss is the mean over all their answer tokens, so the
parts don't change the numbers. Steps are launched (engine.py) and heard of later; nothing
here waits for a step but a look at the dev questions, a checkpoint and the end.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.errors import LabError, TrainingError
from lawui.training import batches, checkpoint, dev, planner
from lawui.training.cores import Cores
from lawui.training.counters import Counters
from lawui.training.dev import StopAsked
from lawui.training.engine import Engine, Reading, Shapes
from lawui.training.events import EventWriter
from lawui.training.saving import save_adapter
from lawui.training.weights import Weights

if TYPE_CHECKING:
    import torch

    from lawui.model.load import LoadedModel
    from lawui.training.rows import Row
    from lawui.training.runs import RunFile

NOT_FINITE_LIMIT = 5
"""So many steps in a row without a finite loss and gradient end a run."""

LINE = 2048
"""Tokens of a line on CUDA, where few long lines are quicker than many short ones."""

PORTION = 512
"""Tokens of a batch on the CPU, where one line after another wastes nothing on padding."""

LOOKED_AT = 256
"""Steps whose batches are laid out beforehand to choose the shapes that are recorded."""


class Trainer:
    """One run from its rows to its adapter. `should_stop` is asked before every step."""

    def __init__(
        self,
        folder: Path,
        run: RunFile,
        rows: Sequence[Row],
        loaded: LoadedModel,
        log: EventWriter,
        should_stop: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._run = run
        self._config = run.config
        self._rows = rows
        self._loaded = loaded
        self._log = log
        self._should_stop = should_stop
        self._counters = Counters(length=min(self._config.max_seq_length, loaded.max_length))
        self._best: dict[str, torch.Tensor] = {}
        self._pad = batches.pad_id(loaded.tokenizer)
        self._launched = 0
        self._cores: Cores | None = None
        self._tokens, self._seconds, self._heard = 0, 0.0, time.perf_counter()

    def train(self) -> None:
        """Train to the end, a stop or a failure; writes the adapter and the last event.

        Raises LabError for what the caller should report as a failure.
        """
        found = checkpoint.latest(self._folder)
        if found is not None:
            self._counters = checkpoint.counters(found)
        self._encode(self._counters.length)
        self._make_plan()
        self._attach()
        if found is not None:
            self._best = checkpoint.load(found, self._weights, self._engine.optimizer)
        self._say_start(resumed=found is not None)
        try:
            if found is None:
                self._evaluate()
            self._run_steps()
        except StopAsked:
            self._hear(wait=True)
            self._save_checkpoint()
            self._finish("stopped", TrainingError("train.stopped", step=self._counters.step))
        finally:
            if self._cores is not None:
                self._cores.close()

    @property
    def recording(self) -> dict[str, float]:
        """{shapes, seconds}: what was recorded as CUDA graphs, and the time that it took."""
        return {"shapes": self._engine.shapes, "seconds": round(self._engine.recording, 3)}

    # -- setting up

    def _encoded(self, length: int) -> tuple[batches.Encoded, batches.Encoded]:
        """(train, dev) as tokens, at most `length` a row."""
        parts: dict[str, list[Row]] = {"train": [], "dev": []}
        for row in self._rows:
            parts[row.split].append(row)
        tokenizer = self._loaded.tokenizer
        return (
            batches.encode(parts["train"], tokenizer, length),
            batches.encode(parts["dev"], tokenizer, length),
        )

    def _encode(self, length: int) -> None:
        self._train, self._dev = self._encoded(length)
        if not self._train.examples:
            count = len(self._train.dropped)
            raise TrainingError("train.all_too_long", count=count, limit=length)
        self._lengths = [len(example.ids) for example in self._train.examples]
        self._counters.length = length
        self._steps_per_epoch = math.ceil(len(self._lengths) / self._config.step_size)
        self._epochs: dict[int, list[list[int]]] = {}
        self._max_steps = self._config.max_steps_override or max(
            1, math.ceil(self._config.num_epochs * self._steps_per_epoch)
        )

    def _make_plan(self) -> None:
        from lawui.model import dequantize
        from lawui.training.config import budget_bytes

        device, model = self._loaded.device, self._loaded.model
        asked = budget_bytes(self._config.memory_budget)
        held = _held(device)
        planner.keep(device, asked)
        self._costs = planner.Costs.of(model, self._config, held, dequantize.growth(model))
        self._use(
            planner.make_plan(
                self._costs,
                [*self._lengths, *(len(example.ids) for example in self._dev.examples)],
                self._config.step_size,
                self._counters.length,
                planner.budget(device, asked, held),
            )
        )
        self._retries = planner.retries(self._plan)

    def _use(self, plan: planner.Plan) -> None:
        self._plan = plan
        if plan.dequantize:
            from lawui.model.dequantize import dequantize

            dequantize(self._loaded.model)
        if plan.checkpointing:  # never taken back: plans only get smaller
            self._loaded.model.gradient_checkpointing_enable({"use_reentrant": False})
        self._fit = None
        if self._loaded.device.startswith("cuda") and not plan.checkpointing:
            self._fit = Shapes(self._coming_lengths(), plan.micro_batch)

    def _coming_lengths(self) -> list[int]:
        """The lengths of the batches to come, as they would be laid out."""
        last = min(self._max_steps, self._counters.step + LOOKED_AT)
        return [
            batches.shape(part, LINE)[1]
            for step in range(self._counters.step, last)
            for part in self._parts(step)
        ] or [self._counters.length]

    def _attach(self) -> None:
        """Put fresh LoRA weights, drawn by the seed, on the base."""
        import torch
        from peft import LoraConfig, get_peft_model

        from lawui.training.lora import lighten

        config = self._config
        torch.manual_seed(config.seed)
        targets: str | list[str] = list(config.target_modules)
        if targets == ["all-linear"]:
            targets = "all-linear"
        try:
            self._model = get_peft_model(
                self._loaded.model,
                LoraConfig(
                    r=config.lora_r,
                    lora_alpha=config.lora_alpha,  # type: ignore[arg-type]
                    lora_dropout=config.lora_dropout,
                    target_modules=targets,
                    task_type="CAUSAL_LM",
                ),
            )
        except ValueError as error:
            names = ", ".join(config.target_modules)
            raise TrainingError("train.bad_targets", targets=names) from error
        lighten(self._model)
        self._model.train()
        self._weights = Weights(
            {n: p for n, p in self._model.named_parameters() if p.requires_grad}
        )
        # Dropout draws its random numbers in order, and recomputing draws them again.
        alone = config.lora_dropout == 0 and not self._plan.checkpointing
        if self._loaded.device == "cpu" and alone and torch.get_num_threads() > 1:
            self._cores = Cores()
        self._engine = Engine(
            self._loaded.model,
            self._weights,
            weight_decay=config.weight_decay,
            max_grad_norm=config.max_grad_norm,
            graphs=not self._plan.checkpointing,
            cores=self._cores,
        )

    def _say_start(self, resumed: bool) -> None:
        golds = [example.gold for example in self._dev.examples]
        dropped = [*self._train.dropped, *self._dev.dropped]
        data = {
            "train_rows": len(self._train.examples),
            "dev_rows": len(golds),
            "dropped": len(dropped),
            "dropped_questions": dropped[:20],
            "shortened": self._train.shortened + self._dev.shortened,
            "length_median": sorted(self._lengths)[len(self._lengths) // 2],
            "length_max": max(self._lengths),
            "letters": dev.letter_counts([example.gold for example in self._train.examples]),
            "majority": batches.majority_share(golds),
            "parameters": self._weights.values.numel(),
            "device": self._loaded.device,
            "dtype": str(self._loaded.dtype).removeprefix("torch."),
            "quantization": self._loaded.quantization,
            "plan": asdict(self._plan),
            "resumed_from": self._counters.step if resumed else 0,
        }
        if dropped:
            length = self._counters.length
            error = TrainingError("train.dropped", count=len(dropped), limit=length)
            self._say("start", error, data=data)
        else:
            self._write("start", data=data)
        if self._run.skipped and not resumed:
            self._say("log", TrainingError("train.skipped", count=self._run.skipped))

    # -- the steps

    def _run_steps(self) -> None:
        config, counters = self._config, self._counters
        self._launched = counters.step
        self._mark()
        while self._launched < self._max_steps:
            if self._should_stop():
                raise StopAsked
            self._launch_with_retries()
            step = self._launched
            last = step == self._max_steps
            looks = bool(config.eval_steps) and step % config.eval_steps == 0
            saves = bool(config.save_steps) and step % config.save_steps == 0
            self._hear(wait=looks or saves or last)
            if counters.not_finite >= NOT_FINITE_LIMIT:
                return self._give_up()
            if looks or last:
                self._evaluate()
                self._mark()
                if 0 < config.early_stopping_patience <= counters.worse:
                    error = TrainingError(
                        "train.early_stopped", step=step, best_step=counters.best_step
                    )
                    return self._finish("done", error)
            if saves and not last:
                self._save_checkpoint()
        return self._finish("done", TrainingError("train.done", step=counters.step))

    def _launch_with_retries(self) -> None:
        while True:
            try:
                self._engine.step(self._batches(), self._rate(self._launched))
            except (RuntimeError, MemoryError) as error:
                if not _out_of_memory(error):
                    raise
                self._make_smaller(error)
            else:
                self._launched += 1
                return

    def _batches(self) -> list[batches.Batch]:
        """The next step's sequences in parts, each weighed by its share in the loss."""
        parts = self._parts(self._launched)
        weight = 0.5 / sum(map(len, parts))
        return [
            batches.collate(part, self._pad, LINE, self._fit, weight).to(self._loaded.device)
            for part in parts
        ]

    def _parts(self, step: int) -> list[list[batches.Example]]:
        examples = [self._train.examples[i] for i in self._indices(step)]
        size = self._plan.micro_batch
        parts = [examples[start : start + size] for start in range(0, len(examples), size)]
        if self._loaded.device == "cpu":
            parts = [portion for part in parts for portion in batches.portions(part, PORTION)]
        return parts

    def _make_smaller(self, error: BaseException) -> None:
        import torch

        self._hear(wait=True)
        self._engine.be_modest()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if not self._retries:
            raise self._nothing_fits() from error
        plan = self._retries.pop(0)
        if plan.length < self._counters.length:
            self._encode(plan.length)
        self._use(plan)
        self._say("retry", TrainingError("train.retry", batch=plan.micro_batch, length=plan.length))

    def _nothing_fits(self) -> TrainingError:
        """What would fit where nothing did: an estimate for the smallest step."""
        needed = self._costs.needed(self._plan, self._plan.length)
        return TrainingError(
            "train.out_of_memory", length=self._plan.length, gigabytes=f"{needed / 1e9:.1f}"
        )

    def _indices(self, step: int) -> list[int]:
        epoch, place = divmod(step, self._steps_per_epoch)
        if epoch not in self._epochs:
            self._epochs = {
                epoch: batches.step_batches(
                    self._train.examples, self._config.step_size, self._config.seed, epoch
                )
            }
        return self._epochs[epoch][place]

    def _rate(self, step: int) -> float:
        """Linear warm-up, then linear or half-cosine decay to zero after the last step."""
        warmup = math.ceil(self._config.warmup_ratio * self._max_steps)
        if step < warmup:
            return self._config.learning_rate * (step + 1) / warmup
        share = (step - warmup) / max(1, self._max_steps - warmup)
        if self._config.lr_scheduler_type == "cosine":
            return self._config.learning_rate * 0.5 * (1 + math.cos(math.pi * share))
        return self._config.learning_rate * (1 - share)

    # -- what is heard of the steps

    def _hear(self, wait: bool) -> None:
        """Count and log the steps that are done by now."""
        for reading in self._engine.readings(wait):
            self._counters.step += 1
            self._tokens += reading.tokens
            self._seconds += reading.at - self._heard
            self._heard = reading.at
            if math.isfinite(reading.loss) and math.isfinite(reading.norm):
                self._count(reading)
            else:
                self._count_skipped(reading)
            step = self._counters.step
            if step % self._config.logging_steps == 0 or step == self._max_steps:
                self._say_progress(reading)

    def _count(self, reading: Reading) -> None:
        counters = self._counters
        counters.not_finite = 0
        counters.window.append(reading.loss)
        counters.recent = [*counters.recent, reading.loss][-10:]

    def _count_skipped(self, reading: Reading) -> None:
        counters = self._counters
        counters.not_finite += 1
        counters.skipped += 1
        what = "gradient" if math.isfinite(reading.loss) else "loss"
        step, in_row = counters.step, counters.not_finite
        self._say("log", TrainingError("train.not_finite", step=step, what=what, in_row=in_row))

    def _mark(self) -> None:
        """Begin a stretch whose speed the next log event tells."""
        self._tokens, self._seconds = 0, 0.0
        self._heard = time.perf_counter()

    def _say_progress(self, reading: Reading) -> None:
        counters = self._counters
        if not counters.window:
            return
        steps = len(counters.window)
        loss = sum(counters.window) / steps
        left = (self._max_steps - counters.step) * self._seconds / steps
        self._write(
            "log",
            loss=loss,
            learning_rate=reading.rate,
            grad_norm=reading.norm,
            tokens_per_second=self._tokens / self._seconds if self._seconds else None,
            memory_bytes=_memory(self._loaded.device),
            data={"seconds_left": round(left, 1)},
        )
        counters.curve.append([counters.step, round(loss, 4)])
        counters.window = []
        self._tokens, self._seconds = 0, 0.0

    def _evaluate(self) -> None:
        """Ask the dev questions by letter; keep the weights where they are the best."""
        if not self._dev.examples:
            return
        self._model.eval()
        look = dev.ask(self._loaded, self._dev.examples, self._should_stop, self._cores)
        self._model.train()
        self._write(
            "eval",
            eval_loss=look.loss,
            eval_accuracy=look.accuracy,
            eval_low=look.low,
            eval_high=look.high,
            data=look.data(self._dev.examples),
        )
        counters = self._counters
        if dev.keep_if_best(counters, look):
            self._best = {n: p.cpu().clone() for n, p in self._weights.named().items()}
        last = counters.step == self._max_steps
        for alarm in dev.alarms(counters, look, self._dev.examples, last):
            self._say("log", alarm)

    # -- saving and ending

    def _save_checkpoint(self) -> None:
        if self._counters.not_finite:
            return  # the weights are in doubt
        try:
            checkpoint.save(
                self._folder, self._weights, self._engine.optimizer, self._best, self._counters
            )
        except OSError as error:
            self._say("log", TrainingError("train.checkpoint_failed", reason=_first_line(error)))
        else:
            self._write("checkpoint")

    def _give_up(self) -> None:
        """Too many steps in a row were not finite: keep the last weights that were good."""
        if not self._counters.recent:
            raise TrainingError("train.never_finite", count=NOT_FINITE_LIMIT)
        self._weights.put_good()
        error = TrainingError(
            "train.stopped_not_finite", step=self._counters.step, count=NOT_FINITE_LIMIT
        )
        self._finish("stopped", error)

    def _finish(self, kind: str, error: LabError) -> None:
        """Write the adapter of the best dev step, else of the present weights, and end."""
        counters = self._counters
        kept = counters.best_step if self._best else counters.step
        if not kept:
            self._say("stopped", TrainingError("train.stopped_before_first"))
            return
        if self._best:
            self._weights.put(self._best)
        final_loss = dev.mean(counters.recent) if counters.recent else None
        try:
            save_adapter(
                self._model,
                self._folder,
                self._run,
                self._loaded,
                final_loss=final_loss,
                tables={
                    "evals": counters.evals,
                    "losses": counters.curve,
                    "kept_step": kept,
                    "skipped": counters.skipped,
                },
                trained_groups=self._run.seen_groups,
            )
        except OSError as fault:
            raise TrainingError("train.cannot_save", reason=_first_line(fault)) from fault
        self._say(
            "stopped" if kind == "stopped" else "done",
            error,
            loss=final_loss,
            eval_loss=counters.best_loss,
            eval_accuracy=counters.best_accuracy,
            eval_low=counters.best_low,
            eval_high=counters.best_high,
            data={"kept_step": kept, "adapter": self._folder.name},
        )
        if kind == "done":
            checkpoint.forget(self._folder)

    def _write(self, kind: Any, **values: Any) -> None:
        self._log.write(kind, step=self._counters.step, max_steps=self._max_steps, **values)

    def _say(self, kind: Any, error: LabError, **values: Any) -> None:
        self._log.say(kind, error, step=self._counters.step, max_steps=self._max_steps, **values)


def _held(device: str) -> int:
    """Bytes that this process holds on `device` now."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.memory_allocated(device))
    import psutil

    return int(psutil.Process().memory_info().rss)


def _memory(device: str) -> int:
    """Bytes that this process holds on `device`; on CUDA the most it has held so far."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    return _held(device)


def _out_of_memory(error: BaseException) -> bool:
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = str(error).lower()
    return any(sign in words for sign in ("out of memory", "can't allocate memory", "bad_alloc"))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
