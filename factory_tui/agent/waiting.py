"""Waiting for something that somebody may call off."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from factory_tui.llm import AbortSignal

__all__ = ["AbortSwitch", "Aborted"]

_T = TypeVar("_T")


class Aborted(Exception):
    """Control flow: what was waited for has been called off."""


class AbortSwitch:
    """Calls off, for good, whatever is waited for through it.

    Args:
        signal: Sets the switch too, from any thread, once `heed` was called.
    """

    def __init__(self, signal: AbortSignal | None = None) -> None:
        self._set = asyncio.Event()
        self._signal = signal
        self._forget: Callable[[], None] | None = None

    @property
    def is_set(self) -> bool:
        """Whether it was set."""
        return self._set.is_set()

    def set(self) -> None:
        """Call off what is waited for now and later."""
        self._set.set()

    def heed(self, act: Callable[[], None]) -> None:
        """From now on, let the signal call ``act`` in the running loop; it is to set the switch."""
        if self._signal is None or self._forget is not None:
            return
        loop = asyncio.get_running_loop()
        if self._signal.aborted:
            self.set()
        self._forget = self._signal.listen(lambda: _later(loop, act))

    def forget(self) -> None:
        """Heed the signal no more."""
        if self._forget is not None:
            self._forget()

    async def unless_set(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Wait for something, but no longer than until the switch is set; then it is cancelled.

        Raises:
            Aborted: The switch is set.
        """
        task = asyncio.ensure_future(work)
        signal = asyncio.ensure_future(self._set.wait())
        try:
            await asyncio.wait({task, signal}, return_when=asyncio.FIRST_COMPLETED)
            if self.is_set:
                raise Aborted
            return task.result()
        finally:
            signal.cancel()
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task


def _later(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(act)
