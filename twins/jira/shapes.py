"""Rows as Jira's JSON."""

from typing import Any
from urllib.parse import quote

from factory_tui.universe import Row

from .adf import Rich, as_adf, as_text
from .context import Context
from .seed import status_category

__all__ = [
    "brief_user",
    "comment_shape",
    "priority_shape",
    "project_shape",
    "resolution_shape",
    "rich_shape",
    "sprint_field",
    "status_shape",
    "type_shape",
    "user_shape",
]

_SIZES = (("48x48", 48), ("24x24", 24), ("16x16", 16), ("32x32", 32))


def rich_shape(c: Context, stored: Rich) -> Any:
    """Rich text in the form of the caller's API version."""
    return as_adf(stored) if c.v3 else as_text(stored)


def user_shape(c: Context, account: str | None) -> dict[str, Any] | None:
    """A user; ``None`` for nobody."""
    row = c["users"].get(account) if account else None
    if row is None:
        return None
    avatars = {
        size: f"{c.call.request.base_url}/secure/useravatar?size={pixels}&ownerId={row['name']}"
        for size, pixels in _SIZES
    }
    name = f"{row['first']} {row['last']}".strip()
    if not c.cloud:
        return {
            "self": f"{c.api}/user?username={row['name']}",
            "name": row["name"],
            "key": row["name"],
            "emailAddress": row["email"],
            "avatarUrls": avatars,
            "displayName": name,
            "active": row["active"],
            "timeZone": "Etc/UTC",
        }
    return {
        "self": f"{c.api}/user?accountId={row['id']}",
        "accountId": row["id"],
        "emailAddress": row["email"],
        "avatarUrls": avatars,
        "displayName": name,
        "active": row["active"],
        "timeZone": "Etc/UTC",
        "accountType": "app" if row["app"] else "atlassian",
    }


def brief_user(c: Context, account: str | None) -> dict[str, Any] | None:
    """A user as owners and shares show one."""
    shape = user_shape(c, account)
    left_out = ("emailAddress", "timeZone", "accountType")
    return shape and {name: value for name, value in shape.items() if name not in left_out}


def category_shape(c: Context, category: str) -> dict[str, Any]:
    """A status category."""
    number, name, color = status_category(category)
    return {
        "self": f"{c.api}/statuscategory/{number}",
        "id": number,
        "key": category,
        "colorName": color,
        "name": name,
    }


def status_shape(c: Context, row: Row) -> dict[str, Any]:
    """A status."""
    return {
        "self": f"{c.api}/status/{row['id']}",
        "description": "",
        "iconUrl": f"{c.call.request.base_url}/",
        "name": row["name"],
        "id": row["id"],
        "statusCategory": category_shape(c, row["category"]),
    }


def type_shape(c: Context, row: Row) -> dict[str, Any]:
    """An issue type."""
    shape = {
        "self": f"{c.api}/issuetype/{row['id']}",
        "id": row["id"],
        "description": row["description"],
        "iconUrl": f"{c.call.request.base_url}/images/icons/issuetypes/{row['id']}.svg",
        "name": row["name"],
        "subtask": row["subtask"],
        "avatarId": 10300 + int(row["id"]) % 100,
    }
    return {**shape, "hierarchyLevel": row["level"]} if c.cloud else shape


def priority_shape(c: Context, row: Row) -> dict[str, Any]:
    """A priority as a field shows it."""
    name = row["name"].lower()
    return {
        "self": f"{c.api}/priority/{row['id']}",
        "iconUrl": f"{c.call.request.base_url}/images/icons/priorities/{name}.svg",
        "name": row["name"],
        "id": row["id"],
    }


def resolution_shape(c: Context, row: Row) -> dict[str, Any]:
    """A resolution."""
    return {
        "self": f"{c.api}/resolution/{row['id']}",
        "id": row["id"],
        "description": row["description"],
        "name": row["name"],
    }


def project_shape(c: Context, row: Row, *, full: bool = False) -> dict[str, Any]:
    """A project, as lists and fields show it or in ``full``."""
    base = c.call.request.base_url
    shape: dict[str, Any] = {
        "self": f"{c.api}/project/{row['id']}",
        "id": row["id"],
        "key": row["key"],
        "name": row["name"],
        "projectTypeKey": row.get("kind", "software"),
        "avatarUrls": {
            size: f"{base}/secure/projectavatar?pid={row['id']}&size={pixels}"
            for size, pixels in _SIZES
        },
    }
    if c.cloud:
        shape |= {"simplified": False}
    category = c["categories"].get(row["category"]) if row.get("category") else None
    if category is not None:
        shape["projectCategory"] = {
            "self": f"{c.api}/projectCategory/{category['id']}",
            "id": category["id"],
            "name": category["name"],
            "description": category["description"],
        }
    for stored, name in (("archived", "archivedDate"), ("trashed", "deletedDate")):
        if row.get(stored):
            shape |= {name: row[stored], stored.replace("trashed", "deleted"): True}
    if not full:
        return shape
    shape |= {
        "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
        "description": row["description"],
        "lead": user_shape(c, row["lead"]),
        "components": [
            component_shape(c, c["components"][key])
            for key in c["components"].find("project", row["id"])
        ],
        "issueTypes": [type_shape(c, c["issuetypes"][key]) for key in row["types"]],
        "assigneeType": row["default_assignee"],
        "versions": [
            version_shape(c, c["versions"][key]) for key in c["versions"].find("project", row["id"])
        ],
        "roles": {
            role["name"]: f"{c.api}/project/{row['id']}/role/{role['id']}"
            for role in c["roles"].rows()
        },
    }
    if row.get("url"):
        shape["url"] = row["url"]
    if row.get("email"):
        shape["email"] = row["email"]
    if c.cloud:
        shape |= {"style": "classic", "isPrivate": False, "properties": {}}
    return shape


def component_shape(c: Context, row: Row) -> dict[str, Any]:
    """A component."""
    shape = {
        "self": f"{c.api}/component/{row['id']}",
        "id": row["id"],
        "name": row["name"],
        "assigneeType": row.get("assignee_type", "PROJECT_DEFAULT"),
        "isAssigneeTypeValid": row.get("assignee_type") == "COMPONENT_LEAD" and bool(row["lead"]),
        "project": c["projects"][row["project"]]["key"],
        "projectId": int(row["project"]),
    }
    if row["description"]:
        shape["description"] = row["description"]
    lead = user_shape(c, row["lead"])
    return {**shape, "lead": lead} if lead else shape


def version_shape(c: Context, row: Row) -> dict[str, Any]:
    """A version."""
    shape = {
        "self": f"{c.api}/version/{row['id']}",
        "id": row["id"],
        "name": row["name"],
        "archived": row["archived"],
        "released": row["released"],
        "projectId": int(row["project"]),
    }
    for field in ("description", "startDate", "releaseDate"):
        if row.get(field):
            shape[field] = row[field]
    return shape


def sprint_field(c: Context, row: Row) -> Any:
    """A sprint as an issue's field shows it: an object on Cloud, Java's words on Data Center."""
    if not c.cloud:
        dates = [row[name] or "<null>" for name in ("start", "end", "complete")]
        names = ("startDate", "endDate", "completeDate")
        more = ",".join(f"{name}={value}" for name, value in zip(names, dates, strict=True))
        return (
            f"com.atlassian.greenhopper.service.sprint.Sprint@{int(row['id']):x}[id={row['id']},"
            f"rapidViewId={row['board']},state={row['state'].upper()},name={row['name']},{more},"
            f"sequence={row['id']},goal={row['goal']}]"
        )
    shape = {
        "id": int(row["id"]),
        "name": row["name"],
        "state": row["state"],
        "boardId": int(row["board"]),
        "goal": row["goal"],
    }
    for stored, name in (("start", "startDate"), ("end", "endDate"), ("complete", "completeDate")):
        if row[stored]:
            shape[name] = row[stored]
    return shape


def comment_shape(c: Context, row: Row) -> dict[str, Any]:
    """A comment."""
    shape = {
        "self": f"{c.api}/issue/{row['issue']}/comment/{row['id']}",
        "id": row["id"],
        "author": user_shape(c, row["author"]),
        "body": rich_shape(c, row["body"]),
        "updateAuthor": user_shape(c, row["updater"]),
        "created": row["created"],
        "updated": row["updated"],
    }
    if c.cloud:
        shape["jsdPublic"] = True
    if row.get("visibility"):
        shape["visibility"] = row["visibility"]
    return shape


def worklog_shape(c: Context, row: Row) -> dict[str, Any]:
    """A worklog."""
    shape = {
        "self": f"{c.api}/issue/{row['issue']}/worklog/{row['id']}",
        "id": row["id"],
        "issueId": row["issue"],
        "author": user_shape(c, row["author"]),
        "updateAuthor": user_shape(c, row["updater"]),
        "created": row["created"],
        "updated": row["updated"],
        "started": row["started"],
        "timeSpent": row["spent"],
        "timeSpentSeconds": row["seconds"],
    }
    if row["comment"] is not None:
        shape["comment"] = rich_shape(c, row["comment"])
    if row.get("visibility"):
        shape["visibility"] = row["visibility"]
    return shape


def attachment_shape(c: Context, row: Row) -> dict[str, Any]:
    """An attachment."""
    content = f"{c.api}/attachment/content/{row['id']}"
    if not c.cloud:
        name = quote(row["filename"], safe="")
        content = f"{c.call.request.base_url}/secure/attachment/{row['id']}/{name}"
    shape = {
        "self": f"{c.api}/attachment/{row['id']}",
        "id": row["id"],
        "filename": row["filename"],
        "author": user_shape(c, row["author"]),
        "created": row["created"],
        "size": row["size"],
        "mimeType": row["type"],
        "content": content,
    }
    if row["type"].startswith("image/"):
        shape["thumbnail"] = content.replace("/attachment/content/", "/attachment/thumbnail/")
    return shape
