"""Amounts as people type them: token and dollar budgets."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

__all__ = ["parse_tokens", "parse_usd"]

_UNITS: Final = {"": 1, "k": 1_000, "m": 1_000_000}
_TOKENS: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([km]?)")
_NONE: Final = ("none", "nolimit", "no limit", "unlimited", "∞")


def parse_tokens(text: str) -> int | None:
    """Read a token budget: ``400000``, ``400_000``, ``400k``, ``1.5M``; ``none`` for no limit.

    Raises:
        ValueError: with one sentence for the person who typed it.
    """
    cleaned = text.strip().lower().replace(",", "").replace("_", "").replace(" ", "")
    if cleaned in _NONE:
        return None
    found = _TOKENS.fullmatch(cleaned)
    if not found:
        raise ValueError("tokens: give a number such as 400000, 400k or 1.5M, or none")
    count = Decimal(found[1]) * _UNITS[found[2]]
    if count != count.to_integral_value():
        raise ValueError("tokens: there are only whole tokens")
    if count >= 10**15:
        raise ValueError("tokens: that is more than any run could spend; none means no limit")
    return int(count)


def parse_usd(text: str) -> Decimal | None:
    """Read a dollar budget: ``10``, ``$12.50``; ``none`` for no limit.

    Raises:
        ValueError: with one sentence for the person who typed it.
    """
    cleaned = text.strip().lower().replace(",", "").removeprefix("$").strip()
    if cleaned in _NONE:
        return None
    try:
        usd = Decimal(cleaned)
    except InvalidOperation:
        raise ValueError("dollars: give an amount such as 10 or 12.50, or none") from None
    if usd.is_nan():
        raise ValueError("dollars: give an amount such as 10 or 12.50, or none")
    if usd < 0:
        raise ValueError("dollars: a budget cannot be negative")
    if usd >= 10**9:
        raise ValueError("dollars: that is more than any run could spend; none means no limit")
    if usd != usd.quantize(Decimal("0.01")):
        raise ValueError("dollars: whole cents, please")
    return usd
