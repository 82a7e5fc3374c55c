"""stars.*: items a user has saved."""

from typing import Any

from factory_tui.universe import Row

from . import events
from .conversations import channel_for
from .errors import SlackError
from .files import file_of, file_shape
from .history import is_ts, message_at
from .method import Context, method
from .shapes import message_shape
from .state import count


def _item(c: Context) -> tuple[str, Row]:
    """A key for the item a call names, and what it is."""
    if "file" in c.args:
        row = file_of(c)
        return f"file/{row['id']}", {"type": "file", "file": row["id"]}
    if "channel" not in c.args:
        raise SlackError("no_item_specified")
    channel = channel_for(c)
    ts = c.args.text("timestamp")
    if not ts:
        return f"channel/{channel['id']}", {"type": "channel", "channel": channel["id"]}
    if not is_ts(ts):
        raise SlackError("bad_timestamp")
    row = message_at(c, channel["id"], ts)
    return f"message/{channel['id']}/{row['ts']}", {
        "type": "message",
        "channel": channel["id"],
        "ts": row["ts"],
    }


def _shape(c: Context, row: Row) -> dict[str, Any] | None:
    item = {"type": row["type"], "date_create": row["date_create"]}
    if row["type"] == "file":
        found = c["files"].get(row["file"])
        return {**item, "file": file_shape(c, found)} if found else None
    if row["type"] == "channel":
        return {**item, "channel": row["channel"]}
    message = c["messages"].get((row["channel"], row["ts"]))
    if message is None:
        return None
    return {**item, "channel": row["channel"], "message": message_shape(c, message)}


def _tell(c: Context, what: str, row: Row) -> None:
    if events.listening(c.twin):
        event = {"type": what, "user": c.user, "item": _shape(c, row)}
        events.notify(c.twin, event)


@method("stars.add", "stars:write", kinds=("user",))
def add(c: Context) -> dict[str, Any]:
    """Save an item."""
    key, item = _item(c)
    if (c.user, key) in c["stars"]:
        raise SlackError("already_starred")
    row = {**item, "user": c.user, "date_create": c.now, "n": count(c.twin, "star")}
    c["stars"].put((c.user, key), row)
    _tell(c, "star_added", row)
    return {}


@method("stars.remove", "stars:write", kinds=("user",))
def remove(c: Context) -> dict[str, Any]:
    """No longer save it."""
    key, _ = _item(c)
    row = c["stars"].get((c.user, key))
    if row is None:
        raise SlackError("not_starred")
    c["stars"].delete((c.user, key))
    _tell(c, "star_removed", row)
    return {}


@method("stars.list", "stars:read", kinds=("user",))
def list_stars(c: Context) -> dict[str, Any]:
    """Saved items, the last saved first."""
    mine = [row for row in c["stars"].rows() if row["user"] == c.user]
    rows = [shape for row in reversed(mine) if (shape := _shape(c, row)) is not None]
    size = c.twin.page_size(c.args.number("count") or c.args.number("limit"), 100, 1000)
    page = max(1, c.args.number("page", 1) or 1)
    start = (page - 1) * size
    return {
        "items": rows[start : start + size],
        "paging": {
            "per_page": size,
            "spill": 0,
            "page": page,
            "total": len(rows),
            "pages": -(-len(rows) // size),
        },
    }
