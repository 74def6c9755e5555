"""Who may reach the page: address, port, log-in. Loopback and nobody else by default."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lawui.errors import HostError, UsageError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


def reader() -> str:
    """The log-in name of whoever caused the event that is being handled; "" where nobody
    logs in. Never taken from what a caller says."""
    from gradio.context import LocalContext

    request = LocalContext.request.get(None)
    return str(getattr(request, "username", None) or "")


def options(
    host: str,
    port: int,
    *,
    auth_file: Path | None = None,
    share: bool = False,
    offline: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> dict[str, Any]:
    """Arguments for `launch()`: server_name, server_port, share, auth.

    Raises HostError where the page would be reachable from outside without a log-in
    (a Hugging Face Space, which is read-only, apart), where the port is in use, or where
    the users cannot be read; UsageError for --share with --offline.
    """
    if share and offline:
        raise UsageError("host.offline", what="--share")
    users = _users(auth_file, environment)
    on_a_space = bool(environment.get("SPACE_ID"))
    outside = "--share" if share else f"--host {host}" if host not in LOOPBACK else ""
    if outside and not users and not on_a_space:
        raise HostError("host.no_login", how=outside)
    _check_port(host, port)
    return {
        "server_name": host,
        "server_port": port,
        "share": share,
        "auth": _login(users) if users else None,
    }


def mcp(asked: bool) -> bool:
    """Whether to serve MCP tools. Raises HostError where its library is missing: gradio
    would then serve nothing and say nothing."""
    if asked and importlib.util.find_spec("mcp") is None:
        raise HostError("host.no_mcp")
    return asked


def hashed(password: str, salt: bytes | None = None) -> str:
    """`scrypt:SALT:HASH` (hexadecimal) of a password, for the users' file (RFC 7914)."""
    salt = os.urandom(16) if salt is None else salt
    digest = hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)  # type: ignore[arg-type]
    return f"scrypt:{salt.hex()}:{digest.hex()}"


def _users(auth_file: Path | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Name -> password or its hash, from the file or, one `name:password` a line or
    comma, from LAWUI_AUTH."""
    if auth_file is not None:
        try:
            lines = auth_file.expanduser().read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise HostError("host.bad_auth", path=str(auth_file), line=0) from error
        source = str(auth_file)
    else:
        lines = environment.get("LAWUI_AUTH", "").replace(",", "\n").splitlines()
        source = "LAWUI_AUTH"
    users = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, colon, secret = text.partition(":")
        if not colon or not name.strip() or not secret.strip():
            raise HostError("host.bad_auth", path=source, line=number)
        users[name.strip()] = secret.strip()
    if auth_file is not None and not users:
        raise HostError("host.bad_auth", path=source, line=1)
    return users


def _login(users: Mapping[str, str]) -> Callable[[str, str], bool]:
    def right(name: str, password: str) -> bool:
        # An unknown name costs as much time as a wrong password.
        secret = users.get(name, "scrypt:00:00")
        given = password
        if secret.startswith("scrypt:"):
            salt = bytes.fromhex(secret.split(":")[1])
            given = hashed(password, salt)
        return hmac.compare_digest(given.encode(), secret.encode()) and name in users

    return right


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise HostError("host.port", port=port) from error
