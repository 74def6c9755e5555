"""The embedded model: its weights, its recipe and the rules its questions are made by."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from lawui.model import prompts
from lawui.model.embedded import japanese as ja
from lawui.model.embedded import network, packing, recipe, tokenizer
from lawui.model.embedded.rewording import Writer, arabic, condense
from lawui.model.embedded.rules import STEMS, Nouns, Rules
from lawui.model.engine import Engine
from lawui.model.load import load
from lawui.model.packed import Group
from lawui.types import Question

WEIGHTS = Path(recipe.__file__).parent / "weights"
SAMPLE = Path(recipe.__file__).parents[2] / "data" / "sample" / "questions.json"

PARAGRAPHS = (
    "管理者は、倉庫の使用を停止しようとするときは、停止の日の十四日前までに、その旨を港湾局長に"
    "届け出なければならない。ただし、災害のため緊急の必要がある場合は、この限りでない。",
    "港湾局長は、前項の届出を受けたときは、三十日以内に、倉庫の検査をすることができる。",
    "検査員は、検査の結果を管理者に通知しなければならない。",
    "何人も、管理者の許可を受けないで、倉庫に危険物を持ち込んではならない。",
    "管理者は、次に掲げる事項を記載した帳簿を三年間保存しなければならない。\n"
    "一　貨物の名称及び数量\n二　貨物を預けた者の氏名\n三　搬入及び搬出の年月日\n四　料金の額",
    "利用者は、料金の全部又は一部を前払することができる。",
)


def _articles(count: int = 60) -> list[dict]:
    """Articles of an invented law, three paragraphs each, the numbers all different."""
    rng = Random(0)
    made = []
    for number in range(1, count + 1):
        picked = rng.sample(PARAGRAPHS, 3)
        days = ja.kanji_number(rng.randrange(2, 99))
        texts = [p.replace("十四日", days + "日") for p in picked]
        made.append(
            {"law": "倉庫利用規則", "article": str(number), "caption": "使用", "paragraphs": texts}
        )
    return made


@pytest.fixture(scope="module")
def words():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(WEIGHTS)


@pytest.fixture(scope="module")
def rules() -> Rules:
    articles = _articles()
    return Rules(articles, Nouns(["".join(a["paragraphs"]) for a in articles]))


@pytest.fixture(scope="module")
def made(rules: Rules):
    rng = Random(1)
    found = []
    while len(found) < 600:
        scene = rules.scene(rng)
        if scene is not None:
            found += [(scene, m) for m in packing.questions(rules, scene, rng)]
    return found


# ---------------------------------------------------------------- language


@pytest.mark.parametrize("value", [1, 10, 11, 20, 99, 100, 365, 1000, 10_000, 123_456, 300_000_000])
def test_numbers_come_back(value: int) -> None:
    assert ja.parse_number(ja.kanji_number(value)) == value


@pytest.mark.parametrize(
    ("kanji", "digits"),
    [
        ("三十日以内", "30日以内"),
        ("三月以内", "3か月以内"),
        ("三分の一以上", "3分の1以上"),
        ("一部の五十万円", "一部の50万円"),
        ("第二十七条の二", "第27条の2"),
    ],
)
def test_numerals_are_written_in_digits(kanji: str, digits: str) -> None:
    assert arabic(kanji) == digits


@pytest.mark.parametrize(
    ("verb", "negative", "te", "passive", "polite"),
    [
        ("提出する", "提出し", "提出して", "提出される", "提出し"),
        ("行う", "行わ", "行って", "行われる", "行い"),
        ("受ける", "受け", "受けて", "受けられる", "受け"),
        ("命ずる", "命じ", "命じて", "命じられる", "命じ"),
        ("取り消す", "取り消さ", "取り消して", "取り消される", "取り消し"),
        ("置く", "置か", "置いて", "置かれる", "置き"),
    ],
)
def test_verbs_are_inflected(verb: str, negative: str, te: str, passive: str, polite: str) -> None:
    assert ja.negative_stem(verb) == negative
    assert ja.te_form(verb) == te
    assert ja.passive(verb) == passive
    assert ja.polite_stem(verb) == polite
    assert ja.from_negative_stem(negative) == verb


def test_a_proviso_states_the_opposite_under_its_condition() -> None:
    main, proviso, excepted = ja.propositions(PARAGRAPHS[0], 0)
    assert (main.modality, proviso.modality, excepted.modality) == ("must", "need_not", "must")
    assert "災害のため緊急の必要がある場合には" in proviso.chunks
    assert "災害のため緊急の必要がある場合を除き" in excepted.chunks


def test_word_for_word_is_the_rule_itself() -> None:
    (rule,) = ja.propositions(PARAGRAPHS[5], 0)
    texts = {Writer().write(rule, Random(n), strength=0.0) for n in range(40)}
    assert "利用者は、料金の全部又は一部を前払することができる" in texts
    assert len({Writer().write(rule, Random(n), strength=1.0) for n in range(40)}) > 15


def test_held_out_words_are_not_those_of_training() -> None:
    (rule,) = ja.propositions(PARAGRAPHS[2], 0)
    seen = {Writer().write(rule, Random(n), 1.0) for n in range(300)}
    other = {Writer(held_out=True).write(rule, Random(n), 1.0) for n in range(300)}
    assert len(other - seen) > 5


def test_the_gist_keeps_topic_and_numbers() -> None:
    rule = ja.propositions(PARAGRAPHS[1], 0)[0]
    for seed in range(30):
        text = condense(rule, Random(seed)).plain()
        assert "三十日以内に" in text
        assert text.startswith("港湾局長は")


# ---------------------------------------------------------------- questions


def test_each_question_has_one_answer_and_four_different_choices(made) -> None:
    for _, question in made:
        assert len(set(question.choices)) == 4
        odd = question.truth[question.gold]
        assert sum(t == odd for t in question.truth) == 1


def test_the_answer_has_no_favourite_place_and_no_favourite_length(made) -> None:
    places = Counter(m.gold for _, m in made)
    assert all(100 <= places[n] <= 200 for n in range(4))
    longest = sum(max(range(4), key=lambda i, m=m: len(m.choices[i])) == m.gold for _, m in made)
    assert longest / len(made) < 0.38


def test_a_true_statement_is_not_also_offered_as_false(made) -> None:
    for scene, question in made:
        known = {Writer().write(r, Random(0), 0.0) for r in scene.rules}
        for choice, true in zip(question.choices, question.truth, strict=True):
            if question.kind == "statements" and not true:
                assert choice.rstrip("。") not in known


def test_a_seed_gives_the_same_questions(rules: Rules) -> None:
    def draw() -> list:
        rng = Random(3)
        scenes = [rules.scene(rng) for _ in range(20)]
        return [packing.questions(rules, s, rng) for s in scenes if s is not None]

    assert draw() == draw()


@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample's questions are not there yet")
def test_no_stem_is_shared_with_the_sample() -> None:
    samples = json.loads(SAMPLE.read_text(encoding="utf-8"))["samples"]
    stems = {s["問題文"] for s in samples}
    for stem in (s for group in STEMS.values() for s in group):
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(stem)))
        assert not [s for s in stems if pattern.search(s)], stem


# ---------------------------------------------------------------- tokens


def test_a_branch_is_the_very_prompt_that_serving_renders(words, made) -> None:
    encoder = packing.Encoder(words)
    for scene, m in made[:80]:
        branch = encoder.branch(m, m.gold, known=True)
        question = Question("", "", "", 0, "", m.stem, m.choices, "")
        for passages in (scene.passages, []):
            rendered = prompts.render(words, question, passages)
            assert (*encoder.prefix(passages), *branch.ids[:-2]) == rendered.token_ids
        assert tuple(branch.ids[-2:]) == prompts.answer_ids(words, "abcd"[m.gold])
        assert branch.counts.count(packing.LETTER) == 1
        assert branch.counts[-3] == packing.LETTER
        assert [mark == packing.TRUE for mark in branch.marks if mark] == list(m.truth)


def test_tokens_come_back_as_text(words) -> None:
    text = "第二十七条の二　ＡＢＣ🙂龘\n\n(注) 三十日、30日"
    assert words.decode(words(text)["input_ids"]) == text
    assert words.convert_ids_to_tokens(words("三十")["input_ids"]) == words.tokenize("三") + (
        words.tokenize("十")
    )


def test_the_same_texts_train_the_same_tokenizer() -> None:
    texts = ["".join(a["paragraphs"]) for a in _articles(20)] * 3
    one, two = (tokenizer.train(texts, 700).get_vocab() for _ in range(2))
    assert one == two
    assert len(one) <= 700


# ---------------------------------------------------------------- network


def test_a_tree_gives_what_each_prompt_alone_gives_in_transformers(
    words, rules, monkeypatch
) -> None:
    import torch

    monkeypatch.setattr(packing, "ROW", 1024)
    shape = network.Shape(len(words), hidden=128, intermediate=128, layers=3, heads=2, groups=1)
    reader = network.Reader(shape, seed=1)
    with torch.no_grad():
        for bias in (reader.q_bias, reader.k_bias, reader.v_bias, reader.norm_1, reader.norm_2):
            bias.add_(torch.randn(bias.shape) * 0.1)
    model = network.to_qwen2(reader, end=2, padding=0).eval()
    row = next(packing.rows(rules, packing.Encoder(words), Random(2)))
    t = {k: torch.from_numpy(v).long()[None] for k, v in row.items()}
    mask = network.tree_mask(t["tree"], t["branch"])
    hidden, _ = reader(t["ids"], t["positions"], mask, False, network.block, torch.float32)
    logits = hidden @ reader.embed.T
    first = t["tree"][0] == 1
    shared = t["ids"][0][first & (t["branch"][0] == 0)]
    for branch in range(1, int(t["branch"][0][first].max()) + 1):
        here = first & (t["branch"][0] == branch)
        alone = model(torch.cat([shared, t["ids"][0][here]])[None]).logits[0, len(shared) :]
        torch.testing.assert_close(logits[0][here], alone, atol=2e-5, rtol=1e-4)


def test_training_in_four_bits_rounds_as_bitsandbytes_does() -> None:
    import torch
    from bitsandbytes import functional

    weight = torch.randn(128, 192) * 0.1
    packed, state = functional.quantize_4bit(weight, blocksize=64, quant_type="nf4")
    torch.testing.assert_close(network.fake_nf4(weight), functional.dequantize_4bit(packed, state))


def test_the_recipe_runs_from_statutes_to_a_model(tmp_path: Path, monkeypatch) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    monkeypatch.setattr(packing, "ROW", 1024)
    monkeypatch.setattr(recipe, "HELD_OUT_ARTICLES", 10)
    statutes = tmp_path / "statutes.jsonl"
    lines = [json.dumps(a, ensure_ascii=False) for a in _articles(100)]
    statutes.write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path / "out"
    command = f"--statutes {statutes} --out {out} --steps 2 --rows 1 --workers 1 --tiny"
    assert recipe.main(command.split()) == 0
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert log[-1]["saved"]
    words = AutoTokenizer.from_pretrained(out / "weights")
    model = AutoModelForCausalLM.from_pretrained(out / "weights")
    assert model.config.quantization_config.bnb_4bit_use_double_quant
    assert len(prompts.letter_ids(words)) == 4


# ---------------------------------------------------------------- what is shipped


def test_the_shipped_files_are_small_safe_and_whole() -> None:
    files = {f.name: f.stat().st_size for f in WEIGHTS.iterdir()}
    assert sum(files.values()) <= 20_000_000
    assert max(files.values()) < 9_000_000
    assert {Path(n).suffix for n in files} <= {".json", ".safetensors"}
    config = json.loads((WEIGHTS / "config.json").read_text())
    assert config["architectures"] == ["Qwen2ForCausalLM"]
    assert "auto_map" not in config
    assert config["quantization_config"]["bnb_4bit_quant_type"] == "nf4"
    template = json.loads((WEIGHTS / "tokenizer_config.json").read_text())["chat_template"]
    assert template == tokenizer.CHAT_TEMPLATE


def test_the_shipped_model_speaks_the_format_and_reads_rules_it_never_saw(words, made) -> None:
    engine = Engine(load())  # which changes the model's steps: no other test's
    chosen = [(s, m) for s, m in made if m.kind in ("statements", "number", "who")][:40]
    right = {True: 0, False: 0}
    mass: list[float] = []
    for given in right:
        asked = [
            prompts.render(
                words,
                Question("", "", "", 0, "", m.stem, m.choices, ""),
                scene.passages if given else (),
            ).token_ids
            for scene, m in chosen
        ]
        for start in range(0, len(asked), 10):
            batch = asked[start : start + 10]
            groups = [Group((row,), 0) for row in range(len(batch))]
            probs, letters, layout = engine.compute(groups, batch, [None] * len(batch))
            mass += letters.tolist()
            for row, letter in zip(layout.rows, probs.argmax(-1).tolist(), strict=True):
                right[given] += letter == chosen[start + row][1].gold
    assert sorted(mass)[len(mass) // 2] > 0.9
    assert right[True] / len(chosen) > 0.55
    assert right[False] / len(chosen) < 0.45
