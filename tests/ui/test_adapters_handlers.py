"""The Adapters tab's columns, settings and differences, without a browser."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lawui.lab import Lab
from lawui.types import BASE, AdapterInfo
from lawui.ui.adapters_tab import differing, draw

INFO = AdapterInfo(
    name="one",
    path="/p",
    base_model="m",
    base_sha="s",
    rank=8,
    alpha=16.0,
    targets=("q",),
    weights_sha="w1",
    settings={"lora_r": 8, "learning_rate": 2e-4, "seed": 0, "output_dir": "one"},
)
OTHER = replace(
    INFO,
    name="two",
    weights_sha="w2",
    settings={**INFO.settings, "lora_r": 32, "output_dir": "two"},
)


def test_a_column_is_any_version_with_any_law() -> None:
    choices = draw.column_choices([INFO, replace(OTHER, fault="adapter.broken")], "ja")
    assert [draw.column_of(key) for _, key in choices] == [
        (name, evidence) for name in (BASE, "one") for evidence in ("none", "retrieved", "given")
    ]
    assert choices[0][0] == "元のモデル・条文なし"
    assert draw.ready(["none~base"]) is None and draw.ready(None) is None
    assert draw.ready([f"none~{i}" for i in range(7)]) is None
    assert draw.ready(["none~base", "none~base", "given~one"]) == [(BASE, "none"), ("one", "given")]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_only_what_differs_between_settings_is_shown(lang: str) -> None:
    differ = dict(draw.differing_settings([INFO, OTHER], lang))
    assert differ == {"lora_r": ["8", "32"], "weights_sha": ["w1", "w2"]}
    html = draw.settings_html([INFO, OTHER], lang)
    assert html.count("<tr") == 3 and "learning_rate" not in html
    assert draw.settings_html([INFO], lang) == ""
    assert "<table" not in draw.settings_html([INFO, replace(INFO, name="copy")], lang)


def test_sets_are_named_as_people_say_them() -> None:
    made = {**INFO.settings, "train_set": "sample"}
    one = replace(INFO, trained_on="sample", settings=made)
    two = replace(OTHER, trained_on="reading", settings={**made, "train_set": "reading"})
    rows = dict(draw.differing_settings([one, two], "ja"))
    words = ["見本の条例（全部）", "読解の練習問題（架空の規則、7万問あまり）"]
    assert rows["set"] == rows["train_set"] == words


def test_what_they_went_on_from_differs_by_name_and_weights() -> None:
    settings = {**INFO.settings, "start_from": "reader", "start_sha": "r1"}
    further = replace(INFO, name="further", settings=settings)
    known = {**INFO.settings, "start_from": ""}
    rows = dict(draw.differing_settings([replace(INFO, settings=known), further], "ja"))
    assert rows == {"start_from": ["", "reader"], "start_sha": ["", "r1"]}
    html = draw.settings_html([INFO, further], "ja")
    assert "出発点" in html and "出発点の照合値" in html
    listed = draw.adapters_html(
        [replace(further, trained_on="sample", earlier_sets=("reading",))], "ja"
    )
    assert "読解の練習問題（架空の規則、7万問あまり） → 見本の条例（全部）" in listed


def test_each_column_tells_who_answered_and_whether_order_mattered(lab: Lab) -> None:
    adapter = next(a for a in lab.adapters() if not a.fault)
    question = lab.find("sample")[0]
    columns = [(BASE, "none"), (adapter.name, "given"), (adapter.name, "retrieved")]
    results = lab.compare_answers(question, columns, all_orders=True)
    assert [(r.answer.adapter, r.answer.evidence) for r in results] == columns
    html = draw.columns_html(results, "ja")
    assert html.count("lw-column") == 3 and html.count(adapter.weights_sha) == 2
    assert html.count(results[0].answer.prompt_sha) == 3
    assert html.count(results[0].model_sha) == 3 and "順番を入れ替え" in html
    assert html.count("lw-more") == 2 and "第" in html  # the passages, folded
    letters = {r.answer.choice for r in results}
    assert ("割れました" in html) == (len(letters) > 1) == ("lw-alone" in html)


def test_a_passage_too_long_for_the_model_is_marked_in_its_column(lab: Lab) -> None:
    question = lab.find("sample")[0]
    long = replace(question, given_context=question.given_context + "長い条文である。" * 2_000)
    whole, cut = (lab.compare_answers(q, [(BASE, "given")]) for q in (question, long))
    assert "途中までしか" not in draw.columns_html(whole, "ja")
    html = draw.columns_html(cut, "ja")
    assert html.count("途中までしか") == 2 and "lw-badge" in html  # in words, and at the passage


def item(qid: str, letters: str) -> dict[str, Any]:
    return {
        "id": qid,
        "stem": f"{qid}<script>",
        "gold": "a",
        "letters": list(letters),
        "rights": [x == "a" for x in letters],
        "distinct": len(set(letters)),
    }


def test_differences_are_those_of_all_or_of_a_pair() -> None:
    items = [item("s-1", "abc"), item("s-2", "aab"), item("s-3", "aaa")]
    columns = [(BASE, "none"), (BASE, "given"), ("one", "given")]
    choices = draw.pair_choices(columns, "ja")
    assert [key for _, key in choices] == [draw.ANY, "0-1", "0-2", "1-2"]
    assert draw.pair_choices(columns[:2], "ja") == choices[:1]
    assert [i["id"] for i in draw.where_differ(items, draw.ANY)] == ["s-1", "s-2"]
    assert [i["id"] for i in draw.where_differ(items, "0-1")] == ["s-1"]
    html = draw.differences_html(items[:2], 3, columns, "s-2", "ja")
    assert "3 問中 2 問" in html and html.count("data-open") == 2 and "<script>" not in html
    assert html.index("lw-now-open") > html.index('data-open="s-1"')
    many = [item(f"s-{i}", "ab") for i in range(draw.PAGE + 5)]
    assert draw.differences_html(many, 500, columns[:2], None, "en").count("data-open") == draw.PAGE


def test_the_search_tells_how_far_it_is_and_then_what_it_found(lab: Lab) -> None:
    assert "押すと" in differing.drawn(lab, (), draw.ANY, None, "ja")[2]
    runs = tuple(lab.score_columns("sample_test", [(BASE, "none"), (BASE, "given")], 8))
    for run in runs:
        lab.score_wait(run)
    _, _, table, pulse = differing.drawn(lab, runs, "0-5", None, "ja")
    found = differing.whole(lab, runs)
    assert found and found.set == "sample_test" and pulse["elem_classes"] == []
    n = len(draw.where_differ(found.items, draw.ANY))
    assert f"2 問中 {n} 問" in table
    (stopped,) = lab.score_columns("sample_dev", [(BASE, "given")])
    lab.score_cancel(stopped)
    lab.score_wait(stopped)
    if lab.score_status(stopped).state != "done":
        assert "もう一度" in differing.drawn(lab, (stopped,), draw.ANY, None, "ja")[2]


def test_the_list_says_where_nothing_is_known_of_an_adapter_s_training() -> None:
    known = replace(INFO, trained_groups=("one", "two"))
    unknown = (replace(INFO, trained_groups=()), replace(INFO, trained_groups=("?", "one")))
    assert "2 組" in draw.adapters_html([known], "ja")
    assert all("記録なし" in draw.adapters_html([info], "ja") for info in unknown)
    assert "記録なし" not in draw.adapters_html([known, replace(INFO, fault="x.y")], "ja")
