"""What webhooks read of issues and what hangs on them."""

from typing import Any

from factory_tui.universe import Row

from .context import Context
from .hooks import tell
from .read import history_shape, issue_shape, link_type_shape, wanted_fields
from .shapes import attachment_shape, comment_shape, user_shape, version_shape, worklog_shape

__all__ = [
    "attachment_event",
    "comment_event",
    "issue_created",
    "issue_deleted",
    "issue_updated",
    "link_event",
    "project_event",
    "property_event",
    "user_event",
    "version_event",
    "worklog_event",
]


def _issue(c: Context, row: Row) -> dict[str, Any]:
    return issue_shape(c, row, wanted_fields(c, ["*navigable", "timetracking"], ""))


_BRIEF = ["summary", "issuetype", "project", "assignee", "priority", "status"]


def _brief(c: Context, row: Row) -> dict[str, Any]:
    """An issue as events about its parts show it."""
    shape = issue_shape(c, row, _BRIEF)
    return {name: shape[name] for name in ("id", "self", "key", "fields")}


def issue_created(c: Context, row: Row) -> None:
    """An issue was made."""
    tell(
        c,
        "jira:issue_created",
        lambda h: {
            "issue_event_type_name": "issue_created",
            "user": user_shape(h, h.me),
            "issue": _issue(h, row),
        },
        issue=row,
    )


def issue_updated(c: Context, row: Row, history: Row | None, comment: Row | None = None) -> None:
    """Fields of an issue changed, or it was commented on."""
    names = tuple(item["fieldId"] for item in history["items"]) if history else ()
    kind = "issue_updated"
    if comment is not None:
        kind = "issue_commented"
    elif names == ("assignee",):
        kind = "issue_assigned"
    elif "status" in names:
        kind = "issue_generic"

    def body(h: Context) -> dict[str, Any]:
        shape: dict[str, Any] = {
            "issue_event_type_name": kind,
            "user": user_shape(h, h.me),
            "issue": _issue(h, row),
        }
        if history is not None:
            shape["changelog"] = {"id": history["id"], "items": history_shape(h, history)["items"]}
        if comment is not None:
            shape["comment"] = comment_shape(h, comment)
        return shape

    tell(c, "jira:issue_updated", body, issue=row, changed=names)


def issue_deleted(c: Context, row: Row) -> None:
    """An issue goes; called while it is still there."""
    tell(
        c,
        "jira:issue_deleted",
        lambda h: {
            "issue_event_type_name": "issue_deleted",
            "user": user_shape(h, h.me),
            "issue": _issue(h, row),
        },
        issue=row,
    )


def comment_event(c: Context, what: str, row: Row, issue: Row) -> None:
    """A comment was ``created``, ``updated`` or ``deleted``."""
    tell(
        c,
        f"comment_{what}",
        lambda h: {
            "comment": comment_shape(h, row),
            "issue": _brief(h, issue),
            "eventType": "primaryAction",
        },
        issue=issue,
        comment=row,
    )


def worklog_event(c: Context, what: str, row: Row, issue: Row) -> None:
    """A worklog was ``created``, ``updated`` or ``deleted``."""
    tell(c, f"worklog_{what}", lambda h: {"worklog": worklog_shape(h, row)}, issue=issue,
         worklog=row)  # fmt: skip


def attachment_event(c: Context, what: str, row: Row, issue: Row) -> None:
    """A file was ``created`` or ``deleted``."""
    tell(c, f"attachment_{what}", lambda h: {"attachment": attachment_shape(h, row)}, issue=issue,
         attachment=row)  # fmt: skip


def link_event(c: Context, what: str, row: Row) -> None:
    """Two issues were linked (``created``) or are no more (``deleted``)."""

    def body(h: Context) -> dict[str, Any]:
        kind = link_type_shape(h, row["type"])
        named = {"id": int(row["type"]), "name": kind["name"], "outwardName": kind["outward"],
                 "inwardName": kind["inward"], "isSubTaskLinkType": False,
                 "isSystemLinkType": False}  # fmt: skip
        return {
            "issueLink": {
                "id": int(row["id"]),
                "sourceIssueId": int(row["inward"]),
                "destinationIssueId": int(row["outward"]),
                "issueLinkType": named,
                "sequence": 0,
                "systemLink": False,
            }
        }

    tell(c, f"issuelink_{what}", body)


def project_event(c: Context, what: str, row: Row) -> None:
    """A project was ``created``, ``updated``, ``deleted``, …"""

    def body(h: Context) -> dict[str, Any]:
        return {
            "project": {
                "self": f"{h.api}/project/{row['id']}",
                "id": int(row["id"]),
                "key": row["key"],
                "name": row["name"],
                "projectLead": user_shape(h, row["lead"]),
                "assigneeType": f"admin.assignee.type.{row['default_assignee'].lower()}",
            }
        }

    tell(c, f"project_{what}", body, project=row)


def version_event(c: Context, what: str, row: Row, **more: Row) -> None:
    """A version was ``created``, ``updated``, ``released``, …"""

    def body(h: Context) -> dict[str, Any]:
        others = {name: version_shape(h, other) for name, other in more.items()}
        return {"version": version_shape(h, row), **others}

    tell(c, f"jira:version_{what}", body, version=row, project=c["projects"][row["project"]])


def user_event(c: Context, what: str, row: Row) -> None:
    """An account was ``created``, ``updated`` or ``deleted``."""

    def body(h: Context) -> dict[str, Any]:
        return {"user": user_shape(h, row["id"]) or {"accountId": row["id"]}}

    tell(c, f"user_{what}", body, modifiedUser=row)


def property_event(c: Context, what: str, issue: Row, key: str, value: Any) -> None:
    """A property of an issue was ``set`` or ``deleted``."""
    tell(
        c,
        f"issue_property_{what}",
        lambda h: {"issue": _brief(h, issue), "property": {"key": key, "value": value}},
        issue=issue,
        changed=(key,),
    )
