"""Loss and letter logits at the answer's positions only.

The vocabulary is by far the widest layer; computing it at every position would cost
more memory than the rest of a small model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lawui.model import packed

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from lawui.training.layout import Batch


def answer_logits(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """(n, 2, vocabulary) float32 for n examples: at the prompt's last token and at the
    answer letter."""
    picked = answer_states(model, batch)
    return model.get_output_embeddings()(picked).float().unflatten(0, (-1, 2))


def answer_states(
    model: PreTrainedModel, batch: Batch, embeddings: torch.Tensor | None = None
) -> torch.Tensor:
    """(2n, hidden): the last layer's states at those places, one example after another;
    `embeddings` (lines, length, hidden) stand for those of the tokens."""
    ids, positions, items, parts = batch.grid.unbind()
    places = batch.answers[:2].T.flatten()
    given: dict[str, Any] = {"input_ids": ids}
    if embeddings is not None:
        given = {"inputs_embeds": embeddings}
    if batch.flash is None:
        given |= {"attention_mask": attention_mask(items, parts, model.dtype)}
    else:
        rows = tuple(range(len(batch.weights)))
        layout = packed.Layout(ids, positions, places, rows, (0, ids.shape[1]), (), batch.flash)
        given |= {"attention_mask": packed.unmasked(), "layout": layout}
    states = model.get_decoder()(
        **given, position_ids=positions, use_cache=False
    ).last_hidden_state  # (lines, length, hidden)
    picked: torch.Tensor = states.flatten(0, 1).index_select(0, places)
    return picked


def attention_mask(items: torch.Tensor, parts: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """(lines, 1, length, length) to be added to the scores: a token sees what came before
    it in its own item, there the common beginning and its own part. Padding sees padding,
    so that no row is empty and nothing becomes NaN."""
    import torch

    own = items[:, :, None] == items[:, None, :]
    related = (parts[:, None, :] == 0) | (parts[:, :, None] == parts[:, None, :])
    hidden = ~(own & related).tril()
    return torch.zeros(hidden.shape, dtype=dtype, device=items.device).masked_fill_(
        hidden, torch.finfo(dtype).min
    )[:, None]


def token_losses(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """(n,) cross-entropy in nats, the sum of letter and end token of each example.

    The sum over a step's examples, divided by their number twice over, is the mean that
    transformers computes from labels.
    """
    from torch.nn.functional import cross_entropy

    targets = batch.answers[2:].T.flatten()
    losses = cross_entropy(logits.flatten(0, 1), targets, reduction="none")
    return losses.view(-1, 2).sum(1)
