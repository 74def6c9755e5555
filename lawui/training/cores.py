"""The cores of a CPU, each on a batch of its own.

Dividing one operation of a small model among cores costs more waiting than it saves,
above all where other programs use the cores too. Whole batches need no waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lawui.training.layout import Batch

R = TypeVar("R")


class Cores:
    """As many threads as torch would use, each computing alone."""

    def __init__(self) -> None:
        import torch

        self.count = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(
            self.count, "core", initializer=torch.set_num_threads, initargs=(1,)
        )

    def map(self, what: Callable[[Batch], R], batches: Sequence[Batch]) -> list[R]:
        """`what` of each batch, in their order; the largest are begun first. Raises what
        the first of them raised."""
        order = sorted(range(len(batches)), key=lambda i: -batches[i].grid.numel())
        begun = {i: self._pool.submit(what, batches[i]) for i in order}
        return [begun[i].result() for i in range(len(batches))]

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown()
