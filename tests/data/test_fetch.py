"""fetch against a real HTTP server on this machine: slow, truncated, failing, interrupted."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from lawui.data.fetch import SHA256, Manners, fetch
from lawui.data.statutes import read_folder
from lawui.errors import DataError, HostError, UsageError

QUICK = Manners(pause=0.0, tries=3, backoff=0.01, timeout=1.0, deadline=3.0)
LAWS = ("401AC0000000001", "402AC0000000002")
LAW_LIST = [
    {"title": "甲法", "url": f"https://laws.e-gov.go.jp/law/{LAWS[0]}"},
    {"title": "乙法", "url": f"https://laws.e-gov.go.jp/law/{LAWS[1]}"},
    {"title": "指針", "url": "https://www.example.go.jp/guide.pdf"},
]
QUESTIONS = {
    "law_list.json": json.dumps(LAW_LIST, ensure_ascii=False).encode(),
    "selection.json": b'{"samples": []}',
}
HASHES = {name: hashlib.sha256(body).hexdigest() for name, body in QUESTIONS.items()}


def law_xml(law_id: str, text: str = "この法律は、試験のためのものである。") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<law_data_response>
  <law_info><law_id>{law_id}</law_id></law_info>
  <revision_info><law_revision_id>{law_id}_20240401_505AC0000000009</law_revision_id></revision_info>
  <law_full_text><Law Era="Heisei" LawType="Act" Num="001" Year="01"><LawBody>
    <LawTitle>甲法</LawTitle>
    <MainProvision><Article Num="1"><ArticleTitle>第一条</ArticleTitle><Paragraph Num="1">
      <ParagraphNum/><ParagraphSentence><Sentence>{text}</Sentence></ParagraphSentence>
    </Paragraph></Article></MainProvision>
  </LawBody></Law></law_full_text>
</law_data_response>""".encode()


class Server:
    """Serves questions and laws; `faults[path]` is a list of how to fail, used up in turn."""

    def __init__(self) -> None:
        self.laws = {law_id: law_xml(law_id) for law_id in LAWS}
        self.faults: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()
        self.queries: list[str] = []
        self.times: list[float] = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        path, _, query = request.path.partition("?")
        name = path.rsplit("/", 1)[1]
        self.asked[name] += 1
        self.queries.append(query)
        self.times.append(time.monotonic())
        body = QUESTIONS.get(name) or self.laws.get(name)
        fault = self.faults[name].pop(0) if self.faults.get(name) else ""
        if fault.isdigit() or body is None:
            request.send_response(int(fault or 404))
            request.end_headers()
            return
        request.send_response(200)
        if fault != "cut without length":
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if fault == "hang":
            time.sleep(1.5)
        elif fault == "drip":
            for byte in body[:40]:
                request.wfile.write(bytes([byte]))
                time.sleep(0.15)
        elif fault.startswith("cut"):
            request.wfile.write(body[: len(body) // 2])
        elif fault == "other":
            request.wfile.write(b"x" * len(body))
        else:
            request.wfile.write(body)

    def fetch(self, folder: Path, **changes: object) -> dict:
        arguments = {
            "base_url": f"{self.url}/api/2",
            "questions_url": f"{self.url}/data",
            "sha256": HASHES,
            "manners": QUICK,
        } | changes
        return fetch(folder, **arguments)  # type: ignore[arg-type]


@pytest.fixture
def server():
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def test_everything_arrives_and_the_statutes_can_be_read(server: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    result = server.fetch(tmp_path, asof="2024-05-01", progress=lambda *now: told.append(now))
    assert result["fetched"] == [*QUESTIONS, *LAWS]
    assert result["kept"] == []
    assert [law["law_id"] for law in result["laws"]] == list(LAWS)
    assert result["laws"][0]["revision"] == "20240401_505AC0000000009"
    assert set(server.queries) == {"", "asof=2024-05-01&response_format=xml"}
    assert told[-1] == ("", 4, 4)
    articles = read_folder(tmp_path)
    assert [a.law_id for a in articles] == list(LAWS)
    assert articles[0].asof == "2024-05-01"
    assert articles[0].url.endswith("/20240401_505AC0000000009#Mp-At_1")


def test_what_is_there_and_whole_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.fetch(tmp_path)
    server.asked.clear()
    again = server.fetch(tmp_path)
    assert not server.asked
    assert again["kept"] == [*QUESTIONS, *LAWS]
    assert again["laws"][0]["articles"] == 1

    damaged = tmp_path / "statutes" / f"{LAWS[0]}.xml"
    damaged.write_bytes(damaged.read_bytes()[:100])
    (tmp_path / "lawqa_jp" / "selection.json").write_bytes(b"{")
    assert server.fetch(tmp_path)["fetched"] == ["selection.json", LAWS[0]]
    assert server.fetch(tmp_path, asof="2025-01-01")["fetched"] == list(LAWS)


def test_a_run_that_was_killed_is_taken_up(server: Server, tmp_path: Path) -> None:
    server.faults[LAWS[1]] = ["hang"]
    code = (
        "import sys; from pathlib import Path; from lawui.data.fetch import fetch; "
        f"fetch(Path({str(tmp_path)!r}), base_url={server.url + '/api/2'!r}, "
        f"questions_url={server.url + '/data'!r}, sha256={HASHES!r})"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    while not server.asked[LAWS[1]]:
        assert child.poll() is None
        time.sleep(0.02)
    child.kill()
    child.wait()
    server.asked.clear()
    assert server.fetch(tmp_path)["fetched"] == [LAWS[1]]
    assert dict(server.asked) == {LAWS[1]: 1}


def test_further_laws_by_id(server: Server, tmp_path: Path) -> None:
    extra = "403AC0000000003"
    server.laws[extra] = law_xml(extra)
    assert extra in server.fetch(tmp_path, laws=[extra, LAWS[0]])["fetched"]
    assert server.asked[LAWS[0]] == 1


@pytest.mark.parametrize(
    "fault", ["500", "503", "429", "cut", "cut without length", "hang", "other", "drip"]
)
def test_a_passing_fault_is_tried_again(server: Server, tmp_path: Path, fault: str) -> None:
    server.faults[LAWS[1]] = [fault]
    manners = Manners(pause=0.0, tries=2, backoff=0.01, timeout=1.0, deadline=1.0)
    result = server.fetch(tmp_path, manners=manners)
    assert result["fetched"][-1] == LAWS[1]
    assert server.asked[LAWS[1]] == 2
    assert (tmp_path / "statutes" / f"{LAWS[1]}.xml").read_bytes() == server.laws[LAWS[1]]


def test_a_lasting_fault_keeps_what_came_and_the_next_run_goes_on(
    server: Server, tmp_path: Path
) -> None:
    server.faults[LAWS[1]] = ["503"] * QUICK.tries
    with pytest.raises(HostError) as caught:
        server.fetch(tmp_path)
    assert caught.value.key == "data.network"
    assert "503" in caught.value.text("ja")
    assert not list(tmp_path.rglob(f"*{LAWS[1]}*"))
    server.asked.clear()
    assert server.fetch(tmp_path)["fetched"] == [LAWS[1]]
    assert dict(server.asked) == {LAWS[1]: 1}


def test_an_answer_that_is_no_law_or_another_law_is_never_kept(
    server: Server, tmp_path: Path
) -> None:
    server.laws[LAWS[0]] = b"<html><body>maintenance</body></html>"
    with pytest.raises(DataError) as caught:
        server.fetch(tmp_path)
    assert caught.value.key == "data.bad_answer"
    server.laws[LAWS[0]] = law_xml(LAWS[1])
    with pytest.raises(DataError) as caught:
        server.fetch(tmp_path)
    assert caught.value.key == "data.wrong_law"
    assert not (tmp_path / "statutes").exists()


def test_a_file_with_another_hash_is_never_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        server.fetch(tmp_path, sha256={**HASHES, "selection.json": "0" * 64})
    assert caught.value.key == "data.bad_checksum"
    assert not (tmp_path / "lawqa_jp" / "selection.json").exists()


def test_an_unknown_law_is_named_after_the_others_came(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        server.fetch(tmp_path, laws=["499AC0000000999"])
    assert caught.value.key == "data.unknown_law"
    assert "499AC0000000999" in str(caught.value)
    assert {p.stem for p in (tmp_path / "statutes").glob("*.xml")} == set(LAWS)


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"asof": "2024-13-01"}, "data.bad_date"),
        ({"asof": "20241231"}, "data.bad_date"),
        ({"laws": ["../../etc/passwd"]}, "data.bad_law_id"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_asked(
    server: Server, tmp_path: Path, arguments: dict, key: str
) -> None:
    with pytest.raises(UsageError) as caught:
        server.fetch(tmp_path, **arguments)
    assert caught.value.key == key
    assert not server.asked


def test_offline_asks_nothing_and_says_what_to_do(server: Server, tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        server.fetch(tmp_path, offline=True)
    assert caught.value.key == "data.offline"
    assert "--offline" in caught.value.text("ja")
    assert not server.asked
    server.fetch(tmp_path)
    server.asked.clear()
    assert server.fetch(tmp_path, offline=True)["kept"] == [*QUESTIONS, *LAWS]
    assert not server.asked


def test_no_connection_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        fetch(tmp_path, questions_url="http://127.0.0.1:9/data", manners=QUICK)
    assert caught.value.key == "data.network"


def test_requests_to_e_gov_keep_their_distance(server: Server, tmp_path: Path) -> None:
    server.fetch(tmp_path, manners=Manners(pause=0.3, tries=1))
    law_times = server.times[-2:]
    assert law_times[1] - law_times[0] >= 0.29


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_a_clear_error(server: Server, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(HostError) as caught:
        server.fetch(tmp_path)
    tmp_path.chmod(0o700)
    assert caught.value.key == "data.cannot_write"


def test_a_file_in_the_way_is_a_clear_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "lawqa_jp").write_text("a file, not a folder")
    with pytest.raises(HostError) as caught:
        server.fetch(tmp_path)
    assert caught.value.key == "data.cannot_write"


def test_the_real_laws_come_through_the_same_way(
    server: Server, tmp_path: Path, lawui_data: Path
) -> None:
    ids = ("403AC0000000090", "335AC0000000145")
    for law_id in ids:
        server.laws[law_id] = (lawui_data / "egov_xml" / f"{law_id}.xml").read_bytes()
    result = server.fetch(tmp_path, laws=ids)
    counts = {law["law_id"]: law["articles"] for law in result["laws"]}
    assert counts[ids[0]] == 91
    assert counts[ids[1]] > 600


def test_the_pinned_hashes_are_those_of_the_published_files(lawui_data: Path) -> None:
    for name, sha in SHA256.items():
        body = (lawui_data / "lawqa_jp" / name).read_bytes()
        assert hashlib.sha256(body).hexdigest() == sha
