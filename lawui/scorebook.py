"""What the scores of a lab say: figures, comparisons, items and reports.

Reading needs no model. What an ended score says is kept beside it, so that the page is
quick and an old score can be read when its set has changed; scores of two versions of a
set are never compared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import lawui
from lawui.asking import browse
from lawui.asking.browse import Tried
from lawui.data import questions as data
from lawui.errors import DataError, ScoringError, UsageError
from lawui.scoring.cache import AnswerCache
from lawui.scoring.run import ScoreStore
from lawui.types import Answer, Mark, Question, ScoreJob, ScoreRun

if TYPE_CHECKING:
    from lawui.lab import Lab
    from lawui.scoring.report import Cell

FORMAT = 1
"""Raise this when figures or tables are worked out otherwise: kept ones are made anew."""

_KEPT_COMPARISONS = 32
_KEPT_SCORES = 64

Values = dict[str, Any]


class Scorebook:
    """The scores of one lab, read. Thread-safe."""

    def __init__(self, lab: Lab, store: ScoreStore, answers: AnswerCache) -> None:
        self._lab = lab
        self._store = store
        self._cache = answers
        self._lock = threading.Lock()
        self._whole_jobs: dict[str, list[Values]] = {}
        self._read: dict[str, tuple[str, Values]] = {}
        self._tried: tuple[object, dict[str, Tried]] = ((), {})

    # -- one score

    def summary(self, run_id: str, seeds: bool = True) -> Values:
        """The figures of a score, over what has been answered so far; with `seeds`, the
        spread over its siblings too."""
        run = self._store.load(run_id)
        figures: Values = self._said(run)["summary"]
        return {**figures, "seeds": self.seeds(run)} if seeds else figures

    def table(self, run_id: str) -> list[Values]:
        """A row for each item."""
        rows: list[Values] = self._said(self._store.load(run_id))["table"]
        return rows

    def changed(self, run: ScoreRun) -> bool:
        """Whether the set is no longer the one that the score answered."""
        try:
            return self._lab.questions(run.set).dataset_sha != run.dataset_sha
        except (DataError, UsageError):
            return True

    def abstain(self, run_id: str, target: float) -> Values:
        """From which confidence on answers reach `target`: the keys of report.abstain."""
        from lawui.scoring import report

        return report.abstain(self.table(run_id), target)

    def seeds(self, run: ScoreRun) -> Values | None:
        """The spread of accuracy over this score and those of adapters that differ by their
        training seed only; None where there are none."""
        from lawui.scoring import statistics

        return statistics.seed_spread(self._siblings(run))

    def _siblings(self, run: ScoreRun) -> list[float]:
        """Headline accuracies of this and its siblings' newest scores, one an adapter."""
        key = self._store.provenance(run.id).get("settings_key")
        if not key:
            return []
        found = {}
        like = ("set", "dataset_sha", "model_sha", "prompt_sha", "evidence", "index_id", "total")
        for other in self._store.list():
            same = all(getattr(other, name) == getattr(run, name) for name in like)
            if not same or other.adapter_sha in found or other.done < other.total:
                continue
            if self._store.provenance(other.id).get("settings_key") == key:
                found[other.adapter_sha] = self._said(other)["summary"]["headline"]["accuracy"]
        return list(found.values())

    def _said(self, run: ScoreRun) -> Values:
        """`summary` and `table` of a score: kept ones where they fit, else worked out."""
        key = f"{FORMAT}-{lawui.__version__}-{run.done}-{run.total}-{run.state}"
        with self._lock:
            if run.id in self._read and self._read[run.id][0] == key:
                return self._read[run.id][1]
        ended = run.state not in ("queued", "running")
        said = self._store.kept_figures(run.id) if ended else {}
        if said.get("key") != key:
            said = {"key": key, **self._work_out(run)}
            if ended:
                self._store.keep_figures(run.id, said)
        with self._lock:
            self._read.pop(run.id, None)
            while len(self._read) >= _KEPT_SCORES:
                self._read.pop(next(iter(self._read)))
            self._read[run.id] = (key, said)
        return said

    def _work_out(self, run: ScoreRun) -> Values:
        from lawui.scoring import report

        questions, answers = self._whole(run)
        seen, asked_with = self._store.seen_groups(run.id), self._store.asked_with(run.id)
        return {
            "summary": report.summary(run, questions, answers, seen, asked_with),
            "table": report.table(run, questions, answers, seen, asked_with),
        }

    def forget(self, run_ids: Collection[str]) -> None:
        """Keep in memory nothing that was read of these scores."""
        with self._lock:
            for run_id in run_ids:
                self._read.pop(run_id, None)
            self._whole_jobs.clear()
            self._tried = ((), {})

    def tried(self) -> dict[str, Tried]:
        """By item: how its answers went, over the scores whose sets are as they were."""
        runs = [run for run in self._store.list() if run.done and not self.changed(run)]
        known = [(run.id, run.done) for run in runs]
        with self._lock:
            if self._tried[0] == known:
                return self._tried[1]
        found = browse.tried((run, *self._whole(run)) for run in runs)
        with self._lock:
            self._tried = (known, found)
        return found

    def _whole(self, run: ScoreRun) -> tuple[list[Question], dict[str, Answer]]:
        if self.changed(run):
            raise ScoringError("scoring.changed_dataset_sha", run=run.id, set=run.set)
        return list(self._lab.questions(run.set).questions), self._store.answers(run.id)

    # -- between scores

    def compare(self, run_a: str, run_b: str) -> Values:
        """Two scores paired by item; parts of the sample pair with the whole of it."""
        from lawui.scoring import report

        a, b = self._entry(run_a), self._entry(run_b)
        name = data.whole_of(a.run.set)
        return report.compare(
            a.run,
            b.run,
            self._lab.questions(name).questions,
            a.answers,
            b.answers,
            a.seen_groups,
            b.seen_groups,
            a.siblings,
            b.siblings,
        )

    def compare_job(self, job: ScoreJob) -> list[Values]:
        """Every pair of a job's cells that hold answers, corrected for their number."""
        from lawui.scoring import report

        cells = [cell for cell in job.cells if cell.done]
        if len(cells) < 2:
            return []
        key = repr([(cell.id, cell.done) for cell in cells])
        with self._lock:
            if key in self._whole_jobs:
                return self._whole_jobs[key]
        entries = [self._entry(cell.id) for cell in cells]
        found = report.compare_all(entries, self._whole(cells[0])[0])
        with self._lock:
            if len(self._whole_jobs) >= _KEPT_COMPARISONS:
                self._whole_jobs.pop(next(iter(self._whole_jobs)))
            self._whole_jobs[key] = found
        return found

    def _entry(self, run_id: str) -> Any:
        from lawui.scoring import report

        run = self._store.load(run_id)
        answers = self._whole(run)[1]
        return report.Entry(run, answers, self._store.seen_groups(run_id), self._siblings(run))

    def differences(self, run_ids: Sequence[str]) -> list[Values]:
        """Each item that all of these scores answered, with what each said: the most torn
        first. `letters`, `rights` and `confidences` follow `run_ids`."""
        tables = [{row["source"]: row for row in self.table(run)} for run in run_ids]
        found = []
        for source, row in (tables[0] if tables else {}).items():
            rows = [table[source] for table in tables if source in table]
            if len(rows) == len(tables):
                found.append(
                    {
                        **{k: row[k] for k in ("id", "source", "law", "stem", "gold")},
                        "letters": [r["choice"] for r in rows],
                        "rights": [r["right"] for r in rows],
                        "confidences": [r["confidence"] for r in rows],
                        "distinct": len({r["choice"] for r in rows}),
                    }
                )
        return sorted(found, key=lambda item: -item["distinct"])

    # -- one item

    def item(self, run_id: str, item: str) -> Values:
        """One item of a score, whole: `row` (of the table), `prompts` by question id as they
        were sent ("" where not kept), `passages` that the first order was shown, and
        `others`: the rows of the job's other cells. `item` is an id, of any order, or a
        ファイル名. Raises ScoringError where the score has no answer to it."""
        run = self._store.load(run_id)
        row = self._row(run_id, item)
        if row is None:
            raise ScoringError("scoring.no_item", run=run_id, item=item)
        sent = {o["id"]: self._cache.sent(o["text_sha"]) for o in row["by_order"]}
        first = next((known for known in sent.values() if known), ("", ()))
        others = []
        for other in self._store.list():
            if other.id != run_id and run.job and other.job == run.job and other.done:
                found = self._row(other.id, row["source"])
                if found:
                    others.append({"run": other, "row": found})
        return {
            "run": run,
            "row": row,
            "prompts": {q: known[0] if known else "" for q, known in sent.items()},
            "passages": first[1],
            "others": sorted(others, key=lambda o: o["run"].created),
        }

    def _row(self, run_id: str, item: str) -> Values | None:
        for row in self.table(run_id):
            if item == row["source"] or any(item == o["id"] for o in row["by_order"]):
                return row
        return None

    # -- drawings and reports

    def plots(self, run_ids: Sequence[str], lang: str) -> dict[str, str]:
        """SVG texts: `accuracy` of all, and of a single score `calibration`, `abstain` and
        `letters` too. Nothing for scores without an answer."""
        from lawui.scoring import plots

        cells = [c for c in self._cells(run_ids, ()) if c.figures["total"]]
        if not cells:
            return {}
        drawn = {"accuracy": plots.accuracy_svg(cells, lang)}
        if len(cells) == 1:
            for name in ("calibration", "abstain", "letters"):
                drawn[name] = getattr(plots, f"{name}_svg")(cells[0], lang)
        return drawn

    def export(
        self, run_ids: Sequence[str], kind: str, lang: str, marks: Sequence[Mark] = ()
    ) -> tuple[str, bytes]:
        """A report of one or more scores: a file's name and its content."""
        from lawui.scoring import report

        if not run_ids:
            raise ScoringError("scoring.nothing_to_export")
        makers: dict[str, Callable[[], str | bytes]] = {
            "csv": lambda: report.to_csv(self._cells(run_ids, marks), lang),
            "json": lambda: report.to_json(self._cells(run_ids, marks), self._compared(run_ids)),
            "html": lambda: report.to_html(
                self._cells(run_ids, marks), lang, self._compared(run_ids)
            ),
        }
        if kind not in makers:
            raise UsageError("usage.export_kind", kind=kind)
        text = makers[kind]()
        name = run_ids[0] if len(run_ids) == 1 else f"{run_ids[0]}-and-{len(run_ids) - 1}"
        return f"{name}.{kind}", text if isinstance(text, bytes) else text.encode()

    def _cells(self, run_ids: Sequence[str], marks: Sequence[Mark]) -> list[Cell]:
        from lawui.scoring import report

        by_source: dict[str, list[Mark]] = {}
        for mark in marks:
            by_source.setdefault(mark.source, []).append(mark)
        cells = []
        for run_id in run_ids:
            run = self._store.load(run_id)
            rows = [{**r, "marks": _about(r, run, by_source)} for r in self.table(run_id)]
            cells.append(
                report.Cell(run, self.summary(run_id), rows, self._store.provenance(run_id))
            )
        return cells

    def _compared(self, run_ids: Sequence[str]) -> list[Values]:
        """Every pair, where the scores answered one version of one set that is still there."""
        from lawui.scoring import report

        runs = [self._store.load(run_id) for run_id in run_ids]
        one_set = len({run.dataset_sha for run in runs}) == 1
        if len(runs) < 2 or not one_set or self.changed(runs[0]):
            return []
        entries = [self._entry(run.id) for run in runs if run.done]
        return report.compare_all(entries, self._whole(runs[0])[0])


def _about(row: Mapping[str, Any], run: ScoreRun, marks: Mapping[str, list[Mark]]) -> list[Values]:
    """The marks of an item that speak of this answer, or of its gold or law."""
    own = (run.adapter, run.evidence)
    return [
        {k: v for k, v in asdict(mark).items() if k in ("user", "mark", "comment", "created")}
        for mark in marks.get(row["source"], ())
        if (mark.adapter, mark.evidence) == own or mark.mark in ("gold_doubtful", "statute_changed")
    ]
