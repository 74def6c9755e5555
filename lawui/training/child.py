"""The process of one training run: python -m lawui.training.child RUN_DIR [LOCK_FD]

It holds the run's lock for life, waits its turn, trains, and says everything through
the event log. It talks to nobody else: pages and servers come and go without it noticing.
A run of several processes it starts and watches (launch.py).
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lawui.errors import LabError, TrainingError
from lawui.training import launch, locks, rows
from lawui.training.events import QUEUED, EventWriter
from lawui.training.runs import (
    EVENTS,
    GLOBAL_LOCK,
    LOCK,
    QUEUE_TICKET,
    RUN_FILE,
    STOP,
    RunFile,
    read_run,
)

if TYPE_CHECKING:
    from lawui.training.parallel import Peers

POLL_SECONDS = 0.2


class _Stop:
    """Whether a stop was asked for, by the file or by SIGTERM."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / STOP
        self.signalled = False

    def __call__(self) -> bool:
        return self.signalled or self._file.exists()


def main(arguments: list[str]) -> int:
    """Run the training of the folder named first; 0 done or stopped, 1 failed, 2 misuse."""
    if not arguments or not (folder := Path(arguments[0])).is_dir():
        print("usage: python -m lawui.training.child RUN_DIR", file=sys.stderr)
        return 2
    if len(arguments) > 1:
        lock: int | None = int(arguments[1])
        os.set_inheritable(lock, False)  # type: ignore[arg-type]
    else:
        lock = locks.take(folder / LOCK)
    if lock is None:
        print(f"{folder} is being trained by another process", file=sys.stderr)
        return 2
    stop = _Stop(folder)
    former = signal.signal(signal.SIGTERM, lambda *_: setattr(stop, "signalled", True))
    try:
        return _work(folder, stop)
    finally:
        signal.signal(signal.SIGTERM, former)
        locks.release(lock)


def _work(folder: Path, stop: _Stop) -> int:
    """Wait, train, and say how it ended, whatever happens."""
    log = EventWriter(folder / EVENTS)
    try:
        run = read_run(folder)
        turn = _wait_for_turn(folder, log, stop)
        (folder / QUEUE_TICKET).unlink(missing_ok=True)
        if turn is None:
            log.say("stopped", TrainingError("train.stopped_before_first"))
            return 0
        try:
            if run.config.nproc > 1:
                launch.train(folder, run.config.nproc, stop)
            else:
                train(folder, run, log, stop)
        finally:
            locks.release(turn)
        return 0
    except LabError as error:
        said = log.say("failed", error)
    except Exception as error:  # the page must hear of what nobody foresaw
        said = log.say("failed", TrainingError("train.unexpected", reason=short(error)))
    traceback.print_exc()
    if not said:
        print("the event log could not be written", file=sys.stderr)
    return 1


def train(
    folder: Path,
    run: RunFile,
    log: EventWriter,
    stop: Callable[[], bool],
    peers: Peers | None = None,
) -> None:
    """Load what the run needs, late, as a queued run holds no memory, and train."""
    parsed = _read_rows(folder, run)
    from lawui.model.load import load
    from lawui.training.loop import Trainer

    config = run.config
    dtype = config.bnb_4bit_compute_dtype
    loaded = load(
        run.model.get("spec") or config.model_name or "embedded",
        quantize=config.use_4bit,
        quant_type=config.bnb_4bit_quant_type,
        compute_dtype=None if dtype == "auto" else dtype,
        offline=True,
    )
    if run.model.get("sha") and run.model["sha"] != loaded.sha:
        raise TrainingError("train.base_changed", model=loaded.name)
    Trainer(folder, run, parsed, loaded, log, stop, peers=peers).train()


def _read_rows(folder: Path, run: RunFile) -> list[rows.Row]:
    path = folder / rows.ROWS
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError("train.bad_rows", path=str(path)) from error
    if rows.sha(text) != run.rows_sha:
        raise TrainingError("train.bad_rows", path=str(path))
    return rows.load(text, str(path))


def _wait_for_turn(folder: Path, log: EventWriter, stop: _Stop) -> int | None:
    """The lock of the one run that trains; None where a stop came first."""
    path = folder.parent / GLOBAL_LOCK
    said = False
    while True:
        if not _others_before(folder) and (turn := locks.take(path, patience=0.1)) is not None:
            return turn
        if not said:
            log.say("log", TrainingError(QUEUED))
            said = True
        if stop():
            return None
        time.sleep(POLL_SECONDS)


def _others_before(folder: Path) -> bool:
    """Whether a run that asked earlier is still waiting; first come, first served."""
    mine = _ticket(folder)
    return any(
        other != folder and _ticket(other) < mine and locks.is_held(other / LOCK)
        for other in (path.parent for path in folder.parent.glob(f"*/{RUN_FILE}"))
        if (other / QUEUE_TICKET).exists()
    )


def _ticket(folder: Path) -> int:
    try:
        return int((folder / QUEUE_TICKET).read_text())
    except (OSError, ValueError):
        return sys.maxsize


def short(error: Exception) -> str:
    """The kind of an error and its first line."""
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}"[:300]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
