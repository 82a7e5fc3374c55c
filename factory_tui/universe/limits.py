"""Rate limits on the virtual clock, for universes that enforce what the vendor publishes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

__all__ = ["Allowance", "Limit", "Windows"]


@dataclass(frozen=True, slots=True)
class Limit:
    """What a vendor allows one caller.

    Attributes:
        bucket: What is counted together: an operation, an endpoint class, a channel.
        allowance: Requests per window.
        window: Virtual seconds.
    """

    bucket: str
    allowance: int
    window: float = 60.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """Where a caller stands after a request.

    Attributes:
        limit: The limit that was counted against.
        remaining: Requests left in this window.
        reset: Virtual time at which the window ends.
        retry_after: Whole seconds until then, at least 1; 0 while requests are let through.
    """

    limit: Limit
    remaining: int
    reset: datetime
    retry_after: int = 0


class Windows:
    """The running windows of one universe."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: dict[tuple[str, str, str], tuple[datetime, int]] = {}

    def count(self, twin: str, principal: str, limit: Limit, now: datetime) -> Allowance:
        """Count one request of ``principal`` at ``now``."""
        key = twin, principal, limit.bucket
        length = timedelta(seconds=limit.window)
        started, used = self._running.get(key, (now, 0))
        if now - started >= length:
            started, used = now, 0
        reset = started + length
        if used >= limit.allowance:
            wait = max(1, ceil((reset - now).total_seconds()))
            return Allowance(limit, 0, reset, wait)
        self._running[key] = started, used + 1
        return Allowance(limit, limit.allowance - used - 1, reset)

    def fork(self) -> "Windows":
        """An independent copy."""
        twin = Windows()
        twin._running = self._running.copy()
        return twin
