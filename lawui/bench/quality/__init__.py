"""How good an adapter is on questions that it never saw: folds, ablations, one page.

    evidence.py   what is asked and shown, resolved once
    folds.py      who is trained on, who is scored, and the guard between them
    variants.py   the recipe, and the same with one thing changed
    bases.py      the base in memory, training and answering
    study.py      folds × variants × seeds, kept on disk as they come
    figures.py    what the answers say together
    page.py       the figures as Markdown

First `--prepare` where the statutes and the index are; then, there or on a machine with a
card that has neither, the bench itself. Called again it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.bench.quality import figures, folds, variants
from lawui.bench.quality.page import page
from lawui.types import EVIDENCES

if TYPE_CHECKING:
    from lawui.bench.quality.evidence import Evidence
    from lawui.bench.quality.study import Study
    from lawui.lab import Lab
    from lawui.types import AdapterInfo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of this bench."""
    parser.add_argument("--set", default="", help="by default lawqa_jp in four orders, or sample")
    parser.add_argument("--folder", type=Path, help="results; by default HOME/.lawui/quality")
    parser.add_argument("--prepare", action="store_true", help="only resolve what is shown")
    parser.add_argument("--statutes", type=Path, help="of which questions are made by rule")
    parser.add_argument("--made", type=int, default=1500, help="so many of those are prepared")
    names = ("all", *variants.VARIANTS)
    parser.add_argument("--variant", action="append", choices=names, help="default mixed")
    parser.add_argument("--fold-kind", action="append", choices=folds.KINDS, help="default all")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3, help="of the first variant, folds by group")
    parser.add_argument("--ablation-seeds", type=int, default=1, help="of everything else")
    parser.add_argument(
        "--reader",
        default="",
        metavar="ADAPTER",
        help="what `train --preset reading` made, instead of making it here",
    )
    parser.add_argument("--grid", action="store_true", help="choose rate and mix in each fold")
    parser.add_argument("--steps", type=int, default=0, help="no more than these")
    parser.add_argument("--minutes", type=float, default=0, help="begin nothing after these")
    parser.add_argument("--keep-adapters", action="store_true")
    parser.add_argument("--page", type=Path, help="by default quality.md beside the results")


def run(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    """{machine, model, set, base, rows, targets, page, complete, …}; see figures.py for a row."""
    from lawui.bench.quality import evidence

    began = time.monotonic()
    folder = arguments.folder or lab.home / ".lawui" / "quality"
    reader = lab.folder_adapter(arguments.reader, "") if arguments.reader else None
    fresh = arguments.prepare or not (folder / evidence.NAME).exists()
    if fresh:
        name = arguments.set or _usual_set(lab)
        evidence.prepare(lab, name, folder, arguments.made, arguments.statutes)
    lab.close()  # the bases have the memory to themselves
    found = evidence.read(folder)
    if arguments.prepare:
        return {"prepared": str(folder / evidence.NAME), **_asked(found)}
    return _measure(lab, arguments, folder, found, reader, began)


def _measure(
    lab: Lab,
    arguments: argparse.Namespace,
    folder: Path,
    evidence: Evidence,
    reader: AdapterInfo | None,
    began: float,
) -> dict[str, Any]:
    from lawui.bench.quality.bases import Bases
    from lawui.bench.quality.study import OutOfTime, Study
    from lawui.training import files

    bases = Bases(lab.choice.spec, evidence)
    if reader is not None:
        variants.check_reader(reader, bases.loaded.sha)
    study = Study(
        folder / f"{Path(lab.choice.name).name}-{bases.loaded.sha[:8]}-{evidence.sha}",
        bases,
        until=began + 60 * arguments.minutes if arguments.minutes else 0.0,
        keep=arguments.keep_adapters,
        reader=reader,
    )
    tasks = _tasks(arguments, evidence, reader)
    missing = ""
    try:
        for wording in dict.fromkeys(variant.wording for _, variant, _ in tasks):
            study.base(wording)
        left = _in_order(tasks)
        while left:
            busy = [one for one in left if study.seed(*one) is None]
            if len(busy) == len(left):
                time.sleep(1)  # the last ones are other processes'
            left = busy
    except OutOfTime:
        missing = "time was up; the same command goes on where this one ended."
    told = _told(lab, arguments, study, tasks, began, missing)
    place = arguments.page or folder / "quality.md"
    files.write_text(place, page(told))
    files.write_json(folder / "quality.json", told)
    print(f"{place}", file=sys.stderr)
    return {**told, "page": str(place)}


Tasks = list[tuple[list[folds.Fold], variants.Variant, list[int]]]


def _tasks(arguments: argparse.Namespace, evidence: Evidence, reader: AdapterInfo | None) -> Tasks:
    """(folds, variant, seeds): the first variant on folds by group with every seed, then on the
    other kinds, then what is compared with it."""
    first, *others = variants.chosen(
        arguments.variant or ["mixed"], arguments.grid, arguments.steps, reader
    )
    kinds = arguments.fold_kind or list(folds.KINDS)
    cut = {kind: folds.folds(evidence.questions, kind, arguments.folds) for kind in kinds}
    few = list(range(arguments.ablation_seeds))
    tasks: Tasks = []
    for kind in kinds:
        seeds = list(range(arguments.seeds)) if kind == "group" else few
        tasks.append((cut[kind], first, seeds))
    tasks += [(cut[kinds[0]], variant, few) for variant in others]
    return tasks


def _in_order(tasks: Tasks) -> list[tuple[folds.Fold, variants.Variant, int]]:
    """The headline with all its seeds, then a seed of everything before the next seed."""
    (parts, variant, seeds), *others = tasks
    first = [(fold, variant, seed) for seed in seeds for fold in parts]
    rounds = sorted({seed for _, _, more in others for seed in more})
    return first + [
        (fold, one, seed)
        for seed in rounds
        for cut, one, more in others
        if seed in more
        for fold in cut
    ]


def _told(
    lab: Lab,
    arguments: argparse.Namespace,
    study: Study,
    tasks: Tasks,
    began: float,
    missing: str,
) -> dict[str, Any]:
    from dataclasses import asdict

    evidence, bases = study.bases.evidence, study.bases
    rows = [
        row for parts, variant, seeds in tasks for row in figures.rows(study, parts, variant, seeds)
    ]
    wordings = list(dict.fromkeys(variant.wording for _, variant, _ in tasks))
    basic = asdict(tasks[0][1].config)
    shown = ("learning_rate", "lr_scheduler_type", "warmup_ratio", "batch_size", "max_seq_length")
    more = ("lora_r", "lora_alpha", "lora_dropout", "target_modules", "max_steps_override")
    asked = ("eval_steps", "early_stopping_patience")
    return {
        "machine": _machine(),
        "command": shlex.join(["python", "-m", "lawui", *sys.argv[1:]]),
        "model": lab.choice.name,
        "model_sha": bases.loaded.sha,
        "modes": bases.modes,
        **_asked(evidence),
        "folds": {parts[0].kind: [len(fold.scored) for fold in parts] for parts, _, _ in tasks},
        "base": figures.base_rows(study, wordings),
        "rows": rows,
        "targets": figures.targets(rows, tasks[0][1].name)
        if evidence.set == "selection_randomized"
        else [],
        "given_less_retrieved": {
            variant.name: figures.given_less_retrieved(study, parts, variant, seeds)
            for parts, variant, seeds in tasks
            if parts[0].kind == "group"
        },
        "less_the_first": {
            variant.name: figures.less_the_first(study, parts, tasks[0][1], variant, seeds)
            for parts, variant, seeds in tasks
            if variant != tasks[0][1]
        },
        "variants": {variant.name: variant.what for _, variant, _ in tasks},
        "grid": [point for point in tasks[0][1].grid if point],
        "basic": {name: basic[name] for name in (*shown, *more, *asked)},
        "evidences": list(EVIDENCES),
        "reader": _reader(study.reader),
        "trainings": study.trainings,
        "loading_seconds": bases.loading,
        "seconds": round(time.monotonic() - began, 1),
        "complete": not missing,
        "missing": missing,
    }


def _reader(info: AdapterInfo | None) -> dict[str, Any] | None:
    """What is told of a first stage that was brought."""
    from lawui.model import adapters

    if info is None:
        return None
    card = json.loads((Path(info.path) / adapters.CARD).read_text("utf-8"))
    names = ("dataset_sha", "seed", "nproc")
    return {
        "name": info.name,
        "weights_sha": info.weights_sha,
        "created": info.created,
        **{name: info.settings.get(name) for name in names},
        "kept_step": card["tables"].get("kept_step"),  # a run that was stopped has fewer
    }


def _asked(evidence: Evidence) -> dict[str, Any]:
    questions = evidence.questions
    return {
        "set": evidence.set,
        "dataset_sha": evidence.dataset_sha,
        "index": evidence.index,
        "questions": len(questions),
        "items": len({question.source for question in questions}),
        "groups": len({question.group for question in questions}),
        "made": len(evidence.made),
    }


def _usual_set(lab: Lab) -> str:
    names = [one["name"] for one in lab.sets()]
    return "selection_randomized" if "selection_randomized" in names else "sample"


def _machine() -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version

    from lawui.bench import machine

    def known(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "?"

    told = machine()
    packages = ("peft", "bitsandbytes", "accelerate")
    versions = {"python": told["python"], "torch": told["torch"]}
    versions |= {"transformers": told["transformers"]} | {name: known(name) for name in packages}
    return {**told, "versions": versions}
