"""What if: a question and its passages with changes made to them, each of which can be
stepped back.

A `Trial` never loses what it began with: it keeps the question and the passages as they
were and replays its changes on them. A passage whose text was changed is no law's any more
(`Passage.altered`): it has no citation, no link and no date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from lawui.errors import UsageError, message
from lawui.types import LETTERS, Answer, Letter, Passage, Question

Kind = Literal["stem", "choice", "passage", "drop", "pin", "swap"]
KINDS: tuple[Kind, ...] = ("stem", "choice", "passage", "drop", "pin", "swap")

LONGEST = 20_000
"""Characters that a changed text may have."""

_QUOTED = 40
_AROUND = 6


@dataclass(frozen=True)
class Change:
    """One change. `where` is a choice's letter, a passage's id or, for `swap`, two letters,
    as they stand when the change is made; `text` is the new wording and `old` the one before;
    `passage` is the one that is dropped or pinned."""

    kind: Kind
    where: str = ""
    text: str = ""
    old: str = ""
    passage: Passage | None = None

    def words(self, lang: str) -> str:
        """What was changed, in a sentence. A reworded passage is not named: it is no law's."""
        name = ""
        if self.passage:
            cited = self.passage.law or self.passage.altered
            name = self.passage.citation() if cited else _short(self.passage.text)
        old, new = difference(self.old, self.text)
        where = "・".join(self.where) if self.kind == "swap" else self.where
        return message(f"whatif.{self.kind}", lang, where=where, old=old, new=new, passage=name)


@dataclass(frozen=True)
class Trial:
    """A question, the passages that its evidence brought (best first), and what was changed
    since, oldest first."""

    question: Question
    found: tuple[Passage, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def places(self) -> tuple[int, ...]:
        """For each choice as it stands now, its place (0-3) in the question as it was."""
        order = list(range(len(LETTERS)))
        for change in self.changes:
            if change.kind == "swap":
                one, other = (LETTERS.index(letter) for letter in _letters(change.where))
                order[one], order[other] = order[other], order[one]
        return tuple(order)

    @property
    def reworded(self) -> bool:
        """Whether stem or choices read otherwise than in the question as it was: the
        official answer is then no answer to it any more."""
        asked = self.asked
        return asked.stem != self.question.stem or sorted(asked.choices) != sorted(
            self.question.choices
        )

    @property
    def asked(self) -> Question:
        """The question as it stands now. Its official answer moves with its choice, and
        falls away where the wording was changed."""
        stem, choices = self.question.stem, list(self.question.choices)
        for change in self.changes:
            if change.kind == "stem":
                stem = change.text
            elif change.kind == "choice":
                choices[LETTERS.index(_letters(change.where)[0])] = change.text
            elif change.kind == "swap":
                one, other = (LETTERS.index(letter) for letter in _letters(change.where))
                choices[one], choices[other] = choices[other], choices[one]
        now = (choices[0], choices[1], choices[2], choices[3])
        if (stem, now) == (self.question.stem, self.question.choices):
            return self.question
        same = stem == self.question.stem and sorted(now) == sorted(self.question.choices)
        return replace(self.question, stem=stem, choices=now, gold=self._gold() if same else "")

    def _gold(self) -> str:
        if not self.question.gold:
            return ""
        return LETTERS[self.places.index(LETTERS.index(_letters(self.question.gold)[0]))]

    @property
    def listed(self) -> tuple[Passage, ...]:
        """Every passage of the trial as it reads now, the pinned ones first (the last pinned
        before all), those taken out included."""
        pins = [c.passage for c in self.changes if c.kind == "pin" and c.passage]
        first = list({p.id: p for p in reversed(pins)}.values())
        pinned = {p.id for p in first}
        whole = [*first, *(p for p in self.found if p.id not in pinned)]
        texts = {c.where: c.text for c in self.changes if c.kind == "passage"}
        return tuple(_reworded(p, texts.get(p.id)) for p in whole)

    @property
    def dropped(self) -> frozenset[str]:
        """The ids of the passages taken out."""
        return frozenset(c.where for c in self.changes if c.kind == "drop")

    @property
    def pinned(self) -> frozenset[str]:
        """The ids of the passages added or put first by the user."""
        return frozenset(c.where for c in self.changes if c.kind == "pin")

    @property
    def passages(self) -> tuple[Passage, ...]:
        """What the model is to be shown, best first."""
        return tuple(p for p in self.listed if p.id not in self.dropped)

    # -- kept and brought back

    def to_json(self) -> dict[str, Any]:
        """The trial as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Trial:
        """The trial that `to_json` made these values of."""
        question = {k: _tuples(v) for k, v in values["question"].items()}
        changes = [Change(**{**c, "passage": _passage(c["passage"])}) for c in values["changes"]]
        found = tuple(p for v in values["found"] if (p := _passage(v)))
        return cls(Question(**question), found, tuple(changes))

    # -- changing it

    def with_found(self, found: Sequence[Passage]) -> Trial:
        """The same changes on the passages of another kind of evidence."""
        return replace(self, found=tuple(found))

    def with_text(self, kind: Kind, where: str, text: str) -> Trial:
        """Stem (`where` ""), choice (its letter) or passage (its id) reworded. The same
        wording as now changes nothing. Raises UsageError for an empty or too long text or
        a part that is not there."""
        text = text.strip()
        if not text or len(text) > LONGEST:
            raise UsageError("whatif.no_text" if not text else "whatif.too_long", limit=LONGEST)
        if text == self.text(kind, where).strip():
            return self
        return self._and(Change(kind, where, text, self.text(kind, where)))

    def with_swap(self, one: str, other: str) -> Trial:
        """Two choices exchanged. Raises UsageError for letters that are no two choices."""
        letters = _letters(one + other)
        if len(letters) != 2 or letters[0] == letters[1]:
            raise UsageError("whatif.no_part", where=one + other)
        return self._and(Change("swap", "".join(letters)))

    def with_pin(self, passage: Passage) -> Trial:
        """A passage added, or one that is there put first: it is the last to be cut for lack
        of room. One that had been taken out comes back."""
        kept = tuple(c for c in self.changes if (c.kind, c.where) != ("drop", passage.id))
        return replace(self, changes=(*kept, Change("pin", passage.id, passage=passage)))

    def with_kept(self, ids: Sequence[str]) -> Trial:
        """Exactly the passages `ids` shown: others are taken out, taken out ones come back."""
        kept = set(ids)
        changes = [c for c in self.changes if c.kind != "drop" or c.where not in kept]
        fresh = [p for p in self.listed if p.id not in kept and p.id not in self.dropped]
        drops = [Change("drop", p.id, passage=p) for p in fresh]
        return replace(self, changes=(*changes, *drops))

    def back(self) -> Trial:
        """One step back; a trial without changes stays as it is."""
        return replace(self, changes=self.changes[:-1])

    def text(self, kind: Kind, where: str) -> str:
        """How a part reads now. Raises UsageError for one that is not there."""
        if kind == "stem":
            return self.asked.stem
        if kind == "choice":
            return self.asked.choices[LETTERS.index(_letters(where)[0])]
        if kind == "passage":
            return self.passage(where).text
        raise UsageError("whatif.no_part", where=where)

    def passage(self, id: str) -> Passage:
        """A passage of the trial by its id. Raises UsageError for an unknown one."""
        for passage in self.listed:
            if passage.id == id:
                return passage
        raise UsageError("whatif.no_part", where=id)

    def _and(self, change: Change) -> Trial:
        return replace(self, changes=(*self.changes, change))


def moved(before: Answer, was: Sequence[int], now: Sequence[int]) -> Answer:
    """An answer to the choices in the order `was` in the letters of the order `now`; both
    are `Trial.places`."""
    new = [now.index(place) for place in was]  # old position -> new position
    probs = dict(zip(new, before.probs, strict=True))
    choice = LETTERS[new[LETTERS.index(before.choice)]]
    return replace(before, probs=(probs[0], probs[1], probs[2], probs[3]), choice=choice)


@dataclass(frozen=True)
class Hanging:
    """What the answer becomes without one passage. `moved` is by how much the share of the
    first choice falls (in [-1, 1])."""

    passage: str
    choice: Letter
    moved: float
    turns: bool


def hanging(whole: Answer, without: Sequence[tuple[str, Answer]]) -> tuple[Hanging, ...]:
    """How the answer `whole` changes without each passage (its id, the answer then): those
    that turn it first, then by how much they carry it."""
    at = LETTERS.index(whole.choice)
    found = [
        Hanging(id, a.choice, whole.probs[at] - a.probs[at], a.choice != whole.choice)
        for id, a in without
    ]
    return tuple(sorted(found, key=lambda h: (not h.turns, -h.moved)))


def _passage(values: dict[str, Any] | None) -> Passage | None:
    return Passage(**{k: _tuples(v) for k, v in values.items()}) if values else None


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _reworded(passage: Passage, text: str | None) -> Passage:
    if text is None or text == passage.text:
        return passage
    return replace(passage, text=text, altered=True, url="", asof="", outdated=False)


def _letters(where: str) -> list[Letter]:
    found = [letter for sign in where for letter in LETTERS if sign == letter]
    if not found or len(found) != len(where):
        raise UsageError("whatif.no_part", where=where)
    return found


def difference(old: str, new: str) -> tuple[str, str]:
    """The stretch in which two texts differ, with a few characters around it; long ones are
    shortened."""
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    room = shorter - head
    tail = next((i for i in range(room) if old[-1 - i] != new[-1 - i]), room)
    start, end = max(0, head - _AROUND), max(0, tail - _AROUND)
    parts = (text[start : len(text) - end] for text in (old, new))
    before, after = ("…" if start else ""), ("…" if end else "")
    one, other = (before + _short(part) + after for part in parts)
    return one, other


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _QUOTED else line[:_QUOTED] + "…"
