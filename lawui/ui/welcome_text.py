"""The words of the first minute (the tour) and of the offer of a real model; part of
text.TEXT."""

from __future__ import annotations

TEXT: dict[str, tuple[str, str]] = {
    # -- waiting
    "wait.line": (
        "順番待ち {n} 番目です（ほかの人の質問に答えています）…",
        "Number {n} in line (others are being answered)…",
    ),
    "wait.index": ("条文を探すための索引を作っています…", "Making the index of the statutes…"),
    "wait.model": ("モデルを読み込んでいます…", "Loading the model…"),
    "wait.left": ("残り約 {time}", "about {time} left"),
    "wait.soon": ("まもなく終わるはずです", "it should be there any moment"),
    "wait.unknown": ("残り時間はまだわかりません", "how long it will take is not known yet"),
    # -- a real model
    "offer.title": ("本物の言語モデルに替える", "Use a real language model"),
    "offer.help": (
        "いま答えているのは、動き方を見せるための小さなモデルです。次のどれかを取り寄せると、"
        "終わりしだいそちらが答えます。取り寄せているあいだも、いまのモデルが答え続けます。",
        "What answers now is a small model that shows how the lab works. Download one of these "
        "and it answers as soon as it is here; until then the small one goes on answering.",
    ),
    "offer.gpu": (
        "GPU のない機械でも動きますが、一問ごとに待つことになります。",
        "They run without a GPU, too, but each question then takes its time.",
    ),
    "offer.model": ("取り寄せるモデル", "Model to download"),
    "offer.choice": ("{name}（約 {size} GB）", "{name} (about {size} GB)"),
    "offer.col.model": ("モデル", "Model"),
    "offer.col.size": ("大きさ", "Size"),
    "offer.col.licence": ("ライセンス", "Licence"),
    "offer.size": ("約 {size} GB", "about {size} GB"),
    "offer.licence.Qwen1_5-1_8B-Chat": (
        "Tongyi Qianwen 研究ライセンス（商用利用不可）",
        "Tongyi Qianwen research licence, not for commercial use",
    ),
    "offer.licence.Qwen2_5-1_5B-Instruct": ("Apache-2.0（商用利用可）", "Apache-2.0"),
    "offer.start": ("取り寄せて使う", "Download and use"),
    "offer.progress": (
        "{model} を取り寄せています：{total} MB 中 {done} MB。",
        "Downloading {model}: {done} of {total} MB.",
    ),
    "offer.done": (
        "{model} が届きました。次の質問からこのモデルが答えます（最初の一問は読み込みに時間が"
        "かかります）。画面を読み込み直すと、理由を書かせることもできます。",
        "{model} is here and answers from the next question on (the first one waits until it is "
        "loaded). Reload the page to ask it for reasons, too.",
    ),
    # -- the tour
    "tour.call": ("1分の案内", "One-minute tour"),
    "tour.title": ("1分の案内（{n} / 3）", "One-minute tour ({n} of 3)"),
    "tour.begin": (
        "見本として、架空の条例の問題を一つ開きました。モデルはこの条例を読んだことがありません。"
        "まず、条文を見せずに答えさせてみましょう。",
        "A question on a fictional ordinance is open as a sample. The model has never read that "
        "ordinance. Let it answer without the law first.",
    ),
    "tour.do.none": ("条文なしで答えさせる", "Answer without the law"),
    "tour.none.wrong": (
        "モデルは {letter} と答えました。公式の正解とは違います。"
        "次に、根拠の条文を見せて、もう一度答えさせましょう。",
        "The model answers {letter}, which is not the official answer. Now show it the article "
        "and ask again.",
    ),
    "tour.none.right": (
        "モデルは {letter} と答えました。条文を見ずに、公式の正解と同じです。"
        "次に、根拠の条文を見せて、もう一度答えさせましょう。",
        "The model answers {letter}, the official answer, without having seen the law. Now show it "
        "the article and ask again.",
    ),
    "tour.none.unsure": (
        "モデルには四つの見分けがつきませんでした。次に、根拠の条文を見せて、もう一度答えさせましょう。",
        "The model could not tell the four apart. Now show it the article and ask again.",
    ),
    "tour.do.given": ("条文を見せて答えさせる", "Show the law and answer"),
    "tour.turned": (
        "条文を見せると、答えが {old} から {new} に変わり、公式の正解と同じになりました。"
        "細い棒が条文なし、太い棒が条文つきです。",
        "With the law in front of it the answer turned from {old} to {new}, the official one. Thin "
        "bars are without the law, thick ones with it.",
    ),
    "tour.found": (
        "条文を見せると {new} と答え、公式の正解と同じになりました。",
        "With the law in front of it the model answers {new}, the official answer.",
    ),
    "tour.stayed": (
        "条文を見せても {new} のままで、公式の正解と同じです。",
        "With the law it still answers {new}, the official answer.",
    ),
    "tour.missed": (
        "条文を見せても、公式の正解の {gold} にはなりませんでした。このモデルは、この条文を"
        "読みとれていません。",
        "Even with the law the answer is not {gold}, the official one: this model does not read "
        "that article.",
    ),
    "tour.honest": (
        "これは例に選んだ一問で、いつもこうなるとは限りません。全体でどうかは「採点する」で測れます。"
        "下の「変えたら、どうなるか」で条文の言葉を変えて、棒の動きも見てください。",
        "This is one question chosen as an example; it does not always go like this. Score "
        "measures how it goes over a whole set. Next, reword the article under “What if it read "
        "otherwise?” and watch the bars.",
    ),
    "tour.close": ("案内を閉じる", "Close the tour"),
    "tour.end": ("案内を終わる", "End the tour"),
    "tour.region": ("はじめての方への案内", "Tour for newcomers"),
}
