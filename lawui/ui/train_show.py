"""What the Train tab shows of runs, as HTML: pure functions from events to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from lawui.errors import message
from lawui.messages import MESSAGES
from lawui.types import RunStatus, TrainEvent
from lawui.ui import components
from lawui.ui.curve import Series, curve, smoothed
from lawui.ui.text import duration, remaining, said, say

ACTIVE = ("queued", "starting", "running")


def command_html(command: str, train: int, dev: int, lang: str) -> str:
    """How many rows it would learn from, and the command as it would be typed."""
    return (
        f"{components.tag('p', say('train.preview', lang, train=train, dev=dev), 'lw-note')}"
        f'<pre class="lw-command" tabindex="0"><code>{escape(command)}</code></pre>'
        f"{components.tag('p', say('train.command.help', lang), 'lw-note')}"
    )


def event_words(event: TrainEvent, lang: str) -> str:
    """An event's sentence in the reader's language, where it carries its key."""
    key = event.data.get("key", "")
    if key in MESSAGES:
        params = {k: v for k, v in event.data.items() if k != "key"}
        try:
            return message(key, lang, **params)
        except (KeyError, IndexError):  # written by another version
            pass
    return event.message


def run_words(status: RunStatus, events: Sequence[TrainEvent], lang: str) -> str:
    """What a run has to say now: its last sentence, or that it crashed."""
    if status.state == "crashed" and "train.crashed" in MESSAGES:
        return message("train.crashed", lang, run=status.run)
    told = [event for event in events if event.message]
    return event_words(told[-1], lang) if told and status.message else status.message


def seconds_left(status: RunStatus, events: Sequence[TrainEvent]) -> float | None:
    """Seconds left as the run itself reckons; None before its first step."""
    if status.state != "running":
        return None
    reckoned = [e.data["seconds_left"] for e in events if "seconds_left" in e.data]
    return reckoned[-1] if reckoned else None


def status_html(status: RunStatus | None, events: Sequence[TrainEvent], lang: str) -> str:
    """The state of a run: a badge, progress with the time left, and its sentence."""
    if status is None:
        return components.empty(say("train.none", lang))
    accuracy = status.eval_accuracy
    parts = [
        say("train.progress", lang, step=status.step, max=status.max_steps),
        say("train.elapsed", lang, time=duration(status.seconds, lang)),
        remaining(seconds_left(status, events), lang) if status.state in ACTIVE else "",
        ""
        if accuracy is None
        else say("train.accuracy_now", lang, percent=components.percent(accuracy, 1)),
    ]
    words = components.joined(parts, lang)
    lines = [run_words(status, events, lang)]
    if status.adapter:
        lines.append(say("train.ready", lang))
    body = "".join(components.tag("p", line) for line in lines if line)
    return (
        f'<div class="lw-run-head">{_badge(status.state, lang)}{components.tag("b", status.run)}'
        f"</div>{components.progress(status.step, status.max_steps, words)}"
        f'<div class="lw-words">{body}</div>'
    )


def _badge(state: str, lang: str) -> str:
    words = said(f"train.state.{state}", lang, state)
    return components.tag("span", words, f"lw-state lw-state-{state}")


def curves_html(
    events: Sequence[TrainEvent],
    status: RunStatus | None,
    lang: str,
    others: Mapping[str, Sequence[TrainEvent]] | None = None,
    log: bool = False,
) -> str:
    """Loss as dots with a smooth line, the loss and the accuracy on unseen questions with
    the grey line of the commonest letter, learning rate and gradient; `others` are earlier
    runs to lay over the loss and the accuracy."""
    if status is None:
        return ""
    logs, evals = _logs(events), [e for e in events if e.kind == "eval"]
    if not logs and not evals:
        return components.empty(say("train.waiting", lang)) if status.state in ACTIVE else ""
    earlier = {name: found for name, found in (others or {}).items() if name != status.run}
    steps = float(max([status.max_steps, *(e.step for o in earlier.values() for e in o)]))
    axis = say("train.curve.step", lang)
    drawn = [
        _loss_curve(logs, evals, earlier, steps, axis, lang, log),
        _accuracy_curve(evals, events, earlier, steps, axis, lang),
    ]
    small = [
        _figure_curve("rate", "learning_rate", logs, steps, axis, lang),
        _figure_curve("norm", "grad_norm", logs, steps, axis, lang),
    ]
    return (
        f'<div class="lw-curves">{"".join(drawn)}'
        f'<div class="lw-curve-pair">{"".join(small)}</div></div>'
    )


def _logs(events: Sequence[TrainEvent]) -> list[TrainEvent]:
    return [e for e in events if e.kind == "log" and e.loss is not None]


def _points(events: Sequence[TrainEvent], name: str) -> list[tuple[float, float]]:
    found = ((e.step, getattr(e, name)) for e in events)
    return [(float(step), float(value)) for step, value in found if value is not None]


def _loss_curve(
    logs: Sequence[TrainEvent],
    evals: Sequence[TrainEvent],
    earlier: Mapping[str, Sequence[TrainEvent]],
    steps: float,
    axis: str,
    lang: str,
    log: bool,
) -> str:
    raw = _points(logs, "loss")
    series = [
        Series(name, f"lw-line-o{number % 4}", smoothed(_points(_logs(found), "loss")))
        for number, (name, found) in enumerate(earlier.items())
    ]
    series += [
        Series(say("train.curve.raw", lang), "lw-line-raw", raw, dots=True),
        Series(say("train.curve.smooth", lang), "lw-line-1", smoothed(raw)),
        Series(say("train.curve.dev", lang), "lw-line-2", _points(evals, "eval_loss"), marks=True),
    ]
    return curve(say("train.curve.loss", lang), series, steps, axis, log=log)


def _accuracy_curve(
    evals: Sequence[TrainEvent],
    events: Sequence[TrainEvent],
    earlier: Mapping[str, Sequence[TrainEvent]],
    steps: float,
    axis: str,
    lang: str,
) -> str:
    points = _points(evals, "eval_accuracy")
    if not points:
        return ""
    band = [
        (float(e.step), e.eval_low, e.eval_high)
        for e in evals
        if e.eval_low is not None and e.eval_high is not None
    ]
    shares = [e.data["majority"] for e in events if "majority" in e.data]
    name = say("train.curve.accuracy", lang)
    level = (say("train.curve.majority", lang), float(shares[-1])) if shares else None
    series = [
        Series(run, f"lw-line-o{number % 4}", _points(found, "eval_accuracy"))
        for number, (run, found) in enumerate(earlier.items())
    ]
    series.append(Series(name, "lw-line-2", points, marks=True))
    return curve(
        name, series, steps, axis, y_range=(0.0, 1.0), percent=True, level=level, band=band
    )


def _figure_curve(
    key: str, field: str, logs: Sequence[TrainEvent], steps: float, axis: str, lang: str
) -> str:
    points = _points(logs, field)
    if not points:
        return ""
    name = say(f"train.curve.{key}", lang)
    return curve(name, [Series(name, "lw-line-3", points)], steps, axis)


def figures_html(events: Sequence[TrainEvent], lang: str) -> str:
    """Speed, memory and what the run chose for it."""
    logs = _logs(events)
    starts = [e.data for e in events if e.kind == "start"]
    pairs = []
    if logs:
        speed, memory = logs[-1].tokens_per_second, logs[-1].memory_bytes
        pairs += [
            (say("train.speed", lang), "" if speed is None else f"{speed:,.0f}"),
            (say("train.memory", lang), "" if memory is None else f"{memory / 1e9:.1f} GB"),
        ]
    if starts and "plan" in starts[-1]:
        pairs.append((say("train.plan", lang), plan_words(starts[-1]["plan"], lang)))
    return components.facts(pairs)


def plan_words(plan: Mapping[str, Any], lang: str) -> str:
    """What a run does to fit into its memory."""
    weights = "train.plan.unpacked" if plan.get("dequantize") else "train.plan.packed"
    layers = "train.plan.again" if plan.get("checkpointing") else "train.plan.kept"
    batch = say("train.plan.batch", lang, n=plan.get("micro_batch", 1))
    return components.joined([batch, say(weights, lang), say(layers, lang)], lang)


def said_html(events: Sequence[TrainEvent], lang: str) -> str:
    """All that a run said besides figures, the newest first."""
    told = [(e.step, event_words(e, lang)) for e in events if e.message]
    if not told:
        return ""
    lines = "".join(
        f"<li>{components.tag('b', say('train.said.step', lang, step=step))} {escape(words)}</li>"
        for step, words in reversed(told)
    )
    return f'<ul class="lw-said">{lines}</ul>'


def preview_html(shown: Mapping[str, Any], lang: str) -> str:
    """Rows as the model will see them, how long they are, and what would be cut."""
    start = shown["start_from"] or say("train.start_from.fresh", lang)
    facts = [
        (say("field.start_from", lang), start),
        (
            say("train.preview.rows", lang),
            say("train.preview.count", lang, train=shown["train_rows"], dev=shown["dev_rows"]),
        ),
        (
            say("train.preview.letters", lang),
            components.joined([f"{a} {n}" for a, n in shown["letters"].items()], lang),
        ),
        (
            say("train.preview.evidence", lang),
            components.joined(
                [
                    f"{say(f'evidence.{kind}.short', lang)} {n}"
                    for kind, n in shown["evidence"].items()
                ],
                lang,
            ),
        ),
        (say("train.preview.steps", lang), str(shown["steps"])),
    ]
    cuts = [
        say(f"train.preview.{key}", lang, n=n)
        for key, n in (
            ("shortened", shown["shortened"]),
            ("dropped", shown["dropped_rows"]),
            ("skipped", shown["skipped"]),
            ("seen", shown["also_seen"]),
        )
        if n
    ] or [say("train.preview.uncut", lang)]
    if shown["spared"]:
        cuts.append(say("train.preview.spared", lang, n=shown["spared"]))
    rows = "".join(
        f'<details class="lw-row"><summary>{escape(e["source"])} → <b>{escape(e["answer"])}</b>'
        f'</summary><pre class="lw-command" lang="ja">{escape(e["prompt"])}</pre></details>'
        for e in shown["examples"]
    )
    return (
        f"{components.facts(facts)}{''.join(components.tag('p', cut) for cut in cuts)}"
        f"{_histogram(shown, lang)}"
        f"{components.tag('h4', say('train.preview.examples', lang))}{rows}"
    )


def _histogram(shown: Mapping[str, Any], lang: str) -> str:
    """Bars of how many rows have a length, and of how many rows that was measured."""
    bins = shown["histogram"]
    part = shown["measured"] < shown["train_rows"]
    words = say("train.preview.measured", lang, n=shown["measured"]) if part else ""
    top = max((count for _, count in bins), default=0)
    rows = "".join(
        f'<li><span>{low}</span><i style="width:{components.percent(count / top, 1)}%"></i>'
        f"<b>{count}</b></li>"
        for low, count in bins
    )
    name = say("train.preview.lengths", lang)
    note = components.tag("p", words, "lw-note") if part else ""
    return f'{components.tag("h4", name)}{note}<ul class="lw-histogram">{rows}</ul>'


def runs_html(runs: Sequence[RunStatus], lang: str) -> str:
    """Every run, newest first."""
    if not runs:
        return ""
    headers = ("run", "state", "step", "loss", "accuracy", "time")
    queue = [r.run for r in reversed(runs) if r.state == "queued"]
    rows = [
        [
            escape(r.run),
            _badge(r.state, lang) + _place(r.run, queue, lang),
            f"{r.step} / {r.max_steps}",
            "" if r.loss is None else f"{r.loss:.3f}",
            "" if r.eval_accuracy is None else components.percent(r.eval_accuracy, 1) + " %",
            escape(duration(r.seconds, lang)),
        ]
        for r in runs
    ]
    names = [say(f"train.col.{h}", lang) for h in headers]
    return components.table(names, rows, say("train.runs", lang), numeric=(2, 3, 4, 5))


def _place(run: str, queue: Sequence[str], lang: str) -> str:
    if run not in queue:
        return ""
    words = say("train.queue.place", lang, n=queue.index(run) + 1)
    return components.tag("span", words, "lw-note")
