"""A pipeline as a picture: nodes in the shapes of the DOT file, coloured by what they are doing."""

import re
from collections import Counter
from collections.abc import Mapping
from html import escape as html_escape
from typing import Final

from factory_tui.attractor.layout import lay_out
from factory_tui.attractor.model import Edge, Graph, Node

__all__ = ["render_svg"]

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 170.0, 48.0, 40.0, 62.0, 24.0
_LABEL_CHARS: Final = 22
_FILL: Final = {
    "running": "#cfe4ff",
    "retrying": "#ffe3b8",
    "success": "#d3f2d8",
    "partial_success": "#eaf2c4",
    "fail": "#ffd3d3",
    "retry": "#ffe3b8",
    "skipped": "#e8e8e8",
}
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1a1d21;text-anchor:middle}"
    ".small{font-size:11px;fill:#4a5058}"
    ".edge{fill:none;stroke:#6b7178;stroke-width:1.3}"
    ".node{stroke:#3c4249;stroke-width:1.3}"
)

_NOT_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Point = tuple[float, float]


def escape(text: str) -> str:
    """Text for XML, without the characters XML has no place for."""
    return html_escape(_NOT_XML.sub("\ufffd", text))


def render_svg(graph: Graph, states: Mapping[str, str] | None = None) -> str:
    """Draw a pipeline from top to bottom.

    Args:
        graph: The pipeline.
        states: What nodes are doing: ``running``, ``retrying`` or an outcome's status.
    """
    layout = lay_out(graph)
    widest = max(map(len, layout.layers), default=1)
    width = widest * _WIDTH + (widest - 1) * _GAP_X
    centres: dict[str, Point] = {}
    for depth, layer in enumerate(layout.layers):
        used = len(layer) * _WIDTH + (len(layer) - 1) * _GAP_X
        left = _MARGIN + (width - used) / 2
        for number, node_id in enumerate(layer):
            x = left + number * (_WIDTH + _GAP_X) + _WIDTH / 2
            centres[node_id] = (x, _MARGIN + depth * (_HEIGHT + _GAP_Y) + _HEIGHT / 2)
    back = {id(edge): number for number, edge in enumerate(layout.back)}
    drawn: list[str] = []
    beside: Counter[tuple[str, str]] = Counter()
    for edge in graph.edges:
        ends = edge.from_node, edge.to_node
        if ends[0] in centres and ends[1] in centres:
            drawn.append(_edge(edge, centres, back.get(id(edge)), _MARGIN + width, beside[ends]))
            beside[ends] += 1
    for node in graph.nodes.values():
        drawn.append(_node(node, centres[node.id], (states or {}).get(node.id, "")))
    total_x = width + 2 * _MARGIN + (16 * len(back) + 60 if back else 0)
    total_y = len(layout.layers) * (_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN
    title = escape(graph.label or graph.id or "pipeline")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_x:g} {total_y:g}" '
        f'width="{total_x:g}" height="{total_y:g}" role="img" aria-label="{title}">'
        f"<title>{title}</title><style>{_STYLE}</style>"
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#6b7178"/>'
        "</marker></defs>" + "".join(drawn) + "</svg>\n"
    )


def _node(node: Node, centre: Point, state: str) -> str:
    x, y = centre
    fill = _FILL.get(state, "#ffffff")
    label = node.label if len(node.label) <= _LABEL_CHARS else node.label[: _LABEL_CHARS - 1] + "…"
    about = f"{node.id}: {node.handler_type}" + (f", {state}" if state else "")
    return (
        f'<g id="node-{escape(node.id)}" data-state="{escape(state)}">'
        f"<title>{escape(about)}</title>{_outline(node.shape, x, y, fill)}"
        f'<text x="{x:g}" y="{y + 1:g}">{escape(label)}</text>'
        f'<text class="small" x="{x:g}" y="{y + 15:g}">{escape(state)}</text></g>'
    )


def _outline(shape: str, x: float, y: float, fill: str) -> str:
    w, h = _WIDTH / 2, _HEIGHT / 2
    corners: dict[str, list[Point]] = {
        "Mdiamond": [(-w, 0), (0, -h), (w, 0), (0, h)],
        "diamond": [(-w, 0), (0, -h), (w, 0), (0, h)],
        "hexagon": [(-w, 0), (-w + 18, -h), (w - 18, -h), (w, 0), (w - 18, h), (-w + 18, h)],
        "parallelogram": [(-w + 16, -h), (w, -h), (w - 16, h), (-w, h)],
        "house": [(-w, -h + 12), (0, -h), (w, -h + 12), (w, h), (-w, h)],
        "tripleoctagon": [
            (-w, -h + 14), (-w + 14, -h), (w - 14, -h), (w, -h + 14),
            (w, h - 14), (w - 14, h), (-w + 14, h), (-w, h - 14),
        ],
    }  # fmt: skip
    if shape in corners:
        points = " ".join(f"{x + dx:g},{y + dy:g}" for dx, dy in corners[shape])
        return f'<polygon class="node" points="{points}" fill="{fill}"/>'
    radius = 2 if shape in ("Msquare", "component") else 8
    return (
        f'<rect class="node" x="{x - w:g}" y="{y - h:g}" width="{_WIDTH:g}" height="{_HEIGHT:g}" '
        f'rx="{radius}" fill="{fill}"/>'
    )


def _edge(
    edge: Edge, centres: Mapping[str, Point], back: int | None, right: float, nth: int
) -> str:
    (x1, y1), (x2, y2) = centres[edge.from_node], centres[edge.to_node]
    if back is None:
        y1, y2 = y1 + _HEIGHT / 2, y2 - _HEIGHT / 2
        bend = (y2 - y1) / 2
        path = f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"
        at = ((x1 + x2) / 2, (y1 + y2) / 2 + 4)
    else:
        # An edge that leads back goes around the right-hand side, each on a line of its own.
        line = right + 24 + 16 * back
        x1, x2 = x1 + _WIDTH / 2, x2 + _WIDTH / 2
        path = f"M{x1:g} {y1:g}C{line:g} {y1:g} {line:g} {y2:g} {x2:g} {y2:g}"
        at = (line - 12, (y1 + y2) / 2)
    said = edge.label or edge.condition
    # Edges between the same two nodes lie on each other; their captions must not.
    text = f'<text class="small" x="{at[0]:g}" y="{at[1] + 13 * nth:g}">{escape(said[:40])}</text>'
    dashed = ' stroke-dasharray="5 4"' if edge.condition else ""
    title = f"{edge.from_node} → {edge.to_node}" + (
        f" if {edge.condition}" if edge.condition else ""
    )
    return (
        f'<g><title>{escape(title)}</title><path class="edge" d="{path}"{dashed} '
        f'marker-end="url(#arrow)"/>{text if said else ""}</g>'
    )
