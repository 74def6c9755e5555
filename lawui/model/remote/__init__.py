"""Letter probabilities from a server: `--model http://HOST:PORT/v1#MODEL`.

The server holds the weights and their chat template; it is sent the system's and the user's
message of the very prompt that a resident base would read, and gives one token back with its
likeliest candidates (`logprobs`). Adapters are the LoRA names that it serves. Many requests
are under way at once, a person's before those of a score; identical ones are asked once.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from lawui.errors import HostError, ModelError
from lawui.model import explain
from lawui.model.address import Address
from lawui.model.remembered import Remembered
from lawui.model.remote import letters
from lawui.model.remote.http import Http, Patience
from lawui.model.remote.server import Server
from lawui.model.serving import ASK, Serving
from lawui.types import BASE, AdapterInfo, Answer, Letter, Passage, Prompt, Question

REQUESTS = 32
"""Requests under way at once."""

_CLOSE_SECONDS = 2.0

_Key = tuple[str, str]
"""What an answer depends on: the hash of the prompt's text, and the weights."""


class _Request:
    """What `submit` was given; ends once, by its last answer or its first error."""

    def __init__(self, number: int, prompts: Sequence[Prompt], adapter: str, evidence: str) -> None:
        self.number = number
        self.prompts = prompts
        self.adapter = adapter
        self.evidence = evidence
        self.future: Future[list[Answer]] = Future()
        self._answers: list[Answer | None] = [None] * len(prompts)
        self._left = len(prompts)
        self._lock = threading.Lock()
        self.begun = False

    def begin(self) -> bool:
        """Whether there is still anything to do for it."""
        with self._lock:
            if not self.begun:
                self.begun = True
                return self.future.set_running_or_notify_cancel()
            return not self.future.done()

    def put(self, index: int, answer: Answer) -> None:
        with self._lock:
            self._answers[index] = answer
            self._left -= 1
            if self._left == 0 and not self.future.done():
                self.future.set_result([a for a in self._answers if a is not None])

    def fail(self, error: BaseException) -> None:
        with self._lock:
            self.begun = True
            if not self.future.done():
                self.future.set_exception(error)


@dataclass(order=True)
class _Task:
    """One prompt of a request."""

    priority: int
    number: int
    index: int
    request: _Request = field(compare=False)


class Remote(Serving):
    """Serve what a server computes: a `serving.Serving`.

    Making one asks the server who it is and what it can give, and raises ModelError where it
    cannot be reached, lacks the model, wants a key or gives no `logprobs`. `requests` bounds
    what is under way at once, `waiting` the requests in line. `folder_adapter` finds what a
    home knows of an adapter by its name, or None.
    """

    def __init__(
        self,
        address: Address,
        *,
        key: str = "",
        folder_adapter: Callable[[str], AdapterInfo | None] = lambda name: None,
        requests: int = REQUESTS,
        waiting: int = 256,
        kept_answers: int = 4_096,
        patience: Patience | None = None,
    ) -> None:
        self._http = Http(address, key, requests, patience or Patience())
        self._most_waiting = waiting
        try:
            self.server = Server(self._http, address, folder_adapter)
        except BaseException:
            self._http.close()
            raise
        self.loaded = self.server.base
        self._answers: Remembered[Answer] = Remembered(kept_answers)
        self._queue: list[_Task] = []
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._closed = False
        self._took = 0.0
        self._threads = [
            threading.Thread(target=self._work, name=f"remote-{n}", daemon=True)
            for n in range(requests)
        ]
        for thread in self._threads:
            thread.start()

    # -- Serving

    def submit(
        self,
        prompts: Sequence[Prompt],
        adapter: str = BASE,
        evidence: str = "",
        priority: int = ASK,
    ) -> Future[list[Answer]]:
        """Queue `prompts` for `adapter`; the future gives one Answer a prompt, in order.

        Raises HostError where too many requests wait already.
        """
        request = _Request(next(self._numbers), prompts, adapter, evidence)
        with self._wake:
            if self._closed:
                raise ModelError("model.closed")
            if (line := len(self._line())) >= self._most_waiting:
                raise HostError("host.busy", waiting=line)
            for index in range(len(prompts)):
                heapq.heappush(self._queue, _Task(priority, request.number, index, request))
            self._wake.notify_all()
        if not prompts:
            request.future.set_result([])
        return request.future

    def position(self, future: Future[list[Answer]]) -> int:
        """The place in line of what `submit` returned: 1 is next, 0 is no longer waiting."""
        with self._wake:
            line = self._line()
        return next((n for n, request in enumerate(line, 1) if request.future is future), 0)

    def left(self, future: Future[list[Answer]]) -> float | None:
        """Seconds until what `submit` returned is answered, with what waits before it, by the
        time of an answer so far; None before the first."""
        if not self._took:
            return None
        with self._wake:
            line = sorted(self._queue)
        before = max((n for n, t in enumerate(line, 1) if t.request.future is future), default=0)
        return self._took * (1 + before // len(self._threads))

    @property
    def waiting(self) -> int:
        """The number of requests in line."""
        with self._wake:
            return len(self._line())

    def explain(
        self, question: Question, passages: Sequence[Passage], choice: Letter, adapter: str = BASE
    ) -> Iterator[str]:
        """The reason of an answer in the model's own words: the whole text so far, each time
        some was added. Raises ModelError where the stream broke off."""
        room = self.loaded.max_length - explain.LONGEST
        body = {
            "model": self.server.model(adapter),
            "messages": explain.messages(question, passages, choice, room),
            "max_tokens": explain.LONGEST,
            "temperature": 0,
            "frequency_penalty": 0.2,
            "stream": True,
        }
        text = ""
        for event in self._http.stream("/chat/completions", body):
            for said in event.get("choices") or ():
                text += str((said.get("delta") or {}).get("content") or "")
                yield text

    def forget(self) -> None:
        """Keep no answers: whatever is asked next is asked of the server."""
        self._answers.forget()

    def close(self) -> None:
        """Refuse what waits and let the connections go."""
        with self._wake:
            self._closed = True
            queue, self._queue = self._queue, []
            self._wake.notify_all()
        for task in queue:
            task.request.fail(ModelError("model.closed"))
        self._http.close()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for thread in self._threads:  # one that reads from a silent server is left to its timeout
            thread.join(max(0.0, deadline - time.monotonic()))

    # -- the workers

    def _line(self) -> list[_Request]:
        """Who waits, in the order of their turns."""
        waiting = {t.number: t.request for t in sorted(self._queue) if not t.request.begun}
        return list(waiting.values())

    def _work(self) -> None:
        while True:
            with self._wake:
                while not (self._queue or self._closed):
                    self._wake.wait()
                if self._closed:
                    return
                task = heapq.heappop(self._queue)
            request = task.request
            if not request.begin():
                continue
            try:
                request.put(task.index, self._answered(request, request.prompts[task.index]))
            except BaseException as error:  # one request's trouble is its own
                request.fail(error)

    def _answered(self, request: _Request, prompt: Prompt) -> Answer:
        """The answer to one prompt as an answer to this request."""
        key = (prompt.text_sha, self.server.weights(request.adapter))
        # However many want it at once, it is asked once.
        ask = partial(self._ask, prompt, request.adapter)
        return replace(
            self._answers.get(self, key, ask),
            question_id=prompt.question_id,
            adapter=request.adapter,
            evidence=request.evidence,
            prompt_sha=prompt.sha,
        )

    def _ask(self, prompt: Prompt, adapter: str) -> Answer:
        began = time.perf_counter()
        model = self.server.model(adapter)
        reply = self._http.post("/chat/completions", self.server.request(model, prompt.user))
        self.server.check(reply, model)
        try:
            four, choice, mass = letters.from_top(_top(reply))
        except (LookupError, TypeError, ValueError) as error:
            raise ModelError("server.no_logprobs", server=self._http.address.url) from error
        seconds = time.perf_counter() - began
        self._took = (self._took + seconds) / 2 if self._took else seconds
        return Answer(prompt.question_id, four, choice, mass, "", "", prompt.sha, seconds)


def _top(reply: dict[str, Any]) -> list[dict[str, Any]]:
    """The candidates of the first token of an answer."""
    return list(reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"])
