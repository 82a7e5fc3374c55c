"""A twin served on a listening socket of ours; :mod:`.protocol` speaks HTTP on it.

Serve under uvloop where it is installed; it is twice as fast as the standard loop.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from factory_tui.universe.gate import Gate
from factory_tui.universe.protocol import Chooser, Connection, Connections
from factory_tui.universe.universe import Universe

if TYPE_CHECKING:
    from factory_tui.universe.tls import Authority

__all__ = ["Chooser", "Server", "serve"]


class _State(Protocol):
    """What a server has open: ours, or uvicorn's for the control API."""

    connections: set[Any]
    tasks: set[asyncio.Task[None]]


class Server:
    """A twin being served; :meth:`close` ends it and its connections.

    Attributes:
        port: Where it listens.
        url: Likewise, without a path.
        closed: Called when it has ended.
    """

    closed: Callable[[], None] | None = None

    def __init__(
        self,
        server: asyncio.Server | Gate,
        state: _State,
        sock: socket.socket,
        scheme: str = "http",
    ) -> None:
        self._server = server
        self._state = state
        name = sock.getsockname()
        self.port: int = name[1] if isinstance(name, tuple) else 0
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Stop listening and break open connections."""
        self._server.close()
        if isinstance(self._state, Connections):
            self._state.stop()
        for connection in list(self._state.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def close(self) -> None:
        """Stop listening, break open connections and wait until they are gone."""
        self.cut()
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        if self.closed is not None:
            self.closed()


async def serve(
    universe: Universe | Chooser,
    twin: str,
    sock: socket.socket,
    *,
    tls: "Authority | None" = None,
    most: int = 1 << 14,
) -> Server:
    """Serve ``twin`` of ``universe`` on ``sock``, bound (and listening or not), in this loop.

    Args:
        universe: One for all requests, or a function that finds a request's.
        twin: Its name.
        sock: The listening socket, for instance of a door.
        tls: Speak HTTPS, with certificates of this authority for the name a client asks for.
        most: Connections at a time; more are closed at once.

    Raises ``KeyError`` for an unknown twin.
    """
    if isinstance(universe, Universe) and twin not in universe.twins:
        raise KeyError(twin)
    loop = asyncio.get_running_loop()
    state = Connections(most)
    sock.setblocking(False)
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        # Accepted sockets inherit it; without it a client may wait 40 ms for each answer.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection() -> Connection:
        return Connection(universe, twin, state)

    server: asyncio.Server | Gate
    if tls is None:
        server = await loop.create_server(connection, sock=sock, backlog=512)
    else:
        server = Gate(sock, connection, tls.context())
    return Server(server, state, sock, "http" if tls is None else "https")
