"""Reads the one JSON object a model was asked for, out of whatever it wrote around it."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["find_object"]

_TRIES = 50


def find_object(text: str, key: str) -> dict[str, Any] | None:
    """The last JSON object in a text that has a key; ``None`` when there is none.

    The last, because a model that thinks aloud ends with its answer.
    """
    decoder = json.JSONDecoder()
    found: dict[str, Any] | None = None
    position, tries = text.find("{"), 0
    while position >= 0 and tries < _TRIES:
        tries += 1
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            position = text.find("{", position + 1)
            continue
        if isinstance(value, dict) and key in value:
            found = value
        position = text.find("{", end)
    return found
