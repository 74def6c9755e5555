"""The processes that train one run together, each on its share of every step.

Only the gradient travels: it is one vector (weights.py), summed once a step. All else
that the processes must agree on they work out alike from the same settings and rows, or
ask the first of them. The processes are started by `accelerate launch` (launch.py), whose
environment torch.distributed reads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


class PeerLost(Exception):
    """Another process of the run is gone; the one that watches them all says so."""


class Peers:
    """This process alone. `rank` is its number among `count`."""

    rank = 0
    count = 1

    @property
    def first(self) -> bool:
        """Whether this one writes events, checkpoints and the adapter."""
        return self.rank == 0

    def share(self, whole: Sequence[T]) -> list[T]:
        """This process's part: neighbours stay together, parts differ by one at most."""
        begin, end = (len(whole) * place // self.count for place in (self.rank, self.rank + 1))
        return list(whole[begin:end])

    def add(self, tensor: torch.Tensor) -> None:
        """Sum `tensor` over all processes, in place."""

    def agree(self, flag: bool) -> bool:
        """What the first process says."""
        return flag

    def gather(self, value: T) -> list[T]:
        """The value of every process, by rank."""
        return [value]


class Group(Peers):
    """One of several processes, joined by torch.distributed: gloo for what lies in main
    memory, nccl for what lies on a card. Raises PeerLost where another is gone."""

    def __init__(self) -> None:
        import torch
        import torch.distributed as dist

        self.rank, self.count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        if torch.cuda.is_available():
            # From here on "cuda" is this process's own card.
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        cuda = torch.cuda.is_available()
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
        self._dist: Any = dist

    def add(self, tensor: torch.Tensor) -> None:
        self._or_lost(lambda: self._dist.all_reduce(tensor))

    def agree(self, flag: bool) -> bool:
        import torch

        told = torch.tensor([float(flag)])  # on the CPU: no card waits for it
        self._or_lost(lambda: self._dist.broadcast(told, 0))
        return bool(told.item())

    def gather(self, value: T) -> list[T]:
        found: list[Any] = [None] * self.count
        self._or_lost(lambda: self._dist.all_gather_object(found, value))
        return found

    def close(self) -> None:
        """Leave in good order: all processes have ended their work by now."""
        self._or_lost(self._dist.destroy_process_group)

    def _or_lost(self, what: Callable[[], Any]) -> None:
        try:
            what()
        except RuntimeError as error:
            raise PeerLost(str(error)) from error
