"""The Ask tab's values as HTML and as updates: pure functions of what was asked."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from lawui.asking.whatif import Hanging, Trial
from lawui.asks import AskResult
from lawui.types import LETTERS, Answer, Passage, Question
from lawui.ui import components
from lawui.ui.ask_tab.state import Asked
from lawui.ui.page import relist
from lawui.ui.text import duration, said, say

PARTS = ("stem", *(f"choice:{letter}" for letter in LETTERS))
"""The parts of a question that can be reworded; `passage:ID` for each passage beside them."""


def result_html(asked: Asked | None, revealed: bool, lang: str) -> str:
    """The answer in bars and plain words; a calm sentence where the model cannot tell."""
    if asked is None:
        return components.empty(say("ask.empty", lang))
    now, before = asked.now.answer, asked.before
    unsure = asked.unsure
    gold = asked.now.question.gold if revealed else ""
    head = (
        f"{components.tag('span', '？', 'lw-big-letter lw-unsure')}{say('ask.cannot_tell', lang)}"
        if unsure
        else f"{components.tag('span', now.choice, 'lw-big-letter')}"
        f"{say('ask.chose', lang, letter=now.choice)}"
    )
    drawn = components.bars(now, lang, before, gold, figures=not unsure)
    if unsure:
        drawn += _figures(now, before, lang)
    words = "".join(components.tag("p", line) for line in _words(asked, gold, unsure, lang))
    return (
        f'<section class="lw-result" aria-live="polite"><h3>{head}</h3>{drawn}'
        f'<div class="lw-words">{words}</div>'
        f"{components.tag('p', say('ask.sure.note', lang), 'lw-note')}"
        f"{provenance_html(asked.now, lang)}</section>"
    )


def _words(asked: Asked, gold: str, unsure: bool, lang: str) -> list[str]:
    now, before = asked.now.answer, asked.before
    lines = []
    if gold and not unsure:
        lines.append(say("ask.right" if gold == now.choice else "ask.wrong", lang))
    if before and not unsure:
        key = "ask.unmoved" if before.choice == now.choice else "ask.moved"
        lines.append(say(key, lang, old=before.choice, new=now.choice))
    lines.append(say("ask.cannot_tell.why", lang) if unsure else components.sureness(now, lang))
    lines.append(components.order_words(asked.now.orders, lang))
    if asked.hangs and not unsure:
        lines.append(hanging_words(asked, lang))
    if asked.now.shortened:
        lines.append(say("ask.shortened", lang))
    if now.letter_mass < components.FORMAT_KNOWN:
        lines.append(say("ask.format.low", lang))
    return lines + [warning.text(lang) for warning in asked.now.warnings]


def _figures(now: Answer, before: Answer | None, lang: str) -> str:
    """The shares of an answer that is none, for who asks for them."""
    summary = components.tag("summary", say("ask.figures", lang))
    rows = "".join(
        components.tag("li", components.bar_words(i, now, before, lang)) for i in range(4)
    )
    return f'<details class="lw-more">{summary}<ul class="lw-shares">{rows}</ul></details>'


def provenance_html(result: AskResult, lang: str) -> str:
    """Which model and adapter answered, with which law as of which date."""
    now = result.answer
    name = components.model_name(now.adapter, lang)
    return components.facts(
        [
            (say("ask.by", lang), components.joined((result.model, name), lang)),
            (say("ask.with", lang), evidence_words(result, lang)),
            (say("ask.took", lang), duration(now.seconds, lang)),
        ]
    )


def evidence_words(result: AskResult, lang: str) -> str:
    """The evidence of an answer and the date of its law."""
    evidence = said(f"evidence.{result.answer.evidence}.short", lang, result.answer.evidence)
    if result.answer.evidence == "none" and result.passages:
        evidence = say("evidence.own.short", lang)
    dates = sorted({p.asof for p in result.passages if p.asof})
    if not dates:
        return evidence
    asof = say("ask.asof", lang, date=dates[-1])
    return evidence + (f"（{asof}）" if lang == "ja" else f" ({asof})")


def hanging_words(asked: Asked, lang: str) -> str:
    """Which passages turn the answer when they are left out."""
    turning = [h for h in asked.hangs if h.turns]
    if not turning:
        return say("ask.hangs.none", lang)
    names = [passage_name(asked.trial.passage(h.passage), lang) for h in turning]
    return say("ask.hangs", lang, passages=("、" if lang == "ja" else "; ").join(names))


def passages_html(asked: Asked | None, lang: str) -> str:
    """The passages found, those that the model was not shown greyed."""
    if asked is None:
        return components.empty(say("passages.before", lang))
    shown = {p.id for p in asked.now.passages}
    out = asked.trial.dropped
    hidden = [p.id for p in asked.found if p.id not in shown and p.id not in out]
    taken = components.tag("span", say("passages.taken_out", lang), "lw-badge")
    marks = {h.passage: _hanging_mark(h, lang) for h in asked.hangs} | dict.fromkeys(out, taken)
    for id in asked.trial.pinned:
        pinned = components.tag("span", say("passages.pinned", lang), "lw-badge")
        marks[id] = pinned + marks.get(id, "")
    query, cut = asked.now.question.query, asked.now.shortened
    return components.passages(asked.found, query, lang, hidden, marks, out, cut)


def _hanging_mark(found: Hanging, lang: str) -> str:
    if found.turns:
        words = say("passages.turns", lang, letter=found.choice)
        return components.tag("span", words, "lw-badge lw-carries")
    points = f"{100 * abs(found.moved):.0f}"
    key = "passages.carries" if found.moved >= 0 else "passages.hinders"
    return components.tag("span", say(key, lang, n=points), "lw-badge lw-plain-badge")


def question_html(
    question: Question | None, revealed: bool, lang: str, committed: str | None = None
) -> str:
    """The question as printed, with the official answer once asked for, and the reader's own."""
    if question is None:
        return components.empty(say("pick.nothing", lang))
    body = components.question(question, lang, revealed=revealed)
    if revealed:
        key = "ask.gold" if question.gold else "ask.gold.none"
        words = say(key, lang, letter=question.gold)
        if committed and question.gold:
            own = "ask.commit.right" if committed == question.gold else "ask.commit.wrong"
            words += ("" if lang == "ja" else " ") + say(own, lang, letter=committed)
        body += components.tag("p", words, "lw-gold-line")
    return body


def keep_update(asked: Asked | None) -> Any:
    """The ticks by which a reader takes passages out and puts them back."""
    if asked is None or not asked.found:
        return gr.update(choices=[], value=[], visible=False)
    return gr.update(
        choices=[(f"{n}. {_tick_label(p)}", p.id) for n, p in enumerate(asked.found, 1)],
        value=[p.id for p in asked.trial.passages],
        visible=True,
    )


def _tick_label(passage: Passage) -> str:
    return passage.citation() if passage.law or passage.altered else passage.text[:20] + "…"


def passage_name(passage: Passage, lang: str) -> str:
    """A passage in a sentence: its citation, or words where it has none."""
    cited = passage.law or passage.altered
    return passage.citation() if cited else say("passages.nolaw", lang)


def part_choices(trial: Trial | None, lang: str) -> list[tuple[str, str]]:
    """What can be reworded: stem, choices, and each passage at hand."""
    parts = [(say("ask.own.stem", lang), "stem")]
    parts += [(say("ask.own.choice", lang, letter=x), f"choice:{x}") for x in LETTERS]
    for n, passage in enumerate(trial.listed if trial else (), 1):
        words = say("try.passage", lang, n=n, name=_tick_label(passage))
        parts.append((words, f"passage:{passage.id}"))
    return parts


def part_update(trial: Trial | None, part: str | None, lang: str) -> Any:
    """The list of parts, without a chosen passage that is there no more."""
    choices = part_choices(trial, lang)
    keys = [key for _, key in choices]
    return relist(choices, part, part if part in keys else "stem")


def changes_html(trial: Trial | None, lang: str) -> str:
    """What was changed, oldest first, and the question as it stands now."""
    if trial is None or not trial.changes:
        return components.tag("p", say("try.none", lang), "lw-note")
    rows = "".join(components.tag("li", change.words(lang)) for change in trial.changes)
    listed = f'<ol class="lw-changes">{rows}</ol>'
    if trial.asked is trial.question:
        return listed
    title = components.tag("p", say("try.now", lang), "lw-note")
    words = escape(say("try.altered", lang))
    badge = f'<span class="lw-badge">{words}</span>' if trial.reworded else ""
    return listed + title + components.question(trial.asked, lang, link=badge)
