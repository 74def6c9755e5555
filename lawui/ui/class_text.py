"""The words of the class pages, the student's and the presenter's; part of text.TEXT."""

from __future__ import annotations

TEXT: dict[str, tuple[str, str]] = {
    "class.title": ("法令四択ラボ：授業", "Statute lab: class"),
    "class.teach.title": ("法令四択ラボ：授業（先生用）", "Statute lab: class (presenter)"),
    "class.language": ("English（英語）", "In Japanese"),
    "class.join.heading": ("授業に参加する", "Join the class"),
    "class.join.help": (
        "前に映っている6文字の参加コードと、呼び名を入れてください。本名でなくてかまいません。",
        "Enter the six-letter code on the wall and a name. It need not be your own.",
    ),
    "class.join.code": ("参加コード", "Join code"),
    "class.join.name": ("呼び名", "A name"),
    "class.join.button": ("参加する", "Join"),
    "class.kept": (
        "残るのは授業のあいだの呼び名と答えだけで、授業が終わると消えます。",
        "Only your name and letters are kept, and only while the class lasts.",
    ),
    "class.you": ("参加中：{name}", "You are {name}"),
    "class.leave": ("退出する", "Leave"),
    "class.leave.sure": (
        "退出しますか？同じ呼び名ではもう参加できません。",
        "Leave? You cannot join under this name again.",
    ),
    "class.wait": (
        "参加しました。先生が問題を出すまでお待ちください。",
        "You are in. Wait for the teacher to show a question.",
    ),
    "class.choose": (
        "答えだと思う選択肢を押してください。締め切りまで変えられます。",
        "Press the choice that you think is right. You can change it until the vote closes.",
    ),
    "class.answered": ("{letter} と答えました。", "You answered {letter}."),
    "class.chosen": ("あなたの答え", "Your answer"),
    "class.votes": ("みんなの答え", "The class"),
    "class.model.without": ("モデル（条文なし）", "Model, no law"),
    "class.model.with": ("モデル（条文あり）", "Model, with law"),
    "class.people": ("{n} 人", "{n}"),
    "class.gold": ("公式の正解", "Official answer"),
    "class.gold.none": (
        "この問題には公式の正解がありません。",
        "There is no official answer to this question.",
    ),
    "class.right": ("あなたの答えは公式の正解と同じです。", "Your answer is the official one."),
    "class.unsure": (
        "条文なしでは、モデルは答えを決められませんでした。",
        "Without the law the model cannot tell.",
    ),
    "class.unsure.law": (
        "条文を見せても、モデルは答えを決められませんでした。",
        "Even with the law the model cannot tell.",
    ),
    "class.passages": ("モデルに見せた条文", "The law that the model was shown"),
    "class.passages.none": ("見せた条文はありません。", "It was shown no law."),
    "class.shortened": ("長いため、途中まで見せました", "too long: only its beginning was shown"),
    "class.asof": ("{date} 時点", "as of {date}"),
    "class.advice": (
        "モデルの答えは実験の結果で、法的助言ではありません。",
        "What the model answers is an experiment and no legal advice.",
    ),
    "class.lost": (
        "つながりません。つながり次第、自動で続けます。",
        "No connection. It goes on by itself once there is one.",
    ),
    "class.unexpected": (
        "予期しないことが起きました。ページを開き直してください。",
        "Something unexpected happened. Open the page again.",
    ),
    # -- the presenter
    "class.open.help": (
        "教室を開くと参加コードが出ます。学生はスマートフォンから、ログインなしで参加できます"
        "（問題を読んで答えを選ぶだけで、ほかの操作はできません）。",
        "Opening a class gives a join code. Students join from their phones without a log-in; "
        "they read and choose a letter, and can do nothing else.",
    ),
    "class.open.button": ("教室を開く", "Open a class"),
    "class.join.at": ("スマートフォンで開く住所", "Open on a phone"),
    "class.qr": ("参加用の二次元コード", "QR code for joining"),
    "class.loopback": (
        "この住所は、この機械でしか開けません。学生も参加するには、--host 0.0.0.0 と --auth-file "
        "を付けて起動し、この機械のネットワーク上の住所で、この画面を開き直してください。",
        "This address opens on this machine alone. For students to join, start with --host 0.0.0.0 "
        "and --auth-file, and open this page at this machine's address on the network.",
    ),
    "class.joined": ("参加 {n} 人", "{n} joined"),
    "class.voted": ("回答 {n} 人", "{n} answered"),
    "class.names": ("参加者の呼び名", "Who joined"),
    "class.pick": ("問題を選ぶ", "Choose a question"),
    "class.pick.set": ("問題集", "Set"),
    "class.pick.words": ("問題文の言葉でさがす", "Search by words of the question"),
    "class.pick.item": ("問題", "Question"),
    "class.pick.evidence": ("最後に見せる条文", "Law shown at the end"),
    "class.pick.retrieved": ("検索で見つかった条文", "articles found by search"),
    "class.pick.given": ("問題に付いている条文", "the question's own text"),
    "class.pick.adapter": ("モデルの版", "Version of the model"),
    "class.pick.base": ("追加学習なし", "not fine-tuned"),
    "class.show": ("この問題を出す", "Show this question"),
    "class.before": (
        "全員が参加したら、問題を選んで出してください。",
        "Once everybody is in, choose a question and show it.",
    ),
    "class.next.1": ("問題を選ぶ", "Choose a question"),
    "class.next.2": (
        "締め切って、モデルの答えと並べる",
        "Close the vote and set it beside the model",
    ),
    "class.next.3": ("公式の正解を見せる", "Reveal the official answer"),
    "class.next.4": ("条文を見せたときの答えを見る", "Answer again with the law"),
    "class.next.5": ("次の問題を選ぶ", "Choose the next question"),
    "class.back": ("一つ戻る", "One step back"),
    "class.close": ("教室を閉じる", "Close the class"),
    "class.close.sure": (
        "教室を閉じると、呼び名も答えも消えます。閉じますか？",
        "Closing the class deletes all names and letters. Close it?",
    ),
    "class.closed": ("教室を閉じました。", "The class is closed."),
    "class.busy": ("モデルに聞いています…", "Asking the model…"),
    "class.step.1": ("投票中", "Voting"),
    "class.step.2": ("みんなの答えとモデル", "The class and the model"),
    "class.step.3": ("公式の正解", "The official answer"),
    "class.step.4": ("条文を見せると", "With the law"),
    "class.not_allowed": (
        "授業を開けるのは、reviewer か trainer の役割の人です。このラボの管理者に頼んでください。",
        "A class is opened by a reviewer or a trainer. Ask whoever runs this lab.",
    ),
    "class.link": ("授業で使う（先生用の画面）", "Use it in class (presenter's page)"),
}
