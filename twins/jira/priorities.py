"""priority, resolution: the lists an issue's urgency and outcome come from."""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, id_list, named, queried_ids, see_other, the
from .context import Context, empty, operation, reply
from .errors import JiraError
from .pages import page
from .shapes import priority_shape, resolution_shape
from .state import change_issue, draft, new_id

__all__ = ["ADMINS", "default_scheme", "in_order", "priority_json"]

ADMINS: Final = (
    "You are not authorized to perform this action. Administrator privileges are required."
)


def in_order(c: Context, table: str) -> list[Row]:
    """Priorities or resolutions, the first one first."""
    return sorted(c[table].rows(), key=lambda row: (row["n"], row["id"]))


def default_scheme(c: Context) -> Row:
    """The priority scheme of projects that have no other."""
    return next(row for row in c["priorityschemes"].rows() if row.get("default"))


def priority_json(c: Context, row: Row, *, default: bool = False) -> dict[str, Any]:
    """A priority as its administrators see it."""
    shape = {
        **priority_shape(c, row),
        "statusColor": row["color"],
        "description": row.get("description", ""),
    }
    if default:
        shape["isDefault"] = row["id"] == default_scheme(c)["default_priority"]
    return shape


def _one(c: Context, table: str, noun: str) -> Row:
    key = c.param("id")
    return the(c, table, key, f"{noun} with ID {key[:40]} not found.")


@operation("GET", "/priority", "getPriorities")
def priorities(c: Context) -> Response:
    """All priorities, the highest first."""
    return reply([priority_json(c, row) for row in in_order(c, "priorities")])


@operation("GET", "/priority/search", "searchPriorities")
def search(c: Context) -> Response:
    """Priorities in pages."""
    ids, needle = queried_ids(c), c.query("priorityName").lower()
    rows = [
        row
        for row in in_order(c, "priorities")
        if (not ids or row["id"] in ids)
        and needle in row["name"].lower()
        and (not c.query_flag("onlyDefault") or row["id"] == default_scheme(c)["default_priority"])
    ]
    return page(c, rows, lambda row: priority_json(c, row, default=True), links=False)


@operation("GET", "/priority/{id}", "getPriority")
def one(c: Context) -> Response:
    """A priority."""
    key = c.param("id")
    row = the(c, "priorities", key, f"The priority with id '{key[:40]}' does not exist")
    return reply(priority_json(c, row))


def _free(c: Context, table: str, body: dict[str, Any], own: str = "") -> str:
    name = named(body, 60)
    for row in c[table].rows():
        if row["name"].lower() == name.lower() and row["id"] != own:
            noun = "priority" if table == "priorities" else "resolution"
            raise JiraError(400, f"A {noun} with this name already exists.")
    return name


def _color(body: dict[str, Any], otherwise: str = "") -> str:
    color = body.get("statusColor", otherwise)
    text = str(color).removeprefix("#")
    if len(text) not in (3, 6) or any(letter not in "0123456789abcdefABCDEF" for letter in text):
        raise JiraError(400, "The statusColor must be a hexadecimal colour such as #ff0000.")
    return str(color)


@operation("POST", "/priority", "createPriority")
def create(c: Context) -> Response:
    """A priority, the lowest of all."""
    c.need_admin(ADMINS)
    body = c.body()
    row = {
        "name": _free(c, "priorities", body),
        "color": _color(body),
        "description": described(body, longest=255),
        "n": max((one["n"] for one in c["priorities"].rows()), default=-1) + 1,
    }
    key = new_id(c.twin, "priority")
    c["priorities"].put(key, {"id": key, **row})
    scheme = default_scheme(c)
    c["priorityschemes"].put(scheme["id"], {**scheme, "priorities": [*scheme["priorities"], key]})
    return reply({"id": key}, 201)


@operation("PUT", "/priority/{id}", "updatePriority")
def update(c: Context) -> Response:
    """Another name, colour or description."""
    c.need_admin(ADMINS)
    row = _one(c, "priorities", "Priority")
    body = c.body()
    new = {**row, "description": described(body, row.get("description", ""), 255)}
    if body.get("name") is not None:
        new["name"] = _free(c, "priorities", body, row["id"])
    if body.get("statusColor") is not None:
        new["color"] = _color(body)
    c["priorities"].put(row["id"], new)
    return empty()


@operation("PUT", "/priority/default", "setDefaultPriority")
def set_default(c: Context) -> Response:
    """Which priority new issues get."""
    c.need_admin(ADMINS)
    key = c.body().get("id")
    if key is None:
        raise JiraError(400, "The id has to be provided.")
    the(c, "priorities", key, f"Priority with ID {str(key)[:40]} not found.")
    scheme = default_scheme(c)
    c["priorityschemes"].put(scheme["id"], {**scheme, "default_priority": str(key)})
    return empty()


def _move(c: Context, table: str, noun: str) -> Response:
    c.need_admin(ADMINS)
    body = c.body()
    keys = id_list(body, "ids")
    after, position = body.get("after"), body.get("position")
    for key in [*keys, *([str(after)] if after is not None else [])]:
        the(c, table, key, f"{noun} with ID {key[:40]} not found.")
    if (after is None) == (position not in ("First", "Last")):
        raise JiraError(400, "Either 'after' or 'position' must be specified.")
    kept = [row["id"] for row in in_order(c, table) if row["id"] not in keys]
    if after is not None and str(after) not in kept:
        raise JiraError(400, "The 'after' ID must not be one of the moved ones.")
    at = kept.index(str(after)) + 1 if after is not None else 0
    if position == "Last":
        at = len(kept)
    for n, key in enumerate([*kept[:at], *keys, *kept[at:]]):
        c[table].put(key, {**c[table][key], "n": n})
    return empty()


@operation("PUT", "/priority/move", "movePriorities")
def move(c: Context) -> Response:
    """Another order of priorities."""
    return _move(c, "priorities", "Priority")


def _replace(c: Context, field: str, key: str, instead: str) -> None:
    for issue in list(c["issues"].rows()):
        if issue[field] == key:
            change_issue(c, issue, {**draft(issue), field: instead})


@operation("DELETE", "/priority/{id}", "deletePriority")
def delete(c: Context) -> Response:
    """Delete a priority; its issues get the default one."""
    c.need_admin(ADMINS)
    row = _one(c, "priorities", "Priority")
    default = default_scheme(c)
    if row["id"] == default["default_priority"]:
        raise JiraError(400, "The default priority cannot be deleted.")
    _replace(c, "priority", row["id"], default["default_priority"])
    c["priorities"].delete(row["id"])
    for scheme in list(c["priorityschemes"].rows()):
        if row["id"] in scheme["priorities"]:
            kept = [key for key in scheme["priorities"] if key != row["id"]]
            c["priorityschemes"].put(scheme["id"], {**scheme, "priorities": kept})
    return see_other(c, f"Delete priority {row['id']}")


# -- resolutions


@operation("GET", "/resolution", "getResolutions")
def resolutions(c: Context) -> Response:
    """All resolutions."""
    return reply([resolution_shape(c, row) for row in in_order(c, "resolutions")])


@operation("GET", "/resolution/search", "searchResolutions")
def resolution_search(c: Context) -> Response:
    """Resolutions in pages."""
    ids = queried_ids(c)
    rows = [
        row
        for row in in_order(c, "resolutions")
        if (not ids or row["id"] in ids) and (not c.query_flag("onlyDefault") or row.get("default"))
    ]
    shape: Callable[[Row], Any] = lambda row: {  # noqa: E731
        **resolution_shape(c, row),
        "iconUrl": "",
        "default": bool(row.get("default")),
    }
    return page(c, rows, shape)


@operation("GET", "/resolution/{id}", "getResolution")
def one_resolution(c: Context) -> Response:
    """A resolution."""
    key = c.param("id")
    row = the(c, "resolutions", key, f"The resolution with id '{key[:40]}' does not exist")
    return reply(resolution_shape(c, row))


@operation("POST", "/resolution", "createResolution")
def resolution_create(c: Context) -> Response:
    """A resolution, the last one."""
    c.need_admin(ADMINS)
    body = c.body()
    row = {
        "name": _free(c, "resolutions", body),
        "description": described(body, longest=255),
        "n": max((one["n"] for one in c["resolutions"].rows()), default=-1) + 1,
    }
    key = new_id(c.twin, "resolution", 10_010)
    c["resolutions"].put(key, {"id": key, **row})
    return reply({"id": key}, 201)


@operation("PUT", "/resolution/{id}", "updateResolution")
def resolution_update(c: Context) -> Response:
    """Another name or description."""
    c.need_admin(ADMINS)
    row = _one(c, "resolutions", "Resolution")
    body = c.body()
    name = _free(c, "resolutions", body, row["id"])
    new = {**row, "name": name, "description": described(body, row["description"], 255)}
    c["resolutions"].put(row["id"], new)
    return empty()


@operation("PUT", "/resolution/default", "setDefaultResolution")
def resolution_default(c: Context) -> Response:
    """Which resolution is offered first."""
    c.need_admin(ADMINS)
    key = c.body().get("id")
    if key is None:
        raise JiraError(400, "The id has to be provided.")
    the(c, "resolutions", key, f"Resolution with ID {str(key)[:40]} not found.")
    for row in list(c["resolutions"].rows()):
        c["resolutions"].put(row["id"], {**row, "default": row["id"] == str(key)})
    return empty()


@operation("PUT", "/resolution/move", "moveResolutions")
def resolution_move(c: Context) -> Response:
    """Another order of resolutions."""
    return _move(c, "resolutions", "Resolution")


@operation("DELETE", "/resolution/{id}", "deleteResolution")
def resolution_delete(c: Context) -> Response:
    """Delete a resolution; its issues get another."""
    c.need_admin(ADMINS)
    row = _one(c, "resolutions", "Resolution")
    instead = c.query("replaceWith")
    if not instead:
        raise JiraError(400, "The replaceWith has to be provided.")
    if instead == row["id"]:
        raise JiraError(400, "The resolution cannot be replaced with itself.")
    the(c, "resolutions", instead, f"Resolution with ID {instead[:40]} not found.")
    _replace(c, "resolution", row["id"], instead)
    c["resolutions"].delete(row["id"])
    return see_other(c, f"Delete resolution {row['id']}")
