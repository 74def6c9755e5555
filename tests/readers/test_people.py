"""Roles, limits and passwords, and that the lab asks for them everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lawui.errors import UsageError
from lawui.lab import Lab, Settings
from lawui.readers import people
from lawui.readers.people import Account, Failures, Limits, People
from lawui.training.config import TrainConfig
from lawui.types import Mark

USERS = [Account(f"a-{role}", role, "pw") for role in people.ROLES]
NEEDS: list[tuple[str, Callable[[Lab], Any]]] = [
    ("trainer", lambda lab: lab.train(TrainConfig())),
    ("trainer", lambda lab: lab.train_stop("run")),
    ("trainer", lambda lab: lab.train_resume("run")),
    ("trainer", lambda lab: lab.adapter_remove("any")),
    ("trainer", lambda lab: lab.index_build()),
    ("trainer", lambda lab: lab.index_start()),
    ("trainer", lambda lab: lab.law_add("x")),
    ("trainer", lambda lab: lab.fetch()),
    ("trainer", lambda lab: lab.threshold_set("run", 0.9)),
    ("trainer", lambda lab: lab.threshold_clear("run")),
    ("trainer", lambda lab: lab.score_job_remove("job")),
    ("reviewer", lambda lab: lab.score_start("sample_test")),
    ("reviewer", lambda lab: lab.score_cancel("run")),
    ("reviewer", lambda lab: lab.score_resume("run")),
    ("reviewer", lambda lab: lab.score_job_cancel("job")),
    ("reviewer", lambda lab: lab.score_job_resume("job")),
    ("reviewer", lambda lab: lab.mark_remove("a-reader", "s", "base", "none")),
]


class Door:
    """Says who comes in."""

    def __init__(self) -> None:
        self.name: str | None = None

    def __call__(self) -> str | None:
        return self.name


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def lab(tmp_path: Path, door: Door) -> Iterator[Lab]:
    settings = Settings(home=tmp_path, model="embedded", offline=True)
    made = Lab(settings, People(USERS, who=door))
    yield made
    made.close()


@pytest.mark.parametrize(("needed", "action"), NEEDS)
def test_every_change_needs_its_role_and_a_name(
    lab: Lab, door: Door, needed: str, action: Callable[[Lab], Any]
) -> None:
    below = [u.name for u in USERS if people.ROLES.index(u.role) < people.ROLES.index(needed)]
    for name in [*below, "stranger", "", None]:
        door.name = name
        with pytest.raises(UsageError) as caught:
            action(lab)
        assert caught.value.key == "people.role", name
        assert needed in caught.value.text("ja")


def test_a_role_suffices_for_what_it_is_for(lab: Lab, door: Door) -> None:
    door.name = "a-reader"
    assert lab.own.add("a-reader", "問い", ("一", "二", "三", "四")).gold == ""
    assert [a for a in people.NEEDED if lab.people.may(a)] == ["own", "forget"]
    door.name = "a-trainer"
    assert all(lab.people.may(action) for action in people.NEEDED)
    assert all(People().may(action) for action in people.NEEDED)


def test_nobody_sees_anothers_marks_or_questions(lab: Lab, door: Door) -> None:
    mark = Mark("a-reviewer", "s", "s-0", "sample", "base", "none", "a", "b", "agree", "x")
    door.name = "a-reviewer"
    lab.mark(mark)
    name = lab.own.set_name("a-reviewer")
    lab.own.add("a-reviewer", "問い", ("一", "二", "三", "四"), "a")
    assert len(lab.marks()) == 1 and lab.questions(name).items == 1
    assert "agree" in lab.marks_export("json").read_text("utf-8")
    for other in ("a-trainer", ""):
        door.name = other
        assert lab.marks() == () and lab.marks_counts()["agree"] == 1
        assert "agree" not in lab.marks_export("json").read_text("utf-8")
        for read in (lab.questions, lab.find, lab.laws, lambda n: lab.question("x-000", n)):
            with pytest.raises(UsageError) as caught:
                read(name)
            assert caught.value.key == "data.unknown_set"


def test_a_demo_allows_reading_asking_and_a_class() -> None:
    demo = People(demo=True)
    assert [a for a in people.NEEDED if demo.may(a)] == ["score", "teach"]
    for action, key in (("train", "usage.demo"), ("own", "own.demo"), ("mark", "marks.demo")):
        with pytest.raises(UsageError) as caught:
            demo.allow(action)
        assert caught.value.key == key


def test_a_proxys_user_is_a_reader_unless_the_file_says_more() -> None:
    door = Door()
    found = People(USERS, known_elsewhere=True, who=door)
    for name, role in (("new", "reader"), ("a-trainer", "trainer"), ("", ""), (None, "")):
        door.name = name
        assert found.role == role


def test_one_user_cannot_take_everything() -> None:
    door, now = Door(), [0.0]
    found = People(USERS, who=door, clock=lambda: now[0])
    door.name = "a-trainer"
    for _ in range(people.A_MINUTE["train"]):
        found.allow("train")
    with pytest.raises(UsageError) as caught:
        found.allow("train")
    assert caught.value.key == "people.too_often"
    now[0] = 60.0
    found.allow("train")
    door.name = None  # the lab's own work
    for _ in range(1000):
        found.count("ask")


def test_limits_are_by_key_and_forget() -> None:
    now = [0.0]
    limits = Limits(lambda: now[0])
    assert [limits.take(("a", "ask"), 2) for _ in range(3)] == [True, True, False]
    assert limits.take(("b", "ask"), 2)
    now[0] = 59.9
    assert not limits.take(("a", "ask"), 2)
    now[0] = 60.0
    assert limits.take(("a", "ask"), 2)


def test_wrong_passwords_close_the_door_for_a_while() -> None:
    now = [0.0]
    failures = Failures(lambda: now[0])
    for _ in range(Failures.FEW):
        assert failures.wait("a", "here") == 0
        failures.add("a", "here")
    assert failures.wait("a", "here") == Failures.SECONDS
    assert failures.wait("a", "elsewhere") == 0 and failures.wait("b", "here") == 0
    for n in range(Failures.MANY - Failures.FEW):
        failures.add(f"made up {n}", "here")
    assert failures.wait("b", "here") > 0
    now[0] = Failures.SECONDS
    assert failures.wait("a", "here") == failures.wait("b", "here") == 0


def test_made_up_names_fill_no_memory() -> None:
    failures = Failures(lambda: 0.0)
    for n in range(Failures._MOST_KEYS + 100):
        failures.add(f"name {n}", "here")
    assert len(failures._times) <= Failures._MOST_KEYS + 2
    assert failures.wait("anybody", "here") > 0


def test_a_line_of_the_users_file_is_read_as_it_was_made(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(
        people.line("花子 山田", "reviewer", "s:e c") + "\nplain:pw\ntrainer t:scrypt:00:00\n",
        "utf-8",
    )
    found = people.accounts(file, {})
    assert [(a.name, a.role) for a in found] == [
        ("花子 山田", "reviewer"),
        ("plain", "reader"),
        ("t", "trainer"),
    ]
    assert "s:e c" not in file.read_text("utf-8")
    checked = People(found)
    assert checked.check("花子 山田", "s:e c") and not checked.check("花子 山田", "s:e")
    assert checked.check("plain", "pw") and not checked.check("t", "") and not checked.check("", "")


def test_without_roles_all_are_equal() -> None:
    assert [a.role for a in people.accounts(None, {"LAWUI_AUTH": "a:b,c:d"})] == ["trainer"] * 2


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [("a:b", "reader", "x"), ("", "reader", "x"), ("a", "boss", "x"), ("a", "reader", "")],
)
def test_what_cannot_stand_in_the_file_is_refused(name: str, role: str, password: str) -> None:
    with pytest.raises(UsageError):
        people.line(name, role, password)


def test_a_hash_differs_each_time_and_holds_no_password() -> None:
    one, two = people.hashed("secret"), people.hashed("secret")
    assert one != two and "secret" not in one
