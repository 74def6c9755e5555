"""The trained weights in one piece of memory.

Hundreds of small LoRA matrices become views of one vector, and so do their gradients: the
norm, the clipping, the update and the copy of the last good state are then one operation
each, whatever the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BYTES = 20
"""A trained value in memory: itself, its gradient, AdamW's two moments, the last good one."""


class Weights:
    """`values`, `gradient` and `good` are vectors of all trained values in float32.

    `good` are the weights with which a finite loss and gradient were last computed.
    """

    def __init__(self, parameters: Mapping[str, torch.nn.Parameter]) -> None:
        import torch

        self.parameters = dict(parameters)
        first = next(iter(self.parameters.values()))
        size = sum(parameter.numel() for parameter in self.parameters.values())
        self.values = torch.nn.Parameter(torch.empty(size, device=first.device))
        self.gradient = torch.zeros(size, device=first.device)
        self.values.grad = self.gradient
        for name, view in self.views(self.values.detach()).items():
            view.copy_(self.parameters[name].detach())
            self.parameters[name].data = view
        self.good = self.values.detach().clone()
        self.gradients = list(self.views(self.gradient).values())

    def views(self, vector: torch.Tensor) -> dict[str, torch.Tensor]:
        """`vector` cut into the shapes of the parameters, by their names."""
        found, start = {}, 0
        for name, parameter in self.parameters.items():
            end = start + parameter.numel()
            found[name] = vector[start:end].view(parameter.shape)
            start = end
        return found

    def named(self) -> dict[str, torch.Tensor]:
        """The present weights by name; views, not copies."""
        return self.views(self.values.detach())

    def put(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take these weights instead of the present ones."""
        import torch

        with torch.no_grad():
            for name, view in self.named().items():
                view.copy_(weights[name])

    def put_good(self) -> None:
        """Go back to the last good weights."""
        self.put(self.views(self.good))
