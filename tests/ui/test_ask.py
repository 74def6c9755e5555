"""The Ask tab's work on the real embedded model."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr
import pytest

from lawui.asking.whatif import Hanging
from lawui.errors import UsageError
from lawui.lab import Lab
from lawui.readers.visits.text import to_text
from lawui.types import BASE
from lawui.ui import picker
from lawui.ui.api import Api, answer_json
from lawui.ui.ask_tab import answering, draw, memory
from lawui.ui.ask_tab.home import made_entry
from lawui.ui.ask_tab.state import Asked, ask, chosen_question
from lawui.ui.versions import adapter_update


@pytest.fixture(scope="module")
def asked(lab: Lab) -> Asked:
    return ask(lab, lab.find("sample")[0], "given", BASE, True, None)


def test_a_question_is_chosen_from_the_start(lab: Lab) -> None:
    assert picker.default_set(lab) == "sample"
    choices = picker.item_choices(picker.find(lab, "sample", "", ""))
    assert len(choices) == lab.questions("sample").items


def test_a_long_list_holds_what_is_near(lab: Lab) -> None:
    question = lab.find("sample")[0]
    many = [replace(question, id=f"many-{i:05d}") for i in range(20_000)]
    for chosen in ("many-00000", "many-10007", "many-19999"):
        ids = [key for _, key in picker.item_choices(many, None, chosen)]
        assert len(ids) == picker.LISTED and chosen in ids and ids == sorted(ids)
    assert picker.item_choices(many, None, "gone")[0][1] == "many-00000"


def test_search_takes_numbers_and_words(lab: Lab) -> None:
    third = lab.find("sample")[2]
    found = picker.find(lab, "sample", "", "2")
    assert third.id in [q.id for q in found] and len(found) < 5
    assert third.id in [q.id for q in picker.find(lab, "sample", third.law, third.stem[:8])]
    assert picker.find(lab, "sample", "", "no such words anywhere") == []


def test_next_and_previous_go_around_the_end() -> None:
    assert picker.step(["a", "b"], "b", 1) == "a"
    assert picker.step(["a", "b"], "a", -1) == "b"
    assert picker.step(["a", "b"], "gone", 1) == "a"
    assert picker.step([], "a", 1) is None


def sure(asked: Asked, *probs: float) -> Asked:
    """The same, as if the model had leaned like this in every order."""
    choice = "abcd"[probs.index(max(probs))]
    answer = replace(asked.now.answer, probs=probs, choice=choice)
    orders = tuple(replace(order, choice=choice) for order in asked.now.orders)
    return replace(asked, now=replace(asked.now, answer=answer, orders=orders))


def test_the_answer_stands_with_its_passages_and_its_maker(asked: Asked) -> None:
    html = draw.result_html(sure(asked, 0.1, 0.7, 0.1, 0.1), False, "ja")
    assert "モデルの答えは b です。" in html and "70 %" in html
    assert asked.now.model in html and "付属の条文" in html
    assert "選択肢の順番を入れ替え" in html
    assert "公式の正解" not in html
    assert asked.found[0].citation() in draw.passages_html(asked, "ja")


def test_a_calm_sentence_stands_where_the_model_cannot_tell(asked: Asked) -> None:
    html = draw.result_html(sure(asked, 0.28, 0.26, 0.23, 0.23), True, "ja")
    assert "見分けがつきません" in html and "モデルの答えは" not in html
    bars = html.partition("<details")[0]
    assert "%</span>" not in bars and "28 %" not in bars
    assert "28 %" in html and "公式の正解と" not in html


def test_what_the_answer_hangs_on_is_said_and_marked(lab: Lab, asked: Asked) -> None:
    deep = ask(lab, asked.now.question, "given", BASE, True, asked, asked.trial, True)
    assert {h.passage for h in deep.hangs} == {p.id for p in deep.now.passages}
    turning = sure(replace(deep, hangs=(Hanging(deep.found[0].id, "d", 0.4, True),)), 1, 0, 0, 0)
    assert "外すと答えが d に変わる" in draw.passages_html(turning, "ja")
    said = draw.result_html(turning, False, "ja")
    assert f"（外すと変わります）：{deep.found[0].citation()}" in said


def test_a_passage_too_long_for_the_model_is_said_to_be_cut(lab: Lab, asked: Asked) -> None:
    assert asked.now.shortened == ()
    (passage,) = asked.now.passages
    long = replace(passage, text=f"<|{passage.text}" + "長い条文である。" * 2_000)
    now = lab.ask(asked.now.question, "given", passages=[long])
    assert now.shortened == (long.id,)
    cut = replace(asked, now=replace(asked.now, shortened=now.shortened))
    for lang, words in (("ja", "途中までしか"), ("en", "beginning only")):
        assert words in draw.passages_html(cut, lang) and words in draw.result_html(
            cut, False, lang
        )
        assert words not in draw.passages_html(asked, lang)
    assert "途中まで見せた" in to_text(made_entry(cut, False, None), "ja")
    assert "途中まで見せた" not in to_text(made_entry(asked, False, None), "ja")
    whole = replace(passage, text=f"<|{passage.text}")
    assert lab.ask(asked.now.question, "given", passages=[whole]).shortened == ()


def test_a_reworded_passage_is_cited_nowhere(lab: Lab, asked: Asked) -> None:
    first = asked.found[0]
    trial = asked.trial.with_text("passage", first.id, first.text + "ただし、冬を除く。")
    again = ask(lab, asked.now.question, "given", BASE, True, asked, trial)
    html = draw.passages_html(again, "ja")
    card = html.partition('<li class="lw-passage')[2].partition("</li>")[0]
    assert "【改変した条文】" in card and first.citation() not in card and "<a " not in card
    told = answer_json(again.now)["passages"][0]
    assert (told["citation"], told["url"], told["law"]) == ("【改変した条文】", "", "")
    changes = draw.changes_html(trial, "ja")
    assert "冬を除く" in changes and first.citation() not in changes


def test_the_official_answer_is_told_when_asked_for(asked: Asked) -> None:
    html = draw.result_html(sure(asked, 0.1, 0.7, 0.1, 0.1), True, "en")
    assert "official answer." in html
    page = draw.question_html(asked.now.question, True, "en")
    assert f"The official answer is {asked.now.question.gold}." in page
    assert "official" not in draw.question_html(asked.now.question, False, "en")


def test_new_evidence_stands_beside_the_old(lab: Lab, asked: Asked) -> None:
    again = ask(lab, asked.now.question, "none", BASE, True, asked)
    assert again.before == asked.now.answer and again.now.answer.evidence == "none"
    html = draw.result_html(again, False, "ja")
    assert "前回" in html and html.count("lw-thin") == 4
    other = ask(lab, lab.find("sample")[1], "none", BASE, False, again)
    assert other.before is None


def test_a_passage_taken_out_moves_the_bars_and_comes_back(lab: Lab, asked: Asked) -> None:
    first = asked.found[0].id
    kept = [p.id for p in asked.found if p.id != first]
    without = ask(lab, asked.now.question, "given", BASE, True, asked, asked.trial.with_kept(kept))
    assert without.found == asked.found
    assert first not in {p.id for p in without.now.passages}
    assert without.now.answer.probs != asked.now.answer.probs
    assert "見せていません" in draw.passages_html(without, "ja")
    back = ask(lab, asked.now.question, "given", BASE, True, without, without.trial.back())
    assert back.now.answer.probs == pytest.approx(asked.now.answer.probs, abs=1e-4)


def test_an_own_question_needs_all_its_parts(lab: Lab) -> None:
    assert chosen_question(lab, "own", "sample", None, "問い", ("一", "二", "三", " ")) is None
    own = chosen_question(lab, "own", "sample", None, "問い", ("一", "二", "三", "四"))
    assert own is not None and own.gold == ""
    assert answering.unready(own, "own", "given") == "ask.own.nogiven"
    assert answering.unready(None, "own", "none") == "ask.own.incomplete"
    assert answering.unready(own, "own", "retrieved") == ""


def test_the_endpoint_gives_the_keys_of_the_command_line(lab: Lab, asked: Asked) -> None:
    found = Api(lab).ask(id=asked.now.question.id, evidence="given", all_orders=True)
    keys = {"choice", "probs", "letter_mass", "adapter", "evidence", "passages", "prompt_sha"}
    assert keys | {"seconds"} <= set(found)
    assert found["choice"] == answer_json(asked.now)["choice"]
    assert sum(found["probs"].values()) == pytest.approx(1, abs=1e-5)
    assert found["passages"][0]["citation"] == asked.found[0].citation()


def test_endpoints_refuse_what_cannot_be(lab: Lab) -> None:
    api = Api(lab)
    with pytest.raises(UsageError):
        api.search("", 5)
    with pytest.raises(UsageError):
        api.search("舟", 10_000)
    with pytest.raises(UsageError):
        api.ask(stem="問い", choices=["一", "二"])
    shown = api.questions("sample")[0]
    assert set(shown) == {"id", "law", "stem", "choices"}


def test_a_first_visit_undoes_nothing_that_the_reader_began(lab: Lab) -> None:
    assert all(value == gr.skip() for value in memory.bring(lab, "ja", {}, {}))
    asked_for = {"evidence": "given", "q": "sample-002-0"}
    told = [v for v in memory.bring(lab, "ja", {}, asked_for) if v != gr.skip()]
    assert told == ["given"]
    came_back = memory.bring(lab, "ja", {"source": "own", "stem": "typed"}, {})
    assert len(came_back) == len(memory.bring(lab, "ja", {}, {}))
    assert came_back[0] == "own" and "typed" in came_back


def test_a_version_that_is_gone_is_chosen_no_more(lab: Lab) -> None:
    assert adapter_update(lab, "ja", "gone")["value"] == BASE
    assert adapter_update(lab, "ja", [BASE, "gone"])["value"] == [BASE]
    assert "value" not in adapter_update(lab, "ja", BASE)


def test_a_foreign_index_is_told_and_offered_for_rebuilding() -> None:
    *kept, rebuild, words = answering.refused(["別の索引です。"], "ja", rebuild=True)
    assert kept == [gr.skip()] * 8 and rebuild["visible"] is True
    assert "別の索引です。" in words
