"""Who sees what: a token what came before it in its own item, there the common beginning and
its own part.

As a mask over lines, or for the variable-length flash kernel (Dao 2023, "FlashAttention-2") as
the places of each prompt's queries and keys in one line. That kernel serves every architecture
whose attention goes through transformers' interface, under the name NAME. Serving has its own
(model/packed.py): rooms share nothing but their doors, and here gradients must be right, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

NAME = "lawui_training"


@dataclass(frozen=True)
class Places:
    """`keys` (k,) gathers keys so that each prompt's lie together, None where they do already;
    queries and keys of prompt i are from bounds[i] to bounds[i + 1], at most `longest`."""

    keys: torch.Tensor | None
    query_bounds: torch.Tensor
    key_bounds: torch.Tensor
    longest: int


def attention_mask(items: torch.Tensor, parts: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """(lines, 1, length, length) to be added to the scores. Padding sees padding, so that no
    row is empty and nothing becomes NaN."""
    import torch

    own = items[:, :, None] == items[:, None, :]
    related = (parts[:, None, :] == 0) | (parts[:, :, None] == parts[:, None, :])
    hidden = ~(own & related).tril()
    return torch.zeros(hidden.shape, dtype=dtype, device=items.device).masked_fill_(
        hidden, torch.finfo(dtype).min
    )[:, None]


def register() -> None:
    """Make NAME known to transformers: the flash kernel where `places` are given, else sdpa."""
    from transformers import AttentionInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    def attention(
        module: Any, query: Any, key: Any, value: Any, mask: Any, **others: Any
    ) -> tuple[Any, None]:
        places = others.pop("places", None)
        if places is None:
            return sdpa_attention_forward(module, query, key, value, mask, **others)
        return _flash(query, key, value, places, others.get("scaling")), None

    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def _flash(query: Any, key: Any, value: Any, places: Places, scale: float | None) -> torch.Tensor:
    """(1, heads, tokens, dim) -> (1, tokens, heads, dim)."""
    import torch

    query, key, value = (t[0].transpose(0, 1) for t in (query, key, value))
    if places.keys is not None:
        key, value = (_gathered(t, places.keys, places.key_bounds[-1]) for t in (key, value))
    attended = torch.ops.aten._flash_attention_forward(
        query,
        key,
        value,
        places.query_bounds,
        places.key_bounds,
        places.longest,
        places.longest,
        0.0,  # dropout
        True,  # causal, aligned at the end: the last query sees every key
        False,
        scale=scale,
    )
    return attended[0][None]


def _gathered(values: torch.Tensor, places: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """(tokens, heads, dim) -> (places, heads, dim), of which the first `count` are of a prompt.

    The kernel's backward pass leaves the others' gradient as it finds the memory.
    """
    import torch

    found = values.index_select(0, places)
    if not found.requires_grad:
        return found
    own = torch.arange(len(places), device=places.device) < count
    return torch.where(own[:, None, None], found, 0)
