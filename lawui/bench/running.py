"""app.py in a process of its own, for a bench that presses as browsers do."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lawui.errors import HostError
from lawui.training.launch import free_port

APP = Path(__file__).resolve().parents[2] / "app.py"
PATIENCE = 300.0
"""Seconds for app.py to answer."""

_POLL = 0.2


@dataclass(frozen=True)
class Running:
    """A page that answers at `url`; `pid` is its process, `log` what it printed."""

    url: str
    pid: int
    log: Path


@contextmanager
def running(
    home: Path, words: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """app.py with `words` on its command line and a free port, ended with the block. Raises
    HostError where it does not answer."""
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    log = home / "app.log"
    command = [sys.executable, str(APP), "--port", str(port), "--home", str(home), *words]
    with log.open("w") as out:
        app = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait(url, app, log)
        yield Running(url, app.pid, log)
    finally:
        app.terminate()
        try:
            app.wait(20)
        except subprocess.TimeoutExpired:
            app.kill()
            app.wait()


def _wait(url: str, app: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while app.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(_POLL)
    last = (log.read_text("utf-8", errors="replace").strip().splitlines() or ["?"])[-1]
    raise HostError("host.no_page", reason=last)
