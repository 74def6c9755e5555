"""The four tools that --mcp serves to assistants: ask, search, score, compare.

The words are for a model that has to choose and call them. Every tool goes through the
same endpoints as a program's call, and so through the same roles.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from lawui.lab import Lab
from lawui.ui.api import Api, plain

NAMES = ("ask", "search", "score", "compare")
WAIT = 45.0
"""Seconds that a call of `score` waits for its end: below the usual time-out of clients."""


class Tools:
    """Each method is a tool, and its docstring is what an assistant reads of it."""

    def __init__(self, lab: Lab) -> None:
        self._api = Api(lab)

    def ask(
        self,
        id: str = "",
        stem: str = "",
        choice_a: str = "",
        choice_b: str = "",
        choice_c: str = "",
        choice_d: str = "",
        evidence: str = "none",
        adapter: str = "base",
    ) -> str:
        """Ask the lab's small language model a four-choice question on Japanese statutes and
        get the probability of each letter. Give either the id of a question of a set (such as
        sample-000-0), or a stem with four choices in Japanese. The answer is an experiment
        about the model, never legal advice. All four orders of the choices are asked and
        averaged.

        Args:
            id: id of a question of a set; leave empty to ask your own
            stem: the question in Japanese, where no id is given
            choice_a: first choice
            choice_b: second choice
            choice_c: third choice
            choice_d: fourth choice
            evidence: none, retrieved (articles found by search) or given (a set's own text)
            adapter: base for the bare model, or the name of a fine-tuned adapter
        """
        choices = None if id else [choice_a, choice_b, choice_c, choice_d]
        return _json(self._api.ask(id, "", stem, choices, evidence, adapter, all_orders=True))

    def search(self, text: str, k: int = 5) -> str:
        """Find the passages of Japanese statutes nearest to a text, best first, each with its
        citation in legal form, its own words, the date as of which they are the law, and the
        link to the official page. Search by a question in Japanese or by an article's name
        such as 金融商品取引法第27条の2.

        Args:
            text: what to search for, in Japanese
            k: how many passages, 1 to 100
        """
        return _json(self._api.search(text, k))

    def score(
        self,
        set: str = "sample_test",
        evidence: str = "none",
        adapter: str = "base",
        limit: int = 0,
        run: str = "",
    ) -> str:
        """Score a whole set of questions with one adapter and one kind of evidence: accuracy
        with its interval, the majority and overlap baselines, and what was seen in training.
        Waits up to 45 seconds; where `state` is then still queued or running, call again with
        the `run` that came back.

        Args:
            set: sample_test, sample_exam, sample_dev, sample, selection or selection_randomized
            evidence: none, retrieved or given
            adapter: base, or the name of an adapter
            limit: the first N questions alone; 0 for all
            run: a score that was started before, to wait for instead of starting one
        """
        name = run or self._api.score_start(set, [evidence], [adapter], limit)[0]
        end = time.monotonic() + WAIT
        status = self._api.score_status(name)
        while status["state"] in ("queued", "running") and time.monotonic() < end:
            time.sleep(0.2)
            status = self._api.score_status(name)
        if status["state"] != "done":
            kept = ("set", "adapter", "evidence", "done", "total", "state")
            return _json({"run": name, **{key: status[key] for key in kept}})
        return _json({**self._api.score_summary(name), "state": "done"})

    def compare(self, run_a: str, run_b: str) -> str:
        """Compare two scores of the same set question by question: which won where, the exact
        McNemar p-value, the difference with its interval, and a verdict in words, which may be
        that they cannot be told apart.

        Args:
            run_a: `run` of one score
            run_b: `run` of the other
        """
        return _json(self._api.compare(run_a, run_b))


def _json(value: Any) -> str:
    # Gradio would hand over anything but text as Python writes it.
    return json.dumps(value, ensure_ascii=False, default=str)


def add(lab: Lab) -> None:
    """Put the tools into the Blocks under construction. They pass by Gradio's queue: its
    way back for queued tools forgets who asked."""
    tools = Tools(lab)
    for name in NAMES:
        method: Callable[..., Any] = getattr(tools, name)
        gr.api(plain(method, lab), api_name=f"mcp_{name}", api_description=None, queue=False)
