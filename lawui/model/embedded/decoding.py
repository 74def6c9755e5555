"""Sampling from a Qwen2 model for many prompts at once, for teacher.py alone.

A thousand prompts of like length are written on together: keys and values lie in one fixed
buffer, a step of all rows is one CUDA graph, and attention reads each key once for all the
heads that share it. On the CPU the same steps run without graphs. transformers' own
`generate` gives the same greedy text (a test) and a fifth of the speed at this width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from transformers import Qwen2ForCausalLM

NEAR = 128
"""Steps are compiled for key lengths that are multiples of this."""
TOP = 50
"""Only so many of the most probable tokens are ever drawn."""


class Decoder:
    """Writes on from prompts. `rows` prompts at most at once, `length` slots a row."""

    def __init__(self, model: Qwen2ForCausalLM, rows: int, length: int, seed: int = 0) -> None:
        config: Any = model.config
        self.model, self.rows, self.length = model, rows, length
        self.device, self.dtype = model.device, model.dtype
        self.groups = int(config.num_key_value_heads or config.num_attention_heads)
        self.head = int(config.hidden_size) // int(config.num_attention_heads)
        size = (config.num_hidden_layers, 2, rows, self.groups, length, self.head)
        self.cache = torch.zeros(size, dtype=self.dtype, device=self.device)
        theta = config.rope_parameters["rope_theta"]
        inverse = theta ** -(torch.arange(0, self.head, 2).float() / self.head)
        angles = torch.outer(torch.arange(length).float(), inverse)
        angles = torch.cat([angles, angles], 1).to(self.device)
        self.cos, self.sin = angles.cos().to(self.dtype), angles.sin().to(self.dtype)
        whole = {"device": self.device, "dtype": torch.long}
        self.ids, self.places = torch.zeros(rows, **whole), torch.zeros(rows, **whole)  # type: ignore[call-overload]
        self.at = torch.zeros(1, **whole)  # type: ignore[call-overload]
        self.bias = torch.zeros(rows, length, device=self.device)
        self.heat = torch.ones((), device=self.device)
        self.graphs: dict[int, torch.cuda.CUDAGraph] = {}
        torch.manual_seed(seed)

    @torch.inference_mode()
    def write(
        self, prompts: Sequence[Sequence[int]], new: int, end: int, temperature: float
    ) -> list[list[int]]:
        """Up to `new` tokens after each prompt, without `end`; temperature 0 is greedy."""
        count, longest = len(prompts), max(map(len, prompts))
        self.start = torch.full((self.rows,), longest - 1, device=self.device)
        self.start[:count] = torch.tensor([longest - len(p) for p in prompts])
        self.heat.fill_(temperature)
        ids = torch.full((self.rows, longest), end, device=self.device)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        # The last token of a prompt is the first step's input.
        self.read(ids[:, : longest - 1], 0, need=False)
        self.ids.copy_(ids[:, -1])
        slots = torch.arange(self.length, device=self.device)
        seen = (slots < longest - 1) & (slots >= self.start[:, None])
        self.bias.copy_(torch.where(seen, 0.0, float("-inf")))
        written = torch.full((new, self.rows), end, device=self.device)
        over = torch.zeros(self.rows, dtype=torch.bool, device=self.device)
        over[count:] = True
        for step in range(new):
            slot = longest - 1 + step
            self.at.fill_(slot)
            torch.sub(self.at, self.start, out=self.places)
            self._step(min(self.length, -(-(slot + 1) // NEAR) * NEAR))
            written[step] = torch.where(over, end, self.ids)
            over |= self.ids == end
            if step % 32 == 31 and bool(over.all()):
                break
        rows = written[:, :count].T.tolist()
        return [row[: row.index(end)] if end in row else row for row in rows]

    @torch.inference_mode()
    def read(self, ids: Tensor, first: int, need: bool = True, part: int = 32) -> Tensor:
        """Feeds ids [rows, tokens] into the slots from `first` on, after what lies before
        them; returns the last hidden states [rows, tokens, hidden] where `need`ed.
        `self.start` [rows] is each row's first slot that counts."""
        rows, tokens = ids.shape
        last = first + tokens
        slots = torch.arange(last, device=self.device)
        states = []
        for at in range(0, rows, part):
            here = slice(at, min(rows, at + part))
            start = self.start[here]
            mask = (slots >= start[:, None])[:, None] & (slots <= slots[first:, None])
            # A padding slot may look at itself, or its softmax would have nothing to sum.
            mask |= slots == slots[first:, None]
            places = (slots[first:] - start[:, None]).clamp(min=0)
            x = self.model.model.embed_tokens(ids[here])
            cos, sin = self.cos[places][:, :, None], self.sin[places][:, :, None]
            for number, layer in enumerate(self.model.model.layers):
                query, key, value = self._project(layer, x, cos, sin)
                keys, values = self.cache[number, :, here, :, :last]
                keys[:, :, first:] = key.transpose(1, 2)
                values[:, :, first:] = value.transpose(1, 2)
                z = F.scaled_dot_product_attention(
                    query.transpose(1, 2), keys, values, attn_mask=mask[:, None], enable_gqa=True
                )
                x = self._rest(layer, x, z.transpose(1, 2).flatten(2))
            if need:
                states.append(self.model.model.norm(x))
        return torch.cat(states) if need else ids

    def _project(
        self, layer: Any, x: Tensor, cos: Tensor, sin: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        attention = layer.self_attn
        y = layer.input_layernorm(x)
        shape = (*x.shape[:-1], -1, self.head)
        query, key, value = (
            getattr(attention, name)(y).view(shape) for name in ("q_proj", "k_proj", "v_proj")
        )
        return _turn(query, cos, sin), _turn(key, cos, sin), value

    @staticmethod
    def _rest(layer: Any, x: Tensor, z: Tensor) -> Tensor:
        x = x + layer.self_attn.o_proj(z)
        return x + layer.mlp(layer.post_attention_layernorm(x))

    def _step(self, near: int) -> None:
        """One token for every row, reading the first `near` slots."""
        if self.device.type != "cuda":
            self._one(near)
            return
        if near not in self.graphs:
            kept = [t.clone() for t in (self.ids, self.bias)]
            side = torch.cuda.Stream()
            with torch.cuda.stream(side):
                self._one(near)
            torch.cuda.current_stream().wait_stream(side)
            for tensor, before in zip((self.ids, self.bias), kept, strict=True):
                tensor.copy_(before)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._one(near)
            self.graphs[near] = graph
        self.graphs[near].replay()

    def _one(self, near: int) -> None:
        rows = self.rows
        self.bias.index_fill_(1, self.at, 0.0)
        bias = self.bias[:, None, None, :near]
        x = self.model.model.embed_tokens(self.ids)
        cos, sin = self.cos[self.places][:, None], self.sin[self.places][:, None]
        for number, layer in enumerate(self.model.model.layers):
            query, key, value = self._project(layer, x, cos, sin)
            keys, values = self.cache[number]
            keys.index_copy_(2, self.at, key[:, :, None])
            values.index_copy_(2, self.at, value[:, :, None])
            query = query.view(rows, self.groups, -1, self.head)
            scores = (query @ keys[:, :, :near].mT).float() * self.head**-0.5 + bias
            z = scores.softmax(-1).to(self.dtype) @ values[:, :, :near]
            x = self._rest(layer, x, z.reshape(rows, -1))
        logits = self.model.lm_head(self.model.model.norm(x)).float()
        likely, tokens = logits.topk(TOP, dim=-1)
        # The largest of log p / T plus Gumbel noise is a draw from p^(1/T).
        noise = torch.empty_like(likely).exponential_().clamp_min(1e-20).log().neg()
        drawn = (likely + self.heat * noise).argmax(-1, keepdim=True)
        self.ids.copy_(tokens.gather(1, drawn)[:, 0])


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    low, high = x.chunk(2, -1)
    return x * cos + torch.cat([-high, low], -1) * sin
