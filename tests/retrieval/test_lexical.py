from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lawui.retrieval.lexical import K1, B, Lexical, bigrams, fold

TEXTS = [
    "借地権の存続期間は三十年とする。ただし、契約で長く定めたときは、それによる。",
    "当事者が借地契約を更新する場合においては、その期間は、更新の日から十年とする。",
    "建物の賃貸借は、その登記がなくても、建物の引渡しがあつたときは、効力を生ずる。",
    "",
]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("第二十七条の二", "第２７条の２"),
        ("三分の一", "3分の1"),
        ("あつた", "あった"),
        ("１，０００万円", "1000万円"),
        ("ＡＢＣ", "abc"),
        ("正しい、ものを", "正しい　ものを"),
    ],
)
def test_the_same_thing_written_otherwise(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_no_bigram_across_a_sign() -> None:
    assert len(bigrams("借地、建物")) == 2
    assert len(bigrams("")) == 0
    assert len(bigrams("、。")) == 0


def test_scores_equal_bm25s_own_index() -> None:
    """The array-wise index holds the numbers that bm25s computes token by token."""
    from bm25s import BM25

    reference = BM25(k1=K1, b=B, method="lucene")
    reference.index([[str(code) for code in bigrams(text)] for text in TEXTS], show_progress=False)
    codes = np.unique(bigrams("借地権の期間は三十年か"))
    known = [str(code) for code in codes if str(code) in reference.vocab_dict]
    expected = reference.get_scores(known)
    assert expected.max() > 0
    np.testing.assert_allclose(Lexical.build(TEXTS).scores(codes), expected, rtol=1e-5)


def test_parts_are_scored_as_if_alone() -> None:
    index = Lexical.build(TEXTS)
    parts = [bigrams("借地権の存続期間"), bigrams("借地権の更新"), bigrams("建物")]
    for part, scores in zip(parts, index.scores_of_parts(parts), strict=True):
        np.testing.assert_allclose(scores, index.scores(part), rtol=1e-5, atol=1e-6)


def test_a_saved_index_scores_the_same(tmp_path: Path) -> None:
    built = Lexical.build(TEXTS)
    built.save(tmp_path)
    opened = Lexical.open(tmp_path)
    codes = bigrams("建物の引渡し")
    np.testing.assert_array_equal(built.scores(codes), opened.scores(codes))
    assert int(np.argmax(opened.scores(codes))) == 2


def test_chunks_do_not_change_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = bigrams("借地契約の更新")
    whole = Lexical.build(TEXTS).scores(codes)
    monkeypatch.setattr("lawui.retrieval.lexical.CHUNK", 1)
    np.testing.assert_allclose(Lexical.build(TEXTS).scores(codes), whole, rtol=1e-6)


@pytest.mark.parametrize("texts", [[], [""], ["、"]])
def test_nothing_to_score(texts: list[str], tmp_path: Path) -> None:
    Lexical.build(texts).save(tmp_path)
    assert not Lexical.open(tmp_path).scores(bigrams("借地")).any()


def test_jax_where_it_is_installed_is_kept_off_the_card(tmp_path: Path) -> None:
    """As it would be found: bm25s starts it when it is imported."""
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "__init__.py").write_text("")
    (tmp_path / "jax" / "lax.py").write_text(
        "import os\nprint(os.environ.get('JAX_PLATFORMS'))\ntop_k = lambda *_: None\n"
    )
    code = "from lawui.retrieval.lexical import Lexical; Lexical.build(['甲乙'])"
    paths = os.pathsep.join((str(tmp_path), os.environ["PYTHONPATH"]))
    environment = {k: v for k, v in os.environ.items() if k != "JAX_PLATFORMS"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "PYTHONPATH": paths},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["cpu"]
