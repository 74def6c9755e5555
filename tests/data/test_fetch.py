"""fetch against a real HTTP server on this machine: slow, truncated, failing, interrupted."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from lawui.data.fetch import LOOKUPS, SHA256, Manners, fetch
from lawui.data.statutes import CHANGED, changed, read_folder
from lawui.errors import DataError, HostError, LabError, UsageError

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


ERRORS = {
    "json 200": (200, {"code": "500001", "message": "サーバ内処理で異常が発生しました。"}),
    "json 400": (400, {"code": "400004", "message": "日付（asof等）が誤っています。"}),
    "json 404": (404, {"code": "404001", "message": "該当するデータはありません。"}),
}
PRESENT = "omit_amendment_suppl_provision=true&response_format=xml"
PAGE = b"<!DOCTYPE html>\n<html><body>maintenance</body></html>"


def law_xml(
    law_id: str, text: str = "この法律は、試験のためのものである。", title: str = "甲法"
) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<law_data_response>
  <law_info><law_id>{law_id}</law_id></law_info>
  <revision_info><law_revision_id>{law_id}_20240401_505AC0000000009</law_revision_id></revision_info>
  <law_full_text><Law Era="Heisei" LawType="Act" Num="001" Year="01"><LawBody>
    <LawTitle>{title}</LawTitle>
    <MainProvision><Article Num="1"><ArticleTitle>第一条</ArticleTitle><Paragraph Num="1">
      <ParagraphNum/><ParagraphSentence><Sentence>{text}</Sentence></ParagraphSentence>
    </Paragraph></Article></MainProvision>
  </LawBody></Law></law_full_text>
</law_data_response>""".encode()


class Server:
    """Serves questions and laws; `faults[path]` is a list of how to fail, used up in turn."""

    def __init__(self) -> None:
        self.laws = {law_id: law_xml(law_id) for law_id in LAWS}
        # what is in force now, where it differs; asked for without a date
        self.present: dict[str, bytes] = {}
        self.asked_present: Counter[str] = Counter()
        self.faults: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()
        self.queries: list[str] = []
        self.times: list[float] = []
        # law id, number, title, status, day of repeal: what the search of laws finds
        self.catalogue: list[tuple[str, str, str, str, str | None]] = []
        self.empty_is_404 = False
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
        now = name in self.laws and "asof=" not in query
        key = f"{name} now" if now else name
        (self.asked_present if now else self.asked)[name] += 1
        self.queries.append(query)
        self.times.append(time.monotonic())
        body = QUESTIONS.get(name) or (self.laws | (self.present if now else {})).get(name)
        status = 200
        if name == "laws":
            found = self.search({key: value[0] for key, value in parse_qs(query).items()})
            body = json.dumps(found, ensure_ascii=False).encode()
            status = 404 if "code" in found else 200
        fault = self.faults[key].pop(0) if self.faults.get(key) else ""
        if fault in ERRORS:
            status, said = ERRORS[fault]
            body = json.dumps(said, ensure_ascii=False).encode()
        elif fault.startswith("html"):
            status, body = int(fault.removeprefix("html")), PAGE
        if fault.isdigit() or body is None:
            request.send_response(int(fault or 404))
            request.end_headers()
            return
        request.send_response(status)
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

    def search(self, query: dict[str, str]) -> dict:
        """As e-Gov's /laws answers: any part of a number or title matches."""
        hits = [
            {
                "law_info": {"law_id": law_id, "law_num": number},
                "revision_info": {
                    "law_title": title,
                    "repeal_status": status,
                    "repeal_date": repealed,
                },
            }
            for law_id, number, title, status, repealed in self.catalogue
            if query.get("law_num", "") in number and query.get("law_title", "") in title
        ]
        if not hits and self.empty_is_404:
            return ERRORS["json 404"][1]
        return {"total_count": len(hits), "count": len(hits), "laws": hits}

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


def fetching(server: Server, folder: Path, before: str = "") -> subprocess.Popen[str]:
    """A process that fetches, and at the end prints the key of its error, if any."""
    # A shell's background job has breaks ignored, and so has what it starts.
    code = f"""
import signal
import sys
from pathlib import Path
from lawui.data.fetch import fetch
from lawui.errors import LabError
signal.signal(signal.SIGINT, signal.default_int_handler)
{before}
try:
    fetch(Path({str(folder)!r}), base_url={server.url + "/api/2"!r},
          questions_url={server.url + "/data"!r}, sha256={HASHES!r})
except LabError as error:
    print(error.key)
"""
    out = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], stdout=out, stderr=out, text=True)


def wait_for(server: Server, name: str, child: subprocess.Popen[str]) -> None:
    while not server.asked[name]:
        assert child.poll() is None
        time.sleep(0.02)


def test_everything_arrives_and_the_statutes_can_be_read(server: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    result = server.fetch(tmp_path, asof="2024-05-01", progress=lambda *now: told.append(now))
    assert result["fetched"] == [*QUESTIONS, *LAWS]
    assert result["kept"] == []
    assert [law["law_id"] for law in result["laws"]] == list(LAWS)
    assert result["laws"][0]["revision"] == "20240401_505AC0000000009"
    assert set(server.queries) == {"", "asof=2024-05-01&response_format=xml", PRESENT}
    assert told[-1] == ("", 6, 6)
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
    child = fetching(server, tmp_path)
    wait_for(server, LAWS[1], child)
    child.kill()
    child.communicate()
    server.asked.clear()
    assert server.fetch(tmp_path)["fetched"] == [LAWS[1]]
    assert dict(server.asked) == {LAWS[1]: 1}


def test_a_break_by_the_user_leaves_nothing_half_done(server: Server, tmp_path: Path) -> None:
    server.faults[LAWS[1]] = ["hang"]
    child = fetching(server, tmp_path)
    wait_for(server, LAWS[1], child)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=5)
    assert child.returncode != 0
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {
        *QUESTIONS,
        ".fetch.lock",
        f"{LAWS[0]}.xml",
        "manifest.json",
    }
    assert server.fetch(tmp_path)["fetched"] == [LAWS[1]]


def test_a_second_fetch_into_the_folder_is_refused_and_harms_nothing(
    server: Server, tmp_path: Path
) -> None:
    server.faults[LAWS[1]] = ["hang"]
    child = fetching(server, tmp_path)
    wait_for(server, LAWS[1], child)
    with pytest.raises(HostError) as caught:
        server.fetch(tmp_path)
    assert caught.value.key == "data.fetch_running"
    assert child.communicate(timeout=20)[0] == ""
    server.asked.clear()
    assert server.fetch(tmp_path)["kept"] == [*QUESTIONS, *LAWS]
    assert not server.asked


def test_many_fetches_at_once_end_in_one_sound_folder(server: Server, tmp_path: Path) -> None:
    ends: list[str] = []

    def run() -> None:
        try:
            server.fetch(tmp_path)
            ends.append("done")
        except HostError as error:
            ends.append(error.key)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(ends) <= {"done", "data.fetch_running"}
    assert "done" in ends
    assert [a.law_id for a in read_folder(tmp_path)] == list(LAWS)


def test_a_full_disk_is_told_and_the_next_run_goes_on(server: Server, tmp_path: Path) -> None:
    server.laws[LAWS[1]] = law_xml(LAWS[1], "長い文。" * 50_000)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    assert fetching(server, tmp_path, limit).communicate(timeout=20)[0] == "data.cannot_write\n"
    assert not list(tmp_path.rglob("*.part"))
    assert server.fetch(tmp_path)["fetched"] == [LAWS[1]]


def test_what_a_killed_write_left_is_cleared_away(server: Server, tmp_path: Path) -> None:
    server.fetch(tmp_path)
    left = tmp_path / "statutes" / f".{LAWS[0]}.xml.abc.part"
    left.write_bytes(b"<Law")
    server.fetch(tmp_path)
    assert not left.exists()


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


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (PAGE, "data.html_answer"),
        (b"half of some", "data.bad_answer"),
        (b'{"laws": []}', "data.bad_answer"),
        (json.dumps(ERRORS["json 200"][1]).encode(), "data.refused"),
        (law_xml(LAWS[1]), "data.wrong_law"),
        (law_xml(LAWS[0]).replace(b"<Article ", b"<Other "), "data.bad_answer"),
    ],
)
def test_an_answer_that_is_no_law_or_another_law_is_never_kept(
    server: Server, tmp_path: Path, body: bytes, key: str
) -> None:
    server.laws[LAWS[0]] = body
    with pytest.raises(LabError) as caught:
        server.fetch(tmp_path)
    assert caught.value.key == key
    assert LAWS[0] in caught.value.text("ja")
    assert not list(tmp_path.rglob(f"*{LAWS[0]}*"))
    server.laws[LAWS[0]] = law_xml(LAWS[0])
    assert LAWS[0] in server.fetch(tmp_path)["fetched"]


def test_an_unsound_law_does_not_keep_the_others_from_coming(
    server: Server, tmp_path: Path
) -> None:
    server.laws[LAWS[0]] = law_xml(LAWS[1])
    with pytest.raises(DataError):
        server.fetch(tmp_path)
    server.laws[LAWS[0]] = law_xml(LAWS[0])
    assert server.fetch(tmp_path)["fetched"] == [LAWS[0]]


@pytest.mark.parametrize(
    ("fault", "key", "said"),
    [
        ("json 400", "data.refused", "日付（asof等）が誤っています。"),
        ("html503", "data.html_answer", "保守"),
        ("html404", "data.html_answer", "プロキシ"),
    ],
)
def test_what_e_gov_says_of_an_error_is_told(
    server: Server, tmp_path: Path, fault: str, key: str, said: str
) -> None:
    server.faults[LAWS[0]] = [fault] * QUICK.tries
    with pytest.raises(HostError) as caught:
        server.fetch(tmp_path)
    assert caught.value.key == key
    assert said in caught.value.text("ja")


@pytest.mark.parametrize("fault", ["json 200", "html200", "html503"])
def test_an_error_that_passes_is_tried_again(server: Server, tmp_path: Path, fault: str) -> None:
    server.faults = {LAWS[0]: [fault], "selection.json": [fault]}
    assert server.fetch(tmp_path)["fetched"] == [*QUESTIONS, *LAWS]


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


def revision_xml(law_id: str, enforced: str, *articles: tuple[str, str]) -> bytes:
    """A revision of a law: its articles by number and text."""
    parts = "".join(
        f'''<Article Num="{num}"><ArticleTitle>第{num}条</ArticleTitle><Paragraph Num="1">
      <ParagraphNum/><ParagraphSentence><Sentence>{text}</Sentence></ParagraphSentence>
    </Paragraph></Article>'''
        for num, text in articles
    )
    own = law_xml(law_id).decode().replace("_20240401_", f"_{enforced}_")
    head, rest = own.split("<MainProvision>")
    tail = rest.split("</MainProvision>")[1]
    added = """<SupplProvision AmendLawNum="令和七年法律第一号"><SupplProvisionLabel>附則
      </SupplProvisionLabel><Article Num="3"><ArticleTitle>第三条</ArticleTitle><Paragraph Num="1">
      <ParagraphNum/><ParagraphSentence><Sentence>施行する。</Sentence></ParagraphSentence>
      </Paragraph></Article></SupplProvision>"""
    return f"{head}<MainProvision>{parts}</MainProvision>{added}{tail}".encode()


@pytest.fixture
def amended(server: Server) -> Server:
    """甲法, of which 第1条 was laid out anew, 第2条の2 changed, 第4条 repealed and 第5条 added."""
    server.laws[LAWS[0]] = revision_xml(
        LAWS[0],
        "20240401",
        ("1", "同じ文（１）である。"),
        ("2_2", "三十年とする。"),
        ("3", "変わらない。"),
        ("4", "なくなる。"),
    )
    server.present[LAWS[0]] = revision_xml(
        LAWS[0],
        "20250601",
        ("1", "同じ文(1)で\n  ある。"),
        ("2_2", "五十年とする。"),
        ("3", "変わらない。"),
        ("5", "加わった。"),
    )
    return server


def test_where_the_text_in_force_differs_is_noted(amended: Server, tmp_path: Path) -> None:
    result = amended.fetch(tmp_path)
    assert result["changed"] == {LAWS[0]: 3} and result["problems"] == []
    found = changed(tmp_path)
    assert set(found) == {LAWS[0]}
    assert found[LAWS[0]].articles == {"2_2", "4", "5"}
    assert (found[LAWS[0]].law, found[LAWS[0]].asof) == ("甲法", "2024-12-31")
    noted = json.loads((tmp_path / "statutes" / CHANGED).read_text(encoding="utf-8"))
    assert noted[LAWS[0]]["revision"] == "20250601_505AC0000000009"
    assert noted[LAWS[0]]["today"] == found[LAWS[0]].checked == date.today().isoformat()
    assert noted[LAWS[1]]["articles"] == []
    assert b"20240401" in (tmp_path / "statutes" / f"{LAWS[0]}.xml").read_bytes()
    assert amended.asked_present == {law_id: 1 for law_id in LAWS}


def test_a_comparison_is_made_again_after_a_week_only(amended: Server, tmp_path: Path) -> None:
    amended.fetch(tmp_path)
    amended.asked_present.clear()
    assert amended.fetch(tmp_path)["changed"] == {LAWS[0]: 3}
    assert amended.fetch(tmp_path, offline=True)["changed"] == {LAWS[0]: 3}
    assert not amended.asked_present
    path = tmp_path / "statutes" / CHANGED
    noted = json.loads(path.read_text(encoding="utf-8"))
    noted[LAWS[0]]["today"] = (date.today() - timedelta(days=8)).isoformat()
    path.write_text(json.dumps(noted), encoding="utf-8")
    amended.present[LAWS[0]] = amended.laws[LAWS[0]]
    assert amended.fetch(tmp_path)["changed"] == {}
    assert amended.asked_present == {LAWS[0]: 1}


def test_the_text_of_today_is_compared_with_nothing(amended: Server, tmp_path: Path) -> None:
    amended.fetch(tmp_path, asof=date.today().isoformat())
    assert not amended.asked_present
    assert not (tmp_path / "statutes" / CHANGED).exists()


@pytest.mark.parametrize("fault", ["503", "html503", "cut", "other", "json 404"])
def test_a_law_that_cannot_be_compared_is_told_and_compared_by_the_next_run(
    amended: Server, tmp_path: Path, fault: str
) -> None:
    amended.faults[f"{LAWS[0]} now"] = [fault] * QUICK.tries
    result = amended.fetch(tmp_path)
    assert result["fetched"] == [*QUESTIONS, *LAWS]
    assert len(result["problems"]) == 1 and LAWS[0] in result["problems"][0]
    assert result["changed"] == {}
    amended.faults.clear()
    amended.asked_present.clear()
    assert amended.fetch(tmp_path)["changed"] == {LAWS[0]: 3}
    assert amended.asked_present == {LAWS[0]: 1}


def test_no_more_laws_are_compared_once_e_gov_is_out_of_reach(
    server: Server, tmp_path: Path
) -> None:
    third = "403AC0000000003"
    server.laws[third] = law_xml(third)
    server.faults = {f"{law_id} now": ["503"] * QUICK.tries for law_id in (*LAWS, third)}
    result = server.fetch(tmp_path, laws=[third])
    assert len(result["problems"]) == 2
    assert not server.asked_present[third]


def test_a_note_about_another_text_or_a_broken_one_says_nothing(
    amended: Server, tmp_path: Path
) -> None:
    amended.fetch(tmp_path)
    amended.faults[f"{LAWS[0]} now"] = ["503"] * QUICK.tries
    amended.fetch(tmp_path, asof="2025-01-01")
    assert changed(tmp_path) == {}
    path = tmp_path / "statutes" / CHANGED
    for text in ("{", "[]", '{"x": 1}', '{"x": {"articles": 3}}'):
        path.write_text(text, encoding="utf-8")
        assert changed(tmp_path) == {}
    path.unlink()
    assert changed(tmp_path) == {}


ORDER = "340CO0000000001"
RULES = "348M50000040001"
OLD = "341M50000040002"
TERMS = "405M50000040014"
LOST = "330CO0000000009"


@pytest.fixture
def decrees(server: Server) -> Server:
    """甲法 names an order, a repealed ordinance and one that e-Gov lacks; it has a 施行規則
    and a 定義府令 that it does not name. 乙法 names the same order."""
    text = (
        "甲法施行令（昭和四十年政令第一号。以下「令」という。）及び旧規則（昭和四十一年大蔵省令第二号）、"
        "丙に関する内閣府・法務省令（平成十七年内閣府・法務省令第二号）並びに丁法（昭和二十年法律第三号）"
        "の定めるところによる。"
    )
    server.laws[LAWS[0]] = law_xml(LAWS[0], text)
    server.laws[LAWS[1]] = law_xml(LAWS[1], "甲法施行令（昭和四十年政令第一号）による。", "乙法")
    server.laws[ORDER] = law_xml(
        ORDER, "戊に関する規則（平成元年運輸省令第七号）による。", "甲法施行令"
    )
    server.laws[RULES] = law_xml(RULES, title="甲法施行規則")
    server.laws[TERMS] = law_xml(TERMS, title="甲法第二条の定義に関する内閣府令")
    server.laws[OLD] = law_xml(OLD, title="旧規則")
    server.catalogue = [
        (ORDER, "昭和四十年政令第一号", "甲法施行令", "None", None),
        ("340CO0000000099", "昭和四十年政令第一号の二", "似て非なる令", "None", None),
        (RULES, "昭和四十八年大蔵省令第一号", "甲法施行規則", "None", None),
        ("499M50000040005", "令和元年内閣府令第五号", "超甲法施行規則", "None", None),
        (TERMS, "平成五年大蔵省令第十四号", "甲法第二条の定義に関する内閣府令", "None", None),
        ("405M50000040015", "平成五年大蔵省令第十五号", "甲法人の登記規則", "None", None),
        (OLD, "昭和四十一年大蔵省令第二号", "旧規則", "Repeal", "2010-04-01"),
    ]
    return server


@pytest.mark.parametrize("empty_is_404", [False, True])
def test_decrees_come_by_number_and_by_title(
    decrees: Server, tmp_path: Path, empty_is_404: bool
) -> None:
    decrees.empty_is_404 = empty_is_404
    told: list[tuple[str, int, int]] = []
    result = decrees.fetch(tmp_path, decrees=True, progress=lambda *now: told.append(now))
    assert result["decrees"] == [ORDER, RULES, TERMS]
    assert result["not_found"] == [
        "昭和四十一年大蔵省令第二号",
        "平成十七年内閣府・法務省令第二号",
    ]
    assert result["problems"] == []
    assert result["fetched"] == [*QUESTIONS, *LAWS, ORDER, RULES, TERMS]
    assert [a.law for a in read_folder(tmp_path)] == [
        "甲法施行令",
        "甲法施行規則",
        "甲法",
        "乙法",
        "甲法第二条の定義に関する内閣府令",
    ]
    assert decrees.asked["laws"] == 5  # three numbers, two acts; 戊 is a step too far
    assert told[-1] == ("", 17, 17)
    assert [done for _, done, _ in told] == list(range(18))


def test_without_the_wish_no_decree_is_sought(decrees: Server, tmp_path: Path) -> None:
    result = decrees.fetch(tmp_path)
    assert not decrees.asked["laws"]
    assert "decrees" not in result
    assert result["fetched"] == [*QUESTIONS, *LAWS]


def test_decrees_that_are_there_are_not_sought_again(decrees: Server, tmp_path: Path) -> None:
    first = decrees.fetch(tmp_path, decrees=True)
    decrees.asked.clear()
    for offline in (False, True):
        again = decrees.fetch(tmp_path, decrees=True, offline=offline)
        assert not decrees.asked
        assert again["kept"] == first["fetched"]
        assert [again[k] for k in ("decrees", "not_found")] == [
            first[k] for k in ("decrees", "not_found")
        ]
    (tmp_path / "statutes" / LOOKUPS).write_text("{", encoding="utf-8")
    assert decrees.fetch(tmp_path, decrees=True)["decrees"] == first["decrees"]


def test_an_ordinance_repealed_later_than_asked_comes(decrees: Server, tmp_path: Path) -> None:
    result = decrees.fetch(tmp_path, decrees=True, asof="2009-12-31")
    assert OLD in result["decrees"]


def test_a_decree_that_comes_broken_or_not_at_all_costs_no_other(
    decrees: Server, tmp_path: Path
) -> None:
    decrees.laws[ORDER] = b"<law_data_response/>"
    decrees.catalogue.append((LOST, "平成十七年内閣府・法務省令第二号", "丙", "None", None))
    result = decrees.fetch(tmp_path, decrees=True)
    assert result["decrees"] == [RULES, TERMS]
    assert result["not_found"] == ["昭和四十一年大蔵省令第二号", LOST]
    assert len(result["problems"]) == 1
    assert ORDER in result["problems"][0]


@pytest.mark.parametrize("fault", ["503", "cut", "json 200", "html200", "other"])
def test_a_search_that_fails_is_tried_again(decrees: Server, tmp_path: Path, fault: str) -> None:
    decrees.faults["laws"] = [fault]
    assert decrees.fetch(tmp_path, decrees=True)["decrees"] == [ORDER, RULES, TERMS]
    assert decrees.asked["laws"] == 6


@pytest.mark.parametrize("law_id", ["../../../etc/x", "", None])
def test_a_search_that_answers_with_no_law_id_is_refused(
    decrees: Server, tmp_path: Path, law_id: str | None
) -> None:
    decrees.catalogue = [(law_id, "昭和四十年政令第一号", "甲法施行令", "None", None)]  # type: ignore[list-item]
    with pytest.raises(DataError) as caught:
        decrees.fetch(tmp_path, decrees=True)
    assert caught.value.key == "data.bad_answer"
    assert "昭和四十年政令第一号" in caught.value.text("ja")


def test_the_numbers_in_real_laws_are_found(
    server: Server, tmp_path: Path, lawui_data: Path
) -> None:
    drugs = "335AC0000000145"
    server.laws[drugs] = (lawui_data / "egov_xml" / f"{drugs}.xml").read_bytes()
    title = "医薬品、医療機器等の品質、有効性及び安全性の確保等に関する法律"
    server.laws[ORDER] = law_xml(ORDER, title=f"{title}施行令")
    server.catalogue = [(ORDER, "昭和三十六年政令第十一号", f"{title}施行令", "None", None)]
    assert server.fetch(tmp_path, laws=[drugs], decrees=True)["decrees"] == [ORDER]
