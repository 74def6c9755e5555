"""Bring the public data: lawqa_jp's questions and the statutes they rest on.

The questions come from their repository at one pinned commit and are checked against
their hashes. The statutes come from e-Gov's 法令API version 2, one request a law:

    GET {base_url}/law_data/{law_id}?asof=YYYY-MM-DD&response_format=xml

which answers with `law_data_response` (law_info, revision_info, law_full_text/Law). It
needs no key; requests are kept a second apart. Nothing is fetched twice: what is there
and whole stays, so a broken run is taken up by running it again. One fetch at a time
works in a data folder.

A law as of an earlier day is compared with its text in force today (the same request
without asof, omit_amendment_suppl_provision=true), and what differs is noted beside it.
e-Gov's current_revision_status is not used: it is seen to be told as of the day asked for.

On request the cabinet orders and ministerial ordinances that the laws point to come too,
found by number or title:

    GET {base_url}/laws?law_num=昭和四十年政令第三百二十一号&asof=YYYY-MM-DD
    GET {base_url}/laws?law_title=金融商品取引法&law_type=CabinetOrder,...&asof=...

which answer with {"laws": [{"law_info": {law_id, law_num}, "revision_info": {law_title,
repeal_status, repeal_date}}]}, matching any part of the number or title.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lawui.data.statutes import CHANGED, MANIFEST, changed, differing, read_xml
from lawui.errors import DataError, HostError, LabError, UsageError
from lawui.types import Article

EGOV_API = "https://laws.e-gov.go.jp/api/2"
COMMIT = "6165cc9748a1b1df8adc2c82c2f281deef59b9b1"
LAWQA_JP = f"https://raw.githubusercontent.com/digital-go-jp/lawqa_jp/{COMMIT}/data"
SHA256 = {
    "law_list.json": "124db05d5c48fa7f5add207d2f414685c175b525d5961bea1a61ba5714b2367f",
    "selection.json": "157a196ed236e745c8c133ab2eff83af8c839f4dbf1d02f21da453fa71f19d03",
    "selection_randomized.json": "3fde82e3eaf53ce026e90d31578c21b48f9b2098681ba5693745e87927c04efd",
}
_LAW_PAGE = re.compile(r"https?://(?:laws|elaws)\.e-gov\.go\.jp/law/([0-9]{3}[A-Z0-9]{12})/?")
_LAW_ID = re.compile(r"[0-9]{3}[A-Z0-9]{12}")
_MAX_BYTES = 64 * 2**20  # the longest law is about 20 MB of XML
_CHUNK = 2**16
_RETRY_STATUS = (408, 425, 429, 500, 502, 503, 504)
_UNKNOWN = ("400043", "404001")  # e-Gov: no such law id or number, nothing found
_HTML = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_HALF_WRITTEN = ".part"

LOOKUPS = "lookups.json"
"""Beside the statutes: {as-of date: {search: [[law id, number, title], ...]}}."""

COMPARED_FOR = timedelta(days=7)
"""How long a comparison with the text in force is not asked for again."""

_HOST_FAULTS = 2  # e-Gov seems out of reach: no further law is compared in this run

_ORDERS = "CabinetOrder,ImperialOrder,MinisterialOrdinance,Rule"
_ORDER_NUMBER = re.compile(
    r"(?:明治|大正|昭和|平成|令和)(?:元|[〇一二三四五六七八九十百]+)年"
    r"[^（）「」、。年第\s]{0,40}?(?:令|規則)第[〇一二三四五六七八九十百千]+号"
)
_DETAILED_BY = ("施行令", "施行規則", "施行細則", "第")
"""How the title of what details an act goes on after the act's own: 金融商品取引法施行令,
金融商品取引法第二条に規定する定義に関する内閣府令."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Manners:
    """How to ask: seconds between two requests to e-Gov, tries a request, the first wait
    before another try (doubled each time), seconds without a byte and for a whole answer."""

    pause: float = 1.0
    tries: int = 4
    backoff: float = 1.0
    timeout: float = 30.0
    deadline: float = 300.0


def fetch(
    data_dir: Path,
    asof: str = "2024-12-31",
    laws: Sequence[str] = (),
    offline: bool = False,
    progress: Progress | None = None,
    base_url: str = EGOV_API,
    questions_url: str = LAWQA_JP,
    sha256: dict[str, str] | None = None,
    manners: Manners | None = None,
    decrees: bool = False,
) -> dict[str, Any]:
    """Fill `data_dir` with lawqa_jp/ and statutes/, the laws as they stood on `asof`.

    The laws are those of lawqa_jp's law_list.json that e-Gov holds, and `laws` (ids)
    besides. With `decrees` also the orders and ordinances in force on `asof` whose number
    stands in the main provisions of one of them, and those whose title begins with that of
    an act among them (施行令, 施行規則, 第…条に…); what those point to in turn is not
    followed.

    `progress(name, done, total)` is told before each file or comparison and once at the
    end. Returns {data, asof, fetched, kept, laws: [{law_id, law, revision, articles}],
    changed: {law id: how many articles differ from the text in force}, problems: [sentences
    on decrees that came broken and on laws that could not be compared], bytes, seconds},
    with `decrees` also {decrees: [law ids], not_found: [numbers or ids that e-Gov has no
    text of]}.

    Raises UsageError for a bad date or law id before anything is asked, HostError where
    the network is forbidden, fails or refuses, where another fetch is at work in the
    folder, or the disk cannot be written, and DataError where a law is unknown (after the
    others were fetched) or a file is wrong.
    """
    _check_date(asof)
    for law_id in laws:
        if not _LAW_ID.fullmatch(law_id):
            raise UsageError("data.bad_law_id", law=law_id)
    job = _Job(
        data_dir=data_dir,
        asof=asof,
        offline=offline,
        progress=progress,
        base_url=base_url,
        questions_url=questions_url,
        manners=manners or Manners(),
    )
    # Offline nothing is written, so a folder that cannot be written is no hindrance.
    with nullcontext() if offline else _alone(data_dir):
        return job.run(SHA256 if sha256 is None else sha256, laws, decrees)


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Holds the data folder against a second fetch; what a killed one left half written
    is cleared away."""
    from filelock import FileLock, Timeout

    lock = FileLock(data_dir / ".fetch.lock")
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
        for left in data_dir.glob(f"*/.*{_HALF_WRITTEN}"):
            left.unlink(missing_ok=True)
    except Timeout:
        raise HostError("data.fetch_running", path=data_dir) from None
    except OSError as error:
        lock.release()
        raise _cannot_write(data_dir, error) from error
    try:
        yield
    finally:
        lock.release()


@dataclass
class _Job:
    data_dir: Path
    asof: str
    offline: bool
    progress: Progress | None
    base_url: str
    questions_url: str
    manners: Manners
    total: int = 0
    done: int = 0
    fetched: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    laws: list[dict[str, Any]] = field(default_factory=list)
    received: int = 0
    last_request: float = float("-inf")

    def run(self, files: dict[str, str], laws: Sequence[str], decrees: bool) -> dict[str, Any]:
        started = time.monotonic()
        self.total = len(files)
        for name, sha in files.items():
            with self.step(name):
                self.question_file(name, sha)
        wanted = list(dict.fromkeys([*self.listed_laws(), *laws]))
        unknown, faults = self.get_laws(wanted)
        there = [law["law_id"] for law in self.laws]
        further = self.get_decrees(there) if decrees else {}
        not_compared = self.compare_laws()
        if self.progress:
            self.progress("", self.done, self.total)
        if unknown:
            raise DataError("data.unknown_law", laws=", ".join(unknown), asof=self.asof)
        for fault in faults:
            raise fault
        now_changed = changed(self.data_dir)
        return {
            "data": str(self.data_dir),
            "asof": self.asof,
            "fetched": self.fetched,
            "kept": self.kept,
            "laws": self.laws,
            **further,
            "changed": {
                law["law_id"]: len(now_changed[law["law_id"]].articles)
                for law in self.laws
                if law["law_id"] in now_changed
            },
            "problems": [*further.get("problems", []), *not_compared],
            "bytes": self.received,
            "seconds": round(time.monotonic() - started, 3),
        }

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One of `total`: told before, counted after."""
        if self.progress:
            self.progress(name, self.done, self.total)
        yield
        self.done += 1

    def question_file(self, name: str, sha: str) -> None:
        path = self.data_dir / "lawqa_jp" / name
        if _sha256(path) == sha:
            self.kept.append(name)
            return

        def sound(body: bytes) -> None:
            if hashlib.sha256(body).hexdigest() != sha:
                raise DataError("data.bad_checksum", name=name)

        body = self.get(f"{self.questions_url}/{name}", sound)
        _write(path, body)
        self.fetched.append(name)

    def listed_laws(self) -> Iterable[str]:
        """Ids of the laws in law_list.json; guidelines (PDF) are no e-Gov laws."""
        path = self.data_dir / "lawqa_jp" / "law_list.json"
        try:
            listed = json.loads(path.read_text(encoding="utf-8"))
            pages = (_LAW_PAGE.fullmatch(entry["url"]) for entry in listed)
            return [page[1] for page in pages if page]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError("data.not_json", path=path, line=1) from error

    def get_laws(self, law_ids: Sequence[str]) -> tuple[list[str], list[DataError]]:
        """Fetch laws; which of them e-Gov does not know, and what came that is no sound
        law: neither keeps the others from coming."""
        unknown: list[str] = []
        faults: list[DataError] = []
        self.total += len(law_ids)
        for law_id in law_ids:
            with self.step(law_id):
                try:
                    if not self.law(law_id):
                        unknown.append(law_id)
                except DataError as fault:
                    faults.append(fault)
        return unknown, faults

    def get_decrees(self, laws: Sequence[str]) -> dict[str, list[str]]:
        """Fetch the orders and ordinances that laws name or that detail them."""
        numbers, titles = self.pointers(laws)
        self.total += len(numbers) + len(titles)
        found: list[str] = []
        not_found: list[str] = []
        for number in numbers:
            with self.step(number):
                hits = [law_id for law_id, num, _ in self.search(law_num=number) if num == number]
            found += hits
            not_found += [] if hits else [number]
        for title in titles:
            beginnings = tuple(title + suffix for suffix in _DETAILED_BY)
            with self.step(title):
                hit = self.search(law_title=title, law_type=_ORDERS)
            found += (law_id for law_id, _, name in hit if name.startswith(beginnings))
        decrees = [law_id for law_id in dict.fromkeys(found) if law_id not in laws]
        unknown, faults = self.get_laws(decrees)
        there = {law["law_id"] for law in self.laws}
        return {
            "decrees": [law_id for law_id in decrees if law_id in there],
            "not_found": [*not_found, *unknown],
            "problems": [str(fault) for fault in faults],
        }

    def pointers(self, laws: Sequence[str]) -> tuple[list[str], list[str]]:
        """The numbers of orders in the main provisions of laws, and the acts' titles."""
        numbers: dict[str, None] = {}
        titles: dict[str, None] = {}
        for law_id in laws:
            for article in read_xml(self.statutes / f"{law_id}.xml"):
                if law_id[3:5] == "AC":
                    titles[article.law] = None
                if not article.supplementary:
                    text = "\n".join(article.paragraphs)
                    numbers |= dict.fromkeys(_ORDER_NUMBER.findall(text))
        return list(numbers), list(titles)

    def search(self, **query: str) -> list[tuple[str, str, str]]:
        """(law id, number, title) of the laws in force that match a part of a number or
        title; asked of e-Gov once a date."""
        path = self.statutes / LOOKUPS
        answers = _read_notes(path).get(self.asof, {})
        name = urlencode(query)
        if name in answers:
            return [(str(i), str(num), str(title)) for i, num, title in answers[name]]
        found: list[tuple[str, str, str]] = []

        def sound(body: bytes) -> None:
            try:
                found[:] = _laws_in_force(json.loads(body), self.asof)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise DataError("data.bad_answer", law=next(iter(query.values()))) from error

        asked = urlencode({"asof": self.asof, "limit": "500", "response_format": "json"})
        self.get(f"{self.base_url}/laws?{name}&{asked}", sound, polite=True)
        _write_notes(path, {self.asof: {**answers, name: found}})
        return found

    @property
    def statutes(self) -> Path:
        return self.data_dir / "statutes"

    def law(self, law_id: str) -> bool:
        """Fetch one law unless it is there; False where e-Gov does not know it."""
        folder = self.statutes
        path = folder / f"{law_id}.xml"
        known = _read_notes(folder / MANIFEST).get(law_id)
        if known and known.get("asof") == self.asof and _sha256(path) == known.get("sha256"):
            self.kept.append(law_id)
            self.laws.append(
                {k: known.get(k, "") for k in ("law_id", "law", "revision", "articles")}
            )
            return True

        body, articles = self.law_data(law_id, asof=self.asof)
        if not body:
            return False
        entry = {
            "law_id": law_id,
            "law": articles[0].law,
            "revision": _revision(articles),
            "articles": len(articles),
        }
        _write(path, body)
        note = {**entry, "asof": self.asof, "sha256": hashlib.sha256(body).hexdigest()}
        _write_notes(folder / MANIFEST, {law_id: note})
        self.fetched.append(law_id)
        self.laws.append(entry)
        return True

    def law_data(self, law_id: str, **query: str) -> tuple[bytes, list[Article]]:
        """A law as e-Gov sends it, and its articles; (b"", []) where e-Gov knows none."""
        articles: list[Article] = []

        def sound(body: bytes) -> None:
            try:
                articles[:] = read_xml(body)
            except DataError as error:
                raise DataError("data.bad_answer", law=law_id) from error
            found = {article.law_id for article in articles}
            if found != {law_id}:
                raise DataError("data.wrong_law", law=law_id, found=", ".join(sorted(found)))

        asked = urlencode({**query, "response_format": "xml"})
        body = self.get(f"{self.base_url}/law_data/{law_id}?{asked}", sound, polite=True)
        return body, articles

    def compare_laws(self) -> list[str]:
        """Note where the laws differ from their text in force today, unless that was noted
        lately. What could not be compared is told in sentences: no law is missing for it."""
        today = date.today()
        if self.offline or self.asof >= today.isoformat():
            return []
        noted = _read_notes(self.statutes / CHANGED)
        since = (today - COMPARED_FOR).isoformat()
        due = [
            law_id
            for law_id in (law["law_id"] for law in self.laws)
            if noted.get(law_id, {}).get("asof") != self.asof
            or not since < str(noted[law_id].get("today")) <= today.isoformat()
        ]
        self.total += len(due)
        problems: list[LabError] = []
        for law_id in due:
            with self.step(law_id):
                if sum(isinstance(p, HostError) for p in problems) < _HOST_FAULTS:
                    try:
                        self.compare(law_id, today.isoformat())
                    except LabError as problem:
                        problems.append(problem)
        return [str(problem) for problem in problems]

    def compare(self, law_id: str, today: str) -> None:
        body, present = self.law_data(law_id, omit_amendment_suppl_provision="true")
        if not body:
            raise DataError("data.unknown_law", laws=law_id, asof=today)
        stored = read_xml(self.statutes / f"{law_id}.xml")
        note = {
            "law": stored[0].law,
            "asof": self.asof,
            "today": today,
            "revision": _revision(present),
            "articles": differing(stored, present),
        }
        _write_notes(self.statutes / CHANGED, {law_id: note})

    def get(self, url: str, sound: Callable[[bytes], None], polite: bool = False) -> bytes:
        """The whole answer, tried again while that may help; b"" for an unknown law."""
        if self.offline:
            raise HostError("data.offline", url=url)
        wait = self.manners.backoff
        for attempt in range(1, self.manners.tries + 1):
            if polite:
                time.sleep(max(0.0, self.last_request + self.manners.pause - time.monotonic()))
            try:
                body = _request(url, self.manners)
                sound(body)
                self.received += len(body)
                return body
            except urllib.error.HTTPError as error:
                said = _complaint(_error_page(error), url)
                if polite and error.code in (400, 404) and _means_unknown(said):
                    return b""
                problem: LabError = said or HostError(
                    "data.network", url=url, reason=f"HTTP {error.code}"
                )
                if error.code not in _RETRY_STATUS:
                    raise problem from None
                asked = error.headers.get("Retry-After", "")
                wait = max(wait, min(float(asked), 60.0)) if asked.isdigit() else wait
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", None) or error
                problem = HostError("data.network", url=url, reason=reason)
            except DataError as error:  # cut off on the way, or an error page
                problem = _complaint(body, url) or error
            finally:
                self.last_request = time.monotonic()
            if attempt < self.manners.tries:
                time.sleep(wait)
                wait *= 2
        raise problem


def _request(url: str, manners: Manners) -> bytes:
    """One GET; OSError or HTTPException where the answer does not come whole in time."""
    request = urllib.request.Request(url, headers={"User-Agent": "lawui"})
    end = time.monotonic() + manners.deadline
    parts: list[bytes] = []
    size = 0
    with urllib.request.urlopen(request, timeout=manners.timeout) as answer:
        expected = answer.headers.get("Content-Length")
        while part := answer.read1(_CHUNK):
            parts.append(part)
            size += len(part)
            if size > _MAX_BYTES:
                raise OSError(f"more than {_MAX_BYTES} bytes")
            if time.monotonic() > end:
                raise TimeoutError(f"not whole after {manners.deadline:g} s")
    if expected is not None and expected.isdigit() and size != int(expected):
        raise http.client.IncompleteRead(b"", int(expected) - size)
    return b"".join(parts)


def _check_date(asof: str) -> None:
    try:
        if date.fromisoformat(asof).isoformat() != asof:
            raise ValueError(asof)
    except ValueError:
        raise UsageError("data.bad_date", date=asof) from None


def _revision(articles: Sequence[Article]) -> str:
    """The revision in the address of a law's page; "" where it names none."""
    page = articles[0].url.split("#")[0]
    return page.rsplit("/", 1)[1] if page.count("/") > 4 else ""


def _error_page(error: urllib.error.HTTPError) -> bytes:
    """What stands in an answer that is an error, as far as it comes."""
    try:
        with error:
            return error.read(_CHUNK)
    except (OSError, http.client.HTTPException):
        return b""


def _complaint(body: bytes, url: str) -> HostError | None:
    """What an answer says instead of what was asked for: e-Gov's error, or a page for
    people (maintenance, a proxy's log-in). None where it says nothing of the kind."""
    if _HTML.search(body[:2_000]):
        return HostError("data.html_answer", url=url)
    try:
        said = json.loads(body)
        return HostError("data.refused", url=url, code=said["code"], reason=said["message"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _means_unknown(said: HostError | None) -> bool:
    return said is None or said.params.get("code") in _UNKNOWN


def _laws_in_force(answer: dict[str, Any], asof: str) -> Iterator[tuple[str, str, str]]:
    """(law id, number, title) of the laws in an answer that are not repealed on `asof`."""
    for entry in answer["laws"]:
        law, revision = entry["law_info"], entry["revision_info"]
        repealed = (revision.get("repeal_status") or "None") != "None"
        if repealed and (revision.get("repeal_date") or "") <= asof:
            continue
        if not _LAW_ID.fullmatch(law["law_id"]):
            raise ValueError(law["law_id"])  # it becomes a file's name
        yield law["law_id"], str(law["law_num"]), str(revision["law_title"])


def _read_notes(path: Path) -> dict[str, dict[str, Any]]:
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # fetched anew, rather than trusted
    entries = noted.items() if isinstance(noted, dict) else ()
    return {name: entry for name, entry in entries if isinstance(entry, dict)}


def _write_notes(path: Path, notes: dict[str, dict[str, Any]]) -> None:
    """Adds to what is noted there, or puts it in place of an older note."""
    text = json.dumps({**_read_notes(path), **notes}, ensure_ascii=False, indent=1)
    _write(path, text.encode())


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _write(path: Path, body: bytes) -> None:
    """Whole or not at all, whatever happens on the way."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=_HALF_WRITTEN
        )
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException as error:  # a break by the user too leaves nothing behind
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _cannot_write(path, error) from error
        raise


def _cannot_write(path: Path, error: OSError) -> HostError:
    return HostError("data.cannot_write", path=path, reason=error.strerror or error)
