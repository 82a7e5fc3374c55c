"""issue/archive: putting issues away and bringing them back."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .context import Context, operation, reply
from .errors import JiraError
from .jql import JqlError
from .query import run
from .tasks import finished, submit, task_link, work

_MOST: Final = 1000
_WORDS: Final = {
    "issueIsSubtask": "Issue is subtask.",
    "issuesInArchivedProjects": "Issue exists in archived project.",
    "issuesNotFound": "Issue not found.",
}


def _need(c: Context) -> None:
    c.need_admin("You do not have permission to archive or restore issues.")


def _family(c: Context, row: Row) -> list[Row]:
    """An issue and its sub-tasks."""
    children = [c["issues"][key] for key in c["issues"].find("parent", row["id"])]
    return [row, *(kid for kid in children if c["issuetypes"][kid["type"]]["subtask"])]


def _set(c: Context, row: Row, archived: bool) -> None:
    for issue in _family(c, row):
        kept = {k: v for k, v in issue.items() if k not in ("archived", "archived_by")}
        if archived:
            kept |= {"archived": c.now, "archived_by": c.me}
        c["issues"].put(issue["id"], kept)


def _all(c: Context, *, archived: bool) -> Response:
    """Put away or bring back the issues of the body; what cannot be is told by reason."""
    _need(c)
    names = c.body().get("issueIdsOrKeys")
    if not isinstance(names, list) or not names:
        raise JiraError(400, "At least one issue must be specified in 'issueIdsOrKeys'.")
    problems: dict[str, list[str]] = {}
    count = 0
    for name in names[:_MOST]:
        row = c.find_issue(str(name))
        if row is None:
            problems.setdefault("issuesNotFound", []).append(str(name))
        elif c["issuetypes"][row["type"]]["subtask"]:
            problems.setdefault("issueIsSubtask", []).append(str(name))
        elif c["projects"][row["project"]].get("archived"):
            problems.setdefault("issuesInArchivedProjects", []).append(str(name))
        elif bool(row.get("archived")) != archived:
            _set(c, row, archived)
            count += len(_family(c, row))
    if problems and not count and len(names) == sum(map(len, problems.values())):
        raise JiraError(400, *(_WORDS[reason] for reason in problems))
    errors: dict[str, Any] = {
        reason: {"count": len(keys), "issueIdsOrKeys": keys, "message": _WORDS[reason]}
        for reason, keys in problems.items()
    }
    status = 412 if len(names) > _MOST else 200
    return reply({"numberOfIssuesUpdated": count, "errors": errors}, status)


@operation("PUT", "/issue/archive", "archiveIssues")
def archive(c: Context) -> Response:
    """Archive up to 1,000 issues with their sub-tasks."""
    return _all(c, archived=True)


@operation("PUT", "/issue/unarchive", "unarchiveIssues")
def unarchive(c: Context) -> Response:
    """Bring issues back."""
    return _all(c, archived=False)


@operation("POST", "/issue/archive", "archiveIssuesAsync")
def archive_later(c: Context) -> Response:
    """Archive what a query finds, as a task; the answer is the task's address."""
    _need(c)
    jql = c.body().get("jql")
    if not isinstance(jql, str) or not jql.strip():
        raise JiraError(400, "The JQL query must be specified.")
    try:
        run(c, jql, bounded=True)
    except JqlError as error:
        raise JiraError(400, *error.messages) from error
    if any(row["work"] == "archive issues" for row in c["pending"].rows()):
        raise JiraError(412, "A request to archive issues is already running.")
    return reply(task_link(c, submit(c, "Archive issues", "archive issues", jql)), 202)


@work("archive issues")
def _archive(c: Context, jql: str) -> Any:
    try:
        rows = run(c, jql, bounded=True)
    except JqlError as error:
        raise JiraError(400, *error.messages) from error
    tops = [row for row in rows if not c["issuetypes"][row["type"]]["subtask"]]
    for row in tops:
        _set(c, row, True)
    return {"numberOfIssuesArchived": len(tops)}


@operation("PUT", "/issues/archive/export", "exportArchivedIssues")
def export(c: Context) -> Response:
    """Ask for a file of archived issues, as a task."""
    _need(c)
    body = c.body()
    dates = body.get("archivedDateRange")
    if dates is not None and not (
        isinstance(dates, dict) and dates.get("dateAfter") and dates.get("dateBefore")
    ):
        raise JiraError(400, "The range of dates needs 'dateAfter' and 'dateBefore'.")
    projects = set(c.sent_texts(body, "projects"))
    found = [
        row["key"]
        for row in c["issues"].rows()
        if row.get("archived")
        and (not projects or c["projects"][row["project"]]["key"] in projects)
    ]
    row = finished(c, "Export archived issues", {"issues": found})
    return reply(
        {
            "taskId": row["id"],
            "status": row["status"],
            "progress": 100,
            "payload": str(len(found)),
            "submittedTime": row["submitted"].replace("Z", "+0000"),
        },
        202,
    )
