"""Scores in the background: which cells wait, which one runs.

A job is a matrix of cells: adapters by evidence on one set. One worker thread asks the
model batch by batch, behind every person who waits. All state lies in the score store, so
that a job survives a restart; answers that were computed once are not computed again.
What the scores say is read in scorebook.py.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import lawui
from lawui.asking import thresholds
from lawui.data import headings
from lawui.errors import LabError, ScoringError, UsageError
from lawui.readers.own_questions import is_own
from lawui.scoring import cache
from lawui.scoring.run import FINAL, ScoreStore, score
from lawui.types import (
    BASE,
    EVIDENCES,
    AdapterInfo,
    Answer,
    Passage,
    Prompt,
    Question,
    ScoreJob,
    ScoreRun,
)

if TYPE_CHECKING:
    from lawui.lab import Lab
    from lawui.scorebook import Scorebook

BATCH = 64
"""Questions between two looks at cancel and progress; a multiple of the four orders."""

_KEPT_SEARCHES = 1_024
"""Queries whose passages a run holds: of a long set the first are not needed to its end."""

_LAST_BATCH_SECONDS = 30.0

_OF_ONE_RUN = ("seed", "output_dir", "logging_steps", "save_steps", "eval_steps", "nproc")
"""Settings in which adapters may differ and still be siblings of other seeds."""


@dataclass(frozen=True)
class _Task:
    run_id: str
    questions: tuple[Question, ...]
    user: str


class Scorer:
    """The queue of scores of one lab. Thread-safe."""

    def __init__(
        self, lab: Lab, store: ScoreStore, answers: cache.AnswerCache, book: Scorebook
    ) -> None:
        self.store = store
        self._lab = lab
        self._cache = answers
        self._book = book
        self._tasks: list[_Task] = []
        self._errors: dict[str, Exception] = {}
        self._now: _Task | None = None
        self._listed: tuple[float, list[ScoreJob]] = (-math.inf, [])
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    # -- jobs

    def start(
        self, set_name: str, columns: Sequence[tuple[str, str]], limit: int | None
    ) -> list[str]:
        """Queue one score for each (adapter, evidence) of `columns`, as one job."""
        question_set = self._lab.questions(set_name)
        questions = question_set.questions[: limit or None]
        if not questions or not columns or (limit is not None and limit < 1):
            raise UsageError("usage.nothing_to_score")
        for _, evidence in columns:
            if evidence not in EVIDENCES:
                raise UsageError("usage.evidence", evidence=evidence)
        infos = {name: self._lab.adapter(name) for name, _ in columns if name != BASE}
        user = self._room_for(len(dict.fromkeys(columns)))
        job = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        tasks = []
        for adapter, evidence in dict.fromkeys(columns):
            info = infos.get(adapter)
            run = self.store.create(
                adapter,
                evidence,
                set_name,
                **self._identity(question_set.dataset_sha, info, evidence, questions[0]),
                total=len(questions),
                seen_groups=info.trained_groups if info else (),
                provenance=self._provenance(adapter, info, limit),
                job=job,
            )
            tasks.append(_Task(run.id, questions, user))
        self._queue(tasks)
        return [task.run_id for task in tasks]

    def _room_for(self, more: int) -> str:
        """Who asks for `more` scores. Raises UsageError where they would be too many."""
        people = self._lab.people
        with self._changed:
            waiting = [*self._tasks, *([self._now] if self._now else [])]
            people.queue("score", sum(task.user == people.user for task in waiting), more)
        return people.user

    def jobs(self, max_age: float = 0.0) -> list[ScoreJob]:
        """Every job, newest first; a run from before there were jobs is one of its own. A
        list that is at most `max_age` seconds old will do: many pages ask at once."""
        at, jobs = self._listed
        if time.monotonic() - at > max_age:
            at, jobs = time.monotonic(), self._read_jobs()
            self._listed = (at, jobs)
        return [job for job in jobs if self.store.sees(job.set)]

    def _read_jobs(self) -> list[ScoreJob]:
        cells: dict[str, list[ScoreRun]] = {}
        for run in reversed(self.store.everybodys()):
            cells.setdefault(run.job or run.id, []).append(run)
        made = [
            ScoreJob(id, runs[0].set, runs[0].created, tuple(runs)) for id, runs in cells.items()
        ]
        return sorted(made, key=lambda job: (job.created, job.id), reverse=True)

    def job(self, job_id: str) -> ScoreJob:
        """One job. Raises ScoringError for an unknown one."""
        for job in self.jobs():
            if job.id == job_id:
                return job
        raise ScoringError("scoring.unknown_job", job=job_id)

    def cancel(self, run_id: str) -> None:
        """Stop a score: at once where it waits, else after its present batch."""
        self.store.load(run_id)  # somebody else's is refused here
        with self._changed:
            if any(task.run_id == run_id for task in self._tasks):
                self._tasks = [task for task in self._tasks if task.run_id != run_id]
                self.store.end_cancelled(run_id)
        self.store.cancel(run_id)

    def cancel_job(self, job_id: str) -> None:
        """Stop a job after its present batch; what was answered stays."""
        for cell in reversed(self.job(job_id).cells):  # the waiting ones first
            self.cancel(cell.id)

    def resume_job(self, job_id: str) -> list[str]:
        """Queue what is left of every cell that was cancelled, interrupted or failed. A cell
        that cannot go on does not keep the others; the first such error is raised once they
        are queued."""
        resumed, errors = [], []
        for cell in self.job(job_id).cells:
            if cell.state in ("queued", "running", "done"):
                continue
            try:
                resumed.append(self.resume(cell.id))
            except LabError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return resumed

    def remove_job(self, job_id: str) -> None:
        """Delete the scores of a job. Raises ScoringError while a process works on it."""
        job = self.job(job_id)
        if job.active:
            raise ScoringError("scoring.busy", run=job_id)
        self._remove(job.cells)

    def count_of(self, set: str) -> int:
        """How many scores of a set there are."""
        return sum(run.set == set for run in self.store.everybodys())

    def forget_set(self, set: str) -> None:
        """Delete every score of a set, after stopping those at work."""
        runs = [run for run in self.store.everybodys() if run.set == set]
        for run in runs:
            if run.state not in FINAL:
                self.cancel(run.id)
        names = {run.id for run in runs}
        with self._changed:
            self._changed.wait_for(lambda: self._at_work not in names, _LAST_BATCH_SECONDS)
        self._remove(runs)

    def _remove(self, runs: Sequence[ScoreRun]) -> None:
        """Delete scores; of own questions also the prompts that no other score was sent."""
        names = {run.id for run in runs}
        sent = {sha for run in runs if is_own(run.set) for sha in self.store.sent(run.id)}
        for run in runs:
            self.store.remove(run.id)
        self._book.forget(names)
        if sent:
            others = [self.store.sent(run.id) for run in self.store.everybodys()]
            self._cache.forget(sorted(sent.difference(*others)))

    def resume(self, run_id: str) -> str:
        """Queue what is left of a score. Raises ScoringError where set, model, adapter,
        prompt or index are no longer what the score began with."""
        with self._changed:  # a cancelled one may still be at its last batch
            self._changed.wait_for(lambda: self._at_work != run_id, timeout=_LAST_BATCH_SECONDS)
        user = self._room_for(1)
        run = self.store.load(run_id)
        question_set = self._lab.questions(run.set)
        questions = question_set.questions[: run.total]
        info = None if run.adapter == BASE else self._lab.adapter(run.adapter)
        identity = self._identity(question_set.dataset_sha, info, run.evidence, questions[0])
        self.store.resume(run_id, **identity)
        self._queue([_Task(run_id, questions, user)])
        return run_id

    def wait(self, run_id: str, progress: Callable[[ScoreRun], None]) -> ScoreRun:
        """The score once it has ended; raises the error that ended it."""
        while True:
            run = self.store.load(run_id)
            progress(run)
            if run_id in self._errors:
                raise self._errors[run_id]
            with self._changed:
                if run.state not in ("queued", "running") and self._at_work != run_id:
                    return run
                self._changed.wait(timeout=0.5)

    def close(self) -> None:
        """Stop after the present batch; what waits can be resumed."""
        with self._changed:
            self._closed = True
            self._tasks.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    # -- what a run is identified by

    def threshold_key(self, adapter: str, evidence: str) -> str:
        """The name of the threshold for what is loaded now; "" before anything is."""
        if not self._lab.loaded:
            return ""
        loaded = self._lab.owner().loaded
        sha = "" if adapter == BASE else self._lab.adapter(adapter).weights_sha
        return thresholds.key(loaded.sha, sha, loaded.prompt_sha, evidence)

    def _identity(
        self, dataset_sha: str, info: AdapterInfo | None, evidence: str, example: Question
    ) -> dict[str, str]:
        loaded = self._lab.owner().loaded
        return {
            "dataset_sha": dataset_sha,
            "model_sha": loaded.sha,
            "prompt_sha": loaded.prompt_sha,
            "adapter_sha": info.weights_sha if info else "",
            "index_id": self._lab.index_id(example) if evidence == "retrieved" else "",
        }

    def _provenance(
        self, adapter: str, info: AdapterInfo | None, limit: int | None
    ) -> dict[str, Any]:
        choice = self._lab.choice
        loaded = self._lab.owner().loaded
        return {
            "model": choice.name,
            "model_why": choice.why("en"),
            "licence": choice.licence,
            "device": loaded.device,
            "quantization": loaded.quantization,
            "adapter": adapter,
            "seed": info.settings.get("seed") if info else None,
            "settings_key": settings_key(info) if info else "",
            "limit": limit,
            "lawui": lawui.__version__,
        }

    def _weights(self, run: ScoreRun) -> str:
        """What answers are kept under: base, precision, kind of device, adapter. Raises
        ScoringError where the adapter's name now stands for other weights."""
        loaded = self._lab.owner().loaded
        base = f"{loaded.sha}-{loaded.quantization}-{loaded.device.split(':')[0]}"
        if run.adapter == BASE:
            return base
        info = self._lab.adapter(run.adapter)
        if info.weights_sha != run.adapter_sha:
            raise ScoringError("scoring.changed_adapter_sha", run=run.id, set=run.set)
        return f"{base}-{info.weights_sha}-{info.rank}-{info.alpha}"

    # -- the worker

    @property
    def _at_work(self) -> str:
        return self._now.run_id if self._now else ""

    def _queue(self, tasks: Sequence[_Task]) -> None:
        with self._changed:
            for task in tasks:
                self._errors.pop(task.run_id, None)
            self._tasks.extend(tasks)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="scorer", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._tasks and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                task = self._tasks.pop(0)
                self._now = task
            try:
                self._score(task)
            except Exception as error:
                self._errors[task.run_id] = error
            with self._changed:
                self._now = None
                self._changed.notify_all()

    def _score(self, task: _Task) -> None:
        run = self.store.load(task.run_id)
        asking = _Asking(self._lab, self._cache, run, self._weights)
        ended = score(
            self.store,
            task.run_id,
            task.questions,
            asking.prompts,
            asking.answers,
            batch=BATCH,
            cancelled=lambda: self._closed,
            progress=self._tell,
            notes=asking.notes,
        )
        if ended.state in FINAL and ended.done:
            with suppress(LabError):  # kept now, so that they outlive a change of the set
                self._book.summary(task.run_id)

    def _tell(self, run: ScoreRun) -> None:
        with self._changed:
            self._changed.notify_all()


class _Asking:
    """One run's way from questions to answers."""

    def __init__(
        self,
        lab: Lab,
        answers: cache.AnswerCache,
        run: ScoreRun,
        weights: Callable[[ScoreRun], str],
    ) -> None:
        self._lab = lab
        self._cache = answers
        self._run = run
        self._weights = weights
        self._searched: dict[str, tuple[Passage, ...]] = {}
        self._batch: dict[str, tuple[Question, tuple[Passage, ...]]] = {}
        self._reused: set[str] = set()

    def prompts(self, questions: Sequence[Question]) -> list[Prompt]:
        self._batch = {q.id: (q, self._passages(q)) for q in questions}
        return [self._lab.prompt(q, passages) for q, passages in self._batch.values()]

    def _passages(self, question: Question) -> tuple[Passage, ...]:
        if self._run.evidence != "retrieved":
            return self._lab.passages(question, self._run.evidence)
        # The orders of an item ask search the same thing.
        if question.query not in self._searched:
            while len(self._searched) >= _KEPT_SEARCHES:
                del self._searched[next(iter(self._searched))]
            self._searched[question.query] = self._lab.passages(question, "retrieved")
        return self._searched[question.query]

    def answers(self, prompts: list[Prompt]) -> list[Answer]:
        from lawui.model.serving import BATCH as BEHIND_PEOPLE

        run, weights = self._run, self._weights(self._run)
        known = self._cache.known(weights, prompts)
        self._reused = set(known)
        new = list({p.text_sha: p for p in prompts if p.text_sha not in known}.values())
        if new:
            computed = self._lab.owner().answer(new, run.adapter, run.evidence, BEHIND_PEOPLE)
            known |= {p.text_sha: a for p, a in zip(new, computed, strict=True)}
            sound = [(p, a) for p, a in zip(new, computed, strict=True) if cache.fit(a)]
            shown = {q: passages for q, (_, passages) in self._batch.items()}
            self._cache.keep(weights, [p for p, _ in sound], [a for _, a in sound], shown)
        return [cache.reused(known[p.text_sha], p, run.adapter, run.evidence) for p in prompts]

    def notes(self, prompt: Prompt) -> dict[str, Any]:
        """Whether the answer was computed before, and, where something was searched for, how
        many articles the question rests on and how many of them the prompt shows."""
        told: dict[str, Any] = {"reused": True} if prompt.text_sha in self._reused else {}
        if self._run.evidence == "retrieved":
            question, passages = self._batch[prompt.question_id]
            cited = headings.cited_articles(question)
            shown = {
                (p.law + ("附則" if p.supplementary else ""), p.article)
                for p in passages
                if p.id in prompt.passage_ids
            }
            told |= {"cited": len(cited), "found": len(cited & shown)}
        return told


def settings_key(info: AdapterInfo) -> str:
    """The same for adapters that differ by their seed and name alone; "" where the settings
    are not known."""
    if not info.settings:
        return ""
    kept = {k: v for k, v in info.settings.items() if k not in _OF_ONE_RUN}
    text = json.dumps([info.base_sha, info.trained_on, kept], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
