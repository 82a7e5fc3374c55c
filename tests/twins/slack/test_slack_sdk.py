"""Every method through slack_sdk's own functions, sync and async, against Slack's samples."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

from factory_tui.universe import Request, Universe
from tests.twins.slack.samples import compare
from tests.twins.slack.story import BACK, play
from twins.slack.dialect import DESCRIBED
from twins.slack.retired import RETIRED

REFUSED = {"files.comments.delete", "migration.exchange"}
"""No workspace of the twin has comments on files or belongs to an Enterprise organisation."""
Serve = Callable[[Universe, str], Awaitable[str]]


class Wire:
    """The story's wire over a client of slack_sdk; keeps every answer."""

    def __init__(self, universe: Universe, url: str, *, sync: bool) -> None:
        state = universe.twins["slack"]
        state.pack.stand_alone(state)
        self.universe = universe
        self.env = universe.env("slack", url)
        self.sync = sync
        self.answers: dict[str, list[dict[str, Any]]] = {}
        owner = next(row for row in state["users"].rows() if row["owner"])
        self._secrets: dict[str, Any] = {**self.env, "email": owner["email"]}

    async def _call(self, token: str, method: str, args: dict[str, Any]) -> Any:
        make = WebClient if self.sync else AsyncWebClient
        client = make(self.env[token], base_url=self.env["SLACK_URL"])
        function = getattr(client, method.replace(".", "_"), None)
        if function is None:
            given = {
                key: json.dumps(v) if isinstance(v, list | dict) else v for key, v in args.items()
            }
            arguments: dict[str, Any] = {"api_method": method, "params": given}
            function = client.api_call
        else:
            arguments = args
        answer = await (
            asyncio.to_thread(function, **arguments) if self.sync else function(**arguments)
        )
        data: dict[str, Any] = answer.data
        assert data["ok"] is True
        self.answers.setdefault(method, []).append(data)
        return data

    async def bot(self, method: str, **args: Any) -> Any:
        return await self._call("SLACK_BOT_TOKEN", method, args)

    async def user(self, method: str, **args: Any) -> Any:
        return await self._call("SLACK_USER_TOKEN", method, args)

    async def admin(self, method: str, **args: Any) -> Any:
        return await self._call("SLACK_ADMIN_TOKEN", method, args)

    async def app(self, method: str, **args: Any) -> Any:
        return await self._call("SLACK_APP_TOKEN", method, args)

    async def config(self, method: str, **args: Any) -> Any:
        return await self._call("SLACK_CONFIG_TOKEN", method, args)

    async def upload(self, url: str, data: bytes) -> None:
        async with aiohttp.ClientSession() as session, session.post(url, data=data) as response:
            assert response.status == 200

    def apply(self, operation: str, args: dict[str, Any]) -> Any:
        return self.universe.apply("slack", operation, args)

    def consent(self, path: str, **asked: str) -> str:
        query = urlencode({"client_id": self.env["SLACK_CLIENT_ID"], "redirect_uri": BACK, **asked})
        page = self.universe.handle("slack", Request.build("GET", f"{path}?{query}"))
        assert page.status == 200, page.body
        said = self.universe.handle("slack", Request.build("POST", f"{path}?{query}", {}, b""))
        location = said.header("location") or ""
        return parse_qs(urlsplit(location).query)["code"][0]

    def trigger(self, view: bool = False) -> str:
        from twins.slack.modals import new_trigger

        twin = self.universe.twins["slack"]
        app = next(twin["apps"].rows())
        return new_trigger(twin, app, app["installer"], "V" if view else "")

    @property
    def secrets(self) -> dict[str, Any]:
        twin = self.universe.twins["slack"]
        contexts = list(twin["authorizations"])
        self._secrets["context"] = contexts[-1] if contexts else ""
        self._secrets["now"] = twin.clock.epoch()
        return self._secrets


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
async def test_every_method_works_through_the_client(
    make_universe: Callable[..., Universe],
    served: Serve,
    sync: bool,
    request: pytest.FixtureRequest,
) -> None:
    universe = make_universe("slack", seeds={"slack": "acme-12"})
    wire = Wire(universe, await served(universe, "slack"), sync=sync)
    await play(wire)
    assert universe.crashes == []
    methods = {name for name in DESCRIBED if name and not name.startswith("admin.")}
    assert methods - set(RETIRED) - set(wire.answers) == REFUSED, "methods nobody has called"
    folder = request.config.rootpath.parent / "shared/api/slack/samples/api"
    if not folder.is_dir():
        pytest.skip("Slack's response samples are not at hand")
    problems = compare(wire.answers, folder)
    assert problems == [], "\n".join(problems)


async def test_answers_have_what_the_description_requires(
    make_universe: Callable[..., Universe], served: Serve, request: pytest.FixtureRequest
) -> None:
    path = request.config.rootpath.parent / "shared/api/slack/web_api.swagger.json"
    if not path.is_file():
        pytest.skip("Slack's description of its Web API is not at hand")
    universe = make_universe("slack", seeds={"slack": "acme-12"})
    wire = Wire(universe, await served(universe, "slack"), sync=True)
    await play(wire)
    missing: list[str] = []
    checked = 0
    for place, item in json.loads(path.read_text())["paths"].items():
        for operation in item.values():
            schema = operation["responses"].get("200", {}).get("schema", {})
            for body in wire.answers.get(place.strip("/"), []):
                checked += len(schema.get("required", ()))
                missing += [
                    f"{place} lacks {key}" for key in schema.get("required", ()) if key not in body
                ]
    assert sorted(set(missing)) == []
    assert checked > 200
