"""The page's named endpoints: every action, with plain JSON in and out, never translated.

`gradio_client` calls them by name (`client.predict(..., api_name="/ask")`); the page
lists them under `?view=api`. What a user can put right comes back as an error that
begins with its stable key.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any

import gradio as gr

from lawui.errors import LabError, UsageError
from lawui.lab import Lab
from lawui.types import ScoreJob, to_json
from lawui.ui import access, checked
from lawui.ui.api_ask import AskApi
from lawui.ui.api_mine import MineApi
from lawui.ui.class_api import ClassApi
from lawui.ui.json_values import JSON, answer_json, passage_json, question_json
from lawui.ui.page import sentences

log = logging.getLogger(__name__)


class Api(AskApi, ClassApi, MineApi):
    """The endpoints of one lab; each method is one, and its docstring is its help."""

    def describe(self) -> JSON:
        """What this lab is made of: model, licence, data, index, versions, problems."""
        figures = self._lab.describe()
        return {**figures, "index": figures["index"] and _without_path(figures["index"])}

    def sets(self) -> list[JSON]:
        """The question sets at hand."""
        return [
            {k: s[k] for k in ("name", "items", "orders")}
            for s in self._lab.sets(access.reader())
            if "fault" not in s
        ]

    def questions(self, set: str = "sample", words: str = "", law: str = "") -> list[JSON]:
        """The questions of a set that hold the words and belong to the law."""
        return [question_json(q) for q in self._lab.find(set, words=words, law=law)]

    def search(self, text: str, k: int = 5) -> list[JSON]:
        """The k passages of statute nearest to the text, best first."""
        if not text.strip() or not 1 <= k <= 100:
            raise UsageError("usage.search")
        return [passage_json(p) for p in self._lab.search(text, k)]

    def index_status(self) -> JSON:
        """What the index of the statutes holds (nothing before the first is built), and
        `job`: the rebuild in the background."""
        info = self._lab.index_status()
        return {**(_without_path(to_json(info)) if info else {}), **self._job()}

    def index_build(self) -> JSON:
        """Start to rebuild the index in the background; /index_status tells how it goes."""
        self._lab.index_start()
        return self._job()

    def law_add(self, law_id: str) -> JSON:
        """Bring a law from e-Gov by its id and rebuild the index, in the background."""
        self._lab.law_add(law_id)
        return self._job()

    def ask(
        self,
        id: str = "",
        set: str = "",
        stem: str = "",
        choices: list[str] | None = None,
        evidence: str = "none",
        adapter: str = "base",
        all_orders: bool = False,
    ) -> JSON:
        """Four probabilities for a question of a set (id), or for a stem with four choices."""
        question = self._question(id, set, stem, choices)
        return answer_json(self._lab.ask(question, evidence, adapter, all_orders=all_orders))

    def compare_answers(
        self,
        id: str,
        adapters: list[str],
        set: str = "",
        evidence: str = "none",
        evidences: list[str] | None = None,
        all_orders: bool = False,
    ) -> list[JSON]:
        """One question put to several adapters (`base` is the bare model), all with one kind
        of evidence or each with its own of `evidences`."""
        question = self._question(id, set, "", None)
        kinds = evidences or [evidence] * len(adapters)
        if len(kinds) != len(adapters):
            raise UsageError("usage.columns", adapters=len(adapters), evidences=len(kinds))
        columns = list(zip(adapters, kinds, strict=True))
        found = self._lab.compare_answers(question, columns, all_orders)
        return [answer_json(result) for result in found]

    def adapters(self) -> list[JSON]:
        """Every adapter, with the key of its fault where it has one."""
        names = ("name", "base_model", "rank", "alpha", "trained_on", "begun_from", "final_loss")
        return [
            {**{n: getattr(a, n) for n in names}, "created": a.created, "fault": a.fault}
            for a in self._lab.adapters()
        ]

    def train_start(self, preset: str = "sample", settings: JSON | None = None) -> JSON:
        """Start a training run from a preset, with settings named like the flags
        (`lora_r`, `learning_rate`, …) over it."""
        run = self._lab.train(self._config(preset, settings))
        return to_json(self._lab.train_status(run))

    def train_preview(self, preset: str = "sample", settings: JSON | None = None) -> JSON:
        """What such a run would learn from: counts, lengths, cuts, first rows."""
        return self._lab.train_preview(self._config(preset, settings))

    def train_seeds(
        self, preset: str = "sample", settings: JSON | None = None, count: int = 3
    ) -> list[str]:
        """Queue the same run with several seeds; gives their names."""
        return self._lab.train_seeds(self._config(preset, settings), max(1, min(count, 10)))

    def train_presets(self) -> JSON:
        """The presets by name, built in and kept."""
        return self._lab.train_presets()

    def train_preset_save(self, name: str, preset: str = "", settings: JSON | None = None) -> str:
        """Keep settings under a name; gives the name as it was kept."""
        return self._lab.train_preset_save(name, self._config(preset, settings))

    def train_preset_remove(self, name: str) -> JSON:
        """Forget a kept preset."""
        self._lab.train_preset_remove(name)
        return {"removed": name}

    def train_remove(self, run: str) -> JSON:
        """Delete a training run with the adapter that it made."""
        self._lab.train_remove(run)
        return {"removed": run}

    def train_status(self, run: str) -> JSON:
        """Where a training run stands."""
        return to_json(self._lab.train_status(run))

    def train_events(self, run: str, after: int = 0) -> list[JSON]:
        """A run's events from number `after` on."""
        return [to_json(event) for event in self._lab.train_events(run)[max(0, after) :]]

    def train_runs(self) -> list[JSON]:
        """Every training run, newest first."""
        return [to_json(run) for run in self._lab.train_runs()]

    def train_stop(self, run: str) -> JSON:
        """Ask a run to stop after its present step."""
        self._lab.train_stop(run)
        return to_json(self._lab.train_status(run))

    def train_resume(self, run: str) -> JSON:
        """Go on with a run that was stopped or crashed."""
        self._lab.train_resume(run)
        return to_json(self._lab.train_status(run))

    def score_start(
        self,
        set: str = "sample_test",
        evidences: list[str] | None = None,
        adapters: list[str] | None = None,
        limit: int = 0,
    ) -> list[str]:
        """Queue a score for each adapter and evidence; gives their run ids."""
        started = self._lab.score_start(
            set, evidences or ["none"], adapters or ["base"], limit or None
        )
        return list(started)

    def score_columns(
        self, adapters: list[str], evidences: list[str], set: str = "sample_test", limit: int = 0
    ) -> list[str]:
        """The same for pairs: the first adapter with the first evidence, and so on."""
        if len(adapters) != len(evidences):
            raise UsageError("usage.columns", adapters=len(adapters), evidences=len(evidences))
        columns = list(zip(adapters, evidences, strict=True))
        return list(self._lab.score_columns(set, columns, limit or None))

    def score_jobs(self) -> list[JSON]:
        """Every matrix of scores, newest first, without its cells."""
        return [
            {k: v for k, v in _job(job).items() if k != "cells"} for job in self._lab.score_jobs()
        ]

    def score_job(self, job: str) -> JSON:
        """One matrix: where it and each of its cells stand, and the seconds left."""
        return _job(self._lab.score_job(job))

    def score_job_cancel(self, job: str) -> JSON:
        """Stop a matrix after its present batch; what was answered stays."""
        self._lab.score_job_cancel(job)
        return _job(self._lab.score_job(job))

    def score_job_resume(self, job: str) -> JSON:
        """Go on with every cell of a matrix that has not ended; nothing is asked twice."""
        self._lab.score_job_resume(job)
        return _job(self._lab.score_job(job))

    def score_job_remove(self, job: str) -> bool:
        """Delete a matrix with its scores."""
        self._lab.score_job_remove(job)
        return True

    def score_status(self, run: str) -> JSON:
        """Where a score stands."""
        return to_json(self._lab.score_status(run))

    def score_runs(self) -> list[JSON]:
        """Every score, newest first."""
        return [to_json(run) for run in self._lab.score_runs()]

    def score_cancel(self, run: str) -> JSON:
        """Stop a score after its present batch; what was answered stays."""
        self._lab.score_cancel(run)
        return to_json(self._lab.score_status(run))

    def score_resume(self, run: str) -> JSON:
        """Go on with a score that was interrupted."""
        self._lab.score_resume(run)
        return to_json(self._lab.score_status(run))

    def score_summary(self, run: str) -> JSON:
        """The figures of a score: accuracy, interval, baselines, by law."""
        return self._lab.score_summary(run)

    def score_table(self, run: str) -> list[JSON]:
        """One row for each item of a score."""
        return self._lab.score_table(run)

    def compare(self, run_a: str, run_b: str) -> JSON:
        """Two scores paired item by item, with the verdict."""
        return self._lab.compare(run_a, run_b)

    def compare_job(self, job: str) -> list[JSON]:
        """Every pair of a matrix's cells, corrected for the number of comparisons."""
        return self._lab.compare_job(job)

    def score_differences(self, runs: list[str]) -> list[JSON]:
        """What several scores said of each item, the most torn first."""
        return self._lab.score_differences(runs)

    def score_item(self, run: str, item: str) -> JSON:
        """One item of a score: its row, the prompts as sent, the passages, the answers of
        the matrix's other cells, and the marks that readers made."""
        found = self._lab.score_item(run, item)
        return {
            "run": to_json(found["run"]),
            "row": found["row"],
            "prompts": found["prompts"],
            "passages": [passage_json(p) for p in found["passages"]],
            "others": [{"run": to_json(o["run"]), "row": o["row"]} for o in found["others"]],
            "marks": [to_json(m) for m in self._lab.marks(found["row"]["source"])],
        }

    def score_abstain(self, run: str, target: float) -> JSON:
        """From which confidence on a share `target` of a score's answers is right."""
        return self._lab.score_abstain(run, target)

    def threshold_set(self, run: str, target: float) -> JSON:
        """Use a score's threshold wherever its model, adapter and evidence are asked."""
        return self._lab.threshold_set(run, target)

    def threshold_clear(self, run: str) -> bool:
        """Forget the threshold of a score's model, adapter and evidence."""
        self._lab.threshold_clear(run)
        return True

    def _config(self, preset: str, settings: JSON | None) -> Any:
        if {"preset", "self"} & set(settings or {}):
            raise UsageError("usage.parameter", name="settings")
        # A path from a caller could name any file of this machine: files are uploaded.
        return self._lab.train_config(preset, **{**(settings or {}), "train_file": "-"})

    def _job(self) -> JSON:
        job = self._lab.index_job()
        told = {name: getattr(job, name) for name in ("state", "step", "done", "total")}
        return {"job": {**told, "error": job.error.key if job.error else ""}}


def _job(job: ScoreJob) -> JSON:
    told = {name: getattr(job, name) for name in ("state", "done", "total", "remaining")}
    return {**to_json(job), **told, "cells": [to_json(cell) for cell in job.cells]}


def _without_path(values: JSON) -> JSON:
    """Clients take a value with a `path` for a file and would ask to download it."""
    return {key: value for key, value in values.items() if key != "path"}


ENDPOINTS = tuple(
    n for kind in (Api, AskApi, ClassApi, MineApi) for n in vars(kind) if not n.startswith("_")
)


def add(lab: Lab) -> None:
    """Put every endpoint into the Blocks under construction."""
    api = Api(lab)
    for name in ENDPOINTS:
        method = getattr(api, name)
        wrap = _plain_stream if inspect.isgeneratorfunction(method) else plain
        gr.api(_hidden(wrap(method, lab)), api_name=name, api_description=method.__doc__)


def _hidden(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """An endpoint that is no MCP tool and takes no tool's name: mcp_tools.py has those."""
    endpoint.__name__ = f"endpoint_{endpoint.__name__}"
    endpoint._mcp_type = "endpoint"  # type: ignore[attr-defined]
    return endpoint


def plain(method: Callable[..., Any], lab: Lab) -> Callable[..., Any]:
    """`method` with errors as one line: the key and its sentence, never a traceback."""

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(**checked.arguments(method, *args, **kwargs))
        except Exception as error:
            raise _told(error, method.__name__, lab) from None

    return call


def _plain_stream(method: Callable[..., Any], lab: Lab) -> Callable[..., Any]:
    """The same for an endpoint that yields again and again."""

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            yield from method(**checked.arguments(method, *args, **kwargs))
        except Exception as error:
            raise _told(error, method.__name__, lab) from None

    return call


def _told(error: Exception, endpoint: str, lab: Lab) -> gr.Error:
    if isinstance(error, LabError):
        words = " ".join(sentences(error, lab.settings.lang))
        return gr.Error(f"{error.key}: {words}", print_exception=False)
    log.error("unexpected error in the endpoint %s", endpoint, exc_info=error)
    return gr.Error(access.UNEXPECTED, print_exception=False)
