"""The glossary: `term.NAME` is a term, `term.NAME.is` what it means, in one or two plain
sentences; part of text.TEXT."""

from __future__ import annotations

TEXT: dict[str, tuple[str, str]] = {
    "help.words": ("ことばの説明：{terms}", "What the words mean: {terms}"),
    "help.glossary": (
        "ことばの説明（この画面に出てくる用語のすべて）",
        "Glossary: every term here",
    ),
    # -- asking
    "term.none": ("条文なし", "Without the law"),
    "term.none.is": (
        "モデルに問題文と選択肢だけを見せます。答えは、モデルが学習で覚えたことだけによります。",
        "The model sees the question and its choices alone: it answers from what it learned.",
    ),
    "term.retrieved": ("検索した条文", "Articles found"),
    "term.retrieved.is": (
        "問題の言葉でその場で法令を検索し、見つかった条文をモデルに見せます。"
        "見つけそこなうこともあります。",
        "The statutes are searched with the words of the question and what is found is shown to "
        "the model. The right article may be missed.",
    ),
    "term.given": ("付属の条文", "The question's own text"),
    "term.given.is": (
        "問題集が根拠として付けている条文をモデルに見せます。検索がいつも成功したときに当たります。",
        "The text that the question set attaches as its basis is shown: as if search never failed.",
    ),
    "term.lean": ("傾き（棒の長さ）", "Leaning (the bars)"),
    "term.lean.is": (
        "答えの最初の一文字が a・b・c・d になる確率を、四つで 100 % になるように直したものです。"
        "答えが正しい確率ではありません。",
        "How likely the first letter of the answer is a, b, c or d, made to add up to 100 %. It is "
        "not the probability of being right.",
    ),
    "term.mass": ("記号で答える割合", "Letter mass"),
    "term.mass.is": (
        "モデルの最初の一文字が、そもそも a〜d のどれかになる確率です。低いモデルは答え方の形式に"
        "慣れていないので、棒は参考程度です。",
        "How likely the first thing the model says is one of the letters at all. Where it is low, "
        "the model does not speak the format and the bars say little.",
    ),
    "term.orders": ("順番の入れ替え", "Reordering"),
    "term.orders.is": (
        "同じ選択肢を四通りの順番で解かせて平均します。小さなモデルは内容でなく位置"
        "（いつも a など）で選ぶことがあるためです。",
        "The same choices are asked in four orders and averaged, because small models may pick by "
        "place (always a, say) and not by content.",
    ),
    "term.abstain": ("「見分けがつかない」", "“Cannot tell”"),
    "term.abstain.is": (
        "傾きが弱いか、順番で答えが変わるときは、答えとして示しません。"
        "どこから答えとみなすかは「採点する」で決められます。",
        "Where the leaning is weak or follows the order, no answer is given. From where on it "
        "counts as one can be set on Score.",
    ),
    "term.asof": ("条文の時点", "As of"),
    "term.asof.is": (
        "その日に施行されていた条文です。その後の改正は入っていません。",
        "The text in force on that day; later amendments are not in it.",
    ),
    "term.found": ("見つけ方", "Found by"),
    "term.found.is": (
        "条番号の名指し、言葉の一致、意味の近さ、ほかの条文からの参照のどれで見つかったかです。",
        "Whether a passage was found by its number, by matching words, by nearness of meaning or "
        "by a reference from another article.",
    ),
    # -- versions
    "term.base": ("元のモデル", "Base model"),
    "term.base.is": (
        "追加学習をしていない、配布されたままの言語モデルです。",
        "The language model as it was published, without extra training.",
    ),
    "term.adapter": ("追加学習・アダプター", "Fine-tuning, adapter"),
    "term.adapter.is": (
        "問題と正解を見せて元のモデルの答え方を少し調整することと、その調整だけを入れた小さな"
        "ファイルです。外せば元のモデルに戻ります。",
        "Showing the model questions with their answers adjusts how it answers; the adapter is the "
        "small file that holds the adjustment. Without it the base is as before.",
    ),
    "term.lora": ("LoRA・QLoRA という方法", "LoRA, QLoRA"),
    "term.lora.is": (
        "モデル全体ではなく、各層に足した細い行列だけを学ぶ方法です。元のモデルを 4 ビットに"
        "圧縮して行うものを QLoRA と呼びます。",
        "A way to train thin matrices added to the layers in place of the whole model; with the "
        "base compressed to 4 bits it is called QLoRA.",
    ),
    "term.rank": ("ランクとアルファ", "Rank and alpha"),
    "term.rank.is": (
        "ランクは足した行列の太さで、大きいほど多くを覚えられます。アルファはその効き目の強さです。",
        "The rank is how thick the added matrices are: more can be learned with more. Alpha is how "
        "strongly they act.",
    ),
    "term.start": ("出発点", "Start from"),
    "term.start.is": (
        "追加学習は、まっさらな状態からだけでなく、前に学習させたものの続きとしても始められます。"
        "続きは、前のものが見た組も見たことになります。",
        "A run begins with nothing learned, or goes on from an adapter made before. Whatever that "
        "one saw then counts as seen by the new one too.",
    ),
    "term.loss": ("損失", "Loss"),
    "term.loss.is": (
        "正解の記号にどれだけ低い確率を付けたかを表す数です。0 に近いほど、見せた問題を"
        "覚えています。",
        "How low a probability the right letters got. Near 0 the questions shown are known by "
        "heart.",
    ),
    "term.step": ("ステップ・エポック", "Step, epoch"),
    "term.step.is": (
        "ステップは調整を一回加えること、エポックは学習用の問題をひととおり見せ終えることです。",
        "A step is one adjustment; an epoch is once through all training questions.",
    ),
    "term.rate": ("学習率", "Learning rate"),
    "term.rate.is": (
        "一回の調整の大きさです。大きすぎると壊れ、小さすぎるとほとんど変わりません。",
        "The size of one adjustment: too large breaks the model, too small changes nothing.",
    ),
    "term.group": ("組", "Group"),
    "term.group.is": (
        "同じ条文や文章を共有する問題のまとまりです。学習と試験に分かれないよう、組ごとに分けます。",
        "Questions that share text. They are kept together, so that no text is both learned and "
        "tested.",
    ),
    "term.dev": ("調整用・試験用の問題", "Tuning and test questions"),
    "term.dev.is": (
        "調整用は学習の途中で良し悪しを見るための問題、試験用は最後に一度だけ測るための問題です。"
        "どちらも学習には使いません。",
        "Tuning questions tell during training how it goes; test questions are kept for the final "
        "measurement. Neither is trained on.",
    ),
    # -- figures
    "term.accuracy": ("正解率", "Accuracy"),
    "term.accuracy.is": (
        "いちばん傾いた記号が公式の正解と同じだった割合です。でたらめに選ぶと 25 % です。",
        "The share of questions on which the letter it leans to most is the official answer. "
        "Picking at random gives 25 %.",
    ),
    "term.interval": ("95 % の幅", "95 % interval"),
    "term.interval.is": (
        "同じような問題で測り直したときに正解率が動きそうな範囲です。問題が少ないほど広くなります。",
        "The range in which the accuracy would mostly fall if it were measured again on such "
        "questions; the fewer the questions, the wider.",
    ),
    "term.baselines": ("くらべる目安", "Baselines"),
    "term.baselines.is": (
        "でたらめ、いちばん多い記号だけ、条文と言葉が重なる選択肢だけ、という三つの単純な答え方の"
        "正解率です。これを超えなければ、読めているとは言えません。",
        "What three simple ways reach: at random, always the commonest letter, the choice that "
        "shares most words with the law. Who does not beat them cannot be said to read.",
    ),
    "term.seen": ("学習で既出", "Seen in training"),
    "term.seen.is": (
        "そのモデルが学習か調整で見た組の問題です。正解できて当たり前なので、別に数えます。",
        "Questions of a group that the version saw in training or tuning. Getting them right "
        "proves little, so they are counted apart.",
    ),
    "term.paired": ("差の判定と p", "Verdict and p"),
    "term.paired.is": (
        "同じ問題どうしで正誤が入れ替わった数を数える検定（マクネマー検定）です。p が 0.05 以上なら"
        "「区別できません」と示します。",
        "A test that counts on which questions only one of the two was right (McNemar's). With p "
        "at 0.05 or above the two are called not distinguishable.",
    ),
    "term.calibration": ("較正（傾きと正解率のずれ）", "Calibration"),
    "term.calibration.is": (
        "60 % 傾いた答えが 60 % 当たるなら、ずれは 0 です。大きいほど、自信の強さが"
        "当てになりません。",
        "If answers that lean 60 % are right 60 % of the time, the gap is 0; the larger it is, the "
        "less its confidence can be trusted.",
    ),
    "term.hash": ("照合値", "Hash"),
    "term.hash.is": (
        "モデルや問題集の中身から計算した短い記号です。同じなら、一字も違わない同じものです。",
        "A short code computed from the content of a model or a set: the same code means the very "
        "same content.",
    ),
}
