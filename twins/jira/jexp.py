"""Jira expressions: a small language on issues, projects and users, parsed and evaluated.

Of the language there are literals, lists, maps, properties, indexes, calls, ``x => …``, ``? :``,
``||``, ``&&``, comparisons and arithmetic, and the usual methods of lists and texts. An evaluation
takes at most 10,000 steps.
"""

from collections.abc import Callable
from typing import Any, Final

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

__all__ = ["LONGEST", "MOST_STEPS", "Evaluation", "JexpError", "Lazy", "parse"]

LONGEST: Final = 1000
MOST_STEPS: Final = 10_000
_LONGEST_TEXT: Final = 100_000

_GRAMMAR: Final = r"""
?start: expr
?expr: either "?" expr ":" expr -> ternary
     | HEAD expr -> arrow
     | either
?either: both | either "||" both -> either
?both: equal | both "&&" equal -> both
?equal: compared | equal (EQ | NE) compared -> binary
?compared: sum | compared (LE | GE | LT | GT) sum -> binary
?sum: product | sum (PLUS | MINUS) product -> binary
?product: unary | product (TIMES | OVER | MOD) unary -> binary
?unary: postfix | "!" unary -> negation | MINUS unary -> minus
?postfix: atom
        | postfix "." NAME -> prop
        | postfix "?." NAME -> maybe
        | postfix "." NAME "(" [arguments] ")" -> call
        | postfix "[" expr "]" -> index
arguments: expr ("," expr)*
?atom: NUMBER -> number
     | STRING -> string
     | "true" -> true
     | "false" -> false
     | "null" -> null
     | NAME -> name
     | "(" expr ")"
     | "[" [arguments] "]" -> list
     | "{" [pair ("," pair)*] "}" -> map
pair: (NAME | STRING) ":" expr
HEAD.3: /(\(\s*([A-Za-z_]\w*\s*(,\s*[A-Za-z_]\w*\s*)*)?\)|[A-Za-z_]\w*)\s*=>/
EQ: "=="
NE: "!="
LE: "<="
GE: ">="
LT: "<"
GT: ">"
PLUS: "+"
MINUS: "-"
TIMES: "*"
OVER: "/"
MOD: "%"
NAME: /[A-Za-z_]\w*/
NUMBER: /\d+(\.\d+)?/
STRING: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/
%ignore /\s+/
"""
_parser: Final = Lark(_GRAMMAR, parser="lalr")


class JexpError(ValueError):
    """An expression that is wrong; the message is Jira's, with a place for syntax errors."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class Lazy:
    """An object of the language whose properties are worked out when asked for.

    Args:
        kind: As errors name it: ``Issue``.
        properties: Name to what gives the value.
    """

    def __init__(self, kind: str, properties: dict[str, Callable[[], Any]]) -> None:
        self.kind = kind
        self.properties = properties


def parse(text: str) -> Tree[Token]:
    """The tree of an expression. Raises :class:`JexpError`."""
    if len(text) > LONGEST:
        raise JexpError(f"The expression exceeds the limit of {LONGEST} characters.")
    if text.count("(") + text.count("[") + text.count("{") > 60:
        raise JexpError("The expression is nested too deeply.")
    try:
        return _parser.parse(text)
    except UnexpectedToken as error:
        found = str(error.token) or "end of expression"
        raise JexpError(f"Unexpected token: '{found[:40]}'.", error.line, error.column) from error
    except UnexpectedCharacters as error:
        raise JexpError("Unexpected character.", error.line, error.column) from error
    except UnexpectedInput as error:
        raise JexpError("The expression is not complete.") from error


class Evaluation:
    """One evaluation of a tree.

    Attributes:
        steps: How many it has taken.
        expensive: How often something was loaded.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self.steps = 0
        self.expensive = 0

    def run(self, tree: Any) -> Any:
        """The value as JSON. Raises :class:`JexpError`."""
        try:
            return self._plain(self._value(tree, self._names))
        except RecursionError as error:
            raise JexpError("The expression is nested too deeply.") from error

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Lazy):
            simple = ("id", "key", "summary", "accountId", "displayName", "name")
            return {n: self._plain(value.properties[n]()) for n in simple if n in value.properties}
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if isinstance(value, dict):
            return {key: self._plain(item) for key, item in value.items()}
        if callable(value):
            raise JexpError("Evaluation failed: a function is not a result.")
        return value

    def _value(self, node: Any, names: dict[str, Any]) -> Any:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise JexpError(f"Evaluation failed: the limit of {MOST_STEPS} steps was exceeded.")
        return getattr(self, f"_{node.data}")(node.children, names)

    # -- one method per kind of node

    def _number(self, parts: list[Any], _names: dict[str, Any]) -> Any:
        text = str(parts[0])
        return float(text) if "." in text else int(text)

    def _string(self, parts: list[Any], _names: dict[str, Any]) -> Any:
        return _unquoted(str(parts[0]))

    def _true(self, _parts: list[Any], _names: dict[str, Any]) -> Any:
        return True

    def _false(self, _parts: list[Any], _names: dict[str, Any]) -> Any:
        return False

    def _null(self, _parts: list[Any], _names: dict[str, Any]) -> Any:
        return None

    def _name(self, parts: list[Any], names: dict[str, Any]) -> Any:
        name = str(parts[0])
        if name not in names:
            raise JexpError(f'Evaluation failed: "{name}" - Unrecognized name: `{name}`')
        return names[name]

    def _list(self, parts: list[Any], names: dict[str, Any]) -> Any:
        return self._arguments(parts[0], names)

    def _map(self, parts: list[Any], names: dict[str, Any]) -> Any:
        found = {}
        for pair in parts:
            if pair is not None:
                key, value = pair.children
                text = str(key)
                name = _unquoted(text) if text[0] in "\"'" else text
                found[name] = self._value(value, names)
        return found

    def _arguments(self, node: Any, names: dict[str, Any]) -> list[Any]:
        return [] if node is None else [self._value(part, names) for part in node.children]

    def _ternary(self, parts: list[Any], names: dict[str, Any]) -> Any:
        test, yes, no = parts
        return self._value(yes if self._value(test, names) else no, names)

    def _either(self, parts: list[Any], names: dict[str, Any]) -> Any:
        return self._value(parts[0], names) or self._value(parts[1], names)

    def _both(self, parts: list[Any], names: dict[str, Any]) -> Any:
        return self._value(parts[0], names) and self._value(parts[1], names)

    def _negation(self, parts: list[Any], names: dict[str, Any]) -> Any:
        return not self._value(parts[0], names)

    def _minus(self, parts: list[Any], names: dict[str, Any]) -> Any:
        return -self._amount(self._value(parts[1], names))

    def _binary(self, parts: list[Any], names: dict[str, Any]) -> Any:
        left, operator, right = parts
        return self._apply(str(operator), self._value(left, names), self._value(right, names))

    def _apply(self, operator: str, one: Any, two: Any) -> Any:
        if operator in ("==", "!="):
            return (one == two) == (operator == "==")
        if operator == "+" and (isinstance(one, str) or isinstance(two, str)):
            joined = _text(one) + _text(two)
            _check_size(len(joined), _LONGEST_TEXT)
            return joined
        if operator in ("<", ">", "<=", ">=") and isinstance(one, str) and isinstance(two, str):
            return {"<": one < two, ">": one > two, "<=": one <= two, ">=": one >= two}[operator]
        first, second = self._amount(one), self._amount(two)
        if operator in ("/", "%"):
            if second == 0:
                raise JexpError("Evaluation failed: division by zero.")
            return first / second if operator == "/" else first % second
        return {
            "+": first + second,
            "-": first - second,
            "*": first * second,
            "<": first < second,
            ">": first > second,
            "<=": first <= second,
            ">=": first >= second,
        }[operator]

    def _amount(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
            raise JexpError("Evaluation failed: a number was expected.")
        return value

    def _arrow(self, parts: list[Any], names: dict[str, Any]) -> Any:
        head, body = parts
        given = [name.strip() for name in str(head).rstrip("=> \n\t").strip("()").split(",")]

        def function(*values: Any) -> Any:
            inner = {**names, **dict(zip(given, values, strict=False))}
            return self._value(body, inner)

        return function

    def _maybe(self, parts: list[Any], names: dict[str, Any]) -> Any:
        value = self._value(parts[0], names)
        return None if value is None else self._read(value, str(parts[1]))

    def _prop(self, parts: list[Any], names: dict[str, Any]) -> Any:
        return self._read(self._value(parts[0], names), str(parts[1]))

    def _index(self, parts: list[Any], names: dict[str, Any]) -> Any:
        value, key = self._value(parts[0], names), self._value(parts[1], names)
        if isinstance(value, list | str) and isinstance(key, int) and not isinstance(key, bool):
            return value[key] if -len(value) <= key < len(value) else None
        return self._read(value, str(key))

    def _read(self, value: Any, name: str) -> Any:
        if isinstance(value, Lazy) and name in value.properties:
            self.expensive += 1
            return value.properties[name]()
        if isinstance(value, dict):
            return value.get(name)
        if isinstance(value, list | str) and name == "length":
            return len(value)
        if value is None:
            raise JexpError(f"Evaluation failed: cannot read the property '{name}' of null.")
        kind = value.kind if isinstance(value, Lazy) else type(value).__name__
        raise JexpError(
            f"Evaluation failed: Unrecognized property of `{kind}`: \"{name}\" ('{name}')."
        )

    def _call(self, parts: list[Any], names: dict[str, Any]) -> Any:
        value, name = self._value(parts[0], names), str(parts[1])
        given = self._arguments(parts[2], names)
        methods = _LISTS if isinstance(value, list) else _TEXTS if isinstance(value, str) else {}
        method = methods.get(name)
        if method is None:
            raise JexpError(f"Evaluation failed: Unrecognized method: `{name}`.")
        try:
            return method(value, *given)
        except JexpError:
            raise
        except (TypeError, ValueError, AttributeError, IndexError) as error:
            raise JexpError(f"Evaluation failed: wrong arguments for `{name}`.") from error


def _unquoted(text: str) -> str:
    return text[1:-1].replace("\\'", "'").replace('\\"', '"').replace("\\\\", "\\")


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise JexpError("Evaluation failed: a text was expected.")


def _reduce(items: list[Any], function: Callable[..., Any], *first: Any) -> Any:
    rest = list(items)
    value = first[0] if first else rest.pop(0)
    for item in rest:
        value = function(value, item)
    return value


def _flat(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        found = _concat(found, item)
    return found


def _concat(items: list[Any], more: Any) -> list[Any]:
    added = more if isinstance(more, list) else [more]
    _check_size(len(items) + len(added), MOST_STEPS)
    return items + added


def _join(items: list[Any], by: str) -> str:
    texts = [_text(item) for item in items]
    _check_size(sum(map(len, texts)) + len(by) * len(texts), _LONGEST_TEXT)
    return by.join(texts)


def _replace(text: str, old: str, new: str) -> str:
    _check_size(len(text) + (text.count(old) + 1) * len(new), _LONGEST_TEXT)
    return text.replace(old, new)


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise JexpError("Evaluation failed: the value is too large.")


_LISTS: Final[dict[str, Callable[..., Any]]] = {
    "map": lambda items, f: [f(item) for item in items],
    "filter": lambda items, f: [item for item in items if f(item)],
    "flatMap": lambda items, f: _flat([f(item) for item in items]),
    "some": lambda items, f: any(f(item) for item in items),
    "every": lambda items, f: all(f(item) for item in items),
    "find": lambda items, f: next((item for item in items if f(item)), None),
    "includes": lambda items, item: item in items,
    "indexOf": lambda items, item: items.index(item) if item in items else -1,
    "join": _join,
    "reduce": _reduce,
    "slice": lambda items, start, *end: items[start : end[0] if end else None],
    "sort": lambda items, *f: sorted(items, key=lambda item: (item is None, item)),
    "concat": _concat,
    "flatten": _flat,
}
_TEXTS: Final[dict[str, Callable[..., Any]]] = {
    "toUpperCase": lambda text: text.upper(),
    "toLowerCase": lambda text: text.lower(),
    "trim": lambda text: text.strip(),
    "includes": lambda text, part: part in text,
    "indexOf": lambda text, part: text.find(part),
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
    "replace": _replace,
    "slice": lambda text, start, *end: text[start : end[0] if end else None],
    "split": lambda text, by: text.split(by),
}
