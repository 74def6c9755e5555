from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import replace

import pytest

from lawui.errors import TrainingError
from lawui.training.config import (
    PRESETS,
    ConfigError,
    TrainConfig,
    add_arguments,
    budget_bytes,
    command_line,
    from_arguments,
    from_dict,
    from_values,
    kinds,
    mix,
    to_dict,
)
from lawui.types import EVIDENCES


def parse(words: list[str]) -> TrainConfig:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return from_arguments(parser.parse_args(words))


def test_small_norag_is_as_designed() -> None:
    preset = PRESETS["small-norag"]
    assert preset.model_name == "Qwen/Qwen1.5-1.8B-Chat"
    assert (preset.num_epochs, preset.batch_size, preset.gradient_accumulation_steps) == (1, 2, 2)
    assert (preset.learning_rate, preset.max_seq_length, preset.warmup_ratio) == (2e-4, 512, 0.03)
    assert (preset.lora_r, preset.lora_alpha, preset.lora_dropout) == (16, 32, 0.05)
    assert (preset.use_4bit, preset.bnb_4bit_quant_type) == (True, "nf4")
    assert (preset.bnb_4bit_compute_dtype, preset.max_steps_override) == ("bfloat16", 50)


def test_the_two_stages_of_a_real_base() -> None:
    first, second = PRESETS["reading"], PRESETS["law"]
    assert (first.train_set, first.max_seq_length) == ("reading", 2048)
    assert mix(first.evidence_mix) == {("given",): 0.5, ("distractors",): 0.5}
    assert not first.load_best_model_at_end and second.load_best_model_at_end
    assert (first.step_size, first.num_epochs, first.learning_rate) == (32, 1, 2e-4)
    assert (first.eval_steps, first.save_steps, first.max_steps_override) == (100, 100, 0)
    assert (second.train_set, second.start_from) == ("selection_randomized", "")
    assert (second.step_size, second.max_steps_override, second.learning_rate) == (8, 160, 1e-4)
    assert (second.warmup_ratio, second.lora_dropout, second.max_seq_length) == (0.05, 0.05, 2048)
    assert (second.eval_steps, second.early_stopping_patience) == (20, 2)
    assert mix(second.evidence_mix) == {EVIDENCES: 1.0}, "each item with every kind"
    for stage in (first, second):
        assert (stage.lora_r, stage.lora_alpha, stage.target_modules) == (16, 32, ("all-linear",))
        assert (stage.lr_scheduler_type, stage.model_name) == ("cosine", "")


def test_every_preset_may_start() -> None:
    for preset in (TrainConfig(), *PRESETS.values()):
        assert preset.faults() == []


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        from_values(
            "nonsense",
            lora_r="0",
            max_seq_length="1",
            learning_rate="abc",
            batch_size="2.5",
            target_modules="",
            evidence_mix="given,hearsay",
            memory_budget="a lot",
            colour="red",
            use_4bit="perhaps",
            lr_scheduler_type="stairs",
        )
    said = caught.value.text("en")
    for word in (
        "nonsense",
        "--lora-r",
        "--max-seq-length",
        "--learning-rate",
        "abc",
        "--batch-size",
        "hearsay",
        "a lot",
        "colour",
        "--use-4bit",
        "stairs",
    ):
        assert word in said, word
    assert len(caught.value.faults) == 10
    assert len(caught.value.text("ja").splitlines()) == 10
    assert isinstance(caught.value, TrainingError)


def test_patience_goes_with_keeping_the_best() -> None:
    for keeps in (True, False):
        config = TrainConfig(early_stopping_patience=2, load_best_model_at_end=keeps)
        faults = [fault.key for fault in config.faults()]
        assert faults == ([] if keeps else ["train.patience_keeps_best"])


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0", "1e999"])
def test_a_learning_rate_that_cannot_be_is_refused(value: str) -> None:
    with pytest.raises(ConfigError):
        from_values("", learning_rate=value)


def test_blank_text_keeps_the_preset_and_typed_values_pass() -> None:
    config = from_values("sample", learning_rate="", lora_r="8", seed=3, use_4bit="no")
    assert config == replace(PRESETS["sample"], lora_r=8, seed=3, use_4bit=False)


def test_targets_are_read_from_words_and_lists() -> None:
    assert from_values("", target_modules="q_proj, v_proj").target_modules == ("q_proj", "v_proj")
    assert parse(["--target-modules", "q_proj", "v_proj"]).target_modules == ("q_proj", "v_proj")


def test_flags_of_the_ancestor_are_read() -> None:
    words = (
        "--model-name m --train-file f --output-dir adapters/x --num-epochs 2 --batch-size 1 "
        "--learning-rate 1e-4 --max-seq-length 400 --gradient-accumulation-steps 4 "
        "--warmup-ratio 0.1 --weight-decay 0.01 --lora-r 8 --lora-alpha 16 --lora-dropout 0 "
        "--target-modules q_proj --no-use-4bit --bnb-4bit-compute-dtype float32 "
        "--bnb-4bit-quant-type fp4 --max-steps-override 5 --logging-steps 2 --save-steps 3 "
        "--eval-steps 4 --do-train --seed 1 --evidence-mix none=1,given=1 --memory-budget 10GB "
        "--nproc 1 --allow-seen --no-load-best-model-at-end"
    )
    config = parse(words.split())
    assert config.train_file == "f" and config.use_4bit is False and config.allow_seen is True
    assert (config.eval_steps, config.seed, config.memory_budget) == (4, 1, "10GB")
    assert config.load_best_model_at_end is False


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(),
        *PRESETS.values(),
        replace(PRESETS["sample"], seed=7, train_set="", use_4bit=False, allow_seen=True),
        replace(TrainConfig(), target_modules=("q_proj", "v_proj"), learning_rate=1.2345678e-05),
    ],
)
def test_the_command_shown_makes_the_same_run(config: TrainConfig) -> None:
    words = command_line(config)
    assert words[:4] == ["python", "-m", "lawui", "train"]
    assert parse(words[4:]) == config
    assert from_dict(to_dict(config)) == config


def test_mix_and_budget() -> None:
    assert mix("given") == {("given",): 1.0}
    assert mix("none=1, given=3") == {("none",): 0.25, ("given",): 0.75}
    assert mix("none + given + none") == {("none", "given"): 1.0}
    several = "none=1,retrieved+given=3,given=0"
    assert mix(several) == {("none",): 0.25, ("retrieved", "given"): 0.75}
    assert kinds(several) == ("none", "retrieved", "given")
    for wrong in ("", "given=0", "given=-1", "given=x", "given=nan", "given+", "none+hearsay"):
        with pytest.raises(TrainingError):
            mix(wrong)
    assert budget_bytes("10GB") == 10_000_000_000 == budget_bytes("10")
    assert budget_bytes("1.5 GiB") == 3 * 2**29
    assert budget_bytes("") == 0
    with pytest.raises(TrainingError):
        budget_bytes("0GB")


def test_the_page_s_part_loads_no_torch() -> None:
    code = (
        "import sys, lawui.training.runs, lawui.training.events, lawui.training.config;"
        "sys.exit(any(m in sys.modules for m in ('torch', 'transformers', 'peft', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
