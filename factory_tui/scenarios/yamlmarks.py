"""YAML with positions: a document as nodes, read by the rules of YAML 1.2 rather than 1.1.

PyYAML's own loader turns ``no`` into False and ``12:30`` into 750 and lets a key given twice
win silently; here text stays text, and every value knows its line and column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

__all__ = ["Item", "Tree", "YamlError", "read_yaml"]

_MAX_DEPTH = 40


class YamlError(ValueError):
    """The text is not YAML we read. ``line`` and ``column`` count from 1."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class _Loader(yaml.SafeLoader):
    """Resolves only what YAML 1.2's core schema does, and refuses aliases."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "aliases (`*name`) are not read here", event.start_mark
            )
        return super().compose_node(parent, index)


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(_pattern, re.ASCII), list(_first)
    )


@dataclass(frozen=True, slots=True)
class Item:
    """One ``key: value`` of a mapping; a repeated key is kept, with the line of the first."""

    key: str
    line: int
    column: int
    tree: Tree
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """A value and where it stands. ``kind`` is ``map``, ``list`` or ``scalar``.

    ``value`` is the plain Python value (of repeated keys, the last).
    """

    kind: str
    value: Any
    line: int
    column: int
    items: tuple[Item, ...] = field(default=())
    elements: tuple[Tree, ...] = field(default=())

    def get(self, key: str) -> Tree | None:
        """The value of a key, or ``None``."""
        return next((i.tree for i in reversed(self.items) if i.key == key), None)


def read_yaml(text: str, *, line: int = 1, column: int = 1) -> Tree | None:
    """Read one YAML document.

    Args:
        text: the document.
        line: where its first line stands in its file, from 1.
        column: where its first character stands, from 1.

    Returns:
        The tree; ``None`` when there is nothing.

    Raises:
        YamlError: it cannot be read.
    """
    try:
        node = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line, mark.column) if mark else (0, 0)
        shift = column - 1 if at[0] == 0 else 0
        said = error.problem or "not YAML"
        raise YamlError(at[0] + line, at[1] + 1 + shift, said) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else "not YAML"
        raise YamlError(line, column, said) from error
    return _tree(node, line, column, 0) if node is not None else None


def _tree(node: yaml.Node, line: int, column: int, depth: int) -> Tree:
    mark = node.start_mark
    at = (mark.line + line, mark.column + 1 + (column - 1 if mark.line == 0 else 0))
    if depth > _MAX_DEPTH:
        raise YamlError(*at, "nested too deeply")
    if isinstance(node, yaml.SequenceNode):
        elements = tuple(_tree(n, line, column, depth + 1) for n in node.value)
        return Tree("list", [e.value for e in elements], *at, elements=elements)
    if isinstance(node, yaml.MappingNode):
        items: list[Item] = []
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = _tree(key_node, line, column, depth + 1)
            if key.kind != "scalar":
                raise YamlError(key.line, key.column, "a key must be a plain word")
            name = str(key_node.value)
            value = _tree(value_node, line, column, depth + 1)
            items.append(Item(name, key.line, key.column, value, first.get(name)))
            first.setdefault(name, key.line)
        return Tree("map", {i.key: i.tree.value for i in items}, *at, items=tuple(items))
    return Tree("scalar", _scalar(node), *at)


def _scalar(node: yaml.Node) -> Any:
    kind = node.tag.rpartition(":")[2]
    text = node.value
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text) if len(text) <= 18 else text
    if kind == "float":
        return float(text)
    return None if kind == "null" else text
