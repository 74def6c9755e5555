"""The command line as checks call it: exit status, one JSON object, nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lawui.__main__ import main

ROOT = Path(__file__).resolve().parents[1]


def run(capsys: pytest.CaptureFixture[str], home: Path, *words: str) -> tuple[int, dict, str]:
    """(exit status, the JSON object on standard output, standard error)."""
    status = main(["--home", str(home), "--model", "embedded", "--offline", *words])
    out, err = capsys.readouterr()
    assert out.count("\n") <= 1, out
    return status, json.loads(out) if out else {}, err


def called(*words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "lawui", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _sample_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked here is about the sample, whatever data the machine has."""
    monkeypatch.delenv("LAWUI_DATA", raising=False)


def test_help_is_quick_and_names_every_command() -> None:
    began = time.perf_counter()
    done = called("--help")
    assert done.returncode == 0 and time.perf_counter() - began < 10
    for command in ("doctor", "fetch", "index", "ask", "score", "compare", "train", "adapters"):
        assert command in done.stdout


def test_doctor(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    status, figures, _ = run(capsys, home, "doctor", "--json")
    assert status == 0 and figures["model"] == "lawui-embedded"
    assert figures["quantization"] == "nf4+double"


def test_ask(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    words = ["ask", "--id", "sample-002-0", "--evidence", "given", "--json"]
    status, figures, _ = run(capsys, home, *words)
    assert status == 0
    assert set(figures) >= {
        "choice", "probs", "letter_mass", "adapter", "evidence", "passages", "prompt_sha",
        "seconds",
    }  # fmt: skip
    assert set(figures["probs"]) == set("abcd")
    assert figures["passages"][0]["citation"].startswith("灯浦市浮市条例第")


def test_ask_a_question_of_one_s_own(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    choices = [w for c in ("一", "二", "三", "四") for w in ("--choice", c)]
    words = ["ask", "--stem", "どれか。", *choices, "--evidence", "retrieved", "--json"]
    status, figures, _ = run(capsys, home, *words)
    assert status == 0 and figures["gold"] is None and figures["passages"]


def test_index(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    status, built, _ = run(capsys, home, "index", "build", "--json")
    assert status == 0 and built["laws"] == 1 and built["articles"] > 40
    status, known, _ = run(capsys, home, "index", "status", "--json")
    assert status == 0 and known["fingerprint"] == built["fingerprint"]
    status, found, _ = run(capsys, home, "index", "search", "灯舟の定義", "-k", "3", "--json")
    assert status == 0 and len(found["passages"]) == 3
    assert set(found["passages"][0]) >= {
        "law", "article", "paragraph", "item", "citation", "text", "url", "found_by", "score",
    }  # fmt: skip


def test_score_and_compare(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    words = ["score", "--set", "sample_dev", "--evidence", "none", "--evidence", "given"]
    status, figures, err = run(capsys, home, *words, "--limit", "8", "--json")
    assert status == 0 and len(figures["cells"]) == 2 and "8/8" in err
    assert set(figures["cells"][0]) >= {
        "run", "set", "evidence", "adapter", "total", "correct", "accuracy", "low", "high",
        "accuracy_averaged", "all_orders_right", "majority_baseline", "overlap_baseline",
        "letter_mass_median", "by_law", "seen_in_training", "accuracy_unseen", "tokens", "seconds",
    }  # fmt: skip
    runs = [cell["run"] for cell in figures["cells"]]
    status, compared, _ = run(capsys, home, "compare", *runs, "--json")
    assert status == 0
    assert set(compared) >= {
        "n", "both", "only_a", "only_b", "neither", "p_value", "difference", "low", "high",
        "verdict", "flips",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["ask", "--json"], 2),
        (["ask", "--id", "sample-999", "--json"], 2),
        (["ask", "--stem", "x", "--choice", "y", "--json"], 2),
        (["ask", "--id", "sample-000", "--adapter", "../../etc", "--json"], 1),
        (["score", "--set", "nothing", "--json"], 2),
        (["score", "--set", "selection", "--json"], 1),
        (["score", "--set", "reading", "--json"], 2),
        (["score", "--resume", "nothing", "--json"], 1),
        (["compare", "x", "y", "--json"], 1),
        (["train", "--learning-rate", "abc", "--lora-r", "0", "--json"], 2),
        (["train", "--train-set", "sample_test", "--json"], 2),
        (["train", "--preset", "sample", "--start-from", "nothing", "--json"], 1),
        (["train", "--train-set", "reading", "--evidence-mix", "none", "--json"], 2),
        (["train", "--train-file", "/no/such/file.jsonl", "--json"], 1),
        (["train", "status", "nothing", "--json"], 1),
        (["adapters", "show", "nothing", "--json"], 1),
        (["index", "build", "--from", "/no/such/folder", "--json"], 1),
        (["fetch", "--json"], 1),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch,
    words: list[str], status: int,
) -> None:  # fmt: skip
    monkeypatch.chdir(home)
    code, figures, err = run(capsys, home, *words)
    assert (code, figures) == (status, {})
    assert "lawui: " in err and "Traceback" not in err


def test_wrong_usage_is_two() -> None:
    for words in (["--nonsense"], ["score", "--evidence", "oracle"], []):
        assert called(*words).returncode == 2, words
