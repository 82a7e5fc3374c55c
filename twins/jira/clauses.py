"""The fields that JQL knows: what they hold, which operators fit, how they sort."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from factory_tui.universe import Row

from . import dates
from .adf import plain
from .context import Context
from .ranks import rank_of

__all__ = ["CLAUSES", "EQUAL", "HISTORY", "IS", "ORDERED", "TEXT", "Searched"]

EQUAL: Final = frozenset({"=", "!=", "in", "not in"})
IS: Final = frozenset({"is", "is not"})
ORDERED: Final = frozenset({"<", ">", "<=", ">="})
TEXT: Final = frozenset({"~", "!~"})
HISTORY: Final = frozenset({"was", "was not", "was in", "was not in", "changed"})


class Searched(NamedTuple):
    """How JQL sees a field.

    Attributes:
        kind: ``date``, ``text``, ``number``, ``user``, ``label``, ``key`` or a table of options.
        values: The field's values in an issue; none when it is empty.
        operators: What may stand between it and a value.
        order: Sort key, ``None`` where Jira cannot sort by it.
    """

    name: str
    kind: str
    values: Callable[[Context, Row], list[Any]]
    operators: frozenset[str]
    order: Callable[[Context, Row], Any] | None = None


def _some(value: Any) -> list[Any]:
    return [] if value is None or value == "" else [value]


def _stored(field: str) -> Callable[[Context, Row], list[Any]]:
    return lambda _c, row: _some(row[field])


def _listed(field: str) -> Callable[[Context, Row], list[Any]]:
    return lambda _c, row: list(row[field])


def _text_of(field: str) -> Callable[[Context, Row], list[Any]]:
    return lambda _c, row: _some(plain(row[field]))


def _comments(c: Context, row: Row) -> list[Any]:
    table = c["comments"]
    return [plain(table[key]["body"]) for key in table.find("issue", row["id"])]


def _all_text(c: Context, row: Row) -> list[Any]:
    texts = [row["summary"], plain(row["description"]), plain(row["environment"])]
    return [text for text in [*texts, *_comments(c, row)] if text]


def _date_of(field: str) -> Callable[[Context, Row], list[Any]]:
    return lambda _c, row: [dates.moment(row[field])] if row[field] else []


def _number_in(table: str, field: str) -> Callable[[Context, Row], Any]:
    return lambda c, row: c[table][row[field]]["n"] if row[field] in c[table] else 99


def _name_in(table: str, field: str) -> Callable[[Context, Row], Any]:
    return lambda c, row: c[table][row[field]]["name"].lower() if row[field] in c[table] else "~"


def _person(field: str) -> Callable[[Context, Row], Any]:
    def key(c: Context, row: Row) -> Any:
        user = c["users"].get(row[field]) if row[field] else None
        return f"{user['first']} {user['last']}".lower() if user else "\uffff"

    return key


def _key_order(c: Context, row: Row) -> Any:
    return (c["projects"][row["project"]]["key"], row["n"])


def _first(
    values: Callable[[Context, Row], list[Any]], empty: Any
) -> Callable[[Context, Row], Any]:
    def key(c: Context, row: Row) -> Any:
        found = values(c, row)
        return (0, found[0]) if found else (1, empty)

    return key


def _category(c: Context, row: Row) -> list[Any]:
    return [c["statuses"][row["status"]]["category"]]


def _epic(c: Context, row: Row) -> list[Any]:
    parent = c["issues"].get(row["parent"]) if row["parent"] else None
    above = parent is not None and c["issuetypes"][parent["type"]]["level"] == 1
    return [row["parent"]] if above else []


def _date(name: str, field: str) -> Searched:
    values = _date_of(field)
    return Searched(name, "date", values, EQUAL | IS | ORDERED, _first(values, None))


def _number(name: str, field: str) -> Searched:
    return Searched(
        name,
        "number",
        lambda _c, row: [len(row[field])] if isinstance(row[field], list) else _some(row[field]),
        EQUAL | IS | ORDERED,
        lambda _c, row: len(row[field]) if isinstance(row[field], list) else row[field] or 0,
    )


def _user(name: str, history: bool = False) -> Searched:
    operators = EQUAL | IS | (HISTORY if history else frozenset())
    return Searched(name, "user", _stored(name), operators, _person(name))


_FIELDS: Final = (
    (("key", "issuekey", "issue", "id"), Searched(
        "key", "key", lambda _c, row: [row["id"]], EQUAL | IS | ORDERED, _key_order)),
    (("project",), Searched(
        "project", "projects", _stored("project"), EQUAL | IS,
        lambda c, row: c["projects"][row["project"]]["name"].lower())),
    (("issuetype", "type"), Searched(
        "issuetype", "issuetypes", _stored("type"), EQUAL | IS, _name_in("issuetypes", "type"))),
    (("status",), Searched(
        "status", "statuses", _stored("status"), EQUAL | IS | HISTORY,
        _number_in("statuses", "status"))),
    (("statuscategory",), Searched(
        "statusCategory", "category", _category, EQUAL | IS, None)),
    (("priority",), Searched(
        "priority", "priorities", _stored("priority"), EQUAL | IS | ORDERED | HISTORY,
        lambda c, row: -int(_number_in("priorities", "priority")(c, row)))),
    (("resolution",), Searched(
        "resolution", "resolutions", _stored("resolution"), EQUAL | IS | HISTORY,
        _number_in("resolutions", "resolution"))),
    (("assignee",), _user("assignee", history=True)),
    (("reporter",), _user("reporter", history=True)),
    (("creator",), _user("creator")),
    (("watcher",), Searched("watcher", "user", _listed("watchers"), EQUAL | IS)),
    (("voter",), Searched("voter", "user", _listed("voters"), EQUAL | IS)),
    (("labels",), Searched(
        "labels", "label", _listed("labels"), EQUAL | IS, _first(_listed("labels"), ""))),
    (("component",), Searched(
        "component", "components", _listed("components"), EQUAL | IS,
        _first(_listed("components"), ""))),
    (("fixversion",), Searched(
        "fixVersion", "versions", _listed("fix"), EQUAL | IS | ORDERED,
        _first(_listed("fix"), ""))),
    (("affectedversion",), Searched(
        "affectedVersion", "versions", _listed("affects"), EQUAL | IS | ORDERED,
        _first(_listed("affects"), ""))),
    (("parent",), Searched("parent", "key", _stored("parent"), EQUAL | IS,
        _first(_stored("parent"), ""))),
    (("summary",), Searched(
        "summary", "text", _stored("summary"), TEXT | IS,
        lambda _c, row: row["summary"].lower())),
    (("description",), Searched(
        "description", "text", _text_of("description"), TEXT | IS,
        lambda _c, row: plain(row["description"]).lower())),
    (("environment",), Searched(
        "environment", "text", _text_of("environment"), TEXT | IS,
        lambda _c, row: plain(row["environment"]).lower())),
    (("comment",), Searched("comment", "text", _comments, TEXT)),
    (("text", "textfields"), Searched("text", "text", _all_text, TEXT)),
    (("created", "createddate"), _date("created", "created")),
    (("updated", "updateddate"), _date("updated", "updated")),
    (("resolved", "resolutiondate"), _date("resolved", "resolved")),
    (("statuscategorychangeddate",), _date("statusCategoryChangedDate", "category_changed")),
    (("due", "duedate"), _date("due", "due")),
    (("votes",), _number("votes", "voters")),
    (("watchers",), _number("watchers", "watchers")),
    (("originalestimate", "timeoriginalestimate"), _number("originalEstimate", "estimate")),
    (("remainingestimate", "timeestimate"), _number("remainingEstimate", "remaining")),
    (("timespent",), _number("timespent", "spent")),
    (("sprint", "cf[10020]"), Searched(
        "sprint", "sprints", lambda _c, row: list(row.get("sprints", ())), EQUAL | IS,
        lambda _c, row: int((row.get("sprints") or ["0"])[-1]))),
    (("epic link", "cf[10014]"), Searched(
        "Epic Link", "key", _epic, EQUAL | IS, _first(_epic, ""))),
    (("epic name", "cf[10011]"), Searched(
        "Epic Name", "text", lambda _c, row: _some(row.get("epic_name")), EQUAL | TEXT | IS)),
    (("story points", "cf[10028]"), Searched(
        "Story Points", "number", lambda _c, row: _some(row.get("points")),
        EQUAL | IS | ORDERED, lambda _c, row: row.get("points") or 0)),
    (("rank", "cf[10019]"), Searched(
        "rank", "text", lambda _c, row: [rank_of(row)], frozenset(),
        lambda _c, row: rank_of(row))),
)  # fmt: skip

CLAUSES: Final = {name: searched for names, searched in _FIELDS for name in names}
"""Clause name, lower case, to what it searches."""
