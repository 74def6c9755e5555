"""Questions, answers and runs for the tests of the scoring room."""

from __future__ import annotations

import hashlib

from lawui.types import LETTERS, Answer, Prompt, Question, ScoreRun

LAWS = ("甲条例", "乙条例")


def make_question(
    item: int, order: int = 0, *, gold: int | None = None, group: str = "", context: str = ""
) -> Question:
    """Item `item` with its choices turned by `order` places; `gold` is the right choice of
    order 0 (default: item modulo 4)."""
    texts = [f"第{item}問の選択肢{k}" for k in "一二三四"]
    right = item % 4 if gold is None else gold
    turned = texts[order:] + texts[:order]
    return Question(
        id=f"set-{item:03}-{order}",
        source=f"問題{item}",
        group=group or f"g{item}",
        order=order,
        law=LAWS[item % 2],
        stem=f"第{item}問として正しいものを教えてください。",
        choices=tuple(turned),  # type: ignore[arg-type]
        gold=LETTERS[turned.index(texts[right])],
        given_context=context,
    )


def make_answer(
    question: Question, choice: str, *, confidence: float = 0.7, letter_mass: float = 0.95
) -> Answer:
    """An answer that gives `choice` the probability `confidence`, the rest shared evenly."""
    rest = (1 - confidence) / 3
    a, b, c, d = (confidence if x == choice else rest for x in LETTERS)
    return Answer(
        question_id=question.id,
        probs=(a, b, c, d),
        choice=choice,  # type: ignore[arg-type]
        letter_mass=letter_mass,
        adapter="base",
        evidence="none",
        prompt_sha="p",
        seconds=0.01,
    )


def wrong(letter: str) -> str:
    """Some letter other than this one."""
    return LETTERS[(LETTERS.index(letter) + 1) % 4]


def make_run(questions: list[Question], run_id: str = "run-a", **values: object) -> ScoreRun:
    """A finished run over the questions."""
    fields: dict[str, object] = {
        "id": run_id,
        "adapter": "base",
        "evidence": "none",
        "set": "set",
        "dataset_sha": "d",
        "model_sha": "m",
        "done": len(questions),
        "total": len(questions),
        "state": "done",
        "tokens": 1234,
        "seconds": 5.5,
        "created": "2026-01-02T03:04:05",
    }
    return ScoreRun(**{**fields, **values})  # type: ignore[arg-type]


def make_prompts(questions: list[Question]) -> list[Prompt]:
    """A prompt a question with one token a character."""
    return [
        Prompt(
            text=q.stem,
            question_id=q.id,
            passage_ids=("given:0",),
            n_tokens=len(q.stem),
            dropped_passages=(),
            sha="p",
            text_sha=hashlib.sha256(q.stem.encode()).hexdigest(),
        )
        for q in questions
    ]


def answer_by_hash(prompts: list[Prompt]) -> list[Answer]:
    """A deterministic answerer: the letter is a hash of the question's id."""
    answers = []
    for prompt in prompts:
        digest = hashlib.sha256(prompt.question_id.encode()).digest()
        weights = [1 + byte for byte in digest[:4]]
        a, b, c, d = (w / sum(weights) for w in weights)
        choice = LETTERS[weights.index(max(weights))]
        answers.append(
            Answer(prompt.question_id, (a, b, c, d), choice, 0.9, "base", "none", "p", 0.001)
        )
    return answers
