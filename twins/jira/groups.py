"""group, groups/picker, groupuserpicker: groups and who is in them."""

from typing import Any
from uuid import UUID

from factory_tui.universe import Response, Row

from .audit import record
from .context import Context, empty, operation, reply
from .errors import JiraError
from .groups_of import group_id, group_named, group_names, group_reference
from .pages import page
from .people import found_users, picked_users
from .shapes import user_shape


def _need(c: Context) -> None:
    c.need_admin("You do not have permission to administer groups.")


def _asked(c: Context, name: str = "groupname", key: str = "groupId") -> str:
    """The group that the query names. Raises 400 (none named) or 404."""
    given = {"name": c.query(name) or None, "groupId": c.query(key) or None}
    if given["name"] is None and given["groupId"] is None:
        raise JiraError(400, "The group name or group id must be specified.")
    found = group_named(c, given)
    if found is None:
        shown = given["name"] or given["groupId"]
        raise JiraError(404, f"The group named '{shown}' does not exist.")
    return found


def _members(c: Context, name: str, *, inactive: bool = False) -> list[Row]:
    return [r for r in c["users"].rows() if name in r["groups"] and (inactive or r["active"])]


def _shape(c: Context, name: str, *, users: bool = False) -> dict[str, Any]:
    members = _members(c, name)
    items = [user_shape(c, row["id"]) for row in members[:50]] if users else []
    return {
        **group_reference(c, name),
        "users": {
            "size": len(members),
            "items": items,
            "max-results": 50,
            "start-index": 0,
            "end-index": min(len(members), 50) - 1 if users and members else 0,
        },
        "expand": "users",
    }


@operation("GET", "/group", "getGroup")
def get(c: Context) -> Response:
    """A group, with its members when expanded."""
    _need(c)
    expand = c.query("expand")
    return reply(_shape(c, _asked(c), users=expand.startswith("users")))


@operation("POST", "/group", "createGroup")
def create(c: Context) -> Response:
    """A new group."""
    _need(c)
    name = c.body().get("name")
    if not isinstance(name, str) or not name.strip():
        raise JiraError(400, "The group name must be specified.")
    if any(known.lower() == name.strip().lower() for known in group_names(c)):
        raise JiraError(400, "A group or user with this name already exists.")
    name = name.strip()
    key = str(UUID(c.twin.ids.mint("group", 32, alphabet="0123456789abcdef")))
    c["groups"].put(name, {"name": name, "id": key})
    record(c, "group management", "Group created", "GROUP", key, name)
    return reply(_shape(c, name), 201)


def _leave(c: Context, row: Row, name: str) -> None:
    kept = [group for group in row["groups"] if group != name]
    c["users"].put(row["id"], {**row, "groups": kept})


@operation("DELETE", "/group", "removeGroup")
def delete(c: Context) -> Response:
    """Delete a group; ``swapGroup`` takes over its members' restrictions."""
    _need(c)
    name = _asked(c)
    swap = None
    if c.query("swapGroup") or c.query("swapGroupId"):
        swap = _asked(c, "swapGroup", "swapGroupId")
    for row in _members(c, name, inactive=True):
        _leave(c, row, name)
    c["groups"].delete(name)
    if swap:
        for key, row in list(c["actors"].items()):
            if name in row["groups"]:
                changed = [swap if group == name else group for group in row["groups"]]
                c["actors"].put(key, {**row, "groups": changed})
    record(c, "group management", "Group deleted", "GROUP", name, name)
    return empty(200)


@operation("GET", "/group/bulk", "bulkGetGroups")
def bulk(c: Context) -> Response:
    """Groups in pages, all or those named."""
    pairs = c.call.request.query_pairs
    keys = {value for key, value in pairs if key == "groupId"}
    names = {value for key, value in pairs if key == "groupName"}
    found = [
        name
        for name in group_names(c)
        if (not keys and not names) or name in names or group_id(c, name) in keys
    ]
    return page(c, found, lambda name: {"name": name, "groupId": group_id(c, name)})


@operation("GET", "/group/member", "getUsersFromGroup")
def members(c: Context) -> Response:
    """The members of a group in pages."""
    _need(c)
    rows = _members(c, _asked(c), inactive=c.query_flag("includeInactiveUsers"))
    return page(c, rows, lambda row: user_shape(c, row["id"]))


def _user(c: Context, given: dict[str, Any]) -> Row:
    row = c.find_account(given)
    if row is None:
        raise JiraError(404, "The user does not exist or you do not have permission to see them.")
    return row


@operation("POST", "/group/user", "addUserToGroup")
def join(c: Context) -> Response:
    """Put a user into a group."""
    _need(c)
    name = _asked(c)
    body = c.body()
    if not body.get("accountId" if c.cloud else "name"):
        raise JiraError(400, f"The {'accountId' if c.cloud else 'name'} must be specified.")
    row = _user(c, body)
    if name in row["groups"]:
        raise JiraError(400, f"Cannot add user. User is already a member of '{name}'.")
    c["users"].put(row["id"], {**row, "groups": [*row["groups"], name]})
    record(c, "group management", "User added to group", "GROUP", name, name)
    return reply(_shape(c, name), 201)


@operation("DELETE", "/group/user", "removeUserFromGroup")
def leave(c: Context) -> Response:
    """Take a user out of a group."""
    _need(c)
    name = _asked(c)
    given = {"accountId": c.query("accountId")} if c.cloud else {"name": c.query("username")}
    if not any(given.values()):
        raise JiraError(400, "The user must be specified.")
    row = _user(c, given)
    if name not in row["groups"]:
        raise JiraError(400, f"Cannot remove user. User is not a member of '{name}'.")
    _leave(c, row, name)
    record(c, "group management", "User removed from group", "GROUP", name, name)
    return empty(200)


def _picked(c: Context, query: str) -> dict[str, Any]:
    excluded = {v for k, v in c.call.request.query_pairs if k in ("exclude", "excludeId")}
    needle = query.lower()
    found = [
        name
        for name in group_names(c)
        if needle in name.lower() and name not in excluded and group_id(c, name) not in excluded
    ]
    size = c.page_size(c.query_number("maxResults"), 20, 1000)
    shapes = []
    for name in found[:size]:
        at = name.lower().find(needle)
        end = at + len(needle)
        html = f"{name[:at]}<b>{name[at:end]}</b>{name[end:]}" if needle else name
        shape: dict[str, Any] = {"name": name, "html": html, "labels": []}
        shapes.append({**shape, "groupId": group_id(c, name)} if c.cloud else shape)
    header = f"Showing {len(shapes)} of {len(found)} matching groups"
    return {"header": header, "total": len(found), "groups": shapes}


@operation("GET", "/groups/picker", "findGroups")
def picker(c: Context) -> Response:
    """Groups whose name contains ``query``."""
    return reply(_picked(c, c.query("query")))


@operation("GET", "/groupuserpicker", "findUsersAndGroups")
def both(c: Context) -> Response:
    """Users and groups for a picker."""
    if "query" not in c.call.request.query:
        raise JiraError(400, "The query parameter is missing.")
    query = c.query("query")
    return reply({"users": picked_users(c, found_users(c, query)), "groups": _picked(c, query)})
