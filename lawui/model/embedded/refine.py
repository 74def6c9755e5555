"""The last stage of the embedded model: from rule-made questions to how people ask.

    python -m lawui.model.embedded.refine --start DIR/full --statutes statutes.jsonl.gz --out OUT \
        --generated FILE --taught 20 --share 6 --steps 1500

goes on from what recipe.py made, mixing the exercises and, with `--generated`,
those that teacher.py wrote on statutes into the rule-made ones, with the weights quantized
all along. Several mixtures can be tried in one go (`--share 2 6`), each in a folder of its
own under OUT. What is kept, the best step of each too, is told by the loss on regulations
that were held out, never by a question of the sample or of lawqa_jp.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from lawui.data import reading
from lawui.model.embedded import network, packing, recipe, teacher, written
from lawui.model.embedded.rules import Nouns, Rules


def rows(
    contexts: Sequence[reading.Context], encoder: packing.Encoder, rng: Random, vary: bool = True
) -> Iterator[dict[str, np.ndarray]]:
    """Rows of whole epochs, for ever; without `vary` one epoch."""
    packer = packing.Packer()
    while True:
        for prefix, branches, text in written.trees(contexts, encoder, rng, vary):
            if len(prefix) + sum(len(b.ids) for b in branches) > packer.room():
                yield packer.close()
            packer.add(prefix, branches, text)
        if not vary:
            yield packer.close()
            return


class Source:
    """Rows of the questions of `contexts`, over and over, from processes of their own."""

    def __init__(
        self, contexts: Sequence[reading.Context], encoder: packing.Encoder, seed: int, workers: int
    ) -> None:
        context = mp.get_context("fork")
        self._queue: Any = context.Queue(48)
        self._processes = [
            context.Process(
                target=_work, args=(contexts, encoder, f"{seed}/{n}", self._queue), daemon=True
            )
            for n in range(workers)
        ]
        for process in self._processes:
            process.start()

    def take(self, count: int) -> list[dict[str, np.ndarray]]:
        """The next `count` rows."""
        return [self._queue.get() for _ in range(count)]

    def close(self) -> None:
        """End the workers."""
        for process in self._processes:
            process.terminate()


def _work(
    contexts: Sequence[reading.Context], encoder: packing.Encoder, seed: str, queue: Any
) -> None:
    torch.set_num_threads(1)
    for row in rows(contexts, encoder, Random(seed)):
        queue.put(row)


def batched(found: Sequence[dict[str, np.ndarray]], size: int) -> list[dict[str, np.ndarray]]:
    """Rows stacked by `size`, the last batch filled up with empty rows."""
    whole = [*found, *(packing.new_row() for _ in range(-len(found) % size))]
    return [
        {name: np.stack([r[name] for r in whole[at : at + size]]) for name in whole[0]}
        for at in range(0, len(whole), size)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m lawui.model.embedded.refine")
    parser.add_argument("--start", type=Path, required=True, help="DIR/full of recipe.py")
    parser.add_argument("--statutes", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, nargs="+", default=[500], help="for each share")
    parser.add_argument("--share", type=int, nargs="+", default=[4], help="written rows a step")
    parser.add_argument("--generated", type=Path, help="generated.jsonl.gz of teacher.py")
    parser.add_argument("--trust", type=float, default=0.1, help="the least of a question used")
    parser.add_argument("--taught", type=int, nargs="+", default=[0], help="generated rows a step")
    parser.add_argument("--rate", type=float, nargs="+", default=[0.25], help="of recipe's rates")
    parser.add_argument("--drop", type=float, default=0.0, help="share of dropout")
    parser.add_argument("--average", type=float, default=0.0, help="decay of the mean of weights")
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--watch", type=Path, help="prompts to score meanwhile, never learnt")
    parser.add_argument("--plain-attention", action="store_true")
    given = parser.parse_args(arguments)
    refine(given)
    return 0


def refine(given: argparse.Namespace) -> None:
    """Run each variant and write it to OUT/SHARE-STEPS-RATE with its log."""
    given.out.mkdir(parents=True, exist_ok=True)
    note = recipe.logger(given.out / "log.jsonl")

    plan = recipe.Plan(
        given.statutes,
        given.out,
        seed=given.seed,
        rows=given.rows,
        watch=given.watch,
        plain_attention=given.plain_attention,
    )
    began = time.time()
    words = PreTrainedTokenizerFast.from_pretrained(given.start)
    encoder = packing.Encoder(words)
    learnt, held = reading.split(reading.read())
    articles = recipe.read_articles(given.statutes)
    cut = max(1, min(recipe.HELD_OUT_ARTICLES, len(articles) // 10))
    nouns = Nouns(["".join(a["paragraphs"]) for a in articles[: len(articles) - cut : 5]])
    workers = given.workers or max(2, (os.cpu_count() or 2) - 1)
    made = recipe.Rows(
        Rules(articles[:-cut], nouns), encoder, given.seed + 100, max(1, workers - 3)
    )
    human = Source(learnt, encoder, given.seed, min(3, workers))
    taught = teacher.read_generated(given.generated, given.trust) if given.generated else []
    pupil = Source(taught, encoder, given.seed, min(4, workers)) if taught else None
    try:
        tests = dict(recipe._tests(plan, articles[-cut:], nouns, encoder))
        for name, contexts in (("written_held", held), ("written_learnt", learnt[: len(held)])):
            fixed = [r for n in range(4) for r in rows(contexts, encoder, Random(n), vary=False)]
            tests[name] = batched(fixed, given.rows)
        note(
            plan={**vars(plan), **vars(given)},
            learnt=sum(len(c.asked) for c in learnt),
            held=sum(len(c.asked) for c in held),
            generated=sum(len(c.asked) for c in taught),
            device=torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            torch=torch.__version__,
            ready=round(time.time() - began, 1),
        )
        variants = zip(given.share, given.taught, given.steps, given.rate, strict=True)
        for share, lent, steps, rate in variants:
            trainer = recipe.Trainer(plan, shape_of(given.start), encoder.letters[0])
            network.from_qwen2(trainer.reader, given.start)
            sources = [(share, human), (lent, pupil)]
            how = {"drop": given.drop, "average": given.average}
            _variant(trainer, made, sources, tests, note, (share, lent, steps, rate), **how)
            folder = given.out / f"{share}-{lent}-{steps}-{rate:g}"
            recipe.save_full(trainer.reader, words, folder)
            note(saved=str(folder), seconds=round(time.time() - began, 1))
    finally:
        made.close()
        human.close()
        if pupil is not None:
            pupil.close()


def shape_of(folder: Path) -> network.Shape:
    """The shape of a saved model."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    return network.Shape(
        vocabulary=config["vocab_size"],
        hidden=config["hidden_size"],
        intermediate=config["intermediate_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        groups=config["num_key_value_heads"],
        positions=config["max_position_embeddings"],
    )


def _variant(
    trainer: recipe.Trainer,
    made: recipe.Rows,
    sources: Sequence[tuple[int, Source | None]],
    tests: dict[str, Any],
    note: Any,
    variant: tuple[int, int, int, float],
    drop: float,
    average: float,
) -> None:
    """Train one mixture and leave the reader at the step with the least held-out loss. With
    `average` the running mean of the weights of that decay is what is looked at and kept."""
    *_, steps, rate = variant
    wanted = [(count, source) for count, source in sources if count and source is not None]
    ruled = trainer.plan.rows - sum(count for count, _ in wanted)
    sums = torch.zeros(8, device=trainer.device)
    weights = [p.data for p in trainer.reader.parameters()]
    mean = [w.clone() for w in weights]
    best, kept = float("inf"), mean
    started = time.time()
    for step in range(steps + 1):
        if step % max(1, steps // 12) == 0:
            now = [w.clone() for w in weights]
            torch._foreach_copy_(weights, mean)
            results = {k: trainer.measure(v, True) for k, v in tests.items()}
            loss = results["written_held"]["letter_loss"]
            if loss < best:
                best, kept = loss, [w.clone() for w in weights]
            torch._foreach_copy_(weights, now)
            note(
                variant=variant,
                step=step,
                seconds=round(time.time() - started, 1),
                kept=loss == best,
                train=recipe.summary(sums),
                tests={k: v["accuracy"] for k, v in results.items()},
                losses={k: v["letter_loss"] for k, v in results.items()},
                support={k: v["support_accuracy"] for k, v in results.items()},
            )
            sums.zero_()
        if step == steps:
            break
        parts = [made.batch(ruled)] if ruled else []
        for count, source in wanted:
            fresh = source.take(count)
            parts.append({name: np.stack([r[name] for r in fresh]) for name in fresh[0]})
        batch = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        scale = rate * min(1.0, (step + 1) / 40) * (1 - step / steps)
        sums += trainer.step(trainer.to_device(batch), scale, quantized=True, drop=drop)
        # Early weights weigh little: the mean goes on as fast as there are steps to it.
        torch._foreach_lerp_(mean, weights, max(1 - average, 1 / (step + 10)) if average else 1.0)
    torch._foreach_copy_(weights, kept)


if __name__ == "__main__":
    raise SystemExit(main())
