"""Lets TLS clients in: a few at a time while their handshakes are not done.

asyncio's own servers start any number of handshakes and wait a minute for each, and only a
connection that has shaken hands is known to whoever counts connections. Here the others wait in
the kernel's queue.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final

__all__ = ["Gate"]

HANDSHAKES: Final = 64
"""Handshakes at a time."""
HANDSHAKE_S: Final = 10.0
_PAUSE_S: Final = 0.1
_AT_ONCE: Final = 32


class Gate:
    """Accepts from a listening socket, which is its own from then on.

    Args:
        sock: Bound, not blocking.
        factory: Makes the protocol of a connection.
        context: The server's side of the handshake.
    """

    def __init__(
        self, sock: socket.socket, factory: Callable[[], asyncio.Protocol], context: ssl.SSLContext
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._factory = factory
        self._context = context
        self._greeting: set[asyncio.Task[None]] = set()
        self._open = True
        self._reading = False
        sock.listen(512)
        self._go_on()

    def close(self) -> None:
        """Let nobody in any more, and give up unfinished handshakes."""
        if self._open:
            self._open = False
            self._pause()
            self._sock.close()
            for task in self._greeting:
                task.cancel()

    async def wait_closed(self) -> None:
        """Wait until the handshakes are given up."""
        await asyncio.gather(*self._greeting, return_exceptions=True)

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._sock)

    def _go_on(self) -> None:
        if self._open and not self._reading and len(self._greeting) < HANDSHAKES:
            self._reading = True
            self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if len(self._greeting) >= HANDSHAKES:
                self._pause()
                return
            try:
                line, _address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no descriptors left
                self._pause()
                self._loop.call_later(_PAUSE_S, self._go_on)
                return
            task = self._loop.create_task(self._greet(line))
            self._greeting.add(task)
            task.add_done_callback(self._greeted)

    def _greeted(self, task: asyncio.Task[None]) -> None:
        self._greeting.discard(task)
        self._go_on()

    async def _greet(self, line: socket.socket) -> None:
        line.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(
                self._factory, line, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_S
            )
        except (OSError, ValueError, asyncio.CancelledError):  # TLS errors are OSErrors
            with contextlib.suppress(OSError):
                line.close()
