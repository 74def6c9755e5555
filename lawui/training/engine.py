"""One optimizer step, launched without waiting for the device.

Loss and gradient norm stay on the device until they are ready: a step that is not finite
is skipped there, by a flag that the fused optimizer reads, and is heard of a moment later
through `Reading`s. On CUDA the forward and backward pass of a shape that comes again are
recorded once and replayed (a CUDA graph): at these sizes launching thousands of small
kernels takes longer than computing them, and nothing has to be compiled.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lawui.training.layout import Batch, Shape
from lawui.training.objective import answer_logits, token_losses
from lawui.training.parallel import Peers

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from lawui.training.cores import Cores
    from lawui.training.weights import Weights

IN_FLIGHT = 2
"""Steps launched and not yet heard of: enough to keep a device busy, few enough to stop
within a step."""

MOST_GRAPHS = 8

LAUNCH_BOUND = 2**24
"""Values at the input of a layer up to which launching its kernels takes as long as computing
them: 9,700 tokens of width 1,536 take the host of an H100 0.24 s and the card 0.2 s, seen on
2026-11-28. Nothing larger is recorded, or padded for it."""


@dataclass(frozen=True)
class Reading:
    """A finished step. `norm` is that of the gradient before clipping; `tokens` were
    computed, by all processes together; `at` is when it was heard of, in seconds of
    time.perf_counter."""

    loss: float
    norm: float
    tokens: int
    rate: float
    at: float


def finite_attention() -> None:
    """Keep this process from cuDNN's attention. Under a mask its backward pass gives NaN where
    a padded row is a multiple of 64 tokens long, though the loss is finite; the other kernels
    don't, nor does it at one token more or less (torch 2.11, H100; docs/training.md)."""
    import torch

    torch.backends.cuda.enable_cudnn_sdp(False)


class Engine:
    """Steps for one model with LoRA weights. `graphs` allows recording on CUDA, of batches of at
    most `most` tokens (by default wherever it pays); with `cores` the batches of a step are
    computed side by side, which draws no random number in order: for steps without dropout.
    `peers` compute the other batches of the same step."""

    def __init__(
        self,
        model: PreTrainedModel,
        weights: Weights,
        *,
        weight_decay: float,
        max_grad_norm: float,
        graphs: bool = True,
        most: int | None = None,
        cores: Cores | None = None,
        peers: Peers | None = None,
    ) -> None:
        import torch

        self._peers = peers or Peers()
        self._model = model
        self._weights = weights
        self._trained = list(weights.parameters.values())
        self._max_norm = max_grad_norm
        self._cores = cores
        device = weights.values.device
        self._cuda = device.type == "cuda"
        if self._cuda:
            finite_attention()
        self.graphs = graphs and self._cuda
        self.optimizer = torch.optim.AdamW(
            [weights.values], lr=0.0, weight_decay=weight_decay, fused=True
        )
        self._loss = torch.zeros((), device=device)
        self._most = most_recorded(model) if most is None else most
        self.shapes = 0
        self.recording = 0.0
        """Shapes recorded so far, and the seconds that recording took."""
        self._recorded: dict[Shape, _Recorded] = {}
        self._seen: set[Shape] = set()
        self._pending: deque[tuple[torch.Tensor, Any, float]] = deque()

    def step(self, batches: Sequence[Batch], rate: float) -> None:
        """Launch one step on `batches`, which lie on the device. Their weights are each
        example's share in the loss. Raises what running out of memory raises."""
        import torch

        self._loss.zero_()
        self._weights.gradient.zero_()
        if self._cores is not None and len(batches) > 1:
            for loss, gradients in self._cores.map(self._passes, batches):
                self._sum(loss, gradients)
        else:
            for batch in batches:
                self._add(batch)
        weights = self._weights
        tokens = torch.full_like(self._loss, sum(batch.tokens for batch in batches))
        told = torch.stack((self._loss, tokens))
        self._peers.add(told)
        self._peers.add(weights.gradient)
        with torch.no_grad():
            norm = torch.linalg.vector_norm(weights.gradient)
            finite = norm.isfinite() & told[0].isfinite()
            # As torch.nn.utils.clip_grad_norm_ has it.
            weights.gradient.mul_((self._max_norm / (norm + 1e-6)).clamp(max=1.0))
            torch.where(finite, weights.values, weights.good, out=weights.good)
            read = torch.stack((told[0], norm, told[1]))
        self.optimizer.found_inf = (~finite).float()  # type: ignore[attr-defined]
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self._send(read, rate)

    def readings(self, wait: bool = False) -> list[Reading]:
        """Steps that are done since the last call, in order; with `wait`, all launched."""
        found = []
        while self._pending:
            read, ready, rate = self._pending[0]
            if ready is not None and not ready.query():
                if not wait and len(self._pending) <= IN_FLIGHT:
                    break
                ready.synchronize()
            self._pending.popleft()
            loss, norm, tokens = read.tolist()
            found.append(Reading(loss, norm, int(tokens), rate, time.perf_counter()))
        return found

    def be_modest(self) -> bool:
        """Give back the memory of recorded shapes, record no more, and compute one batch
        after another. Whether that frees any memory."""
        frees = bool(self._recorded) or self._cores is not None
        self._recorded.clear()
        self.graphs = False
        self._cores = None
        return frees

    def _send(self, read: torch.Tensor, rate: float) -> None:
        import torch

        ready = None
        if self._cuda:
            here = torch.empty(3, pin_memory=True)
            here.copy_(read, non_blocking=True)
            ready = torch.cuda.Event()
            ready.record()
            read = here
        self._pending.append((read, ready, rate))

    def _add(self, batch: Batch) -> None:
        """Add the loss of `batch` and its gradient to what the step has so far."""
        shape = batch.shape
        recorded = self._recorded.get(shape)
        wanted = self.graphs and shape in self._seen and shape.tokens <= self._most
        if recorded is None and wanted:
            recorded = self._record(shape, batch)
        if recorded is not None:
            return recorded.replay(batch)
        self._seen.add(shape)
        return self._compute(batch)

    def _compute(self, batch: Batch) -> None:
        self._sum(*self._passes(batch))

    def _passes(self, batch: Batch) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """The loss of `batch` and its gradients; touches nothing shared."""
        import torch

        losses = token_losses(answer_logits(self._model, batch), batch)
        loss = (losses * batch.weights).sum()
        gradients = torch.autograd.grad(loss, self._trained, materialize_grads=True)
        return loss.detach(), gradients

    def _sum(self, loss: torch.Tensor, gradients: tuple[torch.Tensor, ...]) -> None:
        import torch

        torch._foreach_add_(self._weights.gradients, gradients)
        self._loss.add_(loss)

    def _record(self, shape: Shape, batch: Batch) -> _Recorded | None:
        """The passes of this shape, recorded; None where this model cannot be."""
        import torch

        if len(self._recorded) >= MOST_GRAPHS:
            return None
        state, began = torch.cuda.get_rng_state(), time.perf_counter()
        try:
            pool = next((r.graph.pool() for r in self._recorded.values()), None)
            # Between processes nccl's own thread asks the card all the time, which a
            # recording otherwise forbids to every thread.
            mode = "thread_local" if self._peers.count > 1 else "global"
            self._recorded[shape] = _Recorded(self._compute, batch, pool, mode)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:  # an operation that asks the host
            print(f"not recorded: {error}", flush=True)
            self.be_modest()
            torch.cuda.set_rng_state(state)
            return None
        self.shapes += 1
        self.recording += time.perf_counter() - began
        return self._recorded[shape]


class _Recorded:
    """The passes of one shape as a CUDA graph that reads its batch from fixed places."""

    def __init__(self, compute: Any, batch: Batch, pool: Any, mode: str) -> None:
        import torch

        self._batch = batch.each(torch.Tensor.clone)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, pool=pool, capture_error_mode=mode):
            compute(self._batch)

    def replay(self, batch: Batch) -> None:
        for place, values in zip(self._batch.tensors, batch.tensors, strict=True):
            place.copy_(values, non_blocking=True)
        self.graph.replay()


def most_recorded(model: PreTrainedModel) -> int:
    """The most tokens of a batch that is worth recording."""
    return LAUNCH_BOUND // int(model.config.hidden_size)


class Shapes:
    """A few sizes for all batches of a run of at most `most` tokens, so that what is recorded
    comes again.

    `edges` are lengths taken from the batches to come; a batch grows to the next edge.
    """

    STEP = 64
    MOST = 6

    def __init__(self, coming: Sequence[Shape], most: int) -> None:
        self._most = most
        small = [shape for shape in coming if shape.tokens <= most]
        ordered = sorted(-(-shape.length // self.STEP) * self.STEP for shape in small)
        last = len(ordered) - 1
        # Each costs two slow steps before it pays.
        count = min(self.MOST, max(1, len(ordered) // 20))
        edges = {ordered[last * k // count] for k in range(1, count + 1)} if ordered else set()
        self.edges = sorted(edges)
        self._answers = max((shape.answers for shape in small), default=0)
        self._keys = max((-(-shape.keys // shape.length) for shape in small), default=0)
        # Padding is a prompt of its own.
        gaps = [edge - former for former, edge in pairwise([0, *self.edges])]
        longest = [shape.longest for shape in small]
        self._longest = max([*longest, *gaps]) if any(longest) else 0

    def __call__(self, shape: Shape) -> Shape:
        """The size to make room for."""
        length = next((edge for edge in self.edges if edge >= shape.length), 0)
        if not length or shape.lines * length > self._most:
            return shape
        return Shape(
            shape.lines,
            length,
            max(shape.answers, self._answers),
            # Padding gathers its keys, too.
            max(shape.keys + length - shape.length, self._keys * length) if shape.keys else 0,
            max(shape.longest, self._longest) if shape.longest else 0,
        )
