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
from lawui.ui import components, waiting
from lawui.ui.page import Page, relist
from lawui.ui.picker import learnt, set_choices, set_words
from lawui.ui.text import TEXT, said, say
from lawui.ui.train_show import preview_html

FILE = "file"
"""The key of the uploaded file among the sets."""

READING = "reading"
"""The key of the reading exercises, which are a set here and nowhere else."""

FIRST_PRESET = "sample"
MIXES = (
    "given",
    "none",
    "retrieved",
    "none=1,given=1",
    "none=1,retrieved=1,given=1",
    "none+retrieved+given",
    "given=1,distractors=1",
)
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
SWITCHES = ("load_best_model_at_end", "use_4bit", "allow_seen")
START = "start_from"
FRESH = "-"
"""The key of fresh weights among what a run can begin with: it clears the field."""

SHAPE = ("lora_r", "lora_alpha", "target_modules")
FIELDS = (START, *MAIN_FIELDS, *MORE_FIELDS, *LISTS, *SWITCHES)
"""In the order in which they are filled in: the adapter before the shape that it asks for."""


@dataclass(frozen=True)
class Form:
    """What a reader fills in. `values` are the inputs, in the order of `config_values`; `taken`
    holds the preset that the form was filled in from."""

    preset: Any
    taken: Any
    about_preset: Any
    set: Any
    about: Any
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


def filled(lab: Lab, values: Mapping[str, Any], lang: str, user: str = "") -> tuple[Any, ...]:
    """Set, mix and fields of settings, for `Form.filled`. A file is uploaded anew; a set that
    is not here leaves the chosen one, an adapter that is not here fresh weights."""
    name = values.get("train_set") or (FILE if values.get("train_file") else "")
    fields = dict(zip(FIELDS, field_texts(values), strict=True))
    choices = start_choices(lab, str(fields["model_name"] or ""), lang)
    there = fields[START] in [key for _, key in choices]
    fields[START] = gr.update(choices=choices, value=fields[START] if there else FRESH)
    mix = values.get("evidence_mix", "given")
    return (
        name if name == FILE or has_set(lab, name, user) else gr.skip(),
        gr.update(choices=mix_choices(lang, mix), value=mix),
        *fields.values(),
    )


def has_set(lab: Lab, name: str, user: str) -> bool:
    """Whether a set is among those to train on."""
    return name == READING or name in [key for _, key in set_choices(lab, "en", user)]


def field_texts(values: Mapping[str, Any]) -> list[Any]:
    """A preset's settings as the fields show them."""
    return [values.get(START) or FRESH, *(_text(values.get(name)) for name in FIELDS[1:])]


def start_choices(lab: Lab, model_name: str, lang: str) -> list[tuple[str, str]]:
    """Fresh weights, then every adapter that a run on this base can go on from, with what it
    has learnt and its rank."""
    found = [
        (say("train.start_from.one", lang, name=a.name, sets=learnt(a, lang), rank=a.rank), a.name)
        for a in lab.train_starts(model_name)
    ]
    return [(say("train.start_from.fresh", lang), FRESH), *found]


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


def more_sets(lang: str) -> list[tuple[str, str]]:
    """What is there to train on besides the sets that are asked and scored too."""
    return [(set_words(READING, lang), READING), (say("train.set.file", lang), FILE)]


def about_html(lab: Lab, name: str, file: str | None, model_name: str, lang: str) -> str:
    """What the reading exercises are for, or which file was uploaded, where it is chosen."""
    if name == FILE and file:
        words = say("train.uploaded", lang, name=Path(file).name)
        return components.tag("p", words, "lw-note")
    if name != READING:
        return ""
    keys = ["train.reading"]
    if lab.trains_embedded(model_name):
        keys.append("train.reading.embedded")
    return _note(keys, lang)


def about_preset_html(lab: Lab, preset: str, lang: str, user: str = "") -> str:
    """What a preset of ours is for, and that its set is not here where it is not."""
    name = lab.train_presets().get(preset, {}).get("train_set")
    keys = [key for key in (f"train.about.{preset}",) if key in TEXT]
    if name and not has_set(lab, name, user):
        keys.append("train.no_set")
    return _note(keys, lang) if keys else ""


def _note(keys: Sequence[str], lang: str) -> str:
    between = " " if lang == "en" else ""
    return components.tag("p", between.join(say(key, lang) for key in keys), "lw-note")


def mix_choices(lang: str, value: str = "") -> list[tuple[str, str]]:
    """Mixes of evidence in words: `条文なし か 付属の条文（問題ごとに1つ）`; with `value` one of
    them."""
    own = [value] if value and value not in MIXES else []
    return [(_mix(mix, lang), mix) for mix in (*MIXES, *own)]


def _mix(mix: str, lang: str) -> str:
    parts = [part for part in mix.split(",") if part.strip()]
    words = say("train.mix.or", lang).join(_choice(part, lang) for part in parts)
    if len(parts) > 1:
        return say("train.mix.one", lang, kinds=words)
    return say("train.mix.each", lang, kinds=words) if "+" in mix else words


def _choice(part: str, lang: str) -> str:
    """`retrieved+given=2` in words."""
    kinds, _, weight = part.partition("=")
    named = (kind.strip() for kind in kinds.split("+"))
    words = " + ".join(said(f"evidence.{kind}.short", lang, kind) for kind in named)
    return words if weight.strip() in ("", "1") else f"{words} ×{weight.strip()}"


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
    about_preset = gr.HTML(elem_id="train-preset-about")
    name = page.dropdown(
        "train.set",
        lambda lang: [*set_choices(lab, lang), *more_sets(lang)],
        values.get("train_set") or "sample",
        elem_id="train-set",
    )
    about = gr.HTML(elem_id="train-set-about")
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
    start = page.dropdown(
        f"field.{START}",
        lambda lang: start_choices(lab, values["model_name"], lang),
        FRESH,
        elem_id="train-start_from",
    )
    fields: dict[str, Any] = {START: start}
    with gr.Row():
        fields |= {f: _field(page, f, values) for f in MAIN_FIELDS}
    with page.say(gr.Accordion(open=False, elem_id="train-more"), label="train.more"):
        with gr.Row():
            fields |= {f: _field(page, f, values) for f in MORE_FIELDS}
            fields |= {f: _list(page, f, values) for f in LISTS}
        fields |= {f: _switch(page, f, values) for f in SWITCHES}
    command = gr.HTML(elem_id="train-command", render=False)
    problem = page.notice(elem_id="train-problem", render=False)
    form = Form(
        preset,
        gr.State(FIRST_PRESET),
        about_preset,
        name,
        about,
        file,
        mix,
        fields,
        command,
        problem,
    )
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
        return gr.update(choices=preset_choices(lab, lang), value=kept), kept, "", words

    def drop(lang: str, preset: str) -> Any:
        lab.train_preset_remove(preset)
        words = components.notice([say("train.forgotten", lang, name=preset)], lang, "info")
        choices = preset_choices(lab, lang)
        return gr.update(choices=choices, value=FIRST_PRESET), FIRST_PRESET, words

    chosen = [form.preset, form.taken]
    page.on([keep.click, name.submit], save, [name, *form.values], [*chosen, name], notice)
    page.on([forget.click], drop, [form.preset], chosen, notice)


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
        return preview_html(lab.train_preview(config, waiting.Share()), lang)

    page.on([button.click], look, form.values, [shown], notice, "train.preview.busy")


def shower(lab: Lab) -> Any:
    """What draws the command from the form's values."""

    def show(lang: str, preset: str, name: str, file: str | None, mix: str, *fields: Any) -> Any:
        config = lab.train_config(**config_values(preset, name, file, mix, fields))
        source = lab.training_data(config)
        parts = Counter(source.split[q.group] for q in source.questions)
        return command_html(lab.train_command(config), parts["train"], parts["dev"], lang)

    return show


def show_after(page: Page, form: Form, done: Any) -> None:
    """Draw the command once the event `done` has filled in what it fills in."""
    show, busy = shower(page.lab), "train.preview.busy"
    page.after(done, show, form.values, [form.command], form.problem, busy)


def show_on(page: Page, form: Form, trigger: Any) -> None:
    """Draw the command at each `trigger`."""
    show, busy = shower(page.lab), "train.preview.busy"
    page.on([trigger], show, form.values, [form.command], form.problem, busy)


def _wire(page: Page, form: Form) -> None:
    lab = page.lab
    show = shower(lab)

    def about(lang: str, name: str, file: str | None, model_name: str) -> Any:
        return about_html(lab, name, file, model_name, lang)

    def about_preset(lang: str, preset: str, user: str) -> Any:
        return about_preset_html(lab, preset, lang, user)

    def mixes(lang: str, mix: str) -> Any:
        return gr.update(choices=mix_choices(lang, mix))

    def take(lang: str, preset: str, user: str, taken: str) -> Any:
        if preset == taken:
            return None
        return (*filled(lab, lab.train_presets()[preset], lang, user), preset)

    def retake(lang: str, preset: str, user: str, taken: str) -> Any:
        """Chosen once more. A list's `input` will not do: it comes when the list is left."""
        return take(lang, preset, user, "") if preset == taken else None

    def shaped(_: str, start: str, model_name: str) -> Any:
        found = field_texts(lab.train_shape("" if start == FRESH else start, model_name))
        return [found[FIELDS.index(f)] or gr.skip() for f in SHAPE]

    def startable(lang: str, start: str, model_name: str) -> Any:
        choices = start_choices(lab, model_name, lang)
        return relist(choices, start, start if start in [k for _, k in choices] else FRESH)

    def uploaded(_: str, file: str | None) -> Any:
        return FILE if file else None

    def relisted(lang: str, preset: str) -> Any:
        choices = preset_choices(lab, lang)
        there = preset in [key for _, key in choices]
        return relist(choices, preset, preset if there else FIRST_PRESET)

    # What an event fills in is drawn after the whole of it: half of a preset with half of the
    # former one may be a fault. So set, mix and start come first, and set and mix tell of a
    # reader's hand alone.
    of_preset = [form.preset, page.user]
    for trigger, handler in ((form.preset.change, take), (form.preset.select, retake)):
        given, into = [*of_preset, form.taken], [*form.filled, form.taken]
        show_after(page, form, page.on([trigger], handler, given, into))
    page.on([form.preset.change], about_preset, of_preset, [form.about_preset])
    page.view(about_preset, of_preset, [form.about_preset])
    page.view(mixes, [form.mix], [form.mix])
    start, model_name = form.fields[START], form.fields["model_name"]
    changed = [c.change for name, c in form.fields.items() if name != START]
    # One after another: two changes in one moment may be on their way at once, and the command
    # of the first must not be told last.
    one: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "train-command"}
    latest = {**one, "trigger_mode": "always_last"}
    page.on([form.mix.input, *changed], show, form.values, [form.command], form.problem, **latest)
    busy = "train.preview.busy"
    page.on([form.set.input], show, form.values, [form.command], form.problem, busy, **latest)
    came = page.on([form.file.upload], uploaded, [form.file], [form.set])
    show_after(page, form, came)
    page.on([form.preset.focus], relisted, [form.preset], [form.preset])
    page.view(show, form.values, [form.command])
    # First the adapter's own shape, then the command: with another one it is refused.
    into = [form.fields[name] for name in SHAPE]
    show_after(page, form, page.on([start.change], shaped, [start, model_name], into, form.problem))
    page.on([start.focus, model_name.change], startable, [start, model_name], [start])
    page.view(startable, [start, model_name], [start])
    of_set = [form.set, form.file, model_name]
    page.on([form.set.change, model_name.change], about, of_set, [form.about])
    page.after(came, about, of_set, [form.about])
    page.view(about, of_set, [form.about])
