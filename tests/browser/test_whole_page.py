"""The page as a whole: two languages, no call to the outside."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

Visit = Callable[..., Any]
TABS = ("ask", "adapters", "train", "score")
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
# Names that are the same in every language: models, formats, products, units.
NAMES = re.compile(
    r"lawui-embedded|Qwen/?[\w.\-]*|Apache-2\.0|English|JSONL?|CSV|HTML|API|GPUs?|GB|e-Gov|"
    r"lawqa_jp|browser-run[\w\-]*|stopped-run[\w\-]*|sample[\w\-]*|embedded|all-linear|bfloat16|"
    r"nf4|auto|Word|Q?LoRA|zip|\b[0-9a-f]{16}\b|shipped[\w\-]*|言語 / Language"
)
# Everything that a reader sees or hears, but for the command and the ids.
WORDS = """() => {
  const gone = 'pre, script, style, .lw-id, svg';
  const out = [];
  const walk = (node) => {
    if (node.nodeType === 3) { out.push(node.textContent); return; }
    if (node.nodeType !== 1 || node.matches(gone)) return;
    for (const name of ['aria-label', 'placeholder', 'title', 'alt'])
      if (node.getAttribute(name)) out.push(node.getAttribute(name));
    if (node.matches('input[role=combobox]')) out.push(node.value);
    node.childNodes.forEach(walk);
  };
  walk(document.querySelector('.gradio-container'));
  return out;
}"""


@pytest.mark.parametrize("tab", TABS)
def test_no_english_is_left_on_the_japanese_page(visit: Visit, tab: str) -> None:
    visitor = visit(address=f"?tab={tab}")
    expect(visitor.page.locator(f"#tab-{tab}")).to_be_visible()
    if tab == "train":
        visitor.page.click("#train-more > button")
    words = visitor.page.evaluate(WORDS)
    left = {w.strip() for w in words if re.search(r"[A-Za-z]{3,}", NAMES.sub("", w))}
    assert not left


@pytest.mark.parametrize("tab", TABS)
def test_the_english_page_is_english(visit: Visit, tab: str) -> None:
    visitor = visit(lang="en-GB", address=f"?tab={tab}")
    expect(visitor.page.locator("h1")).to_have_text("Law question lab")
    expect(visitor.page.locator(f"#tab-{tab}")).to_be_visible()
    labels = visitor.page.locator("label, button, h2, h3, th, .lw-note, .lw-empty")
    left = {t for t in labels.all_inner_texts() if JAPANESE.search(t)} - {"日本語"}
    assert not left
    told = visitor.page.locator(".lw-terms").all_text_contents()  # opened or not
    assert len(told) > 1 and not [t for t in told if JAPANESE.search(t)]
    boxes = visitor.page.locator(f"#tab-{tab} input[role=combobox]:not([id*=item])")
    shown = [boxes.nth(i).input_value() for i in range(boxes.count())]
    # The lists of questions and laws hold Japanese text, as they should.
    assert not [v for v in shown if JAPANESE.search(v) and not re.match(r"\d{3}-\d", v)]
    assert visitor.page.evaluate("document.documentElement.lang") == "en"


def test_switching_the_language_keeps_what_was_typed_and_is_remembered(visit: Visit) -> None:
    visitor = visit()
    visitor.page.check("#ask-source input[value=own]")
    visitor.page.fill("#ask-stem textarea", "借地権は何年か。")
    visitor.page.fill("#ask-choice-c :is(input, textarea)", "三十年")
    visitor.page.check("#language input[value=en]")
    expect(visitor.page.locator("#ask-answer")).to_have_text("Answer")
    assert visitor.page.input_value("#ask-stem textarea") == "借地権は何年か。"
    assert visitor.page.input_value("#ask-choice-c :is(input, textarea)") == "三十年"
    visitor.reload()
    expect(visitor.page.locator("#ask-answer")).to_have_text("Answer")
    visitor.page.check("#language input[value=ja]")
    expect(visitor.page.locator("#ask-answer")).to_have_text("答えさせる")


def test_an_answer_is_retold_in_the_other_language(visit: Visit) -> None:
    visitor = visit()
    visitor.page.click("#ask-answer")
    # What the model says, or that it can't tell: both are sentences of the page.
    said = visitor.page.locator("#ask-result h3")
    expect(said).to_contain_text(JAPANESE)
    visitor.page.check("#language input[value=en]")
    expect(said).not_to_contain_text(JAPANESE)
    expect(said).to_contain_text("model")


def test_no_request_leaves_this_machine(visit: Visit) -> None:
    visitor = visit()
    for tab in TABS:
        visitor.tab(tab)
        expect(visitor.page.locator(f"#tab-{tab}")).to_be_visible()
    hosts = {urlsplit(url).hostname for url in visitor.requests if not url.startswith("data:")}
    assert hosts == {"127.0.0.1"}


def test_a_foreign_origin_is_refused_and_files_stay_shut(visit: Visit, site: Any) -> None:
    visitor = visit()
    request = visitor.page.request
    foreign = {"Origin": "https://evil.test"}
    answer = request.post(f"{site.url}gradio_api/call/describe", data={"data": []}, headers=foreign)
    assert answer.headers.get("access-control-allow-origin", "") != "https://evil.test"
    for path in (site.home / "app.log", "/etc/passwd", site.home / "adapters"):
        assert request.get(f"{site.url}gradio_api/file={path}").status in (403, 404)
