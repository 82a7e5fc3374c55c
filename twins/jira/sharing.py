"""With whom filters and dashboards are shared: kept grants, their JSON, who sees what."""

from typing import Any

from factory_tui.universe import Row

from .context import Context
from .errors import JiraError
from .groups_of import group_named, group_reference
from .permits import in_role
from .shapes import brief_user, project_shape

__all__ = ["may_edit", "may_view", "sent_share", "sent_shares", "share_shape"]


def share_shape(c: Context, share: Row) -> dict[str, Any]:
    """A share permission."""
    kind = share["type"]
    shape: dict[str, Any] = {"id": share["id"], "type": kind}
    if kind == "global":
        return shape
    if kind == "group":
        shape["group"] = group_reference(c, share["group"])
    elif kind == "user":
        shape["user"] = brief_user(c, share["user"])
    elif share.get("project"):
        project = c["projects"].get(share["project"])
        if project is None:
            return {**shape, "type": "project-unknown"}
        shape["project"] = project_shape(c, project)
        role = c["roles"].get(share["role"]) if share.get("role") else None
        if role is not None:
            shape["type"] = "projectRole" if c.cloud else "project"
            shape["role"] = {
                "self": f"{c.api}/project/{project['id']}/role/{role['id']}",
                "name": role["name"],
                "id": int(role["id"]),
            }
    return shape


def sent_share(c: Context, given: Any) -> dict[str, Any]:
    """A share as it is kept, without its id. Raises 400 about what is wrong with it."""
    if not isinstance(given, dict):
        raise JiraError(400, "A share permission must be an object.")
    kind = str(given.get("type") or "")
    nested = {name: given[name] for name in ("group", "user", "project", "role")
              if isinstance(given.get(name), dict)}  # fmt: skip
    if kind in ("global", "loggedin", "authenticated"):
        return {"type": "loggedin" if kind == "authenticated" else kind}
    if kind == "group":
        reference = nested.get("group") or {
            "name": given.get("groupname"),
            "groupId": given.get("groupId"),
        }
        name = group_named(c, reference)
        if name is None:
            raise JiraError(400, "The group of the share permission does not exist.")
        return {"type": "group", "group": name}
    if kind == "user":
        reference = nested.get("user") or {"accountId": given.get("accountId")}
        user = c.find_account(reference)
        if user is None:
            raise JiraError(400, "The user of the share permission does not exist.")
        return {"type": "user", "user": user["id"]}
    if kind in ("project", "projectRole"):
        key = nested.get("project", {}).get("id") or given.get("projectId")
        project = c.find_project(str(key)) if key else None
        if project is None:
            raise JiraError(400, "The project of the share permission does not exist.")
        share = {"type": "project", "project": project["id"]}
        role = nested.get("role", {}).get("id") or given.get("projectRoleId")
        if kind == "projectRole" and not role:
            raise JiraError(400, "The project role of the share permission must be specified.")
        if role is not None:
            if c["roles"].get(str(role)) is None:
                raise JiraError(400, "The project role of the share permission does not exist.")
            share["role"] = str(role)
        return share
    raise JiraError(400, f"The type '{kind[:40]}' of the share permission is not valid.")


def sent_shares(c: Context, given: Any) -> list[dict[str, Any]]:
    """Shares of a list, each with a new id."""
    if given is None:
        return []
    if not isinstance(given, list):
        raise JiraError(400, "Share permissions must be a list.")
    shares = [sent_share(c, item) for item in given]
    if any(share["type"] == "global" for share in shares) and len(shares) > 1:
        raise JiraError(400, "A global share permission cannot be combined with others.")
    return [{"id": c.twin.ids.count("share", 10_000), **share} for share in shares]


def _meets(c: Context, share: Row) -> bool:
    kind = share["type"]
    if kind == "global":
        return True
    if c.user is None:
        return False
    if kind == "loggedin":
        return True
    if kind == "group":
        return share["group"] in c.user["groups"]
    if kind == "user":
        return bool(share["user"] == c.me)
    project = c["projects"].get(share["project"])
    if project is None:
        return False
    if share.get("role"):
        return in_role(c, c.me, share["role"], share["project"])
    return c.may_see(project)


def may_view(c: Context, row: Row) -> bool:
    """Whether the caller sees a filter or dashboard: their own, or shared with them."""
    shares = [*row.get("shares", ()), *row.get("editors", ())]
    return row["owner"] == c.me or any(_meets(c, share) for share in shares)


def may_edit(c: Context, row: Row) -> bool:
    """Whether the caller may change it."""
    return row["owner"] == c.me or any(_meets(c, share) for share in row.get("editors", ()))
