"""A class on its phones: how long a press takes while everybody presses.

The page runs in a process of its own, as app.py starts it; the clients are programs that do
what a browser does, each on a connection of its own:

    vote     sixty students look every second and a half, as room.js does, and commit to a
             letter as soon as they see a question
    reveal   the presenter lets the model answer, without the law and with it
    same     everybody presses Answer at once, on the question that the class looks at
    own      everybody presses Answer at once, each on another question

Answer is the endpoint /ask through Gradio's queue, as its own client and page go: with the
articles that search finds, and in all four orders.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.bench.running import PATIENCE, Running, running
from lawui.errors import HostError

if TYPE_CHECKING:
    import httpx

    from lawui.lab import Lab

LOOK = 1.5
"""Seconds between two looks of a student, and up to a third more, as in room.js."""

Seconds = list[float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--clients", type=int, default=60, help="browsers in the class")
    parser.add_argument("--rounds", type=int, default=3, help="questions that are shown")
    parser.add_argument("--cores", type=int, default=2, help="for page and clients together")


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """{clients, rounds, vote, look, reveal, same, own, load, …}: each of the first a number
    of presses with p50, p95 and the longest, in seconds; `processor` is the page's own time
    for one press, which others at work don't change. `load` is the machine's average before
    and after."""
    from lawui.bench import machine

    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))[: arguments.cores]
        os.sched_setaffinity(0, cores)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as home:
        found = asyncio.run(_measured(Path(home), arguments))
    return {
        "clients": arguments.clients,
        "rounds": arguments.rounds,
        "cores": arguments.cores,
        **found,
        "load": {"before": round(before, 1), "after": round(os.getloadavg()[0], 1)},
        "model": lab.choice.name,
        **machine(),
    }


async def _measured(home: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    async with _page(home) as page, _class(page.url, arguments.clients) as room:
        for _ in range(arguments.rounds):
            await room.round()
        told = {name: _figures(getattr(room, name)) for name in ("vote", "look", "reveal")}
        for name, questions, rounds in (
            ("same", 1, arguments.rounds),
            ("own", arguments.clients, 1),
        ):
            before = _processor(page.pid)
            pressed = [s for _ in range(rounds) for s in await room.press(questions)]
            spent = (_processor(page.pid) - before) / len(pressed)
            told[name] = {**_figures(pressed), "processor": round(spent, 3)}
        return told


def _processor(page: int) -> float:
    """Seconds of the processor's time that the page has taken so far."""
    import psutil

    times = psutil.Process(page).cpu_times()
    return float(times.user + times.system)


def _figures(seconds: Sequence[float]) -> dict[str, float]:
    import numpy as np

    p50, p95 = np.percentile(seconds, (50, 95))
    return {
        "n": len(seconds),
        "p50": round(float(p50), 3),
        "p95": round(float(p95), 3),
        "most": round(max(seconds), 3),
    }


@asynccontextmanager
async def _page(home: Path) -> AsyncIterator[Running]:
    """The page, its model loaded and its articles indexed."""
    import httpx

    kept = {k: v for k, v in os.environ.items() if k not in ("LAWUI_DATA", "SPACE_ID")}
    environment = {"OMP_NUM_THREADS": "2", **kept}
    with running(home, ["--model", "embedded", "--offline"], environment) as page:
        begin: dict[str, Any] = {"timeout": PATIENCE, "headers": _session(0)}
        async with httpx.AsyncClient(base_url=page.url, **begin) as client:
            await _answer(client, "sample-000-0")
        yield page


async def _answer(client: httpx.AsyncClient, qid: str) -> float:
    """Press Answer once; the seconds until the four shares are there."""
    began = time.perf_counter()
    data = [qid, "", "", None, "retrieved", "base", True]
    body = {"data": data, "session_hash": client.headers["x-session"]}
    asked = await client.post("gradio_api/call/ask", json=body)
    told = ""
    async with client.stream("GET", f"gradio_api/call/ask/{asked.json()['event_id']}") as stream:
        async for line in stream.aiter_lines():
            told = line.partition("data: ")[2] or told
    found = json.loads(told)
    if not (isinstance(found, list) and abs(sum(found[0]["probs"].values()) - 1) < 1e-3):
        raise HostError("host.no_page", reason=told[:300])
    return time.perf_counter() - began


class _Room:
    """A class: its presenter, its students, and how long each of their presses took."""

    def __init__(self, clients: Sequence[httpx.AsyncClient]) -> None:
        self._presenter, *self._students = clients
        self._tokens: list[str] = []
        self._who: dict[str, str] = {}
        self._questions: list[str] = []
        self._shown = 0
        self.vote: Seconds = []
        self.look: Seconds = []
        self.reveal: Seconds = []

    async def begin(self) -> None:
        """Open the class; everybody loads the page and joins it, and opens the other page."""
        self._who = await _do(self._presenter, "open")
        told = await _do(self._presenter, "choices", **self._who, set="sample")
        self._questions = [question["id"] for question in told["questions"]]
        self._tokens = await asyncio.gather(
            *(self._join(student, f"学生{n}") for n, student in enumerate(self._students))
        )

    async def _join(self, student: httpx.AsyncClient, name: str) -> str:
        for part in ("class/", "class/room.css", "class/room.js"):
            (await student.get(part)).raise_for_status()
        await _answer(student, "sample-000-0")
        return str((await _do(student, "join", code=self._who["code"], name=name))["token"])

    async def round(self) -> None:
        """One question: shown, voted on by everybody, then the model without and with law."""
        self._shown += 1
        question = self._questions[self._shown % len(self._questions)]
        await _do(self._presenter, "show", **self._who, id=question)
        pairs = zip(self._students, self._tokens, strict=True)
        voting = [asyncio.create_task(self._student(s, t)) for s, t in pairs]
        state: dict[str, Any] = {}
        while state.get("voted", 0) < len(self._students):
            await asyncio.sleep(1.0)
            state = await _do(self._presenter, "state", **self._who)
        for step in (2, 3, 4):
            began = time.perf_counter()
            await _do(self._presenter, "go", **self._who, step=step)
            if step != 3:
                self.reveal.append(time.perf_counter() - began)
        seen = await asyncio.gather(*voting)
        if any(sum(votes.values()) != len(self._students) for votes in seen):
            raise HostError("host.no_page", reason=f"votes: {seen[0]}")

    async def _student(self, student: httpx.AsyncClient, token: str) -> dict[str, int]:
        """Look, vote, look on until the law is shown; the votes as the student saw them."""
        state: dict[str, Any] = {}
        who = {"code": self._who["code"], "token": token}
        voted = False
        while state.get("step") != 4:
            began = time.perf_counter()
            told = await _do(student, "state", **who, seen=state.get("version", ""))
            self.look.append(time.perf_counter() - began)
            state = told or state
            if state["step"] == 1 and not voted:
                began = time.perf_counter()
                await _do(student, "vote", **who, letter=random.choice("abcd"))
                self.vote.append(time.perf_counter() - began)
                voted = True
            elif state["step"] != 4:
                await asyncio.sleep(LOOK * (1 + random.random() / 3))
        return dict(state["votes"])

    async def press(self, questions: int) -> Seconds:
        """Everybody presses Answer at once: on one question that was not asked yet, or each
        on another."""
        start, self._shown = self._shown + 1, self._shown + questions
        asked: list[Awaitable[float]] = []
        for n, student in enumerate(self._students):
            question = self._questions[(start + n % questions) % len(self._questions)]
            asked.append(_answer(student, question))
        return list(await asyncio.gather(*asked))


@asynccontextmanager
async def _class(url: str, clients: int) -> AsyncIterator[_Room]:
    import httpx

    # The server lets go of a connection that rests for five seconds; a browser opens another.
    kept = httpx.Limits(keepalive_expiry=2)
    opened = [
        httpx.AsyncClient(base_url=url, timeout=120, limits=kept, headers=_session(n))
        for n in range(clients + 1)
    ]
    try:
        room = _Room(opened)
        await room.begin()
        yield room
    finally:
        for client in opened:
            await client.aclose()


def _session(number: int) -> dict[str, str]:
    """A name for the session of a browser: Gradio makes it when the page is opened."""
    return {"x-session": f"client{number}"}


async def _do(client: httpx.AsyncClient, action: str, **values: Any) -> dict[str, Any]:
    answer = await client.post(f"class/do/{action}?lang=ja", json=values)
    if answer.status_code != 200:
        raise HostError("host.no_page", reason=answer.text[:300])
    found: dict[str, Any] = answer.json()
    return found
