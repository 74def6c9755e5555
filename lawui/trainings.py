"""The part of the lab that trains: runs, their data, their settings.

Lab inherits it; nothing else does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui import dataset
from lawui.data import questions as data
from lawui.errors import UsageError
from lawui.model import load
from lawui.model.load import ModelChoice
from lawui.own_questions import is_own
from lawui.presets import Presets
from lawui.training.config import PRESETS, TrainConfig, command_line, from_values, to_dict
from lawui.training.rows import make_rows
from lawui.training.runs import RunStore
from lawui.types import QuestionSet, RunStatus, TrainEvent

if TYPE_CHECKING:
    from lawui.lab import Lab
    from lawui.library import Library


class Trainings:
    """Training runs, each in a process of its own, and everything that is read of them."""

    def _open_trainings(self, lab: Lab, library: Library) -> None:
        """Wire the runs of the lab's home and the presets kept there."""
        self._lab, self._evidence = lab, library
        self._runs = RunStore(lab.home / "adapters", lab.sees_set)
        self._started: dict[str, list[str]] = {}
        self._presets = Presets(lab.home / ".lawui" / "presets.json")

    def train(self, config: TrainConfig) -> str:
        """Start a training run in a process of its own and return its name."""
        self._lab.people.allow("train")
        config.check()
        user = self._room_for_run()
        choice = self._train_choice(config)
        source = self.training_data(config)
        model = {"spec": choice.spec, "name": choice.name, "sha": "", "licence": choice.licence}
        run = self._runs.create(
            config,
            self._rows(config, source),
            {
                "model": model,
                "set": source.name,
                "dataset_sha": source.dataset_sha,
                "split": source.split | dict.fromkeys(source.also_seen, "train"),
                "also_seen": list(source.also_seen),
                "skipped": source.skipped,
            },
        )
        self._lab.make_room()
        self._runs.start(run)
        self._started.setdefault(user, []).append(run)
        return run

    def _room_for_run(self) -> str:
        """Who asks for one more run. Raises UsageError where too many of theirs wait."""
        people = self._lab.people
        mine = [run for run in self._started.get(people.user, ()) if self._runs.is_alive(run)]
        self._started[people.user] = mine
        people.queue("train", len(mine))
        return people.user

    def train_preview(self, config: TrainConfig) -> dict[str, Any]:
        """What a run would learn from, before it starts: counts, lengths in tokens, rows
        that would be cut, and the first rows as the model will see them."""
        from lawui.training.preview import preview

        config.check()
        source = self.training_data(config)
        shown = preview(self._rows(config, source), self._tokenizer(config), config)
        return {**shown, "skipped": source.skipped, "also_seen": len(source.also_seen)}

    def _rows(self, config: TrainConfig, source: dataset.TrainingData) -> Iterator[dict[str, Any]]:
        return make_rows(
            source.questions,
            source.split,
            config.evidence_mix,
            self._evidence.passages,
            config.seed,
        )

    def training_data(self, config: TrainConfig) -> dataset.TrainingData:
        """The questions and the split that `config` would train on."""
        if config.train_file:
            path = Path(config.train_file).expanduser()
            return dataset.from_file(
                path, self._scored(), config.seed, config.allow_seen, config.split == "article"
            )
        name = config.train_set or "sample"
        if is_own(name):
            own = self._lab.questions(name)
            if not own.questions:
                raise UsageError("usage.no_rows", source=name)
            return dataset.from_questions(
                own, self._scored(), config.seed, config.allow_seen, config.split == "article"
            )
        return dataset.from_set(
            self._lab.questions(name), config.seed, config.allow_seen, config.split == "article"
        )

    def _scored(self) -> list[QuestionSet]:
        """The sets that a user's own rows must not give away."""
        names = data.available_sets(self._lab.data_dir)
        return [self._lab.questions(n) for n in names if "sample_" not in n]

    def train_command(self, config: TrainConfig) -> str:
        """The command line that starts the same run."""
        import shlex

        return shlex.join(command_line(config))

    def train_status(self, run: str) -> RunStatus:
        """Where a run stands, by its log and its lock."""
        return self._runs.status(run)

    def train_events(self, run: str) -> list[TrainEvent]:
        """A run's events, oldest first."""
        return self._runs.events(run)

    def train_runs(self) -> list[RunStatus]:
        """Every run, newest first."""
        return self._runs.runs()

    def train_presets(self) -> dict[str, dict[str, Any]]:
        """The presets by name, as plain values; none on others' own questions."""
        seen = self._lab.sees_set
        presets = self._presets.all().items()
        kept = {name: to_dict(config) for name, config in presets if seen(config.train_set)}
        return {name: to_dict(config) for name, config in PRESETS.items()} | kept

    def train_preset_save(self, name: str, config: TrainConfig) -> str:
        """Keep settings under a name for everybody at this lab; returns the name."""
        self._lab.people.allow("train")
        return self._presets.save(name, config)

    def train_preset_remove(self, name: str) -> None:
        """Forget kept settings. Those that are built in stay."""
        self._lab.people.allow("train")
        self._presets.remove(name)

    def train_config(self, preset: str = "", **values: Any) -> TrainConfig:
        """Settings from text as a user typed it; raises ConfigError with every fault."""
        kept = self._presets.all().get(preset)
        if kept and not self._lab.sees_set(kept.train_set):
            kept = None
        return from_values("" if kept else preset, kept or None, **values)

    def train_seeds(self, config: TrainConfig, count: int = 3) -> list[str]:
        """Start the same run with `count` seeds in a row, one after another in the queue:
        how much of a result is chance. Returns their names."""
        base = config.output_dir or config.train_set or Path(config.train_file).stem or "sample"
        seeds = range(config.seed, config.seed + count)
        return [
            self.train(replace(config, seed=seed, output_dir=f"{Path(base).name}-seed{seed}"))
            for seed in seeds
        ]

    def train_log(self, run: str) -> Path:
        """The file of a run's events, one JSON object a line."""
        return self._runs.log(run)

    def train_remove(self, run: str) -> None:
        """Delete a run with all that it made."""
        self._lab.people.allow("remove")
        self._runs.remove(run)

    def train_settings(self, run: str) -> TrainConfig:
        """The settings of a run, to start another like it."""
        return self._runs.config(run)

    def train_wait(self, run: str, timeout: float | None = None) -> RunStatus:
        """The status once the run has ended, or after `timeout` seconds."""
        return self._runs.wait(run, timeout)

    def train_stop(self, run: str) -> None:
        """Ask a run to stop after its present step and to keep what it has learned."""
        self._lab.people.allow("train")
        self._runs.stop(run)

    def train_resume(self, run: str) -> None:
        """Go on with a run that was stopped or crashed."""
        self._lab.people.allow("train")
        self._lab.make_room()
        self._runs.resume(run)

    def _train_choice(self, config: TrainConfig) -> ModelChoice:
        if not config.model_name:
            choice = self._lab.choice
        else:
            choice = load.choose(config.model_name, offline=True)  # a run never downloads
        if choice.server:
            raise UsageError("server.no_training", server=choice.server)
        return choice

    def _tokenizer(self, config: TrainConfig) -> Any:
        if not self._lab.choice.server:
            return self._lab.owner().loaded.tokenizer
        return load.tokenizer(self._train_choice(config).spec)

    def _test_table(self, adapter: str) -> list[dict[str, Any]]:
        """How an adapter did where it was scored to the end, for its card."""
        names = ("set", "evidence", "total", "accuracy", "low", "high", "accuracy_unseen")
        done = [r for r in self._lab.score_runs() if r.adapter == adapter and r.state == "done"]
        figures = [self._lab.score_summary(run.id) for run in done]
        return [{name: found.get(name) for name in names} for found in figures]
