"""What only CUDA does: recorded passes and the flash kernel give what steps on slices give."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lawui.bench import shapes
from lawui.model.adapters import read_adapter
from lawui.model.engine import Engine
from lawui.model.letters import TOLERANCE, letter_probabilities

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"),
]


def test_recorded_passes_give_what_steps_give(tmp_path: Path) -> None:
    engine = Engine(shapes.base("embedded"), fused=False)
    assert (engine.attention, engine.graphs) == ("varlen", True)
    names = ("one", "two")
    loras = [
        engine.read_adapter(read_adapter(shapes.adapter("embedded", tmp_path / name, seed)))
        for seed, name in enumerate(names)
    ]
    asked = [p.token_ids for p in shapes.questions(6)]
    for at in range(0, len(asked), 4):  # an item in four orders, then in one, by turns
        for rows in (asked[at : at + 4], asked[at : at + 1]):
            for lora in (None, *loras):
                owners = [lora] * len(rows)
                recorded = letter_probabilities(engine, rows, owners).probs
                graphs, engine._graphs = engine._graphs, None
                steps = letter_probabilities(engine, rows, owners).probs
                engine._graphs = graphs
                for a, b in zip(recorded, steps, strict=True):
                    assert a == pytest.approx(b, abs=TOLERANCE["bfloat16"])
    assert engine.graphs


def test_the_flash_kernel_gives_what_slices_give() -> None:
    engine = Engine(shapes.base("embedded"), fused=False)
    engine._graphs = None
    asked = [p.token_ids for p in shapes.questions(5)]
    flash = letter_probabilities(engine, asked).probs
    engine.attention = "slices"
    for a, b in zip(flash, letter_probabilities(engine, asked).probs, strict=True):
        assert a == pytest.approx(b, abs=TOLERANCE["bfloat16"])
