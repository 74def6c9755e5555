"""Collections on a Chroma server that several labs share.

A collection is named by its fingerprint, so labs with the same statutes and embedder read
the same one. It is filled under a name of the builder's own and renamed when it is whole:
whoever opens the fingerprint's name never sees a part, and of two who build at once the
first to end gives it the name and the other takes what is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

_BUILDING = "lawui-building-"
STALE_SECONDS = 24 * 3600
"""After so long another lab's unfinished collection counts as left behind."""


class Shared:
    """One build of the collection `name` for the lab whose index lies in `folder`, which
    holds its lock. `count` is the number of passages of a whole one."""

    def __init__(self, client: Any, name: str, folder: Path, count: int) -> None:
        self._client = client
        self._name = name
        self._count = count
        place = f"{socket.gethostname()} {folder.resolve()}"
        self._builder = hashlib.sha256(place.encode()).hexdigest()[:16]
        self.own_name = f"{_BUILDING}{self._builder}-{secrets.token_hex(6)}"
        self.metadata = {"builder": self._builder, "began": int(time.time())}

    def is_there(self) -> bool:
        """Whether the whole collection is there already. What this lab left unfinished, or
        another long ago, is deleted, and so is one of the name that is not whole."""
        for collection in self._client.list_collections():
            if collection.name.startswith(_BUILDING) and self._is_left(collection.metadata or {}):
                self._delete(collection.name)
        whole = self._whole()
        if whole is False:
            self._delete(self._name)
        return bool(whole)

    def publish(self, collection: Collection) -> None:
        """Give the filled collection its name, or delete it where another was first."""
        try:
            collection.modify(name=self._name)
        except Exception:
            if not self._whole():
                raise
            self._delete(self.own_name)

    def _whole(self) -> bool | None:
        """None where there is no collection of the name."""
        from chromadb.errors import NotFoundError

        try:
            return bool(self._client.get_collection(self._name).count() == self._count)
        except NotFoundError:
            return None

    def _is_left(self, metadata: dict[str, Any]) -> bool:
        # The folder's lock is held: nobody else builds for this lab.
        mine = metadata.get("builder") == self._builder
        return mine or time.time() - float(metadata.get("began") or 0) > STALE_SECONDS

    def _delete(self, name: str) -> None:
        with contextlib.suppress(Exception):  # another may have done so
            self._client.delete_collection(name)
