"""Scoring at scale through a server: many generated items, killed once and resumed.

A process of its own serves letters on loopback, another scores every item through it by the
command line; it is killed without warning at a third of the way and resumed. Told are its
speed, its memory on the way, how often the server was asked the same thing, and how long
the page's own questions about the score take afterwards. What the server answers is drawn
from a hash: it costs next to nothing, so that the figures are those of this side.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lawui.lab import Lab

_SUBJECTS = ("市長", "事業者", "管理者", "設置者", "所有者", "占有者", "審査会", "消防長")
_ACTS = ("届出", "許可", "認可", "登録", "承認", "通知", "報告", "公告", "検査", "勧告", "命令")
_LOOK_SECONDS = 0.25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--items", type=int, default=20_000, help="generated questions")
    parser.add_argument("--milliseconds", type=float, default=0.0, help="the server's for each")


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """{"items", "seconds", "items_per_second", "killed_at", "asked", "asked_again",
    "repeated_in_results", "memory_mib": [answers on disk, MiB] of the resumed process at each
    eighth of the way, "page_seconds": {…}}. `lab` is not used:
    data, home and server are made for this and removed."""
    with tempfile.TemporaryDirectory(prefix="lawui-bench-") as made:
        folder = Path(made)
        write_items(folder / "data" / "selection.json", arguments.items)
        with served(arguments.milliseconds) as server:
            scored = _scored(folder, server.url, arguments.items)
            asked = server.end()
        return {
            "items": arguments.items,
            **scored,
            "asked": asked["requests"],
            "asked_again": asked["requests"] - asked["bodies"],
            "page_seconds": _page(folder, server.url),
        }


def write_items(path: Path, count: int) -> None:
    """`count` questions on an invented ordinance, each a group of its own, in lawqa_jp's
    format. The same count gives the same file."""
    rng = random.Random(count)
    samples = []
    for number in range(count):
        who, act, other = rng.choice(_SUBJECTS), *rng.sample(_ACTS, 2)
        choices = [
            f"{letter} {rng.choice(_SUBJECTS)}は、{rng.randint(2, 90)}日以内に{rng.choice(_ACTS)}"
            "をしなければならない。"
            for letter in "abcd"
        ]
        samples.append(
            {
                "ファイル名": f"試験_第{number}問",
                "コンテキスト": f"{who}は、第{number}号区画の{act}について、{other}をする。",
                "問題文": f"{who}が第{number}号区画について行う{act}に関し、正しいものはどれか。",
                "選択肢": "\n".join(choices),
                "output": rng.choice("abcd"),
            }
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"samples": samples}, ensure_ascii=False), "utf-8")


class _Served:
    """The loopback server in a process of its own."""

    def __init__(self, milliseconds: float) -> None:
        command = [sys.executable, "-m", "lawui.bench.loopback", str(milliseconds)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def end(self) -> dict[str, int]:
        """What it was asked; it serves no more."""
        told, _ = self._process.communicate()
        counted: dict[str, int] = json.loads(told)
        return counted

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def served(milliseconds: float) -> Iterator[_Served]:
    """The server, ended at the end of the block."""
    server = _Served(milliseconds)
    try:
        yield server
    finally:
        server.kill()


def _scored(folder: Path, url: str, items: int) -> dict[str, Any]:
    began = time.perf_counter()
    words = ["score", "--set", "selection", "--evidence", "given", "--json"]
    killed_at, _ = _follow(folder, url, words, items, kill_at=items // 3)
    (run,) = (folder / "home" / ".lawui" / "scores").iterdir()
    _, memory = _follow(folder, url, ["score", "--resume", run.name, "--json"], items)
    seconds = time.perf_counter() - began
    lines = (run / "answers.jsonl").read_text("utf-8").splitlines()
    answered = [json.loads(line)["question_id"] for line in lines if line.endswith("}")]
    return {
        "seconds": round(seconds, 1),
        "items_per_second": round(items / seconds, 1),
        "killed_at": killed_at,
        "answered": len(set(answered)),
        "repeated_in_results": len(answered) - len(set(answered)),
        "memory_mib": [list(at) for at in memory],
    }


def _follow(
    folder: Path, url: str, words: list[str], items: int, kill_at: int = 0
) -> tuple[int, list[tuple[int, int]]]:
    """Run the command; answers on disk when it ended, and what it held in MiB at how many of
    them, at each eighth. With `kill_at` it is killed once so many are there."""
    import psutil

    command = [sys.executable, "-m", "lawui", "--home", str(folder / "home"), "--offline"]
    command += ["--data", str(folder / "data"), "--model", f"{url}#model", *words]
    with (folder / "score.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        watched, done = psutil.Process(process.pid), _done(folder)
        memory: list[tuple[int, int]] = []
        step = max(1, items // 8)
        looked = (done // step + 1) * step  # once it is well under way
        while process.poll() is None:
            time.sleep(_LOOK_SECONDS)
            done = _done(folder)
            if kill_at and done >= kill_at:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                return _done(folder), memory
            if done >= looked:
                looked += step
                with suppress(psutil.Error):  # it may just have ended
                    memory.append((done, watched.memory_info().rss >> 20))
        if process.wait() != 0:
            raise RuntimeError((folder / "score.log").read_text("utf-8")[-2_000:])
    return done, memory


def _done(folder: Path) -> int:
    found = list((folder / "home").glob(".lawui/scores/*/answers.jsonl"))
    if not found:
        return 0
    with found[0].open("rb") as file:
        return sum(part.count(b"\n") for part in iter(lambda: file.read(1 << 20), b""))


def _page(folder: Path, url: str) -> dict[str, float]:
    """Seconds of what the Score tab asks of the lab, first and again."""
    from lawui.lab import Lab, Settings

    lab = Lab(Settings(home=folder / "home", data=folder / "data", model=f"{url}#model"))
    (run,) = lab.score_runs()
    found = {}
    for name in ("first", "again"):
        asked: dict[str, Callable[[], Any]] = {
            "jobs": lab.score_jobs,
            "summary": lambda: lab.score_summary(run.id),
            "table": lambda: lab.score_table(run.id),
            "item": lambda: lab.score_item(run.id, f"selection-{run.total // 2:03d}"),
            "plots": lambda: lab.score_plots(run.id, "ja"),
        }
        for what, ask in asked.items():
            began = time.perf_counter()
            ask()
            found[f"{what}_{name}"] = round(time.perf_counter() - began, 3)
    lab.close()
    return found
