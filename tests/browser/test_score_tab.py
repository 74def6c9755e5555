"""Scores from the page: the same figures as the command line, kept, compared, taken home."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

Visit = Callable[..., Any]
Command = Callable[..., dict[str, Any]]
LIMIT = 16
FIELD = "#score-limit :is(input, textarea)"


def choose(visitor: Any, box: str, option: str) -> None:
    """Pick an option of a list by the beginning of its words."""
    visitor.page.click(f"{box} input")
    visitor.page.locator(f"{box} [role=option]", has_text=option).first.click()


def test_a_score_is_the_command_line_s_and_is_compared_and_exported(
    visit: Visit, command: Command, tmp_path: Path
) -> None:
    visitor = visit(address="?tab=score")
    visitor.page.fill(FIELD, str(LIMIT))
    visitor.page.click("#score-start")
    expect(visitor.page.locator("#score-notice")).to_contain_text("2 件の採点を始めました")
    expect(visitor.page.locator("#score-matrix .lw-accuracy")).to_have_count(2)

    words = ("--set", "sample_test", "--limit", str(LIMIT))
    told = command("score", *words, "--evidence", "none", "--evidence", "given")["cells"]
    cells = visitor.page.locator("#score-matrix .lw-accuracy").all_inner_texts()
    assert cells == [f"{100 * cell['accuracy']:.1f} %" for cell in told]

    expect(visitor.page.locator("#score-summary .lw-big")).to_be_visible()
    summary = visitor.text("#score-summary")
    assert f"{LIMIT} 問中 {told[0]['correct']} 問" in summary
    assert f"{100 * told[0]['overlap_baseline']:.1f} %" in summary
    assert visitor.page.locator("#score-items tbody tr").count() == LIMIT // 4
    visitor.page.check("#score-only input[value=right]")
    expect(visitor.page.locator("#score-items tbody tr.lw-wrong")).to_have_count(0)

    _compare(visitor, command("compare", told[0]["run"], told[1]["run"]))
    _look_closer(visitor)
    for kind in ("csv", "json", "html"):
        with visitor.page.expect_download() as download:
            visitor.page.click(f"#score-export-{kind}")
        path = tmp_path / f"score.{kind}"
        download.value.save_as(path)
        _check_file(path, kind)


def _compare(visitor: Any, told: dict[str, Any]) -> None:
    choose(visitor, "#score-a", "条文なし")
    choose(visitor, "#score-b", "付属の条文")
    visitor.page.click("#score-compare")
    expect(visitor.page.locator("#score-verdict .lw-verdict")).to_have_text(told["verdict_ja"])
    counts = visitor.page.locator("#score-verdict .lw-facts dd").all_inner_texts()
    names = ("both", "only_a", "only_b", "neither")
    assert counts == [str(told[name]) for name in names]
    assert sum(told[name] for name in names) == LIMIT // 4


def _look_closer(visitor: Any) -> None:
    """A figure opens its score, a number its question; a mark is kept and counted."""
    page = visitor.page
    page.locator("#score-matrix [data-open]").nth(1).click()
    expect(page.locator("#score-run input")).to_have_value(re.compile("付属の条文"))
    expect(page.locator("#score-plots svg")).to_have_count(3)
    page.check("#score-only input[value=all]")
    expect(page.locator("#score-items tbody tr")).to_have_count(LIMIT // 4)
    second = page.locator("#score-items [data-open]").nth(1)
    number = second.inner_text()
    second.click()
    expect(page.locator("#score-item .lw-id")).to_contain_text(number)
    assert page.locator("#score-item table").first.locator("tbody tr").count() == 4
    page.click("#score-item details summary")
    expect(page.locator("#score-item details pre")).to_contain_text("【選択肢】")
    page.click("#score-mark-save")
    expect(page.locator("#score-mark-notice [role=alert]")).to_contain_text("選んで")
    page.check("#score-mark input[value=statute_changed]")
    page.fill("#score-mark-comment textarea", "第2項と読むべきでは")
    page.click("#score-mark-save")
    expect(page.locator("#score-item .lw-said")).to_contain_text("第2項と読むべきでは")
    expect(page.locator("#score-mark-counts")).to_contain_text("法令が改正された 1")
    page.click("#score-item-next")
    expect(page.locator("#score-item .lw-id")).not_to_contain_text(number)
    assert page.input_value("#score-mark-comment textarea") == ""
    page.click("#score-item-previous")
    expect(page.locator("#score-item .lw-said")).to_be_visible()
    assert page.input_value("#score-mark-comment textarea") == "第2項と読むべきでは"
    page.click("#score-mark-remove")
    expect(page.locator("#score-mark-counts")).not_to_contain_text("法令が改正された")
    page.click("#score-abstain-use")
    shown = page.locator("#score-abstain-used [role=status], #score-abstain-notice [role=alert]")
    expect(shown).to_have_count(1)


def _check_file(path: Path, kind: str) -> None:
    text = path.read_text("utf-8-sig")
    if kind == "csv":
        assert len(list(csv.reader(text.splitlines()))) > LIMIT // 4
    elif kind == "json":
        assert json.loads(text)
    else:
        assert "<html" in text and "src=" not in text


def test_scores_survive_a_reload(visit: Visit, command: Command) -> None:
    visitor = visit(address="?tab=score")
    told = command("score", "--set", "sample_dev", "--limit", "8", "--evidence", "none")
    visitor.reload()
    expect(visitor.page.locator("#score-list tbody tr").first).to_contain_text("調整用")
    figure = f"{100 * told['accuracy']:.1f} %"
    expect(visitor.page.locator("#score-list tbody tr").first).to_contain_text(figure)


def test_a_pair_opens_its_comparison_and_a_flip_its_question(
    visit: Visit, command: Command
) -> None:
    words = ("--set", "sample_train", "--limit", "24", "--adapter", "base")
    told = command("score", *words, "--evidence", "none", "--evidence", "given")["cells"]
    visitor = visit(lang="en-US", address="?tab=score")
    visitor.page.locator("#score-pairs [data-open]").first.click()
    compared = command("compare", told[0]["run"], told[1]["run"])
    verdict = visitor.page.locator("#score-verdict .lw-verdict")
    expect(verdict).to_have_text(compared["verdict_en"])
    flips = visitor.page.locator("#score-verdict [data-open]")
    assert flips.count() == len(compared["flips"])
    if compared["flips"]:
        flips.first.click()
        expect(visitor.page.locator("#score-item .lw-id")).to_have_text(compared["flips"][0]["id"])


def test_bad_fields_are_told_and_kept(visit: Visit) -> None:
    visitor = visit(address="?tab=score")
    visitor.page.fill(FIELD, "many")
    visitor.page.click("#score-start")
    expect(visitor.page.locator("#score-notice [role=alert]")).to_contain_text("1 以上の整数")
    assert visitor.page.input_value(FIELD) == "many"
