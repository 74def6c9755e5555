"""The embedded model's tokenizer: byte-level BPE for legal Japanese.

It is learnt from text that is cut where the script changes, so that no token mixes kanji
with kana, and every numeral (0-9, 〇 to 九, 十, 百, 千, 万) stands alone: 三十日 and 三年
share the token 三 and a number is read digit by digit. What was learnt is then handed to
transformers' own Qwen2 tokenizer, which AutoTokenizer takes for every Qwen2 folder, whatever
the folder says; with these merges it gives the same tokens. Any text can be encoded and
comes back unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import Qwen2Tokenizer

VOCABULARY = 6144
END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""Qwen's turns, without Qwen's default system message."""

_PIECES = (
    r"[0-9〇一二三四五六七八九十百千万億]"
    r"|(?:[々〆ヶ]|(?![〇一二三四五六七八九十百千万億])\p{Han})+"
    r"|[\p{Hiragana}]+"
    r"|[\p{Katakana}ー]+"
    r"|[A-Za-z]+"
    r"|\s"
    r"|[^\s]"
)


def train(texts: Iterable[str], vocabulary: int = VOCABULARY) -> Qwen2Tokenizer:
    """A tokenizer of at most `vocabulary` tokens learnt from `texts`.

    The same texts in the same order give the same tokenizer.
    """
    import json

    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT, TURN_START, TURN_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=24,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    learnt = json.loads(tokenizer.to_str())["model"]
    return Qwen2Tokenizer(
        vocab=learnt["vocab"],
        merges=[tuple(pair) for pair in learnt["merges"]],  # type: ignore[misc]
        unk_token=None,  # type: ignore[arg-type]
        bos_token=None,
        eos_token=TURN_END,
        pad_token=END_OF_TEXT,
        extra_special_tokens=[TURN_START],
        model_max_length=2048,
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )


def save(tokenizer: Any, folder: Path) -> None:
    """Writes tokenizer.json and tokenizer_config.json with the chat template inside."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder, save_jinja_files=False)
