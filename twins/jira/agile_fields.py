"""Setting the fields that boards bring along: sprint, epic, epic's name, story points."""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import Row

from .context import Context
from .errors import bad_field

__all__ = ["SETTERS", "in_sprint", "place_in_sprint"]


def in_sprint(c: Context, issue: Row) -> Row | None:
    """The open sprint an issue is in, or ``None`` for the backlog."""
    for key in reversed(issue.get("sprints", ())):
        row = c["sprints"].get(key)
        if row is not None and row["state"] != "closed":
            return row
    return None


def place_in_sprint(c: Context, issue: Row, sprint: str | None) -> None:
    """Put the draft ``issue`` into an open sprint, or ``None`` = the backlog; past ones stay."""
    table = c["sprints"]
    past = [
        key
        for key in issue.get("sprints", ())
        if (row := table.get(key)) is not None and row["state"] == "closed"
    ]
    issue["sprints"] = [*past, sprint] if sprint else past


def _set_sprint(c: Context, issue: Row, value: Any) -> None:
    name = "customfield_10020"
    if isinstance(value, list):
        value = value[-1] if value else None
    if isinstance(value, dict):
        value = value.get("id")
    if value is None:
        place_in_sprint(c, issue, None)
        return
    if isinstance(value, bool) or not (isinstance(value, int) or str(value).isdecimal()):
        raise bad_field(name, "Number value expected as the Sprint id.")
    row = c["sprints"].get(str(value))
    if row is None:
        raise bad_field(name, f"Sprint with id {value} does not exist.")
    if row["state"] == "closed":
        raise bad_field(name, "Issue can be assigned only active or future sprints.")
    place_in_sprint(c, issue, row["id"])


def _set_epic(c: Context, issue: Row, value: Any) -> None:
    name = "customfield_10014"
    if value in (None, ""):
        issue["parent"] = ""
        return
    epic = c.find_issue(str(value))
    if epic is None:
        raise bad_field(name, f"Issue '{str(value)[:40]}' does not exist.")
    kinds = c["issuetypes"]
    if kinds[epic["type"]]["level"] != 1:
        raise bad_field(name, f"Issue '{epic['key']}' is not an epic.")
    if issue["type"] and kinds[issue["type"]]["level"] != 0:
        raise bad_field(name, "Epics and sub-tasks cannot be added to an epic.")
    issue["parent"] = epic["id"]


def _set_epic_name(_c: Context, issue: Row, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise bad_field("customfield_10011", "Operation value must be a string")
    issue["epic_name"] = value or None


def _set_points(_c: Context, issue: Row, value: Any) -> None:
    if isinstance(value, bool) or not (value is None or isinstance(value, int | float)):
        raise bad_field("customfield_10028", "Operation value must be a number")
    issue["points"] = None if value is None else float(value)


SETTERS: Final[dict[str, Callable[[Context, Row, Any], None]]] = {
    "customfield_10011": _set_epic_name,
    "customfield_10014": _set_epic,
    "customfield_10020": _set_sprint,
    "customfield_10028": _set_points,
}
"""Field id to what sets it in a draft. Raise 400 with Jira's sentence."""
