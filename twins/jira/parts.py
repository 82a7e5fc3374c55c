"""component and version: the parts of a project."""

from datetime import date
from typing import Any, Final

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .shapes import component_shape, version_shape
from .state import new_id
from .telling import version_event

__all__ = ["drop_part", "one_part"]


def _rows(c: Context, table: str) -> list[Row]:
    project = c.project(c.param("projectIdOrKey"))
    rows = [c[table][key] for key in c[table].find("project", project["id"])]
    return sorted(rows, key=lambda row: row.get("place", 0)) if table == "versions" else rows


def _project_id(c: Context) -> str:
    return str(c.project(c.param("projectIdOrKey"))["id"])


def _chosen(c: Context, rows: list[Row]) -> list[Row]:
    """Those with ``query`` in their name or description, as ``orderBy`` sorts them."""
    needle = c.query("query").lower()
    rows = [r for r in rows if needle in f"{r['name']} {r.get('description', '')}".lower()]
    order = c.query("orderBy")
    field = order.lstrip("+-")
    if order and field not in ("name", "description", "lead", "issueCount", "sequence",
                               "startDate", "releaseDate"):  # fmt: skip
        raise JiraError(400, f"The 'orderBy' value '{order[:40]}' is not supported.")
    if field in ("name", "description", "startDate", "releaseDate"):
        rows.sort(key=lambda row: str(row.get(field, "")).lower())
    return rows[::-1] if order.startswith("-") else rows


def _version_state(row: Row) -> str:
    if row["archived"]:
        return "archived"
    return "released" if row["released"] else "unreleased"


def _project(c: Context, body: dict[str, Any]) -> Row:
    reference = body.get("project") or body.get("projectId")
    found = c.find_project(str(reference)) if reference else None
    if found is None:
        raise bad_field("project", "A project must be specified to create this.")
    if not c.may_write(found):
        raise JiraError(403, "You do not have permission to administer this project.")
    return found


_NAMELESS: Final = {
    "components": "The component name specified is invalid - cannot be an empty string.",
    "versions": "You must specify a valid version name",
}
_TAKEN: Final = {
    "components": "A component with the name {} already exists in this project.",
    "versions": "A version with this name already exists in this project.",
}


def _free_name(c: Context, table: str, project: str, body: dict[str, Any], key: str) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise bad_field("name", _NAMELESS[table])
    if len(name) > 255:
        raise bad_field("name", "The name is too long. It exceeds 255 characters.")
    for other in c[table].find("project", project):
        if c[table][other]["name"].lower() == name.strip().lower() and other != key:
            raise bad_field("name", _TAKEN[table].format(name.strip()))
    return name.strip()


def one_part(c: Context, table: str) -> Row:
    """The component or version that the path names. Raises 404."""
    row = c[table].get(c.param("id"))
    if row is None or not c.may_see(c["projects"][row["project"]]):
        noun = "component" if table == "components" else "version"
        raise JiraError(404, f"Could not find {noun} for id '{c.param('id')}'")
    return row


def _paged(c: Context, values: list[dict[str, Any]]) -> Response:
    start, size = c.page(50, 50)
    return reply(
        {
            "startAt": start,
            "maxResults": size,
            "total": len(values),
            "isLast": start + size >= len(values),
            "values": values[start : start + size],
        }
    )


def drop_part(c: Context, fields: tuple[str, ...], key: str, instead: str | None) -> None:
    """Take a part out of every issue, or put another in its place."""
    for row in list(c["issues"].rows()):
        changes = {}
        for field in fields:
            if key in row[field]:
                kept = [item for item in row[field] if item != key]
                more = [instead] if instead and instead not in kept else []
                changes[field] = kept + more
        if changes:
            c["issues"].put(row["id"], {**row, **changes})


@operation("GET", "/project/{projectIdOrKey}/components", "getProjectComponents")
def components(c: Context) -> Response:
    """The components of a project."""
    return reply([component_shape(c, row) for row in _rows(c, "components")])


@operation("GET", "/project/{projectIdOrKey}/component", "getProjectComponentsPaginated")
def component_page(c: Context) -> Response:
    """The components of a project in pages."""
    issues = [c["issues"][key] for key in c["issues"].find("project", _project_id(c))]

    def shape(row: Row) -> dict[str, Any]:
        count = sum(row["id"] in issue["components"] for issue in issues)
        return {**component_shape(c, row), "issueCount": count}

    return _paged(c, [shape(row) for row in _chosen(c, _rows(c, "components"))])


def _lead(c: Context, body: dict[str, Any]) -> str:
    wanted = body.get("leadAccountId") or body.get("leadUserName")
    if not wanted:
        return ""
    found = c.find_account({"accountId" if c.cloud else "name": wanted})
    if found is None:
        raise bad_field("leadAccountId", "The user does not exist.")
    return str(found["id"])


def _assignee_type(body: dict[str, Any]) -> str:
    kind = body.get("assigneeType") or "PROJECT_DEFAULT"
    if kind not in ("PROJECT_DEFAULT", "COMPONENT_LEAD", "PROJECT_LEAD", "UNASSIGNED"):
        raise bad_field("assigneeType", f"The assignee type '{str(kind)[:40]}' is not valid.")
    return str(kind)


@operation("POST", "/component", "createComponent")
def create_component(c: Context) -> Response:
    """A new component."""
    body = c.body()
    project = _project(c, body)
    name = _free_name(c, "components", project["id"], body, "")
    row = {
        "id": "",
        "project": project["id"],
        "name": name,
        "description": str(body.get("description") or ""),
        "lead": _lead(c, body),
        "assignee_type": _assignee_type(body),
    }
    row["id"] = new_id(c.twin, "component")
    c["components"].put(row["id"], row)
    return reply(component_shape(c, row), 201)


@operation("GET", "/component/{id}", "getComponent")
def component(c: Context) -> Response:
    """A component."""
    return reply(component_shape(c, one_part(c, "components")))


@operation("PUT", "/component/{id}", "updateComponent")
def update_component(c: Context) -> Response:
    """Change a component."""
    row = dict(one_part(c, "components"))
    body = c.body()
    if "name" in body:
        row["name"] = _free_name(c, "components", row["project"], body, row["id"])
    if "description" in body:
        row["description"] = str(body["description"] or "")
    if "leadAccountId" in body or "leadUserName" in body:
        row["lead"] = _lead(c, body)
    if "assigneeType" in body:
        row["assignee_type"] = _assignee_type(body)
    c["components"].put(row["id"], row)
    return reply(component_shape(c, row))


@operation("DELETE", "/component/{id}", "deleteComponent")
def delete_component(c: Context) -> Response:
    """Delete a component; its issues may move to another."""
    row = one_part(c, "components")
    instead = c.query("moveIssuesTo") or None
    if instead and (instead not in c["components"] or instead == row["id"]):
        raise JiraError(404, f"Could not find component for id '{instead}'")
    drop_part(c, ("components",), row["id"], instead)
    c["components"].delete(row["id"])
    return empty()


@operation("GET", "/project/{projectIdOrKey}/versions", "getProjectVersions")
def versions(c: Context) -> Response:
    """The versions of a project."""
    return reply([version_shape(c, row) for row in _rows(c, "versions")])


@operation("GET", "/project/{projectIdOrKey}/version", "getProjectVersionsPaginated")
def version_page(c: Context) -> Response:
    """The versions of a project in pages."""
    states = c.query_list("status")
    rows = [
        row
        for row in _chosen(c, _rows(c, "versions"))
        if not states or _version_state(row) in states
    ]
    return _paged(c, [version_shape(c, row) for row in rows])


def _version_fields(body: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in ("archived", "released"):
        if name in body:
            fields[name] = body[name] is True
    if isinstance(body.get("description"), str):
        fields["description"] = body["description"]
    for name in ("startDate", "releaseDate"):
        value = body.get(name)
        if value is None:
            continue
        try:
            fields[name] = date.fromisoformat(str(value)).isoformat()
        except ValueError as error:
            raise bad_field(name, "Please enter the date in the form yyyy-MM-dd.") from error
    return fields


@operation("POST", "/version", "createVersion")
def create_version(c: Context) -> Response:
    """A new version."""
    body = c.body()
    project = _project(c, body)
    name = _free_name(c, "versions", project["id"], body, "")
    fields = _version_fields(body)
    key = new_id(c.twin, "version")
    row = {"id": key, "project": project["id"], "name": name, "archived": False, "released": False}
    c["versions"].put(key, row | fields)
    version_event(c, "created", row | fields)
    return reply(version_shape(c, row | fields), 201)


@operation("GET", "/version/{id}", "getVersion")
def version(c: Context) -> Response:
    """A version."""
    return reply(version_shape(c, one_part(c, "versions")))


@operation("PUT", "/version/{id}", "updateVersion")
def update_version(c: Context) -> Response:
    """Change a version, release it, archive it."""
    row = dict(one_part(c, "versions"))
    body = c.body()
    if "name" in body:
        row["name"] = _free_name(c, "versions", row["project"], body, row["id"])
    before = row["released"]
    row |= _version_fields(body)
    c["versions"].put(row["id"], row)
    if row["released"] != before:
        version_event(c, "released" if row["released"] else "unreleased", row)
    version_event(c, "updated", row)
    return reply(version_shape(c, row))


@operation("DELETE", "/version/{id}", "deleteVersion")
def delete_version(c: Context) -> Response:
    """Delete a version; its issues may move to others."""
    row = one_part(c, "versions")
    for field, name in (("fix", "moveFixIssuesTo"), ("affects", "moveAffectedIssuesTo")):
        instead = c.query(name) or None
        if instead and instead not in c["versions"]:
            raise JiraError(404, f"Could not find version for id '{instead}'")
        drop_part(c, (field,), row["id"], instead)
    c["versions"].delete(row["id"])
    version_event(c, "deleted", row)
    return empty()
