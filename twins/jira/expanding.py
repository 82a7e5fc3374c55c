"""What ``expand`` and ``properties`` add to an issue."""

from typing import Any, Final

from factory_tui.universe import Row

from .context import Context
from .createmeta import field_meta
from .fields import fields_of
from .rendering import html_of
from .screening import settable
from .workflow import available, transition_shape

__all__ = ["expand_issue", "note_view", "properties_of"]

MAX_VIEWS: Final = 50


def expand_issue(
    c: Context, row: Row, shape: dict[str, Any], fields: list[str], expand: list[str]
) -> None:
    """Add ``renderedFields``, ``transitions``, ``editmeta``, ``operations`` and versions."""
    project = c["projects"][row["project"]]
    for part in expand:
        if part == "renderedFields":
            shape["renderedFields"] = {name: _rendered(c, row, name, shape) for name in fields}
        elif part == "transitions":
            shape["transitions"] = [
                transition_shape(c, one, row, with_fields=False) for one in available(c, row)
            ]
        elif part == "editmeta":
            names = settable(c, project, row["type"], "edit")
            names = names if c.may("EDIT_ISSUES", project, row) else []
            shape["editmeta"] = {
                "fields": {
                    name: field_meta(c, name, project, row["type"])
                    for name in names
                    if name != "project"
                }
            }
        elif part == "operations":
            shape["operations"] = {"linkGroups": []}
        elif part == "versionedRepresentations":
            shape["versionedRepresentations"] = {
                name: {"1": value} for name, value in shape["fields"].items()
            }
            shape["fields"] = {}


def properties_of(c: Context, row: Row, wanted: list[str]) -> dict[str, Any]:
    """The properties of an issue by key; ``*all`` and ``-key`` are understood."""
    table = c["properties"]
    found = {
        table[key]["key"]: table[key]["value"] for key in table.find("entity", f"issue/{row['id']}")
    }
    if "*all" in wanted:
        return {key: value for key, value in found.items() if f"-{key}" not in wanted}
    return {key: value for key, value in found.items() if key in wanted}


def note_view(c: Context, row: Row) -> None:
    """Remember that the caller looked at an issue; the last fifty are kept."""
    key = (c.me, str(row["id"]))
    mine = [one for one in c["views"].rows() if one["user"] == c.me and one["issue"] != row["id"]]
    for old in sorted(mine, key=lambda one: str(one["when"]))[: max(0, len(mine) + 1 - MAX_VIEWS)]:
        c["views"].delete((c.me, str(old["issue"])))
    c["views"].put(key, {"user": c.me, "issue": row["id"], "when": c.now})


# -- html


def _rendered(c: Context, row: Row, name: str, shape: dict[str, Any]) -> Any:
    value = shape["fields"].get(name)
    found = fields_of(c)[name]
    if name in ("description", "environment") or found.custom.endswith(":textarea"):
        stored = row.get(found.stored)
        return html_of(stored)
    if name == "comment" and isinstance(value, dict):
        table = c["comments"]
        shown = []
        for one in value["comments"]:
            stored = table[one["id"]]["body"]
            shown.append({**one, "body": html_of(stored)})
        return {**value, "comments": shown}
    if found.kind in ("date", "datetime") and isinstance(value, str):
        return value[:10]
    return None
