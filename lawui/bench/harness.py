"""The same questions by lm-evaluation-harness's HF backend and by ours.

lm-evaluation-harness is no dependency: install it somewhere and put that on PYTHONPATH. Its
multiple-choice way is what it does for MMLU: the prompt, then each of the four letters as a
continuation, the greatest log-likelihood answers. Both sides hold the same 4-bit base of the
lab, get the same prompts, already rendered, and compute in the same type.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import time
from typing import TYPE_CHECKING, Any

from lawui.types import LETTERS

if TYPE_CHECKING:
    from lawui.lab import Lab
    from lawui.types import Prompt


_Seconds = tuple[float, float]


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """{set, questions, ours, reference, ratio, same_answers, lm_eval, …}: seconds without
    loading, on the clock and of the processor's time, which other work does not change.

    Raises UsageError where lm-evaluation-harness is not importable.
    """
    from lawui.errors import UsageError

    try:
        import lm_eval.models.huggingface  # noqa: F401
    except ImportError as error:
        raise UsageError("usage.no_lm_eval") from error
    prompts, spec = _prompts(lab, arguments)
    own, ours = _ours(spec, arguments.dtype, prompts)
    its, theirs = _harness(spec, arguments.dtype, prompts)
    return {
        "set": arguments.set,
        "evidence": arguments.evidence,
        "questions": len(prompts),
        "dtype": arguments.dtype,
        "model": lab.choice.name,
        "ours": round(own[0], 3),
        "reference": round(its[0], 3),
        "ratio": round(its[0] / own[0], 2),
        "ours_processor_seconds": round(own[1], 3),
        "reference_processor_seconds": round(its[1], 3),
        "same_answers": sum(a == b for a, b in zip(ours, theirs, strict=True)),
        "lm_eval": importlib.metadata.version("lm_eval"),
    }


def _prompts(lab: Lab, arguments: argparse.Namespace) -> tuple[list[Prompt], str]:
    questions = lab.questions(arguments.set).questions[: arguments.items]
    prompts = [lab.prompt(q, lab.passages(q, arguments.evidence)) for q in questions]
    lab.close()  # the bases that are measured have the memory to themselves
    return prompts, lab.choice.spec


def _ours(spec: str, dtype: str, prompts: list[Prompt]) -> tuple[_Seconds, list[str]]:
    from lawui.model import load
    from lawui.model.engine import Engine
    from lawui.model.letters import letter_probabilities

    engine = Engine(load.load(spec, compute_dtype=dtype))
    budget = 32_768 if engine.loaded.device == "cuda" else 2_048
    ids = [prompt.token_ids for prompt in prompts]
    letter_probabilities(engine, ids[:2], None, budget)
    began = _clocks()
    found = letter_probabilities(engine, ids, None, budget)
    seconds = _since(began)
    engine.free()
    return seconds, [LETTERS[four.index(max(four))] for four in found.probs]


def _harness(spec: str, dtype: str, prompts: list[Prompt]) -> tuple[_Seconds, list[str]]:
    """By its own API: an HFLM around the model, a request for each letter."""
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from lawui.model import load
    from lawui.model.dequantize import dequantize

    loaded = load.load(spec, compute_dtype=dtype)
    dequantize(loaded.model)  # the fairest to it: it does not unpack at each use either
    harness: Any = HFLM(
        pretrained=loaded.model,
        tokenizer=loaded.tokenizer,
        batch_size=8 if loaded.device == "cpu" else 64,
        dtype=getattr(torch, dtype),
        device=loaded.device,
        add_bos_token=False,
    )
    requests = [
        Instance("loglikelihood", {}, (prompt.text, letter), number)
        for prompt in prompts
        for number, letter in enumerate(LETTERS)
    ]
    harness.loglikelihood(requests[:4], disable_tqdm=True)
    began = _clocks()
    scores = [score for score, _ in harness.loglikelihood(requests, disable_tqdm=True)]
    seconds = _since(began)
    fours = [scores[at : at + 4] for at in range(0, len(scores), 4)]
    return seconds, [LETTERS[four.index(max(four))] for four in fours]


def _clocks() -> _Seconds:
    return time.perf_counter(), time.process_time()


def _since(began: _Seconds) -> _Seconds:
    now = _clocks()
    return now[0] - began[0], now[1] - began[1]
