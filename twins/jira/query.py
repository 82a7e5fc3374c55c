"""Evaluating JQL: checks a query's fields, operators and values, then filters and sorts.

Semantics that surprise and are kept: a negated comparison (``!=``, ``NOT IN``, ``!~``) never
matches an issue whose field is empty, and ``NOT`` is pushed down onto the comparisons.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from factory_tui.universe import Row

from . import dates, words
from .clauses import CLAUSES, HISTORY, IS, ORDERED, TEXT, Searched
from .context import Context
from .jql import Both, Call, Clause, Empty, JqlError, Node, Not, Query, Sort
from .jql import parse as parse_jql
from .past import history_test
from .values import operand_values

__all__ = ["run"]

Test = Callable[[Row], bool]

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
    if operator in HISTORY:
        test = history_test(c, clause, searched)
        return (lambda row: not test(row)) if negated else test
    if negated:
        operator = _OPPOSITE[operator]
    has_empty = any(isinstance(operand, Empty) for operand in clause.operands)
    if operator in IS:
        if not has_empty:
            raise JqlError(
                f"The operator '{operator}' only supports searching for empty values: 'EMPTY' or "
                "'NULL'."
            )
        return _emptiness(c, searched, operator == "is")
    if has_empty and operator in ORDERED | TEXT:
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
