"""The part of the lab that scores: matrices of cells, what they say, marks, thresholds.

Lab inherits it; nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.asking import thresholds
from lawui.errors import ScoringError, UsageError
from lawui.readers.marks import Marks, to_text
from lawui.readers.offered import Offered
from lawui.readers.own_questions import is_own
from lawui.scorebook import Scorebook
from lawui.scorer import Scorer
from lawui.scoring.cache import AnswerCache
from lawui.scoring.run import ScoreStore
from lawui.types import BASE, Mark, ScoreJob, ScoreRun

if TYPE_CHECKING:
    from lawui.lab import Lab


class Scores:
    """Scores in the background and everything that is read from them."""

    offered: Offered

    def _open_scores(self, lab: Lab, kept: Path) -> None:
        """Wire the stores below `kept`, the lab's folder for what is written at run time."""
        self._people = lab.people
        store = ScoreStore(kept / "scores", lab.sees_set)
        answers = AnswerCache(kept / "answers.sqlite3")
        self._scorebook = Scorebook(lab, store, answers)
        self._scorer = Scorer(lab, store, answers, self._scorebook)
        self._marks = Marks(kept / "marks.sqlite3")
        self._thresholds = thresholds.Thresholds(kept / "thresholds.json")

    # -- scoring

    def score_start(
        self,
        set: str,
        evidences: Sequence[str] = ("none",),
        adapters: Sequence[str] = (BASE,),
        limit: int | None = None,
    ) -> list[str]:
        """Queue a score for each adapter and evidence, as one job; returns the run ids."""
        return self.score_columns(set, [(a, e) for a in adapters for e in evidences], limit)

    def score_columns(
        self, set: str, columns: Sequence[tuple[str, str]], limit: int | None = None
    ) -> list[str]:
        """The same for any (adapter, evidence)."""
        self._people.allow("score")
        return self._scorer.start(set, columns, limit)

    def score_resume(self, run_id: str) -> str:
        """Queue the rest of a score that was interrupted; nothing is asked twice."""
        self._people.allow("score")
        return self._scorer.resume(run_id)

    def score_status(self, run_id: str) -> ScoreRun:
        """Where a score stands."""
        return self._scorer.store.load(run_id)

    def score_message(self, run_id: str, lang: str) -> str:
        """Why a score failed or stands still; "" where all is well."""
        return self._scorer.store.message(run_id, lang)

    def score_runs(self) -> list[ScoreRun]:
        """Every score, newest first; none of others' own questions."""
        return self._scorer.store.list()

    def score_cancel(self, run_id: str) -> None:
        """Stop a score after its present batch; what was answered stays."""
        self._people.allow("score")
        self._scorer.cancel(run_id)

    def score_wait(
        self, run_id: str, progress: Callable[[ScoreRun], None] = lambda run: None
    ) -> ScoreRun:
        """The score once it has ended; raises what ended it. `progress` hears of each change."""
        return self._scorer.wait(run_id, progress)

    def score_jobs(self, max_age: float = 0.0) -> list[ScoreJob]:
        """Every matrix, newest first; none of others' own questions. A list at most
        `max_age` seconds old will do."""
        return self._scorer.jobs(max_age)

    def score_job(self, job_id: str) -> ScoreJob:
        """One matrix with its cells. Raises ScoringError for an unknown one."""
        return self._scorer.job(job_id)

    def score_job_cancel(self, job_id: str) -> None:
        """Stop a matrix after its present batch; what was answered stays."""
        self._people.allow("score")
        self._scorer.cancel_job(job_id)

    def score_job_resume(self, job_id: str) -> list[str]:
        """Queue what is left of a matrix; nothing is asked twice. A cell that cannot go on
        does not keep the others; its error is raised once they are queued."""
        self._people.allow("score")
        return self._scorer.resume_job(job_id)

    def score_job_remove(self, job_id: str) -> None:
        """Delete a matrix with its scores; answers that were computed are still known, but
        for those to own questions."""
        self._people.allow("own" if self._own_job(job_id) else "remove")
        self._scorer.remove_job(job_id)

    def _own_job(self, job_id: str) -> bool:
        """Whether a matrix is of own questions, those of whoever asks."""
        return any(job.id == job_id and is_own(job.set) for job in self.score_jobs())

    def score_summary(self, run_id: str, seeds: bool = True) -> dict[str, Any]:
        """The figures of a score: the keys of `score`. `seeds` adds what the scores of sibling
        adapters say, which asks every score."""
        return self._scorebook.summary(run_id, seeds)

    def score_model(self, run_id: str) -> str:
        """The name of the base that a score asked."""
        return str(self._scorer.store.provenance(run_id).get("model", ""))

    def score_table(self, run_id: str) -> list[dict[str, Any]]:
        """A row for each item of a score."""
        return self._scorebook.table(run_id)

    def score_changed(self, run: ScoreRun) -> bool:
        """Whether a score's set has changed since: it is read, but compared no more."""
        return self._scorebook.changed(run)

    def score_item(self, run_id: str, item: str) -> dict[str, Any]:
        """One item of a score, whole: see Scorebook.item."""
        return self._scorebook.item(run_id, item)

    def score_plots(self, run_id: str, lang: str) -> dict[str, str]:
        """SVG drawings of one score: `calibration`, `abstain` and `letters`."""
        drawn = self._scorebook.plots([run_id], lang)
        return {
            name: drawn[name] for name in ("calibration", "abstain", "letters") if name in drawn
        }

    def score_job_plot(self, job_id: str, lang: str) -> str:
        """An SVG drawing of a matrix: each cell's accuracy with its interval."""
        runs = [cell.id for cell in self.score_job(job_id).cells if cell.done]
        return self._scorebook.plots(runs, lang).get("accuracy", "")

    def score_differences(self, run_ids: Sequence[str]) -> list[dict[str, Any]]:
        """What several scores said of each item, the most torn first."""
        return self._scorebook.differences(run_ids)

    def score_export(self, run_ids: str | Sequence[str], kind: str, lang: str = "ja") -> Path:
        """A file with one score or several: `csv`, `json` or `html`."""
        ids = [run_ids] if isinstance(run_ids, str) else list(run_ids)
        name, content = self._scorebook.export(ids, kind, lang, self.marks())
        return self.offered.write(self._people.user, name, content)

    def compare(self, run_a: str, run_b: str) -> dict[str, Any]:
        """Two scores, paired item by item: the keys of `compare`."""
        return self._scorebook.compare(run_a, run_b)

    def compare_job(self, job_id: str) -> list[dict[str, Any]]:
        """Every pair of a matrix's cells, corrected for the number of comparisons."""
        return self._scorebook.compare_job(self.score_job(job_id))

    # -- when an answer counts as one

    def score_abstain(self, run_id: str, target: float) -> dict[str, Any]:
        """From which confidence on a share of `target` of a score's answers is right: for one
        order and averaged over orders, each {threshold, coverage, accuracy, answered, target}
        or None where no threshold reaches it."""
        if not 0 < target <= 1:
            raise UsageError("usage.target")
        return self._scorebook.abstain(run_id, target)

    def threshold_set(self, run_id: str, target: float) -> dict[str, Any]:
        """Use a score's threshold from now on wherever its model, adapter and evidence are
        asked. Raises ScoringError where no threshold reaches `target`."""
        self._people.allow("threshold")
        run, found = self.score_status(run_id), self.score_abstain(run_id, target)
        if not any(found.values()):
            share = f"{100 * target:.0f}"
            raise ScoringError("scoring.too_few_for_threshold", run=run_id, target=share)
        kept = {**found, "target": target, "run": run_id, "set": run.set}
        self._thresholds.put(_key_of(run), kept)
        return kept

    def threshold_clear(self, run_id: str) -> None:
        """Forget the threshold of a score's model, adapter and evidence."""
        self._people.allow("threshold")
        self._thresholds.put(_key_of(self.score_status(run_id)), None)

    def threshold_of(self, run_id: str) -> dict[str, Any] | None:
        """The threshold in use for a score's model, adapter and evidence."""
        return self._thresholds.get(_key_of(self.score_status(run_id)))

    def threshold(self, adapter: str, evidence: str, all_orders: bool = False) -> float | None:
        """The share below which an answer of `adapter` with `evidence` is none, as chosen on
        a score; None where none was chosen for these very weights. Loads no model."""
        name = self._scorer.threshold_key(adapter, evidence)
        kept = (self._thresholds.get(name) if name else None) or {}
        found = (kept.get("averaged") if all_orders else None) or kept.get("one_order")
        return float(found["threshold"]) if found else None

    # -- marks

    def mark(self, mark: Mark) -> Mark:
        """Keep what a reader said of an answer; it replaces what the same reader said of the
        same answer before. Raises UsageError."""
        self._people.allow("mark")
        return self._marks.put(mark)

    def mark_of(self, run_id: str, item: str, mark: str, comment: str, user: str = "") -> Mark:
        """The mark that says this of a score's answer to an item; not kept yet."""
        self._people.need("mark")
        found = self.score_item(run_id, item)
        run, row = found["run"], found["row"]
        return Mark(
            user,
            row["source"],
            row["id"],
            run.set,
            run.adapter,
            run.evidence,
            row["choice"],
            row["gold"],
            mark,
            comment,
        )

    def mark_remove(self, user: str, source: str, adapter: str, evidence: str) -> None:
        """Forget a reader's mark of one answer."""
        self._people.allow("mark")
        self._marks.remove(user, source, adapter, evidence)

    def marks(self, source: str = "", user: str | None = None) -> tuple[Mark, ...]:
        """Marks, newest first: all, or those of one item (ファイル名), of one reader. Who has
        logged in sees their own alone."""
        return tuple(m for m in self._marks.list(source, user) if self._people.sees(m.user))

    def marks_counts(self, sources: Sequence[str] | None = None) -> dict[str, int]:
        """How often each mark was given, over all items or `sources`."""
        return self._marks.counts(sources)

    def marks_export(self, kind: str, lang: str = "ja") -> Path:
        """A file with every mark that `marks` gives: `csv` or `json`."""
        text = to_text(self.marks(), kind, lang)
        return self.offered.write(self._people.user, f"marks.{kind}", text)


def _key_of(run: ScoreRun) -> str:
    return thresholds.key(run.model_sha, run.adapter_sha, run.prompt_sha, run.evidence)
