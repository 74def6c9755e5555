"""The training loop: LoRA on a frozen base, seen from outside through its events.

One optimizer step is `batch_size` × `gradient_accumulation_steps` sequences, computed in
as few parts as memory allows, by one process or several; the loss is the mean over all
their answer tokens, so the parts don't change the numbers. Steps are launched (engine.py)
and heard of later; nothing here waits for a step but a look at the dev questions, a
checkpoint and the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lawui.errors import LabError, TrainingError
from lawui.training import begin, checkpoint, dev, kernels, memory, planner, schedule
from lawui.training.cores import Cores
from lawui.training.counters import Counters
from lawui.training.dev import StopAsked
from lawui.training.engine import Engine, Shapes, most_recorded
from lawui.training.events import EventWriter
from lawui.training.material import Encode, Material, encoder
from lawui.training.parallel import Peers
from lawui.training.saving import save_adapter
from lawui.training.telling import Teller
from lawui.training.weights import Weights

if TYPE_CHECKING:
    import torch

    from lawui.model.load import LoadedModel
    from lawui.training.rows import Row
    from lawui.training.runs import RunFile

NOT_FINITE_LIMIT = 5
"""So many steps in a row without a finite loss and gradient end a run."""


class Trainer:
    """One run from its rows to its adapter. `should_stop` is asked before every step.

    `encode` gives the rows as tokens where they are at hand already. With `peers` each
    process computes its share of every step, and the first alone writes.
    """

    def __init__(
        self,
        folder: Path,
        run: RunFile,
        rows: Sequence[Row],
        loaded: LoadedModel,
        log: EventWriter,
        should_stop: Callable[[], bool],
        *,
        encode: Encode | None = None,
        peers: Peers | None = None,
    ) -> None:
        self._folder = folder
        self._run = run
        self._config = run.config
        self._loaded = loaded
        self._should_stop = should_stop
        self._peers = peers or Peers()
        self._found = checkpoint.latest(folder)
        self._counters = (
            checkpoint.counters(self._found)
            if self._found
            else Counters(length=min(self._config.max_seq_length, loaded.max_length))
        )
        self._material = Material(
            encode or encoder(rows, loaded.tokenizer, self._peers),
            loaded,
            self._config,
            self._peers,
        )
        self._tell = Teller(log, self._counters, self._material, self._config.logging_steps)
        self._best: dict[str, torch.Tensor] = {}
        self._launched = 0
        self._cores: Cores | None = None

    def train(self) -> None:
        """Train to the end, a stop or a failure; writes the adapter and the last event.

        Raises LabError for what the caller should report as a failure.
        """
        self._material.encode(self._counters.length)
        self._kernels = kernels.choose(self._loaded)
        self._make_plan()
        self._attach()
        if self._found is not None:
            self._best = checkpoint.load(
                self._found, self._weights, self._engine.optimizer, self._peers.rank
            )
        elif self._run.begun is not None:
            begin.take(self._weights, self._folder, self._run.begun, self._loaded.sha)
        resumed = self._found is not None
        parameters = self._weights.values.numel()
        self._tell.start(self._loaded, self._plan, parameters, self._peers.count, resumed)
        if self._run.begun is not None and not resumed:
            words = {"name": self._run.begun.name, "sha": self._run.begun.weights_sha}
            self._tell.say("log", TrainingError("train.begun", **words))
        if self._run.skipped and not resumed:
            self._tell.say("log", TrainingError("train.skipped", count=self._run.skipped))
        try:
            if not resumed:
                self._evaluate()
            self._run_steps()
        except StopAsked:
            self._hear(wait=True)
            self._save_checkpoint()
            self._finish("stopped", TrainingError("train.stopped", step=self._counters.step))
        finally:
            if self._cores is not None:
                self._cores.close()

    def detach(self) -> None:
        """Give the base back without the adapter, for whoever trains the next on it."""
        self._engine.be_modest()
        self._kernels.undo()
        base = self._model.unload()
        if hasattr(base, "peft_config"):
            del base.peft_config
        base.eval()

    @property
    def recording(self) -> dict[str, float]:
        """{shapes, seconds}: what was recorded as CUDA graphs, and the time that it took."""
        return {"shapes": self._engine.shapes, "seconds": round(self._engine.recording, 3)}

    # -- setting up

    def _make_plan(self) -> None:
        from lawui.model import dequantize
        from lawui.training.config import budget_bytes

        device, model = self._loaded.device, self._loaded.model
        asked = budget_bytes(self._config.memory_budget)
        held = memory.held(device)
        planner.keep(device, asked)
        self._costs = planner.Costs.of(model, self._config, held, dequantize.growth(model))
        material = self._material
        self._use(
            planner.make_plan(
                self._costs,
                [*material.lengths, *(len(example.ids) for example in material.dev.examples)],
                planner.own_part(self._config.step_size, self._peers.count),
                self._counters.length,
                planner.budget(device, asked, held),
            )
        )
        self._retries = planner.retries(self._plan, shorter=self._peers.count == 1)

    def _use(self, plan: planner.Plan) -> None:
        self._plan = plan
        if plan.dequantize:
            from lawui.model.dequantize import dequantize

            dequantize(self._loaded.model)
        if plan.checkpointing:  # never taken back: plans only get smaller
            self._loaded.model.gradient_checkpointing_enable({"use_reentrant": False})
        self._fit, self._most = None, 0
        if self._loaded.device.startswith("cuda") and not plan.checkpointing:
            flash = self._kernels.flash
            coming = self._material.coming(self._counters.step, plan.micro_batch, flash)
            largest = max((shape.tokens for shape in coming), default=0)
            pays = most_recorded(self._loaded.model)
            self._most = planner.recordable(plan, self._costs, pays, largest)
            self._fit = Shapes(coming, self._most)

    def _attach(self) -> None:
        """Put fresh LoRA weights, drawn by the seed, on the base."""
        import torch

        from lawui.training.lora import attach

        config = self._config
        self._model = attach(self._loaded.model, config)
        self._weights = Weights(
            {n: p for n, p in self._model.named_parameters() if p.requires_grad}
        )
        if not self._peers.first:  # the same weights, but dropout of its own
            torch.manual_seed(config.seed + self._peers.rank)
        # Dropout draws its random numbers in order, and recomputing draws them again.
        alone = config.lora_dropout == 0 and not self._plan.checkpointing
        if self._loaded.device == "cpu" and alone and torch.get_num_threads() > 1:
            self._cores = Cores()
        self._engine = Engine(
            self._loaded.model,
            self._weights,
            weight_decay=config.weight_decay,
            max_grad_norm=config.max_grad_norm,
            # A base that unpacks at each use is busy anyway, and has no memory for recordings.
            graphs=self._plan.dequantize and not self._plan.checkpointing,
            most=self._most,
            cores=self._cores,
            peers=self._peers,
        )

    # -- the steps

    def _run_steps(self) -> None:
        config, counters = self._config, self._counters
        self._launched = counters.step
        self._tell.mark()
        while self._launched < self._material.max_steps:
            if self._peers.agree(self._should_stop()):
                raise StopAsked
            self._launch_with_retries()
            step = self._launched
            last = step == self._material.max_steps
            looks = bool(config.eval_steps) and step % config.eval_steps == 0
            saves = bool(config.save_steps) and step % config.save_steps == 0
            # Several processes hear of a step at different times, and must end at the same.
            together = self._peers.count > 1 and step % NOT_FINITE_LIMIT == 0
            self._hear(wait=looks or saves or last or together)
            alike = self._peers.count == 1 or looks or saves or last or together
            if alike and counters.not_finite >= NOT_FINITE_LIMIT:
                return self._give_up()
            if looks or last:
                self._evaluate()
                self._tell.mark()
                if 0 < config.early_stopping_patience <= counters.worse:
                    error = TrainingError(
                        "train.early_stopped", step=step, best_step=counters.best_step
                    )
                    return self._finish("done", error)
            if saves and not last:
                self._save_checkpoint()
        return self._finish("done", TrainingError("train.done", step=counters.step))

    def _launch_with_retries(self) -> None:
        step = self._launched
        rate = schedule.rate(self._config, step, self._material.max_steps)
        while True:
            try:
                micro, flash = self._plan.micro_batch, self._kernels.flash
                self._engine.step(self._material.batches(step, micro, self._fit, flash), rate)
            except (RuntimeError, MemoryError) as error:
                if not memory.ran_out(error):
                    raise
                self._make_smaller(error)
            else:
                self._launched += 1
                return

    def _make_smaller(self, error: BaseException) -> None:
        import torch

        self._hear(wait=True)
        freed = self._engine.be_modest()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if not freed and not self._retries:
            raise self._nothing_fits() from error
        plan = self._plan if freed else self._retries.pop(0)
        if plan.length < self._counters.length:
            self._counters.length = plan.length
            self._material.encode(plan.length)
        self._use(plan)
        values = {"batch": plan.micro_batch, "length": plan.length}
        self._tell.say("retry", TrainingError("train.retry", **values))

    def _nothing_fits(self) -> TrainingError:
        """What would fit where nothing did: an estimate for the smallest step."""
        needed = self._costs.needed(self._plan, self._plan.length)
        return TrainingError(
            "train.out_of_memory", length=self._plan.length, gigabytes=f"{needed / 1e9:.1f}"
        )

    def _hear(self, wait: bool) -> None:
        """Count and log the steps that are done by now."""
        self._tell.hear(self._engine.readings(wait), self._loaded.device)

    def _evaluate(self) -> None:
        """Ask the dev questions by letter; keep the weights where they are the best."""
        examples = self._material.dev.examples
        if not examples:
            return
        self._model.eval()
        flash = self._kernels.flash
        look = dev.ask(self._loaded, examples, self._should_stop, self._cores, self._peers, flash)
        self._model.train()
        self._tell.write(
            "eval",
            eval_loss=look.loss,
            eval_accuracy=look.accuracy,
            eval_low=look.low,
            eval_high=look.high,
            data=look.data(examples),
        )
        counters = self._counters
        if dev.keep_if_best(counters, look) and self._config.load_best_model_at_end:
            self._best = {n: p.cpu().clone() for n, p in self._weights.named().items()}
        last = counters.step == self._material.max_steps
        for alarm in dev.alarms(counters, look, examples, last):
            self._tell.say("log", alarm)

    # -- saving and ending

    def _save_checkpoint(self) -> None:
        if self._counters.not_finite:
            return  # the weights are in doubt
        random = checkpoint.random_states(self._peers)
        if not self._peers.first:
            return
        try:
            checkpoint.save(
                self._folder,
                self._weights,
                self._engine.optimizer,
                self._best,
                self._counters,
                random,
            )
        except OSError as error:
            reason = _first_line(error)
            self._tell.say("log", TrainingError("train.checkpoint_failed", reason=reason))
        else:
            self._tell.write("checkpoint")

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
        """Write the adapter of the best dev step, or of the present weights, and end."""
        if not self._peers.first:
            return
        counters = self._counters
        kept = counters.best_step if self._best else counters.step
        if not kept:
            self._tell.say("stopped", TrainingError("train.stopped_before_first"))
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
        self._tell.say(
            "stopped" if kind == "stopped" else "done",
            error,
            loss=final_loss,
            **dev.look_at(counters, kept),
            data={"kept_step": kept, "adapter": self._folder.name},
        )
        if kind == "done":
            checkpoint.forget(self._folder)
            begin.forget(self._folder)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
