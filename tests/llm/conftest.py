"""Fixtures: a scripted model server, and a desk with a client on it."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from factory_tui.llm import Limits, set_default_client
from tests.llm.providers import Providers
from tests.llm.scripted import Desk, Scripted


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine is set up with must not leak into the tests."""
    for name in ("API_KEY", "AUTH_TOKEN", "BASE_URL", "CUSTOM_HEADERS", "PROFILE"):
        for provider in ("ANTHROPIC", "OPENAI", "GEMINI", "GOOGLE"):
            monkeypatch.delenv(f"{provider}_{name}", raising=False)
    set_default_client(None)


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    server = Scripted()
    await server.start()
    yield server
    await server.aclose()


@pytest.fixture
async def desk(server: Scripted) -> AsyncIterator[Desk]:
    desk = Desk(server, Limits(tokens=1_000_000, usd=Decimal(100)))
    yield desk
    for client in desk.clients:
        await client.aclose()


@pytest.fixture
async def providers() -> AsyncIterator[Providers]:
    server = Providers()
    await server.start()
    yield server
    await server.aclose()
