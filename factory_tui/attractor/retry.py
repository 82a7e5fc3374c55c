"""When a failed stage is tried again, and after how long. Sections 3.5 and 3.6."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from factory_tui.attractor.model import Graph, Node

__all__ = [
    "RETRY_POLICIES",
    "BackoffConfig",
    "RetryPolicy",
    "build_retry_policy",
    "delay_for_attempt",
    "should_retry",
]


@dataclass(frozen=True, slots=True)
class BackoffConfig:
    """The waiting time before each further attempt."""

    initial_delay_ms: int = 200
    backoff_factor: float = 2.0
    max_delay_ms: int = 60_000
    jitter: bool = True

    def delay_for_attempt(self, attempt: int) -> float:
        """Milliseconds to wait after failed attempt number ``attempt`` (from 1)."""
        return delay_for_attempt(attempt, self)


def delay_for_attempt(
    attempt: int, config: BackoffConfig, rng: Callable[[float, float], float] = random.uniform
) -> float:
    """Milliseconds to wait after failed attempt number ``attempt`` (from 1)."""
    try:
        delay = config.initial_delay_ms * config.backoff_factor ** (attempt - 1)
    except OverflowError:
        delay = config.max_delay_ms
    delay = min(delay, config.max_delay_ms)
    return delay * rng(0.5, 1.5) if config.jitter else delay


def should_retry(error: BaseException) -> bool:
    """Whether an exception may go away by itself.

    True for network trouble, time limits, rate limits and server errors; false for
    authentication, bad requests, validation and configuration. An exception that carries an HTTP
    status (``status_code`` or ``status``) is judged by it, one with a boolean ``retryable`` by
    that.
    """
    retryable = getattr(error, "retryable", None)
    if isinstance(retryable, bool):
        return retryable
    status = getattr(error, "status_code", getattr(error, "status", None))
    if isinstance(status, int) and not isinstance(status, bool):
        return status in (408, 409, 425, 429) or status >= 500
    if isinstance(error, ConnectionError | TimeoutError | asyncio.TimeoutError):
        return True
    # Bugs and bad configuration look like these, and fail the same way each time.
    terminal = (ValueError, TypeError, LookupError, AttributeError, NotImplementedError)
    if isinstance(error, (*terminal, PermissionError, FileNotFoundError, AssertionError)):
        return False
    return isinstance(error, Exception)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a stage may run and what lies between."""

    max_attempts: int = 1
    backoff: BackoffConfig = field(default_factory=BackoffConfig)
    should_retry: Callable[[BaseException], bool] = should_retry


RETRY_POLICIES: Final[Mapping[str, RetryPolicy]] = {
    "none": RetryPolicy(1),
    "standard": RetryPolicy(5, BackoffConfig(200, 2.0)),
    "aggressive": RetryPolicy(5, BackoffConfig(500, 2.0)),
    "linear": RetryPolicy(3, BackoffConfig(500, 1.0)),
    "patient": RetryPolicy(3, BackoffConfig(2_000, 3.0)),
}
"""The preset policies; a node picks one with ``retry_policy``."""


def build_retry_policy(
    node: Node, graph: Graph, backoff: BackoffConfig | None = None
) -> RetryPolicy:
    """The policy of a node: its ``retry_policy``, with attempts from its ``max_retries``.

    Without a preset, attempts come from ``max_retries``, else from the graph's default, and the
    waiting times from ``backoff``.
    """
    preset = RETRY_POLICIES.get(str(node.attrs.get("retry_policy", "")))
    retries = node.max_retries
    if preset is not None:
        attempts = preset.max_attempts if retries is None else max(0, retries) + 1
        return RetryPolicy(attempts, preset.backoff)
    if retries is None:
        retries = graph.default_max_retries
    return RetryPolicy(max(0, retries) + 1, backoff or BackoffConfig())
