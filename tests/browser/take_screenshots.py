"""Pictures for the README: `python tests/browser/take_screenshots.py URL FOLDER [NAME …]`.

Takes them from a running page whose home holds at least one run of training and one score:
each tab in Japanese and English, the tour, a dark one, a telephone's. Each stays below 120 kB.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

LIMIT = 120_000
WAIT = 120_000
ITEM = "sample-094-0"
LANGUAGES = {"ja": "ja-JP", "en": "en-US"}


def ask(page: Page) -> None:
    """The tour's question without the law, then with it: old and new bars."""
    page.check("#ask-evidence input[value=none]")
    page.click("#ask-answer")
    expect(page.locator("#ask-result .lw-result")).to_be_visible(timeout=WAIT)
    page.check("#ask-evidence input[value=given]")
    expect(page.locator("#ask-passages .lw-passage").first).to_be_visible(timeout=WAIT)


def tour(page: Page) -> None:
    """The tour's last step."""
    page.click("#tour-call")
    for _ in range(2):
        page.click("#tour .lw-go")
        page.wait_for_timeout(4_000)
    expect(page.locator("#ask-question .lw-gold")).to_be_visible(timeout=WAIT)


def adapters(page: Page) -> None:
    """The columns that are chosen at first, on one question."""
    page.click("#adapters-compare")
    expect(page.locator("#adapters-side .lw-column").first).to_be_visible(timeout=WAIT)
    page.locator("#adapters-question").evaluate("e => e.scrollIntoView()")


def train(page: Page) -> None:
    """The newest run with its curve."""
    expect(page.locator("#train-curves polyline").first).to_be_visible(timeout=WAIT)


def score(page: Page) -> None:
    """The newest scores, and their comparison in words."""
    expect(page.locator("#score-summary .lw-big")).to_be_visible(timeout=WAIT)


def small(picture: bytes) -> bytes:
    """The PNG with as many colours as fit below the limit."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for colours in (256, 128, 64, 32):
        out = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() < LIMIT:
            break
    return out.getvalue()


def shots() -> list[tuple[str, str, str, int, Callable[[Page], None]]]:
    """(name, language, colour scheme, width, preparation) of each picture."""
    tabs = (ask, adapters, train, score)
    found: list[Any] = [
        (f"{tab.__name__}-{lang}", lang, "light", 1280, tab) for lang in LANGUAGES for tab in tabs
    ]
    found += [("tour-ja", "ja", "light", 1280, tour), ("tour-en", "en", "light", 1280, tour)]
    found += [("score-dark-ja", "ja", "dark", 1280, score)]
    return [*found, ("phone-ja", "ja", "light", 375, tour), ("phone-en", "en", "dark", 375, tour)]


def main(url: str, folder: Path, names: Sequence[str] = ()) -> None:
    """Write FOLDER/NAME.png for every picture of `shots`, or for those of `names`."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, lang, scheme, width, prepare in shots():
            if names and name not in names:
                continue
            size = {"width": width, "height": 720 if width < 500 else 960}
            context = browser.new_context(
                locale=LANGUAGES[lang], viewport=size, color_scheme=scheme
            )
            context.add_init_script("localStorage.setItem('lawui.tour', 'seen')")
            page = context.new_page()
            tab = prepare.__name__ if prepare is not tour else "ask"
            page.goto(f"{url}?tab={tab}&q={ITEM}&item={ITEM}")
            page.wait_for_function("window.lawuiOpened", timeout=WAIT)
            expect(page.locator(f"#tab-{tab}")).to_be_visible(timeout=WAIT)
            prepare(page)
            page.mouse.move(0, 0)
            page.wait_for_timeout(1_000)
            (folder / f"{name}.png").write_bytes(small(page.screenshot()))
            context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
