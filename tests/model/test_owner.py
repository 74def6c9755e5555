"""The owner on the embedded base with two real adapters of small random weights."""

from __future__ import annotations

import concurrent.futures
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lawui.errors import AdapterError, HostError, ModelError
from lawui.model import adapters, prompts
from lawui.model.dequantize import dequantize
from lawui.model.letters import TOLERANCE
from lawui.model.load import load
from lawui.model.owner import Owner
from lawui.model.serving import ASK, BATCH
from lawui.types import BASE, AdapterInfo, Passage, Prompt, Question


def tolerance(owner: Owner) -> float:
    return TOLERANCE[str(owner.loaded.dtype).removeprefix("torch.")]


def make_adapter(folder: Path, name: str, seed: int, rank: int = 4) -> None:
    """A LoRA whose both halves are random, so that it really changes answers."""
    import torch
    from peft import LoraConfig, get_peft_model

    loaded = load()
    torch.manual_seed(seed)
    config = LoraConfig(r=rank, lora_alpha=16, target_modules=["q_proj", "v_proj"])
    model = get_peft_model(loaded.model, config)
    for key, weight in model.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(folder / name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("adapters")
    make_adapter(path, "one", 1)
    make_adapter(path, "two", 2, rank=8)
    return path


@pytest.fixture(scope="module")
def owner(folder: Path) -> Iterator[Owner]:
    def find(name: str) -> AdapterInfo:
        if not (folder / name).is_dir():
            raise AdapterError("adapter.unknown", name=name)
        return adapters.read_adapter(folder / name)

    made = Owner(load(), find)
    yield made
    made.close()


def questions(owner: Owner, count: int) -> list[Prompt]:
    rng = random.Random(count)
    found = []
    for i in range(count):
        four = tuple(f"{rng.randint(2, 99)}日以内に{rng.choice('届出許可')}する" for _ in range(4))
        text = f"市長は、{rng.randint(2, 99)}日以内に決定しなければならない。"
        question = Question(f"q-{i}", f"q{i}", "g", 0, "", f"{i}番の期限はいつか。", four, "a")  # type: ignore[arg-type]
        evidence = [Passage("p", "条例", "3", "", "", "", "", text)]
        found.append(prompts.render(owner.loaded.tokenizer, question, evidence))
    return found


def test_adapters_answer_differently_and_the_base_stays_as_it_was(owner: Owner) -> None:
    fresh = Owner(load(), pytest.fail)
    asked = questions(owner, 8)
    before = fresh.answer(asked)
    fresh.close()
    one, two = owner.answer(asked, "one"), owner.answer(asked, "two")
    after = owner.answer(asked, BASE)
    assert [a.probs for a in before] == [a.probs for a in after]  # bit-equal
    assert [a.probs for a in one] != [a.probs for a in two]
    moved = max(abs(x.probs[0] - y.probs[0]) for x, y in zip(one, after, strict=True))
    assert moved > tolerance(owner)


def test_answers_carry_the_request_they_belong_to(owner: Owner) -> None:
    (prompt,) = questions(owner, 1)
    answer = owner.answer([prompt], "one", "retrieved")[0]
    assert (answer.adapter, answer.evidence) == ("one", "retrieved")
    assert (answer.question_id, answer.prompt_sha) == ("q-0", prompt.sha)
    assert sum(answer.probs) == pytest.approx(1, abs=1e-5) and 0 < answer.letter_mass <= 1
    assert answer.choice == "abcd"[answer.probs.index(max(answer.probs))]


def test_many_at_once_get_what_each_would_get_alone(owner: Owner, folder: Path) -> None:
    asked = questions(owner, 12)
    names = [BASE, "one", "two"]
    alone = {}
    for name in names:
        fresh = Owner(load(), lambda n: adapters.read_adapter(folder / n))
        for prompt in asked:
            alone[name, prompt.question_id] = fresh.answer([prompt], name)[0]
        fresh.close()
    requests = [(random.Random(i).choice(names), asked[i % 12]) for i in range(200)]
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda r: owner.answer([r[1]], r[0])[0], requests))
    for (name, prompt), answer in zip(requests, answers, strict=True):
        expected = alone[name, prompt.question_id]
        assert answer.adapter == name and answer.question_id == prompt.question_id
        assert answer.probs == pytest.approx(expected.probs, abs=tolerance(owner))
        first, second = sorted(expected.probs)[-1], sorted(expected.probs)[-2]
        assert answer.choice == expected.choice or first - second < 2 * tolerance(owner)


def test_the_same_prompt_is_computed_once(owner: Owner) -> None:
    (prompt,) = questions(owner, 1)[:1]
    text = prompt.text.replace("0番", "一度だけ")
    ids = tuple(owner.loaded.tokenizer(text, add_special_tokens=False)["input_ids"])
    from dataclasses import replace

    fresh = replace(prompt, text=text, token_ids=ids, text_sha="only-once")
    before = owner.tokens_computed
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: owner.answer([fresh])[0], range(60)))
    assert owner.tokens_computed - before == len(ids)
    assert len({a.probs for a in answers}) == 1


def test_an_unknown_adapter_fails_alone(owner: Owner) -> None:
    asked = questions(owner, 2)
    with pytest.raises(AdapterError) as caught:
        owner.answer(asked, "nobody")
    assert caught.value.key == "adapter.unknown"
    assert len(owner.answer(asked)) == 2


def test_an_adapter_that_does_not_fit_is_refused_and_the_base_goes_on(
    owner: Owner, folder: Path
) -> None:
    from safetensors.torch import load_file, save_file

    asked = questions(owner, 3)
    broken = folder / "misfit"
    broken.mkdir()
    (broken / adapters.CONFIG).write_bytes((folder / "one" / adapters.CONFIG).read_bytes())
    weights = load_file(folder / "one" / adapters.WEIGHTS)
    save_file({k: v[:, :3].contiguous() for k, v in weights.items()}, broken / adapters.WEIGHTS)
    with pytest.raises(AdapterError) as caught:
        owner.answer(asked, "misfit")
    assert caught.value.key == "adapter.does_not_fit"
    assert owner.answer(asked) and owner.answer(asked, "one")
    # The same where it is the first adapter that this base ever meets.
    fresh = Owner(load(), lambda name: adapters.read_adapter(folder / name))
    with pytest.raises(AdapterError):
        fresh.answer(asked, "misfit")
    assert [a.probs for a in fresh.answer(asked)] == [a.probs for a in owner.answer(asked)]
    fresh.close()


def test_adapters_stay_up_to_a_budget_of_bytes_and_the_least_used_goes_first(
    folder: Path,
) -> None:
    small = Owner(load(), lambda name: adapters.read_adapter(folder / name))
    asked = questions(small, 2)
    first = small.answer(asked, "one")
    kept = small.resident.bytes
    # "two" has twice the rank of "one": this holds either, not both.
    small.resident.budget = kept * 5 // 2
    small.answer(asked, "two")
    assert len(small.resident.keys) == 1 and small.resident.bytes == 2 * kept > 0
    small.forget()
    assert [a.probs for a in small.answer(asked, "one")] == [a.probs for a in first]
    small.close()


def test_a_batch_may_mix_adapters_and_agrees_with_peft(owner: Owner, folder: Path) -> None:
    import torch
    from peft import PeftModel

    asked = questions(owner, 9)
    names = [BASE, "one", "two"]
    futures = [owner.submit([p], names[i % 3]) for i, p in enumerate(asked)]
    mixed = [future.result()[0] for future in futures]
    base = load()
    dequantize(base.model)
    peft = PeftModel.from_pretrained(base.model, folder / "one", adapter_name="one")
    peft.load_adapter(folder / "two", adapter_name="two")
    peft.eval()
    for i, (prompt, answer) in enumerate(zip(asked, mixed, strict=True)):
        name = "__base__" if names[i % 3] == BASE else names[i % 3]
        with torch.inference_mode():
            ids = torch.tensor([prompt.token_ids])
            logits = peft(input_ids=ids, adapter_names=[name]).logits[0, -1]
        four = logits[list(owner.loaded.letter_ids)].float().softmax(0)
        assert answer.probs == pytest.approx(four.tolist(), abs=tolerance(owner))


def test_an_adapter_deleted_while_it_serves_fails_in_words_and_alone(
    owner: Owner, folder: Path
) -> None:
    import shutil

    shutil.copytree(folder / "one", folder / "doomed")
    asked = questions(owner, 4)
    assert owner.answer(asked[:2], "doomed")
    shutil.rmtree(folder / "doomed")
    gone = owner.submit(asked[2:], "doomed")
    other = owner.submit(asked[2:], "two")
    with pytest.raises(AdapterError) as caught:
        gone.result()
    assert caught.value.key == "adapter.unknown" and "doomed" in caught.value.text("ja")
    assert len(other.result()) == 2


def test_an_adapter_of_broken_numbers_fails_alone(owner: Owner, folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = folder / "nan"
    broken.mkdir()
    (broken / adapters.CONFIG).write_bytes((folder / "one" / adapters.CONFIG).read_bytes())
    weights = load_file(folder / "one" / adapters.WEIGHTS)
    save_file({k: v * float("nan") for k, v in weights.items()}, broken / adapters.WEIGHTS)
    asked = questions(owner, 3)
    futures = [owner.submit(asked, name) for name in ("nan", "one", BASE)]
    with pytest.raises(ModelError) as caught:
        futures[0].result()
    assert caught.value.key == "model.not_finite"
    assert all(len(future.result()) == 3 for future in futures[1:])


def test_a_prompt_that_is_too_long_fails_alone(owner: Owner) -> None:
    from dataclasses import replace

    (prompt,) = questions(owner, 1)
    long = replace(prompt, token_ids=prompt.token_ids * 100, text_sha="long")
    refused, other = owner.submit([long]), owner.submit([prompt])
    with pytest.raises(ModelError) as caught:
        refused.result()
    assert caught.value.key == "model.prompt_too_long"
    assert other.result()


def test_the_place_in_line_is_told(folder: Path) -> None:
    import threading

    reading, go_on = threading.Event(), threading.Event()

    def find(name: str) -> AdapterInfo:
        reading.set()
        go_on.wait(60)
        return adapters.read_adapter(folder / name)

    slow = Owner(load(), find)
    asked = questions(slow, 3)
    first = slow.submit(asked[:1], "one")
    assert reading.wait(60)
    score = slow.submit(asked[1:2], "two", "", BATCH)
    person = slow.submit(asked[2:], "one")
    assert [slow.position(f) for f in (first, person, score)] == [0, 1, 2]
    assert slow.waiting == 2
    go_on.set()
    score.result(timeout=60)
    assert slow.position(score) == 0
    slow.close()


def test_another_base_finds_the_memory_of_the_first_free(folder: Path) -> None:
    import gc
    import weakref

    first = Owner(load(), lambda name: adapters.read_adapter(folder / name))
    first.answer(questions(first, 2), "one")
    model = weakref.ref(first.loaded.model)
    weight = weakref.ref(first.loaded.model.get_input_embeddings().weight)
    first.close()
    gc.collect()
    assert model() is None and weight() is None


def test_a_person_waits_for_one_batch_of_a_score_and_not_for_the_score(folder: Path) -> None:
    find = lambda name: adapters.read_adapter(folder / name)  # noqa: E731
    small = Owner(load(), find, token_budget=200)
    many, (asked, *_) = questions(small, 24), questions(small, 30)
    ended: list[str] = []
    score = small.submit(many, BASE, "", BATCH)
    score.add_done_callback(lambda _: ended.append("score"))
    person = small.submit([asked], "one", "", ASK)
    person.add_done_callback(lambda _: ended.append("person"))
    assert len(score.result(timeout=120)) == 24
    assert ended == ["person", "score"]
    small.close()


def test_a_full_queue_refuses_in_words(folder: Path) -> None:
    small = Owner(load(), lambda name: adapters.read_adapter(folder / name), waiting=0)
    with pytest.raises(HostError) as caught:
        small.submit(questions(small, 1))
    assert caught.value.key == "host.busy"
    small.close()


def test_a_closed_owner_refuses() -> None:
    made = Owner(load(), pytest.fail)
    asked = questions(made, 1)
    made.close()
    with pytest.raises(ModelError):
        made.answer(asked)
