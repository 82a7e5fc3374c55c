"""conversations.invite, kick, join and leave: who is in a channel."""

from typing import Any, Final

from factory_tui.universe import Row

from .conversations import channel_for
from .errors import SlackError
from .method import Context, method
from .shapes import channel_shape
from .state import add_member, find_channel, is_member, remove_member

__all__ = ["enter"]

MAX_INVITED: Final = 1000
INVITE: Final = (
    "channels:manage",
    "channels:write",
    "groups:write",
    "channels:write.invites",
    "groups:write.invites",
)


def enter(c: Context, channel: Row, users: list[str]) -> None:
    """Put users into a channel in the caller's name."""
    for user in users:
        add_member(c.twin, channel, user, c.user)


def _scope(c: Context, row: Row) -> None:
    if row["private"]:
        c.need_scope("groups:write", "groups:write.invites")
    else:
        c.need_scope("channels:manage", "channels:write", "channels:write.invites")


def _room(c: Context) -> Row:
    row = channel_for(c)
    if row["kind"] != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    return row


def _problem(c: Context, row: Row, user: str) -> str:
    """Why a user cannot be invited, "" when nothing is in the way."""
    account = c["users"].get(user)
    if account is None:
        return "user_not_found"
    if user == c.user:
        return "cant_invite_self"
    if account["deleted"]:
        return "user_disabled"
    if user == "USLACKBOT":
        return "cant_invite"
    if is_member(c.twin, row["id"], user):
        return "already_in_channel"
    return ""


@method("conversations.invite", *INVITE)
def invite(c: Context) -> dict[str, Any]:
    """Invite users: all of them or, when one cannot be, none (unless ``force``)."""
    row = _room(c)
    users = list(dict.fromkeys(c.args.items("users")))
    if c.args.values.get("users") is None:
        c.args.required("users", "")
    if not users:
        raise SlackError("no_user")
    if len(users) > MAX_INVITED:
        raise SlackError("too_many_users")
    _scope(c, row)
    if row["archived"]:
        raise SlackError("is_archived")
    if not is_member(c.twin, row["id"], c.user):
        raise SlackError("not_in_channel")
    problems = {user: why for user in users if (why := _problem(c, row, user))}
    errors = [{"user": user, "ok": False, "error": why} for user, why in problems.items()]
    fine = [user for user in users if user not in problems]
    if problems and not (c.args.flag("force") and fine):
        raise SlackError(errors[0]["error"], errors=errors)  # type: ignore[arg-type]
    enter(c, row, fine)
    answer: dict[str, Any] = {"channel": channel_shape(c, row)}
    if errors:
        answer["errors"] = errors
    return answer


@method("conversations.kick", "channels:manage", "channels:write", "groups:write")
def kick(c: Context) -> dict[str, Any]:
    """Take a user out of a channel."""
    row = _room(c)
    user = c.args.required("user", "user_not_found")
    c.need_scope(*(("groups:write",) if row["private"] else ("channels:manage", "channels:write")))
    if user not in c["users"]:
        raise SlackError("user_not_found")
    if user == c.user:
        raise SlackError("cant_kick_self")
    if row["general"]:
        raise SlackError("cant_kick_from_general")
    if row["archived"]:
        raise SlackError("is_archived")
    if not is_member(c.twin, row["id"], c.user) or not is_member(c.twin, row["id"], user):
        raise SlackError("not_in_channel")
    remove_member(c.twin, row, user)
    return {"errors": {}}


@method("conversations.join", "channels:join", "channels:write")
def join(c: Context) -> dict[str, Any]:
    """Enter a public channel."""
    row = find_channel(c.twin, c.args.required("channel", "channel_not_found"))
    if row["private"] or row["kind"] != "channel":
        known = is_member(c.twin, row["id"], c.user)
        raise SlackError("method_not_supported_for_channel_type" if known else "channel_not_found")
    if row["archived"]:
        raise SlackError("is_archived")
    if is_member(c.twin, row["id"], c.user):
        return {
            "channel": channel_shape(c, row),
            "warning": "already_in_channel",
            "response_metadata": {"warnings": ["already_in_channel"]},
        }
    add_member(c.twin, row, c.user)
    return {"channel": channel_shape(c, row)}


@method("conversations.leave", "channels:manage", "channels:write", "groups:write")
def leave(c: Context) -> dict[str, Any]:
    """Leave a channel."""
    row = _room(c)
    if row["general"]:
        raise SlackError("cant_leave_general")
    if row["archived"]:
        raise SlackError("is_archived")
    if not is_member(c.twin, row["id"], c.user):
        return {"not_in_channel": True}
    remove_member(c.twin, row, c.user)
    return {}
