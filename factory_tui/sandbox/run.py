"""Run commands in boxes: many at once, from one event loop, over one broker process."""

import asyncio
import contextlib
import inspect
import itertools
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from factory_tui.sandbox import profile
from factory_tui.sandbox.broker.request import Spawn
from factory_tui.sandbox.client import Client, Handle
from factory_tui.sandbox.disk import Quota
from factory_tui.sandbox.janitor import cleanup_leftovers
from factory_tui.sandbox.model import (
    Box,
    Closable,
    Completed,
    Door,
    Inside,
    Killed,
    SandboxFault,
    SandboxUnavailable,
    Tier,
)
from factory_tui.sandbox.pipes import Input, Output
from factory_tui.sandbox.profile import Launch
from factory_tui.text import clean

_SETUP_S: Final = 60.0
_DEATH_S: Final = 15.0
_DRAIN_S: Final = 5.0
_counter: Final = itertools.count(1)


class Sandbox:
    """Makes boxes.

    Use it as an async context manager; leaving it ends whatever still runs. A broker that dies
    takes its boxes along (their runs raise :class:`SandboxFault`); the next run gets a new one.

    Args:
        tier: What :func:`~factory_tui.sandbox.probe` found, or
            :func:`~factory_tui.sandbox.unsandboxed`.
        unsandboxed: Allow a tier without a box.

    Raises:
        SandboxUnavailable: If ``tier`` has no box and ``unsandboxed`` is not set.
    """

    def __init__(self, tier: Tier, *, unsandboxed: bool = False) -> None:
        if not tier.ok and not unsandboxed:
            raise SandboxUnavailable(tier.detail)
        self.tier = tier
        self._client: Client | None = None
        self._counted = False
        self._starting = asyncio.Lock()
        self._closing = asyncio.Event()
        self._running: set[asyncio.Task[Completed]] = set()

    async def __aenter__(self) -> Self:
        await self._broker()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def broker_pid(self) -> int:
        """The broker's process id, 0 while there is none."""
        return 0 if self._client is None else self._client.pid

    async def close(self) -> None:
        """End every command (they return ``killed="cancelled"``) and the broker."""
        self._closing.set()
        if self._running:
            await asyncio.wait(self._running)
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def run(
        self,
        argv: Sequence[str],
        box: Box,
        *,
        stdin: bytes = b"",
        stop: asyncio.Event | None = None,
        started: Callable[[Inside], None] | None = None,
    ) -> Completed:
        """Run one command in a box of its own and wait for its end.

        Args:
            argv: The command; its program is looked up in the box.
            box: What it sees, reaches and may use.
            stdin: What it can read.
            stop: Ends it with ``killed="cancelled"`` when set. Cancelling the calling task ends
                it as well, and returns only when nothing of it is left.
            started: Called when the command begins, with the way into its network.

        Raises:
            ValueError: If argv or a mount makes no sense.
            FileNotFoundError: If there is nothing to mount.
            SandboxFault: If the box failed; the command may or may not have run.
        """
        if self._closing.is_set():
            raise SandboxFault("the sandbox is closed")
        profile.check(argv, box)
        # A task of its own, so that cancelling the caller cannot interrupt the clean-up.
        stopped = asyncio.Event()
        task = asyncio.create_task(self._run(argv, box, stdin, stopped, started))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        signals = [
            asyncio.create_task(event.wait())
            for event in (self._closing, stop)
            if event is not None
        ]
        try:
            await asyncio.wait([task, *signals], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in signals:
                waiting.cancel()
            stopped.set()
            await _finish(task)
        return task.result()

    async def _run(
        self,
        argv: Sequence[str],
        box: Box,
        stdin: bytes,
        stopped: asyncio.Event,
        started: Callable[[Inside], None] | None,
    ) -> Completed:
        client = await self._broker()
        quota = Quota([mount.source for mount in box.mounts if mount.writable], box.limits)
        await quota.begin()
        async with contextlib.AsyncExitStack() as stack:
            if self.tier.ok:
                env = box.environment({door.name: door.port for door in box.doors})
                launch = profile.bubblewrap(argv, box, env, self.tier, counted=self._counted)
            else:
                ports = await stack.enter_async_context(_host_doors(box.doors))
                home = stack.enter_context(_private_directory())
                launch = profile.plain(argv, box, box.environment(ports), home)
            command = _Command(client, launch, box, quota, stopped, started)
            return await command.perform(stdin)

    async def _broker(self) -> Client:
        async with self._starting:
            if self._client is None or not self._client.alive:
                if self._client is not None:
                    await self._client.close()
                    await asyncio.to_thread(cleanup_leftovers)
                self._client = Client()
                self._counted = await self._client.start()
            return self._client


@dataclass(slots=True, eq=False)
class _Command:
    """One command from spawn to its end."""

    client: Client
    launch: Launch
    box: Box
    quota: Quota
    stopped: asyncio.Event
    started: Callable[[Inside], None] | None

    async def perform(self, stdin: bytes) -> Completed:
        full = asyncio.Event()
        output = Output(self.box.limits.output_bytes, full.set)
        handle, source = await self._spawn(output)
        served: list[Closable] = []
        try:
            killed = await self._open(handle, output, served)
            began = time.monotonic()
            if killed is None:
                source.feed(profile.GO + stdin)
                if self.started is not None:
                    self.started(_Inside(self.client, handle))
                killed = await self._watch(handle, full)
            async with asyncio.timeout(_DEATH_S):
                end = await asyncio.shield(handle.exited)
            ms = round((time.monotonic() - began) * 1000)
            await output.drained(_DRAIN_S)
        except TimeoutError:
            raise SandboxFault(f"a box did not end within {_DEATH_S:.0f} s of SIGKILL") from None
        finally:
            source.close()
            output.close()
            if not handle.exited.done():
                with contextlib.suppress(SandboxFault):
                    await self.client.signal(handle, signal.SIGKILL)
                await asyncio.wait([handle.exited], timeout=_DEATH_S)
            for item in served:
                await _close(item)
        if end.memory:
            killed = "memory"
        elif killed == "wall" and end.pids:
            killed = "pids"
        elif killed is None and end.code is None:
            raise SandboxFault(_reason(SandboxFault("bubblewrap failed"), output))
        elif killed is None and await self.quota.exceeded():
            killed = "disk"
        stdout, stderr = (self.launch.hide(clean(text)) for text in output.texts())
        code = end.code if killed is None else None
        return Completed(code, killed, stdout, stderr, output.truncated, ms)

    async def _open(self, handle: Handle, output: Output, served: list[Closable]) -> Killed | None:
        """Get the box ready to go and its doors served, unless the caller gives up first."""
        setup = asyncio.create_task(self._serve(handle, served))
        stopped = asyncio.create_task(self.stopped.wait())
        await asyncio.wait([setup, stopped], timeout=_SETUP_S, return_when=asyncio.FIRST_COMPLETED)
        gave_up = stopped.done() and not setup.done()
        stopped.cancel()
        if not setup.done():
            setup.cancel()
            await asyncio.wait([setup])
            if not gave_up:
                raise SandboxFault(f"the box was not ready within {_SETUP_S:.0f} s")
            await self.client.signal(handle, signal.SIGKILL)
            return "cancelled"
        try:
            setup.result()
        except SandboxFault as fault:
            await output.drained(_DRAIN_S)
            raise SandboxFault(_reason(fault, output)) from None
        return None

    async def _serve(self, handle: Handle, served: list[Closable]) -> None:
        listeners = await handle.ready
        try:
            for door in self.box.doors if listeners else ():
                served.append(await door.attach(listeners.pop(0)))
        finally:
            for listener in listeners:
                listener.close()

    async def _spawn(self, output: Output) -> tuple[Handle, Input]:
        """Ask the broker for the process, and connect its three streams."""
        launch, limits = self.launch, self.box.limits
        name = f"{self.client.name}-{next(_counter)}"
        doors = self.box.doors if launch.program is not None else ()
        cookie = f"FACTORY_TUI_BOX={name}"
        spawn = Spawn(
            program=launch.program,
            options=launch.options,
            argv=[*profile.GATE, name, *launch.argv],
            env=launch.env | dict([cookie.split("=")]),
            cwd=launch.cwd,
            user=profile.sandbox_user(),
            sockets=[(door.kind, door.address, door.port) for door in doors],
            limits=launch.limits,
            memory_mb=limits.memory_mb,
            pids=limits.pids,
            name=name,
            cookie=cookie,
        )
        inside: list[int] = []
        stdin, ours = os.pipe()
        source = Input(ours)
        out, stdout = os.pipe()
        err, stderr = os.pipe()
        output.attach(out, err)
        try:
            for content in launch.data:
                inside.append(os.memfd_create("data"))
                os.write(inside[-1], content)
                os.lseek(inside[-1], 0, os.SEEK_SET)
            return await self.client.spawn(spawn, [stdin, stdout, stderr], inside), source
        except BaseException:
            source.close()
            output.close()
            raise
        finally:
            for descriptor in (stdin, stdout, stderr, *inside):
                os.close(descriptor)

    async def _watch(self, handle: Handle, full: asyncio.Event) -> Killed | None:
        """Wait for the command's end or for the limit that ends it."""
        limits = self.box.limits
        reasons: dict[asyncio.Future[Any], Killed] = {
            asyncio.create_task(full.wait()): "output",
            asyncio.create_task(self.quota.watch()): "disk",
            asyncio.create_task(self.stopped.wait()): "cancelled",
        }
        try:
            done, _ = await asyncio.wait(
                [handle.exited, *reasons],
                timeout=limits.wall_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for task in reasons:
                task.cancel()
        if handle.exited in done:
            return None if not full.is_set() else "output"
        killed: Killed = next((reasons[task] for task in reasons if task in done), "wall")
        if killed in ("wall", "cancelled"):
            await self.client.signal(handle, signal.SIGTERM)
            await asyncio.wait([handle.exited], timeout=limits.grace_s)
        await self.client.signal(handle, signal.SIGKILL)
        return killed


@dataclass(frozen=True, slots=True)
class _Inside:
    """See :class:`~factory_tui.sandbox.Inside`."""

    client: Client
    handle: Handle

    async def mint(self) -> socket.socket:
        return await self.client.mint(self.handle)


def _reason(fault: SandboxFault, output: Output) -> str:
    said = clean(output.texts()[1]).strip()
    return f"{fault}: {said}" if said else str(fault)


async def _finish(task: asyncio.Task[Completed]) -> None:
    """Wait for a task whatever happens to us meanwhile; then let a cancellation through."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # nobody will ask for it any more
        raise cancelled


async def _close(item: Closable) -> None:
    result = item.close()
    if inspect.isawaitable(result):
        await result


@contextlib.asynccontextmanager
async def _host_doors(doors: Sequence[Door]) -> AsyncIterator[Mapping[str, int]]:
    """Doors on the host's loopback, at free ports, for a command without a box."""
    served: list[Closable] = []
    ports = {}
    try:
        for door in doors:
            if door.kind != "tcp" or door.address != "127.0.0.1":
                continue
            listener = socket.create_server(("127.0.0.1", 0))
            listener.setblocking(False)
            ports[door.name] = listener.getsockname()[1]
            served.append(await door.attach(listener))
        yield ports
    finally:
        for item in served:
            await _close(item)


@contextlib.contextmanager
def _private_directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="factory-tui-"))
    user = profile.sandbox_user()
    if user is not None:
        os.chown(path, user, user)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
