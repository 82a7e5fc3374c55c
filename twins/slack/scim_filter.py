"""The filter language of SCIM: ``userName eq "carly" and active eq true``."""

import re
from collections.abc import Callable
from typing import Any, Final

__all__ = ["Filter", "FilterError", "parse_filter", "values_at"]

Filter = Callable[[dict[str, Any]], bool]

MAX_FILTER: Final = 2000
"""Longer filters are refused."""
MAX_DEPTH: Final = 20
"""Parentheses nest no deeper."""

_TOKEN: Final = re.compile(r'\s*(?:([()])|"((?:[^"\\]|\\.)*)"|([^\s()"\[\]]+))')
_OPERATORS: Final = frozenset({"eq", "ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le"})


class FilterError(ValueError):
    """A filter that cannot be read."""


def values_at(resource: Any, path: str) -> list[Any]:
    """What is at a dotted path, attribute names in any case; every item of a list counts.

    A list of ``{value, …}`` reached by its own name stands for its values.
    """
    found = [resource]
    # An extension's name is a URN with dots of its own.
    urn, _, last = path.rpartition(":")
    parts = ([urn] if urn else []) + (last.split(".") if last else [])
    for part in parts:
        following: list[Any] = []
        for item in found:
            if isinstance(item, dict):
                following += [value for key, value in item.items() if key.lower() == part.lower()]
        found = [inner for value in following for inner in _items(value)]
    return [item.get("value", item) if isinstance(item, dict) else item for item in found]


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _literal(word: str, quoted: bool) -> Any:
    if quoted:
        return re.sub(r"\\(.)", r"\1", word)
    known = {"true": True, "false": False, "null": None}
    return known.get(word.lower(), word)


def _compared(operator: str, value: Any, wanted: Any) -> bool:
    value, wanted = _plain(value), _plain(wanted)
    if isinstance(value, bool) and isinstance(wanted, str):
        wanted = {"true": True, "false": False}.get(wanted, wanted)
    if operator == "eq":
        return bool(value == wanted)
    if operator == "ne":
        return bool(value != wanted)
    if not isinstance(value, str) or not isinstance(wanted, str):
        return False
    tests: dict[str, Callable[[], bool]] = {
        "co": lambda: wanted in value,
        "sw": lambda: value.startswith(wanted),
        "ew": lambda: value.endswith(wanted),
        "gt": lambda: value > wanted,
        "ge": lambda: value >= wanted,
        "lt": lambda: value < wanted,
        "le": lambda: value <= wanted,
    }
    return tests[operator]()


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, bool]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise FilterError(text[at:])
            quoted = match[2] is not None
            self.tokens.append((match[2] if quoted else match[1] or match[3], quoted))
            at = match.end()
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        """The next word in lower case, "" at the end or before a quoted one."""
        if self.at >= len(self.tokens) or self.tokens[self.at][1]:
            return ""
        return self.tokens[self.at][0].lower()

    def take(self) -> tuple[str, bool]:
        if self.at >= len(self.tokens):
            raise FilterError("the filter ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def either(self) -> Filter:
        terms = [self.both()]
        while self.peek() == "or":
            self.take()
            terms.append(self.both())
        return terms[0] if len(terms) == 1 else lambda row: any(term(row) for term in terms)

    def both(self) -> Filter:
        terms = [self.one()]
        while self.peek() == "and":
            self.take()
            terms.append(self.one())
        return terms[0] if len(terms) == 1 else lambda row: all(term(row) for term in terms)

    def one(self) -> Filter:
        if self.peek() == "not":
            self.take()
            if self.peek() != "(":
                raise FilterError("not (…)")
            inner = self.one()
            return lambda row: not inner(row)
        word, quoted = self.take()
        if word == "(" and not quoted:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise FilterError("too many parentheses")
            inside = self.either()
            if self.peek() != ")":
                raise FilterError("a parenthesis is open")
            self.take()
            return inside
        operator = self.take()[0].lower()
        if quoted or operator not in _OPERATORS or not re.match(r"[A-Za-z]", word):
            raise FilterError(f"{word} {operator}")
        if operator == "pr":
            return lambda row: any(value not in (None, "", []) for value in values_at(row, word))
        wanted = _literal(*self.take())
        if operator == "ne":
            return lambda row: all(
                _compared("ne", value, wanted) for value in values_at(row, word) or [None]
            )
        return lambda row: any(_compared(operator, value, wanted) for value in values_at(row, word))


def parse_filter(text: str) -> Filter:
    """A test of resources. Raises :class:`FilterError`."""
    if len(text) > MAX_FILTER:
        raise FilterError("the filter is too long")
    # slack_sdk's documentation shows the parameter's name within its value.
    text = re.sub(r"\A\s*filter=", "", text)
    reader = _Reader(text)
    found = reader.either()
    if reader.at != len(reader.tokens):
        raise FilterError(reader.tokens[reader.at][0])
    return found
