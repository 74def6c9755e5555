"""What only CUDA does: the flash kernel, recorded steps that equal launched ones, a budget kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from lawui.__main__ import main
from lawui.bench.train import Task, base, items
from lawui.training import batches, kernels, layout, planner
from lawui.training.config import TrainConfig
from lawui.training.engine import Engine, Reading, Shapes, most_recorded
from lawui.training.events import EventReader, EventWriter
from lawui.training.loop import Trainer
from lawui.training.lora import lighten
from lawui.training.runs import RunFile
from lawui.training.weights import Weights

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"),
]
TASK = Task("embedded", 12, 4, 200, False, 0.1, 0, "")


def trained(
    graphs: bool, poisoned: int = -1, *, flash: bool = True
) -> tuple[list[Reading], torch.Tensor, Engine]:
    """Twelve steps on two shapes; at step `poisoned` an embedding is not a number."""
    from peft import LoraConfig, get_peft_model

    from lawui.model.dequantize import dequantize

    loaded = base(TASK)
    dequantize(loaded.model)
    if flash:
        assert kernels.choose(loaded).flash
    torch.manual_seed(0)
    model: Any = get_peft_model(
        loaded.model,
        LoraConfig(r=8, lora_dropout=0.1, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    lighten(model)
    model.train()
    weights = Weights({n: p for n, p in model.named_parameters() if p.requires_grad})
    engine = Engine(loaded.model, weights, weight_decay=0.0, max_grad_norm=1.0, graphs=graphs)
    given = items(TASK, 6144)
    parts = [given[i : i + 4] for i in range(0, len(given), 4)]
    sizes = [layout.shape(part, 2048, flash) for part in parts]
    fit = Shapes(sizes * 5, most_recorded(loaded.model))
    norm = loaded.model.get_decoder().norm.weight  # type: ignore[union-attr,operator]
    torch.cuda.manual_seed(1)
    readings: list[Reading] = []
    for step, part in enumerate(parts):
        value = float("nan") if step == poisoned else 1.0
        with torch.no_grad():
            norm.fill_(value)
        batch = layout.collate(part, 0, 2048, fit, 0.125, flash).to("cuda")
        engine.step([batch], 1e-3)
        readings += engine.readings()
    readings += engine.readings(wait=True)
    return readings, weights.values.detach().clone(), engine


def test_recorded_steps_are_launched_ones() -> None:
    plain, weights, _ = trained(graphs=False)
    recorded, others, engine = trained(graphs=True)
    assert engine.shapes >= 1 and len(plain) == len(recorded) == 12
    assert [r.loss for r in recorded] == pytest.approx([r.loss for r in plain], rel=2e-2)
    assert float((weights - others).norm() / weights.norm()) < 2e-2


def test_the_flash_kernel_learns_what_a_mask_does() -> None:
    masked, weights, _ = trained(graphs=False, flash=False)
    flash, others, engine = trained(graphs=True)
    assert engine.shapes >= 1
    assert [r.loss for r in flash] == pytest.approx([r.loss for r in masked], rel=2e-2)
    assert float((weights - others).norm() / weights.norm()) < 5e-2


def test_a_step_that_is_not_finite_is_skipped_on_the_device() -> None:
    readings, weights, engine = trained(graphs=True, poisoned=9)
    assert [n for n, r in enumerate(readings) if r.loss != r.loss] == [9]
    assert bool(weights.isfinite().all())
    assert int(engine.optimizer.state_dict()["state"][0]["step"]) == 11


def test_attention_with_a_wrong_gradient_is_not_used() -> None:
    torch.backends.cuda.enable_cudnn_sdp(True)
    trained(graphs=False)
    assert not torch.backends.cuda.cudnn_sdp_enabled()


def test_the_budget_is_a_limit(tmp_path: Path) -> None:
    planner.keep("cuda", 2 * 10**9)
    try:
        with pytest.raises(torch.OutOfMemoryError):
            torch.empty(3 * 10**9, dtype=torch.uint8, device="cuda")
    finally:
        planner.keep("cuda", 0)
    costs = planner.Costs.of(base(TASK).model, TrainConfig(), 10**9, 0)
    assert costs.needed(planner.make_plan(costs, [200], 4, 512, 0), 200) > 10**9


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two cards")
def test_two_cards_give_the_curve_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--set", "sample", "--steps", "12", "--sequences", "16", "--json"]
    common = ["--home", str(tmp_path), "--model", "embedded", "--offline"]
    assert main([*common, "bench", "parallel", *words]) == 0
    alone, both = json.loads(capsys.readouterr()[0])["runs"]
    assert (alone["processes"], both["processes"]) == (1, 2)
    assert both["most_loss_difference"] < 0.03  # bfloat16 in other parts


def test_one_base_trains_again_and_again_with_recorded_steps(tmp_path: Path) -> None:
    """What is recorded for one adapter is gone with it, and the next learns the same."""
    given = items(TASK, 6144)
    loaded = base(TASK)
    settings = TrainConfig(
        batch_size=4,
        gradient_accumulation_steps=1,
        max_steps_override=12,
        lora_dropout=0.0,
        eval_steps=0,
        save_steps=0,
    )
    run = RunFile(settings, {}, "random", "", {}, (), "", "")
    encoded = (batches.Encoded(tuple(given), 0, ()), batches.Encoded((), 0, ()))
    curves = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        log = EventWriter(folder / "events.jsonl")
        trainer = Trainer(
            folder, run, (), loaded, log, lambda: False, encode=lambda length: encoded
        )
        trainer.train()
        assert trainer.recording["shapes"] > 0
        trainer.detach()
        events = EventReader(folder / "events.jsonl").read()
        curves.append([e.loss for e in events if e.kind == "log" and e.loss is not None])
    assert curves[0] == pytest.approx(curves[1], rel=1e-2)
