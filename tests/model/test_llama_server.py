"""llama.cpp's server from its package, on the shipped weights: the letters of the local path.

Both compute in float32 from the same unpacked values, keys and values included; what is left
is the order of additions. TOLERANCE is what that may move a probability.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from model_servers import MODEL, llama_server, write_gguf

from lawui.data import headings
from lawui.data.questions import load_set
from lawui.errors import AdapterError, ModelError
from lawui.lab import Lab, Settings
from lawui.model import prompts
from lawui.model.address import parse
from lawui.model.load import load
from lawui.model.owner import Owner
from lawui.model.remote import Remote
from lawui.types import Question

TOLERANCE = 2e-3
KEY = "sk-of-the-test"


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    made = Owner(load(compute_dtype="float32"), pytest.fail)
    yield made
    made.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    weights = tmp_path_factory.mktemp("llama") / "embedded.gguf"
    write_gguf(load(compute_dtype="float32"), weights)
    with llama_server(weights, KEY) as address:
        yield address


@pytest.fixture(scope="module")
def remote(url: str) -> Iterator[Remote]:
    made = Remote(parse(f"{url}#{MODEL}"), key=KEY, requests=2)
    yield made
    made.close()


def some() -> list[Question]:
    return [q for q in load_set("sample", None).questions if q.order == 0][::32]


def test_the_letters_are_those_of_the_local_path(owner: Owner, remote: Remote) -> None:
    asked = [(q, evidence) for q in some() for evidence in ((), headings.given_passages(q))]
    by_model = []
    for serving in (owner, remote):
        base = serving.loaded
        rendered = [prompts.render(base.tokenizer, q, e, base.max_length) for q, e in asked]
        by_model.append(serving.answer(rendered))
    for here, there in zip(*by_model, strict=True):
        assert there.probs == pytest.approx(here.probs, abs=TOLERANCE)
        assert there.letter_mass == pytest.approx(here.letter_mass, abs=TOLERANCE)
        first, second = sorted(here.probs)[-1], sorted(here.probs)[-2]
        assert there.choice == here.choice or first - second < 2 * TOLERANCE


def test_the_server_said_what_it_can(owner: Owner, remote: Remote) -> None:
    base = remote.loaded
    assert base.top == 20 and not base.loads and remote.server.adapters() == []
    assert 1_900 < base.max_length < 2_048  # n_ctx, less what the template adds
    text = "第三条の規定による届出は、七日以内にしなければならない。" * 100
    counted = len(base.tokenizer(text)["input_ids"])  # by the server, where it may be too long
    assert len(text) > base.max_length
    assert counted == len(owner.loaded.tokenizer(text)["input_ids"])


def test_a_text_that_is_too_long_is_said(remote: Remote) -> None:
    (question,) = some()[:1]
    prompt = prompts.render(remote.loaded.tokenizer, question)
    with pytest.raises(ModelError) as found:
        remote.answer([replace(prompt, user=prompt.user * 30, text_sha="long")])
    assert found.value.key == "server.too_long"


def test_a_reason_is_streamed(remote: Remote) -> None:
    (question,) = some()[:1]
    said = list(remote.explain(question, headings.given_passages(question), "b"))
    assert said  # the embedded model writes its letter and ends


def test_the_lab_asks_and_scores_through_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAWUI_API_KEY", KEY)
    lab = Lab(Settings(home=tmp_path, model=f"{url}#{MODEL}", offline=True))
    result = lab.ask(lab.question("sample-003"), "given")
    assert result.model == MODEL and result.answer.letter_mass > 0.99 and result.passages
    told = lab.describe()
    assert told["server"]["url"] == url and told["server"]["reached"]
    assert any("LoRA" in problem for problem in told["problems"])  # said before a run starts
    with pytest.raises(AdapterError):
        lab.score_start("sample_dev", adapters=["sample-given"], limit=4)
    (run,) = lab.score_start("sample_dev", limit=4)
    assert lab.score_wait(run).state == "done"
    assert lab.score_summary(run)["total"] == 4
    assert lab.adapters() == []  # those of this home are not the server's
    assert KEY not in "".join(p.read_text() for p in tmp_path.rglob("*.json*"))
    lab.close()
