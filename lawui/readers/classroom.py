"""A class on its phones: rooms with a join code, what the presenter shows, how it votes.

A room goes through five steps, forth and back, at the presenter's word:

    0 WAIT     nothing is shown yet
    1 VOTE     the question; everybody commits to a letter
    2 MODEL    the votes beside the model's answer without the law
    3 OFFICIAL the official answer
    4 LAW      the model's answer with the law in front of it, and that law

A student is told what belongs to the present step and nothing of a later one. Everything
is in memory and made-up names are all that is known of a student: a room is gone when it is
closed, after IDLE seconds, or with the server.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lawui.asking.doubt import cannot_tell
from lawui.errors import UsageError
from lawui.readers.people import Limits
from lawui.types import BASE, LETTERS, Question

if TYPE_CHECKING:
    from lawui.asks import AskResult
    from lawui.lab import Lab

WAIT, VOTE, MODEL, OFFICIAL, LAW = range(5)
NO_LAW = "none"

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Signs of a join code: none that is taken for another on a wall."""

CODE_LENGTH, NAME_LENGTH = 6, 20
MOST_ROOMS, MOST_STUDENTS = 50, 300
IDLE = 6 * 3600.0
WRONG_CODES_A_MINUTE = 300
"""Codes that nobody has, over all who try: a guess finds a room once in millions."""

State = dict[str, Any]


@dataclass
class Student:
    """Who joined: a made-up name, the letter of the present question, "" for none, and the
    log-in name of who has one."""

    name: str
    letter: str = ""
    user: str = ""


@dataclass
class Room:
    """One class. `shown` counts what everybody sees change, `stirred` joins and votes. While the
    model is `asked`, `left` is how many seconds it will take, None where nobody can tell."""

    code: str
    key: str
    owner: str
    used: float
    question: Question | None = None
    evidence: str = "retrieved"
    adapter: str = BASE
    step: int = WAIT
    students: dict[str, Student] = field(default_factory=dict)
    answers: dict[str, AskResult] = field(default_factory=dict)
    shown: int = 0
    stirred: int = 0
    asked: int = 0
    left: int | None = None

    def votes(self) -> dict[str, int]:
        """How many chose each letter."""
        found = Counter(s.letter for s in self.students.values() if s.letter)
        return {letter: found[letter] for letter in LETTERS}


class Classroom:
    """Every room of a lab. Thread-safe."""

    def __init__(self, lab: Lab, clock: Callable[[], float] = time.monotonic) -> None:
        self._lab = lab
        self._clock = clock
        self._rooms: dict[str, Room] = {}
        self._lock = threading.Lock()
        self._wrong = Limits(clock)

    # -- the presenter

    def open(self, user: str = "") -> tuple[str, str]:
        """A new room: its join code, and the key that makes its presenter. Raises
        UsageError where there are too many, or the user may not teach."""
        self._lab.people.allow("teach")
        with self._lock:
            self._drop_idle()
            if len(self._rooms) >= MOST_ROOMS:
                raise UsageError("class.full")
            code = _code(self._rooms)
            room = Room(code, secrets.token_urlsafe(24), user, self._clock())
            self._rooms[code] = room
            return room.code, room.key

    def show(
        self,
        code: str,
        key: str,
        qid: str,
        set: str = "",
        evidence: str = "retrieved",
        adapter: str = BASE,
    ) -> None:
        """Put a question before the class: it begins to vote. `evidence` is the law of the
        last step. Raises UsageError for what is not there."""
        self._room(code, key)
        if evidence not in ("retrieved", "given"):
            raise UsageError("usage.evidence", evidence=evidence)
        question = self._lab.question(qid, set)
        if adapter != BASE:
            self._lab.adapter(adapter)
        with self._lock:
            room = self._room(code, key)
            room.question, room.evidence, room.adapter = question, evidence, adapter
            room.answers = {}
            room.step = VOTE
            for student in room.students.values():
                student.letter = ""
            self._change(room)

    def go(self, code: str, key: str, step: int) -> None:
        """Go to a step, forth or back; the model is asked where the step needs it."""
        room = self._room(code, key)
        question, evidence, adapter = room.question, room.evidence, room.adapter
        if question is None or step not in (VOTE, MODEL, OFFICIAL, LAW):
            raise UsageError("class.nothing_shown")
        needed = [kind for kind, first in ((NO_LAW, MODEL), (evidence, LAW)) if step >= first]

        def in_line(_: int, left: float | None) -> None:
            room.left = None if left is None else round(left)

        # Outside the lock: a large model takes its time, and the class goes on reading.
        room.asked, room.left = room.asked + 1, None
        try:
            answers = {
                kind: self._lab.ask(question, kind, adapter, all_orders=True, in_line=in_line)
                for kind in needed
                if kind not in room.answers
            }
        finally:
            room.asked -= 1
        with self._lock:
            room = self._room(code, key)
            if room.question is not question:
                return  # another question was shown meanwhile
            room.answers |= answers
            room.step = step
            self._change(room)

    def close(self, code: str, key: str) -> None:
        """End a class; nothing of it is kept."""
        with self._lock:
            self._rooms.pop(self._room(code, key).code)

    def kept(self, user: str) -> tuple[int, int]:
        """How many classes a user leads, and how many joined while logged in."""
        with self._lock:
            rooms = self._rooms.values()
            joined = [s.user for room in rooms for s in room.students.values() if s.user]
            return sum(room.owner == user for room in rooms), joined.count(user)

    def forget(self, user: str) -> None:
        """End every class of a user, and take the user out of the others."""
        with self._lock:
            self._rooms = {c: room for c, room in self._rooms.items() if room.owner != user}
            for room in self._rooms.values():
                if user:
                    kept = {t: s for t, s in room.students.items() if s.user != user}
                    room.stirred += len(room.students) - len(kept)
                    room.students = kept

    # -- the students

    def join(self, code: str, name: str, user: str = "") -> str:
        """Join under a made-up name; returns the token that says who votes. Raises
        UsageError for an unknown code, or a name that is taken, empty or too long."""
        plain = _plain(name)
        if not plain or len(plain) > NAME_LENGTH:
            raise UsageError("class.name", limit=NAME_LENGTH)
        with self._lock:
            room = self._room(code)
            if len(room.students) >= MOST_STUDENTS:
                raise UsageError("class.room_full", limit=MOST_STUDENTS)
            if plain in {student.name for student in room.students.values()}:
                raise UsageError("class.name_taken")
            token = secrets.token_urlsafe(16)
            room.students[token] = Student(plain, user=user)
            room.stirred += 1
            return token

    def vote(self, code: str, token: str, letter: str) -> None:
        """Commit to a letter; it can be changed until the presenter goes on."""
        if letter not in LETTERS:
            raise UsageError("class.letter")
        with self._lock:
            room = self._room(code)
            student = room.students.get(token)
            if student is None:
                raise UsageError("class.unknown_student")
            if room.step != VOTE:
                raise UsageError("class.closed_vote")
            student.letter = letter
            room.stirred += 1

    def state(self, code: str, token: str = "", key: str = "", seen: str = "") -> State:
        """What is to be seen now, as plain values; {} where that is `seen` already, its
        `version`. With the key the presenter's: also how many joined and voted."""
        with self._lock:
            room = self._room(code, key) if key else self._room(code)
            student = room.students.get(token)
            if student is None and not key:
                raise UsageError("class.unknown_student")
            room.used = self._clock()
            version = str(room.shown)
            if key:
                version += f".{room.stirred}.{room.asked}.{room.left}"
            if version == seen:
                return {}
            told = {**_visible(room), "version": version}
            if key:
                voted = sum(room.votes().values())
                names = [s.name for s in room.students.values()]
                told |= {"joined": len(names), "voted": voted, "names": names}
                return {**told, "asking": room.asked > 0, "left": room.left}
            return {**told, "letter": student.letter if student else ""}

    # -- for both

    def _room(self, code: str, key: str | None = None) -> Room:
        """A room by its code, however it was typed; with its key where one is asked for."""
        room = self._rooms.get(_plain(code).replace(" ", "").upper())
        if room is None:
            if not self._wrong.take(("", "code"), WRONG_CODES_A_MINUTE):
                raise UsageError("people.too_often", most=WRONG_CODES_A_MINUTE)
            raise UsageError("class.unknown")
        if key is not None and not hmac.compare_digest(key.encode(), room.key.encode()):
            raise UsageError("class.not_yours")
        return room

    def _change(self, room: Room) -> None:
        room.shown += 1
        room.used = self._clock()

    def _drop_idle(self) -> None:
        now = self._clock()
        self._rooms = {c: r for c, r in self._rooms.items() if now - r.used < IDLE}


def _visible(room: Room) -> State:
    """What a step shows, and nothing of a later one."""
    question, step = room.question, room.step
    told: State = {"step": step, "question": None, "votes": None, "gold": ""}
    told |= {"without": None, "with": None, "passages": [], "adapter": room.adapter}
    if question is None:
        return told
    told["question"] = {
        "law": question.law,
        "stem": question.stem,
        "choices": dict(zip(LETTERS, question.choices, strict=True)),
    }
    if step >= MODEL:
        told["votes"] = room.votes()
        told["without"] = _answer(room.answers[NO_LAW])
    if step >= OFFICIAL:
        told["gold"] = question.gold
    if step >= LAW:
        result = room.answers[room.evidence]
        told["with"] = _answer(result)
        told["passages"] = [
            {
                "citation": p.citation() if p.law else "",
                "text": p.whole,
                "asof": p.asof,
                "shortened": p.id in result.shortened,
            }
            for p in result.passages
        ]
    return told


def _answer(result: AskResult) -> State:
    answer = result.answer
    return {
        "choice": answer.choice,
        "probs": dict(zip(LETTERS, answer.probs, strict=True)),
        "cannot_tell": cannot_tell(answer, result.orders),
        "model": result.model,
    }


def _code(taken: dict[str, Room]) -> str:
    while True:
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        if code not in taken:
            return code


def _plain(text: str) -> str:
    """What somebody typed, in one line, without signs that cannot be seen."""
    folded = unicodedata.normalize("NFKC", text)
    seen = "".join(c for c in folded if unicodedata.category(c)[0] != "C" or c in "\t\n")
    return " ".join(seen.split())
