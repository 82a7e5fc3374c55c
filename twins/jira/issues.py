"""issue: create, get, edit, assign, delete, in bulk, and what can be set (meta)."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .adf import NotADocumentError, rich
from .context import Context, empty, operation, reply
from .durations import seconds_of
from .errors import JiraError, bad_field
from .fields import FIELDS, field_shape
from .read import history_shape, issue_shape, wanted_fields
from .setting import set_field
from .shapes import priority_shape, project_shape, type_shape
from .state import add_comment, change_issue, delete_issue, draft, insert_issue, new_issue

__all__ = ["apply_changes", "create_from"]

MAX_BULK: Final = 50
REQUIRED: Final = ("project", "issuetype", "summary")
LISTS: Final = ("labels", "components", "fixVersions", "versions")


def create_from(c: Context, payload: dict[str, Any]) -> Row:
    """Make an issue from ``{"fields", "update"}``. Raises 400 with all field errors at once."""
    fields = payload.get("fields")
    update = payload.get("update")
    if not isinstance(fields, dict):
        fields = {}
    issue = new_issue(c)
    errors: dict[str, str] = {}
    # Later checks need the project, then the type.
    ordered = ["project", "issuetype", *(n for n in fields if n not in ("project", "issuetype"))]
    for name in ordered:
        try:
            set_field(c, issue, name, fields.get(name))
        except JiraError as error:
            if not error.errors:
                raise
            errors |= error.errors
    if "summary" not in fields:
        errors["summary"] = "You must specify a summary of the issue."
    if "project" in errors:
        # Without a project Jira cannot know which fields and types there are.
        errors = {k: v for k, v in errors.items() if k in ("project", "summary")}
    if not errors:
        if c["issuetypes"][issue["type"]]["subtask"] and not issue["parent"]:
            errors["parent"] = "Issue type is a sub-task but parent issue key or id not specified."
        if not c.may_write(c["projects"][issue["project"]]):
            raise JiraError(400, "You do not have permission to create issues in this project.")
    if errors:
        failure = JiraError(400)
        failure.errors = errors
        raise failure
    comments = apply_update(c, issue, update)
    created = insert_issue(c, issue)
    for body in comments:
        add_comment(c, created, body)
    return created


def _created_shape(c: Context, issue: Row) -> dict[str, Any]:
    return {"id": issue["id"], "key": issue["key"], "self": f"{c.api}/issue/{issue['id']}"}


@operation("POST", "/issue", "createIssue")
def create(c: Context) -> Response:
    """A new issue."""
    return reply(_created_shape(c, create_from(c, c.body())), 201)


@operation("POST", "/issue/bulk", "createIssues")
def create_bulk(c: Context) -> Response:
    """New issues; those that fail do not keep the others back."""
    updates = c.body().get("issueUpdates")
    if not isinstance(updates, list) or not updates:
        raise JiraError(400, "No issues were given. Specify them in 'issueUpdates'.")
    if len(updates) > MAX_BULK:
        raise JiraError(400, f"The maximum number of issues to create at once is {MAX_BULK}.")
    issues: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for number, payload in enumerate(updates):
        try:
            made = create_from(c, payload if isinstance(payload, dict) else {})
            issues.append(_created_shape(c, made))
        except JiraError as error:
            errors.append(
                {
                    "status": error.status,
                    "elementErrors": error.body(),
                    "failedElementNumber": number,
                }
            )
    return reply({"issues": issues, "errors": errors}, 201 if issues else 400)


@operation("GET", "/issue/{issueIdOrKey}", "getIssue")
def get(c: Context) -> Response:
    """One issue."""
    row = c.issue(c.param("issueIdOrKey"))
    fields = wanted_fields(c, c.query_list("fields"), "*all")
    return reply(issue_shape(c, row, fields, c.query_list("expand")))


@operation("POST", "/issue/bulkfetch", "bulkFetchIssues")
def bulk_fetch(c: Context) -> Response:
    """Several issues by id or key."""
    body = c.body()
    names = body.get("issueIdsOrKeys")
    if not isinstance(names, list) or not 0 < len(names) <= 100:
        raise JiraError(400, "Specify from 1 to 100 issues in 'issueIdsOrKeys'.")
    asked = body.get("fields")
    fields = wanted_fields(c, _strings(asked), "*navigable")
    expand = _strings(body.get("expand"))
    issues = []
    errors = []
    for name in names:
        row = c.find_issue(str(name))
        if row is None:
            errors.append(
                {
                    "id": str(name),
                    "errorMessage": "Issue does not exist or you do not have permission to see it.",
                }
            )
        else:
            issues.append(issue_shape(c, row, fields, expand))
    return reply({"expand": "schema,names", "issues": issues, "issueErrors": errors})


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(item) for item in value] if isinstance(value, list) else []


def apply_changes(c: Context, issue: Row, payload: dict[str, Any]) -> list[Any]:
    """Set ``fields`` and ``update`` of a draft; returns rich texts to add as comments."""
    fields = payload.get("fields") or {}
    if not isinstance(fields, dict):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    errors: dict[str, str] = {}
    for name, value in fields.items():
        try:
            set_field(c, issue, name, value)
        except JiraError as error:
            if not error.errors:
                raise
            errors |= error.errors
    if errors:
        failure = JiraError(400)
        failure.errors = errors
        raise failure
    return apply_update(c, issue, payload.get("update"))


def apply_update(c: Context, issue: Row, update: Any) -> list[Any]:
    """Carry out ``{"labels": [{"add": "x"}], "comment": [{"add": {"body": …}}]}``."""
    if update is None:
        return []
    if not isinstance(update, dict):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    comments: list[Any] = []
    for name, verbs in update.items():
        if not isinstance(verbs, list) or not all(isinstance(verb, dict) for verb in verbs):
            raise bad_field(name, "data was not an array")
        for verb in verbs:
            for word, value in verb.items():
                if name == "comment":
                    comments.append(_comment_of(c, word, value))
                elif name == "worklog":
                    _log_work(issue, word, value)
                else:
                    _change(c, issue, name, word, value)
    return comments


def _comment_of(c: Context, word: str, value: Any) -> Any:
    if word != "add" or not isinstance(value, dict):
        raise bad_field("comment", f"Field does not support operation '{word}'")
    try:
        body = rich(value.get("body"), v3=c.v3)
    except NotADocumentError as error:
        raise bad_field("comment", "Comment body is not valid!") from error
    if body is None:
        raise bad_field("comment", "Comment body can not be empty!")
    return body


def _log_work(issue: Row, word: str, value: Any) -> None:
    if word != "add" or not isinstance(value, dict):
        raise bad_field("worklog", f"Field does not support operation '{word}'")
    try:
        seconds = seconds_of(value.get("timeSpent"))
    except ValueError as error:
        raise bad_field("worklog", "Invalid time duration entered.") from error
    issue["spent"] = (issue["spent"] or 0) + seconds


def _change(c: Context, issue: Row, name: str, word: str, value: Any) -> None:
    if word == "set":
        set_field(c, issue, name, value)
        return
    if name not in LISTS or word not in ("add", "remove"):
        if name not in FIELDS or not FIELDS[name].settable:
            set_field(c, issue, name, value)
        raise bad_field(name, f"Field does not support operation '{word}'")
    stored = FIELDS[name].stored
    before = list(issue[stored])
    set_field(c, issue, name, [value])
    changed = issue[stored]
    if word == "remove":
        issue[stored] = [item for item in before if item not in changed]
    elif name == "labels":
        issue[stored] = sorted({*before, *changed})
    else:
        issue[stored] = before + [item for item in changed if item not in before]


def need_write(c: Context, issue: Row) -> None:
    """403 unless the caller may change issues of the project."""
    if not c.may_write(c["projects"][issue["project"]]):
        raise JiraError(403, "You do not have permission to edit issues in this project.")


@operation("PUT", "/issue/{issueIdOrKey}", "editIssue")
def edit(c: Context) -> Response:
    """Change fields."""
    row = c.issue(c.param("issueIdOrKey"))
    need_write(c, row)
    changed = draft(row)
    comments = apply_changes(c, changed, c.body())
    changed = change_issue(c, row, changed)
    for body in comments:
        add_comment(c, changed, body)
    if c.query_flag("returnIssue"):
        return reply(issue_shape(c, changed, wanted_fields(c, [], "*all"), c.query_list("expand")))
    return empty()


@operation("PUT", "/issue/{issueIdOrKey}/assignee", "assignIssue")
def assign(c: Context) -> Response:
    """Set or clear the assignee."""
    row = c.issue(c.param("issueIdOrKey"))
    need_write(c, row)
    changed = draft(row)
    set_field(c, changed, "assignee", c.body())
    change_issue(c, row, changed)
    return empty()


@operation("DELETE", "/issue/{issueIdOrKey}", "deleteIssue")
def delete(c: Context) -> Response:
    """Delete an issue; one with subtasks only with ``deleteSubtasks=true``."""
    row = c.issue(c.param("issueIdOrKey"))
    if not c.may_write(c["projects"][row["project"]]):
        raise JiraError(403, "You do not have permission to delete issues in this project.")
    if c["issues"].find("parent", row["id"]) and not c.query_flag("deleteSubtasks"):
        kids = [c["issues"][key] for key in c["issues"].find("parent", row["id"])]
        if any(c["issuetypes"][kid["type"]]["subtask"] for kid in kids):
            raise JiraError(
                400,
                f"The issue '{row['key']}' has subtasks.  You must specify the 'deleteSubtasks' "
                "parameter to delete this issue and all its subtasks.",
            )
        for kid in kids:
            c["issues"].put(kid["id"], {**kid, "parent": ""})
    delete_issue(c, c["issues"][row["id"]])
    return empty()


@operation("GET", "/issue/{issueIdOrKey}/changelog", "getChangeLogs")
def changelog(c: Context) -> Response:
    """The history, oldest first, in pages."""
    row = c.issue(c.param("issueIdOrKey"))
    start, size = c.page(100)
    table = c["changelog"]
    keys = table.find("issue", row["id"])
    values = [history_shape(c, table[key]) for key in keys[start : start + size]]
    return reply(
        {
            "self": f"{c.api}/issue/{row['key']}/changelog?maxResults={size}&startAt={start}",
            "maxResults": size,
            "startAt": start,
            "total": len(keys),
            "isLast": start + size >= len(keys),
            "values": values,
        }
    )


# -- meta


def field_meta(c: Context, name: str, project: Row) -> dict[str, Any]:
    """What may be put into a field of a project's issues."""
    field = FIELDS[name]
    meta: dict[str, Any] = {
        "required": name in REQUIRED,
        "schema": field_shape(c, field)["schema"],
        "name": field.name,
        "key": name,
        "hasDefaultValue": name in ("priority", "reporter"),
        "operations": ["add", "set", "remove"] if name in LISTS else ["set"],
    }
    if name == "priority":
        rows = c["priorities"].rows()
        meta["allowedValues"] = [priority_shape(c, row) for row in rows]
    elif name == "issuetype":
        meta["allowedValues"] = [type_shape(c, c["issuetypes"][key]) for key in project["types"]]
    elif name == "project":
        meta["allowedValues"] = [project_shape(c, project)]
    return meta


def _settable() -> list[str]:
    return [field.id for field in FIELDS.values() if field.settable]


@operation("GET", "/issue/{issueIdOrKey}/editmeta", "getEditIssueMeta")
def edit_meta(c: Context) -> Response:
    """Which fields of an issue can be changed."""
    row = c.issue(c.param("issueIdOrKey"))
    project = c["projects"][row["project"]]
    names = [name for name in _settable() if name != "project"]
    return reply({"fields": {name: field_meta(c, name, project) for name in names}})


@operation("GET", "/issue/createmeta", "getCreateIssueMeta")
def create_meta(c: Context) -> Response:
    """What projects take, all in one answer."""
    keys = {key.upper() for key in c.query_list("projectKeys")}
    numbers = set(c.query_list("projectIds"))
    types = set(c.query_list("issuetypeIds"))
    names = {value for name, value in c.call.request.query_pairs if name == "issuetypeNames"}
    with_fields = "projects.issuetypes.fields" in c.query_list("expand")
    projects = []
    for project in c["projects"].rows():
        if not c.may_see(project):
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
                shape["fields"] = {name: field_meta(c, name, project) for name in _settable()}
            kinds.append(shape)
        projects.append({**project_shape(c, project), "issuetypes": kinds})
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
    if c.param("issueTypeId") not in project["types"]:
        raise JiraError(404, "Issue type not found.")
    start, size = c.page()
    rows = [{"fieldId": name, **field_meta(c, name, project)} for name in _settable()]
    name = "fields" if c.cloud else "values"
    page = rows[start : start + size]
    shape = {"startAt": start, "maxResults": size, "total": len(rows), name: page}
    return reply(shape if c.cloud else {**shape, "isLast": start + size >= len(rows)})
