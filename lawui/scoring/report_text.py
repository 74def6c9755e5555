"""Every word of verdicts and reports, in Japanese and English."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, tuple[str, str]] = {
    # -- verdict on one run
    "run.nothing_answered": (
        "まだ一問も採点していません。",
        "No question has been scored yet.",
    ),
    "run.format_not_spoken": (
        "モデルはaからdの記号で答えることをほとんど考えていません"
        "（記号に向いた確率の中央値 {mass} %）。"
        "正解率 {accuracy} % は当てになりません。",
        "The model hardly considers answering with a letter from a to d (median probability "
        "{mass} %): the accuracy of {accuracy} % means little.",
    ),
    "run.above_baseline": (
        "正解率は {accuracy} %（95 %区間 {low}～{high} %）で、{baseline}（{base} %）を"
        "偶然とは言えない差で上回ります。",
        "{accuracy} % right (95 % interval {low} to {high} %): above {baseline} ({base} %) by "
        "more than chance.",
    ),
    "run.below_baseline": (
        "正解率は {accuracy} %（95 %区間 {low}～{high} %）で、{baseline}（{base} %）を"
        "偶然とは言えない差で下回ります。",
        "{accuracy} % right (95 % interval {low} to {high} %): below {baseline} ({base} %) by "
        "more than chance.",
    ),
    "run.like_baseline": (
        "正解率は {accuracy} %（95 %区間 {low}～{high} %）で、{baseline}（{base} %）との差は"
        "この問題数では判別できません。",
        "{accuracy} % right (95 % interval {low} to {high} %): not distinguishable from "
        "{baseline} ({base} %) with these questions.",
    ),
    "run.basis_unseen": (
        "アダプターが学習で見た問題を除いた {n} 件での値です。",
        "Over the {n} questions that the adapter did not see in training.",
    ),
    "run.basis_all_seen": (
        "ただし、すべてアダプターが学習で見た問題なので、新しい問題での力は分かりません。",
        "But the adapter saw all of them in training, so this says nothing about new questions.",
    ),
    "run.untold": (
        "ただし、このアダプターが何を学習したかの記録がなく、ここの問題を学習済みかもしれません。",
        "But nothing tells what this adapter was trained on: it may have seen these questions.",
    ),
    "run.partial": (
        "（{total} 件中 {n} 件まで採点した途中の値です。）",
        "(So far: {n} of {total} questions.)",
    ),
    "baseline.majority": (
        "一番多い正解の記号だけを答え続けた場合",
        "always answering the most frequent letter",
    ),
    "baseline.overlap": (
        "条文と文字が一番重なる選択肢を機械的に選んだ場合",
        "picking by overlap of characters with the statute",
    ),
    # -- verdict on two runs
    "compare.b_better": (
        "BはAより優れています：Bだけが正解 {won} 問、Aだけが正解 {lost} 問、p {p}。",
        "B is better than A: {won} questions won, {lost} lost, p {p}.",
    ),
    "compare.a_better": (
        "AはBより優れています：Aだけが正解 {won} 問、Bだけが正解 {lost} 問、p {p}。",
        "A is better than B: {won} questions won, {lost} lost, p {p}.",
    ),
    "compare.not_distinguishable": (
        "この {n} 問ではAとBの差を判別できません"
        "（Bだけが正解 {won} 問、Aだけが正解 {lost} 問、p {p}）。"
        "判別するには、同じような問題があと約 {more} 問必要です。",
        "Not distinguishable with these {n} questions (B won {won}, lost {lost}, p {p}); "
        "about {more} more would be needed.",
    ),
    "compare.even": (
        "この {n} 問ではAとBの差を判別できません"
        "（Bだけが正解 {won} 問、Aだけが正解 {lost} 問、p {p}）。"
        "差が見えないため、必要な問題数も見積もれません。",
        "Not distinguishable with these {n} questions (B won {won}, lost {lost}, p {p}); no "
        "difference shows, so how many more would be needed cannot be estimated.",
    ),
    "compare.no_discordant": (
        "この {n} 問ではAとBの差を判別できません。正解した問題も間違えた問題もまったく同じです。",
        "Not distinguishable with these {n} questions: A and B got the same ones right and the "
        "same ones wrong.",
    ),
    "compare.grouped": (
        "この {n} 問ではAとBの差を判別できません（Bだけが正解 {won} 問、Aだけが正解 {lost} 問）。"
        "一問ずつ数えれば p {p} ですが、差のついた問題が同じ条文の仲間に偏っています。"
        "判別するには、あと約 {more} 問必要です。",
        "Not distinguishable with these {n} questions (B won {won}, lost {lost}). Counted one "
        "by one p {p}, but the questions that differ stem from few shared texts; about {more} "
        "more would be needed.",
    ),
    "compare.basis_unseen": (
        "（どちらかのアダプターが学習で見た問題を除いた {n} 問での判定です。）",
        "(Over the {n} questions that neither adapter saw in training.)",
    ),
    "compare.basis_all_seen": (
        "ただし、どの問題も少なくとも一方のアダプターが学習で見ており、"
        "新しい問題での優劣は分かりません。",
        "But at least one of the adapters saw each of these questions in training: which is "
        "better on new questions remains unknown.",
    ),
    "compare.untold": (
        "ただし、{side} が何を学習したかの記録がなく、ここの問題を学習済みかもしれません。",
        "But nothing tells what {side} was trained on: it may have seen these questions.",
    ),
    "compare.corrected": (
        "（{n} 通りの比較をしたため、p値はホルムの方法で補正しています。）",
        "(p corrected for {n} comparisons by Holm's method.)",
    ),
    "compare.one_seed": (
        "（学習の乱数は一通りだけです。別の乱数では結果が変わることがあります。）",
        "(One training seed is one seed: another may come out otherwise.)",
    ),
    "compare.seeds": (
        "（{side} と同じ設定で乱数だけを変えた {n} 通りでは {low}～{high} % でした。）",
        "({side}: {n} training seeds of the same settings range from {low} to {high} %.)",
    ),
    "compare.within_seeds": (
        "A と B の差は、乱数を変えただけの揺れより大きくありません。",
        "The difference between A and B is no larger than what the seed alone does.",
    ),
    # -- report
    "report.title": ("四択問題の採点報告", "Score report on four-choice questions"),
    "report.what": (
        "日本の法令についての四択問題に、言語モデルがどれだけ正しく答えたかの記録です。"
        "法律上の助言ではありません。",
        "How well a language model answered four-choice questions on Japanese statutes. "
        "This is no legal advice.",
    ),
    "report.cells": ("結果の一覧", "Results"),
    "report.matrix": (
        "問題集 {set}：正解率と95 %区間（学習で見た問題があれば除く）",
        "Set {set}: accuracy with 95 % interval (without questions seen in training)",
    ),
    "report.plot_accuracy": ("正解率と95 %区間", "Accuracy with 95 % intervals"),
    "report.comparisons": ("どちらが優れているか", "Which is better"),
    "report.told_apart": (
        "{n} 通りの比較のうち、差を判別できたのは {told} 通りです。"
        "残りの組は「どちらが優れているか」の表にあります。",
        "Of {n} comparisons, {told} told a difference. The other pairs stand in the table "
        "“Which is better”.",
    ),
    "report.flips": ("正誤が分かれた問題", "Questions that one got right and the other wrong"),
    "report.calibration": (
        "自信と正解率（よく合うほど対角線に近い）",
        "Confidence against accuracy (the closer to the diagonal, the better)",
    ),
    "report.abstain": (
        "自信のある問題だけ答えさせた場合",
        "Answering only when sure enough",
    ),
    "report.letters": ("答えた記号の偏り", "Which letters it answered"),
    "report.found": (
        "もとの条文が検索で見つかったか、答えは合っていたか",
        "Was an article found, was the answer right",
    ),
    "report.confusion": ("正解と答えの記号", "Official letter and answer"),
    "report.marks": ("読んだ人の印", "What readers said"),
    "report.seeds": (
        "同じ設定で乱数だけを変えた {n} 通りの正解率は {low}～{high} % です。",
        "Over {n} training seeds of the same settings, {low} to {high} % are right.",
    ),
    "report.laws": ("法令ごとの正解率", "By law"),
    "report.items": ("問題ごとの結果", "Question by question"),
    "report.provenance": ("この結果の由来", "Where these figures come from"),
    "report.method": ("数え方", "How it was counted"),
    "report.method_text": (
        "モデルには記号一文字で答えさせ、aからdの確率が最も高いものを答えとしました。"
        "95 %区間は、同じ条文を使う問題をひとまとまりとして1万回引き直して求めました。"
        "二つの結果の比較は、選択肢の順序を変えた出題をまとめた一問ごとの正誤によります"
        "（マクネマーの正確検定）。必要な問題数は、いまの正誤の割れ方が続くとして、"
        "検出力80 %、有意水準5 %で見積もったものです（Connor 1987）。",
        "The model answers with one letter: the most probable of a to d. The 95 % intervals come "
        "from 10,000 resamples in which questions on shared text stay together. Two runs are "
        "compared question by question, all orders of its choices averaged (exact McNemar "
        "test). How many more questions are needed assumes that they would split as these did, "
        "at 80 % power and the 5 % level (Connor 1987).",
    ),
    "col.verdict": ("判定", "Verdict"),
    "col.cell": ("採点", "Run"),
    "col.orders_consistent": ("どの順序でも同じ答え", "Same answer in all orders"),
    "col.set": ("問題集", "Set"),
    "col.adapter": ("アダプター", "Adapter"),
    "col.evidence": ("条文", "Statute text"),
    "col.accuracy": ("正解率", "Accuracy"),
    "col.interval": ("95 %区間", "95 % interval"),
    "col.correct": ("正解数", "Right"),
    "col.accuracy_averaged": ("順序を平均した正解率", "Orders averaged"),
    "col.all_orders_right": ("全順序で正解", "All orders right"),
    "col.accuracy_unseen": ("学習で見ていない問題", "Not seen in training"),
    "col.seen": ("学習で見た", "Seen in training"),
    "col.majority": ("最多記号", "Most frequent letter"),
    "col.overlap": ("文字の重なり", "Overlap"),
    "col.ece": ("自信のずれ", "Calibration error"),
    "col.mass": ("記号に向いた確率", "Probability on letters"),
    "col.seconds": ("秒", "Seconds"),
    "col.tokens": ("トークン数", "Tokens"),
    "col.law": ("法令", "Law"),
    "col.id": ("番号", "Id"),
    "col.source": ("ファイル名", "Source"),
    "col.group": ("仲間", "Group"),
    "col.stem": ("問題", "Question"),
    "col.gold": ("正解", "Official answer"),
    "col.gold_text": ("正解の内容", "Official answer's text"),
    "col.choice": ("答え", "Answer"),
    "col.choice_text": ("答えの内容", "Answer's text"),
    "col.right": ("正誤", "Right?"),
    "col.confidence": ("自信", "Confidence"),
    "col.orders": ("順序の数", "Orders"),
    "col.orders_right": ("正解した順序", "Orders right"),
    "col.consistent": ("順序によらず同じ答え", "Same answer in all orders"),
    "col.prob_a": ("aの確率", "P(a)"),
    "col.prob_b": ("bの確率", "P(b)"),
    "col.prob_c": ("cの確率", "P(c)"),
    "col.prob_d": ("dの確率", "P(d)"),
    "col.difference": ("差（B−A）", "Difference (B less A)"),
    "col.p": ("p値", "p"),
    "col.counts": (
        "両方正解／Aだけ／Bだけ／両方誤り",
        "Both / only A / only B / neither",
    ),
    "col.found": ("見つかった条文", "Articles found"),
    "col.marks": ("印", "Marks"),
    "col.letter": ("記号", "Letter"),
    "word.yes": ("はい", "yes"),
    "word.no": ("いいえ", "no"),
    "word.untold": ("不明", "unknown"),
    "word.right": ("○", "right"),
    "word.wrong": ("×", "wrong"),
    "word.base": ("元のモデル", "Base model"),
    "word.answered": ("モデルの答え", "Answered"),
    "word.official": ("正解", "Official"),
    "word.found": ("見つかった", "found"),
    "word.missed": ("見つからなかった", "not found"),
    "word.colon": ("：", ": "),
    "word.ideal": ("ぴったり合う線", "Perfectly calibrated"),
    "word.confidence": ("モデルの自信（%）", "Confidence (%)"),
    "word.accuracy": ("正解率（%）", "Accuracy (%)"),
    "word.coverage": ("答える問題の割合（%）", "Share of questions answered (%)"),
    "word.answers": ("答えの数", "Answers"),
    "word.one_order": ("一順序ずつ", "Each order"),
    "word.averaged": ("順序を平均", "Orders averaged"),
    "word.letters_of_first": (
        "記号は、その問題の最初の順序でのものです。",
        "Letters are those of the question's first order.",
    ),
    "word.a_better": ("Aが上", "A is better"),
    "word.b_better": ("Bが上", "B is better"),
    "word.not_distinguishable": ("判別できない", "not distinguishable"),
    "word.no_flips": ("正誤が分かれた問題はありません。", "There is none."),
    "evidence.none": ("条文なし", "without the law"),
    "evidence.retrieved": ("検索した条文", "with articles found"),
    "evidence.given": ("付属の条文", "with its own text"),
    "prov.run": ("採点の名前", "Run"),
    "prov.created": ("採点した日時（UTC）", "Scored at (UTC)"),
    "prov.state": ("状態", "State"),
    "prov.set": ("問題集", "Set"),
    "prov.dataset_sha": ("問題集の照合値", "Hash of the set"),
    "prov.model": ("モデル", "Model"),
    "prov.model_sha": ("モデルの照合値", "Hash of the model"),
    "prov.licence": ("モデルの利用条件", "Licence of the model"),
    "prov.adapter": ("アダプター", "Adapter"),
    "prov.adapter_sha": ("アダプターの照合値", "Hash of the adapter"),
    "prov.prompt_sha": ("問い方の照合値", "Hash of the prompt"),
    "prov.index_id": ("検索用索引の照合値", "Hash of the index"),
    "prov.device": ("計算した装置", "Device"),
    "prov.quantization": ("重みの精度", "Precision of the weights"),
    "prov.lawui": ("lawuiの版", "Version of lawui"),
    "prov.versions": ("ソフトウェアの版", "Versions"),
    "state.queued": ("順番待ち", "queued"),
    "state.running": ("採点中", "running"),
    "state.interrupted": ("中断", "interrupted"),
    "state.done": ("完了", "done"),
    "state.cancelled": ("中止", "cancelled"),
    "state.failed": ("失敗", "failed"),
}


def text(key: str, lang: str, **params: Any) -> str:
    """The words of `key` in `ja` or `en`, braces filled. Raises KeyError for an unknown key:
    a programmer's mistake."""
    ja, en = TEXT[key]
    return (ja if lang == "ja" else en).format(**params)
