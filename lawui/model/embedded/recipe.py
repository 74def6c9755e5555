"""Makes the embedded model from statutes:

    python -m lawui.model.embedded.recipe --statutes statutes.jsonl.gz --out DIR --seed 0

trains the tokenizer and the model (on a GPU where there is one), writes DIR/full (bf16,
for transformers) and DIR/log.jsonl and, where bitsandbytes is installed, DIR/weights
(nf4, what lies in weights/ beside this file). `--quantize DIR/full --out W` does the last
step alone. The schedule follows the clock (`--minutes`) or a step count (`--steps`);
with `--steps` the same seed and number of workers see the same questions.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import multiprocessing as mp
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lawui.model.embedded import network, packing, tokenizer
from lawui.model.embedded.rules import STEMS, Nouns, Rules

if TYPE_CHECKING:
    import numpy as np
    from transformers import Qwen2Tokenizer

HELD_OUT_ARTICLES = 2000
"""Every so many-th part of the articles at the file's end: never trained on."""
SHOWN_AGAIN = 0.35
"""Share of rows that were shown once before: making questions is slower than learning."""


@dataclass(frozen=True)
class Plan:
    """Everything that a run depends on, as it is logged."""

    statutes: Path
    out: Path
    seed: int = 0
    minutes: float = 8.0
    steps: int = 0
    rows: int = 32
    workers: int = 0
    tiny: bool = False
    plain_attention: bool = False
    watch: Path | None = None
    start: Path | None = None
    muon_rate: float = 0.02
    adam_rate: float = 0.002
    decay: float = 0.02
    quantize_from: float = 0.7
    cool_from: float = 0.5
    text_weight: float = 0.5


def read_articles(path: Path) -> list[dict[str, Any]]:
    """The articles of a .jsonl or .jsonl.gz file in the file's order."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def train_tokenizer(articles: Sequence[dict[str, Any]], seed: int) -> Qwen2Tokenizer:
    """The tokenizer of a quarter of the articles and the prompt's own words."""
    from lawui.model import prompts

    fixed = "\n".join(
        (
            prompts.SYSTEM,
            prompts.EVIDENCE_HEADING,
            prompts.STEM_HEADING,
            prompts.CHOICES_HEADING,
            prompts.INSTRUCTION,
            "system user assistant",
            *(stem for stems in STEMS.values() for stem in stems),
        )
    )
    picked = Random(seed).sample(range(len(articles)), max(1, len(articles) // 4))
    texts = ["\n".join(articles[i]["paragraphs"]) for i in sorted(picked)]
    return tokenizer.train([fixed] * 1500 + texts)


# ---------------------------------------------------------------- rows from many processes


def _work(rules: Rules, encoder: packing.Encoder, seed: int, number: int, queue: Any) -> None:
    """Fills `queue` with rows for ever; the parent ends it."""
    torch.set_num_threads(1)
    for attempt in itertools.count():
        try:
            for row in packing.rows(rules, encoder, Random(f"{seed}:{number}:{attempt}")):
                queue.put(row)
        except (IndexError, KeyError, ValueError):
            # One odd article must not starve a run on a lent machine; it is told, not hidden.
            traceback.print_exc()


class Rows:
    """Rows made by worker processes, taken in turn so that a seed fixes their order."""

    def __init__(self, rules: Rules, encoder: packing.Encoder, seed: int, workers: int) -> None:
        context = mp.get_context("fork")
        self._queues = [context.Queue(12) for _ in range(workers)]
        self._processes = [
            context.Process(target=_work, args=(rules, encoder, seed, n, q), daemon=True)
            for n, q in enumerate(self._queues)
        ]
        for process in self._processes:
            process.start()
        self._next = 0

        self._shown: list[dict[str, np.ndarray]] = []
        self._again = Random(seed)

    def batch(self, rows: int) -> dict[str, np.ndarray]:
        """`rows` rows stacked: every array is [rows, packing.ROW]."""
        import numpy as np

        again = min(int(rows * SHOWN_AGAIN), len(self._shown) // 64)
        taken = []
        for _ in range(rows - again):
            taken.append(self._queues[self._next].get())
            self._next = (self._next + 1) % len(self._queues)
        fresh = taken[:]
        for _ in range(again):
            taken.append(self._shown.pop(self._again.randrange(len(self._shown))))
        self._shown += fresh[: max(0, 4096 - len(self._shown))]
        return {name: np.stack([r[name] for r in taken]) for name in taken[0]}

    def close(self) -> None:
        """Ends the workers."""
        for process in self._processes:
            process.terminate()


def watched_rows(
    path: Path, encoder: packing.Encoder, rows: int
) -> dict[str, list[dict[str, np.ndarray]]]:
    """Prompts to look at during training and never to learn from: lines
    {"name", "text", "gold": 0-3}, packed into batches of `rows` rows a name."""
    import numpy as np

    packers: dict[str, list[dict[str, np.ndarray]]] = {}
    open_rows: dict[str, packing.Packer] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        ids = [*encoder.encode(item["text"]), encoder.letters[item["gold"]]]
        packer = open_rows.setdefault(item["name"], packing.Packer())
        if len(ids) > packer.room():
            packers.setdefault(item["name"], []).append(packer.close())
        packer.add(ids, [], text=False)
        packer.row["counts"][packer.used - 2] = packing.LETTER
    for name, packer in open_rows.items():
        packers.setdefault(name, []).append(packer.close())
    batches = {}
    for name, filled in packers.items():
        filled += [packing.new_row() for _ in range(-len(filled) % rows)]
        batches[name] = [
            {k: np.stack([r[k] for r in filled[at : at + rows]]) for k in filled[0]}
            for at in range(0, len(filled), rows)
        ]
    return batches


# ---------------------------------------------------------------- training


class Trainer:
    """Holds the reader, its optimizers and the compiled parts."""

    def __init__(self, plan: Plan, shape: network.Shape, first_letter: int) -> None:
        self.plan, self.first_letter = plan, first_letter
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.dtype = torch.bfloat16 if self.device == "cuda" else torch.float32
        torch.backends.cuda.matmul.allow_tf32 = True
        self.reader = network.Reader(shape, plan.seed).to(self.device)
        stacks = [getattr(self.reader, n) for n in self.reader.STACKS]
        kept = {id(p) for p in stacks}
        rest = [p for p in self.reader.parameters() if id(p) not in kept]
        self.muon = network.Muon(stacks, lr=plan.muon_rate, decay=plan.decay)
        self.adam = torch.optim.AdamW(rest, lr=plan.adam_rate, betas=(0.9, 0.98), weight_decay=0.0)
        self.block: Any = network.block
        self.losses: Any = network.losses
        self.create: Any = None
        if self.device == "cuda":
            self.block = torch.compile(network.block, dynamic=False)
            self.losses = torch.compile(network.losses, dynamic=False)
            if not plan.plain_attention:
                from torch.nn.attention.flex_attention import create_block_mask

                self.create = torch.compile(create_block_mask, dynamic=False)

    def to_device(self, batch: dict[str, np.ndarray]) -> dict[str, Tensor]:
        """The arrays of a batch as tensors on the device, 64-bit where they index."""
        moved = {}
        for name, array in batch.items():
            tensor = torch.from_numpy(array)
            if self.device == "cuda":
                tensor = tensor.pin_memory().to(self.device, non_blocking=True)
            moved[name] = tensor.long() if name in ("ids", "labels", "positions") else tensor.int()
        return moved

    def sums(self, batch: dict[str, Tensor], quantized: bool, drop: float = 0.0) -> Tensor:
        """network.losses of one batch."""
        if self.create is None:
            attend = network.tree_mask(batch["tree"], batch["branch"])
        else:
            attend = network.tree_block_mask(batch["tree"], batch["branch"], self.create)
        hidden, middle = self.reader(
            batch["ids"], batch["positions"], attend, quantized, self.block, self.dtype, drop
        )
        return self.losses(
            hidden,
            middle,
            self.reader.embed,
            self.reader.support,
            batch["labels"],
            batch["counts"],
            batch["marks"],
            self.first_letter,
        )

    def step(
        self, batch: dict[str, Tensor], rate: float, quantized: bool, drop: float = 0.0
    ) -> Tensor:
        """One update at `rate` times the full learning rates; returns the sums. A loss
        that is not finite leaves the weights as they were."""
        s = self.sums(batch, quantized, drop)
        loss = (
            self.plan.text_weight * s[0] / s[1].clamp_min(1)
            + s[2] / s[3].clamp_min(1)
            + s[5] / s[6].clamp_min(1)
        )
        loss.backward()
        sound = torch.isfinite(loss)
        for parameter in self.reader.parameters():
            if parameter.grad is not None:
                parameter.grad.nan_to_num_(0.0, 0.0, 0.0).mul_(sound)
        for optimizer, full in ((self.muon, self.plan.muon_rate), (self.adam, self.plan.adam_rate)):
            for group in optimizer.param_groups:
                group["lr"] = full * rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return s.detach()

    def measure(self, batches: Sequence[dict[str, np.ndarray]], quantized: bool) -> dict[str, Any]:
        """Letter accuracy, choice-by-choice accuracy and losses over `batches`."""
        total = sum(self.sums(self.to_device(b), quantized).detach() for b in batches)
        return summary(total)  # type: ignore[arg-type]


def summary(sums: Tensor) -> dict[str, Any]:
    """Means of network.losses' sums."""
    s = sums.tolist()
    return {
        "text_loss": round(s[0] / max(1.0, s[1]), 4),
        "letter_loss": round(s[2] / max(1.0, s[3]), 4),
        "accuracy": round(s[4] / max(1.0, s[3]), 4),
        "support_loss": round(s[5] / max(1.0, s[6]), 4),
        "support_accuracy": round(s[7] / max(1.0, s[6]), 4),
        "questions": int(s[3]),
    }


def rate_at(progress: float, step: int, cool_from: float) -> float:
    """The share of the full learning rate: up in 150 steps, flat, then down to nothing."""
    warm = min(1.0, (step + 1) / 150)
    cool = min(1.0, max(0.0, (1.0 - progress) / (1.0 - cool_from)))
    return warm * cool


def logger(path: Path) -> Callable[..., None]:
    """A function that writes what it is given as a line of JSON to a new file and to
    standard error."""
    path.write_text("", "utf-8")

    def note(**values: Any) -> None:
        line = json.dumps(values, ensure_ascii=False, default=str)
        with path.open("a", encoding="utf-8") as file:
            print(line, file=file)
        print(line, file=sys.stderr, flush=True)

    return note


def train(plan: Plan) -> Path:
    """Runs the whole recipe; returns the folder of the full-precision model."""
    plan.out.mkdir(parents=True, exist_ok=True)
    note = logger(plan.out / "log.jsonl")

    from transformers import Qwen2Tokenizer

    began = time.time()
    articles = read_articles(plan.statutes)
    if plan.start is not None:
        words = Qwen2Tokenizer.from_pretrained(plan.start)
    else:
        words = train_tokenizer(articles, plan.seed)
    encoder = packing.Encoder(words)
    held = max(1, min(HELD_OUT_ARTICLES, len(articles) // 10))
    nouns = Nouns(["".join(a["paragraphs"]) for a in articles[: len(articles) - held : 5]])
    rules = Rules(articles[:-held], nouns)
    workers = plan.workers or max(1, (os.cpu_count() or 2) - 1)
    source = Rows(rules, encoder, plan.seed, workers)
    try:
        tests = dict(_tests(plan, articles[-held:], nouns, encoder))
        shape = network.Shape(hidden=128, intermediate=256, layers=4, heads=2, groups=1)
        shape = shape if plan.tiny else network.Shape()
        trainer = Trainer(plan, shape, encoder.letters[0])
        if plan.start is not None:
            network.from_qwen2(trainer.reader, plan.start)
        note(
            plan=vars(plan),
            parameters=sum(p.numel() for p in trainer.reader.parameters()),
            device=torch.cuda.get_device_name() if trainer.device == "cuda" else "cpu",
            torch=torch.__version__,
            workers=workers,
            ready=round(time.time() - began, 1),
        )
        _loop(plan, trainer, source, tests, note)
    finally:
        source.close()
    full = plan.out / "full"
    save_full(trainer.reader, words, full)
    note(saved=str(full), seconds=round(time.time() - began, 1))
    return full


def _tests(
    plan: Plan, articles: Sequence[dict[str, Any]], nouns: Nouns, encoder: packing.Encoder
) -> Iterator[tuple[str, list[dict[str, np.ndarray]]]]:
    import numpy as np

    for name, held_out in (("new_articles", False), ("new_words", True)):
        made = packing.rows(Rules(articles, nouns, held_out), encoder, Random(plan.seed + 1))
        rows = [next(made) for _ in range(plan.rows)]
        yield name, [{k: np.stack([r[k] for r in rows]) for k in rows[0]}]
    if plan.watch is not None:
        yield from watched_rows(plan.watch, encoder, plan.rows).items()


def _loop(plan: Plan, trainer: Trainer, source: Rows, tests: dict[str, Any], note: Any) -> None:
    # The first steps compile; the clock starts after them.
    start, tokens, waited, seen = time.time(), 0, 0.0, 0.0
    sums = torch.zeros(8, device=trainer.device)
    last_log = last_test = start
    step, progress = 0, 0.0
    while progress < 1.0:
        if step == 3:
            start = last_log = last_test = time.time()
        before = time.time()
        batch = source.batch(plan.rows)
        waited += time.time() - before
        quantized = progress >= plan.quantize_from
        sums += trainer.step(
            trainer.to_device(batch), rate_at(progress, step, plan.cool_from), quantized
        )
        tokens += batch["ids"].size
        step += 1
        now = time.time()
        if plan.steps:
            progress = step / plan.steps
        elif step > 3:
            progress = (now - start) / (60 * plan.minutes)
        if now - last_log > 15 or progress >= 1.0:
            figures = summary(sums)
            seen += figures["questions"]
            spent = max(1e-6, time.time() - last_log)
            note(
                step=step,
                progress=round(progress, 3),
                seconds=round(time.time() - start, 1),
                tokens_per_second=int(tokens / spent),
                waited=round(waited / spent, 3),
                quantized=quantized,
                questions_seen=int(seen),
                **figures,
            )
            sums.zero_()
            tokens, waited, last_log = 0, 0.0, time.time()
        if now - last_test > 45 or progress >= 1.0:
            results = {k: trainer.measure(v, quantized) for k, v in tests.items()}
            note(step=step, tests={k: v["accuracy"] for k, v in results.items()}, detail=results)
            last_test = time.time()


# ---------------------------------------------------------------- writing


def save_full(reader: network.Reader, words: Qwen2Tokenizer, folder: Path) -> None:
    """The model in bfloat16 shards of 12 MB with its tokenizer."""
    model = network.to_qwen2(reader, int(words.eos_token_id), int(words.pad_token_id))  # type: ignore[arg-type]
    model.bfloat16().save_pretrained(folder, max_shard_size="12MB")
    tokenizer.save(words, folder)


def quantize(full: Path, folder: Path) -> None:
    """`full` in nf4 with double quantization, shards of 8 MB, with the tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model = AutoModelForCausalLM.from_pretrained(
        full, quantization_config=config, device_map="cpu", dtype=torch.bfloat16
    )
    model.save_pretrained(folder, max_shard_size="8MB")
    tokenizer.save(AutoTokenizer.from_pretrained(full), folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m lawui.model.embedded.recipe")
    parser.add_argument("--statutes", type=Path, help="articles as .jsonl or .jsonl.gz")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--steps", type=int, default=0, help="instead of --minutes")
    parser.add_argument("--rows", type=int, default=32, help=f"rows of {packing.ROW} tokens a step")
    parser.add_argument("--workers", type=int, default=0, help="default: all cores but one")
    parser.add_argument("--watch", type=Path, help="prompts to score meanwhile, never learnt")
    parser.add_argument("--start", type=Path, help="go on from this DIR/full and its tokenizer")
    parser.add_argument("--text-weight", type=float, default=Plan.text_weight)
    parser.add_argument("--cool-from", type=float, default=Plan.cool_from)
    parser.add_argument("--tiny", action="store_true", help="a small shape, to try the recipe")
    parser.add_argument("--plain-attention", action="store_true", help="without flex_attention")
    parser.add_argument("--muon-rate", type=float, default=Plan.muon_rate)
    parser.add_argument("--adam-rate", type=float, default=Plan.adam_rate)
    parser.add_argument("--quantize", type=Path, help="only quantize this folder into --out")
    given = vars(parser.parse_args(arguments))
    source = given.pop("quantize")
    if source is not None:
        quantize(source, given["out"])
        return 0
    if given["statutes"] is None:
        parser.error("--statutes is needed")
    full = train(Plan(**given))
    try:
        import bitsandbytes  # noqa: F401
    except ImportError:
        print(f"bitsandbytes is missing: run --quantize {full} where it is", file=sys.stderr)
        return 0
    quantize(full, given["out"] / "weights")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
