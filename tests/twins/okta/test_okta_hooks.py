"""Event hooks: verified once by a real receiver, then told what happens; inline hooks."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest_asyncio
from aiohttp import web

from factory_tui.universe import Courier, Universe

from .samples import GOOD


class Receiver:
    def __init__(self) -> None:
        self.url = ""
        self.wrong = False
        self.got: list[tuple[str, Any]] = []

    async def __call__(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            challenge = request.headers["x-okta-verification-challenge"]
            return web.json_response({"verification": "no" if self.wrong else challenge})
        self.got.append((request.headers.get("authorization", ""), await request.json()))
        return web.json_response({"commands": []})


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    runner = web.ServerRunner(web.Server(made))  # type: ignore[arg-type]
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/in"
    yield made
    await runner.cleanup()


def hook(path: str, url: str) -> dict[str, Any]:
    body = GOOD[path]
    channel = body["channel"]
    return {**body, "channel": {**channel, "config": {**channel["config"], "uri": url}}}


async def test_a_verified_hook_hears_what_it_asked_for(
    okta: Any, receiver: Receiver, served: Callable[..., Any]
) -> None:
    universe: Universe = okta.universe
    url = await served(universe, "okta")
    path = "/api/v1/eventHooks"
    made = okta(f"POST {path}", hook(path, receiver.url)).data()
    assert made["verificationStatus"] == "UNVERIFIED"
    assert "value" not in made["channel"]["config"]["authScheme"]
    verify = f"{url}{path}/{made['id']}/lifecycle/verify"
    headers = {"authorization": f"SSWS {okta.token}"}
    async with Courier(universe) as courier, aiohttp.ClientSession(headers=headers) as client:
        okta.user("unheard")
        await courier.flush()
        assert receiver.got == [], "the hook is not verified yet"
        receiver.wrong = True
        async with client.post(verify) as answer:
            assert answer.status == 400
        receiver.wrong = False
        async with client.post(verify) as answer:
            assert (await answer.json())["verificationStatus"] == "VERIFIED"
        key = okta.user("heard")
        okta(f"POST /api/v1/users/{key}/lifecycle/suspend")
        await courier.flush()
        okta(f"POST {path}/{made['id']}/lifecycle/deactivate")
        okta.user("too-late")
        await courier.flush()
    assert [secret for secret, _ in receiver.got] == ["s3cret"], "one event of one type"
    event = receiver.got[0][1]
    assert event["eventType"] == "com.okta.event_hook"
    logged = event["data"]["events"][0]
    assert (logged["eventType"], logged["target"][0]["id"]) == ("user.lifecycle.create", key)
    assert event["eventId"] == logged["uuid"]


async def test_another_address_has_to_be_verified_again(okta: Any, receiver: Receiver) -> None:
    path = "/api/v1/eventHooks"
    made = okta(f"POST {path}", hook(path, receiver.url)).data()
    answer = okta(f"POST {path}/{made['id']}/lifecycle/verify")
    assert answer.status == 400, "nobody delivers in this universe"
    okta(f"PUT {path}/{made['id']}", hook(path, "https://elsewhere.example/in"))
    assert okta(f"GET {path}/{made['id']}").data()["verificationStatus"] == "UNVERIFIED"
    for bad in ("http://elsewhere.example/in", "https://[", "ftp://x", ""):
        assert okta(f"POST {path}", {**hook(path, bad), "name": "other"}).status == 400


async def test_an_inline_hook_answers_for_okta(
    okta: Any, receiver: Receiver, served: Callable[..., Any]
) -> None:
    url = await served(okta.universe, "okta")
    path = "/api/v1/inlineHooks"
    made = okta(f"POST {path}", hook(path, receiver.url)).data()
    headers = {"authorization": f"SSWS {okta.token}"}
    async with Courier(okta.universe), aiohttp.ClientSession(headers=headers) as client:
        line = f"{url}{path}/{made['id']}/execute"
        async with client.post(line, json={"data": {"x": 1}}) as answer:
            assert await answer.json() == {"commands": []}
    assert receiver.got == [("s3cret", {"data": {"x": 1}})]
