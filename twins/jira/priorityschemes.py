"""priorityscheme: which priorities projects have, and moving issues to those there are."""

from typing import Any

from factory_tui.universe import Response, Row

from .admin import described, named, queried_ids, the
from .config import scheme_of
from .context import Context, empty, operation, reply
from .errors import JiraError
from .pages import bean, page
from .priorities import ADMINS, default_scheme, in_order, priority_json
from .shapes import project_shape
from .state import change_issue, draft, new_id
from .tasks import finished, task_shape


def _sequenced(c: Context, row: Row, default: str, n: int) -> dict[str, Any]:
    shape = {**priority_json(c, row), "isDefault": row["id"] == default, "sequence": str(n)}
    return {name: shape[name] for name in ("description", "iconUrl", "id", "isDefault", "name",
                                           "self", "sequence", "statusColor")}  # fmt: skip


def _members(c: Context, row: Row) -> list[dict[str, Any]]:
    found = [one for one in in_order(c, "priorities") if one["id"] in row["priorities"]]
    return [_sequenced(c, one, row["default_priority"], n) for n, one in enumerate(found)]


def _scheme_projects(c: Context, row: Row) -> list[Row]:
    return [one for one in c["projects"].rows()
            if scheme_of(one, "priority_scheme") == row["id"]]  # fmt: skip


def _scheme_shape(c: Context, row: Row) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": row["id"],
        "self": f"{c.api}/priorityscheme/{row['id']}",
        "name": row["name"],
        "description": row["description"],
        "isDefault": bool(row.get("default")),
        "default": bool(row.get("default")),
    }
    if row["default_priority"]:
        shape["defaultPriorityId"] = row["default_priority"]
    expand = c.query_list("expand")
    if "priorities" in expand:
        items = _members(c, row)
        shape["priorities"] = {"maxResults": len(items), "startAt": 0, "total": len(items),
                               "isLast": True, "values": items}  # fmt: skip
    if "projects" in expand:
        users = [project_shape(c, one) for one in _scheme_projects(c, row)]
        shape["projects"] = {"maxResults": len(users), "startAt": 0, "total": len(users),
                             "isLast": True, "values": users}  # fmt: skip
    return shape


def _scheme(c: Context) -> Row:
    c.need_admin(ADMINS)
    key = c.param("schemeId")
    return the(c, "priorityschemes", key, f"Priority scheme with ID {key[:40]} not found.")


@operation("GET", "/priorityscheme", "getPrioritySchemes")
def schemes(c: Context) -> Response:
    """Priority schemes in pages."""
    c.need_admin(ADMINS)
    ids, wanted = queried_ids(c, "schemeId"), queried_ids(c, "priorityId")
    needle = c.query("schemeName").lower()
    rows = [
        row
        for row in c["priorityschemes"].rows()
        if (not ids or row["id"] in ids)
        and (not wanted or wanted & set(row["priorities"]))
        and needle in row["name"].lower()
        and (not c.query_flag("onlyDefault") or row.get("default"))
    ]
    return page(c, rows, lambda row: _scheme_shape(c, row))


def _known(c: Context, table: str, value: Any, noun: str) -> list[str]:
    keys = [str(one) for one in value] if isinstance(value, list) else []
    missing = [key for key in keys if key not in c[table]]
    if missing:
        raise JiraError(400, f"{noun} with ids {', '.join(missing)[:200]} not found.")
    return keys


def _adopt(c: Context, scheme: Row, project: str, mapping: dict[str, str]) -> None:
    """Give a project a scheme; issues with priorities it lacks get the mapped or default one."""
    row = c["projects"][project]
    c["projects"].put(project, {**row, "priority_scheme": scheme["id"]})
    _settle(c, scheme, project, mapping)


def _settle(c: Context, scheme: Row, project: str, mapping: dict[str, str]) -> None:
    table = c["issues"]
    for key in table.find("project", project):
        issue = table[key]
        if issue["priority"] not in scheme["priorities"]:
            instead = mapping.get(issue["priority"], scheme["default_priority"])
            change_issue(c, issue, {**draft(issue), "priority": instead})


def _mapping(body: dict[str, Any]) -> dict[str, str]:
    sent = body.get("mappings")
    inward = sent.get("in") if isinstance(sent, dict) else None
    return {str(key): str(value) for key, value in inward.items()} if isinstance(
        inward, dict) else {}  # fmt: skip


def _scheme_name(c: Context, body: dict[str, Any], own: str = "") -> str:
    name = named(body, 255)
    for row in c["priorityschemes"].rows():
        if row["name"].lower() == name.lower() and row["id"] != own:
            raise JiraError(400, "A priority scheme with this name already exists.")
    return name


@operation("POST", "/priorityscheme", "createPriorityScheme")
def scheme_create(c: Context) -> Response:
    """A priority scheme, given to projects at once if wanted."""
    c.need_admin(ADMINS)
    body = c.body()
    name = _scheme_name(c, body)
    keys = _known(c, "priorities", body.get("priorityIds"), "Priorities")
    default = str(body.get("defaultPriorityId"))
    if not keys:
        raise JiraError(400, "The priorityIds must not be empty.")
    if default not in keys:
        raise JiraError(400, "The default priority must be one of the priorities of the scheme.")
    projects = _known(c, "projects", body.get("projectIds"), "Projects")
    key = new_id(c.twin, "priorityscheme")
    row = {
        "id": key,
        "name": name,
        "description": described(body),
        "priorities": keys,
        "default_priority": default,
    }
    c["priorityschemes"].put(key, row)
    for project in projects:
        _adopt(c, row, project, _mapping(body))
    if not projects:
        return reply({"id": key}, 201)
    task = finished(c, f"Create priority scheme {key}", None)
    return reply({"id": key, "task": task_shape(c, task)}, 202)


def _changes(c: Context, body: dict[str, Any], name: str, verb: str, table: str) -> list[str]:
    group = body.get(name)
    part = group.get(verb) if isinstance(group, dict) else None
    noun = "Priorities" if table == "priorities" else "Projects"
    return _known(c, table, part.get("ids"), noun) if isinstance(part, dict) else []


@operation("PUT", "/priorityscheme/{schemeId}", "updatePriorityScheme")
def scheme_update(c: Context) -> Response:
    """Another name, description, default, other priorities or projects."""
    row = _scheme(c)
    body = c.body()
    new = {**row, "description": described(body, row["description"])}
    if body.get("name") is not None:
        new["name"] = _scheme_name(c, body, row["id"])
    gone = _changes(c, body, "priorities", "remove", "priorities")
    more = _changes(c, body, "priorities", "add", "priorities")
    kept = [key for key in new["priorities"] if key not in gone]
    new["priorities"] = kept + [key for key in more if key not in kept]
    if body.get("defaultPriorityId") is not None:
        new["default_priority"] = str(body["defaultPriorityId"])
    if new["default_priority"] not in new["priorities"]:
        raise JiraError(400, "The default priority must be one of the priorities of the scheme.")
    c["priorityschemes"].put(row["id"], new)
    mapping = _mapping(body)
    for project in _changes(c, body, "projects", "add", "projects"):
        _adopt(c, new, project, mapping)
    for project in _changes(c, body, "projects", "remove", "projects"):
        _adopt(c, default_scheme(c), project, mapping)
    for one_ in _scheme_projects(c, new):
        _settle(c, new, one_["id"], mapping)
    task = finished(c, f"Update priority scheme {row['id']}", None)
    shape = {"priorityScheme": _scheme_shape(c, new), "task": task_shape(c, task)}
    return reply(shape, 202)


@operation("DELETE", "/priorityscheme/{schemeId}", "deletePriorityScheme")
def scheme_delete(c: Context) -> Response:
    """Delete a priority scheme that no project has."""
    row = _scheme(c)
    if row.get("default"):
        raise JiraError(400, "The default priority scheme cannot be deleted.")
    if _scheme_projects(c, row):
        raise JiraError(400, "The priority scheme is used by projects and cannot be deleted.")
    c["priorityschemes"].delete(row["id"])
    return empty()


@operation("GET", "/priorityscheme/{schemeId}/priorities", "getPrioritiesByPriorityScheme")
def scheme_members(c: Context) -> Response:
    """The priorities of a scheme."""
    return page(c, _members(c, _scheme(c)), lambda one: one)


@operation("GET", "/priorityscheme/{schemeId}/projects", "getProjectsByPriorityScheme")
def scheme_projects(c: Context) -> Response:
    """The projects of a scheme."""
    ids, needle = queried_ids(c, "projectId"), c.query("query").lower()
    rows = [
        row
        for row in _scheme_projects(c, _scheme(c))
        if (not ids or row["id"] in ids)
        and (needle in row["name"].lower() or needle in row["key"].lower())
    ]
    return page(c, rows, lambda row: project_shape(c, row))


@operation("GET", "/priorityscheme/priorities/available", "getAvailablePrioritiesByPriorityScheme")
def scheme_available(c: Context) -> Response:
    """The priorities a scheme does not have."""
    c.need_admin(ADMINS)
    key = c.query("schemeId")
    if not key:
        raise JiraError(400, "The schemeId has to be provided.")
    missing = f"Priority scheme with ID {key[:40]} not found."
    row = the(c, "priorityschemes", key, missing)
    without, needle = set(c.query_list("exclude")), c.query("query").lower()
    found = [
        _sequenced(c, one, row["default_priority"], n)
        for n, one in enumerate(in_order(c, "priorities"))
        if one["id"] not in row["priorities"]
        and one["id"] not in without
        and needle in one["name"].lower()
    ]
    return page(c, found, lambda one: one)


@operation("POST", "/priorityscheme/mappings", "suggestedPrioritiesForMappings")
def scheme_suggestions(c: Context) -> Response:
    """The priorities that issues would need others for after a change."""
    c.need_admin(ADMINS)
    body = c.body()
    row = c["priorityschemes"].get(str(body.get("schemeId"))) or default_scheme(c)
    sent = body.get("priorities") if isinstance(body.get("priorities"), dict) else {}
    gone = set(c.sent_texts(sent, "remove"))
    more = set(c.sent_texts(sent, "add"))
    left = (set(row["priorities"]) | more) - gone
    projects = body.get("projects") if isinstance(body.get("projects"), dict) else {}
    keys = set(c.sent_texts(projects, "add"))
    keys |= {one["id"] for one in _scheme_projects(c, row)}
    used = {issue["priority"] for issue in c["issues"].rows() if issue["project"] in keys}
    found = [
        _sequenced(c, one, row["default_priority"], n)
        for n, one in enumerate(in_order(c, "priorities"))
        if one["id"] in used and one["id"] not in left
    ]
    return reply(bean(c, found, lambda one: one))
