"""What a user met with real weights and broken files: one clear line, nothing lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lawui.errors import ModelError
from lawui.model import load

ROOT = Path(__file__).resolve().parents[1]


def command(home: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """`python -m lawui` as a user runs it."""
    return subprocess.run(
        [sys.executable, "-m", "lawui", "--home", str(home), "--offline", *arguments],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        **options,  # type: ignore[call-overload]
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the embedded model's folder, to be broken."""
    return Path(shutil.copytree(load.EMBEDDED_FOLDER, tmp_path / "model"))


def test_search_and_model_fetch_no_kernels_for_bitsandbytes(tmp_path: Path) -> None:
    # bitsandbytes asks a hub for kernels at its import when it can; search must not even load it.
    code = f"""
import importlib.machinery, sys, types
from pathlib import Path
asked = []
kernels = types.ModuleType("kernels")
kernels.__spec__ = importlib.machinery.ModuleSpec("kernels", None)
kernels.get_kernel = lambda *a, **k: asked.append(a)
sys.modules["kernels"] = kernels
from lawui.library import Library
Library(Path({str(tmp_path)!r}), None).search("届出", 1)
assert "bitsandbytes" not in sys.modules
from lawui.model.load import load
load()
assert "bitsandbytes" in sys.modules
assert not asked, asked
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert "Failed to load" not in done.stderr


def test_the_doctor_names_a_weight_file_that_is_cut_short(folder: Path, tmp_path: Path) -> None:
    shard = sorted(folder.glob("*.safetensors"))[0]
    shard.write_bytes(shard.read_bytes()[:100_000])
    done = command(tmp_path, "--model", str(folder), "doctor", "--json")
    assert done.returncode == 0
    assert f"{shard.name}" in done.stdout and "cannot be loaded" in done.stdout


def test_a_missing_shard_is_named(folder: Path) -> None:
    shard = sorted(folder.glob("*.safetensors"))[-1]
    shard.unlink()
    with pytest.raises(ModelError) as caught:
        load.choose(str(folder))
    assert shard.name in str(caught.value)


def test_weights_that_are_missing_are_never_drawn_at_random(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    tensors: dict[str, torch.Tensor] = {}
    for shard in folder.glob("*.safetensors"):
        tensors |= load_file(shard)
        shard.unlink()
    (folder / "model.safetensors.index.json").unlink()
    gone = next(name for name in tensors if "input_layernorm" in name)
    del tensors[gone]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError) as caught:
        load.load(str(folder))
    assert caught.value.key == "model.missing_weights"
    assert gone in str(caught.value)


def test_a_broken_model_is_one_line(folder: Path, tmp_path: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "qw', "utf-8")
    done = command(tmp_path, "--model", str(folder), "ask", "--id", "sample-000-0", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr


def adapter(folder: Path, *, values: float = 0.5, card: str | None = None) -> Path:
    """A tiny sound adapter folder; with `card` as the text of its lawui.json."""
    import json

    import numpy as np
    from safetensors.numpy import save_file

    from lawui.model import adapters

    folder.mkdir(parents=True, exist_ok=True)
    weights = {"base_model.model.q_proj.lora_A.weight": np.full((2, 4), values, np.float32)}
    save_file(weights, folder / adapters.WEIGHTS)
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
    (folder / adapters.CONFIG).write_text(json.dumps(config), "utf-8")
    if card is not None:
        (folder / adapters.CARD).write_text(card, "utf-8")
    return folder


@pytest.mark.parametrize(
    "card", ['{"trained_groups": 5}', '{"settings": null}', '{"created": 7}', "[1]", '{"base']
)
def test_a_card_of_odd_values_is_a_fault_and_hides_no_other_adapter(
    tmp_path: Path, card: str
) -> None:
    from lawui.model import adapters

    adapter(tmp_path / "odd", card=card)
    adapter(tmp_path / "sound")
    faults = {info.name: info.fault for info in adapters.list_adapters(tmp_path)}
    assert faults == {"odd": "adapter.bad_config", "sound": ""}


def test_weights_that_are_not_those_of_the_card_are_refused(tmp_path: Path) -> None:
    from lawui.model import adapters

    sha = adapters.read_adapter(adapter(tmp_path / "a")).weights_sha
    card = f'{{"weights_sha": "{sha}"}}'
    assert adapters.read_adapter(adapter(tmp_path / "a", card=card)).fault == ""
    changed = adapters.read_adapter(adapter(tmp_path / "a", values=0.25, card=card))
    assert changed.fault == "adapter.corrupt"
    # Answers are kept by this hash: it must be the file's own, whatever the card says.
    assert changed.weights_sha != sha


def test_a_file_cut_inside_a_letter_is_half_written_and_not_of_another_encoding(
    tmp_path: Path,
) -> None:
    from lawui.data import questions
    from lawui.errors import DataError

    path = tmp_path / "mine.json"
    path.write_bytes('{"samples": [\n{"問題文": "届出'.encode()[:-1])
    with pytest.raises(DataError) as caught:
        questions.read_questions(path, "mine")
    assert (caught.value.key, caught.value.params["line"]) == ("data.not_json", 2)
    path.write_bytes('{"samples": ["届出"]}'.encode("cp932"))
    with pytest.raises(DataError) as caught:
        questions.read_questions(path, "mine")
    assert caught.value.key == "data.not_utf8"


def test_training_on_a_model_that_is_not_here_leaves_no_run(tmp_path: Path) -> None:
    done = command(tmp_path, "train", "--train-set", "sample", "--model-name", "/no/such/model")
    assert done.returncode == 1 and "is not on this machine" in done.stderr
    assert not any((tmp_path / "adapters").glob("*"))
