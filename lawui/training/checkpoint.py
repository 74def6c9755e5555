"""The state to resume from: safetensors and JSON, written whole or not at all.

A checkpoint is a folder `checkpoints/step-00000040` that appears by one rename and holds
the LoRA weights, AdamW's moments, the random generators' states, the best weights so far
and the counters. Only the latest is kept.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from lawui.errors import TrainingError
from lawui.training import files
from lawui.training.counters import Counters

if TYPE_CHECKING:
    import torch

    from lawui.training.parallel import Peers
    from lawui.training.weights import Weights

FOLDER = "checkpoints"
_STEP = re.compile(r"step-(\d{8})")


def save(
    run_folder: Path,
    weights: Weights,
    optimizer: torch.optim.Optimizer,
    best: Mapping[str, torch.Tensor],
    counters: Counters,
    random: Mapping[str, torch.Tensor],
) -> None:
    """Write the checkpoint of the counters' step and forget older ones.

    `best` maps parameter names to tensors, `random` is as `random_states` gives it. Raises
    OSError where the disk does not take it; then the former checkpoint stays.
    """
    parent = run_folder / FOLDER
    parent.mkdir(exist_ok=True)
    temporary = parent / f".part-{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        _write(temporary / "weights.safetensors", weights.named())
        _write(temporary / "best.safetensors", best)
        _write(temporary / "optimizer.safetensors", optimizer.state[weights.values])
        _write(temporary / "random.safetensors", random)
        files.write_json(temporary / "counters.json", asdict(counters))
        files.sync_folder(temporary)
        final = parent / f"step-{counters.step:08d}"
        shutil.rmtree(final, ignore_errors=True)
        temporary.rename(final)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    for old in parent.iterdir():
        if old.name != final.name:
            shutil.rmtree(old, ignore_errors=True)


def random_states(peers: Peers) -> dict[str, torch.Tensor]:
    """The states of the random generators of every process: `cpu` and `cuda` of the first,
    `cpu.1` … of the others."""
    import torch

    mine = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        mine["cuda"] = torch.cuda.get_rng_state()
    return {
        _of(rank, name): state
        for rank, states in enumerate(peers.gather(mine))
        for name, state in states.items()
    }


def _of(rank: int, name: str) -> str:
    return f"{name}.{rank}" if rank else name


def latest(run_folder: Path) -> Path | None:
    """The newest whole checkpoint."""
    parent = run_folder / FOLDER
    found = [p for p in parent.glob("step-*") if _STEP.fullmatch(p.name)]
    return max(found, default=None, key=lambda path: path.name)


def counters(checkpoint: Path) -> Counters:
    """Only the counters. Raises TrainingError where they are damaged."""
    try:
        values = json.loads((checkpoint / "counters.json").read_text("utf-8"))
        known = {field.name for field in fields(Counters)}
        return Counters(**{k: v for k, v in values.items() if k in known})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise TrainingError("train.bad_checkpoint", path=str(checkpoint)) from error


def load(
    checkpoint: Path, weights: Weights, optimizer: torch.optim.Optimizer, rank: int = 0
) -> dict[str, torch.Tensor]:
    """Put a checkpoint back into `weights`, `optimizer` and the random generators of the
    process `rank`.

    Returns the best weights so far. Raises TrainingError where the checkpoint is damaged
    or of other parameters; nothing is changed then.
    """
    import torch
    from safetensors import SafetensorError

    try:
        saved = _read(checkpoint / "weights.safetensors")
        best = _read(checkpoint / "best.safetensors")
        moments = _read(checkpoint / "optimizer.safetensors")
        random = _read(checkpoint / "random.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise TrainingError("train.bad_checkpoint", path=str(checkpoint)) from error
    if {n: p.shape for n, p in weights.parameters.items()} != {
        n: w.shape for n, w in saved.items()
    }:
        raise TrainingError("train.bad_checkpoint", path=str(checkpoint))
    weights.put(saved)
    weights.good.copy_(weights.values.detach())
    # A fused AdamW keeps its step beside the parameter too.
    optimizer.state[weights.values] = {
        key: value.to(weights.values.device) for key, value in moments.items()
    }
    if _of(rank, "cpu") in random:
        torch.set_rng_state(random[_of(rank, "cpu")])
    if _of(rank, "cuda") in random and torch.cuda.is_available():
        torch.cuda.set_rng_state(random[_of(rank, "cuda")])
    return best


def forget(run_folder: Path) -> None:
    """Remove the checkpoints of a run that is done."""
    shutil.rmtree(run_folder / FOLDER, ignore_errors=True)


def _write(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, path)
    except SafetensorError as error:  # it wraps the system's errors in a type of its own
        raise OSError(str(error)) from error


def _read(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)
