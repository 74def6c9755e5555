"""app.py as it is started: on a Space, with MCP and without what MCP needs; and what lies in
the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

import app
from lawui.errors import HostError
from lawui.lab import Lab
from lawui.ui import access

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 9 * 10**6


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What Gradio is asked to serve; nothing is served and no model loaded."""
    seen: dict[str, Any] = {}

    def launch(self: gr.Blocks, **options: Any) -> None:
        seen.update(options)

    def start(self: Lab) -> None:
        seen["lab"] = self

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gr.Blocks, "launch", launch)
    monkeypatch.setattr(Lab, "start", start)
    monkeypatch.setattr(access, "_check_port", lambda host, port: None)
    for name in ("LAWUI_AUTH", "LAWUI_DATA", "LAWUI_MODEL", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    return seen


def start(monkeypatch: pytest.MonkeyPatch, home: Path, *words: str) -> int:
    given = ["app.py", "--home", str(home), "--model", "embedded", "--offline", *words]
    monkeypatch.setattr(sys, "argv", given)
    return app.main()


def test_a_space_is_a_demo_on_every_address_without_a_log_in(
    launched: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/lawui")
    assert start(monkeypatch, tmp_path) == 0
    lab = launched["lab"]
    assert launched["server_name"] == "0.0.0.0" and launched["auth"] is None
    assert launched["auth_dependency"] is None and not launched["share"]
    assert lab.settings.demo and not lab.people.log_in
    assert not any(lab.people.may(action) for action in ("train", "remove", "own", "forget"))
    assert lab.people.may("score") and lab.keep_days == 1


def test_elsewhere_the_page_is_ones_own_and_at_home(
    launched: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start(monkeypatch, tmp_path, "--mcp", "--keep-days", "7") == 0
    assert launched["server_name"] == "127.0.0.1" and launched["mcp_server"] is True
    assert not launched["lab"].settings.demo and launched["lab"].keep_days == 7


def test_mcp_without_its_library_is_refused_aloud(
    launched: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert start(monkeypatch, tmp_path, "--mcp", "--lang", "en") == 1
    told = capsys.readouterr().err
    assert HostError("host.no_mcp").text("en") in told and "gradio[mcp]" in told
    assert launched == {}, "nothing was begun"
    assert start(monkeypatch, tmp_path) == 0


def test_no_tracked_file_is_too_large_for_a_space() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert len(paths) > 100
    large = {str(p): p.stat().st_size for p in paths if p.is_file() and p.stat().st_size > LARGEST}
    assert large == {}
