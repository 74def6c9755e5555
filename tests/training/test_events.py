from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from lawui.errors import TrainingError
from lawui.training.events import EventReader, EventWriter, effective


def test_half_a_line_is_no_event_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    reader = EventReader(path)
    assert reader.read() == []
    EventWriter(path).write("start", max_steps=5)
    whole = b'{"t": 2.0, "kind": "log", "step": 1, "loss": 1.5}\n'
    for cut in range(1, len(whole)):
        with path.open("ab") as file:
            file.write(whole[cut - 1 : cut])
        assert [event.kind for event in reader.read()] == ["start"]
    with path.open("ab") as file:
        file.write(whole[-1:])
    assert [event.loss for event in reader.read()] == [None, 1.5]


def test_a_writer_starts_on_a_line_of_its_own_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"t": 1.0, "kind": "start"}\n{"t": 2.0, "kind": "lo')
    reader = EventReader(path)
    assert len(reader.read()) == 1
    EventWriter(path).write("log", step=1, loss=0.5)
    assert [(e.kind, e.loss) for e in reader.read()] == [("start", None), ("log", 0.5)]


def test_rubbish_and_a_replaced_file(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'\xff\xfe\n[]\n{"kind": "log"}\n{"t": 1, "kind": "dance"}\n\n')
    reader = EventReader(path)
    assert reader.read() == []
    other = tmp_path / "other"
    other.write_text('{"t": 1, "kind": "done", "unknown": 3}\n')
    other.replace(path)
    assert [event.kind for event in reader.read()] == ["done"]
    assert reader.progress().ended == "done"


def test_sentence_and_key_travel_together(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    EventWriter(path).say("stopped", TrainingError("train.stopped", step=3), step=3)
    event = EventReader(path).read()[0]
    assert event.data == {"key": "train.stopped", "step": 3}
    assert "step 3" in event.message


def test_figures_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    EventWriter(path).write("log", loss=float("nan"), data={"a": [float("inf")]})
    assert "NaN" not in path.read_text()
    assert EventReader(path).read()[0].loss is None


def test_a_resume_supersedes_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventWriter(path)
    log.write("start")
    for step in (1, 2, 3):
        log.write("log", step=step, loss=float(step))
    log.write("start", step=2, data={"resumed_from": 2})
    log.write("log", step=3, loss=30.0)
    curve = [(e.step, e.loss) for e in effective(EventReader(path).read()) if e.kind == "log"]
    assert curve == [(1, 1.0), (2, 2.0), (3, 30.0)]


def test_pauses_are_not_counted_as_training(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for t, kind in ((0, "start"), (10, "log"), (12, "stopped"), (500, "start"), (505, "done")):
        with path.open("a") as file:
            file.write(f'{{"t": {t}, "kind": "{kind}", "step": 1}}\n')
    progress = EventReader(path).progress()
    assert (progress.seconds, progress.ended) == (17.0, "done")


def test_many_readers_see_the_same(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log, reader = EventWriter(path), EventReader(path)
    faults: list[str] = []

    def watch() -> None:
        for _ in range(200):
            steps = [event.step for event in reader.read()]
            if steps != list(range(len(steps))):
                faults.append(str(steps))

    threads = [threading.Thread(target=watch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for step in range(300):
        log.write("log", step=step)
    for thread in threads:
        thread.join()
    assert not faults
    assert len(reader.read()) == 300


def test_a_full_disk_loses_no_event(tmp_path: Path) -> None:
    """A writer whose files may not grow past 1 KiB, then may again."""
    path = tmp_path / "events.jsonl"
    code = f"""
import resource
from lawui.training.events import EventWriter
log = EventWriter({str(path)!r})
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
wrote = [log.write("log", step=step, message="x" * 100) for step in range(20)]
assert wrote[0] and not wrote[-1]
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
assert log.write("done", step=20)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert [event.step for event in EventReader(path).read()] == list(range(21))
