"""Letter probabilities from one forward pass, without generating text.

The probability of an answer is that of its letter at the first position after the
prompt. Prompts that begin alike (the orders of an item) have their common beginning
computed once: its keys and values are reused for each continuation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lawui.errors import ModelError

if TYPE_CHECKING:
    import torch

    from lawui.model.load import LoadedModel

Tokens = Sequence[int]


@dataclass(frozen=True)
class Group:
    """Prompts with a common beginning: `rows` index the caller's list, `shared` is the
    length of the beginning in tokens (0 for a prompt on its own)."""

    rows: tuple[int, ...]
    shared: int


def letter_probabilities(
    loaded: LoadedModel, prompts: Sequence[Tokens], token_budget: int = 8192
) -> tuple[list[tuple[float, float, float, float]], list[float], int]:
    """Probabilities of a-d for each prompt, their share of the whole vocabulary, and the
    number of tokens computed.

    `prompts` are token ids; `token_budget` bounds a batch, padding included. Raises
    ModelError where a prompt is longer than the model reads or the logits are not finite.
    """
    import torch

    for tokens in prompts:
        if len(tokens) > loaded.max_length:
            raise ModelError("model.prompt_too_long", tokens=len(tokens), limit=loaded.max_length)
    probs = torch.zeros(len(prompts), 4)
    mass = torch.zeros(len(prompts))
    computed = 0
    with torch.inference_mode():
        for batch in batches(group_by_prefix(prompts), prompts, token_budget):
            hidden, count = _last_hidden(loaded, batch, prompts)
            computed += count
            rows = [row for group in batch for row in group.rows]
            probs[rows], mass[rows] = _letters(loaded, hidden)
    if not torch.isfinite(probs).all():
        raise ModelError("model.not_finite")
    return [tuple(row) for row in probs.tolist()], mass.tolist(), computed


def group_by_prefix(prompts: Sequence[Tokens]) -> list[Group]:
    """Put prompts together wherever sharing their beginning saves tokens.

    Sorted, prompts that begin alike stand next to each other; one joins the group
    before it when that computes fewer tokens than starting anew.
    """
    order = sorted(range(len(prompts)), key=lambda row: tuple(prompts[row]))
    groups: list[Group] = []
    for row in order:
        if groups:
            rows, shared = groups[-1].rows, groups[-1].shared
            first = prompts[rows[0]]
            # The last token of every prompt must be computed on its own.
            limit = min(shared or len(first) - 1, len(prompts[row]) - 1)
            common = _common(first, prompts[row], limit)
            if common * len(rows) > (shared or 0) * (len(rows) - 1) and common >= 16:
                groups[-1] = Group((*rows, row), common)
                continue
        groups.append(Group((row,), 0))
    return groups


def batches(
    groups: Sequence[Group], prompts: Sequence[Tokens], token_budget: int
) -> Iterator[list[Group]]:
    """Gather groups of like length until padding included they fill the budget."""

    def length(group: Group) -> tuple[bool, int]:
        return group.shared > 0, max(len(prompts[row]) for row in group.rows)

    batch: list[Group] = []
    for group in sorted(groups, key=length):
        whole = [*batch, group]
        longest = max(length(g)[1] for g in whole)
        rows = sum(len(g.rows) for g in whole)
        mixed = batch and (batch[0].shared > 0) != (group.shared > 0)
        if batch and (mixed or rows * longest > token_budget):
            yield batch
            whole = [group]
        batch = whole
    if batch:
        yield batch


def _common(a: Tokens, b: Tokens, limit: int) -> int:
    for position in range(limit):
        if a[position] != b[position]:
            return position
    return limit


def _last_hidden(
    loaded: LoadedModel, batch: list[Group], prompts: Sequence[Tokens]
) -> tuple[torch.Tensor, int]:
    """The last layer's state at each prompt's last token, (rows, hidden), and the number
    of tokens computed, padding not counted."""
    import torch

    decoder = loaded.model.get_decoder()
    pad = _pad_id(loaded)
    rows = [row for group in batch for row in group.rows]
    past: Any = None
    before = torch.zeros(len(rows), 0, dtype=torch.long)
    lengths = [0] * len(rows)
    computed = 0
    if batch[0].shared:
        heads = [prompts[g.rows[0]][: g.shared] for g in batch]
        ids, mask = _padded(heads, pad)
        past = decoder(
            input_ids=ids.to(loaded.device),
            attention_mask=mask.to(loaded.device),
            position_ids=_positions(mask, 0).to(loaded.device),
            use_cache=True,
        ).past_key_values
        owner = [index for index, group in enumerate(batch) for _ in group.rows]
        past.batch_select_indices(torch.tensor(owner, device=loaded.device))
        before = mask[owner]
        lengths = [batch[index].shared for index in owner]
        computed = sum(map(len, heads))
    tails = [prompts[row][length:] for row, length in zip(rows, lengths, strict=True)]
    ids, mask = _padded(tails, pad)
    positions = _positions(mask, torch.tensor(lengths)[:, None])
    states = decoder(
        input_ids=ids.to(loaded.device),
        attention_mask=torch.cat((before, mask), dim=1).to(loaded.device),
        position_ids=positions.to(loaded.device),
        past_key_values=past,
        use_cache=past is not None,
    ).last_hidden_state  # (rows, longest tail, hidden)
    last = mask.sum(dim=1) - 1
    picked = states[torch.arange(len(rows)), last.to(states.device)]
    return picked, computed + int(mask.sum())


def _letters(loaded: LoadedModel, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(rows, hidden) -> (rows, 4) probabilities that sum to 1, and their mass (rows).

    The four logits are computed in float32: in bfloat16 alone, rounding them would move
    a probability by up to .015.
    """
    head = loaded.model.get_output_embeddings()
    four = head.weight[list(loaded.letter_ids)]  # (4, hidden)
    letters = hidden.float() @ four.float().T
    everything = head(hidden).float().logsumexp(dim=1)
    mass = (letters.logsumexp(dim=1) - everything).exp().clamp(max=1.0)
    return letters.softmax(dim=1).cpu(), mass.cpu()


def _padded(rows: Sequence[Tokens], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded ids and mask, both (rows, longest)."""
    import torch

    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), pad, dtype=torch.long)
    mask = torch.zeros(len(rows), longest, dtype=torch.long)
    for index, tokens in enumerate(rows):
        ids[index, : len(tokens)] = torch.tensor(tokens)
        mask[index, : len(tokens)] = 1
    return ids, mask


def _positions(mask: torch.Tensor, start: torch.Tensor | int) -> torch.Tensor:
    return (mask.cumsum(dim=1) - 1).clamp(min=0) + start


def _pad_id(loaded: LoadedModel) -> int:
    pad = loaded.tokenizer.pad_token_id
    return int(pad if pad is not None else loaded.tokenizer.eos_token_id or 0)  # type: ignore[arg-type]
