"""Scores in the background: which cells wait, which one runs, what a finished one says.

One worker thread asks the resident model batch by batch, behind every person who waits.
All state lies in the score store, so that a score survives a restart.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lawui
from lawui.errors import ScoringError, UsageError
from lawui.scoring.run import ScoreStore, score
from lawui.types import BASE, EVIDENCES, Answer, Prompt, Question, ScoreRun

if TYPE_CHECKING:
    from lawui.lab import Lab

BATCH = 64
"""Questions between two looks at cancel and progress; a multiple of the four orders."""


@dataclass(frozen=True)
class _Job:
    run_id: str
    questions: tuple[Question, ...]


class Scorer:
    """The queue of scores of one lab. Thread-safe."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.store = ScoreStore(folder)
        self._lab = lab
        self._jobs: list[_Job] = []
        self._errors: dict[str, Exception] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def start(
        self, set_name: str, evidences: Sequence[str], adapters: Sequence[str], limit: int | None
    ) -> list[str]:
        """Queue one score for each adapter and evidence."""
        question_set = self._lab.questions(set_name)
        questions = question_set.questions[: limit or None]
        if not questions or (limit is not None and limit < 1):
            raise UsageError("usage.nothing_to_score")
        for evidence in evidences:
            if evidence not in EVIDENCES:
                raise UsageError("usage.evidence", evidence=evidence)
        infos = {name: self._lab.adapter(name) for name in adapters if name != BASE}
        jobs = []
        for adapter in adapters:
            info = infos.get(adapter)
            for evidence in evidences:
                run = self.store.create(
                    adapter,
                    evidence,
                    set_name,
                    **self._identity(question_set.dataset_sha, adapter, evidence, questions[0]),
                    total=len(questions),
                    seen_groups=info.trained_groups if info else (),
                    provenance=self._provenance(adapter, limit),
                )
                jobs.append(_Job(run.id, questions))
        self._queue(jobs)
        return [job.run_id for job in jobs]

    def resume(self, run_id: str) -> str:
        """Queue what is left of a score. Raises ScoringError where set, model, adapter,
        prompt or index are no longer what the score began with."""
        run = self.store.load(run_id)
        question_set = self._lab.questions(run.set)
        questions = question_set.questions[: run.total]
        identity = self._identity(question_set.dataset_sha, run.adapter, run.evidence, questions[0])
        self.store.resume(run_id, **identity)
        self._queue([_Job(run_id, questions)])
        return run_id

    def wait(self, run_id: str, progress: Callable[[ScoreRun], None]) -> ScoreRun:
        """The score once it has ended; raises the error that ended it."""
        while True:
            run = self.store.load(run_id)
            progress(run)
            if run_id in self._errors:
                raise self._errors[run_id]
            if run.state not in ("queued", "running"):
                return run
            with self._changed:
                self._changed.wait(timeout=0.5)

    def summary(self, run_id: str) -> dict[str, Any]:
        """The figures of a score, over what has been answered so far."""
        from lawui.scoring import report

        run, questions, answers = self._whole(run_id)
        return report.summary(run, questions, answers, self.store.seen_groups(run_id))

    def table(self, run_id: str) -> list[dict[str, Any]]:
        """A row for each item."""
        from lawui.scoring import report

        run, questions, answers = self._whole(run_id)
        return report.table(run, questions, answers, self.store.seen_groups(run_id))

    def compare(self, run_a: str, run_b: str) -> dict[str, Any]:
        """Two scores paired by item; parts of the sample pair with the whole of it."""
        from lawui.scoring import report

        a, _, answers_a = self._whole(run_a)
        b, _, answers_b = self._whole(run_b)
        name = "sample" if a.set.startswith("sample") else a.set
        questions = self._lab.questions(name).questions
        return report.compare(
            a,
            b,
            questions,
            answers_a,
            answers_b,
            self.store.seen_groups(run_a),
            self.store.seen_groups(run_b),
        )

    def export(self, run_ids: Sequence[str], kind: str, lang: str) -> Path:
        """Write a report of one or more scores of one set below the scores folder."""
        from lawui.scoring import report

        if not run_ids:
            raise ScoringError("scoring.nothing_to_export")
        cells, entries = [], []
        for run_id in run_ids:
            run, questions, answers = self._whole(run_id)
            seen = self.store.seen_groups(run_id)
            provenance = self.store.provenance(run_id)
            asked_with = self.store.asked_with(run_id)
            cells.append(report.cell(run, questions, answers, seen, provenance, asked_with))
            entries.append(report.Entry(run, answers, seen))
        one_set = len({entry.run.dataset_sha for entry in entries}) == 1
        compared = report.compare_all(entries, questions) if one_set and len(entries) > 1 else []
        text: str | bytes
        if kind == "csv":
            text = report.to_csv(cells, lang)
        elif kind == "json":
            text = report.to_json(cells, compared)
        elif kind == "html":
            text = report.to_html(cells, lang, compared)
        else:
            raise UsageError("usage.export_kind", kind=kind)
        folder = self.store.folder.parent / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        name = run_ids[0] if len(run_ids) == 1 else f"{run_ids[0]}-and-{len(run_ids) - 1}"
        path = folder / f"{name}.{kind}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def close(self) -> None:
        """Stop after the present batch; what waits can be resumed."""
        with self._changed:
            self._closed = True
            self._jobs.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _whole(self, run_id: str) -> tuple[ScoreRun, list[Question], dict[str, Answer]]:
        run = self.store.load(run_id)
        question_set = self._lab.questions(run.set)
        if question_set.dataset_sha != run.dataset_sha:
            raise ScoringError("scoring.changed_dataset_sha", run=run_id, set=run.set)
        return run, list(question_set.questions), self.store.answers(run_id)

    def _identity(
        self, dataset_sha: str, adapter: str, evidence: str, example: Question
    ) -> dict[str, str]:
        loaded = self._lab.owner().loaded
        info = None if adapter == BASE else self._lab.adapter(adapter)
        return {
            "dataset_sha": dataset_sha,
            "model_sha": loaded.sha,
            "prompt_sha": loaded.prompt_sha,
            "adapter_sha": info.weights_sha if info else "",
            "index_id": self._lab.index_id(example) if evidence == "retrieved" else "",
        }

    def _provenance(self, adapter: str, limit: int | None) -> dict[str, Any]:
        choice = self._lab.choice
        loaded = self._lab.owner().loaded
        return {
            "model": choice.name,
            "model_why": choice.why("en"),
            "licence": choice.licence,
            "device": loaded.device,
            "quantization": loaded.quantization,
            "adapter": adapter,
            "limit": limit,
            "lawui": lawui.__version__,
        }

    def _queue(self, jobs: Sequence[_Job]) -> None:
        with self._changed:
            for job in jobs:
                self._errors.pop(job.run_id, None)
            self._jobs.extend(jobs)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="scorer", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                job = self._jobs.pop(0)
            try:
                self._score(job)
            except Exception as error:
                self._errors[job.run_id] = error
            with self._changed:
                self._changed.notify_all()

    def _score(self, job: _Job) -> None:
        from lawui.model.serving import BATCH as BEHIND_PEOPLE

        run = self.store.load(job.run_id)
        owner = self._lab.owner()

        def make_prompts(questions: Sequence[Question]) -> list[Prompt]:
            return [self._lab.prompt(q, self._lab.passages(q, run.evidence)) for q in questions]

        def answer(prompts: list[Prompt]) -> list[Answer]:
            return owner.answer(prompts, run.adapter, run.evidence, BEHIND_PEOPLE)

        score(
            self.store,
            job.run_id,
            job.questions,
            make_prompts,
            answer,
            batch=BATCH,
            cancelled=lambda: self._closed,
            progress=self._tell,
        )

    def _tell(self, run: ScoreRun) -> None:
        with self._changed:
            self._changed.notify_all()
