"""How long a what-if takes: a changed passage, asked anew in all four orders.

Each question is answered with the passages that search finds; then one passage after the
other is changed, taken out and put first, each change asked as the Ask tab asks it. Nothing
of a changed prompt was ever computed, so that no answer comes from the cache.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lawui.asking.whatif import Trial
from lawui.types import Question

if TYPE_CHECKING:
    from lawui.lab import Lab


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--set", default="sample_test", help="the questions that are changed")
    parser.add_argument("--questions", type=int, default=20, help="how many of them")
    parser.add_argument("--threads", type=int, default=0, help="processor threads (0: as they are)")


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """{"questions", "changes", "seconds_p50", "seconds_p95", "seconds_most", "tokens_most"}."""
    import numpy as np
    import torch

    from lawui.bench import machine

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    questions = lab.find(arguments.set)[: arguments.questions]
    _ask(lab, lab.trial(questions[0], "retrieved"))  # loads the model
    seconds, tokens = [], []
    for question in questions:
        for trial in _trials(lab, question):
            took, length = _ask(lab, trial)
            seconds.append(took)
            tokens.append(length)
    p50, p95 = np.percentile(seconds, (50, 95))
    return {
        "questions": len(questions),
        "changes": len(seconds),
        "seconds_p50": float(p50),
        "seconds_p95": float(p95),
        "seconds_most": max(seconds),
        "tokens_most": max(tokens),
        "model": lab.choice.name,
        **machine(),
    }


def _trials(lab: Lab, question: Question) -> Iterator[Trial]:
    start = lab.trial(question, "retrieved")
    for passage in start.found:
        changed = start.with_text("passage", passage.id, f"{passage.text}ただし、冬を除く。")
        yield changed
        yield start.with_kept([p.id for p in start.found if p.id != passage.id])
        yield changed.with_swap("a", "d").with_text("stem", "", f"冬の場合に、{question.stem}")


def _ask(lab: Lab, trial: Trial) -> tuple[float, int]:
    began = time.perf_counter()
    result = lab.ask(trial.asked, "retrieved", passages=trial.passages, all_orders=True)
    return time.perf_counter() - began, result.n_tokens
