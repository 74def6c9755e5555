"""A lab whose model is an address: what is said before anything is sent, and what is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lawui import served
from lawui.bench.loopback import Loopback
from lawui.bench.remote import write_items
from lawui.errors import AdapterError, HostError, LabError, UsageError
from lawui.lab import Lab, Settings
from lawui.scorer import BATCH
from lawui.ui import class_page, header

ROOT = Path(__file__).resolve().parents[1]
ITEMS = 300


@pytest.fixture
def server() -> Iterator[Loopback]:
    made = Loopback(adapters=["sample-given", "theirs"], loads=True)
    yield made
    made.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_items(tmp_path / "data" / "selection.json", ITEMS)
    return tmp_path / "data"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patience of a test."""
    from lawui.model import remote
    from lawui.model.remote.http import Patience

    monkeypatch.setattr(remote, "Patience", lambda: Patience(3, 0.01, 0.02, 1.0, 5.0))


def make(server: Loopback, home: Path, **settings: Any) -> Lab:
    return Lab(Settings(home=home, model=f"{server.url}#model", offline=True, **settings))


def test_the_page_names_the_server_before_anything_is_sent(
    server: Loopback, tmp_path: Path
) -> None:
    lab = make(server, tmp_path)
    for lang in ("ja", "en"):
        shown = header.about_html(lab, lang)
        assert shown.count(server.url) >= 2
        assert server.url in header.footer_html(lang, lab.server)
    assert "外へ送られることはありません" not in header.footer_html("ja", lab.server)
    student = class_page._page("ja", "class.title", {"role": "student"}, lab.server).body.decode()
    assert server.url in student
    assert not server.asked  # not even the probe
    here = Lab(Settings(home=tmp_path, model="embedded", offline=True))
    assert here.server == "" and "外へ送られることはありません" in header.footer_html(
        "ja", here.server
    )


def test_the_command_line_names_it_too(server: Loopback, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lawui", "--home", str(tmp_path), "--model"]
    words = ["ask", "--id", "sample-003", "--adapter", "theirs", "--json"]
    done = subprocess.run(
        [*command, f"{server.url}#model", *words], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert answer["adapter"] == "theirs" and done.stderr.startswith(
        f"lawui: The server {server.url}"
    )
    outside = subprocess.run(
        [*command, "http://10.1.2.3:8000/v1#model", "--offline", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert outside.returncode == 1 and "--offline" in outside.stderr and not outside.stdout


def test_offline_refuses_another_machine_and_the_page_says_so(tmp_path: Path) -> None:
    lab = Lab(Settings(home=tmp_path, model="https://gpu.firm/v1#m", offline=True))
    with pytest.raises(HostError):
        lab.ask(lab.question("sample-003"))
    assert "gpu.firm" in header.about_html(lab, "ja")
    assert any("gpu.firm" in problem for problem in lab.describe()["problems"])
    lab.close()


def test_asking_comparing_and_explaining(server: Loopback, tmp_path: Path) -> None:
    lab = make(server, tmp_path)
    question = lab.question("sample-003")
    result = lab.ask(question, "given", all_orders=True)
    assert len(result.orders) == 4 and sum(result.answer.probs) == pytest.approx(1)
    assert result.model == "model" and result.passages
    cells = lab.compare_answers(question, [("base", "none"), ("theirs", "given")])
    assert [cell.answer.adapter for cell in cells] == ["base", "theirs"]
    assert cells[1].adapter_sha and not cells[1].warnings
    assert list(lab.explain(result))[-1] == "第三条によれば、期間は七日です。"
    assert lab.notices == ()
    lab.close()


def test_adapters_are_the_servers_with_what_the_home_knows(
    server: Loopback, tmp_path: Path
) -> None:
    lab = make(server, tmp_path)
    given, theirs = lab.adapters()
    assert (given.name, theirs.name) == ("sample-given", "theirs")
    assert given.trained_groups and given.rank == 16 and not theirs.trained_groups
    (run,) = lab.score_start("sample_train", adapters=["sample-given"], limit=8)
    lab.score_wait(run)
    assert lab.score_summary(run)["seen_in_training"] > 0  # marked by its name
    with pytest.raises(AdapterError) as found:
        lab.score_start("sample_dev", adapters=["sample-mixed"])
    assert found.value.key == "adapter.not_on_server"
    assert lab.adapter_load("sample-mixed").rank == 16  # its folder, where the server sees it
    assert server.adapters["sample-mixed"] == str(ROOT / "adapters" / "sample-mixed")
    assert lab.ask(lab.question("sample-003"), adapter="sample-mixed").answer.probs
    lab.adapter_unload("sample-mixed")
    assert "sample-mixed" not in {info.name for info in lab.adapters()}
    lab.close()


def test_a_base_that_is_elsewhere_is_not_trained(server: Loopback, tmp_path: Path) -> None:
    lab = make(server, tmp_path)
    local = lab.train_config("sample")
    with pytest.raises(UsageError) as found:
        lab.train(replace(local, model_name=""))
    assert found.value.key == "server.no_training" and not lab.train_runs()
    assert local.model_name == "embedded"
    assert lab.train_preview(local)["train_rows"] > 0  # by the tokenizer of that base
    lab.close()


def test_what_it_cannot_give_is_said_before_a_run(tmp_path: Path) -> None:
    bare, mute = Loopback(), Loopback(logprobs=False)
    lab = make(bare, tmp_path)
    lab.owner()
    assert bare.url in header.about_html(lab, "ja") and "LoRA" in header.about_html(lab, "ja")
    lab.close()
    lab = make(mute, tmp_path)
    with pytest.raises(LabError) as found:
        lab.score_start("sample_dev")
    assert found.value.key == "server.no_logprobs" and not lab.score_runs()
    told = lab.describe()
    assert told["server"] == {"url": mute.url, "reached": False}
    assert any("logprobs" in problem for problem in told["problems"])
    lab.close()
    bare.close()
    mute.close()


@pytest.mark.usefixtures("quick")
def test_a_server_that_goes_in_mid_run_loses_nothing(tmp_path: Path, data: Path) -> None:
    server = Loopback(seconds=0.002)
    lab = make(server, tmp_path, data=data)
    (run,) = lab.score_start("selection")
    while lab.score_status(run).done < ITEMS // 3:
        time.sleep(0.01)
    server.close()
    with pytest.raises(LabError) as found:
        lab.score_wait(run)
    assert found.value.key == "server.gone"
    stopped = lab.score_status(run)
    assert stopped.state == "failed" and server.url in lab.score_message(run, "ja")
    assert 0 < stopped.done < ITEMS
    again = Loopback(port=server.port)
    lab.score_resume(run)
    assert lab.score_wait(run).done == ITEMS
    # Of the batch that broke off, what had come was known and was not asked again.
    repeated = set(server.asked) & set(again.asked)
    assert len(repeated) <= 32 + 1  # what was under way, and the probe
    lab.close()
    again.close()


def test_one_that_is_there_later_answers_without_a_new_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "_REFUSED_SECONDS", 0.2)
    server = Loopback()
    server.close()
    lab = make(server, tmp_path)
    lab._warm()
    assert any(problem.key == "server.gone" for problem in lab.problems)
    again = Loopback(port=server.port)
    time.sleep(0.3)  # it is not tried anew at once
    assert lab.ask(lab.question("sample-003")).answer.probs
    assert not any(problem.key == "server.gone" for problem in lab.problems)
    lab.close()
    again.close()


def test_a_killed_score_goes_on_without_repeating_an_item(tmp_path: Path, data: Path) -> None:
    """The small version of `bench remote`: SIGKILL, resume, every item once."""
    server = Loopback(seconds=0.005)
    command = [sys.executable, "-m", "lawui", "--home", str(tmp_path), "--data", str(data)]
    command += ["--offline", "--model", f"{server.url}#model", "score", "--json"]
    process = subprocess.Popen(
        [*command, "--set", "selection"], cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while sum(server.asked.values()) < ITEMS // 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (run,) = (tmp_path / ".lawui" / "scores").iterdir()
    done = subprocess.run(
        [*command, "--resume", run.name], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["total"] == ITEMS
    lines = (run / "answers.jsonl").read_text("utf-8").splitlines()
    answered = [json.loads(line)["question_id"] for line in lines if line]
    assert len(answered) == len(set(answered)) == ITEMS
    # The batch in hand when it was killed was not yet kept; nothing else is asked again.
    assert sum(server.asked.values()) - len(server.asked) <= BATCH + 1  # and the probe
    server.close()
