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
    "adapters.columns": ("比べるモデル（二つ以上）", "Versions to compare (two or more)"),
    "adapters.compare": ("この問題で比べる", "Compare on this question"),
    "adapters.too_few": (
        "比べるモデルを二つ以上選んでください。",
        "Choose at least two versions to compare.",
    ),
    "adapters.side": ("同じ問題を並べて解かせる", "One question, side by side"),
    "adapters.before": (
        "モデルを二つ以上選んで「この問題で比べる」を押すと、答えがここに並びます。",
        "Choose two or more versions and press “Compare on this question”: the answers stand "
        "here side by side.",
    ),
    "adapters.agree": ("すべて {letter} で一致しました。", "All of them answer {letter}."),
    "adapters.differ": ("答えが割れました：{counts}", "They disagree: {counts}"),
    "adapters.differ.count": ("{letter} は {names}", "{letter} says {names}"),
}
