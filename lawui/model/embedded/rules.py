"""Reading questions made from statutes by rule.

A question shows stretches of one or two articles and asks which of four statements they
support (or, in a quarter, do not support), which number, party or article it is, what
follows, or how a case is decided. Wrong choices are changed rules, rules mixed from two
places or true rules of articles that are not shown. Right and wrong choices go through
the same rewording (rewording.Writer), and right ones stem from other sentences than the
wrong ones as often as from the same: neither wording, length, place nor likeness among
the choices gives the answer away.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from random import Random
from typing import Any

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
    drop_parentheses,
    item_text,
    kanji_number,
    modern,
    parse_number,
    plain,
    propositions,
)
from lawui.model.embedded.rewording import Writer, arabic, condense
from lawui.types import Passage

_FIRST = (True, False, False, False)

# ---------------------------------------------------------------- stems

ABOUT = (
    "",
    "",
    "上の条文によると、",
    "条文の文言に照らし、",
    "示された規定を前提として、",
    "{cite}について、",
    "{cite}の規定の説明として、",
    "{cite}に関し、",
    "{law}の規定をふまえ、",
    "{law}について、",
    "{caption}について、",
    "{caption}に関し、",
    "{topic}に関して、",
    "{topic}について、",
)
ASK_RIGHT = (
    "正しく書かれた記述を答えてください。",
    "正しい説明を選んでください。",
    "最も適切な記述はどれか答えてください。",
    "条文の内容と一致する記述を選びなさい。",
    "妥当な説明はどれでしょうか。",
    "正しく述べているものを一つ選んでください。",
    "正しいものを教えてください。",
    "適切なものを教えてください。",
    "次のうち規定に合うものを一つ挙げてください。",
    "正しいものをaからdの中から選びなさい。",
    "以下のうち、適切といえるものを選んでください。",
    "どの記述が正しいか答えなさい。",
    "規定どおりのものはどれですか。",
)
ASK_WRONG = (
    "誤った記述はどれですか。",
    "正しくない説明を選んでください。",
    "適切でない記述はどれか答えてください。",
    "条文の内容と食い違う記述を選びなさい。",
    "妥当でない説明はどれでしょうか。",
    "誤って述べているものを一つ選んでください。",
    "誤っているものを教えてください。",
    "適切でないものを教えてください。",
    "次のうち規定に反するものを一つ挙げてください。",
    "誤っているものをaからdの中から選びなさい。",
    "以下のうち、不適切といえるものを選んでください。",
    "どの記述が誤りか答えなさい。",
    "規定と異なるものはどれですか。",
)
ASK_CITATION = (
    "「{rule}」と定めているのはどの規定ですか。",
    "{rule}こと。この根拠となる条文を選んでください。",
    "{rule}という扱いの根拠条文はどれですか。",
    "次の内容を定めた規定を教えてください。{rule}。",
    "{rule}。このことを規定している条項はどれですか。",
)
ASK_NUMBER = (
    "{gap}か。当てはまる数を選んでください。",
    "{gap}か答えてください。",
    "次の文の何に当たる数を答えなさい。{gap}。",
)
ASK_GAP = (
    "次の文の〔　〕に入る語句を選んでください。{gap}。",
    "「{gap}」の〔　〕に当てはまるのはどれですか。",
    "空欄〔　〕を埋める語句として正しいものを選びなさい。{gap}。",
)
ASK_WHO = (
    "{rest}のは誰か答えてください。",
    "{rest}のが誰かを選びなさい。",
    "次の文の主体に当たるものを選んでください。{rest}。",
)
ASK_REST = (
    "{head}どうなりますか。",
    "{head}どのように扱われますか。正しいものを選んでください。",
    "「{head}」に続く内容として条文に合うものはどれですか。",
    "{head}規定されている内容を教えてください。",
)
ASK_SLOT = (
    "{gap}か。当てはまるものを選びなさい。",
    "{gap}か答えてください。",
    "{gap}か。条文に基づいて答えなさい。",
    "条文では、{gap}とされていますか。",
)
ASK_DUTY = (
    "{head}{act}ことは、条文でどう扱われていますか。",
    "{head}{act}ことについて、条文の定めを選びなさい。",
    "{head}{act}ことは義務か、任意か、禁止か。条文に合うものを選びなさい。",
)
DUTIES = {
    MUST: (
        "義務である",
        "必ずしなければならない",
        "義務付けられている",
        "必要である",
        "しなければならない",
    ),
    MAY: ("することができる", "してもよい", "認められている", "許される", "可能である"),
    MUST_NOT: (
        "禁止されている",
        "してはならない",
        "することができない",
        "許されない",
        "認められない",
    ),
    NEED_NOT: (
        "する必要はない",
        "しなくてもよい",
        "義務ではない",
        "不要である",
        "求められていない",
    ),
}
ASK_ITEM_RIGHT = (
    "{intro}に含まれるのはどれですか。",
    "{intro}として挙げられているものを選んでください。",
    "{intro}に該当するものを教えてください。",
)
ASK_ITEM_WRONG = (
    "{intro}に含まれないのはどれですか。",
    "{intro}として挙げられていないものを選んでください。",
    "{intro}に該当しないものを教えてください。",
)
CASE = (
    "{name}は{party}である。{case}。{name}についての説明のうち{which}",
    "{party}である{name}がいる。{case}。このとき{which}",
    "{case}。{name}は{party}に当たる。{name}に関して{which}",
)
STEMS = {
    "right": ASK_RIGHT,
    "wrong": ASK_WRONG,
    "citation": ASK_CITATION,
    "number": ASK_NUMBER,
    "gap": ASK_GAP,
    "who": ASK_WHO,
    "rest": ASK_REST,
    "slot": ASK_SLOT,
    "duty": ASK_DUTY,
    "item right": ASK_ITEM_RIGHT,
    "item wrong": ASK_ITEM_WRONG,
    "case": CASE,
}
"""Every stem that the rules use: none may occur in the sample's questions."""

_NAMES = (
    "甲",
    "乙",
    "丙",
    "丁",
    "X",
    "Y",
    "Z",
    "A",
    "B",
    "C",
    "田中さん",
    "鈴木さん",
    "佐藤氏",
    "高橋氏",
    "山本さん",
    "甲社",
    "乙社",
    "A社",
    "B社",
    "C社",
    "X社",
    "株式会社あおば",
    "みどり商会",
    "東川組合",
    "北山法人",
    "南町会",
    "西村工業",
    "花岡商店",
    "法人甲",
    "団体乙",
)

# ---------------------------------------------------------------- changes

_MODAL_CHANGES = {
    MUST: (MAY, NEED_NOT, MUST_NOT, NEED_NOT, MAY),
    MAY: (MUST, MUST_NOT, MUST, NEED_NOT),
    MUST_NOT: (MAY, NEED_NOT, MUST, MAY),
    NEED_NOT: (MUST, MUST, MUST_NOT),
    SHALL: (IS_NOT, MUST_NOT, NEED_NOT),
    IS: (IS_NOT,),
    IS_NOT: (IS,),
}

_SWAPS: dict[str, tuple[str, ...]] = {
    "以上": ("以下", "未満"),
    "以下": ("以上", "を超える"),
    "未満": ("以上", "を超える"),
    "を超える": ("に満たない", "以下の"),
    "を超えない": ("を超える", "以上の"),
    "以内に": ("以後に", "を経過した後に"),
    "までに": ("以後に", "が経過してから"),
    "前に": ("後に",),
    "後に": ("前に",),
    "後は": ("前は",),
    "以前": ("以後",),
    "以後": ("以前",),
    "開始前": ("開始後",),
    "及び": ("又は",),
    "又は": ("及び",),
    "並びに": ("又は",),
    "若しくは": ("及び",),
    "かつ": ("又は",),
    "いずれか": ("すべて",),
    "すべて": ("いずれか", "一部"),
    "全部": ("一部",),
    "一部": ("全部",),
    "全部又は一部": ("全部", "一部"),
    "あらかじめ": ("事後に", "遅滞なく", "終了後に"),
    "遅滞なく": ("あらかじめ", "一年以内に", "請求があったときに"),
    "直ちに": ("あらかじめ", "三十日以内に", "毎年"),
    "速やかに": ("あらかじめ", "六月以内に", "毎年"),
    "を除く": ("を含む", "に限る"),
    "を除き": ("であっても", "に限り"),
    "場合を除き": ("場合であっても", "場合に限り"),
    "に限り": ("を除き", "のほか"),
    "に限る": ("を除く",),
    "を含む": ("を除く",),
    "がある": ("がない",),
    "がない": ("がある",),
    "がなく": ("があって",),
    "がないのに": ("があって",),
    "を有する": ("を有しない",),
    "を有しない": ("を有する",),
    "である場合": ("でない場合",),
    "でない": ("である",),
    "であるとき": ("でないとき",),
    "したとき": ("しなかったとき",),
    "した場合": ("しなかった場合",),
    "したもの": ("していないもの",),
    "した者": ("していない者",),
    "受けた者": ("受けていない者",),
    "受けたとき": ("受けなかったとき",),
    "受けた場合": ("受けない場合",),
    "受けないで": ("受けた上で",),
    "ないとき": ("るとき",),
    "必要があると認める": ("必要がないと認める",),
    "必要がない": ("必要がある",),
    "該当する": ("該当しない",),
    "該当しない": ("該当する",),
    "適合する": ("適合しない",),
    "適合しない": ("適合する",),
    "の同意を得て": ("に通知して", "の意見を聴いて", "の同意を得ないで"),
    "の意見を聴いて": ("の同意を得て", "の許可を受けて"),
    "の承認を受けて": ("に届け出て", "の意見を聴いて"),
    "の許可を受け": ("に届け出", "の認可を受け", "の承認を受け"),
    "の認可を受け": ("に届け出", "の許可を受け"),
    "の承認を受け": ("に届け出", "の許可を受け"),
    "に届け出": ("の許可を受け", "の承認を受け"),
    "の登録を受け": ("の許可を受け", "に届け出"),
    "に協議し": ("に通知し", "の同意を得"),
    "書面により": ("口頭により", "電磁的方法により"),
    "書面で": ("口頭で",),
    "口頭": ("書面",),
    "公開": ("非公開",),
    "過半数": ("全員", "三分の二以上", "四分の三以上"),
    "三分の二以上": ("過半数", "四分の三以上"),
    "毎年": ("隔年", "五年ごとに", "毎月"),
    "毎事業年度": ("毎月", "三事業年度ごとに"),
    "翌日": ("当日", "前日", "翌月の初日"),
    "初日": ("末日",),
    "末日": ("初日",),
    "開始": ("終了", "変更"),
    "有償": ("無償",),
    "無償": ("有償",),
    "有効": ("無効",),
    "増加": ("減少",),
    "減少": ("増加",),
    "常勤": ("非常勤",),
    "非常勤": ("常勤",),
    "努め": ("従わ",),
    "故意又は重大な過失": ("故意", "過失"),
    "故意": ("過失", "重大な過失"),
    "重大な過失": ("過失",),
    "連帯して": ("それぞれ分割して",),
    "自ら": ("委託して",),
    "国内": ("国外",),
    "最初": ("最後",),
    "最大": ("最小",),
    "上限": ("下限",),
    "原則として": ("例外なく",),
    "当事者の一方": ("当事者の双方",),
    "のみ": ("のほか他のもの",),
}
_SWAP = re.compile("|".join(sorted(map(re.escape, _SWAPS), key=len, reverse=True)))

_VERBS = (
    ("提出する", "保存する", "公表する", "作成する"),
    ("届け出る", "申請する", "公告する", "報告する"),
    ("通知する", "公告する", "報告する", "協議する"),
    ("公表する", "報告する", "通知する", "保存する"),
    ("公告する", "通知する", "届け出る"),
    ("報告する", "公表する", "通知する", "協議する"),
    ("取り消す", "停止する", "変更する", "更新する"),
    ("命ずる", "勧告する", "求める", "指導する"),
    ("勧告する", "命ずる", "許可する"),
    ("変更する", "廃止する", "更新する", "取り消す"),
    ("廃止する", "変更する", "開始する", "休止する"),
    ("開始する", "終了する", "休止する"),
    ("任命する", "解任する", "推薦する"),
    ("選任する", "解任する", "指名する"),
    ("解任する", "選任する", "再任する"),
    ("交付する", "保管する", "返納する", "送付する"),
    ("返納する", "保管する", "廃棄する"),
    ("保存する", "廃棄する", "提出する", "公表する"),
    ("保管する", "廃棄する", "交付する"),
    ("備える", "提出する", "掲示する"),
    ("記載する", "添付する", "公表する"),
    ("添付する", "記載する", "保存する"),
    ("支払う", "請求する", "免除する", "返還する"),
    ("納付する", "請求する", "返還する"),
    ("請求する", "支払う", "放棄する"),
    ("負担する", "免除する", "請求する", "補助する"),
    ("免除する", "徴収する", "減額する"),
    ("徴収する", "免除する", "還付する"),
    ("指定する", "解除する", "公示する"),
    ("許可する", "拒否する", "取り消す"),
    ("承認する", "却下する", "勧告する"),
    ("求める", "命ずる", "提供する"),
    ("掲示する", "送付する", "保存する"),
    ("使用する", "譲渡する", "保管する"),
    ("譲渡する", "貸与する", "使用する"),
    ("設置する", "撤去する", "廃止する"),
    ("置く", "廃止する"),
    ("定める", "公表する", "廃止する"),
    ("作成する", "変更する", "提出する", "公表する"),
    ("適用する", "適用しないこととする"),
    ("消滅する", "存続する"),
    ("推定する", "みなす"),
    ("みなす", "推定する"),
    ("受ける", "申請する", "与える"),
    ("招集する", "解散する", "延期する"),
    ("没収する", "返還する"),
)
_VERB_CHANGES = {v: others for v, *others in _VERBS}

_PARTY = re.compile(
    r"(?:(?<![一-龥々ァ-ヶー])[一-龥々ァ-ヶー]{1,12}(?:大臣|長官|知事|市町村長|委員会|審議会|機関|協会|組合|会社|法人|事業者|業者|"
    r"管理者|所有者|使用者|責任者|申請者|代表者|設置者|受託者|委託者|権利者|権者|役員|理事|監事|取締役|職員|委員|"
    r"議長|会長|所長|局長|総長|裁判所|検察官|銀行|基金|公庫|機構|財団|団体|商人|株主|社員|組合員|会員|人|者|国))"
)
_BY = re.compile(rf"^.{{0,25}}?{_PARTY.pattern}は$")
_NOUN = re.compile(r"(?<![一-龥々])[一-龥々]{2,8}(?![一-龥々])")
_NUMBER = re.compile(
    rf"([{NUMERAL}]+)(年|月|日|週間|時間|人|円|万円|パーセント|歳|回|割|メートル|平方メートル|名|分の|件|頭|倍|度|箇月|項|号)"
)
_NOT_NUMBER = re.compile(
    rf"第[{NUMERAL}の条]*$|昭和[{NUMERAL}]*$|平成[{NUMERAL}]*$|令和[{NUMERAL}]*$|明治[{NUMERAL}]*$"
)
_USUAL = {
    "年": (1, 2, 3, 5, 6, 7, 10, 15, 20, 30, 50),
    "月": (1, 2, 3, 4, 6, 9, 12, 18),
    "日": (3, 5, 7, 10, 14, 15, 20, 30, 40, 60, 90),
    "週間": (1, 2, 3, 4, 6, 8),
    "人": (1, 2, 3, 5, 7, 9, 10, 15, 20),
    "歳": (15, 16, 18, 20, 25, 60, 65),
    "円": (1000, 5000, 10000, 50000, 100000, 200000, 300000, 500000, 1000000, 3000000),
    "万円": (1, 3, 5, 10, 20, 30, 50, 100, 150, 200, 300, 500),
    "分の": (2, 3, 4, 5, 10, 20, 100),
    "回": (1, 2, 3, 4, 6, 12),
    "時間": (1, 2, 6, 8, 12, 24, 40, 48, 72),
}


@dataclass(frozen=True)
class Change:
    """A change of one spot of a rule. `spot` names the place, so that two changes can be
    told apart; `chunk` is its index (the predicate is the last), None for the rule."""

    spot: str
    chunk: int | None
    old: str
    new: Any

    def apply(self, rule: Proposition) -> Proposition | None:
        """The changed rule; None where the spot is no longer there."""
        if self.spot == "modality":
            return rule.with_(modality=self.new)
        parts = [*rule.chunks, rule.predicate]
        if self.spot == "insert":
            at = min(len(parts) - 1, int(self.chunk or 0))
            return rule.with_(chunks=(*rule.chunks[:at], self.new, *rule.chunks[at:]))
        if self.spot == "end":
            return rule.with_(predicate=self.new[0], modality=self.new[1])
        if self.spot.startswith("exchange"):
            if not any(self.old in p for p in parts) or not any(self.new in p for p in parts):
                return None
            marked = [p.replace(self.old, "\0").replace(self.new, self.old) for p in parts]
            parts = [p.replace("\0", self.new) for p in marked]
        else:
            at = int(self.chunk or 0)
            if at >= len(parts) or self.old not in parts[at]:
                return None
            parts[at] = parts[at].replace(self.old, self.new, 1)
        return rule.with_(chunks=tuple(parts[:-1]), predicate=parts[-1])


@dataclass(frozen=True)
class Piece:
    """A passage on show, with the rules and items it states."""

    passage: Passage
    rules: tuple[Proposition, ...]
    intro: str
    items: tuple[str, ...]


@dataclass
class Scene:
    """What one prompt shows, and what else the rules know about it."""

    pieces: list[Piece]
    caption: str
    elsewhere: list[Proposition]
    rules: list[Proposition] = field(default_factory=list)
    parties: list[str] = field(default_factory=list)
    nouns: list[str] = field(default_factory=list)
    numbers: dict[str, set[int]] = field(default_factory=dict)

    @property
    def passages(self) -> list[Passage]:
        return [p.passage for p in self.pieces]


@dataclass(frozen=True)
class Made:
    """A finished question: `truth[i]` says whether the passages support choice i."""

    kind: str
    stem: str
    choices: tuple[str, str, str, str]
    gold: int
    truth: tuple[bool, bool, bool, bool]


class Nouns:
    """Common kanji words of all statutes by their last character, for changes to words
    that the passages do not use."""

    def __init__(self, texts: Sequence[str], keep: int = 12_000) -> None:
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(_NOUN.findall(text))
        table: dict[str, list[tuple[str, int]]] = {}
        for word, count in counts.most_common(keep):
            if not any(c in NUMERAL for c in word) and 2 <= len(word) <= 6:
                table.setdefault(word[-1], []).append((word, count))
        self._words = {k: [w for w, _ in v] for k, v in table.items() if len(v) > 3}
        self._sums = {
            k: list(accumulate(c**0.5 for _, c in v)) for k, v in table.items() if len(v) > 3
        }

    def like(self, word: str, rng: Random) -> str | None:
        """A word with the same last character, common ones more often."""
        sums = self._sums.get(word[-1])
        if not sums:
            return None
        other = self._words[word[-1]][bisect(sums, rng.random() * sums[-1])]
        return other if other not in word and word not in other else None


class Rules:
    """Makes scenes of articles and questions on them.

    `articles` is one law's articles after another, as in the file. `held_out` takes the
    rewordings that training never sees.
    """

    def __init__(
        self, articles: Sequence[dict[str, Any]], nouns: Nouns, held_out: bool = False
    ) -> None:
        self.articles = articles
        self.nouns = nouns
        self.writer = Writer(held_out)
        self._extra = self._harvest()

    def _harvest(self) -> list[str]:
        """Adverbial chunks that may be put into a rule as a made-up condition."""
        found: list[str] = []
        fit = re.compile(
            r"^[^はが]{4,18}(?:を得て|を受けて|により|に限り|以内に|を経て|を添えて|の上で|に応じて)$"
        )
        step = max(1, len(self.articles) // 4000)
        for article in self.articles[::step]:
            for number, paragraph in enumerate(article["paragraphs"][:3]):
                for rule in propositions(paragraph, number):
                    found.extend(c for c in rule.chunks if fit.match(c))
        return sorted(set(found)) or ["書面により"]

    # -------------------------------------------------------- scenes

    def scene(self, rng: Random, longest: int = 900) -> Scene | None:
        """Passages of one article or two, 60 to `longest` characters in all, and the rules
        they state; None where the article drawn states too little."""
        at = rng.randrange(len(self.articles))
        article = self.articles[at]
        limit = rng.choice((130, 200, 300, 450, 650, longest))
        pieces = self._pieces(article, rng, limit)
        if not any(p.rules or p.items for p in pieces):
            return None
        if rng.random() < 0.5 and not any(_decides(p) for p in pieces):
            return None
        near = self._near(at, rng)
        room = limit - sum(len(p.passage.text) for p in pieces)
        if near is not None and room > 80 and rng.random() < 0.6:
            pieces += self._pieces(near, rng, room)[: rng.choice((1, 2))]
            third = self._near(at, rng)
            room = limit - sum(len(p.passage.text) for p in pieces)
            if third is not None and third is not near and room > 80:
                pieces += self._pieces(third, rng, room)[:1]
        pieces.sort(key=lambda p: _order(p.passage))
        elsewhere = []
        for offset in (-3, -2, -1, 1, 2, 3):
            other = self._at(at + offset)
            shown = {(p.passage.law, p.passage.article) for p in pieces}
            if other and (other["law"], other["article"]) not in shown:
                for number, paragraph in enumerate(other["paragraphs"][:3]):
                    elsewhere += propositions(paragraph, number)[:2]
        scene = Scene(pieces, article["caption"].strip("（）"), elsewhere[:12])
        scene.rules = [r.with_(place=n) for n, p in enumerate(pieces) for r in p.rules]
        text = "\n".join(p.passage.text for p in pieces)
        scene.parties = sorted(set(_PARTY.findall(text)))
        scene.nouns = sorted(set(_NOUN.findall(text)))
        for match in _NUMBER.finditer(text):
            value = parse_number(match[1])
            if value:
                scene.numbers.setdefault(match[2], set()).add(value)
        return scene

    def _at(self, index: int) -> dict[str, Any] | None:
        return self.articles[index] if 0 <= index < len(self.articles) else None

    def _near(self, at: int, rng: Random) -> dict[str, Any] | None:
        article = self.articles[at]
        for _ in range(3):
            other = self._at(at + rng.choice((-4, -3, -2, -1, 1, 2, 3, 4)))
            if other and other["law"] == article["law"] and other is not article:
                return other
        return None

    def _pieces(self, article: dict[str, Any], rng: Random, limit: int) -> list[Piece]:
        """A run of paragraphs of `article` of at most `limit` characters, or the first
        alone, its items cut off where it is longer than that."""
        paragraphs = article["paragraphs"]
        start = rng.randrange(len(paragraphs)) if rng.random() < 0.6 else 0
        numbered = rng.random() < 0.5
        apart = rng.random() < 0.15
        pieces: list[Piece] = []
        length = 0
        for number in range(start, min(len(paragraphs), start + 4)):
            lines = plain(paragraphs[number]).split("\n")
            lines = [line for line in lines if not line.startswith(" ")]
            while len(lines) > 1 and length + sum(map(len, lines)) > limit:
                lines.pop()
            size = sum(map(len, lines))
            if pieces and length + size > limit:
                break
            if size > 900 or size < 15 or any(line.startswith("|") for line in lines):
                continue
            length += size
            pieces += _paragraph_pieces(article, number, lines, numbered, apart)
        return pieces

    # -------------------------------------------------------- changes

    def changes(self, rule: Proposition, scene: Scene, rng: Random) -> list[list[Change]]:
        """Groups of changes that make `rule` another rule; one group a spot."""
        groups: list[list[Change]] = []
        if rule.modality != NOUN:
            new = _MODAL_CHANGES[rule.modality]
            groups.append([Change("modality", None, "", m) for m in dict.fromkeys(new)])
        parts = (*rule.chunks, rule.predicate)
        words: list[tuple[int, str]] = []
        for at, part in enumerate(parts):
            groups += self._number_changes(at, part, scene, rng)
            for match in _SWAP.finditer(part):
                new_words = _SWAPS[match[0]]
                groups.append([Change(f"swap{at}{match[0]}", at, match[0], w) for w in new_words])
            words += [(at, w) for w in _NOUN.findall(part)]
        rng.shuffle(words)
        for at, word in words[:3]:
            group = self._noun_changes(at, word, rule, scene, rng)
            if group:
                groups.append(group)
        if rule.modality != NOUN:
            groups += self._end_changes(rule, scene, rng)
            groups += self._party_changes(rule, scene, rng)
        if rng.random() < 0.3:
            where = rng.randrange(len(rule.chunks) + 1)
            new_chunks = rng.sample(self._extra, min(3, len(self._extra)))
            groups.append([Change("insert", where, "", c) for c in new_chunks])
        return [group for group in groups if group]

    def _number_changes(self, at: int, part: str, scene: Scene, rng: Random) -> list[list[Change]]:
        groups = []
        for match in _NUMBER.finditer(part):
            value = parse_number(match[1])
            if not value or _NOT_NUMBER.search(part[: match.start(1)]) or match[2] in "項号":
                continue
            new = _other_numbers(value, match[2], scene, rng)
            groups.append(
                [
                    Change(f"number{at}{match[0]}", at, match[0], kanji_number(n) + match[2])
                    for n in new
                ]
            )
        return groups

    def _noun_changes(
        self, at: int, word: str, rule: Proposition, scene: Scene, rng: Random
    ) -> list[Change]:
        own = rule.plain() + rule.origin
        here = [n for n in scene.nouns if n[-1] == word[-1] and n not in own and n != word]
        rng.shuffle(here)
        new = here[:2]
        if len(new) < 2 or rng.random() < 0.3:
            new += [w for w in (self.nouns.like(word, rng) for _ in range(2)) if w]
        new = [n for n in dict.fromkeys(new) if n not in own]
        return [Change(f"noun{at}{word}", at, word, n) for n in new[:4]]

    def _end_changes(self, rule: Proposition, scene: Scene, rng: Random) -> list[list[Change]]:
        groups = []
        others = [r for r in scene.rules if r.predicate != rule.predicate and r.modality != NOUN]
        if others:
            picked = rng.sample(others, min(3, len(others)))
            groups.append([Change("end", None, "", (r.predicate, r.modality)) for r in picked])
        for verb, new in _VERB_CHANGES.items():
            if rule.predicate.endswith(verb):
                last = len(rule.chunks)
                groups.append([Change("verb", last, verb, n) for n in new])
                break
        return groups

    def _party_changes(self, rule: Proposition, scene: Scene, rng: Random) -> list[list[Change]]:
        groups = []
        own = list(dict.fromkeys(_PARTY.findall("、".join((*rule.chunks, rule.predicate)))))
        if len(own) > 1:
            one, two = rng.sample(own, 2)
            if one not in two and two not in one:
                groups.append([Change(f"exchange{one}", None, one, two)])
        topic = next((i for i, c in enumerate(rule.chunks) if TOPIC.match(c)), None)
        if topic is not None:
            was = rule.chunks[topic][:-1]
            new = [p for p in scene.parties if p not in was and was not in p]
            rng.shuffle(new)
            whole = [
                r.chunks[0][:-1]
                for r in (*scene.rules, *scene.elsewhere)
                if r.chunks and TOPIC.match(r.chunks[0]) and r.chunks[0][:-1] != was
            ]
            rng.shuffle(whole)
            new = list(dict.fromkeys(new[:3] + whole[:2]))
            if new:
                groups.append([Change(f"topic{topic}", topic, was, n) for n in new])
        conditions = [c for r in scene.rules for c in r.chunks if CONDITION.search(c)]
        mine = next((i for i, c in enumerate(rule.chunks) if CONDITION.search(c)), None)
        if mine is not None:
            new = [c for c in dict.fromkeys(conditions) if c not in rule.chunks]
            if new:
                old = rule.chunks[mine]
                groups.append([Change(f"condition{mine}", mine, old, c) for c in new[:3]])
        return groups

    def falsified(self, rule: Proposition, scene: Scene, rng: Random) -> Proposition | None:
        """`rule` with one or two spots changed."""
        groups = self.changes(rule, scene, rng)
        for _ in range(4):
            if not groups:
                return None
            group = rng.choice(groups)
            changed = rng.choice(group).apply(rule)
            if changed is not None and changed != rule:
                if rng.random() < 0.2:
                    second = rng.choice(rng.choice(groups)).apply(changed)
                    changed = second if second is not None and second != rule else changed
                return changed
        return None

    def alternatives(
        self, rule: Proposition, scene: Scene, rng: Random
    ) -> list[Proposition] | None:
        """The rule first, then three others like it, none of them nearer to the rest than
        another: four values of one spot, or two spots both ways (2 × 2)."""
        groups = self.changes(rule, scene, rng)
        rng.shuffle(groups)
        wide = [g for g in groups if len(g) >= 3]
        if wide and rng.random() < 0.45:
            group = rng.sample(wide[0], 3)
            made = [rule, *(c.apply(rule) for c in group)]
        elif len(groups) > 1:
            one, two = rng.choice(groups[0]), rng.choice(groups[1])
            first, second = one.apply(rule), two.apply(rule)
            both = two.apply(first) if first is not None else None
            made = [rule, first, second, both]
        else:
            return None
        sound = [m for m in made if m is not None]
        return sound if len({m.plain() for m in sound}) == 4 else None

    # -------------------------------------------------------- questions

    def question(self, scene: Scene, rng: Random) -> Made | None:
        """One question on `scene`; None where the kind drawn can't be made of it."""
        made = None
        if rng.random() < 0.65:
            gist = [condense(r, rng) for r in scene.rules]
            short = [r for r in gist if len(r.plain()) < 60]
            scene = replace(scene, rules=short or gist)
        for kind in rng.choices(tuple(_KINDS), tuple(_KINDS.values()), k=3):
            made = getattr(self, "_" + kind)(scene, rng)
            if made is not None:
                break
        if made is None:
            return None
        kind, stem, texts, truth, wrong = made
        full_stop = rng.random() < 0.6 and kind in ("statements", "rest", "case")
        order = list(range(4))
        rng.shuffle(order)
        texts = [texts[i] + ("。" if full_stop else "") for i in order]
        truth = tuple(truth[i] for i in order)
        if len(set(texts)) < 4 or sum(map(len, texts)) > 560 or min(map(len, texts)) < 1:
            return None
        gold = truth.index(not wrong)
        return Made(kind, stem, tuple(texts), gold, truth)  # type: ignore[arg-type]

    def _written(
        self, rules: Sequence[Proposition], truth: Sequence[bool], rng: Random
    ) -> list[str]:
        """The choices in words. A changed rule has lost words of the passages; a true one
        is therefore reworded somewhat more, so that counting common words does not help."""
        texts = []
        for rule, true in zip(rules, truth, strict=True):
            strength = 0.0 if rng.random() < (0.1 if true else 0.25) else rng.random()
            if true and rng.random() < 0.4:
                strength = max(strength, rng.random())
            texts.append(self.writer.write(rule, rng, strength))
        return texts

    def _about(self, scene: Scene, rule: Proposition, rng: Random) -> str:
        passage = scene.pieces[rule.place].passage
        topic = next((c[:-1] for c in rule.chunks if TOPIC.match(c) and len(c) < 25), "")
        about = rng.choice(ABOUT)
        values = {
            "cite": passage.place() if rng.random() < 0.5 else _short_place(passage),
            "law": passage.law,
            "caption": scene.caption,
            "topic": topic,
        }
        if any("{" + k + "}" in about and not v for k, v in values.items()):
            return ""
        return about.format(**values)

    def _statements(self, scene: Scene, rng: Random) -> tuple | None:
        rules = scene.rules
        if not rules:
            return None
        wrong = rng.random() < 0.5
        shares = (0.44, 0.3, 0.16, 0.1) if len(rules) > 2 else (0.3, 0.5, 0.1, 0.1)
        plan = rng.choices(("across", "alike", "trap", "foreign"), shares)[0]
        if wrong and plan == "alike":
            plan = "across"
        focus = rng.choice(rules)
        picked: list[Proposition | None]
        if plan == "alike":
            alike = self.alternatives(focus, scene, rng)
            if alike is None:
                return None
            picked = list(alike)
        else:
            picked = self._mixed(scene, focus, plan, wrong, rng)
        if any(p is None for p in picked):
            return None
        truth = [wrong] * 4
        truth[0] = not wrong
        known = {r.plain() for r in rules} | {r.origin for r in rules}
        if any((p.plain() in known) != t for p, t in zip(picked, truth, strict=True) if p):
            return None
        texts = self._written([p for p in picked if p], truth, rng)
        ask = rng.choice(ASK_WRONG if wrong else ASK_RIGHT)
        return "statements", self._about(scene, focus, rng) + ask, texts, truth, wrong

    def _mixed(
        self, scene: Scene, focus: Proposition, plan: str, wrong: bool, rng: Random
    ) -> list[Proposition | None]:
        """The odd one out first. `across`: each choice from any rule; `trap`: the odd one
        from one rule, the others from another; `foreign`: wrong ones from elsewhere."""
        rules = scene.rules
        if plan == "trap":
            others = [r for r in rules if r is not focus]
            second = rng.choice(others) if others else focus
            sources = [focus, second, second, second]
        else:
            pool = rng.sample(rules, len(rules))
            sources = [pool[i % len(pool)] for i in range(4)]
            if plan == "across" and rng.random() < 0.5:
                sources = [rng.choice(rules) for _ in range(4)]
            rng.shuffle(sources)
        picked: list[Proposition | None] = []
        for n, source in enumerate(sources):
            true = (n == 0) != wrong
            if true:
                picked.append(source)
            elif plan == "foreign" and scene.elsewhere and rng.random() < 0.7:
                picked.append(rng.choice(scene.elsewhere))
            else:
                picked.append(self.falsified(source, scene, rng))
        return picked

    def _number(self, scene: Scene, rng: Random) -> tuple | None:
        spots = [
            (r, at, m)
            for r in scene.rules
            for at, part in enumerate((*r.chunks, r.predicate))
            for m in _NUMBER.finditer(part)
            if not _NOT_NUMBER.search(part[: m.start(1)]) and m[2] not in "項号分の度"
        ]
        if not spots:
            return None
        rule, at, match = rng.choice(spots)
        value = parse_number(match[1])
        if not value:
            return None
        new = _other_numbers(value, match[2], scene, rng)
        if len(new) < 3:
            return None
        unit = "か月" if match[2] == "月" and rng.random() < 0.7 else match[2]
        gap = Change("gap", at, match[0], "何" + unit).apply(rule)
        if gap is None:
            return None
        stem = rng.choice(ASK_NUMBER).format(gap=self.writer.write(gap, rng))
        texts = []
        for number in (value, *rng.sample(new, 3)):
            text = kanji_number(number) + (match[2] if unit != "か月" else "月以内")
            text = arabic(text) if rng.random() < 0.5 else text
            texts.append(text.removesuffix("以内"))
        return "number", stem, texts, [True, False, False, False], False

    def _gap(self, scene: Scene, rng: Random) -> tuple | None:
        if not scene.rules:
            return None
        rule = rng.choice(scene.rules)
        groups = [
            g
            for g in self.changes(rule, scene, rng)
            if g[0].spot.startswith(("noun", "swap", "topic"))
        ]
        if not groups:
            return None
        group = rng.choice(groups)
        old, at = group[0].old, group[0].chunk
        pool = scene.nouns if group[0].spot.startswith("noun") else scene.parties
        new = list(dict.fromkeys(c.new for c in group))
        own = rule.plain()
        extra = [n for n in pool if n not in new and n not in own and abs(len(n) - len(old)) < 5]
        rng.shuffle(extra)
        new = (new + extra)[:3] if rng.random() < 0.5 else (extra + new)[:3]
        gap = Change("gap", at, old, "〔　〕").apply(rule)
        if gap is None or len(new) < 3:
            return None
        stem = rng.choice(ASK_GAP).format(gap=self.writer.write(gap, rng))
        texts = [self.writer.words(t, rng, 0.3) for t in (old, *new)]
        return "gap", stem, texts, [True, False, False, False], False

    def _who(self, scene: Scene, rng: Random) -> tuple | None:
        rules = [r for r in scene.rules if r.chunks and _BY.match(r.chunks[0])]
        if not rules:
            return None
        rule = rng.choice(rules)
        was = rule.chunks[0][:-1]
        everywhere = (*rules, *scene.elsewhere)
        topics = {r.chunks[0][:-1] for r in everywhere if r.chunks and _BY.match(r.chunks[0])}
        same = {
            r.chunks[0][:-1]
            for r in rules
            if (r.chunks[1:], r.predicate) == (rule.chunks[1:], rule.predicate)
        }
        new = [
            t
            for t in sorted(topics | set(scene.parties))
            if t not in same and t not in was and was not in t
        ]
        if len(new) < 3:
            return None
        rng.shuffle(new)
        rest = self.writer.write(rule.with_(chunks=rule.chunks[1:]), rng)
        stem = rng.choice(ASK_WHO).format(rest=rest)
        texts = [self.writer.words(t, rng, 0.3) for t in (was, *new[:3])]
        return "who", stem, texts, [True, False, False, False], False

    def _rest(self, scene: Scene, rng: Random) -> tuple | None:
        rules = [r for r in scene.rules if len(r.chunks) > 1]
        if not rules:
            return None
        rule = rng.choice(rules)
        cut = rng.randrange(1, len(rule.chunks) + 1)
        head, tail = rule.chunks[:cut], rule.with_(chunks=rule.chunks[cut:])
        if not head[-1].endswith(("は", "場合", "とき", "に", "には")):
            return None
        tails = self.alternatives(tail, scene, rng) if rng.random() < 0.5 else None
        if tails is None:
            others = [
                r.with_(chunks=r.chunks[min(1, len(r.chunks)) :])
                for r in (*scene.rules, *scene.elsewhere)
                if r.chunks[:cut] != head
            ]
            made = [self.falsified(tail, scene, rng) for _ in range(2)]
            here = others[: len([r for r in scene.rules if r.chunks[:cut] != head])]
            near = rng.sample(here, min(2, len(here)))
            far = rng.sample(others, min(2, len(others)))
            wrong = list(dict.fromkeys([*near, *(m for m in made if m), *far]))
            tails = [tail, *wrong[:3]]
        if len(tails) < 4 or len({t.plain() for t in tails}) < 4:
            return None
        strength = rng.random()
        opening = "".join(self.writer.words(c, rng, strength) + "、" for c in head)
        stem = rng.choice(ASK_REST).format(head=opening)
        return "rest", stem, self._written(tails, _FIRST, rng), [*_FIRST], False

    def _slot(self, scene: Scene, rng: Random) -> tuple | None:
        spots = [spot for r in scene.rules for spot in _slots(r)]
        if not spots:
            return None
        rule, at, answer, tail, ask = rng.choice(spots)
        gap = Change("gap", at, answer + tail, ask).apply(rule)
        if gap is None:
            return None
        own = rule.plain()
        others = [r for r in (*scene.rules, *scene.elsewhere) if r is not rule]
        loose = [a for r in others for _, _, a, t, q in _slots(r) if t == tail and a not in own]
        alike = None
        if rng.random() < 0.5:
            alike = self.alternatives(Proposition((), answer, NOUN), scene, rng)
        if alike is not None and not any(a.chunks for a in alike):
            new = [a.predicate for a in alike[1:]]
        else:
            here = len(scene.rules) - 1
            same = [a for r in others[:here] for _, _, a, _, q in _slots(r) if q == ask]
            far = [a for r in others[here:] for _, _, a, _, q in _slots(r) if q == ask]
            for answers in (same, far, loose):
                rng.shuffle(answers)
            same = [a for a in (*same, *far) if a not in own]
            new = [a for a in dict.fromkeys((*same, *loose)) if a != answer]
        if len(new) < 3:
            return None
        stem = rng.choice(ASK_SLOT).format(gap=self.writer.write(gap, rng))
        keep = (
            tail.rstrip("は")
            if tail.endswith(("場合には", "ときは", "場合は", "までに", "以内に"))
            else ""
        )
        texts = [a + keep for a in (answer, *new[:3])]
        texts = [self.writer.words(t, rng, rng.random()) for t in texts]
        return "slot", stem, texts, [*_FIRST], False

    def _duty(self, scene: Scene, rng: Random) -> tuple | None:
        rules = [r for r in scene.rules if r.modality in DUTIES and r.chunks]
        if not rules:
            return None
        rule = rng.choice(rules)
        strength = rng.random()
        head = "".join(self.writer.words(c, rng, strength) + "、" for c in rule.chunks)
        act = self.writer.words(rule.predicate, rng, strength)
        order = [rule.modality, *(m for m in DUTIES if m != rule.modality)]
        if rule.modality == MAY:
            order = [MAY, MUST, MUST_NOT]
        texts = [rng.choice(DUTIES[m]) for m in order]
        while len(texts) < 4:
            more = rng.choice(DUTIES[rng.choice((MUST, MUST_NOT))])
            if more not in texts:
                texts.append(more)
        return "duty", rng.choice(ASK_DUTY).format(head=head, act=act), texts, [*_FIRST], False

    def _citation(self, scene: Scene, rng: Random) -> tuple | None:
        if not scene.rules:
            return None
        rule = rng.choice(scene.rules)
        gold = scene.pieces[rule.place].passage
        full = rng.random() < 0.5
        place = (lambda p: p.place()) if full else _short_place
        shown = [p for p in scene.passages if p.place() != gold.place()]
        new = [place(p) for p in rng.sample(shown, len(shown))][:3] if rng.random() < 0.7 else []
        real = {place(p) for p in scene.passages}
        for _ in range(20):
            if len(new) >= 3:
                break
            other = place(_elsewhere(rng.choice(scene.passages), rng))
            if other not in new and other not in real:
                new.append(other)
        if len(new) < 3:
            return None
        stem = rng.choice(ASK_CITATION).format(rule=self.writer.write(rule, rng))
        return "citation", stem, [place(gold), *new[:3]], [True, False, False, False], False

    def _items(self, scene: Scene, rng: Random) -> tuple | None:
        lists = [p for p in scene.pieces if p.intro and len(p.items) >= 2]
        if not lists:
            return None
        piece = rng.choice(lists)
        wrong = rng.random() < 0.35
        if wrong and len(piece.items) < 3:
            return None
        picked = rng.sample(piece.items, min(4, len(piece.items)))
        known = set(piece.items)
        nouns = [Proposition((), t, NOUN) for t in picked]
        nouns = [nouns[i % len(nouns)] for i in range(4)]
        rules: list[Proposition] = []
        strangers = [i for p in scene.pieces if p is not piece for i in p.items]
        for n, noun in enumerate(nouns):
            if (n == 0) != wrong:
                rules.append(noun)
                continue
            changed = self.falsified(noun, scene, rng)
            if strangers and rng.random() < 0.3:
                changed = Proposition((), rng.choice(strangers), NOUN)
            if changed is None or changed.predicate in known:
                return None
            rules.append(changed)
        ask = rng.choice(ASK_ITEM_WRONG if wrong else ASK_ITEM_RIGHT)
        truth = [wrong] * 4
        truth[0] = not wrong
        texts = self._written(rules, truth, rng)
        return (
            "items",
            ask.format(intro=self.writer.words(piece.intro, rng, 0.4)),
            texts,
            truth,
            wrong,
        )

    def _case(self, scene: Scene, rng: Random) -> tuple | None:
        rules = [
            r
            for r in scene.rules
            if len(r.chunks) > 1
            and TOPIC.match(r.chunks[0])
            and len(r.chunks[0]) < 20
            and any(CONDITION.search(c) for c in r.chunks)
        ]
        if not rules:
            return None
        rule = rng.choice(rules)
        name, party = rng.choice(_NAMES), rule.chunks[0][:-1]
        at = next(i for i, c in enumerate(rule.chunks) if CONDITION.search(c))
        case = re.sub(r"(?:場合|とき|際)(?:に|は|には|において|においては)?$", "", rule.chunks[at])
        if not case or case[-1] not in "うくぐすつぬぶむるただい" or len(case) < 6:
            return None
        bare = rule.with_(chunks=(name + "は", *rule.chunks[1:at], *rule.chunks[at + 1 :]))
        made = self.alternatives(bare, scene, rng)
        if made is None or len({m.plain() for m in made}) < 4:
            return None
        wrong = False
        which = rng.choice(ASK_RIGHT)
        stem = rng.choice(CASE).format(
            name=name, party=party, case=self.writer.words(case, rng, rng.random()), which=which
        )
        return "case", stem, self._written(made, _FIRST, rng), [*_FIRST], wrong


_KINDS = {
    "statements": 0.26,
    "number": 0.18,
    "gap": 0.03,
    "who": 0.08,
    "rest": 0.20,
    "slot": 0.20,
    "duty": 0.05,
    "citation": 0.04,
    "items": 0.08,
    "case": 0.14,
}
"""How often each kind is tried; many passages do not allow the rarer ones."""


_SLOT_CHUNKS = (
    (re.compile(r"^(.{3,60}?)(場合には|場合は|場合において|ときは)$"), "どのような場合に"),
    (re.compile(r"^(.{2,30}?)(に対し|に対して)$"), "誰に対して"),
    (re.compile(r"^(.{3,40}?)(までに|以内に)$"), "いつまでに"),
    (re.compile(r"^(.{2,40}?)(により)$"), "何により"),
    (re.compile(r"^(.{2,40}?)(を得て|を受けて|を経て|を聴いて)$"), "どのような手続を経て"),
)
_SLOT_ENDS = (
    (re.compile(r"^(.{2,50})(を)[^をに]{2,12}$"), "何を"),
    (re.compile(r"^(.{2,30})(に)(?!より|つい|対し|関|お)[^をに]{2,12}$"), "どこに"),
)


def _slots(rule: Proposition) -> list[tuple[Proposition, int, str, str, str]]:
    """What can be asked of a rule: rule, chunk, answer, its particle, question word."""
    found = []
    for at, chunk in enumerate(rule.chunks):
        for pattern, ask in _SLOT_CHUNKS:
            match = pattern.match(chunk)
            if match:
                found.append((rule, at, match[1], match[2], ask))
                break
    for pattern, ask in _SLOT_ENDS:
        match = pattern.match(rule.predicate)
        if match and rule.modality != NOUN:
            found.append((rule, len(rule.chunks), match[1], match[2], ask))
            break
    return found


_DECISIVE = re.compile(
    rf"ただし|ことができる|てはならない|要しない|第?[{NUMERAL}]+(?:日|年|月|人|円|週間|回|メートル)|以上|以内|届け出|許可|承認"
)


def _decides(piece: Piece) -> bool:
    """Whether a piece turns on a number, a permission or an exception."""
    return bool(_DECISIVE.search(piece.passage.text))


def _other_numbers(value: int, unit: str, scene: Scene, rng: Random) -> list[int]:
    here = [n for n in scene.numbers.get(unit, ()) if n != value]
    usual = [n for n in _USUAL.get(unit, ()) if n != value]
    near = [n for n in (value - 1, value + 1, value * 2, value // 2, value + 5, value * 3) if n > 0]
    if value >= 100:
        near = [n for n in (value * 2, value // 2, value * 3, value * 10, value // 10) if n > 0]
    rng.shuffle(usual)
    rng.shuffle(near)
    rng.shuffle(here)
    wanted = here[:2] + (usual[:3] if rng.random() < 0.7 else near[:3]) + near[:2]
    return [n for n in dict.fromkeys(wanted) if n != value and 0 < n < 10**11]


def _order(passage: Passage) -> tuple[tuple[int, ...], int, int]:
    return (
        tuple(int(n) if n.isdigit() else 0 for n in passage.article.split("_")),
        int(passage.paragraph or 0),
        int(passage.item or 0),
    )


def _short_place(passage: Passage) -> str:
    """第27条の2第1項第3号, without the law."""
    return passage.place().removeprefix(passage.law)


def _elsewhere(passage: Passage, rng: Random) -> Passage:
    """A passage of the same law at a place near by that may not even exist."""
    number, *branches = passage.article.split("_")
    paragraph = passage.paragraph
    if paragraph and not passage.single_paragraph and rng.random() < 0.5:
        paragraph = str(max(1, int(paragraph) + rng.choice((-2, -1, 1, 2, 3))))
    else:
        base = int(number) if number.isdigit() else 1
        number = str(max(1, base + rng.choice((-10, -3, -2, -1, 1, 2, 3, 5, 10))))
        if rng.random() < 0.3:
            branches = [] if branches else [str(rng.randrange(2, 5))]
    return Passage(
        "",
        passage.law,
        "_".join([number, *branches]),
        paragraph,
        passage.item,
        "",
        "",
        "",
        single_paragraph=passage.single_paragraph,
    )


_INTRO = re.compile(
    r"^(.{4,70}?)は、次(?:の各号)?(?:に掲げる(?:もの|事項|者|場合|書類|事務|業務|要件|とおり)|のとおり)(?:とする|である)$"
)
_INTRO_MUST = re.compile(r"^.{0,60}?次に掲げる(事項|書類)を(記載|添付|提出|定め|備え).*$")


def _paragraph_pieces(
    article: dict[str, Any], number: int, lines: list[str], numbered: bool, apart: bool
) -> list[Piece]:
    """One paragraph as one passage, or (`apart`) its head and items as passages of their
    own. `numbered` writes an item's place 第2号 instead of 二."""
    single = len(article["paragraphs"]) == 1
    place = {"law": article["law"], "article": article["article"], "paragraph": str(number + 1)}
    head, *rest = lines
    items = tuple(t for t in (item_text(modern(line)) for line in rest) if t and "。" not in t)
    intro = _intro_of(head) if items else ""
    rules = tuple(propositions("\n".join(lines), 0))
    if numbered:
        rest = [_number_item(line) for line in rest]
    if apart and rest:
        pieces = [Piece(_passage(place, "", head, single), rules, intro, items)]
        for n, line in enumerate(rest, 1):
            body = line.split("　", 1)[-1]
            pieces.append(Piece(_passage(place, str(n), body, single), (), "", ()))
        return pieces
    text = "\n".join([head, *rest])
    return [Piece(_passage(place, "", text, single), rules, intro, items)]


def _intro_of(head: str) -> str:
    sentence = drop_parentheses(modern(head)).split("。")[0]
    match = _INTRO.match(sentence)
    if match:
        return match[1]
    match = _INTRO_MUST.match(sentence)
    if match:
        return (
            re.sub(r"次に掲げる.*$", "", sentence)[-60:]
            + match[2]
            + ("する" if len(match[2]) > 1 and match[2] != "定め" and match[2] != "備え" else "る")
            + "べき"
            + match[1]
        )
    return ""


def _number_item(line: str) -> str:
    head, _, body = line.partition("　")
    value = parse_number(head)
    return f"第{value}号　{body}" if value and body else line


def _passage(place: dict[str, str], item: str, text: str, single: bool) -> Passage:
    return Passage(
        id=f"{place['article']}:{place['paragraph']}:{item}",
        law=place["law"],
        article=place["article"],
        paragraph=place["paragraph"],
        item=item,
        sub_item="",
        part="",
        text=text,
        single_paragraph=single,
    )
