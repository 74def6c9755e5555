"""Who may reach the page, and who somebody is."""

from __future__ import annotations

import base64
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from fastapi import HTTPException
from fastapi.testclient import TestClient

from lawui.errors import HostError, UsageError
from lawui.readers.people import UPLOADED, Failures, People, hashed
from lawui.ui import access


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def options(host: str = "127.0.0.1", **more: Any) -> dict[str, Any]:
    environment = more.pop("environment", {})
    header = more.get("auth_header", "")
    people = access.people(more.pop("auth_file", None), header, environment=environment)
    return access.options(host, free_port(), people, environment=environment, **more)


def right(auth: Any, name: str, password: str) -> bool:
    with start_blocking_portal() as portal:  # a browser's loop may run in this thread
        return bool(portal.call(auth, name, password))


def test_loopback_needs_no_log_in() -> None:
    found = options()
    assert found["server_name"] == "127.0.0.1" and found["auth"] is None
    assert found["auth_dependency"] is None and found["share"] is False


@pytest.mark.parametrize("more", [{"host": "0.0.0.0"}, {"host": "192.0.2.7"}, {"share": True}])
def test_the_outside_needs_users(more: dict[str, Any]) -> None:
    with pytest.raises(HostError) as caught:
        options(**more)
    assert caught.value.key == "host.no_login"
    assert "--auth-file" in caught.value.text("ja") and "--auth-file" in caught.value.text("en")


def test_users_come_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(f"# teachers\nhanako:pa:ss\nreader taro:{hashed('secret')}\n", "utf-8")
    auth = options("0.0.0.0", auth_file=file)["auth"]
    assert right(auth, "hanako", "pa:ss") and right(auth, "taro", "secret")
    assert not right(auth, "hanako", "pa") and not right(auth, "taro", hashed("secret"))
    assert not right(auth, "nobody", "") and not right(auth, "", "")
    auth = options("0.0.0.0", environment={"LAWUI_AUTH": "a:b,c:d"})["auth"]
    assert right(auth, "a", "b") and right(auth, "c", "d") and not right(auth, "a", "d")


@pytest.mark.parametrize(
    "text", ["no colon", ":nameless", "name:", "", "a:scrypt:zz:zz", "trainer x"]
)
def test_a_broken_users_file_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "users"
    file.write_text(text, "utf-8")
    with pytest.raises(HostError) as caught:
        options("0.0.0.0", auth_file=file)
    assert caught.value.key == "host.bad_auth" and str(file) in caught.value.text("en")
    with pytest.raises(HostError):
        options(auth_file=tmp_path / "missing")


def test_a_port_in_use_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(HostError) as caught:
            access.options("127.0.0.1", taken.getsockname()[1], People(), environment={})
    assert caught.value.key == "host.port"


def test_sharing_is_no_offline_work() -> None:
    with pytest.raises(UsageError):
        options(share=True, offline=True, environment={"LAWUI_AUTH": "a:b"})


def test_a_space_is_reached_without_a_log_in() -> None:
    assert options("0.0.0.0", environment={"SPACE_ID": "someone/lawui"})["auth"] is None


def test_who_guesses_is_made_to_wait() -> None:
    auth = options("0.0.0.0", environment={"LAWUI_AUTH": "a:b"})["auth"]
    for _ in range(Failures.FEW):
        assert not right(auth, "a", "guess")
    with pytest.raises(HTTPException) as caught:
        right(auth, "a", "b")
    assert caught.value.status_code == 429 and int((caught.value.headers or {})["Retry-After"]) > 0


@pytest.mark.parametrize("more", [{"host": "0.0.0.0"}, {"share": True}])
def test_a_proxys_header_is_believed_on_loopback_alone(more: dict[str, Any]) -> None:
    with pytest.raises(HostError) as caught:
        options(auth_header="X-Remote-User", environment={"LAWUI_AUTH": "a:b"}, **more)
    assert caught.value.key == "host.proxy"
    found = options(auth_header="X-Remote-User")
    name = found["auth_dependency"]
    assert found["auth"] is None
    assert name(asked({"x-remote-user": "hanako"})) == "hanako"
    assert name(asked({})) is None and name(asked({"x-remote-user": " "})) is None
    assert name(asked([("x-remote-user", "mallory"), ("x-remote-user", "hanako")])) is None


def asked(headers: Any) -> Any:
    from starlette.datastructures import Headers

    pairs = headers.items() if isinstance(headers, dict) else headers
    return SimpleNamespace(headers=Headers(raw=[(k.encode(), v.encode()) for k, v in pairs]))


def through_the_gate(path: str, headers: dict[str, str], people: People) -> tuple[int, str | None]:
    """The status that the gate gives, 200 where it lets the request pass, and for whom."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope.get("lawui.user"))

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append(message["status"])

    scope = {
        "type": "http",
        "path": path,
        "client": ("192.0.2.1", 5),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
        "app": SimpleNamespace(cookie_id="x", tokens={"t0ken": "hanako"}),
    }
    with start_blocking_portal() as portal:
        portal.call(access.Gate(app, people, ""), scope, None, send)
    return (seen[0], None) if isinstance(seen[0], int) else (200, seen[0])


def test_mcp_asks_for_the_log_in_of_the_page() -> None:
    people = access.people(environment={"LAWUI_AUTH": "hanako:pw"})
    basic = "Basic " + base64.b64encode(b"hanako:pw").decode()
    wrong = "Basic " + base64.b64encode(b"hanako:no").decode()
    path = access.MCP_PATH + "/"
    assert through_the_gate(path, {}, people) == (401, None)
    assert through_the_gate(path, {"authorization": wrong}, people) == (401, None)
    assert through_the_gate(path, {"authorization": "Basic ***"}, people) == (401, None)
    assert through_the_gate(path, {"authorization": basic}, people) == (200, "hanako")
    cookie = {"cookie": "access-token-unsecure-x=t0ken"}
    assert through_the_gate(path, cookie, people) == (200, "hanako")
    assert through_the_gate(path, {"cookie": "access-token-unsecure-x=other"}, people)[0] == 401
    assert through_the_gate(path, {}, People()) == (200, None)


def test_nobody_asks_where_no_request_is_handled() -> None:
    assert access.who() is None and access.reader() == ""
    with access.acting("hanako"):
        assert access.who() == access.reader() == "hanako"
    assert access.who() is None


def test_what_is_uploaded_is_counted_and_refused_in_words() -> None:
    people = access.people(environment={"LAWUI_AUTH": "hanako:pw,taro:pw"})
    cookie = {"cookie": "access-token-unsecure-x=t0ken"}
    half = {**cookie, "content-length": str(UPLOADED // 2)}
    path = "/gradio_api/upload"
    assert [through_the_gate(path, half, people)[0] for _ in range(3)] == [200, 200, 429]
    assert through_the_gate(path + "/", cookie, people)[0] == 411
    other = {"content-length": "10"}  # by address where nobody has logged in
    assert through_the_gate(path, other, people)[0] == 200
    assert through_the_gate(path, {"content-length": "x"}, people)[0] == 411
    assert through_the_gate(path, half, People())[0] == 200


def test_nothing_is_fetched_from_elsewhere_for_a_caller() -> None:
    for start in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/file/"):
        for address in ("http://192.0.2.1/x", "https:/192.0.2.1", "HTTP://x", "ftp://x"):
            assert through_the_gate(start + address, {}, People())[0] == 403, start + address
        assert through_the_gate(start + "/home/x/a:b.html", {}, People())[0] == 200


@pytest.mark.parametrize(
    ("status", "words", "told"),
    [
        (500, "usage.pick_run: choose", 400),  # an endpoint's refusal
        (500, access.UNEXPECTED, 500),  # an error of ours stays one
        (200, access.UNEXPECTED, 200),
    ],
)
def test_a_refusal_is_the_caller_s_mistake_and_an_error_is_ours(
    status: int, words: str, told: int
) -> None:
    from starlette.responses import PlainTextResponse

    client = TestClient(access.Gate(PlainTextResponse(words, status), People(), ""))
    answer = client.post("/gradio_api/run/ask")
    assert (answer.status_code, answer.text) == (told, words)
    assert client.get("/elsewhere").status_code == status


def test_a_request_that_cannot_be_read_is_refused_and_a_fault_is_not_hidden() -> None:
    def app(error: Exception) -> Any:
        async def raises(*_: Any) -> None:
            raise error

        return TestClient(access.Gate(raises, People(), ""))

    answer = app(KeyError("fn")).post("/gradio_api/run/ask")
    assert answer.status_code == 400 and answer.json() == {"error": "request"}
    for fault in (OSError("disk"), RuntimeError("x"), AttributeError("y")):
        with pytest.raises(type(fault)):
            app(fault).post("/gradio_api/run/ask")
