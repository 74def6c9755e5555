"""The words of the Score tab; part of text.TEXT."""

from __future__ import annotations

TEXT: dict[str, tuple[str, str]] = {
    # -- score
    "score.what": ("何を採点するか", "What to score"),
    "score.set": ("問題集", "Question set"),
    "score.evidence": ("条文の見せ方（いくつでも）", "How the law is shown (any number)"),
    "score.adapters": ("採点するモデル（いくつでも）", "Versions to score (any number)"),
    "score.limit": ("問題数を絞る（空欄なら全部）", "Only the first … questions (empty: all)"),
    "score.start": ("採点を始める", "Start scoring"),
    "score.cancel": ("中止する", "Cancel"),
    "score.resume": ("続きから採点する", "Resume scoring"),
    "score.starting": ("準備しています…", "Getting ready…"),
    "score.started": ("{n} 件の採点を始めました。", "Scoring started: {n} to do."),
    "score.remove": ("この表を消す…", "Delete this matrix…"),
    "score.remove.sure": (
        "この表の採点{n}件を消します。元に戻せません。",
        "This deletes the {n} scores of this matrix. It cannot be undone.",
    ),
    "score.remove.yes": ("本当に消す", "Really delete"),
    "score.remove.no": ("やめる", "Keep it"),
    "score.removed": ("表とその採点を消しました。", "The matrix and its scores are deleted."),
    "score.cancelled": (
        "中止しました。途中までの結果は残っています。",
        "Cancelled. What was done so far is kept.",
    ),
    "score.bad_limit": (
        "問題数は 1 以上の整数で書くか、空欄にしてください。",
        "Write the number of questions as 1 or more, or leave it empty.",
    ),
    "score.nothing_runs": ("いま動いている採点はありません。", "No scoring is running."),
    "score.nothing_left": (
        "残っている問題はありません。",
        "Nothing is left to score.",
    ),
    "score.choose": (
        "条文の見せ方と、採点するモデルを一つ以上選んでください。",
        "Choose at least one way of showing the law and one version to score.",
    ),
    "score.progress": ("{done} / {total} 問", "{done} of {total}"),
    "score.matrix": ("採点表", "The table of scores"),
    "score.all": ("すべての採点", "All scores"),
    "score.none": (
        "まだ採点がありません。左で選んで「採点を始める」を押してください。",
        "Nothing scored yet. Choose on the left and press “Start scoring”.",
    ),
    "score.run": ("詳しく見る採点", "Score to look at"),
    "score.col.set": ("問題集", "Set"),
    "score.col.model": ("モデル", "Version"),
    "score.col.evidence": ("条文", "Law shown"),
    "score.col.done": ("進み", "Progress"),
    "score.col.accuracy": ("正解率", "Right"),
    "score.col.state": ("状態", "State"),
    "score.col.date": ("日時", "Date"),
    "score.state.running": ("採点中", "running"),
    "score.state.queued": ("順番待ち", "waiting"),
    "score.state.done": ("完了", "done"),
    "score.state.finished": ("完了", "done"),
    "score.state.cancelled": ("中止", "cancelled"),
    "score.state.failed": ("失敗", "failed"),
    "score.state.interrupted": ("中断", "interrupted"),
    "score.summary": ("結果", "Result"),
    "score.accuracy": ("正解率", "Right answers"),
    "score.of": ("{total} 問中 {correct} 問", "{correct} of {total}"),
    "score.interval": (
        "同じような問題で測り直しても、おおむね {low} %〜{high} % に収まると見られます"
        "（95 % の幅）。",
        "Measured again on questions like these, it would mostly fall between {low} % and "
        "{high} % (95 % interval).",
    ),
    "score.baseline.majority": (
        "いちばん多い正解の記号だけを答え続けた場合",
        "Always answering the commonest letter",
    ),
    "score.baseline.overlap": (
        "条文と言葉が最も重なる選択肢を選んだ場合",
        "Taking the choice that shares most words with the law",
    ),
    "score.interval.short": ("95 % の幅", "95 % interval"),
    "score.baseline.majority.short": ("最多の記号だけ", "Commonest letter"),
    "score.baseline.overlap.short": ("言葉の重なりだけ", "Overlap of words"),
    "score.baseline.chance": ("でたらめに選んだ場合", "Picking at random"),
    "score.orders.averaged": (
        "順番の違う問いをならした正解率",
        "Right after averaging over the orders",
    ),
    "score.orders.all": (
        "どの順番でも正しく答えた問題",
        "Right in every order of the choices",
    ),
    "score.bylaw": ("法令ごとの正解率", "By law"),
    "score.seen": (
        "{n} 問は、このモデルが学習か調整で見たことのある内容です（表に印）。",
        "{n} questions hold text that this version saw in training or tuning (marked below).",
    ),
    "score.seen.none": (
        "この問題集に、学習で見たことのある内容はありません。",
        "Nothing in this set was seen in training.",
    ),
    "score.unseen": ("見たことのない問題だけの正解率", "Right on unseen questions only"),
    "score.items": ("問題ごとの結果", "Question by question"),
    "score.items.show": ("表示する問題", "Show"),
    "score.items.all": ("すべて", "All"),
    "score.items.wrong": ("間違えた問題", "Wrong ones"),
    "score.items.right": ("正解した問題", "Right ones"),
    "score.item": ("問題", "Question"),
    "score.item.stem": ("問題文", "Text"),
    "score.item.answer": ("答え", "Answer"),
    "score.item.gold": ("正解", "Official"),
    "score.item.sure": ("傾き", "Leaning"),
    "score.item.result": ("結果", "Result"),
    "score.item.right": ("○ 正解", "○ right"),
    "score.item.wrong": ("× 不正解", "× wrong"),
    "score.item.seen": ("学習で既出", "seen in training"),
    "score.compare": ("二つの採点を比べる", "Compare two scores"),
    "score.compare.a": ("採点 A", "Score A"),
    "score.compare.b": ("採点 B", "Score B"),
    "score.compare.go": ("比べる", "Compare"),
    "score.compare.same": (
        "別々の採点を二つ選んでください。",
        "Choose two different scores.",
    ),
    "score.compare.before": (
        "採点を二つ選んで「比べる」を押すと、どちらが上か、それとも区別できないかを言葉で示します。",
        "Choose two scores and press “Compare”: words will say which is better, or that they "
        "cannot be told apart.",
    ),
    "score.verdict.p": (
        "p は、二つに差がないとしても偶然これだけ開く確率です。"
        "0.05 より小さければ偶然とは考えにくいとされます。",
        "p is how often chance alone would open such a gap if the two were equally good; below "
        "0.05 chance is an unlikely explanation.",
    ),
    "score.flips": ("答えの正誤が入れ替わった問題", "Questions that flipped"),
    "score.both": ("両方正解", "Both right"),
    "score.only_a": ("A だけ正解", "Only A right"),
    "score.only_b": ("B だけ正解", "Only B right"),
    "score.neither": ("両方不正解", "Both wrong"),
    "score.difference": (
        "正解率の差（B − A）：{difference} ポイント（95 % の幅 {low}〜{high}）",
        "Difference in right answers (B − A): {difference} points (95 % interval {low} to {high})",
    ),
    "score.export": ("結果を持ち帰る", "Take the result home"),
    "score.export.csv": ("表（CSV）", "Table (CSV)"),
    "score.export.json": ("データ（JSON）", "Data (JSON)"),
    "score.export.html": ("報告書（HTML）", "Report (HTML)"),
    # -- the matrix
    "score.job": ("表示する採点表", "Table to look at"),
    "score.job.label": ("{set}・{n} 通り・{date}", "{set} · {n} cells · {date}"),
    "score.job.total": ("全体：{done} / {total} 問", "In all: {done} of {total}"),
    "score.job.interrupted": (
        "この採点表は途中で止まっています。「続きから採点する」を押すと、済んだ問題をくり返さずに"
        "続きから採点します。",
        "This table stopped half-way. “Resume scoring” goes on from there; nothing that was "
        "answered is asked again.",
    ),
    "score.job.waiting": (
        "ほかに {n} 件の採点表が順番を待っています。",
        "{n} other tables wait in line.",
    ),
    "score.job.open": ("{name} の採点を詳しく見る", "Look at {name}"),
    "score.job.hint": (
        "正解率を押すと、その採点の詳細が下に出ます。",
        "Press a figure: its details show below.",
    ),
    "score.cell.unseen": ("見たことのない {n} 問で", "on {n} unseen questions"),
    "score.cell.all_seen": ("すべて学習で既出", "all seen in training"),
    "score.cell.changed": ("問題集がその後変わりました", "the set has changed since"),
    "score.cell.reused": (
        "{n} 問は前に計算した答えを使いました。",
        "{n} answers were known from before and not computed again.",
    ),
    "score.plot.accuracy": ("正解率と 95 % の幅", "Right answers with 95 % intervals"),
    "score.plot.calibration": (
        "傾きの強さと正解率（点線に近いほど、強さどおりに当たる）",
        "Leaning against right answers (near the dotted line: as right as it leans)",
    ),
    "score.plot.abstain": (
        "自信のある問題だけ答えさせた場合の正解率",
        "Right answers when only the surest are counted",
    ),
    "score.plot.letters": ("答えた記号の偏り", "Which letters it answered"),
    # -- every pair
    "score.pairs": ("この採点表のどれが上か", "Which is better in this table"),
    "score.pairs.help": (
        "すべての組を問題ごとに比べ、何通りも比べた分だけ判定を厳しくしています。",
        "Every pair is compared question by question; the more pairs, the stricter the verdict.",
    ),
    "score.pairs.b": ("B のほうが上", "B is better"),
    "score.pairs.a": ("A のほうが上", "A is better"),
    "score.pairs.none": ("区別できません", "cannot be told apart"),
    "score.pairs.more": ("あと約 {n} 問必要", "about {n} more questions needed"),
    "score.pairs.open": ("くわしく", "Details"),
    "score.pairs.gap": ("差（B − A）", "Difference (B − A)"),
    "score.pairs.verdict": ("判定", "Verdict"),
    "score.flips.hint": (
        "問題の番号を押すと、その問題が下に出ます。",
        "Press a question's number to open it below.",
    ),
    # -- one score
    "score.detail": ("一つの採点を詳しく", "One score in detail"),
    "score.seeds": (
        "同じ設定で乱数の種だけを変えた {n} 個のモデルでは、正解率は {low} %〜{high} % でした。"
        "この揺れより小さい差は、設定の良し悪しではありません。",
        "Over {n} versions that differ by their seed alone, {low} % to {high} % were right. A gap "
        "smaller than that says nothing about the settings.",
    ),
    "score.found": ("見つけたか、使えたか", "Was it found, was it used?"),
    "score.found.help": (
        "問題のもとになった条文が、検索で見つかったかどうかと、答えが合っていたかどうかです。",
        "Whether search found an article that the question rests on, and whether the answer was "
        "right.",
    ),
    "score.found.yes": ("条文が見つかった", "Article found"),
    "score.found.no": ("見つからなかった", "Not found"),
    "score.found.right": ("正解", "Right"),
    "score.found.wrong": ("不正解", "Wrong"),
    "score.found.rate": ("正解率", "Share right"),
    "score.found.unknown": (
        "このほか {n} 問は、もとの条文が示されていないため数えていません。",
        "Another {n} questions name no article and are not counted.",
    ),
    "score.confusion": ("正解と答えの記号", "Official letter and answer"),
    "score.confusion.row": ("正解が {letter}", "official {letter}"),
    "score.confusion.column": ("答え {letter}", "answered {letter}"),
    "score.orders.consistent": (
        "順番を入れ替えても答えが同じ問題",
        "Same answer in every order of the choices",
    ),
    "score.ece": (
        "傾きの強さと正解率のずれ（問いごと）",
        "Gap between leaning and being right (each order)",
    ),
    "score.ece_averaged": (
        "同じずれ（順番をならした後）",
        "The same gap, orders averaged",
    ),
    "score.points": ("{n} ポイント", "{n} points"),
    # -- when to say nothing
    "score.abstain": (
        "自信がないときは「分からない」と言わせる",
        "Let it say “can’t tell” when unsure",
    ),
    "score.abstain.target": (
        "答えたうち、どれだけ合っていてほしいか",
        "Of what it answers, how much should be right",
    ),
    "score.abstain.share": ("{n} % 以上", "{n} % or more"),
    "score.abstain.found": (
        "傾きが {threshold} % 以上の答えだけを数えると、{total} 問中 {answered} 問に答え、その"
        " {accuracy} % が正解でした（この採点での値です。新しい問題では下がることがあります）。",
        "Counting only answers that lean {threshold} % or more, it answers {answered} of "
        "{total} and {accuracy} % of those are right (on this very score; on new questions it may "
        "be less).",
    ),
    "score.abstain.none": (
        "どこで区切っても、その割合には届きません。目標を下げてください。",
        "No cut reaches that share. Aim lower.",
    ),
    "score.abstain.use": ("「質問する」でも使う", "Use it on Ask"),
    "score.abstain.clear": ("使うのをやめる", "Stop using it"),
    "score.abstain.used": (
        "「質問する」で同じモデルと条文の見せ方を選ぶと、傾きが {threshold} % に届かない答えは"
        "「分からない」と示します。",
        "On Ask, with this version and this way of showing the law, an answer that leans less than "
        "{threshold} % is shown as “can’t tell”.",
    ),
    "score.abstain.cleared": (
        "この区切りはもう使われません。",
        "This cut is no longer used.",
    ),
    # -- questions and one question
    "score.items.seen": ("学習で既出", "Seen in training"),
    "score.items.missed": ("条文が見つからなかった問題", "Article not found"),
    "score.items.torn": ("順番で答えが変わった問題", "Torn by the order"),
    "score.items.marked": ("印のある問題", "Marked"),
    "score.items.range": ("{total} 問中 {first}〜{last} 問目", "{first}–{last} of {total}"),
    "score.items.none": ("当てはまる問題はありません。", "No question fits."),
    "score.items.back": ("← 前の 50 問", "← Previous 50"),
    "score.items.forward": ("次の 50 問 →", "Next 50 →"),
    "score.item.open": ("問題 {id} を開く", "Open question {id}"),
    "score.item.title": ("一つの問題を見る", "One question"),
    "score.item.before": (
        "上の表で問題の番号を押すと、モデルに送った文、条文、順番ごとの確率、ほかの採点の答えが"
        "ここに出ます。",
        "Press a question's number in a table above: what was sent, the law, the probabilities in "
        "each order and the other scores' answers show here.",
    ),
    "score.item.answered": (
        "{name} の答えは {letter}（{percent} %）で、{result}。",
        "{name} answers {letter} ({percent} %): {result}.",
    ),
    "score.item.is_right": ("公式の正解と同じです", "the official answer"),
    "score.item.is_wrong": ("公式の正解は {gold} です", "the official answer is {gold}"),
    "score.item.orders": ("順番ごとの確率", "Probabilities in each order"),
    "score.item.order": ("順番 {n}", "Order {n}"),
    "score.item.mean": ("平均", "Mean"),
    "score.item.choice": ("選択肢", "Choice"),
    "score.item.others": ("ほかの採点の答え", "What the other scores answered"),
    "score.item.prompt": ("モデルに送った文", "What the model was sent"),
    "score.item.prompt.gone": (
        "送った文の控えがありません（古い版での採点です）。",
        "What was sent was not kept (an older version made this score).",
    ),
    "score.item.passages": ("見せた条文", "Law shown"),
    "score.item.previous": ("← 表の前の問題", "← Previous in the table"),
    "score.item.next": ("表の次の問題 →", "Next in the table →"),
    # -- marks
    "score.mark": ("この答えへのあなたの印", "Your mark on this answer"),
    "score.mark.comment": ("コメント", "Comment"),
    "score.mark.comment.hint": (
        "例：第2項ただし書の適用があるのでは",
        "e.g. 第2項ただし書の適用があるのでは",
    ),
    "score.mark.save": ("印を付ける", "Save the mark"),
    "score.mark.remove": ("印を消す", "Remove the mark"),
    "score.mark.saved": ("印を付けました。", "The mark is saved."),
    "score.mark.removed": ("印を消しました。", "The mark is removed."),
    "score.mark.choose": ("印を一つ選んでください。", "Choose a mark first."),
    "score.mark.open_first": (
        "先に表から問題を一つ開いてください。",
        "Open a question from a table first.",
    ),
    "score.mark.counts": ("これまでの印：{counts}", "Marks so far: {counts}"),
    "score.mark.none": ("印はまだありません。", "No marks yet."),
    "score.mark.somebody": ("この画面の利用者", "a reader of this page"),
    "score.mark.csv": ("印の一覧（CSV）", "All marks (CSV)"),
    "score.mark.json": ("印の一覧（JSON）", "All marks (JSON)"),
    # -- who answered
    "score.by.base": ("元のモデル", "Base"),
    "score.by.base_sha": ("モデルの照合値", "Hash of the base"),
    "score.by.adapter_sha": ("追加学習の照合値", "Hash of the adapter"),
    "score.by.prompt_sha": ("問い方の照合値", "Hash of the prompt"),
    "score.by.set_sha": ("問題集の照合値", "Hash of the set"),
}
