"""The sample keeps its promises: what is measured here is measured on the shipped files,
with this test's own few lines, not with the recipe's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parents[2] / "lawui" / "data" / "sample"
ROOT = HERE.parents[2]
SPLITS = ("train", "dev", "test")
ASKS_FOR_THE_WRONG_ONE = re.compile("誤っている|誤り|誤りである|適切でない|正しくない")

Sample = dict[str, Any]


def load(name: str) -> Any:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


SAMPLES: list[Sample] = load("questions.json")["samples"]
EXAM: list[Sample] = load("exam.json")["samples"]
SPLIT: dict[str, list[str]] = load("split.json")
ARTICLES = [
    json.loads(line) for line in (HERE / "statutes.jsonl").read_text(encoding="utf-8").splitlines()
]
SPLIT_OF = {source: name for name, sources in SPLIT.items() for source in sources}
NAMES = ("all", *SPLITS, "exam")


def samples(split: str) -> list[Sample]:
    """Of a split, of `all` of the sample, or of the exam, which is no part of it."""
    if split == "exam":
        return EXAM
    return [s for s in SAMPLES if split in ("all", SPLIT_OF[s["ファイル名"]])]


def choices(sample: Sample) -> list[str]:
    return [line[2:] for line in sample["選択肢"].split("\n")]


def cited(sample: Sample) -> set[str]:
    return set(re.findall(r"^### (.+)$", sample["コンテキスト"], re.M))


def grams(text: str, n: int) -> list[str]:
    return [text[i : i + n] for i in range(len(text) - n + 1)]


def accuracy(chosen: Sequence[Sample], score: Callable[[Sample], list[float]]) -> float:
    """Share of orders whose gold is the first choice with the greatest score."""
    hits = 0
    for sample in chosen:
        scores = score(sample)
        hits += "abcd"[scores.index(max(scores))] == sample["output"]
    return hits / len(chosen)


def test_sizes_and_split() -> None:
    assert list(SPLIT) == list(SPLITS)
    assert {name: len(sources) for name, sources in SPLIT.items()} == {
        "train": 52,
        "dev": 16,
        "test": 60,
    }
    assert len(SPLIT_OF) == 128, "a question stands in two splits"
    assert {s["ファイル名"] for s in SAMPLES} == set(SPLIT_OF)


@pytest.mark.parametrize(("asked", "items"), [(SAMPLES, 128), (EXAM, 248)], ids=["all", "exam"])
def test_every_item_is_asked_in_four_orders_with_gold_at_each_letter(
    asked: list[Sample], items: int
) -> None:
    assert len(asked) == 4 * items
    for first in range(0, len(asked), 4):
        orders = asked[first : first + 4]
        assert [s["回答オーダーマップ番号"] for s in orders] == ["1", "2", "3", "4"]
        assert sorted(s["output"] for s in orders) == ["a", "b", "c", "d"]
        for key in ("ファイル名", "コンテキスト", "指示", "問題文", "references"):
            assert all(s[key] == orders[0][key] for s in orders)
        assert len({frozenset(choices(s)) for s in orders}) == 1
        assert len(set(choices(orders[0]))) == 4
        assert len({choices(s)["abcd".index(s["output"])] for s in orders}) == 1
        assert len({s["選択肢"] for s in orders}) == 4
        assert all(
            [line[:2] for line in s["選択肢"].split("\n")] == ["a ", "b ", "c ", "d "]
            for s in orders
        )
    firsts = Counter(s["output"] for s in asked if s["回答オーダーマップ番号"] == "1")
    assert set(firsts.values()) == {items // 4}


def test_no_article_and_no_line_of_context_is_in_two_splits() -> None:
    articles = {name: set().union(*map(cited, samples(name))) for name in SPLITS}
    lines = {
        name: {
            unicodedata.normalize("NFKC", line)
            for s in samples(name)
            for line in s["コンテキスト"].split("\n")
            if len(line) >= 20
        }
        for name in SPLITS
    }
    for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not articles[one] & articles[other]
        assert not lines[one] & lines[other]
    assert all(cited(s) for s in [*SAMPLES, *EXAM])


def test_the_exam_asks_about_articles_that_nothing_learns_from() -> None:
    learnt = set().union(*(cited(s) for name in ("train", "dev") for s in samples(name)))
    asked = set().union(*map(cited, EXAM))
    assert not asked & learnt
    assert asked == set().union(*map(cited, samples("test")))
    assert not {s["ファイル名"] for s in EXAM} & set(SPLIT_OF)


def test_no_stem_is_asked_twice() -> None:
    stems = Counter(s["問題文"] for s in [*SAMPLES, *EXAM])
    assert set(stems.values()) == {4}


def test_contexts_are_verbatim_and_short() -> None:
    bodies: dict[str, set[str]] = {}
    for article in ARTICLES:
        if article["supplementary"]:
            continue
        base, *branches = article["article"].split("_")
        heading = f"第{base}条" + "".join(f"の{b}" for b in branches)
        for paragraph in article["paragraphs"]:
            body, *items = paragraph.split("\n")
            bodies.setdefault(heading, set()).update([body, *(i.split("　", 1)[1] for i in items)])
    for sample in [*SAMPLES, *EXAM]:
        heading = ""
        for line in sample["コンテキスト"].split("\n"):
            if line.startswith("### "):
                heading = line[4:]
            elif not line.startswith("#"):
                assert line in bodies[heading], (sample["ファイル名"], line)
    for asked in (SAMPLES, EXAM):
        lengths = sorted(len(s["コンテキスト"]) for s in asked)
        assert lengths[len(lengths) // 2] < 200
        assert lengths[-1] < 400


def test_a_quarter_asks_for_the_wrong_statement() -> None:
    for name, expected in (("all", 32), ("train", 13), ("dev", 4), ("test", 15)):
        stems = {s["問題文"] for s in samples(name)}
        assert sum(bool(ASKS_FOR_THE_WRONG_ONE.search(stem)) for stem in stems) == expected
    wrong = sum(bool(ASKS_FOR_THE_WRONG_ONE.search(s["問題文"])) for s in EXAM)
    assert 0.2 < wrong / len(EXAM) < 0.3


@pytest.mark.parametrize("share", [False, True], ids=["count", "share"])
@pytest.mark.parametrize("name", NAMES)
def test_overlap_with_the_context_does_not_solve_it(name: str, share: bool) -> None:
    def overlap(sample: Sample) -> list[float]:
        sign = -1 if ASKS_FOR_THE_WRONG_ONE.search(sample["問題文"]) else 1
        found = []
        for choice in choices(sample):
            hits = sum(gram in sample["コンテキスト"] for gram in grams(choice, 3))
            found.append(sign * (hits / max(1, len(grams(choice, 3))) if share else float(hits)))
        return found

    assert accuracy(samples(name), overlap) < 0.35
    # Nor does its contrary: a right choice is not known by being the least like the text.
    assert accuracy(samples(name), lambda s: [-value for value in overlap(s)]) < 0.36


def likeness(sample: Sample) -> list[float]:
    """Mean Jaccard likeness of each choice's bigrams to those of the other three."""
    sets = [set(grams(choice, 2)) for choice in choices(sample)]
    return [
        sum(len(mine & other) / max(1, len(mine | other)) for other in sets if other is not mine)
        / 3
        for mine in sets
    ]


@pytest.mark.parametrize("sign", [1, -1], ids=["most", "least"])
@pytest.mark.parametrize("trait", ["length", "likeness"])
@pytest.mark.parametrize("name", NAMES)
def test_no_choice_stands_out(name: str, trait: str, sign: int) -> None:
    def score(sample: Sample) -> list[float]:
        values = likeness(sample) if trait == "likeness" else [len(c) for c in choices(sample)]
        return [sign * value for value in values]

    assert accuracy(samples(name), score) < 0.36


def test_the_ordinance_has_what_an_ordinance_has() -> None:
    main = [a for a in ARTICLES if not a["supplementary"]]
    assert len(main) >= 30
    assert len({(a["article"], a["supplementary"]) for a in ARTICLES}) == len(ARTICLES)
    by_key = {a["article"]: a for a in main}
    branch = by_key["7_2"]
    assert branch["label"] == "第七条の二"
    assert branch["anchor"] == "Mp-Ch_2-Se_1-At_7_2"
    assert branch["headings"] == ["第二章　出店", "第一節　許可及び届出"]
    supplementary = [a for a in ARTICLES if a["supplementary"]]
    assert supplementary
    assert all(a["anchor"].startswith("Sp-") for a in supplementary)
    assert any("\n一　" in paragraph for a in main for paragraph in a["paragraphs"])
    text = "\n".join(p for a in main for p in a["paragraphs"])
    for phrase in (
        "前条",
        "同項",
        "第七条の二",
        "ただし、",
        "しなければならない",
        "することができる",
    ):
        assert phrase in text
    assert {a["law"] for a in ARTICLES} == {"灯浦市浮市条例"}


def test_cross_references_lead_to_articles_that_exist() -> None:
    main = {a["label"]: a for a in ARTICLES if not a["supplementary"]}
    for article in ARTICLES:
        text = "".join(article["paragraphs"])
        for label, paragraph in re.findall(
            "(第[一二三四五六七八九十]+条(?:の[二三四])?)(?:第([一二三四])項)?", text
        ):
            assert label in main, (article["label"], label)
            if paragraph:
                assert "一二三四".index(paragraph) < len(main[label]["paragraphs"])


def test_the_files_are_what_the_recipe_makes() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "lawui.data.sample.make", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
