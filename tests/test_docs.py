"""docs/teachers.md and docs/programmers.md: what they tell people to type is typed here.

Lines of shell run as in tests/test_deploy.py; blocks of Python run one after the other against
a page that is served in this process. A block whose first line says `not run here` is only
read by the language's own parser.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import app
from lawui import __main__ as command_line
from lawui.readers.people import People
from lawui.ui import access, class_text
from tests.serving import House, opened

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("teachers.md", "programmers.md")
NOT_RUN = "# not run here: "


def blocks(language: str) -> list[str]:
    found = []
    for page in PAGES:
        text = (ROOT / "docs" / page).read_text("utf-8")
        found += re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return found


LINES = [
    line
    for block in blocks("sh")
    if not block.startswith(NOT_RUN)
    for line in block.splitlines()
    if line and not line.startswith("#")
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    people = People(who=access.who, a_minute={})
    with opened(tmp_path_factory.mktemp("docs"), people, mcp=True) as served:
        yield served


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_there_is_something_to_type_and_no_other_language() -> None:
    assert len(LINES) > 8 and len(blocks("python")) > 4
    for page in PAGES:
        text = (ROOT / "docs" / page).read_text("utf-8")
        assert set(re.findall(r"^```(\w+)", text, re.MULTILINE)) <= {"sh", "python"}


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_shell_works(
    line: str,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    subprocess.run(["bash", "-n"], input=line, text=True, check=True)
    monkeypatch.chdir(tmp_path)
    for name in ("LAWUI_AUTH", "LAWUI_DATA"):
        monkeypatch.delenv(name, raising=False)
    words = shlex.split(line)
    if words[0] == "echo":  # echo TEXT | COMMAND
        monkeypatch.setattr(sys, "stdin", io.StringIO(words[1] + "\n"))
        words = words[3:]
    if ">" in words:
        words = words[: words.index(">")]
    if words[:2] == ["python", "app.py"]:
        monkeypatch.setattr(sys, "argv", words[1:])
        monkeypatch.setattr(access, "_check_port", lambda host, port: None)
        (tmp_path / "users.txt").write_text("reviewer 山田先生:a long password\n")
        arguments = app._arguments()
        people = access.people(arguments.auth_file, arguments.auth_header, arguments.demo)
        assert access.options(arguments.host, arguments.port, people)["server_name"]
        assert access.mcp(arguments.mcp) == arguments.mcp
        return
    assert words[:3] == ["python", "-m", "lawui"], line
    assert command_line.main(["--home", str(home), "--model", "embedded", *words[3:]]) == 0
    assert capsys.readouterr().out


def test_the_python_works_as_it_stands(house: House) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    for block in blocks("python"):
        code = block.replace("http://127.0.0.1:7860/", house.url)
        if block.startswith(NOT_RUN):
            ast.parse(code)
            continue
        # In a thread of its own: a browser's tests may have left a loop running in this one.
        with contextlib.redirect_stdout(printed), ThreadPoolExecutor(1) as thread:
            thread.submit(exec, compile(code, "docs", "exec"), names).result()
    names["client"].close()
    assert names["answer"]["choice"] in "abcd" and len(names["answer"]["orders"]) == 4
    assert names["summary"]["total"] == 4 and names["kept"]["marks"] == 0
    assert names["kept"]["questions"] == 1 and house.lab.kept("").total == 0
    told = printed.getvalue()
    assert "条例第" in told and "条文どおり" in told
    assert "['ask', 'search', 'score', 'compare']" in told


def test_a_teacher_finds_the_words_of_the_page() -> None:
    text = (ROOT / "docs" / "teachers.md").read_text("utf-8")
    shown = " ".join(ja for ja, _ in class_text.TEXT.values())
    for words in re.findall(
        r"「([^「」]+)」", text.partition("## 困った")[0].partition("授業の流れ")[2]
    ):
        plain = re.split("[…○]", words)[0].strip()
        assert plain in shown or plain == "質問する", words
