"""The teacher of the embedded model: what it writes, checks and hands on."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from lawui.data import reading
from lawui.data.reading import Asked, Context
from lawui.model.embedded import network, packing, recipe, refine, teacher, written
from lawui.model.embedded.decoding import Decoder
from lawui.types import Passage

WEIGHTS = Path(recipe.__file__).parent / "weights"


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A Qwen2 of no size with random weights and the embedded tokenizer."""
    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=6144,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=False,
    )
    model = Qwen2ForCausalLM(config)
    for parameter in model.parameters():
        if parameter.dim() > 1:  # so that the most probable token is no near-tie
            parameter.data.mul_(3)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(WEIGHTS).save_pretrained(folder)
    return folder


def context(asked: tuple[Asked, ...] = ()) -> Context:
    text = "組合員は、毎年三月末日までに、会費を納めなければならない。"
    passage = Passage("p", "浜組合規約", "4", "", "", "", "", text)
    return Context("浜組合規約", (passage,), asked)


ASKED = Asked(
    "会費について正しいものはどれか。",
    False,
    "会費の納期は三月の終わりである",
    (
        "会費の納期は四月の終わりである",
        "会費を納めるかは自由である",
        "会費は組合が組合員に支払うものである",
    ),
)


def test_many_prompts_at_once_give_what_generate_gives_one_by_one(base: Path) -> None:
    model = Qwen2ForCausalLM.from_pretrained(base).eval()
    prompts = [[15, 16, 17, 18, 19, 20], [21, 22, 23], [30, 31, 32, 33, 34, 35, 36, 37, 38]]
    decoder = Decoder(model, rows=4, length=64)
    found = decoder.write(prompts, 20, end=2, temperature=0.0)
    for prompt, text in zip(prompts, found, strict=True):
        whole = model.generate(
            torch.tensor([prompt]), max_new_tokens=20, do_sample=False, eos_token_id=2
        )
        wanted = whole[0, len(prompt) :].tolist()
        assert text == (wanted[: wanted.index(2)] if 2 in wanted else wanted)
    # What follows a shared beginning is read on the keys and values that lie there.
    states = decoder.read(torch.tensor([[40, 41, 42]] * 4), 9 - 3)
    for row, prompt in enumerate(prompts):
        alone = model.model(torch.tensor([[*prompt[:-3], 40, 41, 42]])).last_hidden_state[0, -3:]
        torch.testing.assert_close(states[row], alone.detach(), atol=1e-4, rtol=1e-4)


def test_questions_come_back_from_their_tokens(base: Path) -> None:
    form = teacher.Format(AutoTokenizer.from_pretrained(base))
    wrong = Asked("誤りはどれか。", True, *("偽の文", ("真の文一", "真の文二", "真の文三")))
    assert form.parse(form.written([ASKED, wrong])[:-1]) == [ASKED, wrong]
    cut = form.written([ASKED, wrong])[:-12]
    assert form.parse(cut) == [ASKED]
    ids, places, letters = form.test([ASKED, wrong], Random(1))
    assert [ids[place + 1] for place in places] == [form.letters[four[0]] for four in letters]
    assert all(sorted(four) == [0, 1, 2, 3] for four in letters)


def test_statements_of_a_text_make_new_questions_whose_answer_holds() -> None:
    wrong = Asked(
        "会費の説明として誤っているものはどれか。",
        True,
        "会費を納める時期は定められていない",
        (
            "会費を納めることは組合員の義務である",
            "会費は一年に一度納めるものである",
            "三月中に会費を納めることができる",
        ),
    )
    case = Asked(
        "林さんの場合、正しいものはどれか。", False, "四" * 12, ("五" * 12, "六" * 12, "七" * 12)
    )
    told = reading.statements(context((ASKED, wrong, case)))
    true = {ASKED.answer, *wrong.others}
    for seed in range(20):
        new = reading.remade(ASKED, told, Random(seed))
        assert new is not None and new.answer in true and not true & {*new.others}
        new = reading.remade(wrong, told, Random(seed))
        assert new is not None and new.answer not in true and true >= {*new.others}
    assert reading.remade(case, told, Random(0)) is None


def test_only_questions_that_the_teacher_answers_as_meant_are_handed_on(tmp_path: Path) -> None:
    sure = replace(ASKED, probs=(0.9, 0.1, 0.0, 0.0))
    doubtful = Asked("問", False, "甲", ("乙", "丙", "丁"), (0.3, 0.0, 0.7, 0.0))
    path = tmp_path / "generated.jsonl.gz"
    teacher.save([context((sure, doubtful))], path)
    assert teacher.read_generated(path, 0.5) == [context((sure,))]
    assert teacher.read_generated(path, 0.1) == [context((sure, doubtful))]


def test_a_doubt_of_the_teacher_is_learnt_as_often_as_he_has_it() -> None:
    words = AutoTokenizer.from_pretrained(WEIGHTS)
    encoder = packing.Encoder(words)
    doubtful = Asked("問", False, "甲", ("乙", "丙", "丁"), (0.3, 0.0, 0.7, 0.0))
    learnt = Counter()
    for seed in range(200):
        _, (branch,), _ = next(written.trees([context((doubtful,))], encoder, Random(seed)))
        text = words.decode(branch.ids)
        letter = words.decode(branch.ids[-2:-1])
        learnt[text.split(f"\n{letter} ")[1][0]] += 1
        assert not any(branch.marks)  # who is not sure says nothing of each choice
    assert set(learnt) == {"甲", "丙"} and 40 < learnt["甲"] < 80


def test_without_the_text_any_letter_is_the_answer() -> None:
    words = AutoTokenizer.from_pretrained(WEIGHTS)
    encoder = packing.Encoder(words)
    letters = Counter()
    for seed in range(600):
        trees = written.trees([context((ASKED,))], encoder, Random(seed))
        for prefix, (branch,), text in list(trees)[1:]:
            assert prefix == encoder.prefix([]) and not text and not any(branch.marks)
            letters[words.decode(branch.ids[-2:-1])] += 1
    assert set(letters) == set("abcd") and 35 < sum(letters.values()) < 90


def test_the_teacher_runs_and_its_questions_refine_a_reader(
    base: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(packing, "ROW", 1024)
    monkeypatch.setattr(recipe, "HELD_OUT_ARTICLES", 10)
    monkeypatch.setattr(teacher, "NEW", 24)
    monkeypatch.setattr(reading, "read", lambda: [context((ASKED,))] * 2 + [_other()])
    monkeypatch.setattr(reading, "split", lambda found: (found[:2], found[2:]))
    statutes = tmp_path / "statutes.jsonl"
    lines = [json.dumps(_article(n), ensure_ascii=False) for n in range(100)]
    statutes.write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path / "taught"
    command = f"--base {base} --statutes {statutes} --out {out} --steps 2 --write 1 --rows 4"
    assert teacher.main(command.split()) == 0
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert any("held" in line for line in log) and log[-1]["saved"]

    start = tmp_path / "start"
    shape = network.Shape(hidden=128, intermediate=256, layers=4, heads=2, groups=1)
    recipe.save_full(network.Reader(shape), AutoTokenizer.from_pretrained(WEIGHTS), start)
    found = tmp_path / "found.jsonl.gz"
    teacher.save([context((replace(ASKED, probs=(0.9, 0.1, 0.0, 0.0)),))], found)
    command = (
        f"--start {start} --statutes {statutes} --out {tmp_path / 'refined'} --rows 3 --workers 2 "
        f"--generated {found} --share 1 --taught 1 --steps 2 --plain-attention "
        "--drop 0.1 --average 0.99"
    )
    assert refine.main(command.split()) == 0
    log = (tmp_path / "refined" / "log.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["saved"]
    assert (tmp_path / "refined" / "1-1-2-0.25" / "model.safetensors").exists()


def _other() -> Context:
    return Context("別の規約", context().passages, (ASKED,))


def _article(number: int) -> dict[str, object]:
    text = (
        f"届出を受けた所長は、その日から{number + 2}日以内に、審査の結果を届出者に通知しなければ"
        "ならない。ただし、届出者の承諾があるときは、この限りでない。"
    )
    return {
        "law_id": "x",
        "law": "架空届出規則",
        "article": str(number + 1),
        "label": f"第{number + 1}条",
        "caption": "（通知）",
        "headings": [],
        "paragraphs": [text],
    }
