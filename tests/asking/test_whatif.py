"""Changes to a question and its passages: replayed, listed, stepped back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lawui.asking.whatif import Change, Trial, difference, hanging, moved
from lawui.errors import UsageError
from lawui.types import Answer, Passage, Question

QUESTION = Question(
    *("sample-001", "甲_001", "甲_001", 0, "甲", "正しいものはどれか。"),
    ("一である。", "二である。", "三である。", "四である。"),
    "c",
)


def passage(id: str, text: str = "期間は、三十年とする。", **more: object) -> Passage:
    plain = Passage(id, "甲法", "3", "1", "", "", "", text, url="https://laws.e-gov.go.jp/x")
    return replace(plain, asof="2024-12-31", single_paragraph=True, **more)  # type: ignore[arg-type]


@pytest.fixture
def trial() -> Trial:
    return Trial(QUESTION, (passage("p1"), passage("p2", "届出は、七日以内にする。")))


def test_without_changes_it_is_the_question_itself(trial: Trial) -> None:
    assert trial.asked is QUESTION and trial.passages == trial.found


def test_a_reworded_passage_is_no_law_s_any_more(trial: Trial) -> None:
    new = trial.with_text("passage", "p1", "期間は、二十年とする。")
    changed = new.passages[0]
    assert changed.altered and changed.citation() == "【改変した条文】"
    assert (changed.url, changed.asof) == ("", "")
    assert new.passages[1] == trial.found[1]
    said = new.changes[0].words("ja")
    assert "三十年" in said and "二十年" in said and "第3条" not in said
    again = new.with_text("passage", "p1", trial.found[0].text)
    assert not again.passages[0].altered and again.passages[0].url
    assert new.back().passages == trial.found


def test_the_official_answer_moves_with_its_choice_and_falls_with_the_wording(
    trial: Trial,
) -> None:
    swapped = trial.with_swap("a", "c")
    assert swapped.asked.gold == "a" and swapped.asked.choices[0] == "三である。"
    assert swapped.places == (2, 1, 0, 3) and not swapped.reworded
    reworded = swapped.with_text("choice", "a", "五である。")
    assert reworded.asked.choices[0] == "五である。" and reworded.asked.gold == ""
    assert reworded.reworded
    assert reworded.back().back().asked is QUESTION


def test_passages_are_taken_out_put_back_and_pinned(trial: Trial) -> None:
    without = trial.with_kept(["p2"])
    assert [p.id for p in without.passages] == ["p2"] and len(without.listed) == 2
    assert "甲法第3条" in without.changes[0].words("ja")
    assert without.with_kept(["p1", "p2"]).changes == ()
    pinned = without.with_pin(passage("p9", "新しい条文である。"))
    assert [p.id for p in pinned.passages] == ["p9", "p2"]
    assert [p.id for p in without.with_pin(trial.found[0]).passages] == ["p1", "p2"]
    assert [p.id for p in pinned.with_found(()).passages] == ["p9"]


def test_nothing_is_changed_into_nothing(trial: Trial) -> None:
    assert trial.with_text("stem", "", QUESTION.stem) is trial
    for bad in (
        lambda: trial.with_text("stem", "", "  "),
        lambda: trial.with_text("stem", "", "長" * 30_000),
        lambda: trial.with_text("choice", "e", "五"),
        lambda: trial.with_text("passage", "none", "五"),
        lambda: trial.with_swap("a", "a"),
        lambda: trial.with_swap("a", ""),
    ):
        with pytest.raises(UsageError):
            bad()


def test_the_old_shares_follow_their_choices() -> None:
    answer = Answer("q", (0.1, 0.2, 0.3, 0.4), "d", 1.0, "base", "none", "", 0.0)
    after = moved(answer, (0, 1, 2, 3), (3, 1, 2, 0))
    assert after.probs == (0.4, 0.2, 0.3, 0.1) and after.choice == "a"
    assert moved(after, (3, 1, 2, 0), (0, 1, 2, 3)).probs == answer.probs


def test_what_an_answer_hangs_on_stands_first() -> None:
    def answer(*probs: float) -> Answer:
        choice = "abcd"[probs.index(max(probs))]
        return Answer("q", probs, choice, 1.0, "base", "none", "", 0.0)  # type: ignore[arg-type]

    whole = answer(0.6, 0.2, 0.1, 0.1)
    rest = [("p1", answer(0.5, 0.3, 0.1, 0.1)), ("p2", answer(0.2, 0.6, 0.1, 0.1))]
    first, second = hanging(whole, rest)
    assert (first.passage, first.turns, first.choice) == ("p2", True, "b")
    assert second.moved == pytest.approx(0.1) and not second.turns


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("期間は三十年", "期間は二十年", ("期間は三十年", "期間は二十年")),
        ("あ" * 30 + "甲" + "い" * 30, "あ" * 30 + "い" * 30, None),
        ("", "新", ("", "新")),
        ("同じ", "同じ", ("同じ", "同じ")),
    ],
)
def test_a_difference_is_shown_with_what_stands_around_it(
    old: str, new: str, shown: tuple[str, str] | None
) -> None:
    found = difference(old, new)
    if shown:
        assert found == shown
    else:
        assert found == ("…" + "あ" * 6 + "甲" + "い" * 6 + "…", "…" + "あ" * 6 + "い" * 6 + "…")


def test_every_kind_of_change_has_its_words() -> None:
    for lang in ("ja", "en"):
        said = {
            Change("stem", "", "新", "旧").words(lang),
            Change("choice", "b", "新", "旧").words(lang),
            Change("swap", "ad").words(lang),
            Change("pin", "p1", passage=passage("p1")).words(lang),
        }
        assert len(said) == 4


def test_a_trial_is_kept_and_brought_back(trial: Trial) -> None:
    import json

    changed = trial.with_text("stem", "", "新しい問い。").with_pin(passage("p9")).with_kept(["p9"])
    assert Trial.from_json(json.loads(json.dumps(changed.to_json()))) == changed
