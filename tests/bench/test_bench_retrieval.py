"""`bench retrieval`: what is measured of search without any model."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lawui.__main__ import main
from lawui.bench import retrieval
from lawui.types import Passage


def test_search_is_measured_on_the_sample(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--home", str(tmp_path), "--offline", "bench", "retrieval", "--set", "sample_dev"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr()[0])
    assert told["any_at"]["1"] > 0.9 and told["ms_p50"] > 0
    assert 0.8 < told["own_text_shown"] <= 1


def test_own_text_counts_where_it_stands_in_what_is_shown() -> None:
    def passage(text: str, lead: str = "") -> Passage:
        return Passage("i", "条例", "1", "1", "", "", "", text, lead=lead)

    own = passage("市長は、次に掲げる行為をしてはならない。\n第二号　桟橋において釣りをする行為")
    found: dict[str, Any] = {
        "all": [
            passage("2　桟橋において釣りをする行為", "市長は、次に掲げる行為をしてはならない。")
        ],
        "half": [passage("第２号　桟橋において釣りをする行為")],
        "nothing": [passage("店守は、岸店の周囲を清掃しなければならない。")],
        "no text of its own": [],
    }
    questions = [SimpleNamespace(source=name) for name in found for _ in range(4)]

    def passages(question: Any, evidence: str) -> list[Passage]:
        if evidence == "retrieved":
            return list(found[question.source])
        return [] if question.source == "no text of its own" else [own]

    def shown(*names: str) -> float:
        some = [q for q in questions if q.source in names]
        lab: Any = SimpleNamespace(
            questions=lambda _: SimpleNamespace(questions=some), passages=passages
        )
        return retrieval._shown(lab, "any")

    assert shown("all") > 0.6 > shown("half") > 0.3 and shown("nothing") == 0
    assert shown("all", "nothing") == pytest.approx(shown("all") / 2)
    assert shown("half", "no text of its own") == shown("half")
    assert shown("no text of its own") == 0
