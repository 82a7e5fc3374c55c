"""issuesecurityschemes: levels that hide single issues from all but their members."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, named, queried_ids, see_other, the
from .config import scheme_of
from .context import Context, empty, operation, reply
from .errors import JiraError, many
from .fields import level_shape
from .pages import page
from .permissionadmin import holder_of, holder_shape
from .permits import level_open
from .state import change_issue, draft, new_id

_ADMINS: Final = (
    "You are not authorized to perform this action. Administrator privileges are required."
)


def _scheme(c: Context, name: str = "schemeId") -> Row:
    c.need_admin(_ADMINS)
    key = c.param(name)
    missing = f"Issue security scheme with ID {key[:40]} not found."
    return the(c, "securityschemes", key, missing)


def _levels(c: Context, scheme: str) -> list[Row]:
    table = c["securitylevels"]
    return [table[key] for key in table.find("scheme", scheme)]


def _level_shape(c: Context, row: Row) -> dict[str, Any]:
    scheme = c["securityschemes"][row["scheme"]]
    return {
        **level_shape(c, row),
        "isDefault": scheme["default_level"] == row["id"],
        "issueSecuritySchemeId": row["scheme"],
    }


def _shape(c: Context, row: Row, *, levels: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "self": f"{c.api}/issuesecurityschemes/{row['id']}",
        "id": int(row["id"]),
        "name": row["name"],
        "description": row["description"],
    }
    if row["default_level"]:
        shape["defaultSecurityLevelId"] = int(row["default_level"])
    if levels:
        shape["levels"] = [
            {
                "self": f"{c.api}/securitylevel/{level['id']}",
                "id": level["id"],
                "description": level["description"],
                "name": level["name"],
            }
            for level in _levels(c, row["id"])
        ]
    return shape


@operation("GET", "/issuesecurityschemes", "getIssueSecuritySchemes")
def schemes(c: Context) -> Response:
    """All issue security schemes."""
    c.need_admin(_ADMINS)
    rows = c["securityschemes"].rows()
    return reply({"issueSecuritySchemes": [_shape(c, row, levels=False) for row in rows]})


@operation("GET", "/issuesecurityschemes/{id}", "getIssueSecurityScheme")
def one(c: Context) -> Response:
    """An issue security scheme with its levels."""
    return reply(_shape(c, _scheme(c, "id"), levels=True))


@operation("GET", "/issuesecurityschemes/search", "searchSecuritySchemes")
def search(c: Context) -> Response:
    """Issue security schemes in pages with their projects."""
    c.need_admin(_ADMINS)
    ids, projects = queried_ids(c), queried_ids(c, "projectId")

    def users(row: Row) -> list[int]:
        return [
            int(one["id"])
            for one in c["projects"].rows()
            if scheme_of(one, "security_scheme") == row["id"]
        ]

    def shape(row: Row) -> dict[str, Any]:
        shown = {
            "id": int(row["id"]),
            "self": f"{c.api}/issuesecurityschemes/{row['id']}",
            "name": row["name"],
            "description": row["description"],
            "projectIds": users(row),
        }
        default = row["default_level"]
        return {**shown, "defaultLevel": int(default)} if default else shown

    rows = [
        row
        for row in c["securityschemes"].rows()
        if (not ids or row["id"] in ids)
        and (not projects or any(str(key) in projects for key in users(row)))
    ]
    return page(c, rows, shape)


def _name(c: Context, body: dict[str, Any], own: str = "") -> str:
    name = named(body, 60)
    for row in c["securityschemes"].rows():
        if row["name"].lower() == name.lower() and row["id"] != own:
            raise JiraError(400, "The name is used by another issue security scheme.")
    return name


def _members(c: Context, sent: Any) -> list[dict[str, Any]]:
    if sent is None:
        return []
    if not isinstance(sent, list):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    found: list[dict[str, Any]] = []
    for item in sent:
        if isinstance(item, dict):
            kind = {"projectrole": "projectRole", "applicationRole": "applicationRole"}.get(
                str(item.get("type")), str(item.get("type"))
            )
            item = {**item, "type": kind}
        holder = holder_of(c, item)
        if any((m["type"], m["parameter"]) == (holder["type"], holder["parameter"])
               for m in found):  # fmt: skip
            continue
        found.append({"id": int(new_id(c.twin, "levelmember", 10_000)), **holder})
    return found


def _new_levels(c: Context, scheme: str, sent: Any) -> tuple[list[Row], str]:
    """Levels from what was sent, and the id of the one that is the default."""
    if not isinstance(sent, list) or not all(isinstance(one, dict) for one in sent):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    taken = {level["name"].lower() for level in _levels(c, scheme)} if scheme else set()
    rows: list[Row] = []
    default = ""
    for item in sent:
        name = named(item, 255)
        if name.lower() in taken:
            raise JiraError(400, f"The security level name '{name}' is already used.")
        taken.add(name.lower())
        row: Row = {
            "id": new_id(c.twin, "securitylevel", 10_000),
            "scheme": scheme,
            "name": name,
            "description": described(item),
            "members": _members(c, item.get("members")),
        }
        rows.append(row)
        if item.get("isDefault") is True:
            if default:
                raise JiraError(400, "Only one level can be the default.")
            default = row["id"]
    return rows, default


@operation("POST", "/issuesecurityschemes", "createIssueSecurityScheme")
def create(c: Context) -> Response:
    """An issue security scheme with its levels."""
    c.need_admin(_ADMINS)
    body = c.body()
    name, text = _name(c, body), described(body, longest=255)
    levels, default = _new_levels(c, "", many(body.get("levels")))
    key = new_id(c.twin, "securityscheme")
    row = {"id": key, "name": name, "description": text, "default_level": default}
    c["securityschemes"].put(key, row)
    for level in levels:
        c["securitylevels"].put(level["id"], {**level, "scheme": key})
    return reply({"id": key}, 201)


@operation("PUT", "/issuesecurityschemes/{id}", "updateIssueSecurityScheme")
def update(c: Context) -> Response:
    """Another name or description."""
    row = _scheme(c, "id")
    body = c.body()
    new = {**row, "description": described(body, row["description"], 255)}
    if body.get("name") is not None:
        new["name"] = _name(c, body, row["id"])
    c["securityschemes"].put(row["id"], new)
    return empty()


@operation("DELETE", "/issuesecurityschemes/{schemeId}", "deleteSecurityScheme")
def delete(c: Context) -> Response:
    """Delete a scheme that no project has."""
    row = _scheme(c)
    if any(scheme_of(one, "security_scheme") == row["id"] for one in c["projects"].rows()):
        raise JiraError(400, "You can't delete an issue security scheme if any projects are "
                        "associated with it.")  # fmt: skip
    for level in _levels(c, row["id"]):
        c["securitylevels"].delete(level["id"])
    c["securityschemes"].delete(row["id"])
    return empty()


# -- levels


def _level(c: Context) -> tuple[Row, Row]:
    scheme = _scheme(c)
    key = c.param("levelId")
    row = the(c, "securitylevels", key, f"Issue security level with ID {key[:40]} not found.")
    if row["scheme"] != scheme["id"]:
        raise JiraError(404, f"Issue security level with ID {key[:40]} not found.")
    return scheme, row


@operation("GET", "/issuesecurityschemes/level", "getSecurityLevels")
def levels(c: Context) -> Response:
    """Security levels in pages."""
    c.need_admin(_ADMINS)
    ids, schemes_ = queried_ids(c), queried_ids(c, "schemeId")
    rows = [
        row
        for row in c["securitylevels"].rows()
        if (not ids or row["id"] in ids)
        and (not schemes_ or row["scheme"] in schemes_)
        and (
            not c.query_flag("onlyDefault")
            or c["securityschemes"][row["scheme"]]["default_level"] == row["id"]
        )
    ]
    return page(c, rows, lambda row: _level_shape(c, row))


@operation("PUT", "/issuesecurityschemes/level/default", "setDefaultLevels")
def set_defaults(c: Context) -> Response:
    """Which level new issues get."""
    c.need_admin(_ADMINS)
    sent = c.body().get("defaultValues")
    if not isinstance(sent, list) or not all(isinstance(one, dict) for one in sent):
        raise JiraError(400, "The defaultValues must be provided.")
    for item in sent:
        key = str(item.get("issueSecuritySchemeId"))
        if not key.isdecimal():
            raise JiraError(400, f"{key[:40]} is not a valid value. The issue security scheme ID "
                            "must be a positive integer.")  # fmt: skip
        missing = f"Issue security scheme with ID {key[:40]} not found."
        row = the(c, "securityschemes", key, missing)
        level = str(item.get("defaultLevelId"))
        if level in ("-1", "None", ""):
            level = ""
        elif all(one["id"] != level for one in _levels(c, key)):
            raise JiraError(404, f"Issue security level with ID {level[:40]} not found.")
        c["securityschemes"].put(key, {**row, "default_level": level})
    return empty()


@operation("PUT", "/issuesecurityschemes/{schemeId}/level", "addSecurityLevel")
def add_levels(c: Context) -> Response:
    """More levels."""
    row = _scheme(c)
    found, default = _new_levels(c, row["id"], c.body().get("levels"))
    for level in found:
        c["securitylevels"].put(level["id"], level)
    if default:
        c["securityschemes"].put(row["id"], {**row, "default_level": default})
    return empty()


@operation("PUT", "/issuesecurityschemes/{schemeId}/level/{levelId}", "updateSecurityLevel")
def update_level(c: Context) -> Response:
    """Another name or description for a level."""
    scheme, row = _level(c)
    body = c.body()
    new = {**row, "description": described(body, row["description"])}
    if body.get("name") is not None:
        new["name"] = named(body)
        if any(one["name"].lower() == new["name"].lower() and one["id"] != row["id"]
               for one in _levels(c, scheme["id"])):  # fmt: skip
            raise JiraError(400, f"The security level name '{new['name']}' is already used.")
    c["securitylevels"].put(row["id"], new)
    return empty()


@operation("DELETE", "/issuesecurityschemes/{schemeId}/level/{levelId}", "removeLevel")
def remove_level(c: Context) -> Response:
    """Delete a level; its issues get another or none."""
    scheme, row = _level(c)
    instead = c.query("replaceWith")
    if instead and all(one["id"] != instead for one in _levels(c, scheme["id"])):
        raise JiraError(404, f"Issue security level with ID {instead[:40]} not found.")
    _swap(c, {row["id"]: instead or None}, None)
    c["securitylevels"].delete(row["id"])
    if scheme["default_level"] == row["id"]:
        c["securityschemes"].put(scheme["id"], {**scheme, "default_level": ""})
    return see_other(c, f"Remove issue security level {row['id']}")


def _swap(c: Context, levels_: dict[str, str | None], project: str | None) -> None:
    for issue in list(c["issues"].rows()):
        level = issue.get("security")
        if level in levels_ and (project is None or issue["project"] == project):
            change_issue(c, issue, {**draft(issue), "security": levels_[level]})


# -- members


@operation("GET", "/issuesecurityschemes/level/member", "getSecurityLevelMembers")
def members(c: Context) -> Response:
    """Members of levels in pages."""
    c.need_admin(_ADMINS)
    ids, schemes_, levels_ = (queried_ids(c, name) for name in ("id", "schemeId", "levelId"))
    expand = c.query_list("expand")
    found = [
        {
            "id": str(member["id"]),
            "issueSecurityLevelId": row["id"],
            "issueSecuritySchemeId": row["scheme"],
            "holder": holder_shape(c, member, expand),
        }
        for row in c["securitylevels"].rows()
        if (not levels_ or row["id"] in levels_) and (not schemes_ or row["scheme"] in schemes_)
        for member in row["members"]
        if not ids or str(member["id"]) in ids
    ]
    return page(c, found, lambda one: one)


@operation(
    "GET",
    "/issuesecurityschemes/{issueSecuritySchemeId}/members",
    "getIssueSecurityLevelMembers",
)
def members_of(c: Context) -> Response:
    """Members of the levels of one scheme."""
    scheme = _scheme(c, "issueSecuritySchemeId")
    wanted = queried_ids(c, "issueSecurityLevelId")
    expand = c.query_list("expand")
    found = [
        {
            "id": member["id"],
            "issueSecurityLevelId": int(row["id"]),
            "holder": holder_shape(c, member, expand),
        }
        for row in _levels(c, scheme["id"])
        if not wanted or row["id"] in wanted
        for member in row["members"]
    ]
    return page(c, found, lambda one: one)


@operation(
    "PUT",
    "/issuesecurityschemes/{schemeId}/level/{levelId}/member",
    "addSecurityLevelMembers",
)
def add_members(c: Context) -> Response:
    """More members for a level."""
    _, row = _level(c)
    known = {(one["type"], one["parameter"]) for one in row["members"]}
    more = [
        one
        for one in _members(c, c.body().get("members"))
        if (one["type"], one["parameter"]) not in known
    ]
    c["securitylevels"].put(row["id"], {**row, "members": [*row["members"], *more]})
    return empty()


@operation(
    "DELETE",
    "/issuesecurityschemes/{schemeId}/level/{levelId}/member/{memberId}",
    "removeMemberFromSecurityLevel",
)
def remove_member(c: Context) -> Response:
    """Take a member out of a level."""
    _, row = _level(c)
    kept = [one for one in row["members"] if str(one["id"]) != c.param("memberId")]
    if len(kept) == len(row["members"]):
        raise JiraError(404, f"Issue security level member with ID {c.param('memberId')[:40]} "
                        "not found.")  # fmt: skip
    c["securitylevels"].put(row["id"], {**row, "members": kept})
    return empty()


# -- projects and single levels


@operation("GET", "/issuesecurityschemes/project", "searchProjectsUsingSecuritySchemes")
def project_mappings(c: Context) -> Response:
    """Scheme and project, one by one."""
    c.need_admin(_ADMINS)
    schemes_, projects = queried_ids(c, "issueSecuritySchemeId"), queried_ids(c, "projectId")
    found = [
        {"issueSecuritySchemeId": key, "projectId": row["id"]}
        for row in c["projects"].rows()
        if (key := scheme_of(row, "security_scheme"))
        and (not schemes_ or key in schemes_)
        and (not projects or row["id"] in projects)
    ]
    return page(c, found, lambda one: one)


@operation("PUT", "/issuesecurityschemes/project", "associateSchemesToProjects")
def associate(c: Context) -> Response:
    """Give a project an issue security scheme; levels of its issues are mapped to new ones."""
    c.need_admin(_ADMINS)
    body = c.body()
    project = the(c, "projects", body.get("projectId"), "The project was not found.")
    key = str(body.get("schemeId"))
    if not key.isdecimal():
        raise JiraError(400, f"{key[:40]} is not a valid value. The issue security scheme ID must "
                        "be a positive integer.")  # fmt: skip
    the(c, "securityschemes", key, f"Issue security scheme with ID {key[:40]} not found.")
    mappings: dict[str, str | None] = {}
    known = {level["id"] for level in _levels(c, key)}
    for pair in many(body.get("oldToNewSecurityLevelMappings")):
        new = str(pair.get("newLevelId")) if isinstance(pair, dict) else ""
        if new != "-1" and new not in known:
            raise JiraError(400, f"Issue security level with ID {new[:40]} not found.")
        mappings[str(pair.get("oldLevelId"))] = None if new == "-1" else new
    table = c["issues"]
    for one in table.find("project", project["id"]):
        level = table[one].get("security")
        if level and level not in known:
            mappings.setdefault(level, None)
    _swap(c, mappings, project["id"])
    row = c["projects"][project["id"]]
    c["projects"].put(project["id"], {**row, "security_scheme": key})
    return see_other(c, f"Associate issue security scheme {key} with project {project['id']}")


@operation("GET", "/securitylevel/{id}", "getIssueSecurityLevel")
def one_level(c: Context) -> Response:
    """A security level."""
    key = c.param("id")
    row = the(c, "securitylevels", key, f"Issue security level with ID {key[:40]} not found.")
    return reply(level_shape(c, row))


@operation(
    "GET",
    "/project/{projectKeyOrId}/issuesecuritylevelscheme",
    "getProjectIssueSecurityScheme",
)
def of_project(c: Context) -> Response:
    """The issue security scheme of a project."""
    project = c.project(c.param("projectKeyOrId"))
    if not c.may("ADMINISTER_PROJECTS", project):
        raise JiraError(403, "You do not have permission to administer this project.")
    row = c["securityschemes"].get(scheme_of(project, "security_scheme"))
    if row is None:
        raise JiraError(404, "The project does not have an issue security scheme.")
    return reply(_shape(c, row, levels=True))


@operation("GET", "/project/{projectKeyOrId}/securitylevel", "getSecurityLevelsForProject")
def levels_of_project(c: Context) -> Response:
    """The levels the caller may give to issues of a project."""
    project = c.project(c.param("projectKeyOrId"))
    probe = {"project": project["id"], "reporter": c.me, "assignee": c.me}
    rows = [
        row
        for row in _levels(c, scheme_of(project, "security_scheme"))
        if c.may("SET_ISSUE_SECURITY", project) and level_open(c, {**probe, "security": row["id"]})
    ]
    return reply({"levels": [level_shape(c, row) for row in rows]})
