"""The mean of adapters that learnt the same with other seeds, as one adapter.

Their weights lie near each other, and the mean is often better than the best of them at the
cost of one (Wortsman et al. 2022, "Model soups"). The mean of B·A is not the product of the
means of B and of A; put side by side, as by PEFT's add_weighted_adapter with "cat", the
halves give it exactly, and their ranks add up.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lawui.model import adapters
from lawui.training import files
from lawui.types import AdapterInfo


def mean(members: Sequence[AdapterInfo], folder: Path) -> AdapterInfo:
    """Write the mean of adapters of one base, shape and training data into `folder`, whose
    name it takes; the card, written last, is the first one's. Raises ValueError where they
    differ in any of these."""
    import torch
    from safetensors.torch import load_file, save_file

    first, count = members[0], len(members)
    alike = {(m.base_sha, m.rank, m.alpha, m.targets, m.trained_groups) for m in members}
    if len(alike) > 1:
        raise ValueError("not of one base, shape and training data")
    found = [load_file(Path(member.path) / adapters.WEIGHTS) for member in members]
    # Half of a share to A and half to B: a run that goes on moves both alike.
    share = 1 / math.sqrt(count)
    joined = {
        key: torch.cat([share * one[key] for one in found], 0 if "lora_A" in key else 1)
        for key in found[0]
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(joined, folder / adapters.WEIGHTS, {"format": "pt"})
    rank, alpha = first.rank * count, first.alpha * count
    _copy(first, folder, adapters.CONFIG, {"r": rank, "lora_alpha": alpha})
    weights_sha = adapters.file_sha(folder / adapters.WEIGHTS)
    settings = {**first.settings, "lora_r": rank, "lora_alpha": alpha}
    _copy(first, folder, adapters.CARD, {"weights_sha": weights_sha, "settings": settings})
    return adapters.read_adapter(folder)


def _copy(info: AdapterInfo, folder: Path, name: str, changed: Mapping[str, Any]) -> None:
    values = json.loads((Path(info.path) / name).read_text("utf-8"))
    files.write_json(folder / name, {**values, **changed})
