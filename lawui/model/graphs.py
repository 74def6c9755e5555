"""Recorded CUDA graphs for one question at a time, which is bound by launches, not by work.

A batch of one item (one prompt, or the four orders of one question) with one adapter is
padded to one of a few lengths and replays a recording of the whole pass, letters included.
Adapters of one shape share a recording: the one that answers is copied into its place first,
in one copy. Nothing of padding is read: no key of it is gathered, no state of it is used.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lawui.model import lora
from lawui.model.lora import Lora, Span
from lawui.model.packed import Layout, Varlen

if TYPE_CHECKING:
    import torch

    from lawui.model.engine import Engine

LENGTHS = (128, 256, 384, 512, 640, 768, 896, 1024, 1280, 1536, 2048, 3072)
PROMPTS = (1, 4)
"""Prompts of one recording: one question in one order, or in all four."""

log = logging.getLogger(__name__)


@dataclass
class _Recording:
    """A graph with the places its input is copied to and its output is read from."""

    graph: torch.cuda.CUDAGraph
    layout: Layout
    spans: Sequence[Span]
    probs: torch.Tensor
    mass: torch.Tensor


class Graphs:
    """Recordings of one engine, made when first needed. `usable` ends with the first that
    fails: everything is then computed step by step, with the same numbers."""

    def __init__(self, engine: Engine) -> None:
        self.usable = True
        self._engine = engine
        self._recordings: dict[Any, _Recording] = {}
        self._places: dict[Any, Lora] = {}
        self._pool: Any = None
        self._aside: Any = None
        """One stream for all warm-ups: cuBLAS keeps a workspace for every stream it saw."""

    def takes(self, layout: Layout, spans: Sequence[Span]) -> bool:
        """Whether a recording fits: few prompts, one adapter or none for all of them."""
        whole = not spans or (spans[0].start, spans[0].end) == (0, layout.tokens)
        few = len(layout.rows) <= PROMPTS[-1] and layout.tokens <= LENGTHS[-1]
        return self.usable and few and whole and layout.varlen is not None

    def run(self, layout: Layout, spans: Sequence[Span]) -> tuple[torch.Tensor, torch.Tensor]:
        """(prompts, 4) probabilities and (prompts,) masses, as `Engine.letters`."""
        owner = spans[0].lora if spans else None
        try:
            recording = self._recording(layout, owner)
        except RuntimeError as error:  # a kernel that cannot be recorded, or no memory for it
            log.warning("no CUDA graphs: %s", str(error).splitlines()[0])
            self.usable = False
            self._recordings.clear()
            self._places.clear()
            return self._engine.letters(self._engine.states(layout, spans))
        _copy(layout, recording.layout)
        if owner is not None:
            recording.spans[0].lora.flat.copy_(owner.flat)
        recording.graph.replay()
        count = len(layout.rows)
        return recording.probs[:count].clone(), recording.mass[:count].clone()

    def _recording(self, layout: Layout, owner: Lora | None) -> _Recording:
        prompts = next(n for n in PROMPTS if n >= len(layout.rows))
        length = next(n for n in LENGTHS if n >= layout.tokens)
        key = (prompts, length, owner.shape if owner else None)
        if key not in self._recordings:
            self._recordings[key] = self._record(prompts, length, layout, owner)
        return self._recordings[key]

    def _record(self, prompts: int, length: int, layout: Layout, owner: Lora | None) -> _Recording:
        import torch

        static = _static(prompts, length, self._engine.loaded.device)
        _copy(layout, static)
        spans: list[Span] = []
        if owner is not None:
            place = self._places.setdefault(owner.shape, lora.empty_like(owner))
            place.flat.copy_(owner.flat)
            spans = [Span(0, length, place)]
        engine = self._engine
        self._aside = self._aside or torch.cuda.Stream()
        self._aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._aside):  # libraries choose their kernels outside the recording
            for _ in range(2):
                engine.letters(engine.states(static, spans))
        torch.cuda.current_stream().wait_stream(self._aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            probs, mass = engine.letters(engine.states(static, spans))
        self._pool = graph.pool()
        return _Recording(graph, static, spans, probs, mass)


def _static(prompts: int, length: int, device: str) -> Layout:
    """Places for any batch of at most `prompts` prompts and `length` tokens."""
    import torch

    def zeros(*shape: int, dtype: Any = torch.long) -> torch.Tensor:
        return torch.zeros(*shape, dtype=dtype, device=device)

    plan = Varlen(
        keys=zeros(prompts * length),
        query_bounds=zeros(prompts + 1, dtype=torch.int32),
        key_bounds=zeros(prompts + 1, dtype=torch.int32),
        longest_query=length,
        longest_key=length,
    )
    return Layout(
        ids=zeros(1, length),
        positions=zeros(1, length),
        last=zeros(prompts),
        rows=tuple(range(prompts)),
        bounds=(0, length),
        varlen=plan,
    )


def _copy(layout: Layout, static: Layout) -> None:
    """Put a batch into its places. Prompts that are not there have no queries and no keys."""
    assert layout.varlen is not None and static.varlen is not None
    for source, target in (
        (layout.ids[0], static.ids[0]),
        (layout.positions[0], static.positions[0]),
        (layout.last, static.last),
        (layout.varlen.keys, static.varlen.keys),
        (layout.varlen.query_bounds, static.varlen.query_bounds),
        (layout.varlen.key_bounds, static.varlen.key_bounds),
    ):
        target[: len(source)].copy_(source)
    for source, target in (
        (layout.varlen.query_bounds, static.varlen.query_bounds),
        (layout.varlen.key_bounds, static.varlen.key_bounds),
    ):
        target[len(source) :].copy_(source[-1:].expand(len(target) - len(source)))
