from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from lawui.errors import ModelError
from lawui.model import load
from lawui.model.load import LoadedModel


def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(load.EMBEDDED_FOLDER, folder)
    return folder


def refused(spec: str) -> str:
    with pytest.raises(ModelError) as caught:
        load.load(spec)
    for lang in ("ja", "en"):
        assert caught.value.text(lang)
    return caught.value.key


def test_auto_without_the_preferred_model_takes_the_embedded_one_and_says_why() -> None:
    choice = load.choose("auto", offline=True)
    if choice.embedded:  # a machine with CUDA and the model may choose otherwise
        assert choice.spec == load.EMBEDDED
        assert load.PREFERRED in choice.why("en") and load.PREFERRED in choice.why("ja")
    assert choice.licence


def test_the_licence_is_that_of_the_model() -> None:
    assert "not for commercial use" in load.choose(load.PREFERRED).licence
    assert load.choose("Qwen/Qwen2.5-1.5B-Instruct").licence == "Apache-2.0"


def test_a_model_that_is_not_here_is_refused_offline() -> None:
    with pytest.raises(ModelError) as caught:
        load.choose("nobody/nothing-of-the-kind", offline=True)
    assert caught.value.key == "model.not_here"


def test_the_embedded_model_is_in_nf4_with_double_quantization() -> None:
    import bitsandbytes as bnb

    embedded = load.load()  # the shared one may have been unpacked by whoever served with it
    layers = [m for m in embedded.model.modules() if isinstance(m, bnb.nn.Linear4bit)]
    assert layers and all(layer.weight.quant_state.nested for layer in layers)
    assert {layer.weight.quant_state.quant_type for layer in layers} == {"nf4"}
    assert not any(layer.support_avx512bf16_for_cpu for layer in layers)
    assert embedded.quantization == "nf4+double"


def test_a_full_precision_folder_is_quantized_at_load(tmp_path: Path) -> None:
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    folder = tmp_path / "tiny"
    tokenizer = AutoTokenizer.from_pretrained(load.EMBEDDED_FOLDER)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    loaded = load.load(str(folder))
    assert loaded.quantization == "nf4+double" and loaded.name == "tiny"
    plain = load.load(str(folder), quantize=False)
    assert plain.quantization in ("bfloat16", "float32")


def test_inference_leaves_the_weights_as_they_were(embedded: LoadedModel) -> None:
    """The trap of some CPUs: weights repacked in place at the first inference."""
    import bitsandbytes.functional as F

    fresh = load.load()
    layer = fresh.model.model.layers[0].mlp.up_proj
    before = F.dequantize_4bit(layer.weight.data, layer.weight.quant_state).clone()
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        first = fresh.model(input_ids=ids).logits
    after = F.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    assert torch.equal(before, after)
    fresh.model.state_dict()
    with torch.no_grad():
        assert torch.equal(first, fresh.model(input_ids=ids).logits)


def test_the_hash_knows_one_model_from_another(embedded: LoadedModel, tmp_path: Path) -> None:
    folder = copied(tmp_path)
    assert load.load(str(folder)).sha == embedded.sha
    weights = max(folder.glob("*.safetensors"), key=lambda p: p.stat().st_size)
    data = bytearray(weights.read_bytes())
    data[-500_000] ^= 1  # inside a tensor, within the last mebibyte
    weights.write_bytes(data)
    assert load.load(str(folder)).sha != embedded.sha


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    for path in folder.glob("*.safetensors"):
        path.unlink()
    assert refused(str(folder)) == "model.no_weights"
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")
    assert refused(str(folder)) == "model.pickle"


def test_half_written_weights_are_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    weights = max(folder.glob("*.safetensors"), key=lambda p: p.stat().st_size)
    weights.write_bytes(weights.read_bytes()[:10_000])
    assert refused(str(folder)) == "model.cannot_load"


def test_a_folder_without_a_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert refused(str(tmp_path)) == "model.no_config"


def test_a_broken_configuration_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "config.json").write_text("{", "utf-8")
    assert refused(str(folder)) == "model.cannot_load"


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text("utf-8"))
    config.pop("chat_template", None)
    path.write_text(json.dumps(config), "utf-8")
    assert refused(str(folder)) == "model.no_chat_template"


def test_a_model_whose_letters_are_not_single_tokens_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text("utf-8"))
    # Without a token for "a" its bytes must be spelled some other way, or not at all.
    letter = tokenizer["model"]["vocab"].pop("a")
    tokenizer["model"]["vocab"]["\u0378"] = letter
    tokenizer["model"]["merges"] = [
        merge for merge in tokenizer["model"]["merges"] if "a" not in "".join(merge)
    ]
    path.write_text(json.dumps(tokenizer), "utf-8")
    assert refused(str(folder)) == "model.letters"
