"""Who a server is and what it can give: asked once, before any text of a user is sent."""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lawui.errors import AdapterError, LabError, ModelError
from lawui.model import prompts
from lawui.model.address import Address
from lawui.model.remote.http import Http
from lawui.types import BASE, AdapterInfo

DEVICE = "server"

_TOPS = (20, 5)
"""Candidates asked for a token; a server that refuses the first may allow the second."""

_LOOK_TRIES = 2
_LOOK_SECONDS = 10.0
"""A list of the server's models that is older is asked for anew."""

_UNKNOWN_LENGTH = 8_192
"""Tokens of a prompt where the server does not say what it reads."""

_TEMPLATE_TOKENS = 64
"""What the server's chat template may add to the messages."""

_WEIGHTS = ("id", "root", "parent", "max_model_len", "meta", "architecture")
"""What a list of models says that changes with the weights, as far as it says it."""


@dataclass(frozen=True)
class ServedBase:
    """A `serving.Base` that somebody else holds.

    `sha` is a hash of the address, the name and whatever the list of models says of the
    weights: a server can change its weights under one name and say nothing, and nothing here
    can see that. `loads` tells whether it takes adapters at run time, `top` how many
    candidates of a token it gives.
    """

    name: str
    sha: str
    max_length: int
    tokenizer: Any
    top: int
    loads: bool
    licence: str = "unknown"
    device: str = DEVICE
    quantization: str = "as served"

    @cached_property
    def prompt_sha(self) -> str:
        """Hash of the wording; the chat template is the server's own and not known."""
        return prompts.sha(self.tokenizer)


class Messages:
    """Stands where a tokenizer stands: the server has the real one and its chat template.

    A prompt's text is its two messages, and tokens are counted as characters, which is more
    than a text of legal Japanese has. Only one that might be too long is counted by the
    server, where it offers that (`/tokenize`).
    """

    chat_template = "server"

    def __init__(self, count: Callable[[str], int], certain: int) -> None:
        self._count = count
        self._certain = certain

    def apply_chat_template(self, messages: Sequence[Mapping[str, str]], **_: Any) -> str:
        return "\n".join(f"【{m['role']}】\n{m['content']}" for m in messages)

    def __call__(self, text: str, **_: Any) -> dict[str, range]:
        long = len(text) > self._certain
        return {"input_ids": range(self._count(text) if long else len(text))}


class Server:
    """What is known of a server. Thread-safe.

    Raises ModelError where it cannot be reached, lacks the model, wants another key or gives
    no `logprobs`.
    """

    def __init__(
        self, http: Http, address: Address, folder_adapter: Callable[[str], AdapterInfo | None]
    ) -> None:
        self._http = http
        self.address = self._address = address
        self._folder_adapter = folder_adapter
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, Any]] = {}
        self._looked = -math.inf
        self._connections = 0
        self._replied = ""
        self._look(_LOOK_TRIES)
        top = self._probe()
        limit = _length(self._entries[address.model]) - _TEMPLATE_TOKENS
        self.base = ServedBase(
            name=address.model,
            sha=self._sha(),
            max_length=limit,
            tokenizer=Messages(self._count, limit),
            top=top,
            loads=self._loads(),
        )

    # -- asking

    def request(self, model: str, user: str) -> dict[str, Any]:
        """The body that asks `model` for one token and its likeliest candidates."""
        return self._request(model, user, self.base.top)

    def model(self, adapter: str) -> str:
        """The name that the server knows `adapter` by. Raises AdapterError for one that it
        does not serve."""
        return self._address.model if adapter == BASE else str(self._entry(adapter)["id"])

    def weights(self, adapter: str) -> str:
        """What answers of `adapter` depend on."""
        return BASE if adapter == BASE else self._weights_sha(self._entry(adapter))

    def check(self, reply: Mapping[str, Any], model: str) -> None:
        """Raise ModelError where `reply` comes from another model than the run began with:
        by its own words, or because the server was gone meanwhile and came back otherwise."""
        said = str(reply.get("model") or "")
        if model == self._address.model and said != self._replied:
            raise ModelError("server.changed", server=self._address.url, model=said or "?")
        if self._fresh():
            return
        with self._lock:
            if not self._fresh():
                self._look()
                if self._sha() != self.base.sha:
                    self._looked = -math.inf  # nor let the next answer pass
                    raise ModelError(
                        "server.changed", server=self._address.url, model=self._address.model
                    )

    # -- adapters

    def adapters(self) -> list[AdapterInfo]:
        """The LoRA adapters that the server serves beside the base. What this lab's home
        knows of one by the same name (what it was trained on) is told with it."""
        with self._lock:
            if not self._fresh():
                self._look(_LOOK_TRIES)
            entries = list(self._entries.values())
        return [self._info(entry) for entry in entries if self._is_adapter(entry)]

    def adapter(self, name: str) -> AdapterInfo:
        """One of them. Raises AdapterError for a name that the server does not serve."""
        return self._info(self._entry(name))

    def _entry(self, name: str) -> dict[str, Any]:
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or not self._is_adapter(entry):
                self._look(_LOOK_TRIES)
                entry = self._entries.get(name)
            if entry is None or not self._is_adapter(entry):
                raise AdapterError("adapter.not_on_server", name=name, server=self._address.url)
        return entry

    def load(self, name: str, path: str) -> AdapterInfo:
        """Have the server take up the adapter folder `path`, as the server sees it, by the name
        `name` (vLLM with VLLM_ALLOW_RUNTIME_LORA_UPDATING). Raises AdapterError."""
        self._change("/load_lora_adapter", {"lora_name": name, "lora_path": path}, name)
        return self.adapter(name)

    def unload(self, name: str) -> None:
        """Have the server let go of an adapter. Raises AdapterError."""
        self._change("/unload_lora_adapter", {"lora_name": self.adapter(name).name}, name)

    def _change(self, path: str, body: Mapping[str, str], name: str) -> None:
        server = self._address.url
        if not self.base.loads:
            raise AdapterError("adapter.server_fixed", name=name, server=server)
        status, reason = self._http.status(path, body)
        if status >= 400:
            raise AdapterError(
                "adapter.server_refused", name=name, server=server, reason=reason or status
            )
        with self._lock:
            self._look(_LOOK_TRIES)

    def _is_adapter(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry names our model as the one it stands on (vLLM's `parent`)."""
        own = self._entries[self._address.model]
        names = {own["id"], str(own.get("root") or own["id"])}
        bases = {str(e.get("root") or e["id"]) for e in self._entries.values() if not _parent(e)}
        parent = _parent(entry)
        return entry is not own and bool(parent) and (parent in names or len(bases) == 1)

    def _info(self, entry: Mapping[str, Any]) -> AdapterInfo:
        name = str(entry["id"])
        found = AdapterInfo(
            name=name,
            path=str(entry.get("root") or ""),
            base_model=self._address.model,
            base_sha=self.base.sha,
            rank=0,
            alpha=0.0,
            targets=(),
            weights_sha=self._weights_sha(entry),
        )
        known = self._folder_adapter(name)
        if known is None or known.fault:
            return found
        # By its name alone: rather one mark "seen in training" too many than one too few.
        return replace(
            found,
            rank=known.rank,
            alpha=known.alpha,
            targets=known.targets,
            trained_groups=known.trained_groups,
            trained_on=known.trained_on,
            final_loss=known.final_loss,
            created=known.created,
            licence=known.licence,
            settings=known.settings,
            begun_from=known.begun_from,
            begun_sha=known.begun_sha,
            earlier_sets=known.earlier_sets,
        )

    def _weights_sha(self, entry: Mapping[str, Any]) -> str:
        identity = json.dumps([self.base.sha, entry["id"], entry.get("root")])
        return hashlib.sha256(identity.encode()).hexdigest()[:16]

    # -- looking

    def _fresh(self) -> bool:
        """Whether the list of models is new, and nothing was connected since it was asked for:
        a server that starts anew breaks the connections that were open."""
        same = self._http.connections == self._connections
        return same and time.monotonic() - self._looked <= _LOOK_SECONDS

    def _look(self, tries: int | None = None) -> None:
        listed = self._http.get("/models", tries).get("data")
        entries = listed if isinstance(listed, list) else []
        found = {str(e["id"]): e for e in entries if isinstance(e, dict) and "id" in e}
        if self._address.model not in found:
            raise ModelError(
                "server.no_such_model",
                server=self._address.url,
                model=self._address.model,
                models=", ".join(list(found)[:10]) or "-",
            )
        self._entries, self._looked = found, time.monotonic()
        self._connections = self._http.connections

    def _sha(self) -> str:
        entry = self._entries[self._address.model]
        known = {k: entry[k] for k in _WEIGHTS if k in entry}
        text = json.dumps([self._address.url, known], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _probe(self) -> int:
        """How many candidates the server gives for a token, tried with no text of a user."""
        refused: LabError | None = None
        for top in _TOPS:
            try:
                reply = self._http.post(
                    "/chat/completions", self._request(self._address.model, "a", top), _LOOK_TRIES
                )
            except ModelError as error:
                if error.key != "server.refused":
                    raise
                refused = error
                continue
            logprobs = (reply.get("choices") or [{}])[0].get("logprobs") or {}
            if not (logprobs.get("content") or [{}])[0].get("top_logprobs"):
                break
            self._replied = str(reply.get("model") or "")
            return top
        if refused is not None:
            raise refused
        raise ModelError("server.no_logprobs", server=self._address.url)

    def _loads(self) -> bool:
        """Whether adapters can be loaded at run time: an empty request is refused for what it
        lacks, where such requests are taken at all."""
        try:
            return self._http.status("/load_lora_adapter", {})[0] in (400, 422)
        except Exception:
            return False

    def _count(self, text: str) -> int:
        """The tokens of `text` by the server, else its characters."""
        root = self._address.root
        body = {"model": self._address.model, "prompt": text, "content": text}
        try:
            counted = self._http.post(root + "/tokenize", body, 1)
        except LabError:
            return len(text)
        tokens = counted.get("tokens")
        return int(counted.get("count") or (len(tokens) if isinstance(tokens, list) else len(text)))

    def _request(self, model: str, user: str, top: int) -> dict[str, Any]:
        return {
            "model": model,
            "messages": prompts.messages(user),
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": top,
        }


def _parent(entry: Mapping[str, Any]) -> str:
    return str(entry.get("parent") or "")


def _length(entry: Mapping[str, Any]) -> int:
    """What the server reads at most, in tokens: vLLM's `max_model_len`, llama.cpp's `n_ctx`."""
    meta = entry.get("meta")
    said = entry.get("max_model_len") or (meta.get("n_ctx") if isinstance(meta, dict) else None)
    return int(said) if isinstance(said, int) and said > 0 else _UNKNOWN_LENGTH
