"""The words about what is kept of a reader; part of text.TEXT."""

from __future__ import annotations

TEXT: dict[str, tuple[str, str]] = {
    "mine.title": ("自分のデータ", "My data"),
    "mine.how_long": (
        "質問して見た答えは{days}日で消えます。書き出したファイルと送ったファイルは一日で、"
        "授業の回答は授業が終わると消えます。自作の問題と印、自作の問題での採点・追加学習は、"
        "自分で消すまで残ります。ほかの人からは見えません。",
        "Answers that you saw are deleted after {days} days, files that you exported or sent "
        "after a day, and a class's letters with the class. Your own questions, your marks, and "
        "scores and training on your own questions stay until you delete them. Nobody else sees "
        "them.",
    ),
    "mine.for_good": (
        "質問して見た答え、自作の問題と印、自作の問題での採点・追加学習は、自分で消すまで残ります。"
        "書き出したファイルと送ったファイルは一日で、授業の回答は授業が終わると消えます。"
        "ほかの人からは見えません。",
        "Answers that you saw, your own questions, your marks, and scores and training on your "
        "own questions stay until you delete them. Files that you exported or sent are deleted "
        "after a day, and a class's letters with the class. Nobody else sees them.",
    ),
    "mine.demo": (
        "質問して見た答えと書き出したファイルは一日で、授業の回答は授業が終わると消えます。"
        "ほかのものは残りません。見た答えは「質問する」の「記録を消す」ですぐに消せます。",
        "Answers that you saw and files that you exported are deleted after a day, and a class's "
        "letters with the class. Nothing else is kept. “Forget this visit” on the Ask "
        "tab deletes answers at once.",
    ),
    "mine.shared": (
        "ログインを使っていないので、このラボを開いた人は同じデータを見ます。",
        "Nobody logs in here, so whoever opens this lab shares the same data.",
    ),
    "mine.ask": ("自分のデータをすべて消す…", "Delete all my data…"),
    "mine.yes": ("消す（元に戻せません）", "Delete for good"),
    "mine.no": ("やめる", "Keep it"),
    "mine.nothing": ("消すものはありません。", "There is nothing to delete."),
    "mine.sure": (
        "次のものが消えます：{what}。元に戻せません。",
        "This will be deleted: {what}. It cannot be undone.",
    ),
    "mine.done": (
        "消しました：{what}。画面に残っている答えは、ページを開き直すと消えます。",
        "Deleted: {what}. What this page still shows is gone when you open it again.",
    ),
    "mine.questions": ("自作の問題 {n} 問", "own questions: {n}"),
    "mine.marks": ("印 {n} 件", "marks: {n}"),
    "mine.answers": ("見た答え {n} 件", "answers seen: {n}"),
    "mine.scores": ("自作の問題での採点 {n} 件", "scores of own questions: {n}"),
    "mine.runs": ("自作の問題での追加学習 {n} 件", "training runs on own questions: {n}"),
    "mine.presets": ("自作の問題での学習の設定 {n} 件", "training settings: {n}"),
    "mine.files": ("書き出したファイル {n} 個", "exported files: {n}"),
    "mine.classes": ("開いている授業 {n} つ", "classes that you lead: {n}"),
    "mine.votes": ("参加中の授業 {n} つ", "classes that you joined: {n}"),
}
