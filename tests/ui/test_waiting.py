"""What is told while an event works."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from lawui.errors import UsageError
from lawui.lab import Lab
from lawui.ui import waiting
from lawui.ui.ask_tab.state import ask
from lawui.ui.waiting import Done, Pace, Wait, words


def test_the_place_in_line_is_told_and_the_result_comes_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "_LOOKS", 0.01)
    go_on = threading.Event()

    def work() -> str:
        waiting.in_line(3)
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


def test_the_time_left_is_what_it_took_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)
    stand = waiting._Standing()
    assert stand.now(None).left is None
    assert stand.now(60.0).left in (59, 60)
    stand.hear(2)  # nobody knows how long the others take
    assert stand.now(60.0).left is None and stand.now(60.0).place == 2


def test_the_words_tell_place_and_time_and_announce_no_clock() -> None:
    assert "順番待ち 2 番目" in words("ask.busy", Wait(2), "ja")
    assert 'role="status"' in words("ask.busy", Wait(), "en")
    left = words("ask.busy", Wait(0, 4, 12), "en")
    assert "about 12 s left" in left and 'role="status"' not in left
    assert "4.0 秒" in words("ask.busy", Wait(0, 4), "ja")


def test_who_asks_hears_of_the_place_that_the_owner_tells(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = threading.Event()

    def held(owner: Any, future: Any, in_line: Any) -> Any:
        in_line(2)
        seen.wait(20)
        return future.result()

    monkeypatch.setattr("lawui.lab.wait", held)
    monkeypatch.setattr(waiting, "_LOOKS", 0.01)
    question = lab.find("sample")[0]
    told = Pace().run("ask", lambda: ask(lab, question, "given", "base", True, None))
    assert next(news for news in told if isinstance(news, Wait) and news.place).place == 2
    seen.set()
    last = list(told)[-1]
    assert isinstance(last, Done) and last.value.now.question == question
