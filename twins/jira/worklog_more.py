"""worklog: several at once, moved, and which changed since when."""

from typing import Any, Final

from factory_tui.universe import Response, Row, parse_time

from .context import Context, empty, operation, reply
from .errors import JiraError
from .needs import need_write
from .read import readable
from .shapes import worklog_shape
from .telling import worklog_event
from .worklogs import count_time

_PAGE: Final = 1000


def _named(c: Context, body: dict[str, Any]) -> list[Row]:
    """The worklogs of the issue that a body names. Raises 400 and 404."""
    issue = c.issue(c.param("issueIdOrKey"))
    need_write(c, issue)
    keys = body.get("ids")
    if not isinstance(keys, list) or not 0 < len(keys) <= 5000:
        raise JiraError(400, "From 1 to 5000 worklogs must be specified in 'ids'.")
    rows = []
    for key in keys:
        row = c["worklogs"].get(str(key))
        if row is None or row["issue"] != issue["id"]:
            raise JiraError(404, f"Cannot find worklog with id: '{str(key)[:40]}'.")
        rows.append(row)
    return rows


@operation("DELETE", "/issue/{issueIdOrKey}/worklog", "bulkDeleteWorklogs")
def delete(c: Context) -> Response:
    """Delete several worklogs of an issue."""
    for row in _named(c, c.body()):
        issue = c["issues"][row["issue"]]
        c["worklogs"].delete(row["id"])
        c["goneworklogs"].put(row["id"], {"id": row["id"], "at": c.now})
        count_time(c, issue, -row["seconds"])
        worklog_event(c, "deleted", row, issue)
    return empty()


@operation("POST", "/issue/{issueIdOrKey}/worklog/move", "bulkMoveWorklogs")
def move(c: Context) -> Response:
    """Move several worklogs to another issue."""
    body = c.body()
    rows = _named(c, body)
    target = c.issue(str(body.get("issueIdOrKey") or ""))
    need_write(c, target)
    for row in rows:
        count_time(c, c["issues"][row["issue"]], -row["seconds"])
        c["worklogs"].put(row["id"], {**row, "issue": target["id"], "updated": c.now})
        count_time(c, c["issues"][target["id"]], row["seconds"])
    return empty()


def _seen(c: Context, row: Row) -> bool:
    return c.find_issue(row["issue"]) is not None and readable(c, row)


@operation("POST", "/worklog/list", "getWorklogsForIds")
def by_ids(c: Context) -> Response:
    """Up to 1,000 worklogs; those of issues one may not see are left out."""
    keys = c.body().get("ids")
    if not isinstance(keys, list) or not 0 < len(keys) <= 1000:
        raise JiraError(400, "From 1 to 1000 worklogs must be specified in 'ids'.")
    rows = [row for key in keys if (row := c["worklogs"].get(str(key))) is not None]
    return reply([worklog_shape(c, row) for row in rows if _seen(c, row)])


def _millis(text: str) -> int:
    return int(parse_time(text).timestamp() * 1000)


def _changed(c: Context, rows: list[tuple[str, str]]) -> Response:
    """Ids with the time of their change, since ``since``, the oldest first, 1,000 a page."""
    since = c.query_number("since", 0) or 0
    found = sorted((_millis(at), int(key)) for key, at in rows if _millis(at) > since)
    shown = found[:_PAGE]
    now = int(c.twin.clock.now().timestamp() * 1000)
    until = shown[-1][0] if len(found) > _PAGE else now
    address = f"{c.call.request.base_url}{c.call.request.path}?since="
    answer: dict[str, Any] = {
        "values": [{"worklogId": key, "updatedTime": at, "properties": []} for at, key in shown],
        "since": since,
        "until": until,
        "self": f"{address}{since}",
        "lastPage": len(found) <= _PAGE,
    }
    if len(found) > _PAGE:
        answer["nextPage"] = f"{address}{until}"
    return reply(answer)


@operation("GET", "/worklog/updated", "getIdsOfWorklogsModifiedSince")
def updated(c: Context) -> Response:
    """Worklogs made or changed."""
    return _changed(c, [(row["id"], row["updated"]) for row in c["worklogs"].rows()])


@operation("GET", "/worklog/deleted", "getIdsOfWorklogsDeletedSince")
def deleted(c: Context) -> Response:
    """Worklogs deleted."""
    return _changed(c, [(row["id"], row["at"]) for row in c["goneworklogs"].rows()])


@operation("POST", "/rest/internal/api/latest/worklog/bulk", "getWorklogsByIssueIdAndWorklogId")
def pairs(c: Context) -> Response:
    """Which pairs of issue and worklog exist."""
    asked = c.body().get("requests")
    if not isinstance(asked, list) or not 0 < len(asked) <= 1000:
        raise JiraError(400, "From 1 to 1000 pairs must be specified in 'requests'.")
    found = []
    for item in asked:
        if not isinstance(item, dict):
            raise JiraError(400, "Every pair must be an object.")
        row = c["worklogs"].get(str(item.get("worklogId")))
        if row is not None and row["issue"] == str(item.get("issueId")) and _seen(c, row):
            found.append({"issueId": int(row["issue"]), "worklogId": int(row["id"])})
    return reply({"worklogs": found})
