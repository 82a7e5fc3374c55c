"""statuses: made, renamed, searched and deleted in bulk; which projects and workflows use them."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, named
from .context import Context, empty, operation, reply
from .errors import JiraError
from .pages import page
from .state import new_id
from .workflow import workflow_for

__all__ = ["CATEGORIES", "category_word", "new_status", "status_json", "token_page"]

_ADMINS: Final = "You do not have permission to manage statuses."
CATEGORIES: Final = {"TODO": "new", "IN_PROGRESS": "indeterminate", "DONE": "done"}
_WORDS: Final = {stored: word for word, stored in CATEGORIES.items()}


def category_word(row: Row) -> str:
    """The category of a status as this API writes it."""
    return _WORDS[row["category"]]


def status_json(row: Row) -> dict[str, Any]:
    """A status as this API shows it."""
    return {
        "id": row["id"],
        "name": row["name"],
        "statusCategory": category_word(row),
        "scope": {"type": "GLOBAL"},
        "description": row.get("description", ""),
    }


def _free(c: Context, name: str, own: str = "") -> str:
    for row in c["statuses"].rows():
        if row["name"].lower() == name.lower() and row["id"] != own:
            raise JiraError(400, f"The status name '{name}' is already used.")
    return name


def _category(item: dict[str, Any]) -> str:
    word = str(item.get("statusCategory"))
    if word not in CATEGORIES:
        raise JiraError(400, "The statusCategory must be one of TODO, IN_PROGRESS, DONE.")
    return CATEGORIES[word]


def new_status(c: Context, item: dict[str, Any]) -> Row:
    """Store a new status from ``{"name", "statusCategory", "description"}``. Raises 400."""
    row = {
        "name": _free(c, named(item)),
        "category": _category(item),
        "description": described(item),
        "n": max((one["n"] for one in c["statuses"].rows()), default=-1) + 1,
    }
    key = new_id(c.twin, "status", 10_010)
    c["statuses"].put(key, {"id": key, **row})
    return c["statuses"][key]


def _asked(c: Context) -> list[Row]:
    keys = c.query_list("id")
    if not keys or len(keys) > 50:
        raise JiraError(400, "Specify from 1 to 50 status ids.")
    missing = [key for key in keys if key not in c["statuses"]]
    if missing:
        raise JiraError(400, f"The status with ID {missing[0][:40]} was not found.")
    return [c["statuses"][key] for key in dict.fromkeys(keys)]


@operation("GET", "/statuses", "getStatusesById")
def by_ids(c: Context) -> Response:
    """Statuses by their ids."""
    c.need_admin(_ADMINS)
    return reply([status_json(row) for row in _asked(c)])


@operation("GET", "/statuses/byNames", "getStatusesByName")
def by_names(c: Context) -> Response:
    """Statuses by their names."""
    c.need_admin(_ADMINS)
    names = [v.lower() for name, v in c.call.request.query_pairs if name == "name"]
    if not names or len(names) > 50:
        raise JiraError(400, "Specify from 1 to 50 status names.")
    return reply([status_json(row) for row in c["statuses"].rows() if row["name"].lower() in names])


@operation("GET", "/statuses/search", "search")
def search(c: Context) -> Response:
    """Statuses in pages, by words and category."""
    c.need_admin(_ADMINS)
    needle, word = c.query("searchString").lower(), c.query("statusCategory")
    if word and word not in CATEGORIES:
        raise JiraError(400, "The statusCategory must be one of TODO, IN_PROGRESS, DONE.")
    rows = [
        row
        for row in c["statuses"].rows()
        if needle in row["name"].lower() and (not word or row["category"] == CATEGORIES[word])
    ]
    return page(c, rows, status_json, 200, 200)


@operation("POST", "/statuses", "createStatuses")
def create(c: Context) -> Response:
    """New statuses; all or none."""
    c.need_admin(_ADMINS)
    body = c.body()
    scope, items = body.get("scope"), body.get("statuses")
    if not isinstance(scope, dict) or scope.get("type") not in ("GLOBAL", "PROJECT"):
        raise JiraError(400, "The scope must be given.")
    if not isinstance(items, list) or not items or not all(isinstance(i, dict) for i in items):
        raise JiraError(400, "The statuses must not be empty.")
    names = [named(item).lower() for item in items]
    if len(set(names)) != len(names):
        raise JiraError(400, "The names of the statuses must differ.")
    for item in items:
        _free(c, named(item))
        _category(item)
    return reply([status_json(new_status(c, item)) for item in items])


@operation("PUT", "/statuses", "updateStatuses")
def update(c: Context) -> Response:
    """Other names, categories or descriptions; all or none."""
    c.need_admin(_ADMINS)
    items = c.body().get("statuses")
    if not isinstance(items, list) or not items or not all(isinstance(i, dict) for i in items):
        raise JiraError(400, "The statuses must not be empty.")
    changed = []
    for item in items:
        row = c["statuses"].get(str(item.get("id")))
        if row is None:
            raise JiraError(400, f"The status with ID {str(item.get('id'))[:40]} was not found.")
        changed.append(
            {
                **row,
                "name": _free(c, named(item), row["id"]),
                "category": _category(item),
                "description": described(item, row.get("description", "")),
            }
        )
    for row in changed:
        c["statuses"].put(row["id"], row)
    return empty()


@operation("DELETE", "/statuses", "deleteStatusesById")
def delete(c: Context) -> Response:
    """Delete statuses that no workflow uses."""
    c.need_admin(_ADMINS)
    rows = _asked(c)
    for row in rows:
        if _workflows_with(c, row["id"]):
            raise JiraError(400, f"The status '{row['name']}' is used in a workflow.")
    for row in rows:
        c["statuses"].delete(row["id"])
    return empty()


# -- usages


def _workflows_with(c: Context, status: str) -> list[Row]:
    return [
        row for row in c["workflows"].rows() if any(one["id"] == status for one in row["statuses"])
    ]


def token_page(
    c: Context, rows: list[Any], default: int = 50, largest: int = 200
) -> dict[str, Any]:
    """A page by ``nextPageToken``, which is where the next one starts."""
    token = c.query("nextPageToken")
    if token and (not token.isdecimal() or len(token) > 9):
        raise JiraError(400, "Invalid format of nextPageToken")
    start = int(token or 0)
    size = c.page_size(c.query_number("maxResults"), default, 200)
    shape: dict[str, Any] = {"values": rows[start : start + size]}
    return {**shape, "nextPageToken": str(start + size)} if start + size < len(rows) else shape


def _status(c: Context) -> Row:
    c.need_admin(_ADMINS)
    row = c["statuses"].get(c.param("statusId"))
    if row is None:
        raise JiraError(404, f"The status with ID {c.param('statusId')[:40]} was not found.")
    return row


def _types_with(c: Context, project: Row, status: str) -> list[str]:
    return [
        kind
        for kind in project["types"]
        if any(one["id"] == status for one in workflow_for(c, project, kind)["statuses"])
    ]


@operation("GET", "/statuses/{statusId}/projectUsages", "getProjectUsagesForStatus")
def project_usages(c: Context) -> Response:
    """The projects whose workflows have a status."""
    row = _status(c)
    found = [{"id": one["id"]} for one in c["projects"].rows() if _types_with(c, one, row["id"])]
    return reply({"statusId": row["id"], "projects": token_page(c, found)})


@operation(
    "GET",
    "/statuses/{statusId}/project/{projectId}/issueTypeUsages",
    "getProjectIssueTypeUsagesForStatus",
)
def type_usages(c: Context) -> Response:
    """The issue types of a project whose workflow has a status."""
    row = _status(c)
    project = c.project(c.param("projectId"))
    found = [{"id": kind} for kind in _types_with(c, project, row["id"])]
    shape = {"statusId": row["id"], "projectId": project["id"]}
    return reply({**shape, "issueTypes": token_page(c, found)})


@operation("GET", "/statuses/{statusId}/workflowUsages", "getWorkflowUsagesForStatus")
def workflow_usages(c: Context) -> Response:
    """The workflows that have a status."""
    row = _status(c)
    found = [{"id": one["id"]} for one in _workflows_with(c, row["id"])]
    return reply({"statusId": row["id"], "workflows": token_page(c, found)})
