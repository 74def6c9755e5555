"""What is told while an event works."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from lawui.errors import UsageError
from lawui.lab import Lab
from lawui.library import IndexJob
from lawui.ui import waiting
from lawui.ui.ask_tab.state import ask
from lawui.ui.waiting import Done, Pace, Wait, words


def test_the_place_in_line_is_told_and_the_result_comes_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "_LOOKS", 0.01)
    go_on = threading.Event()

    def work() -> str:
        waiting.in_line(3, None)
        go_on.wait(20)
        return "answered"

    told = Pace().run("ask", work)
    assert next(told) == Wait(place=3)
    go_on.set()
    assert list(told)[-1] == Done("answered")


def test_an_error_of_the_work_is_raised() -> None:
    def work() -> None:
        raise UsageError("usage.search")

    with pytest.raises(UsageError):
        list(Pace().run("ask", work))


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Iterator[waiting._Standing]:
    """Where the work of the test itself stands, of which every second is told."""
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)
    made = waiting._Standing()
    token = waiting._shown.set(made)
    yield made
    waiting._shown.reset(token)


def test_the_time_left_is_what_it_took_last_where_the_work_tells_none(
    stand: waiting._Standing,
) -> None:
    assert stand.now(None).left is None
    assert stand.now(60.0).left in (59, 60)
    assert stand.now(0.1).left == 0  # over, and not done
    waiting.in_line(2, None)  # nobody knows how long the others take
    assert stand.now(60.0).left is None and stand.now(60.0).place == 2
    waiting.in_line(2, 30.0)
    assert stand.now(60.0).left in (29, 30)


def test_answers_in_a_row_are_reckoned_by_the_first(stand: waiting._Standing) -> None:
    row = waiting.Row(4)
    row(1, None)
    assert stand.now(None).left is None
    row(0, 10.0)
    assert stand.now(None).left in (39, 40)
    row(0, 2.0)
    assert stand.now(None).left in (31, 32)


def test_what_is_done_in_parts_is_reckoned_by_the_parts(
    stand: waiting._Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("lawui.ui.waiting.time.monotonic", lambda: now)
    share = waiting.Share()
    now += 50  # the first waits for what all need
    share(1, 11)
    assert stand.now(None).left is None
    now += 6
    share(3, 11)
    assert stand.now(None).left == 24


def test_what_is_not_ready_is_said_and_reckoned(stand: waiting._Standing, lab: Lab) -> None:
    job = IndexJob("running", 30, 60, began=time.monotonic() - 10, first=20, missing=True)
    lab._library.job = job
    waiting.until_ready(lab, search=True)
    told = stand.now(5.0)
    assert told.what == "wait.index" and told.left in (29, 30)
    assert "索引を作っています" in words("ask.busy", told, "ja")
    waiting.until_ready(lab, search=False)
    assert stand.now(None).what == ("" if lab.loaded else "wait.model")
    lab._library.job = replace(job, missing=False)  # the present index serves meanwhile
    waiting.until_ready(lab, search=True)
    assert stand.now(None).what != "wait.index"
    lab._library.job = IndexJob()
    fresh = Lab(replace(lab.settings))
    waiting.until_ready(fresh, search=True)
    assert stand.now(5.0) == Wait(what="wait.model")
    fresh.close()


def test_the_words_tell_place_and_time_and_announce_no_clock() -> None:
    assert "順番待ち 2 番目" in words("ask.busy", Wait(2), "ja")
    assert 'role="status"' in words("ask.busy", Wait(), "en")
    left = words("ask.busy", Wait(0, 4, 12), "en")
    assert "about 12 s left" in left and 'role="status"' not in left
    unknown = words("ask.busy", Wait(0, 4), "ja")
    assert "経過 4 秒" in unknown and "残り時間はまだわかりません" in unknown
    over = words("ask.busy", Wait(0, 4, 0), "ja")
    assert "経過 4 秒" in over and "まもなく" in over


def test_who_asks_hears_of_the_place_that_the_owner_tells(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = threading.Event()

    def held(owner: Any, asked: Any, in_line: Any) -> Any:
        in_line(2, None)
        seen.wait(20)
        return [future.result() for future in asked]

    monkeypatch.setattr("lawui.asks.wait", held)
    monkeypatch.setattr(waiting, "_LOOKS", 0.01)
    question = lab.find("sample")[0]
    told = Pace().run("ask", lambda: ask(lab, question, "given", "base", True, None))
    assert next(news for news in told if isinstance(news, Wait) and news.place).place == 2
    seen.set()
    last = list(told)[-1]
    assert isinstance(last, Done) and last.value.now.question == question
