"""What the page shows, as HTML: pure functions from values to escaped text.

Nothing here calls the lab or knows Gradio. Every text that a user, a file or a model
brought passes through `escape`; `lang` is `ja` or `en`.
"""

from __future__ import annotations

import re
from calendar import month_name
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from html import escape
from urllib.parse import SplitResult, urlsplit

from lawui.types import BASE, GUIDELINE, LETTERS, Answer, Passage, Question
from lawui.ui.text import said, say

VERY_SURE, FAIRLY_SURE, WAVERING = 0.85, 0.55, 0.35
"""Shares of the first choice from which the words say: hardly hesitates, leans, wavers."""

FORMAT_KNOWN = 0.5
"""Letter mass below which the page warns that the model does not speak the format."""

_MARK_LENGTH = 3
_CONTENT = re.compile(r"[\u3400-\u9fff\u30a1-\u30fa々〇0-9０-９a-zA-Z]")


def percent(share: float, digits: int = 0) -> str:
    """0.345 as `34` or, with one digit, `34.5`."""
    return f"{100 * share:.{digits}f}"


def model_name(adapter: str, lang: str) -> str:
    """An adapter's own name, or words for the bare base."""
    return say("word.base_short", lang) if adapter == BASE else adapter


def joined(parts: Iterable[str], lang: str) -> str:
    """Parts of one line, with the dot that each language sets between them."""
    return ("・" if lang == "ja" else " · ").join(part for part in parts if part)


def tag(name: str, text: str, css: str = "", **attributes: str) -> str:
    """One element around `text`, which is escaped."""
    more = "".join(f' {k.replace("_", "-")}="{escape(v)}"' for k, v in attributes.items())
    shape = f' class="{css}"' if css else ""
    return f"<{name}{shape}{more}>{escape(text)}</{name}>"


def when(created: str) -> str:
    """`2026-11-23T14:05:12+00:00` as `2026-11-23 14:05` in this computer's time zone."""
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return created


def empty(text: str) -> str:
    """What stands where nothing is yet: a sentence that says what to do."""
    return f'<p class="lw-empty">{escape(text)}</p>'


def notice(texts: Sequence[str], lang: str, kind: str = "trouble") -> str:
    """Sentences for the reader: `trouble` is announced at once, `info` and `busy` politely."""
    if not texts:
        return ""
    role = "alert" if kind == "trouble" else "status"
    title = tag("strong", say("page.trouble", lang)) if kind == "trouble" else ""
    body = (
        "<ul>" + "".join(tag("li", t) for t in texts) + "</ul>"
        if len(texts) > 1
        else tag("p", texts[0])
    )
    return f'<div class="lw-notice lw-{kind}" role="{role}">{title}{body}</div>'


def busy(words: str, clock: str = "") -> str:
    """That something works; `clock` tells how long, to the eye alone and unannounced."""
    if not clock:
        return f'<div class="lw-notice lw-busy" role="status">{tag("p", words)}</div>'
    shown = f"<p>{escape(words)} {tag('span', clock, 'lw-clock', aria_hidden='true')}</p>"
    return f'<div class="lw-notice lw-busy">{shown}</div>'


# -- a question as in a book


def question(q: Question, lang: str, *, revealed: bool = False, link: str = "") -> str:
    """The question as printed: law, number, stem and four choices. Statute language is
    always marked as Japanese, so that screen readers and fonts treat it so."""
    head = tag("span", q.law, "lw-law") if q.law else ""
    head += tag("span", q.id, "lw-id") if q.gold else ""
    rows = "".join(
        f'<li class="{"lw-gold" if revealed and q.gold == letter else ""}">'
        f'<span class="lw-letter">{letter}</span><span>{_lines(choice)}</span></li>'
        for letter, choice in zip(LETTERS, q.choices, strict=True)
    )
    return (
        f'<article class="lw-question"><header>{head}{link}</header>'
        f'<p class="lw-stem" lang="ja">{_lines(q.stem)}</p>'
        f'<ol class="lw-choices" lang="ja">{rows}</ol></article>'
    )


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


# -- bars


def bars(
    now: Answer,
    lang: str,
    before: Answer | None = None,
    gold: str = "",
    labels: bool = True,
    figures: bool = True,
) -> str:
    """Four bars with their letter, the old ones thinner beside the new. `gold` marks the
    official answer and is "" while it is hidden. Without `figures` they bear no per cent:
    the answer is none."""
    legend = ""
    if before and labels:
        legend = (
            '<p class="lw-legend"><span><span class="lw-key lw-now"></span>'
            f"{_named(say('ask.now', lang), _short(now, lang), lang)}</span>"
            '<span><span class="lw-key lw-old"></span>'
            f"{_named(say('ask.before', lang), _short(before, lang), lang)}</span></p>"
        )
    rows = "".join(_bar(i, now, before, gold, lang, figures) for i in range(4))
    return f'{legend}<ul class="lw-bars">{rows}</ul>'


def _named(name: str, value: str, lang: str) -> str:
    return escape(f"{name}：{value}" if lang == "ja" else f"{name}: {value}")


def _short(answer: Answer, lang: str) -> str:
    evidence = said(f"evidence.{answer.evidence}.short", lang, answer.evidence)
    return joined((model_name(answer.adapter, lang), evidence), lang)


def bar_words(i: int, now: Answer, before: Answer | None, lang: str) -> str:
    """One bar as it is spoken: the letter, its share, the share before."""
    spoken = say("ask.bar", lang, letter=LETTERS[i], percent=percent(now.probs[i]))
    if before:
        spoken += say("ask.bar.before", lang, percent=percent(before.probs[i]))
    return spoken


def _bar(i: int, now: Answer, before: Answer | None, gold: str, lang: str, figures: bool) -> str:
    letter, share = LETTERS[i], now.probs[i]
    spoken = say("ask.own.choice", lang, letter=letter)
    if figures:
        spoken = bar_words(i, now, before, lang)
    old = ""
    if before:
        old = f'<span class="lw-thin">{_fill("lw-old", before.probs[i])}</span>'
    marks = "lw-chosen" if now.choice == letter and figures else ""
    official = ""
    if gold == letter:
        marks += " lw-official"
        official = tag("em", say("word.official", lang))
    old_figure = tag("small", percent(before.probs[i]) + " %") if before else ""
    shown = f"{percent(share)} %{old_figure}" if figures else ""
    return (
        f'<li class="{marks}"><span class="lw-hidden">{escape(spoken)}</span>'
        f'<span class="lw-letter" aria-hidden="true">{letter}</span>'
        f'<span class="lw-track" aria-hidden="true">'
        f"<span>{_fill('lw-now', share)}</span>{old}</span>"
        f'<span class="lw-figure" aria-hidden="true">{shown}</span>'
        f"{official}</li>"
    )


def _fill(css: str, share: float) -> str:
    return f'<i class="lw-fill {css}" style="width:{percent(share, 2)}%"></i>'


def sureness(answer: Answer, lang: str) -> str:
    """How sure the model is, in plain words: a sentence, never a bare figure."""
    order = sorted(range(4), key=lambda i: -answer.probs[i])
    first, second = LETTERS[order[0]], LETTERS[order[1]]
    share = answer.probs[order[0]]
    if share >= VERY_SURE:
        key = "ask.sure.very"
    elif share >= FAIRLY_SURE:
        key = "ask.sure.fairly"
    elif share >= WAVERING:
        key = "ask.sure.wavering"
    else:
        key = "ask.sure.lost"
    return say(key, lang, letter=first, second=second)


def order_words(orders: Sequence[Answer], lang: str) -> str:
    """Whether the order of the choices mattered. `orders` are answers to the same
    question in other orders, already in the question's own letters."""
    if not orders:
        return say("ask.orders.off", lang)
    counts = Counter(answer.choice for answer in orders)
    if len(counts) == 1:
        return say("ask.orders.same", lang, n=len(orders), letter=next(iter(counts)))
    comma = "、" if lang == "ja" else ", "
    split = comma.join(
        say("ask.orders.count", lang, letter=letter, n=n) for letter, n in counts.most_common()
    )
    return say("ask.orders.split", lang, counts=split)


# -- passages


def passages(
    shown: Sequence[Passage],
    query: str,
    lang: str,
    dropped: Iterable[str] = (),
    marks: Mapping[str, str] | None = None,
    taken_out: Collection[str] = (),
    shortened: Iterable[str] = (),
) -> str:
    """The passages as cards: citation, text with the question's words marked, link. `marks`
    are more badges (HTML) by passage id; `taken_out` are greyed, as those `dropped` for lack
    of room, which say so as those do that were `shortened` for it."""
    if not shown:
        return empty(say("passages.none", lang))
    cut = set(dropped)
    more = dict(marks or {})
    for key, ids in (("passages.dropped", cut), ("passages.shortened", shortened)):
        for id in ids:
            more[id] = tag("span", say(key, lang), "lw-badge") + more.get(id, "")
    grey = cut | set(taken_out)
    cards = "".join(_passage(p, query, lang, p.id in grey, more.get(p.id, "")) for p in shown)
    return (
        f'<p class="lw-note">{escape(say("passages.marked", lang))}</p>'
        f'<ol class="lw-passages">{cards}</ol>'
    )


def _passage(passage: Passage, query: str, lang: str, left_out: bool, marks: str) -> str:
    title = passage.citation() if passage.law or passage.altered else say("passages.nolaw", lang)
    own = passage.altered or not passage.caption  # the heading of a law goes with its text
    caption = "" if own else tag("span", passage.caption, "lw-caption", lang="ja")
    badges = outdated(passage, lang) + marks
    asof = tag("span", say("ask.asof", lang, date=passage.asof)) if passage.asof else ""
    found = passage.found_by and not passage.altered
    ways = tag("span", found_by(passage, lang)) if found else ""
    return (
        f'<li class="lw-passage{" lw-left-out" if left_out else ""}">'
        f"<header>{tag('cite', title, lang='ja')}{caption}{badges}</header>"
        f"{statute(passage, query)}"
        f"<footer>{ways}{asof}{link(passage, lang)}</footer></li>"
    )


def statute(passage: Passage, query: str) -> str:
    """The text of a passage with the words of `query` marked, after what it goes on from."""
    lead = tag("p", passage.lead, "lw-statute lw-lead", lang="ja") if passage.lead else ""
    return f'{lead}<p class="lw-statute" lang="ja">{marked(passage.text, query)}</p>'


def outdated(passage: Passage, lang: str) -> str:
    """A badge where the text in force is known to differ; a text that a user changed is no
    law's any more and has none."""
    if not passage.outdated or passage.altered:
        return ""
    return tag("span", say("passages.outdated", lang, date=day(passage.checked, lang)), "lw-badge")


def day(written: str, lang: str) -> str:
    """`2026-11-03` as 2026年11月3日 or 3 November 2026; what is no such day as it stands."""
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return written
    if lang == "ja":
        return f"{found.year}年{found.month}月{found.day}日"
    return f"{found.day} {month_name[found.month]} {found.year}"


def found_by(passage: Passage, lang: str) -> str:
    """The ways by which search found a passage, in plain words."""
    ways = [said(f"statutes.by.{way}", lang, way) for way in passage.found_by]
    return say("statutes.by", lang, ways=("、" if lang == "ja" else ", ").join(ways))


def link(passage: Passage, lang: str) -> str:
    """A link to the passage's public page: e-Gov for a law, any https for a guideline. A
    text that a user changed has none."""
    if passage.altered:
        return ""
    if official_page(passage.url):
        words = say("passages.link", lang)
    elif passage.law_id.startswith(GUIDELINE) and _parts(passage.url).scheme == "https":
        words = say("statutes.link", lang)
    else:
        return ""
    where = f'href="{escape(passage.url)}" target="_blank" rel="noopener noreferrer"'
    return f"<a {where}>{escape(words)}</a>"


def official_page(url: str) -> bool:
    """Whether `url` is an https page of e-Gov: the only place a passage may link to."""
    parts = _parts(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == "e-gov.go.jp" or host.endswith(".e-gov.go.jp"))


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # an address that is none
        return urlsplit("")


def marked(text: str, query: str) -> str:
    """`text` escaped, with the stretches that `query` holds too inside <mark>.

    A stretch is the longest common run from where it starts, three characters or more
    without its edges of kana and signs, so that particles alone are never marked.
    """
    parts: list[str] = []
    plain = start = 0
    while start < len(text):
        end = _common_run(text, start, query)
        if end:
            parts += [escape(text[plain:start]), f"<mark>{escape(text[start:end])}</mark>"]
            plain = start = end
        else:
            start += 1
    return "".join([*parts, escape(text[plain:])]).replace("\n", "<br>")


def _common_run(text: str, start: int, query: str) -> int:
    """Where the marked run from `start` ends; 0 where none begins."""
    if not _CONTENT.match(text[start]):
        return 0
    end = start
    while end < len(text) and text[end] != "\n" and text[start : end + 1] in query:
        end += 1
    while end > start and not _CONTENT.match(text[end - 1]):
        end -= 1
    run = text[start:end]
    return end if len(run) >= _MARK_LENGTH or (len(run) == 2 and run.isalpha()) else 0


# -- tables


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    *,
    numeric: Iterable[int] = (),
    classes: Sequence[str] = (),
) -> str:
    """A table that scrolls inside its card. Cells are HTML already: escape them first."""
    right = set(numeric)
    head = "".join(
        f'<th scope="col" class="{"lw-num" if i in right else ""}">{escape(h)}</th>'
        for i, h in enumerate(headers)
    )
    body = "".join(
        f'<tr class="{classes[n] if n < len(classes) else ""}">'
        + "".join(
            f'<td class="{"lw-num" if i in right else ""}" data-label="{escape(headers[i])}">'
            f"{cell}</td>"
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for n, row in enumerate(rows)
    )
    return (
        f'<div class="lw-table" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def progress(done: int, total: int, words: str) -> str:
    """A bar of progress with its words."""
    share = min(1.0, done / total) if total else 0.0
    return (
        f'<div class="lw-progress" role="progressbar" aria-valuemin="0" aria-valuemax="{total}" '
        f'aria-valuenow="{done}" aria-label="{escape(words)}">'
        f'<i style="width:{percent(share, 1)}%"></i></div>{tag("span", words, "lw-note")}'
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """A short list of names and values."""
    rows = "".join(f"<div>{tag('dt', k)}{tag('dd', v)}</div>" for k, v in pairs if v)
    return f'<dl class="lw-facts">{rows}</dl>'


def yardstick(
    share: float, low: float, high: float, marks: Sequence[tuple[str, float]], lang: str
) -> str:
    """One share with its interval on a line from 0 to 100 %, and marks to compare it by."""
    ticks = "".join(
        f'<span class="lw-tick" style="left:{percent(value, 1)}%"><i></i></span>'
        for _, value in marks
    )
    legend = "".join(
        f"<li><span>{escape(name)}</span><b>{percent(value, 1)} %</b></li>" for name, value in marks
    )
    return (
        '<div class="lw-scale" aria-hidden="true">'
        f'<span class="lw-range" style="left:{percent(low, 1)}%;width:{percent(high - low, 1)}%">'
        f'</span><span class="lw-point" style="left:{percent(share, 1)}%"></span>{ticks}</div>'
        f'<ul class="lw-marks">{legend}</ul>'
    )
