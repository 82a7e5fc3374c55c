"""dashboard: dashboards, their gadgets, and the properties of gadgets."""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .groups_of import group_named
from .pages import bean, page
from .properties import Owner, drop_properties, register
from .shapes import brief_user
from .sharing import may_edit, may_view, sent_shares, share_shape
from .state import new_id

_COLORS: Final = ("blue", "red", "yellow", "green", "cyan", "purple", "gray", "white")
_GADGETS: Final = {
    f"com.atlassian.jira.gadgets:{key}-dashboard-item": title
    for key, title in (
        ("filter-results", "Filter Results"),
        ("assigned-to-me", "Assigned to Me"),
        ("pie-chart", "Pie Chart"),
        ("created-vs-resolved-issues-chart", "Created vs. Resolved Chart"),
        ("two-dimensional-stats", "Two Dimensional Filter Statistics"),
        ("in-progress", "Issues in progress"),
        ("favourite-filters", "Favorite Filters"),
        ("login", "Login"),
    )
}
_SYSTEM: Final = {
    "id": "10000",
    "name": "Default dashboard",
    "description": "",
    "owner": "",
    "shares": [{"id": 10000, "type": "global"}],
    "editors": [],
    "fans": [],
    "gadgets": [],
}


def _shape(c: Context, row: Row) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": row["id"],
        "isFavourite": c.me in row["fans"],
        "name": row["name"],
        "popularity": len(row["fans"]),
        "self": f"{c.api}/dashboard/{row['id']}",
        "sharePermissions": [share_shape(c, share) for share in row["shares"]],
        "editPermissions": [share_shape(c, share) for share in row["editors"]],
        "view": f"{c.call.request.base_url}/jira/dashboards/{row['id']}",
        "isWritable": may_edit(c, row),
        "systemDashboard": row["id"] == _SYSTEM["id"],
    }
    if row.get("refresh"):
        shape["automaticRefreshMs"] = row["refresh"]
    if row["description"]:
        shape["description"] = row["description"]
    if row["owner"]:
        shape["owner"] = brief_user(c, row["owner"])
    return shape


def _seen(c: Context) -> list[Row]:
    return [row for row in [_SYSTEM, *c["dashboards"].rows()] if may_view(c, row)]


@operation("GET", "/dashboard", "getAllDashboards")
def listed(c: Context) -> Response:
    """Dashboards; ``filter`` is ``my`` or ``favourite``."""
    wanted = c.query("filter")
    rows = _seen(c)
    if wanted == "my":
        rows = [row for row in rows if row["owner"] == c.me]
    elif wanted == "favourite":
        rows = [row for row in rows if c.me in row["fans"]]
    elif wanted:
        raise JiraError(400, f"The filter '{wanted[:40]}' is not valid.")
    found = bean(c, rows, lambda row: _shape(c, row), 20, 1000, links=False, name="dashboards")
    order = ("startAt", "maxResults", "total", "dashboards")
    answer = {name: found[name] for name in order}
    base = f"{c.api}/dashboard?maxResults={found['maxResults']}"
    if not found["isLast"]:
        answer["next"] = f"{base}&startAt={found['startAt'] + found['maxResults']}"
    if found["startAt"]:
        answer["prev"] = f"{base}&startAt={max(0, found['startAt'] - found['maxResults'])}"
    return reply(answer)


_ORDERS: Final[dict[str, Callable[[Context, Row], Any]]] = {
    "id": lambda c, row: int(row["id"]),
    "name": lambda c, row: row["name"].lower(),
    "description": lambda c, row: row["description"].lower(),
    "owner": lambda c, row: row["owner"],
    "favorite_count": lambda c, row: len(row["fans"]),
    "favourite_count": lambda c, row: len(row["fans"]),
    "is_favorite": lambda c, row: c.me not in row["fans"],
    "is_favourite": lambda c, row: c.me not in row["fans"],
}


@operation("GET", "/dashboard/search", "getDashboardsPaginated")
def search(c: Context) -> Response:
    """Dashboards by name, owner, group and project."""
    order = c.query("orderBy", "name")
    if order.lstrip("+-") not in _ORDERS:
        raise JiraError(400, f"The 'orderBy' value '{order[:40]}' is not supported.")
    if c.query("accountId") and c.query("owner"):
        raise JiraError(400, "Only one of 'accountId' and 'owner' can be specified.")
    needle = c.query("dashboardName").strip('"').lower()
    owner = c.query("accountId") or c.query("owner")
    group = None
    if c.query("groupname") or c.query("groupId"):
        group = group_named(c, {"name": c.query("groupname"), "groupId": c.query("groupId")})
        if group is None:
            raise JiraError(400, "The group does not exist.")
    project = c.query("projectId")
    rows = [
        row
        for row in _seen(c)
        if needle in row["name"].lower()
        and (not owner or row["owner"] == owner)
        and (group is None or any(share.get("group") == group for share in row["shares"]))
        and (not project or any(share.get("project") == project for share in row["shares"]))
    ]
    by = _ORDERS[order.lstrip("+-")]
    rows.sort(key=lambda row: by(c, row), reverse=order.startswith("-"))
    return page(c, rows, lambda row: _shape(c, row), 50, 100)


def _fields(c: Context, body: dict[str, Any], key: str) -> dict[str, Any]:
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise JiraError(400, "The dashboard's name must be specified.")
    for row in c["dashboards"].rows():
        if row["name"].lower() == name.lower() and row["owner"] == c.me and row["id"] != key:
            raise JiraError(400, "Dashboard with same name already exists.")
    description = body.get("description")
    fields: dict[str, Any] = {
        "name": name,
        "description": description if isinstance(description, str) else "",
    }
    for sent, stored in (("sharePermissions", "shares"), ("editPermissions", "editors")):
        if sent in body:
            fields[stored] = sent_shares(c, body[sent])
    return fields


def _store(c: Context, fields: dict[str, Any], gadgets: list[Row]) -> Row:
    key = new_id(c.twin, "dashboard", 10_001)
    row = {"id": key, "owner": c.me, "shares": [], "editors": [], "fans": [], **fields}
    row["gadgets"] = [{**gadget, "id": _gadget_id(c)} for gadget in gadgets]
    c["dashboards"].put(key, row)
    return row


def _gadget_id(c: Context) -> int:
    return c.twin.ids.count("gadget", 10_000)


@operation("POST", "/dashboard", "createDashboard")
def create(c: Context) -> Response:
    """A new dashboard."""
    return reply(_shape(c, _store(c, _fields(c, c.body(), ""), [])))


def _one(c: Context, name: str = "id", status: int = 404) -> Row:
    key = c.param(name)
    row = _SYSTEM if key == _SYSTEM["id"] else c["dashboards"].get(key)
    if row is None or not may_view(c, row):
        raise JiraError(status, f"The dashboard with id '{key}' does not exist.")
    return row


def _mine(c: Context, name: str = "id", status: int = 404) -> Row:
    row = _one(c, name, status)
    if not may_edit(c, row) and not (c.user and c.user["admin"] and row["owner"]):
        raise JiraError(status, f"The dashboard with id '{row['id']}' is not yours to change.")
    return row


@operation("GET", "/dashboard/{id}", "getDashboard")
def get(c: Context) -> Response:
    """A dashboard."""
    return reply(_shape(c, _one(c)))


@operation("PUT", "/dashboard/{id}", "updateDashboard")
def update(c: Context) -> Response:
    """Change a dashboard."""
    row = _mine(c)
    changed = {**row, **_fields(c, c.body(), row["id"])}
    c["dashboards"].put(row["id"], changed)
    return reply(_shape(c, changed))


@operation("DELETE", "/dashboard/{id}", "deleteDashboard")
def delete(c: Context) -> Response:
    """Delete a dashboard with its gadgets."""
    row = _mine(c, status=400)
    for gadget in row["gadgets"]:
        drop_properties(c, f"dashboarditem/{gadget['id']}")
    c["dashboards"].delete(row["id"])
    return empty()


@operation("POST", "/dashboard/{id}/copy", "copyDashboard")
def copy(c: Context) -> Response:
    """A copy that belongs to the caller."""
    row = _one(c)
    body = {"name": f"Copy of {row['name']}", "description": row["description"], **c.body()}
    return reply(_shape(c, _store(c, _fields(c, body, ""), row["gadgets"])))


@operation("PUT", "/dashboard/bulk/edit", "bulkEditDashboards")
def bulk(c: Context) -> Response:
    """Change owners or shares of several dashboards; what fails is told by id."""
    body = c.body()
    action = body.get("action")
    keys = body.get("entityIds")
    if not isinstance(keys, list) or not keys or len(keys) > 100:
        raise JiraError(400, "From 1 to 100 dashboards must be specified in 'entityIds'.")
    details = body.get("permissionDetails")
    details = details if isinstance(details, dict) else {}
    owner = None
    if action == "changeOwner":
        wanted = body.get("changeOwnerDetails")
        owner = c.find_account(
            {"accountId": wanted.get("newOwner") if isinstance(wanted, dict) else None}
        )
        if owner is None:
            raise JiraError(400, "The new owner does not exist.")
    elif action not in ("changePermission", "addPermission", "removePermission"):
        raise JiraError(400, f"The action '{str(action)[:40]}' is not valid.")
    shares = sent_shares(c, details.get("sharePermissions"))
    editors = sent_shares(c, details.get("editPermissions"))
    errors: dict[str, Any] = {}
    for key in keys:
        row = c["dashboards"].get(str(key))
        if row is None or not may_edit(c, row):
            words = f"The dashboard with id '{key}' does not exist or is not yours."
            errors[str(key)] = {"errorMessages": [words], "errors": {}}
            continue
        changed = dict(row)
        if owner is not None:
            changed["owner"] = owner["id"]
        elif action == "changePermission":
            changed |= {"shares": shares, "editors": editors}
        elif action == "addPermission":
            changed["shares"] = [*row["shares"], *shares]
            changed["editors"] = [*row["editors"], *editors]
        else:
            changed["shares"] = _without(row["shares"], shares)
            changed["editors"] = _without(row["editors"], editors)
        c["dashboards"].put(row["id"], changed)
    return reply({"action": action, "entityErrors": errors})


def _without(kept: list[Row], gone: list[Row]) -> list[Row]:
    bare = [{key: value for key, value in share.items() if key != "id"} for share in gone]
    return [s for s in kept if {k: v for k, v in s.items() if k != "id"} not in bare]


# -- gadgets


def _gadget_shape(row: Row) -> dict[str, Any]:
    shape = {"id": row["id"], "color": row["color"], "title": row["title"]}
    kind = "uri" if row["uri"] else "moduleKey"
    position = {"row": row["row"], "column": row["column"]}
    return {**shape, kind: row["uri"] or row["module"], "position": position}


@operation("GET", "/dashboard/gadgets", "getAllAvailableDashboardGadgets")
def available(c: Context) -> Response:
    """The gadgets there are."""
    return reply({"gadgets": [{"moduleKey": k, "title": title} for k, title in _GADGETS.items()]})


@operation("GET", "/dashboard/{dashboardId}/gadget", "getAllGadgets")
def gadgets(c: Context) -> Response:
    """The gadgets on a dashboard, all or those asked for."""
    pairs = c.call.request.query_pairs
    wanted = {value for key, value in pairs if key in ("moduleKey", "uri", "gadgetId")}
    found = [
        row
        for row in _one(c, "dashboardId")["gadgets"]
        if not wanted or wanted & {row["module"], row["uri"], str(row["id"])}
    ]
    return reply({"gadgets": [_gadget_shape(row) for row in found]})


def _position(value: Any) -> dict[str, int]:
    if not isinstance(value, dict):
        raise JiraError(400, "The position must be an object with 'row' and 'column'.")
    found = {}
    for name in ("row", "column"):
        number = value.get(name, value.get(f"The {name} position of the gadget."))
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise JiraError(400, f"The {name} of the position is not valid.")
        found[name] = number
    if found["column"] > 2:
        raise JiraError(400, "The column of the position is beyond the dashboard's layout.")
    return found


def _color(value: Any) -> str:
    if value not in _COLORS:
        raise JiraError(400, f"The color must be one of {', '.join(_COLORS)}.")
    return str(value)


@operation("POST", "/dashboard/{dashboardId}/gadget", "addGadget")
def add_gadget(c: Context) -> Response:
    """Put a gadget on a dashboard, at the top of the first column by default."""
    row = _mine(c, "dashboardId")
    body = c.body()
    module, uri = body.get("moduleKey"), body.get("uri")
    if bool(module) == bool(uri):
        raise JiraError(400, "Either 'moduleKey' or 'uri' must be specified.")
    if module and module not in _GADGETS and not body.get("ignoreUriAndModuleKeyValidation"):
        raise JiraError(400, f"The module key '{str(module)[:80]}' is not valid.")
    if len(row["gadgets"]) >= 20:
        raise JiraError(400, "The maximum number of gadgets on a dashboard has been reached.")
    gadget = {
        "id": _gadget_id(c),
        "module": str(module or ""),
        "uri": str(uri or ""),
        "color": _color(body.get("color", "blue")),
        "title": str(body.get("title") or _GADGETS.get(str(module), "Gadget")),
        **(_position(body["position"]) if body.get("position") else {"row": 0, "column": 0}),
    }
    c["dashboards"].put(row["id"], {**row, "gadgets": _placed(row["gadgets"], gadget)})
    return reply(_gadget_shape(gadget))


def _placed(rows: list[Row], gadget: Row) -> list[Row]:
    """Gadgets with one put in its place; those below it in the column move down."""
    moved = [
        {**row, "row": row["row"] + 1}
        if row["column"] == gadget["column"] and row["row"] >= gadget["row"]
        else row
        for row in rows
    ]
    return [*moved, gadget]


def _gadget(c: Context, row: Row) -> Row:
    for gadget in row["gadgets"]:
        if str(gadget["id"]) == c.param("gadgetId"):
            found: Row = gadget
            return found
    raise JiraError(404, f"The gadget with id '{c.param('gadgetId')}' does not exist.")


@operation("PUT", "/dashboard/{dashboardId}/gadget/{gadgetId}", "updateGadget")
def update_gadget(c: Context) -> Response:
    """Change a gadget's title, colour or place."""
    row = _mine(c, "dashboardId")
    gadget = _gadget(c, row)
    body = c.body()
    changed = dict(gadget)
    if body.get("color") is not None:
        changed["color"] = _color(body["color"])
    if body.get("title") is not None:
        changed["title"] = str(body["title"])
    others = [other for other in row["gadgets"] if other["id"] != gadget["id"]]
    if body.get("position") is not None:
        changed |= _position(body["position"])
        found = _placed(others, changed)
    else:
        found = [changed if o["id"] == gadget["id"] else o for o in row["gadgets"]]
    c["dashboards"].put(row["id"], {**row, "gadgets": found})
    return empty()


@operation("DELETE", "/dashboard/{dashboardId}/gadget/{gadgetId}", "removeGadget")
def remove_gadget(c: Context) -> Response:
    """Take a gadget off."""
    row = _mine(c, "dashboardId")
    gadget = _gadget(c, row)
    kept = [other for other in row["gadgets"] if other["id"] != gadget["id"]]
    c["dashboards"].put(row["id"], {**row, "gadgets": kept})
    drop_properties(c, f"dashboarditem/{gadget['id']}")
    return empty()


def _owner(c: Context, change: bool) -> Owner:
    row = _one(c, "dashboardId")
    if change and not may_edit(c, row):
        raise JiraError(403, "You are not the owner of this dashboard.")
    key = c.param("itemId")
    if key not in {str(gadget["id"]) for gadget in row["gadgets"]}:
        raise JiraError(404, f"The dashboard item with id '{key}' does not exist.")
    address = f"{c.api}/dashboard/{row['id']}/items/{key}/properties/"
    return Owner(f"dashboarditem/{key}", address)


register(
    "/dashboard/{dashboardId}/items/{itemId}/properties",
    (
        "getDashboardItemPropertyKeys",
        "getDashboardItemProperty",
        "setDashboardItemProperty",
        "deleteDashboardItemProperty",
    ),
    _owner,
)
