"""How soon the page is there: `python tests/browser/measure_page.py URL [--json]`.

From a running, warm page: bytes and requests of a first visit, first contentful paint and the
moment when Answer can be pressed, the time from a press on a tab until it is drawn, and the
frames while a table of 1,000 rows scrolls. Not a test: a busy machine is slow.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

VISITS = 5
TABS = ("adapters", "train", "score", "ask")
ROWS = 1_000
WAIT = 60_000

PAINT = """() => new Promise((done) => new PerformanceObserver((list) => {
  const found = list.getEntriesByName("first-contentful-paint");
  if (found.length) done(found[0].startTime);
}).observe({ type: "paint", buffered: true }))"""

# Two frames after the press: what it changed has been drawn.
SWITCH = """(tab) => new Promise((done) => {
  const began = performance.now();
  document.getElementById(`tab-${tab}-button`).click();
  const look = () => document.getElementById(`tab-${tab}`)?.offsetParent
    ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)))
    : requestAnimationFrame(look);
  look();
})"""

SCROLL = """async (rows) => {
  const body = document.querySelector("#score-items tbody");
  const first = [...body.rows];
  for (let n = first.length; n < rows; n++) body.append(first[n % first.length].cloneNode(true));
  const box = body.closest(".lw-table");
  box.scrollIntoView();
  const frames = [];
  let last = await new Promise(requestAnimationFrame);
  for (let n = 0; n < 120; n++) {
    box.scrollTop += 60;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  return frames;
}"""


def first_visit(browser: Any, url: str) -> tuple[Page, dict[str, float]]:
    """A visit with an empty cache: the page, and what it took."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script("localStorage.setItem('lawui.tour', 'seen')")
    page = context.new_page()
    client = context.new_cdp_session(page)
    client.send("Network.enable")
    sizes: list[float] = []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(url, wait_until="commit")
    expect(page.locator("#ask-answer")).to_be_visible(timeout=WAIT)
    ready = page.evaluate("performance.now()")
    paint = page.evaluate(PAINT)
    page.wait_for_function("window.lawuiOpened")
    return page, {"paint": paint, "ready": ready, "bytes": sum(sizes), "requests": len(sizes)}


def measure(url: str) -> dict[str, Any]:
    """Medians in milliseconds, and the slowest of each."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        first_visit(browser, url)[0].context.close()  # the server's own first time
        visits = []
        for _ in range(VISITS):
            page, visit = first_visit(browser, url)
            visits.append(visit)
            if len(visits) < VISITS:
                page.context.close()
        for tab in TABS:  # each tab is built when it is first opened
            page.evaluate(SWITCH, tab)
            page.wait_for_timeout(500)
        switches = [page.evaluate(SWITCH, tab) for _ in range(5) for tab in TABS]
        found = {
            "first_paint_ms": _of([v["paint"] for v in visits]),
            "answer_visible_ms": _of([v["ready"] for v in visits]),
            "kilobytes": round(visits[-1]["bytes"] / 1e3),
            "requests": visits[-1]["requests"],
            "tab_switch_ms": _of(switches),
        }
        page.evaluate(SWITCH, "score")
        if page.locator("#score-items tbody tr").count():
            frames = page.evaluate(SCROLL, ROWS)
            slow = sum(frame > 50 for frame in frames)
            found["scroll_frame_ms"] = {**_of(frames), "over_50_ms": slow, "frames": len(frames)}
        browser.close()
    return found


def _of(times: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(times), 1), "worst": round(max(times), 1)}


if __name__ == "__main__":
    shown = measure(sys.argv[1])
    print(json.dumps(shown, indent=None if "--json" in sys.argv else 2))
