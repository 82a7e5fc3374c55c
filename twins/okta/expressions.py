"""``filter`` and ``search``: Okta's SCIM-like expressions, parsed with a grammar.

``search`` compares text without regard to case, ``filter`` with; property names are always
case-sensitive and operators never. Text is a JSON string; a time is text, compared as a time with
what holds a time. A property that is an array matches when one of its elements does (RFC 7644,
3.4.2.2). ``not`` binds closest, then ``and``, then ``or``. Source: Okta's documentation of
"Filter", "Operators" and "List all users".
"""

import operator as comparing
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson
from lark import Lark, Transformer, v_args
from lark.exceptions import LarkError

from factory_tui.universe import parse_time

__all__ = ["ExpressionError", "Predicate", "compile_expression", "sort_key"]

Predicate = Callable[[Mapping[str, Any]], bool]

_GRAMMAR: Final = r"""
?start: either
?either: both (_OR both)*
?both: term (_AND term)*
?term: _NOT group -> negate
     | group
     | comparison
?group: "(" either ")"
comparison: NAME PRESENT          -> present
          | NAME OPERATOR value   -> compare
?value: STRING | NUMBER | WORD
PRESENT.5: /pr(?![\w.])/i
OPERATOR.5: /(eq|ne|co|sw|ew|gt|ge|lt|le)(?![\w.])/i
_OR.6: /or(?![\w.])/i
_AND.6: /and(?![\w.])/i
_NOT.6: /not(?![\w.])/i
WORD.4: /(true|false|null)(?![\w.])/i
NAME: /[A-Za-z_][\w.\-]*/
STRING: /"(\\.|[^"\\])*"/
NUMBER: /-?\d+(\.\d+)?([eE][+-]?\d+)?/
%ignore /\s+/
"""
_LONGEST: Final = 4000
_DEEPEST: Final = 40
_SYNTAX: Final = "Invalid search syntax."


class ExpressionError(ValueError):
    """The expression cannot be understood, or asks for what this list does not offer."""


class _Names:
    """Which properties may be named, and with which operators each.

    Args:
        declared: ``name``, or ``name:operators`` for one with operators of its own; a name that
            ends in ``.`` stands for all below it. ``None``: any.
        operators: Those of names that have none of their own.
    """

    def __init__(self, declared: tuple[str, ...] | None, operators: str) -> None:
        self._common = frozenset(operators.split())
        self._known: dict[str, frozenset[str]] | None = None
        if declared is not None:
            self._known = {}
            for word in declared:
                name, colon, own = word.partition(":")
                self._known[name] = frozenset(own.split()) if colon else self._common

    def check(self, name: str, operator: str) -> None:
        """Refuse a property or operator that this list does not offer."""
        allowed = self._common if self._known is None else self._operators(name)
        if allowed is None:
            raise ExpressionError(f"The property '{name}' is not supported.")
        if operator not in allowed:
            raise ExpressionError(f"The operator '{operator}' is not supported for '{name}'.")

    def _operators(self, name: str) -> frozenset[str] | None:
        assert self._known is not None
        exact = self._known.get(name)
        if exact is not None and not name.endswith("."):
            return exact
        heads = [known for known in self._known if known.endswith(".") and name.startswith(known)]
        return self._known[max(heads, key=len)] if heads else None


@v_args(inline=True)
class _Build(Transformer[Any, Predicate]):
    def __init__(
        self, exact: bool, names: _Names, negation: bool, stored: Mapping[str, str]
    ) -> None:
        super().__init__()
        self._exact = exact
        self._names = names
        self._negation = negation
        self._stored = stored

    def either(self, *terms: Predicate) -> Predicate:
        def matches(row: Mapping[str, Any]) -> bool:
            for term in terms:  # noqa: SIM110 - a generator costs more than the terms
                if term(row):
                    return True
            return False

        return matches

    def both(self, *terms: Predicate) -> Predicate:
        def matches(row: Mapping[str, Any]) -> bool:
            for term in terms:  # noqa: SIM110 - a generator costs more than the terms
                if not term(row):
                    return False
            return True

        return matches

    def negate(self, term: Predicate) -> Predicate:
        if not self._negation:
            raise ExpressionError("The operator 'not' is not supported.")
        return lambda row: not term(row)

    def present(self, name: str, _operator: str) -> Predicate:
        return _where(self._path(str(name), "pr"), _is_there, bool)

    def compare(self, name: str, operator: str, value: Any) -> Predicate:
        lowered = str(operator).lower()
        path = self._path(str(name), lowered)
        wanted = _Wanted(_literal(value), self._exact, "eq" if lowered == "ne" else lowered)
        equal = _where(path, wanted.holds, wanted.text)
        return (lambda row: not equal(row)) if lowered == "ne" else equal

    def _path(self, name: str, operator: str) -> tuple[str, ...]:
        self._names.check(name, operator)
        return tuple(self._stored.get(name, name).split("."))


def _where(
    path: tuple[str, ...], holds: Callable[[Any], bool], text: Callable[[str], bool]
) -> Predicate:
    """Whether ``holds`` is true of anything at ``path``; ``text`` says the same of text, faster.

    Nearly every property is text, at the top or in the profile, and a search looks at thousands.
    """
    if len(path) > 2:
        return lambda row: any(map(holds, _values(row, path)))
    head, tail = path[0], path[-1]
    nested = len(path) == 2

    def matches(row: Mapping[str, Any]) -> bool:
        value = row.get(head)
        if nested:
            if not isinstance(value, dict):
                return any(map(holds, _values(row, path)))
            value = value.get(tail)
        if isinstance(value, str):
            return text(value)
        if value is None:
            return holds(None)
        return any(map(holds, _values(row, path)))

    return matches


def _is_there(value: Any) -> bool:
    return value not in (None, "", [], {})


def _literal(token: Any) -> Any:
    kind, text = token.type, str(token)
    if kind == "STRING":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            raise ExpressionError(_SYNTAX) from None
    if kind == "NUMBER":
        return float(text)
    return {"true": True, "false": False, "null": None}[text.lower()]


def _values(row: Any, path: tuple[str, ...]) -> list[Any]:
    """What is at ``path``; a list on the way counts with each of its elements."""
    found = [row]
    for part in path:
        found = [item.get(part) for item in found if isinstance(item, Mapping)]
        if any(isinstance(item, list | tuple) for item in found):
            found = [
                one
                for item in found
                for one in (item if isinstance(item, list | tuple) else [item])
            ]
    return found


def _moment(text: str) -> datetime | None:
    if len(text) < 10 or text[4:5] != "-":
        return None
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        return None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


class _Wanted:
    """What a comparison asks for, in every form that a property's type may need.

    Attributes:
        text: Whether a text stands to the value as the operator says.
    """

    __slots__ = ("_moment", "_number", "_operator", "_order", "_said", "_value", "text")

    def __init__(self, value: Any, exact: bool, operator: str) -> None:
        self._value = value
        self._operator = operator
        self._order = _ORDERS.get(operator)
        said = value if isinstance(value, str) else _written(value)
        self._said = said.casefold()
        self._moment = _moment(value) if isinstance(value, str) else None
        self._number = None if isinstance(value, bool) else _number(value)
        plain = _compared(operator, said if exact else self._said, exact)
        self.text: Callable[[str], bool] = plain
        if value is None:
            self.text = _never
        elif isinstance(value, bool):
            self.text = _compared("eq", self._said, False) if operator == "eq" else _never
        elif self._moment is not None and self._order is not None:
            self.text = _in_time(self._order, self._moment, plain)

    def holds(self, found: Any) -> bool:
        """Whether ``found`` stands to the value as the operator says, by ``found``'s type."""
        if found is None or self._value is None:
            return self._operator == "eq" and found is self._value
        if isinstance(found, bool):
            return self._operator == "eq" and self._said == _written(found)
        if isinstance(found, int | float):
            order = self._order
            return order is not None and self._number is not None and order(found, self._number)
        return self.text(str(found))


def _compared(operator: str, wanted: str, exact: bool) -> Callable[[str], bool]:
    test = _ORDERS.get(operator) or _TEXTS[operator]
    if exact:
        return lambda text: test(text, wanted)
    return lambda text: test(text.casefold(), wanted)


def _in_time(
    order: Callable[[Any, Any], bool], wanted: datetime, plain: Callable[[str], bool]
) -> Callable[[str], bool]:
    """Compare a text that is a time as a time, any other as text."""

    def test(text: str) -> bool:
        moment = _moment(text)
        return plain(text) if moment is None else order(moment, wanted)

    return test


def _never(_text: str) -> bool:
    return False


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": comparing.eq,
    "gt": comparing.gt,
    "ge": comparing.ge,
    "lt": comparing.lt,
    "le": comparing.le,
}
_TEXTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "co": comparing.contains,
    "sw": str.startswith,
    "ew": str.endswith,
}

_PARSER: Final = Lark(_GRAMMAR, parser="lalr")


@lru_cache(maxsize=512)
def compile_expression(
    text: str,
    exact: bool,
    names: tuple[str, ...] | None,
    operators: str,
    negation: bool = True,
    stored: tuple[tuple[str, str], ...] = (),
) -> Predicate:
    """A predicate over the JSON of an object, or over its row.

    Args:
        text: The expression.
        exact: Compare text with regard to case.
        names: Properties that may be named, ``name:operators`` for one that takes others than
            the rest; a name that ends in ``.`` stands for all below it; ``None`` for any.
        operators: Those that may be used, separated by spaces.
        negation: Whether ``not`` may be used.
        stored: Names of properties that are elsewhere in what the predicate will be given, and
            where.

    Raises:
        ExpressionError: With a sentence for ``errorCauses``.
    """
    if len(text) > _LONGEST or text.count("(") > _DEEPEST:
        raise ExpressionError("The search criteria is too long.")
    try:
        tree = _PARSER.parse(text)
        return _Build(exact, _Names(names, operators), negation, dict(stored)).transform(tree)
    except LarkError as problem:
        inner = getattr(problem, "orig_exc", None)
        if isinstance(inner, ExpressionError):
            raise inner from None
        raise ExpressionError(_SYNTAX) from None


def sort_key(value: Any) -> tuple[int, Any]:
    """What ``sortBy`` goes by: numbers as numbers, text without regard to case, nothing last."""
    if value is None or value == "":
        return 2, ""
    if isinstance(value, bool | int | float):
        return 0, float(value)
    return 1, _written(value).casefold()
