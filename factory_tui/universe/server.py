"""HTTP for a twin: uvicorn's protocol over a listening socket of ours.

Uvicorn parses and frames (keep-alive, pipelining, chunked bodies, flow control); what it does
not have is a way to break a connection on purpose, so the protocol passes its transport on to
the application, which is a few lines around :meth:`Universe.handle`.
"""

import asyncio
import logging
import socket
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from factory_tui.universe.http import Request, Response
from factory_tui.universe.universe import Universe

__all__ = ["MAX_BODY", "Server", "serve"]

MAX_BODY = 16 << 20
"""Bytes of a request body a twin reads; more closes the connection."""

# What a product sends to a twin is its business; a malformed request is answered with 400.
logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())


class _Protocol(HttpToolsProtocol):
    """Uvicorn's protocol that tells the application which connection it answers on."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"connection": {"transport": self.transport}}


class Server:
    """A twin being served; :meth:`close` ends it and its connections."""

    def __init__(self, server: asyncio.Server, state: ServerState, sock: socket.socket) -> None:
        self._server = server
        self._state = state
        name = sock.getsockname()
        self.port: int = name[1] if isinstance(name, tuple) else 0
        self.url = f"http://127.0.0.1:{self.port}"

    async def close(self) -> None:
        """Stop listening, close open connections and wait until they are gone."""
        self._server.close()
        for connection in list(self._state.connections):
            transport = connection.transport
            if transport is not None:
                transport.abort()
        for task in list(self._state.tasks):
            task.cancel()
        if self._state.tasks:
            await asyncio.gather(*self._state.tasks, return_exceptions=True)
        await self._server.wait_closed()


async def serve(universe: Universe, twin: str, sock: socket.socket) -> Server:
    """Serve ``twin`` of ``universe`` on ``sock``, bound (and listening or not), in this loop.

    Raises ``KeyError`` for an unknown twin.
    """
    if twin not in universe.twins:
        raise KeyError(twin)
    loop = asyncio.get_running_loop()
    config = Config(
        _application(universe, twin),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
    )
    config.load()
    state = ServerState()

    def connect() -> asyncio.Protocol:
        return _Protocol(config=config, server_state=state, app_state={}, _loop=loop)

    sock.setblocking(False)
    server = await loop.create_server(connect, sock=sock, backlog=512)
    return Server(server, state, sock)


def _application(universe: Universe, twin: str) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        transport: asyncio.Transport = scope["extensions"]["connection"]["transport"]
        body = b""
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            body += event["body"]
            if len(body) > MAX_BODY:
                await _break(transport, receive)
                return
            if not event["more_body"]:
                break
        response = universe.handle(twin, _request(scope, body))
        if response.delay:
            await asyncio.sleep(response.delay)
        if response.drop:
            await _break(transport, receive)
            return
        await _send(scope["method"], response, transport, receive, send)

    return application


def _request(scope: Any, body: bytes) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Request(
        scope["method"],
        scope["raw_path"].decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        headers,
        body,
    )


async def _send(
    method: str, response: Response, transport: asyncio.Transport, receive: Any, send: Any
) -> None:
    body = response.body
    bodiless = response.status in (204, 304)
    headers = [
        (name.lower().encode("latin-1"), _line(value))
        for name, value in response.headers
        if not (bodiless and name.lower() == "content-type")
    ]
    if not bodiless:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.cut is not None and method != "HEAD":
        await send({"type": "http.response.body", "body": body[: response.cut], "more_body": True})
        # Let the loop write the half before the reset.
        await asyncio.sleep(0.02)
        await _break(transport, receive)
        return
    await send({"type": "http.response.body", "body": b"" if bodiless else body})


def _line(value: str) -> bytes:
    """A header value that cannot break out of its line."""
    return "".join(c if c >= " " and c != "\x7f" else " " for c in value).encode(
        "latin-1", "replace"
    )


async def _break(transport: asyncio.Transport, receive: Any) -> None:
    """Reset the connection and wait until the protocol has noticed."""
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
