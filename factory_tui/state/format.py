"""How quantities are written: tokens, dollars, durations, clocks, bars, sparklines.

Every function returns plain text of a predictable width, so that columns line up.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from decimal import Decimal

__all__ = [
    "ago",
    "bar",
    "clip",
    "clock",
    "duration",
    "interval",
    "millis",
    "money",
    "one_line",
    "percent",
    "spark",
    "tokens",
    "trial_number",
    "why",
]

_SPARKS = "▁▂▃▄▅▆▇█"
_MEASURED = re.compile(r"(?s)(.*) \(expected (.+), was (.*)\)")


def tokens(count: float | None) -> str:
    """``6.1M``, ``62k``, ``850``; ``—`` for None. At most five characters up to 9999M."""
    if count is None:
        return "—"
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= size * 0.9995:
            scaled = count / size
            return f"{scaled:.1f}{unit}" if scaled < 99.95 else f"{scaled:.0f}{unit}"
    return f"{count:.0f}"


def money(usd: Decimal | None) -> str:
    """``$18.40``; amounts under a cent keep four places; ``unknown`` for None."""
    if usd is None:
        return "unknown"
    if 0 < abs(usd) < Decimal("0.01"):
        return f"${usd:.4f}"
    return f"${usd:,.2f}"


def duration(seconds: float | None) -> str:
    """``45s``, ``12m05``, ``2h10``, ``3d04h``; ``—`` for None."""
    if seconds is None:
        return "—"
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02d}h"


def ago(then_ms: int, now_ms: int) -> str:
    """How long ago a moment was, as :func:`duration`."""
    return duration((now_ms - then_ms) / 1000)


def millis(ms: float | None) -> str:
    """``31ms``, ``2.4s``, ``3m10``; empty for None."""
    if ms is None:
        return ""
    if ms < 1000:
        return f"{ms:.0f}ms"
    return f"{ms / 1000:.1f}s" if ms < 60_000 else duration(ms / 1000)


def clock(ms: int) -> str:
    """Local wall-clock time of a Unix time in milliseconds, ``12:04:31``."""
    return time.strftime("%H:%M:%S", time.localtime(ms / 1000)) if ms else "--:--:--"


def percent(share: float | None) -> str:
    """``76%``; ``—`` for None. Only exactly all is 100%, only exactly none is 0%."""
    if share is None:
        return "—"
    whole = round(share * 100)
    if share < 1:
        whole = min(whole, 99)
    if share > 0:
        whole = max(whole, 1)
    return f"{whole}%"


def interval(low: float | None, high: float | None) -> str:
    """A confidence interval in whole percents, ``31–86``; empty if unknown."""
    if low is None or high is None:
        return ""
    return f"{low * 100:.0f}–{high * 100:.0f}"


def bar(share: float, width: int) -> tuple[str, str]:
    """A horizontal bar in halves of a cell, as its full and its empty part: ``━━━╸``, ``────``."""
    halves = round(min(1.0, max(0.0, share)) * width * 2)
    full = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return full, "─" * (width - len(full))


def spark(values: Sequence[float], width: int) -> str:
    """The last ``width`` values as ``▁▂▃▅▇``, scaled to the greatest of them."""
    shown = list(values)[-width:]
    top = max(shown, default=0)
    if top <= 0:
        return "▁" * len(shown)
    steps = len(_SPARKS) - 1
    return "".join(_SPARKS[round(steps * max(0.0, value) / top)] for value in shown)


def trial_number(n: int) -> str:
    """``#2``; later rounds begin after a thousand each: ``confirmation #1``, ``retry #3``."""
    for start, name in ((2000, "retry "), (1000, "confirmation ")):
        if n > start:
            return f"{name}#{n - start}"
    return f"#{n}"


def one_line(text: str) -> str:
    """The text with every run of white space as one blank."""
    return " ".join(text.split())


def clip(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last one ``…`` where something was cut."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def why(reason: str) -> str:
    """A verdict's reason where little room is and a sign says already that it failed.

    ``does not hold: cmd[1].exit == 3 (expected == 3, was 0)`` becomes ``cmd[1].exit == 3, was 0``.
    """
    short = reason.removeprefix("does not hold: ")
    found = _MEASURED.fullmatch(short)
    if found and found[1].endswith(found[2]):
        return f"{found[1]}, was {found[3]}"
    return short
