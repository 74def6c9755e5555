"""Some hundred odd inputs through every endpoint, and a browser that opens what was stored.

All ten thousand: python -m tests.fuzz
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from lawui.readers.people import People
from lawui.ui import access
from tests.fuzz.inputs import SCRIPTS
from tests.fuzz.run import paths, send
from tests.serving import House, opened

COUNT, SEED = 200, 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("odd")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[House]:
    home = folder / "home"
    home.mkdir()
    with opened(home, People(who=access.who, a_minute={})) as served:
        yield served


def test_odd_inputs_are_answered_in_words_and_leave_nothing_outside(
    house: House, folder: Path
) -> None:
    found = send(house, COUNT, SEED)
    assert found.faults == []
    assert found.sent == COUNT and found.answered > 40 and len(found.refused) > 10
    assert paths(house, folder / "outside.txt") == []
    assert sorted(p.name for p in folder.iterdir()) == ["home", "outside.txt"]


def runs(page: Page) -> object:
    return page.evaluate("window.lawuiOdd")


def test_no_script_of_a_reader_runs_where_it_is_shown(house: House, browser: Browser) -> None:
    """After `send`, which stored them: in the lists, the open question, a mark, a preset, a
    class and the file that is taken home."""
    guest = house.guest()
    own = guest.call("own_list")
    assert {q["stem"] for q in own} >= {script.strip() for script in SCRIPTS}
    context = browser.new_context(locale="ja-JP")
    page = context.new_page()
    told: list[str] = []
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    page.goto(f"{house.url}?tab=ask&q={own[-1]['id']}")  # which holds every script
    expect(page.locator("#about dl")).to_be_visible()
    expect(page.get_by_text(SCRIPTS[0], exact=False).first).to_be_attached()
    assert runs(page) is None
    for tab, shown in (("score", "#score-items"), ("train", "#train-runs"), ("adapters", "body")):
        page.click(f"#tab-{tab}-button")
        expect(page.locator(shown)).to_be_attached()
        page.wait_for_timeout(300)
        assert runs(page) is None, tab
    handlers = "document.querySelectorAll('[onerror],[ontoggle],svg[onload]').length"
    assert page.evaluate(handlers) == 0
    room = guest.call("class_open")
    guest.call("class_show", id=own[-1]["id"], **room)
    page.goto(f"{house.url}class/?c={room['code']}")
    page.get_by_label("呼び名").fill(SCRIPTS[1][:20])
    page.get_by_role("button", name="参加する").click()
    expect(page.locator("button.choice").first).to_be_visible()
    assert runs(page) is None
    visit = guest.call("visit_new")
    guest.call("what_if", id=own[-1]["id"], visit=visit)
    page.set_content(guest.call("visit_export", visit=visit))
    assert runs(page) is None and told == []
    context.close()
