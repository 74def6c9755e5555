"""The one owner of the resident model.

One worker thread holds the base and its adapters; everyone else hands it prompts and
gets a future. The adapter is an argument of a request, never a mode: what one browser
chooses cannot change another's answer. Requests that wait together are computed together,
whatever their adapters; identical prompts once; and answers are kept. A person who asks
waits for no more than the batch in hand.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lawui.errors import HostError, ModelError
from lawui.model.engine import Engine, free_memory
from lawui.model.letters import Letters, check_lengths, letter_probabilities
from lawui.model.lora import Lora, Resident, identity
from lawui.model.serving import ASK, Serving
from lawui.types import BASE, LETTERS, AdapterInfo, Answer, Letter, Passage, Prompt, Question

if TYPE_CHECKING:
    from lawui.model.explain import Writing
    from lawui.model.load import LoadedModel

_GATHERED_TOKENS = 131_072
"""Tokens, as sent, gathered at most before the queue is looked at again."""

_ADAPTERS_SHARE = 0.1
"""Of the memory that is free once the base is loaded, what resident adapters may take."""

_SMALLEST_BUDGET = 1_024
"""Tokens of a batch below which memory that runs out is told and no longer dodged."""

_Key = tuple[str, str]
"""What an answer depends on: the hash of the prompt's text, and the weights."""


@dataclass(order=True)
class _Request:
    priority: int
    number: int
    prompts: Sequence[Prompt] = field(compare=False)
    adapter: str = field(compare=False)
    evidence: str = field(compare=False)
    future: Future[list[Answer]] = field(compare=False)
    writing: Writing | None = field(default=None, compare=False)

    @property
    def tokens(self) -> int:
        return sum(prompt.n_tokens for prompt in self.prompts)


@dataclass(frozen=True)
class _Resolved:
    """A request whose adapter was found: `weights` names what its answers depend on."""

    request: _Request
    weights: str
    lora: Lora | None


class Owner(Serving):
    """Serve letter probabilities of one base and its adapters: a `serving.Serving`.

    `find_adapter` maps a name to its AdapterInfo (raising AdapterError for an unknown
    one). Adapters stay in memory up to `adapter_bytes` (0: a tenth of what is free), the
    least recently used goes first; at most `waiting` requests may queue. `token_budget`
    bounds a batch. With `spare` the device is left to others as far as possible; `reload`
    brings the same base again, for `resize`.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        find_adapter: Callable[[str], AdapterInfo],
        *,
        adapter_bytes: int = 0,
        kept_answers: int = 50_000,
        waiting: int = 256,
        token_budget: int = 0,
        spare: bool = False,
        reload: Callable[[], LoadedModel] | None = None,
    ) -> None:
        self.loaded = loaded
        self._reload = reload
        self._resizes: list[tuple[bool, Future[None]]] = []
        self.tokens_computed = 0
        self._speed = 0.0
        self._in_hand = (0, 0.0)
        self._asked = (adapter_bytes, token_budget)
        self._find_adapter = find_adapter
        self._limits = (kept_answers, waiting)
        self._hold(spare)
        self._answers: OrderedDict[_Key, Answer] = OrderedDict()
        self._queue: list[_Request] = []
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="model-owner", daemon=True)
        self._thread.start()

    # -- for everyone

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
        future: Future[list[Answer]] = Future()
        self._enqueue(_Request(priority, next(self._numbers), prompts, adapter, evidence, future))
        return future

    def write(self, writing: Writing, adapter: str = BASE) -> None:
        """Queue a text to be written with `adapter`, step by step, in turn with whoever
        waits for an answer. Its reader hears of the end and of every error."""
        number, future = next(self._numbers), Future[list[Answer]]()
        self._enqueue(_Request(ASK, number, (), adapter, "", future, writing))

    def explain(
        self, question: Question, passages: Sequence[Passage], choice: Letter, adapter: str = BASE
    ) -> Iterator[str]:
        """The reason of an answer in the model's own words: the whole text so far, each time
        some was added."""
        from lawui.model.explain import LONGEST, Writing, prompt_ids

        room = self.loaded.max_length - LONGEST
        writing = Writing(
            self.loaded, prompt_ids(self.loaded.tokenizer, question, passages, choice, room)
        )
        self.write(writing, adapter)
        try:
            yield from writing
        finally:
            writing.stop()  # who reads may have left

    def _enqueue(self, request: _Request) -> None:
        with self._wake:
            if self._closed:
                raise ModelError("model.closed")
            if len(self._queue) >= self._limits[1]:
                raise HostError("host.busy", waiting=len(self._queue))
            heapq.heappush(self._queue, request)
            self._wake.notify()

    def position(self, future: Future[list[Answer]]) -> int:
        """The place in line of what `submit` returned: 1 is next, 0 is no longer waiting."""
        with self._wake:
            line = sorted(self._queue)
        return _place(line, future)

    def left(self, future: Future[list[Answer]]) -> float | None:
        """Seconds until what `submit` returned is answered, with what waits before it, by the
        tokens a second so far; None before anything was computed."""
        if not self._speed:
            return None
        with self._wake:
            line = sorted(self._queue)
        place = _place(line, future)
        tokens, began = self._in_hand
        in_hand = max(0.0, tokens / self._speed - (time.perf_counter() - began))
        return in_hand + sum(request.tokens for request in line[:place]) / self._speed

    @property
    def waiting(self) -> int:
        """The number of requests in line."""
        return len(self._queue)

    def resize(self, spare: bool) -> Future[None]:
        """Hold the base with as little memory as it needs, or with all that makes it fast.

        Done between two batches: whoever waits in line goes on waiting. The future ends
        once the memory is as asked.
        """
        future: Future[None] = Future()
        with self._wake:
            if self._closed or self._reload is None:
                future.set_result(None)
            else:
                self._resizes.append((spare, future))
                self._wake.notify()
        return future

    def forget(self) -> None:
        """Keep no answers: whatever is asked next is computed."""
        with self._wake:
            self._answers.clear()

    def close(self) -> None:
        """Finish the request in hand, refuse the rest and free the model's memory."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        for request in self._queue:
            _refuse(request, ModelError("model.closed"))
        for _, future in self._resizes:
            future.set_result(None)
        self._queue.clear()
        self.resident.clear()
        self.engine.free()
        del self.loaded, self.engine, self.resident
        _free_memory()

    # -- the worker

    def _work(self) -> None:
        while True:
            with self._wake:
                while not (self._queue or self._resizes or self._closed):
                    self._wake.wait()
                if self._closed:
                    return
                resize = self._resizes.pop(0) if self._resizes else None
                requests = [] if resize else self._gather()
            if resize:
                self._resize(*resize)
            else:
                self._end(requests)

    def _resize(self, spare: bool, future: Future[None]) -> None:
        try:
            if not self._ready or spare != self.engine.spare:
                self._hold_anew(spare)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    def _hold_anew(self, spare: bool) -> None:
        """The same base from its files, the old one let go first: both may not fit at once."""
        assert self._reload is not None
        self._ready, self._spare = False, spare
        self.resident.clear()
        self.engine.free()
        self.loaded.model = None  # type: ignore[assignment]
        _free_memory()
        self.loaded.model = self._reload().model
        self._hold(spare)

    def _hold(self, spare: bool) -> None:
        self.engine = Engine(self.loaded, spare=spare)
        adapter_bytes, token_budget = self._asked
        room = adapter_bytes or int(_ADAPTERS_SHARE * free_memory(self.loaded.device))
        self.resident = Resident(self.engine.read_adapter, room)
        self._budget = token_budget or _token_budget(self.loaded.device, spare)
        self._ready, self._spare = True, spare

    def _serve_people(self) -> None:
        """Between two batches of work in the background: whoever asks."""
        while True:
            with self._wake:
                if self._closed or not self._queue or self._queue[0].priority != ASK:
                    return
                requests = self._gather()
            self._end(requests)

    def _gather(self) -> list[_Request]:
        """The first request in line and what waits with its priority, up to some tokens."""
        first = heapq.heappop(self._queue)
        taken, count = [first], first.tokens
        while first.writing is None and self._queue and self._goes_with(first):
            count += self._queue[0].tokens
            if count > _GATHERED_TOKENS:
                break
            taken.append(heapq.heappop(self._queue))
        return taken

    def _goes_with(self, first: _Request) -> bool:
        following = self._queue[0]
        return following.priority == first.priority and following.writing is None

    def _end(self, requests: list[_Request]) -> None:
        """Serve, and let no future ever be left without an end."""
        try:
            if not self._ready:  # what went wrong before may be over
                self._hold_anew(self._spare)
            self._serve(requests)
        except BaseException as error:
            for request in requests:
                _refuse(request, error)

    def _advance(self, request: _Request, writing: Writing) -> None:
        with self.engine.applied(self._resolve(request).lora):
            more = writing.step()
        if more:  # behind whoever came meanwhile
            self._enqueue(replace(request, number=next(self._numbers)))

    def _serve(self, requests: list[_Request]) -> None:
        if requests[0].writing is not None:
            self._advance(requests[0], requests[0].writing)
            return
        resolved = []
        for request in requests:
            if not request.future.set_running_or_notify_cancel():
                continue
            try:
                resolved.append(self._resolve(request))
            except BaseException as error:  # one request's trouble is its own
                request.future.set_exception(error)
        # Held here: what people ask in between may push answers out of the cache.
        answers: dict[_Key, Answer | None] = {}
        new: dict[_Key, tuple[Prompt, Lora | None]] = {}
        for one in resolved:
            for prompt in one.request.prompts:
                key = (prompt.text_sha, one.weights)
                if key in self._answers:
                    answers[key] = self._recall(key)
                else:
                    new[key] = (prompt, one.lora)
        if new:
            background = resolved[0].request.priority != ASK
            answers |= self._compute(new, self._serve_people if background else None)
        for one in resolved:
            _hand_over(one, answers)

    def _resolve(self, request: _Request) -> _Resolved:
        check_lengths([p.token_ids for p in request.prompts], self.loaded.max_length)
        if request.adapter == BASE:
            return _Resolved(request, BASE, None)
        info = self._find_adapter(request.adapter)
        return _Resolved(request, identity(info), self.resident.get(info))

    def _compute(
        self,
        new: Mapping[_Key, tuple[Prompt, Lora | None]],
        between: Callable[[], None] | None,
    ) -> dict[_Key, Answer | None]:
        """Compute and keep answers; None where the figures are not finite."""
        started = time.perf_counter()
        sent = sum(prompt.n_tokens for prompt, _ in new.values())
        if between is None:  # work in the background lets people go first
            self._in_hand = (sent, started)
        found = self._letters(list(new.values()), between)
        self.tokens_computed += found.tokens
        took = time.perf_counter() - started
        seconds = took / len(new)
        self._in_hand = (0, 0.0)
        self._speed = (self._speed + sent / took) / 2 if self._speed else sent / took
        answers: dict[_Key, Answer | None] = {}
        for number, (key, (prompt, _)) in enumerate(new.items()):
            if not found.finite[number]:
                answers[key] = None
                continue
            four = found.probs[number]
            choice = LETTERS[max(range(4), key=four.__getitem__)]
            answers[key] = self._answers[key] = Answer(
                prompt.question_id, four, choice, found.mass[number], "", "", prompt.sha, seconds
            )
        while len(self._answers) > self._limits[0]:
            self._answers.popitem(last=False)
        return answers

    def _letters(
        self, work: Sequence[tuple[Prompt, Lora | None]], between: Callable[[], None] | None
    ) -> Letters:
        """With smaller batches where memory runs out, for good."""
        import torch

        prompts = [prompt.token_ids for prompt, _ in work]
        adapters = [lora for _, lora in work]
        while True:
            try:
                return letter_probabilities(self.engine, prompts, adapters, self._budget, between)
            except torch.OutOfMemoryError as error:
                if self._budget <= _SMALLEST_BUDGET:
                    raise ModelError("model.no_memory_to_answer") from error
            self._budget //= 2
            _free_memory()

    def _recall(self, key: _Key) -> Answer:
        self._answers.move_to_end(key)
        return self._answers[key]


def _place(line: Sequence[_Request], future: Future[list[Answer]]) -> int:
    return next((n for n, request in enumerate(line, 1) if request.future is future), 0)


def _hand_over(one: _Resolved, answers: Mapping[_Key, Answer | None]) -> None:
    request, found = one.request, []
    for prompt in request.prompts:
        answer = answers[prompt.text_sha, one.weights]
        if answer is None:
            request.future.set_exception(ModelError("model.not_finite"))
            return
        found.append(
            replace(
                answer,
                question_id=prompt.question_id,
                adapter=request.adapter,
                evidence=request.evidence,
                prompt_sha=prompt.sha,
            )
        )
    request.future.set_result(found)


def _token_budget(device: str, spare: bool) -> int:
    """Tokens of a batch: enough to fill the device, few enough that a person who asks in
    the middle of a score waits less than a second."""
    if device.startswith("cuda"):
        return 4_096 if spare else 32_768
    return 2_048


def _refuse(request: _Request, error: BaseException) -> None:
    """End a request with an error, unless it has ended."""
    if request.writing is not None:
        request.writing.fail(error)
    elif not request.future.done():
        request.future.set_exception(error)


def _free_memory() -> None:
    import gc

    gc.collect()
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
