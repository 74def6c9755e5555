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


def test_searching_first_fetches_no_kernels_for_bitsandbytes(tmp_path: Path) -> None:
    # sentence-transformers imports bitsandbytes, which asks a hub for kernels when it can.
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
assert "bitsandbytes" in sys.modules
assert not asked, asked
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
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
    from safetensors import safe_open
    from safetensors.torch import save_file

    tensors = {}
    for shard in folder.glob("*.safetensors"):
        with safe_open(shard, framework="pt") as file:
            tensors |= {name: file.get_tensor(name) for name in file.keys()}
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
