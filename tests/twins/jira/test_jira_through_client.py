"""The tests that call a site directly, once more through the Cloud client of the Python library."""

import asyncio
import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from atlassian.jira import JiraCloud
from requests import HTTPError
from requests import Response as Got

import tests.twins.jira as here
from factory_tui.universe import Response, Universe
from tests.twins.jira.conftest import Site
from tests.twins.jira.test_jira_atlassian import _client, _snake
from tests.twins.jira.test_jira_described import ask_everything

Serve = Callable[[Universe, str], Awaitable[str]]


class ClientSite(Site):
    """A site whose calls go through the client wherever it has a method for them."""

    def __init__(self, universe: Universe, client: Any) -> None:
        super().__init__(universe)
        self.client = client
        self.driven: set[str] = set()
        self.last: Got | None = None
        client._session.hooks["response"].append(self._keep)

    def _keep(self, got: Got, *_: Any, **__: Any) -> None:
        if self.last is None:
            self.last = got

    def raw(self, line: str, body: Any = None, *, version: str = "3", **headers: str) -> Response:
        call = self._method(line, body) if version == "3" and not headers else None
        if call is None:
            return super().raw(line, body, version=version, **headers)
        self.last = None
        try:
            call()
        except HTTPError:
            pass
        assert self.last is not None
        pairs = [(name.lower(), value) for name, value in self.last.headers.items()]
        return Response(self.last.status_code, self.last.content, pairs)

    def _method(self, line: str, body: Any) -> Callable[[], Any] | None:
        verb, target = line.split(" ", 1)
        path, _, query = target.partition("?")
        pack: Any = self.universe.packs["jira"]
        found = pack.routes.match(verb, path.split("/")[1:])
        method = getattr(self.client, _snake(found.operation), None) if found else None
        if found is None or method is None or isinstance(body, bytes | str | int | float):
            return None
        pairs = parse_qsl(query, keep_blank_values=True)
        given = {_snake(name): value for name, value in [*found.params.items(), *pairs]}
        if body is not None:
            given["data"] = body
        known = inspect.signature(method).parameters
        if not set(given) <= set(known) or len(given) < len(found.params) + len(pairs):
            return None
        self.driven.add(found.operation)
        return lambda: method(**given)


def _tests() -> dict[str, Callable[[Any], None]]:
    """Every test of this folder that takes a site and nothing else."""
    found: dict[str, Callable[[Any], None]] = {}
    for module in pkgutil.iter_modules(here.__path__):
        if not module.name.startswith("test_jira_") or module.name.endswith(("client", "protocol")):
            continue
        loaded = importlib.import_module(f"{here.__name__}.{module.name}")
        for name, test in inspect.getmembers(loaded, inspect.isfunction):
            plain = list(inspect.signature(test).parameters) == ["site"]
            if name.startswith("test_") and plain and not inspect.iscoroutinefunction(test):
                found[f"{module.name.removeprefix('test_jira_')}-{name}"] = test
    return found


_TESTS = _tests()


@pytest.mark.slow
@pytest.mark.parametrize("name", _TESTS)
async def test_it_holds_through_the_client(
    make_universe: Callable[..., Universe], served: Serve, name: str
) -> None:
    universe = make_universe("jira", seeds={"jira": "acme-12"})
    client = await _client(universe, served, JiraCloud)
    await asyncio.to_thread(_TESTS[name], ClientSite(universe, client))
    assert universe.crashes == []


@pytest.mark.slow
async def test_the_client_asks_a_large_site_everything(
    make_universe: Callable[..., Universe], served: Serve
) -> None:
    universe = make_universe("jira", seeds={"jira": "acme-5000"})
    client = await _client(universe, served, JiraCloud)
    site = ClientSite(universe, client)
    answers = await asyncio.to_thread(ask_everything, site)
    driven = {name for name in site.driven if answers[name].status < 300}
    assert len(driven) > 120
    assert universe.crashes == []
