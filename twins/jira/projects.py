"""project: list, search, get, create, delete, and what belongs to one."""

import re
from typing import Any

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .seed import project_row
from .shapes import project_shape, status_shape, type_shape
from .state import delete_issue, new_id
from .telling import project_event

__all__ = ["add_project"]

_KEY = re.compile(r"[A-Z][A-Z0-9]{1,9}\Z")


def _visible(c: Context) -> list[Row]:
    return [row for row in c["projects"].rows() if c.may_see(row)]


@operation("GET", "/project", "getAllProjects")
def get_all(c: Context) -> Response:
    """All projects."""
    rows = sorted(_visible(c), key=lambda row: str(row["name"]).lower())
    expand = c.query_list("expand")
    shapes = []
    for row in rows:
        shape = project_shape(c, row)
        full = project_shape(c, row, full=True)
        for name in ("description", "lead", "issueTypes"):
            if name in expand:
                shape[name] = full[name]
        shapes.append({"expand": full["expand"], **shape})
    return reply(shapes)


@operation("GET", "/project/search", "searchProjects")
def search(c: Context) -> Response:
    """Projects in pages, filtered by ``query``, ``keys`` and ``id``."""
    if not c.cloud:
        raise JiraError(404, "No project could be found with key 'search'.")
    start, size = c.page(50, 100)
    needle = c.query("query").lower()
    keys = {value.upper() for name, value in c.call.request.query_pairs if name == "keys"}
    numbers = {value for name, value in c.call.request.query_pairs if name == "id"}
    rows = [
        row
        for row in _visible(c)
        if (not needle or needle in row["name"].lower() or needle in row["key"].lower())
        and (not keys or row["key"] in keys)
        and (not numbers or row["id"] in numbers)
    ]
    order = c.query("orderBy", "key")
    field = order.lstrip("+-")
    if field not in ("key", "name", "issueCount", "lastIssueUpdatedTime", "owner", "category"):
        raise JiraError(400, f"The 'orderBy' value '{order[:40]}' is not supported.")
    rows.sort(
        key=lambda row: str(row.get(field if field in row else "key", "")).lower(),
        reverse=order.startswith("-"),
    )
    last = start + size >= len(rows)
    address = f"{c.api}/project/search?maxResults={size}&startAt="
    answer: dict[str, Any] = {
        "self": f"{address}{start}",
        "maxResults": size,
        "startAt": start,
        "total": len(rows),
        "isLast": last,
        "values": [
            {
                "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
                **project_shape(c, row),
            }
            for row in rows[start : start + size]
        ],
    }
    if not last:
        answer["nextPage"] = f"{address}{start + size}"
    return reply(answer)


@operation("GET", "/project/{projectIdOrKey}", "getProject")
def get(c: Context) -> Response:
    """One project."""
    return reply(project_shape(c, c.project(c.param("projectIdOrKey")), full=True))


@operation("GET", "/project/{projectIdOrKey}/statuses", "getAllStatuses")
def statuses(c: Context) -> Response:
    """The statuses each issue type of a project can have."""
    project = c.project(c.param("projectIdOrKey"))
    found = [status_shape(c, row) for row in c["statuses"].rows()]
    shapes = []
    for key in project["types"]:
        row = type_shape(c, c["issuetypes"][key])
        wanted = {name: row[name] for name in ("self", "id", "name", "subtask")}
        shapes.append({**wanted, "statuses": found})
    return reply(shapes)


def need_admin(c: Context, sentence: str) -> None:
    """403 unless the caller administers the site."""
    if not (c.user and c.user["admin"]):
        raise JiraError(403, sentence)


def check_key(c: Context, key: Any) -> str:
    """A new project's key. Raises 400 about it."""
    if not isinstance(key, str) or not _KEY.match(key):
        raise bad_field(
            "projectKey",
            "Project keys must start with an uppercase letter, followed by one or more uppercase "
            "alphanumeric characters.",
        )
    taken = c["projects"].first("key", key)
    if taken is not None:
        raise bad_field("projectKey", f"Project '{taken['name']}' uses this project key.")
    return key


def add_project(c: Context, key: str, name: str, lead: str) -> Row:
    """Store a new project."""
    if any(row["name"].lower() == name.lower() for row in c["projects"].rows()):
        raise bad_field("projectName", "A project with that name already exists.")
    row = project_row(new_id(c.twin, "project", 10_001), key, name, lead)
    c["projects"].put(row["id"], row)
    project_event(c, "created", row)
    return row


@operation("POST", "/project", "createProject")
def create(c: Context) -> Response:
    """A new project."""
    need_admin(c, "You must have global administrator rights in order to modify projects.")
    body = c.body()
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise bad_field("projectName", "You must specify a valid project name.")
    key = check_key(c, body.get("key"))
    lead = body.get("leadAccountId") or body.get("lead")
    row = c.find_account({"accountId" if c.cloud else "name": lead}) if lead else c.user
    if row is None:
        raise bad_field("projectLead", "You must specify a valid project lead.")
    project = add_project(c, key, name.strip(), str(row["id"]))
    description = body.get("description")
    if isinstance(description, str):
        c["projects"].put(project["id"], {**project, "description": description})
    shape = {
        "self": f"{c.api}/project/{project['id']}",
        "id": int(project["id"]),
        "key": project["key"],
    }
    return reply(shape, 201)


@operation("PUT", "/project/{projectIdOrKey}", "updateProject")
def update(c: Context) -> Response:
    """Change a project's name, description or lead."""
    project = c.project(c.param("projectIdOrKey"))
    need_admin(c, "You must have global administrator rights in order to modify projects.")
    body = c.body()
    changes: dict[str, Any] = {}
    for name in ("name", "description"):
        if isinstance(body.get(name), str):
            changes[name] = body[name]
    if body.get("key") not in (None, project["key"]):
        raise bad_field("projectKey", "Changing the key of a project is not supported here.")
    lead = body.get("leadAccountId") or body.get("lead")
    if lead:
        row = c.find_account({"accountId" if c.cloud else "name": lead})
        if row is None:
            raise bad_field("projectLead", "You must specify a valid project lead.")
        changes["lead"] = row["id"]
    project = {**project, **changes}
    c["projects"].put(project["id"], project)
    project_event(c, "updated", project)
    return reply(project_shape(c, project, full=True))


@operation("DELETE", "/project/{projectIdOrKey}", "deleteProject")
def delete(c: Context) -> Response:
    """Delete a project with its issues."""
    project = c.project(c.param("projectIdOrKey"))
    need_admin(c, "You must have global administrator rights in order to modify projects.")
    for key in c["issues"].find("project", project["id"]):
        row = c["issues"].get(key)
        if row is not None:
            delete_issue(c, row)
    for table in ("components", "versions"):
        for key in c[table].find("project", project["id"]):
            c[table].delete(key)
    c["projects"].delete(project["id"])
    project_event(c, "deleted", project)
    return empty()
