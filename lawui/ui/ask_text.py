"""The words of the Ask tab beyond the plain question and answer; part of text.TEXT."""

from __future__ import annotations

TEXT: dict[str, tuple[str, str]] = {
    # -- the reader's own letter
    "ask.commit": ("あなたの答え", "Your own answer"),
    "ask.commit.right": (
        "あなたの答え {letter} も同じです。",
        "Your answer {letter} is the same.",
    ),
    "ask.commit.wrong": ("あなたの答えは {letter} でした。", "Your answer was {letter}."),
    "ask.veil": (
        "自分の答えを選ぶまで公式の正解を伏せる",
        "Hide the official answer until I have chosen mine",
    ),
    # -- an answer that is none
    "ask.cannot_tell": (
        "このモデルには、この四つの見分けがつきません。",
        "This model cannot tell these four apart.",
    ),
    "ask.cannot_tell.why": (
        "傾きが弱いか、選択肢の順番で変わってしまうため、答えとしては示しません。"
        "条文を見せるか、ほかのモデルに替えて試してください。",
        "It hardly leans to any, or leans elsewhere when the choices are reordered, so this is no "
        "answer. Try showing it the law, or another version.",
    ),
    "ask.figures": ("それでも数字を見る", "Show the figures all the same"),
    # -- what the answer hangs on
    "ask.deep": (
        "どの条文に答えがかかっているかも調べる（一つずつ外して確かめます）",
        "Also find which passages the answer hangs on (each is left out in turn)",
    ),
    "ask.hangs": (
        "答えは次の条文にかかっています（外すと変わります）：{passages}",
        "The answer hangs on (it turns without): {passages}",
    ),
    "ask.hangs.none": (
        "どの条文を一つ外しても、答えは変わりません。",
        "No single passage turns the answer when it is left out.",
    ),
    "ask.shortened": (
        "条文が長いため、モデルには途中までしか見せていません（下の条文に印があります）。",
        "The law is long: the model saw its beginning only (marked below).",
    ),
    "passages.shortened": (
        "長さの都合で、モデルには途中までしか見せていません",
        "too long: the model saw its beginning only",
    ),
    "evidence.own.short": ("自分で加えた条文", "law added by hand"),
    "passages.turns": ("外すと答えが {letter} に変わる", "without it the answer is {letter}"),
    "passages.carries": ("外すと −{n} ポイント", "without it −{n} points"),
    "passages.hinders": ("外すと ＋{n} ポイント", "without it +{n} points"),
    "passages.taken_out": (
        "外したので、モデルには見せていません",
        "taken out: the model was not shown it",
    ),
    "passages.pinned": ("自分で加えた条文", "added by hand"),
    # -- what if
    "try.title": ("変えたら、どうなるか", "What if it read otherwise?"),
    "try.help": (
        "問題文・選択肢・条文を書き換えると、元の棒の横に新しい棒が並びます。"
        "書き換えた条文は法令ではなくなるので、条番号もリンクも付きません。",
        "Reword the question, a choice or a passage: the new bars stand beside the old. A reworded "
        "passage is no law any more: it has no citation and no link.",
    ),
    "try.part": ("変えるところ", "What to change"),
    "try.passage": ("条文 {n}：{name}", "Passage {n}: {name}"),
    "try.text": ("新しい文", "New wording"),
    "try.apply": ("この文で答えさせる", "Answer with this wording"),
    "try.swap": ("選択肢を入れ替える", "Exchange two choices"),
    "try.swap.two": ("{one} と {other} を入れ替える", "Exchange {one} and {other}"),
    "try.pin": ("条文を加える（条番号か言葉で探す）", "Add a passage (by number or words)"),
    "try.pin.choose": ("加える条文を選ぶ", "Choose the one to add"),
    "try.changes": ("変えたところ", "Changes"),
    "try.none": ("まだ何も変えていません。", "Nothing is changed yet."),
    "try.now": ("いまの問題", "The question as it stands now"),
    "try.altered": ("改変した問題", "reworded"),
    "try.back": ("一つ戻す", "One step back"),
    "try.reset": ("すべて元に戻す", "Back to the start"),
    # -- questions of one's own
    "own.kept": ("自分の問題集", "My own questions"),
    "own.new": ("新しい問題を書く", "Write a new question"),
    "own.paste.title": ("問題を丸ごと貼り付ける", "Paste a whole question"),
    "own.paste": ("問題文と四つの選択肢", "Question and four choices"),
    "own.paste.hint": (
        "例：次のうち正しいものはどれか。\nア　…\nイ　…\nウ　…\nエ　…\n正解：イ",
        "e.g. 次のうち正しいものはどれか。\nア　…\nイ　…\nウ　…\nエ　…\n正解：イ",
    ),
    "own.split": ("問題文と選択肢に分ける", "Split into question and choices"),
    "own.split.done": (
        "分けました。下の欄を確かめ、違うところは直してください。",
        "Split. Check the boxes below and correct what is wrong.",
    ),
    "own.split.part": (
        "四つの選択肢が見つかりませんでした。全体を問題文に入れたので、選択肢を下の欄に移してください。"
        "「ア」「1」「a」のような記号を行の頭に付けると、自動で分けられます。",
        "Four choices were not found. All of it is in the question box: move the choices to theirs."
        " Marks such as “a” or “1” at the head of a line let it be split.",
    ),
    "own.split.empty": (
        "分ける文章を上の欄に貼り付けてください。",
        "Paste the text to be split into the box above.",
    ),
    "own.gold": ("正解（分かれば）", "Right answer (if known)"),
    "own.gold.none": ("決めない", "not given"),
    "own.save": ("問題集に保存", "Keep it"),
    "own.remove": ("この問題を消す", "Delete it"),
    "own.export": ("書き出す（JSON）", "Export (JSON)"),
    "own.bring": ("読み込む（JSON）", "Import (JSON)"),
    "own.saved": (
        "「自分の問題集」に保存しました。ほかのタブでも問題集として選べます"
        "（採点と学習に使うのは、正解を決めた問題です）。",
        "Kept in “My own questions”, which can be chosen on every other tab (scoring and training "
        "take those with a right answer).",
    ),
    "own.removed": ("消しました。", "Deleted."),
    "own.none_chosen": (
        "消す問題を「自分の問題集」から選んでください。",
        "Choose the question to delete from “My own questions”.",
    ),
    "own.brought": ("{n} 問を加えました。", "{n} questions were added."),
    "own.nothing": (
        "書き出す問題がまだありません。先に保存してください。",
        "There is nothing to export yet. Keep a question first.",
    ),
    # -- the reason
    "reason.title": ("モデルの説明", "The model's reason"),
    "reason.help": (
        "なぜその答えなのかを、モデル自身の言葉で書かせます。条文の代わりにはなりません。"
        "見せた条文の言葉で裏づけられない文には印が付きます。",
        "Has the model write why, in its own words. They do not stand in for the law: sentences "
        "that the passages shown do not support are marked.",
    ),
    "reason.cannot": (
        "同梱のお試しモデルは一文字で答えるだけで、文章を書けません。理由を読むには、画面の上の"
        "「本物の言語モデルに替える」を開くか、ふつうの言語モデルで起動してください。",
        "The demo model that ships answers with a letter and cannot write. To read reasons, open "
        "“Use a real language model” at the head of the page, or start the lab with one.",
    ),
    "reason.write": ("理由を書かせる", "Ask for the reason"),
    "reason.busy": (
        "モデルが書いています…どこまで書くかはモデルしだいで、残り時間はわかりません。",
        "The model is writing… How long depends on what it writes and cannot be told.",
    ),
    "reason.first": (
        "先に「答えさせる」を押してください。その答えの理由を書かせます。",
        "Press “Answer” first: the reason is that of an answer.",
    ),
    "reason.badge": ("モデルの言葉です（条文ではありません）", "the model's words, not the law"),
    "reason.unsupported": ("根拠の条文なし", "no passage supports this"),
    "reason.marked": (
        "印の付いた文は、見せた条文の言葉や数字と合いません。誤りとは限りませんが、条文で確かめてください。",
        "Marked sentences do not match the words or numbers of the law shown. They need not be "
        "wrong: check them against it.",
    ),
    # -- taking home
    "home.title": ("書き留める・持ち帰る", "Note it and take it home"),
    "home.mark": ("この答えについて", "About this answer"),
    "home.comment": ("コメント", "Comment"),
    "home.comment.hint": ("例：改正で要件が変わった", "e.g. the requirement was amended"),
    "home.put": ("印を付ける", "Mark it"),
    "home.mark.first": (
        "答えさせてから、当てはまるものを一つ選んでください。",
        "Let the model answer first, then choose one of the marks.",
    ),
    "home.marked": ("印を付けました。", "Marked."),
    "home.count": (
        "この訪問で見た答え {n} 件がファイルに入ります。",
        "The file will hold the {n} answers of this visit.",
    ),
    "home.none": (
        "まだ何も答えさせていません。答えさせたものが、ここからファイルにできます。",
        "Nothing was answered yet. What you ask can be taken home from here.",
    ),
    "home.copy": ("この答えをコピー", "Copy this answer"),
    "home.html": ("全部を保存（HTML）", "Save all (HTML)"),
    "home.docx": ("全部を保存（Word）", "Save all (Word)"),
    "home.clear": ("記録を消す", "Forget this visit"),
    "home.download": ("できたファイル", "The file that was made"),
    "home.copied": (
        "問題・答え・条文をコピーしました。貼り付けて使えます。",
        "Question, answer and law are copied, ready to paste.",
    ),
    "home.cleared": ("この訪問の記録を消しました。", "This visit is forgotten."),
    # -- leafing through a set
    "pick.more": (
        "さらに絞り込む（難しさ・自分の印・組）",
        "Narrow down (difficulty, my marks, group)",
    ),
    "pick.any": ("どれでも", "Any"),
    "pick.level": ("難しさ（これまでの採点から）", "Difficulty (from scores so far)"),
    "pick.level.hard": ("難しい（正解が3割ほどまで）", "Hard (a third right at most)"),
    "pick.level.middle": ("割れる", "In between"),
    "pick.level.easy": ("やさしい（7割ほどから）", "Easy (two thirds right or more)"),
    "pick.level.unscored": ("まだ採点していない", "Not scored yet"),
    "pick.review": ("自分の印", "My marks"),
    "pick.unmarked": ("まだ印がない", "Not marked yet"),
    "pick.group": ("同じ条文を使う問題の組", "Questions that share text"),
}
