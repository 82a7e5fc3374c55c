"""What there is one of per site: banner, properties, licence, time tracking, roles of products."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .groups_of import group_reference

__all__ = ["EVENTS", "time_tracking"]


def _set(c: Context, **changes: Any) -> None:
    c["site"].put("site", {**c.site, **changes})


# -- banner


_BANNER: Final = {
    "message": "",
    "isDismissible": False,
    "isEnabled": False,
    "hashId": "",
    "visibility": "public",
}


@operation("GET", "/announcementBanner", "getBanner")
def banner(c: Context) -> Response:
    """The announcement over every page."""
    c.need_admin()
    return reply(c.site.get("banner") or _BANNER)


@operation("PUT", "/announcementBanner", "setBanner")
def set_banner(c: Context) -> Response:
    """Change it."""
    c.need_admin()
    body = c.body()
    row = dict(c.site.get("banner") or _BANNER)
    for name in ("isDismissible", "isEnabled"):
        if name in body:
            if not isinstance(body[name], bool):
                raise JiraError(400, f"'{name}' must be true or false.")
            row[name] = body[name]
    if "message" in body:
        if not isinstance(body["message"], str) or len(body["message"]) > 32_767:
            raise JiraError(400, "The message of the banner is not valid.")
        row["message"] = body["message"]
        row["hashId"] = c.twin.ids.mint("banner", 8, alphabet="0123456789")
    if "visibility" in body:
        if body["visibility"] not in ("public", "private"):
            raise JiraError(400, "The visibility must be public or private.")
        row["visibility"] = body["visibility"]
    _set(c, banner=row)
    return empty()


# -- application properties


_PROPERTIES: Final = (
    ("jira.title", "Title", "The name of the site.", "string", ""),
    ("jira.option.voting", "Allow users to vote on issues", "", "boolean", "true"),
    ("jira.option.watching", "Allow users to watch issues", "", "boolean", "true"),
    ("jira.option.allowunassigned", "Allow unassigned issues", "", "boolean", "true"),
    ("jira.option.issuelinking", "Issue linking", "", "boolean", "true"),
    ("jira.clone.prefix", "The prefix added to the Summary field of cloned issues", "", "string",
     "CLONE -"),
    ("jira.date.picker.java.format", "Date Picker Format (Java)", "", "string", "d/MMM/yy"),
    ("jira.issue.actions.order", "Order of actions", "", "string", "asc"),
    ("jira.lf.date.complete", "Complete Date/Time Format", "", "string", "dd/MMM/yy h:mm a"),
    ("jira.lf.date.dmy", "Day Format", "", "string", "dd/MMM/yy"),
)  # fmt: skip
_ADVANCED: Final = (
    "jira.clone.prefix",
    "jira.date.picker.java.format",
    "jira.issue.actions.order",
)


def _property(c: Context, row: tuple[str, str, str, str, str]) -> dict[str, Any]:
    key, name, text, kind, default = row
    if key == "jira.title":
        default = c.site["title"]
    values = c.site.get("properties") or {}
    shape = {
        "id": key,
        "key": key,
        "value": values.get(key, default),
        "name": name,
        "desc": text,
        "type": kind,
        "defaultValue": default,
    }
    return shape if kind != "boolean" else {**shape, "allowedValues": ["true", "false"]}


@operation("GET", "/application-properties", "getApplicationProperty")
def properties(c: Context) -> Response:
    """The site's properties: all, the one with ``key``, those like ``keyFilter``."""
    c.need_admin()
    key, pattern = c.query("key"), c.query("keyFilter").replace(".*", "")
    if key:
        for row in _PROPERTIES:
            if row[0] == key:
                found = _property(c, row)
                return reply([found] if c.cloud else found)
        raise JiraError(404, f"The application property with key '{key[:60]}' does not exist.")
    return reply([_property(c, row) for row in _PROPERTIES if pattern in row[0]])


@operation("GET", "/application-properties/advanced-settings", "getAdvancedSettings")
def advanced(c: Context) -> Response:
    """Those on the page of advanced settings."""
    c.need_admin()
    return reply([_property(c, row) for row in _PROPERTIES if row[0] in _ADVANCED])


@operation("PUT", "/application-properties/{id}", "setApplicationProperty")
def set_property(c: Context) -> Response:
    """Change one."""
    c.need_admin()
    key = c.param("id")
    row = next((row for row in _PROPERTIES if row[0] == key), None)
    if row is None:
        raise JiraError(404, f"The application property with key '{key[:60]}' does not exist.")
    value = c.body().get("value")
    if not isinstance(value, str):
        raise JiraError(400, "The value of the property must be a string.")
    if row[3] == "boolean" and value not in ("true", "false"):
        raise JiraError(400, "The value of the property must be true or false.")
    _set(c, properties={**(c.site.get("properties") or {}), key: value})
    return reply(_property(c, row))


# -- roles of products, licence


_APPLICATIONS: Final = {"jira-software": ("Jira Software", "jira-software-users")}


def _role(c: Context, key: str) -> dict[str, Any]:
    name, group = _APPLICATIONS[key]
    seats = sum(group in row["groups"] and row["active"] for row in c["users"].rows())
    reference = group_reference(c, group)
    shape: dict[str, Any] = {
        "key": key,
        "groups": [group],
        "name": name,
        "defaultGroups": [group],
        "selectedByDefault": False,
        "defined": True,
        "numberOfSeats": 35_000,
        "remainingSeats": 35_000 - seats,
        "userCount": seats,
        "userCountDescription": f"{seats} {name} users",
        "hasUnlimitedSeats": False,
        "platform": False,
    }
    return {**shape, "groupDetails": [reference], "defaultGroupsDetails": [reference]}


@operation("GET", "/applicationrole", "getAllApplicationRoles")
def roles(c: Context) -> Response:
    """Which groups may use which product."""
    c.need_admin()
    return reply([_role(c, key) for key in _APPLICATIONS])


@operation("GET", "/applicationrole/{key}", "getApplicationRole")
def role(c: Context) -> Response:
    """The same for one product."""
    c.need_admin()
    if c.param("key") not in _APPLICATIONS:
        raise JiraError(404, f"No application role with key '{c.param('key')[:40]}' exists.")
    return reply(_role(c, c.param("key")))


@operation("GET", "/instance/license", "getLicense")
def license_(c: Context) -> Response:
    """What is paid for."""
    return reply({"applications": [{"id": key, "plan": "PAID"} for key in _APPLICATIONS]})


def _users(c: Context) -> str:
    return str(sum(row["active"] and not row["app"] for row in c["users"].rows()))


@operation("GET", "/license/approximateLicenseCount", "getApproximateLicenseCount")
def seats(c: Context) -> Response:
    """About how many people use the site."""
    c.need_admin()
    return reply({"key": "license.totalApproximateUserCount", "value": _users(c)})


@operation(
    "GET",
    "/license/approximateLicenseCount/product/{applicationKey}",
    "getApproximateApplicationLicenseCount",
)
def product_seats(c: Context) -> Response:
    """About how many people use a product."""
    c.need_admin()
    key = c.param("applicationKey")
    value = _users(c) if key in _APPLICATIONS else "0"
    return reply({"key": f"license.{key}.approximateUserCount", "value": value})


# -- time tracking


_TRACKING: Final = {
    "workingHoursPerDay": 8.0,
    "workingDaysPerWeek": 5.0,
    "timeFormat": "pretty",
    "defaultUnit": "minute",
}
_PROVIDER: Final = {"key": "JIRA", "name": "JIRA provided time tracking"}


def time_tracking(c: Context) -> dict[str, Any]:
    """How durations are counted and written."""
    found: dict[str, Any] = c.site.get("tracking") or _TRACKING
    return found


@operation("GET", "/configuration/timetracking", "getSelectedTimeTrackingImplementation")
def provider(c: Context) -> Response:
    """Who tracks time."""
    c.need_admin()
    return reply(_PROVIDER)


@operation("PUT", "/configuration/timetracking", "selectTimeTrackingImplementation")
def select_provider(c: Context) -> Response:
    """Choose who does; there is Jira itself only."""
    c.need_admin()
    if c.body().get("key") != _PROVIDER["key"]:
        raise JiraError(400, "The time tracking provider does not exist.")
    return empty()


@operation("GET", "/configuration/timetracking/list", "getAvailableTimeTrackingImplementations")
def providers(c: Context) -> Response:
    """Who could."""
    c.need_admin()
    return reply([_PROVIDER])


@operation("GET", "/configuration/timetracking/options", "getSharedTimeTrackingConfiguration")
def tracking(c: Context) -> Response:
    """How durations are counted and written."""
    c.need_admin()
    return reply(time_tracking(c))


@operation("PUT", "/configuration/timetracking/options", "setSharedTimeTrackingConfiguration")
def set_tracking(c: Context) -> Response:
    """Change it."""
    c.need_admin()
    body = c.body()
    row: Row = {}
    for name, most in (("workingHoursPerDay", 24), ("workingDaysPerWeek", 7)):
        value = body.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            raise JiraError(400, f"'{name}' must be a number from 0 to {most}.")
        row[name] = float(value)
    for name, known in (
        ("timeFormat", ("pretty", "days", "hours")),
        ("defaultUnit", ("minute", "hour", "day", "week")),
    ):
        if body.get(name) not in known:
            raise JiraError(400, f"'{name}' must be one of {', '.join(known)}.")
        row[name] = body[name]
    _set(c, tracking=row)
    return reply(row)


# -- lists that never change


EVENTS: Final = (
    "Issue Created",
    "Issue Updated",
    "Issue Assigned",
    "Issue Resolved",
    "Issue Closed",
    "Issue Commented",
    "Issue Comment Edited",
    "Issue Reopened",
    "Issue Deleted",
    "Issue Moved",
    "Work Logged On Issue",
    "Work Started On Issue",
    "Work Stopped On Issue",
    "Issue Worklog Updated",
    "Issue Worklog Deleted",
    "Generic Event",
    "Issue Comment Deleted",
)


@operation("GET", "/events", "getEvents")
def events(c: Context) -> Response:
    """The events that notifications are sent for."""
    c.need_admin()
    return reply([{"id": number, "name": name} for number, name in enumerate(EVENTS, 1)])


@operation("GET", "/data-policy", "getPolicy")
def data_policy(c: Context) -> Response:
    """Whether anything is kept from apps: nothing is."""
    return reply({"anyContentBlocked": False})


@operation("GET", "/data-policy/project", "getPolicies")
def data_policies(c: Context) -> Response:
    """The same for projects."""
    keys = c.query_list("ids")
    if not keys:
        raise JiraError(400, "The ids of the projects must be specified.")
    found = [c.project(key) for key in keys]
    policies = [{"id": int(row["id"]), "dataPolicy": {"anyContentBlocked": False}} for row in found]
    return reply({"projectDataPolicies": policies})


_LEVELS: Final = (
    ("ari:cloud:platform::classification-tag/1", "Public", "#36B37E"),
    ("ari:cloud:platform::classification-tag/2", "Internal", "#FFAB00"),
    ("ari:cloud:platform::classification-tag/3", "Confidential", "#FF5630"),
)


def _level(number: int) -> dict[str, Any]:
    key, name, color = _LEVELS[number]
    return {
        "id": key,
        "status": "PUBLISHED",
        "name": name,
        "rank": number + 1,
        "description": "",
        "guideline": "",
        "color": color,
    }


@operation("GET", "/classification-levels", "getAllUserDataClassificationLevels")
def levels(c: Context) -> Response:
    """How confidential data can be."""
    wanted = c.query_list("status")
    rows = [_level(number) for number in range(len(_LEVELS))]
    if c.query("orderBy").startswith("-"):
        rows.reverse()
    return reply({"classifications": [r for r in rows if not wanted or r["status"] in wanted]})


_DEFAULT: Final = "/project/{projectIdOrKey}/classification-level/default"


@operation("GET", _DEFAULT, "getDefaultProjectClassification")
def level(c: Context) -> Response:
    """How confidential a project's data is by default."""
    project = c.project(c.param("projectIdOrKey"))
    keys = [row[0] for row in _LEVELS]
    chosen = project.get("classification")
    return reply(_level(keys.index(chosen)) if chosen in keys else {})


@operation("PUT", _DEFAULT, "updateDefaultProjectClassification")
def set_level(c: Context) -> Response:
    """Choose it."""
    project = c.project(c.param("projectIdOrKey"))
    key = c.body().get("id")
    if key not in [row[0] for row in _LEVELS]:
        raise JiraError(400, "The classification level does not exist.")
    if not c.may("ADMINISTER_PROJECTS", project):
        raise JiraError(401, "You do not have permission to administer this project.")
    c["projects"].put(project["id"], {**project, "classification": key})
    return empty()


@operation("DELETE", _DEFAULT, "removeDefaultProjectClassification")
def no_level(c: Context) -> Response:
    """Have none."""
    project = c.project(c.param("projectIdOrKey"))
    if not c.may("ADMINISTER_PROJECTS", project):
        raise JiraError(401, "You do not have permission to administer this project.")
    c["projects"].put(project["id"], {**project, "classification": ""})
    return empty()
