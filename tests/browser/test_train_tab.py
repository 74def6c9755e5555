"""A small run from the page: live, over a reload, in two browsers, and then in the lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

Visit = Callable[..., Any]
Command = Callable[..., dict[str, Any]]
STEPS = 6
NAME = "browser-run"


def test_a_run_is_watched_reloaded_shared_and_used(visit: Visit, command: Command) -> None:
    visitor = visit(address="?tab=train")
    visitor.page.fill("#train-max_steps_override :is(input, textarea)", str(STEPS))
    visitor.page.fill("#train-output_dir :is(input, textarea)", NAME)
    expect(visitor.page.locator("#train-command")).to_contain_text(f"--max-steps-override {STEPS}")
    visitor.page.click("#train-start")
    expect(visitor.page.locator("#train-notice")).to_contain_text("始めました")
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
    assert visitor.page.locator("#train-curves polyline.lw-line-1 ~ circle").count() >= STEPS

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
