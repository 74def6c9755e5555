"""`bench quality` on the sample set and the embedded model: two folds, few steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lawui.__main__ import main
from lawui.bench import quality as bench_quality
from lawui.bench.quality import evidence, figures, folds, variants
from lawui.bench.quality.bases import Bases
from lawui.bench.quality.study import Study
from lawui.data import questions as data
from lawui.data import reading
from lawui.data.headings import cited_articles
from lawui.errors import UsageError
from lawui.model import adapters
from lawui.types import EVIDENCES, UNTOLD, AdapterInfo, Question
from tests.training.conftest import make_tiny_base


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quality")


@pytest.fixture(scope="module")
def tiny(folder: Path) -> str:
    return str(make_tiny_base(folder / "tiny"))


@pytest.fixture(scope="module")
def few(folder: Path) -> Iterator[evidence.Evidence]:
    """Some of the sample's questions in two orders, everything resolved as ever."""
    from lawui.lab import Lab, Settings

    lab = Lab(Settings(home=folder / "home", model="embedded", offline=True))
    whole = data.load_set("sample", None)
    groups = sorted({q.group for q in whole.questions})[:5]
    kept = (q for q in whole.questions if q.group in groups and q.order < 2)
    small = replace(whole, questions=tuple(kept))
    lab.questions = lambda name: small  # type: ignore[method-assign]
    evidence.prepare(lab, "sample", folder / "results", 20, None)
    lab.close()
    yield evidence.read(folder / "results")


def bench(
    folder: Path, model: str, capsys: pytest.CaptureFixture[str], *more: str
) -> dict[str, Any]:
    assert main(words(folder, model, *more)) == 0
    out, _ = capsys.readouterr()
    assert out.count("\n") == 1
    found: dict[str, Any] = json.loads(out)
    return found


def words(folder: Path, model: str, *more: str) -> list[str]:
    common = ["--home", str(folder / "home"), "--model", model, "--offline", "bench", "quality"]
    short = ["--folder", str(folder / "results"), "--folds", "2", "--steps", "2", "--json"]
    return [*common, *short, "--seeds", "1", *more]


def test_what_is_shown_is_what_the_lab_shows(few: evidence.Evidence) -> None:
    question = few.questions[0]
    assert not few.shown(question, "none") and few.shown(question, "given")
    own = cited_articles(question)
    given = [p.text for p in few.shown(question, "given")]
    shown = few.shown(question, "distractors")
    others = [p for p in shown if p.text not in given]
    assert others and len(others) + len(given) == len(shown)
    assert not {(p.law, p.article) for p in others} & own
    assert len(few.made) == 20
    for one in few.made:
        assert one.passages and len(set(one.question.choices)) == 4
        assert one.articles == {(p.law, p.article) for p in one.passages}


def test_the_embedded_model_goes_through_all_of_it(
    folder: Path, few: evidence.Evidence, capsys: pytest.CaptureFixture[str]
) -> None:
    found = bench(folder, "embedded", capsys, "--fold-kind", "group", "--steps", "1")
    assert found["complete"] and found["trainings"] == 4
    assert [(r["variant"], r["evidence"]) for r in found["rows"]] == [
        ("mixed", kind) for kind in EVIDENCES
    ]
    for row in found["rows"]:
        assert row["questions"] == len(few.questions) and row["leaks"] == 0
        assert row["steps"] == [1, 1] and row["skipped"] == 0
        assert row["averaged"]["low"] <= row["averaged"]["mean"] <= row["averaged"]["high"]
        assert len(row["against_base"]["p_values"]) == 1
        assert row["calibrated"]["temperature"]["ece"] >= 0
        assert sum(row["letters"].values()) == pytest.approx(1)
        assert row["majority_baseline"] and row["overlap_baseline"]
    assert found["machine"]["versions"]["peft"] and found["targets"] == []
    text = Path(found["page"]).read_text()
    for heading in ("## Accuracy", "## Doubt and letters", "## What was chosen"):
        assert heading in text
    assert few.questions[0].stem[:12] not in text


def test_the_bench_goes_on_where_it_was_killed(
    folder: Path,
    tiny: str,
    few: evidence.Evidence,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, left = Bases.train, [3]

    def dying(self: Bases, *arguments: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return train(self, *arguments)

    monkeypatch.setattr(Bases, "train", dying)
    asked = ("--variant", "mixed", "--variant", "synthetic", "--fold-kind", "group")
    assert main(words(folder, tiny, *asked)) == 130
    capsys.readouterr()
    left[0] = 1000
    found = bench(folder, tiny, capsys, *asked)
    # Two variants × two folds × (one to choose, one to be scored), three of them done before.
    assert found["trainings"] == 8 - 3 and found["complete"]
    assert [r["variant"] for r in found["rows"]] == ["mixed"] * 3 + ["synthetic"] * 3
    assert bench(folder, tiny, capsys, *asked)["trainings"] == 0
    leaky = bench(folder, tiny, capsys, "--fold-kind", "source", "--minutes", "9")
    assert leaky["rows"][0]["folds"] == "source" and leaky["rows"][0]["leaks"] > 0
    late = bench(folder, tiny, capsys, "--fold-kind", "article", "--minutes", "0.00001")
    assert not late["complete"] and late["trainings"] == 0 and not late["rows"]


def test_one_base_trains_one_adapter_after_another(
    folder: Path, tiny: str, few: evidence.Evidence
) -> None:
    """The base is given back as it was: the same settings give the same losses again."""
    bases = Bases(tiny, few)
    mixed = variants.chosen(["mixed"], False, 3)[0]
    examples = bases.examples(few.questions[:8], ("given",), mixed)
    losses = [
        bases.train(folder / f"again-{n}", examples, (), replace(mixed.config, lora_r=rank))
        for n, rank in enumerate((4, 8, 4))
    ]
    assert losses[0].train_loss == pytest.approx(losses[2].train_loss, rel=1e-6)
    assert [trained.info.rank for trained in losses] == [4, 8, 4]
    assert {trained.info.fault for trained in losses} == {""}


@pytest.mark.parametrize("kind", folds.KINDS)
def test_folds_score_everything_once_and_choose_inside(kind: str) -> None:
    questions = data.load_set("sample", None).questions
    found = folds.folds(questions, kind, 5)
    assert sorted(q.id for f in found for q in f.scored) == sorted(q.id for q in questions)
    for fold in found:
        ids = {q.id for q in fold.scored}
        assert not ids & {q.id for q in fold.training}
        assert {q.id for q in fold.choosing} | {q.id for q in fold.dev} == {
            q.id for q in fold.training
        }
        assert not {q.id for q in fold.choosing} & {q.id for q in fold.dev} and fold.dev
        assert bool(folds.leaks(fold)) == (kind == "source")
        if kind == "article":
            learned = {a for q in fold.training for a in cited_articles(q)}
            assert not learned & {a for q in fold.scored for a in cited_articles(q)}


def test_an_adapter_is_not_scored_on_a_group_that_it_saw() -> None:
    questions = data.load_set("sample", None).questions
    fold = folds.folds(questions, "group", 5)[0]

    def refused(fold: folds.Fold, groups: tuple[str, ...]) -> bool:
        info = AdapterInfo("one", "", "", "", 4, 8.0, (), trained_groups=groups)
        try:
            folds.check(fold, info)
        except UsageError as error:
            return error.key == "usage.bench_seen"
        return False

    learned = tuple({q.group for q in fold.training})
    assert not refused(fold, learned)
    assert refused(fold, (*learned, fold.scored[0].group)) and refused(fold, ())
    assert refused(fold, (*learned, UNTOLD)), "it goes on from what tells nothing"
    leaky = folds.folds(questions, "source", 5)[0]
    assert not refused(leaky, tuple({q.group for q in leaky.training}))
    assert refused(replace(leaky, scored=leaky.training[:1]), ("any",))


def test_made_questions_never_tell_what_is_asked(few: evidence.Evidence) -> None:
    bases = Bases.__new__(Bases)
    bases.evidence = few
    asked: list[Question] = []
    kept: list[str] = []
    bases._encode = lambda row, *_: kept.append(row.question.id)  # type: ignore[method-assign]
    bases.made(variants.VARIANTS["synthetic"], asked)
    everything = len(kept)
    law, article = sorted(few.made[0].articles)[0]
    told = f"### {law}\n#### 第{article}条\n本文"
    asked = [replace(few.questions[0], given_context=told)]
    if cited_articles(asked[0]) != {(law, article)}:
        asked = [q for q in few.questions if cited_articles(q) & few.made[0].articles]
    kept.clear()
    bases.made(variants.VARIANTS["synthetic"], asked)
    assert everything == 20 and few.made[0].question.id not in kept


def test_a_temperature_and_the_weight_of_letters() -> None:
    sure = [[0.97, 0.01, 0.01, 0.01]] * 4
    assert (
        figures.fit_temperature(sure, [0, 0, 0, 0])
        < 1
        < figures.fit_temperature(sure, [0, 1, 2, 3])
    )
    weight = figures.letter_weight([[0.4, 0.2, 0.2, 0.2], [0.6, 0.2, 0.1, 0.1]])
    assert weight[0] == max(weight)


def test_a_point_of_the_grid_is_a_variant_of_its_own() -> None:
    first = variants.chosen(["mixed"], True, 30)[0]
    assert len(first.grid) == 7 and first.at(first.grid[6]).wording == "strict"
    assert first.config.max_steps_override == 30
    reads = variants.chosen(["presets"], False, 30)[0].reads
    assert reads and reads.max_steps_override == 30 and not reads.load_best_model_at_end
    one = first.at(first.grid[1])
    assert one.config.learning_rate == 1e-4 and "distractors" in one.config.evidence_mix
    assert len({v.sha for v in variants.VARIANTS.values()}) == len(variants.VARIANTS)


def test_the_headline_comes_first_and_then_a_seed_of_everything(few: evidence.Evidence) -> None:
    parts = folds.folds(few.questions, "group", 2)
    one, other, third = variants.chosen(["presets", "presets-60", "mixed"], False)
    found = bench_quality._in_order(
        [(parts, one, [0, 1]), (parts, other, [0, 1]), (parts, third, [0])]
    )
    told = [(fold.number, variant.name, seed) for fold, variant, seed in found]
    assert told == [
        *((fold, "presets", seed) for seed in (0, 1) for fold in (0, 1)),
        *((fold, name, 0) for name in ("presets-60", "mixed") for fold in (0, 1)),
        *((fold, "presets-60", 1) for fold in (0, 1)),
    ]


def test_the_headline_is_the_first_variant_and_not_the_luckiest() -> None:
    cells = [
        {"folds": "group", "evidence": "given", "variant": name, "averaged": {"mean": mean}}
        for name, mean in (("mixed", 0.58), ("lucky", 0.76))
    ]
    told = figures.targets(cells, "mixed")
    assert [(t["mean"], t["reached"], t["aimed"]) for t in told] == [(0.58, False, False)]


def test_reading_comes_first_and_is_learnt_once(
    folder: Path,
    tiny: str,
    few: evidence.Evidence,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exercises = tuple(reading.questions(reading.read()[:80]))
    small = replace(reading.question_set(), questions=exercises)
    monkeypatch.setattr(reading, "question_set", lambda: small)
    begun: list[str] = []
    train = Bases.train

    def watched(self: Bases, path: Path, *arguments: Any) -> Any:
        begun.append(f"{path.name} < {arguments[2].start_from}")
        return train(self, path, *arguments)

    monkeypatch.setattr(Bases, "train", watched)
    asked = ("--variant", "presets", "--variant", "reading-alone", "--fold-kind", "group")
    found = bench(folder, tiny, capsys, *asked)
    (first,) = [name for name in begun if name.startswith("reading-")]
    name = first.split(" ")[0]
    assert first == f"{name} < " and all(one.endswith(f"< {name}") for one in begun[1:])
    rows = {row["variant"]: row for row in found["rows"] if row["evidence"] == "given"}
    less = found["less_the_first"]["reading-alone"]["given"]["mean"]
    both = [rows[name]["averaged"]["mean"] for name in ("presets", "reading-alone")]
    assert less == pytest.approx(both[1] - both[0]) and "presets" not in found["less_the_first"]
    assert "## One thing changed" in Path(found["page"]).read_text("utf-8")
    assert rows["reading-alone"]["steps"] == [2, 2] and rows["presets"]["questions"] == len(
        few.questions
    )


def test_a_reader_that_train_made_is_gone_on_from(
    folder: Path,
    tiny: str,
    few: evidence.Evidence,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And one that the preset did not make, or that saw what is asked, is refused."""
    exercises = tuple(reading.questions(reading.read()[:80]))
    small = replace(reading.question_set(), questions=exercises)
    monkeypatch.setattr(reading, "question_set", lambda: small)
    home = folder / "home"
    train = ["--home", str(home), "--model", tiny, "--offline", "train", "--wait", "--json"]
    train += ["--preset", "reading"]
    assert main([*train, "--output-dir", "first", "--seed", "3"]) == 0
    assert main([*train, "--output-dir", "other", "--learning-rate", "1e-4"]) == 0
    capsys.readouterr()
    begun: list[tuple[str, str]] = []
    learn = Bases.train

    def watched(self: Bases, path: Path, *arguments: Any) -> Any:
        begun.append((path.name, arguments[2].start_from))
        return learn(self, path, *arguments)

    monkeypatch.setattr(Bases, "train", watched)
    asked = ("--variant", "presets", "--fold-kind", "group")
    found = bench(folder, tiny, capsys, *asked, "--reader", "first")
    first = adapters.read_adapter(home / "adapters" / "first")
    assert {start for _, start in begun} == {f"reading-{first.weights_sha[:8]}"}
    assert not any(name.startswith("reading-") for name, _ in begun), "no first stage of its own"
    told = found["reader"]
    assert (told["name"], told["weights_sha"], told["seed"]) == ("first", first.weights_sha, 3)
    assert told["kept_step"] > 1
    assert first.weights_sha in Path(found["page"]).read_text("utf-8")
    assert main(words(folder, tiny, *asked, "--reader", "other")) != 0
    _, said = capsys.readouterr()
    assert "learning_rate" in said and "seed" not in said.split("learning_rate")[1]


def test_a_first_stage_is_asked_in_the_usual_words_whatever_comes_after(
    folder: Path, tiny: str, few: evidence.Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lawui.model import prompts

    exercises = tuple(reading.questions(reading.read()[:40]))
    small = replace(reading.question_set(), questions=exercises)
    monkeypatch.setattr(reading, "question_set", lambda: small)
    study = Study(folder / "worded", Bases(tiny, few))
    usual, asked = prompts.INSTRUCTION, list[tuple[str, str]]()
    train = study.bases.train

    def watched(*arguments: Any) -> Any:
        asked.append((arguments[0].name, prompts.INSTRUCTION))
        return train(*arguments)

    study.bases.train = watched  # type: ignore[method-assign]
    (strict,) = variants.chosen(["presets-strict-prompt"], False, 1)
    assert study.seed(folds.folds(few.questions, "group", 2)[0], strict, 0)
    for name, words_then in asked:
        assert (words_then == usual) == name.startswith("reading-"), name
    assert len(asked) == 3 and usual == prompts.INSTRUCTION


def test_processes_that_share_a_folder_take_what_no_other_is_at(
    folder: Path, tiny: str, few: evidence.Evidence
) -> None:
    bases = Bases(tiny, few)
    one, other = (Study(folder / "shared", bases) for _ in range(2))
    fold = folds.folds(few.questions, "group", 2)[0]
    (mixed,) = variants.chosen(["mixed"], False, 2)
    taken: list[dict[str, Any] | None] = []
    train = bases.train

    def meanwhile(*arguments: Any) -> Any:
        """While the fold's steps are chosen, and while seed 0 is trained."""
        taken.append(other.seed(fold, mixed, 0))
        if len(taken) == 1:
            taken.append(other.seed(fold, mixed, 1))
        return train(*arguments)

    bases.train = meanwhile  # type: ignore[method-assign]
    first = one.seed(fold, mixed, 0)
    assert taken == [None, None, None] and first
    bases.train = train  # type: ignore[method-assign]
    assert other.seed(fold, mixed, 0) == first and other.seed(fold, mixed, 1)
    assert (one.trainings, other.trainings) == (2, 1)
