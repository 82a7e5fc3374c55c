"""``filter`` and ``search``: Okta's SCIM-like expressions, parsed with a grammar.

``search`` compares text without regard to case, ``filter`` with; property names are always
case-sensitive and operators never. Text is a JSON string; a time is text, compared as a time with
what holds a time. A property that is an array matches when one of its elements does (RFC 7644,
3.4.2.2). ``not`` binds closest, then ``and``, then ``or``. Source: Okta's documentation of
"Filter", "Operators" and "List all users".
"""

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
    def __init__(self, exact: bool, names: _Names, negation: bool) -> None:
        super().__init__()
        self._exact = exact
        self._names = names
        self._negation = negation

    def either(self, *terms: Predicate) -> Predicate:
        return lambda row: any(term(row) for term in terms)

    def both(self, *terms: Predicate) -> Predicate:
        return lambda row: all(term(row) for term in terms)

    def negate(self, term: Predicate) -> Predicate:
        if not self._negation:
            raise ExpressionError("The operator 'not' is not supported.")
        return lambda row: not term(row)

    def present(self, name: str, _operator: str) -> Predicate:
        path = self._path(str(name), "pr")
        return lambda row: any(value not in (None, "", [], {}) for value in _values(row, path))

    def compare(self, name: str, operator: str, value: Any) -> Predicate:
        lowered = str(operator).lower()
        path = self._path(str(name), lowered)
        wanted = _Wanted(_literal(value), self._exact)
        if lowered == "ne":
            return lambda row: not any(wanted.holds("eq", found) for found in _values(row, path))
        return lambda row: any(wanted.holds(lowered, found) for found in _values(row, path))

    def _path(self, name: str, operator: str) -> tuple[str, ...]:
        self._names.check(name, operator)
        return tuple(name.split("."))


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
    """The value of a comparison, in every form that a property's type may ask for."""

    __slots__ = ("_exact", "_moment", "_number", "_text", "_value")

    def __init__(self, value: Any, exact: bool) -> None:
        self._value = value
        self._exact = exact
        text = value if isinstance(value, str) else _written(value)
        self._text = text if exact else text.casefold()
        self._moment = _moment(value) if isinstance(value, str) else None
        self._number = None if isinstance(value, bool) else _number(value)

    def holds(self, operator: str, found: Any) -> bool:
        """Whether ``found`` stands to the value as the operator says, by ``found``'s type."""
        if found is None or self._value is None:
            return operator == "eq" and found is self._value
        if isinstance(found, bool):
            said = self._text.casefold()
            return operator == "eq" and said == _written(found)
        if isinstance(found, int | float):
            test = _ORDERS.get(operator)
            return test is not None and self._number is not None and test(found, self._number)
        if isinstance(self._value, bool):
            return operator == "eq" and str(found).casefold() == self._text.casefold()
        text = str(found)
        if self._moment is not None and operator in _ORDERS:
            moment = _moment(text)
            if moment is not None:
                return _ORDERS[operator](moment, self._moment)
        text = text if self._exact else text.casefold()
        order = _ORDERS.get(operator)
        return order(text, self._text) if order else _TEXTS[operator](text, self._text)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda left, right: bool(left == right),
    "gt": lambda left, right: bool(left > right),
    "ge": lambda left, right: bool(left >= right),
    "lt": lambda left, right: bool(left < right),
    "le": lambda left, right: bool(left <= right),
}
_TEXTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "co": lambda left, right: right in left,
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
) -> Predicate:
    """A predicate over the JSON of an object.

    Args:
        text: The expression.
        exact: Compare text with regard to case.
        names: Properties that may be named, ``name:operators`` for one that takes others than
            the rest; a name that ends in ``.`` stands for all below it; ``None`` for any.
        operators: Those that may be used, separated by spaces.
        negation: Whether ``not`` may be used.

    Raises:
        ExpressionError: With a sentence for ``errorCauses``.
    """
    if len(text) > _LONGEST or text.count("(") > _DEEPEST:
        raise ExpressionError("The search criteria is too long.")
    try:
        tree = _PARSER.parse(text)
        return _Build(exact, _Names(names, operators), negation).transform(tree)
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
