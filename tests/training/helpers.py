"""Small real runs: questions of a few tokens, the embedded model, a base of no size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lawui.model.load import LoadedModel
from lawui.training.batches import Encoded, encode
from lawui.training.config import TrainConfig, from_values
from lawui.training.rows import dump
from lawui.training.rows import load as load_rows
from lawui.training.runs import RunStore
from lawui.types import LETTERS, Passage, Question

COLOURS = ("赤", "青", "黄", "緑")


def question(item: int, order: int = 0, **changes: Any) -> Question:
    """One question in one of four orders: which box holds the coin is for the reader to learn."""
    gold = (item + order) % 4
    choices = [f"{COLOURS[(item + i) % 4]}い箱" for i in range(4)]
    values: dict[str, Any] = {
        "id": f"toy-{item:03d}-{order}",
        "source": f"toy_{item:03d}",
        "group": f"g{item:03d}",
        "order": order,
        "law": "",
        "stem": f"{item}番の硬貨はどの箱に入れるか。",
        "choices": tuple(choices[order:] + choices[:order]),
        "gold": LETTERS[gold],
    }
    return Question(**{**values, **changes})


def passage(text: str = "硬貨は赤い箱に入れなければならない。") -> Passage:
    return Passage("given:0", "硬貨条例", "3", "1", "", "", "", text)


def row(split: str, asked: Question, passages: Sequence[Passage] = ()) -> dict[str, Any]:
    return {
        "split": split,
        "evidence": "given" if passages else "none",
        "question": asdict(asked),
        "passages": [asdict(p) for p in passages],
    }


def encoded(loaded: LoadedModel, made: list[dict[str, Any]], limit: int = 256) -> Encoded:
    """Such rows as tokens of the model's."""
    return encode(load_rows(dump(made)), loaded.tokenizer, limit)


def rows(train: int = 6, dev: int = 2) -> list[dict[str, Any]]:
    """`train` and `dev` items in four orders each."""
    made = [row("train", question(i, order)) for i in range(train) for order in range(4)]
    return made + [row("dev", question(100 + i, o)) for i in range(dev) for o in range(4)]


def meta(spec: str = "embedded", sha: str = "") -> dict[str, Any]:
    split = {f"g{i:03d}": "train" for i in range(50)} | {f"g{i}": "dev" for i in range(100, 120)}
    return {
        "model": {"spec": spec, "name": "toy", "sha": sha, "licence": ""},
        "set": "toy",
        "dataset_sha": "0" * 16,
        "split": split,
    }


def config(**changes: Any) -> TrainConfig:
    values: dict[str, Any] = {
        "batch_size": 4,
        "gradient_accumulation_steps": 1,
        "max_steps_override": 8,
        "eval_steps": 4,
        "save_steps": 3,
        "lora_r": 4,
        "learning_rate": 1e-3,
        "max_seq_length": 256,
        "bnb_4bit_compute_dtype": "float32",
    }
    return from_values("", **{**values, **changes})


def make_run(store: RunStore, spec: str = "embedded", **changes: Any) -> str:
    return store.create(config(**changes), rows(), meta(spec))


def losses(store: RunStore, run: str) -> dict[int, float]:
    return {e.step: e.loss for e in store.events(run) if e.kind == "log" and e.loss is not None}


def kinds(store: RunStore, run: str) -> list[str]:
    return [event.kind for event in store.events(run)]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
