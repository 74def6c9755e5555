"""One adapter from several: the mean of what they add to their base.

Adapters of one base that learnt the same with other seeds lie near each other, and the mean
of their weights is often better than the best of them, at the cost of one (Wortsman et al.
2022, "Model soups"). The mean of B·A is not the product of the means of B and of A; put side
by side, as by PEFT's add_weighted_adapter with "cat", the halves give it exactly, and their
ranks add up.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lawui.errors import AdapterError
from lawui.model import adapters
from lawui.types import UNTOLD, AdapterInfo, all_told

if TYPE_CHECKING:
    import torch


def average(infos: Sequence[AdapterInfo], folder: Path) -> AdapterInfo:
    """Write the mean of adapters into `folder`, new or empty, whose name it takes. Its card
    says that it saw what any of them saw.

    Raises AdapterError where there are fewer than two, one is faulty or scaled in a way of
    its own, or they are not of one base and the same layers; OSError where the disk does
    not take it.
    """
    import torch
    from safetensors.torch import load_file, save_file

    _check(infos)
    found = [load_file(Path(info.path) / adapters.WEIGHTS) for info in infos]
    if any(_widths(one) != _widths(found[0]) for one in found):
        raise AdapterError("adapter.average_differs")
    rank = sum(info.rank for info in infos)
    scale = infos[0].alpha / infos[0].rank
    # Half of a share to A and half to B: a run that goes on moves both alike.
    shares = [math.sqrt(info.alpha / info.rank / scale / len(infos)) for info in infos]
    joined = {
        key: torch.cat(
            [one[key] * share for one, share in zip(found, shares, strict=True)], _joint(key)
        )
        for key in found[0]
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(joined, folder / adapters.WEIGHTS, {"format": "pt"})
    config = json.loads((Path(infos[0].path) / adapters.CONFIG).read_text("utf-8"))
    config |= {"r": rank, "lora_alpha": scale * rank}
    (folder / adapters.CONFIG).write_text(json.dumps(config, indent=2), "utf-8")
    _write_card(infos, folder, {"lora_r": rank, "lora_alpha": scale * rank})
    return adapters.read_adapter(folder)


def _check(infos: Sequence[AdapterInfo]) -> None:
    if len(infos) < 2:
        raise AdapterError("adapter.average_few")
    for info in infos:
        adapters.check(info)
    alike = {(info.base_sha, info.prompt_sha, info.targets) for info in infos}
    if len(alike) > 1 or any(adapters.scaled_apart(info) for info in infos):
        raise AdapterError("adapter.average_differs")


def _joint(key: str) -> int:
    """The dimension of the rank: A is (rank, in), B (out, rank)."""
    return 0 if "lora_A" in key else 1


def _widths(weights: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """Each half's other dimension."""
    return {key: value.shape[1 - _joint(key)] for key, value in weights.items()}


def _write_card(infos: Sequence[AdapterInfo], folder: Path, shape: Mapping[str, float]) -> None:
    groups = {group for info in infos for group in info.trained_groups}
    if not all(all_told(info.trained_groups) for info in infos):
        groups.add(UNTOLD)
    learnt = {group for info in infos for group in adapters.learnt_groups(info)}
    first, sets = infos[0], list(dict.fromkeys(name for info in infos for name in info.sets))
    losses = [info.final_loss for info in infos if info.final_loss is not None]
    adapters.write_card(
        folder,
        base_model=first.base_model,
        base_sha=first.base_sha,
        trained_groups=sorted(groups),
        prompt_sha=first.prompt_sha,
        final_loss=sum(losses) / len(losses) if losses else None,
        trained_on=sets[-1],
        settings={**first.settings, **shape},
        licence=first.licence,
        seed=first.settings.get("seed", 0),
        split={group: "train" if group in learnt else "dev" for group in groups - {UNTOLD}},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        begun_from={"name": first.begun_from, "weights_sha": first.begun_sha, "sets": sets[:-1]}
        if sets[1:]
        else None,
        average_of=[{"name": info.name, "weights_sha": info.weights_sha} for info in infos],
    )
