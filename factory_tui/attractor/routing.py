"""Which way a run goes after a node: edges, goal gates, failure routes. Sections 3.3, 3.4, 3.7."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from factory_tui.attractor.conditions import evaluate_condition
from factory_tui.attractor.context import Context
from factory_tui.attractor.model import Edge, Graph, Node
from factory_tui.attractor.outcome import Outcome

__all__ = [
    "best_by_weight_then_lexical",
    "check_goal_gates",
    "failure_target",
    "get_retry_target",
    "normalize_label",
    "parse_accelerator_key",
    "select_edge",
    "select_failure_edge",
]

_ACCELERATOR: Final = re.compile(r"\s*(?:\[(\w+)\]\s*|(\w)\)\s*|(\w)\s+-\s+)")


def parse_accelerator_key(label: str) -> str:
    """The shortcut key of a label: ``[Y] Yes``, ``Y) Yes``, ``Y - Yes`` or its first letter."""
    found = _ACCELERATOR.match(label)
    if found:
        return next(group for group in found.groups() if group).upper()
    return label.strip()[:1].upper()


def normalize_label(label: str) -> str:
    """A label without its accelerator, surrounding space and case."""
    return _ACCELERATOR.sub("", label, count=1).strip().lower() or label.strip().lower()


def best_by_weight_then_lexical(edges: Iterable[Edge]) -> Edge | None:
    """The edge with the highest weight, of several the one whose target comes first by name."""
    return min(edges, key=lambda edge: (-edge.weight, edge.to_node), default=None)


def _matching(edges: Iterable[Edge], outcome: Outcome, context: Context) -> Edge | None:
    return best_by_weight_then_lexical(
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
        or best_by_weight_then_lexical(edge for edge in edges if not edge.condition)
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
    return own or (get_retry_target(node, graph) if node.goal_gate else "")


def check_goal_gates(
    graph: Graph, node_outcomes: Mapping[str, Outcome]
) -> tuple[bool, Node | None]:
    """Whether the run may exit; else also the first visited goal gate that has not succeeded."""
    for node_id, outcome in node_outcomes.items():
        node = graph.nodes.get(node_id)
        if node is not None and node.goal_gate and not outcome.status.ok:
            return False, node
    return True, None


def get_retry_target(gate: Node, graph: Graph) -> str:
    """Where the exit jumps to for an unsatisfied gate, or ""."""
    return _first_existing(
        graph,
        gate.retry_target,
        gate.fallback_retry_target,
        graph.retry_target,
        graph.fallback_retry_target,
    )
