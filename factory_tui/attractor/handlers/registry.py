"""The handler protocol and the map from type names to handlers. Sections 4.1 and 4.2."""

from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Protocol

from factory_tui.attractor.context import Context
from factory_tui.attractor.model import Graph, Node
from factory_tui.attractor.outcome import Outcome

__all__ = ["Handler", "HandlerRegistry"]


class Handler(Protocol):
    """Runs nodes of a type.

    A handler keeps no state between nodes, or guards it. What it raises becomes a FAIL. One that
    returns None reports through ``status.json`` in ``run_dir / node.id``. A handler with a true
    attribute ``handles_timeout`` applies the node's ``timeout`` itself.
    """

    def execute(
        self, node: Node, context: Context, graph: Graph, run_dir: Path
    ) -> Awaitable[Outcome | None] | Outcome | None:
        """Run ``node``; usually a coroutine function."""
        ...


class HandlerRegistry:
    """Handlers by type, and the one for everything else."""

    def __init__(
        self,
        handlers: Mapping[str, Handler] | None = None,
        default_handler: Handler | None = None,
    ) -> None:
        self.handlers: dict[str, Handler] = dict(handlers or {})
        self.default_handler = default_handler

    def register(self, type_string: str, handler: Handler) -> None:
        """Add a handler, replacing the one the type had."""
        self.handlers[type_string] = handler

    def types(self) -> list[str]:
        """The registered types."""
        return list(self.handlers)

    def resolve(self, node: Node) -> Handler:
        """The handler of a node: by its type, by its shape, or the default.

        Raises:
            LookupError: Nothing fits and there is no default.
        """
        return self._find(node)[1]

    def resolve_type(self, node: Node) -> str:
        """The type under which `resolve` finds the handler of a node."""
        return self._find(node)[0]

    def _find(self, node: Node) -> tuple[str, Handler]:
        if node.type in self.handlers:
            return node.type, self.handlers[node.type]
        by_shape = Node(node.id, {k: v for k, v in node.attrs.items() if k != "type"})
        by_shape.explicit = node.explicit
        if (shape_type := by_shape.handler_type) in self.handlers:
            return shape_type, self.handlers[shape_type]
        default = self.default_handler or self.handlers.get("codergen")
        if default is None:
            raise LookupError(f"no handler for node {node.id!r} ({node.handler_type})")
        return "codergen", default
