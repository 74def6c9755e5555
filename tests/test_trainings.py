"""The lab's part of training: settings under a name, seeds, data of users, what is kept."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lawui import dataset
from lawui.data import questions as data
from lawui.data.headings import cited_articles
from lawui.errors import LabError, UsageError
from lawui.lab import Lab, Settings
from lawui.model import adapters
from lawui.training.config import ConfigError, TrainConfig
from lawui.training.runs import RunStore


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.delenv("LAWUI_DATA", raising=False)
    made = Lab(Settings(home=tmp_path, model="embedded", offline=True))
    yield made
    made.close()


@pytest.fixture
def unstarted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are laid down and not started."""
    monkeypatch.setattr(RunStore, "start", lambda self, run: None)


def line(number: int, output: str, **more: object) -> str:
    text = f"""{number}番の札は何色か。

a 赤い札
b 青い札
c 黄色い札
d 緑の札"""
    return json.dumps({"input": text, "output": output, "meta": {"id": f"card-{number}"}, **more})


def test_a_preset_is_kept_used_replaced_and_forgotten(lab: Lab, tmp_path: Path) -> None:
    config = lab.train_config("sample", lora_r="4", output_dir="mine")
    assert lab.train_preset_save("  小さな  ランク ", config) == "小さな ランク"
    again = Lab(Settings(home=tmp_path, model="embedded", offline=True))
    kept = again.train_config("小さな ランク", max_steps_override="7")
    assert (kept.lora_r, kept.max_steps_override, kept.learning_rate) == (4, 7, 7e-4)
    assert kept.output_dir == "", "a name belongs to one run"
    assert list(again.train_presets()) == ["small-norag", "sample", "小さな ランク"]
    lab.train_preset_save("小さな ランク", lab.train_config("sample", lora_r="8"))
    assert again.train_config("小さな ランク").lora_r == 8
    lab.train_preset_remove("小さな ランク")
    for name in ("小さな ランク", "nobody"):
        with pytest.raises(ConfigError):
            again.train_config(name)
    for name in ("", "sample", "x" * 61, "-x"):
        with pytest.raises(UsageError):
            lab.train_preset_save(name, config)
    with pytest.raises(UsageError):
        lab.train_preset_remove("sample")


def test_a_damaged_presets_file_hides_no_built_in_one(lab: Lab, tmp_path: Path) -> None:
    lab.train_preset_save("good", lab.train_config("sample"))
    path = tmp_path / ".lawui" / "presets.json"
    kept = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**kept, "odd": {"lora_r": -1}, "odder": 5}), "utf-8")
    assert list(lab.train_presets()) == ["small-norag", "sample", "good"]
    path.write_text("{", "utf-8")
    assert list(lab.train_presets()) == ["small-norag", "sample"]


@pytest.mark.usefixtures("unstarted")
def test_three_seeds_are_three_runs_that_differ_in_nothing_else(lab: Lab) -> None:
    runs = lab.train_seeds(lab.train_config("sample", output_dir="try", seed="5"))
    assert runs == ["try-seed5", "try-seed6", "try-seed7"]
    settings = [lab.train_settings(run) for run in runs]
    assert [s.seed for s in settings] == [5, 6, 7]
    assert len({s.learning_rate for s in settings}) == 1
    lab.train_remove(runs[0])
    assert [r.run for r in lab.train_runs()] == runs[:0:-1]


def test_no_article_is_asked_that_was_learned(lab: Lab) -> None:
    sample = lab.questions("sample")
    split = dataset.from_set(sample, 0, False, articles=True).split
    frozen = data.frozen_split()
    assert all(split[g] in (frozen[g], "unused") for g in split)
    assert {"train", "test"} <= set(split.values())
    seen: dict[object, set[str]] = {}
    for question in sample.questions:
        for article in cited_articles(question):
            seen.setdefault(article, set()).add(split[question.group])
    assert seen and all(len(parts - {"unused"}) <= 1 for parts in seen.values())
    joined = dataset._split(sample.questions, 0, articles=True)
    clusters = dataset.by_article(sample.questions)
    assert all(joined[group] == joined[cluster] for group, cluster in clusters.items())
    assert lab.train_config("sample", split="article").split == "article"
    with pytest.raises(ConfigError):
        lab.train_config("sample", split="chapter")


@pytest.mark.usefixtures("unstarted")
def test_rows_in_prose_are_mapped_or_refused_and_counted(lab: Lab, tmp_path: Path) -> None:
    outputs = ["a", "正解はbです。", "答え: c", "aかbのどちらか", "わからない", '{"answer": "d"}']
    rows = [line(i, output) for i, output in enumerate(outputs)]
    rows.append(json.dumps({"input": "選択肢のない文", "output": "a", "meta": {}}))
    rows.append(line(9, "a").replace('"a"', "NaN"))
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(rows) + "\n", "utf-8")
    config = lab.train_config("sample", train_file=str(path), train_set="-", evidence_mix="none")
    source = lab.training_data(config)
    assert [q.gold for q in source.questions] == ["a", "b", "c", "d"]
    assert source.skipped == 4
    shown = lab.train_preview(config)
    assert shown["skipped"] == 4 and shown["letters"] and shown["histogram"]
    run = lab.train(config)
    assert json.loads((tmp_path / "adapters" / run / "run.json").read_text())["skipped"] == 4


def test_a_file_changed_in_mid_run_changes_nothing(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(line(i, "abcd"[i % 4]) for i in range(12)), "utf-8")
    settings = {"max_steps_override": "3", "batch_size": "4", "evidence_mix": "none"}
    config = lab.train_config("sample", train_file=str(path), train_set="-", **settings)
    run = lab.train(config)
    path.write_text("{ no longer a question", "utf-8")
    status = lab.train_wait(run, timeout=240)
    assert (status.state, status.step, status.adapter) == ("done", 3, run), status
    archive = lab.adapter_export(run, tmp_path / "taken.zip")
    names = set(zipfile.ZipFile(archive).namelist())
    assert {f"{run}/README.md", f"{run}/adapter_model.safetensors"} <= names
    assert lab.train_log(run).read_text("utf-8").count("\n") >= 5
    with pytest.raises(LabError):
        lab.training_data(config)
    lab.train_remove(run)
    assert run not in {info.name for info in lab.adapters()}


def test_the_card_takes_in_how_the_adapter_was_scored(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    folder = tmp_path / "mine"
    folder.mkdir()
    weights = {"base_model.model.q_proj.lora_A.weight": np.ones((2, 4), np.float32)}
    save_file(weights, folder / adapters.WEIGHTS)
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
    (folder / adapters.CONFIG).write_text(json.dumps(config), "utf-8")
    adapters.write_card(
        folder,
        base_model="some-base",
        base_sha="b" * 16,
        trained_groups=["g1"],
        prompt_sha="p" * 16,
        final_loss=0.5,
        trained_on="sample",
        settings={"lora_r": 2, "dataset_sha": "d" * 64},
        licence="Apache-2.0",
        seed=3,
        split={"g1": "train", "g2": "test"},
        created="2026-11-25T00:00:00+00:00",
        tables={
            "evals": [{"step": 8, "eval_loss": 0.9, "eval_accuracy": 0.5, "low": 0.3, "high": 0.7}],
            "losses": [[step, 1.0 / step] for step in range(1, 101)],
            "kept_step": 8,
            "skipped": 1,
        },
    )
    card = (folder / "README.md").read_text("utf-8")
    for fact in ("some-base", "b" * 16, "Apache-2.0", "d" * 64, "test 1, train 1", "Not scored"):
        assert fact in card, fact
    assert "| 8 | 0.9 | 0.5 | 30.0 % to 70.0 % |" in card and "| 100 | 0.01 |" in card
    assert card.count("\n") < 100, "a long curve is thinned"
    tests = [{"set": "sample_test", "evidence": "given", "total": 240, "accuracy": 0.41,
              "low": 0.3, "high": 0.5, "accuracy_unseen": 0.4}]  # fmt: skip
    info = adapters.read_adapter(folder)
    adapters.export(info, tmp_path / "out.zip", tests)
    told = zipfile.ZipFile(tmp_path / "out.zip").read("mine/README.md").decode()
    assert "| sample_test | given | 240 | 41.0 % | 30.0 % to 50.0 % | 40.0 % |" in told
    assert "Not scored" not in told and adapters.read_adapter(folder).fault == ""


def test_settings_that_cannot_be_are_refused_all_at_once(lab: Lab) -> None:
    with pytest.raises(ConfigError) as caught:
        lab.train_config("sample", lora_r="0", max_seq_length="1", learning_rate="abc")
    assert len(caught.value.faults) == 3
    assert lab.train_runs() == [] and isinstance(lab.train_config("sample"), TrainConfig)
