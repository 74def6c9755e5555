"""Fetching a real model: the hub's own client against a hub of this machine."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from huggingface_hub import constants

from lawui import bases
from lawui.bases import OFFERED
from lawui.errors import HostError, UsageError
from lawui.lab import Lab, Settings
from lawui.model.load import EMBEDDED_FOLDER
from lawui.ui import offer

MODEL = OFFERED[0].id
COMMIT = "1" * 40


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as its client asks for: one model, whose files are the embedded
    one's, and a pickle that nobody may fetch."""

    asked: list[str]

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.asked.append(path)
        if path.startswith(f"/api/models/{MODEL}"):
            files = [p.name for p in EMBEDDED_FOLDER.iterdir()] + ["pytorch_model.bin"]
            found: object = {
                "id": MODEL,
                "sha": COMMIT,
                "siblings": [{"rfilename": f} for f in files],
            }
            if "/tree/" in path:
                found = [{"type": "file", "path": f, "size": 9, "oid": COMMIT} for f in files]
            return self._send(json.dumps(found).encode(), {"Content-Type": "application/json"})
        file = EMBEDDED_FOLDER / path.rpartition("/")[2]
        if "/resolve/" not in path or not file.is_file():
            return self._send(b"", {"X-Error-Code": "EntryNotFound"}, 404)
        body = file.read_bytes()
        tag = hashlib.sha256(body).hexdigest()
        return self._send(body, {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT})

    def _send(self, body: bytes, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The addresses that were asked for at the hub that the client now knows."""
    handler = type("Handler", (Hub,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield handler.asked  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


def lab_of(home: Path, **more: object) -> Lab:
    return Lab(Settings(home=home, model="auto", **more))  # type: ignore[arg-type]


def ended(lab: Lab) -> bases.BaseJob:
    deadline = time.monotonic() + 60
    while lab.bases.job.state == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
    return lab.bases.job


def test_a_model_is_fetched_and_answers_then(hub: list[str], tmp_path: Path) -> None:
    lab = lab_of(tmp_path)
    assert lab.choice.embedded and offer.shown(lab)
    lab.bases.start(MODEL)
    assert lab.bases.job.state in ("running", "done")
    job = ended(lab)
    assert job.state == "done", job.error
    weights = [p for p in EMBEDDED_FOLDER.iterdir() if p.suffix in (".json", ".safetensors")]
    assert job.done == job.total >= sum(p.stat().st_size for p in weights)
    assert lab.choice.name == MODEL and not lab.choice.embedded and not offer.shown(lab)
    assert "research licence" in lab.choice.licence
    assert not [path for path in hub if path.endswith("pytorch_model.bin")]
    for lang in ("ja", "en"):
        assert MODEL in offer.job_html(job, lang)


def test_a_hub_that_is_not_there_is_said_in_words(
    hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    lab = lab_of(tmp_path)
    lab.bases.start(MODEL)
    job = ended(lab)
    assert job.state == "failed" and job.error is not None and job.error.key == "base.failed"
    assert "接続を確かめて" in offer.job_html(job, "ja") and "Traceback" not in str(job.error)
    assert lab.choice.embedded  # what answered goes on answering


def test_nothing_goes_out_where_nothing_may(hub: list[str], tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            patch.setenv(name, "0")  # put back afterwards, whatever the lab sets
        lab = lab_of(tmp_path, offline=True)
    with pytest.raises(HostError, match="offline"):
        lab.bases.start(MODEL)
    assert "--offline" in offer.offer_html(lab, "ja")
    demo = Lab(Settings(home=tmp_path, demo=True))
    with pytest.raises(UsageError):
        demo.bases.start(MODEL)
    with pytest.raises(UsageError):
        lab_of(tmp_path).bases.start("somebody/else")
    assert hub == []


def test_the_offer_tells_size_and_licence() -> None:
    running = bases.BaseJob("running", MODEL, 1_000_000_000, 3_700_000_000, 95.0)
    assert "1,000" in offer.job_html(running, "ja") and "残り約 1 分 35 秒" in offer.job_html(
        running, "ja"
    )
    assert [size for size, _ in offer.choices("en")] == [
        "Qwen/Qwen1.5-1.8B-Chat (about 3.7 GB)",
        "Qwen/Qwen2.5-1.5B-Instruct (about 3.1 GB)",
    ]
