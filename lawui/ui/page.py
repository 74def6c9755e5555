"""What every tab shares: the session's language, and one way to wire an event.

A tab registers the words of its components (`say`), the parts it draws from values
(`view`) and its events (`on`). Switching the language updates words and views in
place, so that nothing typed is lost; opening the page does the same once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import gradio as gr

from lawui.errors import LabError
from lawui.lab import Lab
from lawui.ui import access, components, waiting
from lawui.ui.text import LANGUAGES, preferred, say

log = logging.getLogger(__name__)

C = TypeVar("C")
Words = str | Callable[[str], Any]
"""A key of text.py, or a function from the language to a property's value."""

Handler = Callable[..., Any]
View = tuple[Handler, list[Any], list[Any]]
"""A function, its inputs, its outputs."""

_OPEN = """element.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-open]");
  if (pressed) trigger("click", { opened: pressed.dataset.open });
});"""


class Page:
    """One page under construction. `language` holds `ja` or `en` and is every event's
    first input; `user` holds the log-in name, "" where nobody logs in: a state on the
    server, which no browser can set."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.default = lab.settings.lang
        self._words: list[tuple[Any, dict[str, Words]]] = []
        self._views: list[View] = []
        self._pace = waiting.Pace()
        self.language: Any = None
        self.user: Any = None
        self._opened: dict[gr.Tab, tuple[gr.Button, list[View]]] = {}

    def add_language_switch(self) -> None:
        """Put the switch here: it must exist before the first event is wired."""
        self.user = gr.State("")
        self.language = gr.Radio(
            list(LANGUAGES),
            value=self.default,
            elem_id="language",
            elem_classes="lw-language",
            container=False,
            show_label=False,
            label="言語 / Language",
        )

    def say(self, component: C, **props: Words) -> C:
        """Give `component` properties whose words follow the language."""
        self._words.append((component, props))
        for name, value in self._props(props, self.default).items():
            setattr(component, name, value)
        return component

    def dropdown(
        self, label: Words, choices: Callable[[str], Any], value: Any, **options: Any
    ) -> gr.Dropdown:
        """A list of (words, key) that follows the language; not to be typed into."""
        box = gr.Dropdown(
            choices=choices(self.default), value=value, **{"filterable": False, **options}
        )
        return self.say(box, label=label, choices=choices)

    def heading(self, key: str, level: str = "h2", css: str = "") -> None:
        """A line of words of its own."""
        self.say(gr.HTML(), value=lambda lang: components.tag(level, say(key, lang), css))

    def view(self, fn: Handler, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Draw `outputs` by `fn(lang, *inputs)` when the page opens and when the
        language changes. `fn` must be pure but for reading the lab."""
        self._views.append((fn, list(inputs), list(outputs)))

    def when_opened(
        self, tab: gr.Tab, fn: Handler, inputs: Sequence[Any], outputs: Sequence[Any]
    ) -> None:
        """Set `outputs` by `fn(lang, *inputs)` each time after `tab`, which is being built, was
        opened. script.js presses one button for all of a tab, once the tab is drawn: Gradio's
        own event would come before, and hold it up."""
        if tab not in self._opened:
            self._opened[tab] = gr.Button("", visible="hidden", elem_classes="lw-opened"), []
        self._opened[tab][1].append((fn, list(inputs), list(outputs)))

    @staticmethod
    def pulse(quick: bool | None = False) -> gr.Button:
        """A button out of sight that script.js presses every few seconds while its tab is in
        sight, every second if `quick`; `beat` changes that. Unlike a gr.Timer's, its rest on
        the other tabs hangs on no event that may come late."""
        return gr.Button("", visible="hidden", elem_classes=beat(quick)["elem_classes"])

    def notice(self, **more: Any) -> gr.HTML:
        """A place for sentences to the reader; it empties itself with the language."""
        return self.say(gr.HTML(elem_classes="lw-notices", **more), value=lambda _: "")

    def on(
        self,
        triggers: Any,
        fn: Handler,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        notice: Any = None,
        busy: str = "",
        **event: Any,
    ) -> Any:
        """Wire a private event: `fn(lang, *inputs)` gives one value an output, and may add
        one more for `notice`, or None for no change. A LabError becomes a sentence in
        `notice`, in the session's language, and leaves every output as it is. `busy` names
        words that stand there while `fn` works.
        """
        handle, targets = self._handler(fn, outputs, notice, busy)
        options = {"show_progress": "hidden", "api_visibility": "private", **event}
        wires = triggers if isinstance(triggers, list) else [triggers]
        return gr.on(wires, handle, [self.language, *inputs], targets, **options)

    def on_choice(
        self,
        box: gr.Dropdown,
        fn: Handler,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        **more: Any,
    ) -> Any:
        """As `on`, when a line of the list `box` was chosen. Gradio tells of an input also
        when a reader only passes through a list; script.js then sends no language."""
        js = f"(...all) => lawuiChose('{box.elem_id}') ? all : [null, ...all.slice(1)]"
        return self.on([box.input], fn, inputs, outputs, js=js, **more)

    def after(
        self,
        done: Any,
        fn: Handler,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        notice: Any = None,
        busy: str = "",
        **event: Any,
    ) -> Any:
        """As `on`, once the event `done` (what `on` or `on_open` returned) is over."""
        handle, targets = self._handler(fn, outputs, notice, busy)
        options = {"show_progress": "hidden", "api_visibility": "private", **event}
        return done.then(handle, [self.language, *inputs], targets, **options)

    def _handler(
        self, fn: Handler, outputs: Sequence[Any], notice: Any, busy: str
    ) -> tuple[Handler, list[Any]]:
        """The function that Gradio calls, and its outputs."""
        targets = [*outputs, notice] if notice is not None else list(outputs)

        def handle(lang: str | None, *values: Any) -> Any:
            def work() -> tuple[Any, ...]:
                return answer(fn, str(lang), values, len(outputs), notice is not None)

            results: Iterable[tuple[Any, ...]]
            if lang is None:  # nothing was chosen: see `on_choice`
                results = [tuple(skips(len(targets)))]
            elif busy:
                results = self._told(busy, work, len(outputs), lang, fn)
            else:
                results = [work()]
            for result in results:
                # For a single output Gradio takes a tuple as the value itself.
                yield result if len(targets) != 1 else result[0]

        return handle, targets

    def _told(
        self, busy: str, work: Callable[[], tuple[Any, ...]], n: int, lang: str, fn: Handler
    ) -> Iterator[tuple[Any, ...]]:
        """The values of `work`, after those that say in the notice how it stands."""
        yield (*skips(n), waiting.words(busy, waiting.Wait(), lang))
        for news in self._pace.run(f"{busy} {fn.__qualname__}", work):
            if isinstance(news, waiting.Done):
                yield news.value
            else:
                yield (*skips(n), waiting.words(busy, news, lang))

    def stream(
        self,
        triggers: list[Any],
        fn: Callable[..., Iterator[tuple[Any, ...]]],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        notice: Any,
        busy: str,
    ) -> Any:
        """Wire a private event whose `fn(lang, *inputs)` yields again and again the values
        of `outputs` and of `notice`. Errors become sentences as in `on`."""

        def handle(lang: str, *values: Any) -> Any:
            same = skips(len(outputs))
            yield (*same, components.notice([say(busy, lang)], lang, "busy"))
            try:
                yield from fn(lang, *values)
            except Exception as error:
                yield (*same, trouble(error, lang))

        options = {"show_progress": "hidden", "api_visibility": "private"}
        targets = [*outputs, notice]
        return gr.on(triggers, handle, [self.language, *inputs], targets, **options)

    def pressable(self, **more: Any) -> gr.HTML:
        """HTML whose elements with `data-open` can be pressed: see `on_open`."""
        return gr.HTML(js_on_load=_OPEN, **more)

    def on_open(
        self,
        html: gr.HTML,
        fn: Handler,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        notice: Any,
        busy: str = "",
    ) -> Any:
        """Wire a press on an element of a `pressable`: `fn(lang, opened, *inputs)`, where
        `opened` is the element's `data-open`; otherwise as `on`. A press counts also before all
        of what the one before it brought is drawn: it is on something else."""
        targets = [*outputs, notice]

        def handle(event: gr.EventData, lang: str, *values: Any) -> Any:
            def work() -> tuple[Any, ...]:
                return answer(fn, lang, (str(event.opened), *values), len(outputs), True)

            yield from self._told(busy, work, len(outputs), lang, fn) if busy else [work()]

        options: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        pressed = [self.language, *inputs]
        return html.click(handle, pressed, targets, trigger_mode="multiple", **options)

    def finish(self, blocks: gr.Blocks) -> Any:
        """Wire language and opening, after every tab is built. Returns the load event."""
        for button, looks in self._opened.values():
            self._wire_opened(button, looks)
        stored = gr.BrowserState("", storage_key="lawui.language", secret="lawui.language")
        inputs = [i for _, ins, _ in self._views for i in ins]
        outputs = list(dict.fromkeys(self._drawn()))
        # At opening all but what the browser kept is as it was built. To read the rest from the
        # page would cost more than its way: whatever was an input is looked up again by the
        # browser, through all of the page, at every later word from the server.
        kept = [i for i in dict.fromkeys(inputs) if isinstance(i, gr.BrowserState)]

        def switch(lang: str, *values: Any) -> list[Any]:
            return [lang, *self.everything(lang, values)]

        def opening(request: gr.Request, remembered: str, *values: Any) -> list[Any]:
            asked = preferred(request.headers.get("accept-language", ""), self.default)
            lang = remembered if remembered in ("ja", "en") else asked
            who = access.reader()
            # The views that read the user see him from the first drawing on.
            known = {self.user: who, **dict(zip(kept, values, strict=True))}
            built = [known.get(i, i.value) for i in inputs]
            return [lang, who, *self.everything(lang, built)]

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        tell = "(lang) => { document.documentElement.lang = lang; }"
        self.language.input(switch, [self.language, *inputs], [stored, *outputs], **quiet)
        self.language.change(None, self.language, None, js=tell, **quiet)
        given = [self.language, self.user, *outputs]
        return blocks.load(opening, [stored, *kept], given, **quiet)

    def _wire_opened(self, button: gr.Button, looks: Sequence[View]) -> None:
        def look(lang: str, *values: Any) -> list[Any]:
            return self._all(looks, lang, values)

        inputs = [i for _, ins, _ in looks for i in ins]
        self.on([button.click], look, inputs, [o for _, _, outs in looks for o in outs])

    @staticmethod
    def _all(views: Sequence[View], lang: str, values: Sequence[Any]) -> list[Any]:
        """What `views` give, one after another; `values` are their inputs, in order."""
        fresh: list[Any] = []
        at = 0
        for fn, inputs, outputs in views:
            mine = values[at : at + len(inputs)]
            at += len(inputs)
            fresh += answer(fn, lang, mine, len(outputs), False)
        return fresh

    def everything(self, lang: str, values: Sequence[Any]) -> list[Any]:
        """All words and views in `lang`; `values` are the views' inputs, in order."""
        fresh = [gr.update(**self._props(props, lang)) for _, props in self._words]
        fresh += self._all(self._views, lang, values)
        merged: dict[Any, Any] = {}
        for component, value in zip(self._drawn(), fresh, strict=True):
            both = isinstance(value, dict) and isinstance(merged.get(component), dict)
            merged[component] = {**merged[component], **value} if both else value
        return list(merged.values())

    def _drawn(self) -> list[Any]:
        """Every component with words, then every view's output: some are in both."""
        return [c for c, _ in self._words] + [o for _, _, outs in self._views for o in outs]

    @staticmethod
    def _props(props: dict[str, Words], lang: str) -> dict[str, Any]:
        return {k: v(lang) if callable(v) else say(v, lang) for k, v in props.items()}


def beat(quick: bool | None) -> Any:
    """The update of a `pulse`: each second, every few seconds, or (None) not at all."""
    names = {True: ["lw-pulse", "lw-quick"], False: ["lw-pulse"], None: []}
    return gr.update(elem_classes=names[quick])


def follow(
    page: Page,
    tab: gr.Tab,
    box: Any,
    draw: Callable[[str, str, Any], Any],
    keys: Callable[[str, str], list[str]],
) -> Any:
    """Keep the list `box` as it is now whenever `tab` is opened, and in the page's language:
    `draw(lang, user, value)` updates it where `keys(lang, user)` have changed. Returns the
    trigger of events for when they have."""
    known = gr.State(keys(page.default, ""))

    def look(lang: str, user: str, value: Any, before: list[str]) -> Any:
        now = keys(lang, user)
        return None if now == before else (draw(lang, user, value), now)

    page.when_opened(tab, look, [page.user, box, known], [box, known])
    page.view(draw, [page.user, box], [box])
    return known.change


def relist(choices: list[tuple[str, str]], value: Any, wanted: Any) -> Any:
    """The update of a list to new `choices` with `wanted` chosen; `value` is what is chosen
    now. Gradio draws the new words of a value only where the value itself is not sent."""
    if value == wanted:
        return gr.update(choices=choices)
    return gr.update(choices=choices, value=wanted)


def answer(fn: Handler, lang: str, values: Sequence[Any], n: int, notice: bool) -> tuple[Any, ...]:
    """The values of `n` outputs, and one of the notice where there is one. No error of
    the lab, or of ours, reaches the page as a traceback."""
    try:
        result = fn(lang, *values)
    except Exception as error:
        said = trouble(error, lang)
        return (*skips(n), said) if notice else tuple(skips(n))
    if result is None:
        return (*skips(n), "") if notice else tuple(skips(n))
    got = tuple(result) if isinstance(result, (tuple, list)) else (result,)
    return got if len(got) > n or not notice else (*got, "")


def trouble(error: Exception, lang: str) -> str:
    """An error as a notice: the lab's own in its sentences; any other goes into the log."""
    if isinstance(error, LabError):
        return components.notice(sentences(error, lang), lang)
    log.error("unexpected error in an event of the page", exc_info=error)
    return components.notice([say("page.unexpected", lang)], lang)


def sentences(error: LabError, lang: str) -> list[str]:
    """What an error says; one that carries several faults says each."""
    faults: Sequence[LabError] = getattr(error, "faults", ())
    return [fault.text(lang) for fault in faults] or [error.text(lang)]


def skips(n: int) -> list[Any]:
    """So many outputs that stay as they are."""
    return [gr.skip() for _ in range(n)]
