"""Who uses a lab, and what each may do. Headless: the page tells it who asks.

    reader     asks, searches, compares, keeps own questions and visits
    reviewer   also marks answers, scores sets and leads a class
    trainer    also trains, builds indexes, sets thresholds and deletes

Where nobody logs in, everybody is a trainer. `People.allow` is the one place where this is
decided: the lab calls it, so that page, endpoints and MCP tools pass through it alike.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lawui.errors import HostError, UsageError

READER, REVIEWER, TRAINER = "reader", "reviewer", "trainer"
ROLES = (READER, REVIEWER, TRAINER)
"""From the least to the most."""

NEEDED = {
    "own": READER,
    "mark": REVIEWER,
    "score": REVIEWER,
    "teach": REVIEWER,
    "threshold": TRAINER,
    "train": TRAINER,
    "index": TRAINER,
    "fetch": TRAINER,
    "remove": TRAINER,
    "base": TRAINER,
    "forget": READER,
}
"""The least role for each thing that changes something or keeps others waiting."""

IN_A_DEMO = ("score", "teach")
"""What a read-only demo allows of these; `demo_key` says why not for the rest."""

A_MINUTE = {"ask": 120, "search": 120, "score": 10, "train": 6, "own": 120, "mark": 120}
"""How often one user may do a thing in a minute; where nobody logs in there is no limit."""

WAITING = {"score": 100, "train": 10}
"""How many scores (cells of a matrix) and training runs of one user may wait or be at work;
in a demo all visitors together are one user."""

UPLOADED = 200 * 2**20
"""Bytes that one user may upload in a day; in a demo, one address."""

NOBODY = ""
_MINUTE, _DAY = 60.0, 24 * 3600.0
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}
_DEMO_KEYS = {"own": "own.demo", "mark": "marks.demo", "forget": "people.demo"}

Clock = Callable[[], float]


@dataclass(frozen=True)
class Account:
    """A line of the users' file: who, as what, and the password or its hash."""

    name: str
    role: str
    secret: str


class People:
    """Everybody who may use one lab. `accounts` are those who log in, none where nobody
    does; `known_elsewhere` says that a proxy logs people in: who is in no account is a
    reader. `who` gives the name of whoever caused what is being done, "" for somebody
    without a log-in, None for the lab's own work. Thread-safe."""

    def __init__(
        self,
        accounts: Sequence[Account] = (),
        *,
        known_elsewhere: bool = False,
        demo: bool = False,
        who: Callable[[], str | None] = lambda: None,
        clock: Clock = time.monotonic,
        a_minute: Mapping[str, int] = A_MINUTE,
    ) -> None:
        self._a_minute = a_minute
        self._accounts = {account.name: account for account in accounts}
        self._known_elsewhere = known_elsewhere
        self.demo = demo
        self._limits = Limits(clock)
        self._uploads = Limits(clock, _DAY)
        self.failures = Failures(clock)
        self.who = who

    @property
    def log_in(self) -> bool:
        """Whether everybody has to be somebody."""
        return bool(self._accounts) or self._known_elsewhere

    @property
    def user(self) -> str:
        """The name under which things are kept for whoever asks; "" where nobody logs in."""
        return self.who() or NOBODY

    @property
    def role(self) -> str:
        """The role of whoever asks; "" where a log-in is needed and there is none."""
        if not self.log_in:
            return TRAINER
        user = self.user
        if not user:
            return ""
        account = self._accounts.get(user)
        if account is None:
            return READER if self._known_elsewhere else ""
        return account.role

    def may(self, action: str) -> bool:
        """Whether whoever asks may do a thing of NEEDED."""
        if self.demo and action not in IN_A_DEMO:
            return False
        return _rank(self.role) >= _rank(NEEDED[action])

    def allow(self, action: str) -> None:
        """Raises UsageError where whoever asks may not do a thing of NEEDED, or did it too
        often."""
        self.need(action)
        self.count(action)

    def need(self, action: str) -> None:
        """Raises UsageError where whoever asks may not do a thing of NEEDED."""
        if self.demo and action not in IN_A_DEMO:
            raise UsageError(_DEMO_KEYS.get(action, "usage.demo"))
        if not self.may(action):
            raise UsageError("people.role", needed=NEEDED[action], role=self.role or "–")

    def count(self, action: str) -> None:
        """Count a thing of A_MINUTE. Raises UsageError for the one too many."""
        user = self.who()
        most = self._a_minute.get(action)
        if user and most and not self._limits.take((user, action), most):
            raise UsageError("people.too_often", most=most)

    def queue(self, action: str, waiting: int, more: int = 1) -> None:
        """Raises UsageError where `more` things of WAITING would be too many beside the
        `waiting` ones of whoever asks."""
        most = WAITING[action]
        if (self.who() or (self.demo and self.who() is not None)) and waiting + more > most:
            raise UsageError("people.queue_full", most=most, waiting=waiting)

    def upload(self, who: str, size: int) -> None:
        """Count bytes that a user, or an address of a demo, sends. Raises UsageError for
        what is over the day's."""
        if (self.log_in or self.demo) and not self._uploads.take(("upload", who), UPLOADED, size):
            raise UsageError("people.uploads", most=UPLOADED // 2**20)

    def sees(self, owner: str) -> bool:
        """Whether what `owner` keeps may be shown: to the owner, and to the lab itself."""
        user = self.who()
        return not self.log_in or user is None or (bool(user) and user == owner)

    def check(self, name: str, password: str) -> bool:
        """Whether this is somebody's password. An unknown name costs as much time."""
        account = self._accounts.get(name)
        secret = account.secret if account else "scrypt:00:00"
        given = hashed(password, _salt(secret)) if secret.startswith("scrypt:") else password
        return hmac.compare_digest(given.encode(), secret.encode()) and account is not None


class Limits:
    """How much was done within the last minute, or the last `seconds`."""

    def __init__(self, clock: Clock = time.monotonic, seconds: float = _MINUTE) -> None:
        self._clock = clock
        self._seconds = seconds
        self._done: dict[tuple[str, str], deque[tuple[float, int]]] = defaultdict(deque)
        self._lock = threading.Lock()

    def take(self, key: tuple[str, str], most: int, amount: int = 1) -> bool:
        """Count `amount`; False where it would be more than `most` within the time."""
        with self._lock:
            now, done = self._clock(), self._done[key]
            while done and now - done[0][0] >= self._seconds:
                done.popleft()
            if sum(n for _, n in done) + amount > most:
                return False
            done.append((now, amount))
            return True


class Failures:
    """Wrong passwords: after FEW for a name from one address, or MANY from one address,
    within SECONDS, no password is looked at until these have passed."""

    FEW, MANY, SECONDS = 5, 50, 900.0
    _MOST_KEYS = 10_000

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[tuple[str, ...], deque[float]] = {}
        self._lock = threading.Lock()

    def wait(self, name: str, address: str) -> float:
        """Seconds until a password of `name` from `address` is looked at again; 0 for now."""
        with self._lock:
            one = self._left((address, name), self.FEW)
            return max(one, self._left((address,), self.MANY))

    def add(self, name: str, address: str) -> None:
        """A password was wrong."""
        with self._lock:
            if len(self._times) >= self._MOST_KEYS:  # names that somebody makes up
                self._drop_old()
            for key in ((address, name), (address,)):
                self._times.setdefault(key, deque(maxlen=self.MANY)).append(self._clock())

    def forget(self, name: str, address: str) -> None:
        """A password was right."""
        with self._lock:
            self._times.pop((address, name), None)

    def _left(self, key: tuple[str, ...], most: int) -> float:
        now = self._clock()
        recent = [t for t in self._times.get(key, ()) if now - t < self.SECONDS]
        return self.SECONDS - (now - recent[-most]) if len(recent) >= most else 0.0

    def _drop_old(self) -> None:
        now = self._clock()
        kept = {k: t for k, t in self._times.items() if now - t[-1] < self.SECONDS}
        # Whoever fills the table within the time is held by their address's own count.
        full = len(kept) >= self._MOST_KEYS
        self._times = {k: t for k, t in kept.items() if len(k) == 1} if full else kept


def hashed(password: str, salt: bytes | None = None) -> str:
    """`scrypt:SALT:HASH` (hexadecimal) of a password, for the users' file (RFC 7914)."""
    salt = os.urandom(16) if salt is None else salt
    digest = hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)  # type: ignore[arg-type]
    return f"scrypt:{salt.hex()}:{digest.hex()}"


def line(name: str, role: str, password: str) -> str:
    """A line for the users' file. Raises UsageError for a name, role or password that
    cannot stand in one."""
    if role not in ROLES:
        raise UsageError("people.no_role", role=role, roles=", ".join(ROLES))
    if not name.strip() or ":" in name or name.split(maxsplit=1)[0] in ROLES or not password:
        raise UsageError("people.name")
    return f"{role} {name.strip()}:{hashed(password)}"


def accounts(auth_file: Path | None, environment: Mapping[str, str]) -> list[Account]:
    """Those who may log in: from the file or, one a line or comma, from LAWUI_AUTH.

    A line is `ROLE NAME:PASSWORD` or `ROLE NAME:scrypt:SALT:HASH`. Where no line names a
    role everybody is a trainer; where one does, a line without is a reader's. Raises
    HostError, naming the line that is none.
    """
    source, lines = _lines(auth_file, environment)
    found: dict[str, Account] = {}
    for number, text in enumerate((raw.strip() for raw in lines), 1):
        if not text or text.startswith("#"):
            continue
        who, colon, secret = text.partition(":")
        role, name = _role_and_name(who.strip())
        secret = secret.strip()
        if not colon or not name or not secret or not _usable(secret):
            raise HostError("host.bad_auth", path=source, line=number)
        found[name] = Account(name, role, secret)
    if auth_file is not None and not found:
        raise HostError("host.bad_auth", path=source, line=1)
    usual = READER if any(account.role for account in found.values()) else TRAINER
    return [Account(a.name, a.role or usual, a.secret) for a in found.values()]


def _lines(auth_file: Path | None, environment: Mapping[str, str]) -> tuple[str, list[str]]:
    if auth_file is None:
        return "LAWUI_AUTH", environment.get("LAWUI_AUTH", "").replace(",", "\n").splitlines()
    try:
        return str(auth_file), auth_file.expanduser().read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise HostError("host.bad_auth", path=str(auth_file), line=0) from error


def _role_and_name(who: str) -> tuple[str, str]:
    first, _, rest = who.partition(" ")
    return (first, rest.strip()) if first in ROLES and rest.strip() else ("", who)


def _usable(secret: str) -> bool:
    """Whether a secret that says it is a hash is one."""
    if not secret.startswith("scrypt:"):
        return True
    try:
        return len(secret.split(":")) == 3 and all(map(bytes.fromhex, secret.split(":")[1:]))
    except ValueError:
        return False


def _salt(secret: str) -> bytes:
    return bytes.fromhex(secret.split(":")[1])


def _rank(role: str) -> int:
    return ROLES.index(role) if role in ROLES else -1
