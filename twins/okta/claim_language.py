"""The part of Okta's expression language that claims live on.

Text, numbers, ``true``, ``false``, ``null``, lists in braces; ``user.attribute``,
``appuser.userName``, ``app.clientId``, ``org.name``, ``session.amr``; ``+``, comparisons, ``&&
|| !`` (and ``AND OR NOT``), ``a ? b : c``, ``a ?: b``; functions of ``String``, ``Arrays``,
``Convert``, ``Groups``, ``Time``, and ``isMemberOfGroupName`` with its kin.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from lark import Lark, Transformer, v_args
from lark.exceptions import LarkError

__all__ = ["ClaimError", "compile_claim"]

Context = Mapping[str, Any]
"""``user``, ``appuser``, ``app``, ``org``, ``session`` (each a mapping or ``None``), ``groups``
(pairs of id and name of the user's groups), ``now`` (an ISO time)."""
Value = Callable[[Context], Any]

_GRAMMAR: Final = r"""
?start: choice
?choice: either "?" choice ":" choice -> choose
       | either "?:" choice -> fall_back
       | either
?either: both (_OR both)*
?both: test (_AND test)*
?test: _NOT test -> negate
     | sum
     | sum COMPARES sum -> compare
?sum: atom ("+" atom)* -> add
?atom: STRING -> text
     | NUMBER -> number
     | "{" (choice ("," choice)*)? "}" -> items
     | PATH "(" (choice ("," choice)*)? ")" -> function
     | PATH -> path
     | "(" choice ")"
COMPARES: "==" | "!=" | ">=" | "<=" | ">" | "<"
_OR.2: "||" | /or\b/i
_AND.2: "&&" | /and\b/i
_NOT.2: "!" | /not\b/i
PATH: /[A-Za-z_]\w*(\.[A-Za-z_]\w*)*/
STRING: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/
NUMBER: /-?\d+(\.\d+)?/
%ignore /\s+/
"""
_LONGEST: Final = 4000
_DEEPEST: Final = 40


class ClaimError(ValueError):
    """The expression is not in the part of the language that the twin knows."""


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _substring(text: Any, start: Any, end: Any) -> str:
    return _text(text)[int(start) : int(end)]


def _number(value: Any) -> Any:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else number


_FUNCTIONS: Final[dict[str, tuple[int, Callable[..., Any]]]] = {
    "String.append": (2, lambda a, b: _text(a) + _text(b)),
    "String.join": (-1, lambda by, *parts: _text(by).join(_text(part) for part in parts)),
    "String.len": (1, lambda a: len(_text(a))),
    "String.removeSpaces": (1, lambda a: "".join(_text(a).split())),
    "String.replace": (3, lambda a, old, new: _text(a).replace(_text(old), _text(new))),
    "String.replaceFirst": (3, lambda a, old, new: _text(a).replace(_text(old), _text(new), 1)),
    "String.stringContains": (2, lambda a, part: _text(part) in _text(a)),
    "String.startsWith": (2, lambda a, part: _text(a).startswith(_text(part))),
    "String.substring": (3, _substring),
    "String.substringAfter": (2, lambda a, by: _text(a).partition(_text(by) or " ")[2]),
    "String.substringBefore": (2, lambda a, by: _text(a).partition(_text(by) or " ")[0]),
    "String.toLowerCase": (1, lambda a: _text(a).lower()),
    "String.toUpperCase": (1, lambda a: _text(a).upper()),
    "Arrays.add": (2, lambda items, item: [*_list(items), item]),
    "Arrays.contains": (2, lambda items, item: item in _list(items)),
    "Arrays.flatten": (-1, lambda *items: [one for item in items for one in _list(item)]),
    "Arrays.get": (2, lambda items, at: dict(enumerate(_list(items))).get(int(at))),
    "Arrays.isEmpty": (1, lambda items: not _list(items)),
    "Arrays.remove": (2, lambda items, item: [one for one in _list(items) if one != item]),
    "Arrays.size": (1, lambda items: len(_list(items))),
    "Arrays.toCsvString": (1, lambda items: ",".join(_text(item) for item in _list(items))),
    "Convert.toInt": (1, _number),
    "Convert.toNum": (1, _number),
}


def _groups(context: Context) -> list[tuple[str, str]]:
    return list(context.get("groups") or ())


def _named(test: Callable[[str, str], bool]) -> Callable[..., Any]:
    """``Groups.startsWith("OKTA", "eng", 100)``: names of the user's groups that pass a test."""

    def function(context: Context, _kind: Any, wanted: Any, most: Any) -> list[str]:
        found = [name for _, name in _groups(context) if test(name, _text(wanted))]
        return found[: max(0, int(most))]

    return function


_CONTEXT_FUNCTIONS: Final[dict[str, tuple[int, Callable[..., Any]]]] = {
    "Groups.startsWith": (3, _named(str.startswith)),
    "Groups.endsWith": (3, _named(str.endswith)),
    "Groups.contains": (3, _named(lambda name, part: part in name)),
    "isMemberOfGroup": (1, lambda context, key: key in [one for one, _ in _groups(context)]),
    "isMemberOfAnyGroup": (
        -1,
        lambda context, *keys: any(key in keys for key, _ in _groups(context)),
    ),
    "isMemberOfGroupName": (1, lambda context, name: name in [n for _, n in _groups(context)]),
    "isMemberOfGroupNameStartsWith": (
        1,
        lambda context, part: any(n.startswith(_text(part)) for _, n in _groups(context)),
    ),
    "isMemberOfGroupNameContains": (
        1,
        lambda context, part: any(_text(part) in n for _, n in _groups(context)),
    ),
    "Time.now": (0, lambda context: context.get("now")),
    "user.getInternalProperty": (
        1,
        lambda context, name: ((context.get("user") or {}).get("internal") or {}).get(name),
    ),
    "getFilteredGroups": (
        3,
        lambda context, keys, _expression, most: [
            name for key, name in _groups(context) if key in _list(keys)
        ][: int(most)],
    ),
}
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_ROOTS: Final = frozenset({"user", "appuser", "app", "org", "session", "groups"})


@v_args(inline=True)
class _Build(Transformer[Any, Value]):
    def choose(self, test: Value, yes: Value, no: Value) -> Value:
        return lambda context: yes(context) if test(context) else no(context)

    def fall_back(self, first: Value, second: Value) -> Value:
        def value(context: Context) -> Any:
            found = first(context)
            return second(context) if found is None or found == "" else found

        return value

    def either(self, *terms: Value) -> Value:
        return lambda context: any(bool(term(context)) for term in terms)

    def both(self, *terms: Value) -> Value:
        return lambda context: all(bool(term(context)) for term in terms)

    def negate(self, term: Value) -> Value:
        return lambda context: not term(context)

    def compare(self, left: Value, operator: str, right: Value) -> Value:
        test = _COMPARES[str(operator)]
        return lambda context: test(left(context), right(context))

    def add(self, *terms: Value) -> Value:
        if len(terms) == 1:
            return terms[0]

        def value(context: Context) -> Any:
            values = [term(context) for term in terms]
            numbers = [v for v in values if isinstance(v, int | float) and v is not True]
            if len(numbers) == len(values):
                return sum(numbers)
            return "".join(_text(value) for value in values)

        return value

    def text(self, token: str) -> Value:
        raw = str(token)[1:-1].replace('\\"', '"').replace("\\'", "'").replace("\\\\", "\\")
        return lambda context: raw

    def number(self, token: str) -> Value:
        number = _number(token)
        return lambda context: number

    def items(self, *values: Value) -> Value:
        return lambda context: [value(context) for value in values]

    def path(self, name: str) -> Value:
        text = str(name)
        if text in _CONSTANTS:
            constant = _CONSTANTS[text]
            return lambda context: constant
        root, *rest = text.split(".")
        if root not in _ROOTS:
            raise ClaimError(f"Invalid property {text}")

        def value(context: Context) -> Any:
            found: Any = context.get(root)
            for part in rest:
                found = found.get(part) if isinstance(found, Mapping) else None
            return found

        return value

    def function(self, name: str, *arguments: Value) -> Value:
        text = str(name)
        plain, contextual = _FUNCTIONS.get(text), _CONTEXT_FUNCTIONS.get(text)
        known = plain or contextual
        if known is None or known[0] not in (-1, len(arguments)):
            raise ClaimError(f"Invalid function {text}")
        function = known[1]

        def value(context: Context) -> Any:
            values = [argument(context) for argument in arguments]
            try:
                return function(*values) if plain is not None else function(context, *values)
            except (TypeError, ValueError, OverflowError):
                return None

        return value


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def guarded(left: Any, right: Any) -> bool:
        try:
            return bool(test(left, right))
        except TypeError:
            return False

    return guarded


_COMPARES: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    ">": _ordered(lambda left, right: left > right),
    "<": _ordered(lambda left, right: left < right),
    ">=": _ordered(lambda left, right: left >= right),
    "<=": _ordered(lambda left, right: left <= right),
}
_PARSER: Final = Lark(_GRAMMAR, parser="lalr")


@lru_cache(maxsize=256)
def compile_claim(expression: str) -> Value:
    """A function of the context. Raises :class:`ClaimError` with a sentence."""
    if len(expression) > _LONGEST or expression.count("(") + expression.count("?") > _DEEPEST:
        raise ClaimError("The expression is too long")
    if expression.count("!") > _DEEPEST:
        raise ClaimError("The expression is too long")
    try:
        return _Build().transform(_PARSER.parse(expression))
    except LarkError as problem:
        inner = getattr(problem, "orig_exc", None)
        if isinstance(inner, ClaimError):
            raise inner from None
        raise ClaimError("Invalid expression") from None
