"""The form of the Train tab: what a reader fills in, presets, and a look at the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from lawui.lab import Lab
from lawui.ui import components
from lawui.ui.page import Page
from lawui.ui.picker import set_choices
from lawui.ui.text import said, say
from lawui.ui.train_show import preview_html

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
    "max_grad_norm",
    "lora_alpha",
    "lora_dropout",
    "target_modules",
    "logging_steps",
    "save_steps",
    "eval_steps",
    "early_stopping_patience",
    "seed",
    "bnb_4bit_compute_dtype",
    "bnb_4bit_quant_type",
    "memory_budget",
    "nproc",
)
LISTS = {"split": ("group", "article"), "lr_scheduler_type": ("linear", "cosine")}
SWITCHES = ("use_4bit", "allow_seen")
FIELDS = (*MAIN_FIELDS, *MORE_FIELDS, *LISTS, *SWITCHES)


@dataclass(frozen=True)
class Form:
    """What a reader fills in. `values` are the inputs, in the order of `config_values`."""

    preset: Any
    set: Any
    file: Any
    mix: Any
    fields: dict[str, Any]
    command: Any
    problem: Any

    @property
    def values(self) -> list[Any]:
        return [self.preset, self.set, self.file, self.mix, *self.fields.values()]

    @property
    def filled(self) -> list[Any]:
        """What a preset or an earlier run fills in."""
        return [self.set, self.mix, *self.fields.values()]


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


def filled(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Set, mix and fields of settings, for `Form.filled`. A file is uploaded anew."""
    name = values.get("train_set") or (FILE if values.get("train_file") else gr.skip())
    return (name, values.get("evidence_mix", "given"), *field_texts(values))


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


def preset_choices(lab: Lab, lang: str) -> list[tuple[str, str]]:
    """The built-in presets in words, then those that were kept."""
    return [(said(f"train.preset.{p}", lang, p), p) for p in lab.train_presets()]


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


# -- the components


def build(page: Page) -> Form:
    """Put the form here and wire what concerns it alone."""
    lab = page.lab
    values = lab.train_presets()[FIRST_PRESET]
    usable = not lab.settings.demo
    page.heading("train.what")
    if lab.settings.demo:
        page.say(
            gr.HTML(), value=lambda lang: components.notice([say("train.demo", lang)], lang, "info")
        )
    preset = page.dropdown(
        "train.preset",
        lambda lang: preset_choices(lab, lang),
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
            interactive=usable,
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
        fields |= {f: _list(page, f, values) for f in LISTS}
        fields |= {f: _switch(page, f, values) for f in SWITCHES}
    command = gr.HTML(elem_id="train-command", render=False)
    problem = page.notice(elem_id="train-problem", render=False)
    form = Form(preset, name, file, mix, fields, command, problem)
    _presets(page, form, usable)
    _preview(page, form)
    page.heading("train.command", "h3")
    command.render()
    problem.render()
    _wire(page, form)
    return form


def _field(page: Page, name: str, values: Mapping[str, Any]) -> Any:
    box = gr.Textbox(
        value=_text(values.get(name)), max_lines=1, min_width=190, elem_id=f"train-{name}"
    )
    hint = {"placeholder": "field.output_dir.hint"} if name == "output_dir" else {}
    return page.say(box, label=f"field.{name}", **hint)


def _list(page: Page, name: str, values: Mapping[str, Any]) -> Any:
    return page.dropdown(
        f"field.{name}",
        lambda lang: [(say(f"field.{name}.{key}", lang), key) for key in LISTS[name]],
        values.get(name),
        min_width=190,
        elem_id=f"train-{name}",
    )


def _switch(page: Page, name: str, values: Mapping[str, Any]) -> Any:
    box = gr.Checkbox(value=bool(values.get(name)), min_width=150, elem_id=f"train-{name}")
    return page.say(box, label=f"field.{name}")


def _presets(page: Page, form: Form, usable: bool) -> None:
    """Keep the form under a name; forget what was kept."""
    lab = page.lab
    with page.say(gr.Accordion(open=False, elem_id="train-keep"), label="train.keep"):
        with gr.Row(elem_classes="lw-line"):
            name = page.say(
                gr.Textbox(max_lines=1, elem_id="train-keep-name"), label="train.keep.name"
            )
            keep = gr.Button(size="sm", elem_id="train-keep-save", interactive=usable)
            forget = gr.Button(size="sm", elem_id="train-keep-forget", interactive=usable)
        page.say(keep, value="train.keep.save")
        page.say(forget, value="train.keep.forget")
        notice = page.notice(elem_id="train-keep-notice")

    def save(lang: str, wanted: str, *values: Any) -> Any:
        preset, chosen, file, mix, *fields = values
        config = lab.train_config(**config_values(preset, chosen, file, mix, fields))
        kept = lab.train_preset_save(wanted, config)
        words = components.notice([say("train.kept", lang, name=kept)], lang, "info")
        return gr.update(choices=preset_choices(lab, lang), value=kept), "", words

    def drop(lang: str, preset: str) -> Any:
        lab.train_preset_remove(preset)
        words = components.notice([say("train.forgotten", lang, name=preset)], lang, "info")
        return gr.update(choices=preset_choices(lab, lang), value=FIRST_PRESET), words

    page.on([keep.click, name.submit], save, [name, *form.values], [form.preset, name], notice)
    page.on([forget.click], drop, [form.preset], [form.preset], notice)


def _preview(page: Page, form: Form) -> None:
    lab = page.lab
    with page.say(gr.Accordion(open=False, elem_id="train-rows"), label="train.preview.open"):
        button = page.say(
            gr.Button(size="sm", elem_id="train-rows-show"), value="train.preview.show"
        )
        notice = page.notice(elem_id="train-rows-notice")
        shown = gr.HTML(elem_id="train-rows-shown")

    def look(lang: str, preset: str, name: str, file: str | None, mix: str, *fields: Any) -> Any:
        config = lab.train_config(**config_values(preset, name, file, mix, fields))
        return preview_html(lab.train_preview(config), lang)

    page.on([button.click], look, form.values, [shown], notice, "train.preview.busy")


def _wire(page: Page, form: Form) -> None:
    lab = page.lab

    def show(lang: str, preset: str, name: str, file: str | None, mix: str, *fields: Any) -> Any:
        config = lab.train_config(**config_values(preset, name, file, mix, fields))
        source = lab.training_data(config)
        parts = Counter(source.split[q.group] for q in source.questions)
        return command_html(lab.train_command(config), parts["train"], parts["dev"], lang)

    def take(_: str, preset: str) -> Any:
        return filled(lab.train_presets()[preset])

    def uploaded(lang: str, file: str | None) -> Any:
        if not file:
            return None
        said_name = say("train.uploaded", lang, name=Path(file).name)
        return FILE, components.notice([said_name], lang, "info")

    def relisted(lang: str, preset: str) -> Any:
        return gr.update(choices=preset_choices(lab, lang), value=preset)

    page.on([form.preset.input], take, [form.preset], form.filled)
    changed = [c.change for c in (form.set, form.mix, *form.fields.values())]
    latest = {"trigger_mode": "always_last"}
    page.on([*changed, form.file.upload], show, form.values, [form.command], form.problem, **latest)
    page.on([form.file.upload], uploaded, [form.file], [form.set], form.problem)
    page.on([form.preset.focus], relisted, [form.preset], [form.preset])
    page.view(show, form.values, [form.command])
