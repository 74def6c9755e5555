"""The one prompt of training and serving.

The wording is Japanese and lives here alone; who changes it retrains every shipped
adapter and model. A prompt is rendered through the tokenizer's own chat template:

    system   SYSTEM
    user     【条文】 (a citation line and the text, for each passage)   only with evidence
                    an item of a long paragraph after the sentence that it completes
             【問題】 stem
             【選択肢】 a … b … c … d …
             INSTRUCTION
    assistant  the answer letter and the end token

What does not depend on the order of the choices comes first, so that the four orders
of an item share their prefix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lawui.errors import ModelError
from lawui.types import LETTERS, Passage, Prompt, Question

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SYSTEM = "日本の法令についての四択問題に答えてください。"
EVIDENCE_HEADING = "【条文】"
STEM_HEADING = "【問題】"
CHOICES_HEADING = "【選択肢】"
INSTRUCTION = "答えの選択肢をa、b、c、dの一文字で答えてください。"


@lru_cache(maxsize=4)
def sha(tokenizer: PreTrainedTokenizerBase) -> str:
    """Hash of the wording and the tokenizer's chat template: 16 hexadecimal digits."""
    skeleton = _render(tokenizer, _body("{stem}", ("{a}", "{b}", "{c}", "{d}"), ["{passage}"]))
    return hashlib.sha256(skeleton.encode()).hexdigest()[:16]


def letter_ids(tokenizer: PreTrainedTokenizerBase) -> tuple[int, int, int, int]:
    """The token ids of a, b, c, d at the first answer position.

    Raises ModelError where a letter is not one token of its own there: such a model
    cannot be scored by letter.
    """
    stem = _render(tokenizer, _body("問", ("一", "二", "三", "四"), []))
    head = _encode(tokenizer, stem)
    ids = []
    for letter in LETTERS:
        whole = _encode(tokenizer, stem + letter)
        if len(whole) != len(head) + 1 or whole[: len(head)] != head:
            raise ModelError("model.letters", letter=letter)
        ids.append(whole[-1])
    if len(set(ids)) != len(LETTERS):
        raise ModelError("model.letters", letter="a-d")
    return (ids[0], ids[1], ids[2], ids[3])


def answer_ids(tokenizer: PreTrainedTokenizerBase, gold: str) -> tuple[int, int]:
    """What training teaches for one question: the answer letter and the end token."""
    if tokenizer.eos_token_id is None:
        raise ModelError("model.no_end_token")
    return letter_ids(tokenizer)[LETTERS.index(gold)], int(tokenizer.eos_token_id)  # type: ignore[arg-type]


def render(
    tokenizer: PreTrainedTokenizerBase,
    question: Question,
    passages: Sequence[Passage] = (),
    max_tokens: int | None = None,
) -> Prompt:
    """The prompt of one question with `passages`, ranked best first, as evidence.

    With `max_tokens`, passages are dropped from the last rank up until the prompt fits
    and the best passage is shortened last; stem, choices and answer are never cut.
    Passages are shown in the order of the statute, and what was dropped is reported.
    Raises ModelError where even the bare question is longer than `max_tokens`.
    """
    kept = list(passages)
    dropped: list[str] = []
    shortened: dict[str, str] = {}
    while True:
        body = _body(question.stem, question.choices, _blocks(kept, shortened))
        text = _render(tokenizer, body)
        ids = _encode(tokenizer, text)
        excess = len(ids) - max_tokens if max_tokens else 0
        if excess <= 0:
            break
        if len(kept) > 1:
            dropped.append(kept.pop().id)
        elif kept:
            left = shortened.get(kept[0].id, kept[0].text)
            # A token is at least one character for most texts; twice the excess converges fast.
            shorter = left[: max(0, len(left) - max(excess, 8))]
            if shorter:
                shortened[kept[0].id] = shorter
            else:
                dropped.append(kept.pop().id)
        else:
            raise ModelError("model.question_too_long", tokens=len(ids), limit=max_tokens)
    return _prompt(tokenizer, question, kept, tuple(dropped), body, text, ids)


def render_all(
    tokenizer: PreTrainedTokenizerBase,
    asked: Sequence[tuple[Question, Sequence[Passage]]],
    max_tokens: int,
) -> list[Prompt | None]:
    """The prompts of many questions as `render` makes them, None for a question that is too
    long. Whole ones are encoded together: by all cores where TOKENIZERS_PARALLELISM is true."""
    bodies = [_body(q.stem, q.choices, _blocks(passages, {})) for q, passages in asked]
    texts = [_render(tokenizer, body) for body in bodies]
    ids: Any = tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []
    found: list[Prompt | None] = []
    for (question, passages), body, text, own in zip(asked, bodies, texts, ids, strict=True):
        if len(own) <= max_tokens:
            found.append(_prompt(tokenizer, question, passages, (), body, text, own))
            continue
        try:
            found.append(render(tokenizer, question, passages, max_tokens))
        except ModelError as error:
            if error.key != "model.question_too_long":
                raise
            found.append(None)
    return found


def _prompt(
    tokenizer: PreTrainedTokenizerBase,
    question: Question,
    kept: Sequence[Passage],
    dropped: tuple[str, ...],
    body: str,
    text: str,
    ids: Sequence[int],
) -> Prompt:
    return Prompt(
        text=text,
        question_id=question.id,
        passage_ids=tuple(p.id for p in _statute_order(kept)),
        n_tokens=len(ids),
        dropped_passages=dropped,
        sha=sha(tokenizer),
        text_sha=hashlib.sha256(text.encode()).hexdigest(),
        token_ids=tuple(ids),
        user=_user(body),
    )


def messages(user: str, system: str = SYSTEM) -> list[dict[str, str]]:
    """What every chat template is given, here or on a server."""
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _statute_order(passages: Sequence[Passage]) -> list[Passage]:
    """Passages of one law together, laws by their best rank, inside a law by place."""
    first: dict[str, int] = {}
    for rank, passage in enumerate(passages):
        first.setdefault(passage.law, rank)
    return sorted(passages, key=lambda p: (first[p.law], p.supplementary, _place(p)))


def _place(passage: Passage) -> list[tuple[int, ...]]:
    levels = (passage.article, passage.paragraph, passage.item)
    numbers = [tuple(int(n) if n.isdigit() else 0 for n in level.split("_")) for level in levels]
    return [*numbers, (passage.start,)]


def _blocks(passages: Sequence[Passage], shortened: Mapping[str, str]) -> list[str]:
    """Place and text of each; what several go on from is shown before the first of them."""
    blocks, said = [], set[str]()
    for passage in _statute_order(passages):
        text = shortened.get(passage.id, passage.text)
        # The place, not the citation: a what-if must change the text it changes and no more.
        lines = [passage.place()] if passage.law else []
        lines += [passage.lead] if passage.lead and passage.lead not in said else []
        said |= {passage.lead, text}
        blocks.append("\n".join([*lines, text]))
    return blocks


def _body(stem: str, choices: Sequence[str], blocks: Sequence[str]) -> str:
    parts = [EVIDENCE_HEADING, *blocks, ""] if blocks else []
    parts += [STEM_HEADING, stem, "", CHOICES_HEADING]
    parts += [f"{letter} {choice}" for letter, choice in zip(LETTERS, choices, strict=True)]
    return "\n".join([*parts, "", INSTRUCTION])


def _render(tokenizer: PreTrainedTokenizerBase, body: str) -> str:
    if not tokenizer.chat_template:
        raise ModelError("model.no_chat_template")
    text = tokenizer.apply_chat_template(
        messages(_user(body)), tokenize=False, add_generation_prompt=True
    )
    return str(text)


def _user(body: str) -> str:
    """Text that looks like a control token ("<|im_end|>") must stay text."""
    return body.replace("<|", "＜|")


def _encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])  # type: ignore[arg-type]
