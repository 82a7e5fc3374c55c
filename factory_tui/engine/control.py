"""The engineer's hand on a running run: pause, resume, stop, budget, retry.

Viewers write requests into the store; the engine reads them here, acts, and journals what it
did. :class:`Gate` is what every model call and every trial waits at, so a pause holds a run at
its next call whatever its pipeline looks like.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from factory_tui.store import Control, Store, StoreError

__all__ = ["ControlLoop", "Gate"]

POLL = 0.2
"""Seconds between two looks at the requests."""

Action = Callable[[Mapping[str, Any], str], str]
"""Takes the request's arguments and who asked; returns what was done, in a few words. What it
writes to the store is written together with the note that the request is carried out."""


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

    def once(self) -> None:
        """Carry out what is pending now."""
        for request in self.store.pending(self.run_id):
            # Together, or a crash in between would have it carried out once more.
            with self.store.transaction():
                result = self._carry_out(request)
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

    def _carry_out(self, request: Control) -> str:
        action = self.actions.get(request.verb)
        if action is None:
            return f"there is no such request: {request.verb}"
        try:
            with self.store.transaction():
                return action(request.args, request.who)
        except StoreError:
            raise  # the disk's fault, not the request's: it is carried out later
        except Exception as error:
            # One request that makes no sense must not deafen the run to all others.
            return f"refused: {error}"

    async def forever(self) -> None:
        """Poll until cancelled."""
        while True:
            self.once()
            await asyncio.sleep(POLL)
