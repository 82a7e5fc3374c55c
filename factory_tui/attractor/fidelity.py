"""How much of what happened before a stage's model gets to know. Section 5.4.

Under ``full`` the stage goes on with a session shared by its thread; under the other modes it
starts fresh, and `preamble` says in text what it must know.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from factory_tui.attractor.context import Context
from factory_tui.attractor.model import Edge, Graph, Node, text_of
from factory_tui.attractor.outcome import Outcome

__all__ = ["FidelityMode", "preamble", "resolve_fidelity", "resolve_thread"]


class FidelityMode(StrEnum):
    """The modes; see the table in the specification."""

    FULL = "full"
    TRUNCATE = "truncate"
    COMPACT = "compact"
    SUMMARY_LOW = "summary:low"
    SUMMARY_MEDIUM = "summary:medium"
    SUMMARY_HIGH = "summary:high"


_BUDGET_CHARS: Final = {
    FidelityMode.COMPACT: 4_000,
    FidelityMode.SUMMARY_LOW: 2_400,
    FidelityMode.SUMMARY_MEDIUM: 6_000,
    FidelityMode.SUMMARY_HIGH: 12_000,
}
"""The specification's token budgets at four characters a token."""

_RECENT: Final = {
    FidelityMode.COMPACT: 40,
    FidelityMode.SUMMARY_LOW: 3,
    FidelityMode.SUMMARY_MEDIUM: 10,
    FidelityMode.SUMMARY_HIGH: 40,
}
"""How many of the last stages a mode tells of."""


def resolve_fidelity(node: Node, edge: Edge | None, graph: Graph) -> FidelityMode:
    """The mode for a node entered by an edge: edge, node, graph, ``compact``; unknown ones skip."""
    for wish in (edge.fidelity if edge else "", node.fidelity, graph.default_fidelity):
        if wish in list(FidelityMode):
            return FidelityMode(wish)
    return FidelityMode.COMPACT


def resolve_thread(node: Node, edge: Edge | None, graph: Graph, previous: str) -> str:
    """The key of the session a node uses under ``full`` fidelity.

    Highest first: the node's ``thread_id``, the edge's, the graph's, the class of the innermost
    enclosing subgraph, the id of the node before.
    """
    innermost = node.subgraph_classes[-1] if node.subgraph_classes else ""
    graph_thread = text_of(graph.attrs.get("thread_id") or graph.attrs.get("default_thread"))
    edge_thread = edge.thread_id if edge else ""
    return node.thread_id or edge_thread or graph_thread or innermost or previous or node.id


def preamble(
    mode: FidelityMode,
    graph: Graph,
    context: Context,
    completed: Sequence[str],
    outcomes: Mapping[str, Outcome],
) -> str:
    """What happened so far, for a stage that starts fresh; "" where there is nothing to tell.

    Args:
        mode: How much to tell; ``full`` tells nothing, since the session itself knows.
        graph: The pipeline.
        context: The run's context.
        completed: Ids of the completed nodes in order, repetitions included.
        outcomes: The last outcome of each.
    """
    if mode is FidelityMode.FULL:
        return ""
    # Only the last stages are looked at, or a long run would slow down with every stage.
    tail = completed[-_RECENT.get(mode, 10) :]
    recent = [
        node_id
        for node_id in tail
        if (node := graph.nodes.get(node_id)) and node.handler_type not in ("start", "exit")
    ]
    if not recent:
        return ""
    lines = [f"Goal of the pipeline: {graph.goal}"] if graph.goal else []
    if run_id := context.get_string("internal.run_id"):
        lines.append(f"Run: {run_id}")
    if mode is FidelityMode.TRUNCATE:
        return "\n".join(lines)
    left_out = len(completed) - len(tail)
    lines.append("Stages completed so far:")
    if left_out:
        lines.append(f"- {left_out} earlier stage(s)")
    for node_id in recent:
        lines.append(_stage_line(graph.nodes[node_id], outcomes.get(node_id), mode))
    if mode is not FidelityMode.SUMMARY_LOW:
        lines += _values(context, mode)
    return _clip("\n".join(lines), _BUDGET_CHARS[mode])


def _stage_line(node: Node, outcome: Outcome | None, mode: FidelityMode) -> str:
    if outcome is None:
        return f"- {node.label}: skipped"
    detail = outcome.failure_reason or outcome.notes
    if mode is FidelityMode.SUMMARY_LOW or not detail:
        return f"- {node.label}: {outcome.status}"
    return f"- {node.label}: {outcome.status} ({_clip(detail, 300)})"


def _values(context: Context, mode: FidelityMode) -> list[str]:
    limit = 1_500 if mode is FidelityMode.SUMMARY_HIGH else 300
    hidden = ("internal.", "graph.", "parallel.results", "current_node", "preferred_label")
    shown = [
        f"- {key} = {_clip(text_of(value), limit)}"
        for key, value in sorted(context.snapshot().items())
        if not key.startswith(hidden) and value not in (None, "")
    ]
    return ["Context:", *shown] if shown else []


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
