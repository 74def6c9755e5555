"""Statutes: search them on their own, see what the index holds, rebuild it, add a law.

A rebuild and a fetch run in the lab's background; a timer looks at them while they last,
and the present index serves meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lawui.errors import DataError, LabError, RetrievalError
from lawui.lab import Lab
from lawui.library import IndexJob
from lawui.types import IndexInfo, Passage
from lawui.ui import components
from lawui.ui.page import Page, sentences
from lawui.ui.text import remaining, said, say

LONGEST = 4_000
"""Characters that a search takes."""

FOUND, AT_ONCE = 10, 5
"""Passages that a search finds, and how many of them stand open."""

LOOKS = 1.0
"""Seconds between two looks at a rebuild."""


@dataclass(frozen=True)
class Searched:
    """What was searched for and what was found, to be drawn again in the other language;
    `passages` is None while the index that it waits for is being made."""

    text: str
    passages: tuple[Passage, ...] | None


@dataclass(frozen=True)
class Lookup:
    """The components of the search."""

    text: Any
    button: Any
    state: Any
    found: Any
    notice: Any


@dataclass(frozen=True)
class Upkeep:
    """The components that show the index and what is being done to it."""

    index: Any
    job: Any
    rebuild: Any
    timer: Any

    @property
    def drawn(self) -> list[Any]:
        """The outputs of `draw`."""
        return [self.index, self.job, self.rebuild, self.timer]


# -- searching


def search(lab: Lab, text: str, lang: str) -> tuple[Searched | None, str]:
    """What was found, and a notice that says why nothing was searched or what is waited for."""
    text = (text or "").strip()
    if not text:
        return None, _told("statutes.no_text", lang)
    if len(text) > LONGEST:
        return None, _told("statutes.too_long", lang, n=f"{len(text):,}", limit=f"{LONGEST:,}")
    try:
        if lab.index_status() is None:  # a large one takes minutes, which no event waits
            _make_index(lab)
            return Searched(text, None), _told("statutes.preparing", lang)
        return Searched(text, tuple(lab.search(text, FOUND))), ""
    except RetrievalError as error:
        return None, fault_html(error, lab, lang)


def _make_index(lab: Lab) -> None:
    # Whoever runs a demo has its index made at the start.
    if not lab.settings.demo and lab.index_job().state != "running":
        lab.index_start()


def looked_up(lab: Lab, text: str, lang: str) -> tuple[Any, ...]:
    """The search, what it found as HTML, and its notice."""
    searched, told = search(lab, text, lang)
    return searched, found_html(searched, lang), told


def still_waiting(lab: Lab, searched: Searched | None) -> bool:
    """Whether a search waits for an index that is being made."""
    if searched is None or searched.passages is not None:
        return False
    try:
        return lab.index_status() is None and lab.index_job().state != "failed"
    except RetrievalError:
        return False


def fault_html(error: LabError, lab: Lab, lang: str) -> str:
    """An error of the index, with the way out that this panel has."""
    words = sentences(error, lang)
    if not lab.settings.demo:
        words.append(say("statutes.offer", lang))
    return components.notice(words, lang)


def found_html(searched: Searched | None, lang: str) -> str:
    """The passages found, best first."""
    if searched is None or searched.passages is None:
        return ""
    if not searched.passages:
        return components.empty(say("statutes.none", lang))
    cards = [card(p, searched.text, lang) for p in searched.passages]
    note = components.tag("p", say("statutes.found", lang, n=len(cards)), "lw-note")
    shown = f'{note}<ol class="lw-passages">{"".join(cards[:AT_ONCE])}</ol>'
    more = cards[AT_ONCE:]
    if not more:
        return shown
    summary = components.tag("summary", say("statutes.more", lang, n=len(more)))
    rest = f'<ol class="lw-passages" start="{AT_ONCE + 1}">{"".join(more)}</ol>'
    return f'{shown}<details class="lw-more">{summary}{rest}</details>'


def card(passage: Passage, query: str, lang: str) -> str:
    """One passage: citation, text with the words of `query` marked, how it was found, the
    date of the text, and the public page where there is one."""
    caption = components.tag("span", passage.caption, "lw-caption", lang="ja")
    key = "ask.asof" if passage.asof else "statutes.asof.none"
    date = say(key, lang, date=passage.asof)
    foot = "".join(
        components.tag("span", words) for words in (components.found_by(passage, lang), date)
    )
    return (
        f'<li class="lw-passage"><header>'
        f"{components.tag('cite', passage.citation(), lang='ja')}"
        f"{caption if passage.caption else ''}{components.outdated(passage, lang)}</header>"
        f"{components.statute(passage, query)}"
        f"<footer>{foot}{components.link(passage, lang)}</footer></li>"
    )


def _told(key: str, lang: str, kind: str = "info", **params: object) -> str:
    return components.notice([say(key, lang, **params)], lang, kind)


# -- the index


def draw(lab: Lab, lang: str, ended: bool = False, waiting: bool = False) -> tuple[Any, ...]:
    """The index, what is being done to it, the button and the timer, which runs only while
    a rebuild does or a search is `waiting` for one. `ended` tells of a rebuild that went
    well, too."""
    job = lab.index_job()
    info, faults = None, [e for e in lab.problems if isinstance(e, RetrievalError)]
    try:
        info = lab.index_status()
    except RetrievalError as error:
        faults = [error]
    running = job.state == "running"
    shown = index_html(info, lang) if info or not (faults or running) else ""
    key = "statutes.rebuild" if info else "statutes.build"
    return (
        shown + "".join(fault_html(e, lab, lang) for e in faults) + left_out_html(lab, lang),
        job_html(job, lang, info is not None) if ended or job.state != "done" else "",
        gr.update(value=say(key, lang)),
        gr.update(active=running or waiting),
    )


def index_html(info: IndexInfo | None, lang: str) -> str:
    """What the index holds, in words and figures."""
    if info is None:
        return components.empty(say("statutes.missing", lang))
    facts = [
        ("laws", f"{info.laws:,}"),
        ("articles", f"{info.articles:,}"),
        ("passages", f"{info.passages:,}"),
        ("asof", info.asof or say("statutes.unknown", lang)),
        ("embedder", said(f"statutes.embedder.{info.embedder}", lang, info.embedder)),
        ("size", say("statutes.mb", lang, n=f"{info.bytes / 1e6:,.1f}")),
    ]
    shown = components.facts((say(f"statutes.index.{name}", lang), v) for name, v in facts)
    if info.near_oracle:
        shown += _told("statutes.near_oracle", lang)
    return shown


def left_out_html(lab: Lab, lang: str) -> str:
    """The files that the index lacks, and why."""
    rows = "".join(
        components.tag("li", e.text(lang)) for e in lab.problems if isinstance(e, DataError)
    )
    title = components.tag("strong", say("statutes.left_out", lang))
    return f'<div class="lw-notice" role="status">{title}<ul>{rows}</ul></div>' if rows else ""


def job_html(job: IndexJob, lang: str, serves: bool) -> str:
    """A rebuild as a bar with its words, or how it ended. `serves` tells that there is an
    index to search meanwhile."""
    if job.state == "running":
        words = _progress_words(job, lang)
        if serves:
            words += ("。" if lang == "ja" else ". ") + say("statutes.meanwhile", lang)
        return components.progress(job.done, job.total, words)
    if job.state == "failed" and job.error is not None:
        return components.notice(sentences(job.error, lang), lang)
    return _told("statutes.done", lang, n=f"{job.total:,}") if job.state == "done" else ""


def _progress_words(job: IndexJob, lang: str) -> str:
    words = say(f"statutes.step.{job.step}", lang)
    if job.total:
        key = f"statutes.progress.{job.step}"
        words = say(key, lang, name=job.name, done=f"{job.done:,}", total=f"{job.total:,}")
    return components.joined((words, remaining(job.left, lang)), lang)


def begin(lab: Lab, start: Callable[[], None], lang: str) -> tuple[Any, ...]:
    """Start work in the background: what `draw` gives, and a notice where it is refused
    because a rebuild, perhaps another visitor's, is under way."""
    try:
        start()
    except RetrievalError as error:
        if lab.index_job().state != "running":
            raise
        return (*draw(lab, lang), components.notice([error.text(lang)], lang))
    return (*draw(lab, lang, ended=True), "")


# -- the panel


def build(page: Page) -> None:
    """Put the panel here, closed, and wire it."""
    panel = page.say(gr.Accordion(open=False, elem_id="statutes"), label="statutes.title")
    with panel, gr.Column(elem_classes="lw-plain"):
        lookup = _search_side(page)
        with gr.Column(elem_classes="lw-plain lw-part"):
            shown = _index_side(page)
        with gr.Column(elem_classes="lw-plain lw-part"):
            _law_side(page, shown)
    _wire_search(page, lookup, shown)
    page.on([panel.expand], lambda lang: draw(page.lab, lang), [], shown.drawn)


def _search_side(page: Page) -> Lookup:
    page.heading("statutes.help", "p", "lw-note")
    with gr.Row(elem_classes="lw-line"):
        box = gr.Textbox(lines=1, max_lines=1, scale=5, min_width=220, elem_id="statutes-text")
        text = page.say(box, label="statutes.text", placeholder="statutes.text.hint")
        button = gr.Button(variant="primary", scale=1, min_width=110, elem_id="statutes-search")
        page.say(button, value="statutes.search")
    notice = page.notice(elem_id="statutes-notice")
    return Lookup(text, button, gr.State(None), gr.HTML(elem_id="statutes-found"), notice)


def _wire_search(page: Page, lookup: Lookup, shown: Upkeep) -> None:
    lab = page.lab

    def press(lang: str, words: str) -> Any:
        searched, found, told = looked_up(lab, words, lang)
        waiting = still_waiting(lab, searched)
        return (*draw(lab, lang, waiting=waiting), searched, found, told)

    def look(lang: str, searched: Searched | None) -> Any:
        waiting = still_waiting(lab, searched)
        upkeep = draw(lab, lang, ended=True, waiting=waiting)
        if waiting or searched is None or searched.passages is not None:
            return (*upkeep, gr.skip(), gr.skip(), gr.skip())
        if lab.index_job().state == "failed":  # its sentence stands below: nothing to wait for
            return (*upkeep, None, "", "")
        return (*upkeep, *looked_up(lab, searched.text, lang))

    many: dict[str, Any] = {"concurrency_limit": 32, "trigger_mode": "once"}
    both = [*shown.drawn, lookup.state, lookup.found]
    wires = [lookup.text.submit, lookup.button.click]
    page.on(wires, press, [lookup.text], both, lookup.notice, "statutes.searching", **many)
    page.on([shown.timer.tick], look, [lookup.state], both, lookup.notice)
    page.view(lambda lang, state: found_html(state, lang), [lookup.state], [lookup.found])


def _index_side(page: Page) -> Upkeep:
    lab = page.lab
    page.heading("statutes.index", "h3")
    index = gr.HTML(elem_id="statutes-index")
    job = gr.HTML(elem_id="statutes-job", elem_classes="lw-notices")
    with gr.Row(elem_classes="lw-line"):
        rebuild = gr.Button(
            say("statutes.rebuild", page.default),
            size="sm",
            scale=0,
            interactive=not lab.settings.demo,
            elem_id="statutes-rebuild",
        )
    notice = page.notice(elem_id="statutes-refused")
    shown = Upkeep(index, job, rebuild, gr.Timer(LOOKS, active=False))

    def press(lang: str) -> Any:
        return begin(lab, lab.index_start, lang)

    page.on([rebuild.click], press, [], shown.drawn, notice)
    page.view(lambda lang: draw(lab, lang), [], shown.drawn)
    return shown


def _law_side(page: Page, shown: Upkeep) -> None:
    lab = page.lab
    page.heading("statutes.add.title", "h3")
    page.say(gr.HTML(), value=lambda lang: add_help_html(lab, lang))
    usable = not lab.settings.demo
    with gr.Row(elem_classes="lw-line"):
        box = gr.Textbox(
            lines=1, max_lines=1, scale=5, min_width=220, interactive=usable, elem_id="statutes-law"
        )
        law = page.say(box, label="statutes.add.law", placeholder="statutes.add.hint")
        button = gr.Button(scale=1, min_width=110, interactive=usable, elem_id="statutes-add")
        page.say(button, value="statutes.add")
    notice = page.notice(elem_id="statutes-add-notice")

    def press(lang: str, law_id: str) -> Any:
        law_id = (law_id or "").strip()
        if not law_id:
            return (*(gr.skip() for _ in shown.drawn), _told("statutes.add.no_id", lang))
        return begin(lab, lambda: lab.law_add(law_id), lang)

    page.on([button.click, law.submit], press, [law], shown.drawn, notice)


def add_help_html(lab: Lab, lang: str) -> str:
    """Where a law's id is found and as of which date it comes; or that a demo takes none."""
    if lab.settings.demo:
        return _told("statutes.demo", lang)
    return components.tag("p", say("statutes.add.help", lang, date=lab.law_date()), "lw-note")
