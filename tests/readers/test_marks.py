"""What readers said of answers: kept, replaced, counted, taken home."""

from __future__ import annotations

import csv
import io
import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from lawui.errors import HostError, UsageError
from lawui.lab import Lab, Settings
from lawui.readers.marks import LONGEST_COMMENT, Marks, to_text
from lawui.types import MARKS, Mark

MARK = Mark("", "問題1", "set-001-0", "set", "base", "none", "a", "b", "gold_doubtful", "第2項では")


@pytest.fixture
def marks(tmp_path: Path) -> Marks:
    return Marks(tmp_path / "new" / "marks.sqlite3")


def test_a_mark_is_kept_and_read_by_a_second_process(marks: Marks, tmp_path: Path) -> None:
    kept = marks.put(MARK)
    assert kept == replace(MARK, created=kept.created) and kept.created.endswith("+00:00")
    assert Marks(tmp_path / "new" / "marks.sqlite3").list() == (kept,)


def test_nothing_is_written_before_the_first_mark(marks: Marks, tmp_path: Path) -> None:
    assert marks.list() == () and sum(marks.counts().values()) == 0
    assert not (tmp_path / "new").exists()


def test_a_later_mark_of_the_same_answer_takes_the_earlier_ones_place(marks: Marks) -> None:
    marks.put(MARK)
    marks.put(replace(MARK, mark="agree", comment=""))
    marks.put(replace(MARK, evidence="given"))
    marks.put(replace(MARK, user="花子"))
    assert marks.counts() == {**dict.fromkeys(MARKS, 0), "agree": 1, "gold_doubtful": 2}
    assert [m.mark for m in marks.list(user="花子")] == ["gold_doubtful"]
    assert [m.evidence for m in marks.list(user="")] == ["given", "none"]
    marks.remove("", "問題1", "base", "none")
    assert len(marks.list("問題1")) == 2 and marks.list("問題2") == ()
    assert marks.counts(["問題2"]) == dict.fromkeys(MARKS, 0)


def test_what_is_no_mark_is_refused_in_words(marks: Marks) -> None:
    with pytest.raises(UsageError, match="no mark"):
        marks.put(replace(MARK, mark="like"))
    with pytest.raises(UsageError, match=str(LONGEST_COMMENT)):
        marks.put(replace(MARK, comment="長" * (LONGEST_COMMENT + 1)))
    assert marks.list() == ()


def test_many_readers_at_once(marks: Marks) -> None:
    threads = [
        threading.Thread(target=marks.put, args=(replace(MARK, user=f"u{i}"),)) for i in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {m.user for m in marks.list()} == {f"u{i}" for i in range(30)}


def test_comments_cannot_be_commands(marks: Marks) -> None:
    text = "'); DROP TABLE marks; --"
    marks.put(replace(MARK, comment=text, source="'問題"))
    assert marks.list("'問題")[0].comment == text


@pytest.mark.parametrize(("lang", "words"), [("ja", "公式の正解が疑わしい"), ("en", "doubtful")])
def test_marks_are_taken_home(marks: Marks, lang: str, words: str) -> None:
    marks.put(replace(MARK, comment="=HYPERLINK(1)\n二行目, と「引用」"))
    rows = list(
        csv.reader(io.StringIO(to_text(marks.list(), "csv", lang).lstrip("\ufeff"), newline=""))
    )
    assert len(rows) == 2 and words in rows[1][8]
    assert rows[1][9] == "'=HYPERLINK(1)\n二行目, と「引用」"
    assert json.loads(to_text(marks.list(), "json", lang))[0]["mark"] == "gold_doubtful"
    with pytest.raises(UsageError):
        to_text(marks.list(), "pdf", lang)


def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "marks.sqlite3"
    path.write_bytes(b"not a database, though somebody's" * 40)
    with pytest.raises(HostError, match=r"marks\.sqlite3"):
        Marks(path).put(MARK)
    assert path.read_bytes().startswith(b"not a database")


def test_the_lab_keeps_marks_and_the_demo_does_not(tmp_path: Path) -> None:
    lab = Lab(Settings(home=tmp_path, model="embedded", offline=True))
    lab.mark(MARK)
    assert lab.marks("問題1")[0].comment == MARK.comment
    assert lab.marks_counts(["問題1"])["gold_doubtful"] == 1
    assert "第2項では" in lab.marks_export("csv").read_text("utf-8-sig")
    lab.mark_remove("", "問題1", "base", "none")
    assert lab.marks() == ()
    demo = Lab(Settings(home=tmp_path, model="embedded", offline=True, demo=True))
    with pytest.raises(UsageError) as caught:
        demo.mark(MARK)
    assert caught.value.key == "marks.demo"
