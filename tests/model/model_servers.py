"""Real model servers for the tests: llama.cpp's, from its package, on the shipped weights."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lawui.model.load import LoadedModel

MODEL = "embedded"

_SERVE = """
import sys, xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path = sys.argv[1]
settings.model_alias = {"embedded"}
settings.n_ctx, settings.n_parallel = 2 * 2048, 2
settings.cpuparams.n_threads = 2
settings.warmup, settings.use_jinja = False, True
settings.api_keys = sys.argv[2:]
# Keys and values in full: what is compared is the wiring, not llama.cpp's rounding.
settings.cache_type_k = settings.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
server = xllamacpp.Server(settings)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


def write_gguf(loaded: LoadedModel, path: Path) -> None:
    """The base's weights, tokenizer and chat template as llama.cpp reads them: 4-bit weights
    unpacked, all in float32. `loaded` is unpacked in place."""
    import gguf

    from lawui.model.dequantize import dequantize

    dequantize(loaded.model)
    config = loaded.model.config
    writer = gguf.GGUFWriter(str(path), "qwen2")
    writer.add_name(MODEL)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    _add_tokenizer(writer, loaded)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, config.num_hidden_layers)
    for name, weight in loaded.model.state_dict().items():
        if name != "lm_head.weight":  # tied to the embeddings
            writer.add_tensor(names.get_name(name, (".weight", ".bias")), weight.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: object, loaded: LoadedModel) -> None:
    import gguf

    assert isinstance(writer, gguf.GGUFWriter)
    tokenizer = loaded.tokenizer
    told = json.loads(tokenizer.backend_tokenizer.to_str())
    special = {added["id"] for added in told["added_tokens"]}
    tokens = sorted(told["model"]["vocab"], key=told["model"]["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")  # the tokenizer is Qwen2's own with other merges
    writer.add_token_list(tokens)
    kinds = gguf.TokenType
    writer.add_token_types(
        [kinds.CONTROL if i in special else kinds.NORMAL for i in range(len(tokens))]
    )
    writer.add_token_merges([" ".join(pair) for pair in told["model"]["merges"]])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(False)
    writer.add_chat_template(tokenizer.chat_template)


@contextmanager
def llama_server(weights: Path, key: str = "") -> Iterator[str]:
    """llama.cpp's server in a process of its own; its address."""
    command = [sys.executable, "-c", _SERVE, str(weights), *([key] if key else [])]
    with (weights.parent / "llama.log").open("w") as log:
        server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert server.stdin is not None and server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            assert url.startswith("http"), Path(log.name).read_text()[-2000:]
            yield url + "/v1"
        finally:
            server.kill()
            server.wait()
            server.stdin.close()
            server.stdout.close()
