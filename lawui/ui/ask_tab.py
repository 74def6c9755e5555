"""Ask: one question, with or without the law, and what the model makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lawui.errors import RetrievalError
from lawui.lab import AskResult, Lab
from lawui.types import BASE, EVIDENCES, LETTERS, Passage, Question
from lawui.ui import components, statutes_panel
from lawui.ui.page import Page, relist
from lawui.ui.picker import Picker, build_picker
from lawui.ui.text import duration, said, say


@dataclass(frozen=True)
class Asked:
    """What stands on the tab: the answer, the one before it on the same question, and
    all passages found for it, those that the reader took out included."""

    now: AskResult
    before: AskResult | None
    found: tuple[Passage, ...]


@dataclass(frozen=True)
class Controls:
    """The components of the tab that its events read and write."""

    picker: Picker
    source: Any
    stem: Any
    choices: tuple[Any, ...]
    evidence: Any
    adapter: Any
    orders: Any
    answer: Any
    reveal: Any
    keep: Any
    question: Any
    result: Any
    passages: Any
    notice: Any
    rebuild: Any
    asked: Any
    revealed: Any

    @property
    def request(self) -> list[Any]:
        """The inputs of an answer, in the order of `ask`."""
        own = [self.source, self.picker.set, self.picker.item, self.stem, *self.choices]
        return [*own, self.evidence, self.adapter, self.orders, self.asked, self.revealed]

    @property
    def drawn(self) -> list[Any]:
        """The outputs of an answer."""
        return [self.asked, self.result, self.passages, self.keep, self.rebuild]


# -- what the events do, without Gradio's wiring


def chosen_question(
    lab: Lab, source: str, name: str, qid: str | None, stem: str, choices: Sequence[str]
) -> Question | None:
    """The question on the tab; None where none is chosen or one's own is unfinished."""
    if source == "own":
        if not all(text and text.strip() for text in (stem, *choices)):
            return None
        return lab.own_question(stem.strip(), tuple(choice.strip() for choice in choices))
    return lab.question(qid, name) if qid else None


def ask(
    lab: Lab,
    question: Question,
    evidence: str,
    adapter: str,
    orders: bool,
    last: Asked | None,
    keep: Sequence[str] | None = None,
) -> Asked:
    """Answer `question`; the answer before it stays beside it if it is of the same
    question. `keep` names the passages of `last` to show the model, of all that were found.
    """
    same = last is not None and _same(last.now.question, question)
    before = last.now if last is not None and same else None
    if keep is None or last is None:
        found = shown = tuple(lab.passages(question, evidence))
    else:
        found = last.found
        shown = tuple(p for p in found if p.id in set(keep))
    now = lab.ask(question, evidence, adapter, passages=shown, all_orders=orders)
    return Asked(now, before, found)


def _same(a: Question, b: Question) -> bool:
    return (a.id, a.stem, a.choices) == (b.id, b.stem, b.choices)


def result_html(asked: Asked | None, revealed: bool, lang: str) -> str:
    """The answer in bars and plain words."""
    if asked is None:
        return components.empty(say("ask.empty", lang))
    now, before = asked.now.answer, asked.before.answer if asked.before else None
    gold = asked.now.question.gold if revealed else ""
    lines = [components.sureness(now, lang), components.order_words(asked.now.orders, lang)]
    if before:
        key = "ask.unmoved" if before.choice == now.choice else "ask.moved"
        lines.insert(0, say(key, lang, old=before.choice, new=now.choice))
    if gold:
        lines.insert(0, say("ask.right" if gold == now.choice else "ask.wrong", lang))
    if now.letter_mass < components.FORMAT_KNOWN:
        lines.append(say("ask.format.low", lang))
    lines += [warning.text(lang) for warning in asked.now.warnings]
    words = "".join(components.tag("p", line) for line in lines)
    return (
        f'<section class="lw-result" aria-live="polite">'
        f"<h3>{components.tag('span', now.choice, 'lw-big-letter')}"
        f"{say('ask.chose', lang, letter=now.choice)}</h3>"
        f"{components.bars(now, lang, before, gold)}"
        f'<div class="lw-words">{words}</div>'
        f"{components.tag('p', say('ask.sure.note', lang), 'lw-note')}"
        f"{_provenance(asked.now, lang)}</section>"
    )


def _provenance(result: AskResult, lang: str) -> str:
    now = result.answer
    name = components.model_name(now.adapter, lang)
    by = components.joined((result.model, name), lang)
    evidence = said(f"evidence.{now.evidence}.short", lang, now.evidence)
    dates = sorted({p.asof for p in result.passages if p.asof})
    if dates:
        asof = say("ask.asof", lang, date=dates[-1])
        evidence += f"（{asof}）" if lang == "ja" else f" ({asof})"
    return components.facts(
        [
            (say("ask.by", lang), by),
            (say("ask.with", lang), evidence),
            (say("ask.took", lang), duration(now.seconds, lang)),
        ]
    )


def passages_html(asked: Asked | None, lang: str) -> str:
    """The passages found, those that the model was not shown greyed."""
    if asked is None:
        return components.empty(say("passages.before", lang))
    shown = {p.id for p in asked.now.passages}
    hidden = [p.id for p in asked.found if p.id not in shown]
    return components.passages(asked.found, asked.now.question.query, lang, hidden)


def question_html(question: Question | None, revealed: bool, lang: str) -> str:
    """The question as printed, with the official answer once asked for."""
    if question is None:
        return components.empty(say("pick.nothing", lang))
    body = components.question(question, lang, revealed=revealed)
    if revealed:
        key = "ask.gold" if question.gold else "ask.gold.none"
        body += components.tag("p", say(key, lang, letter=question.gold), "lw-gold-line")
    return body


def keep_update(asked: Asked | None) -> Any:
    """The ticks by which a reader takes passages out and puts them back."""
    if asked is None or not asked.found:
        return gr.update(choices=[], value=[], visible=False)
    shown = {p.id for p in asked.now.passages} | set(asked.now.dropped)
    return gr.update(
        choices=[(f"{n}. {_tick_label(p)}", p.id) for n, p in enumerate(asked.found, 1)],
        value=[p.id for p in asked.found if p.id in shown],
        visible=True,
    )


def _tick_label(passage: Passage) -> str:
    return passage.citation() if passage.law or passage.altered else passage.text[:20] + "…"


def adapter_choices(lab: Lab, lang: str) -> list[tuple[str, str]]:
    """The base and every sound adapter, in words."""
    sound = [(a.name, a.name) for a in lab.adapters() if not a.fault]
    return [(say("word.base", lang), BASE), *sound]


def adapter_update(lab: Lab, lang: str, value: Any) -> Any:
    """The list as it is now, without a chosen version that is gone or was found unsound:
    Gradio refuses, in its own words, a value that is not in its list."""
    choices = adapter_choices(lab, lang)
    keys = [key for _, key in choices]
    if isinstance(value, list):
        return relist(choices, value, [v for v in value if v in keys])
    return relist(choices, value, value if value in keys else BASE)


def evidence_choices(lang: str) -> list[tuple[str, str]]:
    return [(say(f"evidence.{e}", lang), e) for e in EVIDENCES]


# -- the tab


def build(page: Page, tab: gr.Tab) -> Controls:
    """Put the tab's components here and wire them."""
    with gr.Row(elem_classes="lw-columns"):
        with gr.Column(scale=6, min_width=320, elem_classes="lw-card"):
            source, picker, box, stem, choices, question = _question_side(page)
        with gr.Column(scale=5, min_width=320, elem_classes="lw-card"):
            evidence, adapter, orders, answer, notice, rebuild, result, reveal = _answer_side(page)
    with gr.Column(elem_classes="lw-card"):
        page.heading("passages.title")
        keep = page.say(gr.CheckboxGroup(visible=False, elem_id="ask-keep"), label="passages.keep")
        passages = gr.HTML(elem_id="ask-passages")
    statutes_panel.build(page)
    controls = Controls(
        picker,
        source,
        stem,
        choices,
        evidence,
        adapter,
        orders,
        answer,
        reveal,
        keep,
        question,
        result,
        passages,
        notice,
        rebuild,
        gr.State(None),
        gr.State(False),
    )
    _wire_answers(page, controls)
    _wire_rebuild(page, controls)
    _wire_question(page, controls, *box)
    follow_adapters(page, tab, adapter)
    return controls


def follow_adapters(page: Page, tab: gr.Tab, box: Any) -> None:
    """Keep the versions in `box` as they are, whenever `tab` is opened."""
    lab = page.lab
    known = gr.State([key for _, key in adapter_choices(lab, page.default)])

    def draw(lang: str, value: Any) -> Any:
        return adapter_update(lab, lang, value)

    def follow(lang: str, value: Any, before: list[str]) -> Any:
        # A page that opens selects its first tab before it knows its language.
        keys = [key for _, key in adapter_choices(lab, lang)]
        return None if keys == before else (draw(lang, value), keys)

    page.on([tab.select], follow, [box, known], [box, known])
    page.view(draw, [box], [box])


def _question_side(page: Page) -> tuple[Any, ...]:
    source = page.say(
        gr.Radio(value="set", elem_id="ask-source", elem_classes="lw-segments"),
        label="ask.source",
        choices=lambda lang: [
            (say("ask.source.set", lang), "set"),
            (say("ask.source.own", lang), "own"),
        ],
    )
    with gr.Column(elem_classes="lw-plain") as from_set:
        picker = build_picker(page, "ask")
        question = gr.HTML(elem_id="ask-question")
    with gr.Column(visible=False, elem_classes="lw-plain") as own:
        page.heading("ask.own.help", "p", "lw-note")
        stem = page.say(
            gr.Textbox(lines=3, max_length=4000, elem_id="ask-stem", elem_classes="lw-serif"),
            label="ask.own.stem",
            placeholder="ask.own.stem.hint",
        )
        choices = tuple(_choice_box(page, letter) for letter in LETTERS)
    return source, picker, (from_set, own), stem, choices, question


def _choice_box(page: Page, letter: str) -> Any:
    return page.say(
        gr.Textbox(
            lines=1, max_length=2000, elem_id=f"ask-choice-{letter}", elem_classes="lw-serif"
        ),
        label=lambda lang: say("ask.own.choice", lang, letter=letter),
    )


def _answer_side(page: Page) -> tuple[Any, ...]:
    evidence = page.say(
        gr.Radio(value="none", elem_id="ask-evidence", elem_classes="lw-segments"),
        label="ask.evidence",
        choices=evidence_choices,
    )
    adapter = page.say(
        gr.Dropdown(
            choices=adapter_choices(page.lab, page.default),
            value=BASE,
            filterable=False,
            elem_id="ask-adapter",
        ),
        label="ask.adapter",
    )
    orders = page.say(gr.Checkbox(value=True, elem_id="ask-orders"), label="ask.orders")
    answer = page.say(gr.Button(variant="primary", elem_id="ask-answer"), value="ask.answer")
    notice = page.notice(elem_id="ask-notice")
    rebuild = page.say(
        gr.Button(visible=False, size="sm", elem_id="ask-rebuild"), value="ask.rebuild"
    )
    result = gr.HTML(elem_id="ask-result")
    reveal = page.say(gr.Button(size="sm", elem_id="ask-reveal"), value="ask.reveal")
    return evidence, adapter, orders, answer, notice, rebuild, result, reveal


def _wire_answers(page: Page, c: Controls) -> None:
    lab = page.lab

    def run(again: bool, keep_given: bool, lang: str, *values: Any) -> Any:
        source, name, qid, stem, ca, cb, cc, cd, evidence, adapter, orders, asked, revealed = (
            values[:13]
        )
        question = chosen_question(lab, source, name, qid, stem, (ca, cb, cc, cd))
        if again and (question is None or asked is None or not _same(asked.now.question, question)):
            return None
        trouble = _unready(question, source, evidence)
        if trouble or question is None:
            return _refused([say(trouble or "pick.nothing", lang)], lang)
        keep = values[13] if keep_given else None
        try:
            asked = ask(lab, question, evidence, adapter, orders, asked, keep)
        except RetrievalError as error:
            return _refused([error.text(lang)], lang, rebuild=True)
        drawn = (asked, result_html(asked, revealed, lang), passages_html(asked, lang))
        ticks = gr.skip() if keep_given else keep_update(asked)
        return *drawn, ticks, gr.update(visible=False)

    def press(lang: str, *values: Any) -> Any:
        return run(False, False, lang, *values)

    def again(lang: str, *values: Any) -> Any:
        return run(True, False, lang, *values)

    def without(lang: str, *values: Any) -> Any:
        return run(True, True, lang, *values)

    many = {"concurrency_limit": 32, "concurrency_id": "ask"}
    page.on([c.answer.click], press, c.request, c.drawn, c.notice, "ask.busy", **many)
    switches = [c.evidence.input, c.adapter.input, c.orders.input]
    latest = {**many, "trigger_mode": "always_last"}
    page.on(switches, again, c.request, c.drawn, c.notice, "ask.busy", **latest)
    page.on([c.keep.input], without, [*c.request, c.keep], c.drawn, c.notice, "ask.busy", **latest)


def _refused(words: list[str], lang: str, rebuild: bool = False) -> tuple[Any, ...]:
    """The outputs of an answer that could not be given: as they were, and the reason.
    With `rebuild` a button stands below it that puts the index right."""
    return (
        *(gr.skip() for _ in range(4)),
        gr.update(visible=rebuild),
        components.notice(words, lang),
    )


def _wire_rebuild(page: Page, c: Controls) -> None:
    def rebuild(lang: str) -> Any:
        page.lab.index_start()  # the statutes panel shows how it goes
        return gr.update(visible=False), components.notice([say("ask.rebuilt", lang)], lang, "info")

    page.on(
        [c.rebuild.click], rebuild, [], [c.rebuild], c.notice, "ask.rebuilding", concurrency_limit=1
    )


def _unready(question: Question | None, source: str, evidence: str) -> str:
    """The key of what stands in the way of an answer, or ""."""
    if question is None:
        return "ask.own.incomplete" if source == "own" else "pick.nothing"
    return "ask.own.nogiven" if source == "own" and evidence == "given" else ""


def _wire_question(page: Page, c: Controls, from_set: Any, own: Any) -> None:
    lab = page.lab

    def show(lang: str, name: str, qid: str | None, asked: Asked | None) -> Any:
        question = lab.question(qid, name) if qid else None
        if asked is not None and question is not None and _same(asked.now.question, question):
            return None
        return (
            question_html(question, False, lang),
            None,
            result_html(None, False, lang),
            passages_html(None, lang),
            keep_update(None),
            gr.update(visible=False),
            False,
            gr.update(value=say("ask.reveal", lang)),
        )

    def toggle(lang: str, name: str, qid: str | None, asked: Asked | None, revealed: bool) -> Any:
        question = lab.question(qid, name) if qid else None
        word = say("ask.hide" if not revealed else "ask.reveal", lang)
        return (
            not revealed,
            question_html(question, not revealed, lang),
            result_html(asked, not revealed, lang),
            gr.update(value=word),
        )

    def switch(lang: str, source: str) -> Any:
        return (
            gr.update(visible=source == "set"),
            gr.update(visible=source == "own"),
            gr.update(visible=source == "set"),
            None,
            result_html(None, False, lang),
            passages_html(None, lang),
            keep_update(None),
            gr.update(visible=False),
        )

    def redraw(lang: str, name: str, qid: str | None, asked: Asked | None, revealed: bool) -> Any:
        question = lab.question(qid, name) if qid else None
        return (
            question_html(question, revealed, lang),
            result_html(asked, revealed, lang),
            passages_html(asked, lang),
            gr.update(value=say("ask.hide" if revealed else "ask.reveal", lang)),
        )

    chosen = [c.picker.set, c.picker.item]
    page.on(
        [c.picker.item.change],
        show,
        [*chosen, c.asked],
        [c.question, *c.drawn, c.revealed, c.reveal],
        c.notice,
    )
    page.on(
        [c.reveal.click],
        toggle,
        [*chosen, c.asked, c.revealed],
        [c.revealed, c.question, c.result, c.reveal],
        c.notice,
    )
    page.on([c.source.input], switch, [c.source], [from_set, own, c.reveal, *c.drawn], c.notice)
    page.view(
        redraw,
        [*chosen, c.asked, c.revealed],
        [c.question, c.result, c.passages, c.reveal],
    )
