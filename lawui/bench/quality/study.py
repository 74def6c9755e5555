"""Folds × variants × seeds, each result kept on disk as soon as it is there.

    FOLDER/evidence.jsonl.gz
    FOLDER/<model>-<evidence>/base/<wording>.json
    FOLDER/<model>-<evidence>/<fold>/<variant>-<sha>/choice.json, seed-0.json …
    FOLDER/<model>-<evidence>/work/reading-<sha>    an adapter that learnt to read

A bench that was killed, or whose time was up, goes on where it was. A result is named by
all that it depends on, so that what changed is measured anew and what did not is not.
Several processes, each with a card of its own, may share a folder: each takes what no
other is at, which a lock beside the result tells, and the one that ends last has them all.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lawui.bench.quality import folds as cutting
from lawui.bench.quality.bases import Bases, Trained, dump, with_seed
from lawui.bench.quality.folds import Fold
from lawui.bench.quality.variants import Variant, worded
from lawui.model import adapters
from lawui.training import files
from lawui.training.config import to_dict
from lawui.types import EVIDENCES, AdapterInfo

WORK = "work"


class OutOfTime(Exception):
    """The time that was given is up; what is there stays."""


@dataclass
class Study:
    """Trains and scores what is not there yet. `until` is a moment of time.monotonic, or 0;
    with `keep` the scored adapters stay. `reader` learnt to read by the preset, elsewhere."""

    folder: Path
    bases: Bases
    until: float = 0.0
    keep: bool = False
    reader: AdapterInfo | None = None
    trainings: int = 0
    _readers: dict[str, Trained] = field(default_factory=dict)

    def base(self, wording: str) -> dict[str, Any]:
        """The base's answers to all questions in a wording of the prompt."""
        path = self.folder / "base" / f"{wording}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if (found := _read(path)) is not None:
                return found
            with self._worded(wording):
                questions = self.bases.evidence.questions
                answers, seconds, tokens = self.bases.answers(questions, EVIDENCES, wording)
            return _write(path, {"answers": dump(answers), "seconds": seconds, "tokens": tokens})

    def choice(self, fold: Fold, variant: Variant) -> dict[str, Any]:
        """What is chosen for a fold, from its training questions alone: {point, step, tried,
        dev}. `dev` holds the answers to the dev part of who never saw it."""
        path = self._path(fold, variant) / "choice.json"
        if (found := _read(path)) is not None:
            return found
        settled = not variant.config.early_stopping_patience or variant.alone
        if settled and len(variant.grid) == 1:
            point, steps = variant.grid[0], variant.config.max_steps_override
            return _write(path, {"point": point, "step": steps, "tried": [], "dev": None})
        tried: list[dict[str, Any]] = []
        best: dict[str, Any] = {}
        for number, point in enumerate(variant.grid):
            one = variant.at(point)
            with self._worded(one.wording):
                trained = self._train(
                    f"{fold.name}-{variant.name}-choice-{number}",
                    one,
                    fold.choosing,
                    fold.scored,
                    fold.dev,
                )
                tried.append({"point": point, **_told(trained)})
                if not best or _better(tried[-1], best["told"]):
                    answers, _, _ = self.bases.answers(
                        fold.dev, EVIDENCES, one.wording, trained.info
                    )
                    best = {"told": tried[-1], "dev": dump(answers)}
            shutil.rmtree(trained.info.path)
        told = best["told"]
        found = {
            "point": told["point"],
            "step": told["step"],
            "tried": tried,
            "dev": best["dev"],
        }
        return _write(path, found)

    def seed(self, fold: Fold, variant: Variant, seed: int) -> dict[str, Any] | None:
        """An adapter trained on all of the fold's training questions, and its answers to
        those it never saw. None where another process is at it."""
        path = self._path(fold, variant) / f"seed-{seed}.json"
        if (found := _read(path)) is not None:
            return found
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(path.with_suffix(".lock"), timeout=0):
                return _read(path) or self._seed(fold, variant, seed, path)
        except Timeout:
            return None

    def _seed(self, fold: Fold, variant: Variant, seed: int, path: Path) -> dict[str, Any]:
        with FileLock(path.with_name("choice.lock"), timeout=0):  # chosen once for all seeds
            choice = self.choice(fold, variant)
        one = variant.at(choice["point"])
        with self._worded(one.wording):
            if one.alone:
                trained = self._reading(one)
            else:
                trained = self._train(
                    f"{fold.name}-{variant.name}-seed-{seed}",
                    one,
                    fold.training,
                    fold.scored,
                    (),
                    seed=seed,
                    steps=choice["step"],
                )
            found = {**_told(trained), **self.score(fold, one.wording, trained.info)}
        if not self.keep and not one.alone:
            shutil.rmtree(trained.info.path)
        return _write(path, found)

    def score(self, fold: Fold, wording: str, adapter: AdapterInfo) -> dict[str, Any]:
        """The answers of `adapter` to the fold's scored questions. Raises UsageError where
        it saw any of them."""
        cutting.check(fold, adapter)
        answers, seconds, tokens = self.bases.answers(fold.scored, EVIDENCES, wording, adapter)
        return {
            "answers": dump(answers),
            "scoring_seconds": seconds,
            "tokens": tokens,
            "leaks": cutting.leaks(fold),
            "memory_bytes": _memory(self.bases.loaded.device),
        }

    def done(self, fold: Fold, variant: Variant, seed: int) -> dict[str, Any] | None:
        """A result where it is there, with its choice under `choice`."""
        path = self._path(fold, variant)
        found, choice = _read(path / f"seed-{seed}.json"), _read(path / "choice.json")
        return {**found, "choice": choice} if found and choice else None

    def _train(
        self,
        name: str,
        variant: Variant,
        training: Sequence[Any],
        scored: Sequence[Any],
        dev: Sequence[Any],
        *,
        seed: int = 0,
        steps: int = 0,
    ) -> Trained:
        if self.until and time.monotonic() > self.until:
            raise OutOfTime
        bases = self.bases
        examples = bases.learnt(training, variant, seed)
        examples += bases.made(variant, [*scored, *dev])
        asked = bases.examples(dev, EVIDENCES, variant)
        config = with_seed(variant.config, seed, steps)
        if variant.reads:
            first = Path(self._reading(variant).info.path)
            config = replace(config, start_from=first.name)
        trained = bases.train(self.folder / WORK / name, examples, asked, config)
        self.trainings += 1
        shown = "" if trained.accuracy is None else f", dev {trained.accuracy:.3f}"
        print(f"{name}: step {trained.step}{shown}, {trained.seconds} s", file=sys.stderr)
        return trained

    def _reading(self, variant: Variant) -> Trained:
        """The adapter that learnt to read by the variant's settings, for all folds and seeds: it
        has seen nothing of any of them. It is the one that was given, or made here once.
        Raises Timeout where another process is at it."""
        assert variant.reads is not None
        key = variant.reader or str(variant.reads)
        if key not in self._readers:
            with self._worded("default"):
                self._readers[key] = self._brought() if variant.reader else self._first(variant)
        return self._readers[key]

    def _brought(self) -> Trained:
        """The adapter that was given, copied beside those that go on from it."""
        assert self.reader is not None
        path = self.folder / WORK / f"reading-{self.reader.weights_sha[:8]}"
        with FileLock(f"{path}.lock"):
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary = path.with_suffix(".part")
                temporary.mkdir(exist_ok=True)
                for name in (adapters.WEIGHTS, adapters.CONFIG, adapters.CARD):
                    shutil.copy(Path(self.reader.path) / name, temporary)
                temporary.rename(path)
        return Trained(adapters.read_adapter(path), 0, None, None, None, 0, 0.0, ())

    def _first(self, variant: Variant) -> Trained:
        assert variant.reads is not None
        examples, asked = self.bases.reading(variant)
        ids = [e.ids for e in (*examples, *asked)]
        values = json.dumps([to_dict(variant.reads), ids])
        sha = hashlib.sha256(values.encode()).hexdigest()[:8]
        path = self.folder / WORK / f"reading-{sha}"
        told = path / "told.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=0):
            if (found := _read(told)) is not None:
                return Trained(info=adapters.read_adapter(path), **found)
            trained = self.bases.train(path, examples, asked, variant.reads)
            self.trainings += 1
            print(f"{path.name}: {trained.accuracy}, {trained.seconds} s", file=sys.stderr)
            _write(told, {k: v for k, v in vars(trained).items() if k != "info"})
        return trained

    def _worded(self, wording: str) -> Any:
        return worded(wording, self.bases.trained, self.bases.loaded)

    def _path(self, fold: Fold, variant: Variant) -> Path:
        return self.folder / fold.name / f"{variant.name}-{variant.sha}"


def _told(trained: Trained) -> dict[str, Any]:
    return {
        "step": trained.step,
        "dev_accuracy": trained.accuracy,
        "dev_loss": trained.loss,
        "train_loss": trained.train_loss,
        "skipped": trained.skipped,
        "seconds": trained.seconds,
        "looks": list(trained.looks),
    }


def _better(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """By dev accuracy, then by dev loss: as the loop keeps its best step."""

    def rank(told: dict[str, Any]) -> tuple[float, float]:
        return told["dev_accuracy"] or 0.0, -(told["dev_loss"] or 0.0)

    return rank(one) > rank(other)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    return found


def _write(path: Path, values: dict[str, Any]) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(path, values)
    return values


def _memory(device: str) -> int:
    from lawui.training import memory

    return memory.most(device)
