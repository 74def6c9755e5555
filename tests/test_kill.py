"""SIGKILL to the real server and to a real scoring, at random moments: nothing is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lawui.lab import Lab, Settings

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """app.py in a process of its own, answering; killed at the end."""
    port = free_port()
    log = (home / "server.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "app.py", "--home", str(home), "--port", str(port), "--model", "embedded",
         "--offline"],
        cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (home / "server.log").read_text()
                time.sleep(0.1)
        yield process, f"http://127.0.0.1:{port}/"
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def test_training_goes_on_when_the_server_is_killed_and_is_there_again(tmp_path: Path) -> None:
    from gradio_client import Client

    lab = Lab(Settings(home=tmp_path, model="embedded", offline=True))
    with server(tmp_path) as (process, address):
        Client(address, verbose=False)  # a page is open
        run = lab.train(lab.train_config("sample", max_steps_override="4", eval_steps="2"))
        deadline = time.monotonic() + 240
        while not lab.train_status(run).step and time.monotonic() < deadline:
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    assert lab.train_wait(run, timeout=240).state == "done"
    with server(tmp_path) as (_, address):
        client = Client(address, verbose=False)
        status = client.predict(run, api_name="/train_status")
        assert (status["state"], status["step"]) == ("done", 4)
        assert run in json.dumps(client.predict(api_name="/adapters"))


def test_a_killed_matrix_is_resumed_without_repeating_an_answer(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lawui", "--home", str(tmp_path), "--model", "embedded"]
    words = ["score", "--set", "sample_test", "--limit", "128", "--json"]
    words += ["--evidence", "none", "--evidence", "given"]
    process = subprocess.Popen([*command, *words], cwd=ROOT, stderr=subprocess.DEVNULL)
    lab = Lab(Settings(home=tmp_path, model="embedded", offline=True))
    deadline = time.monotonic() + 240
    while not any(run.done for run in lab.score_runs()) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(random.uniform(0, 1.0))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (job,) = lab.score_jobs()
    assert len(job.cells) == 2
    if job.state != "done":  # the machine may have been quicker than the kill
        assert job.state == "interrupted" and 0 < job.done < job.total
    store = lab._scorer.store
    before = {cell.id: store.answers(cell.id) for cell in job.cells}
    done = subprocess.run(
        [*command, "score", "--resume", job.id, "--json"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [cell["total"] for cell in json.loads(done.stdout)["cells"]] == [128, 128]
    for cell in job.cells:
        after = store.answers(cell.id)
        assert {k: after[k] for k in before[cell.id]} == before[cell.id]
        path = tmp_path / ".lawui" / "scores" / cell.id / "answers.jsonl"
        asked = [json.loads(line).get("question_id") for line in path.read_text().splitlines()]
        asked = [question for question in asked if question]
        assert len(asked) == len(set(asked)) == 128
