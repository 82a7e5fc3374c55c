"""One WebSocket connection: the ``websockets`` library frames, the pack decides.

The connection starts as an HTTP request of :mod:`factory_tui.universe.server`, which hands its
transport over here.
"""

import asyncio
from collections.abc import MutableSet
from typing import Any, Final, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.protocol import State
from websockets.server import ServerProtocol

from factory_tui.universe.http import Request
from factory_tui.universe.sockets import Socket
from factory_tui.universe.universe import Universe

__all__ = ["WebSocketProtocol"]

MAX_MESSAGE: Final = 1 << 20
_CLOSE_TIMEOUT_S: Final = 5.0


class WebSocketProtocol(asyncio.Protocol):
    """Serves one connection after its handshake request was accepted by the pack."""

    def __init__(
        self,
        universe: Universe,
        twin: str,
        transport: asyncio.Transport,
        connections: MutableSet[Any],
    ) -> None:
        self.transport = transport
        self._universe = universe
        self._twin = twin
        self._connections = connections
        self._protocol = ServerProtocol(max_size=MAX_MESSAGE)
        self._socket: Socket | None = None
        self._parts: list[bytes] = []
        self._text = True

    def start(self, request: Request, channel: str, raw: bytes) -> None:
        """Answer the handshake (``raw`` is the request) and tell the pack."""
        self._connections.add(self)
        self._protocol.receive_data(raw)
        events = self._protocol.events_received()
        if not events:
            self.transport.close()
            return
        response = self._protocol.accept(cast(Handshake, events[0]))
        self._protocol.send_response(response)
        self._flush()
        if self._protocol.state is not State.OPEN:
            return
        hub = self._universe.sockets
        self._socket = hub.open(self._twin, channel, request, self._send, self._close)
        self._universe.socket_event(self._socket, "opened")

    # asyncio's side

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
        self._flush()

    def pause_writing(self) -> None:
        """The client does not read; what it sends (pings!) would only make more to be read."""
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def eof_received(self) -> bool:
        """The client sends no more."""
        self._protocol.receive_eof()
        self._flush()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._connections.discard(self)
        if self._socket is not None:
            socket, self._socket = self._socket, None
            self._universe.sockets.gone(socket)
            self._universe.socket_event(socket, "closed")

    # frames

    def _frame(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._parts = [bytes(frame.data)]
            self._text = frame.opcode is Opcode.TEXT
        elif frame.opcode is Opcode.CONT:
            if frame.data:
                self._parts.append(bytes(frame.data))
        else:  # pings are answered by the library; a pong asks for nothing
            return
        if not frame.fin or self._socket is None:
            return
        whole = b"".join(self._parts)
        self._parts = []
        message = whole.decode(errors="replace") if self._text else whole
        self._universe.socket_event(self._socket, "message", message)

    def _send(self, message: str | bytes) -> None:
        if self._protocol.state is not State.OPEN:
            return
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        self._flush()

    def _close(self, code: int, reason: str) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.transport.write(data)
            else:  # the library's word for half-closing
                self.transport.close()
        if self._protocol.close_expected():
            asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT_S, self.transport.abort)
