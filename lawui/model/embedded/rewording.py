"""The same rule in other words.

Every choice of a question, right or wrong, goes through `write` with its own random
strength, so that the style of a choice says nothing about its truth. A fifth of the word
pairs and frames is held out of training: the held-out questions are written with those
alone and so measure whether rewording was learnt or only these words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from lawui.model.embedded.japanese import (
    CONDITION,
    IS,
    IS_NOT,
    MAY,
    MUST,
    MUST_NOT,
    NEED_NOT,
    NOUN,
    NUMERAL,
    SHALL,
    TOPIC,
    Proposition,
    negative_stem,
    parse_number,
    passive,
    polite_stem,
    te_form,
)

_Frames = tuple[Callable[[str], str], ...]


def _frames(*endings: str) -> _Frames:
    """Functions from a predicate in dictionary form; `~` is the form before ない, `+` the
    te form, `-` the form before ます and `=` the dictionary form."""

    def make(ending: str) -> Callable[[str], str]:
        form, rest = ending[0], ending[1:]
        if form == "~":
            return lambda verb: negative_stem(verb) + rest
        if form == "-":
            return lambda verb: polite_stem(verb) + rest
        if form == "+":
            return lambda verb: te_form(verb) + rest
        return lambda verb: verb + rest

    return tuple(make(e) for e in endings)


_MODAL: dict[str, _Frames] = {
    MUST: _frames(
        "~なければならない",
        "=必要がある",
        "=義務がある",
        "=ことを要する",
        "=ことが義務付けられている",
        "=義務を負う",
        "=ことが求められる",
        "~なければいけない",
        "=ことが必要である",
        "~ないでいることは許されない",
        "~なければならないとされている",
        "=ことを義務付けられる",
        "~なければなりません",
        "=必要があります",
        "=義務があります",
        "~ないことは認められない",
        "=ことが必須である",
        "=ことが必要です",
    ),
    MAY: _frames(
        "=ことができる",
        "=ことが可能である",
        "=ことが認められている",
        "=ことが許される",
        "=ことも差し支えない",
        "+もよい",
        "=ことができるとされている",
        "=ことが認められる",
        "=かどうかは任意である",
        "+も構わない",
        "=ことができます",
        "=ことが可能です",
        "=ことは禁止されていない",
        "+もかまいません",
        "=ことが認められています",
        "=ことを妨げられない",
    ),
    MUST_NOT: _frames(
        "+はならない",
        "=ことはできない",
        "=ことは許されない",
        "=ことは禁止されている",
        "=ことが禁じられている",
        "=ことは認められない",
        "=ことができない",
        "+はいけない",
        "=ことができないとされている",
        "=ことは認められていない",
        "+はなりません",
        "=ことはできません",
        "=ことは認められません",
        "=ことは不可能である",
        "+はいけません",
        "=ことが許されていない",
    ),
    NEED_NOT: _frames(
        "=必要はない",
        "~なくてもよい",
        "=ことを要しない",
        "=義務はない",
        "=ことは求められていない",
        "~なくても差し支えない",
        "=義務を負わない",
        "=ことは必要ではない",
        "~なくて構わない",
        "=までの必要はない",
        "=必要はありません",
        "~なくてもかまいません",
        "=義務はありません",
        "~ないことも許される",
        "=ことは不要である",
        "=ことを強いられない",
    ),
    SHALL: _frames(
        "=ものとする",
        "=こととされている",
        "=",
        "=ものとされる",
        "=こととなる",
        "=ことになっている",
        "=ものとされている",
        "-ます",
        "=ものとします",
        "=こととされています",
    ),
    IS: _frames(
        "=",
        "=こととされている",
        "=ものとされている",
        "=とされている",
        "=こととなる",
        "=",
        "-ます",
        "=こととされています",
        "=とされています",
    ),
    IS_NOT: _frames(
        "~ない",
        "=ことはない",
        "~ないものとする",
        "~ないこととされている",
        "~ないものとされている",
        "-ません",
        "~ないこととされています",
    ),
}

# Left words and right words mean the same; either side may replace the other ("<>") or
# only the left one the right (">").
_WORDS = """
又は > または,か,もしくは
若しくは > または,もしくは,又は
及び > と,および,並びに
並びに > 及び,ならびに,と
場合には > ときは,場合は,際には
ときは > 場合には,場合は,際は,とき
ときには > 場合には
場合において > 場合に,ときに
おそれがある > 可能性がある,危険がある
により > によって
に基づき > に基づいて,により,に従って
に関し > について,に関して
に対し > に対して,に
につき > について,に関し
その他の > などの,ほかの
に係る > に関する,についての
に関する > についての,に係る
当該 > その,
あらかじめ > 事前に,前もって
遅滞なく > 遅れることなく,滞りなく
直ちに > すぐに,即座に
速やかに > 早急に,すみやかに
以内に > を超えない期間内に,の間に
までに > までの間に
以上の > を下回らない
以下の > を超えない
未満の > に満たない,を下回る
を超える > を上回る,より多い
を超えない > 以下の
満了 > 終了
の規定により > の定めにより,の規定に基づき,によって
の規定による > に基づく,の定めによる
の規定に > の定めに
定めるところにより > 定めに従い,定めるとおり,規定に従って
で定める > が定める,で規定する,に定められた
に定める > に規定する,で定める,に定められた
定める > 規定する,決める
規定する > 定める,定められた
必要があると認めるとき > 必要と判断したとき,必要と考えるとき
必要があると認める > 必要と判断した
必要と認める > 必要があると判断する
必要な > 要する
困難 > 難しい状態
著しく > 大きく,はなはだしく
正当な理由がなく > 正当な理由なしに,正当な事由なく
正当な理由がないのに > 正当な理由なく
正当な理由 > 正当な事由,もっともな理由
やむを得ない > 避けられない,どうしようもない
虚偽の > うその,真実でない,事実と異なる
偽りその他不正の手段 > 不正な方法,偽りなどの不正な手段
不正の > 不正な
書面 > 文書
書類 > 文書
氏名 > 名前
名称 > 名前
所在地 > 所在する場所
者は > 人は
者に > 人に
者の > 人の
者が > 人が
所有者 > 持ち主,所有する者
使用者 > 使う者
利害関係人 > 利害関係者,利害のある者
未成年者 > 成年に達しない者
毎年 > 年ごとに
費用 > 経費
職員 > 担当者
地方公共団体 > 自治体
都道府県知事 > 知事
市町村長 > 市町村の長
内閣総理大臣 > 総理大臣
の許可を受けないで > の許可なく,に無許可で
許可を受けないで > 許可なく,無許可で
許可を受けた > 許可を得た
許可を受け > 許可を得
認可を受け > 認可を得
承認を受け > 承認を得
認定を受け > 認定を得
免許を受け > 免許を得
確認を受け > 確認を得
同意を得て > 了解を得て,同意の下に
同意を得 > 了承を得
意見を聴 > 意見を聞
届け出 > 届出をし
提出し > 差し出し
提出する > 差し出す
提出した > 差し出した
交付し > 渡し
交付する > 渡す
交付を受け > 渡され
通知し > 知らせ
通知する > 知らせる
変更し > 改め
変更する > 改める
変更しようとする > 変えようとする
廃止し > やめ
廃止する > やめる
支払う > 払う
支払わ > 払わ
支払い > 払い
納付し > 納め
納付する > 納める
記載し > 記し,書き
記載する > 記す,書く
記載した > 書いた,記した
添付し > 添え,付け
添付する > 添える,付ける
添えて > 添付して,付けて
求める > 要求する
命ずる > 命じる,命令する
命じ > 命令し
保存し > 保管し
保存する > 保管する
備え > 用意し
備える > 用意する
使用し > 使い,用い
使用する > 使う,用いる
使用して > 使って,用いて
用いて > 使って
用いる > 使う
有する > 持つ,備えている
有しない > 持たない,備えていない
所有する > 持つ
取得し > 得
取得する > 手に入れる
譲渡し > 譲り渡し
譲渡する > 譲り渡す
貸し付ける > 貸す
設置し > 設け
設置する > 設ける
設ける > 設置する
置く > 設ける,設置する
努める > 努力する
努めなければ > 努力しなければ
確認し > 確かめ
確認する > 確かめる
開始し > 始め
開始する > 始める
開始した > 始めた
終了し > 終え
終了した > 終わった
失う > 喪失する
生ずる > 生じる,発生する
生じた > 発生した,起きた
講ずる > とる,講じる
講じ > とり
請求する > 求める
請求し > 求め
請求があった > 求められた
申請する > 申し立てる
作成し > 作り
作成する > 作る
公表し > 公にし
公表する > 公にする
行う > 実施する,する
行われ > 実施され
行わな > 実施しな
行った > 実施した,した
行おうとする > 実施しようとする,しようとする
受けようとする > 得ようとする
選任し > 選び
選任する > 選ぶ
任命する > 任ずる
含む > 含める
除く > 除外する
除き > 除外して
超えて > 上回って
違反し > 反し,背き
違反した > 反した,背いた
該当する > 当たる,当てはまる
該当し > 当たり
該当しない > 当たらない,当てはまらない
適合し > 合致し
適合する > 合致する,合う
適合しない > 合致しない,合わない
属する > 含まれる
従い > 従って
従わ > 服さ
当たり > 際して
当たって > 際して
当たっては > 際しては
際し > 当たり
完了し > 終え
完了した > 終えた
死亡し > 亡くなっ
死亡した > 亡くなった
消滅する > なくなる
効力を失う > 無効になる
効力を有しない > 無効である
効力を生ずる > 有効になる
妨げない > 差し支えない
拒む > 断る
拒ん > 断っ
容易に > たやすく
適切な > ふさわしい,適当な
適正な > 正しい,適切な
十分な > 足りるだけの
相当の > 相応の
重大な > 大きな
重要な > 大切な
特別の > 特別な
一定の > 所定の
自己の > 自分の
自ら > 自分で
他の > ほかの
すべて > 全部
全ての > すべての
一部 > 一部分
同時に > 併せて
引き続き > 継続して
新たに > 新しく
ごとに > 単位で
ために > 目的で
を目的とする > を目的にする
としての > である
とみなす > とみなされる,と扱われる,と扱う
と推定する > と推定される
請求により > 求めにより,求めに応じて
申請により > 申請に基づき,申請を受けて
申出により > 申出に基づき
期日 > 定められた日
当分の間 > しばらくの間
何人も > 誰であっても,だれも
主務大臣 > 主務の大臣
公衆 > 一般の人々
被害者 > 被害を受けた者
相続人 > 相続した者
代理人 > 代わりの者
損害 > 損失
賠償 > 補償
居住 > 住んで
建物 > 建築物
要件 > 条件
方法 > やり方
措置 > 対応
範囲 > 限度
目的 > ねらい
事由 > 理由
原因 > もと
状況 > 様子
指示 > 指図
監督 > 監視
従事する > 携わる,就いている
従事し > 携わり
関与する > 関わる
実施し > 行い
実施する > 行う
決定し > 決め
決定する > 決める
選定する > 選ぶ
委託する > 任せる
委託し > 任せ
委任する > 任せる
立ち入り > 入り
示す > 明らかにする
明らかにし > はっきり示し
呈示し > 見せ
提示し > 見せ
提示する > 見せる
表示し > 示し
表示する > 示す
掲示し > 貼り出し
管理し > 取り扱い
停止し > 止め
停止する > 止める
返還し > 返し
返還する > 返す
返納し > 返し
負担する > 負う,持つ
負担とする > 負担になる
免除する > 免ずる
考慮し > 踏まえ
勘案し > 考慮し,踏まえ
配慮し > 気を配り
協力し > 力を合わせ
防止する > 防ぐ
防止し > 防ぎ
確保する > 保つ
確保し > 保ち
維持し > 保ち
保護する > 守る
保護し > 守り
侵害し > 害し
遵守し > 守り
遵守する > 守る
秘密を漏らし > 秘密を外に出し
滅失し > 失われ
滅失した > 失われた
破損し > 壊れ
隣接する > 隣り合う
満たす > 充足する
満たさない > 充足しない
満たない > 足りない,達しない
達した > 至った
経過した > 過ぎた,たった
経過する > 過ぎる
起算して > 数えて
から起算し > から数え
前日までに > 前の日までに
翌日 > 次の日
月末 > 月の終わり
年度 > 会計年度
事務所 > オフィス
営業所 > 事業所
"""


def _word_table(held_out: bool) -> tuple[re.Pattern[str], dict[str, list[str]]]:
    """The pairs for training, or the fifth of them that training never sees."""
    table: dict[str, list[str]] = {}
    for number, line in enumerate(_WORDS.strip().splitlines()):
        left, right = line.split(" > ")
        if (number % 5 == 4) == held_out:
            table[left] = right.split(",")
    longest_first = sorted(table, key=len, reverse=True)
    return re.compile("|".join(map(_whole_word, longest_first))), table


def _whole_word(word: str) -> str:
    """A pattern for `word` where it is a word of its own and its ending may change."""
    before = "(?<![一-龥])" if "一" <= word[0] <= "龥" else ""
    if word.startswith("者"):
        before = "(?<=[たるいうくすつむな])"
    after = "(?![なてたまよ])" if word[-1] in "しじき" else ""
    return before + re.escape(word) + after


_WORD_TABLES = {held_out: _word_table(held_out) for held_out in (False, True)}


def _modal_frames(modality: str, held_out: bool) -> Sequence[Callable[[str], str]]:
    frames = _MODAL[modality]
    if modality in (SHALL, IS, IS_NOT):
        return frames
    chosen = [f for n, f in enumerate(frames) if (n % 5 == 4) == held_out]
    return [frames[0], *chosen] if held_out else chosen


_FRAMES = {
    (modality, held_out): _modal_frames(modality, held_out)
    for modality in _MODAL
    for held_out in (False, True)
}

_REFERENCE = re.compile(
    r"(?:(?<=^)|(?<=[はをにが、]))(?:[^はがをに、]|第[^は]{1,20}に(?=規定)|項に(?=規定|掲げ|定め)|条に(?=規定|掲げ|定め)"
    r"|に(?=係る|関する|基づく)){1,40}?(?:の規定による|に規定する|に掲げる|に係る|に関する|で定める|の定める|に定める"
    r"|に基づく|の規定により)(?=[一-龥ァ-ヶ])"
)
_LIST = re.compile(
    r"(?<![一-龥ァ-ヶー])(?!第)([一-龥ァ-ヶー]{2,12})(?:、[一-龥ァ-ヶー]{2,12})*"
    r"(?:及び|又は|並びに|若しくは)(?!第)([一-龥ァ-ヶー]{2,12})(?=[をにがのは])"
)
_POSITIVE = (MUST, MAY, SHALL, IS)


def condense(rule: Proposition, rng: Random) -> Proposition:
    """The gist of a rule, as people retell it: without references to other provisions,
    with one member of a list and without manners that the rule does not turn on.

    What is left follows from the rule: only rules that allow or oblige lose a manner.
    """

    def shorten(text: str) -> str:
        bare = _REFERENCE.sub("", text) if rng.random() < 0.8 else text
        text = text if _EMPTY.match(bare) else bare.replace("当該", "")
        return _LIST.sub(lambda m: m[rng.choice((1, 2))], text) if rng.random() < 0.6 else text

    kept = []
    for chunk in rule.chunks:
        structural = TOPIC.match(chunk) or CONDITION.search(chunk) or _COUNTED.search(chunk)
        if structural or rule.modality not in _POSITIVE or rng.random() < 0.35:
            kept.append(shorten(chunk))
    return rule.with_(
        chunks=tuple(c for c in kept if len(c) > 1),
        predicate=shorten(rule.predicate),
        origin=rule.origin or rule.plain(),
    )


_EMPTY = re.compile(r"^(?:場合|とき|者|もの|事項|書類)?[ぁ-ん除限]*$")
_COUNTED = re.compile(rf"[{NUMERAL}]|ない|除|限|以外|まで|から|[をがて]$|し$|又は$|かつ$|及び$")
_DROPPABLE = re.compile(
    r"^(?:[^はがを]{0,14}(?:令|規則|条例|命令)で定めるところにより|政令で定める場合を除き|この法律で定めるところにより"
    r"|[^はがを]{0,12}の定めるところにより|命を受けて|必要に応じ(?:て)?|次項に規定する場合を除き"
    r"|(?:第[一二三四五六七八九十]+条)?(?:第[一二三四五六七八九十]+項|前項|同項)の規定(?:により|に基づき)|それぞれ|当該)$"
)
_KANJI_NUMBER = re.compile(rf"[{NUMERAL}]+")
_MONTHS = re.compile(
    rf"([{NUMERAL}]+)月(?=以内|以上|以下|未満|間|を|前|ごと|の期間|に満|の範囲|が経)"
)
_FRACTION = re.compile(rf"([{NUMERAL}]+)分の([{NUMERAL}]+)")
_SAME_SPAN = {
    "一年": "十二月",
    "六月": "半年",
    "十四日": "二週間",
    "七日": "一週間",
    "二年": "二十四か月",
}
_NOT_COUNTED = re.compile(
    r"一部|一般|一切|一時|一定|統一|同一|唯一|一体|第三者|一方|一括|均一|三者|万一|千葉|八王子"
)


def arabic(text: str) -> str:
    """Every counted kanji numeral as digits: 三十日 -> 30日, 三分の一 -> 3分の1, 三月以内 ->
    3か月以内. Words such as 一部 and 一般 stay."""
    kept = {m.start() for m in _NOT_COUNTED.finditer(text)}
    kept |= {k + 1 for k in kept}
    text = _MONTHS.sub(lambda m: m[0] if m.start() in kept else m[1] + "か月", text)

    def digits(match: re.Match[str]) -> str:
        if match.start() in kept or any(k in range(match.start(), match.end()) for k in kept):
            return match[0]
        value = parse_number(match[0])
        if not value or match[0][0] in "万億":
            return match[0]
        if value >= 10_000 and value % 10_000 == 0:
            return f"{value // 10_000}万" if value < 100_000_000 else f"{value:,}"
        return str(value) if value < 10_000 else f"{value:,}"

    return _KANJI_NUMBER.sub(digits, text)


def _percent(text: str) -> str:
    def write(match: re.Match[str]) -> str:
        below, above = parse_number(match[1]), parse_number(match[2])
        if below == 100 and above:
            return f"{above}パーセント"
        if below == 10 and above:
            return f"{above}割"
        return match[0]

    return _FRACTION.sub(write, text)


class Writer:
    """Writes propositions in other words with the words of training or the held-out ones."""

    def __init__(self, held_out: bool = False) -> None:
        self.held_out = held_out
        self._pattern, self._words = _WORD_TABLES[held_out]

    def write(self, rule: Proposition, rng: Random, strength: float | None = None) -> str:
        """One sentence without full stop. `strength` in [0, 1] is how much is reworded;
        by default it is drawn anew, a fifth of the time 0: word for word."""
        if strength is None:
            strength = 0.0 if rng.random() < 0.2 else rng.random()
        chunks, predicate = list(rule.chunks), rule.predicate
        if rule.modality == NOUN:
            return self.words("、".join((*chunks, predicate)), rng, strength)
        if strength:
            chunks = _thin(chunks, rng, strength)
            if rng.random() < 0.6 * strength:
                _reorder(chunks)
            if rng.random() < 0.12 * strength:
                cleft = self._cleft(chunks, predicate, rule.modality, rng, strength)
                if cleft is not None:
                    return self.words(cleft, rng, strength)
            chunks, predicate = _voice(chunks, predicate, rule.modality, rng, strength)
        end = self._modal(predicate, rule.modality, rng, strength)
        return self.words(_join(chunks, end, rng, strength), rng, strength)

    def _cleft(
        self, chunks: list[str], predicate: str, modality: str, rng: Random, strength: float
    ) -> str | None:
        """Aは、Bをする -> Bをするのは、Aである; None without a topic or in polite form."""
        topic = next((i for i, c in enumerate(chunks) if TOPIC.match(c)), None)
        end = self._modal(predicate, modality, rng, strength)
        if topic is None or end.endswith(("す", "せん")):
            return None
        rest = _join(chunks[:topic] + chunks[topic + 1 :], end, rng, strength)
        end = "なのは、" if end.endswith("任意である") else "のは、"
        rest = rest.removesuffix("である") if end == "なのは、" else rest
        return rest + end + chunks[topic][:-1] + rng.choice(("である", "とされている", "だ"))

    def _modal(self, predicate: str, modality: str, rng: Random, strength: float) -> str:
        if rng.random() >= 0.3 + strength:
            return _MODAL[modality][0](predicate)
        return rng.choice(_FRAMES[modality, self.held_out])(predicate)

    def words(self, text: str, rng: Random, strength: float) -> str:
        """`text` with some words replaced and, often, its numerals in digits."""
        table = self._words
        rate = 0.75 * strength

        def swap(match: re.Match[str]) -> str:
            return rng.choice(table[match[0]]) if rng.random() < rate else match[0]

        text = self._pattern.sub(swap, text) if rate else text
        if strength and rng.random() < 0.15:
            for span, same in _SAME_SPAN.items():
                if span in text and not re.search(f"[{NUMERAL}]{span}", text):
                    text = text.replace(span, same, 1)
        if rng.random() < 0.5 * strength:
            text = _percent(text)
        return arabic(text) if rng.random() < 0.5 else text


def _thin(chunks: list[str], rng: Random, strength: float) -> list[str]:
    return [c for c in chunks if not (_DROPPABLE.match(c) and rng.random() < 0.8 * strength)]


def _reorder(chunks: list[str]) -> None:
    """Topic and condition change places."""
    for first in range(len(chunks) - 1):
        one, two = chunks[first], chunks[first + 1]
        if (TOPIC.match(one) and CONDITION.search(two)) or (
            CONDITION.search(one) and TOPIC.match(two)
        ):
            chunks[first], chunks[first + 1] = two, one
            return


_OBJECT = re.compile(r"^(.{2,30}[一-龥ァ-ヶー々])を([一-龥]{2,6}する|[一-龥]+[ぁ-ん]{1,3})$")


def _voice(
    chunks: list[str], predicate: str, modality: str, rng: Random, strength: float
) -> tuple[list[str], str]:
    """Sometimes: AはBをする -> BはAによってされる (not for may), or Bについては、Aがする."""
    topic = next((i for i, c in enumerate(chunks) if TOPIC.match(c)), None)
    if topic is None or rng.random() >= 0.5 * strength:
        return chunks, predicate
    match = _OBJECT.match(predicate)
    actor = chunks[topic][:-1]
    if match is None or "を" in match[1] or match[2] == "受ける":
        if rng.random() < 0.5:
            return [*chunks[:topic], actor + "が", *chunks[topic + 1 :]], predicate
        return chunks, predicate
    rest = chunks[:topic] + chunks[topic + 1 :]
    if modality in (MAY, MUST_NOT) or rng.random() < 0.5:
        return [*rest[:topic], match[1] + "については", actor + "が", *rest[topic:]], match[2]
    by = actor + rng.choice(("により", "によって", "の手で"))
    return [*rest[:topic], match[1] + "は", by, *rest[topic:]], passive(match[2])


def _join(chunks: list[str], end: str, rng: Random, strength: float) -> str:
    text = ""
    for chunk in chunks:
        text += chunk
        if not (chunk.endswith(("は", "が", "に")) and rng.random() < 0.5 * strength):
            text += "、"
    return text + end
