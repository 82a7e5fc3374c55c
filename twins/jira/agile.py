"""What the agile API (``/rest/agile/1.0``) has in common: boards, sprints and their issues."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from factory_tui.universe import Response, Row, iso

from .agile_fields import in_sprint
from .context import Context, reply
from .errors import JiraError, bad_field
from .jql import JqlError
from .jql import parse as parse_jql
from .pages import page
from .query import run
from .ranks import rank_of
from .read import issue_shape, wanted_fields

__all__ = [
    "AGILE",
    "ENHANCED",
    "MOST_MOVED",
    "agile_time",
    "board_issues",
    "board_shape",
    "epic_of",
    "epic_shape",
    "find_board",
    "find_sprint",
    "is_done",
    "issue_page",
    "moved_issues",
    "sprint_shape",
    "token_page",
]

AGILE: Final = "/rest/agile/1.0"
ENHANCED: Final = "/rest/software/1.0"
MOST_MOVED: Final = 50
_FIELDS: Final = ("flagged", "sprint", "closedSprints", "epic")


def find_board(c: Context, key: str = "") -> Row:
    """A board whose filter's projects the caller may see. Raises Jira's 404."""
    row = c["boards"].get(key or c.call.params.get("boardId", ""))
    if row is not None and _visible(c, row):
        return row
    raise JiraError(
        404,
        "The requested board cannot be viewed because it either does not exist or you do not have "
        "permission to view it.",
    )


def _visible(c: Context, board: Row) -> bool:
    project = c["projects"].get(board["project"]) if board["project"] else None
    return project is None or c.may_see(project)


def find_sprint(c: Context, key: str = "") -> Row:
    """A sprint. Raises Jira's 404."""
    row = c["sprints"].get(key or c.param("sprintId"))
    if row is None:
        raise JiraError(404, "Sprint does not exist or you do not have permission to view it.")
    return row


def agile_time(name: str, value: Any) -> str:
    """A time that was sent, as it is kept: ``2026-03-02T09:00:00.000Z``. Raises 400."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise bad_field(name, f"'{str(value)[:40]}' is not a valid date.") from error
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def board_shape(c: Context, row: Row) -> dict[str, Any]:
    """A board."""
    base = c.call.request.base_url
    shape: dict[str, Any] = {
        "id": int(row["id"]),
        "self": f"{base}{AGILE}/board/{row['id']}",
        "name": row["name"],
        "type": row["type"],
    }
    if not c.cloud:
        return shape
    project = c["projects"].get(row["project"]) if row["project"] else None
    owner = c["users"].get(row["user"]) if row["user"] else None
    if project is not None:
        words = f"{project['name']} ({project['key']})"
        shape["location"] = {
            "projectId": int(project["id"]),
            "displayName": words,
            "projectName": project["name"],
            "projectKey": project["key"],
            "projectTypeKey": "software",
            "avatarURI": f"{base}/secure/projectavatar?size=small&pid={project['id']}",
            "name": words,
        }
    elif owner is not None:
        name = f"{owner['first']} {owner['last']}".strip()
        shape["location"] = {"userAccountId": owner["id"], "displayName": name, "name": name}
    return {**shape, "isPrivate": False}


def sprint_shape(c: Context, row: Row) -> dict[str, Any]:
    """A sprint; a date that is not set is left out."""
    shape = {
        "id": int(row["id"]),
        "self": f"{c.call.request.base_url}{AGILE}/sprint/{row['id']}",
        "state": row["state"],
        "name": row["name"],
    }
    for stored, name in (
        ("start", "startDate"),
        ("end", "endDate"),
        ("complete", "completeDate"),
        ("created", "createdDate"),
    ):
        if row[stored]:
            shape[name] = row[stored]
    return {**shape, "originBoardId": int(row["board"]), "goal": row["goal"]}


# -- issues


def is_done(c: Context, issue: Row) -> bool:
    """Whether an issue's status is of the category done."""
    return bool(c["statuses"][issue["status"]]["category"] == "done")


def epic_of(c: Context, issue: Row) -> Row | None:
    """The epic above an issue, over its parent for a sub-task."""
    for _ in range(2):
        parent = c["issues"].get(issue["parent"]) if issue["parent"] else None
        if parent is None:
            return None
        if c["issuetypes"][parent["type"]]["level"] == 1:
            return parent
        issue = parent
    return None


def epic_shape(c: Context, row: Row) -> dict[str, Any]:
    """An epic as the agile API knows it."""
    return {
        "id": int(row["id"]),
        "key": row["key"],
        "self": f"{c.call.request.base_url}{AGILE}/epic/{row['id']}",
        "name": row.get("epic_name") or row["summary"],
        "summary": row["summary"],
        "color": {"key": row.get("epic_color") or f"color_{int(row['id']) % 14 + 1}"},
        "issueColor": {"key": row.get("epic_color") or f"color_{int(row['id']) % 14 + 1}"},
        "done": row.get("epic_done", is_done(c, row)),
    }


def _jql(c: Context, text: str) -> list[Row]:
    try:
        return run(c, text, bounded=False)
    except JqlError as error:
        raise JiraError(400, *error.messages) from error


def board_issues(c: Context, board: Row, *, epics: bool = False) -> list[Row]:
    """The issues of a board's filter by rank; epics only when wanted.

    Raises 400 when the filter is gone or no longer valid.
    """
    row = c["filters"].get(board["filter"])
    if row is None:
        raise JiraError(400, "The filter of this board does not exist.")
    kinds = c["issuetypes"]
    found = [
        issue
        for issue in _jql(c, row["jql"])
        if not issue.get("archived") and (epics or kinds[issue["type"]]["level"] < 1)
    ]
    return sorted(found, key=lambda issue: (rank_of(issue), int(issue["id"])))


def _asked(c: Context, rows: Sequence[Row]) -> list[Row]:
    """Those of ``rows`` that the ``jql`` parameter finds, in its order if it has one."""
    text = c.query("jql")
    if not text:
        return list(rows)
    found = _jql(c, text)
    if parse_jql(text).order:
        keys = {row["id"] for row in rows}
        return [row for row in found if row["id"] in keys]
    wanted = {row["id"] for row in found}
    return [row for row in rows if row["id"] in wanted]


def agile_issue(c: Context, row: Row, fields: list[str], expand: list[str]) -> dict[str, Any]:
    """An issue with what boards add to its fields."""
    named = [name for name in fields if name not in _FIELDS]
    wanted = wanted_fields(c, named, "*all") if named or not fields else []
    shape = issue_shape(c, row, wanted, expand)
    every = not fields or any(name in ("*all", "*navigable") for name in fields)
    sprint = in_sprint(c, row)
    past = [
        sprint_shape(c, found)
        for key in row.get("sprints", ())
        if (found := c["sprints"].get(key)) is not None and found["state"] == "closed"
    ]
    epic = epic_of(c, row)
    extra = {
        "flagged": bool(row.get("flagged")),
        "sprint": sprint_shape(c, sprint) if sprint else None,
        "closedSprints": past,
        "epic": epic_shape(c, epic) if epic else None,
    }
    shape["fields"] |= {name: value for name, value in extra.items() if every or name in fields}
    return shape


def issue_page(c: Context, rows: Sequence[Row]) -> Response:
    """A page of issues narrowed by ``jql``, with ``fields`` and ``expand``."""
    fields, expand = c.query_list("fields"), c.query_list("expand")
    return page(
        c,
        _asked(c, rows),
        lambda row: agile_issue(c, row, fields, expand),
        50,
        100,
        links=False,
        name="issues",
        last=False,
    )


def token_page(c: Context, rows: Sequence[Row]) -> Response:
    """The same with ``nextPageToken``, as the enhanced operations page."""
    found = _asked(c, rows)
    token = c.query("nextPageToken")
    if token and not token.isdecimal():
        raise JiraError(400, "The provided next page token is invalid.")
    start = int(token or 0)
    size = c.twin.page_size(c.query_number("maxResults") or None, 50, 100)
    fields, expand = c.query_list("fields"), c.query_list("expand")
    issues = [agile_issue(c, row, fields, expand) for row in found[start : start + size]]
    more = start + size < len(found)
    answer: dict[str, Any] = {"issues": issues, "isLast": not more}
    return reply(answer | ({"nextPageToken": str(start + size)} if more else {}))


def approximate(c: Context, rows: Sequence[Row]) -> Response:
    """How many issues the enhanced operation of the same name would give."""
    return reply({"count": len(_asked(c, rows))})


def moved_issues(c: Context, body: dict[str, Any]) -> list[Row]:
    """The issues that a move or rank names. Raises 400 (too many, none) or 404."""
    names = body.get("issues")
    if not isinstance(names, list) or not names:
        raise bad_field("issues", "At least one issue must be specified.")
    if len(names) > MOST_MOVED:
        raise JiraError(
            400, f"The maximum number of issues that can be moved in one operation is {MOST_MOVED}."
        )
    rows = [c.issue(str(name)) for name in names]
    for row in rows:
        if not c.may_write(c["projects"][row["project"]]):
            raise JiraError(403, "You do not have permission to edit issues in this project.")
    return rows
