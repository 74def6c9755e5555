from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from lawui.errors import RetrievalError
from lawui.retrieval.embedded.recipe import Recipe, make, read_records
from lawui.retrieval.embedders import EMBEDDED_PATH, Embedder, load_embedder, prefixes
from lawui.types import Article

TINY = Recipe(vocabulary=600, dim=16, steps=8, articles_per_law=16, laws_per_batch=4)


def _records(articles: list[Article]) -> list[dict[str, object]]:
    return [asdict(article) for article in articles]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory, articles: list[Article]) -> Path:
    folder = tmp_path_factory.mktemp("models") / "multilingual-e5-tiny"
    make(_records(articles), TINY, folder)
    return folder


def test_vectors_are_unit_length_and_repeatable(embedder: Embedder) -> None:
    texts = ["借地権の存続期間", "医薬品の製造販売業の許可", "x" * 50_000]
    vectors = embedder.encode_passages(texts)
    assert vectors.shape == (3, embedder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors[:2], axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(vectors, embedder.encode_passages(texts))
    assert embedder.encode_queries([]).shape == (0, embedder.dim)


@pytest.mark.parametrize("text", ["", "　", "☃", "\ud800"])
def test_a_text_without_known_tokens_is_zeros_not_nan(embedder: Embedder, text: str) -> None:
    assert np.isfinite(embedder.encode_queries([text])).all()


def test_reworded_text_is_nearer_than_another_subject(embedder: Embedder) -> None:
    passages = embedder.encode_passages(
        [
            "借地権の存続期間は三十年とする。ただし、契約で長く定めたときは、それによる。",
            "医薬品の製造販売業の許可を受けようとする者は、申請書を厚生労働大臣に提出しなければならない。",
            "国家公務員の給与は、俸給及び諸手当とする。",
        ]
    )
    queries = embedder.encode_queries(
        ["土地を借りる契約の年数", "薬を製造して売るために必要な手続", "国の職員が受け取る賃金"]
    )
    assert (queries @ passages.T).argmax(1).tolist() == [0, 1, 2]


def test_the_embedded_weights_are_small_and_plain() -> None:
    files = [p for p in EMBEDDED_PATH.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) <= 8_000_000
    assert {p.suffix for p in files} == {".json", ".safetensors"}
    weights = load_file(EMBEDDED_PATH / "model.safetensors")["embedding.weight"]
    assert np.isfinite(weights).all()
    assert str(EMBEDDED_PATH) not in (EMBEDDED_PATH / "modules.json").read_text()


def test_the_embedded_model_loads_as_a_plain_sentence_transformer() -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(EMBEDDED_PATH), device="cpu", local_files_only=True).float()
    texts = ["建物の賃貸借", "第二十七条の二第一項のＡＢＣ", "長い文。" * 300, "☃"]
    theirs = model.encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(load_embedder().encode_queries(texts), theirs, atol=1e-5)


def test_the_embedded_model_needs_no_torch() -> None:
    code = (
        "import sys; from lawui.retrieval.embedders import load_embedder;"
        "load_embedder().encode_queries(['建物']);"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_the_recipe_is_repeatable(
    tiny_folder: Path, articles: list[Article], tmp_path: Path
) -> None:
    make(_records(articles), TINY, tmp_path / "again")
    for name in ("model.safetensors", "tokenizer.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tiny_folder / name).read_bytes()


def test_the_recipe_runs_from_a_file(tmp_path: Path, articles: list[Article]) -> None:
    source = tmp_path / "statutes.jsonl"
    lines = [json.dumps(record, ensure_ascii=False) for record in _records(articles)]
    source.write_text("\n".join(lines), encoding="utf-8")
    assert len(list(read_records(source))) == len(articles)
    command = [sys.executable, "-m", "lawui.retrieval.embedded.recipe", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "--steps" in shown


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("embedded", ("", "")),
        ("intfloat/multilingual-e5-small", ("query: ", "passage: ")),
        ("/models/multilingual-e5-base", ("query: ", "passage: ")),
        ("/multilingual-e5-small/other", ("", "")),
        ("cl-nagoya/ruri-v3-30m", ("検索クエリ: ", "検索文書: ")),
    ],
)
def test_prefixes_by_name(name: str, pair: tuple[str, str]) -> None:
    assert prefixes(name) == pair


def _transformer(folder: Path, tiny_folder: Path) -> Path:
    """An encoder of no size with e5's shape: BERT, mean pooling, normalized."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(tiny_folder / "tokenizer.json"), pad_token="[PAD]", unk_token="[UNK]"
    )
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    word = Transformer(str(folder / "bert"))
    model = SentenceTransformer(modules=[word, Pooling(16)], device="cpu")
    target = folder / "multilingual-e5-small"
    model.save_pretrained(str(target), create_model_card=False)
    return target


@pytest.mark.parametrize("kind", ["static", "transformer"])
def test_a_local_folder_gets_its_familys_prefixes(
    tiny_folder: Path, tmp_path: Path, kind: str
) -> None:
    """A real model in a folder named like an e5: its vectors are those of prefixed text."""
    from sentence_transformers import SentenceTransformer

    folder = tiny_folder if kind == "static" else _transformer(tmp_path, tiny_folder)
    plain = SentenceTransformer(str(folder), device="cpu").float()
    ours = load_embedder(str(folder), device="cpu")
    text = "届出の期間"
    for prefix, vector in (
        ("query: ", ours.encode_queries([text])),
        ("passage: ", ours.encode_passages([text])),
    ):
        expected = plain.encode([prefix + text], normalize_embeddings=True)
        np.testing.assert_allclose(vector, expected, atol=1e-5)
    assert not np.allclose(ours.encode_queries([text]), ours.encode_passages([text]))


def test_the_revision_follows_the_weights(tiny_folder: Path, tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    before = load_embedder(str(copy)).revision
    assert before == load_embedder(str(tiny_folder)).revision
    config = copy / "config_sentence_transformers.json"
    config.write_text(config.read_text() + "\n")
    assert load_embedder(str(copy)).revision != before


def test_a_model_that_is_not_at_hand() -> None:
    with pytest.raises(RetrievalError) as caught:
        load_embedder("intfloat/no-such-model-here", offline=True)
    assert caught.value.key == "retrieval.embedder_missing"


@pytest.mark.parametrize("harm", ["empty", "truncated", "pickle"])
def test_a_broken_folder(tiny_folder: Path, tmp_path: Path, harm: str) -> None:
    import shutil

    copy = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    weights = copy / "model.safetensors"
    if harm == "truncated":
        weights.write_bytes(weights.read_bytes()[:500])
    else:
        weights.unlink()
    if harm == "pickle":
        import torch

        torch.save({"embedding.weight": torch.zeros(600, 16)}, copy / "pytorch_model.bin")
    with pytest.raises(RetrievalError) as caught:
        load_embedder(str(copy))
    assert caught.value.key == "retrieval.embedder_broken"
