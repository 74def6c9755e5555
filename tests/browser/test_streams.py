"""The stream of answers closes and opens; no press is without its answer in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

Visit = Callable[..., Any]

# The word that the stream is over reaches the page `late` ms late, as on a busy machine.
CLOSES_LATE = """(late) => {
  const plain = window.fetch;
  const slow = () => new TransformStream({
    async transform(chunk, way) {
      const text = new TextDecoder().decode(chunk);
      if (text.includes('close_stream')) await new Promise((go) => setTimeout(go, late));
      way.enqueue(chunk);
    },
  });
  window.late = 0;
  window.fetch = async (...words) => {
    const answer = await plain(...words);
    if (!String(words[0].url ?? words[0]).includes('/queue/data')) return answer;
    window.late += 1;
    return new Response(answer.body.pipeThrough(slow()), answer);
  };
}"""

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
    page.evaluate(CLOSES_LATE, late)
    for _ in range(presses):  # every second one falls between the close and its word
        _next(page)
    assert page.evaluate("window.late") >= presses / 2
