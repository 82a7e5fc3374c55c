"""bookmarks.*: links at the top of a channel."""

from typing import Any

from factory_tui.universe import UPPER, Row

from .conversations import channel_for
from .errors import SlackError
from .method import Context, method


def _channel(c: Context) -> Row:
    return channel_for(c, argument="channel_id")


@method("bookmarks.add", "bookmarks:write")
def add(c: Context) -> dict[str, Any]:
    """A new link."""
    channel = _channel(c)
    if c.args.need("type") != "link":
        raise SlackError("invalid_bookmark_type")
    link = c.args.need("link", "invalid_link")
    if not link.startswith(("http://", "https://")):
        raise SlackError("invalid_link")
    key = c.twin.ids.mint("bookmark", 10, prefix="Bk", alphabet=UPPER)
    row = {
        "id": key,
        "channel": channel["id"],
        "channel_id": channel["id"],
        "title": c.args.need("title"),
        "link": link,
        "emoji": c.args.text("emoji"),
        "icon_url": None,
        "type": "link",
        "entity_id": None,
        "date_created": c.now,
        "date_updated": c.now,
        "rank": "i",
        "last_updated_by_user_id": c.user,
        "last_updated_by_team_id": c.team["id"],
        "shortcut_id": None,
        "app_id": None,
    }
    c["bookmarks"].put(key, row)
    return {"bookmark": _shape(row)}


def _shape(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "channel"}


def _bookmark(c: Context) -> Row:
    channel = _channel(c)
    row = c["bookmarks"].get(c.args.need("bookmark_id"))
    if row is None or row["channel"] != channel["id"]:
        raise SlackError("not_found")
    return row


@method("bookmarks.edit", "bookmarks:write")
def edit(c: Context) -> dict[str, Any]:
    """Another title, link or emoji."""
    row = dict(_bookmark(c))
    for name in ("title", "link", "emoji"):
        if name in c.args:
            row[name] = c.args.text(name)
    row |= {"date_updated": c.now, "last_updated_by_user_id": c.user}
    c["bookmarks"].put(row["id"], row)
    return {"bookmark": _shape(row)}


@method("bookmarks.list", "bookmarks:read")
def list_bookmarks(c: Context) -> dict[str, Any]:
    """The links of a channel."""
    table = c["bookmarks"]
    keys = table.find("channel", _channel(c)["id"])
    return {"bookmarks": [_shape(table[key]) for key in keys]}


@method("bookmarks.remove", "bookmarks:write")
def remove(c: Context) -> dict[str, Any]:
    """Take a link away."""
    c["bookmarks"].delete(_bookmark(c)["id"])
    return {}
