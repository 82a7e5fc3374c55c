import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from factory_tui.universe import Request, Response, Universe


class Okta:
    """One universe's Okta, called without a socket and with the right token."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.token = universe.env("okta", "http://twin")["OKTA_TOKEN"]

    def __call__(self, line: str, body: Any = b"", **headers: str) -> Response:
        method, target = line.split(" ", 1)
        sent = {"authorization": f"SSWS {self.token}"} | headers
        return self.universe.handle("okta", Request.build(method, target, sent, body))

    def user(self, name: str, *, activate: bool = True, password: str = "Abcd1234x") -> str:
        """Create a user; its id."""
        profile = {
            "firstName": name.title(),
            "lastName": "Test",
            "login": f"{name}@test.example",
            "email": f"{name}@test.example",
        }
        body: dict[str, Any] = {"profile": profile}
        if password:
            body["credentials"] = {"password": {"value": password}}
        answer = self(f"POST /api/v1/users?activate={str(activate).lower()}", body)
        assert answer.status == 200, answer.body
        return str(answer.data()["id"])

    def status(self, key: str) -> str:
        return str(self(f"GET /api/v1/users/{key}").data()["status"])

    def pages(self, target: str) -> list[list[dict[str, Any]]]:
        """Follow ``next`` links to the end."""
        found = []
        line = f"GET {target}"
        while True:
            answer = self(line)
            assert answer.status == 200, answer.body
            found.append(answer.data())
            following = [v for k, v in answer.headers if k == "link" and 'rel="next"' in v]
            if not following:
                return found
            line = "GET " + following[0].partition("<http://twin.test")[2].partition(">")[0]


@pytest.fixture(autouse=True, scope="session")
def noted() -> Iterator[None]:
    """With ``OKTA_NOTES=FOLDER``: note every operation called, for the coverage table."""
    folder = os.environ.get("OKTA_NOTES")
    if folder is None:
        yield
        return
    begin = Universe.__init__
    seen: Counter[tuple[str, bool, int]] = Counter()

    def note(exchange: Any) -> None:
        client = "OpenAPI-Generator" in dict(exchange.request_headers).get("user-agent", "")
        seen[exchange.operation, client, exchange.status] += 1

    def heard(universe: Universe, *args: Any, **settings: Any) -> None:
        begin(universe, *args, **settings)
        universe.on_exchange = note

    Universe.__init__ = heard  # type: ignore[method-assign, assignment]
    yield
    Universe.__init__ = begin  # type: ignore[method-assign]
    rows = [[*key, count] for key, count in seen.items()]
    name = f"{os.environ.get('PYTEST_XDIST_WORKER', 'one')}.json"
    (Path(folder) / name).write_bytes(orjson.dumps(rows))


@pytest.fixture
def okta(make_universe: Callable[..., Universe]) -> Iterator[Okta]:
    """A fresh Okta with twelve people; fails the test if a handler crashed."""
    one = Okta(make_universe("okta"))
    yield one
    assert one.universe.crashes == []


@pytest.fixture
def open_okta(make_universe: Callable[..., Universe]) -> Callable[..., Okta]:
    """``open_okta(seeds={"okta": "acme-300"})``: a fresh Okta with other settings."""
    return lambda **settings: Okta(make_universe("okta", **settings))
