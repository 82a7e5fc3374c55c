"""What stands on the right of a JQL operator: literals and functions, as the fields store them."""

from collections.abc import Callable
from typing import Any, Final

from . import dates
from .clauses import Searched
from .context import Context
from .jql import Call, Clause, Empty, JqlError, Operand, Value

__all__ = ["operand_values"]


def operand_values(c: Context, clause: Clause, searched: Searched, operand: Operand) -> list[Any]:
    """The values an operand stands for, as the field stores them. Raises :class:`JqlError`."""
    if isinstance(operand, Empty):
        return []
    if isinstance(operand, Call):
        return _function(c, clause, searched, operand)
    return [_value(c, clause, searched, operand)]


def _value(c: Context, clause: Clause, searched: Searched, operand: Value) -> Any:
    text = operand.text
    kind = searched.kind
    if kind == "date":
        return dates.literal(text, c.twin.clock.now(), clause.field)
    if kind == "text":
        return _checked_text(text, clause.field)
    if kind == "label":
        return text
    if kind == "number":
        try:
            return float(text) if "." in text else int(text)
        except ValueError as error:
            raise JqlError(f"Value '{text}' is invalid for the '{clause.field}' field.") from error
    if kind == "key":
        return _issue_id(c, text, clause.field)
    if kind == "user":
        return _account(c, text, clause.field)
    if kind == "category":
        return _category_key(text, clause.field)
    return _option(c, kind, text, clause.field)


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
    if dash and project.isalnum() and number.isdecimal():
        raise JqlError(f"An issue with key '{text}' does not exist for field '{field}'.")
    raise JqlError(f"The issue key '{text}' for field '{field}' is invalid.")


def _account(c: Context, text: str, field: str) -> str:
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


def _option(c: Context, table: str, text: str, field: str) -> str:
    rows = c[table]
    lowered = text.lower()
    if table == "projects":
        found = c.find_project(text)
        if found is not None:
            return str(found["id"])
    for row in rows.rows():
        if row["name"].lower() == lowered and (table != "projects" or c.may_see(row)):
            return str(row["id"])
    if table != "projects" and text in rows:
        return text
    raise _no_value(text, field)


# -- functions


def _function(c: Context, clause: Clause, searched: Searched, call: Call) -> list[Any]:
    name = call.name.lower()
    if searched.kind == "date" and name in dates.FUNCTIONS:
        return [dates.call(call.name, call.args, c.twin.clock.now())]
    kinds, function = _FUNCTIONS.get(name, ((), None))
    if function is None and name not in dates.FUNCTIONS:
        raise JqlError(f"Unable to find JQL function '{call.name}({', '.join(call.args)})'.")
    if function is None or searched.kind not in kinds:
        raise JqlError(
            f"A value provided by the function '{call.name}' is invalid for the field "
            f"'{clause.field}'."
        )
    return function(c, call)


def _current_user(c: Context, _call: Call) -> list[Any]:
    return [c.me] if c.me else []


def _members_of(c: Context, call: Call) -> list[Any]:
    _arguments(call, 1)
    found = [row["id"] for row in c["users"].rows() if call.args[0] in row["groups"]]
    if not found:
        raise JqlError(f"Function '{call.name}' can not find a group with name '{call.args[0]}'.")
    return found


def _arguments(call: Call, wanted: int) -> None:
    if len(call.args) != wanted:
        raise JqlError(
            f"Function '{call.name}' expected '{wanted}' arguments but received '{len(call.args)}'."
        )


def _watched(c: Context, _call: Call) -> list[Any]:
    return [row["id"] for row in c["issues"].rows() if c.me in row["watchers"]]


def _voted(c: Context, _call: Call) -> list[Any]:
    return [row["id"] for row in c["issues"].rows() if c.me in row["voters"]]


def _linked(c: Context, call: Call) -> list[Any]:
    if not call.args:
        _arguments(call, 1)
    row = c.find_issue(call.args[0])
    if row is None:
        raise JqlError(f"Function '{call.name}' can not find the issue '{call.args[0]}'.")
    table = c["links"]
    found = [table[key]["outward"] for key in table.find("inward", row["id"])]
    return found + [table[key]["inward"] for key in table.find("outward", row["id"])]


def _types(subtask: bool) -> Callable[[Context, Call], list[Any]]:
    return lambda c, _call: [
        row["id"] for row in c["issuetypes"].rows() if row["subtask"] == subtask
    ]


def _versions(released: bool) -> Callable[[Context, Call], list[Any]]:
    return lambda c, _call: [
        row["id"] for row in c["versions"].rows() if row["released"] == released
    ]


def _sprints(state: str) -> Callable[[Context, Call], list[Any]]:
    return lambda c, _call: [row["id"] for row in c["sprints"].rows() if row["state"] == state]


def _led(c: Context, call: Call) -> list[Any]:
    who = _account(c, call.args[0], "lead") if call.args else c.me
    return [row["id"] for row in c["projects"].rows() if row["lead"] == who]


_FUNCTIONS: Final[
    dict[str, tuple[tuple[str, ...], Callable[[Context, Call], list[Any]] | None]]
] = {
    "currentuser": (("user",), _current_user),
    "membersof": (("user",), _members_of),
    "watchedissues": (("key",), _watched),
    "votedissues": (("key",), _voted),
    "linkedissues": (("key",), _linked),
    "standardissuetypes": (("issuetypes",), _types(False)),
    "subtaskissuetypes": (("issuetypes",), _types(True)),
    "releasedversions": (("versions",), _versions(True)),
    "unreleasedversions": (("versions",), _versions(False)),
    "projectsleadbyuser": (("projects",), _led),
    "opensprints": (("sprints",), _sprints("active")),
    "closedsprints": (("sprints",), _sprints("closed")),
    "futuresprints": (("sprints",), _sprints("future")),
}
