"""The statutes panel in a real browser: search them, rebuild the index, be refused offline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

Visit = Callable[..., Any]


def open_panel(visitor: Any) -> None:
    """Open the panel, which is closed at first."""
    visitor.page.click("#statutes > button")
    expect(visitor.page.locator("#statutes-text :is(input, textarea)")).to_be_visible()


def look_up(visitor: Any, words: str) -> None:
    """Search by Enter; on a fresh home it waits for the index by itself."""
    page = visitor.page
    page.fill("#statutes-text :is(input, textarea)", words)
    page.press("#statutes-text :is(input, textarea)", "Enter")
    expect(page.locator("#statutes-found .lw-passage").first).to_be_visible()


def test_the_statutes_are_searched_marked_and_rebuilt(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    expect(page.locator("#statutes-text")).to_be_hidden()
    open_panel(visitor)
    look_up(visitor, "第7条 灯舟の許可")
    assert visitor.text("#statutes-found cite").startswith("灯浦市浮市条例第7条")
    assert "許可" in "".join(page.locator("#statutes-found mark").all_inner_texts())
    expect(page.locator("#statutes-found footer").first).to_contain_text("見つけ方：条番号で")
    page.click("#statutes-rebuild")
    expect(page.locator("#statutes-job .lw-info")).to_contain_text("索引ができました（155 件）")
    expect(page.locator("#statutes-index dl")).to_contain_text("2026-04-01")
    page.fill("#statutes-text :is(input, textarea)", "")
    page.click("#statutes-search")
    expect(page.locator("#statutes-notice")).to_contain_text("探す言葉か条番号を書いて")


def test_a_law_is_refused_offline_in_the_visitor_s_language(visit: Visit) -> None:
    visitor = visit(lang="en-GB", width=375)
    open_panel(visitor)
    visitor.page.fill("#statutes-law :is(input, textarea)", "403AC0000000090")
    visitor.page.click("#statutes-add")
    notice = visitor.page.locator("#statutes-add-notice [role=alert]")
    expect(notice).to_contain_text("Because of --offline")
    typed = visitor.page.input_value("#statutes-law :is(input, textarea)")
    assert typed == "403AC0000000090"
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 375
    assert not [url for url in visitor.requests if "e-gov" in url]
