"""The part of the lab that keeps and forgets: what there is of one reader, and for how long.

Lab inherits it; nothing else does.

    own questions, marks          until the reader deletes them
    scores, runs, adapters,       with the questions they were made of
    presets of own questions
    what a visit saw              KEEP_DAYS after it was seen, or what --keep-days says
    files taken home, uploads     a day
    classes                       while they last, at most six idle hours; never on disk
"""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lawui.errors import LabError, UsageError

if TYPE_CHECKING:
    from lawui.lab import Lab

log = logging.getLogger(__name__)

KEEP_DAYS = 90
"""How long what a visit saw is kept, unless --keep-days says otherwise; 0 keeps it for good."""

_DAY = 24 * 3600.0
_STOPPING_SECONDS = 120.0


@dataclass(frozen=True)
class Kept:
    """How much there is of one reader. `answers` are those that visits saw, `scores` and
    `runs` (training runs with their adapters, and what went on from these) those made of own
    questions, `classes` those
    that the reader leads and `votes` the classes joined while logged in."""

    questions: int = 0
    marks: int = 0
    answers: int = 0
    scores: int = 0
    runs: int = 0
    presets: int = 0
    files: int = 0
    classes: int = 0
    votes: int = 0

    @property
    def total(self) -> int:
        """All of it, in one number."""
        return sum(asdict(self).values())


class Keeping:
    """What is kept of each reader. The reader is named by whoever calls: the page and its
    endpoints give who has logged in, never what a browser says."""

    def _open_keeping(self, lab: Lab) -> None:
        self._kept_lab = lab
        self._stopped = threading.Event()

    def kept(self, user: str) -> Kept:
        """How much there is of a reader."""
        lab, own = self._kept_lab, self._kept_lab.own.known_set(user)
        rooms = lab.classroom.kept(user)
        runs = lab._runs.of_set(own) if own else []
        return Kept(
            questions=len(lab.own.all(user)) if own else 0,
            marks=lab._marks.count(user),
            answers=lab.visits.count(user),
            scores=lab._scorer.count_of(own) if own else 0,
            runs=len(runs),
            presets=len(lab._presets.of(own, runs)) if own else 0,
            files=lab.offered.count(user),
            classes=rooms[0],
            votes=rooms[1],
        )

    def forget(self, user: str, total: int | None = None) -> Kept:
        """Delete everything of a reader; returns what there was. What is at work on it is
        stopped first.

        `total`, where given, confirms it: raises UsageError where there is by now more or
        less than that. Raises LabError where something at work could not be stopped: it
        and what was not reached yet stay, and the same call goes on.
        """
        lab = self._kept_lab
        lab.people.allow("forget")
        found, own = self.kept(user), lab.own.known_set(user)
        if total is not None and total != found.total:
            raise UsageError("people.other_total", total=found.total, given=total)
        if own:
            runs = lab._runs.of_set(own)
            for name in lab._presets.of(own, runs):
                lab._presets.remove(name)
            for run in runs:
                lab._runs.stop_and_remove(run, _STOPPING_SECONDS)
            lab._scorer.forget_set(own)
        lab.classroom.forget(user)
        lab.offered.forget(user)
        lab._marks.forget(user)
        lab.own.forget(user)  # after what its set's name leads to
        lab._library.forget()
        lab._prompts.forget()
        if lab._owner is not None:
            lab._owner.forget()  # answers are remembered by their text, whoever asked
        return found

    # -- how long

    @property
    def keep_days(self) -> int:
        """Days for which what a visit saw is kept; 0 for good. In a demo one at most."""
        asked = self._kept_lab.settings.keep_days
        return 1 if self._kept_lab.settings.demo else asked

    def tidy(self) -> None:
        """Delete what has been kept long enough."""
        lab = self._kept_lab
        lab.offered.forget_old()
        if self.keep_days > 0:
            before = datetime.now(UTC) - timedelta(days=self.keep_days)
            lab.visits.forget_before(before.isoformat(timespec="seconds"))

    def _keep_tidy(self) -> None:
        """Tidy now and every day from now on, in the background."""
        threading.Thread(target=self._tidy_daily, name="tidy", daemon=True).start()

    def _tidy_daily(self) -> None:
        while True:
            try:
                self.tidy()
            except (LabError, OSError):
                log.exception("what is no longer kept could not be deleted")
            if self._stopped.wait(_DAY):
                return
