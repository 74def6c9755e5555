"""Which statutes stand behind a question, and what of them the model is shown.

Two collections are kept apart: the sample ordinance, for the sample questions, and the
user's statutes, for everything else. Without statutes of the user the sample serves both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lawui.data import headings, questions, statutes
from lawui.errors import LabError, RetrievalError, UsageError
from lawui.model.remembered import Remembered
from lawui.types import EVIDENCES, Article, IndexInfo, Passage, Question

if TYPE_CHECKING:
    from lawui.retrieval.embedders import Embedder
    from lawui.retrieval.hybrid import Searcher
    from lawui.retrieval.rerank import Reranker

PASSAGES = 5
"""How many passages search puts in front of the model."""

_REMEMBERED = 256
"""Searches whose passages are remembered."""

Progress = Callable[[int, int], None]
Fetching = Callable[[str, int, int], None]
"""Hears of each file to bring: its name, how many came, of how many."""


@dataclass(frozen=True)
class IndexJob:
    """A rebuild in the background: `state` is idle, running, done or failed. With `step`
    fetch, `done` of `total` files have come and `name` is on its way; with `step` index,
    `done` of `total` passages are in. Its speed is what came after `first`, from `began` to
    `told`, the last news; where it is `missing`, nothing can be searched meanwhile."""

    state: str = "idle"
    done: int = 0
    total: int = 0
    error: LabError | None = None
    step: str = "index"
    name: str = ""
    began: float = field(default_factory=time.monotonic, compare=False)
    told: float = field(default_factory=time.monotonic, compare=False)
    first: int = 0
    missing: bool = False

    @property
    def left(self) -> float | None:
        """Seconds left of this step as its speed so far has it; None before there is one."""
        done = self.done - self.first
        if self.state != "running" or done <= 0:
            return None
        left = (self.told - self.began) / done * (self.total - self.done)
        return max(0.0, left - (time.monotonic() - self.told))


class Library:
    """The passage indexes of one home. Thread-safe; opens an index when first asked."""

    def __init__(
        self,
        folder: Path,
        data: Path | None,
        embedder: str = "embedded",
        chroma_url: str = "",
        reranker: str = "",
        offline: bool = True,
    ) -> None:
        self.embedder_name = embedder
        self._reranker_name = reranker
        self._reranker_opened: Reranker | None = None
        self._offline = offline
        self._folder = folder
        self._data = data
        self._chroma_url = chroma_url
        self._lock = threading.RLock()
        self._job_lock = threading.Lock()
        self._embedders: dict[str, Embedder] = {}
        self._searchers: dict[Path, tuple[str, Searcher]] = {}
        self._remembered: Remembered[tuple[Passage, ...]] = Remembered(_REMEMBERED)
        self.job = IndexJob()
        self.problems: tuple[LabError, ...] = ()

    def use(self, data: Path) -> None:
        """Take statutes from the data folder `data` from now on."""
        self._data = data

    # -- what a prompt shows

    def passages(self, question: Question, evidence: str, k: int = PASSAGES) -> tuple[Passage, ...]:
        """The passages of one kind of evidence, best first.

        Raises UsageError for an unknown kind, or for `given` where the question brings
        no context of its own.
        """
        if evidence not in EVIDENCES:
            raise UsageError("usage.evidence", evidence=evidence)
        if evidence == "none":
            return ()
        if evidence == "given":
            if not question.given_context.strip():
                raise UsageError("usage.no_given")
            return tuple(self._marked(headings.given_passages(question)))
        searcher = self._searcher(self._folder_of(question))
        return tuple(self._marked(self._found(searcher, question.query, k)))

    def _found(self, searcher: Searcher, query: str, k: int) -> Sequence[Passage]:
        return self._remembered.get(searcher, (query, k), lambda: tuple(searcher.search(query, k)))

    def forget(self) -> None:
        """Remember nothing that was searched for."""
        self._remembered.forget()

    def search(self, text: str, k: int = PASSAGES) -> list[Passage]:
        """Passages of the main collection for any text, best first."""
        return self._marked(self._searcher(self._main()).search(text, k))

    def _marked(self, passages: Sequence[Passage]) -> list[Passage]:
        """The passages, those marked whose article reads otherwise in the text in force.

        A given passage has no law id and no date: its law is known by its name.
        """
        laws = statutes.changed(self._data) if self._data is not None else {}
        by_name = {changes.law: changes for changes in laws.values() if changes.law}

        def marked(passage: Passage) -> Passage:
            changes = laws.get(passage.law_id) if passage.law_id else by_name.get(passage.law)
            if changes is None or passage.supplementary or passage.asof not in ("", changes.asof):
                return passage
            if (passage.article or passage.label) not in changes.articles:
                return passage
            return replace(passage, outdated=True, checked=changes.checked)

        return [marked(passage) for passage in passages]

    def evaluate(self, question_set: Sequence[Question]) -> dict[str, object]:
        """The keys of `index eval`, over the questions that cite an indexed law."""
        from lawui.retrieval import evaluate

        folder = self._folder_of(question_set[0]) if question_set else self._main()
        return evaluate.evaluate(self._searcher(folder), question_set, headings.cited_articles)

    # -- the index

    def status(self) -> IndexInfo | None:
        """The main index, or None where none has been built."""
        from lawui.retrieval import index

        return index.status(self._main())

    def index_id(self, question: Question) -> str:
        """The fingerprint of the index that answers `question`, and of the reranker if there
        is one: part of a score's identity."""
        searcher = self._searcher(self._folder_of(question))
        second = f"+{searcher.reranker.revision}" if searcher.reranker else ""
        return searcher.info.fingerprint + second

    def build(
        self,
        source: Path | None = None,
        embedder: str = "",
        progress: Progress | None = None,
    ) -> IndexInfo:
        """Build the main index from `source` (default: the data folder's statutes, or the
        sample ordinance without any), and make it the current one."""
        folder = self._folder if source is not None else self._main()
        articles = self._articles(folder, source or self._data)
        return self._build(articles, folder, embedder or self.embedder_name, progress)

    def start_build(
        self,
        source: Path | None = None,
        embedder: str = "",
        bring: Callable[[Fetching], object] | None = None,
    ) -> None:
        """Build in the background; `job` tells how it goes. One build at a time. `bring`
        fetches statutes first.

        The present index serves until the new one takes its place.
        """
        with self._job_lock:  # never waits for a search or a build
            if self.job.state == "running":
                raise RetrievalError("retrieval.build_running", path=str(self._folder))
            self.job = IndexJob("running", step="fetch" if bring else "index")
        arguments = (source, embedder, bring)
        threading.Thread(target=self._run_job, args=arguments, daemon=True).start()

    def _run_job(
        self, source: Path | None, embedder: str, bring: Callable[[Fetching], object] | None
    ) -> None:
        def fetching(name: str, done: int, total: int) -> None:
            told = time.monotonic()
            self.job = replace(self.job, done=done, total=total, name=name, told=told)

        try:
            if bring:
                bring(fetching)
            self.job = IndexJob("running")
            info = self.build(source, embedder, self._show_progress)
        except LabError as error:
            self.job = replace(self.job, state="failed", error=error)
        except Exception as error:  # a thread that dies silently would look like work
            fault = RetrievalError("retrieval.failed", reason=str(error) or type(error).__name__)
            self.job = replace(self.job, state="failed", error=fault)
        else:
            self.job = IndexJob("done", info.passages, info.passages)

    def prepare(self) -> None:
        """Build whatever index is missing, so that the first search need not wait; `job`
        tells how it goes, and is idle again afterwards."""
        from lawui.retrieval import index

        folders = list(dict.fromkeys((self._sample(), self._main())))
        missing = any(index.status(folder) is None for folder in folders)
        with self._telling() if missing else nullcontext():
            for folder in folders:
                self._searcher(folder)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """While an index that is missing is made, `job` tells how it goes."""
        with self._job_lock:
            mine = self.job.state != "running"
            fresh = IndexJob("running", missing=True)
            self.job = fresh if mine else replace(self.job, done=0, total=0)
        try:
            yield
        finally:
            if mine:
                self.job = IndexJob()

    def _show_progress(self, done: int, total: int) -> None:
        job = replace(self.job, done=done, total=total, told=time.monotonic())
        if job.total != self.job.total:  # what came before, reading above all, goes otherwise
            job = replace(job, first=done, began=job.told)
        self.job = job

    def _build(
        self, articles: Sequence[Article], folder: Path, embedder: str, progress: Progress | None
    ) -> IndexInfo:
        from lawui.retrieval import index

        with self._lock:
            opened = self._embedder(embedder)
        # Without the lock: searches go on in the present index; index.build holds its own.
        return index.build(
            articles,
            folder,
            opened,
            asof=max((a.asof for a in articles), default=""),
            progress=progress,
            chroma_url=self._chroma_url,
        )

    def _searcher(self, folder: Path) -> Searcher:
        """The searcher of `folder`, built where missing, opened anew after a rebuild."""
        from lawui.retrieval import index
        from lawui.retrieval.hybrid import Searcher

        with self._lock:
            opened, store = self._searchers.get(folder), index.current(folder)
            if opened is not None and opened[0] == str(store):
                return opened[1]
            info = index.status(folder)
            if info is None:
                with self._telling():
                    articles = self._articles(folder, self._data)
                    info = self._build(articles, folder, self.embedder_name, self._show_progress)
            embedder = self._embedder(info.embedder)
            searcher = Searcher.open(folder, embedder, self._chroma_url, self._reranker())
            self._searchers[folder] = (info.path, searcher)
            return searcher

    def _articles(self, folder: Path, source: Path | None) -> list[Article]:
        """What the index in `folder` is made of. A file that cannot be read is left out and
        stands in `problems`."""
        if folder == self._sample():
            return statutes.sample_articles()
        if source is None:  # built once from a folder that is not named now
            raise RetrievalError("retrieval.nothing_to_index")
        found = statutes.read_library(source)
        self.problems = tuple(found.problems)
        return list(found.articles)

    def _embedder(self, name: str) -> Embedder:
        from lawui.model.load import import_bitsandbytes
        from lawui.retrieval.embedders import load_embedder

        if name not in self._embedders:
            if name != "embedded":  # which needs no transformers, that import it unguarded
                import_bitsandbytes()
            self._embedders[name] = load_embedder(name)
        return self._embedders[name]

    def _reranker(self) -> Reranker | None:
        """The one that both collections share, or None where none is named."""
        from lawui.model.load import import_bitsandbytes
        from lawui.retrieval.rerank import Reranker

        if self._reranker_name and self._reranker_opened is None:
            import_bitsandbytes()  # which transformers imports unguarded
            self._reranker_opened = Reranker(self._reranker_name, offline=self._offline)
        return self._reranker_opened

    def _main(self) -> Path:
        """The user's statutes where there are any, built or to be built; else the sample."""
        from lawui.retrieval import index

        if self._has_statutes() or index.status(self._folder) is not None:
            return self._folder
        return self._sample()

    def _has_statutes(self) -> bool:
        return self._data is not None and statutes.has_library(self._data)

    def _sample(self) -> Path:
        return self._folder / "sample"

    def _folder_of(self, question: Question) -> Path:
        return self._sample() if questions.on_sample(question) else self._main()
