"""A page's queue of messages outlives a stream that broke off, but not two thousand others."""

from __future__ import annotations

import asyncio

import pytest

from lawui.ui.streams import Messages


def test_a_broken_stream_takes_its_messages_but_not_the_queue() -> None:
    messages = Messages(3)
    messages["page"] = queue = asyncio.Queue()
    queue.put_nowait("the answer")
    del messages["page"]
    assert messages["page"] is queue
    assert queue.empty()


def test_the_page_that_was_used_longest_ago_goes_first() -> None:
    messages = Messages(3)
    for page in ("first", "second", "third"):
        messages[page] = asyncio.Queue()
    messages["first"].put_nowait("an answer")  # used
    messages["fourth"] = asyncio.Queue()
    assert sorted(messages) == ["first", "fourth", "third"]
    with pytest.raises(KeyError):
        messages["second"]
    with pytest.raises(KeyError):
        del messages["second"]
