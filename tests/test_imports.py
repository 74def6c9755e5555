"""One direction: types, errors <- rooms <- lab <- {ui, command line} <- app.py."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("data", "retrieval", "model", "training", "scoring")
COMMON = {"lawui", "lawui.types", "lawui.errors", "lawui.messages"}
# The only doors between rooms. Training chooses by its memory budget whether to unpack the base.
ALLOWED = {
    "training": (
        "lawui.model.load",
        "lawui.model.prompts",
        "lawui.model.adapters",
        "lawui.model.dequantize",
        "lawui.data",
    ),
    "scoring": ("lawui.model.load", "lawui.model.prompts", "lawui.model.adapters", "lawui.data"),
}
# The recipe of the embedded model asks the real prompt and reads the real questions.
RECIPES = {"model": ("lawui.data",)}
HEAVY = ("torch", "transformers", "peft", "chromadb", "gradio", "scipy", "bitsandbytes")


def modules(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.py"))


def imported(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Names of the modules that a file imports; `from a import b` counts as a and a.b."""
    tree = ast.parse(path.read_text("utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_itself_and_what_it_may(room: str) -> None:
    for path in modules(ROOT / "lawui" / room):
        doors = ALLOWED.get(room, ())
        if path.parent.name == "embedded":
            doors = (*doors, *RECIPES.get(room, ()))
        for name in imported(path):
            if not name.startswith("lawui"):
                continue
            inside = name.startswith(f"lawui.{room}")
            common = name in COMMON or name.rsplit(".", 1)[0] in COMMON
            rooms = name.split(".")[1:2]
            foreign = bool(rooms) and rooms[0] in (
                *ROOMS,
                "lab",
                "ui",
                "library",
                "scorer",
                "sharing",
                "served",
                "bench",
            )
            allowed = any(name == d or name.startswith(d + ".") for d in doors) or (
                # `from lawui.model import load` names the parent of a door too
                any(d.startswith(name + ".") for d in doors)
            )
            assert inside or allowed or (common and not foreign), f"{path} imports {name}"


def test_gradio_is_imported_in_the_page_alone() -> None:
    for path in modules(ROOT / "lawui"):
        if path.is_relative_to(ROOT / "lawui" / "ui"):
            continue
        names = {name.split(".")[0] for name in imported(path)}
        assert "gradio" not in names, path


def test_the_page_talks_to_the_lab_and_to_no_room() -> None:
    for path in modules(ROOT / "lawui" / "ui"):
        for name in imported(path):
            parts = name.split(".")
            if parts[0] == "lawui" and len(parts) > 1:
                assert parts[1] not in ROOMS, f"{path} imports {name}"


def test_the_command_line_loads_nothing_heavy() -> None:
    code = f"import sys, lawui.__main__\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_no_pickle_is_ever_read_or_written() -> None:
    for path in modules(ROOT / "lawui"):
        text = path.read_text("utf-8")
        for word in ("torch.load(", "torch.save(", "import pickle", "allow_pickle=True"):
            assert word not in text, f"{path}: {word}"
        assert "trust_remote_code=True" not in text, path


def test_every_error_that_is_raised_has_its_sentence() -> None:
    from lawui.messages import MESSAGES

    raised = re.compile(r'Error\(\s*"([a-z]+\.[a-z_.]+)"')
    for path in modules(ROOT / "lawui"):
        for key in raised.findall(path.read_text("utf-8")):
            assert key in MESSAGES, f"{path}: {key}"


def test_only_the_command_line_measures() -> None:
    for path in modules(ROOT / "lawui"):
        if path.name == "__main__.py" or path.is_relative_to(ROOT / "lawui" / "bench"):
            continue
        assert not any(name.startswith("lawui.bench") for name in imported(path)), path
