"""What becomes of a message's text, metadata, blocks and streams."""

from typing import Any

import pytest

from twins.slack.apps import ALL_SCOPES


def _stored(workspace: Any, text: str, **args: Any) -> str:
    answer = workspace("chat.postMessage", channel="#it", text=text, **args)
    assert answer["ok"] is True, answer
    return str(answer["message"]["text"])


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("see https://x.example/a?b=1&c=2.", "see <https://x.example/a?b=1&amp;c=2>."),
        ("(https://x.example/a_(b))", "(<https://x.example/a_(b)>)"),
        ("mail bob@x.example now", "mail <mailto:bob@x.example|bob@x.example> now"),
        ("<https://x.example|here> and <@U1> <#C1|it> <!here>",
         "<https://x.example|here> and <@U1> <#C1|it> <!here>"),
        ("`https://x.example`", "`https://x.example`"),
        ("```\nbob@x.example\n```", "```\nbob@x.example\n```"),
        ("@all #none", "@all #none"),
        ("&amp; stays", "&amp; stays"),
    ],
)  # fmt: skip
def test_links_are_made_and_the_rest_is_escaped(workspace: Any, text: str, kept: str) -> None:
    assert _stored(workspace, text) == kept


def test_parse_says_how_much_becomes_a_link(workspace: Any) -> None:
    workspace("usergroups.create", name="On call", handle="oncall")
    group = workspace("usergroups.list")["usergroups"][0]["id"]
    room, person = workspace.channel("it"), workspace.user("it", 1)
    name = workspace("users.info", user=person)["user"]["name"]
    text = f"@oncall @{name} @here #it https://x.example"
    assert _stored(workspace, text) == f"@oncall @{name} @here #it <https://x.example>"
    full = f"<!subteam^{group}|@oncall> <@{person}> <!here> <#{room}|it> <https://x.example>"
    assert _stored(workspace, text, parse="full") == full
    assert _stored(workspace, text, parse="none") == text
    assert _stored(workspace, "@oncall", link_names=True) == f"<!subteam^{group}|@oncall>"
    seen = [row["text"] for row in workspace.universe.view("slack")["messages"]]
    assert seen[0] == text, "facts read what the author wrote"


def test_markdown_stands_alone(workspace: Any) -> None:
    sent = workspace("chat.postMessage", channel="#it", markdown_text="**bold**")["message"]
    assert sent["blocks"][0]["type"] == "markdown"
    both = workspace("chat.postMessage", channel="#it", markdown_text="a", text="b")
    assert both["error"] == "markdown_text_conflict"
    long = workspace("chat.postMessage", channel="#it", markdown_text="m" * 12_001)
    assert long["error"] == "msg_too_long"


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ("[]", "invalid_metadata_format"),
        ({"event_payload": {}}, "invalid_metadata_format"),
        ({"event_type": "x", "event_payload": "y"}, "invalid_metadata_format"),
        ({"event_type": ""}, "invalid_metadata_schema"),
        ({"event_type": "x", "event_payload": {"y": "z" * 16_000}}, "metadata_too_large"),
    ],
)
def test_metadata_slack_refuses(workspace: Any, metadata: Any, error: str) -> None:
    answer = workspace("chat.postMessage", channel="#it", text="x", metadata=metadata)
    assert answer["error"] == error


def test_an_update_keeps_what_it_does_not_name(workspace: Any) -> None:
    room = workspace.channel("it")
    blocks = [{"type": "divider", "block_id": "d"}]
    attachments = [{"text": "a"}]
    sent = workspace(
        "chat.postMessage", channel=room, text="t", blocks=blocks, attachments=attachments
    )
    ref = {"channel": room, "ts": sent["ts"]}
    kept = workspace("chat.update", text="u", **ref)["message"]
    assert (kept["text"], len(kept["blocks"]), len(kept["attachments"])) == ("u", 1, 1)
    emptied = workspace("chat.update", blocks=[], **ref)["message"]
    assert "blocks" not in emptied
    assert len(emptied["attachments"]) == 1
    assert workspace("chat.update", **ref)["error"] == "no_text"
    only = workspace("chat.postMessage", channel=room, blocks=blocks)["ts"]
    gone = workspace("chat.update", channel=room, ts=only, blocks=[])
    assert gone["error"] == "no_text"


def test_a_broadcast_reply_shows_its_thread(workspace: Any) -> None:
    room = workspace.channel("it")
    ts = workspace("chat.postMessage", channel=room, text="root")["ts"]
    workspace("chat.postMessage", channel=room, text="r", thread_ts=ts, reply_broadcast=True)
    shown = workspace("conversations.history", channel=room)["messages"]
    assert shown[0]["subtype"] == "thread_broadcast"
    assert (shown[0]["root"]["text"], shown[0]["root"]["reply_count"]) == ("root", 1)


def test_scheduled_messages_page_and_are_limited(workspace: Any) -> None:
    room, now = workspace.channel("it"), workspace.universe.clock.epoch()
    for n in range(30):
        args = {"channel": room, "text": str(n), "post_at": now + 600 + n}
        assert workspace("chat.scheduleMessage", **args)["ok"]
    crowded = workspace("chat.scheduleMessage", channel=room, text="x", post_at=now + 640)
    assert crowded["error"] == "restricted_too_many"
    first = workspace("chat.scheduledMessages.list", limit=20)
    cursor = first["response_metadata"]["next_cursor"]
    second = workspace("chat.scheduledMessages.list", limit=20, cursor=cursor)
    texts = [row["text"] for row in first["scheduled_messages"] + second["scheduled_messages"]]
    assert texts == [str(n) for n in range(30)]
    late = workspace("chat.scheduledMessages.list", oldest=now + 620)["scheduled_messages"]
    assert len(late) == 10


def test_a_stream_of_tasks_becomes_blocks(workspace: Any) -> None:
    room, person = workspace.channel("it"), workspace.user("it", 1)
    ts = workspace("chat.postMessage", channel=room, text="go")["ts"]
    start = {"channel": room, "thread_ts": ts}
    assert workspace("chat.startStream", **start)["error"] == "missing_recipient_user_id"
    start |= {"recipient_user_id": person}
    assert workspace("chat.startStream", **start)["error"] == "missing_recipient_team_id"
    start |= {"recipient_team_id": "T1", "task_display_mode": "plan"}
    ref = {"channel": room, "ts": workspace("chat.startStream", **start)["ts"]}
    for chunk in (
        {"type": "plan_update", "title": "Plan"},
        {"type": "task_update", "id": "1", "title": "look", "status": "in_progress"},
        {"type": "task_update", "id": "1", "status": "complete", "output": "found"},
        {"type": "markdown_text", "text": "**done**"},
    ):
        assert workspace("chat.appendStream", chunks=[chunk], **ref)["ok"], chunk
    bad = workspace("chat.appendStream", chunks=[{"type": "song"}], **ref)
    assert bad["error"] == "invalid_chunks"
    assert workspace("chat.appendStream", **ref)["error"] == "no_text"
    busy = workspace("chat.update", text="x", **ref)
    assert busy["error"] == "streaming_state_conflict"
    done = workspace("chat.stopStream", **ref)["message"]
    assert done["text"] == "**done**"
    plan = done["blocks"][0]
    assert (plan["type"], plan["title"], plan["tasks"][0]["status"]) == ("plan", "Plan", "complete")
    again = workspace("chat.stopStream", **ref)
    assert again["error"] == "message_not_in_streaming_state"


def test_unfurls_by_their_id_and_behind_a_sign_in(workspace: Any) -> None:
    workspace.universe.apply("slack", "set_token", {"scopes": sorted(ALL_SCOPES)})
    room = workspace.channel("it")
    url = "https://x.example/1?a=1&b=2"
    ts = workspace("chat.postMessage", channel=room, text=url)["ts"]
    ref = {"unfurl_id": f"{room}.{ts}", "unfurls": {url: {"text": "page"}}}
    assert workspace("chat.unfurl", **ref)["error"] == "missing_source"
    assert workspace("chat.unfurl", source="conversations_history", **ref)["ok"]
    shown = workspace("conversations.history", channel=room)["messages"][0]
    assert shown["attachments"][0]["from_url"] == url
    other = {"https://y.example": {"text": "?"}}
    wrong = workspace("chat.unfurl", channel=room, ts=ts, unfurls=other)
    assert wrong["error"] == "cannot_unfurl_url"
    sign_in = {"user_auth_required": True, "user_auth_url": "https://x.example/auth"}
    assert workspace("chat.unfurl", channel=room, ts=ts, unfurls={}, **sign_in)["ok"]
    assert "auth" in workspace.universe.view("slack")["ephemerals"][0]["text"]
