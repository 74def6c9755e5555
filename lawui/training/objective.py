"""Loss and letter logits at the answer's positions only.

The vocabulary is by far the widest layer; computing it at every position would cost
more memory than the rest of a small model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lawui.training.attention import attention_mask

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
        # Given as a mapping, masks are taken as they are: none is made.
        unmasked = dict.fromkeys(("full_attention", "sliding_attention"))
        given |= {"attention_mask": unmasked, "places": batch.flash}
    states = model.get_decoder()(
        **given, position_ids=positions, use_cache=False
    ).last_hidden_state  # (lines, length, hidden)
    picked: torch.Tensor = states.flatten(0, 1).index_select(0, places)
    return picked


def token_losses(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """(n,) cross-entropy in nats, the sum of letter and end token of each example.

    The sum over a step's examples, divided by their number twice over, is the mean that
    transformers computes from labels.
    """
    from torch.nn.functional import cross_entropy

    targets = batch.answers[2:].T.flatten()
    losses = cross_entropy(logits.flatten(0, 1), targets, reduction="none")
    return losses.view(-1, 2).sum(1)
