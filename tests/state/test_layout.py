"""Graphs on a grid: nothing overlaps, every edge leads where it should, in both directions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.attractor import parse_dot
from factory_tui.attractor.layout import lay_out as layers_of
from factory_tui.state.layout import EAST, SOUTH, Box, Drawing, Link, Place, lay_out

STEPS = {1: (0, -1), 2: (1, 0), 4: (0, 1), 8: (-1, 0)}
WORDS = st.sampled_from(["", "", "Yes", "Not yet", "a rather long label"])


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], list[Link]]:
    """Any graph at all: cycles, loops, several edges between two nodes, islands."""
    count = draw(st.integers(1, 9))
    edges = draw(
        st.lists(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1), WORDS), max_size=16
        )
    )
    lines = [f"n{k}" for k in range(count)]
    lines += [f'n{a} -> n{b} [label="{word}"]' for a, b, word in edges]
    graph = parse_dot("digraph g {\n" + "\n".join(lines) + "\n}")
    layers = layers_of(graph).layers
    width, height = draw(st.integers(8, 24)), draw(st.integers(3, 4))
    boxes = [
        Box(node, layer, order, width, height)
        for layer, row in enumerate(layers)
        for order, node in enumerate(row)
    ]
    return boxes, [Link(n, e.from_node, e.to_node, e.label) for n, e in enumerate(graph.edges)]


def inside(place: Place, x: int, y: int) -> bool:
    return place.overlaps(Place(x, y, 1, 1))


def check(drawing: Drawing, boxes: list[Box], links: list[Link]) -> None:
    assert set(drawing.boxes) == {box.id for box in boxes}
    places = list(drawing.boxes.values())
    assert not any(a.overlaps(b) for n, a in enumerate(places) for b in places[n + 1 :])
    for box in boxes:
        place = drawing.boxes[box.id]
        assert place.width >= box.width and place.height >= box.height
        assert place.x >= 0 and place.x + place.width <= drawing.width
        assert place.y >= 0 and place.y + place.height <= drawing.height
    of_edge: dict[object, dict[tuple[int, int], int]] = {}
    for spot, cells in drawing.cells.items():
        assert not any(inside(place, *spot) for place in places), "an edge runs through a box"
        for cell in cells:
            assert spot not in of_edge.setdefault(cell.key, {})
            of_edge[cell.key][spot] = cell.sides
        for n, one in enumerate(cells):
            assert not any(one.sides & two.sides for two in cells[n + 1 :]), "shared line"
    ends = {key: (spot, side) for spot, (side, key) in drawing.ends.items()}
    for link in links:
        pieces = of_edge[link.key]
        spot, side = ends[link.key]
        dx, dy = STEPS[side]
        assert inside(drawing.boxes[link.target], spot[0] + dx, spot[1] + dy), "no way in"
        # Walked back from its head, the edge must end at its source, using every cell.
        seen, todo, home = {spot}, [spot], False
        while todo:
            x, y = todo.pop()
            for bit, (dx, dy) in STEPS.items():
                if not pieces[x, y] & bit:
                    continue
                there = (x + dx, y + dy)
                if there in pieces and there not in seen:
                    seen.add(there)
                    todo.append(there)
                home |= inside(drawing.boxes[link.source], *there) and there not in pieces
        assert home and seen == set(pieces)
    for x, y, text, _ in drawing.labels:
        for place in places:
            assert not place.overlaps(Place(x, y, len(text), 1)), "a label in a box"


@given(graphs(), st.sampled_from(["LR", "TB"]), st.booleans())
@settings(max_examples=120, deadline=None)
def test_any_graph_can_be_drawn(
    graph: tuple[list[Box], list[Link]], direction: str, tight: bool
) -> None:
    boxes, links = graph
    check(lay_out(boxes, links, direction, tight=tight), boxes, links)


def test_a_chain_is_straight() -> None:
    boxes = [Box(name, n, 0, 10, 3) for n, name in enumerate("abc")]
    links = [Link(1, "a", "b"), Link(2, "b", "c")]
    across = lay_out(boxes, links, "LR")
    assert {place.y for place in across.boxes.values()} == {0} and across.height == 3
    assert all(side == EAST for side, _ in across.ends.values())
    down = lay_out(boxes, links, "TB")
    assert {place.x for place in down.boxes.values()} == {0} and down.width == 10
    assert all(side == SOUTH for side, _ in down.ends.values())


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_a_thousand_nodes_are_placed(direction: str) -> None:
    boxes = [Box(f"n{k}", k // 4, k % 4, 18, 4) for k in range(1000)]
    links = [Link(k, f"n{k}", f"n{k + 4}") for k in range(996)] + [Link("back", "n999", "n0")]
    drawing = lay_out(boxes, links, direction)
    assert len(drawing.boxes) == 1000 and len(drawing.ends) == 997


def test_nothing_is_nothing() -> None:
    assert lay_out([], [], "LR") == Drawing()
    assert lay_out([Box("a", 7, 0, 8, 3)], [Link(1, "a", "gone")], "TB").cells == {}
