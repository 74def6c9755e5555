"""A visit as one HTML file that needs nothing else and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawui.readers.visits import words
from lawui.types import LETTERS

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = Path(__file__).parent / "visit.html"


def to_html(entries: Sequence[dict[str, Any]], lang: str) -> str:
    """The answers of a visit, oldest first. Everything that a user, a file or a model
    brought is escaped."""
    return _template().render(entries=entries, lang=lang, letters=LETTERS, words=words)


@cache
def _template() -> Template:
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_TEMPLATE.read_text("utf-8"))
