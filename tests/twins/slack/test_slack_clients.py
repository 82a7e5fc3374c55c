"""More official clients against the twin: Socket Mode's, Bolt's OAuth, assistants and steps."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from slack_bolt import App, BoltRequest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncAssistant
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk import WebClient
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.state_store import FileOAuthStateStore
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.aiohttp import SocketModeClient as AiohttpClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.socket_mode.websockets import SocketModeClient as WebsocketsClient
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from factory_tui.universe import Courier, Request, Universe

Serve = Callable[[Universe, str], Awaitable[str]]


class Office:
    """A workspace served on its own, with a courier and all its credentials."""

    def __init__(self, universe: Universe, url: str, courier: Courier) -> None:
        state = universe.twins["slack"]
        state.pack.stand_alone(state)
        self.universe, self.url, self.courier = universe, url, courier
        self.env = universe.env("slack", url)
        self.api = self.env["SLACK_URL"]
        self.person = universe.pick("it", 1)["email"]

    async def until(self, check: Callable[[], Any]) -> None:
        async with asyncio.timeout(30):
            while not check():
                await self.courier.flush()
                await asyncio.sleep(0.01)

    def do(self, op: str, **args: Any) -> Any:
        return self.universe.apply("slack", op, {"user": self.person, **args})

    def texts(self) -> list[str]:
        return [str(row["text"]) for row in self.universe.view("slack")["messages"]]


@pytest_asyncio.fixture
async def office(workspace: Any, served: Serve) -> AsyncIterator[Office]:
    url = await served(workspace.universe, "slack")
    async with Courier(workspace.universe) as courier:
        yield Office(workspace.universe, url, courier)


async def test_the_builtin_socket_mode_client(office: Office) -> None:
    heard: list[str] = []
    web_client = WebClient(office.env["SLACK_BOT_TOKEN"], base_url=office.api)
    client = SocketModeClient(app_token=office.env["SLACK_APP_TOKEN"], web_client=web_client)
    done = threading.Event()

    def listen(client: Any, request: Any) -> None:
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        if request.type == "events_api" and request.payload["event"]["type"] == "message":
            heard.append(request.payload["event"]["text"])
            done.set()

    client.socket_mode_request_listeners.append(listen)
    await asyncio.to_thread(client.connect)
    try:
        assert await asyncio.to_thread(client.is_connected)
        office.do("say", channel="it", text="one")
        await office.until(lambda: heard == ["one"])
        await office.until(lambda: not office.universe.outbox.pending)
    finally:
        await asyncio.to_thread(client.close)


@pytest.mark.parametrize("make", [AiohttpClient, WebsocketsClient], ids=["aiohttp", "websockets"])
async def test_async_socket_mode_clients(office: Office, make: Any) -> None:
    heard: list[str] = []
    web_client = AsyncWebClient(office.env["SLACK_BOT_TOKEN"], base_url=office.api)
    client = make(app_token=office.env["SLACK_APP_TOKEN"], web_client=web_client)

    async def listen(client: Any, request: Any) -> None:
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id))
        if request.type == "events_api" and request.payload["event"]["type"] == "message":
            heard.append(request.payload["event"]["text"])

    client.socket_mode_request_listeners.append(listen)
    await client.connect()
    try:
        office.do("say", channel="it", text="one")
        await office.until(lambda: heard == ["one"])
        await client.connect_to_new_endpoint(force=True)
        office.do("say", channel="it", text="two")
        await office.until(lambda: heard == ["one", "two"])
    finally:
        await client.disconnect()
        await client.close()


async def test_bolt_installs_itself_by_oauth(office: Office, tmp_path: Path) -> None:
    env = office.env
    store = FileInstallationStore(base_dir=str(tmp_path / "installed"))
    settings = OAuthSettings(
        client_id=env["SLACK_CLIENT_ID"],
        client_secret=env["SLACK_CLIENT_SECRET"],
        scopes=["chat:write", "channels:history"],
        user_scopes=["search:read"],
        redirect_uri="http://localhost:3000/slack/oauth_redirect",
        authorization_url=f"{office.url}/oauth/v2/authorize",
        installation_store=store,
        state_store=FileOAuthStateStore(expiration_seconds=600, base_dir=str(tmp_path / "states")),
    )

    def work() -> Any:
        app = App(
            client=WebClient(base_url=office.api),
            signing_secret=env["SLACK_SIGNING_SECRET"],
            oauth_settings=settings,
        )
        flow = app.oauth_flow
        assert flow is not None
        install = flow.handle_installation(BoltRequest(body="", headers={}))
        assert install.status == 200
        asked = flow.build_authorize_url(
            settings.state_store.issue(), BoltRequest(body="", headers={})
        )
        state = parse_qs(urlsplit(asked).query)["state"][0]
        target = asked.removeprefix(office.url)
        page = office.universe.handle("slack", Request.build("GET", target))
        assert page.status == 200
        said = office.universe.handle("slack", Request.build("POST", target, {}, b""))
        query = parse_qs(urlsplit(said.header("location") or "").query)
        cookie = f"{settings.state_cookie_name}={state}"
        done = flow.handle_callback(
            BoltRequest(
                body="",
                query={name: values[0] for name, values in query.items()},
                headers={"cookie": [cookie]},
            )
        )
        assert done.status == 200, done.body
        return store.find_bot(enterprise_id=None, team_id=env["SLACK_TEAM_ID"])

    bot = await asyncio.to_thread(work)
    assert bot.bot_token == env["SLACK_BOT_TOKEN"]
    assert "chat:write" in bot.bot_scopes
    installed = store.find_installation(enterprise_id=None, team_id=env["SLACK_TEAM_ID"])
    assert installed is not None and installed.user_scopes == ["search:read"]
    found = await AsyncWebClient(installed.user_token, base_url=office.api).search_messages(
        query="x"
    )
    assert found["ok"]


async def test_bolt_assistants_answer(office: Office) -> None:
    app = AsyncApp(
        client=AsyncWebClient(office.env["SLACK_BOT_TOKEN"], base_url=office.api),
        signing_secret=office.env["SLACK_SIGNING_SECRET"],
    )
    assistant = AsyncAssistant()

    @assistant.thread_started
    async def start(say: Any, set_suggested_prompts: Any) -> None:
        await say("How can I help?")
        await set_suggested_prompts(prompts=[{"title": "Ask", "message": "What now?"}])

    @assistant.user_message
    async def answer(payload: dict[str, Any], say: Any, set_status: Any, set_title: Any) -> None:
        await set_status("is thinking")
        await set_title(payload["text"])
        await say(f"You asked: {payload['text']}")

    app.use(assistant)
    handler = AsyncSocketModeHandler(app, office.env["SLACK_APP_TOKEN"])
    await handler.connect_async()
    try:
        await office.until(lambda: office.universe.sockets.of("slack"))
        office.do("open_assistant")
        await office.until(lambda: "How can I help?" in office.texts())
        threads = office.universe.twins["slack"]["assistants"]
        await office.until(lambda: any("prompts" in row for row in threads.rows()))
        thread = next(iter(threads.rows()))
        office.do("say", channel=thread["channel"], text="why", thread_ts=thread["ts"])
        await office.until(lambda: "You asked: why" in office.texts())
    finally:
        await handler.close_async()


async def test_async_webhooks(office: Office) -> None:
    hook = AsyncWebhookClient(office.env["SLACK_WEBHOOK_URL"])
    said = await hook.send(text="by hook", blocks=[{"type": "divider"}])
    assert (said.status_code, said.body) == (200, "ok")
    bad = await hook.send(blocks=[{"type": "nope"}])
    assert (bad.status_code, bad.body) == (400, "invalid_blocks")
    assert "by hook" in office.texts()


async def test_bolt_runs_the_steps_of_workflows(office: Office) -> None:
    app = AsyncApp(
        client=AsyncWebClient(office.env["SLACK_BOT_TOKEN"], base_url=office.api),
        signing_secret=office.env["SLACK_SIGNING_SECRET"],
    )

    @app.function("greet")
    async def greet(inputs: dict[str, Any], complete: Any, fail: Any) -> None:
        if "name" in inputs:
            await complete(outputs={"greeting": f"Hi {inputs['name']}"})
        else:
            await fail(error="nobody to greet")

    handler = AsyncSocketModeHandler(app, office.env["SLACK_APP_TOKEN"])
    await handler.connect_async()
    runs = office.universe.twins["slack"]["executions"]
    try:
        await office.until(lambda: office.universe.sockets.of("slack"))
        args = {"callback_id": "greet", "inputs": {"name": "Ada"}}
        done = office.universe.apply("slack", "run_function", args)["execution"]
        await office.until(lambda: runs[done]["state"] == "succeeded")
        assert runs[done]["outputs"] == {"greeting": "Hi Ada"}
        lost = office.universe.apply("slack", "run_function", {"callback_id": "greet"})["execution"]
        await office.until(lambda: runs[lost]["state"] == "failed")
        assert runs[lost]["error"] == "nobody to greet"
    finally:
        await handler.close_async()
