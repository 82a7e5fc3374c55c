"""Earlier states of a universe, for reads that an eventually consistent service answers late."""

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from factory_tui.universe.http import Request, Response
from factory_tui.universe.pack import Call, Refused

if TYPE_CHECKING:
    from factory_tui.universe.universe import Universe

__all__ = ["Past"]

_KEPT = 1000


class Past:
    """States before the latest requests. Each costs the rows that differ from the seed."""

    __slots__ = ("_states",)

    def __init__(self) -> None:
        self._states: deque[tuple[datetime, Universe]] = deque(maxlen=_KEPT)

    def keep(self, universe: "Universe", seconds: float) -> None:
        """Remember the state now, and forget what is older than ``seconds`` needs."""
        now = universe.clock.now()
        self._states.append((now, universe.fork()))
        horizon = now - timedelta(seconds=min(seconds, 1e9))
        while len(self._states) > 1 and self._states[1][0] <= horizon:
            self._states.popleft()

    def answer(self, call: Call, seconds: float) -> Response | None:
        """What the twin would have answered ``seconds`` ago; ``None`` if the call changes things.

        Gaps and scratch of the earlier call become those of ``call``. While it is answered, its
        scratch has the twin as it is now (``present``), for services that let a caller insist.
        """
        now = call.twin.clock.now()
        horizon = now - timedelta(seconds=min(seconds, 1e9))
        found: Universe | None = None
        for moment, state in self._states:
            if found is not None and moment > horizon:
                break
            found = state
        if found is None:
            return None
        past = found.fork()
        past.clock.set(now)
        before = past.snapshot()
        pack = call.twin.pack
        earlier = Call(past.twins[pack.name], _again(call.request))
        pack.match(earlier)
        earlier.principal = pack.identify(earlier)
        earlier.scratch["present"] = call.twin
        try:
            response = pack.answer(earlier)
        except Refused as refused:
            response = refused.response
        if past.diff(before) or len(past.outbox) != len(before.outbox):
            return None
        call.gaps += earlier.gaps
        del earlier.scratch["present"]
        call.scratch |= earlier.scratch
        call.session = earlier.session
        return response


def _again(request: Request) -> Request:
    return Request(
        request.method, request.path, request.query_string, request.headers, request.body
    )
