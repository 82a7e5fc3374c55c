"""Twins as tests use them: universes whose rows are frozen, called directly or served."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from factory_tui.universe import Server, Universe, load_packs, serve

TWINS = Path(__file__).parents[2] / "twins"

MakeUniverse = Callable[..., Universe]
Serve = Callable[[Universe, str], Awaitable[str]]


@pytest.fixture
def twins_folder() -> Path:
    return TWINS


@pytest.fixture
def make_universe() -> MakeUniverse:
    """``make_universe("okta", seeds=…)``: a universe in debug mode (frozen rows)."""

    def make(*names: str, **settings: Any) -> Universe:
        return Universe(load_packs(TWINS, names), **{"debug": True, **settings})

    return make


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Serve]:
    """``await served(universe, "okta")``: serve a twin on a free port; gives its URL."""
    servers: list[Server] = []

    async def start(universe: Universe, twin: str) -> str:
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        servers.append(await serve(universe, twin, sock))
        return servers[-1].url

    yield start
    for server in servers:
        await server.close()
