"""The runs of a home: create, start, stop, resume, watch.

A run is a folder below adapters/. Its state is read from its log and its lock and is
held nowhere else, so any page, any process, and a server started anew see the same:

    run.json        what was asked and on which base; written before anything runs
    rows.jsonl      the questions with their evidence
    start.safetensors   the weights to begin with, where it goes on from an adapter, till done
    events.jsonl    what happened (events.py)
    child.lock      held by the child for life
    child.log       what the child printed
    stop            asks the child to stop within one step
    checkpoints/    the last state to resume from
    adapter_model.safetensors, adapter_config.json, README.md, lawui.json
                    the adapter; lawui.json comes last and makes it one
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lawui.errors import TrainingError
from lawui.training import begin, files, locks
from lawui.training import rows as rows_module
from lawui.training.begin import Begun
from lawui.training.config import TrainConfig, from_dict, to_dict
from lawui.training.events import EventReader, Progress, effective
from lawui.types import UNTOLD, AdapterInfo, RunState, RunStatus, TrainEvent

RUN_FILE = "run.json"
EVENTS = "events.jsonl"
LOCK = "child.lock"
LOG = "child.log"
STOP = "stop"
QUEUE_TICKET = "queued"
CARD = "lawui.json"
GLOBAL_LOCK = ".training.lock"

_NAME = re.compile(r"\w[\w.\-]{0,79}")
_CHILDREN: list[subprocess.Popen[bytes]] = []
"""Children of this process, kept until they have ended and can be reaped."""


@dataclass(frozen=True)
class RunFile:
    """run.json. `model` holds spec, name, sha and licence; `split` maps group to part;
    `skipped` counts rows that could not be read as questions. `begun` is the adapter that it
    goes on from: the groups that that one saw stand in `split` and `seen_groups` too."""

    config: TrainConfig
    model: dict[str, str]
    set: str
    dataset_sha: str
    split: dict[str, str]
    seen_groups: tuple[str, ...]
    created: str
    rows_sha: str
    skipped: int = 0
    begun: Begun | None = None

    @property
    def sets(self) -> tuple[str, ...]:
        """All that the run's adapter is made of, in the order in which it is learnt."""
        return (*(self.begun.sets if self.begun else ()), self.set)


def read_run(folder: Path) -> RunFile:
    """The run's own record. Raises TrainingError where it is missing or damaged."""
    import json

    path = folder / RUN_FILE
    try:
        values = json.loads(path.read_text("utf-8"))
        return RunFile(
            config=from_dict(values["config"]),
            model={k: str(v) for k, v in values["model"].items()},
            set=str(values["set"]),
            dataset_sha=str(values["dataset_sha"]),
            split=dict(values["split"]),
            seen_groups=tuple(values["seen_groups"]),
            created=str(values["created"]),
            rows_sha=str(values["rows_sha"]),
            skipped=int(values.get("skipped", 0)),
            begun=_begun(values.get("begun")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError("train.bad_run_file", path=str(path)) from error


def _begun(values: Mapping[str, Any] | None) -> Begun | None:
    if values is None:
        return None
    return Begun(**{**values, "sets": tuple(values["sets"])})


class RunStore:
    """The training runs below one adapters folder. Cheap to ask; loads no torch.

    `sees` says whether whoever asks may see what was made of a set: a run of any other, or
    begun from an adapter of any other, is refused like one that does not exist, whatever is
    asked of it."""

    def __init__(
        self, adapters_folder: Path, sees: Callable[[str], bool] = lambda set: True
    ) -> None:
        self._folder = Path(adapters_folder)
        self._sees = sees
        self._readers: dict[str, EventReader] = {}
        self._sets: dict[str, tuple[str, ...]] = {}

    def create(
        self,
        config: TrainConfig,
        rows: Iterable[Mapping[str, Any]],
        meta: Mapping[str, Any],
        start: AdapterInfo | None = None,
    ) -> str:
        """Lay down a new run and return its name; nothing runs yet.

        `meta` holds `model` {spec, name, sha, licence}, `set`, `dataset_sha`, `split`
        {group: train|dev|test} and, where the rows share text with groups of another name,
        those as `also_seen`; `skipped` counts rows that were refused before. `start` is the
        adapter that `start_from` names. Raises ConfigError for bad settings, AdapterError for
        a faulty adapter and TrainingError for one that does not fit, bad rows or a leak; then
        no folder is left.
        """
        config.check()
        text = rows_module.dump(rows)
        parsed = rows_module.load(text)
        split = dict(meta.get("split", {}))
        rows_module.check(parsed, split, config.allow_seen)
        seen = {row.question.group for row in parsed} | set(meta.get("also_seen", ()))
        if start is None:
            if config.start_from:
                raise TrainingError("train.no_start", name=config.start_from)
        else:
            begin.check(start, config)
            begin.check_seen(start, split, config.allow_seen)
            split = begin.joined(start, split)
            seen |= set(start.trained_groups) or {UNTOLD}
        run, folder = self._claim(config, str(meta.get("set", "")))
        try:
            files.write_text(folder / rows_module.ROWS, text)
            files.write_json(
                folder / RUN_FILE,
                {
                    "config": to_dict(config),
                    "model": dict(meta.get("model", {})),
                    "set": str(meta.get("set", "")),
                    "dataset_sha": str(meta.get("dataset_sha", "")),
                    "split": split,
                    "seen_groups": sorted(seen),
                    "begun": asdict(begin.copy(start, folder)) if start is not None else None,
                    "created": datetime.now(UTC).isoformat(timespec="seconds"),
                    "rows_sha": rows_module.sha(text),
                    "skipped": int(meta.get("skipped", 0)),
                },
            )
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise TrainingError("train.cannot_write", reason=_reason(error)) from error
        return run

    def start(self, run: str) -> None:
        """Start a created run in a process of its own. It waits its turn behind others."""
        folder = self._run_folder(run)
        progress = self._reader(run).progress()
        if progress.last and not progress.ended:
            raise TrainingError("train.resume_instead", run=run)
        if progress.ended:
            raise TrainingError("train.already_ended", run=run)
        self._launch(run, folder)

    def resume(self, run: str) -> None:
        """Go on with a run that was stopped, failed or crashed, from its last checkpoint.

        The curve is that of an uninterrupted run. Raises TrainingError where the run is
        going on or is done.
        """
        folder = self._run_folder(run)
        if self._reader(run).progress().ended == "done":
            raise TrainingError("train.already_done", run=run)
        self._launch(run, folder)

    def stop(self, run: str) -> None:
        """Ask a run to stop within one step and to keep its adapter so far."""
        folder = self._run_folder(run)
        if not locks.is_held(folder / LOCK):
            raise TrainingError("train.not_running", run=run)
        (folder / STOP).touch()

    def status(self, run: str) -> RunStatus:
        """The run as its log and its lock tell it; costs a few system calls."""
        self._run_folder(run)
        return self._status(run)

    def _status(self, run: str) -> RunStatus:
        folder = self._folder / run
        _reap()
        # The lock first: a child that ends in between has written its end by then.
        held = locks.is_held(folder / LOCK)
        progress = self._reader(run).progress()
        state = _state(held, progress)
        if state == "crashed" and not (folder / LOG).exists() and _age(folder / RUN_FILE) < 5:
            state = "starting"  # between create and start
        seconds = progress.seconds
        if held and state == "running":
            seconds += max(0.0, time.time() - progress.last)
        message = progress.message
        if state == "crashed":
            message = TrainingError("train.crashed", run=run).text("en")
        return RunStatus(
            run=run,
            state=state,
            step=progress.step,
            max_steps=progress.max_steps,
            loss=progress.loss,
            eval_loss=progress.eval_loss,
            eval_accuracy=progress.eval_accuracy,
            seconds=round(seconds, 3),
            adapter=run if (folder / CARD).exists() else "",
            message=message,
        )

    def events(self, run: str, *, raw: bool = False) -> list[TrainEvent]:
        """The run's events in order; after a resume without what it superseded, unless `raw`."""
        self._run_folder(run)
        events = self._reader(run).read()
        return events if raw else effective(events)

    def log(self, run: str) -> Path:
        """The file of the run's events, which is there once it has begun."""
        return self._run_folder(run) / EVENTS

    def config(self, run: str) -> TrainConfig:
        """The settings of a run, for "run again with changes"."""
        return read_run(self._run_folder(run)).config

    def runs(self) -> list[RunStatus]:
        """Every run that whoever asks may see, newest first."""
        return [self.status(name) for name in self._names() if self._seen(name)]

    def any_alive(self) -> bool:
        """Whether any run, whoever's, is going on or waits for its turn."""
        return any(map(self.is_alive, self._names()))

    def is_alive(self, run: str) -> bool:
        """Whether a run is going on or waits for its turn; not where it is gone."""
        there = (self._folder / run / RUN_FILE).is_file()
        return there and self._status(run).state in ("queued", "starting", "running")

    def of_set(self, set: str) -> list[str]:
        """The names of the runs that learned from a set, or go on from what did."""
        return [name for name in self._names() if set in self._made_of(name)]

    def _names(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        found = [
            ((path / RUN_FILE).stat().st_mtime_ns, path.name)
            for path in self._folder.iterdir()
            if _NAME.fullmatch(path.name) and (path / RUN_FILE).is_file()
        ]
        return [name for _, name in sorted(found, reverse=True)]

    def _made_of(self, run: str) -> tuple[str, ...]:
        """All that a run learned from, which never changes; nothing where its record is
        damaged."""
        if run not in self._sets:
            try:
                self._sets[run] = read_run(self._folder / run).sets
            except TrainingError:
                return ()
        return self._sets[run]

    def _seen(self, run: str) -> bool:
        return all(map(self._sees, self._made_of(run)))

    def remove(self, run: str) -> tuple[str, ...]:
        """Delete a run and its adapter; returns the sets that it was made of. Raises
        TrainingError while it is going on."""
        folder = self._run_folder(run)
        made_of = self._made_of(run)
        lock = locks.take(folder / LOCK)
        if lock is None:
            raise TrainingError("train.still_running", run=run)
        try:
            doomed = self._folder / f".removed-{run}-{time.time_ns()}"
            folder.rename(doomed)
            self._readers.pop(run, None)
            self._sets.pop(run, None)
            shutil.rmtree(doomed, ignore_errors=True)
        finally:
            locks.release(lock)
        return made_of

    def stop_and_remove(self, run: str, timeout: float) -> None:
        """Delete a run, stopping it first where it is going on. Raises TrainingError where
        it has not stopped after `timeout` seconds."""
        if locks.is_held(self._run_folder(run) / LOCK):
            self.stop(run)
            self.wait(run, timeout)
        self.remove(run)

    def wait(self, run: str, timeout: float | None = None) -> RunStatus:
        """The status once the run has ended, or after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            status = self.status(run)
            if status.state not in ("queued", "starting", "running"):
                return status
            if deadline is not None and time.monotonic() >= deadline:
                return status
            time.sleep(0.1)

    def _claim(self, config: TrainConfig, set_name: str) -> tuple[str, Path]:
        """A new folder of a free name; mkdir decides between two who ask at once."""
        base = _run_name(config, set_name)
        for number in range(1, 1000):
            name = base if number == 1 else f"{base}-{number}"
            try:
                (self._folder / name).mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise TrainingError("train.cannot_write", reason=_reason(error)) from error
            return name, self._folder / name
        raise TrainingError("train.cannot_write", reason=base)

    def _launch(self, run: str, folder: Path) -> None:
        lock = locks.take(folder / LOCK)
        if lock is None:
            raise TrainingError("train.still_running", run=run)
        try:
            (folder / STOP).unlink(missing_ok=True)
            (folder / QUEUE_TICKET).write_text(str(time.time_ns()))
            with (folder / LOG).open("ab") as log:
                # The child inherits the lock: at no moment is the run without its keeper.
                child = subprocess.Popen(
                    [sys.executable, "-m", "lawui.training.child", str(folder), str(lock)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    close_fds=True,
                    pass_fds=(lock,),
                    env=_environment(),
                )
        except OSError as error:
            raise TrainingError("train.cannot_write", reason=_reason(error)) from error
        finally:
            locks.release(lock)
        _CHILDREN.append(child)

    def _reader(self, run: str) -> EventReader:
        return self._readers.setdefault(run, EventReader(self._folder / run / EVENTS))

    def _run_folder(self, run: str) -> Path:
        folder = self._folder / run
        there = _NAME.fullmatch(run) and (folder / RUN_FILE).is_file()
        if not there or not self._seen(run):
            raise TrainingError("train.unknown_run", run=run)
        return folder


def _state(held: bool, progress: Progress) -> RunState:
    if progress.ended and not held:
        return progress.ended  # type: ignore[return-value]
    if not held:
        return "crashed"
    if progress.queued:
        return "queued"
    return "running" if progress.begun else "starting"


def _reap() -> None:
    _CHILDREN[:] = [child for child in _CHILDREN if child.poll() is None]


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _run_name(config: TrainConfig, set_name: str) -> str:
    """The last part of --output-dir, else the set and the time, as a folder's name."""
    wanted = Path(config.output_dir).name if config.output_dir else ""
    if not wanted:
        wanted = f"{set_name or 'run'}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    name = re.sub(r"[^\w.\-]+", "-", wanted).strip("-.")[:60]
    return "run-" + name if name == "base" or not re.match(r"\w", name) else name


def _environment() -> dict[str, str]:
    """The child's environment: this very package, nothing from the network."""
    package_root = str(Path(__file__).resolve().parents[2])
    paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        # Threads that spin while they wait steal the cores from the page and from each
        # other: several times slower where anything else runs.
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "true",  # it forks nothing
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
