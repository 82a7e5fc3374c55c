"""HTTP for a twin: uvicorn's protocol over a listening socket of ours.

Uvicorn parses and frames (keep-alive, pipelining, chunked bodies, flow control). Its ASGI task
per request is left out: a twin answers at once and in one piece, so the response is written
from the parser's callback, which doubles the throughput, and a connection can be broken on
purpose, which ASGI has no word for.

Serve under uvloop where it is installed; it is twice as fast as the standard loop.
"""

import asyncio
import logging
import socket
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from factory_tui.universe.http import Request, Response
from factory_tui.universe.universe import Universe

__all__ = ["MAX_BODY", "Server", "serve"]

MAX_BODY = 16 << 20
"""Bytes of a request body a twin reads; more closes the connection."""

_CUT_PAUSE_S = 0.02
_BODILESS = (204, 304)
_CONTROLS = dict.fromkeys((*range(32), 127), " ")
"""A header value must not break out of its line."""

# What a product sends to a twin is its business; a malformed request is answered with 400.
logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())


class _Protocol(HttpToolsProtocol):
    """One connection to one twin of one universe."""

    def __init__(
        self,
        universe: Universe,
        twin: str,
        config: Config,
        state: ServerState,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(config=config, server_state=state, app_state={}, _loop=loop)
        self._universe = universe
        self._twin = twin
        self._current: RequestResponseCycle | None = None

    # The hooks of uvicorn's protocol. A request that was pipelined behind one that is still
    # being answered is parsed at once and started when that one is done.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._current = cycle
        if cycle.waiting_for_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        if not cycle.more_body:
            self.loop.call_soon(self._answer, cycle)

    def on_body(self, body: bytes) -> None:
        if self.cycle.response_complete:
            return
        self.cycle.body += body
        if len(self.cycle.body) > MAX_BODY:
            self.transport.abort()

    def on_message_complete(self) -> None:
        cycle = self.cycle
        if cycle.response_complete or self.transport.is_closing():
            return
        cycle.more_body = False
        if self._current is cycle:
            self._answer(cycle)

    # Answering.

    def _answer(self, cycle: RequestResponseCycle) -> None:
        if cycle.disconnected:
            return
        response = self._universe.handle(self._twin, _request(cycle))
        if response.delay or response.drop or response.cut is not None or self.flow.write_paused:
            task = self.loop.create_task(self._answer_later(cycle, response))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        else:
            self._write(cycle, response)

    async def _answer_later(self, cycle: RequestResponseCycle, response: Response) -> None:
        if response.delay:
            await asyncio.sleep(response.delay)
        if self.flow.write_paused:
            await self.flow.drain()
        if cycle.disconnected:
            return
        if response.drop:
            self.transport.abort()
        elif response.cut is not None and cycle.scope["method"] != "HEAD":
            self.transport.write(_head(cycle, response) + response.body[: response.cut])
            # Let the first part leave before the reset.
            await asyncio.sleep(_CUT_PAUSE_S)
            self.transport.abort()
        else:
            self._write(cycle, response)

    def _write(self, cycle: RequestResponseCycle, response: Response) -> None:
        head = _head(cycle, response)
        bodiless = response.status in _BODILESS or cycle.scope["method"] == "HEAD"
        self.transport.write(head if bodiless else head + response.body)
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()


def _request(cycle: RequestResponseCycle) -> Request:
    scope = cycle.scope
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Request(
        scope["method"],
        scope["raw_path"].decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        headers,
        bytes(cycle.body),
    )


def _head(cycle: RequestResponseCycle, response: Response) -> bytes:
    """Status line and headers, with the empty line."""
    bodiless = response.status in _BODILESS
    lines = [
        f"{name.lower()}: {value.translate(_CONTROLS)}\r\n"
        for name, value in response.headers
        if not (bodiless and name.lower() == "content-type")
    ]
    if not bodiless:
        lines.append(f"content-length: {len(response.body)}\r\n")
    if not cycle.keep_alive:
        lines.append("connection: close\r\n")
    lines.append("\r\n")
    return STATUS_LINE[response.status] + "".join(lines).encode("latin-1", "replace")


class Server:
    """A twin being served; :meth:`close` ends it and its connections."""

    def __init__(self, server: asyncio.Server, state: ServerState, sock: socket.socket) -> None:
        self._server = server
        self._state = state
        name = sock.getsockname()
        self.port: int = name[1] if isinstance(name, tuple) else 0
        self.url = f"http://127.0.0.1:{self.port}"

    async def close(self) -> None:
        """Stop listening, break open connections and wait until they are gone."""
        self._server.close()
        for connection in list(self._state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()


async def serve(universe: Universe, twin: str, sock: socket.socket) -> Server:
    """Serve ``twin`` of ``universe`` on ``sock``, bound (and listening or not), in this loop.

    Raises ``KeyError`` for an unknown twin.
    """
    if twin not in universe.twins:
        raise KeyError(twin)
    loop = asyncio.get_running_loop()
    config = Config(
        _unused,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=75,
    )
    config.load()
    state = ServerState()
    sock.setblocking(False)
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        # Accepted sockets inherit it; without it a client may wait 40 ms for each answer.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = await loop.create_server(
        lambda: _Protocol(universe, twin, config, state, loop), sock=sock, backlog=512
    )
    return Server(server, state, sock)


async def _unused(scope: Any, receive: Any, send: Any) -> None:
    """Uvicorn's configuration wants an application."""
    raise NotImplementedError
