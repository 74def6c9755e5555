"""Scoring runs: folders that survive a kill at any moment.

    FOLDER/RUN/meta.json      what is scored, by what, and the state; replaced atomically
    FOLDER/RUN/answers.jsonl  one line an answer, only ever appended
    FOLDER/RUN/figures.json   what the ended run says, so that it can be read when the set
                              has changed; made anew where it does not fit the run
    FOLDER/RUN/run.lock       held for life by the process that works on the run
    FOLDER/RUN/cancel         somebody asked for a stop

Progress is what the answers file holds; meta.json never repeats it, so the two cannot
disagree. A half-written last line is not an answer. A run whose state is not final while
nobody holds its lock was interrupted, and goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.errors import LabError, ScoringError, message
from lawui.scoring.files import (
    AnswerLog,
    append_whole,
    mend,
    plain_disk_errors,
    write_json,
)
from lawui.types import LETTERS, Answer, Prompt, Question, ScoreRun

if TYPE_CHECKING:
    from filelock import FileLock

FINAL = ("done", "cancelled", "failed")
"""States in which nothing more happens unless somebody resumes the run. The others are
`queued`, `running` and `interrupted`; the last is read, never written."""

_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
# A status reader holds the lock for an instant while it looks; nobody else lets go soon.
_LOCK_SECONDS = 0.5
_IDENTITY = ("dataset_sha", "model_sha", "prompt_sha", "adapter_sha", "index_id")


Runs = list[ScoreRun]


class ScoreStore:
    """All scoring runs below one folder. Thread-safe; several processes may share it.

    `sees` says whether whoever asks may see what was made of a set: a run of any other is
    refused like one that does not exist, whatever is asked of it."""

    def __init__(self, folder: Path, sees: Callable[[str], bool] = lambda set: True) -> None:
        self.folder = Path(folder)
        self.sees = sees
        self._guard = threading.RLock()
        self._held: dict[str, FileLock] = {}
        self._logs: dict[str, AnswerLog] = {}

    # -- a run's life

    def create(
        self,
        adapter: str,
        evidence: str,
        set: str,
        dataset_sha: str,
        model_sha: str,
        prompt_sha: str = "",
        adapter_sha: str = "",
        index_id: str = "",
        total: int = 0,
        *,
        seen_groups: Iterable[str] = (),
        provenance: Mapping[str, Any] | None = None,
        job: str = "",
    ) -> ScoreRun:
        """A new run, queued, its lock held by this process until it ends.

        `job` is shared by the runs that were started together as one matrix.
        `seen_groups` (what the adapter was trained on) and `provenance` (model, licence,
        versions, settings: plain JSON values) are kept with the run, because the adapter
        may be gone when the report is written. Raises ScoringError on a full disk.
        """
        created = datetime.now(UTC)
        run = ScoreRun(
            id=_run_name(created, set, evidence, adapter),
            adapter=adapter,
            evidence=evidence,
            set=set,
            dataset_sha=dataset_sha,
            model_sha=model_sha,
            done=0,
            total=total,
            state="queued",
            prompt_sha=prompt_sha,
            adapter_sha=adapter_sha,
            index_id=index_id,
            created=created.isoformat(timespec="microseconds"),
            job=job,
        )
        meta = {
            "format": 1,
            "run": {k: v for k, v in asdict(run).items() if k not in _DERIVED},
            "state": "queued",
            "error": None,
            "questions_sha": "",
            "seen_groups": sorted(seen_groups),
            "provenance": dict(provenance or {}),
        }
        with plain_disk_errors(self.folder):
            self._path(run.id).mkdir(parents=True)
            self._acquire(run.id)
            try:
                write_json(self._path(run.id) / "meta.json", meta)
            except BaseException:
                self._release(run.id)
                shutil.rmtree(self._path(run.id), ignore_errors=True)
                raise
        return run

    def resume(
        self,
        run_id: str,
        *,
        dataset_sha: str | None = None,
        model_sha: str | None = None,
        prompt_sha: str | None = None,
        adapter_sha: str | None = None,
        index_id: str | None = None,
    ) -> ScoreRun:
        """Take an ended run up again, if what it would go on with is what it began with.

        Each value given must equal the one that the run was created with; answers of two
        sets, models, adapters or prompts never mix. Raises ScoringError that names what
        changed, or that another process works on the run.
        """
        meta = self._meta(run_id)
        now = {
            "dataset_sha": dataset_sha,
            "model_sha": model_sha,
            "prompt_sha": prompt_sha,
            "adapter_sha": adapter_sha,
            "index_id": index_id,
        }
        for name in _IDENTITY:
            if now[name] is not None and now[name] != meta["run"].get(name, ""):
                raise ScoringError(
                    f"scoring.changed_{name}", run=run_id, set=meta["run"].get("set", "")
                )
        if run_id in self._held and self.load(run_id).state in FINAL:
            self._release(run_id)  # cancelled while queued, and never begun
        self._claim(run_id)
        return self.load(run_id)

    def append(
        self,
        run_id: str,
        answers: Sequence[Answer],
        tokens: int,
        seconds: float,
        prompts: Sequence[Prompt] = (),
        notes: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Add answers of one batch, on disk when this returns.

        `tokens` and `seconds` are the cost of the batch; `prompts`, in the order of the
        answers, add what each was asked with, and `notes`, by question id, what else is
        known: `cited` and `found` articles, and whether the answer was `reused`. A process
        that dies inside leaves whole lines and at most one broken one, which readers ignore.
        Raises ScoringError on a full disk
        (the file is then as before) or where this process does not hold the run.
        """
        if not answers:
            return
        self._must_hold(run_id)
        lines = []
        for i, answer in enumerate(answers):
            line = asdict(answer)
            line["batch_tokens"] = tokens // len(answers) + (i < tokens % len(answers))
            line["batch_seconds"] = seconds / len(answers)
            if prompts:
                line["text_sha"] = prompts[i].text_sha
                line["n_tokens"] = prompts[i].n_tokens
                line["passage_ids"] = list(prompts[i].passage_ids)
                line["dropped_passages"] = list(prompts[i].dropped_passages)
            line |= (notes or {}).get(answer.question_id, {})
            lines.append(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
        path = self._path(run_id) / "answers.jsonl"
        with plain_disk_errors(path):
            append_whole(path, "".join(lines).encode())

    def finish(self, run_id: str) -> ScoreRun:
        """Mark the run done and let go of it."""
        return self._end(run_id, "done")

    def cancel(self, run_id: str) -> ScoreRun:
        """Ask for a stop. A run at work stops after its batch; others are cancelled at once."""
        if self.load(run_id).state in FINAL:
            return self.load(run_id)
        with plain_disk_errors(self.folder):
            (self._path(run_id) / "cancel").touch()
        with suppress(ScoringError):  # somebody else works on it and will see the request
            if run_id not in self._held:
                self._acquire(run_id, seconds=0.0)
                self._end(run_id, "cancelled")
        return self.load(run_id)

    def end_cancelled(self, run_id: str) -> ScoreRun:
        """Mark a run that this process holds as cancelled and let go of it."""
        return self._end(run_id, "cancelled")

    def cancel_requested(self, run_id: str) -> bool:
        return (self._path(run_id) / "cancel").exists()

    def fail(self, run_id: str, error: LabError | str) -> ScoreRun:
        """Mark the run failed, with the reason in words, and let go of it."""
        if isinstance(error, LabError):
            params = {k: str(v) for k, v in error.params.items()}
            return self._end(run_id, "failed", {"key": error.key, "params": params})
        reason = {"key": "scoring.failed", "params": {"error": str(error)}}
        return self._end(run_id, "failed", reason)

    def remove(self, run_id: str) -> None:
        """Delete a run. Raises ScoringError while a process works on it."""
        self._meta(run_id)
        if self._alive(run_id):
            raise ScoringError("scoring.busy", run=run_id)
        shutil.rmtree(self._path(run_id))
        self._logs.pop(run_id, None)

    # -- reading

    def load(self, run_id: str) -> ScoreRun:
        """The run as its files tell it now. Raises ScoringError for an unknown or damaged
        one."""
        return self._status(run_id, self._meta(run_id), "en")

    def list(self) -> Runs:
        """Every readable run that whoever asks may see, newest first."""
        return [run for run in self.everybodys() if self.sees(run.set)]

    def everybodys(self) -> Runs:
        """Every readable run, newest first: for the lab itself."""
        found = []
        for path in self.folder.glob("*/meta.json") if self.folder.is_dir() else ():
            with suppress(ScoringError):
                found.append(self._status(path.parent.name, self._read(path.parent.name), "en"))
        return sorted(found, key=lambda run: (run.created, run.id), reverse=True)

    def answers(self, run_id: str) -> dict[str, Answer]:
        """The run's answers by question id, in the order they came."""
        self._meta(run_id)
        return dict(self._log(run_id).refresh().answers)

    def asked_with(self, run_id: str) -> dict[str, dict[str, Any]]:
        """By question id what it was asked with: text_sha, n_tokens, passage_ids,
        dropped_passages, cited, found and reused, where known."""
        self._meta(run_id)
        return dict(self._log(run_id).refresh().asked_with)

    def sent(self, run_id: str) -> set[str]:
        """The text_sha of every prompt of a run, whoever's: for the lab itself."""
        asked = self._log(run_id).refresh().asked_with.values()
        return {str(known["text_sha"]) for known in asked if known.get("text_sha")}

    def seen_groups(self, run_id: str) -> frozenset[str]:
        """The groups that the adapter had seen in training when the run was created."""
        return frozenset(self._meta(run_id).get("seen_groups") or ())

    def provenance(self, run_id: str) -> dict[str, Any]:
        """What `create` was told of model, licence, versions and settings."""
        return dict(self._meta(run_id).get("provenance") or {})

    def keep_figures(self, run_id: str, values: Mapping[str, Any]) -> None:
        """Keep what was worked out of a run; a disk without room loses nothing by it."""
        with suppress(OSError):
            write_json(self._path(run_id) / "figures.json", dict(values))

    def kept_figures(self, run_id: str) -> dict[str, Any]:
        """What `keep_figures` was given last; {} where that cannot be read."""
        try:
            values = json.loads((self._path(run_id) / "figures.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}

    def message(self, run_id: str, lang: str) -> str:
        """Why the run failed or stands still, in `ja` or `en`; "" where all is well."""
        return self._status(run_id, self._meta(run_id), lang).message

    # -- inside

    def begin(self, run_id: str, questions: Sequence[Question]) -> None:
        """Hold the run and mark it running. Raises ScoringError where the questions are not
        those it began with, or not as many as it was created for."""
        meta = self._meta(run_id)
        sha = questions_sha(questions)
        same = meta["questions_sha"] in ("", sha) and meta["run"]["total"] == len(questions)
        if not same:
            changed = ScoringError(
                "scoring.changed_dataset_sha", run=run_id, set=meta["run"].get("set", "")
            )
            if run_id in self._held:
                self.fail(run_id, changed)
            raise changed
        if run_id not in self._held:
            self._claim(run_id)
        self._change(run_id, state="running", error=None, questions_sha=sha)

    def release(self, run_id: str) -> None:
        """Let go of a run without ending it: it reads as interrupted."""
        self._release(run_id)

    def _status(self, run_id: str, meta: dict[str, Any], lang: str) -> ScoreRun:
        log = self._log(run_id).refresh()
        known = {k: v for k, v in meta["run"].items() if k in ScoreRun.__dataclass_fields__}
        run = ScoreRun(**{**known, "done": len(log.answers)})
        state, note = self._state(run, meta)
        text = _words(note, lang) if note else ""
        return replace(run, state=state, message=text, tokens=log.tokens, seconds=log.seconds)

    def _state(self, run: ScoreRun, meta: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
        state, error = meta["state"], meta.get("error")
        if state == "done" and run.done < run.total:
            # Lines were lost after the end: resuming asks those questions again.
            return "interrupted", _note("scoring.lost_answers", run)
        if state in FINAL:
            return state, error
        alive = self._alive(run.id)
        if not alive:
            # A run that ends in between writes its end before it lets go of its lock.
            later = self._read(run.id)
            if later["state"] in FINAL:
                return later["state"], later.get("error")
        if self.cancel_requested(run.id):
            if state == "queued" or not alive:
                return "cancelled", None
            return state, _note("scoring.stopping", run)
        return (state, None) if alive else ("interrupted", _interrupted(run))

    def _meta(self, run_id: str) -> dict[str, Any]:
        """What is known of a run; everything that is asked by a run's name passes here."""
        meta = self._read(run_id)
        if not self.sees(str(meta["run"].get("set", ""))):
            raise ScoringError("scoring.unknown_run", run=run_id)
        return meta

    def _read(self, run_id: str) -> dict[str, Any]:
        path = self._path(run_id) / "meta.json"
        try:
            meta = json.loads(path.read_text(encoding="utf-8"))
            whole = meta["run"].keys() >= _RUN_KEYS and {"state", "questions_sha"} <= meta.keys()
            if whole:
                meta["run"]["id"] = run_id
                return dict(meta)
        except FileNotFoundError:
            raise ScoringError("scoring.unknown_run", run=run_id) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        raise ScoringError("scoring.damaged_run", run=run_id, path=str(path))

    def _change(self, run_id: str, **values: Any) -> None:
        with self._guard, plain_disk_errors(self.folder):
            meta = self._meta(run_id)
            write_json(self._path(run_id) / "meta.json", {**meta, **values})

    def _end(self, run_id: str, state: str, error: dict[str, Any] | None = None) -> ScoreRun:
        self._must_hold(run_id)
        try:
            self._change(run_id, state=state, error=error)
            (self._path(run_id) / "cancel").unlink(missing_ok=True)
        finally:
            self._release(run_id)
        return self.load(run_id)

    def _claim(self, run_id: str) -> None:
        """Take up a run that nobody holds: mend its last line, forget an old cancel."""
        self._meta(run_id)
        self._acquire(run_id)
        with plain_disk_errors(self.folder):
            mend(self._path(run_id) / "answers.jsonl")
            (self._path(run_id) / "cancel").unlink(missing_ok=True)
        self._change(run_id, state="queued", error=None)

    def _path(self, run_id: str) -> Path:
        if not _RUN_NAME.fullmatch(run_id):
            raise ScoringError("scoring.unknown_run", run=run_id)
        return self.folder / run_id

    def _log(self, run_id: str) -> AnswerLog:
        with self._guard:
            if run_id not in self._logs:
                self._logs[run_id] = AnswerLog(self._path(run_id) / "answers.jsonl")
            return self._logs[run_id]

    def _acquire(self, run_id: str, seconds: float = _LOCK_SECONDS) -> None:
        from filelock import Timeout

        with self._guard:
            if run_id in self._held:
                raise ScoringError("scoring.busy", run=run_id)
        lock = self._lock(run_id)
        try:
            lock.acquire(timeout=seconds, poll_interval=0.02)
        except Timeout:
            raise ScoringError("scoring.busy", run=run_id) from None
        with self._guard:
            self._held[run_id] = lock

    def _release(self, run_id: str) -> None:
        with self._guard:
            lock = self._held.pop(run_id, None)
        if lock is not None:
            lock.release()

    def _alive(self, run_id: str) -> bool:
        from filelock import Timeout

        with self._guard:
            if run_id in self._held:
                return True
        lock = self._lock(run_id)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:  # a folder that we may only read: nobody of ours works on it
            return False
        lock.release()
        return False

    def _lock(self, run_id: str) -> FileLock:
        from filelock import FileLock

        # Taken in one thread and let go in another: the hold is the process's.
        return FileLock(self._path(run_id) / "run.lock", thread_local=False)

    def _must_hold(self, run_id: str) -> None:
        with self._guard:
            if run_id not in self._held:
                raise ScoringError("scoring.not_held", run=run_id)


_RUN_KEYS = {"adapter", "evidence", "set", "dataset_sha", "model_sha", "total"}
_DERIVED = ("done", "state", "seconds", "tokens", "message")


def score(
    store: ScoreStore,
    run_id: str,
    questions: Sequence[Question],
    make_prompts: Callable[[Sequence[Question]], list[Prompt]],
    answer: Callable[[list[Prompt]], list[Answer]],
    *,
    batch: int,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[ScoreRun], None] = lambda run: None,
    notes: Callable[[Prompt], Mapping[str, Any]] = lambda prompt: {},
) -> ScoreRun:
    """Ask every question that the run does not hold yet, `batch` at a time.

    `progress` is told the run's status at the start and after every batch; `notes` says of
    each answered prompt what `ScoreStore.append` keeps beside its answer. Returns the run
    as done or cancelled. On an error the run is marked failed and the error goes on; what
    was answered stays and `score` called again resumes. An interrupt leaves the run
    interrupted. Raises ScoringError for changed questions, unfit answers or a full disk.
    """
    if batch < 1:
        raise ValueError("batch must be at least 1")
    store.begin(run_id, questions)
    try:
        progress(store.load(run_id))
        known = store.answers(run_id)
        left = [q for q in questions if q.id not in known]
        for start in range(0, len(left), batch):
            if cancelled() or store.cancel_requested(run_id):
                return _ended(store.end_cancelled(run_id), progress)
            some = left[start : start + batch]
            _score_batch(store, run_id, some, make_prompts, answer, notes)
            progress(store.load(run_id))
        return _ended(store.finish(run_id), progress)
    except Exception as error:
        _fail(store, run_id, error)
        raise
    finally:
        store.release(run_id)


def _score_batch(
    store: ScoreStore,
    run_id: str,
    questions: Sequence[Question],
    make_prompts: Callable[[Sequence[Question]], list[Prompt]],
    answer: Callable[[list[Prompt]], list[Answer]],
    notes: Callable[[Prompt], Mapping[str, Any]],
) -> None:
    began = time.perf_counter()
    prompts = make_prompts(questions)
    answers = answer(prompts)
    seconds = time.perf_counter() - began
    check_answers(questions, answers)
    by_question = {p.question_id: p for p in prompts}
    in_order = [by_question[a.question_id] for a in answers]
    told = {p.question_id: notes(p) for p in in_order}
    tokens = sum(p.n_tokens for p in in_order if not told[p.question_id].get("reused"))
    store.append(run_id, answers, tokens, seconds, in_order, told)


def check_answers(questions: Sequence[Question], answers: Sequence[Answer]) -> None:
    """Raises ScoringError unless there is one answer a question with four finite
    probabilities that sum to 1."""
    if [a.question_id for a in answers] != [q.id for q in questions]:
        raise ScoringError("scoring.wrong_answers", asked=len(questions), got=len(answers))
    for a in answers:
        figures = (*a.probs, a.letter_mass)
        whole = len(a.probs) == len(LETTERS) and all(map(math.isfinite, figures))
        if not whole or abs(sum(a.probs) - 1) > 1e-2 or a.choice not in LETTERS:
            raise ScoringError("scoring.not_finite", question=a.question_id)


def questions_sha(questions: Sequence[Question]) -> str:
    """Hash of what is asked and held right, for all questions in order: 16 hexadecimals."""
    text = json.dumps(
        [(q.id, q.source, q.stem, q.choices, q.gold, q.given_context) for q in questions],
        ensure_ascii=False,
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _ended(run: ScoreRun, progress: Callable[[ScoreRun], None]) -> ScoreRun:
    progress(run)
    return run


def _fail(store: ScoreStore, run_id: str, error: Exception) -> None:
    reason = error if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
    # On a full disk the state cannot be written either; the run then reads as interrupted.
    with suppress(ScoringError):
        store.fail(run_id, reason)


def _note(key: str, run: ScoreRun) -> dict[str, Any]:
    return {"key": key, "params": {"run": run.id, "done": run.done, "total": run.total}}


def _words(note: dict[str, Any], lang: str) -> str:
    try:
        return message(note["key"], lang, **note["params"])
    except (KeyError, IndexError):  # written by another version of lawui
        return str(note["key"])


def _interrupted(run: ScoreRun) -> dict[str, Any]:
    return _note("scoring.interrupted", run)


def _run_name(created: datetime, *words: str) -> str:
    """`20261123-142530-sample-given-base-3f9c`: sorts by time, safe as a folder."""
    plain = [re.sub(r"[^A-Za-z0-9_]+", "-", word).strip("-")[:40] for word in words]
    return "-".join([f"{created:%Y%m%d-%H%M%S}", *filter(None, plain), secrets.token_hex(2)])
