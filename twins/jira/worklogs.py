"""worklog: time spent on issues."""

from datetime import datetime
from typing import Any

from factory_tui.universe import Response, Row

from .adf import NotADocumentError, rich
from .context import Context, empty, operation, reply
from .dates import moment
from .durations import pretty, seconds_of
from .errors import JiraError, bad_field
from .read import readable, worklogs_of
from .shapes import worklog_shape
from .state import change_issue, new_id
from .telling import worklog_event
from .visibility import sent_visibility

__all__ = ["count_time"]


@operation("GET", "/issue/{issueIdOrKey}/worklog", "getIssueWorklog")
def get_all(c: Context) -> Response:
    """The worklogs of an issue, oldest first."""
    issue = c.issue(c.param("issueIdOrKey"))
    start, size = c.page(5000, 5000)
    rows = [row for row in worklogs_of(c, issue) if _within(c, row)]
    page = [worklog_shape(c, row) for row in rows[start : start + size]]
    return reply({"startAt": start, "maxResults": size, "total": len(rows), "worklogs": page})


def _within(c: Context, row: Row) -> bool:
    """Whether work began after ``startedAfter`` and before ``startedBefore`` (milliseconds)."""
    after, before = c.query_number("startedAfter"), c.query_number("startedBefore")
    started = moment(row["started"]).timestamp() * 1000
    return (after is None or started > after) and (before is None or started < before)


def _seconds(payload: dict[str, Any]) -> int | None:
    seconds = payload.get("timeSpentSeconds")
    if isinstance(seconds, int) and not isinstance(seconds, bool):
        if not 60 <= seconds < 10**9:
            raise bad_field("timeLogged", "Worklog must not be null.")
        return seconds
    if payload.get("timeSpent") is None:
        return None
    try:
        return seconds_of(payload["timeSpent"])
    except ValueError as error:
        raise bad_field("timeLogged", "Invalid time duration entered.") from error


def _started(c: Context, payload: dict[str, Any]) -> str:
    value = payload.get("started")
    if value is None:
        return c.now
    try:
        datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S.%f%z")
    except ValueError as error:
        raise JiraError(
            400, "The worklog's 'started' date must have the form yyyy-MM-dd'T'HH:mm:ss.SSSZ."
        ) from error
    return str(value)


def _comment(c: Context, payload: dict[str, Any]) -> Any:
    try:
        return rich(payload.get("comment"), v3=c.v3)
    except NotADocumentError as error:
        raise bad_field("comment", "Comment body is not valid!") from error


def count_time(c: Context, issue: Row, change: int) -> None:
    """Add to the issue's time spent and adjust what remains as ``adjustEstimate`` says."""
    row = c["issues"][issue["id"]]
    remaining = row["remaining"]
    spent = (row["spent"] or 0) + change
    how = c.query("adjustEstimate", "auto")
    if how == "new":
        remaining = _estimate(c, "newEstimate")
    elif how == "manual":
        by = _estimate(c, "reduceBy" if change > 0 else "increaseBy")
        remaining = max(0, (remaining or 0) - by if change > 0 else (remaining or 0) + by)
    elif how == "auto" and remaining is not None:
        remaining = max(0, remaining - change)
    elif how not in ("auto", "leave"):
        raise JiraError(400, "adjustEstimate must be one of: new, leave, manual, auto.")
    change_issue(c, row, {**row, "spent": spent or None, "remaining": remaining})


def _estimate(c: Context, name: str) -> int:
    try:
        return seconds_of(c.query(name))
    except ValueError as error:
        raise bad_field("timeLogged", f"The '{name}' is not a valid duration.") from error


@operation("POST", "/issue/{issueIdOrKey}/worklog", "addWorklog")
def add(c: Context) -> Response:
    """Log work."""
    issue = c.issue(c.param("issueIdOrKey"))
    return reply(worklog_shape(c, log_work(c, issue, c.body())), 201)


def log_work(c: Context, issue: Row, payload: dict[str, Any]) -> Row:
    """Log the caller's work on an issue."""
    c.need(
        "WORK_ON_ISSUES",
        issue,
        "You do not have the permission to associate a worklog to this issue.",
        400,
    )
    seconds = _seconds(payload)
    if not seconds:
        raise bad_field("timeLogged", "You must indicate the time spent working.")
    row = {
        "id": "",
        "issue": issue["id"],
        "author": c.me,
        "updater": c.me,
        "comment": _comment(c, payload),
        "started": _started(c, payload),
        "seconds": seconds,
        "spent": pretty(seconds),
        "visibility": sent_visibility(c, issue, payload),
        "created": c.now,
        "updated": c.now,
    }
    row["id"] = new_id(c.twin, "worklog")
    c["worklogs"].put(row["id"], row)
    count_time(c, issue, seconds)
    worklog_event(c, "created", row, issue)
    return row


def _need_one(c: Context, issue: Row, row: Row, verb: str) -> None:
    """Refuse unless the caller may edit or delete a worklog."""
    if c.may(f"{verb}_ALL_WORKLOGS", None, issue):
        return
    if row["author"] == c.me and c.may(f"{verb}_OWN_WORKLOGS", None, issue):
        return
    raise JiraError(400, f"You do not have permission to {verb.lower()} worklogs on this issue.")


def _worklog(c: Context) -> tuple[Row, Row]:
    issue = c.issue(c.param("issueIdOrKey"))
    row = c["worklogs"].get(c.param("id"))
    if row is None or row["issue"] != issue["id"] or not readable(c, row):
        raise JiraError(404, f"Cannot find worklog with id: '{c.param('id')}'.")
    return issue, row


@operation("GET", "/issue/{issueIdOrKey}/worklog/{id}", "getWorklog")
def get(c: Context) -> Response:
    """One worklog."""
    return reply(worklog_shape(c, _worklog(c)[1]))


@operation("PUT", "/issue/{issueIdOrKey}/worklog/{id}", "updateWorklog")
def update(c: Context) -> Response:
    """Change a worklog."""
    issue, row = _worklog(c)
    _need_one(c, issue, row, "EDIT")
    payload = c.body()
    seconds = _seconds(payload) or row["seconds"]
    changed = {**row, "seconds": seconds, "spent": pretty(seconds), "updated": c.now}
    if "comment" in payload:
        changed["comment"] = _comment(c, payload)
    if "started" in payload:
        changed["started"] = _started(c, payload)
    if "visibility" in payload:
        changed["visibility"] = sent_visibility(c, issue, payload)
    c["worklogs"].put(row["id"], {**changed, "updater": c.me})
    count_time(c, issue, seconds - row["seconds"])
    worklog_event(c, "updated", c["worklogs"][row["id"]], issue)
    return reply(worklog_shape(c, c["worklogs"][row["id"]]))


@operation("DELETE", "/issue/{issueIdOrKey}/worklog/{id}", "deleteWorklog")
def delete(c: Context) -> Response:
    """Delete a worklog."""
    issue, row = _worklog(c)
    _need_one(c, issue, row, "DELETE")
    c["worklogs"].delete(row["id"])
    c["goneworklogs"].put(row["id"], {"id": row["id"], "at": c.now})
    count_time(c, issue, -row["seconds"])
    worklog_event(c, "deleted", row, issue)
    return empty()
