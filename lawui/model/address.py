"""The address of a model that somebody else serves: `http://HOST:PORT/v1#MODEL`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from lawui.errors import UsageError

SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class Address:
    """`url` is the root of an OpenAI-compatible interface (`http://gpu:8000/v1`, no slash
    behind), `model` the name it serves the base by. `loopback` tells whether the host is
    this machine by its very name (localhost, 127.0.0.0/8, ::1): no name is ever resolved
    for that."""

    url: str
    model: str
    loopback: bool

    @property
    def plain(self) -> bool:
        """Whether what is sent could be read on its way."""
        return self.url.startswith("http://") and not self.loopback

    @property
    def root(self) -> str:
        """Where the server keeps what does not belong to a version: without `/v1`."""
        return self.url.removesuffix("/v1")


def is_address(model: str) -> bool:
    """Whether `--model` names a server and not a model of this machine."""
    return model.startswith(SCHEMES)


def parse(text: str) -> Address:
    """Raises UsageError where `text` is no `http(s)://HOST:PORT/v1#MODEL`, or holds a key:
    that belongs in the environment, because an address is shown and kept."""
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = None, ""
    if parts is None or not host:
        raise UsageError("server.address")
    if parts.username is not None or parts.password is not None or parts.query:
        raise UsageError("server.key_in_address")
    if not parts.fragment.strip():
        raise UsageError("server.no_model", server=_url(parts.scheme, parts.netloc, parts.path))
    url = _url(parts.scheme, parts.netloc, parts.path)
    return Address(url, parts.fragment.strip(), _is_loopback(host))


def _url(scheme: str, netloc: str, path: str) -> str:
    return f"{scheme}://{netloc}{path}".rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
