"""The passage index: one folder a fingerprint below HOME/index, `current` naming the one in use.

    index/
      current                  the folder name in use, replaced atomically
      .lock                    held by the process that builds
      .vectors/<embedder>/     vectors by block of text: a broken-off build resumes here, and
                               a law that did not change is not embedded again
      .building-<name>/        a build under way or broken off; the next build clears it
      <name>/                  <fingerprint>-<moment>: no build reuses another's folder, so
                               that a searcher that is open reads on undisturbed
        manifest.json          what it holds, and a checksum of every other file
        passages.jsonl         one passage a line; passages.offsets.npy finds them
        library.json, *.npy    articles, links between them (library.py)
        bm25-passages/, bm25-articles/   lexical.py
        chroma/                a Chroma PersistentClient store, cosine space

With a Chroma server the folder holds everything but chroma/. Several labs may share a
server (server.py): what is being filled there has a name of its own, and takes the
fingerprint's name only when it is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from lawui.errors import RetrievalError
from lawui.retrieval import passages as cutting
from lawui.retrieval.embedders import Embedder
from lawui.retrieval.lexical import Lexical
from lawui.retrieval.library import Library
from lawui.retrieval.server import Shared
from lawui.types import Article, IndexInfo, Passage

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

FORMAT = " ".join(("2", *(field.name for field in fields(Passage))))
"""Its number is raised whenever what lies on disk, or what is embedded, changes its meaning;
a passage with other fields is another format by itself."""

BLOCK = 256  # passages embedded and cached at once
BATCH = 2_048  # passages added to Chroma at once: it commits every time
LOCK_SECONDS = 900.0  # how long a second build waits for the first
KEPT = 2  # stores kept: a searcher that is open reads on while the next is built
_HNSW = {"space": "cosine", "ef_construction": 100, "ef_search": 200, "max_neighbors": 16}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Manifest:
    """manifest.json. `checksums` maps a file's path below the store to its CRC-32;
    `server` is true where the vectors lie on a Chroma server."""

    format: str
    fingerprint: str
    embedder: str
    revision: str
    dim: int
    chroma: str
    laws: int
    articles: int
    passages: int
    asof: str
    seconds: float
    near_oracle: bool
    server: bool
    checksums: dict[str, int]


def fingerprint(
    articles: Sequence[Article], embedder: Embedder, *, near_oracle: bool = False
) -> str:
    """Names what an index depends on: texts, cutting, embedder and its weights."""
    digest = hashlib.sha256()
    head = [FORMAT, cutting.LONGEST, embedder.name, embedder.revision, embedder.dim, near_oracle]
    digest.update(json.dumps(head).encode())
    for article in articles:
        line = json.dumps(asdict(article), ensure_ascii=False, sort_keys=True)
        digest.update(line.encode("utf-8", "replace"))
    return digest.hexdigest()[:24]


def build(
    articles: Sequence[Article],
    folder: Path,
    embedder: Embedder,
    *,
    asof: str = "",
    progress: Progress | None = None,
    chroma_url: str = "",
    near_oracle: bool = False,
) -> IndexInfo:
    """Builds the index of `articles` and makes it the current one.

    Returns at once where the current index already is the one asked for and sound. A
    second build waits for the first. A build that is killed leaves the current index as
    it was. `near_oracle` marks an index made of the questions' own contexts.

    Raises RetrievalError: `retrieval.nothing_to_index`, `retrieval.build_running`,
    `retrieval.server`, `retrieval.disk`.
    """
    from filelock import FileLock, Timeout

    name = fingerprint(articles, embedder, near_oracle=near_oracle)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=LOCK_SECONDS):
            store = _sound(folder, name, chroma_url)
            if store is None:
                builder = _Builder(folder, name, embedder, chroma_url, progress)
                store = builder.run([_well_formed(a) for a in articles], asof, near_oracle)
            return info(store)
    except Timeout as error:
        raise RetrievalError("retrieval.build_running", path=str(folder)) from error
    except OSError as error:
        raise RetrievalError("retrieval.disk", path=str(folder), reason=str(error)) from error


def status(folder: Path) -> IndexInfo | None:
    """What the current index holds, or None where there is none.

    Raises RetrievalError `retrieval.damaged` where its manifest can't be read.
    """
    store = current(folder)
    return info(store) if store else None


def current(folder: Path) -> Path | None:
    """The store that `current` names, or None."""
    try:
        name = (folder / "current").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RetrievalError("retrieval.damaged", path=str(folder), reason=str(error)) from error
    if not name or Path(name).name != name:
        raise RetrievalError("retrieval.damaged", path=str(folder), reason="current")
    return folder / name


def read_manifest(store: Path) -> Manifest:
    """The manifest of a store; RetrievalError `retrieval.damaged` or `.old_format`."""
    try:
        values = json.loads((store / "manifest.json").read_text(encoding="utf-8"))
        if values.get("format") != FORMAT:
            raise RetrievalError("retrieval.old_format", path=str(store))
        return Manifest(**values)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RetrievalError("retrieval.damaged", path=str(store), reason=str(error)) from error


def verify(store: Path) -> Manifest:
    """Reads the manifest and checks every file against it: `retrieval.damaged` if one differs."""
    manifest = read_manifest(store)
    for name, checksum in manifest.checksums.items():
        try:
            sound = _checksum(store / name) == checksum
        except OSError:
            sound = False
        if not sound:
            raise RetrievalError("retrieval.damaged", path=str(store), reason=name)
    return manifest


def open_collection(store: Path, manifest: Manifest, chroma_url: str) -> tuple[Any, Collection]:
    """The Chroma client and the store's collection, local or on the server at `chroma_url`.

    Raises RetrievalError `retrieval.damaged`, `retrieval.other_chroma` where another
    version of Chroma wrote what this one can't read, or for a server `retrieval.server`;
    its param `answers` tells a server that lacks the collection from one that is down.
    """
    from chromadb.errors import NotFoundError

    client: Any = None
    try:
        client = _client(store / "chroma", chroma_url)
        collection = client.get_collection(collection_name(manifest.fingerprint))
        count = collection.count()
        if count == manifest.passages:
            return client, collection
        reason, cause, answers = f"{count} != {manifest.passages}", None, True
    except BaseException as error:  # a damaged store can panic inside Chroma's Rust
        if isinstance(error, KeyboardInterrupt | SystemExit | RetrievalError):
            raise
        reason, cause, answers = str(error), error, isinstance(error, NotFoundError)
    with contextlib.suppress(Exception):
        client.close()
    if chroma_url:
        key = "retrieval.server"
    else:
        other = manifest.chroma != _chroma_version()
        key = "retrieval.other_chroma" if other else "retrieval.damaged"
    raise RetrievalError(
        key,
        path=str(store),
        url=chroma_url,
        reason=reason,
        answers=answers,
        made=manifest.chroma,
        here=_chroma_version(),
    ) from cause


def collection_name(fingerprint: str) -> str:
    return f"lawui-{fingerprint}"


def _client(path: Path, chroma_url: str) -> Any:
    """A Chroma client that sends no telemetry."""
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if not chroma_url:
        return chromadb.PersistentClient(str(path), settings=settings)
    url = urlsplit(chroma_url if "//" in chroma_url else f"http://{chroma_url}")
    secure = url.scheme == "https"
    try:
        return chromadb.HttpClient(
            host=url.hostname or "localhost",
            port=url.port or (443 if secure else 8000),
            ssl=secure,
            settings=settings,
        )
    except Exception as error:
        raise RetrievalError("retrieval.server", url=chroma_url, reason=str(error)) from error


def _sound(folder: Path, fingerprint: str, chroma_url: str) -> Path | None:
    """The current store if it has this fingerprint and place and every part of it is there."""
    try:
        store = current(folder)
        if store is None:
            return None
        manifest = verify(store)
        if (manifest.fingerprint, manifest.server) != (fingerprint, bool(chroma_url)):
            return None
        client, _ = open_collection(store, manifest, chroma_url)
        client.close()
        return store
    except RetrievalError as error:
        if error.key == "retrieval.server" and not error.params.get("answers"):
            raise  # a server that is down is no reason to build anew
        return None


def info(store: Path) -> IndexInfo:
    """What a store holds; RetrievalError `retrieval.damaged` where its manifest can't be read."""
    manifest = read_manifest(store)
    files = (p.stat().st_size for p in store.rglob("*") if p.is_file())
    return IndexInfo(
        path=str(store),
        laws=manifest.laws,
        articles=manifest.articles,
        passages=manifest.passages,
        embedder=manifest.embedder,
        asof=manifest.asof,
        seconds=manifest.seconds,
        bytes=sum(files),
        fingerprint=manifest.fingerprint,
        near_oracle=manifest.near_oracle,
    )


def _checksum(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


class _Builder:
    """One build under the lock: writes .building-<store>, then renames it into place."""

    def __init__(
        self,
        folder: Path,
        fingerprint: str,
        embedder: Embedder,
        chroma_url: str,
        progress: Progress | None,
    ) -> None:
        self.folder, self.fingerprint, self.embedder = folder, fingerprint, embedder
        self.chroma_url, self.progress = chroma_url, progress
        self.name = f"{fingerprint}-{time.time_ns() // 1_000_000:x}"
        self.work = folder / f".building-{self.name}"
        key = hashlib.sha256(f"{embedder.name} {embedder.revision}".encode()).hexdigest()[:16]
        self.vectors = folder / ".vectors" / key
        self.used: set[str] = set()

    def run(self, articles: Sequence[Article], asof: str, near_oracle: bool) -> Path:
        """Builds and swaps in; returns the new store."""
        began = time.monotonic()
        self._clear()
        self.work.mkdir()
        self.vectors.mkdir(parents=True, exist_ok=True)
        owners, found = self._cut(articles)
        if not found:
            raise RetrievalError("retrieval.nothing_to_index")
        headings = [cutting.heading(article) for article in articles]
        texts = [f"{headings[owner]}\n{p.text}" for owner, p in zip(owners, found, strict=True)]
        self._write_passages(found)
        Lexical.build(texts).save(self.work / "bm25-passages")
        whole = (f"{h}\n{cutting.article_text(a)}" for h, a in zip(headings, articles, strict=True))
        Lexical.build(whole).save(self.work / "bm25-articles")
        Library.build(articles, owners).save(self.work)
        self._fill_chroma(found, texts)
        manifest = Manifest(
            format=FORMAT,
            fingerprint=self.fingerprint,
            embedder=self.embedder.name,
            revision=self.embedder.revision,
            dim=self.embedder.dim,
            chroma=_chroma_version(),
            laws=len({a.law_id for a in articles}),
            articles=len(articles),
            passages=len(found),
            asof=asof or max((a.asof for a in articles), default=""),
            seconds=round(time.monotonic() - began, 2),
            near_oracle=near_oracle,
            server=bool(self.chroma_url),
            checksums=dict(self._checksums()),
        )
        text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1)
        _write(self.work / "manifest.json", text)
        return self._swap_in()

    def _clear(self) -> None:
        for left in self.folder.glob(".building-*"):
            shutil.rmtree(left)

    def _cut(self, articles: Sequence[Article]) -> tuple[np.ndarray, list[Passage]]:
        """The article's number [passages] of each passage, and the passages."""
        owners: list[int] = []
        found: list[Passage] = []
        for number, article in enumerate(articles):
            pieces = cutting.passages(article)
            owners += [number] * len(pieces)
            found += pieces
        return np.array(owners, np.int32), found

    def _write_passages(self, found: list[Passage]) -> None:
        offsets = [0]
        with (self.work / "passages.jsonl").open("wb") as file:
            for passage in found:
                line = json.dumps(asdict(passage), ensure_ascii=False) + "\n"
                offsets.append(offsets[-1] + file.write(line.encode()))
        np.save(self.work / "passages.offsets.npy", np.array(offsets, np.int64))

    def _fill_chroma(self, found: list[Passage], texts: list[str]) -> None:
        client = _client(self.work / "chroma", self.chroma_url)
        name = collection_name(self.fingerprint)
        shared = Shared(client, name, self.folder, len(found)) if self.chroma_url else None
        try:
            if shared and shared.is_there():  # another lab has built the very same
                return
            collection = client.create_collection(
                shared.own_name if shared else name,
                configuration={"hnsw": _HNSW},
                metadata=shared.metadata if shared else None,
                embedding_function=None,
            )
            for blocks in _batches(_blocks(found)):
                rows = [row for block in blocks for row in block]
                collection.add(
                    ids=[str(row) for row in rows],
                    embeddings=np.concatenate(
                        [self._embed([texts[row] for row in block]) for block in blocks]
                    ),
                    documents=[found[row].text for row in rows],
                    metadatas=[_metadata(found[row]) for row in rows],
                )
                if self.progress:
                    self.progress(rows[-1] + 1, len(found))
            if shared:
                shared.publish(collection)
        except OSError:
            raise
        except Exception as error:
            key = "retrieval.server" if self.chroma_url else "retrieval.disk"
            raise RetrievalError(
                key, url=self.chroma_url, path=str(self.folder), reason=str(error)
            ) from error
        finally:
            client.close()
        self._forget_unused()

    def _embed(self, texts: list[str]) -> np.ndarray:
        """[texts, dim] float32 from the block cache, or embedded and put there."""
        name = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32] + ".npy"
        path = self.vectors / name
        self.used.add(name)
        with contextlib.suppress(OSError, ValueError, EOFError):
            cached = np.load(path, allow_pickle=False)
            if cached.shape == (len(texts), self.embedder.dim):
                return cached.astype(np.float32)
        # half precision either way, so that a resumed build equals one in a single go
        vectors = self.embedder.encode_passages(texts).astype(np.float16)
        temporary = path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            np.save(file, vectors)
        temporary.replace(path)
        return vectors.astype(np.float32)

    def _forget_unused(self) -> None:
        for path in self.vectors.iterdir():
            if path.name not in self.used:
                path.unlink()

    def _checksums(self) -> Iterator[tuple[str, int]]:
        """Every file but Chroma's: SQLite checks itself, and the vector files are written
        anew from its log whenever the store is opened."""
        for path in sorted(self.work.rglob("*")):
            if path.is_file() and "chroma" not in path.relative_to(self.work).parts:
                yield path.relative_to(self.work).as_posix(), _checksum(path)

    def _swap_in(self) -> Path:
        target = self.folder / self.name
        self.work.replace(target)
        _write(self.folder / "current", self.name)
        stores = [p.parent for p in self.folder.glob("*/manifest.json") if p.parent != target]
        stores.sort(key=lambda store: store.stat().st_mtime, reverse=True)
        for store in stores[KEPT - 1 :]:
            shutil.rmtree(store, ignore_errors=True)
        return target


def _blocks(found: list[Passage]) -> Iterator[list[int]]:
    """Row numbers in blocks of at most `BLOCK` of one law, so that a changed law changes
    no other law's blocks."""
    rows: list[int] = []
    for row, passage in enumerate(found):
        if rows and (len(rows) == BLOCK or passage.law_id != found[rows[-1]].law_id):
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def _well_formed(article: Article) -> Article:
    paragraphs = tuple(cutting.well_formed(text) for text in article.paragraphs)
    names = ("law_id", "law", "article", "label", "caption", "anchor", "url", "asof")
    clean: dict[str, Any] = {n: cutting.well_formed(getattr(article, n)) for n in names}
    headings = tuple(cutting.well_formed(text) for text in article.headings)
    return replace(article, paragraphs=paragraphs, headings=headings, **clean)


def _batches(blocks: Iterable[list[int]]) -> Iterator[list[list[int]]]:
    """Blocks together as long as they hold at most `BATCH` rows."""
    batch: list[list[int]] = []
    for block in blocks:
        if batch and sum(map(len, batch)) + len(block) > BATCH:
            yield batch
            batch = []
        batch.append(block)
    if batch:
        yield batch


def _metadata(passage: Passage) -> dict[str, Any]:
    """What another program that opens the store sees beside text and vector; each entry
    costs time in every build."""
    return {
        "id": passage.id,
        "law": passage.law,
        "article": passage.article,
        "paragraph": passage.paragraph,
        "item": passage.item,
    }


def _chroma_version() -> str:
    import chromadb

    return str(chromadb.__version__)


def _write(path: Path, text: str) -> None:
    """Writes a small file atomically and durably."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
