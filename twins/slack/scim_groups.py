"""SCIM ``Groups``: the user groups of the workspace."""

import re
from collections.abc import Iterator
from typing import Any, Final

from factory_tui.universe import UPPER, Row

from . import events
from .scim_common import Scim, ScimError
from .scim_filter import FilterError, parse_filter

__all__ = ["create", "delete", "everything", "find", "patch", "replace", "shape"]

_MAX_NAME: Final = 255
_MAX_CHANGED: Final = 5000
"""Members of a group that one request may change."""
_ONE: Final = re.compile(r"members\[(.*)\]\Z", re.S)


def everything(s: Scim) -> Iterator[dict[str, Any]]:
    """All groups."""
    return (shape(s, row) for row in s.c["usergroups"].rows())


def find(s: Scim, key: str) -> Row:
    """A group. Raises ``group_not_found``."""
    row = s.c["usergroups"].get(key)
    if row is None:
        raise ScimError(404, "group_not_found")
    return row


def shape(s: Scim, row: Row) -> dict[str, Any]:
    """A group as SCIM shows it."""
    members = []
    for user in row["users"]:
        account = s.c["users"].get(user)
        name = f"{account['first']} {account['last']}".strip() if account else ""
        members.append({"value": user, "display": name})
    return {
        "schemas": [s.schema("Group")],
        "id": row["id"],
        "displayName": row["name"],
        "members": members,
        "meta": s.meta("Groups", row["id"], row["created"]),
    }


def _name(s: Scim, said: Any, key: str) -> str:
    if not isinstance(said, str) or not said.strip() or len(said) > _MAX_NAME:
        raise ScimError(400, "invalid_displayname")
    for row in s.c["usergroups"].rows():
        if row["name"].lower() == said.lower() and row["id"] != key:
            raise ScimError(409, "groupname_taken")
    return said


def _handle(s: Scim, name: str) -> str:
    """A handle made of the group's name that no other group has."""
    stem = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-")[:18] or "group"
    handle, number = stem, 1
    while s.c["usergroups"].first("handle", handle) is not None:
        number += 1
        handle = f"{stem}-{number}"
    return handle


def _people(s: Scim, said: Any) -> list[str]:
    """Ids of the accounts in a list of members. Raises ``user_not_found``."""
    if said is None:
        return []
    if isinstance(said, dict):
        said = [said]
    if not isinstance(said, list) or len(said) > _MAX_CHANGED:
        raise ScimError(400, "invalid_members")
    found = []
    for item in said:
        user = item.get("value") or item.get("id") if isinstance(item, dict) else item
        account = s.c["users"].get(user) if isinstance(user, str) else None
        if account is None or account["bot"]:
            raise ScimError(404, "user_not_found")
        found.append(account["id"])
    return list(dict.fromkeys(found))


def _put(s: Scim, row: Row, what: str = "updated", **changes: Any) -> Row:
    row = {**row, **changes, "updated": s.c.now, "updated_by": s.c.user}
    s.c["usergroups"].put(row["id"], row)
    if events.listening(s.c.twin):
        shown = {"id": row["id"], "team_id": s.c.team["id"], "is_usergroup": True}
        shown |= {"name": row["name"], "handle": row["handle"], "users": row["users"]}
        shown |= {"user_count": len(row["users"]), "date_update": row["updated"]}
        events.notify(s.c.twin, {"type": f"subteam_{what}", "subteam": shown})
    return row


def create(s: Scim, said: dict[str, Any]) -> dict[str, Any]:
    """A new group with its members."""
    name = _name(s, said.get("displayName"), "")
    people = _people(s, said.get("members"))
    handle = _handle(s, name)
    row = {
        "id": s.c.twin.ids.mint("usergroup", 10, prefix="S", alphabet=UPPER),
        "name": name,
        "handle": handle,
        "description": "",
        "channels": [],
        "users": people,
        "created": s.c.now,
        "created_by": s.c.user,
        "deleted": 0,
    }
    return shape(s, _put(s, row, "created"))


def replace(s: Scim, row: Row, said: dict[str, Any]) -> dict[str, Any]:
    """Another name, exactly these members."""
    name = _name(s, said.get("displayName"), row["id"])
    return shape(s, _put(s, row, name=name, users=_people(s, said.get("members"))))


def patch(s: Scim, row: Row, said: dict[str, Any]) -> dict[str, Any] | None:
    """Change the name, add members and take some away. Answers nothing."""
    changes: dict[str, Any] = {}
    users = list(row["users"])
    if "Operations" in said:
        for operation in said["Operations"] if isinstance(said["Operations"], list) else [None]:
            users = _operation(s, row, operation, users, changes)
        _put(s, row, **changes, users=users)
        return None
    if "displayName" in said:
        changes["name"] = _name(s, said["displayName"], row["id"])
    meta = said.get("meta")
    cleared = meta.get("attributes") if isinstance(meta, dict) else None
    if isinstance(cleared, list) and "members" in cleared:
        users = []
    members = said.get("members") or []
    if not isinstance(members, list):
        raise ScimError(400, "invalid_members")
    gone = [item for item in members if _deletes(item)]
    come = [item for item in members if not _deletes(item)]
    leaving = set(_people(s, gone))
    users = [user for user in users if user not in leaving]
    users = list(dict.fromkeys([*users, *_people(s, come)]))
    _put(s, row, **changes, users=users)
    return None


def _deletes(item: Any) -> bool:
    return isinstance(item, dict) and str(item.get("operation", "")).lower() == "delete"


def _operation(
    s: Scim, row: Row, operation: Any, users: list[str], changes: dict[str, Any]
) -> list[str]:
    """One operation of SCIM 2.0; gives the members after it."""
    if not isinstance(operation, dict):
        raise ScimError(400, "invalid_syntax")
    verb = str(operation.get("op", "")).lower()
    path, value = operation.get("path") or "", operation.get("value")
    if verb not in ("add", "remove", "replace") or not isinstance(path, str):
        raise ScimError(400, "invalid_syntax")
    if not path and isinstance(value, dict) and verb != "remove":
        for name, inner in value.items():
            if name in ("displayName", "members"):
                step = {"op": verb, "path": name, "value": inner}
                users = _operation(s, row, step, users, changes)
        return users
    if path == "displayName" and verb != "remove":
        changes["name"] = _name(s, value, row["id"])
        return users
    one = _ONE.match(path)
    if one is not None and verb == "remove":
        try:
            passes = parse_filter(one[1])
        except FilterError as error:
            raise ScimError(400, "invalid_filter") from error
        return [user for user in users if not passes({"value": user})]
    if path != "members":
        raise ScimError(400, "invalid_path")
    if verb == "remove":
        leaving = set(_people(s, value)) if value is not None else set(users)
        return [user for user in users if user not in leaving]
    people = _people(s, value)
    return people if verb == "replace" else list(dict.fromkeys([*users, *people]))


def delete(s: Scim, row: Row) -> None:
    """The group is gone for good."""
    s.c["usergroups"].delete(row["id"])
