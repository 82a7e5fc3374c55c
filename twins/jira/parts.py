"""component and version: the parts of a project."""

from datetime import date
from typing import Any

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .shapes import component_shape, version_shape
from .state import new_id


def _rows(c: Context, table: str) -> list[Row]:
    project = c.project(c.param("projectIdOrKey"))
    return [c[table][key] for key in c[table].find("project", project["id"])]


def _project(c: Context, body: dict[str, Any]) -> Row:
    reference = body.get("project") or body.get("projectId")
    found = c.find_project(str(reference)) if reference else None
    if found is None:
        raise bad_field("project", "A project must be specified to create this.")
    if not c.may_write(found):
        raise JiraError(403, "You do not have permission to administer this project.")
    return found


def _free_name(c: Context, table: str, project: str, body: dict[str, Any], key: str) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise bad_field("name", "You must specify a name.")
    if len(name) > 255:
        raise bad_field("name", "The name is too long. It exceeds 255 characters.")
    for other in c[table].find("project", project):
        if c[table][other]["name"].lower() == name.strip().lower() and other != key:
            noun = "component" if table == "components" else "version"
            raise bad_field("name", f"A {noun} with this name already exists in this project.")
    return name.strip()


def _one(c: Context, table: str) -> Row:
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


def _drop(c: Context, fields: tuple[str, ...], key: str, instead: str | None) -> None:
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
    return _paged(c, [component_shape(c, row) for row in _rows(c, "components")])


def _lead(c: Context, body: dict[str, Any]) -> str:
    wanted = body.get("leadAccountId") or body.get("leadUserName")
    if not wanted:
        return ""
    found = c.find_account({"accountId" if c.cloud else "name": wanted})
    if found is None:
        raise bad_field("leadAccountId", "The user does not exist.")
    return str(found["id"])


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
    }
    row["id"] = new_id(c.twin, "component")
    c["components"].put(row["id"], row)
    return reply(component_shape(c, row), 201)


@operation("GET", "/component/{id}", "getComponent")
def component(c: Context) -> Response:
    """A component."""
    return reply(component_shape(c, _one(c, "components")))


@operation("PUT", "/component/{id}", "updateComponent")
def update_component(c: Context) -> Response:
    """Change a component."""
    row = dict(_one(c, "components"))
    body = c.body()
    if "name" in body:
        row["name"] = _free_name(c, "components", row["project"], body, row["id"])
    if "description" in body:
        row["description"] = str(body["description"] or "")
    if "leadAccountId" in body or "leadUserName" in body:
        row["lead"] = _lead(c, body)
    c["components"].put(row["id"], row)
    return reply(component_shape(c, row))


@operation("DELETE", "/component/{id}", "deleteComponent")
def delete_component(c: Context) -> Response:
    """Delete a component; its issues may move to another."""
    row = _one(c, "components")
    instead = c.query("moveIssuesTo") or None
    if instead and (instead not in c["components"] or instead == row["id"]):
        raise JiraError(404, f"Could not find component for id '{instead}'")
    _drop(c, ("components",), row["id"], instead)
    c["components"].delete(row["id"])
    return empty()


@operation("GET", "/project/{projectIdOrKey}/versions", "getProjectVersions")
def versions(c: Context) -> Response:
    """The versions of a project."""
    return reply([version_shape(c, row) for row in _rows(c, "versions")])


@operation("GET", "/project/{projectIdOrKey}/version", "getProjectVersionsPaginated")
def version_page(c: Context) -> Response:
    """The versions of a project in pages."""
    return _paged(c, [version_shape(c, row) for row in _rows(c, "versions")])


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
    return reply(version_shape(c, row | fields), 201)


@operation("GET", "/version/{id}", "getVersion")
def version(c: Context) -> Response:
    """A version."""
    return reply(version_shape(c, _one(c, "versions")))


@operation("PUT", "/version/{id}", "updateVersion")
def update_version(c: Context) -> Response:
    """Change a version, release it, archive it."""
    row = dict(_one(c, "versions"))
    body = c.body()
    if "name" in body:
        row["name"] = _free_name(c, "versions", row["project"], body, row["id"])
    row |= _version_fields(body)
    c["versions"].put(row["id"], row)
    return reply(version_shape(c, row))


@operation("DELETE", "/version/{id}", "deleteVersion")
def delete_version(c: Context) -> Response:
    """Delete a version; its issues may move to others."""
    row = _one(c, "versions")
    for field, name in (("fix", "moveFixIssuesTo"), ("affects", "moveAffectedIssuesTo")):
        instead = c.query(name) or None
        if instead and instead not in c["versions"]:
            raise JiraError(404, f"Could not find version for id '{instead}'")
        _drop(c, (field,), row["id"], instead)
    c["versions"].delete(row["id"])
    return empty()
