"""Train: choose, see the command, start, watch the curve draw itself, stop, go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from lawui.errors import message
from lawui.lab import Lab
from lawui.messages import MESSAGES
from lawui.types import RunStatus, TrainEvent
from lawui.ui import components
from lawui.ui.curve import curve
from lawui.ui.page import Page
from lawui.ui.picker import follow_sets, set_choices
from lawui.ui.text import duration, said, say

ACTIVE = ("queued", "starting", "running")
WATCHING, RESTING = 1.0, 4.0
"""Seconds between looks while a run is active, and while none is."""

FILE = "file"
"""The key of the uploaded file among the sets."""

FIRST_PRESET = "sample"
MIXES = ("given", "none", "retrieved", "none=1,given=1", "none=1,given=1,retrieved=1")
MAIN_FIELDS = ("output_dir", "max_steps_override", "learning_rate", "lora_r")
MORE_FIELDS = (
    "model_name",
    "num_epochs",
    "batch_size",
    "gradient_accumulation_steps",
    "max_seq_length",
    "warmup_ratio",
    "weight_decay",
    "lora_alpha",
    "lora_dropout",
    "target_modules",
    "logging_steps",
    "save_steps",
    "eval_steps",
    "seed",
    "bnb_4bit_compute_dtype",
    "bnb_4bit_quant_type",
    "memory_budget",
    "nproc",
)
SWITCHES = ("use_4bit", "allow_seen")
FIELDS = (*MAIN_FIELDS, *MORE_FIELDS, *SWITCHES)


@dataclass(frozen=True)
class Form:
    """What a reader fills in. `values` are the inputs, in the order of `config_values`."""

    preset: Any
    set: Any
    file: Any
    mix: Any
    fields: dict[str, Any]

    @property
    def values(self) -> list[Any]:
        return [self.preset, self.set, self.file, self.mix, *self.fields.values()]


@dataclass(frozen=True)
class Seen:
    """What one browser has been shown: a digest of it all, and the runs it knows."""

    digest: str = ""
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Watch:
    """What shows the runs; redrawn as one by `watch`."""

    run: Any
    seen: Any
    status: Any
    curves: Any
    runs: Any
    timer: Any

    @property
    def drawn(self) -> list[Any]:
        return [self.seen, self.run, self.status, self.curves, self.runs, self.timer]


# -- what the events do, without Gradio's wiring


def config_values(
    preset: str, name: str, file: str | None, mix: str, fields: Sequence[Any]
) -> dict[str, Any]:
    """What the form holds, as `lab.train_config` wants it: the preset and text over it."""
    values = dict(zip(FIELDS, fields, strict=True))
    values["evidence_mix"] = mix
    if name == FILE:
        values.update(train_file=file or "", train_set="-")
    else:
        values.update(train_set=name, train_file="-")
    return {"preset": preset, **values}


def field_texts(values: Mapping[str, Any]) -> list[Any]:
    """A preset's settings as the fields show them."""
    return [_text(values.get(name)) for name in FIELDS]


def _text(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (list, tuple)):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def command_html(command: str, train: int, dev: int, lang: str) -> str:
    """How many rows it would learn from, and the command as it would be typed."""
    return (
        f"{components.tag('p', say('train.preview', lang, train=train, dev=dev), 'lw-note')}"
        f'<pre class="lw-command" tabindex="0"><code>{escape(command)}</code></pre>'
        f"{components.tag('p', say('train.command.help', lang), 'lw-note')}"
    )


def event_words(event: TrainEvent, lang: str) -> str:
    """An event's sentence in the reader's language, where it carries its key."""
    key = event.data.get("key", "")
    if key in MESSAGES:
        params = {k: v for k, v in event.data.items() if k != "key"}
        try:
            return message(key, lang, **params)
        except (KeyError, IndexError):  # written by another version
            pass
    return event.message


def run_words(status: RunStatus, events: Sequence[TrainEvent], lang: str) -> str:
    """What a run has to say now: its last sentence, or that it crashed."""
    if status.state == "crashed" and "train.crashed" in MESSAGES:
        return message("train.crashed", lang, run=status.run)
    told = [event for event in events if event.message]
    return event_words(told[-1], lang) if told and status.message else status.message


def remaining(status: RunStatus, events: Sequence[TrainEvent]) -> float | None:
    """Seconds left as the run itself reckons; None before its first step."""
    if status.state != "running":
        return None
    reckoned = [e.data["seconds_left"] for e in events if "seconds_left" in e.data]
    return reckoned[-1] if reckoned else None


def status_html(status: RunStatus | None, events: Sequence[TrainEvent], lang: str) -> str:
    """The state of a run: a badge, progress with the time left, and its sentence."""
    if status is None:
        return components.empty(say("train.none", lang))
    left = remaining(status, events)
    accuracy = status.eval_accuracy
    parts = [
        say("train.progress", lang, step=status.step, max=status.max_steps),
        say("train.elapsed", lang, time=duration(status.seconds, lang)),
        "" if left is None else say("train.left", lang, time=duration(left, lang)),
        ""
        if accuracy is None
        else say("train.accuracy_now", lang, percent=components.percent(accuracy, 1)),
    ]
    words = components.joined(parts, lang)
    lines = [run_words(status, events, lang)]
    if status.adapter:
        lines.append(say("train.ready", lang))
    body = "".join(components.tag("p", line) for line in lines if line)
    return (
        f'<div class="lw-run-head">{_badge(status.state, lang)}{components.tag("b", status.run)}'
        f"</div>{components.progress(status.step, status.max_steps, words)}"
        f'<div class="lw-words">{body}</div>'
    )


def _badge(state: str, lang: str) -> str:
    words = said(f"train.state.{state}", lang, state)
    return components.tag("span", words, f"lw-state lw-state-{state}")


def curves_html(events: Sequence[TrainEvent], status: RunStatus | None, lang: str) -> str:
    """Loss with the learning rate, and accuracy on unseen questions with the grey line of
    the commonest letter."""
    logs = [e for e in events if e.kind == "log" and e.loss is not None]
    evals = [e for e in events if e.kind == "eval"]
    if status is None:
        return ""
    if not logs and not evals:
        return components.empty(say("train.waiting", lang)) if status.state in ACTIVE else ""
    steps, axis = float(status.max_steps), say("train.curve.step", lang)
    loss = [(float(e.step), e.loss or 0.0) for e in logs]
    rate = [(float(e.step), e.learning_rate) for e in logs if e.learning_rate is not None]
    out = curve(
        say("train.curve.loss", lang),
        [(say("train.curve.loss", lang), "lw-line-1", loss)],
        steps,
        axis,
    )
    out += _accuracy_curve(evals, events, steps, axis, lang)
    name = say("train.curve.rate", lang)
    if rate:
        top = max(y for _, y in rate) or 1.0
        out += curve(name, [(name, "lw-line-3", rate)], steps, axis, y_range=(0.0, top))
    return f'<div class="lw-curves">{out}</div>'


def _accuracy_curve(
    evals: Sequence[TrainEvent], events: Sequence[TrainEvent], steps: float, axis: str, lang: str
) -> str:
    points = [(float(e.step), e.eval_accuracy) for e in evals if e.eval_accuracy is not None]
    if not points:
        return ""
    band = [
        (float(e.step), e.eval_low, e.eval_high)
        for e in evals
        if e.eval_low is not None and e.eval_high is not None
    ]
    shares = [e.data["majority"] for e in events if "majority" in e.data]
    name = say("train.curve.accuracy", lang)
    level = (say("train.curve.majority", lang), float(shares[-1])) if shares else None
    return curve(
        name,
        [(name, "lw-line-2", points)],
        steps,
        axis,
        y_range=(0.0, 1.0),
        percent=True,
        level=level,
        band=band,
    )


def runs_html(runs: Sequence[RunStatus], lang: str) -> str:
    """Every run, newest first."""
    if not runs:
        return ""
    headers = ("run", "state", "step", "loss", "accuracy", "time")
    rows = [
        [
            escape(r.run),
            _badge(r.state, lang),
            f"{r.step} / {r.max_steps}",
            "" if r.loss is None else f"{r.loss:.3f}",
            "" if r.eval_accuracy is None else components.percent(r.eval_accuracy, 1) + " %",
            escape(duration(r.seconds, lang)),
        ]
        for r in runs
    ]
    names = [say(f"train.col.{h}", lang) for h in headers]
    return components.table(names, rows, say("train.runs", lang), numeric=(2, 3, 4, 5))


def watch(lab: Lab, lang: str, run: str | None, seen: Seen | None = None) -> Any:
    """Everything that shows the runs, or None where nothing has changed since `seen`.

    The same function serves the timer, the page's opening and every button. A run that
    somebody started since is shown at once, in every browser that looks."""
    runs = lab.train_runs()
    newest = runs[0].run if runs else ""
    if not run or (seen and seen.runs and newest not in seen.runs):
        run = newest
    status = next((r for r in runs if r.run == run), runs[0] if runs else None)
    events = lab.train_events(status.run) if status else []
    active = any(r.state in ACTIVE for r in runs)
    digest = repr((lang, status, len(events), [(r.run, r.state, r.step) for r in runs]))
    if seen and digest == seen.digest:
        return None
    return (
        Seen(digest, tuple(r.run for r in runs)),
        gr.update(choices=[r.run for r in runs], value=status.run if status else None),
        status_html(status, events, lang),
        curves_html(events, status, lang),
        runs_html(runs, lang),
        gr.update(value=WATCHING if active else RESTING),
    )


# -- the tab


def build(page: Page, tab: gr.Tab, others: Sequence[gr.Tab]) -> None:
    """Put the tab's components here and wire them. `others` are the tabs on which the
    timer rests."""
    with gr.Row(elem_classes="lw-columns"):
        with gr.Column(scale=5, min_width=320, elem_classes="lw-card"):
            form, command, problem = _form(page)
            with gr.Row():
                start = page.say(
                    gr.Button(
                        variant="primary",
                        elem_id="train-start",
                        interactive=not page.lab.settings.demo,
                    ),
                    value="train.start",
                )
            notice = page.notice(elem_id="train-notice")
        with gr.Column(scale=6, min_width=320, elem_classes="lw-card"):
            shown, stop, resume = _watch_side(page)
    with gr.Column(elem_classes="lw-card lw-maybe"):
        shown.runs.render()
    _wire_form(page, form, command, problem)
    _wire_runs(page, form, shown, start, stop, resume, notice)
    _wire_timer(page, shown, tab, others)
    follow_sets(page, [tab], form.set, lambda lang: [(say("train.set.file", lang), FILE)])


def _form(page: Page) -> tuple[Form, Any, Any]:
    lab = page.lab
    values = lab.train_presets()[FIRST_PRESET]
    page.heading("train.what")
    if lab.settings.demo:
        page.say(
            gr.HTML(), value=lambda lang: components.notice([say("train.demo", lang)], lang, "info")
        )
    preset = page.dropdown(
        "train.preset",
        lambda lang: [(said(f"train.preset.{p}", lang, p), p) for p in lab.train_presets()],
        FIRST_PRESET,
        elem_id="train-preset",
    )
    name = page.dropdown(
        "train.set",
        lambda lang: [*set_choices(lab, lang), (say("train.set.file", lang), FILE)],
        values.get("train_set") or "sample",
        elem_id="train-set",
    )
    file = page.say(
        gr.UploadButton(
            size="sm",
            file_types=[".jsonl", ".json"],
            elem_id="train-file",
            interactive=not lab.settings.demo,
        ),
        label="train.upload",
    )
    mix = page.dropdown(
        "field.evidence_mix", mix_choices, values["evidence_mix"], elem_id="train-mix"
    )
    fields: dict[str, Any] = {}
    with gr.Row():
        fields |= {f: _field(page, f, values) for f in MAIN_FIELDS}
    with page.say(gr.Accordion(open=False, elem_id="train-more"), label="train.more"), gr.Row():
        fields |= {f: _field(page, f, values) for f in MORE_FIELDS}
        fields |= {f: _switch(page, f, values) for f in SWITCHES}
    page.heading("train.command", "h3")
    command = gr.HTML(elem_id="train-command")
    problem = page.notice(elem_id="train-problem")
    return Form(preset, name, file, mix, fields), command, problem


def mix_choices(lang: str) -> list[tuple[str, str]]:
    """Mixes of evidence in words: `条文なし + 付属の条文つき`."""
    return [
        (
            " + ".join(
                say(f"evidence.{part.partition('=')[0]}.short", lang) for part in m.split(",")
            ),
            m,
        )
        for m in MIXES
    ]


def _field(page: Page, name: str, values: Mapping[str, Any]) -> Any:
    box = gr.Textbox(
        value=_text(values.get(name)), max_lines=1, min_width=190, elem_id=f"train-{name}"
    )
    hint = {"placeholder": "field.output_dir.hint"} if name == "output_dir" else {}
    return page.say(box, label=f"field.{name}", **hint)


def _switch(page: Page, name: str, values: Mapping[str, Any]) -> Any:
    box = gr.Checkbox(value=bool(values.get(name)), min_width=150, elem_id=f"train-{name}")
    return page.say(box, label=f"field.{name}")


def _watch_side(page: Page) -> tuple[Watch, Any, Any]:
    usable = not page.lab.settings.demo
    run = page.say(gr.Dropdown(choices=[], elem_id="train-run"), label="train.run")
    status = gr.HTML(elem_id="train-status")
    with gr.Row():
        stop = gr.Button(size="sm", elem_id="train-stop", interactive=usable)
        resume = gr.Button(size="sm", elem_id="train-resume", interactive=usable)
    curves = gr.HTML(elem_id="train-curves")
    runs = gr.HTML(elem_id="train-runs", render=False)
    timer = gr.Timer(RESTING, active=False)
    shown = Watch(run, gr.State(Seen()), status, curves, runs, timer)
    return shown, page.say(stop, value="train.stop"), page.say(resume, value="train.resume")


def _wire_form(page: Page, form: Form, command: Any, problem: Any) -> None:
    lab = page.lab

    def show(lang: str, preset: str, name: str, file: str | None, mix: str, *fields: Any) -> Any:
        config = lab.train_config(**config_values(preset, name, file, mix, fields))
        source = lab.training_data(config)
        parts = Counter(source.split[q.group] for q in source.questions)
        return command_html(lab.train_command(config), parts["train"], parts["dev"], lang)

    def take(_: str, preset: str) -> Any:
        values = lab.train_presets()[preset]
        name = values.get("train_set") or gr.skip()
        return (name, values.get("evidence_mix", "given"), *field_texts(values))

    def uploaded(lang: str, file: str | None) -> Any:
        if not file:
            return None
        said_name = say("train.uploaded", lang, name=Path(file).name)
        return FILE, components.notice([said_name], lang, "info")

    page.on([form.preset.input], take, [form.preset], [form.set, form.mix, *form.fields.values()])
    changed = [c.change for c in (form.set, form.mix, *form.fields.values())]
    latest = {"trigger_mode": "always_last"}
    page.on([*changed, form.file.upload], show, form.values, [command], problem, **latest)
    page.on([form.file.upload], uploaded, [form.file], [form.set], problem)
    page.view(show, form.values, [command])


def _wire_runs(
    page: Page, form: Form, shown: Watch, start: Any, stop: Any, resume: Any, notice: Any
) -> None:
    lab = page.lab

    def begin(lang: str, preset: str, name: str, file: str | None, mix: str, *fields: Any) -> Any:
        config = lab.train_config(**config_values(preset, name, file, mix, fields))
        run = lab.train(config)
        return (*watch(lab, lang, run), _told(lang, "train.started", run))

    def act(key: str, what: Any) -> Any:
        def go(lang: str, run: str | None) -> Any:
            if not run:
                return (*_none(shown), components.notice([say("train.pick_run", lang)], lang))
            what(run)
            return (*watch(lab, lang, run), _told(lang, key, run))

        return go

    page.on([start.click], begin, form.values, shown.drawn, notice, "train.checking")
    page.on([stop.click], act("train.stopping", lab.train_stop), [shown.run], shown.drawn, notice)
    page.on(
        [resume.click], act("train.resumed", lab.train_resume), [shown.run], shown.drawn, notice
    )


def _told(lang: str, key: str, run: str) -> str:
    return components.notice([say(key, lang, run=run)], lang, "info")


def _none(shown: Watch) -> list[Any]:
    return [gr.skip() for _ in shown.drawn]


def _wire_timer(page: Page, shown: Watch, tab: gr.Tab, others: Sequence[gr.Tab]) -> None:
    lab = page.lab

    def look(lang: str, run: str | None, seen: Seen) -> Any:
        return watch(lab, lang, run, seen)

    def draw(lang: str, run: str | None) -> Any:
        return watch(lab, lang, run)

    def wake(lang: str, run: str | None) -> Any:
        *parts, timer = draw(lang, run)
        return (*parts, {**timer, "active": True})

    page.on([shown.timer.tick], look, [shown.run, shown.seen], shown.drawn)
    page.on([shown.run.input], draw, [shown.run], shown.drawn)
    page.on([tab.select], wake, [shown.run], shown.drawn)
    page.on([t.select for t in others], lambda _: gr.update(active=False), [], [shown.timer])
    page.view(draw, [shown.run], shown.drawn)
