"""How a caller sets the fields of an issue, and what Jira says of a wrong value."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final

from factory_tui.universe import Row

from . import agile_fields
from .adf import MAX_TEXT, NotADocumentError, plain, rich
from .config import scheme_of
from .context import Context
from .createmeta import priorities_of
from .customtypes import TYPES
from .durations import seconds_of
from .errors import bad_field
from .fields import FIELDS, fields_of
from .permits import holds, level_open
from .screening import not_on_screen

__all__ = ["automatic_assignee", "means_automatic", "set_field"]


def set_field(c: Context, issue: Row, name: str, value: Any) -> None:
    """Set a field of the draft ``issue``. Raises 400 with Jira's sentence about the field."""
    field = fields_of(c).get(name)
    setter = _SETTERS.get(name)
    if field is not None and name not in FIELDS:
        kind = TYPES[field.custom]
        issue[name] = kind.write(c, issue, name, value)
        return
    if field is None or setter is None or not field.settable:
        raise not_on_screen(name)
    setter(c, issue, value)


def _set_summary(_c: Context, issue: Row, value: Any) -> None:
    if value is None or value == "":
        raise bad_field("summary", "You must specify a summary of the issue.")
    if not isinstance(value, str):
        raise bad_field("summary", "Operation value must be a string")
    if not value.strip():
        raise bad_field("summary", "You must specify a summary of the issue.")
    if "\n" in value or "\r" in value:
        raise bad_field("summary", "The summary is invalid because it contains newline characters.")
    if len(value) > 255:
        raise bad_field("summary", "Summary can't exceed 255 characters.")
    issue["summary"] = value.strip()


def _set_rich(name: str) -> Callable[[Context, Row, Any], None]:
    def set_it(c: Context, issue: Row, value: Any) -> None:
        try:
            stored = rich(value, v3=c.v3)
        except NotADocumentError as error:
            wanted = (
                "an Atlassian Document (see the Atlassian Document Format)" if c.v3 else "a string"
            )
            raise bad_field(name, f"Operation value must be {wanted}") from error
        if len(plain(stored)) > MAX_TEXT:
            raise bad_field(
                name,
                "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
            )
        issue[name] = stored

    return set_it


def _set_labels(_c: Context, issue: Row, value: Any) -> None:
    if value is None:
        value = []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_field(
            "labels",
            "data was not an array"
            if not isinstance(value, list)
            else "string expected at index 0",
        )
    for label in value:
        if " " in label or not label:
            raise bad_field("labels", f"The label '{label}' contains spaces which is invalid.")
        if len(label) > 255:
            raise bad_field("labels", f"The label '{label}' exceeds the maximum length of 255.")
    issue["labels"] = sorted(set(value))


def _set_priority(c: Context, issue: Row, value: Any) -> None:
    project = c["projects"].get(issue["project"])
    if value is None:
        scheme = (
            c["priorityschemes"].get(scheme_of(project, "priority_scheme")) if project else None
        )
        issue["priority"] = scheme["default_priority"] if scheme else "3"
        return
    chosen = _choice(c, "priority", "priorities", value)
    if project is not None and chosen not in priorities_of(c, project):
        raise bad_field("priority", "The priority selected is invalid.")
    issue["priority"] = chosen


def _set_resolution(c: Context, issue: Row, value: Any) -> None:
    if value is None:
        issue["resolution"] = None
        return
    if not isinstance(value, dict):
        raise bad_field("resolution", "Could not find valid 'id' or 'name' in resolution object.")
    for row in c["resolutions"].rows():
        if str(value.get("id")) == row["id"] or value.get("name") == row["name"]:
            issue["resolution"] = row["id"]
            return
    if value.get("name") is not None:
        raise bad_field("resolution", f"Resolution name '{str(value['name'])[:60]}' is not valid")
    raise bad_field("resolution", "Invalid resolution selected.")


def _set_security(c: Context, issue: Row, value: Any) -> None:
    if value is None:
        issue["security"] = None
        return
    wanted = value if isinstance(value, dict) else {}
    project = c["projects"].get(issue["project"])
    table = c["securitylevels"]
    scheme = scheme_of(project, "security_scheme") if project else ""
    for key in table.find("scheme", scheme):
        row = table[key]
        named = str(wanted.get("id")) == row["id"] or wanted.get("name") == row["name"]
        if named and level_open(c, {**issue, "security": row["id"]}):
            issue["security"] = row["id"]
            return
    raise bad_field("security", "The security level selected is invalid.")


def _choice(c: Context, field: str, table: str, value: Any) -> str:
    """The id of what ``{"id"}`` or ``{"name"}`` names."""
    wrong = f"Specify a valid '{field}'. You can use either an id or a name."
    if field == "priority":
        wrong = "The priority selected is invalid."
    if not isinstance(value, dict):
        raise bad_field(
            field,
            "Specify the value in an object with 'id' or 'name'"
            if field != "priority"
            else "data was not an object",
        )
    if value.get("id") is not None:
        key = str(value["id"])
        if key in c[table]:
            return key
        raise bad_field(field, wrong)
    name = value.get("name")
    if isinstance(name, str):
        for row in c[table].rows():
            if row["name"].lower() == name.lower():
                return str(row["id"])
        if field == "priority":
            raise bad_field(field, f"Priority name '{name}' is not valid")
    raise bad_field(field, wrong)


def means_automatic(value: Any) -> bool:
    """Whether an assignee that was sent is whoever Jira chooses: -1, as a text or a number."""
    if not isinstance(value, dict):
        return False
    return "-1" in (str(value.get("name")), str(value.get("accountId")))


def automatic_assignee(c: Context, issue: Row) -> str | None:
    """Whom the components of an issue, else its project, give it to by default."""
    project = c["projects"][issue["project"]]
    chosen = None if project["default_assignee"] == "UNASSIGNED" else project["lead"]
    for key in issue.get("components") or ():
        part = c["components"].get(key) or {}
        kind = part.get("assignee_type", "PROJECT_DEFAULT")
        if kind == "COMPONENT_LEAD" and not part.get("lead"):
            continue
        if kind != "PROJECT_DEFAULT":
            leads = {"COMPONENT_LEAD": part.get("lead"), "PROJECT_LEAD": project["lead"]}
            chosen = leads.get(kind)
            break
    row = c["users"].get(chosen) if chosen else None
    if row is None or not row["active"]:
        return None
    return row["id"] if holds(c, "ASSIGNABLE_USER", project, None, row["id"]) else None


def _set_user(name: str) -> Callable[[Context, Row, Any], None]:
    def set_it(c: Context, issue: Row, value: Any) -> None:
        if value is None or (isinstance(value, dict) and all(v is None for v in value.values())):
            if name == "reporter":
                raise bad_field("reporter", "Reporter is required.")
            issue[name] = None
            return
        if not isinstance(value, dict):
            raise bad_field(name, f"Specify a valid value for {name}")
        if name == "assignee" and means_automatic(value):
            issue[name] = automatic_assignee(c, issue)
            return
        row = c.find_account(value)
        if row is None:
            if c.cloud:
                raise bad_field(name, f"Specify a valid value for {name}")
            raise bad_field(name, f"User '{value.get('name', '')}' does not exist.")
        project = c["projects"].get(issue["project"])
        assignable = (
            name != "assignee"
            or project is None
            or holds(c, "ASSIGNABLE_USER", project, None, row["id"])
        )
        if not row["active"] or not assignable:
            shown = f"{row['first']} {row['last']}".strip()
            raise bad_field(name, f"User '{shown}' cannot be assigned issues.")
        issue[name] = row["id"]

    return set_it


def _set_due(_c: Context, issue: Row, value: Any) -> None:
    if value in (None, ""):
        issue["due"] = None
        return
    try:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError
        date.fromisoformat(value)
    except ValueError as error:
        raise bad_field("duedate", "Error parsing date string: " + str(value)[:40]) from error
    issue["due"] = value


def _set_many(
    field: str, table: str, stored: str, noun: str
) -> Callable[[Context, Row, Any], None]:
    def set_it(c: Context, issue: Row, value: Any) -> None:
        if value is None:
            value = []
        if not isinstance(value, list):
            raise bad_field(field, "data was not an array")
        keys: list[str] = []
        known = {key: c[table][key] for key in c[table].find("project", issue["project"])}
        for item in value:
            if not isinstance(item, dict):
                raise bad_field(field, "expected Object")
            found = next(
                (
                    row["id"]
                    for row in known.values()
                    if str(item.get("id")) == row["id"] or item.get("name") == row["name"]
                ),
                None,
            )
            if found is None:
                shown = item.get("name", item.get("id"))
                raise bad_field(field, f"{noun} name '{shown}' is not valid")
            if found not in keys:
                keys.append(found)
        issue[stored] = keys

    return set_it


def _set_parent(c: Context, issue: Row, value: Any) -> None:
    if value is None:
        issue["parent"] = ""
        return
    reference = value.get("key") or value.get("id") if isinstance(value, dict) else None
    parent = c.find_issue(str(reference)) if reference else None
    if parent is None:
        raise bad_field("parent", "Could not find issue by id or key.")
    if parent["project"] != issue["project"]:
        raise bad_field("project", "Sub-tasks must be created in the same project as the parent.")
    kinds = c["issuetypes"]
    if issue["type"] and kinds[parent["type"]]["level"] <= kinds[issue["type"]]["level"]:
        raise bad_field(
            "parentId", "Given parent work item does not belong to appropriate hierarchy."
        )
    issue["parent"] = parent["id"]


def _set_timetracking(_c: Context, issue: Row, value: Any) -> None:
    if not isinstance(value, dict):
        raise bad_field("timetracking", "expected an object")
    for name, stored in (("originalEstimate", "estimate"), ("remainingEstimate", "remaining")):
        if value.get(name) is None:
            continue
        try:
            issue[stored] = seconds_of(value[name])
        except ValueError as error:
            raise bad_field(
                f"timetracking_{name.lower()}",
                f"'{value[name]}' is not a valid duration. Specify a time such as '3d 4h'.",
            ) from error
    if issue["remaining"] is None:
        issue["remaining"] = issue["estimate"]


def _set_type(c: Context, issue: Row, value: Any) -> None:
    if value is None:
        raise bad_field("issuetype", "Specify an issue type")
    wanted = value if isinstance(value, dict) else {}
    project = c["projects"].get(issue["project"])
    allowed = project["types"] if project else [row["id"] for row in c["issuetypes"].rows()]
    for key in allowed:
        row = c["issuetypes"][key]
        if str(wanted.get("id")) == key or str(wanted.get("name")).lower() == row["name"].lower():
            _check_family(c, issue, row["level"])
            issue["type"] = key
            return
    raise bad_field("issuetype", "Specify a valid issue type")


def _check_family(c: Context, issue: Row, level: int) -> None:
    """Parents stay above their children, so that no issue becomes its own ancestor."""
    if not issue["id"]:
        return
    kinds = c["issuetypes"]
    children = [c["issues"][key] for key in c["issues"].find("parent", issue["id"])]
    parent = c["issues"].get(issue["parent"]) if issue["parent"] else None
    too_low = any(kinds[child["type"]]["level"] >= level for child in children)
    if too_low or (parent is not None and kinds[parent["type"]]["level"] <= level):
        raise bad_field("issuetype", "The issue type selected is invalid.")


def _set_project(c: Context, issue: Row, value: Any) -> None:
    reference = value.get("id") or value.get("key") if isinstance(value, dict) else None
    found = c.find_project(str(reference)) if reference else None
    if found is None:
        raise bad_field("project", "Specify a valid project ID or key")
    if issue.get("key") and issue["project"] != found["id"]:
        raise bad_field("project", "Issues cannot be moved to another project by an edit.")
    issue["project"] = found["id"]


_SETTERS: Final[dict[str, Callable[[Context, Row, Any], None]]] = {
    "summary": _set_summary,
    "description": _set_rich("description"),
    "environment": _set_rich("environment"),
    "labels": _set_labels,
    "priority": _set_priority,
    "assignee": _set_user("assignee"),
    "reporter": _set_user("reporter"),
    "duedate": _set_due,
    "components": _set_many("components", "components", "components", "Component"),
    "fixVersions": _set_many("fixVersions", "versions", "fix", "Version"),
    "versions": _set_many("versions", "versions", "affects", "Version"),
    "parent": _set_parent,
    "timetracking": _set_timetracking,
    "issuetype": _set_type,
    "project": _set_project,
    "resolution": _set_resolution,
    "security": _set_security,
    **agile_fields.SETTERS,
}
