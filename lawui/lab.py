"""The lab: one headless facade over all rooms.

The page and the command line talk to nothing else. Making a Lab is cheap; the model, the
indexes and their libraries are loaded when something first needs them.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.asking import browse
from lawui.asking.browse import Narrow, Tried
from lawui.asks import Asks
from lawui.bases import Bases
from lawui.data import headings, statutes
from lawui.data import questions as data
from lawui.errors import (
    AdapterError,
    DataError,
    HostError,
    LabError,
    ModelError,
    RetrievalError,
    UsageError,
)
from lawui.keeping import KEEP_DAYS, Keeping
from lawui.library import IndexJob, Library
from lawui.model import adapters, load
from lawui.model.address import is_address
from lawui.model.load import ModelChoice
from lawui.readers.classroom import Classroom
from lawui.readers.offered import Offered
from lawui.readers.own_questions import NAME, OwnQuestions, is_own
from lawui.readers.people import NOBODY, People
from lawui.readers.store import Store
from lawui.readers.visits import Visits
from lawui.scores import Scores
from lawui.served import Served
from lawui.sharing import Sharing
from lawui.trainings import Trainings
from lawui.types import (
    LETTERS,
    AdapterInfo,
    IndexInfo,
    Passage,
    Question,
    QuestionSet,
)

if TYPE_CHECKING:
    from lawui.model.load import LoadedModel
    from lawui.model.serving import Serving

CHECKOUT = Path(__file__).resolve().parents[1]
ASOF = "2024-12-31"
"""The date of the statutes that the questions of lawqa_jp fit best."""


@dataclass(frozen=True)
class Settings:
    """What the command line or app.py was asked for. `model` is `auto`, `embedded`, a hub id,
    a folder, or the address of a server with the name of its model behind `#`."""

    home: Path = CHECKOUT
    model: str = "auto"
    data: Path | None = None
    offline: bool = False
    lang: str = "ja"
    demo: bool = False
    chroma_url: str = ""
    embedder: str = "embedded"
    reranker: str = ""
    keep_days: int = KEEP_DAYS


class Lab(Asks, Scores, Trainings, Keeping):
    """Everything that the lab can do. Thread-safe. Raises LabError and nothing else for
    what a user can put right."""

    def __init__(self, settings: Settings, people: People | None = None) -> None:
        if settings.offline:
            os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
        self.settings = settings
        self.people = people or People(demo=settings.demo)
        self._problems: tuple[LabError, ...] = ()
        self.home = settings.home.expanduser().resolve()
        self.data_dir = _data_folder(settings.data)
        self._lock = threading.RLock()
        self._choice: ModelChoice | None = None
        self._owner: Serving | None = None
        self._library = Library(
            self.home / "index",
            self.data_dir,
            settings.embedder,
            settings.chroma_url,
            settings.reranker,
            settings.offline,
        )
        self._open_asks(self)
        self._open_trainings(self, self._library)
        self._sharing = Sharing(self._runs, lambda: self._owner)
        self._served = Served(self.owner, lambda: self._owner, self._folder_adapter)
        self._open_scores(self, self.home / ".lawui")
        store = Store(self.home / ".lawui" / "readers.sqlite3")
        self.own = OwnQuestions(store, self.people)
        self.visits = Visits(store)
        self.classroom = Classroom(self)
        self.bases = Bases(self)
        self.offered = Offered(self.home / ".lawui" / "gradio")
        self._open_keeping(self)

    # -- the model

    @property
    def choice(self) -> ModelChoice:
        """Which base answers, and why; nothing is loaded for this."""
        if self._choice is not None:  # also while another thread waits for a server
            return self._choice
        with self._lock:
            if self._choice is None:
                self._choice = load.choose(self.settings.model, offline=self.settings.offline)
            return self._choice

    def owner(self) -> Serving:
        """What answers, loaded at the first call."""
        with self._lock:
            if self._owner is None:
                self._owner = (
                    self._served.connect(self.choice) if self.choice.server else self._resident()
                )
            return self._owner

    def _resident(self) -> Serving:
        from lawui.model.owner import Owner

        def read() -> LoadedModel:
            return load.load(self.choice.spec, offline=self._model_offline())

        loaded = read()
        spare = self._sharing.loads(loaded.device)
        return Owner(loaded, self.adapter, spare=spare, reload=read)

    def use(self, model: str) -> ModelChoice:
        """Let another base answer from now on: `auto`, `embedded`, a hub id or a folder. The
        memory of the one before is free at once; what waited for it is refused in words."""
        self.people.allow("base")
        choice = load.choose(model, offline=self.settings.offline)
        with self._lock:
            if self._owner is not None:
                self._owner.close()
                self._owner = None
            self.settings = replace(self.settings, model=model)
            self._choice = choice
        return choice

    @property
    def server(self) -> str:
        """The address of the server that is sent what is asked; "" where none is."""
        try:
            return self.choice.server
        except LabError:  # said where the model is
            return ""

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory, or its server known."""
        return self._owner is not None

    def start(self) -> None:
        """Load the model, open or build the indexes, and delete what has been kept long
        enough, in the background."""
        self._keep_tidy()
        threading.Thread(target=self._warm, name="warm-up", daemon=True).start()

    def close(self) -> None:
        """Stop the background work and free the model. Training goes on by itself."""
        self._stopped.set()
        self._scorer.close()
        with self._lock:
            if self._owner is not None:
                self._owner.close()
                self._owner = None

    @property
    def problems(self) -> tuple[LabError, ...]:
        """What went wrong in the background, and files that could not be read."""
        over: tuple[type[LabError], ...] = ()
        if self._library.job.state == "done":
            over += (RetrievalError,)
        if self._owner is not None:  # a server that was gone is there
            over += (ModelError,)
        left = (p for p in self._problems if not isinstance(p, over))
        return (*left, *self._library.problems)

    @property
    def notices(self) -> tuple[LabError, ...]:
        """What is good to know while it lasts: answers that make do with less memory."""
        return (*self._sharing.notices, *self._served.notices)

    def make_room(self) -> None:
        """Let answers take as little of the card as they can while a run is going on."""
        self._sharing.make_room()

    @property
    def waiting(self) -> int:
        """How many requests wait for the model."""
        return self._owner.waiting if self._owner is not None else 0

    def describe(self) -> dict[str, Any]:
        """What this lab is made of: the keys of `doctor`. Loads no model."""
        from lawui import doctor

        return doctor.describe(self)

    def _model_offline(self) -> bool:
        # auto and embedded never download; a model asked for by name may, unless offline.
        return self.settings.offline or self.settings.model in ("auto", load.EMBEDDED)

    def _warm(self) -> None:
        for step in (self.owner, self._practise, self._library.prepare):
            try:
                step()
            except LabError as error:
                self._problems = (*self._problems, error)

    def _practise(self) -> None:
        """Let the model answer two questions: what is made at the first use is there then, and
        its speed is known. A server is sent nothing that nobody asked."""
        if not self.choice.server:
            for question in self.questions("sample").questions[:2]:
                self.owner().answer([self.prompt(question)])

    # -- data

    def fetch(
        self,
        asof: str = ASOF,
        laws: Sequence[str] = (),
        progress: Callable[[str, int, int], None] | None = None,
        decrees: bool = False,
    ) -> dict[str, Any]:
        """Bring lawqa_jp and its statutes into the data folder: the one thing that goes out.

        With `decrees`, also the orders that the laws themselves point to. A lab without a
        data folder goes on with this one.
        """
        self.people.allow("fetch")
        return self._fetch(asof, laws, progress, decrees)

    def _fetch(
        self,
        asof: str,
        laws: Sequence[str],
        progress: Callable[[str, int, int], None] | None,
        decrees: bool = False,
    ) -> dict[str, Any]:
        from lawui.data import fetch

        folder = self.data_dir or self.settings.data or Path("data")
        try:
            return fetch.fetch(folder, asof, laws, self.settings.offline, progress, decrees=decrees)
        finally:  # one law that did not come does not take the others away
            if self.data_dir is None and statutes.has_library(folder):
                self.data_dir = folder.resolve()
                self._library.use(self.data_dir)

    def sets(self, user: str = "") -> list[dict[str, Any]]:
        """The sets that can be loaded: {name, items, orders}; a broken one has `fault`. A
        user's own questions are one, once one of them has an official answer."""
        found = []
        own = [self.own.set_name(user)] if self.people.sees(user) and self.own.all(user) else []
        for name in (*data.available_sets(self.data_dir), *own):
            try:
                questions = self.questions(name)
            except DataError as error:
                found.append({"name": name, "items": 0, "orders": 0, "fault": error})
                continue
            items = questions.items
            orders = len(questions.questions) // items if items else 0
            found.append({"name": name, "items": items, "orders": orders})
        return found

    def questions(self, set: str) -> QuestionSet:
        """A set by name. Raises UsageError or DataError."""
        if is_own(set):
            self._owner_of(set)
            return self.own.named(set)
        return data.load_set(set, self.data_dir)

    def question(self, qid: str, set: str = "") -> Question:
        """A question by id, by number or by ファイル名; without `set` its id names the set."""
        name = set or qid.split("-", 1)[0]
        if is_own(name):
            return self.own.question(qid, self._owner_of(name))
        if name not in data.available_sets(self.data_dir) and not set:
            name = "sample"
        return data.find(self.questions(name), qid)

    def find(self, set: str, words: str = "", law: str = "", number: str = "") -> list[Question]:
        """The items of a set that match, each in its first order."""
        return data.search(self._listed(set), words=words, law=law, number=number)

    def browse(
        self, set: str, narrow: Narrow, words: str = "", law: str = "", user: str = ""
    ) -> list[Question]:
        """Like `find` (words that are a number are one), narrowed by difficulty, by group and
        by what `user` marked."""
        number = words.strip() if re.fullmatch(r"[0-9]+(-[0-9]+)?", words.strip()) else ""
        found = self.find(set, words="" if number else words.strip(), law=law, number=number)
        if narrow == Narrow():
            return found
        marked: dict[str, list[str]] = {}
        for mark in self.marks(user=user) if narrow.review else ():
            marked.setdefault(mark.source, []).append(mark.mark)
        return browse.narrowed(found, narrow, self.tried() if narrow.level else {}, marked)

    def tried(self) -> dict[str, Tried]:
        """How often each item (ファイル名) was answered rightly, over all stored scores."""
        return self._scorebook.tried()

    def groups(self, set: str) -> dict[str, list[Question]]:
        """The groups of a set that hold more than one item."""
        return browse.groups(self._listed(set).questions)

    def _listed(self, set: str) -> QuestionSet:
        """A set to read in: own questions without an official answer stand in it too."""
        found = self.questions(set)
        if is_own(set):
            found = replace(found, questions=self.own.all(self._owner_of(set)))
        return found

    def sees_set(self, set: str) -> bool:
        """Whether whoever asks may see what was made of a set. Scores, runs and adapters
        made of somebody's own questions are that person's, and are nothing to others."""
        if not is_own(set):
            return True
        try:
            owner = self.own.user_of(set)
        except UsageError:  # deleted: the lab's own work alone may still meet its name
            owner = NOBODY
        return self.people.sees(owner)

    def _owner_of(self, set: str) -> str:
        """Whose own questions these are. Raises UsageError for who may not see them."""
        user = self.own.user_of(set)
        if not self.people.sees(user):
            raise UsageError("data.unknown_set", set=set, sets=NAME)
        return user

    def laws(self, set: str) -> list[str]:
        """The law families of a set."""
        return data.laws(self._listed(set))

    def given(self, question: Question) -> list[Passage]:
        """The question's own context as passages."""
        return headings.given_passages(question)

    def own_question(self, stem: str, choices: Sequence[str], context: str = "") -> Question:
        """A question typed by a user. Raises UsageError where a part of it is empty."""
        parts = [stem.strip(), *(choice.strip() for choice in choices)]
        if len(parts) != 1 + len(LETTERS) or not all(parts):
            raise UsageError("usage.four_choices")
        import hashlib

        name = "own-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
        four = (parts[1], parts[2], parts[3], parts[4])
        return Question(name, name, name, 0, "", parts[0], four, "", context.strip())

    # -- retrieval

    def index_status(self) -> IndexInfo | None:
        """The main index, or None where none has been built."""
        return self._library.status()

    def index_build(
        self,
        folder: Path | None = None,
        embedder: str = "",
        progress: Callable[[int, int], None] | None = None,
    ) -> IndexInfo:
        """Build the index of the statutes in `folder` (default: the data folder's)."""
        self.people.allow("index")
        return self._library.build(folder, embedder, progress)

    def index_start(self, folder: Path | None = None, embedder: str = "") -> None:
        """Rebuild the index in the background; `index_job` tells how it goes."""
        self.people.allow("index")
        self._library.start_build(folder, embedder)

    def law_add(self, law_id: str) -> None:
        """Bring a law from e-Gov as of the date of the others and rebuild the index, in the
        background; `index_job` tells how it goes."""
        self.people.allow("fetch")
        page = f"https://laws.e-gov.go.jp/law/{law_id}"
        if self.settings.offline:
            raise HostError("data.offline", url=page)
        asof = self.law_date()
        self._library.start_build(bring=lambda progress: self._fetch(asof, (law_id,), progress))

    def law_date(self) -> str:
        """As of which date `law_add` brings a law: that of the present statutes of the user."""
        own = self.data_dir is not None and statutes.has_library(self.data_dir)
        try:
            info = self.index_status() if own else None
        except RetrievalError:  # it is about to be rebuilt
            info = None
        return info.asof if info and info.asof else ASOF

    def index_job(self) -> IndexJob:
        """The rebuild in the background, or an idle one."""
        return self._library.job

    def index_evaluate(self, set: str = "selection") -> dict[str, Any]:
        """How often search finds the cited articles: the keys of `index eval`."""
        return self._library.evaluate(self.questions(set).questions)

    def search(self, text: str, k: int = 5) -> list[Passage]:
        """The `k` passages nearest to `text`, best first. Raises UsageError for no text."""
        if not text.strip() or not 1 <= k <= 100:
            raise UsageError("usage.search")
        self.people.count("search")
        return self._library.search(text, k)

    def passages(self, question: Question, evidence: str) -> tuple[Passage, ...]:
        """What the model would be shown with this evidence, best first."""
        return self._library.passages(question, evidence)

    def index_id(self, question: Question) -> str:
        """The fingerprint of the index that serves `question`."""
        return self._library.index_id(question)

    # -- adapters

    def adapters(self) -> list[AdapterInfo]:
        """Every adapter of the home, then the shipped ones; faulty ones carry a fault. Where a
        server answers, those that it serves. One that was made of somebody's own questions is
        that person's."""
        if is_address(self.settings.model):
            return [info for info in self._served.adapters() if self._sees(info)]
        return self.folder_adapters(self._owner.loaded.sha if self._owner is not None else "")

    def folder_adapters(self, base_sha: str) -> list[AdapterInfo]:
        """The adapters on this machine, as they are for the base `base_sha`; for any at ""."""
        found: dict[str, AdapterInfo] = {}
        for folder in (CHECKOUT, self.home):
            listed = adapters.list_adapters(folder / "adapters", base_sha)
            found |= {info.name: info for info in listed}
        seen = filter(self._sees, found.values())
        return sorted(seen, key=lambda info: info.created, reverse=True)

    def hides_adapter(self, name: str) -> bool:
        """Whether an adapter of this machine has this name that whoever asks may not see."""
        folders = (CHECKOUT / "adapters", self.home / "adapters")
        there = (adapters.find(folder, name) for folder in folders)
        return any(info is not None and not self._sees(info) for info in there)

    def _sees(self, info: AdapterInfo) -> bool:
        """Whether whoever asks may see an adapter: all that it was made of is told by it."""
        return all(map(self.sees_set, info.sets))

    def adapter(self, name: str) -> AdapterInfo:
        """One adapter by name. Raises AdapterError for an unknown one."""
        if not is_address(self.settings.model):
            return self._folder_adapter(name)
        info = self._served.adapter(name)
        if not self._sees(info):
            raise AdapterError("adapter.unknown", name=name)
        return info

    def adapter_load(self, name: str, path: str = "") -> AdapterInfo:
        """Have the server that answers take up an adapter of this home, or the folder `path`
        as the server sees it. Raises AdapterError where it takes none."""
        self.people.allow("base")
        return self._served.load(name, path)

    def adapter_unload(self, name: str) -> None:
        """Have the server that answers let go of an adapter; its files stay."""
        self.people.allow("base")
        self._served.unload(name)

    def _folder_adapter(self, name: str) -> AdapterInfo:
        # What a server holds has another identity than the same weights in a folder.
        known = None if is_address(self.settings.model) else self._owner
        return self.folder_adapter(name, known.loaded.sha if known is not None else "")

    def folder_adapter(self, name: str, base_sha: str) -> AdapterInfo:
        """One of `folder_adapters` by name. Raises AdapterError for an unknown one."""
        adapters.check_name(name)
        for folder in (self.home / "adapters", CHECKOUT / "adapters"):
            info = adapters.find(folder, name, base_sha)
            if info is not None and self._sees(info):
                return info
        raise AdapterError("adapter.unknown", name=name)

    def adapter_export(self, name: str, path: Path) -> Path:
        """Copy an adapter to a folder or, where `path` ends in .zip, into an archive, with
        a model card that tells how it scored so far."""
        return adapters.export(self._folder_adapter(name), path, self._test_table(name))

    def adapter_remove(self, name: str) -> None:
        """Delete an adapter of the home, with its run. A shipped one stays."""
        self.people.allow("remove")
        info = self._folder_adapter(name)
        folder = self.home / "adapters"
        if Path(info.path).parent != folder or name.startswith("sample-"):
            raise AdapterError("adapter.shipped", name=name)
        if (folder / name / adapters.UNFINISHED).exists():
            self._runs.remove(name)
        else:
            adapters.remove(info, folder)
        self._forget_presets_from(name, info.sets)


def _data_folder(asked: Path | None) -> Path | None:
    """--data, else LAWUI_DATA, else ./data, else None. An asked-for folder must be there."""
    named = asked or (Path(os.environ["LAWUI_DATA"]) if os.environ.get("LAWUI_DATA") else None)
    if named is not None:
        if not named.expanduser().is_dir():
            raise DataError("data.no_folder", path=str(named))
        return named.expanduser().resolve()
    usual = Path("data")
    return usual.resolve() if usual.is_dir() else None
