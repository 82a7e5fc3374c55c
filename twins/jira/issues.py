"""issue: create, get, edit, assign, delete, several at once."""

from typing import Any, Final

from factory_tui.universe import Response, Row, thaw

from .config import scheme_of
from .context import Context, empty, operation, reply
from .customtypes import contexts_for
from .editing import apply_changes
from .errors import JiraError, no_issue
from .expanding import expand_issue, note_view, properties_of
from .fields import FIELDS
from .needs import need_write
from .read import history_shape, issue_shape, wanted_fields
from .rules import check, perform
from .screening import require_fields, settable
from .setting import automatic_assignee, means_automatic, set_field
from .state import change_issue, delete_issue, draft, insert_issue, new_issue
from .workflow import first_status, mark_resolved

__all__ = ["create_from", "edit_issue", "need_write"]

MAX_BULK: Final = 50


def _need_changes(payload: dict[str, Any], *others: str) -> None:
    """400 for a body that says nothing."""
    if all(payload.get(name) is None for name in ("fields", "update", *others)):
        raise JiraError(400, "one of 'fields' or 'update' required")


def create_from(c: Context, payload: dict[str, Any]) -> Row:
    """Make an issue from ``{"fields", "update"}``. Raises 400 with all field errors at once."""
    _need_changes(payload)
    fields = payload.get("fields")
    if not isinstance(fields, dict):
        fields = {}
    issue = new_issue(c)
    errors: dict[str, str] = {}
    # Later checks need the project, then the type.
    for name in ("project", "issuetype"):
        errors |= _errors_of(c, issue, name, fields.get(name))
    rest = {name: value for name, value in fields.items() if name not in ("project", "issuetype")}
    if "summary" not in fields:
        errors["summary"] = "You must specify a summary of the issue."
    if errors:
        for name, value in rest.items():
            errors |= _errors_of(c, issue, name, value)
        if "project" in errors:
            # Without a project Jira cannot know which fields and types there are.
            errors = {k: v for k, v in errors.items() if k in ("project", "summary")}
        raise _all_of(errors)
    project = c["projects"][issue["project"]]
    if not c.may("CREATE_ISSUES", project):
        raise JiraError(400, "You do not have permission to create issues in this project.")
    allowed = settable(c, project, issue["type"], "create")
    give_defaults(c, issue, project, [name for name in allowed if name not in fields])
    later = apply_changes(c, issue, {**payload, "fields": rest}, allowed)
    named = "assignee" in fields or "assignee" in (payload.get("update") or {})
    if not named or means_automatic(fields.get("assignee")):
        issue["assignee"] = automatic_assignee(c, issue)
    if c["issuetypes"][issue["type"]]["subtask"] and not issue["parent"]:
        errors["parent"] = "Issue type is a sub-task but parent issue key or id not specified."
    errors |= require_fields(c, issue, allowed)
    if errors:
        raise _all_of(errors)
    issue["status"], first = first_status(c, project, issue["type"])
    if first is not None:
        check(c, first["validators"], issue, issue)
        perform(c, first["actions"], issue)
    created = insert_issue(c, issue)
    for action in later:
        action(created)
    return created


def _errors_of(c: Context, issue: Row, name: str, value: Any) -> dict[str, str]:
    try:
        set_field(c, issue, name, value)
    except JiraError as error:
        if not error.errors:
            raise
        return error.errors
    return {}


def _all_of(errors: dict[str, str]) -> JiraError:
    failure = JiraError(400)
    failure.errors = errors
    return failure


def give_defaults(c: Context, issue: Row, project: Row, names: list[str]) -> None:
    """Fill the fields of a new issue that nobody set: priority, security, custom fields."""
    scheme = c["priorityschemes"].get(scheme_of(project, "priority_scheme"))
    if scheme is not None and scheme["default_priority"]:
        issue["priority"] = scheme["default_priority"]
    levels = c["securityschemes"].get(scheme_of(project, "security_scheme"))
    if levels is not None and levels["default_level"]:
        issue["security"] = levels["default_level"]
    for name in names:
        if name in FIELDS:
            continue
        context = contexts_for(c, name, project["id"], issue["type"])
        if context is not None and context.get("default") is not None:
            issue[name] = thaw(context["default"])


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
    c.call.scratch["fail fast"] = c.query_flag("failFast")
    fields = wanted_fields(c, c.query_list("fields"), "*all")
    expand = c.query_list("expand")
    shape = issue_shape(c, row, fields, expand)
    expand_issue(c, row, shape, fields, expand)
    wanted = c.query_list("properties")
    if wanted:
        shape["properties"] = properties_of(c, row, wanted)
    if c.query_flag("updateHistory") and c.me:
        note_view(c, row)
    return reply(shape)


@operation("POST", "/issue/bulkfetch", "bulkFetchIssues")
def bulk_fetch(c: Context) -> Response:
    """Several issues by id or key: each once, in the order of their ids."""
    body = c.body()
    names = body.get("issueIdsOrKeys")
    if not isinstance(names, list) or not 0 < len(names) <= 100:
        raise JiraError(400, "Specify from 1 to 100 issues in 'issueIdsOrKeys'.")
    asked = body.get("fields")
    fields = wanted_fields(c, _strings(asked), "*navigable")
    expand = _strings(body.get("expand"))
    wanted = _strings(body.get("properties"))
    found: dict[int, Row] = {}
    errors = []
    for name in dict.fromkeys(str(name) for name in names):
        row = c.find_issue(name)
        if row is not None:
            found[int(row["id"])] = row
        else:
            errors.append({"id": name, "errorMessage": no_issue().messages[0]})
    issues = []
    for _, row in sorted(found.items()):
        shape = issue_shape(c, row, fields, expand)
        expand_issue(c, row, shape, fields, expand)
        if wanted:
            shape["properties"] = properties_of(c, row, wanted)
        issues.append(shape)
    return reply({"issues": issues, "issueErrors": errors})


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(item) for item in value] if isinstance(value, list) else []


@operation("PUT", "/issue/{issueIdOrKey}", "editIssue")
def edit(c: Context) -> Response:
    """Change fields."""
    row = c.issue(c.param("issueIdOrKey"))
    need_write(c, row)
    body = c.body()
    _need_changes(body, "properties", "historyMetadata")
    changed = edit_issue(c, row, body)
    if c.query_flag("returnIssue"):
        return reply(issue_shape(c, changed, wanted_fields(c, [], "*all"), c.query_list("expand")))
    return empty()


def edit_issue(c: Context, row: Row, payload: dict[str, Any]) -> Row:
    """Change an issue as ``{"fields", "update"}`` says. Raises 400 with all field errors."""
    project = c["projects"][row["project"]]
    allowed = [*settable(c, project, row["type"], "edit")]
    changed = draft(row)
    later = apply_changes(c, changed, payload, allowed)
    fields, update = payload.get("fields") or {}, payload.get("update") or {}
    touched = [name for name in allowed if name in fields or name in update]
    errors = require_fields(c, changed, touched)
    if errors:
        raise _all_of(errors)
    mark_resolved(c, row, changed)
    changed = change_issue(c, row, changed)
    for action in later:
        action(changed)
    return c["issues"][changed["id"]]


@operation("PUT", "/issue/{issueIdOrKey}/assignee", "assignIssue")
def assign(c: Context) -> Response:
    """Set or clear the assignee."""
    row = c.issue(c.param("issueIdOrKey"))
    c.need("ASSIGN_ISSUES", row, "You do not have permission to assign issues.")
    changed = draft(row)
    set_field(c, changed, "assignee", c.body())
    change_issue(c, row, changed)
    return empty()


@operation("DELETE", "/issue/{issueIdOrKey}", "deleteIssue")
def delete(c: Context) -> Response:
    """Delete an issue; one with subtasks only with ``deleteSubtasks=true``."""
    row = c.issue(c.param("issueIdOrKey"))
    c.need("DELETE_ISSUES", row, "You do not have permission to delete issues in this project.")
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
