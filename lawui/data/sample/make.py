"""The recipe of the sample: ordinance.txt, items.txt and exam.txt -> the shipped files.

    python -m lawui.data.sample.make            write the four files
    python -m lawui.data.sample.make --check    compare with the files and print the figures

The ordinance and every item are written by hand. The recipe copies contexts verbatim
from the ordinance, asks each item in four orders (the gold choice once at each letter,
the other three shuffled with a seed of their own) and measures what can be had without
reading: character overlap with the context, the longest choice, the odd one out.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EXAM = HERE / "exam.txt"
LAW_ID = "SAMPLE0000000001"
PREFIX = "浮市条例"
ASOF = "2026-04-01"
INSTRUCTION = "次の問題文に対する答えを、選択肢a、b、c、dの中から一つ選んでください。"

# Frozen before any model was trained: which split the questions on an article belong to.
# Chapters are spread over all three. No context may touch articles of two splits.
SPLIT_OF_ARTICLE = {
    "train": "3 4 7_2 9 11 14 15 17 21 23 25 26 29 31 33 36 39 44",
    "dev": "6 13 19 30 37 41",
    "test": "2 5 7 8 10 12 15_2 16 18 20 21_2 22 24 27 28 29_2 32 34 35 38 40 43",
}

DIGITS = "〇一二三四五六七八九"
NUMERAL = "[一二三四五六七八九十]+"


def number(kanji: str) -> int:
    """二十一 -> 21 (below 100)."""
    tens, ten, ones = kanji.rpartition("十")
    return (DIGITS.index(tens) if tens else bool(ten)) * 10 + (DIGITS.index(ones) if ones else 0)


def read_ordinance(path: Path = HERE / "ordinance.txt") -> list[dict[str, Any]]:
    """The articles in the fields of statutes.jsonl. Raises ValueError on a stray line."""
    law, *lines = path.read_text(encoding="utf-8").split("\n")
    articles: list[dict[str, Any]] = []
    levels: dict[str, str] = {}
    caption, supplementary = "", False
    for line in filter(None, lines):
        if line == "附則":
            supplementary, levels = True, {"附": line}
        elif heading := re.match(f"第({NUMERAL})([章節])　", line):
            if heading[2] == "章":
                levels.clear()
            levels[heading[2]] = line
        elif caption_match := re.fullmatch("（(.+)）", line):
            caption = caption_match[1]
        elif start := re.match(f"(第({NUMERAL})条(?:の({NUMERAL}))?)　(.+)", line):
            key = "_".join(str(number(n)) for n in start.group(2, 3) if n)
            place = [f"At_{key}"]
            for level, tag in (("節", "Se"), ("章", "Ch")):
                if level in levels:
                    place.insert(0, f"{tag}_{number(levels[level][1:].split(level)[0])}")
            place.insert(0, "Sp" if supplementary else "Mp")
            articles.append(
                {
                    "law_id": LAW_ID,
                    "law": law,
                    "article": key,
                    "label": start[1],
                    "caption": caption,
                    "headings": list(levels.values()),
                    "anchor": "-".join(place),
                    "paragraphs": [start[4]],
                    "url": "",
                    "supplementary": supplementary,
                    "asof": ASOF,
                }
            )
        elif paragraph := re.match("([２-９])　(.+)", line):
            if int(paragraph[1]) != len(articles[-1]["paragraphs"]) + 1:
                raise ValueError(f"paragraph out of order: {line}")
            articles[-1]["paragraphs"].append(paragraph[2])
        elif re.match(f"{NUMERAL}　", line):
            articles[-1]["paragraphs"][-1] += "\n" + line
        else:
            raise ValueError(f"no place for the line: {line}")
    return articles


def read_items(path: Path = HERE / "items.txt") -> list[dict[str, Any]]:
    """The items written by hand, by number: those of items.txt or of exam.txt.

    An item is a block of lines: `[17 期限] 8#1 8#2` (number, kind, 誤 where the stem asks
    for the wrong statement; then the references of its context), the stem, the gold
    choice after `= ` and three others after `- `. Raises ValueError on any other block.
    """
    items = []
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        head, stem, gold, *others = block.split("\n")
        start = re.fullmatch(r"\[(\d+) (\S+?)( 誤)?\] (.+)", head)
        if not start or not gold.startswith("= ") or [o[:2] for o in others] != ["- "] * 3:
            raise ValueError(f"not an item: {block}")
        items.append(
            {
                "n": int(start[1]),
                "kind": start[2],
                "wrong": bool(start[3]),
                "context": start[4].split(),
                "stem": stem,
                "gold": gold[2:],
                "others": [other[2:] for other in others],
            }
        )
    if [item["n"] for item in items] != list(range(1, len(items) + 1)):
        raise ValueError("items are not numbered one by one")
    return items


def split_of(item: dict[str, Any]) -> str:
    """train, dev or test, by the articles of its context. Raises ValueError if they differ."""
    articles = {reference.split("#")[0] for reference in item["context"]}
    splits = {name for name, keys in SPLIT_OF_ARTICLE.items() if articles & set(keys.split())}
    known = set(" ".join(SPLIT_OF_ARTICLE.values()).split())
    if len(splits) != 1 or not articles <= known:
        raise ValueError(f"item {item['n']}: {articles} belong to {splits or 'no split'}")
    return splits.pop()


def context_of(references: Sequence[str], articles: dict[str, dict[str, Any]]) -> str:
    """The given context in lawqa_jp's headings.

    A reference is `8#1` (article 8, paragraph 1 with its items) or `8#1:2,4` (of the
    items the second and fourth only).
    """
    law = next(iter(articles.values()))["law"]
    lines, open_article = [f"## {law}"], ""
    for reference in references:
        key, paragraph, items = re.fullmatch(r"([\d_]+)#(\d)(?::([\d,]+))?", reference).groups()  # type: ignore[union-attr]
        if key != open_article:
            base, *branches = key.split("_")
            lines.append(f"### 第{base}条" + "".join(f"の{branch}" for branch in branches))
            open_article = key
        body, *all_items = articles[key]["paragraphs"][int(paragraph) - 1].split("\n")
        lines += [f"#### 第{paragraph}項", body]
        chosen = {int(i) for i in items.split(",")} if items else set(range(1, len(all_items) + 1))
        for i, item in enumerate(all_items, 1):
            if i in chosen:
                lines += [f"##### 第{i}号", item.split("　", 1)[1]]
    return "\n".join(lines)


def source_of(
    item: dict[str, Any], articles: dict[str, dict[str, Any]], series: str = "選択式"
) -> str:
    """ファイル名: 浮市条例_第2章_選択式_問題番号17, by the chapter of the first reference."""
    chapter = articles[item["context"][0].split("#")[0]]["headings"][0]
    return f"{PREFIX}_第{number(chapter[1 : chapter.index('章')])}章_{series}_問題番号{item['n']}"


def orders_of(item: dict[str, Any], source: str) -> Iterator[tuple[list[str], str]]:
    """The four orders: the choices and the gold letter, each letter gold once."""
    rng = random.Random(source)
    start = int(item["n"]) % 4
    later = [(start + step) % 4 for step in (1, 2, 3)]
    rng.shuffle(later)
    for position in (start, *later):
        choices = rng.sample(item["others"], 3)
        choices.insert(position, item["gold"])
        yield choices, "abcd"[position]


def samples_of(
    items: Sequence[dict[str, Any]], articles: dict[str, dict[str, Any]], series: str = "選択式"
) -> list[dict[str, Any]]:
    """The samples of questions.json or exam.json: the four orders of an item adjacent."""
    samples = []
    for item in items:
        source = source_of(item, articles, series)
        for order, (choices, gold) in enumerate(orders_of(item, source), 1):
            samples.append(
                {
                    "ファイル名": source,
                    "回答オーダーマップ番号": str(order),
                    "コンテキスト": context_of(item["context"], articles),
                    "指示": INSTRUCTION,
                    "問題文": item["stem"],
                    "選択肢": "\n".join(
                        f"{a} {text}" for a, text in zip("abcd", choices, strict=True)
                    ),
                    "output": gold,
                    "references": [f"{PREFIX}#{articles[key]['anchor']}" for key in _keys(item)],
                }
            )
    return samples


def _keys(item: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(reference.split("#")[0] for reference in item["context"]))


def _grams(text: str, n: int) -> list[str]:
    return [text[i : i + n] for i in range(len(text) - n + 1)]


def overlap(choice: str, context: str) -> float:
    """Share of the choice's character trigrams that occur in the context."""
    grams = _grams(choice, 3)
    return sum(gram in context for gram in grams) / max(1, len(grams))


def overlap_count(choice: str, context: str) -> float:
    """How many of the choice's character trigrams occur in the context."""
    return float(sum(gram in context for gram in _grams(choice, 3)))


def likeness(choice: str, others: Sequence[str]) -> float:
    """Mean Jaccard likeness of a choice's character bigrams to those of the others."""
    mine = set(_grams(choice, 2))
    shares = []
    for other in others:
        theirs = set(_grams(other, 2))
        shares.append(len(mine & theirs) / max(1, len(mine | theirs)))
    return sum(shares) / len(shares)


def luck(values: Sequence[float], sign: int) -> float:
    """Chance that the first value (the gold's) is picked as greatest (sign 1) or least
    (-1), ties shared: the mean over all orders of the choices."""
    best = max(sign * value for value in values)
    winners = [i for i, value in enumerate(values) if sign * value == best]
    return (0 in winners) / len(winners)


def shortcuts(items: Sequence[dict[str, Any]], articles: dict[str, Any]) -> dict[str, float]:
    """What each way of answering without reading would reach, as a share of the items."""

    def mean(
        score: Callable[[str, dict[str, Any], list[str]], float], turn: bool, sign: int
    ) -> float:
        total = 0.0
        for item in items:
            choices = [item["gold"], *item["others"]]
            values = [score(c, item, choices[:i] + choices[i + 1 :]) for i, c in enumerate(choices)]
            total += luck(values, -sign if turn and item["wrong"] else sign)
        return total / max(1, len(items))

    def in_context(measure: Callable[[str, str], float]) -> Callable[..., float]:
        return lambda choice, item, others: measure(choice, context_of(item["context"], articles))

    return {
        "overlap": mean(in_context(overlap_count), True, 1),
        "overlap as a share": mean(in_context(overlap), True, 1),
        "overlap, stem unread": mean(in_context(overlap_count), False, 1),
        "overlap turned round": mean(in_context(overlap_count), True, -1),
        "longest": mean(lambda choice, item, others: len(choice), False, 1),
        "shortest": mean(lambda choice, item, others: len(choice), False, -1),
        "most like the others": mean(
            lambda choice, item, others: likeness(choice, others), False, 1
        ),
        "odd one out": mean(lambda choice, item, others: likeness(choice, others), False, -1),
    }


def build() -> dict[str, str]:
    """The text of each shipped file by its name."""
    lines = read_ordinance()
    articles = {line["article"]: line for line in lines if not line["supplementary"]}
    items, exam = read_items(), read_items(EXAM)
    split: dict[str, list[str]] = {"train": [], "dev": [], "test": []}
    for item in items:
        split[split_of(item)].append(source_of(item, articles))
    if stray := [item["n"] for item in exam if split_of(item) != "test"]:
        raise ValueError(f"exam.txt asks about articles that are not test's: {stray}")
    return {
        "statutes.jsonl": "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines),
        "questions.json": _pretty({"samples": samples_of(items, articles)}),
        "exam.json": _pretty({"samples": samples_of(exam, articles, "試験")}),
        "split.json": _pretty(split),
    }


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def report() -> str:
    """The figures of all items and of each split, one line each."""
    articles = {a["article"]: a for a in read_ordinance() if not a["supplementary"]}
    items = read_items()
    parts = {"all": items, "exam": read_items(EXAM)}
    for name in ("train", "dev", "test"):
        parts[name] = [item for item in items if split_of(item) == name]
    rows = []
    for name, mine in parts.items():
        wrong = sum(item["wrong"] for item in mine)
        figures = "  ".join(f"{k} {v:.1%}" for k, v in shortcuts(mine, articles).items())
        rows.append(f"{name}: {len(mine)} items, {wrong} ask for the wrong one; {figures}")
    return "\n".join(rows)


def main() -> int:
    """Write the files, or with --check say whether they are what the recipe makes."""
    stale = []
    for name, text in build().items():
        path = HERE / name
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    print(report())
    if stale:
        print("not what the recipe makes: " + ", ".join(stale), file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
