"""issuetype, issuetypescheme: types of issues and which projects have them."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, id_list, named, queried_ids, sorted_rows, the
from .config import scheme_of
from .context import Context, empty, operation, reply
from .errors import JiraError
from .pages import page
from .properties import Owner, drop_properties, register
from .screenschemes import by_scheme
from .shapes import type_shape
from .state import change_issue, draft, new_id

_ADMINS: Final = "Only Jira administrators can access issue types."
_TAKEN: Final = "The name is used by another scheme."
_MISSING: Final = "The issue type scheme was not found."


def _type(c: Context, *, change: bool = False) -> Row:
    if change:
        c.need_admin(_ADMINS)
    key = c.param("id")
    return the(c, "issuetypes", key, f"The issue type with id '{key[:40]}' does not exist")


@operation("GET", "/issuetype", "getIssueAllTypes")
def types(c: Context) -> Response:
    """All issue types."""
    return reply([type_shape(c, row) for row in c["issuetypes"].rows()])


@operation("GET", "/issuetype/project", "getIssueTypesForProject")
def types_of_project(c: Context) -> Response:
    """A project's issue types, of one level of the hierarchy if asked."""
    project = c.project(c.query("projectId"))
    level = c.query_number("level")
    rows = [c["issuetypes"][key] for key in project["types"]]
    return reply([type_shape(c, row) for row in rows if level is None or row["level"] == level])


@operation("GET", "/issuetype/{id}", "getIssueType")
def one_type(c: Context) -> Response:
    """An issue type."""
    return reply(type_shape(c, _type(c)))


def _free(c: Context, name: str, own: str = "") -> str:
    if len(name) > 60:
        raise JiraError(400, "The issue type name must not exceed 60 characters.")
    for row in c["issuetypes"].rows():
        if row["name"].lower() == name.lower() and row["id"] != own:
            raise JiraError(409, "An issue type with this name already exists.")
    return name


@operation("POST", "/issuetype", "createIssueType")
def create(c: Context) -> Response:
    """An issue type, standard or subtask; it joins the default scheme."""
    c.need_admin(_ADMINS)
    body = c.body()
    name = _free(c, named(body, missing="The issue type name must be specified."))
    level = body.get("hierarchyLevel", -1 if body.get("type") == "subtask" else 0)
    if level not in (-1, 0, 1) or isinstance(level, bool):
        raise JiraError(400, "The hierarchyLevel must be -1, 0 or 1.")
    key = new_id(c.twin, "issuetype", 10_010)
    row = {"id": key, "name": name, "description": described(body), "subtask": level == -1,
           "level": level}  # fmt: skip
    c["issuetypes"].put(key, row)
    for scheme in list(c["typeschemes"].rows()):
        if scheme.get("default"):
            c["typeschemes"].put(scheme["id"], {**scheme, "types": [*scheme["types"], key]})
            sync_projects(c, scheme["id"])
    return reply(type_shape(c, row), 201)


@operation("PUT", "/issuetype/{id}", "updateIssueType")
def update(c: Context) -> Response:
    """Another name, description or picture."""
    row = _type(c, change=True)
    body = c.body()
    new = {**row, "description": described(body, row["description"])}
    if body.get("name") is not None:
        new["name"] = _free(c, named(body), row["id"])
    if isinstance(body.get("avatarId"), int):
        new["avatar"] = body["avatarId"]
    c["issuetypes"].put(row["id"], new)
    return reply(type_shape(c, new))


@operation("DELETE", "/issuetype/{id}", "deleteIssueType")
def delete(c: Context) -> Response:
    """Delete an issue type; its issues need another."""
    row = _type(c, change=True)
    key = row["id"]
    users = [one for one in c["issues"].rows() if one["type"] == key]
    instead = c.query("alternativeIssueTypeId")
    if instead == key:
        raise JiraError(409, "The issue type cannot be its own alternative.")
    if instead and instead not in c["issuetypes"]:
        raise JiraError(404, f"The issue type with id '{instead[:40]}' does not exist")
    if users and not instead:
        raise JiraError(404, "The issue type is in use and no alternative was specified.")
    if instead and c["issuetypes"][instead]["level"] != row["level"]:
        raise JiraError(409, "The alternative issue type is of another kind.")
    for one in users:
        change_issue(c, one, {**draft(one), "type": instead})
    c["issuetypes"].delete(key)
    drop_properties(c, f"issuetype/{key}")
    for scheme in list(c["typeschemes"].rows()):
        if key in scheme["types"]:
            _put_scheme(c, scheme, [one for one in scheme["types"] if one != key])
    return empty()


@operation("GET", "/issuetype/{id}/alternatives", "getAlternativeIssueTypes")
def alternatives(c: Context) -> Response:
    """The issue types that could take the place of one."""
    row = _type(c)
    rows = (one for one in c["issuetypes"].rows() if one["level"] == row["level"])
    return reply([type_shape(c, one) for one in rows if one["id"] != row["id"]])


def _owner(c: Context, change: bool) -> Owner:
    if change:
        c.need_admin(_ADMINS)
    key = c.param("issueTypeId")
    the(c, "issuetypes", key, f"The issue type with id '{key[:40]}' does not exist")
    return Owner(f"issuetype/{key}", f"{c.api}/issuetype/{key}/properties/")


register(
    "/issuetype/{issueTypeId}/properties",
    (
        "getIssueTypePropertyKeys",
        "getIssueTypeProperty",
        "setIssueTypeProperty",
        "deleteIssueTypeProperty",
    ),
    _owner,
)


# -- schemes


def sync_projects(c: Context, scheme: str) -> None:
    """Let the projects of a scheme have its issue types."""
    row = c["typeschemes"][scheme]
    for project in list(c["projects"].rows()):
        same = scheme_of(project, "type_scheme") == scheme
        if same and list(project["types"]) != list(row["types"]):
            c["projects"].put(project["id"], {**project, "types": list(row["types"])})


def _put_scheme(c: Context, row: Row, kinds: list[str]) -> None:
    default = row["default_type"] if row["default_type"] in kinds else (kinds or [""])[0]
    c["typeschemes"].put(row["id"], {**row, "types": kinds, "default_type": default})
    sync_projects(c, row["id"])


def _shape(row: Row) -> dict[str, Any]:
    shape = {"id": row["id"], "name": row["name"], "description": row["description"]}
    if row["default_type"]:
        shape["defaultIssueTypeId"] = row["default_type"]
    return {**shape, "isDefault": True} if row.get("default") else shape


def _scheme(c: Context) -> Row:
    c.need_admin("Only Jira administrators can access issue type schemes.")
    return the(c, "typeschemes", c.param("issueTypeSchemeId"), _MISSING)


def _known(c: Context, keys: list[str]) -> None:
    missing = [key for key in keys if key not in c["issuetypes"]]
    if missing:
        raise JiraError(404, f"These issue types were not found: {', '.join(missing)[:200]}")


@operation("GET", "/issuetypescheme", "getAllIssueTypeSchemes")
def schemes(c: Context) -> Response:
    """Issue type schemes in pages."""
    c.need_admin("Only Jira administrators can access issue type schemes.")
    ids, needle = queried_ids(c), c.query("queryString").lower()
    rows = [
        row
        for row in c["typeschemes"].rows()
        if (not ids or row["id"] in ids) and needle in row["name"].lower()
    ]
    return page(c, sorted_rows(c, rows), _shape)


def _name(c: Context, body: dict[str, Any], own: str = "") -> str:
    name = named(body)
    for row in c["typeschemes"].rows():
        if row["name"].lower() == name.lower() and row["id"] != own:
            raise JiraError(409 if not own else 400, _TAKEN)
    return name


@operation("POST", "/issuetypescheme", "createIssueTypeScheme")
def scheme_create(c: Context) -> Response:
    """An issue type scheme."""
    c.need_admin("Only Jira administrators can access issue type schemes.")
    body = c.body()
    name = _name(c, body)
    keys = id_list(body, "issueTypeIds")
    _known(c, keys)
    if all(c["issuetypes"][key]["subtask"] for key in keys):
        raise JiraError(400, "At least one standard issue type has to be in the scheme.")
    default = body.get("defaultIssueTypeId")
    if default is not None and str(default) not in keys:
        raise JiraError(400, "The default issue type ID has to be present in issue type IDs list.")
    key = new_id(c.twin, "typescheme", 10_001)
    c["typeschemes"].put(
        key,
        {
            "id": key,
            "name": name,
            "description": described(body),
            "default_type": str(default or ""),
            "types": keys,
        },
    )
    return reply({"issueTypeSchemeId": key}, 201)


@operation("PUT", "/issuetypescheme/{issueTypeSchemeId}", "updateIssueTypeScheme")
def scheme_update(c: Context) -> Response:
    """Another name, description or default issue type."""
    row = _scheme(c)
    body = c.body()
    new = {**row, "description": described(body, row["description"])}
    if body.get("name") is not None:
        new["name"] = _name(c, body, row["id"])
    if body.get("defaultIssueTypeId") is not None:
        new["default_type"] = str(body["defaultIssueTypeId"])
        if new["default_type"] not in row["types"]:
            raise JiraError(
                400, "The default issue type has to be one of the issue types of the scheme."
            )
    c["typeschemes"].put(row["id"], new)
    return empty()


@operation("DELETE", "/issuetypescheme/{issueTypeSchemeId}", "deleteIssueTypeScheme")
def scheme_delete(c: Context) -> Response:
    """Delete a scheme; its projects have the default one from then on."""
    row = _scheme(c)
    if row.get("default"):
        raise JiraError(400, "The default issue type scheme can't be removed.")
    for project in list(c["projects"].rows()):
        if scheme_of(project, "type_scheme") == row["id"]:
            c["projects"].put(project["id"], {**project, "type_scheme": ""})
    c["typeschemes"].delete(row["id"])
    default = next(str(one["id"]) for one in c["typeschemes"].rows() if one.get("default"))
    sync_projects(c, default)
    return empty()


@operation("GET", "/issuetypescheme/mapping", "getIssueTypeSchemesMapping")
def mappings(c: Context) -> Response:
    """Scheme and issue type, one by one."""
    c.need_admin("Only Jira administrators can access issue type schemes.")
    ids = queried_ids(c, "issueTypeSchemeId")
    found = [
        {"issueTypeSchemeId": row["id"], "issueTypeId": key}
        for row in c["typeschemes"].rows()
        if not ids or row["id"] in ids
        for key in row["types"]
    ]
    return page(c, found, lambda one: one)


@operation("GET", "/issuetypescheme/project", "getIssueTypeSchemeForProjects")
def projects(c: Context) -> Response:
    """Schemes with the projects asked about."""
    c.need_admin("Only Jira administrators can access issue type schemes.")
    found = by_scheme(c, "type_scheme", "typeschemes", "issueTypeScheme", _shape)
    return page(c, found, lambda one: one)


@operation("PUT", "/issuetypescheme/project", "assignIssueTypeSchemeToProject")
def scheme_assign(c: Context) -> Response:
    """Give a project an issue type scheme that has the types of all its issues."""
    c.need_admin("Only Jira administrators can access issue type schemes.")
    body = c.body()
    scheme = the(c, "typeschemes", body.get("issueTypeSchemeId"), _MISSING)
    project = the(c, "projects", body.get("projectId"), "The project was not found.")
    table = c["issues"]
    stray = [
        key
        for key in table.find("project", project["id"])
        if table[key]["type"] not in scheme["types"]
    ]
    if stray:
        raise JiraError(
            400,
            "This issue type scheme can't be assigned to the project. This is because some issues "
            "in this project use issue types not present in the scheme. Before assigning the "
            "scheme to the project, update the issue types on these issues: "
            + ", ".join(str(key) for key in stray[:20]),
        )
    c["projects"].put(project["id"], {**project, "type_scheme": scheme["id"]})
    sync_projects(c, scheme["id"])
    return empty()


@operation(
    "PUT", "/issuetypescheme/{issueTypeSchemeId}/issuetype", "addIssueTypesToIssueTypeScheme"
)
def add_types(c: Context) -> Response:
    """More issue types for a scheme."""
    row = _scheme(c)
    keys = id_list(c.body(), "issueTypeIds")
    _known(c, keys)
    already = [key for key in keys if key in row["types"]]
    if already:
        raise JiraError(
            400,
            "These issue types were not added because they are already present in the issue type "
            f"scheme: {', '.join(already)}",
        )
    _put_scheme(c, row, [*row["types"], *keys])
    return empty()


@operation(
    "PUT",
    "/issuetypescheme/{issueTypeSchemeId}/issuetype/move",
    "reorderIssueTypesInIssueTypeScheme",
)
def reorder(c: Context) -> Response:
    """Another order of a scheme's issue types."""
    row = _scheme(c)
    body = c.body()
    keys = id_list(body, "issueTypeIds")
    missing = [key for key in keys if key not in row["types"]]
    if missing:
        raise JiraError(
            400,
            "The issue type scheme does not include some of the specified issue types. Issue type "
            f"IDs missing from the scheme are: {', '.join(missing)[:200]}",
        )
    kept = [key for key in row["types"] if key not in keys]
    after, position = body.get("after"), body.get("position")
    if (after is None) == (position not in ("First", "Last")):
        raise JiraError(400, "Either 'after' or 'position' must be specified.")
    if after is not None and str(after) not in kept:
        raise JiraError(400, "The issue type scheme does not include the issue type 'after'.")
    at = kept.index(str(after)) + 1 if after is not None else 0
    if position == "Last":
        at = len(kept)
    _put_scheme(c, row, [*kept[:at], *keys, *kept[at:]])
    return empty()


@operation(
    "DELETE",
    "/issuetypescheme/{issueTypeSchemeId}/issuetype/{issueTypeId}",
    "removeIssueTypeFromIssueTypeScheme",
)
def remove_type(c: Context) -> Response:
    """Take an issue type out of a scheme whose projects have no such issues."""
    row = _scheme(c)
    key = c.param("issueTypeId")
    if key not in row["types"]:
        raise JiraError(404, "The issue type was not found in the issue type scheme.")
    if row.get("default"):
        raise JiraError(400, "Issue types can't be removed from the default issue type scheme.")
    kept = [one for one in row["types"] if one != key]
    if all(c["issuetypes"][one]["subtask"] for one in kept):
        raise JiraError(
            400, "Can't remove the last standard issue type from the issue type scheme."
        )
    for project in c["projects"].rows():
        if scheme_of(project, "type_scheme") == row["id"]:
            table = c["issues"]
            if any(table[one]["type"] == key for one in table.find("project", project["id"])):
                raise JiraError(400, "The issue type is used by issues of the scheme's projects.")
    _put_scheme(c, row, kept)
    return empty()
