from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lawui.errors import AdapterError
from lawui.model import adapters


def made(folder: Path, name: str = "good", **card: object) -> Path:
    """A sound adapter folder as a finished run leaves it."""
    path = folder / name
    path.mkdir(parents=True)
    config = {
        "peft_type": "LORA",
        "r": 8,
        "lora_alpha": 16,
        "target_modules": ["q_proj", "v_proj"],
        "base_model_name_or_path": "base",
    }
    (path / adapters.CONFIG).write_text(json.dumps(config), "utf-8")
    weights = {"base_model.model.x.lora_A.weight": np.zeros((8, 4), np.float32)}
    save_file(weights, path / adapters.WEIGHTS)
    adapters.write_card(
        path,
        **{
            "base_model": "lawui-embedded",
            "base_sha": "aaaa",
            "trained_groups": ["g2", "g1"],
            "prompt_sha": "pppp",
            "final_loss": 0.5,
            "trained_on": "sample",
            "settings": {"lora_r": 8},
            "licence": "Apache-2.0",
            "seed": 3,
            "split": {"g1": "train", "g2": "dev", "g3": "test"},
            "created": "2026-01-01T00:00:00+00:00",
            **card,
        },  # type: ignore[arg-type]
    )
    return path


def test_a_card_is_read_back(tmp_path: Path) -> None:
    made(tmp_path)
    (info,) = adapters.list_adapters(tmp_path, "aaaa")
    assert (info.name, info.rank, info.alpha, info.fault) == ("good", 8, 16.0, "")
    assert info.trained_groups == ("g1", "g2")
    assert info.targets == ("q_proj", "v_proj") and info.weights_sha
    card = (tmp_path / "good" / "README.md").read_text("utf-8")
    assert "Apache-2.0" in card and "library_name: peft" in card and "| lora_r | 8 |" in card


def test_what_an_adapter_was_begun_from_is_on_its_card(tmp_path: Path) -> None:
    begun = {"name": "reader", "weights_sha": "rrrr", "sets": ["reading"]}
    info = adapters.read_adapter(made(tmp_path, begun_from=begun))
    assert (info.begun_from, info.begun_sha) == ("reader", "rrrr")
    assert info.sets == ("reading", "sample")
    card = (tmp_path / "good" / "README.md").read_text("utf-8")
    assert "| begun from | reader (weights rrrr), which had learnt reading |" in card
    fresh = adapters.read_adapter(made(tmp_path, "fresh"))
    assert (fresh.begun_from, fresh.sets) == ("", ("sample",))
    assert "begun from" not in (tmp_path / "fresh" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("begun", ["reader", {"name": 3, "sets": 7}])
def test_a_card_that_tells_oddly_of_its_beginning_breaks_nothing(
    tmp_path: Path, begun: object
) -> None:
    path = made(tmp_path)
    card = json.loads((path / adapters.CARD).read_text("utf-8"))
    (path / adapters.CARD).write_text(json.dumps({**card, "begun_from": begun}), "utf-8")
    (info,) = adapters.list_adapters(tmp_path)
    assert (info.fault == "") == isinstance(begun, dict)


def test_an_alpha_need_not_be_whole(tmp_path: Path) -> None:
    config = made(tmp_path) / adapters.CONFIG
    values = {**json.loads(config.read_text("utf-8")), "lora_alpha": 12.5}
    config.write_text(json.dumps(values), "utf-8")
    assert adapters.read_adapter(config.parent).alpha == 12.5


def test_newest_first(tmp_path: Path) -> None:
    made(tmp_path, "old", created="2025-01-01")
    made(tmp_path, "new", created="2026-01-01")
    assert [info.name for info in adapters.list_adapters(tmp_path)] == ["new", "old"]


def test_an_unfinished_run_is_no_adapter(tmp_path: Path) -> None:
    path = made(tmp_path)
    (path / adapters.UNFINISHED).write_text("{}")
    assert adapters.list_adapters(tmp_path)
    (path / adapters.CARD).unlink()
    assert adapters.list_adapters(tmp_path) == []


def test_a_foreign_peft_folder_is_an_adapter_without_a_card(tmp_path: Path) -> None:
    path = made(tmp_path)
    (path / adapters.CARD).unlink()
    (info,) = adapters.list_adapters(tmp_path, "anything")
    assert info.fault == "" and info.base_model == "base" and info.trained_groups == ()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def pickled(path: Path) -> None:
    path.rename(path.with_name("adapter_model.bin"))


@pytest.mark.parametrize(
    ("file", "damage", "fault"),
    [
        (adapters.WEIGHTS, Path.unlink, "adapter.no_weights"),
        (adapters.WEIGHTS, truncate, "adapter.corrupt"),
        (adapters.WEIGHTS, lambda p: p.write_bytes(b""), "adapter.corrupt"),
        (adapters.WEIGHTS, pickled, "adapter.pickle"),
        (adapters.CONFIG, lambda p: p.write_text("{"), "adapter.bad_config"),
        (adapters.CONFIG, lambda p: p.write_text("[]"), "adapter.bad_config"),
        (adapters.CONFIG, lambda p: p.write_text('{"peft_type": "IA3"}'), "adapter.not_lora"),
        (adapters.CARD, lambda p: p.write_text("half {"), "adapter.bad_config"),
    ],
)
def test_a_broken_adapter_is_listed_with_its_fault_and_refused(
    tmp_path: Path, file: str, damage, fault: str
) -> None:
    path = made(tmp_path)
    damage(path / file)
    (info,) = adapters.list_adapters(tmp_path, "aaaa")
    assert info.fault == fault
    with pytest.raises(AdapterError) as caught:
        adapters.check(info)
    assert caught.value.key == fault
    assert "good" in caught.value.text("ja") and "good" in caught.value.text("en")


def test_an_adapter_of_another_base_is_marked(tmp_path: Path) -> None:
    made(tmp_path)
    (info,) = adapters.list_adapters(tmp_path, "bbbb")
    assert info.fault == "adapter.other_base"


@pytest.mark.parametrize("name", ["../up", "", ".hidden", "a/b", "base", "x" * 90, "a\x00b"])
def test_names_that_are_no_folder_are_refused(name: str) -> None:
    with pytest.raises(AdapterError):
        adapters.check_name(name)


def test_export_to_a_folder_and_to_a_zip(tmp_path: Path) -> None:
    path = made(tmp_path / "home")
    (path / "events.jsonl").write_text("private")
    info = adapters.read_adapter(path)
    folder = adapters.export(info, tmp_path / "out")
    assert {p.name for p in folder.iterdir()} == {
        adapters.CONFIG,
        adapters.WEIGHTS,
        adapters.CARD,
        "README.md",
    }
    archive = adapters.export(info, tmp_path / "out.zip")
    with zipfile.ZipFile(archive) as file:
        assert f"good/{adapters.WEIGHTS}" in file.namelist()
    with pytest.raises(AdapterError):
        adapters.export(info, tmp_path / "out")


def test_remove_takes_the_folder_and_nothing_else(tmp_path: Path) -> None:
    made(tmp_path, "one")
    made(tmp_path, "two")
    adapters.remove(adapters.read_adapter(tmp_path / "one"), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["two"]


def test_remove_does_not_follow_a_link(tmp_path: Path) -> None:
    outside = made(tmp_path / "outside")
    home = tmp_path / "home"
    home.mkdir()
    (home / "link").symlink_to(outside)
    with pytest.raises(AdapterError):
        adapters.remove(adapters.read_adapter(home / "link"), home)
    assert outside.exists()
    shutil.rmtree(outside)
