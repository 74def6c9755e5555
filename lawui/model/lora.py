"""LoRA weights at serving time: read from PEFT's files, kept in memory, applied row by row.

peft wraps every layer of the base and computes each adapter's rows apart, in float32. Here
the base keeps its own layers; a hook adds (x A') B' to the rows of each adapter, which lie
next to each other, so that nothing is gathered or copied and the base's rows are not touched
at all. The scale (alpha over rank, Hu et al. 2021, "LoRA", section 4.1) is folded into B.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.errors import AdapterError
from lawui.model import adapters
from lawui.types import AdapterInfo

if TYPE_CHECKING:
    import torch

_PREFIX = "base_model.model."
_HALVES = {".lora_A.weight": 0, ".lora_B.weight": 1}


@dataclass(frozen=True)
class Lora:
    """One adapter in memory. `flat` holds every weight in one run; `pairs` maps a layer's
    name to views of it, A (rank, in) and B (out, rank), B times the scale."""

    flat: torch.Tensor
    pairs: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
    shape: tuple[tuple[str, int, int, int], ...]
    """(layer, out, in, rank) of each pair: adapters of one shape can take turns in one
    place of memory."""

    @property
    def bytes(self) -> int:
        return self.flat.numel() * self.flat.element_size()


@dataclass(frozen=True)
class Span:
    """The rows `start` to `end` of the flattened batch that belong to one adapter."""

    start: int
    end: int
    lora: Lora


class Rows:
    """Adds adapters to a base's linear layers, each to its own rows of a batch.

    While `spans` is empty the layers compute what they always did, bit for bit.
    """

    def __init__(self, decoder: torch.nn.Module, prefix: str) -> None:
        self.spans: Sequence[Span] = ()
        self.layers: dict[str, tuple[int, int]] = {}
        """Name to (out, in) of every linear layer that can carry an adapter."""
        for name, module in decoder.named_modules():
            if hasattr(module, "in_features") and hasattr(module, "out_features"):
                whole = prefix + name
                self.layers[whole] = (module.out_features, module.in_features)
                module.register_forward_hook(self._hook(whole))

    def _hook(self, name: str) -> Callable[..., None]:
        def add(module: torch.nn.Module, inputs: Any, output: torch.Tensor) -> None:
            for span in self.spans:
                pair = span.lora.pairs.get(name)
                if pair is not None:
                    x = inputs[0].flatten(0, -2)[span.start : span.end]
                    y = output.flatten(0, -2)[span.start : span.end]
                    y.addmm_(x @ pair[0].T, pair[1].T)

        return add


def empty_like(lora: Lora) -> Lora:
    """A place for any adapter of the shape of `lora`."""
    import torch

    return _views(torch.empty_like(lora.flat), lora.shape)


def read(
    info: AdapterInfo, layers: Mapping[str, tuple[int, int]], dtype: torch.dtype, device: str
) -> Lora:
    """The weights of `info` for a base with these `layers` (name to out, in).

    Raises AdapterError where the adapter has a fault or does not fit.
    """
    adapters.check(info)
    try:
        return _read(Path(info.path), layers, dtype, device)
    except (ValueError, OSError, KeyError, TypeError, AttributeError) as error:
        raise AdapterError("adapter.does_not_fit", name=info.name, base=info.base_model) from error


def _read(
    path: Path, layers: Mapping[str, tuple[int, int]], dtype: torch.dtype, device: str
) -> Lora:
    import torch
    from safetensors.torch import load_file

    halves: dict[str, list[torch.Tensor | None]] = {}
    for key, weight in load_file(path / adapters.WEIGHTS).items():
        ending = next((e for e in _HALVES if key.endswith(e)), "")
        name = key.removeprefix(_PREFIX).removesuffix(ending)
        if not ending or name not in layers:
            raise ValueError(f"foreign weights: {key}")
        halves.setdefault(name, [None, None])[_HALVES[ending]] = weight
    scale = _scales(json.loads((path / adapters.CONFIG).read_text("utf-8")))
    shape, parts = [], []
    for name in sorted(halves):
        a, b = halves[name]
        out_features, in_features = layers[name]
        if a is None or b is None or a.shape[0] != b.shape[1]:
            raise ValueError(f"half an adapter: {name}")
        if (b.shape[0], a.shape[1]) != (out_features, in_features):
            raise ValueError(f"weights of another shape: {name}")
        rank = a.shape[0]
        shape.append((name, out_features, in_features, rank))
        parts += [a.float().flatten(), (b.float() * scale(name, rank)).flatten()]
    return _views(torch.cat(parts).to(device=device, dtype=dtype), tuple(shape))


def _views(flat: torch.Tensor, shape: tuple[tuple[str, int, int, int], ...]) -> Lora:
    pairs, at = {}, 0
    for name, out_features, in_features, rank in shape:
        middle, end = at + rank * in_features, at + rank * (in_features + out_features)
        pairs[name] = (flat[at:middle].view(rank, -1), flat[middle:end].view(-1, rank))
        at = end
    return Lora(flat, pairs, shape)


def _scales(config: Mapping[str, Any]) -> Callable[[str, int], float]:
    """By layer and rank: alpha over rank, or over its root (Kalajdzievski 2023, "rsLoRA")."""
    from peft.utils.other import get_pattern_key

    alpha = float(config["lora_alpha"])
    patterns: dict[str, float] = dict(config.get("alpha_pattern") or {})

    def scale(name: str, rank: int) -> float:
        own = patterns.get(get_pattern_key(list(patterns), name), alpha)
        return float(own) / (math.sqrt(rank) if config.get("use_rslora") else rank)

    return scale


class Resident:
    """Adapters kept in memory up to a number of bytes; the least recently used goes first.

    Not thread-safe: the owner's one thread uses it.
    """

    def __init__(self, load: Callable[[AdapterInfo], Lora], budget: int) -> None:
        self.budget = budget
        self._load = load
        self._kept: OrderedDict[str, Lora] = OrderedDict()

    def get(self, info: AdapterInfo) -> Lora:
        """The weights of `info`, from memory or from disk. Raises AdapterError."""
        key = identity(info)
        if key not in self._kept:
            lora = self._load(info)
            while self._kept and self.bytes + lora.bytes > self.budget:
                self._kept.popitem(last=False)
            self._kept[key] = lora
        self._kept.move_to_end(key)
        return self._kept[key]

    @property
    def bytes(self) -> int:
        """What the kept adapters take."""
        return sum(lora.bytes for lora in self._kept.values())

    @property
    def keys(self) -> tuple[str, ...]:
        """What is kept, the least recently used first."""
        return tuple(self._kept)

    def clear(self) -> None:
        self._kept.clear()


def identity(info: AdapterInfo) -> str:
    """What answers depend on: the weights and how they are scaled, whatever the name."""
    return f"{info.weights_sha}-{info.rank}-{info.alpha}"
