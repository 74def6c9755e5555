"""The questions of a score as HTML: a page of the table, and one question whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

from lawui.errors import message
from lawui.types import LETTERS, MARKS, Mark
from lawui.ui import components
from lawui.ui.score_tab.detail import item_button, shorten
from lawui.ui.score_tab.matrix import cell_label
from lawui.ui.text import say

PAGE = 50
"""Rows drawn at a time: a set of a thousand stays quick."""

FILTERS = ("all", "wrong", "right", "torn", "missed", "seen", "marked")

Row = Mapping[str, Any]


def kept(rows: Sequence[Row], only: str, marked: Collection[str]) -> list[Row]:
    """The rows that one of FILTERS lets through; `marked` are the ファイル名 with a mark."""
    tests = {
        "wrong": lambda r: not r["right"],
        "right": lambda r: r["right"],
        "torn": lambda r: not r["consistent"],
        "missed": lambda r: r["cited"] and not r["found"],
        "seen": lambda r: r["seen"],
        "marked": lambda r: r["source"] in marked,
    }
    test = tests.get(only)
    return [r for r in rows if test is None or test(r)]


def page_of(rows: Sequence[Row], start: int) -> int:
    """`start` moved to where a page of the rows begins."""
    last = max(0, (len(rows) - 1) // PAGE * PAGE)
    return min(max(0, start // PAGE * PAGE), last)


def items_html(rows: Sequence[Row], start: int, marked: Collection[str], lang: str) -> str:
    """One page of the table of items, from row `start` on."""
    shown = rows[start : start + PAGE]
    if not shown:
        return components.empty(say("score.items.none", lang))
    cells = [
        [
            item_button(r["id"], lang),
            escape(r["law"]),
            f'<span lang="ja">{escape(shorten(r["stem"]))}</span>',
            components.tag("b", r["choice"]),
            escape(r["gold"]),
            components.percent(r["confidence"]) + " %",
            _result(r, r["source"] in marked, lang),
        ]
        for r in shown
    ]
    headers = [
        say("score.item", lang),
        say("pick.law", lang),
        *(say(f"score.item.{k}", lang) for k in ("stem", "answer", "gold", "sure", "result")),
    ]
    classes = ["lw-right" if r["right"] else "lw-wrong" for r in shown]
    table = components.table(
        headers, cells, say("score.items", lang), numeric=(5,), classes=classes
    )
    return table + range_html(len(rows), start, lang)


def range_html(total: int, start: int, lang: str) -> str:
    """Which rows are shown, of how many."""
    last = min(total, start + PAGE)
    return components.tag(
        "p", say("score.items.range", lang, total=total, first=start + 1, last=last), "lw-note"
    )


def _result(row: Row, marked: bool, lang: str) -> str:
    words = escape(say("score.item.right" if row["right"] else "score.item.wrong", lang))
    for key, shown in (("score.item.seen", row["seen"]), ("score.items.marked", marked)):
        if shown:
            words += components.tag("span", say(key, lang), "lw-badge")
    return words


# -- one question


def item_html(found: Mapping[str, Any] | None, marks: Sequence[Mark], lang: str) -> str:
    """One question of a score whole: what it says, what was answered in each order and by
    the other scores, what was sent, and the marks that readers made."""
    if found is None:
        return components.empty(say("score.item.before", lang))
    run, row = found["run"], found["row"]
    result = say(
        "score.item.is_right" if row["right"] else "score.item.is_wrong", lang, gold=row["gold"]
    )
    answered = say(
        "score.item.answered",
        lang,
        name=cell_label(run, lang),
        letter=row["choice"],
        percent=components.percent(row["confidence"]),
        result=result,
    )
    parts = [
        _question(row),
        components.tag("p", answered, "lw-verdict"),
        _orders(row, lang),
        _others(found["others"], lang),
        marks_html(marks, lang),
        _passages(found, lang),
        _prompt(found["prompts"].get(row["id"], ""), lang),
    ]
    return "".join(parts)


def _question(row: Row) -> str:
    choices = "".join(
        f'<li class="{"lw-gold" if letter == row["gold"] else ""}">'
        f'<span class="lw-letter">{letter}</span><span>{escape(row["choices"][letter])}</span></li>'
        for letter in LETTERS
    )
    head = components.tag("span", row["law"], "lw-law") if row["law"] else ""
    head += components.tag("span", row["id"], "lw-id")
    stem = escape(row["stem"]).replace("\n", "<br>")
    return (
        f'<article class="lw-question"><header>{head}</header>'
        f'<p class="lw-stem" lang="ja">{stem}</p>'
        f'<ol class="lw-choices" lang="ja">{choices}</ol></article>'
    )


def _orders(row: Row, lang: str) -> str:
    """The probability of each choice in each order, under the letter that it had there."""
    orders = row["by_order"]
    rows = []
    for i, letter in enumerate(LETTERS):
        cells = [
            f"<b>{letter}</b> <span lang='ja'>{escape(shorten(row['choices'][letter]))}</span>"
        ]
        for order in orders:
            place = LETTERS[order["places"][i]]
            share = components.percent(order["probs"][place])
            strong = order["choice"] == place
            words = f"{place}: {share} %"
            cells.append(components.tag("b", words) if strong else escape(words))
        if len(orders) > 1:
            cells.append(f"{components.percent(row['probs'][letter])} %")
        rows.append(cells)
    headers = [say("score.item.choice", lang)]
    headers += [say("score.item.order", lang, n=o["order"] + 1) for o in orders]
    if len(orders) > 1:
        headers.append(say("score.item.mean", lang))
    title = components.tag("h3", say("score.item.orders", lang))
    classes = ["lw-official-row" if x == row["gold"] else "" for x in LETTERS]
    caption = say("score.item.orders", lang)
    numeric = range(1, len(headers))
    return title + components.table(headers, rows, caption, numeric=numeric, classes=classes)


def _others(others: Sequence[Mapping[str, Any]], lang: str) -> str:
    if not others:
        return ""
    rows = [
        [
            escape(cell_label(o["run"], lang)),
            components.tag("b", o["row"]["choice"]),
            components.percent(o["row"]["confidence"]) + " %",
            escape(say(f"score.item.{'right' if o['row']['right'] else 'wrong'}", lang)),
        ]
        for o in others
    ]
    names = ("score.col.model", "score.item.answer", "score.item.sure", "score.item.result")
    classes = ["lw-right" if o["row"]["right"] else "lw-wrong" for o in others]
    caption = say("score.item.others", lang)
    headers = [say(name, lang) for name in names]
    table = components.table(headers, rows, caption, numeric=(2,), classes=classes)
    return components.tag("h3", caption) + table


def _passages(found: Mapping[str, Any], lang: str) -> str:
    if not found["passages"]:
        return ""
    row = found["row"]
    query = "\n".join((row["stem"], *row["choices"].values()))
    title = components.tag("h3", say("score.item.passages", lang))
    return title + components.passages(found["passages"], query, lang)


def _prompt(text: str, lang: str) -> str:
    summary = components.tag("summary", say("score.item.prompt", lang))
    body = (
        f'<pre class="lw-command" lang="ja">{escape(text)}</pre>'
        if text
        else components.tag("p", say("score.item.prompt.gone", lang), "lw-note")
    )
    return f'<details class="lw-more">{summary}{body}</details>'


# -- marks


def mark_choices(lang: str) -> list[tuple[str, str]]:
    """The marks, in words."""
    return [(message(f"marks.{name}", lang), name) for name in MARKS]


def marks_html(marks: Sequence[Mark], lang: str) -> str:
    """What readers said of this item, newest first."""
    if not marks:
        return ""
    colon = "：" if lang == "ja" else ": "
    rows = "".join(
        "<li>"
        + components.tag("b", message(f"marks.{m.mark}", lang))
        + escape(colon + m.comment if m.comment else "")
        + components.tag("span", _signed(m, lang), "lw-note lw-block")
        + "</li>"
        for m in marks
    )
    return f'<ul class="lw-said">{rows}</ul>'


def _signed(mark: Mark, lang: str) -> str:
    evidence = say(f"evidence.{mark.evidence}.short", lang) if mark.evidence else ""
    answer = f"{components.model_name(mark.adapter, lang)} {mark.choice}"
    who = mark.user or say("score.mark.somebody", lang)
    return components.joined([who, components.when(mark.created), answer, evidence], lang)


def counts_html(counts: Mapping[str, int], lang: str) -> str:
    """How often each mark was given."""
    if not any(counts.values()):
        return components.tag("p", say("score.mark.none", lang), "lw-note")
    comma = "、" if lang == "ja" else ", "
    told = comma.join(f"{message(f'marks.{k}', lang)} {n}" for k, n in counts.items() if n)
    return components.tag("p", say("score.mark.counts", lang, counts=told), "lw-note")
