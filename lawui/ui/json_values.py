"""What the endpoints give for the lab's own types: plain JSON, never translated."""

from __future__ import annotations

from typing import Any

from lawui.asks import AskResult
from lawui.types import LETTERS, Passage, Question

JSON = dict[str, Any]


def passage_json(passage: Passage) -> JSON:
    """A passage with its citation: the keys of `index search`."""
    names = (
        *("id", "law", "article", "paragraph", "item", "text", "url", "score", "asof"),
        *("outdated", "checked"),
    )
    found = {name: getattr(passage, name) for name in names}
    if passage.altered:  # no law's any more
        found |= dict.fromkeys(("law", "article", "paragraph", "item"), "")
    return {**found, "citation": passage.citation(), "found_by": list(passage.found_by)}


def question_json(question: Question) -> JSON:
    """A question without its official answer and context; the page hides it too."""
    return {
        "id": question.id,
        "law": question.law,
        "stem": question.stem,
        "choices": dict(zip(LETTERS, question.choices, strict=True)),
    }


def answer_json(result: AskResult) -> JSON:
    """An answer: the keys of `ask --json`."""
    answer = result.answer
    return {
        "question": result.question.id,
        "choice": answer.choice,
        "probs": dict(zip(LETTERS, answer.probs, strict=True)),
        "letter_mass": answer.letter_mass,
        "adapter": answer.adapter,
        "evidence": answer.evidence,
        "passages": [passage_json(p) for p in result.passages],
        "dropped": list(result.dropped),
        "shortened": list(result.shortened),
        "orders": [order.choice for order in result.orders],
        "model": result.model,
        "prompt_sha": answer.prompt_sha,
        "seconds": answer.seconds,
        "warnings": [warning.key for warning in result.warnings],
    }
