"""What search must find on lawqa_jp with the 13 laws: needs LAWUI_DATA."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from lawui.data.headings import cited_articles
from lawui.data.questions import load_set
from lawui.data.statutes import read_folder, source_folder
from lawui.retrieval import index
from lawui.retrieval.embedders import Embedder
from lawui.retrieval.evaluate import evaluate
from lawui.retrieval.hybrid import Searcher

DATA = os.environ.get("LAWUI_DATA", "")
pytestmark = [
    pytest.mark.skipif(not DATA, reason="LAWUI_DATA is not set: no statutes and no lawqa_jp here"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def statutes(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Searcher:
    folder = tmp_path_factory.mktemp("statutes")
    index.build(read_folder(source_folder(Path(DATA))), folder, embedder)
    return Searcher.open(folder, embedder)


def test_search_reaches_its_bars(statutes: Searcher) -> None:
    questions = load_set("selection", Path(DATA)).questions
    result = evaluate(statutes, questions, cited_articles)
    assert result["questions"] == 130
    assert result["any_at"]["1"] >= 0.88
    assert result["any_at"]["5"] >= 0.97
    assert result["any_at"]["10"] >= 0.98
    assert result["all_at"]["10"] >= 0.85


def test_search_sees_stem_and_choices_only(statutes: Searcher) -> None:
    questions = load_set("selection", Path(DATA)).questions[:30]
    cited = {q.id: cited_articles(q) for q in questions}
    bare = [replace(q, given_context="", source="", references=(), law="") for q in questions]
    whole = evaluate(statutes, questions, cited_articles)
    blind = evaluate(statutes, bare, lambda q: cited[q.id])
    for key in ("questions", "any_at", "all_at"):
        assert whole[key] == blind[key]


def test_real_statutes_link_and_define(statutes: Searcher) -> None:
    (found,) = statutes.citations("業府令第123条第1項第2号")
    assert found.law == "金融商品取引業等に関する内閣府令"
    (unknown,) = statutes.citations("会社法第2条")
    assert (unknown.law_id, unknown.law) == ("", "会社法")
    passages = statutes.search("借地権の存続期間は何年か", 3)
    assert passages[0].citation() == "借地借家法第3条"
    linked = statutes.search("金融商品取引法第35条の3の業務管理体制", 10)
    assert any(p.law == "金融商品取引業等に関する内閣府令" and p.article == "70_2" for p in linked)
