"""One quantized base in memory twice: to train adapters on, and to answer as the page does.

Folds, seeds and variants all use these two: loading, unpacking and encoding happen once.
What answers is the very path of `score`: the adapter's files read back, letters by
model/letters.py. What trains is the very loop of `train`.
"""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lawui.bench.quality.evidence import Evidence
from lawui.bench.quality.variants import Variant
from lawui.model.adapters import read_adapter
from lawui.training.batches import Encoded, Example, encode
from lawui.training.config import TrainConfig, mix
from lawui.training.rows import Row, drawn, make_rows
from lawui.types import BASE, LETTERS, AdapterInfo, Answer, Question, QuestionSet

Answers = dict[str, dict[str, Answer]]
"""By kind of evidence and question id."""


@dataclass(frozen=True)
class Trained:
    """An adapter on disk and what its training showed. `step` is the one that was kept,
    `accuracy` and `loss` are those of the dev questions at it, None without any."""

    info: AdapterInfo
    step: int
    accuracy: float | None
    loss: float | None
    train_loss: float | None
    skipped: int
    seconds: float
    looks: tuple[dict[str, Any], ...]


class Bases:
    """The two of them, and the prompts as tokens."""

    def __init__(self, spec: str, evidence: Evidence) -> None:
        from lawui.model.engine import Engine
        from lawui.model.load import load

        began = time.perf_counter()
        self.evidence = evidence
        self.trained = load(spec)
        # Compiling pays for a server, not for a few minutes.
        self.engine = Engine(load(spec), fused=False)
        self.loaded = self.engine.loaded
        self.loading = round(time.perf_counter() - began, 2)
        self._examples: dict[tuple[str, str, str], Example | None] = {}
        self._prompts: dict[tuple[str, str, str], tuple[int, ...]] = {}

    # -- training

    def examples(
        self, questions: Iterable[Question], kinds: Sequence[str], variant: Variant
    ) -> list[Example]:
        """Every question in so many of its orders as the variant takes, with each of the kinds
        of evidence. A question too long for the variant's length is left out."""
        return self._encoded(questions, lambda question: kinds, variant)

    def learnt(self, questions: Iterable[Question], variant: Variant, seed: int) -> list[Example]:
        """What a variant learns from: every question with what `train` would draw for its item
        by this seed."""
        shares = mix(variant.config.evidence_mix)
        return self._encoded(questions, lambda asked: drawn(asked, shares, seed), variant)

    def _encoded(
        self,
        questions: Iterable[Question],
        kinds: Callable[[Question], Sequence[str]],
        variant: Variant,
    ) -> list[Example]:
        return [
            example
            for question in questions
            if question.order < variant.orders
            for kind in kinds(question)
            if (example := self._example(question, kind, variant)) is not None
        ]

    def made(self, variant: Variant, scored: Sequence[Question]) -> list[Example]:
        """Questions made by rule, none of an article that a scored question rests on."""
        from lawui.data.headings import cited_articles

        asked = {article for question in scored for article in cited_articles(question)}
        apart = [one for one in self.evidence.made if not one.articles & asked]
        length = variant.config.max_seq_length
        found = [
            self._encode(Row("train", "made", one.question, one.passages), length)
            for one in apart[: variant.made]
        ]
        return [example for example in found if example is not None]

    def reading(self, variant: Variant) -> tuple[list[Example], list[Example]]:
        """(to learn from, to look at): the rows that `train` makes of the reading exercises by
        the variant's settings, none that shares text with the set."""
        from lawui import dataset
        from lawui.data.headings import given_passages

        assert variant.reads is not None
        found, config = self.evidence, variant.reads
        scored = QuestionSet(found.set, found.questions, found.dataset_sha, "")
        source = dataset.from_reading([scored], config.seed)
        shown = dataset.shown(source, lambda question, kind: given_passages(question))
        rows = make_rows(source.questions, source.split, config.evidence_mix, shown, config.seed)
        parts: dict[str, list[Example]] = {"train": [], "dev": []}
        for row in rows:
            if (example := self._encode(row, config.max_seq_length)) is not None:
                parts[row.split].append(example)
        return parts["train"], parts["dev"]

    def _example(self, question: Question, kind: str, variant: Variant) -> Example | None:
        key = (question.id, kind, f"{variant.wording}/{variant.config.max_seq_length}")
        if key not in self._examples:
            row = Row("train", kind, question, self.evidence.shown(question, kind))
            self._examples[key] = self._encode(row, variant.config.max_seq_length)
        return self._examples[key]

    def _encode(self, row: Row, length: int) -> Example | None:
        length = min(length, self.trained.max_length)
        return next(iter(encode([row], self.trained.tokenizer, length).examples), None)

    def train(
        self, folder: Path, examples: Sequence[Example], dev: Sequence[Example], config: TrainConfig
    ) -> Trained:
        """Train an adapter into `folder`, whose name it takes, by the loop of `train`."""
        from lawui.training import begin
        from lawui.training.events import EventReader, EventWriter
        from lawui.training.loop import Trainer
        from lawui.training.runs import EVENTS, RunFile

        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        groups = {e.group: "dev" for e in dev} | {e.group: "train" for e in examples}
        start = read_adapter(folder.parent / config.start_from) if config.start_from else None
        run = RunFile(
            config=config,
            model={},
            set=self.evidence.set,
            dataset_sha=self.evidence.dataset_sha,
            split=groups,
            seen_groups=tuple(sorted(groups)),
            created="",
            rows_sha="",
            begun=begin.copy(start, folder) if start else None,
        )
        given = (Encoded(tuple(examples), 0, ()), Encoded(tuple(dev), 0, ()))
        log = EventWriter(folder / EVENTS)
        began = time.perf_counter()
        trainer = Trainer(
            folder, run, (), self.trained, log, lambda: False, encode=lambda length: given
        )
        try:
            trainer.train()
        finally:
            trainer.detach()
            del trainer
            gc.collect()  # what was recorded for it holds memory of the card
        seconds = time.perf_counter() - began
        events = EventReader(folder / EVENTS).read()
        last = events[-1]
        return Trained(
            info=read_adapter(folder),
            step=int(last.data["kept_step"]),
            accuracy=last.eval_accuracy,
            loss=last.eval_loss,
            train_loss=last.loss,
            skipped=sum(event.data.get("key") == "train.not_finite" for event in events),
            seconds=round(seconds, 2),
            looks=tuple(
                {"step": e.step, "accuracy": e.eval_accuracy, "loss": e.eval_loss}
                for e in events
                if e.kind == "eval"
            ),
        )

    # -- answering

    def answers(
        self,
        questions: Sequence[Question],
        kinds: Sequence[str],
        wording: str,
        adapter: AdapterInfo | None = None,
    ) -> tuple[Answers, float, int]:
        """(answers, seconds, tokens): every question with every kind of evidence."""
        from lawui.model.letters import letter_probabilities

        lora = self.engine.read_adapter(adapter) if adapter else None
        wanted = [(question, kind) for kind in kinds for question in questions]
        prompts = [self._prompt(question, kind, wording) for question, kind in wanted]
        budget = 32_768 if self.loaded.device.startswith("cuda") else 2_048
        began = time.perf_counter()
        found = letter_probabilities(self.engine, prompts, [lora] * len(prompts), budget)
        seconds = time.perf_counter() - began
        answers: Answers = {kind: {} for kind in kinds}
        for (question, kind), probs, mass in zip(wanted, found.probs, found.mass, strict=True):
            answers[kind][question.id] = answer(
                question.id, kind, probs, mass, adapter.name if adapter else BASE
            )
        return answers, round(seconds, 3), found.tokens

    def _prompt(self, question: Question, kind: str, wording: str) -> tuple[int, ...]:
        from lawui.model import prompts

        key = (question.id, kind, wording)
        if key not in self._prompts:
            shown = self.evidence.shown(question, kind)
            room = self.loaded.max_length
            rendered = prompts.render(self.loaded.tokenizer, question, shown, room)
            self._prompts[key] = rendered.token_ids
        return self._prompts[key]

    @property
    def modes(self) -> dict[str, Any]:
        """How the base is held and computed."""
        names = ("weights", "attention", "fused", "graphs")
        return {
            "device": self.loaded.device,
            "dtype": str(self.loaded.dtype).removeprefix("torch."),
            "quantization": self.loaded.quantization,
            **{name: getattr(self.engine, name) for name in names},
        }


def answer(
    question: str, kind: str, probs: Sequence[float], mass: float, adapter: str = BASE
) -> Answer:
    """Four probabilities as an Answer."""
    a, b, c, d = probs
    choice = LETTERS[max(range(4), key=probs.__getitem__)]
    return Answer(question, (a, b, c, d), choice, mass, adapter, kind, "", 0.0)


def dump(answers: Answers) -> dict[str, dict[str, list[float]]]:
    """Answers as plain values: four probabilities and the letter mass of each."""
    return {
        kind: {
            qid: [*(round(p, 6) for p in one.probs), round(one.letter_mass, 6)]
            for qid, one in by_id.items()
        }
        for kind, by_id in answers.items()
    }


def load_answers(values: dict[str, dict[str, list[float]]], adapter: str = BASE) -> Answers:
    """Back from `dump`."""
    return {
        kind: {qid: answer(qid, kind, five[:4], five[4], adapter) for qid, five in by_id.items()}
        for kind, by_id in values.items()
    }


def with_seed(config: TrainConfig, seed: int, steps: int = 0) -> TrainConfig:
    """The settings for one seed; with `steps` for exactly so many, without dev questions."""
    if not steps:
        return replace(config, seed=seed)
    return replace(
        config, seed=seed, max_steps_override=steps, eval_steps=0, early_stopping_patience=0
    )
