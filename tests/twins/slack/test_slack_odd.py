"""Odd arguments and small print: what Slack says where programs are careless."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from factory_tui.universe import Request


@pytest.mark.parametrize(
    ("method", "args", "missing", "empty"),
    [
        ("conversations.info", {}, "channel", "channel_not_found"),
        ("conversations.members", {}, "channel", "channel_not_found"),
        ("conversations.history", {}, "channel", "channel_not_found"),
        ("conversations.replies", {"channel": "$room"}, "ts", "thread_not_found"),
        ("conversations.join", {}, "channel", "channel_not_found"),
        ("conversations.kick", {"channel": "$room"}, "user", "user_not_found"),
        ("conversations.mark", {"channel": "$room"}, "ts", "invalid_timestamp"),
        ("conversations.create", {}, "name", "invalid_name_required"),
        ("conversations.rename", {"channel": "$room"}, "name", "invalid_name_required"),
        ("conversations.invite", {"channel": "$room"}, "users", "no_user"),
        ("bookmarks.list", {}, "channel_id", "channel_not_found"),
        ("users.lookupByEmail", {}, "email", "users_not_found"),
    ],
)
def test_an_absent_argument_is_not_an_empty_one(
    workspace: Any, method: str, args: dict[str, str], missing: str, empty: str
) -> None:
    given = {
        key: workspace.channel("it") if value == "$room" else value for key, value in args.items()
    }
    absent = workspace(method, **given)
    assert absent["error"] == "invalid_arguments"
    messages = absent["response_metadata"]["messages"]
    assert messages == [f"[ERROR] missing required field: {missing}"]
    assert workspace(method, **given, **{missing: ""})["error"] == empty


def test_metadata_is_for_those_who_ask(workspace: Any) -> None:
    room = workspace.channel("it")
    metadata = {"event_type": "task", "event_payload": {"id": 7}}
    sent = workspace("chat.postMessage", channel=room, text="x", metadata=metadata)
    assert sent["message"]["metadata"] == metadata
    for method, more in (("history", {}), ("replies", {"ts": sent["ts"]})):
        plain = workspace(f"conversations.{method}", channel=room, **more)["messages"][0]
        assert plain["ts"] == sent["ts"] and "metadata" not in plain
        full = workspace(
            f"conversations.{method}", channel=room, include_all_metadata=True, **more
        )["messages"][0]
        assert full["metadata"] == metadata


def test_a_thread_comes_whole_unless_limited(workspace: Any) -> None:
    room = workspace.channel("it")
    ts = workspace("chat.postMessage", channel=room, text="head")["ts"]
    for number in range(120):
        workspace("chat.postMessage", channel=room, text=str(number), thread_ts=ts)
    whole = workspace("conversations.replies", channel=room, ts=ts)
    assert (len(whole["messages"]), whole["has_more"]) == (121, False)
    some = workspace("conversations.replies", channel=room, ts=ts, limit=50)
    assert (len(some["messages"]), some["has_more"]) == (51, True)


def test_a_tombstone_cannot_be_deleted_again(workspace: Any) -> None:
    room = workspace.channel("it")
    ts = workspace("chat.postMessage", channel=room, text="head")["ts"]
    workspace("chat.postMessage", channel=room, text="reply", thread_ts=ts)
    assert workspace("chat.delete", channel=room, ts=ts)["ok"]
    assert workspace("chat.delete", channel=room, ts=ts)["error"] == "message_not_found"
    changed = workspace("chat.update", channel=room, ts=ts, text="no")
    assert changed["error"] == "message_not_found"


def test_topics_are_kept_as_messages_are(workspace: Any) -> None:
    room = workspace.channel("it")
    topic = "a & b: https://example.com/x"
    shown = workspace("conversations.setTopic", channel=room, topic=topic)["channel"]["topic"]
    assert shown["value"] == "a &amp; b: <https://example.com/x>"
    assert (
        workspace("conversations.setTopic", channel=room, topic="")["channel"]["topic"]["value"]
        == ""
    )
    absent = workspace("conversations.setTopic", channel=room)
    assert absent["error"] == "invalid_arguments"


def test_an_app_level_token_tells_of_its_app(workspace: Any) -> None:
    state = workspace.universe.twins["slack"]
    state.pack.stand_alone(state)
    env = workspace.universe.env("slack", "http://twin")
    workspace.token = env["SLACK_APP_TOKEN"]
    said = workspace("auth.test")
    assert said == {"ok": True, "app_name": "Acme Automation", "app_id": env["SLACK_APP_ID"]}


def test_statuses_are_checked(workspace: Any) -> None:
    me = workspace.acting(workspace.universe.pick("it", 1)["email"], "users.profile:write")

    def status(**profile: Any) -> Any:
        return me("users.profile.set", profile=profile).get("error", "ok")

    assert status(status_text="riding", status_emoji=":mountain_railway:") == "ok"
    assert status(status_emoji=":wave::skin-tone-3:") == "ok"
    assert status(status_emoji="train") == "profile_status_set_failed_not_emoji_syntax"
    assert status(status_text="x" * 101) == "profile_status_set_failed_too_long"
    named = me("users.profile.set", profile={"real_name": "Ada King Lovelace"})["profile"]
    assert (named["first_name"], named["last_name"]) == ("Ada", "King Lovelace")


def _uploaded(workspace: Any, name: str, data: bytes, share: str = "", **args: Any) -> Any:
    made = workspace("files.getUploadURLExternal", filename=name, length=len(data), **args)
    path = urlsplit(made["upload_url"]).path
    workspace.universe.handle("slack", Request.build("POST", path, {}, data))
    shown = {"channel_id": share} if share else {}
    files = [{"id": made["file_id"]}]
    return workspace("files.completeUploadExternal", files=files, **shown)["files"][0]


def test_texts_are_snippets_with_a_preview(workspace: Any) -> None:
    text = "\n".join(f"line <{number}>" for number in range(1, 10))
    file = _uploaded(workspace, "notes.txt", text.encode(), alt_txt="Notes")
    assert (file["filetype"], file["mode"], file["editable"]) == ("text", "snippet", True)
    assert (file["lines"], file["lines_more"], file["preview_is_truncated"]) == (9, 4, True)
    assert file["preview"].endswith("line <5>") and "line &lt;5&gt;" in file["preview_highlight"]
    assert (file["edit_link"], file["alt_txt"]) == (f"{file['permalink']}edit", "Notes")
    info = workspace("files.info", file=file["id"])
    assert (info["content"], info["is_truncated"]) == (text, False)
    code = _uploaded(workspace, "x", b"print(1)", snippet_type="python")
    assert (code["filetype"], code["pretty_type"], code["mode"]) == ("python", "Python", "snippet")
    assert {row["id"] for row in workspace("files.list", types="snippets")["files"]} == {
        file["id"],
        code["id"],
    }


def test_pictures_have_sizes_and_thumbnails(workspace: Any) -> None:
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
    data = head + (800).to_bytes(4, "big") + (400).to_bytes(4, "big") + b"rest"
    file = _uploaded(workspace, "a.png", data)
    assert (file["original_w"], file["original_h"], file["mode"]) == (800, 400, "hosted")
    assert (file["thumb_720_w"], file["thumb_720_h"]) == (720, 360)
    assert "thumb_800" not in file and "content" not in workspace("files.info", file=file["id"])
    token = {"authorization": f"Bearer {workspace.token}"}
    path = urlsplit(file["thumb_64"]).path
    assert workspace.universe.handle("slack", Request.build("GET", path, token)).body == data
    gif = b"GIF89a" + (3).to_bytes(2, "little") + (2).to_bytes(2, "little") + b"\x00"
    assert _uploaded(workspace, "a.gif", gif)["original_w"] == 3
    frame = b"\xff\xc0\x00\x11\x08" + (20).to_bytes(2, "big") + (30).to_bytes(2, "big") + b"\x03"
    jpeg = b"\xff\xd8\xff\xe0\x00\x04\x00\x00" + frame
    shown = _uploaded(workspace, "a.jpg", jpeg + bytes(8))
    assert (shown["original_w"], shown["original_h"]) == (30, 20)
    assert "original_w" not in _uploaded(workspace, "b.png", b"not a picture")


def test_reminders_come_when_their_time_has_come(workspace: Any) -> None:
    universe = workspace.universe
    emails = [universe.pick("it", number)["email"] for number in (1, 2)]
    scopes = ("reminders:read", "reminders:write", "im:read", "im:history", "users:read")
    me, other = (workspace.acting(email, *scopes) for email in emails)
    mine = me("auth.test")["user_id"]

    def heard() -> list[str]:
        rooms = me("conversations.list", types="im")["channels"]
        room = next((row["id"] for row in rooms if row["user"] == "USLACKBOT"), None)
        if room is None:
            return []
        return [row["text"] for row in me("conversations.history", channel=room)["messages"]]

    me("reminders.add", text="eat", time="in 20 minutes")
    done = me("reminders.add", text="sleep", time="in 20 minutes")["reminder"]["id"]
    me("reminders.complete", reminder=done)
    gone = me("reminders.add", text="drink", time="in 20 minutes")["reminder"]["id"]
    me("reminders.delete", reminder=gone)
    asked = other("reminders.add", text="call", time="in 30 minutes", user=mine)
    assert asked["ok"]
    again = me("reminders.add", text="stand up", time="every day at 9:30am")["reminder"]
    universe.advance(600)
    assert heard() == []
    universe.advance(1500)
    by = asked["reminder"]["creator"]
    assert set(heard()) == {
        f"<@{by}> asked me to remind you: call.",
        "Reminder: stand up.",
        "Reminder: eat.",
    }
    universe.advance(2 * 86_400)
    assert heard().count("Reminder: stand up.") == 3
    me("reminders.delete", reminder=again["id"])
    universe.advance(3 * 86_400)
    assert heard().count("Reminder: stand up.") == 3


def test_weekly_reminders_keep_their_days(workspace: Any) -> None:
    me = workspace.acting(
        workspace.universe.pick("it", 1)["email"], "reminders:write", "im:read", "im:history"
    )
    rule = {"frequency": "weekly", "weekdays": ["tuesday", "friday"]}
    said = me("reminders.add", text="run", time="tomorrow at 9am", recurrence=rule)
    assert said["reminder"]["recurring"] is True
    workspace.universe.advance(8 * 86_400)
    room = me("conversations.list", types="im")["channels"][0]["id"]
    times = [float(row["ts"]) for row in me("conversations.history", channel=room)["messages"]]
    assert [datetime.fromtimestamp(ts, UTC).strftime("%a") for ts in times[::-1]] == [
        "Tue",
        "Fri",
        "Tue",
    ]
    bad = me(
        "reminders.add",
        text="x",
        time="tomorrow",
        recurrence={"frequency": "weekly", "weekdays": ["noday"]},
    )
    assert bad["error"] == "invalid_arguments"


def test_a_bot_may_speak_under_another_name_and_picture(workspace: Any) -> None:
    room = workspace.channel("it")
    said = workspace("chat.postMessage", channel=room, text="x", icon_url="https://x.example/i.png")
    shown = said["message"]
    assert (shown["subtype"], shown["username"]) == ("bot_message", "Acme Automation")
    assert shown["icons"]["image_48"] == "https://x.example/i.png"
    plain = workspace("chat.postMessage", channel=room, text="x", username="", icon_url="")
    assert "subtype" not in plain["message"]
    workspace.universe.apply("slack", "set_token", {"scopes": ["chat:write"]})
    mute = workspace("chat.postMessage", channel=room, text="x", username="Robo")["message"]
    assert "username" not in mute


def test_people_see_what_is_unread_in_direct_messages(workspace: Any) -> None:
    email = workspace.universe.pick("it", 1)["email"]
    me = workspace.acting(email, "im:read", "im:write", "chat:write", "im:history")
    mine = me("auth.test")["user_id"]
    room = workspace("conversations.open", users=mine)["channel"]["id"]
    first = workspace("chat.postMessage", channel=room, text="one")["ts"]
    workspace("chat.postMessage", channel=room, text="two")
    info = me("conversations.info", channel=room)["channel"]
    assert (info["unread_count"], info["latest"]["text"]) == (2, "two")
    me("conversations.mark", channel=room, ts=first)
    info = me("conversations.info", channel=room)["channel"]
    assert (info["unread_count_display"], info["last_read"]) == (1, first)
    assert "unread_count" not in workspace("conversations.info", channel=room)["channel"]


def test_a_workspace_on_its_own_takes_messages_for_a_year(workspace: Any) -> None:
    room, now = workspace.channel("it"), workspace.universe.clock.epoch()
    far = {"channel": room, "text": "later", "post_at": now + 300 * 86_400}
    assert workspace("chat.scheduleMessage", **far)["error"] == "time_too_far"
    state = workspace.universe.twins["slack"]
    state.pack.stand_alone(state)
    assert workspace("chat.scheduleMessage", **far)["ok"]
    far["post_at"] = now + 367 * 86_400
    assert workspace("chat.scheduleMessage", **far)["error"] == "time_too_far"


def test_a_status_may_be_shown_in_channels(workspace: Any) -> None:
    room = workspace.channel("it")
    ts = workspace("chat.postMessage", channel=room, text="q")["ts"]
    where = {"channel_id": room, "thread_ts": ts}
    assert workspace("assistant.threads.setStatus", **where, status="is thinking")["ok"]
    assert workspace("assistant.threads.setStatus", **where, status="")["ok"]
    many = workspace(
        "assistant.threads.setStatus", **where, status="x", loading_messages=["m"] * 11
    )
    assert many["error"] == workspace("assistant.threads.setStatus", **where)["error"]
    assert many["error"] == "invalid_arguments"
    title = workspace("assistant.threads.setTitle", **where, title="T")
    assert title["error"] in ("method_not_supported_for_channel_type", "missing_scope")


def test_sessions_of_agents(workspace: Any) -> None:
    room = workspace.channel("it")
    ts = workspace("chat.postMessage", channel=room, text="q")["ts"]
    where = {"channel_id": room, "thread_ts": ts}
    early = workspace("agents.sessions.rename", **where, title="T")
    assert early["error"] == "session_not_found"
    made = workspace("agents.sessions.setStatus", **where, status="processing", title="Fix it")
    assert made == {
        "ok": True,
        "status": "processing",
        "agent_status": "processing",
        "title": "Fix it",
    }
    later = workspace("agents.sessions.setStatus", **where, status="closed", title="Other")
    assert (later["status"], later["title"]) == ("closed", "Fix it")
    assert workspace("agents.sessions.rename", **where, title="Done") == {
        "ok": True,
        "title": "Done",
    }
    for args in ({"status": "asleep"}, {}, {"status": "active", "title": "t" * 201}):
        assert (
            workspace("agents.sessions.setStatus", **where, **args)["error"] == "invalid_arguments"
        )
    lost = workspace("agents.sessions.setStatus", channel_id=room, thread_ts="1.0", status="active")
    assert lost["error"] == "invalid_thread_ts"


def test_very_long_texts_are_cut_off_with_a_warning(workspace: Any) -> None:
    room, person = workspace.channel("it"), workspace.user("it", 1)
    long = "x" * 40_001
    said = workspace("chat.postMessage", channel=room, text=long)
    assert (said["ok"], len(said["message"]["text"])) == (True, 40_000)
    assert said["warning"] == "message_truncated"
    assert said["response_metadata"]["warnings"] == ["message_truncated"]
    assert said["response_metadata"]["messages"][0].startswith("[WARN] Your message was truncated")
    quiet = workspace("chat.postEphemeral", channel=room, user=person, text=long)
    assert quiet["response_metadata"]["warnings"] == ["message_truncated"]
    whole = workspace("chat.postMessage", channel=room, text="x" * 40_000)
    assert "warning" not in whole and len(whole["message"]["text"]) == 40_000
    plain = {"content-type": "application/json"}
    both = workspace.raw("chat.postMessage", {"channel": room, "text": long}, **plain).data()
    assert both["response_metadata"]["warnings"] == ["message_truncated", "missing_charset"]
    for size, error in ((4_000, None), (4_001, "msg_too_long")):
        changed = workspace("chat.update", channel=room, ts=said["ts"], text="y" * size)
        assert changed.get("error") == error


def test_admins_delete_what_others_wrote(workspace: Any) -> None:
    room = workspace.channel("it")
    owner = next(row for row in workspace.universe.twins["slack"]["users"].rows() if row["owner"])
    admin = workspace.acting(owner["email"], "chat:write", "files:write", "files:read")
    member = workspace.acting(
        workspace.universe.pick("it", 1)["email"], "chat:write", "files:write"
    )
    ts = workspace("chat.postMessage", channel=room, text="x")["ts"]
    file = _uploaded(workspace, "a.txt", b"x")["id"]
    workspace.universe.apply(
        "slack", "add_to_channel", {"channel": "it", "users": [owner["email"]]}
    )
    assert member("chat.delete", channel=room, ts=ts)["error"] == "cant_delete_message"
    assert admin("chat.delete", channel=room, ts=ts)["ok"]
    assert admin("chat.update", channel=room, ts=ts, text="no")["error"] == "message_not_found"
    assert member("files.delete", file=file)["error"] == "file_not_found"
    shared = _uploaded(workspace, "b.txt", b"x", share=room)["id"]
    assert member("files.delete", file=shared)["error"] == "cant_delete_file"
    assert admin("files.delete", file=shared)["ok"]
