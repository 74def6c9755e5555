"""Bases of random weights and questions of random tokens: speed does not depend on either.

The questions have the lengths of lawqa_jp's with the context in front, as Qwen's tokenizer
cuts them: 560 orders of 140 items are 370,160 tokens, 157,379 where the four orders of an
item compute their common beginning once.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lawui.model.load import LoadedModel
    from lawui.types import Prompt

SHAPES: dict[str, dict[str, Any]] = {
    "qwen1.5-1.8b": {
        "vocab_size": 151936,
        "hidden_size": 2048,
        "intermediate_size": 5504,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "num_key_value_heads": 16,
        "tie_word_embeddings": False,
    },
    "embedded": {
        "vocab_size": 6144,
        "hidden_size": 384,
        "intermediate_size": 1152,
        "num_hidden_layers": 8,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
    "tiny": {
        "vocab_size": 6144,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
}
"""Qwen2 configurations by name; only the shape of Qwen/Qwen1.5-1.8B-Chat is its own."""

ORDERS = 4
_BEGINNING, _END = 507, 154
"""Mean tokens of an item's common beginning, and of each order's own end."""


def base(shape: str, seed: int = 0) -> LoadedModel:
    """A base of random weights in nf4 with double quantization, as load.py would give it;
    the same for the same seed. The tokenizer is the embedded model's."""
    import torch
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    from lawui.model import load, prompts

    load.import_bitsandbytes()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    torch.manual_seed(seed)
    with torch.device(device):
        config = Qwen2Config(**SHAPES[shape], max_position_embeddings=4096)
        model: Any = Qwen2ForCausalLM(config)
    model.to(dtype).set_attn_implementation("sdpa")
    _quantize(model, dtype, device)
    tokenizer = AutoTokenizer.from_pretrained(load.EMBEDDED_FOLDER)
    return load.LoadedModel(
        model=model.eval().requires_grad_(False),
        tokenizer=tokenizer,
        name=shape,
        sha=f"random-{shape}-{seed}",
        licence="",
        device=device,
        dtype=dtype,
        quantization="nf4+double",
        letter_ids=prompts.letter_ids(tokenizer),
        max_length=4096,
    )


def _quantize(model: Any, dtype: Any, device: str) -> None:
    """Every linear layer but the output head, as transformers would."""
    import bitsandbytes as bnb
    import torch

    head = model.get_output_embeddings()
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is not torch.nn.Linear or child is head:
                continue
            packed = bnb.nn.Linear4bit(
                child.in_features,
                child.out_features,
                bias=child.bias is not None,
                compute_dtype=dtype,
                compress_statistics=True,
                quant_type="nf4",
                device="meta",
            )
            weight: Any = bnb.nn.Params4bit(
                child.weight.data.cpu(),
                requires_grad=False,
                compress_statistics=True,
                quant_type="nf4",
            )
            packed.weight = weight.to(device)
            if child.bias is not None:
                packed.bias = torch.nn.Parameter(child.bias.data, requires_grad=False)
            packed.support_avx512bf16_for_cpu = False
            setattr(parent, name, packed)
    model.is_loaded_in_4bit = True  # by this peft knows its layers


def adapter(shape: str, folder: Path, seed: int, rank: int = 16) -> Path:
    """A LoRA of random weights on all linear layers of `shape`, in PEFT's format."""
    import torch
    from peft import LoraConfig
    from safetensors.torch import save_file

    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules=list(_linear(shape)), task_type="CAUSAL_LM"
    )
    config.save_pretrained(str(folder))
    draw = torch.Generator().manual_seed(seed)
    weights = {}
    for number in range(SHAPES[shape]["num_hidden_layers"]):
        for name, (out, into) in _linear(shape).items():
            part = "self_attn" if name[0] in "qkvo" else "mlp"
            key = f"base_model.model.model.layers.{number}.{part}.{name}"
            for half, size in (("A", (rank, into)), ("B", (out, rank))):
                weight = torch.randn(size, generator=draw) * (0.3 / size[1] ** 0.5)
                weights[f"{key}.lora_{half}.weight"] = weight
    save_file(weights, folder / "adapter_model.safetensors")
    return folder


def _linear(shape: str) -> dict[str, tuple[int, int]]:
    """(out, in) of a layer's linear parts."""
    sizes = SHAPES[shape]
    hidden, wide = sizes["hidden_size"], sizes["intermediate_size"]
    narrow = hidden * sizes["num_key_value_heads"] // sizes["num_attention_heads"]
    return {
        "q_proj": (hidden, hidden),
        "k_proj": (narrow, hidden),
        "v_proj": (narrow, hidden),
        "o_proj": (hidden, hidden),
        "gate_proj": (wide, hidden),
        "up_proj": (wide, hidden),
        "down_proj": (hidden, wide),
    }


def questions(items: int, orders: int = ORDERS, seed: int = 0) -> list[Prompt]:
    """`orders` prompts for each of `items`, one after another, of random tokens."""
    draw = random.Random(seed)
    spread = [draw.uniform(0.5, 1.5) for _ in range(items)]
    even = items / sum(spread)
    made = []
    for item in range(items):
        beginning = _tokens(draw, round(_BEGINNING * spread[item] * even))
        end = round(_END * spread[item] * even)
        made += [
            prompt((*beginning, *_tokens(draw, end)), f"{seed}-{item}-{order}")
            for order in range(orders)
        ]
    return made


def prompt(ids: tuple[int, ...], name: str) -> Prompt:
    """Token ids as a prompt of which nothing else is known."""
    from lawui.types import Prompt

    return Prompt("", name, (), len(ids), (), "", name, ids)


def _tokens(draw: random.Random, count: int) -> tuple[int, ...]:
    return tuple(draw.randrange(16, 6000) for _ in range(count))
