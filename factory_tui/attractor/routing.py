"""Which way a run goes after a node: edges, goal gates, failure routes. Sections 3.3, 3.4, 3.7."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from factory_tui.attractor.conditions import evaluate_condition
from factory_tui.attractor.context import Context
from factory_tui.attractor.model import Edge, Graph, Node
from factory_tui.attractor.outcome import Outcome

__all__ = [
    "accelerator",
    "check_goal_gates",
    "failure_target",
    "gate_target",
    "normalize_label",
    "select_edge",
    "select_failure_edge",
]

_ACCELERATOR: Final = re.compile(r"\s*(?:\[(\w+)\]\s*|(\w)\)\s*|(\w)\s+-\s+)")


def accelerator(label: str) -> str:
    """The shortcut key of a label: ``[Y] Yes``, ``Y) Yes``, ``Y - Yes`` or its first letter."""
    found = _ACCELERATOR.match(label)
    if found:
        return next(group for group in found.groups() if group).upper()
    return label.strip()[:1].upper()


def normalize_label(label: str) -> str:
    """A label without its accelerator, surrounding space and case."""
    return _ACCELERATOR.sub("", label, count=1).strip().lower() or label.strip().lower()


def _best(edges: Iterable[Edge]) -> Edge | None:
    return min(edges, key=lambda edge: (-edge.weight, edge.to_node), default=None)


def _matching(edges: Iterable[Edge], outcome: Outcome, context: Context) -> Edge | None:
    return _best(
        edge
        for edge in edges
        if edge.condition and evaluate_condition(edge.condition, outcome, context)
    )


def _wished(edges: list[Edge], outcome: Outcome) -> Edge | None:
    """The unconditional edge a handler asked for by label or by target."""
    free = [edge for edge in edges if not edge.condition]
    if outcome.preferred_label:
        wanted = normalize_label(outcome.preferred_label)
        for edge in free:
            if edge.label and normalize_label(edge.label) == wanted:
                return edge
    for target in outcome.suggested_next_ids:
        for edge in free:
            if edge.to_node == target:
                return edge
    return None


def select_edge(node: Node, outcome: Outcome, context: Context, graph: Graph) -> Edge | None:
    """The edge to follow after a node: condition, label, suggestion, weight, target's name."""
    edges = graph.outgoing_edges(node.id)
    return (
        _matching(edges, outcome, context)
        or _wished(edges, outcome)
        or _best(edge for edge in edges if not edge.condition)
    )


def select_failure_edge(
    node: Node, outcome: Outcome, context: Context, graph: Graph
) -> Edge | None:
    """The edge to follow after a FAIL.

    Only a condition that holds or the handler's own wish leads on; a plain edge does not, or a
    person who declined a release would see it released.
    """
    edges = graph.outgoing_edges(node.id)
    return _matching(edges, outcome, context) or _wished(edges, outcome)


def _first_existing(graph: Graph, *names: str) -> str:
    return next((name for name in names if name in graph.nodes), "")


def failure_target(node: Node, graph: Graph) -> str:
    """Where a failed node jumps to, or "".

    A goal gate also uses the graph's targets: going on to the exit would lead there as well.
    """
    own = _first_existing(graph, node.retry_target, node.fallback_retry_target)
    return own or (gate_target(node, graph) if node.goal_gate else "")


def check_goal_gates(graph: Graph, outcomes: Mapping[str, Outcome]) -> Node | None:
    """The first visited goal gate that has not succeeded; None when the run may exit."""
    for node_id, outcome in outcomes.items():
        node = graph.nodes.get(node_id)
        if node is not None and node.goal_gate and not outcome.status.ok:
            return node
    return None


def gate_target(gate: Node, graph: Graph) -> str:
    """Where the exit jumps to for an unsatisfied gate, or ""."""
    return _first_existing(
        graph,
        gate.retry_target,
        gate.fallback_retry_target,
        graph.retry_target,
        graph.fallback_retry_target,
    )
