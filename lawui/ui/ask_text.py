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
}
