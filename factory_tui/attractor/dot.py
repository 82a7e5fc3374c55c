"""Reading and writing the DOT subset of section 2 of the Attractor specification.

The grammar is a strict subset of Graphviz's: one ``digraph`` per file, ``->`` only, bare
identifiers for nodes, commas between attributes, no HTML labels. A node exists from its first
mention; an edge to a node that is never declared creates it with the defaults in force there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any, Final

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from factory_tui.attractor.model import Duration, Edge, Graph, Node, Position

__all__ = ["DotSyntaxError", "parse_dot", "to_dot"]

_GRAMMAR: Final = r"""
    start: "digraph" NAME "{" statement* "}"

    ?statement: graph_attrs | node_defaults | edge_defaults | subgraph | declaration | node | edge
    graph_attrs: "graph" attributes ";"?
    node_defaults: "node" attributes ";"?
    edge_defaults: "edge" attributes ";"?
    declaration: _key "=" _value ";"?
    subgraph: "subgraph" NAME? "{" statement* "}" ";"?
    node: NAME attributes? ";"?
    edge: NAME (_ARROW NAME)+ attributes? ";"?

    attributes: "[" attribute ("," attribute)* "]"
    attribute: _key "=" _value
    _key: NAME | QUALIFIED
    _value: STRING | FLOAT | INTEGER | DURATION | BARE | NAME | QUALIFIED

    _ARROW: "->"
    QUALIFIED.2: /[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+(?![A-Za-z0-9_.:-])/
    NAME: /[A-Za-z_][A-Za-z0-9_]*/
    BARE.3: /[A-Za-z_][A-Za-z0-9_]*[.:-][A-Za-z0-9_.:-]*/
    DURATION.3: /-?[0-9]+(ms|s|m|h|d)(?![A-Za-z0-9_.])/
    FLOAT.2: /-?[0-9]*\.[0-9]+(?![A-Za-z0-9_.])/
    INTEGER: /-?[0-9]+(?![A-Za-z0-9_.])/
    STRING: /"(\\["nt\\]|[^"\\])*"/

    LINE_COMMENT: /\/\/[^\n]*/
    BLOCK_COMMENT: /\/\*([^*]|\*(?!\/))*\*\//
    %ignore /[ \t\r\n\f]+/
    %ignore LINE_COMMENT
    %ignore BLOCK_COMMENT
"""

_MAX_DEPTH: Final = 100
_ESCAPES: Final = {'\\"': '"', "\\n": "\n", "\\t": "\t", "\\\\": "\\"}
_TOKEN_NAMES: Final = {
    "NAME": "a name",
    "QUALIFIED": "a dotted name",
    "BARE": "a value",
    "STRING": "a quoted string",
    "INTEGER": "a number",
    "FLOAT": "a number",
    "DURATION": "a duration",
    "$END": "the end of the file",
    "<END-OF-FILE>": "the end of the file",
    "_ARROW": "'->'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "LSQB": "'['",
    "RSQB": "']'",
    "EQUAL": "'='",
    "COMMA": "','",
    "SEMICOLON": "';'",
    "DIGRAPH": "'digraph'",
    "SUBGRAPH": "'subgraph'",
    "GRAPH": "'graph'",
    "NODE": "'node'",
    "EDGE": "'edge'",
}


class DotSyntaxError(ValueError):
    """A pipeline file that is not in the accepted subset.

    Attributes:
        message: What is wrong, in one sentence.
        line: Line it was found in, from 1.
        column: Column it was found at, from 1.
        hint: How to put it right, or "".
        path: The file's name, or "" where only text was given.
    """

    def __init__(self, message: str, line: int, column: int, hint: str = "", path: str = ""):
        self.message, self.line, self.column, self.hint = message, line, column, hint
        self.path = path
        where = f"{path}:{line}:{column}" if path else f"{line}:{column}"
        super().__init__(f"{where}: {message}" + (f" ({hint})" if hint else ""))


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", propagate_positions=True)


def parse_dot(source: str, *, path: str = "") -> Graph:
    """Parse a pipeline.

    Args:
        source: The text of a DOT file.
        path: Its name, for error messages.

    Raises:
        DotSyntaxError: The text is outside the accepted subset; nothing else is ever raised.
    """
    try:
        tree = _parser().parse(source)
        return _Builder().build(tree)
    except UnexpectedInput as error:
        raise _explain(error, source, path) from None
    except DotSyntaxError as error:
        raise DotSyntaxError(error.message, error.line, error.column, error.hint, path) from None


def _explain(error: UnexpectedInput, source: str, path: str) -> DotSyntaxError:
    """Turn the parser's complaint into one sentence about the file."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        lines = source.split("\n")
        at_end = len(lines), len(lines[-1]) + 1
        wanted = "'digraph'" if "DIGRAPH" in error.accepts | error.expected else "'}'"
        return DotSyntaxError(f"the file ends where {wanted} is missing", *at_end, path=path)
    line, column = max(1, error.line), max(1, error.column)
    position = error.pos_in_stream or 0
    rest = source[position:]
    found_set = error.expected if isinstance(error, UnexpectedToken) else None
    expected = set(found_set or getattr(error, "allowed", None) or ())
    message, hint = _known_mistake(rest, source[:position], expected)
    if not message:
        if isinstance(error, UnexpectedCharacters):
            found = repr(rest[:1])
        else:
            found = repr(str(getattr(error, "token", rest[:1])))[:60]
        names = sorted({_TOKEN_NAMES.get(name, f"'{name.lower()}'") for name in expected})
        message = f"unexpected {found}"
        hint = f"expected {', '.join(names[:6])}" if names and len(names) <= 6 else ""
    return DotSyntaxError(message, line, column, hint, path)


def _known_mistake(rest: str, before: str, expected: set[str]) -> tuple[str, str]:
    """Recognise what people write out of habit from full Graphviz; ("", "") for the rest."""
    word = "".join(re.findall(r"\A[A-Za-z_]+", rest))
    if rest.startswith("--"):
        return "undirected edges are not supported", "write -> instead of --"
    if rest.startswith("<"):
        return "HTML labels are not supported", "write a quoted string"
    if rest.startswith("/*"):
        return "a comment is never closed", "add */"
    if rest.startswith("#"):
        return "'#' lines are not supported", "write // for a comment"
    if rest.startswith('"'):
        return _string_mistake(rest, expected)
    if "DIGRAPH" in expected and word in ("strict", "graph"):
        return f"'{word}' is not supported", "a pipeline begins with: digraph NAME {"
    if expected and expected <= {"$END", "<END-OF-FILE>"}:
        return "only one digraph per file is supported", "remove what follows the closing brace"
    if "COMMA" in expected and re.match(r"[A-Za-z_;]", rest):
        return "attributes are separated by commas", "write [a=1, b=2]"
    if expected == {"EQUAL"} and rest.startswith(("->", "[")):
        return "a node id with a dot", "node ids are letters, digits and _; put text in label"
    if "STRING" in expected and re.match(r"-?[0-9.]", rest):
        return "not a number or duration", "put the value in quotes"
    if "COMMA" not in expected and rest.startswith("]") and before.rstrip().endswith(","):
        return "a comma before ']'", "remove it"
    return "", ""


def _string_mistake(rest: str, expected: set[str]) -> tuple[str, str]:
    body = re.match(r'"(\\["nt\\]|[^"\\])*', rest)
    end = body.end() if body else 1
    if end >= len(rest):
        return "a string is never closed", 'add "'
    if rest[end] == "\\":
        escape = rest[end : end + 2]
        return f"unknown escape {escape!r} in a string", r"known are \" \n \t and \\"
    if "NAME" in expected and "STRING" not in expected:
        return "a quoted string cannot stand here", "node ids are bare names; put text in label"
    return "", ""


@dataclass(slots=True)
class _Scope:
    """Defaults in force inside one pair of braces."""

    node: dict[str, tuple[Any, Position]] = field(default_factory=dict)
    edge: dict[str, tuple[Any, Position]] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=dict)
    members: dict[str, None] = field(default_factory=dict)

    def inner(self) -> "_Scope":
        return _Scope(dict(self.node), dict(self.edge))


_Parsed = dict[str, tuple[Any, Position]]


class _Builder:
    """Walks the parse tree once and fills a graph."""

    def __init__(self) -> None:
        self.graph = Graph()

    def build(self, tree: Tree[Token]) -> Graph:
        name, *statements = tree.children
        self.graph.id = str(name)
        self._statements(statements, _Scope(), depth=0)
        return self.graph

    def _statements(self, statements: list[Any], scope: _Scope, depth: int) -> None:
        for statement in statements:
            kind = statement.data
            if kind == "graph_attrs":
                self._graph_attributes(_attributes(statement.children[0]), scope, depth)
            elif kind == "declaration":
                self._graph_attributes(_attributes_of(statement), scope, depth)
            elif kind == "node_defaults":
                scope.node.update(_attributes(statement.children[0]))
            elif kind == "edge_defaults":
                scope.edge.update(_attributes(statement.children[0]))
            elif kind == "node":
                self._node(statement, scope)
            elif kind == "edge":
                self._edges(statement, scope)
            else:
                self._subgraph(statement, scope, depth)

    def _graph_attributes(self, attributes: _Parsed, scope: _Scope, depth: int) -> None:
        for key, (value, position) in attributes.items():
            if depth:
                scope.attrs[key] = value
            else:
                self.graph.attrs[key] = value
                self.graph.positions[key] = position

    def _subgraph(self, statement: Tree[Token], scope: _Scope, depth: int) -> None:
        if depth >= _MAX_DEPTH:
            raise DotSyntaxError(
                "subgraphs are nested too deeply", statement.meta.line, statement.meta.column
            )
        inner = scope.inner()
        children = [child for child in statement.children if isinstance(child, Tree)]
        self._statements(children, inner, depth + 1)
        derived = _derived_class(str(inner.attrs.get("label", "")))
        for node_id in inner.members:
            scope.members[node_id] = None
            classes = self.graph.nodes[node_id].subgraph_classes
            # Inner braces close first, so an enclosing class goes before what is there.
            if derived and derived not in classes:
                classes.insert(0, derived)

    def _mention(self, token: Token, scope: _Scope) -> Node:
        node_id = str(token)
        node = self.graph.nodes.get(node_id)
        if node is None:
            node = Node(node_id, position=_position(token), declared=False)
            self.graph.nodes[node_id] = node
            _apply_defaults(node, scope)
        scope.members[node_id] = None
        return node

    def _node(self, statement: Tree[Token], scope: _Scope) -> None:
        token, *rest = statement.children
        assert isinstance(token, Token)
        known = str(token) in self.graph.nodes
        node = self._mention(token, scope)
        node.declared = True
        if known:
            # An edge may name a node before the block that declares it; the declaration's
            # surroundings count, or the order of two lines would change the pipeline.
            _apply_defaults(node, scope)
        for key, (value, position) in (_attributes(rest[0]) if rest else {}).items():
            node.attrs[key] = value
            node.positions[key] = position
            node.explicit.add(key)

    def _edges(self, statement: Tree[Token], scope: _Scope) -> None:
        names = [child for child in statement.children if isinstance(child, Token)]
        blocks = [child for child in statement.children if isinstance(child, Tree)]
        merged = {**scope.edge, **(_attributes(blocks[0]) if blocks else {})}
        for name in names:
            self._mention(name, scope)
        for source, target in pairwise(names):
            self.graph.edges.append(
                Edge(
                    str(source),
                    str(target),
                    {key: value for key, (value, _) in merged.items()},
                    _position(source),
                    {key: position for key, (_, position) in merged.items()},
                )
            )


def _apply_defaults(node: Node, scope: _Scope) -> None:
    for key, (value, position) in scope.node.items():
        if key not in node.explicit:
            node.attrs[key] = value
            node.positions[key] = position


def _position(token: Token) -> Position:
    return Position(token.line or 0, token.column or 0)


def _attributes(block: Any) -> _Parsed:
    parsed: _Parsed = {}
    for attribute in block.children:
        parsed.update(_attributes_of(attribute))
    return parsed


def _attributes_of(pair: Tree[Token]) -> _Parsed:
    key, value = pair.children
    assert isinstance(key, Token) and isinstance(value, Token)
    return {str(key): (_value(value), _position(value))}


def _value(token: Token) -> Any:
    text = str(token)
    match token.type:
        case "STRING":
            return re.sub(r'\\["nt\\]', lambda found: _ESCAPES[found[0]], text[1:-1])
        case "INTEGER" | "DURATION" if len(text) > 18:
            # Python refuses to read numbers of thousands of digits, and nobody means them.
            raise DotSyntaxError("a number is too long", token.line or 0, token.column or 0)
        case "INTEGER":
            return int(text)
        case "FLOAT":
            return float(text)
        case "DURATION":
            unit = text.lstrip("-0123456789")
            return Duration(int(text[: -len(unit)]), unit)
    return {"true": True, "false": False}.get(text, text)


def _derived_class(label: str) -> str:
    return re.sub(r"[^a-z0-9-]", "", label.lower().replace(" ", "-"))


def to_dot(graph: Graph) -> str:
    """Write a graph as DOT that parses to an equal graph.

    Defaults are written out on every node, and classes derived from subgraphs become part of
    the ``class`` attribute, because the subgraphs themselves are gone after parsing.
    """
    lines = [f"digraph {graph.id or 'pipeline'} {{"]
    if graph.attrs:
        lines.append(f"    graph {_block(graph.attrs)}")
    for node in graph.nodes.values():
        attrs = dict(node.attrs)
        if node.subgraph_classes:
            attrs["class"] = ",".join(node.classes)
        lines.append(f"    {node.id}" + (f" {_block(attrs)}" if attrs else ""))
    for edge in graph.edges:
        block = f" {_block(edge.attrs)}" if edge.attrs else ""
        lines.append(f"    {edge.from_node} -> {edge.to_node}{block}")
    return "\n".join([*lines, "}"]) + "\n"


def _block(attrs: Mapping[str, Any]) -> str:
    return "[" + ", ".join(f"{key}={_literal(value)}" for key, value in attrs.items()) + "]"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = format(value, "f")
        return text if float(text) == value else f'"{value!r}"'
    if isinstance(value, int | Duration):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.replace("\t", "\\t").replace("\n", "\\n")
