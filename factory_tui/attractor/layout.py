"""Where the nodes of a pipeline go in a drawing: in layers, the start first."""

from collections.abc import Mapping
from dataclasses import dataclass

from factory_tui.attractor.model import Edge, Graph

__all__ = ["Layout", "lay_out"]

_SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """The nodes' places.

    Attributes:
        layers: Node ids by layer, each in drawing order.
        back: Edges that lead back to an earlier layer or stay in theirs.
    """

    layers: list[list[str]]
    back: list[Edge]


def lay_out(graph: Graph) -> Layout:
    """Put every node below all nodes that lead to it, edges that close a cycle left aside."""
    order = _order(graph)
    rank = dict.fromkeys(order, 0)
    place = {node_id: number for number, node_id in enumerate(order)}
    for node_id in order:
        for edge in graph.outgoing_edges(node_id):
            if edge.to_node in place and place[edge.to_node] > place[node_id]:
                rank[edge.to_node] = max(rank[edge.to_node], rank[node_id] + 1)
    layers: list[list[str]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for node_id in order:
        layers[rank[node_id]].append(node_id)
    _untangle(layers, graph, rank)
    back = [
        edge
        for edge in graph.edges
        if edge.to_node in rank and rank[edge.to_node] <= rank[edge.from_node]
    ]
    return Layout(layers, back)


def _order(graph: Graph) -> list[str]:
    """Reverse postorder of a depth-first walk: every node before those only it leads to."""
    start = graph.start_node()
    roots = ([start.id] if start else []) + list(graph.nodes)
    seen: set[str] = set()
    finished: list[list[str]] = []
    for root in roots:
        if root in seen:
            continue
        part: list[str] = []
        seen.add(root)
        stack = [(root, _targets(graph, root))]
        while stack:
            node_id, left = stack[-1]
            if not left:
                part.append(node_id)
                stack.pop()
            # The last edge first, so that after reversal the first branch comes first.
            elif (following := left.pop()) not in seen:
                seen.add(following)
                stack.append((following, _targets(graph, following)))
        finished.append(part[::-1])
    return [node_id for part in finished for node_id in part]


def _targets(graph: Graph, node_id: str) -> list[str]:
    return [e.to_node for e in graph.outgoing_edges(node_id) if e.to_node in graph.nodes]


def _untangle(layers: list[list[str]], graph: Graph, rank: Mapping[str, int]) -> None:
    """Order each layer by where its nodes' neighbours are, so that fewer edges cross."""
    neighbours: dict[str, list[str]] = {node_id: [] for node_id in rank}
    for edge in graph.edges:
        if edge.from_node in rank and edge.to_node in rank:
            neighbours[edge.from_node].append(edge.to_node)
            neighbours[edge.to_node].append(edge.from_node)
    for sweep in range(_SWEEPS):
        at = {n: i / max(1, len(layer)) for layer in layers for i, n in enumerate(layer)}
        step = 1 if sweep % 2 == 0 else -1
        for layer in layers[::step]:
            wanted = {
                n: _mean([at[m] for m in neighbours[n] if (rank[n] - rank[m]) * step > 0], at[n])
                for n in layer
            }
            layer.sort(key=wanted.__getitem__)
            at.update({n: i / max(1, len(layer)) for i, n in enumerate(layer)})


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default
