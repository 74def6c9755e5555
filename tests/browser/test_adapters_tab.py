"""Versions side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

Visit = Callable[..., Any]
Command = Callable[..., dict[str, Any]]


def test_the_list_is_the_command_line_s(visit: Visit, command: Command) -> None:
    visitor = visit(address="?tab=adapters")
    told = command("adapters", "list")["adapters"]
    names = visitor.page.locator("#adapters-list tbody tr td:first-child").all_inner_texts()
    assert names == [adapter["name"] for adapter in told]
    losses = visitor.page.locator("#adapters-list tbody tr td:nth-child(7)").all_inner_texts()
    assert losses == [f"{adapter['final_loss']:.3f}" for adapter in told]


def test_one_question_side_by_side(visit: Visit, command: Command) -> None:
    visitor = visit(address="?tab=adapters")
    adapters = [a["name"] for a in command("adapters", "list")["adapters"] if not a["fault"]]
    assert adapters, "the sample adapters are shipped in adapters/"
    boxes = visitor.page.locator("#adapters-columns input")
    for i in range(boxes.count()):
        boxes.nth(i).set_checked(i < 2)
    visitor.page.click("#adapters-compare")
    expect(visitor.page.locator("#adapters-side .lw-column")).to_have_count(2)
    qid = visitor.text("#adapters-question .lw-id")
    letters = visitor.page.locator("#adapters-side .lw-big-letter").all_inner_texts()
    for name, letter in zip(("base", adapters[0]), letters, strict=True):
        words = ("--id", qid, "--evidence", "given", "--adapter", name)
        assert command("ask", *words)["choice"] == letter
    verdict = visitor.text("#adapters-side .lw-agree, #adapters-side .lw-differ")
    assert ("一致" in verdict) == (len(set(letters)) == 1)


def test_one_version_alone_is_not_compared(visit: Visit) -> None:
    visitor = visit(address="?tab=adapters")
    boxes = visitor.page.locator("#adapters-columns input")
    visitor.page.wait_for_timeout(3000)  # the page's own opening may still draw the boxes
    for i in range(boxes.count()):
        boxes.nth(i).set_checked(i == 0)
    visitor.page.click("#adapters-compare")
    expect(visitor.page.locator("#adapters-notice [role=alert]")).to_contain_text("二つ以上")
