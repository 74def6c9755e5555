"""Train: choose, see the command, start, watch the curve draw itself, stop, go on."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from lawui.errors import UsageError
from lawui.lab import Lab
from lawui.ui import components, confirming, files, train_form, waiting
from lawui.ui.glossary import explain
from lawui.ui.page import Page, beat
from lawui.ui.picker import follow_sets, set_words
from lawui.ui.text import say
from lawui.ui.train_form import Form, config_values
from lawui.ui.train_show import (
    ACTIVE,
    curves_html,
    figures_html,
    runs_html,
    said_html,
    status_html,
)

MOST_OVERLAID = 8


@dataclass(frozen=True)
class Seen:
    """What one browser has been shown: a digest of it all, and the runs it knows. `told` is
    the run that it was told to show: a pulse that set out before that names the former one."""

    digest: str = ""
    runs: tuple[str, ...] = ()
    told: str = ""


@dataclass(frozen=True)
class Watch:
    """What shows the runs; redrawn as one by `watch`, which `asked` tells what is wanted."""

    run: Any
    overlay: Any
    log: Any
    seen: Any
    status: Any
    curves: Any
    figures: Any
    runs: Any
    pulse: Any

    @property
    def asked(self) -> list[Any]:
        return [self.run, self.overlay, self.log]

    @property
    def drawn(self) -> list[Any]:
        return [
            *(self.seen, self.run, self.overlay, self.status, self.curves, self.figures),
            *(self.runs, self.pulse),
        ]


def watch(
    lab: Lab,
    lang: str,
    run: str | None,
    overlay: Sequence[str] | None = None,
    log: bool = False,
    seen: Seen | None = None,
) -> Any:
    """Everything that shows the runs, or None where nothing has changed since `seen`.

    The same function serves the pulse, the page's opening and every button. A run that
    somebody started since is shown at once, in every browser that looks."""
    runs = lab.train_runs()
    names = tuple(r.run for r in runs)
    newest = names[0] if names else ""
    asked = run
    if seen and seen.told:
        run = seen.told
    if run not in names or (seen and seen.runs and newest not in seen.runs):
        run = newest
    status = next((r for r in runs if r.run == run), None)
    events = lab.train_events(status.run) if status else []
    active = any(r.state in ACTIVE for r in runs)
    laid = [name for name in overlay or () if name in names][:MOST_OVERLAID]
    others = {name: lab.train_events(name) for name in laid}
    counts = [len(found) for found in others.values()]
    states = [(r.run, r.state, r.step) for r in runs]
    digest = repr((lang, status, len(events), states, laid, counts, log))
    if seen and digest == seen.digest:
        return None
    # A list that a reader has open must not be drawn anew every second.
    same = bool(seen) and seen.runs == names  # type: ignore[union-attr]
    lists = (
        gr.skip() if same else gr.update(choices=list(names), value=run or None),
        gr.skip() if same else gr.update(choices=list(names), value=laid),
    )
    told = run if seen is None or run != asked else ""
    return (
        Seen(digest, names, told or ""),
        *lists,
        status_html(status, events, lang),
        curves_html(events, status, lang, others, log),
        figures_html(events, lang) + said_html(events, lang),
        runs_html(runs, lang),
        beat(active),
    )


# -- the tab


def build(page: Page, tab: gr.Tab) -> None:
    """Put the tab's components here and wire them."""
    usable = not page.lab.settings.demo
    with gr.Row(elem_classes="lw-columns"):
        with gr.Column(scale=5, min_width=320, elem_classes="lw-card"):
            form = train_form.build(page)
            explain(page, "lora", "rank", "start", "rate", "step", "group")
            with gr.Row():
                start = gr.Button(variant="primary", elem_id="train-start", interactive=usable)
                seeds = gr.Button(elem_id="train-seeds", interactive=usable)
            page.say(start, value="train.start")
            page.say(seeds, value="train.seeds")
            notice = page.notice(elem_id="train-notice")
        with gr.Column(scale=6, min_width=320, elem_classes="lw-card lw-watch"):
            shown, buttons = _watch_side(page, usable)
    with gr.Column(elem_classes="lw-card lw-maybe"):
        shown.runs.render()
    _wire_start(page, form, shown, start, seeds, notice)
    _wire_run(page, form, shown, buttons, notice)
    _wire_views(page, shown)
    others = follow_sets(page, tab, form.set, train_form.more_sets)
    train_form.show_on(page, form, others)


def _watch_side(page: Page, usable: bool) -> tuple[Watch, dict[str, Any]]:
    page.heading("train.watch")
    explain(page, "loss", "dev", "baselines")
    run = page.say(
        gr.Dropdown(choices=[], elem_id="train-run", elem_classes="lw-with-run"), label="train.run"
    )
    status = gr.HTML(elem_id="train-status")
    buttons: dict[str, Any] = {}
    with gr.Row(elem_classes="lw-with-run"):
        for name in ("stop", "resume", "again"):
            buttons[name] = _button(page, name, usable)
    with gr.Row(elem_classes="lw-line lw-with-run"):
        overlay = page.say(
            gr.Dropdown(choices=[], multiselect=True, elem_id="train-overlay"),
            label="train.overlay",
        )
        log = page.say(gr.Checkbox(value=False, elem_id="train-log"), label="train.log")
    curves = gr.HTML(elem_id="train-curves")
    figures = gr.HTML(elem_id="train-figures")
    with gr.Row(elem_classes="lw-with-run"):
        buttons["save_events"] = _button(page, "save_events", True)
        buttons["export"] = _button(page, "export", True)
        buttons["delete"] = _button(page, "delete", usable)
    words = ("train.delete_yes", "train.delete_no")
    buttons["sure"] = confirming.build(page, "train-delete", *words)
    runs = gr.HTML(elem_id="train-runs", render=False)
    pulse = page.pulse()
    state = gr.State(Seen())
    return Watch(run, overlay, log, state, status, curves, figures, runs, pulse), buttons


def _button(page: Page, name: str, usable: bool, **more: Any) -> Any:
    button = gr.Button(
        size="sm", elem_id=f"train-{name.replace('_', '-')}", interactive=usable, **more
    )
    return page.say(button, value=f"train.{name}")


def _wire_start(page: Page, form: Form, shown: Watch, start: Any, seeds: Any, notice: Any) -> None:
    lab = page.lab

    def begin(lang: str, overlay: list[str], log: bool, *values: Any) -> Any:
        run = lab.train(_config(lab, values), waiting.Share())
        return (*watch(lab, lang, run, overlay, log), _told(lang, "train.started", run=run))

    def thrice(lang: str, overlay: list[str], log: bool, *values: Any) -> Any:
        runs = lab.train_seeds(_config(lab, values), progress=waiting.Share())
        words = _told(lang, "train.seeds.done", runs="、".join(runs))
        return (*watch(lab, lang, runs[0], [*(overlay or ()), *runs[1:]], log), words)

    given = [shown.overlay, shown.log, *form.values]
    page.on([start.click], begin, given, shown.drawn, notice, "train.checking")
    page.on([seeds.click], thrice, given, shown.drawn, notice, "train.checking")


def _config(lab: Lab, values: Sequence[Any]) -> Any:
    preset, name, file, mix, *fields = values
    return lab.train_config(**config_values(preset, name, file, mix, fields))


def _wire_run(page: Page, form: Form, shown: Watch, buttons: dict[str, Any], notice: Any) -> None:
    """What can be done with the run that is shown."""
    lab = page.lab

    def act(key: str, what: Any) -> Any:
        def go(lang: str, run: str | None, overlay: list[str], log: bool) -> Any:
            what(_picked(run))
            return (*watch(lab, lang, run, overlay, log), _told(lang, key, run=run))

        return go

    def again(lang: str, run: str | None, user: str) -> Any:
        values = {**asdict(lab.train_settings(_picked(run))), "output_dir": ""}
        if not values["train_set"] and not values["train_file"]:
            values["train_set"] = "sample"  # what a run learns from that names nothing
        words = components.notice(copied(lab, _picked(run), values, lang, user), lang, "info")
        return (*train_form.filled(lab, values, lang, user), words)

    def ask(lang: str, run: str | None) -> Any:
        words = components.notice([say("train.delete.sure", lang, run=_picked(run))], lang)
        return confirming.SHOWN, words

    def delete(lang: str, run: str | None, overlay: list[str], log: bool) -> Any:
        lab.train_remove(_picked(run))
        drawn = watch(lab, lang, None, overlay, log)
        return (*drawn, confirming.HIDDEN, _told(lang, "train.deleted", run=run))

    def events(_: str, run: str | None) -> Any:
        content = lab.train_log(_picked(run)).read_bytes()
        return files.offer(lab, f"{run}-events.jsonl", content)

    def export(_: str, run: str | None) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            packed = lab.adapter_export(_picked(run), Path(folder) / f"{run}.zip")
            return files.offer(lab, f"{run}.zip", packed.read_bytes())

    for name, key, what in (
        ("stop", "train.stopping", lab.train_stop),
        ("resume", "train.resumed", lab.train_resume),
    ):
        page.on([buttons[name].click], act(key, what), shown.asked, shown.drawn, notice)
    done = page.on([buttons["again"].click], again, [shown.run, page.user], form.filled, notice)
    train_form.show_after(page, form, done)
    sure = buttons["sure"]
    page.on([buttons["delete"].click], ask, [shown.run], [sure.row], notice)
    page.on([sure.yes.click], delete, shown.asked, [*shown.drawn, sure.row], notice)
    confirming.wire_back(page, sure, notice, [shown.run.input])
    files.download(page, buttons["save_events"], events, [shown.run], notice, "train-events-file")
    files.download(page, buttons["export"], export, [shown.run], notice, "train-export-file")


def _picked(run: str | None) -> str:
    if not run:
        raise UsageError("usage.pick_run")
    return run


def _told(lang: str, key: str, **values: Any) -> str:
    return components.notice([say(key, lang, **values)], lang, "info")


def copied(lab: Lab, run: str, values: dict[str, Any], lang: str, user: str) -> list[str]:
    """What is said when the settings of a run are in the form: also what of them is not."""
    told = [say("train.again.done", lang, run=run)]
    start, name = values["start_from"], values["train_set"]
    if start and start not in [a.name for a in lab.train_starts(values["model_name"])]:
        told.append(say("train.again.fresh", lang, start=start))
    if values["train_file"]:
        told.append(say("train.again.file", lang))
    elif not train_form.has_set(lab, name, user):
        told.append(say("train.again.no_set", lang, set=set_words(name, lang)))
    return told


def _wire_views(page: Page, shown: Watch) -> None:
    lab = page.lab

    def look(lang: str, run: str | None, overlay: list[str], log: bool, seen: Seen) -> Any:
        return watch(lab, lang, run, overlay, log, seen)

    def draw(lang: str, run: str | None, overlay: list[str], log: bool) -> Any:
        return watch(lab, lang, run, overlay, log)

    page.on([shown.pulse.click], look, [*shown.asked, shown.seen], shown.drawn)
    chosen = [shown.run.input, shown.overlay.input, shown.log.input]
    page.on(chosen, draw, shown.asked, shown.drawn)
    page.view(draw, shown.asked, shown.drawn)
