"""Messages: posting, threads, edits, blocks, schedules, reactions, pins."""

from typing import Any

import pytest


def test_timestamps_are_unique_and_rise(workspace: Any) -> None:
    room = workspace.channel("it")
    stamps = [workspace("chat.postMessage", channel=room, text=str(n))["ts"] for n in range(30)]
    assert stamps == sorted(set(stamps))
    assert all(len(ts.partition(".")[2]) == 6 for ts in stamps)


def test_history_is_newest_first_and_pages_between_bounds(workspace: Any) -> None:
    room = workspace.channel("it")
    stamps = [workspace("chat.postMessage", channel=room, text=str(n))["ts"] for n in range(9)]
    first = workspace("conversations.history", channel=room, limit=4)
    assert [m["text"] for m in first["messages"]] == ["8", "7", "6", "5"]
    assert first["has_more"] is True
    cursor = first["response_metadata"]["next_cursor"]
    second = workspace("conversations.history", channel=room, limit=9, cursor=cursor)
    assert [m["text"] for m in second["messages"]] == ["4", "3", "2", "1", "0"]
    assert second["has_more"] is False
    bounds = {"oldest": stamps[2], "latest": stamps[5]}
    inner = workspace("conversations.history", channel=room, **bounds)
    assert [m["text"] for m in inner["messages"]] == ["4", "3"]
    outer = workspace("conversations.history", channel=room, inclusive=1, **bounds)
    assert [m["text"] for m in outer["messages"]] == ["5", "4", "3", "2"]
    bad = workspace("conversations.history", channel=room, oldest="yesterday")
    assert bad["error"] == "invalid_ts_oldest"


def test_threads(workspace: Any) -> None:
    room = workspace.channel("it")
    head = workspace("chat.postMessage", channel=room, text="head")["ts"]
    for n in range(3):
        workspace("chat.postMessage", channel=room, text=f"r{n}", thread_ts=head)
    shouted = workspace(
        "chat.postMessage", channel=room, text="all", thread_ts=head, reply_broadcast=True
    )
    assert shouted["message"]["subtype"] == "thread_broadcast"
    texts = [m["text"] for m in workspace("conversations.history", channel=room)["messages"]]
    assert texts == ["all", "head"]
    thread = workspace("conversations.replies", channel=room, ts=head)["messages"]
    assert [m["text"] for m in thread] == ["head", "r0", "r1", "r2", "all"]
    assert thread[0]["reply_count"] == 4
    assert thread[0]["latest_reply"] == shouted["ts"]
    assert thread[1]["parent_user_id"] == thread[0]["user"]
    workspace("chat.delete", channel=room, ts=head)
    thread = workspace("conversations.replies", channel=room, ts=head)["messages"]
    assert thread[0]["subtype"] == "tombstone"
    missing = workspace("chat.postMessage", channel=room, text="x", thread_ts="1.000001")
    assert missing["error"] == "thread_not_found"


def test_editing_and_deleting_one_s_own(workspace: Any) -> None:
    room = workspace.channel("it")
    ts = workspace("chat.postMessage", channel=room, text="tpyo")["ts"]
    changed = workspace("chat.update", channel=room, ts=ts, text="typo")
    assert (changed["text"], "edited" in changed["message"]) == ("typo", True)
    person = workspace.universe.pick("it", 1)["email"]
    theirs = workspace.universe.apply(
        "slack", "post_message", {"channel": "it", "user": person, "text": "mine"}
    )["ts"]
    other = workspace("chat.update", channel=room, ts=theirs, text="no")
    assert other["error"] == "cant_update_message"
    assert workspace("chat.delete", channel=room, ts=theirs)["error"] == "cant_delete_message"
    assert workspace("chat.delete", channel=room, ts=ts)["ok"]
    assert workspace("chat.delete", channel=room, ts=ts)["error"] == "message_not_found"
    link = workspace("chat.getPermalink", channel=room, message_ts=theirs)["permalink"]
    assert link.endswith(f"/archives/{room}/p{theirs.replace('.', '')}")


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({}, "no_text"),
        ({"blocks": "{"}, "invalid_blocks_format"),
        ({"blocks": [{"type": "marquee"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        (
            {"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]},
            "invalid_blocks",
        ),
        (
            {
                "blocks": [
                    {"type": "section", "text": {"type": "mrkdwn", "text": "y" * 3001}},
                ]
            },
            "invalid_blocks",
        ),
        ({"attachments": [{"text": "a"}] * 101}, "too_many_attachments"),
        ({"text": "x", "metadata": "[]"}, "invalid_metadata_format"),
    ],
)
def test_content_slack_refuses(workspace: Any, args: dict[str, Any], error: str) -> None:
    assert workspace("chat.postMessage", channel="#it", **args)["error"] == error


def test_blocks_are_kept_and_get_ids(workspace: Any) -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Report"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*2* changes"}},
        {
            "type": "actions",
            "block_id": "go",
            "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "Undo"}, "value": "u"}
            ],
        },
    ]
    message = workspace("chat.postMessage", channel="#it", blocks=blocks)["message"]
    assert [b["type"] for b in message["blocks"]] == ["header", "section", "actions"]
    assert message["blocks"][2]["block_id"] == "go"
    assert len({b["block_id"] for b in message["blocks"]}) == 3


def test_markup_is_escaped_as_slack_does(workspace: Any) -> None:
    person = workspace.user("it", 1)
    text = f"<@{person}> a < b & c > d &amp; <https://x.example|x>"
    stored = workspace("chat.postMessage", channel="#it", text=text)["message"]["text"]
    assert stored == f"<@{person}> a &lt; b &amp; c &gt; d &amp; <https://x.example|x>"


def test_scheduled_messages_wait_for_the_clock(workspace: Any) -> None:
    room = workspace.channel("it")
    now = workspace.universe.clock.epoch()
    late = workspace("chat.scheduleMessage", channel=room, text="late", post_at=now + 3600)
    lost = workspace("chat.scheduleMessage", channel=room, text="lost", post_at=now + 1800)
    past = workspace("chat.scheduleMessage", channel=room, text="x", post_at=now - 5)
    assert past["error"] == "time_in_past"
    key = lost["scheduled_message_id"]
    args = {"channel": room, "scheduled_message_id": key}
    assert workspace("chat.deleteScheduledMessage", **args)["ok"]
    error = workspace("chat.deleteScheduledMessage", **args)["error"]
    assert error == "invalid_scheduled_message_id"
    waiting = workspace("chat.scheduledMessages.list")["scheduled_messages"]
    assert [m["id"] for m in waiting] == [late["scheduled_message_id"]]
    assert workspace.universe.view("slack")["messages"] == []
    workspace.universe.clock.advance(3600)
    assert [m["text"] for m in workspace.universe.view("slack")["messages"]] == ["late"]
    assert workspace("chat.scheduledMessages.list")["scheduled_messages"] == []


def test_reactions_and_pins(workspace: Any) -> None:
    room = workspace.channel("it")
    ts = workspace("chat.postMessage", channel=room, text="x")["ts"]
    target = {"channel": room, "timestamp": ts}
    assert workspace("reactions.add", name="eyes", **target)["ok"]
    assert workspace("reactions.add", name="eyes", **target)["error"] == "already_reacted"
    assert workspace("reactions.add", name="No Emoji", **target)["error"] == "invalid_name"
    assert workspace("reactions.add", name="eyes")["error"] == "no_item_specified"
    assert len(workspace("reactions.list")["items"]) == 1
    assert workspace("reactions.remove", name="eyes", **target)["ok"]
    assert workspace("reactions.remove", name="eyes", **target)["error"] == "no_reaction"
    assert workspace("pins.add", **target)["ok"]
    assert workspace("pins.add", **target)["error"] == "already_pinned"
    assert workspace("pins.remove", **target)["ok"]
    assert workspace("pins.remove", **target)["error"] == "no_pin"


def test_ephemeral_messages_leave_no_trace(workspace: Any) -> None:
    room, person = workspace.channel("it"), workspace.user("it", 1)
    shown = workspace("chat.postEphemeral", channel=room, user=person, text="only you")
    assert shown["message_ts"]
    outsider = workspace.user("design", 1)
    refused = workspace("chat.postEphemeral", channel=room, user=outsider, text="x")
    assert refused["error"] == "user_not_in_channel"
    assert workspace("conversations.history", channel=room)["messages"] == []
