"""Bring the public data: lawqa_jp's questions and the statutes they rest on.

The questions come from their repository at one pinned commit and are checked against
their hashes. The statutes come from e-Gov's 法令API version 2, one request a law:

    GET {base_url}/law_data/{law_id}?asof=YYYY-MM-DD&response_format=xml

which answers with `law_data_response` (law_info, revision_info, law_full_text/Law). It
needs no key; requests are kept a second apart. Nothing is fetched twice: what is there
and whole stays, so a broken run is taken up by running it again.
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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lawui.data.statutes import MANIFEST, read_xml
from lawui.errors import DataError, HostError, LabError, UsageError

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
) -> dict[str, Any]:
    """Fill `data_dir` with lawqa_jp/ and statutes/, the laws as they stood on `asof`.

    The laws are those of lawqa_jp's law_list.json that e-Gov holds, and `laws` (ids)
    besides. `progress(name, done, total)` is told before each file and once at the end.
    Returns {data, asof, fetched, kept, laws: [{law_id, law, revision, articles}], bytes,
    seconds}. Raises UsageError for a bad date or law id before anything is asked,
    HostError where the network is forbidden, fails, or the disk cannot be written, and
    DataError where a law is unknown (after the others were fetched) or a file is wrong.
    """
    _check_date(asof)
    for law_id in laws:
        if not _LAW_ID.fullmatch(law_id):
            raise UsageError("data.bad_law_id", law=law_id)
    started = time.monotonic()
    files = SHA256 if sha256 is None else sha256
    job = _Job(
        data_dir=data_dir,
        asof=asof,
        offline=offline,
        progress=progress,
        base_url=base_url,
        questions_url=questions_url,
        manners=manners or Manners(),
        total=len(files),
    )
    for name, sha in files.items():
        job.question_file(name, sha)
    wanted = list(dict.fromkeys([*job.listed_laws(), *laws]))
    job.total += len(wanted)
    unknown = [law_id for law_id in wanted if not job.law(law_id)]
    job.tell("")
    if unknown:
        raise DataError("data.unknown_law", laws=", ".join(unknown), asof=asof)
    return {
        "data": str(data_dir),
        "asof": asof,
        "fetched": job.fetched,
        "kept": job.kept,
        "laws": job.laws,
        "bytes": job.received,
        "seconds": round(time.monotonic() - started, 3),
    }


@dataclass
class _Job:
    data_dir: Path
    asof: str
    offline: bool
    progress: Progress | None
    base_url: str
    questions_url: str
    manners: Manners
    total: int
    fetched: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    laws: list[dict[str, Any]] = field(default_factory=list)
    received: int = 0
    last_request: float = float("-inf")

    def tell(self, name: str) -> None:
        if self.progress:
            self.progress(name, len(self.fetched) + len(self.kept), self.total)

    def question_file(self, name: str, sha: str) -> None:
        path = self.data_dir / "lawqa_jp" / name
        self.tell(name)
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

    def law(self, law_id: str) -> bool:
        """Fetch one law unless it is there; False where e-Gov does not know it."""
        folder = self.data_dir / "statutes"
        path = folder / f"{law_id}.xml"
        noted = _read_manifest(folder)
        self.tell(law_id)
        known = noted.get(law_id)
        if known and known.get("asof") == self.asof and _sha256(path) == known.get("sha256"):
            self.kept.append(law_id)
            self.laws.append(
                {k: known.get(k, "") for k in ("law_id", "law", "revision", "articles")}
            )
            return True

        def sound(body: bytes) -> None:
            try:
                found = {article.law_id for article in read_xml(body)}
            except DataError as error:
                raise DataError("data.bad_answer", law=law_id) from error
            if found != {law_id}:
                raise DataError("data.wrong_law", law=law_id, found=", ".join(found))

        query = urlencode({"asof": self.asof, "response_format": "xml"})
        body = self.get(f"{self.base_url}/law_data/{law_id}?{query}", sound, polite=True)
        if not body:
            return False
        articles = read_xml(body)
        page = articles[0].url.split("#")[0]
        entry = {
            "law_id": law_id,
            "law": articles[0].law,
            "revision": page.rsplit("/", 1)[1] if page.count("/") > 4 else "",
            "articles": len(articles),
        }
        _write(path, body)
        note = {**entry, "asof": self.asof, "sha256": hashlib.sha256(body).hexdigest()}
        text = json.dumps({**_read_manifest(folder), law_id: note}, ensure_ascii=False, indent=1)
        _write(folder / MANIFEST, text.encode())
        self.fetched.append(law_id)
        self.laws.append(entry)
        return True

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
                error.close()
                if polite and error.code in (400, 404):
                    return b""
                problem: LabError = HostError("data.network", url=url, reason=f"HTTP {error.code}")
                if error.code not in _RETRY_STATUS:
                    raise problem from None
                asked = error.headers.get("Retry-After", "")
                wait = max(wait, min(float(asked), 60.0)) if asked.isdigit() else wait
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", None) or error
                problem = HostError("data.network", url=url, reason=reason)
            except DataError as error:  # cut off on the way, or an error page
                problem = error
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
    if expected is not None and size != int(expected):
        raise http.client.IncompleteRead(b"", int(expected) - size)
    return b"".join(parts)


def _check_date(asof: str) -> None:
    try:
        if date.fromisoformat(asof).isoformat() != asof:
            raise ValueError(asof)
    except ValueError:
        raise UsageError("data.bad_date", date=asof) from None


def _read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        noted = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # fetched anew, rather than trusted
    entries = noted.items() if isinstance(noted, dict) else ()
    return {law_id: entry for law_id, entry in entries if isinstance(entry, dict)}


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
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise HostError("data.cannot_write", path=path, reason=error.strerror) from error
