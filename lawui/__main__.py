"""The command line: `python -m lawui COMMAND`. A thin coat over lab.py.

With --json one JSON object goes to standard output and nothing else; progress and errors
go to standard error. Exit 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from lawui import bench
from lawui.asks import AskResult
from lawui.errors import LabError, UsageError
from lawui.lab import Lab, Settings
from lawui.model.address import is_address
from lawui.training.config import ConfigError, add_arguments, typed
from lawui.types import BASE, EVIDENCES, LETTERS, AdapterInfo, Passage, RunStatus, ScoreRun


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = _parser().parse_args(_train_verb_last(list(argv or sys.argv[1:])))
    try:
        lab = Lab(_settings(arguments))
        try:
            if is_address(arguments.model):  # said before anything is sent
                print(f"lawui: {lab.choice.why('en')}", file=sys.stderr)
            result = arguments.run(lab, arguments)
        finally:
            lab.close()
    except (UsageError, ConfigError) as error:
        return _failed(error, 2)
    except LabError as error:
        return _failed(error, 1)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        from lawui.errors import HostError

        return _failed(HostError("host.disk", reason=error.strerror or str(error)), 1)
    if result is not None:
        _print(result, arguments.json)
    if getattr(arguments, "wait", False) and result.get("state") in ("failed", "crashed"):
        print(f"lawui: {result.get('message', '')}", file=sys.stderr)
        return 1
    return 0


# -- commands; each returns what is printed


def _doctor(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    return lab.describe()


def _user(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any] | None:
    from getpass import getpass

    from lawui.readers import people

    typed = sys.stdin.isatty()
    password = getpass("password: ", sys.stderr) if typed else sys.stdin.readline().rstrip("\n")
    line = people.line(arguments.name, arguments.role, password)
    if arguments.json:
        return {"line": line}
    print(line)  # alone, so that it can be appended to the file
    return None


def _forget(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    kept = lab.kept(arguments.name)
    told = {**asdict(kept), "total": kept.total}
    if not arguments.yes:
        if not sys.stdin.isatty():
            raise UsageError("people.yes", total=kept.total, name=arguments.name)
        print(json.dumps(told), file=sys.stderr)
        if input(f"delete all {kept.total} for good? [y/N] ").strip().lower() != "y":
            return {**told, "deleted": False}
    lab.forget(arguments.name, kept.total)
    return {**told, "deleted": True}


def _fetch(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    laws = arguments.law or ()
    return lab.fetch(arguments.asof, laws, _count("fetch"), decrees=arguments.decrees)


def _index_build(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    return vars(lab.index_build(arguments.folder, arguments.embedder, _counter("passages")))


def _index_status(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    from lawui.errors import RetrievalError

    info = lab.index_status()
    if info is None:
        raise RetrievalError("retrieval.missing", path=str(lab.home / "index"))
    return vars(info)


def _index_search(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    return {"passages": [_passage(p) for p in lab.search(arguments.text, arguments.k)]}


def _index_eval(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    return lab.index_evaluate(arguments.set)


def _ask(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    if bool(arguments.id) == bool(arguments.stem):
        raise UsageError("usage.id_or_stem")
    if arguments.id:
        question = lab.question(arguments.id, arguments.set)
    else:
        question = lab.own_question(arguments.stem, arguments.choice or ())
    result = lab.ask(
        question, arguments.evidence, arguments.adapter, all_orders=arguments.all_orders
    )
    return _answer(result)


def _score(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.resume in {job.id for job in lab.score_jobs()}:
        lab.score_job_resume(arguments.resume)
        ids = [cell.id for cell in lab.score_job(arguments.resume).cells]
    elif arguments.resume:
        ids = [lab.score_resume(arguments.resume)]
    else:
        ids = lab.score_start(
            arguments.set,
            arguments.evidence or ["none"],
            arguments.adapter or [BASE],
            arguments.limit,
        )
    job = lab.score_status(ids[0]).job or ids[0]
    print(f"go on after an interruption: score --resume {job}", file=sys.stderr)
    cells = []
    for run_id in ids:
        lab.score_wait(run_id, _score_progress)
        cells.append(lab.score_summary(run_id))
    print(file=sys.stderr)
    return cells[0] if len(cells) == 1 else {"cells": cells}


def _compare(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    return lab.compare(arguments.run_a, arguments.run_b)


def _train(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    config = lab.train_config(arguments.preset, **typed(arguments))
    run = lab.train(config)
    print(f"{run}: {lab.home / 'adapters' / run}", file=sys.stderr)
    return _run_status(_follow(lab, run) if arguments.wait else lab.train_status(run))


def _train_verb(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.verb == "stop":
        lab.train_stop(arguments.name)
    elif arguments.verb == "resume":
        lab.train_resume(arguments.name)
        if arguments.wait:
            return _run_status(_follow(lab, arguments.name))
    return _run_status(lab.train_status(arguments.name))


def _adapters_list(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    return {"adapters": [_adapter(info) for info in lab.adapters()]}


def _adapters_show(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    return asdict(lab.adapter(arguments.name))


def _adapters_export(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    return {"path": str(lab.adapter_export(arguments.name, arguments.path))}


def _adapters_load(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    return _adapter(lab.adapter_load(arguments.name, arguments.path))


def _adapters_unload(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    lab.adapter_unload(arguments.name)
    return {"unloaded": arguments.name}


def _adapters_remove(lab: Lab, arguments: argparse.Namespace) -> dict[str, Any]:
    lab.adapter_remove(arguments.name)
    return {"removed": arguments.name}


# -- what they print


def _answer(result: AskResult) -> dict[str, Any]:
    answer = result.answer
    return {
        "question": result.question.id,
        "choice": answer.choice,
        "probs": dict(zip(LETTERS, answer.probs, strict=True)),
        "letter_mass": answer.letter_mass,
        "adapter": answer.adapter,
        "evidence": answer.evidence,
        "gold": result.question.gold or None,
        "passages": [_passage(p) for p in result.passages],
        "dropped": list(result.dropped),
        "shortened": list(result.shortened),
        "orders": [dict(zip(LETTERS, a.probs, strict=True)) for a in result.orders],
        "model": result.model,
        "prompt_sha": answer.prompt_sha,
        "tokens": result.n_tokens,
        "seconds": answer.seconds,
        "warnings": [warning.text("en") for warning in result.warnings],
    }


def _passage(passage: Passage) -> dict[str, Any]:
    return {**asdict(passage), "citation": passage.citation()}


def _adapter(info: AdapterInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "base_model": info.base_model,
        "rank": info.rank,
        "alpha": info.alpha,
        "trained_on": info.trained_on,
        "begun_from": info.begun_from,
        "final_loss": info.final_loss,
        "created": info.created,
        "licence": info.licence,
        "fault": info.fault or None,
    }


def _run_status(status: RunStatus) -> dict[str, Any]:
    return asdict(status)


def _print(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, ensure_ascii=False, default=str))
        return
    for key, value in result.items():
        nested = isinstance(value, dict | list) and value
        print(f"{key}: {json.dumps(value, ensure_ascii=False, default=str) if nested else value}")


def _failed(error: LabError, status: int) -> int:
    print(f"lawui: {error.text('en')}", file=sys.stderr)
    return status


# -- progress, on standard error


def _counter(what: str) -> Any:
    def tell(done: int, total: int) -> None:
        print(f"\r{what}: {done}/{total}", end="", file=sys.stderr, flush=True)

    return tell


def _count(verb: str) -> Any:
    def tell(what: str, done: int, total: int) -> None:
        print(f"{verb} {what}: {done}/{total}", file=sys.stderr, flush=True)

    return tell


def _score_progress(run: ScoreRun) -> None:
    line = f"\r{run.adapter} · {run.evidence}: {run.done}/{run.total}"
    print(line, end="", file=sys.stderr, flush=True)


def _follow(lab: Lab, run: str) -> RunStatus:
    while True:
        status = lab.train_wait(run, timeout=1.0)
        loss = "" if status.loss is None else f"loss {status.loss:.3f}"
        line = f"\r{status.state} {status.step}/{status.max_steps} {loss}   "
        print(line, end="", file=sys.stderr, flush=True)
        if status.state not in ("queued", "starting", "running"):
            print(file=sys.stderr)
            return status


# -- arguments


def _settings(arguments: argparse.Namespace) -> Settings:
    return Settings(
        home=arguments.home,
        model=arguments.model,
        data=arguments.data,
        offline=arguments.offline,
        reranker=arguments.reranker,
        chroma_url=arguments.chroma_url,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lawui", description=__doc__)
    parser.add_argument("--home", type=Path, default=Settings.home, help="where runs are kept")
    parser.add_argument(
        "--model", default="auto", help="auto, embedded, a hub id, a folder or http://HOST/v1#MODEL"
    )
    parser.add_argument("--data", type=Path, help="lawqa_jp and statutes; else LAWUI_DATA, ./data")
    parser.add_argument("--offline", action="store_true", help="no outbound request at all")
    reorders = "a cross-encoder that orders what search finds"
    parser.add_argument("--reranker", default="", metavar="NAME", help=reorders)
    parser.add_argument("--chroma-url", default="", help="a Chroma server for the index")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _command(commands, "doctor", _doctor, "what this lab is made of and what is wrong")
    fetch = _command(commands, "fetch", _fetch, "bring the questions and the statutes")
    fetch.add_argument("--asof", default="2024-12-31", metavar="YYYY-MM-DD")
    fetch.add_argument("--law", action="append", metavar="ID", help="a further law, repeatable")
    fetch.add_argument("--decrees", action="store_true", help="also the orders they point to")
    _index_parser(commands)
    _ask_parser(commands)
    _score_parser(commands)
    compare = _command(commands, "compare", _compare, "two scores, paired item by item")
    compare.add_argument("run_a", metavar="RUN_A")
    compare.add_argument("run_b", metavar="RUN_B")
    _train_parsers(commands)
    _adapters_parser(commands)
    user = _command(commands, "user", _user, "a line for --auth-file; the password is asked for")
    user.add_argument("name", metavar="NAME")
    user.add_argument("--role", default="reader", help="reader, reviewer or trainer")
    all_of = "delete all that is kept of a user (or: user forget NAME)"
    forget = _command(commands, "user-forget", _forget, all_of)
    forget.add_argument("name", metavar="NAME", help='"" where nobody logs in')
    forget.add_argument("--yes", action="store_true", help="without asking")
    benches = commands.add_parser("bench", help="measure speed, memory and quality")
    bench.add_parsers(benches.add_subparsers(required=True, metavar="NAME"), _command)
    return parser


def _command(commands: Any, name: str, run: Any, help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.set_defaults(run=run)
    return parser


def _index_parser(commands: Any) -> None:
    index = commands.add_parser("index", help="build, inspect and measure the passage index")
    verbs = index.add_subparsers(required=True, metavar="VERB")
    build = _command(verbs, "build", _index_build, "build the index of the statutes")
    build.add_argument("--from", dest="folder", type=Path, metavar="DIR")
    build.add_argument("--embedder", default="", metavar="NAME")
    _command(verbs, "status", _index_status, "what the index holds")
    search = _command(verbs, "search", _index_search, "the passages nearest to a text")
    search.add_argument("text", metavar="TEXT")
    search.add_argument("-k", type=int, default=5)
    evaluate = _command(verbs, "eval", _index_eval, "how often search finds the cited articles")
    evaluate.add_argument("--set", default="selection")


def _ask_parser(commands: Any) -> None:
    ask = _command(commands, "ask", _ask, "four probabilities for one question")
    ask.add_argument("--id", metavar="QID")
    ask.add_argument("--set", default="")
    ask.add_argument("--stem", metavar="TEXT")
    ask.add_argument("--choice", action="append", metavar="TEXT", help="four times")
    ask.add_argument("--evidence", choices=EVIDENCES, default="none")
    ask.add_argument("--adapter", default=BASE, metavar="NAME")
    ask.add_argument("--all-orders", action="store_true")


def _score_parser(commands: Any) -> None:
    score = _command(commands, "score", _score, "score a set")
    score.add_argument("--set", default="sample")
    score.add_argument("--evidence", action="append", choices=EVIDENCES)
    score.add_argument("--adapter", action="append", metavar="NAME")
    score.add_argument("--limit", type=int, metavar="N", help="the first N questions only")
    resumed = "a run, or a job with all its cells"
    score.add_argument("--resume", default="", metavar="RUN", help=resumed)


def _train_parsers(commands: Any) -> None:
    train = _command(commands, "train", _train, "start a QLoRA run (or: train status|stop|resume)")
    train.add_argument("--wait", action="store_true", help="return when the run has ended")
    add_arguments(train)
    for verb in _VERBS:
        parser = _command(commands, f"train-{verb}", _train_verb, f"{verb} a run")
        parser.add_argument("name", metavar="RUN")
        parser.add_argument("--wait", action="store_true")
        parser.set_defaults(verb=verb)


_VERBS = ("status", "stop", "resume")


def _train_verb_last(argv: list[str]) -> list[str]:
    """`train status RUN` as `train-status RUN`: argparse cannot tell a verb from flags; and
    `user forget NAME` as `user-forget NAME`."""
    verbs = [("train", verb) for verb in _VERBS] + [("user", "forget")]
    for i, (word, verb) in enumerate(pairwise(argv)):
        # `user forget` alone makes a user of that name.
        if (word, verb) in verbs and (word != "user" or len(argv) > i + 2):
            return [*argv[:i], f"{word}-{verb}", *argv[i + 2 :]]
    return argv


def _adapters_parser(commands: Any) -> None:
    adapters = commands.add_parser("adapters", help="list, show, export and remove adapters")
    verbs = adapters.add_subparsers(required=True, metavar="VERB")
    _command(verbs, "list", _adapters_list, "every adapter and its faults")
    for name, run, help in (
        ("show", _adapters_show, "one adapter"),
        ("export", _adapters_export, "copy an adapter to a folder or a .zip"),
        ("remove", _adapters_remove, "delete an adapter"),
        ("load", _adapters_load, "have the server that answers take up an adapter"),
        ("unload", _adapters_unload, "have the server that answers let go of an adapter"),
    ):
        parser = _command(verbs, name, run, help)
        parser.add_argument("name", metavar="NAME")
        if name == "export":
            parser.add_argument("path", type=Path, metavar="PATH")
        if name == "load":
            seen = "its folder as the server sees it, if that is not the home's"
            parser.add_argument("--path", default="", help=seen)


if __name__ == "__main__":
    sys.exit(main())
