"""What is made of somebody's own questions is nothing to anybody else.

Every parameter of every named endpoint that can name such a thing is tried as another user,
with the thing and with one that does not exist: the answers must be the same.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lawui.errors import LabError
from lawui.lab import CHECKOUT
from lawui.training.config import TrainConfig
from lawui.training.runs import RunStore
from lawui.types import BASE
from lawui.ui.access import acting
from lawui.ui.mcp_tools import Tools
from tests.serving import Guest, House

SECRET = "灯台守の日誌"
NOTHING = "0" * 16
FOUR = ["朝に書く", "昼に書く", "夕に書く", "夜に書く"]


@dataclass
class Secret:
    """What `owner` made, by the parameter that names it."""

    named: dict[str, list[Any]]
    words: tuple[str, ...]


@pytest.fixture(scope="module")
def secret(house: House) -> Iterator[Secret]:
    """Own questions, a matrix of scores, a mark, a training run with its adapter, one that goes
    on from it with questions of everybody's, presets and a visit."""
    lab, owner = house.lab, house.guest("owner")
    for stem in (f"{SECRET}はいつ書くか。", f"{SECRET}は何日とっておくか。"):
        kept = owner.call("own_add", stem=stem, choices=FOUR, gold="c", context=f"{SECRET}を記す。")
    own = owner.call("own_list")[0]["set"]
    runs = owner.call("score_start", set=own, evidences=["none", "given"])
    for run in runs:
        lab.score_wait(run)
    job = owner.call("score_status", run=runs[0])["job"]
    row = owner.call("score_table", run=runs[0])[0]
    owner.call("mark", run=runs[0], item=row["id"], mark="agree", comment=SECRET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunStore, "start", lambda self, run: None)
        training = owner.call("train_start", settings={"train_set": own, "output_dir": "mine"})
        _make_adapter(lab.home / "adapters" / training["run"], trained_on=own)
        begun = {"start_from": training["run"]}
        further = owner.call("train_start", settings={**begun, "output_dir": "further"})
    _make_adapter(lab.home / "adapters" / further["run"], begun_from={"sets": [own]})
    for name, settings in (("私の設定", {"train_set": own}), ("続きの設定", begun)):
        owner.call("train_preset_save", name=name, preset="sample", settings=settings)
    visit = owner.call("visit_new")
    owner.call("what_if", id=kept["id"], visit=visit)
    named = {
        "run": [runs[0], training["run"], further["run"]],
        "run_a": [runs[0]],
        "run_b": [runs[1]],
        "runs": [list(runs)],
        "job": [job],
        "set": [own],
        "id": [kept["id"]],
        "item": [row["id"], row["source"]],
        "source": [row["source"]],
        "adapter": [training["run"], further["run"]],
        "adapters": [[training["run"]], [further["run"]]],
        "settings": [{"train_set": own}, begun, {"start_from": further["run"]}],
        "preset": ["私の設定", "続きの設定"],
        "visit": [visit],
    }
    words = (SECRET, own, *runs, job, row["source"], "私の設定", "続きの設定", visit)
    words += (json.dumps(training["run"]), json.dumps(further["run"]))
    yield Secret(named, words)


def _make_adapter(folder: Path, **card: Any) -> None:
    """Let a run that was laid down look as one that ended."""
    made = next((CHECKOUT / "adapters").glob("sample-*"))
    for path in made.iterdir():
        if path.name != "run.json":
            shutil.copy(path, folder)
    whole = {**json.loads((folder / "lawui.json").read_text("utf-8")), **card}
    (folder / "lawui.json").write_text(json.dumps(whole), "utf-8")


def missing(value: Any) -> Any:
    """A name of the same form that nothing has."""
    if isinstance(value, list):
        return [missing(one) for one in value]
    if isinstance(value, dict):
        return {key: missing(one) for key, one in value.items()}
    for start in ("own_", "自作_"):
        if value.startswith(start):
            rest = value[len(start) :]
            head, dash, number = rest.partition("-")
            return start + "0" * len(head) + dash + number
    return NOTHING


def others(room: dict[str, str], run: str) -> dict[str, Any]:
    """A value for every other parameter that has to be given: a thing of the sample."""
    return {
        **room,
        "run": run,
        "run_a": run,
        "run_b": run,
        "runs": [run],
        "job": NOTHING,
        "id": "sample-000-0",
        "item": "sample-000-0",
        "adapters": [BASE],
        "evidences": ["none"],
        "settings": {"train_set": "nothing"},
        "stem": "問い",
        "choices": FOUR,
        "text": "届出",
        "target": 0.5,
        "name": "名前",
        "mark": "agree",
        "step": 1,
        "letter": "a",
        "law_id": "x",
        "visit": NOTHING,
        "token": NOTHING,
        "source": NOTHING,
        "total": -1,
    }


def secretive(house: House) -> list[tuple[str, str]]:
    """Every (endpoint, parameter) that can name something of a user."""
    return [
        (endpoint, parameter["parameter_name"])
        for endpoint, parameters in house.endpoints.items()
        for parameter in parameters
    ]


def test_no_name_leads_to_anothers(house: House, secret: Secret) -> None:
    owner, other = house.guest("owner"), house.guest("b-trainer")
    public = other.call("score_start", set="sample_dev", limit=1)[0]
    house.lab.score_wait(public)
    room = other.call("class_open")
    values = others(room, public)
    tried, opened = 0, set()
    for endpoint, parameter in secretive(house):
        needed = {
            p["parameter_name"]: values[p["parameter_name"]]
            for p in house.endpoints[endpoint]
            if not p["parameter_has_default"]
        }
        for thing in secret.named.get(parameter, ()):
            said = other.said(endpoint, **{**needed, parameter: thing})
            expected = other.said(endpoint, **{**needed, parameter: missing(thing)})
            assert plain(said, thing) == plain(expected, missing(thing)), (endpoint, parameter)
            assert SECRET not in said, (endpoint, parameter)
            tried += 1
            if endpoint in READS and not owner.said(endpoint, **{parameter: thing}).startswith("!"):
                opened.add(endpoint)
    assert tried > 60
    assert opened == set(READS), "the same names do lead their owner somewhere"
    unharmed(owner, secret)


READS = ("score_summary", "score_table", "score_job", "train_status", "train_events", "questions")


def plain(said: str, thing: Any) -> str:
    """An answer without the names that were asked for, times and speeds."""
    for one in thing if isinstance(thing, list) else [thing]:
        for text in one.values() if isinstance(one, dict) else [one]:
            # A visit's name is drawn, and may begin with the dash.
            said = said.replace(text, "…").replace(text.partition("-")[0] or text, "…")
    return said if said.startswith("!") else said[:1]


def unharmed(owner: Guest, secret: Secret) -> None:
    """Everything is still there and its owner reads it."""
    run, training, further = secret.named["run"]
    assert len(owner.call("own_list")) == 2
    assert owner.call("score_status", run=run)["state"] == "done"
    assert owner.call("train_status", run=training)["adapter"] == training
    assert {training, further} <= {a["name"] for a in owner.call("adapters")}
    assert owner.call("marks")[0]["comment"] == SECRET
    assert SECRET in owner.call("visit_text", visit=secret.named["visit"][0])
    assert {"私の設定", "続きの設定"} <= set(owner.call("train_presets"))


def test_no_list_tells_of_anothers(house: House, secret: Secret) -> None:
    other = house.guest("b-trainer")
    for endpoint, parameters in house.endpoints.items():
        if all(p["parameter_has_default"] for p in parameters) and endpoint not in STARTS:
            said = other.said(endpoint)
            assert not [w for w in secret.words if w in said], endpoint
    owner = house.guest("owner")
    lists = ("sets", "score_runs", "score_jobs", "train_runs", "adapters", "marks", "own_list")
    for endpoint in lists:
        assert any(word in owner.said(endpoint) for word in secret.words), endpoint


STARTS = ("train_start", "train_seeds", "train_preview", "score_start", "index_build")


def test_no_tool_tells_of_anothers(house: House, secret: Secret) -> None:
    tools, runs = Tools(house.lab), secret.named["runs"][0]
    with acting("b-trainer"):
        for call in (
            lambda: tools.ask(id=secret.named["id"][0]),
            lambda: tools.ask(id="sample-000-0", adapter=secret.named["adapter"][0]),
            lambda: tools.score(set=secret.named["set"][0]),
            lambda: tools.score(run=runs[0]),
            lambda: tools.compare(*runs),
        ):
            with pytest.raises(LabError) as caught:
                call()
            assert "unknown" in caught.value.key
    with acting("owner"):
        assert json.loads(tools.compare(*runs))["n"] == 2


def test_the_page_draws_nothing_of_anothers(house: House, secret: Secret) -> None:
    from lawui.ui import address, train_tab
    from lawui.ui.picker import set_choices
    from lawui.ui.score_tab.watching import View, watch

    run, training, further = secret.named["run"]
    view = View(job=secret.named["job"][0], run=run)
    asked = {"q": secret.named["id"][0], "versions": training}

    def drawn(user: str) -> str:
        with acting(user):
            return repr(
                (
                    watch(house.lab, "ja", view),
                    train_tab.watch(house.lab, "ja", training, [training, further]),
                    address.view(house.lab, "ja", asked, user),
                    set_choices(house.lab, "ja", user),
                )
            )

    assert any(word in drawn("owner") for word in secret.words)
    for name in ("b-trainer", "a-reader", ""):
        found = drawn(name)
        assert not [word for word in secret.words if word in found]


def test_no_run_goes_on_from_anothers(house: House, secret: Secret) -> None:
    from lawui.ui import train_form

    _, training, further = secret.named["run"]

    def startable(user: str) -> set[str]:
        with acting(user):
            return {name for _, name in train_form.start_choices(house.lab, "", "ja")}

    assert {training, further} <= startable("owner")
    for name in ("b-trainer", "a-reader", ""):
        assert not {training, further} & startable(name)
        for start in (training, further, "nothing"):
            with acting(name), pytest.raises(LabError) as refused:
                house.lab.train_config("sample", start_from=start)
            assert refused.value.key == "train.no_start"
            with acting(name), pytest.raises(LabError) as shaped:
                house.lab.train_shape(start)
            assert shaped.value.key == "train.no_start"
            # Settings that were put together elsewhere.
            with acting("b-trainer"), pytest.raises(LabError) as direct:
                house.lab.train(TrainConfig(train_set="sample", start_from=start))
            assert direct.value.key == "train.no_start"


def test_no_file_of_the_home_is_served(house: House, secret: Secret) -> None:
    with acting("owner"):
        offered = house.lab.score_export(secret.named["runs"][0], "html")
    assert SECRET in offered.read_text("utf-8")
    kept = [p for p in house.lab.home.rglob("*") if p.is_file() and "offered" not in p.parts]
    assert len(kept) > 10
    other = house.guest("b-trainer")
    for path in kept:
        assert other.client.get(f"gradio_api/file={path}").status_code == 403, path
    mine = house.guest("owner").client.get(f"gradio_api/file={offered}")
    assert mine.headers["content-disposition"].startswith("attachment")
