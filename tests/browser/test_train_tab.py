"""A small run from the page: live, over a reload, in two browsers, and then in the lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

Visit = Callable[..., Any]
Command = Callable[..., dict[str, Any]]
STEPS = 6
NAME = "browser-run-watched"


def test_a_run_is_watched_reloaded_shared_and_used(visit: Visit, command: Command) -> None:
    visitor = visit(address="?tab=train")
    visitor.page.fill("#train-max_steps_override :is(input, textarea)", str(STEPS))
    visitor.page.fill("#train-output_dir :is(input, textarea)", NAME)
    expect(visitor.page.locator("#train-command")).to_contain_text(f"--max-steps-override {STEPS}")
    visitor.page.click("#train-start")
    expect(visitor.page.locator("#train-notice")).to_contain_text("始めました")
    expect(visitor.page.locator("#train-status .lw-run-head b")).to_contain_text(NAME)
    run = visitor.page.locator("#train-status .lw-run-head b").inner_text()

    visitor.reload()
    expect(visitor.page.locator("#train-status")).to_contain_text(run)
    second = visit(lang="en-US", address="?tab=train")
    expect(second.page.locator("#train-status")).to_contain_text(run)
    for watcher in (visitor, second):
        expect(watcher.page.locator("#train-curves polyline").first).to_be_visible()

    for watcher, word in ((visitor, "完了"), (second, "done")):
        expect(watcher.page.locator("#train-status .lw-state")).to_have_text(word)
    told = command("train", "status", run)
    assert told["state"] == "done" and told["step"] == STEPS
    row = visitor.text("#train-runs tbody tr")
    assert f"{told['loss']:.3f}" in row
    assert f"{100 * told['eval_accuracy']:.1f} %" in row
    assert visitor.page.locator("#train-curves circle.lw-line-raw").count() == STEPS
    expect(visitor.page.locator("#train-figures")).to_contain_text("トークン")

    visitor.tab("adapters")
    expect(visitor.page.locator("#adapters-list")).to_contain_text(run)
    visitor.tab("ask")
    visitor.page.click("#ask-adapter input")
    expect(visitor.page.get_by_role("option", name=run)).to_be_visible()
    visitor.page.keyboard.press("Escape")
    visitor.tab("score")
    expect(visitor.page.locator(f"#score-adapters input[name='{run}']")).to_be_attached()
    assert re.fullmatch(rf"{NAME}.*", run)


def test_faults_are_listed_all_at_once_and_what_was_typed_stays(visit: Visit) -> None:
    visitor = visit(address="?tab=train")
    visitor.page.fill("#train-learning_rate :is(input, textarea)", "fast")
    visitor.page.fill("#train-lora_r :is(input, textarea)", "-3")
    visitor.page.click("#train-start")
    expect(visitor.page.locator("#train-notice li")).to_have_count(2)
    assert visitor.page.input_value("#train-learning_rate :is(input, textarea)") == "fast"
    assert visitor.page.input_value("#train-lora_r :is(input, textarea)") == "-3"


def test_a_run_can_be_stopped(visit: Visit, command: Command) -> None:
    visitor = visit(address="?tab=train")
    visitor.page.fill("#train-output_dir :is(input, textarea)", "stopped-run")
    visitor.page.click("#train-start")
    expect(visitor.page.locator("#train-status .lw-run-head b")).to_contain_text("stopped-run")
    run = visitor.page.locator("#train-status .lw-run-head b").inner_text()
    visitor.page.click("#train-stop")
    expect(visitor.page.locator("#train-status .lw-state")).to_have_text("停止")
    assert command("train", "status", run)["state"] == "stopped"


def test_rows_presets_overlays_and_files(visit: Visit, command: Command, site: Any) -> None:
    """What goes with a run: its rows, its settings under a name, other runs, its files."""
    visitor = visit(address="?tab=train")
    page = visitor.page
    page.fill("#train-max_steps_override :is(input, textarea)", "2")
    page.fill("#train-output_dir :is(input, textarea)", "browser-run-kept")
    expect(page.locator("#train-command")).to_contain_text("--max-steps-override 2")
    page.click("#train-rows button")
    page.click("#train-rows-show")
    expect(page.locator("#train-rows-shown .lw-histogram li").first).to_be_visible()
    expect(page.locator("#train-rows-shown details").first).to_be_visible()
    page.click("#train-keep button")
    page.fill("#train-keep-name :is(input, textarea)", "browser-run-two-steps")
    page.click("#train-keep-save")
    expect(page.locator("#train-keep-notice")).to_contain_text("browser-run-two-steps")
    page.click("#train-start")
    expect(page.locator("#train-status .lw-run-head b")).to_contain_text("browser-run-kept")
    expect(page.locator("#train-status .lw-state")).to_have_text("完了")
    run = page.locator("#train-status .lw-run-head b").inner_text()

    told = command(
        "train", "--preset", "browser-run-two-steps", "--output-dir", "browser-run-over", "--wait"
    )
    assert told["state"] == "done" and told["max_steps"] == 2
    expect(page.locator("#train-runs")).to_contain_text("browser-run-over")
    expect(page.locator("#train-status .lw-run-head b")).to_contain_text("browser-run-over")
    page.click("#train-overlay input")
    page.get_by_role("option", name=run).click()
    expect(page.locator("#train-curves polyline.lw-line-o0").first).to_be_attached()
    page.keyboard.press("Escape")
    page.check("#train-log input")
    expect(page.locator("#train-curves polyline.lw-line-o0").first).to_be_attached()

    for button, ending in (("#train-save-events", ".jsonl"), ("#train-export", ".zip")):
        with page.expect_download() as saved:
            page.click(button)
        assert (
            saved.value.suggested_filename
            == f"browser-run-over{'-events' if 'jsonl' in ending else ''}{ending}"
        )
    page.click("#train-delete")
    expect(page.locator("#train-notice")).to_contain_text("元に戻せません")
    assert (site.home / "adapters" / "browser-run-over").is_dir()
    page.click("#train-delete-yes")
    expect(page.locator("#train-runs")).not_to_contain_text("browser-run-over")
    assert not (site.home / "adapters" / "browser-run-over").exists()
    page.click("#train-again")
    expect(page.locator("#train-notice")).to_contain_text("左に写しました")
