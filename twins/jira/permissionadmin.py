"""permissionscheme, permissions, mypermissions: who may do what, and asking about it."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, named
from .config import scheme_of
from .context import Context, empty, operation, reply
from .errors import JiraError, many
from .fields import fields_of
from .groups_of import group_id, group_named, group_names, group_reference
from .permission_keys import GLOBAL_PERMISSIONS, PERMISSIONS, PROJECT_PERMISSIONS
from .permits import HOLDERS, holds, may_browse
from .shapes import user_shape
from .state import new_id

__all__ = ["holder_of", "holder_shape"]

_ADMINS: Final = "You must have global administrator rights in order to view permission schemes."
_PARAMETERS: Final = frozenset(
    {"group", "user", "projectRole", "userCustomField", "groupCustomField"}
)


def _shown(key: str, has: bool | None) -> dict[str, Any]:
    name, text = PERMISSIONS[key]
    shape: dict[str, Any] = {
        "key": key,
        "name": name,
        "type": "GLOBAL" if key in GLOBAL_PERMISSIONS else "PROJECT",
        "description": text,
    }
    return shape if has is None else {"id": key, **shape, "havePermission": has}


@operation("GET", "/permissions", "getAllPermissions")
def all_permissions(c: Context) -> Response:
    """Every permission there is."""
    c.need_admin("Only Jira administrators can access permissions.")
    return reply({"permissions": {key: _shown(key, None) for key in PERMISSIONS}})


@operation("GET", "/mypermissions", "getMyPermissions")
def my_permissions(c: Context) -> Response:
    """What the caller may do: on an issue, in a project, or at all."""
    wanted = c.query_list("permissions")
    if c.cloud and not wanted:
        raise JiraError(400, "The 'permissions' query parameter is required.")
    unknown = [name for name in wanted if name not in PERMISSIONS]
    if unknown:
        raise JiraError(400, f"Unrecognized permission: {unknown[0]}")
    issue = None
    key = c.query("projectKey") or c.query("projectId")
    project = c.project(key) if key else None
    name = c.query("issueKey") or c.query("issueId")
    if name:
        issue = c.issue(name)
        project = c["projects"][issue["project"]]
    return reply(
        {
            "permissions": {
                one: _shown(one, holds(c, one, project, issue)) for one in wanted or PERMISSIONS
            }
        }
    )


def _ids(value: Any, noun: str) -> list[str]:
    items = value if isinstance(value, list) else []
    if not all(isinstance(item, int) and not isinstance(item, bool) for item in items):
        raise JiraError(400, f"The {noun} must be numbers.")
    return [str(item) for item in items]


@operation("POST", "/permissions/check", "getBulkPermissions")
def check(c: Context) -> Response:
    """Which of projects and issues an account has permissions on."""
    body = c.body()
    account = str(body.get("accountId") or c.me)
    if account != c.me:
        c.need_admin()
        if account not in c["users"]:
            raise JiraError(400, "The account ID is invalid.")
    wrong = JiraError(400)
    for key in c.sent_texts(body, "globalPermissions"):
        if key not in GLOBAL_PERMISSIONS:
            wrong.errors[str(key)] = "Unrecognized permission"
    asked = many(body.get("projectPermissions"))
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    for one in asked:
        names = one.get("permissions")
        if not isinstance(names, list) or not names:
            raise JiraError(400, "At least one project permission must be provided.")
        for key in names:
            if str(key) not in PROJECT_PERMISSIONS:
                wrong.errors[str(key)] = "Unrecognized permission"
    if wrong.errors:
        raise wrong
    grants = []
    for one in asked:
        projects, issues = _ids(one.get("projects"), "projects"), _ids(one.get("issues"), "issues")
        if len(projects) > 1000 or len(issues) > 1000:
            raise JiraError(400, "More than 1000 projects or issues were provided.")
        for key in dict.fromkeys(one["permissions"]):
            grants.append(_granted(c, key, account, projects, issues))
    found = [
        key
        for key in dict.fromkeys(many(body.get("globalPermissions")))
        if holds(c, key, None, None, account)
    ]
    return reply({"globalPermissions": found, "projectPermissions": grants})


def _granted(
    c: Context, key: str, account: str, projects: list[str], issues: list[str]
) -> dict[str, Any]:
    allowed = [
        one
        for one in projects
        if (row := c["projects"].get(one)) is not None and holds(c, key, row, None, account)
    ]
    fine = []
    for one in issues:
        issue = c["issues"].get(one)
        if issue is None or not may_browse(c, issue, account):
            continue
        if holds(c, key, c["projects"][issue["project"]], issue, account):
            fine.append(int(one))
    return {"permission": key, "projects": [int(one) for one in allowed], "issues": fine}


@operation("POST", "/permissions/project", "getPermittedProjects")
def permitted(c: Context) -> Response:
    """The projects in which the caller has all of some permissions."""
    names = c.body().get("permissions")
    if not isinstance(names, list) or not names:
        raise JiraError(400, "The permissions must be provided.")
    wrong = JiraError(400)
    names = [str(key) for key in names]
    for key in names:
        if str(key) not in PROJECT_PERMISSIONS:
            wrong.errors[key] = "Unrecognized permission"
    if wrong.errors:
        raise wrong
    found = [
        {"id": int(row["id"]), "key": row["key"]}
        for row in c["projects"].rows()
        if c.may_see(row) and all(c.may(key, row) for key in names)
    ]
    return reply({"projects": found})


# -- holders


def holder_of(c: Context, sent: Any) -> dict[str, Any]:
    """``{"type", "parameter"}`` as it is stored, from what was sent. Raises 400."""
    if not isinstance(sent, dict) or str(sent.get("type")) not in HOLDERS:
        raise JiraError(400, "The type of the permission holder is invalid.")
    kind = str(sent["type"])
    parameter = sent.get("parameter")
    value = sent.get("value")
    given = value if value is not None else parameter
    if kind not in _PARAMETERS:
        return {"type": kind, "parameter": str(given or "")}
    if not given:
        raise JiraError(400, f"The permission holder '{kind}' needs a parameter.")
    text = str(given)
    if kind == "group":
        name = group_named(c, {"groupId": text}) or group_named(c, {"name": text})
        if name is None:
            raise JiraError(400, f"The group '{text[:60]}' does not exist.")
        return {"type": kind, "parameter": name}
    known = {
        "user": text in c["users"],
        "projectRole": text in c["roles"],
        "userCustomField": text in fields_of(c),
        "groupCustomField": text in fields_of(c),
    }
    if not known[kind]:
        raise JiraError(400, f"The {kind} '{text[:60]}' does not exist.")
    return {"type": kind, "parameter": text}


def holder_shape(c: Context, holder: dict[str, Any], expand: list[str]) -> dict[str, Any]:
    """Who holds something, with what ``expand`` asks for."""
    kind, parameter = holder["type"], holder["parameter"]
    shape: dict[str, Any] = {"type": kind}
    if kind == "group":
        shape["parameter"] = parameter
        shape["value"] = group_id(c, parameter) if parameter in group_names(c) else parameter
    elif parameter:
        shape["parameter"] = parameter
        if kind in ("user", "projectRole", "userCustomField", "groupCustomField"):
            shape["value"] = parameter
    everything = "all" in expand
    if kind == "group" and ("group" in expand or everything):
        shape["group"] = group_reference(c, parameter)
    elif kind == "user" and ("user" in expand or everything):
        shape["user"] = user_shape(c, parameter)
    elif kind == "projectRole" and ("projectRole" in expand or everything):
        row = c["roles"].get(parameter)
        if row is not None:
            shape["projectRole"] = {
                "self": f"{c.api}/role/{row['id']}",
                "name": row["name"],
                "id": int(row["id"]),
                "description": row["description"],
            }
    names = {"group": "group", "user": "user", "projectRole": "projectRole"}
    return {**shape, "expand": names[kind]} if kind in names else shape


# -- schemes


def _grant_shape(c: Context, row: Row, grant: dict[str, Any]) -> dict[str, Any]:
    expand = c.query_list("expand")
    return {
        "id": grant["id"],
        "self": f"{c.api}/permissionscheme/{row['id']}/permission/{grant['id']}",
        "holder": holder_shape(c, grant, expand),
        "permission": grant["permission"],
    }


_EXPAND: Final = "permissions,user,group,projectRole,field,all"


def _shape(c: Context, row: Row, *, full: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "expand": _EXPAND,
        "id": int(row["id"]),
        "self": f"{c.api}/permissionscheme/{row['id']}",
        "name": row["name"],
        "description": row["description"],
    }
    expand = c.query_list("expand")
    if full or any(name in expand for name in _EXPAND.split(",")):
        shape["permissions"] = [_grant_shape(c, row, grant) for grant in row["grants"]]
    return shape


def _scheme(c: Context, *, change: bool = False) -> Row:
    if change or not (c.user and c.user["admin"]):
        c.need_admin(_ADMINS)
    key = c.param("schemeId")
    row = c["permissionschemes"].get(key)
    if row is None:
        raise JiraError(404, f"The permission scheme with id {key[:40]} was not found.")
    return row


@operation("GET", "/permissionscheme", "getAllPermissionSchemes")
def schemes(c: Context) -> Response:
    """All permission schemes."""
    rows = list(c["permissionschemes"].rows())
    if not (c.user and c.user["admin"]):
        mine = {
            scheme_of(one, "permission_scheme")
            for one in c["projects"].rows()
            if c.may("ADMINISTER_PROJECTS", one)
        }
        rows = [row for row in rows if row["id"] in mine]
    return reply({"permissionSchemes": [_shape(c, row, full=False) for row in rows]})


def _grant(c: Context, sent: Any, grants: list[dict[str, Any]]) -> dict[str, Any]:
    if not isinstance(sent, dict):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    key = str(sent.get("permission"))
    if key not in PROJECT_PERMISSIONS:
        raise JiraError(400, f"Unrecognized permission: {str(key)[:60]}")
    holder = holder_of(c, sent.get("holder"))
    same = (key, holder["type"], holder["parameter"])
    if any((one["permission"], one["type"], one["parameter"]) == same for one in grants):
        raise JiraError(400, "The same permission grant already exists.")
    return {"id": int(new_id(c.twin, "grant", 10_200)), "permission": key, **holder}


def _grants(c: Context, sent: Any) -> list[dict[str, Any]]:
    if not isinstance(sent, list):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    grants: list[dict[str, Any]] = []
    for one in sent:
        grants.append(_grant(c, one, grants))
    return grants


def _name(c: Context, body: dict[str, Any], own: str = "") -> str:
    name = named(body)
    for row in c["permissionschemes"].rows():
        if row["name"].lower() == name.lower() and row["id"] != own:
            raise JiraError(400, "A permission scheme with this name already exists.")
    return name


@operation("POST", "/permissionscheme", "createPermissionScheme")
def create(c: Context) -> Response:
    """A permission scheme with its grants."""
    c.need_admin(_ADMINS)
    body = c.body()
    row = {
        "name": _name(c, body),
        "description": described(body),
        "grants": _grants(c, many(body.get("permissions"))),
    }
    key = new_id(c.twin, "permissionscheme")
    c["permissionschemes"].put(key, {"id": key, **row})
    return reply(_shape(c, c["permissionschemes"][key], full="permissions" in body), 201)


@operation("GET", "/permissionscheme/{schemeId}", "getPermissionScheme")
def one(c: Context) -> Response:
    """A permission scheme."""
    return reply(_shape(c, _scheme(c), full=False))


@operation("PUT", "/permissionscheme/{schemeId}", "updatePermissionScheme")
def update(c: Context) -> Response:
    """Another name, description or all grants."""
    row = _scheme(c, change=True)
    body = c.body()
    new = {**row, "name": _name(c, body, row["id"]),
           "description": described(body, row["description"])}  # fmt: skip
    if body.get("permissions") is not None:
        new["grants"] = _grants(c, body["permissions"])
    c["permissionschemes"].put(row["id"], new)
    return reply(_shape(c, new, full=body.get("permissions") is not None))


@operation("DELETE", "/permissionscheme/{schemeId}", "deletePermissionScheme")
def delete(c: Context) -> Response:
    """Delete a permission scheme; its projects have the default one from then on."""
    row = _scheme(c, change=True)
    if row["id"] == "0":
        raise JiraError(403, "The default permission scheme cannot be deleted.")
    for project in list(c["projects"].rows()):
        if scheme_of(project, "permission_scheme") == row["id"]:
            c["projects"].put(project["id"], {**project, "permission_scheme": ""})
    c["permissionschemes"].delete(row["id"])
    return empty()


@operation("GET", "/permissionscheme/{schemeId}/permission", "getPermissionSchemeGrants")
def grants(c: Context) -> Response:
    """The grants of a scheme."""
    row = _scheme(c)
    found = [_grant_shape(c, row, grant) for grant in row["grants"]]
    return reply({"permissions": found, "expand": "user,group,projectRole,field,all"})


@operation("POST", "/permissionscheme/{schemeId}/permission", "createPermissionGrant")
def grant_create(c: Context) -> Response:
    """Grant a permission."""
    row = _scheme(c, change=True)
    grant = _grant(c, c.body(), row["grants"])
    c["permissionschemes"].put(row["id"], {**row, "grants": [*row["grants"], grant]})
    return reply(_grant_shape(c, row, grant), 201)


def _one_grant(c: Context, row: Row, status: int) -> dict[str, Any]:
    for grant in row["grants"]:
        if str(grant["id"]) == c.param("permissionId"):
            found: dict[str, Any] = grant
            return found
    raise JiraError(status, f"The permission grant with id {c.param('permissionId')[:40]} was not "
                    "found.")  # fmt: skip


@operation(
    "GET", "/permissionscheme/{schemeId}/permission/{permissionId}", "getPermissionSchemeGrant"
)
def grant_one(c: Context) -> Response:
    """One grant."""
    row = _scheme(c)
    return reply(_grant_shape(c, row, _one_grant(c, row, 404)))


@operation(
    "DELETE",
    "/permissionscheme/{schemeId}/permission/{permissionId}",
    "deletePermissionSchemeEntity",
)
def grant_delete(c: Context) -> Response:
    """Take a grant back."""
    row = _scheme(c, change=True)
    gone = _one_grant(c, row, 400)
    kept = [grant for grant in row["grants"] if grant["id"] != gone["id"]]
    c["permissionschemes"].put(row["id"], {**row, "grants": kept})
    return empty()


# -- projects


def _administered(c: Context) -> Row:
    project = c.project(c.param("projectKeyOrId"))
    if not c.may("ADMINISTER_PROJECTS", project):
        raise JiraError(403, "You do not have permission to administer this project.")
    return project


@operation("GET", "/project/{projectKeyOrId}/permissionscheme", "getAssignedPermissionScheme")
def assigned(c: Context) -> Response:
    """The permission scheme of a project."""
    key = scheme_of(_administered(c), "permission_scheme")
    return reply(_shape(c, c["permissionschemes"][key], full=False))


@operation("PUT", "/project/{projectKeyOrId}/permissionscheme", "assignPermissionScheme")
def assign(c: Context) -> Response:
    """Give a project a permission scheme."""
    project = _administered(c)
    c.need_admin("You must have global administrator rights in order to assign schemes.")
    key = str(c.body().get("id"))
    row = c["permissionschemes"].get(key)
    if row is None:
        raise JiraError(404, f"The permission scheme with id {key[:40]} was not found.")
    c["projects"].put(project["id"], {**project, "permission_scheme": key})
    return reply(_shape(c, row, full=False))
