"""Question sets: reading, ids, groups, search and splits."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from lawui.data import questions as q
from lawui.errors import DataError, LabError, UsageError
from lawui.types import LETTERS, Question, QuestionSet

LONG = "この条例において許可を受けた者は、三十日以内に市長に届け出なければならない。"


def sample(
    source: str, stem: str = "正しいものはどれか。", context: str = "", **changes: object
) -> dict:
    return {
        "ファイル名": source,
        "コンテキスト": context,
        "問題文": stem,
        "選択肢": "a 一\nb 二\nc 三\nd 四",
        "output": "b",
        "references": [],
    } | changes


def read(tmp_path: Path, *samples: object, name: str = "file.json") -> QuestionSet:
    path = tmp_path / name
    path.write_text(json.dumps({"samples": samples}, ensure_ascii=False), encoding="utf-8")
    return q.read_questions(path, "own")


def groups(tmp_path: Path, *samples: object) -> list[set[str]]:
    """The groups as sets of sources."""
    result: dict[str, set[str]] = {}
    for question in read(tmp_path, *samples).questions:
        result.setdefault(question.group, set()).add(question.source)
    return sorted(result.values(), key=min)


# -- reading


def test_a_question_with_all_its_fields(tmp_path: Path) -> None:
    made = sample("甲法_第1章_問題番号1", "どれか。", "## 甲法", references=["https://x.example"])
    made["選択肢"] = "a 一\nb 二行の\n選択肢\nc 三\nｄ　四"
    made["output"] = " Ｂ "
    question = read(tmp_path, made).questions[0]
    assert question.id == "own-000"
    assert question.law == "甲法"
    assert question.stem == "どれか。"
    assert question.choices == ("一", "二行の\n選択肢", "三", "四")
    assert question.gold == "b"
    assert question.references == ("https://x.example",)


def test_orders_of_an_item_share_its_number_and_group(tmp_path: Path) -> None:
    made = read(tmp_path, sample("甲"), sample("甲"), sample("乙", "別の問いである。"))
    assert [x.id for x in made.questions] == ["own-000-0", "own-000-1", "own-001-0"]
    assert [x.order for x in made.questions] == [0, 1, 0]
    assert made.questions[0].group == made.questions[1].group
    assert made.items == 2


def test_one_sample_a_line(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    lines = [json.dumps(sample(name), ensure_ascii=False) for name in "甲乙"]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert [x.source for x in q.read_questions(path, "own").questions] == ["甲", "乙"]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"選択肢": "a 一\nb 二\nc 三"}, "data.not_four_choices"),
        ({"選択肢": "a 一\nb 二\nc 三\nd 四\ne 五"}, "data.not_four_choices"),
        ({"選択肢": "a 一\nb \nc 三\nd 四"}, "data.not_four_choices"),
        ({"選択肢": "一\n二\n三\n四"}, "data.not_four_choices"),
        ({"output": "e"}, "data.unknown_gold"),
        ({"output": "ab"}, "data.unknown_gold"),
        ({"output": ""}, "data.missing_key"),
        ({"output": None}, "data.missing_key"),
        ({"問題文": " "}, "data.missing_key"),
        ({"選択肢": ["一", "二", "三", "四"]}, "data.missing_key"),
    ],
)
def test_a_faulty_item_is_named(tmp_path: Path, changes: dict, key: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, sample("甲"), sample("乙", **changes))
    assert caught.value.key == key
    assert caught.value.params["item"] == 1
    for lang in ("ja", "en"):
        assert "file.json" in caught.value.text(lang)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b'{"samples": [{"output": "a"', "data.not_json"),
        (b"", "data.not_json"),
        (b"[" * 100_000, "data.not_json"),
        ("問題".encode("shift_jis"), "data.not_utf8"),
        (b'{"samples": []}', "data.no_samples"),
        (b'{"items": [1]}', "data.no_samples"),
        (b"3", "data.no_samples"),
        (b'{"samples": ["text"]}', "data.not_an_item"),
    ],
)
def test_a_faulty_file_is_named(tmp_path: Path, content: bytes, key: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        q.read_questions(path, "own")
    assert caught.value.key == key
    assert "broken.json" in caught.value.text("ja")


def test_missing_sets_and_folders(tmp_path: Path) -> None:
    for name, folder, key in (
        ("selection", tmp_path, "data.missing_file"),
        ("selection", None, "data.no_data_folder"),
        ("nonsense", tmp_path, "data.unknown_set"),
        ("../secret", tmp_path, "data.unknown_set"),
    ):
        with pytest.raises(LabError) as caught:
            q.load_set(name, folder)
        assert caught.value.key == key
    assert q.available_sets(tmp_path) == [
        "sample",
        "sample_train",
        "sample_dev",
        "sample_test",
        "sample_exam",
    ]


def test_a_set_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "lawqa_jp" / "selection.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"samples": [sample("甲")]}))
    first = q.load_set("selection", tmp_path)
    assert q.load_set("selection", tmp_path) is first
    assert q.available_sets(tmp_path)[-1] == "selection"
    path.write_text(json.dumps({"samples": [sample("甲"), sample("乙")]}))
    os.utime(path, ns=(1, 1))
    second = q.load_set("selection", tmp_path)
    assert second.items == 2
    assert second.dataset_sha != first.dataset_sha


# -- groups


def test_a_long_line_in_common_joins_also_through_others(tmp_path: Path) -> None:
    other = "前項の規定による届出をした者は、その旨を公表しなければならない。"
    assert groups(
        tmp_path,
        sample("甲", "一つ目。", LONG),
        sample("乙", "二つ目。", f"- {other}\n{LONG.translate({ord('、'): '、 '})}"),
        sample("丙", "三つ目。", f"## 甲法\n- {other}"),
        sample("丁", "四つ目。", "別の文章であり、ほかのどれとも同じところがない。"),
    ) == [{"丁"}, {"丙", "乙", "甲"}]


def test_headings_and_short_lines_join_nothing(tmp_path: Path) -> None:
    heading = "## 港湾の利用の増進、安全性の確保及び管理の適正化等に関する架空の法律"
    assert (
        len(
            groups(
                tmp_path,
                sample("甲", "一つ目。", f"{heading}\n公布の日から施行する。"),
                sample("乙", "二つ目。", f"{heading}\n公布の日から施行する。"),
            )
        )
        == 2
    )


def test_twins_with_other_line_breaks_join_but_a_template_does_not(tmp_path: Path) -> None:
    broken = LONG[:12] + "\n" + LONG[12:]
    stem = "許可を受けた者が届け出なければならない期限を教えてください。"
    near = "許可を受けた者が届け出なければならない期限の根拠を教えてください。"
    other = "別の文章であり、ほかのどれとも同じところがない。"
    assert groups(tmp_path, sample("甲", stem, LONG), sample("乙", near, broken)) == [{"乙", "甲"}]
    assert len(groups(tmp_path, sample("甲", stem, LONG), sample("乙", "だれか。", broken))) == 2
    assert len(groups(tmp_path, sample("甲", stem, LONG), sample("乙", stem, other))) == 2
    assert (
        len(groups(tmp_path, sample("甲", stem), sample("乙", stem, 選択肢="a 5\nb 6\nc 7\nd 8")))
        == 2
    )
    assert len(groups(tmp_path, sample("甲", stem), sample("乙", near))) == 1


def test_a_question_without_its_text_is_the_question(tmp_path: Path) -> None:
    stem = "許可を受けた者が届け出なければならない期限を教えてください。"
    turned = {"選択肢": "a 三。\nb 一。\nc 四。\nd 二。"}
    bare = sample("乙", stem, **turned)
    assert len(groups(tmp_path, sample("甲", stem, LONG), bare)) == 1
    assert len(groups(tmp_path, sample("甲", "だれが定めるか。", LONG), bare)) == 2
    long = {"選択肢": "\n".join(f"{a} {a}{LONG}" for a in "abcd")}
    other = "別の文章であり、ほかのどれとも同じところがない。"
    assert (
        len(groups(tmp_path, sample("甲", stem, LONG, **long), sample("乙", stem, other, **long)))
        == 1
    )


def test_overlapping_finds_what_another_file_gives_away(tmp_path: Path) -> None:
    mine = read(tmp_path, sample("甲", "一。", LONG), sample("乙", "二。", "別の文。")).questions
    theirs = read(tmp_path, sample("よそ", "三つ目の問い。", LONG), name="o.json").questions
    assert q.overlapping(mine, theirs) == {mine[0].group}
    assert q.overlapping(mine, ()) == set()
    told = {"選択肢": f"a 一\nb {LONG}\nc 三\nd 四"}
    mine = read(tmp_path, sample("甲", "一。", **told), sample("乙", "二。")).questions
    turned = {"選択肢": f"a 五\nb 六\nc 七\nd {LONG.rstrip('。')}"}
    theirs = read(tmp_path, sample("よそ", "正誤を問う。", **turned), name="o.json").questions
    assert q.overlapping(mine, theirs) == {mine[0].group}, "one statement is enough"


# -- finding


@pytest.fixture
def book(tmp_path: Path) -> QuestionSet:
    return read(
        tmp_path,
        sample("甲法_第1章_問題番号57", "届出の期限はいつか。", f"## 甲法\n### 第27条の2\n{LONG}"),
        sample("甲法_第1章_問題番号57", "届出の期限はいつか。", f"## 甲法\n### 第27条の2\n{LONG}"),
        sample("乙法_第2章_問題番号3", "許可はだれがするか。"),
        sample("乙法_第2章_問題番号3", "許可はだれがするか。"),
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("own-001-1", "own-001-1"),
        ("own-001", "own-001-0"),
        ("1", "own-001-0"),
        ("001-1", "own-001-1"),
        ("１", "own-001-0"),
        ("乙法_第2章_問題番号3", "own-001-0"),
    ],
)
def test_find(book: QuestionSet, asked: str, found: str) -> None:
    assert q.find(book, asked).id == found


@pytest.mark.parametrize("asked", ["2", "own-000-7", "other-000-0", "", "../x", "丙法", "9" * 5000])
def test_find_refuses_what_is_not_there(book: QuestionSet, asked: str) -> None:
    with pytest.raises(UsageError) as caught:
        q.find(book, asked)
    assert caught.value.key == "data.unknown_question"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [0, 1]),
        ({"law": "乙法"}, [1]),
        ({"words": "届出 三十日"}, [0]),
        ({"words": "届出 許可はだれ"}, []),
        ({"number": "57"}, [0]),
        ({"number": "１"}, [1]),
        ({"number": "第27条の2"}, [0]),
        ({"number": "二十七条の二"}, [0]),
        ({"number": "9999"}, []),
        ({"number": "9" * 5000}, []),
    ],
)
def test_search(book: QuestionSet, asked: dict, found: list[int]) -> None:
    assert [q.item_number(x) for x in q.search(book, **asked)] == found
    assert all(x.order == 0 for x in q.search(book, **asked))


def test_laws(book: QuestionSet) -> None:
    assert q.laws(book) == ["甲法", "乙法"]


def test_ids_of_a_file_with_an_awkward_name(tmp_path: Path) -> None:
    path = tmp_path / "my file-2024.json"
    path.write_text(json.dumps({"samples": [sample(f"s{n}") for n in range(1001)]}))
    book = q.read_questions(path, path.stem)
    assert book.questions[7].id == "my_file_2024-007"
    assert q.item_number(book.questions[1000]) == 1000
    assert q.find(book, "my_file_2024-1000") == q.find(book, "1000") == book.questions[1000]


# -- splits


def items(sizes: list[int]) -> list[Question]:
    return [
        Question(f"x-{g:03d}", f"s{g}-{i}", f"g{g}", 0, "法", "", ("", "", "", ""), "a")
        for g, size in enumerate(sizes)
        for i in range(size)
    ]


def test_a_split_is_deterministic_whole_and_balanced() -> None:
    made = items([30, *[3] * 10, *[1] * 40])
    parts = q.split(made, seed=1)
    assert parts == q.split(list(reversed(made)), seed=1)
    assert parts != q.split(made, seed=2)
    assert set(parts) == {x.group for x in made}
    size = Counter(parts[x.group] for x in made)
    assert parts["g0"] == "train"  # would swallow dev and test
    assert abs(size["dev"] - 10) <= 2
    assert abs(size["test"] - 20) <= 2


def test_a_split_with_an_empty_part() -> None:
    size = Counter(q.split(items([1] * 20), fractions=(1, 0, 1)).values())
    assert size == {"train": 10, "test": 10}


def test_folds_hold_each_group_once() -> None:
    made = items([5, 3, 3, *[1] * 39])
    folds = q.folds(made, 5, seed=3)
    assert sorted(g for fold in folds for g in fold) == sorted({x.group for x in made})
    assert all(9 <= sum(x.group in fold for x in made) <= 11 for fold in folds)
    assert max(sum(f"g{g}" in fold for g in range(3)) for fold in folds) == 1


@pytest.mark.parametrize("fractions", [(1, 2), (0, 0, 0), (-1, 1, 1)])
def test_wrong_fractions_and_folds_are_refused(fractions: tuple) -> None:
    with pytest.raises(UsageError):
        q.split(items([1]), fractions=fractions)
    with pytest.raises(UsageError):
        q.folds(items([1]), 1)


# -- the sample


def test_the_frozen_split_divides_no_group() -> None:
    whole = q.load_set("sample", None)
    parts = {name: q.load_set(f"sample_{name}", None) for name in ("train", "dev", "test")}
    assert sum(len(p.questions) for p in parts.values()) == len(whole.questions)
    seen = [{x.group for x in p.questions} for p in parts.values()]
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
    assert set(q.frozen_split()) == {x.group for x in whole.questions}
    test = parts["test"].questions[0]
    assert q.find(whole, test.id) == test


@pytest.mark.parametrize("parts", [{"train": ["甲"]}, {"train": ["甲"], "test": ["乙"]}])
def test_a_split_file_that_divides_or_forgets_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: dict
) -> None:
    samples = [sample("甲", "一。", LONG), sample("乙", "二。", LONG)]
    (tmp_path / "questions.json").write_text(json.dumps({"samples": samples}))
    (tmp_path / "split.json").write_text(json.dumps(parts))
    monkeypatch.setattr(q, "SAMPLE", tmp_path)
    with pytest.raises(DataError) as caught:
        q.load_set("sample_train", None)
    assert caught.value.key == "data.bad_split"
    assert caught.value.params["item"] == "乙"


# -- the real questions


def test_the_selection(lawui_data: Path) -> None:
    selection = q.load_set("selection", lawui_data)
    assert len(selection.questions) == selection.items == 140
    golds = Counter(x.gold for x in selection.questions)
    assert [golds[letter] for letter in LETTERS] == [23, 37, 48, 32]
    families = Counter(x.law for x in selection.questions)
    assert families == {"金商法": 80, "薬機法": 39, "借地借家法": 21}
    assert selection.questions[7].id == "selection-007"


def test_the_randomized_selection(lawui_data: Path) -> None:
    single = q.load_set("selection", lawui_data)
    four = q.load_set("selection_randomized", lawui_data)
    assert (len(four.questions), four.items) == (560, 140)
    assert four.questions[30].id == "selection_randomized-007-2"
    assert Counter(x.gold for x in four.questions) == dict.fromkeys("abcd", 140)
    assert [x.choices for x in four.questions[::4]] == [x.choices for x in single.questions]
    assert [x.group for x in four.questions[::4]] == [x.group for x in single.questions]


def test_99_groups(lawui_data: Path) -> None:
    questions = q.load_set("selection", lawui_data).questions
    group_of = [x.group for x in questions]
    assert len(set(group_of)) == 99
    assert group_of[101] == group_of[122]
    contexts = Counter(x.given_context for x in questions)
    assert sum(n for n in contexts.values() if n > 1) == 52
    by_context: dict[str, set[str]] = {}
    for x in questions:
        by_context.setdefault(x.given_context, set()).add(x.group)
    assert all(len(found) == 1 for found in by_context.values())


def test_real_splits_are_balanced(lawui_data: Path) -> None:
    questions = q.load_set("selection", lawui_data).questions
    for seed in range(5):
        parts = q.split(questions, seed)
        size = Counter(parts[x.group] for x in questions)
        assert abs(size["dev"] - 14) <= 2
        assert abs(size["test"] - 28) <= 3
        assert max(Counter(x.group for x in questions if parts[x.group] == "dev").values()) <= 3
        law = Counter(x.law for x in questions if parts[x.group] == "test")
        assert law["借地借家法"] >= 3
    assert all(27 <= sum(x.group in f for x in questions) <= 29 for f in q.folds(questions))
