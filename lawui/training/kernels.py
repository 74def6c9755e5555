"""Faster kernels on a card, each tried on a few tokens before a run uses it.

With a mask, attention computes whole lines, and of those only what lies inside an item
counts: over a third of a long step on an H100 (docs/training.md). The variable-length flash
kernel computes what counts, and torch's own RMSNorm goes over memory once where transformers'
does several times. What fails here, or gives other states or gradients than the plain pass, is
left out: a card that lacks the kernel, an architecture with an attention of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lawui.training import attention, layout
from lawui.training.batches import Example
from lawui.training.layout import Shape
from lawui.training.objective import answer_states

if TYPE_CHECKING:
    import torch

    from lawui.model.load import LoadedModel

AGREES = 0.15
"""Largest difference of states or gradients from the plain pass's, relative to their size: in
bfloat16 .05 is usual, and a wrong mask gives 1."""


@dataclass(frozen=True)
class Kernels:
    """What a run uses: `flash` attention, torch's own `norms`. `undo` gives the base back."""

    flash: bool = False
    norms: bool = False
    undo: Callable[[], None] = lambda: None


def choose(loaded: LoadedModel) -> Kernels:
    """Take up, in place, what is faster on the device of `loaded` and agrees."""
    if not _on_card(loaded):
        return Kernels()
    config: Any = loaded.model.config
    former = config._attn_implementation
    try:
        plain = _pass(loaded, flash=False)
    except Exception:  # an architecture that nothing can be tried on is trained as it is
        return Kernels()
    attention.register()
    config._attn_implementation = attention.NAME
    flash = _agrees(loaded, plain, flash=True)
    if not flash:
        config._attn_implementation = former
    restore = _library_norms(loaded.model.get_decoder())
    norms = _agrees(loaded, plain, flash)
    if not norms:
        restore()

    def undo() -> None:
        config._attn_implementation = former
        if norms:
            restore()

    return Kernels(flash, norms, undo)


def _on_card(loaded: LoadedModel) -> bool:
    import torch

    return loaded.device.startswith("cuda") and loaded.dtype != torch.float32


def _library_norms(decoder: torch.nn.Module) -> Callable[[], None]:
    """Let torch's own RMSNorm do those of `decoder`, in place. Returns what puts them back."""
    changed: list[Any] = [
        one
        for one in decoder.modules()
        if type(one).__name__.endswith("RMSNorm") and hasattr(one, "variance_epsilon")
    ]
    for one in changed:
        one.forward = functools.partial(_norm, one)

    def restore() -> None:
        for one in changed:
            del one.forward

    return restore


def _norm(module: Any, x: torch.Tensor) -> torch.Tensor:
    from torch.nn.functional import rms_norm

    return rms_norm(x, module.weight.shape, module.weight, module.variance_epsilon)


def _agrees(loaded: LoadedModel, plain: list[torch.Tensor], flash: bool) -> bool:
    try:
        found = _pass(loaded, flash)
    except Exception:  # an architecture or a device that cannot: no fault of anyone's
        return False
    return all(
        bool((one - other).norm() < AGREES * other.norm())
        for one, other in zip(found, plain, strict=True)
    )


def _pass(loaded: LoadedModel, flash: bool) -> list[torch.Tensor]:
    """States where answers are predicted, and the gradient at the embeddings."""
    import torch

    batch = layout.collate(_trial(), 0, layout.LINE, _larger, flash=flash).to(loaded.device)
    embeddings = loaded.model.get_input_embeddings()(batch.grid[0]).detach().requires_grad_()
    states = answer_states(loaded.model, batch, embeddings).float()
    # Not all alike: the last norm makes the sum of squares of a state constant.
    along = torch.linspace(-1, 1, states.shape[-1], device=states.device)
    (gradient,) = torch.autograd.grad((states * along).sum(), embeddings)
    return [states.detach(), gradient.float()]


def _larger(shape: Shape) -> Shape:
    """With room to spare, as for a recorded step."""
    keys = shape.keys and shape.keys + 90
    return replace(shape, length=shape.length + 40, answers=shape.answers + 2, keys=keys)


def _trial() -> list[Example]:
    """An item in three orders and two of their own."""
    first = [7 + 5 * n % 89 for n in range(24)]
    ids = [[*first, 11, 12, 13, 8], [*first, 31, 12, 14, 15, 16, 9], [*first, 21, 10]]
    ids += [[5, 4, 3] * 11, [20 + n for n in range(19)]]
    sources = ("shared", "shared", "shared", "long", "short")
    return [
        Example(tuple(one), (1, 2), 0, source, "none", source)
        for one, source in zip(ids, sources, strict=True)
    ]
