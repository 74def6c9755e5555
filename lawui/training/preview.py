"""What a run would learn from, before it starts: rows as the model will see them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING, Any

from lawui.training import batches
from lawui.training.config import TrainConfig
from lawui.training.rows import Row
from lawui.types import LETTERS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BIN = 64
"""Width of the histogram's bins in tokens."""

MEASURED = 4000
"""So many rows are turned into tokens at most; of more, so many drawn at random."""


def preview(
    made: Iterable[Row],
    tokenizer: PreTrainedTokenizerBase,
    config: TrainConfig,
    shown: int = 3,
) -> dict[str, Any]:
    """Counts, lengths in tokens and the first `shown` training rows of `made` (make_rows).

    `histogram` lists [lowest length of the bin, rows] of the `measured` rows, and `length_max`
    is of these, and `dropped` names those of them that cannot fit; `shortened` counts rows that
    would lose evidence and `dropped_rows` those that cannot fit, reckoned for all; `steps` is
    one run's length.
    """
    train: list[Row] = []
    golds: list[str | None] = []
    groups: set[str] = set()
    evidence, letters = Counter[str](), Counter[str | None]()
    count, draw = 0, Random(0)
    for row in made:
        if row.split == "dev":
            golds.append(row.question.gold)
            continue
        count += 1
        groups.add(row.question.group)
        evidence[row.evidence] += 1
        letters[row.question.gold] += 1
        if len(train) < MEASURED:
            train.append(row)
        elif shown <= (place := draw.randrange(count)) < MEASURED:
            train[place] = row
    encoded = batches.encode(train, tokenizer, config.max_seq_length)
    lengths = [len(example.ids) for example in encoded.examples]
    bins = Counter(length // BIN * BIN for length in lengths)
    of_all = count / len(train) if train else 0.0
    per_epoch = math.ceil(round(of_all * len(lengths)) / config.step_size)
    return {
        "train_rows": count,
        "dev_rows": len(golds),
        "groups": len(groups),
        "evidence": dict(evidence),
        "letters": {letter: letters[letter] for letter in LETTERS},
        "majority": max(Counter(golds).values()) / len(golds) if golds else 0.0,
        "measured": len(train),
        "length_max": max(lengths, default=0),
        "histogram": [[start, bins[start]] for start in sorted(bins)],
        "shortened": round(of_all * encoded.shortened),
        "dropped": list(encoded.dropped),
        "dropped_rows": round(of_all * len(encoded.dropped)),
        "steps": config.max_steps_override or max(1, math.ceil(config.num_epochs * per_epoch)),
        "examples": [_shown(example, tokenizer) for example in encoded.examples[:shown]],
    }


def _shown(example: batches.Example, tokenizer: PreTrainedTokenizerBase) -> dict[str, str]:
    """A row as the model sees it, control tokens included, and the letter it learns."""
    text = str(tokenizer.decode(list(example.ids[:-1])))
    return {"source": example.source, "prompt": text, "answer": LETTERS[example.gold]}
