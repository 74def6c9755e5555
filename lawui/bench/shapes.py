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
    "qwen3-8b": {
        "model_type": "qwen3",
        "vocab_size": 151936,
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "tie_word_embeddings": False,
    },
    "qwen1.5-7b": {
        "vocab_size": 151936,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
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
    "tiny-qwen3": {
        "model_type": "qwen3",
        "vocab_size": 6144,
        "hidden_size": 64,
        "intermediate_size": 192,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "tie_word_embeddings": False,
    },
}
"""Configurations by name: of Qwen/Qwen1.5-1.8B-Chat, Qwen/Qwen3-8B, Qwen/Qwen1.5-7B, and of
no size; Qwen2's architecture where none is named."""

ORDERS = 4
_BEGINNING, _END = 507, 154
"""Mean tokens of an item's common beginning, and of each order's own end."""


def config(shape: str) -> Any:
    """The configuration of a shape, for transformers."""
    from transformers import Qwen2Config, Qwen3Config

    sizes = dict(SHAPES[shape])
    kind = Qwen3Config if sizes.pop("model_type", "") == "qwen3" else Qwen2Config
    return kind(**sizes, max_position_embeddings=4096)


def parameters(shape: str) -> int:
    """The number of weights of a shape; nothing is made for it."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        return int(AutoModelForCausalLM.from_config(config(shape)).num_parameters())


def base(shape: str, seed: int = 0) -> LoadedModel:
    """A base of random weights in nf4 with double quantization, as load.py would give it;
    the same for the same seed. The tokenizer is the embedded model's.

    Layer after layer is drawn and packed at once: the most memory is what stays and one
    layer, not the whole model unpacked.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from lawui.model import load, prompts

    load.import_bitsandbytes()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config(shape), attn_implementation="sdpa")
    model.to(dtype)
    draw = torch.Generator(device).manual_seed(seed)
    _draw(model, dtype, device, draw)
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


def _draw(model: Any, dtype: Any, device: str, draw: Any) -> None:
    """Put random weights where `model` has none yet: every linear layer but the output head
    packed, as transformers would, all else plain."""
    import torch

    head = model.get_output_embeddings()
    deviation = float(model.config.initializer_range)

    def normal(shape: Any) -> Any:
        # Drawn in float32: the generators of the types differ.
        return torch.randn(shape, generator=draw, device=device).mul_(deviation).to(dtype)

    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is torch.nn.Linear and child is not head:
                setattr(parent, name, _packed(child, normal, dtype, device))
            elif hasattr(child, "inv_freq"):  # computed from the configuration, not drawn
                with torch.device(device):
                    setattr(parent, name, type(child)(model.config))
    model.tie_weights()
    drawn: dict[int, Any] = {}  # tied weights are drawn once
    for module in model.modules():
        for name, weight in list(module._parameters.items()):
            if weight is None or not weight.is_meta:
                continue
            if id(weight) not in drawn:
                plain = torch.ones(weight.shape, dtype=dtype, device=device)
                values = normal(weight.shape) if weight.dim() > 1 else plain
                drawn[id(weight)] = torch.nn.Parameter(values, requires_grad=False)
            module._parameters[name] = drawn[id(weight)]
    model.is_loaded_in_4bit = True  # by this peft knows its layers


def _packed(linear: Any, normal: Any, dtype: Any, device: str) -> Any:
    """A 4-bit layer of the shape of `linear` with weights of its own."""
    import bitsandbytes as bnb
    import torch

    packed = bnb.nn.Linear4bit(
        linear.in_features,
        linear.out_features,
        bias=linear.bias is not None,
        compute_dtype=dtype,
        compress_statistics=True,
        quant_type="nf4",
        device="meta",
    )
    weight: Any = bnb.nn.Params4bit(
        normal((linear.out_features, linear.in_features)),
        requires_grad=False,
        compress_statistics=True,
        quant_type="nf4",
    )
    packed.weight = weight.to(device)
    if linear.bias is not None:
        zeros = torch.zeros(linear.out_features, dtype=dtype, device=device)
        packed.bias = torch.nn.Parameter(zeros, requires_grad=False)
    packed.support_avx512bf16_for_cpu = False
    return packed


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
