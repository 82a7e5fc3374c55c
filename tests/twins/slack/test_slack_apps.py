"""OAuth, incoming webhooks, search and what else apps and people use."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from factory_tui.universe import Request, Universe
from twins.slack.apps import ALL_SCOPES
from twins.slack.retired import RETIRED

Serve = Callable[[Universe, str], Awaitable[str]]
BACK = "https://app.example/back"


def consent(workspace: Any, app: dict[str, str], **args: str) -> dict[str, list[str]]:
    """Where the browser is sent after the person's answer."""
    query = urlencode({"client_id": app["client_id"], "state": "s1", **args})
    page = workspace.universe.handle("slack", Request.build("GET", f"/oauth/v2/authorize?{query}"))
    assert page.status == 200
    assert b"Allow" in page.body
    sent = workspace.universe.handle("slack", Request.build("POST", f"/oauth/v2/authorize?{query}"))
    assert sent.status == 302
    location = str(sent.header("location"))
    assert location.startswith(BACK)
    return parse_qs(urlsplit(location).query)


@pytest.fixture
def app(workspace: Any) -> dict[str, str]:
    args = {"redirect_urls": [BACK]}
    made = workspace.universe.apply("slack", "configure_app", args)["slack_app"]
    return made  # type: ignore[no-any-return]


async def test_the_client_installs_by_oauth(
    workspace: Any, app: dict[str, str], served: Serve
) -> None:
    url = await served(workspace.universe, "slack")
    asked = {"scope": "dnd:read,incoming-webhook", "user_scope": "search:read"}
    back = consent(workspace, app, **asked)
    assert back["state"] == ["s1"]

    def work() -> None:
        client = WebClient(base_url=f"{url}/api/")
        secrets = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
        got = client.oauth_v2_access(**secrets, code=back["code"][0])
        assert got["access_token"] == app["bot_token"]
        assert "dnd:read" in got["scope"]
        assert got["authed_user"]["scope"] == "search:read"
        bot = WebClient(got["access_token"], base_url=f"{url}/api/")
        assert bot.dnd_info()["dnd_enabled"] is True
        hook = WebhookClient(got["incoming_webhook"]["url"])
        said = hook.send(text="by webhook")
        assert (said.status_code, said.body) == (200, "ok")
        assert hook.send(text="").body == "no_text"
        person = WebClient(got["authed_user"]["access_token"], base_url=f"{url}/api/")
        found = person.search_messages(query="webhook")["messages"]
        assert [match["text"] for match in found["matches"]] == ["by webhook"]

    await asyncio.to_thread(work)
    again = workspace(
        "oauth.v2.access",
        client_id=app["client_id"],
        client_secret=app["client_secret"],
        code=back["code"][0],
    )
    assert again["error"] == "code_already_used"


def test_oauth_says_no(workspace: Any, app: dict[str, str]) -> None:
    good = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    for args, error in [
        ({}, "invalid_client_id"),
        ({**good, "client_secret": "x"}, "bad_client_secret"),
        (good, "invalid_code"),
        ({**good, "code": "x"}, "invalid_code"),
        ({**good, "grant_type": "password"}, "invalid_grant_type"),
        ({**good, "grant_type": "refresh_token", "refresh_token": "x"}, "invalid_refresh_token"),
    ]:
        assert workspace("oauth.v2.access", **args)["error"] == error, args
    back = consent(workspace, app, scope="chat:write", redirect_uri=BACK)
    wrong = workspace("oauth.v2.access", **good, code=back["code"][0])
    assert wrong["error"] == "bad_redirect_uri"
    denied = consent(workspace, app, scope="chat:write", deny="1")
    assert denied["error"] == ["access_denied"]
    elsewhere = urlencode({**good, "scope": "chat:write", "redirect_uri": "https://evil.example"})
    page = Request.build("GET", f"/oauth/v2/authorize?{elsewhere}")
    assert workspace.universe.handle("slack", page).status == 400


def test_tokens_that_rotate(workspace: Any, app: dict[str, str]) -> None:
    workspace.universe.apply("slack", "configure_app", {"token_rotation": True})
    good = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    code = consent(workspace, app, scope="users:read")["code"][0]
    first = workspace("oauth.v2.access", **good, code=code)
    workspace.token = first["access_token"]
    assert workspace("users.list")["ok"]
    workspace.universe.clock.advance(43_200)
    assert workspace("users.list")["error"] == "token_expired"
    renew = {**good, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    workspace.token = workspace("oauth.v2.access", **renew)["access_token"]
    assert workspace("users.list")["ok"]
    assert workspace("oauth.v2.access", **renew)["error"] == "invalid_refresh_token"
    assert workspace("apps.uninstall", **good)["ok"]
    assert workspace("users.list")["error"] == "token_revoked"


def test_webhooks_say_what_is_wrong(workspace: Any) -> None:
    made = workspace.universe.apply("slack", "add_webhook", {"channel": "it"})["webhook"]
    path = urlsplit(made["url"]).path

    def send(body: Any, at: str = path) -> tuple[int, str]:
        sent = Request.build("POST", at, {}, body)
        response = workspace.universe.handle("slack", sent)
        return response.status, response.body.decode()

    assert send({"text": "hi"}) == (200, "ok")
    form = Request.build(
        "POST",
        path,
        {"content-type": "application/x-www-form-urlencoded"},
        urlencode({"payload": '{"text": "as a form"}'}),
    )
    assert workspace.universe.handle("slack", form).status == 200
    assert send("nonsense") == (400, "invalid_payload")
    assert send({"text": "x", "blocks": [{"type": "x"}]}) == (400, "invalid_blocks")
    assert send({"text": "x"}, path[:-1]) == (403, "invalid_token")
    assert send({"text": "x"}, "/services/T0/B0/x") == (404, "no_service")
    workspace.universe.apply("slack", "archive_channel", {"name": "it"})
    assert send({"text": "x"}) == (410, "channel_is_archived")
    workspace.universe.apply("slack", "add_webhook", {"revoke": made["url"]})
    assert send({"text": "x"}) == (403, "action_prohibited")
    texts = [row["text"] for row in workspace.universe.view("slack")["messages"]]
    assert texts == ["hi", "as a form"]


def test_search_words_and_modifiers(workspace: Any) -> None:
    email = workspace.universe.pick("it", 1)["email"]
    person = workspace.acting(email, *sorted(ALL_SCOPES))
    room, other = workspace.channel("it"), workspace.channel("design")
    for channel, text in [
        (room, "the deploy failed"), (room, "deploy again: https://ci.example"),
        (other, "deployment of a poster"),
    ]:  # fmt: skip
        workspace("chat.postMessage", channel=channel, text=text)
    person("chat.postMessage", channel=room, text="deploy it myself")

    def found(query: str, **args: Any) -> list[str]:
        answer = person("search.messages", query=query, **args)["messages"]
        return [match["text"] for match in answer["matches"]]

    assert len(found("deploy")) == 3
    assert len(found("deploy*")) == 4
    assert found("deploy from:me") == ["deploy it myself"]
    assert found('"deploy failed"') == ["the deploy failed"]
    assert found("has:link") == ["deploy again: <https://ci.example>"]
    assert found("in:design") == ["deployment of a poster"]
    assert found("deploy -failed -from:me") == ["deploy again: <https://ci.example>"]
    assert found("deploy before:2026-03-02") == []
    assert len(found("deploy on:2026-03-02")) == 3
    assert found("deploy", count=1, page=2) == ["deploy again: <https://ci.example>"]
    assert person("search.messages")["error"] == "no_query"
    assert workspace("search.messages", query="x")["error"] == "not_allowed_token_type"


def test_snoozes_and_stars(workspace: Any) -> None:
    person = workspace.acting(workspace.universe.pick("it", 1)["email"], *sorted(ALL_SCOPES))
    assert person("dnd.endSnooze")["error"] == "snooze_not_active"
    assert person("dnd.setSnooze", num_minutes=5)["snooze_remaining"] == 300
    workspace.universe.clock.advance(301)
    assert person("dnd.info")["snooze_enabled"] is False
    room = workspace.channel("it")
    ts = workspace("chat.postMessage", channel=room, text="keep")["ts"]
    item = {"channel": room, "timestamp": ts}
    assert person("stars.add", **item)["ok"]
    assert person("stars.add", **item)["error"] == "already_starred"
    assert person("stars.list")["items"][0]["message"]["text"] == "keep"
    assert person("stars.remove", **item)["ok"]
    assert person("stars.remove", **item)["error"] == "not_starred"


def test_calls(workspace: Any) -> None:
    workspace.universe.apply("slack", "set_token", {"scopes": sorted(ALL_SCOPES)})
    person = workspace.user("it", 1)
    args = {"external_unique_id": "c1", "join_url": "https://call.example", "created_by": person}
    call = workspace("calls.add", **args)["call"]["id"]
    assert workspace("calls.add", **args)["error"] == "external_unique_id_taken"
    assert workspace("calls.participants.add", id=call, users=[{"slack_id": person}])["ok"]
    assert workspace("calls.info", id=call)["call"]["users"] == [{"slack_id": person}]
    assert workspace("calls.end", id=call)["ok"]
    assert workspace("calls.update", id=call, title="x")["error"] == "call_ended"


def test_triggers_open_one_modal_within_three_seconds(workspace: Any) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}
    universe = workspace.universe
    person = universe.pick("it", 1)["email"]
    settings = {"url": "http://127.0.0.1:9/", "commands": ["/x"]}
    universe.apply("slack", "configure_app", settings)

    def trigger() -> str:
        universe.apply("slack", "slash_command", {"user": person, "command": "/x"})
        return str(universe.outbox.pending[-1].event.payload["trigger_id"])

    assert workspace("views.open", trigger_id="x", view=view)["error"] == "invalid_trigger_id"
    one = trigger()
    opened = workspace("views.open", trigger_id=one, view={**view, "external_id": "e"})["view"]
    again = workspace("views.open", trigger_id=one, view=view)
    assert again["error"] == "exchanged_trigger_id"
    late = trigger()
    universe.clock.advance(4)
    assert workspace("views.open", trigger_id=late, view=view)["error"] == "expired_trigger_id"
    taken = workspace("views.open", trigger_id=trigger(), view={**view, "external_id": "e"})
    assert taken["error"] == "duplicate_external_id"
    changed = {**view, "blocks": [{"type": "divider"}]}
    stale = workspace("views.update", view_id=opened["id"], view=changed, hash="1.x")
    assert stale["error"] == "hash_conflict"
    assert workspace("views.update", external_id="e", view=changed)["view"]["id"] == opened["id"]
    assert workspace("views.update", view_id="V0", view=changed)["error"] == "not_found"
    long = {**view, "title": {"type": "plain_text", "text": "x" * 25}}
    bad = workspace("views.open", trigger_id=trigger(), view=long)
    assert bad["error"] == "invalid_arguments"
    assert "/view/title" in bad["response_metadata"]["messages"][0]


def test_retired_methods_name_what_to_use(workspace: Any) -> None:
    answer = workspace("channels.list")
    assert "conversations.list" in answer["response_metadata"]["messages"][0]
    for name in RETIRED:
        assert workspace(name)["error"] == "method_deprecated", name


def test_canvases(workspace: Any) -> None:
    workspace.universe.apply("slack", "set_token", {"scopes": sorted(ALL_SCOPES)})
    content = {"type": "markdown", "markdown": "# Plan\n\nfirst\n\nsecond"}
    canvas = workspace("canvases.create", title="t", document_content=content)["canvas_id"]

    def edit(**change: Any) -> dict[str, Any]:
        return workspace("canvases.edit", canvas_id=canvas, changes=[change])  # type: ignore

    def ids(**criteria: Any) -> list[str]:
        found = workspace("canvases.sections.lookup", canvas_id=canvas, criteria=criteria)
        return [item["id"] for item in found["sections"]]

    assert len(ids(section_types=["h1"])) == 1
    first = ids(contains_text="first")[0]
    more = {"type": "markdown", "markdown": "between"}
    assert edit(operation="insert_after", section_id=first, document_content=more)["ok"]
    assert edit(operation="delete", section_id=first)["ok"]
    assert edit(operation="delete", section_id=first)["error"] == "section_not_found"
    assert ids(contains_text="first") == []
    assert len(ids(contains_text="between")) == 1
    person = workspace.acting(workspace.universe.pick("it", 1)["email"], *sorted(ALL_SCOPES))
    look = {"canvas_id": canvas, "criteria": {"contains_text": "Plan"}}
    assert person("canvases.sections.lookup", **look)["error"] == "canvas_not_found"
    room = {"canvas_id": canvas, "channel_ids": [workspace.channel("it")]}
    assert workspace("canvases.access.set", **room, access_level="read")["ok"]
    assert person("canvases.sections.lookup", **look)["ok"]
    assert workspace("canvases.access.delete", **room)["ok"]
    assert person("canvases.delete", canvas_id=canvas)["error"] == "canvas_not_found"
    made = {"channel_id": workspace.channel("it")}
    assert workspace("conversations.canvases.create", **made)["ok"]
    again = workspace("conversations.canvases.create", **made)["error"]
    assert again == "channel_canvas_already_exists"


async def test_the_client_drives_the_rest(workspace: Any, served: Serve) -> None:
    universe = workspace.universe
    every = sorted(ALL_SCOPES)
    token = universe.apply("slack", "set_token", {"scopes": every})["token"]
    url = f"{await served(universe, 'slack')}/api/"
    email = universe.pick("it", 1)["email"]
    personal = universe.apply("slack", "add_token", {"user": email, "scopes": every})["token"]
    room, user = workspace.channel("it"), workspace.user("it", 1)

    def work() -> None:
        bot, person = WebClient(token, base_url=url), WebClient(personal, base_url=url)
        ts = bot.chat_postMessage(channel=room, text="see https://wiki.example/a")["ts"]
        unfurls = {"https://wiki.example/a": {"text": "A page"}}
        bot.chat_unfurl(channel=room, ts=ts, unfurls=unfurls)
        shown = bot.conversations_history(channel=room, limit=1)["messages"][0]
        assert shown["attachments"][0]["text"] == "A page"
        to = {"recipient_user_id": user, "recipient_team_id": bot.auth_test()["team_id"]}
        stream = bot.chat_startStream(channel=room, thread_ts=ts, markdown_text="a", **to)["ts"]
        bot.chat_appendStream(channel=room, ts=stream, markdown_text="b")
        bot.chat_stopStream(channel=room, ts=stream, markdown_text="c")
        thread = bot.conversations_replies(channel=room, ts=ts)["messages"]
        assert thread[-1]["text"] == "abc"
        bot.chat_update(channel=room, ts=ts, text="edited")
        bot.chat_getPermalink(channel=room, message_ts=ts)
        bot.chat_postEphemeral(channel=room, user=user, text="psst")
        bot.chat_meMessage(channel=room, text="waves")
        later = universe.clock.epoch() + 600
        queued = bot.chat_scheduleMessage(channel=room, post_at=later, text="later")
        assert len(bot.chat_scheduledMessages_list()["scheduled_messages"]) == 1
        bot.chat_deleteScheduledMessage(
            channel=room, scheduled_message_id=queued["scheduled_message_id"]
        )
        person.stars_add(channel=room, timestamp=ts)
        assert len(person.stars_list()["items"]) == 1
        person.stars_remove(channel=room, timestamp=ts)
        person.reactions_add(channel=room, timestamp=ts, name="eyes")
        assert len(person.reactions_list()["items"]) == 1
        person.reactions_remove(channel=room, timestamp=ts, name="eyes")
        person.pins_add(channel=room, timestamp=ts)
        person.pins_remove(channel=room, timestamp=ts)
        person.dnd_setSnooze(num_minutes=5)
        person.dnd_endSnooze()
        person.dnd_endDnd()
        assert user in bot.dnd_teamInfo(users=[user])["users"]
        person.users_setPresence(presence="away")
        assert bot.users_getPresence(user=user)["presence"] == "away"
        person.users_profile_set(profile={"status_text": "out"})
        assert bot.users_profile_get(user=user)["profile"]["status_text"] == "out"
        assert person.users_identity()["user"]["id"] == user
        bot.users_info(user=user)
        bot.users_conversations(user=user)
        bot.bots_info()
        bot.emoji_list()
        bot.auth_teams_list()
        bot.api_test()
        bot.team_profile_get()
        bot.team_preferences_list()
        bot.team_billing_info()
        assert user in person.team_billableInfo()["billable_info"]
        person.team_integrationLogs()
        person.search_all(query="edited")
        person.search_files(query="edited")
        group = bot.usergroups_create(name="Ops", handle="ops")["usergroup"]["id"]
        bot.usergroups_update(usergroup=group, name="Operations")
        bot.usergroups_users_update(usergroup=group, users=[user])
        assert bot.usergroups_users_list(usergroup=group)["users"] == [user]
        bot.usergroups_disable(usergroup=group)
        bot.usergroups_enable(usergroup=group)
        bot.usergroups_list()
        link = {"title": "W", "type": "link", "link": "https://w.example"}
        mark = bot.bookmarks_add(channel_id=room, **link)["bookmark"]["id"]
        bot.bookmarks_edit(bookmark_id=mark, channel_id=room, title="V")
        bot.bookmarks_list(channel_id=room)
        bot.bookmarks_remove(bookmark_id=mark, channel_id=room)
        canvas = bot.canvases_create(title="c")["canvas_id"]
        bot.canvases_access_set(canvas_id=canvas, access_level="read", user_ids=[user])
        bot.canvases_delete(canvas_id=canvas)
        call = bot.calls_add(external_unique_id="1", join_url="https://c", created_by=user)
        bot.calls_update(id=call["call"]["id"], title="t")
        bot.calls_participants_add(id=call["call"]["id"], users=[{"slack_id": user}])
        bot.calls_participants_remove(id=call["call"]["id"], users=[{"slack_id": user}])
        bot.calls_info(id=call["call"]["id"])
        bot.calls_end(id=call["call"]["id"])
        direct = bot.conversations_open(users=[user])["channel"]["id"]
        head = bot.chat_postMessage(channel=direct, text="hi")["ts"]
        bot.assistant_threads_setStatus(channel_id=direct, thread_ts=head, status="thinks")
        bot.assistant_threads_setTitle(channel_id=direct, thread_ts=head, title="T")
        prompts = [{"title": "a", "message": "b"}]
        bot.assistant_threads_setSuggestedPrompts(
            channel_id=direct, thread_ts=head, prompts=prompts
        )
        bot.conversations_mark(channel=direct, ts=head)
        bot.conversations_close(channel=direct)
        made = bot.conversations_create(name="a1")["channel"]["id"]
        bot.conversations_rename(channel=made, name="a2")
        bot.conversations_setPurpose(channel=made, purpose="p")
        person.conversations_join(channel=made)
        person.conversations_leave(channel=made)
        bot.conversations_archive(channel=made)
        bot.conversations_unarchive(channel=made)
        bot.views_publish(user_id=user, view={"type": "home", "blocks": []})
        bot.chat_delete(channel=room, ts=ts)
        person.auth_revoke()

    await asyncio.to_thread(work)


def test_published_limits_count_per_method_and_channel(make_workspace: Any) -> None:
    workspace = make_workspace(seeds={"slack": "acme-12"}, limits=True)
    room, other = workspace.channel("it"), workspace.channel("design")
    assert workspace("chat.postMessage", channel=room, text="1")["ok"]
    limited = workspace.raw("chat.postMessage", {"channel": room, "text": "2"})
    assert (limited.status, limited.header("retry-after")) == (429, "1")
    assert workspace("chat.postMessage", channel=other, text="3")["ok"]
    workspace.universe.clock.advance(1)
    assert workspace("chat.postMessage", channel=room, text="4")["ok"]
