"""reactions.* and pins.*: what is attached to messages."""

import re
from typing import Any, Final

from factory_tui.universe import Row

from . import events
from .conversations import channel_for
from .errors import SlackError
from .history import is_ts, message_at
from .method import Context, method
from .shapes import message_shape
from .state import is_member

MAX_REACTIONS: Final = 23
_NAME = re.compile(r"[a-z0-9_+'\-]{1,100}(?:::skin-tone-[2-6])?\Z")


def _target(c: Context) -> Row:
    """The message that ``channel`` and ``timestamp`` name."""
    if "channel" not in c.args or "timestamp" not in c.args:
        raise SlackError("no_item_specified")
    channel = channel_for(c)
    ts = c.args.text("timestamp")
    if not is_ts(ts):
        raise SlackError("bad_timestamp")
    return message_at(c, channel["id"], ts)


def _writable(c: Context, row: Row) -> None:
    if c["channels"][row["channel"]]["archived"]:
        raise SlackError("is_archived")


def _reaction(c: Context) -> str:
    name = c.args.need("name", "invalid_name").strip(":")
    if not _NAME.match(name):
        raise SlackError("invalid_name")
    return name


def _store(c: Context, row: Row, reactions: list[dict[str, Any]]) -> None:
    c["messages"].put((row["channel"], row["ts"]), {**row, "reactions": reactions})


@method("reactions.add", "reactions:write")
def add_reaction(c: Context) -> dict[str, Any]:
    """React to a message."""
    name = _reaction(c)
    row = _target(c)
    _writable(c, row)
    channel = c["channels"][row["channel"]]
    if channel["private"] and not is_member(c.twin, channel["id"], c.user):
        raise SlackError("not_in_channel")
    reactions = [dict(item) for item in row.get("reactions", [])]
    for item in reactions:
        if item["name"] == name:
            if c.user in item["users"]:
                raise SlackError("already_reacted")
            item["users"] = [*item["users"], c.user]
            break
    else:
        if len(reactions) >= MAX_REACTIONS:
            raise SlackError("too_many_emoji")
        reactions.append({"name": name, "users": [c.user]})
    _store(c, row, reactions)
    reacted(c, row, name, "reaction_added")
    return {}


@method("reactions.remove", "reactions:write")
def remove_reaction(c: Context) -> dict[str, Any]:
    """Take a reaction back."""
    name = _reaction(c)
    row = _target(c)
    _writable(c, row)
    kept = []
    removed = False
    for item in row.get("reactions", []):
        users = item["users"]
        if item["name"] == name and c.user in users:
            removed = True
            users = [user for user in users if user != c.user]
        if users:
            kept.append({"name": item["name"], "users": users})
    if not removed:
        raise SlackError("no_reaction")
    _store(c, row, kept)
    reacted(c, row, name, "reaction_removed")
    return {}


def reacted(c: Context, row: Row, name: str, what: str) -> None:
    """Tell apps of a reaction."""
    item = {"type": "message", "channel": row["channel"], "ts": row["ts"]}
    event = {"type": what, "user": c.user, "item": item, "reaction": name}
    events.notify(c.twin, {**event, "item_user": row["user"]}, c["channels"][row["channel"]])


@method("reactions.get", "reactions:read")
def get_reactions(c: Context) -> dict[str, Any]:
    """A message with its reactions."""
    row = _target(c)
    return {"type": "message", "channel": row["channel"], "message": message_shape(c, row)}


@method("reactions.list", "reactions:read")
def list_reactions(c: Context) -> dict[str, Any]:
    """Messages a user reacted to, newest first."""
    user = c.args.text("user") or c.user
    rows = sorted(
        (
            row
            for row in c["messages"].rows()
            if any(user in item["users"] for item in row.get("reactions", []))
            and is_member(c.twin, row["channel"], c.user)
        ),
        key=lambda row: str(row["ts"]),
        reverse=True,
    )
    numbered = [{**row, "n": number} for number, row in enumerate(rows, 1)]
    page, metadata = c.page(numbered, "reaction", default=100)
    items = []
    for row in page:
        plain = {key: value for key, value in row.items() if key != "n"}
        message = message_shape(c, plain)
        items.append({"type": "message", "channel": row["channel"], "message": message})
    return {"items": items, "response_metadata": metadata}


@method("pins.add", "pins:write")
def add_pin(c: Context) -> dict[str, Any]:
    """Pin a message."""
    row = _target(c)
    _writable(c, row)
    _inside(c, row)
    key = (row["channel"], row["ts"])
    if key in c["pins"]:
        raise SlackError("already_pinned")
    pin = {"channel": row["channel"], "ts": row["ts"], "user": c.user, "created": c.now}
    c["pins"].put(key, pin)
    _pinned(c, row, pin, "pin_added")
    return {}


def _pinned(c: Context, row: Row, pin: Row, what: str) -> None:
    if not events.listening(c.twin):
        return
    count = len(c["pins"].find("channel", row["channel"]))
    message = {**message_shape(c, row), "permalink": _link(c, pin)}
    item = {"type": "message", "created": pin["created"], "created_by": pin["user"]}
    event = {
        "type": what,
        "user": c.user,
        "channel_id": row["channel"],
        "item": {**item, "channel": row["channel"], "message": message},
        "item_user": row["user"],
        "pin_count": count,
        "pinned_info": {
            "channel": row["channel"],
            "pinned_by": pin["user"],
            "pinned_ts": pin["created"],
        },
    }
    if what == "pin_removed":
        event["has_pins"] = bool(count)
    events.notify(c.twin, event, c["channels"][row["channel"]])


@method("pins.remove", "pins:write")
def remove_pin(c: Context) -> dict[str, Any]:
    """Unpin a message."""
    row = _target(c)
    _writable(c, row)
    _inside(c, row)
    pin = c["pins"].get((row["channel"], row["ts"]))
    if pin is None:
        raise SlackError("no_pin")
    c["pins"].delete((row["channel"], row["ts"]))
    _pinned(c, row, pin, "pin_removed")
    return {}


@method("pins.list", "pins:read")
def list_pins(c: Context) -> dict[str, Any]:
    """Pinned messages, the last pinned first."""
    channel = channel_for(c)
    if not is_member(c.twin, channel["id"], c.user) and (c.is_bot or channel["private"]):
        raise SlackError("not_in_channel")
    table = c["pins"]
    pins = [table[key] for key in table.find("channel", channel["id"])]
    items = [
        {
            "type": "message",
            "created": pin["created"],
            "created_by": pin["user"],
            "channel": channel["id"],
            "message": {
                **message_shape(c, c["messages"][pin["channel"], pin["ts"]]),
                "permalink": _link(c, pin),
            },
        }
        for pin in reversed(pins)
        if (pin["channel"], pin["ts"]) in c["messages"]
    ]
    return {"items": items}


def _link(c: Context, pin: Row) -> str:
    number = pin["ts"].replace(".", "")
    return f"https://{c.team['domain']}.slack.com/archives/{pin['channel']}/p{number}"


def _inside(c: Context, row: Row) -> None:
    if not is_member(c.twin, row["channel"], c.user):
        raise SlackError("not_in_channel")
