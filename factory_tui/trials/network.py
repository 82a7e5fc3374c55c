"""The network of a box: its universe's twins, by port, and by the real names of services.

Each twin is at a fixed port of 127.0.0.1, which its variables name (``OKTA_URL``), and at port 443
of an address of its own, to which the service's real host names lead (``acme.okta.com``,
``slack.com``). So software with hard-coded hosts can be tried: it finds a certificate of an
authority that lives as long as its trial host and that the box, and nobody else, trusts.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from socket import socket
from typing import Any, Final

from factory_tui.sandbox import Box, Door, Limits, Mount
from factory_tui.trials.names import Names
from factory_tui.universe import Pack, Server, Universe, serve
from factory_tui.universe.descriptors import raise_limit
from factory_tui.universe.tls import Authority

__all__ = ["PORTS", "Network", "port_of"]

PORTS: Final = {"okta": 7001, "slack": 7002, "jira": 7003}
"""Where each twin listens inside a box; packs beyond these get the ports that follow."""

_BUNDLE: Final = "/etc/ssl/twins.pem"
_SYSTEM: Final = Path("/etc/ssl/certs/ca-certificates.crt")
_MOST: Final = 512
"""Connections that one door takes at a time, where the host has descriptors enough."""
_FEWEST: Final = 16
_RESERVED: Final = 512
"""Descriptors for everything else."""
_HTTPS: Final = "https "
"""What the names of the doors to real host names begin with."""


def port_of(packs: Mapping[str, Pack], twin: str) -> int:
    """The port of a twin inside a box."""
    others = [name for name in packs if name not in PORTS]
    return PORTS.get(twin) or 7010 + others.index(twin)


@functools.cache
def _authority() -> Authority:
    return Authority()


@functools.cache
def _bundle() -> bytes:
    """The system's certificates and ours."""
    system = ssl.get_default_verify_paths().cafile or str(_SYSTEM)
    path = Path(system)
    return (path.read_bytes() if path.is_file() else b"") + b"\n" + _authority().pem


class Network:
    """What every box of one universe is connected to.

    Attributes:
        unknown: Host names that were looked up in vain, in order, each once (the first 100).
    """

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.unknown: list[str] = []
        self._servers: set[Server] = set()
        # Two boxes at a time (a service, and a command), each with two doors to every twin.
        share = (raise_limit() - _RESERVED) // (4 * len(universe.packs) + 1)
        self._connections = max(_FEWEST, min(_MOST, share))
        self._zones = {
            pattern: _address(number)
            for number, (_, pack) in enumerate(universe.packs.items())
            for pattern in pack.hosts
        }

    def doors(self) -> tuple[Door, ...]:
        """A door to every twin by port and by name, and one to the name server."""
        packs = self.universe.packs
        by_port = (Door(twin, port_of(packs, twin), self._attach(twin)) for twin in packs)
        by_name = (
            Door(_HTTPS + twin, 443, self._attach(twin, tls=True), _address(number))
            for number, twin in enumerate(packs)
            if packs[twin].hosts
        )
        names = Door("names", 53, self._attach_names, kind="udp")
        return (*by_port, *by_name, names)

    def environment(self, ports: Mapping[str, int]) -> dict[str, str]:
        """Variables for a program, given the ports of the doors that exist."""
        values = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        for twin in self.universe.packs:
            if twin in ports:
                url = f"http://127.0.0.1:{ports[twin]}"
                values |= self.universe.env(twin, url)
        if any(name.startswith(_HTTPS) for name in ports):
            values |= Authority.env(_BUNDLE)
        return values

    def files(self) -> dict[str, bytes]:
        """Files of a box that make programs trust the twins' certificates."""
        found = {_BUNDLE: _bundle()}
        if _SYSTEM.is_file() and not _SYSTEM.is_symlink():
            found[str(_SYSTEM)] = _bundle()
        return found

    def box(self, mounts: tuple[Mount, ...], limits: Limits) -> Box:
        """A box on this network, working in ``/work``."""
        return Box(
            mounts=mounts,
            cwd="/work",
            env=self.environment,
            doors=self.doors(),
            files=self.files(),
            limits=limits,
        )

    def cut(self) -> None:
        """Break all connections to the twins, at once, and let no new ones in."""
        for server in list(self._servers):
            server.cut()

    def _attach(self, twin: str, *, tls: bool = False) -> Callable[[socket], Awaitable[Any]]:
        async def attach(listener: socket) -> Any:
            authority = _authority() if tls else None
            server = await serve(
                self.universe, twin, listener, tls=authority, most=self._connections
            )
            self._servers.add(server)
            server.closed = lambda: self._servers.discard(server)
            return server

        return attach

    async def _attach_names(self, line: socket) -> asyncio.DatagramTransport:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Names(self._zones, self._note_unknown), sock=line
        )
        return transport

    def _note_unknown(self, name: str) -> None:
        if name not in self.unknown and len(self.unknown) < 100:
            self.unknown.append(name)


def _address(number: int) -> str:
    return f"127.1.0.{number + 1}"
