"""How many steps a run has, and how fast it learns at each."""

from __future__ import annotations

import math

from lawui.training.config import TrainConfig


def max_steps(config: TrainConfig, steps_per_epoch: int) -> int:
    """The steps of a whole run; the override counts where there is one."""
    return config.max_steps_override or max(1, math.ceil(config.num_epochs * steps_per_epoch))


def rate(config: TrainConfig, step: int, last: int) -> float:
    """Linear warm-up, then linear or half-cosine decay to zero after the last step."""
    warmup = math.ceil(config.warmup_ratio * last)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    share = (step - warmup) / max(1, last - warmup)
    if config.lr_scheduler_type == "cosine":
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * share))
    return config.learning_rate * (1 - share)
