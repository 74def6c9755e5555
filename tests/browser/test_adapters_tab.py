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
    visitor = visit(address="?tab=adapters&versions=given~base,none~base")
    page = visitor.page
    expect(page.locator("#adapters-columns .token")).to_have_count(2)
    page.uncheck("#adapters-orders input")
    page.click("#adapters-compare")
    expect(page.locator("#adapters-side .lw-column")).to_have_count(2)
    qid = visitor.text("#adapters-question .lw-id")
    letters = page.locator("#adapters-side .lw-big-letter").all_inner_texts()
    told = [command("ask", "--id", qid, "--evidence", e) for e in ("given", "none")]
    assert [t["choice"] for t in told] == letters
    verdict = visitor.text("#adapters-side .lw-agree, #adapters-side .lw-differ")
    assert ("一致" in verdict) == (len(set(letters)) == 1)
    for column in page.locator("#adapters-side .lw-by").all_inner_texts():
        assert told[0]["prompt_sha"] in column
    assert page.locator("#adapters-side details .lw-passage").count() == len(told[0]["passages"])


def test_where_columns_differ_is_found_and_stepped_through_by_key(visit: Visit) -> None:
    visitor = visit(lang="en-US", address="?tab=adapters&versions=none~base,given~base")
    page = visitor.page
    expect(page.locator("#adapters-columns .token")).to_have_count(2)
    page.click("#adapters-set input")
    page.locator("#adapters-set [role=option]", has_text="tuning").click()
    page.click("#adapters-where")
    expect(page.locator("#adapters-differences .lw-verdict")).to_contain_text("questions")
    rows = page.locator("#adapters-differences tbody tr")
    for row in rows.all():
        first, second = (row.locator("td").nth(i).inner_text()[-1] for i in (3, 4))
        assert first != second
    if not rows.count():
        return
    number = rows.first.locator("[data-open]").inner_text()
    page.locator("#adapters-differences [data-open]").first.click()
    expect(page.locator("#adapters-question .lw-id")).to_contain_text(number)
    expect(page.locator("#adapters-side .lw-column")).to_have_count(2)
    page.locator("#adapters-side").click()  # out of any box
    page.keyboard.press("n")
    following = rows.nth(1 % rows.count()).locator("[data-open]").inner_text()
    expect(page.locator("#adapters-question .lw-id")).to_contain_text(following)
    expect(page.locator("#adapters-differences .lw-now-open")).to_contain_text(following)
    expect(page.locator("#adapters-side .lw-column")).to_have_count(2)


def test_one_column_alone_is_not_compared(visit: Visit) -> None:
    visitor = visit(address="?tab=adapters&versions=none~base")
    expect(visitor.page.locator("#adapters-columns .token")).to_have_count(1)
    visitor.page.click("#adapters-compare")
    expect(visitor.page.locator("#adapters-notice [role=alert]")).to_contain_text("2 個から 6 個")
