"""Where issues stand: rank, backlog, issues of a board and estimates of the agile API."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .agile import (
    AGILE,
    ENHANCED,
    agile_issue,
    approximate,
    board_issues,
    find_board,
    is_done,
    issue_page,
    moved_issues,
    token_page,
)
from .agile_fields import in_sprint, place_in_sprint
from .context import Context, empty, operation, reply
from .durations import pretty, seconds_of
from .errors import JiraError, bad_field
from .ranks import between, rank_of
from .setting import set_field
from .state import change_issue, draft

__all__ = ["rank_rows"]


def rank_rows(c: Context, rows: list[Row], body: dict[str, Any]) -> list[dict[str, Any]]:
    """Rank issues as ``rankBeforeIssue`` or ``rankAfterIssue`` says; what failed, by issue.

    Raises 400 for both at once and 404 for an issue that is not there.
    """
    before, after = body.get("rankBeforeIssue"), body.get("rankAfterIssue")
    if before is None and after is None:
        return []
    if before is not None and after is not None:
        raise JiraError(400, "Only one of 'rankBeforeIssue' and 'rankAfterIssue' can be specified.")
    other = c.issue(str(before if before is not None else after))
    moving = {row["id"] for row in rows}
    if other["id"] in moving:
        raise JiraError(400, "An issue cannot be ranked relative to itself.")
    limit = rank_of(other)
    rest = [rank_of(row) for row in c["issues"].rows() if row["id"] not in moving]
    if before is not None:
        low = max((rank for rank in rest if rank < limit), default=None)
        high: str | None = limit
    else:
        low, high = limit, min((rank for rank in rest if rank > limit), default=None)
    for row in rows:
        low = between(low, high)
        stored = c["issues"][row["id"]]
        c["issues"].put(row["id"], {**stored, "rank": low})
    return []


@operation("PUT", f"{AGILE}/issue/rank", "rankIssues")
def rank(c: Context) -> Response:
    """Rank up to 50 issues before or after another."""
    body = c.body()
    rows = moved_issues(c, body)
    field = body.get("rankCustomFieldId")
    if field is not None and str(field) not in ("10019", "customfield_10019"):
        raise bad_field("rankCustomFieldId", "The custom field is not a rank field.")
    if body.get("rankBeforeIssue") is None and body.get("rankAfterIssue") is None:
        raise JiraError(400, "Either 'rankBeforeIssue' or 'rankAfterIssue' must be specified.")
    rank_rows(c, rows, body)
    return empty()


# -- backlog


def _to_backlog(c: Context, rows: list[Row]) -> None:
    for row in rows:
        if in_sprint(c, row) is None:
            continue
        changed = draft(row)
        place_in_sprint(c, changed, None)
        change_issue(c, row, changed)


@operation("POST", f"{AGILE}/backlog/issue", "moveIssuesToBacklog")
def to_backlog(c: Context) -> Response:
    """Take up to 50 issues out of future and active sprints."""
    _to_backlog(c, moved_issues(c, c.body()))
    return empty()


@operation("POST", f"{AGILE}/backlog/{{boardId}}/issue", "moveIssuesToBacklogForBoard")
def to_board_backlog(c: Context) -> Response:
    """The same for the issues of a board, and rank them."""
    board = find_board(c)
    body = c.body()
    rows = moved_issues(c, body)
    _need_on_board(c, board, rows)
    _to_backlog(c, rows)
    rank_rows(c, rows, body)
    return empty()


def _need_on_board(c: Context, board: Row, rows: list[Row]) -> None:
    known = {row["id"] for row in board_issues(c, board, epics=True)}
    for row in rows:
        if row["id"] not in known:
            raise JiraError(400, f"Issue '{row['key']}' is not on the board '{board['name']}'.")


def _backlog(c: Context) -> list[Row]:
    return [
        row
        for row in board_issues(c, find_board(c))
        if in_sprint(c, row) is None and not is_done(c, row)
    ]


@operation("GET", f"{AGILE}/board/{{boardId}}/backlog", "getIssuesForBacklog")
def backlog(c: Context) -> Response:
    """What is open and in no sprint that is still to be completed."""
    return issue_page(c, _backlog(c))


@operation("GET", f"{ENHANCED}/board/{{boardId}}/backlog", "getIssuesForBacklogJsis")
def backlog_by_token(c: Context) -> Response:
    """The same with token pages."""
    return token_page(c, _backlog(c))


@operation("GET", f"{ENHANCED}/board/{{boardId}}/backlog/approximate-count", "countBacklog")
def backlog_count(c: Context) -> Response:
    """How many issues the backlog has."""
    return approximate(c, _backlog(c))


# -- issues of a board


@operation("GET", f"{AGILE}/board/{{boardId}}/issue", "getIssuesForBoard")
def issues(c: Context) -> Response:
    """The issues of a board by rank."""
    return issue_page(c, board_issues(c, find_board(c)))


@operation("GET", f"{ENHANCED}/board/{{boardId}}/issue", "getIssuesForBoardJsis")
def issues_by_token(c: Context) -> Response:
    """The same with token pages."""
    return token_page(c, board_issues(c, find_board(c)))


@operation("GET", f"{ENHANCED}/board/{{boardId}}/issue/approximate-count", "countBoardIssues")
def issue_count(c: Context) -> Response:
    """How many issues a board has."""
    return approximate(c, board_issues(c, find_board(c)))


@operation("POST", f"{AGILE}/board/{{boardId}}/issue", "moveIssuesToBoard")
def to_board(c: Context) -> Response:
    """Move issues from the backlog to the board: into its active sprint."""
    board = find_board(c)
    body = c.body()
    rows = moved_issues(c, body)
    _need_on_board(c, board, rows)
    keys = c["sprints"].find("board", board["id"])
    active = next((key for key in keys if c["sprints"][key]["state"] == "active"), None)
    if board["type"] != "kanban":
        if active is None:
            raise JiraError(400, "The board has no active sprint to which issues can be moved.")
        for row in rows:
            changed = draft(row)
            place_in_sprint(c, changed, str(active))
            change_issue(c, row, changed)
    rank_rows(c, rows, body)
    return empty()


# -- single issues


@operation("GET", f"{AGILE}/issue/{{issueIdOrKey}}", "getAgileIssue")
def issue(c: Context) -> Response:
    """An issue with its sprint, epic and flag."""
    row = c.issue(c.param("issueIdOrKey"))
    return reply(agile_issue(c, row, c.query_list("fields"), c.query_list("expand")))


_POINTS: Final = "customfield_10028"


def _estimate(row: Row, field: str) -> str | None:
    if field == _POINTS:
        points = row.get("points")
        return None if points is None else str(float(points))
    return pretty(row["estimate"]) if row["estimate"] is not None else None


def _estimated(c: Context) -> tuple[Row, str]:
    key = c.query("boardId")
    if not key:
        raise JiraError(400, "The 'boardId' query parameter must be specified.")
    board = find_board(c, key)
    row = c.issue(c.param("issueIdOrKey"))
    return row, "timeoriginalestimate" if board["type"] == "kanban" else _POINTS


@operation("GET", f"{AGILE}/issue/{{issueIdOrKey}}/estimation", "getIssueEstimationForBoard")
def estimation(c: Context) -> Response:
    """The estimate of an issue in what a board estimates in."""
    row, field = _estimated(c)
    return reply({"fieldId": field, "value": _estimate(row, field)})


@operation("PUT", f"{AGILE}/issue/{{issueIdOrKey}}/estimation", "estimateIssueForBoard")
def estimate(c: Context) -> Response:
    """Set it; ``{"value": "8.0"}``, or ``"2d"`` where a board estimates in time."""
    row, field = _estimated(c)
    if not c.may_write(c["projects"][row["project"]]):
        raise JiraError(403, "You do not have permission to edit issues in this project.")
    value = c.body().get("value")
    changed = draft(row)
    if field == _POINTS:
        try:
            number = None if value in (None, "") else float(str(value))
        except ValueError as error:
            raise bad_field("value", f"'{str(value)[:40]}' is not a number.") from error
        set_field(c, changed, _POINTS, number)
    else:
        try:
            changed["estimate"] = None if value in (None, "") else seconds_of(value)
        except ValueError as error:
            raise bad_field("value", "Invalid time duration entered.") from error
    changed = change_issue(c, row, changed)
    return reply({"fieldId": field, "value": _estimate(changed, field)})
