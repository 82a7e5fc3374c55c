"""Epics of the agile API, and the issues with and without one."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .agile import (
    AGILE,
    ENHANCED,
    board_issues,
    epic_of,
    epic_shape,
    find_board,
    issue_page,
    moved_issues,
    token_page,
)
from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .ranking import rank_rows
from .ranks import rank_of
from .setting import set_field
from .state import change_issue, draft

_EPIC: Final = f"{AGILE}/epic"


def _epic(c: Context) -> Row:
    row = c.find_issue(c.param("epicIdOrKey"))
    if row is None:
        raise JiraError(
            404, "The requested epic does not exist or you do not have permission to view it."
        )
    if c["issuetypes"][row["type"]]["level"] != 1:
        raise JiraError(400, "The requested issue is not an epic.")
    return row


@operation("GET", f"{_EPIC}/{{epicIdOrKey}}", "getEpic")
def get(c: Context) -> Response:
    """An epic."""
    return reply(epic_shape(c, _epic(c)))


@operation("POST", f"{_EPIC}/{{epicIdOrKey}}", "partiallyUpdateEpic")
def patch(c: Context) -> Response:
    """Change an epic's name, summary, colour, and whether it is done."""
    row = _epic(c)
    if not c.may_write(c["projects"][row["project"]]):
        raise JiraError(403, "You do not have permission to edit issues in this project.")
    body = c.body()
    changed = draft(row)
    if "name" in body:
        set_field(c, changed, "customfield_10011", body["name"])
    if "summary" in body:
        set_field(c, changed, "summary", body["summary"])
    if "done" in body:
        if not isinstance(body["done"], bool):
            raise bad_field("done", "The value must be true or false.")
        changed["epic_done"] = body["done"]
    if "color" in body:
        color = body["color"].get("key") if isinstance(body["color"], dict) else None
        if color not in {f"color_{number}" for number in range(1, 15)}:
            raise bad_field("color", "The colour must be one of color_1 to color_14.")
        changed["epic_color"] = color
    return reply(epic_shape(c, change_issue(c, row, changed)))


def _ranked(c: Context, rows: list[Row]) -> list[Row]:
    seen = [
        row for row in rows if not row.get("archived") and c.may_see(c["projects"][row["project"]])
    ]
    return sorted(seen, key=lambda row: (rank_of(row), int(row["id"])))


def _children(c: Context, epic: Row) -> list[Row]:
    """Issues of an epic and their sub-tasks."""
    table = c["issues"]
    direct = [table[key] for key in table.find("parent", epic["id"])]
    below = [table[key] for row in direct for key in table.find("parent", row["id"])]
    return _ranked(c, direct + below)


def _orphans(c: Context) -> list[Row]:
    kinds = c["issuetypes"]
    rows = [r for r in c["issues"].rows() if kinds[r["type"]]["level"] == 0]
    return _ranked(c, [row for row in rows if epic_of(c, row) is None])


@operation("GET", f"{_EPIC}/none/issue", "getIssuesWithoutEpic")
def orphans(c: Context) -> Response:
    """Issues of no epic."""
    return issue_page(c, _orphans(c))


@operation("GET", f"{ENHANCED}/epic/none/issue", "getIssuesWithoutEpicJsis")
def orphans_by_token(c: Context) -> Response:
    """The same with token pages."""
    return token_page(c, _orphans(c))


@operation("GET", f"{_EPIC}/{{epicIdOrKey}}/issue", "getIssuesForEpic")
def issues(c: Context) -> Response:
    """The issues of an epic."""
    return issue_page(c, _children(c, _epic(c)))


@operation("GET", f"{ENHANCED}/epic/{{epicIdOrKey}}/issue", "getIssuesForEpicJsis")
def issues_by_token(c: Context) -> Response:
    """The same with token pages."""
    return token_page(c, _children(c, _epic(c)))


def _join(c: Context, rows: list[Row], epic: str | None) -> None:
    """Put issues into an epic, ``None`` = out of theirs; all or none."""
    drafts: list[tuple[Row, Row]] = []
    for row in rows:
        changed = draft(row)
        if epic is None and epic_of(c, row) is None:
            continue
        try:
            set_field(c, changed, "customfield_10014", epic)
        except JiraError as error:
            words: list[Any] = [*error.messages, *error.errors.values()]
            raise JiraError(400, *words) from error
        drafts.append((row, changed))
    for row, changed in drafts:
        change_issue(c, row, changed)


@operation("POST", f"{_EPIC}/{{epicIdOrKey}}/issue", "moveIssuesToEpic")
def join(c: Context) -> Response:
    """Put up to 50 issues into an epic; an issue is in one epic only."""
    epic = _epic(c)
    _join(c, moved_issues(c, c.body()), epic["key"])
    return empty()


@operation("POST", f"{_EPIC}/none/issue", "removeIssuesFromEpic")
def leave(c: Context) -> Response:
    """Take up to 50 issues out of their epics."""
    _join(c, moved_issues(c, c.body()), None)
    return empty()


@operation("PUT", f"{_EPIC}/{{epicIdOrKey}}/rank", "rankEpics")
def rank(c: Context) -> Response:
    """Rank an epic before or after another."""
    epic = _epic(c)
    body = c.body()
    moved = {"rankBeforeIssue": body.get("rankBeforeEpic"),
             "rankAfterIssue": body.get("rankAfterEpic")}  # fmt: skip
    if all(value is None for value in moved.values()):
        raise JiraError(400, "Either 'rankBeforeEpic' or 'rankAfterEpic' must be specified.")
    rank_rows(c, [epic], moved)
    return empty()


# -- the epics of a board


def _of_board(c: Context) -> list[Row]:
    board = find_board(c)
    epic = _epic_of_board(c)
    return [r for r in board_issues(c, board) if (e := epic_of(c, r)) and e["id"] == epic["id"]]


def _epic_of_board(c: Context) -> Row:
    c.call.params["epicIdOrKey"] = c.param("epicId")
    return _epic(c)


@operation("GET", f"{AGILE}/board/{{boardId}}/epic/{{epicId}}/issue", "getBoardIssuesForEpic")
def board_epic(c: Context) -> Response:
    """The issues of an epic that are on a board."""
    return issue_page(c, _of_board(c))


@operation("GET", f"{ENHANCED}/board/{{boardId}}/epic/{{epicId}}/issue", "getBoardEpicIssuesJsis")
def board_epic_by_token(c: Context) -> Response:
    """The same with token pages."""
    return token_page(c, _of_board(c))


def _board_orphans(c: Context) -> list[Row]:
    return [row for row in board_issues(c, find_board(c)) if epic_of(c, row) is None]


@operation("GET", f"{AGILE}/board/{{boardId}}/epic/none/issue", "getBoardIssuesWithoutEpic")
def board_orphans(c: Context) -> Response:
    """The issues of a board that are in no epic."""
    return issue_page(c, _board_orphans(c))


@operation("GET", f"{ENHANCED}/board/{{boardId}}/epic/none/issue", "getBoardIssuesWithoutEpicJsis")
def board_orphans_by_token(c: Context) -> Response:
    """The same with token pages."""
    return token_page(c, _board_orphans(c))
