"""What a run would learn from, before it starts: rows as the model will see them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lawui.training import batches
from lawui.training.config import TrainConfig
from lawui.training.rows import Row
from lawui.types import LETTERS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BIN = 64
"""Width of the histogram's bins in tokens."""


def preview(
    made: Iterable[Row],
    tokenizer: PreTrainedTokenizerBase,
    config: TrainConfig,
    shown: int = 3,
) -> dict[str, Any]:
    """Counts, lengths in tokens and the first `shown` training rows of `made` (make_rows).

    `histogram` lists [lowest length of the bin, rows]; `shortened` counts rows that would
    lose evidence, `dropped` names questions that cannot fit; `steps` is one run's length.
    """
    parsed = list(made)
    train = [row for row in parsed if row.split == "train"]
    encoded = batches.encode(train, tokenizer, config.max_seq_length)
    lengths = [len(example.ids) for example in encoded.examples]
    bins = Counter(length // BIN * BIN for length in lengths)
    golds = [row.question.gold for row in parsed if row.split == "dev"]
    per_epoch = math.ceil(len(lengths) / config.step_size)
    return {
        "train_rows": len(train),
        "dev_rows": len(golds),
        "groups": len({row.question.group for row in train}),
        "evidence": dict(Counter(row.evidence for row in train)),
        "letters": {letter: sum(r.question.gold == letter for r in train) for letter in LETTERS},
        "majority": max(Counter(golds).values()) / len(golds) if golds else 0.0,
        "length_max": max(lengths, default=0),
        "histogram": [[start, bins[start]] for start in sorted(bins)],
        "shortened": encoded.shortened,
        "dropped": list(encoded.dropped),
        "steps": config.max_steps_override or max(1, math.ceil(config.num_epochs * per_epoch)),
        "examples": [_shown(example, tokenizer) for example in encoded.examples[:shown]],
    }


def _shown(example: batches.Example, tokenizer: PreTrainedTokenizerBase) -> dict[str, str]:
    """A row as the model sees it, control tokens included, and the letter it learns."""
    text = str(tokenizer.decode(list(example.ids[:-1])))
    return {"source": example.source, "prompt": text, "answer": LETTERS[example.gold]}
