"""The only loader of a base model.

`choose` decides by name which model answers, and says why, without loading anything;
`load` brings it into memory in nf4 with double quantization, on CUDA or on the CPU.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.errors import HostError, ModelError, message
from lawui.model import prompts
from lawui.model.address import Address, is_address, parse

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

EMBEDDED = "embedded"
EMBEDDED_FOLDER = Path(__file__).parent / "embedded" / "weights"
PREFERRED = "Qwen/Qwen1.5-1.8B-Chat"
_IMPORTING = threading.Lock()

LICENCES = {
    EMBEDDED: "Apache-2.0",
    PREFERRED: "Tongyi Qianwen research licence, not for commercial use",
    "Qwen/Qwen2.5-1.5B-Instruct": "Apache-2.0",
}


@dataclass(frozen=True)
class ModelChoice:
    """Which model will answer. `why_key` and `why_params` name a sentence of errors.py."""

    spec: str
    name: str
    why_key: str
    why_params: dict[str, str]
    licence: str
    quantization: str
    embedded: bool
    server: str = ""
    """The address that questions and passages are sent to; "" for a model of this machine."""

    def why(self, lang: str = "en") -> str:
        return message(self.why_key, lang, **self.why_params)


@dataclass
class LoadedModel:
    """A base in memory. `model` is the causal language model in evaluation mode."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    name: str
    sha: str
    licence: str
    device: str
    dtype: torch.dtype
    quantization: str
    letter_ids: tuple[int, int, int, int]
    max_length: int

    @cached_property
    def prompt_sha(self) -> str:
        """Hash of the prompt's wording through this model's chat template."""
        return prompts.sha(self.tokenizer)


def choose(model: str = "auto", *, offline: bool = False) -> ModelChoice:
    """Decide which model answers. `auto` takes the preferred base where CUDA and its
    files are at hand and otherwise the embedded model; it never downloads. An address
    (`http://HOST:PORT/v1#MODEL`) is not asked here; `offline` allows this machine's alone."""
    if model == "auto":
        return _choose_auto()
    if model == EMBEDDED:
        return _choice(EMBEDDED, "model.why.embedded_asked")
    if is_address(model):
        return _choose_server(parse(model), offline)
    folder = Path(model).expanduser()
    if folder.is_dir():
        _check_folder(folder)
        return _choice(str(folder.resolve()), "model.why.folder")
    if offline and not _cached(model):
        raise ModelError("model.not_here", model=model)
    return _choice(model, "model.why.asked")


def load(
    spec: str = EMBEDDED,
    *,
    device: str | None = None,
    quantize: bool = True,
    quant_type: str = "nf4",
    compute_dtype: str | None = None,
    offline: bool = True,
) -> LoadedModel:
    """Load a base by the `spec` of a ModelChoice: `embedded`, a folder or a hub id.

    `compute_dtype` (float32 or bfloat16) defaults to bfloat16 where the device is fast
    in it. With `offline`, only files on this machine are read. Raises ModelError with
    the reason in words: not here, only pickled weights, letters that are not single
    tokens, out of memory.
    """
    import_bitsandbytes()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()  # what matters of its reports is raised below
    if spec == EMBEDDED:
        transformers_logging.disable_progress_bar()  # it loads in a moment
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = getattr(torch, compute_dtype) if compute_dtype else _fast_dtype(device)
    source = str(EMBEDDED_FOLDER) if spec == EMBEDDED else spec
    if Path(source).is_dir():
        _check_folder(Path(source))
    common: dict[str, Any] = {"local_files_only": offline, "trust_remote_code": False}
    with _explained(spec):
        tokenizer = AutoTokenizer.from_pretrained(source, **common)
        letter_ids = prompts.letter_ids(tokenizer)  # refused before gigabytes are read
        pair: Any = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=dtype,
            device_map={"": device},
            output_loading_info=True,
            use_safetensors=True,
            attn_implementation="sdpa",
            **_quantization(source, quantize, quant_type, dtype, common),
            **common,
        )
    model: PreTrainedModel = pair[0]
    if missing := sorted(pair[1]["missing_keys"]):
        # transformers would draw them at random and only print a warning
        raise ModelError("model.missing_weights", model=_name(spec), weights=missing[0])
    model.eval()
    model.requires_grad_(False)
    quantized = _keep_plain_nf4(model, dtype)
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        name=_name(spec),
        sha=_sha(source, model),
        licence=_licence(spec),
        device=device,
        dtype=dtype,
        quantization=f"{quant_type}+double" if quantized else str(dtype).removeprefix("torch."),
        letter_ids=letter_ids,
        max_length=int(getattr(model.config, "max_position_embeddings", 32768)),
    )


def tokenizer(spec: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a base on this machine, without its weights."""
    from transformers import AutoTokenizer

    source = str(EMBEDDED_FOLDER) if spec == EMBEDDED else spec
    with _explained(spec):
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            source, local_files_only=True, trust_remote_code=False
        )
    return found


def _choose_server(address: Address, offline: bool) -> ModelChoice:
    if offline and not address.loopback:
        raise HostError("server.offline", server=address.url)
    return ModelChoice(
        spec=f"{address.url}#{address.model}",
        name=address.model,
        why_key="model.why.server_plain" if address.plain else "model.why.server",
        why_params={"server": address.url},
        licence="unknown",
        quantization="",
        embedded=False,
        server=address.url,
    )


def _choose_auto() -> ModelChoice:
    if not _cached(PREFERRED):
        return _choice(EMBEDDED, "model.why.not_downloaded", model=PREFERRED)
    import torch

    if not torch.cuda.is_available():
        return _choice(EMBEDDED, "model.why.no_cuda", model=PREFERRED)
    return _choice(PREFERRED, "model.why.auto")


def _choice(spec: str, why_key: str, **why_params: str) -> ModelChoice:
    return ModelChoice(
        spec=spec,
        name=_name(spec),
        why_key=why_key,
        why_params=why_params,
        licence=_licence(spec),
        quantization="nf4+double",
        embedded=spec == EMBEDDED,
    )


def _name(spec: str) -> str:
    if spec == EMBEDDED:
        return "lawui-embedded"
    return Path(spec).name if Path(spec).is_dir() else spec


def _cached(model: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    try:
        return isinstance(try_to_load_from_cache(model, "config.json"), str)
    except ValueError:  # not a repository id: HFValidationError is a ValueError
        return False


def _licence(spec: str) -> str:
    """The licence by the model card's front matter, where the files carry one."""
    if spec in LICENCES:
        return LICENCES[spec]
    card = Path(spec) / "README.md"
    if card.is_file():
        for line in card.read_text("utf-8", errors="replace").splitlines()[:60]:
            if line.startswith(("license:", "license_name:")):
                return line.split(":", 1)[1].strip()
    return "unknown"


def _fast_dtype(device: str) -> torch.dtype:
    import torch

    if device.startswith("cuda"):
        return torch.bfloat16
    # Without these instructions bfloat16 is emulated and several times slower.
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if supported else torch.float32


def _quantization(
    source: str, quantize: bool, quant_type: str, dtype: torch.dtype, common: dict[str, Any]
) -> dict[str, Any]:
    from transformers import AutoConfig, BitsAndBytesConfig

    config = AutoConfig.from_pretrained(source, **common)
    if not quantize or getattr(config, "quantization_config", None) is not None:
        return {}  # a quantized checkpoint brings its own
    wanted = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=quant_type,
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    return {"quantization_config": wanted}


def import_bitsandbytes() -> None:
    """Import bitsandbytes without the kernels it would fetch from a hub at import, and without
    torch's compiler, which two of its functions would bring in: a quarter of a start's time.

    Whoever imports a library that imports bitsandbytes calls this first.
    """
    import torch

    with _IMPORTING:
        if "bitsandbytes" in sys.modules:
            return
        hidden = {"kernels": sys.modules.get("kernels")}
        sys.modules["kernels"] = None  # type: ignore[assignment]
        logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
        compile_now, torch.compile = torch.compile, _compile_when_called  # type: ignore[assignment]
        try:
            import bitsandbytes  # noqa: F401
        except ImportError as error:
            raise ModelError("model.missing_library", reason=_first_line(error)) from error
        finally:
            torch.compile = compile_now
            del sys.modules["kernels"]
            sys.modules.update({name: module for name, module in hidden.items() if module})


def _compile_when_called(function: Any = None, **options: Any) -> Callable[..., Any]:
    """torch.compile, put off to the first call of `function`."""
    import torch

    if function is None:
        return functools.partial(_compile_when_called, **options)
    compiled = functools.cache(lambda: torch.compile(function, **options))

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return compiled()(*args, **kwargs)

    return call


def _keep_plain_nf4(model: PreTrainedModel, dtype: torch.dtype) -> bool:
    """Keep bitsandbytes from repacking 4-bit weights in place at the first inference.

    On CPUs with AVX512-bf16 it would; training and dequantizing then break silently.
    Returns whether the model holds any 4-bit layer.
    """
    import bitsandbytes as bnb

    layers = [m for m in model.modules() if isinstance(m, bnb.nn.Linear4bit)]
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False
        layer.compute_dtype = dtype  # a quantized checkpoint names the one it was made with
    return bool(layers)


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelError("model.no_config", folder=str(folder))
    if not any(folder.glob("*.safetensors")):
        pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        raise ModelError("model.pickle" if pickled else "model.no_weights", folder=str(folder))
    _check_weights(folder)


def _check_weights(folder: Path) -> None:
    """Raise ModelError where a weight file is missing or cut short; reads headers only."""
    from safetensors import SafetensorError, safe_open

    for name in _weight_files(folder):
        try:
            with safe_open(folder / name, framework="numpy"):
                pass
        except (SafetensorError, OSError) as error:
            reason = f"{name}: {_first_line(error)}"
            raise ModelError("model.cannot_load", model=folder.name, reason=reason) from error


def _weight_files(folder: Path) -> list[str]:
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file() or not index.is_file():
        return sorted(path.name for path in folder.glob("*.safetensors"))
    try:
        return sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError("model.cannot_load", model=folder.name, reason=index.name) from error


@contextmanager
def _explained(spec: str) -> Iterator[None]:
    import torch

    try:
        yield
    except ModelError:
        raise
    except torch.OutOfMemoryError as error:
        raise ModelError("model.out_of_memory", model=_name(spec)) from error
    except ImportError as error:
        raise ModelError("model.missing_library", reason=_first_line(error)) from error
    except OSError as error:
        here = spec == EMBEDDED or Path(spec).is_dir()
        key = "model.cannot_load" if here else "model.not_here"
        raise ModelError(key, model=_name(spec), reason=_first_line(error)) from error
    except Exception as error:  # every library raises its own kinds for a broken file
        raise ModelError(
            "model.cannot_load", model=_name(spec), reason=_first_line(error)
        ) from error


def _first_line(error: Exception) -> str:
    text = str(error)
    if "ignore_mismatched_sizes" in text:  # its sentence points at a report that is not shown
        return "weights of another shape than config.json says"
    return (text.strip().splitlines() or [type(error).__name__])[0][:300]


def _sha(source: str, model: PreTrainedModel) -> str:
    """Identity of the weights: 16 hexadecimal digits.

    A hub snapshot is named by its commit. A folder is known by its configuration and,
    for each weight file, its size, header and last mebibyte: enough to tell two
    checkpoints apart in milliseconds, whatever their size.
    """
    digest = hashlib.sha256()
    folder = Path(source)
    if not folder.is_dir():
        commit = getattr(model.config, "_commit_hash", None) or source
        return hashlib.sha256(f"{source}@{commit}".encode()).hexdigest()[:16]
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config.pop("transformers_version", None)
    digest.update(json.dumps(config, sort_keys=True).encode())
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(f"{path.name}:{size}".encode())
            digest.update(file.read(1 << 20))
            file.seek(max(0, size - (1 << 20)))
            digest.update(file.read())
    return digest.hexdigest()[:16]
