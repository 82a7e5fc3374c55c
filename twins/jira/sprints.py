"""Sprints of the agile API: future, active, closed, and the issues in them."""

from typing import Any, Final

from factory_tui.universe import Response, Row, iso

from .agile import (
    AGILE,
    ENHANCED,
    agile_time,
    approximate,
    board_issues,
    find_board,
    find_sprint,
    issue_page,
    moved_issues,
    sprint_shape,
    token_page,
)
from .agile_fields import in_sprint, place_in_sprint
from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .hooks import tell
from .properties import Owner, drop_properties, register
from .ranking import rank_rows
from .ranks import rank_of
from .state import change_issue, draft, new_id

__all__ = ["add_sprint", "change_state", "move_into"]

_SPRINT: Final = f"{AGILE}/sprint"
_STATES: Final = ("future", "active", "closed")
_DATES: Final = (("startDate", "start"), ("endDate", "end"))
_TOO_LONG: Final = 30


def add_sprint(c: Context, board: str, name: str, goal: str = "", **dates: str | None) -> Row:
    """Store a new future sprint; ``dates`` are ``start`` and ``end``."""
    key = new_id(c.twin, "sprint", 1)
    row = {
        "id": key,
        "board": board,
        "name": name,
        "state": "future",
        "goal": goal,
        "start": dates.get("start"),
        "end": dates.get("end"),
        "complete": None,
        "created": iso(c.twin.clock.now()),
        "n": int(key),
    }
    c["sprints"].put(key, row)
    return row


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise bad_field("name", "The sprint name must not be empty.")
    if len(value) >= _TOO_LONG:
        raise bad_field("name", f"Sprint name must be shorter than {_TOO_LONG} characters.")
    return value.strip()


def _check_dates(start: str | None, end: str | None) -> None:
    if start and end and end <= start:
        raise bad_field("endDate", "The end date of a sprint must be after the start date.")


@operation("POST", _SPRINT, "createSprint")
def create(c: Context) -> Response:
    """A new future sprint on a scrum board."""
    body = c.body()
    key = body.get("originBoardId")
    if key is None:
        raise bad_field("originBoardId", "The board of the sprint must be specified.")
    board = find_board(c, str(key))
    if board["type"] == "kanban":
        raise JiraError(400, "The board does not support sprints")
    name = _name(body.get("name"))
    dates = {s: agile_time(n, body[n]) for n, s in _DATES if body.get(n)}
    _check_dates(dates.get("start"), dates.get("end"))
    row = add_sprint(c, board["id"], name, str(body.get("goal") or ""), **dates)
    tell(c, "sprint_created", lambda h: {"sprint": sprint_shape(h, row)}, sprint=row, board=board)
    return reply(sprint_shape(c, row), 201)


@operation("GET", f"{_SPRINT}/{{sprintId}}", "getSprint")
def get(c: Context) -> Response:
    """A sprint."""
    return reply(sprint_shape(c, find_sprint(c)))


def change_state(c: Context, row: Row, wanted: str) -> Row:
    """A sprint in its next state. Raises 400 for a step that is none."""
    if wanted == row["state"]:
        return row
    now = iso(c.twin.clock.now())
    if (row["state"], wanted) == ("future", "active"):
        for name, stored in _DATES:
            if not row[stored]:
                raise bad_field(name, f"A sprint cannot be started without a {name}.")
        return {**row, "state": "active", "activated": now}
    if (row["state"], wanted) == ("active", "closed"):
        return {**row, "state": "closed", "complete": now}
    raise bad_field(
        "state",
        f"The sprint cannot change from '{row['state']}' to '{wanted}': future sprints can be "
        "started, active sprints can be closed.",
    )


def _changed(c: Context, row: Row, body: dict[str, Any], *, full: bool) -> Row:
    """The sprint as ``body`` has it; with ``full`` what is missing becomes empty."""
    state = body.get("state")
    if state is not None and str(state).lower() not in _STATES:
        raise bad_field("state", f"The sprint state '{str(state)[:40]}' is not valid.")
    changes: dict[str, Any] = {}
    if full or "name" in body:
        changes["name"] = _name(body.get("name"))
    if full or "goal" in body:
        changes["goal"] = str(body.get("goal") or "")
    if row["state"] != "closed":
        for name, stored in _DATES:
            if full or name in body:
                changes[stored] = agile_time(name, body[name]) if body.get(name) else None
    row = {**row, **changes}
    _check_dates(row["start"], row["end"])
    if full and state is None:
        raise bad_field("state", "The state of the sprint must be specified.")
    return change_state(c, row, str(state).lower()) if state is not None else row


def store(c: Context, before: Row, after: Row) -> None:
    """Store a changed sprint and tell of it."""
    c["sprints"].put(after["id"], after)
    kind = "sprint_updated"
    if before["state"] != after["state"]:
        kind = "sprint_started" if after["state"] == "active" else "sprint_closed"
    tell(
        c,
        kind,
        lambda h: {"sprint": sprint_shape(h, after), "oldValue": sprint_shape(h, before)},
        sprint=after,
    )


@operation("POST", f"{_SPRINT}/{{sprintId}}", "partiallyUpdateSprint")
def patch(c: Context) -> Response:
    """Change what is given."""
    row = find_sprint(c)
    changed = _changed(c, row, c.body(), full=False)
    store(c, row, changed)
    return reply(sprint_shape(c, changed))


@operation("PUT", f"{_SPRINT}/{{sprintId}}", "updateSprint")
def put(c: Context) -> Response:
    """Change the whole sprint: on Cloud what is missing becomes empty."""
    row = find_sprint(c)
    body = c.body()
    body = {"name": row["name"], "state": row["state"], **body}
    if row["state"] != "future":
        # A started sprint keeps its dates unless others are sent.
        body = {"startDate": row["start"], "endDate": row["end"], **body}
    changed = _changed(c, row, body, full=True)
    store(c, row, changed)
    return reply(sprint_shape(c, changed))


@operation("DELETE", f"{_SPRINT}/{{sprintId}}", "deleteSprint")
def delete(c: Context) -> Response:
    """Delete a sprint; its open issues go to the backlog."""
    row = find_sprint(c)
    for issue in list(c["issues"].rows()):
        if row["id"] in issue.get("sprints", ()):
            kept = [key for key in issue["sprints"] if key != row["id"]]
            c["issues"].put(issue["id"], {**issue, "sprints": kept})
    c["sprints"].delete(row["id"])
    drop_properties(c, f"sprint/{row['id']}")
    tell(c, "sprint_deleted", lambda h: {"sprint": sprint_shape(h, row)}, sprint=row)
    return empty()


@operation("POST", f"{_SPRINT}/{{sprintId}}/swap", "swapSprint")
def swap(c: Context) -> Response:
    """Let two sprints change places."""
    row = find_sprint(c)
    key = c.body().get("sprintToSwapWith")
    other = c["sprints"].get(str(key)) if key is not None else None
    if other is None:
        raise JiraError(404, "Sprint does not exist or you do not have permission to view it.")
    c["sprints"].put(row["id"], {**row, "n": other["n"]})
    c["sprints"].put(other["id"], {**other, "n": row["n"]})
    return empty()


# -- issues of a sprint


def _issues(c: Context, sprint: Row) -> list[Row]:
    key = sprint["id"]
    rows = [
        row
        for row in c["issues"].rows()
        if key in row.get("sprints", ())
        and not row.get("archived")
        and c.may_see(c["projects"][row["project"]])
    ]
    return sorted(rows, key=lambda row: (rank_of(row), int(row["id"])))


@operation("GET", f"{_SPRINT}/{{sprintId}}/issue", "getIssuesForSprint")
def issues(c: Context) -> Response:
    """The issues of a sprint."""
    return issue_page(c, _issues(c, find_sprint(c)))


@operation("GET", f"{ENHANCED}/sprint/{{sprintId}}/issue", "getIssuesForSprintJsis")
def issues_by_token(c: Context) -> Response:
    """The issues of a sprint with token pages."""
    return token_page(c, _issues(c, find_sprint(c)))


def _on_board(c: Context) -> list[Row]:
    board, sprint = find_board(c), find_sprint(c)
    if board["type"] == "kanban":
        raise JiraError(400, "The board does not support sprints")
    return [row for row in board_issues(c, board) if sprint["id"] in row.get("sprints", ())]


_OF_BOARD: Final = "board/{boardId}/sprint/{sprintId}/issue"


@operation("GET", f"{AGILE}/{_OF_BOARD}", "getBoardIssuesForSprint")
def board_sprint_issues(c: Context) -> Response:
    """Those of a sprint's issues that are on a board."""
    return issue_page(c, _on_board(c))


@operation("GET", f"{ENHANCED}/{_OF_BOARD}", "getBoardIssuesForSprintJsis")
def board_sprint_by_token(c: Context) -> Response:
    """The same with token pages."""
    return token_page(c, _on_board(c))


def move_into(c: Context, rows: list[Row], sprint: Row | None) -> None:
    """Move issues and their sub-tasks into a sprint, ``None`` = the backlog."""
    key = sprint["id"] if sprint else None
    for row in rows:
        children = [c["issues"][child] for child in c["issues"].find("parent", row["id"])]
        subtasks = [kid for kid in children if c["issuetypes"][kid["type"]]["subtask"]]
        for issue in [row, *subtasks]:
            now = in_sprint(c, issue)
            if (now["id"] if now else None) == key:
                continue
            changed = draft(issue)
            place_in_sprint(c, changed, key)
            change_issue(c, issue, changed)


@operation("POST", f"{_SPRINT}/{{sprintId}}/issue", "moveIssuesToSprintAndRank")
def move(c: Context) -> Response:
    """Move up to 50 issues into a sprint that is not closed, and rank them."""
    sprint = find_sprint(c)
    if sprint["state"] == "closed":
        raise JiraError(400, "Issue can be assigned only active or future sprints.")
    body = c.body()
    rows = moved_issues(c, body)
    move_into(c, rows, sprint)
    rank_rows(c, rows, body)
    return empty()


def _owner(c: Context, _change: bool) -> Owner:
    sprint = find_sprint(c)
    address = f"{c.call.request.base_url}{_SPRINT}/{sprint['id']}/properties/"
    return Owner(f"sprint/{sprint['id']}", address)


register(
    f"{_SPRINT}/{{sprintId}}/properties",
    ("getSprintPropertyKeys", "getSprintProperty", "setSprintProperty", "deleteSprintProperty"),
    _owner,
)


# -- counts of the enhanced operations


@operation("GET", f"{ENHANCED}/sprint/{{sprintId}}/issue/approximate-count", "countSprintIssues")
def count(c: Context) -> Response:
    """How many issues a sprint has."""
    return approximate(c, _issues(c, find_sprint(c)))
