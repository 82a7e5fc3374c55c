"""Data from a server in a form that can be kept, read back unchanged, and sent again.

JSON can say more than a store or the next request can carry: half of a surrogate pair, numbers of
any length, a thousand brackets one inside the other.
"""

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["mend", "plain"]

_DEEPEST = 100
"""Levels of nesting. Encoders give up at some 250, and what is kept is wrapped in a few more."""


def mend(text: str) -> str:
    """Join surrogate pairs that JSON escapes left apart; what stays single becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def plain(value: Any, depth: int = _DEEPEST) -> Any:
    """A JSON value that survives being kept: mended texts, integers of up to 64 bits.

    Longer integers become floating-point numbers, which is what most readers of JSON make of them.

    Raises:
        ValueError: it cannot be kept: nested too deeply, infinite, or no JSON at all.
    """
    if isinstance(value, str):
        return mend(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else _finite(value)
    if isinstance(value, float):
        return _finite(value)
    if depth <= 0:
        raise ValueError("nested too deeply")
    if isinstance(value, Mapping):
        return {mend(str(key)): plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth - 1) for item in value]
    raise ValueError(f"{type(value).__name__} is no JSON")


def _finite(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("a number that is not finite")
    return number
