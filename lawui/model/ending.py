"""Of the last layer no more than is read: what follows from each prompt's last token.

All of a batch needs keys and values of the last layer, but queries, the products after them
and the feed-forward part only where a prompt ends. Of a model of eight layers that saves a
tenth of the time, of a large one a few hundredths. For layers as Qwen2's, Llama's and their kin
name their parts; engine.py tries the result on a few tokens and takes it back where it differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from lawui.model.packed import Layout

_PARTS = ("q_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Ending:
    """Shortens the last layer of `decoder` wherever a layout is given, until `remove`."""

    def __init__(self, decoder: Any) -> None:
        self._at: torch.Tensor | None = None
        """The rows that are read, (prompts,), while the last layer is computed."""
        layer = decoder.layers[-1]
        self._hooks = [
            layer.register_forward_pre_hook(self._begin, with_kwargs=True),
            layer.register_forward_hook(self._end, always_call=True),
        ]
        self._parts = [m for n, m in layer.named_modules() if n.rpartition(".")[2] in _PARTS]
        for part in self._parts:
            part.forward = self._shortened(part.forward)

    def remove(self) -> None:
        """Compute all of the layer again."""
        for hook in self._hooks:
            hook.remove()
        for part in self._parts:
            del part.forward

    def _begin(
        self, layer: Any, words: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        layout: Layout | None = named.get("layout")
        if layout is None:
            return None
        self._at = layout.last
        return words, {**named, "layout": replace(layout, ending=True)}

    def _end(self, *_: Any) -> None:
        self._at = None

    def _shortened(self, whole: Callable[[torch.Tensor], torch.Tensor]) -> Any:
        """(1, tokens, in) -> (1, tokens, out), zero in the rows that nobody reads."""

        def forward(x: torch.Tensor) -> torch.Tensor:
            if self._at is None:
                return whole(x)
            few = whole(x[:, self._at])
            return few.new_zeros(1, x.shape[1], few.shape[2]).index_copy_(1, self._at, few)

        return forward
