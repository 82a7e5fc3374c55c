"""Boards of the agile API: what they are, their configuration and what belongs to them."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .agile import (
    AGILE,
    board_issues,
    board_shape,
    epic_shape,
    find_board,
    is_done,
    sprint_shape,
)
from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .hooks import tell
from .pages import plain_page
from .properties import Owner, drop_properties, register
from .shapes import project_shape, version_shape
from .state import new_id

__all__ = ["add_board"]

_TYPES: Final = ("scrum", "kanban", "simple")
_PRESETS: Final = (*_TYPES, "agility")
_BOARD: Final = f"{AGILE}/board"


@operation("GET", _BOARD, "getAllBoards")
def boards(c: Context) -> Response:
    """Boards by ``type``, ``name``, ``projectKeyOrId``, ``filterId`` and location."""
    kinds = c.query_list("type")
    for kind in kinds:
        if kind not in _TYPES:
            raise JiraError(400, f"Board type '{kind[:40]}' is not valid.")
    rows = [row for row in c["boards"].rows() if not kinds or row["type"] in kinds]
    name, key = c.query("name").lower(), c.query("projectKeyOrId")
    if name:
        rows = [row for row in rows if name in row["name"].lower()]
    if c.query("filterId"):
        rows = [row for row in rows if row["filter"] == c.query("filterId")]
    if c.query("accountIdLocation"):
        rows = [row for row in rows if row["user"] == c.query("accountIdLocation")]
    wanted = c.query("projectLocation")
    if key or wanted:
        project = c.find_project(key or wanted)
        if project is None:
            raise JiraError(400, f"No project could be found with key or id '{key or wanted}'.")
        rows = [row for row in rows if _concerns(c, row, project, located=bool(wanted))]
    rows = [row for row in rows if _seen(c, row)]
    order = c.query("orderBy")
    if order.lstrip("+-") == "name":
        rows.sort(key=lambda row: str(row["name"]).lower(), reverse=order.startswith("-"))
    return plain_page(c, rows, lambda row: board_shape(c, row))


def _seen(c: Context, row: Row) -> bool:
    project = c["projects"].get(row["project"]) if row["project"] else None
    return project is None or c.may_see(project)


def _concerns(c: Context, board: Row, project: Row, *, located: bool) -> bool:
    """Whether a board is in a project or, by its filter, about it."""
    if board["project"] == project["id"]:
        return True
    found = c["filters"].get(board["filter"])
    if located or found is None:
        return False
    words = {word.strip("\"'(),=").lower() for word in str(found["jql"]).split()}
    return project["key"].lower() in words or project["name"].lower() in found["jql"].lower()


@operation("POST", _BOARD, "createBoard")
def create(c: Context) -> Response:
    """A new board on a filter."""
    body = c.body()
    name, kind = body.get("name"), body.get("type")
    errors: dict[str, str] = {}
    if not isinstance(name, str) or not name.strip():
        errors["name"] = "The board name must not be empty."
    elif len(name) >= 255:
        errors["name"] = "The board name must be shorter than 255 characters."
    if kind not in _PRESETS:
        errors["type"] = "The board type must be one of scrum, kanban or agility."
    key = str(body.get("filterId") or "")
    if c["filters"].get(key) is None:
        errors["filterId"] = "The filter does not exist or you do not have permission to view it."
    if errors:
        failure = JiraError(400)
        failure.errors = errors
        raise failure
    project, user = "", ""
    location = body.get("location")
    if isinstance(location, dict) and location.get("type") == "project":
        found = c.find_project(str(location.get("projectKeyOrId") or ""))
        if found is None:
            raise bad_field(
                "projectKeyOrId", "The project does not exist or you do not have permission."
            )
        project = str(found["id"])
    elif isinstance(location, dict) and location.get("type") == "user":
        user = c.me
    elif location is not None:
        raise bad_field("type", "The location type must be project or user.")
    row = add_board(c, str(name), str(kind).replace("agility", "simple"), key, project, user)
    return reply(board_shape(c, row), 201)


def add_board(c: Context, name: str, kind: str, key: str, project: str, user: str) -> Row:
    """Store a new board; ``key`` is its filter's."""
    row = {
        "id": new_id(c.twin, "board", 1),
        "name": name.strip(),
        "type": kind,
        "filter": key,
        "project": project,
        "user": user,
    }
    c["boards"].put(row["id"], row)
    tell(c, "board_created", lambda h: {"board": board_shape(h, row)}, board=row)
    return row


@operation("GET", f"{_BOARD}/{{boardId}}", "getBoard")
def get(c: Context) -> Response:
    """A board."""
    return reply(board_shape(c, find_board(c)))


@operation("DELETE", f"{_BOARD}/{{boardId}}", "deleteBoard")
def delete(c: Context) -> Response:
    """Delete a board; its issues and sprints stay."""
    row = find_board(c)
    if not (c.user and c.user["admin"]) and row["user"] != c.me:
        raise JiraError(403, "You do not have permission to delete this board.")
    c["boards"].delete(row["id"])
    drop_properties(c, f"board/{row['id']}")
    tell(c, "board_deleted", lambda h: {"board": board_shape(h, row)}, board=row)
    return empty()


@operation("GET", f"{_BOARD}/filter/{{filterId}}", "getBoardByFilterId")
def by_filter(c: Context) -> Response:
    """The boards on a filter."""
    key = c.param("filterId")
    if c["filters"].get(key) is None:
        raise JiraError(404, f"The selected filter with id '{key}' does not exist.")
    rows = [c["boards"][found] for found in c["boards"].find("filter", key)]
    return plain_page(c, [row for row in rows if _seen(c, row)], lambda row: board_shape(c, row))


@operation("GET", f"{_BOARD}/{{boardId}}/configuration", "getBoardConfiguration")
def configuration(c: Context) -> Response:
    """Filter, columns, estimation and ranking of a board."""
    row = find_board(c)
    base = c.call.request.base_url
    columns: list[dict[str, Any]] = []
    if row["type"] == "kanban":
        columns.append({"name": "Backlog", "statuses": []})
    for status in c["statuses"].rows():
        link = {"id": status["id"], "self": f"{base}/rest/api/2/status/{status['id']}"}
        known = next((column for column in columns if column["name"] == status["name"]), None)
        if known is not None:
            known["statuses"].append(link)
        else:
            columns.append({"name": status["name"], "statuses": [link]})
    shape: dict[str, Any] = {
        "id": int(row["id"]),
        "name": row["name"],
        "type": row["type"],
        "self": f"{base}{_BOARD}/{row['id']}/configuration",
    }
    project = c["projects"].get(row["project"]) if row["project"] else None
    if project is not None:
        shape["location"] = {
            "type": "project",
            "key": project["key"],
            "id": project["id"],
            "self": f"{base}/rest/api/2/project/{project['id']}",
            "name": project["name"],
        }
    shape["filter"] = {"id": row["filter"], "self": f"{base}/rest/api/2/filter/{row['filter']}"}
    if row["type"] == "kanban":
        shape["subQuery"] = {"query": "fixVersion in unreleasedVersions() OR fixVersion is EMPTY"}
    shape["columnConfig"] = {"columns": columns, "constraintType": "issueCount"}
    if row["type"] != "kanban":
        field = {"fieldId": "customfield_10028", "displayName": "Story Points"}
        shape["estimation"] = {"type": "field", "field": field}
    return reply({**shape, "ranking": {"rankCustomFieldId": 10019}})


# -- what belongs to a board


@operation("GET", f"{_BOARD}/{{boardId}}/sprint", "getAllSprints")
def sprints(c: Context) -> Response:
    """The sprints of a board: closed, active, then future ones."""
    board = find_board(c)
    if board["type"] == "kanban":
        raise JiraError(400, "The board does not support sprints")
    states = c.query_list("state")
    for state in states:
        if state not in ("future", "active", "closed"):
            raise JiraError(400, f"The sprint state '{state[:40]}' is not valid.")
    rows = [c["sprints"][key] for key in c["sprints"].find("board", board["id"])]
    rows = [row for row in rows if not states or row["state"] in states]
    order = ("closed", "active", "future")
    rows.sort(key=lambda row: (order.index(row["state"]), row["n"]))
    return plain_page(c, rows, lambda row: sprint_shape(c, row))


@operation("GET", f"{_BOARD}/{{boardId}}/epic", "getEpics")
def epics(c: Context) -> Response:
    """The epics of a board."""
    done = c.query("done").lower()
    kinds = c["issuetypes"]
    rows = [
        row
        for row in board_issues(c, find_board(c), epics=True)
        if kinds[row["type"]]["level"] == 1
        and (not done or row.get("epic_done", is_done(c, row)) == (done == "true"))
    ]
    return plain_page(c, rows, lambda row: epic_shape(c, row))


def _projects(c: Context, board: Row) -> list[Row]:
    keys = {row["project"] for row in board_issues(c, board, epics=True)}
    if board["project"]:
        keys.add(board["project"])
    return [row for row in c["projects"].rows() if row["id"] in keys and c.may_see(row)]


@operation("GET", f"{_BOARD}/{{boardId}}/project", "getBoardProjects")
def projects(c: Context) -> Response:
    """The projects a board is about."""
    rows = _projects(c, find_board(c))
    return plain_page(c, rows, lambda row: project_shape(c, row))


@operation("GET", f"{_BOARD}/{{boardId}}/project/full", "getBoardProjectsFull")
def full_projects(c: Context) -> Response:
    """The same in full, not in pages."""
    rows = _projects(c, find_board(c))
    shapes = [project_shape(c, row, full=True) for row in rows]
    return reply({"maxResults": len(rows), "startAt": 0, "total": len(rows), "isLast": True,
                  "values": shapes})  # fmt: skip


@operation("GET", f"{_BOARD}/{{boardId}}/version", "getBoardVersions")
def versions(c: Context) -> Response:
    """The versions of a board's projects."""
    released = c.query("released").lower()
    rows = [
        c["versions"][key]
        for project in _projects(c, find_board(c))
        for key in c["versions"].find("project", project["id"])
    ]
    if released:
        rows = [row for row in rows if row["released"] == (released == "true")]
    return plain_page(c, rows, lambda row: version_shape(c, row))


_FEATURES: Final = (
    ("SIMPLE_ROADMAP", "roadmaps", "Roadmap", "PLANNING"),
    ("BACKLOG", "backlog", "Backlog", "PLANNING"),
    ("SPRINTS", "sprints", "Sprints", "PLANNING"),
    ("ESTIMATION", "estimation", "Estimation", "PLANNING"),
    ("REPORTS", "reports", "Reports", "PLANNING"),
)


def _features(c: Context, board: Row) -> list[dict[str, Any]]:
    off = board.get("off") or (["SPRINTS", "ESTIMATION"] if board["type"] == "kanban" else [])
    return [
        {
            "boardFeature": key,
            "boardId": int(board["id"]),
            "featureId": name,
            "featureType": "BASIC",
            "state": "DISABLED" if key in off else "ENABLED",
            "localisedName": words,
            "localisedDescription": "",
            "localisedGroup": group,
            "learnMoreLink": "",
            "imageUri": "",
            "permissibleEstimationTypes": [],
            "toggleLocked": board["type"] != "simple",
        }
        for key, name, words, group in _FEATURES
    ]


@operation("GET", f"{_BOARD}/{{boardId}}/features", "getFeaturesForBoard")
def features(c: Context) -> Response:
    """What is switched on."""
    return reply({"features": _features(c, find_board(c))})


@operation("PUT", f"{_BOARD}/{{boardId}}/features", "toggleFeatures")
def toggle(c: Context) -> Response:
    """Switch a feature of a team-managed board."""
    board = find_board(c)
    body = c.body()
    wanted = body.get("feature")
    known = {name for key, name, _, _ in _FEATURES} | {key for key, *_ in _FEATURES}
    if wanted not in known or not isinstance(body.get("enabling"), bool):
        raise JiraError(400, "The request has a wrong 'feature' or 'enabling'.")
    if board["type"] != "simple":
        raise JiraError(403, "Features can only be toggled on boards of team-managed projects.")
    key = next(key for key, name, _, _ in _FEATURES if wanted in (key, name))
    off = [item for item in board.get("off", ()) if item != key]
    changed = {**board, "off": off if body["enabling"] else [*off, key]}
    c["boards"].put(board["id"], changed)
    return reply({"features": _features(c, changed)})


@operation("GET", f"{_BOARD}/{{boardId}}/quickfilter", "getAllQuickFilters")
def quick_filters(c: Context) -> Response:
    """The quick filters of a board."""
    board = find_board(c)
    return plain_page(c, _quick(board), lambda row: _quick_shape(board, row))


def _quick(board: Row) -> list[tuple[int, str, str]]:
    first = int(board["id"]) * 2 - 1
    return [
        (first, "Only My Issues", "assignee = currentUser()"),
        (first + 1, "Recently Updated", "updatedDate >= -1d"),
    ]


def _quick_shape(board: Row, row: tuple[int, str, str]) -> dict[str, Any]:
    number, name, jql = row
    return {"id": number, "boardId": int(board["id"]), "name": name, "jql": jql,
            "description": "", "position": number % 2 ^ 1}  # fmt: skip


@operation("GET", f"{_BOARD}/{{boardId}}/quickfilter/{{quickFilterId}}", "getQuickFilter")
def quick_filter(c: Context) -> Response:
    """A quick filter."""
    board = find_board(c)
    for row in _quick(board):
        if str(row[0]) == c.param("quickFilterId"):
            return reply(_quick_shape(board, row))
    raise JiraError(404, "The quick filter does not exist or you do not have permission to see it.")


@operation("GET", f"{_BOARD}/{{boardId}}/reports", "getReportsForBoard")
def reports(c: Context) -> Response:
    """The reports a board offers."""
    names = ["controlChart", "cumulativeFlowDiagram"]
    if find_board(c)["type"] != "kanban":
        names = ["burndown", "burnup", "sprintReport", "velocity", "versionReport", *names]
    return reply({"reports": [{"key": name} for name in names]})


@operation("GET", f"{_BOARD}/{{boardId}}/settings/refined-velocity", "getRefinedVelocity")
def refined_velocity(c: Context) -> Response:
    """Whether velocity counts what was added late (Data Center)."""
    return reply({"value": bool(find_board(c).get("refined"))})


@operation("PUT", f"{_BOARD}/{{boardId}}/settings/refined-velocity", "setRefinedVelocity")
def set_refined_velocity(c: Context) -> Response:
    """Set it."""
    board = find_board(c)
    value = c.body().get("value")
    if not isinstance(value, bool):
        raise JiraError(400, "The 'value' must be true or false.")
    c["boards"].put(board["id"], {**board, "refined": value})
    return empty()


def _owner(c: Context, change: bool) -> Owner:
    board = find_board(c)
    if change and not (c.user and c.user["admin"]) and board["user"] != c.me:
        raise JiraError(403, "You do not have permission to edit this board.")
    address = f"{c.call.request.base_url}{_BOARD}/{board['id']}/properties/"
    return Owner(f"board/{board['id']}", address)


register(
    f"{_BOARD}/{{boardId}}/properties",
    ("getBoardPropertyKeys", "getBoardProperty", "setBoardProperty", "deleteBoardProperty"),
    _owner,
)
