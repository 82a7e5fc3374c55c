"""project: archive, trash and restore, hierarchy, types, features, properties, email, names."""

import re
from typing import Any, Final

from factory_tui.universe import Response, Row

from .audit import record
from .context import Context, empty, operation, reply
from .errors import JiraError
from .projects import remove_project
from .properties import Owner, register
from .shapes import project_shape
from .tasks import submit, task_link, task_shape, work
from .telling import project_event

__all__ = ["archive_project", "restore_project"]

_KEY: Final = re.compile(r"[A-Z][A-Z0-9]{1,9}\Z")


def _admin(c: Context, name: str = "projectIdOrKey", status: int = 403) -> Row:
    """A project that the caller administers."""
    project = c.project(c.param(name))
    if not c.may("ADMINISTER_PROJECTS", project):
        raise JiraError(status, "You do not have permission to administer this project.")
    return project


@operation("GET", "/project/recent", "getRecent")
def recent(c: Context) -> Response:
    """Up to 20 projects, those with the latest issues first."""
    rows = [row for row in c["projects"].rows() if c.may_see(row) and not row.get("archived")]

    def latest(row: Row) -> str:
        keys = c["issues"].find("project", row["id"])
        return str(c["issues"][keys[-1]]["updated"]) if keys else ""

    rows.sort(key=latest, reverse=True)
    return reply([project_shape(c, row) for row in rows[:20]])


# -- archive, trash


@operation("POST", "/project/{projectIdOrKey}/archive", "archiveProject")
def archive_project(c: Context) -> Response:
    """Archive a project: it can be seen and not changed."""
    project = c.project(c.param("projectIdOrKey"))
    c.need_admin("You do not have permission to archive projects.")
    if project.get("archived"):
        raise JiraError(400, f"Project '{project['key']}' is archived already.")
    c["projects"].put(project["id"], {**project, "archived": c.now, "archived_by": c.me})
    record(c, "projects", "Project archived", "PROJECT", project["id"], project["name"])
    project_event(c, "archived_deferred", project)
    return empty()


@operation("POST", "/project/{projectIdOrKey}/restore", "restore")
def restore_project(c: Context) -> Response:
    """Bring a project back from the archive or the trash."""
    c.need_admin("You do not have permission to restore projects.")
    key = c.param("projectIdOrKey")
    project = c["projects"].get(key) or c["projects"].first("key", key.upper())
    if project is None:
        raise JiraError(404, f"No project could be found with key '{key}'.")
    if not project.get("archived") and not project.get("trashed"):
        raise JiraError(400, f"Project '{project['key']}' is neither archived nor deleted.")
    was = "archived" if project.get("archived") else "deleted"
    gone = ("archived", "archived_by", "trashed", "trashed_by")
    kept = {name: value for name, value in project.items() if name not in gone}
    c["projects"].put(project["id"], kept)
    project_event(c, f"restored_{was}", kept)
    return reply(project_shape(c, kept, full=True))


@operation("POST", "/project/{projectIdOrKey}/delete", "deleteProjectAsynchronously")
def delete(c: Context) -> Response:
    """Delete a project for good, as a task."""
    project = c.project(c.param("projectIdOrKey"))
    c.need_admin("You do not have permission to delete projects.")
    row = submit(c, "Delete project", "delete project", project["id"])
    answer = reply(task_shape(c, row), 303)
    answer.headers.append(("location", task_link(c, row)))
    return answer


@work("delete project")
def _delete(c: Context, key: str) -> Any:
    project = c["projects"].get(key)
    if project is None:
        raise JiraError(404, f"No project could be found with key '{key}'.")
    remove_project(c, project)
    return f"Project {project['key']} deleted."


# -- types


_TYPES: Final = {
    "product_discovery": ("Product Discovery", "#F5A623"),
    "software": ("Software", "#F5A623"),
    "service_desk": ("Service Desk", "#67AB49"),
    "business": ("Business", "#1D73C8"),
}
_LICENSED: Final = ("software", "business")


def _type_shape(key: str) -> dict[str, Any]:
    name, color = _TYPES[key]
    return {
        "key": key,
        "formattedKey": name,
        "descriptionI18nKey": f"jira.project.type.{key}.description",
        "icon": "",
        "color": color,
    }


@operation("GET", "/project/type", "getAllProjectTypes")
def types(c: Context) -> Response:
    """All types of projects, licensed or not."""
    return reply([_type_shape(key) for key in _TYPES])


@operation("GET", "/project/type/accessible", "getAllAccessibleProjectTypes")
def accessible_types(c: Context) -> Response:
    """Those the site has a licence for."""
    return reply([_type_shape(key) for key in _LICENSED])


def _type(c: Context, known: Any) -> Response:
    key = c.param("projectTypeKey")
    if key not in known:
        raise JiraError(404, f"The project type '{key[:40]}' does not exist.")
    return reply(_type_shape(key))


@operation("GET", "/project/type/{projectTypeKey}", "getProjectTypeByKey")
def one_type(c: Context) -> Response:
    """A type of project."""
    return _type(c, _TYPES)


@operation("GET", "/project/type/{projectTypeKey}/accessible", "getAccessibleProjectTypeByKey")
def one_accessible(c: Context) -> Response:
    """A type of project that the site has a licence for."""
    return _type(c, _LICENSED)


@operation("GET", "/project/{projectId}/hierarchy", "getHierarchy")
def hierarchy(c: Context) -> Response:
    """The levels of a project's issue types."""
    project = c.project(c.param("projectId"))
    names = {1: "Epic", 0: "Base", -1: "Subtask"}
    levels = []
    for level in (-1, 0, 1):
        rows = [c["issuetypes"][key] for key in project["types"]]
        found = [
            {"id": int(row["id"]), "name": row["name"], "avatarId": 10300 + int(row["id"]) % 100}
            for row in rows
            if row["level"] == level
        ]
        levels.append({"level": level, "name": names[level], "issueTypes": found})
    return reply({"projectId": int(project["id"]), "hierarchy": levels})


# -- features, properties, email


_FEATURES: Final = (
    ("jsw.classic.roadmap", "Timeline", "Plan epics over time."),
    ("jsw.classic.backlog", "Backlog", "Plan and prioritise work."),
    ("jsw.classic.board", "Board", "Follow the progress of work."),
    ("jsw.classic.reports", "Reports", "See how the team does."),
    ("jsw.classic.releases", "Releases", "Plan versions."),
)


def _features(project: Row) -> dict[str, Any]:
    off = project.get("features_off", ())
    return {
        "features": [
            {
                "projectId": int(project["id"]),
                "state": "DISABLED" if key in off else "ENABLED",
                "toggleLocked": False,
                "feature": key,
                "prerequisites": [],
                "localisedName": name,
                "localisedDescription": text,
                "imageUri": "",
            }
            for key, name, text in _FEATURES
        ]
    }


@operation("GET", "/project/{projectIdOrKey}/features", "getFeaturesForProject")
def features(c: Context) -> Response:
    """What is switched on for a project."""
    return reply(_features(c.project(c.param("projectIdOrKey"))))


@operation("PUT", "/project/{projectIdOrKey}/features/{featureKey}", "toggleFeatureForProject")
def toggle(c: Context) -> Response:
    """Switch a feature on or off."""
    project = _admin(c)
    key = c.param("featureKey")
    if key not in {feature[0] for feature in _FEATURES}:
        raise JiraError(404, f"The feature '{key[:60]}' does not exist.")
    state = c.body().get("state")
    if state not in ("ENABLED", "DISABLED"):
        raise JiraError(400, "The state must be ENABLED or DISABLED.")
    off = [item for item in project.get("features_off", ()) if item != key]
    changed = {**project, "features_off": off if state == "ENABLED" else [*off, key]}
    c["projects"].put(project["id"], changed)
    return reply(_features(changed))


def _owner(c: Context, change: bool) -> Owner:
    project = _admin(c) if change else c.project(c.param("projectIdOrKey"))
    return Owner(f"project/{project['id']}", f"{c.api}/project/{project['id']}/properties/")


register(
    "/project/{projectIdOrKey}/properties",
    ("getProjectPropertyKeys", "getProjectProperty", "setProjectProperty", "deleteProjectProperty"),
    _owner,
)


@operation("GET", "/project/{projectId}/email", "getProjectEmail")
def email(c: Context) -> Response:
    """The sender of a project's mail."""
    project = c.project(c.param("projectId"))
    known = project.get("email") or f"jira@{c.call.request.host.partition(':')[0]}"
    return reply({"emailAddress": known, "emailAddressStatus": []})


@operation("PUT", "/project/{projectId}/email", "updateProjectEmail")
def set_email(c: Context) -> Response:
    """Choose it; the empty one is the default again."""
    project = _admin(c, "projectId")
    address = c.body().get("emailAddress")
    if address not in (None, "") and (not isinstance(address, str) or "@" not in address):
        raise JiraError(400, "The email address is not valid.")
    c["projects"].put(project["id"], {**project, "email": address or ""})
    return empty()


# -- names that are free


def _key_problem(c: Context, key: str) -> str:
    if not key:
        return "You must specify a valid project key."
    if len(key) < 2:
        return "The project key must be at least 2 characters long."
    if not _KEY.match(key):
        return (
            "Project keys must start with an uppercase letter, followed by one or more uppercase "
            "alphanumeric characters."
        )
    taken = c["projects"].first("key", key)
    return f"Project '{taken['name']}' uses this project key." if taken else ""


@operation("GET", "/projectvalidate/key", "validateProjectKey")
def validate(c: Context) -> Response:
    """What is wrong with a key, in an answer that is fine."""
    problem = _key_problem(c, c.query("key"))
    errors = {"projectKey": problem} if problem else {}
    return reply({"errorMessages": [], "errors": errors})


@operation("GET", "/projectvalidate/validProjectKey", "getValidProjectKey")
def valid_key(c: Context) -> Response:
    """The key, or one like it that is free."""
    key = c.query("key")
    if not _key_problem(c, key):
        return reply(key)
    base = re.sub(r"[^A-Z0-9]", "", key.upper())[:8].lstrip("0123456789") or "KEY"
    base = base if len(base) > 1 else base + "A"
    for number in range(1000):
        found = base if number == 0 else f"{base}{number}"
        if not _key_problem(c, found):
            return reply(found)
    return reply("")


@operation("GET", "/projectvalidate/validProjectName", "getValidProjectName")
def valid_name(c: Context) -> Response:
    """The name, or one like it that is free."""
    name = c.query("name").strip()
    if not name:
        raise JiraError(400, "The project name must be specified.")
    taken = {row["name"].lower() for row in c["projects"].rows()}
    found, number = name, 2
    while found.lower() in taken:
        found, number = f"{name} {number}", number + 1
    return reply(found)
