"""``filter`` and ``search``: Okta's SCIM-like expressions, parsed with a grammar.

``search`` compares text without regard to case, ``filter`` with; property names are always
case-sensitive and operators never (Okta's documentation of "List all users").
"""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from lark import Lark, Transformer, v_args
from lark.exceptions import LarkError

from factory_tui.universe import parse_time

__all__ = ["ExpressionError", "Predicate", "compile_expression"]

Predicate = Callable[[dict[str, Any]], bool]

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
NUMBER: /-?\d+(\.\d+)?/
%ignore /\s+/
"""
_LONGEST: Final = 4000
_DEEPEST: Final = 40


class ExpressionError(ValueError):
    """The expression cannot be understood, or asks for what this list does not offer."""


@v_args(inline=True)
class _Build(Transformer[Any, Predicate]):
    def __init__(self, exact: bool, names: Collection[str] | None, operators: Collection[str]):
        super().__init__()
        self._exact = exact
        self._names = names
        self._operators = operators

    def either(self, *terms: Predicate) -> Predicate:
        return lambda row: any(term(row) for term in terms)

    def both(self, *terms: Predicate) -> Predicate:
        return lambda row: all(term(row) for term in terms)

    def negate(self, term: Predicate) -> Predicate:
        return lambda row: not term(row)

    def present(self, name: str, _operator: str) -> Predicate:
        path = self._path(str(name), "pr")
        return lambda row: any(value not in (None, "", []) for value in _values(row, path))

    def compare(self, name: str, operator: str, value: Any) -> Predicate:
        lowered = str(operator).lower()
        path = self._path(str(name), lowered)
        wanted = _literal(value)
        test = _TESTS[lowered]
        if lowered == "ne":
            equal = _TESTS["eq"]
            return lambda row: (
                not any(equal(*_alike(found, wanted, self._exact)) for found in _values(row, path))
            )
        return lambda row: any(
            test(*_alike(found, wanted, self._exact)) for found in _values(row, path)
        )

    def _path(self, name: str, operator: str) -> tuple[str, ...]:
        if operator not in self._operators:
            raise ExpressionError(f"The operator '{operator}' is not supported.")
        if self._names is not None and not any(
            name == known or (known.endswith(".") and name.startswith(known))
            for known in self._names
        ):
            raise ExpressionError(f"The property '{name}' is not supported.")
        return tuple(name.split("."))


def _literal(token: Any) -> Any:
    kind, text = token.type, str(token)
    if kind == "STRING":
        return _unescape(text[1:-1])
    if kind == "NUMBER":
        return float(text)
    return {"true": True, "false": False, "null": None}[text.lower()]


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out, at = [], 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        out.append(text[at])
        at += 1
    return "".join(out)


def _values(row: Any, path: tuple[str, ...]) -> list[Any]:
    """What is at ``path``; a list on the way counts with each of its elements."""
    found = [row]
    for part in path:
        found = [item.get(part) for item in found if isinstance(item, dict)]
        found = [one for item in found for one in (item if isinstance(item, list) else [item])]
    return found


def _moment(text: str) -> datetime | None:
    if len(text) < 10 or text[4:5] != "-":
        return None
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        return None


def _alike(found: Any, wanted: Any, exact: bool) -> tuple[Any, Any]:
    """Both sides in a form that compares: times as times, text as text, numbers as numbers."""
    if isinstance(found, bool) or isinstance(wanted, bool) or found is None or wanted is None:
        return found, wanted
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return found, wanted
    left, right = str(found), str(wanted)
    moments = _moment(left), _moment(right)
    if moments[0] is not None and moments[1] is not None:
        return moments
    return (left, right) if exact else (left.casefold(), right.casefold())


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def guarded(left: Any, right: Any) -> bool:
        try:
            return test(left, right)
        except TypeError:
            return False

    return guarded


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def guarded(left: Any, right: Any) -> bool:
        return isinstance(left, str) and isinstance(right, str) and test(left, right)

    return guarded


_TESTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda left, right: bool(left == right),
    "ne": lambda left, right: bool(left != right),
    "co": _text(lambda left, right: right in left),
    "sw": _text(str.startswith),
    "ew": _text(str.endswith),
    "gt": _ordered(lambda left, right: bool(left > right)),
    "ge": _ordered(lambda left, right: bool(left >= right)),
    "lt": _ordered(lambda left, right: bool(left < right)),
    "le": _ordered(lambda left, right: bool(left <= right)),
}

_PARSER: Final = Lark(_GRAMMAR, parser="lalr")


@lru_cache(maxsize=512)
def compile_expression(
    text: str, exact: bool, names: tuple[str, ...] | None, operators: str
) -> Predicate:
    """A predicate over the JSON of an object.

    Args:
        text: The expression.
        exact: Compare text with regard to case.
        names: Properties that may be named; one that ends in ``.`` stands for all below it;
            ``None`` for any.
        operators: Those that may be used, separated by spaces.

    Raises:
        ExpressionError: With a sentence for ``errorCauses``.
    """
    if len(text) > _LONGEST or text.count("(") > _DEEPEST:
        raise ExpressionError("The search criteria is too long.")
    try:
        tree = _PARSER.parse(text)
        return _Build(exact, names, operators.split()).transform(tree)
    except LarkError as problem:
        inner = getattr(problem, "orig_exc", None)
        if isinstance(inner, ExpressionError):
            raise inner from None
        raise ExpressionError("Invalid search syntax.") from None
