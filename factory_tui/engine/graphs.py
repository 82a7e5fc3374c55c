"""A pipeline's graph as plain data, for viewers that draw it without knowing DOT."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from factory_tui.attractor import Graph, Node
from factory_tui.attractor.layout import lay_out
from factory_tui.text import clean

__all__ = ["graph_data"]

_PROMPT: Final = 400
_ATTRIBUTE: Final = 120
"""Characters of a prompt and of any other attribute that a viewer is given."""

_TOLD: Final = frozenset({"label", "shape", "type", "prompt", "llm_model", "class"})
"""Attributes that a node's data has in fields of their own, or that only a stylesheet reads."""


def graph_data(graph: Graph) -> dict[str, Any]:
    """Nodes with a place in a drawing, edges, and a hash of all of it (see ``events``)."""
    layout = lay_out(graph)
    places = {
        node_id: (layer, order)
        for layer, row in enumerate(layout.layers)
        for order, node_id in enumerate(row)
    }
    back = {id(edge) for edge in layout.back}
    start = graph.start_node()
    data: dict[str, Any] = {
        "name": graph.label or graph.id,
        "goal": graph.goal,
        "direction": "LR" if str(graph.attrs.get("rankdir", "")).upper() == "LR" else "TB",
        "start": start.id if start else "",
        "nodes": [_node(node, *places[node.id]) for node in graph.nodes.values()],
        "edges": [
            {
                "from": edge.from_node,
                "to": edge.to_node,
                "label": edge.label,
                "condition": edge.condition,
                "weight": edge.weight,
                "back": id(edge) in back,
                "restart": edge.loop_restart,
            }
            for edge in graph.edges
        ],
    }
    text = json.dumps(data, sort_keys=True)
    return {**data, "hash": hashlib.sha256(text.encode()).hexdigest()[:16]}


def _node(node: Node, layer: int, order: int) -> dict[str, Any]:
    return {
        "id": node.id,
        "label": node.label,
        "shape": node.shape,
        "handler": node.handler_type,
        "layer": layer,
        "order": order,
        "group": node.subgraph_classes[-1] if node.subgraph_classes else "",
        "model": node.llm_model,
        "prompt": node.prompt[:_PROMPT],
        "attrs": {
            str(name): clean(str(value), limit=_ATTRIBUTE)
            for name, value in node.attrs.items()
            if name not in _TOLD and value not in ("", None)
        },
    }
