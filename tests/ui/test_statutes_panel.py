"""The statutes panel on real indexes: the sample's and, for a law added, a server's."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lawui.data import fetch
from lawui.errors import HostError, RetrievalError, UsageError
from lawui.lab import Lab, Settings
from lawui.library import IndexJob
from lawui.types import IndexInfo, Passage
from lawui.ui import components
from lawui.ui import statutes_panel as panel
from lawui.ui.api import Api

LAW = "401AC0000000001"
XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<law_data_response>
  <law_info><law_id>{LAW}</law_id></law_info>
  <revision_info><law_revision_id>{LAW}_20240401_505AC0000000009</law_revision_id></revision_info>
  <law_full_text><Law Era="Heisei" LawType="Act" Num="001" Year="01"><LawBody>
    <LawTitle>水車法</LawTitle>
    <MainProvision><Article Num="1"><ArticleTitle>第一条</ArticleTitle><Paragraph Num="1">
      <ParagraphNum/><ParagraphSentence><Sentence>水車を回す者は、届出をしなければならない。</Sentence>
      </ParagraphSentence></Paragraph></Article></MainProvision>
  </LawBody></Law></law_full_text>
</law_data_response>""".encode()
FILES = {"law_list.json": b"[]", "selection.json": b'{"samples": []}', LAW: XML}


def ended(lab: Lab) -> IndexJob:
    """The rebuild in the background once it is over."""
    deadline = time.monotonic() + 60
    while lab.index_job().state == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    return lab.index_job()


@pytest.fixture
def built(lab: Lab) -> Lab:
    """The lab with an index."""
    lab.search("舟", 1)
    return lab


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A lab that may go out, without an index and without data."""
    monkeypatch.delenv("LAWUI_DATA", raising=False)
    with chdir(tmp_path):
        made = Lab(Settings(home=tmp_path / "home", model="embedded"))
        yield made
        ended(made)
        made.close()


@pytest.fixture
def egov(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The real fetch against a server on this machine."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = FILES.get(self.path.partition("?")[0].rsplit("/", 1)[1])
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    here: dict[str, Any] = {
        "base_url": f"{url}/api/2",
        "questions_url": f"{url}/data",
        "sha256": {n: sha256(FILES[n]).hexdigest() for n in FILES if n != LAW},
        "manners": fetch.Manners(pause=0, tries=1),
    }
    monkeypatch.setattr(fetch, "fetch", partial(fetch.fetch, **here))
    yield
    server.shutdown()
    server.server_close()


# -- searching


def test_search_shows_citation_marks_ways_and_date(built: Lab) -> None:
    searched, notice = panel.search(built, " 第12条 変更の許可 ", "ja")
    assert searched and not notice and len(searched.passages) == panel.FOUND
    html = panel.found_html(searched, "ja")
    assert "灯浦市浮市条例第12条第1項" in html and "<mark>許可</mark>" in html
    assert "見つけ方：条番号で" in html and "2026-04-01 時点の条文" in html
    assert html.count('class="lw-passage"') == panel.FOUND
    assert html.index("<details") > html.index(searched.passages[panel.AT_ONCE - 1].citation())
    assert "href" not in html  # the sample ordinance has no public page
    assert "Found by: the number of the article" in panel.found_html(searched, "en")


@pytest.mark.parametrize("way", ["citation", "lexical", "dense", "link"])
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_each_way_has_words(built: Lab, way: str, lang: str) -> None:
    passage = replace(built.search("許可", 1)[0], found_by=(way,))
    assert way not in components.found_by(passage, lang)


def test_odd_searches_get_a_sentence(built: Lab) -> None:
    for text, words in (
        ("", "探す言葉か条番号を書いて"),
        (" 　\n", "探す言葉か条番号を書いて"),
        ("舟" * 100_000, "100,000 文字"),
    ):
        searched, notice = panel.search(built, text, "ja")
        assert searched is None and words in notice
    searched, notice = panel.search(built, "？！", "ja")
    assert searched and not searched.passages and not notice
    assert "見つかりませんでした" in panel.found_html(searched, "ja")
    searched, _ = panel.search(built, "<script>許可</script>", "ja")
    assert "<script" not in panel.found_html(searched, "ja")


PLACE = Passage("x", "水車法", "1", "1", "", "", "", "水車", law_id=LAW)


@pytest.mark.parametrize(
    ("law_id", "url", "words"),
    [
        (LAW, f"https://laws.e-gov.go.jp/law/{LAW}#Mp-At_1", "公式ページ（e-Gov）で開く"),
        (LAW, "https://elsewhere.example/law", ""),
        (LAW, "javascript:alert(1)", ""),
        (LAW, "", ""),
        ("guideline-a", "https://www.example.go.jp/a.pdf#page=3", "公式ページで開く"),
        ("guideline-a", "http://www.example.go.jp/a.pdf", ""),
        ("guideline-a", "https://[broken", ""),
        ("guideline-a", "a.pdf#page=3", ""),
    ],
)
def test_only_public_pages_are_linked(law_id: str, url: str, words: str) -> None:
    html = components.link(replace(PLACE, law_id=law_id, url=url), "ja")
    assert (words in html and f'href="{url}"' in html) if words else html == ""


def test_a_text_without_a_date_says_so() -> None:
    assert "いつの条文かは不明" in panel.card(PLACE, "水車", "ja")


# -- the index


def test_the_index_is_told_in_words_and_figures(built: Lab) -> None:
    info = built.index_status()
    assert info is not None
    html = panel.index_html(info, "ja")
    for shown in (str(info.articles), str(info.passages), info.asof, "同梱の埋め込みモデル", "MB"):
        assert shown in html
    assert "不明" in panel.index_html(replace(info, asof=""), "ja")
    assert "実際より良く" in panel.index_html(replace(info, near_oracle=True), "ja")


def test_a_missing_index_is_built_in_the_background(fresh: Lab) -> None:
    shown, _, button, timer = panel.draw(fresh, "ja")
    assert "まだありません" in shown and button["value"] == "索引を作る" and not timer["active"]
    searched, notice = panel.search(fresh, "許可", "ja")
    assert searched == panel.Searched("許可", None) and "準備しています" in notice
    assert panel.found_html(searched, "ja") == ""
    assert ended(fresh).state == "done"
    assert not panel.still_waiting(fresh, searched)
    _, job, button, timer = panel.draw(fresh, "ja", ended=True)
    assert "索引ができました（155 件）" in job and button["value"] == "索引を作り直す"
    assert not timer["active"]
    assert panel.draw(fresh, "ja")[1] == ""  # no old news for who opens the page
    assert panel.search(fresh, "許可", "ja")[0]


def test_a_second_press_is_refused_while_the_bar_goes_on(fresh: Lab) -> None:
    hold, arrived = threading.Event(), threading.Event()

    def bring(progress: Any) -> None:
        progress("水車法", 1, 3)
        arrived.set()
        hold.wait(30)

    fresh._library.start_build(bring=bring)
    assert arrived.wait(30)
    *drawn, notice = panel.begin(fresh, fresh.index_start, "ja")
    assert "終わるのを待って" in notice and drawn[3]["active"]
    assert "いまの索引で" not in drawn[1]  # there is none yet
    assert "3 件中 1 件（水車法）" in drawn[1] and 'aria-valuenow="1"' in drawn[1]
    assert Api(fresh).index_status()["job"]["step"] == "fetch"
    hold.set()
    assert ended(fresh).state == "done"
    assert panel.begin(fresh, fresh.index_start, "ja")[4] == ""


def test_a_damaged_index_is_told_and_rebuilt(fresh: Lab) -> None:
    fresh.index_start()
    assert ended(fresh).state == "done"
    info = fresh.index_status()
    assert info is not None
    (Path(info.path) / "manifest.json").write_text("{", "utf-8")
    shown = panel.draw(fresh, "ja")[0]
    assert "壊れています" in shown and "ボタンを押しても直せます" in shown
    searched, notice = panel.search(fresh, "許可", "ja")
    assert searched is None and "壊れています" in notice
    panel.begin(fresh, fresh.index_start, "ja")
    assert ended(fresh).state == "done"
    assert "壊れて" not in panel.draw(fresh, "ja")[0]
    assert panel.search(fresh, "許可", "ja")[0]


def test_an_index_of_another_embedder_is_told_with_the_way_out(demo: Lab, lab: Lab) -> None:
    error = RetrievalError("retrieval.foreign", path="x", made="e5", asked="embedded")
    assert "e5" in panel.fault_html(error, lab, "ja")
    assert "ボタンを押しても直せます" in panel.fault_html(error, lab, "ja")
    assert "ボタンを押しても直せます" not in panel.fault_html(error, demo, "ja")


def test_a_file_left_out_is_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / f"{LAW}.xml").write_bytes(XML)
    (data / "402AC0000000002.xml").write_bytes(XML[:300])
    lab = Lab(Settings(home=tmp_path / "home", data=data, model="embedded", offline=True))
    lab.index_start()
    assert ended(lab).state == "done"
    shown = panel.draw(lab, "ja")[0]
    assert "索引に入らなかったファイル" in shown and "402AC0000000002.xml" in shown
    searched, _ = panel.search(lab, "水車の届出", "ja")
    assert searched and "水車法第1条" in panel.found_html(searched, "ja")
    lab.close()


# -- adding a law


def test_a_law_is_added_and_found(fresh: Lab, egov: None) -> None:
    assert "2024-12-31" in panel.add_help_html(fresh, "ja")
    *drawn, notice = panel.begin(fresh, lambda: fresh.law_add(LAW), "ja")
    assert notice == "" and len(drawn) == 4
    assert ended(fresh).state == "done"
    searched, _ = panel.search(fresh, "水車を回す届出", "ja")
    html = panel.found_html(searched, "ja")
    assert "水車法第1条" in html and "e-Gov" in html
    info = fresh.index_status()
    assert isinstance(info, IndexInfo) and info.laws == 1 and info.asof == fresh.law_date()


@pytest.mark.parametrize(
    ("law_id", "words"), [("../x", "正しくありません"), ("499AC0000000009", "がありません")]
)
def test_a_law_that_is_not_there_is_told(fresh: Lab, egov: None, law_id: str, words: str) -> None:
    panel.begin(fresh, lambda: fresh.law_add(law_id), "ja")
    assert ended(fresh).state == "failed"
    assert words in panel.draw(fresh, "ja")[1]


def test_offline_and_demo_refuse(lab: Lab, demo: Lab) -> None:
    with pytest.raises(HostError) as offline:
        panel.begin(lab, lambda: lab.law_add(LAW), "ja")
    assert offline.value.key == "data.offline"
    for forbidden in (demo.index_start, lambda: demo.law_add(LAW)):
        with pytest.raises(UsageError) as refused:
            panel.begin(demo, forbidden, "ja")
        assert refused.value.key == "usage.demo"
    assert "閲覧専用" in panel.add_help_html(demo, "ja")
    searched, notice = panel.search(demo, "許可", "ja")
    assert "準備しています" in notice and demo.index_job().state == "idle"
    assert panel.still_waiting(demo, searched)  # for what the start of the demo makes
    demo._library.prepare()
    assert not panel.still_waiting(demo, searched) and demo.index_job() == IndexJob()


def test_the_endpoints_start_and_tell(built: Lab) -> None:
    api = Api(built)
    assert api.index_build()["job"]["state"] in ("running", "done")
    assert ended(built).state == "done"
    told = api.index_status()
    assert told["passages"] == told["job"]["total"] == 155 and told["job"]["error"] == ""


def test_a_rebuild_tells_how_long_it_will_take() -> None:
    began = time.monotonic() - 10
    job = IndexJob("running", 10, 40, began=began)
    assert "残り約 30 秒" in panel.job_html(job, "ja", True)
    assert "about 30 s left" in panel.job_html(job, "en", True)
    for unknown in (IndexJob("running", 0, 40, began=began), IndexJob("running")):
        assert "残り時間はまだわかりません" in panel.job_html(unknown, "ja", True)
    assert IndexJob("done", 40, 40).left is None
