"""What is kept of a reader, how long, and that deleting it leaves nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lawui.errors import UsageError
from lawui.keeping import Kept
from lawui.lab import CHECKOUT, Lab, Settings
from lawui.readers import offered, people
from lawui.readers.people import Account, People
from lawui.readers.visits import Visits
from lawui.training.config import ConfigError
from lawui.training.runs import RunStore
from lawui.types import Mark

HERS, HIS = "花子だけの問い", "太郎だけの問い"
FOUR = ("朝に書く", "昼に書く", "夕に書く", "夜に書く")


class Door:
    """Who asks in this thread; the lab's own threads are nobody."""

    def __init__(self) -> None:
        self._name: ContextVar[str | None] = ContextVar("name", default=None)

    def __call__(self) -> str | None:
        return self._name.get()

    def let_in(self, name: str) -> None:
        self._name.set(name)


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, door: Door) -> Iterator[Lab]:
    users = [Account(name, "trainer", "pw") for name in ("hanako", "taro")]
    home = tmp_path_factory.mktemp("keeping")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LAWUI_DATA", raising=False)
        made = Lab(
            Settings(home=home, model="embedded", offline=True),
            People(users, who=door, a_minute={}),
        )
    yield made
    made.close()


def fill(lab: Lab, door: Door, user: str, stem: str) -> None:
    """One of everything that is kept of a user."""
    door.let_in(user)
    question = lab.own.add(user, stem, FOUR, "c", stem)
    own = lab.own.set_name(user)
    (run,) = lab.score_start(own, ["given"])
    lab.score_wait(run)
    lab.mark(lab.mark_of(run, question.id, "agree", stem, user))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunStore, "start", lambda self, run: None)
        mix = {"train_set": own, "evidence_mix": "none"}
        name = lab.train(lab.train_config("sample", **mix))
    past = time.time() - 60  # laid down, and never begun
    os.utime(lab.home / "adapters" / name / "run.json", (past, past))
    lab.train_preset_save(stem, lab.train_config("sample", train_set=own))
    lab.visits.add(Visits.new(), user, {"stem": stem})
    lab.score_export(run, "html")
    code, _ = lab.classroom.open(user)
    lab.classroom.join(code, "だれか", user)
    lab.ask(question)


ALL = Kept(1, 1, 1, 1, 1, 1, 1, 1, 1)


def found(lab: Lab, words: str) -> list[str]:
    """The files of the home that hold the words, packed or as JSON too."""
    import zlib

    hits = []
    for path in lab.home.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            escaped = json.dumps(words)[1:-1].encode()
            if words.encode() in raw or escaped in raw:
                hits.append(str(path))
    with lab._scorer._cache._open() as connection:
        for (text,) in connection.execute("SELECT text FROM prompts"):
            if words in zlib.decompress(text).decode():
                hits.append("prompt")
    return hits


def test_everything_of_one_reader_goes_and_nothing_of_another(lab: Lab, door: Door) -> None:
    fill(lab, door, "hanako", HERS)
    fill(lab, door, "taro", HIS)
    assert (lab.kept("hanako"), lab.kept("taro")) == (ALL, ALL)
    assert len(found(lab, HERS)) > 4 and "prompt" in found(lab, HERS)
    # What the page made of a file that was taken home.
    report = next(lab.home.glob(".lawui/gradio/offered/*/*/*own*.html"))
    copies = [lab.home / ".lawui" / "gradio" / name / report.name for name in ("mine", "other")]
    for copy in copies:
        copy.parent.mkdir()
        copy.write_bytes(report.read_bytes() if copy == copies[0] else b"another's")
    mine = HERS in copies[0].read_text("utf-8")
    user, other = ("hanako", "taro") if mine else ("taro", "hanako")
    words, others = (HERS, HIS) if mine else (HIS, HERS)
    door.let_in(user)
    with pytest.raises(UsageError) as caught:
        lab.forget(user, 8)
    assert caught.value.key == "people.other_total" and lab.kept(user) == ALL
    assert lab.forget(user, 9) == ALL
    assert lab.kept(user) == Kept() and lab.kept(other) == ALL
    assert found(lab, words) == [] and len(found(lab, others)) > 4
    assert not copies[0].exists() and copies[1].exists()
    assert lab.own.known_set(user) == "" and lab.score_runs() == [] and lab.train_runs() == []
    assert lab.forget(user, 0) == Kept()
    door.let_in(other)
    assert len(lab.score_runs()) == 1 and len(lab.train_runs()) == 1


def adapter_of_own(lab: Lab, user: str, name: str) -> str:
    """A run on a reader's own questions that looks as if it had ended, by its adapter's name."""
    lab.own.add(user, HERS, FOUR, "c", HERS)
    own, folder = lab.own.set_name(user), lab.home / "adapters"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunStore, "start", lambda self, run: None)
        values = {"train_set": own, "evidence_mix": "none", "output_dir": name}
        made = lab.train(lab.train_config("sample", **values))
    for path in (CHECKOUT / "adapters" / "sample-given").iterdir():
        if path.name != "run.json":
            shutil.copy(path, folder / made)
    card = json.loads((folder / made / "lawui.json").read_text("utf-8"))
    (folder / made / "lawui.json").write_text(json.dumps({**card, "trained_on": own}), "utf-8")
    return made


def test_what_went_on_from_it_goes_with_it(lab: Lab, door: Door) -> None:
    """A run on everybody's questions that was begun from an adapter of own questions."""
    door.let_in("hanako")
    before, folder = lab.kept("hanako"), lab.home / "adapters"
    hers = adapter_of_own(lab, "hanako", "hers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunStore, "start", lambda self, run: None)
        further = lab.train(lab.train_config("sample", start_from=hers, output_dir="further"))
    for run in (hers, further):  # laid down, and never begun
        past = time.time() - 60
        os.utime(folder / run / "run.json", (past, past))
    lab.train_preset_save("hers on", lab.train_config("sample", start_from=hers))
    kept = lab.kept("hanako")
    assert (kept.runs - before.runs, kept.presets - before.presets) == (2, 1)
    door.let_in("taro")
    assert further not in [r.run for r in lab.train_runs()]
    assert "hers on" not in lab.train_presets()
    with pytest.raises(ConfigError):
        lab.train_config("hers on")
    door.let_in("hanako")
    lab.forget("hanako")
    assert not (folder / further).exists() and not (folder / hers).exists()
    assert "hers on" not in lab.train_presets()


@pytest.mark.parametrize("how", ["train_remove", "adapter_remove"])
def test_settings_that_go_on_from_a_removed_adapter_of_ones_own_are_told_to_nobody(
    lab: Lab, door: Door, how: str
) -> None:
    door.let_in("hanako")
    hers = adapter_of_own(lab, "hanako", f"hers-{how}")
    past = time.time() - 60  # laid down, and never begun
    os.utime(lab.home / "adapters" / hers / "run.json", (past, past))
    public = lab.train_config("sample", start_from="sample-given")
    for name, config in (
        (f"from {how}", lab.train_config("sample", start_from=hers)),
        (f"kept {how}", public),
    ):
        lab.train_preset_save(name, config)
    assert f"from {how}" in lab.train_presets()
    getattr(lab, how)(hers)
    for user in ("hanako", "taro"):
        door.let_in(user)
        told = lab.train_presets()
        assert f"from {how}" not in told and f"kept {how}" in told
    assert hers not in json.dumps(lab.train_presets())


def test_a_shared_prompt_stays_for_who_else_was_answered(lab: Lab, door: Door) -> None:
    for user in ("hanako", "taro"):
        door.let_in(user)
        lab.own.add(user, "同じ問い", FOUR, "a")
        lab.score_wait(lab.score_start(lab.own.set_name(user), ["none"])[0])
    door.let_in("hanako")
    lab.forget("hanako")
    assert "prompt" not in found(lab, HERS)
    import zlib

    with lab._scorer._cache._open() as connection:
        kept = [
            zlib.decompress(t).decode() for (t,) in connection.execute("SELECT text FROM prompts")
        ]
    assert any("同じ問い" in text for text in kept)


def test_what_is_at_work_is_stopped_first(lab: Lab, door: Door) -> None:
    door.let_in("taro")
    name = lab.own.set_name("taro")
    for n in range(30):
        lab.own.add("taro", f"問い {n}", FOUR, "a")
    lab.score_start(name, ["none", "given"])
    lab.forget("taro")
    assert lab.score_runs() == [] and lab.kept("taro") == Kept()


def test_a_demo_deletes_nothing(tmp_path: Path) -> None:
    demo = Lab(Settings(home=tmp_path, model="embedded", offline=True, demo=True))
    with pytest.raises(UsageError) as caught:
        demo.forget("")
    assert caught.value.key == "people.demo"


def test_what_was_kept_long_enough_goes_by_itself(lab: Lab, door: Door) -> None:
    visit, other = Visits.new(), Visits.new()
    for name in (visit, other):
        lab.visits.add(name, "hanako", {})
        lab.visits.keep_view(name, "hanako", {"stem": "x"})
    old = (datetime.now(UTC) - timedelta(days=91)).isoformat(timespec="seconds")
    with lab.own._store.open() as connection:
        for table in ("visits", "views"):
            connection.execute(f"UPDATE {table} SET created = ? WHERE visit = ?", (old, visit))
    files = [lab.offered.write("hanako", f"{n}.txt", "x") for n in range(2)]
    upload = lab.home / ".lawui" / "gradio" / "uploaded"
    upload.mkdir()
    past = time.time() - offered.KEPT_SECONDS - 1
    for path in (files[0].parent, upload):
        os.utime(path, (past, past))
    lab.tidy()
    assert lab.visits.entries(visit, "hanako") == [] and lab.visits.view(visit, "hanako") == {}
    assert lab.visits.entries(other, "hanako") and lab.visits.view(other, "hanako")
    assert not files[0].exists() and files[1].exists() and not upload.exists()


def test_it_is_done_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(Settings(home=tmp_path, model="embedded", offline=True))
    monkeypatch.setattr(Lab, "_warm", lambda self: None)
    visit = Visits.new()
    lab.visits.add(visit, "", {})
    with lab.own._store.open() as connection:
        connection.execute("UPDATE visits SET created = '2001-01-01T00:00:00+00:00'")
    lab.start()
    end = time.monotonic() + 30
    while lab.visits.entries(visit, "") and time.monotonic() < end:
        time.sleep(0.01)
    lab.close()
    assert lab.visits.entries(visit, "") == []


def test_it_can_be_kept_for_good(tmp_path: Path) -> None:
    lab = Lab(Settings(home=tmp_path, model="embedded", offline=True, keep_days=0))
    visit = Visits.new()
    lab.visits.add(visit, "", {})
    with lab.own._store.open() as connection:
        connection.execute("UPDATE visits SET created = '2001-01-01T00:00:00+00:00'")
    lab.tidy()
    assert lab.visits.entries(visit, "")


def test_the_command_line_forgets_a_user(tmp_path: Path) -> None:
    lab = Lab(Settings(home=tmp_path, model="embedded", offline=True))
    lab.own.add("hanako", HERS, FOUR, "c")
    lab.mark(Mark("hanako", "s", "s-0", "sample", "base", "none", "a", "b", "agree", "x"))

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        told = [sys.executable, "-m", "lawui", "--home", str(tmp_path), "user", "forget"]
        return subprocess.run(
            [*told, *words, "--json"],
            cwd=CHECKOUT,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    refused = command("hanako")
    assert refused.returncode == 2 and "--yes" in refused.stderr
    assert lab.kept("hanako").total == 2
    done = command("hanako", "--yes")
    assert json.loads(done.stdout) | {"deleted": True, "questions": 1, "marks": 1, "total": 2} == (
        json.loads(done.stdout)
    )
    assert lab.kept("hanako").total == 0


def test_one_user_does_not_fill_the_line(
    lab: Lab, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "WAITING", {"score": 3, "train": 1})
    door.let_in("hanako")
    columns = [("base", e) for e in ("none", "given", "retrieved")]
    monkeypatch.setattr(lab._scorer, "_thread", object())  # nobody works the line off
    started = lab.score_columns("sample_dev", columns, 4)
    with pytest.raises(UsageError) as caught:
        lab.score_columns("sample_dev", columns[:1], 4)
    assert caught.value.key == "people.queue_full" and "3" in caught.value.text("ja")
    door.let_in("taro")
    lab.score_columns("sample_dev", columns[:1], 4)
    for run in [*started, *(r.id for r in lab.score_runs())]:
        lab.score_cancel(run)


def test_three_seeds_start_together_or_not_at_all(
    lab: Lab, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "WAITING", {"score": 3, "train": 2})
    monkeypatch.setattr(lab._runs, "start", lambda run: pytest.fail(f"{run} was started"))
    door.let_in("hanako")
    with pytest.raises(UsageError) as caught:
        lab.train_seeds(lab.train_config("sample"))
    assert caught.value.key == "people.queue_full"
    assert lab.train_runs() == []


def test_uploads_are_counted_by_the_day() -> None:
    now = [0.0]
    found = People([Account("a", "reader", "x")], clock=lambda: now[0])
    found.upload("a", people.UPLOADED)
    with pytest.raises(UsageError) as caught:
        found.upload("a", 1)
    assert caught.value.key == "people.uploads" and "200 MB" in caught.value.text("ja")
    found.upload("b", 1)
    now[0] = 24 * 3600.0
    found.upload("a", 1)
    People().upload("", 10**12)  # one's own machine
