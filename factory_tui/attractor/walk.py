"""Going through a graph node by node, with a checkpoint after each.

A way's whole state lies between two nodes and is on disk then, as a `Checkpoint`; where to go
next follows from it alone. So going on after a crash is the same code as going on. A run is one
way; each branch of a parallel node is another, with a checkpoint of its own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from factory_tui.attractor import events
from factory_tui.attractor.checkpoint import Checkpoint
from factory_tui.attractor.fidelity import FidelityMode
from factory_tui.attractor.model import Graph, Node, parse_integer
from factory_tui.attractor.outcome import Outcome
from factory_tui.attractor.stages import Stages
from factory_tui.attractor.steps import next_step
from factory_tui.attractor.trace import Step, Trace

__all__ = ["Walk"]

_SAME_TERMINAL_FAILURES: Final = 2
"""A failure that trying again cannot mend, seen this often in a row, ends the run."""

_SAME_FAILURES: Final = 10
"""The same for any other failure whose reason stays the same to the letter."""


@dataclass(slots=True)
class Walk:
    """A way through a graph that can be cut off after any node and gone on with.

    Attributes:
        stages: Runs the nodes.
        graph: The pipeline.
        run_dir: Where the files of its stages go.
        place: Where its checkpoint goes.
        trace: Where it has been.
        state: Its checkpoint.
    """

    stages: Stages
    graph: Graph
    run_dir: Path
    place: Path
    trace: Trace
    state: Checkpoint

    def restore(self) -> None:
        """Set the trace to what the checkpoint says."""
        trace, state = self.trace, self.state
        trace.context.restore(state.context_values, state.logs)
        trace.completed = list(state.completed_nodes)
        trace.outcomes = dict(state.node_outcomes)
        trace.last = state.last_outcome

    def save(self, node_id: str = "") -> None:
        """Write the checkpoint; ``node_id`` is the node it comes after."""
        trace, state = self.trace, self.state
        state.completed_nodes, state.node_outcomes = trace.completed, trace.outcomes
        state.last_outcome = trace.last
        state.take(trace.context)
        state.save(self.place)
        if node_id:
            self.stages.emit(events.CheckpointSaved(node_id))

    def next_step(self) -> Step:
        """Where the checkpoint leads."""
        state, graph = self.state, self.graph
        if not state.current_node:
            return Step(graph.nodes[state.start_at])
        if state.current_node not in graph.nodes:
            reason = f"the checkpoint names {state.current_node!r}, which the pipeline lacks"
            return Step(None, end=Outcome.fail(reason, terminal=True))
        node = graph.nodes[state.current_node]
        outcome = self.trace.last or Outcome()
        return next_step(self.stages.registry, node, outcome, self.trace, graph)

    async def take(self, node: Node, step: Step, *, degrade: bool) -> Outcome | None:
        """Run a node and save; gives the outcome to end with if its failure keeps coming back."""
        outcome = await self.stages.run(
            node,
            self.trace,
            self.graph,
            self.run_dir,
            edge=step.edge,
            previous=self.state.current_node,
            degrade=degrade,
        )
        state = self.state
        state.current_node = node.id
        mode = self.trace.context.get_string("internal.fidelity")
        state.degrade_next = mode == FidelityMode.FULL
        repeated = self._repeated(node, outcome)
        self.save(node.id)
        return repeated

    def _repeated(self, node: Node, outcome: Outcome) -> Outcome | None:
        """Stop a cycle that fails the same way again instead of paying for it again."""
        if self.stages.registry.resolve_type(node) == "conditional":
            return None  # what it passes on is the failure of the node before
        seen = self.state.count_failure(node.id, outcome)
        hopeless = outcome.failure_class == "terminal"
        limit = _SAME_TERMINAL_FAILURES if hopeless else _limit(self.graph)
        if seen < limit:
            return None
        reason = f"{node.id} failed the same way {seen} times: {outcome.failure_reason}"
        return Outcome.fail(reason, terminal=True)


def _limit(graph: Graph) -> int:
    try:
        return max(1, parse_integer(graph.attrs.get("max_same_failures", _SAME_FAILURES)))
    except ValueError:
        return _SAME_FAILURES
