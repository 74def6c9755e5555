"""One answer as text, to be pasted into a letter: citations in Japanese legal form."""

from __future__ import annotations

from typing import Any

from lawui.readers.visits.words import heading, maker, sentences, shares, verdict, word
from lawui.types import LETTERS


def to_text(entry: dict[str, Any], lang: str) -> str:
    """The question, the answer and what it rests on, as plain lines."""
    question = entry["question"]
    title = question["id"] + (
        f"〔{word('altered_question', lang)}〕" if question["altered"] else ""
    )
    lines = [title, question["stem"]]
    lines += [f"{x} {c}" for x, c in zip(LETTERS, question["choices"], strict=True)]
    lines += ["", *verdict(entry, lang)]
    lines += [f"{letter}：{now}" for letter, now, _ in shares(entry) if now]
    if entry["changes"]:
        lines += ["", word("changes", lang)]
        lines += [f"{n}. {c[lang]}" for n, c in enumerate(entry["changes"], 1)]
    shown = [p for p in entry["passages"] if p["shown"]]
    lines += ["", word("passages" if shown else "no_passages", lang)]
    for passage in shown:
        lines += [f"・{heading(passage, lang)}", *_indented(passage["text"])]
        lines += [f"　{passage['url']}"] if passage["url"] else []
    if entry["reason"]:
        lines += ["", word("reason", lang)]
        lines += [
            text + ("" if fine else word("unsupported", lang))
            for text, fine in sentences(entry, lang)
        ]
    return "\n".join([*lines, "", maker(entry, lang), word("advice", lang)])


def _indented(text: str) -> list[str]:
    return [f"　{line}" for line in text.splitlines() if line.strip()]
