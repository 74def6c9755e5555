"""Loss and letter logits at the answer's positions only.

The vocabulary is by far the widest layer; computing it at every position would cost
more memory than the rest of a small model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from lawui.training.batches import Batch


def answer_logits(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """(n, 2, vocabulary) float32 for n examples: at the prompt's last token and at the
    answer letter."""
    states = model.get_decoder()(
        input_ids=batch.ids,
        position_ids=batch.positions,
        attention_mask=batch.mask,
        use_cache=False,
    ).last_hidden_state  # (rows, longest, hidden)
    picked = states[batch.row[:, None], batch.places]  # (n, 2, hidden)
    return model.get_output_embeddings()(picked).float()


def token_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Summed cross-entropy of (n, 2, vocabulary) logits and (n, 2) targets, in nats.

    Divided by the number of targets it is the mean that transformers computes from
    labels.
    """
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
