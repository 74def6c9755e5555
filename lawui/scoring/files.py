"""The files of a scoring run: answers read as they grow, written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lawui.errors import ScoringError
from lawui.types import LETTERS, Answer

_FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ASKED_WITH = (
    *("text_sha", "n_tokens", "passage_ids", "dropped_passages"),
    *("cited", "found", "reused"),
)


@dataclass
class AnswerLog:
    """answers.jsonl as read so far; `refresh` reads only what was added since."""

    path: Path
    answers: dict[str, Answer] = field(default_factory=dict)
    asked_with: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: int = 0
    seconds: float = 0.0
    offset: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self) -> AnswerLog:
        with self.guard:
            try:
                with self.path.open("rb") as file:
                    self._read(file)
            except FileNotFoundError:
                self._reset()
        return self

    def _read(self, file: IO[bytes]) -> None:
        if os.fstat(file.fileno()).st_size < self.offset:
            self._reset()
        file.seek(self.offset)
        added = file.read()
        whole = added[: added.rfind(b"\n") + 1]  # what follows is still being written
        self.offset += len(whole)
        for line in whole.splitlines():
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            values = json.loads(line)
            answer = _answer(values)
            tokens, seconds = int(values["batch_tokens"]), float(values["batch_seconds"])
        except (ValueError, KeyError, TypeError):
            return  # a damaged line is no answer: its question is asked again on resume
        self.tokens += tokens
        self.seconds += seconds
        self.answers.setdefault(answer.question_id, answer)
        known = {k: values[k] for k in _ASKED_WITH if k in values}
        self.asked_with.setdefault(answer.question_id, known)

    def _reset(self) -> None:
        self.answers, self.asked_with = {}, {}
        self.tokens, self.seconds, self.offset = 0, 0.0, 0


def _answer(values: dict[str, Any]) -> Answer:
    a, b, c, d = (float(p) for p in values["probs"])
    if values["choice"] not in LETTERS:
        raise ValueError(values["choice"])
    return Answer(
        question_id=str(values["question_id"]),
        probs=(a, b, c, d),
        choice=values["choice"],
        letter_mass=float(values["letter_mass"]),
        adapter=str(values["adapter"]),
        evidence=str(values["evidence"]),
        prompt_sha=str(values["prompt_sha"]),
        seconds=float(values["seconds"]),
    )


def append_whole(path: Path, data: bytes) -> None:
    """Append all of `data` and flush it to the disk, or leave the file as it was."""
    with path.open("ab", buffering=0) as file:
        before = os.fstat(file.fileno()).st_size
        try:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
            os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                os.ftruncate(file.fileno(), before)
            raise


def mend(path: Path) -> None:
    """Cut a half-written last line off, so that the next one starts on its own."""
    try:
        with path.open("rb+") as file:
            data = file.read()
            if data and not data.endswith(b"\n"):
                file.truncate(data.rfind(b"\n") + 1)
                os.fsync(file.fileno())
    except FileNotFoundError:
        return


def write_json(path: Path, values: dict[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(values, file, ensure_ascii=False, indent=1, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def plain_disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        key = "scoring.disk_full" if error.errno in _FULL_DISK else "scoring.cannot_write"
        reason = error.strerror or str(error)
        raise ScoringError(key, path=str(path), reason=reason) from error
