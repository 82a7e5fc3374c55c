"""Twins served on their own, without a factory: what ``factory-tui twins serve`` runs."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from factory_tui.universe.load import load_packs
from factory_tui.universe.server import Server, serve
from factory_tui.universe.tap import Exchange
from factory_tui.universe.universe import Universe

__all__ = ["ServedTwin", "Serving", "serve_packs"]

_TAP_LIMIT = 5000
"""Exchanges kept in memory, since twins that stand alone run for days."""


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


class Serving:
    """Twins of one universe that are being served; :meth:`close` ends them."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.twins: list[ServedTwin] = []
        self._servers: list[Server] = []

    async def add(self, name: str, host: str, port: int) -> None:
        """Serve one more twin of the universe. Raises ``OSError`` when the port is taken."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
            sock.listen(512)
            server = await serve(self.universe, name, sock)
        except BaseException:
            sock.close()
            raise
        url = f"http://{host}:{server.port}"
        self._servers.append(server)
        self.twins.append(ServedTwin(name, url, self.universe.env(name, url)))

    @property
    def env(self) -> dict[str, str]:
        """The variables of all twins."""
        return {key: value for twin in self.twins for key, value in twin.env.items()}

    async def close(self) -> None:
        """Stop serving."""
        while self._servers:
            await self._servers.pop().close()


async def serve_packs(
    names: Iterable[str],
    port_base: int = 9100,
    seed: int = 0,
    tap: Callable[[Exchange], None] | None = None,
    *,
    folder: Path,
    org: str = "acme-12",
    seeds: dict[str, str] | None = None,
    clock: str = "2026-03-02T09:00:00Z",
    host: str = "127.0.0.1",
    strict: bool = False,
) -> Serving:
    """Serve twin packs of ``folder`` on ``port_base``, ``port_base + 1``, … in this loop.

    Args:
        names: Packs in the order of their ports.
        port_base: First port; 0 takes any free ports.
        seed: Seed of the universe.
        tap: Called with every exchange.
        folder: Where the packs are (``twins/``).
        org: Named seed of every pack that ``seeds`` does not name.
        seeds: Pack to named seed.
        clock: Virtual start time.
        host: Address to listen on.
        strict: Whether gaps are failures (:attr:`Universe.failures`).

    Returns what is being served; close it.

    Raises:
        PackError: A pack that is not there or does not load.
        ValueError: An unknown seed.
        OSError: A port that is taken.
    """
    packs = load_packs(folder, names)
    universe = Universe(
        packs, dict.fromkeys(packs, org) | (seeds or {}), seed, clock, strict=strict
    )
    universe.on_exchange = tap
    universe.tap_limit = _TAP_LIMIT
    serving = Serving(universe)
    try:
        for offset, name in enumerate(packs):
            await serving.add(name, host, port_base + offset if port_base else 0)
    except BaseException:
        await serving.close()
        raise
    return serving
