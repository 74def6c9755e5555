"""The Chroma server option, against a real `chroma run` on a loopback port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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


def test_no_server_there(tmp_path: Path, articles: list[Article], embedder: Embedder) -> None:
    url = f"http://127.0.0.1:{_free_port()}"
    with pytest.raises(RetrievalError) as caught:
        index.build(articles, tmp_path, embedder, chroma_url=url)
    assert caught.value.key == "retrieval.server"
    assert url in caught.value.text("en")
    assert index.status(tmp_path) is None
