"""The one owner of the resident model.

One worker thread holds the base and its adapters; everyone else hands it prompts and
gets a future. The adapter is an argument of a request, never a mode: what one browser
chooses cannot change another's answer. Requests of one adapter that wait together are
computed together, identical prompts once, and answers are kept.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lawui.errors import AdapterError, HostError, ModelError
from lawui.model import adapters
from lawui.model.letters import letter_probabilities
from lawui.model.serving import ASK
from lawui.types import BASE, LETTERS, AdapterInfo, Answer, Prompt

if TYPE_CHECKING:
    from lawui.model.load import LoadedModel

_GATHERED = 256
"""Prompts computed at most before the queue is looked at again."""


@dataclass(order=True)
class _Request:
    priority: int
    number: int
    prompts: Sequence[Prompt] = field(compare=False)
    adapter: str = field(compare=False)
    evidence: str = field(compare=False)
    future: Future[list[Answer]] = field(compare=False)


class Owner:
    """Serve letter probabilities of one base and its adapters.

    `find_adapter` maps a name to its AdapterInfo (raising AdapterError for an unknown
    one). At most `resident` adapters stay in memory, the least recently used goes
    first; at most `waiting` requests may queue.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        find_adapter: Callable[[str], AdapterInfo],
        *,
        resident: int = 8,
        kept_answers: int = 50_000,
        waiting: int = 1_000,
        token_budget: int = 0,
    ) -> None:
        self.loaded = loaded
        self.tokens_computed = 0
        self._find_adapter = find_adapter
        self._limits = (resident, kept_answers, waiting)
        self._budget = token_budget or (32_768 if loaded.device.startswith("cuda") else 8_192)
        self._resident: OrderedDict[str, str] = OrderedDict()
        self._peft: Any = None
        self._answers: OrderedDict[tuple[str, str], Answer] = OrderedDict()
        self._queue: list[_Request] = []
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="model-owner", daemon=True)
        self._thread.start()

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
        request = _Request(priority, next(self._numbers), prompts, adapter, evidence, future)
        with self._wake:
            if self._closed:
                raise ModelError("model.closed")
            if len(self._queue) >= self._limits[2]:
                raise HostError("host.busy", waiting=len(self._queue))
            heapq.heappush(self._queue, request)
            self._wake.notify()
        return future

    def answer(
        self,
        prompts: Sequence[Prompt],
        adapter: str = BASE,
        evidence: str = "",
        priority: int = ASK,
    ) -> list[Answer]:
        """The answers to `prompts`, waited for. Raises what the computation raised."""
        return self.submit(prompts, adapter, evidence, priority).result()

    def position(self, future: Future[list[Answer]]) -> int:
        """The place in line of what `submit` returned: 1 is next, 0 is no longer waiting."""
        with self._wake:
            line = sorted(self._queue)
        return next((n for n, request in enumerate(line, 1) if request.future is future), 0)

    @property
    def waiting(self) -> int:
        """The number of requests in line."""
        return len(self._queue)

    def close(self) -> None:
        """Finish the request in hand, refuse the rest and free the model's memory."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        for request in self._queue:
            request.future.set_exception(ModelError("model.closed"))
        self._queue.clear()
        self._peft = None
        del self.loaded
        _free_memory()

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                requests = self._gather()
            try:
                self._serve(requests)
            except BaseException as error:  # a future must never be left without an end
                for request in requests:
                    if not request.future.done():
                        request.future.set_exception(error)

    def _gather(self) -> list[_Request]:
        """The first request in line and whatever of its adapter and priority waits too."""
        first = heapq.heappop(self._queue)
        taken, count, left = [first], len(first.prompts), []
        for request in sorted(self._queue):
            like = (request.adapter, request.priority) == (first.adapter, first.priority)
            if like and count + len(request.prompts) <= _GATHERED:
                taken.append(request)
                count += len(request.prompts)
            else:
                left.append(request)
        heapq.heapify(left)
        self._queue = left
        return taken

    def _serve(self, requests: list[_Request]) -> None:
        live = [r for r in requests if r.future.set_running_or_notify_cancel()]
        adapter = requests[0].adapter
        info = None if adapter == BASE else self._find_adapter(adapter)
        # The same weights answer otherwise with another alpha.
        weights = f"{info.weights_sha}-{info.rank}-{info.alpha}" if info else BASE
        new = {
            prompt.text_sha: prompt
            for request in live
            for prompt in request.prompts
            if (prompt.text_sha, weights) not in self._answers
        }
        if new:
            self._compute(list(new.values()), info, weights)
        for request in live:
            request.future.set_result(
                [
                    replace(
                        self._recall(prompt.text_sha, weights),
                        question_id=prompt.question_id,
                        adapter=adapter,
                        evidence=request.evidence,
                        prompt_sha=prompt.sha,
                    )
                    for prompt in request.prompts
                ]
            )
        self._forget()

    def _compute(self, prompts: list[Prompt], info: AdapterInfo | None, weights: str) -> None:
        started = time.perf_counter()
        with self._active(info):
            probs, mass, tokens = letter_probabilities(
                self.loaded, [p.token_ids for p in prompts], self._budget
            )
        self.tokens_computed += tokens
        seconds = (time.perf_counter() - started) / len(prompts)
        for prompt, four, share in zip(prompts, probs, mass, strict=True):
            choice = LETTERS[max(range(4), key=four.__getitem__)]
            self._answers[prompt.text_sha, weights] = Answer(
                prompt.question_id, four, choice, share, "", "", prompt.sha, seconds
            )

    def _recall(self, text_sha: str, weights: str) -> Answer:
        self._answers.move_to_end((text_sha, weights))
        return self._answers[text_sha, weights]

    def _forget(self) -> None:
        while len(self._answers) > self._limits[1]:
            self._answers.popitem(last=False)

    def _active(self, info: AdapterInfo | None) -> AbstractContextManager[Any]:
        """The base with `info` switched on, loading it first where it is not resident."""
        if info is None:
            return self._peft.disable_adapter() if self._peft is not None else nullcontext()
        # torch names have no dots
        key = f"{info.weights_sha}-{info.alpha}-{info.name}".replace(".", "_")
        if key not in self._resident:
            self._load(info, key)
        self._resident.move_to_end(key)
        self._peft.set_adapter(key)
        return nullcontext()

    def _load(self, info: AdapterInfo, key: str) -> None:
        adapters.check(info)
        try:
            self._attach(info, key)
        except Exception as error:  # peft and torch raise many kinds for weights that do not fit
            self._detach(key)
            raise AdapterError(
                "adapter.does_not_fit", name=info.name, base=info.base_model
            ) from error
        self._resident[key] = info.name
        while len(self._resident) > self._limits[0]:
            oldest, _ = self._resident.popitem(last=False)
            self._peft.delete_adapter(oldest)

    def _detach(self, key: str) -> None:
        """Take out what a failed load left behind, so that the base answers as before."""
        if self._peft is None:
            return
        if self._resident:
            self._peft.delete_adapter(key)
        else:
            self._peft.unload()
            self._peft = None

    def _attach(self, info: AdapterInfo, key: str) -> None:
        from peft import LoraConfig, PeftModel

        if self._peft is None:
            config = LoraConfig.from_pretrained(info.path)
            config.inference_mode = True
            self._peft = PeftModel(self.loaded.model, config, adapter_name=key)
        result = self._peft.load_adapter(
            info.path,
            adapter_name=key,
            is_trainable=False,
            torch_device=self.loaded.device,
        )
        if result.unexpected_keys:
            raise ValueError(f"foreign weights: {result.unexpected_keys[:3]}")
        self._peft.eval()


def _free_memory() -> None:
    import gc

    gc.collect()
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
