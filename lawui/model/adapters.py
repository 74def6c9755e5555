"""LoRA adapters on disk: reading, judging, describing, exporting.

An adapter is a folder in PEFT's own format (adapter_config.json, adapter_model.safetensors)
with a card beside it: lawui.json for programs, README.md for people. Nothing here loads
weights; a broken folder is listed with its fault and never raises.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import lawui
from lawui.errors import AdapterError
from lawui.types import BASE, AdapterInfo

CARD = "lawui.json"
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
UNFINISHED = "run.json"
"""A training run writes this first and the card last."""

_NAME = re.compile(r"\w[\w.\-]{0,79}")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
_EXPORTED = (CONFIG, WEIGHTS, CARD, "README.md")
_VARIANTS = (
    *("use_dora", "lora_bias", "modules_to_save", "trainable_token_indices"),
    *("target_parameters", "use_qalora", "use_bdlora", "fan_in_fan_out", "alora_invocation_tokens"),
)
"""Settings of PEFT under which an adapter is more than A and B of linear layers."""
_CARD_KINDS: dict[str, Any] = {
    **dict.fromkeys(("base_model", "base_sha", "prompt_sha", "trained_on", "created"), str),
    **dict.fromkeys(("licence", "weights_sha"), str),
    "trained_groups": list,
    "settings": dict,
    "begun_from": dict,
    "final_loss": int | float | None,
}


def check_name(name: str) -> str:
    """`name` if it can be a folder of its own; AdapterError otherwise."""
    if not _NAME.fullmatch(name) or name == BASE:
        raise AdapterError("adapter.bad_name", name=name)
    return name


def list_adapters(folder: Path, base_sha: str = "") -> list[AdapterInfo]:
    """Every adapter below `folder`, newest first, faulty ones included.

    With `base_sha`, an adapter of another base carries the fault `adapter.other_base`.
    A training run that has not finished is not an adapter and is left out.
    """
    if not folder.is_dir():
        return []
    found = [
        read_adapter(path, base_sha)
        for path in sorted(folder.iterdir())
        if path.is_dir() and _NAME.fullmatch(path.name) and _is_adapter(path)
    ]
    return sorted(found, key=lambda info: info.created, reverse=True)


def find(folder: Path, name: str, base_sha: str = "") -> AdapterInfo | None:
    """The adapter `name` below `folder`, as `list_adapters` shows it, or None."""
    path = folder / check_name(name)
    return read_adapter(path, base_sha) if path.is_dir() and _is_adapter(path) else None


def read_adapter(path: Path, base_sha: str = "") -> AdapterInfo:
    """What is known of one adapter folder; `fault` says what is wrong with it."""
    config, config_fault = _read_json(path / CONFIG)
    card, card_fault = _read_card(path / CARD) if (path / CARD).exists() else ({}, "")
    weights_sha = file_sha(path / WEIGHTS)
    begun = card.get("begun_from", {})
    fault = config_fault or card_fault or _weights_fault(path) or _config_fault(config)
    if not fault and card.get("weights_sha", weights_sha) != weights_sha:
        fault = "adapter.corrupt"  # not the weights that the card describes
    if not fault and base_sha and card.get("base_sha") not in (None, "", base_sha):
        fault = "adapter.other_base"
    return AdapterInfo(
        name=path.name,
        path=str(path),
        base_model=str(card.get("base_model") or config.get("base_model_name_or_path") or ""),
        base_sha=str(card.get("base_sha", "")),
        rank=_whole(config.get("r")),
        alpha=_number(config.get("lora_alpha")),
        targets=_targets(config.get("target_modules")),
        trained_groups=tuple(card.get("trained_groups", ())),
        prompt_sha=str(card.get("prompt_sha", "")),
        final_loss=card.get("final_loss"),
        fault=fault,
        trained_on=str(card.get("trained_on", "")),
        created=str(card.get("created", "")),
        weights_sha=weights_sha,
        licence=str(card.get("licence", "")),
        settings=dict(card.get("settings", {})),
        begun_from=str(begun.get("name", "")),
        begun_sha=str(begun.get("weights_sha", "")),
        earlier_sets=_names(begun.get("sets")),
    )


def learnt_groups(info: AdapterInfo) -> set[str]:
    """The groups that the adapter was trained on, and those it saw of which its card does not
    say what for."""
    card, _ = _read_card(Path(info.path) / CARD)
    split = card.get("split")
    parts = split if isinstance(split, dict) else {}
    return {group for group in info.trained_groups if parts.get(group, "train") == "train"}


def scaled_apart(info: AdapterInfo) -> bool:
    """Whether PEFT would scale it by anything but alpha over rank, the same in all layers."""
    config, _ = _read_json(Path(info.path) / CONFIG)
    return any(config.get(key) for key in ("use_rslora", "alpha_pattern", "rank_pattern"))


def check(info: AdapterInfo) -> None:
    """Raise AdapterError where `info` has a fault: such an adapter is never loaded."""
    if info.fault:
        raise AdapterError(info.fault, name=info.name, base=info.base_model)


def write_card(
    path: Path,
    *,
    base_model: str,
    base_sha: str,
    trained_groups: Sequence[str],
    prompt_sha: str,
    final_loss: float | None,
    trained_on: str,
    settings: Mapping[str, Any],
    licence: str,
    seed: int,
    split: Mapping[str, str],
    created: str,
    tables: Mapping[str, Any] | None = None,
    begun_from: Mapping[str, Any] | None = None,
) -> None:
    """Write README.md and, last and atomically, lawui.json: only now is it an adapter.

    `trained_groups` names every group seen, dev included; `split` maps each group to
    train, dev or test; `tables` holds figures for the card (dev accuracy by step …);
    `begun_from` {name, weights_sha, sets} is the adapter that the run went on from.
    """
    card = {
        "lawui": lawui.__version__,
        "base_model": base_model,
        "base_sha": base_sha,
        "licence": licence,
        "trained_on": trained_on,
        "trained_groups": sorted(trained_groups),
        "split": dict(split),
        "prompt_sha": prompt_sha,
        "final_loss": final_loss,
        "seed": seed,
        "settings": dict(settings),
        "tables": dict(tables or {}),
        "created": created,
        "weights_sha": file_sha(path / WEIGHTS),
    }
    if begun_from:
        card["begun_from"] = dict(begun_from)
    (path / "README.md").write_text(_model_card(path.name, card), "utf-8")
    temporary = path / (CARD + ".part")
    temporary.write_text(json.dumps(card, ensure_ascii=False, indent=1), "utf-8")
    temporary.replace(path / CARD)


def export(info: AdapterInfo, target: Path, tests: Sequence[Mapping[str, Any]] = ()) -> Path:
    """Copy an adapter to `target`: a zip where the name ends in .zip, else a folder.

    `tests` are rows of figures (set, evidence, total, accuracy, low, high,
    accuracy_unseen) that the model card takes in first, in the adapter's own folder too
    where that can be written.
    Raises AdapterError where the adapter is faulty or the target exists already.
    """
    check(info)
    if target.exists():
        raise AdapterError("adapter.target_exists", path=str(target))
    if tests:
        _tell_tests(Path(info.path), tests)
    files = [Path(info.path) / name for name in _EXPORTED if (Path(info.path) / name).exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, f"{info.name}/{file.name}")
    else:
        target.mkdir()
        for file in files:
            shutil.copy2(file, target / file.name)
    return target


def _tell_tests(path: Path, tests: Sequence[Mapping[str, Any]]) -> None:
    card, fault = _read_card(path / CARD)
    if fault or "split" not in card or "tables" not in card:
        return  # not of our making: its words stay
    temporary = path / "README.md.part"
    try:
        temporary.write_text(_model_card(path.name, card, tests), "utf-8")
        temporary.replace(path / "README.md")
    except OSError:  # a folder that cannot be written keeps its former card
        temporary.unlink(missing_ok=True)


def remove(info: AdapterInfo, folder: Path) -> None:
    """Delete an adapter of `folder`. It vanishes from every list at once, then from disk."""
    path = folder / check_name(info.name)
    if not path.is_dir() or path.is_symlink():
        raise AdapterError("adapter.unknown", name=info.name)
    doomed = folder / f".removed-{info.name}"
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _is_adapter(path: Path) -> bool:
    if (path / CARD).exists():
        return True
    return (path / CONFIG).exists() and not (path / UNFINISHED).exists()


def _read_json(path: Path) -> tuple[dict[str, Any], str]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}, "adapter.bad_config"
    return (value, "") if isinstance(value, dict) else ({}, "adapter.bad_config")


def _read_card(path: Path) -> tuple[dict[str, Any], str]:
    """The card; one whose values are of other kinds than `write_card` writes is broken."""
    card, fault = _read_json(path)
    if any(not isinstance(card[key], kind) for key, kind in _CARD_KINDS.items() if key in card):
        return {}, "adapter.bad_config"
    return card, fault


def _config_fault(config: Mapping[str, Any]) -> str:
    if str(config.get("peft_type", "")).upper() != "LORA" or _whole(config.get("r")) < 1:
        return "adapter.not_lora"
    if config.get("bias", "none") != "none" or any(config.get(key) for key in _VARIANTS):
        return "adapter.variant"
    return ""


def _weights_fault(path: Path) -> str:
    weights = path / WEIGHTS
    if not weights.is_file():
        pickled = any(any(path.glob(pattern)) for pattern in _PICKLES)
        return "adapter.pickle" if pickled else "adapter.no_weights"
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="numpy") as file:
            keys = list(file.keys())
    except (SafetensorError, OSError, ValueError):
        return "adapter.corrupt"
    return "" if any("lora_" in key for key in keys) else "adapter.not_lora"


def file_sha(path: Path) -> str:
    """Identity of a file of weights: 16 hexadecimal digits; "" where there is no plain file."""
    try:
        stat = path.stat()
        return _hash_of(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=1024)
def _hash_of(path: Path, *_identity: int) -> str:
    """The file's hash, computed once for each state of the file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _targets(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(sorted(_names(value)))


def _names(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _model_card(name: str, card: Mapping[str, Any], tests: Sequence[Mapping[str, Any]] = ()) -> str:
    counts: dict[str, int] = {}
    for part in card["split"].values():
        counts[part] = counts.get(part, 0) + 1
    settings, tables = dict(card["settings"]), card["tables"]
    begun = card.get("begun_from")
    facts = [
        ("base", f"{card['base_model']} (weights {card['base_sha']})"),
        ("licence of the base", card["licence"]),
        ("made", card["created"]),
        ("data", f"{card['trained_on']} (sha256 {settings.pop('dataset_sha', '')})"),
        *([("begun from", _begun_words(begun))] if begun else []),
        ("groups", ", ".join(f"{part} {count}" for part, count in sorted(counts.items()))),
        ("seed", card["seed"]),
        ("prompt", card["prompt_sha"]),
        ("kept step", tables.get("kept_step", "")),
        ("final training loss", card["final_loss"]),
        ("steps left out because they were not finite", tables.get("skipped", 0)),
        ("adapter weights", card["weights_sha"]),
    ]
    evals = [
        (row.get("step"), row.get("eval_loss"), row.get("eval_accuracy"), _interval(row))
        for row in tables.get("evals", ())
    ]
    scored = [
        (
            *(row.get("set"), row.get("evidence"), row.get("total"), _share(row.get("accuracy"))),
            *(_interval(row), _share(row.get("accuracy_unseen"))),
        )
        for row in tests
    ]
    unscored = f"Not scored yet: `python -m lawui score --set SET --adapter {name}`."
    return f"""---
base_model: {card["base_model"]}
library_name: peft
license: other
license_name: {card["licence"]}
language: ja
tags: [lora, lawui]
---

# {name}

A LoRA adapter trained with lawui {card["lawui"]} on {card["trained_on"]}.

{_table(("what", "value"), facts)}

It saw the train and dev groups named in `lawui.json`; a score on those is no result.
It answers with the letter of a choice and is no legal advice.

## Tests

{_table(("set", "evidence", "questions", "accuracy", "95 %", "on unseen"), scored) or unscored}

## Settings

{_table(("setting", "value"), list(settings.items()))}

## On the dev questions while training

{_table(("step", "loss", "accuracy", "95 %"), evals)}

## Training loss

{_table(("step", "loss"), _thinned(tables.get("losses", ())))}
"""


def _begun_words(begun: Mapping[str, Any]) -> str:
    learnt = ", then ".join(_names(begun.get("sets"))) or "?"
    name, sha = begun.get("name", "?"), begun.get("weights_sha", "?")
    return f"{name} (weights {sha}), which had learnt {learnt}"


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table, or nothing for no rows."""
    if not rows:
        return ""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(
        "| " + " | ".join("" if v is None else str(v) for v in r) + " |" for r in lines
    )


def _share(value: Any) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _interval(row: Mapping[str, Any]) -> str:
    low, high = row.get("low"), row.get("high")
    return "" if low is None or high is None else f"{_share(low)} to {_share(high)}"


def _thinned(rows: Sequence[Any], most: int = 25) -> list[Any]:
    """About `most` rows, evenly taken, the last among them."""
    stride = max(1, -(-len(rows) // most))
    return [row for i, row in enumerate(rows) if i % stride == 0 or i == len(rows) - 1]
