"""Pictures of each tab for the README: `python tests/browser/take_screenshots.py URL FOLDER`.

Takes them from a running page whose home holds at least one score and one adapter, in
Japanese and English, and keeps each below 200 kB.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

LIMIT = 200_000
WAIT = 120_000
LANGUAGES = {"ja": "ja-JP", "en": "en-US"}


def ask(page: Page) -> None:
    """The answer without the law, then with it: old and new bars, marked passages."""
    page.click("#ask-answer")
    expect(page.locator("#ask-result .lw-result")).to_be_visible(timeout=WAIT)
    page.check("#ask-evidence input[value=retrieved]")
    expect(page.locator("#ask-passages .lw-passage").first).to_be_visible(timeout=WAIT)


def adapters(page: Page) -> None:
    """The columns that are chosen at first, on one question."""
    page.click("#adapters-compare")
    expect(page.locator("#adapters-side .lw-column").first).to_be_visible(timeout=WAIT)


def train(page: Page) -> None:
    """The newest run with its curve."""
    expect(page.locator("#train-curves polyline").first).to_be_visible(timeout=WAIT)


def score(page: Page) -> None:
    """The newest score in words."""
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


def main(url: str, folder: Path) -> None:
    """Write FOLDER/TAB-LANG.png for the four tabs and two languages, and the phone's view."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for lang, locale in LANGUAGES.items():
            for prepare in (ask, adapters, train, score):
                name = prepare.__name__
                size = {"width": 1280, "height": 1000}
                page = browser.new_context(locale=locale, viewport=size).new_page()
                page.goto(f"{url}?tab={name}")
                expect(page.locator("#about dl")).to_be_visible(timeout=WAIT)
                expect(page.locator(f"#tab-{name}")).to_be_visible(timeout=WAIT)
                prepare(page)
                page.mouse.move(0, 0)
                page.wait_for_timeout(800)
                (folder / f"{name}-{lang}.png").write_bytes(small(page.screenshot()))
                page.context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
