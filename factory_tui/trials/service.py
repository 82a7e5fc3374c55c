"""A product that keeps running while a scenario goes on: a bot, a webhook receiver, a web app.

It runs in a box of its own. Its network is reached by sockets that are made inside: the twins'
events come in that way, and so do the commands of later steps, which find it at the same
address in their own boxes.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any, Final

from factory_tui.sandbox import Box, Completed, Door, Inside, Sandbox, SandboxFault

__all__ = ["PORT", "Service", "connect_inside", "environment", "own_port"]

PORT: Final = 8080
"""Where a service is asked to listen, by ``PORT`` and ``SERVICE_URL`` in its environment."""

READY_S: Final = 20.0
"""Seconds until a service has to listen."""

_LOOK_S: Final = 0.05
_HOSTS: Final = ("127.0.0.1", "localhost")
_CHUNK: Final = 1 << 16
_MOST: Final = 128
"""Connections of one box to the service at a time; each takes two descriptors of the host."""


def environment(port: int) -> dict[str, str]:
    """What a program is told of the service."""
    return {"PORT": str(port), "SERVICE_URL": f"http://127.0.0.1:{port}"}


class Service:
    """One running service. Make it with :meth:`start`, end it with :meth:`stop`.

    Attributes:
        port: Where it was asked to listen.
        listens: Whether it did, within :data:`READY_S`.
        ended: What became of its command, ``None`` while it runs.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.listens = False
        self._inside: Inside | None = None
        self._stop = asyncio.Event()
        self._task: asyncio.Task[Completed] | None = None

    @classmethod
    async def start(
        cls,
        sandbox: Sandbox,
        argv: list[str],
        make_box: Callable[[int], Box],
        made: Callable[[Service], None] = lambda _: None,
    ) -> Service:
        """Start a command and wait until it listens, or has ended, or time is up.

        Args:
            sandbox: Makes the box.
            argv: The command.
            make_box: The box for a service at the port given.
            made: Told of the service before it starts.

        Raises:
            SandboxFault: If the box failed.
        """
        service = cls(own_port(sandbox))
        made(service)
        box = make_box(service.port)
        service._task = asyncio.create_task(
            sandbox.run(argv, box, stop=service._stop, started=service._started)
        )
        try:
            async with asyncio.timeout(READY_S):
                while not service._task.done() and not service.listens:
                    with contextlib.suppress(OSError):
                        _, writer = await service.connect("127.0.0.1", service.port)
                        writer.close()
                        service.listens = True
                    if not service.listens:
                        await asyncio.wait([service._task], timeout=_LOOK_S)
        except TimeoutError:
            pass
        except BaseException:
            await service.stop()
            raise
        if service._task.done():
            service._task.result()
        return service

    def _started(self, inside: Inside) -> None:
        self._inside = inside

    @property
    def ended(self) -> Completed | None:
        """What became of the command; raises :class:`SandboxFault` if its box failed."""
        return self._task.result() if self._task is not None and self._task.done() else None

    def halt(self) -> None:
        """Begin to end it, without waiting."""
        self._stop.set()

    async def stop(self) -> Completed:
        """Ask it to end (SIGTERM, then SIGKILL); what became of it."""
        assert self._task is not None
        self.halt()
        return await self._task

    async def connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to a server of the service, and to nothing else.

        Raises:
            OSError: If nobody listens there.
        """
        if self._inside is None or self.ended is not None:
            raise ConnectionRefusedError(f"nobody listens at {host}:{port}")
        return await connect_inside(self._inside, host, port, self.port)

    def door(self) -> Door:
        """A door by which another box reaches the service at the same address."""
        return Door("service", PORT, self._attach)

    async def _attach(self, listener: socket.socket) -> _Splice:
        return await _Splice(self).serve(listener)


class _Splice:
    """Connections of one box, each joined to one of the service's."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def serve(self, listener: socket.socket) -> _Splice:
        self._server = await asyncio.start_server(self._join, sock=listener)
        return self

    async def close(self) -> None:
        """End it and its connections."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._tasks) >= _MOST:
            writer.transport.abort()
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.closing(writer), contextlib.suppress(OSError):
            far, near = await self._service.connect("127.0.0.1", PORT)
            with contextlib.closing(near):
                await asyncio.gather(_pump(reader, near), _pump(far, writer))


async def connect_inside(
    inside: Inside, host: str, port: int, own: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a server in a box, and to nothing else.

    Args:
        inside: The way into the box's network.
        host: Whom the caller wants to reach.
        port: Where.
        own: Where a service was asked to listen: :data:`PORT`, or a port of the host without a
            box.

    Raises:
        OSError: If nobody listens there.
    """
    refused = ConnectionRefusedError(f"nobody listens at {host}:{port}")
    if host not in _HOSTS or (own != PORT and port not in (PORT, own)):
        raise refused
    try:
        line = await inside.mint()
    except SandboxFault as error:
        raise ConnectionRefusedError(str(error)) from None
    try:
        at = port if own == PORT else own
        await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", at))
        return await asyncio.open_connection(sock=line)
    except BaseException:
        line.close()
        raise


def own_port(sandbox: Sandbox) -> int:
    """Where a service is to listen: :data:`PORT`, or a free port of the host without a box."""
    return PORT if sandbox.tier.ok else _free_port()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
