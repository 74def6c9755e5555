"""Which sentences of the model's text no passage supports."""

from __future__ import annotations

import pytest

from lawui.asking.support import sentences
from lawui.types import Passage

PASSAGE = Passage(
    *("p", "甲法", "3", "1", "", "", ""),
    "届出をした者は、その日から七日以内に市長に報告しなければならない。",
)


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("届出をした者は七日以内に市長に報告しなければならない。", True),
        ("届出をした者は、7日以内に市長に報告する。", True),
        ("甲法第3条第1項は、届出をした者は市長に報告しなければならないとする。", True),
        ("届出をした者は、その日から十日以内に市長に報告しなければならない。", False),
        ("甲法第4条は、届出をした者は市長に報告しなければならないとする。", False),
        ("海の水は冷たく、船は遠くへ行く。", False),
        ("……。", True),
    ],
)
def test_a_sentence_needs_the_words_and_the_numbers_of_one_passage(
    sentence: str, supported: bool
) -> None:
    assert sentences(sentence, [PASSAGE]) == [(sentence, supported)]


def test_the_sentences_are_the_text() -> None:
    text = "一つ目。二つ目\n三つ目。\n"
    found = sentences(text, [])
    assert "".join(sentence for sentence, _ in found) == text and len(found) > 2
    assert not any(supported for sentence, supported in found if sentence.strip())
    assert sentences("", []) == []
