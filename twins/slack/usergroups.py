"""usergroups.*: groups of people that can be mentioned."""

import re
from typing import Any

from factory_tui.universe import UPPER, Row

from . import events
from .errors import SlackError
from .method import Context, method

_HANDLE = re.compile(r"[a-z0-9._\-]{1,21}\Z")


def _shape(c: Context, row: Row, *, users: bool, count: bool = False) -> dict[str, Any]:
    shape = {
        "id": row["id"],
        "team_id": c.team["id"],
        "is_usergroup": True,
        "is_subteam": True,
        "name": row["name"],
        "description": row["description"],
        "handle": row["handle"],
        "is_external": False,
        "date_create": row["created"],
        "date_update": row["updated"],
        "date_delete": row["deleted"],
        "auto_type": None,
        "auto_provision": False,
        "enterprise_subteam_id": "",
        "created_by": row["created_by"],
        "updated_by": row["updated_by"],
        "deleted_by": None,
        "prefs": {"channels": row["channels"], "groups": []},
    }
    if users:
        shape["users"] = row["users"]
    if count:
        shape["user_count"] = len(row["users"])
    return shape


def _group(c: Context) -> Row:
    row = c["usergroups"].get(c.args.need("usergroup"))
    if row is None:
        raise SlackError("no_such_subteam")
    return row


def _put(c: Context, row: Row, what: str = "updated", **changes: Any) -> Row:
    row = {**row, **changes, "updated": c.now, "updated_by": c.user}
    c["usergroups"].put(row["id"], row)
    if events.listening(c.twin):
        shown = {**_shape(c, row, users=True, count=True), "channel_count": len(row["channels"])}
        events.notify(c.twin, {"type": f"subteam_{what}", "subteam": shown})
    return row


def _tell_members(c: Context, old: Row, new: Row) -> None:
    """Tell apps, and those for whom it is, who came into a group and who left it."""
    added = [user for user in new["users"] if user not in old["users"]]
    removed = [user for user in old["users"] if user not in new["users"]]
    if not events.listening(c.twin) or not (added or removed):
        return
    event = {
        "type": "subteam_members_changed",
        "subteam_id": new["id"],
        "team_id": c.team["id"],
        "date_previous_update": old["updated"],
        "date_update": new["updated"],
        "added_users": added,
        "added_users_count": len(added),
        "removed_users": removed,
        "removed_users_count": len(removed),
    }
    events.notify(c.twin, event)
    for what, users in (("added", added), ("removed", removed)):
        for user in users:
            mine = {"type": f"subteam_self_{what}", "subteam_id": new["id"]}
            events.notify(c.twin, mine, only=user)


def _handle(c: Context, key: str, default: str = "") -> str:
    handle = c.args.text("handle", default).lstrip("@")
    if not _HANDLE.match(handle):
        raise SlackError("invalid_handle")
    taken = c["usergroups"].first("handle", handle)
    if taken is not None and taken["id"] != key:
        raise SlackError("handle_already_exists")
    return handle


def _name(c: Context, key: str) -> str:
    name = c.args.need("name")
    if any(row["name"] == name and row["id"] != key for row in c["usergroups"].rows()):
        raise SlackError("name_already_exists")
    return name


@method("usergroups.create", "usergroups:write")
def create(c: Context) -> dict[str, Any]:
    """A new group without people."""
    name = _name(c, "")
    handle = _handle(c, "", re.sub(r"[^a-z0-9._-]+", "-", name.lower())[:21])
    key = c.twin.ids.mint("usergroup", 10, prefix="S", alphabet=UPPER)
    row = {
        "id": key,
        "name": name,
        "handle": handle,
        "description": c.args.text("description"),
        "channels": c.args.items("channels"),
        "users": [],
        "created": c.now,
        "created_by": c.user,
        "deleted": 0,
    }
    return {"usergroup": _shape(c, _put(c, row, "created"), users=True)}


@method("usergroups.update", "usergroups:write")
def update(c: Context) -> dict[str, Any]:
    """Another name, handle or description."""
    row = _group(c)
    changes: dict[str, Any] = {}
    if "name" in c.args:
        changes["name"] = _name(c, row["id"])
    if "handle" in c.args:
        changes["handle"] = _handle(c, row["id"])
    if "description" in c.args:
        changes["description"] = c.args.text("description")
    if "channels" in c.args:
        changes["channels"] = c.args.items("channels")
    return {"usergroup": _shape(c, _put(c, row, **changes), users=False)}


@method("usergroups.list", "usergroups:read")
def list_groups(c: Context) -> dict[str, Any]:
    """All groups; disabled ones only if asked for."""
    users, disabled = c.args.flag("include_users"), c.args.flag("include_disabled")
    rows = [row for row in c["usergroups"].rows() if disabled or not row["deleted"]]
    count = c.args.flag("include_count")
    return {"usergroups": [_shape(c, row, users=users, count=count) for row in rows]}


@method("usergroups.disable", "usergroups:write")
def disable(c: Context) -> dict[str, Any]:
    """Switch a group off."""
    row = _group(c)
    if row["deleted"]:
        raise SlackError("already_disabled")
    return {"usergroup": _shape(c, _put(c, row, deleted=c.now), users=False)}


@method("usergroups.enable", "usergroups:write")
def enable(c: Context) -> dict[str, Any]:
    """Switch a group on again."""
    row = _group(c)
    if not row["deleted"]:
        raise SlackError("already_enabled")
    return {"usergroup": _shape(c, _put(c, row, deleted=0), users=False)}


@method("usergroups.users.list", "usergroups:read")
def list_users(c: Context) -> dict[str, Any]:
    """Who is in a group."""
    return {"users": _group(c)["users"]}


@method("usergroups.users.update", "usergroups:write")
def update_users(c: Context) -> dict[str, Any]:
    """Exactly these users are in the group."""
    row = _group(c)
    users = list(dict.fromkeys(c.args.items("users")))
    if not users:
        raise SlackError("no_users_provided")
    for user in users:
        account = c["users"].get(user)
        if account is None or account["deleted"]:
            raise SlackError("invalid_users")
    new = _put(c, row, users=users)
    _tell_members(c, row, new)
    return {"usergroup": _shape(c, new, users=True)}
