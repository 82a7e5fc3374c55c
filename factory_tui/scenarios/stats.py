"""Intervals and tests, as plain functions of numbers.

Wilson (1927) for a proportion, Student's t for few scenarios, Wald's sequential test (1945) for
"enough trials", an exact sign-flip permutation for paired differences.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import Final, Literal

__all__ = ["sign_flip", "sprt", "t_quantile", "wilson", "z_quantile"]

_EXACT_PAIRS: Final = 14
_DRAWS: Final = 20_000

Decision = Literal["pass", "fail", "continue"]


def z_quantile(p: float) -> float:
    """Quantile of the standard normal distribution, ``0 < p < 1``."""
    return NormalDist().inv_cdf(p)


def _t_cdf(t: float, df: int) -> float:
    """P(T ≤ t) for a whole number of degrees of freedom, by its finite trigonometric series."""
    angle = math.atan2(t, math.sqrt(df))
    sine, cosine = math.sin(angle), math.cos(angle)
    if df % 2:
        total, term = 0.0, cosine
        for k in range(1, df - 1, 2):
            total += term
            term *= cosine * cosine * (k + 1) / (k + 2)
        return 0.5 + (angle + sine * total) / math.pi
    total, term = 0.0, 1.0
    for k in range(0, df, 2):
        total += term
        term *= cosine * cosine * (k + 1) / (k + 2)
    return 0.5 + sine * total / 2


@lru_cache(maxsize=256)
def t_quantile(p: float, df: int) -> float:
    """Quantile of Student's t, ``0 < p < 1``, ``df ≥ 1`` whole degrees of freedom."""
    if df < 1:
        raise ValueError("degrees of freedom start at 1")
    if p < 0.5:
        return -t_quantile(1 - p, df)
    if df > 2_000:
        return z_quantile(p)
    low, high = 0.0, 1.0
    while _t_cdf(high, df) < p:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_cdf(middle, df) < p else (low, middle)
    return (low + high) / 2


def wilson(rate: float, n: float, z: float | None = None) -> tuple[float, float]:
    """Wilson's interval for a proportion seen over ``n`` (possibly effective) trials.

    Args:
        rate: the proportion, 0 to 1.
        n: trials; 0 gives the whole range.
        z: quantile; 95 % when absent.
    """
    if n <= 0:
        return 0.0, 1.0
    z = z_quantile(0.975) if z is None else z
    spread = z * z / n
    center = (rate + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(rate * (1 - rate) / n + spread / (4 * n))
    low = 0.0 if rate <= 0 else max(0.0, center - half)
    high = 1.0 if rate >= 1 else min(1.0, center + half)
    return min(low, rate), max(high, rate)


def sprt(
    successes: int,
    failures: int,
    *,
    p0: float = 0.6,
    p1: float = 0.9,
    alpha: float = 0.1,
    beta: float = 0.1,
) -> Decision:
    """Wald's sequential test of "satisfies at least ``p1``" against "at most ``p0``".

    With the defaults six straight passes or two straight failures decide.
    """
    evidence = successes * math.log(p1 / p0) + failures * math.log((1 - p1) / (1 - p0))
    if evidence >= math.log((1 - beta) / alpha):
        return "pass"
    return "fail" if evidence <= math.log(beta / (1 - alpha)) else "continue"


def sign_flip(differences: Sequence[float], *, seed: int = 0) -> float:
    """Two-sided p-value of "no difference" by flipping the signs of paired differences.

    Exact up to 14 pairs that differ, else from 20,000 seeded draws. Pairs without a difference
    do not count. An empty sequence gives 1.
    """
    moved = [d for d in differences if d]
    if not moved:
        return 1.0
    seen = abs(sum(moved)) - 1e-12
    if len(moved) <= _EXACT_PAIRS:
        flips = itertools.product((1, -1), repeat=len(moved))
        extreme = sum(
            abs(sum(s * d for s, d in zip(signs, moved, strict=True))) >= seen for signs in flips
        )
        return float(extreme / 2 ** len(moved))
    draw = random.Random(seed)
    extreme = sum(
        abs(sum(d if draw.getrandbits(1) else -d for d in moved)) >= seen for _ in range(_DRAWS)
    )
    return (extreme + 1) / (_DRAWS + 1)
