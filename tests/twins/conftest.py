"""Twins as tests use them: fresh universes whose rows are frozen, served or called directly."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from factory_tui.universe import Server, Universe, load_packs, serve

TWINS = Path(__file__).parents[2] / "twins"


def new_universe(*names: str, **settings: Any) -> Universe:
    """A universe in debug mode (a handler that changes a row in place raises)."""
    return Universe(load_packs(TWINS, names), debug=True, **settings)


Serve = Callable[[Universe, str], Awaitable[str]]


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Serve]:
    """Serve a universe's twin on a free port; gives its URL. Closed after the test."""
    servers: list[Server] = []

    async def start(universe: Universe, twin: str) -> str:
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        server = await serve(universe, twin, sock)
        servers.append(server)
        return server.url

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
def twins_folder() -> Path:
    return TWINS
