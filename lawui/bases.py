"""Real language models to fetch: what is offered, and one download at a time, in the
background, while whatever answers now goes on answering.

Nothing is fetched unasked, and nothing at all with --offline.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lawui.errors import HostError, LabError, ModelError, UsageError
from lawui.model import load

if TYPE_CHECKING:
    from lawui.lab import Lab

FILES = ("*.json", "*.safetensors", "*.txt", "*.jinja", "README.md", "LICENSE*")
"""What is fetched of a model's repository: no pickled weights, no code."""

_FIRST_SECONDS = 2.0


@dataclass(frozen=True)
class Base:
    """A model on offer: its hub id, and the size of its weights in bytes (two a parameter)."""

    id: str
    bytes: int

    @property
    def licence(self) -> str:
        return load.LICENCES[self.id]


OFFERED = (
    Base(load.PREFERRED, 2 * 1_836_828_672),
    Base("Qwen/Qwen2.5-1.5B-Instruct", 2 * 1_543_714_304),
)


@dataclass(frozen=True)
class BaseJob:
    """A download: `state` is idle, running, done or failed; `done` and `total` are bytes,
    `left` seconds as the speed so far has it, None before there is one."""

    state: str = "idle"
    model: str = ""
    done: int = 0
    total: int = 0
    left: float | None = None
    error: LabError | None = None


class Bases:
    """The downloads of one lab. Thread-safe."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._lock = threading.Lock()
        self._job = BaseJob()
        self._began = 0.0
        self._there = 0

    @property
    def refusal(self) -> str:
        """The key of a sentence that says why nothing can be fetched here, or ""."""
        if self._lab.settings.offline:
            return "base.offline"
        return "base.demo" if self._lab.settings.demo else ""

    @property
    def job(self) -> BaseJob:
        """The last download and how far it is."""
        job = self._job
        if job.state != "running":
            return job
        done = _size(job.model)
        seconds = time.monotonic() - self._began
        speed = (done - self._there) / seconds if seconds > _FIRST_SECONDS else 0.0
        left = max(0, job.total - done) / speed if speed > 0 else None
        return replace(job, done=min(done, job.total), left=left)

    def start(self, model: str) -> None:
        """Fetch a model of `OFFERED`, then let it answer. Raises HostError where nothing may
        go out or another download is at work, UsageError for who may not."""
        self._lab.people.allow("fetch")
        self._lab.people.allow("base")
        if self.refusal:
            raise HostError(self.refusal)
        offered = {base.id: base for base in OFFERED}
        if model not in offered:
            raise UsageError("base.unknown", model=model)
        with self._lock:
            if self._job.state == "running":
                raise HostError("base.busy", model=self._job.model)
            self._began, self._there = time.monotonic(), _size(model)
            self._job = BaseJob("running", model, self._there, offered[model].bytes)
        threading.Thread(target=self._fetch, args=(model,), name="base", daemon=True).start()

    def _fetch(self, model: str) -> None:
        try:
            download(model, self._expect)
            self._lab.use(model)
        except LabError as error:
            self._job = replace(self._job, state="failed", error=error)
        except Exception as error:  # a thread that dies silently would look like work
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
            fault = ModelError("base.failed", model=model, reason=reason)
            self._job = replace(self._job, state="failed", error=fault)
        else:
            total = self._job.total
            self._job = replace(self._job, state="done", done=total)

    def _expect(self, total: int) -> None:
        self._job = replace(self._job, total=total)


def download(model: str, expect: Callable[[int], None]) -> Path:
    """Fetch a model into the hub's cache; `expect` hears first how many bytes it will hold.
    What came in an earlier try is not fetched again. Raises what the hub's client raises."""
    from huggingface_hub import snapshot_download

    wanted = snapshot_download(model, allow_patterns=list(FILES), dry_run=True)
    expect(sum(file.file_size or 0 for file in wanted))
    return Path(snapshot_download(model, allow_patterns=list(FILES)))


def _size(model: str) -> int:
    """The bytes of a model that are in the cache, unfinished files included."""
    from huggingface_hub.constants import HF_HUB_CACHE

    blobs = Path(HF_HUB_CACHE) / f"models--{model.replace('/', '--')}" / "blobs"
    sizes = []
    for path in blobs.glob("*"):
        try:
            sizes.append(path.stat().st_size)
        except OSError:  # renamed as it was finished
            continue
    return sum(sizes)
