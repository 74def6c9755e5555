"""docs/deploy: what the pages tell people to type is typed here, or marked where it is not.

A block of shell is run line by line unless its first line says `not run here` and why; then it
is only read by the shell's own parser. `python -m lawui` runs as it stands; `python app.py` is
taken as far as its Lab, because tests/browser start the page itself.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import app
from lawui import __main__ as command_line
from lawui.bench.loopback import Loopback
from lawui.model import address, load
from lawui.ui import access

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "deploy"
PAGES = ("laptop.md", "gpu-server.md", "several-servers.md", "space.md")
HERE = "http://127.0.0.1:8000/v1#base"
"""The model server of the pages; the tests put one of their own in its place."""


@dataclass(frozen=True)
class Block:
    page: str
    text: str

    @property
    def run(self) -> bool:
        return not self.text.startswith("# not run here: ")

    @property
    def commands(self) -> list[str]:
        joined = self.text.replace("\\\n", " ")
        return [line for line in joined.splitlines() if line and not line.startswith("#")]


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = (FOLDER / page).read_text("utf-8")
        for indent, body in re.findall(r"^( *)```sh\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE):
            lines = (line.removeprefix(indent) for line in body.splitlines())
            found.append(Block(page, "\n".join(lines).strip()))
    return found


RUN = [(block.page, line) for block in blocks() if block.run for line in block.commands]


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    made = Loopback(["base"], adapters=["sample-given"], loads=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_every_page_says_what_to_type() -> None:
    found = blocks()
    assert {block.page for block in found} == set(PAGES) == {p.name for p in FOLDER.glob("*.md")}
    assert any(block.run for block in found) and any(not block.run for block in found)
    for page in PAGES:  # no shell that this test would not see
        text = (FOLDER / page).read_text("utf-8")
        assert len(re.findall(r"^ *```\w", text, re.MULTILINE)) == sum(
            block.page == page for block in found
        )


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.page)
def test_the_shell_understands_it(block: Block) -> None:
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)


@pytest.mark.parametrize(("page", "line"), RUN)
def test_what_is_typed_works(
    page: str,
    line: str,
    server: Loopback,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAWUI_API_KEY", "sk-of-the-test")
    words = shlex.split(line.replace(HERE, f"{server.url}#base"))
    if words[0] == "echo":  # echo TEXT | COMMAND [> FILE]
        said, _, words = words[1], words.pop(2), words[2:]
        monkeypatch.setattr(sys, "stdin", io.StringIO(said + "\n"))
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        monkeypatch.setenv(name, value)
    target = tmp_path / words[words.index(">") + 1] if ">" in words else None
    words = words[: words.index(">")] if target else words
    if words[:3] == ["python", "-m", "lawui"]:
        assert command_line.main(["--home", str(home), *words[3:]]) == 0
        out = capsys.readouterr().out
        assert out if "user" in words else "{" in out or ":" in out
    else:
        assert words[:2] == ["python", "app.py"], f"{page}: {line}"
        _settings_of_the_page(words, tmp_path, monkeypatch)


def _settings_of_the_page(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The arguments, the model and the log-in that app.py would start with."""
    (folder / "users.txt").write_text("reader hanako:a long password\n")
    monkeypatch.setattr(sys, "argv", words[1:])
    monkeypatch.setattr(access, "_check_port", lambda host, port: None)
    monkeypatch.delenv("LAWUI_AUTH", raising=False)
    arguments = app._arguments()
    choice = load.choose(arguments.model, offline=arguments.offline)
    assert choice.why("ja")
    people = access.people(arguments.auth_file, arguments.auth_header, arguments.demo)
    access.options(
        arguments.host,
        arguments.port,
        people,
        auth_header=arguments.auth_header,
        share=arguments.share,
        offline=arguments.offline,
    )
    return arguments


# -- the compose file and the proxy


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
    named = {
        volume.split(":")[0]
        for service in values["services"].values()
        for volume in service.get("volumes", ())
        if not volume.startswith(".")
    }
    assert named == set(values["volumes"])
    found: dict[str, Any] = values["services"]
    return found


def test_the_page_of_the_compose_file_starts(
    services: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(services["app"]["command"])
    words[words.index("/users.txt")] = str(tmp_path / "users.txt")
    arguments = _settings_of_the_page(words, tmp_path, monkeypatch)
    model = address.parse(arguments.model)
    host, _, port = model.url.split("/")[2].partition(":")
    served = shlex.split(services[host]["command"])
    assert served[served.index("--port") + 1] == port
    assert served[served.index("--served-model-name") + 1] == model.model
    assert arguments.chroma_url.split("/")[2].split(":")[0] in services
    mounted = [v.split(":")[1] for v in services["app"]["volumes"]]
    assert str(arguments.home) in mounted and str(arguments.data) in mounted
    # One folder of adapters by one path for both, or loading them by path means nothing.
    folder = f"adapters:{arguments.home}/adapters"
    assert folder in services["app"]["volumes"] and f"{folder}:ro" in services[host]["volumes"]
    for service in ("app", host):  # the key comes from outside, and both have the same
        assert any("${LAWUI_API_KEY:?" in str(v) for v in services[service]["environment"].values())


def test_nobody_reaches_the_page_but_through_the_proxy(
    services: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(services["app"]["command"])
    words[words.index("/users.txt")] = str(tmp_path / "users.txt")
    arguments = _settings_of_the_page(words, tmp_path, monkeypatch)
    assert arguments.host == "127.0.0.1" and services["proxy"]["network_mode"] == "service:app"
    assert set(services["app"]["ports"]) == {"80:80", "443:443"}
    assert not any("ports" in services[name] for name in ("vllm", "chroma", "proxy"))
    caddy = (FOLDER / "Caddyfile").read_text("utf-8")
    assert f"reverse_proxy {arguments.host}:{arguments.port} {{" in caddy
    assert f"header_up {arguments.auth_header} {{http.auth.user.id}}" in caddy
    assert caddy.count("{") == caddy.count("}")
    mounted = {v.split(":")[1] for v in services["proxy"]["volumes"]}
    assert set(re.findall(r"import (\S+)", caddy)) < mounted
