"""transitions: what an issue can become, and making it so."""

from typing import Any

from factory_tui.universe import Response, Row

from .config import scheme_of
from .context import Context, empty, operation, reply
from .createmeta import field_meta
from .editing import apply_changes
from .errors import JiraError
from .fields import fields_of
from .rules import allowed, check, perform
from .screening import require_fields, screen_fields
from .shapes import status_shape
from .state import change_issue, draft

__all__ = ["available", "do", "first_status", "migrate", "move", "workflow_for", "workflow_of"]


def workflow_for(c: Context, project: Row, kind: str) -> Row:
    """The workflow of issues of a type in a project."""
    scheme = c["workflowschemes"].get(scheme_of(project, "workflow_scheme"))
    if scheme is None:
        return next(c["workflows"].rows())
    key = scheme["types"].get(kind) or scheme["default_workflow"]
    return c["workflows"].get(key) or next(c["workflows"].rows())


def workflow_of(c: Context, issue: Row) -> Row:
    """The workflow an issue follows."""
    return workflow_for(c, c["projects"][issue["project"]], issue["type"])


def first_status(c: Context, project: Row, kind: str) -> tuple[str, Row | None]:
    """The status a new issue gets and the transition that gives it."""
    workflow = workflow_for(c, project, kind)
    for row in workflow["transitions"]:
        if row["type"] == "INITIAL":
            return str(row["to"]), row
    return str(workflow["statuses"][0]["id"]), None


def _leaving(c: Context, issue: Row) -> list[Row]:
    return [
        row
        for row in workflow_of(c, issue)["transitions"]
        if row["type"] == "GLOBAL" or (row["type"] == "DIRECTED" and issue["status"] in row["from"])
    ]


def available(c: Context, issue: Row) -> list[Row]:
    """The transitions the caller can perform now, those whose conditions fail left out."""
    if not c.may("TRANSITION_ISSUES", None, issue):
        return []
    return [row for row in _leaving(c, issue) if allowed(c, row["conditions"], issue)]


@operation("GET", "/issue/{issueIdOrKey}/transitions", "getTransitions")
def transitions(c: Context) -> Response:
    """The transitions that lead out of the issue's status."""
    issue = c.issue(c.param("issueIdOrKey"))
    rows = available(c, issue)
    if c.query_flag("includeUnavailableTransitions") and c.may("TRANSITION_ISSUES", None, issue):
        rows = _leaving(c, issue)
    only = c.query("transitionId")
    with_fields = "transitions.fields" in c.query_list("expand")
    found = [
        transition_shape(c, row, issue, with_fields=with_fields)
        for row in rows
        if only in ("", row["id"])
    ]
    return reply({"expand": "transitions", "transitions": found})


def transition_shape(c: Context, row: Row, issue: Row, *, with_fields: bool) -> dict[str, Any]:
    """A transition."""
    shape: dict[str, Any] = {
        "id": row["id"],
        "name": row["name"],
        "to": status_shape(c, c["statuses"][row["to"] or issue["status"]]),
    }
    more = {
        "hasScreen": bool(row["screen"]),
        "isGlobal": row["type"] == "GLOBAL",
        "isInitial": False,
        "isAvailable": allowed(c, row["conditions"], issue),
        "isConditional": bool(row["conditions"]),
        "isLooped": not row["to"],
    }
    if c.cloud:
        shape |= more
    if not with_fields:
        return shape
    names = _on_screen(c, row)
    needed = _needed(row)
    metas = {}
    for name in names:
        if name in fields_of(c):
            metas[name] = field_meta(c, name, c["projects"][issue["project"]], issue["type"])
            if name in needed or name == "resolution":
                metas[name]["required"] = True
    return {**shape, "fields": metas}


def _on_screen(c: Context, row: Row) -> list[str]:
    return screen_fields(c, row["screen"]) if row["screen"] else []


def _needed(row: Row) -> list[str]:
    return [
        name.strip()
        for rule in row["validators"]
        if rule["parameters"].get("ruleType") == "fieldRequired"
        for name in str(rule["parameters"].get("fieldsRequired", "")).split(",")
    ]


@operation("POST", "/issue/{issueIdOrKey}/transitions", "doTransition")
def do_transition(c: Context) -> Response:
    """Perform a transition, with changes of fields and a comment if wanted."""
    issue = c.issue(c.param("issueIdOrKey"))
    c.need("TRANSITION_ISSUES", issue, "You do not have permission to transition this issue.")
    body = c.body()
    wanted = body.get("transition")
    key = wanted.get("id") if isinstance(wanted, dict) else None
    if key is None or key == "":
        raise JiraError(400, "Missing 'transition' identifier")
    row = next((row for row in available(c, issue) if row["id"] == str(key)), None)
    if row is None:
        raise JiraError(400, f"Transition id '{str(key)[:40]}' is not valid for this issue.")
    do(c, issue, row, body)
    return empty()


def do(c: Context, issue: Row, row: Row, body: dict[str, Any]) -> Row:
    """Take an issue along a transition with what the caller sent. Raises 400."""
    names = _on_screen(c, row)
    changed = draft(issue)
    later = apply_changes(c, changed, body, names)
    if row["screen"]:
        errors = require_fields(c, changed, names)
        if "resolution" in names and not changed["resolution"]:
            errors["resolution"] = "Resolution is required."
        if errors:
            failure = JiraError(400)
            failure.errors = errors
            raise failure
    check(c, row["validators"], issue, changed)
    enter(c, changed, row["to"] or issue["status"])
    perform(c, row["actions"], changed)
    mark_resolved(c, issue, changed)
    changed = change_issue(c, issue, changed)
    for action in later:
        action(changed)
    return c["issues"][changed["id"]]


def enter(c: Context, issue: Row, status: str) -> None:
    """Put the draft ``issue`` into a status."""
    before = c["statuses"][issue["status"]]["category"]
    issue["status"] = status
    if before != c["statuses"][status]["category"]:
        issue["category_changed"] = c.now


def mark_resolved(c: Context, before: Row, issue: Row) -> None:
    """Note when the draft ``issue`` was resolved, or that it no longer is."""
    if not issue["resolution"]:
        issue["resolved"] = None
    elif issue["resolution"] != before["resolution"] or issue["status"] != before["status"]:
        issue["resolved"] = c.now


def migrate(c: Context, issue: Row, status: str) -> None:
    """Give an issue the status that its workflow now has in the place of its own.

    No transition is performed: no rules are checked, no post functions run and the resolution
    stays as it is; the history tells of it.
    """
    changed = draft(issue)
    enter(c, changed, status)
    change_issue(c, issue, changed)


def move(c: Context, issue: Row, status: str) -> None:
    """Put the draft ``issue`` into a status without a transition; "done" resolves it."""
    enter(c, issue, status)
    if c["statuses"][status]["category"] == "done":
        issue["resolution"], issue["resolved"] = issue["resolution"] or "10000", c.now
    else:
        issue["resolution"] = issue["resolved"] = None
