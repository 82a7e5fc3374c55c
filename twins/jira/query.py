"""A parsed JQL query against a site: checks fields, operators and values, then finds and sorts.

Semantics that surprise and are kept: a negated comparison (``!=``, ``NOT IN``, ``!~``) never
matches an issue whose field is empty, and ``NOT`` is pushed down onto the comparisons.

Every part of a query becomes a :class:`Plan`: a test of a row and, where an index knows, the
keys of the only rows that can pass. A conjunction looks at the smallest such set, a disjunction
at the union, so that ``project = X AND assignee = Y`` never reads the other issues.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from factory_tui.universe import Row

from . import words
from .clauses import HISTORY, IS, ORDERED, TEXT, Searched, clauses_named
from .context import Context
from .jql import Both, Call, Clause, Empty, JqlError, Node, Not, Query, Sort, Value
from .jql import parse as parse_jql
from .ordering import Stage, compare_places, place_of, sort_rows, stages_of
from .past import history_test
from .permits import Browse
from .values import operand_values

__all__ = ["Found", "check_query", "compile_query", "find", "run", "tester"]

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
_INDEXED: Final = frozenset(
    {"id", "project", "status", "assignee", "reporter", "creator", "type", "priority", "parent"}
)
MAX_FILTERS: Final = 20

UNBOUNDED: Final = (
    "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
)


class Plan(NamedTuple):
    """A compiled part of a query.

    Attributes:
        test: Whether a row passes.
        keys: The only keys whose rows can pass, ``None`` = any.
    """

    test: Test
    keys: list[str] | None = None


class Found(NamedTuple):
    """What a query finds, in its order.

    Attributes:
        rows: The issues.
        order: What they are ordered by.
        stages: The comparisons that the order is made of.
    """

    rows: list[Row]
    order: tuple[Sort, ...]
    stages: list[Stage]

    def after(self, place: list[Any]) -> list[Row]:
        """The issues behind a place, whether or not an issue still stands there."""
        compare = compare_places(self.stages)
        start = bisect_right(
            self.rows, compare(place), key=lambda row: compare(place_of(self.stages, row))
        )
        return self.rows[start:]


def run(c: Context, text: str, *, bounded: bool) -> list[Row]:
    """The issues a query finds, in its order: see :func:`find`."""
    return find(c, text, bounded=bounded).rows


def find(c: Context, text: str, *, bounded: bool, warnings: list[str] | None = None) -> Found:
    """What a query finds.

    Args:
        bounded: Refuse a query that restricts nothing, as Cloud's token search does.
        warnings: Gets the sentences about fields and values instead of their being raised; what
            they concern finds nothing.

    Raises:
        JqlError: With every sentence Jira would answer.
    """
    query = parse_jql(text)
    if query.where is None and bounded:
        raise JqlError(UNBOUNDED)
    plan = compile_query(c, query, warnings)
    browse = Browse(c)
    table = c["issues"]
    rows: Any = table.rows()
    if plan.keys is not None:
        rows = (row for key in dict.fromkeys(plan.keys) if (row := table.get(key)) is not None)
    test = plan.test
    found = [row for row in rows if test(row) and browse(row) and not row.get("archived")]
    stages = stages_of(c, query.order)
    sort_rows(found, stages)
    return Found(found, query.order, stages)


def tester(c: Context, text: str) -> Test:
    """The test of one query, for questions about few issues. Raises :class:`JqlError`."""
    plan = compile_query(c, parse_jql(text))
    browse = Browse(c)
    return lambda row: plan.test(row) and browse(row)


def check_query(c: Context, text: str) -> Query:
    """Parse and check a query without running it. Raises :class:`JqlError`."""
    query = parse_jql(text)
    compile_query(c, query)
    return query


def compile_query(c: Context, query: Query, warnings: list[str] | None = None) -> Plan:
    """Check a query and turn it into a plan. Raises :class:`JqlError`, or fills ``warnings``."""
    problems: list[str] = []
    plan = Plan(lambda row: True)
    if query.where is not None:
        plan = _node(c, query.where, False, problems)
    for sort in query.order:
        named = clauses_named(c, sort.field)
        if not named:
            problems.append(_no_field(sort.field))
        elif any(searched.order is None for searched in named):
            problems.append(f"Field '{sort.field}' does not support sorting.")
    if problems and warnings is None:
        raise JqlError(*dict.fromkeys(problems))
    if warnings is not None:
        warnings += dict.fromkeys(problems)
    return plan


def _no_field(name: str) -> str:
    return f"Field '{name}' does not exist or you do not have permission to view it."


def _nothing(_row: Row) -> bool:
    return False


def _node(c: Context, node: Node, negated: bool, problems: list[str]) -> Plan:
    if isinstance(node, Not):
        return _node(c, node.part, not negated, problems)
    if isinstance(node, Clause):
        return _clause(c, node, negated, problems)
    plans = [_node(c, part, negated, problems) for part in node.parts]
    if isinstance(node, Both) != negated:
        sets = [plan.keys for plan in plans if plan.keys is not None]
        return Plan(_all([plan.test for plan in plans]), min(sets, key=len) if sets else None)
    return _any(plans)


def _all(tests: list[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda row: first(row) and second(row)
    return lambda row: all(test(row) for test in tests)


def _clause(c: Context, clause: Clause, negated: bool, problems: list[str]) -> Plan:
    named = clauses_named(c, clause.field)
    if not named:
        problems.append(_no_field(clause.field))
    # Of several custom fields with that name, any one may hold what is sought, and each of them
    # must understand the query.
    plans = []
    for searched in named:
        try:
            plans.append(_plan(c, clause, searched, negated))
        except JqlError as error:
            problems.extend(error.messages)
    if len(plans) != len(named) or not plans:
        return Plan(_nothing)
    return plans[0] if len(plans) == 1 else _any(plans)


def _any(plans: list[Plan]) -> Plan:
    tests = [plan.test for plan in plans]
    sets = [plan.keys for plan in plans if plan.keys is not None]
    keys = [key for one in sets for key in one] if len(sets) == len(plans) else None
    return Plan(lambda row: any(test(row) for test in tests), keys)


def _plan(c: Context, clause: Clause, searched: Searched, negated: bool) -> Plan:
    operator = clause.operator
    if searched.kind == "filter":
        return _saved(c, clause, negated)
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
        return Plan((lambda row: not test(row)) if negated else test)
    if clause.predicates:
        raise JqlError(
            f"The operator '{operator}' does not support the predicate "
            f"'{clause.predicates[0].name}'."
        )
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


def _emptiness(c: Context, searched: Searched, wanted: bool) -> Plan:
    if searched.column:
        column = searched.column
        return Plan(lambda row: (row.get(column) in (None, "")) == wanted)
    return Plan(lambda row: (not searched.values(c, row)) == wanted)


def _comparison(
    c: Context, searched: Searched, operator: str, values: list[Any], has_empty: bool
) -> Plan:
    if searched.kind == "property" and operator not in TEXT:
        return Plan(_property_test(c, searched, operator, values, has_empty))
    if operator in ("=", "in", "!=", "not in"):
        return _membership(c, searched, operator in ("=", "in"), values, has_empty)
    if operator in TEXT:
        return Plan(_text_test(c, searched, operator == "~", str(values[0])))
    return Plan(_order_test(c, searched, operator, values))


def _membership(
    c: Context, searched: Searched, positive: bool, values: list[Any], has_empty: bool
) -> Plan:
    of = searched.values
    wanted = frozenset(values)
    column = searched.column if searched.kind not in ("date", "text") else ""
    if not positive:
        if column:
            return Plan(lambda row: (v := row.get(column)) not in wanted and v not in (None, ""))
        return Plan(
            lambda row: bool(found := of(c, row)) and not any(one in wanted for one in found)
        )
    if has_empty:
        return Plan(lambda row: not (found := of(c, row)) or any(one in wanted for one in found))
    keys = None
    if column in _INDEXED:
        table = c["issues"]
        keys = (
            [str(key) for key in values]
            if column == "id"
            else [str(key) for value in wanted for key in table.find(column, value)]
        )
    if column:
        return Plan(lambda row: row.get(column) in wanted, keys)
    return Plan(lambda row: any(one in wanted for one in of(c, row)))


def _text_test(c: Context, searched: Searched, positive: bool, query: str) -> Test:
    asked = words.Query(query)
    if searched.kind == "versions":
        table = c["versions"]
        of: Callable[[Context, Row], list[Any]] = lambda c, row: [  # noqa: E731
            table[key]["name"] for key in searched.values(c, row) if key in table
        ]
    else:
        of = searched.values
    if positive:
        return lambda row: any(asked.matches(str(text)) for text in of(c, row))
    return lambda row: (
        bool(texts := of(c, row)) and not any(asked.matches(str(text)) for text in texts)
    )


_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
}


def _property_test(
    c: Context, searched: Searched, operator: str, values: list[Any], has_empty: bool
) -> Test:
    """Properties compare as numbers where both sides are numbers, else as text."""

    def same(one: Any, text: str) -> bool:
        if isinstance(one, bool):
            return str(one).lower() == text.lower()
        if isinstance(one, int | float):
            return _as_number(text) == one
        return str(one) == text

    def ordered(one: Any, text: str) -> bool:
        if isinstance(one, int | float) and not isinstance(one, bool):
            number = _as_number(text)
            return number is not None and _COMPARE[operator](one, number)
        return isinstance(one, str) and _COMPARE[operator](one, text)

    if operator in _COMPARE:
        return lambda row: any(ordered(one, values[0]) for one in searched.values(c, row))
    positive = operator in ("=", "in")

    def test(row: Row) -> bool:
        found = searched.values(c, row)
        if not found:
            return positive and has_empty
        return any(same(one, text) for one in found for text in values) == positive

    return test


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _order_test(c: Context, searched: Searched, operator: str, values: list[Any]) -> Test:
    if not values:
        return _nothing
    holds = _COMPARE[operator]
    if searched.kind == "date" and searched.column:
        # Stored times sort as text; parsing each of them would cost the most.
        column = searched.column
        limit = values[0].strftime("%Y-%m-%dT%H:%M:%S.%f")[:23].rjust(23, "0")

        def before_or_after(row: Row) -> bool:
            text: str = row.get(column) or ""
            if not text:
                return False
            return holds(text[:23] if len(text) > 10 else text + "T00:00:00.000", limit)

        return before_or_after
    rank = _rank(c, searched)
    edge = rank(values[0])
    if searched.kind == "key":
        project = edge[0]
        return lambda row: (place := rank(row["id"]))[0] == project and holds(place[1], edge[1])
    return lambda row: any(holds(rank(item), edge) for item in searched.values(c, row))


def _rank(c: Context, searched: Searched) -> Callable[[Any], Any]:
    """What ``<`` compares: priorities rank from lowest to highest, keys by their number."""
    if searched.kind == "priorities":
        return lambda key: -c["priorities"][key]["n"] if key in c["priorities"] else 1
    if searched.kind == "resolutions":
        return lambda key: c["resolutions"][key]["n"]
    if searched.kind == "key":
        return lambda key: (c["issues"][key]["project"], c["issues"][key]["n"])
    if searched.kind == "versions":
        order = {key: at for at, key in enumerate(c["versions"])}
        return lambda key: order.get(key, -1)
    return lambda value: value


def _saved(c: Context, clause: Clause, negated: bool) -> Plan:
    """``filter = "My filter"``: the query of a saved filter, in place."""
    if clause.operator not in ("=", "!=", "in", "not in"):
        raise JqlError(
            f"The operator '{clause.operator}' is not supported by the '{clause.field}' field."
        )
    depth = c.cache.get("filter depth", 0)
    if depth >= MAX_FILTERS:
        raise JqlError("The filters of this query refer to one another too deeply.")
    c.cache["filter depth"] = depth + 1
    plans = []
    for operand in clause.operands:
        text = operand.text if isinstance(operand, Value) else ""
        row = c["filters"].get(text) or next(
            (one for one in c["filters"].rows() if one["name"].lower() == text.lower()), None
        )
        if row is None:
            raise JqlError(f"The value '{text}' does not exist for the field '{clause.field}'.")
        query = parse_jql(row["jql"])
        found = compile_query(c, Query(query.where, ()))
        plans.append(found)
    c.cache["filter depth"] = depth
    sets = [plan.keys for plan in plans if plan.keys is not None]
    keys = [key for one in sets for key in one] if len(sets) == len(plans) else None
    positive = (clause.operator in ("=", "in")) != negated
    if positive:
        return Plan(lambda row: any(plan.test(row) for plan in plans), keys)
    return Plan(lambda row: not any(plan.test(row) for plan in plans))
