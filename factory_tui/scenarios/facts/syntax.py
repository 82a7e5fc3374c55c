"""The language of facts: ``<source><path> <op> <value>`` → a small tree.

    slack.channels[name=eng-platform].members contains {{new.email}}
    slack.channels[name=a].members.count == okta.groups[name=a].members.count - 1
    calls.slack[operation=conversations.kick, step=2].count == 0
    cmd[last].exit == 0
    files[report.txt] matches ^total: \\d+$

The right side of a comparison is an expression when it begins like one (a number, a quoted
text, a list, a path) and plain text otherwise. ``+`` and ``-`` need blanks around them, so that
``2026-03-02`` stays a text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, VisitError

__all__ = [
    "OPERATORS",
    "SOURCES",
    "Arithmetic",
    "Condition",
    "Expression",
    "Fact",
    "FactSyntaxError",
    "Field",
    "Index",
    "Key",
    "Literal",
    "Many",
    "Part",
    "Path",
    "Where",
    "parse_fact",
]

SOURCES: Final = ("okta", "slack", "jira", "calls", "cmd", "files")
OPERATORS: Final = ("==", "!=", ">=", "<=", ">", "<", "contains", "excludes", "matches")
SHAPE: Final = (
    "write `<okta|slack|jira|calls|cmd|files><path> "
    "<== != >= <= > < contains excludes matches> <value>`"
)


class FactSyntaxError(ValueError):
    """A fact cannot be read. ``column`` counts from 1 within the fact's text."""

    def __init__(self, message: str, column: int = 1, hint: str = SHAPE) -> None:
        super().__init__(message)
        self.column = column
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Field:
    """``.members``; ``count`` is the number of things selected so far."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Index:
    """``[3]`` (from 1) or ``[last]`` (0 here)."""

    n: int
    column: int


@dataclass(frozen=True, slots=True)
class Key:
    """``[report.txt]``: one entry by its name."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Condition:
    """``name=x`` inside brackets; ``op`` is ``= != ~= !~ >= <= > <``; ``a|b`` means either."""

    field: str
    op: str
    value: str
    column: int


@dataclass(frozen=True, slots=True)
class Where:
    """``[name=x, step=2]``: the rows for which every condition holds."""

    conditions: tuple[Condition, ...]
    column: int


Part = Field | Index | Key | Where


@dataclass(frozen=True, slots=True)
class Path:
    """Where to look: a source and how to walk from it."""

    source: str
    parts: tuple[Part, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written; text may hold ``{{references}}``."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Many:
    """``[a, b]``."""

    items: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left + right`` or ``left - right``."""

    op: str
    left: Expression
    right: Expression


Expression = Path | Literal | Many | Arithmetic


@dataclass(frozen=True, slots=True)
class Fact:
    """A readable statement about what happened: ``left op right``."""

    left: Expression
    op: str
    right: Expression
    text: str

    def paths(self) -> Iterator[Path]:
        """Every path on either side."""
        stack: list[Expression] = [self.right, self.left]
        while stack:
            node = stack.pop()
            if isinstance(node, Path):
                yield node
            elif isinstance(node, Arithmetic):
                stack += [node.right, node.left]


_GRAMMAR = r"""
    fact: sum OPERATOR REST
    value: sum | many
    ?sum: term (ARITHMETIC term)*
    ?term: path | NUMBER -> number | QUOTED -> quoted
    many: "[" [item ("," item)*] "]"
    item: QUOTED -> quoted_item | BARE -> bare_item
    path: NAME part*
    part: "." NAME -> field
        | "[" condition ("," condition)* "]" -> where
    condition: BARE [COMPARE (QUOTED | VALUE)]

    OPERATOR: "==" | "!=" | ">=" | "<=" | ">" | "<" | "contains" | "excludes" | "matches"
    COMPARE: "!=" | "~=" | "!~" | ">=" | "<=" | "=" | ">" | "<"
    ARITHMETIC: /[+\-](?=\s)/
    NUMBER: /-?\d+(\.\d+)?(?![\w.])/
    NAME: /[a-z_][a-z0-9_]*/
    BARE: /[^\s\[\],=!~<>"](?:[^\[\],=!~<>"]*[^\s\[\],=!~<>"])?/
    VALUE: /[^\s,\]"](?:[^,\]]*[^\s,\]])?/
    QUOTED: /"(?:[^"\\]|\\.)*"/
    REST: /\S(?:[\s\S]*\S)?/
    %ignore /\s+/
"""

_EXPRESSION = re.compile(rf'-?\d+(?:\.\d+)?(?:\s|$)|"|\[|(?:{"|".join(SOURCES)})\s*[.\[]')
_TEXT_EXPRESSION = re.compile(rf'"|(?:{"|".join(SOURCES)})\s*[.\[]')
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


@functools.cache
def _parser(start: str) -> Lark:
    return Lark(_GRAMMAR, start=start, parser="lalr", lexer="contextual", propagate_positions=True)


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


class _Build(Transformer[Token, Any]):
    """Lark's tree → our nodes. ``base`` is added to columns (the right side is parsed apart)."""

    def __init__(self, base: int) -> None:
        super().__init__(visit_tokens=False)
        self._base = base

    def _column(self, token: Token) -> int:
        return self._base + (token.column or 1)

    def fact(self, children: list[Any]) -> tuple[Expression, Token, Token]:
        return children[0], children[1], children[2]

    def value(self, children: list[Any]) -> Expression:
        found: Expression = children[0]
        return found

    def sum(self, children: list[Any]) -> Expression:
        left: Expression = children[0]
        for op, right in zip(children[1::2], children[2::2], strict=True):
            left = Arithmetic(str(op), left, right)
        return left

    def number(self, children: list[Token]) -> Literal:
        text = str(children[0])
        return Literal(float(text) if "." in text else int(text))

    def quoted(self, children: list[Token]) -> Literal:
        return Literal(_unquote(children[0]))

    quoted_item = quoted

    def bare_item(self, children: list[Token]) -> Literal:
        return Literal(str(children[0]))

    def many(self, children: list[Any]) -> Many:
        return Many(tuple(c for c in children if c is not None))

    def path(self, children: list[Any]) -> Path:
        name: Token = children[0]
        return Path(str(name), tuple(children[1:]), self._column(name))

    def field(self, children: list[Token]) -> Field:
        return Field(str(children[0]), self._column(children[0]))

    def condition(self, children: list[Token | None]) -> tuple[Token, str, str]:
        name, op, value = (*children, None, None)[:3]
        assert name is not None
        if op is None or value is None:
            return name, "", ""
        text = _unquote(value) if value.startswith('"') else str(value)
        return name, str(op), text

    def where(self, children: list[tuple[Token, str, str]]) -> Part:
        name, op, _ = children[0]
        column = self._column(name)
        if op == "" and len(children) == 1:
            if name == "last":
                return Index(0, column)
            if name.isascii() and name.isdigit() and int(name[:6]) > 0:
                return Index(int(name[:6]), column)
            return Key(str(name), column)
        conditions = []
        for name, op, value in children:
            if op == "":
                raise FactSyntaxError(
                    f"`{name}` is not a condition",
                    self._column(name),
                    "conditions look like `name=x`, `text~=y`, `status>=400`",
                )
            conditions.append(Condition(str(name), op, value, self._column(name)))
        return Where(tuple(conditions), column)


def _parse(start: str, text: str, base: int) -> Any:
    try:
        return _Build(base).transform(_parser(start).parse(text))
    except VisitError as error:
        if isinstance(error.orig_exc, FactSyntaxError):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        token = str(getattr(error, "token", "") or "")
        if isinstance(error, UnexpectedCharacters):
            raise FactSyntaxError("cannot read this fact", base + error.column) from error
        if isinstance(error, UnexpectedEOF) or not token:
            said = "cannot read this fact: it ends too early"
            raise FactSyntaxError(said, base + max(1, len(text))) from error
        said = f"cannot read this fact at `{token}`"
        raise FactSyntaxError(said, base + max(1, error.column)) from error


def parse_fact(text: str) -> Fact:
    """Read one fact.

    Raises:
        FactSyntaxError: it cannot be read; tells the column and what was expected.
    """
    flat = " ".join(text.split("\n"))
    if not flat.strip():
        raise FactSyntaxError("this fact is empty")
    left, op, rest = _parse("fact", flat, 0)
    if isinstance(left, (Literal, Many)):
        raise FactSyntaxError("a fact begins with where to look, not with a value")
    base = (rest.column or 1) - 1
    return Fact(left, str(op), _right(str(op), str(rest), base), flat.strip())


def _right(op: str, text: str, base: int) -> Expression:
    textual = op in ("contains", "excludes", "matches")
    if (_TEXT_EXPRESSION if textual else _EXPRESSION).match(text):
        found: Expression = _parse("value", text, base)
        return _regex(found, base) if op == "matches" else found
    if not textual and text in _WORDS:
        return Literal(_WORDS[text])
    return _regex(Literal(text), base) if op == "matches" else Literal(text)


def _regex(value: Expression, base: int) -> Expression:
    if not isinstance(value, Literal) or not isinstance(value.value, str):
        raise FactSyntaxError(
            "`matches` needs a regular expression", base + 1, "for example `matches ^done$`"
        )
    try:
        re.compile(re.sub(r"\{\{[^{}]*\}\}", "x", value.value))
    except (re.error, OverflowError, RecursionError) as error:
        raise FactSyntaxError(
            f"this regular expression does not compile: {error}", base + 1, "see Python's `re`"
        ) from error
    return value
