"""The stream of answers closes and opens; no press is without its answer in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .late import TELLS_LATE

Visit = Callable[..., Any]

OTHER = "(before) => document.querySelector('#ask-question').innerText !== before"


def _next(page: Page) -> None:
    before = page.inner_text("#ask-question")
    page.click("#ask-next")
    page.wait_for_function(OTHER, arg=before)


@pytest.mark.parametrize(("late", "presses"), [(200, 6), (2000, 3)])
def test_presses_are_answered_though_the_stream_closes_late(
    visit: Visit, late: int, presses: int
) -> None:
    page = visit().page
    expect(page.locator("#ask-question .lw-stem")).to_be_visible()
    page.evaluate(TELLS_LATE, ["close_stream", late])
    for _ in range(presses):  # every second one falls between the close and its word
        _next(page)
    assert page.evaluate("window.late") >= presses / 2
