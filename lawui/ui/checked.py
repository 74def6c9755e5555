"""What a program sends to an endpoint, held against what the endpoint says it takes.

Gradio hands over whatever JSON came. Types are checked by pydantic, strictly; and no text
may hold what cannot be written down again (half a surrogate pair, a zero sign), no number
be none, and nothing be so large or so deep that reading it would keep others waiting.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import gradio as gr
from pydantic import ConfigDict, TypeAdapter, ValidationError

from lawui.errors import UsageError

LONGEST = 2_000_000
"""Characters of all texts in one value."""

DEEPEST = 12
LARGEST = 2**53
"""Whole numbers beyond this are other numbers to a browser."""


def arguments(method: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The arguments of a call by name. Raises UsageError, naming the parameter."""
    try:
        given = inspect.signature(method).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise UsageError("usage.parameters") from error
    for name, value in given.items():
        known = _types(method).get(name)
        if known is None:  # the request
            continue
        try:
            known.validate_python(value)
        except (ValidationError, RecursionError) as error:
            raise UsageError("usage.parameter", name=name) from error
        _size(name, value, DEEPEST)
    return given


@cache
def _types(method: Callable[..., Any]) -> Mapping[str, TypeAdapter[Any]]:
    # Endpoints take gr.Request from Gradio, not from the caller.
    strict = ConfigDict(strict=True)
    parameters = inspect.signature(method, eval_str=True).parameters.values()
    return {
        p.name: TypeAdapter(p.annotation, config=strict)
        for p in parameters
        if p.annotation is not gr.Request
    }


def _size(name: str, value: Any, deep: int) -> int:
    """The characters of a value. Raises UsageError for one that cannot be kept."""
    if deep < 0:
        raise UsageError("usage.parameter", name=name)
    size = 0
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise UsageError("usage.signs", name=name)
        size = len(value)
    elif isinstance(value, (int, float)) and not (math.isfinite(value) and abs(value) <= LARGEST):
        raise UsageError("usage.parameter", name=name)
    elif isinstance(value, Mapping):
        size = sum(_size(name, part, deep - 1) for pair in value.items() for part in pair)
    elif isinstance(value, (list, tuple)):
        size = len(value) + sum(_size(name, part, deep - 1) for part in value)
    if size > LONGEST:
        raise UsageError("usage.too_large", name=name, limit=LONGEST)
    return size
