"""screenscheme, issuetypescreenscheme: which screen is shown for what."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, free_name, id_list, listed, named, queried_ids
from .config import scheme_of
from .context import Context, empty, operation, reply
from .errors import JiraError
from .pages import page
from .shapes import project_shape
from .state import new_id

_ADMINS: Final = "Only Jira administrators can access screen schemes."
_OPERATIONS: Final = ("default", "create", "edit", "view")
_TAKEN: Final = "The name is used by another scheme."


def _scheme(c: Context) -> Row:
    c.need_admin(_ADMINS)
    row = c["screenschemes"].get(c.param("screenSchemeId"))
    if row is None:
        raise JiraError(404, "The screen scheme was not found.")
    return row


@operation("GET", "/screenscheme", "getScreenSchemes")
def schemes(c: Context) -> Response:
    """Screen schemes in pages."""
    c.need_admin(_ADMINS)
    expanded = "issueTypeScreenSchemes" in c.query_list("expand")

    def shape(row: Row) -> dict[str, Any]:
        shown = {
            "id": int(row["id"]),
            "name": row["name"],
            "description": row["description"],
            "screens": {name: int(key) for name, key in row["screens"].items()},
        }
        if expanded:
            users = [
                _type_shape(one)
                for one in c["typescreenschemes"].rows()
                if row["id"] in one["mappings"].values()
            ]
            shown["issueTypeScreenSchemes"] = {
                "maxResults": len(users), "startAt": 0, "total": len(users), "isLast": True,
                "values": users,
            }  # fmt: skip
        return shown

    return listed(c, "screenschemes", shape)


def _screens(c: Context, value: Any, before: dict[str, str]) -> dict[str, str]:
    if not isinstance(value, dict):
        raise JiraError(400, "The screens must be provided.")
    found = dict(before)
    for name, key in value.items():
        if name not in _OPERATIONS:
            continue
        if key in (None, ""):
            if name == "default":
                raise JiraError(400, "The default screen must be provided.")
            found.pop(name, None)
            continue
        if str(key) not in c["screens"]:
            raise JiraError(404, "One or more screens assigned to screen types was not found.")
        found[name] = str(key)
    if "default" not in found:
        raise JiraError(400, "The default screen must be provided.")
    return found


@operation("POST", "/screenscheme", "createScreenScheme")
def create(c: Context) -> Response:
    """A screen scheme."""
    c.need_admin(_ADMINS)
    body = c.body()
    row = {
        "name": free_name(c, "screenschemes", named(body), _TAKEN),
        "description": described(body),
        "screens": _screens(c, body.get("screens"), {}),
    }
    key = new_id(c.twin, "screenscheme")
    c["screenschemes"].put(key, {"id": key, **row})
    return reply({"id": int(key)}, 201)


@operation("PUT", "/screenscheme/{screenSchemeId}", "updateScreenScheme")
def update(c: Context) -> Response:
    """Another name, description or screens."""
    row = _scheme(c)
    body = c.body()
    new = {**row, "description": described(body, row["description"])}
    if body.get("name") is not None:
        new["name"] = free_name(c, "screenschemes", named(body), _TAKEN, row["id"])
    if body.get("screens") is not None:
        new["screens"] = _screens(c, body["screens"], row["screens"])
    c["screenschemes"].put(row["id"], new)
    return empty()


@operation("DELETE", "/screenscheme/{screenSchemeId}", "deleteScreenScheme")
def delete(c: Context) -> Response:
    """Delete a screen scheme that nothing uses."""
    row = _scheme(c)
    if any(row["id"] in one["mappings"].values() for one in c["typescreenschemes"].rows()):
        raise JiraError(
            400,
            "The screen scheme cannot be deleted as it is in use in an issue type screen scheme.",
        )
    c["screenschemes"].delete(row["id"])
    return empty()


# -- by issue type


_TYPE_ADMINS: Final = "Only Jira administrators can access issue type screen schemes."
_TYPE_MISSING: Final = "The issue type screen scheme was not found."


def _type_shape(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "description": row["description"]}


def _type_scheme(c: Context) -> Row:
    c.need_admin(_TYPE_ADMINS)
    row = c["typescreenschemes"].get(c.param("issueTypeScreenSchemeId"))
    if row is None:
        raise JiraError(404, _TYPE_MISSING)
    return row


def _mappings(c: Context, body: dict[str, Any]) -> dict[str, str]:
    pairs = body.get("issueTypeMappings")
    if not isinstance(pairs, list) or not all(isinstance(pair, dict) for pair in pairs):
        raise JiraError(400, "The issueTypeMappings must be provided.")
    found: dict[str, str] = {}
    for pair in pairs:
        kind, scheme = str(pair.get("issueTypeId")), str(pair.get("screenSchemeId"))
        if kind in found:
            raise JiraError(400, "One or more issue type IDs are repeated, an issue type ID can "
                            "only be specified once.")  # fmt: skip
        if kind != "default" and kind not in c["issuetypes"]:
            raise JiraError(404, "One or more issue type IDs were not found.")
        if scheme not in c["screenschemes"]:
            raise JiraError(404, "One or more screen scheme IDs were not found.")
        found[kind] = scheme
    return found


@operation("GET", "/issuetypescreenscheme", "getIssueTypeScreenSchemes")
def type_schemes(c: Context) -> Response:
    """Issue type screen schemes in pages."""
    c.need_admin(_TYPE_ADMINS)
    return listed(c, "typescreenschemes", _type_shape)


@operation("POST", "/issuetypescreenscheme", "createIssueTypeScreenScheme")
def type_create(c: Context) -> Response:
    """An issue type screen scheme; it needs a default mapping."""
    c.need_admin(_TYPE_ADMINS)
    body = c.body()
    mappings = _mappings(c, body)
    if "default" not in mappings:
        raise JiraError(400, "The default mapping must be provided.")
    taken = "The issue type screen scheme name is in use."
    name = free_name(c, "typescreenschemes", named(body), taken)
    key = new_id(c.twin, "typescreenscheme")
    row = {"id": key, "name": name, "description": described(body), "mappings": mappings}
    c["typescreenschemes"].put(key, row)
    return reply({"id": key}, 201)


@operation("PUT", "/issuetypescreenscheme/{issueTypeScreenSchemeId}", "updateIssueTypeScreenScheme")
def type_update(c: Context) -> Response:
    """Another name or description."""
    row = _type_scheme(c)
    body = c.body()
    new = {**row, "description": described(body, row["description"])}
    if body.get("name") is not None:
        taken = "The issue type screen scheme name is in use."
        new["name"] = free_name(c, "typescreenschemes", named(body), taken, row["id"])
    c["typescreenschemes"].put(row["id"], new)
    return empty()


@operation(
    "DELETE", "/issuetypescreenscheme/{issueTypeScreenSchemeId}", "deleteIssueTypeScreenScheme"
)
def type_delete(c: Context) -> Response:
    """Delete an issue type screen scheme that no project has."""
    row = _type_scheme(c)
    if any(scheme_of(one, "screen_scheme") == row["id"] for one in c["projects"].rows()):
        raise JiraError(400, "The issue type screen scheme cannot be deleted because it is "
                        "assigned to one or more projects.")  # fmt: skip
    c["typescreenschemes"].delete(row["id"])
    return empty()


@operation("GET", "/issuetypescreenscheme/mapping", "getIssueTypeScreenSchemeMappings")
def type_mappings(c: Context) -> Response:
    """Scheme, issue type and screen scheme, one by one."""
    c.need_admin(_TYPE_ADMINS)
    ids = queried_ids(c, "issueTypeScreenSchemeId")
    found = [
        {"issueTypeScreenSchemeId": row["id"], "issueTypeId": kind, "screenSchemeId": scheme}
        for row in c["typescreenschemes"].rows()
        if not ids or row["id"] in ids
        for kind, scheme in row["mappings"].items()
    ]
    return page(c, found, lambda one: one)


@operation("GET", "/issuetypescreenscheme/project", "getIssueTypeScreenSchemeProjectAssociations")
def type_projects(c: Context) -> Response:
    """Schemes with the projects asked about."""
    c.need_admin(_TYPE_ADMINS)
    return page(
        c,
        by_scheme(c, "screen_scheme", "typescreenschemes", "issueTypeScreenScheme", _type_shape),
        lambda one: one,
    )


def by_scheme(c: Context, kind: str, table: str, name: str, shape: Any) -> list[dict[str, Any]]:
    """The schemes of the projects in the query, each with its projects."""
    ids = queried_ids(c, "projectId")
    if not ids:
        raise JiraError(400, "The projectId must be provided.")
    groups: dict[str, list[str]] = {}
    for project in c["projects"].rows():
        if project["id"] in ids:
            groups.setdefault(scheme_of(project, kind), []).append(project["id"])
    return [
        {name: shape(c[table][key]), "projectIds": found}
        for key, found in groups.items()
        if key in c[table]
    ]


def assign(c: Context, kind: str, scheme: str, project: Any) -> None:
    """Give a project a scheme. Raises 404 for a project that is not there."""
    row = c["projects"].get(str(project))
    if row is None:
        raise JiraError(404, "The project was not found.")
    c["projects"].put(row["id"], {**row, kind: scheme})


@operation("PUT", "/issuetypescreenscheme/project", "assignIssueTypeScreenSchemeToProject")
def type_assign(c: Context) -> Response:
    """Give a project an issue type screen scheme."""
    c.need_admin(_TYPE_ADMINS)
    body = c.body()
    key = str(body.get("issueTypeScreenSchemeId"))
    if key not in c["typescreenschemes"]:
        raise JiraError(404, _TYPE_MISSING)
    assign(c, "screen_scheme", key, body.get("projectId"))
    return empty()


@operation(
    "PUT",
    "/issuetypescreenscheme/{issueTypeScreenSchemeId}/mapping",
    "appendMappingsForIssueTypeScreenScheme",
)
def type_append(c: Context) -> Response:
    """Screen schemes for more issue types."""
    row = _type_scheme(c)
    mappings = _mappings(c, c.body())
    if "default" in mappings:
        raise JiraError(400, "A default mapping cannot be added.")
    c["typescreenschemes"].put(row["id"], {**row, "mappings": {**row["mappings"], **mappings}})
    return empty()


@operation(
    "PUT",
    "/issuetypescreenscheme/{issueTypeScreenSchemeId}/mapping/default",
    "updateDefaultScreenScheme",
)
def type_default(c: Context) -> Response:
    """Another screen scheme for the issue types that have none of their own."""
    row = _type_scheme(c)
    key = c.body().get("screenSchemeId")
    if key is None:
        raise JiraError(400, "The screenSchemeId has to be provided.")
    if str(key) not in c["screenschemes"]:
        raise JiraError(404, "The screen scheme was not found.")
    mappings = {**row["mappings"], "default": str(key)}
    c["typescreenschemes"].put(row["id"], {**row, "mappings": mappings})
    return empty()


@operation(
    "POST",
    "/issuetypescreenscheme/{issueTypeScreenSchemeId}/mapping/remove",
    "removeMappingsFromIssueTypeScreenScheme",
)
def type_remove(c: Context) -> Response:
    """Let issue types use the default screen scheme again."""
    row = _type_scheme(c)
    keys = id_list(c.body(), "issueTypeIds")
    if any(key not in row["mappings"] or key == "default" for key in keys):
        raise JiraError(404, "One or more issue type mappings were not found.")
    kept = {kind: key for kind, key in row["mappings"].items() if kind not in keys}
    c["typescreenschemes"].put(row["id"], {**row, "mappings": kept})
    return empty()


@operation(
    "GET",
    "/issuetypescreenscheme/{issueTypeScreenSchemeId}/project",
    "getProjectsForIssueTypeScreenScheme",
)
def type_users(c: Context) -> Response:
    """The projects that have an issue type screen scheme."""
    row = _type_scheme(c)
    needle = c.query("query").lower()
    found = [
        one
        for one in c["projects"].rows()
        if scheme_of(one, "screen_scheme") == row["id"] and needle in one["name"].lower()
    ]
    return page(c, found, lambda one: project_shape(c, one))
