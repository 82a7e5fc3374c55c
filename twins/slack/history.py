"""conversations.history and replies, and how a call names a message."""

from typing import Any

from factory_tui.universe import Row

from .conversations import channel_for
from .errors import SlackError
from .method import Context, make_cursor, method, read_cursor
from .shapes import message_shape
from .state import is_ts

__all__ = ["is_ts", "message_at", "ts_number"]

MAX_PAGE = 999
MAX_THREAD = 1000
"""Replies on a page when no limit is given."""


def ts_number(text: str) -> int:
    """A timestamp in microseconds, so that ``1.5`` and ``1.500000`` compare equal."""
    seconds, _, rest = text.partition(".")
    return int(seconds) * 1_000_000 + int(rest.ljust(6, "0") or 0)


def message_at(c: Context, channel: str, ts: str, error: str = "message_not_found") -> Row:
    """The message, or ``error``."""
    row = c["messages"].get((channel, ts))
    if row is None:
        raise SlackError(error)
    return row


def _bounds(c: Context) -> tuple[int, int, bool]:
    bounds = []
    for name, default in (("oldest", 0), ("latest", 10**20)):
        text = c.args.text(name)
        if text and not is_ts(text):
            raise SlackError(f"invalid_ts_{name}")
        # Slack documents "0" as the lower end and "now" as the upper one.
        bounds.append(ts_number(text) if text and text != "0" else default)
    return bounds[0], bounds[1], c.args.flag("inclusive")


def _within(rows: list[Row], oldest: int, latest: int, inclusive: bool) -> list[Row]:
    if inclusive:
        return [row for row in rows if oldest <= ts_number(row["ts"]) <= latest]
    return [row for row in rows if oldest < ts_number(row["ts"]) < latest]


def _page(c: Context, rows: list[Row], kind: str) -> tuple[list[Row], dict[str, Any]]:
    """A page by position in time: the cursor is the timestamp where the next page starts."""
    limit = c.args.number("limit", error="invalid_limit")
    if limit is not None and limit < 0:
        raise SlackError("invalid_limit")
    newest_first = kind == "next_ts"
    size = c.twin.page_size(limit or None, 100 if newest_first else MAX_THREAD, MAX_PAGE)
    start = read_cursor(c.args.text("cursor"), kind)
    if start:
        rows = [
            row
            for row in rows
            if (ts_number(row["ts"]) <= start if newest_first else ts_number(row["ts"]) >= start)
        ]
    page, rest = rows[:size], rows[size:]
    answer: dict[str, Any] = {"has_more": bool(rest)}
    if rest:
        cursor = make_cursor(kind, ts_number(rest[0]["ts"]))
        answer["response_metadata"] = {"next_cursor": cursor}
    return page, answer


@method("conversations.history", "channels:history", "groups:history", "im:history", "mpim:history")
def history(c: Context) -> dict[str, Any]:
    """Messages of a conversation, newest first, without the replies of threads."""
    channel = channel_for(c, "history")
    _need_reader(c, channel)
    oldest, latest, inclusive = _bounds(c)
    table = c["messages"]
    rows = [row for key in table.find("channel", channel["id"]) if _in_history(row := table[key])]
    rows.sort(key=lambda row: ts_number(row["ts"]), reverse=True)
    rows = _within(rows, oldest, latest, inclusive)
    page, rest = _page(c, rows, "next_ts")
    pins = len(c["pins"].find("channel", channel["id"]))
    return {
        "messages": [_shown(c, row) for row in page],
        "pin_count": pins,
        "channel_actions_ts": None,
        "channel_actions_count": 0,
        **rest,
    }


def _shown(c: Context, row: Row) -> dict[str, Any]:
    """A message; what it carries for programs only for those who ask for it."""
    message = message_shape(c, row)
    if "metadata" in message and not c.args.flag("include_all_metadata"):
        del message["metadata"]
    return message


def _in_history(row: Row) -> bool:
    thread = row.get("thread_ts")
    return not thread or thread == row["ts"] or row.get("subtype") == "thread_broadcast"


@method("conversations.replies", "channels:history", "groups:history", "im:history", "mpim:history")
def replies(c: Context) -> dict[str, Any]:
    """A thread: its first message, then the replies, oldest first."""
    channel = channel_for(c, "history")
    _need_reader(c, channel)
    ts = c.args.required("ts", "thread_not_found")
    row = message_at(c, channel["id"], ts, "thread_not_found")
    root_ts = row.get("thread_ts") or ts
    root = c["messages"].get((channel["id"], root_ts)) or row
    oldest, latest, inclusive = _bounds(c)
    table = c["messages"]
    rows = [table[key] for key in table.find("thread", (channel["id"], root_ts))]
    rows = [reply for reply in rows if reply["ts"] != root["ts"]]
    rows.sort(key=lambda reply: ts_number(reply["ts"]))
    rows = _within(rows, oldest, latest, inclusive)
    page, rest = _page(c, rows, "next_reply")
    return {"messages": [_shown(c, item) for item in [root, *page]], **rest}


def _need_reader(c: Context, channel: Row) -> None:
    """A bot reads only what it is in; a person reads public channels too."""
    inside = (channel["id"], c.user) in c["members"]
    if not inside and (c.is_bot or channel["private"]):
        raise SlackError("not_in_channel")
