"""The tour: it meets a newcomer once, shows an answer that the law brought, and goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from lawui.data.questions import load_set
from lawui.ui.tour import ITEM

from .late import TELLS_LATE

Visit = Callable[..., Any]
CARD = "#tour .lw-tour"


def test_a_newcomer_sees_the_law_bring_an_answer_by_keys_alone(visit: Visit) -> None:
    visitor = visit(newcomer=True)
    page = visitor.page
    expect(page.locator(CARD)).to_contain_text("（1 / 3）")
    expect(page.locator("#ask-question .lw-id")).to_have_text(ITEM)
    items = {question.source for question in load_set("sample", None).questions}
    expect(page.locator(".lw-found").first).to_contain_text(f"{len(items)} 問")
    expect(page.locator("#tour .lw-go")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(CARD)).to_contain_text("見分けがつきませんでした")
    assert page.locator("#ask-question .lw-gold").count() == 0
    expect(page.locator("#tour .lw-go")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(CARD)).to_contain_text("公式の正解と同じになりました")
    right = visitor.text("#ask-result .lw-big-letter")
    assert f"{right} と答え" in visitor.text(CARD)
    expect(page.locator("#ask-question .lw-gold .lw-letter")).to_have_text(right)
    expect(page.locator("#ask-evidence input[value=given]")).to_be_checked()
    expect(page.locator("#ask-passages .lw-passage")).not_to_have_count(0)
    expect(page.locator("#tour .lw-go")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(CARD)).to_have_count(0)


def test_a_press_counts_before_the_last_one_s_answer_is_all_there(visit: Visit) -> None:
    """The next step can be pressed as soon as it is drawn, before the server has told that
    the answer before it is whole, which a busy machine tells late."""
    visitor = visit(newcomer=True)
    page = visitor.page
    expect(page.locator("#tour .lw-go")).to_be_focused()
    page.evaluate(TELLS_LATE, ["process_completed", 1500])
    page.click("#tour .lw-go")
    expect(page.locator(CARD)).to_contain_text("（2 / 3）")
    page.click("#tour .lw-go")
    expect(page.locator(CARD)).to_contain_text("（3 / 3）")
    page.click("#tour .lw-go")
    expect(page.locator(CARD)).to_have_count(0)


def test_it_can_be_closed_never_comes_back_uninvited_and_can_be_called(visit: Visit) -> None:
    visitor = visit(lang="en-GB", newcomer=True)
    page = visitor.page
    expect(page.locator(CARD)).to_contain_text("1 of 3")
    page.keyboard.press("Escape")
    expect(page.locator(CARD)).to_have_count(0)
    expect(page.locator("#tour-call")).to_be_focused()
    visitor.reload()
    page.wait_for_function("window.lawuiOpened")
    page.wait_for_timeout(1000)
    assert page.locator(CARD).count() == 0
    visitor.tab("score")
    page.click("#tour-call")
    expect(page.locator(CARD)).to_contain_text("has never read that ordinance")
    expect(page.locator("#tab-ask")).to_be_visible()
    page.check("#language input[value=ja]")
    expect(page.locator(CARD)).to_contain_text("読んだことがありません")
    page.click("#tour .lw-close")
    expect(page.locator(CARD)).to_have_count(0)


def test_who_follows_a_link_to_a_question_is_left_in_peace(visit: Visit) -> None:
    visitor = visit(newcomer=True, address="?q=sample-002-0")
    visitor.page.wait_for_function("window.lawuiOpened")
    visitor.page.wait_for_timeout(1000)
    assert visitor.page.locator(CARD).count() == 0
    expect(visitor.page.locator("#ask-question .lw-id")).to_have_text("sample-002-0")


def test_who_follows_a_link_to_a_tab_finds_it_open(visit: Visit) -> None:
    visitor = visit(newcomer=True, address="?tab=train")
    visitor.page.wait_for_timeout(1000)
    assert visitor.page.locator(CARD).count() == 0
    expect(visitor.page.locator("#tab-train")).to_be_visible()
