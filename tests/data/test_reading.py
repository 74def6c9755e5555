"""The reading exercises: sound, and nobody else's words."""

from __future__ import annotations

import lzma
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lawui.data import reading
from lawui.data.headings import given_passages
from lawui.data.questions import load_set
from lawui.data.statutes import read_folder, source_folder
from lawui.errors import UsageError
from lawui.types import LETTERS

DATA = os.environ.get("LAWUI_DATA", "")
SAMPLE = Path(reading.__file__).parents[1] / "sample" / "ordinance.txt"
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
    for context in reading.read():
        yield [p.text for p in context.passages]
        for asked in context.asked:
            yield [asked.stem, asked.answer, *asked.others]


def test_there_are_thousands_and_every_ninth_regulation_is_held_out() -> None:
    contexts = reading.read()
    learnt, held = reading.split(contexts)
    assert sum(len(c.asked) for c in contexts) > 70_000
    assert {c.law for c in learnt}.isdisjoint(c.law for c in held) and len(held) > 100
    wrong = [asked.wrong for c in contexts for asked in c.asked]
    assert 0.15 < sum(wrong) / len(wrong) < 0.35


def test_no_length_tells_the_answer() -> None:
    asked = [a for c in reading.read() for a in c.asked]
    longest = [len(a.answer) > max(map(len, a.others)) for a in asked]
    shortest = [len(a.answer) < min(map(len, a.others)) for a in asked]
    assert sum(longest) / len(asked) < 0.35 and sum(shortest) / len(asked) < 0.35


def test_they_are_questions_with_the_text_that_they_rest_on() -> None:
    contexts = reading.read()
    asked = reading.questions(contexts)
    assert len(asked) == sum(len(c.asked) for c in contexts)
    assert {q.group for q in asked}.isdisjoint(q.group for q in load_set("sample", None).questions)
    golds = Counter(q.gold for q in asked)
    assert max(golds.values()) < 1.1 * min(golds.values())
    by_source = {q.source: q for q in asked if not q.order}
    parted = apart = joined = cites = named = 0
    for number, context in enumerate(contexts):
        question = by_source[f"reading:{number}"]
        shown = given_passages(question)
        whole = "\n".join(p.text for p in shown)
        parts = [part for passage in context.passages for part in reading.parted(passage)]
        ways = [
            all(line in whole for p in passages for line in p.text.splitlines())
            for passages in (context.passages, parts)
        ]
        assert any(ways)
        parted += not ways[0]
        apart += [p.text for p in parts] != [p.text for p in context.passages]
        assert {p.article for p in context.passages if p.article and not p.supplementary} <= {
            p.article for p in shown
        }
        asked = context.asked[0]
        true, false = set(), set()
        for a in context.asked:
            (false if a.wrong else true).add(a.answer)
            (true if a.wrong else false).update(a.others)
        single, several = (false, true) if asked.wrong else (true, false)
        answer = LETTERS.index(question.gold)
        others = [text for place, text in enumerate(question.choices) if place != answer]
        if "。また、" in question.choices[answer] and question.choices[answer] not in single:
            true, false = ({text.removesuffix("。") for text in texts} for texts in (true, false))
            halves = [set(text.removesuffix("。").split("。また、")) for text in question.choices]
            wrong = [pair for pair in halves if len(pair & false) == len(pair & true) == 1]
            right = [pair for pair in halves if pair <= true - false]
            assert (len(wrong), len(right)) == ((1, 3) if asked.wrong else (3, 1))
            assert halves[answer] == (wrong if asked.wrong else right)[0]
            assert len(set().union(*halves)) == 8, "none stands twice: that would tell"
            joined += 1
            continue
        if reading.cites(asked):
            bare = [text.removeprefix(context.law) for text in question.choices]
            named += bare != [*question.choices]
            told = {text.removeprefix(context.law) for text in (asked.answer, *asked.others)}
            assert bare[answer] == asked.answer.removeprefix(context.law) and {*bare} == told
            cites += 1
            continue
        assert question.choices[answer] in single and {*others} <= several
    assert 0.4 < parted / apart < 0.6 and joined > 300
    assert 0.5 < named / cites < 0.95, "a choice that is a place names its law, mostly"


def test_an_article_is_shown_paragraph_by_paragraph() -> None:
    article = replace(
        reading.read()[0].passages[0],
        text="次の者は届け出る。\n一　舟を持つ者\n十二　網を持つ者\n2　前項の届出は、春にする。",
    )
    first, second = reading.parted(article)
    place = article.place()
    assert (first.place(), second.place()) == (f"{place}第1項", f"{place}第2項")
    assert first.text == "次の者は届け出る。\n第1号　舟を持つ者\n第12号　網を持つ者"
    assert second.text == "前項の届出は、春にする。"
    assert reading.parted(second) == [second]
    table = replace(article, article="", text="一　赤\n二　青")
    assert reading.parted(table) == [table]


def test_an_act_and_an_order_under_it_are_two_documents(tmp_path: Path) -> None:
    lines = [
        "## 舟の法",
        "### 第3条第2項",
        "網は、政令で定める。",
        "### 施行令第4条の2",
        "網は、青とする。",
    ]
    lines += ["### 別表第1", "青、白", "? 網は何色ですか。", "+ 青", "- 赤", "- 黒", "- 黄"]
    (tmp_path / "a.txt").write_text("\n".join(lines), "utf-8")
    (context,) = reading.read(tmp_path)
    (tmp_path / "b.txt.xz").write_bytes(lzma.compress((tmp_path / "a.txt").read_bytes()))
    assert reading.read(tmp_path) == [context, context], "packed or plain"
    assert [p.law for p in context.passages] == ["舟の法", "舟の法施行令", "舟の法"]
    assert context.passages[1].place() == "舟の法施行令第4条の2" and context.law == "舟の法"
    (question,) = reading.questions([context])
    headings = [line for line in question.given_context.splitlines() if line.startswith("#")]
    act = ["## 舟の法", "### 第3条", "#### 第2項"]
    assert headings == [*act, "## 舟の法施行令", "### 第4条の2", "## 舟の法", "### 別表第1"]
    shown = given_passages(question)
    assert [(p.law, p.article) for p in shown[:2]] == [("舟の法", "3"), ("舟の法施行令", "4_2")]


def places(context: reading.Context) -> set[str]:
    """What the context has to cite, down to the paragraphs and items that its text shows."""
    found = set()
    for passage in context.passages:
        whole = passage.place().removeprefix(context.law)
        numbers = re.findall(r"^([２-９2-9])　", passage.text, re.M)
        under = [f"{whole}第{int(number)}項" for number in numbers]
        under += [f"{whole}第1項"] if numbers else []
        items = len(re.findall(r"^[一二三四五六七八九十]{1,3}　", passage.text, re.M))
        heads = [whole, *under]
        found |= {*heads, *(f"{h}第{i}号" for h in heads for i in range(1, items + 1))}
    return found


def test_some_have_choices_as_long_as_those_of_an_examination() -> None:
    """Half of lawqa_jp's questions have one of sixty characters and more."""
    asked = reading.question_set().questions
    longest = [max(map(len, question.choices)) for question in asked]
    assert sum(length >= 60 for length in longest) > 0.12 * len(asked)
    held = [n for n, q in zip(longest, asked, strict=True) if q.group in reading.held_out()]
    assert sum(length >= 60 for length in held) > 1_000


def test_many_ask_where_something_stands() -> None:
    """A quarter of lawqa_jp does; the answer is a place of the text, one of the choices may
    be one that the text does not have."""
    whole = str.maketrans("０１２３４５６７８９", "0123456789")
    asked = [(c, a) for c in reading.read() for a in c.asked if reading.cites(a)]
    assert len(asked) > 10_000 and not any(reading._of_statements(a) for _, a in asked)
    misplaced, first, last, missing = [], 0, 0, 0
    for context, one in asked:
        had = places(context)
        told = [
            text.translate(whole).replace(" ", "").removeprefix(context.law.replace(" ", ""))
            for text in (one.answer, *one.others)
        ]
        missing += any(text not in had for text in told[1:])
        if told[0] not in had:
            misplaced.append((context.law, one.answer))
        order = sorted(told, key=lambda text: [int(n) for n in re.findall(r"\d+", text)])
        first, last = first + (order[0] == told[0]), last + (order[-1] == told[0])
    assert len(misplaced) / len(asked) < 0.02, misplaced[:5]
    assert first / len(asked) < 0.33 and last / len(asked) < 0.33
    assert missing / len(asked) > 0.1


def test_they_are_a_set_that_is_read_once_and_never_scored() -> None:
    found = reading.question_set()
    assert found.name == reading.NAME and found.items == len(reading.read())
    assert len({q.id for q in found.questions}) == len(found.questions)
    assert reading.held_out() & {q.group for q in found.questions}
    assert reading.question_set() is found, "read once"
    with pytest.raises(UsageError) as scored:
        load_set(reading.NAME, None)
    assert scored.value.key == "data.only_to_train"


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
