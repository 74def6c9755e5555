"""A lab whose model is an address: another machine, or another process, answers.

The lab asks this for the connection, for the adapters that are there, and for what has to be
said before anything is sent. The key comes from the environment and from nowhere else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from lawui.errors import AdapterError, LabError, ModelError, UsageError
from lawui.model import adapters, address
from lawui.model.load import ModelChoice
from lawui.types import AdapterInfo

if TYPE_CHECKING:
    from lawui.model.remote import Remote
    from lawui.model.serving import Serving

KEY = "LAWUI_API_KEY"
REQUESTS = "LAWUI_REQUESTS"

_REFUSED_SECONDS = 3.0
"""How long a server that could not be reached is not tried anew: a page asks many times."""


class Served:
    """What a lab does with a server. `owner` connects, or raises why not; `known` gives what
    answers now, or None. Thread-safe."""

    def __init__(
        self,
        owner: Callable[[], Serving],
        known: Callable[[], Serving | None],
        folder_adapter: Callable[[str], AdapterInfo],
    ) -> None:
        self._owner = owner
        self._known = known
        self._folder_adapter = folder_adapter
        self._refused: tuple[float, LabError] | None = None

    def connect(self, choice: ModelChoice) -> Remote:
        """A new connection. Raises ModelError where the server is gone or cannot do it."""
        from lawui.model.remote import Remote

        if self._refused is not None:
            at, error = self._refused
            if time.monotonic() - at < _REFUSED_SECONDS:
                raise type(error)(error.key, **error.params)
        try:
            remote = Remote(
                address.parse(choice.spec),
                key=os.environ.get(KEY, "").strip(),
                folder_adapter=self._trained_here,
                requests=_requests(),
            )
        except LabError as error:
            self._refused = time.monotonic(), error
            raise
        self._refused = None
        return remote

    def adapters(self) -> list[AdapterInfo]:
        """The LoRA adapters that the server serves; none where it cannot be reached, which is
        said elsewhere."""
        try:
            return self._remote().server.adapters()
        except LabError:
            return []

    def adapter(self, name: str) -> AdapterInfo:
        """One of them. Raises AdapterError for a name that the server does not serve."""
        return self._remote().server.adapter(name)

    def load(self, name: str, path: str = "") -> AdapterInfo:
        """Have the server take up an adapter: that of this home by `name`, or the folder
        `path` as the server sees it. Raises AdapterError."""
        info = None if path else self._folder_adapter(name)
        if info is not None:
            adapters.check(info)
        adapters.check_name(name)
        where = path if info is None else str(Path(info.path).resolve())
        return self._remote().server.load(name, where)

    def unload(self, name: str) -> None:
        """Have the server let go of an adapter; its files stay. Raises AdapterError."""
        self._remote().server.unload(name)

    @property
    def notices(self) -> tuple[LabError, ...]:
        """What the server that answers cannot give, once that is known."""
        remote = self._known()
        if remote is None or not _is_remote(remote):
            return ()
        url = remote.server.address.url
        if remote.server.base.loads or self.adapters():
            return ()
        return (ModelError("server.no_adapters", server=url),)

    def _remote(self) -> Remote:
        owner = self._owner()
        if not _is_remote(owner):
            raise UsageError("server.none")
        return owner

    def _trained_here(self, name: str) -> AdapterInfo | None:
        try:
            return self._folder_adapter(name)
        except AdapterError:
            return None


def _is_remote(serving: Serving) -> TypeGuard[Remote]:
    from lawui.model.remote import Remote

    return isinstance(serving, Remote)


def _requests() -> int:
    """Requests under way at once, by the environment or as `remote` has it."""
    from lawui.model.remote import REQUESTS as USUAL

    asked = os.environ.get(REQUESTS, "")
    if not asked:
        return USUAL
    if not asked.isdigit() or not 1 <= int(asked) <= 1024:
        raise UsageError("server.requests", name=REQUESTS, value=asked)
    return int(asked)
