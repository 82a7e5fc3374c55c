"""reminders.*: notes to oneself or others, which Slackbot brings when their time has come."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from factory_tui.universe import UPPER, Row, Twin

from .errors import SlackError
from .method import Context, method
from .reminder_times import parse_when
from .state import direct_message, find_user, post

__all__ = ["remind"]

DAY: Final = 86_400
_FREQUENCIES: Final = ("daily", "weekly", "monthly", "yearly")


_WEEKDAYS: Final = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)


def _shape(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("gone", "rule")}


def _next(when: int, rule: dict[str, Any]) -> int:
    """When a recurring reminder comes after ``when``; both are epoch seconds."""
    moment = datetime.fromtimestamp(when, UTC)
    frequency, days = rule["frequency"], rule.get("weekdays") or []
    if frequency == "weekly" and days:
        for ahead in range(1, 8):
            later = moment + timedelta(days=ahead)
            if _WEEKDAYS[later.weekday()] in days:
                return int(later.timestamp())
    if frequency in ("daily", "weekly"):
        return when + DAY * (1 if frequency == "daily" else 7)
    # A day that the next month lacks is passed over, as calendars do.
    step = 1 if frequency == "monthly" else 12
    for ahead in range(step, 49, step):
        year, month = divmod(moment.year * 12 + moment.month - 1 + ahead, 12)
        try:
            return int(moment.replace(year=year, month=month + 1).timestamp())
        except ValueError:
            continue
    return when + 365 * DAY


def _plan(twin: Twin, row: Row) -> None:
    """Let Slackbot bring the reminder when it is due."""
    plan = {"id": row["id"], "channel": "", "user": "USLACKBOT", "post_at": row["gone"]}
    twin["scheduled"].put(row["id"], {**plan, "date_created": row["gone"], "fields": {}})


def remind(twin: Twin, key: str) -> None:
    """Bring a reminder whose time has come; one that comes again is planned anew."""
    row = twin["reminders"].get(key)
    if row is None or row.get("complete_ts") or row["user"] not in twin["users"]:
        return
    if not twin["users"][row["user"]]["deleted"]:
        room = direct_message(twin, ["USLACKBOT", row["user"]])[0]
        text = f"Reminder: {row['text']}."
        if row["creator"] != row["user"]:
            text = f"<@{row['creator']}> asked me to remind you: {row['text']}."
        post(twin, room["id"], "USLACKBOT", text)
    if row["recurring"]:
        row = {**row, "gone": _next(row["gone"], row.get("rule") or {"frequency": "daily"})}
        twin["reminders"].put(key, row)
        _plan(twin, row)


def _rule(c: Context) -> dict[str, Any]:
    """How often a reminder in words comes: ``every day``, ``every Thursday at 10am``."""
    words = c.args.text("time").lower().split()
    named = words[1].rstrip("s") if len(words) > 1 else ""
    return {"frequency": "weekly" if named in (*_WEEKDAYS, "week") else "daily"}


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
    rule = _rule(c)
    recurrence = c.args.json("recurrence", "invalid_arguments")
    if recurrence is not None:
        if not isinstance(recurrence, dict) or recurrence.get("frequency") not in _FREQUENCIES:
            raise SlackError("invalid_arguments", "[ERROR] must be a valid enum value: frequency")
        days = recurrence.get("weekdays", [])
        if not isinstance(days, list) or set(map(str, days)) - set(_WEEKDAYS):
            raise SlackError("invalid_arguments", "[ERROR] must be a valid enum value: weekdays")
        rule, again = {"frequency": recurrence["frequency"], "weekdays": days}, True
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
    planned = {**row, "gone": when, **({"rule": rule} if again else {})}
    c["reminders"].put(key, planned)
    _plan(c.twin, planned)
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
    c["scheduled"].delete(row["id"])
    return {}


@method("reminders.delete", "reminders:write")
def delete(c: Context) -> dict[str, Any]:
    """Forget a reminder."""
    key = _reminder(c)["id"]
    c["reminders"].delete(key)
    c["scheduled"].delete(key)
    return {}
