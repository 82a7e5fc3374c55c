"""Routing tables: from method and path to the operation the vendor's description names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Match", "Routes"]

H = TypeVar("H")


@dataclass(frozen=True, slots=True)
class Match(Generic[H]):
    """What a request asks for.

    Attributes:
        operation: The vendor's name of it; "" when nothing is described there.
        params: Path parameters, percent-decoded.
        handler: ``None`` when the operation is described but not implemented.
        allowed: When only the method is wrong: the methods the path knows.
    """

    operation: str
    params: dict[str, str]
    handler: H | None
    allowed: tuple[str, ...] = ()


class _Node(Generic[H]):
    __slots__ = ("leaves", "param", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node[H]] = {}
        self.param: _Node[H] | None = None
        self.leaves: dict[str, tuple[str, tuple[str, ...], H | None]] = {}


class Routes(Generic[H]):
    """A tree of path templates such as ``/api/v1/users/{userId}``; fixed parts win."""

    def __init__(self) -> None:
        self._root: _Node[H] = _Node()
        self.operations: dict[str, tuple[str, str, bool]] = {}

    def add(self, method: str, template: str, operation: str, handler: H | None = None) -> None:
        """Describe an operation, or implement one. A handler replaces a mere description."""
        node = self._root
        names: list[str] = []
        for part in template.strip("/").split("/"):
            if part.startswith("{") and part.endswith("}"):
                names.append(part[1:-1])
                if node.param is None:
                    node.param = _Node()
                node = node.param
            else:
                node = node.static.setdefault(part, _Node())
        known = node.leaves.get(method)
        if known is not None and known[2] is not None and handler is None:
            return
        if known is not None and handler is not None:
            operation = known[0] or operation
        node.leaves[method] = (operation, tuple(names), handler)
        self.operations[operation] = (method, template, handler is not None)

    def match(self, method: str, segments: Sequence[str]) -> Match[H] | None:
        """The operation at a path, or ``None`` where no path is described."""
        if segments and segments[-1] == "":
            segments = segments[:-1]
        found = _walk(self._root, segments, 0, (), method)
        if found is None:
            return None
        node, values = found
        leaf = node.leaves.get(method)
        if leaf is None:
            return Match("", {}, None, tuple(sorted(node.leaves)))
        operation, names, handler = leaf
        return Match(operation, dict(zip(names, values, strict=True)), handler)


def _walk(
    node: _Node[H], segments: Sequence[str], at: int, values: tuple[str, ...], method: str
) -> tuple[_Node[H], tuple[str, ...]] | None:
    if at == len(segments):
        return (node, values) if node.leaves else None
    part = segments[at]
    wrong_method: tuple[_Node[H], tuple[str, ...]] | None = None
    fixed = node.static.get(part)
    if fixed is not None:
        found = _walk(fixed, segments, at + 1, values, method)
        if found is not None:
            if method in found[0].leaves:
                return found
            wrong_method = found
    if node.param is not None and part:
        found = _walk(node.param, segments, at + 1, (*values, part), method)
        if found is not None and (method in found[0].leaves or wrong_method is None):
            return found
    return wrong_method
