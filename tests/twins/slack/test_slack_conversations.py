"""Channels and who is in them: every refusal Slack knows, and the pages."""

from collections.abc import Callable
from typing import Any

import pytest


def test_inviting_is_all_or_nothing_unless_forced(workspace: Any) -> None:
    room = workspace.channel("design")
    fine, inside = workspace.user("eng-web", 1), workspace.user("design", 1)
    refused = workspace("conversations.invite", channel=room, users=f"{fine},{inside},UNOBODY")
    assert refused["ok"] is False
    assert refused["error"] == "already_in_channel"
    assert [(e["user"], e["error"]) for e in refused["errors"]] == [
        (inside, "already_in_channel"),
        ("UNOBODY", "user_not_found"),
    ]
    assert fine not in workspace("conversations.members", channel=room)["members"]
    forced = workspace("conversations.invite", channel=room, users=[fine, inside], force=True)
    assert forced["ok"] is True
    assert [e["error"] for e in forced["errors"]] == ["already_in_channel"]
    assert fine in workspace("conversations.members", channel=room)["members"]


def test_who_cannot_be_invited(workspace: Any) -> None:
    room = workspace.channel("design")
    me = workspace("auth.test")["user_id"]
    gone = workspace.user("it", 1)
    workspace.universe.apply("slack", "deactivate_users", ["any:it:1"])

    def error(**args: Any) -> str:
        return str(workspace("conversations.invite", **{"channel": room, **args})["error"])

    assert error(users=me) == "cant_invite_self"
    assert error(users=gone) == "user_disabled"
    assert error(users="") == "no_user"
    assert error(users="U0", channel="C0") == "channel_not_found"
    assert error(users=",".join(f"U{n}" for n in range(1001))) == "too_many_users"
    workspace.universe.apply("slack", "archive_channel", {"name": "design"})
    assert error(users=workspace.user("eng-web", 1)) == "is_archived"


def test_only_members_invite_and_kick(workspace: Any) -> None:
    room = workspace.channel("design")
    person = workspace.user("design", 1)
    assert workspace("conversations.leave", channel=room) == {"ok": True}
    again = workspace("conversations.leave", channel=room)
    assert again == {"ok": True, "not_in_channel": True}
    assert workspace("conversations.kick", channel=room, user=person)["error"] == "not_in_channel"
    guest = workspace.user("eng-web", 1)
    refused = workspace("conversations.invite", channel=room, users=guest)
    assert refused["error"] == "not_in_channel"
    assert workspace("conversations.join", channel=room)["channel"]["is_member"] is True
    assert workspace("conversations.kick", channel=room, user=person)["ok"] is True
    assert workspace("conversations.kick", channel=room, user=person)["error"] == "not_in_channel"


def test_kick_and_leave_know_their_limits(workspace: Any) -> None:
    general = workspace.channel("general")
    me, person = workspace("auth.test")["user_id"], workspace.user("it", 1)

    def kick(channel: str, user: str) -> str:
        return str(workspace("conversations.kick", channel=channel, user=user)["error"])

    assert kick(general, person) == "cant_kick_from_general"
    assert kick(workspace.channel("it"), me) == "cant_kick_self"
    assert kick(workspace.channel("it"), "UNOBODY") == "user_not_found"
    left = workspace("conversations.leave", channel=general)
    assert left["error"] == "cant_leave_general"
    joined = workspace("conversations.join", channel=general)
    assert joined["warning"] == "already_in_channel"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("x" * 81, "invalid_name_maxlength"),
        ("--", "invalid_name_punctuation"),
        ("Team", "invalid_name_specials"),
        ("a b", "invalid_name_specials"),
        ("general", "name_taken"),
    ],
)
def test_names_a_channel_cannot_have(workspace: Any, name: str, error: str) -> None:
    assert workspace("conversations.create", name=name)["error"] == error


def test_a_channel_lives(workspace: Any) -> None:
    made = workspace("conversations.create", name="launch")["channel"]
    assert (made["is_member"], made["is_private"], made["is_archived"]) == (True, False, False)
    room = made["id"]
    workspace("conversations.setTopic", channel=room, topic="soon")
    workspace("conversations.setPurpose", channel=room, purpose="the launch")
    renamed = workspace("conversations.rename", channel=room, name="launch-2")["channel"]
    assert (renamed["name"], renamed["previous_names"]) == ("launch-2", ["launch"])
    assert workspace("conversations.archive", channel=room)["ok"]
    assert workspace("conversations.archive", channel=room)["error"] == "already_archived"
    assert workspace("chat.postMessage", channel=room, text="x")["error"] == "is_archived"
    assert workspace("conversations.setTopic", channel=room, topic="x")["error"] == "is_archived"
    open_rooms = workspace("conversations.list", exclude_archived=True)["channels"]
    assert room not in [c["id"] for c in open_rooms]
    assert workspace("conversations.unarchive", channel=room)["ok"]
    assert workspace("conversations.unarchive", channel=room)["error"] == "not_archived"
    info = workspace("conversations.info", channel=room)["channel"]
    assert (info["topic"]["value"], info["purpose"]["value"]) == ("soon", "the launch")
    general = workspace("conversations.archive", channel=workspace.channel("general"))
    assert general["error"] == "cant_archive_general"


def test_private_channels_are_invisible_from_outside(workspace: Any) -> None:
    workspace.universe.apply(
        "slack", "add_channels", [{"name": "board", "private": True, "bot": False}]
    )
    listed = workspace("conversations.list", types="private_channel")["channels"]
    assert listed == []
    mine = workspace("conversations.create", name="ours", is_private="true")["channel"]
    assert mine["is_private"] is True
    listed = workspace("conversations.list", types="private_channel")["channels"]
    assert [c["id"] for c in listed] == [mine["id"]]


def test_cursors_walk_everything_once_even_when_rows_vanish(make_workspace: Any) -> None:
    workspace = make_workspace(seeds={"slack": "acme-300"})
    room = workspace.channel("eng-platform")
    seen: list[str] = []
    cursor = ""
    me = workspace("auth.test")["user_id"]
    while True:
        page = workspace("conversations.members", channel=room, limit=4, cursor=cursor)
        seen += page["members"]
        victim = next((user for user in page["members"] if user != me), None)
        if victim:
            assert workspace("conversations.kick", channel=room, user=victim)["ok"]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert (len(seen), len(set(seen))) == (41, 41)


def test_bad_cursors_and_limits_are_refused(workspace: Any) -> None:
    room = workspace.channel("it")
    for cursor in ("nonsense", "dXNlcjox", "####"):
        answer = workspace("conversations.members", channel=room, cursor=cursor)
        assert answer["error"] == "invalid_cursor"
    for limit in (-1, "many"):
        answer = workspace("conversations.members", channel=room, limit=limit)
        assert answer["error"] == "invalid_limit"


def test_varied_pages_are_small_without_being_asked(make_workspace: Any) -> None:
    workspace = make_workspace(seeds={"slack": "acme-300"}, vary={"pages"}, seed=4)
    page = workspace("users.list", limit=200)
    assert len(page["members"]) < 10
    assert page["response_metadata"]["next_cursor"]


def test_direct_messages(workspace: Any) -> None:
    one, two = workspace.user("it", 1), workspace.user("it", 2)
    first = workspace("conversations.open", users=one)
    assert first["channel"]["id"].startswith("D")
    second = workspace("conversations.open", users=one)
    assert (second["already_open"], second["channel"]) == (True, first["channel"])
    group = workspace("conversations.open", users=[one, two], return_im=True)["channel"]
    assert group["is_mpim"] is True
    sent = workspace("chat.postMessage", channel=one, text="psst")
    assert sent["channel"] == first["channel"]["id"]
    for users, error in (("", "users_list_not_supplied"), ("U0", "user_not_found")):
        assert workspace("conversations.open", users=users)["error"] == error
    kick = workspace("conversations.kick", channel=sent["channel"], user=one)
    assert kick["error"] == "method_not_supported_for_channel_type"
    email = workspace.universe.pick("it", 1)["email"]
    messages = workspace.universe.view("slack")["messages"]
    assert [(m["channel"], m["text"]) for m in messages] == [(f"@{email}", "psst")]


def test_a_user_s_conversations(workspace: Any) -> None:
    person = workspace.user("eng-web", 1)
    mine = workspace("users.conversations", user=person)["channels"]
    assert sorted(c["name"] for c in mine) == ["eng-web", "general"]
    assert workspace("users.conversations", types="sandwich")["error"] == "invalid_types"


def test_scopes_are_checked_per_type_of_conversation(workspace: Any) -> None:
    narrow = workspace.acting("", "channels:read")
    assert narrow("conversations.list")["ok"]
    refused = narrow("conversations.list", types="private_channel")
    assert refused["error"] == "missing_scope"
    assert (refused["needed"], refused["provided"]) == ("groups:read", "channels:read")
    assert narrow("users.list")["needed"] == "users:read"
    head = narrow.raw("users.list", {}).header("x-oauth-scopes")
    assert head == "channels:read"


def test_emails_need_their_own_scope(workspace: Any) -> None:
    blind = workspace.acting("", "users:read")
    profiles = [m["profile"] for m in blind("users.list")["members"]]
    assert not any("email" in profile for profile in profiles)
    assert blind("users.lookupByEmail", email="x@y")["error"] == "missing_scope"


def test_lookup_finds_active_accounts_only(
    workspace: Any, make_workspace: Callable[..., Any]
) -> None:
    email = workspace.universe.pick("design", 1)["email"]
    assert workspace("users.lookupByEmail", email=email.upper())["ok"]
    workspace.universe.apply("slack", "deactivate_users", [email])
    assert workspace("users.lookupByEmail", email=email)["error"] == "users_not_found"
    assert workspace("users.lookupByEmail", email="")["error"] == "users_not_found"
    assert workspace("users.lookupByEmail")["error"] == "invalid_arguments"
    deleted = [m for m in workspace("users.list")["members"] if m["deleted"]]
    assert len(deleted) == 1
