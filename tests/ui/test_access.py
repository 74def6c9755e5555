"""Who may reach the page."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lawui.errors import HostError, UsageError
from lawui.ui import access


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def options(host: str = "127.0.0.1", **more: object) -> dict[str, object]:
    more.setdefault("environment", {})
    return access.options(host, free_port(), **more)  # type: ignore[arg-type]


def test_loopback_needs_no_log_in() -> None:
    found = options()
    assert found["server_name"] == "127.0.0.1" and found["auth"] is None
    assert found["share"] is False


@pytest.mark.parametrize("more", [{"host": "0.0.0.0"}, {"host": "192.0.2.7"}, {"share": True}])
def test_the_outside_needs_users(more: dict[str, object]) -> None:
    with pytest.raises(HostError) as caught:
        options(**more)
    assert caught.value.key == "host.no_login"
    assert "--auth-file" in caught.value.text("ja") and "--auth-file" in caught.value.text("en")


def test_users_come_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(f"# teachers\nhanako:pa:ss\ntaro:{access.hashed('secret')}\n", "utf-8")
    right = options("0.0.0.0", auth_file=file)["auth"]
    assert callable(right)
    assert right("hanako", "pa:ss") and right("taro", "secret")
    assert not right("hanako", "pa") and not right("taro", access.hashed("secret"))
    assert not right("nobody", "") and not right("", "")
    env = options("0.0.0.0", environment={"LAWUI_AUTH": "a:b,c:d"})["auth"]
    assert callable(env) and env("a", "b") and env("c", "d") and not env("a", "d")


@pytest.mark.parametrize("text", ["no colon", ":nameless", "name:", ""])
def test_a_broken_users_file_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "users"
    file.write_text(text, "utf-8")
    with pytest.raises(HostError) as caught:
        options("0.0.0.0", auth_file=file)
    assert caught.value.key == "host.bad_auth" and str(file) in caught.value.text("en")
    with pytest.raises(HostError):
        options(auth_file=tmp_path / "missing")


def test_a_hash_differs_each_time_and_holds_no_password() -> None:
    one, two = access.hashed("secret"), access.hashed("secret")
    assert one != two and "secret" not in one


def test_a_port_in_use_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(HostError) as caught:
            access.options("127.0.0.1", taken.getsockname()[1], environment={})
    assert caught.value.key == "host.port"


def test_sharing_is_no_offline_work() -> None:
    with pytest.raises(UsageError):
        options(share=True, offline=True, environment={"LAWUI_AUTH": "a:b"})


def test_a_space_is_reached_without_a_log_in() -> None:
    assert options("0.0.0.0", environment={"SPACE_ID": "someone/lawui"})["auth"] is None
