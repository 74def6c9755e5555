"""One contract, two implementations: a base in this process and one that a server holds."""

from __future__ import annotations

import concurrent.futures
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lawui.bench.loopback import Loopback
from lawui.errors import AdapterError, HostError, LabError, ModelError
from lawui.model import adapters, prompts
from lawui.model.address import parse
from lawui.model.letters import TOLERANCE
from lawui.model.load import load
from lawui.model.owner import Owner
from lawui.model.remote import Remote
from lawui.model.serving import ASK, BATCH, Serving, wait
from lawui.types import BASE, LETTERS, AdapterInfo, Passage, Prompt, Question

SHIPPED = Path(__file__).resolve().parents[2] / "adapters"
ONE, TWO = "sample-given", "sample-mixed"


@dataclass
class Subject:
    """What is tested, with the means to hold its work and to count it."""

    serving: Serving
    gate: threading.Event
    reached: threading.Event
    computed: Callable[[], int]

    def hold(self) -> None:
        self.gate.clear()
        self.reached.clear()


def found(name: str) -> AdapterInfo:
    info = adapters.find(SHIPPED, name)
    if info is None:
        raise AdapterError("adapter.unknown", name=name)
    return info


def open_gate() -> tuple[threading.Event, threading.Event]:
    gate, reached = threading.Event(), threading.Event()
    gate.set()
    return gate, reached


def make_local(**options: Any) -> Subject:
    gate, reached = open_gate()

    def find(name: str) -> AdapterInfo:
        reached.set()
        gate.wait(60)
        return found(name)

    owner = Owner(load(), find, **options)
    return Subject(owner, gate, reached, lambda: owner.tokens_computed)


class Behind:
    """A loopback server in front of an Owner: the real model's letters over HTTP."""

    def __init__(self) -> None:
        self.owner = Owner(load(), found)
        self.gate, self.reached = open_gate()
        self.server = Loopback(["embedded"], self.candidates, self.write, adapters=[ONE, TWO])
        self.server.before = self._too_long

    def _too_long(self, handler: Any, body: dict[str, Any] | None) -> bool:
        long = body is not None and len(str(body)) > 20_000
        if long:
            handler.fail(400, "This model's maximum context length is 2048 tokens.")
        return long

    def candidates(self, body: dict[str, Any]) -> list[tuple[str, float]]:
        self.reached.set()
        self.gate.wait(60)
        tokenizer = self.owner.loaded.tokenizer
        text = tokenizer.apply_chat_template(
            body["messages"], tokenize=False, add_generation_prompt=True
        )
        ids = tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
        prompt = Prompt(text, "", (), len(ids), (), "", text, ids)
        name = BASE if body["model"] == "embedded" else body["model"]
        answer = self.owner.answer([prompt], name)[0]
        pairs = [(x, p * answer.letter_mass) for x, p in zip(LETTERS, answer.probs, strict=True)]
        return sorted([*pairs, ("の", 0.0)], key=lambda pair: -pair[1])

    def write(self, body: dict[str, Any]) -> Iterator[str]:
        yield from ("第三条に", "よれば", "七日です。")

    def close(self) -> None:
        self.server.close()
        self.owner.close()


@pytest.fixture(scope="module")
def behind() -> Iterator[Behind]:
    made = Behind()
    yield made
    made.close()


def make_remote(behind: Behind, **options: Any) -> Subject:
    behind.gate.set()
    options.pop("token_budget", None)
    remote = Remote(parse(behind.server.url + "#embedded"), **options)
    asked = behind.server.asked
    return Subject(remote, behind.gate, behind.reached, lambda: sum(asked.values()))


@pytest.fixture(params=["local", "remote"], scope="module")
def make(request: pytest.FixtureRequest, behind: Behind) -> Callable[..., Subject]:
    """Makes a subject; `options` are those that both kinds know."""

    def made(**options: Any) -> Subject:
        if request.param == "local":
            options.pop("requests", None)
            return make_local(**options)
        return make_remote(behind, **options)

    return made


@pytest.fixture(scope="module")
def subject(make: Callable[..., Subject]) -> Iterator[Subject]:
    made = make()
    yield made
    made.serving.close()


def questions(serving: Serving, count: int, seed: str = "") -> list[Prompt]:
    rng = random.Random(f"{count}{seed}")
    made = []
    for i in range(count):
        four = tuple(f"{rng.randint(2, 99)}日以内に{rng.choice('届出許可')}する" for _ in range(4))
        text = f"市長は、{rng.randint(2, 99)}日以内に決定しなければならない。"
        question = Question(f"q-{i}", f"q{i}", "g", 0, "", f"{i}番の期限はいつか。", four, "a")  # type: ignore[arg-type]
        evidence = [Passage("p", "条例", "3", "", "", "", "", text)]
        made.append(prompts.render(serving.loaded.tokenizer, question, evidence))
    return made


def tolerance(behind: Behind) -> float:
    return TOLERANCE[str(behind.owner.loaded.dtype).removeprefix("torch.")]


def test_the_base_is_known_and_renders_prompts(subject: Subject) -> None:
    base = subject.serving.loaded
    assert base.name and len(base.sha) == len(base.prompt_sha) == 16 and base.device
    assert base.max_length > 1_000
    (prompt,) = questions(subject.serving, 1)
    assert "【問題】" in prompt.text and 0 < prompt.n_tokens < base.max_length
    assert prompts.SYSTEM in prompt.text and prompt.user in prompt.text


def test_answers_carry_the_request_they_belong_to(subject: Subject) -> None:
    asked = questions(subject.serving, 5)
    answers = subject.serving.answer(asked, ONE, "retrieved")
    assert [a.question_id for a in answers] == [p.question_id for p in asked]
    for answer, prompt in zip(answers, asked, strict=True):
        assert (answer.adapter, answer.evidence) == (ONE, "retrieved")
        assert answer.prompt_sha == prompt.sha and answer.seconds >= 0
        assert sum(answer.probs) == pytest.approx(1, abs=1e-5) and 0 < answer.letter_mass <= 1
        assert answer.choice == LETTERS[answer.probs.index(max(answer.probs))]


def test_both_give_the_same_letters(subject: Subject, behind: Behind) -> None:
    """The very prompt that the resident base reads comes back from the server's template."""
    for name in (BASE, ONE):
        answers = subject.serving.answer(questions(subject.serving, 6), name)
        plain = behind.owner.answer(questions(behind.owner, 6), name)
        for one, other in zip(answers, plain, strict=True):
            assert one.probs == pytest.approx(other.probs, abs=tolerance(behind))
            assert one.letter_mass == pytest.approx(other.letter_mass, abs=tolerance(behind))


def test_adapters_answer_differently_and_the_base_stays(subject: Subject, behind: Behind) -> None:
    asked = questions(subject.serving, 6)
    before = subject.serving.answer(asked)
    one, two = (subject.serving.answer(asked, name) for name in (ONE, TWO))
    assert [a.probs for a in subject.serving.answer(asked)] == [a.probs for a in before]
    assert [a.probs for a in one] != [a.probs for a in two] != [a.probs for a in before]


def test_many_at_once_get_what_each_would_get_alone(subject: Subject, behind: Behind) -> None:
    asked = questions(subject.serving, 8, "many")
    names = [BASE, ONE, TWO]
    requests = [(random.Random(i).choice(names), i % 8) for i in range(100)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda r: subject.serving.answer([asked[r[1]]], r[0])[0], requests))
    alone = {n: behind.owner.answer(questions(behind.owner, 8, "many"), n) for n in names}
    for (name, index), answer in zip(requests, answers, strict=True):
        assert answer.adapter == name and answer.question_id == asked[index].question_id
        assert answer.probs == pytest.approx(alone[name][index].probs, abs=tolerance(behind))


def test_the_same_prompt_is_asked_once(subject: Subject) -> None:
    (prompt,) = questions(subject.serving, 1, "once")
    first = subject.serving.answer([prompt])[0]
    before = subject.computed()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: subject.serving.answer([prompt])[0], range(40)))
    assert subject.computed() == before
    assert {a.probs for a in answers} == {first.probs}


def test_an_unknown_adapter_fails_alone(subject: Subject) -> None:
    asked = questions(subject.serving, 2)
    gone, other = subject.serving.submit(asked, "nobody"), subject.serving.submit(asked, ONE)
    with pytest.raises(AdapterError) as caught:
        gone.result(60)
    assert "nobody" in caught.value.text("ja")
    assert len(other.result(60)) == 2


def test_a_prompt_that_is_too_long_fails_alone(subject: Subject, behind: Behind) -> None:
    (prompt,) = questions(subject.serving, 1, "long")
    long = replace(
        prompt, user=prompt.user * 400, token_ids=prompt.token_ids * 400, text_sha="long"
    )
    refused, other = subject.serving.submit([long]), subject.serving.submit([prompt])
    with pytest.raises(LabError):
        refused.result(60)
    assert other.result(60)


def test_nothing_asked_is_nothing_answered(subject: Subject) -> None:
    assert subject.serving.answer([]) == []


def test_the_place_in_line_is_told_and_a_person_goes_first(make: Callable[..., Subject]) -> None:
    subject = make(requests=1)
    serving = subject.serving
    asked = questions(serving, 3, "line")
    subject.hold()
    first = serving.submit(asked[:1], ONE)
    assert subject.reached.wait(60)
    ended: list[str] = []
    score = serving.submit(asked[1:2], TWO, "", BATCH)
    person = serving.submit(asked[2:], ONE, "", ASK)
    score.add_done_callback(lambda _: ended.append("score"))
    person.add_done_callback(lambda _: ended.append("person"))
    assert [serving.position(f) for f in (first, person, score)] == [0, 1, 2]
    assert serving.waiting == 2
    heard: list[tuple[int, float | None]] = []
    threading.Timer(0.5, subject.gate.set).start()
    assert wait(serving, [score], lambda *told: heard.append(told))
    assert heard[0] == (2, None)  # nothing was ever answered
    assert serving.position(score) == 0
    assert person.result(60) and ended == ["person", "score"]
    serving.close()


def test_the_time_left_is_reckoned_from_what_was_answered(make: Callable[..., Subject]) -> None:
    subject = make(requests=1)
    serving = subject.serving
    asked = questions(serving, 4, "left")
    serving.answer(asked[:1])
    subject.hold()
    first = serving.submit(asked[1:2], ONE)
    assert subject.reached.wait(60)
    second, third = serving.submit(asked[2:3], ONE), serving.submit(asked[3:], TWO)
    lefts = [serving.left(future) for future in (second, third)]
    assert 0 < lefts[0] < lefts[1]  # type: ignore[operator]
    heard: list[float] = []
    threading.Timer(0.7, subject.gate.set).start()
    wait(serving, [first, second, third], lambda _, left: heard.append(left or 0.0))
    assert heard[0] > 0 and heard == sorted(heard, reverse=True)  # it comes nearer only
    serving.close()


def test_who_waits_can_leave_the_line(make: Callable[..., Subject]) -> None:
    subject = make(requests=1)
    asked = questions(subject.serving, 3, "leave")
    subject.hold()
    first = subject.serving.submit(asked[:1], ONE)
    assert subject.reached.wait(60)
    left = subject.serving.submit(asked[1:2], TWO, "", BATCH)
    assert left.cancel()
    subject.gate.set()
    assert first.result(60) and subject.serving.answer(asked[2:])
    subject.serving.close()


def test_a_full_line_refuses_in_words(make: Callable[..., Subject]) -> None:
    subject = make(waiting=0)
    with pytest.raises(HostError) as caught:
        subject.serving.submit(questions(subject.serving, 1))
    assert caught.value.key == "host.busy"
    subject.serving.close()


def test_closing_refuses_what_waits_and_what_comes(make: Callable[..., Subject]) -> None:
    subject = make(requests=1)
    asked = questions(subject.serving, 3, "close")
    subject.hold()
    subject.serving.submit(asked[:1], ONE)
    assert subject.reached.wait(60)
    waits = subject.serving.submit(asked[1:2], TWO)
    closing = threading.Thread(target=subject.serving.close)
    closing.start()
    subject.gate.set()
    with pytest.raises(ModelError) as caught:
        waits.result(60)
    assert caught.value.key == "model.closed"
    closing.join(60)
    assert not closing.is_alive()
    with pytest.raises(ModelError):
        subject.serving.answer(asked[2:])


def test_a_reason_grows_and_ends(subject: Subject) -> None:
    four = ("一", "二", "三", "四")
    question = Question("q", "q", "g", 0, "", "期限はいつか。", four, "a")
    evidence = [Passage("p", "条例", "3", "", "", "", "", "期間は、七日とする。")]
    said = list(subject.serving.explain(question, evidence, "b"))
    assert said and all(later.startswith(text) for text, later in pairwise(said))
    with pytest.raises(AdapterError):
        list(subject.serving.explain(question, evidence, "b", "nobody"))
