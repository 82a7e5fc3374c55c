"""The expressions that datastores are queried with: ``#name = :value AND #n BETWEEN :a AND :b``."""

import re
from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import Row

__all__ = ["BadExpressionError", "condition"]

Condition = Callable[[Row], bool]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<op><=|>=|<>|=|<|>|\(|\)|,)|(?P<name>#?[A-Za-z_]\w*)|(?P<value>:[A-Za-z_]\w*))"
)
_MOST: Final = 200
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class BadExpressionError(ValueError):
    """An expression that cannot be read; a sentence why."""


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise BadExpressionError(f"syntax error near {text[at : at + 20]}")
        found.append(match.group().strip())
        at = match.end()
    if len(found) > _MOST:
        raise BadExpressionError("the expression is too long")
    return found


class _Reader:
    def __init__(self, text: str, names: Row, values: Row) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.names = names
        self.values = values

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token.upper() != wanted):
            raise BadExpressionError(f"expected {wanted or 'more'} at {token or 'the end'}")
        self.at += 1
        return token

    def name(self) -> str:
        token = self.take()
        if not token.startswith("#"):
            raise BadExpressionError(f"{token} is no attribute name: it starts with #")
        if not isinstance(self.names.get(token), str):
            raise BadExpressionError(f"expression_attributes lacks {token}")
        return str(self.names[token])

    def value(self) -> Any:
        token = self.take()
        if not token.startswith(":") or token not in self.values:
            raise BadExpressionError(f"expression_values lacks {token}")
        return self.values[token]

    def any(self) -> Condition:
        found = [self.all()]
        while self.peek().upper() == "OR":
            self.take()
            found.append(self.all())
        return lambda row: any(check(row) for check in found)

    def all(self) -> Condition:
        found = [self.one()]
        while self.peek().upper() == "AND":
            self.take()
            found.append(self.one())
        return lambda row: all(check(row) for check in found)

    def one(self) -> Condition:
        word = self.peek().lower()
        if word in ("begins_with", "contains"):
            self.take()
            self.take("(")
            name = self.name()
            self.take(",")
            part = self.value()
            self.take(")")
            if word == "begins_with":
                return lambda row: str(row.get(name, "")).startswith(str(part))
            return lambda row: _holds(row.get(name), part)
        if word == "(":
            self.take()
            inner = self.any()
            self.take(")")
            return inner
        name = self.name()
        operator = self.take()
        if operator.upper() == "BETWEEN":
            low = self.value()
            self.take("AND")
            high = self.value()
            return lambda row: _safe(lambda a, b: low <= a <= b, row.get(name), high)
        if operator not in _COMPARE:
            raise BadExpressionError(f"{operator} is no operator")
        wanted = self.value()
        return lambda row: _safe(_COMPARE[operator], row.get(name), wanted)


def _holds(value: Any, part: Any) -> bool:
    if isinstance(value, list):
        return part in value
    return isinstance(value, str) and str(part) in value


def _safe(compare: Callable[[Any, Any], bool], first: Any, second: Any) -> bool:
    """A comparison of values that may not compare, which then does not hold."""
    if first is None:
        return False
    try:
        return bool(compare(first, second))
    except TypeError:
        return False


def condition(text: str, names: Row, values: Row) -> Condition:
    """The expression as a test of an item. Raises :class:`BadExpressionError`."""
    reader = _Reader(text, names, values)
    found = reader.any()
    if reader.peek():
        raise BadExpressionError(f"unexpected {reader.peek()}")
    return found
