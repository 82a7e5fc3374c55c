"""Trying again: how often, how long between, and what for."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from factory_tui.llm.errors import SDKError

__all__ = ["RetryPolicy", "retry"]

_T = TypeVar("_T")

OnRetry = Callable[[SDKError, int, float], Any]


def retryable(error: BaseException) -> bool:
    """Whether trying again may help."""
    return isinstance(error, SDKError) and error.retryable


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter; seconds. ``on_retry`` gets (error, attempt, delay)."""

    max_retries: int = 2
    base_delay: float = 1.0
    max_delay: float = 60.0
    backoff_multiplier: float = 2.0
    jitter: bool = True
    on_retry: OnRetry | None = None
    should_retry: Callable[[BaseException], bool] = retryable

    def delay(self, attempt: int) -> float:
        """Seconds before the retry after attempt number ``attempt``, from 0."""
        delay = min(self.base_delay * self.backoff_multiplier**attempt, self.max_delay)
        return delay * random.uniform(0.5, 1.5) if self.jitter else delay

    def wait_for(self, error: BaseException, attempt: int) -> float | None:
        """Seconds until the next attempt; ``None`` if there is none.

        A server's ``Retry-After`` replaces the backoff; one longer than ``max_delay`` ends it.
        """
        if attempt >= self.max_retries or not self.should_retry(error):
            return None
        asked = error.retry_after if isinstance(error, SDKError) else None
        if asked is None:
            return self.delay(attempt)
        return asked if asked <= self.max_delay else None


async def retry(function: Callable[[], Awaitable[_T]], policy: RetryPolicy | None = None) -> _T:
    """Call something until it succeeds or may not be tried again; its last error is raised."""
    policy = policy or RetryPolicy()
    attempt = 0
    while True:
        try:
            return await function()
        except Exception as error:
            wait = policy.wait_for(error, attempt)
            if wait is None:
                raise
            if policy.on_retry is not None and isinstance(error, SDKError):
                policy.on_retry(error, attempt, wait)
            attempt += 1
            await asyncio.sleep(wait)
