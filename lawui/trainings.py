"""The part of the lab that trains: runs, their data, their settings.

Lab inherits it; nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui import dataset
from lawui.data import questions as data
from lawui.data import reading
from lawui.errors import AdapterError, LabError, TrainingError, UsageError
from lawui.model import load
from lawui.model.load import ModelChoice
from lawui.presets import Presets
from lawui.readers.own_questions import is_own
from lawui.training import begin
from lawui.training.begin import shape
from lawui.training.config import PRESETS, TrainConfig, command_line, from_values, kinds, to_dict
from lawui.training.rows import Row, make_rows
from lawui.training.runs import RunStore
from lawui.types import AdapterInfo, Question, QuestionSet, RunStatus, TrainEvent

if TYPE_CHECKING:
    from lawui.lab import Lab
    from lawui.library import Library


Progress = Callable[[int, int], None]
"""Hears for how many questions, of how many, their law was found."""


class Trainings:
    """Training runs, each in a process of its own, and everything that is read of them."""

    def _open_trainings(self, lab: Lab, library: Library) -> None:
        """Wire the runs of the lab's home and the presets kept there."""
        self._lab, self._evidence = lab, library
        self._runs = RunStore(lab.home / "adapters", lab.sees_set)
        self._started: dict[str, list[str]] = {}
        self._presets = Presets(lab.home / ".lawui" / "presets.json")

    def train(self, config: TrainConfig, progress: Progress | None = None) -> str:
        """Start a training run in a process of its own and return its name."""
        self._lab.people.allow("train")
        config.check()
        user = self._room_for_run()
        choice = self._train_choice(config.model_name)
        start = self._start(config)
        source = self.training_data(config)
        model = {"spec": choice.spec, "name": choice.name, "sha": "", "licence": choice.licence}
        run = self._runs.create(
            config,
            map(asdict, self._rows(config, source, progress)),
            {
                "model": model,
                "set": source.name,
                "dataset_sha": source.dataset_sha,
                "split": source.split | dict.fromkeys(source.also_seen, "train"),
                "also_seen": list(source.also_seen),
                "skipped": source.skipped,
            },
            start,
        )
        self._lab.make_room()
        self._runs.start(run)
        self._started.setdefault(user, []).append(run)
        return run

    def _room_for_run(self, more: int = 1) -> str:
        """Who asks for `more` runs. Raises UsageError where too many of theirs would wait."""
        people = self._lab.people
        mine = [run for run in self._started.get(people.user, ()) if self._runs.is_alive(run)]
        self._started[people.user] = mine
        people.queue("train", len(mine), more)
        return people.user

    def train_preview(
        self, config: TrainConfig, progress: Progress | None = None
    ) -> dict[str, Any]:
        """What a run would begin with and learn from, before it starts: counts, lengths in
        tokens, rows that would be cut, and the first rows as the model will see them."""
        from lawui.training.preview import preview

        config.check()
        source = self.training_data(config)
        made = self._rows(config, source, progress)
        shown = preview(made, self._tokenizer(config), config)
        return {
            **shown,
            "skipped": source.skipped,
            "spared": source.spared,
            "also_seen": len(source.also_seen),
            "start_from": config.start_from,
        }

    def _rows(
        self,
        config: TrainConfig,
        source: dataset.TrainingData,
        progress: Progress | None = None,
    ) -> Iterator[Row]:
        return make_rows(
            _counted(source.questions, progress) if progress else source.questions,
            source.split,
            config.evidence_mix,
            dataset.shown(source, self._evidence.passages),
            config.seed,
        )

    def training_data(self, config: TrainConfig) -> dataset.TrainingData:
        """The questions and the split that `config` would train on. Raises TrainingError
        where the adapter that it goes on from has learnt what is kept for dev or test."""
        found = self._source(config)
        start = self._start(config)
        if start is not None:
            begin.check_seen(start, found.split, config.allow_seen)
        return found

    def _source(self, config: TrainConfig) -> dataset.TrainingData:
        if config.train_file:
            path = Path(config.train_file).expanduser()
            return dataset.from_file(
                path, self._scored(), config.seed, config.allow_seen, config.split == "article"
            )
        name = config.train_set or "sample"
        if name == reading.NAME:
            if not {*kinds(config.evidence_mix)} <= {"given", "distractors"}:
                raise UsageError("usage.reading_evidence")
            most = config.max_steps_override * config.step_size
            return dataset.from_reading(self._scored(), config.seed, most)
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

    def train_starts(self, model_name: str = "") -> list[AdapterInfo]:
        """The adapters that a run with this `model_name` can go on from: sound ones of its
        base, that whoever asks may see. None where that base is not at hand."""
        model_name = model_name.strip()
        try:
            name = self._train_choice(model_name).name
        except LabError:
            return []
        sha = self._base_sha(model_name)
        fitting = (a for a in self._lab.folder_adapters(sha) if not a.fault)
        return [a for a in fitting if a.base_model == name or (sha and a.base_sha == sha)]

    def _start(self, config: TrainConfig) -> AdapterInfo | None:
        """The adapter that a run goes on from, or None for fresh weights. Raises TrainingError
        for one that is not there or does not fit, AdapterError for a faulty one."""
        info = self._start_adapter(config.start_from, config.model_name)
        if info is not None:
            begin.check(info, config)
        return info

    def _start_adapter(self, name: str, model_name: str) -> AdapterInfo | None:
        if not name:
            return None
        try:
            return self._lab.folder_adapter(name, self._base_sha(model_name))
        except AdapterError as error:
            raise TrainingError("train.no_start", name=name) from error

    def _base_sha(self, model_name: str) -> str:
        """The hash of the base that a run would train, where it is the one that answers now."""
        try:
            mine = self._train_choice(model_name).spec == self._lab.choice.spec
        except LabError:  # said when the run is asked for
            return ""
        return self._lab.owner().loaded.sha if mine and self._lab.loaded else ""

    def trains_embedded(self, model_name: str) -> bool:
        """Whether a run with this `model_name` would train the embedded base."""
        name = model_name.strip()
        return name == load.EMBEDDED or (not name and self._lab.choice.embedded)

    def _scored(self) -> list[QuestionSet]:
        """The sets that a user's own rows must not give away."""
        names = data.available_sets(self._lab.data_dir)
        return [self._lab.questions(n) for n in names if data.whole_of(n) == n]

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
        """The presets by name, as plain values; none on others' own questions, nor from what was
        made of them."""
        presets = self._presets.all().items()
        kept = {name: to_dict(config) for name, config in presets if self._sees_preset(config)}
        return {name: to_dict(config) for name, config in PRESETS.items()} | kept

    def _sees_preset(self, config: TrainConfig) -> bool:
        """Whether whoever asks may know these settings: neither on others' own questions nor
        from an adapter that was made of them."""
        start = config.start_from
        return self._lab.sees_set(config.train_set) and not (
            start and self._lab.hides_adapter(start)
        )

    def train_preset_save(self, name: str, config: TrainConfig) -> str:
        """Keep settings under a name for everybody at this lab; returns the name."""
        self._lab.people.allow("train")
        return self._presets.save(name, config)

    def train_preset_remove(self, name: str) -> None:
        """Forget kept settings. Those that are built in stay."""
        self._lab.people.allow("train")
        self._presets.remove(name)

    def train_config(self, preset: str = "", **values: Any) -> TrainConfig:
        """Settings from text as a user typed it; raises ConfigError with every fault. Where
        a run goes on from an adapter, its rank, alpha and layers are the adapter's unless
        `values` gives others: then, or where there is no such adapter, raises as `train`."""
        kept = self._presets.all().get(preset)
        if kept and not self._sees_preset(kept):
            kept = None
        config = from_values("" if kept else preset, kept or None, **values)
        start = self._start_adapter(config.start_from, config.model_name)
        if start is None:
            return config
        config = replace(config, **{k: v for k, v in shape(start).items() if not values.get(k)})
        begin.check(start, config)
        return config

    def train_shape(self, start_from: str, model_name: str = "") -> dict[str, Any]:
        """Rank, alpha and layers, by the names of the settings, that a run must have which goes
        on from an adapter; nothing for fresh weights. Raises TrainingError for an unknown one."""
        start = self._start_adapter(start_from, model_name)
        return shape(start) if start is not None else {}

    def train_seeds(
        self, config: TrainConfig, count: int = 3, progress: Progress | None = None
    ) -> list[str]:
        """Start the same run with `count` seeds in a row, one after another in the queue:
        how much of a result is chance. Returns their names."""
        base = config.output_dir or config.train_set or Path(config.train_file).stem or "sample"
        seeds = range(config.seed, config.seed + count)
        name = Path(base).name
        self._lab.people.allow("train")
        self._room_for_run(count)  # all of them or none
        return [
            self.train(replace(config, seed=seed, output_dir=f"{name}-seed{seed}"), progress)
            for seed in seeds
        ]

    def train_log(self, run: str) -> Path:
        """The file of a run's events, one JSON object a line."""
        return self._runs.log(run)

    def train_remove(self, run: str) -> None:
        """Delete a run with all that it made."""
        self._lab.people.allow("remove")
        self._forget_presets_from(run, self._runs.remove(run))

    def _forget_presets_from(self, gone: str, sets: Sequence[str]) -> None:
        """Forget the settings that go on from a removed adapter that was one reader's alone,
        by the sets that it was made of: with it went what tells whose they are."""
        if any(map(is_own, sets)):
            for name in self._presets.of("", [gone]):
                self._presets.remove(name)

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

    def _train_choice(self, model_name: str) -> ModelChoice:
        # A run never downloads.
        choice = load.choose(model_name, offline=True) if model_name else self._lab.choice
        if choice.server:
            raise UsageError("server.no_training", server=choice.server)
        return choice

    def _tokenizer(self, config: TrainConfig) -> Any:
        if not self._lab.choice.server:
            return self._lab.owner().loaded.tokenizer
        return load.tokenizer(self._train_choice(config.model_name).spec)

    def _test_table(self, adapter: str) -> list[dict[str, Any]]:
        """How an adapter did where it was scored to the end, for its card."""
        names = ("set", "evidence", "total", "accuracy", "low", "high", "accuracy_unseen")
        done = [r for r in self._lab.score_runs() if r.adapter == adapter and r.state == "done"]
        figures = [self._lab.score_summary(run.id) for run in done]
        return [{name: found.get(name) for name in names} for found in figures]


def _counted(questions: Sequence[Question], progress: Progress) -> Iterator[Question]:
    for done, question in enumerate(questions):
        progress(done, len(questions))
        yield question
