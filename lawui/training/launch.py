"""Several processes for one run, started and watched from the run's own child.

`accelerate launch` starts them; each is lawui/training/rank.py. The child stays what it
is for a run of one process: it holds the lock, waits its turn, hears of a stop, and says
how it ended where nobody else is left to say so.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lawui.errors import TrainingError
from lawui.training import files
from lawui.training.runs import LOG, STOP

LAST_WORD = "rank.failed.json"
"""What a process says of its failure: {key, params} of a TrainingError."""

POLL_SECONDS = 0.2
_TAIL = 20_000  # bytes of the child's log in which the launcher says how each ended
_ENDED = re.compile(rb"rank\s*:\s*(\d+)[^\n]*\n\s*exitcode\s*:\s*(-?\d+)")


def train(folder: Path, processes: int, stop: Callable[[], bool]) -> None:
    """Train the run in `folder` with so many processes until all have ended.

    Raises TrainingError where one failed or was ended from outside: `train.rank_lost`
    names it. Its events, checkpoints and adapter are written by the first of them.
    """
    (folder / LAST_WORD).unlink(missing_ok=True)
    sys.stdout.flush()
    # Neither launcher nor processes outlive this one: a lock that is free means an end.
    words = command(folder, processes)
    launcher = subprocess.Popen(words, preexec_fn=die_with_parent)  # noqa: PLW1509 - one thread
    try:
        while launcher.poll() is None:
            if stop():
                (folder / STOP).touch()
            time.sleep(POLL_SECONDS)
    finally:
        if launcher.poll() is None:
            launcher.kill()
            launcher.wait()
    if launcher.returncode:
        raise _failure(folder, processes)


def command(folder: Path, processes: int) -> list[str]:
    """`accelerate launch` for this run on this machine, with nothing left to its defaults."""
    threads = max(1, int(os.environ.get("OMP_NUM_THREADS") or (os.cpu_count() or 1) // processes))
    settings = {
        "num_processes": processes,
        "num_machines": 1,
        "mixed_precision": "no",
        "dynamo_backend": "no",
        "main_process_port": free_port(),
        "num_cpu_threads_per_process": threads,
    }
    flags = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    # What it calls multi_gpu starts any processes that talk to each other, cards or none.
    head = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", *flags]
    return [*head, "--module", "lawui.training.rank", str(folder)]


def die_with_parent() -> None:
    """Let the kernel end this process with the one that started it (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def leave_word(folder: Path, error: TrainingError) -> None:
    """Say, for the child to tell, why this process ends; the first word stays."""
    if not (folder / LAST_WORD).exists():
        files.write_json(folder / LAST_WORD, {"key": error.key, "params": error.params})


def _failure(folder: Path, processes: int) -> TrainingError:
    try:
        said: dict[str, Any] = json.loads((folder / LAST_WORD).read_text("utf-8"))
        (folder / LAST_WORD).unlink()
        return TrainingError(said["key"], **said["params"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    rank, status = _ended(folder / LOG)
    return TrainingError("train.rank_lost", process=rank + 1, count=processes, how=status)


def _ended(log: Path) -> tuple[int, str]:
    """(rank, how it ended) of the process that the others ended for, by the launcher's
    report; one that a signal ended comes before those that only missed it."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            found = [(int(rank), int(code)) for rank, code in _ENDED.findall(file.read())]
    except OSError:
        found = []
    found.sort(key=lambda one: (one[1] >= 0 or one[1] == -signal.SIGTERM, one[0]))
    if not found:
        return 0, "?"
    rank, code = found[0]
    if code >= 0:
        return rank, f"exit {code}"
    try:
        return rank, signal.Signals(-code).name
    except ValueError:
        return rank, f"signal {-code}"


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
