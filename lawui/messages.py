"""Sentences of the errors, in Japanese and English, by room. See errors.py.

Each room adds its own rows in the block with its name.
"""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
    # -- data
    # -- model
    # -- adapters
    # -- retrieval
    # -- training
    # -- scoring
    # -- lab, system, usage
}
