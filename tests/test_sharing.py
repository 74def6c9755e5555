"""Training and answers on one card: memory given back and taken again, nobody refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lawui.errors import ModelError
from lawui.lab import Lab, Settings
from lawui.model.letters import TOLERANCE
from lawui.model.load import LoadedModel, load
from lawui.model.owner import Owner
from lawui.sharing import Sharing
from lawui.training import locks
from lawui.training.runs import LOCK, RunStore
from lawui.types import Prompt
from tests.training import helpers


def tolerance(owner: Owner) -> float:
    return TOLERANCE[str(owner.loaded.dtype).removeprefix("torch.")]


def prompt(seed: int) -> Prompt:
    ids = tuple(16 + (seed * 31 + 7 * n) % 900 for n in range(40))
    return Prompt("", f"q{seed}", (), len(ids), (), "", f"sharing-{seed}", ids)


@pytest.fixture
def owner() -> Iterator[Owner]:
    made = Owner(load(), pytest.fail, reload=load)
    yield made
    made.close()


def test_the_base_shrinks_and_grows_while_people_wait(owner: Owner) -> None:
    asked = [prompt(seed) for seed in range(6)]
    before = owner.answer(asked)
    assert owner.engine.weights == "plain"
    owner.forget()
    shrunk, waiting = owner.resize(True), owner.submit(asked)
    spare = waiting.result(timeout=60)
    shrunk.result(timeout=60)
    assert owner.engine.weights == "packed4"
    owner.forget()
    owner.resize(False).result(timeout=60)
    assert owner.engine.weights == "plain"
    after = owner.answer(asked)
    for a, b, c in zip(before, spare, after, strict=True):
        assert b.probs == pytest.approx(a.probs, abs=tolerance(owner))
        assert c.probs == a.probs


def test_a_base_that_cannot_be_held_anew_is_told_and_tried_again() -> None:
    full = [True]

    def reload() -> LoadedModel:
        if full[0]:
            raise ModelError("model.out_of_memory", model="embedded")
        return load()

    owner = Owner(load(), pytest.fail, reload=reload)
    with pytest.raises(ModelError):
        owner.resize(True).result(timeout=60)
    with pytest.raises(ModelError) as caught:
        owner.answer([prompt(1)])
    assert caught.value.key == "model.out_of_memory"
    full[0] = False
    assert owner.answer([prompt(1)])
    owner.close()


def test_answers_make_do_with_less_as_long_as_a_run_goes_on(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This machine may have no card: the resident base stands on the CPU, and is shrunk there.
    monkeypatch.setattr("lawui.sharing._on_card", lambda resident: resident is not None)
    monkeypatch.setattr("lawui.sharing._LOOK_SECONDS", 0.1)
    runs = RunStore(tmp_path)
    run = helpers.make_run(runs)
    sharing = Sharing(runs, lambda: owner)
    assert not sharing.notices
    keeper = locks.take(tmp_path / run / LOCK)  # as its child holds it for life
    sharing.make_room()
    assert owner.engine.weights == "packed4"
    (notice,) = sharing.notices
    assert "学習" in notice.text("ja") and "Training" in notice.text("en")
    assert sharing.needed and sharing.loads("cuda") and not sharing.loads("cpu")
    assert keeper is not None
    locks.release(keeper)
    (tmp_path / run / "child.log").touch()  # it had begun, and ended
    end = time.monotonic() + 60
    while (sharing.notices or owner.engine.spare) and time.monotonic() < end:
        time.sleep(0.05)
    assert not sharing.notices and owner.engine.weights == "plain"


def test_another_base_answers_and_the_page_names_it(tmp_path: Path) -> None:
    import gc
    import weakref

    from lawui.model.load import EMBEDDED_FOLDER

    lab = Lab(Settings(home=tmp_path, model="embedded", offline=True))
    question = lab.question("sample-000-0")
    first = lab.ask(question)
    model = weakref.ref(lab.owner().loaded.model)  # type: ignore[attr-defined]
    choice = lab.use(str(EMBEDDED_FOLDER))
    gc.collect()
    assert model() is None and not lab.loaded
    assert lab.choice == choice and choice.why_key == "model.why.folder"
    assert lab.ask(question).answer.probs == first.answer.probs  # the same weights, after all
    with pytest.raises(ModelError):
        lab.use("nobody/nothing-of-the-kind")
    assert lab.choice == choice
    lab.close()


def test_a_context_of_thirty_thousand_characters_is_shortened_and_answered(tmp_path: Path) -> None:
    lab = Lab(Settings(home=tmp_path, model="embedded", offline=True))
    long = "甲は、乙に対し、届出の日から三十日以内に、書面で通知しなければならない。" * 850
    assert len(long) > 30_000
    asked = lab.own_question("通知の期限はいつか。", ("十日", "二十日", "三十日", "四十日"), long)
    places: list[int] = []
    result = lab.ask(
        *(asked, "given"), all_orders=True, in_line=lambda place, _: places.append(place)
    )
    assert sum(result.answer.probs) == pytest.approx(1, abs=1e-5)
    assert result.n_tokens <= lab.owner().loaded.max_length
    with pytest.raises(ModelError) as caught:
        lab.ask(lab.own_question(long, ("一", "二", "三", "四")))
    assert caught.value.key == "model.question_too_long" and caught.value.text("ja")
    assert places == sorted(places, reverse=True)
    lab.close()
