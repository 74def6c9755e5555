"""Requests to an OpenAI-compatible server that survive a bad minute.

What may pass by itself (429, 5xx, a lost connection, an answer cut short) is tried again,
later each time and at a moment of its own, as long as the server asks (Retry-After); what
cannot pass is told at once, in words. The key is sent and never shown. Thread-safe.
"""

from __future__ import annotations

import email.utils
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx

from lawui.errors import LabError, ModelError
from lawui.model.address import Address

_AGAIN = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""Statuses that may pass by themselves."""

_CONNECT_SECONDS = 5.0
_KEPT_SECONDS = 60.0
_SLOW_TRIES = 2


@dataclass(frozen=True)
class Patience:
    """`tries` in all; the n-th pause is drawn from 0 to `first * 2**n` seconds, `longest` at
    most. A server that asks for more than `most` seconds is not waited for. A request without
    a byte for `answer` seconds counts as lost; the second such is the last."""

    tries: int = 6
    first: float = 0.5
    longest: float = 20.0
    most: float = 60.0
    answer: float = 120.0


class Http:
    """The connections to one server; `requests` may be under way at once. `connections` counts
    those that were ever opened: whoever answers on a new one may be another than before."""

    def __init__(self, address: Address, key: str, requests: int, patience: Patience) -> None:
        self.address = address
        self.patience = patience
        self.connections = 0
        self._key = key
        self._closed = threading.Event()
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(patience.answer, connect=_CONNECT_SECONDS, pool=None),
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=requests,
                keepalive_expiry=_KEPT_SECONDS,
            ),
            # A proxy from the environment would take what is meant for this machine elsewhere.
            trust_env=not address.loopback,
            follow_redirects=False,  # the key is for this server alone
        )

    def get(self, path: str, tries: int | None = None) -> dict[str, Any]:
        """The JSON object at `path` below the address, or at a whole URL of the server."""
        return self._asked(lambda: self._send("GET", path), tries)

    def post(self, path: str, body: Mapping[str, Any], tries: int | None = None) -> dict[str, Any]:
        """The JSON object that answers `body`."""
        return self._asked(lambda: self._send("POST", path, body), tries)

    def status(self, path: str, body: Mapping[str, Any]) -> tuple[int, str]:
        """The bare status of one POST and the reason in its answer; no status is an error."""
        try:
            with self._told():
                response = self._send("POST", path, body)
        except _Passing as passing:
            _give_up(passing)
        return response.status_code, self._reason(response)

    def stream(self, path: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The events of a streamed answer. Tried again only before the first of them. Raises
        `server.cut` where the stream ends without its end."""
        for number in range(self.patience.tries):
            begun = False
            try:
                for event in self._events(path, body):
                    begun = True
                    yield event
                return
            except _Passing as passing:
                if begun:
                    raise ModelError("server.cut", server=self.address.url) from passing
                self._pause(passing, number, self.patience.tries)

    def close(self) -> None:
        """Let pauses end at once and connections go."""
        self._closed.set()
        self._client.close()

    # -- inside

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        traced = {"trace": self._trace}
        return self._client.request(method, self._url(path), json=body, extensions=traced)

    def _trace(self, event: str, _: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self.connections += 1

    def _url(self, path: str) -> str:
        return path if path.startswith("http") else self.address.url + path

    def _asked(self, send: Callable[[], httpx.Response], tries: int | None) -> dict[str, Any]:
        last = tries or self.patience.tries
        number = 0
        while True:
            try:
                with self._told():
                    response = send()
                self._check(response)
                return self._values(response)
            except _Passing as passing:
                self._pause(passing, number, last)
                number += 1

    def _events(self, path: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        with (
            self._told(),
            self._client.stream("POST", self._url(path), json=body) as response,
        ):
            if response.status_code >= 400:
                response.read()
            self._check(response)
            ended = False
            for line in _lines(response.iter_bytes()):
                if not line.startswith(b"data:"):
                    continue  # a comment that keeps the connection open
                data = line.removeprefix(b"data:").strip()
                if data == b"[DONE]":
                    return
                event = self._object(data)
                if "error" in event:
                    raise self._failed(event, 500)
                ended = ended or _finished(event)
                yield event
            if not ended:
                raise _Passing(ModelError("server.cut", server=self.address.url))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong under way, as what may pass."""
        server = self.address.url
        if self._closed.is_set():
            raise ModelError("model.closed")
        try:
            yield
        except httpx.TimeoutException as error:
            connecting = isinstance(error, httpx.ConnectTimeout)
            if connecting:
                raise _Passing(ModelError("server.gone", server=server, reason="timeout")) from None
            slow = ModelError("server.slow", server=server, seconds=f"{self.patience.answer:g}")
            raise _Passing(slow) from None
        except httpx.TransportError as error:
            reason = self._shown(str(error)) or type(error).__name__
            raise _Passing(ModelError("server.gone", server=server, reason=reason)) from None
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            if self._closed.is_set():  # the client was closed under a request
                raise ModelError("model.closed") from None
            raise ModelError("server.gone", server=server, reason=self._shown(str(error))) from None

    def _check(self, response: httpx.Response) -> None:
        """Raise for whatever is not an answer."""
        status, server = response.status_code, self.address.url
        if 200 <= status < 300:
            return
        reason = self._reason(response)
        if status in (401, 403):
            raise ModelError("server.key", server=server, status=status)
        if status == 404:
            raise ModelError("server.not_found", server=server, reason=reason)
        if status in _AGAIN:
            if status == 429:
                error = ModelError("server.busy", server=server)
            else:
                error = ModelError("server.failed", server=server, status=status, reason=reason)
            raise _Passing(error, _retry_after(response))
        if status == 400 and _too_long(reason):
            raise ModelError("server.too_long", server=server, reason=reason)
        raise ModelError("server.refused", server=server, status=status, reason=reason)

    def _failed(self, event: Mapping[str, Any], status: int) -> _Passing:
        return _Passing(
            ModelError(
                "server.failed",
                server=self.address.url,
                status=status,
                reason=self._shown(_said(event)),
            )
        )

    def _values(self, response: httpx.Response) -> dict[str, Any]:
        return self._object(response.content)

    def _object(self, data: bytes) -> dict[str, Any]:
        try:
            values = json.loads(data)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise _Passing(ModelError("server.odd", server=self.address.url))
        return values

    def _pause(self, passing: _Passing, number: int, tries: int) -> None:
        """Wait before the next try; raise what happened where there is none."""
        patience, asked = self.patience, passing.seconds
        if passing.error.key == "server.slow":
            tries = min(tries, _SLOW_TRIES)
        if number + 1 >= tries or (asked is not None and asked > patience.most):
            _give_up(passing)
        drawn = random.uniform(0, min(patience.longest, patience.first * 2**number))
        if self._closed.wait(drawn + (asked or 0.0)):
            raise ModelError("model.closed")

    def _reason(self, response: httpx.Response) -> str:
        try:
            values = response.json()
        except ValueError:
            return ""  # a proxy's page is no reason
        return self._shown(_said(values) if isinstance(values, dict) else "")

    def _shown(self, text: str) -> str:
        """Words of the server on one short line, never with the key in them."""
        line = " ".join(text.split())
        return (line.replace(self._key, "…") if self._key else line)[:200]


class _Passing(Exception):
    """What may be over soon: the error to tell if it is not, and what the server asks for."""

    def __init__(self, error: LabError, seconds: float | None = None) -> None:
        super().__init__()
        self.error = error
        self.seconds = seconds


def _give_up(passing: _Passing) -> NoReturn:
    raise passing.error from None


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, by a number or a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _said(values: Mapping[str, Any]) -> str:
    """The reason in an error's JSON: {"error": {"message"}}, {"message"} or {"detail"}."""
    error = values.get("error", values)
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or ""
    return str(error)


def _too_long(reason: str) -> bool:
    return "context" in reason and ("length" in reason or "size" in reason)


def _finished(event: Mapping[str, Any]) -> bool:
    choices = event.get("choices") or [{}]
    return bool(choices[0].get("finish_reason"))


def _lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Lines ended by a newline. httpx's own also end at U+2028, which a text may hold."""
    kept = b""
    for part in parts:
        *whole, kept = (kept + part).split(b"\n")
        yield from (line.rstrip(b"\r") for line in whole)
    if kept:
        yield kept
