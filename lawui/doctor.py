"""What this lab is made of and what is wrong with it. Loads no model."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import TYPE_CHECKING, Any

from lawui.errors import LabError

if TYPE_CHECKING:
    from lawui.lab import Lab

_LIBRARIES = (
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "accelerate",
    "sentence-transformers",
    "chromadb",
    "bm25s",
    "gradio",
)


def describe(lab: Lab, lang: str = "en") -> dict[str, Any]:
    """The keys of `doctor --json`, plain JSON values, sentences in `lang`."""
    problems: list[str] = [error.text(lang) for error in lab.problems]
    figures: dict[str, Any] = {
        "model": "",
        "model_why": "",
        "licence": "",
        "device": _device(problems),
        "quantization": "",
        "model_is_demo": False,
        "model_loaded": lab.loaded,
        "server": None,
        "data": {"folder": str(lab.data_dir or ""), "sets": _sets(lab, problems, lang)},
        "index": None,
        "embedder": lab.settings.embedder,
        "reranker": lab.settings.reranker,
        "adapters": [],
        "home": str(lab.home),
        "offline": lab.settings.offline,
        "versions": _versions(problems),
    }
    try:
        choice = lab.choice
        figures |= {
            "model": choice.name,
            "model_why": choice.why(lang),
            "licence": choice.licence,
            "quantization": choice.quantization,
            "model_is_demo": choice.embedded,
            "server": _server(lab, choice.server, problems, lang),
        }
    except LabError as error:
        problems.append(error.text(lang))
    try:
        index = lab.index_status()
        figures["index"] = None if index is None else vars(index)
        figures["embedder"] = index.embedder if index else lab.settings.embedder
    except LabError as error:
        problems.append(error.text(lang))
    for info in lab.adapters():
        figures["adapters"].append({"name": info.name, "fault": info.fault})
        if info.fault:
            fault = LabError(info.fault, name=info.name, base=info.base_model)
            problems.append(fault.text(lang))
    return {**figures, "problems": problems}


def _device(problems: list[str]) -> str:
    try:
        import torch
    except (ImportError, OSError) as error:
        problems.append(f"torch: {error}")
        return "none"
    return f"cuda: {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "cpu"


def _server(lab: Lab, url: str, problems: list[str], lang: str) -> dict[str, Any] | None:
    """The server that answers and what it can give; it is sent no text of anybody."""
    if not url:
        return None
    try:
        base: Any = lab.owner().loaded
    except LabError as error:
        problems.append(error.text(lang))
        return {"url": url, "reached": False}
    problems += [notice.text(lang) for notice in lab.notices]
    return {
        "url": url,
        "reached": True,
        "max_length": base.max_length,
        "candidates": base.top,
        "loads_adapters": base.loads,
    }


def _sets(lab: Lab, problems: list[str], lang: str) -> list[dict[str, Any]]:
    found = []
    for entry in lab.sets():
        fault = entry.pop("fault", None)
        if fault is not None:
            problems.append(fault.text(lang))
        found.append(entry)
    return found


def _versions(problems: list[str]) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{name} is not installed: pip install -r requirements.txt")
    return found
