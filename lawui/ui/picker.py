"""Choosing a question of a set by law, number or words: the same on Ask and Adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lawui.asking.browse import LEVELS, UNMARKED, Narrow, Tried
from lawui.errors import message
from lawui.lab import Lab
from lawui.readers.own_questions import is_own
from lawui.types import MARKS, AdapterInfo, Question
from lawui.ui.page import Page, follow, relist
from lawui.ui.text import said, say

_PREFERRED = ("selection", "sample")
_LABEL_LENGTH = 42

LISTED = 400
"""Questions in one list."""


@dataclass(frozen=True)
class Picker:
    """The components; `set` and `item` hold the chosen set's name and question's id."""

    set: Any
    law: Any
    words: Any
    item: Any
    previous: Any
    next: Any
    found: Any
    level: Any
    review: Any
    group: Any

    @property
    def where(self) -> list[Any]:
        """What a reader asks for: the inputs of `look`."""
        return [self.set, self.law, self.words, self.level, self.review, self.group]


def set_choices(lab: Lab, lang: str, user: str = "") -> list[tuple[str, str]]:
    """The sets at hand, in words: the user's own questions among them."""
    names = [s["name"] for s in lab.sets(user) if "fault" not in s]
    return [(set_words(name, lang), name) for name in names]


def set_words(name: str, lang: str) -> str:
    """The name of a set as people say it."""
    return say("set.own", lang) if is_own(name) else said(f"set.{name}", lang, name)


def learnt(adapter: AdapterInfo, lang: str) -> str:
    """The sets that an adapter was made of, in the order in which it learnt them."""
    return " → ".join(set_words(name, lang) for name in adapter.sets)


def follow_sets(
    page: Page,
    tab: gr.Tab,
    box: Any,
    more: Callable[[str], list[tuple[str, str]]] = lambda lang: [],
) -> Any:
    """Keep the sets in `box` as they are, whenever `tab` is opened: a reader may have written
    a question of his own. `more` are choices behind them. Returns the trigger of events for
    when they are others than before."""
    lab = page.lab

    def draw(lang: str, user: str, value: Any) -> Any:
        choices = [*set_choices(lab, lang, user), *more(lang)]
        keys = [key for _, key in choices]
        return relist(choices, value, value if value in keys else default_set(lab))

    def keys_now(lang: str, user: str) -> list[str]:
        return [key for _, key in [*set_choices(lab, lang, user), *more(lang)]]

    return follow(page, tab, box, draw, keys_now)


def default_set(lab: Lab) -> str:
    """lawqa_jp where it is at hand, otherwise the sample."""
    names = [name for _, name in set_choices(lab, "en")]
    return next((name for name in _PREFERRED if name in names), names[0] if names else "")


def law_choices(lab: Lab, name: str, lang: str) -> list[tuple[str, str]]:
    """All laws, then each law of the set."""
    laws = lab.laws(name) if name else []
    return [(say("word.all_laws", lang), ""), *((law, law) for law in laws)]


def find(
    lab: Lab, name: str, law: str, words: str, narrow: Narrow | None = None, user: str = ""
) -> list[Question]:
    """Questions of a set; `words` that are a number are read as the question's number."""
    return lab.browse(name, narrow or Narrow(), words or "", law or "", user)


def item_choices(
    questions: Sequence[Question],
    tried: Mapping[str, Tried] | None = None,
    chosen: str | None = None,
) -> list[tuple[str, str]]:
    """(number, law and the beginning of the stem, and how many of its answers were right; id)
    of each question; of more than LISTED those around `chosen` alone, because every list
    travels to every browser whole."""
    known = tried or {}
    return [(_label(q, known.get(q.source, Tried())), q.id) for q in _around(questions, chosen)]


def _around(questions: Sequence[Question], chosen: str | None) -> Sequence[Question]:
    if len(questions) <= LISTED:
        return questions
    at = next((i for i, q in enumerate(questions) if q.id == chosen), 0)
    start = min(max(0, at - LISTED // 2), len(questions) - LISTED)
    return questions[start : start + LISTED]


def _label(q: Question, tried: Tried) -> str:
    stem = " ".join(q.stem.split())
    short = stem if len(stem) <= _LABEL_LENGTH else stem[:_LABEL_LENGTH] + "…"
    went = f"　○{tried.right}/{tried.total}" if tried.total else ""
    return f"{q.id.partition('-')[2]}　{q.law}　{short}{went}"


def level_choices(lang: str) -> list[tuple[str, str]]:
    """How hard items have proved."""
    return [(say("pick.any", lang), ""), *((say(f"pick.level.{x}", lang), x) for x in LEVELS)]


def review_choices(lang: str) -> list[tuple[str, str]]:
    """What the reader has marked."""
    marks = [(message(f"marks.{mark}", lang), mark) for mark in MARKS]
    return [(say("pick.any", lang), ""), (say("pick.unmarked", lang), UNMARKED), *marks]


def group_choices(lab: Lab, name: str, lang: str) -> list[tuple[str, str]]:
    """The groups of a set by the numbers of their items."""
    found = [
        ("・".join(q.id.split("-")[1] for q in items), group)
        for group, items in (lab.groups(name) if name else {}).items()
    ]
    return [(say("pick.any", lang), ""), *found]


def step(items: Sequence[str], now: str | None, by: int) -> str | None:
    """The id `by` places after `now`, around the end."""
    if not items:
        return None
    return items[(items.index(now) + by) % len(items)] if now in items else items[0]


def build_picker(page: Page, prefix: str) -> Picker:
    """Put the components here and wire the search among them."""
    lab = page.lab
    name = default_set(lab)
    questions = find(lab, name, "", "") if name else []
    with gr.Row():
        sets = page.dropdown(
            "pick.set",
            lambda lang: set_choices(lab, lang),
            name or None,
            scale=4,
            min_width=240,
            elem_id=f"{prefix}-set",
        )
        law = page.say(
            gr.Dropdown(
                choices=law_choices(lab, name, page.default),
                value="",
                filterable=False,
                scale=3,
                min_width=180,
                elem_id=f"{prefix}-law",
            ),
            label="pick.law",
        )
        words = page.say(
            gr.Textbox(scale=4, min_width=220, max_lines=1, elem_id=f"{prefix}-words"),
            label="pick.words",
            placeholder="pick.words.hint",
        )
    item = page.say(
        gr.Dropdown(
            choices=item_choices(questions, lab.tried()),
            value=questions[0].id if questions else None,
            elem_id=f"{prefix}-item",
        ),
        label="pick.question",
    )
    with page.say(gr.Accordion(open=False, elem_id=f"{prefix}-more"), label="pick.more"), gr.Row():
        level = page.dropdown("pick.level", level_choices, "", elem_id=f"{prefix}-level")
        review = page.dropdown("pick.review", review_choices, "", elem_id=f"{prefix}-review")
        group = page.dropdown(
            "pick.group", lambda lang: group_choices(lab, name, lang), "", elem_id=f"{prefix}-group"
        )
    with gr.Row(elem_classes="lw-step"):
        back = gr.Button(size="sm", elem_id=f"{prefix}-previous", min_width=100)
        found = gr.HTML(elem_classes="lw-found")
        forward = gr.Button(size="sm", elem_id=f"{prefix}-next", min_width=100)
    picker = Picker(
        sets,
        law,
        words,
        item,
        page.say(back, value="pick.previous"),
        page.say(forward, value="pick.next"),
        found,
        level,
        review,
        group,
    )
    _wire(page, picker)
    return picker


def counted(lang: str, n: int) -> str:
    """How many questions there are to choose from, as HTML."""
    key = "pick.found" if n <= LISTED else "pick.found_many"
    return f'<p class="lw-note">{say(key if n else "pick.nothing", lang, n=n)}</p>'


def _wire(page: Page, p: Picker) -> None:
    lab = page.lab

    def listed(name: str, *asked: str) -> list[Question]:
        law, words, level, review, group, user = asked
        return find(lab, name, law, words, Narrow(level, review, group), user)

    def look(lang: str, now: str | None, *asked: str) -> Any:
        questions = listed(*asked)
        ids = [q.id for q in questions]
        chosen = now if now in ids else (ids[0] if ids else None)
        choices = item_choices(questions, lab.tried(), chosen)
        # A question that stays is not sent: it would be shown as if it were another.
        return relist(choices, now, chosen), counted(lang, len(ids))

    def other_set(lang: str, name: str, user: str) -> Any:
        update, count = look(lang, None, name, "", "", "", "", "", user)
        laws = gr.update(choices=law_choices(lab, name, lang), value="")
        groups = gr.update(choices=group_choices(lab, name, lang), value="")
        return laws, "", "", "", groups, update, count

    def move(by: int) -> Any:
        def go(_: str, now: str | None, *asked: str) -> Any:
            questions = listed(*asked)
            chosen = step([q.id for q in questions], now, by)
            if len(questions) <= LISTED:
                return chosen
            return gr.update(choices=item_choices(questions, lab.tried(), chosen), value=chosen)

        return go

    def redraw(lang: str, law: str, group: str, *asked: str) -> Any:
        name = asked[0]
        n = len(listed(*asked)) if name else 0
        laws = relist(law_choices(lab, name, lang), law, law)
        return laws, relist(group_choices(lab, name, lang), group, group), counted(lang, n)

    asked = [*p.where, page.user]
    narrowing = [p.law, p.words, p.level, p.review, p.group]
    page.on_choice(p.set, other_set, [p.set, page.user], [*narrowing, p.item, p.found])
    boxes = [p.law.input, p.level.input, p.review.input, p.group.input]
    looking = [*boxes, p.words.submit, p.words.blur]
    page.on(looking, look, [p.item, *asked], [p.item, p.found])
    page.on(p.previous.click, move(-1), [p.item, *asked], [p.item])
    page.on(p.next.click, move(1), [p.item, *asked], [p.item])
    page.view(redraw, [p.law, p.group, *asked], [p.law, p.group, p.found])
