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
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from factory_tui.universe.http import Request, Response
from factory_tui.universe.outbox import Reply
from factory_tui.universe.universe import Universe, Waiting
from factory_tui.universe.websocket import WebSocketProtocol

if TYPE_CHECKING:
    from factory_tui.universe.tls import Authority

__all__ = ["MAX_BODY", "Chooser", "Server", "serve"]

Chooser = Callable[[Request], Universe | None]
"""Which universe a request is for; ``None``: there is no such."""

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
        universe: Universe | Chooser,
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

    def _upgrading(self) -> bool:
        return bool(self.parser.should_upgrade()) and self._should_upgrade()

    def on_body(self, body: bytes) -> None:
        if self._upgrading() or self.cycle.response_complete:
            return
        self.cycle.body += body
        if len(self.cycle.body) > MAX_BODY:
            self.transport.abort()

    def on_message_complete(self) -> None:
        if self._upgrading():
            return
        cycle = self.cycle
        if cycle.response_complete or self.transport.is_closing():
            return
        cycle.more_body = False
        if self._current is cycle:
            self._answer(cycle)

    # A request to open a WebSocket leaves uvicorn's path before there is a cycle.

    def _should_upgrade_to_ws(self) -> bool:
        return True

    def handle_websocket_upgrade(self) -> None:
        url = httptools.parse_url(self.url)
        scope: dict[str, Any] = {
            **self.scope,
            "raw_path": url.path,
            "query_string": url.query or b"",
        }
        request = _request(scope, b"")
        universe = self._universe_of(request)
        channel = universe.open_socket(self._twin, request) if universe is not None else None
        if universe is None or channel is None:
            response = _nowhere()
            if universe is not None:
                answered = universe.handle(self._twin, request)
                response = answered if not answered.drop else response
            bodiless = response.status in _BODILESS
            head = _head(response, keep_alive=False)
            self.transport.write(head if bodiless else head + response.body)
            self.transport.close()
            return
        self.connections.discard(self)
        lines = [f"{request.method} {request.target} HTTP/1.1".encode("latin-1")]
        lines += [name + b": " + value for name, value in self.scope["headers"]]
        protocol = WebSocketProtocol(universe, self._twin, self.transport, self.connections)
        self.transport.set_protocol(protocol)
        protocol.start(request, channel, b"\r\n".join([*lines, b"", b""]))

    # Answering.

    def _answer(self, cycle: RequestResponseCycle) -> None:
        if cycle.disconnected:
            return
        request = _request(cycle.scope, bytes(cycle.body))
        universe = self._universe_of(request)
        if universe is None:
            self._write(cycle, _nowhere())
            return
        response = universe.begin(self._twin, request)
        if isinstance(response, Waiting):
            self._later(self._ask(cycle, universe, response))
        else:
            self._give(cycle, response)

    def _universe_of(self, request: Request) -> Universe | None:
        chosen = self._universe
        return chosen if isinstance(chosen, Universe) else chosen(request)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _ask(self, cycle: RequestResponseCycle, universe: Universe, waiting: Waiting) -> None:
        """Fetch what a handler asks for, and go on."""
        answered: Response | Waiting = waiting
        while isinstance(answered, Waiting):
            courier = universe.courier
            reply = (
                Reply.nothing("nobody delivers here")
                if courier is None
                else await courier.ask(answered.outgoing, answered.timeout)
            )
            answered = answered.resume(reply)
        if not cycle.disconnected:
            self._give(cycle, answered)

    def _give(self, cycle: RequestResponseCycle, response: Response) -> None:
        if response.delay or response.drop or response.cut is not None or self.flow.write_paused:
            self._later(self._answer_later(cycle, response))
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
            self.transport.write(_head(response, cycle.keep_alive) + response.body[: response.cut])
            # Let the first part leave before the reset.
            await asyncio.sleep(_CUT_PAUSE_S)
            self.transport.abort()
        else:
            self._write(cycle, response)

    def _write(self, cycle: RequestResponseCycle, response: Response) -> None:
        head = _head(response, cycle.keep_alive)
        bodiless = response.status in _BODILESS or cycle.scope["method"] == "HEAD"
        self.transport.write(head if bodiless else head + response.body)
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()


def _request(scope: Any, body: bytes) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    request = Request(
        scope["method"],
        scope["raw_path"].decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        headers,
        body,
    )
    if scope["scheme"] == "https":
        request.scheme = "https"
    return request


def _nowhere() -> Response:
    response = Response(404, b"There is no such universe here.\n")
    response.headers.append(("content-type", "text/plain; charset=utf-8"))
    return response


def _head(response: Response, keep_alive: bool) -> bytes:
    """Status line and headers, with the empty line."""
    bodiless = response.status in _BODILESS
    lines = [
        f"{name.lower()}: {value if value.isprintable() else value.translate(_CONTROLS)}\r\n"
        for name, value in response.headers
        if not (bodiless and name.lower() == "content-type")
    ]
    if not bodiless:
        lines.append(f"content-length: {len(response.body)}\r\n")
    if not keep_alive:
        lines.append("connection: close\r\n")
    lines.append("\r\n")
    return STATUS_LINE[response.status] + "".join(lines).encode("latin-1", "replace")


class Server:
    """A twin being served; :meth:`close` ends it and its connections."""

    def __init__(
        self, server: asyncio.Server, state: ServerState, sock: socket.socket, scheme: str = "http"
    ) -> None:
        self._server = server
        self._state = state
        name = sock.getsockname()
        self.port: int = name[1] if isinstance(name, tuple) else 0
        self.url = f"{scheme}://127.0.0.1:{self.port}"

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


async def serve(
    universe: Universe | Chooser,
    twin: str,
    sock: socket.socket,
    *,
    tls: "Authority | None" = None,
) -> Server:
    """Serve ``twin`` of ``universe`` on ``sock``, bound (and listening or not), in this loop.

    Args:
        universe: One for all requests, or a function that finds a request's.
        twin: Its name.
        sock: The listening socket, for instance of a door.
        tls: Speak HTTPS, with certificates of this authority for the name a client asks for.

    Raises ``KeyError`` for an unknown twin.
    """
    if isinstance(universe, Universe) and twin not in universe.twins:
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
    context = tls.context() if tls is not None else None
    server = await loop.create_server(
        lambda: _Protocol(universe, twin, config, state, loop), sock=sock, backlog=512, ssl=context
    )
    return Server(server, state, sock, "http" if tls is None else "https")


async def _unused(scope: Any, receive: Any, send: Any) -> None:
    """Uvicorn's configuration wants an application."""
    raise NotImplementedError
