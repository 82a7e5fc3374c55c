"""reminders.*: notes to oneself or others."""

from typing import Any

from factory_tui.universe import UPPER, Row

from .errors import SlackError
from .method import Context, method
from .state import find_user


def _shape(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "gone"}


@method("reminders.add", "reminders:write")
def add(c: Context) -> dict[str, Any]:
    """Remind somebody at a Unix time or in so many seconds (up to a day)."""
    text = c.args.need("text")
    when = c.args.number("time", error="cannot_parse")
    if when is None:
        raise SlackError("cannot_parse")
    if 0 <= when <= 86400:
        when += c.now
    if when < c.now:
        raise SlackError("time_in_past")
    user = c.args.text("user") or c.user
    find_user(c.twin, user)
    if c["users"][user]["bot"] and user != c.user:
        raise SlackError("cannot_add_bot")
    key = c.twin.ids.mint("reminder", 10, prefix="Rm", alphabet=UPPER)
    row = {
        "id": key,
        "creator": c.user,
        "user": user,
        "text": text,
        "recurring": False,
        "time": when,
        "complete_ts": 0,
    }
    c["reminders"].put(key, row)
    return {"reminder": _shape(row)}


def _reminder(c: Context) -> Row:
    row = c["reminders"].get(c.args.need("reminder", "not_found"))
    if row is None or c.user not in (row["creator"], row["user"]):
        raise SlackError("not_found")
    return row


@method("reminders.info", "reminders:read")
def info(c: Context) -> dict[str, Any]:
    """A reminder."""
    return {"reminder": _shape(_reminder(c))}


@method("reminders.list", "reminders:read")
def list_reminders(c: Context) -> dict[str, Any]:
    """Reminders the caller made or gets."""
    rows = [row for row in c["reminders"].rows() if c.user in (row["creator"], row["user"])]
    return {"reminders": [_shape(row) for row in rows]}


@method("reminders.complete", "reminders:write")
def complete(c: Context) -> dict[str, Any]:
    """Done."""
    row = _reminder(c)
    c["reminders"].put(row["id"], {**row, "complete_ts": c.now})
    return {}


@method("reminders.delete", "reminders:write")
def delete(c: Context) -> dict[str, Any]:
    """Forget a reminder."""
    c["reminders"].delete(_reminder(c)["id"])
    return {}
