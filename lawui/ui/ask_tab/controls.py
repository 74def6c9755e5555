"""The components of the Ask tab that its events read and write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lawui.ui.ask_tab.own import Own
from lawui.ui.picker import Picker


@dataclass(frozen=True)
class Asking:
    """Which question: from a set or one's own; the reader's letter; the official answer."""

    source: Any
    picker: Picker
    from_set: Any
    from_own: Any
    own: Own
    question: Any
    commit: Any
    reveal: Any
    veil: Any

    @property
    def chosen(self) -> list[Any]:
        """The inputs of `state.chosen_question`."""
        return [self.source, self.picker.set, self.picker.item, self.own.stem, *self.own.choices]


@dataclass(frozen=True)
class Answering:
    """How it is to be answered, and the answer."""

    evidence: Any
    adapter: Any
    orders: Any
    deep: Any
    answer: Any
    notice: Any
    rebuild: Any
    result: Any


@dataclass(frozen=True)
class Trying:
    """What is changed: the passages kept, a part and its new wording, a swap, a pin."""

    keep: Any
    passages: Any
    part: Any
    text: Any
    apply: Any
    swap: Any
    words: Any
    search: Any
    pin: Any
    changes: Any
    back: Any
    reset: Any
    notice: Any


@dataclass(frozen=True)
class Controls:
    """The whole tab. `asked` and `revealed` are the session's state, `visit` the name under
    which the browser keeps it."""

    asking: Asking
    answering: Answering
    trying: Trying
    asked: Any
    revealed: Any
    visit: Any

    @property
    def picker(self) -> Picker:
        return self.asking.picker

    @property
    def evidence(self) -> Any:
        return self.answering.evidence

    @property
    def adapter(self) -> Any:
        return self.answering.adapter

    @property
    def request(self) -> list[Any]:
        """The inputs of an answer, in the order of `answering.Request`."""
        a = self.answering
        how = [a.evidence, a.adapter, a.orders, a.deep]
        return [*self.asking.chosen, *how, self.asked, self.revealed, self.trying.part]

    @property
    def drawn(self) -> list[Any]:
        """The outputs of an answer, in the order of `answering.drawn`."""
        t = self.trying
        shown = [t.passages, t.keep, t.part, t.changes, t.back, t.reset]
        return [self.asked, self.answering.result, *shown, self.answering.rebuild]
