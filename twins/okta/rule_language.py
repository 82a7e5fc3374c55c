"""The part of Okta's expression language that group rules live on.

Comparisons of ``user.attribute`` with text, numbers, ``true``, ``false`` and ``null``, ``and``
``or`` ``not`` (and ``&& || !``), parentheses, and ``String.stringContains``,
``String.startsWith``, ``String.toLowerCase``, ``String.toUpperCase``.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from lark import Lark, Transformer, v_args
from lark.exceptions import LarkError

__all__ = ["RuleError", "compile_rule"]

Value = Callable[[Mapping[str, Any]], Any]

_GRAMMAR: Final = r"""
?start: either
?either: both (("or" | "OR" | "||") both)*
?both: term (("and" | "AND" | "&&") term)*
?term: ("not" | "NOT" | "!") atom -> negate
     | atom
?atom: operand "==" operand -> equal
     | operand "!=" operand -> differ
     | operand
?operand: "user." NAME -> attribute
        | STRING -> text
        | NUMBER -> number
        | "true" -> yes
        | "false" -> no
        | "null" -> null
        | "String." NAME "(" operand ("," operand)* ")" -> function
        | "(" either ")"
NAME: /[A-Za-z_]\w*/
STRING: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/
NUMBER: /-?\d+(\.\d+)?/
%ignore /\s+/
"""


class RuleError(ValueError):
    """The expression is not in the part of the language that the twin knows."""


def _text(value: Any) -> str:
    return "" if value is None else str(value)


_FUNCTIONS: Final[dict[str, tuple[int, Callable[..., Any]]]] = {
    "stringContains": (2, lambda text, part: _text(part) in _text(text)),
    "startsWith": (2, lambda text, part: _text(text).startswith(_text(part))),
    "toLowerCase": (1, lambda text: _text(text).lower()),
    "toUpperCase": (1, lambda text: _text(text).upper()),
    "len": (1, lambda text: len(_text(text))),
}


@v_args(inline=True)
class _Build(Transformer[Any, Value]):
    def either(self, *terms: Value) -> Value:
        return lambda user: any(bool(term(user)) for term in terms)

    def both(self, *terms: Value) -> Value:
        return lambda user: all(bool(term(user)) for term in terms)

    def negate(self, term: Value) -> Value:
        return lambda user: not term(user)

    def equal(self, left: Value, right: Value) -> Value:
        return lambda user: left(user) == right(user)

    def differ(self, left: Value, right: Value) -> Value:
        return lambda user: left(user) != right(user)

    def attribute(self, name: str) -> Value:
        return lambda user: user.get(str(name))

    def text(self, token: str) -> Value:
        raw = str(token)[1:-1]
        return lambda user: raw

    def number(self, token: str) -> Value:
        value = float(token)
        return lambda user: value

    def yes(self) -> Value:
        return lambda user: True

    def no(self) -> Value:
        return lambda user: False

    def null(self) -> Value:
        return lambda user: None

    def function(self, name: str, *arguments: Value) -> Value:
        known = _FUNCTIONS.get(str(name))
        if known is None or known[0] != len(arguments):
            raise RuleError(f"Invalid function String.{name}")
        call = known[1]
        return lambda user: call(*(argument(user) for argument in arguments))


_PARSER: Final = Lark(_GRAMMAR, parser="lalr")


@lru_cache(maxsize=256)
def compile_rule(expression: str) -> Callable[[Mapping[str, Any]], bool]:
    """A test of user profiles. Raises :class:`RuleError` with a sentence."""
    if len(expression) > 4000 or expression.count("(") > 40 or expression.count("!") > 40:
        raise RuleError("The expression is too long")
    try:
        value = _Build().transform(_PARSER.parse(expression))
    except LarkError as problem:
        inner = getattr(problem, "orig_exc", None)
        if isinstance(inner, RuleError):
            raise inner from None
        raise RuleError("Invalid expression") from None
    return lambda profile: bool(value(profile))
