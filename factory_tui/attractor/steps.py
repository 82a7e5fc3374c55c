"""Where a finished node leads. Sections 3.3 and 3.7 of the Attractor specification."""

from factory_tui.attractor.handlers.registry import HandlerRegistry
from factory_tui.attractor.model import Graph, Node
from factory_tui.attractor.outcome import Outcome, StageStatus
from factory_tui.attractor.routing import failure_target, select_edge, select_failure_edge
from factory_tui.attractor.trace import Step, Trace

__all__ = ["next_step"]


def next_step(
    registry: HandlerRegistry, node: Node, outcome: Outcome, trace: Trace, graph: Graph
) -> Step:
    """The step after ``node`` has ended with ``outcome``."""
    kind = registry.resolve_type(node)
    failed = outcome.status is StageStatus.FAIL
    if kind == "parallel" and not failed:
        join = next(iter(outcome.suggested_next_ids), "")
        return Step(graph.nodes.get(join), by_join=True)
    if failed and kind != "conditional":
        return _after_failure(registry, node, outcome, trace, graph)
    edge = select_edge(node, outcome, trace.context, graph)
    if edge is not None:
        return Step(graph.nodes[edge.to_node], edge)
    return Step(None, end=outcome if failed else None)


def _after_failure(
    registry: HandlerRegistry, node: Node, outcome: Outcome, trace: Trace, graph: Graph
) -> Step:
    # The edges of a parallel node are its branches, so none of them is a way on.
    branches = registry.resolve_type(node) == "parallel"
    edge = None if branches else select_failure_edge(node, outcome, trace.context, graph)
    if edge is not None:
        return Step(graph.nodes[edge.to_node], edge)
    if target := failure_target(node, graph):
        return Step(graph.nodes[target])
    edge = None if branches else select_edge(node, outcome, trace.context, graph)
    if edge is not None:
        after = graph.nodes[edge.to_node]
        if registry.resolve_type(after) == "conditional":
            # A diamond is there to decide on the outcome before it, failures included.
            return Step(after, edge)
    return Step(None, end=outcome)
