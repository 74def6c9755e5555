"""A larger model that writes questions on real statutes as people would ask them.

    python -m lawui.model.embedded.teacher --base FOLDER --statutes statutes.jsonl.gz --out DIR

Rules reword by rule, and lawui/data/reading holds only thousands of questions; a reader needs a
hundred thousand that are told in ever other words. A general model (Qwen2.5-Coder-1.5B-
Instruct, Apache-2.0, was used) learns from them two things at once: to write questions
on a text, with their right and wrong choices, and to answer such questions by letter. It
then writes on statutes, and a question is kept with the probabilities that the same model,
shown the choices in random orders and not which is which, gives to each.

DIR/generated.jsonl.gz holds a context a line; DIR/log.jsonl what was measured. Nothing of
lawqa_jp, of the laws it cites or of the sample law is read.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lawui.data import reading
from lawui.data.reading import Asked, Context
from lawui.model.embedded import recipe, written
from lawui.model.embedded.decoding import Decoder
from lawui.model.embedded.rules import Nouns, Rules
from lawui.types import LETTERS, Passage

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Qwen2ForCausalLM

ROWS, NEW, LENGTH = 768, 448, 1152
"""Contexts written on at once, new tokens of each, slots of each."""
HEAT = 0.9
MICRO = 8192
"""Tokens of one training step, padding included."""
RATE = 1.5e-5
FIRST, LAST = 3, 5
"""How many questions are asked for on one text."""
MOST = 9
"""How many questions on one text it learns to write at once: the count is one token."""
ORDERS = 3
"""How often a question is answered, its choices in a new order each time."""

_SYSTEM = "あなたは法令の読解問題を作り、また解く人です。"
_QUESTION = re.compile(r"\?(!?) (.+)\n\+ (.+)\n- (.+)\n- (.+)\n- (.+)(?:\n|$)")


class Format:
    """Contexts and questions as the teacher's tokens."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        backend = tokenizer.backend_tokenizer
        self.encode: Callable[[str], list[int]] = lambda text: (
            backend.encode(text, add_special_tokens=False).ids
        )
        self._tokenizer = tokenizer
        self.end = int(tokenizer.convert_tokens_to_ids("<|im_end|>"))  # type: ignore[arg-type]
        self.letters = [self.encode(letter)[0] for letter in LETTERS]
        self.head = self.encode(
            f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n<|im_start|>user\n【条文】\n"
        )
        self.tails = {
            n: self.encode(
                f"\n\nこの条文についての四択問題を{n}問作ってください。<|im_end|>\n"
                "<|im_start|>assistant\n"
            )
            for n in range(1, MOST + 1)
        }
        if len({len(tail) for tail in self.tails.values()}) != 1:
            raise ValueError("the count of questions is not one token")
        self.answer = self.encode("\n答え:")

    def shown(self, context: Context) -> list[int]:
        """The prompt up to the end of the text."""
        places = (p.place().removeprefix(p.law) for p in context.passages)
        texts = (p.text for p in context.passages)
        pairs = zip(places, texts, strict=True)
        body = "\n".join(f"{place}\n{text}" if place else text for place, text in pairs)
        return [*self.head, *self.encode(f"{context.law}\n{body}")]

    def write_prompt(self, context: Context, count: int) -> list[int]:
        """What the teacher writes on from."""
        return [*self.shown(context), *self.tails[count]]

    def written(self, asked: Sequence[Asked]) -> list[int]:
        """Questions with their marks, and the end."""
        lines = []
        for one in asked:
            lines += [f"?{'!' * one.wrong} {one.stem}", f"+ {one.answer}"]
            lines += [f"- {other}" for other in one.others]
        return [*self.encode("\n".join(lines)), self.end]

    def parse(self, ids: Sequence[int]) -> list[Asked]:
        """The whole questions of what was written; odd ones are left out."""
        found = {}
        for match in _QUESTION.finditer(
            str(self._tokenizer.decode(list(ids), skip_special_tokens=True)) + "\n"
        ):
            wrong, stem, *choices = match.groups()
            if len({*choices}) == 4 and max(map(len, choices)) <= 160 and len(stem) <= 200:
                a, b, c, d = (choice.strip() for choice in choices)
                found[frozenset(choices)] = Asked(stem.strip(), bool(wrong), a, (b, c, d))
        return list(found.values())

    def test(
        self, asked: Sequence[Asked], rng: Random
    ) -> tuple[list[int], list[int], list[list[int]]]:
        """Questions one after another with their letters: the tokens, the places where a
        letter is predicted, and the letters 0-3 of the answer and of each other choice."""
        ids: list[int] = []
        places, letters = [], []
        for number, one in enumerate(asked, 1):
            made = written.shuffled(one, rng)
            lines = [f"\n\n【問{number}】{made.stem}"]
            lines += [f"{x} {text}" for x, text in zip(LETTERS, made.choices, strict=True)]
            ids += [*self.encode("\n".join(lines)), *self.answer]
            places.append(len(ids) - 1)
            letters.append([made.choices.index(text) for text in (one.answer, *one.others)])
            ids.append(self.letters[made.gold])
        return ids, places, letters


# ---------------------------------------------------------------- learning from written/


def lessons(
    contexts: Sequence[Context], form: Format, rng: Random
) -> Iterator[tuple[list[int], list[int]]]:
    """Endless (tokens, labels), labels -100 where nothing is learnt: each context once as
    writing and once as answering an epoch."""
    while True:
        for context in rng.sample(list(contexts), len(contexts)):
            asked = rng.sample(list(context.asked), min(MOST, len(context.asked)))
            prompt, text = form.write_prompt(context, len(asked)), form.written(asked)
            yield [*prompt, *text], [-100] * len(prompt) + text
            shown = form.shown(context)
            ids, places, _ = form.test(asked, rng)
            labels = [-100] * (len(shown) + len(ids))
            for place in places:
                labels[len(shown) + place + 1] = ids[place + 1]
            yield [*shown, *ids], labels


def batches(
    found: Iterator[tuple[list[int], list[int]]], budget: int, pad: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """(ids, labels, mask) [rows, longest] of about `budget` tokens; a pool is sorted by
    length so that little is padding."""
    while True:
        pool = sorted((next(found) for _ in range(64)), key=lambda pair: len(pair[0]))
        groups: list[list[tuple[list[int], list[int]]]] = [[]]
        for pair in pool:
            if groups[-1] and (len(groups[-1]) + 1) * len(pair[0]) > budget:
                groups.append([])
            groups[-1].append(pair)
        for group in sorted(groups, key=lambda g: sum(map(len, g[0])) * 7919 % 101):
            longest = max(len(ids) for ids, _ in group)
            ids = torch.full((len(group), longest), pad)
            labels, mask = torch.full_like(ids, -100), torch.zeros_like(ids)
            for row, (tokens, wanted) in enumerate(group):
                ids[row, : len(tokens)] = torch.tensor(tokens)
                labels[row, : len(wanted)] = torch.tensor(wanted)
                mask[row, : len(tokens)] = 1
            yield ids, labels, mask


def learn(
    model: Qwen2ForCausalLM, contexts: Sequence[Context], form: Format, given: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Fine-tune all weights for `given.learn` seconds; yields what is measured."""
    model.train()
    device = model.device
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.0, fused=True
    )
    source = batches(lessons(contexts, form, Random(given.seed)), given.micro, form.end)
    began, tokens, step, progress = time.time(), 0, 0, 0.0
    loss_sum = torch.zeros(2, device=device)
    while progress < 1.0:
        ids, labels, mask = (t.to(device) for t in next(source))
        with torch.autocast(device.type, dtype=torch.bfloat16):
            states = model.model(input_ids=ids, attention_mask=mask, use_cache=False)
            wanted = labels[:, 1:] != -100
            logits = model.lm_head(states.last_hidden_state[:, :-1][wanted]).float()
            loss = F.cross_entropy(logits, labels[:, 1:][wanted])
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if not norm.isfinite():  # one such step would spoil all weights
            optimizer.zero_grad(set_to_none=True)
            continue
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 20) * max(0.0, 1.0 - progress)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss_sum += torch.stack([loss.detach(), torch.ones_like(loss)])
        tokens += ids.numel()
        step += 1
        progress = step / given.steps if given.steps else (time.time() - began) / given.learn
        if step % 50 == 0 or progress >= 1.0:
            mean = (loss_sum[0] / loss_sum[1]).item()
            loss_sum.zero_()
            spent = round(time.time() - began, 1)
            yield {"step": step, "seconds": spent, "tokens": tokens, "loss": round(mean, 4)}
    model.eval()


# ---------------------------------------------------------------- writing on statutes


class Teacher:
    """A fine-tuned model with a buffer to write in."""

    def __init__(self, model: Qwen2ForCausalLM, form: Format, rows: int, seed: int) -> None:
        self.form, self.rows = form, rows
        self.decoder = Decoder(model, rows, LENGTH, seed)
        self.rng = Random(seed)

    def write(self, contexts: Sequence[Context], counts: Sequence[int]) -> list[Context]:
        """Contexts without questions (at most `rows`) with what was written on them."""
        prompts = [
            self.form.write_prompt(context, count)
            for context, count in zip(contexts, counts, strict=True)
        ]
        room = min(NEW, LENGTH - max(map(len, prompts)))
        texts = self.decoder.write(prompts, room, self.form.end, HEAT)
        asked = [self.form.parse(text) for text in texts]
        return self._checked(contexts, asked, max(map(len, prompts)))

    def _checked(
        self, contexts: Sequence[Context], asked: Sequence[Sequence[Asked]], longest: int
    ) -> list[Context]:
        """Answer what was written ORDERS times, on the keys and values of the texts that are
        there; each question that there was room for gets the means of its probabilities."""
        told = [self._answers(asked, longest) for _ in range(ORDERS)]
        checked = []
        for row, context in enumerate(contexts):
            kept = []
            for number, question in enumerate(asked[row]):
                found = [once[row, number] for once in told if (row, number) in once]
                if found:
                    means = (sum(each) / len(found) for each in zip(*found, strict=True))
                    kept.append(replace(question, probs=tuple(round(p, 3) for p in means)))
            if kept:
                checked.append(replace(context, asked=tuple(kept)))
        return checked

    def _answers(
        self, asked: Sequence[Sequence[Asked]], longest: int
    ) -> dict[tuple[int, int], list[float]]:
        """(row, question) -> the probabilities of its answer and of each other choice, the
        choices in one random order."""
        first = longest - len(self.form.tails[1])
        tests = [self.form.test(questions, self.rng) for questions in asked]
        width = max((len(ids) for ids, _, _ in tests), default=0)
        width = min(width, LENGTH - first)
        if width <= 0:
            return {}
        ids = torch.full((self.rows, width), self.form.end)
        for row, (tokens, _, _) in enumerate(tests):
            ids[row, : min(width, len(tokens))] = torch.tensor(tokens[:width])
        states = self.decoder.read(ids.to(self.decoder.device), first)
        where = [
            (row, number, place, *letters)
            for row, (_, places, marked) in enumerate(tests)
            for number, (place, letters) in enumerate(zip(places, marked, strict=True))
            if place < width
        ]
        if not where:
            return {}
        table = torch.tensor(where, device=states.device)
        with torch.inference_mode():
            logits = self.decoder.model.lm_head(states[table[:, 0], table[:, 2]])
            probs = logits[:, self.form.letters].float().softmax(-1).gather(1, table[:, 3:])
        return {(at[0], at[1]): four for at, four in zip(where, probs.tolist(), strict=True)}

    def accuracy(self, contexts: Sequence[Context]) -> dict[str, Any]:
        """How well the teacher answers exercises that it has not seen."""
        trust: list[float] = []
        right = 0
        for at in range(0, len(contexts), self.rows):
            part = contexts[at : at + self.rows]
            prompts = [self.form.write_prompt(c, 1) for c in part]
            self.decoder.write(prompts, 1, self.form.end, 0.0)
            checked = self._checked(part, [c.asked for c in part], max(map(len, prompts)))
            found = [q.probs for one in checked for q in one.asked if q.probs]
            trust += [probs[0] for probs in found]
            right += sum(probs[0] == max(probs) for probs in found)
        return {
            "questions": len(trust),
            "accuracy": right / max(1, len(trust)),
            "trust": sum(trust) / max(1, len(trust)),
        }


def scenes(rules: Rules, form: Format, rng: Random) -> Iterator[Context]:
    """Endless texts of statutes to write on."""
    while True:
        scene = rules.scene(rng)
        if scene is None or sum(len(p.text) for p in scene.passages) < 80:
            continue
        context = Context(scene.passages[0].law, tuple(scene.passages), ())
        if len(form.write_prompt(context, 1)) <= LENGTH - NEW:
            yield context


def save(found: Sequence[Context], path: Path) -> None:
    """One line a context; read_generated reads it back."""
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=4) as file:
        for one in found:
            print(json.dumps(asdict(one), ensure_ascii=False), file=file)


def read_generated(path: Path, trust: float) -> list[Context]:
    """Contexts with those questions to whose intended answer the teacher gives at least the
    probability `trust`, none of them sure where that is little."""
    contexts = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            context = json.loads(line)
            asked = tuple(
                Asked(**(a | {"others": tuple(a["others"]), "probs": tuple(a["probs"])}))
                for a in context["asked"]
                if a["probs"][0] >= trust
            )
            if asked:
                passages = tuple(
                    Passage(**(p | {"found_by": tuple(p["found_by"])})) for p in context["passages"]
                )
                contexts.append(Context(context["law"], passages, asked))
    return contexts


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m lawui.model.embedded.teacher")
    parser.add_argument("--base", type=Path, required=True, help="a Qwen2 model with tokenizer")
    parser.add_argument("--statutes", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learn", type=float, default=120, help="seconds of fine-tuning")
    parser.add_argument("--steps", type=int, default=0, help="instead of --learn")
    parser.add_argument("--write", type=float, default=300, help="seconds of writing")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--micro", type=int, default=MICRO)
    parser.add_argument("--contexts", type=int, default=0, help="use only so many, for a trial")
    teach(parser.parse_args(arguments))
    return 0


def teach(given: argparse.Namespace) -> None:
    """Learn, write, and keep what was written."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    given.out.mkdir(parents=True, exist_ok=True)
    note = recipe.logger(given.out / "log.jsonl")

    began = time.time()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cuda.enable_cudnn_sdp(False)  # see lawui/training/engine.py
    model: Any = AutoModelForCausalLM.from_pretrained(given.base, dtype=torch.float32)
    model = model.to(device)
    form = Format(AutoTokenizer.from_pretrained(given.base))
    learnt, held = reading.split(reading.read())
    learnt = learnt[: given.contexts or None]
    note(plan=vars(given), learnt=len(learnt), held=len(held), ready=round(time.time() - began, 1))
    for figures in learn(model, learnt, form, given):
        note(**figures)
    model = model.to(torch.bfloat16)
    if device == "cuda":
        torch.cuda.empty_cache()
    teacher = Teacher(model, form, given.rows, given.seed)
    note(held=teacher.accuracy(held), seconds=round(time.time() - began, 1))
    articles = recipe.read_articles(given.statutes)
    cut = max(1, min(recipe.HELD_OUT_ARTICLES, len(articles) // 10))
    rules = Rules(articles[:-cut], Nouns(["".join(a["paragraphs"]) for a in articles[:2000]]))
    rng = Random(given.seed)
    source = scenes(rules, form, rng)
    found: list[Context] = []
    writing = time.time()
    while time.time() - writing < given.write:
        # Prompts of like length share a wave: padding costs as much as text.
        pool = [next(source) for _ in range(4 * given.rows)]
        pool.sort(key=lambda context: len(form.shown(context)))
        for at in range(0, len(pool), given.rows):
            if time.time() - writing >= given.write:
                break
            part = pool[at : at + given.rows]
            found += teacher.write(part, [rng.randint(FIRST, LAST) for _ in part])
            note(
                contexts=len(found),
                questions=sum(len(one.asked) for one in found),
                trusted=sum(q.sure for one in found for q in one.asked),
                seconds=round(time.time() - began, 1),
            )
    save(found, given.out / "generated.jsonl.gz")
    note(saved=str(given.out), seconds=round(time.time() - began, 1))


if __name__ == "__main__":
    raise SystemExit(main())
