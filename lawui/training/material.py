"""The rows of a run as tokens, and which of them each step computes.

Everything here is a pure function of the run's settings and its rows, so that a resumed
run finds its place by counting and several processes know each other's share unasked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lawui.errors import TrainingError
from lawui.training import batches, layout, schedule
from lawui.training.batches import Encoded, Example
from lawui.training.layout import LINE, Batch, Fit, Shape
from lawui.training.parallel import Peers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from lawui.model.load import LoadedModel
    from lawui.training.config import TrainConfig
    from lawui.training.rows import Row

PORTION = 512
"""Tokens of a batch on the CPU, where one line after another wastes nothing on padding."""

LOOKED_AT = 256
"""Steps whose batches are laid out beforehand to choose the shapes that are recorded."""

Encode = Callable[[int], tuple[Encoded, Encoded]]
"""From the most tokens of a row to the train and the dev rows as tokens."""


def encoder(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, peers: Peers) -> Encode:
    """Rows as tokens, each time as short as asked; `peers` encode their share each, and all
    have all of them."""
    parts: dict[str, list[Row]] = {"train": [], "dev": []}
    for row in rows:
        parts[row.split].append(row)

    def encoded(part: str, length: int) -> Encoded:
        own = batches.encode(peers.share(parts[part]), tokenizer, length)
        return batches.joined(peers.gather(own))

    return lambda length: (encoded("train", length), encoded("dev", length))


class Material:
    """What a run learns from, encoded at `length` tokens a row at most."""

    def __init__(
        self, encode: Encode, loaded: LoadedModel, config: TrainConfig, peers: Peers
    ) -> None:
        self._encode = encode
        self._config = config
        self._device = loaded.device
        self._pad = batches.pad_id(loaded.tokenizer)
        self._peers = peers

    def encode(self, length: int) -> None:
        """Take rows of at most `length` tokens from now on. Raises TrainingError where
        none is left."""
        self.train, self.dev = self._encode(length)
        if not self.train.examples:
            count = len(self.train.dropped)
            raise TrainingError("train.all_too_long", count=count, limit=length)
        self.lengths = [len(example.ids) for example in self.train.examples]
        self._steps_per_epoch = math.ceil(len(self.lengths) / self._config.step_size)
        self._epochs: dict[int, list[list[int]]] = {}
        self.max_steps = schedule.max_steps(self._config, self._steps_per_epoch)

    def batches(self, step: int, micro_batch: int, fit: Fit | None, flash: bool) -> list[Batch]:
        """This process's part of a step, each example weighed by its share in the loss of
        the whole step."""
        weight = 0.5 / len(self._indices(step))
        return [
            layout.collate(part, self._pad, LINE, fit, weight, flash).to(self._device)
            for part in self._parts(step, micro_batch)
        ]

    def coming(self, step: int, micro_batch: int, flash: bool) -> list[Shape]:
        """The sizes of the batches from `step` on, as they would be laid out."""
        return [
            layout.shape(part, LINE, flash)
            for later in range(step, min(self.max_steps, step + LOOKED_AT))
            for part in self._parts(later, micro_batch)
        ]

    def _parts(self, step: int, micro_batch: int) -> list[list[Example]]:
        own = self._peers.share(self._indices(step))
        examples = [self.train.examples[i] for i in own]
        if self._device != "cpu":
            # As many tokens as so many of the longest sequences have: of short ones more at once.
            return layout.portions(examples, micro_batch * max(self.lengths), micro_batch)
        parts = [
            examples[start : start + micro_batch] for start in range(0, len(examples), micro_batch)
        ]
        return [portion for part in parts for portion in layout.portions(part, PORTION)]

    def _indices(self, step: int) -> list[int]:
        epoch, place = divmod(step, self._steps_per_epoch)
        if epoch not in self._epochs:
            self._epochs = {
                epoch: batches.step_batches(
                    self.train.examples, self._config.step_size, self._config.seed, epoch
                )
            }
        return self._epochs[epoch][place]
