"""The mean of adapters: what it adds, what it says of itself, what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from lawui.errors import AdapterError
from lawui.model import adapters
from lawui.model.averaging import average
from lawui.types import UNTOLD, AdapterInfo

SHIPPED = Path(__file__).resolve().parents[2] / "adapters"


def shipped() -> list[AdapterInfo]:
    return [adapters.read_adapter(SHIPPED / name) for name in ("sample-given", "sample-mixed")]


def made(folder: Path, name: str, rank: int, alpha: float, seed: int) -> AdapterInfo:
    """An adapter of one layer, four wide, with a card."""
    path = folder / name
    path.mkdir()
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "target_modules": ["q_proj"]}
    (path / adapters.CONFIG).write_text(json.dumps(config), "utf-8")
    draw = torch.Generator().manual_seed(seed)
    halves = {"A": (rank, 4), "B": (3, rank)}
    weights = {f"q.lora_{h}.weight": torch.randn(s, generator=draw) for h, s in halves.items()}
    save_file(weights, path / adapters.WEIGHTS)
    adapters.write_card(
        path,
        base_model="b",
        base_sha="s",
        prompt_sha="p",
        licence="MIT",
        trained_groups=[name, "both"],
        final_loss=float(seed),
        trained_on="reading",
        settings={"lora_r": rank, "seed": seed},
        seed=seed,
        split={name: "train", "both": "dev" if seed else "train"},
        created="2026-01-01T00:00:00+00:00",
    )
    return adapters.read_adapter(path)


def added(info: AdapterInfo) -> torch.Tensor:
    """What it adds to the weights of the layer: alpha over rank times B·A."""
    found = load_file(Path(info.path) / adapters.WEIGHTS)
    return info.alpha / info.rank * found["q.lora_B.weight"] @ found["q.lora_A.weight"]


def test_it_adds_the_mean_of_what_they_add_whatever_their_ranks(tmp_path: Path) -> None:
    three = [made(tmp_path, f"m{n}", n + 1, 4.0 * (n + 2), n) for n in range(3)]
    mean = average(three, tmp_path / "mean")
    assert (mean.name, mean.rank, mean.fault) == ("mean", 6, "")
    torch.testing.assert_close(added(mean), sum(map(added, three)) / 3)


def test_its_card_says_that_it_saw_what_any_of_them_saw(tmp_path: Path) -> None:
    two = [made(tmp_path, f"m{n}", 2, 4.0, n) for n in range(2)]
    mean = average(two, tmp_path / "mean")
    assert mean.trained_groups == ("both", "m0", "m1")
    assert adapters.learnt_groups(mean) == {"both", "m0", "m1"}, "learnt by one is learnt"
    assert (mean.sets, mean.final_loss, mean.settings["lora_r"]) == (("reading",), 0.5, 4)
    card = json.loads((tmp_path / "mean" / adapters.CARD).read_text("utf-8"))
    assert [one["name"] for one in card["average_of"]] == ["m0", "m1"]
    words = (tmp_path / "mean" / "README.md").read_text("utf-8")
    assert f"| mean of | m0 ({two[0].weights_sha}), m1 ({two[1].weights_sha}) |" in words


def test_nothing_is_known_of_a_mean_with_one_that_tells_nothing(tmp_path: Path) -> None:
    one = made(tmp_path, "one", 2, 4.0, 0)
    shutil.copytree(one.path, tmp_path / "bare")
    card = tmp_path / "bare" / adapters.CARD
    told = json.loads(card.read_text("utf-8")) | {"trained_groups": []}
    card.write_text(json.dumps(told), "utf-8")
    mean = average([one, adapters.read_adapter(tmp_path / "bare")], tmp_path / "mean")
    assert UNTOLD in mean.trained_groups and "one" in mean.trained_groups


def test_it_adds_to_every_layer_what_the_mean_that_peft_makes_adds(tmp_path: Path) -> None:
    from peft import PeftModel
    from peft.tuners.lora.layer import LoraLayer

    from lawui.model.load import load

    two = shipped()
    mean = average(two, tmp_path / "mean")
    model = PeftModel.from_pretrained(load().model, two[0].path, adapter_name="one")
    model.load_adapter(two[1].path, adapter_name="two")
    model.add_weighted_adapter(["one", "two"], [0.5, 0.5], "theirs", combination_type="cat")
    model.load_adapter(mean.path, adapter_name="ours")
    layers: list[Any] = [part for part in model.modules() if isinstance(part, LoraLayer)]
    assert layers
    for layer in layers:
        ours, theirs = (layer.get_delta_weight(name).float() for name in ("ours", "theirs"))
        # PEFT keeps the halves of its own in bfloat16.
        torch.testing.assert_close(ours, theirs, rtol=0.02, atol=0.01 * float(ours.abs().max()))


def test_what_has_no_mean_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    one = made(tmp_path, "one", 2, 4.0, 0)
    made(tmp_path, "other", 2, 4.0, 1)
    card = tmp_path / "other" / adapters.CARD
    told = json.loads(card.read_text("utf-8"))
    card.write_text(json.dumps(told | {"base_sha": "another"}), "utf-8")
    away = adapters.read_adapter(tmp_path / "other")
    (tmp_path / "torn").mkdir()
    shutil.copy(tmp_path / "one" / adapters.CONFIG, tmp_path / "torn")
    torn = adapters.read_adapter(tmp_path / "torn")
    for infos, key in (
        ([one], "adapter.average_few"),
        ([one, away], "adapter.average_differs"),
        ([one, *shipped()], "adapter.average_differs"),
        ([one, torn], "adapter.no_weights"),
    ):
        with pytest.raises(AdapterError) as refused:
            average(infos, tmp_path / "mean")
        assert refused.value.key == key and not (tmp_path / "mean").exists()
