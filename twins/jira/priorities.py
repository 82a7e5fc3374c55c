"""priority, priorityscheme, resolution: the lists an issue's urgency and outcome come from."""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, id_list, named, queried_ids, see_other, the
from .config import scheme_of
from .context import Context, empty, operation, reply
from .errors import JiraError
from .pages import bean, page
from .shapes import priority_shape, project_shape, resolution_shape
from .state import change_issue, draft, new_id
from .tasks import finished, task_shape

_ADMINS: Final = (
    "You are not authorized to perform this action. Administrator privileges are required."
)


def in_order(c: Context, table: str) -> list[Row]:
    """Priorities or resolutions, the first one first."""
    return sorted(c[table].rows(), key=lambda row: (row["n"], row["id"]))


def _default_scheme(c: Context) -> Row:
    return next(row for row in c["priorityschemes"].rows() if row.get("default"))


def _shape(c: Context, row: Row, *, default: bool = False) -> dict[str, Any]:
    shape = {
        **priority_shape(c, row),
        "statusColor": row["color"],
        "description": row.get("description", ""),
    }
    if default:
        shape["isDefault"] = row["id"] == _default_scheme(c)["default_priority"]
    return shape


def _one(c: Context, table: str, noun: str) -> Row:
    key = c.param("id")
    return the(c, table, key, f"{noun} with ID {key[:40]} not found.")


@operation("GET", "/priority", "getPriorities")
def priorities(c: Context) -> Response:
    """All priorities, the highest first."""
    return reply([_shape(c, row) for row in in_order(c, "priorities")])


@operation("GET", "/priority/search", "searchPriorities")
def search(c: Context) -> Response:
    """Priorities in pages."""
    ids, needle = queried_ids(c), c.query("priorityName").lower()
    rows = [
        row
        for row in in_order(c, "priorities")
        if (not ids or row["id"] in ids)
        and needle in row["name"].lower()
        and (not c.query_flag("onlyDefault") or row["id"] == _default_scheme(c)["default_priority"])
    ]
    return page(c, rows, lambda row: _shape(c, row, default=True), links=False)


@operation("GET", "/priority/{id}", "getPriority")
def one(c: Context) -> Response:
    """A priority."""
    key = c.param("id")
    row = the(c, "priorities", key, f"The priority with id '{key[:40]}' does not exist")
    return reply(_shape(c, row))


def _free(c: Context, table: str, body: dict[str, Any], own: str = "") -> str:
    name = named(body, 60)
    for row in c[table].rows():
        if row["name"].lower() == name.lower() and row["id"] != own:
            noun = "priority" if table == "priorities" else "resolution"
            raise JiraError(400, f"A {noun} with this name already exists.")
    return name


def _color(body: dict[str, Any], otherwise: str = "") -> str:
    color = body.get("statusColor", otherwise)
    text = str(color).removeprefix("#")
    if len(text) not in (3, 6) or any(letter not in "0123456789abcdefABCDEF" for letter in text):
        raise JiraError(400, "The statusColor must be a hexadecimal colour such as #ff0000.")
    return str(color)


@operation("POST", "/priority", "createPriority")
def create(c: Context) -> Response:
    """A priority, the lowest of all."""
    c.need_admin(_ADMINS)
    body = c.body()
    row = {
        "name": _free(c, "priorities", body),
        "color": _color(body),
        "description": described(body, longest=255),
        "n": max((one["n"] for one in c["priorities"].rows()), default=-1) + 1,
    }
    key = new_id(c.twin, "priority")
    c["priorities"].put(key, {"id": key, **row})
    scheme = _default_scheme(c)
    c["priorityschemes"].put(scheme["id"], {**scheme, "priorities": [*scheme["priorities"], key]})
    return reply({"id": key}, 201)


@operation("PUT", "/priority/{id}", "updatePriority")
def update(c: Context) -> Response:
    """Another name, colour or description."""
    c.need_admin(_ADMINS)
    row = _one(c, "priorities", "Priority")
    body = c.body()
    new = {**row, "description": described(body, row.get("description", ""), 255)}
    if body.get("name") is not None:
        new["name"] = _free(c, "priorities", body, row["id"])
    if body.get("statusColor") is not None:
        new["color"] = _color(body)
    c["priorities"].put(row["id"], new)
    return empty()


@operation("PUT", "/priority/default", "setDefaultPriority")
def set_default(c: Context) -> Response:
    """Which priority new issues get."""
    c.need_admin(_ADMINS)
    key = c.body().get("id")
    if key is None:
        raise JiraError(400, "The id has to be provided.")
    the(c, "priorities", key, f"Priority with ID {str(key)[:40]} not found.")
    scheme = _default_scheme(c)
    c["priorityschemes"].put(scheme["id"], {**scheme, "default_priority": str(key)})
    return empty()


def _move(c: Context, table: str, noun: str) -> Response:
    c.need_admin(_ADMINS)
    body = c.body()
    keys = id_list(body, "ids")
    after, position = body.get("after"), body.get("position")
    for key in [*keys, *([str(after)] if after is not None else [])]:
        the(c, table, key, f"{noun} with ID {key[:40]} not found.")
    if (after is None) == (position not in ("First", "Last")):
        raise JiraError(400, "Either 'after' or 'position' must be specified.")
    kept = [row["id"] for row in in_order(c, table) if row["id"] not in keys]
    if after is not None and str(after) not in kept:
        raise JiraError(400, "The 'after' ID must not be one of the moved ones.")
    at = kept.index(str(after)) + 1 if after is not None else 0
    if position == "Last":
        at = len(kept)
    for n, key in enumerate([*kept[:at], *keys, *kept[at:]]):
        c[table].put(key, {**c[table][key], "n": n})
    return empty()


@operation("PUT", "/priority/move", "movePriorities")
def move(c: Context) -> Response:
    """Another order of priorities."""
    return _move(c, "priorities", "Priority")


def _replace(c: Context, field: str, key: str, instead: str) -> None:
    for issue in list(c["issues"].rows()):
        if issue[field] == key:
            change_issue(c, issue, {**draft(issue), field: instead})


@operation("DELETE", "/priority/{id}", "deletePriority")
def delete(c: Context) -> Response:
    """Delete a priority; its issues get the default one."""
    c.need_admin(_ADMINS)
    row = _one(c, "priorities", "Priority")
    default = _default_scheme(c)
    if row["id"] == default["default_priority"]:
        raise JiraError(400, "The default priority cannot be deleted.")
    _replace(c, "priority", row["id"], default["default_priority"])
    c["priorities"].delete(row["id"])
    for scheme in list(c["priorityschemes"].rows()):
        if row["id"] in scheme["priorities"]:
            kept = [key for key in scheme["priorities"] if key != row["id"]]
            c["priorityschemes"].put(scheme["id"], {**scheme, "priorities": kept})
    return see_other(c, f"Delete priority {row['id']}")


# -- schemes


def _sequenced(c: Context, row: Row, default: str, n: int) -> dict[str, Any]:
    shape = {**_shape(c, row), "isDefault": row["id"] == default, "sequence": str(n)}
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
    c.need_admin(_ADMINS)
    key = c.param("schemeId")
    return the(c, "priorityschemes", key, f"Priority scheme with ID {key[:40]} not found.")


@operation("GET", "/priorityscheme", "getPrioritySchemes")
def schemes(c: Context) -> Response:
    """Priority schemes in pages."""
    c.need_admin(_ADMINS)
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
    c.need_admin(_ADMINS)
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
        _adopt(c, _default_scheme(c), project, mapping)
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
    c.need_admin(_ADMINS)
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
    c.need_admin(_ADMINS)
    body = c.body()
    row = c["priorityschemes"].get(str(body.get("schemeId"))) or _default_scheme(c)
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


# -- resolutions


@operation("GET", "/resolution", "getResolutions")
def resolutions(c: Context) -> Response:
    """All resolutions."""
    return reply([resolution_shape(c, row) for row in in_order(c, "resolutions")])


@operation("GET", "/resolution/search", "searchResolutions")
def resolution_search(c: Context) -> Response:
    """Resolutions in pages."""
    ids = queried_ids(c)
    rows = [
        row
        for row in in_order(c, "resolutions")
        if (not ids or row["id"] in ids) and (not c.query_flag("onlyDefault") or row.get("default"))
    ]
    shape: Callable[[Row], Any] = lambda row: {  # noqa: E731
        **resolution_shape(c, row),
        "iconUrl": "",
        "default": bool(row.get("default")),
    }
    return page(c, rows, shape)


@operation("GET", "/resolution/{id}", "getResolution")
def one_resolution(c: Context) -> Response:
    """A resolution."""
    key = c.param("id")
    row = the(c, "resolutions", key, f"The resolution with id '{key[:40]}' does not exist")
    return reply(resolution_shape(c, row))


@operation("POST", "/resolution", "createResolution")
def resolution_create(c: Context) -> Response:
    """A resolution, the last one."""
    c.need_admin(_ADMINS)
    body = c.body()
    row = {
        "name": _free(c, "resolutions", body),
        "description": described(body, longest=255),
        "n": max((one["n"] for one in c["resolutions"].rows()), default=-1) + 1,
    }
    key = new_id(c.twin, "resolution", 10_010)
    c["resolutions"].put(key, {"id": key, **row})
    return reply({"id": key}, 201)


@operation("PUT", "/resolution/{id}", "updateResolution")
def resolution_update(c: Context) -> Response:
    """Another name or description."""
    c.need_admin(_ADMINS)
    row = _one(c, "resolutions", "Resolution")
    body = c.body()
    name = _free(c, "resolutions", body, row["id"])
    new = {**row, "name": name, "description": described(body, row["description"], 255)}
    c["resolutions"].put(row["id"], new)
    return empty()


@operation("PUT", "/resolution/default", "setDefaultResolution")
def resolution_default(c: Context) -> Response:
    """Which resolution is offered first."""
    c.need_admin(_ADMINS)
    key = c.body().get("id")
    if key is None:
        raise JiraError(400, "The id has to be provided.")
    the(c, "resolutions", key, f"Resolution with ID {str(key)[:40]} not found.")
    for row in list(c["resolutions"].rows()):
        c["resolutions"].put(row["id"], {**row, "default": row["id"] == str(key)})
    return empty()


@operation("PUT", "/resolution/move", "moveResolutions")
def resolution_move(c: Context) -> Response:
    """Another order of resolutions."""
    return _move(c, "resolutions", "Resolution")


@operation("DELETE", "/resolution/{id}", "deleteResolution")
def resolution_delete(c: Context) -> Response:
    """Delete a resolution; its issues get another."""
    c.need_admin(_ADMINS)
    row = _one(c, "resolutions", "Resolution")
    instead = c.query("replaceWith")
    if not instead:
        raise JiraError(400, "The replaceWith has to be provided.")
    if instead == row["id"]:
        raise JiraError(400, "The resolution cannot be replaced with itself.")
    the(c, "resolutions", instead, f"Resolution with ID {instead[:40]} not found.")
    _replace(c, "resolution", row["id"], instead)
    c["resolutions"].delete(row["id"])
    return see_other(c, f"Delete resolution {row['id']}")
