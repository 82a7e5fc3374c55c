"""CSS-like defaults for the model attributes of nodes. Section 8 of the Attractor specification.

``* { llm_model: a; } .code { llm_model: b; } #review { reasoning_effort: high; }``
"""

import re
from dataclasses import dataclass
from typing import Final

from factory_tui.attractor.model import Graph, Node

__all__ = ["StyleRule", "StylesheetError", "apply_stylesheet", "parse_stylesheet"]

PROPERTIES: Final = ("llm_model", "llm_provider", "reasoning_effort")

_SPACE: Final = re.compile(r"(?:\s|/\*.*?\*/)*", re.DOTALL)
_SELECTOR: Final = re.compile(r"\*|[#.]?[A-Za-z0-9_-]+")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_VALUE: Final = re.compile(r'"(?:\\.|[^"\\])*"|[^\s;{}"]+')


class StylesheetError(ValueError):
    """A stylesheet outside the grammar, with the line and column inside it (from 1)."""

    def __init__(self, message: str, line: int, column: int):
        self.message, self.line, self.column = message, line, column
        super().__init__(f"{message} (stylesheet {line}:{column})")


@dataclass(frozen=True, slots=True)
class StyleRule:
    """One rule: a selector (``*``, ``shape``, ``.class`` or ``#id``) and what it sets."""

    selector: str
    declarations: tuple[tuple[str, str], ...]

    @property
    def specificity(self) -> int:
        """0 for everything, 1 for a shape, 2 for a class, 3 for a node."""
        return {"*": 0, ".": 2, "#": 3}.get(self.selector[0], 1)

    def matches(self, node: Node) -> bool:
        """Whether the rule is about a node."""
        if self.selector == "*":
            return True
        if self.selector.startswith("."):
            return self.selector[1:] in node.classes
        if self.selector.startswith("#"):
            return self.selector[1:] == node.id
        return self.selector == node.shape


def parse_stylesheet(text: str) -> list[StyleRule]:
    """Read a stylesheet; an empty one has no rules.

    Raises:
        StylesheetError: It is outside the grammar, or sets a property that does not exist.
    """
    return _Reader(text).rules()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self._space()

    def rules(self) -> list[StyleRule]:
        rules = []
        while self.at < len(self.text):
            selector = self._take(_SELECTOR, "a selector (*, shape, .class or #id)")
            self._expect("{")
            declarations = [self._declaration()]
            while self._skip(";"):
                if self._next() == "}":
                    break
                declarations.append(self._declaration())
            self._expect("}")
            rules.append(StyleRule(selector, tuple(declarations)))
        return rules

    def _declaration(self) -> tuple[str, str]:
        start = self.at
        name = self._take(_NAME, "a property")
        if name not in PROPERTIES:
            raise self._error(f"unknown property {name!r} (known: {', '.join(PROPERTIES)})", start)
        self._expect(":")
        value = self._take(_VALUE, "a value")
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
        return name, value

    def _take(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise self._error(f"expected {what}, found {self._next() or 'the end'!r}", self.at)
        self.at = found.end()
        self._space()
        return found[0]

    def _expect(self, symbol: str) -> None:
        if not self._skip(symbol):
            raise self._error(f"expected {symbol!r}, found {self._next() or 'the end'!r}", self.at)

    def _skip(self, symbol: str) -> bool:
        if self._next() != symbol:
            return False
        self.at += 1
        self._space()
        return True

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _error(self, message: str, offset: int) -> StylesheetError:
        before = self.text[:offset]
        return StylesheetError(
            message, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
        )


def apply_stylesheet(graph: Graph) -> Graph:
    """Resolve the model attributes of every node.

    Highest first: written on the node, stylesheet (by specificity, then the later rule), default
    block or graph attribute. Returns a new graph.

    Raises:
        StylesheetError: The stylesheet cannot be read.
    """
    rules = parse_stylesheet(graph.model_stylesheet)
    styled = graph.copy()
    ranked = sorted(rules, key=lambda rule: rule.specificity)
    for node in styled.nodes.values():
        chosen: dict[str, str] = {}
        for rule in ranked:
            if rule.matches(node):
                chosen.update(rule.declarations)
        for name in PROPERTIES:
            if name in node.explicit:
                continue
            if name in chosen:
                node.attrs[name] = chosen[name]
            elif name not in node.attrs and name in graph.attrs:
                node.attrs[name] = graph.attrs[name]
    return styled
