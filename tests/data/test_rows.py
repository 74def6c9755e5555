"""Rows that bring no name are named by what they ask, whatever file they stand in."""

from __future__ import annotations

import json
from pathlib import Path

from lawui import dataset
from lawui.types import Question

CHOICES = ["三十日以内に届け出る", "六十日以内に届け出る", "市長に申し出る", "届け出なくてよい"]


def row(stem: str, turn: int = 0, **meta: str) -> dict[str, object]:
    turned = CHOICES[turn:] + CHOICES[:turn]
    asked = "\n".join(
        ["【問題】", stem, "【選択肢】", *map(" ".join, zip("abcd", turned, strict=True))]
    )
    return {"input": asked, "output": "abcd"[-turn % 4], **({"meta": meta} if meta else {})}


def native(stem: str) -> dict[str, str]:
    choices = "\n".join(map(" ".join, zip("abcd", CHOICES, strict=True)))
    return {"問題文": stem, "選択肢": choices, "output": "a"}


def read(path: Path, *lines: object) -> tuple[Question, ...]:
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    return dataset.read_rows(path)[0].questions


def test_the_same_question_has_one_name_in_every_file_and_place(tmp_path: Path) -> None:
    one = read(tmp_path / "one.jsonl", row("届出の期限はいつか。"), row("許可は要るか。"))
    two = read(tmp_path / "two.jsonl", row("許可は要るか。"), row("誰が届け出るか。"))
    assert one[1].source == two[0].source
    assert len({q.source for q in (*one, *two)}) == 3  # by place, two would have been one


def test_the_orders_of_an_item_are_one_item(tmp_path: Path) -> None:
    asked = read(tmp_path / "rows.jsonl", *(row("期限はいつか。", turn) for turn in range(4)))
    assert {q.source for q in asked} == {asked[0].source}
    assert [q.order for q in asked] == [0, 1, 2, 3]
    assert {q.choices["abcd".index(q.gold)] for q in asked} == {CHOICES[0]}


def test_a_name_that_was_brought_stays(tmp_path: Path) -> None:
    asked = read(tmp_path / "rows.jsonl", row("期限はいつか。", ファイル名="条例_問題番号1"))
    assert asked[0].source == "条例_問題番号1"


def test_a_question_without_a_name_carries_its_file_s(tmp_path: Path) -> None:
    one = read(tmp_path / "試験.jsonl", native("期限はいつか。"), native("許可は要るか。"))
    two = read(tmp_path / "試験.jsonl", native("許可は要るか。"))
    assert one[1].source == two[0].source != one[0].source
    assert one[0].law == "試験"
