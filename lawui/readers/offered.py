"""Files made to be taken home: each in a folder that nobody can guess, for a day.

They lie where the page serves copies of files from, which a browser downloads and never
opens in the page's own name.
"""

from __future__ import annotations

import filecmp
import hashlib
import secrets
import shutil
import time
from pathlib import Path

from lawui.errors import HostError

KEPT_SECONDS = 24 * 3600
"""How long such a file, a copy of one, or an upload is kept."""


class Offered:
    """The files below `served`, the folder in which the page keeps uploads and copies."""

    def __init__(self, served: Path) -> None:
        self._served = served
        self._folder = served / "offered"

    def write(self, user: str, name: str, content: str | bytes) -> Path:
        """Write `content` as the file `name` for a reader. Raises HostError."""
        path = self._of(user) / secrets.token_hex(16) / name
        try:
            path.parent.mkdir(parents=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        except OSError as error:
            raise HostError("host.disk", reason=error.strerror or str(error)) from error
        return path

    def count(self, user: str) -> int:
        """How many files of a reader there are."""
        return len(self._files(user))

    def forget(self, user: str) -> int:
        """Delete a reader's files with the copies that the page made of them; returns how
        many there were."""
        files = self._files(user)
        for path in files:
            for copy in self._served.glob(f"*/{_literal(path.name)}"):
                if copy.is_file() and filecmp.cmp(path, copy, shallow=False):
                    shutil.rmtree(copy.parent, ignore_errors=True)
        shutil.rmtree(self._of(user), ignore_errors=True)
        return len(files)

    def forget_old(self) -> None:
        """Delete what is older than a day, copies and uploads too."""
        before = time.time() - KEPT_SECONDS
        for folder in (*self._served.glob("*"), *self._folder.glob("*/*")):
            if folder != self._folder and folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)

    def _of(self, user: str) -> Path:
        return self._folder / hashlib.sha256(user.encode()).hexdigest()[:16]

    def _files(self, user: str) -> list[Path]:
        return [path for path in self._of(user).glob("*/*") if path.is_file()]


def _literal(name: str) -> str:
    """A file's name as a pattern that finds it alone."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)
