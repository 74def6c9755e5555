"""A server in trouble, by a scripted one on loopback: clear words, and nothing lost."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from lawui.bench.loopback import Loopback
from lawui.errors import AdapterError, HostError, LabError, ModelError, UsageError
from lawui.model import load, prompts
from lawui.model.address import parse
from lawui.model.remote import Remote
from lawui.model.remote.http import Patience, _retry_after
from lawui.model.remote.letters import from_top
from lawui.types import BASE, Prompt, Question

QUICK = Patience(tries=3, first=0.01, longest=0.02, most=2.0, answer=2.0)
KEY = "sk-never-shown-7316"

Before = Callable[[Any, dict[str, Any] | None], bool]


@pytest.fixture
def server() -> Iterator[Loopback]:
    made = Loopback()
    yield made
    made.close()


def connect(server: Loopback, **options: Any) -> Remote:
    return Remote(parse(server.url + "#model"), **{"patience": QUICK, **options})


def ask(remote: Remote, number: int = 0) -> list[Prompt]:
    four = ("一日", "二日", "三日", "四日")
    question = Question(f"q-{number}", f"q{number}", "g", 0, "", f"{number}番の期限は。", four, "a")
    return [prompts.render(remote.loaded.tokenizer, question)]


def failing(times: int, act: Callable[[Any], None]) -> Before:
    """The first `times` requests for letters go wrong by `act`."""
    left = [times]

    def before(handler: Any, body: dict[str, Any] | None) -> bool:
        if body is None or "messages" not in body or left[0] <= 0:
            return False
        left[0] -= 1
        act(handler)
        return True

    return before


def caught(remote: Remote, number: int = 0, adapter: str = BASE) -> LabError:
    with pytest.raises(LabError) as found:
        remote.answer(ask(remote, number), adapter)
    for lang in ("ja", "en"):
        assert found.value.text(lang) and KEY not in found.value.text(lang)
    return found.value


# -- addresses


def test_an_address_names_server_and_model() -> None:
    found = parse("http://127.0.0.1:8000/v1/#Qwen/Qwen3-8B")
    assert (found.url, found.model) == ("http://127.0.0.1:8000/v1", "Qwen/Qwen3-8B")
    assert found.loopback and not found.plain
    assert parse("http://[::1]:8000/v1#m").loopback and parse("http://localhost/v1#m").loopback
    for other in ("http://10.0.0.1/v1#m", "http://gpu/v1#m", "http://127.0.0.1.example/v1#m"):
        assert not parse(other).loopback and parse(other).plain
    assert not parse("https://gpu/v1#m").plain


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("http://#m", "server.address"),
        ("http://host:port/v1#m", "server.address"),
        ("http://[::1/v1#m", "server.address"),
        ("http://host/v1", "server.no_model"),
        (f"http://user:{KEY}@host/v1#m", "server.key_in_address"),
        (f"http://host/v1?key={KEY}#m", "server.key_in_address"),
    ],
)
def test_what_is_no_address_is_said(text: str, key: str) -> None:
    with pytest.raises(UsageError) as found:
        load.choose(text)
    assert found.value.key == key and KEY not in found.value.text("en")


def test_the_receiver_is_named_and_offline_keeps_everything_here() -> None:
    choice = load.choose("http://gpu.firm:8000/v1#qwen")
    assert choice.server == "http://gpu.firm:8000/v1" and choice.name == "qwen"
    assert "http://gpu.firm:8000/v1" in choice.why("ja") and "暗号化されず" in choice.why("ja")
    assert "暗号化" not in load.choose("https://gpu.firm/v1#qwen").why("ja")
    with pytest.raises(HostError) as found:
        load.choose("https://gpu.firm:8000/v1#qwen", offline=True)
    assert "gpu.firm" in found.value.text("ja") and "--offline" in found.value.text("ja")
    assert load.choose("http://127.0.0.1:8000/v1#qwen", offline=True).server


# -- letters


def test_letters_are_those_tokens_and_no_others() -> None:
    top = [("a", 0.5), ("b", 0.2), (" a", 0.1), ("A", 0.08), ("c", 0.06), ("d", 0.04)]
    probs, choice, mass = from_top(candidates(top))
    assert mass == pytest.approx(0.8) and choice == "a"
    assert probs == pytest.approx((0.625, 0.25, 0.075, 0.05))


def test_a_missing_letter_has_its_bound_and_counts() -> None:
    probs, choice, mass = from_top(candidates([("b", 0.6), ("x", 0.3), ("a", 0.05), ("y", 0.02)]))
    # 0.03 are left for c and d together: less than the least likely candidate each.
    assert mass == pytest.approx(0.65 + 2 * 0.015) and choice == "b"
    assert probs[2] == probs[3] == pytest.approx(0.015 / mass)
    probs, choice, mass = from_top(candidates([("x", 0.4), ("d", 0.1)]))
    assert choice == "d"  # seen, where a, b and c are only as likely at the most
    assert mass == pytest.approx(0.4)


def test_a_model_that_says_no_letter_has_next_to_no_mass() -> None:
    probs, _, mass = from_top(candidates([("<think>", 0.999), ("x", 0.0005)]))
    assert mass < 0.001 and probs == pytest.approx((0.25,) * 4)


@pytest.mark.parametrize("top", [[], [{"token": "a", "logprob": float("nan")}]])
def test_figures_that_are_none_are_refused(top: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError):
        from_top(top)


def candidates(pairs: list[tuple[str, float]]) -> list[dict[str, Any]]:
    import math

    return [{"token": token, "logprob": math.log(share)} for token, share in pairs]


# -- before anything is asked


def test_a_server_without_logprobs_is_refused_before_anything_is_asked() -> None:
    server = Loopback(logprobs=False)
    with pytest.raises(ModelError) as found:
        connect(server)
    assert found.value.key == "server.no_logprobs" and server.url in found.value.text("ja")
    server.close()


def test_fewer_candidates_will_do(server: Loopback) -> None:
    def five(handler: Any, body: dict[str, Any] | None) -> bool:
        refused = bool(body) and body.get("top_logprobs", 0) > 5
        if refused:
            handler.fail(400, "top_logprobs must be at most 5")
        return refused

    server.before = five
    remote = connect(server)
    assert remote.loaded.top == 5 and remote.answer(ask(remote))
    remote.close()


def test_another_model_is_refused_and_those_there_are_named(server: Loopback) -> None:
    with pytest.raises(ModelError) as found:
        Remote(parse(server.url + "#other"), patience=QUICK)
    assert found.value.key == "server.no_such_model" and "model" in found.value.text("ja")


def test_nobody_there(server: Loopback) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ModelError) as found:
        Remote(parse(url + "#m"), patience=QUICK)
    assert found.value.key == "server.gone" and url in found.value.text("ja")


def test_no_text_of_a_user_is_sent_to_find_out(server: Loopback) -> None:
    bodies: list[Any] = []
    server.before = lambda handler, body: bodies.append(body) is not None
    remote = connect(server)
    users = [b["messages"][1]["content"] for b in bodies if b and "messages" in b]
    assert users == ["a"]
    remote.close()


def test_the_key_is_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = Loopback(key=KEY)
    remote = connect(server, key=KEY)
    assert remote.answer(ask(remote))
    assert KEY not in repr(vars(remote)) and KEY not in repr(remote.loaded)

    def echoes(handler: Any, body: dict[str, Any] | None) -> bool:
        handler.fail(400, f"the key {KEY} is not for this")
        return True

    server.before = echoes
    assert caught(remote, 1).key == "server.refused"
    remote.close()
    for key in ("", "sk-other"):
        server.before = None
        with pytest.raises(ModelError) as found:
            connect(server, key=key)
        assert found.value.key == "server.key" and "LAWUI_API_KEY" in found.value.text("ja")
    assert KEY not in caplog.text
    server.close()


# -- in the middle of work


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_waited_out(server: Loopback, status: int) -> None:
    remote = connect(server)
    server.before = failing(2, lambda handler: handler.fail(status, "later"))
    assert remote.answer(ask(remote))
    remote.close()


@pytest.mark.parametrize(
    ("status", "key"),
    [
        (429, "server.busy"),
        (500, "server.failed"),
        (401, "server.key"),
        (404, "server.not_found"),
        (400, "server.refused"),
    ],
)
def test_what_does_not_pass_is_said_and_what_was_answered_stays(
    server: Loopback, status: int, key: str
) -> None:
    remote = connect(server)
    first = remote.answer(ask(remote))
    server.before = failing(99, lambda handler: handler.fail(status, "no"))
    error = caught(remote, 1)
    assert error.key == key and server.url in error.text("ja")
    assert remote.answer(ask(remote))[0].probs == first[0].probs  # known without the server
    server.before = None
    assert remote.answer(ask(remote, 1))
    remote.close()


def test_the_server_says_how_long_to_wait(server: Loopback) -> None:
    remote = connect(server)
    server.before = failing(1, lambda handler: handler.fail(429, "later", Retry_After="1"))
    began = time.monotonic()
    assert remote.answer(ask(remote))
    assert time.monotonic() - began >= 1
    server.before = failing(9, lambda handler: handler.fail(429, "later", Retry_After="3600"))
    began = time.monotonic()
    assert caught(remote, 1).key == "server.busy"  # an hour is not waited for
    assert time.monotonic() - began < 60
    remote.close()


def test_retry_after_is_a_number_or_a_date() -> None:
    import httpx

    def read(value: str) -> float | None:
        return _retry_after(httpx.Response(429, headers={"Retry-After": value}))

    assert read("7") == 7.0 and read("soon") is None
    in_a_minute = read(formatdate(time.time() + 60, usegmt=True))
    assert in_a_minute is not None and 50 < in_a_minute <= 60
    assert read(formatdate(time.time() - 60, usegmt=True)) == 0.0


def test_an_answer_cut_short_is_asked_again(server: Loopback) -> None:
    def half(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"choices": [')
        handler.close_connection = True

    remote = connect(server)
    server.before = failing(1, half)
    assert remote.answer(ask(remote))
    remote.close()


def test_a_page_in_place_of_an_answer_is_said(server: Loopback) -> None:
    def page(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "6")
        handler.end_headers()
        handler.wfile.write(b"<html>")

    remote = connect(server)
    server.before = failing(9, page)
    assert caught(remote).key == "server.odd"
    remote.close()


def test_a_slow_server_is_waited_for_only_so_long(server: Loopback) -> None:
    remote = connect(server, patience=Patience(2, 0.01, 0.01, 1.0, answer=0.3))
    server.seconds = 1.0
    error = caught(remote)
    assert error.key == "server.slow" and "0.3" in error.text("ja")
    server.seconds = 0.0
    assert remote.answer(ask(remote))
    remote.close()


def test_a_server_that_is_gone_and_comes_back(server: Loopback) -> None:
    remote = connect(server)
    assert remote.answer(ask(remote))
    server.close()
    error = caught(remote, 1)
    assert error.key == "server.gone"
    again = Loopback(port=server.port)
    assert remote.answer(ask(remote, 1))
    remote.close()
    again.close()


def test_one_that_comes_back_with_another_model_is_not_believed(server: Loopback) -> None:
    remote = connect(server)
    server.close()
    again = Loopback(["other", "model"], port=server.port)  # another root behind the same name
    assert caught(remote, 1).key == "server.changed"
    assert caught(remote, 1).key == "server.changed"
    remote.close()
    again.close()


def test_a_model_that_calls_itself_otherwise_is_not_believed(server: Loopback) -> None:
    remote = connect(server)
    answer = remote.answer(ask(remote))

    def other(handler: Any, body: dict[str, Any] | None) -> bool:
        if body is None:
            return False
        handler.send({**handler.completion(body), "model": "other"})
        return True

    server.before = other
    assert caught(remote, 1).key == "server.changed"
    assert remote.answer(ask(remote))[0].probs == answer[0].probs
    remote.close()


def test_logprobs_that_stop_are_said(server: Loopback) -> None:
    remote = connect(server)
    server.logprobs = False
    assert caught(remote).key == "server.no_logprobs"
    remote.close()


def test_one_error_ends_its_request_and_no_other(server: Loopback) -> None:
    remote = connect(server, requests=2)

    def before(handler: Any, body: dict[str, Any] | None) -> bool:
        bad = body is not None and "7番" in str(body)
        if bad:
            handler.fail(400, "no")
        return bad

    server.before = before
    futures = [remote.submit(ask(remote, n) * 3) for n in range(10)]
    for number, future in enumerate(futures):
        if number == 7:
            assert isinstance(future.exception(60), ModelError)
        else:
            assert len(future.result(60)) == 3
    remote.close()


def test_many_are_under_way_but_no_more_than_allowed(server: Loopback) -> None:
    remote = connect(server, requests=4)
    server.seconds = 0.02
    many = [ask(remote, n)[0] for n in range(40)]
    remote.answer(many)
    assert server.most == 4
    assert sum(server.asked.values()) == 41 and max(server.asked.values()) == 1  # and the probe
    remote.close()


# -- reasons


def write(remote: Remote) -> Iterator[str]:
    question = Question("q", "q", "g", 0, "", "期限は。", ("一", "二", "三", "四"), "")
    return remote.explain(question, (), "a")


def test_a_reason_is_streamed(server: Loopback) -> None:
    remote = connect(server)
    server.write = lambda body: iter(("第三条\u2028に", "よる。"))
    assert list(write(remote))[-1] == "第三条\u2028による。"
    remote.close()


def test_half_a_stream_is_said_and_what_came_stays(server: Loopback) -> None:
    remote = connect(server)
    half: Before = lambda handler, body: handler.stream(body, 2) or True  # noqa: E731
    server.before = half
    said: list[str] = []
    with pytest.raises(ModelError) as found:
        said.extend(iter_into(said, write(remote)))
    assert found.value.key == "server.cut" and said[-1] == "第三条によれば、"
    remote.close()


def iter_into(said: list[str], texts: Iterator[str]) -> list[str]:
    for text in texts:
        said.append(text)
    return []


def test_a_stream_that_cannot_begin_is_tried_again(server: Loopback) -> None:
    remote = connect(server)
    server.before = failing(2, lambda handler: handler.fail(503, "loading"))
    assert list(write(remote))[-1] == "第三条によれば、期間は七日です。"
    remote.close()


def test_who_stops_reading_lets_the_server_go(server: Loopback) -> None:
    remote = connect(server)
    gone = threading.Event()

    def endless(body: dict[str, Any]) -> Iterator[str]:
        try:
            for _ in range(100_000):
                yield "あ" * 1_000
        finally:
            gone.set()

    server.write = endless
    reading = write(remote)
    next(reading)
    reading.close()
    assert gone.wait(30)
    remote.close()


# -- adapters


def test_adapters_are_the_names_that_the_server_serves(tmp_path: Path) -> None:
    server = Loopback(adapters=["firm/one", "two"])
    remote = connect(server)
    assert [info.name for info in remote.server.adapters()] == ["firm/one", "two"]
    base, one, two = (remote.answer(ask(remote), name)[0] for name in (BASE, "firm/one", "two"))
    assert len({base.probs, one.probs, two.probs}) == 3 and one.adapter == "firm/one"
    assert caught(remote, 0, "three").key == "adapter.not_on_server"
    shas = {info.weights_sha for info in remote.server.adapters()}
    assert len(shas) == 2 and "" not in shas
    remote.close()
    server.close()


def test_adapters_come_and_go_where_the_server_allows_it(server: Loopback) -> None:
    remote = connect(server)
    with pytest.raises(AdapterError) as found:
        remote.server.load("new", "/adapters/new")
    assert found.value.key == "adapter.server_fixed"
    remote.close()
    server.loads = True
    remote = connect(server)
    assert remote.server.load("new", "/adapters/new").path == "/adapters/new"
    assert remote.answer(ask(remote), "new")
    with pytest.raises(AdapterError) as found:
        remote.server.load("bad", "/missing")
    assert found.value.key == "adapter.server_refused" and "/missing" in found.value.text("ja")
    remote.server.unload("new")
    assert caught(remote, 1, "new").key == "adapter.not_on_server"
    remote.close()
