"""The Chroma server option, against a real `chroma run` on a loopback port."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lawui.__main__ import main
from lawui.errors import RetrievalError
from lawui.retrieval import index
from lawui.retrieval.embedders import Embedder
from lawui.retrieval.hybrid import Searcher
from lawui.types import Article

QUERY = "届出をしなければならない期間\n市長の許可"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def chroma_server(data: Path, port: int) -> Iterator[str]:
    """`chroma run` from start until it answers, ended at the end of the block."""
    program = Path(sys.executable).parent / "chroma"
    command = [str(program), "run", "--path", str(data), "--host", "127.0.0.1"]
    environment = os.environ | {"ANONYMIZED_TELEMETRY": "False"}
    with (data.parent / f"chroma-{port}.log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--port", str(port)], env=environment, stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + 90
            while not _answers(port):
                assert server.poll() is None, Path(log.name).read_text()
                assert time.monotonic() < deadline, Path(log.name).read_text()
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


def _answers(port: int) -> bool:
    import httpx

    try:
        url = f"http://127.0.0.1:{port}/api/v2/heartbeat"
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_server_serves_the_same_passages(
    tmp_path: Path, articles: list[Article], embedder: Embedder, searcher: Searcher
) -> None:
    folder = tmp_path / "index"
    expected = [(p.id, p.found_by) for p in searcher.search(QUERY, 10)]
    with chroma_server(tmp_path / "server", _free_port()) as url:
        built = index.build(articles, folder, embedder, chroma_url=url)
        assert not (Path(built.path) / "chroma").exists()
        served = Searcher.open(folder, embedder, url)
        assert [(p.id, p.found_by) for p in served.search(QUERY, 10)] == expected
        assert index.build(articles, folder, embedder, chroma_url=url) == built

        import chromadb

        client = chromadb.HttpClient(host="127.0.0.1", port=int(url.rsplit(":", 1)[1]))
        client.delete_collection(index.collection_name(built.fingerprint))
        with pytest.raises(RetrievalError) as caught:
            Searcher.open(folder, embedder, url)
        assert caught.value.key == "retrieval.server"
        client.close()
        served.close()
        index.build(articles, folder, embedder, chroma_url=url)
        again = Searcher.open(folder, embedder, url)
        assert [(p.id, p.found_by) for p in again.search(QUERY, 10)] == expected

        with pytest.raises(RetrievalError) as caught:
            Searcher.open(folder, embedder)
        assert caught.value.key == "retrieval.other_store"
    with pytest.raises(RetrievalError) as caught:
        again.search(QUERY)
    assert caught.value.key == "retrieval.server"
    again.close()
    with pytest.raises(RetrievalError) as caught:
        index.build(articles, folder, embedder, chroma_url=url)
    assert caught.value.key == "retrieval.server"
    index.build(articles, folder, embedder)  # back to this machine
    local = Searcher.open(folder, embedder)
    assert [(p.id, p.found_by) for p in local.search(QUERY, 10)] == expected


BUILDER = """
import sys, time
from pathlib import Path
from lawui.data.statutes import sample_articles
from lawui.retrieval import index
from lawui.retrieval.embedders import load_embedder
folder, url, gate = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
embedder = load_embedder()
print("ready", flush=True)
while not gate.exists():
    time.sleep(0.002)
encode = embedder.encode_passages
def slowly(texts):  # each is in the middle of it while the other is
    time.sleep(0.5)
    return encode(texts)
embedder.encode_passages = slowly
print(index.build(sample_articles(), folder, embedder, chroma_url=url).passages, flush=True)
"""


def test_two_labs_that_build_at_once_share_one_sound_index(
    tmp_path: Path, articles: list[Article], embedder: Embedder, searcher: Searcher
) -> None:
    """Two processes with a folder each, then a third lab that finds all of it there."""
    import chromadb

    expected = [(p.id, p.found_by) for p in searcher.search(QUERY, 10)]
    with chroma_server(tmp_path / "server", _free_port()) as url:
        port = int(url.rsplit(":", 1)[1])
        client = chromadb.HttpClient(host="127.0.0.1", port=port)
        left = {"builder": "of another lab", "began": 0}
        client.create_collection("lawui-building-left-behind", metadata=left)
        folders = [tmp_path / "one", tmp_path / "two"]
        builders = [
            subprocess.Popen(
                [sys.executable, "-c", BUILDER, str(folder), url, str(tmp_path / "gate")],
                stdout=subprocess.PIPE,
                text=True,
            )
            for folder in folders
        ]
        for builder in builders:
            assert builder.stdout is not None and builder.stdout.readline() == "ready\n"
        (tmp_path / "gate").touch()
        told = [builder.communicate(timeout=240)[0].strip() for builder in builders]
        assert [builder.returncode for builder in builders] == [0, 0]
        found = [index.status(folder) for folder in folders]
        assert found[0] and found[1] and told == [str(found[0].passages)] * 2
        assert found[0].fingerprint == found[1].fingerprint
        name = index.collection_name(found[0].fingerprint)
        assert [c.name for c in client.list_collections()] == [name]
        assert client.get_collection(name).count() == found[0].passages
        third = index.build(articles, tmp_path / "three", embedder, chroma_url=url)
        assert third.fingerprint == found[0].fingerprint
        assert not (tmp_path / "three" / ".vectors").exists() or not list(
            (tmp_path / "three" / ".vectors").rglob("*.npy")
        )  # nothing was embedded for it
        for folder in (*folders, tmp_path / "three"):
            opened = Searcher.open(folder, embedder, url)
            assert [(p.id, p.found_by) for p in opened.search(QUERY, 10)] == expected
            opened.close()
        assert [c.name for c in client.list_collections()] == [name]
        client.close()


def test_no_server_there(tmp_path: Path, articles: list[Article], embedder: Embedder) -> None:
    url = f"http://127.0.0.1:{_free_port()}"
    with pytest.raises(RetrievalError) as caught:
        index.build(articles, tmp_path, embedder, chroma_url=url)
    assert caught.value.key == "retrieval.server"
    assert url in caught.value.text("en")
    assert index.status(tmp_path) is None


def test_the_command_line_builds_on_the_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import chromadb

    with chroma_server(tmp_path / "server", _free_port()) as url:
        words = ["--home", str(tmp_path / "home"), "--data", str(tmp_path), "--offline"]
        assert main([*words, "--chroma-url", url, "index", "build", "--json"]) == 0
        built = json.loads(capsys.readouterr().out)
        client = chromadb.HttpClient(host="127.0.0.1", port=int(url.rsplit(":", 1)[1]))
        name = index.collection_name(built["fingerprint"])
        assert name in {collection.name for collection in client.list_collections()}
        client.close()
