"""Locks that die with their process.

flock belongs to an open file, not to a process: a parent can take it and hand it to its
child, and the kernel lets go of it however the child ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path


def take(path: Path, patience: float = 1.0) -> int | None:
    """The file descriptor of an exclusive lock on `path`, or None where another holds it.

    A probe by `is_held` holds a shared lock for an instant, so a refusal is believed only
    after `patience` seconds.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(0.02)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock. Two probes at once don't disturb each other."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def release(descriptor: int) -> None:
    """Let go of a lock that `take` returned."""
    os.close(descriptor)
