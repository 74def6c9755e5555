"""A question's own context as passages: headings with faults, and nothing lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lawui.data.headings import cited_articles, given_passages, number, place
from lawui.data.questions import load_set
from lawui.data.statutes import read_folder
from lawui.types import Passage, Question

EMPTY = Question("q-000", "条例_問1", "g", 0, "条例", "どれか。", ("一", "二", "三", "四"), "a")


def passages(context: str) -> list[Passage]:
    return given_passages(replace(EMPTY, given_context=context))


def places(context: str) -> list[tuple[str, str, str, str]]:
    return [(p.law, p.article, p.paragraph, p.item) for p in passages(context)]


def test_one_passage_a_paragraph_with_its_items() -> None:
    found = passages(
        "## 甲法\n### 第５条の２\n#### 第1項\n次のとおり。\n##### 第２号\n"
        "乙\n##### 第3号の2\n丙\n- イ　丁\n#### 第２項\n戊\n\n### 第6条\n己"
    )
    assert [(p.law, p.article, p.paragraph) for p in found] == [
        ("甲法", "5_2", "1"),
        ("甲法", "5_2", "2"),
        ("甲法", "6", ""),
    ]
    assert found[0].text == "次のとおり。\n第２号　乙\n第3号の2　丙\n- イ　丁"
    assert [p.id for p in found] == ["given:0", "given:1", "given:2"]
    assert found[1].place() == "甲法第5条の2第2項"
    assert found[2].place() == "甲法第6条"


def test_an_item_quoted_alone_is_cited_as_such() -> None:
    alone = passages("## 甲法\n### 第2条\n#### 第1項\n##### 第９号\n株券")
    assert places("## 甲法\n### 第2条\n#### 第1項\n##### 第９号\n株券") == [("甲法", "2", "1", "9")]
    assert alone[0].place() == "甲法第2条第1項第9号"
    assert alone[0].text == "第９号　株券"


def test_faults_of_the_levels() -> None:
    # a law at ###, an article at ####, an item at ####
    assert places("## 甲法\n### 第1条\n一\n### 乙に関する内閣府令\n### 第30条の2\n二") == [
        ("甲法", "1", "", ""),
        ("乙に関する内閣府令", "30_2", "", ""),
    ]
    assert places("## 甲法\n#### 第1条の３\n一\n#### 第1条の4\n二") == [
        ("甲法", "1_3", "", ""),
        ("甲法", "1_4", "", ""),
    ]
    assert places("## 甲令\n### 第１５条の７\n#### 第１項\n柱書\n#### 第4号\n二") == [
        ("甲令", "15_7", "1", "")
    ]


def test_headings_of_guidelines_are_text_and_no_article() -> None:
    context = (
        "## 監督指針\n### 第1章　金融商品取引法\n#### 金商法第2条（定義）関係\n##### 2-1\n本文\n"
        "### 第4条（募集又は売出の届出）関係\n二つ目\n### (問1)\n問い\n### (答)\n答え"
    )
    found = passages(context)
    assert {(p.law, p.article) for p in found} == {("監督指針", "")}
    assert found[0].text == "第1章　金融商品取引法\n金商法第2条（定義）関係\n2-1\n本文"
    assert found[-1].text == "(問1)\n問い\n(答)\n答え"
    assert cited_articles(replace(EMPTY, given_context=context)) == set()


def test_sub_items_and_a_heading_without_text() -> None:
    found = passages("## 甲法\n### 第1条\n##### 第3号\n柱\n###### イ\n効能\n###### ロ\n害")
    assert found[0].text == "第3号　柱\nイ　効能\nロ　害"
    assert [p.text for p in passages("## 甲法\n### 第1条\n### 第2条\n本文")] == ["第1条", "本文"]


def test_no_heading_and_no_context() -> None:
    assert places("ただの文章。\n二行目。") == [("", "", "", "")]
    assert passages("ただの文章。\n二行目。")[0].text == "ただの文章。\n二行目。"
    assert passages("") == []
    assert passages(" \n　\n") == []


def test_offsets_lead_back_into_the_context() -> None:
    context = "## 甲法\n### 第1条\n一\n### 第2条\n二\n"
    found = passages(context)
    assert [context[p.start : p.end] for p in found] == [
        "## 甲法\n### 第1条\n一\n",
        "### 第2条\n二\n",
    ]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("27", "27"),
        ("２７", "27"),
        ("二十七", "27"),
        ("二七", "27"),
        ("千三百五", "1305"),
        ("百", "100"),
        ("2十3", "23"),
    ],
)
def test_numbers_of_any_kind(text: str, digits: str) -> None:
    assert number(text) == digits


def test_places() -> None:
    assert place("第27条の２第1項第三号") == {"条": "27_2", "項": "1", "号": "3"}
    assert place("第七条の二") == {"条": "7_2"}
    assert place("第 5 条") == {"条": "5"}
    assert place("第4条（募集）関係") == {}
    assert place("第1章") == {}
    assert place("第" + "9" * 5000 + "条") == {}


def test_nothing_of_a_sample_context_is_lost() -> None:
    for question in load_set("sample", None).questions:
        assert_nothing_lost(question)
        assert cited_articles(question)


# -- the real contexts


def assert_nothing_lost(question: Question) -> None:
    """Every line of the body is in a text, in order; every heading is in a text or is
    the law, article, paragraph or item of a passage."""
    found = given_passages(question)
    text = "\n".join(p.text for p in found)
    fields = {f for p in found for f in (p.law, p.article, p.paragraph)}
    at = 0
    for line in filter(str.strip, question.given_context.splitlines()):
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
            steps = place(heading)
            assert heading in text or heading in fields or set(steps.values()) & fields, heading
        else:
            at = text.index(line, at) + len(line)


@pytest.mark.parametrize("name", ["selection", "selection_randomized"])
def test_nothing_of_a_real_context_is_lost(lawui_data: Path, name: str) -> None:
    for question in load_set(name, lawui_data).questions:
        assert_nothing_lost(question)


def test_130_items_cite_an_article_of_the_thirteen_laws(lawui_data: Path) -> None:
    articles = {(a.law, a.article) for a in read_folder(lawui_data)}
    laws = {law for law, _ in articles}
    citing = []
    for question in load_set("selection", lawui_data).questions:
        cited = {c for c in cited_articles(question) if c[0] in laws}
        assert cited <= articles, question.id
        if cited:
            citing.append(question)
    assert len(citing) == 130
    missing = {q.id for q in load_set("selection", lawui_data).questions} - {q.id for q in citing}
    guidelines_only = (31, 35, 42, 43, 57, 75, 130, 131, 132, 133)
    assert missing == {f"selection-{n:03d}" for n in guidelines_only}


def test_the_known_heading_faults(lawui_data: Path) -> None:
    questions = load_set("selection", lawui_data).questions
    assert (
        "発行者以外の者による株券等の公開買付けの開示に関する内閣府令",
        "30_2",
    ) in cited_articles(questions[25])
    assert {a for _, a in cited_articles(questions[81])} == {"1_3", "1_4", "1_5"}
    last = given_passages(questions[125])[-1]
    assert (last.article, last.paragraph) == ("15_7", "1")
    assert "第4号　投資運用業" in last.text
