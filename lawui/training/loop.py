"""The training loop: LoRA on a frozen base, seen from outside through its events.

One optimizer step is `batch_size` × `gradient_accumulation_steps` sequences, computed in
as few parts as memory allows; the loss is the mean over all their answer tokens, so the
parts don't change the numbers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.errors import LabError, TrainingError
from lawui.training import batches, checkpoint, planner
from lawui.training.events import EventWriter
from lawui.training.objective import answer_logits, token_loss
from lawui.training.saving import save_adapter
from lawui.training.statistics import accuracy_interval
from lawui.types import LETTERS

if TYPE_CHECKING:
    import torch

    from lawui.model.load import LoadedModel
    from lawui.training.rows import Row
    from lawui.training.runs import RunFile

NOT_FINITE_LIMIT = 5
"""So many steps in a row without a finite loss and gradient end a run."""

EVAL_TOKENS = 8192
"""Tokens of one dev batch, padding included."""


class _StopAsked(Exception):
    """Raised where a stop is honoured in the middle of something long."""


@dataclass
class Counters:
    """What a resumed run must know besides weights. `window` holds the losses since the
    last log event, `recent` the last ten; `best_*` describe the best dev step."""

    step: int = 0
    length: int = 0
    window: list[float] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)
    not_finite: int = 0
    best_step: int = 0
    best_accuracy: float | None = None
    best_loss: float | None = None
    best_low: float | None = None
    best_high: float | None = None
    evals: list[dict[str, Any]] = field(default_factory=list)
    worse: int = 0
    lowest_loss: float | None = None
    rising: int = 0
    alarmed: list[str] = field(default_factory=list)


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

    def train(self) -> None:
        """Train to the end, a stop or a failure; writes the adapter and the last event.

        Raises LabError for what the caller should report as a failure.
        """
        self._attach()
        resumed = self._restore()
        self._encode(self._counters.length)
        self._make_plan()
        self._say_start(resumed)
        try:
            if not resumed:
                self._evaluate()
            self._run_steps()
        except _StopAsked:
            self._save_checkpoint()
            self._finish("stopped", TrainingError("train.stopped", step=self._counters.step))

    # -- setting up

    def _attach(self) -> None:
        """Put fresh LoRA weights, drawn by the seed, on the base."""
        import torch
        from peft import LoraConfig, get_peft_model

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
        self._parameters = {
            name: parameter
            for name, parameter in self._model.named_parameters()
            if parameter.requires_grad
        }
        self._optimizer = torch.optim.AdamW(
            list(self._parameters.values()),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )

    def _restore(self) -> bool:
        found = checkpoint.latest(self._folder)
        if found is None:
            return False
        self._best, values = checkpoint.load(found, self._parameters, self._optimizer)
        self._counters = Counters(**{k: v for k, v in values.items() if k in asdict(Counters())})
        return True

    def _encode(self, length: int) -> None:
        parts: dict[str, list[Row]] = {"train": [], "dev": []}
        for row in self._rows:
            parts[row.split].append(row)
        tokenizer = self._loaded.tokenizer
        self._train = batches.encode(parts["train"], tokenizer, length)
        self._dev = batches.encode(parts["dev"], tokenizer, length)
        if not self._train.examples:
            raise TrainingError("train.all_too_long", count=len(parts["train"]), limit=length)
        self._lengths = [len(example.ids) for example in self._train.examples]
        self._counters.length = length
        self._steps_per_epoch = math.ceil(len(self._lengths) / self._config.step_size)
        self._epochs: dict[int, list[list[int]]] = {}
        self._max_steps = self._config.max_steps_override or max(
            1, math.ceil(self._config.num_epochs * self._steps_per_epoch)
        )

    def _make_plan(self) -> None:
        from lawui.training.config import budget_bytes

        asked = budget_bytes(self._config.memory_budget)
        budget = planner.activation_budget(self._loaded.device, asked, _memory(self._loaded.device))
        lengths = [*self._lengths, *(len(example.ids) for example in self._dev.examples)]
        self._use(
            planner.make_plan(
                self._loaded.model,
                lengths,
                self._config.step_size,
                self._counters.length,
                budget,
            )
        )
        self._retries = planner.retries(self._plan)

    def _use(self, plan: planner.Plan) -> None:
        self._plan = plan
        if plan.checkpointing:  # never taken back: plans only get smaller
            self._loaded.model.gradient_checkpointing_enable({"use_reentrant": False})

    def _say_start(self, resumed: bool) -> None:
        golds = [example.gold for example in self._dev.examples]
        trained = sum(parameter.numel() for parameter in self._parameters.values())
        dropped = [*self._train.dropped, *self._dev.dropped]
        data = {
            "train_rows": len(self._train.examples),
            "dev_rows": len(golds),
            "dropped": len(dropped),
            "dropped_questions": dropped[:20],
            "shortened": self._train.shortened + self._dev.shortened,
            "length_median": sorted(self._lengths)[len(self._lengths) // 2],
            "length_max": max(self._lengths),
            "letters": _letter_counts([example.gold for example in self._train.examples]),
            "majority": batches.majority_share(golds),
            "parameters": trained,
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

    # -- the steps

    def _run_steps(self) -> None:
        config, counters = self._config, self._counters
        self._mark()
        while counters.step < self._max_steps:
            if self._should_stop():
                raise _StopAsked
            self._step_with_retries()
            counters.step += 1
            step = counters.step
            if counters.not_finite >= NOT_FINITE_LIMIT:
                return self._give_up()
            if step % config.logging_steps == 0 or step == self._max_steps:
                self._say_progress()
            if (config.eval_steps and step % config.eval_steps == 0) or step == self._max_steps:
                self._evaluate()
                self._mark()
                if 0 < config.early_stopping_patience <= counters.worse:
                    error = TrainingError(
                        "train.early_stopped", step=step, best_step=counters.best_step
                    )
                    return self._finish("done", error)
            if config.save_steps and step % config.save_steps == 0 and step < self._max_steps:
                self._save_checkpoint()
        return self._finish("done", TrainingError("train.done", step=counters.step))

    def _step_with_retries(self) -> None:
        while True:
            try:
                return self._step()
            except (RuntimeError, MemoryError) as error:
                if not _out_of_memory(error):
                    raise
                self._make_smaller(error)

    def _make_smaller(self, error: BaseException) -> None:
        import torch

        self._optimizer.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if not self._retries:
            raise TrainingError("train.out_of_memory", length=self._plan.length) from error
        self._use(self._retries.pop(0))
        if self._plan.length < self._counters.length:
            self._encode(self._plan.length)
        self._say(
            "retry",
            TrainingError("train.retry", batch=self._plan.micro_batch, length=self._plan.length),
        )

    def _step(self) -> None:
        """One optimizer step, or none where loss or gradient is not finite."""
        import torch

        started = time.perf_counter()
        examples = [self._train.examples[i] for i in self._indices(self._counters.step)]
        rate = self._rate(self._counters.step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._model.train()
        total, tokens = 0.0, 0
        size = self._plan.micro_batch
        for start in range(0, len(examples), size):
            batch = batches.collate(examples[start : start + size], self._pad)
            batch = batch.to(self._loaded.device)
            with self._autocast():
                logits = answer_logits(self._loaded.model, batch)
            loss = token_loss(logits, batch.targets) / (2 * len(examples))
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
            tokens += batch.tokens
        norm = float(
            torch.nn.utils.clip_grad_norm_(self._parameters.values(), self._config.max_grad_norm)
        )
        self._tokens += tokens
        if math.isfinite(total) and math.isfinite(norm):
            self._good = [p.detach().clone() for p in self._parameters.values()]
            self._optimizer.step()
            self._counters.not_finite = 0
            self._counters.window.append(total)
            self._counters.recent = [*self._counters.recent, total][-10:]
            self._norm = norm
        else:
            self._counters.not_finite += 1
            what = "gradient" if math.isfinite(total) else "loss"
            in_row = self._counters.not_finite
            step = self._counters.step + 1
            self._say("log", TrainingError("train.not_finite", step=step, what=what, in_row=in_row))
        self._optimizer.zero_grad(set_to_none=True)
        self._seconds += time.perf_counter() - started

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

    def _autocast(self) -> AbstractContextManager[Any]:
        import torch

        if self._loaded.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._loaded.device.split(":")[0], dtype=self._loaded.dtype)

    # -- looking

    def _mark(self) -> None:
        """Begin a stretch whose speed the next log event tells."""
        self._tokens, self._seconds, self._norm = 0, 0.0, 0.0

    def _say_progress(self) -> None:
        counters = self._counters
        if not counters.window:
            return
        steps = len(counters.window)
        left = (self._max_steps - counters.step) * self._seconds / max(1, steps)
        self._write(
            "log",
            loss=sum(counters.window) / steps,
            learning_rate=self._rate(counters.step - 1),
            grad_norm=self._norm,
            tokens_per_second=self._tokens / self._seconds if self._seconds else None,
            memory_bytes=_memory(self._loaded.device),
            data={"seconds_left": round(left, 1)},
        )
        counters.window = []
        self._mark()

    def _evaluate(self) -> None:
        """Ask the dev questions by letter; keep the weights where they are the best."""
        if not self._dev.examples:
            return
        loss, chosen = self._ask(self._dev.examples)
        examples = self._dev.examples
        right = [c == example.gold for c, example in zip(chosen, examples, strict=True)]
        low, high = accuracy_interval(right, [example.group for example in examples])
        accuracy = sum(right) / len(right)
        kinds = sorted({example.evidence for example in examples})
        self._write(
            "eval",
            eval_loss=loss,
            eval_accuracy=accuracy,
            eval_low=low,
            eval_high=high,
            data={
                "n": len(right),
                "correct": sum(right),
                "majority": batches.majority_share([example.gold for example in examples]),
                "letters": _letter_counts(chosen),
                "by_evidence": {
                    kind: _mean(
                        [r for r, e in zip(right, examples, strict=True) if e.evidence == kind]
                    )
                    for kind in kinds
                },
            },
        )
        self._keep_if_best(loss, accuracy, low, high)
        self._raise_alarms(loss, accuracy, chosen)

    def _ask(self, examples: Sequence[batches.Example]) -> tuple[float, list[int]]:
        """The mean answer-token loss of `examples` and the letter index chosen for each."""
        import torch

        self._model.eval()
        chosen = [0] * len(examples)
        letters = list(self._loaded.letter_ids)
        total = 0.0
        for part in _by_length(examples, EVAL_TOKENS):
            if self._should_stop():
                raise _StopAsked
            batch = batches.collate([examples[i] for i in part], self._pad)
            batch = batch.to(self._loaded.device)
            with torch.no_grad(), self._autocast():
                logits = answer_logits(self._loaded.model, batch)
            total += float(token_loss(logits, batch.targets))
            picked = logits[:, 0, letters].argmax(dim=1).tolist()
            for index, letter in zip(part, picked, strict=True):
                chosen[index] = letter
        return total / (2 * len(examples)), chosen

    def _keep_if_best(self, loss: float, accuracy: float, low: float, high: float) -> None:
        """Best is by accuracy, then by loss. The untrained step 0 is shown, never kept."""
        counters = self._counters
        counters.evals.append(
            {
                "step": counters.step,
                "eval_loss": round(loss, 4) if math.isfinite(loss) else None,
                "eval_accuracy": round(accuracy, 4),
            }
        )
        if counters.step == 0 or not math.isfinite(loss):
            return
        lowest = loss if counters.lowest_loss is None else min(loss, counters.lowest_loss)
        counters.rising = counters.rising + 1 if loss > 1.02 * lowest else 0
        counters.lowest_loss = lowest
        former = (counters.best_accuracy, -(counters.best_loss or 0.0))
        if counters.best_accuracy is not None and (accuracy, -loss) <= former:
            counters.worse += 1
            return
        counters.worse = 0
        counters.best_step, counters.best_accuracy, counters.best_loss = (
            counters.step,
            accuracy,
            loss,
        )
        counters.best_low, counters.best_high = low, high
        self._best = {n: p.detach().cpu().clone() for n, p in self._parameters.items()}

    def _raise_alarms(self, loss: float, accuracy: float, chosen: Sequence[int]) -> None:
        """Say once each, in words, what a curve shows to those who can read it."""
        step, counters = self._counters.step, self._counters
        if step == 0:
            return
        golds = [example.gold for example in self._dev.examples]
        majority = batches.majority_share(golds)
        alarms: list[LabError] = []
        if len(chosen) >= 8 and len(set(chosen)) == 1 and majority < 0.9:
            letter = LETTERS[chosen[0]]
            alarms.append(TrainingError("train.alarm_one_letter", step=step, letter=letter))
        if step == self._max_steps and accuracy < majority:
            values = {"accuracy": _percent(accuracy), "majority": _percent(majority)}
            alarms.append(TrainingError("train.alarm_majority", **values))
        if counters.rising >= 3:
            best = counters.best_step
            alarms.append(TrainingError("train.alarm_overfitting", step=step, best_step=best))
        for alarm in alarms:
            if alarm.key not in counters.alarmed:
                counters.alarmed.append(alarm.key)
                self._say("log", alarm)

    # -- saving and ending

    def _save_checkpoint(self) -> None:
        if self._counters.not_finite:
            return  # the weights are in doubt
        counters = self._counters
        try:
            checkpoint.save(
                self._folder,
                counters.step,
                {name: parameter.detach() for name, parameter in self._parameters.items()},
                self._optimizer,
                self._best,
                asdict(counters),
            )
        except OSError as error:
            self._say("log", TrainingError("train.checkpoint_failed", reason=_first_line(error)))
        else:
            self._write("checkpoint")

    def _give_up(self) -> None:
        """Too many steps in a row were not finite: keep the last weights that were good."""
        import torch

        if not hasattr(self, "_good"):
            raise TrainingError("train.never_finite", count=NOT_FINITE_LIMIT)
        with torch.no_grad():
            for parameter, good in zip(self._parameters.values(), self._good, strict=True):
                parameter.copy_(good)
        error = TrainingError(
            "train.stopped_not_finite", step=self._counters.step, count=NOT_FINITE_LIMIT
        )
        self._finish("stopped", error)

    def _finish(self, kind: str, error: LabError) -> None:
        """Write the adapter of the best dev step, else of the present weights, and end."""
        import torch

        counters = self._counters
        kept = counters.best_step if self._best else counters.step
        if not kept:
            self._say("stopped", TrainingError("train.stopped_before_first"))
            return
        if self._best:
            with torch.no_grad():
                for name, parameter in self._parameters.items():
                    parameter.copy_(self._best[name])
        final_loss = _mean(counters.recent) if counters.recent else None
        try:
            save_adapter(
                self._model,
                self._folder,
                self._run,
                self._loaded,
                final_loss=final_loss,
                tables={"evals": counters.evals, "kept_step": kept},
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


def _by_length(examples: Sequence[batches.Example], budget: int) -> list[list[int]]:
    """Indices in batches of like length, items whole, each of about `budget` tokens."""
    parts: list[list[int]] = [[]]
    items = batches.families(examples)
    for item in sorted(items, key=lambda item: len(examples[item[0]].ids)):
        longest = len(examples[item[0]].ids)
        if parts[-1] and (len(parts[-1]) + len(item)) * longest > budget:
            parts.append([])
        parts[-1] += item
    return parts


def _letter_counts(letters: Sequence[int]) -> dict[str, int]:
    return {letter: sum(i == index for i in letters) for index, letter in enumerate(LETTERS)}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _memory(device: str) -> int:
    """Bytes that this process holds on `device`."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    import psutil

    return int(psutil.Process().memory_info().rss)


def _out_of_memory(error: BaseException) -> bool:
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = str(error).lower()
    return any(sign in words for sign in ("out of memory", "can't allocate memory", "bad_alloc"))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
