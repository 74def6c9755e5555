"""What a run starts from, as the form has it: a set or a file, a preset, an adapter."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

Visit = Callable[..., Any]
Command = Callable[..., dict[str, Any]]
MINUTES = 300_000
"""Milliseconds for a run beside other tests, on two cores."""


def choose(page: Any, box: str, option: str) -> None:
    """Pick the first option of a list that has these words. A list that is filled anew while
    it is open closes, and is opened again."""
    wanted = page.locator(f"{box} [role=option]", has_text=option).first
    for _ in range(5):
        page.click(f"{box} input")
        with contextlib.suppress(PlaywrightTimeout):
            return wanted.click(timeout=6_000)
        page.keyboard.press("Escape")
    wanted.click()


def test_the_reading_exercises_are_chosen_explained_and_learnt(
    visit: Visit, command: Command
) -> None:
    visitor = visit(address="?tab=train")
    page = visitor.page
    expect(page.locator("#train-set-about")).not_to_contain_text("架空の規則")
    choose(page, "#train-set", "読解の練習問題")
    expect(page.locator("#train-set-about")).to_contain_text("出発点に、本物の問題集で続けて")
    expect(page.locator("#train-set-about")).to_contain_text("すでに学習済み")
    expect(page.locator("#train-command")).to_contain_text("--train-set reading")
    expect(page.locator("#train-command")).to_contain_text(
        re.compile(r"学習に使う問題 3[89]\d 行")  # 24 steps of 16
    )
    choose(page, "#train-mix", "条文なし")
    expect(page.locator("#train-problem")).to_contain_text("その条文なしでは答えられません")
    choose(page, "#train-mix", "付属の条文")
    page.fill("#train-max_steps_override :is(input, textarea)", "2")
    page.fill("#train-output_dir :is(input, textarea)", "browser-run-reading")
    expect(page.locator("#train-command")).to_contain_text("browser-run-reading")
    expect(page.locator("#train-command")).to_contain_text(
        re.compile(r"学習に使う問題 (3[2-9]|4\d) 行")  # 2 steps of 16, then to a regulation's end
    )
    page.click("#train-start")
    expect(page.locator("#train-status .lw-run-head b")).to_have_text("browser-run-reading")
    expect(page.locator("#train-status .lw-state")).to_have_text("完了", timeout=MINUTES)
    told = command("train", "status", "browser-run-reading")
    assert told["state"] == "done" and told["eval_accuracy"] is not None
    visitor.tab("score")
    page.click("#score-set input")
    expect(page.get_by_role("option").first).to_be_visible()
    expect(page.get_by_role("option", name="読解の練習問題")).to_have_count(0)


def test_a_run_goes_on_from_an_adapter_and_is_copied(visit: Visit, site: Any) -> None:
    """The adapter's shape fills itself in; what is copied from a run goes on from it too."""
    visitor = visit(address="?tab=train")
    page = visitor.page
    field = "#train-{} :is(input, textarea)".format
    page.click("#train-more button")
    page.fill(field("lora_r"), "4")
    page.fill(field("target_modules"), "q_proj")
    page.fill(field("max_steps_override"), "2")
    page.fill(field("output_dir"), "browser-run-first")
    expect(page.locator("#train-command")).to_contain_text("browser-run-first")
    page.click("#train-start")
    expect(page.locator("#train-status .lw-run-head b")).to_have_text("browser-run-first")
    expect(page.locator("#train-status .lw-state")).to_have_text("完了", timeout=MINUTES)

    choose(page, "#train-preset", "小さく試す")
    expect(page.locator(field("lora_r"))).to_have_value("16")
    choose(page, "#train-start_from", "browser-run-first")
    expect(page.locator(field("lora_r"))).to_have_value("4")
    expect(page.locator(field("target_modules"))).to_have_value("q_proj")
    command = "--start-from browser-run-first --lora-r 4 --target-modules q_proj"
    expect(page.locator("#train-command")).to_contain_text(command)
    expect(page.locator("#train-problem")).to_be_empty()
    page.fill(field("lora_r"), "5")
    expect(page.locator("#train-problem")).to_contain_text("同じ形にしてください: ランク4")
    page.fill(field("lora_r"), "4")
    expect(page.locator("#train-problem")).to_be_empty()
    page.fill(field("max_steps_override"), "2")
    page.fill(field("output_dir"), "browser-run-second")
    expect(page.locator("#train-command")).to_contain_text("browser-run-second")
    page.click("#train-rows button")
    page.click("#train-rows-show")
    expect(page.locator("#train-rows-shown")).to_contain_text("browser-run-first")
    page.click("#train-start")
    expect(page.locator("#train-status .lw-run-head b")).to_have_text("browser-run-second")
    expect(page.locator("#train-status .lw-state")).to_have_text("完了", timeout=MINUTES)
    expect(page.locator("#train-figures")).to_contain_text("「browser-run-first」（重み ")

    choose(page, "#train-start_from", "最初から学習する")
    expect(page.locator("#train-command")).not_to_contain_text("--start-from")
    page.click("#train-again")
    expect(page.locator("#train-command")).to_contain_text("--start-from browser-run-first")
    shutil.rmtree(site.home / "adapters" / "browser-run-first")
    page.click("#train-again")
    expect(page.locator("#train-notice")).to_contain_text("「最初から学習する」にしてあります")
    expect(page.locator("#train-command")).not_to_contain_text("--start-from")
    card = (site.home / "adapters" / "browser-run-second" / "README.md").read_text("utf-8")
    assert "| begun from | browser-run-first (weights " in card


def test_a_preset_and_a_file_fill_the_form_and_say_what_they_are(
    visit: Visit, tmp_path: Path
) -> None:
    page = visit(address="?tab=train").page
    for words, told, command in (
        ("第2段階", "問題集はここにない", "--preset law --train-set sample"),
        ("第1段階", "架空の規則の練習問題をひととおり", "--preset reading"),
        ("小さく試す", "見本の条例の問題を学ばせ", "--preset sample"),
    ):
        choose(page, "#train-preset", words)
        expect(page.locator("#train-preset-about")).to_contain_text(told)
        expect(page.locator("#train-command code")).to_have_text(f"python -m lawui train {command}")
        expect(page.locator("#train-problem")).to_be_empty()
        expect(page.locator("#train-preset input")).to_have_value(re.compile(words))
    rows = [
        {"input": f"{n}番の札は何色か。\n\na 赤\nb 青\nc 黄\nd 緑", "output": "a"} for n in range(9)
    ]
    path = tmp_path / "札の問題.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with page.expect_file_chooser() as chooser:
        page.click("#train-file")
    chooser.value.set_files(path)
    expect(page.locator("#train-set-about")).to_contain_text("札の問題.jsonl")
    expect(page.locator("#train-command")).to_contain_text("--train-file")
    choose(page, "#train-set", "見本の条例（全部）")
    expect(page.locator("#train-command")).not_to_contain_text("--train-file")
    expect(page.locator("#train-set-about")).to_be_empty()


def test_who_passes_through_the_presets_loses_nothing_typed(visit: Visit) -> None:
    page = visit(address="?tab=train").page
    steps = page.locator("#train-max_steps_override :is(input, textarea)")
    command = page.locator("#train-command code")
    expect(command).to_have_text("python -m lawui train --preset sample")
    steps.fill("7")
    expect(command).to_contain_text("--max-steps-override 7")
    page.focus("#train-preset input")
    steps.focus()
    page.fill("#train-learning_rate :is(input, textarea)", "0.001")
    expect(command).to_contain_text("--learning-rate 0.001")
    expect(steps).to_have_value("7")
    page.focus("#train-preset input")  # and who chooses with keys alone has the form filled in
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(steps).not_to_have_value("7")
    choose(page, "#train-preset", "小さく試す")
    expect(command).to_have_text("python -m lawui train --preset sample")
    steps.fill("7")
    expect(command).to_contain_text("--max-steps-override 7")
    choose(page, "#train-preset", "小さく試す")
    expect(command).to_have_text("python -m lawui train --preset sample")
