"""JQL text to a syntax tree: Jira's own lexer rules, a lark grammar, errors in Jira's words.

The tree is made of :class:`Clause`, :class:`Both` (AND), :class:`Either` (OR) and :class:`Not`;
:func:`parse` returns it with the ``ORDER BY`` keys. Field names and values are not checked here.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from lark import Lark, Token, Transformer, UnexpectedToken
from lark.common import LexerConf
from lark.exceptions import UnexpectedInput, VisitError
from lark.lexer import Lexer

__all__ = [
    "KEYWORDS",
    "RESERVED",
    "Both",
    "Call",
    "Clause",
    "Either",
    "Empty",
    "JqlError",
    "Node",
    "Not",
    "Operand",
    "Predicate",
    "Query",
    "Sort",
    "Value",
    "parse",
]


def _words(text: str) -> list[str]:
    return text.split()


MAX_LENGTH: Final = 20_000
MAX_DEPTH: Final = 100


class JqlError(ValueError):
    """The query is wrong; :attr:`messages` are Jira's sentences about it."""

    def __init__(self, *messages: str) -> None:
        super().__init__(" ".join(messages))
        self.messages = list(messages)


@dataclass(frozen=True, slots=True)
class Value:
    """A literal; numbers stay text, as in Jira."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function call such as ``startOfDay("-1d")``."""

    name: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Empty:
    """``EMPTY`` or ``NULL``."""


Operand = Value | Call | Empty


@dataclass(frozen=True, slots=True)
class Predicate:
    """A history predicate of WAS and CHANGED: ``BY x``, ``AFTER d``, ``FROM a``, …"""

    name: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """``field operator operand``; a list operand has several operands."""

    field: str
    operator: str
    operands: tuple[Operand, ...] = ()
    is_list: bool = False
    predicates: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class Both:
    """Conjunction."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Disjunction."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    part: "Node"


Node = Clause | Both | Either | Not


@dataclass(frozen=True, slots=True)
class Sort:
    """One ORDER BY key; ``descending`` is ``None`` when the query leaves it open."""

    field: str
    descending: bool | None


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; ``where`` is ``None`` when nothing restricts it."""

    where: Node | None
    order: tuple[Sort, ...]


_GRAMMAR: Final = """
start: [either] [order]
?either: both (_OR both)*          -> either
?both: unary (_AND unary)*         -> both
?unary: _NOT unary                 -> negation
      | "(" either ")"
      | clause
clause: field operator operand predicate*   -> clause
      | field CHANGED predicate*            -> changed
field: WORD -> word
     | CF "[" WORD "]" -> custom
     | WORD "[" WORD "]" [WORD] -> inner
operator: OP -> symbol
        | IN -> op_in
        | _NOT IN -> op_not_in
        | IS -> op_is
        | IS _NOT -> op_is_not
        | WAS -> op_was
        | WAS _NOT -> op_was_not
        | WAS IN -> op_was_in
        | WAS _NOT IN -> op_was_not_in
operand: single -> one
       | "(" single ("," single)* ")" -> many
single: WORD -> value
      | EMPTY -> empty
      | WORD "(" [WORD ("," WORD)*] ")" -> call
predicate: (PREDICATE | BY) operand
order: ORDER BY sort ("," sort)*
sort: field [DIRECTION]
%declare _AND _OR _NOT OP IN IS WAS CHANGED EMPTY ORDER BY DIRECTION CF PREDICATE WORD
%declare LPAR RPAR LSQB RSQB COMMA
"""

KEYWORDS: Final = {
    "and": "_AND",
    "or": "_OR",
    "not": "_NOT",
    "in": "IN",
    "is": "IS",
    "was": "WAS",
    "changed": "CHANGED",
    "empty": "EMPTY",
    "null": "EMPTY",
    "order": "ORDER",
    "by": "BY",
    "asc": "DIRECTION",
    "desc": "DIRECTION",
    "cf": "CF",
    "after": "PREDICATE",
    "before": "PREDICATE",
    "on": "PREDICATE",
    "during": "PREDICATE",
    "from": "PREDICATE",
    "to": "PREDICATE",
}
RESERVED: Final = frozenset(
    _words(
        "abort access add alias all alter any as audit avg begin between boolean break byte catch "
        "char character check checkpoint collate collation column commit connect continue count "
        "create current date decimal declare decrement default defaults define delete delimiter "
        "difference distinct divide do double drop else encoding end equals escape exclusive exec "
        "execute exists explain false fetch file field first float for function go goto grant "
        "greater group having identified if immediate increment index initial inner inout input "
        "insert int integer intersect intersection into isempty isnull join last left less like "
        "limit lock long max min minus mode modify modulo more multiply next noaudit notin nowait "
        "number object of option outer output power previous prior privileges public raise raw "
        "remainder rename resource return returns revoke right row rowid rownum rows select "
        "session set share size sqrt start strict string subtract sum synonym table then trans "
        "transaction trigger true uid union unique update user validate values view when whenever "
        "where while with"
    )
)
_PUNCTUATION: Final = {"(": "LPAR", ")": "RPAR", "[": "LSQB", "]": "RSQB", ",": "COMMA"}
_SCAN: Final = re.compile(
    r"""(?P<space>\s+)
    |(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<op><=|>=|!=|!~|=|<|>|~)
    |(?P<and>&&?)|(?P<or>\|\|?)|(?P<not>!)
    |(?P<punctuation>[()\[\],])
    |(?P<word>(?:[^\s"'=!<>()\[\]~|&,{}*/%+^$\#@?;`\\\x00-\x1f]|\\.)+)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r"}
_OPERATORS: Final = "'=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'"


class _JqlLexer(Lexer):
    """Tokens as Jira's lexer cuts them; quoted words never become keywords."""

    def __init__(self, lexer_conf: LexerConf) -> None:
        pass

    def lex(self, data: Any) -> Iterator[Token]:  # type: ignore[override]
        text = str(data)
        at, line, line_start = 0, 1, 0
        while at < len(text):
            column = at - line_start + 1
            match = _SCAN.match(text, at)
            if match is None:
                raise _bad_character(text, at, line, column)
            kind, piece = str(match.lastgroup), match.group()
            if kind != "space":
                name, value = _classify(kind, piece, line, column)
                yield Token(name, value, at, line, column)
            newlines = piece.count("\n")
            if newlines:
                line += newlines
                line_start = at + piece.rindex("\n") + 1
            at = match.end()


def _classify(kind: str, piece: str, line: int, column: int) -> tuple[str, str]:
    if kind == "punctuation":
        return _PUNCTUATION[piece], piece
    if kind == "quoted":
        return "WORD", _unescape(piece[1:-1], line, column)
    if kind == "word":
        lowered = piece.lower()
        if lowered in RESERVED:
            return "RESERVED", piece
        return KEYWORDS.get(lowered, "WORD"), _unescape(piece, line, column)
    return {"op": "OP", "and": "_AND", "or": "_OR", "not": "_NOT"}[kind], piece


def _unescape(text: str, line: int, column: int) -> str:
    if "\\" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] == "u" and len(code) == 5:
            return chr(int(code[1:], 16))
        if code in "\"'\\ " or code in _ESCAPES:
            return _ESCAPES.get(code, code)
        raise JqlError(
            f"Error in the JQL Query: '\\{code}' is an illegal JQL escape sequence. The valid "
            "escape sequences are \\', \\\", \\t, \\n, \\r, \\\\, '\\ ' and \\uXXXX. "
            f"(line {line}, character {column})"
        )

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", replace, text, flags=re.DOTALL)


def _bad_character(text: str, at: int, line: int, column: int) -> JqlError:
    place = f"(line {line}, character {column})"
    found = text[at]
    if found in "\"'":
        rest = text[at + 1 :]
        return JqlError(
            f"Error in the JQL Query: The quoted string '{rest}' has not been completed. {place}"
        )
    if found < " ":
        shown = f"U+{ord(found):04X}"
        return JqlError(
            f"Error in the JQL Query: The character '{shown}' must be escaped. Use the escape "
            f"'\\u{ord(found):04x}' instead. {place}"
        )
    return JqlError(
        f"Error in the JQL Query: The character '{found}' is a reserved JQL character. You must "
        f"enclose it in a string or use the escape '\\u{ord(found):04x}' instead. {place}"
    )


class _Build(Transformer[Token, Query]):
    def start(self, parts: list[Any]) -> Query:
        where, order = parts
        return Query(where, order or ())

    def either(self, parts: list[Any]) -> Node:
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self, parts: list[Any]) -> Node:
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def negation(self, parts: list[Any]) -> Node:
        return Not(parts[0])

    def clause(self, parts: list[Any]) -> Node:
        field, operator, (operands, is_list), *predicates = parts
        return Clause(field, operator, operands, is_list, tuple(predicates))

    def changed(self, parts: list[Any]) -> Node:
        field, _, *predicates = parts
        return Clause(field, "changed", (), False, tuple(predicates))

    def word(self, parts: list[Token]) -> str:
        return str(parts[0])

    def custom(self, parts: list[Token]) -> str:
        return f"cf[{parts[1]}]"

    def inner(self, parts: list[Token | None]) -> str:
        name, key, path = parts
        # ``issue.property[key].path = x``: the path's operator-like parts are one word.
        return f"{name}[{key}]{path or ''}"

    def symbol(self, parts: list[Token]) -> str:
        return str(parts[0])

    def one(self, parts: list[Any]) -> tuple[tuple[Operand, ...], bool]:
        return (parts[0],), False

    def many(self, parts: list[Any]) -> tuple[tuple[Operand, ...], bool]:
        return tuple(parts), True

    def value(self, parts: list[Token]) -> Operand:
        return Value(str(parts[0]))

    def empty(self, _parts: list[Token]) -> Operand:
        return Empty()

    def call(self, parts: list[Token | None]) -> Operand:
        name, *args = [str(part) for part in parts if part is not None]
        return Call(name, tuple(args))

    def predicate(self, parts: list[Any]) -> Predicate:
        return Predicate(str(parts[0]).lower(), parts[1][0])

    def order(self, parts: list[Any]) -> tuple[Sort, ...]:
        return tuple(part for part in parts if isinstance(part, Sort))

    def sort(self, parts: list[Any]) -> Sort:
        field, direction = parts
        return Sort(field, None if direction is None else str(direction).lower() == "desc")


def _operator(text: str) -> Callable[[_Build, list[Any]], str]:
    return lambda _self, _parts: text


for _name in ("in", "not_in", "is", "is_not", "was", "was_not", "was_in", "was_not_in"):
    setattr(_Build, f"op_{_name}", _operator(_name.replace("_", " ")))


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer=_JqlLexer, maybe_placeholders=True)


@lru_cache(maxsize=2048)
def parse(text: str) -> Query:
    """Parse a query.

    Raises:
        JqlError: With Jira's sentence for the first thing that is wrong.
    """
    if len(text) > MAX_LENGTH:
        raise JqlError("The JQL query is too long.")
    if _depth(text) > MAX_DEPTH:
        raise JqlError("The JQL query is nested too deeply.")
    try:
        tree = _parser().parse(text)
        return _Build().transform(tree)
    except UnexpectedToken as error:
        raise _explain(error) from error
    except VisitError as error:
        raise JqlError("Error occurred while parsing the JQL query.") from error.orig_exc
    except UnexpectedInput as error:
        raise JqlError("Error occurred while parsing the JQL query.") from error


def _depth(text: str) -> int:
    """An upper bound of the nesting, so that hostile queries cannot exhaust the stack."""
    depth = most = 0
    for character in text:
        if character == "(":
            depth += 1
            most = max(most, depth)
        elif character == ")":
            depth -= 1
    return most + len(re.findall(r"!|\bnot\b", text, re.IGNORECASE))


def _explain(error: UnexpectedToken) -> JqlError:
    token = error.token
    expected = set(error.accepts or error.expected)
    ended = token.type == "$END"
    place = f"(line {token.line}, character {token.column})"
    got = str(token)
    start = "Error in the JQL Query:"
    if token.type == "RESERVED":
        return JqlError(
            f"{start} '{got}' is a reserved JQL word. You must surround it in quotation marks "
            f"to use it in a query. {place}"
        )
    if "OP" in expected:
        what = f"The valid operators are {_OPERATORS}."
        if ended:
            return JqlError(f"{start} Expecting operator before the end of the query. {what}")
        return JqlError(f"{start} Expecting operator but got '{got}'. {what} {place}")
    if "EMPTY" in expected and "LPAR" in expected:
        if ended:
            return JqlError(
                f"{start} Expecting either a value, list or function before the end of the query."
            )
        return JqlError(
            f"{start} Expecting either a value, list or function but got '{got}'. You must "
            f"surround '{got}' in quotation marks to use it as a value. {place}"
        )
    if "CF" in expected:
        if ended:
            return JqlError(f"{start} Expecting a field name at the end of the query.")
        return JqlError(
            f"{start} Expecting a field name but got '{got}'. You must surround '{got}' in "
            f"quotation marks to use it as a field name. {place}"
        )
    wanted = _wanted(expected)
    if ended:
        return JqlError(f"{start} Expecting {wanted} before the end of the query.")
    return JqlError(f"{start} Expecting {wanted} but got '{got}'. {place}")


def _wanted(expected: set[str]) -> str:
    if "DIRECTION" in expected:
        return "either 'ASC' or 'DESC'"
    if "_OR" in expected and "RPAR" not in expected:
        return "either 'OR' or 'AND'"
    if {"RPAR", "COMMA"} <= expected:
        return "either ')' or ','"
    for name, shown in (
        ("RPAR", "')'"),
        ("BY", "'by'"),
        ("COMMA", "','"),
        ("LSQB", "'['"),
        ("RSQB", "']'"),
        ("IN", "'IN'"),
        ("EMPTY", "a value"),
        ("WORD", "a value"),
    ):
        if name in expected:
            return shown
    return "the end of the query"
