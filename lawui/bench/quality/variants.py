"""What is compared: one recipe and, beside it, the same with one thing changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from lawui.training.config import PRESETS, TrainConfig
from lawui.types import EVIDENCES

if TYPE_CHECKING:
    from lawui.model.load import LoadedModel

BASIC = TrainConfig(
    batch_size=8,  # two items in all their orders
    gradient_accumulation_steps=1,
    learning_rate=2e-4,
    lr_scheduler_type="cosine",
    warmup_ratio=0.05,
    max_seq_length=2048,
    lora_r=16,
    lora_alpha=32.0,
    lora_dropout=0.05,
    max_steps_override=240,
    eval_steps=40,
    early_stopping_patience=2,
    save_steps=0,
    logging_steps=10,
)
"""The recipe. Steps are chosen by patience on the dev part of a fold's training questions;
the adapter that is scored then learns from all of them for as many steps."""

READING = replace(PRESETS["reading"], eval_steps=150, save_steps=0, logging_steps=10)
"""A first stage for all folds alike: the preset."""

WORDINGS: dict[str, dict[str, str]] = {
    "default": {},
    "strict": {
        "SYSTEM": "日本の法令についての四択問題です。条文が示されているときは、条文だけを"
        "根拠に答えてください。",
        "INSTRUCTION": "問題文が誤っているものを求めているかどうかを確かめたうえで、"
        "答えの選択肢をa、b、c、dの一文字で答えてください。",
    },
}
"""Other words for the prompt, by the names of lawui/model/prompts.py. Whoever takes one for
good puts it there and trains all that ships anew."""


@dataclass(frozen=True)
class Variant:
    """One way to train. `kinds` are the evidences that every training item is shown with;
    `made` questions by rule are added; `orders` of an item are trained on; `config` is BASIC
    with changes; `grid` are the settings to choose from in each fold. With `reads` training
    goes on from an adapter that learnt to read by these settings, or ends there where there
    are no `kinds`; with several `readers` from the mean of so many, each with its own seed."""

    name: str
    what: str
    kinds: tuple[str, ...] = EVIDENCES
    made: int = 0
    orders: int = 4
    wording: str = "default"
    config: TrainConfig = BASIC
    reads: TrainConfig | None = None
    readers: int = 1
    grid: tuple[dict[str, Any], ...] = field(default=({},))

    @property
    def sha(self) -> str:
        """Changes whenever anything of the variant does."""
        values = {k: v for k, v in asdict(self).items() if k != "what"}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]

    def at(self, point: dict[str, Any]) -> Variant:
        """The variant with the settings of one point of its grid."""
        settings = {k: v for k, v in point.items() if k not in ("kinds", "wording")}
        return replace(
            self,
            kinds=tuple(point.get("kinds", self.kinds)),
            wording=point.get("wording", self.wording),
            config=replace(self.config, **settings),
            grid=({},),
        )


_WITH_OTHERS = (*EVIDENCES, "distractors")

GRID: tuple[dict[str, Any], ...] = (
    *(
        {"learning_rate": rate, "kinds": list(kinds)}
        for rate, kinds in product((1e-4, 2e-4, 4e-4), (EVIDENCES, _WITH_OTHERS))
    ),
    {"wording": "strict"},
)
"""What --grid chooses from, inside the training part of each fold: rate and mix, and the
recipe with another prompt. The base is asked with the usual prompt beside all of them."""


GENTLY = replace(BASIC, learning_rate=1e-4, max_steps_override=160, eval_steps=20)
"""The second stage of what has learnt to read."""


def _changed(name: str, what: str, **changes: Any) -> Variant:
    return Variant(name, what, config=replace(BASIC, **changes))


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("mixed", "every item with no law, with what search finds and with its own text"),
        Variant("given", "only the item's own text in training", kinds=("given",)),
        Variant("retrieved", "only what search finds in training", kinds=("retrieved",)),
        Variant("none", "no law in training", kinds=("none",)),
        Variant(
            "distractors",
            "mixed, and the own text among passages that don't bear on it",
            kinds=_WITH_OTHERS,
        ),
        Variant("synthetic", "mixed, and 800 questions made from statutes by rule", made=800),
        Variant("one-order", "mixed, each item in its first order alone", orders=1),
        Variant("strict-prompt", "mixed, with a stricter wording of the prompt", wording="strict"),
        Variant(
            "reading",
            "reading exercises on invented regulations first, then mixed, gently",
            config=GENTLY,
            reads=READING,
        ),
        Variant(
            "reading-last",
            "reading, going on from the last step of the exercises instead of the best",
            config=GENTLY,
            reads=replace(READING, eval_steps=0),
        ),
        Variant(
            "reading-mean",
            "reading-last, going on from the mean of three seeds' weights",
            config=replace(GENTLY, lora_r=48, lora_alpha=96.0),
            reads=replace(READING, eval_steps=0),
            readers=3,
        ),
        Variant(
            "reading-64",
            "reading, rank 64 in both stages",
            config=replace(GENTLY, lora_r=64, lora_alpha=128.0),
            reads=replace(READING, lora_r=64, lora_alpha=128.0),
        ),
        Variant(
            "reading-24",
            "reading, six items in all their orders a step of the second stage",
            config=replace(GENTLY, batch_size=24, max_steps_override=80, eval_steps=10),
            reads=READING,
        ),
        Variant("reading-alone", "the reading exercises and nothing else", kinds=(), reads=READING),
        _changed("no-patience", "mixed, the last of all steps", early_stopping_patience=0),
        _changed("steps-60", "mixed, at most 60 steps", max_steps_override=60, eval_steps=20),
        _changed("steps-480", "mixed, up to 480 steps", max_steps_override=480, eval_steps=80),
        _changed("rate-1e-4", "mixed, half the learning rate", learning_rate=1e-4),
        _changed("rate-4e-4", "mixed, twice the learning rate", learning_rate=4e-4),
        _changed("rank-4", "mixed, rank 4", lora_r=4, lora_alpha=8.0),
        _changed("rank-64", "mixed, rank 64", lora_r=64, lora_alpha=128.0),
    )
}


def chosen(names: Sequence[str], grid: bool, steps: int = 0) -> list[Variant]:
    """The variants asked for, `all` for every one, each choosing from GRID with `grid`;
    `steps` bounds all of them."""
    found = [VARIANTS[name] for name in (VARIANTS if "all" in names else dict.fromkeys(names))]
    if grid:
        found = [replace(v, grid=GRID) if v.name == "mixed" else v for v in found]
    if steps:
        found = [
            replace(
                v,
                config=_bounded(v.config, steps),
                reads=_bounded(v.reads, steps) if v.reads else None,
            )
            for v in found
        ]
    return found


def _bounded(config: TrainConfig, steps: int) -> TrainConfig:
    most = min(steps, config.max_steps_override or steps)
    return replace(config, max_steps_override=most, eval_steps=min(config.eval_steps, most))


@contextmanager
def worded(name: str, *loaded: LoadedModel) -> Iterator[None]:
    """The prompt in other words; `loaded` are told that its hash changes."""
    from lawui.model import prompts

    def renew() -> None:
        prompts.sha.cache_clear()
        for one in loaded:
            one.__dict__.pop("prompt_sha", None)

    former = {key: getattr(prompts, key) for key in WORDINGS[name]}
    vars(prompts).update(WORDINGS[name])
    renew()
    try:
        yield
    finally:
        vars(prompts).update(former)
        renew()
