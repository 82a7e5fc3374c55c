"""The engineer's hand on a running run: pause, resume, stop, budget, retry.

Viewers write requests into the store; the engine reads them here, acts, and journals what it
did. :class:`Gate` is what every model call and every trial waits at, so a pause holds a run at
its next call whatever its pipeline looks like.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from factory_tui.store import Store

__all__ = ["ControlLoop", "Gate"]

POLL = 0.2
"""Seconds between two looks at the requests."""

Action = Callable[[Mapping[str, Any], str], Awaitable[str]]
"""Takes the request's arguments and who asked; returns what was done, in a few words."""


class Gate:
    """Open unless somebody holds it for a reason; each reason is released on its own."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._reasons: set[str] = set()

    @property
    def reasons(self) -> frozenset[str]:
        """Why it is shut; empty when open."""
        return frozenset(self._reasons)

    def hold(self, reason: str) -> None:
        """Shut the gate for a reason."""
        self._reasons.add(reason)
        self._open.clear()

    def release(self, reason: str) -> None:
        """Take a reason away; the gate opens with the last one."""
        self._reasons.discard(reason)
        if not self._reasons:
            self._open.set()

    async def wait(self) -> None:
        """Return as soon as nothing holds the gate."""
        await self._open.wait()


class ControlLoop:
    """Polls the store for requests and carries them out one after the other."""

    def __init__(self, store: Store, run_id: str, actions: Mapping[str, Action]) -> None:
        self.store = store
        self.run_id = run_id
        self.actions = actions

    async def once(self) -> None:
        """Carry out what is pending now."""
        for request in self.store.pending(self.run_id):
            action = self.actions.get(request.verb)
            try:
                if action is None:
                    result = f"there is no such request: {request.verb}"
                else:
                    result = await action(request.args, request.who)
            except Exception as error:
                # One request that makes no sense must not deafen the run to all others.
                result = f"refused: {error}"
            self.store.acknowledge(request.id, result)
            self.store.append(
                self.run_id,
                "control.done",
                {
                    "verb": request.verb,
                    "args": dict(request.args),
                    "who": request.who,
                    "result": result,
                },
            )

    async def forever(self) -> None:
        """Poll until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(POLL)
