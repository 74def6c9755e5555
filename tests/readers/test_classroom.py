"""A class from its code to the law, and what nobody may see too early."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lawui.errors import UsageError
from lawui.lab import Lab, Settings
from lawui.readers import classroom
from lawui.readers.classroom import LAW, MODEL, OFFICIAL, VOTE, Classroom
from lawui.readers.people import Account, People

QID = "sample-000-0"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(Settings(home=tmp_path_factory.mktemp("home"), model="embedded", offline=True))
    yield made
    made.close()


@pytest.fixture
def room(lab: Lab) -> Classroom:
    return Classroom(lab)


def refused(key: str, action: object, *values: object) -> None:
    with pytest.raises(UsageError) as caught:
        action(*values)  # type: ignore[operator]
    assert caught.value.key == key


def test_a_class_goes_from_its_code_to_the_law(lab: Lab, room: Classroom) -> None:
    code, key = room.open()
    gold = lab.question(QID).gold
    taro, hanako = room.join(code.lower(), "たろう"), room.join(f" {code[:3]} {code[3:]}", "花子")
    assert room.state(code, taro)["question"] is None
    room.show(code, key, QID, evidence="given")
    room.vote(code, taro, "a")
    room.vote(code, taro, "b")
    seen = room.state(code, taro)
    assert seen["step"] == VOTE and seen["letter"] == "b"
    assert (seen["votes"], seen["without"], seen["with"], seen["gold"]) == (None, None, None, "")
    told = room.state(code, key=key)
    assert (told["joined"], told["voted"], told["names"]) == (2, 1, ["たろう", "花子"])
    assert told["votes"] is None  # the wall shows no votes either

    room.go(code, key, MODEL)
    seen = room.state(code, hanako)
    assert seen["votes"] == {"a": 0, "b": 1, "c": 0, "d": 0} and seen["gold"] == ""
    asked = lab.ask(lab.question(QID), "none", all_orders=True).answer
    assert list(seen["without"]["probs"].values()) == pytest.approx(asked.probs, abs=1e-6)
    assert seen["with"] is None and seen["passages"] == []
    refused("class.closed_vote", room.vote, code, hanako, "a")

    room.go(code, key, OFFICIAL)
    assert room.state(code, hanako)["gold"] == gold
    room.go(code, key, LAW)
    seen = room.state(code, hanako)
    assert sum(seen["with"]["probs"].values()) == pytest.approx(1, abs=1e-5)
    assert seen["passages"][0]["citation"]
    room.go(code, key, VOTE)  # back: hidden again
    assert room.state(code, hanako)["gold"] == ""
    room.close(code, key)
    refused("class.unknown", room.state, code, taro)


def test_the_presenter_is_told_how_long_the_model_takes(
    room: Classroom, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, key = room.open()
    token = room.join(code, "A")
    room.show(code, key, QID)
    student, seen, ask = room.state(code, token)["version"], [], lab.ask

    def slow(*values: Any, in_line: Any, **more: Any) -> Any:
        for left in (None, 12.4):
            in_line(0, left)
            seen.append(room.state(code, key=key))
        assert room.state(code, token, seen=student) == {}
        return ask(*values, **more)

    monkeypatch.setattr(lab, "ask", slow)
    room.go(code, key, MODEL)
    assert [(told["asking"], told["left"]) for told in seen] == [(True, None), (True, 12)]
    assert len({told["version"] for told in seen}) == 2  # each is news
    assert not room.state(code, key=key)["asking"]


def test_a_student_is_told_nothing_of_a_later_step(room: Classroom) -> None:
    code, key = room.open()
    token = room.join(code, "A")
    room.show(code, key, QID)
    room.go(code, key, LAW)
    room.go(code, key, VOTE)
    told = json.dumps(room.state(code, token))
    for word in (key, "probs", "citation", "retrieved", token):
        assert word not in told


def test_a_new_question_begins_anew(room: Classroom) -> None:
    code, key = room.open()
    token = room.join(code, "A")
    room.show(code, key, QID)
    room.vote(code, token, "a")
    room.go(code, key, MODEL)
    room.show(code, key, "sample-001-0")
    state = room.state(code, token)
    assert (state["step"], state["letter"], state["votes"]) == (VOTE, "", None)


def test_what_was_seen_is_not_sent_again(room: Classroom) -> None:
    code, key = room.open()
    token = room.join(code, "A")
    version = room.state(code, token)["version"]
    presenter = room.state(code, key=key)["version"]
    assert room.state(code, token, seen=version) == {}
    assert room.state(code, key=key, seen=presenter) == {}
    room.join(code, "B")
    assert room.state(code, token, seen=version) == {}  # a vote wakes the presenter alone
    assert room.state(code, key=key, seen=presenter) != {}
    room.show(code, key, QID)
    assert room.state(code, token, seen=version) != {}


def test_nobody_but_the_presenter_leads(room: Classroom) -> None:
    code, _ = room.open()
    token = room.join(code, "A")
    for key in ("", token, "x"):
        refused("class.not_yours", room.show, code, key, QID)
        refused("class.not_yours", room.go, code, key, LAW)
        refused("class.not_yours", room.close, code, key)
    refused("class.not_yours", room.state, code, "", "x")
    refused("class.unknown_student", room.state, code, "x")
    refused("class.unknown_student", room.vote, code, "x", "a")


def test_what_cannot_be_is_said(room: Classroom) -> None:
    code, key = room.open()
    token = room.join(code, "Ａ\u202e ")
    refused("class.name_taken", room.join, code, "A")
    for name in ("", "  ", "\u202e", "x" * 21):
        refused("class.name", room.join, code, name)
    refused("class.unknown", room.join, "NOCODE", "A")
    refused("class.letter", room.vote, code, token, "e")
    refused("class.nothing_shown", room.go, code, key, MODEL)
    refused("usage.evidence", room.show, code, key, QID, "", "none")
    room.show(code, key, QID)
    refused("class.nothing_shown", room.go, code, key, 7)


def test_rooms_end_by_themselves_and_are_bounded(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    room = Classroom(lab, lambda: now[0])
    monkeypatch.setattr(classroom, "MOST_ROOMS", 2)
    monkeypatch.setattr(classroom, "MOST_STUDENTS", 1)
    code, _ = room.open("t")
    room.open("t")
    refused("class.full", room.open)
    room.join(code, "A")
    refused("class.room_full", room.join, code, "B")
    now[0] = classroom.IDLE
    room.open("u")
    refused("class.unknown", room.join, code, "B")
    assert (room.kept("t"), room.kept("u")) == ((0, 0), (1, 0))
    room.forget("t")
    assert room.kept("u") == (1, 0)
    room.forget("u")


def test_codes_cannot_be_tried_at_will(room: Classroom) -> None:
    for _ in range(classroom.WRONG_CODES_A_MINUTE):
        refused("class.unknown", room.join, "NOCODE", "A")
    refused("people.too_often", room.join, "NOCODE", "A")


def test_who_may_not_teach_opens_no_room(tmp_path: Path) -> None:
    users = People([Account("r", "reader", "x")], who=lambda: "r")
    made = Lab(Settings(home=tmp_path, model="embedded", offline=True), users)
    refused("people.role", made.classroom.open, "r")
    made.close()
