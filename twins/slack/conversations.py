"""conversations.*: finding, making and changing conversations."""

from typing import Any, Final

from factory_tui.universe import Row

from . import events
from .errors import SlackError
from .method import Context, method
from .mrkdwn import stored
from .shapes import channel_shape, message_shape
from .state import (
    add_member,
    channel_of,
    check_name,
    create_channel,
    direct_message,
    find_channel,
    find_user,
    is_member,
    is_ts,
    member_ids,
    members_of,
    post,
    update,
)

__all__ = ["TYPES", "channel_for", "visible"]

READ: Final = ("channels:read", "groups:read", "im:read", "mpim:read")
TYPES: Final = {
    "public_channel": "channels",
    "private_channel": "groups",
    "im": "im",
    "mpim": "mpim",
}
MANAGE: Final = ("channels:manage", "channels:write", "groups:write", "im:write", "mpim:write")


def type_of(row: Row) -> str:
    """``public_channel``, ``private_channel``, ``im`` or ``mpim``."""
    if row["kind"] != "channel":
        return str(row["kind"])
    return "private_channel" if row["private"] else "public_channel"


def visible(c: Context, row: Row) -> bool:
    """Whether the caller may know of the conversation."""
    if not row["private"] and (c.is_bot or not _guest(c)):
        return True
    return is_member(c.twin, row["id"], c.user)


def _guest(c: Context) -> bool:
    user = c["users"].get(c.user)
    return bool(user and user.get("guest"))


def channel_for(c: Context, access: str = "", *, argument: str = "channel") -> Row:
    """The conversation a call names, if the caller may see it.

    Args:
        access: The scope's verb (``read``, ``history``) to insist on for its type; "" for none.
        argument: The argument that names it.
    """
    row = find_channel(c.twin, c.args.required(argument, "channel_not_found"))
    if not visible(c, row):
        raise SlackError("channel_not_found")
    if access:
        c.need_scope(f"{TYPES[type_of(row)]}:{access}")
    return row


def manageable(c: Context, *kinds: str) -> Row:
    """A channel the caller may change: visible, of a fitting kind and scope."""
    row = channel_for(c)
    if row["kind"] not in (kinds or ("channel",)):
        raise SlackError("method_not_supported_for_channel_type")
    if row["private"]:
        c.need_scope("groups:write")
    else:
        c.need_scope("channels:manage", "channels:write")
    return row


def _wanted(c: Context) -> set[str]:
    """The types a list asks for, each with its scope checked."""
    wanted = set(c.args.items("types")) or {"public_channel"}
    unknown = wanted - TYPES.keys()
    if unknown:
        raise SlackError("invalid_types")
    for name in sorted(wanted):
        c.need_scope(f"{TYPES[name]}:read")
    return wanted


@method("conversations.list", *READ)
def list_conversations(c: Context) -> dict[str, Any]:
    """Channels the caller may see; the bot sees private ones only from inside."""
    wanted = _wanted(c)
    skip_archived = c.args.flag("exclude_archived")
    rows = (
        row
        for row in c["channels"].rows()
        if type_of(row) in wanted and visible(c, row) and not (skip_archived and row["archived"])
    )
    page, metadata = c.page(rows, "channel", default=100)
    channels = [channel_shape(c, row, members=row["kind"] == "channel") for row in page]
    return {"channels": channels, "response_metadata": metadata}


@method("users.conversations", *READ)
def user_conversations(c: Context) -> dict[str, Any]:
    """The conversations a user is in; of another user only those the caller may see."""
    wanted = _wanted(c)
    user = find_user(c.twin, c.args.text("user") or c.user)["id"]
    skip_archived = c.args.flag("exclude_archived")
    table = c["channels"]
    mine = (table[key[0]] for key in c["members"].find("user", user))
    rows = sorted(
        (
            row
            for row in mine
            if type_of(row) in wanted
            and visible(c, row)
            and not (skip_archived and row["archived"])
        ),
        key=lambda row: int(row["n"]),
    )
    page, metadata = c.page(rows, "channel", default=100)
    channels = []
    for row in page:
        shape = channel_shape(c, row)
        shape.pop("is_member", None)
        channels.append(shape)
    return {"channels": channels, "response_metadata": metadata}


@method("conversations.info", *READ)
def info(c: Context) -> dict[str, Any]:
    """One conversation."""
    row = channel_for(c, "read")
    shape = channel_shape(c, row, members=c.args.flag("include_num_members"))
    if is_member(c.twin, row["id"], c.user):
        shape["last_read"] = row.get("last_read", {}).get(c.user, "0000000000.000000")
        if row["kind"] != "channel" and not c.is_bot:
            shape |= _unread(c, row, shape["last_read"])
    if c.args.flag("include_locale"):
        shape["locale"] = "en-US"
    return {"channel": shape}


def _unread(c: Context, row: Row, mark: str) -> dict[str, Any]:
    """What of a direct message a person has not read; one's own words are read."""
    table = c["messages"]
    said = sorted((table[key] for key in table.find("channel", row["id"])), key=_ts)
    said = [message for message in said if message.get("thread_ts", message["ts"]) == message["ts"]]
    new = [message for message in said if message["ts"] > mark and message["user"] != c.user]
    latest = message_shape(c, said[-1]) if said else None
    return {"latest": latest, "unread_count": len(new), "unread_count_display": len(new)}


def _ts(row: Row) -> str:
    return str(row["ts"])


@method("conversations.members", *READ)
def members(c: Context) -> dict[str, Any]:
    """Ids of the members in the order of joining."""
    row = channel_for(c, "read")
    page, metadata = c.page(members_of(c.twin, row["id"]), "member", default=100)
    return {"members": [item["user"] for item in page], "response_metadata": metadata}


@method("conversations.create", *MANAGE)
def create(c: Context) -> dict[str, Any]:
    """A new channel with the caller in it."""
    private = c.args.flag("is_private")
    name = c.args.required("name", "invalid_name_required")
    c.need_scope(*(("groups:write",) if private else ("channels:manage", "channels:write")))
    row = create_channel(c.twin, name, c.user, private=private)
    add_member(c.twin, row, c.user)
    return {"channel": channel_shape(c, row)}


def _changed(c: Context, row: Row, **changes: Any) -> Row:
    return update(c.twin, "channels", row["id"], updated=c.now * 1000, **changes)


@method("conversations.archive", *MANAGE)
def archive(c: Context) -> dict[str, Any]:
    """Close a channel."""
    row = manageable(c)
    if row["general"]:
        raise SlackError("cant_archive_general")
    if row["archived"]:
        raise SlackError("already_archived")
    _need_inside(c, row)
    _changed(c, row, archived=True)
    text = f"<@{c.user}> archived the channel"
    noun = "group" if row["private"] else "channel"
    post(c.twin, row["id"], c.user, text, subtype=f"{noun}_archive")
    events.channel_told(c.twin, "archive", row, c.user)
    return {}


@method("conversations.unarchive", *MANAGE)
def unarchive(c: Context) -> dict[str, Any]:
    """Open an archived channel again."""
    row = manageable(c)
    if not row["archived"]:
        raise SlackError("not_archived")
    _changed(c, row, archived=False)
    text = f"<@{c.user}> un-archived the channel"
    noun = "group" if row["private"] else "channel"
    post(c.twin, row["id"], c.user, text, subtype=f"{noun}_unarchive")
    events.channel_told(c.twin, "unarchive", row, c.user)
    return {}


@method("conversations.rename", *MANAGE)
def rename(c: Context) -> dict[str, Any]:
    """Give a channel another name."""
    row = manageable(c)
    name = check_name(c.args.required("name", "invalid_name_required"))
    _need_inside(c, row)
    if row["general"]:
        raise SlackError("not_authorized")
    if name != row["name"]:
        if channel_of(c.twin, name) is not None:
            raise SlackError("name_taken")
        previous = [*row["previous_names"], row["name"]]
        old = row["name"]
        row = _changed(c, row, name=name, previous_names=previous)
        text = f'<@{c.user}> has renamed the channel from "{old}" to "{name}"'
        noun = "group" if row["private"] else "channel"
        post(c.twin, row["id"], c.user, text, subtype=f"{noun}_name", old_name=old, name=name)
        events.channel_told(c.twin, "rename", row, c.user)
    return {"channel": channel_shape(c, row)}


@method("conversations.setTopic", *MANAGE, "channels:write.topic", "groups:write.topic")
def set_topic(c: Context) -> dict[str, Any]:
    """Set the topic."""
    return _describe(c, "topic")


@method("conversations.setPurpose", *MANAGE, "channels:write.topic", "groups:write.topic")
def set_purpose(c: Context) -> dict[str, Any]:
    """Set the purpose, which Slack's screens call description."""
    return _describe(c, "purpose")


def _describe(c: Context, what: str) -> dict[str, Any]:
    row = channel_for(c)
    if row["kind"] == "im":
        raise SlackError("method_not_supported_for_channel_type")
    value = c.args.text(what)
    if what not in c.args.values:
        c.args.required(what, "")
    if len(value) > 250:
        raise SlackError("too_long")
    if row["archived"]:
        raise SlackError("is_archived")
    _need_inside(c, row)
    value = stored(c.twin, value)
    filled = {"value": value, "creator": c.user, "last_set": c.now}
    row = _changed(c, row, **{what: filled})
    noun = "group" if row["private"] else "channel"
    text = f"<@{c.user}> set the channel {what if what == 'topic' else 'description'}: {value}"
    post(c.twin, row["id"], c.user, text, subtype=f"{noun}_{what}", **{what: value})
    return {"channel": channel_shape(c, row)}


def _need_inside(c: Context, row: Row) -> None:
    if not is_member(c.twin, row["id"], c.user):
        raise SlackError("not_in_channel")


@method("conversations.open", "im:write", "mpim:write", "channels:manage")
def open_conversation(c: Context) -> dict[str, Any]:
    """Open (or find) the direct message with the given users."""
    if "channel" in c.args:
        row = channel_for(c)
        if row["kind"] == "channel":
            raise SlackError("method_not_supported_for_channel_type")
        known = True
    else:
        users = c.args.items("users")
        if not users:
            raise SlackError("users_list_not_supplied")
        if len(users) > 8:
            raise SlackError("too_many_users")
        for user in users:
            if find_user(c.twin, user)["deleted"]:
                raise SlackError("user_disabled")
        c.need_scope("im:write" if len(users) == 1 else "mpim:write")
        row, known = direct_message(c.twin, [c.user, *users])
    _opened(c, row, "open")
    shape = channel_shape(c, row) if c.args.flag("return_im") else {"id": row["id"]}
    return {"no_op": True, "already_open": True, "channel": shape} if known else {"channel": shape}


@method("conversations.close", "im:write", "mpim:write")
def close(c: Context) -> dict[str, Any]:
    """Close a direct message; it stays where it is."""
    row = channel_for(c)
    if row["kind"] == "channel":
        raise SlackError("method_not_supported_for_channel_type")
    _opened(c, row, "close")
    return {}


def _opened(c: Context, row: Row, what: str) -> None:
    """Tell apps of the caller that a direct message was opened or closed."""
    if events.listening(c.twin):
        noun = "im" if row["kind"] == "im" else "group"
        event = {"type": f"{noun}_{what}", "user": c.user, "channel": row["id"]}
        events.notify(c.twin, event, only=c.user)


@method("conversations.mark", "channels:manage", "channels:write", "groups:write", "im:write")
def mark(c: Context) -> dict[str, Any]:
    """Move the caller's read mark."""
    row = channel_for(c)
    ts = c.args.required("ts", "invalid_timestamp")
    if not is_ts(ts):
        raise SlackError("invalid_timestamp")
    if c.user not in member_ids(c.twin, row["id"]):
        raise SlackError("not_in_channel")
    update(c.twin, "channels", row["id"], last_read={**row.get("last_read", {}), c.user: ts})
    return {}
