"""Going on from an adapter that is there: its weights instead of fresh ones.

A run keeps a copy of them from when it is laid down until it is done. So it needs the
adapter no more, whether it is queued, killed or resumed, and wherever the adapter has gone.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.errors import TrainingError
from lawui.model import adapters

if TYPE_CHECKING:
    from lawui.training.config import TrainConfig
    from lawui.training.weights import Weights
    from lawui.types import AdapterInfo

COPY = "start.safetensors"


@dataclass(frozen=True)
class Begun:
    """What a run goes on from, as it was when the run was laid down. `sets` names all that
    it was made of, the first first."""

    name: str
    weights_sha: str
    base_model: str
    base_sha: str
    sets: tuple[str, ...]


def shape(info: AdapterInfo) -> dict[str, Any]:
    """The settings that a run must share with the adapter that it goes on from; the layers
    as the adapter's own run was asked for them, where that is known."""
    asked = info.settings.get("target_modules")
    layers = tuple(map(str, asked)) if isinstance(asked, list) and asked else info.targets
    return {"lora_r": info.rank, "lora_alpha": info.alpha, "target_modules": layers}


def check(info: AdapterInfo, config: TrainConfig) -> None:
    """Raise AdapterError for a faulty adapter, TrainingError for one that is scaled in
    another way than a run is, or of another shape than `config`."""
    adapters.check(info)
    if adapters.scaled_apart(info):
        raise TrainingError("train.start_scaled", name=info.name)
    wanted, asked = shape(info), set(config.target_modules)
    # Which layers all-linear means on this base is known once it is loaded.
    open_yet = asked == {"all-linear"} and not info.settings
    layers = open_yet or asked in (set(wanted["target_modules"]), set(info.targets))
    if not layers or (info.rank, info.alpha) != (config.lora_r, config.lora_alpha):
        raise TrainingError(
            "train.start_differs",
            name=info.name,
            rank=info.rank,
            alpha=f"{info.alpha:g}",
            targets=",".join(wanted["target_modules"]),
        )


def check_seen(info: AdapterInfo, split: Mapping[str, str], allow_seen: bool) -> None:
    """Raise TrainingError where the adapter learnt groups that `split` keeps for dev or test,
    or out of training for their sake (`unused`), and `allow_seen` is off."""
    kept = {group for group, part in split.items() if part != "train"}
    held = kept & adapters.learnt_groups(info)
    if held and not allow_seen:
        raise TrainingError("train.start_saw", name=info.name, count=len(held))


def joined(info: AdapterInfo, split: Mapping[str, str]) -> dict[str, str]:
    """The run's split with the groups that the adapter saw: what it learnt is train, what it
    only looked at is dev where the run has no use of its own for it."""
    learnt = adapters.learnt_groups(info)
    return {
        **dict.fromkeys(info.trained_groups, "dev"),
        **split,
        **dict.fromkeys(learnt, "train"),
    }


def copy(info: AdapterInfo, folder: Path) -> Begun:
    """Put a copy of the adapter's weights into the run's folder. Raises OSError where they
    are gone or the disk does not take them."""
    shutil.copyfile(Path(info.path) / adapters.WEIGHTS, folder / COPY)
    return Begun(info.name, info.weights_sha, info.base_model, info.base_sha, info.sets)


def take(weights: Weights, folder: Path, begun: Begun, base_sha: str) -> None:
    """Put the copied weights in place of the fresh ones. Raises TrainingError where the copy
    is damaged, or is of another base, of other layers or of another rank."""
    from safetensors.torch import load_file

    path = folder / COPY
    if adapters.file_sha(path) != begun.weights_sha:
        raise TrainingError("train.bad_start", path=str(path))
    if begun.base_sha and begun.base_sha != base_sha:
        values = {"name": begun.name, "base": begun.base_model}
        raise TrainingError("train.start_other_base", **values)
    # PEFT saves q_proj.lora_A.weight for q_proj.lora_A.default.weight.
    found = load_file(path)
    fresh = {key.replace(".default.", "."): key for key in weights.named()}
    shapes = {name: weights.parameters[key].shape for name, key in fresh.items()}
    if shapes != {name: value.shape for name, value in found.items()}:
        raise TrainingError("train.start_layers", name=begun.name)
    weights.put({key: found[name] for name, key in fresh.items()})
    weights.good.copy_(weights.values.detach())


def forget(folder: Path) -> None:
    """Delete the copy of a run that is done."""
    (folder / COPY).unlink(missing_ok=True)
