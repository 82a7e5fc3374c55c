"""calls.*: calls that an app runs elsewhere and shows in Slack."""

from typing import Any, Final

from factory_tui.universe import UPPER, ApplyError, Row, Twin

from . import events
from .apps import app_of
from .errors import SlackError
from .method import Context, method
from .state import channel_of, user_named

__all__ = ["OPS"]


def _users(c: Context, *, needed: bool) -> list[dict[str, str]]:
    users = c.args.json("users", "invalid_arguments")
    if users is None and not needed:
        return []
    if not isinstance(users, list) or not (users or not needed):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: users")
    for user in users:
        if not isinstance(user, dict) or not all(isinstance(v, str) for v in user.values()):
            raise SlackError("invalid_arguments", "[ERROR] must be an object [json-pointer:/users]")
        if "slack_id" in user:
            if user["slack_id"] not in c["users"]:
                raise SlackError("user_not_found")
        elif "external_id" not in user:
            raise SlackError("invalid_arguments", "[ERROR] missing required field: slack_id")
    return users


def _call(c: Context, *, running: bool = False) -> Row:
    row = c["calls"].get(c.args.need("id"))
    if row is None or row["app"] != app_of(c.twin, c.token)["id"]:
        raise SlackError("not_found")
    if running and row["ended"]:
        raise SlackError("call_ended")
    return row


def _shape(row: Row) -> dict[str, Any]:
    hidden = ("app", "ended", "created_by", "duration")
    return {name: value for name, value in row.items() if name not in hidden}


@method("calls.add", "calls:write")
def add(c: Context) -> dict[str, Any]:
    """A call has started."""
    external = c.args.need("external_unique_id")
    url = c.args.need("join_url")
    if not url.startswith(("http://", "https://")):
        raise SlackError("invalid_arguments", "[ERROR] must be a URL [json-pointer:/join_url]")
    if c.is_bot and "created_by" not in c.args:
        raise SlackError("invalid_created_by")
    creator = c.args.text("created_by") or c.user
    if creator not in c["users"]:
        raise SlackError("invalid_created_by")
    app = app_of(c.twin, c.token)["id"]
    if any(
        c["calls"][key]["app"] == app and not c["calls"][key]["ended"]
        for key in c["calls"].find("external", external)
    ):
        raise SlackError("external_unique_id_taken")
    row = {
        "id": c.twin.ids.mint("call", 10, prefix="R", alphabet=UPPER),
        "date_start": c.args.number("date_start", c.now),
        "external_unique_id": external,
        "join_url": url,
        "external_display_id": c.args.text("external_display_id"),
        "title": c.args.text("title"),
        "users": _users(c, needed=False),
        "desktop_app_join_url": c.args.text("desktop_app_join_url"),
        "created_by": creator,
        "app": app,
        "ended": False,
        "duration": 0,
    }
    c["calls"].put(row["id"], row)
    return {"call": _shape(row)}


@method("calls.info", "calls:read")
def info(c: Context) -> dict[str, Any]:
    """A call."""
    return {"call": _shape(_call(c))}


@method("calls.update", "calls:write")
def update_call(c: Context) -> dict[str, Any]:
    """Another title or address."""
    row = dict(_call(c, running=True))
    for name in ("title", "join_url", "desktop_app_join_url"):
        if name in c.args:
            row[name] = c.args.text(name)
    c["calls"].put(row["id"], row)
    return {"call": _shape(row)}


@method("calls.end", "calls:write")
def end(c: Context) -> dict[str, Any]:
    """The call is over."""
    row = _call(c, running=True)
    length = c.args.number("duration", max(0, c.now - row["date_start"]))
    c["calls"].put(row["id"], {**row, "ended": True, "duration": length})
    return {}


def _key(user: dict[str, str]) -> str:
    return user.get("slack_id") or user.get("external_id", "")


@method("calls.participants.add", "calls:write")
def join(c: Context) -> dict[str, Any]:
    """These take part too."""
    row = _call(c, running=True)
    known = {_key(user): user for user in (*row["users"], *_users(c, needed=True))}
    c["calls"].put(row["id"], {**row, "users": list(known.values())})
    return {}


@method("calls.participants.remove", "calls:write")
def leave(c: Context) -> dict[str, Any]:
    """These take part no more."""
    row = _call(c, running=True)
    gone = {_key(user) for user in _users(c, needed=True)}
    c["calls"].put(row["id"], {**row, "users": [u for u in row["users"] if _key(u) not in gone]})
    return {}


def reject_call(twin: Twin, args: dict[str, Any]) -> None:
    """Somebody turns a call down: ``{user, call, channel?}``."""
    row, person = twin["calls"].get(str(args["call"])), user_named(twin, str(args["user"]))
    if row is None or person is None:
        raise ApplyError(f"slack has no {args['call'] if person else args['user']}")
    room = channel_of(twin, str(args.get("channel", "")))
    event = {
        "type": "call_rejected",
        "call_id": row["id"],
        "user_id": person["id"],
        "channel_id": room["id"] if room else "",
        "external_unique_id": row["external_unique_id"],
    }
    events.notify(twin, event)


OPS: Final = {"reject_call": reject_call}
