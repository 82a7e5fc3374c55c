"""notificationscheme: who is written to when something happens. Nothing is sent."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .groups_of import group_named, group_reference
from .pages import page
from .shapes import user_shape
from .site import EVENTS
from .state import new_id

_TYPES: Final = frozenset(
    {
        *("CurrentAssignee", "Reporter", "CurrentUser", "ProjectLead", "ComponentLead", "User"),
        *("Group", "ProjectRole", "EmailAddress", "AllWatchers", "UserCustomField"),
        "GroupCustomField",
    }
)
_NEEDS: Final = frozenset({"User", "Group", "ProjectRole", "UserCustomField", "GroupCustomField",
                           "EmailAddress"})  # fmt: skip
_DEFAULT: Final[Row] = {
    "id": "10000",
    "name": "Default Notification Scheme",
    "description": "",
    "events": {
        str(number): [
            {"id": 10_000 + number * 3 + n, "type": kind, "parameter": ""}
            for n, kind in enumerate(("CurrentAssignee", "Reporter", "AllWatchers"))
        ]
        for number in range(1, 17)
    },
}


def _rows(c: Context) -> list[Row]:
    kept = list(c["notificationschemes"].rows())
    known = any(row["id"] == _DEFAULT["id"] for row in kept)
    return kept if known else [_DEFAULT, *kept]


def _one(c: Context, key: str) -> Row:
    for row in _rows(c):
        if row["id"] == key:
            return row
    raise JiraError(404, f"The notification scheme with id '{key[:40]}' does not exist.")


def _of_project(project: Row) -> str:
    return str(project.get("notification_scheme") or _DEFAULT["id"])


def _notification(c: Context, row: Row) -> dict[str, Any]:
    shape: dict[str, Any] = {"id": row["id"], "notificationType": row["type"]}
    value = row["parameter"]
    if value:
        shape["parameter"] = value
        shape["recipient"] = value
    if row["type"] == "User":
        shape["user"] = user_shape(c, value)
    elif row["type"] == "Group":
        name = group_named(c, {"groupId": value, "name": value})
        if name:
            shape["group"] = group_reference(c, name)
    elif row["type"] == "EmailAddress":
        shape["emailAddress"] = value
    elif row["type"] == "ProjectRole":
        role = c["roles"].get(value)
        if role is not None:
            shape["projectRole"] = {
                "self": f"{c.api}/role/{role['id']}",
                "name": role["name"],
                "id": int(role["id"]),
                "description": role["description"],
            }
    return shape


def _shape(c: Context, row: Row) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "expand": "notificationSchemeEvents,user,group,projectRole,field,all",
        "id": int(row["id"]),
        "self": f"{c.api}/notificationscheme/{row['id']}",
        "name": row["name"],
        "description": row["description"],
    }
    if c.query_list("expand"):
        shape["notificationSchemeEvents"] = [
            {
                "event": {"id": int(key), "name": EVENTS[int(key) - 1], "description": ""},
                "notifications": [_notification(c, item) for item in items],
            }
            for key, items in row["events"].items()
        ]
    if c.cloud:
        mine = [int(p["id"]) for p in c["projects"].rows() if _of_project(p) == row["id"]]
        shape["projects"] = mine
    return shape


def _numbers(c: Context, name: str) -> set[str]:
    found = {value for key, value in c.call.request.query_pairs if key == name}
    if any(not value.isdecimal() for value in found):
        raise JiraError(400, f"The '{name}' must be a number.")
    return found


@operation("GET", "/notificationscheme", "getNotificationSchemes")
def listed(c: Context) -> Response:
    """Schemes by id and project."""
    keys, projects = _numbers(c, "id"), _numbers(c, "projectId")
    used = {_of_project(row) for row in c["projects"].rows() if row["id"] in projects}
    rows = [
        row
        for row in _rows(c)
        if (not keys or row["id"] in keys)
        and (not projects or row["id"] in used)
        and (not c.query_flag("onlyDefault") or row["id"] == _DEFAULT["id"])
    ]
    return page(c, rows, lambda row: _shape(c, row))


@operation("GET", "/notificationscheme/project", "getNotificationSchemeToProjectMappings")
def mappings(c: Context) -> Response:
    """Which project has which scheme."""
    c.need_admin()
    keys, projects = _numbers(c, "notificationSchemeId"), _numbers(c, "projectId")
    rows = [
        row
        for row in c["projects"].rows()
        if (not projects or row["id"] in projects) and (not keys or _of_project(row) in keys)
    ]
    return page(
        c, rows, lambda row: {"notificationSchemeId": _of_project(row), "projectId": row["id"]}
    )


@operation("GET", "/notificationscheme/{id}", "getNotificationScheme")
def get(c: Context) -> Response:
    """A scheme."""
    return reply(_shape(c, _one(c, c.param("id"))))


@operation("GET", "/project/{projectKeyOrId}/notificationscheme", "getNotificationSchemeForProject")
def of_project(c: Context) -> Response:
    """The scheme of a project."""
    project = c.project(c.param("projectKeyOrId"))
    if not c.may("ADMINISTER_PROJECTS", project):
        raise JiraError(404, f"No project could be found with key '{project['key']}'.")
    return reply(_shape(c, _one(c, _of_project(project))))


def _name(c: Context, body: dict[str, Any], key: str) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > 255:
        raise JiraError(400, "The name of the scheme must have from 1 to 255 characters.")
    if any(row["name"].lower() == name.strip().lower() and row["id"] != key for row in _rows(c)):
        raise JiraError(400, "A notification scheme with this name already exists.")
    return name.strip()


def _events(c: Context, given: Any) -> dict[str, list[Row]]:
    """Notifications by event as a body has them, with new ids. Raises 400."""
    if not isinstance(given, list):
        raise JiraError(400, "The events of the scheme must be a list.")
    found: dict[str, list[Row]] = {}
    for item in given:
        event = item.get("event") if isinstance(item, dict) else None
        key = str(event.get("id")) if isinstance(event, dict) else ""
        if not key.isdecimal() or not 1 <= int(key) <= len(EVENTS):
            raise JiraError(400, f"The event '{key[:40]}' does not exist.")
        notifications = item.get("notifications")
        if not isinstance(notifications, list) or not notifications:
            raise JiraError(400, "Every event needs its notifications.")
        for notification in notifications:
            kind = notification.get("notificationType") if isinstance(notification, dict) else None
            if kind not in _TYPES:
                raise JiraError(400, f"The notification type '{str(kind)[:40]}' does not exist.")
            value = notification.get("parameter")
            if kind in _NEEDS and not value:
                raise JiraError(400, f"The notification type '{kind}' needs a parameter.")
            number = c.twin.ids.count("notification", 20_000)
            row = {"id": number, "type": kind, "parameter": str(value or "")}
            found.setdefault(key, []).append(row)
    return found


@operation("POST", "/notificationscheme", "createNotificationScheme")
def create(c: Context) -> Response:
    """A new scheme."""
    c.need_admin()
    body = c.body()
    name = _name(c, body, "")
    events = _events(c, body.get("notificationSchemeEvents") or [])
    key = new_id(c.twin, "notificationscheme", 10_001)
    row = {"id": key, "name": name, "description": str(body.get("description") or "")}
    c["notificationschemes"].put(key, {**row, "events": events})
    return reply({"id": key}, 201)


@operation("PUT", "/notificationscheme/{id}", "updateNotificationScheme")
def update(c: Context) -> Response:
    """Change the name and the description."""
    c.need_admin()
    row = dict(_one(c, c.param("id")))
    body = c.body()
    if "name" in body:
        row["name"] = _name(c, body, row["id"])
    if "description" in body:
        row["description"] = str(body["description"] or "")
    c["notificationschemes"].put(row["id"], row)
    return empty()


@operation("PUT", "/notificationscheme/{id}/notification", "addNotifications")
def add(c: Context) -> Response:
    """Add notifications."""
    c.need_admin()
    row = _one(c, c.param("id"))
    more = _events(c, c.body().get("notificationSchemeEvents"))
    events = {key: list(items) for key, items in row["events"].items()}
    for key, items in more.items():
        known = [(item["type"], item["parameter"]) for item in events.get(key, [])]
        for item in items:
            if (item["type"], item["parameter"]) in known:
                raise JiraError(400, "The scheme has this notification already.")
        events[key] = [*events.get(key, []), *items]
    c["notificationschemes"].put(row["id"], {**row, "events": events})
    return empty()


@operation("DELETE", "/notificationscheme/{notificationSchemeId}", "deleteNotificationScheme")
def delete(c: Context) -> Response:
    """Delete a scheme that no project has."""
    c.need_admin()
    row = _one(c, c.param("notificationSchemeId"))
    if any(_of_project(project) == row["id"] for project in c["projects"].rows()):
        raise JiraError(400, "The notification scheme is used by projects.")
    if row["id"] == _DEFAULT["id"]:
        raise JiraError(400, "The default notification scheme cannot be deleted.")
    c["notificationschemes"].delete(row["id"])
    return empty()


@operation(
    "DELETE",
    "/notificationscheme/{notificationSchemeId}/notification/{notificationId}",
    "removeNotificationFromNotificationScheme",
)
def remove(c: Context) -> Response:
    """Remove a notification."""
    c.need_admin()
    row = _one(c, c.param("notificationSchemeId"))
    wanted = c.param("notificationId")
    events = {
        key: [item for item in items if str(item["id"]) != wanted]
        for key, items in row["events"].items()
    }
    if events == row["events"]:
        raise JiraError(404, f"The notification with id '{wanted[:40]}' does not exist.")
    kept = {key: items for key, items in events.items() if items}
    c["notificationschemes"].put(row["id"], {**row, "events": kept})
    return empty()
