"""What a run has spent, how fast it spends, and when the budget will be gone."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

__all__ = ["Budget", "RoleSpend", "Spend", "decimal"]

WINDOW_S = 600
"""The burn rate looks back ten minutes at most."""

_FLOOR_S = 20
"""…and over no less than this, or the first call would look like a fire."""


def decimal(value: Any) -> Decimal | None:
    """A decimal string of the journal, or None where it says that the amount is unknown."""
    if value is None:
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of a run; None means no limit of that sort."""

    tokens: int | None = None
    usd: Decimal | None = None
    warn: tuple[float, ...] = (0.75, 0.9)

    @classmethod
    def of(cls, data: Mapping[str, Any], warn: tuple[float, ...] = (0.75, 0.9)) -> Budget:
        """Read ``{tokens, usd, warn?}`` as the journal writes it."""
        tokens = data.get("tokens")
        return cls(
            tokens=None if tokens is None else int(tokens),
            usd=decimal(data.get("usd")),
            warn=tuple(float(part) for part in data.get("warn") or warn),
        )


@dataclass(slots=True)
class RoleSpend:
    """What one role (builder, judge, user, summary) has used."""

    tokens: int = 0
    usd: Decimal = Decimal(0)
    calls: int = 0
    unknown: bool = False


@dataclass(slots=True)
class Spend:
    """The fold of all ``spend`` events of a run."""

    tokens: int = 0
    usd: Decimal = Decimal(0)
    unknown: bool = False
    held_tokens: int = 0
    held_usd: Decimal = Decimal(0)
    estimated: bool = False
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    forfeited: int = 0
    calls: int = 0
    roles: dict[str, RoleSpend] = field(default_factory=dict)
    by_iteration: dict[int, int] = field(default_factory=dict)
    first_ms: int = 0
    recent: deque[tuple[int, int, Decimal]] = field(default_factory=lambda: deque(maxlen=4096))

    def apply(self, data: Mapping[str, Any], ts_ms: int, iteration: int) -> None:
        """Fold one ``spend`` event."""
        used = int(data.get("tokens") or 0)
        usd = decimal(data.get("usd"))
        role = self.roles.setdefault(str(data.get("role") or "?"), RoleSpend())
        role.tokens += used
        role.calls += 1
        role.usd += usd or Decimal(0)
        role.unknown |= usd is None
        self.calls += 1
        self.unknown |= usd is None
        self.estimated |= bool(data.get("estimated"))
        self.input += int(data.get("input") or 0)
        self.output += int(data.get("output") or 0)
        self.cache_read += int(data.get("cache_read") or 0)
        self.cache_write += int(data.get("cache_write") or 0)
        if data.get("state") == "forfeited":
            self.forfeited += used
        self.tokens = int(data.get("spent_tokens") or self.tokens + used)
        self.usd = decimal(data.get("spent_usd")) or self.usd + (usd or Decimal(0))
        self.held_tokens = int(data.get("held_tokens") or 0)
        self.held_usd = decimal(data.get("held_usd")) or Decimal(0)
        self.by_iteration[iteration] = self.by_iteration.get(iteration, 0) + used
        self.first_ms = self.first_ms or ts_ms
        self.recent.append((ts_ms, used, usd or Decimal(0)))

    @property
    def known_usd(self) -> Decimal | None:
        """The dollars spent, or None where any call's price is unknown."""
        return None if self.unknown else self.usd

    def share(self, budget: Budget) -> float | None:
        """The part of the budget that is gone, the dearer of tokens and dollars; None: no limit."""
        shares = []
        if budget.tokens is not None:
            shares.append(self.tokens / budget.tokens if budget.tokens else 1.0)
        if budget.usd is not None:
            shares.append(float(self.usd / budget.usd) if budget.usd else 1.0)
        return max(shares, default=None)

    def burn(self, now_ms: int, window_s: int = WINDOW_S) -> float:
        """Tokens per minute over the window that ends now."""
        return self._rate(now_ms, window_s)[0]

    def exhaustion_s(self, budget: Budget, now_ms: int) -> float | None:
        """Seconds until the first limit is reached at the present rate; None: never or unknown."""
        per_minute, usd_per_minute = self._rate(now_ms, WINDOW_S)
        waits = []
        if budget.tokens is not None and per_minute > 0:
            waits.append(max(0, budget.tokens - self.tokens) / per_minute * 60)
        if budget.usd is not None and usd_per_minute > 0:
            waits.append(max(0.0, float(budget.usd - self.usd)) / usd_per_minute * 60)
        return min(waits, default=None)

    def history(self, now_ms: int, buckets: int, seconds: int = 15) -> list[int]:
        """Tokens per bucket of ``seconds``, oldest first, the last bucket ending now."""
        sums = [0] * buckets
        span = seconds * 1000
        for ts_ms, used, _ in reversed(self.recent):
            index = (now_ms - ts_ms) // span
            if index >= buckets:
                break
            if index >= 0:
                sums[buckets - 1 - int(index)] += used
        return sums

    def _rate(self, now_ms: int, window_s: int) -> tuple[float, float]:
        if not self.recent:
            return 0.0, 0.0
        since = now_ms - window_s * 1000
        used, usd = 0, Decimal(0)
        for ts_ms, amount, dollars in reversed(self.recent):
            if ts_ms < since:
                break
            used += amount
            usd += dollars
        seconds = min(window_s, max(_FLOOR_S, (now_ms - self.first_ms) / 1000))
        return used / seconds * 60, float(usd) / seconds * 60
