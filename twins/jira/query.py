"""Evaluating JQL: checks a query's fields, operators and values, then filters and sorts.

Semantics that surprise and are kept: a negated comparison (``!=``, ``NOT IN``, ``!~``) never
matches an issue whose field is empty, and ``NOT`` is pushed down onto the comparisons.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from factory_tui.universe import Row

from . import dates, words
from .adf import plain
from .context import Context
from .jql import Both, Call, Clause, Empty, JqlError, Node, Not, Operand, Query, Sort, Value
from .jql import parse as parse_jql

__all__ = ["CLAUSES", "run"]

Test = Callable[[Row], bool]

_EQUAL: Final = frozenset({"=", "!=", "in", "not in"})
_IS: Final = frozenset({"is", "is not"})
_ORDERED: Final = frozenset({"<", ">", "<=", ">="})
_TEXT: Final = frozenset({"~", "!~"})
_HISTORY: Final = frozenset({"was", "was not", "was in", "was not in", "changed"})
_LISTS: Final = frozenset({"in", "not in", "was in", "was not in"})
_OPPOSITE: Final = {
    "=": "!=",
    "!=": "=",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "~": "!~",
    "!~": "~",
    "in": "not in",
    "not in": "in",
    "is": "is not",
    "is not": "is",
    "was": "was not",
    "was not": "was",
    "was in": "was not in",
    "was not in": "was in",
}


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


def _date(name: str, field: str) -> Searched:
    values = _date_of(field)
    return Searched(name, "date", values, _EQUAL | _IS | _ORDERED, _first(values, None))


def _number(name: str, field: str) -> Searched:
    return Searched(
        name,
        "number",
        lambda _c, row: [len(row[field])] if isinstance(row[field], list) else _some(row[field]),
        _EQUAL | _IS | _ORDERED,
        lambda _c, row: len(row[field]) if isinstance(row[field], list) else row[field] or 0,
    )


def _user(name: str, history: bool = False) -> Searched:
    operators = _EQUAL | _IS | (_HISTORY if history else frozenset())
    return Searched(name, "user", _stored(name), operators, _person(name))


_FIELDS: Final = (
    (("key", "issuekey", "issue", "id"), Searched(
        "key", "key", lambda _c, row: [row["id"]], _EQUAL | _IS | _ORDERED, _key_order)),
    (("project",), Searched(
        "project", "projects", _stored("project"), _EQUAL | _IS,
        lambda c, row: c["projects"][row["project"]]["name"].lower())),
    (("issuetype", "type"), Searched(
        "issuetype", "issuetypes", _stored("type"), _EQUAL | _IS, _name_in("issuetypes", "type"))),
    (("status",), Searched(
        "status", "statuses", _stored("status"), _EQUAL | _IS | _HISTORY,
        _number_in("statuses", "status"))),
    (("statuscategory",), Searched(
        "statusCategory", "category", _category, _EQUAL | _IS, None)),
    (("priority",), Searched(
        "priority", "priorities", _stored("priority"), _EQUAL | _IS | _ORDERED | _HISTORY,
        lambda c, row: -int(_number_in("priorities", "priority")(c, row)))),
    (("resolution",), Searched(
        "resolution", "resolutions", _stored("resolution"), _EQUAL | _IS | _HISTORY,
        _number_in("resolutions", "resolution"))),
    (("assignee",), _user("assignee", history=True)),
    (("reporter",), _user("reporter", history=True)),
    (("creator",), _user("creator")),
    (("watcher",), Searched("watcher", "user", _listed("watchers"), _EQUAL | _IS)),
    (("voter",), Searched("voter", "user", _listed("voters"), _EQUAL | _IS)),
    (("labels",), Searched(
        "labels", "label", _listed("labels"), _EQUAL | _IS, _first(_listed("labels"), ""))),
    (("component",), Searched(
        "component", "components", _listed("components"), _EQUAL | _IS,
        _first(_listed("components"), ""))),
    (("fixversion",), Searched(
        "fixVersion", "versions", _listed("fix"), _EQUAL | _IS | _ORDERED,
        _first(_listed("fix"), ""))),
    (("affectedversion",), Searched(
        "affectedVersion", "versions", _listed("affects"), _EQUAL | _IS | _ORDERED,
        _first(_listed("affects"), ""))),
    (("parent",), Searched("parent", "key", _stored("parent"), _EQUAL | _IS,
        _first(_stored("parent"), ""))),
    (("summary",), Searched(
        "summary", "text", _stored("summary"), _TEXT | _IS,
        lambda _c, row: row["summary"].lower())),
    (("description",), Searched(
        "description", "text", _text_of("description"), _TEXT | _IS,
        lambda _c, row: plain(row["description"]).lower())),
    (("environment",), Searched(
        "environment", "text", _text_of("environment"), _TEXT | _IS,
        lambda _c, row: plain(row["environment"]).lower())),
    (("comment",), Searched("comment", "text", _comments, _TEXT)),
    (("text", "textfields"), Searched("text", "text", _all_text, _TEXT)),
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
)  # fmt: skip

CLAUSES: Final = {name: searched for names, searched in _FIELDS for name in names}
"""Clause name, lower case, to what it searches."""


def run(c: Context, text: str, *, bounded: bool) -> list[Row]:
    """The issues a query finds, in its order.

    Args:
        bounded: Refuse a query that restricts nothing, as Cloud's token search does.

    Raises:
        JqlError: With every sentence Jira would answer.
    """
    query = parse_jql(text)
    if query.where is None and bounded:
        raise JqlError(
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your "
            "query."
        )
    test = compile_query(c, query)
    rows = [row for row in c["issues"].rows() if c.may_see(c["projects"][row["project"]])]
    found = [row for row in rows if test(row)]
    return _sorted(c, found, query.order)


def compile_query(c: Context, query: Query) -> Test:
    """Check a query and turn it into a test of a row."""
    problems: list[str] = []
    for sort in query.order:
        searched = CLAUSES.get(sort.field.lower())
        if searched is None:
            problems.append(_no_field(sort.field))
        elif searched.order is None:
            problems.append(f"Field '{sort.field}' does not support sorting.")
    test: Test = lambda row: True  # noqa: E731 - one branch of two
    if query.where is not None:
        test = _node(c, query.where, False, problems)
    if problems:
        raise JqlError(*dict.fromkeys(problems))
    return test


def _no_field(name: str) -> str:
    return f"Field '{name}' does not exist or you do not have permission to view it."


def _node(c: Context, node: Node, negated: bool, problems: list[str]) -> Test:
    if isinstance(node, Not):
        return _node(c, node.part, not negated, problems)
    if isinstance(node, Clause):
        return _clause(c, node, negated, problems)
    tests = [_node(c, part, negated, problems) for part in node.parts]
    if isinstance(node, Both) != negated:
        return lambda row: all(test(row) for test in tests)
    return lambda row: any(test(row) for test in tests)


def _clause(c: Context, clause: Clause, negated: bool, problems: list[str]) -> Test:
    searched = CLAUSES.get(clause.field.lower())
    if searched is None:
        problems.append(_no_field(clause.field))
        return lambda row: False
    try:
        return _test(c, clause, searched, negated)
    except JqlError as error:
        problems.extend(error.messages)
        return lambda row: False


def _test(c: Context, clause: Clause, searched: Searched, negated: bool) -> Test:
    operator = clause.operator
    if operator not in searched.operators:
        raise JqlError(f"The operator '{operator}' is not supported by the '{clause.field}' field.")
    if clause.is_list and operator not in _LISTS:
        raise JqlError(f"Operator '{operator}' does not support list values.")
    called = len(clause.operands) == 1 and isinstance(clause.operands[0], Call)
    if operator in _LISTS and not clause.is_list and not called:
        raise JqlError(
            f"Operator '{operator}' does not support the non-list value for field '{clause.field}'."
        )
    if operator in _HISTORY:
        from .past import history_test

        test = history_test(c, clause, searched)
        return (lambda row: not test(row)) if negated else test
    if negated:
        operator = _OPPOSITE[operator]
    has_empty = any(isinstance(operand, Empty) for operand in clause.operands)
    if operator in _IS:
        if not has_empty:
            raise JqlError(
                f"The operator '{operator}' only supports searching for empty values: 'EMPTY' or "
                "'NULL'."
            )
        return _emptiness(c, searched, operator == "is")
    if has_empty and operator in _ORDERED | _TEXT:
        raise JqlError(
            f"The field '{clause.field}' does not support the operator '{operator}' with 'EMPTY'."
        )
    if has_empty and len(clause.operands) == 1:
        return _emptiness(c, searched, operator in ("=", "in"))
    values = [
        v for operand in clause.operands for v in operand_values(c, clause, searched, operand)
    ]
    return _comparison(c, searched, operator, values, has_empty)


def _emptiness(c: Context, searched: Searched, wanted: bool) -> Test:
    return lambda row: (not searched.values(c, row)) == wanted


def _comparison(
    c: Context, searched: Searched, operator: str, values: list[Any], has_empty: bool
) -> Test:
    of = searched.values
    if operator in ("=", "in"):
        wanted = set(values)
        return lambda row: (
            has_empty if not (found := of(c, row)) else any(item in wanted for item in found)
        )
    if operator in ("!=", "not in"):
        unwanted = set(values)
        return lambda row: bool(found := of(c, row)) and not any(i in unwanted for i in found)
    if operator == "~":
        return lambda row: any(words.matches(values[0], text) for text in _texts(c, searched, row))
    if operator == "!~":
        return lambda row: (
            bool(texts := _texts(c, searched, row))
            and not any(words.matches(values[0], text) for text in texts)
        )
    return _order_test(c, searched, operator, values)


def _texts(c: Context, searched: Searched, row: Row) -> list[str]:
    return [str(text) for text in searched.values(c, row)]


def _order_test(c: Context, searched: Searched, operator: str, values: list[Any]) -> Test:
    if not values:
        return lambda row: False
    rank = _rank(c, searched)
    limit = rank(values[0])
    compare: dict[str, Callable[[Any, Any], bool]] = {
        "<": lambda a, b: a < b,
        ">": lambda a, b: a > b,
        "<=": lambda a, b: a <= b,
        ">=": lambda a, b: a >= b,
    }
    holds = compare[operator]
    if searched.kind == "key":
        project = limit[0]
        return lambda row: (place := rank(row["id"]))[0] == project and holds(place[1], limit[1])
    return lambda row: any(holds(rank(item), limit) for item in searched.values(c, row))


def _rank(c: Context, searched: Searched) -> Callable[[Any], Any]:
    """What ``<`` compares: priorities rank from lowest to highest, keys by their number."""
    if searched.kind == "priorities":
        return lambda key: -c["priorities"][key]["n"]
    if searched.kind == "key":
        return lambda key: (c["issues"][key]["project"], c["issues"][key]["n"])
    if searched.kind == "versions":
        order = {key: at for at, key in enumerate(c["versions"])}
        return lambda key: order[key]
    return lambda value: value


# -- values


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
            return int(text)
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
}


# -- sorting


_DOWN_BY_DEFAULT: Final = frozenset({"created", "updated", "resolved", "priority", "votes"})


def _sorted(c: Context, rows: list[Row], order: Iterable[Sort]) -> list[Row]:
    rows.sort(key=lambda row: _created_order(row), reverse=True)
    for sort in reversed(tuple(order)):
        searched = CLAUSES[sort.field.lower()]
        down = sort.descending
        if down is None:
            down = searched.name in _DOWN_BY_DEFAULT
        _sort_by(c, rows, searched, down)
    return rows


def _sort_by(c: Context, rows: list[Row], searched: Searched, down: bool) -> None:
    assert searched.order is not None
    order = searched.order
    if searched.kind == "date":
        # Issues without the date come last either way.
        rows.sort(
            key=lambda row: value[1].timestamp() if (value := order(c, row))[0] == 0 else 0.0,
            reverse=down,
        )
        rows.sort(key=lambda row: order(c, row)[0])
    else:
        rows.sort(key=lambda row: order(c, row), reverse=down)


def _created_order(row: Row) -> tuple[datetime, int]:
    return dates.moment(row["created"]), int(row["id"])
