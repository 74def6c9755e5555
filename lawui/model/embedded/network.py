"""Qwen2 written out for fast training on one GPU, and its conversion to transformers.

The weights of all layers are stacked, so that one optimizer step and one quantization
work on a handful of tensors. `to_qwen2` gives transformers' own model with the same
output. Attention follows the trees of packing.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import Qwen2ForCausalLM

NF4 = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
"""The sixteen values of 4-bit NormalFloat (Dettmers et al. 2023, QLoRA, appendix E)."""
BLOCK = 64


@dataclass(frozen=True)
class Shape:
    """The model's size; every width is a multiple of BLOCK."""

    vocabulary: int = 6144
    hidden: int = 384
    intermediate: int = 1152
    layers: int = 8
    heads: int = 6
    groups: int = 2
    positions: int = 2048

    @property
    def head(self) -> int:
        """The width of one attention head."""
        return self.hidden // self.heads


def fake_nf4(weight: Tensor) -> Tensor:
    """`weight` as bitsandbytes' nf4 in blocks of 64 would give it back; the gradient goes
    straight through."""
    blocks = weight.detach().reshape(-1, BLOCK)
    scale = blocks.abs().amax(1, keepdim=True).clamp_min(1e-12)
    levels = torch.tensor(NF4, device=weight.device)
    edges = (levels[1:] + levels[:-1]) / 2
    rounded = levels[torch.bucketize(blocks / scale, edges)] * scale
    return weight + (rounded.reshape(weight.shape) - weight.detach())


class Reader(nn.Module):
    """Qwen2 with tied embeddings and one extra output a token: is the choice that ends
    here supported? That output only serves training."""

    STACKS = ("q", "k", "v", "o", "gate", "up", "down")

    def __init__(self, shape: Shape, seed: int = 0) -> None:
        super().__init__()
        self.shape = s = shape
        made = torch.Generator().manual_seed(seed)

        def normal(*size: int, std: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*size, generator=made) * std)

        narrow = s.groups * s.head
        std = 0.5 / math.sqrt(s.hidden)
        out = std / math.sqrt(2 * s.layers)
        self.embed = normal(s.vocabulary, s.hidden, std=0.02)
        self.q = normal(s.layers, s.hidden, s.hidden, std=std)
        self.k = normal(s.layers, narrow, s.hidden, std=std)
        self.v = normal(s.layers, narrow, s.hidden, std=std)
        self.o = normal(s.layers, s.hidden, s.hidden, std=out)
        self.gate = normal(s.layers, s.intermediate, s.hidden, std=std)
        self.up = normal(s.layers, s.intermediate, s.hidden, std=std)
        self.down = normal(s.layers, s.hidden, s.intermediate, std=out)
        self.q_bias = nn.Parameter(torch.zeros(s.layers, s.hidden))
        self.k_bias = nn.Parameter(torch.zeros(s.layers, narrow))
        self.v_bias = nn.Parameter(torch.zeros(s.layers, narrow))
        self.norm_1 = nn.Parameter(torch.ones(s.layers, s.hidden))
        self.norm_2 = nn.Parameter(torch.ones(s.layers, s.hidden))
        self.norm = nn.Parameter(torch.ones(s.hidden))
        self.support = normal(s.hidden, std=0.02)
        inverse = 1.0 / (10000.0 ** (torch.arange(0, s.head, 2).float() / s.head))
        angles = torch.outer(torch.arange(s.positions).float(), inverse)
        self.register_buffer("cos", torch.cat([angles, angles], 1).cos(), persistent=False)
        self.register_buffer("sin", torch.cat([angles, angles], 1).sin(), persistent=False)

    def forward(
        self,
        ids: Tensor,
        positions: Tensor,
        attend: Callable[[Tensor, Tensor, Tensor], Tensor],
        quantized: bool,
        block: Callable[..., Tensor],
        dtype: torch.dtype,
        drop: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """Last hidden states and those two layers below, [rows, tokens, hidden]. `drop`: the
        share of what each layer adds that is left out at random (dropout)."""
        # A tensor, so that the compiled block serves every share.
        share = torch.tensor(drop, device=ids.device, dtype=dtype)
        stacks = [getattr(self, name) for name in self.STACKS]
        if quantized:
            stacks = [fake_nf4(w) for w in stacks]
        weights = [w.to(dtype).unbind() for w in stacks]
        biases = [b.to(dtype).unbind() for b in (self.q_bias, self.k_bias, self.v_bias)]
        norms = [n.unbind() for n in (self.norm_1, self.norm_2)]
        cos = self.cos[positions][:, None].to(dtype)  # type: ignore[index]
        sin = self.sin[positions][:, None].to(dtype)  # type: ignore[index]
        x = F.embedding(ids, self.embed).to(dtype)
        middle = x
        for layer in range(self.shape.layers):
            x = block(
                x,
                cos,
                sin,
                attend,
                [w[layer] for w in weights],
                [b[layer] for b in biases],
                [n[layer] for n in norms],
                self.shape.head,
                share if drop else None,
            )
            if layer == self.shape.layers - 3:
                middle = x
        return rms_norm(x, self.norm), middle


def rms_norm(x: Tensor, scale: Tensor) -> Tensor:
    """Root mean square normalization over the last axis, epsilon 1e-6 as in Qwen2."""
    wide = x.float()
    wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-6)
    return (wide * scale).to(x.dtype)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    low, high = x.chunk(2, -1)
    return x * cos + torch.cat([-high, low], -1) * sin


def block(
    x: Tensor,
    cos: Tensor,
    sin: Tensor,
    attend: Any,
    weights: list[Tensor],
    biases: list[Tensor],
    norms: list[Tensor],
    head: int,
    drop: Tensor | None = None,
) -> Tensor:
    """One Qwen2 layer. `attend` is a flex_attention block mask, or a boolean mask
    [rows, 1, tokens, tokens] (true: may look) for the plain path; `drop` the share of
    what is added that dropout takes, or None."""
    q, k, v, o, gate, up, down = weights
    rows, tokens, _ = x.shape
    y = rms_norm(x, norms[0])
    query, key, value = (
        F.linear(y, w, b).view(rows, tokens, -1, head).transpose(1, 2)
        for w, b in zip((q, k, v), biases, strict=True)
    )
    query, key = _rotate(query, cos, sin), _rotate(key, cos, sin)
    if isinstance(attend, Tensor):
        z = F.scaled_dot_product_attention(query, key, value, attn_mask=attend, enable_gqa=True)
    else:
        from torch.nn.attention.flex_attention import flex_attention

        z = flex_attention(query, key, value, block_mask=attend, enable_gqa=True)  # type: ignore[assignment]
    x = x + _thinned(F.linear(z.transpose(1, 2).reshape(rows, tokens, -1), o), drop)
    y = rms_norm(x, norms[1])
    return x + _thinned(F.linear(F.silu(F.linear(y, gate)) * F.linear(y, up), down), drop)


def _thinned(x: Tensor, drop: Tensor | None) -> Tensor:
    """Dropout (Srivastava et al. 2014), its share a tensor."""
    return x if drop is None else x * (torch.rand_like(x) >= drop) / (1 - drop)


def tree_mask(tree: Tensor, branch: Tensor) -> Tensor:
    """The boolean mask of packing's trees, [rows, 1, tokens, tokens]."""
    tokens = tree.shape[1]
    causal = torch.ones(tokens, tokens, dtype=torch.bool, device=tree.device).tril()
    same_tree = tree[:, :, None] == tree[:, None, :]
    seen = (branch[:, None, :] == 0) | (branch[:, :, None] == branch[:, None, :])
    return (causal & same_tree & seen)[:, None]


def tree_block_mask(tree: Tensor, branch: Tensor, create: Callable[..., Any]) -> Any:
    """The same as a flex_attention block mask; `create` is (compiled) create_block_mask."""

    def allowed(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        seen = (branch[row, key] == 0) | (branch[row, key] == branch[row, query])
        return (query >= key) & (tree[row, query] == tree[row, key]) & seen

    rows, tokens = tree.shape
    return create(allowed, rows, None, tokens, tokens, device=tree.device)


def losses(
    hidden: Tensor,
    middle: Tensor,
    embed: Tensor,
    support: Tensor,
    labels: Tensor,
    counts: Tensor,
    marks: Tensor,
    first_letter: int,
) -> Tensor:
    """Sums, in this order: language loss, its tokens, letter loss, letters, letters right,
    support loss, marks, marks right."""
    logits = (hidden @ embed.to(hidden.dtype).T).float()
    each = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    each = each.view(labels.shape)
    text, letter = counts == 1, counts == 2
    four = logits[..., first_letter : first_letter + 4].argmax(-1) + first_letter
    backed = (rms_norm(middle, torch.ones_like(support)).float() * support).sum(-1)
    marked = marks > 0
    wanted = (marks == 2).float()
    support_loss = F.binary_cross_entropy_with_logits(backed, wanted, reduction="none")
    right = (backed > 0) == (marks == 2)
    return torch.stack(
        [
            (each * text).sum(),
            text.sum().float(),
            (each * letter).sum(),
            letter.sum().float(),
            ((four == labels) & letter).sum().float(),
            (support_loss * marked).sum(),
            marked.sum().float(),
            (right & marked).sum().float(),
        ]
    )


_PLACES = {
    "q": "self_attn.q_proj.weight",
    "k": "self_attn.k_proj.weight",
    "v": "self_attn.v_proj.weight",
    "o": "self_attn.o_proj.weight",
    "gate": "mlp.gate_proj.weight",
    "up": "mlp.up_proj.weight",
    "down": "mlp.down_proj.weight",
    "q_bias": "self_attn.q_proj.bias",
    "k_bias": "self_attn.k_proj.bias",
    "v_bias": "self_attn.v_proj.bias",
    "norm_1": "input_layernorm.weight",
    "norm_2": "post_attention_layernorm.weight",
}


def to_qwen2(reader: Reader, end: int, padding: int) -> Qwen2ForCausalLM:
    """transformers' model with the reader's weights, in the reader's dtype."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    s = reader.shape
    config = Qwen2Config(
        vocab_size=s.vocabulary,
        hidden_size=s.hidden,
        intermediate_size=s.intermediate,
        num_hidden_layers=s.layers,
        num_attention_heads=s.heads,
        num_key_value_heads=s.groups,
        max_position_embeddings=s.positions,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=padding,
    )
    model = Qwen2ForCausalLM(config)
    state: dict[str, Tensor] = {
        "model.embed_tokens.weight": reader.embed,
        "model.norm.weight": reader.norm,
    }
    for name, place in _PLACES.items():
        for layer, weight in enumerate(getattr(reader, name)):
            state[f"model.layers.{layer}.{place}"] = weight
    state = {k: v.detach().float().cpu() for k, v in state.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or set(missing) - {"lm_head.weight"}:
        raise RuntimeError(f"weights do not fit Qwen2: {missing} {unexpected}")
    model.tie_weights()
    return model


def from_qwen2(reader: Reader, folder: Path) -> None:
    """Puts the weights that `to_qwen2` gave and save_pretrained wrote into `reader`."""
    from safetensors.torch import load_file

    state: dict[str, Tensor] = {}
    for shard in sorted(folder.glob("*.safetensors")):
        state |= load_file(shard)
    with torch.no_grad():
        reader.embed.copy_(state["model.embed_tokens.weight"])
        reader.norm.copy_(state["model.norm.weight"])
        for name, place in _PLACES.items():
            for layer, weight in enumerate(getattr(reader, name)):
                weight.copy_(state[f"model.layers.{layer}.{place}"])


def orthogonal_step(update: Tensor) -> Tensor:
    """The nearest (semi-)orthogonal matrices to a stack [n, rows, columns], roughly: five
    Newton-Schulz steps with the coefficients of Jordan et al. 2024 (Muon)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = update.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(update.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalized updates for stacks of matrices."""

    def __init__(self, params: Any, lr: float, momentum: float = 0.95, decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update of every stack that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if "average" not in state:
                    state["average"] = torch.zeros_like(weight)
                average = state["average"]
                average.lerp_(weight.grad, 1 - group["momentum"])
                update = orthogonal_step(weight.grad.lerp(average, group["momentum"]))
                scale = max(1.0, weight.shape[-2] / weight.shape[-1]) ** 0.5
                weight.mul_(1 - group["lr"] * group["decay"])
                weight.add_(update, alpha=-group["lr"] * scale)
