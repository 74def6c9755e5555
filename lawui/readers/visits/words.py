"""What the files of a visit say, in Japanese and English."""

from __future__ import annotations

from typing import Any

from lawui.types import BASE, LETTERS

WORDS: dict[str, tuple[str, str]] = {
    "title": ("法令四択ラボ　見たものの記録", "Law question lab: what was seen"),
    "advice": (
        "ここにある答えと説明は小さな言語モデルによる実験の結果であり、法的助言ではありません。",
        "The answers and reasons here are results of an experiment with a small language model, "
        "not legal advice.",
    ),
    "count": ("{n} 件の答え", "{n} answers"),
    "number": ("{n}. {id}", "{n}. {id}"),
    "altered_question": ("改変した問題", "reworded question"),
    "choice": ("モデルの答え：{letter}", "The model's answer: {letter}"),
    "cannot_tell": (
        "このモデルには、この四つの見分けがつきませんでした。",
        "This model could not tell these four apart.",
    ),
    "orders": (
        "選択肢の順番を入れ替えた {n} 回のうち {same} 回が {letter}",
        "{letter} in {same} of {n} orders of the choices",
    ),
    "official": ("公式の正解：{letter}", "Official answer: {letter}"),
    "own": ("自分の答え：{letter}", "My own answer: {letter}"),
    "share": ("モデルの傾き", "Leaning"),
    "before": ("前回", "Before"),
    "letter": ("選択肢", "Choice"),
    "passages": ("モデルに見せた条文", "The law that the model was shown"),
    "no_passages": ("条文は見せていません。", "It was shown no law."),
    "hidden": ("見せていない", "not shown"),
    "shortened": ("長いため途中まで見せた", "too long: only its beginning was shown"),
    "nolaw": ("出典の記載がない文", "text without a stated source"),
    "asof": ("{date} 時点の条文", "law as of {date}"),
    "changes": ("変えたところ", "Changes"),
    "hangs": (
        "外すと答えが変わる条文：{passages}",
        "Without these the answer turns: {passages}",
    ),
    "by": (
        "答えたモデル：{model}（{adapter}）　見せた条文：{evidence}",
        "Answered by {model} ({adapter}), {evidence}",
    ),
    "base": ("元のモデル", "base model"),
    "none": ("条文なし", "without the law"),
    "retrieved": ("検索した条文", "with articles found"),
    "given": ("付属の条文", "with its own text"),
    "added": ("自分で加えた条文", "with law added by hand"),
    "reason": (
        "モデルが書いた説明（モデルの言葉で、条文ではありません）",
        "The reason in the model's own words (they are no law)",
    ),
    "unsupported": ("〔根拠の条文なし〕", "[no passage supports this]"),
    "mark": ("自分の印：{mark}", "My mark: {mark}"),
}


def word(key: str, lang: str, **params: object) -> str:
    """The words of `key` in `ja` or `en`."""
    ja, en = WORDS[key]
    return (ja if lang == "ja" else en).format(**params)


def verdict(entry: dict[str, Any], lang: str) -> list[str]:
    """What the model answered, in sentences; the official answer where it was revealed."""
    answer, gold = entry["answer"], entry["question"]["gold"]
    if answer["cannot_tell"]:
        lines = [word("cannot_tell", lang)]
    else:
        lines = [word("choice", lang, letter=answer["choice"])]
    orders = answer["orders"]
    if orders:
        same = orders.count(answer["choice"])
        params = {"n": len(orders), "same": same, "letter": answer["choice"]}
        lines.append(word("orders", lang, **params))
    if entry["hangs"]:
        between = "、" if lang == "ja" else "; "
        lines.append(word("hangs", lang, passages=between.join(entry["hangs"])))
    if entry["own"]:
        lines.append(word("own", lang, letter=entry["own"]))
    if gold:
        lines.append(word("official", lang, letter=gold))
    if entry["mark"]:
        said = entry["mark"][lang] + (f"：{c}" if (c := entry["mark"]["comment"]) else "")
        lines.append(word("mark", lang, mark=said))
    return lines


def maker(entry: dict[str, Any], lang: str) -> str:
    """Which model and adapter answered, with which law as of which date."""
    answer = entry["answer"]
    name = word("base", lang) if answer["adapter"] == BASE else answer["adapter"]
    shown = [p for p in entry["passages"] if p["shown"]]
    kind = "added" if answer["evidence"] == "none" and shown else answer["evidence"]
    words = word("by", lang, model=answer["model"], adapter=name, evidence=word(kind, lang))
    dates = sorted({p["asof"] for p in shown if p["asof"]})
    if not dates:
        return words
    date = word("asof", lang, date=dates[-1])
    return words + (f"（{date}）" if lang == "ja" else f" ({date})")


def heading(passage: dict[str, Any], lang: str) -> str:
    """A passage's citation with its caption, and whether the model was not shown it, or not
    to its end."""
    title = passage["citation"] or word("nolaw", lang)
    if passage["caption"]:
        title += f"（{passage['caption'].strip('（）()')}）"
    if not passage["shown"]:
        return f"{title}　〔{word('hidden', lang)}〕"
    # An answer that was kept before this was noted does not tell.
    return f"{title}　〔{word('shortened', lang)}〕" if passage.get("shortened") else title


def shares(entry: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(letter, share now, share before) in per cent; no share where the model cannot tell."""
    answer, before = entry["answer"], entry["before"]
    rows: list[tuple[str, str, str]] = []
    for i, letter in enumerate(LETTERS):
        now = "" if answer["cannot_tell"] else f"{100 * answer['probs'][i]:.0f} %"
        old = f"{100 * before['probs'][i]:.0f} %" if before else ""
        rows.append((letter, now, old))
    return rows


def sentences(entry: dict[str, Any], lang: str) -> list[tuple[str, bool]]:
    """The model's reason as (sentence, whether a passage supports it)."""
    return [(text, bool(fine)) for text, fine in (entry["reason"] or ())]
