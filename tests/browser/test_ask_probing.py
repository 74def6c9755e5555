"""Probing as a lawyer does it: change, step back, take home, come back to the same view."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
from playwright.sync_api import expect

Visit = Callable[..., Any]
PASTED = "届出の期限として正しいものはどれか。\nア　三日\nイ　五日\nウ　七日\nエ　十日\n正解：ウ"


def answered(visitor: Any) -> None:
    visitor.page.check("#ask-evidence input[value=retrieved]")
    visitor.page.click("#ask-answer")
    expect(visitor.page.locator("#ask-result .lw-result")).to_be_visible()
    expect(visitor.page.locator("#ask-visit")).to_contain_text("1 件")


def choose(visitor: Any, box: str, words: str) -> None:
    visitor.page.click(f"{box} input")
    visitor.page.get_by_role("option", name=re.compile(words)).first.click()


def saved(visitor: Any, button: str) -> bytes:
    with visitor.page.expect_download() as found:
        visitor.page.click(button)
    return Path(found.value.path()).read_bytes()


def test_a_changed_article_moves_the_bars_is_no_law_and_is_stepped_back(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    answered(visitor)
    cited = page.locator("#ask-passages cite").first.inner_text()
    choose(visitor, "#ask-part", "条文 1")
    text = page.locator("#ask-try textarea")
    expect(text).not_to_have_value(re.compile("どれ"))  # the stem is gone, the article there
    text.fill(text.input_value() + "ただし、冬を除く。")
    page.click("#ask-apply")
    expect(page.locator("#ask-changes li")).to_have_count(1)
    expect(page.locator("#ask-result .lw-legend")).to_be_visible()
    assert page.locator("#ask-passages cite").first.inner_text() == "【改変した条文】"
    assert cited not in visitor.text("#ask-passages") + visitor.text("#ask-changes")
    choose(visitor, "#ask-swap", "a と d")
    expect(page.locator("#ask-changes > * > ol > li, #ask-changes .lw-changes li")).to_have_count(2)
    page.focus("#ask-swap input")
    page.keyboard.press("Tab")  # who passes through the list changes nothing
    page.wait_for_timeout(1500)
    assert page.locator("#ask-changes .lw-changes li").count() == 2
    html = saved(visitor, "#ask-html").decode()
    assert "【改変した条文】" in html and "冬を除く" in html
    document = docx.Document(io.BytesIO(saved(visitor, "#ask-docx")))
    assert any("【改変した条文】" in p.text for p in document.paragraphs)
    page.reload()
    expect(page.locator("#ask-changes .lw-changes li")).to_have_count(2)
    expect(page.locator("#ask-result .lw-result")).to_be_visible()
    page.click("#ask-back")
    expect(page.locator("#ask-changes .lw-changes li")).to_have_count(1)
    page.click("#ask-reset")
    expect(page.locator("#ask-changes .lw-changes li")).to_have_count(0)
    expect(page.locator("#ask-passages cite").first).to_have_text(cited)
    assert "冬" not in page.url
    visitor.complaints.clear()  # of the streams that the reload dropped


def test_a_pasted_question_becomes_one_of_one_s_own(visit: Visit, site: Any) -> None:
    visitor = visit()
    page = visitor.page
    page.check("#ask-source input[value=own]")
    page.click("#own-pasting button")
    page.fill("#own-paste textarea", PASTED)
    page.click("#own-split")
    expect(page.locator("#ask-choice-c :is(input, textarea)")).to_have_value("七日")
    page.click("#own-save")
    expect(page.locator("#own-notice")).to_contain_text("自分の問題集")
    kept = json.loads(saved(visitor, "#own-export"))["samples"][0]
    assert kept["問題文"].startswith("届出") and kept["output"] == "c"
    visitor.tab("score")
    choose(visitor, "#score-set", "自分の問題集")
    visitor.tab("ask")
    page.check("#ask-source input[value=set]")
    choose(visitor, "#ask-set", "自分の問題集")
    expect(page.locator("#ask-question .lw-stem")).to_have_text(kept["問題文"])
    page.check("#ask-commit input[value=b]")
    expect(page.locator("#ask-question")).to_contain_text("あなたの答えは b でした。")
    expect(page).to_have_url(re.compile(r"q=own-\d+"))
    assert "%E5%B1%8A" not in page.url  # 届


def test_the_reader_s_mark_narrows_the_list_and_the_page_says_what_it_cannot(
    visit: Visit,
) -> None:
    visitor = visit()
    page = visitor.page
    assert "文章を書けません" in visitor.text("#tab-ask")
    expect(page.locator("#ask-explain")).to_be_disabled()
    answered(visitor)
    page.check("#ask-mark input[value=gold_doubtful]")
    page.fill("#ask-comment :is(input, textarea)", "三号に当たるとも読める")
    page.click("#ask-put-mark")
    expect(page.locator("#ask-home-notice")).to_contain_text("印を付けました")
    page.click("#ask-copy")
    expect(page.locator("#ask-home-notice")).to_contain_text("コピーしました")
    copied = page.input_value("#ask-copied textarea")
    assert "三号に当たるとも読める" in copied and copied.count("法的助言ではありません") == 1
    page.click("#ask-more button")
    choose(visitor, "#ask-review", "公式の正解が疑わしい")
    expect(page.locator("#tab-ask .lw-found .lw-note")).to_have_text("1 問あります")


def test_a_link_opens_the_versions_side_by_side(visit: Visit) -> None:
    visitor = visit(address="?tab=adapters&item=sample-002-0&versions=none~base,given~base")
    expect(visitor.page.locator("#adapters-question .lw-id")).to_have_text("sample-002-0")
    expect(visitor.page.locator("#adapters-columns .token")).to_have_count(2)
