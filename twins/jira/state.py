"""What operations do to issues: make, change, log what changed, delete."""

from typing import Any

from factory_tui.universe import Row, Twin, thaw

from .context import Context
from .fields import fields_of, value_text
from .telling import comment_event, issue_created, issue_deleted, issue_updated

__all__ = [
    "add_comment",
    "change_issue",
    "delete_issue",
    "draft",
    "insert_issue",
    "new_id",
    "new_issue",
    "touch",
]


def new_id(twin: Twin, kind: str, start: int = 10_000) -> str:
    """The next id of a kind: Jira counts."""
    return str(twin.ids.count(kind, start))


def new_issue(c: Context) -> Row:
    """A blank issue of the caller's, not yet stored."""
    return {
        "id": "",
        "key": "",
        "n": 0,
        "project": "",
        "type": "",
        "summary": "",
        "description": None,
        "environment": None,
        "status": "10000",
        "priority": "3",
        "labels": [],
        "assignee": None,
        "reporter": c.me or None,
        "creator": c.me or None,
        "created": c.now,
        "updated": c.now,
        "category_changed": c.now,
        "resolution": None,
        "resolved": None,
        "due": None,
        "parent": "",
        "components": [],
        "fix": [],
        "affects": [],
        "watchers": [c.me] if c.me else [],
        "voters": [],
        "estimate": None,
        "remaining": None,
        "spent": None,
    }


def insert_issue(c: Context, issue: Row) -> Row:
    """Give a filled issue its id and key and store it."""
    project = c["projects"][issue["project"]]
    number = project["issues"] + 1
    c["projects"].put(project["id"], {**project, "issues": number})
    issue["id"] = new_id(c.twin, "issue")
    issue["key"] = f"{project['key']}-{number}"
    issue["n"] = number
    c["issues"].put(issue["id"], issue)
    issue_created(c, issue)
    return issue


def change_issue(c: Context, before: Row, after: Row) -> Row:
    """Store a changed issue, with an entry in its history when something differs."""
    items = []
    for field in fields_of(c).values():
        if not field.stored or field.id in ("updated", "created", "statuscategorychangedate"):
            continue
        if before.get(field.stored) == after.get(field.stored):
            continue
        if field.id in ("watches", "votes", "customfield_10014"):
            continue
        old, new = value_text(c, field.id, before), value_text(c, field.id, after)
        shown = field.clauses[0] if field.id in ("fixVersions", "versions") else field.id
        items.append(
            {
                "field": field.name if field.custom else shown,
                "fieldtype": "custom" if field.custom else "jira",
                "fieldId": field.id,
                "from": old[0],
                "fromString": old[1],
                "to": new[0],
                "toString": new[1],
            }
        )
    history = None
    if items:
        key = new_id(c.twin, "history")
        history = {"id": key, "issue": after["id"], "author": c.me, "created": c.now}
        history["items"] = items
        c["changelog"].put(key, history)
    after = {**after, "updated": c.now}
    c["issues"].put(after["id"], after)
    if history is not None:
        issue_updated(c, after, history)
    return after


def touch(c: Context, issue: Row) -> None:
    """Mark an issue as just updated."""
    c["issues"].put(issue["id"], {**c["issues"][issue["id"]], "updated": c.now})


def add_comment(c: Context, issue: Row, body: Any, visibility: Any = None) -> Row:
    """Store a comment of the caller's; ``body`` is a stored rich text."""
    key = new_id(c.twin, "comment")
    row = {
        "id": key,
        "issue": issue["id"],
        "author": c.me,
        "updater": c.me,
        "body": body,
        "created": c.now,
        "updated": c.now,
        "visibility": visibility,
    }
    c["comments"].put(key, row)
    touch(c, issue)
    comment_event(c, "created", row, c["issues"][issue["id"]])
    issue_updated(c, c["issues"][issue["id"]], None, row)
    return row


def delete_issue(c: Context, issue: Row) -> None:
    """Delete an issue with everything that hangs on it, subtasks included."""
    children = c["issues"].find("parent", issue["id"])
    issue_deleted(c, issue)
    c["issues"].delete(issue["id"])
    for key in children:
        delete_issue(c, c["issues"][key])
    for table in ("comments", "changelog", "worklogs", "remotelinks", "attachments"):
        for key in c[table].find("issue", issue["id"]):
            c[table].delete(key)
    for index in ("inward", "outward"):
        for key in c["links"].find(index, issue["id"]):
            c["links"].delete(key)
    for key in c["properties"].find("entity", f"issue/{issue['id']}"):
        c["properties"].delete(key)


def draft(issue: Row) -> Row:
    """A deep copy of an issue to change."""
    copied: Row = thaw(issue)
    return copied
