"""WebSockets that clients hold open to a twin (Slack's Socket Mode).

What a pack does::

    def socket_channel(self, call):            # GET with Upgrade: websocket; None refuses
        ticket = call.twin["tickets"].get(call.request.query.get("ticket", ""))
        return ticket["app"] if ticket else None

    def socket_opened(self, twin, socket):
        socket.send({"type": "hello"})

    def socket_message(self, twin, socket, data):
        envelope = orjson.loads(data)
        socket.ack(envelope["envelope_id"], envelope.get("payload"))

Events reach a channel through a subscription with the URL ``socket:CHANNEL``: what
:meth:`Pack.outgoing` makes is sent as one text message, and its ``ack`` is waited for.
Who is connected is no state of the universe: forks start without, snapshots leave it alone.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson

from factory_tui.universe.http import Request

__all__ = ["SCHEME", "Socket", "Sockets"]

SCHEME: Final = "socket:"
"""Of the URLs of subscriptions that are served over a WebSocket."""


class Socket:
    """One open WebSocket.

    Attributes:
        n: Number among those of its universe, in the order of opening.
        twin: The twin's name.
        channel: What the pack called it.
        request: The one that opened it.
        scratch: Free for the pack, gone with the connection.
    """

    def __init__(
        self,
        hub: "Sockets",
        n: int,
        twin: str,
        channel: str,
        request: Request,
        write: Callable[[str | bytes], None],
        close: Callable[[int, str], None],
    ) -> None:
        self.n = n
        self.twin = twin
        self.channel = channel
        self.request = request
        self.scratch: dict[str, Any] = {}
        self._hub = hub
        self._write = write
        self._close = close

    def send(self, message: str | bytes | dict[str, Any] | list[Any]) -> None:
        """Send a message; dicts and lists become JSON text."""
        if isinstance(message, dict | list):
            message = orjson.dumps(message).decode()
        self._write(message)

    def ack(self, key: str, body: Any = None) -> None:
        """The client has confirmed the delivery whose ``Outgoing.ack`` is ``key``."""
        self._hub.acknowledge(self.twin, key, b"" if body is None else orjson.dumps(body))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection."""
        self._close(code, reason)


class Sockets:
    """The WebSockets of one universe."""

    def __init__(self) -> None:
        self._open: list[Socket] = []
        self._count = 0
        self._waiting: dict[tuple[str, str], Callable[[bytes], None]] = {}

    def open(
        self,
        twin: str,
        channel: str,
        request: Request,
        write: Callable[[str | bytes], None],
        close: Callable[[int, str], None],
    ) -> Socket:
        """Note a new connection."""
        self._count += 1
        socket = Socket(self, self._count, twin, channel, request, write, close)
        self._open.append(socket)
        return socket

    def gone(self, socket: Socket) -> None:
        """Forget a connection."""
        if socket in self._open:
            self._open.remove(socket)

    def of(self, twin: str, channel: str | None = None) -> list[Socket]:
        """The open ones of a twin (and channel), oldest first."""
        return [
            socket
            for socket in self._open
            if socket.twin == twin and channel in (None, socket.channel)
        ]

    def send(
        self, twin: str, channel: str, body: bytes, key: str, acked: Callable[[bytes], None]
    ) -> bool:
        """Send to the channel's oldest connection; ``False`` when there is none.

        ``acked`` is called with the confirmation's body, at once if ``key`` is "".
        """
        found = self.of(twin, channel)
        if not found:
            return False
        if key:
            self._waiting[twin, key] = acked
        found[0].send(body.decode())
        if not key:
            acked(b"")
        return True

    def acknowledge(self, twin: str, key: str, body: bytes) -> None:
        """A confirmation has arrived; one that nobody waits for is ignored."""
        acked = self._waiting.pop((twin, key), None)
        if acked is not None:
            acked(body)

    def forget(self, twin: str, key: str) -> None:
        """Nobody waits for that confirmation any more."""
        self._waiting.pop((twin, key), None)
