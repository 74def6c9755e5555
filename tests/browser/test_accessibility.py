"""For everybody: axe-core finds nothing serious, keys alone will do, no width runs over.

axe-core comes with axe-playwright-python and is put into the page from its own file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from .conftest import Site

Visit = Callable[..., Any]
TABS = ("ask", "adapters", "train", "score")
GRAVE = ("serious", "critical")

SMALL_TARGETS = """(least) => [...document.querySelectorAll(
    "button, [role=tab], .lw-segments label, summary, a")]
  .filter((e) => e.offsetParent && !e.disabled && !e.closest(".overflow-menu, .lw-footer"))
  .map((e) => [e.id || e.innerText.slice(0, 30), e.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < least || box.width < least))
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


def grave(page: Any) -> list[str]:
    """What axe-core calls serious or critical, with the element and the reason."""
    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {node['target']} {[c['message'] for c in node['any'] + node['all']]}"
        for v in found
        if v["impact"] in GRAVE
        for node in v["nodes"]
    ]


def answered(visitor: Any) -> None:
    """The tabs with something on them: bars, passages, columns."""
    page = visitor.page
    page.check("#ask-evidence input[value=given]")
    page.click("#ask-answer")
    expect(page.locator("#ask-passages .lw-passage")).not_to_have_count(0)
    page.locator(".lw-terms summary").first.click()
    visitor.tab("adapters")
    page.click("#adapters-compare")
    expect(page.locator("#adapters-side .lw-column")).not_to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_tab(visit: Visit, scheme: str) -> None:
    visitor = visit(scheme=scheme)
    answered(visitor)
    found = {}
    for tab in TABS:
        visitor.tab(tab)
        expect(visitor.page.locator(f"#tab-{tab}")).to_be_visible()
        visitor.page.wait_for_timeout(400)  # colours that fade are judged when they stand
        found[tab] = grave(visitor.page)
    assert not any(found.values()), found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_class(site: Site, browser: Browser, scheme: str) -> None:
    context = browser.new_context(locale="ja-JP", color_scheme=scheme)
    try:
        page = context.new_page()
        for address in ("class/", "class/teach"):
            page.goto(site.url + address)
            expect(page.locator("main button").first).to_be_visible()
            assert grave(page) == []
        page.get_by_role("button", name="教室を開く").click()
        expect(page.locator("#code-shown")).to_be_visible()
        assert grave(page) == []
    finally:
        context.close()


def test_no_tab_runs_off_the_side_and_fingers_find_what_to_press(visit: Visit) -> None:
    visitor = visit(width=375, scheme="dark")
    page = visitor.page
    answered(visitor)
    for tab in TABS:
        visitor.tab(tab)
        expect(page.locator(f"#tab-{tab}")).to_be_visible()
        for width in (1920, 768, 375):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (tab, width)
            # WCAG 2.2, 2.5.8 asks for 24 px; fingers on a phone for more.
            assert page.evaluate(SMALL_TARGETS, 24) == [], (tab, width)
        tall = page.locator(f"#tab-{tab} button[id]:visible")
        low = [box["height"] for button in tall.all() if (box := button.bounding_box())]
        assert low and min(low) >= 40


@pytest.fixture
def keys(visit: Visit) -> Iterator[Any]:
    """A visitor who has a keyboard and nothing else."""
    visitor = visit()
    page = visitor.page

    class Keys:
        def back(self, selector: str) -> None:
            """The same, backwards."""
            self.reach(selector, "Shift+Tab")

        def reach(self, selector: str, key: str = "Tab") -> None:
            """Tab on until the focus is on (or in) `selector`."""
            for _ in range(150):
                page.keyboard.press(key)
                if page.evaluate("(s) => Boolean(document.activeElement?.closest(s))", selector):
                    return
            pytest.fail(f"no way by Tab to {selector}")

        def press(self, *names: str) -> None:
            for name in names:
                page.keyboard.press(name)

        visitor: Any = None

    keyboard = Keys()
    keyboard.visitor = visitor
    yield keyboard


def test_keys_alone_ask_answer_compare_and_score(keys: Any) -> None:
    page = keys.visitor.page
    page.wait_for_function("window.lawuiOpened")
    shown = page.locator("#ask-question .lw-id")
    first = shown.inner_text()
    keys.press("j")  # the next question
    expect(shown).not_to_have_text(first)
    second = shown.inner_text()
    keys.reach("#ask-commit")
    expect(page.locator("[role=listbox]")).to_have_count(0)  # none stays open behind the keys
    keys.press("Space")  # the reader's own letter
    expect(page.locator("#ask-question .lw-gold-line")).to_be_visible()
    keys.reach("#ask-evidence input[value=given]")
    keys.press("Space")
    expect(page.locator("#ask-evidence input[value=given]")).to_be_checked()
    keys.reach("#ask-answer")
    keys.press("Enter")
    expect(page.locator("#ask-passages .lw-passage")).not_to_have_count(0)

    expect(shown).to_have_text(second)  # who passed through the lists has chosen nothing
    expect(page.locator("#ask-commit input").first).to_be_checked()

    keys.back("#tab-adapters-button")
    keys.press("Enter")
    expect(page.locator("#tab-adapters")).to_be_visible()
    keys.reach("#adapters-compare")
    keys.press("Enter")
    expect(page.locator("#adapters-side .lw-column")).not_to_have_count(0)

    keys.back("#tab-score-button")
    keys.press("Enter")
    expect(page.locator("#tab-score")).to_be_visible()
    keys.reach("#score-limit")
    page.keyboard.type("4")
    keys.reach("#score-start")
    keys.press("Enter")
    expect(page.locator("#score-notice [role=status]")).to_be_visible()
    expect(page.locator("#score-matrix [data-open]")).not_to_have_count(0)
