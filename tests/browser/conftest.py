"""A real app.py on a free port, a real browser, and the command line beside them.

site      the running page: its address and its home
command   the command line on the same home: command("ask", …) -> its JSON
visit     opens the page as a new visitor in a language, width and colour scheme; only a
          `newcomer` is met by the tour; without `settled` he does something at once
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
HELP = (
    "The browser tests need Debian's package chromium (sudo apt-get install chromium) and a "
    "Japanese font (sudo apt-get install fonts-noto-cjk)."
)
# A browser that calls nobody by itself, so that every request seen is the page's own.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 120
"""Seconds for anything that asks the model: two busy cores."""

expect.set_options(timeout=PATIENCE * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Site:
    """The page under test."""

    url: str
    home: Path


@dataclass
class Visitor:
    """A browser window with what it complained about and what it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def reload(self) -> None:
        """Leave and come back. The page that is left drops its open streams; that alone
        may be complained about."""
        before = len(self.complaints)
        self.page.reload()
        expect(self.page.locator("#about dl")).to_be_visible()
        self.page.wait_for_function("window.lawuiOpened")
        left = ("AbortError", "errored out")
        fresh = [c for c in self.complaints[before:] if not any(word in c for word in left)]
        self.complaints[before:] = fresh

    def tab(self, name: str) -> None:
        self.page.click(f"#tab-{name}-button")

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """What server and command line see: no data of the user, no network, few threads."""
    kept = {k: v for k, v in os.environ.items() if k not in ("LAWUI_DATA", "SPACE_ID")}
    return {**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Site]:
    """app.py in a process of its own."""
    with serve(tmp_path_factory.mktemp("home"), environment) as running:
        yield running


@contextmanager
def serve(home: Path, environment: dict[str, str], *more: str) -> Iterator[Site]:
    """app.py on a free port, with `more` on its command line; no traceback in its log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = home / "app.log"
    words = ["--port", str(port), "--home", str(home), "--model", "embedded", "--offline", *more]
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py"), *words],
            cwd=home,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait(url, process, log)
        yield Site(url, home)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text("utf-8"), log.read_text("utf-8")[-4000:]


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"app.py did not answer:\n{log.read_text('utf-8')[-4000:]}")


@pytest.fixture(scope="session")
def command(site: Site, environment: dict[str, str]) -> Callable[..., dict[str, Any]]:
    """`python -m lawui` on the home of the page."""

    def run(*words: str) -> dict[str, Any]:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "lawui", "--home", str(site.home)),
                *("--model", "embedded", "--offline", *words, "--json"),
            ],
            cwd=site.home,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 3,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium; without it these tests fail and say how to get it."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail(HELP)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Open the page; afterwards nobody may have seen an error in the console."""
    contexts, visitors = [], []

    def go(
        lang: str = "ja-JP",
        width: int = 1440,
        scheme: str = "light",
        address: str = "",
        newcomer: bool = False,
        settled: bool = True,
    ) -> Visitor:
        context = browser.new_context(
            locale=lang, viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        if not newcomer:  # the tour starts by itself at a first visit alone
            context.add_init_script("localStorage.setItem('lawui.tour', 'seen')")
        contexts.append(context)
        visitor = Visitor(context.new_page())
        visitors.append(visitor)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        visitor.page.on(
            "console", lambda m: visitor.complaints.append(m.text) if m.type == "error" else None
        )
        visitor.page.on("request", lambda request: visitor.requests.append(request.url))
        visitor.page.goto(site.url + address)
        # Drawn by the page's opening event: from here on every event is wired.
        expect(visitor.page.locator("#about dl")).to_be_visible()
        if settled:  # ... and what the last visit left is back
            visitor.page.wait_for_function("window.lawuiOpened")
        return visitor

    yield go
    for context in contexts:
        context.close()
    for visitor in visitors:
        assert visitor.complaints == []
