"""One question of a score with its marks, and the threshold of a score: their wiring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lawui.lab import Lab
from lawui.ui import access, components
from lawui.ui.page import Page
from lawui.ui.score_tab import detail, items
from lawui.ui.score_tab.watching import Shown
from lawui.ui.text import say

TARGETS, TARGET = (40, 50, 60, 70, 80, 90), 60
"""Per cent of right answers that may be aimed at, and the one chosen at first."""

SAVE = """(file) => {
  if (!file) return;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name || "";
  link.click();
}"""
"""Hands the file that a button has just written to the browser."""

MARK_KINDS = ("csv", "json")


def scroll_to(elem_id: str) -> str:
    """JavaScript that brings an element into view, after it was drawn."""
    return f"""() => requestAnimationFrame(() =>
      document.getElementById("{elem_id}")?.scrollIntoView({{ block: "start" }}))"""


# -- one question


@dataclass(frozen=True)
class Drill:
    """The components of the one question; `opened` holds (run id, ファイル名) or None."""

    opened: Any
    shown: Any
    previous: Any
    next: Any
    mark: Any
    comment: Any
    save: Any
    remove: Any
    counts: Any
    files: dict[str, Any]
    notice: Any

    @property
    def drawn(self) -> list[Any]:
        return [self.opened, self.shown, self.mark, self.comment]


def build_item(page: Page) -> Drill:
    """Put the components here."""
    with gr.Column(elem_classes="lw-card", elem_id="score-drill"):
        page.heading("score.item.title")
        with gr.Row(elem_classes="lw-step"):
            back = gr.Button(size="sm", elem_id="score-item-previous", min_width=100)
            forward = gr.Button(size="sm", elem_id="score-item-next", min_width=100)
        shown = gr.HTML(elem_id="score-item")
        mark = page.say(
            gr.Radio(elem_id="score-mark", elem_classes="lw-segments"),
            label="score.mark",
            choices=items.mark_choices,
        )
        comment = page.say(
            gr.Textbox(lines=2, max_lines=6, elem_id="score-mark-comment"),
            label="score.mark.comment",
            placeholder="score.mark.comment.hint",
        )
        with gr.Row():
            save = page.say(
                gr.Button(variant="primary", elem_id="score-mark-save"), value="score.mark.save"
            )
            remove = page.say(
                gr.Button(size="sm", elem_id="score-mark-remove"), value="score.mark.remove"
            )
        notice = page.notice(elem_id="score-mark-notice")
        counts = gr.HTML(elem_id="score-mark-counts")
        with gr.Row():
            files = {
                kind: page.say(
                    gr.Button(size="sm", elem_id=f"score-mark-{kind}"), value=f"score.mark.{kind}"
                )
                for kind in MARK_KINDS
            }
    drill = Drill(
        gr.State(None),
        shown,
        page.say(back, value="score.item.previous"),
        page.say(forward, value="score.item.next"),
        mark,
        comment,
        save,
        remove,
        counts,
        files,
        notice,
    )
    _wire_marks(page, drill)
    return drill


def opened_item(lab: Lab, opened: tuple[str, str] | None, user: str, lang: str) -> list[Any]:
    """The values of `Drill.drawn` for a question of a score, with the reader's own mark."""
    if opened is None:
        return [None, items.item_html(None, (), lang), None, ""]
    found = lab.score_item(*opened)
    marks = lab.marks(found["row"]["source"])
    run = found["run"]
    own = (user, run.adapter, run.evidence)
    mine = next((m for m in marks if (m.user, m.adapter, m.evidence) == own), None)
    return [
        (opened[0], found["row"]["source"]),
        items.item_html(found, marks, lang),
        mine.mark if mine else None,
        mine.comment if mine else "",
    ]


def wire_item(page: Page, drill: Drill, shown: Shown, html: Any) -> None:
    """Open the question that is pressed in `html`: its id, behind a score's where that is not
    the chosen one."""
    lab = page.lab

    def press(lang: str, pressed: str, run: str | None) -> Any:
        *named, qid = pressed.split(" ")
        return opened_item(lab, ((named or [run or ""])[0], qid), access.reader(), lang)

    opening = page.on_open(html, press, [shown.run], drill.drawn, drill.notice)
    opening.then(None, None, None, js=scroll_to("score-drill"))
    if html is not shown.items:
        return

    def step(by: int) -> Any:
        def go(lang: str, opened: tuple[str, str] | None, only: str, run: str | None) -> Any:
            at = opened[0] if opened else run
            if not at:
                return None
            marked = {mark.source for mark in lab.marks()}
            sources = [r["source"] for r in items.kept(lab.score_table(at), only, marked)]
            found = beside(sources, opened[1] if opened else None, by)
            return opened_item(lab, (at, found), access.reader(), lang) if found else None

        return go

    wanted = [drill.opened, shown.only, shown.run]
    page.on([drill.previous.click], step(-1), wanted, drill.drawn, drill.notice)
    page.on([drill.next.click], step(1), wanted, drill.drawn, drill.notice)


def beside(sources: Sequence[str], now: str | None, by: int) -> str | None:
    """The item `by` places after `now`, around the end; the first where `now` is not there."""
    if not sources:
        return None
    return sources[(sources.index(now) + by) % len(sources)] if now in sources else sources[0]


def _wire_marks(page: Page, d: Drill) -> None:
    lab = page.lab

    def told(lang: str, key: str, kind: str = "info") -> str:
        return components.notice([say(key, lang)], lang, kind)

    def save(lang: str, opened: tuple[str, str] | None, mark: str | None, comment: str) -> Any:
        if opened is None or not mark:
            key = "score.mark.choose" if opened else "score.mark.open_first"
            return *(gr.skip() for _ in range(3)), told(lang, key, "trouble")
        lab.mark(lab.mark_of(*opened, mark, comment or "", access.reader()))
        drawn = opened_item(lab, opened, access.reader(), lang)
        counts = items.counts_html(lab.marks_counts(), lang)
        return opened, drawn[1], counts, told(lang, "score.mark.saved")

    def remove(lang: str, opened: tuple[str, str] | None) -> Any:
        if opened is None:
            skipped = (gr.skip() for _ in range(len(d.drawn) + 1))
            return *skipped, told(lang, "score.mark.open_first", "trouble")
        run = lab.score_status(opened[0])
        lab.mark_remove(access.reader(), opened[1], run.adapter, run.evidence)
        counts = items.counts_html(lab.marks_counts(), lang)
        drawn = opened_item(lab, opened, access.reader(), lang)
        return *drawn, counts, told(lang, "score.mark.removed")

    def redraw(lang: str, opened: tuple[str, str] | None) -> Any:
        counts = items.counts_html(lab.marks_counts(), lang)
        return opened_item(lab, opened, access.reader(), lang)[1], counts

    page.on(
        [d.save.click],
        save,
        [d.opened, d.mark, d.comment],
        [d.opened, d.shown, d.counts],
        d.notice,
    )
    page.on([d.remove.click], remove, [d.opened], [*d.drawn, d.counts], d.notice)
    page.view(redraw, [d.opened], [d.shown, d.counts])
    held = gr.DownloadButton("", visible="hidden")
    for kind, button in d.files.items():
        wrote = page.on(
            [button.click],
            lambda lang, kind=kind: (str(lab.marks_export(kind, lang)), ""),
            [],
            [held],
            d.notice,
        )
        wrote.success(None, [held], None, js=SAVE)


# -- the threshold


@dataclass(frozen=True)
class Threshold:
    """The share to aim at and what it finds."""

    target: Any
    found: Any
    use: Any
    clear: Any
    used: Any
    notice: Any


def build_threshold(page: Page) -> Threshold:
    """Put the components here."""
    page.heading("score.abstain", "h3")
    target = page.say(
        gr.Radio(value=TARGET, elem_id="score-target", elem_classes="lw-segments"),
        label="score.abstain.target",
        choices=lambda lang: [(say("score.abstain.share", lang, n=n), n) for n in TARGETS],
    )
    found = gr.HTML(elem_id="score-abstain")
    with gr.Row():
        use = page.say(gr.Button(size="sm", elem_id="score-abstain-use"), value="score.abstain.use")
        clear = page.say(
            gr.Button(size="sm", elem_id="score-abstain-clear"), value="score.abstain.clear"
        )
    used = gr.HTML(elem_id="score-abstain-used")
    return Threshold(target, found, use, clear, used, page.notice(elem_id="score-abstain-notice"))


def wire_threshold(page: Page, t: Threshold, run: Any) -> None:
    """Draw what the chosen score says of the share aimed at, and use it on Ask."""
    lab = page.lab

    def draw(lang: str, run_id: str | None, target: int) -> Any:
        done = lab.score_status(run_id).done if run_id else 0
        if not run_id or not done:
            return "", ""
        found = lab.score_abstain(run_id, target / 100)
        return detail.abstain_html(found, done, lang), _used(run_id, lang)

    def _used(run_id: str, lang: str) -> str:
        return detail.used_html(lab.threshold_of(run_id), lang)

    def use(lang: str, run_id: str | None, target: int) -> Any:
        if not run_id:
            return gr.skip(), components.notice([say("score.none", lang)], lang)
        lab.threshold_set(run_id, target / 100)
        return _used(run_id, lang), ""

    def clear(lang: str, run_id: str | None, target: int) -> Any:
        if run_id:
            lab.threshold_clear(run_id)
        return "", components.notice([say("score.abstain.cleared", lang)], lang, "info")

    inputs = [run, t.target]
    page.on([t.target.input, run.change], draw, inputs, [t.found, t.used])
    page.on([t.use.click], use, inputs, [t.used], t.notice)
    page.on([t.clear.click], clear, inputs, [t.used], t.notice)
    page.view(draw, inputs, [t.found, t.used])
