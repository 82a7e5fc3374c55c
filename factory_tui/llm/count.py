"""An upper bound for the tokens of a prompt, known before the call.

Servers that can count are asked; their count is an estimate, so it gets a margin. Elsewhere the
length of the JSON decides: half a token per character held for every recorded request to
current tokenizers, where the customary quarter fell short of two thirds of them.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

__all__ = ["InputCounter", "bound_from_count", "bound_from_length"]

_NOT_OFFERED = frozenset({404, 405, 501})
_PATIENCE = 3
"""After so many failures in a row the server is not asked again: each may cost a timeout."""

Ask = Callable[[], Awaitable[int]]
"""Asks the server to count; raises what the SDK raises."""


def bound_from_count(counted: int) -> int:
    """Bound for a prompt the server counted: 5 % and 64 tokens more."""
    return counted + -(-counted // 20) + 64


def bound_from_length(prompt: Mapping[str, Any]) -> int:
    """Bound for a prompt nobody counted: half the characters of its (ASCII) JSON, and 700."""
    return -(-len(json.dumps(prompt)) // 2) + 700


class InputCounter:
    """Bounds prompts; remembers when a server does not count."""

    def __init__(self) -> None:
        self._failures = 0

    async def bound(self, prompt: Mapping[str, Any], ask: Ask) -> int:
        """Most tokens the prompt can have; ``prompt`` holds all that the model will read.

        A count that fails costs precision, never the call.
        """
        if self._failures < _PATIENCE:
            try:
                counted = await ask()
            except Exception as error:  # whatever the SDK raises: counting is optional
                missing = getattr(error, "status_code", None) in _NOT_OFFERED
                self._failures = _PATIENCE if missing else self._failures + 1
            else:
                if type(counted) is int and counted > 0:
                    self._failures = 0
                    return bound_from_count(counted)
                self._failures += 1
        return bound_from_length(prompt)
