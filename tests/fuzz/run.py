"""Send odd inputs to a page that is served in this process, and look at what comes back.

What may not be: a traceback or an unexpected error in an answer or in the log; an answer
that is no JSON; a text of a file outside the lab; a file written outside of it; a script of
somebody's that runs where a browser shows what was stored.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from lawui.messages import MESSAGES
from tests.fuzz.inputs import CANARY, PATHS, SCRIPTS, Odd
from tests.serving import House

_KEY = re.compile(r"[a-z_]+\.[a-z_]+")
_FORBIDDEN = ("Traceback", 'File "', "unexpected: see the log", CANARY, "root:x:0")

GONE = ("my_data_delete", "own_remove", "class_close", "score_job_remove")
"""Asked rarely: the things that odd values stand beside should last."""


@dataclass
class Found:
    """What was sent and what came back."""

    sent: int = 0
    answered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class _Log(logging.Handler):
    """What the lab itself logs as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else ""
        self.lines.append(f"{record.getMessage()} {error!r}")


@contextlib.contextmanager
def nothing_heavy() -> Iterator[None]:
    """Runs are laid down and not begun, scores queued and not answered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lawui.training.runs.RunStore._launch", lambda *a: None)
        patch.setattr("lawui.library.Library.start_build", lambda *a, **b: None)
        patch.setattr("lawui.scorer.Scorer._queue", lambda *a: None)
        yield


def usable(house: House) -> dict[str, Any]:
    """Values that are there, by the name of the parameter: odd ones beside them reach deep."""
    guest = house.guest()
    run = guest.call("score_start", set="sample_dev", limit=2)[0]
    house.lab.score_wait(run)
    room = guest.call("class_open")
    token = guest.call("class_join", code=room["code"], name="学生")["token"]
    guest.call("class_show", id="sample-000-0", **room)
    kept = guest.call("own_add", stem="問い", choices=["一", "二", "三", "四"], gold="a")
    return {
        **room,
        "token": token,
        "run": run,
        "run_a": run,
        "run_b": run,
        "runs": [run],
        "job": guest.call("score_status", run=run)["job"],
        "item": guest.call("score_table", run=run)[0]["id"],
        "id": kept["id"],
        "stem": "問い",
        "choices": ["一", "二", "三", "四"],
        "text": "届出",
        "adapters": ["base"],
        "evidences": ["none"],
        "settings": {"max_steps_override": "1"},
        "changes": [{"kind": "stem", "where": "", "text": "別の問い"}],
        "visit": guest.call("visit_new"),
        "mark": "agree",
        "name": "名前",
        "law_id": "x",
        "target": 0.5,
        "step": 1,
        "letter": "a",
        "total": -1,
    }


def send(house: House, count: int, seed: int) -> Found:
    """`count` calls over every endpoint in turn; afterwards there is a script wherever a
    reader's words are kept."""
    known, odd, found, log = usable(house), Odd(seed), Found(), _Log()
    client, names = house.guest().client, sorted(house.endpoints)
    logging.getLogger().addHandler(log)
    try:
        with nothing_heavy():
            for number in range(count):
                name = names[number % len(names)]
                if name in GONE and number % 7:
                    name = names[0]
                body = odd.body(house.endpoints[name], known)
                kind = {"content-type": "application/json"}
                try:
                    answer = client.post(f"gradio_api/run/{name}", content=body, headers=kind)
                    _judge(name, body, answer.status_code, answer.text, found)
                except httpx.HTTPError as error:
                    found.faults.append(f"{name} {body[:300]}: {error!r}")
                found.faults += [f"{name} {body[:300]}: log: {line[:500]}" for line in log.lines]
                log.lines.clear()
    finally:
        logging.getLogger().removeHandler(log)
    _store(house)
    return found


def _judge(name: str, body: str, status: int, text: str, found: Found) -> None:
    found.sent += 1
    fault = next((word for word in _FORBIDDEN if word in text), "")
    told: Any = None
    try:
        told = json.loads(text)
    except ValueError:
        fault = fault or "no JSON"
    if status == 200 and not fault:
        found.answered += 1
        return
    error = str(told.get("error") or told.get("detail")) if isinstance(told, dict) else text
    found_key = _KEY.match(error)
    key = found_key[0] if found_key and found_key[0] in MESSAGES else ""
    if status in (400, 413, 422) and not fault:
        found.refused[key or str(status)] += 1
        return
    found.faults.append(f"{name} {body[:300]}: {status} {fault} {text[:300]}")


def _store(house: House) -> None:
    """Scripts wherever a reader's words are kept."""
    guest = house.guest()
    every = "\n".join(SCRIPTS)
    for script in (*SCRIPTS, every):
        guest.said("own_add", stem=script, choices=SCRIPTS[:4], gold="b", context=script[:90])
        guest.said("train_preset_save", name=script[:60], preset="sample", settings={})
    run = guest.call("score_start", set="sample_dev", limit=2)[0]
    house.lab.score_wait(run)
    item = guest.call("score_table", run=run)[0]
    guest.call("mark", run=run, item=item["id"], mark="disagree", comment="".join(SCRIPTS))


def paths(house: House, outside: Path) -> list[str]:
    """The addresses under which a file outside the lab came back; none should."""
    outside.write_text(CANARY, "utf-8")
    client, escaped = house.guest().client, []
    tried = [*PATHS, str(outside), f"{house.lab.home}/../{outside.name}"]
    tried += [str(path) for path in house.lab.home.glob(".lawui/*.sqlite3")]
    starts = ("gradio_api/file=", "gradio_api/file/", "file=", "static/", "assets/", "class/")
    starts += ("custom_component/x/server/../", "theme.css/", "svelte/", "gradio_api/deep_link/")
    for start in starts:
        for path in tried:
            for sent in (path, path.replace("/", "%2f").replace(".", "%2e")):
                with contextlib.suppress(ValueError):  # an address that no client would send
                    answer = client.get(start + sent.replace("\0", "%00"))
                    told = answer.content
                    if any(w in told for w in (CANARY.encode(), b"root:x:0", b"SQLite format")):
                        escaped.append(start + sent)
                    if answer.status_code >= 500:
                        escaped.append(f"{answer.status_code} {start}{sent}")
    return escaped
