"""The Adapters tab as HTML: the list, the columns side by side, settings, differences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from itertools import combinations
from typing import Any

from lawui.asks import AskResult
from lawui.errors import message
from lawui.messages import MESSAGES
from lawui.types import BASE, EVIDENCES, AdapterInfo, ScoreJob, all_told
from lawui.ui import components
from lawui.ui.picker import learnt, set_words
from lawui.ui.text import duration, remaining, said, say

FEWEST, MOST = 2, 6
"""Columns side by side."""

SEPARATOR = "~"
"""Between evidence and adapter in the key of a column; a name of an adapter has none."""

PAGE = 100
"""Differing questions listed at a time."""

_STEM = 50

Column = tuple[str, str]
"""(adapter, evidence)."""


def key_of(column: Column) -> str:
    """A column as one word: `given~base`."""
    return f"{column[1]}{SEPARATOR}{column[0]}"


def column_of(key: str) -> Column:
    """The column that a key names."""
    evidence, _, adapter = key.partition(SEPARATOR)
    return adapter, evidence


def ready(keys: Sequence[str] | None) -> list[Column] | None:
    """The chosen columns, or None where they are too few or too many."""
    chosen = list(dict.fromkeys(keys or ()))
    return [column_of(k) for k in chosen] if FEWEST <= len(chosen) <= MOST else None


def column_label(column: Column, lang: str) -> str:
    """A column in words: version and law shown."""
    adapter, evidence = column
    shown = said(f"evidence.{evidence}.short", lang, evidence)
    return components.joined([components.model_name(adapter, lang), shown], lang)


def column_choices(adapters: Sequence[AdapterInfo], lang: str) -> list[tuple[str, str]]:
    """Every version with every way of showing the law."""
    names = [BASE, *(a.name for a in adapters if not a.fault)]
    columns = [(name, evidence) for name in names for evidence in EVIDENCES]
    return [(column_label(c, lang), key_of(c)) for c in columns]


# -- the list


def adapters_html(adapters: Sequence[AdapterInfo], lang: str) -> str:
    """The table of adapters; a broken one says why."""
    if not adapters:
        return components.empty(say("adapters.empty", lang))
    headers = ("name", "base", "rank", "set", "split", "date", "loss", "state")
    rows = [
        [
            components.tag("b", a.name),
            escape(a.base_model),
            str(a.rank or ""),
            escape(learnt(a, lang)),
            _groups(a, lang),
            escape(components.when(a.created)),
            "" if a.final_loss is None else f"{a.final_loss:.3f}",
            _state(a, lang),
        ]
        for a in adapters
    ]
    names = [say(f"adapters.{h}", lang) for h in headers]
    return components.table(names, rows, say("adapters.list", lang), numeric=(2, 4, 6))


def _groups(adapter: AdapterInfo, lang: str) -> str:
    if all_told(adapter.trained_groups):
        return say("adapters.groups", lang, n=len(adapter.trained_groups))
    return "" if adapter.fault else say("adapters.groups.untold", lang)


def _state(adapter: AdapterInfo, lang: str) -> str:
    if not adapter.fault:
        return components.tag("span", say("adapters.sound", lang), "lw-state lw-state-done")
    badge = components.tag("span", say("adapters.faulty", lang), "lw-state lw-state-failed")
    return badge + components.tag("p", fault_words(adapter, lang), "lw-note")


def fault_words(adapter: AdapterInfo, lang: str) -> str:
    """An adapter's fault in a sentence. The key alone where its params are not known."""
    if adapter.fault not in MESSAGES:
        return adapter.fault
    values = {"name": adapter.name, "path": adapter.path, "base": adapter.base_model}
    try:
        return message(adapter.fault, lang, **values)
    except (KeyError, IndexError):
        return adapter.fault


# -- side by side


def columns_html(results: Sequence[AskResult], lang: str) -> str:
    """The versions side by side, whether they agree said first."""
    if not results:
        return components.empty(say("adapters.before", lang))
    torn = len({r.answer.choice for r in results}) > 1
    common = Counter(r.answer.choice for r in results).most_common(1)[0][0]
    cards = "".join(_column(r, torn and r.answer.choice != common, lang) for r in results)
    return (
        f'<div aria-live="polite">{agreement_html(results, lang)}'
        f'<div class="lw-side">{cards}</div></div>'
    )


def agreement_html(results: Sequence[AskResult], lang: str) -> str:
    """Whether they agree, and if not who says what."""
    by_letter: dict[str, list[str]] = defaultdict(list)
    for r in results:
        column = (r.answer.adapter, r.answer.evidence)
        by_letter[r.answer.choice].append(column_label(column, lang))
    if len(by_letter) == 1:
        words, css = say("adapters.agree", lang, letter=next(iter(by_letter))), "lw-agree"
    else:
        comma, between = ("、", "と") if lang == "ja" else ("; ", ", ")
        counts = comma.join(
            say("adapters.differ.count", lang, letter=letter, names=between.join(names))
            for letter, names in sorted(by_letter.items())
        )
        words, css = say("adapters.differ", lang, counts=counts), "lw-differ"
    return components.tag("p", words, css)


def _column(result: AskResult, alone: bool, lang: str) -> str:
    answer = result.answer
    pairs = [(say("ask.took", lang), duration(answer.seconds, lang))]
    name = column_label((answer.adapter, answer.evidence), lang)
    words = [components.sureness(answer, lang)]
    if result.orders:
        words.append(components.order_words(result.orders, lang))
    if result.shortened:
        words.append(say("ask.shortened", lang))
    words += [warning.text(lang) for warning in result.warnings]
    return (
        f'<section class="lw-column{" lw-alone" if alone else ""}">'
        f"<h3>{components.tag('span', answer.choice, 'lw-big-letter')}"
        f"{escape(name)}</h3>{components.bars(answer, lang)}"
        f"{''.join(components.tag('p', w) for w in words)}{components.facts(pairs)}"
        f"{_passages(result, lang)}{provenance_html(result, lang)}</section>"
    )


def _passages(result: AskResult, lang: str) -> str:
    """The passages that were shown, folded, with links to their official pages."""
    if not result.passages:
        return ""
    summary = components.tag("summary", say("adapters.passages", lang, n=len(result.passages)))
    query, cut = result.question.query, result.shortened
    shown = components.passages(result.passages, query, lang, shortened=cut)
    return f'<details class="lw-more">{summary}{shown}</details>'


def provenance_html(result: AskResult, lang: str) -> str:
    """Which base, adapter and prompt answered."""
    pairs = [
        ("base", f"{result.model} {result.model_sha}".strip()),
        ("adapter_sha", result.adapter_sha),
        ("prompt_sha", result.answer.prompt_sha),
    ]
    told = components.facts((say(f"score.by.{name}", lang), value) for name, value in pairs)
    return f'<div class="lw-by">{told}</div>'


# -- what differs between their settings


def settings_html(adapters: Sequence[AdapterInfo], lang: str) -> str:
    """The settings in which these adapters differ, one row each; nothing for fewer than two."""
    if len(adapters) < 2:
        return ""
    rows = differing_settings(adapters, lang)
    if not rows:
        return components.tag("p", say("adapters.settings.same", lang), "lw-note")
    cells = [
        [
            components.tag(
                "b", said(f"field.{name}", lang, said(f"adapters.of.{name}", lang, name))
            ),
            *(escape(value) for value in values),
        ]
        for name, values in rows
    ]
    headers = [say("adapters.settings.name", lang), *(a.name for a in adapters)]
    return components.table(headers, cells, say("adapters.settings", lang))


def differing_settings(adapters: Sequence[AdapterInfo], lang: str) -> list[tuple[str, list[str]]]:
    """(name, a value for each adapter) of everything that is not the same for all."""
    known = [_facts(a, lang) for a in adapters]
    names = list(dict.fromkeys(name for facts in known for name in facts))
    rows = [(name, [facts.get(name, "") for facts in known]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def _facts(adapter: AdapterInfo, lang: str) -> dict[str, str]:
    own = {
        "base": adapter.base_model,
        "base_sha": adapter.base_sha,
        "set": learnt(adapter, lang),
        "groups": str(len(adapter.trained_groups)),
        "loss": "" if adapter.final_loss is None else f"{adapter.final_loss:.3f}",
        "weights_sha": adapter.weights_sha,
        "prompt_sha": adapter.prompt_sha,
        "licence": adapter.licence,
        "created": components.when(adapter.created),
    }
    settings = {k: _plain(v) for k, v in adapter.settings.items() if k != "output_dir"}
    if settings.get("train_set"):
        settings["train_set"] = set_words(settings["train_set"], lang)
    if not settings:
        settings = {
            "lora_r": str(adapter.rank),
            "lora_alpha": f"{adapter.alpha:g}",
            "target_modules": ", ".join(adapter.targets),
        }
    return {**settings, **own}


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


# -- over the whole set

ANY = "any"


def pair_choices(columns: Sequence[Column], lang: str) -> list[tuple[str, str]]:
    """Which columns must differ: any of them, or a certain two."""
    pairs = list(combinations(range(len(columns)), 2)) if len(columns) > 2 else []
    named = [
        (
            say(
                "adapters.where.pair",
                lang,
                a=column_label(columns[i], lang),
                b=column_label(columns[j], lang),
            ),
            f"{i}-{j}",
        )
        for i, j in pairs
    ]
    return [(say("adapters.where.any", lang), ANY), *named]


def where_differ(items: Sequence[Mapping[str, Any]], pair: str) -> list[Mapping[str, Any]]:
    """The items on which any columns differ, or the two that `pair` (`0-2`) names."""
    if pair == ANY:
        return [item for item in items if item["distinct"] > 1]
    i, j = (int(n) for n in pair.split("-"))
    return [item for item in items if item["letters"][i] != item["letters"][j]]


def differences_html(
    items: Sequence[Mapping[str, Any]],
    total: int,
    columns: Sequence[Column],
    opened: str | None,
    lang: str,
) -> str:
    """The differing items, one letter a column; a press on a number opens it."""
    words = say("adapters.where.count", lang, n=len(items), total=total)
    head = components.tag("p", words, "lw-verdict")
    if not items:
        return head
    rows = [
        [
            _opener(item["id"], lang),
            f'<span lang="ja">{escape(_shorten(item["stem"]))}</span>',
            escape(item["gold"]),
            *(
                f"{'○' if right else '×'} {escape(letter)}"
                for letter, right in zip(item["letters"], item["rights"], strict=True)
            ),
        ]
        for item in items[:PAGE]
    ]
    names = ("score.item", "score.item.stem", "score.item.gold")
    headers = [*(say(n, lang) for n in names), *(column_label(c, lang) for c in columns)]
    classes = ["lw-now-open" if item["id"] == opened else "" for item in items[:PAGE]]
    caption = say("adapters.where", lang)
    note = ""
    if len(items) > PAGE:
        note = components.tag("p", say("adapters.where.first", lang, n=PAGE), "lw-note")
    return head + components.table(headers, rows, caption, classes=classes) + note


def _opener(qid: str, lang: str) -> str:
    number = qid.partition("-")[2]
    label = say("score.item.open", lang, id=number)
    return (
        f'<button type="button" class="lw-open" data-open="{escape(qid)}" '
        f'aria-label="{escape(label)}">{escape(number)}</button>'
    )


def _shorten(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _STEM else flat[:_STEM] + "…"


def progress_html(job: ScoreJob, lang: str) -> str:
    """How far the set has been put to the columns."""
    done = say("score.job.total", lang, done=job.done, total=job.total)
    parts = (done, remaining(job.remaining, lang))
    return components.progress(job.done, job.total, components.joined(parts, lang))
