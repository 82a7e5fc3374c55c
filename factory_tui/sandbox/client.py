"""The supervisor's end of the line to the broker process."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from factory_tui.sandbox.broker import cgroups, proc
from factory_tui.sandbox.broker.request import Spawn
from factory_tui.sandbox.model import SandboxFault

_PROGRAM: Final = Path(__file__).parent / "broker"
_MESSAGE: Final = 65536
_DESCRIPTORS: Final = 64
_START_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Exit:
    """How a box ended: the command's exit code (None unless it ended by itself), limits it met."""

    code: int | None
    memory: bool
    pids: bool


@dataclass(slots=True, eq=False)
class Handle:
    """A box the broker was asked to start.

    ``ready`` gives the listening sockets, ``exited`` the end. Both fail with
    :class:`SandboxFault` if the box could not be made or the broker died.
    """

    number: int
    ready: asyncio.Future[list[socket.socket]]
    exited: asyncio.Future[Exit]
    minted: dict[int, asyncio.Future[socket.socket]] = field(default_factory=dict)


class Client:
    """One broker process and the boxes it holds."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._hello: asyncio.Future[bool] | None = None
        self._handles: dict[int, Handle] = {}
        self._numbers = 0
        self.name = ""
        """Under which a janitor knows the broker's boxes, dead or alive."""
        self._loop = asyncio.get_running_loop()

    @property
    def alive(self) -> bool:
        """Whether the line is open."""
        return self._socket is not None

    @property
    def pid(self) -> int:
        """The broker's process id, 0 before it is started."""
        return 0 if self._process is None else self._process.pid

    async def start(self) -> bool:
        """Start the process; returns whether boxes get a memory cgroup.

        Raises:
            SandboxFault: If the process does not come up.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            # Its own session: a Ctrl-C in the terminal must not take it away from us.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_PROGRAM), str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": "/usr/bin:/bin"},
                start_new_session=True,
            )
        self.name = f"{cgroups.PREFIX}{self.pid}-{proc.started(self.pid)}"
        self._socket = ours
        self._hello = self._loop.create_future()
        self._loop.add_reader(ours, self._on_readable)
        try:
            async with asyncio.timeout(_START_S):
                return await asyncio.shield(self._hello)
        except TimeoutError:
            raise SandboxFault("the sandbox's broker did not start") from None

    async def spawn(self, spawn: Spawn, stdio: Sequence[int], data: Sequence[int]) -> Handle:
        """Ask for a box. The descriptors may be closed as soon as this returns."""
        self._numbers += 1
        handle = Handle(self._numbers, self._loop.create_future(), self._loop.create_future())
        for future in (handle.ready, handle.exited):
            future.add_done_callback(_look_at)
        body = os.memfd_create("spawn")
        try:
            os.write(body, json.dumps(asdict(spawn)).encode())
            self._handles[handle.number] = handle
            request = {"do": "spawn", "id": handle.number}
            await self._send(request, [body, *stdio, *data])
        except BaseException:
            self._handles.pop(handle.number, None)
            raise
        finally:
            os.close(body)
        return handle

    async def signal(self, handle: Handle, number: signal.Signals) -> None:
        """Signal a box; nothing happens if it has ended."""
        if handle.number in self._handles:
            await self._send({"do": "signal", "id": handle.number, "number": int(number)}, [])

    async def mint(self, handle: Handle) -> socket.socket:
        """A socket of a box's network, not blocking and not connected.

        Raises:
            SandboxFault: If the box is gone.
        """
        if handle.number not in self._handles:
            raise SandboxFault("the box is gone")
        self._numbers += 1
        request, future = self._numbers, self._loop.create_future()
        handle.minted[request] = future
        future.add_done_callback(_look_at)
        try:
            await self._send({"do": "mint", "id": handle.number, "request": request}, [])
            made: socket.socket = await future
            return made
        finally:
            handle.minted.pop(request, None)

    async def close(self) -> None:
        """End every box and the process."""
        self._hang_up("the sandbox was closed")
        if self._process is not None:
            await asyncio.to_thread(self._wait)

    def _wait(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    async def _send(self, message: dict[str, Any], descriptors: Sequence[int]) -> None:
        payload = json.dumps(message).encode()
        while True:
            if self._socket is None:
                raise SandboxFault("the sandbox's broker is gone")
            try:
                socket.send_fds(self._socket, [payload], descriptors)
            except BlockingIOError:
                await asyncio.sleep(0.005)  # its queue is full; it empties within milliseconds
            except ConnectionError:
                self._hang_up("the sandbox's broker died")
            else:
                return

    def _on_readable(self) -> None:
        assert self._socket is not None
        try:
            message, descriptors, _, _ = socket.recv_fds(
                self._socket, _MESSAGE, _DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except ConnectionError:
            message, descriptors = b"", []
        if not message:
            self._hang_up("the sandbox's broker died")
            return
        said = json.loads(message)
        sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        if said["event"] == "hello":
            assert self._hello is not None
            if not self._hello.done():
                self._hello.set_result(said["counted"])
            return
        handle = self._handles.get(said["id"])
        if said["event"] == "minted":
            waiting = handle.minted.get(said["request"]) if handle is not None else None
            if waiting is not None and not waiting.done():
                if sockets:
                    waiting.set_result(sockets.pop())
                else:
                    waiting.set_exception(SandboxFault("the box gave no socket"))
            for item in sockets:
                item.close()
        elif handle is None or (said["event"] == "ready" and handle.ready.done()):
            for item in sockets:
                item.close()
        elif said["event"] == "ready":
            handle.ready.set_result(sockets)
        elif said["event"] == "failed":
            self._fail(handle, SandboxFault(f"the box could not be made: {said['reason']}"))
        else:
            end = Exit(said["code"], said["memory"], said["pids"])
            if not handle.exited.done():
                handle.exited.set_result(end)
            self._fail(handle, SandboxFault("the box ended before its command could start"))

    def _fail(self, handle: Handle, error: SandboxFault) -> None:
        self._handles.pop(handle.number, None)
        futures: list[asyncio.Future[Any]] = [handle.ready, handle.exited]
        for future in (*futures, *handle.minted.values()):
            if not future.done():
                future.set_exception(error)

    def _hang_up(self, reason: str) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        error = SandboxFault(reason)
        if self._hello is not None and not self._hello.done():
            self._hello.set_exception(error)
        for handle in list(self._handles.values()):
            self._fail(handle, error)


def _look_at(future: asyncio.Future[Any]) -> None:
    """Mark an exception as seen: who gave up on a box does not come back for it."""
    if not future.cancelled():
        future.exception()
