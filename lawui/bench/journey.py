"""The four tabs' work in one go: train and watch, switch, compare, score a matrix, export.

Where the page's library is installed, app.py is started and everything goes through its
named endpoints, as a browser's presses do; where it is not, through the lab that the page
itself talks to. What drove it stands in the result.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lawui.bench.running import Running, running
from lawui.types import BASE, EVIDENCES

if TYPE_CHECKING:
    from lawui.lab import Lab

POLL = 0.2
_SEARCHES_WITH = ("chromadb", "bm25s", "sentence_transformers")
"""Without these nothing is retrieved, and the matrix is scored without it."""

_UNDERWAY = ("queued", "starting", "running")
_ERROR = re.compile(r"^\s*(Traceback|ERROR\b|CRITICAL\b|[\w.]*(Error|Exception)\b.*:)|CUDA error")


class Driver(Protocol):
    """What a page's visitor does, by the names of its endpoints."""

    name: str

    def train_start(self, settings: dict[str, Any]) -> str: ...
    def train_events(self, run: str, after: int) -> list[dict[str, Any]]: ...
    def train_state(self, run: str) -> dict[str, Any]: ...
    def questions(self, set: str) -> list[str]: ...
    def ask(self, question: str, set: str, evidence: str, adapter: str) -> dict[str, Any]: ...
    def compare(
        self, question: str, set: str, evidence: str, adapters: list[str]
    ) -> list[dict[str, Any]]: ...
    def score_start(self, set: str, kinds: list[str], adapters: list[str], limit: int) -> str: ...
    def score_state(self, job: str) -> dict[str, Any]: ...
    def score_summary(self, run: str) -> dict[str, Any]: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--set", default="", help="by default lawqa_jp in four orders, or sample")
    parser.add_argument("--steps", type=int, default=100, help="of the run that is watched")
    parser.add_argument("--adapters", type=int, default=3, help="trained, compared and scored")
    parser.add_argument("--other-steps", type=int, default=20, help="of the runs after the first")
    parser.add_argument("--limit", type=int, default=0, help="score the first N questions only")
    parser.add_argument("--evidence", action="append", choices=EVIDENCES, help="default all")
    parser.add_argument("--memory-budget", default="", help="of the training runs, such as 10GB")
    parser.add_argument("--driver", choices=("page", "lab"), help="default the page if it is here")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="where the report goes")


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """{machine, driver, phases: [{phase, seconds, …}], memory, errors, report, …}.

    `errors` are lines of the logs that tell of one: empty where all went well. Where what
    search needs is not installed, `not_installed` names it and nothing is retrieved.
    """
    from lawui.bench import machine

    driver = arguments.driver or ("page" if importlib.util.find_spec("gradio") else "lab")
    began = time.monotonic()
    with Memory() as memory:
        if driver == "page":
            with served(lab) as page:
                found = _journey(lab, ThePage(page.url), arguments, memory)
                found["errors"] += errors_in(page.log)
        else:
            found = _journey(lab, TheLab(lab), arguments, memory)
    return {
        "machine": machine(),
        "driver": driver,
        "model": lab.choice.name,
        **found,
        "seconds": round(time.monotonic() - began, 1),
    }


def _journey(
    lab: Lab, driver: Driver, arguments: argparse.Namespace, memory: Memory
) -> dict[str, Any]:
    names = [one["name"] for one in lab.sets()]
    name = arguments.set or (
        "selection_randomized" if "selection_randomized" in names else "sample"
    )
    kinds = list(arguments.evidence or EVIDENCES)
    missing = [name for name in _SEARCHES_WITH if importlib.util.find_spec(name) is None]
    if missing and "retrieved" in kinds:
        kinds.remove("retrieved")
    phases: list[dict[str, Any]] = []

    @contextmanager
    def phase(what: str) -> Iterator[dict[str, Any]]:
        memory.mark()
        told: dict[str, Any] = {"phase": what}
        began = time.perf_counter()
        yield told
        told |= {"seconds": round(time.perf_counter() - began, 2), **memory.most()}
        phases.append(told)
        print(told, file=sys.stderr, flush=True)

    settings = {
        "train_set": name,
        "evidence_mix": ",".join(f"{kind}=1" for kind in kinds),
        "batch_size": 8,
        "gradient_accumulation_steps": 1,
        "max_seq_length": 1024,
        "eval_steps": max(1, arguments.steps // 4),
        "save_steps": 0,
        "memory_budget": arguments.memory_budget,
    }
    with phase(f"train {arguments.steps} steps, the curve read live") as told:
        watched = driver.train_start({**settings, "max_steps_override": arguments.steps})
        told.update(_watch(driver, watched))
    adapters = [watched]
    for seed in range(1, arguments.adapters):
        with phase(f"train {arguments.other_steps} steps more, seed {seed}") as told:
            more = {"seed": seed, "max_steps_override": arguments.other_steps, "eval_steps": 0}
            adapters.append(driver.train_start({**settings, **more}))
            told.update(_watch(driver, adapters[-1]))
    question = driver.questions(name)[0]
    with phase("the first answer, the model loaded if it was not"):
        driver.ask(question, name, "given", BASE)
    switches = []
    with phase("switch: the same question to each adapter in turn, ten times") as told:
        for _ in range(10):
            for adapter in adapters:
                began = time.perf_counter()
                driver.ask(question, name, "none", adapter)
                switches.append(time.perf_counter() - began)
        told["median_ms"] = round(1000 * statistics.median(switches), 1)
    with phase("compare the base and the adapters side by side") as told:
        told["columns"] = len(driver.compare(question, name, "given", [BASE, *adapters]))
    with phase(f"score {len(adapters)} adapters × {len(kinds)} evidences") as told:
        job = driver.score_start(name, kinds, adapters, arguments.limit)
        while (state := driver.score_state(job))["state"] in _UNDERWAY:
            time.sleep(POLL)
        told |= {"state": state["state"], "answers": state["done"]}
        cells = [driver.score_summary(cell["id"]) for cell in state["cells"]]
        told["scoring_seconds"] = round(sum(cell["seconds"] for cell in cells), 2)
    with phase("export the report"):
        runs = [cell["id"] for cell in state["cells"]]
        report = Path(lab.score_export(runs, "html", "ja"))
        if arguments.report:
            arguments.report.mkdir(parents=True, exist_ok=True)
            report = Path(shutil.copy2(report, arguments.report / "report.html"))
    children = [lab.home / "adapters" / adapter / "child.log" for adapter in adapters]
    return {
        "set": name,
        "evidences": kinds,
        "not_installed": missing,
        "phases": phases,
        "cells": [{key: cell.get(key) for key in _SHOWN} for cell in cells],
        "report": str(report),
        "report_bytes": report.stat().st_size,
        "errors": [line for log in children for line in errors_in(log)],
    }


_SHOWN = ("adapter", "evidence", "total", "accuracy", "low", "high", "accuracy_unseen", "seconds")


def _watch(driver: Driver, run: str) -> dict[str, Any]:
    """Read a run's events as they come, until it has ended."""
    heard: list[dict[str, Any]] = []
    lags: list[float] = []
    while True:
        state = driver.train_state(run)
        fresh = driver.train_events(run, len(heard))
        lags += [time.time() - event["t"] for event in fresh]
        heard += fresh
        if state["state"] not in _UNDERWAY:
            break
        time.sleep(POLL)
    losses = [event["loss"] for event in heard if event["kind"] == "log" and event["loss"]]
    steps = [event["t"] for event in heard if event["kind"] in ("start", "log")]
    return {
        "run": run,
        "state": state["state"],
        "steps": state["step"],
        "events": len(heard),
        "median_lag_seconds": round(statistics.median(lags), 2) if lags else None,
        "first_loss": losses[0] if losses else None,
        "loss": losses[-1] if losses else None,
        "stepping_seconds": round(steps[-1] - steps[0], 2) if steps else None,
        "training_bytes": max((event["memory_bytes"] or 0 for event in heard), default=0),
        "message": "" if state["state"] == "done" else state["message"],
    }


# -- the two ways


class TheLab:
    """The lab in this process, which is what the page talks to."""

    name = "lab"

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def train_start(self, settings: dict[str, Any]) -> str:
        return self._lab.train(self._lab.train_config("", **settings))

    def train_events(self, run: str, after: int) -> list[dict[str, Any]]:
        return [asdict(event) for event in self._lab.train_events(run)[after:]]

    def train_state(self, run: str) -> dict[str, Any]:
        return asdict(self._lab.train_status(run))

    def questions(self, set: str) -> list[str]:
        return [question.id for question in self._lab.find(set)]

    def ask(self, question: str, set: str, evidence: str, adapter: str) -> dict[str, Any]:
        result = self._lab.ask(self._lab.question(question, set), evidence, adapter)
        return {"choice": result.answer.choice}

    def compare(
        self, question: str, set: str, evidence: str, adapters: list[str]
    ) -> list[dict[str, Any]]:
        columns = [(adapter, evidence) for adapter in adapters]
        found = self._lab.compare_answers(self._lab.question(question, set), columns)
        return [{"choice": result.answer.choice} for result in found]

    def score_start(self, set: str, kinds: list[str], adapters: list[str], limit: int) -> str:
        runs = self._lab.score_start(set, kinds, adapters, limit or None)
        return self._lab.score_status(runs[0]).job

    def score_state(self, job: str) -> dict[str, Any]:
        found = self._lab.score_job(job)
        return {"state": found.state, "done": found.done, "cells": [asdict(c) for c in found.cells]}

    def score_summary(self, run: str) -> dict[str, Any]:
        return self._lab.score_summary(run)


class ThePage:
    """The running page at `url`, by its named endpoints."""

    name = "page"

    def __init__(self, url: str) -> None:
        from gradio_client import Client

        self._client = Client(url, verbose=False, analytics_enabled=False)

    def _call(self, endpoint: str, **values: Any) -> Any:
        return self._client.predict(api_name=f"/{endpoint}", **values)

    def train_start(self, settings: dict[str, Any]) -> str:
        return str(self._call("train_start", preset="", settings=settings)["run"])

    def train_events(self, run: str, after: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("train_events", run=run, after=after)
        return found

    def train_state(self, run: str) -> dict[str, Any]:
        found: dict[str, Any] = self._call("train_status", run=run)
        return found

    def questions(self, set: str) -> list[str]:
        return [question["id"] for question in self._call("questions", set=set)]

    def ask(self, question: str, set: str, evidence: str, adapter: str) -> dict[str, Any]:
        values = {"id": question, "set": set, "evidence": evidence, "adapter": adapter}
        found: dict[str, Any] = self._call("ask", **values)
        return found

    def compare(
        self, question: str, set: str, evidence: str, adapters: list[str]
    ) -> list[dict[str, Any]]:
        values = {"id": question, "set": set, "evidence": evidence, "adapters": adapters}
        found: list[dict[str, Any]] = self._call("compare_answers", **values)
        return found

    def score_start(self, set: str, kinds: list[str], adapters: list[str], limit: int) -> str:
        values = {"set": set, "evidences": kinds, "adapters": adapters, "limit": limit}
        runs = self._call("score_start", **values)
        return str(self._call("score_status", run=runs[0])["job"])

    def score_state(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self._call("score_job", job=job)
        return found

    def score_summary(self, run: str) -> dict[str, Any]:
        found: dict[str, Any] = self._call("score_summary", run=run)
        return found


@contextmanager
def served(lab: Lab) -> Iterator[Running]:
    """The page with the lab's own settings."""
    settings = lab.settings
    words = ["--model", settings.model]
    words += ["--data", str(lab.data_dir)] if lab.data_dir else []
    words += ["--offline"] if settings.offline else []
    with running(lab.home, words) as page:
        yield page


# -- what is measured beside seconds


class Memory:
    """The most that this process and all below it held, and that the card held in all,
    since the last mark; looked at every half second."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.mark()

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def mark(self) -> None:
        self._own, self._card = 0, 0

    def most(self) -> dict[str, int | None]:
        """{memory_bytes, card_bytes}: main memory, and the card's, None without one."""
        self._once()
        return {"memory_bytes": self._own, "card_bytes": self._card or None}

    def _look(self) -> None:
        while not self._stop.wait(0.5):
            self._once()

    def _once(self) -> None:
        import psutil

        me = psutil.Process()
        total = 0
        for process in (me, *me.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.Error:  # it ended in between
                continue
        self._own = max(self._own, total)
        self._card = max(self._card, _card_bytes())


def _card_bytes() -> int:
    """What all processes hold of the first card, by its driver's tool; 0 without one."""
    words = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    if shutil.which(words[0]) is None:
        return 0
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    first = done.stdout.split("\n", maxsplit=1)[0].strip()
    return int(first) * 2**20 if first.isdigit() else 0


def errors_in(log: Path) -> list[str]:
    """The lines of a log that tell of an error."""
    try:
        lines: Sequence[str] = log.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line.strip()[:300] for line in lines if _ERROR.search(line)]
