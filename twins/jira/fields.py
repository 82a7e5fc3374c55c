"""The fields of an issue: which there are, how they read, and how a caller sets them."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final, NamedTuple

from factory_tui.universe import Row

from .adf import MAX_TEXT, NotADocumentError, plain, rich
from .context import Context
from .errors import bad_field
from .shapes import (
    component_shape,
    priority_shape,
    project_shape,
    resolution_shape,
    rich_shape,
    status_shape,
    type_shape,
    user_shape,
    version_shape,
)

__all__ = ["FIELDS", "Field", "field_shape", "set_field", "value_text"]


class Field(NamedTuple):
    """A system field.

    Attributes:
        stored: The name in the issue's row, "" when it is computed.
        kind: The schema's type.
        items: The schema's type of items of a list.
        settable: On the create and edit screens.
        clauses: What JQL calls it.
        navigable: Part of ``*navigable``.
    """

    id: str
    name: str
    stored: str
    kind: str
    items: str = ""
    settable: bool = False
    clauses: tuple[str, ...] = ()
    navigable: bool = True


FIELDS: Final = {
    field.id: field
    for field in (
        Field("statuscategorychangedate", "Status Category Changed", "category_changed",
              "datetime", clauses=("statusCategoryChangedDate",)),
        Field("issuetype", "Issue Type", "type", "issuetype", settable=True,
              clauses=("issuetype", "type")),
        Field("parent", "Parent", "parent", "issuelink", settable=True, clauses=("parent",)),
        Field("project", "Project", "project", "project", settable=True, clauses=("project",)),
        Field("fixVersions", "Fix versions", "fix", "array", "version", settable=True,
              clauses=("fixVersion",)),
        Field("resolution", "Resolution", "resolution", "resolution", clauses=("resolution",)),
        Field("resolutiondate", "Resolved", "resolved", "datetime",
              clauses=("resolutiondate", "resolved")),
        Field("workratio", "Work Ratio", "", "number", clauses=("workratio",)),
        Field("watches", "Watchers", "watchers", "watches", clauses=("watchers",)),
        Field("created", "Created", "created", "datetime", clauses=("created", "createdDate")),
        Field("priority", "Priority", "priority", "priority", settable=True,
              clauses=("priority",)),
        Field("labels", "Labels", "labels", "array", "string", settable=True,
              clauses=("labels",)),
        Field("timeestimate", "Remaining Estimate", "remaining", "number",
              clauses=("remainingEstimate", "timeestimate")),
        Field("versions", "Affects versions", "affects", "array", "version", settable=True,
              clauses=("affectedVersion",)),
        Field("issuelinks", "Linked Issues", "", "array", "issuelinks"),
        Field("assignee", "Assignee", "assignee", "user", settable=True, clauses=("assignee",)),
        Field("updated", "Updated", "updated", "datetime", clauses=("updated", "updatedDate")),
        Field("status", "Status", "status", "status", clauses=("status",)),
        Field("components", "Components", "components", "array", "component", settable=True,
              clauses=("component",)),
        Field("timeoriginalestimate", "Original estimate", "estimate", "number",
              clauses=("originalEstimate", "timeoriginalestimate")),
        Field("description", "Description", "description", "string", settable=True,
              clauses=("description",)),
        Field("timetracking", "Time tracking", "", "timetracking", settable=True,
              navigable=False),
        Field("attachment", "Attachment", "", "array", "attachment", clauses=("attachments",),
              navigable=False),
        Field("timespent", "Time Spent", "spent", "number", clauses=("timespent",)),
        Field("summary", "Summary", "summary", "string", settable=True, clauses=("summary",)),
        Field("creator", "Creator", "creator", "user", clauses=("creator",)),
        Field("subtasks", "Sub-tasks", "", "array", "issuelinks", clauses=("subtasks",)),
        Field("reporter", "Reporter", "reporter", "user", settable=True, clauses=("reporter",)),
        Field("environment", "Environment", "environment", "string", settable=True,
              clauses=("environment",)),
        Field("duedate", "Due date", "due", "date", settable=True, clauses=("due", "duedate")),
        Field("progress", "Progress", "", "progress", clauses=("progress",)),
        Field("votes", "Votes", "voters", "votes", clauses=("votes",)),
        Field("comment", "Comment", "", "comments-page", clauses=("comment",), navigable=False),
        Field("worklog", "Log Work", "", "array", "worklog", navigable=False),
    )
}  # fmt: skip


def field_shape(c: Context, field: Field) -> dict[str, Any]:
    """A field as ``/field`` lists it."""
    schema: dict[str, Any] = {"type": field.kind, "system": field.id}
    if field.items:
        schema = {"type": "array", "items": field.items, "system": field.id}
    shape: dict[str, Any] = {
        "id": field.id,
        "name": field.name,
        "custom": False,
        "orderable": field.settable,
        "navigable": field.navigable,
        "searchable": bool(field.clauses),
        "clauseNames": list(field.clauses),
        "schema": schema,
    }
    return {"id": field.id, "key": field.id, **shape} if c.cloud else shape


# -- reading


def _one(c: Context, table: str, key: str | None) -> Row | None:
    return c[table].get(key) if key else None


def read_field(c: Context, row: Row, field: str) -> Any:
    """A stored field's value as JSON."""
    reader = _READERS.get(field)
    return reader(c, row) if reader is not None else row.get(FIELDS[field].stored)


def _status(c: Context, row: Row) -> Any:
    return status_shape(c, c["statuses"][row["status"]])


def _type(c: Context, row: Row) -> Any:
    return type_shape(c, c["issuetypes"][row["type"]])


def _priority(c: Context, row: Row) -> Any:
    found = _one(c, "priorities", row["priority"])
    return priority_shape(c, found) if found else None


def _resolution(c: Context, row: Row) -> Any:
    found = _one(c, "resolutions", row["resolution"])
    return resolution_shape(c, found) if found else None


def _watches(c: Context, row: Row) -> Any:
    return {
        "self": f"{c.api}/issue/{row['key']}/watchers",
        "watchCount": len(row["watchers"]),
        "isWatching": c.me in row["watchers"],
    }


def _votes(c: Context, row: Row) -> Any:
    return {
        "self": f"{c.api}/issue/{row['key']}/votes",
        "votes": len(row["voters"]),
        "hasVoted": c.me in row["voters"],
    }


def _progress(_c: Context, row: Row) -> Any:
    spent = row.get("spent") or 0
    total = spent + (row.get("remaining") or 0)
    shape = {"progress": spent, "total": total}
    return {**shape, "percent": spent * 100 // total} if total else shape


def _parent(c: Context, row: Row) -> Any:
    parent = c["issues"].get(row["parent"]) if row.get("parent") else None
    return issue_link_shape(c, parent) if parent else None


def issue_link_shape(c: Context, row: Row) -> dict[str, Any]:
    """An issue as another issue refers to it."""
    return {
        "id": row["id"],
        "key": row["key"],
        "self": f"{c.api}/issue/{row['id']}",
        "fields": {
            "summary": row["summary"],
            "status": _status(c, row),
            "priority": _priority(c, row),
            "issuetype": _type(c, row),
        },
    }


_READERS: Final[dict[str, Callable[[Context, Row], Any]]] = {
    "status": _status,
    "issuetype": _type,
    "priority": _priority,
    "resolution": _resolution,
    "watches": _watches,
    "votes": _votes,
    "progress": _progress,
    "parent": _parent,
    "project": lambda c, row: project_shape(c, c["projects"][row["project"]]),
    "assignee": lambda c, row: user_shape(c, row["assignee"]),
    "reporter": lambda c, row: user_shape(c, row["reporter"]),
    "creator": lambda c, row: user_shape(c, row["creator"]),
    "description": lambda c, row: rich_shape(c, row["description"]),
    "environment": lambda c, row: rich_shape(c, row["environment"]),
    "components": lambda c, row: [
        component_shape(c, c["components"][key]) for key in row["components"]
    ],
    "fixVersions": lambda c, row: [version_shape(c, c["versions"][key]) for key in row["fix"]],
    "versions": lambda c, row: [version_shape(c, c["versions"][key]) for key in row["affects"]],
    "workratio": lambda c, row: -1,
    "subtasks": lambda c, row: [
        issue_link_shape(c, c["issues"][key]) for key in c["issues"].find("parent", row["id"])
    ],
}


def value_text(c: Context, field: str, row: Row) -> tuple[str | None, str | None]:
    """A field's value as the changelog shows it: id and words."""
    stored = row.get(FIELDS[field].stored)
    if field in ("description", "environment"):
        return None, plain(stored) or None
    if field == "labels":
        return "", " ".join(stored or [])
    if field in ("components", "fixVersions", "versions"):
        table = "components" if field == "components" else "versions"
        names = [c[table][key]["name"] for key in stored or [] if key in c[table]]
        return ", ".join(stored or []) or None, ", ".join(names) or None
    if field in ("assignee", "reporter"):
        user = c["users"].get(stored) if stored else None
        return stored, f"{user['first']} {user['last']}".strip() if user else None
    tables = {
        "status": "statuses",
        "priority": "priorities",
        "issuetype": "issuetypes",
        "resolution": "resolutions",
    }
    if field in tables:
        found = c[tables[field]].get(stored) if stored else None
        return stored, found["name"] if found else None
    return None, None if stored is None else str(stored)


# -- setting


def set_field(c: Context, issue: Row, name: str, value: Any) -> None:
    """Set a field of the draft ``issue``. Raises 400 with Jira's sentence about the field."""
    field = FIELDS.get(name)
    setter = _SETTERS.get(name)
    if field is None or setter is None or not field.settable:
        raise bad_field(
            name,
            f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown.",
        )
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
    if value is None:
        issue["priority"] = "3"
        return
    issue["priority"] = _choice(c, "priority", "priorities", value)


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


def _set_user(name: str) -> Callable[[Context, Row, Any], None]:
    def set_it(c: Context, issue: Row, value: Any) -> None:
        if value is None or (isinstance(value, dict) and all(v is None for v in value.values())):
            if name == "reporter":
                raise bad_field("reporter", "Reporter is required.")
            issue[name] = None
            return
        if not isinstance(value, dict):
            raise bad_field(name, f"Specify a valid value for {name}")
        if (name == "assignee" and value.get("name") == "-1") or value.get("accountId") == "-1":
            issue[name] = None
            return
        row = c.find_account(value)
        if row is None:
            if c.cloud:
                raise bad_field(name, f"Specify a valid value for {name}")
            raise bad_field(name, f"User '{value.get('name', '')}' does not exist.")
        if not row["active"]:
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
    if kinds[parent["type"]]["level"] <= kinds[issue["type"]]["level"]:
        raise bad_field(
            "parentId", "Given parent work item does not belong to appropriate hierarchy."
        )
    issue["parent"] = parent["id"]


_ESTIMATE = re.compile(r"(\d+(?:\.\d+)?)\s*([wdhm])")
_SECONDS: Final = {"w": 5 * 8 * 3600, "d": 8 * 3600, "h": 3600, "m": 60}


def seconds_of(text: Any) -> int:
    """``3h 20m`` in seconds, in Jira's weeks of five days of eight hours. ``ValueError``."""
    if not isinstance(text, str):
        raise ValueError(text)
    stripped = text.strip().lower()
    if stripped.isdecimal() and len(stripped) < 9:
        return int(stripped) * 60
    found = _ESTIMATE.findall(stripped)
    if not found or _ESTIMATE.sub("", stripped).strip() or len(stripped) > 40:
        raise ValueError(text)
    return int(sum(float(amount) * _SECONDS[unit] for amount, unit in found))


def pretty(seconds: int) -> str:
    """Seconds as ``1d 2h``."""
    parts = []
    for unit in "wdhm":
        amount, seconds = divmod(seconds, _SECONDS[unit])
        if amount:
            parts.append(f"{amount}{unit}")
    return " ".join(parts) or "0m"


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
            issue["type"] = key
            return
    raise bad_field("issuetype", "Specify a valid issue type")


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
}
