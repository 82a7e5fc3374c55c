"""``/rest/greenhopper/1.0``: what clients still use of the API that boards had at first."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .agile import agile_time, board_issues, find_board, find_sprint, is_done, sprint_shape
from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .shapes import status_shape
from .sprints import add_sprint, change_state, move_into, store
from .state import change_issue, draft

_ROOT: Final = "/rest/greenhopper/1.0"


def _view(row: Row) -> dict[str, Any]:
    return {
        "id": int(row["id"]),
        "name": row["name"],
        "canEdit": True,
        "sprintSupportEnabled": row["type"] != "kanban",
        "filter": {"id": int(row["filter"])},
    }


@operation("GET", f"{_ROOT}/rapidview", "getRapidViews")
@operation("GET", f"{_ROOT}/rapidviews/list", "listRapidViews")
def views(c: Context) -> Response:
    """All boards."""
    return reply({"views": [_view(row) for row in c["boards"].rows()]})


@operation("GET", f"{_ROOT}/sprintquery/{{boardId}}", "querySprints")
def sprints(c: Context) -> Response:
    """The sprints of a board; closed ones unless ``includeHistoricSprints=false``."""
    board = find_board(c)
    rows = [c["sprints"][key] for key in c["sprints"].find("board", board["id"])]
    past = c.query_flag("includeHistoricSprints", True)
    shapes = [
        {
            "id": int(row["id"]),
            "sequence": row["n"],
            "name": row["name"],
            "state": row["state"].upper(),
            "linkedPagesCount": 0,
        }
        for row in rows
        if past or row["state"] != "closed"
    ]
    return reply({"sprints": shapes, "rapidViewId": int(board["id"])})


def _points(rows: list[Row]) -> dict[str, Any]:
    total = sum(row.get("points") or 0.0 for row in rows)
    known = any(row.get("points") is not None for row in rows)
    return {"value": total, "text": f"{total:.1f}"} if known else {"text": "null"}


def _report_issue(c: Context, row: Row) -> dict[str, Any]:
    points = row.get("points")
    shape = {
        "id": int(row["id"]),
        "key": row["key"],
        "hidden": False,
        "typeName": c["issuetypes"][row["type"]]["name"],
        "typeId": row["type"],
        "summary": row["summary"],
        "done": is_done(c, row),
        "assignee": row["assignee"],
        "flagged": bool(row.get("flagged")),
        "status": status_shape(c, c["statuses"][row["status"]]),
        "projectId": int(row["project"]),
    }
    if points is not None:
        estimate = {"statFieldId": "customfield_10028", "statFieldValue": {"value": points}}
        shape["currentEstimateStatistic"] = estimate
    return shape


@operation("GET", f"{_ROOT}/rapid/charts/sprintreport", "getSprintReport")
def sprint_report(c: Context) -> Response:
    """What a sprint completed, what it did not, and what was taken out of it."""
    board = find_board(c, c.query("rapidViewId"))
    sprint = find_sprint(c, c.query("sprintId"))
    mine = board_issues(c, board)
    rows = [row for row in mine if sprint["id"] in row.get("sprints", ())]
    done = [row for row in rows if is_done(c, row)]
    open_ = [row for row in rows if not is_done(c, row)]
    gone = [row for row in mine if row not in rows and _was_in(c, row, sprint)]
    contents = {
        "completedIssues": [_report_issue(c, row) for row in done],
        "issuesNotCompletedInCurrentSprint": [_report_issue(c, row) for row in open_],
        "puntedIssues": [_report_issue(c, row) for row in gone],
        "issuesCompletedInAnotherSprint": [],
        "completedIssuesEstimateSum": _points(done),
        "incompletedIssuesEstimateSum": _points(open_),
        "issuesNotCompletedEstimateSum": _points(open_),
        "puntedIssuesEstimateSum": _points(gone),
        "allIssuesEstimateSum": _points(rows),
        "issueKeysAddedDuringSprint": {},
    }
    shape = {**sprint_shape(c, sprint), "state": sprint["state"].upper(), "sequence": sprint["n"]}
    return reply({"contents": contents, "sprint": shape, "supportsPages": False})


def _was_in(c: Context, issue: Row, sprint: Row) -> bool:
    table = c["changelog"]
    return any(
        item["fieldId"] == "customfield_10020" and sprint["id"] in str(item["from"]).split(", ")
        for key in table.find("issue", issue["id"])
        for item in table[key]["items"]
    )


@operation("POST", f"{_ROOT}/xboard/issue/flag/flag.json", "flagIssues")
def flag(c: Context) -> Response:
    """Flag issues as impeded, or take the flag off."""
    body = c.body()
    keys = body.get("issueKeys")
    if not isinstance(keys, list) or not keys or not isinstance(body.get("flag"), bool):
        raise JiraError(400, "The request needs 'issueKeys' and 'flag'.")
    for row in [c.issue(str(key)) for key in keys]:
        changed = draft(row)
        changed["flagged"] = body["flag"]
        change_issue(c, row, changed)
    return empty()


@operation("POST", f"{_ROOT}/sprint/{{boardId}}", "createSprintOnBoard")
def create(c: Context) -> Response:
    """A new sprint, named after the board."""
    board = find_board(c)
    count = len(c["sprints"].find("board", board["id"])) + 1
    row = add_sprint(c, board["id"], str(c.body().get("name") or f"{board['name']} {count}"))
    return reply({"id": int(row["id"]), "name": row["name"], "state": "FUTURE"})


@operation("PUT", f"{_ROOT}/sprint/{{sprintId}}", "renameSprint")
def rename(c: Context) -> Response:
    """Change a sprint's name, goal and dates."""
    row = find_sprint(c)
    body = c.body()
    changes: dict[str, Any] = {}
    if "name" in body:
        if not str(body["name"]).strip():
            raise bad_field("name", "The sprint name must not be empty.")
        changes["name"] = str(body["name"]).strip()
    for name, stored in (("startDate", "start"), ("endDate", "end")):
        if body.get(name):
            changes[stored] = agile_time(name, body[name])
    changed = {**row, **changes}
    store(c, row, changed)
    return reply({**sprint_shape(c, changed), "state": changed["state"].upper()})


@operation("DELETE", f"{_ROOT}/sprint/{{sprintId}}/complete", "undoCompleteSprint")
def reopen(c: Context) -> Response:
    """Make a closed sprint active again."""
    row = find_sprint(c)
    if row["state"] != "closed":
        raise JiraError(400, "Only closed sprints can be reopened.")
    store(c, row, {**row, "state": "active", "complete": None})
    return empty()


@operation("PUT", f"{_ROOT}/sprint/{{sprintId}}/complete", "completeSprint")
def complete(c: Context) -> Response:
    """Close a sprint; its open issues go to the backlog or to ``incompleteIssuesDestination``."""
    row = find_sprint(c)
    wanted = c.body().get("incompleteIssuesDestination")
    target = None
    if wanted not in (None, "BACKLOG", "backlog"):
        target = find_sprint(c, str(wanted))
        if target["state"] == "closed" or target["id"] == row["id"]:
            raise JiraError(400, "Issue can be assigned only active or future sprints.")
    changed = change_state(c, row, "closed")
    open_ = [
        issue
        for issue in c["issues"].rows()
        if row["id"] in issue.get("sprints", ()) and not is_done(c, issue)
    ]
    store(c, row, changed)
    if target is not None:
        move_into(c, open_, target)
    return reply({**sprint_shape(c, changed), "state": "CLOSED"})
