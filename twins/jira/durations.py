"""Durations as Jira writes them: ``1w 2d 3h``, in weeks of five days of eight hours."""

import re
from typing import Any, Final

__all__ = ["pretty", "seconds_of", "work_ratio"]

_ESTIMATE = re.compile(r"(\d+(?:\.\d+)?)\s*([wdhm])")
_SECONDS: Final = {"w": 5 * 8 * 3600, "d": 8 * 3600, "h": 3600, "m": 60}


def seconds_of(text: Any) -> int:
    """``3h 20m`` in seconds, in Jira's weeks of five days of eight hours. ``ValueError``."""
    if not isinstance(text, str):
        raise ValueError(text)
    stripped = text.strip().lower()
    if stripped.isdecimal() and len(stripped) < 9:
        return int(stripped) * 60
    found = _ESTIMATE.findall(stripped)
    if not found or _ESTIMATE.sub("", stripped).strip() or len(stripped) > 40:
        raise ValueError(text)
    return int(sum(float(amount) * _SECONDS[unit] for amount, unit in found))


def pretty(seconds: int) -> str:
    """Seconds as ``1d 2h``."""
    parts = []
    for unit in "wdhm":
        amount, seconds = divmod(seconds, _SECONDS[unit])
        if amount:
            parts.append(f"{amount}{unit}")
    return " ".join(parts) or "0m"


def work_ratio(estimate: int | None, spent: int | None) -> int:
    """Time spent in per cent of the original estimate; -1 without an estimate."""
    return (spent or 0) * 100 // estimate if estimate else -1
