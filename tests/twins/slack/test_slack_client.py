"""Slack's official Python clients, unmodified, over real sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from factory_tui.universe import Universe

Make = Callable[..., Universe]
Serve = Callable[[Universe, str], Awaitable[str]]


@pytest.fixture
def universe(make_universe: Make) -> Universe:
    return make_universe("slack", seeds={"slack": "acme-300"})


async def _env(universe: Universe, served: Serve) -> tuple[str, str]:
    env = universe.env("slack", await served(universe, "slack"))
    return env["SLACK_TOKEN"], env["SLACK_URL"]


async def test_a_sync_tool_works_with_the_web_client(universe: Universe, served: Serve) -> None:
    token, url = await _env(universe, served)
    newcomer = universe.pick("sales", 1)["email"]
    leaver = universe.pick("eng-web", 2)["email"]

    def work() -> None:
        client = WebClient(token, base_url=url)
        assert client.auth_test()["user"] == "automation"
        members: list[dict[str, Any]] = []
        for page in client.users_list(limit=90):
            members += page["members"]
        assert len(members) == 302
        channels = {c["name"]: c["id"] for c in client.conversations_list(limit=1000)["channels"]}
        room = channels["eng-web"]
        inside: list[str] = []
        pages = 0
        for page in client.conversations_members(channel=room, limit=7):
            inside += page["members"]
            pages += 1
        assert (len(inside), len(set(inside)), pages) == (31, 31, 5)
        person = client.users_lookupByEmail(email=newcomer)["user"]
        invited = client.conversations_invite(channel=room, users=[person["id"]])
        assert invited["channel"]["name"] == "eng-web"
        gone = client.users_lookupByEmail(email=leaver)["user"]["id"]
        client.conversations_kick(channel=room, user=gone)
        posted = client.chat_postMessage(channel=room, text="2 changes", thread_ts=None)
        assert posted["message"]["text"] == "2 changes"
        client.chat_postMessage(channel=room, text="details", thread_ts=posted["ts"])
        thread = client.conversations_replies(channel=room, ts=posted["ts"])["messages"]
        assert [m["text"] for m in thread] == ["2 changes", "details"]
        assert thread[0]["reply_count"] == 1

    await asyncio.to_thread(work)
    room = next(c for c in universe.view("slack")["channels"] if c["name"] == "eng-web")
    assert newcomer in room["members"]
    assert leaver not in room["members"]
    texts = [m["text"] for m in universe.view("slack")["messages"]]
    assert texts == ["2 changes", "details"]
    assert universe.crashes == []
    assert universe.gaps == []


async def test_the_async_client_reads_by_get(universe: Universe, served: Serve) -> None:
    token, url = await _env(universe, served)
    client = AsyncWebClient(token, base_url=url)
    assert (await client.team_info())["team"]["domain"] == "acme"
    listed = await client.conversations_list(types="public_channel", exclude_archived=True)
    room = listed["channels"][1]["id"]
    assert (await client.conversations_info(channel=room, include_num_members=True))["channel"][
        "num_members"
    ] == 41
    emails = []
    async for page in await client.users_list(limit=150):
        emails += [m["profile"].get("email") for m in page["members"]]
    assert len([email for email in emails if email]) == 300
    created = await client.conversations_create(name="incident-7", is_private=True)
    await client.conversations_setTopic(channel=created["channel"]["id"], topic="all hands")
    sent = await client.chat_postMessage(channel=created["channel"]["id"], text="hello")
    await client.reactions_add(channel=sent["channel"], timestamp=sent["ts"], name="thumbsup")
    read = await client.reactions_get(channel=sent["channel"], timestamp=sent["ts"])
    assert read["message"]["reactions"][0]["count"] == 1
    await client.pins_add(channel=sent["channel"], timestamp=sent["ts"])
    assert len((await client.pins_list(channel=sent["channel"]))["items"]) == 1
    history = (await client.conversations_history(channel=sent["channel"]))["messages"]
    assert [m.get("subtype") for m in history] == [None, "group_topic", "group_join"]
    assert {e.method for e in universe.tap} == {"GET", "POST"}


async def test_errors_reach_the_client_as_slack_words_them(
    universe: Universe, served: Serve
) -> None:
    token, url = await _env(universe, served)

    def failing(client: WebClient, method: str, **args: Any) -> dict[str, Any]:
        with pytest.raises(SlackApiError) as caught:
            client.api_call(method, json=args)
        answer: dict[str, Any] = caught.value.response.data
        return answer

    def work() -> None:
        client = WebClient(token, base_url=url)
        assert failing(client, "no.such.method")["error"] == "unknown_method"
        assert failing(client, "conversations.info", channel="C0")["error"] == "channel_not_found"
        nobody = WebClient(base_url=url)
        assert failing(nobody, "users.list")["error"] == "not_authed"
        stranger = WebClient("xoxb-not-a-token", base_url=url)
        assert failing(stranger, "auth.test")["error"] == "invalid_auth"
        refused = failing(client, "admin.users.list")
        assert refused["error"] == "not_allowed_token_type"
        assert failing(client, "channels.list")["error"] == "method_deprecated"

    await asyncio.to_thread(work)
    assert universe.gaps == []


async def test_the_client_waits_for_retry_after(universe: Universe, served: Serve) -> None:
    token, url = await _env(universe, served)
    universe.faults.add(
        {"twin": "slack", "match": "conversations.list", "nth": 1, "reply": 429,
         "headers": {"Retry-After": "0"}}
    )  # fmt: skip

    def work() -> None:
        plain = WebClient(token, base_url=url)
        plain.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=2))
        assert plain.conversations_list()["ok"]

    await asyncio.to_thread(work)
    assert [e.status for e in universe.tap] == [429, 200]
    assert universe.tap[0].response_body == b'{"ok":false,"error":"ratelimited"}'
