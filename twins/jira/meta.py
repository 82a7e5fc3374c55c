"""serverInfo and the lists of what exists: fields, types, statuses, priorities, labels."""

from typing import Any

from factory_tui.universe import Response, parse_time

from .context import Context, operation, reply, stamp
from .errors import JiraError
from .shapes import (
    category_shape,
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
