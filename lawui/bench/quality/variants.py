"""What is compared: one recipe and, beside it, the same with one thing changed."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from lawui.errors import UsageError
from lawui.training.config import PRESETS, TrainConfig, to_dict
from lawui.types import AdapterInfo

if TYPE_CHECKING:
    from lawui.model.load import LoadedModel

BASIC = TrainConfig(
    evidence_mix="none+retrieved+given",
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
"""One stage alone. Steps are chosen by patience on the dev part of a fold's training questions;
the adapter that is scored then learns from all of them for as many steps."""

# How often a run is looked at and saved changes nothing of what it learns.
READING = replace(PRESETS["reading"], save_steps=0, logging_steps=10)
"""A first stage for all folds alike: the preset `reading`."""

NEUTRAL = {
    *("model_name", "output_dir", "logging_steps", "save_steps", "eval_steps"),
    *("seed", "nproc", "memory_budget", "do_train"),
}
"""Settings of the first stage that make it no other."""

LAW = replace(PRESETS["law"], train_set="", save_steps=0, logging_steps=10)
"""The second stage of what has learnt to read: the preset `law`."""

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
    """One way to train. `made` questions by rule are added; `orders` of an item are trained on;
    `config` is BASIC or LAW with changes; `grid` are the settings to choose from in each fold.
    With `reads` training goes on from an adapter that learnt to read by these settings, `reader`
    where one is given (the hash of its weights), or ends there where that is `alone`."""

    name: str
    what: str
    made: int = 0
    orders: int = 4
    wording: str = "default"
    config: TrainConfig = BASIC
    reads: TrainConfig | None = None
    reader: str = ""
    alone: bool = False
    grid: tuple[dict[str, Any], ...] = field(default=({},))

    @property
    def sha(self) -> str:
        """Changes whenever anything of the variant does."""
        values = {k: v for k, v in asdict(self).items() if k != "what"}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]

    def at(self, point: dict[str, Any]) -> Variant:
        """The variant with the settings of one point of its grid."""
        settings = {k: v for k, v in point.items() if k != "wording"}
        return replace(
            self,
            wording=point.get("wording", self.wording),
            config=replace(self.config, **settings),
            grid=({},),
        )


_EVERY = BASIC.evidence_mix
_WITH_OTHERS = f"{_EVERY}+distractors"

GRID: tuple[dict[str, Any], ...] = (
    *(
        {"learning_rate": rate, "evidence_mix": mix}
        for rate, mix in product((1e-4, 2e-4, 4e-4), (_EVERY, _WITH_OTHERS))
    ),
    {"wording": "strict"},
)
"""What --grid chooses from, inside the training part of each fold: rate and mix, and the
recipe with another prompt. The base is asked with the usual prompt beside all of them."""


_MIXED = Variant("mixed", "every item with no law, with what search finds and with its own text")
_PRESETS = Variant(
    "presets",
    "the presets reading and law, one after the other, as they are",
    config=LAW,
    reads=READING,
)
_SETTINGS = {field.name for field in fields(TrainConfig)}


def _changed(of: Variant, name: str, what: str, **changes: Any) -> Variant:
    """`of` with other settings of the stage that learns the law, or other fields."""
    settings = {k: v for k, v in changes.items() if k in _SETTINGS}
    others = {k: v for k, v in changes.items() if k not in _SETTINGS}
    config = replace(of.config, **settings)
    return replace(of, name=name, what=f"{of.name}, {what}", config=config, **others)


_SHOWN: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("given", "only the item's own text in training", {"evidence_mix": "given"}),
    ("one-kind", "one kind of law drawn for each item", {"evidence_mix": _EVERY.replace("+", ",")}),
    ("distractors", "also the own text among others", {"evidence_mix": _WITH_OTHERS}),
    ("synthetic", "and 800 questions made from statutes by rule", {"made": 800}),
    ("one-order", "each item in its first order alone", {"orders": 1}),
    ("strict-prompt", "with a stricter wording of the prompt from then on", {"wording": "strict"}),
)
"""Changes to what is shown that can be made to either recipe."""

_ALONE = replace(
    _PRESETS, name="reading-alone", what="the first stage and nothing else", alone=True
)
_SIX = {"batch_size": 24, "max_steps_override": 80, "eval_steps": 10}
_SIXTY = {"max_steps_override": 60, "early_stopping_patience": 0}
_RANK_64 = {"lora_r": 64, "lora_alpha": 128.0}

VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        _MIXED,
        *(_changed(_MIXED, name, what, **changes) for name, what, changes in _SHOWN),
        _changed(_MIXED, "retrieved", "only what search finds", evidence_mix="retrieved"),
        _changed(_MIXED, "none", "no law in training", evidence_mix="none"),
        _changed(_MIXED, "no-patience", "the last of all steps", early_stopping_patience=0),
        _changed(_MIXED, "steps-60", "at most 60 steps", max_steps_override=60, eval_steps=20),
        _changed(_MIXED, "steps-480", "up to 480 steps", max_steps_override=480, eval_steps=80),
        _changed(_MIXED, "rate-1e-4", "half the learning rate", learning_rate=1e-4),
        _changed(_MIXED, "rate-4e-4", "twice the learning rate", learning_rate=4e-4),
        _changed(_MIXED, "rank-4", "rank 4", lora_r=4, lora_alpha=8.0),
        _changed(_MIXED, "rank-64", "rank 64", **_RANK_64),
        _PRESETS,
        *(_changed(_PRESETS, f"presets-{name}", what, **more) for name, what, more in _SHOWN),
        _ALONE,
        _changed(_PRESETS, "presets-24", "six items in all their orders a step", **_SIX),
        _changed(_PRESETS, "presets-5e-5", "half the second stage's rate", learning_rate=5e-5),
        _changed(_PRESETS, "presets-2e-4", "twice the second stage's rate", learning_rate=2e-4),
        _changed(_PRESETS, "presets-60", "60 steps of the second stage, not chosen", **_SIXTY),
        _changed(
            _PRESETS,
            "best-reader",
            "the best look of the first stage",
            reads=replace(READING, load_best_model_at_end=True),
        ),
        _changed(
            _PRESETS,
            "plain-reader",
            "no exercise among other texts",
            reads=replace(READING, evidence_mix="given"),
        ),
        _changed(
            _PRESETS,
            "reading-64",
            "rank 64 in both stages",
            reads=replace(READING, **_RANK_64),  # type: ignore[arg-type]
            **_RANK_64,
        ),
    )
}


def check_reader(info: AdapterInfo, base_sha: str) -> None:
    """Refuse an adapter that is not what the preset `reading` makes of this base. Raises
    UsageError `usage.bench_reader`, AdapterError for a faulty one."""
    from lawui.model import adapters

    adapters.check(info)
    wanted = to_dict(READING)
    apart = [k for k in wanted.keys() - NEUTRAL if info.settings.get(k) != wanted[k]]
    if info.base_sha != base_sha:
        apart.append("base")
    if info.begun_from:
        apart.append("start_from")
    if apart:
        differs = ", ".join(sorted(apart))
        raise UsageError("usage.bench_reader", adapter=info.name, differs=differs)


def chosen(
    names: Sequence[str], grid: bool, steps: int = 0, reader: AdapterInfo | None = None
) -> list[Variant]:
    """The variants asked for, `all` for every one, each choosing from GRID with `grid`; those
    that begin with the preset `reading` go on from `reader`, where there is one; `steps`
    bounds all that is trained here."""
    found = [VARIANTS[name] for name in (VARIANTS if "all" in names else dict.fromkeys(names))]
    if grid:
        found = [replace(v, grid=GRID) if v.name == "mixed" else v for v in found]
    if reader is not None:
        sha = reader.weights_sha
        found = [replace(v, reader=sha) if v.reads == READING else v for v in found]
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


@functools.cache
def _usual() -> dict[str, str]:
    """The usual words wherever a wording has others; first asked for outside of any."""
    from lawui.model import prompts

    return {key: getattr(prompts, key) for words in WORDINGS.values() for key in words}


@contextmanager
def worded(name: str, *loaded: LoadedModel) -> Iterator[None]:
    """The prompt in other words; `loaded` are told that its hash changes."""
    from lawui.model import prompts

    def renew() -> None:
        prompts.sha.cache_clear()
        for one in loaded:
            one.__dict__.pop("prompt_sha", None)

    former = {key: getattr(prompts, key) for key in _usual()}
    vars(prompts).update(_usual() | WORDINGS[name])
    renew()
    try:
        yield
    finally:
        vars(prompts).update(former)
        renew()
