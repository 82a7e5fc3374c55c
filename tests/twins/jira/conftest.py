import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from factory_tui.universe import Request, Response, Universe


class Site:
    """One universe's Jira, called without a socket and as the automation."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        env = universe.env("jira", "http://twin")
        pair = f"{env['JIRA_EMAIL']}:{env['JIRA_TOKEN']}"
        self.token = env["JIRA_TOKEN"]
        self.auth = "Basic " + base64.b64encode(pair.encode()).decode()

    def raw(self, line: str, body: Any = None, *, version: str = "3", **headers: str) -> Response:
        """``raw("GET /issue/IT-1")``: one request below ``/rest/api/{version}``."""
        method, path = line.split(" ", 1)
        sent = {"authorization": self.auth, "content-type": "application/json"} | headers
        data = b"" if body is None else json.dumps(body).encode()
        request = Request.build(method, f"/rest/api/{version}{path}", sent, data)
        return self.universe.handle("jira", request)

    def plain(self, method: str, path: str, body: Any = None) -> Response:
        """One request to a path that is given whole."""
        sent = {"authorization": self.auth, "content-type": "application/json"}
        data = b"" if body is None else json.dumps(body).encode()
        return self.universe.handle("jira", Request.build(method, path, sent, data))

    def path_of(self, operation: str) -> str:
        """The path template of an operation."""
        return self.universe.packs["jira"].routes.operations[operation][1]

    def __call__(self, line: str, body: Any = None, *, version: str = "3", status: int = 0) -> Any:
        """As :meth:`raw`, but the answer's JSON; the status must be 2xx or the given one."""
        answer = self.raw(line, body, version=version)
        assert answer.status == status or (not status and answer.status < 300), answer.body
        return answer.data()

    def create(self, summary: str = "Something", **fields: Any) -> str:
        """Create a task in IT; its key."""
        given = {"project": {"key": "IT"}, "issuetype": {"name": "Task"}, "summary": summary}
        return str(self("POST /issue", {"fields": given | fields}, version="2")["key"])

    def find(self, jql: str) -> list[str]:
        """Keys that a query finds, in order, over all pages."""
        keys: list[str] = []
        token = None
        while True:
            body = {"jql": jql, "fields": ["summary"], "maxResults": 3}
            if token:
                body["nextPageToken"] = token
            page = self("POST /search/jql", body)
            keys += [str(issue["key"]) for issue in page["issues"]]
            token = page.get("nextPageToken")
            assert page["isLast"] is (token is None)
            if token is None:
                return keys


@pytest.fixture
def site(make_universe: Callable[..., Universe]) -> Iterator[Site]:
    """A Cloud site with an empty help desk project, whose twin must not have failed."""
    universe = make_universe("jira", seeds={"jira": "acme-12"})
    yield Site(universe)
    assert universe.crashes == []


@pytest.fixture
def make_site(make_universe: Callable[..., Universe]) -> Callable[..., Site]:
    def make(name: str = "acme-12", **settings: Any) -> Site:
        return Site(make_universe("jira", seeds={"jira": name}, **settings))

    return make
