"""dnd.*: do not disturb, on the universe's clock."""

from typing import Any, Final

from factory_tui.universe import Row

from . import events
from .errors import SlackError
from .method import Context, method
from .state import find_user

_DAY: Final = 86_400
_START_HOUR, _END_HOUR = 22, 8
"""The workspace's default hours (UTC) without notifications."""


def _hours(now: int) -> tuple[int, int]:
    """The running or next quiet hours."""
    midnight = now - now % _DAY
    length = (_END_HOUR - _START_HOUR) % 24 * 3600
    for start in (midnight - _DAY, midnight, midnight + _DAY):
        start += _START_HOUR * 3600
        if start + length > now:
            break
    return start, start + length


def _status(c: Context, user: str) -> dict[str, Any]:
    row: Row = c["dnd"].get(user) or {}
    start, end = _hours(c.now)
    if row.get("skip_until", 0) > c.now:
        start, end = start + _DAY, end + _DAY
    return {"dnd_enabled": True, "next_dnd_start_ts": start, "next_dnd_end_ts": end}


def _snooze(c: Context) -> dict[str, Any]:
    until = (c["dnd"].get(c.user) or {}).get("snooze", 0)
    if until <= c.now:
        return {"snooze_enabled": False}
    return {
        "snooze_enabled": True,
        "snooze_endtime": until,
        "snooze_remaining": until - c.now,
        "snooze_is_indefinite": False,
    }


def _put(c: Context, **changes: int) -> None:
    c["dnd"].put(c.user, {**(c["dnd"].get(c.user) or {}), **changes})
    event = {"type": "dnd_updated_user", "user": c.user, "dnd_status": _status(c, c.user)}
    events.notify(c.twin, event)
    mine = {**event, "type": "dnd_updated", "dnd_status": {**_status(c, c.user), **_snooze(c)}}
    events.notify(c.twin, mine, only=c.user)


@method("dnd.info", "dnd:read")
def info(c: Context) -> dict[str, Any]:
    """Somebody's quiet hours, with one's own snooze."""
    user = find_user(c.twin, c.args.text("user") or c.user)["id"]
    return {**_status(c, user), **(_snooze(c) if user == c.user else {})}


@method("dnd.teamInfo", "dnd:read")
def team_info(c: Context) -> dict[str, Any]:
    """Quiet hours of up to fifty people."""
    wanted = c.args.items("users")
    if not wanted:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: users")
    if len(wanted) > 50:
        raise SlackError("too_many_users")
    return {"users": {user: _status(c, user) for user in wanted if user in c["users"]}}


@method("dnd.setSnooze", "dnd:write", kinds=("user",))
def set_snooze(c: Context) -> dict[str, Any]:
    """No notifications for so many minutes."""
    minutes = c.args.number("num_minutes", error="missing_duration")
    if minutes is None:
        raise SlackError("missing_duration")
    if minutes <= 0:
        raise SlackError("snooze_failed")
    if minutes > 30 * 24 * 60:
        raise SlackError("too_long")
    _put(c, snooze=c.now + minutes * 60)
    return _snooze(c)


@method("dnd.endSnooze", "dnd:write", kinds=("user",))
def end_snooze(c: Context) -> dict[str, Any]:
    """Notifications again."""
    if not _snooze(c)["snooze_enabled"]:
        raise SlackError("snooze_not_active")
    _put(c, snooze=0)
    return {**_status(c, c.user), **_snooze(c)}


@method("dnd.endDnd", "dnd:write", kinds=("user",))
def end_dnd(c: Context) -> dict[str, Any]:
    """End the running quiet hours."""
    start, end = _hours(c.now)
    _put(c, snooze=0, skip_until=end if start <= c.now else 0)
    return {}
