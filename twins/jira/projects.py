"""project: list, search, get, create, delete, and what belongs to one."""

import re
from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import Response, Row

from .boards import add_board
from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .filters import add_filter
from .properties import drop_properties
from .seed import project_row
from .shapes import project_shape, status_shape, type_shape
from .state import delete_issue, new_id
from .telling import project_event

__all__ = [
    "SCHEMES",
    "add_project",
    "check_key",
    "check_new",
    "project_setup",
    "remove_project",
    "template_setup",
]

_KEY = re.compile(r"[A-Z][A-Z0-9]{1,9}\Z")


def _visible(c: Context) -> list[Row]:
    return [r for r in c["projects"].rows() if c.may_see(r) and not r.get("archived")]


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


_STATES: Final = {
    "live": lambda row: not row.get("archived") and not row.get("trashed"),
    "archived": lambda row: bool(row.get("archived")),
    "deleted": lambda row: bool(row.get("trashed")),
}
_ACTIONS: Final = {
    "view": "BROWSE_PROJECTS",
    "browse": "BROWSE_PROJECTS",
    "edit": "ADMINISTER_PROJECTS",
    "create": "CREATE_ISSUES",
}


@operation("GET", "/project/search", "searchProjects")
def search(c: Context) -> Response:
    """Projects in pages, filtered by words, keys, ids, type, category, state and permission."""
    if not c.cloud:
        raise JiraError(404, "No project could be found with key 'search'.")
    start, size = c.page(50, 100)
    needle = c.query("query").lower()
    keys = {value.upper() for name, value in c.call.request.query_pairs if name == "keys"}
    numbers = {value for name, value in c.call.request.query_pairs if name == "id"}
    kinds = set(c.query_list("typeKey"))
    category = c.query("categoryId")
    states = c.query_list("status") or ["live"]
    for state in states:
        if state not in _STATES:
            raise JiraError(400, f"The 'status' value '{state[:40]}' is not supported.")
    action = c.query("action", "view")
    if action not in _ACTIONS:
        raise JiraError(400, f"The 'action' value '{action[:40]}' is not supported.")
    admin = bool(c.user and c.user["admin"])
    rows = [
        row
        for row in c["projects"].rows()
        if any(_STATES[state](row) for state in states)
        and (c.may(_ACTIONS[action], row) or (admin and row.get("trashed")))
        and (not needle or needle in row["name"].lower() or needle in row["key"].lower())
        and (not keys or row["key"] in keys)
        and (not numbers or row["id"] in numbers)
        and (not kinds or row.get("kind", "software") in kinds)
        and (not category or row.get("category") == category)
    ]
    order = c.query("orderBy", "key")
    field = order.lstrip("+-")
    if field not in _ORDERS:
        raise JiraError(400, f"The 'orderBy' value '{order[:40]}' is not supported.")
    by = _ORDERS[field]
    rows.sort(key=lambda row: by(c, row), reverse=order.startswith("-"))
    last = start + size >= len(rows)
    address = f"{c.api}/project/search?maxResults={size}&startAt="
    expand = c.query_list("expand")
    values = []
    for row in rows[start : start + size]:
        shape = {
            "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
            **project_shape(c, row),
        }
        if expand:
            full = project_shape(c, row, full=True)
            wanted = ("description", "lead", "issueTypes", "url")
            shape |= {name: full[name] for name in wanted if name in expand and name in full}
            if "insight" in expand:
                shape["insight"] = {"totalIssueCount": len(c["issues"].find("project", row["id"]))}
        values.append(shape)
    answer: dict[str, Any] = {
        "self": f"{address}{start}",
        "maxResults": size,
        "startAt": start,
        "total": len(rows),
        "isLast": last,
        "values": values,
    }
    if not last:
        answer["nextPage"] = f"{address}{start + size}"
    return reply(answer)


_ORDERS: Final[dict[str, Callable[[Context, Row], Any]]] = {
    "key": lambda c, row: row["key"].lower(),
    "name": lambda c, row: row["name"].lower(),
    "category": lambda c, row: str(row.get("category", "")),
    "owner": lambda c, row: str(row["lead"]),
    "issueCount": lambda c, row: len(c["issues"].find("project", row["id"])),
    "lastIssueUpdatedTime": lambda c, row: max(
        (c["issues"][key]["updated"] for key in c["issues"].find("project", row["id"])), default=""
    ),
    "archivedDate": lambda c, row: str(row.get("archived", "")),
    "deletedDate": lambda c, row: str(row.get("trashed", "")),
}


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


def add_project(c: Context, key: str, name: str, lead: str, **more: Any) -> Row:
    """Store a new project; ``more`` goes into its row."""
    _free_name(c, name, "")
    row = project_row(new_id(c.twin, "project", 10_001), key, name, lead) | more
    c["projects"].put(row["id"], row)
    for role in c["roles"].rows():
        if role["users"] or role["groups"]:
            actors = {"users": list(role["users"]), "groups": list(role["groups"])}
            c["actors"].put(
                (row["id"], role["id"]), {"project": row["id"], "role": role["id"], **actors}
            )
    project_event(c, "created", row)
    return row


def check_name(c: Context, name: Any) -> None:
    """A new project's name. Raises 400 about it."""
    if not isinstance(name, str) or not name.strip():
        raise bad_field("projectName", "You must specify a valid project name.")
    if len(name.strip()) > 80:
        raise bad_field("projectName", "The project name must not exceed 80 characters in length.")
    _free_name(c, name.strip(), "")


def check_new(c: Context, body: dict[str, Any]) -> tuple[str, str]:
    """Name and key of a new project. Raises 400 about both of them."""
    errors: dict[str, str] = {}
    for check, value in ((check_name, body.get("name")), (check_key, body.get("key"))):
        try:
            check(c, value)
        except JiraError as error:
            errors |= error.errors
    if errors:
        raise JiraError(400, **errors)
    return str(body["name"]).strip(), str(body["key"])


def project_setup(project: Row) -> dict[str, Any]:
    """What a project that is made from another has in common with it."""
    stored = [name for _, name, _ in SCHEMES]
    kept = (*stored, "types", "kind", "default_assignee", "category", "priority_scheme")
    return {name: project[name] for name in kept if name in project}


def template_setup(c: Context, row: Row) -> dict[str, Any]:
    """What a project that is made from a saved template is to have."""
    project = c["projects"].get(row["project"]) if row["type"] == "LIVE" else None
    found: dict[str, Any] = project_setup(project) if project else row["snapshot"]
    return found


def _template(c: Context, key: str) -> dict[str, Any]:
    row = c["templates"].get(key)
    return template_setup(c, row) if row is not None else {}


def _free_name(c: Context, name: str, key: str) -> None:
    for row in c["projects"].rows():
        if row["name"].lower() == name.lower() and row["id"] != key:
            raise bad_field("projectName", "A project with that name already exists.")


SCHEMES: Final = (
    ("permissionScheme", "permission_scheme", "permissionschemes"),
    ("issueSecurityScheme", "security_scheme", "securityschemes"),
    ("workflowScheme", "workflow_scheme", "workflowschemes"),
    ("issueTypeScheme", "type_scheme", "typeschemes"),
    ("issueTypeScreenScheme", "screen_scheme", "typescreenschemes"),
    ("fieldConfigurationScheme", "field_scheme", "fieldschemes"),
    ("notificationScheme", "notification_scheme", "notificationschemes"),
)


def _details(c: Context, body: dict[str, Any]) -> dict[str, Any]:
    """What a body says of a project besides key, name and lead. Raises 400."""
    found: dict[str, Any] = {}
    for name in ("description", "url"):
        if isinstance(body.get(name), str):
            found[name] = body[name]
    assignee = body.get("assigneeType")
    if assignee is not None:
        if assignee not in ("PROJECT_LEAD", "UNASSIGNED"):
            raise bad_field("assigneeType", "The default assignee is not valid.")
        found["default_assignee"] = assignee
    for sent, stored, table in SCHEMES:
        value = body.get(sent)
        if value is None:
            continue
        row = c[table].get(str(value))
        if row is None and not (table == "notificationschemes" and str(value) == "10000"):
            raise bad_field(sent, f"The scheme with id '{str(value)[:40]}' does not exist.")
        found[stored] = str(value)
        if table == "typeschemes" and row is not None:
            found["types"] = list(row["types"])
    category = body.get("categoryId")
    if category is not None:
        if int_or_none(category) == -1:
            found["category"] = ""
        elif c["categories"].get(str(category)) is None:
            raise bad_field("projectCategory", "The project category does not exist.")
        else:
            found["category"] = str(category)
    if body.get("avatarId") is not None:
        found["avatar"] = str(body["avatarId"])
    return found


def int_or_none(value: Any) -> int | None:
    """A whole number, or its text; ``None`` for anything else."""
    try:
        return None if isinstance(value, bool) else int(value)
    except (TypeError, ValueError):
        return None


def _lead(c: Context, body: dict[str, Any]) -> Row | None:
    """Who is to lead: by account id or, on Data Center, name. Raises 400."""
    account, name = body.get("leadAccountId"), body.get("lead")
    if not account and not name:
        return None
    given = {"accountId": account or name} if c.cloud else {"name": name or account}
    row = c.find_account(given)
    if row is None:
        raise bad_field("projectLead", "You must specify a valid project lead.")
    return row


@operation("POST", "/project", "createProject")
def create(c: Context) -> Response:
    """A new project; a template for boards brings its first board."""
    need_admin(c, "You must have global administrator rights in order to modify projects.")
    body = c.body()
    name, key = check_new(c, body)
    row = _lead(c, body) or c.user
    if row is None:
        raise bad_field("projectLead", "You must specify a valid project lead.")
    kind = body.get("projectTypeKey")
    if kind not in (None, "software", "business", "service_desk", "product_discovery"):
        raise bad_field("projectTypeKey", f"The project type '{str(kind)[:40]}' is not valid.")
    more = _details(c, body) | ({"kind": kind} if kind not in (None, "software") else {})
    template = str(body.get("projectTemplateKey") or "")
    project = add_project(c, key, name, str(row["id"]), **(_template(c, template) | more))
    for board in ("scrum", "kanban"):
        if board in template:
            search = {"name": f"Filter for {key} board", "description": "",
                      "jql": f"project = {key} ORDER BY Rank ASC"}  # fmt: skip
            made = add_filter(c, search)
            add_board(c, f"{key} board", board, made["id"], project["id"], "")
    shape = {
        "self": f"{c.api}/project/{project['id']}",
        "id": int(project["id"]),
        "key": project["key"],
    }
    return reply(shape, 201)


@operation("PUT", "/project/{projectIdOrKey}", "updateProject")
def update(c: Context) -> Response:
    """Change a project; with another key, its issues get other keys."""
    project = c.project(c.param("projectIdOrKey"))
    need_admin(c, "You must have global administrator rights in order to modify projects.")
    body = c.body()
    changes = _details(c, body)
    name = body.get("name")
    if isinstance(name, str):
        if not name.strip():
            raise bad_field("projectName", "You must specify a valid project name.")
        _free_name(c, name.strip(), project["id"])
        changes["name"] = name.strip()
    lead = _lead(c, body)
    if lead is not None:
        changes["lead"] = lead["id"]
    key = body.get("key")
    if key not in (None, project["key"]):
        changes["key"] = check_key(c, key)
        for number in c["issues"].find("project", project["id"]):
            issue = c["issues"][number]
            c["issues"].put(number, {**issue, "key": f"{key}-{issue['n']}"})
    project = {**project, **changes}
    c["projects"].put(project["id"], project)
    project_event(c, "updated", project)
    return reply(project_shape(c, project, full=True))


def remove_project(c: Context, project: Row) -> None:
    """Delete a project for good, with its issues and parts."""
    for key in c["issues"].find("project", project["id"]):
        row = c["issues"].get(key)
        if row is not None:
            delete_issue(c, row)
    for table in ("components", "versions", "actors"):
        for key in c[table].find("project", project["id"]):
            c[table].delete(key)
    for board in list(c["boards"].rows()):
        if board["project"] == project["id"]:
            c["boards"].delete(board["id"])
    drop_properties(c, f"project/{project['id']}")
    c["projects"].delete(project["id"])
    project_event(c, "deleted", project)


@operation("DELETE", "/project/{projectIdOrKey}", "deleteProject")
def delete(c: Context) -> Response:
    """Put a project into the trash (Cloud, unless ``enableUndo=false``) or delete it for good."""
    project = c.project(c.param("projectIdOrKey"))
    need_admin(c, "You must have global administrator rights in order to modify projects.")
    if c.cloud and c.query_flag("enableUndo", True):
        c["projects"].put(project["id"], {**project, "trashed": c.now, "trashed_by": c.me})
        project_event(c, "soft_deleted", project)
        return empty()
    remove_project(c, project)
    return empty()
