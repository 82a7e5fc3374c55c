"""Twins served on their own, without a factory: what ``factory-tui twins serve`` runs."""

import asyncio
import gc
import socket
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory_tui.universe.clock import START
from factory_tui.universe.courier import Courier
from factory_tui.universe.descriptors import raise_limit
from factory_tui.universe.http import Request
from factory_tui.universe.load import load_packs
from factory_tui.universe.server import Chooser, Server, serve
from factory_tui.universe.tap import Exchange
from factory_tui.universe.universe import Snapshot, Universe

if TYPE_CHECKING:
    from factory_tui.universe.tls import Authority

__all__ = ["HEADER", "MAIN", "ServedTwin", "Serving", "World", "run", "serve_packs"]

MAIN = "main"
"""Name of the universe that is there from the start."""

HEADER = "x-universe"
"""Names a universe in a request to the main ports; a label before the host does so too."""

_TAP_LIMIT = 1000
"""Exchanges of a universe kept in memory, since twins that stand alone run for days."""

_TAP_BYTES = 64 << 20
"""Memory for the exchanges of all universes together; each may have an equal share of it."""

_TAP_LEAST = 1 << 20
"""The smallest share."""


@dataclass(frozen=True, slots=True)
class ServedTwin:
    """One twin that is being served.

    Attributes:
        url: Without a path: ``http://127.0.0.1:9100``.
        env: The variables that lead a program there, credentials included.
    """

    name: str
    url: str
    env: dict[str, str]


@dataclass(eq=False)
class World:
    """One universe that is being served, on ports of its own.

    Attributes:
        start: Its state at the beginning; what :meth:`reset` goes back to.
        snapshots: By name.
        listeners: Called with every exchange.
    """

    name: str
    universe: Universe
    start: Snapshot
    courier: Courier
    twins: list[ServedTwin] = field(default_factory=list)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    listeners: list[Callable[[Exchange], None]] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """The variables of all its twins."""
        return {key: value for twin in self.twins for key, value in twin.env.items()}

    def reset(self) -> None:
        """Go back to the start and forget the traffic, the faults and what went wrong."""
        self.universe.restore(self.start)
        self.universe.forget()
        self.universe.faults.clear()

    def listen(self, listener: Callable[[Exchange], None]) -> None:
        """Call ``listener`` with every exchange from now on."""
        self.listeners.append(listener)
        self.tune_in()

    def unlisten(self, listener: Callable[[Exchange], None]) -> None:
        """Call it no longer. Raises ``ValueError`` for one that does not listen."""
        self.listeners.remove(listener)
        self.tune_in()

    def tune_in(self) -> None:
        """Hear the universe, if anybody listens: it costs every request something."""
        self.universe.on_exchange = self._hear if self.listeners else None

    def _hear(self, exchange: Exchange) -> None:
        for listener in list(self.listeners):
            listener(exchange)


def _prepare(universe: Universe) -> None:
    for twin in universe.twins.values():
        twin.pack.stand_alone(twin)


class Serving:
    """Universes that are being served; :meth:`close` ends them.

    Args:
        universe: The main one.
        host: Address to listen on.
        tls: Serve HTTPS.
    """

    def __init__(
        self, universe: Universe, host: str = "127.0.0.1", tls: "Authority | None" = None
    ) -> None:
        self.host = host
        self.tls = tls
        self.worlds: dict[str, World] = {}
        self._count = 0
        self._enter(MAIN, universe)

    @property
    def main(self) -> World:
        """The universe that is there from the start."""
        return self.worlds[MAIN]

    @property
    def universe(self) -> Universe:
        """The main one."""
        return self.main.universe

    @property
    def twins(self) -> list[ServedTwin]:
        """Those of the main universe."""
        return self.main.twins

    @property
    def env(self) -> dict[str, str]:
        """The variables of all twins of the main universe."""
        return self.main.env

    def _enter(self, name: str, universe: Universe) -> World:
        universe.tap.most = _TAP_LIMIT
        _prepare(universe)
        world = World(name, universe, universe.snapshot(), Courier(universe))
        self.worlds[name] = world
        self._share()
        return world

    def _share(self) -> None:
        share = max(_TAP_LEAST, _TAP_BYTES // max(1, len(self.worlds)))
        for world in self.worlds.values():
            world.universe.tap.most_bytes = share
            world.universe.tap.shorten()

    async def add(self, name: str, host: str, port: int, world: str = MAIN) -> None:
        """Serve one more twin of a universe. Raises ``OSError`` when the port is taken."""
        served = self.worlds[world]
        if served.universe.courier is None:
            served.courier.start()
        chooser: Chooser = self.choose if world == MAIN else lambda _: served.universe
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((host, port))
            except OSError as error:
                raise OSError(f"{host}:{port} cannot be used: {error.strerror}") from error
            sock.listen(512)
            server = await serve(chooser, name, sock, tls=self.tls)
        except BaseException:
            sock.close()
            raise
        url = f"{'https' if self.tls else 'http'}://{host}:{server.port}"
        served.servers.append(server)
        served.twins.append(ServedTwin(name, url, served.universe.env(name, url)))
        if not served.universe.tap:  # a twin may have noted its address
            served.start = served.universe.snapshot()

    def choose(self, request: Request) -> Universe | None:
        """The universe that a request to the main ports is for.

        A header names it (``None`` where there is none of that name), or the first label of the
        host: ``t1.localhost``.
        """
        named = request.headers.get(HEADER)
        if named is not None:
            world = self.worlds.get(named)
            return world.universe if world is not None else None
        if len(self.worlds) > 1:
            world = self.worlds.get(request.host.partition(".")[0])
            if world is not None:
                return world.universe
        return self.worlds[MAIN].universe

    async def fork(self, source: str = MAIN, name: str = "") -> World:
        """A new universe in the state of another, on free ports.

        Raises ``KeyError`` for an unknown source, ``ValueError`` for a name that is taken or is
        no label of a host.
        """
        origin = self.worlds[source]
        while not name:
            self._count += 1
            name = f"u{self._count}" if f"u{self._count}" not in self.worlds else ""
        if name in self.worlds:
            raise ValueError(f'there is a universe "{name}" already')
        if not name.replace("-", "a").isalnum() or not name.isascii() or name != name.lower():
            raise ValueError(f'"{name}" is no name: use small letters, digits and "-"')
        world = self._enter(name, origin.universe.fork())
        try:
            for twin in origin.universe.twins:
                await self.add(twin, self.host, 0, name)
        except BaseException:
            await self.remove(name)
            raise
        return world

    async def reseed(self, name: str, universe: Universe) -> World:
        """Put another universe in the place of one; ports and listeners stay."""
        world = self.worlds[name]
        await world.courier.close()
        universe.tap.most = _TAP_LIMIT
        _prepare(universe)
        world.universe, world.start = universe, universe.snapshot()
        world.tune_in()
        self._share()
        world.snapshots.clear()
        world.courier = Courier(universe).start()
        world.twins = [
            ServedTwin(twin.name, twin.url, universe.env(twin.name, twin.url))
            for twin in world.twins
        ]
        world.start = universe.snapshot()
        return world

    async def remove(self, name: str) -> None:
        """End one universe. Raises ``KeyError``."""
        world = self.worlds.pop(name)
        self._share()
        await world.courier.close()
        while world.servers:
            await world.servers.pop().close()

    async def close(self) -> None:
        """Stop serving."""
        for world in self.worlds.values():
            await world.courier.close()
            while world.servers:
                await world.servers.pop().close()


async def serve_packs(
    names: Iterable[str],
    port_base: int = 9100,
    seed: int = 0,
    tap: Callable[[Exchange], None] | None = None,
    *,
    folder: Path,
    org: str = "acme-12",
    seeds: dict[str, str] | None = None,
    clock: str = START,
    host: str = "127.0.0.1",
    strict: bool = False,
    limits: bool = False,
    tls: "Authority | None" = None,
) -> Serving:
    """Serve twin packs of ``folder`` on ``port_base``, ``port_base + 1``, … in this loop.

    Args:
        names: Packs in the order of their ports.
        port_base: First port; 0 takes any free ports.
        seed: Seed of the universe.
        tap: Called with every exchange of the main universe.
        folder: Where the packs are (``twins/``).
        org: Named seed of every pack that ``seeds`` does not name.
        seeds: Pack to named seed.
        clock: Virtual start time; ``now``: the real time, which it follows.
        host: Address to listen on.
        strict: Whether gaps are failures (:attr:`Universe.failures`).
        limits: Enforce the published rate limits.
        tls: Serve HTTPS under this authority.

    Returns what is being served; close it.

    Raises:
        PackError: A pack that is not there or does not load.
        ValueError: An unknown seed.
        OSError: A port that is taken.
    """
    packs = load_packs(folder, names)
    universe = Universe(
        packs,
        dict.fromkeys(packs, org) | (seeds or {}),
        seed,
        clock,
        strict=strict,
        limits=limits,
    )
    serving = Serving(universe, host, tls)
    if tap is not None:
        serving.main.listen(tap)
    try:
        for offset, name in enumerate(packs):
            await serving.add(name, host, port_base + offset if port_base else 0)
    except BaseException:
        await serving.close()
        raise
    return serving


def run(work: Coroutine[Any, Any, None]) -> None:
    """``asyncio.run`` for a process that only serves: uvloop if installed, a lazier collector.

    Seeds and kept traffic are many small objects without cycles; searching them for garbage
    after every few hundred requests costs a sixth of the time. The traffic that is kept comes
    and goes; the threshold is beyond it, so that only what stays is searched.
    """
    raise_limit()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)
