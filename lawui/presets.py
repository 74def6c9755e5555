"""Training settings kept under a name, for everybody at a lab: one JSON file a home."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

from lawui.errors import TrainingError, UsageError
from lawui.training import files
from lawui.training.config import PRESETS, ConfigError, TrainConfig, from_dict, to_dict

LONGEST = 60


class Presets:
    """The settings of one home. Thread-safe; a damaged file counts as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def all(self) -> dict[str, TrainConfig]:
        """Every kept preset that can still be read, by name."""
        found = {}
        for name, values in files.read_object(self._path).items():
            try:
                found[name] = from_dict(values)
            except (ConfigError, TypeError, AttributeError):
                continue  # of another version: its neighbours stay
        return found

    def of(self, set: str, adapters: Collection[str]) -> list[str]:
        """The names of presets that train on a set ("" for none), or go on from one of
        `adapters`."""
        return [
            name
            for name, config in self.all().items()
            if (set and config.train_set == set) or config.start_from in adapters
        ]

    def save(self, name: str, config: TrainConfig) -> str:
        """Keep `config` as `name`, in place of what had that name. Raises UsageError for a
        name that is empty, too long or built in, TrainingError where it cannot be written."""
        name = " ".join(name.split())
        if not name or len(name) > LONGEST or name in PRESETS or name.startswith("-"):
            raise UsageError("usage.preset_name", name=name, longest=LONGEST)
        config.check()
        with self._lock:
            # A run's name is its own: two runs of one preset are told apart by the lab.
            self._write(
                {**files.read_object(self._path), name: {**to_dict(config), "output_dir": ""}}
            )
        return name

    def remove(self, name: str) -> None:
        """Forget a preset. Raises UsageError where none of that name is kept."""
        with self._lock:
            kept = files.read_object(self._path)
            if name not in kept:
                raise UsageError("usage.preset_name", name=name, longest=LONGEST)
            del kept[name]
            self._write(kept)

    def _write(self, values: dict[str, Any]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            files.write_json(self._path, values)
        except OSError as error:
            raise TrainingError("train.cannot_write", reason=str(error)) from error
