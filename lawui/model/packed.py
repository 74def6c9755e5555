"""Many prompts in one row, without padding, their common beginnings once.

A batch is one row of tokens: for each group its common beginning, then each prompt's own
end, with positions as if each prompt stood alone. Linear layers see one long row; only
attention knows where a prompt begins. Registered with transformers under the name NAME, it
works for every architecture whose attention goes through that interface.

On CUDA, attention is one call of the variable-length flash kernel (Dao 2023,
"FlashAttention-2"): each prompt's own tokens look at the beginning's keys and their own.
Elsewhere it is one call for a beginning and one for all its ends, over slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

NAME = "lawui_packed"


@dataclass(frozen=True)
class Group:
    """Prompts with a common beginning: `rows` index the caller's list, `shared` is the
    length of the beginning in tokens (0 for a prompt on its own)."""

    rows: tuple[int, ...]
    shared: int


@dataclass(frozen=True)
class Block:
    """One group in the row: `start`, where its ends begin (`tails`) and where it stops.
    `mask` (ends, whole block) is true where a token of an end may look; `last` are the
    places of its prompts' last tokens."""

    start: int
    tails: int
    stop: int
    last: tuple[int, ...]
    mask: torch.Tensor | None


@dataclass(frozen=True)
class Varlen:
    """The same for the flash kernel: `keys` (k,) gathers keys so that each prompt's lie
    together; queries and keys of prompt i are from bounds[i] to bounds[i + 1]."""

    keys: torch.Tensor
    query_bounds: torch.Tensor
    key_bounds: torch.Tensor
    longest_query: int
    longest_key: int


@dataclass(frozen=True)
class Layout:
    """A batch as one row. ids, positions: (1, tokens); last: (prompts,), the place of each
    prompt's last token, in the order of `rows`."""

    ids: torch.Tensor
    positions: torch.Tensor
    last: torch.Tensor
    rows: tuple[int, ...]
    bounds: tuple[int, ...]
    """Where each group begins, and the end."""
    blocks: tuple[Block, ...] = field(default=())
    varlen: Varlen | None = None
    ending: bool = False
    """Whether only the last token of each prompt is still to look (ending.py)."""

    @property
    def tokens(self) -> int:
        return self.ids.shape[1]


def lay_out(
    groups: Sequence[Group], prompts: Sequence[Sequence[int]], device: str, *, varlen: bool
) -> Layout:
    """Put `groups` of `prompts` (token ids) into one row on `device`."""
    import torch

    ids: list[int] = []
    positions: list[int] = []
    last: list[int] = []
    bounds = [0]
    ends: list[list[int]] = []
    for group in groups:
        shared = group.shared
        ids += prompts[group.rows[0]][:shared]
        positions += range(shared)
        lengths = []
        for row in group.rows:
            tail = prompts[row][shared:]
            ids += tail
            positions += range(shared, shared + len(tail))
            last.append(len(ids) - 1)
            lengths.append(len(tail))
        ends.append(lengths)
        bounds.append(len(ids))
    return Layout(
        ids=torch.tensor([ids]).to(device, non_blocking=True),
        positions=torch.tensor([positions]).to(device, non_blocking=True),
        last=torch.tensor(last).to(device, non_blocking=True),
        rows=tuple(row for group in groups for row in group.rows),
        bounds=tuple(bounds),
        blocks=() if varlen else _blocks(groups, bounds, ends, device),
        varlen=_varlen(groups, bounds, ends, device) if varlen else None,
    )


def _blocks(
    groups: Sequence[Group], bounds: Sequence[int], ends: Sequence[Sequence[int]], device: str
) -> tuple[Block, ...]:
    found = []
    for group, start, stop, lengths in zip(groups, bounds, bounds[1:], ends, strict=False):
        mask = _mask(group.shared, lengths).to(device) if group.shared else None
        tails = start + group.shared if group.shared else stop
        after = accumulate(lengths, initial=start + group.shared)
        last = tuple(place - 1 for place in after)[1:]
        found.append(Block(start, tails, stop, last, mask))
    return tuple(found)


def _mask(shared: int, lengths: Sequence[int]) -> torch.Tensor:
    """(ends, shared + ends): the beginning, and of its own end what came before."""
    import torch

    own = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    inside = (own[:, None] == own[None, :]).tril()
    return torch.cat((torch.ones(len(own), shared, dtype=torch.bool), inside), dim=1)


def _varlen(
    groups: Sequence[Group], bounds: Sequence[int], ends: Sequence[Sequence[int]], device: str
) -> Varlen:
    import torch

    keys: list[torch.Tensor] = []
    query_lengths, key_lengths = [0], [0]
    for group, start, lengths in zip(groups, bounds, ends, strict=False):
        at = start + group.shared
        for number, length in enumerate(lengths):
            # The first prompt of a group computes the beginning too.
            query_lengths.append(length + (0 if number else group.shared))
            key_lengths.append(group.shared + length)
            keys += [torch.arange(start, start + group.shared), torch.arange(at, at + length)]
            at += length

    def bounds_of(lengths: list[int]) -> torch.Tensor:
        return torch.tensor(lengths).cumsum(0).int().to(device, non_blocking=True)

    return Varlen(
        keys=torch.cat(keys).to(device, non_blocking=True),
        query_bounds=bounds_of(query_lengths),
        key_bounds=bounds_of(key_lengths),
        longest_query=max(query_lengths),
        longest_key=max(key_lengths),
    )


def register() -> None:
    """Make NAME known to transformers: packed where a layout is given, else plain sdpa."""
    from transformers import AttentionInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    def attention(
        module: Any, query: Any, key: Any, value: Any, mask: Any, **others: Any
    ) -> tuple[Any, None]:
        layout = others.pop("layout", None)
        if layout is None:
            return sdpa_attention_forward(module, query, key, value, mask, **others)
        scale = others.get("scaling")
        if layout.varlen is not None:
            return _flash(query, key, value, layout.varlen, scale), None
        return _slices(query, key, value, layout.blocks, scale, layout.ending), None

    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def _flash(query: Any, key: Any, value: Any, plan: Varlen, scale: float | None) -> torch.Tensor:
    """(1, heads, tokens, dim) -> (1, tokens, heads, dim)."""
    import torch

    attended = torch.ops.aten._flash_attention_forward(
        query[0].transpose(0, 1),
        key[0].transpose(0, 1).index_select(0, plan.keys),
        value[0].transpose(0, 1).index_select(0, plan.keys),
        plan.query_bounds,
        plan.key_bounds,
        plan.longest_query,
        plan.longest_key,
        0.0,  # dropout
        True,  # causal, aligned at the end: the last query sees every key
        False,
        scale=scale,
    )
    return attended[0][None]


def _slices(
    query: Any, key: Any, value: Any, blocks: Sequence[Block], scale: float | None, ending: bool
) -> torch.Tensor:
    """(1, heads, tokens, dim) -> (1, tokens, heads, dim)."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention as attend

    repeats = query.shape[1] // key.shape[1]
    if repeats > 1:
        key, value = (t.repeat_interleave(repeats, dim=1) for t in (key, value))
    if ending:
        return _last_tokens(query, key, value, blocks, scale)
    attended = torch.empty_like(query.transpose(1, 2))
    for block in blocks:
        head = slice(block.start, block.tails)
        part = attend(
            query[:, :, head], key[:, :, head], value[:, :, head], is_causal=True, scale=scale
        )
        attended[:, head] = part.transpose(1, 2)
        if block.mask is not None:
            tail, whole = slice(block.tails, block.stop), slice(block.start, block.stop)
            part = attend(
                query[:, :, tail],
                key[:, :, whole],
                value[:, :, whole],
                attn_mask=block.mask,
                scale=scale,
            )
            attended[:, tail] = part.transpose(1, 2)
    return attended


def _last_tokens(
    query: Any, key: Any, value: Any, blocks: Sequence[Block], scale: float | None
) -> torch.Tensor:
    """(1, heads, tokens, dim) -> (1, tokens, heads, dim), zero but at each prompt's end."""
    from torch.nn.functional import scaled_dot_product_attention as attend

    attended = query.new_zeros(query.transpose(1, 2).shape)
    for block in blocks:
        at = list(block.last)
        mask = block.mask
        part = attend(
            query[:, :, at],
            key[:, :, block.start : block.stop],
            value[:, :, block.start : block.stop],
            attn_mask=None if mask is None else mask[[place - block.tails for place in at]],
            scale=scale,
        )
        attended[:, at] = part.transpose(1, 2)
    return attended
