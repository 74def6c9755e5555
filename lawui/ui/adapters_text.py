"""The words of the Adapters tab; part of text.TEXT."""

from __future__ import annotations

TEXT: dict[str, tuple[str, str]] = {
    # -- adapters
    "adapters.list": ("追加学習したモデル", "Fine-tuned versions"),
    "adapters.empty": (
        "まだありません。「学習させる」のタブで「開始」を押すと、終わったものがここに並びます。",
        "None yet. Press “Start” on the Train tab: what finishes is listed here.",
    ),
    "adapters.name": ("名前", "Name"),
    "adapters.base": ("元にしたモデル", "Base"),
    "adapters.rank": ("ランク", "Rank"),
    "adapters.set": ("学習に使った問題", "Trained on"),
    "adapters.split": ("学習/調整に使った組", "Groups seen"),
    "adapters.groups": ("{n} 組", "{n} groups"),
    "adapters.groups.untold": ("記録なし", "not recorded"),
    "adapters.date": ("作成日", "Made on"),
    "adapters.loss": ("最後の損失", "Final loss"),
    "adapters.state": ("状態", "State"),
    "adapters.sound": ("使えます", "Ready"),
    "adapters.faulty": ("使えません", "Not usable"),
    "adapters.help": (
        "「追加学習」とは、元のモデルに問題と正解を見せて、答え方を少しだけ調整することです。"
        "元のモデルは変わらず、調整した部分だけが小さなファイル（アダプター）になります。",
        "Fine-tuning shows a model questions with their answers and adjusts it a little. The base "
        "stays as it is: the adjustment is a small file of its own, an adapter.",
    ),
    "adapters.columns": (
        "並べるもの：モデルと条文の見せ方（2〜6 個）",
        "Columns: versions and how the law is shown (2 to 6)",
    ),
    "adapters.orders": (
        "選択肢の順番を入れ替えて確かめる",
        "Also try other orders of the choices",
    ),
    "adapters.compare": ("この問題で比べる", "Compare on this question"),
    "adapters.too_few": (
        "並べるものを 2 個から 6 個まで選んでください。",
        "Choose two to six columns.",
    ),
    "adapters.side": ("同じ問題を並べて解かせる", "One question, side by side"),
    "adapters.before": (
        "並べるものを選んで「この問題で比べる」を押すと、答えがここに並びます。",
        "Choose columns and press “Compare on this question”: the answers stand here side by side.",
    ),
    "adapters.agree": ("すべて {letter} で一致しました。", "All of them answer {letter}."),
    "adapters.differ": ("答えが割れました：{counts}", "They disagree: {counts}"),
    "adapters.differ.count": ("{letter} は {names}", "{letter} says {names}"),
    "adapters.passages": ("見せた条文（{n} 件）", "Law shown ({n} passages)"),
    "adapters.settings": ("設定の違い", "What differs in their settings"),
    "adapters.settings.name": ("設定", "Setting"),
    "adapters.settings.help": (
        "上で選んだ追加学習のうち、設定や由来が違うところだけを示します（二つ以上選んだとき）。",
        "Where the fine-tuned versions chosen above differ (when there are two or more).",
    ),
    "adapters.settings.same": (
        "設定に違いはありません。",
        "Their settings are the same.",
    ),
    "adapters.of.base": ("元にしたモデル", "Base"),
    "adapters.of.base_sha": ("元にしたモデルの照合値", "Hash of the base"),
    "adapters.of.set": ("学習に使った問題", "Trained on"),
    "adapters.of.groups": ("学習と調整で見た組の数", "Groups seen"),
    "adapters.of.loss": ("最後の損失", "Final loss"),
    "adapters.of.weights_sha": ("追加学習の照合値", "Hash of the adapter"),
    "adapters.of.prompt_sha": ("問い方の照合値", "Hash of the prompt"),
    "adapters.of.licence": ("ライセンス", "Licence"),
    "adapters.of.created": ("作成日", "Made on"),
    "adapters.of.train_set": ("学習に使う問題集", "Question set"),
    "adapters.of.train_file": ("学習に使うファイル", "File"),
    "adapters.of.lr_scheduler_type": ("学習率の下げ方", "Schedule of the learning rate"),
    "adapters.of.max_grad_norm": ("勾配の上限", "Limit of the gradient"),
    "adapters.of.early_stopping_patience": ("早めに止める条件", "Early stopping"),
    "adapters.of.do_train": ("学習の有無", "Trained"),
    "adapters.of.start_sha": ("出発点の照合値", "Hash of what it started from"),
    "adapters.of.dataset_sha": ("問題集の照合値", "Hash of the set"),
    "adapters.where": ("食い違う問題", "Where they differ"),
    "adapters.where.help": (
        "選んだ並びを問題集の全部に解かせ、答えが食い違う問題を、割れ方の大きい順に並べます。"
        "ここでは問題集にある順番で解かせるので、僅差の答えは上の欄と違うことがあります。",
        "Puts the whole set to the chosen columns and lists where their answers differ, the most "
        "torn first. The set's own orders of the choices are used: a close call may come out "
        "otherwise than above.",
    ),
    "adapters.where.start": ("食い違う問題を探す", "Find where they differ"),
    "adapters.where.show": ("どれとどれの食い違いを見るか", "Between which columns"),
    "adapters.where.any": ("どれか一つでも食い違う", "Any of them"),
    "adapters.where.pair": ("{a} と {b}", "{a} against {b}"),
    "adapters.where.count": (
        "{total} 問中 {n} 問で答えが食い違いました。",
        "They differ on {n} of {total} questions.",
    ),
    "adapters.where.first": ("最初の {n} 問を示しています。", "The first {n} are listed."),
    "adapters.where.previous": ("← 前の食い違い（P）", "← Previous difference (P)"),
    "adapters.where.next": ("次の食い違い（N） →", "Next difference (N) →"),
    "adapters.where.before": (
        "「食い違う問題を探す」を押すと、ここに並びます。"
        "問題の番号を押すか、N・P キーで順に開けます。",
        "Press “Find where they differ”: they are listed here. Press a number, or the keys N and "
        "P, to open them one after another.",
    ),
    "adapters.where.stopped": (
        "途中で止まりました。もう一度押すと、済んだ問題をくり返さずに続きます。",
        "It stopped half-way. Press again to go on; nothing that was answered is asked again.",
    ),
}
