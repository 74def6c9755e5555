"""The reason in the model's own words: generated text, a few tokens at a time.

The one place where text is generated. It never decides an answer, which is a letter's
probability, and no citation is ever taken from it. The owner's thread computes it in short
steps, so that who waits for an answer meanwhile need not wait for the whole text.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lawui.errors import ModelError
from lawui.model import prompts
from lawui.types import LETTERS, Letter, Passage, Question

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from lawui.model.load import LoadedModel

SYSTEM = (
    "あなたは日本の法令の四択問題について、答えの理由を説明します。"
    "示された条文に書かれていることだけを使い、三文以内の日本語で書いてください。"
)
INSTRUCTION = "「{letter} {choice}」が選ばれました。その理由を説明してください。"

LONGEST = 256
"""Tokens of a reason."""

STEP = 8
"""Tokens computed before others have their turn."""


def prompt_ids(
    tokenizer: PreTrainedTokenizerBase,
    question: Question,
    passages: Sequence[Passage],
    choice: Letter,
    max_tokens: int,
) -> list[int]:
    """The token ids of the request for a reason. Passages, best first, are left out from the
    last up until it fits into `max_tokens`. Raises ModelError where it never does."""
    kept = list(passages)
    while True:
        ids = _encode(tokenizer, _body(question, kept, choice))
        if len(ids) <= max_tokens:
            return ids
        if not kept:
            raise ModelError("model.question_too_long", tokens=len(ids), limit=max_tokens)
        kept.pop()


def messages(
    question: Question, passages: Sequence[Passage], choice: Letter, max_length: int
) -> list[dict[str, str]]:
    """The request for a reason as a server is sent it; as many passages as `max_length`
    characters hold, the last left out first."""
    kept = list(passages)
    while kept and len(_body(question, kept, choice)) > max_length:
        kept.pop()
    return _messages(_body(question, kept, choice))


class Writing:
    """A text under way. The owner calls `step` until it is false; who reads iterates over
    the text so far, and calls `stop` when nobody reads on. Thread-safe between the two."""

    def __init__(self, loaded: LoadedModel, ids: Sequence[int], longest: int = LONGEST) -> None:
        self._loaded = loaded
        self._begun = len(ids)
        self._ids: Any = list(ids)
        self._cache: Any = None
        self._left = longest
        self._stopped = False
        self._said: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()

    def step(self) -> bool:
        """Write a few tokens more; False once the text is at its end."""
        if self._stopped:
            self._said.put(None)
            return False
        try:
            more = self._write()
        except BaseException as error:
            self._said.put(error)
            raise
        if not more:
            self._said.put(None)
        return more

    def fail(self, error: BaseException) -> None:
        """End the text with an error, where `step` is never called again."""
        self._said.put(error)

    def stop(self) -> None:
        """Write no more."""
        self._stopped = True

    def __iter__(self) -> Iterator[str]:
        """The whole text so far, each time some was added. Raises what ended it."""
        while True:
            said = self._said.get()
            if said is None:
                return
            if isinstance(said, BaseException):
                raise said
            yield said

    def _write(self) -> bool:
        import torch

        model, tokenizer = self._loaded.model, self._loaded.tokenizer
        if self._cache is None:
            self._ids = torch.tensor([self._ids], device=self._loaded.device)
        before = self._ids.shape[1]
        with torch.inference_mode():
            out: Any = model.generate(  # type: ignore[operator]
                input_ids=self._ids,
                attention_mask=torch.ones_like(self._ids),
                generation_config=self._settings(min(STEP, self._left)),
                **({} if self._cache is None else {"past_key_values": self._cache}),
            )
        self._ids, self._cache = out.sequences, out.past_key_values
        self._left -= self._ids.shape[1] - before
        text = tokenizer.decode(self._ids[0, self._begun :], skip_special_tokens=True)
        self._said.put(str(text).rstrip("\ufffd"))  # the rest of a sign comes with the next step
        return self._left > 0 and int(self._ids[0, -1]) not in self._ends()

    def _settings(self, tokens: int) -> Any:
        from transformers import GenerationConfig

        ends = self._ends()
        return GenerationConfig(
            do_sample=False,
            repetition_penalty=1.1,
            max_new_tokens=tokens,
            eos_token_id=ends or None,
            pad_token_id=ends[0] if ends else None,
            return_dict_in_generate=True,
            use_cache=True,
        )

    def _ends(self) -> list[int]:
        """The tokens that end a text: the model's own, else the tokenizer's."""
        config = self._loaded.model.generation_config
        found = getattr(config, "eos_token_id", None)
        if found is None:
            found = self._loaded.tokenizer.eos_token_id
        listed = found if isinstance(found, list) else [found]
        return [int(end) for end in listed if end is not None]


def _body(question: Question, passages: Sequence[Passage], choice: Letter) -> str:
    parts = []
    if passages:
        parts += ["【条文】"]
        parts += [f"{p.citation()}\n{p.whole}" if p.law else p.whole for p in passages]
        parts += [""]
    parts += ["【問題】", question.stem, "", "【選択肢】"]
    parts += [f"{x} {text}" for x, text in zip(LETTERS, question.choices, strict=True)]
    chosen = question.choices[LETTERS.index(choice)]
    return "\n".join([*parts, "", INSTRUCTION.format(letter=choice, choice=chosen)])


def _messages(body: str) -> list[dict[str, str]]:
    # Text that looks like a control token must stay text, as in the prompt of the answer.
    return prompts.messages(body.replace("<|", "＜|"), SYSTEM)


def _encode(tokenizer: PreTrainedTokenizerBase, body: str) -> list[int]:
    text = tokenizer.apply_chat_template(
        _messages(body), tokenize=False, add_generation_prompt=True
    )
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])  # type: ignore[arg-type]
