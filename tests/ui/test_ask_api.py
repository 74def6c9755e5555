"""The endpoints of probing, on the real embedded model."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lawui.errors import ModelError, UsageError
from lawui.lab import Lab, Settings
from lawui.ui.api import Api

STEM, FOUR = "届出の期限として正しいものはどれか。", ["三日", "五日", "七日", "十日"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own: others count on one without scores."""
    home = tmp_path_factory.mktemp("probing")
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(home):
        patch.delenv("LAWUI_DATA", raising=False)
        made = Lab(Settings(home=home, model="embedded", offline=True))
    yield made
    made.close()


def who(name: str = "") -> Any:
    """What the endpoints read of a request."""
    return SimpleNamespace(username=name or None)


def test_a_what_if_tells_both_answers_and_is_taken_home(lab: Lab) -> None:
    api = Api(lab)
    question = lab.find("sample")[0]
    passage = lab.passages(question, "retrieved")[0]
    visit = api.visit_new()
    found = api.what_if(
        who(),
        id=question.id,
        evidence="retrieved",
        changes=[
            {"kind": "passage", "where": passage.id, "text": passage.text + "冬を除く。"},
            {"kind": "swap", "where": "ad"},
        ],
        hangs_on=True,
        visit=visit,
    )
    assert found["before"]["question"] == question.id and len(found["changes"]) == 2
    old, moved = found["before"]["probs"], found["before_in_new_letters"]
    assert moved == pytest.approx([old["d"], old["b"], old["c"], old["a"]])
    cited = {p["id"]: p["citation"] for p in found["after"]["passages"]}
    assert cited[passage.id] == "【改変した条文】"
    assert {h["passage"] for h in found["hangs_on"]} == set(cited)
    text = api.visit_text(who(), visit)
    assert "【改変した条文】" in text and passage.citation() not in text
    assert "<html" in api.visit_export(who(), visit)
    with pytest.raises(UsageError):
        api.visit_text(who("taro"), visit)
    assert api.visit_clear(who(), visit)
    with pytest.raises(UsageError):
        api.visit_export(who(), visit)
    for bad in ({"kind": "drop", "where": "none"}, {"kind": "odd"}, {"kind": "swap"}):
        with pytest.raises(UsageError):
            api.what_if(who(), id=question.id, changes=[bad])


def test_own_questions_are_a_set_on_every_tab(lab: Lab) -> None:
    api = Api(lab)
    kept = api.own_add(who("hanako"), STEM, FOUR, "c")
    (listed,) = api.own_list(who("hanako"))
    assert listed["id"] == kept["id"] and api.own_list(who("taro")) == []
    name = listed["set"]
    assert api.questions(set=name)[0]["stem"] == STEM
    assert name in {s["name"] for s in lab.sets("hanako")}
    assert name not in {s["name"] for s in lab.sets("taro")}
    assert api.ask(id=kept["id"], evidence="retrieved")["question"] == kept["id"]
    run = lab.score_start(name, ["none"], ["base"], None)[0]
    assert lab.score_wait(run).state == "done"
    assert lab.score_summary(run)["total"] == 1
    (found,) = api.browse(who("hanako"), set=name)
    assert found["answers"] == 1 and found["right"] in (0, 1)
    assert api.browse(who("hanako"), set=name, level="unscored") == []
    text = api.own_export(who("hanako"))
    assert json.loads(text)["samples"][0]["output"] == "c"
    assert api.own_import(who("taro"), text) == 1
    assert api.own_change(who("hanako"), kept["id"], STEM, FOUR)["gold"] == ""
    assert api.own_remove(who("hanako"), kept["id"]) == 0


def test_training_on_own_questions_that_repeat_a_test_question_is_refused(lab: Lab) -> None:
    question = lab.find("sample_test")[0]
    lab.own.add(
        "leak", question.stem, question.choices, question.gold, context=question.given_context
    )
    config = lab.train_config("sample", train_set=lab.own.set_name("leak"))
    with pytest.raises(UsageError) as caught:
        lab.training_data(config)
    assert caught.value.key == "usage.seen"


def test_a_pasted_question_is_split(lab: Lab) -> None:
    found = Api(lab).split_question(STEM + "\nア 三日\nイ 五日\nウ 七日\nエ 十日\n正解：ウ")
    assert found["whole"] and found["choices"]["c"] == "七日" and found["gold"] == "c"


def test_the_demo_model_gives_no_reason_and_says_so(lab: Lab) -> None:
    with pytest.raises(ModelError) as caught:
        next(Api(lab).explain(id=lab.find("sample")[0].id))
    assert caught.value.key == "explain.embedded"
    assert "--model" in caught.value.text("ja")


def test_a_demo_keeps_no_own_questions(demo: Lab) -> None:
    with pytest.raises(UsageError):
        Api(demo).own_add(who(), STEM, FOUR)
