"""The facade on the embedded model and the sample, without a page and without a hub."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lawui import asks
from lawui.data import questions as data
from lawui.data import rows, statutes
from lawui.errors import AdapterError, DataError, LabError, ScoringError, UsageError
from lawui.lab import Lab, Settings
from lawui.messages import MESSAGES
from lawui.training.config import ConfigError, TrainConfig
from lawui.types import LETTERS, Answer, Question


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LAWUI_DATA", raising=False)
        made = Lab(Settings(home=tmp_path_factory.mktemp("home"), model="embedded", offline=True))
        yield made
        made.close()


# -- asking


def test_a_question_is_found_by_id_by_number_and_by_name(lab: Lab) -> None:
    question = lab.question("sample-003-0")
    assert question == lab.question("3", "sample") == lab.question(question.source, "sample")
    with pytest.raises(UsageError):
        lab.question("sample-999", "sample")
    with pytest.raises(UsageError):
        lab.questions("no-such-set")


@pytest.mark.parametrize("evidence", ["none", "retrieved", "given"])
def test_an_answer_has_four_probabilities_and_what_it_rests_on(lab: Lab, evidence: str) -> None:
    result = lab.ask(lab.question("sample-000-0"), evidence)
    assert sum(result.answer.probs) == pytest.approx(1, abs=1e-5)
    assert result.answer.evidence == evidence and result.answer.adapter == "base"
    assert bool(result.passages) == (evidence != "none")
    assert all(p.citation().startswith("灯浦市浮市条例第") for p in result.passages)


def test_all_orders_are_averaged_in_the_letters_of_the_question(lab: Lab) -> None:
    question = lab.question("sample-001-0")
    result = lab.ask(question, "given", all_orders=True)
    assert len(result.orders) == 4
    for i in range(4):
        mean = sum(order.probs[i] for order in result.orders) / 4
        assert result.answer.probs[i] == pytest.approx(mean)
    turned = replace(question, choices=(*question.choices[1:], question.choices[0]))
    single = lab.ask(turned, "given").answer
    # The second rotation asked exactly this; its a is the question's b.
    assert result.orders[1].probs == pytest.approx((single.probs[3], *single.probs[:3]), abs=0.01)


@pytest.mark.parametrize("by", range(4))
def test_turning_and_turning_back_is_the_identity(by: int) -> None:
    question = Question("q", "q", "g", 0, "", "s", ("w", "x", "y", "z"), "a")
    weight = {"w": 0.1, "x": 0.2, "y": 0.3, "z": 0.4}
    turned = asks._turn(question, by)
    probs = tuple(weight[c] for c in turned.choices)
    choice = LETTERS[max(range(4), key=probs.__getitem__)]
    answer = Answer("q", probs, choice, 1.0, "base", "none", "", 0.0)  # type: ignore[arg-type]
    back = asks._turn_back(answer, question, by)
    assert back.probs == (0.1, 0.2, 0.3, 0.4) and back.choice == "d"


def test_passages_that_a_user_changed_replace_those_found(lab: Lab) -> None:
    question = lab.question("sample-000-0")
    found = lab.passages(question, "given")
    changed = [replace(found[0], text=found[0].text + "ただし、この限りでない。", altered=True)]
    result = lab.ask(question, "given", passages=changed)
    assert [p.citation() for p in result.passages] == ["【改変した条文】"]
    assert lab.ask(question, "given", passages=[]).passages == ()


def test_passages_that_read_otherwise_today_are_marked_and_no_others(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(statutes.SAMPLE, data / "statutes", ignore=shutil.ignore_patterns("q*", "sp*"))
    first = statutes.sample_articles()[0]
    settings = Settings(home=tmp_path / "home", data=data, model="embedded", offline=True)
    made = Lab(settings)
    try:
        question = made.question("sample-000-0")
        assert not any(p.outdated for p in made.passages(question, "given"))
        article = made.given(question)[0].article
        note = {"law": first.law, "asof": first.asof, "today": "2026-11-03", "articles": [article]}
        (data / "statutes" / statutes.CHANGED).write_text(json.dumps({first.law_id: note}))
        found = made.search(question.query, 60)
        given = made.passages(question, "given")
        retrieved = made.passages(question, "retrieved")
    finally:
        made.close()
    for passage in (*found, *given, *retrieved):
        known = passage.article == article and not passage.supplementary
        assert (passage.outdated, passage.checked) == (known, "2026-11-03" if known else "")
    assert any(p.outdated for p in found) and given[0].outdated
    assert len({p.article for p in found}) > 3


def test_bad_questions_are_refused_in_words(lab: Lab) -> None:
    own = lab.own_question("期限はいつか。", ["一日", "二日", "三日", "四日"])
    assert own.gold == "" and lab.ask(own, "retrieved").passages
    with pytest.raises(UsageError) as caught:
        lab.own_question("期限はいつか。", ["一日", "二日", " ", "四日"])
    assert caught.value.key == "usage.four_choices"
    with pytest.raises(UsageError) as caught:
        lab.ask(own, "given")
    assert caught.value.key == "usage.no_given"
    with pytest.raises(UsageError) as caught:
        lab.ask(own, "oracle")
    assert caught.value.key == "usage.evidence"
    with pytest.raises(AdapterError) as unknown:
        lab.ask(own, "none", adapter="nobody")
    assert unknown.value.key == "adapter.unknown"


def test_a_context_of_30_000_characters_is_shortened_and_said(lab: Lab) -> None:
    long = replace(lab.question("sample-000-0"), given_context="文章である。" * 5000)
    result = lab.ask(long, "given")
    assert result.n_tokens <= lab.owner().loaded.max_length
    assert result.passages or result.dropped


# -- what it is made of


def test_doctor_names_the_keys_that_checks_read(lab: Lab) -> None:
    figures = lab.describe()
    keys = "model model_why licence device quantization data index embedder adapters versions"
    for key in (*keys.split(), "problems"):
        assert key in figures
    assert figures["problems"] == [] and figures["model_is_demo"] is True
    json.dumps(figures)


def test_every_message_is_there_in_both_languages_with_the_same_values() -> None:
    import string

    for key, (ja, en) in MESSAGES.items():
        names = [{f for _, f, _, _ in string.Formatter().parse(t) if f} for t in (ja, en)]
        assert ja and en and names[0] == names[1], key


def test_a_data_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        Lab(Settings(home=tmp_path, data=tmp_path / "nowhere"))


def test_a_half_written_set_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "selection.json").write_text('{"samples": [{"問題文"', "utf-8")
    broken = Lab(Settings(home=tmp_path, data=tmp_path, model="embedded"))
    assert any("selection.json" in problem for problem in broken.describe()["problems"])
    assert broken.questions("sample").questions


def test_the_demo_changes_nothing(tmp_path: Path) -> None:
    demo = Lab(Settings(home=tmp_path, model="embedded", demo=True))
    for forbidden in (
        lambda: demo.train(TrainConfig()),
        lambda: demo.adapter_remove("any"),
        demo.index_build,
        demo.fetch,
    ):
        with pytest.raises(UsageError) as caught:
            forbidden()
        assert caught.value.key == "usage.demo"


# -- scoring


def test_a_score_runs_in_the_background_and_is_summed_up(lab: Lab) -> None:
    first, second = lab.score_start("sample_test", ["none", "given"], limit=16)
    for run_id in (first, second):
        assert lab.score_wait(run_id).state == "done"
    figures = lab.score_summary(second)
    assert figures["total"] == 16 and 0 <= figures["accuracy"] <= 1
    right = sum(
        answer.choice == lab.question(qid, "sample_test").gold
        for qid, answer in lab._scorer.store.answers(second).items()
    )
    assert figures["correct"] == right
    compared = lab.compare(first, second)
    assert compared["n"] == 4
    assert sum(compared[k] for k in ("both", "only_a", "only_b", "neither")) == 4
    for kind in ("csv", "json", "html"):
        path = lab.score_export([first, second], kind)
        assert path.stat().st_size > 500 and path.is_relative_to(lab.home / ".lawui")
    again = Lab(lab.settings)  # as after a restart
    assert {run.id for run in again.score_runs()} >= {first, second}
    assert again.score_summary(second)["accuracy"] == figures["accuracy"]


def test_a_cancelled_score_is_resumed_without_asking_twice(lab: Lab) -> None:
    (run_id,) = lab.score_start("sample", ["given"])
    lab.score_cancel(run_id)
    stopped = lab.score_wait(run_id)
    assert stopped.state == "cancelled" and stopped.done < stopped.total
    lab.score_resume(run_id)
    assert lab.score_wait(run_id).done == stopped.total
    assert len(lab._scorer.store.answers(run_id)) == stopped.total


def test_scores_that_cannot_be_are_refused(lab: Lab) -> None:
    with pytest.raises(UsageError):
        lab.score_start("sample", ["given"], limit=0)
    with pytest.raises(UsageError):
        lab.score_start("sample", ["oracle"])
    with pytest.raises(AdapterError):
        lab.score_start("sample", ["given"], ["nobody"])
    with pytest.raises(ScoringError):
        lab.score_summary("no-such-run")
    with pytest.raises(LabError):
        lab.score_summary("../../etc")


# -- the leak guard


def test_the_test_questions_cannot_be_trained_on_by_mistake(lab: Lab) -> None:
    with pytest.raises(UsageError) as caught:
        lab.training_data(TrainConfig(train_set="sample_test"))
    assert caught.value.key == "usage.seen"
    whole = lab.training_data(TrainConfig(train_set="sample"))
    assert set(whole.split.values()) == {"train", "dev", "test"}
    insisted = lab.training_data(TrainConfig(train_set="sample_test", allow_seen=True))
    assert set(insisted.split.values()) == {"train"}


def test_who_insists_on_the_test_part_has_seen_the_exam_and_the_other_way_round(lab: Lab) -> None:
    exam = lab.questions("sample_exam")
    assert not lab.training_data(TrainConfig(train_set="sample")).also_seen
    with pytest.raises(UsageError) as caught:
        lab.training_data(TrainConfig(train_set="sample_exam"))
    assert caught.value.key == "usage.seen"
    insisted = lab.training_data(TrainConfig(train_set="sample_test", allow_seen=True))
    assert set(insisted.also_seen) <= {q.group for q in exam.questions}
    shared = [q for q in exam.questions if q.group in insisted.also_seen]
    assert len(shared) > len(exam.questions) / 2
    insisted = lab.training_data(TrainConfig(train_set="sample_exam", allow_seen=True))
    assert set(insisted.split.values()) == {"train"}
    frozen = data.frozen_split()
    assert insisted.also_seen and {frozen[group] for group in insisted.also_seen} == {"test"}


@pytest.mark.parametrize("name", ["sample_test", "sample_exam"])
@pytest.mark.parametrize("how", ["with-law", "bare", "in-the-stem"])
def test_every_test_question_is_known_with_its_text_or_without(
    lab: Lab, tmp_path: Path, name: str, how: str
) -> None:
    """People fine-tune on bare questions more often than not; the orders differ, too."""
    asked = [q for q in lab.questions(name).questions if q.order == 2]
    rows = [q if how == "with-law" else replace(q, given_context="") for q in asked]
    if how == "in-the-stem":
        rows = [replace(q, stem=f"{q.given_context}\n{q.stem}", given_context="") for q in asked]
    assert {q.group for q in asked} <= given_away(lab, tmp_path, rows)


def test_the_exam_is_answered_from_the_sample_ordinance(lab: Lab) -> None:
    question = lab.questions("sample_exam").questions[0]
    assert lab.question(question.id) == question
    found = lab.passages(question, "retrieved")
    assert found and {p.law for p in found} == {"灯浦市浮市条例"}


def written(tmp_path: Path, questions: list[dict[str, object]]) -> str:
    path = tmp_path / "mine.jsonl"
    lines = [json.dumps(q, ensure_ascii=False) for q in questions]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return str(path)


def as_row(question: Question, name: str) -> dict[str, object]:
    choices = "\n".join(f"{a} {c}" for a, c in zip(LETTERS, question.choices, strict=True))
    text = f"【条文】\n{question.given_context}\n\n【問題】\n{question.stem}\n\n{choices}"
    return {"input": text, "output": f"正解は{question.gold}です。", "meta": {"id": name}}


def given_away(lab: Lab, tmp_path: Path, asked: list[Question]) -> set[str]:
    """The groups that a file of these, which must be refused, is known to hold."""
    path = written(tmp_path, [as_row(q, f"my-{i}") for i, q in enumerate(asked)])
    with pytest.raises(UsageError) as caught:
        lab.training_data(TrainConfig(train_file=path))
    assert caught.value.key == "usage.seen"
    return set(lab.training_data(TrainConfig(train_file=path, allow_seen=True)).also_seen)


def test_a_file_that_holds_test_questions_under_other_names_is_refused(
    lab: Lab, tmp_path: Path
) -> None:
    test = [q for q in lab.questions("sample_test").questions if q.order == 0][:3]
    assert {q.group for q in test} <= given_away(lab, tmp_path, test)


def test_rows_of_one_s_own_are_read_and_the_unclear_ones_counted(lab: Lab, tmp_path: Path) -> None:
    own = [
        Question(
            "", "", "", 0, "", f"第{i}号議案の可決に要する賛成の割合はどれか。",
            (f"過半数{i}", f"三分の二{i}", f"四分の三{i}", f"全員{i}"), "b",
            f"別の規程第{i}条の議案その{i}は、出席した構成員の三分の二以上の賛成で可決する{i}。",
        )
        for i in range(12)
    ]  # fmt: skip
    lines = [as_row(q, f"own-{i}") for i, q in enumerate(own)]
    lines.append({"input": "選択肢のない文", "output": "a", "meta": {}})
    lines.append({**lines[0], "output": "aかbのどちらか"})
    found = lab.training_data(TrainConfig(train_file=written(tmp_path, lines)))
    assert len(found.questions) == 12 and found.skipped == 2
    assert {q.gold for q in found.questions} == {"b"}
    assert set(found.split.values()) == {"train", "dev"}


@pytest.mark.parametrize(
    ("output", "letter"),
    [
        ("c", "c"),
        ("Ｂ", "b"),
        ("答え: d", "d"),
        ("a 第五条の届出書", "a"),
        ("第一条により正解はaである", "a"),
        ('{"answer": "c"}', "c"),
        ("aかb", None),
        ("わからない", None),
        ("答えはa、いや答えはb", None),
        ("", None),
    ],
)
def test_an_output_in_prose_names_one_letter_or_none(output: str, letter: str | None) -> None:
    assert rows.letter_of(output) == letter


def test_every_fault_of_the_settings_is_named_at_once(lab: Lab) -> None:
    with pytest.raises(ConfigError) as caught:
        lab.train_config("sample", lora_r="0", learning_rate="abc", max_seq_length="1")
    assert len(caught.value.faults) == 3
    assert len(caught.value.text("ja").splitlines()) == 3
