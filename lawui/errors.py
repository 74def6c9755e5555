"""Everything that can go wrong and a user may see.

    LabError(key, **params)
    ├── UsageError        the request cannot be right: wrong flag, unknown name, bad field
    ├── DataError         a file of questions or statutes is missing, broken or odd
    ├── ModelError        a base cannot be loaded or does not speak the format
    ├── AdapterError      an adapter is broken, foreign or unsafe
    ├── RetrievalError    an index is missing, damaged or of another embedder
    ├── TrainingError     a run cannot start or went wrong
    ├── ScoringError      a scoring cannot start, resume or be compared
    └── HostError         port in use, disk full, no network allowed

`key` is stable (`data.missing_file`) and indexes `MESSAGES`, which holds the sentence
in Japanese and English with the params in braces. A sentence says what happened and what
to do next. Rooms raise; the page and the command line call `text(lang)`.
"""

from __future__ import annotations

from typing import Any

from lawui.messages import MESSAGES


class LabError(Exception):
    """An error with a stable key and the values its sentence names."""

    def __init__(self, key: str, /, **params: Any) -> None:
        super().__init__(key)
        self.key = key
        self.params = params

    def text(self, lang: str = "en") -> str:
        """The sentence for a user in `ja` or `en`."""
        return message(self.key, lang, **self.params)

    def __str__(self) -> str:
        return self.text("en")


class UsageError(LabError):
    pass


class DataError(LabError):
    pass


class ModelError(LabError):
    pass


class AdapterError(LabError):
    pass


class RetrievalError(LabError):
    pass


class TrainingError(LabError):
    pass


class ScoringError(LabError):
    pass


class HostError(LabError):
    pass


def message(key: str, lang: str = "en", /, **params: Any) -> str:
    """The sentence of `key` in `ja` or `en`, its braces filled from `params`.

    Raises KeyError for a key that `MESSAGES` lacks: a programmer's mistake.
    """
    ja, en = MESSAGES[key]
    return (ja if lang == "ja" else en).format(**params)
