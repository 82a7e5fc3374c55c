"""An issue as answers show it: which fields, which expansions."""

from typing import Any

from factory_tui.universe import Row

from .context import Context
from .durations import pretty
from .errors import JiraError
from .fields import field_shape, fields_of, issue_link_shape, read_field
from .groups_of import group_id
from .permits import speaks_for
from .screening import applies
from .shapes import attachment_shape, comment_shape, user_shape, worklog_shape

__all__ = ["changelog_shape", "issue_shape", "readable", "wanted_fields", "worklogs_of"]


_EXPAND = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"


def wanted_fields(c: Context, asked: list[str], default: str) -> list[str]:
    """Field ids from ``*all``, ``*navigable``, names and ``-names``; none named = ``default``."""
    known = fields_of(c)
    names = asked or [default]
    if all(name.startswith("-") for name in names):
        names = [default, *names]
    wanted: dict[str, None] = {}
    for name in names:
        if name == "*all":
            wanted |= dict.fromkeys(known)
        elif name == "*navigable":
            wanted |= {field.id: None for field in known.values() if field.navigable}
        elif name.startswith("-"):
            wanted.pop(name[1:], None)
        elif name in known:
            wanted[name] = None
        else:
            for field in known.values():
                if name in field.clauses:
                    wanted[field.id] = None
    return list(wanted)


def issue_shape(
    c: Context, row: Row, fields: list[str], expand: list[str] | None = None
) -> dict[str, Any]:
    """An issue with the given fields."""
    shape: dict[str, Any] = {
        "expand": _EXPAND,
        "id": row["id"],
        "self": f"{c.api}/issue/{row['id']}",
        "key": row["key"],
        "fields": {},
    }
    values = shape["fields"]
    for name in fields:
        if name == "parent" and not row["parent"]:
            continue
        if not applies(c, name, row["project"], row["type"]) or _lost(c, name):
            continue
        values[name] = field_value(c, row, name)
    for part in expand or []:
        if part == "changelog":
            shape["changelog"] = changelog_shape(c, row)
        elif part == "names":
            shape["names"] = {name: fields_of(c)[name].name for name in fields}
        elif part == "schema":
            shape["schema"] = {
                name: field_shape(c, fields_of(c)[name])["schema"] for name in fields
            }
    return shape


def _lost(c: Context, field: str) -> bool:
    """Whether a fault keeps a field from being loaded. With ``failFast`` the whole call fails."""
    faults = c.twin.universe.faults
    fault = faults.pick_part(c.twin.ids, "jira", f"field:{field}") if faults.faults else None
    if fault is not None and c.call.scratch.get("fail fast"):
        raise JiraError(fault.reply or 500, f"The field '{field}' could not be loaded.")
    return fault is not None


def readable(c: Context, row: Row) -> bool:
    """Whether the caller may read a comment or worklog that is for a role or group only."""
    limit = row.get("visibility")
    if not isinstance(limit, dict) or row["author"] == c.me:
        return True
    name = limit.get("identifier") or limit.get("value")
    if limit.get("type") == "role":
        project = c["issues"][row["issue"]]["project"]
        return any(
            name in (role["id"], role["name"]) and speaks_for(c, role["id"], project)
            for role in c["roles"].rows()
        )
    mine = c.user["groups"] if c.user else []
    return any(name in (group, group_id(c, group)) for group in mine)


def field_value(c: Context, row: Row, name: str) -> Any:
    """One field, the ones that are kept in other tables included."""
    if name == "comment":
        table = c["comments"]
        rows = [table[key] for key in table.find("issue", row["id"])]
        comments = [comment_shape(c, one) for one in rows if readable(c, one)]
        return {
            "comments": comments,
            "self": f"{c.api}/issue/{row['id']}/comment",
            "maxResults": len(comments),
            "total": len(comments),
            "startAt": 0,
        }
    if name == "worklog":
        worklogs = [worklog_shape(c, one) for one in worklogs_of(c, row)]
        return {
            "startAt": 0,
            "maxResults": 20,
            "total": len(worklogs),
            "worklogs": worklogs[:20],
        }
    if name == "attachment":
        keys = c["attachments"].find("issue", row["id"])
        return [attachment_shape(c, c["attachments"][key]) for key in keys]
    if name == "issuelinks":
        return links_of(c, row)
    if name == "timetracking":
        return time_shape(row)
    return read_field(c, row, name)


def worklogs_of(c: Context, row: Row) -> list[Row]:
    """The worklogs of an issue that the caller may read."""
    table = c["worklogs"]
    rows = (table[key] for key in table.find("issue", row["id"]))
    return [one for one in rows if readable(c, one)]


def time_shape(row: Row) -> dict[str, Any]:
    """Estimates and time spent."""
    shape: dict[str, Any] = {}
    for stored, name in (
        ("estimate", "originalEstimate"),
        ("remaining", "remainingEstimate"),
        ("spent", "timeSpent"),
    ):
        if row[stored] is not None:
            shape[name] = pretty(row[stored])
    for stored, name in (
        ("estimate", "originalEstimateSeconds"),
        ("remaining", "remainingEstimateSeconds"),
        ("spent", "timeSpentSeconds"),
    ):
        if row[stored] is not None:
            shape[name] = row[stored]
    return shape


def links_of(c: Context, row: Row) -> list[dict[str, Any]]:
    """Links of an issue, each from its side."""
    table = c["links"]
    shapes = []
    for index, side, other in (
        ("outward", "inwardIssue", "inward"),
        ("inward", "outwardIssue", "outward"),
    ):
        for key in table.find(index, row["id"]):
            link = table[key]
            far = c["issues"].get(link[other])
            if far is None:
                continue
            shapes.append(
                {
                    "id": link["id"],
                    "self": f"{c.api}/issueLink/{link['id']}",
                    "type": link_type_shape(c, link["type"]),
                    side: issue_link_shape(c, far),
                }
            )
    return sorted(shapes, key=lambda shape: int(str(shape["id"])))


LINK_TYPES = {
    "10000": ("Blocks", "is blocked by", "blocks"),
    "10001": ("Cloners", "is cloned by", "clones"),
    "10002": ("Duplicate", "is duplicated by", "duplicates"),
    "10003": ("Relates", "relates to", "relates to"),
}


def link_types(c: Context) -> dict[str, tuple[str, str, str]]:
    """The types of links by id: name, inward and outward words."""
    found = dict(LINK_TYPES)
    for row in c["linktypes"].rows():
        if row["gone"]:
            found.pop(row["id"], None)
        else:
            found[row["id"]] = (row["name"], row["inward"], row["outward"])
    return found


def link_type_shape(c: Context, key: str) -> dict[str, Any]:
    """A type of link."""
    name, inward, outward = link_types(c).get(key, ("", "", ""))
    return {
        "id": key,
        "name": name,
        "inward": inward,
        "outward": outward,
        "self": f"{c.api}/issueLinkType/{key}",
    }


def changelog_shape(c: Context, row: Row) -> dict[str, Any]:
    """The history of an issue, newest first as the expansion shows it."""
    histories = [history_shape(c, item) for item in _histories(c, row)]
    return {
        "startAt": 0,
        "maxResults": len(histories),
        "total": len(histories),
        "histories": histories[::-1],
    }


def _histories(c: Context, row: Row) -> list[Row]:
    table = c["changelog"]
    return [table[key] for key in table.find("issue", row["id"])]


def history_shape(c: Context, item: Row) -> dict[str, Any]:
    """One entry of the history."""
    return {
        "id": item["id"],
        "author": user_shape(c, item["author"]),
        "created": item["created"],
        "items": item["items"],
    }
