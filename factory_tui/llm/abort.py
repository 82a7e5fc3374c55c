"""Giving a call up from outside, and limits on how long it may take."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from factory_tui.llm.errors import AbortError, RequestTimeoutError

__all__ = ["AbortController", "AbortSignal", "TimeoutConfig", "run_until"]

_T = TypeVar("_T")


class AbortSignal:
    """Says whether a call was given up; may be set from any thread."""

    def __init__(self) -> None:
        self.aborted = False
        self.reason = ""
        self._listeners: list[Callable[[], None]] = []

    def throw_if_aborted(self) -> None:
        """Raise AbortError if it was."""
        if self.aborted:
            raise AbortError(self.reason or "the call was aborted")

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call something (from the aborting thread) when it happens; returns how to stop."""
        self._listeners.append(callback)
        if self.aborted:
            callback()

        def forget() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(callback)

        return forget


class AbortController:
    """Aborts whatever was given its ``signal``."""

    def __init__(self) -> None:
        self.signal = AbortSignal()

    def abort(self, reason: str = "") -> None:
        """Give up. A second time does nothing."""
        signal = self.signal
        if signal.aborted:
            return
        signal.reason, signal.aborted = reason, True
        for callback in list(signal._listeners):
            callback()


@dataclass(frozen=True, slots=True)
class TimeoutConfig:
    """Seconds: for a whole operation with all its steps, and for each model call."""

    total: float | None = None
    per_step: float | None = None

    @classmethod
    def of(cls, timeout: "TimeoutConfig | float | None") -> "TimeoutConfig":
        """A plain number bounds the whole operation."""
        if isinstance(timeout, TimeoutConfig):
            return timeout
        return cls(total=timeout)


async def run_until(
    work: Awaitable[_T],
    signal: AbortSignal | None,
    seconds: float | None = None,
    what: str = "call",
) -> _T:
    """Wait for something until it is given up or takes too long; it is cancelled then.

    Raises:
        AbortError: The signal was set.
        RequestTimeoutError: It took longer than ``seconds``.
    """
    task = asyncio.ensure_future(work)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(stopped.set)

    forget: Callable[[], None] = lambda: None  # noqa: E731
    if signal is not None:
        forget = signal.listen(wake)
    waiter = asyncio.ensure_future(stopped.wait())
    try:
        done, _ = await asyncio.wait(
            {task, waiter}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if task in done:
            return task.result()
        if signal is not None and signal.aborted:
            raise AbortError(signal.reason or f"the {what} was aborted")
        raise RequestTimeoutError(f"the {what} took longer than {seconds:g} seconds")
    finally:
        forget()
        waiter.cancel()
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
