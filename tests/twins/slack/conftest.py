from collections.abc import Callable, Iterator
from typing import Any

import pytest

from factory_tui.universe import Request, Response, Universe


class Workspace:
    """One universe's Slack, called without a socket and with the bot's token."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.token = universe.env("slack", "http://twin")["SLACK_TOKEN"]

    def __call__(self, method: str, **args: Any) -> dict[str, Any]:
        """Call a Web API method with JSON; the answer's body."""
        return self.raw(method, args).data()  # type: ignore[no-any-return]

    def raw(self, method: str, args: dict[str, Any], **headers: str) -> Response:
        sent = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json; charset=utf-8",
        } | headers
        return self.universe.handle(
            "slack", Request.build("POST", f"/api/{method}", list(sent.items()), args)
        )

    def channel(self, name: str) -> str:
        kinds = "public_channel,private_channel"
        found = self("conversations.list", types=kinds, limit=1000)["channels"]
        return next(str(row["id"]) for row in found if row["name"] == name)

    def user(self, group: str, n: int = 1) -> str:
        """The id of the n-th member of an organisation's group."""
        email = self.universe.pick(group, n)["email"]
        return str(self("users.lookupByEmail", email=email)["user"]["id"])

    def acting(self, email: str = "", *scopes: str) -> "Workspace":
        """The same workspace with another token."""
        other = Workspace(self.universe)
        args = {"user": email, "scopes": list(scopes)}
        other.token = self.universe.apply("slack", "add_token", args)["token"]
        return other


@pytest.fixture
def workspace(make_universe: Callable[..., Universe]) -> Iterator[Workspace]:
    """A small workspace whose twin must not have failed, whatever the test sent."""
    universe = make_universe("slack", seeds={"slack": "acme-12"})
    yield Workspace(universe)
    assert universe.crashes == []


@pytest.fixture
def make_workspace(make_universe: Callable[..., Universe]) -> Callable[..., Workspace]:
    def make(**settings: Any) -> Workspace:
        return Workspace(make_universe("slack", **settings))

    return make
