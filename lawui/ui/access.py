"""Who may reach the page: address, port, log-in. Loopback and nobody else by default.

Who somebody is, is settled here and nowhere else: a log-in of the page, a header that a
proxy on this machine sets, or, for MCP clients, HTTP Basic. What they may do is for
lawui/readers/people.py to say.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import importlib.util
import logging
import os
import re
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from lawui.errors import HostError, UsageError
from lawui.readers.people import People, accounts
from lawui.ui.text import preferred

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MCP_PATH = "/gradio_api/mcp"
UPLOAD_PATHS = ("/gradio_api/upload", "/upload")
_DIRECT = re.compile(r"(/gradio_api)?/(run|api)/")
_ADDRESSED = re.compile(r"(/gradio_api)?/file[=/]/*[A-Za-z][A-Za-z0-9+.-]*:")
UNEXPECTED = "unexpected: see the log"
"""What an endpoint says of an error of ours."""

_UNREADABLE = (LookupError, TypeError, ValueError, RecursionError)
"""What Gradio raises over a request that it cannot read: it looks things up in it unasked."""

_USER = "lawui.user"
_ADDRESS: ContextVar[str] = ContextVar("address", default="")
_ON_ROUTE: ContextVar[str | None] = ContextVar("on_route", default=None)

Scope = MutableMapping[str, Any]


def who() -> str | None:
    """The log-in name of whoever caused what is being handled; "" where nobody logs in,
    None where no request is handled. Never taken from what a caller says."""
    from gradio.context import LocalContext
    from starlette.requests import Request

    on_route = _ON_ROUTE.get()
    if on_route is not None:
        return on_route
    request = LocalContext.request.get(None)
    if request is None:
        return None
    if isinstance(request, Request):  # an MCP tool
        return str(request.scope.get(_USER) or "")
    return str(getattr(request, "username", None) or "")


def reader() -> str:
    """The same, "" for nobody: the name under which things are kept."""
    return who() or ""


@contextmanager
def acting(user: str) -> Iterator[None]:
    """What is done inside is done by `user`: for routes that are not Gradio's."""
    token = _ON_ROUTE.set(user)
    try:
        yield
    finally:
        _ON_ROUTE.reset(token)


def people(
    auth_file: Path | None = None,
    auth_header: str = "",
    demo: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> People:
    """Everybody of the users' file or LAWUI_AUTH. With `auth_header` the proxy's word is
    taken and a file gives roles alone. Raises HostError for users that cannot be read."""
    found = accounts(auth_file, environment)
    return People(found, known_elsewhere=bool(auth_header), demo=demo, who=who)


def options(
    host: str,
    port: int,
    people: People,
    *,
    auth_header: str = "",
    share: bool = False,
    offline: bool = False,
    routes: Sequence[Any] = (),
    environment: Mapping[str, str] = os.environ,
) -> dict[str, Any]:
    """Arguments for `launch()`: server_name, server_port, share, auth or auth_dependency,
    the gate before every request, and `routes` before Gradio's own.

    Raises HostError where the page would be reachable from outside without a log-in
    (a Hugging Face Space, which is read-only, apart), where a proxy's header would be
    believed from outside, or where the port is in use; UsageError for --share with
    --offline.
    """
    if share and offline:
        raise UsageError("host.offline", what="--share")
    on_a_space = bool(environment.get("SPACE_ID"))
    outside = "--share" if share else f"--host {host}" if host not in LOOPBACK else ""
    if auth_header and outside:
        raise HostError("host.proxy")
    if outside and not people.log_in and not on_a_space:
        raise HostError("host.no_login", how=outside)
    _check_port(host, port)
    by_page = people.log_in and not auth_header
    return {
        "server_name": host,
        "server_port": port,
        "share": share,
        "auth": _login(people) if by_page else None,
        "auth_dependency": _named_by(auth_header) if auth_header else None,
        "app_kwargs": {
            "middleware": [_gate(people, auth_header)],
            "routes": list(routes),
            # FastAPI's own pages would stand open beside the log-in.
            **dict.fromkeys(("docs_url", "redoc_url", "openapi_url")),
        },
    }


def mcp(asked: bool) -> bool:
    """Whether to serve MCP tools. Raises HostError where its library is missing: gradio
    would then serve nothing and say nothing."""
    if asked and importlib.util.find_spec("mcp") is None:
        raise HostError("host.no_mcp")
    return asked


def _login(people: People) -> Callable[[str, str], Awaitable[bool]]:
    """What Gradio's log-in asks; it answers 429 to who has guessed too often."""

    async def right(name: str, password: str) -> bool:
        return await _check(people, name, password, _ADDRESS.get())

    return right


async def _check(people: People, name: str, password: str, address: str) -> bool:
    from fastapi import HTTPException

    seconds = people.failures.wait(name, address)
    if seconds > 0:
        wait = {"Retry-After": str(int(seconds) + 1)}
        raise HTTPException(429, "Too many wrong passwords. Try again later.", wait)
    # Counted before the answer is known: many tries at once are as many tries.
    people.failures.add(name, address)
    # scrypt takes its time, and others must not wait for it.
    if not await asyncio.to_thread(people.check, name, password):
        return False
    people.failures.forget(name, address)
    return True


def _named_by(header: str) -> Callable[[Any], str | None]:
    def name(request: Any) -> str | None:
        # A header that comes twice was not set by the proxy alone.
        values = [v.strip() for v in request.headers.getlist(header)]
        return values[0] or None if len(values) == 1 else None

    return name


def user_of(request: Any, auth_header: str = "") -> str | None:
    """Whose page this request comes from, by the proxy's header or Gradio's own cookie."""
    if auth_header:
        return _named_by(auth_header)(request)
    app = request.app
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    token = next((request.cookies[n] for n in names if n in request.cookies), None)
    return app.tokens.get(token) if token else None


class Gate:
    """Before every request: MCP, which Gradio leaves open, asks for a log-in as the page
    does; what a user uploads is counted; nothing is fetched from elsewhere for a caller; and
    the address of who logs in is noted for the limiter."""

    def __init__(self, app: Any, people: People, auth_header: str) -> None:
        self._app, self._people, self._header = app, people, auth_header

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            _ADDRESS.set((scope.get("client") or ("",))[0])
            path = str(scope.get("path", ""))
            refused = self._refused(scope, path)
            if refused is not None:
                await refused(scope, receive, send)
                return
            if self._people.log_in and path.startswith(MCP_PATH):
                user = await self._mcp_user(scope)
                if user is None:
                    await _unknown()(scope, receive, send)
                    return
                scope[_USER] = user
        await _in_words(self._app, scope, receive, send)

    def _refused(self, scope: Scope, path: str) -> Any:
        """The answer to a request that goes no further, or None."""
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse

        # Gradio would fetch an address for whoever names it as a file.
        if _ADDRESSED.match(path):
            return PlainTextResponse("not a file", 403)
        if path.rstrip("/") not in UPLOAD_PATHS:
            return None
        request = Request(scope)
        size = request.headers.get("content-length", "")
        if not size.isdecimal():
            return PlainTextResponse("Content-Length is missing.", 411)
        try:
            who = user_of(request, self._header) or _ADDRESS.get()
            self._people.upload(who, int(size[:20]))
        except UsageError as error:
            lang = preferred(request.headers.get("accept-language", ""), "ja")
            return PlainTextResponse(error.text(lang), 429)
        return None

    async def _mcp_user(self, scope: Scope) -> str | None:
        from fastapi import HTTPException
        from starlette.requests import Request

        request = Request(scope)
        user = user_of(request, self._header)
        if user is not None or self._header:
            return user
        name, password = _basic(request.headers.get("authorization", ""))
        try:
            known = bool(name) and await _check(self._people, name, password, _ADDRESS.get())
        except HTTPException:  # too many wrong passwords
            return None
        return name if known else None


async def _in_words(app: Any, scope: Scope, receive: Any, send: Any) -> None:
    """Let `app` answer. A request that Gradio cannot make sense of is the caller's mistake
    and not the server's; nor is an endpoint's refusal, which Gradio sends as 500. An error
    of ours stays one."""
    from starlette.responses import JSONResponse

    begun, held = False, None
    direct = scope["type"] == "http" and _DIRECT.match(str(scope.get("path", "")))

    async def told(message: Any) -> None:
        nonlocal begun, held
        if direct and message.get("status") == 500:
            held = message  # until its words tell whose mistake it is
            return
        if held is not None:
            refused = UNEXPECTED.encode() not in message.get("body", b"")
            await send({**held, "status": 400 if refused else 500})
            held = None
        begun = True
        await send(message)

    try:
        await app(scope, receive, told)
    except _UNREADABLE as error:
        if begun or scope["type"] != "http":
            raise
        log.warning("no answer to %s %s: %r", scope["method"], scope["path"], error)
        await JSONResponse({"error": "request"}, 400)(scope, receive, send)


def _gate(people: People, auth_header: str) -> Any:
    from starlette.middleware import Middleware

    return Middleware(Gate, people=people, auth_header=auth_header)  # type: ignore[arg-type]


def _unknown() -> Any:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse("log in", 401, {"WWW-Authenticate": 'Basic realm="lawui"'})


def _basic(header: str) -> tuple[str, str]:
    """Name and password of an Authorization header (RFC 7617)."""
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise HostError("host.port", port=port) from error
