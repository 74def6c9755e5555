"""What a reader takes home: nothing unseen in it, nothing that runs, citations in legal form."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import docx
import pytest

from lawui.asking.whatif import Hanging, Trial
from lawui.errors import UsageError
from lawui.readers.store import Store
from lawui.readers.visits import Visits, entry
from lawui.readers.visits.html import to_html
from lawui.readers.visits.record import revealed
from lawui.readers.visits.text import to_text
from lawui.readers.visits.word import to_word
from lawui.types import Answer, Passage, Question

EVIL = "<script>document.title='run'</script>{{ 7*7 }}\x00"
QUESTION = Question(
    *("sample-001", "甲_001", "甲_001", 0, "甲"),
    "正しいものはどれか。" + EVIL,
    ("一である。", "二である。", "三である。", "四である。"),
    "c",
)
URL = "https://laws.e-gov.go.jp/law/000#Mp-At_3"


def passage(id: str, article: str, text: str) -> Passage:
    plain = Passage(id, "甲法", article, "1", "3", "", "", text, url=URL, asof="2024-12-31")
    return replace(plain, caption="期間")


@pytest.fixture
def seen() -> dict[str, Any]:
    trial = Trial(QUESTION, (passage("p1", "3", "期間は三十年。"), passage("p2", "27_2", "届出。")))
    trial = trial.with_text("passage", "p1", "期間は二十年。" + EVIL)
    answer = Answer("sample-001", (0.1, 0.2, 0.6, 0.1), "c", 1.0, "甲号", "retrieved", "sha", 0.1)
    before = replace(answer, probs=(0.7, 0.1, 0.1, 0.1), choice="a")
    hangs = (Hanging("p2", "a", 0.3, True), Hanging("p1", "c", 0.1, False))
    made = entry(
        *(trial, answer),
        model="小さなモデル",
        shown=trial.passages,
        orders=(answer, answer, answer, before),
        before=before,
        hangs=hangs,
    )
    reason = [["届出が必要である。", True], ["これは自明である。", False]]
    return {**made, "reason": reason}


def plain_word(entries: list[dict[str, Any]], lang: str) -> str:
    document = docx.Document(io.BytesIO(to_word(entries, lang)))
    cells = [c.text for t in document.tables for row in t.rows for c in row.cells]
    return "\n".join([*(p.text for p in document.paragraphs), *cells])


def test_each_file_says_what_was_asked_what_was_answered_and_by_whom(
    seen: dict[str, Any],
) -> None:
    for text in (to_text(seen, "ja"), to_html([seen], "ja"), plain_word([seen], "ja")):
        for words in (
            *("sample-001", "正しいものはどれか。", "三である。", "モデルの答え：c", "60 %"),
            *("4 回のうち 3 回が c", "甲法第27条の2第1項第3号", "期間は二十年。"),
            *("小さなモデル", "甲号", "検索した条文", "2024-12-31 時点の条文"),
            *("三十年", "届出が必要である。", "これは自明である。〔根拠の条文なし〕"),
        ):
            assert words in text
        assert text.count("法的助言ではありません") == 1


def test_a_reworded_passage_is_cited_and_linked_nowhere(seen: dict[str, Any]) -> None:
    for text in (to_text(seen, "ja"), to_html([seen], "ja"), plain_word([seen], "ja")):
        assert "【改変した条文】" in text
        assert "甲法第3条" not in text
        assert URL in text  # of the other passage
    alone = {**seen, "passages": seen["passages"][:1], "hangs": []}
    for text in (to_text(alone, "en"), to_html([alone], "en"), plain_word([alone], "en")):
        assert "【改変した条文】" in text
        assert "e-gov" not in text and "2024-12-31" not in text and "期間）" not in text


def test_a_passage_of_which_the_model_saw_the_beginning_alone_says_so(
    seen: dict[str, Any],
) -> None:
    cut = {**seen, "passages": [seen["passages"][0], {**seen["passages"][1], "shortened": True}]}
    for lang, words in (("ja", "途中まで見せた"), ("en", "only its beginning was shown")):
        for write in (to_text, lambda e, x: to_html([e], x), lambda e, x: plain_word([e], x)):
            assert write(cut, lang).count(words) == 1 and words not in write(seen, lang)


def test_the_official_answer_is_in_no_file_before_it_was_asked_for(seen: dict[str, Any]) -> None:
    assert "公式の正解" not in to_html([seen], "ja")
    assert "公式の正解：c" in to_html([revealed(seen, "c")], "ja")


def test_no_figure_stands_where_the_model_cannot_tell(seen: dict[str, Any]) -> None:
    unsure = {**seen, "before": None, "answer": {**seen["answer"], "cannot_tell": True}}
    for text in (to_text(unsure, "ja"), to_html([unsure], "ja"), plain_word([unsure], "ja")):
        assert "見分けがつきません" in text and "60 %" not in text


def test_nothing_in_the_page_runs(seen: dict[str, Any]) -> None:
    html = to_html([seen], "en")
    assert "<script" not in html and "&lt;script&gt;" in html and "{{ 7*7 }}" in html
    other = {**seen["passages"][0], "url": "javascript:alert(1)"}
    assert "<a " not in to_html([{**seen, "passages": [other]}], "en")


def test_a_visit_is_kept_amended_and_seen_by_its_own_reader(
    tmp_path: Path, seen: dict[str, Any]
) -> None:
    visits = Visits(Store(tmp_path / "readers.sqlite3"))
    one, other = visits.new(), visits.new()
    assert one != other and visits.entries(one, "") == []
    number = visits.add(one, "hanako", seen)
    visits.amend(one, "hanako", number, {**seen, "own": "b"})
    visits.amend(one, "taro", number, {**seen, "own": "d"})
    assert [e["own"] for e in visits.entries(one, "hanako")] == ["b"]
    assert visits.entries(one, "taro") == visits.entries(other, "hanako") == []
    assert "自分の答え：b" in visits.export(one, "hanako", "html", "ja").decode()
    assert visits.export(one, "hanako", "docx", "en").startswith(b"PK")
    for bad in (
        lambda: visits.export(one, "hanako", "pdf", "ja"),
        lambda: visits.export(other, "hanako", "html", "ja"),
    ):
        with pytest.raises(UsageError):
            bad()
    visits.clear(one, "hanako")
    assert visits.entries(one, "hanako") == []
