"""The words of the Train tab that are not about its first few minutes: key -> (ja, en)."""

from __future__ import annotations

TEXT: dict[str, tuple[str, str]] = {
    "train.watch": ("学習のようす", "How it goes"),
    # -- curves
    "train.curve.raw": ("各ステップの損失", "Loss of each step"),
    "train.curve.smooth": ("ならした損失", "Smoothed loss"),
    "train.curve.dev": ("学習に使っていない問題の損失", "Loss on questions not trained on"),
    "train.curve.norm": ("勾配の大きさ", "Gradient norm"),
    "train.overlay": ("重ねて見る学習（いくつでも）", "Runs to lay over it (any number)"),
    "train.log": ("損失を対数目盛で見る", "Show the loss on a log scale"),
    # -- how a run computes
    "train.speed": ("速さ（1 秒あたりのトークン）", "Speed (tokens a second)"),
    "train.memory": ("使ったメモリ", "Memory used"),
    "train.plan": ("計算のしかた", "How it computes"),
    "train.plan.batch": (
        "一度に {n} 問ほど（長さによる）",
        "about {n} questions at once, by their length",
    ),
    "train.plan.unpacked": (
        "重みは最初に一度だけ展開（値は4ビットのまま）",
        "weights unpacked once (the same 4-bit values)",
    ),
    "train.plan.packed": ("重みは4ビットのまま", "weights kept in 4 bits"),
    "train.plan.kept": ("途中の値を覚えておく", "values in between are kept"),
    "train.plan.again": (
        "メモリを省くため途中の値を計算し直す",
        "values in between are computed again to save memory",
    ),
    "train.said": ("この学習からの知らせ", "What this run has said"),
    "train.said.step": ("{step} ステップ：", "Step {step}:"),
    "train.queue.place": ("順番待ち {n} 番目", "number {n} in the queue"),
    # -- what to do with a run
    "train.again": ("この設定を左に写す", "Copy its settings to the form"),
    "train.again.done": (
        "「{run}」の設定を左に写しました。変えたいところを変えて「開始」を押してください。",
        "The settings of “{run}” are in the form. Change what you like and press Start.",
    ),
    "train.again.fresh": (
        "出発点だった「{start}」は今は使えないので、「最初から学習する」にしてあります。",
        "“{start}”, which it went on from, cannot be used now: it is set to fresh weights.",
    ),
    "train.again.file": (
        "学習に使ったファイルは写せません。もう一度選んでください。",
        "The file that it learned from cannot be copied: choose it again.",
    ),
    "train.again.no_set": (
        "学習に使った「{set}」はここにないので、問題集は今のままです。",
        "“{set}”, which it learned from, is not here: the question set stays as it is.",
    ),
    "train.seeds": ("乱数の種を変えて3回", "Run with three seeds"),
    "train.seeds.done": (
        "種の違う学習を順番待ちに入れました：{runs}。結果の散らばりが偶然の大きさです。",
        "Queued with different seeds: {runs}. How far apart they end is the size of chance.",
    ),
    "train.save_events": ("記録をダウンロード", "Download the log"),
    "train.export": ("できたモデルをダウンロード（zip）", "Download the version (zip)"),
    "train.no_adapter": (
        "この学習にはまだ持ち帰れるものがありません。",
        "This run has nothing to take home yet.",
    ),
    "train.delete": ("削除…", "Delete…"),
    "train.delete.sure": (
        "「{run}」と、できたモデルを消します。元に戻せません。よろしければ「本当に削除する」を押してください。",
        "This deletes “{run}” and what it made, for good. Press “Really delete” if you mean it.",
    ),
    "train.delete_yes": ("本当に削除する", "Really delete"),
    "train.delete_no": ("やめる", "Keep it"),
    "train.deleted": ("「{run}」を削除しました。", "“{run}” is deleted."),
    # -- presets
    "train.keep": ("この設定に名前を付けて残す", "Keep these settings under a name"),
    "train.keep.name": ("ひな形の名前", "Name of the preset"),
    "train.keep.save": ("残す", "Keep"),
    "train.keep.forget": ("選んだひな形を消す", "Forget the chosen preset"),
    "train.kept": ("「{name}」として残しました。", "Kept as “{name}”."),
    "train.forgotten": ("「{name}」を消しました。", "“{name}” is forgotten."),
    # -- the reading exercises
    "set.reading": (
        "読解の練習問題（架空の規則、7万問あまり）",
        "Reading exercises (invented regulations, over 70,000)",
    ),
    "train.reading": (
        "架空の規則の条文を読んで答える練習です。本物のモデルには、まずこれで条文の読み方を学ばせ、"
        "できたものを出発点に、本物の問題集で続けて学習させます。",
        "Exercises in reading invented regulations: let a real model learn from these how to "
        "read, then go on from what came of it with the questions of the real set.",
    ),
    "train.reading.embedded": (
        "いまの見本のモデルはこの多くをすでに学習済みなので、ここでは流れを試すだけになります。",
        "The demo model has already learnt many of them: with it this shows the way and little "
        "more.",
    ),
    "train.about.sample": (
        "同梱の小さなモデルに見本の条例の問題を学ばせ、流れをひととおり見ます。",
        "The model that ships learns the sample ordinance's questions: the whole way, in small.",
    ),
    "train.about.small-norag": (
        "条文を見せずに50ステップだけ学習させ、何もしないときと比べるための設定です。",
        "Fifty steps without any law text, to compare with.",
    ),
    "train.about.reading": (
        "本物のモデルに、架空の規則の練習問題をひととおり見せて、"
        "条文を読んで答えることを学ばせます。",
        "A real model goes once through exercises on invented regulations, to learn to answer from "
        "the text.",
    ),
    "train.about.law": (
        "本物の問題集を短く学ばせます。第1段階でできたものを「出発点」に選んでから始めてください。"
        "この2段階で、15億パラメータのモデルの正解率（付属の条文つき、学習で見ていない問題、"
        "4通りの並べ替えの平均）は 41 % から 72 % になりました。",
        "A short run on the real set: choose what stage 1 made under “Start from” first. The two "
        "stages took a model of 1.5 billion parameters from 41 % to 72 % of questions that it "
        "had not seen, with their own text and averaged over four orders.",
    ),
    "train.mix.or": (" か ", " or "),
    "train.mix.one": ("{kinds}（問題ごとにどれか1つ）", "{kinds} (one of them for each question)"),
    "train.mix.each": ("{kinds}（どの問題もすべて）", "{kinds} (all of them for each question)"),
    "train.no_set": (
        "この設定の問題集はここにないので、学習に使う問題集は今のままにしてあります。",
        "The set of this preset is not here: the chosen set stays.",
    ),
    # -- preview
    "train.preview.open": ("学習する中身を確かめる", "Look at what it would learn from"),
    "train.preview.show": ("中身を見る", "Show"),
    "train.preview.busy": ("問題を読んでいます…", "Reading the questions…"),
    "train.preview.rows": ("行数", "Rows"),
    "train.preview.count": ("学習 {train}・調整 {dev}", "{train} to train on, {dev} to tune on"),
    "train.preview.letters": ("答えの記号のつり合い", "Balance of the answers"),
    "train.preview.evidence": ("条文の見せ方", "How the law is shown"),
    "train.preview.steps": ("ステップ数", "Steps"),
    "train.preview.lengths": ("長さ（トークン）ごとの行数", "Rows by length (tokens)"),
    "train.preview.measured": (
        "行が多いので、無作為に選んだ {n} 行で測りました。",
        "There are many rows: this is of {n} drawn at random.",
    ),
    "train.preview.examples": ("モデルが見る形（はじめの行）", "As the model sees it (first rows)"),
    "train.preview.shortened": (
        "{n} 行は長すぎるので条文を短くします。問題と答えは切りません。",
        "{n} rows are too long: their law text is shortened, question and answer never.",
    ),
    "train.preview.dropped": (
        "{n} 行は条文なしでも長すぎるので外します。",
        "{n} rows are left out: even without law text they are too long.",
    ),
    "train.preview.skipped": (
        "{n} 行は四つの選択肢か一つに決まる答えが読み取れないので外します。",
        "{n} rows are left out: no four choices or no single answer can be read in them.",
    ),
    "train.preview.spared": (
        "ほかの {n} 行は、このステップ数では読まないので使いません（種ごとに違う規則を選びます）。",
        "{n} more rows are not used: so few steps do not come to them (each seed draws others).",
    ),
    "train.preview.seen": (
        "試験用の問題と重なるまとまりが {n} 個あります。採点では印が付きます。",
        "{n} groups overlap test questions; every score marks them.",
    ),
    "train.preview.uncut": ("どの行も切らずに入ります。", "Every row fits uncut."),
    # -- more settings
    "field.start_from": ("出発点", "Start from"),
    "train.start_from.fresh": ("最初から学習する", "Fresh weights"),
    "train.start_from.one": ("{name}（{sets}、ランク{rank}）", "{name} ({sets}, rank {rank})"),
    "field.split": ("学習用と試験用の分け方", "How training and test are kept apart"),
    "field.split.group": ("同じ文章を分けない", "No text in both"),
    "field.split.article": ("同じ条文も分けない（より厳しい）", "No article in both (stricter)"),
    "field.lr_scheduler_type": ("学習率の下げ方", "How the learning rate falls"),
    "field.lr_scheduler_type.linear": ("まっすぐ", "in a straight line"),
    "field.lr_scheduler_type.cosine": ("なめらかに", "as a cosine"),
    "field.max_grad_norm": ("勾配の上限", "Gradient limit"),
    "field.early_stopping_patience": (
        "伸びなければ止めるまでの回数（0 は止めない）",
        "Looks without gain before it stops (0: never)",
    ),
}
