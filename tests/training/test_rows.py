from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from lawui.errors import TrainingError
from lawui.training import rows
from lawui.types import Passage, Question

from . import helpers


def test_rows_come_back_as_they_went() -> None:
    asked = helpers.question(3, 1, references=("https://example.org/",))
    made = rows.load(rows.dump([helpers.row("train", asked, [helpers.passage()])]))
    assert made == [rows.Row("train", "given", asked, (helpers.passage(),))]


def test_mix_gives_train_one_kind_and_dev_every_kind() -> None:
    questions = [helpers.question(i, o) for i in range(40) for o in range(4)]
    split = {q.group: "dev" if i < 40 else "train" for i, q in enumerate(questions)}
    split["g039"] = "test"
    seen: list[str] = []

    def found(question: Question, evidence: str) -> list[Passage]:
        seen.append(evidence)
        return [helpers.passage()]

    made = list(rows.make_rows(questions, split, "none=1,given=3", found))
    counts = Counter((row.split, row.evidence) for row in made)
    assert counts["dev", "none"] == counts["dev", "given"] == 40
    assert sum(n for (part, _), n in counts.items() if part == "train") == 116
    assert 70 <= counts["train", "given"] <= 105
    assert set(seen) == {"given"}
    assert all(bool(row.passages) == (row.evidence == "given") for row in made)
    assert made == list(rows.make_rows(questions, split, "none=1,given=3", found))


def test_an_item_may_be_shown_with_several_kinds() -> None:
    """Learnt with each of what it draws, in all its orders; of dev every kind is asked once."""
    questions = [helpers.question(i, o) for i in range(60) for o in range(2)]
    split = {q.group: "dev" if i < 20 else "train" for i, q in enumerate(questions)}
    mix = "none=1,retrieved+given=1"
    made = list(rows.make_rows(questions, split, mix, lambda *_: [helpers.passage()]))
    shown: dict[str, list[str]] = {}
    for row in made:
        shown.setdefault(row.question.id, []).append(row.evidence)
    dev = {q.id for q in questions if split[q.group] == "dev"}
    assert all(shown[id] == ["none", "retrieved", "given"] for id in dev)
    drawn = Counter(tuple(found) for id, found in shown.items() if id not in dev)
    assert drawn.keys() == {("none",), ("retrieved", "given")} and min(drawn.values()) >= 20
    orders = [(shown[q.id], shown[q.id[:-1] + "1"]) for q in questions if q.order == 0]
    assert all(one == other for one, other in orders)


def test_an_own_text_among_others_is_shown_alike_in_all_orders() -> None:
    own = [helpers.passage()]
    others = [helpers.passage(f"ほかの条文{i}") for i in range(6)]
    shown = [rows.among(helpers.question(i), own, others) for i in range(200)]
    for item, found in enumerate(shown):
        assert found == rows.among(helpers.question(item, 3), own, others)
        texts = [passage.text for passage in found]
        assert own[0].text in texts and len({passage.id for passage in found}) == len(found)
        assert {*texts} - {own[0].text} == {f"ほかの条文{i}" for i in range(len(found) - 1)}
    assert {len(found) - 1 for found in shown} == set(rows.OTHERS)
    places = {[p.text for p in found].index(own[0].text) for found in shown}
    assert places == {0, 1, 2, 3, 4}, "in no place that tells"


@pytest.mark.parametrize(
    "change",
    [
        {"gold": "e"},
        {"gold": ""},
        {"choices": ["a", "b", "c"]},
        {"choices": ["a", "b", "c", " "]},
        {"stem": ""},
        {"stem": None},
    ],
)
def test_a_bad_row_is_named_by_its_line(change: dict[str, Any]) -> None:
    made = helpers.rows(2, 1)
    made[4]["question"].update(change)
    with pytest.raises(TrainingError) as caught:
        rows.load(rows.dump(made))
    assert caught.value.key == "train.bad_row" and caught.value.params["line"] == 5


def check(questions: list[tuple[str, Question]], split: dict[str, str], allow: bool = False) -> str:
    made = rows.load(rows.dump([helpers.row(part, asked) for part, asked in questions]))
    try:
        rows.check(made, split, allow)
    except TrainingError as error:
        return error.key
    return ""


def test_the_leak_guard() -> None:
    train, dev = helpers.question(1), helpers.question(2)
    sound = {"g001": "train", "g002": "dev"}
    assert check([("train", train), ("dev", dev)], sound) == ""
    assert check([("dev", dev)], sound) == "train.no_rows"
    assert check([], sound) == "train.no_rows"
    assert check([("train", replace(train, group=""))], sound) == "train.no_group"
    assert check([("train", train), ("dev", replace(dev, group="g001"))], sound) == (
        "train.group_in_both"
    )
    leaky = {"g001": "train", "g002": "test"}
    assert check([("train", train), ("dev", dev)], leaky) == "train.leak"
    assert check([("train", train), ("dev", dev)], leaky, allow=True) == ""
