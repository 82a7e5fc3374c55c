"""screens: screens, their tabs and the fields on them."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, free_name, listed, named
from .config import DEFAULT_SCREEN
from .context import Context, empty, operation, reply
from .errors import JiraError
from .fields import fields_of
from .pages import page
from .state import new_id

_ADMINS: Final = "Only Jira administrators can manage screens."


def _screen(c: Context, name: str = "screenId") -> Row:
    c.need_admin(_ADMINS)
    row = c["screens"].get(c.param(name))
    if row is None:
        raise JiraError(404, "The screen was not found.")
    return row


def _shape(row: Row) -> dict[str, Any]:
    return {"id": int(row["id"]), "name": row["name"], "description": row["description"]}


@operation("GET", "/screens", "getScreens")
def screens(c: Context) -> Response:
    """Screens in pages."""
    c.need_admin(_ADMINS)
    return listed(c, "screens", _shape)


@operation("POST", "/screens", "createScreen")
def create(c: Context) -> Response:
    """A screen with one tab and no fields."""
    c.need_admin(_ADMINS)
    body = c.body()
    name = free_name(c, "screens", named(body), "The name is used by another screen.")
    key = new_id(c.twin, "screen", 10_000)
    row = {
        "id": key,
        "name": name,
        "description": described(body, longest=255),
        "tabs": [{"id": _tab_id(c), "name": "Field Tab", "fields": []}],
    }
    c["screens"].put(key, row)
    return reply(_shape(row), 201)


def _tab_id(c: Context) -> int:
    return int(new_id(c.twin, "screentab", 10_100))


@operation("PUT", "/screens/{screenId}", "updateScreen")
def update(c: Context) -> Response:
    """Another name or description."""
    row = _screen(c)
    body = c.body()
    name = row["name"]
    if body.get("name") is not None:
        taken = "The name is used by another screen."
        name = free_name(c, "screens", named(body), taken, row["id"])
    new = {**row, "name": name, "description": described(body, row["description"], 255)}
    c["screens"].put(row["id"], new)
    return reply(_shape(new))


@operation("DELETE", "/screens/{screenId}", "deleteScreen")
def delete(c: Context) -> Response:
    """Delete a screen that nothing uses."""
    row = _screen(c)
    key = row["id"]
    if key == DEFAULT_SCREEN:
        raise JiraError(400, "The default screen cannot be deleted.")
    if any(key in scheme["screens"].values() for scheme in c["screenschemes"].rows()):
        raise JiraError(400, "The screen is used in a screen scheme.")
    for workflow in c["workflows"].rows():
        if any(step["screen"] == key for step in workflow["transitions"]):
            raise JiraError(400, "The screen is used in a workflow.")
    c["screens"].delete(key)
    return empty()


@operation("GET", "/screens/{screenId}/availableFields", "getAvailableScreenFields")
def available(c: Context) -> Response:
    """The fields that are not on a screen yet."""
    row = _screen(c)
    taken = {name for tab in row["tabs"] for name in tab["fields"]}
    return reply(
        [
            {"id": field.id, "name": field.name}
            for field in fields_of(c).values()
            if field.settable and field.id not in taken and field.id not in ("project", "parent")
        ]
    )


@operation("POST", "/screens/addToDefault/{fieldId}", "addFieldToDefaultScreen")
def add_to_default(c: Context) -> Response:
    """Put a field on the default screen."""
    c.need_admin(_ADMINS)
    key = c.param("fieldId")
    if key not in fields_of(c):
        raise JiraError(404, f"The field '{key[:60]}' was not found.")
    row = c["screens"][DEFAULT_SCREEN]
    if any(key in tab["fields"] for tab in row["tabs"]):
        raise JiraError(404, f"The field with id '{key}' is already on the screen.")
    _put_tab(c, row, {**row["tabs"][0], "fields": [*row["tabs"][0]["fields"], key]})
    return reply({})


# -- tabs


def _tab_shape(tab: dict[str, Any]) -> dict[str, Any]:
    return {"id": tab["id"], "name": tab["name"]}


def _tab(c: Context) -> tuple[Row, dict[str, Any]]:
    row = _screen(c)
    for tab in row["tabs"]:
        if str(tab["id"]) == c.param("tabId"):
            return row, tab
    raise JiraError(404, "The screen tab was not found.")


def _put_tab(c: Context, row: Row, tab: dict[str, Any]) -> None:
    tabs = [tab if one["id"] == tab["id"] else one for one in row["tabs"]]
    c["screens"].put(row["id"], {**row, "tabs": tabs})


@operation("GET", "/screens/tabs", "getBulkScreenTabs")
def bulk_tabs(c: Context) -> Response:
    """Tabs of several screens with their fields."""
    c.need_admin(_ADMINS)
    screens_, tabs = c.query_list("screenId"), c.query_list("tabId")
    if not screens_ and not tabs:
        raise JiraError(400, "The screen ID or the tab ID must be given.")
    found = []
    for row in c["screens"].rows():
        if screens_ and row["id"] not in screens_:
            continue
        for n, tab in enumerate(row["tabs"]):
            if not tabs or str(tab["id"]) in tabs:
                known = fields_of(c)
                fields = [
                    {"id": key, "name": known[key].name} for key in tab["fields"] if key in known
                ]
                found.append(
                    {**_tab_shape(tab), "screenId": int(row["id"]), "position": n,
                     "fields": fields}
                )  # fmt: skip
    return page(c, found, lambda one: one, 100, 100)


@operation("GET", "/screens/{screenId}/tabs", "getAllScreenTabs")
def tabs(c: Context) -> Response:
    """The tabs of a screen."""
    return reply([_tab_shape(tab) for tab in _screen(c)["tabs"]])


@operation("POST", "/screens/{screenId}/tabs", "addScreenTab")
def add_tab(c: Context) -> Response:
    """A tab at the end."""
    row = _screen(c)
    name = named(c.body())
    if any(tab["name"].lower() == name.lower() for tab in row["tabs"]):
        raise JiraError(400, "The name is used by another tab of the screen.")
    tab = {"id": _tab_id(c), "name": name, "fields": []}
    c["screens"].put(row["id"], {**row, "tabs": [*row["tabs"], tab]})
    return reply(_tab_shape(tab))


@operation("PUT", "/screens/{screenId}/tabs/{tabId}", "renameScreenTab")
def rename_tab(c: Context) -> Response:
    """Another name for a tab."""
    row, tab = _tab(c)
    name = named(c.body())
    if any(one["name"].lower() == name.lower() and one["id"] != tab["id"] for one in row["tabs"]):
        raise JiraError(400, "The name is used by another tab of the screen.")
    new = {**tab, "name": name}
    _put_tab(c, row, new)
    return reply(_tab_shape(new))


@operation("DELETE", "/screens/{screenId}/tabs/{tabId}", "deleteScreenTab")
def delete_tab(c: Context) -> Response:
    """Delete a tab with the fields on it."""
    row, tab = _tab(c)
    kept = [one for one in row["tabs"] if one["id"] != tab["id"]]
    c["screens"].put(row["id"], {**row, "tabs": kept})
    return empty()


@operation("POST", "/screens/{screenId}/tabs/{tabId}/move/{pos}", "moveScreenTab")
def move_tab(c: Context) -> Response:
    """Put a tab in another place, counted from 0."""
    row, tab = _tab(c)
    position = c.param("pos")
    if not position.isdecimal() or int(position[:6]) >= len(row["tabs"]):
        raise JiraError(404, "The position is invalid.")
    kept = [one for one in row["tabs"] if one["id"] != tab["id"]]
    kept.insert(int(position), tab)
    c["screens"].put(row["id"], {**row, "tabs": kept})
    return empty()


# -- fields on tabs


@operation("GET", "/screens/{screenId}/tabs/{tabId}/fields", "getAllScreenTabFields")
def tab_fields(c: Context) -> Response:
    """The fields of a tab."""
    known = fields_of(c)
    fields = _tab(c)[1]["fields"]
    return reply([{"id": key, "name": known[key].name} for key in fields if key in known])


@operation("POST", "/screens/{screenId}/tabs/{tabId}/fields", "addScreenTabField")
def add_field(c: Context) -> Response:
    """Put a field on a tab; a screen has each field once."""
    row, tab = _tab(c)
    key = c.body().get("fieldId")
    known = fields_of(c)
    if not isinstance(key, str) or key not in known:
        raise JiraError(404, f"The field '{str(key)[:60]}' was not found.")
    if any(key in one["fields"] for one in row["tabs"]):
        raise JiraError(400, f"The field with id '{key}' already exists on the screen.")
    _put_tab(c, row, {**tab, "fields": [*tab["fields"], key]})
    return reply({"id": key, "name": known[key].name})


def _field_on(c: Context) -> tuple[Row, dict[str, Any], str]:
    row, tab = _tab(c)
    key = c.param("id")
    if key not in tab["fields"]:
        raise JiraError(404, f"The field with id '{key[:60]}' is not on the tab.")
    return row, tab, key


@operation("DELETE", "/screens/{screenId}/tabs/{tabId}/fields/{id}", "removeScreenTabField")
def remove_field(c: Context) -> Response:
    """Take a field off a tab."""
    row, tab, key = _field_on(c)
    _put_tab(c, row, {**tab, "fields": [one for one in tab["fields"] if one != key]})
    return empty()


@operation("POST", "/screens/{screenId}/tabs/{tabId}/fields/{id}/move", "moveScreenTabField")
def move_field(c: Context) -> Response:
    """Put a field in another place: after another one, or by a word."""
    row, tab, key = _field_on(c)
    body = c.body()
    at = tab["fields"].index(key)
    kept = [one for one in tab["fields"] if one != key]
    after = str(body["after"]).rstrip("/").rpartition("/")[2] if body.get("after") else ""
    if after:
        if after not in kept:
            raise JiraError(404, f"The field with id '{after[:60]}' is not on the tab.")
        at = kept.index(after) + 1
    else:
        places = {"Earlier": at - 1, "Later": at + 1, "First": 0, "Last": len(kept)}
        if str(body.get("position")) not in places:
            raise JiraError(400, "Either 'after' or 'position' must be specified.")
        at = max(0, min(places[str(body["position"])], len(kept)))
    kept.insert(at, key)
    _put_tab(c, row, {**tab, "fields": kept})
    return empty()
