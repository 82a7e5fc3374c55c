"""The engine's side of the trial hosts: start them, share work out, replace one that dies.

A host is a separate process because it parses hostile input (what a product printed, what it
sent to a twin); it gets neither the API key nor the store. One per core.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from factory_tui.trials.wire import LINE_LIMIT, HarnessFault, encode, read_message

__all__ = ["Host", "HostOptions", "Pool"]

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "TZ", "HOME")
"""The environment a host inherits; the API key is not in it."""

START_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What every host of a pool is started with."""

    twins: Path
    packs: tuple[str, ...]
    unsandboxed: bool = False
    may_fall_back: bool = False


@dataclass(slots=True)
class Host:
    """One trial host process."""

    options: HostOptions
    process: asyncio.subprocess.Process | None = None
    tier: Mapping[str, Any] = field(default_factory=dict)
    _next: int = 0
    _waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _reader: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether the process runs and has said which isolation it got."""
        return self.process is not None and self.process.returncode is None and bool(self.tier)

    async def start(self) -> None:
        """Start the process and wait until it is ready.

        Raises:
            HarnessFault: it did not start; the sentence says why.
        """
        args = ["--twins", str(self.options.twins), "--packs", ",".join(self.options.packs)]
        if self.options.unsandboxed:
            args.append("--unsandboxed")
        if self.options.may_fall_back:
            args.append("--may-fall-back")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "factory_tui.trials.host",
            *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT,
            env={k: os.environ[k] for k in _KEPT if k in os.environ},
            start_new_session=True,
        )
        assert self.process.stdout is not None
        ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting = {0: ready}
        self._next = 0
        self._reader = asyncio.create_task(self._read(self.process.stdout))
        try:
            async with asyncio.timeout(START_TIMEOUT):
                answer = await ready
        except TimeoutError:
            await self.stop()
            raise HarnessFault("a trial host did not start within a minute") from None
        self.tier = answer["tier"]

    async def _read(self, stdout: asyncio.StreamReader) -> None:
        try:
            while (message := await read_message(stdout)) is not None:
                waiter = self._waiting.pop(message.get("id", -1), None)
                if waiter is None or waiter.done():
                    continue
                if "ok" in message:
                    waiter.set_result(message["ok"])
                elif message.get("fault", True):
                    waiter.set_exception(HarnessFault(str(message.get("error"))))
                else:
                    waiter.set_exception(ValueError(str(message.get("error"))))
        finally:
            # Whatever ended it, nobody may wait for an answer that will not come.
            for waiter in self._waiting.values():
                if not waiter.done():
                    waiter.set_exception(HarnessFault("the trial host died"))
            self._waiting.clear()
            self.tier = {}

    async def call(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Ask the host for something and wait for the answer.

        Raises:
            HarnessFault: the host died or the harness failed.
            ValueError: the request itself was wrong.
        """
        if not self.alive or self.process is None or self.process.stdin is None:
            raise HarnessFault("the trial host is not running")
        self._next += 1
        ident = self._next
        waiter: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[ident] = waiter
        try:
            self.process.stdin.write(encode({"id": ident, "op": op, **arguments}))
            await self.process.stdin.drain()
            return await waiter
        except ConnectionError:
            raise HarnessFault("the trial host died") from None
        finally:
            if self._waiting.pop(ident, None) is not None and waiter.cancelled() and self.alive:
                with contextlib.suppress(ConnectionError):
                    self.process.stdin.write(encode({"id": 0, "op": "cancel", "call": ident}))

    async def stop(self) -> None:
        """End the process; its boxes die with it."""
        process, self.tier = self.process, {}
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(3):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader


class Pool:
    """A fixed number of hosts, handed out one trial at a time. Use as an async context manager."""

    def __init__(self, options: HostOptions, size: int = 0) -> None:
        self.options = options
        self.size = size or os.cpu_count() or 1
        self._idle: asyncio.Queue[Host] = asyncio.Queue()
        self._hosts: list[Host] = []

    @property
    def tier(self) -> Mapping[str, Any]:
        """The isolation the hosts got: ``letter``, ``label``, ``detail``."""
        return next((h.tier for h in self._hosts if h.tier), {})

    async def __aenter__(self) -> Pool:
        """Start all hosts."""
        self._hosts = [Host(self.options) for _ in range(self.size)]
        try:
            await asyncio.gather(*(h.start() for h in self._hosts))
        except BaseException:
            await self._stop_all()
            raise
        for host in self._hosts:
            self._idle.put_nowait(host)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop all hosts."""
        await self._stop_all()

    async def _stop_all(self) -> None:
        await asyncio.gather(*(h.stop() for h in self._hosts), return_exceptions=True)

    @contextlib.asynccontextmanager
    async def host(self) -> AsyncIterator[Host]:
        """Borrow a host; one that died is replaced before it is lent."""
        host = await self._idle.get()
        try:
            if not host.alive:
                await host.stop()
                await host.start()
            yield host
        finally:
            self._idle.put_nowait(host)
