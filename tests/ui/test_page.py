"""The page as built: languages, events, endpoints, safety."""

from __future__ import annotations

import logging
import re
from typing import Any

import gradio as gr
import pytest

from lawui import ui
from lawui.data import reading
from lawui.errors import LabError, UsageError
from lawui.lab import Lab
from lawui.training.config import ConfigError
from lawui.types import BASE
from lawui.ui import address, header, page, score_tab, train_form, train_tab
from lawui.ui.api import ENDPOINTS
from lawui.ui.picker import set_words

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
ENDPOINTS_OF_THE_BRIEF = {
    "describe",
    "ask",
    "search",
    "adapters",
    "compare_answers",
    "train_start",
    "train_status",
    "train_stop",
    "score_start",
    "score_status",
    "score_summary",
    "compare",
}


@pytest.fixture(scope="module")
def blocks(lab: Lab) -> gr.Blocks:
    return ui.build(lab)


def test_four_tabs_stand_in_order_with_ask_first(blocks: gr.Blocks) -> None:
    tabs = [b for b in blocks.blocks.values() if isinstance(b, gr.Tab)]
    assert [t.id for t in tabs] == ["ask", "adapters", "train", "score"]
    assert [t.label for t in tabs] == ["質問する", "比べる", "学習させる", "採点する"]


def test_every_action_has_an_endpoint_and_no_helper_is_public(blocks: gr.Blocks) -> None:
    public = {
        fn.api_name for fn in blocks.fns.values() if fn.api_visibility == "public" and fn.api_name
    }
    assert public == set(ENDPOINTS)
    assert public >= ENDPOINTS_OF_THE_BRIEF
    named = blocks.get_api_info()["named_endpoints"]  # type: ignore[index]
    assert set(named) == {f"/{name}" for name in ENDPOINTS}
    assert all(named[f"/{name}"]["description"] for name in ENDPOINTS)


def labels(component: Any) -> list[str]:
    found = [getattr(component, name, None) for name in ("label", "placeholder")]
    if isinstance(component, gr.Button):
        found.append(component.value)
    found += [label for label, _ in getattr(component, "choices", None) or []]
    return [text for text in found if isinstance(text, str) and text.strip()]


def test_the_page_starts_in_its_language_and_nothing_else(blocks: gr.Blocks, lab: Lab) -> None:
    """Every label, placeholder, button and choice of the Japanese page is Japanese, but for
    the names that people gave to adapters and runs."""
    names = {info.name for info in lab.adapters()} | {run.run for run in lab.train_runs()}
    shown = [component for component in blocks.blocks.values() if component.elem_id]
    assert len(shown) > 50
    odd = [t for component in shown for t in labels(component) if not JAPANESE.search(t)]
    assert [text for text in odd if text not in names] == ["English"]


def test_switching_the_language_changes_words_and_no_value(lab: Lab) -> None:
    with gr.Blocks():
        made = page.Page(lab)
        made.add_language_switch()
        box = made.say(gr.Textbox("typed"), label="ask.own.stem", placeholder="ask.own.stem.hint")
        choice = made.dropdown("ask.adapter", lambda lang: [(lang, "key")], "key")
        shown = gr.HTML()
        made.view(lambda lang, text: f"{lang}:{text}", [box], [shown])
    assert (box.label, choice.choices) == ("問題文", [("ja", "key")])
    updates = made.everything("en", ["typed"])
    assert updates[0]["label"] == "Question text" and "value" not in updates[0]
    assert updates[1]["choices"] == [("en", "key")] and "value" not in updates[1]
    assert updates[2] == "en:typed"


def test_an_error_of_the_lab_becomes_a_sentence_and_leaves_the_outputs() -> None:
    def fail(lang: str) -> None:
        raise UsageError("usage.demo")

    *outputs, said = page.answer(fail, "ja", (), 3, True)
    assert outputs == [gr.skip()] * 3
    assert UsageError("usage.demo").text("ja") in said and 'role="alert"' in said


def test_every_fault_of_the_settings_is_listed_at_once(lab: Lab) -> None:
    def fail(lang: str) -> None:
        values = {"lora_r": "many", "learning_rate": "-1", "num_epochs": "0"}
        lab.train_config("sample", **values)

    with pytest.raises(ConfigError) as caught:
        fail("ja")
    assert len(page.sentences(caught.value, "ja")) == 3
    assert page.answer(fail, "ja", (), 1, True)[1].count("<li>") == 3


def test_an_unexpected_error_shows_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def fail(lang: str) -> None:
        raise RuntimeError("secret detail /etc/passwd")

    with caplog.at_level(logging.ERROR):
        *_, said = page.answer(fail, "en", (), 1, True)
    assert "secret" not in said and "Traceback" not in said
    assert "Something unexpected" in said
    assert "secret detail" in caplog.text


def test_the_header_says_who_answers_why_and_under_which_licence(lab: Lab) -> None:
    for lang in ("ja", "en"):
        html = header.about_html(lab, lang)
        assert lab.choice.name in html and lab.choice.licence in html
        assert page.components.escape(lab.choice.why(lang)) in html
    assert "法律を知らない" in header.about_html(lab, "ja")
    assert header.about_html(lab, "ja").count("法的助言ではありません") == 1


def test_what_went_wrong_at_the_start_is_said_on_the_page(lab: Lab) -> None:
    html = header.problems_html([LabError("usage.demo")], "ja")
    assert LabError("usage.demo").text("ja") in html and header.problems_html([], "ja") == ""


def test_launch_options_are_narrow(lab: Lab) -> None:
    options = ui.launch_options(lab)
    assert options["allowed_paths"] == []
    assert options["strict_cors"] is True and options["show_error"] is False
    assert options["pwa"] is False and options["run_history"] is False
    assert options["max_file_size"] == ui.UPLOAD_LIMIT


def test_the_queue_is_bounded_and_analytics_are_off(blocks: gr.Blocks) -> None:
    assert blocks._queue.max_size == ui.QUEUE_LIMIT
    assert blocks.analytics_enabled is False


def test_a_demo_says_so_and_can_not_start_a_run(demo: Lab) -> None:
    built = ui.build(demo)
    buttons = {b.elem_id: b for b in built.blocks.values() if isinstance(b, gr.Button)}
    for name in ("train-start", "train-stop", "train-resume"):
        assert buttons[name].interactive is False
    assert "閲覧専用" in header.about_html(demo, "ja")
    with pytest.raises(UsageError):
        demo.train(demo.train_config("sample"))


def test_the_address_opens_what_it_names_and_ignores_the_rest(lab: Lab) -> None:
    qid = lab.find("sample")[3].id
    tab, name, item, *side = address.view(
        lab, "ja", {"tab": "score", "q": qid, "item": qid, "versions": f"given~{BASE},none~gone"}
    )
    assert tab["selected"] == "score" and name["value"] == "sample" and item["value"] == qid
    assert side[1]["value"] == qid and side[2:] == [[f"given~{BASE}"]]
    odd = {"tab": "<x>", "q": "../../etc", "item": "own-x", "versions": "../x"}
    assert address.view(lab, "ja", odd) == [gr.skip()] * 6


def test_the_form_shows_the_command_that_runs(lab: Lab) -> None:
    preset = lab.train_presets()["sample"]
    fields = train_form.field_texts(preset)
    values = train_form.config_values("sample", "sample", None, preset["evidence_mix"], fields)
    assert lab.train_command(lab.train_config(**values)) == "python -m lawui train --preset sample"
    fields[train_form.FIELDS.index("lora_r")] = "4"
    values = train_form.config_values("sample", "sample", None, preset["evidence_mix"], fields)
    assert lab.train_command(lab.train_config(**values)).endswith("--preset sample --lora-r 4")


def test_the_form_offers_what_a_run_can_go_on_from(lab: Lab) -> None:
    offered = train_form.start_choices(lab, "embedded", "ja")
    assert offered[0] == ("最初から学習する", train_form.FRESH)
    assert ("sample-given（見本の条例（全部）、ランク16）", "sample-given") in offered
    assert train_form.start_choices(lab, "no/such", "en") == [("Fresh weights", train_form.FRESH)]
    preset = lab.train_presets()["sample"]
    where = train_form.FIELDS.index(train_form.START)
    fields = train_form.field_texts({**preset, "start_from": "sample-given"})
    values = train_form.config_values("sample", "sample", None, preset["evidence_mix"], fields)
    command = lab.train_command(lab.train_config(**values))
    assert command.endswith("--preset sample --start-from sample-given")
    fields[where] = train_form.FRESH
    values = train_form.config_values("sample", "sample", None, preset["evidence_mix"], fields)
    assert lab.train_config(**values).start_from == ""
    for start, shown in (("sample-given", "sample-given"), ("gone", train_form.FRESH)):
        drawn = train_form.filled(lab, {**preset, "start_from": start}, "ja")[2 + where]
        assert drawn["value"] == shown and drawn["choices"] == offered


def test_a_preset_says_what_it_is_for_and_what_it_lacks_here(lab: Lab) -> None:
    for preset in lab.train_presets():
        texts = [train_form.about_preset_html(lab, preset, lang) for lang in ("ja", "en")]
        assert all(texts) and texts[0] != texts[1], preset
    assert "出発点" in train_form.about_preset_html(lab, "law", "ja")
    assert "ここにない" in train_form.about_preset_html(lab, "law", "ja"), "lawqa_jp is not here"
    assert "ここにない" not in train_form.about_preset_html(lab, "reading", "ja")
    assert train_form.about_preset_html(lab, "gone", "ja") == ""
    drawn = {p: train_form.filled(lab, v, "ja") for p, v in lab.train_presets().items()}
    assert drawn["law"][0] == drawn["small-norag"][0] == gr.skip()
    assert (drawn["reading"][0], drawn["sample"][0]) == ("reading", "sample")
    for values in drawn.values():
        assert values[1]["value"] in [key for _, key in values[1]["choices"]]


def test_a_mix_of_one_s_own_is_shown_with_its_weights(lab: Lab) -> None:
    """What the command line was given, copied from its run to the form."""
    values = {**lab.train_presets()["sample"], "evidence_mix": "none=1, given=2"}
    mix = train_form.filled(lab, values, "ja")[1]
    assert mix["value"] == "none=1, given=2"
    shown = "条文なし か 付属の条文 ×2（問題ごとにどれか1つ）"
    assert mix["choices"][-1] == (shown, "none=1, given=2")
    assert len(mix["choices"]) == 1 + len(train_form.mix_choices("ja"))
    both = train_form.mix_choices("en", "none=1,retrieved+given=3")[-1][0]
    assert both.startswith("without the law or with articles found + with its own text ×3 (one")
    words = {mix: text for text, mix in train_form.mix_choices("ja")}
    assert words["given"] == "付属の条文"
    every = "条文なし + 検索した条文 + 付属の条文（どの問題もすべて）"
    assert words[lab.train_presets()["law"]["evidence_mix"]] == every


def test_the_reading_exercises_are_on_the_train_tab_alone_and_read_when_chosen(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "read", lambda: pytest.fail("nobody has chosen them"))
    reading.question_set.cache_clear()
    everything = ui.build(lab)
    lists = [b for b in everything.blocks.values() if isinstance(b, gr.Dropdown)]
    offered = (set_words(reading.NAME, "ja"), reading.NAME)
    having = [b.elem_id for b in lists if offered in (b.choices or ())]
    assert having == ["train-set"] and train_form.READING == reading.NAME
    for lang, word in (("ja", "学習済み"), ("en", "already learnt")):
        assert word in train_form.about_html(lab, reading.NAME, None, "", lang)
        other = "Qwen/Qwen2.5-1.5B-Instruct"
        elsewhere = train_form.about_html(lab, reading.NAME, None, other, lang)
        assert elsewhere and word not in elsewhere
        assert train_form.about_html(lab, "sample", "/x/mine.jsonl", "", lang) == ""
        assert "mine.jsonl" in train_form.about_html(lab, "file", "/x/mine.jsonl", "", lang)


def test_without_runs_the_tabs_say_what_to_do(demo: Lab) -> None:
    drawn = train_tab.watch(demo, "ja", None)
    assert "「開始」" in drawn[3]
    drawn = score_tab.watch(demo, "ja", score_tab.View())
    assert drawn and any("採点を始める" in part for part in drawn if isinstance(part, str))
