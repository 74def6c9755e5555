"""Every string of the page, in Japanese and English (those of single tabs in
ask_text.py, adapters_text.py and score_text.py).
Nothing else on the page is a word.

A key is `room.what`; params stand in braces. Sentences of errors live in
lawui/messages.py, statute text and names that users gave are never translated.
"""

from __future__ import annotations

from lawui.ui import (
    adapters_text,
    ask_text,
    class_text,
    glossary_text,
    mine_text,
    score_text,
    train_text,
    welcome_text,
)

LANGUAGES = (("日本語", "ja"), ("English", "en"))

TEXT: dict[str, tuple[str, str]] = {
    # -- the whole page
    "page.title": ("法令四択ラボ", "Law question lab"),
    "page.what": (
        "日本の法令についての四択問題を小さな言語モデルに解かせ、どこで迷うかを確かめる実験室です。",
        "A lab that puts four-choice questions on Japanese law to a small language model "
        "and shows where it wavers.",
    ),
    "page.no_advice": (
        "答えは実験の結果であり、法的助言ではありません。",
        "Its answers are results of an experiment, not legal advice.",
    ),
    "page.answers_now": ("いま答えるモデル", "Answering now"),
    "page.licence": ("ライセンス", "Licence"),
    "page.demo_model": (
        "法律を知らない、お試し用の小さなモデルです",
        "a demo model that does not know the law",
    ),
    "page.why": ("選ばれた理由", "Why this one"),
    "page.read_only": (
        "閲覧専用のデモです。学習と削除はできません。",
        "This is a read-only demo: nothing can be trained or deleted here.",
    ),
    "page.problems": ("確認が必要なこと", "What needs attention"),
    "page.sample_data": (
        "いまの問題は、このソフトのために書かれた架空の条例についてのものです。",
        "The questions at hand are about a fictional ordinance written for this software.",
    ),
    "page.footer": (
        "すべてこのコンピュータの中で動いています。入力した内容が外へ送られることはありません。",
        "Everything runs on this computer. What you type is sent nowhere else.",
    ),
    "page.footer_server": (
        "画面はこのコンピュータで動いています。"
        "問題・選択肢・条文はサーバー {server} へ送られます。",
        "The page runs on this computer. Questions, choices and passages are sent to the server "
        "{server}.",
    ),
    "page.sent_to": ("送り先のサーバー", "Text is sent to"),
    "page.api": ("プログラムから使う（API）", "Use from a program (API)"),
    "page.more_tabs": ("ほかのタブ", "More tabs"),
    "page.trouble": ("うまくいきませんでした", "That did not work"),
    "page.unexpected": (
        "予期しない問題が起きました。入力した内容は残っています。もう一度試しても直らないときは、"
        "起動した画面の記録を管理者に見せてください。",
        "Something unexpected went wrong. What you typed is still here. If trying again does not "
        "help, show the administrator the log of the window that started the lab.",
    ),
    "tab.ask": ("質問する", "Ask"),
    "tab.adapters": ("比べる", "Adapters"),
    "tab.train": ("学習させる", "Train"),
    "tab.score": ("採点する", "Score"),
    # -- words that several tabs share
    "word.base": ("元のモデル（追加学習なし）", "Base model (no extra training)"),
    "word.base_short": ("元のモデル", "Base model"),
    "word.seconds": ("{n} 秒", "{n} s"),
    "word.minutes": ("{m} 分 {s} 秒", "{m} min {s} s"),
    "word.all_laws": ("すべての法令", "All laws"),
    "word.official": ("公式の正解", "Official answer"),
    "evidence.none": ("条文なし", "Without the law"),
    "evidence.retrieved": ("検索した条文つき", "With articles found"),
    "evidence.given": ("付属の条文つき", "With its own text"),
    "evidence.none.short": ("条文なし", "without the law"),
    "evidence.retrieved.short": ("検索した条文", "with articles found"),
    "evidence.given.short": ("付属の条文", "with its own text"),
    "evidence.distractors.short": (
        "ほかの条文に混ぜた付属の条文",
        "with its own text among others",
    ),
    "set.sample": ("見本の条例（全部）", "Sample ordinance (all)"),
    "set.sample_train": ("見本の条例（学習用）", "Sample ordinance (for training)"),
    "set.sample_dev": ("見本の条例（調整用）", "Sample ordinance (for tuning)"),
    "set.sample_test": ("見本の条例（試験用）", "Sample ordinance (for testing)"),
    "set.sample_exam": ("見本の条例（大きな試験）", "Sample ordinance (large test)"),
    "set.own": ("自分の問題集", "My own questions"),
    "set.selection": ("lawqa_jp（140問）", "lawqa_jp (140 questions)"),
    "set.selection_randomized": (
        "lawqa_jp（140問 × 並べ替え4通り）",
        "lawqa_jp (140 questions × 4 orders)",
    ),
    # -- picking a question
    "pick.set": ("問題集", "Question set"),
    "pick.law": ("法令", "Law"),
    "pick.words": ("番号または言葉で探す", "Find by number or words"),
    "pick.words.hint": ("例：12、届出、第27条の2", "e.g. 12, 届出, 第27条の2"),
    "pick.question": ("問題", "Question"),
    "pick.previous": ("← 前の問題", "← Previous"),
    "pick.next": ("次の問題 →", "Next →"),
    "pick.found": ("{n} 問あります", "{n} questions"),
    "pick.found_many": (
        "{n} 問あります。一覧には前後の問題だけが出ます。番号か言葉で絞り込めます。",
        "{n} questions. The list shows those nearby: narrow it by number or words.",
    ),
    "pick.nothing": (
        "当てはまる問題がありません。言葉を短くするか、法令を「すべての法令」に戻してください。",
        "No question fits. Shorten the words or set the law back to “All laws”.",
    ),
    # -- ask
    "ask.source": ("どの問題を使いますか", "Which question?"),
    "ask.source.set": ("問題集から選ぶ", "Choose from a set"),
    "ask.source.own": ("自分で書く", "Write my own"),
    "ask.own.stem": ("問題文", "Question text"),
    "ask.own.stem.hint": (
        "例：次のうち、建物の賃貸借について正しいものはどれか。",
        "e.g. 次のうち、建物の賃貸借について正しいものはどれか。",
    ),
    "ask.own.choice": ("選択肢 {letter}", "Choice {letter}"),
    "ask.own.help": (
        "問題文と四つの選択肢を書いて「答えさせる」を押してください。書いた内容は消えません。",
        "Write the question and four choices, then press “Answer”. What you write stays here.",
    ),
    "ask.own.nogiven": (
        "自分で書いた問題には付属の条文がありません。「条文なし」か"
        "「検索した条文つき」を選んでください。",
        "A question of your own has no text attached. Choose “Without the law” or "
        "“With articles found”.",
    ),
    "ask.own.incomplete": (
        "問題文と四つの選択肢をすべて書いてください。",
        "Please write the question and all four choices.",
    ),
    "ask.evidence": ("モデルに条文を見せますか", "Show the model the law?"),
    "ask.adapter": ("答えるモデル", "Who answers"),
    "ask.orders": (
        "選択肢の順番を入れ替えても同じ答えになるかも確かめる",
        "Also check whether the answer survives reordering the choices",
    ),
    "ask.answer": ("答えさせる", "Answer"),
    "ask.busy": ("モデルが読んでいます…", "The model is reading…"),
    "ask.rebuild": ("条文の索引を作り直す", "Rebuild the index of the law"),
    "ask.rebuilding": ("索引を作り直しています…", "Rebuilding the index…"),
    "ask.rebuilt": (
        "索引を作り直しています（進み具合は「条文を調べる」に出ます）。"
        "終わったら、もう一度「答えさせる」を押してください。",
        "The index is being rebuilt (see “Look up the statutes” for its progress). "
        "Press Answer again when it is done.",
    ),
    "ask.reveal": ("公式の正解を見る", "Show the official answer"),
    "ask.hide": ("公式の正解を隠す", "Hide the official answer"),
    "ask.gold": ("公式の正解は {letter} です。", "The official answer is {letter}."),
    "ask.gold.none": (
        "この問題には公式の正解がありません。",
        "This question has no official answer.",
    ),
    "ask.empty": (
        "問題を読んだら「答えさせる」を押してください。四つの選択肢のうち、モデルがどれをどのくらい"
        "選びたがるかが、ここに棒で現れます。",
        "Read the question, then press “Answer”. Four bars will show here how strongly the model "
        "leans to each choice.",
    ),
    "ask.chose": ("モデルの答えは {letter} です。", "The model answers {letter}."),
    "ask.sure.very": (
        "ほとんど迷っていません（ほかの選択肢にはほぼ傾いていません）。",
        "It hardly hesitates: the other choices get next to nothing.",
    ),
    "ask.sure.fairly": (
        "{letter} にはっきり傾いていますが、{second} も少し考えています。",
        "It leans clearly to {letter}, with some weight on {second}.",
    ),
    "ask.sure.wavering": (
        "{letter} と {second} のあいだで迷っています。",
        "It wavers between {letter} and {second}.",
    ),
    "ask.sure.lost": (
        "四つをほとんど見分けられていません。この答えは、くじ引きに近いものです。",
        "It can hardly tell the four apart: this answer is close to a draw of lots.",
    ),
    "ask.sure.note": (
        "棒の長さはモデルの傾きの強さで、正しさの確率ではありません。",
        "A bar shows how strongly the model leans, not how likely it is to be right.",
    ),
    "ask.orders.same": (
        "選択肢の順番を入れ替えて {n} 回きいても、毎回 {letter} でした。",
        "Asked {n} times with the choices in other orders, it said {letter} every time.",
    ),
    "ask.orders.split": (
        "選択肢の順番を入れ替えると答えが変わりました（{counts}）。内容ではなく位置に引きずられて"
        "いるおそれがあります。",
        "Reordering the choices changed the answer ({counts}): it may be following the position "
        "rather than the content.",
    ),
    "ask.orders.count": ("{letter} が {n} 回", "{letter} ×{n}"),
    "ask.orders.off": (
        "順番を入れ替えた確認はしていません。",
        "Other orders of the choices were not tried.",
    ),
    "ask.format.low": (
        "このモデルは a〜d の記号で答えることに慣れていません。棒の長さは参考程度に見てください。",
        "This model is not used to answering with a letter: take the bars with caution.",
    ),
    "ask.before": ("前回", "Before"),
    "ask.now": ("今回", "Now"),
    "ask.moved": (
        "答えが {old} から {new} に変わりました。",
        "The answer changed from {old} to {new}.",
    ),
    "ask.unmoved": ("答えは前回と同じ {new} です。", "The answer is {new}, as before."),
    "ask.by": ("答えたモデル", "Answered by"),
    "ask.with": ("見せた条文", "Law shown"),
    "ask.took": ("かかった時間", "Time"),
    "ask.asof": ("{date} 時点の条文", "law as of {date}"),
    "ask.right": ("公式の正解と同じです。", "That is the official answer."),
    "ask.wrong": ("公式の正解とは違います。", "That is not the official answer."),
    "ask.bar": ("選択肢 {letter}：{percent} %", "Choice {letter}: {percent} %"),
    "ask.bar.before": ("（前回 {percent} %）", "(before: {percent} %)"),
    # -- passages
    "passages.title": ("モデルに見せた条文", "The law that the model was shown"),
    "passages.none": (
        "この答えは条文を見せずに出したものです。上で「検索した条文つき」に切り替えると、"
        "見つかった条文がここに並び、棒の動きを比べられます。",
        "This answer was given without any law. Switch to “With articles found” above: the "
        "articles will be listed here and the bars compared.",
    ),
    "passages.before": (
        "答えさせると、モデルに見せた条文がここに並びます。",
        "Once the model has answered, the law it was shown is listed here.",
    ),
    "passages.marked": (
        "問題と同じ言葉に印を付けています。",
        "Words that the question uses too are marked.",
    ),
    "passages.link": ("公式ページ（e-Gov）で開く", "Open the official page (e-Gov)"),
    "passages.dropped": (
        "長さの都合でモデルには見せていません",
        "not shown to the model for lack of room",
    ),
    "passages.outdated": (
        "現在の条文はこれと異なります（{date}に確認）",
        "The law in force reads differently (checked on {date})",
    ),
    "passages.nolaw": ("出典の記載がない文", "Text without a stated source"),
    "passages.keep": (
        "モデルに見せる条文（外すと棒が動きます）",
        "Law to show (take one out and the bars move)",
    ),
    # -- train
    "train.what": ("何を学ばせるか", "What to learn"),
    "train.preset": ("設定のひな形", "Preset"),
    "train.preset.sample": ("小さく試す（見本の条例）", "Small run (sample ordinance)"),
    "train.preset.small-norag": (
        "Qwen1.5-1.8B の短い学習（要 GPU）",
        "Short run of Qwen1.5-1.8B (needs a GPU)",
    ),
    "train.preset.reading": (
        "第1段階：条文の読み方を学ぶ（要 GPU）",
        "Stage 1: learn to read (needs a GPU)",
    ),
    "train.preset.law": (
        "第2段階：法令の問題を学ぶ（要 GPU）",
        "Stage 2: learn the law questions (needs a GPU)",
    ),
    "train.set": ("学習に使う問題集", "Question set to train on"),
    "train.set.file": ("読み込んだファイル", "The uploaded file"),
    "train.upload": ("自分の問題（JSONL）を読み込む", "Load your own questions (JSONL)"),
    "train.uploaded": ("読み込んだファイル：{name}", "File loaded: {name}"),
    "train.more": ("細かい設定", "Details"),
    "train.command": ("実行される命令", "The command that will run"),
    "train.command.help": (
        "同じことをコマンドラインからもできます。",
        "The command line does the same.",
    ),
    "train.start": ("開始", "Start"),
    "train.stop": ("止める", "Stop"),
    "train.resume": ("続きから", "Resume"),
    "train.started": (
        "学習「{run}」を始めました。この画面を閉じても続きます。",
        "Run “{run}” has started. It goes on even if you close this page.",
    ),
    "train.stopping": (
        "「{run}」に止まるよう伝えました。",
        "“{run}” was told to stop.",
    ),
    "train.resumed": ("「{run}」を続きから始めました。", "“{run}” goes on from where it stopped."),
    "train.checking": ("設定と問題を確かめています…", "Checking the settings and the questions…"),
    "train.demo": (
        "閲覧専用のデモでは学習を始められません。過去の学習の記録は見られます。",
        "In the read-only demo no training can be started. Earlier runs can be looked at.",
    ),
    "train.run": ("表示する学習", "Run to show"),
    "train.runs": ("これまでの学習", "Runs so far"),
    "train.none": (
        "学習はまだありません。左の設定のまま「開始」を押すと、ここに曲線が描かれます。",
        "No runs yet. Press “Start” with the settings as they are: the curve is drawn here.",
    ),
    "train.waiting": ("最初の記録を待っています…", "Waiting for the first figures…"),
    "train.curve.loss": ("損失（小さいほどよく覚えている）", "Loss (lower: better learned)"),
    "train.curve.rate": ("学習率", "Learning rate"),
    "train.curve.accuracy": (
        "学習に使っていない問題の正解率",
        "Accuracy on questions not trained on",
    ),
    "train.curve.majority": (
        "いちばん多い記号だけを答えた場合",
        "Always the commonest letter",
    ),
    "train.curve.step": ("ステップ", "Step"),
    "train.progress": ("{step} / {max} ステップ", "step {step} of {max}"),
    "train.elapsed": ("経過 {time}", "{time} so far"),
    "train.accuracy_now": ("調整用の問題で {percent} %", "{percent} % on tuning questions"),
    "train.ready": (
        "できあがりました。「質問する」「比べる」「採点する」で選べます。",
        "Ready: it can be chosen on Adapters, Ask and Score.",
    ),
    "train.state.queued": ("順番待ち", "queued"),
    "train.state.starting": ("準備中", "starting"),
    "train.state.running": ("学習中", "running"),
    "train.state.stopped": ("停止", "stopped"),
    "train.state.done": ("完了", "done"),
    "train.state.failed": ("失敗", "failed"),
    "train.state.crashed": ("途中で落ちました", "crashed"),
    "train.col.run": ("学習", "Run"),
    "train.col.state": ("状態", "State"),
    "train.col.step": ("進み", "Progress"),
    "train.col.loss": ("損失", "Loss"),
    "train.col.accuracy": ("調整用の正解率", "Tuning accuracy"),
    "train.col.time": ("時間", "Time"),
    "train.col.message": ("知らせ", "Note"),
    "train.preview": (
        "学習に使う問題 {train} 行、調整に使う問題 {dev} 行"
        "（選択肢の順番の違いも 1 行と数えます）。",
        "{train} rows to train on and {dev} rows to tune on (each order of the choices is a row).",
    ),
    "field.model_name": ("元にするモデル", "Base model"),
    "field.num_epochs": ("くり返し回数（エポック）", "Epochs"),
    "field.batch_size": ("一度に読む問題数", "Batch size"),
    "field.gradient_accumulation_steps": ("まとめて更新する回数", "Gradient accumulation"),
    "field.learning_rate": ("学習率", "Learning rate"),
    "field.max_seq_length": ("一問の長さの上限（トークン）", "Maximum length (tokens)"),
    "field.warmup_ratio": ("ならし運転の割合", "Warm-up ratio"),
    "field.weight_decay": ("重み減衰", "Weight decay"),
    "field.lora_r": ("ランク", "Rank"),
    "field.lora_alpha": ("アルファ", "Alpha"),
    "field.lora_dropout": ("ドロップアウト", "Dropout"),
    "field.target_modules": ("調整する層", "Target modules"),
    "field.max_steps_override": ("ステップ数の上限", "Maximum steps"),
    "field.logging_steps": ("記録の間隔（ステップ）", "Log every (steps)"),
    "field.save_steps": ("保存の間隔（ステップ）", "Save every (steps)"),
    "field.eval_steps": ("正解率を測る間隔（ステップ）", "Measure accuracy every (steps)"),
    "field.seed": ("乱数の種", "Seed"),
    "field.evidence_mix": ("学習時に見せる条文", "Law shown in training"),
    "field.load_best_model_at_end": (
        "調整用の問題で最もよかった時点を残す（外すと最後の時点）",
        "Keep the step that did best on the tuning questions (else the last one)",
    ),
    "field.use_4bit": ("元のモデルを4ビットで読み込む", "Load the base in 4 bits"),
    "field.bnb_4bit_compute_dtype": ("計算の型", "Compute type"),
    "field.bnb_4bit_quant_type": ("4ビットの種類", "4-bit kind"),
    "field.memory_budget": ("使ってよいメモリ（GB）", "Memory budget (GB)"),
    "field.nproc": ("同時に学習するプロセス数（GPU 1枚に1つ）", "Processes (one a GPU)"),
    "field.allow_seen": (
        "試験用の問題と重なっても学習する（採点では印が付きます）",
        "Train even on rows that overlap test questions (marked when scored)",
    ),
    "field.output_dir": ("新しいモデルの名前", "Name of the new version"),
    "field.output_dir.hint": ("空欄なら自動で付きます", "named for you when empty"),
    # -- statutes
    "statutes.title": ("条文を調べる", "Look up the statutes"),
    "statutes.help": (
        "モデルに問題を解かせずに、条文だけを探します。言葉でも、「第12条第2項」のような"
        "条番号でも、文章でも探せます。",
        "Searches the statutes alone, without the model: by words, by a number such as “Article "
        "12(2)” written the Japanese way, or by a whole sentence.",
    ),
    "statutes.text": ("探す言葉", "Search for"),
    "statutes.text.hint": ("例：夜間の営業、届出、第12条", "e.g. 夜間の営業, 届出, 第12条"),
    "statutes.search": ("探す", "Search"),
    "statutes.searching": ("探しています…", "Searching…"),
    "statutes.no_text": (
        "探す言葉か条番号を書いて「探す」を押してください。",
        "Write some words or the number of an article, then press “Search”.",
    ),
    "statutes.too_long": (
        "探す文章が長すぎます（{n} 文字）。{limit} 文字までに縮めてください。",
        "That is too long to search for ({n} characters). Shorten it to {limit} characters.",
    ),
    "statutes.none": (
        "当てはまる条文が見つかりませんでした。言葉を変えるか、短くしてみてください。",
        "No statute fits. Try other words, or fewer.",
    ),
    "statutes.found": (
        "よく当てはまる順に {n} 件。探した言葉と同じところに印を付けています。",
        "{n} passages, best first. Words that you searched for are marked.",
    ),
    "statutes.more": ("残りの {n} 件も見る", "Show the other {n}"),
    "statutes.by": ("見つけ方：{ways}", "Found by: {ways}"),
    "statutes.by.citation": ("条番号で", "the number of the article"),
    "statutes.by.lexical": ("言葉の一致で", "matching words"),
    "statutes.by.dense": ("意味の近さで", "nearness of meaning"),
    "statutes.by.link": ("ほかの条文からの参照をたどって", "a reference from another article"),
    "statutes.asof.none": ("いつの条文かは不明", "date of the text unknown"),
    "statutes.link": ("公式ページで開く", "Open the official page"),
    "statutes.preparing": (
        "条文の索引を準備しています。できあがりしだい探します。",
        "The index of the statutes is being made. The search starts as soon as it is ready.",
    ),
    "statutes.offer": (
        "この画面の下の方にある、索引を作るボタンを押しても直せます。",
        "The button for the index further down on this panel puts it right, too.",
    ),
    "statutes.index": ("いまの索引", "The index now"),
    "statutes.index.laws": ("法令", "Laws"),
    "statutes.index.articles": ("条文", "Articles"),
    "statutes.index.passages": ("項などの区切り", "Passages"),
    "statutes.index.asof": ("時点", "As of"),
    "statutes.index.embedder": ("意味の比べ方", "Embedder"),
    "statutes.index.size": ("大きさ", "Size"),
    "statutes.unknown": ("不明（条文に日付がありません）", "unknown (the texts bear no date)"),
    "statutes.embedder.embedded": ("同梱の埋め込みモデル", "the one that ships"),
    "statutes.mb": ("約 {n} MB", "{n} MB"),
    "statutes.near_oracle": (
        "この索引は問題集に付属する条文だけから作られています。見つけやすさは実際より良く見えます。",
        "This index is made of the questions' own texts alone: search looks better than it is.",
    ),
    "statutes.missing": (
        "条文の索引はまだありません。「索引を作る」を押すと作られます。",
        "There is no index of the statutes yet. Press “Build the index” to make it.",
    ),
    "statutes.left_out": ("索引に入らなかったファイル", "Files that were left out"),
    "statutes.build": ("索引を作る", "Build the index"),
    "statutes.rebuild": ("索引を作り直す", "Rebuild the index"),
    "statutes.step.index": ("索引を作る準備をしています…", "Getting ready to build the index…"),
    "statutes.step.fetch": ("e-Gov に問い合わせています…", "Asking e-Gov…"),
    "statutes.progress.index": (
        "索引を作っています：{total} 件中 {done} 件",
        "Building the index: {done} of {total} passages",
    ),
    "statutes.meanwhile": (
        "そのあいだも、いまの索引で探せます。",
        "The present index serves meanwhile.",
    ),
    "statutes.progress.fetch": (
        "法令を取り寄せています：{total} 件中 {done} 件（{name}）",
        "Fetching: {done} of {total} files ({name})",
    ),
    "statutes.done": (
        "索引ができました（{n} 件）。",
        "The index is ready ({n} passages).",
    ),
    "statutes.add.title": ("法令を追加する", "Add a law"),
    "statutes.add.help": (
        "e-Gov の法令ID（法令のページのアドレスにある15文字）を書いて「追加」を押すと、"
        "{date} 時点の条文を取り寄せ、索引を作り直します。",
        "Write e-Gov's id of the law (15 characters in the address of its page) and press “Add”: "
        "its text as of {date} is fetched and the index rebuilt.",
    ),
    "statutes.add.law": ("法令ID", "Law id"),
    "statutes.add.hint": ("例：403AC0000000090", "e.g. 403AC0000000090"),
    "statutes.add": ("追加", "Add"),
    "statutes.add.no_id": (
        "追加する法令のIDを書いてください。",
        "Write the id of the law to add.",
    ),
    "statutes.demo": (
        "閲覧専用のデモでは、索引の作り直しと法令の追加はできません。条文は探せます。",
        "In the read-only demo the index cannot be rebuilt and no law added. You can search.",
    ),
}

TEXT |= adapters_text.TEXT | ask_text.TEXT | class_text.TEXT | score_text.TEXT
TEXT |= train_text.TEXT | mine_text.TEXT | glossary_text.TEXT | welcome_text.TEXT


def say(key: str, lang: str, **params: object) -> str:
    """The words of `key` in `ja` or `en`, its braces filled from `params`.

    Raises KeyError for a key that `TEXT` lacks: a programmer's mistake.
    """
    ja, en = TEXT[key]
    words = ja if lang == "ja" else en
    return words.format(**params) if params else words


def said(key: str, lang: str, otherwise: str) -> str:
    """Like `say`, but `otherwise` for a name that has no words here (a set, a state)."""
    return say(key, lang) if key in TEXT else otherwise


def duration(seconds: float, lang: str) -> str:
    """A length of time as people say it: `0.4 秒`, `2 min 5 s`."""
    if seconds < 10 and isinstance(seconds, float):
        return say("word.seconds", lang, n=f"{seconds:.1f}")
    if seconds < 90:
        return say("word.seconds", lang, n=round(seconds))
    return say("word.minutes", lang, m=int(seconds) // 60, s=int(seconds) % 60)


def remaining(seconds: float | None, lang: str) -> str:
    """How long something will take yet; words, and no figure, where nobody can tell (None)
    or the time reckoned is over."""
    if seconds is None:
        return say("wait.unknown", lang)
    if seconds < 1:
        return say("wait.soon", lang)
    return say("wait.left", lang, time=duration(round(seconds), lang))


def preferred(accept_language: str, default: str) -> str:
    """The first of ja and en that a browser's Accept-Language asks for, best weight
    first (RFC 9110, section 12.5.4), otherwise `default`."""
    wishes = []
    for place, part in enumerate(accept_language.split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            quality = 0.0
        language = tag.strip().lower().split("-")[0]
        if language in ("ja", "en") and quality > 0:
            wishes.append((-quality, place, language))
    return min(wishes)[2] if wishes else default
