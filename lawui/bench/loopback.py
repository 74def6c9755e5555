"""A small OpenAI-compatible server on loopback: what `bench remote` asks, and the tests.

It speaks the part of the interface that lawui uses as vLLM speaks it: models with `parent`,
one token with its candidates, streams, adapters loaded at run time. What it answers is a
function: by default letters drawn from the hash of the text, so that the same text has the
same answer in every process. `python -m lawui.bench.loopback` prints its address and serves
until its standard input ends, then how often it was asked. It listens on 127.0.0.1 and
nowhere else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lawui.types import LETTERS

Body = dict[str, Any]
Candidates = Sequence[tuple[str, float]]
"""Tokens and their probabilities, the likeliest first."""


def by_hash(body: Body) -> Candidates:
    """Four letters that depend on model and text alone, and sixteen other tokens."""
    text = json.dumps([body["model"], body["messages"]], ensure_ascii=False)
    rng = random.Random(hashlib.sha256(text.encode()).digest())
    weights = [rng.random() ** 3 for _ in LETTERS]
    share = 0.98 / sum(weights)
    others = [(f"他{n}", 0.02 / 2 ** (n + 1)) for n in range(16)]
    found = [*zip(LETTERS, (share * w for w in weights), strict=True), *others]
    return sorted(found, key=lambda pair: -pair[1])


def words(body: Body) -> Iterator[str]:
    """The pieces of a written reason."""
    yield from ("第三条に", "よれば、", "期間は", "七日です。")


class Loopback:
    """The server, in threads of this process, on a free port. `asked` counts the requests for
    letters by the hash of their body. `before`, where set, is called first with the handler
    and the body (None for GET): it may answer by itself, and then returns True."""

    def __init__(
        self,
        models: Sequence[str] = ("model",),
        candidates: Callable[[Body], Candidates] = by_hash,
        write: Callable[[Body], Iterator[str]] = words,
        *,
        adapters: Sequence[str] = (),
        loads: bool = False,
        logprobs: bool = True,
        key: str = "",
        port: int = 0,
        seconds: float = 0.0,
    ) -> None:
        self.models = list(models)
        self.adapters = {name: f"/adapters/{name}" for name in adapters}
        self.candidates = candidates
        self.write = write
        self.loads = loads
        self.logprobs = logprobs
        self.key = key
        self.seconds = seconds
        self.before: Callable[[BaseHTTPRequestHandler, Body | None], bool] | None = None
        self.asked: Counter[str] = Counter()
        self.now = 0
        self.most = 0
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = _Quiet(("127.0.0.1", port), handler)
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.daemon = True
        self._thread.start()

    def close(self) -> None:
        """Stop: connections that are open are broken, as when a server dies."""
        self._server.shutdown()
        self._server.server_close()
        self._server.break_connections()
        self._thread.join()

    def count(self, body: Body) -> None:
        sha = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self._lock:
            self.asked[sha] += 1

    def at_work(self, by: int) -> None:
        with self._lock:
            self.now += by
            self.most = max(self.most, self.now)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def break_connections(self) -> None:
        for request in list(self._open):
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of our trouble."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    disable_nagle_algorithm = True
    owner: Loopback

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self._handled(None):
            return
        if self.path != "/v1/models":
            return self.fail(404, "not found")
        base = self.owner.models[0]
        entries = [{"id": n, "object": "model", "root": base} for n in self.owner.models]
        entries += [
            {"id": n, "object": "model", "root": path, "parent": base}
            for n, path in self.owner.adapters.items()
        ]
        self.send({"object": "list", "data": entries})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._handled(body):
            return
        if self.path in ("/v1/load_lora_adapter", "/v1/unload_lora_adapter"):
            return self._adapter(body)
        if self.path != "/v1/chat/completions":
            return self.fail(404, "not found")
        if body["model"] not in (*self.owner.models, *self.owner.adapters):
            return self.fail(404, f"The model `{body['model']}` does not exist.")
        if body.get("stream"):
            return self.stream(body)
        self.owner.count(body)
        self.owner.at_work(1)
        try:
            time.sleep(self.owner.seconds)
            self.send(self.completion(body))
        finally:
            self.owner.at_work(-1)

    def completion(self, body: Body) -> Body:
        """The answer of one token."""
        found = list(self.owner.candidates(body))
        top = [{"token": t, "logprob": math.log(p) if p else -1e4} for t, p in found]
        token = {**top[0], "top_logprobs": top[: body["top_logprobs"]]}
        choice: Body = {
            "index": 0,
            "finish_reason": "length",
            "message": {"role": "assistant", "content": top[0]["token"]},
            "logprobs": {"content": [token]} if self.owner.logprobs else None,
        }
        return {"object": "chat.completion", "model": body["model"], "choices": [choice]}

    def send(self, values: Body, status: int = 200, **headers: str) -> None:
        data = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def fail(self, status: int, message: str, **headers: str) -> None:
        self.send({"error": {"message": message, "code": status}}, status, **headers)

    def stream(self, body: Body, pieces: int | None = None) -> None:
        """A written text, event by event; with `pieces` it breaks off after so many."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for number, text in enumerate(self.owner.write(body)):
            if number == pieces:
                return
            self._event({"choices": [{"index": 0, "delta": {"content": text}}]})
        self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, values: Body) -> None:
        self.wfile.write(f"data: {json.dumps(values, ensure_ascii=False)}\n\n".encode())
        self.wfile.flush()

    def _adapter(self, body: Body) -> None:
        owner = self.owner
        name = body.get("lora_name")
        if not owner.loads:
            return self.fail(404, "not found")
        if not name:
            return self.fail(400, "Both 'lora_name' and 'lora_path' must be provided.")
        if self.path.startswith("/v1/unload"):
            return self.send({}) if owner.adapters.pop(name, "") else self.fail(404, "no such")
        if "missing" in body["lora_path"]:
            return self.fail(404, f"No adapter found for '{name}': {body['lora_path']}")
        owner.adapters[name] = body["lora_path"]
        self.send({})

    def _handled(self, body: Body | None) -> bool:
        owner = self.owner
        if owner.before is not None and owner.before(self, body):
            return True
        if owner.key and self.headers.get("Authorization") != f"Bearer {owner.key}":
            self.fail(401, "invalid key")
            return True
        return False


def main() -> int:
    """Serve until standard input ends; a first argument is milliseconds for each answer."""
    server = Loopback(seconds=float(sys.argv[1]) / 1_000 if len(sys.argv) > 1 else 0.0)
    print(server.url, flush=True)
    sys.stdin.read()
    print(json.dumps({"requests": sum(server.asked.values()), "bodies": len(server.asked)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
