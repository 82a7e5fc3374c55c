"""A command's output, read up to a cap, and its input, written as it takes it."""

import asyncio
import os
from collections.abc import Callable
from typing import Final

_PIECE: Final = 65536


class Output:
    """Reads stdout and stderr of one command from the event loop.

    Reading stops for good when both together exceed ``cap`` bytes: ``full`` is called once, and
    the pipes are closed.
    """

    def __init__(self, cap: int, full: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._cap = cap
        self._full = full
        self._texts: dict[int, bytearray] = {}
        self._open: set[int] = set()
        self._done = asyncio.Event()
        self.truncated = False

    def attach(self, stdout: int, stderr: int) -> None:
        """Take over the reading ends."""
        for descriptor in (stdout, stderr):
            os.set_blocking(descriptor, False)
            self._texts[descriptor] = bytearray()
            self._open.add(descriptor)
            self._loop.add_reader(descriptor, self._read, descriptor)

    async def drained(self, timeout_s: float) -> None:
        """Wait until every writer is gone, but not for ever."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._done.wait()
        except TimeoutError:
            pass
        self.close()

    def close(self) -> None:
        """Stop reading; what was read stays."""
        for descriptor in list(self._open):
            self._shut(descriptor)

    def texts(self) -> tuple[bytes, bytes]:
        """stdout and stderr as far as they were read."""
        stdout, stderr = self._texts.values()
        return bytes(stdout), bytes(stderr)

    def _read(self, descriptor: int) -> None:
        try:
            piece = os.read(descriptor, _PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._shut(descriptor)
            return
        room = self._cap - sum(map(len, self._texts.values()))
        self._texts[descriptor] += piece[:room]
        if len(piece) > room:
            self.truncated = True
            self.close()
            self._full()

    def _shut(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        self._open.discard(descriptor)
        os.close(descriptor)
        if not self._open:
            self._done.set()


class Input:
    """Writes bytes to a command's stdin without blocking, then closes it."""

    def __init__(self, descriptor: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._rest = memoryview(b"")
        os.set_blocking(descriptor, False)

    def feed(self, data: bytes) -> None:
        """Send ``data`` and an end of file."""
        self._rest = memoryview(data)
        self._loop.add_writer(self._descriptor, self._write)

    def close(self) -> None:
        """Send an end of file now."""
        if self._descriptor >= 0:
            self._loop.remove_writer(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self) -> None:
        try:
            self._rest = self._rest[os.write(self._descriptor, self._rest[:_PIECE]) :]
        except BlockingIOError:
            return
        except OSError:  # it does not want any more
            self.close()
            return
        if not self._rest:
            self.close()
