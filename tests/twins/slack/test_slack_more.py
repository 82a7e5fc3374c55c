"""Reminders in words, files where they are shown, dialogs, functions, Slack Connect, sign-in."""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from factory_tui.universe import Request
from twins.slack.apps import ALL_SCOPES
from twins.slack.reminder_times import parse_when

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("in 5 minutes", "2026-03-02T09:05"),
        ("in an hour", "2026-03-02T10:00"),
        ("in 2 weeks", "2026-03-16T09:00"),
        ("at 3:30pm", "2026-03-02T15:30"),
        ("8am", "2026-03-03T08:00"),
        ("tomorrow", "2026-03-03T09:00"),
        ("tomorrow at 14:15", "2026-03-03T14:15"),
        ("on Tuesday", "2026-03-03T09:00"),
        ("next friday at noon", "2026-03-06T12:00"),
        ("next week", "2026-03-09T09:00"),
        ("every Thursday at 10am", "2026-03-05T10:00"),
        ("2026-04-01", "2026-04-01T09:00"),
        ("sometime", None),
        ("at 25:00", None),
        ("2026-02-31", None),
        ("today at 8am", None),
    ],
)
def test_times_in_words(text: str, when: str | None) -> None:
    found = parse_when(text, NOW)
    shown = datetime.fromtimestamp(found[0], UTC).isoformat()[:16] if found else None
    assert shown == when
    assert found is None or found[1] is text.startswith("every")


def test_reminders_that_come_again_cannot_be_completed(workspace: Any) -> None:
    made = workspace("reminders.add", text="stand up", time="every day at 9am")["reminder"]
    assert (made["recurring"], "time" in made) == (True, False)
    done = workspace("reminders.complete", reminder=made["id"])
    assert done["error"] == "cannot_complete_recurring"


def _uploaded(workspace: Any, name: str, data: bytes, **args: Any) -> Any:
    made = workspace("files.getUploadURLExternal", filename=name, length=len(data))
    path = urlsplit(made["upload_url"]).path
    workspace.universe.handle("slack", Request.build("POST", path, {}, data))
    return workspace("files.completeUploadExternal", files=[{"id": made["file_id"]}], **args)


def test_a_file_knows_where_it_is_shown(workspace: Any) -> None:
    room, person = workspace.channel("it"), workspace.user("it", 1)
    im = workspace("conversations.open", users=person)["channel"]["id"]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "see"}}]
    done = _uploaded(workspace, "a.png", b"x", channels=f"{room},{im}", blocks=blocks)
    file = done["files"][0]
    assert (file["channels"], file["ims"], file["is_public"]) == ([room], [im], True)
    assert set(file["shares"]) == {"public", "private"}
    message = workspace("conversations.history", channel=room)["messages"][0]
    assert message["ts"] == file["shares"]["public"][room][0]["ts"]
    assert message["blocks"][0]["text"]["text"] == "see"
    assert len(workspace("files.list", types="images")["files"]) == 1
    assert workspace("files.list", types="pdfs")["files"] == []
    assert workspace("files.list", types="songs")["error"] == "unknown_type"
    bad = _uploaded(workspace, "b.txt", b"y", channel_id=room, blocks=[{"type": "x"}])
    assert bad["error"] == "invalid_blocks"


def test_only_who_may_see_a_file_can_download_it(workspace: Any) -> None:
    workspace.universe.apply("slack", "add_channels", [{"name": "secret", "private": True}])
    secret = workspace.channel("secret")
    file = _uploaded(workspace, "a.csv", b"a,b", channel_id=secret)["files"][0]
    stranger = workspace.acting(workspace.universe.pick("it", 1)["email"], "files:read")

    def read(token: str) -> Any:
        path = urlsplit(file["url_private"]).path
        head = {"authorization": f"Bearer {token}"}
        return workspace.universe.handle("slack", Request.build("GET", path, head))

    assert read(workspace.token).body == b"a,b"
    assert read(workspace.token).header("content-type") == "text/csv"
    assert read(stranger.token).status == 404


def test_a_list_can_be_read_as_csv(workspace: Any) -> None:
    workspace.universe.apply("slack", "set_token", {"scopes": sorted(ALL_SCOPES)})
    made = workspace("slackLists.create", name="Tasks", todo_mode=True)
    key, column = made["list_id"], made["list_metadata"]["schema"][0]["id"]
    words = [{"type": "text", "text": "Write, then send"}]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": words}]}
    item = workspace(
        "slackLists.items.create",
        list_id=key,
        initial_fields=[{"column_id": column, "rich_text": [rich]}],
    )["item"]
    person = workspace.user("it", 1)
    cells = [
        {"row_id": item["id"], "column_id": "Col00", "checkbox": True},
        {"row_id": item["id"], "column_id": "Col01", "user": [person]},
        {"row_id_to_create": "x", "column_id": "Col02", "date": ["2026-03-09"]},
    ]
    assert workspace("slackLists.items.update", list_id=key, cells=cells)["ok"]
    copy = workspace(
        "slackLists.create", name="Copy", copy_from_list_id=key, include_copied_list_records=True
    )["list_id"]
    assert len(workspace("slackLists.items.list", list_id=copy)["items"]) == 2
    job = workspace("slackLists.download.start", list_id=key)["job_id"]
    url = workspace("slackLists.download.get", list_id=key, job_id=job)["download_url"]
    head = {"authorization": f"Bearer {workspace.token}"}
    path = url.partition("twin.test")[2]
    text = workspace.universe.handle("slack", Request.build("GET", path, head)).body.decode()
    assert text.splitlines() == [
        "Name,Completed,Assignee,Due Date",
        f'"Write, then send",true,{person},',
        ",,,2026-03-09",
    ]


def test_a_list_is_its_makers_until_it_is_shared(workspace: Any) -> None:
    email = workspace.universe.pick("it", 1)["email"]
    workspace.universe.apply("slack", "set_token", {"scopes": sorted(ALL_SCOPES)})
    person = workspace.acting(email, *sorted(ALL_SCOPES))
    key = workspace("slackLists.create", name="L")["list_id"]
    share = {"list_id": key, "user_ids": [workspace.user("it", 1)]}
    assert person("slackLists.items.list", list_id=key)["error"] == "list_not_found"
    workspace("slackLists.access.set", access_level="read", **share)
    assert person("slackLists.items.list", list_id=key)["ok"]
    assert person("slackLists.items.create", list_id=key)["error"] == "permission_denied"
    workspace("slackLists.access.set", access_level="write", **share)
    assert person("slackLists.items.create", list_id=key)["ok"]
    assert person("slackLists.access.delete", **share)["error"] == "restricted_action"
    workspace("slackLists.access.delete", **share)
    assert person("slackLists.items.list", list_id=key)["error"] == "list_not_found"


def test_a_dialog_is_filled_in_and_sent(workspace: Any) -> None:
    universe = workspace.universe
    email = universe.pick("it", 1)["email"]
    settings = {"url": "http://127.0.0.1:9/", "commands": ["/ask"]}
    universe.apply("slack", "configure_app", settings)
    universe.apply("slack", "slash_command", {"user": email, "command": "/ask"})
    trigger = universe.outbox.pending[-1].event.payload["trigger_id"]
    dialog = {
        "title": "Ask",
        "callback_id": "ask",
        "state": "s",
        "elements": [
            {"type": "text", "name": "what", "label": "What"},
            {"type": "select", "name": "who", "label": "Who", "optional": True,
             "options": [{"label": "A", "value": "a"}]},
        ],
    }  # fmt: skip
    wrong = workspace("dialog.open", trigger_id=trigger, dialog={**dialog, "title": "t" * 25})
    assert wrong["response_metadata"]["messages"] == [
        "The field `title` cannot be longer than 24 characters"
    ]
    assert workspace("dialog.open", trigger_id=trigger, dialog=json.dumps(dialog))["ok"]
    again = workspace("dialog.open", trigger_id=trigger, dialog=dialog)
    assert again["error"] == "trigger_exchanged"
    universe.apply("slack", "submit_dialog", {"user": email, "values": {"what": "tea"}})
    sent = universe.outbox.pending[-1].event.payload
    assert (sent["type"], sent["state"]) == ("dialog_submission", "s")
    assert sent["submission"] == {"what": "tea", "who": None}


def test_functions_are_completed_once_and_as_declared(workspace: Any) -> None:
    universe = workspace.universe
    state = universe.twins["slack"]
    state.pack.stand_alone(state)
    run = universe.apply("slack", "run_function", {"callback_id": "f"})["execution"]
    assert workspace("functions.completeSuccess", function_execution_id=run, outputs={"a": 1})["ok"]
    again = workspace("functions.completeError", function_execution_id=run, error="late")
    assert again["error"] == "execution_not_in_running_state"


def test_a_channel_is_shared_with_another_organisation(workspace: Any) -> None:
    universe = workspace.universe
    universe.apply("slack", "set_token", {"scopes": sorted(ALL_SCOPES)})
    room = workspace.channel("it")
    sent = workspace("conversations.inviteShared", channel=room, emails=["a@globex.example"])
    team = universe.apply("slack", "connect_accept", {"invite": sent["invite_id"]})["team"]
    listed = workspace("conversations.listConnectInvites")["invites"]
    assert [(row["direction"], row["status"]) for row in listed] == [("outgoing", "accepted")]
    args = {"invite_id": sent["invite_id"], "target_team": team}
    assert workspace("conversations.approveSharedInvite", **args)["ok"]
    assert workspace("conversations.approveSharedInvite", **args)["error"] == "already_approved"
    shown = workspace("conversations.info", channel=room)["channel"]
    assert (shown["is_ext_shared"], shown["connected_team_ids"]) == (True, [team])
    partner = workspace("team.externalTeams.list")["organizations"][0]
    assert (partner["team_name"], partner["public_channel_count"]) == ("Globex", 1)
    assert workspace("team.externalTeams.disconnect", target_team=team)["ok"]
    assert workspace("conversations.info", channel=room)["channel"]["is_ext_shared"] is False


def test_signing_in_with_slack_gives_a_token_that_verifies(workspace: Any) -> None:
    universe = workspace.universe
    state = universe.twins["slack"]
    state.pack.stand_alone(state)
    env = universe.env("slack", "http://twin.test")
    back = "http://localhost:3000/slack/oauth_redirect"
    asked = {"client_id": env["SLACK_CLIENT_ID"], "scope": "openid email", "redirect_uri": back,
             "nonce": "n", "state": "s", "response_type": "code"}  # fmt: skip
    path = f"/openid/connect/authorize?{urlencode(asked)}"
    location = universe.handle("slack", Request.build("POST", path, {}, b"")).header("location")
    code = parse_qs(urlsplit(location or "").query)["code"][0]
    client = {"client_id": env["SLACK_CLIENT_ID"], "client_secret": env["SLACK_CLIENT_SECRET"]}
    done = workspace("openid.connect.token", code=code, redirect_uri=back, **client)
    head, claims, signature = done["id_token"].split(".")

    def decoded(part: str) -> bytes:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))

    said = json.loads(decoded(claims))
    assert (said["nonce"], said["aud"]) == ("n", env["SLACK_CLIENT_ID"])
    assert "email" in said and "name" not in said
    served = universe.handle("slack", Request.build("GET", "/openid/connect/keys")).data()
    key = served["keys"][0]
    modulus = int.from_bytes(decoded(key["n"]), "big")
    opened = pow(int.from_bytes(decoded(signature), "big"), 65537, modulus).to_bytes(256, "big")
    assert opened.startswith(b"\0\1\xff")
    assert json.loads(decoded(head))["kid"] == key["kid"]
    workspace.token = done["access_token"]
    assert workspace("openid.connect.userInfo")["sub"] == said["sub"]
    reused = workspace("openid.connect.token", code=code, redirect_uri=back, **client)
    assert reused["error"] == "invalid_code"


def test_an_app_made_from_a_manifest_is_installed(workspace: Any) -> None:
    universe = workspace.universe
    state = universe.twins["slack"]
    state.pack.stand_alone(state)
    env = universe.env("slack", "http://twin.test")
    bot = workspace.token
    workspace.token = env["SLACK_CONFIG_TOKEN"]
    back = "https://made.example/back"
    manifest = {
        "display_information": {"name": "Made"},
        "features": {"bot_user": {"display_name": "made"}},
        "oauth_config": {"scopes": {"bot": ["chat:write"]}, "redirect_urls": [back]},
    }
    made = workspace("apps.manifest.create", manifest=json.dumps(manifest))
    exported = workspace("apps.manifest.export", app_id=made["app_id"])["manifest"]
    assert exported["oauth_config"]["redirect_urls"] == [back]
    path = urlsplit(made["oauth_authorize_url"])
    page = Request.build("POST", f"{path.path}?{path.query}", {}, b"allow=1")
    location = universe.handle("slack", page).header("location")
    code = parse_qs(urlsplit(location or "").query)["code"][0]
    secrets = {name: made["credentials"][name] for name in ("client_id", "client_secret")}
    done = workspace("oauth.v2.access", code=code, **secrets)
    workspace.token = done["access_token"]
    assert workspace("auth.test")["user"] == "made"
    assert workspace("chat.postMessage", channel="#it", text="x")["error"] == "not_in_channel"
    workspace.token = env["SLACK_CONFIG_TOKEN"]
    assert workspace("apps.manifest.delete", app_id=made["app_id"])["ok"]
    workspace.token = done["access_token"]
    assert workspace("auth.test")["error"] == "invalid_auth"
    workspace.token = bot
    assert workspace("auth.test")["ok"]


def test_manifests_are_judged_in_slacks_words(workspace: Any) -> None:
    state = workspace.universe.twins["slack"]
    state.pack.stand_alone(state)
    workspace.token = workspace.universe.env("slack", "http://x")["SLACK_CONFIG_TOKEN"]
    settings = {"event_subscriptions": {}, "interactivity": {"is_enabled": True}}
    manifest = {"display_information": {"name": "M"}, "settings": settings}
    found = workspace("apps.manifest.validate", manifest=manifest)
    assert found["errors"] == [
        {
            "message": "Event Subscription requires either Request URL or Socket Mode Enabled",
            "pointer": "/settings/event_subscriptions",
        },
        {
            "message": "Interactivty requires a Request URL",
            "pointer": "/settings/interactivity",
        },
        {
            "message": "Interactivity requires Socket Mode enabled",
            "pointer": "/settings/interactivity",
        },
    ]
    workspace.universe.clock.advance(43_201)
    assert workspace("apps.manifest.validate", manifest={})["error"] == "token_expired"


def test_an_app_keeps_items_and_finds_them_again(workspace: Any) -> None:
    universe = workspace.universe
    state = universe.twins["slack"]
    state.pack.stand_alone(state)
    env = universe.env("slack", "http://x")
    bot = workspace.token
    workspace.token = env["SLACK_CONFIG_TOKEN"]
    manifest = workspace("apps.manifest.export", app_id=env["SLACK_APP_ID"])["manifest"]
    attributes = {
        "id": {"type": "string", "required": True},
        "age": {"type": "integer"},
        "tags": {"type": "array"},
    }
    manifest["datastores"] = {"pets": {"primary_key": "id", "attributes": attributes}}
    manifest["oauth_config"]["scopes"] = {}
    assert workspace("apps.manifest.update", app_id=env["SLACK_APP_ID"], manifest=manifest)["ok"]
    workspace.token = bot
    pets = [{"id": f"p{n}", "age": n, "tags": ["even"] if n % 2 == 0 else []} for n in range(6)]
    for pet in pets[:3]:
        assert workspace("apps.datastore.put", datastore="pets", item=pet)["item"] == pet
    assert workspace("apps.datastore.bulkPut", datastore="pets", items=pets[3:])["ok"]
    changed = workspace("apps.datastore.update", datastore="pets", item={"id": "p1", "age": 9})
    assert changed["item"] == {"id": "p1", "age": 9, "tags": []}

    def found(expression: str, **values: Any) -> list[str]:
        answer = workspace(
            "apps.datastore.query",
            datastore="pets",
            expression=expression,
            expression_attributes={"#id": "id", "#age": "age", "#tags": "tags"},
            expression_values={f":{name}": value for name, value in values.items()},
        )
        if "error" in answer:
            return [answer["error"]]
        return [item["id"] for item in answer["items"]]

    assert found("#age >= :a", a=4) == ["p1", "p4", "p5"]
    assert found("#age BETWEEN :a AND :b AND contains(#tags, :t)", a=1, b=4, t="even") == [
        "p2",
        "p4",
    ]
    assert found("begins_with(#id, :p) AND (#age = :a OR #age = :b)", p="p", a=0, b=5) == [
        "p0",
        "p5",
    ]
    assert found("#age ~ :a", a=1) == ["datastore_error"]
    assert found("#nope = :a", a=1) == ["datastore_error"]
    first = workspace("apps.datastore.query", datastore="pets", limit=4)
    cursor = first["response_metadata"]["next_cursor"]
    rest = workspace("apps.datastore.query", datastore="pets", limit=4, cursor=cursor)["items"]
    assert (
        len(first["items"]) + len(rest)
        == workspace("apps.datastore.count", datastore="pets")["count"]
    )
    assert workspace("apps.datastore.delete", datastore="pets", id="p0")["ok"]
    assert workspace("apps.datastore.get", datastore="pets", id="p0")["item"] == {}
    bad = workspace("apps.datastore.put", datastore="pets", item={"id": "x", "age": "old"})
    assert bad["error"] == "datastore_error"
    none = workspace("apps.datastore.get", datastore="birds", id="x")
    assert none["error"] == "datastore_config_not_found"
