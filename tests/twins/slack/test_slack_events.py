"""What apps are told: every event with its shape, only with the scope, over RTM too."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from slack_sdk.rtm_v2 import RTMClient

from factory_tui.universe import Courier, Request, Universe
from tests.twins.slack.samples import compare_events
from tests.twins.slack.story import BACK, play
from twins.slack.open import EVERY_EVENT

Serve = Callable[[Universe, str], Awaitable[str]]
OWN = ("dnd_updated", "im_open", "im_close", "subteam_self_added", "star_added", "star_removed")


class Direct:
    """The story's wire without a socket."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        state = universe.twins["slack"]
        state.pack.stand_alone(state)
        self.env = universe.env("slack", "http://twin.test")
        owner = next(row for row in state["users"].rows() if row["owner"])
        self._secrets: dict[str, Any] = {**self.env, "email": owner["email"]}

    async def _call(self, token: str, method: str, args: dict[str, Any]) -> Any:
        if method == "users.setPhoto":
            return None
        head = {"authorization": f"Bearer {self.env[token]}", "content-type": "application/json"}
        request = Request.build("POST", f"/api/{method}", head, json.dumps(args))
        answer = self.universe.handle("slack", request).data()
        assert answer["ok"] is True, (method, answer)
        return answer

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
        path = urlsplit(url).path
        self.universe.handle("slack", Request.build("POST", path, {}, data))

    def apply(self, operation: str, args: dict[str, Any]) -> Any:
        if operation == "configure_app" and "events" in args:
            args = {**args, "events": [*EVERY_EVENT, *args["events"]]}
        return self.universe.apply("slack", operation, args)

    def consent(self, path: str, **asked: str) -> str:
        query = urlencode({"client_id": self.env["SLACK_CLIENT_ID"], "redirect_uri": BACK, **asked})
        said = self.universe.handle("slack", Request.build("POST", f"{path}?{query}", {}, b""))
        return parse_qs(urlsplit(said.header("location") or "").query)["code"][0]

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


def told(universe: Universe) -> list[dict[str, Any]]:
    """The events that wait to be sent."""
    payloads = [delivery.event.payload for delivery in universe.outbox.pending]
    return [payload["event"] for payload in payloads if payload.get("type") == "event_callback"]


async def test_what_happens_is_told_in_slacks_shape(
    make_universe: Callable[..., Universe], request: pytest.FixtureRequest
) -> None:
    universe = make_universe("slack", seeds={"slack": "acme-12"})
    wire = Direct(universe)
    wire.universe.apply(
        "slack",
        "configure_app",
        {"events": list(EVERY_EVENT),
         "user_events": list(OWN), "unfurl_domains": ["ex.example"]},
    )  # fmt: skip
    await play(wire)
    events = told(universe)
    names = {
        f"message.{event['subtype']}" if event.get("subtype") else event["type"] for event in events
    }
    assert {
        "app_mention", "app_uninstalled", "call_rejected", "assistant_thread_started",
        "channel_archive", "channel_created", "channel_rename", "channel_shared",
        "channel_unarchive", "channel_unshared", "dnd_updated", "dnd_updated_user",
        "file_change", "file_created", "file_deleted", "file_public", "file_shared",
        "im_close", "im_created", "im_open", "member_joined_channel", "member_left_channel",
        "message", "message.channel_archive", "message.channel_join", "message.channel_leave",
        "message.channel_name", "message.channel_purpose", "message.channel_topic",
        "message.channel_unarchive", "message.me_message", "message.message_changed",
        "message.message_deleted", "pin_added", "pin_removed", "reaction_added",
        "reaction_removed", "shared_channel_invite_accepted", "shared_channel_invite_approved",
        "shared_channel_invite_declined", "shared_channel_invite_received", "star_added",
        "star_removed", "subteam_created", "subteam_members_changed", "subteam_updated",
        "team_join", "tokens_revoked", "user_change", "user_profile_changed",
        "user_status_changed",
    } - {"app_mention"} <= names  # fmt: skip
    folder = request.config.rootpath.parent / "shared/api/slack/samples/events"
    if not folder.is_dir():
        pytest.skip("Slack's event samples are not at hand")
    problems = compare_events(events, folder)
    assert problems == [], "\n".join(problems)


def test_an_app_hears_only_what_its_scopes_allow(workspace: Any) -> None:
    universe = workspace.universe
    room = workspace.channel("it")
    hook = {"url": "http://127.0.0.1:9", "events": ["reaction_added", "message.channels"]}
    universe.apply("slack", "configure_app", hook)
    universe.apply("slack", "set_token", {"scopes": ["channels:history", "channels:read",
                                                    "chat:write", "reactions:write"]})  # fmt: skip
    ts = workspace("chat.postMessage", channel="#it", text="x")["ts"]
    assert workspace("reactions.add", channel=room, timestamp=ts, name="eyes")["ok"]
    assert [event["type"] for event in told(universe)] == ["message"]
    universe.apply("slack", "set_token", {"scopes": ["reactions:read", "reactions:write"]})
    assert workspace("reactions.add", channel=room, timestamp=ts, name="wave")["ok"]
    assert [event["type"] for event in told(universe)] == ["message", "reaction_added"]


async def test_rtm_clients_hear_and_speak(workspace: Any, served: Serve) -> None:
    universe = workspace.universe
    url = await served(universe, "slack")
    refused = workspace("rtm.connect")
    assert refused["error"] == "not_allowed_token_type"
    state = universe.twins["slack"]
    state.pack.stand_alone(state)
    env = universe.env("slack", url)
    room = workspace.channel("it")
    heard: list[dict[str, Any]] = []
    changed = threading.Event()
    client = RTMClient(token=env["SLACK_BOT_TOKEN"], base_url=env["SLACK_URL"], ping_interval=1)

    def listen(client: Any, event: dict[str, Any]) -> None:
        heard.append(event)
        changed.set()

    client.message_listeners.append(listen)

    def until(check: Callable[[dict[str, Any]], bool]) -> None:
        for _ in range(400):
            if any(check(event) for event in list(heard)):
                return
            changed.wait(0.05)
            changed.clear()
        raise AssertionError(heard)

    def work() -> None:
        client.connect()
        until(lambda e: e.get("type") == "hello")
        client.send({"id": 1, "type": "ping", "time": 7})
        until(lambda e: e.get("type") == "pong" and e["reply_to"] == 1 and e["time"] == 7)
        client.send({"id": 2, "type": "message", "channel": room, "text": "hi <all> & you"})
        until(lambda e: e.get("reply_to") == 2 and e["ok"] is True)
        client.send({"id": 3, "type": "message", "channel": room})
        until(lambda e: e.get("reply_to") == 3 and e["error"]["code"] == 2)
        client.send({"id": 4, "type": "message", "channel": "C0", "text": "x"})
        until(lambda e: e.get("reply_to") == 4 and e["error"]["msg"] == "channel_not_found")
        workspace("reactions.add", channel=room, timestamp=posted(), name="eyes")
        until(lambda e: e.get("type") == "reaction_added")

    def posted() -> str:
        message = workspace("conversations.history", channel=room)["messages"][0]
        assert message["text"] == "hi &lt;all&gt; &amp; you"
        return str(message["ts"])

    async with Courier(universe):
        await asyncio.to_thread(work)
        client.close()
    assert universe.crashes == []


async def test_the_same_calls_give_the_same_bytes_also_after_a_restore(
    make_universe: Callable[..., Universe],
) -> None:
    universe = make_universe("slack", seeds={"slack": "acme-12"}, seed=3, vary={"ids", "names"})
    start = universe.snapshot()

    async def played() -> list[bytes]:
        universe.restore(start)
        universe.forget()
        await play(Direct(universe))
        events = [repr(d.event.payload).encode() for d in universe.outbox.pending]
        return [e.response_body + repr(e.response_headers).encode() for e in universe.tap] + events

    first = await played()
    assert len(first) > 180
    assert await played() == first


def test_what_admins_change_is_told(workspace: Any) -> None:
    universe = workspace.universe
    state = universe.twins["slack"]
    state.pack.stand_alone(state)
    wanted = ["emoji_changed", "team_rename", "channel_deleted"]
    universe.apply("slack", "configure_app", {"events": wanted})
    workspace.token = universe.env("slack", "http://x")["SLACK_ADMIN_TOKEN"]
    team = universe.env("slack", "http://x")["SLACK_TEAM_ID"]
    room = workspace.channel("it")
    for method, args in [
        ("admin.emoji.add", {"name": "a", "url": "https://x.example/a.png"}),
        ("admin.emoji.rename", {"name": "a", "new_name": "b"}),
        ("admin.emoji.remove", {"name": "b"}),
        ("admin.teams.settings.setName", {"team_id": team, "name": "New"}),
        ("admin.conversations.delete", {"channel_id": room}),
    ]:
        assert workspace(method, **args)["ok"], method
    seen = [(event["type"], event.get("subtype")) for event in told(universe)]
    assert seen == [
        ("emoji_changed", "add"),
        ("emoji_changed", "rename"),
        ("emoji_changed", "remove"),
        ("team_rename", None),
        ("channel_deleted", None),
    ]
