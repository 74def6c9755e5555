"""The event log of a run: one JSON object a line, appended and never rewritten.

The child writes; any number of pages read. A kill may leave half a line at the end:
readers ignore it, and the next writer starts on a line of its own.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lawui.errors import LabError
from lawui.types import TrainEvent, TrainKind

TERMINAL: tuple[TrainKind, ...] = ("stopped", "done", "failed")
QUEUED = "train.queued"
"""The key of the event by which a child says that it waits for another run."""

_FIELDS = {field.name for field in fields(TrainEvent)}
_KINDS = ("start", "log", "eval", "checkpoint", "retry", "stopped", "done", "failed")


class EventWriter:
    """Appends to a run's log. A disk that is full loses no event and stops no training:
    what could not be written is kept and written with the next event."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: list[bytes] = []

    def write(self, kind: TrainKind, **values: Any) -> bool:
        """Append one event; `values` are TrainEvent's fields. Says whether it is on disk."""
        event = TrainEvent(t=time.time(), kind=kind, **values)
        bare = {k: _plain(v) for k, v in asdict(event).items() if v not in (None, "", {})}
        self._pending.append(json.dumps(bare, ensure_ascii=False).encode() + b"\n")
        try:
            self._flush(lasting=kind in TERMINAL)
        except OSError:
            return False
        return True

    def say(self, kind: TrainKind, error: LabError, **values: Any) -> bool:
        """Append an event whose sentence is `error`'s: English in `message`, key and
        params in `data`, so that a page can say it in its reader's language."""
        data = {"key": error.key, **error.params, **values.pop("data", {})}
        return self.write(kind, message=error.text("en"), data=data, **values)

    def _flush(self, lasting: bool) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                _write_all(descriptor, b"\n")
            while self._pending:
                _write_all(descriptor, self._pending[0])
                self._pending.pop(0)
            if lasting:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, line: bytes) -> None:
    written = os.write(descriptor, line)
    if written < len(line):  # the disk filled up: the rest must fail or complete the line
        os.write(descriptor, line[written:])


def _plain(value: Any) -> Any:
    """JSON has no NaN: such figures are left out of an event, and said in words."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def parse(line: bytes) -> TrainEvent | None:
    """One line of a log; None for a line that is not a whole event."""
    try:
        values = json.loads(line)
        event = TrainEvent(**{k: v for k, v in values.items() if k in _FIELDS})
    except (ValueError, TypeError, AttributeError):
        return None
    return event if event.kind in _KINDS and isinstance(event.t, int | float) else None


@dataclass(frozen=True)
class Progress:
    """What the log says so far, folded event by event.

    `seconds` counts the time spent in runs, not the pauses between a stop and its resume.
    `ended` is the last terminal kind since the last start, "" while there is none.
    """

    ended: str = ""
    queued: bool = False
    begun: bool = False
    step: int = 0
    max_steps: int = 0
    loss: float | None = None
    eval_loss: float | None = None
    eval_accuracy: float | None = None
    seconds: float = 0.0
    last: float = 0.0
    message: str = ""
    data: dict[str, Any] | None = None


def fold(progress: Progress, event: TrainEvent) -> Progress:
    """The progress after one more event."""
    now = asdict(progress)
    starts = event.kind == "start"
    waits = event.data.get("key") == QUEUED
    if progress.begun and not starts and not waits and not progress.ended:
        now["seconds"] += max(0.0, event.t - progress.last)
    now.update(last=event.t, queued=waits)
    now["step"] = event.step if not waits else progress.step
    now["max_steps"] = event.max_steps or progress.max_steps
    for name in ("loss", "eval_loss", "eval_accuracy"):
        if (value := getattr(event, name)) is not None:
            now[name] = value
    if starts or waits:
        now.update(ended="", begun=starts, message="", data=None)
    elif event.kind in TERMINAL:
        now.update(ended=event.kind, begun=False)
    if event.message:
        now.update(message=event.message, data=event.data)
    return Progress(**now)


class EventReader:
    """Reads a growing log from where it stopped last time. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._identity: tuple[int, int] = (0, 0)
        self._offset = 0
        self._events: list[TrainEvent] = []
        self._progress = Progress()

    def read(self) -> list[TrainEvent]:
        """Every whole event so far."""
        with self._lock:
            self._catch_up()
            return list(self._events)

    def progress(self) -> Progress:
        """What the events so far say; costs one stat where nothing is new."""
        with self._lock:
            self._catch_up()
            return self._progress

    def _catch_up(self) -> None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return self._forget()
        identity = (stat.st_dev, stat.st_ino)
        if identity != self._identity or stat.st_size < self._offset:
            self._forget()
            self._identity = identity
        if stat.st_size == self._offset:
            return None
        with self._path.open("rb") as file:
            file.seek(self._offset)
            fresh = file.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            if event := parse(line):
                self._events.append(event)
                self._progress = fold(self._progress, event)
        return None


def effective(events: list[TrainEvent]) -> list[TrainEvent]:
    """The curve as it stands: after a resume, figures past its checkpoint are superseded
    by those of the resumed run and left out."""
    kept: list[TrainEvent] = []
    for event in events:
        if event.kind == "start":
            origin = int(event.data.get("resumed_from", 0) or 0)
            if origin == 0:
                kept = [e for e in kept if e.kind not in ("log", "eval", "checkpoint")]
            else:
                kept = [
                    e
                    for e in kept
                    if e.kind not in ("log", "eval", "checkpoint") or e.step <= origin
                ]
        kept.append(event)
    return kept
