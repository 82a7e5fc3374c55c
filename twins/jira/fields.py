"""The fields of an issue: which there are and how they read."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from factory_tui.universe import Row

from .adf import plain
from .context import Context
from .customtypes import TYPES
from .durations import work_ratio
from .ranks import rank_of
from .shapes import (
    category_shape,
    component_shape,
    priority_shape,
    project_shape,
    resolution_shape,
    rich_shape,
    sprint_field,
    status_shape,
    type_shape,
    user_shape,
    version_shape,
)

__all__ = [
    "FIELDS",
    "SCREENED",
    "Field",
    "field_shape",
    "fields_of",
    "issue_link_shape",
    "read_field",
    "value_text",
]


class Field(NamedTuple):
    """A system field.

    Attributes:
        stored: The name in the issue's row, "" when it is computed.
        kind: The schema's type.
        items: The schema's type of items of a list.
        settable: On the create and edit screens.
        clauses: What JQL calls it.
        navigable: Part of ``*navigable``.
        custom: The custom field's type, "" for a system field.
    """

    id: str
    name: str
    stored: str
    kind: str
    items: str = ""
    settable: bool = False
    clauses: tuple[str, ...] = ()
    navigable: bool = True
    custom: str = ""


_SOFTWARE: Final = "com.pyxis.greenhopper.jira:gh-"
_BASIC: Final = "com.atlassian.jira.plugin.system.customfieldtypes:"

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
        Field("resolution", "Resolution", "resolution", "resolution", settable=True,
              clauses=("resolution",)),
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
        Field("security", "Security Level", "security", "securitylevel", settable=True,
              clauses=("level",)),
        Field("statusCategory", "Status Category", "", "statusCategory",
              clauses=("statusCategory",)),
        Field("lastViewed", "Last Viewed", "", "datetime", clauses=("lastViewed",)),
        Field("aggregatetimespent", "Σ Time Spent", "", "number"),
        Field("aggregatetimeestimate", "Σ Remaining Estimate", "", "number"),
        Field("aggregatetimeoriginalestimate", "Σ Original Estimate", "", "number"),
        Field("aggregateprogress", "Σ Progress", "", "progress"),
        Field("customfield_10014", "Epic Link", "parent", "any", settable=True,
              clauses=("cf[10014]", "Epic Link"), custom=f"{_SOFTWARE}epic-link"),
        Field("customfield_10011", "Epic Name", "epic_name", "string", settable=True,
              clauses=("cf[10011]", "Epic Name"), custom=f"{_SOFTWARE}epic-label"),
        Field("customfield_10019", "Rank", "", "any",
              clauses=("cf[10019]", "Rank"), custom=f"{_SOFTWARE}lexo-rank"),
        Field("customfield_10020", "Sprint", "sprints", "array", "json", settable=True,
              clauses=("cf[10020]", "Sprint"), custom=f"{_SOFTWARE}sprint"),
        Field("customfield_10028", "Story Points", "points", "number", settable=True,
              clauses=("cf[10028]", "Story Points"), custom=f"{_BASIC}float"),
    )
}  # fmt: skip

SCREENED: Final = tuple(
    field.id
    for field in FIELDS.values()
    if field.settable
    and field.id not in ("project", "issuetype", "parent", "resolution", "customfield_10014")
)
"""The fields on the default screen."""


def fields_of(c: Context) -> Mapping[str, Field]:
    """Every field there is by id: the system's, then the custom ones that are not in the trash."""
    cached: dict[str, Field] | None = c.cache.get("fields")
    if cached is None:
        cached = dict(FIELDS)
        for row in c["customfields"].rows():
            if not row["trashed"]:
                cached[row["id"]] = _custom(row)
        c.cache["fields"] = cached
    return cached


_IN_JQL: Final = {
    "Short text (plain text only)": "Short text",
    "Paragraph (supports rich text)": "Paragraph",
    "Number Field": "Number",
    "Date Picker": "Date",
    "Date Time Picker": "Time stamp",
    "Select List (single choice)": "Dropdown",
    "Select List (multiple choices)": "Dropdown",
}
"""Types as they stand in ``"Name[Type]"``, where that is not how administrators read them."""


def _custom(row: Row) -> Field:
    kind = TYPES[row["type"]]
    number = row["id"].rpartition("_")[2]
    names = (f"cf[{number}]", row["name"], f"{row['name']}[{_IN_JQL.get(kind.label, kind.label)}]")
    return Field(
        row["id"],
        row["name"],
        row["id"],
        kind.kind,
        kind.items,
        settable=True,
        clauses=names,
        custom=row["type"],
    )


def field_shape(c: Context, field: Field) -> dict[str, Any]:
    """A field as ``/field`` lists it."""
    kind: dict[str, Any] = {"system": field.id}
    if field.custom:
        kind = {"custom": field.custom, "customId": int(field.id.rpartition("_")[2])}
    schema: dict[str, Any] = {"type": field.kind, **kind}
    if field.items:
        schema = {"type": "array", "items": field.items, **kind}
    shape: dict[str, Any] = {
        "id": field.id,
        "name": field.name,
        "custom": bool(field.custom),
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
    if reader is not None:
        return reader(c, row)
    if field in FIELDS:
        return row.get(FIELDS[field].stored)
    found = fields_of(c).get(field)
    value = row.get(field)
    return None if found is None or value is None else TYPES[found.custom].read(c, value)


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


def _aggregate(c: Context, row: Row, stored: str) -> int | None:
    """A time of an issue and its subtasks."""
    table = c["issues"]
    rows = [row, *(table[key] for key in table.find("parent", row["id"]))]
    kinds = c["issuetypes"]
    times = [
        one[stored]
        for one in rows
        if one[stored] is not None and (one is row or kinds[one["type"]]["subtask"])
    ]
    return sum(times) if times else None


def _security(c: Context, row: Row) -> Any:
    found = c["securitylevels"].get(row.get("security") or "")
    return level_shape(c, found) if found else None


def level_shape(c: Context, row: Row) -> dict[str, Any]:
    """A security level."""
    return {
        "self": f"{c.api}/securitylevel/{row['id']}",
        "id": row["id"],
        "description": row["description"],
        "name": row["name"],
    }


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


def _epic_link(c: Context, row: Row) -> Any:
    parent = c["issues"].get(row["parent"]) if row.get("parent") else None
    return parent["key"] if parent and c["issuetypes"][parent["type"]]["level"] == 1 else None


def _sprints(c: Context, row: Row) -> Any:
    found = [c["sprints"].get(key) for key in row.get("sprints", ())]
    return [sprint_field(c, sprint) for sprint in found if sprint] or None


_READERS: Final[dict[str, Callable[[Context, Row], Any]]] = {
    "customfield_10014": _epic_link,
    "customfield_10019": lambda c, row: rank_of(row),
    "customfield_10020": _sprints,
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
    "workratio": lambda c, row: work_ratio(row["estimate"], row["spent"]),
    "security": _security,
    "statusCategory": lambda c, row: category_shape(c, c["statuses"][row["status"]]["category"]),
    "aggregatetimespent": lambda c, row: _aggregate(c, row, "spent"),
    "aggregatetimeestimate": lambda c, row: _aggregate(c, row, "remaining"),
    "aggregatetimeoriginalestimate": lambda c, row: _aggregate(c, row, "estimate"),
    "aggregateprogress": lambda c, row: _progress(
        c, {name: _aggregate(c, row, name) for name in ("spent", "remaining")}
    ),
    "subtasks": lambda c, row: [
        issue_link_shape(c, c["issues"][key]) for key in c["issues"].find("parent", row["id"])
    ],
}


def value_text(c: Context, field: str, row: Row) -> tuple[str | None, str | None]:
    """A field's value as the changelog shows it: id and words."""
    found = fields_of(c)[field]
    stored = row.get(found.stored)
    if field not in FIELDS:
        kind = TYPES[found.custom]
        if stored is None:
            return None, None
        keys = stored if isinstance(stored, list) else [stored]
        words = kind.words(c, stored)
        return (
            None
            if kind.jql in ("text", "rich", "exact", "number")
            else (str(keys[0]) if len(keys) == 1 else str(list(keys)))
        ), words
    if field in ("description", "environment"):
        return None, plain(stored) or None
    if field == "labels":
        return "", " ".join(stored or [])
    if field in ("components", "fixVersions", "versions"):
        table = "components" if field == "components" else "versions"
        names = [c[table][key]["name"] for key in stored or [] if key in c[table]]
        return ", ".join(stored or []) or None, ", ".join(names) or None
    if field == "customfield_10020":
        names = [c["sprints"][key]["name"] for key in stored or [] if key in c["sprints"]]
        return ", ".join(stored or []), ", ".join(names)
    if field in ("parent", "customfield_10014"):
        above = c["issues"].get(stored) if stored else None
        return stored or None, above["key"] if above else None
    if field in ("assignee", "reporter"):
        user = c["users"].get(stored) if stored else None
        return stored, f"{user['first']} {user['last']}".strip() if user else None
    tables = {
        "status": "statuses",
        "priority": "priorities",
        "issuetype": "issuetypes",
        "resolution": "resolutions",
        "security": "securitylevels",
    }
    if field in tables:
        one = c[tables[field]].get(stored) if stored else None
        return stored or None, one["name"] if one else None
    return None, None if stored is None else str(stored)
