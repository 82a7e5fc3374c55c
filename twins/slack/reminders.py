"""reminders.*: notes to oneself or others."""

from typing import Any, Final

from factory_tui.universe import UPPER, Row

from .errors import SlackError
from .method import Context, method
from .reminder_times import parse_when
from .state import find_user

DAY: Final = 86_400
_FREQUENCIES: Final = ("daily", "weekly", "monthly", "yearly")


def _shape(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "gone"}


def _when(c: Context) -> tuple[int, bool]:
    """When it is due (epoch seconds), and whether it comes again."""
    text = c.args.need("time", "cannot_parse")
    if text.lstrip("-").isdecimal() and len(text) < 12:
        when = int(text)
        if 0 <= when <= DAY:
            when += c.now
        found: tuple[int, bool] | None = (when, False)
    else:
        found = parse_when(text, c.twin.clock.now())
    if found is None:
        raise SlackError("cannot_parse")
    if found[0] < c.now:
        raise SlackError("time_in_past")
    if found[0] > c.now + 5 * 366 * DAY:
        raise SlackError("cannot_parse")
    return found


@method("reminders.add", "reminders:write")
def add(c: Context) -> dict[str, Any]:
    """Remind somebody at a Unix time, in so many seconds (up to a day) or in words."""
    text = c.args.need("text")
    when, again = _when(c)
    recurrence = c.args.json("recurrence", "invalid_arguments")
    if recurrence is not None:
        if not isinstance(recurrence, dict) or recurrence.get("frequency") not in _FREQUENCIES:
            raise SlackError("invalid_arguments", "[ERROR] must be a valid enum value: frequency")
        again = True
    user = c.args.text("user") or c.user
    find_user(c.twin, user)
    if user == "USLACKBOT":
        raise SlackError("cannot_add_slackbot")
    if c["users"][user]["bot"] and user != c.user:
        raise SlackError("cannot_add_bot")
    key = c.twin.ids.mint("reminder", 10, prefix="Rm", alphabet=UPPER)
    row = {"id": key, "creator": c.user, "user": user, "text": text, "recurring": again}
    if not again:
        row |= {"time": when, "complete_ts": 0}
    c["reminders"].put(key, {**row, "gone": when})
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
    if row["recurring"]:
        raise SlackError("cannot_complete_recurring")
    if row["user"] != c.user:
        raise SlackError("cannot_complete_others")
    c["reminders"].put(row["id"], {**row, "complete_ts": c.now})
    return {}


@method("reminders.delete", "reminders:write")
def delete(c: Context) -> dict[str, Any]:
    """Forget a reminder."""
    c["reminders"].delete(_reminder(c)["id"])
    return {}
