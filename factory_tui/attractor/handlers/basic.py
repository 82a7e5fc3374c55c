"""The handlers that do nothing themselves. Sections 4.3, 4.4 and 4.7."""

from pathlib import Path

from factory_tui.attractor.context import Context
from factory_tui.attractor.model import Graph, Node
from factory_tui.attractor.outcome import Outcome

__all__ = ["ConditionalHandler", "ExitHandler", "StartHandler"]


class StartHandler:
    """Begins a pipeline."""

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Succeed."""
        return Outcome()


class ExitHandler:
    """Ends a pipeline; the engine has checked the goal gates before."""

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Succeed."""
        return Outcome()


class ConditionalHandler:
    """A point where the run branches; the engine evaluates its edges.

    The conditions see the outcome of the node before, since that of this one says nothing.
    """

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Succeed."""
        return Outcome(notes=f"Conditional node evaluated: {node.id}")
