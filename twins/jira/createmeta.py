"""What can be set: the fields of a new issue, of an edit and of a transition."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .config import scheme_of
from .context import Context, operation, reply
from .customtypes import TYPES, contexts_for, option_shape, options_of
from .errors import JiraError, no_issue
from .fields import FIELDS, field_shape, fields_of, level_shape
from .screening import config_item, settable
from .shapes import (
    component_shape,
    priority_shape,
    project_shape,
    resolution_shape,
    type_shape,
    version_shape,
)

__all__ = ["field_meta", "is_list"]

REQUIRED: Final = ("project", "issuetype", "summary")
LISTS: Final = ("labels", "components", "fixVersions", "versions")


def is_list(c: Context, name: str) -> bool:
    """Whether ``add`` and ``remove`` are operations of a field."""
    found = fields_of(c).get(name)
    return name in LISTS or (found is not None and name not in FIELDS and found.kind == "array")


def field_meta(c: Context, name: str, project: Row, kind: str) -> dict[str, Any]:
    """What may be put into a field of issues of a type in a project."""
    field = fields_of(c)[name]
    item = config_item(c, project, kind, name)
    listed = is_list(c, name)
    meta: dict[str, Any] = {
        "required": name in REQUIRED or bool(item.get("required")),
        "schema": field_shape(c, field)["schema"],
        "name": field.name,
        "key": name,
        "hasDefaultValue": name in ("priority", "reporter"),
        "operations": ["add", "set", "remove"] if listed else ["set"],
    }
    if name == "priority":
        rows = (c["priorities"].get(key) for key in priorities_of(c, project))
        meta["allowedValues"] = [priority_shape(c, row) for row in rows if row]
    elif name == "issuetype":
        meta["allowedValues"] = [type_shape(c, c["issuetypes"][key]) for key in project["types"]]
    elif name == "project":
        meta["allowedValues"] = [project_shape(c, project)]
    elif name == "components":
        table = c["components"]
        keys = table.find("project", project["id"])
        if keys:
            meta["allowedValues"] = [component_shape(c, table[key]) for key in keys]
    elif name in ("versions", "fixVersions"):
        table = c["versions"]
        keys = table.find("project", project["id"])
        if keys:
            meta["allowedValues"] = [version_shape(c, table[key]) for key in keys]
    elif name == "resolution":
        meta["allowedValues"] = [resolution_shape(c, row) for row in c["resolutions"].rows()]
    elif name == "security":
        table = c["securitylevels"]
        scheme = scheme_of(project, "security_scheme")
        meta["allowedValues"] = [level_shape(c, table[key]) for key in table.find("scheme", scheme)]
    elif name not in FIELDS:
        _custom_meta(c, name, project, kind, meta)
    return meta


def priorities_of(c: Context, project: Row) -> list[str]:
    """The priorities of a project, the highest first."""
    rows = sorted(c["priorities"].rows(), key=lambda row: (row["n"], row["id"]))
    scheme = c["priorityschemes"].get(scheme_of(project, "priority_scheme"))
    if scheme is None or scheme.get("default"):
        return [str(row["id"]) for row in rows]
    return [str(row["id"]) for row in rows if row["id"] in scheme["priorities"]]


def _custom_meta(c: Context, name: str, project: Row, kind: str, meta: dict[str, Any]) -> None:
    context = contexts_for(c, name, project["id"], kind)
    if context is None:
        return
    default = context.get("default")
    meta["hasDefaultValue"] = default is not None
    type_ = TYPES[fields_of(c)[name].custom]
    if default is not None:
        meta["defaultValue"] = type_.read(c, default)
    if type_.options:
        shapes = []
        rows = [row for row in options_of(c, context["id"]) if not row["disabled"]]
        for row in rows:
            if row["parent"]:
                continue
            shape = option_shape(c, row["id"])
            children = [option_shape(c, one["id"]) for one in rows if one["parent"] == row["id"]]
            if type_.kind == "option-with-child":
                shape["children"] = children
            shapes.append(shape)
        meta["allowedValues"] = shapes


def _metas(c: Context, project: Row, kind: str, operation_: str) -> dict[str, Any]:
    names = settable(c, project, kind, operation_)
    return {name: field_meta(c, name, project, kind) for name in names}


@operation("GET", "/issue/{issueIdOrKey}/editmeta", "getEditIssueMeta")
def edit_meta(c: Context) -> Response:
    """Which fields of an issue can be changed."""
    row = c.issue(c.param("issueIdOrKey"))
    project = c["projects"][row["project"]]
    if not c.may("EDIT_ISSUES", project, row):
        return reply({"fields": {}})
    metas = _metas(c, project, row["type"], "edit")
    metas.pop("project", None)
    return reply({"fields": metas})


@operation("GET", "/issue/createmeta", "getCreateIssueMeta")
def create_meta(c: Context) -> Response:
    """What projects take, all in one answer; Data Center has lost it with version 9."""
    if not c.cloud:
        raise no_issue(cloud=False)
    keys = {key.upper() for key in c.query_list("projectKeys")}
    numbers = set(c.query_list("projectIds"))
    types = set(c.query_list("issuetypeIds"))
    names = {value for name, value in c.call.request.query_pairs if name == "issuetypeNames"}
    with_fields = "projects.issuetypes.fields" in c.query_list("expand")
    projects = []
    for project in c["projects"].rows():
        if not c.may_see(project) or not c.may("CREATE_ISSUES", project):
            continue
        if (keys or numbers) and project["key"] not in keys and project["id"] not in numbers:
            continue
        kinds = []
        for key in project["types"]:
            row = c["issuetypes"][key]
            if (types and key not in types) or (names and row["name"] not in names):
                continue
            shape = type_shape(c, row)
            if with_fields:
                shape["expand"] = "fields"
                shape["fields"] = _metas(c, project, key, "create")
            kinds.append(shape)
        whole = project_shape(c, project)
        brief = {name: whole[name] for name in ("self", "id", "key", "name", "avatarUrls")}
        projects.append({**brief, "issuetypes": kinds})
    return reply({"expand": "projects", "projects": projects})


@operation("GET", "/issue/createmeta/{projectIdOrKey}/issuetypes", "getCreateIssueMetaIssueTypes")
def create_meta_types(c: Context) -> Response:
    """The issue types of a project, in pages."""
    project = c.project(c.param("projectIdOrKey"))
    start, size = c.page()
    rows = [type_shape(c, c["issuetypes"][key]) for key in project["types"]]
    name = "issueTypes" if c.cloud else "values"
    page = rows[start : start + size]
    shape = {"startAt": start, "maxResults": size, "total": len(rows), name: page}
    return reply(shape if c.cloud else {**shape, "isLast": start + size >= len(rows)})


@operation(
    "GET",
    "/issue/createmeta/{projectIdOrKey}/issuetypes/{issueTypeId}",
    "getCreateIssueMetaIssueTypeId",
)
def create_meta_fields(c: Context) -> Response:
    """The fields of an issue type of a project, in pages."""
    project = c.project(c.param("projectIdOrKey"))
    kind = c.param("issueTypeId")
    if kind not in project["types"]:
        raise JiraError(404, "Issue type not found.")
    start, size = c.page()
    rows = [{"fieldId": name, **meta} for name, meta in _metas(c, project, kind, "create").items()]
    name = "fields" if c.cloud else "values"
    page = rows[start : start + size]
    shape = {"startAt": start, "maxResults": size, "total": len(rows), name: page}
    return reply(shape if c.cloud else {**shape, "isLast": start + size >= len(rows)})
