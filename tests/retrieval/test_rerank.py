"""The reranker, with a real cross-encoder of no size and random weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lawui.data.headings import cited_articles
from lawui.data.questions import load_set
from lawui.errors import RetrievalError
from lawui.lab import Lab, Settings
from lawui.library import Library
from lawui.model.load import import_bitsandbytes
from lawui.retrieval.embedders import EMBEDDED_PATH, Embedder
from lawui.retrieval.evaluate import evaluate
from lawui.retrieval.hybrid import Searcher
from lawui.retrieval.rerank import DEPTH, Reranker

QUERY = "許可を受けなければならない者\n市長の許可\n届出\n罰則\n期間"


def _save(folder: Path, kind: str, labels: int = 1) -> Path:
    """A BERT of one layer, of class `kind`, with the embedded embedder's tokenizer."""
    import torch
    import transformers

    torch.manual_seed(0)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(EMBEDDED_PATH / "tokenizer.json"), pad_token="[PAD]", unk_token="[UNK]"
    )
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
        initializer_range=0.5,  # so that scores differ well beyond rounding
        num_labels=labels,
    )
    getattr(transformers, kind)(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import_bitsandbytes()
    return _save(tmp_path_factory.mktemp("reranker"), "BertForSequenceClassification")


@pytest.fixture(scope="module")
def reranker(model_folder: Path) -> Reranker:
    return Reranker(str(model_folder), device="cpu")


@pytest.fixture(scope="module")
def reranking(sample_index: Path, embedder: Embedder, reranker: Reranker) -> Searcher:
    return Searcher.open(sample_index, embedder, reranker=reranker)


def test_scores_are_those_of_the_cross_encoder(model_folder: Path, reranker: Reranker) -> None:
    from sentence_transformers import CrossEncoder

    passages = ["市長に届け出なければならない。", "罰金に処する。", "期間は、三十日とする。"]
    found = reranker.scores("届出の期間", passages)
    assert found.shape == (3,)
    assert found.dtype == np.float32
    theirs = CrossEncoder(str(model_folder), device="cpu", local_files_only=True).predict(
        [("届出の期間", passage) for passage in passages]
    )  # with a sigmoid
    np.testing.assert_allclose(1 / (1 + np.exp(-found)), theirs, atol=1e-5)
    assert reranker.scores("届出", []).shape == (0,)


def test_odd_texts_are_scored(reranker: Reranker) -> None:
    assert np.isfinite(reranker.scores("借" * 100_000, ["貸" * 100_000, "", "\ud800"])).all()


def test_the_first_passages_follow_the_scores(
    searcher: Searcher, reranking: Searcher, reranker: Reranker
) -> None:
    before, after = searcher.search(QUERY, DEPTH + 10), reranking.search(QUERY, DEPTH + 10)
    texts = [f"{p.citation()} {p.caption}\n{p.text}" for p in before[:DEPTH]]
    scores = reranker.scores(QUERY, texts)
    expected = [before[n] for n in np.argsort(-scores, kind="stable")]
    assert after == expected + before[DEPTH:]
    assert after[:DEPTH] != before[:DEPTH]
    assert reranking.search(QUERY, 5) == expected[:5]
    assert reranking.search("  ") == []


def test_it_is_off_unless_named(tmp_path: Path, searcher: Searcher, model_folder: Path) -> None:
    plain = Library(tmp_path, None)
    wanted = searcher.search(QUERY)
    assert [p.id for p in plain.search(QUERY)] == [p.id for p in wanted]
    named = Library(tmp_path, None, reranker=str(model_folder))
    found = [p.id for p in named.search(QUERY)]
    assert found != [p.id for p in wanted]
    question = load_set("sample", None).questions[0]
    assert named.index_id(question).startswith(plain.index_id(question) + "+")


def test_eval_and_doctor_name_it(tmp_path: Path, reranking: Searcher, model_folder: Path) -> None:
    questions = load_set("sample", None).questions[:2]
    assert evaluate(reranking, questions, cited_articles)["reranker"] == str(model_folder)
    settings = Settings(
        home=tmp_path, model="embedded", offline=True, reranker="some/cross-encoder"
    )
    assert Lab(settings).describe()["reranker"] == "some/cross-encoder"


def test_a_model_that_is_not_at_hand_is_refused_in_words(tmp_path: Path) -> None:
    import_bitsandbytes()
    library = Library(tmp_path, None, reranker="cross-encoder/no-such-model-here")
    with pytest.raises(RetrievalError, match="not at hand") as caught:
        library.search(QUERY)
    assert caught.value.key == "retrieval.reranker_missing"


@pytest.mark.parametrize("harm", ["empty", "truncated", "pickle", "not finite"])
def test_a_broken_folder_is_refused_in_words(model_folder: Path, tmp_path: Path, harm: str) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    copy = Path(shutil.copytree(model_folder, tmp_path / "copy"))
    weights = copy / "model.safetensors"
    tensors = load_file(weights)
    if harm == "truncated":
        weights.write_bytes(weights.read_bytes()[:500])
    elif harm == "not finite":
        tensors["classifier.bias"].fill_(float("nan"))
        save_file(tensors, weights, metadata={"format": "pt"})
    else:
        weights.unlink()
    if harm == "pickle":
        torch.save(tensors, copy / "pytorch_model.bin")
    with pytest.raises(RetrievalError, match="cannot be used") as caught:
        Reranker(str(copy), device="cpu").scores("届出", ["期間"])
    assert caught.value.key == "retrieval.reranker_broken"
    if harm == "pickle":
        assert "never a pickle" in caught.value.text("en")


@pytest.mark.parametrize(
    ("kind", "labels"), [("BertModel", 1), ("BertForSequenceClassification", 3)]
)
def test_a_model_without_one_trained_score_is_refused(
    tmp_path: Path, kind: str, labels: int
) -> None:
    import_bitsandbytes()
    folder = _save(tmp_path / "model", kind, labels)
    assert json.loads((folder / "config.json").read_text())["architectures"] == [kind]
    with pytest.raises(RetrievalError, match="not a cross-encoder") as caught:
        Reranker(str(folder), device="cpu").scores("届出", ["期間"])
    assert caught.value.key == "retrieval.reranker_broken"
