"""The hand-written questions of the embedded model: sound, and nobody else's words."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lawui.data.questions import load_set
from lawui.data.statutes import read_folder, source_folder
from lawui.model.embedded import written

DATA = os.environ.get("LAWUI_DATA", "")
SAMPLE = Path(written.__file__).parents[2] / "data" / "sample" / "ordinance.txt"
LEAST = 40
"""Characters from which a sentence says more than the formulas that all laws share."""
NEAR = 0.7
"""The share of common character 5-grams (Dice) from which one sentence imitates another."""


def sentences(text: str) -> set[str]:
    """Its sentences without spaces, from LEAST characters on."""
    found = re.split(r"[。\n]", re.sub(r"[ 　]", "", text))
    return {s for s in found if len(s) >= LEAST}


def ours() -> set[str]:
    return set().union(*(sentences("\n".join(texts)) for texts in _texts()))


def _texts() -> Iterator[list[str]]:
    for context in written.read():
        yield [p.text for p in context.passages]
        for asked in context.asked:
            yield [asked.stem, asked.answer, *asked.others]


def test_there_are_thousands_and_every_ninth_regulation_is_held_out() -> None:
    contexts = written.read()
    learnt, held = written.split(contexts)
    assert sum(len(c.asked) for c in contexts) > 15_000
    assert {c.law for c in learnt}.isdisjoint(c.law for c in held) and len(held) > 100
    wrong = [asked.wrong for c in contexts for asked in c.asked]
    assert 0.15 < sum(wrong) / len(wrong) < 0.35


def test_no_length_tells_the_answer() -> None:
    asked = [a for c in written.read() for a in c.asked]
    longest = [len(a.answer) > max(map(len, a.others)) for a in asked]
    shortest = [len(a.answer) < min(map(len, a.others)) for a in asked]
    assert sum(longest) / len(asked) < 0.35 and sum(shortest) / len(asked) < 0.35


def grams(text: str) -> set[str]:
    return {text[at : at + 5] for at in range(len(text) - 4)}


def imitated(mine: set[str], theirs: set[str]) -> list[tuple[str, str]]:
    """Pairs of sentences that are near copies."""
    of: dict[str, list[str]] = {}
    for other in sorted(theirs):
        for gram in grams(other):
            of.setdefault(gram, []).append(other)
    sizes = {other: len(grams(other)) for other in theirs}
    found = []
    for one in sorted(mine):
        own = grams(one)
        shared = Counter(other for gram in own for other in of.get(gram, ()))
        for other, count in shared.most_common(1):
            if 2 * count >= NEAR * (len(own) + sizes[other]):
                found.append((one, other))
    return found


def test_an_imitation_is_found() -> None:
    sentence = (
        "団体の代表者は、毎年三月末日までに、その年の会計の報告を町長に提出しなければならない"
    )
    near = sentence.replace("町長", "市長")
    assert imitated({near}, {sentence}) == [(near, sentence)]
    assert not imitated({sentence[::-1]}, {sentence})


def test_no_sentence_imitates_the_sample_ordinance() -> None:
    assert not imitated(ours(), sentences(SAMPLE.read_text("utf-8")))


@pytest.mark.skipif(not DATA, reason="needs LAWUI_DATA")
def test_no_sentence_imitates_lawqa_or_the_laws_it_cites() -> None:
    theirs: set[str] = set()
    for q in load_set("selection", Path(DATA)).questions:
        theirs |= sentences("\n".join((q.given_context, q.stem, *q.choices)))
    for article in read_folder(source_folder(Path(DATA))):
        theirs |= sentences("\n".join(article.paragraphs))
    assert len(theirs) > 1000
    assert not imitated(ours(), theirs)
