"""The named endpoints as a program calls them: the command line's figures, plain errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

Command = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def client(site: Any) -> Iterator[Client]:
    made = Client(site.url, verbose=False, analytics_enabled=False)
    yield made
    made.close()


def test_ask_gives_what_the_command_line_gives(client: Client, command: Command) -> None:
    qid = client.predict(api_name="/questions")[0]["id"]
    got = client.predict(id=qid, evidence="given", api_name="/ask")
    told = command("ask", "--id", qid, "--evidence", "given")
    assert got["choice"] == told["choice"] and got["prompt_sha"] == told["prompt_sha"]
    assert got["probs"] == pytest.approx(told["probs"], abs=0.01)
    assert [p["citation"] for p in got["passages"]] == [p["citation"] for p in told["passages"]]


def test_search_describe_and_adapters_speak_plain_json(client: Client, command: Command) -> None:
    found = client.predict(text="灯舟の許可", k=3, api_name="/search")
    told = command("index", "search", "灯舟の許可", "-k", "3")["passages"]
    assert [p["citation"] for p in found] == [p["citation"] for p in told]
    assert client.predict(api_name="/describe")["model_is_demo"] is True
    names = [a["name"] for a in client.predict(api_name="/adapters")]
    assert names == [a["name"] for a in command("adapters", "list")["adapters"]]


def test_a_score_runs_from_start_to_summary(client: Client) -> None:
    run = client.predict(set="sample_dev", evidences=["none"], limit=8, api_name="/score_start")[0]
    while client.predict(run=run, api_name="/score_status")["state"] in ("queued", "running"):
        pass
    summary = client.predict(run=run, api_name="/score_summary")
    assert summary["total"] == 8 and 0 <= summary["accuracy"] <= 1
    with pytest.raises(AppError, match="scoring"):
        client.predict(run_a=run, run_b="no-such-run", api_name="/compare")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("/ask", {"id": "../../etc/passwd"}),
        ("/ask", {"stem": "問い", "choices": ["一"]}),
        ("/ask", {"id": "sample-000-0", "evidence": "all"}),
        ("/ask", {"id": "sample-000-0", "adapter": "../../x"}),
        ("/search", {"text": "舟", "k": 100000}),
        ("/train_status", {"run": "../.."}),
        ("/train_start", {"settings": {"lora_r": "many", "no_such": 1}}),
        ("/score_summary", {"run": "../.."}),
    ],
)
def test_what_can_not_be_is_refused_with_a_key_and_no_traceback(
    client: Client, name: str, values: dict[str, Any]
) -> None:
    with pytest.raises(AppError) as caught:
        client.predict(**values, api_name=name)
    key = str(caught.value).partition(":")[0]
    assert "." in key and " " not in key
    assert "Traceback" not in str(caught.value)


def test_a_file_of_the_server_can_not_be_named_for_training(client: Client, site: Any) -> None:
    secret = site.home / "secret.jsonl"
    secret.write_text("not a question", "utf-8")
    settings = {"train_file": str(secret), "lora_r": "0"}
    with pytest.raises(AppError) as caught:
        client.predict(settings=settings, api_name="/train_start")
    assert "secret" not in str(caught.value)


def test_twenty_at_once_are_all_answered(site: Any) -> None:
    """Each a session of its own: of one session's calls the client may drop one that is sent
    in the moment in which the server ends its stream (gradio_client, `close_stream`)."""
    ask = dict(id="sample-001-0", evidence="given", api_name="/ask")
    with ThreadPoolExecutor(20) as pool:
        clients = list(
            pool.map(lambda _: Client(site.url, verbose=False, analytics_enabled=False), range(20))
        )
        answers = list(pool.map(lambda client: client.predict(**ask), clients))
    for client in clients:
        client.close()
    assert len({answer["choice"] for answer in answers}) == 1
