"""Questions that readers wrote: kept by user, exported and brought back, split from a text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lawui.asking.pasted import split
from lawui.errors import DataError, UsageError
from lawui.readers.own_questions import OwnQuestions
from lawui.readers.store import Store

STEM, FOUR = "届出の期限として正しいものはどれか。", ("三日", "五日", "七日", "十日")


@pytest.fixture
def own(tmp_path: Path) -> OwnQuestions:
    return OwnQuestions(Store(tmp_path / ".lawui" / "people.sqlite3"))


def test_a_question_is_kept_with_an_id_of_its_own(own: OwnQuestions) -> None:
    first = own.add("", STEM, FOUR, "c")
    second = own.add("", STEM + "（再）", FOUR)
    assert (first.id, first.gold, first.law) == ("own-001", "c", "自作")
    assert [q.id for q in own.all()] == [first.id, second.id]
    assert [q.id for q in own.named("own").questions] == [first.id]  # the other has no answer
    own.remove("", first.id)
    assert own.add("", STEM, FOUR).id == "own-003"


def test_nobody_sees_another_s(own: OwnQuestions) -> None:
    mine = own.add("hanako", STEM, FOUR, "a")
    assert own.all("taro") == () and own.all("") == ()
    name = own.set_name("hanako")
    assert name != "own_hanako" and own.named(name).questions == (mine,)
    assert own.user_of(name) == "hanako"
    for bad in (
        lambda: own.remove("taro", mine.id),
        lambda: own.change("taro", mine.id, STEM, FOUR),
        lambda: own.named("own_0123"),
    ):
        with pytest.raises(UsageError):
            bad()


def test_changing_one_changes_its_text_and_not_its_id(own: OwnQuestions) -> None:
    old = own.add("", STEM, FOUR, "c")
    sha = own.named("own").dataset_sha
    new = own.change("", old.id, STEM, (*FOUR[:3], "十一日"), "d")
    assert new.id == old.id and new.choices[3] == "十一日" and new.gold == "d"
    assert own.named("own").dataset_sha != sha


def test_export_and_import_lose_nothing(own: OwnQuestions, tmp_path: Path) -> None:
    own.add("", STEM, FOUR, "c", "## 甲法\n### 第3条\n届出は七日以内にする。")
    own.add("", "正解を決めていない問題。", FOUR)
    path = tmp_path / "mine.json"
    path.write_text(own.export(), "utf-8")
    assert {"ファイル名", "問題文", "選択肢", "output"} <= set(
        json.loads(path.read_text("utf-8"))["samples"][0]
    )
    assert own.bring("", path) == 0
    assert own.bring("taro", path) == 2
    there = [(q.stem, q.choices, q.gold, q.given_context) for q in own.all("taro")]
    assert there == [(q.stem, q.choices, q.gold, q.given_context) for q in own.all()]


def test_a_file_that_is_no_set_is_told_by_its_own_name(own: OwnQuestions, tmp_path: Path) -> None:
    path = tmp_path / "壊れた.json"
    path.write_text('{"samples": [{"問題文": "問い", "選択肢": "a 一", "output": "a"}]}', "utf-8")
    with pytest.raises(DataError) as caught:
        own.bring("", path)
    assert caught.value.params["path"] == "壊れた.json"
    assert own.all() == ()


@pytest.mark.parametrize(
    ("stem", "choices", "gold"),
    [
        (" ", FOUR, ""),
        (STEM, FOUR[:3], ""),
        (STEM, (*FOUR[:3], ""), ""),
        (STEM, FOUR, "e"),
        ("長" * 30_000, FOUR, ""),
    ],
)
def test_an_unfinished_question_is_refused(
    own: OwnQuestions, stem: str, choices: tuple[str, ...], gold: str
) -> None:
    with pytest.raises(UsageError):
        own.add("", stem, choices, gold)
    assert own.all() == ()


def test_everything_of_a_user_can_be_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path / "people.sqlite3")
    own = OwnQuestions(store)
    own.add("hanako", STEM, FOUR)
    own.add("taro", STEM, FOUR)
    store.forget("hanako")
    assert own.all("hanako") == () and len(own.all("taro")) == 1


@pytest.mark.parametrize(
    "rest",
    [
        "\na 三日\nb 五日\nc 七日\nd 十日\n正解：c",
        "\nア　三日\nイ　五日\nウ　七日\nエ　十日\n答え ウ",
        "\r\n１．三日\r\n２．五日\r\n３．七日\r\n４．十日\r\n正解 3",
        "①三日②五日③七日④十日\n【正解】③",
        "\n\n(1) 三日\n(2) 五日\n(3) 七日\n(4) 十日\n（正解）(3)",
        "\n【選択肢】\nA. 三日\nB. 五日\nC. 七日\nD. 十日\n答：C",
        " a 三日 b 五日 c 七日 d 十日\n正解はcです。",
        "\n一　三日\n二　五日\n三　七日\n四　十日\n正解：三",
    ],
)
@pytest.mark.parametrize("before", ["", "【問題】", "問12　"])
def test_a_pasted_question_falls_into_its_parts(before: str, rest: str) -> None:
    found = split(before + STEM + rest)
    assert found.stem == STEM and found.choices == FOUR and found.gold == "c"


def test_a_stem_may_list_points_of_its_own() -> None:
    stem = "次の記述のうち正しい組合せはどれか。\nア 甲は乙である。\nイ 丙は丁である。"
    found = split(stem + "\n1 アのみ\n2 イのみ\n3 両方\n4 どちらも誤り")
    assert found.stem == stem and found.choices[0] == "アのみ" and found.gold == ""
    stem += "\nウ 丙は丁でない。\nエ 甲は丁である。"
    found = split(stem + "\n1 アイ\n2 イウ\n3 ウエ\n4 アエ\n正解 2")
    assert found.stem == stem and found.choices[3] == "アエ" and found.gold == "b"


def test_what_cannot_be_split_is_left_whole_for_the_reader() -> None:
    assert split("ただの文章です。").choices == ("", "", "", "")
    assert not split("").whole and split("  \n").stem == ""
    assert split("一つの文。a だけ。").stem == "一つの文。a だけ。"
