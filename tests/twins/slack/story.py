"""Every method of the Web API once, with arguments that work, in an order that makes sense.

``await play(wire)`` calls them through any client: ``wire.bot(method, …)``, ``wire.user``,
``wire.admin``, ``wire.app`` and ``wire.config`` call with a token of that kind and give the
answer's body.
"""

from typing import Any, Protocol

BACK = "http://localhost:3000/slack/oauth_redirect"
PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
    b"\0\0\0\nIDATx\x9cc\0\1\0\0\5\0\1\r\n-\xb4\0\0\0\0IEND\xaeB`\x82"
)
RICH = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "words"}]}],
}
MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}
DIALOG = {
    "title": "D",
    "callback_id": "d",
    "elements": [{"type": "text", "name": "n", "label": "L"}],
}
MANIFEST = {
    "display_information": {"name": "Made"},
    "features": {"bot_user": {"display_name": "made"}},
    "oauth_config": {"scopes": {"bot": ["chat:write"]}},
    "settings": {"socket_mode_enabled": True},
}


class Wire(Protocol):
    """A workspace as a client sees it, and what happens in it without one."""

    async def bot(self, method: str, **args: Any) -> Any: ...
    async def user(self, method: str, **args: Any) -> Any: ...
    async def admin(self, method: str, **args: Any) -> Any: ...
    async def app(self, method: str, **args: Any) -> Any: ...
    async def config(self, method: str, **args: Any) -> Any: ...
    async def upload(self, url: str, data: bytes) -> None: ...
    def apply(self, operation: str, args: dict[str, Any]) -> Any: ...
    def consent(self, path: str, **asked: str) -> str: ...
    def trigger(self, view: bool = False) -> str: ...
    @property
    def secrets(self) -> dict[str, str]: ...


async def play(w: Wire) -> None:
    """All of it."""
    people = [row["id"] for row in (await w.bot("users.list"))["members"] if not row["is_bot"]]
    people.remove("USLACKBOT")
    channels = (await w.bot("conversations.list", limit=200))["channels"]
    room = next(row["id"] for row in channels if row["name"] == "it")
    me = (await w.user("auth.test"))["user_id"]
    other = next(user for user in people if user != me)
    await w.user("conversations.join", channel=room)
    await auth(w, room, other)
    await talk(w, room, me, other)
    await rooms(w, room, me, other)
    await things(w, room, me, other)
    await files(w, room)
    await documents(w, room, other)
    await screens(w, me)
    await outside(w, room, other)
    await apps(w, room, me, other)


async def auth(w: Wire, room: str, other: str) -> None:
    """Who one is."""
    await w.bot("api.test", foo="bar")
    await w.bot("auth.test")
    await w.bot("auth.teams.list")
    await w.bot("bots.info")
    await w.bot("team.info")
    await w.bot("team.preferences.list")
    await w.bot("team.billing.info")
    await w.bot("team.profile.get")
    await w.user("team.billableInfo")
    await w.user("team.integrationLogs")
    await w.user("team.accessLogs")
    await w.bot("emoji.list")
    await w.bot("users.info", user=other)
    found = (await w.bot("users.info", user=other))["user"]["profile"]["email"]
    await w.bot("users.lookupByEmail", email=found)
    await w.bot("users.getPresence", user=other)
    await w.bot("users.setPresence", presence="auto")
    await w.user("users.setActive")
    await w.user("users.identity")
    await w.bot("users.profile.get", user=other)
    await w.user("users.profile.set", profile={"status_text": "here", "status_emoji": ":eyes:"})
    await w.user("users.setPhoto", image=PNG)
    await w.user("users.deletePhoto")
    await w.bot("users.discoverableContacts.lookup", email="a@b.example")
    await w.bot("users.conversations", user=other)
    await w.user("openid.connect.userInfo")


async def talk(w: Wire, room: str, me: str, other: str) -> None:
    """chat.*, reactions, pins, stars, search."""
    sent = await w.bot("chat.postMessage", channel=room, text="hello https://ex.example/1")
    ts = sent["ts"]
    await w.bot("chat.postMessage", channel=room, text="reply", thread_ts=ts)
    await w.bot("chat.postEphemeral", channel=room, user=me, text="psst")
    await w.bot("chat.meMessage", channel=room, text="waves")
    await w.bot("chat.update", channel=room, ts=ts, text="hello again https://ex.example/1")
    await w.bot("chat.getPermalink", channel=room, message_ts=ts)
    unfurls = {"https://ex.example/1": {"text": "a page"}}
    await w.bot("chat.unfurl", channel=room, ts=ts, unfurls=unfurls)
    later = w.secrets["now"] + 3600
    plan = await w.bot("chat.scheduleMessage", channel=room, post_at=later, text="later")
    await w.bot("chat.scheduledMessages.list")
    key = plan["scheduled_message_id"]
    await w.bot("chat.deleteScheduledMessage", channel=room, scheduled_message_id=key)
    team = (await w.bot("team.info"))["team"]["id"]
    stream = await w.bot(
        "chat.startStream",
        channel=room,
        thread_ts=ts,
        recipient_user_id=me,
        recipient_team_id=team,
    )
    await w.bot("chat.appendStream", channel=room, ts=stream["ts"], markdown_text="**grow")
    await w.bot("chat.stopStream", channel=room, ts=stream["ts"], markdown_text="ing**")
    item = {"channel": room, "timestamp": ts}
    await w.bot("reactions.add", name="eyes", **item)
    await w.bot("reactions.get", **item)
    await w.bot("reactions.list")
    await w.bot("reactions.remove", name="eyes", **item)
    await w.bot("pins.add", **item)
    await w.bot("pins.list", channel=room)
    await w.bot("pins.remove", **item)
    await w.user("stars.add", **item)
    await w.user("stars.list")
    await w.user("stars.remove", **item)
    for area in ("messages", "all"):
        await w.user(f"search.{area}", query="hello")
    await w.bot("conversations.history", channel=room, limit=5)
    await w.bot("conversations.replies", channel=room, ts=ts)
    await w.bot("conversations.mark", channel=room, ts=ts)
    gone = await w.bot("chat.postMessage", channel=room, text="oops")
    await w.bot("chat.delete", channel=room, ts=gone["ts"])


async def rooms(w: Wire, room: str, me: str, other: str) -> None:
    """conversations.*"""
    made = (await w.bot("conversations.create", name="made"))["channel"]["id"]
    await w.bot("conversations.info", channel=made, include_num_members=True)
    await w.bot("conversations.invite", channel=made, users=[other, me])
    await w.bot("conversations.members", channel=made)
    await w.bot("conversations.kick", channel=made, user=other)
    await w.bot("conversations.setTopic", channel=made, topic="t")
    await w.bot("conversations.setPurpose", channel=made, purpose="p")
    await w.bot("conversations.rename", channel=made, name="made-again")
    await w.user("conversations.leave", channel=made)
    await w.user("conversations.join", channel=made)
    await w.bot("conversations.archive", channel=made)
    await w.user("conversations.unarchive", channel=made)
    im = (await w.bot("conversations.open", users=[other]))["channel"]["id"]
    await w.bot("conversations.close", channel=im)
    content = {"type": "markdown", "markdown": "# Ours"}
    await w.bot("conversations.canvases.create", channel_id=room, document_content=content)


async def things(w: Wire, room: str, me: str, other: str) -> None:
    """Bookmarks, calls, quiet hours, reminders, user groups, assistants."""
    mark = await w.bot(
        "bookmarks.add", channel_id=room, title="Wiki", type="link", link="https://w.example"
    )
    where = {"channel_id": room, "bookmark_id": mark["bookmark"]["id"]}
    await w.bot("bookmarks.edit", title="W", **where)
    await w.bot("bookmarks.list", channel_id=room)
    await w.bot("bookmarks.remove", **where)
    call = await w.bot(
        "calls.add", external_unique_id="1", join_url="https://c.example", created_by=other
    )
    key = call["call"]["id"]
    await w.bot("calls.info", id=key)
    await w.bot("calls.update", id=key, title="t")
    await w.bot("calls.participants.add", id=key, users=[{"slack_id": other}])
    await w.bot("calls.participants.remove", id=key, users=[{"slack_id": other}])
    w.apply("reject_call", {"user": w.secrets["email"], "call": key})
    await w.bot("calls.end", id=key)
    await w.user("dnd.setSnooze", num_minutes=5)
    await w.user("dnd.endSnooze")
    await w.user("dnd.endDnd")
    await w.bot("dnd.info", user=other)
    await w.bot("dnd.teamInfo", users=[other])
    reminder = (await w.user("reminders.add", text="tea", time="300"))["reminder"]["id"]
    await w.user("reminders.info", reminder=reminder)
    await w.user("reminders.list")
    await w.user("reminders.complete", reminder=reminder)
    await w.user("reminders.delete", reminder=reminder)
    group = (await w.bot("usergroups.create", name="On call", handle="oncall"))["usergroup"]["id"]
    await w.bot("usergroups.users.update", usergroup=group, users=[other])
    await w.bot("usergroups.users.list", usergroup=group)
    await w.bot("usergroups.update", usergroup=group, description="d")
    await w.bot("usergroups.disable", usergroup=group)
    await w.bot("usergroups.enable", usergroup=group)
    await w.bot("usergroups.list", include_users=True)
    im = (await w.bot("conversations.open", users=[me]))["channel"]["id"]
    thread = (await w.bot("chat.postMessage", channel=im, text="ask"))["ts"]
    place = {"channel_id": im, "thread_ts": thread}
    w.apply("open_assistant", {"user": w.secrets["email"], "channel": "it"})
    await w.bot("assistant.threads.setStatus", status="thinking", **place)
    await w.bot("assistant.threads.setTitle", title="t", **place)
    prompts = [{"title": "a", "message": "b"}]
    await w.bot("assistant.threads.setSuggestedPrompts", prompts=prompts, **place)


async def files(w: Wire, room: str) -> None:
    """files.*"""
    ticket = await w.user("files.getUploadURLExternal", filename="a.txt", length=5)
    await w.upload(ticket["upload_url"], b"hello")
    key = ticket["file_id"]
    await w.user("files.completeUploadExternal", files=[{"id": key, "title": "A"}], channel_id=room)
    await w.user("files.info", file=key)
    await w.user("files.list")
    await w.user("search.files", query="a")
    await w.user("files.sharedPublicURL", file=key)
    await w.user("files.revokePublicURL", file=key)
    await w.user("files.delete", file=key)
    remote = {"external_id": "r1", "external_url": "https://r.example/1"}
    await w.bot("files.remote.add", title="R", **remote)
    await w.bot("files.remote.update", title="R2", external_id="r1")
    await w.bot("files.remote.share", channels=[room], external_id="r1")
    await w.bot("files.remote.info", external_id="r1")
    await w.bot("files.remote.list")
    await w.bot("files.remote.remove", external_id="r1")


async def documents(w: Wire, room: str, other: str) -> None:
    """Canvases and lists."""
    content = {"type": "markdown", "markdown": "# Plan\n\nwords"}
    canvas = (await w.bot("canvases.create", title="C", document_content=content))["canvas_id"]
    await w.bot("canvases.getContent", canvas_id=canvas)
    change = {"operation": "insert_at_end", "document_content": content}
    await w.bot("canvases.edit", canvas_id=canvas, changes=[change])
    criteria = {"contains_text": "words"}
    await w.bot("canvases.sections.lookup", canvas_id=canvas, criteria=criteria)
    await w.bot("canvases.access.set", canvas_id=canvas, access_level="read", user_ids=[other])
    await w.bot("canvases.access.delete", canvas_id=canvas, user_ids=[other])
    await w.bot("canvases.delete", canvas_id=canvas)
    choices = [{"value": "a", "label": "A", "color": "red"}]
    schema = [
        {"key": "task", "name": "Task", "type": "text", "is_primary_column": True},
        {"key": "state", "name": "State", "type": "select", "options": {"choices": choices}},
        {"key": "done", "name": "Done", "type": "checkbox"},
    ]
    made = await w.bot("slackLists.create", name="L", schema=schema, description_blocks=[RICH])
    key = made["list_id"]
    columns = {column["key"]: column["id"] for column in made["list_metadata"]["schema"]}
    fields = [{"column_id": columns["task"], "rich_text": [RICH]}]
    item = (await w.bot("slackLists.items.create", list_id=key, initial_fields=fields))["item"]
    cells = [{"row_id": item["id"], "column_id": columns["done"], "checkbox": True}]
    await w.bot("slackLists.items.update", list_id=key, cells=cells)
    await w.bot("slackLists.items.list", list_id=key)
    await w.bot("slackLists.items.info", list_id=key, id=item["id"])
    await w.bot("slackLists.update", id=key, name="L2")
    await w.bot("slackLists.access.set", list_id=key, access_level="read", user_ids=[other])
    await w.bot("slackLists.access.delete", list_id=key, user_ids=[other])
    job = (await w.bot("slackLists.download.start", list_id=key))["job_id"]
    await w.bot("slackLists.download.get", list_id=key, job_id=job)
    await w.bot("slackLists.items.delete", list_id=key, id=item["id"])
    await w.bot("slackLists.items.deleteMultiple", list_id=key, ids=[item["id"]])


async def screens(w: Wire, me: str) -> None:
    """Modals, home tabs, dialogs, Block Kit."""
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    await w.bot("views.publish", user_id=me, view=home)
    view = (await w.bot("views.open", trigger_id=w.trigger(), view=MODAL))["view"]["id"]
    await w.bot("views.update", view_id=view, view=MODAL)
    await w.bot("views.push", trigger_id=w.trigger(view=True), view=MODAL)
    await w.bot("dialog.open", trigger_id=w.trigger(), dialog=DIALOG)
    await w.bot("blocks.validate", blocks=[{"type": "divider"}])
    entity = w.apply("open_entity", {"user": w.secrets["email"], "url": "https://ex.example/1"})
    await w.bot("entity.presentDetails", trigger_id=entity["trigger"], metadata={"title": "x"})


async def outside(w: Wire, room: str, other: str) -> None:
    """Slack Connect."""
    sent = await w.bot("conversations.inviteShared", channel=room, emails=["a@globex.example"])
    team = w.apply("connect_accept", {"invite": sent["invite_id"]})["team"]
    await w.bot("conversations.listConnectInvites")
    approve = {"invite_id": sent["invite_id"], "target_team": team}
    await w.bot("conversations.approveSharedInvite", **approve)
    place = {"channel": room, "target_team": team}
    await w.bot("conversations.externalInvitePermissions.set", action="upgrade", **place)
    await w.bot("team.externalTeams.list")
    second = await w.bot("conversations.inviteShared", channel=room, emails=["b@globex.example"])
    again = {"invite_id": second["invite_id"], "target_team": team}
    await w.bot("conversations.declineSharedInvite", **again)
    got = w.apply("connect_invite", {"channel": "theirs"})["invite"]
    await w.bot("conversations.acceptSharedInvite", invite_id=got, channel_name="theirs")
    await w.bot("team.externalTeams.disconnect", target_team=team)
    asked = {"user": w.secrets["email"], "channel": "it", "email": "c@x.example"}
    requests = [w.apply("connect_request", asked)["invite"] for _ in range(2)]
    await w.bot("conversations.requestSharedInvite.list")
    await w.bot("conversations.requestSharedInvite.approve", invite_id=requests[0])
    await w.bot("conversations.requestSharedInvite.deny", invite_id=requests[1])


async def apps(w: Wire, room: str, me: str, other: str) -> None:
    """Apps, their manifests and tokens; the last of it ends tokens."""
    await w.app("apps.connections.open", app_token=w.secrets["SLACK_APP_TOKEN"])
    await w.bot("rtm.connect")
    await w.bot("rtm.start")
    w.apply("configure_app", {"events": ["user_connection", "function_executed", "team_join"]})
    await w.bot("apps.user.connection.update", user_id=other, status="connected")
    await w.bot("apps.user.connection.bulkUpdate", connected_user_ids=[other])
    run = w.apply("run_function", {"callback_id": "f"})["execution"]
    await w.bot("functions.completeSuccess", function_execution_id=run, outputs={})
    run = w.apply("run_function", {"callback_id": "f"})["execution"]
    await w.bot("functions.completeError", function_execution_id=run, error="no")
    for what in ("add", "set"):
        await w.bot(f"workflows.featured.{what}", channel_id=room, trigger_ids=["Ft1", "Ft2"])
    await w.bot("workflows.featured.list", channel_ids=[room])
    await w.bot("workflows.featured.remove", channel_id=room, trigger_ids=["Ft2"])
    w.apply("add_users", [{"first": "Zoe", "last": "New", "email": "zoe@acme.example"}])
    context = w.secrets["context"]
    await w.app("apps.event.authorizations.list", event_context=context)
    await w.config("apps.manifest.validate", manifest=MANIFEST)
    made = (await w.config("apps.manifest.create", manifest=MANIFEST))["app_id"]
    await w.config("apps.manifest.export", app_id=made)
    await w.config("apps.manifest.update", app_id=made, manifest=MANIFEST)
    await w.config("apps.manifest.delete", app_id=made)
    await w.config("tooling.tokens.rotate", refresh_token=w.secrets["SLACK_CONFIG_REFRESH_TOKEN"])
    client = {name: w.secrets[f"SLACK_{name.upper()}"] for name in ("client_id", "client_secret")}
    back = {**client, "redirect_uri": BACK}
    code = w.consent("/oauth/v2/authorize", scope="chat:write", user_scope="users:read")
    await w.bot("oauth.v2.access", code=code, **back)
    code = w.consent("/oauth/authorize", scope="bot,users:read")
    await w.bot("oauth.access", code=code, **back)
    code = w.consent("/openid/connect/authorize", scope="openid email profile", nonce="n")
    await w.bot("openid.connect.token", code=code, **back)
    w.apply("configure_app", {"token_rotation": True})
    await w.bot("oauth.v2.exchange", token=w.secrets["SLACK_USER_TOKEN"], **client)
    await w.admin("auth.revoke")
    await w.bot("apps.uninstall", **client)
