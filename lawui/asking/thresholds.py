"""From which share on an answer counts as one: chosen on a score, used when asking.

One small JSON file a home. A threshold belongs to the model, the adapter's weights, the
prompt and the kind of evidence that the score had, and to nothing else.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from lawui.errors import HostError
from lawui.training import files


class Thresholds:
    """The thresholds of one home. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def get(self, key: str) -> dict[str, Any] | None:
        """What was put under `key`; None where nothing was, or the file cannot be read."""
        value = files.read_object(self._path).get(key)
        return dict(value) if isinstance(value, dict) else None

    def put(self, key: str, value: dict[str, Any] | None) -> None:
        """Keep `value` under `key`; None forgets it. Raises HostError on a full disk."""
        with self._lock:
            values = files.read_object(self._path)
            values.pop(key, None)
            if value is not None:
                values[key] = value
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                files.write_json(self._path, values)
            except OSError as error:
                raise HostError("host.disk", reason=str(error)) from error


def key(model_sha: str, adapter_sha: str, prompt_sha: str, evidence: str) -> str:
    """The name under which a threshold is kept."""
    return "|".join((model_sha, adapter_sha or "base", prompt_sha, evidence))
