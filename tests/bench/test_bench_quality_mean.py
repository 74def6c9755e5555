"""The mean of adapters: what it adds to the base, and what has none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from lawui.bench.quality.mean import mean
from lawui.model import adapters
from lawui.types import AdapterInfo

SHIPPED = Path(__file__).resolve().parents[2] / "adapters"


def shipped() -> list[AdapterInfo]:
    return [adapters.read_adapter(SHIPPED / name) for name in ("sample-given", "sample-mixed")]


def test_it_adds_to_every_layer_what_the_mean_that_peft_makes_adds(tmp_path: Path) -> None:
    from peft import PeftModel
    from peft.tuners.lora.layer import LoraLayer

    from lawui.model.load import load

    two = shipped()
    found = mean(two, tmp_path / "mean")
    model = PeftModel.from_pretrained(load().model, two[0].path, adapter_name="one")
    model.load_adapter(two[1].path, adapter_name="two")
    model.add_weighted_adapter(["one", "two"], [0.5, 0.5], "theirs", combination_type="cat")
    model.load_adapter(found.path, adapter_name="ours")
    layers: list[Any] = [part for part in model.modules() if isinstance(part, LoraLayer)]
    assert layers
    for layer in layers:
        ours, theirs = (layer.get_delta_weight(name).float() for name in ("ours", "theirs"))
        # PEFT keeps the halves of its own in bfloat16.
        torch.testing.assert_close(ours, theirs, rtol=0.02, atol=0.01 * float(ours.abs().max()))


def test_it_is_a_sound_adapter_that_saw_what_its_members_saw(tmp_path: Path) -> None:
    two = shipped()
    found = mean(two, tmp_path / "mean")
    assert (found.name, found.fault, found.rank) == ("mean", "", 2 * two[0].rank)
    assert found.trained_groups == two[0].trained_groups and found.settings["lora_r"] == found.rank


def test_adapters_that_saw_other_questions_or_have_another_shape_have_none(
    tmp_path: Path,
) -> None:
    one = shipped()[0]
    for name in ("other", "wide"):
        shutil.copytree(one.path, tmp_path / name)
    card = tmp_path / "other" / adapters.CARD
    told = json.loads(card.read_text("utf-8")) | {"trained_groups": ["a group of its own"]}
    card.write_text(json.dumps(told), "utf-8")
    config = tmp_path / "wide" / adapters.CONFIG
    shape = json.loads(config.read_text("utf-8")) | {"r": 2 * one.rank}
    config.write_text(json.dumps(shape), "utf-8")
    for name in ("other", "wide"):
        with pytest.raises(ValueError, match="not of one base"):
            mean([one, adapters.read_adapter(tmp_path / name)], tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
