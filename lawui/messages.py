"""Sentences of the errors, in Japanese and English, by room. See errors.py.

Each room adds its own rows in the block with its name.
"""

from __future__ import annotations

_REBUILD = (
    "作り直すには、画面の「条文を調べる」を開いて「索引を作る」を押すか、"
    "`python -m lawui index build` を実行してください。",
    "To rebuild it, open “Look up the statutes” on the page and press “Build the index”, or "
    "run `python -m lawui index build`.",
)

MESSAGES: dict[str, tuple[str, str]] = {
    # -- data
    "data.unknown_set": (
        "「{set}」という問題集はありません。使えるのは {sets} です。",
        "There is no question set {set}. There are: {sets}.",
    ),
    "data.only_to_train": (
        "「{set}」は学習用の練習問題で、質問や採点には使えません。",
        "{set} holds exercises to train on; it is no set to ask or to score.",
    ),
    "data.no_data_folder": (
        "問題集「{set}」にはデータフォルダが要ります。--data か LAWUI_DATA で指定するか、"
        "python -m lawui fetch で取得してください。",
        "The set {set} needs a data folder. Name it with --data or LAWUI_DATA, or get it "
        "with: python -m lawui fetch.",
    ),
    "data.missing_file": (
        "ファイル {path} がありません。場所を確かめるか、"
        "python -m lawui fetch で取得してください。",
        "The file {path} is missing. Check the place, or get it with: python -m lawui fetch.",
    ),
    "data.unreadable_file": (
        "ファイル {path} を読めません（{reason}）。",
        "The file {path} cannot be read ({reason}).",
    ),
    "data.not_utf8": (
        "ファイル {path} の文字コードが UTF-8 ではありません。UTF-8 で保存し直してください。",
        "The file {path} is not UTF-8 text. Save it as UTF-8.",
    ),
    "data.not_json": (
        "ファイル {path} は {line} 行目で JSON として読めません。"
        "途中で切れたファイルかもしれません。取得し直してください。",
        "The file {path} is not valid JSON at line {line}. It may be half-written: get it again.",
    ),
    "data.no_samples": (
        "ファイル {path} に問題がありません（キー samples の並びが必要です）。",
        "The file {path} holds no questions (a list under the key samples is needed).",
    ),
    "data.not_an_item": (
        "ファイル {path} の {item} 番（0から数えて）は問題の形をしていません。",
        "Item {item} (counted from 0) of {path} is not a question.",
    ),
    "data.missing_key": (
        "ファイル {path} の {item} 番（0から数えて）に「{name}」がないか、空です。",
        "Item {item} (counted from 0) of {path} has no {name}, or it is empty.",
    ),
    "data.not_four_choices": (
        "ファイル {path} の {item} 番（0から数えて）の選択肢が a から d の四つではありません。",
        "Item {item} (counted from 0) of {path} does not have the four choices a to d.",
    ),
    "data.unknown_gold": (
        "ファイル {path} の {item} 番（0から数えて）の正解「{gold}」は、"
        "a、b、c、d のどれでもありません。",
        "The gold answer {gold} of item {item} (counted from 0) of {path} is none of a, b, c, d.",
    ),
    "data.unknown_question": (
        "問題「{id}」は問題集「{set}」にありません。番号かファイル名を確かめてください。",
        "There is no question {id} in the set {set}. Check its number or file name.",
    ),
    "data.bad_fractions": (
        "分割の割合 {fractions} が正しくありません。0以上の数を三つ指定してください。",
        "The split fractions {fractions} are not right: three numbers of 0 or more are needed.",
    ),
    "data.bad_folds": (
        "分割数 {n} は小さすぎます。2以上にしてください。",
        "{n} folds are too few: take 2 or more.",
    ),
    "data.bad_split": (
        "分割ファイル {path} に問題「{item}」がないか、"
        "同じ文章を使う問題が別々に分けられています。",
        "The split file {path} leaves out item {item}, or divides items that share text.",
    ),
    "data.bad_statute_line": (
        "法令ファイル {path} の {line} 行目付近を読めません。壊れているか、途中で切れています。"
        "取得し直してください。",
        "The statute file {path} cannot be read at about line {line}. It is damaged or "
        "half-written: get it again.",
    ),
    "data.broken_xml": (
        "法令ファイル {path} を XML として読めません（{reason}）。取得し直してください。",
        "The statute file {path} is not sound XML ({reason}). Get it again.",
    ),
    "data.unsafe_xml": (
        "法令ファイル {path} は文書型や実体を宣言しているため、安全のため読みません。"
        "e-Gov から取得し直してください。",
        "The statute file {path} declares a document type or entities and is not read, "
        "for safety. Get it again from e-Gov.",
    ),
    "data.not_a_law": (
        "ファイル {path} は e-Gov の法令 XML ではありません。",
        "The file {path} is not a law in e-Gov's XML.",
    ),
    "data.empty_law": (
        "法令ファイル {path} に条文がありません。",
        "The statute file {path} holds no article.",
    ),
    "data.no_law_id": (
        "ファイル {path} の法令IDが分かりません。ファイル名を法令ID（例 403AC0000000090.xml）に"
        "してください。",
        "The law id of {path} cannot be told. Name the file by its law id "
        "(403AC0000000090.xml, for example).",
    ),
    "data.bad_date": (
        "日付「{date}」が正しくありません。2024-12-31 の形で指定してください。",
        "The date {date} is not right. Write it like 2024-12-31.",
    ),
    "data.bad_law_id": (
        "法令ID「{law}」が正しくありません。e-Gov の15文字のID（例 403AC0000000090）を"
        "指定してください。",
        "The law id {law} is not right. Give e-Gov's id of 15 characters, like 403AC0000000090.",
    ),
    "data.offline": (
        "--offline のため {url} を取得しません。--offline を外して python -m lawui fetch を"
        "実行するか、別の機械で取得したデータフォルダを --data で指定してください。",
        "Because of --offline, {url} is not fetched. Run python -m lawui fetch without "
        "--offline, or copy a data folder from another machine and name it with --data.",
    ),
    "data.network": (
        "{url} を取得できません（{reason}）。接続を確かめて、もう一度実行してください。"
        "取得済みの分は残り、続きから始まります。",
        "{url} cannot be fetched ({reason}). Check the connection and run it again: what has "
        "come stays, and it goes on from there.",
    ),
    "data.html_answer": (
        "{url} はデータの代わりに人が読むページ（保守中の案内やプロキシのログイン画面など）を"
        "返しました。ブラウザで開いて確かめ、時間をおいて再び実行してください。"
        "取得済みの分は残ります。",
        "{url} answered with a page for people instead of data (maintenance, or a proxy's "
        "log-in). Open it in a browser to see, and run it again later: what has come stays.",
    ),
    "data.refused": (
        "e-Gov が {url} を断りました（{code}: {reason}）。"
        "日付と法令IDを確かめて、もう一度実行してください。取得済みの分は残ります。",
        "e-Gov refused {url} ({code}: {reason}). Check the date and the law ids, and run it "
        "again: what has come stays.",
    ),
    "data.fetch_running": (
        "フォルダ {path} では別の取得が動いています。終わるのを待つか、それを止めてから、"
        "もう一度実行してください。",
        "Another fetch is at work in the folder {path}. Wait until it ends or stop it, and run "
        "this again.",
    ),
    "data.unknown_law": (
        "e-Gov に {asof} 時点の法令 {laws} がありません。IDと日付を確かめてください。"
        "ほかの法令は取得しました。",
        "e-Gov has no law {laws} as of {asof}. Check the ids and the date. "
        "The other laws were fetched.",
    ),
    "data.bad_answer": (
        "法令 {law} の答えが途中で切れているか、法令の形をしていません。"
        "時間をおいて再び実行してください。取得済みの分は残ります。",
        "The answer for law {law} is cut off or is no law. Try again later: what has come stays.",
    ),
    "data.wrong_law": (
        "法令 {law} を求めましたが、別の法令（{found}）が返りました。"
        "時間をおいて再び実行してください。",
        "Law {law} was asked for, but another one came ({found}). Try again later.",
    ),
    "data.bad_checksum": (
        "{name} の内容が公開時のものと一致しません。時間をおいて再び実行してください。",
        "{name} is not what was published. Try again later.",
    ),
    "data.cannot_write": (
        "{path} に書き込めません（{reason}）。空き容量と書き込みの許可を確かめるか、"
        "--data で別のフォルダを指定してください。",
        "{path} cannot be written ({reason}). Check the free space and the permissions, or "
        "name another folder with --data.",
    ),
    "data.no_statutes": (
        "フォルダ {path} に法令（.jsonl、.jsonl.gz、.xml）がありません。"
        "python -m lawui fetch で取得するか、フォルダを確かめてください。",
        "The folder {path} holds no statutes (.jsonl, .jsonl.gz, .xml). "
        "Get them with: python -m lawui fetch, or check the folder.",
    ),
    "data.guideline_locked": (
        "ガイドライン {path} はパスワードで保護されています。保護のないPDFに置き換えるか、"
        "本文を同じ名前の .txt にして隣に置いてください。",
        "The guideline {path} is locked by a password. Replace it by an unlocked PDF, or put "
        "its text beside it as a .txt of the same name.",
    ),
    "data.guideline_no_text": (
        "ガイドライン {path} から文字を取り出せません（紙面を画像にしたPDFなど）。"
        "文字認識をしたPDFに置き換えるか、本文を同じ名前の .txt にして隣に置いてください。",
        "The guideline {path} holds no text that can be read (a scan, for example). Replace it "
        "by a PDF with recognised text, or put its text beside it as a .txt of the same name.",
    ),
    "data.guideline_broken": (
        "ガイドライン {path} は壊れているか、PDFではありません（{reason}）。"
        "取り直して置き換えてください。",
        "The guideline {path} is broken or is no PDF ({reason}). Download it again and replace it.",
    ),
    "data.guideline_too_large": (
        "ガイドライン {path} は大きすぎます（{found}）。上限は {limit} です。"
        "分けて置いてください。",
        "The guideline {path} is too large ({found}). The limit is {limit}. Put it there in parts.",
    ),
    "data.no_address": (
        "{path} に http:// か https:// で始まるURLがありません。公開先のURLを1行で書くか、"
        "ファイルを消してください。",
        "{path} holds no address that begins with http:// or https://. Write the public "
        "address on one line, or delete the file.",
    ),
    # -- model
    "model.why.embedded_asked": (
        "指定により、同梱のデモ用モデルが答えます。",
        "The embedded demo model answers, as asked.",
    ),
    "model.why.not_downloaded": (
        "{model} がこの機械にないため、同梱のデモ用モデルが答えます。",
        "The embedded demo model answers, because {model} is not on this machine.",
    ),
    "model.why.no_cuda": (
        "CUDA対応のGPUがないため、{model} ではなく同梱のデモ用モデルが答えます。",
        "The embedded demo model answers instead of {model}, because there is no CUDA GPU.",
    ),
    "model.why.auto": (
        "GPUとモデルがこの機械にあるため、これを使います。",
        "It answers because this machine has a CUDA GPU and the model's files.",
    ),
    "model.why.asked": ("指定されたモデルです。", "It answers because it was asked for by name."),
    "model.why.folder": (
        "指定されたフォルダのモデルです。",
        "It answers because its folder was asked for.",
    ),
    "base.offline": (
        "--offline で起動しているため、モデルを取り寄せることはできません。--offline を付けずに"
        "起動すると、ここから取り寄せられます。",
        "The lab was started with --offline, so no model can be downloaded. Started without it, "
        "one can be downloaded here.",
    ),
    "base.demo": (
        "閲覧専用のデモでは、モデルを取り寄せることはできません。",
        "In the read-only demo no model can be downloaded.",
    ),
    "base.busy": (
        "いま {model} を取り寄せています。終わってからもう一度押してください。",
        "{model} is being downloaded. Press again when it is done.",
    ),
    "base.unknown": (
        "「{model}」はここから取り寄せられるモデルではありません。",
        "{model} is not one of the models on offer.",
    ),
    "base.failed": (
        "{model} を取り寄せられませんでした（{reason}）。接続を確かめて、もう一度押してください。"
        "届いた分は残り、続きから始まります。",
        "{model} could not be downloaded ({reason}). Check the connection and press again: what "
        "has come stays, and it goes on from there.",
    ),
    "model.not_here": (
        "モデル「{model}」がこの機械に見つかりません。名前かフォルダを確かめるか、"
        "--offline を外して取得してください。",
        "The model {model} is not on this machine. Check the name or folder, or leave out "
        "--offline so that it can be downloaded.",
    ),
    "model.cannot_load": (
        "モデル「{model}」を読み込めません。ファイルが壊れていないか確かめてください（{reason}）。",
        "The model {model} cannot be loaded. Check that its files are whole ({reason}).",
    ),
    "model.missing_weights": (
        "モデル「{model}」の重みのうち {weights} などがありません。"
        "フォルダのファイルを確かめてください。",
        "The model {model} lacks weights ({weights}). Check the files of its folder.",
    ),
    "model.no_config": (
        "フォルダ {folder} に config.json がありません。モデルのフォルダを指定してください。",
        "The folder {folder} has no config.json. Name the folder of a model.",
    ),
    "model.no_weights": (
        "フォルダ {folder} に safetensors の重みがありません。",
        "The folder {folder} has no safetensors weights.",
    ),
    "model.pickle": (
        "フォルダ {folder} の重みは pickle 形式です。安全のため読みません。"
        "safetensors に変換してください。",
        "The weights in {folder} are pickled and are not read, for safety. "
        "Convert them to safetensors.",
    ),
    "model.missing_library": (
        "必要なライブラリがありません（{reason}）。requirements.txt から入れ直してください。",
        "A library is missing ({reason}). Install requirements.txt again.",
    ),
    "model.out_of_memory": (
        "メモリが足りず、モデル「{model}」を読み込めません。"
        "他の処理を止めるか、小さいモデルを選んでください。",
        "There is not enough memory to load {model}. Stop other work or choose a smaller model.",
    ),
    "model.sharing": (
        "学習が計算機のカードを使っているため、いまは回答が少し遅くなります。"
        "学習が終わると自動で元の速さに戻ります。答えの内容は変わりません。",
        "Training is using the card, so answers take a little longer for now. Their full speed "
        "comes back by itself when it has ended. What is answered stays the same.",
    ),
    "model.no_memory_to_answer": (
        "メモリが足りず、答えを計算できませんでした。ほかの処理が終わるのを待つか、"
        "条文を減らしてもう一度お試しください。",
        "There was not enough memory to compute the answer. Wait for other work to end, or take "
        "out some passages, and try again.",
    ),
    "model.letters": (
        "このモデルでは「{letter}」が一つのトークンになりません。記号で採点できないため使えません。",
        "In this model {letter} is not one token, so it cannot be scored by letter.",
    ),
    "model.no_end_token": (
        "このモデルには終わりのトークンがないため、学習できません。",
        "This model has no end token and cannot be trained.",
    ),
    "model.no_chat_template": (
        "このモデルには会話の書式（chat template）がありません。Chat または Instruct の"
        "モデルを選んでください。",
        "This model has no chat template. Choose a chat or instruct model.",
    ),
    "model.question_too_long": (
        "問題文と選択肢だけで {tokens} トークンあり、上限の {limit} を超えます。短くしてください。",
        "The stem and choices alone take {tokens} tokens; the limit is {limit}. Shorten them.",
    ),
    "model.prompt_too_long": (
        "{tokens} トークンの入力は、モデルの上限 {limit} を超えます。",
        "A prompt of {tokens} tokens is longer than the model's limit of {limit}.",
    ),
    "model.not_finite": (
        "モデルの計算結果が数値になりませんでした。アダプタの重みが壊れている可能性があります。",
        "The model's figures are not finite. The adapter's weights may be broken.",
    ),
    "model.closed": (
        "モデルは閉じられました。もう一度お試しください。",
        "The model was closed. Try again.",
    ),
    # -- a server that answers in place of a model on this machine
    "model.why.server": (
        "指定されたサーバー {server} が答えます。問題・選択肢・条文は、質問や採点のたびに"
        "このサーバーへ送られます。",
        "The server {server} answers, as asked. Questions, choices and passages are sent to it "
        "whenever something is asked or scored.",
    ),
    "model.why.server_plain": (
        "指定されたサーバー {server} が答えます。問題・選択肢・条文は、質問や採点のたびに"
        "このサーバーへ、暗号化されずに（http://）送られます。",
        "The server {server} answers, as asked. Questions, choices and passages are sent to it "
        "whenever something is asked or scored, unencrypted (http://).",
    ),
    "server.address": (
        "サーバーは http://ホスト:ポート/v1#モデル名 の形で指定してください。",
        "Write a server as http://HOST:PORT/v1#MODEL.",
    ),
    "server.no_model": (
        "サーバー {server} のモデル名がありません。アドレスの後ろに「#モデル名」を付けてください。"
        "名前の一覧は {server}/models にあります。",
        "The model of the server {server} is not named. Put #MODEL behind the address; "
        "{server}/models lists the names.",
    ),
    "server.key_in_address": (
        "アドレスに鍵や「?」は書けません。鍵は環境変数 LAWUI_API_KEY に入れてください。",
        "No key and no ? in the address. Put the key into the environment as LAWUI_API_KEY.",
    ),
    "server.requests": (
        "環境変数 {name} は 1 から 1024 までの数にしてください（いまは「{value}」）。",
        "{name} in the environment must be a number from 1 to 1024, not {value}.",
    ),
    "server.offline": (
        "--offline のため、この機械の外のサーバー {server} には送りません。"
        "この機械のサーバー（127.0.0.1、localhost）を指定するか、--offline を外してください。",
        "Because of --offline nothing is sent to {server}, which is not this machine. Name a "
        "server on it (127.0.0.1, localhost), or leave out --offline.",
    ),
    "server.gone": (
        "サーバー {server} につながりません（{reason}）。サーバーが動いているか確かめてください。"
        "済んだ答えは残っており、続きから再開できます。",
        "The server {server} cannot be reached ({reason}). See whether it runs. What was answered "
        "is kept, and the rest can be resumed.",
    ),
    "server.slow": (
        "サーバー {server} が {seconds} 秒たっても答えません。混み合っているか止まっています。"
        "済んだ答えは残っており、続きから再開できます。",
        "The server {server} has not answered for {seconds} seconds: it is overloaded or stuck. "
        "What was answered is kept, and the rest can be resumed.",
    ),
    "server.busy": (
        "サーバー {server} は混み合っていて、何度か待っても受け付けません（429）。"
        "しばらくして再開してください。済んだ答えは残っています。",
        "The server {server} is too busy and took nothing after several waits (429). Resume in a "
        "while; what was answered is kept.",
    ),
    "server.failed": (
        "サーバー {server} の中で問題が起き、何度試しても答えません（{status} {reason}）。"
        "サーバーの記録を確かめ、続きから再開してください。済んだ答えは残っています。",
        "Something went wrong inside the server {server}, each time it was tried ({status} "
        "{reason}). See its log, then resume; what was answered is kept.",
    ),
    "server.key": (
        "サーバー {server} が鍵を受け付けません（{status}）。期限切れかもしれません。"
        "環境変数 LAWUI_API_KEY に正しい鍵を入れて起動し直してください。済んだ答えは残っています。",
        "The server {server} does not accept the key ({status}); it may have expired. Start again "
        "with the right one as LAWUI_API_KEY in the environment. What was answered is kept.",
    ),
    "server.not_found": (
        "サーバー {server} に、求めたモデルか機能がありません（404 {reason}）。"
        "アドレスとモデル名を確かめてください。",
        "The server {server} has no such model or interface (404 {reason}). Check the address and "
        "the name of the model.",
    ),
    "server.no_such_model": (
        "サーバー {server} にモデル「{model}」はありません。あるのは {models} です。",
        "The server {server} has no model {model}. It has: {models}.",
    ),
    "server.refused": (
        "サーバー {server} が依頼を断りました（{status} {reason}）。",
        "The server {server} refused the request ({status} {reason}).",
    ),
    "server.too_long": (
        "文章が長すぎて、サーバー {server} のモデルには読めません（{reason}）。"
        "条文を減らしてください。",
        "The text is longer than the model of {server} reads ({reason}). Take out some passages.",
    ),
    "server.no_logprobs": (
        "サーバー {server} は記号ごとの確率（logprobs）を返しません。確率がないと答えも採点も"
        "できないため使えません。logprobs を返す設定にするか、別のサーバーを指定してください。",
        "The server {server} gives no probabilities of single tokens (logprobs), without which "
        "nothing can be answered or scored. Have it give them, or name another server.",
    ),
    "server.changed": (
        "サーバー {server} のモデルが途中で入れ替わりました（いまは「{model}」）。"
        "別のモデルの答えを混ぜないため止めました。元のモデルに戻して再開するか、新しく採点してください。",
        "The model of the server {server} has been exchanged meanwhile (now {model}). Work was "
        "stopped so that answers of two models do not mix. Bring the first back and resume, or "
        "score anew.",
    ),
    "server.cut": (
        "サーバー {server} の文章が途中で切れました。もう一度お試しください。",
        "The text from the server {server} broke off. Try again.",
    ),
    "server.odd": (
        "サーバー {server} の答えを読み取れません。OpenAI 互換のサーバーか、"
        "アドレスが /v1 で終わっているか確かめてください。",
        "The answer of the server {server} cannot be read. See whether it is OpenAI-compatible "
        "and the address ends in /v1.",
    ),
    "server.no_adapters": (
        "サーバー {server} にはアダプタ（LoRA）がなく、追加もできません。"
        "答えるのは元のモデルだけです。",
        "The server {server} has no adapters (LoRA) and takes none: the base alone answers.",
    ),
    "server.no_training": (
        "サーバー {server} のモデルは重みがここにないため学習できません。"
        "「元のモデル」にこの機械のモデル（embedded など）を指定してください。",
        "The model of the server {server} cannot be trained: its weights are not here. Name a "
        "base on this machine (embedded, say) as the model.",
    ),
    "server.none": (
        "サーバーを使っていません。--model http://ホスト:ポート/v1#モデル名 で起動してください。",
        "No server answers here. Start with --model http://HOST:PORT/v1#MODEL.",
    ),
    "adapter.not_on_server": (
        "サーバー {server} にアダプタ「{name}」はありません。一覧から選ぶか、サーバーに読み込ませて"
        "ください（python -m lawui adapters load）。",
        "The server {server} does not serve the adapter {name}. Choose one from the list, or have "
        "it loaded there (python -m lawui adapters load).",
    ),
    "adapter.server_fixed": (
        "サーバー {server} は動作中にアダプタ「{name}」を出し入れできません。vLLM なら "
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True と --enable-lora を付けて起動してください。",
        "The server {server} can neither take up nor let go of the adapter {name} while it runs. "
        "Start vLLM with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True and --enable-lora.",
    ),
    "adapter.server_refused": (
        "サーバー {server} がアダプタ「{name}」の読み込みか取り外しを断りました（{reason}）。",
        "The server {server} refused to load or unload the adapter {name} ({reason}).",
    ),
    # -- adapters
    "adapter.bad_name": (
        "「{name}」はアダプタの名前に使えません。文字・数字・「.」「-」「_」だけで80字までです。",
        "{name} cannot name an adapter: letters, digits, '.', '-' and '_', 80 at most.",
    ),
    "adapter.unknown": (
        "アダプタ「{name}」は見つかりません。一覧から選んでください。",
        "There is no adapter {name}. Choose one from the list.",
    ),
    "adapter.bad_config": (
        "アダプタ「{name}」の設定ファイルが壊れています。作り直すか削除してください。",
        "The configuration of the adapter {name} is broken. Train it again or remove it.",
    ),
    "adapter.not_lora": (
        "「{name}」はLoRAのアダプタではありません。",
        "{name} is not a LoRA adapter.",
    ),
    "adapter.no_weights": (
        "アダプタ「{name}」に重み（adapter_model.safetensors）がありません。",
        "The adapter {name} has no weights (adapter_model.safetensors).",
    ),
    "adapter.corrupt": (
        "アダプタ「{name}」の重みが途中で切れているか壊れています。",
        "The weights of the adapter {name} are cut short or broken.",
    ),
    "adapter.pickle": (
        "アダプタ「{name}」の重みは pickle 形式です。安全のため読みません。",
        "The weights of the adapter {name} are pickled and are not read, for safety.",
    ),
    "adapter.other_base": (
        "アダプタ「{name}」は別のモデル（{base}）用です。いまのモデルでは使えません。",
        "The adapter {name} belongs to another base ({base}) and does not fit this one.",
    ),
    "adapter.does_not_fit": (
        "アダプタ「{name}」の重みがいまのモデルに合いません（作られた元のモデル: {base}）。",
        "The weights of the adapter {name} do not fit this model (made for {base}).",
    ),
    "adapter.other_prompt": (
        "アダプタ「{name}」は今と違う問い方で学習されています。結果は参考程度です。",
        "The adapter {name} was trained with another prompt wording; take its answers with care.",
    ),
    "adapter.variant": (
        "アダプタ「{name}」は通常のLoRA以外の重み（DoRA、modules_to_save など）を含みます。"
        "線形層のLoRAだけで作り直してください。",
        "The adapter {name} holds more than plain LoRA (DoRA, modules_to_save or the like). "
        "Train it again with LoRA on linear layers alone.",
    ),
    "adapter.target_exists": (
        "書き出し先 {path} はすでにあります。別の名前にしてください。",
        "{path} exists already. Choose another name.",
    ),
    "adapter.shipped": (
        "「{name}」は同梱のアダプタなので削除できません。",
        "{name} is shipped with the lab and cannot be removed.",
    ),
    "adapter.in_use": (
        "「{name}」は学習中です。止めてから削除してください。",
        "{name} is being trained. Stop it before you remove it.",
    ),
    # -- retrieval
    "retrieval.missing": (
        "条文の索引がまだありません（{path}）。画面の「条文を調べる」を開いて「索引を作る」を押すか、"
        "`python -m lawui index build` を実行してください。",
        "There is no index of the statutes yet ({path}). Open “Look up the statutes” on the "
        "page and press “Build the index”, or run `python -m lawui index build`.",
    ),
    "retrieval.damaged": (
        "条文の索引が壊れています（{path}：{reason}）。質問や学習結果は失われていません。"
        + _REBUILD[0],
        "The index of the statutes is damaged ({path}: {reason}). Nothing else is lost. "
        + _REBUILD[1],
    ),
    "retrieval.old_format": (
        "条文の索引が別の版の形式です（{path}）。" + _REBUILD[0],
        "The index of the statutes was written by another version ({path}). " + _REBUILD[1],
    ),
    "retrieval.other_chroma": (
        "この索引は Chroma {made} で作られており、今の Chroma {here} では読めません"
        "（{path}：{reason}）。" + _REBUILD[0],
        "This index was made with Chroma {made}, which Chroma {here} cannot read ({path}: "
        "{reason}). " + _REBUILD[1],
    ),
    "retrieval.foreign": (
        "この索引は別の埋め込みモデル「{made}」で作られています（現在の設定は「{asked}」）。"
        "元のモデルを選ぶか、索引を作り直してください。" + _REBUILD[0],
        "This index was made by another embedder, “{made}”; “{asked}” is set now. Choose the "
        "former embedder, or rebuild the index. " + _REBUILD[1],
    ),
    "retrieval.other_store": (
        "この索引のベクトルは今の設定とは別の場所（手元または Chroma サーバー）にあります"
        "（{path}）。`--chroma-url` を元に戻すか、索引を作り直してください。",
        "This index keeps its vectors elsewhere than set now (on this machine or on a Chroma "
        "server; {path}). Set `--chroma-url` back, or rebuild the index.",
    ),
    "retrieval.server": (
        "Chroma サーバー {url} を使えません（{reason}）。"
        "サーバーが動いているか確かめ、索引を作り直してください。",
        "The Chroma server {url} cannot be used ({reason}). Check that it runs, then rebuild "
        "the index.",
    ),
    "retrieval.disk": (
        "索引を書き込めませんでした（{path}：{reason}）。空き容量と権限を確かめて、"
        "もう一度作ってください。前の索引はそのままです。",
        "The index could not be written ({path}: {reason}). Check free space and permissions "
        "and build again; the former index is untouched.",
    ),
    "retrieval.build_running": (
        "別の処理が索引を作っている最中です（{path}）。終わるのを待ってからやり直してください。",
        "Another process is building the index ({path}). Wait for it to end, then try again.",
    ),
    "retrieval.nothing_to_index": (
        "索引にする条文がありません。法令データの場所を確かめてください。",
        "There is no statute text to index. Check the folder of the statutes.",
    ),
    "retrieval.nothing_to_evaluate": (
        "この問題集には、条文を引用する問題がありません。",
        "No question of this set cites an article.",
    ),
    "retrieval.embedder_missing": (
        "埋め込みモデル「{embedder}」が手元にありません（{reason}）。"
        "`embedded` を使うか、先にダウンロードしてください。",
        "The embedder “{embedder}” is not at hand ({reason}). Use `embedded`, or download it "
        "first.",
    ),
    "retrieval.embedder_broken": (
        "埋め込みモデル「{embedder}」を読み込めません（{reason}）。"
        "フォルダーの中身を確かめるか、`embedded` を使ってください。",
        "The embedder “{embedder}” cannot be loaded ({reason}). Check its folder, or use "
        "`embedded`.",
    ),
    "retrieval.reranker_missing": (
        "並べ替えモデル「{reranker}」が手元にありません（{reason}）。"
        "先にダウンロードするか、`--reranker` を付けずに起動してください。",
        "The reranker “{reranker}” is not at hand ({reason}). Download it first, or start without "
        "`--reranker`.",
    ),
    "retrieval.reranker_broken": (
        "並べ替えモデル「{reranker}」を使えません（{reason}）。"
        "フォルダーの中身を確かめるか、`--reranker` を付けずに起動してください。",
        "The reranker “{reranker}” cannot be used ({reason}). Check its folder, or start without "
        "`--reranker`.",
    ),
    # -- training
    "train.faults": ("設定に誤りが{count}件あります。", "{count} settings are wrong."),
    "train.out_of_range": (
        "{flag}に{value}は使えません。範囲は{range}です。",
        "{flag} cannot be {value}. It must be {range}.",
    ),
    "train.not_one_of": (
        "{flag}に{value}は使えません。{allowed}から選んでください。",
        "{flag} cannot be {value}. Choose one of: {allowed}.",
    ),
    "train.not_a_value": (
        "{flag}の値「{value}」を読み取れません。数値などの正しい形で入れてください。",
        "{flag}: “{value}” cannot be read. Give a value of the right kind, such as a number.",
    ),
    "train.unknown_preset": (
        "「{name}」というプリセットはありません。あるのは{known}です。",
        "There is no preset “{name}”. There are: {known}.",
    ),
    "train.unknown_field": (
        "「{name}」という設定はありません。",
        "There is no setting “{name}”.",
    ),
    "train.bad_mix": (
        "条文の割合「{value}」を読み取れません。「given」「none=1,given=2」「none+given」のように書いてください。",
        "The evidence mix “{value}” cannot be read. Write it like “given”, “none=1,given=2” or "
        "“none+given”.",
    ),
    "train.bad_budget": (
        "メモリの上限「{value}」を読み取れません。「10GB」のように書いてください。",
        "The memory budget “{value}” cannot be read. Write it like “10GB”.",
    ),
    "train.patience_keeps_best": (
        "伸びなくなったら終える設定（--early-stopping-patience）は、最もよかった時点を残す設定"
        "（--load-best-model-at-end）と一緒に使ってください。",
        "Patience (--early-stopping-patience) goes with keeping the best step "
        "(--load-best-model-at-end): turn that on, or patience off.",
    ),
    "train.set_and_file": (
        "学習に使う問題は、問題集かファイルのどちらか一方だけを選んでください。",
        "Choose either a set or a file to train on, not both.",
    ),
    "train.bad_file": (
        "{path}の{line}行目を読み取れません: {reason}。直してからやり直してください。",
        "Line {line} of {path} cannot be read: {reason}. Mend it and try again.",
    ),
    "train.no_rows": (
        "学習に使える問題が一つもありません。別の問題集か分け方を選んでください。",
        "There is no question to train on. Choose another set or split.",
    ),
    "train.no_group": (
        "問題{question}にはグループがなく、採点用の問題と分けられません。問題集を読み直してください。",
        "Question {question} has no group, so it cannot be kept apart from the test questions. "
        "Load the set again.",
    ),
    "train.group_in_both": (
        "{count}個のグループ（例: {example}）が学習用と確認用の両方にあります。"
        "分け方を直してください。",
        "{count} groups ({example} for one) are both in training and in dev. Mend the split.",
    ),
    "train.leak": (
        "採点用のグループが{count}個（例: {example}）学習に入っています。"
        "それでも学習するときだけ「採点用の問題も使う」(--allow-seen)を選んでください。",
        "{count} test groups ({example} for one) are among the training rows. Tick "
        "“use test questions too” (--allow-seen) only if you mean it.",
    ),
    "train.bad_row": (
        "{path}の{line}行目は問題として読み取れません。学習を作り直してください。",
        "Line {line} of {path} is not a question that can be read. Make the run anew.",
    ),
    "train.bad_rows": (
        "{path}がないか、作られた後に変わっています。学習を作り直してください。",
        "{path} is missing or has changed since it was made. Make the run anew.",
    ),
    "train.bad_run_file": (
        "学習の記録{path}がないか壊れています。学習を作り直してください。",
        "The run's record {path} is missing or damaged. Make the run anew.",
    ),
    "train.bad_checkpoint": (
        "途中の保存{path}が壊れています。このフォルダーを消して再開すると、最初から学習します。",
        "The checkpoint {path} is damaged. Delete that folder and resume to train from the start.",
    ),
    "train.no_start": (
        "出発点のアダプター「{name}」がありません。アダプターの一覧にある名前を選んでください。",
        "There is no adapter “{name}” to go on from. Choose a name from the list of adapters.",
    ),
    "train.start_differs": (
        "アダプター「{name}」から続けるには、同じ形にしてください: "
        "ランク{rank}、alpha {alpha}、層 {targets}。",
        "To go on from the adapter “{name}” give the run its shape: rank {rank}, alpha {alpha}, "
        "layers {targets}.",
    ),
    "train.start_scaled": (
        "アダプター「{name}」は重みの効かせ方が層ごとに違うか、rsLoRA です。"
        "続きから学習できるのは、どの層も alpha ÷ ランクで効くアダプターだけです。",
        "The adapter “{name}” is scaled layer by layer, or by rsLoRA. A run can go on only from "
        "one whose layers all act by alpha over rank.",
    ),
    "train.start_layers": (
        "アダプター「{name}」の層は、この学習で調整する層と違います。"
        "調整する層をそのアダプターと同じにしてください。",
        "The adapter “{name}” has other layers than this run trains. Give the run the layers of "
        "the adapter.",
    ),
    "train.start_other_base": (
        "アダプター「{name}」は別のモデル（{base}）から作られています。"
        "同じモデルで学習するか、別の出発点を選んでください。",
        "The adapter “{name}” was made on another base ({base}). Train on that base, or choose "
        "another adapter to go on from.",
    ),
    "train.bad_start": (
        "出発点にする重みの写し{path}が壊れています。学習を新しく始めてください。",
        "The copy {path} of the weights to go on from is damaged. Start the run anew.",
    ),
    "train.begun": (
        "「{name}」（重み {sha}）から続けて学習しています。",
        "This run goes on from “{name}” (weights {sha}).",
    ),
    "train.start_saw": (
        "アダプター「{name}」は、この学習で調整用・試験用に取っておくグループを{count}個学習済みです。"
        "それでも続けるときだけ「試験用の問題と重なっても学習する」(--allow-seen)を選んでください。",
        "The adapter “{name}” has already learnt {count} groups that this run keeps for dev and "
        "test. Tick “Train even on rows that overlap test questions” (--allow-seen) only if you "
        "mean it.",
    ),
    "train.bad_targets": (
        "このモデルには{targets}という層がありません。all-linearを使ってください。",
        "This model has no layers named {targets}. Use all-linear.",
    ),
    "train.base_changed": (
        "モデル{model}がこの学習を作った時のものと違います。学習を作り直してください。",
        "The model {model} is not the one that this run was made for. Make the run anew.",
    ),
    "train.all_too_long": (
        "{count}問すべてが{limit}トークンに収まりません。最大の長さを大きくしてください。",
        "None of the {count} questions fits into {limit} tokens. Raise the maximum length.",
    ),
    "train.dropped": (
        "{count}問は条文なしでも{limit}トークンに収まらないため外しました。",
        "{count} questions were left out: even without evidence they exceed {limit} tokens.",
    ),
    "train.skipped": (
        "{count}行は四つの選択肢か一つに決まる答えが読み取れないため外しました。",
        "{count} rows were left out: no four choices or no single answer can be read in them.",
    ),
    "train.cannot_write": (
        "学習のフォルダーに書き込めません（{reason}）。空き容量と権限を確かめてください。",
        "The run's folder cannot be written ({reason}). Check free space and permissions.",
    ),
    "train.checkpoint_failed": (
        "途中の状態を保存できませんでした（{reason}）。学習は続けます。空き容量を増やしてください。",
        "The state so far could not be saved ({reason}). Training goes on; free some disk space.",
    ),
    "train.cannot_save": (
        "アダプターを保存できませんでした（{reason}）。空き容量を増やしてから再開してください。",
        "The adapter could not be saved ({reason}). Free some disk space, then resume.",
    ),
    "train.unknown_run": ("「{run}」という学習はありません。", "There is no run “{run}”."),
    "train.still_running": (
        "学習「{run}」は動いています。先に止めてください。",
        "The run “{run}” is going on. Stop it first.",
    ),
    "train.not_running": (
        "学習「{run}」は動いていません。",
        "The run “{run}” is not going on.",
    ),
    "train.already_done": (
        "学習「{run}」は終わっています。続けるには新しい学習を作ってください。",
        "The run “{run}” is done. Start a new one to go further.",
    ),
    "train.already_ended": (
        "学習「{run}」は一度終わっています。再開するか、新しい学習を作ってください。",
        "The run “{run}” has ended before. Resume it or start a new one.",
    ),
    "train.resume_instead": (
        "学習「{run}」はもう始まっています。途中からなら再開してください。",
        "The run “{run}” was started before. Resume it instead.",
    ),
    "train.queued": (
        "別の学習が終わるのを待っています。",
        "Waiting for another training run to end.",
    ),
    "train.done": ("学習が終わりました（{step}ステップ）。", "Training is done ({step} steps)."),
    "train.early_stopped": (
        "確認用の問題で伸びなくなったので{step}ステップで終えました。"
        "最も良かった{best_step}ステップを残します。",
        "Ended at step {step}: the dev questions no longer improve. Step {best_step}, the "
        "best, is kept.",
    ),
    "train.stopped": (
        "{step}ステップで止めました。ここまでのアダプターを残します。",
        "Stopped at step {step}. The adapter so far is kept.",
    ),
    "train.stopped_before_first": (
        "最初のステップの前に止めました。アダプターはありません。",
        "Stopped before the first step. There is no adapter.",
    ),
    "train.crashed": (
        "学習「{run}」は途中で落ちました。再開すると最後の保存から続けます。",
        "The run “{run}” broke off. Resume it to go on from its last checkpoint.",
    ),
    "train.not_finite": (
        "{step}ステップ目の計算値（{what}）が有限でないため、このステップを飛ばしました"
        "(連続{in_row}回)。",
        "Step {step} was skipped: its {what} is not finite ({in_row} in a row).",
    ),
    "train.stopped_not_finite": (
        "有限でない値が{count}ステップ続いたので{step}ステップで止め、最後の正常な状態を残します。"
        "学習率を下げてください。",
        "Stopped at step {step}: {count} steps in a row were not finite. The last good state is "
        "kept. Lower the learning rate.",
    ),
    "train.never_finite": (
        "最初の{count}ステップすべてで値が有限でないため止めました。モデルか精度の設定を変えてください。",
        "Stopped: all of the first {count} steps were not finite. Change the model or the compute "
        "type.",
    ),
    "train.retry": (
        "メモリが足りないため、一度に{batch}問、長さ{length}トークンでやり直します。",
        "Out of memory: trying again with {batch} at once and length {length}.",
    ),
    "train.out_of_memory": (
        "長さ{length}トークン、一度に1問でもメモリが足りません。"
        "この設定には約{gigabytes} GBが要ります。"
        "ほかのプログラムを閉じるか、小さいモデルを選ぶか、rを小さくしてください。",
        "Out of memory even with one sequence of {length} tokens. These settings need about "
        "{gigabytes} GB: close other programs, choose a smaller model or lower r.",
    ),
    "train.rank_lost": (
        "{count}個のプロセスのうち{process}番目が途中で終わりました（{how}）。"
        "SIGKILL はメモリ不足で起きることが多いです。"
        "再開すると最後のチェックポイントから続きます。",
        "Process {process} of {count} ended in mid-run ({how}). SIGKILL often means that "
        "memory ran out. Resuming goes on from the last checkpoint.",
    ),
    "train.too_few_cards": (
        "{asked}枚の GPU で学習するよう指定されましたが、この機械には{there}枚しかありません。"
        "--nproc を{there}以下にしてください。",
        "{asked} GPUs were asked for and this machine has {there}. Set --nproc to {there} or less.",
    ),
    "train.more_processes": (
        "プロセス数（--nproc {count}）が1ステップの件数（{sequences}）より多いため分けられません。"
        "--nproc を減らすか、--batch-size を増やしてください。",
        "A step has {sequences} sequences, too few for {count} processes (--nproc). Use fewer "
        "processes or a larger --batch-size.",
    ),
    "train.unexpected": (
        "思わぬ誤りで止まりました: {reason}。詳しくは学習フォルダーのchild.logにあります。",
        "Stopped by an unforeseen error: {reason}. The run's child.log has the details.",
    ),
    "train.alarm_one_letter": (
        "{step}ステップの時点で、すべての確認用の問題に「{letter}」と答えています。"
        "学習率を下げるか、選択肢の順序を増やしてください。",
        "At step {step} every dev question is answered “{letter}”. Lower the learning rate or "
        "add orders of the choices.",
    ),
    "train.alarm_majority": (
        "確認用の正答率{accuracy}は、いつも同じ文字を答えた場合の{majority}に届きません。",
        "Dev accuracy {accuracy} is below always answering one letter ({majority}).",
    ),
    "train.alarm_overfitting": (
        "{step}ステップの時点で確認用の損失が上がり続けています。{best_step}ステップが最も良い状態です。",
        "At step {step} the dev loss keeps rising: it is learning by heart. Step {best_step} is "
        "the best so far.",
    ),
    # -- scoring
    "scoring.unknown_run": (
        "採点「{run}」は見つかりません。採点の一覧から選び直してください。",
        "There is no scoring run {run}. Choose one from the list of runs.",
    ),
    "scoring.damaged_run": (
        "採点「{run}」の記録が壊れていて読めません（{path}）。採点をやり直してください。",
        "The record of scoring run {run} is damaged ({path}). Score again.",
    ),
    "scoring.busy": (
        "採点「{run}」は別の処理が実行中です。終わるのを待つか、中止してください。",
        "Scoring run {run} is being worked on elsewhere. Wait for it to end, or cancel it.",
    ),
    "scoring.not_held": (
        "採点「{run}」はこの処理のものではないため書き込めません。再開してから続けてください。",
        "Scoring run {run} is not held by this process. Resume it first.",
    ),
    "scoring.interrupted": (
        "採点が途中で止まりました（{total} 問中 {done} 問まで済み）。"
        "再開すると、続きから採点します。",
        "The scoring was interrupted after {done} of {total} questions. "
        "Resume it to go on from there.",
    ),
    "scoring.lost_answers": (
        "記録された答えが {total} 問中 {done} 問しかありません。"
        "再開すると、足りない分を採点します。",
        "Only {done} of {total} answers are on record. Resume to score the missing ones.",
    ),
    "scoring.stopping": (
        "中止しています（{total} 問中 {done} 問まで済み）。",
        "Stopping ({done} of {total} questions done).",
    ),
    "scoring.failed": (
        "採点に失敗しました：{error}。済んだ分は残っています。原因を除いてから再開してください。",
        "The scoring failed: {error}. What was answered is kept; resume once the cause is removed.",
    ),
    "scoring.changed_dataset_sha": (
        "問題集「{set}」が採点「{run}」の開始後に変わっています。"
        "古い答えと新しい問題は混ぜられません。新しく採点してください。",
        "The set {set} has changed since run {run} began. Old answers and new questions "
        "cannot be mixed: start a new scoring.",
    ),
    "scoring.changed_model_sha": (
        "採点「{run}」は別のモデルで始めたものです。同じモデルで起動するか、新しく採点してください。",
        "Run {run} was begun with another model. Start with that model, or score anew.",
    ),
    "scoring.changed_prompt_sha": (
        "採点「{run}」の開始後に、モデルへの問い方（プロンプト）が変わりました。"
        "新しく採点してください。",
        "The prompt has changed since run {run} began. Score anew.",
    ),
    "scoring.changed_adapter_sha": (
        "採点「{run}」のアダプターは開始後に変わったか、なくなりました。新しく採点してください。",
        "The adapter of run {run} has changed or gone since it began. Score anew.",
    ),
    "scoring.changed_index_id": (
        "採点「{run}」の開始後に、条文の検索用索引か並べ替えモデルが変わりました。新しく採点してください。",
        "The index of statutes or the reranker has changed since run {run} began. Score anew.",
    ),
    "scoring.wrong_answers": (
        "{asked} 問をたずねましたが、対応する答えがそろいません（{got} 件）。"
        "採点を再開し、直らなければ起動し直してください。",
        "{asked} questions were asked, and {got} answers that do not match them came back. "
        "Resume the scoring; if that does not help, restart.",
    ),
    "scoring.not_finite": (
        "問題「{question}」で、モデルが確率として読めない値（NaNなど）を返しました。"
        "アダプターが壊れている恐れがあります。別のアダプターで試してください。",
        "On question {question} the model gave values that are no probabilities (such as "
        "NaN). The adapter may be broken: try another one.",
    ),
    "scoring.disk_full": (
        "ディスクの空きがなく、採点を記録できません（{path}）。"
        "空きを作ってから再開してください。済んだ分は残っています。",
        "The disk is full and the scoring cannot be recorded ({path}). Make room, then "
        "resume; what was answered is kept.",
    ),
    "scoring.cannot_write": (
        "採点を記録できません（{path}：{reason}）。フォルダの権限を確かめてください。",
        "The scoring cannot be recorded ({path}: {reason}). Check the folder's permissions.",
    ),
    "scoring.sets_differ": (
        "採点「{run_a}」と「{run_b}」は、同じ問題（同じ版の問題集）への答えではないため比べられません。"
        "同じ問題集で採点し直してください。",
        "Runs {run_a} and {run_b} did not answer the same version of the same set and "
        "cannot be compared. Score both on one set.",
    ),
    "scoring.nothing_shared": (
        "採点「{run_a}」と「{run_b}」の両方が答えた問題がありません。",
        "Runs {run_a} and {run_b} have no question in common.",
    ),
    "scoring.other_questions": (
        "採点「{run}」には、いまの問題集にない問題（{question} など）への答えがあります。"
        "採点時の問題集に戻すか、新しく採点してください。",
        "Run {run} holds answers to questions that the set no longer has ({question} and "
        "perhaps others). Bring the old set back, or score anew.",
    ),
    "scoring.cache": (
        "答えの控え {path} を読み書きできません（{reason}）。場所と空き容量を確かめてください。"
        "壊れているときは消してかまいません。済んだ採点は失われません。",
        "The store of answers {path} cannot be read or written ({reason}). Check its place and "
        "the free space; if it is damaged it may be deleted: no finished score is lost.",
    ),
    "scoring.unknown_job": (
        "採点のまとまり「{job}」は見つかりません。",
        "There is no set of scores {job}.",
    ),
    "scoring.no_item": (
        "採点「{run}」に問題「{item}」への答えはありません。",
        "Run {run} holds no answer to the question {item}.",
    ),
    "scoring.too_few_for_threshold": (
        "正解率 {target} % に届くしきい値がありません（採点「{run}」）。目標を下げてください。",
        "No threshold of run {run} reaches {target} % right answers. Aim lower.",
    ),
    "usage.target": (
        "目標の正解率は 0 より大きく 100 % 以下にしてください。",
        "The share of right answers to aim at must be above 0 and at most 100 %.",
    ),
    "usage.columns": (
        "モデル {adapters} 個に対して条文の見せ方が {evidences} 個です。同じ数にしてください。",
        "There are {adapters} adapters and {evidences} kinds of evidence: give as many of each.",
    ),
    # -- marks
    "marks.unknown": (
        "「{mark}」という印はありません。agree、disagree、gold_doubtful、statute_changed から"
        "選んでください。",
        "There is no mark {mark}. Choose agree, disagree, gold_doubtful or statute_changed.",
    ),
    "marks.too_long": (
        "コメントが長すぎます（{n} 文字）。{limit} 文字までに縮めてください。",
        "The comment is too long ({n} characters). Shorten it to {limit}.",
    ),
    "marks.demo": (
        "閲覧専用のデモでは印を付けられません。",
        "In the read-only demo no marks can be made.",
    ),
    "marks.file": (
        "印の記録 {path} を読み書きできません（{reason}）。場所と空き容量を確かめてください。"
        "壊れているときは、別の名前に変えると新しく作られます。",
        "The record of marks {path} cannot be read or written ({reason}). Check its place and "
        "the free space; if it is damaged, rename it and a new one is made.",
    ),
    "marks.agree": ("モデルの答えに賛成", "I agree with the model"),
    "marks.disagree": ("モデルの答えに反対", "I disagree with the model"),
    "marks.gold_doubtful": ("公式の正解が疑わしい", "The official answer is doubtful"),
    "marks.statute_changed": ("法令が改正された", "The law has changed"),
    "marks.column.user": ("利用者", "User"),
    "marks.column.source": ("ファイル名", "Source"),
    "marks.column.question": ("問題", "Question"),
    "marks.column.set": ("問題集", "Set"),
    "marks.column.adapter": ("モデル", "Version"),
    "marks.column.evidence": ("条文", "Law shown"),
    "marks.column.choice": ("モデルの答え", "Model's answer"),
    "marks.column.gold": ("公式の正解", "Official answer"),
    "marks.column.mark": ("印", "Mark"),
    "marks.column.comment": ("コメント", "Comment"),
    "marks.column.created": ("日時（UTC）", "Time (UTC)"),
    # -- lab, system, usage
    "usage.evidence": (
        "根拠の種類「{evidence}」はありません。none、retrieved、given から選んでください。",
        "There is no evidence {evidence}. Choose none, retrieved or given.",
    ),
    "usage.four_choices": (
        "問題文と、空でない四つの選択肢を入れてください。",
        "Give a stem and four choices, none of them empty.",
    ),
    "usage.no_given": (
        "この問題には、元の条文が付いていません。「条文を検索」を選んでください。",
        "This question has no context of its own. Choose retrieved evidence.",
    ),
    "usage.unknown_run": (
        "実行「{run}」は見つかりません。",
        "There is no run {run}.",
    ),
    "usage.id_or_stem": (
        "--id か --stem のどちらか一方を指定してください。",
        "Give either --id or --stem with four --choice.",
    ),
    "usage.export_kind": (
        "「{kind}」では書き出せません。csv、json、html から選んでください。",
        "There is no report of kind {kind}. Choose csv, json or html.",
    ),
    "scoring.nothing_to_export": (
        "書き出す採点を選んでください。",
        "Choose a score to export.",
    ),
    "retrieval.failed": (
        "索引を作れませんでした（{reason}）。前の索引はそのままです。",
        "The index could not be built ({reason}). The former one is untouched.",
    ),
    "data.no_folder": (
        "データフォルダ {path} がありません。場所を確かめてください。",
        "The data folder {path} is not there. Check its place.",
    ),
    "usage.search": (
        "探す言葉を入れ、件数は1から100までにしてください。",
        "Give some text to search for, and ask for 1 to 100 passages.",
    ),
    "usage.parameter": (
        "「{name}」に渡された値が使えません。種類（文字、数、並び）と大きさを確かめてください。",
        "The value given for “{name}” cannot be used. Check its type (text, number, list) and "
        "its size.",
    ),
    "usage.parameters": (
        "渡された値の数か名前が違います。ページの「プログラムから使う（API）」で確かめてください。",
        "These are not the parameters of this endpoint. See “Use from a program (API)”.",
    ),
    "usage.signs": (
        "「{name}」に、文字として使えない記号が入っています。入力し直してください。",
        "“{name}” holds signs that are no text. Type it again.",
    ),
    "usage.too_large": (
        "「{name}」が長すぎます（{limit}字まで）。短くしてください。",
        "“{name}” is too long: {limit} characters at most.",
    ),
    "usage.demo": (
        "公開デモのため、学習や削除はできません。",
        "This is a read-only demo: nothing can be trained or removed.",
    ),
    "usage.nothing_to_score": (
        "採点する問題がありません。",
        "There are no questions to score.",
    ),
    "usage.preset_name": (
        "「{name}」はひな形の名前に使えません。"
        "空でなく、もとからあるひな形とも違う、{longest}文字までの名前にしてください。",
        "“{name}” cannot name a preset. Choose a name of at most {longest} characters that no "
        "built-in preset has.",
    ),
    "usage.pick_run": ("先に学習を選んでください。", "Choose a run first."),
    "usage.bench_seen": (
        "アダプター「{adapter}」は、採点しようとした問題のうち{count}問を学習時に見ています。"
        "見た問題での成績は意味がないため、採点しません。",
        "The adapter {adapter} saw {count} of the questions to be scored, or does not say what "
        "it saw. A score on them would be no result and is refused.",
    ),
    "usage.bench_reader": (
        "アダプター「{adapter}」は、このモデルにひな形 reading を学ばせたものではありません"
        "（違う点: {differs}）。",
        "The adapter {adapter} is not what the preset reading makes of this model; it differs in: "
        "{differs}.",
    ),
    "usage.bench_train": (
        "計測には1以上のステップと系列、16から{longest}までの長さを指定してください。",
        "The measurement needs at least one step and sequence, and 16 to {longest} tokens.",
    ),
    "usage.seen": (
        "学習データに、採点に使う問題と同じ文章が {count} 組あります（例: {example}）。"
        "このまま学習すると成績が正しく測れません。承知の上なら --allow-seen を付けてください。",
        "The training data shares text with {count} groups of questions kept for scoring "
        "(for example {example}). A score on them would be no result. "
        "Pass --allow-seen if you mean it.",
    ),
    "usage.reading_evidence": (
        "読解の練習問題は実在しない規則についてのもので、その条文なしでは答えられません。"
        "学習時に見せる条文を「付属の条文」か「ほかの条文に混ぜた付属の条文」"
        "(--evidence-mix given=1,distractors=1)にしてください。",
        "The reading exercises are on invented regulations: nobody can answer them without "
        "their text, and no search finds it. Train on them with their own text, alone or among "
        "others (--evidence-mix given=1,distractors=1).",
    ),
    "usage.no_rows": (
        "学習に使える問題がありません: {source}",
        "There is nothing to train on in {source}.",
    ),
    "usage.no_lm_eval": (
        "比べる相手の lm-evaluation-harness がありません。別の場所に pip install --target で入れ、"
        "PYTHONPATH に加えてください。",
        "lm-evaluation-harness is not here to be measured beside. Install it elsewhere with "
        "pip install --target and add that folder to PYTHONPATH.",
    ),
    "host.no_page": (
        "app.py が応答しません（{reason}）。",
        "app.py does not answer ({reason}).",
    ),
    "host.busy": (
        "いま {waiting} 件が順番を待っています。少し待ってからもう一度お試しください。",
        "{waiting} requests are waiting. Try again in a moment.",
    ),
    "host.port": (
        "ポート {port} は使用中です。--port で別の番号を指定してください。",
        "Port {port} is in use. Choose another with --port.",
    ),
    "host.disk": (
        "ファイルを読み書きできません（{reason}）。場所・権限・空き容量を確かめてください。",
        "A file cannot be read or written ({reason}). Check its place, permissions and free space.",
    ),
    "host.no_login": (
        "この機械の外から見えるようにする（{how}）には、ログインが必要です。"
        "--auth-file FILE か環境変数 LAWUI_AUTH で利用者を指定してください。",
        "To be reached from outside this machine ({how}) the page needs a log-in: "
        "give --auth-file FILE or the variable LAWUI_AUTH.",
    ),
    "host.bad_auth": (
        "利用者ファイル {path} の {line} 行目が「役割 名前:パスワード」の形ではありません。"
        "python -m lawui user 名前 で正しい行を作れます。",
        "Line {line} of {path} is not of the form `role name:password`. "
        "python -m lawui user NAME prints a line that is.",
    ),
    "host.proxy": (
        "--auth-header は、この機械だけで待ち受けるとき（--host 127.0.0.1、--share なし）に"
        "限り使えます。"
        "ほかから直接つながると、誰でも名前を名乗れてしまうためです。"
        "同じ機械のプロキシを通してください。",
        "--auth-header works on a loopback address alone (--host 127.0.0.1, no --share): whoever "
        "reached the page directly could take any name. Put the proxy on this machine.",
    ),
    # -- who may do what
    "people.role": (
        "この操作には「{needed}」の役割が必要です（いまの役割：{role}）。"
        "このラボの管理者に頼んでください。",
        "This needs the role {needed} (yours: {role}). Ask whoever runs this lab.",
    ),
    "people.too_often": (
        "この操作は1分に{most}回までです。少し待ってからもう一度お試しください。",
        "This can be done {most} times a minute. Try again in a moment.",
    ),
    "people.yes": (
        "「{name}」のデータ{total}件を消すには、--yes を付けてください。元に戻せません。",
        "Add --yes to delete the {total} things kept of “{name}”. It cannot be undone.",
    ),
    "people.queue_full": (
        "順番を待っている仕事が{waiting}件あります（一人{most}件まで）。"
        "終わるのを待つか、いくつか中止してから、もう一度お試しください。",
        "{waiting} of your jobs are waiting or at work, and one user may have {most}. Wait for "
        "them or stop some, then try again.",
    ),
    "people.uploads": (
        "一日に送れるファイルの合計（{most} MB）を超えます。明日もう一度お試しください。",
        "That is more than the {most} MB of files that may be sent in a day. Try again tomorrow.",
    ),
    "people.other_total": (
        "消えるものの数が変わりました（いまは{total}件、確認されたのは{given}件）。"
        "数を見直してから、もう一度消してください。",
        "What would be deleted has changed: {total} things now, {given} were confirmed. "
        "Look at the count again, then delete.",
    ),
    "people.no_role": (
        "「{role}」という役割はありません。{roles} から選んでください。",
        "There is no role {role}. Choose one of {roles}.",
    ),
    "people.name": (
        "利用者の名前（コロンを含まず、役割の名で始まらないもの）とパスワードを指定してください。",
        "Give a name (without a colon, not beginning with a role) and a password.",
    ),
    "people.demo": (
        "公開デモでは、訪れた人を見分けないため、まとめて消すことはできません。"
        "見た答えは一日で消え、「記録を消す」ですぐに消せます。",
        "This demo cannot tell its visitors apart, so nothing is deleted for all. Answers go after "
        "a day, or at once by “Forget this visit”.",
    ),
    # -- a class
    "class.unknown": (
        "この参加コードの教室はありません。コードを確かめるか、先生に聞いてください。",
        "There is no class with this code. Check it, or ask the teacher.",
    ),
    "class.not_yours": (
        "この教室を進められるのは、開いた先生だけです。",
        "Only the teacher who opened this class leads it.",
    ),
    "class.unknown_student": (
        "まだ参加していません。参加コードと名前を入れてください。",
        "You have not joined yet. Give the code and a name.",
    ),
    "class.name": (
        "名前を {limit} 文字以内で入れてください。本名でなくてかまいません。",
        "Give a name of at most {limit} characters. It need not be your own.",
    ),
    "class.name_taken": (
        "その名前はもう使われています。別の名前にしてください。",
        "That name is taken. Choose another.",
    ),
    "class.full": (
        "いま開ける教室の数を超えています。使い終わった教室を閉じてから、もう一度お試しください。",
        "Too many classes are open. Close one that is over and try again.",
    ),
    "class.room_full": (
        "この教室の定員（{limit} 人）に達しています。",
        "This class is full ({limit} students).",
    ),
    "class.letter": ("a、b、c、d のどれかを選んでください。", "Choose one of a, b, c, d."),
    "class.closed_vote": (
        "投票は締め切られました。次の問題をお待ちください。",
        "The vote is closed. Wait for the next question.",
    ),
    "class.request": (
        "送られた内容を読めませんでした。ページを開き直して、もう一度お試しください。",
        "What was sent could not be read. Open the page again and try once more.",
    ),
    "class.nothing_shown": (
        "先に問題を選んで「この問題を出す」を押してください。",
        "Choose a question first and press “Show this question”.",
    ),
    "host.no_mcp": (
        "--mcp には追加のライブラリが必要です: pip install 'gradio[mcp]'",
        "--mcp needs one more library: pip install 'gradio[mcp]'",
    ),
    "host.offline": (
        "--offline なので外部に接続しません。{what} は手元に用意してください。",
        "--offline forbids any connection. Bring {what} to this machine another way.",
    ),
    # -- what if
    "whatif.stem": (
        "問題文を変えた：「{old}」→「{new}」",
        "Question text changed: “{old}” → “{new}”",
    ),
    "whatif.choice": (
        "選択肢 {where} を変えた：「{old}」→「{new}」",
        "Choice {where} changed: “{old}” → “{new}”",
    ),
    "whatif.passage": (
        "条文を書き換えた：「{old}」→「{new}」",
        "Law reworded: “{old}” → “{new}”",
    ),
    "whatif.drop": ("{passage} を外した", "{passage} taken out"),
    "whatif.pin": ("{passage} を加えた", "{passage} added"),
    "whatif.swap": ("選択肢 {where} を入れ替えた", "Choices {where} exchanged"),
    "whatif.no_text": (
        "変えた後の文が空です。文を書いてください。条文を見せたくないときは、印を外してください。",
        "The new wording is empty. Write some text; to hide a passage, take its tick out.",
    ),
    "whatif.too_long": (
        "変えた後の文が長すぎます。{limit} 文字までに縮めてください。",
        "The new wording is too long. Shorten it to {limit} characters.",
    ),
    "whatif.no_part": (
        "変えようとした部分「{where}」は、いまの問題や条文にありません。選び直してください。",
        "The part to change, {where}, is not in the question or its passages now. Choose again.",
    ),
    # -- the reason
    "explain.embedded": (
        "同梱のデモ用モデルは文章を書けないため、理由は説明できません。"
        "ふつうの言語モデルで起動すると（python app.py --model …）、ここに説明が出ます。",
        "The demo model that ships cannot write text, so it gives no reason. Started with a real "
        "language model (python app.py --model …) the lab shows one here.",
    ),
    "usage.browse": (
        "絞り込みの指定が違います。難しさは {levels}、印は unmarked か {reviews} です。",
        "That cannot be narrowed by: difficulty is {levels}; the mark is unmarked or {reviews}.",
    ),
    # -- what readers keep
    "store.file": (
        "保存用のファイル {path} を読み書きできません（{reason}）。"
        "場所・権限・空き容量を確かめてください。",
        "The file {path}, where things are kept, cannot be read or written ({reason}). Check its "
        "place, permissions and free space.",
    ),
    "own.demo": (
        "閲覧専用のデモでは、自分の問題を保存できません。その場で答えさせることはできます。",
        "In the read-only demo no question of your own can be kept. It can be answered at once.",
    ),
    "visit.empty": (
        "まだ何も答えさせていません。「答えさせる」を押したものが、ファイルに入ります。",
        "Nothing was answered yet. What you ask goes into the file: press “Answer” first.",
    ),
    "own.too_many": (
        "自分の問題は {limit} 問まで保存できます。要らないものを消してからもう一度試してください。",
        "You can keep {limit} questions of your own. Delete some and try again.",
    ),
    "own.too_long": (
        "問題の一部分が長すぎます。どの部分も {limit} 文字までに縮めてください。",
        "A part of the question is too long. Shorten each to {limit} characters.",
    ),
    "own.gold": (
        "正解「{gold}」は a、b、c、d のどれでもありません。選び直すか、空にしてください。",
        "The answer {gold} is none of a, b, c, d. Choose again or leave it out.",
    ),
}
