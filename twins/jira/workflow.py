"""transitions: what an issue can become, and making it so."""

from typing import Any

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .issues import apply_changes, need_write
from .shapes import status_shape
from .state import add_comment, change_issue, draft

__all__ = ["move"]


def _available(c: Context, issue: Row) -> list[Row]:
    return [row for row in c["transitions"].rows() if issue["status"] in row["from"]]


@operation("GET", "/issue/{issueIdOrKey}/transitions", "getTransitions")
def transitions(c: Context) -> Response:
    """The transitions that lead out of the issue's status."""
    issue = c.issue(c.param("issueIdOrKey"))
    rows = _available(c, issue) if c.may_write(c["projects"][issue["project"]]) else []
    only = c.query("transitionId")
    with_fields = "transitions.fields" in c.query_list("expand")
    found = [transition_shape(c, row, with_fields) for row in rows if only in ("", row["id"])]
    return reply({"expand": "transitions", "transitions": found})


def transition_shape(c: Context, row: Row, with_fields: bool) -> dict[str, Any]:
    """A transition."""
    shape = {
        "id": row["id"],
        "name": row["name"],
        "to": status_shape(c, c["statuses"][row["to"]]),
        "hasScreen": False,
        "isGlobal": False,
        "isInitial": False,
        "isAvailable": True,
        "isConditional": False,
        "isLooped": False,
    }
    return {**shape, "fields": {}} if with_fields else shape


@operation("POST", "/issue/{issueIdOrKey}/transitions", "doTransition")
def do_transition(c: Context) -> Response:
    """Perform a transition, with changes of fields and a comment if wanted."""
    issue = c.issue(c.param("issueIdOrKey"))
    need_write(c, issue)
    body = c.body()
    wanted = body.get("transition")
    key = wanted.get("id") if isinstance(wanted, dict) else None
    if key is None or key == "":
        raise JiraError(400, "Missing 'transition' identifier")
    row = next((row for row in _available(c, issue) if row["id"] == str(key)), None)
    if row is None:
        raise JiraError(400, f"Transition id '{str(key)[:40]}' is not valid for this issue.")
    changed = draft(issue)
    comments = apply_changes(c, changed, body)
    move(c, changed, row["to"])
    changed = change_issue(c, issue, changed)
    for comment in comments:
        add_comment(c, changed, comment)
    return empty()


def move(c: Context, issue: Row, status: str) -> None:
    """Put the draft ``issue`` into a status; the done category resolves it."""
    before = c["statuses"][issue["status"]]["category"]
    after = c["statuses"][status]["category"]
    issue["status"] = status
    if before != after:
        issue["category_changed"] = c.now
    if after == "done":
        issue["resolution"], issue["resolved"] = issue["resolution"] or "10000", c.now
    else:
        issue["resolution"] = issue["resolved"] = None
