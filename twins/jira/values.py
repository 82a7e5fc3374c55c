"""What stands on the right of a JQL operator: literals and functions, as the fields store them."""

import re
from typing import Any

from . import dates
from .clauses import Searched
from .context import Context
from .durations import seconds_of
from .functions import FUNCTIONS
from .groups_of import group_id, group_names
from .jql import Call, Clause, Empty, JqlError, Operand, Value

__all__ = ["account_named", "operand_values"]


def operand_values(c: Context, clause: Clause, searched: Searched, operand: Operand) -> list[Any]:
    """The values an operand stands for, as the field stores them. Raises :class:`JqlError`."""
    if isinstance(operand, Empty):
        return []
    if isinstance(operand, Call):
        return _function(c, clause, searched, operand)
    return _values(c, clause, searched, operand)


def _values(c: Context, clause: Clause, searched: Searched, operand: Value) -> list[Any]:
    text = operand.text
    kind = searched.kind
    field = clause.field
    if kind == "text" or clause.operator in ("~", "!~"):
        return [_checked_text(text, field)]
    if kind == "date":
        return [dates.literal(text, c.twin.clock.now(), field)]
    if kind in ("label", "exact"):
        return [text.lower() if searched.name == "issueLinkType" else text]
    if kind == "number":
        return [_number(text, field)]
    if kind == "duration":
        return [_duration(text, field)]
    if kind == "property":
        return [text]
    if kind == "key":
        return [_issue_id(c, text, field)]
    if kind == "user":
        return [account_named(c, text, field)]
    if kind == "group":
        return [_group(c, text, field)]
    if kind == "category":
        return [_category_key(text, field)]
    if kind in ("option", "cascade"):
        return _options(c, searched, text, field)
    return _rows(c, kind, text, field)


def _number(text: str, field: str) -> float | int:
    try:
        found = float(text) if not re.fullmatch(r"[+-]?\d{1,18}", text) else int(text)
    except ValueError as error:
        raise JqlError(f"Value '{text}' is invalid for the '{field}' field.") from error
    if found != found or found in (float("inf"), float("-inf")):
        raise JqlError(f"Value '{text}' is invalid for the '{field}' field.")
    return found


def _duration(text: str, field: str) -> int:
    """A number of seconds as Jira stores it: bare numbers are minutes."""
    try:
        return seconds_of(text)
    except ValueError as error:
        raise JqlError(f"Value '{text}' is invalid for the '{field}' field.") from error


def _checked_text(text: str, field: str) -> str:
    if not text.strip():
        raise JqlError(f"The field '{field}' does not support searching for an empty string.")
    if text[0] in "*?":
        raise JqlError(
            f"The text query '{text}' for field '{field}' is not allowed to start with '{text[0]}'"
        )
    if text.count('"') % 2:
        raise JqlError(f"Unable to parse the text '{text}' for field '{field}'.")
    return text


def _issue_id(c: Context, text: str, field: str) -> str:
    row = c.find_issue(text)
    if row is not None:
        return str(row["id"])
    project, dash, number = text.rpartition("-")
    if dash and project.replace("_", "").isalnum() and number.isdecimal():
        raise JqlError(f"An issue with key '{text}' does not exist for field '{field}'.")
    if text.isdecimal():
        raise JqlError(f"A value with ID '{text}' does not exist for the field '{field}'.")
    raise JqlError(f"The issue key '{text}' for field '{field}' is invalid.")


def account_named(c: Context, text: str, field: str) -> str:
    """The account that a query means by id, email, user name or full name."""
    table = c["users"]
    if text in table:
        return text
    lowered = text.lower()
    found = table.first("email", lowered) or (None if c.cloud else table.first("name", lowered))
    if found is not None:
        return str(found["id"])
    for row in table.rows():
        if f"{row['first']} {row['last']}".strip().lower() == lowered:
            return str(row["id"])
    raise _no_value(text, field)


def _no_value(text: str, field: str) -> JqlError:
    return JqlError(f"The value '{text}' does not exist for the field '{field}'.")


def _group(c: Context, text: str, field: str) -> str:
    for name in group_names(c):
        if text.lower() == name.lower() or text == group_id(c, name):
            return name
    raise JqlError(f"The group '{text}' for field '{field}' does not exist.")


def _category_key(text: str, field: str) -> str:
    known = {
        "new": "new",
        "to do": "new",
        "2": "new",
        "indeterminate": "indeterminate",
        "in progress": "indeterminate",
        "4": "indeterminate",
        "done": "done",
        "3": "done",
    }
    if text.lower() not in known:
        raise _no_value(text, field)
    return known[text.lower()]


def _options(c: Context, searched: Searched, text: str, field: str) -> list[Any]:
    lowered = text.lower()
    found = [
        row["id"]
        for key in c["contexts"].find("field", searched.field)
        for option in c["options"].find("context", key)
        for row in (c["options"][option],)
        if row["value"].lower() == lowered or row["id"] == text
    ]
    if not found:
        raise JqlError(f"The option '{text}' for field '{field}' does not exist.")
    return found


def _rows(c: Context, table: str, text: str, field: str) -> list[Any]:
    """The rows of a table that a text names; names may repeat, in versions of projects."""
    rows = c.twin.tables.get(table)
    if rows is None:
        raise _no_value(text, field)
    lowered = text.lower()
    if table == "projects":
        found = c.find_project(text)
        if found is not None:
            return [str(found["id"])]
    named = [
        str(row["id"])
        for row in rows.rows()
        if row["name"].lower() == lowered and (table != "projects" or c.may_see(row))
    ]
    if named:
        return named
    if table != "projects" and text in rows:
        return [text]
    if text.isdecimal():
        raise JqlError(f"A value with ID '{text}' does not exist for the field '{field}'.")
    raise _no_value(text, field)


def _function(c: Context, clause: Clause, searched: Searched, call: Call) -> list[Any]:
    name = call.name.lower()
    if searched.kind == "date" and name in dates.FUNCTIONS:
        return [dates.call(call.name, call.args, c.twin.clock.now())]
    known = FUNCTIONS.get(name)
    if known is None and name not in dates.FUNCTIONS:
        shown = ", ".join(call.args)
        raise JqlError(f"Unable to find JQL function '{call.name}({shown})'.")
    if known is None or searched.kind not in known.kinds:
        raise JqlError(
            f"A value provided by the function '{call.name}' is invalid for the field "
            f"'{clause.field}'."
        )
    least, most = known.arguments
    if not least <= len(call.args) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise JqlError(
            f"Function '{call.name}' expected '{wanted}' arguments but received '{len(call.args)}'."
        )
    if known.is_list and clause.operator in ("=", "!=", "<", ">", "<=", ">=", "~", "!~"):
        raise JqlError(f"Operator '{clause.operator}' does not support list values.")
    return known.find(c, call, searched)
