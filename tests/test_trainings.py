"""The lab's part of training: settings under a name, seeds, data of users, what is kept."""

from __future__ import annotations

import argparse
import json
import shlex
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from lawui import dataset
from lawui.data import questions as data
from lawui.data import reading
from lawui.data.headings import cited_articles, given_passages
from lawui.errors import AdapterError, LabError, TrainingError, UsageError
from lawui.lab import Lab, Settings
from lawui.model import adapters
from lawui.training.config import PRESETS, ConfigError, TrainConfig, add_arguments, typed
from lawui.training.runs import RunStore, read_run
from lawui.types import UNTOLD, AdapterInfo, Question


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
    assert list(again.train_presets()) == [*PRESETS, "小さな ランク"]
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
    assert list(lab.train_presets()) == [*PRESETS, "good"]
    path.write_text("{", "utf-8")
    assert list(lab.train_presets()) == [*PRESETS]


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


# -- going on from an adapter


def test_a_run_takes_the_shape_of_what_it_goes_on_from(lab: Lab) -> None:
    made = narrow(lab, "narrow")
    config = lab.train_config("sample", start_from=made.name)
    shape = (config.lora_r, config.lora_alpha, config.target_modules)
    assert shape == (3, 7.5, ("q_proj", "v_proj"))
    assert lab.train_shape(made.name) == {
        "lora_r": 3,
        "lora_alpha": 7.5,
        "target_modules": ("q_proj", "v_proj"),
    }
    assert lab.train_shape("") == {}
    assert lab.train_config("sample", start_from="sample-given").target_modules == ("all-linear",)
    command = shlex.split(lab.train_command(config))
    assert command[command.index("--start-from") + 1] == "narrow"
    again = parsed(command)
    assert lab.train_config(again.preset, **typed(again)) == config
    for given in ({"lora_r": "4"}, {"lora_alpha": "8"}, {"target_modules": "k_proj"}):
        with pytest.raises(TrainingError) as differs:
            lab.train_config("sample", start_from="narrow", **given)
        assert differs.value.key == "train.start_differs"
    for start, key in (("nobody", "train.no_start"), ("../x", "train.no_start")):
        with pytest.raises(TrainingError) as wrong:
            lab.train_config("sample", start_from=start)
        assert wrong.value.key == key
    lab.train_preset_save("further", config)
    assert lab.train_config("further") == config
    assert lab.train_config("further", start_from="-").start_from == ""


def parsed(command: list[str]) -> argparse.Namespace:
    """What `python -m lawui train` reads in a command line."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(command[4:])


def narrow(lab: Lab, name: str, **card: Any) -> AdapterInfo:
    """A sound adapter of another shape than the presets'; it knows its base by name alone."""
    folder = lab.home / "adapters" / name
    folder.mkdir(parents=True)
    weights = {"base_model.model.x.q_proj.lora_A.weight": np.ones((3, 4), np.float32)}
    save_file(weights, folder / adapters.WEIGHTS)
    config = {"peft_type": "LORA", "r": 3, "lora_alpha": 7.5}
    config["target_modules"] = ["v_proj", "q_proj"]
    (folder / adapters.CONFIG).write_text(json.dumps(config), "utf-8")
    told = {"base_model": "lawui-embedded", "trained_on": "sample", "created": "2026", **card}
    (folder / adapters.CARD).write_text(json.dumps(told), "utf-8")
    return adapters.read_adapter(folder)


def test_only_sound_adapters_of_the_base_are_offered_to_go_on_from(lab: Lab) -> None:
    narrow(lab, "mine")
    narrow(lab, "foreign", base_model="Qwen/Qwen1.5-1.8B-Chat")
    narrow(lab, "broken", weights_sha="0" * 16)
    shipped = {"sample-given", "sample-mixed"}
    for model_name in ("", "embedded", " embedded "):
        assert {a.name for a in lab.train_starts(model_name)} == {"mine", *shipped}
    assert lab.train_starts("no/such-model") == []
    lab.owner()  # whose hash is known now
    narrow(lab, "older", base_sha="0" * 16)
    assert {a.name for a in lab.train_starts()} == {"mine", *shipped}
    with pytest.raises(AdapterError) as other:
        lab.train_config("sample", start_from="older", lora_r="3", lora_alpha="7.5",
                         target_modules="q_proj,v_proj")  # fmt: skip
    assert other.value.key == "adapter.other_base"
    with pytest.raises(AdapterError):
        lab.train_config("sample", start_from="broken")


@pytest.mark.usefixtures("unstarted")
def test_a_run_that_goes_on_has_seen_what_the_first_saw(lab: Lab) -> None:
    given = lab.adapter("sample-given")
    run = lab.train(lab.train_config("sample", train_set="reading", start_from="sample-given"))
    laid = read_run(lab.home / "adapters" / run)
    assert set(given.trained_groups) < set(laid.seen_groups)
    assert laid.sets == ("sample", "reading")
    assert laid.begun and laid.begun.weights_sha == given.weights_sha
    copy = lab.home / "adapters" / run / "start.safetensors"
    assert copy.read_bytes() == (Path(given.path) / adapters.WEIGHTS).read_bytes()


@pytest.mark.usefixtures("unstarted")
def test_a_run_that_goes_on_from_what_tells_nothing_tells_nothing_either(lab: Lab) -> None:
    narrow(lab, "brought")
    run = lab.train(lab.train_config("sample", start_from="brought"))
    laid = read_run(lab.home / "adapters" / run)
    assert UNTOLD in laid.seen_groups and len(laid.seen_groups) > 1


def test_a_leak_through_the_first_adapter_is_said_before_the_run(lab: Lab) -> None:
    frozen = data.frozen_split()
    dev = [group for group, part in frozen.items() if part == "dev"]
    made = narrow(lab, "peeked", trained_groups=dev, split=dict.fromkeys(dev, "train"))
    config = lab.train_config("sample", start_from=made.name)
    for refused in (lab.training_data, lab.train_preview, lab.train):
        with pytest.raises(TrainingError) as leak:
            refused(config)
        assert (leak.value.key, leak.value.params["count"]) == ("train.start_saw", len(dev))
    assert lab.training_data(replace(config, allow_seen=True))
    looked = narrow(lab, "looked", trained_groups=dev, split=dict.fromkeys(dev, "dev"))
    assert lab.training_data(replace(config, start_from=looked.name)), "it learnt none of them"


# -- the reading exercises


def test_reading_is_learnt_but_for_some_of_what_is_held_out(lab: Lab) -> None:
    source = lab.training_data(lab.train_config("reading"))
    parts = Counter(source.split[q.group] for q in source.questions)
    assert set(parts) == {"train", "dev", "unused"} and parts["train"] > 13_000
    assert 160 <= parts["dev"] < 190
    dev = {group for group, part in source.split.items() if part == "dev"}
    assert dev < reading.held_out()
    assert not {g for g, part in source.split.items() if part == "train"} & reading.held_out()
    assert source.dataset_sha == reading.question_set().dataset_sha
    again = lab.training_data(lab.train_config("reading", lora_r="4"))
    other = lab.training_data(lab.train_config("reading", seed="1"))
    assert again.split == source.split != other.split


def test_a_short_run_is_made_of_no_more_than_it_reads(lab: Lab) -> None:
    """24 steps of 16: whole regulations until as many exercises are there, others for each seed."""
    whole = lab.training_data(lab.train_config("reading"))
    sizes = Counter(question.group for question in whole.questions)

    def learnt(seed: int) -> set[str]:
        config = lab.train_config("sample", train_set="reading", seed=str(seed))
        source = lab.training_data(config)
        found = {group for group, part in source.split.items() if part == "train"}
        assert 384 <= sum(sizes[group] for group in found) < 384 + max(sizes.values())
        assert source.spared == sum(
            sizes[group]
            for group, part in whole.split.items()
            if part == "train" and group not in found
        )
        return found

    first, second = learnt(0), learnt(1)
    assert first == learnt(0) and len(first & second) < len(first) / 4
    assert first | second < {group for group, part in whole.split.items() if part == "train"}
    assert whole.spared == 0
    two_steps = lab.train_config("sample", train_set="reading", max_steps_override="2")
    tried = lab.training_data(two_steps).split
    parts = Counter(tried[question.group] for question in whole.questions)
    most = max(sizes.values())
    assert 32 <= parts["train"] < 32 + most and 32 <= parts["dev"] < 32 + most


def test_no_exercise_that_shares_text_with_a_scored_question_is_learnt(lab: Lab) -> None:
    """Nor one of what is held out that shares text with what is learnt."""
    source = lab.training_data(lab.train_config("reading"))
    of: dict[str, list[Question]] = {}
    for question in source.questions:
        of.setdefault(source.split[question.group], []).append(question)
    sample = lab.questions("sample").questions
    assert data.overlapping(sample, of["unused"]), "what the guard is for"
    assert not data.overlapping(sample, of["train"] + of["dev"])
    assert not data.overlapping(of["dev"], of["train"])


def test_reading_is_shown_with_its_own_text_and_nothing_else(lab: Lab) -> None:
    for mix in ("none", "retrieved", "none=1,given=1"):
        config = lab.train_config("sample", train_set="reading", evidence_mix=mix)
        with pytest.raises(UsageError) as refused:
            lab.training_data(config)
        assert refused.value.key == "usage.reading_evidence"
    for mix in ("given=3", "given=1,none=0", "given=1,distractors=1"):
        lab.training_data(lab.train_config("sample", train_set="reading", evidence_mix=mix))


def test_many_who_look_at_the_exercises_at_once_have_them_read_once(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preset fills in many fields, and each of them asks for a look: under one interpreter
    lock five readers took ten times as long as one."""
    read: list[int] = []

    def slow(folder: Path) -> list[tuple[str, str]]:
        read.append(1)
        time.sleep(0.3)
        return few

    few = list(reading._files(reading.FOLDER))[:1]
    monkeypatch.setattr(reading, "_files", slow)
    reading.question_set.cache_clear()
    try:
        config = lab.train_config("reading")
        with ThreadPoolExecutor(5) as pool:
            found = list(pool.map(lambda _: lab.training_data(config), range(5)))
        assert len(read) == 1 and all(one == found[0] for one in found)
    finally:
        reading.question_set.cache_clear()


def test_exercises_stand_among_others_to_learn_from(lab: Lab) -> None:
    """Never beside a text that is held out; about half of them, each alike in all questions."""
    config = replace(lab.train_config("reading"), max_steps_override=20)
    source = lab.training_data(config)
    own: dict[str, set[str]] = {}
    learnt: set[str] = set()
    for question in source.questions:
        texts = {passage.text for passage in given_passages(question)}
        own[question.source] = texts
        if source.split[question.group] == "train":
            learnt |= texts
    shown: dict[str, set[tuple[str, frozenset[str]]]] = {}
    for row in lab._rows(config, source):
        texts = frozenset(passage.text for passage in row.passages)
        mine = own[row.question.source]
        assert mine <= texts and texts - mine <= learnt
        assert bool(texts - mine) == (row.evidence == "distractors")
        if row.split == "train":
            shown.setdefault(row.question.source, set()).add((row.evidence, texts))
    assert all(len(ways) == 1 for ways in shown.values())
    kinds = Counter(kind for ways in shown.values() for kind, _ in ways)
    assert 0.3 < kinds["distractors"] / len(shown) < 0.7


def test_distractors_of_a_set_are_found_by_search(lab: Lab) -> None:
    config = lab.train_config("sample", evidence_mix="distractors", max_steps_override="2")
    row = next(row for row in lab._rows(config, lab.training_data(config)) if row.split == "train")
    own = {passage.text for passage in given_passages(row.question)}
    others = [passage for passage in row.passages if passage.text not in own]
    assert 1 <= len(others) <= 4 and own < {passage.text for passage in row.passages}
    assert not {(p.law, p.article) for p in others} & cited_articles(row.question)


def test_reading_is_no_set_to_ask_or_score(lab: Lab) -> None:
    assert reading.NAME not in {s["name"] for s in lab.sets()}
    for refused in (
        lambda: lab.questions("reading"),
        lambda: lab.score_start("reading", ["given"]),
    ):
        with pytest.raises(UsageError) as found:
            refused()
        assert found.value.key == "data.only_to_train"


def test_a_preview_of_reading_counts_all_of_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reading.question_set()
    held = [q for q in whole.questions if q.group in reading.held_out()]
    few = replace(whole, questions=tuple([*whole.questions[:60], *held]))
    monkeypatch.setattr(reading, "question_set", lambda: few)
    monkeypatch.setattr(dataset, "_entangled", lambda scored: frozenset())
    shown = lab.train_preview(lab.train_config("sample", train_set="reading"))
    assert shown["train_rows"] == sum(q.group not in reading.held_out() for q in few.questions)
    assert 160 <= shown["dev_rows"] < 190 and shown["evidence"] == {"given": shown["train_rows"]}
    assert (
        sum(n for _, n in shown["histogram"])
        == shown["train_rows"]
        == sum(shown["letters"].values())
    )
    assert not shown["dropped"] and shown["examples"][0]["source"].startswith("reading:")
