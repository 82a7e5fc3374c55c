"""serverInfo and the lists of what exists: fields, types, statuses, priorities, labels."""

from typing import Any

from factory_tui.universe import Response, parse_time

from .context import Context, operation, reply, stamp
from .errors import JiraError
from .shapes import (
    category_shape,
    priority_shape,
    resolution_shape,
    status_shape,
)


@operation("GET", "/serverInfo", "getServerInfo")
def server_info(c: Context) -> Response:
    """What kind of Jira this is; needs no login."""
    site = c.site
    return reply(
        {
            "baseUrl": c.call.request.base_url,
            "version": site["version"],
            "versionNumbers": site["numbers"],
            "deploymentType": site["deployment"],
            "buildNumber": site["build"],
            "buildDate": stamp(parse_time(site["epoch"])),
            "serverTime": c.now,
            "scmInfo": "0" * 40,
            "serverTitle": site["title"],
            "defaultLocale": {"locale": "en_US"},
            **({"serverTimeZone": "Etc/UTC"} if c.cloud else {}),
        }
    )


def _paged(rows: list[Any], start: int, size: int) -> dict[str, Any]:
    return {
        "maxResults": size,
        "startAt": start,
        "total": len(rows),
        "isLast": start + size >= len(rows),
        "values": rows[start : start + size],
    }


@operation("GET", "/priority", "getPriorities")
def priorities(c: Context) -> Response:
    """All priorities, the highest first."""
    return reply(
        [
            {**priority_shape(c, row), "statusColor": row["color"], "description": ""}
            for row in c["priorities"].rows()
        ]
    )


@operation("GET", "/priority/search", "searchPriorities")
def priority_search(c: Context) -> Response:
    """Priorities in pages."""
    start, size = c.page(50, 50)
    rows = [
        {
            **priority_shape(c, row),
            "statusColor": row["color"],
            "description": "",
            "isDefault": row["id"] == "3",
        }
        for row in c["priorities"].rows()
    ]
    return reply(_paged(rows, start, size))


@operation("GET", "/priority/{id}", "getPriority")
def one_priority(c: Context) -> Response:
    """A priority."""
    row = c["priorities"].get(c.param("id"))
    if row is None:
        raise JiraError(404, f"The priority with id '{c.param('id')}' does not exist")
    return reply({**priority_shape(c, row), "statusColor": row["color"], "description": ""})


@operation("GET", "/status", "getStatuses")
def statuses(c: Context) -> Response:
    """All statuses."""
    return reply([status_shape(c, row) for row in c["statuses"].rows()])


@operation("GET", "/status/{idOrName}", "getStatus")
def one_status(c: Context) -> Response:
    """A status by id or name."""
    wanted = c.param("idOrName")
    for row in c["statuses"].rows():
        if wanted == row["id"] or wanted.lower() == row["name"].lower():
            return reply(status_shape(c, row))
    raise JiraError(404, f"The status with id or name '{wanted}' does not exist")


@operation("GET", "/statuscategory", "getStatusCategories")
def categories(c: Context) -> Response:
    """The status categories."""
    return reply([category_shape(c, name) for name in ("new", "indeterminate", "done")])


@operation("GET", "/statuscategory/{idOrKey}", "getStatusCategory")
def category(c: Context) -> Response:
    """A status category."""
    wanted = c.param("idOrKey")
    for name in ("new", "indeterminate", "done"):
        shape = category_shape(c, name)
        if wanted in (str(shape["id"]), name):
            return reply(shape)
    raise JiraError(404, "The status category does not exist")


@operation("GET", "/resolution", "getResolutions")
def resolutions(c: Context) -> Response:
    """All resolutions."""
    return reply([resolution_shape(c, row) for row in c["resolutions"].rows()])


@operation("GET", "/resolution/{id}", "getResolution")
def one_resolution(c: Context) -> Response:
    """A resolution."""
    row = c["resolutions"].get(c.param("id"))
    if row is None:
        raise JiraError(404, f"The resolution with id '{c.param('id')}' does not exist")
    return reply(resolution_shape(c, row))


@operation("GET", "/label", "getAllLabels")
def labels(c: Context) -> Response:
    """Every label in use, sorted, in pages."""
    start, size = c.page(1000, 1000)
    found = sorted({label for row in c["issues"].rows() for label in row["labels"]})
    return reply(_paged(found, start, size))


@operation("GET", "/configuration", "getConfiguration")
def configuration(c: Context) -> Response:
    """What is switched on."""
    return reply(
        {
            "votingEnabled": True,
            "watchingEnabled": True,
            "unassignedIssuesAllowed": True,
            "subTasksEnabled": True,
            "issueLinkingEnabled": True,
            "timeTrackingEnabled": True,
            "attachmentsEnabled": True,
            "timeTrackingConfiguration": {
                "workingHoursPerDay": 8.0,
                "workingDaysPerWeek": 5.0,
                "timeFormat": "pretty",
                "defaultUnit": "minute",
            },
        }
    )


_PERMISSIONS = {
    "BROWSE_PROJECTS": "Browse Projects",
    "CREATE_ISSUES": "Create Issues",
    "EDIT_ISSUES": "Edit Issues",
    "DELETE_ISSUES": "Delete Issues",
    "TRANSITION_ISSUES": "Transition Issues",
    "ASSIGN_ISSUES": "Assign Issues",
    "ADD_COMMENTS": "Add Comments",
    "ADMINISTER_PROJECTS": "Administer Projects",
    "ADMINISTER": "Administer Jira",
}


@operation("GET", "/mypermissions", "getMyPermissions")
def my_permissions(c: Context) -> Response:
    """What the caller may do, in a project or at all."""
    wanted = c.query_list("permissions")
    if c.cloud and not wanted:
        raise JiraError(400, "The 'permissions' query parameter is required.")
    unknown = [name for name in wanted if name not in _PERMISSIONS]
    if unknown:
        raise JiraError(400, f"Unrecognized permission: {unknown[0]}")
    key = c.query("projectKey") or c.query("projectId")
    project = c.project(key) if key else None
    admin = bool(c.user and c.user["admin"])
    answer = {}
    for name in wanted or list(_PERMISSIONS):
        has = admin if name.startswith("ADMINISTER") else True
        if project is not None and name != "BROWSE_PROJECTS" and not c.may_write(project):
            has = False
        answer[name] = {
            "id": name,
            "key": name,
            "name": _PERMISSIONS[name],
            "type": "GLOBAL" if name == "ADMINISTER" else "PROJECT",
            "description": "",
            "havePermission": has,
        }
    return reply({"permissions": answer})
