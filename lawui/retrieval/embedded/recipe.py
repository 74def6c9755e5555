"""Makes the embedded embedder from statute text alone: `python -m lawui.retrieval.embedded.recipe`.

    statutes .jsonl.gz -> byte-pair tokenizer -> LSA start -> contrastive training -> weights/

The result is a sentence-transformers folder with one StaticEmbedding module: a text's
vector is the mean of its tokens' vectors. Training pairs are cut from statutes only
(caption to article, sentences to article, halves of a paragraph); no question is seen.
Seeded; a few minutes on two CPU cores.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from tokenizers import Tokenizer

WEIGHTS = Path(__file__).parent / "weights"
SMALL_KANA = dict(zip("っゃゅょッャュョ", "つやゆよツヤユヨ", strict=True))
"""Statutes before 1988 write あつて where today's writing has あって: fold them together."""


QUESTION_WORDS = (
    "次のうち、正しいものはどれですか。",
    "次の記述のうち、誤っているものを選んでください。",
    "に関する説明として、最も適切なものを教えてください。",
    "について、適切でないものを一つ選びなさい。",
    "に該当しないものを答えてください。",
    "の根拠となる条文はどれか。",
    "とは何ですか。わかりやすく教えて下さい。",
    "について知りたいのですが、どうすればよいでしょうか。",
    "することはできますか。できませんか。",
    "しても問題ありませんか。必要はないのですか。",
)
"""Words of people who ask, which statutes never hold: seen in training, they weigh nothing."""


@dataclass(frozen=True)
class Recipe:
    """Every setting that decides the weights. `dim` x `vocabulary` x 2 bytes is their size."""

    seed: int = 0
    vocabulary: int = 13_600
    longest_token: int = 4
    dim: int = 256
    tokenizer_articles: int = 30_000
    svd_articles: int = 60_000
    steps: int = 2_000
    laws_per_batch: int = 64
    articles_per_law: int = 16
    learning_rate: float = 0.03
    temperature: float = 0.05
    longest_text: int = 192  # tokens of a training text
    keep: float = 0.8  # share of a query's tokens that survive, so that no single word decides
    asked: float = 0.5  # share of queries that carry one of `QUESTION_WORDS`


@dataclass
class Corpus:
    """Tokenized articles. An article is a list of paragraphs, a paragraph a list of
    sentences, a sentence an int32 array [tokens]."""

    articles: list[list[list[np.ndarray]]] = field(default_factory=list)
    captions: list[np.ndarray] = field(default_factory=list)
    heads: list[np.ndarray] = field(default_factory=list)  # law, chapters and caption
    asked: list[np.ndarray] = field(default_factory=list)  # QUESTION_WORDS
    by_law: list[list[int]] = field(default_factory=list)  # article indices of each law


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The articles of a .jsonl or .jsonl.gz file as dictionaries."""
    packed = path.suffix == ".gz"
    with gzip.open(path, "rb") if packed else path.open("rb") as lines:
        for line in lines:
            yield json.loads(line)


def train_tokenizer(texts: list[str], recipe: Recipe) -> Tokenizer:
    """Byte-pair tokens of at most `longest_token` characters, never across scripts."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    folds = [normalizers.Replace(small, large) for small, large in SMALL_KANA.items()]
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), *folds]
    )
    scripts = Regex(r"[\p{Han}々]+|\p{Hiragana}+|[\p{Katakana}ー]+|[a-z]+|[0-9]")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(scripts, "removed", invert=True)
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary,
        special_tokens=["[PAD]", "[UNK]"],
        max_token_length=recipe.longest_token,
        limit_alphabet=3_500,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def sentences(paragraph: str) -> list[str]:
    """A paragraph cut at sentence ends and lines (items), empty pieces dropped."""
    return [piece for piece in re.split(r"(?<=。)|\n", paragraph) if piece.strip()]


def tokenize(records: list[dict[str, Any]], tokenizer: Tokenizer, recipe: Recipe) -> Corpus:
    """The corpus as token arrays; of very long articles the first 60 sentences a paragraph."""

    def encode(texts: list[str]) -> list[np.ndarray]:
        return [np.asarray(e.ids, np.int32) for e in tokenizer.encode_batch_fast(texts)]

    corpus = Corpus()
    law_index: dict[str, int] = {}
    for first in range(0, len(records), 2_000):
        chunk = records[first : first + 2_000]
        shape = [[len(sentences(p)[:60]) for p in r["paragraphs"][:40]] for r in chunk]
        flat = [s for r in chunk for p in r["paragraphs"][:40] for s in sentences(p)[:60]]
        tokens = iter(encode(flat))
        corpus.articles += [[[next(tokens) for _ in range(n)] for n in counts] for counts in shape]
        corpus.captions += encode([r["caption"] for r in chunk])
        heads = [" ".join((r["law"], *r["headings"], r["caption"])) for r in chunk]
        corpus.heads += encode(heads)
    corpus.asked = encode(list(QUESTION_WORDS))
    for number, record in enumerate(records):
        place = law_index.setdefault(record["law_id"], len(law_index))
        if place == len(corpus.by_law):
            corpus.by_law.append([])
        if sum(len(s) for p in corpus.articles[number] for s in p) >= 16:
            corpus.by_law[place].append(number)
    corpus.by_law = [numbers for numbers in corpus.by_law if numbers]
    return corpus


def term_matrix(corpus: Corpus, recipe: Recipe) -> csr_matrix:
    """[articles, vocabulary] with (1 + log tf) * idf, rows of unit length."""
    from scipy.sparse import csr_matrix, diags

    articles = corpus.articles[:: max(1, len(corpus.articles) // recipe.svd_articles)]
    docs = [np.concatenate([s for p in a for s in p] or [np.zeros(0, np.int32)]) for a in articles]
    lengths = [len(d) for d in docs]
    rows = np.repeat(np.arange(len(docs)), lengths)
    counts = csr_matrix(
        (np.ones(len(rows), np.float32), (rows, np.concatenate(docs))),
        shape=(len(docs), recipe.vocabulary),
    )
    counts.sum_duplicates()
    idf = np.log(len(docs) / (1 + np.bincount(counts.indices, minlength=recipe.vocabulary)))
    counts.data = 1 + np.log(counts.data)
    weighted = counts @ diags(np.maximum(idf, 0).astype(np.float32))
    norms = np.sqrt(weighted.multiply(weighted).sum(1)).A1
    return diags(1 / np.maximum(norms, 1e-6)) @ weighted


def lsa_start(corpus: Corpus, recipe: Recipe) -> np.ndarray:
    """Token vectors [vocabulary, dim] by latent semantic analysis, with idf in their length."""
    from sklearn.utils.extmath import randomized_svd

    matrix = term_matrix(corpus, recipe)
    _, _, right = randomized_svd(
        matrix, recipe.dim, n_iter=2, n_oversamples=16, random_state=recipe.seed
    )
    present = np.maximum(np.bincount(matrix.indices, minlength=recipe.vocabulary), 1)
    idf = np.log(matrix.shape[0] / present)
    return (right.T * idf[:, None]).astype(np.float32)


class Pairs:
    """Cuts (query, passage) token pairs out of articles."""

    def __init__(self, corpus: Corpus, recipe: Recipe) -> None:
        self.corpus, self.recipe = corpus, recipe
        self.random = random.Random(recipe.seed)
        self.numpy = np.random.default_rng(recipe.seed)

    def batch(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Pairs of many articles, several of each law, so that a law's other articles
        are the negatives that count."""
        r, wanted = self.recipe, self.recipe.laws_per_batch * self.recipe.articles_per_law
        chosen: list[int] = []
        count = len(self.corpus.by_law)
        laws = self.random.sample(range(count), min(count, 4 * r.laws_per_batch))
        for law in laws:
            numbers = self.corpus.by_law[law]
            start = self.random.randrange(len(numbers))
            # neighbours in a chapter are the hardest negatives
            chosen += numbers[start : start + r.articles_per_law]
            if len(chosen) >= wanted:
                break
        pairs = [self.pair(number) for number in chosen[:wanted]]
        return [q for q, _ in pairs], [p for _, p in pairs]

    def pair(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """One pair of an article: three kinds of query, one kind of passage."""
        paragraphs = [p for p in self.corpus.articles[number] if p]
        paragraph = self.random.choice(paragraphs)
        caption, kind = self.corpus.captions[number], self.random.random()
        head = [self.corpus.heads[number]] if self.random.random() < 0.8 else []
        if kind < 0.2 and len(caption) > 1:
            query, rest, head = [caption], paragraph, []
        elif kind < 0.4 and len(paragraph) > 1:
            middle = len(paragraph) // 2
            query, rest = paragraph[:middle], paragraph[middle:]
        elif kind < 0.4:
            words, middle = paragraph[0], len(paragraph[0]) // 2
            query, rest = [words[:middle]], [words[middle:]]
        else:
            query, rest = self.quote(paragraph)
        query = [self.thin(self.cut(query))]
        if self.random.random() < self.recipe.asked:
            query.append(self.random.choice(self.corpus.asked))
        return np.concatenate(query), self.cut(head + rest)

    def quote(self, paragraph: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """One to four sentences as the query; half of the time the passage lacks them."""
        count = min(len(paragraph), self.random.randint(1, 4))
        taken = set(self.random.sample(range(len(paragraph)), count))
        query = [paragraph[i] for i in sorted(taken)]
        rest = [s for i, s in enumerate(paragraph) if i not in taken]
        return query, rest if rest and self.random.random() < 0.5 else paragraph

    def cut(self, pieces: list[np.ndarray]) -> np.ndarray:
        """The pieces joined, a window of `longest_text` tokens where they are longer."""
        tokens, longest = np.concatenate(pieces), self.recipe.longest_text
        if len(tokens) <= longest:
            return tokens
        start = self.random.choice((0, 0, self.random.randrange(len(tokens) - longest + 1)))
        return tokens[start : start + longest]

    def thin(self, tokens: np.ndarray) -> np.ndarray:
        """A share `keep` of the tokens, all of them if that leaves fewer than four."""
        kept = tokens[self.numpy.random(len(tokens)) < self.recipe.keep]
        return kept if len(kept) >= 4 else tokens


def train(corpus: Corpus, start: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Contrastive training with the batch's other passages as negatives (InfoNCE, van den
    Oord et al. 2018, both directions). Returns the token vectors [vocabulary, dim]."""
    import torch
    from torch.nn.functional import cross_entropy, embedding_bag, normalize

    torch.manual_seed(recipe.seed)
    table = torch.nn.Parameter(torch.from_numpy(start / start.std() * 0.1))
    optimizer = torch.optim.Adam([table], lr=recipe.learning_rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=recipe.steps, pct_start=0.1
    )
    pairs, began = Pairs(corpus, recipe), time.monotonic()

    def encode(texts: list[np.ndarray]) -> torch.Tensor:  # (B, D), unit length
        offsets = np.cumsum([0] + [len(t) for t in texts[:-1]])
        tokens = torch.from_numpy(np.concatenate(texts)).long()
        return normalize(embedding_bag(tokens, table, torch.from_numpy(offsets), mode="mean"))

    for step in range(recipe.steps):
        queries, passages = pairs.batch()
        scores = encode(queries) @ encode(passages).T / recipe.temperature  # (B, B)
        gold = torch.arange(len(scores))
        loss = (cross_entropy(scores, gold) + cross_entropy(scores.T, gold)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == recipe.steps - 1:
            print(
                f"step {step} loss {loss.item():.4f} {time.monotonic() - began:.0f} s", flush=True
            )
    return table.detach().numpy()


def save(tokenizer: Tokenizer, vectors: np.ndarray, folder: Path) -> None:
    """Writes the sentence-transformers folder: half precision, safetensors."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    module = StaticEmbedding(tokenizer, embedding_weights=torch.from_numpy(vectors).half())
    model = SentenceTransformer(modules=[module], device="cpu", similarity_fn_name="cosine")
    model.save_pretrained(str(folder), create_model_card=False)


def make(records: list[dict[str, Any]], recipe: Recipe, folder: Path) -> None:
    """Statutes -> the model in `folder`."""
    some = records[:: max(1, len(records) // recipe.tokenizer_articles)]
    texts = [p[:2_000] for r in some for p in (r["caption"], *r["paragraphs"][:5])]
    tokenizer = train_tokenizer(texts + 20 * list(QUESTION_WORDS), recipe)
    recipe = replace(recipe, vocabulary=tokenizer.get_vocab_size())
    print(f"{len(records)} articles, {recipe.vocabulary} tokens", flush=True)
    corpus = tokenize(records, tokenizer, recipe)
    save(tokenizer, train(corpus, lsa_start(corpus, recipe), recipe), folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("statutes", type=Path, help="statutes_more.jsonl.gz or the like")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    arguments = parser.parse_args()
    make(list(read_records(arguments.statutes)), Recipe(steps=arguments.steps), arguments.out)


if __name__ == "__main__":
    main()
