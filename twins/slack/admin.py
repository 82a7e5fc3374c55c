"""admin.*: who may call it, and the methods about people and their sessions.

Slack offers these methods to owners and admins of Enterprise organisations. The twin's one
workspace stands for the organisation too.
"""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import Row

from . import events
from .errors import SlackError
from .guests import kind_of, plan
from .method import Context, method
from .people import changed
from .shapes import user_shape
from .state import add_user, channel_of, put_member, update, user_named

__all__ = ["admin_method", "numbered", "team_for"]

_READS: Final = ("get", "info", "list", "lookup", "search", "fetch")
_AREAS: Final = {
    "analytics": "admin.analytics",
    "apps": "admin.apps",
    "auth": "admin.users",
    "barriers": "admin.barriers",
    "conversations": "admin.conversations",
    "emoji": "admin.teams",
    "functions": "admin.workflows",
    "inviteRequests": "admin.invites",
    "roles": "admin.roles",
    "teams": "admin.teams",
    "usergroups": "admin.usergroups",
    "users": "admin.users",
    "workflows": "admin.workflows",
}


def _scope(name: str) -> str:
    """The scope that an admin method needs."""
    parts = name.split(".")
    reads = parts[-1].startswith(_READS)
    if name == "admin.apps.activities.list":
        return "admin.app_activities:read"
    return f"{_AREAS.get(parts[1], 'admin.teams')}:{'read' if reads else 'write'}"


def _gate(c: Context, name: str) -> None:
    """Raise what Slack says to a token that may not call an admin method."""
    if c.token is None or c.token["kind"] != "user":
        raise SlackError("not_allowed_token_type")
    c.need_scope(_scope(name))
    if not c["users"][c.user]["admin"]:
        raise SlackError("not_an_admin")


def admin_method(
    name: str,
) -> Callable[[Callable[[Context], dict[str, Any]]], Callable[[Context], dict[str, Any]]]:
    """Register an admin method behind its gate."""

    def register(function: Callable[[Context], dict[str, Any]]) -> Callable[[Context], Any]:
        def gated(c: Context) -> dict[str, Any]:
            _gate(c, name)
            return function(c)

        gated.__doc__ = function.__doc__
        method(name, kinds=("user",))(gated)
        return function

    return register


def team_for(c: Context, *, needed: bool = False, argument: str = "team_id") -> Row:
    """The workspace that a call names. Raises ``team_not_found``."""
    team = c.team
    given = c.args.text(argument)
    if needed and not given:
        raise SlackError("invalid_arguments", f"[ERROR] missing required field: {argument}")
    if given and given != team["id"]:
        raise SlackError("team_not_found")
    return team


def numbered(rows: list[Row]) -> list[Row]:
    """Rows as pages count them; :meth:`Context.page` gives ``{n, row}``."""
    return [{"n": n, "row": row} for n, row in enumerate(rows, 1)]


def _person(c: Context) -> Row:
    team_for(c, needed=True)
    row = c["users"].get(c.args.need("user_id", "user_not_found"))
    if row is None:
        raise SlackError("user_not_found")
    return row


def _shape(c: Context, row: Row) -> dict[str, Any]:
    shown = {
        "id": row["id"],
        "email": row["email"],
        "is_admin": row["admin"],
        "is_owner": row["owner"],
        "is_primary_owner": row["owner"],
        "is_restricted": bool(row.get("guest")),
        "is_ultra_restricted": row.get("guest") == "ultra",
        "is_bot": row["bot"],
        "username": row["name"],
        "full_name": f"{row['first']} {row['last']}".strip(),
        "is_active": not row["deleted"],
        "date_created": c.team["created"],
        "deactivated_ts": row["updated"] if row["deleted"] else 0,
        "expiration_ts": row.get("expires", 0),
        "workspaces": [c.team["id"]],
        "has_2fa": False,
        "has_sso": False,
    }
    return shown


@admin_method("admin.users.list")
def list_users(c: Context) -> dict[str, Any]:
    """Accounts of the workspace."""
    team_for(c)
    active = c.args.flag("is_active", True)
    rows = [
        row
        for row in c["users"].rows()
        if row["id"] != "USLACKBOT"
        and row["deleted"] != active
        and (row.get("guest") or not c.args.flag("only_guests"))
    ]
    page, metadata = c.page(rows, "admin_user", default=100, largest=100)
    return {"users": [_shape(c, row) for row in page], "response_metadata": metadata}


@admin_method("admin.users.invite")
def invite(c: Context) -> dict[str, Any]:
    """An account for an address, in the channels named."""
    team_for(c, needed=True)
    email = c.args.need("email", "invalid_email")
    if "@" not in email or email.startswith("@"):
        raise SlackError("invalid_email")
    rooms = [c["channels"].get(key) for key in c.args.items("channel_ids")]
    if not rooms:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: channel_ids")
    if None in rooms:
        raise SlackError("channel_not_found")
    known = user_named(c.twin, email)
    if known is not None:
        raise SlackError("user_disabled" if known["deleted"] else "already_in_team")
    first, _, last = c.args.text("real_name", email.partition("@")[0]).partition(" ")
    guest = kind_of(c)
    if guest == "ultra" and len(rooms) != 1:
        message = "[ERROR] must be exactly one channel [json-pointer:/channel_ids]"
        raise SlackError("invalid_arguments", message)
    row = add_user(c.twin, first, last, email.lower())
    if guest:
        row = update(c.twin, "users", row["id"], guest=guest)
        _expires(c, row, c.args.number("guest_expiration_ts", error="invalid_expiration_ts"))
    general = None if guest else channel_of(c.twin, "general")
    for room in (general, *rooms):
        if room is not None and (room["id"], row["id"]) not in c["members"]:
            put_member(c.twin, room["id"], row["id"])
    if events.listening(c.twin):
        events.notify(c.twin, {"type": "team_join", "user": user_shape(c, row)})
    return {}


@admin_method("admin.users.assign")
def assign(c: Context) -> dict[str, Any]:
    """Put somebody of the organisation into the workspace; an account that left comes back."""
    row = _person(c)
    if not row["deleted"]:
        raise SlackError("user_already_team_member")
    changed(c, update(c.twin, "users", row["id"], deleted=False, updated=c.now))
    general = channel_of(c.twin, "general")
    for key in (*c.args.items("channel_ids"), general["id"] if general else ""):
        if key in c["channels"]:
            put_member(c.twin, key, row["id"])
    return {}


@admin_method("admin.users.remove")
def remove(c: Context) -> dict[str, Any]:
    """Take somebody out of the workspace."""
    row = _person(c)
    if row["owner"]:
        raise SlackError("cannot_remove_primary_owner")
    if row["deleted"]:
        raise SlackError("user_not_found")
    for key in c["members"].find("user", row["id"]):
        c["members"].delete(key)
    changed(c, update(c.twin, "users", row["id"], deleted=True, updated=c.now))
    return {}


def _expires(c: Context, row: Row, when: int | None) -> None:
    """Keep when an account ends, which only those of guests do."""
    if when is not None:
        row = update(c.twin, "users", row["id"], expires=when)
        if row.get("guest"):
            plan(c.twin, row)


def _rank(c: Context, *, admin: bool, owner: bool) -> dict[str, Any]:
    row = _person(c)
    if row["bot"]:
        raise SlackError("user_is_bot")
    if row["deleted"]:
        raise SlackError("user_disabled")
    if row["owner"] and row["id"] == c.user and not owner:
        raise SlackError("no_permission")
    changed(
        c, update(c.twin, "users", row["id"], admin=admin, owner=owner, guest="", updated=c.now)
    )
    return {}


@admin_method("admin.users.setAdmin")
def set_admin(c: Context) -> dict[str, Any]:
    """Somebody is an admin from now on."""
    return _rank(c, admin=True, owner=False)


@admin_method("admin.users.setOwner")
def set_owner(c: Context) -> dict[str, Any]:
    """Somebody is an owner from now on."""
    return _rank(c, admin=True, owner=True)


@admin_method("admin.users.setRegular")
def set_regular(c: Context) -> dict[str, Any]:
    """Somebody is a member like any other from now on."""
    return _rank(c, admin=False, owner=False)


@admin_method("admin.users.setExpiration")
def set_expiration(c: Context) -> dict[str, Any]:
    """When a guest's account ends."""
    team_for(c)
    row = c["users"].get(c.args.need("user_id", "user_not_found"))
    if row is None:
        raise SlackError("user_not_found")
    when = c.args.number("expiration_ts", error="invalid_expiration_ts")
    if when is None or when <= c.now:
        raise SlackError("invalid_expiration_ts")
    _expires(c, row, when)
    return {}


@admin_method("admin.users.getExpiration")
def get_expiration(c: Context) -> dict[str, Any]:
    """When a guest's account ends; 0: never."""
    row = c["users"].get(c.args.need("user_id", "user_not_found"))
    if row is None:
        raise SlackError("user_not_found")
    return {"expiration_ts": row.get("expires", 0)}


# -- sessions: every valid token of a person is one


def _sessions(c: Context, user: str = "") -> list[Row]:
    return [
        row
        for row in c["tokens"].rows()
        if row["kind"] == "user" and not row["revoked"] and user in ("", row["user"])
    ]


def _number(token: str) -> int:
    return sum(ord(letter) * (n + 1) for n, letter in enumerate(token))


@admin_method("admin.users.session.list")
def list_sessions(c: Context) -> dict[str, Any]:
    """Who is signed in."""
    if ("user_id" in c.args) != ("team_id" in c.args):
        raise SlackError("invalid_arguments", "[ERROR] both user_id and team_id are needed")
    rows = [
        {
            "user_id": row["user"],
            "team_id": c.team["id"],
            "session_id": _number(row["token"]),
            "created": c.team["created"],
            "recent": {
                "device_hardware": "",
                "os": "",
                "os_version": "",
                "slack_client_version": "",
                "ip": "203.0.113.1",
            },
        }
        for row in _sessions(c, c.args.text("user_id"))
    ]
    page, metadata = c.page(numbered(rows), "session", default=1000)
    return {"active_sessions": [item["row"] for item in page], "response_metadata": metadata}


@admin_method("admin.users.session.invalidate")
def invalidate(c: Context) -> dict[str, Any]:
    """End one session."""
    wanted = c.args.number("session_id", error="session_not_found")
    for row in _sessions(c):
        if _number(row["token"]) == wanted:
            update(c.twin, "tokens", row["token"], revoked=True)
            return {}
    raise SlackError("session_not_found")


def _reset(c: Context, users: list[str]) -> None:
    for user in users:
        if user not in c["users"]:
            raise SlackError("user_not_found")
    for user in users:
        for row in _sessions(c, user):
            if c.token is None or row["token"] != c.token["token"]:
                update(c.twin, "tokens", row["token"], revoked=True)


@admin_method("admin.users.session.reset")
def reset_session(c: Context) -> dict[str, Any]:
    """End every session of somebody (but the one that asks)."""
    _reset(c, [c.args.need("user_id", "user_not_found")])
    return {}


@admin_method("admin.users.session.resetBulk")
def reset_sessions(c: Context) -> dict[str, Any]:
    """The same for many."""
    users = c.args.items("user_ids")
    if not users:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: user_ids")
    _reset(c, users)
    return {}


@admin_method("admin.users.session.setSettings")
def set_settings(c: Context) -> dict[str, Any]:
    """How long sessions of people last."""
    duration = c.args.number("duration")
    if duration is not None and duration < 28_800:
        message = "[ERROR] must be greater than 28799 [json-pointer:/duration]"
        raise SlackError("invalid_arguments", message)
    settings = {"desktop_app_browser_quit": c.args.flag("desktop_app_browser_quit")}
    if duration:
        settings["duration"] = duration  # type: ignore[assignment]
    for user in c.args.items("user_ids"):
        if user not in c["users"]:
            raise SlackError("user_not_found")
        update(c.twin, "users", user, session=settings)
    return {}


@admin_method("admin.users.session.getSettings")
def get_settings(c: Context) -> dict[str, Any]:
    """How long sessions of people last, where it is set."""
    shown, none = [], []
    for user in c.args.items("user_ids"):
        found = (c["users"].get(user) or {}).get("session")
        if found:
            shown.append({"user_id": user, **found})
        else:
            none.append(user)
    return {"session_settings": shown, "no_settings_applied": none}


@admin_method("admin.users.session.clearSettings")
def clear_settings(c: Context) -> dict[str, Any]:
    """Sessions of people last as long as everybody's."""
    for user in c.args.items("user_ids"):
        if user not in c["users"]:
            raise SlackError("user_not_found")
        update(c.twin, "users", user, session={})
    return {}
