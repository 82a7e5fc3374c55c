"""Unmodified slack_bolt against the twin: events over HTTP and in Socket Mode, what people do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from slack_bolt import App, BoltRequest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

from factory_tui.universe import Courier, Universe

Serve = Callable[[Universe, str], Awaitable[str]]
EVENTS = [
    "app_home_opened", "app_mention", "channel_archive", "channel_created", "channel_left",
    "channel_rename", "channel_unarchive", "group_rename", "link_shared", "member_joined_channel",
    "member_left_channel", "message.channels", "message.groups", "message.im", "pin_added",
    "pin_removed", "reaction_added", "reaction_removed", "team_join", "user_change",
]  # fmt: skip


class Bench:
    """A workspace that is served, a courier, and a place for the program's web server."""

    def __init__(self, workspace: Any, url: str, courier: Courier) -> None:
        self.workspace = workspace
        self.universe: Universe = workspace.universe
        self.api = f"{url}/api/"
        self.courier = courier
        self.runners: list[web.ServerRunner] = []
        self.person = self.universe.pick("it", 1)["email"]

    def do(self, op: str, **args: Any) -> Any:
        return self.universe.apply("slack", op, {"user": self.person, **args})

    def configure(self, **args: Any) -> dict[str, str]:
        args = {"events": EVENTS, **args}
        made = self.universe.apply("slack", "configure_app", args)["slack_app"]
        self.universe.env("slack", self.api.removesuffix("/api/"))
        return made  # type: ignore[no-any-return]

    async def listen(self, handler: Any) -> str:
        runner = web.ServerRunner(web.Server(handler))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"

    async def listen_async(self, app: AsyncApp) -> str:
        from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request

        async def handle(request: web.Request) -> web.Response:
            return await to_aiohttp_response(
                await app.async_dispatch(await to_bolt_request(request))
            )

        return await self.listen(handle)

    async def until(self, check: Callable[[], Any]) -> None:
        async with asyncio.timeout(20):
            while not check():
                await self.courier.flush()
                await asyncio.sleep(0.01)

    def seen(self, what: str) -> list[dict[str, Any]]:
        return self.universe.view("slack").get(what, [])

    def texts(self) -> list[str]:
        return [str(row["text"]) for row in self.seen("messages")]


@pytest_asyncio.fixture
async def bench(workspace: Any, served: Serve) -> AsyncIterator[Bench]:
    url = await served(workspace.universe, "slack")
    async with Courier(workspace.universe) as courier:
        made = Bench(workspace, url, courier)
        yield made
        for runner in made.runners:
            await runner.cleanup()
    assert workspace.universe.gaps == []


def async_app(bench: Bench, secrets: dict[str, str]) -> AsyncApp:
    client = AsyncWebClient(secrets["bot_token"], base_url=bench.api)
    return AsyncApp(
        client=client, token=secrets["bot_token"], signing_secret=secrets["signing_secret"]
    )


async def test_bolt_hears_every_kind_of_event_over_http(bench: Bench) -> None:
    app = async_app(bench, bench.configure())
    got: list[dict[str, Any]] = []
    for name in {event.partition(".")[0] for event in EVENTS}:

        async def hear(event: dict[str, Any]) -> None:
            got.append(event)

        app.event(name)(hear)
    for subtype in ("message_changed", "message_deleted", "channel_join", "channel_leave"):

        async def hear_sub(event: dict[str, Any]) -> None:
            got.append(event)

        app.event({"type": "message", "subtype": subtype})(hear_sub)
    bench.configure(url=await bench.listen_async(app), verify=True, unfurl_domains=["wiki.example"])
    await bench.until(lambda: len(bench.universe.outbox) == 0)
    assert bench.universe.tap[-1].operation == "url_verification"
    assert bench.universe.tap[-1].status == 200

    room = bench.workspace.channel("it")
    said = bench.do("say", channel="it", text="@app look: https://wiki.example/x")
    bench.do("react", channel="it", ts=said["ts"], name="eyes")
    bench.do("react", channel="it", ts=said["ts"], name="eyes", remove=True)
    bench.do("edit_message", channel="it", ts=said["ts"], text="never mind")
    # Bolt drops what its own bot did, so a person does it.
    person = bench.workspace.acting(
        bench.person, "pins:write", "channels:write", "channels:manage", "channels:read"
    )
    assert person("pins.add", channel=room, timestamp=said["ts"])["ok"]
    assert person("pins.remove", channel=room, timestamp=said["ts"])["ok"]
    bench.do("delete_message", channel="it", ts=said["ts"])
    bench.do("say", text="hello app")
    bench.do("open_home")
    outsider = bench.workspace.user("design", 1)
    person("conversations.invite", channel=room, users=outsider)
    person("conversations.kick", channel=room, user=outsider)
    made = person("conversations.create", name="news")["channel"]["id"]
    person("conversations.rename", channel=made, name="old-news")
    person("conversations.archive", channel=made)
    bench.universe.apply(
        "slack", "add_users", [{"first": "New", "last": "Face", "email": "new@acme.example"}]
    )
    bench.universe.apply("slack", "deactivate_users", ["new@acme.example"])
    await bench.until(lambda: len(bench.universe.outbox) == 0)
    await bench.until(lambda: any(e["type"] == "user_change" for e in got))
    kinds = [(e["type"], e.get("subtype")) for e in got]
    for wanted in [
        ("message", None), ("app_mention", None), ("link_shared", None), ("reaction_added", None),
        ("reaction_removed", None), ("message", "message_changed"), ("pin_added", None),
        ("pin_removed", None), ("message", "message_deleted"), ("app_home_opened", None),
        ("member_joined_channel", None), ("member_left_channel", None), ("channel_created", None),
        ("channel_rename", None), ("channel_archive", None), ("team_join", None),
        ("user_change", None), ("message", "channel_join"),
    ]:  # fmt: skip
        assert wanted in kinds, wanted
    assert kinds.count(("app_mention", None)) == 1
    direct = next(e for e in got if e.get("text") == "hello app")
    assert direct["channel_type"] == "im"
    changed = next(e for e in got if e.get("subtype") == "message_changed")
    assert changed["message"]["text"] == "never mind"
    assert changed["previous_message"]["text"].endswith("<https://wiki.example/x>")
    assert {e.status for e in bench.universe.tap if e.direction == "out"} == {200}


async def test_an_app_hears_only_what_it_may(bench: Bench) -> None:
    heard: list[str] = []

    async def note(request: web.BaseRequest) -> web.Response:
        heard.append((await request.json())["event"]["type"])
        return web.Response()

    bench.configure(url=await bench.listen(note), events=["message.channels", "reaction_added"])
    bench.universe.apply(
        "slack", "add_channels", [{"name": "quiet", "members": [bench.person], "bot": False}]
    )
    bench.do("say", channel="quiet", text="the bot is not here")
    bench.do("say", text="im events were not asked for")
    bench.universe.apply("slack", "set_token", {"scopes": ["channels:history"]})
    bench.do("say", channel="it", text="heard")
    bench.do("react", channel="it", name="eyes")  # reactions:read is gone
    await bench.until(lambda: len(bench.universe.outbox) == 0)
    assert heard == ["message"]


async def test_events_that_fail_are_sent_again_with_slack_s_headers(bench: Bench) -> None:
    seen: list[tuple[str, str]] = []

    async def fail(request: web.BaseRequest) -> web.Response:
        head = request.headers
        seen.append((head.get("x-slack-retry-num", ""), head.get("x-slack-retry-reason", "")))
        return web.Response(status=500)

    bench.configure(url=await bench.listen(fail))
    bench.do("say", channel="it", text="one")
    await bench.courier.flush()
    assert len(seen) == 2  # the first retry follows at once
    await bench.courier.advance(400)
    assert seen == [("", ""), *((str(n), "http_error") for n in (1, 2, 3))]
    assert len(bench.universe.outbox.failed) == 1

    async def no_more(request: web.BaseRequest) -> web.Response:
        seen.append(("x", ""))
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    bench.configure(url=await bench.listen(no_more))
    bench.do("say", channel="it", text="two")
    await bench.courier.advance(400)
    assert seen.count(("x", "")) == 1


async def test_bolt_refuses_what_is_signed_wrongly(bench: Bench) -> None:
    app = async_app(bench, bench.configure())
    got: list[str] = []

    @app.event("message")
    async def hear(event: dict[str, Any]) -> None:
        got.append(event["text"])

    bench.configure(url=await bench.listen_async(app))
    bench.universe.faults.add({"twin": "slack", "event": "message", "nth": 1, "missign": True})
    bench.do("say", channel="it", text="forged, then sent again")
    await bench.courier.advance(1)
    assert next(e.status for e in bench.universe.tap if e.direction == "out") == 401


async def test_commands_modals_and_clicks_over_http(bench: Bench) -> None:
    secrets = bench.configure()
    app = async_app(bench, secrets)
    answers: dict[str, Any] = {}

    @app.command("/deploy")
    async def deploy(ack: Any, body: Any, client: Any, respond: Any) -> None:
        await ack("on it")
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        await respond(text="anybody may see this", response_type="in_channel")

    @app.view("deploy")
    async def submitted(ack: Any, view: Any, client: Any) -> None:
        values = view["state"]["values"]
        if values["version"]["v"]["value"] == "0":
            await ack(response_action="errors", errors={"version": "not a version"})
            return
        answers.update(values)
        await ack()
        await client.chat_postMessage(channel="#it", text="approve?", blocks=BUTTONS)

    @app.action("approve")
    async def approve(ack: Any, action: Any, respond: Any) -> None:
        await ack()
        await respond(text=f"approved {action['value']}", replace_original=True)

    bench.configure(url=await bench.listen_async(app), commands=["/deploy"])
    bench.do("slash_command", channel="it", command="/deploy", text="web")
    await bench.until(lambda: bench.seen("modals"))
    await bench.until(lambda: "anybody may see this" in bench.texts())
    assert [(row["to"], row["text"]) for row in bench.seen("ephemerals")] == [
        (bench.person, "on it")
    ]
    with pytest.raises(ValueError, match="cannot be submitted without v"):
        bench.do("submit_view")
    bench.do("submit_view", values={"v": "0", "where": "eu"})
    await bench.until(lambda: bench.seen("modals")[0]["errors"])
    assert bench.seen("modals")[0]["errors"] == {"version": "not a version"}
    bench.do("submit_view", values={"v": "1.2", "where": "eu", "who": bench.person})
    await bench.until(lambda: not bench.seen("modals")[0]["open"])
    assert answers["where"]["where"]["selected_option"]["value"] == "eu"
    assert answers["who"]["who"]["selected_user"] == bench.workspace.user("it", 1)
    await bench.until(lambda: "approve?" in bench.texts())
    bench.do("click", channel="it", action="approve")
    await bench.until(lambda: "approved 42" in bench.texts())
    assert {row["state"] for row in bench.seen("interactions")} == {"answered"}


MODAL = {
    "type": "modal",
    "callback_id": "deploy",
    "title": {"type": "plain_text", "text": "Deploy"},
    "submit": {"type": "plain_text", "text": "Go"},
    "blocks": [
        {
            "type": "input", "block_id": "version",
            "label": {"type": "plain_text", "text": "Version"},
            "element": {"type": "plain_text_input", "action_id": "v"},
        },
        {
            "type": "input", "block_id": "where", "label": {"type": "plain_text", "text": "Where"},
            "element": {
                "type": "static_select", "action_id": "where",
                "options": [
                    {"text": {"type": "plain_text", "text": name}, "value": name}
                    for name in ("eu", "us")
                ],
            },
        },
        {
            "type": "input", "block_id": "who", "optional": True,
            "label": {"type": "plain_text", "text": "Who"},
            "element": {"type": "users_select", "action_id": "who"},
        },
    ],
}  # fmt: skip
BUTTONS = [
    {
        "type": "actions",
        "block_id": "b",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "value": "42",
                "text": {"type": "plain_text", "text": "Approve"},
            }
        ],
    }
]


async def test_the_sync_app_over_http(bench: Bench) -> None:
    secrets = bench.configure()

    def build() -> App:
        app = App(
            client=WebClient(secrets["bot_token"], base_url=bench.api),
            signing_secret=secrets["signing_secret"],
        )

        @app.event("app_mention")
        def mention(event: dict[str, Any], say: Any) -> None:
            say(text=f"you said {event['text']}", thread_ts=event["ts"])

        @app.shortcut("report")
        def report(ack: Any, shortcut: dict[str, Any], client: WebClient) -> None:
            ack()
            client.chat_postMessage(channel=shortcut["user"]["id"], text="reported")

        return app

    app = await asyncio.to_thread(build)

    async def handle(request: web.BaseRequest) -> web.Response:
        body = (await request.read()).decode()
        heads = {key.lower(): [value] for key, value in request.headers.items()}
        said = await asyncio.to_thread(app.dispatch, BoltRequest(body=body, headers=heads))
        return web.Response(status=said.status, body=said.body.encode())

    shortcuts = [{"callback_id": "report", "type": "global", "name": "Report"}]
    bench.configure(url=await bench.listen(handle), shortcuts=shortcuts)
    bench.do("say", channel="it", text="@app ping")
    await bench.until(lambda: any(text.startswith("you said") for text in bench.texts()))
    bench.do("shortcut", callback_id="report")
    await bench.until(lambda: "reported" in bench.texts())


async def test_the_sync_app_in_socket_mode(bench: Bench) -> None:
    secrets = bench.configure(socket_mode=True, commands=["/hi"])

    def connect() -> SocketModeHandler:
        app = App(client=WebClient(secrets["bot_token"], base_url=bench.api))

        @app.message("ping")
        def ping(say: Any) -> None:
            say("pong")

        @app.command("/hi")
        def hi(ack: Any) -> None:
            ack({"text": "hi yourself", "response_type": "in_channel"})

        handler = SocketModeHandler(app, secrets["app_token"])
        handler.connect()  # type: ignore[no-untyped-call]
        return handler

    handler = await asyncio.to_thread(connect)
    try:
        await bench.until(lambda: bench.universe.sockets.of("slack"))
        bench.do("say", channel="it", text="ping")
        await bench.until(lambda: "pong" in bench.texts())
        bench.do("slash_command", channel="it", command="/hi")
        await bench.until(lambda: "hi yourself" in bench.texts())
    finally:
        await asyncio.to_thread(handler.close)  # type: ignore[arg-type]


async def test_the_async_app_in_socket_mode(bench: Bench) -> None:
    secrets = bench.configure(socket_mode=True)
    app = async_app(bench, secrets)

    @app.event("member_joined_channel")
    async def joined(event: dict[str, Any], say: Any) -> None:
        await say(f"welcome <@{event['user']}>")

    handler = AsyncSocketModeHandler(app, secrets["app_token"])
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        await bench.until(lambda: bench.universe.sockets.of("slack"))
        newcomer = bench.universe.pick("design", 1)["email"]
        bench.universe.apply("slack", "add_to_channel", {"channel": "it", "users": [newcomer]})
        await bench.until(lambda: any(text.startswith("welcome") for text in bench.texts()))
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def test_socket_mode_clients_come_again_when_asked(bench: Bench) -> None:
    secrets = bench.configure(socket_mode=True)
    app = async_app(bench, secrets)
    got: list[str] = []

    @app.event("message")
    async def hear(event: dict[str, Any]) -> None:
        got.append(event["text"])

    handler = AsyncSocketModeHandler(app, secrets["app_token"])
    await handler.connect_async()
    hub = bench.universe.sockets
    await bench.until(lambda: len(hub.of("slack")) == 1)
    first = hub.of("slack")[0].n
    assert bench.universe.apply("slack", "disconnect_socket", {"reason": "warning"})["told"] == "1"
    assert [socket.n for socket in hub.of("slack")] == [first], "a warning ends nothing"
    bench.universe.apply("slack", "disconnect_socket", {})
    await bench.until(lambda: any(socket.n > first for socket in hub.of("slack")))
    bench.do("say", channel="it", text="still there?")
    await bench.until(lambda: got == ["still there?"])
    await handler.close_async()
